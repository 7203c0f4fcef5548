/* A regular file read from front to back, and how to see that it changed. */
#ifndef SYS_STREAM_H
#define SYS_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/util.h"

/* What a file is known by: equal as long as nobody wrote or replaced it. */
struct file_stamp {
	uint64_t	dev, ino, size;
	int64_t		mtime_nsec;
};

int	 file_stamp(const char *path, struct file_stamp *ret) MUST_USE;
bool	 file_stamp_same(const struct file_stamp *, const struct file_stamp *);

/*
 * -ENOENT, -EACCES …; -EISDIR or -EINVAL if it is no regular file; SE_LIMIT
 * if it is larger than max. The stamp is that of the file that is open.
 */
int	 stream_open(const char *path, uint64_t max, int *ret_fd, struct file_stamp *ret) MUST_USE;
/* Bytes, 0 at the end, or -Exxx. fd: an int *. */
long	 stream_read(void *fd, void *, size_t);
/* So many bytes at off: fewer only at the end. -Exxx. */
long	 stream_read_at(int fd, int64_t off, void *, size_t n);
int	 fd_dup(int fd, int *ret_fd) MUST_USE;
/* Read-only, for what was written by atomicfile. */
int	 file_open_read(const char *path, int *ret_fd) MUST_USE;

#endif
