/*
 * store: the one process that writes. It checks what validate made, keeps it
 * (store/store.h), and tells rtr and web; it takes out what expires, also
 * when validate is dead; and it writes the log of findings. When repositories
 * are fetched, it keeps their objects, too (store_objects.h).
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/zone_told.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/timefmt.h"
#include "crypto/crypto.h"
#include "role/role.h"
#include "role/store_history.h"
#include "role/store_objects.h"
#include "role/store_zones.h"
#include "store/store.h"
#include "sys/memfd.h"

#define SNAPSHOT_MAX_BYTES	((size_t)1024 * 1024 * 1024)	/* as store/limits.h */
#define OBJECTS_MAX_BYTES	((size_t)256 * 1024 * 1024)	/* a run's findings, capped */
#define OBJECTS_LINES_MAX	((size_t)256 * 1024)	/* validate sends fewer */
#define LINE_MAX_BYTES		((size_t)16 * 1024)	/* six arguments and a long URI fit */
#define RETRY_SEC		30	/* after a full disk */
/*
 * Payloads are taken out this much before they expire: rtr refuses data that
 * is past its expiry, and a router that asks in between would get none.
 */
#define EXPIRE_LEAD_SEC		2

struct store_role {
	struct store		*store;
	struct store_objects	*objects;	/* NULL: nothing is fetched */
	struct store_history	*history;	/* NULL: it cannot be written */
	struct loop_timer	*expiry;
	int			 object_log;
	uint32_t		 per_hour;
	int64_t			 hour;		/* of the count below */
	uint64_t		 lines, dropped;
	uint64_t		*known;		/* hashes of the last run's findings, sorted */
	size_t			 n_known;
	struct store_zones	*zones;		/* NULL: none are signed */
	bool			 disk_bad;	/* said once, until it works again */
	int64_t			 stored_at;
};

static const enum role_id readers[] = { ROLE_RTR, ROLE_WEB, ROLE_VALIDATE };

struct store_objects *
store_objects_of(struct role *r)
{
	struct store_role *st = r->state;

	return st->objects;
}

/* --- announcing --- */

static void
use_send(struct role *r, enum role_id to, size_t i, bool first)
{
	struct store_role *st = r->state;
	struct msg_snapshot_use m = {
		.snapshot = store_fd(st->store, i),
		.serial = store_serial(st->store, i),
		.behind = (uint32_t)(store_count(st->store) - 1 - i),
		.first = first,
	};
	int rc = msg_snapshot_use_send(r, to, &m);

	if (rc < 0)
		role_log(r, LOG_LEVEL_ERROR, "cannot announce serial %u to %s: %s",
		    m.serial, role_name(to), err_str(rc));
}

static void
history_send(struct role *r, enum role_id to, bool all)
{
	struct store_role *st = r->state;
	size_t n = store_count(st->store);

	for (size_t i = all || n == 0 ? 0 : n - 1; i < n; i++)
		use_send(r, to, i, i == 0 || !all);
}

static void
current_send(struct role *r)
{
	struct store_role *st = r->state;

	for (size_t i = 0; i < ARRAY_LEN(readers); i++)
		use_send(r, readers[i], store_count(st->store) - 1, false);
}

/* --- storing --- */

static void
stored(struct role *r, bool changed, const char *why)
{
	struct store_role *st = r->state;
	const struct snapshot *s = store_current(st->store);
	char details[256], exp[TIME_STRLEN];

	st->disk_bad = false;
	st->stored_at = role_now(r);
	current_send(r);
	store_history_stored(st->history, changed);
	if (!changed) {
		role_log(r, LOG_LEVEL_DEBUG, "serial %u confirmed (%s)",
		    s->stamp.serial, why);
		return;
	}
	(void)snprintf(details, sizeof(details),
	    "{\"serial\":%u,\"vrps\":%zu,\"aspas\":%zu,\"expires\":\"%s\",\"why\":\"%s\"}",
	    s->stamp.serial, snapshot_n_vrps(s), s->n_aspas,
	    time_str(s->earliest, exp), why);
	role_audit(r, "snapshot-published", sv_str(details));
	role_log(r, LOG_LEVEL_NOTICE, "serial %u: %zu VRPs, %zu ASPAs (%s)",
	    s->stamp.serial, snapshot_n_vrps(s), s->n_aspas, why);
}

/* Once per trouble: a disk that stays full fills no log. */
static void
not_stored(struct role *r, int rc)
{
	struct store_role *st = r->state;

	if (!st->disk_bad)
		role_log(r, LOG_LEVEL_ERROR,
		    "cannot store the new snapshot: %s, keeping old data", err_str(rc));
	st->disk_bad = true;
}

static void
expiry_arm(struct role *r)
{
	struct store_role *st = r->state;
	const struct snapshot *s = store_current(st->store);
	int64_t wait;

	if (s == NULL || s->earliest == TIME_NEVER) {
		loop_timer_stop(st->expiry);
		return;
	}
	/* Bounded, because clocks are set. */
	wait = s->earliest - EXPIRE_LEAD_SEC - role_now(r);
	wait = wait < 1 ? 1 : min_i64(wait, 60);
	if (st->disk_bad)
		wait = RETRY_SEC;
	(void)loop_timer_set(st->expiry, wait * 1000000);
}

static void
expire(struct role *r)
{
	struct store_role *st = r->state;
	const struct snapshot *s = store_current(st->store);
	bool changed = false;
	int rc;

	if (s == NULL || s->earliest > role_now(r) + EXPIRE_LEAD_SEC)
		return;
	if ((rc = store_expire(st->store, role_now(r) + EXPIRE_LEAD_SEC, &changed)) < 0)
		not_stored(r, rc);
	else
		stored(r, changed, "expired payloads taken out");
}

static void
on_expiry(void *arg)
{
	struct role *r = arg;

	expire(r);
	expiry_arm(r);
}

static int
on_new(struct role *r, enum role_id from UNUSED, void *msg)
{
	const struct msg_snapshot_new *m = msg;
	struct store_role *st = r->state;
	struct file_map map;
	bool changed;
	int rc;

	if ((rc = memfd_map_copy(m->snapshot, false, SNAPSHOT_MAX_BYTES, &map)) < 0) {
		role_log(r, LOG_LEVEL_ERROR, "snapshot from validate: %s, keeping old data",
		    err_str(rc));
		return 0;
	}
	rc = store_put(st->store, (uint8_t *)(uintptr_t)map.data.p, map.data.n, &changed);
	file_unmap(&map);
	if (rc < 0)
		not_stored(r, rc);
	else
		stored(r, changed, "validated");
	expire(r);
	expiry_arm(r);
	return 0;
}

static int
on_ask(struct role *r, enum role_id from, void *msg)
{
	const struct msg_snapshot_ask *m = msg;

	history_send(r, from, m->history != 0);
	return 0;
}

/* --- the log of findings --- */

static void
hour_turn(struct role *r)
{
	struct store_role *st = r->state;
	int64_t hour = role_now(r) / 3600;

	if (hour == st->hour)
		return;
	if (st->dropped > 0)
		role_log(r, LOG_LEVEL_WARN, "%llu findings of the last hour are not in "
		    "the object log (log.object-per-hour)",
		    (unsigned long long)st->dropped);
	st->hour = hour;
	st->lines = st->dropped = 0;
}

static int
hash_cmp(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static bool
was_there(const struct store_role *st, uint64_t hash)
{
	return st->n_known > 0 && bsearch(&hash, st->known, st->n_known,
	    sizeof(hash), hash_cmp) != NULL;
}

/* "{…}" becomes "{"time":"…",…}". */
static void
line_write(struct buf *b, struct sv line, const char *when)
{
	buf_printf(b, "{\"time\":\"%s\",", when);
	buf_sv(b, sv_skip(line, 1));
	buf_char(b, '\n');
}

/*
 * An object a line, as findings are written? Who sends them reads what
 * strangers wrote: no control characters, no line without end.
 */
static bool
line_like(struct sv s)
{
	if (s.n < 2 || s.n > LINE_MAX_BYTES || s.p[0] != '{' || s.p[s.n - 1] != '}')
		return false;
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < 0x20)
			return false;
	return true;
}

/* The lines that the run before did not have; all hashes go to `now`. */
static int
lines_new(struct role *r, struct sv text, uint64_t *now, size_t *ret_n)
{
	struct store_role *st = r->state;
	struct buf b = BUF_SINK(fd_write_all, &st->object_log);
	char when[TIME_STRLEN];
	struct sv line;
	size_t n = 0;
	int rc;

	(void)time_str(role_now(r), when);
	while (n < OBJECTS_LINES_MAX && sv_line(&text, &line)) {
		if (!line_like(line))
			continue;
		now[n] = hash_bytes(line.p, line.n);
		if (was_there(st, now[n++]))
			continue;
		if (st->lines++ < st->per_hour)
			line_write(&b, line, when);
		else
			st->dropped++;
	}
	rc = buf_flush(&b);
	buf_done(&b);
	*ret_n = n;
	return rc;
}

/* Every run finds what the last one found: what is new is written, once. */
static int
objects_log(struct role *r, struct sv text)
{
	struct store_role *st = r->state;
	uint64_t *now = calloc(OBJECTS_LINES_MAX, sizeof(*now));
	size_t n;
	int rc;

	if (now == NULL)
		return -ENOMEM;
	hour_turn(r);
	if ((rc = lines_new(r, text, now, &n)) < 0) {
		free(now);
		return rc;
	}
	qsort(now, n, sizeof(*now), hash_cmp);
	free(st->known);
	st->known = now;
	st->n_known = n;
	return 0;
}

static int
on_objects(struct role *r, enum role_id from UNUSED, void *msg)
{
	struct msg_objects *m = msg;
	struct store_role *st = r->state;
	struct file_map map;
	int rc = memfd_map(m->lines, false, OBJECTS_MAX_BYTES, &map);

	if (rc < 0) {
		role_log(r, LOG_LEVEL_ERROR, "findings from validate: %s, ignoring",
		    err_str(rc));
		return 0;
	}
	if ((rc = objects_log(r, map.data)) < 0)
		role_log(r, LOG_LEVEL_ERROR, "cannot write the object log: %s",
		    err_str(rc));
	file_unmap(&map);
	store_history_findings(st->history, &m->lines);
	return 0;
}

/* --- history --- */

static int
on_history_ask(struct role *r, enum role_id from UNUSED, void *msg UNUSED)
{
	struct store_role *st = r->state;

	return store_on_history_ask(st->history);
}

static int
on_source(struct role *r, enum role_id from UNUSED, void *msg)
{
	struct store_role *st = r->state;

	store_history_source(st->history, msg);
	return 0;
}

static int
told(struct role *r, bool by_key, int fd)
{
	struct store_role *st = r->state;
	struct file_map map = { 0 };
	int rc = memfd_map(fd, false, TOLD_TEXT_MAX, &map);

	if (rc == 0)
		rc = store_history_told(st->history, by_key, map.data);
	if (rc < 0)
		role_log(r, LOG_LEVEL_WARN, "what %s tells of zones: %s, ignoring", by_key ? "key" : "zone",
		    err_str(rc));
	file_unmap(&map);
	return 0;
}

static int
on_zone_told(struct role *r, enum role_id from UNUSED, void *msg)
{
	const struct msg_zone_told *m = msg;

	return told(r, false, m->json);
}

static int
on_key_told(struct role *r, enum role_id from UNUSED, void *msg)
{
	const struct msg_key_told *m = msg;

	return told(r, true, m->json);
}

static int
on_seal_told(struct role *r, enum role_id from UNUSED, void *msg)
{
	const struct msg_seal_told *m = msg;
	struct store_role *st = r->state;

	return store_history_mail_keys(st->history, m->bad);
}

static int
on_report_health(struct role *r, enum role_id from UNUSED, void *msg)
{
	const struct msg_report_health *m = msg;
	struct store_role *st = r->state;

	return store_history_mail_reports(st->history, m->bad);
}

static int
on_hooked(struct role *r, enum role_id from UNUSED, void *msg)
{
	struct store_role *st = r->state;

	return store_history_hooked(st->history, msg);
}

static int
on_mailed(struct role *r, enum role_id from UNUSED, void *msg)
{
	struct store_role *st = r->state;

	store_history_mailed(st->history, msg);
	return 0;
}

/* --- life --- */

static void
found_log(struct role *r, const struct store_found *f)
{
	if (f->n_left_over > 0)
		role_log(r, LOG_LEVEL_NOTICE, "removed %u temporary files of a crash",
		    f->n_left_over);
	if (f->n_damaged > 0)
		role_log(r, LOG_LEVEL_ERROR, "%u snapshots are damaged, set aside as "
		    "*.damaged%s", f->n_damaged, f->new_session ?
		    "; serving an older one under new session ids" : "");
}

static void
log_use(struct store_role *st, struct msg_store_conf *m)
{
	fd_close(&st->object_log);
	st->object_log = m->object_log;
	m->object_log = -1;
	st->per_hour = m->object_log_per_hour;
}

static int
objects_use(struct role *r, const struct msg_store_conf *m)
{
	struct store_role *st = r->state;
	char folder[4200];
	int rc;

	if ((rc = store_objects_new(r, m, &st->objects)) < 0)
		return rc;
	(void)snprintf(folder, sizeof(folder), "%.*s/objects", SV_ARG(m->state));
	return role_path(r, folder, SANDBOX_WRITE);
}

static int
on_conf(struct role *r, enum role_id from UNUSED, void *msg)
{
	struct msg_store_conf *m = msg;
	struct store_role *st = r->state;
	struct store_conf conf = { .keep = m->keep, .digest = crypto_sha256 };
	struct store_found found;
	char folder[4200];
	int rc;

	if (st->store != NULL) {
		log_use(st, m);		/* the rest is as it was: see parent_conf.c */
		store_history_conf(st->history, m);
		return 0;
	}
	(void)snprintf(folder, sizeof(folder), "%.*s/snapshots", SV_ARG(m->state));
	conf.folder = folder;
	if ((rc = store_open(&conf, &st->store, &found)) < 0) {
		role_log(r, LOG_LEVEL_ERROR, "cannot use %s: %s", folder, err_str(rc));
		return rc;
	}
	found_log(r, &found);
	st->object_log = -1;
	log_use(st, m);
	if ((rc = role_path(r, folder, SANDBOX_WRITE)) < 0 ||
	    (rc = store_history_new(r, m, st->store, &st->history)) < 0 || m->live == 0)
		return rc;
	return objects_use(r, m);
}

static int
on_zones(struct role *r, enum role_id from UNUSED, void *msg)
{
	struct store_role *st = r->state;

	return st->zones != NULL ? 0 : store_zones_new(r, msg, &st->zones);
}

static int
on_zone_put(struct role *r, enum role_id from UNUSED, void *msg)
{
	struct store_role *st = r->state;

	return store_zones_put(r, st->zones, msg);
}

static int
on_zone_keep(struct role *r, enum role_id from UNUSED, void *msg)
{
	struct store_role *st = r->state;

	return store_zones_keep(r, st->zones, msg);
}

static int
on_zone_recall(struct role *r, enum role_id from UNUSED, void *msg)
{
	struct store_role *st = r->state;

	return store_zones_recall(r, st->zones, msg);
}

/* What our former life was given and asked is gone: who waits for it waits in vain. */
static void
anew_send(struct role *r)
{
	const struct msg_source_opened m = { .req = 0 };

	(void)msg_source_opened_send(r, ROLE_FETCH, &m);
	(void)msg_source_opened_send(r, ROLE_RSYNC, &m);
}

static int
start(struct role *r)
{
	struct store_role *st = r->state;

	if ((st->expiry = loop_timer_add(r->loop, on_expiry, r)) == NULL)
		return -ENOMEM;
	expire(r);
	expiry_arm(r);
	for (size_t i = 0; i < ARRAY_LEN(readers); i++)
		history_send(r, readers[i], true);
	if (store_history_start(st->history) < 0)
		return -ENOMEM;
	if (st->zones != NULL)
		store_history_expect_zones(st->history);
	if (st->objects != NULL)
		anew_send(r);
	store_zones_start(r, st->zones);
	return store_objects_start(st->objects);
}

static void
status(struct role *r, struct json *j)
{
	struct store_role *st = r->state;
	const struct snapshot *s = st->store == NULL ? NULL : store_current(st->store);
	char when[TIME_STRLEN];

	json_kv_bool(j, "disk_good", !st->disk_bad);
	json_kv_u64(j, "snapshots", st->store == NULL ? 0 : store_count(st->store));
	store_objects_status(st->objects, j);
	store_history_status(st->history, j);
	if (s == NULL)
		return;
	json_kv_u64(j, "serial", s->stamp.serial);
	json_kv_u64(j, "vrps", snapshot_n_vrps(s));
	json_kv_u64(j, "router_keys", s->n_router_keys);
	json_kv_u64(j, "aspas", s->n_aspas);
	json_kv_str(j, "built", time_str(s->built, when));
	json_kv_i64(j, "age_seconds", role_now(r) - s->built);
	json_kv_str(j, "earliest_expiry", time_str(s->earliest, when));
}

static void
stop(struct role *r)
{
	struct store_role *st = r->state;

	st->objects = store_objects_free(st->objects);
	st->history = store_history_free(st->history);
}

static const struct role_handler handlers[] = {
	{ MSG_store_zones, on_zones },
	{ MSG_store_conf, on_conf },
	{ MSG_zone_put, on_zone_put },
	{ MSG_zone_keep, on_zone_keep },
	{ MSG_zone_recall, on_zone_recall },
	{ MSG_snapshot_new, on_new },
	{ MSG_snapshot_ask, on_ask },
	{ MSG_objects, on_objects },
	{ MSG_history_ask, on_history_ask },
	{ MSG_source_result, on_source },
	{ MSG_zone_told, on_zone_told },
	{ MSG_key_told, on_key_told },
	{ MSG_seal_told, on_seal_told },
	{ MSG_report_health, on_report_health },
	{ MSG_webhook_done, on_hooked },
	{ MSG_mail_done, on_mailed },
	{ MSG_source_open, store_on_source_open },
	{ MSG_batch, store_on_batch },
	{ MSG_commit, store_on_commit },
	{ MSG_stage_abort, store_on_stage_abort },
	{ MSG_pin, store_on_pin },
	{ MSG_pin_keep, store_on_pin_keep },
	{ MSG_unpin, store_on_unpin },
	{ MSG_points, store_on_points },
	{ MSG_holds, store_on_holds },
	{ MSG_facts, store_on_facts },
	{ MSG_facts_touch, store_on_facts_touch },
};

int
main(void)
{
	static const struct role_def def = {
		.id = ROLE_STORE,
		.handlers = handlers, .n_handlers = ARRAY_LEN(handlers),
		.conf = MSG_store_conf,
		.state_size = sizeof(struct store_role),
		.sandbox = &sandbox_store,
		.start = start, .status = status, .stop = stop,
	};

	return role_main(&def);
}
