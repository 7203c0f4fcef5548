#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/pool.h"
#include "store/limits.h"
#include "store/store.h"
#include "sys/atomicfile.h"
#include "sys/file.h"
#include "sys/memfd.h"
#include "sys/proc.h"
#include "sys/statedir.h"

#define STORE_PATH_MAX	4096
#define SNAP_END	".snap"
#define DAMAGED_END	".damaged"

struct kept {
	uint64_t		generation;
	int			fd;
	struct snapshot_stamp	stamp;
};

struct store {
	char			folder[STORE_PATH_MAX];
	unsigned		keep;
	snapshot_digest_fn	digest;
	int			lock;
	struct kept		kept[STORE_KEEP_MAX + 1];
	size_t			n;
	uint64_t		generation;	/* the highest ever seen here */
	struct file_map		map;		/* of the current one */
	struct snapshot		current;	/* n > 0 */
};

struct store *
store_free(struct store *s)
{
	if (s == NULL)
		return NULL;
	for (size_t i = 0; i < s->n; i++)
		fd_close(&s->kept[i].fd);
	file_unmap(&s->map);
	fd_close(&s->lock);
	free(s);
	return NULL;
}

static void
path_of(const struct store *s, uint64_t generation, const char *end,
    char path[static STORE_PATH_MAX + 64])
{
	(void)snprintf(path, STORE_PATH_MAX + 64, "%s/%020llu%s%s", s->folder,
	    (unsigned long long)generation, SNAP_END, end);
}

static void
kept_remove(struct store *s, size_t i)
{
	char path[STORE_PATH_MAX + 64];

	path_of(s, s->kept[i].generation, "", path);
	/* A file that stays is pruned at the next start. */
	(void)file_remove(path);
	fd_close(&s->kept[i].fd);
	memmove(&s->kept[i], &s->kept[i + 1], (s->n - i - 1) * sizeof(s->kept[0]));
	s->n--;
}

/* --- stamps --- */

/* Three session ids, distinct, and not those of before. */
static int
sessions_new(struct snapshot_stamp *st)
{
	uint16_t old = st->session[0], r;
	int rc;

	if ((rc = random_fill(&r, sizeof(r))) < 0)
		return rc;
	if (r == old)
		r = (uint16_t)(r + 0x5555);
	for (int i = 0; i < RTR_VERSIONS; i++)
		st->session[i] = (uint16_t)(r + i * 0x1357);
	return 0;
}

static int
stamp_next(const struct store *s, const struct snapshot *fresh,
    struct snapshot_stamp *ret, bool *ret_changed)
{
	if (s->n == 0) {
		*ret_changed = true;
		ret->serial = 1;
		return sessions_new(ret);
	}
	*ret = s->current.stamp;
	*ret_changed = !snapshot_same(&s->current, fresh);
	if (*ret_changed)
		ret->serial++;		/* RFC 1982: it may wrap */
	return 0;
}

/* --- writing --- */

static int
bytes_write(const char *path, const uint8_t *buf, size_t size)
{
	_cleanup_(atomicfile_done) struct atomicfile f = { .fd = -1 };
	int rc = atomicfile_open(&f, path);

	if (rc == 0)
		rc = fd_write_all(&f.fd, buf, size);
	return rc < 0 ? rc : atomicfile_commit(&f);
}

/*
 * Open, map and check a stored file. What was checked before it was written,
 * if given, need only be what the file has.
 */
static int
stored_open(const struct store *s, const char *path, const struct snapshot *written,
    int *ret_fd, struct file_map *ret_map, struct snapshot *ret)
{
	_cleanup_(fd_close) int fd = -1;
	struct file_map map;
	int rc = 0;

	if ((rc = file_open_nofollow(path, &fd)) < 0 ||
	    (rc = memfd_map(fd, true, STORE_SNAPSHOT_MAX, &map)) < 0)
		return rc;
	if (written == NULL)
		rc = snapshot_open(map.data.p, map.data.n, s->digest, ret);
	else if (map.data.n == written->size &&
	    memcmp(map.data.p, written->map, written->size) == 0)
		snapshot_view_at(written, map.data.p, ret);
	else
		rc = SE_SUM;
	if (rc < 0) {
		file_unmap(&map);
		return rc;
	}
	*ret_map = map;
	*ret_fd = fd;
	fd = -1;
	return 0;
}

/* Drop what is beyond `keep`, and an older file of the current serial. */
static void
prune(struct store *s)
{
	if (s->n >= 2 &&
	    s->kept[s->n - 2].stamp.serial == s->kept[s->n - 1].stamp.serial)
		kept_remove(s, s->n - 2);
	while (s->n > s->keep)
		kept_remove(s, 0);
}

/* The bytes are checked and stamped: write them, make them the current snapshot. */
static int
commit(struct store *s, const struct snapshot *checked)
{
	char path[STORE_PATH_MAX + 64];
	struct file_map map;
	struct snapshot snap;
	int fd, rc;

	path_of(s, s->generation + 1, "", path);
	rc = bytes_write(path, checked->map, checked->size);
	if (rc == 0)
		rc = stored_open(s, path, checked, &fd, &map, &snap);
	if (rc < 0) {
		/* What was not announced must not be found by the next start. */
		(void)file_remove(path);
		return rc;
	}
	s->generation++;
	file_unmap(&s->map);
	s->map = map;
	s->current = snap;
	s->kept[s->n++] = (struct kept){ s->generation, fd, snap.stamp };
	prune(s);
	return 0;
}

int
store_put(struct store *s, uint8_t *buf, size_t size, bool *ret_changed)
{
	struct snapshot_stamp st = { 0 };
	struct snapshot fresh;
	bool changed;
	int rc;

	if ((rc = snapshot_open(buf, size, s->digest, &fresh)) < 0 ||
	    (rc = stamp_next(s, &fresh, &st, &changed)) < 0 ||
	    (rc = snapshot_stamp(buf, size, &st, s->digest)) < 0)
		return rc;
	fresh.stamp = st;
	if ((rc = commit(s, &fresh)) < 0)
		return rc;
	*ret_changed = changed;
	return 0;
}

static int
expire_build(struct store *s, struct payloads *p, int64_t now, bool *ret_changed)
{
	struct snapshot_stamp none = { 0, { 0, 1, 2 } };
	struct sv report = snapshot_report(&s->current);
	uint8_t *buf;
	size_t size;
	int rc;

	if ((rc = snapshot_size(p, report.n, &size)) < 0)
		return rc;
	if ((buf = calloc(1, size)) == NULL)
		return -ENOMEM;
	rc = snapshot_build(p, now, &none, report, s->digest, buf, size);
	if (rc == 0)
		rc = store_put(s, buf, size, ret_changed);
	free(buf);
	return rc;
}

int
store_expire(struct store *s, int64_t now, bool *ret_changed)
{
	struct payloads p = { 0 };
	int rc;

	*ret_changed = false;
	if (s->n == 0 || s->current.earliest > now)
		return 0;
	if ((rc = snapshot_payloads(&s->current, now, &p)) == 0)
		rc = expire_build(s, &p, s->current.built, ret_changed);
	payloads_done(&p);
	return rc;
}

/* --- start --- */

/* "00000000000000000042.snap" */
static bool
generation_parse(struct sv name, uint64_t *ret)
{
	if (name.n != 20 + sizeof(SNAP_END) - 1 || !sv_ends(name, SV(SNAP_END)))
		return false;
	return num_u64(sv_take(name, 20), 1, UINT64_MAX - 1, ret) == 0;
}

static void
name_remove(const struct store *s, struct sv name)
{
	char path[STORE_PATH_MAX + 300];

	(void)snprintf(path, sizeof(path), "%s/%.*s", s->folder,
	    (int)min_size(name.n, 255), name.p);
	(void)file_remove(path);
}

/* The names are sorted, so the first damaged ones are the oldest. */
static void
left_over_remove(struct store *s, const struct sv *names, size_t n,
    struct store_found *found)
{
	size_t n_damaged = 0;
	uint64_t g;

	for (size_t i = n; i-- > 0; ) {
		if (generation_parse(names[i], &g) || sv_eq_str(names[i], "lock"))
			continue;
		if (sv_ends(names[i], SV(DAMAGED_END)) &&
		    n_damaged++ < STORE_DAMAGED_MAX)
			continue;
		name_remove(s, names[i]);
		found->n_left_over += !sv_ends(names[i], SV(DAMAGED_END));
	}
}

/* A file that is no good snapshot: out of the way, for a person to look at. */
static void
damaged_set_aside(struct store *s, uint64_t generation, struct store_found *found)
{
	char from[STORE_PATH_MAX + 64], to[STORE_PATH_MAX + 64];

	path_of(s, generation, "", from);
	path_of(s, generation, DAMAGED_END, to);
	(void)file_rename(from, to);
	found->n_damaged++;
}

static bool
same_sessions(const struct snapshot_stamp *a, const struct snapshot_stamp *b)
{
	return memcmp(a->session, b->session, sizeof(a->session)) == 0;
}

/* Is it the file's fault, not the disk's? */
static bool
is_damage(int rc)
{
	return rc == SE_SUM || rc == SE_FORMAT || rc == -EBADMSG ||
	    rc == SE_LIMIT || rc == -EINVAL;
}

/* While the folder is read, newest first. */
struct loading {
	struct store		*s;
	struct store_found	*found;
	struct kept		 back[STORE_KEEP_MAX + 1];
	size_t			 n;
	bool			 newest_lost;	/* no good file was newer */
	bool			 broken;	/* the rest is of no use for deltas */
};

/*
 * A predecessor is of use as long as its serial is the one before and its
 * session the same. (The same serial: a crash between the renaming of its
 * successor and its removal.)
 */
static bool
is_useful(struct loading *l, const struct snapshot_stamp *st)
{
	const struct kept *next = &l->back[l->n > 0 ? l->n - 1 : 0];

	if (l->n == 0)
		return true;
	if (l->broken || l->n == l->s->keep || !same_sessions(&next->stamp, st))
		return false;
	if (next->stamp.serial == st->serial)
		return false;
	l->broken = next->stamp.serial != st->serial + 1;
	return !l->broken;
}

static int
generation_load(struct loading *l, uint64_t generation)
{
	char path[STORE_PATH_MAX + 64];
	struct file_map map;
	struct snapshot snap;
	int fd, rc;

	path_of(l->s, generation, "", path);
	rc = stored_open(l->s, path, NULL, &fd, &map, &snap);
	if (rc < 0 && !is_damage(rc))
		return rc;
	if (rc < 0) {
		damaged_set_aside(l->s, generation, l->found);
		l->newest_lost = l->newest_lost || l->n == 0;
		l->broken = l->n > 0;
		return 0;
	}
	if (!is_useful(l, &snap.stamp)) {
		file_unmap(&map);
		fd_close(&fd);
		(void)file_remove(path);
		l->found->n_dropped++;
		return 0;
	}
	if (l->n == 0) {
		l->s->map = map;
		l->s->current = snap;
	} else
		file_unmap(&map);
	l->back[l->n++] = (struct kept){ generation, fd, snap.stamp };
	return 0;
}

static int
history_load(struct store *s, const uint64_t *gens, size_t n,
    struct store_found *found, bool *ret_newest_lost)
{
	struct loading l = { .s = s, .found = found };
	int rc = 0;

	for (size_t i = n; i-- > 0 && rc == 0; )
		rc = generation_load(&l, gens[i]);
	/* Also on failure: store_free() closes what was opened. */
	for (size_t i = 0; i < l.n; i++)
		s->kept[i] = l.back[l.n - 1 - i];
	s->n = l.n;
	found->n_good = (unsigned)l.n;
	*ret_newest_lost = l.newest_lost;
	return rc;
}

/* The current one under new session ids, alone. */
static int
session_renew(struct store *s)
{
	struct snapshot_stamp st = s->current.stamp;
	struct snapshot checked;
	struct file_map copy;
	int rc;

	if ((rc = sessions_new(&st)) < 0 ||
	    (rc = memfd_map_copy(s->kept[s->n - 1].fd, true, STORE_SNAPSHOT_MAX,
	    &copy)) < 0)
		return rc;
	rc = snapshot_stamp((uint8_t *)(uintptr_t)copy.data.p, copy.data.n, &st,
	    s->digest);
	if (rc == 0)
		rc = snapshot_open(copy.data.p, copy.data.n, s->digest, &checked);
	if (rc == 0)
		rc = commit(s, &checked);
	file_unmap(&copy);
	while (rc == 0 && s->n > 1)
		kept_remove(s, 0);
	return rc;
}

static int
folder_load(struct store *s, struct pool *pool, struct store_found *found)
{
	struct sv *names;
	size_t n_names, n = 0;
	uint64_t *gens;
	bool newest_lost = false;
	int rc;

	if ((rc = dir_list(pool, s->folder, STORE_NAMES_MAX, &names, &n_names)) < 0)
		return rc;
	if ((gens = pool_calloc(pool, n_names + 1, sizeof(*gens))) == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < n_names; i++)
		if (generation_parse(names[i], &gens[n]))
			n++;
	if (n > 0)
		s->generation = gens[n - 1];
	left_over_remove(s, names, n_names, found);
	if ((rc = history_load(s, gens, n, found, &newest_lost)) < 0)
		return rc;
	if (!newest_lost || s->n == 0)
		return 0;
	found->new_session = true;
	return session_renew(s);
}

/* A store of a parent that was killed may live for a moment more. */
static int
lock_take(struct store *s)
{
	char path[STORE_PATH_MAX + 64];
	long holder;

	(void)snprintf(path, sizeof(path), "%s/lock", s->folder);
	return proc_lock(path, &s->lock, &holder);
}

int
store_open(const struct store_conf *conf, struct store **ret,
    struct store_found *found)
{
	_cleanup_(store_freep) struct store *s = calloc(1, sizeof(*s));
	_cleanup_(pool_freep) struct pool *pool = pool_new(4 * 1024 * 1024);
	int rc;

	*found = (struct store_found){ 0 };
	if (s == NULL || pool == NULL)
		return -ENOMEM;
	s->lock = -1;
	s->keep = conf->keep < 1 ? 1 : conf->keep > STORE_KEEP_MAX ?
	    STORE_KEEP_MAX : conf->keep;
	s->digest = conf->digest;
	if (strlen(conf->folder) >= sizeof(s->folder))
		return -ENAMETOOLONG;
	(void)snprintf(s->folder, sizeof(s->folder), "%s", conf->folder);
	if ((rc = lock_take(s)) < 0 || (rc = folder_load(s, pool, found)) < 0)
		return rc;
	*ret = TAKE_PTR(s);
	return 0;
}

/* --- reading --- */

const struct snapshot *
store_current(const struct store *s)
{
	return s->n > 0 ? &s->current : NULL;
}

int
store_current_map(const struct store *s, struct file_map *map, struct snapshot *ret)
{
	int rc;

	if (s->n == 0)
		return -ENOENT;
	if ((rc = memfd_map(s->kept[s->n - 1].fd, true, STORE_SNAPSHOT_MAX, map)) == 0)
		snapshot_view_at(&s->current, map->data.p, ret);
	return rc;
}

size_t
store_count(const struct store *s)
{
	return s->n;
}

uint32_t
store_serial(const struct store *s, size_t i)
{
	return s->kept[i].stamp.serial;
}

int
store_fd(const struct store *s, size_t i)
{
	return s->kept[i].fd;
}
