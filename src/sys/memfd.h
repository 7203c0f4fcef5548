/*
 * Memory with a descriptor: how what is too big for a frame is handed from
 * one process to another. Sealed before it leaves, so that the reader's map
 * cannot change or shrink under it; the reader asks for the seals.
 */
#ifndef SYS_MEMFD_H
#define SYS_MEMFD_H

#include <stdint.h>

#include "base/sv.h"
#include "base/util.h"
#include "sys/file.h"

/* Empty and writable; fill it with fd_write_all(). name shows in /proc. */
int	 memfd_new(const char *name, int *ret_fd) MUST_USE;
int	 memfd_seal(int fd) MUST_USE;
/* Both at once, with the bytes in it. */
int	 memfd_of(const char *name, struct sv, int *ret_fd) MUST_USE;
/*
 * size zero bytes with a writable map, for what is built in place;
 * memfd_room_done() unmaps and seals.
 */
int	 memfd_room(const char *name, size_t size, int *ret_fd, uint8_t **ret_map) MUST_USE;
int	 memfd_room_done(int fd, uint8_t *map, size_t size) MUST_USE;
/*
 * Map a descriptor that another process sent: a sealed memfd or (files is
 * set) a regular file. -EINVAL if it is neither; SE_LIMIT beyond max.
 * file_unmap() ends it. The descriptor stays the caller's.
 */
int	 memfd_map(int fd, bool files, size_t max, struct file_map *ret) MUST_USE;
/* The same as a private copy that may be changed (page by page, on write). */
int	 memfd_map_copy(int fd, bool files, size_t max, struct file_map *ret) MUST_USE;

#endif
