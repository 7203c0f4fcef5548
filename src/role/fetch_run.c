/* One attempt at one place: its life, its time and its bytes. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "role/fetch_role.h"

static const struct run_kind *const kinds[PLACE_KIND_MAX] = {
	[PLACE_TA] = &run_ta, [PLACE_RRDP] = &run_rrdp, [PLACE_RSYNC] = &run_rsync };

/* --- life --- */

static struct run *
run_free(struct run *run)
{
	if (run == NULL)
		return NULL;
	if (run->deadline != NULL)
		(void)loop_timer_del(run->deadline);
	(void)pool_free(run->pool);
	buf_done(&run->body);
	free(run);
	return NULL;
}
DEFINE_CLEANUP(struct run, run_free)

static void
run_stop(struct run *run)
{
	if (run->fetch != NULL)
		fetch_cancel(run->fetch);
	run->fetch = NULL;
	run->stage = stage_close(run->stage);
	if (run->kind->stop != NULL)
		run->kind->stop(run);
}

void
run_end(struct run *run, bool ok)
{
	struct fetch_role *fr = run->fr;
	struct run **at = &fr->runs;
	const struct fetch_outcome o = { .ok = ok, .has_data = ok || run->has_data,
	    .retry_after_ms = (int64_t)run->retry_after_sec * 1000 };

	run_stop(run);
	while (*at != run)
		at = &(*at)->next;
	*at = run->next;
	fetch_plan_done(fr->plan, run->place, &o, fetch_mono_ms());
	fr->n_ok += ok;
	fr->n_failed += !ok;
	fr->bytes += run->bytes;
	result_send(run, ok);
	(void)run_free(run);
	fetch_schedule(fr);
}

void
run_cannot(struct run *run, const char *what, int rc)
{
	/* It has more than the store takes of one server: that is its fault. */
	if (rc == SE_LIMIT)
		finding_add(&run->findings, &fetch_findings[FETCH_TOO_LARGE],
		    FA_STR("url", run->place->key), FA_MSG("what", N_("names or bytes in all")),
		    FA_U("limit", (uint64_t)run->fr->max_mb * 1024 * 1024));
	else
		role_log(run->fr->role, LOG_LEVEL_WARN, "%s: %s: %s, trying again later",
		    run->place->key, what, err_str(rc));
	run_end(run, false);
}

/* Its time is over. What the store is committing is left to it. */
static void
deadline(void *arg)
{
	struct run *run = arg;

	if (run->committing)
		return;
	if (run->place->kind == PLACE_RSYNC)
		finding_add(&run->findings, &fetch_findings[FETCH_RSYNC_TIME],
		    FA_STR("module", run->place->key), FA_U("limit", run->fr->timeout_sec));
	else
		finding_add(&run->findings, &fetch_findings[FETCH_TIME],
		    FA_STR("url", run->place->key),
		    FA_U("limit", (uint64_t)run->fr->timeout_sec * 1000), FA_U("bytes", run->bytes));
	run_end(run, false);
}

int
run_start(struct fetch_role *fr, struct fetch_place *place)
{
	_cleanup_(run_freep) struct run *run = calloc(1, sizeof(*run));
	int64_t usec = (int64_t)fr->timeout_sec * 1000000;
	int rc;

	if (run == NULL)
		return -ENOMEM;
	run->fr = fr;
	run->place = place;
	run->kind = kinds[place->kind];
	run->via = run->kind->via;
	run->began_ms = fetch_mono_ms();
	run->has_data = place->last_ok > 0;
	if ((run->pool = pool_new(RUN_POOL_MAX)) == NULL ||
	    (run->deadline = loop_timer_add(fr->role->loop, deadline, run)) == NULL)
		return -ENOMEM;
	findings_init(&run->findings, run->pool);
	run->findings.subject = sv_str(place->key);
	if (place->kind == PLACE_TA && (rc = run_ta_init(run)) < 0)
		return rc;
	if (place->kind != PLACE_RRDP)
		usec += (int64_t)RSYNC_GRACE_MSEC * 1000;
	if ((rc = loop_timer_set(run->deadline, usec)) < 0)
		return rc;
	run->next = fr->runs;
	fr->runs = run;
	TAKE_PTR(run)->kind->start(fr->runs);
	return 0;
}

void
runs_stop(struct fetch_role *fr)
{
	for (struct run *run = fr->runs, *next; run != NULL; run = next) {
		next = run->next;
		run_stop(run);
		(void)run_free(run);
	}
	fr->runs = NULL;
}

/* --- time and bytes --- */

uint32_t
run_left_msec(const struct run *run)
{
	int64_t left = run->began_ms + (int64_t)run->fr->timeout_sec * 1000 - fetch_mono_ms();

	return left < 1 ? 1 : (uint32_t)left;
}

struct fetch_req
run_request(const struct run *run, struct sv url)
{
	uint64_t max = (uint64_t)run->fr->max_mb * 1024 * 1024;

	return (struct fetch_req){
		.url = url,
		.limits = {
			.max_bytes = run->bytes < max ? max - run->bytes : 1,
			.max_wire = run->wire < max ? max - run->wire : 1,
			.total_msec = run_left_msec(run),
		},
	};
}

int
run_fetch(struct run *run, const struct fetch_req *req, fetch_data_fn data, fetch_done_fn done)
{
	return fetch_start(run->fr->fetcher, req, data, done, run, &run->fetch);
}

bool
run_fetched(struct run *run, const struct fetch_result *res)
{
	run->fetch = NULL;
	run->bytes += res->bytes;
	run->wire += res->wire;
	if (res->retry_after_sec > run->retry_after_sec)
		run->retry_after_sec = res->retry_after_sec;
	fetch_result_report(res, &run->findings);
	return fetch_result_good(res);
}

/* --- rsync, by its keeper --- */

void
run_rsync_ask(struct run *run, struct sv module, struct sv key, struct sv spki)
{
	struct msg_rsync_ask m = { .module = module, .key = key, .spki = spki };
	int rc;

	if (++run->fr->last_req == 0)		/* 0: it waits for none */
		run->fr->last_req = 1;
	m.req = run->fr->last_req;
	run->via = run_rsync.via;
	run->req = m.req;
	if ((rc = msg_rsync_ask_send(run->fr->role, ROLE_RSYNC, &m)) < 0)
		run_cannot(run, "rsync", rc);
}

static void
rsync_start(struct run *run)
{
	run_rsync_ask(run, sv_str(run->place->key), sv_str(run->place->key), SV(""));
}

/* The keeper names a code of findings.def; its arguments are known here. */
static void
rsync_finding(struct run *run, const struct msg_rsync_answer *m)
{
	const struct farg module = FA_STR("module", run->place->kind == PLACE_TA ?
	    run->uris[run->uri] : run->place->key);
	struct farg args[3] = { module, FA_SV("what", m->detail) };
	enum fetch_code code = FETCH_RSYNC;
	unsigned n = 2;

	for (int c = 0; c < FETCH_CODE_MAX; c++)
		if (sv_eq_str(m->code, fetch_findings[c].code))
			code = (enum fetch_code)c;
	switch (code) {
	case FETCH_TA_KEY:
		if (run->place->kind == PLACE_TA)
			run_ta_key(run);
		return;
	case FETCH_RSYNC_TIME:
		args[1] = FA_U("limit", run->fr->timeout_sec);
		break;
	case FETCH_RSYNC_SIZE:
		args[1] = FA_U("limit", (uint64_t)run->fr->max_mb * 1024 * 1024);
		break;
	case FETCH_RSYNC_ADDRESS:
		args[1] = FA_STR("host", run->place->host);
		args[2] = FA_SV("address", m->detail);
		n = 3;
		break;
	case FETCH_RSYNC_HERE:
		break;
	default:
		code = FETCH_RSYNC;
		break;
	}
	finding_add_args(&run->findings, &fetch_findings[code], args, n);
}

/* A new keeper knows nothing of what the one before was asked. */
static void
rsync_lost(struct fetch_role *fr)
{
	for (struct run *run = fr->runs, *next; run != NULL; run = next) {
		next = run->next;
		if (run->req != 0)
			run_cannot(run, "rsync", -EPIPE);
	}
}

void
runs_rsync_answer(struct fetch_role *fr, const struct msg_rsync_answer *m)
{
	struct run *run = fr->runs;

	if (m->req == 0) {
		rsync_lost(fr);
		return;
	}
	while (run != NULL && run->req != m->req)
		run = run->next;
	if (run == NULL)
		return;			/* its deadline was before */
	run->req = 0;
	run->bytes += m->bytes;
	run->changed += m->changed;
	if (!m->ok)
		rsync_finding(run, m);
	if (m->ok || run->place->kind != PLACE_TA)
		run_end(run, m->ok);
	else
		run_ta_next(run);
}

const struct run_kind run_rsync = { .via = "rsync", .start = rsync_start };
