/* zone: see role/zone_role.h. The loop: whose turn it is, and what came of it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "role/key_role.h"
#include "role/zone_role.h"
#include "sys/file.h"
#include "sys/memfd.h"

#define LOOK_USEC	1000000		/* at the sources; a change is taken when it stood still so long */
#define RETRY_MAX_SEC	60
#define STATUS_MAX	20		/* zones in the status; the counts are exact */
#define LOST_MAX	(RING_SLOTS - 16)
#define POOL_MAX	((size_t)1 << 20)	/* findings of one message */
#define TSIG_MAX	((size_t)4 << 20)	/* as the parent's */

void
zone_stir(struct zone_role *zr)
{
	(void)loop_timer_set(zr->timer, 1);
}

static void
failed(struct zone_role *zr, struct zone_one *z, int64_t now, const char *what, const char *more)
{
	unsigned shift = z->n_failed < 6 ? z->n_failed : 6;
	int64_t wait = (int64_t)1 << shift;

	z->n_failed++;
	z->retry_at = now + (wait > RETRY_MAX_SEC ? RETRY_MAX_SEC : wait);
	zr->told = false;
	zone_why(z, what, more);
}

/* --- what came of a run --- */

static size_t
history_max(const struct zone_one *z)
{
	return max_size(ZONE_HISTORY_MIN, (size_t)z->kept[KEEP_OUT].image_octets / 2);
}

static void
version_swap(struct zone_one *z, struct zone_work *w)
{
	zone_version_done(&z->now);
	z->now = w->next;
	w->next = (struct zone_version){ 0 };
	z->stale = zone_unref(z->stale);
	memcpy(z->kept, w->kept, sizeof(z->kept));
	if (w->step != NULL)
		zone_history_add(&z->history, TAKE_PTR(w->step), history_max(z));
	else if (!w->same)
		zone_history_done(&z->history);
}

static void
version_adopt(struct zone_role *zr, struct zone_work *w)
{
	struct zone_one *z = w->z;
	bool first = z->now.signed_zone == NULL, fed = w->got.whole != NULL || w->got.diff != NULL;
	char name[DNAME_STRLEN];
	uint32_t serial = 0;

	(void)zone_serial(w->next.signed_zone, &serial);
	if (w->stats.n_sigs > 0 || first)
		role_log(zr->role, LOG_LEVEL_NOTICE, "%s: serial %u, %llu signatures made, %llu kept%s",
		    zone_name(z, name), serial, (unsigned long long)w->stats.n_sigs,
		    (unsigned long long)w->stats.n_kept, w->same ? "; nothing to publish" : "");
	version_swap(z, w);
	/* key was born again meanwhile, and numbers anew. */
	if (sv_eq(w->keys.octets, z->keys.octets) && w->keys.cds_delete == z->keys.cds_delete)
		z->now.generation = z->keys.generation;
	z->n_failed = 0;
	z->retry_at = 0;
	z->why[0] = '\0';
	z->text_wanted = false;
	if (w->whole)
		z->audited_at = w->at;
	z->n_signed += w->stats.n_sigs;
	z->sign_usec = w->sign_usec;
	zr->n_versions += !w->same;
	zr->told = false;
	zone_published_tell(z);
	if (!w->same || first)
		zone_notify_all(z);
	if (fed)
		zone_in_taken(z, IN_TAKEN);
}

/* What a former life left is in service, or at least not lost. */
static void
load_adopt(struct zone_role *zr, struct zone_work *w)
{
	struct zone_one *z = w->z;
	char name[DNAME_STRLEN];
	uint32_t serial = 0;

	z->loaded = true;
	z->text_wanted = w->text_wanted;
	z->history = w->loaded;
	w->loaded = (struct zone_history){ 0 };
	memcpy(z->kept, w->kept, sizeof(z->kept));
	z->audited_at = w->at;
	zr->told = false;
	if (w->next.signed_zone != NULL && zone_serial(w->next.signed_zone, &serial))
		role_log(zr->role, LOG_LEVEL_NOTICE, "%s: serial %u of before, %s", zone_name(z, name),
		    serial, w->stale ? "which does not hold any more" : "all of it verified");
	if (w->stale) {
		zone_findings_tell(zr, z, &w->fs, LOG_LEVEL_NOTICE);
		z->stale = TAKE_PTR(w->next.signed_zone);
		w->next.audit = audit_result_free(w->next.audit);
	}
	z->now = w->next;
	w->next = (struct zone_version){ 0 };
	z->wanted = z->now.plain != NULL;
	zone_notify_all(z);
}

static void
work_over(struct zone_role *zr)
{
	zone_work_done(&zr->work);
	zr->phase = ZONE_IDLE;
	zone_stir(zr);
}

static const char *
reason(int rc)
{
	return rc == SE_STALE ? "its keys have changed meanwhile" :
	    rc == -ETIMEDOUT ? "the key role did not answer" :
	    rc == -EPERM ? "the key role refused" :
	    rc == -EAGAIN ? "the token with its keys does not answer" : err_str(rc);
}

static void
work_refused(struct zone_role *zr, struct zone_work *w)
{
	struct zone_one *z = w->z;
	bool fed = w->got.whole != NULL || w->got.diff != NULL;

	z->n_refused[w->by]++;
	zr->told = false;
	z->wanted = false;	/* until its source or its keys change */
	if (w->read)
		z->tried = w->stamp;
	z->retry_at = role_now(zr->role) + (w->read || fed ? 0 : RETRY_MAX_SEC);
	zone_findings_tell(zr, z, &w->fs, LOG_LEVEL_ERROR);
	zone_why(z, w->what, "");
	if (fed)
		zone_in_taken(z, IN_REFUSED);
}

static void
work_failed(struct zone_role *zr, struct zone_work *w)
{
	struct zone_one *z = w->z;
	struct msg_key_ask ask = { .zone = zone_wire(z) };
	char name[DNAME_STRLEN];

	if (w->refused) {
		work_refused(zr, w);
		return;
	}
	if (w->unfit) {
		role_log(zr->role, LOG_LEVEL_NOTICE, "%s: %s", zone_name(z, name), w->what);
		zone_in_taken(z, IN_UNFIT);
		return;
	}
	z->wanted = true;
	if (w->rc == SE_STALE)
		(void)msg_key_ask_send(zr->role, ROLE_KEY, &ask);
	failed(zr, z, role_now(zr->role), w->what, reason(w->rc));
	/* A transfer that only waits for keys is not made again. */
	if ((w->got.whole != NULL && w->next.plain == NULL) || w->got.diff != NULL) {
		z->in.got = w->got;
		z->in.has_got = true;
		w->got = (struct zone_got){ 0 };
	} else if (w->got.whole != NULL)
		zone_in_taken(z, IN_LOST);
}

static void
work_done(struct zone_role *zr)
{
	struct zone_work *w = &zr->work;

	if (w->task == TASK_LOAD)
		load_adopt(zr, w);
	else if (w->task == TASK_COMPACT)
		memcpy(w->z->kept, w->kept, sizeof(w->kept));
	else
		version_adopt(zr, w);
}

static void
work_ended(void *arg)
{
	struct zone_role *zr = arg;
	struct zone_work *w = &zr->work;

	zr->task = task_free(zr->task);
	if (w->task == TASK_AUDIT)
		zone_audit_ended(zr);
	else if (w->rc < 0)
		work_failed(zr, w);
	else if (w->n_pieces > 0) {
		zone_put_begin(zr);
		return;
	} else
		work_done(zr);
	work_over(zr);
	/* A few questions that nobody answered: a key that died. All slots: a new ring. */
	if (atomic_load(&zr->line.n_lost) > LOST_MAX)
		role_stop(zr->role, 0);
}

static int
on_kept(struct role *r, enum role_id from UNUSED, void *msg)
{
	struct zone_role *zr = r->state;
	const struct msg_zone_kept *m = msg;
	struct zone_work *w = &zr->work;
	int rc;

	if (zr->phase == ZONE_RECALLING && m->req == 0)
		work_over(zr);		/* asked again */
	if (zr->phase != ZONE_PUTTING)
		return 0;
	if ((rc = zone_put_answer(zr, m)) == 0)
		return 0;
	if (rc < 0) {
		w->what = "it could not be published";
		w->rc = rc;
		w->refused = w->unfit = false;
		work_failed(zr, w);
	} else
		work_done(zr);
	work_over(zr);
	return 0;
}

/* --- what a former life left --- */

static int
recall(struct zone_role *zr, struct zone_one *z)
{
	struct msg_zone_recall m = { .zone = zone_wire(z) };

	zr->work.z = z;
	zr->work.task = TASK_LOAD;
	zr->phase = ZONE_RECALLING;
	zr->first_req = zr->req + 1;
	for (m.side = 0; m.side < KEEP_SIDE_MAX; m.side++) {
		m.req = ++zr->req;
		/* A store that is down hears us when it says that it lives. */
		(void)msg_zone_recall_send(zr->role, ROLE_STORE, &m);
	}
	return 0;
}

static void	work_run(void *arg);

static int
on_recalled(struct role *r, enum role_id from UNUSED, void *msg)
{
	struct zone_role *zr = r->state;
	struct msg_zone_recalled *m = msg;
	struct zone_work *w = &zr->work;
	unsigned side = m->req - zr->first_req;

	if (zr->phase != ZONE_RECALLING || side >= KEEP_SIDE_MAX || w->image[side] >= 0)
		return 0;
	w->image[side] = m->image;
	w->journal[side] = m->journal;
	m->image = m->journal = -1;
	for (side = 0; side < KEEP_SIDE_MAX; side++)
		if (w->image[side] < 0)
			return 0;
	w->jobs = zr->jobs;
	w->at = role_now(r);
	zr->phase = ZONE_WORKING;
	zr->task = task_start(r->loop, work_run, work_ended, zr);
	return zr->task == NULL ? -ENOMEM : 0;
}

/* --- whose turn it is --- */

/* Is there something to do for it, and can it be done? */
static bool
zone_is_due(struct zone_one *z, int64_t now)
{
	if (!z->keys.told || !zone_keys_serve(&z->keys) || now < z->retry_at)
		return false;
	if (zone_is_fed(z) ? z->now.plain == NULL && !z->in.has_got : z->seen == 0)
		return false;
	if (z->wanted || z->in.has_got)
		return true;
	if (zone_keys_unsigned(&z->keys) && z->now.generation == z->keys.generation)
		return false;
	if (z->now.signed_zone == NULL || z->now.state == NULL)
		return zone_is_fed(z) || z->now.plain != NULL || z->seen != z->tried;
	return now >= sign_state_due(z->now.state);
}

/* On the thread. */
static void
work_run(void *arg)
{
	struct zone_role *zr = arg;

	if (zr->work.task == TASK_AUDIT)
		zone_audit_slice(zr);
	else
		zone_work(&zr->work);
}

static int
task_begin(struct zone_role *zr, struct zone_one *z, enum zone_task task)
{
	struct zone_work *w = &zr->work;

	w->z = z;
	w->task = task;
	w->line = &zr->line;
	w->jobs = zr->jobs;
	w->at = role_now(zr->role);
	zr->phase = ZONE_WORKING;
	zr->task = task_start(zr->role->loop, work_run, work_ended, zr);
	return zr->task == NULL ? -ENOMEM : 0;
}

static int
sign_begin(struct zone_role *zr, struct zone_one *z)
{
	struct zone_work *w = &zr->work;
	int rc;

	w->stamp = z->seen;
	w->read = !zone_is_fed(z) && (z->now.plain == NULL || z->seen != z->now.stamp);
	/* A source that was refused and still is there: what is in service is signed on. */
	if (w->read && z->now.plain != NULL && z->seen == z->tried) {
		w->read = false;
		w->stamp = z->now.stamp;
	}
	if (z->in.has_got) {
		w->got = z->in.got;
		z->in.got = (struct zone_got){ 0 };
		z->in.has_got = false;
	}
	if ((rc = zone_keys_copy(&z->keys, &w->keys)) < 0)
		return rc;
	z->wanted = false;
	return task_begin(zr, z, TASK_SIGN);
}

/* A change is taken when two looks saw the same. */
static void
source_look(struct zone_one *z)
{
	uint64_t stamp;

	if (zone_is_fed(z))
		return;
	stamp = file_signature(z->e->file, 0);
	if (stamp == 0 && (z->seen != 0 || z->why[0] == '\0'))
		zone_why(z, "its zone file is not there", z->e->file);
	if (stamp != 0 && stamp == z->seen && stamp != z->now.stamp && stamp != z->tried)
		z->wanted = true;
	if (stamp != 0 && z->seen == 0 && z->now.plain != NULL)
		z->wanted = true;	/* it is there again */
	z->seen = stamp;
}

/* The first thing that one zone after the other needs. */
static int
work_find(struct zone_role *zr, int64_t now)
{
	for (size_t i = 0; i < zr->list.n; i++)
		if (!zr->zones[i].loaded && now >= zr->zones[i].retry_at)
			return recall(zr, &zr->zones[i]);
	for (size_t i = 0; i < zr->list.n; i++) {
		struct zone_one *z = &zr->zones[zr->turn++ % zr->list.n];

		if (z->loaded && zone_is_due(z, now))
			return sign_begin(zr, z);
	}
	for (size_t i = 0; i < zr->list.n; i++)
		if (zone_compact_due(&zr->zones[i]) && now >= zr->zones[i].retry_at)
			return task_begin(zr, &zr->zones[i], TASK_COMPACT);
	if (!zone_audit_due(zr, now))
		return 0;
	if (zone_audit_begin(zr) < 0)
		return 0;
	return task_begin(zr, zr->recheck.z, TASK_AUDIT);
}

static void
on_timer(void *arg)
{
	struct zone_role *zr = arg;
	int64_t now = role_now(zr->role);
	int rc = 0;

	(void)loop_timer_set(zr->timer, LOOK_USEC);
	for (size_t i = 0; i < zr->list.n; i++) {
		source_look(&zr->zones[i]);
		zone_in_look(&zr->zones[i], now);
		zone_notify_look(&zr->zones[i]);
	}
	zone_out_look(zr);
	zone_web_tell(zr, now);
	if (zr->phase == ZONE_IDLE)
		rc = work_find(zr, now);
	if (rc < 0)
		role_stop(zr->role, rc);
}

/* --- keys --- */

static int
set_take(struct zone_role *zr, struct zone_one *z, const struct msg_key_set *m)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	bool current = z->keys.told && z->now.generation == z->keys.generation;
	int rc = zone_keys_take(z, &zr->line, m);

	if (rc < 0)
		return rc;
	if (!zone_keys_serve(&z->keys)) {
		buf_printf(&b, "%.*s", SV_ARG(m->why));
		buf_char(&b, '\0');
		zone_why(z, "no keys", b.rc == 0 ? b.p : "");
	} else if (rc > 0) {
		z->wanted = true;
		z->retry_at = z->loaded ? 0 : z->retry_at;
		z->tried = z->now.plain == NULL ? 0 : z->tried;
	} else if (!current && z->loaded) {
		z->retry_at = 0;	/* a token is back, say: what failed is tried now */
	} else if (current) {
		/* The same keys, perhaps under another number. */
		z->now.generation = m->generation;
		zone_published_tell(z);
	}
	return 0;
}

static int
on_set(struct role *r, enum role_id from UNUSED, void *msg)
{
	struct zone_role *zr = r->state;
	const struct msg_key_set *m = msg;
	struct rd rd = rd_sv(m->zone);
	struct dname name;
	int rc = 0;

	dname_rd(&rd, &name);
	for (size_t i = 0; rd_done(&rd) && i < zr->list.n && rc == 0; i++)
		if (dname_eq(&zr->zones[i].e->name, &name))
			rc = set_take(zr, &zr->zones[i], m);
	if (rc < 0)
		return rc;
	return zr->phase == ZONE_IDLE ? loop_timer_set(zr->timer, 1) : 0;
}

static int
on_ring(struct role *r, enum role_id from UNUSED, void *msg)
{
	const struct msg_ring *m = msg;
	struct zone_role *zr = r->state;

	return zr->line.ring != NULL ? -EBADMSG : ring_open(m->memory, &zr->line.ring);
}

/* --- life --- */

static int
on_listen(struct role *r, enum role_id from UNUSED, void *msg)
{
	struct zone_role *zr = r->state;
	struct msg_listen *m = msg;
	int rc;

	zr->role = r;
	if ((rc = zone_out_init(zr)) < 0 || (rc = zone_out_listen(zr, m)) < 0)
		return rc;
	m->sock = -1;
	return 0;
}

static int
on_tsig(struct role *r, enum role_id from UNUSED, void *msg)
{
	struct zone_role *zr = r->state;
	const struct msg_zone_tsig *m = msg;
	_cleanup_(pool_freep) struct pool *pool = pool_new(TSIG_MAX);
	struct findings fs;
	struct file_map map;
	int rc;

	if (pool == NULL)
		return -ENOMEM;
	if ((rc = memfd_map(m->text, false, TSIG_MAX, &map)) < 0)
		return rc;
	findings_init(&fs, pool);
	rc = tsig_keys_parse(map.data, SV("dns.tsig-keys"), &fs, &zr->tsig);
	file_unmap(&map);
	return rc;
}

/* Each folder once: sandboxes have room for a few dozen. */
static void
folder_name(struct role *r, const struct zone_role *zr, size_t i, const char *path)
{
	char folder[4200], other[4200];
	int rc;

	if (path[0] == '\0')
		return;
	zone_list_folder(path, folder, sizeof(folder));
	for (size_t k = 0; k < i; k++) {
		zone_list_folder(zr->list.v[k].file, other, sizeof(other));
		if (strcmp(folder, other) == 0)
			return;
		zone_list_folder(zr->list.v[k].output, other, sizeof(other));
		if (strcmp(folder, other) == 0)
			return;
	}
	if ((rc = role_path(r, folder, SANDBOX_READ)) < 0)
		role_log(r, LOG_LEVEL_ERROR, "%s: %s; zones in it are not read", folder, err_str(rc));
}

static int
zones_init(struct role *r, struct zone_role *zr)
{
	int rc;

	for (size_t i = 0; i < zr->list.n; i++) {
		struct zone_one *z = &zr->zones[i];

		z->zr = zr;
		z->e = &zr->list.v[i];
		zone_policy(&z->e->policy, &z->policy);
		folder_name(r, zr, i, z->e->file);
		folder_name(r, zr, i, z->e->output);
		if ((rc = zone_in_init(z)) < 0 || (rc = zone_notify_init(z)) < 0)
			return rc;
	}
	return 0;
}

static int
on_conf(struct role *r, enum role_id from UNUSED, void *msg)
{
	struct zone_role *zr = r->state;
	const struct msg_zone_conf *m = msg;
	int rc;

	if (zr->zones != NULL || zr->line.ring == NULL)
		return -EBADMSG;	/* the parent restarts us instead */
	zr->role = r;
	zr->work = (struct zone_work){ .image = { -1, -1 }, .journal = { -1, -1 } };
	zr->jobs = m->jobs != 0 ? (unsigned)min_size(m->jobs, PAR_JOBS_MAX) : par_cpus();
	if ((rc = zone_list_parse(m->zones, m->state, &zr->list)) < 0 || (rc = zone_out_init(zr)) < 0)
		return rc;
	if ((zr->zones = calloc(zr->list.n + 1, sizeof(*zr->zones))) == NULL ||
	    (zr->pool = pool_new(POOL_MAX)) == NULL || (zr->room = malloc(DNS_RDATA_MAX)) == NULL ||
	    (zr->timer = loop_timer_add(r->loop, on_timer, zr)) == NULL)
		return -ENOMEM;
	return zones_init(r, zr);
}

static int
start(struct role *r)
{
	struct zone_role *zr = r->state;
	int rc = 0;

	for (size_t i = 0; i < zr->list.n && rc == 0; i++) {
		struct msg_key_ask m = { .zone = zone_wire(&zr->zones[i]) };

		rc = msg_key_ask_send(r, ROLE_KEY, &m);
	}
	return rc < 0 ? rc : loop_timer_set(zr->timer, 1);
}

static void
status(struct role *r, struct json *j)
{
	zones_json(r->state, STATUS_MAX, true, j);
}

static const struct role_handler handlers[] = {
	{ MSG_listen, on_listen },
	{ MSG_zone_tsig, on_tsig },
	{ MSG_zone_conf, on_conf },
	{ MSG_ring, on_ring },
	{ MSG_key_set, on_set },
	{ MSG_zone_kept, on_kept },
	{ MSG_zone_recalled, on_recalled },
};

int
main(void)
{
	static const struct role_def def = {
		.id = ROLE_ZONE,
		.handlers = handlers, .n_handlers = ARRAY_LEN(handlers),
		.conf = MSG_zone_conf,
		.state_size = sizeof(struct zone_role),
		.sandbox = &sandbox_zone,
		.start = start, .status = status,
	};

	return role_main(&def);
}
