#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sys/atomicfile.h"
#include "sys/file.h"

static bool
is_special(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode);
}

static int
open_mode(struct atomicfile *f, const char *path, mode_t mode)
{
	*f = (struct atomicfile){ .fd = -1 };
	if (strcmp(path, "-") == 0) {
		f->fd = STDOUT_FILENO;
		return 0;
	}
	if (is_special(path)) {
		if ((f->fd = open(path, O_WRONLY | O_CLOEXEC)) < 0)
			return -errno;
		if ((f->path = strdup(path)) != NULL)
			return 0;
		fd_close(&f->fd);
		return -ENOMEM;
	}
	f->path = strdup(path);
	if (f->path == NULL ||
	    asprintf(&f->tmp, "%s.%ld.tmp", path, (long)getpid()) < 0) {
		f->tmp = NULL;
		atomicfile_done(f);
		return -ENOMEM;
	}
	f->fd = open(f->tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
	if (f->fd < 0) {
		int e = errno;

		atomicfile_done(f);
		return -e;
	}
	return 0;
}

int
atomicfile_open(struct atomicfile *f, const char *path)
{
	return open_mode(f, path, 0644);
}

int
atomicfile_open_secret(struct atomicfile *f, const char *path)
{
	return open_mode(f, path, 0600);
}

static int
folder_sync(const char *path)
{
	_cleanup_(fd_close) int fd = -1;
	char dir[PATH_MAX];
	struct sv s = sv_str(path);
	size_t i = sv_rfind(s, '/');
	int rc;

	(void)snprintf(dir, sizeof(dir), "%.*s",
	    i == s.n ? 1 : i == 0 ? 1 : (int)i, i == s.n ? "." : path);
	if ((rc = dir_open(dir, &fd)) < 0)
		return rc;
	return fsync(fd) < 0 && errno != EINVAL ? -errno : 0;
}

int
atomicfile_commit(struct atomicfile *f)
{
	int rc = 0;

	if (f->tmp == NULL) {
		if (f->path != NULL && close(f->fd) < 0)
			rc = -errno;
		if (f->path != NULL)
			f->fd = -1;
		return rc;
	}
	if (fsync(f->fd) < 0 && errno != EINVAL && errno != EROFS)
		rc = -errno;
	if (close(f->fd) < 0 && rc == 0)
		rc = -errno;
	f->fd = -1;
	if (rc == 0 && rename(f->tmp, f->path) < 0)
		rc = -errno;
	if (rc == 0) {
		rc = folder_sync(f->path);
		free(f->tmp);
		f->tmp = NULL;
	}
	return rc;
}

void
atomicfile_done(struct atomicfile *f)
{
	if (f->tmp != NULL) {
		if (f->fd >= 0)
			(void)close(f->fd);
		(void)unlink(f->tmp);
	} else if (f->path != NULL && f->fd >= 0)
		(void)close(f->fd);
	free(f->tmp);
	free(f->path);
	*f = (struct atomicfile){ .fd = -1 };
}
