#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/err.h"
#include "sys/file.h"

void
fd_close(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
}

static int
regular_open(int dirfd, const char *path, size_t max, int *ret_fd,
    size_t *ret_size)
{
	struct stat st;
	int fd;

	/* O_NONBLOCK: a FIFO must not hold us up before we see that it is one. */
	fd = openat(dirfd == FILE_CWD ? AT_FDCWD : dirfd, path,
	    O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0) {
		int e = errno;

		(void)close(fd);
		return -e;
	}
	if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size > max) {
		(void)close(fd);
		return S_ISREG(st.st_mode) ? SE_LIMIT :
		    S_ISDIR(st.st_mode) ? -EISDIR : -EINVAL;
	}
	*ret_fd = fd;
	*ret_size = (size_t)st.st_size;
	return 0;
}

int
file_read(struct pool *pool, int dirfd, const char *path, size_t max,
    struct sv *ret)
{
	_cleanup_(fd_close) int fd = -1;
	size_t size, len = 0;
	char *p;
	int rc;

	if ((rc = regular_open(dirfd, path, max, &fd, &size)) < 0)
		return rc;
	if ((p = pool_alloc(pool, size + 1)) == NULL)
		return -ENOMEM;
	while (len < size) {
		ssize_t n = read(fd, p + len, size - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;		/* it shrank: what is there is the file */
		len += (size_t)n;
	}
	*ret = (struct sv){ p, len };
	return 0;
}

int
file_map(const char *path, size_t max, struct file_map *ret)
{
	_cleanup_(fd_close) int fd = -1;
	size_t size;
	void *p;
	int rc;

	if ((rc = regular_open(FILE_CWD, path, max, &fd, &size)) < 0)
		return rc;
	if (size == 0) {
		ret->data = (struct sv){ NULL, 0 };
		return 0;
	}
	p = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED)
		return -errno;
	ret->data = (struct sv){ p, size };
	return 0;
}

void
file_unmap(struct file_map *m)
{
	if (m->data.p != NULL)
		(void)munmap((void *)(uintptr_t)m->data.p, m->data.n);
	m->data = (struct sv){ NULL, 0 };
}

void
file_forget(struct sv map)
{
	if (map.n > 0)
		(void)madvise((void *)(uintptr_t)map.p, map.n, MADV_DONTNEED);
}

bool
file_is_dir(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

bool
file_is_special(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode);
}

bool
file_is_open_to_others(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && (st.st_mode & (S_IRWXG | S_IRWXO)) != 0;
}

bool
file_is_open_to_all(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && (st.st_mode & S_IRWXO) != 0;
}

int
dir_open(const char *path, int *ret_fd)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	*ret_fd = fd;
	return 0;
}

static int
name_cmp(const void *a, const void *b)
{
	return sv_cmp(*(const struct sv *)a, *(const struct sv *)b);
}

static void
dir_closep(DIR **d)
{
	if (*d != NULL)
		(void)closedir(*d);
}

int
dir_list(struct pool *pool, const char *path, size_t max, struct sv **ret,
    size_t *ret_n)
{
	_cleanup_(dir_closep) DIR *d = opendir(path);
	struct sv *names = NULL, *copy;
	size_t n = 0, cap = 0;
	struct dirent *e;
	int rc = 0;

	if (d == NULL)
		return -errno;
	while (rc == 0 && (e = readdir(d)) != NULL) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		if (n == max) {
			rc = SE_LIMIT;
			break;
		}
		if (n == cap) {
			struct sv *more;

			cap = cap == 0 ? 64 : cap * 2;
			more = reallocarray(names, cap, sizeof(*names));
			if (more == NULL) {
				rc = -ENOMEM;
				break;
			}
			names = more;
		}
		names[n] = pool_sv(pool, sv_str(e->d_name));
		if (names[n++].p == NULL)
			rc = -ENOMEM;
	}
	if (rc == 0 && (copy = pool_calloc(pool, n + 1, sizeof(*copy))) != NULL) {
		if (n > 0) {
			qsort(names, n, sizeof(*names), name_cmp);
			memcpy(copy, names, n * sizeof(*names));
		}
		*ret = copy;
		*ret_n = n;
	} else if (rc == 0)
		rc = -ENOMEM;
	free(names);
	return rc;
}

int
dir_make(const char *path)
{
	char tmp[PATH_MAX];
	size_t n = strlen(path);

	if (n == 0 || n >= sizeof(tmp))
		return -ENAMETOOLONG;
	memcpy(tmp, path, n + 1);
	for (size_t i = 1; i <= n; i++) {
		if (tmp[i] != '/' && tmp[i] != '\0')
			continue;
		tmp[i] = '\0';
		if (mkdir(tmp, 0755) < 0 && errno != EEXIST)
			return -errno;
		tmp[i] = path[i];
	}
	return file_is_dir(path) ? 0 : -ENOTDIR;
}

#define FULL_BYTES	((uint64_t)1 << 20)

bool
fd_is_full(int fd)
{
	struct statvfs st;

	return fstatvfs(fd, &st) == 0 && (uint64_t)st.f_bavail * st.f_frsize < FULL_BYTES;
}

int
fd_write_all(void *arg, const void *src, size_t n)
{
	const char *p = src;
	int fd = *(const int *)arg;

	while (n > 0) {
		ssize_t w = write(fd, p, n);

		if (w < 0 && errno == EINTR)
			continue;
		if (w < 0)
			return -errno;
		p += w;
		n -= (size_t)w;
	}
	return 0;
}

int
file_write(const char *path, struct sv s)
{
	_cleanup_(fd_close) int fd = open(path,
	    O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	if (fd < 0)
		return -errno;
	return fd_write_all(&fd, s.p, s.n);
}

int
file_write_dated(const char *path, struct sv s, int64_t mtime)
{
	const struct timespec times[2] = { { .tv_sec = mtime }, { .tv_sec = mtime } };
	int rc = file_write(path, s);

	if (rc == 0 && utimensat(AT_FDCWD, path, times, 0) < 0)
		return -errno;
	return rc;
}

static uint64_t
stat_mix(const struct stat *st)
{
	uint64_t v = (uint64_t)st->st_ino;

	v = v * 0x9e3779b97f4a7c15 + (uint64_t)st->st_size;
	v = v * 0x9e3779b97f4a7c15 + (uint64_t)st->st_mtim.tv_sec;
	return v * 0x9e3779b97f4a7c15 + (uint64_t)st->st_mtim.tv_nsec;
}

static uint64_t
dir_signature(int dirfd, unsigned depth)
{
	_cleanup_(dir_closep) DIR *d = fdopendir(dirfd);
	uint64_t sum = 0;
	struct dirent *e;
	struct stat st;

	if (d == NULL) {
		(void)close(dirfd);
		return 0;
	}
	while ((e = readdir(d)) != NULL) {
		int fd;

		if (e->d_name[0] == '.' ||
		    fstatat(dirfd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		sum += stat_mix(&st);		/* order does not matter */
		if (!S_ISDIR(st.st_mode) || depth == 0)
			continue;
		fd = openat(dirfd, e->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
		if (fd >= 0)
			sum += dir_signature(fd, depth - 1);
	}
	return sum;
}

uint64_t
file_signature(const char *path, unsigned depth)
{
	struct stat st;
	uint64_t v;
	int fd;

	if (stat(path, &st) < 0)
		return 0;
	v = stat_mix(&st);
	if (!S_ISDIR(st.st_mode) || depth == 0)
		return v;
	if ((fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
		return v;
	return v + dir_signature(fd, depth - 1);
}

int
file_append(const char *path, uint64_t at, struct sv s)
{
	_cleanup_(fd_close) int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
	struct stat st;
	int rc;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	if ((uint64_t)st.st_size < at)
		return -ERANGE;
	if ((uint64_t)st.st_size > at && ftruncate(fd, (off_t)at) < 0)
		return -errno;
	if (lseek(fd, (off_t)at, SEEK_SET) < 0)
		return -errno;
	if ((rc = fd_write_all(&fd, s.p, s.n)) < 0)
		return rc;
	return fdatasync(fd) < 0 ? -errno : 0;
}

int
file_mode(const char *path, unsigned mode)
{
	return chmod(path, (mode_t)mode) < 0 ? -errno : 0;
}

unsigned
file_mask(unsigned mask)
{
	return (unsigned)umask((mode_t)mask);
}
