/*
 * Files that are replaced as a whole: written beside the target, fsynced,
 * renamed, the folder fsynced. A reader sees the old or the new one.
 * "-" as path is standard output (nothing to replace). What is there and is
 * no regular file (a device, a pipe) is written into, never replaced: as root,
 * a rename would put a file in the place of /dev/null.
 */
#ifndef SYS_ATOMICFILE_H
#define SYS_ATOMICFILE_H

#include "base/buf.h"
#include "base/util.h"

struct atomicfile {
	int	 fd;
	char	*path, *tmp;		/* tmp NULL: standard output, a device or pipe */
};

/* Opens the temporary file; write through .fd or a buf with fd_write_all. */
int	 atomicfile_open(struct atomicfile *, const char *path) MUST_USE;
/* The same for what only its owner may read: 0600, from the first moment. */
int	 atomicfile_open_secret(struct atomicfile *, const char *path) MUST_USE;
/* After this the new content is the file; or an error and the old one stays. */
int	 atomicfile_commit(struct atomicfile *) MUST_USE;
/* Throws an uncommitted file away; a no-op after commit. For _cleanup_(). */
void	 atomicfile_done(struct atomicfile *);

#endif
