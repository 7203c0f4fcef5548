/* Segments of a journal that are handed on to a store, by a process that is killed meanwhile. */
#ifndef TESTS_UNIT_APP_SEGMENTS_KIT_H
#define TESTS_UNIT_APP_SEGMENTS_KIT_H

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../tap.h"
#include "app/mail_journal.h"
#include "store/reports.h"
#include "sys/file.h"

/* What is under test: a segment's octets into the store. */
typedef int (*segment_fn)(struct reports *, struct sv octets);

static inline int
segment_hand(segment_fn fn, struct reports *r, const char *folder, uint64_t number)
{
	char path[MAIL_JOURNAL_PATH_MAX];
	struct file_map map;
	int rc;

	if ((rc = mail_journal_path(folder, number, path)) < 0 ||
	    (rc = file_map(path, MAIL_JOURNAL_SEGMENT_MAX, &map)) < 0)
		return rc;
	rc = fn(r, map.data);
	file_unmap(&map);
	return rc < 0 ? rc : mail_journal_remove(folder, number);
}

/* So many at most; an octet to fd after each, unless it is negative. */
static inline int
segments_hand(segment_fn fn, const char *where, const char *folder, size_t max, int fd)
{
	struct pool *pool = pool_new(1 << 20);
	struct reports *r;
	uint64_t *numbers;
	size_t n = 0;
	int rc = pool == NULL ? -ENOMEM : reports_open(where, &r);

	if (rc < 0)
		return rc;
	rc = mail_journal_list(folder, pool, &numbers, &n);
	for (size_t i = 0; i < min_size(n, max) && rc == 0; i++)
		if ((rc = segment_hand(fn, r, folder, numbers[i])) == 0 && fd >= 0 && write(fd, "", 1) != 1)
			rc = -EIO;
	(void)reports_free(r);
	(void)pool_free(pool);
	return rc;
}

/*
 * The same in a process that is killed so long after that many segments: between two, or in the
 * middle of one (after the commit, before the file is gone). Was it? It may have been faster.
 */
static inline bool
killed_after(segment_fn fn, const char *where, const char *folder, size_t max, unsigned n_segments,
    unsigned usec)
{
	int fds[2], status;
	char c;
	pid_t pid;

	assert_int_equal(pipe(fds), 0);
	assert_true((pid = fork()) >= 0);
	if (pid == 0)
		_exit(segments_hand(fn, where, folder, max, fds[1]) == 0 ? 0 : 1);
	(void)close(fds[1]);
	while (n_segments > 0 && read(fds[0], &c, 1) == 1)
		n_segments--;
	(void)usleep(usec);
	assert_int_equal(kill(pid, SIGKILL), 0);
	(void)close(fds[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
	return WIFSIGNALED(status);
}

#endif
