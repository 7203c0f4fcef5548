/*
 * The last word of a process that dies of itself (SIGSEGV, SIGBUS, SIGABRT,
 * SIGILL, SIGFPE): one byte appended to a file, when the crash came while
 * crash_mark_arm(true) stood. The next start counts the bytes, and so tells a
 * crash in a library that reads a damaged file from kill -9, a power failure
 * or a crash elsewhere, of which nothing is said. The signal then does what
 * it would have done.
 */
#ifndef SYS_CRASH_H
#define SYS_CRASH_H

#include <stdbool.h>

#include "base/util.h"

/* Made if absent. *ret_n: how many bytes are in it. One file per process. */
int	 crash_mark_open(const char *path, int *ret_fd, unsigned *ret_n) MUST_USE;
/* No crash has happened up to here. */
int	 crash_mark_clear(int fd);
/* As a crash would: something is badly wrong, and this process ends. */
void	 crash_mark_put(int fd);
/* Sets the handlers; -1: takes them away. */
void	 crash_mark_set(int fd);
void	 crash_mark_arm(bool);

#endif
