/* Reading what a daemon keeps in its state directory: snapshots, history. */
#ifndef CMD_RPKI_STATE_H
#define CMD_RPKI_STATE_H

#include "cmd/cmd.h"
#include "inr/inr.h"
#include "store/history.h"
#include "sys/file.h"

#define STATE_DIR_MAX	4096

/* --state, or what the configuration says. 0 or an exit code; complains. */
int	rpki_state_dir(const struct cmd_ctx *, char ret[static STATE_DIR_MAX]);
/* 0 or an exit code; complains. */
int	rpki_history_open(const struct cmd_ctx *, const char *state,
	    struct history_reader **ret);

struct state_snapshot {
	struct file_map	map;
	struct snapshot	snap;
};
/* The newest one, or of that serial. -ENOENT: there is none. */
int	rpki_snapshot_open(const char *state, const uint32_t *serial,
	    struct state_snapshot *ret) MUST_USE;
/* One file of it. SE_FORMAT: it is none, or of another version. */
int	rpki_snapshot_file(const char *path, struct state_snapshot *ret) MUST_USE;
void	rpki_snapshot_done(struct state_snapshot *);

#endif
