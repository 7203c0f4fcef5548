/*
 * A folder that somebody else has filled: walked through descriptors, never
 * through paths, following no link and opening nothing but regular files.
 * Depth, names and bytes are bounded, whatever lies there.
 */
#ifndef SYS_TREE_H
#define SYS_TREE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/sv.h"
#include "base/util.h"

#define TREE_DEPTH_MAX	24	/* repositories have up to 5 */
#define TREE_PATH_MAX	1024

struct tree_limits {
	uint64_t	names;		/* files and folders */
	uint64_t	bytes;
	uint64_t	file;		/* of one file: a larger one is passed over */
};

struct tree;

int	 tree_open(const char *root, const struct tree_limits *, struct tree **ret) MUST_USE;
struct tree *tree_close(struct tree *);
DEFINE_CLEANUP(struct tree, tree_close)
/*
 * The next regular file: its path below the root, "a/b.roa", and its bytes,
 * both until the next call. Hidden names (rsync's unfinished files), links,
 * devices and what is too large or too deep are passed over. 1; 0 at the end;
 * SE_LIMIT beyond names or bytes; -Exxx.
 */
int	 tree_next(struct tree *, struct sv *ret_path, struct sv *ret_bytes) MUST_USE;

struct tree_size {
	uint64_t	names, bytes;
};
/* Without opening a file; stops counting beyond the limits (too deep is too much). */
int	 tree_measure(const char *root, const struct tree_limits *, struct tree_size *ret) MUST_USE;
/* All of it. Goes on after failures; the first one is returned. */
int	 tree_remove(const char *root);
/* A folder of ours (0700); -EEXIST is no failure. */
int	 tree_make(const char *path) MUST_USE;

#endif
