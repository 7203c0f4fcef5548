/*
 * The milter's journal, written by many threads: the only file in app with a
 * lock, since libmilter gives each message a thread of its own.
 *
 * Under the lock: the queue of those who wait, and is_busy. Whoever found
 * nobody busy and set it owns all else (the segment and the buffer), without
 * the lock, until he clears it. Then he wakes those whose rows are written,
 * and the first of those who are not, to be the next; all others sleep on.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "app/mail_journal_internal.h"
#include "base/err.h"
#include "sys/atomicfile.h"
#include "sys/file.h"
#include "sys/statedir.h"

/* One who waits; on his own stack. */
struct waiter {
	struct waiter	*next;
	pthread_cond_t	 wake;
	struct sv	 row;
	int64_t		 now;
	int		 rc;
	bool		 is_over;
};

struct mail_journal {
	pthread_mutex_t	 lock;
	pthread_cond_t	 idle;		/* for mail_journal_turn() */
	struct waiter	*first, **last;
	bool		 is_busy;
	/* of him who is busy */
	struct mail_journal_conf conf;
	char		*folder;
	struct buf	 buf;
	uint64_t	 next;		/* number */
	bool		 is_open;
	uint64_t	 number, at;	/* of the segment; what of it is on the disk */
	int64_t		 since;
	bool		 is_slow;	/* many wait */
	char		 path[MAIL_JOURNAL_PATH_MAX];
};

/* --- the segment --- */

static int
head_write(const char *path, uint64_t number)
{
	_cleanup_(atomicfile_done) struct atomicfile f = { .fd = -1 };
	uint8_t head[JOURNAL_HEAD_LEN];
	int rc = atomicfile_open_secret(&f, path);

	if (rc < 0)
		return rc;
	journal_head(head, number);
	if ((rc = fd_write_all(&f.fd, head, sizeof(head))) < 0)
		return rc;
	return atomicfile_commit(&f);
}

/* Not more may wait than is foreseen: whoever should take them has been away for long. */
static int
room_check(const char *folder, bool *ret_is_slow)
{
	_cleanup_(pool_freep) struct pool *pool = pool_new((size_t)4 * MAIL_JOURNAL_SEGMENTS_MAX * 128);
	uint64_t *numbers;
	size_t n;
	int rc;

	if (pool == NULL)
		return -ENOMEM;
	rc = mail_journal_list(folder, pool, &numbers, &n);
	if (rc < 0)
		return rc;
	*ret_is_slow = n > MAIL_JOURNAL_FEW;
	return n >= MAIL_JOURNAL_SEGMENTS_MAX ? SE_LIMIT : 0;
}

static int
segment_open(struct mail_journal *j, int64_t now)
{
	int rc;

	if ((rc = room_check(j->folder, &j->is_slow)) < 0 ||
	    (rc = journal_path(j->folder, j->next, JOURNAL_OPEN, j->path)) < 0 ||
	    (rc = head_write(j->path, j->next)) < 0)
		return rc;
	j->number = j->next++;
	j->at = JOURNAL_HEAD_LEN;
	j->since = now;
	j->is_open = true;
	return 0;
}

/* If the name gets lost in a crash, the next start finds the old one and seals it then. */
static int
segment_seal(struct mail_journal *j)
{
	char to[MAIL_JOURNAL_PATH_MAX];
	int rc = journal_path(j->folder, j->number, JOURNAL_ROWS, to);

	if (rc < 0)
		return rc;
	j->is_open = false;
	return j->at == JOURNAL_HEAD_LEN ? file_remove(j->path) : file_rename(j->path, to);
}

static int
segment_seal_due(struct mail_journal *j, int64_t now)
{
	unsigned sec = j->conf.segment_sec;

	if (j->is_slow && sec < MAIL_JOURNAL_SLOW_SEC)
		sec = MAIL_JOURNAL_SLOW_SEC;
	if (!j->is_open || (j->at < j->conf.segment_bytes && now - j->since < sec && now >= j->since))
		return 0;
	return segment_seal(j);
}

static bool
is_full(int rc)
{
	return rc == -ENOSPC || rc == -EDQUOT || rc == -EFBIG;
}

/*
 * All of it is on the disk, or none of it counts. Where the disk is full, the next append
 * cuts off what came of this one. After any other failure nobody knows what the disk will
 * hold (fsync's errors are told once), so the segment ends here and the next is a new file.
 */
static int
batch_write(struct mail_journal *j)
{
	int rc = j->buf.rc < 0 ? j->buf.rc : file_append(j->path, j->at, buf_get(&j->buf));

	if (rc == 0) {
		j->at += j->buf.len;
		return 0;
	}
	if (j->buf.rc == 0 && !is_full(rc) &&
	    (file_append(j->path, j->at, SV("")) < 0 || segment_seal(j) < 0))
		j->is_open = false;		/* its torn end is cut off at the next start */
	return rc;
}

/* --- who writes for all --- */

static int
rows_write(struct mail_journal *j, const struct waiter *first)
{
	int64_t now = first->now;
	int rc = segment_seal_due(j, now);

	if (rc == 0 && !j->is_open)
		rc = segment_open(j, now);
	if (rc < 0)
		return rc;
	j->buf.len = 0;
	j->buf.rc = 0;
	for (const struct waiter *w = first; w != NULL; w = w->next)
		journal_frame(&j->buf, j->number, w->row);
	if ((rc = batch_write(j)) == 0)
		(void)segment_seal_due(j, now);	/* the rows are safe; if it cannot be now, then next time */
	return rc;
}

/* The first of the queue, as many as fit; with the lock. */
static struct waiter *
batch_take(struct mail_journal *j)
{
	struct waiter *first = j->first, **end = &j->first;
	size_t len = 0;

	while (*end != NULL && (len += (*end)->row.n + JOURNAL_FRAME_LEN) <= MAIL_JOURNAL_BATCH_MAX)
		end = &(*end)->next;
	j->first = *end;
	if (j->first == NULL)
		j->last = &j->first;
	*end = NULL;
	return first;
}

/* With the lock. */
static void
busy_end(struct mail_journal *j)
{
	j->is_busy = false;
	if (j->first != NULL)
		(void)pthread_cond_signal(&j->first->wake);
	(void)pthread_cond_broadcast(&j->idle);
}

/* With the lock, which is free meanwhile. */
static void
batch_run(struct mail_journal *j)
{
	struct waiter *first = batch_take(j), *next;
	int rc;

	j->is_busy = true;
	(void)pthread_mutex_unlock(&j->lock);
	rc = rows_write(j, first);
	(void)pthread_mutex_lock(&j->lock);
	for (struct waiter *w = first; w != NULL; w = next) {
		next = w->next;		/* once the lock is free, the waiter may be gone */
		w->rc = rc;
		w->is_over = true;
		(void)pthread_cond_signal(&w->wake);
	}
	busy_end(j);
}

int
mail_journal_append(struct mail_journal *j, int64_t now, struct sv row)
{
	struct waiter w = { .wake = PTHREAD_COND_INITIALIZER, .row = row, .now = now };

	if (row.n == 0)
		return -EINVAL;
	if (row.n > MAIL_JOURNAL_ROW_MAX)
		return SE_LIMIT;
	(void)pthread_mutex_lock(&j->lock);
	*j->last = &w;
	j->last = &w.next;
	while (!w.is_over) {
		if (j->is_busy)
			(void)pthread_cond_wait(&w.wake, &j->lock);
		else
			batch_run(j);
	}
	(void)pthread_mutex_unlock(&j->lock);
	(void)pthread_cond_destroy(&w.wake);
	return w.rc;
}

int
mail_journal_turn(struct mail_journal *j, int64_t now, bool at_once)
{
	int rc;

	(void)pthread_mutex_lock(&j->lock);
	while (j->is_busy)
		(void)pthread_cond_wait(&j->idle, &j->lock);
	j->is_busy = true;
	(void)pthread_mutex_unlock(&j->lock);
	rc = at_once && j->is_open ? segment_seal(j) : segment_seal_due(j, now);
	(void)pthread_mutex_lock(&j->lock);
	busy_end(j);
	(void)pthread_mutex_unlock(&j->lock);
	return rc;
}

/* --- opening --- */

struct mail_journal *
mail_journal_free(struct mail_journal *j)
{
	if (j == NULL)
		return NULL;
	if (j->is_open)
		(void)segment_seal(j);
	(void)pthread_cond_destroy(&j->idle);
	(void)pthread_mutex_destroy(&j->lock);
	buf_done(&j->buf);
	free(j->folder);
	free(j);
	return NULL;
}

int
mail_journal_open(const struct mail_journal_conf *c, int64_t now, struct mail_journal **ret,
    struct mail_journal_found *found)
{
	_cleanup_(mail_journal_freep) struct mail_journal *j = calloc(1, sizeof(*j));
	int rc;

	*found = (struct mail_journal_found){ 0 };
	if (j == NULL)
		return -ENOMEM;
	(void)pthread_mutex_init(&j->lock, NULL);
	(void)pthread_cond_init(&j->idle, NULL);
	j->last = &j->first;
	j->conf = *c;
	if (c->segment_bytes > MAIL_JOURNAL_SEGMENT_MAX)
		return SE_LIMIT;
	if ((j->folder = sv_dup(sv_str(c->folder))) == NULL)
		return -ENOMEM;
	j->next = now > 0 ? (uint64_t)now : 1;
	if ((rc = journal_recover(j->folder, &j->next, found)) < 0)
		return rc;
	*ret = TAKE_PTR(j);
	return 0;
}
