/* What the control socket answers, and what the page gets to know of the house. */
#include <stdio.h>

#include "app/crypto_choice.h"
#include "base/err.h"
#include "base/timefmt.h"
#include "role/parent.h"

static void
child_json(struct json *j, const struct child *c)
{
	char when[TIME_STRLEN];

	json_kv_str(j, "name", role_name(c->id));
	json_kv_u64(j, "pid", (uint64_t)c->pid);
	json_kv_str(j, "since", c->since > 0 ? time_str(c->since, when) : NULL);
	json_kv_u64(j, "restarts", c->restarts);
	json_kv_u64(j, "slowed", c->n_slowed);
	json_kv_bool(j, "ready", c->ready);
}

static void
house_json(const struct parent *p, struct json *j)
{
	char when[TIME_STRLEN];

	json_kv_str(j, "version", SEKISHO_VERSION);
	json_kv_u64(j, "pid", (uint64_t)proc_pid());
	json_kv_str(j, "since", time_str(p->since, when));
	json_kv_u64(j, "reloads", p->reloads);
	json_kv_bool(j, "sandbox", !p->no_sandbox);
	json_key(j, "crypto");
	crypto_choice_json(j, crypto_wish(p));
	json_key(j, "roles");
	json_open(j, '[');
	for (int i = ROLE_STORE; i < ROLE_MAX; i++) {
		if (!conf_wants(p->conf, (enum role_id)i) && p->children[i].pid == 0)
			continue;
		json_open(j, '{');
		child_json(j, &p->children[i]);
		json_close(j, '}');
	}
	json_close(j, ']');
}

void
house_send(struct parent *p)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	struct json j = json_on(&b, false);
	struct msg_house m;

	if (p->stage != STAGE_UP || !p->children[ROLE_WEB].ready)
		return;
	json_open(&j, '{');
	house_json(p, &j);
	json_close(&j, '}');
	m.json = buf_get(&b);
	if (b.rc == 0)
		(void)child_send(&p->children[ROLE_WEB], MSG_house, &m);
}

/* --- status --- */

/* One line a part, so that a role's answer can spoil no other's. */
static void
status_send(struct parent *p)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	struct ctl_client *client = p->status_client;
	struct json j = json_on(&b, false);

	p->status_client = NULL;
	loop_timer_stop(p->status_timer);
	json_open(&j, '{');
	house_json(p, &j);
	json_key(&j, "listen");
	json_open(&j, '[');
	for (unsigned i = 0; i < p->n_listeners; i++) {
		json_open(&j, '{');
		json_kv_str(&j, "role", role_name(p->listeners[i].role));
		json_kv_str(&j, "address", p->listeners[i].bound.text);
		json_close(&j, '}');
	}
	json_close(&j, ']');
	json_close(&j, '}');
	buf_char(&b, '\n');
	for (int i = ROLE_STORE; i < ROLE_MAX; i++) {
		struct child *c = &p->children[i];
		struct json line = json_on(&b, false);

		if (!conf_wants(p->conf, c->id) && c->pid == 0)
			continue;
		json_open(&line, '{');
		json_kv_str(&line, "role", role_name(c->id));
		json_kv_bool(&line, "answered", c->ready && !c->asked);
		json_key(&line, "status");
		if (c->status.len > 0 && c->pid != 0)
			json_raw(&line, buf_get(&c->status));
		else
			json_nil(&line);
		json_close(&line, '}');
		buf_char(&b, '\n');
	}
	ctl_answer(client, buf_get(&b));
}

/* Send when nobody is waited for any more. */
void
status_answered(struct parent *p)
{
	if (p->status_client == NULL)
		return;
	for (int i = ROLE_STORE; i < ROLE_MAX; i++)
		if (p->children[i].asked)
			return;
	status_send(p);
}

void
status_timeout(void *arg)
{
	struct parent *p = arg;

	if (p->status_client != NULL)
		status_send(p);
}

static void
status_ask(struct parent *p, struct ctl_client *client)
{
	struct msg_status_ask m = { .id = ++p->status_id };

	if (p->status_client != NULL) {
		/* One at a time; who comes too early hears so. */
		ctl_answer(client, SV("{\"error\":\"busy\"}\n"));
		return;
	}
	p->status_client = client;
	for (int i = ROLE_STORE; i < ROLE_MAX; i++) {
		struct child *c = &p->children[i];

		/* One that owes an answer still is not asked again. */
		if (c->ready && !c->asked && child_send(c, MSG_status_ask, &m) == 0)
			c->asked = true;
	}
	(void)loop_timer_set(p->status_timer, STATUS_MS * 1000);
	status_answered(p);
}

/* --- reload --- */

/* NULL: by SIGHUP, of which the loop does not tell the sender. */
static void
reload_audit(struct parent *p, const struct ctl_client *client, const char *event)
{
	char who[CTL_WHO_MAX], details[CTL_WHO_MAX + 16];

	(void)snprintf(details, sizeof(details), "{\"by\":\"%s\"}",
	    client == NULL ? "SIGHUP" : ctl_who(client, who));
	parent_audit(p, event, details);
}

static void
reload(struct parent *p, struct ctl_client *client)
{
	_cleanup_(buf_done) struct buf err = BUF_INIT, b = BUF_INIT;
	struct json j = json_on(&b, false);
	int rc = conf_reload(p, &err);

	if (rc < 0)
		parent_log(p, LOG_LEVEL_ERROR, "%.*s; keeping the old configuration",
		    SV_ARG(buf_get(&err)));
	else
		parent_log(p, LOG_LEVEL_NOTICE, "configuration reloaded");
	reload_audit(p, client, rc < 0 ? "reload-refused" : "reload");
	if (client == NULL)
		return;
	json_open(&j, '{');
	json_kv_bool(&j, "good", rc == 0);
	if (rc < 0)
		json_kv_sv(&j, "error", buf_get(&err));
	json_close(&j, '}');
	buf_char(&b, '\n');
	ctl_answer(client, buf_get(&b));
}

/* --- the drop guard --- */

void
release_answered(struct parent *p, const struct msg_guard_answer *m)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	struct json j = json_on(&b, false);

	if (p->release_client == NULL || (m != NULL && m->req != p->release_id))
		return;
	json_open(&j, '{');
	json_kv_bool(&j, "good", m != NULL && m->code == 0);
	json_kv_sv(&j, "text", m != NULL ? m->text : SV("the validator is starting; try again soon"));
	json_close(&j, '}');
	buf_char(&b, '\n');
	ctl_answer(p->release_client, buf_get(&b));
	p->release_client = NULL;
}

static void
release(struct parent *p, struct ctl_client *client, struct sv hash)
{
	char who[CTL_WHO_MAX];
	struct msg_guard_release m = { .req = ++p->release_id, .hash = hash,
	    .who = sv_str(ctl_who(client, who)) };

	if (p->release_client != NULL) {
		ctl_answer(client, SV("{\"error\":\"busy\"}\n"));
		return;
	}
	p->release_client = client;
	if (hash.n != 64 || !p->children[ROLE_VALIDATE].ready ||
	    child_send(&p->children[ROLE_VALIDATE], MSG_guard_release, &m) < 0)
		release_answered(p, NULL);
}

/* --- fetch now --- */

static void
fetch_now(struct parent *p, struct ctl_client *client, struct sv key)
{
	const struct msg_fetch_now m = { .key = key };
	struct child *c = &p->children[ROLE_FETCH];
	bool good = c->ready && child_send(c, MSG_fetch_now, &m) == 0;

	ctl_answer(client, good ? SV("{\"good\":true}\n") :
	    SV("{\"good\":false,\"text\":\"nothing is fetched now\"}\n"));
}

void
ctl_line(void *arg, struct ctl_client *client, struct sv line)
{
	struct parent *p = arg;

	if (sv_eq_str(line, "status"))
		status_ask(p, client);
	else if (sv_eq_str(line, "reload"))
		reload(p, client);
	else if (sv_starts(line, SV("release ")))
		release(p, client, sv_skip(line, sizeof("release ") - 1));
	else if (sv_starts(line, SV("backed-up ")))
		keys_backed_up(p, client, sv_skip(line, sizeof("backed-up ") - 1));
	else if (sv_starts(line, SV("key ")))
		keys_command(p, client, sv_skip(line, sizeof("key ") - 1));
	else if (sv_eq_str(line, "key-show"))
		keys_show(p, client, SV(""));
	else if (sv_starts(line, SV("key-show ")))
		keys_show(p, client, sv_skip(line, sizeof("key-show ") - 1));
	else if (sv_eq_str(line, "zone-show"))
		zones_show(p, client, SV(""));
	else if (sv_starts(line, SV("zone-show ")))
		zones_show(p, client, sv_skip(line, sizeof("zone-show ") - 1));
	else if (sv_starts(line, SV("complaint ")))
		complaint_note(p, client, sv_skip(line, sizeof("complaint ") - 1));
	else if (sv_eq_str(line, "fetch"))
		fetch_now(p, client, SV(""));
	else if (sv_starts(line, SV("fetch ")))
		fetch_now(p, client, sv_skip(line, sizeof("fetch ") - 1));
	else
		ctl_answer(client, SV("{\"error\":\"unknown request\"}\n"));
}

void
parent_hup(void *arg)
{
	reload(arg, NULL);
}
