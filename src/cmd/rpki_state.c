#include <errno.h>
#include <stdio.h>

#include "app/conf.h"
#include "base/err.h"
#include "cmd/rpki_state.h"
#include "crypto/crypto.h"

#define NAMES_POOL	(1024 * 1024)
#define NAMES_MAX	4096
#define SNAPSHOT_MAX	((size_t)1024 * 1024 * 1024)	/* as store/limits.h */

int
rpki_state_dir(const struct cmd_ctx *ctx, char ret[static STATE_DIR_MAX])
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	struct conf_error err;
	struct conf *conf;

	if (ctx->state != NULL && ctx->conf == NULL) {
		(void)snprintf(ret, STATE_DIR_MAX, "%s", ctx->state);
		return 0;
	}
	if (app_conf_load(ctx->conf, ctx->state, &conf, &err) == 0) {
		(void)snprintf(ret, STATE_DIR_MAX, "%s", app_conf_str(conf, CONF_STATE));
		(void)conf_free(conf);
		return 0;
	}
	conf_error_text(&err, ctx->lang, &b);
	cmd_err("%.*s", SV_ARG(buf_get(&b)));
	return EXIT_CANNOT;
}

int
rpki_history_open(const struct cmd_ctx *ctx, const char *state, struct history_reader **ret)
{
	char path[STATE_DIR_MAX + 32];
	int rc;

	(void)snprintf(path, sizeof(path), "%s/" HISTORY_FILE, state);
	if ((rc = history_reader_open(path, ret)) == 0)
		return 0;
	cmd_err(tr(ctx->lang, N_("cannot read the history %s: %s; is this the state directory of \"sekisho serve\"? (--state DIR or -c FILE)")),
	    path, err_str(rc));
	return EXIT_CANNOT;
}

void
rpki_snapshot_done(struct state_snapshot *s)
{
	file_unmap(&s->map);
}

int
rpki_snapshot_file(const char *path, struct state_snapshot *ret)
{
	struct file_map map;
	int rc;

	if ((rc = file_map(path, SNAPSHOT_MAX, &map)) < 0)
		return rc;
	if ((rc = snapshot_open(map.data.p, map.data.n, crypto_sha256, &ret->snap)) < 0) {
		file_unmap(&map);
		return rc;
	}
	ret->map = map;
	return 0;
}

static int
file_open(const char *folder, struct sv name, const uint32_t *serial,
    struct state_snapshot *ret)
{
	char path[STATE_DIR_MAX + 300];
	struct state_snapshot s;
	int rc;

	(void)snprintf(path, sizeof(path), "%s/%.*s", folder, (int)min_size(name.n, 255), name.p);
	if ((rc = rpki_snapshot_file(path, &s)) < 0)
		return rc;
	if (serial != NULL && s.snap.stamp.serial != *serial) {
		rpki_snapshot_done(&s);
		return -ENOENT;
	}
	*ret = s;
	return 0;
}

/* The newest is last; a file may go away or be none while we look. */
int
rpki_snapshot_open(const char *state, const uint32_t *serial, struct state_snapshot *ret)
{
	_cleanup_(pool_freep) struct pool *pool = pool_new(NAMES_POOL);
	char folder[STATE_DIR_MAX + 16];
	struct sv *names;
	size_t n;
	int rc;

	if (pool == NULL)
		return -ENOMEM;
	(void)snprintf(folder, sizeof(folder), "%s/snapshots", state);
	if ((rc = dir_list(pool, folder, NAMES_MAX, &names, &n)) < 0)
		return rc;
	for (size_t i = n; i-- > 0; )
		if (sv_ends(names[i], SV(".snap")) &&
		    file_open(folder, names[i], serial, ret) == 0)
			return 0;
	return -ENOENT;
}
