/*
 * Reading files: whole, bounded, never following what is not a regular file.
 */
#ifndef SYS_FILE_H
#define SYS_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/pool.h"
#include "base/sv.h"

/*
 * The whole file, copied into the pool. -ENOENT, -EACCES, … of the system;
 * SE_LIMIT if it is larger than max; -EINVAL if it is no regular file.
 * dirfd: an open folder or AT_FDCWD (FILE_CWD).
 */
#define FILE_CWD	(-100)
int	 file_read(struct pool *, int dirfd, const char *path, size_t max,
	    struct sv *ret) MUST_USE;

/* A read-only private mapping; same errors. An empty file gives n == 0. */
struct file_map {
	struct sv	 data;
};
int	 file_map(const char *path, size_t max, struct file_map *ret) MUST_USE;
void	 file_unmap(struct file_map *);
/*
 * The pages of a map leave this process' memory, not the page cache: they
 * come back when they are touched. For maps of files that nobody writes here.
 */
void	 file_forget(struct sv map);

/*
 * A number that changes when the file, or (depth > 0) anything in the folder
 * down to that depth, changes in name, size or time. 0: not there.
 */
uint64_t file_signature(const char *path, unsigned depth);

bool	 file_is_dir(const char *path);
/* A pipe, a device, a socket: neither file nor folder. */
bool	 file_is_special(const char *path);
/* May others than its owner read or write it? */
bool	 file_is_open_to_others(const char *path);
/* May everybody? */
bool	 file_is_open_to_all(const char *path);
/* Who may use it, as chmod(1) has it; of a socket's file: who may connect. */
int	 file_mode(const char *path, unsigned mode) MUST_USE;
/* What files that are made are not given, from now on; what it was. */
unsigned file_mask(unsigned);
int	 dir_open(const char *path, int *ret_fd) MUST_USE;
void	 fd_close(int *fd);		/* for _cleanup_() */

/*
 * The names in a folder without "." and "..", sorted bytewise, in the pool.
 * SE_LIMIT beyond max names.
 */
int	 dir_list(struct pool *, const char *path, size_t max,
	    struct sv **ret, size_t *ret_n) MUST_USE;
/* Create a folder and its parents. */
int	 dir_make(const char *path) MUST_USE;

/* Create or replace, not synced: for what can be made again. */
int	 file_write(const char *path, struct sv) MUST_USE;
/* The same with a time of modification of its own, seconds. */
int	 file_write_dated(const char *path, struct sv, int64_t mtime) MUST_USE;

/*
 * At this place of the file, which is made if it is not there: what stood behind is gone,
 * and all is on the disk. -ERANGE: the file is shorter than that.
 */
int	 file_append(const char *path, uint64_t at, struct sv) MUST_USE;

/* Has the disk of this file no room, or as good as none? */
bool	 fd_is_full(int fd);
/* All of it, whatever the pipe or disk takes at a time. A buf sink: arg is an int *. */
int	 fd_write_all(void *fd, const void *p, size_t n);

#endif
