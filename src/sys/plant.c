#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "sys/file.h"
#include "sys/plant.h"

int
plant_link(const char *target, const char *path)
{
	return symlink(target, path) < 0 && errno != EEXIST ? -errno : 0;
}

int
plant_sparse(const char *path, uint64_t size)
{
	_cleanup_(fd_close) int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);

	if (fd < 0 || ftruncate(fd, (off_t)size) < 0)
		return -errno;
	return 0;
}
