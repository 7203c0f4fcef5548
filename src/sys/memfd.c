#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "sys/memfd.h"

#define SEALS	(F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL)

int
memfd_new(const char *name, int *ret_fd)
{
	int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0)
		return -errno;
	*ret_fd = fd;
	return 0;
}

int
memfd_seal(int fd)
{
	return fcntl(fd, F_ADD_SEALS, SEALS) < 0 ? -errno : 0;
}

int
memfd_of(const char *name, struct sv s, int *ret_fd)
{
	_cleanup_(fd_close) int fd = -1;
	int rc;

	if ((rc = memfd_new(name, &fd)) < 0 ||
	    (rc = fd_write_all(&fd, s.p, s.n)) < 0 ||
	    (rc = memfd_seal(fd)) < 0)
		return rc;
	*ret_fd = fd;
	fd = -1;
	return 0;
}

static int
map_with(int fd, bool files, size_t max, int prot, int flags,
    struct file_map *ret)
{
	struct stat st;
	int seals = fcntl(fd, F_GET_SEALS);
	void *p;

	/* Any file of tmpfs has seals; only F_SEAL_SEAL alone means "none". */
	if (!files && (seals < 0 || (seals & SEALS) != SEALS))
		return -EINVAL;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	if ((uint64_t)st.st_size > max)
		return SE_LIMIT;
	*ret = (struct file_map){ .data = { NULL, 0 } };
	if (st.st_size == 0)
		return 0;
	p = mmap(NULL, (size_t)st.st_size, prot, flags, fd, 0);
	if (p == MAP_FAILED)
		return -errno;
	ret->data = (struct sv){ p, (size_t)st.st_size };
	return 0;
}

int
memfd_room(const char *name, size_t size, int *ret_fd, uint8_t **ret_map)
{
	_cleanup_(fd_close) int fd = -1;
	void *p;
	int rc;

	if ((rc = memfd_new(name, &fd)) < 0)
		return rc;
	if (ftruncate(fd, (off_t)size) < 0)
		return -errno;
	p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		return -errno;
	*ret_map = p;
	*ret_fd = fd;
	fd = -1;
	return 0;
}

int
memfd_room_done(int fd, uint8_t *map, size_t size)
{
	if (munmap(map, size) < 0)
		return -errno;
	return memfd_seal(fd);
}

int
memfd_map(int fd, bool files, size_t max, struct file_map *ret)
{
	return map_with(fd, files, max, PROT_READ, MAP_SHARED, ret);
}

int
memfd_map_copy(int fd, bool files, size_t max, struct file_map *ret)
{
	return map_with(fd, files, max, PROT_READ | PROT_WRITE, MAP_PRIVATE, ret);
}
