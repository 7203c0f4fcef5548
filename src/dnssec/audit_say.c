/* What is said: groups of equal causes, counts, and findings of them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dnssec/audit_internal.h"

#define F FINDING_ROW_
const struct finding_def audit_rows[AUDIT_CODE_MAX] = {
#include "dnssec/audit_findings.def"
};
#undef F

void
sink_init(struct sink *s)
{
	*s = (struct sink){ .first_expiry = INT64_MAX, .last_inception = INT64_MIN };
}

void
sink_done(struct sink *s)
{
	free(s->groups);
	free(s->hashes);
	s->groups = NULL;
	s->hashes = NULL;
}

static bool
same_cause(const struct audit_group *g, const struct cause *c)
{
	return g->code == c->code && g->type == c->type && g->alg == c->alg && g->tag == c->tag &&
	    g->has_type == c->has_type && g->has_key == c->has_key && g->has_alg == c->has_alg;
}

static struct audit_group *
group_find(struct sink *s, const struct cause *c)
{
	for (size_t i = 0; i < s->n_groups; i++)
		if (same_cause(&s->groups[i], c))
			return &s->groups[i];
	return NULL;
}

/* Room doubles from first on. */
static bool
grow(struct sink *s, void *ret_p, size_t *cap, size_t n, size_t size, size_t first)
{
	size_t cap2 = *cap == 0 ? first : *cap * 2;
	void **p = ret_p, *q;

	if (n < *cap)
		return true;
	if ((q = reallocarray(*p, cap2, size)) == NULL) {
		s->rc = -ENOMEM;
		return false;
	}
	*p = q;
	*cap = cap2;
	return true;
}

/* Strangers' types and tags could make any number of groups: then the code alone is one. */
static struct audit_group *
group_for(struct sink *s, struct cause c)
{
	struct audit_group *g = group_find(s, &c);

	if (g == NULL && s->n_groups >= AUDIT_GROUPS_MAX) {
		c.type = c.tag = c.alg = 0;
		c.has_type = c.has_key = c.has_alg = false;
		g = group_find(s, &c);
	}
	if (g != NULL)
		return g;
	if (!grow(s, &s->groups, &s->cap_groups, s->n_groups, sizeof(*s->groups), 4))
		return NULL;
	g = &s->groups[s->n_groups++];
	*g = (struct audit_group){ .code = c.code, .type = c.type, .tag = c.tag, .alg = c.alg,
	    .has_type = c.has_type, .has_key = c.has_key, .has_alg = c.has_alg,
	    .values = c.values };
	return g;
}

void
sink_say(struct sink *s, const struct cause *c, const struct dname *name)
{
	struct audit_group *g = group_for(s, *c);

	if (g == NULL)
		return;
	g->n++;
	if (g->n_examples < AUDIT_EXAMPLES)
		g->example[g->n_examples++] = (struct audit_example){ .name = *name,
		    .is = c->is, .wanted = c->wanted };
}

static struct audit_type_count *
type_count(struct type_counts *c, uint16_t type)
{
	size_t i = c->n;

	while (i > 0 && c->t[i - 1].type > type)
		i--;
	if (i > 0 && c->t[i - 1].type == type)
		return &c->t[i - 1];
	if (c->n >= AUDIT_TYPES_MAX - 1 && type != 0)
		return type_count(c, 0);
	memmove(&c->t[i + 1], &c->t[i], (c->n - i) * sizeof(c->t[0]));
	c->n++;
	c->t[i] = (struct audit_type_count){ .type = type };
	return &c->t[i];
}

void
sink_count(struct sink *s, uint16_t type, unsigned n_sigs)
{
	struct audit_type_count *t = type_count(&s->types, type);

	t->n_rrsets++;
	t->n_sigs += n_sigs;
}

void
sink_hash(struct sink *s, const uint8_t hash[static NSEC3_HASH_LEN])
{
	if (!grow(s, &s->hashes, &s->cap_hashes, s->n_hashes, sizeof(*s->hashes), 64))
		return;
	memcpy(s->hashes[s->n_hashes++], hash, NSEC3_HASH_LEN);
}

static void
group_merge(struct sink *dst, const struct audit_group *g)
{
	struct cause c = { .code = g->code, .type = g->type, .tag = g->tag, .alg = g->alg,
	    .has_type = g->has_type, .has_key = g->has_key, .has_alg = g->has_alg,
	    .values = g->values };
	struct audit_group *to = group_for(dst, c);

	if (to == NULL)
		return;
	to->n += g->n;
	for (unsigned i = 0; i < g->n_examples && to->n_examples < AUDIT_EXAMPLES; i++)
		to->example[to->n_examples++] = g->example[i];
}

static void
times_merge(struct sink *dst, const struct sink *src)
{
	dst->last_inception = max_i64(dst->last_inception, src->last_inception);
	if (src->first_expiry >= dst->first_expiry)
		return;
	dst->first_expiry = src->first_expiry;
	dst->first_name = src->first_name;
	dst->first_type = src->first_type;
}

static void
counts_merge(struct audit_counts *dst, const struct audit_counts *src)
{
	dst->n_names += src->n_names;
	dst->n_delegations += src->n_delegations;
	dst->n_secure += src->n_secure;
	dst->n_glue += src->n_glue;
	dst->n_ents += src->n_ents;
	dst->n_sigs += src->n_sigs;
	dst->n_optout += src->n_optout;
}

void
sink_merge(struct sink *dst, const struct sink *src)
{
	for (size_t i = 0; i < src->n_groups; i++)
		group_merge(dst, &src->groups[i]);
	for (size_t i = 0; i < src->n_hashes; i++)
		sink_hash(dst, src->hashes[i]);
	for (size_t i = 0; i < src->types.n; i++) {
		struct audit_type_count *t = type_count(&dst->types, src->types.t[i].type);

		t->n_rrsets += src->types.t[i].n_rrsets;
		t->n_sigs += src->types.t[i].n_sigs;
	}
	for (size_t i = 0; i < AUDIT_KEYS_MAX; i++)
		dst->key_sigs[i] += src->key_sigs[i];
	counts_merge(&dst->counts, &src->counts);
	times_merge(dst, src);
	dst->n_matched += src->n_matched;
	dst->n_beside += src->n_beside;
	dst->signs_dnskey |= src->signs_dnskey;
	dst->tried_dnskey |= src->tried_dnskey;
	dst->signs_cds |= src->signs_cds;
	dst->signs_cdnskey |= src->signs_cdnskey;
	dst->again |= src->again;
	if (dst->rc == 0)
		dst->rc = src->rc;
}

static int
group_cmp(const void *pa, const void *pb)
{
	const struct audit_group *a = pa, *b = pb;
	int d = (int)audit_rows[b->code].severity - (int)audit_rows[a->code].severity;

	if (d != 0)
		return d;
	if (a->n != b->n)
		return a->n < b->n ? 1 : -1;
	if (a->code != b->code)
		return (int)a->code - (int)b->code;
	return a->type != b->type ? a->type - b->type : a->tag - b->tag;
}

void
sink_sort(struct sink *s)
{
	if (s->n_groups > 1)
		qsort(s->groups, s->n_groups, sizeof(*s->groups), group_cmp);
}

/* --- findings --- */

static void
names_print(struct buf *b, const struct audit_group *g)
{
	char text[DNAME_STRLEN];

	for (unsigned i = 0; i < g->n_examples; i++) {
		buf_str(b, i == 0 ? "" : ", ");
		buf_str(b, dname_str(&g->example[i].name, text));
	}
	if (g->n > g->n_examples)
		buf_str(b, ", …");
}

/* Names, with what they have in common. */
static void
group_finding(const struct audit_group *g, struct findings *fs)
{
	struct buf names = BUF_INIT, key = BUF_INIT;
	char type[RRTYPE_STRLEN], first[DNAME_STRLEN];
	struct farg args[FARG_PER_FINDING_MAX];
	unsigned n = 0;

	names_print(&names, g);
	args[n++] = FA_U("count", g->n);
	args[n++] = FA_SV("names", buf_get(&names));
	if (g->has_type)
		args[n++] = FA_STR("type", rrtype_str(g->type, type));
	if (g->has_key || g->has_alg) {
		buf_u64(&key, g->alg);
		if (g->has_key)
			buf_printf(&key, "/%u", g->tag);
		args[n++] = FA_SV("key", buf_get(&key));
	}
	if (g->values == AUDIT_TIME)
		args[n++] = FA_TIME("is", (int64_t)g->example[0].is);
	else if (g->values != AUDIT_NO_VALUE)
		args[n++] = FA_U("is", g->example[0].is);
	if (g->values == AUDIT_NUMBERS)
		args[n++] = FA_U("wanted", g->example[0].wanted);
	fs->subject = sv_str(dname_str(&g->example[0].name, first));
	finding_add_args(fs, &audit_rows[g->code], args, n);
	buf_done(&names);
	buf_done(&key);
}

void
audit_findings(const struct audit_result *r, struct findings *fs)
{
	struct sv subject = fs->subject;

	for (size_t i = 0; i < r->n_groups; i++)
		group_finding(&r->groups[i], fs);
	fs->subject = subject;
}

bool
audit_has(const struct audit_result *r, enum audit_code code)
{
	for (size_t i = 0; i < r->n_groups; i++)
		if (r->groups[i].code == code)
			return true;
	return false;
}

const char *
audit_state_str(enum audit_state s)
{
	static const char *const names[AUDIT_STATE_MAX] = {
		[AUDIT_UNSIGNED] = "unsigned",
		[AUDIT_GOOD] = "good",
		[AUDIT_BAD] = "bad",
		[AUDIT_AGAIN] = "again",
	};

	return s < AUDIT_STATE_MAX ? names[s] : "?";
}
