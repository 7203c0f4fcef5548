/*
 * The certificate of a trust anchor: the TAL's URIs in their order, until one
 * gives something that can be a certificate (RFC 8630 section 2.3 leaves the
 * choice to us; https comes first, as the wanted list has it). One that does
 * not contain the key of the TAL is passed over: bytes are compared, nothing
 * is parsed here. Whether it is good is validate's to judge.
 */
#include <errno.h>
#include <string.h>

#include "role/fetch_role.h"

static void	ta_try(struct run *);

void
run_ta_key(struct run *run)
{
	finding_add(&run->findings, &fetch_findings[FETCH_TA_KEY],
	    FA_STR("url", run->uris[run->uri]), FA_STR("ta", run->place->key + strlen("ta:")));
}

int
run_ta_init(struct run *run)
{
	const struct fetch_place *f = run->place;

	run->spki = pool_sv(run->pool, f->spki);
	for (unsigned i = 0; i < f->n_uris; i++)
		if ((run->uris[run->n_uris++] = pool_strdup(run->pool, f->uris[i])) == NULL)
			return -ENOMEM;
	return run->spki.p == NULL ? -ENOMEM : 0;
}

void
run_ta_next(struct run *run)
{
	run->uri++;
	ta_try(run);
}

/* --- https --- */

static int
ta_data(void *arg, const void *p, size_t n)
{
	struct run *run = arg;

	buf_bytes(&run->body, p, n);
	return run->body.rc;
}

/* A page for people is no certificate: the next URI may have one. */
static bool
is_der(struct sv s)
{
	return s.n > 4 && (unsigned char)s.p[0] == 0x30 && ((unsigned char)s.p[1] & 0x80) != 0;
}

static bool
has_key(const struct run *run)
{
	const struct sv body = buf_get(&run->body), key = run->spki;

	return memmem(body.p, body.n, key.p, key.n) != NULL;
}

static void
ta_opened(void *arg, int rc, struct sv state UNUSED, uint64_t names)
{
	struct run *run = arg;

	run->has_data |= rc == 0 && names > 0;
	if (rc < 0) {
		run_cannot(run, "store", rc);
		return;
	}
	stage_begin(run->stage, true);
	rc = stage_change(run->stage, OBJECTS_PUBLISH, sv_str(run->uris[run->uri]),
	    buf_get(&run->body), NULL);
	if (rc < 0) {
		run_cannot(run, "store", rc);
		return;
	}
	run->committing = true;
	stage_commit(run->stage, SV(""));
}

static void
ta_room(void *arg UNUSED)
{
	/* One certificate is never more than a batch. */
}

static void
ta_stored(void *arg, int rc, uint64_t changed, uint64_t names UNUSED)
{
	struct run *run = arg;

	if (rc < 0) {
		run_cannot(run, "store", rc);
		return;
	}
	run->changed = changed;
	run_end(run, true);
}

static const struct stage_ops ta_stage = { ta_opened, ta_room, ta_stored };

static void
ta_fetched(void *arg, const struct fetch_result *res)
{
	struct run *run = arg;

	if (!run_fetched(run, res)) {
		run_ta_next(run);
		return;
	}
	if (!is_der(buf_get(&run->body))) {
		finding_add(&run->findings, &fetch_findings[FETCH_BODY],
		    FA_STR("url", run->uris[run->uri]),
		    FA_MSG("what", N_("it is no certificate")));
		run_ta_next(run);
		return;
	}
	if (!has_key(run)) {
		run_ta_key(run);
		run_ta_next(run);
		return;
	}
	run->stage = stage_open(run->fr->stages, sv_str(run->place->key), &ta_stage, run);
	if (run->stage == NULL)
		run_cannot(run, "store", -ENOMEM);
}

static void
ta_https(struct run *run, struct sv uri)
{
	struct fetch_req req = run_request(run, uri);
	int rc;

	req.limits.max_bytes = req.limits.max_wire = TA_CERT_MAX;
	/* The URIs after it must have their turn as well. */
	req.limits.total_msec = (uint32_t)min_size(req.limits.total_msec, NOTIFICATION_MSEC);
	run->body.len = 0;
	run->via = run_ta.via;
	if ((rc = run_fetch(run, &req, ta_data, ta_fetched)) < 0)
		run_cannot(run, "https", rc);
}

static void
ta_try(struct run *run)
{
	struct sv uri;

	if (run->uri >= run->n_uris) {
		run_end(run, false);
		return;
	}
	uri = sv_str(run->uris[run->uri]);
	if (https_uri_valid(uri))
		ta_https(run, uri);
	else
		run_rsync_ask(run, uri, sv_str(run->place->key), run->spki);
}

const struct run_kind run_ta = { .via = "https", .start = ta_try };
