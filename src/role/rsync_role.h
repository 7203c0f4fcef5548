/*
 * The inside of role rsync.
 *
 *	rsync.c		frames, requests under way, the trees on the disk
 *	rsync_box.c	in the box: name, address, argv; the program itself
 *	rsync_store.c	from a tree on the disk to the store
 *	fetch_stage.c	conversations with the store
 *
 * Who may what:
 *
 *	the role	frames; reads and removes files below its folder. Its
 *			sandbox closes before the first request: no socket, no
 *			fork, no exec.
 *	the box		(sys/box.h) made before that. Looks names up, judges
 *			addresses, forks, executes rsync and nothing else.
 *	the program	writes to one folder, connects to one port, and is
 *			killed at its deadline, with all that it forked.
 *
 * A tree stays between two requests for the same module, so that rsync
 * transfers what has changed; all trees together are bounded, and the one
 * that was not used for the longest time goes. At the start all go: nobody
 * knows what a crash left there.
 *
 * What comes into the store are regular files only, read without following a
 * link, under the module's own URI: a server cannot name another's objects.
 */
#ifndef ROLE_RSYNC_ROLE_H
#define ROLE_RSYNC_ROLE_H

#include "app/fetch_plan.h"
#include "net/net.h"
#include "role/fetch_stage.h"
#include "rpki/rpki.h"
#include "sys/box.h"
#include "sys/tree.h"

#define RSYNC_JOBS_MAX	(2 * FETCH_RSYNC_SLOTS)	/* and trust anchors' */
#define RSYNC_TREES_MAX	256
/* Files and folders of one module; the largest today has 60,000. */
#define RSYNC_NAMES_MAX	300000
/* All trees together: as many full ones as may be filled at one time. */
#define RSYNC_DISK_TREES	FETCH_RSYNC_SLOTS
#define RSYNC_PORT	873
/* The box has its own deadline; then it is dead. */
#define RSYNC_GRACE_SEC	15

struct tree_of {			/* one folder of ours */
	uint32_t	 n;		/* its name */
	char		*module;
	bool		 busy;
	uint64_t	 bytes;
	int64_t		 used;
};

struct rsync_job;

struct rsync_role {
	struct role		*role;
	struct stages		*stages;
	struct loop_io		*io;		/* of the box */
	int			 box;		/* -1: there is no program */
	char			*program, *scratch, *hosts;
	uint32_t		 timeout_sec, max_mb;
	bool			 no_sandbox;
	struct tree_of		 trees[RSYNC_TREES_MAX];
	unsigned		 n_trees;
	uint32_t		 last_tree, last_job;
	struct rsync_job	*jobs;
	uint64_t		 n_ok, n_failed, bytes;
};

/* From the role to its box. Both are the same program: a struct is enough. */
struct box_request {
	uint32_t	job;
	uint32_t	tree;
	char		uri[FETCH_KEY_MAX + 1];
};

struct box_reply {
	uint32_t	job;
	uint32_t	ok;
	uint32_t	code;			/* enum fetch_code */
	char		detail[BOX_TEXT_MAX + 1];
};

struct rsync_job {
	struct rsync_job	*next;
	struct rsync_role	*rr;
	uint32_t		 id, req;
	struct tree_of		*tree;
	char			*uri, *key;
	struct sv		 spki;		/* ours; what the one file must contain */
	bool			 single;	/* one file, no module */
	struct loop_timer	*deadline;
	struct stage		*stage;
	struct tree		*walk;
	bool			 walked, committing;
	uint64_t		 bytes, changed;
};

/* rsync.c */
void	 rsync_job_end(struct rsync_job *, bool ok, enum fetch_code, const char *detail);
void	 rsync_tree_path(const struct rsync_role *, uint32_t n, char *ret, size_t size);
struct tree_limits rsync_limits(const struct rsync_role *);

/* rsync_box.c: in the box. */
size_t	 rsync_box_job(void *arg, struct sv request, char *answer, size_t max);

/* rsync_store.c: the program has done its part. */
void	 rsync_store(struct rsync_job *);

#endif
