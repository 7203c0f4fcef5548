/*
 * A program that the operator wrote, run by name from the configuration: one
 * argument, bytes on its standard input, the first line of what it says. No
 * shell; PATH and the C locale are its whole environment, "/" is its folder,
 * and it has no descriptor of ours. It runs as the user that we are.
 *
 * Nobody waits for it: it is started, heard in the loop, and killed with all
 * that it started when its time is over. It does not outlive us.
 *
 * Who can replace the program can do what we can. So it has an absolute path,
 * belongs to root, and so do all folders above it, and nobody else can write
 * there (a folder with the sticky bit protects what is root's in it).
 */
#ifndef SYS_HOOK_H
#define SYS_HOOK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/sv.h"
#include "base/util.h"
#include "sys/loop.h"

#define HOOK_INPUT_MAX	(256 * 1024)	/* bytes: an EPP command with 64 keys has 60,000 */
#define HOOK_LINE_MAX	300		/* of the first line; the rest is cut */

struct hook;

struct hook_opts {
	const char	*path, *arg;
	struct sv	 input;
	uint32_t	 timeout_sec;
};

/*
 * It has ended, and h is to be freed. code: its exit status; 128 and the signal that ended it;
 * -ETIMEDOUT. line: printable, without its end, maybe empty.
 */
typedef void (*hook_fn)(void *arg, struct hook *h, int64_t code, struct sv line);

/* 0; -ENOENT, -EPERM (not root's alone, or not absolute), -EACCES (it cannot be executed). */
int	 hook_check(const char *path) MUST_USE;
/* Checks it, too. SE_LIMIT: too much input. */
int	 hook_start(struct loop *, const struct hook_opts *, hook_fn, void *arg,
	    struct hook **ret) MUST_USE;
/* From the one who reaps children; how: of proc_reap(). false: the process is another's. */
bool	 hook_reaped(struct hook *, pid_t, const char *how);
/* Kills it when it still runs; then nobody is told. */
struct hook *hook_free(struct hook *);
DEFINE_CLEANUP(struct hook, hook_free)

#endif
