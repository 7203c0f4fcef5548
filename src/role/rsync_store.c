/*
 * From a tree on the disk to the store: a stage that replaces all that the
 * source had, filled as fast as the store takes it.
 */
#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "role/rsync_role.h"

static void
cannot(struct rsync_job *job, int rc)
{
	if (rc == SE_LIMIT)
		rsync_job_end(job, false, FETCH_RSYNC_SIZE, "");
	else
		rsync_job_end(job, false, FETCH_RSYNC, err_str(rc));
}

/* The URI of what lies at this path; false: it is not what was asked for. */
static bool
uri_of(const struct rsync_job *job, struct sv path, char ret[static FETCH_KEY_MAX + 1], size_t *n)
{
	size_t base = strlen(job->uri);

	if (job->single) {
		struct sv uri = { job->uri, base };

		if (!sv_eq(sv_skip(uri, sv_rfind(uri, '/') + 1), path))
			return false;
		path = SV("");
	}
	if (base + path.n > FETCH_KEY_MAX)
		return false;
	memcpy(ret, job->uri, base);
	if (path.n > 0)
		memcpy(ret + base, path.p, path.n);
	ret[base + path.n] = '\0';
	*n = base + path.n;
	return rsync_uri_valid((struct sv){ ret, *n });
}

static void
commit(struct rsync_job *job)
{
	job->walk = tree_close(job->walk);
	job->walked = job->committing = true;
	stage_commit(job->stage, SV(""));
}

/* Bytes are compared, nothing is parsed: whether the certificate is good, others judge. */
static bool
has_key(const struct rsync_job *job, struct sv bytes)
{
	return job->spki.n == 0 ||
	    memmem(bytes.p, bytes.n, job->spki.p, job->spki.n) != NULL;
}

/* Until the store is full, or the tree is at its end. */
static void
fill(struct rsync_job *job)
{
	char uri[FETCH_KEY_MAX + 1];
	struct sv path, bytes;
	size_t n;
	int rc = 0;

	while (rc >= 0 && !stage_full(job->stage)) {
		if ((rc = tree_next(job->walk, &path, &bytes)) <= 0)
			break;
		if (!uri_of(job, path, uri, &n) ||
		    rpki_type_of((struct sv){ uri, n }) == RPKI_OTHER)
			continue;
		job->bytes += bytes.n;
		if (!has_key(job, bytes)) {
			rsync_job_end(job, false, FETCH_TA_KEY, "");
			return;
		}
		rc = stage_change(job->stage, OBJECTS_PUBLISH, (struct sv){ uri, n }, bytes, NULL);
		if (rc == 0)
			rc = 1;
	}
	if (rc < 0)
		cannot(job, rc);
	else if (rc == 0)
		commit(job);
}

static void
opened(void *arg, int rc, struct sv state UNUSED, uint64_t names UNUSED)
{
	struct rsync_job *job = arg;

	if (rc < 0) {
		cannot(job, rc);
		return;
	}
	stage_begin(job->stage, true);
	fill(job);
}

static void
room(void *arg)
{
	struct rsync_job *job = arg;

	if (!job->walked)
		fill(job);
}

static void
committed(void *arg, int rc, uint64_t changed, uint64_t names UNUSED)
{
	struct rsync_job *job = arg;

	job->committing = false;
	if (rc < 0) {
		cannot(job, rc);
		return;
	}
	job->changed = changed;
	rsync_job_end(job, true, FETCH_RSYNC, "");
}

void
rsync_store(struct rsync_job *job)
{
	static const struct stage_ops ops = { opened, room, committed };
	const struct tree_limits l = rsync_limits(job->rr);
	char folder[4200];
	int rc;

	rsync_tree_path(job->rr, job->tree->n, folder, sizeof(folder));
	if ((rc = tree_open(folder, &l, &job->walk)) < 0) {
		cannot(job, rc);
		return;
	}
	job->stage = stage_open(job->rr->stages, sv_str(job->key), &ops, job);
	if (job->stage == NULL)
		cannot(job, -ENOMEM);
}
