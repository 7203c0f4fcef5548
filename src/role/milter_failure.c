/* Failure reports on their way to a journal: see role/milter_role.h and app/mail_failure_box.h. */
#include <errno.h>
#include <stdlib.h>

#include "app/mail_redact.h"
#include "base/err.h"
#include "role/milter_role.h"
#include "sys/tree.h"

#define SEGMENT_SEC	60		/* "almost immediately" (RFC 9991 section 2): like ones gather for ten minutes */

struct milter_failures {
	struct milter_hall	*hall;
	struct role		*role;
	char			*folder;
	struct mail_journal	*journal;
	bool			 has_failed;	/* the last time */
};

void
milter_failures_put(struct milter_hall *h, const struct mail_failure *f, int64_t now)
{
	bool is_in = h->failures != NULL && mail_failure_box_put(h->failures, f, now);

	atomic_fetch_add(is_in ? &h->n.reported : &h->n.unreported, 1);
}

/* The others of this second are tried all the same: a full disk may have room for a small one. */
static int
octets_keep(void *arg, struct sv octets)
{
	struct milter_failures *f = arg;

	if (mail_journal_append(f->journal, role_now(f->role), octets) < 0)
		atomic_fetch_add(&f->hall->n.unreported, 1);
	return 0;
}

void
milter_failures_turn(struct milter_failures *f)
{
	int rc = mail_failure_box_take(f->hall->failures, octets_keep, f);

	if (rc == 0)
		rc = mail_journal_turn(f->journal, role_now(f->role), false);
	if (rc < 0 && !f->has_failed)
		role_log(f->role, LOG_LEVEL_ERROR, "%s: %s; failure reports wait there", f->folder, err_str(rc));
	f->has_failed = rc < 0;
}

static int
key_take(struct role *r, const struct msg_milter_conf *m, struct pool *pool, struct sv *ret)
{
	const char *path = pool_printf(pool, "%.*s", SV_ARG(m->failures_key));
	int rc = path == NULL ? -ENOMEM : mail_redact_key(path, m->failures_make != 0, pool, ret);

	if (rc == -EPERM)
		role_log(r, LOG_LEVEL_ERROR, "%s: others may read it (mail.failure.key): chmod 0600", path);
	else if (rc == -EINVAL)
		role_log(r, LOG_LEVEL_ERROR, "%s: a key of less than 16 octets can be guessed (mail.failure.key)", path);
	else if (rc < 0)
		role_log(r, LOG_LEVEL_ERROR, "%s: %s (mail.failure.key)", path == NULL ? "" : path, err_str(rc));
	return rc;
}

static int
folder_take(struct milter_failures *f)
{
	struct mail_journal_conf c = { .folder = f->folder, .segment_bytes = MILTER_SEGMENT,
	    .segment_sec = SEGMENT_SEC };
	struct mail_journal_found found;
	int rc;

	if ((rc = tree_make(f->folder)) < 0 || (rc = role_path(f->role, f->folder, SANDBOX_WRITE)) < 0 ||
	    (rc = mail_journal_open(&c, role_now(f->role), &f->journal, &found)) < 0)
		role_log(f->role, LOG_LEVEL_ERROR, "%s: %s", f->folder, err_str(rc));
	return rc;
}

/* The process ends with what it holds: nothing is freed. */
int
milter_failures_init(struct milter_hall *h, struct role *r, const struct msg_milter_conf *m,
    struct pool *pool, struct milter_failures **ret)
{
	struct milter_failures *f = pool_calloc(pool, 1, sizeof(*f));
	struct sv key;
	int rc;

	if (f == NULL)
		return -ENOMEM;
	*f = (struct milter_failures){ .hall = h, .role = r };
	if ((f->folder = sv_dup(m->failures)) == NULL)
		return -ENOMEM;
	if ((rc = key_take(r, m, pool, &key)) < 0 || (rc = folder_take(f)) < 0 ||
	    (rc = mail_failure_box_new(&h->failures)) < 0)
		return rc;
	h->gate.failures = (struct mail_gate_failures){ .key = key, .with_parts = m->failures_parts != 0,
		.with_subject = m->failures_subject != 0 };
	*ret = f;
	return 0;
}
