/* A DMARC policy record: RFC 9989 sections 4.7 and 4.8. */
#include <errno.h>

#include "mail/dmarc_internal.h"

#define F FINDING_ROW_
const struct finding_def dmarc_findings[DMARC_CODE_MAX] = {
#include "mail/dmarc_findings.def"
};
#undef F

static const char *const policies[DMARC_POLICY_MAX] = { "none", "quarantine", "reject" };
static const char *const policy_tags[DMARC_TAG_MAX] = { "p", "sp", "np" };

const char *
dmarc_policy_name(enum dmarc_policy p)
{
	return p < DMARC_POLICY_MAX ? policies[p] : "?";
}

const char *
dmarc_tag_name(enum dmarc_tag t)
{
	return t < DMARC_TAG_MAX ? policy_tags[t] : "?";
}

struct reading {
	struct pool		*pool;
	struct findings		*fs;
	struct dmarc_record	*r;
	unsigned		 n_odd;		/* parts that are no tags of ours */
};

/* A tag's reader: 0; -EINVAL: no value of this tag; -ENOMEM. arg is the table's. */
typedef int (*tag_fn)(struct reading *, struct sv value, unsigned arg);

/* Index of the word among n, letter case free; n: none. */
static unsigned
word_find(struct sv value, const char *const *words, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (sv_caseeq(value, sv_str(words[i])))
			return i;
	return n;
}

static int
tag_policy(struct reading *g, struct sv value, unsigned arg)
{
	unsigned i = word_find(value, policies, DMARC_POLICY_MAX);

	g->r->has |= 1u << arg;
	if (i == DMARC_POLICY_MAX)
		g->r->bad |= 1u << arg;
	else
		g->r->says[arg] = i;
	return 0;			/* told of together, where all are known */
}

/* One of two letters; arg: the field that the second of them sets. */
static const struct two {
	const char	*words[2];
	size_t		 field;
} twos[] = {
	{ { "r", "s" }, offsetof(struct dmarc_record, strict_dkim) },
	{ { "r", "s" }, offsetof(struct dmarc_record, strict_spf) },
	{ { "n", "y" }, offsetof(struct dmarc_record, testing) },
};

static int
tag_two(struct reading *g, struct sv value, unsigned arg)
{
	unsigned i = word_find(value, twos[arg].words, 2);

	if (i == 2)
		return -EINVAL;
	*(bool *)((char *)g->r + twos[arg].field) = i == 1;
	return 0;
}

static int
tag_psd(struct reading *g, struct sv value, unsigned arg UNUSED)
{
	static const char *const words[] = { "u", "y", "n" };
	unsigned i = word_find(value, words, ARRAY_LEN(words));

	if (i == ARRAY_LEN(words))
		return -EINVAL;
	g->r->psd = i;
	return 0;
}

/* "each may appear at most once", and 0 and 1 are mutually exclusive. */
static int
tag_fo(struct reading *g, struct sv value, unsigned arg UNUSED)
{
	static const char *const words[] = { "0", "1", "d", "s" };
	unsigned fo = 0;

	for (bool more = true; more;) {
		more = sv_find(value, ':') < value.n;
		unsigned i = word_find(sv_cut(&value, ':'), words, ARRAY_LEN(words));

		if (i == ARRAY_LEN(words) || (fo & 1u << i) != 0)
			return -EINVAL;
		fo |= 1u << i;
	}
	if ((fo & DMARC_FO_ALL) != 0 && (fo & DMARC_FO_ANY) != 0)
		return -EINVAL;
	g->r->fo = fo;
	return 0;
}

static int
tag_rua(struct reading *g, struct sv value, unsigned arg UNUSED)
{
	return dmarc_uris_parse(g->pool, SV("rua"), value, g->fs, &g->r->rua, &g->r->n_rua,
	    &g->r->has_uri);
}

static int
tag_ruf(struct reading *g, struct sv value, unsigned arg UNUSED)
{
	bool is_uri;

	return dmarc_uris_parse(g->pool, SV("ruf"), value, g->fs, &g->r->ruf, &g->r->n_ruf, &is_uri);
}

/* RFC 7489's: pct is kept, as its readers draw lots by it; of the others it is said that they are gone. */
static int
tag_removed(struct reading *g, struct sv value, unsigned arg)
{
	if (arg != 0 && num_u32(value, 0, 100, &g->r->pct) == 0)
		g->r->has_pct = true;
	return 0;
}

static const struct tag_def {
	const char	*name;
	tag_fn		 read;
	unsigned	 arg;
	bool		 is_removed;
} tags[] = {
	{ "p", tag_policy, DMARC_P, false },
	{ "sp", tag_policy, DMARC_SP, false },
	{ "np", tag_policy, DMARC_NP, false },
	{ "adkim", tag_two, 0, false },
	{ "aspf", tag_two, 1, false },
	{ "t", tag_two, 2, false },
	{ "psd", tag_psd, 0, false },
	{ "fo", tag_fo, 0, false },
	{ "rua", tag_rua, 0, false },
	{ "ruf", tag_ruf, 0, false },
	{ "pct", tag_removed, 1, true },
	{ "rf", tag_removed, 0, true },
	{ "ri", tag_removed, 0, true },
	{ "v", NULL, 0, false },	/* the first is taken off before: any other is one too many */
};

struct part {
	struct sv	text, name, value;
};

/* The next part between ";", cut at its "=". 1; 0: the end; -EINVAL: no tag. */
static int
part_next(struct sv *rest, struct part *ret)
{
	struct part p;

	do {
		if (rest->n == 0)
			return 0;
		p.text = sv_trim(sv_cut(rest, ';'));
	} while (p.text.n == 0);
	p.value = p.text;
	p.name = sv_trim(sv_cut(&p.value, '='));
	p.value = sv_trim(p.value);
	*ret = p;
	if (sv_find(p.text, '=') == p.text.n || p.name.n == 0 || p.value.n == 0)
		return -EINVAL;
	for (size_t i = 0; i < p.value.n; i++)
		if (p.value.p[i] < 0x20 || p.value.p[i] > 0x7e)
			return -EINVAL;
	return 1;
}

static unsigned
tag_find(struct sv name)
{
	for (unsigned i = 0; i < ARRAY_LEN(tags); i++)
		if (sv_eq_str(name, tags[i].name))
			return i;
	return ARRAY_LEN(tags);
}

bool
dmarc_record_is(struct sv text)
{
	struct sv value = sv_cut(&text, ';'), name = sv_cut(&value, '=');

	/* dmarc-version = "v" equals %s"DMARC1": nothing stands before it; case counts in the value only */
	return name.n > 0 && (name.p[0] | 0x20) == 'v' && sv_trim(name).n == 1 && sv_eq(sv_trim(value), SV("DMARC1"));
}

static void
tag_twice(struct reading *g, unsigned i)
{
	finding_add(g->fs, &dmarc_findings[DMARC_TAG_TWICE], FA_STR("tag", tags[i].name));
	if (tags[i].read == tag_policy) {
		g->r->has |= 1u << tags[i].arg;
		g->r->bad |= 1u << tags[i].arg;
	}
}

static int
tag_read(struct reading *g, unsigned i, struct sv value)
{
	int rc;

	if (tags[i].is_removed)
		finding_add(g->fs, &dmarc_findings[DMARC_TAG_REMOVED], FA_STR("tag", tags[i].name));
	rc = tags[i].read(g, value, tags[i].arg);
	if (rc != -EINVAL)
		return rc;
	finding_add(g->fs, &dmarc_findings[DMARC_TAG_VALUE], FA_STR("tag", tags[i].name),
	    FA_SV("value", value));
	return 0;
}

/* A part that is no tag, yet begins like one of the policies, is a policy that is not valid. */
static void
part_bad(struct reading *g, const struct part *p)
{
	unsigned i = tag_find(p->name);

	if (g->n_odd++ < DMARC_ODD_MAX)
		finding_add(g->fs, &dmarc_findings[DMARC_TAG_SYNTAX], FA_SV("text", p->text));
	if (i < ARRAY_LEN(tags) && tags[i].read == tag_policy)
		(void)tag_policy(g, (struct sv){ "", 0 }, tags[i].arg);
}

static void
part_unknown(struct reading *g, const struct part *p)
{
	if (g->n_odd++ < DMARC_ODD_MAX)
		finding_add(g->fs, &dmarc_findings[DMARC_TAG_UNKNOWN], FA_SV("tag", p->name));
}

static void
parts_count(struct sv rest, unsigned count[static ARRAY_LEN(tags) + 1])
{
	struct part p;
	int rc;

	while ((rc = part_next(&rest, &p)) != 0)
		if (rc > 0)
			count[tag_find(p.name)]++;
	count[tag_find(SV("v"))]++;		/* the first of all */
}

static int
parts_read(struct reading *g, struct sv rest)
{
	unsigned count[ARRAY_LEN(tags) + 1] = { 0 }, told = 0;
	struct part p;
	int rc;

	parts_count(rest, count);
	while ((rc = part_next(&rest, &p)) != 0) {
		unsigned i = tag_find(p.name);

		if (rc < 0)
			part_bad(g, &p);
		else if (i == ARRAY_LEN(tags))
			part_unknown(g, &p);
		else if (count[i] == 1 && (rc = tag_read(g, i, p.value)) < 0)
			return rc;
		else if (count[i] > 1 && (told & 1u << i) == 0) {
			tag_twice(g, i);
			told |= 1u << i;
		}
	}
	return 0;
}

/* Which of the policies is not what it should be, if p has to be there. */
static unsigned
policies_bad(const struct dmarc_record *r)
{
	return r->bad | (~r->has & 1u << DMARC_P);
}

static void
policies_check(const struct dmarc_record *r, struct findings *fs)
{
	for (unsigned t = 0; t < DMARC_TAG_MAX; t++)
		if ((policies_bad(r) & 1u << t) != 0) {
			finding_add(fs, &dmarc_findings[r->has_uri ? DMARC_P_NONE : DMARC_P_VOID],
			    FA_STR("tag", policy_tags[t]));
			return;
		}
}

int
dmarc_record_parse(struct pool *pool, struct sv text, struct findings *fs, struct dmarc_record **ret)
{
	struct dmarc_record *r;
	struct reading g = { .pool = pool, .fs = fs };
	int rc;

	if (!dmarc_record_is(text)) {
		*ret = NULL;
		return 0;
	}
	r = g.r = pool_calloc(pool, 1, sizeof(*r));
	if (r == NULL)
		return -ENOMEM;
	r->text = text;
	r->fo = DMARC_FO_ALL;
	(void)sv_cut(&text, ';');
	if ((rc = parts_read(&g, text)) < 0)
		return rc;
	policies_check(r, fs);
	if (r->psd == DMARC_PSD_YES && r->n_ruf > 0) {
		finding_add0(fs, &dmarc_findings[DMARC_PSD_RUF]);
		r->n_ruf = 0;
	}
	*ret = r;
	return 0;
}

bool
dmarc_record_policy(const struct dmarc_record *r, enum dmarc_tag want, bool legacy,
    enum dmarc_policy *ret, enum dmarc_tag *ret_tag)
{
	unsigned bad = policies_bad(r);

	if (legacy)
		bad &= ~(1u << DMARC_NP);
	if (bad != 0) {
		*ret = DMARC_POLICY_NONE;
		*ret_tag = DMARC_P;
		return r->has_uri;
	}
	/* np is there, or else sp is, or else p. */
	while (want != DMARC_P && ((r->has & ~r->bad) & 1u << want) == 0)
		want--;
	*ret = r->says[want];
	*ret_tag = want;
	return true;
}
