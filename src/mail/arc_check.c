/* A chain validated: keys asked for, all signatures verified together, then section 5.2. */
#include <errno.h>
#include <stdio.h>

#include "mail/arc_internal.h"
#include "mail/dkim_internal.h"

#define F FINDING_ROW_
const struct finding_def arc_findings[ARC_CODE_MAX] = {
#include "mail/arc_findings.def"
};
#undef F

/* One signature while the chain is checked: an AMS, then its seal. */
struct arc_work {
	struct arc_signature	*to;
	const struct mail_answer *answer;
	struct dkim_keys	 keys;
};

/* --- fields --- */

static bool
covers_seal(const struct dkim_sig *s)
{
	for (size_t i = 0; i < s->n_names; i++)
		if (sv_caseeq(s->names[i], SV("ARC-Seal")))
			return true;
	return false;
}

/* "the DKIM "h" tag is NOT allowed and, if found, MUST result in a cv status of "fail"" */
static bool
has_names(const struct dkim_sig *seal)
{
	struct mail_tags tags;
	size_t at;

	return mail_tags_parse(seal->field->value, &tags, &at) == MAIL_TAGS_OK && mail_tag_get(&tags, "h").p != NULL;
}

static void
field_judge(struct arc_signature *to, bool is_seal)
{
	to->why = ARC_FINE;
	to->dkim = to->sig->why;
	to->what = to->sig->what;
	if (to->dkim != DKIM_FINE)
		to->why = is_seal ? ARC_SEAL_FIELD : ARC_AMS_FIELD;
	else if (is_seal && has_names(to->sig))
		to->why = ARC_SEAL_NAMES;
	else if (!is_seal && covers_seal(to->sig))
		to->why = ARC_AMS_COVERS_SEAL;
	else if (!is_seal && !to->sig->signs_from) {	/* RFC 6376 section 6.1.1 */
		to->why = ARC_AMS_FIELD;
		to->dkim = DKIM_SIG_FROM;
		to->what = SV("h");
	}
}

/* --- keys --- */

/* All questions, before the first answer is looked at. */
static int
keys_ask(struct mail_ask *ask, struct arc_work *w, size_t n)
{
	int wait = 0;

	for (size_t i = 0; i < n; i++)
		if (w[i].to->sig->why == DKIM_FINE)
			wait |= mail_ask(ask, &w[i].to->sig->key_name, RR_TXT, &w[i].answer);
	return wait;
}

static int
key_find(struct pool *pool, struct arc_work *w, bool is_seal)
{
	struct arc_signature *to = w->to;
	int rc;

	w->keys.why = DKIM_KEY_NONE;
	if (to->sig->why != DKIM_FINE)
		return 0;
	if ((rc = dkim_keys_find(pool, w->answer, to->sig, &w->keys)) < 0)
		return rc;
	to->is_asked = true;
	to->rcode = w->answer->rcode;
	to->secure = w->answer->secure;
	to->key_bits = w->keys.key[0].bits;
	if (to->why != ARC_FINE || w->keys.why == DKIM_FINE)
		return 0;
	to->why = is_seal ? ARC_SEAL_KEY : ARC_AMS_KEY;
	if (to->rcode == MAIL_DNS_FAILED)
		to->why = ARC_KEY_DNS;
	to->dkim = w->keys.why;
	to->what = w->keys.what;
	return 0;
}

/* --- digests --- */

/* Each seal covers all sets before its own: once they are walked, all seals' digests are there. */
static int
seals_hash(const struct arc *a)
{
	_cleanup_(arc_cover_done) struct arc_cover c = ARC_COVER_INIT;

	for (uint32_t i = 0; i < a->n; i++) {
		const struct arc_set *set = &a->sets[i];
		struct dkim_memo *m = &a->memos[2 * i + 1];
		int rc;

		if (m->is_hashed)
			return 0;
		if ((rc = arc_cover_add(&c, set->field[ARC_RESULTS], set->field[ARC_MESSAGE])) < 0 ||
		    (rc = arc_cover_hash(&c, set->seal, m->digest)) < 0 ||
		    (rc = arc_cover_seal(&c, set->field[ARC_SEAL])) < 0)
			return rc;
	}
	for (uint32_t i = 0; i < a->n; i++)
		a->memos[2 * i + 1].is_hashed = true;
	return 0;
}

static int
digests_make(const struct arc *a, struct arc_verdict *v)
{
	const struct mail_body_want *want = a->wants;

	for (uint32_t i = 0; i < a->n; i++) {
		struct arc_signature *ams = &v->ams[i];
		struct dkim_memo *m = &a->memos[2 * i];

		if (ams->sig->why != DKIM_FINE)
			continue;
		if (dkim_memo_hash(a->head, ams->sig, m) < 0)
			return -ENOMEM;
		ams->fields = m->fields;
		ams->body = want++;
		ams->body_holds = memcmp(ams->body->digest, ams->sig->bh, SHA256_LEN) == 0 &&
		    (!ams->sig->has_length || ams->body->n_canon >= ams->sig->length);
	}
	return seals_hash(a);
}

/* --- the verdict --- */

static bool
time_holds(const struct dkim_sig *s, int64_t now)
{
	return !(s->has_time && s->time > now + DKIM_SKEW_SEC) && !(s->has_expiry && s->expiry < now);
}

static void
ams_judge(struct arc_signature *to, int64_t now)
{
	if (to->why != ARC_FINE)
		return;
	if (!to->body_holds)
		to->why = ARC_AMS_BODY;
	else if (!to->head_holds)
		to->why = ARC_AMS_HEAD;
	else if (!time_holds(to->sig, now))
		to->why = ARC_AMS_TIME;
}

/* Step 5: down from the newest, which verifies, to the first that does not. */
static void
oldest_find(struct arc_verdict *v, uint32_t n)
{
	uint32_t i = n;

	while (i > 1 && v->ams[i - 2].why == ARC_FINE)
		i--;
	v->oldest_pass = i == 1 ? 0 : i;
	v->has_oldest_pass = true;
}

static void
failed(struct arc_verdict *v, const struct arc_signature *by)
{
	v->result = MAIL_FAIL;
	v->why = by->why;
	v->at = by->sig->instance;
}

/* Steps 4 to 7. */
static void
chain_judge(struct arc_verdict *v, uint32_t n)
{
	if (v->ams[n - 1].why != ARC_FINE) {
		failed(v, &v->ams[n - 1]);
		return;
	}
	oldest_find(v, n);
	for (uint32_t i = n; i > 0; i--)
		if (v->seals[i - 1].why != ARC_FINE) {
			failed(v, &v->seals[i - 1]);
			return;
		}
	v->result = MAIL_PASS;
}

/* --- what is told --- */

static void
failure_tell(const struct arc_verdict *v, uint32_t n, struct findings *fs)
{
	const struct arc_signature *s = v->why == v->ams[n - 1].why ? &v->ams[n - 1] : &v->seals[v->at - 1];

	finding_add(fs, &arc_findings[v->why], FA_U("instance", v->at), FA_SV("domain", s->sig->domain),
	    FA_SV("selector", s->sig->selector), FA_SV("what", sv_take(s->what, DKIM_QUOTE_MAX)));
}

static void
covers_tell(const struct dkim_sig *ams, struct findings *fs)
{
	for (size_t i = 0; i < ams->n_names; i++)
		if (arc_name_is_forbidden(ams->names[i])) {
			finding_add(fs, &arc_findings[ARC_AMS_COVERS], FA_U("instance", ams->instance),
			    FA_SV("field", ams->names[i]));
			return;
		}
}

static void
chain_tell(const struct arc_verdict *v, uint32_t n, struct findings *fs)
{
	if (v->result == MAIL_FAIL)
		failure_tell(v, n, fs);
	else
		covers_tell(v->ams[n - 1].sig, fs);
	if (v->result == MAIL_PASS && v->oldest_pass > 0)
		finding_add(fs, &arc_findings[ARC_OLDER], FA_U("instance", v->oldest_pass - 1));
}

static void
structure_tell(const struct arc *a, struct findings *fs)
{
	struct sv found = SV("");

	if (a->why == ARC_CV && a->sets[a->at - 1].seal != NULL)
		found = sv_take(a->sets[a->at - 1].seal->chain, DKIM_QUOTE_MAX);
	finding_add(fs, &arc_findings[a->why], FA_U("instance", a->at), FA_STR("field", arc_part_name(a->part)),
	    FA_SV("found", found), FA_U("limit", ARC_SETS_MAX));
}

/* --- all of it --- */

static void
verdict_end(const struct arc *a, int64_t now, const struct dkim_job *jobs, struct arc_verdict *v)
{
	for (uint32_t i = 0; i < a->n; i++) {
		v->ams[i].head_holds = jobs[2 * i].ok;
		v->seals[i].head_holds = jobs[2 * i + 1].ok;
		ams_judge(&v->ams[i], now);
		if (v->seals[i].why == ARC_FINE && !v->seals[i].head_holds)
			v->seals[i].why = ARC_SEAL_CHANGED;
	}
	chain_judge(v, a->n);
}

static int
works_init(const struct arc *a, struct pool *pool, struct arc_verdict *v, struct arc_work *w)
{
	v->ams = pool_calloc(pool, a->n, sizeof(*v->ams));
	v->seals = pool_calloc(pool, a->n, sizeof(*v->seals));
	if (v->ams == NULL || v->seals == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < a->n; i++) {
		w[2 * i].to = &v->ams[i];
		v->ams[i].sig = a->sets[i].ams;
		field_judge(&v->ams[i], false);
		w[2 * i + 1].to = &v->seals[i];
		v->seals[i].sig = a->sets[i].seal;
		field_judge(&v->seals[i], true);
		v->seals[i].body_holds = true;
	}
	return 0;
}

size_t
arc_jobs_count(const struct arc *a)
{
	return a->why == ARC_FINE ? 2 * a->n : 0;
}

int
arc_check_ask(const struct arc *a, struct pool *pool, struct mail_ask *ask, struct dkim_job *jobs,
    struct arc_verdict *ret)
{
	size_t n = arc_jobs_count(a);
	struct arc_work *w = pool_calloc(pool, n, sizeof(*w));
	struct arc_verdict v = { .result = MAIL_NONE, .why = ARC_FINE };
	int rc = 0;

	if (w == NULL)
		return -ENOMEM;
	if (n > 0 && ((rc = works_init(a, pool, &v, w)) < 0 || (rc = keys_ask(ask, w, n)) != 0))
		return rc;
	for (size_t i = 0; i < n && rc == 0; i++) {
		rc = key_find(pool, &w[i], i % 2 > 0);
		jobs[i] = (struct dkim_job){ .keys = &w[i].keys, .memo = &a->memos[i],
			.b = w[i].to->sig->b };
	}
	if (rc < 0 || (n > 0 && (rc = digests_make(a, &v)) < 0))
		return rc;
	*ret = v;
	return 0;
}

void
arc_check_end(const struct arc *a, int64_t now, const struct dkim_job *jobs, struct findings *fs,
    struct arc_verdict *v)
{
	if (a->why != ARC_FINE) {
		v->result = MAIL_FAIL;
		v->why = a->why;
		v->at = a->at;
		structure_tell(a, fs);
	} else if (a->n > 0) {
		verdict_end(a, now, jobs, v);
		chain_tell(v, a->n, fs);
	}
}

int
arc_check(const struct arc *a, int64_t now, struct pool *pool, struct mail_ask *ask, struct findings *fs,
    struct arc_verdict *ret)
{
	size_t n = arc_jobs_count(a);
	struct dkim_job *jobs = pool_calloc(pool, n, sizeof(*jobs));
	struct arc_verdict v;
	int rc;

	if (jobs == NULL)
		return -ENOMEM;
	if ((rc = arc_check_ask(a, pool, ask, jobs, &v)) != 0 || (rc = dkim_jobs_verify(jobs, n, NULL)) < 0)
		return rc;
	arc_check_end(a, now, jobs, fs, &v);
	*ret = v;
	return 0;
}

int
arc_verdict_add(struct authres *to, const struct arc_verdict *v, struct sv client)
{
	struct authres_result *r;
	char *digits;
	int rc;

	if ((rc = authres_add(to, AUTHRES_ARC, v->result, &r)) < 0)
		return rc;
	if (client.p != NULL && (rc = authres_property_add(to, r, "smtp", "remote-ip", client)) < 0)
		return rc;
	if (v->result != MAIL_PASS)
		return 0;
	if ((digits = pool_printf(to->pool, "%u", v->oldest_pass)) == NULL)
		return -ENOMEM;
	return authres_property_add(to, r, "header", "oldest-pass", sv_str(digits));
}
