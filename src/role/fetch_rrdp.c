/*
 * One look at a publication server by RRDP (RFC 8182):
 *
 *	source_opened	what we know of it (struct rrdp_state)
 *	notification	conditional; 304: nothing is new
 *	rrdp_plan()	nothing, deltas or the snapshot
 *	deltas		in order; each is staged as it streams, hashed as a whole,
 *			and committed by itself with the state that it leads to,
 *			so that a crash or a failure loses one delta at most
 *	snapshot	the same, with everything else gone at its commit
 *
 * A delta that cannot be had, is damaged or does not fit what we hold ends
 * the deltas; the snapshot is taken (section 3.4.2). Every redirect stays at
 * the notification's origin (RFC 9674).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "role/fetch_role.h"

/* A notification of its largest size as links, twice: as listed, and sorted. */
#define NOTE_POOL_MAX	((size_t)2 * RRDP_NOTIFICATION_MAX)

struct rrdp_run {
	struct rrdp_state		 state;		/* as committed */
	struct rrdp_state		 fresh;		/* to be committed with this file */
	struct pool			*pool;		/* of the notification */
	struct rrdp_parser		*parser;
	struct crypto_sha256		*sha;
	struct rrdp_notification	 note;
	struct rrdp_plan		 plan;
	size_t				 next_delta;
	const struct rrdp_link		*file;		/* the one that streams; NULL: none */
	bool				 snapshot;
	int				 store_rc;	/* the store ended the parse */
	char				 etag[RRDP_VALIDATOR_MAX + 1];
	char				 modified[RRDP_VALIDATOR_MAX + 1];
};

static void	snapshot_start(struct run *);
static void	delta_next(struct run *);

/* --- the end of a file or of all --- */

static void
parser_end(struct rrdp_run *rr)
{
	rr->parser = rrdp_parser_free(rr->parser);
	rr->file = NULL;
}

static void
rrdp_stop(struct run *run)
{
	struct rrdp_run *rr = run->rrdp;

	if (rr == NULL)
		return;
	parser_end(rr);
	rr->sha = crypto_sha256_free(rr->sha);
	(void)pool_free(rr->pool);
	free(rr);
	run->rrdp = NULL;
}

static void
commit(struct run *run, const struct rrdp_state *state)
{
	uint8_t bytes[RRDP_STATE_MAX];
	struct wr w = wr_mem(bytes, sizeof(bytes));

	run->rrdp->fresh = *state;
	rrdp_state_write(state, &w);
	run->committing = true;
	stage_commit(run->stage, (struct sv){ (const char *)bytes, w.len });
}

static void
validator_set(char dst[static RRDP_VALIDATOR_MAX + 1], struct sv v)
{
	if (v.n > RRDP_VALIDATOR_MAX)
		v.n = 0;		/* then it is asked for without */
	if (v.n > 0)
		memcpy(dst, v.p, v.n);
	dst[v.n] = '\0';
}

/* The state when everything up to this delta is taken over; NULL: all of it. */
static void
state_up_to(const struct rrdp_run *rr, const struct rrdp_link *delta, struct rrdp_state *ret)
{
	struct rrdp_notification part = rr->note;
	bool all = delta == NULL || delta->serial == rr->note.serial;

	if (!all) {
		part.serial = delta->serial;
		part.n_deltas = (size_t)(delta - rr->note.deltas) + 1;
	}
	rrdp_state_set(ret, &part);
	/* The server may only say "not changed" to one who has all of it. */
	if (all) {
		memcpy(ret->etag, rr->etag, sizeof(ret->etag));
		memcpy(ret->modified, rr->modified, sizeof(ret->modified));
	}
}

/* --- snapshot and delta files --- */

static int
file_change(void *arg, const struct rrdp_change *c)
{
	struct run *run = arg;
	struct rrdp_run *rr = run->rrdp;

	rr->store_rc = stage_change(run->stage, (enum objects_op)c->op, c->uri, c->bytes,
	    c->has_hash ? c->hash : NULL);
	return rr->store_rc;
}

static int
file_data(void *arg, const void *p, size_t n)
{
	struct run *run = arg;
	struct rrdp_run *rr = run->rrdp;
	int rc;

	crypto_sha256_update(rr->sha, p, n);
	if ((rc = rrdp_parser_feed(rr->parser, p, n, false)) < 0)
		return rc;
	return stage_full(run->stage) ? FETCH_PAUSE : 0;
}

/* The file is no good; the store has seen nothing of it that lasts. */
static void
file_failed(struct run *run, unsigned status)
{
	struct rrdp_run *rr = run->rrdp;
	bool snapshot = rr->snapshot;

	parser_end(rr);
	stage_drop(run->stage);
	if (snapshot || status == 0)
		run_end(run, false);
	else
		snapshot_start(run);
}

static bool
hash_right(struct run *run)
{
	struct rrdp_run *rr = run->rrdp;
	uint8_t hash[SHA256_LEN];

	crypto_sha256_final(rr->sha, hash);
	if (memcmp(hash, rr->file->hash, SHA256_LEN) == 0)
		return true;
	finding_add(&run->findings, &rrdp_findings[RRDP_HASH], FA_SV("file", rr->file->uri),
	    FA_HEX("hash", hash, SHA256_LEN), FA_HEX("want", rr->file->hash, SHA256_LEN));
	return false;
}

static void
file_fetched(void *arg, const struct fetch_result *res)
{
	struct run *run = arg;
	struct rrdp_run *rr = run->rrdp;
	bool good = run_fetched(run, res);
	int rc = res->rc;

	if (good)
		rc = rrdp_parser_feed(rr->parser, "", 0, true);
	if (rr->store_rc < 0) {
		run_cannot(run, "store", rr->store_rc);
		return;
	}
	/*
	 * A file that was cut off is no XML either: the hash tells which of
	 * the two it is, so it is judged first.
	 */
	if (good && !hash_right(run)) {
		file_failed(run, res->status);
		return;
	}
	rrdp_parser_report(rr->parser, rr->file->uri, &run->findings);
	if (!good || rc < 0) {
		file_failed(run, res->status);
		return;
	}
	struct rrdp_state state;

	state_up_to(rr, rr->snapshot ? NULL : rr->file, &state);
	commit(run, &state);
}

static void
file_start(struct run *run, const struct rrdp_link *file)
{
	struct rrdp_run *rr = run->rrdp;
	struct fetch_req req = run_request(run, file->uri);
	uint8_t rest[SHA256_LEN];
	int rc;

	rr->file = file;
	rr->store_rc = 0;
	rr->parser = rr->snapshot ?
	    rrdp_full_new(rr->note.session, rr->note.serial, file_change, run) :
	    rrdp_delta_new(rr->note.session, file->serial, file_change, run);
	if (rr->sha == NULL)
		rr->sha = crypto_sha256_new();
	if (rr->parser == NULL || rr->sha == NULL) {
		run_cannot(run, "memory", -ENOMEM);
		return;
	}
	crypto_sha256_final(rr->sha, rest);	/* of a file that was given up */
	stage_begin(run->stage, rr->snapshot);
	req.same_origin = true;
	req.origin = sv_str(run->place->key);
	if ((rc = run_fetch(run, &req, file_data, file_fetched)) < 0)
		run_cannot(run, "https", rc);
}

static void
snapshot_start(struct run *run)
{
	run->rrdp->snapshot = true;
	file_start(run, &run->rrdp->note.snapshot);
}

static void
delta_next(struct run *run)
{
	struct rrdp_run *rr = run->rrdp;

	if (rr->next_delta == rr->plan.n_deltas)
		run_end(run, true);
	else
		file_start(run, &rr->plan.deltas[rr->next_delta++]);
}

/* --- the store's answers --- */

static void
committed(void *arg, int rc, uint64_t changed, uint64_t names UNUSED)
{
	struct run *run = arg;
	struct rrdp_run *rr = run->rrdp;

	run->committing = false;
	if (rc == SE_STALE && rr->file != NULL && !rr->snapshot) {
		finding_add(&run->findings, &rrdp_findings[RRDP_DELTA_FIT],
		    FA_SV("file", rr->file->uri));
		file_failed(run, 200);
		return;
	}
	if (rc < 0) {
		run_cannot(run, "store", rc);
		return;
	}
	rr->state = rr->fresh;
	run->changed += changed;
	run->serial = rr->state.serial;
	memcpy(run->session, rr->state.session, sizeof(run->session));
	run->has_data = true;
	if (rr->file == NULL || rr->snapshot) {
		run_end(run, true);
		return;
	}
	parser_end(rr);
	delta_next(run);
}

static void
room(void *arg)
{
	struct run *run = arg;

	if (run->fetch != NULL)
		fetch_resume(run->fetch);
}

/* --- the notification --- */

static int
note_data(void *arg, const void *p, size_t n)
{
	struct run *run = arg;

	return rrdp_parser_feed(run->rrdp->parser, p, n, false);
}

/* Known to be as it was. */
static void
unchanged(struct run *run, unsigned status, struct sv url)
{
	const struct rrdp_state *s = &run->rrdp->state;

	/* RFC 9110 section 15.4.5: only to a conditional request. */
	if (s->etag[0] == '\0' && s->modified[0] == '\0') {
		finding_add(&run->findings, &fetch_findings[FETCH_STATUS],
		    FA_SV("url", url), FA_U("status", status));
		run_end(run, false);
		return;
	}
	commit(run, s);
}

static void
planned(struct run *run)
{
	struct rrdp_run *rr = run->rrdp;
	struct rrdp_state state;

	rrdp_plan(&rr->state, &rr->note, 0, &rr->plan);
	rrdp_plan_report(&rr->plan, &run->findings);
	switch (rr->plan.todo) {
	case RRDP_NOTHING:
		state_up_to(rr, NULL, &state);
		commit(run, rr->plan.keep_state ? &rr->state : &state);
		return;
	case RRDP_DELTAS:
		delta_next(run);
		return;
	case RRDP_SNAPSHOT:
		snapshot_start(run);
		return;
	}
}

static void
note_fetched(void *arg, const struct fetch_result *res)
{
	struct run *run = arg;
	struct rrdp_run *rr = run->rrdp;
	bool good = run_fetched(run, res);
	int rc = res->rc;

	if (good && res->status == 304) {
		unchanged(run, res->status, res->url);
		return;
	}
	if (good)
		rc = rrdp_parser_feed(rr->parser, "", 0, true);
	rrdp_parser_report(rr->parser, sv_str(run->place->key), &run->findings);
	if (rc == -ENOMEM) {
		run_cannot(run, "memory", rc);
		return;
	}
	if (!good || rc < 0) {
		run_end(run, false);
		return;
	}
	rr->note = *rrdp_parser_notification(rr->parser);
	validator_set(rr->etag, res->etag);
	validator_set(rr->modified, res->modified);
	parser_end(rr);
	planned(run);
}

static void
note_start(struct run *run)
{
	struct rrdp_run *rr = run->rrdp;
	struct sv key = sv_str(run->place->key);
	struct fetch_req req = run_request(run, key);
	int rc;

	if ((rr->pool = pool_new(NOTE_POOL_MAX)) == NULL ||
	    (rr->parser = rrdp_notification_new(rr->pool, key)) == NULL) {
		run_cannot(run, "memory", -ENOMEM);
		return;
	}
	req.etag = sv_str(rr->state.etag);
	req.modified = sv_str(rr->state.modified);
	req.same_origin = true;
	req.limits.max_bytes = req.limits.max_wire = RRDP_NOTIFICATION_MAX;
	req.limits.total_msec = (uint32_t)min_size(req.limits.total_msec, NOTIFICATION_MSEC);
	if ((rc = run_fetch(run, &req, note_data, note_fetched)) < 0)
		run_cannot(run, "https", rc);
}

static void
opened(void *arg, int rc, struct sv state, uint64_t names)
{
	struct run *run = arg;

	if (rc < 0) {
		run_cannot(run, "store", rc);
		return;
	}
	run->has_data |= names > 0;
	/* A state of another version: a server that was never seen. */
	if (rrdp_state_parse(state, &run->rrdp->state) < 0)
		run->rrdp->state = (struct rrdp_state){ 0 };
	run->serial = run->rrdp->state.serial;
	memcpy(run->session, run->rrdp->state.session, sizeof(run->session));
	note_start(run);
}

static const struct stage_ops rrdp_stage = { opened, room, committed };

static void
rrdp_start(struct run *run)
{
	run->rrdp = calloc(1, sizeof(*run->rrdp));
	if (run->rrdp != NULL)
		run->stage = stage_open(run->fr->stages, sv_str(run->place->key), &rrdp_stage, run);
	if (run->stage == NULL)
		run_cannot(run, "memory", -ENOMEM);
}

const struct run_kind run_rrdp = { .via = "rrdp", .start = rrdp_start, .stop = rrdp_stop };
