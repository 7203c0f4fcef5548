/* Questions of the control socket that key, zone or report answers; each is waited for by itself. */
#include "base/err.h"
#include "role/parent.h"
#include "sys/memfd.h"

/* --- who waits --- */

/* *ret_req is its number. There is room for as many as the socket has clients. */
static struct key_wait *
wait_add(struct parent *p, enum role_id role, struct ctl_client *client)
{
	for (size_t i = 0; i < ARRAY_LEN(p->key_waits); i++)
		if (p->key_waits[i].client == NULL) {
			p->key_waits[i] = (struct key_wait){ ++p->keys_id, role, client };
			return &p->key_waits[i];
		}
	ctl_answer(client, SV("{\"error\":\"busy\"}\n"));
	return NULL;
}

static struct ctl_client *
wait_take(struct parent *p, uint32_t req)
{
	for (size_t i = 0; i < ARRAY_LEN(p->key_waits); i++)
		if (p->key_waits[i].client != NULL && p->key_waits[i].req == req)
			return TAKE_PTR(p->key_waits[i].client);
	return NULL;
}

/* --- answers --- */

static void
refuse(struct ctl_client *client, uint32_t code, struct sv text)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	struct json j = json_on(&b, false);

	json_open(&j, '{');
	json_kv_bool(&j, "good", false);
	json_kv_u64(&j, "code", code);
	json_kv_sv(&j, "text", text);
	json_close(&j, '}');
	buf_char(&b, '\n');
	ctl_answer(client, buf_get(&b));
}

/* It is not there: of 3, "the work could not be done" (cmd/cmd.h). */
static void
down(struct key_wait *w)
{
	refuse(TAKE_PTR(w->client), 3, w->role == ROLE_REPORT ?
	    SV("the report role is not running; does the configuration have mail.reports: aggregate?") :
	    w->role == ROLE_KEY ? SV("the key role is not running; is the zone in the configuration?") :
	    SV("the zone role is not running; is the zone in the configuration?"));
}

void
waits_drop(struct parent *p, enum role_id role)
{
	for (size_t i = 0; i < ARRAY_LEN(p->key_waits); i++)
		if (p->key_waits[i].client != NULL && p->key_waits[i].role == role)
			down(&p->key_waits[i]);
}

void
keys_answered(struct parent *p, const struct msg_key_answer *m)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	struct json j = json_on(&b, false);
	struct ctl_client *client;

	if ((client = wait_take(p, m->req)) == NULL)
		return;
	if (m->code != 0) {
		refuse(client, m->code, m->text);
		return;
	}
	json_open(&j, '{');
	json_kv_bool(&j, "good", true);
	json_kv_u64(&j, "code", 0);
	json_kv_u64(&j, "keys", m->keys);
	json_kv_sv(&j, "text", m->text);
	json_close(&j, '}');
	buf_char(&b, '\n');
	ctl_answer(client, buf_get(&b));
}

static void
shown(struct ctl_client *client, uint32_t code, int json)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	struct file_map map;
	int rc;

	if (client == NULL)
		return;
	if (code != 0) {
		refuse(client, code, SV("there is no such zone in the configuration"));
		return;
	}
	if ((rc = memfd_map(json, false, CTL_ANSWER_MAX - 64, &map)) < 0) {
		refuse(client, 3, sv_str(err_str(rc)));
		return;
	}
	/* Who asked reads it as JSON, and finds out whether it is. */
	buf_str(&b, "{\"good\":true,\"code\":0,\"told\":");
	buf_sv(&b, map.data);
	buf_str(&b, "}\n");
	file_unmap(&map);
	ctl_answer(client, b.rc == 0 ? buf_get(&b) : SV("{\"error\":\"no memory\"}\n"));
}

void
keys_shown(struct parent *p, const struct msg_key_shown *m)
{
	shown(wait_take(p, m->req), m->code, m->json);
}

void
zones_shown(struct parent *p, const struct msg_zone_shown *m)
{
	shown(wait_take(p, m->req), m->code, m->json);
}

void
complaint_answered(struct parent *p, const struct msg_report_complained *m)
{
	struct ctl_client *client = wait_take(p, m->req);

	if (client == NULL)
		return;
	if (m->code != 0)
		refuse(client, m->code, m->text);
	else
		ctl_answer(client, SV("{\"good\":true,\"code\":0}\n"));
}

/* --- questions --- */

static void
ask(struct parent *p, struct key_wait *w, enum msg_type type, const void *msg)
{
	struct child *c = &p->children[w->role];

	if (!c->ready || child_send(c, type, msg) < 0)
		down(w);
}

void
keys_backed_up(struct parent *p, struct ctl_client *client, struct sv zone)
{
	char who[CTL_WHO_MAX];
	struct msg_key_backed_up m = { .zone = zone, .who = sv_str(ctl_who(client, who)) };
	struct key_wait *w = wait_add(p, ROLE_KEY, client);

	if (w == NULL)
		return;
	m.req = w->req;
	ask(p, w, MSG_key_backed_up, &m);
}

static struct sv
word(struct sv *rest)
{
	struct sv w = sv_cut(rest, ' ');

	return sv_eq_str(w, "-") ? SV("") : w;
}

void
keys_command(struct parent *p, struct ctl_client *client, struct sv words)
{
	char who[CTL_WHO_MAX];
	struct msg_key_command m = { .who = sv_str(ctl_who(client, who)) };
	struct key_wait *w = wait_add(p, ROLE_KEY, client);

	if (w == NULL)
		return;
	m.req = w->req;
	m.verb = word(&words);
	m.zone = word(&words);
	m.key = word(&words);
	m.detail = words;
	ask(p, w, MSG_key_command, &m);
}

/* "", "ZONE", or "from NUMBER". */
static struct sv
show_words(struct sv words, uint32_t *ret_from)
{
	struct sv rest = words;

	*ret_from = 0;
	if (sv_eq_str(sv_cut(&rest, ' '), "from") && num_u32(rest, 0, UINT32_MAX, ret_from) == 0)
		return SV("");
	return words;
}

void
keys_show(struct parent *p, struct ctl_client *client, struct sv words)
{
	struct key_wait *w = wait_add(p, ROLE_KEY, client);
	struct msg_key_show m = { 0 };

	if (w == NULL)
		return;
	m.zone = show_words(words, &m.from);
	m.req = w->req;
	ask(p, w, MSG_key_show, &m);
}

void
zones_show(struct parent *p, struct ctl_client *client, struct sv words)
{
	struct key_wait *w = wait_add(p, ROLE_ZONE, client);
	struct msg_zone_show m = { 0 };

	if (w == NULL)
		return;
	m.zone = show_words(words, &m.from);
	m.req = w->req;
	ask(p, w, MSG_zone_show, &m);
}

void
complaint_note(struct parent *p, struct ctl_client *client, struct sv names)
{
	struct key_wait *w = wait_add(p, ROLE_REPORT, client);
	struct msg_report_complaint m = { .names = names };

	if (w == NULL)
		return;
	m.req = w->req;
	ask(p, w, MSG_report_complaint, &m);
}
