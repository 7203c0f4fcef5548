/* How all keys are, told (key_told) and shown to whoever asks (key_show); app/key_told.h has the form. */
#include <errno.h>
#include <string.h>

#include "app/key_told.h"
#include "base/err.h"
#include "role/key_role.h"
#include "sys/file.h"
#include "sys/memfd.h"

#define SOON_USEC	200000LL
#define PAGE_USEC	100000LL	/* from one page to the next */
#define TOLD_USEC	30000000LL	/* that we live, if there is nothing else to be said */

/* --- a zone --- */

/* Why a token does not serve this zone's keys at the moment; one reason is enough. */
static const char *
token_why(struct key_role *kr, const struct key_zone *kz)
{
	const char *why;
	bool has = false;

	for (size_t i = 0; kz->ring != NULL && i < keyring_n(kz->ring); i++) {
		const char *stays = key_token_stays(key_zone_token(kr, kz, keyring_get(kz->ring, i)));
		enum key_token_state t = key_zone_token_state(kr, kz, keyring_get(kz->ring, i), &why);

		if (t == KEY_TOKEN_AWAY || t == KEY_TOKEN_BAD)
			return why;
		if (stays != NULL)
			return stays;
		has = has || t == KEY_TOKEN_GOOD;
	}
	return has ? key_token_ill(kr->token) : NULL;
}

static void
handed_fill(struct key_told *kt, const struct key_zone *kz)
{
	static const char *const names[KEY_HANDED_MAX] = { "notify", "hook" };

	for (size_t i = 0; i < KEY_HANDED_MAX; i++) {
		const struct key_demand *d = &kz->demands[i];

		kt->handed[kt->n_handed++] = (struct key_told_handed){ .name = names[i], .since = d->since,
			.done = kz->serials.handed[i] == d->since, .n_failed = d->n_failed, .why = d->why };
	}
}

static void
zone_json(struct json *j, struct key_role *kr, const struct key_zone *kz)
{
	static const char *const states[KEY_SET_STATE_MAX] = { "ready", "waits", "cannot", "ready" };
	enum key_set_state s = kz->set == NULL ? KEY_SET_CANNOT : kz->set->state;
	struct key_told kt = { .zone = &kz->e->name, .state = states[s],
		.why = kz->set == NULL ? "" : kz->set->why, .is_unsigned = s == KEY_SET_UNSIGNED,
		.token = token_why(kr, kz) };

	if (kz->ring != NULL) {
		kt.st = &key_life(kz)->state;
		kt.step = &key_life(kz)->step;
		kt.policy = &kz->e->policy;
		kt.ring = kz->ring;
		kt.n_doubt = kz->n_doubt;
		kt.story = kz->refusal.is ? kz->refusal.story[LANG_EN] : NULL;
		kt.story_ja = kz->refusal.story[LANG_JA];
		kt.refused_since = kz->refusal.since;
		handed_fill(&kt, kz);
	}
	key_told_json(j, &kt);
}

/* --- the frames --- */

static void
page_json(struct key_role *kr, struct told_turn *t, struct json *j)
{
	size_t i;

	told_turn_begin(t, j);
	json_key(j, "zones");
	json_open(j, '[');
	while (told_turn_next(t, j, &i))
		if (kr->zones[i].begun)
			zone_json(j, kr, &kr->zones[i]);
	json_close(j, ']');
	told_turn_end(t, j);
}

static void
one_json(struct key_role *kr, const struct key_zone *kz, struct json *j)
{
	json_key(j, "zones");
	json_open(j, '[');
	zone_json(j, kr, kz);
	json_close(j, ']');
}

int
key_on_show(struct role *r, enum role_id from UNUSED, void *msg)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	const struct msg_key_show *m = msg;
	struct key_role *kr = r->state;
	struct told_turn t = TOLD_TURN_FROM(kr->list.n, m->from);
	struct json j = json_on(&b, false);
	struct msg_key_shown a = { .req = m->req };
	struct key_zone *only = NULL;
	struct dname name;
	int rc;

	if (m->zone.n > 0 && dname_parse(m->zone, NULL, &name) == 0)
		only = key_zone_find(kr, &name);
	if (only != NULL && (rc = key_zone_begin(kr, only)) < 0)
		return rc;
	a.code = m->zone.n > 0 && only == NULL;
	json_open(&j, '{');
	json_kv_u64(&j, "life", kr->first_generation);
	if (only != NULL)
		one_json(kr, only, &j);
	else if (a.code == 0)
		page_json(kr, &t, &j);
	json_close(&j, '}');
	rc = b.rc < 0 ? b.rc : memfd_of("keys", buf_get(&b), &a.json);
	if (rc < 0)
		return rc;
	rc = msg_key_shown_send(r, ROLE_PARENT, &a);
	fd_close(&a.json);
	return rc;
}

static void
told_arm(struct key_role *kr, int64_t usec)
{
	(void)loop_timer_set(kr->told_timer, usec);
	kr->told_is_armed = usec < TOLD_USEC;
}

void
key_told_soon(struct key_role *kr, const struct key_zone *kz)
{
	if (kr->told_timer == NULL)
		return;
	told_turn_changed(&kr->telling, (size_t)(kz - kr->zones));
	if (!kr->told_is_armed)
		told_arm(kr, SOON_USEC);
}

int
key_on_told_ask(struct role *r, enum role_id from UNUSED, void *msg UNUSED)
{
	struct key_role *kr = r->state;

	told_turn_all(&kr->telling);
	told_arm(kr, SOON_USEC);
	return 0;
}

/* Half of the zones would be half of the truth: nothing is told before all are known. */
void
key_told_timer(void *arg)
{
	static const enum role_id to[] = { ROLE_WEB, ROLE_STORE };
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	struct key_role *kr = arg;
	struct json j = json_on(&b, false);
	struct msg_key_told m;

	if (kr->n_begun < kr->list.n) {
		told_arm(kr, SOON_USEC);
		return;
	}
	json_open(&j, '{');
	page_json(kr, &kr->telling, &j);
	json_close(&j, '}');
	told_arm(kr, told_turn_waits(&kr->telling) ? PAGE_USEC : TOLD_USEC);
	if (b.rc < 0 || memfd_of("keys", buf_get(&b), &m.json) < 0)
		return;
	for (size_t i = 0; i < ARRAY_LEN(to); i++)
		(void)msg_key_told_send(kr->role, to[i], &m);
	fd_close(&m.json);
}
