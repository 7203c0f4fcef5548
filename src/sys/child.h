/*
 * A program that is none of our roles (rsync), started without a shell: argv
 * as given, an empty environment but for a plain PATH and the C locale, a
 * socket as its standard input and output, nothing on its standard error, no
 * other descriptor. It gets SIGKILL when we end, however we end.
 */
#ifndef SYS_CHILD_H
#define SYS_CHILD_H

#include <sys/types.h>

#include "base/util.h"

/* -ENOENT, -EACCES: no such program. fd stays the caller's. proc_reap() ends it. */
int	 child_start(const char *path, char *const argv[], int fd, pid_t *ret_pid) MUST_USE;

#endif
