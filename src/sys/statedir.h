/*
 * The state directory and the few changes to files that are made outside of
 * atomicfile. One process works in a state directory at a time: the lock
 * says which. Its layout has a version: a newer one is refused, not guessed.
 */
#ifndef SYS_STATEDIR_H
#define SYS_STATEDIR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/util.h"
#include "sys/proc.h"

#define STATE_SCHEMA	1

struct statedir_error {
	const char	*what;		/* msgid, with one %s for the path */
	char		 path[4096];
	long		 holder;	/* of the lock, 0: unknown */
};

/*
 * Make it and its folders (0750, handed to the user when not NULL), take the
 * lock, check the schema. *ret_lock stays open as long as the process works
 * here. SE_LOCKED, SE_FORMAT, or the system's codes; *err says where.
 */
int	 statedir_open(const char *dir, const struct proc_user *, int *ret_lock,
	    struct statedir_error *err) MUST_USE;

int	 file_open_nofollow(const char *path, int *ret_fd) MUST_USE;
int	 file_remove(const char *path);		/* 0 also when it was not there */
int	 file_rename(const char *from, const char *to);
int	 folder_make(const char *path);		/* 0 also when it was there */
/* Which file it is, whatever is in it: another one in its place has another. 0: none. */
uint64_t file_identity(const char *path);
/* The path can be opened to read now: 0 or why not. */
int	 file_readable(const char *path) MUST_USE;

#endif
