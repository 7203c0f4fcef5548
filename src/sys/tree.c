#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "sys/file.h"
#include "sys/tree.h"

#define LIFT_TRIES	1000	/* names of a stranger's that may be in the way */
#define OPEN_DIR	(O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

struct tree {
	struct tree_limits	 limits;
	struct tree_size	 seen;
	DIR			*dirs[TREE_DEPTH_MAX];
	size_t			 path_len[TREE_DEPTH_MAX];	/* of the path up to each */
	unsigned		 depth;				/* open folders */
	char			 path[TREE_PATH_MAX];
	struct buf		 bytes;
};

int
tree_make(const char *path)
{
	return mkdir(path, 0700) < 0 && errno != EEXIST ? -errno : 0;
}

/* The fd is the tree's, or closed. */
static int
folder_push(struct tree *t, int fd, size_t path_len)
{
	DIR *d;

	if (t->depth == TREE_DEPTH_MAX) {
		(void)close(fd);
		return 0;			/* too deep: passed over */
	}
	if ((d = fdopendir(fd)) == NULL) {
		int rc = -errno;

		(void)close(fd);
		return rc;
	}
	t->dirs[t->depth] = d;
	t->path_len[t->depth++] = path_len;
	return 0;
}

int
tree_open(const char *root, const struct tree_limits *limits, struct tree **ret)
{
	_cleanup_(tree_closep) struct tree *t = calloc(1, sizeof(*t));
	int fd, rc;

	if (t == NULL)
		return -ENOMEM;
	t->limits = *limits;
	if ((fd = open(root, OPEN_DIR)) < 0)
		return -errno;
	if ((rc = folder_push(t, fd, 0)) < 0)
		return rc;
	*ret = TAKE_PTR(t);
	return 0;
}

struct tree *
tree_close(struct tree *t)
{
	if (t == NULL)
		return NULL;
	while (t->depth > 0)
		(void)closedir(t->dirs[--t->depth]);
	buf_done(&t->bytes);
	free(t);
	return NULL;
}

/* The path of a name in the folder on top; false: too long. */
static bool
path_set(struct tree *t, const char *name, size_t *ret_len)
{
	size_t at = t->path_len[t->depth - 1], n = strlen(name);

	if (at + n + 2 > sizeof(t->path))
		return false;
	memcpy(t->path + at, name, n + 1);
	*ret_len = at + n;
	return true;
}

/* 1: read; 0: none that is read. */
static int
file_take(struct tree *t, int dirfd, const char *name)
{
	_cleanup_(fd_close) int fd = openat(dirfd, name,
	    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	char piece[16384];
	struct stat st;
	ssize_t n;

	/* A link, or removed since; else it is our own trouble. */
	if (fd < 0)
		return errno == ELOOP || errno == ENOENT || errno == ENXIO ? 0 : -errno;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size > t->limits.file)
		return 0;
	t->bytes.len = 0;
	while ((n = read(fd, piece, sizeof(piece))) > 0) {
		buf_bytes(&t->bytes, piece, (size_t)n);
		if (t->bytes.len > t->limits.file)
			return 0;		/* it grows while it is read */
	}
	if (n < 0)
		return -errno;
	t->seen.bytes += t->bytes.len;
	if (t->seen.bytes > t->limits.bytes)
		return SE_LIMIT;
	return t->bytes.rc < 0 ? t->bytes.rc : 1;
}

static int
entry_take(struct tree *t, const char *name)
{
	int dir = dirfd(t->dirs[t->depth - 1]);
	size_t len = 0;
	struct stat st;
	int fd;

	if (++t->seen.names > t->limits.names)
		return SE_LIMIT;
	if (name[0] == '.' || !path_set(t, name, &len))
		return 0;
	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (S_ISREG(st.st_mode))
		return file_take(t, dir, name);
	if (!S_ISDIR(st.st_mode))
		return 0;
	if ((fd = openat(dir, name, OPEN_DIR)) < 0)
		return errno == ELOOP || errno == ENOTDIR || errno == ENOENT ? 0 : -errno;
	t->path[len] = '/';
	return folder_push(t, fd, len + 1);
}

int
tree_next(struct tree *t, struct sv *ret_path, struct sv *ret_bytes)
{
	while (t->depth > 0) {
		struct dirent *e;
		int rc;

		errno = 0;
		if ((e = readdir(t->dirs[t->depth - 1])) == NULL) {
			if (errno != 0)
				return -errno;
			(void)closedir(t->dirs[--t->depth]);
			continue;
		}
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		if ((rc = entry_take(t, e->d_name)) < 0)
			return rc;
		if (rc == 0)
			continue;
		*ret_path = sv_str(t->path);
		*ret_bytes = buf_get(&t->bytes);
		return 1;
	}
	return 0;
}

/* --- all at once, without reading --- */

struct walk {
	const struct tree_limits	*limits;	/* NULL: remove */
	struct tree_size		 size;
	int				 rc;
	int				 root;		/* of a removal */
	unsigned			 n_moved;	/* folders that were too deep */
};

static void	folder_walk(struct walk *, int fd, unsigned depth);

static void
walk_failed(struct walk *w)
{
	if (w->rc == 0)
		w->rc = -errno;
}

/*
 * Descriptors and the stack are bounded, a stranger's depth is not: what lies
 * too deep comes up to the root, and goes in the next round.
 */
static void
folder_lift(struct walk *w, int dir, const char *name)
{
	char up[24];

	for (int i = 0; i < LIFT_TRIES; i++) {
		(void)snprintf(up, sizeof(up), "~%u", w->n_moved++);
		if (renameat(dir, name, w->root, up) == 0)
			return;
		if (errno != EEXIST && errno != ENOTEMPTY && errno != ENOTDIR)
			break;
	}
	walk_failed(w);
}

static void
entry_walk(struct walk *w, int dir, const char *name, unsigned depth)
{
	struct stat st;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return;			/* it is gone */
	w->size.names++;
	w->size.bytes += (uint64_t)st.st_blocks * 512;
	if (S_ISDIR(st.st_mode) && depth == TREE_DEPTH_MAX) {
		if (w->limits == NULL)
			folder_lift(w, dir, name);
		else	/* what cannot be counted is too much */
			w->size.names = w->limits->names + 1;
		return;
	}
	if (S_ISDIR(st.st_mode)) {
		int fd = openat(dir, name, OPEN_DIR);

		if (fd >= 0)
			folder_walk(w, fd, depth + 1);
	}
	if (w->limits == NULL && unlinkat(dir, name, S_ISDIR(st.st_mode) ? AT_REMOVEDIR : 0) < 0)
		walk_failed(w);
}

static void
folder_walk(struct walk *w, int fd, unsigned depth)
{
	DIR *d = fdopendir(fd);
	struct dirent *e;

	if (d == NULL) {
		walk_failed(w);
		(void)close(fd);
		return;
	}
	while ((e = readdir(d)) != NULL) {
		if (w->limits != NULL && (w->size.names > w->limits->names ||
		    w->size.bytes > w->limits->bytes))
			break;
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			entry_walk(w, dirfd(d), e->d_name, depth);
	}
	(void)closedir(d);
}

int
tree_measure(const char *root, const struct tree_limits *limits, struct tree_size *ret)
{
	struct walk w = { .limits = limits };
	int fd = open(root, OPEN_DIR);

	if (fd < 0)
		return -errno;
	folder_walk(&w, fd, 0);
	*ret = w.size;
	return w.rc;
}

int
tree_remove(const char *root)
{
	_cleanup_(fd_close) int fd = open(root, OPEN_DIR);
	struct walk w = { .root = fd };
	unsigned before;

	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	do {
		int again = openat(fd, ".", OPEN_DIR);

		if (again < 0)
			return -errno;
		before = w.n_moved;
		folder_walk(&w, again, 0);
	} while (w.n_moved != before && w.rc == 0);
	if (unlinkat(AT_FDCWD, root, AT_REMOVEDIR) < 0)
		walk_failed(&w);
	return w.rc;
}
