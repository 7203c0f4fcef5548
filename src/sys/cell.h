/*
 * A cell: a process for code of others, which may crash there or never return.
 * What it does is not done here, and what it wrecks is its own.
 *
 * cell_new() comes while this process has no threads, no sandbox and no secrets
 * yet: it forks a *keeper*, which has none of these either. The keeper reads
 * nothing but orders of three kinds from us, and forks the cell when told:
 * so a cell begins as this process was then, however often the one before has
 * died. It closes its own sandbox (.run).
 *
 *	cell_start	a new one, with n stream sockets; the other ends are ours
 *	cell_end	the end of it, within msec by itself, or by SIGKILL
 *
 * The sockets say when it dies: all of its ends are closed then. Keeper and
 * cell get SIGKILL when we end, however we end.
 *
 * One thread at a time.
 */
#ifndef SYS_CELL_H
#define SYS_CELL_H

#include <sys/types.h>

#include "base/util.h"

#define CELL_FDS_MAX	32
#define CELL_TEXT_MAX	32

struct cell_conf {
	/* In the cell; what it returns (0 to 100) is its exit status. */
	int	(*run)(void *arg, const int *fds, unsigned n);
	void	*arg;
	const char *keeper_name, *name;		/* as ps shows them: 15 letters */
};

struct cell;

int	 cell_new(const struct cell_conf *, struct cell **ret) MUST_USE;
/* Ends both, at once. */
struct cell *cell_free(struct cell *);
DEFINE_CLEANUP(struct cell, cell_free)

/* -EBUSY: there is one still. -EPIPE: the keeper has died, and that was all. */
int	 cell_start(struct cell *, int *ret_fds, unsigned n, pid_t *ret_pid) MUST_USE;
/* How it ended, or had ended: "signal 11", "status 3"; "": there was none. */
int	 cell_end(struct cell *, unsigned msec, char ret_text[static CELL_TEXT_MAX]) MUST_USE;

/* --- talking over one of its sockets --- */

/* All of it, or nothing is good: -ETIMEDOUT; -EPIPE: the other side has ended. until: clock_mono_usec(). */
int	 cell_write(int fd, const void *, size_t n, int64_t until) MUST_USE;
int	 cell_read(int fd, void *, size_t n, int64_t until) MUST_USE;

#endif
