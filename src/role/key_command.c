/* What an operator says of keys: role/messages.def, key_command. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "role/key_role.h"

/* enum exit_code of cmd/cmd.h, which a role does not see. */
enum { DONE = 0, REFUSED = 1, WRONG_USAGE = 2, CANNOT = 3 };

#define ANSWER_MAX	1800	/* octets, of a message that takes 2000 */
#define AUDIT_PART	300	/* of a word that somebody typed */

struct command {
	struct key_role			*kr;
	const struct msg_key_command	*m;
	struct key_zone			*kz;
	uint32_t			 code, keys;
	uint32_t			 number;	/* of the key; 0: none */
	char				 text[ANSWER_MAX];
};

static void PRINTF(3, 4)
answer(struct command *c, uint32_t code, const char *fmt, ...)
{
	va_list ap;

	c->code = code;
	va_start(ap, fmt);
	(void)vsnprintf(c->text, sizeof(c->text), fmt, ap);
	va_end(ap);
}

/* --- which key --- */

static const char *
file_name(const struct key_zone *kz, const struct keystate_key *k)
{
	const struct keyring_key *have = key_ring_find(kz->ring, k);

	return have == NULL ? "" : have->name;
}

static bool
is_role(const struct keystate_key *k, struct sv word)
{
	return k->goal == KS_GOAL_OMNIPRESENT && (k->flags & KS_FLAG_EXTERNAL) == 0 &&
	    sv_caseeq(word, sv_str(keystate_role_name(k->role)));
}

/* "7", "12345", "Kexample.jp.+013+12345", or "ksk" where one key of that role is in use. */
static bool
is_meant(const struct key_zone *kz, const struct keystate_key *k, struct sv word)
{
	const char *file = file_name(kz, k);
	uint32_t v;

	if (k->number == 0)
		return false;
	if (num_u32(word, 0, UINT32_MAX, &v) == 0)
		return v == k->number || v == k->tag;
	return (file[0] != '\0' && sv_caseeq(word, sv_str(file))) || is_role(k, word);
}

static void
candidates_print(const struct command *c, struct buf *b, bool all)
{
	for (int i = 0; i < KEYSTATE_KEYS_MAX; i++) {
		const struct keystate_key *k = &key_life(c->kz)->state.keys[i];

		if (k->number == 0 || (!all && !is_meant(c->kz, k, c->m->key)))
			continue;
		buf_printf(b, "\n%u\t%s\talgorithm %u\ttag %u\t%s", k->number, keystate_role_name(k->role), k->alg,
		    k->tag, file_name(c->kz, k));
	}
}

/* A word that means two keys is refused: tags are no names, and neither are numbers that look like them. */
static bool
key_choose(struct command *c)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	unsigned n = 0;

	for (int i = 0; i < KEYSTATE_KEYS_MAX; i++) {
		if (!is_meant(c->kz, &key_life(c->kz)->state.keys[i], c->m->key))
			continue;
		c->number = key_life(c->kz)->state.keys[i].number;
		n++;
	}
	if (n == 1)
		return true;
	candidates_print(c, &b, n == 0);
	c->number = 0;
	answer(c, REFUSED, n == 0 ? "there is no such key; the keys of the zone are:%.*s" :
	    "that means several keys; say its file name:%.*s", SV_ARG(buf_get(&b)));
	return false;
}

/* --- what is done --- */

/* On the disk before it is answered, or it was never said. */
static void
state_command(struct command *c, enum keystate_command cmd)
{
	struct keystate was = key_life(c->kz)->state;
	int rc = keystate_command(&key_life(c->kz)->state, cmd, c->number, role_now(c->kr->role));

	if (rc == -EBUSY || rc == -ENOENT) {
		answer(c, REFUSED, "not now: that key is not in a state in which this could be done");
		return;
	}
	if (rc == 0)
		rc = key_state_write(c->kr, c->kz);
	if (rc < 0) {
		key_life(c->kz)->state = was;
		answer(c, CANNOT, "%s", err_str(rc));
		return;
	}
	c->keys = c->number != 0;
}

static void
do_simple(struct command *c, int cmd)
{
	state_command(c, (enum keystate_command)cmd);
}

static bool
has_private(const struct key_zone *kz, const struct keystate_key *k)
{
	const struct keyring_key *have = key_ring_find(kz->ring, k);

	return have != NULL && (have->priv != NULL || have->uri != NULL);
}

/* Back to a key that nobody has any more would be the end of the zone. */
static void
do_cancel(struct command *c, int cmd)
{
	const struct keystate_key *k = &key_life(c->kz)->state.keys[keystate_find(&key_life(c->kz)->state, c->number)];
	int place = keystate_find(&key_life(c->kz)->state, k->goal == KS_GOAL_OMNIPRESENT && k->successor == 0 ?
	    k->predecessor : k->number);

	if (place >= 0 && !has_private(c->kz, &key_life(c->kz)->state.keys[place])) {
		answer(c, REFUSED, "the private key of the older one is not there any more");
		return;
	}
	state_command(c, (enum keystate_command)cmd);
}

static void
do_import(struct command *c, int cmd UNUSED)
{
	char why[KEY_TEXT_MAX] = "";
	unsigned n = 0;
	int rc = key_zone_import(c->kr, c->kz, &n, why, sizeof(why));

	c->keys = n;
	if (rc < 0)
		answer(c, CANNOT, "%s", why);
}

/* The folder is read anew: it was not there, and now is. */
static void
do_found(struct command *c, int cmd)
{
	do_import(c, 0);
	c->keys = 0;
	if (c->code != DONE)
		return;
	if (!has_private(c->kz, &key_life(c->kz)->state.keys[keystate_find(&key_life(c->kz)->state, c->number)])) {
		answer(c, REFUSED, "its private key is not in the folder");
		return;
	}
	state_command(c, (enum keystate_command)cmd);
}

/* All that are there now, or one. */
static void
do_backed_up(struct command *c, int cmd)
{
	unsigned n = 0;

	if (c->m->key.n > 0) {
		if (key_choose(c))
			state_command(c, (enum keystate_command)cmd);
		return;
	}
	for (int i = 0; i < KEYSTATE_KEYS_MAX && c->code == DONE; i++) {
		const struct keystate_key *k = &key_life(c->kz)->state.keys[i];

		if (k->number == 0 || (k->flags & (KS_FLAG_BACKED_UP | KS_FLAG_EXTERNAL)) != 0)
			continue;
		c->number = k->number;
		state_command(c, (enum keystate_command)cmd);
		n += c->code == DONE;
	}
	c->number = 0;
	c->keys = n;
}

/* The zone's name is typed once more, by somebody who has read the story. */
static void
do_override(struct command *c, int cmd UNUSED)
{
	struct dname typed;

	if (dname_parse(c->m->detail, NULL, &typed) < 0 || !dname_eq(&typed, &c->kz->e->name)) {
		answer(c, WRONG_USAGE, "to take the step all the same, the zone's name is to be given once more");
		return;
	}
	if (!c->kz->refusal.is) {
		answer(c, REFUSED, "no step of this zone is refused");
		return;
	}
	c->kz->refusal.overridden = true;
}

static const struct verb {
	const char	*name;
	bool		 of_key;
	bool		 of_dead;	/* also where the keys could not be used until now */
	void		(*fn)(struct command *, int cmd);
	int		 cmd;
} verbs[] = {
	{ "roll", true, false, do_simple, KS_CMD_ROLL },
	{ "cancel", true, false, do_cancel, KS_CMD_CANCEL },
	{ "backed-up", false, false, do_backed_up, KS_CMD_BACKED_UP },
	{ "compromised", true, false, do_simple, KS_CMD_COMPROMISED },
	{ "lost", true, false, do_simple, KS_CMD_LOST },
	{ "found", true, false, do_found, KS_CMD_FOUND },
	{ "retire", true, false, do_simple, KS_CMD_RETIRE },
	{ "hold", false, false, do_simple, KS_CMD_HOLD },
	{ "release", false, false, do_simple, KS_CMD_RELEASE },
	{ "accept-ds", false, false, do_simple, KS_CMD_ACCEPT_DS },
	{ "override", false, false, do_override, 0 },
	{ "import-done", false, true, do_import, 0 },
};

static const struct verb *
verb_find(struct sv word)
{
	for (size_t i = 0; i < ARRAY_LEN(verbs); i++)
		if (sv_eq_str(word, verbs[i].name))
			return &verbs[i];
	return NULL;
}

/* --- the frame --- */

static void
command_run(struct command *c)
{
	const struct verb *v = verb_find(c->m->verb);
	struct dname name;

	if (dname_parse(c->m->zone, NULL, &name) == 0)
		c->kz = key_zone_find(c->kr, &name);
	if (c->kz == NULL)
		answer(c, REFUSED, "there is no such zone in the configuration");
	else if (v == NULL)
		answer(c, WRONG_USAGE, "there is no such command");
	else if (c->kz->ring == NULL && !v->of_dead)
		answer(c, CANNOT, "its keys cannot be used; see the log");
	else if (v->of_key && c->m->key.n == 0)
		answer(c, WRONG_USAGE, "which key? its number, its tag or its file name");
	else if (!v->of_key || key_choose(c))
		v->fn(c, v->cmd);
}

static void
command_audit(const struct command *c)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	struct json j = json_on(&b, false);

	json_open(&j, '{');
	json_kv_sv(&j, "zone", sv_take(c->m->zone, AUDIT_PART));
	json_kv_sv(&j, "verb", c->m->verb);
	if (c->m->key.n > 0)
		json_kv_sv(&j, "said", sv_take(c->m->key, AUDIT_PART));
	if (c->number != 0)
		json_kv_u64(&j, "key", c->number);
	if (c->keys != 0)
		json_kv_u64(&j, "keys", c->keys);
	if (c->m->detail.n > 0)
		json_kv_sv(&j, "detail", sv_take(c->m->detail, AUDIT_PART));
	json_kv_sv(&j, "who", c->m->who);
	json_kv_bool(&j, "done", c->code == DONE);
	json_close(&j, '}');
	if (b.rc == 0)
		role_audit(c->kr->role, sv_eq_str(c->m->verb, "backed-up") && c->code == DONE ?
		    "keys-backed-up" : "key-command", buf_get(&b));
}

int
key_on_command(struct role *r, enum role_id from UNUSED, void *msg)
{
	struct command c = { .kr = r->state, .m = msg };
	struct msg_key_answer a;
	int rc = 0;

	if (key_token_orphan_command(c.kr, c.m->req, c.m->verb, c.m->key)) {
		command_audit(&c);	/* that it was asked for; key_token_orphan.c says what came of it */
		return 0;
	}
	command_run(&c);
	command_audit(&c);
	if (c.code == DONE)
		rc = key_zone_step(c.kr, c.kz, NULL);
	if (rc < 0)
		return rc;
	if (c.code == DONE && c.kz->refusal.overridden) {	/* there was no step left to take */
		c.kz->refusal.overridden = false;
		answer(&c, CANNOT, "the step could not be taken; see the log");
	}
	key_timer_arm(c.kr);
	if (c.kz != NULL)
		key_told_soon(c.kr, c.kz);
	a = (struct msg_key_answer){ .req = c.m->req, .code = c.code, .keys = c.keys, .text = sv_str(c.text) };
	return msg_key_answer_send(r, ROLE_PARENT, &a);
}

/* The older form of one of the commands. */
int
key_on_backed_up(struct role *r, enum role_id from, void *msg)
{
	const struct msg_key_backed_up *b = msg;
	struct msg_key_command m = { .req = b->req, .zone = b->zone, .verb = SV("backed-up"), .who = b->who };

	return key_on_command(r, from, &m);
}
