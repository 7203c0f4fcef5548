/* The engines over one message, side by side: see mail/judge.h. */
#include <errno.h>

#include "mail/arc_internal.h"
#include "mail/dkim_internal.h"
#include "mail/judge.h"

/* --- the head --- */

/* One From, and all of its authors without doubt; else none. mail_head_check() said why. */
static int
authors_take(struct pool *pool, struct mail_judge *j)
{
	const struct mail_field *from = mail_head_last(j->head, SV("From"), 0);
	struct findings told;
	int rc;

	if (mail_head_count(j->head, SV("From")) != 1)
		return 0;
	findings_init(&told, pool);
	if ((rc = mail_addresses(pool, from->value, &told, &j->authors, &j->n_authors)) < 0)
		return rc;
	if ((j->names = pool_calloc(pool, j->n_authors + 1, sizeof(*j->names))) == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < j->n_authors; i++)
		j->names[i] = j->authors[i].name;
	return 0;
}

/* The digests that DKIM and ARC want, in one array: the body goes by once. */
static int
wants_join(struct pool *pool, struct mail_judge *j)
{
	size_t n_arc = j->arc.n_wants, n = j->dkim.n_wants + n_arc;

	if ((j->wants = pool_calloc(pool, n + 1, sizeof(*j->wants))) == NULL)
		return -ENOMEM;
	if (j->dkim.n_wants > 0)
		memcpy(j->wants, j->dkim.wants, j->dkim.n_wants * sizeof(*j->wants));
	if (n_arc > 0)
		memcpy(j->wants + j->dkim.n_wants, j->arc.wants, n_arc * sizeof(*j->wants));
	j->dkim.wants = j->wants;
	j->arc.wants = j->wants + j->dkim.n_wants;
	return mail_body_new(j->wants, n, &j->body);
}

static int
head_take(struct pool *pool, struct mail_judge *j)
{
	int rc;

	if ((rc = authors_take(pool, j)) < 0 || (rc = dkim_begin(pool, j->head, &j->dkim)) < 0 ||
	    (rc = arc_begin(pool, j->head, &j->arc)) < 0)
		return rc;
	return wants_join(pool, j);
}

int
mail_judge_begin(struct pool *pool, const struct mail_head *head, struct findings *fs,
    struct mail_judge *ret)
{
	struct mail_judge j = { .head = head };
	int rc;

	mail_head_check(head, fs);
	rc = head_take(pool, &j);
	if (rc < 0 && (rc = mail_pool_check(pool, fs, rc)) == 0)
		j = (struct mail_judge){ .head = head, .is_too_much = true };
	*ret = j;
	return rc;
}

void
mail_judge_done(struct mail_judge *j)
{
	j->body = mail_body_free(j->body);
}

void
mail_judge_body(struct mail_judge *j, struct sv piece)
{
	if (j->body != NULL)
		mail_body_feed(j->body, piece);
}

void
mail_judge_body_end(struct mail_judge *j)
{
	if (j->body != NULL)
		mail_body_end(j->body);
}

/* --- the evidence --- */

/* One round: what each engine says, or what it waits for. */
struct round {
	const struct mail_judge		*j;
	const struct mail_judge_in	*in;
	struct pool			*pool;
	struct mail_ask			*ask;
	struct findings			*fs;
	struct mail_judge_out		*out;
};

static int
spf_round(struct round *r)
{
	struct spf_in in = { .client = r->in->client, .helo = r->in->helo, .sender = r->in->sender,
		.receiver = r->in->receiver, .now = r->in->now, .limits = SPF_LIMITS_DEFAULT,
		.is_advice = r->in->is_advice };
	int rc, rc2 = 0;

	if (!r->in->has_client || (r->in->sender.n == 0 && r->in->helo.n == 0))
		return 0;
	r->out->has_spf = true;
	if ((rc = spf_check(&in, r->ask, r->pool, r->fs, &r->out->spf)) < 0)
		return rc;
	/* RFC 7208 section 2.3: "RECOMMENDED that SPF verifiers not only check the "MAIL FROM" */
	r->out->has_helo = r->in->helo.n > 0 && in.sender.n > 0;
	in.sender = SV("");
	in.is_advice = false;
	if (r->out->has_helo)
		rc2 = spf_check(&in, r->ask, r->pool, r->fs, &r->out->helo);
	return rc2 < 0 ? rc2 : rc | rc2;
}

/* What may speak for the author: SPF's domain, and those of the signatures. */
static int
dmarc_round(struct round *r, bool known)
{
	struct dmarc_ident spf = { .result = MAIL_NONE }, *dkim;
	struct dmarc_in in = { .authors = r->j->names, .n_authors = r->j->n_authors,
		.psl = r->in->psl };

	if ((dkim = pool_calloc(r->pool, r->out->n_dkim + 1, sizeof(*dkim))) == NULL)
		return -ENOMEM;
	if (known && r->out->has_spf && r->out->spf.name.len > 0) {
		spf = (struct dmarc_ident){ r->out->spf.result, r->out->spf.name };
		in.spf = &spf;
	}
	for (size_t i = 0; known && i < r->out->n_dkim; i++)
		dkim[in.n_dkim++] = (struct dmarc_ident){ r->out->dkim[i].result,
			r->j->dkim.sigs[i].domain_name };
	in.dkim = dkim;
	return dmarc_check(&in, r->ask, r->pool, r->fs, &r->out->dmarc);
}

/* Signatures of both kinds: their keys are asked for first, and all are verified in one batch. */
static int
signatures_round(struct round *r, int wait)
{
	const struct dkim *d = &r->j->dkim;
	const struct arc *a = &r->j->arc;
	size_t n = d->n + arc_jobs_count(a);
	struct dkim_job *jobs = pool_calloc(r->pool, n, sizeof(*jobs));
	struct dkim_work *work = NULL;
	int rc, rc2;

	if (jobs == NULL)
		return -ENOMEM;
	if ((rc = dkim_check_ask(d, r->pool, r->ask, jobs, &work)) < 0 ||
	    (rc2 = arc_check_ask(a, r->pool, r->ask, jobs + d->n, &r->out->arc)) < 0)
		return rc < 0 ? rc : rc2;
	if ((wait | rc | rc2) != 0)
		return MAIL_WAIT;
	if ((rc = dkim_jobs_verify(jobs, n, r->in->pubs)) < 0)
		return rc;
	dkim_check_end(d, r->in->now, work, jobs, r->fs, &r->out->dkim);
	r->out->n_dkim = d->n;
	arc_check_end(a, r->in->now, jobs + d->n, r->fs, &r->out->arc);
	return 0;
}

static int
engines_run(struct round *r)
{
	int wait, rc;

	if ((wait = spf_round(r)) < 0)
		return wait;
	if ((wait = signatures_round(r, wait)) < 0)
		return wait;
	rc = dmarc_round(r, wait == 0);
	return rc < 0 ? rc : wait | rc;
}

static struct mail_judge_out
out_none(void)
{
	return (struct mail_judge_out){ .is_too_much = true, .arc = { .why = ARC_FINE },
		.dmarc = { .now.result = MAIL_PERMERROR, .legacy.result = MAIL_PERMERROR } };
}

int
mail_judge_check(const struct mail_judge *j, const struct mail_judge_in *in, struct pool *pool,
    struct mail_ask *ask, struct findings *fs, struct mail_judge_out *ret)
{
	struct mail_judge_out out = { .has_spf = false };
	struct round r = { j, in, pool, ask, fs, &out };
	int rc = 0;

	if (!j->is_too_much && (rc = engines_run(&r)) < 0 &&
	    (rc = mail_pool_check(pool, fs, rc)) == 0)
		out.is_too_much = true;
	if (rc != 0)
		return rc;
	pool_spare(pool, MAIL_SPARE);		/* for who says it */
	*ret = j->is_too_much || out.is_too_much ? out_none() : out;
	return 0;
}
