/* Descriptions of mail worlds: one statement a line, blocks in braces (sekisho-lab-mail(5)). */
#include <errno.h>

#include "base/timefmt.h"
#include "lab/mail_internal.h"

struct reader {
	struct lab_mail		*w;
	const struct lab_opts	*opts;
	struct lab_error	*err;
	struct lab_mail_domain	*domain;	/* the open block; NULL: none */
	struct lab_mail_row	*row;		/* the same */
	size_t			 n_keys;
};

static int
fail(struct reader *r, const char *msg, struct sv word)
{
	r->err->msg = msg;
	r->err->word = word;
	return -EINVAL;
}

/* It is written into zone files, paths and configurations: nothing that means more there. */
static bool
name_ok(struct sv s)
{
	static const char bad[] = "\"'\\/;()$";
	struct dname name;

	for (size_t i = 0; i < sizeof(bad) - 1; i++)
		if (sv_find(s, bad[i]) < s.n)
			return false;
	return s.n > 0 && s.p[0] != '.' && mail_name(s, &name) == 0 && sv_graphic(s);
}

/* --- outside of all blocks --- */

static int
st_at(struct reader *r, struct sv rest)
{
	int64_t t;

	if (time_parse(rest, &t) < 0)
		return fail(r, N_("is no time; write 2026-11-21T09:30:00Z"), rest);
	if (!r->opts->now_given)
		r->w->now = t;
	return 0;
}

static int
st_seed(struct reader *r, struct sv rest)
{
	uint64_t n;

	if (num_u64(rest, 0, UINT64_MAX, &n) < 0)
		return fail(r, N_("is not a number in the allowed range"), rest);
	if (!r->opts->seed_given)
		r->w->seed = n;
	return 0;
}

/* "NAME {": the name. */
static int
block_open(struct reader *r, struct sv rest, struct sv *ret)
{
	struct sv name;

	if (!sv_word(&rest, &name) || !name_ok(name))
		return fail(r, N_("is no name; letters, digits, - and _ are allowed"), rest);
	if (!sv_eq(sv_trim(rest), SV("{")))
		return fail(r, N_("should be a { at the end of the line"), rest);
	*ret = name;
	return 0;
}

static int
st_domain(struct reader *r, struct sv rest)
{
	struct lab_mail_domain *d = pool_alloc(r->w->pool, sizeof(*d));
	int rc;

	if (d == NULL)
		return -ENOMEM;
	if ((rc = block_open(r, rest, &d->name)) < 0)
		return rc;
	if (lab_mail_domain_find(r->w, d->name) != NULL)
		return fail(r, N_("is there already"), d->name);
	d->records_tail = &d->records;
	*r->w->domains_tail = d;
	r->w->domains_tail = &d->next;
	r->domain = d;
	return 0;
}

static int
st_flow(struct reader *r, struct sv rest)
{
	struct lab_mail_row *f = pool_alloc(r->w->pool, sizeof(*f));
	int rc;

	if (f == NULL)
		return -ENOMEM;
	if ((rc = block_open(r, rest, &f->flow.label)) < 0)
		return rc;
	for (const struct lab_mail_row *o = r->w->rows; o != NULL; o = o->next)
		if (sv_eq(o->flow.label, f->flow.label))
			return fail(r, N_("is there already"), f->flow.label);
	if (r->w->n_rows == LAB_MAIL_ROWS_MAX)
		return fail(r, N_("is one too many"), f->flow.label);
	f->flow.weight = 1;
	f->steps_tail = &f->steps;
	*r->w->rows_tail = f;
	r->w->rows_tail = &f->next;
	r->w->n_rows++;
	r->row = f;
	return 0;
}

/* --- in a domain's block --- */

static int
record_add(struct reader *r, struct sv name, struct sv type, struct sv data)
{
	struct lab_mail_record *rec = pool_alloc(r->w->pool, sizeof(*rec));

	if (rec == NULL)
		return -ENOMEM;
	*rec = (struct lab_mail_record){ .name = name, .type = type, .data = data };
	*r->domain->records_tail = rec;
	r->domain->records_tail = &rec->next;
	return 0;
}

static int
st_spf(struct reader *r, struct sv rest)
{
	return record_add(r, SV("@"), SV("TXT"), rest);
}

static int
st_dmarc(struct reader *r, struct sv rest)
{
	return record_add(r, SV("_dmarc"), SV("TXT"), rest);
}

static int
st_record(struct reader *r, struct sv rest)
{
	struct sv name, type;

	if (!sv_word(&rest, &name) || !sv_word(&rest, &type) || sv_trim(rest).n == 0)
		return fail(r, N_("is written: record NAME TYPE DATA"), rest);
	if (!name_ok(name) && !sv_eq(name, SV("@")))
		return fail(r, N_("is no name; letters, digits, - and _ are allowed"), name);
	return record_add(r, name, type, sv_trim(rest));
}

static int
key_word(struct reader *r, struct lab_mail_key *k, struct sv word)
{
	const struct { const char *name; bool *to; } flags[] = {
		{ "absent", &k->is_absent }, { "revoked", &k->is_revoked }, { "testing", &k->is_testing },
	};

	for (size_t i = 0; i < ARRAY_LEN(flags); i++)
		if (sv_eq_str(word, flags[i].name)) {
			*flags[i].to = true;
			return 0;
		}
	if (sv_eq(word, SV("rsa")) || sv_eq(word, SV("ed25519"))) {
		k->alg = word.n == 3 ? 8 : 15;
		return 0;
	}
	return fail(r, N_("is written: key SELECTOR rsa|ed25519 [absent] [revoked] [testing]"),
	    word);
}

static int
st_key(struct reader *r, struct sv rest)
{
	struct lab_mail_key *k = pool_alloc(r->w->pool, sizeof(*k));
	struct sv word;
	int rc = 0;

	if (k == NULL)
		return -ENOMEM;
	k->domain = r->domain->name;
	if (!sv_word(&rest, &k->selector) || !name_ok(k->selector))
		return fail(r, N_("is no name; letters, digits, - and _ are allowed"), rest);
	while (rc == 0 && sv_word(&rest, &word))
		rc = key_word(r, k, word);
	if (rc == 0 && k->alg == 0)
		rc = fail(r,
		    N_("is written: key SELECTOR rsa|ed25519 [absent] [revoked] [testing]"),
		    k->selector);
	if (rc == 0 && lab_mail_key_find(r->w, k->domain, k->selector) != NULL)
		rc = fail(r, N_("is there already"), k->selector);
	if (rc == 0 && r->n_keys++ == LAB_MAIL_KEYS_MAX)
		rc = fail(r, N_("is one too many"), k->selector);
	if (rc < 0)
		return rc;
	*r->w->keys_tail = k;
	r->w->keys_tail = &k->next;
	return 0;
}

/* --- in a flow's block --- */

static int
st_from(struct reader *r, struct sv rest)
{
	r->row->from = rest;
	return 0;
}

static int
st_subject(struct reader *r, struct sv rest)
{
	r->row->subject = rest;
	return 0;
}

static int
st_client(struct reader *r, struct sv rest)
{
	struct ip_prefix *p = &r->row->flow.client;

	if (ip_prefix_parse_host(rest, p) < 0 || p->len != ip_bits(p->af))
		return fail(r, N_("is no address of a host"), rest);
	return 0;
}

static int
st_helo(struct reader *r, struct sv rest)
{
	if (!name_ok(rest))
		return fail(r, N_("is no name; letters, digits, - and _ are allowed"), rest);
	r->row->flow.helo = rest;
	return 0;
}

/* What an envelope has between angle brackets, in one word. */
static bool
address_ok(struct sv s)
{
	return s.n > 0 && sv_find(s, '@') < s.n && sv_find(s, ' ') == s.n && sv_find(s,
	    '\t') == s.n &&
	    sv_find(s, '<') == s.n && sv_find(s, '>') == s.n;
}

static int
st_sender(struct reader *r, struct sv rest)
{
	if (!sv_eq(rest, SV("<>")) && !address_ok(rest))
		return fail(r, N_("is no address; write alice@a.example, or <>"), rest);
	r->row->flow.sender = sv_eq(rest, SV("<>")) ? SV("") : rest;
	return 0;
}

static int
st_to(struct reader *r, struct sv rest)
{
	struct lab_mail_flow *f = &r->row->flow;

	if (!address_ok(rest))
		return fail(r, N_("is no address; write alice@a.example, or <>"), rest);
	if (f->n_to == LAB_MAIL_TO_MAX)
		return fail(r, N_("is one too many"), rest);
	f->to[f->n_to++] = rest;
	return 0;
}

static int
st_weight(struct reader *r, struct sv rest)
{
	if (num_u32(rest, 0, LAB_MAIL_WEIGHT_MAX, &r->row->flow.weight) < 0)
		return fail(r, N_("is not a number in the allowed range"), rest);
	return 0;
}

static int
expect_word(struct reader *r, struct sv word)
{
	struct lab_mail_expect *e = &r->row->flow.expect;
	const struct { const char *name; struct sv *to; } words[] = {
		{ "spf", &e->spf }, { "dkim", &e->dkim }, { "arc", &e->arc }, { "dmarc", &e->dmarc },
		{ "disposition", &e->disposition }, { "story", &e->story }, { "policy", &e->policy },
		{ "aligned", &e->aligned },
	};
	struct sv value = word, key = sv_cut(&value, '=');

	if (sv_eq(word, SV("refused")) || sv_eq(word, SV("accepted"))) {
		e->refused = word.p[0] == 'r';
		return 0;
	}
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (sv_eq_str(key, words[i].name)) {
			*words[i].to = value;
			return 0;
		}
	return fail(r, N_("is nothing that can be expected"), word);
}

static int
st_expect(struct reader *r, struct sv rest)
{
	struct sv word;
	int rc = 0;

	r->row->has_expect = true;
	while (rc == 0 && sv_word(&rest, &word))
		rc = expect_word(r, word);
	return rc;
}

/* --- lines --- */

enum place {
	OUTSIDE,
	IN_DOMAIN,
	IN_FLOW,
};

static const struct {
	enum place	 place;
	const char	*name;
	int		(*fn)(struct reader *, struct sv rest);
} statements[] = {
	{ OUTSIDE, "at", st_at },
	{ OUTSIDE, "seed", st_seed },
	{ OUTSIDE, "domain", st_domain },
	{ OUTSIDE, "flow", st_flow },
	{ IN_DOMAIN, "spf", st_spf },
	{ IN_DOMAIN, "dmarc", st_dmarc },
	{ IN_DOMAIN, "record", st_record },
	{ IN_DOMAIN, "key", st_key },
	{ IN_FLOW, "from", st_from },
	{ IN_FLOW, "subject", st_subject },
	{ IN_FLOW, "client", st_client },
	{ IN_FLOW, "helo", st_helo },
	{ IN_FLOW, "sender", st_sender },
	{ IN_FLOW, "to", st_to },
	{ IN_FLOW, "weight", st_weight },
	{ IN_FLOW, "expect", st_expect },
};

static int
step_line(struct reader *r, struct sv word, struct sv rest)
{
	const struct lab_mail_word *known = lab_mail_word_find(word);
	struct lab_mail_step *s;
	const char *msg;

	if (known == NULL)
		return fail(r, N_("is no statement; see sekisho-lab-mail(5)"), word);
	if (known->check != NULL && (msg = known->check(r->w, rest)) != NULL)
		return fail(r, msg, rest);
	if ((s = pool_alloc(r->w->pool, sizeof(*s))) == NULL)
		return -ENOMEM;
	*s = (struct lab_mail_step){ .fn = known->fn, .rest = rest };
	*r->row->steps_tail = s;
	r->row->steps_tail = &s->next;
	return 0;
}

/* A flow that lacks something would be a message that nobody can judge. */
static int
block_close(struct reader *r)
{
	struct lab_mail_row *f = r->row;
	const struct { const char *name; bool there; } needed[] = {
		{ "from", f == NULL || f->from.n > 0 }, { "client", f == NULL || f->flow.client.af != 0 },
		{ "to", f == NULL || f->flow.n_to > 0 }, { "helo", f == NULL || f->flow.helo.n > 0 },
		{ "sender", f == NULL || f->flow.sender.p != NULL }, { "expect", f == NULL || f->has_expect },
	};

	for (size_t i = 0; i < ARRAY_LEN(needed); i++)
		if (!needed[i].there)
			return fail(r, N_("is missing in this flow"), sv_str(needed[i].name));
	r->domain = NULL;
	r->row = NULL;
	return 0;
}

static int
line_read(struct reader *r, struct sv line)
{
	enum place place = r->domain != NULL ? IN_DOMAIN : r->row != NULL ? IN_FLOW : OUTSIDE;
	struct sv rest = sv_trim(line), word;

	if (rest.n == 0 || rest.p[0] == '#' || !sv_word(&rest, &word))
		return 0;
	rest = sv_trim(rest);
	if (sv_eq(word, SV("}")) && place != OUTSIDE && rest.n == 0)
		return block_close(r);
	for (size_t i = 0; i < ARRAY_LEN(statements); i++)
		if (statements[i].place == place && sv_eq_str(word, statements[i].name))
			return rest.n == 0 ? fail(r, N_("has too many or too few words"), word) :
			    statements[i].fn(r, rest);
	return place == IN_FLOW ? step_line(r, word, rest) : fail(r,
	    N_("is no statement; see sekisho-lab-mail(5)"), word);
}

static int
lines_read(struct reader *r, struct sv text)
{
	struct sv line;
	int rc = 0;

	while (rc == 0 && sv_line(&text, &line)) {
		r->err->line++;
		rc = line_read(r, line);
	}
	if (rc == 0 && (r->domain != NULL || r->row != NULL))
		rc = fail(r, N_("is not closed with }"), r->domain != NULL ? r->domain->name :
		    r->row->flow.label);
	if (rc == 0 && r->w->n_rows == 0)
		rc = fail(r, N_("has no flow"), SV(""));
	return rc;
}

static int
index_make(struct lab_mail *w)
{
	size_t i = 0;

	if ((w->index = pool_calloc(w->pool, w->n_rows, sizeof(*w->index))) == NULL)
		return -ENOMEM;
	for (const struct lab_mail_row *f = w->rows; f != NULL; f = f->next)
		w->index[i++] = f;
	return 0;
}

int
lab_mail_parse(struct sv text, const struct lab_opts *opts, struct lab_error *err,
    struct lab_mail **ret)
{
	_cleanup_(pool_freep) struct pool *pool = pool_new(LAB_MAIL_POOL_MAX);
	struct lab_mail *w = pool == NULL ? NULL : pool_alloc(pool, sizeof(*w));
	struct reader r = { .w = w, .opts = opts, .err = err };
	int rc;

	if (w == NULL)
		return -ENOMEM;
	w->pool = pool;
	w->now = opts->now;
	w->seed = opts->seed;
	w->domains_tail = &w->domains;
	w->keys_tail = &w->keys;
	w->rows_tail = &w->rows;
	w->text = text.n == 0 ? lab_mail_builtin() : text;
	if ((rc = lines_read(&r, w->text)) < 0 || (rc = index_make(w)) < 0)
		return rc;
	pool = NULL;
	*ret = w;
	return 0;
}
