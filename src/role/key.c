/* key: see role/key_role.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "role/crypto.h"
#include "role/key_role.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/memfd.h"
#include "sys/tree.h"

#define LOOK_MAX_SEC	3600	/* the clock may be set meanwhile */
#define TURN_ZONES	16	/* … of which each may say a dozen things */
#define TURN_USEC	50000
#define PAUSE_USEC	2000	/* others are heard */
#define SERIALS_SEC	60	/* a longer stretch of serials is written now and then */

/* --- time --- */

/* Never later than it would have been: there may be no end of those who call this. */
static void
timer_set(struct key_role *kr, int64_t wait_usec)
{
	int64_t at = clock_mono_usec() + wait_usec;

	if (kr->armed_usec != 0 && kr->armed_usec <= at)
		return;
	kr->armed_usec = at;
	(void)loop_timer_set(kr->timer, wait_usec);
}

void
key_timer_arm(struct key_role *kr)
{
	int64_t now = role_now(kr->role), next = min_i64(kr->soonest, now + LOOK_MAX_SEC);

	if (kr->soonest == 0 || kr->n_begun < kr->list.n || kr->untold.n_in > 0)
		timer_set(kr, PAUSE_USEC);
	else
		timer_set(kr, (next <= now ? 1 : next - now) * 1000000LL);
}

void
key_zone_due(struct key_role *kr, const struct key_zone *kz)
{
	kr->soonest = min_i64(kr->soonest, kz->next);
}

static int
untold_tell(struct key_role *kr)
{
	size_t n = kr->untold.n_in, i;
	int rc = 0;

	while (n-- > 0 && rc == 0 && role_is_heard(kr->role) && turn_queue_take(&kr->untold, &i))
		rc = key_zone_tell(kr, &kr->zones[i]);
	return rc;
}

/* Begin it, or take the step that is due. 1: it was done. */
static int
zone_turn(struct key_role *kr, struct key_zone *kz, int64_t now)
{
	int rc = 0;

	if (kz->begun && (kz->ring == NULL || kz->next > now)) {
		if (kz->ring != NULL)
			kr->soonest = min_i64(kr->soonest, kz->next);
		return 0;
	}
	rc = kz->begun ? key_zone_step(kr, kz, NULL) : key_zone_begin(kr, kz);
	return rc < 0 ? rc : 1;
}

/*
 * Some zones at a time: thousands have their first keys made, or are due at once, and
 * meanwhile others are to be heard and answered. All that is said has to find room, too.
 */
static int
zones_turn(struct key_role *kr, bool *ret_all)
{
	int64_t now = role_now(kr->role), began = clock_mono_usec();
	unsigned n = 0;

	kr->soonest = TIME_NEVER;
	for (size_t i = 0; i < kr->list.n; i++) {
		int rc = zone_turn(kr, &kr->zones[kr->turn++ % kr->list.n], now);

		if (rc < 0)
			return rc;
		n += (unsigned)rc;
		if (n >= TURN_ZONES || clock_mono_usec() - began > TURN_USEC)
			return 0;
	}
	*ret_all = true;
	return 0;
}

static int
turns_take(struct key_role *kr)
{
	bool all = false;
	int rc = untold_tell(kr);

	if (rc == 0 && role_is_heard(kr->role))
		rc = zones_turn(kr, &all);
	if (!all)
		kr->soonest = 0;	/* what was not looked at may be due */
	key_timer_arm(kr);
	return rc;
}

static void
on_timer(void *arg)
{
	struct key_role *kr = arg;
	int rc;

	kr->armed_usec = 0;
	if ((rc = turns_take(kr)) < 0)
		role_stop(kr->role, rc);
}

struct key_zone *
key_zone_find(struct key_role *kr, const struct dname *name)
{
	struct zone_list_entry *e = zone_list_find(&kr->list, name);

	return e == NULL ? NULL : &kr->zones[e - kr->list.v];
}

static struct key_zone *
zone_of(struct key_role *kr, struct sv wire)
{
	struct rd rd = rd_sv(wire);
	struct dname name;

	dname_rd(&rd, &name);
	return rd_done(&rd) ? key_zone_find(kr, &name) : NULL;
}

/* --- questions of zone --- */

static int
on_ask(struct role *r, enum role_id from UNUSED, void *msg)
{
	struct key_role *kr = r->state;
	const struct msg_key_ask *m = msg;
	struct key_set none = { .state = KEY_SET_CANNOT, .why = "the key role has no such zone" };
	struct key_zone *kz = zone_of(kr, m->zone);
	struct rd rd = rd_sv(m->zone);

	/* One that is not known yet has its turn soon, and is told then. */
	if (kz != NULL)
		return key_zone_tell(kr, kz);
	dname_rd(&rd, &none.apex);
	return rd_done(&rd) ? key_zone_tell(kr, &(struct key_zone){ .set = &none }) : 0;
}

/* --- what is in service, and what was seen --- */

/* A new row is on the disk before it counts; or it does not count. */
static void
serial_take(struct key_role *kr, struct key_zone *kz, const struct key_serial *row)
{
	struct key_serials was = kz->serials;
	char name[DNAME_STRLEN];
	enum key_serials_news news = key_serials_add(&kz->serials, row);
	int rc = 0;

	if (news == KEY_SERIALS_BACK)
		role_log(kr->role, LOG_LEVEL_WARN, "%s: serial %u is not later than the one before; what servers "
		    "have is proven by newer versions only", key_zone_text(kz, name), row->first);
	if (news == KEY_SERIALS_NEW || news == KEY_SERIALS_BACK) {
		/* What runs from here on (timers_child) has a new beginning. */
		kz->serials.served = role_now(kr->role);
		rc = key_serials_save(kr, kz);
		if (rc == 0 && kz->e->policy.timers_child) {
			kz->next = kz->serials.served;
			key_zone_due(kr, kz);
			key_timer_arm(kr);
		}
	}
	else if (news == KEY_SERIALS_LONGER && role_now(kr->role) - kz->serials_at >= SERIALS_SEC)
		(void)!key_serials_save(kr, kz);
	if (rc == 0)
		return;
	role_log(kr->role, LOG_LEVEL_WARN, "%s: which keys serial %u has cannot be written: %s, ignoring",
	    key_zone_text(kz, name), row->first, err_str(rc));
	kz->serials = was;
}

static int
on_published(struct role *r, enum role_id from UNUSED, void *msg)
{
	struct key_role *kr = r->state;
	const struct msg_zone_published *m = msg;
	struct key_zone *kz = zone_of(kr, m->zone);
	const struct key_set *s = kz == NULL ? NULL : key_set_of(kz, m->generation);

	if (s == NULL || kz->ring == NULL)
		return 0;
	kz->serials.ttl_max = m->ttl_max;
	if (s->dnskey_seq != 0)
		serial_take(kr, kz, &(struct key_serial){ m->serial, m->serial, s->dnskey_seq, s->data_seq });
	if (!kz->has_cds_serial && key_set_same_cds(s, kz->set)) {
		kz->has_cds_serial = true;
		kz->cds_serial = m->serial;
	}
	key_look_want(kr, kz);
	return 0;
}

static void
seen_with(const struct key_zone *kz, uint8_t room[KEYSTATE_KEYS_MAX][DNSKEY_RDATA_MAX], struct key_seen_with *ret)
{
	const struct dnssec_policy *p = &kz->e->policy;

	*ret = (struct key_seen_with){ .st = &key_life(kz)->state, .serials = &kz->serials, .apex = &kz->e->name,
		.data_ttl = kz->serials.ttl_max > p->max_zone_ttl ? kz->serials.ttl_max : p->max_zone_ttl,
		.dnskey_ttl = p->dnskey_ttl, .ds_ttl = p->parent_ds_ttl };
	for (int i = 0; i < KEYSTATE_KEYS_MAX; i++) {
		const struct keystate_key *k = &key_life(kz)->state.keys[i];
		const struct keyring_key *have = k->number == 0 ? NULL : key_ring_find(kz->ring, k);

		if (have != NULL)
			ret->rdata[i] = have->rdata;
		else if (k->number != 0)
			ret->rdata[i] = (struct sv){ (const char *)room[i],
			    key_seen_rdata(k, room[i], sizeof(room[i])) };
	}
}

static int
seen_take(struct key_role *kr, struct key_zone *kz)
{
	uint8_t room[KEYSTATE_KEYS_MAX][DNSKEY_RDATA_MAX];
	struct key_seen_with with;
	struct key_seen seen;

	seen_with(kz, room, &with);
	key_seen_make(kr->seen, &with, &seen);
	kr->n_seen++;
	kz->looked = role_now(kr->role);
	kz->n_doubt = seen.n_doubt;
	kz->parent_looked = kz->parent_looked || seen.has_parent;
	key_epp_seen(kz, kr->seen);
	if (seen.child.complete && seen.has_serial) {
		if (key_serials_settle(&kz->serials, seen.lowest, seen.highest))
			(void)!key_serials_save(kr, kz);
		kz->cds_everywhere = kz->has_cds_serial &&
		    (seen.lowest == kz->cds_serial || serial_gt(seen.lowest, kz->cds_serial));
	}
	return key_zone_step(kr, kz, &seen);
}

/* From a process that reads what strangers write: what does not fit is thrown away. */
static int
on_seen(struct role *r, enum role_id from UNUSED, void *msg)
{
	struct key_role *kr = r->state;
	const struct msg_seen *m = msg;
	struct key_zone *kz = zone_of(kr, m->zone);
	struct file_map map;
	int rc;

	if (kz != NULL && (rc = key_zone_begin(kr, kz)) < 0)
		return rc;
	if (kz == NULL || kz->ring == NULL)
		return 0;
	if ((rc = memfd_map(m->seen, false, SEEN_OCTETS_MAX, &map)) == 0) {
		rc = seen_parse(map.data, kr->seen);
		if (rc == 0 && !dname_eq(&kr->seen->zone, &kz->e->name))
			rc = -EBADMSG;
		if (rc == 0)
			rc = seen_take(kr, kz);
		else
			role_log(r, LOG_LEVEL_WARN, "what the name role saw: %s, ignoring it", err_str(rc));
		rc = rc == -EBADMSG ? 0 : rc;
		file_unmap(&map);
	}
	key_timer_arm(kr);
	return rc == -EINVAL || rc == SE_LIMIT ? 0 : rc;
}

static void
workers_stop(struct key_role *kr)
{
	atomic_store(&kr->stop, true);
	for (unsigned i = 0; i < kr->jobs; i++)
		if (kr->workers[i].task != NULL)
			kr->workers[i].task = task_free(kr->workers[i].task);
	key_token_ring(kr->token, NULL);
	kr->ring = ring_free(kr->ring);
	atomic_store(&kr->stop, false);
}

static void
work_ended(void *arg UNUSED)
{
}

/* Zone lives anew: its memory of before is nobody's. */
static int
on_ring(struct role *r, enum role_id from UNUSED, void *msg)
{
	const struct msg_ring *m = msg;
	struct key_role *kr = r->state;
	int rc;

	if (kr->workers == NULL)
		return -EBADMSG;
	workers_stop(kr);
	if ((rc = ring_open(m->memory, &kr->ring)) < 0)
		return rc;
	key_token_ring(kr->token, kr->ring);
	for (unsigned i = 0; i < kr->jobs; i++) {
		kr->workers[i].task = task_start(r->loop, key_work, work_ended, &kr->workers[i]);
		if (kr->workers[i].task == NULL)
			return -ENOMEM;
	}
	return 0;
}

/* --- life --- */

static int
workers_make(struct key_role *kr)
{
	kr->jobs = par_cpus();
	if ((kr->workers = calloc(kr->jobs, sizeof(*kr->workers))) == NULL)
		return -ENOMEM;
	for (unsigned i = 0; i < kr->jobs; i++)
		kr->workers[i].kr = kr;
	return 0;
}

/*
 * Clocks here count whole seconds, and those of caches, too: what was seen to be
 * gone at 12.0 may have been served until 12.9, and be kept for a second longer
 * than its TTL. (Seen by tests/kill/test_kill_zone.py with TTLs of a second.)
 */
static void
whole_seconds(struct zone_list *l)
{
	for (size_t i = 0; i < l->n; i++) {
		l->v[i].policy.publish_safety += 2;
		l->v[i].policy.retire_safety += 2;
	}
}

static int
on_conf(struct role *r, enum role_id from UNUSED, void *msg)
{
	struct key_role *kr = r->state;
	const struct msg_key_conf *m = msg;
	int rc;

	if (kr->workers != NULL)
		return -EBADMSG;	/* the parent restarts us instead */
	kr->role = r;
	(void)snprintf(kr->folder, sizeof(kr->folder), "%.*s", SV_ARG(m->folder));
	kr->looks = m->looks != 0;
	if ((rc = crypto_wipe_freed()) < 0)
		return rc;
	if ((rc = zone_list_read(m->zones, m->folder, &kr->list)) < 0 || (rc = workers_make(kr)) < 0)
		return rc;
	whole_seconds(&kr->list);
	if ((kr->zones = calloc(kr->list.n + 1, sizeof(*kr->zones))) == NULL ||
	    (kr->seen = calloc(1, sizeof(*kr->seen))) == NULL ||
	    (kr->timer = loop_timer_add(r->loop, on_timer, kr)) == NULL ||
	    (kr->told_timer = loop_timer_add(r->loop, key_told_timer, kr)) == NULL)
		return -ENOMEM;
	if ((rc = turn_queue_init(&kr->untold, kr->list.n)) < 0 || (rc = told_turn_init(&kr->telling, kr->list.n)) < 0)
		return rc;
	for (size_t i = 0; i < kr->list.n; i++)
		kr->zones[i] = (struct key_zone){ .kr = kr, .e = &kr->list.v[i] };
	if ((rc = crypto_random(&kr->next_generation, sizeof(kr->next_generation))) < 0)
		return rc;
	/* None is ever 0, which says that a generation is not known. */
	kr->first_generation = kr->next_generation = kr->next_generation >> 2 | 1;
	if ((rc = tree_make(kr->folder)) < 0 || (rc = role_path(r, kr->folder, SANDBOX_WRITE)) < 0)
		role_log(r, LOG_LEVEL_ERROR, "%s: %s", kr->folder, err_str(rc));
	return rc < 0 ? rc : key_token_open(r, m, kr->list.n, &kr->token);
}

/* What its keys in the token are has changed; renew: zone may go on with what failed. */
static void
on_token(struct key_role *kr, size_t zone, bool renew)
{
	int rc = key_zone_step(kr, &kr->zones[zone], NULL);

	if (rc == 0 && renew)
		rc = key_set_renew(kr, &kr->zones[zone]);
	if (rc < 0)
		role_stop(kr->role, rc);
	key_timer_arm(kr);
	key_told_soon(kr, &kr->zones[zone]);
}

static int
start(struct role *r)
{
	struct key_role *kr = r->state;
	int rc = kr->token == NULL ? 0 : key_token_start(kr->token, kr, on_token);

	if (file_is_open_to_others(kr->folder))
		role_log(r, LOG_LEVEL_WARN, "%s can be read by others than its owner: chmod 700", kr->folder);
	/* Of a few zones all is known when we are ready. */
	if (rc == 0)
		rc = turns_take(kr);
	return rc < 0 ? rc : loop_timer_set(kr->told_timer, 1);
}

static void
stop(struct role *r)
{
	struct key_role *kr = r->state;

	workers_stop(kr);
	key_token_stop(kr->token);
}

static void
status(struct role *r, struct json *j)
{
	struct key_role *kr = r->state;
	size_t ready = 0, keys = 0;

	for (size_t i = 0; i < kr->list.n; i++) {
		ready += kr->zones[i].set != NULL && kr->zones[i].set->state == KEY_SET_READY;
		keys += kr->zones[i].ring == NULL ? 0 : keyring_n(kr->zones[i].ring);
	}
	json_kv_u64(j, "zones", kr->list.n);
	json_kv_u64(j, "ready", ready);
	json_kv_u64(j, "keys", keys);
	json_kv_u64(j, "signatures", atomic_load(&kr->n_signed));
	json_kv_u64(j, "refused", atomic_load(&kr->n_refused));
	json_kv_u64(j, "looks", kr->n_seen);
	json_kv_u64(j, "held", kr->n_held);
	key_token_json(kr->token, j);
}

static const struct role_handler handlers[] = {
	{ MSG_key_conf, on_conf },
	{ MSG_ring, on_ring },
	{ MSG_key_ask, on_ask },
	{ MSG_zone_published, on_published },
	{ MSG_seen, on_seen },
	{ MSG_notify_done, key_on_notify_done },
	{ MSG_hook_done, key_on_hook_done },
	{ MSG_key_backed_up, key_on_backed_up },
	{ MSG_key_command, key_on_command },
	{ MSG_key_show, key_on_show },
	{ MSG_told_ask, key_on_told_ask },
};

int
main(void)
{
	static const struct role_def def = {
		.id = ROLE_KEY,
		.handlers = handlers, .n_handlers = ARRAY_LEN(handlers),
		.conf = MSG_key_conf,
		.state_size = sizeof(struct key_role),
		.sandbox = &sandbox_key,
		.crypto = &role_crypto,
		.start = start, .status = status, .stop = stop,
	};

	return role_main(&def);
}
