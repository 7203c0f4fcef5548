#include "app/vrps_feed.h"

#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/timefmt.h"
#include "crypto/crypto.h"
#include "sys/atomicfile.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/memfd.h"
#include "sys/proc.h"
#include "sys/stream.h"

#define WATCH_USEC	2000000		/* how often we look at the file */
#define FINDINGS_POOL	(4u * 1024 * 1024)
#define STATE_NAME	"rtr-serve.snapshot"
#define SNAPSHOT_MAX	(1024ull * 1024 * 1024)
/*
 * What expires within a minute goes with what expires now: serials change
 * once a minute at most, as often as routers may be told.
 */
#define EXPIRE_AHEAD	60
#define EXPIRE_EARLY	2	/* seconds; as long as WATCH_USEC */

struct vrps_feed {
	struct vrps_feed_conf	 conf;
	struct loop_timer	*watch;
	struct pool		*pool;
	struct findings		 findings;
	struct file_stamp	 stamp, seen;	/* loaded; seen at the last look */
	struct snapshot_stamp	 ids;
	bool			 has_ids;
	int			 fd;		/* the snapshot in service; -1 */
	int64_t			 earliest;
};

static int64_t
now_of(const struct vrps_feed *f)
{
	return clock_now() + f->conf.clock_offset;
}

/* --- session ids and state --- */

static int
ids_make(struct vrps_feed *f)
{
	uint16_t r[RTR_VERSIONS];
	int rc = random_fill(r, sizeof(r));

	if (rc < 0)
		return rc;
	for (unsigned v = 0; v < RTR_VERSIONS; v++)	/* distinct: the low bits say the version */
		f->ids.session[v] = (uint16_t)((r[v] & ~3u) | v);
	f->ids.serial = 0;
	f->has_ids = true;
	return 0;
}

static int
state_path(const struct vrps_feed *f, char **ret)
{
	return asprintf(ret, "%s/" STATE_NAME, f->conf.state) < 0 ? -ENOMEM : 0;
}

static void
free_p(char **p)
{
	free(*p);
}

/* The snapshot of our last life: served at once, and where deltas begin. */
static void
state_load(struct vrps_feed *f)
{
	_cleanup_(free_p) char *path = NULL;
	_cleanup_(fd_close) int fd = -1;
	struct file_map map = { 0 };
	struct snapshot s;

	if (state_path(f, &path) < 0 || file_open_read(path, &fd) < 0 ||
	    memfd_map(fd, true, SNAPSHOT_MAX, &map) < 0)
		return;
	if (snapshot_open(map.data.p, map.data.n, crypto_sha256, &s) == 0 &&
	    rtr_server_use(f->conf.server, fd, 0) == 0) {
		f->ids = s.stamp;
		f->has_ids = true;
		f->earliest = s.earliest;
		f->fd = fd;
		fd = -1;
	}
	file_unmap(&map);
}

static int
state_save(const struct vrps_feed *f)
{
	_cleanup_(free_p) char *path = NULL;
	_cleanup_(atomicfile_done) struct atomicfile out = { .fd = -1 };
	struct file_map map = { 0 };
	int rc;

	if (f->conf.state == NULL)
		return 0;
	if ((rc = state_path(f, &path)) < 0 ||
	    (rc = memfd_map(f->fd, true, SNAPSHOT_MAX, &map)) < 0)
		return rc;
	if ((rc = atomicfile_open(&out, path)) == 0 &&
	    (rc = fd_write_all(&out.fd, map.data.p, map.data.n)) == 0)
		rc = atomicfile_commit(&out);
	file_unmap(&map);
	return rc;
}

/* --- snapshots --- */

/* Is what was built at `map` what we serve already? */
static bool
same_as_served(const struct vrps_feed *f, const uint8_t *map, size_t size)
{
	struct file_map old = { 0 };
	struct snapshot a, b;
	bool same = false;

	if (f->fd < 0 || memfd_map(f->fd, true, SNAPSHOT_MAX, &old) < 0)
		return false;
	if (snapshot_open(old.data.p, old.data.n, crypto_sha256, &a) == 0 &&
	    snapshot_open(map, size, crypto_sha256, &b) == 0)
		same = snapshot_same(&a, &b);
	file_unmap(&old);
	return same;
}

/* Payloads to a sealed memfd; *ret_changed: it has a new serial. */
static int
snapshot_make(struct vrps_feed *f, const struct payloads *p, int *ret_fd, bool *ret_changed)
{
	_cleanup_(fd_close) int fd = -1;
	struct snapshot_stamp next = f->ids;
	uint8_t *map = NULL;
	size_t size;
	int rc, rc2;

	next.serial++;
	if ((rc = snapshot_size(p, 0, &size)) < 0 ||
	    (rc = memfd_room("rtr-snapshot", size, &fd, &map)) < 0)
		return rc;
	rc = snapshot_build(p, now_of(f), &next, SV(""), crypto_sha256, map, size);
	if (rc == 0) {
		*ret_changed = !same_as_served(f, map, size);
		if (!*ret_changed)
			rc = snapshot_stamp(map, size, &f->ids, crypto_sha256);
	}
	rc2 = memfd_room_done(fd, map, size);
	if (rc < 0 || rc2 < 0)
		return rc < 0 ? rc : rc2;
	*ret_fd = fd;
	fd = -1;
	return 0;
}

static int64_t
earliest_of(const struct payloads *p)
{
	int64_t t = TIME_NEVER;

	for (size_t i = 0; i < p->n_vrps; i++)
		t = min_i64(t, p->vrps[i].expires);
	for (size_t i = 0; i < p->n_aspas; i++)
		t = min_i64(t, p->aspas[i].expires);
	for (size_t i = 0; i < p->n_router_keys; i++)
		t = min_i64(t, p->router_keys[i].expires);
	return t;
}

static int
payloads_serve(struct vrps_feed *f, const struct payloads *p, bool *ret_changed)
{
	int fd = -1, rc;

	if ((rc = snapshot_make(f, p, &fd, ret_changed)) < 0)
		return rc;
	if ((rc = rtr_server_use(f->conf.server, fd, 0)) < 0) {
		fd_close(&fd);
		return rc;
	}
	fd_close(&f->fd);
	f->fd = fd;
	f->ids.serial += *ret_changed;
	f->earliest = earliest_of(p);
	return state_save(f);
}

/* --- expiry --- */

static void
expired_drop(struct payloads *p, int64_t now, struct vrps_load *load)
{
	size_t n = 0, m = 0, k = 0;

	for (size_t i = 0; i < p->n_vrps; i++) {
		if (p->vrps[i].expires > now) {
			p->vrps[n++] = p->vrps[i];
			continue;
		}
		load->n_expired++;
		if (p->vrps[i].expires > load->last_expiry)
			load->last_expiry = p->vrps[i].expires;
	}
	for (size_t i = 0; i < p->n_aspas; i++) {
		if (p->aspas[i].expires > now) {
			p->aspas[m++] = p->aspas[i];
			continue;
		}
		load->n_expired++;
		free((void *)p->aspas[i].providers);
	}
	for (size_t i = 0; i < p->n_router_keys; i++) {
		if (p->router_keys[i].expires > now)
			p->router_keys[k++] = p->router_keys[i];
		else
			load->n_expired++;
	}
	p->n_vrps = n;
	p->n_aspas = m;
	p->n_router_keys = k;
}

static int
served_shrink(struct vrps_feed *f)
{
	struct file_map map = { 0 };
	struct payloads p = { 0 };
	struct snapshot s;
	bool changed;
	int rc;

	if ((rc = memfd_map(f->fd, true, SNAPSHOT_MAX, &map)) < 0)
		return rc;
	if ((rc = snapshot_open(map.data.p, map.data.n, crypto_sha256, &s)) == 0)
		rc = snapshot_payloads(&s, now_of(f) + EXPIRE_AHEAD, &p);
	file_unmap(&map);
	if (rc == 0)
		rc = payloads_serve(f, &p, &changed);
	payloads_done(&p);
	return rc;
}

/* --- loading --- */

static int
file_parse(struct vrps_feed *f, struct payloads *p, struct vrps_load *load)
{
	_cleanup_(fd_close) int fd = -1;
	size_t dropped;
	int rc;

	if ((rc = stream_open(f->conf.path, VRPS_JSON_MAX, &fd, &f->stamp)) < 0)
		return rc;
	f->seen = f->stamp;
	rc = vrps_json_read(stream_read, &fd, &f->findings, p, &load->info);
	if (rc < 0)
		return rc;
	expired_drop(p, now_of(f), load);
	if (load->n_expired > 0)
		finding_add(&f->findings, &rtr_findings[RTR_VRPS_EXPIRED],
		    FA_U("count", load->n_expired), FA_TIME("last", load->last_expiry));
	return payloads_merge(p, &dropped);
}

int
vrps_feed_load(struct vrps_feed *f, struct vrps_load *ret)
{
	struct payloads p = { 0 };

	pool_reset(f->pool);
	findings_init(&f->findings, f->pool);
	f->findings.subject = sv_str(f->conf.path);
	*ret = (struct vrps_load){ .findings = &f->findings };
	ret->rc = f->has_ids ? 0 : ids_make(f);
	if (ret->rc == 0)
		ret->rc = file_parse(f, &p, ret);
	if (ret->rc == 0)
		ret->rc = payloads_serve(f, &p, &ret->changed);
	payloads_done(&p);
	(void)malloc_trim(0);		/* 60 MB that are not needed until the next load */
	return ret->rc;
}

/*
 * A file is read when it has changed and then stayed as it is for one look:
 * whoever writes it in place is given time to finish.
 */
static void
watch(void *arg)
{
	struct vrps_feed *f = arg;
	struct file_stamp now;
	struct vrps_load load;

	(void)loop_timer_set(f->watch, WATCH_USEC);
	if (file_stamp(f->conf.path, &now) == 0 && !file_stamp_same(&now, &f->stamp)) {
		if (file_stamp_same(&now, &f->seen)) {
			(void)vrps_feed_load(f, &load);
			f->stamp = now;
			f->conf.loaded(f->conf.arg, &load);
			return;
		}
		f->seen = now;
	}
	/* Before the first one expires, or the server would have to refuse all. */
	if (f->fd >= 0 && now_of(f) + EXPIRE_EARLY >= f->earliest)
		(void)served_shrink(f);
}

struct vrps_feed *
vrps_feed_new(struct loop *loop, const struct vrps_feed_conf *conf)
{
	struct vrps_feed *f = calloc(1, sizeof(*f));

	if (f == NULL)
		return NULL;
	f->conf = *conf;
	f->fd = -1;
	f->pool = pool_new(FINDINGS_POOL);
	f->watch = loop_timer_add(loop, watch, f);
	if (f->pool == NULL || f->watch == NULL || loop_timer_set(f->watch, WATCH_USEC) < 0)
		return vrps_feed_free(f);
	findings_init(&f->findings, f->pool);
	if (conf->state != NULL)
		state_load(f);
	return f;
}

struct vrps_feed *
vrps_feed_free(struct vrps_feed *f)
{
	if (f == NULL)
		return NULL;
	if (f->watch != NULL)
		f->watch = loop_timer_del(f->watch);
	(void)pool_free(f->pool);
	fd_close(&f->fd);
	free(f);
	return NULL;
}
