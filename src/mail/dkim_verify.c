/* The signatures of a message: read, their keys asked for, verified together, judged. */
#include <errno.h>

#include "mail/dkim_internal.h"

/* --- what is there --- */

static bool
is_signature(const struct mail_field *f)
{
	return f->name.n == 14 && sv_caseeq(f->name, SV("DKIM-Signature"));
}

static int
sigs_read(struct pool *pool, const struct mail_head *head, struct dkim *d)
{
	for (size_t i = 0; i < head->n; i++) {
		const struct mail_field *f = &head->fields[i];
		int rc;

		if (!is_signature(f))
			continue;
		if (d->n == DKIM_SIGS_MAX) {
			d->n_more++;
			continue;
		}
		if ((rc = dkim_sig_parse(pool, DKIM_SIGNATURE, f, &d->sigs[d->n])) < 0)
			return rc;
		d->n++;
	}
	return 0;
}

static size_t
sigs_room(const struct mail_head *head)
{
	size_t n = 0;

	for (size_t i = 0; i < head->n && n < DKIM_SIGS_MAX; i++)
		n += is_signature(&head->fields[i]);
	return n;
}

static struct mail_body_want
want_of(const struct dkim_sig *s)
{
	return (struct mail_body_want){ .canon = s->body_canon,
		.max = s->has_length ? s->length : UINT64_MAX };
}

int
dkim_begin(struct pool *pool, const struct mail_head *head, struct dkim *ret)
{
	struct dkim d = { .head = head };
	size_t room = sigs_room(head);
	int rc;

	if (room > 0) {
		d.sigs = pool_calloc(pool, room, sizeof(*d.sigs));
		d.wants = pool_calloc(pool, room, sizeof(*d.wants));
		d.memos = pool_calloc(pool, room, sizeof(*d.memos));
		if (d.sigs == NULL || d.wants == NULL || d.memos == NULL)
			return -ENOMEM;
	}
	if ((rc = sigs_read(pool, head, &d)) < 0)
		return rc;
	for (size_t i = 0; i < d.n; i++) {
		if ((rc = dkim_memo_init(pool, &d.sigs[i], &d.memos[i])) < 0)
			return rc;
		if (d.sigs[i].why == DKIM_FINE)
			d.wants[d.n_wants++] = want_of(&d.sigs[i]);
	}
	*ret = d;
	return 0;
}

/* --- their keys --- */

/* What is known of one signature while the message is checked. */
struct dkim_work {
	struct dkim_verdict	*verdict;
	const struct mail_answer *answer;
	struct dkim_keys	 keys;
};

/* All questions, before the first answer is looked at. */
static int
keys_ask(const struct dkim *d, struct mail_ask *ask, struct dkim_work *w)
{
	int wait = 0;

	for (size_t i = 0; i < d->n; i++)
		if (d->sigs[i].why == DKIM_FINE)
			wait |= mail_ask(ask, &d->sigs[i].key_name, RR_TXT, &w[i].answer);
	return wait;
}

static void
key_note(struct dkim_verdict *v, const struct dkim_work *w)
{
	v->is_asked = true;
	v->rcode = w->answer->rcode;
	v->secure = w->answer->secure;
	v->has_key = w->keys.why == DKIM_FINE;
	v->key_bits = w->keys.key[0].bits;
	v->is_testing = w->keys.key[0].is_testing;
}

/* --- what was signed --- */

/* RFC 6376 section 3.5, l=: "MUST NOT be larger than the actual number of octets". */
static void
body_note(struct dkim_verdict *v, const struct mail_body_want *want)
{
	v->body = want;
	v->body_holds = memcmp(want->digest, v->sig->bh, SHA256_LEN) == 0;
	if (v->sig->has_length && want->n_canon > v->sig->length)
		v->n_surplus = want->n_canon - v->sig->length;
}

/* --- verdicts --- */

/* Not before it was made, not after it ended: of what holds otherwise. */
static enum dkim_code
time_judge(const struct dkim_sig *s, int64_t now)
{
	if (s->has_time && s->time > now + DKIM_SKEW_SEC)
		return DKIM_FUTURE;
	return s->has_expiry && s->expiry < now ? DKIM_EXPIRED : DKIM_FINE;
}

static enum dkim_code
judge(const struct dkim_work *w, int64_t now)
{
	const struct dkim_verdict *v = w->verdict;

	if (v->sig->why != DKIM_FINE)
		return v->sig->why;
	if (w->keys.why != DKIM_FINE)
		return w->keys.why;
	if (v->sig->has_length && v->body->n_canon < v->sig->length)
		return DKIM_BODY_SHORT;
	if (v->body_holds && v->head_holds)
		return time_judge(v->sig, now);
	if (v->body_holds)
		return DKIM_HEAD_CHANGED;
	return v->head_holds ? DKIM_BODY_CHANGED : DKIM_ALL_CHANGED;
}

static void
notes_tell(const struct dkim_work *w, struct findings *fs)
{
	const struct dkim_verdict *v = w->verdict;

	if (w->keys.n_records > 1)
		dkim_tell(fs, DKIM_KEY_SEVERAL, v, &w->keys);
	if (v->is_testing)
		dkim_tell(fs, DKIM_KEY_TESTING, v, &w->keys);
	if (v->result == MAIL_PASS && v->sig->alg == DKIM_RSA_SHA256 && v->key_bits < 2048)
		dkim_tell(fs, DKIM_KEY_SMALL, v, &w->keys);
	if (v->result == MAIL_PASS && v->n_surplus > 0)
		dkim_tell(fs, DKIM_BODY_SURPLUS, v, &w->keys);
}

static void
verdict_end(struct dkim_work *w, int64_t now, struct findings *fs)
{
	struct dkim_verdict *v = w->verdict;

	v->why = judge(w, now);
	v->result = dkim_result(v->why);
	if (v->why != DKIM_FINE)
		dkim_tell(fs, v->why, v, &w->keys);
	notes_tell(w, fs);
}

static int
works_prepare(const struct dkim *d, struct pool *pool, struct dkim_work *w, struct dkim_job *jobs)
{
	const struct mail_body_want *want = d->wants;
	int rc;

	for (size_t i = 0; i < d->n; i++) {
		jobs[i] = (struct dkim_job){ .keys = &w[i].keys, .memo = &d->memos[i],
			.b = d->sigs[i].b };
		w[i].keys.why = DKIM_KEY_NONE;
		if (d->sigs[i].why != DKIM_FINE)
			continue;
		body_note(w[i].verdict, want++);
		if ((rc = dkim_keys_find(pool, w[i].answer, &d->sigs[i], &w[i].keys)) < 0)
			return rc;
		key_note(w[i].verdict, &w[i]);
		if (w[i].keys.why != DKIM_FINE)
			continue;
		if ((rc = dkim_memo_hash(d->head, &d->sigs[i], &d->memos[i])) < 0)
			return rc;
		w[i].verdict->fields = d->memos[i].fields;
	}
	return 0;
}

int
dkim_check_ask(const struct dkim *d, struct pool *pool, struct mail_ask *ask, struct dkim_job *jobs,
    struct dkim_work **ret)
{
	struct dkim_verdict *verdicts = pool_calloc(pool, d->n + 1, sizeof(*verdicts));
	struct dkim_work *w = pool_calloc(pool, d->n + 1, sizeof(*w));
	int rc;

	if (verdicts == NULL || w == NULL)
		return -ENOMEM;
	w[0].verdict = verdicts;
	for (size_t i = 0; i < d->n; i++) {
		verdicts[i].sig = &d->sigs[i];
		w[i].verdict = &verdicts[i];
	}
	if ((rc = keys_ask(d, ask, w)) != 0 || (rc = works_prepare(d, pool, w, jobs)) < 0)
		return rc;
	*ret = w;
	return 0;
}

void
dkim_check_end(const struct dkim *d, int64_t now, struct dkim_work *w, const struct dkim_job *jobs,
    struct findings *fs, struct dkim_verdict **ret)
{
	for (size_t i = 0; i < d->n; i++) {
		w[i].verdict->head_holds = jobs[i].ok;
		verdict_end(&w[i], now, fs);
	}
	if (d->n_more > 0)
		finding_add(fs, &dkim_findings[DKIM_SIG_MANY], FA_U("n", d->n_more),
		    FA_U("limit", DKIM_SIGS_MAX));
	*ret = w[0].verdict;
}

int
dkim_check(const struct dkim *d, int64_t now, struct pool *pool, struct mail_ask *ask,
    struct findings *fs, struct dkim_verdict **ret)
{
	struct dkim_job jobs[DKIM_SIGS_MAX];
	struct dkim_work *w;
	int rc;

	if ((rc = dkim_check_ask(d, pool, ask, jobs, &w)) != 0 ||
	    (rc = dkim_jobs_verify(jobs, d->n, d->pubs)) < 0)
		return rc;
	dkim_check_end(d, now, w, jobs, fs, ret);
	return 0;
}
