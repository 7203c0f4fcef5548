#include "app/zone_proof.h"

#include <errno.h>
#include <stdio.h>

#include "base/err.h"

#define NAME_MAX_	48
#define ID_MAX		63	/* octets that a name in timeline may have */
#define KEY_ROOM	16	/* "+zsk12345", and what may have to end it */

struct proof {
	const struct keystate		*st;
	const struct dnssec_policy	*policy;
	int64_t				 now;
	struct timeline			*h;
	unsigned			 key[KEYSTATE_KEYS_MAX];	/* of each place */
	uint32_t			 revoked;
};

static uint32_t
bit(unsigned i)
{
	return UINT32_C(1) << i;
}

bool
zone_proof_is_step(const struct keystate *before, const struct keystate *after)
{
	return before->seq[KS_DNSKEY] != after->seq[KS_DNSKEY] ||
	    before->seq[KS_DATA] != after->seq[KS_DATA] || before->ds_want != after->ds_want;
}

/* --- keys --- */

static int
keys_add(struct proof *p)
{
	int rc = 0;

	for (unsigned i = 0; i < KEYSTATE_KEYS_MAX && rc == 0; i++) {
		const struct keystate_key *k = &p->st->keys[i];
		char name[NAME_MAX_];

		if (k->number == 0)
			continue;
		if ((k->flags & KS_FLAG_REVOKED) != 0)	/* no path goes through it */
			p->revoked |= bit(i);
		(void)snprintf(name, sizeof(name), "%s%u", keystate_role_name(k->role), k->tag);
		rc = timeline_key_add(p->h, sv_str(name), k->alg, &p->key[i]);
		if (rc != -EEXIST)
			continue;
		(void)snprintf(name, sizeof(name), "%s%u-%u", keystate_role_name(k->role), k->tag, k->number);
		rc = timeline_key_add(p->h, sv_str(name), k->alg, &p->key[i]);
	}
	return rc;
}

/* --- sets --- */

static int
serve(struct proof *p, unsigned v, const struct keystate_set *s)
{
	struct timeline_serve at = { .at = { s->from, s->gone }, .ttl_sec = s->ttl_sec };

	if (at.at.until <= at.at.from)		/* seen and gone within one second */
		at.at.until = at.at.from + 1;
	return timeline_serve_add(p->h, v, &at);
}

static int
keys_of(struct proof *p, unsigned v, uint32_t keys)
{
	int rc = 0;

	for (unsigned i = 0; i < KEYSTATE_KEYS_MAX && rc == 0; i++)
		if ((keys & bit(i)) != 0)
			rc = timeline_version_key(p->h, v, p->key[i]);
	return rc;
}

static int
sigs_of(struct proof *p, unsigned v, uint32_t sigs)
{
	int rc = 0;

	for (unsigned i = 0; i < KEYSTATE_KEYS_MAX && rc == 0; i++)
		if ((sigs & bit(i)) != 0)
			rc = timeline_version_sig(p->h, v, &(struct timeline_sig){ p->key[i], 0, TIME_NEVER });
	return rc;
}

/* "(ksk12345+zsk2345)": what it has, of data who signs them; as much as a name has room for. */
static void
contents_put(const struct proof *p, const struct keystate_set *s, struct buf *b)
{
	uint32_t keys = s->kind == KS_DATA ? s->sigs : s->keys;
	const char *before = "(";

	for (unsigned i = 0; i < KEYSTATE_KEYS_MAX; i++) {
		const struct keystate_key *k = &p->st->keys[i];

		if ((keys & bit(i)) == 0)
			continue;
		if (b->len + KEY_ROOM > ID_MAX) {
			buf_str(b, "+...)");
			return;
		}
		buf_printf(b, "%s%s%u", before, keystate_role_name(k->role), k->tag);
		before = "+";
	}
	if (s->kind == KS_DATA && keys == 0)
		buf_str(b, "(unsigned)");
	if (keys != 0 || s->foreign)
		buf_printf(b, "%s)", s->foreign ? keys != 0 ? "+?" : "(?" : "");
}

static int
version_new(struct proof *p, const struct keystate_set *s, unsigned *ret)
{
	static const enum timeline_kind kinds[KS_KIND_MAX] = { TIMELINE_DS, TIMELINE_DNSKEY, TIMELINE_DATA };
	static const char *const words[KS_KIND_MAX] = { "ds", "keys", "data" };
	size_t n = timeline_n_versions(p->h);
	_cleanup_(buf_done) struct buf b = BUF_INIT;

	/* Numbers are those of the state's file; sets that have none are told apart by their place. */
	if (s->seq != 0)
		buf_printf(&b, "%s-%u", words[s->kind], s->seq);
	else if (s->kind == KS_DS && s->keys == 0 && !s->foreign)
		buf_printf(&b, "ds-none.%zu", n);
	else
		buf_printf(&b, "%s.%zu", words[s->kind], n);
	contents_put(p, s, &b);
	if (b.rc < 0)
		return b.rc;
	return timeline_version_add(p->h, kinds[s->kind], buf_get(&b),
	    s->kind == KS_DATA ? SV("all") : (struct sv){ 0 }, ret);
}

static int
set_add(struct proof *p, const struct keystate_set *s)
{
	unsigned v;
	int rc;

	/* DS of strangers alone: it is bogus with and without the step. */
	if (s->kind == KS_DS && s->keys == 0 && s->foreign)
		return 0;
	if ((rc = version_new(p, s, &v)) < 0)
		return rc;
	rc = keys_of(p, v, s->kind == KS_DS ? s->keys : s->keys & ~p->revoked);
	if (rc == 0 && s->kind != KS_DS)
		rc = sigs_of(p, v, s->sigs & ~p->revoked);
	return rc == 0 ? serve(p, v, s) : rc;
}

/* What the parent has if it adds first. */
static int
union_add(struct proof *p, uint32_t was, uint32_t is)
{
	struct keystate_set both = { .kind = KS_DS, .keys = was | is, .ttl_sec = p->policy->parent_ds_ttl,
		.from = p->now, .gone = TIME_NEVER, .until = TIME_NEVER };

	return was == is || both.keys == was || both.keys == is ? 0 : set_add(p, &both);
}

/* --- what it is to be --- */

/* Every cache has a DS set now, and the policy wants it so. */
static bool
secure(const struct keystate *st, const struct dnssec_policy *policy, int64_t now)
{
	if (!policy->secure || st->ds_want == 0)
		return false;
	for (size_t i = 0; i < st->n_sets; i++)
		if (st->sets[i].kind == KS_DS && st->sets[i].keys == 0 && now < st->sets[i].until)
			return false;
	return true;
}

static int
history_make(struct proof *p, uint32_t ds_before, bool is_secure)
{
	int rc;

	if ((p->h = timeline_new()) == NULL)
		return -ENOMEM;
	timeline_strict_set(p->h, p->policy->strict_algorithms != POLICY_STRICT_NONE);
	rc = keys_add(p);
	for (size_t i = 0; i < p->st->n_sets && rc == 0; i++)
		rc = set_add(p, &p->st->sets[i]);
	if (rc == 0)
		rc = union_add(p, ds_before, p->st->ds_want);
	if (rc == 0 && is_secure)
		rc = timeline_secure_add(p->h, &(struct timeline_span){ p->now, TIME_NEVER });
	return rc;
}

/* --- the verdict --- */

static bool
was_bad(const struct timeline_verdict *before, const struct timeline_bad *b)
{
	for (size_t i = 0; i < before->n_merged; i++) {
		const struct timeline_bad *o = &before->merged[i];

		if (o->ill == b->ill && o->at.from <= b->at.from && o->at.until >= b->at.until)
			return true;
	}
	return false;
}

static bool
is_safe(const struct timeline_verdict *before, const struct timeline_verdict *after)
{
	for (size_t i = 0; i < after->n_merged; i++)
		if (!was_bad(before, &after->merged[i]))
			return false;
	return true;
}

static int
judge(struct proof *before, struct proof *after, struct findings *fs, bool *ret_safe)
{
	struct timeline_span window = { after->now, TIME_NEVER };
	struct timeline_verdict was = { 0 }, is = { 0 };
	int rc = timeline_check(after->h, window, &is);

	if (rc == 0)
		rc = timeline_check(before->h, window, &was);
	if (rc == 0) {
		*ret_safe = is_safe(&was, &is);
		timeline_report(after->h, &is, window, fs);
	}
	timeline_verdict_done(&was);
	timeline_verdict_done(&is);
	return rc;
}

int
zone_proof_step(const struct keystate *before, const struct keystate *after,
    const struct dnssec_policy *policy, int64_t now, struct findings *fs, bool *ret_safe)
{
	struct proof was = { .st = before, .policy = policy, .now = now };
	struct proof is = { .st = after, .policy = policy, .now = now };
	bool is_secure = secure(before, policy, now);
	int rc = history_make(&was, before->ds_want, is_secure);

	if (rc == 0)
		rc = history_make(&is, before->ds_want, is_secure);
	if (rc == 0)
		rc = judge(&was, &is, fs, ret_safe);
	was.h = timeline_free(was.h);
	is.h = timeline_free(is.h);
	return rc;
}
