/* Descriptions: one statement a line, CAs in braces (sekisho-lab(5)). */
#include <errno.h>
#include <stdlib.h>

#include "base/timefmt.h"
#include "lab/internal.h"

struct parser {
	struct lab_world	*w;
	struct lab_ca		*ca;		/* the open block; NULL: outside */
	struct lab_error	*err;
	struct sv		*words;
	size_t			 n_words;
};

static int
fail(struct parser *p, const char *msg, struct sv word)
{
	p->err->msg = msg;
	p->err->word = word;
	return -EINVAL;
}

static const char *
dup_word(struct parser *p, struct sv word)
{
	return pool_sv(p->w->pool, word).p;
}

/* "-1h", "+30d" from now on, or a time. */
static int
time_word(struct parser *p, struct sv word, int64_t *ret)
{
	static const struct { char unit; int64_t sec; } units[] = {
		{ 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 },
		{ 'w', 7 * 86400 }, { 'y', 365 * 86400 },
	};
	struct sv num = word;
	bool past = word.n > 0 && word.p[0] == '-';
	uint32_t n;

	if (time_parse(word, ret) == 0)
		return 0;
	if (word.n > 0 && (past || word.p[0] == '+'))
		num = sv_skip(num, 1);
	if (num.n < 2 || num_u32(sv_take(num, num.n - 1), 0, 1000000, &n) < 0)
		return fail(p, N_("is not a time; write -1h, +30d or 2026-11-21T09:30:00Z"), word);
	for (size_t i = 0; i < ARRAY_LEN(units); i++)
		if (units[i].unit == num.p[num.n - 1]) {
			*ret = p->w->now + (past ? -1 : 1) * units[i].sec * (int64_t)n;
			return 0;
		}
	return fail(p, N_("has no known unit; s, m, h, d, w and y are known"), word);
}

static int
span_words(struct parser *p, int64_t ret[static 2])
{
	int rc;

	if ((rc = time_word(p, p->words[1], &ret[0])) < 0 ||
	    (rc = time_word(p, p->words[2], &ret[1])) < 0)
		return rc;
	return 0;
}

/* --- statements --- */

/* "from N" and "until N" at the end of a statement: its steps. */
static int
step_word(struct parser *p, struct sv key, struct sv word, uint32_t *from, uint32_t *until)
{
	uint32_t n;

	if (num_u32(word, 0, LAB_STEPS_MAX, &n) < 0)
		return fail(p, N_("is not a number in the allowed range"), word);
	if (sv_eq(key, SV("from")))
		*from = n;
	else
		*until = n;
	return 0;
}

static int
step_words(struct parser *p, uint32_t *from, uint32_t *until)
{
	int rc;

	while (p->n_words >= 3) {
		struct sv key = p->words[p->n_words - 2];

		if (!sv_eq(key, SV("from")) && !sv_eq(key, SV("until")))
			break;
		if ((rc = step_word(p, key, p->words[p->n_words - 1], from, until)) < 0)
			return rc;
		p->n_words -= 2;
	}
	return *from < *until ? 0 : fail(p, N_("ends before it begins"), p->words[0]);
}

static int
st_at(struct parser *p)
{
	int64_t t;

	if (p->w->cas != NULL)
		return fail(p, N_("has to come before the first trust anchor"), p->words[0]);
	if (time_parse(p->words[1], &t) < 0)
		return fail(p, N_("is not a time; write -1h, +30d or 2026-11-21T09:30:00Z"),
		    p->words[1]);
	if (!p->w->opts.now_given)
		p->w->now = t;
	return 0;
}

static int
st_host(struct parser *p)
{
	if (!lab_label_ok(p->words[1], true))
		return fail(p, N_("is no name; letters, digits, - and _ are allowed"), p->words[1]);
	p->w->host = dup_word(p, p->words[1]);
	return p->w->host == NULL ? -ENOMEM : 0;
}

static int
st_seed(struct parser *p)
{
	uint64_t n;

	if (num_u64(p->words[1], 0, UINT64_MAX, &n) < 0)
		return fail(p, N_("is not a number in the allowed range"), p->words[1]);
	if (!p->w->opts.seed_given)
		p->w->seed = n;
	return 0;
}

static int
ca_open(struct parser *p)
{
	uint32_t from = 0, until = LAB_STEP_NEVER;
	struct lab_ca *ca;
	const char *name;
	int rc;

	if (!lab_label_ok(p->words[1], false))
		return fail(p, N_("is no name; letters, digits, - and _ are allowed"), p->words[1]);
	if (!sv_eq(p->words[--p->n_words], SV("{")))
		return fail(p, N_("should be a { at the end of the line"), p->words[p->n_words]);
	if ((rc = step_words(p, &from, &until)) < 0)
		return rc;
	if (p->n_words != 2)
		return fail(p, N_("has too many or too few words"), p->words[0]);
	if (p->ca != NULL && p->ca->depth + 1 >= LAB_DEPTH_MAX)
		return fail(p, N_("is nested too deep"), p->words[1]);
	if ((name = dup_word(p, p->words[1])) == NULL ||
	    (ca = lab_ca_new(p->w, p->ca, name)) == NULL)
		return -ENOMEM;
	ca->word = p->words[1];
	ca->cert->from = from;
	ca->cert->until = until;
	p->ca = ca;
	return 0;
}

static int
st_close(struct parser *p)
{
	p->ca = p->ca->parent;
	return 0;
}

static int
st_resources(struct parser *p)
{
	for (size_t i = 1; i < p->n_words; i++) {
		int rc = lab_res_word(p->w->pool, &p->ca->cert->res, p->words[i]);

		if (rc == -EINVAL)
			return fail(p, N_("is no prefix, address range, AS number or AS range"),
			    p->words[i]);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int
st_valid(struct parser *p)
{
	return span_words(p, p->ca->valid);
}

static int
st_manifest(struct parser *p)
{
	return span_words(p, p->ca->mft_time);
}

static int
st_crl(struct parser *p)
{
	return span_words(p, p->ca->crl_time);
}

static int
st_number(struct parser *p)
{
	if (num_u64(p->words[1], 0, UINT64_MAX, &p->ca->number) < 0)
		return fail(p, N_("is not a number in the allowed range"), p->words[1]);
	return 0;
}

/* This CA and those below it publish there. */
static int
st_server(struct parser *p)
{
	struct lab_server *s;

	if (!lab_label_ok(p->words[1], true))
		return fail(p, N_("is no name; letters, digits, - and _ are allowed"), p->words[1]);
	if ((s = lab_server_get(p->w, p->words[1])) == NULL)
		return p->w->n_servers == LAB_SERVERS_MAX ?
		    fail(p, N_("is one server too many"), p->words[1]) : -ENOMEM;
	s->named = true;
	p->ca->server = s;
	return 0;
}

static int
st_children(struct parser *p)
{
	if (num_u32(p->words[1], 1, LAB_CHILDREN_MAX, &p->ca->n_children) < 0)
		return fail(p, N_("is not a number in the allowed range"), p->words[1]);
	if (p->n_words == 3 && !sv_eq(p->words[2], SV("apart")))
		return fail(p, N_("should be \"apart\" or nothing"), p->words[2]);
	p->ca->children_apart = p->n_words == 3;
	return 0;
}

static int
st_steps(struct parser *p)
{
	return num_u32(p->words[1], 0, LAB_STEPS_MAX, &p->w->n_steps) < 0 ?
	    fail(p, N_("is not a number in the allowed range"), p->words[1]) : 0;
}

static int
st_churn(struct parser *p)
{
	return num_u32(p->words[1], 0, 1000, &p->w->churn) < 0 ?
	    fail(p, N_("is not a number in the allowed range"), p->words[1]) : 0;
}

/* A span, as a time from now on. */
static int
st_every(struct parser *p)
{
	int64_t t;
	int rc = time_word(p, p->words[1], &t);

	if (rc < 0)
		return rc;
	if (t <= p->w->now || t - p->w->now > 366 * 86400)
		return fail(p, N_("is not a number in the allowed range"), p->words[1]);
	p->w->every = t - p->w->now;
	return 0;
}

static int
st_rrdp(struct parser *p)
{
	if (sv_eq(p->words[1], SV("none"))) {
		p->ca->notify = "";
		return 0;
	}
	if (!sv_starts(p->words[1], SV("https://")))
		return fail(p, N_("should begin with https://"), p->words[1]);
	p->ca->notify = dup_word(p, p->words[1]);
	return p->ca->notify == NULL ? -ENOMEM : 0;
}

/* Trailing "name LABEL", "from N" and "until N" are taken off the words. */
static int
label_words(struct parser *p, struct lab_obj *o)
{
	int rc = step_words(p, &o->from, &o->until);
	size_t n = p->n_words;

	if (rc < 0 || n < 3 || !sv_eq(p->words[n - 2], SV("name")))
		return rc;
	if (!lab_label_ok(p->words[n - 1], false))
		return fail(p, N_("is no name; letters, digits, - and _ are allowed"),
		    p->words[n - 1]);
	o->label = dup_word(p, p->words[n - 1]);
	p->n_words -= 2;
	return o->label == NULL ? -ENOMEM : 0;
}

static int
asn_word(struct parser *p, struct sv word, uint32_t *ret)
{
	return asn_parse(word, ret) < 0 ? fail(p, N_("is no AS number"), word) : 0;
}

/* "192.0.2.0/24" or "192.0.2.0/24-26". */
static int
roa_word(struct parser *p, struct sv word, struct roa_entry *ret)
{
	struct sv max = word, px = sv_cut(&max, '-');
	uint32_t n;

	if (ip_prefix_parse(px, &ret->px) < 0)
		return fail(p, N_("is no prefix; write 192.0.2.0/24 or 192.0.2.0/24-26"), word);
	ret->max_len = ret->px.len;
	if (max.n == 0)
		return 0;
	if (num_u32(max, ret->px.len, ip_bits(ret->px.af), &n) < 0)
		return fail(p, N_("has an impossible maximum length"), word);
	ret->max_len = (uint8_t)n;
	return 0;
}

static int
st_roa(struct parser *p)
{
	struct lab_obj *o = lab_obj_new(p->w, p->ca, LAB_ROA);
	int rc;

	if (o == NULL)
		return -ENOMEM;
	if ((rc = label_words(p, o)) < 0 || (rc = asn_word(p, p->words[1], &o->asn)) < 0)
		return rc;
	if (p->n_words < 3)
		return fail(p, N_("needs at least one prefix"), p->words[0]);
	o->n_pfx = p->n_words - 2;
	if ((o->pfx = pool_calloc(p->w->pool, o->n_pfx, sizeof(o->pfx[0]))) == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < o->n_pfx; i++)
		if ((rc = roa_word(p, p->words[i + 2], &o->pfx[i])) < 0)
			return rc;
	qsort(o->pfx, o->n_pfx, sizeof(o->pfx[0]), lab_roa_entry_cmp);
	return 0;
}

static int
u32_cmp(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static int
st_aspa(struct parser *p)
{
	struct lab_obj *o = lab_obj_new(p->w, p->ca, LAB_ASPA);
	int rc;

	if (o == NULL)
		return -ENOMEM;
	if ((rc = label_words(p, o)) < 0 || (rc = asn_word(p, p->words[1], &o->asn)) < 0)
		return rc;
	if (p->n_words < 3)
		return fail(p, N_("needs at least one provider, AS0 for none"), p->words[0]);
	o->n_providers = p->n_words - 2;
	o->providers = pool_calloc(p->w->pool, o->n_providers, sizeof(o->providers[0]));
	if (o->providers == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < o->n_providers; i++)
		if ((rc = asn_word(p, p->words[i + 2], &o->providers[i])) < 0)
			return rc;
	qsort(o->providers, o->n_providers, sizeof(o->providers[0]), u32_cmp);
	return 0;
}

static int
st_gbr(struct parser *p)
{
	struct lab_obj *o = lab_obj_new(p->w, p->ca, LAB_GBR);

	if (o == NULL)
		return -ENOMEM;
	return label_words(p, o);
}

/* The others are trust anchors, too, of which the text may tell later. */
static int
st_tak(struct parser *p)
{
	static const char *const keys[LAB_TAK_KEYS] = {
		[LAB_TAK_PREDECESSOR] = "predecessor", [LAB_TAK_SUCCESSOR] = "successor",
	};
	struct lab_obj *o;
	int rc;

	if (p->ca->parent != NULL)
		return fail(p, N_("belongs inside a trust anchor's block"), p->words[0]);
	if ((o = lab_tak_new(p->w, p->ca)) == NULL)
		return -ENOMEM;
	if ((rc = label_words(p, o)) < 0)
		return rc;
	o->tak->line = p->err->line;
	for (size_t i = 1; i < p->n_words; i += 2) {
		size_t k = LAB_TAK_PREDECESSOR;

		while (k < LAB_TAK_KEYS && !sv_eq_str(p->words[i], keys[k]))
			k++;
		if (k == LAB_TAK_KEYS || i + 1 == p->n_words || o->tak->word[k].n > 0)
			return fail(p, N_("is written: tak predecessor TA successor TA"), p->words[0]);
		o->tak->word[k] = p->words[i + 1];
	}
	return 0;
}

static int
st_router(struct parser *p)
{
	struct lab_obj *o = lab_obj_new(p->w, p->ca, LAB_ROUTER);
	int rc;

	if (o == NULL)
		return -ENOMEM;
	if ((rc = asn_word(p, p->words[1], &o->asn)) < 0)
		return rc;
	if ((rc = step_words(p, &o->from, &o->until)) < 0)
		return rc;
	o->label = pool_printf(p->w->pool, "ROUTER-%08X", o->asn);
	return o->label == NULL ? -ENOMEM : 0;
}

static int
st_file(struct parser *p)
{
	struct lab_obj *o;

	if (!lab_label_ok(p->words[1], true))
		return fail(p, N_("is no name; letters, digits, - and _ are allowed"), p->words[1]);
	if ((o = lab_obj_new(p->w, p->ca, LAB_FILE)) == NULL)
		return -ENOMEM;
	o->label = dup_word(p, p->words[1]);
	return o->label == NULL ? -ENOMEM : step_words(p, &o->from, &o->until);
}

static int
st_fault(struct parser *p)
{
	uint32_t from = 0, until = LAB_STEP_NEVER;
	struct sv at = { 0 };
	int rc = step_words(p, &from, &until);

	if (rc < 0)
		return rc;
	if (p->n_words == 4 && sv_eq(p->words[2], SV("at")))
		at = p->words[3];
	else if (p->n_words == 2 && p->ca != NULL)
		at = sv_str(p->ca->name);
	else if (p->n_words != 2)
		return fail(p, N_("is written: fault NAME at PLACE"), p->words[0]);
	return lab_fault_add_steps(p->w, p->words[1], at, from, until, p->err);
}

enum { OUTSIDE = 1, INSIDE = 2 };

static const struct statement {
	const char	*word;
	size_t		 min, max;	/* words, the first included */
	unsigned	 where;
	int		(*fn)(struct parser *);
} statements[] = {
	{ "at", 2, 2, OUTSIDE, st_at },
	{ "host", 2, 2, OUTSIDE, st_host },
	{ "seed", 2, 2, OUTSIDE, st_seed },
	{ "steps", 2, 2, OUTSIDE, st_steps },
	{ "every", 2, 2, OUTSIDE, st_every },
	{ "churn", 2, 2, OUTSIDE, st_churn },
	{ "ta", 3, 3, OUTSIDE, ca_open },
	{ "ca", 3, 7, INSIDE, ca_open },
	{ "}", 1, 1, INSIDE, st_close },
	{ "resources", 2, LAB_WORDS_MAX, INSIDE, st_resources },
	{ "valid", 3, 3, INSIDE, st_valid },
	{ "manifest", 3, 3, INSIDE, st_manifest },
	{ "crl", 3, 3, INSIDE, st_crl },
	{ "number", 2, 2, INSIDE, st_number },
	{ "rrdp", 2, 2, INSIDE, st_rrdp },
	{ "server", 2, 2, INSIDE, st_server },
	{ "children", 2, 3, INSIDE, st_children },
	{ "roa", 3, LAB_WORDS_MAX, INSIDE, st_roa },
	{ "aspa", 3, LAB_WORDS_MAX, INSIDE, st_aspa },
	{ "ghostbusters", 1, 7, INSIDE, st_gbr },
	{ "router", 2, 6, INSIDE, st_router },
	{ "tak", 1, 11, INSIDE, st_tak },
	{ "file", 2, 6, INSIDE, st_file },
	{ "fault", 2, 8, OUTSIDE | INSIDE, st_fault },
};

static int
statement_run(struct parser *p)
{
	for (size_t i = 0; i < ARRAY_LEN(statements); i++) {
		const struct statement *s = &statements[i];

		if (!sv_eq_str(p->words[0], s->word))
			continue;
		if ((s->where & (p->ca == NULL ? OUTSIDE : INSIDE)) == 0)
			return fail(p, p->ca == NULL ? N_("belongs inside a ta or ca block") :
			    N_("belongs outside all blocks"), p->words[0]);
		if (p->n_words < s->min || p->n_words > s->max)
			return fail(p, N_("has too many or too few words"), p->words[0]);
		return s->fn(p);
	}
	return fail(p, N_("is no statement; see sekisho-lab(5)"), p->words[0]);
}

static int
line_run(struct parser *p, struct sv line)
{
	struct sv word;

	p->n_words = 0;
	line = sv_take(line, sv_find(line, '#'));
	while (sv_word(&line, &word)) {
		if (p->n_words == LAB_WORDS_MAX)
			return fail(p, N_("is one word too many in this line"), word);
		p->words[p->n_words++] = word;
	}
	return p->n_words == 0 ? 0 : statement_run(p);
}

static const struct lab_ca *
ta_find(const struct lab_world *w, struct sv name)
{
	const struct lab_ca *a = w->cas;

	while (a != NULL && (a->parent != NULL || !sv_eq_str(name, a->name)))
		a = a->next;
	return a;
}

static int
tak_check(struct parser *p, struct lab_tak *t)
{
	for (size_t i = LAB_TAK_PREDECESSOR; i < LAB_TAK_KEYS; i++) {
		if (t->word[i].n == 0 || (t->ta[i] = ta_find(p->w, t->word[i])) != NULL)
			continue;
		p->err->line = t->line;
		return fail(p, N_("is no trust anchor of this description"), t->word[i]);
	}
	return 0;
}

static int
ta_check(struct parser *p, const struct lab_ca *a)
{
	int rc = 0;

	if (a->cert->res.inherit)
		return fail(p, N_("is a trust anchor and cannot inherit"), a->word);
	for (struct lab_obj *o = a->objs; o != NULL && rc == 0; o = o->next)
		if (o->kind == LAB_TAK)
			rc = tak_check(p, o->tak);
	return rc;
}

/* What only the whole text can tell. */
static int
world_check(struct parser *p)
{
	int rc;

	if (p->ca != NULL)
		return fail(p, N_("is not closed with }"), p->ca->word);
	p->err->line = 0;
	if (p->w->cas == NULL)
		return fail(p, N_("the description has no trust anchor"), SV(""));
	for (const struct lab_ca *a = p->w->cas; a != NULL; a = a->next)
		if (a->parent == NULL && (rc = ta_check(p, a)) < 0)
			return rc;
	if (p->w->n_objs > LAB_OBJS_MAX)
		return fail(p, N_("the description has too many objects"), SV(""));
	return 0;
}

static int
text_run(struct parser *p, struct sv text)
{
	struct sv line;
	int rc;

	for (unsigned n = 1; sv_line(&text, &line); n++) {
		p->err->line = n;
		if ((rc = line_run(p, line)) < 0)
			return rc;
	}
	return world_check(p);
}

int
lab_text_parse(struct sv text, const struct lab_opts *opts, struct lab_error *err,
    struct lab_world **ret)
{
	_cleanup_(lab_freep) struct lab_world *w = lab_world_new(opts);
	struct parser p = { .w = w, .err = err };
	int rc;

	if (w == NULL)
		return -ENOMEM;
	w->text = text;
	p.words = pool_calloc(w->pool, LAB_WORDS_MAX, sizeof(p.words[0]));
	rc = p.words == NULL ? -ENOMEM : text_run(&p, text);
	if (rc < 0)
		return rc;
	*ret = TAKE_PTR(w);
	return 0;
}
