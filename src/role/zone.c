/* zone: see role/zone_role.h. The loop: whose turn it is, and what came of it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "role/key_role.h"
#include "role/zone_role.h"
#include "sys/file.h"
#include "sys/memfd.h"

#define LOOK_USEC	1000000		/* at the sources; a change is taken when it stood still so long */
#define RETRY_MAX_SEC	60
#define AUDIT_SEC	86400		/* the whole zone is verified anew so often */
#define TELL_MAX	10		/* findings of one refusal in the log */
#define STATUS_MAX	50		/* zones in the status; the counts are exact */
#define TOLD_SEC	30
#define LOST_MAX	(RING_SLOTS - 16)

static const char *
name_of(const struct zone_one *z, char dst[static DNAME_STRLEN])
{
	return dname_str(&z->e->name, dst);
}

/* --- telling --- */

static void
findings_tell(struct zone_role *zr, const struct zone_one *z, const struct findings *fs)
{
	char name[DNAME_STRLEN];
	unsigned n = 0;

	for (const struct finding *f = fs->head; f != NULL && n < TELL_MAX; f = f->next) {
		_cleanup_(buf_done) struct buf b = BUF_INIT;

		if (f->def->severity != SEV_REJECT)
			continue;
		finding_text(&b, f, LANG_EN);
		role_log(zr->role, LOG_LEVEL_ERROR, "%s %s: %.*s%s%.*s", name_of(z, name), f->def->code,
		    SV_ARG(f->subject), f->subject.n > 0 ? ": " : "", SV_ARG(buf_get(&b)));
		n++;
	}
	if (fs->n_by_severity[SEV_REJECT] > n)
		role_log(zr->role, LOG_LEVEL_ERROR, "%s: and %llu more", name_of(z, name),
		    (unsigned long long)(fs->n_by_severity[SEV_REJECT] - n));
}

/* The same thing is said once. */
static void
why_set(struct zone_role *zr, struct zone_one *z, const char *what, const char *more)
{
	char name[DNAME_STRLEN], why[ZONE_WHY_MAX];

	(void)snprintf(why, sizeof(why), "%s%s%s", what, more[0] == '\0' ? "" : ": ", more);
	if (strcmp(why, z->why) == 0)
		return;
	(void)snprintf(z->why, sizeof(z->why), "%s", why);
	zr->told = false;
	role_log(zr->role, LOG_LEVEL_ERROR, "%s: %s; %s", name_of(z, name), why,
	    z->now.signed_zone != NULL ? "the version before stays in service" : "it is not served yet");
}

static void
failed(struct zone_role *zr, struct zone_one *z, int64_t now, const char *what, const char *more)
{
	unsigned shift = z->n_failed < 6 ? z->n_failed : 6;
	int64_t wait = (int64_t)1 << shift;

	z->n_failed++;
	z->retry_at = now + (wait > RETRY_MAX_SEC ? RETRY_MAX_SEC : wait);
	why_set(zr, z, what, more);
}

/* --- what came of a run --- */

static void
version_adopt(struct zone_role *zr, struct zone_work *w)
{
	struct zone_one *z = w->z;
	char name[DNAME_STRLEN];
	uint32_t serial = 0;

	(void)zone_serial(w->next.signed_zone, &serial);
	if (w->stats.n_sigs > 0 || z->now.signed_zone == NULL)
		role_log(zr->role, LOG_LEVEL_NOTICE, "%s: serial %u, %llu signatures made, %llu kept%s",
		    name_of(z, name), serial, (unsigned long long)w->stats.n_sigs,
		    (unsigned long long)w->stats.n_kept, w->published ? "; nothing to publish" : "");
	zone_version_done(&z->now);
	z->now = w->next;
	w->next = (struct zone_version){ 0 };
	z->n_failed = 0;
	z->retry_at = 0;
	z->why[0] = '\0';
	if (w->whole)
		z->audited_at = w->at;
	z->n_signed += w->stats.n_sigs;
	zr->n_versions += !w->published;
	zr->told = false;
}

static void
put_send(struct zone_role *zr)
{
	struct zone_work *w = &zr->work;
	struct msg_zone_put m = { .req = zr->req, .text = w->text,
	    .zone = { (const char *)w->z->e->name.w, w->z->e->name.len } };
	int rc;

	(void)zone_serial(w->next.signed_zone, &m.serial);
	if ((rc = msg_zone_put_send(zr->role, ROLE_STORE, &m)) < 0)
		role_log(zr->role, LOG_LEVEL_ERROR, "cannot give a zone to the store: %s", err_str(rc));
}

static void
work_over(struct zone_role *zr)
{
	zone_work_done(&zr->work);
	zr->phase = ZONE_IDLE;
	(void)loop_timer_set(zr->timer, 1);
}

static void
work_failed(struct zone_role *zr, struct zone_work *w)
{
	struct zone_one *z = w->z;
	struct msg_key_ask ask = { .zone = { (const char *)z->e->name.w, z->e->name.len } };

	z->wanted = true;
	if (w->refused) {
		z->n_refused++;
		zr->told = false;
		z->wanted = false;	/* until its file or its keys change */
		if (w->read)
			z->tried = w->stamp;
		z->retry_at = role_now(zr->role) + (w->read ? 0 : RETRY_MAX_SEC);
		findings_tell(zr, z, &w->fs);
		why_set(zr, z, w->what, "");
		return;
	}
	if (w->rc == SE_STALE)
		(void)msg_key_ask_send(zr->role, ROLE_KEY, &ask);
	failed(zr, z, role_now(zr->role), w->what, w->rc == SE_STALE ? "its keys have changed meanwhile" :
	    w->rc == -ETIMEDOUT ? "the key role did not answer" :
	    w->rc == -EPERM ? "the key role refused" : err_str(w->rc));
}

static void
work_ended(void *arg)
{
	struct zone_role *zr = arg;
	struct zone_work *w = &zr->work;

	zr->task = task_free(zr->task);
	if (w->rc < 0)
		work_failed(zr, w);
	else if (!w->published) {
		zr->phase = ZONE_PUTTING;
		zr->req++;
		put_send(zr);
		return;
	} else
		version_adopt(zr, w);
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

	if (zr->phase != ZONE_PUTTING)
		return 0;
	if (m->req == 0) {		/* a store of a new life */
		put_send(zr);
		return 0;
	}
	if (m->req != zr->req)
		return 0;
	if (m->code == 0)
		version_adopt(zr, &zr->work);
	else {
		zr->work.z->wanted = true;
		failed(zr, zr->work.z, role_now(r), "it could not be published", err_str((int)m->code));
	}
	work_over(zr);
	return 0;
}

/* --- how they are --- */

static void
zone_json(const struct zone_one *z, bool busy, struct json *j)
{
	char name[DNAME_STRLEN];
	uint32_t serial;

	json_open(j, '{');
	json_kv_str(j, "zone", name_of(z, name));
	json_kv_bool(j, "served", z->now.signed_zone != NULL);
	json_kv_bool(j, "good", z->why[0] == '\0' && z->now.signed_zone != NULL);
	if (z->why[0] != '\0')
		json_kv_str(j, "why", z->why);
	/* While a thread works on it, versions are its own. */
	if (!busy && z->now.signed_zone != NULL) {
		if (zone_serial(z->now.signed_zone, &serial))
			json_kv_u64(j, "serial", serial);
		json_kv_i64(j, "next_signing", sign_state_due(z->now.state));
		json_kv_i64(j, "horizon", sign_state_horizon(z->now.state));
	}
	json_kv_u64(j, "signatures", z->n_signed);
	json_kv_u64(j, "refresh", z->policy.refresh_sec);
	json_kv_u64(j, "refusals", z->n_refused);
	json_close(j, '}');
}

static void
zones_json(const struct zone_role *zr, size_t max, struct json *j)
{
	size_t served = 0, good = 0;

	for (size_t i = 0; i < zr->list.n; i++) {
		served += zr->zones[i].now.signed_zone != NULL;
		good += zr->zones[i].now.signed_zone != NULL && zr->zones[i].why[0] == '\0';
	}
	json_kv_u64(j, "zones", zr->list.n);
	json_kv_u64(j, "served", served);
	json_kv_u64(j, "good", good);
	json_kv_u64(j, "versions", zr->n_versions);
	json_kv_u64(j, "signatures", atomic_load(&zr->line.n_signed));
	json_key(j, "list");
	json_open(j, '[');
	for (size_t i = 0; i < zr->list.n && i < max; i++)
		zone_json(&zr->zones[i], zr->phase != ZONE_IDLE && zr->work.z == &zr->zones[i], j);
	json_close(j, ']');
}

/* At changes, and now and then: web may live anew. */
static void
web_tell(struct zone_role *zr, int64_t now)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	struct json j = json_on(&b, false);
	struct msg_zone_told m;

	if (zr->told && now >= zr->told_at && now - zr->told_at < TOLD_SEC)
		return;
	json_open(&j, '{');
	zones_json(zr, zr->list.n, &j);
	json_close(&j, '}');
	zr->told = true;
	zr->told_at = now;
	if (b.rc < 0 || memfd_of("zones", buf_get(&b), &m.json) < 0)
		return;
	(void)msg_zone_told_send(zr->role, ROLE_WEB, &m);
	(void)msg_zone_told_send(zr->role, ROLE_STORE, &m);
	fd_close(&m.json);
}

/* --- whose turn it is --- */

/* Is there something to do for it, and can it be done? */
static bool
zone_is_due(struct zone_one *z, int64_t now)
{
	if (!z->keys.told || z->keys.state != KEY_SET_READY || now < z->retry_at || z->seen == 0)
		return false;
	if (z->wanted)
		return true;
	if (z->now.signed_zone == NULL)
		return z->seen != z->tried;
	return now >= sign_state_due(z->now.state);
}

/* On the thread. */
static void
work_run(void *arg)
{
	struct zone_role *zr = arg;

	zone_work(&zr->work);
}

static int
zone_begin_work(struct zone_role *zr, struct zone_one *z)
{
	struct zone_work *w = &zr->work;
	int rc;

	*w = (struct zone_work){ .z = z, .line = &zr->line, .jobs = zr->jobs, .at = role_now(zr->role),
	    .stamp = z->seen, .text = -1 };
	w->read = z->now.plain == NULL || z->seen != z->now.stamp;
	/* A source that was refused and still is there: what is in service is signed on. */
	if (w->read && z->now.plain != NULL && z->seen == z->tried) {
		w->read = false;
		w->stamp = z->now.stamp;
	}
	if ((rc = zone_keys_copy(&z->keys, &w->keys)) < 0)
		return rc;
	z->wanted = false;
	zr->phase = ZONE_WORKING;
	zr->task = task_start(zr->role->loop, work_run, work_ended, zr);
	return zr->task == NULL ? -ENOMEM : 0;
}

/* A change is taken when two looks saw the same. */
static void
source_look(struct zone_role *zr, struct zone_one *z)
{
	uint64_t stamp = file_signature(z->e->file, 0);

	if (stamp == 0 && (z->seen != 0 || z->why[0] == '\0'))
		why_set(zr, z, "its zone file is not there", z->e->file);
	if (stamp != 0 && stamp == z->seen && stamp != z->now.stamp && stamp != z->tried)
		z->wanted = true;
	if (stamp != 0 && z->seen == 0 && z->now.plain != NULL)
		z->wanted = true;	/* it is there again */
	z->seen = stamp;
}

static void
audit_look(struct zone_role *zr, struct zone_one *z)
{
	/* Verified once more as a whole, whether it changed or not. */
	if (z->now.audit != NULL && role_now(zr->role) - z->audited_at > AUDIT_SEC) {
		z->now.audit = audit_result_free(z->now.audit);
		z->wanted = true;
	}
}

static void
on_timer(void *arg)
{
	struct zone_role *zr = arg;
	int64_t now = role_now(zr->role);
	int rc = 0;

	(void)loop_timer_set(zr->timer, LOOK_USEC);
	for (size_t i = 0; i < zr->list.n; i++)
		source_look(zr, &zr->zones[i]);
	if (zr->phase != ZONE_IDLE)
		return;
	for (size_t i = 0; i < zr->list.n; i++)
		audit_look(zr, &zr->zones[i]);
	web_tell(zr, now);
	for (size_t i = 0; i < zr->list.n && zr->phase == ZONE_IDLE && rc == 0; i++) {
		struct zone_one *z = &zr->zones[zr->turn++ % zr->list.n];

		if (zone_is_due(z, now))
			rc = zone_begin_work(zr, z);
	}
	if (rc < 0)
		role_stop(zr->role, rc);
}

/* --- keys --- */

static int
on_set(struct role *r, enum role_id from UNUSED, void *msg)
{
	struct zone_role *zr = r->state;
	const struct msg_key_set *m = msg;
	struct rd rd = rd_sv(m->zone);
	struct dname name;

	dname_rd(&rd, &name);
	for (size_t i = 0; rd_done(&rd) && i < zr->list.n; i++) {
		struct zone_one *z = &zr->zones[i];
		int rc;

		if (!dname_eq(&z->e->name, &name))
			continue;
		if ((rc = zone_keys_take(z, &zr->line, m)) < 0)
			return rc;
		if (m->state != KEY_SET_READY) {
			_cleanup_(buf_done) struct buf b = BUF_INIT;

			buf_printf(&b, "%.*s", SV_ARG(m->why));
			buf_char(&b, '\0');
			why_set(zr, z, "no keys", b.rc == 0 ? b.p : "");
		} else if (rc > 0) {
			z->wanted = true;
			z->retry_at = 0;
			z->tried = z->now.plain == NULL ? 0 : z->tried;
		}
	}
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

/* Each folder once: sandboxes have room for a few dozen. */
static void
folder_name(struct role *r, const struct zone_role *zr, size_t i, const char *path)
{
	char folder[4200], other[4200];
	int rc;

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
on_conf(struct role *r, enum role_id from UNUSED, void *msg)
{
	struct zone_role *zr = r->state;
	const struct msg_zone_conf *m = msg;
	int rc;

	if (zr->zones != NULL || zr->line.ring == NULL)
		return -EBADMSG;	/* the parent restarts us instead */
	zr->role = r;
	zr->work.text = -1;
	zr->jobs = m->jobs != 0 ? (unsigned)min_size(m->jobs, PAR_JOBS_MAX) : par_cpus();
	if ((rc = zone_list_parse(m->zones, m->state, &zr->list)) < 0)
		return rc;
	if ((zr->zones = calloc(zr->list.n + 1, sizeof(*zr->zones))) == NULL ||
	    (zr->timer = loop_timer_add(r->loop, on_timer, zr)) == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < zr->list.n; i++) {
		zr->zones[i].e = &zr->list.v[i];
		zone_policy(&zr->list.v[i].policy, &zr->zones[i].policy);
		folder_name(r, zr, i, zr->list.v[i].file);
		folder_name(r, zr, i, zr->list.v[i].output);
	}
	return 0;
}

static int
start(struct role *r)
{
	struct zone_role *zr = r->state;
	int rc = 0;

	for (size_t i = 0; i < zr->list.n && rc == 0; i++) {
		struct msg_key_ask m = { .zone = { (const char *)zr->list.v[i].name.w,
		    zr->list.v[i].name.len } };

		rc = msg_key_ask_send(r, ROLE_KEY, &m);
	}
	return rc < 0 ? rc : loop_timer_set(zr->timer, 1);
}

static void
status(struct role *r, struct json *j)
{
	zones_json(r->state, STATUS_MAX, j);
}

static const struct role_handler handlers[] = {
	{ MSG_zone_conf, on_conf },
	{ MSG_ring, on_ring },
	{ MSG_key_set, on_set },
	{ MSG_zone_kept, on_kept },
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
