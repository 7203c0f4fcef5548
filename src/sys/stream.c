#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "sys/file.h"
#include "sys/stream.h"

static struct file_stamp
stamp_of(const struct stat *st)
{
	return (struct file_stamp){
		.dev = st->st_dev,
		.ino = st->st_ino,
		.size = (uint64_t)st->st_size,
		.mtime_nsec = (int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec,
	};
}

int
file_stamp(const char *path, struct file_stamp *ret)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return -errno;
	*ret = stamp_of(&st);
	return 0;
}

bool
file_stamp_same(const struct file_stamp *a, const struct file_stamp *b)
{
	return a->dev == b->dev && a->ino == b->ino && a->size == b->size &&
	    a->mtime_nsec == b->mtime_nsec;
}

int
stream_open(const char *path, uint64_t max, int *ret_fd, struct file_stamp *ret)
{
	/* O_NONBLOCK: a FIFO must not hold us up before we see that it is one. */
	_cleanup_(fd_close) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return S_ISDIR(st.st_mode) ? -EISDIR : -EINVAL;
	if ((uint64_t)st.st_size > max)
		return SE_LIMIT;
	*ret = stamp_of(&st);
	*ret_fd = fd;
	fd = -1;
	return 0;
}

long
stream_read(void *fd, void *p, size_t n)
{
	ssize_t got;

	do
		got = read(*(int *)fd, p, n);
	while (got < 0 && errno == EINTR);
	return got < 0 ? -errno : got;
}

long
stream_read_at(int fd, int64_t off, void *p, size_t n)
{
	size_t at = 0;

	while (at < n) {
		ssize_t got = pread(fd, (uint8_t *)p + at, n - at, off + (off_t)at);

		if (got == 0)
			break;
		if (got < 0 && errno != EINTR)
			return -errno;
		at += got > 0 ? (size_t)got : 0;
	}
	return (long)at;
}

int
fd_dup(int fd, int *ret_fd)
{
	int d = fcntl(fd, F_DUPFD_CLOEXEC, 3);

	if (d < 0)
		return -errno;
	*ret_fd = d;
	return 0;
}

int
file_open_read(const char *path, int *ret_fd)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	*ret_fd = fd;
	return 0;
}
