#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/sv.h"
#include "base/tr.h"
#include "sys/atomicfile.h"
#include "sys/file.h"
#include "sys/statedir.h"

#define SCHEMA_HEAD	"sekisho-state "

int
file_open_nofollow(const char *path, int *ret_fd)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

	if (fd < 0)
		return -errno;
	*ret_fd = fd;
	return 0;
}

int
file_remove(const char *path)
{
	return unlink(path) < 0 && errno != ENOENT ? -errno : 0;
}

int
file_rename(const char *from, const char *to)
{
	return rename(from, to) < 0 ? -errno : 0;
}

int
folder_make(const char *path)
{
	return mkdir(path, 0750) < 0 && errno != EEXIST ? -errno : 0;
}

uint64_t
file_identity(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return 0;
	return ((uint64_t)st.st_dev << 48 ^ (uint64_t)st.st_ino) | 1ULL << 63;
}

int
file_readable(const char *path)
{
	_cleanup_(fd_close) int fd = -1;

	return file_open_nofollow(path, &fd);
}

static int
fail(struct statedir_error *e, int rc, const char *what, const char *path)
{
	e->what = what;
	(void)snprintf(e->path, sizeof(e->path), "%s", path);
	return rc;
}

static int
schema_write(const char *path)
{
	_cleanup_(atomicfile_done) struct atomicfile f = { .fd = -1 };
	char text[64];
	int n = snprintf(text, sizeof(text), SCHEMA_HEAD "%d\n", STATE_SCHEMA);
	int rc = atomicfile_open(&f, path);

	if (rc == 0)
		rc = fd_write_all(&f.fd, text, (size_t)n);
	return rc < 0 ? rc : atomicfile_commit(&f);
}

static int
schema_check(const char *path, struct statedir_error *e)
{
	_cleanup_(pool_freep) struct pool *pool = pool_new(4096);
	struct sv s;
	uint32_t v;
	int rc;

	if (pool == NULL)
		return -ENOMEM;
	rc = file_read(pool, FILE_CWD, path, 1024, &s);
	if (rc == -ENOENT)
		rc = schema_write(path);
	else if (rc == 0 && (!sv_starts(s, SV(SCHEMA_HEAD)) ||
	    num_u32(sv_trim(sv_skip(s, sizeof(SCHEMA_HEAD) - 1)), 1,
	    STATE_SCHEMA, &v) < 0))
		return fail(e, SE_FORMAT, N_("%s is of another version of Sekisho; "
		    "use that version, or an empty state directory"), path);
	return rc < 0 ? fail(e, rc, N_("cannot use %s"), path) : 0;
}

static int
own(const struct proc_user *u, const char *path)
{
	return u == NULL ? 0 : proc_user_own(u, path);
}

int
statedir_open(const char *dir, const struct proc_user *u, int *ret_lock,
    struct statedir_error *err)
{
	static const char *const folders[] = { "snapshots", "objects", "rsync" };
	_cleanup_(fd_close) int lock = -1;
	char path[4096];
	int rc;

	*err = (struct statedir_error){ 0 };
	if (strlen(dir) > sizeof(path) - 64)
		return fail(err, -ENAMETOOLONG, N_("cannot use %s"), dir);
	if ((rc = dir_make(dir)) < 0 || (rc = own(u, dir)) < 0)
		return fail(err, rc, N_("cannot use %s"), dir);
	(void)snprintf(path, sizeof(path), "%s/lock", dir);
	rc = proc_lock(path, &lock, &err->holder);
	if (rc == SE_LOCKED)
		return fail(err, rc, N_("another sekisho works in %s"), dir);
	if (rc < 0 || (rc = own(u, path)) < 0)
		return fail(err, rc, N_("cannot use %s"), path);
	(void)snprintf(path, sizeof(path), "%s/schema", dir);
	if ((rc = schema_check(path, err)) < 0)
		return rc;
	if ((rc = own(u, path)) < 0)
		return fail(err, rc, N_("cannot use %s"), path);
	for (size_t i = 0; i < ARRAY_LEN(folders); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", dir, folders[i]);
		if ((rc = folder_make(path)) < 0 || (rc = own(u, path)) < 0)
			return fail(err, rc, N_("cannot use %s"), path);
	}
	*ret_lock = lock;
	lock = -1;
	return 0;
}
