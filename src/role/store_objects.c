#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/timefmt.h"
#include "crypto/crypto.h"
#include "role/store_objects.h"
#include "store/objects.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/memfd.h"

#define MIB			((uint64_t)1024 * 1024)
#define OPENED_MAX		4096	/* as OBJECTS_SOURCES_MAX */
/* Two dozen servers at a time are usual; more than this wait for their turn. */
#define STAGES_MAX		64
/* A stage of a fetcher that was forgotten; fetches have their own, shorter limit. */
#define STAGE_IDLE_SEC		7200
#define PIN_SEC			(15 * 60)
/* However often it says that it reads: pages that are kept make the file grow. */
#define PIN_ALL_SEC		(6 * 3600)
#define LOST_PINS_MAX		3
#define BATCH_BYTES_MAX		((size_t)64 << 20)
#define LIST_BYTES_MAX		((size_t)128 << 20)	/* points, holds, facts in use */
#define FACTS_BYTES_MAX		((size_t)2 << 20)	/* then they are written at once */
/*
 * Facts lie at random: thousands touch nearly every page of their table. So
 * while they pour in they wait until they are many; a few do not wait long.
 */
#define FACTS_PAUSE_USEC	1000000
#define FACTS_WAIT_USEC		2000000
#define FACTS_POUR_USEC		8000000
#define FACTS_POUR_BYTES	((size_t)256 << 10)
#define GC_SLICE		500	/* objects; some milliseconds */
#define GC_SLICE_USEC		20000	/* messages come in between */
#define GC_PASS_USEC		60000000
/* A source that nobody asked for in so long: its CA is gone from the tree. */
#define UNWANTED_SEC		(30 * 24 * 3600)
#define DAY_SEC			(24 * 3600)

/* A source that somebody works on; from its opening in this life of ours. */
struct opened {
	uint32_t		 id;
	char			*key;
	uint64_t		 names;
	struct objects_stage	*stage;
	uint32_t		 next_seq;
	int64_t			 used_usec;
};

struct store_objects {
	struct role		*role;
	struct objects		*objects;	/* NULL: they cannot be kept, see rc */
	int			 rc;
	struct objects_conf	 conf;
	char			 folder[4200];
	struct opened		*opened;
	size_t			 n_opened;
	bool			 pinned;	/* by validate */
	uint32_t		 pin;
	int64_t			 pinned_usec;	/* or its last word */
	int64_t			 pin_first_usec;
	unsigned		 lost_pins;	/* in a row */
	uint8_t			*facts;		/* not written yet */
	size_t			 facts_len;
	int64_t			 facts_usec;	/* since when the first waits */
	struct loop_timer	*facts_timer, *gc_timer;
	int64_t			 started;
	int64_t			 expired;	/* when old sources were looked for */
	bool			 disk_bad;	/* said once, until it works again */
	bool			 was_damaged;
	bool			 lost;		/* by damage, or with its disk: this life ends */
	uint64_t		 commits, batches;
};

/* --- life --- */

static int	facts_flush(struct store_objects *);

struct store_objects *
store_objects_free(struct store_objects *so)
{
	if (so == NULL)
		return NULL;
	if (!so->lost)
		(void)facts_flush(so);
	so->objects = objects_free(so->objects);	/* with all stages and pins */
	for (size_t i = 0; i < so->n_opened; i++)
		free(so->opened[i].key);
	free(so->opened);
	free(so->facts);
	(void)loop_timer_del(so->facts_timer);
	(void)loop_timer_del(so->gc_timer);
	free(so);
	return NULL;
}

static void
found_log(struct store_objects *so, const struct objects_found *f)
{
	if (f->set_aside) {
		so->was_damaged = true;
		role_log(so->role, LOG_LEVEL_ERROR, "%s/data.mdb is damaged (%s), set aside as "
		    "data.mdb.damaged; everything is fetched again", so->folder,
		    f->why < 0 ? "its pages do not fit together" : "LMDB crashed on it twice");
		role_audit(so->role, "objects-set-aside", (struct sv){ "{}", 2 });
	} else if (f->older)
		role_log(so->role, LOG_LEVEL_NOTICE, "%s/data.mdb was made by an older version and "
		    "is begun anew; everything is fetched again", so->folder);
	else if (f->crashes > 0)
		role_log(so->role, LOG_LEVEL_WARN, "%s was read as a whole after a crash: it is sound",
		    so->folder);
}

/* Without them, snapshots are still served: so this never ends the role. */
static void
objects_try(struct store_objects *so)
{
	struct objects_found found;
	int rc = objects_open(&so->conf, &so->objects, &found);

	if (rc < 0 && rc != so->rc)
		role_log(so->role, LOG_LEVEL_ERROR, "cannot use %s: %s; nothing is fetched until "
		    "that is mended", so->folder, err_str(rc));
	so->rc = rc;
	if (rc == 0)
		found_log(so, &found);
}

int
store_objects_new(struct role *r, const struct msg_store_conf *m, struct store_objects **ret)
{
	_cleanup_(store_objects_freep) struct store_objects *so = calloc(1, sizeof(*so));

	if (so == NULL || (so->opened = calloc(OPENED_MAX, sizeof(*so->opened))) == NULL ||
	    (so->facts = malloc(FACTS_BYTES_MAX)) == NULL)
		return -ENOMEM;
	so->role = r;
	(void)snprintf(so->folder, sizeof(so->folder), "%.*s/objects", SV_ARG(m->state));
	so->conf = (struct objects_conf){ .folder = so->folder, .digest = crypto_sha256,
	    .max_bytes = m->objects_mb * MIB, .grace_sec = m->grace };
	objects_try(so);
	*ret = TAKE_PTR(so);
	return 0;
}

/* What a handler does with a failure: damage and a lost disk end this life. */
static int
failed(struct store_objects *so, int rc, const char *what)
{
	bool disk = rc == SE_LIMIT || rc == -ENOSPC || rc == -EDQUOT || rc == -EFBIG;

	if (rc == 0) {
		so->disk_bad = false;
		return 0;
	}
	if (!disk || !so->disk_bad)
		role_log(so->role, LOG_LEVEL_ERROR, "%s: %s", what, err_str(rc));
	so->disk_bad = so->disk_bad || disk;
	so->lost = so->lost || rc == SE_SUM || rc == -EIO;
	return rc == SE_SUM || rc == -EIO ? rc : 0;
}

/* Is it ours, the disk's, or the bringer's (which is its matter to tell)? */
static bool
is_ours(struct store_objects *so, int rc)
{
	struct objects_stat st;

	if (so->objects == NULL || rc == SE_STALE || rc == -EBADMSG || rc == -EEXIST ||
	    rc == -ENOENT || rc == -EINVAL)
		return false;
	/* Its names are too many, or our room too small? */
	return rc != SE_LIMIT || objects_stat(so->objects, &st) < 0 ||
	    st.bytes_used >= st.bytes_max / 10 * 8;
}

/* --- stages --- */

static struct opened *
opened_find(struct store_objects *so, uint32_t id)
{
	for (size_t i = 0; i < so->n_opened; i++)
		if (so->opened[i].id == id)
			return &so->opened[i];
	return NULL;
}

static void
stage_end(struct opened *op)
{
	objects_stage_abort(op->stage);
	op->stage = NULL;
	op->next_seq = 0;
}

/* A new row, or the one without a stage that was used longest ago. */
static struct opened *
opened_room(struct store_objects *so)
{
	struct opened *oldest = NULL;

	if (so->n_opened < OPENED_MAX)
		return &so->opened[so->n_opened++];
	for (size_t i = 0; i < so->n_opened; i++) {
		struct opened *op = &so->opened[i];

		if (op->stage == NULL && (oldest == NULL || op->used_usec < oldest->used_usec))
			oldest = op;
	}
	if (oldest != NULL)
		free(oldest->key);
	return oldest;
}

static int
opened_add(struct store_objects *so, const struct objects_source *s)
{
	struct opened *op = opened_find(so, s->id);

	if (op == NULL) {
		char *key = malloc(s->key.n + 1);

		if (key == NULL)
			return -ENOMEM;
		if ((op = opened_room(so)) == NULL) {
			free(key);
			return SE_LIMIT;
		}
		memcpy(key, s->key.p, s->key.n);
		key[s->key.n] = '\0';
		*op = (struct opened){ .id = s->id, .key = key };
	}
	/* Who opens it begins anew: what a former life left is given up. */
	stage_end(op);
	op->names = s->n_names;
	op->used_usec = clock_mono_usec();
	return 0;
}

int
store_on_source_open(struct role *r, enum role_id from, void *msg)
{
	const struct msg_source_open *m = msg;
	struct store_objects *so = store_objects_of(r);
	struct msg_source_opened a = { .req = m->req };
	struct objects_source s;
	int rc;

	if (so == NULL)
		return 0;
	rc = so->objects == NULL ? so->rc : objects_source(so->objects, m->key, role_now(r), &s);
	if (rc == 0)
		rc = opened_add(so, &s);
	if (rc == 0) {
		a.source = s.id;
		a.names = s.n_names;
		a.state = s.state;
	}
	a.code = rc;
	(void)msg_source_opened_send(r, from, &a);
	return is_ours(so, rc) ? failed(so, rc, "cannot open a source in the object store") : 0;
}

static size_t
stages_count(const struct store_objects *so)
{
	size_t n = 0;

	for (size_t i = 0; i < so->n_opened; i++)
		n += so->opened[i].stage != NULL;
	return n;
}

static int
stage_of_batch(struct store_objects *so, const struct msg_batch *m, struct opened **ret)
{
	struct opened *op = opened_find(so, m->source);
	int rc;

	if (so->objects == NULL)
		return so->rc;
	if (op == NULL || m->seq != op->next_seq || (op->stage == NULL) != (m->seq == 0))
		return SE_STALE;
	if (op->stage == NULL) {
		if (stages_count(so) >= STAGES_MAX)
			return SE_LIMIT;
		rc = objects_stage_new(so->objects, op->id, m->replace != 0, &op->stage);
		if (rc < 0)
			return rc;
	}
	op->next_seq++;
	op->used_usec = clock_mono_usec();
	*ret = op;
	return 0;
}

static int
batch_take(struct store_objects *so, const struct msg_batch *m)
{
	struct opened *op = NULL;
	struct file_map map;
	int rc;

	if ((rc = stage_of_batch(so, m, &op)) < 0 ||
	    (rc = memfd_map(m->records, false, BATCH_BYTES_MAX, &map)) < 0)
		return rc;
	rc = objects_stage_batch(op->stage, map.data, role_now(so->role));
	file_unmap(&map);
	so->batches++;
	return rc;
}

int
store_on_batch(struct role *r, enum role_id from, void *msg)
{
	const struct msg_batch *m = msg;
	struct store_objects *so = store_objects_of(r);
	struct msg_batch_done a = { .source = m->source, .seq = m->seq };

	if (so == NULL)
		return 0;
	a.code = batch_take(so, m);
	(void)msg_batch_done_send(r, from, &a);
	return is_ours(so, (int)a.code) ?
	    failed(so, (int)a.code, "cannot keep objects that were fetched") : 0;
}

static int
commit_do(struct store_objects *so, struct opened *op, const struct msg_commit *m,
    struct objects_change *ch)
{
	struct objects_stage *s = op->stage;
	int64_t now = role_now(so->role);
	int rc;

	if (s == NULL && m->replace == 0)
		return objects_source_checked(so->objects, op->id, m->state, now);
	/* A snapshot without any object: all that was there is gone. */
	if (s == NULL && (rc = objects_stage_new(so->objects, op->id, true, &s)) < 0)
		return rc;
	op->stage = NULL;
	op->next_seq = 0;
	return objects_stage_commit(s, m->state, now, ch);
}

static void
changed_tell(struct store_objects *so, const struct opened *op, uint64_t changed)
{
	const struct msg_objects_changed m = { .source = op->id, .key = sv_str(op->key),
	    .changed = changed };

	(void)msg_objects_changed_send(so->role, ROLE_VALIDATE, &m);
}

int
store_on_commit(struct role *r, enum role_id from, void *msg)
{
	const struct msg_commit *m = msg;
	struct store_objects *so = store_objects_of(r);
	struct msg_commit_done a = { .source = m->source };
	struct objects_change ch = { 0 };
	struct opened *op;

	if (so == NULL)
		return 0;
	op = opened_find(so, m->source);
	a.code = so->objects == NULL ? so->rc : op == NULL ? SE_STALE : commit_do(so, op, m, &ch);
	if (a.code == 0) {
		so->commits++;
		op->names += ch.n_new - ch.n_gone;
		a.names = op->names;
		a.changed = ch.n_new + ch.n_replaced + ch.n_gone;
	}
	(void)msg_commit_done_send(r, from, &a);
	if (a.changed > 0)
		changed_tell(so, op, a.changed);
	return is_ours(so, (int)a.code) ?
	    failed(so, (int)a.code, "cannot keep what was fetched") : 0;
}

int
store_on_stage_abort(struct role *r, enum role_id from UNUSED, void *msg)
{
	const struct msg_stage_abort *m = msg;
	struct store_objects *so = store_objects_of(r);
	struct opened *op = so == NULL ? NULL : opened_find(so, m->source);

	if (op != NULL)
		stage_end(op);
	return 0;
}

/* --- readers --- */

static void
pin_drop(struct store_objects *so)
{
	if (so->objects != NULL && so->pinned) {
		objects_unpin(so->objects, so->pin);
		objects_forget(so->objects);	/* a run is over: now there is time */
	}
	so->pinned = false;
}

/*
 * Readers die again and again, or one does not end: it may be of what they
 * read. A file that is damaged ends us, and the next life sets it aside.
 */
static int
reader_doubt(struct store_objects *so, const char *why)
{
	const char *what = NULL;
	int rc;

	so->lost_pins = 0;
	if (so->objects == NULL)
		return 0;
	rc = objects_check(so->objects, false, &what);
	role_log(so->role, rc < 0 ? LOG_LEVEL_ERROR : LOG_LEVEL_WARN,
	    "validate %s %s, which was looked through: %s",
	    why, so->folder, rc == 0 ? "it is sound" : what != NULL ? what : err_str(rc));
	return rc == SE_SUM ? rc : 0;
}

int
store_on_pin(struct role *r, enum role_id from, void *msg)
{
	const struct msg_pin *m = msg;
	struct store_objects *so = store_objects_of(r);
	struct msg_pinned a = { .req = m->req };
	int rc = 0;

	if (so == NULL)
		return 0;
	/* It has one at a time: what is still here is of a life that ended without a word. */
	if (so->pinned && ++so->lost_pins >= LOST_PINS_MAX)
		rc = reader_doubt(so, "ended several times while it read");
	pin_drop(so);
	a.code = so->objects == NULL ? so->rc : objects_pin(so->objects, &so->pin);
	if (a.code == 0) {
		a.pin = so->pin;
		so->pinned = true;
		so->pinned_usec = so->pin_first_usec = clock_mono_usec();
	}
	(void)msg_pinned_send(r, from, &a);
	if (rc < 0 || so->objects == NULL)
		return rc;
	return failed(so, (int)a.code, "cannot keep pages for a reader");
}

/* A run over everything on a slow machine takes longer than a dead reader is waited for. */
int
store_on_pin_keep(struct role *r, enum role_id from UNUSED, void *msg)
{
	const struct msg_pin_keep *m = msg;
	struct store_objects *so = store_objects_of(r);
	int64_t now = clock_mono_usec();

	if (so != NULL && so->pinned && so->pin == m->pin &&
	    now - so->pin_first_usec < PIN_ALL_SEC * INT64_C(1000000))
		so->pinned_usec = now;
	return 0;
}

int
store_on_unpin(struct role *r, enum role_id from, void *msg)
{
	const struct msg_unpin *m = msg;
	struct store_objects *so = store_objects_of(r);
	/* A pin of a former life, or one held too long: its pages may have gone. */
	struct msg_unpinned a = { .pin = m->pin, .code = SE_STALE };

	if (so != NULL && so->pinned && so->pin == m->pin) {
		pin_drop(so);
		so->lost_pins = 0;
		a.code = 0;
	}
	(void)msg_unpinned_send(r, from, &a);
	return 0;
}

/* A list in a sealed memfd, for one of the functions of store/objects.h. */
static int
list_take(struct role *r, int fd, int (*fn)(struct store_objects *, struct sv), const char *what)
{
	struct store_objects *so = store_objects_of(r);
	struct file_map map;
	int rc;

	if (so == NULL || so->objects == NULL)
		return 0;
	if ((rc = memfd_map(fd, false, LIST_BYTES_MAX, &map)) == 0) {
		rc = fn(so, map.data);
		file_unmap(&map);
	}
	return failed(so, rc, what);
}

static int
points_put(struct store_objects *so, struct sv records)
{
	return objects_points_put(so->objects, records, role_now(so->role));
}

static int
holds_put(struct store_objects *so, struct sv hashes)
{
	return objects_hold(so->objects, hashes);
}

static int
facts_used(struct store_objects *so, struct sv facts)
{
	return objects_facts_touch(so->objects, facts, role_now(so->role));
}

int
store_on_points(struct role *r, enum role_id from UNUSED, void *msg)
{
	const struct msg_points *m = msg;

	return list_take(r, m->pairs, points_put, "cannot keep which manifests are good");
}

int
store_on_holds(struct role *r, enum role_id from UNUSED, void *msg)
{
	const struct msg_holds *m = msg;

	return list_take(r, m->hashes, holds_put, "cannot hold what older manifests need");
}

int
store_on_facts_touch(struct role *r, enum role_id from UNUSED, void *msg)
{
	const struct msg_facts_touch *m = msg;

	return list_take(r, m->keys, facts_used, "cannot keep the facts in use");
}

static int
facts_flush(struct store_objects *so)
{
	struct sv facts = { (const char *)so->facts, so->facts_len };

	so->facts_len = 0;
	if (so->objects == NULL || facts.n == 0)
		return 0;
	return failed(so, objects_facts_put(so->objects, facts, role_now(so->role)),
	    "cannot keep facts");
}

static bool
facts_due(const struct store_objects *so, size_t more, int64_t now)
{
	bool pour = so->facts_len >= FACTS_POUR_BYTES;

	return so->facts_len > 0 && (so->facts_len + more > FACTS_BYTES_MAX ||
	    now - so->facts_usec > (pour ? FACTS_POUR_USEC : FACTS_WAIT_USEC));
}

/* They come in small frames; a write transaction for each would be all we do. */
int
store_on_facts(struct role *r, enum role_id from UNUSED, void *msg)
{
	const struct msg_facts *m = msg;
	struct store_objects *so = store_objects_of(r);
	int64_t now = clock_mono_usec();
	int rc = 0;

	if (so == NULL || m->keys.n % OBJECTS_HASH_LEN != 0)
		return so == NULL ? 0 : -EBADMSG;
	if (facts_due(so, m->keys.n, now))
		rc = facts_flush(so);
	if (so->facts_len == 0)
		so->facts_usec = now;
	(void)loop_timer_set(so->facts_timer, FACTS_PAUSE_USEC);
	memcpy(so->facts + so->facts_len, m->keys.p, m->keys.n);
	so->facts_len += m->keys.n;
	return rc;
}

static void
on_facts_timer(void *arg)
{
	struct store_objects *so = arg;
	int rc = facts_flush(so);

	if (rc < 0)
		role_stop(so->role, rc);
}

/* --- keeping house --- */

static int
forgotten_drop(struct store_objects *so)
{
	int64_t now = clock_mono_usec();
	int rc = 0;

	if (so->pinned && now - so->pinned_usec > PIN_SEC * INT64_C(1000000)) {
		pin_drop(so);
		rc = reader_doubt(so, "is not done with");
	}
	for (size_t i = 0; i < so->n_opened; i++)
		if (so->opened[i].stage != NULL &&
		    now - so->opened[i].used_usec > STAGE_IDLE_SEC * INT64_C(1000000))
			stage_end(&so->opened[i]);
	return rc;
}

/*
 * Once a day, and not on the first day of this life: after a leap of the
 * clock all would look old before anybody could ask for them.
 */
static int
sources_expire(struct store_objects *so)
{
	int64_t now = role_now(so->role);
	unsigned n;
	int rc;

	if (now - so->started < DAY_SEC || now - so->expired < DAY_SEC)
		return 0;
	so->expired = now;
	rc = objects_sources_expire(so->objects, now - UNWANTED_SEC, &n);
	if (rc == 0 && n > 0)
		role_log(so->role, LOG_LEVEL_NOTICE, "%u sources that nobody asked for in 30 days "
		    "are deleted", n);
	return rc;
}

static void
on_gc_timer(void *arg)
{
	struct store_objects *so = arg;
	bool more = false;
	int rc;

	if (so->objects == NULL)
		objects_try(so);
	if (so->objects != NULL) {
		if ((rc = forgotten_drop(so)) == 0 && (rc = sources_expire(so)) == 0)
			rc = objects_gc(so->objects, role_now(so->role), GC_SLICE, &more);
		if (failed(so, rc, "cannot delete what nobody needs") < 0) {
			role_stop(so->role, rc);
			return;
		}
	}
	if (so->objects != NULL && !more)
		objects_forget(so->objects);
	(void)loop_timer_set(so->gc_timer, more ? GC_SLICE_USEC : GC_PASS_USEC);
}

int
store_objects_start(struct store_objects *so)
{
	if (so == NULL)
		return 0;
	so->facts_timer = loop_timer_add(so->role->loop, on_facts_timer, so);
	so->gc_timer = loop_timer_add(so->role->loop, on_gc_timer, so);
	if (so->facts_timer == NULL || so->gc_timer == NULL)
		return -ENOMEM;
	so->started = so->expired = role_now(so->role);
	return loop_timer_set(so->gc_timer, GC_PASS_USEC);
}

void
store_objects_status(struct store_objects *so, struct json *j)
{
	struct objects_stat st = { 0 };
	int rc;

	if (so == NULL)
		return;
	rc = so->objects == NULL ? so->rc : objects_stat(so->objects, &st);
	json_key(j, "objects");
	json_open(j, '{');
	json_kv_bool(j, "good", rc == 0 && !so->disk_bad);
	if (rc < 0)
		json_kv_str(j, "error", err_str(rc));
	json_kv_bool(j, "set_aside", so->was_damaged);
	json_kv_u64(j, "objects", st.n_objects);
	json_kv_u64(j, "names", st.n_names);
	json_kv_u64(j, "sources", st.n_sources);
	json_kv_u64(j, "nameless", st.n_dead);
	json_kv_u64(j, "facts", st.n_facts);
	json_kv_u64(j, "points", st.n_points);
	json_kv_u64(j, "bytes_used", st.bytes_used);
	json_kv_u64(j, "bytes_file", st.bytes_file);
	json_kv_u64(j, "bytes_max", st.bytes_max);
	json_kv_u64(j, "stages", stages_count(so));
	json_kv_u64(j, "pins", so->pinned);
	json_kv_u64(j, "commits", so->commits);
	json_kv_u64(j, "batches", so->batches);
	json_close(j, '}');
}
