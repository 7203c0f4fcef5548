/*
 * Opening and closing the object store's writer, and what to do with a file
 * that is damaged: see objects.h.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "store/internal.h"
#include "sys/crash.h"
#include "sys/file.h"
#include "sys/proc.h"
#include "sys/statedir.h"

#define PATH_ROOM	(OBJECTS_PATH_MAX + 32)
#define IN_USE		"in-use"

static void
path_of(const struct objects *o, const char *name, char path[static PATH_ROOM])
{
	(void)snprintf(path, PATH_ROOM, "%s/%s", o->folder, name);
}

/* --- closing --- */

static void
env_close(struct objects *o)
{
	for (size_t i = 0; i < OBJECTS_PINS_MAX; i++)
		if (o->pins[i].txn != NULL)
			objects_unpin(o, o->pins[i].id);
	if (o->env != NULL)
		mdb_env_close(o->env);
	o->env = NULL;
	o->map = (struct sv){ NULL, 0 };
}

struct objects *
objects_free(struct objects *o)
{
	if (o == NULL)
		return NULL;
	while (o->stages != NULL)
		objects_stage_abort(o->stages);
	env_close(o);
	if (o->mark >= 0)
		crash_mark_set(-1);
	if (o->mark >= 0 && !o->damaged) {
		char path[PATH_ROOM];

		path_of(o, IN_USE, path);
		(void)crash_mark_clear(o->mark);
		(void)file_remove(path);
	}
	fd_close(&o->mark);
	fd_close(&o->lock);
	free(o->held);
	free(o->filter);
	free(o->let_go);
	free(o);
	return NULL;
}

/* --- LMDB --- */

static int
env_open(struct objects *o)
{
	MDB_stat st;
	int rc;

	if ((rc = lmdb_rc(mdb_env_create(&o->env))) < 0)
		return rc;
	/*
	 * NOTLS: pins and a write transaction live in one thread. Read-ahead is
	 * off because nothing here is read in the order of the file.
	 */
	if ((rc = lmdb_rc(mdb_env_set_maxdbs(o->env, T_MAX))) < 0 ||
	    (rc = lmdb_rc(mdb_env_set_maxreaders(o->env, OBJECTS_PINS_MAX + 4))) < 0 ||
	    (rc = lmdb_rc(mdb_env_set_mapsize(o->env, o->max_bytes))) < 0 ||
	    (rc = lmdb_rc(mdb_env_open(o->env, o->folder, MDB_NOTLS | MDB_NORDAHEAD, 0640))) < 0 ||
	    (rc = lmdb_rc(mdb_env_stat(o->env, &st))) < 0)
		return rc;
	o->page = st.ms_psize;
	return 0;
}

/* Ours, or another version's. */
static int
format_judge(struct sv format, bool *ret_older)
{
	const size_t head = sizeof(OBJECTS_FORMAT_HEAD) - 1;
	uint32_t number;

	if (!sv_eq_str(sv_take(format, head), OBJECTS_FORMAT_HEAD) ||
	    num_u32(sv_skip(format, head), 1, UINT32_MAX, &number) < 0)
		return SE_FORMAT;
	*ret_older = number < OBJECTS_FORMAT_NUMBER;
	return number == OBJECTS_FORMAT_NUMBER ? 0 : SE_FORMAT;
}

/* New: write the format. Old: it must be ours. */
static int
format_check(struct objects *o, MDB_txn *txn, bool *ret_older)
{
	MDB_val k = val_of("format", 6), v, ours = val_of(OBJECTS_FORMAT, sizeof(OBJECTS_FORMAT) - 1);
	MDB_stat st;
	int rc;

	if ((rc = lmdb_rc(mdb_get(txn, o->t[T_META], &k, &v))) == 0)
		return format_judge(val_sv(&v), ret_older);
	if (rc != -ENOENT)
		return rc;
	/* Its first transaction makes all: a file with tables and no format is not ours. */
	if ((rc = lmdb_rc(mdb_stat(txn, o->t[T_REF], &st))) < 0)
		return rc;
	if (st.ms_entries > 0)
		return SE_SUM;
	return lmdb_rc(mdb_put(txn, o->t[T_META], &k, &ours, 0));
}

static int
tables_make(struct objects *o, struct objects_found *found)
{
	MDB_txn *txn;
	int rc;

	if ((rc = txn_begin(o, &txn)) < 0)
		return rc;
	if ((rc = tables_open(txn, true, o->t)) == 0)
		rc = format_check(o, txn, &found->older);
	if (rc == 0)
		rc = ref_filter_begin(o, txn);
	return txn_end(o, txn, rc);
}

/* In a transaction that only reads: what is dirty lies elsewhere. */
static int
map_find(struct objects *o)
{
	MDB_txn *txn;
	int rc;

	if ((rc = txn_look(o, &txn)) < 0)
		return rc;
	return txn_end(o, txn, map_place(o->env, txn, o->t, &o->map));
}

/*
 * What stages of the last life left. Now, not when GC comes to it: else a
 * program that is killed again and again fills the disk.
 */
static int
orphans_drop(struct objects *o)
{
	MDB_txn *txn;
	bool more;
	int rc;

	o->orphans = true;
	if ((rc = txn_begin(o, &txn)) < 0)
		return rc;
	rc = txn_end(o, txn, orphans_slice(o, txn, UINT32_MAX, &more));
	if (rc == 0)
		o->orphans = false;
	/* Where not even that fits, GC tries again. */
	return rc == SE_LIMIT || rc == -ENOSPC ? 0 : rc;
}

/* --- damage --- */

/* Is it the file's fault, not the disk's or the machine's? */
static bool
is_damage(int rc)
{
	return rc == SE_SUM;
}

/* The one before it goes: the disk holds two stores at most. */
static int
set_aside(struct objects *o, struct objects_found *found, int why)
{
	char from[PATH_ROOM], to[PATH_ROOM];
	int rc;

	env_close(o);
	path_of(o, OBJECTS_FILE, from);
	path_of(o, OBJECTS_FILE ".damaged", to);
	if ((rc = file_rename(from, to)) < 0)
		return rc;
	found->set_aside = true;
	found->why = why;
	o->damaged = false;
	return crash_mark_clear(o->mark);
}

/* What can be seen without LMDB; all pages only when there is a doubt. */
static int
head_check(struct objects *o, struct objects_found *found)
{
	struct file_head h;
	char path[PATH_ROOM];
	int rc;

	path_of(o, OBJECTS_FILE, path);
	if ((rc = file_head_read(path, &h)) < 0)
		return rc == -ENOENT ? 0 : rc;
	/* Missing pages at the end: free ones, or a file that was cut off. */
	if (found->unclean == 0 && found->crashes == 0 && h.file_size >= h.pages_end)
		return 0;
	found->checked = true;
	/*
	 * After kill -9 or a power failure LMDB's files are whole: a short look.
	 * After the second in a row it may have been killed because it hung.
	 */
	return file_walk(path, found->unclean > 1 || found->crashes > 0 ||
	    h.file_size < h.pages_end);
}

static int
file_open(struct objects *o, struct objects_found *found)
{
	char path[PATH_ROOM];
	const char *what;
	int rc;

	if ((rc = head_check(o, found)) < 0)
		return rc;
	/* Nobody else has it open (the lock): what a crash left in it is void. */
	path_of(o, "lock.mdb", path);
	if ((rc = file_remove(path)) < 0)
		return rc;
	crash_mark_arm(true);
	rc = env_open(o);
	crash_mark_arm(false);
	if (rc == 0 && (rc = tables_make(o, found)) == 0)
		rc = map_find(o);
	if (rc == 0 && found->crashes > 0)
		rc = objects_check(o, true, &what);
	return rc < 0 ? rc : orphans_drop(o);
}

/* Nothing in it that cannot be fetched again, and no room for two of them. */
static int
begin_anew(struct objects *o, struct objects_found *found)
{
	char path[PATH_ROOM];
	int rc;

	env_close(o);
	path_of(o, OBJECTS_FILE, path);
	if ((rc = file_remove(path)) < 0 || (rc = file_open(o, found)) < 0)
		return rc;
	found->older = true;
	return 0;
}

static int
open_or_set_aside(struct objects *o, struct objects_found *found)
{
	int rc;

	if (found->crashes >= OBJECTS_CRASHES_MAX) {
		if ((rc = set_aside(o, found, 0)) < 0 && rc != -ENOENT)
			return rc;
		return file_open(o, found);
	}
	rc = file_open(o, found);
	if (rc == SE_FORMAT && found->older)
		return begin_anew(o, found);
	if (!is_damage(rc))
		return rc;
	if ((rc = set_aside(o, found, rc)) < 0)
		return rc;
	return file_open(o, found);
}

/* A byte for each opening since the last clean end, which removes the file. */
static int
in_use_count(const struct objects *o, unsigned *ret)
{
	_cleanup_(fd_close) int fd = -1;
	char path[PATH_ROOM];
	int rc;

	path_of(o, IN_USE, path);
	if ((rc = crash_mark_open(path, &fd, ret)) == 0)
		crash_mark_put(fd);
	return rc;
}

static int
folder_open(struct objects *o, struct objects_found *found)
{
	char path[PATH_ROOM];
	long holder;
	int rc;

	if ((rc = folder_make(o->folder)) < 0)
		return rc;
	path_of(o, "lock", path);
	if ((rc = proc_lock(path, &o->lock, &holder)) < 0)
		return rc;
	path_of(o, "crashes", path);
	if ((rc = crash_mark_open(path, &o->mark, &found->crashes)) < 0)
		return rc;
	crash_mark_set(o->mark);
	return in_use_count(o, &found->unclean);
}

int
objects_open(const struct objects_conf *conf, struct objects **ret, struct objects_found *found)
{
	struct objects *o = calloc(1, sizeof(*o));
	int rc;

	*found = (struct objects_found){ 0 };
	if (o == NULL)
		return -ENOMEM;
	o->lock = o->mark = -1;
	o->digest = conf->digest;
	o->grace_sec = conf->grace_sec;
	o->max_bytes = conf->max_bytes < OBJECTS_BYTES_MIN ? OBJECTS_BYTES_MIN :
	    conf->max_bytes > OBJECTS_BYTES_MAX ? OBJECTS_BYTES_MAX : conf->max_bytes;
	o->max_bytes -= o->max_bytes % 65536;	/* whole pages of any machine */
	if (strlen(conf->folder) >= sizeof(o->folder)) {
		free(o);
		return -ENAMETOOLONG;
	}
	(void)snprintf(o->folder, sizeof(o->folder), "%s", conf->folder);
	/* A pin of a former life must not be taken for one of this. */
	if ((rc = random_fill(&o->last_pin, sizeof(o->last_pin))) == 0 &&
	    (rc = folder_open(o, found)) == 0)
		rc = open_or_set_aside(o, found);
	if (rc < 0) {
		/* Not a clean end: marks that are there stay. */
		fd_close(&o->mark);
		crash_mark_set(-1);
		(void)objects_free(o);
		return rc;
	}
	*ret = o;
	return 0;
}
