/* The parts of two messages, each beside its like: what is gone, what came, what was changed. */
#include "mail/diff_internal.h"

#define NONE	SIZE_MAX

struct pair {
	struct diff_of		*o;
	struct diff_leaves	 m[2];
};

/* --- which is which --- */

static bool
reads_same(const struct diff_leaf *x, const struct diff_leaf *y)
{
	return sv_eq(x->text, y->text);
}

static bool
is_of_type(const struct diff_leaf *x, const struct diff_leaf *y)
{
	return sv_caseeq(x->type, y->type);
}

static void
mates_find(struct pair *p, bool (*alike)(const struct diff_leaf *, const struct diff_leaf *))
{
	for (size_t i = 0; i < p->m[0].n; i++)
		for (size_t k = 0; k < p->m[1].n && p->m[0].v[i].mate == NONE; k++)
			if (p->m[1].v[k].mate == NONE && alike(&p->m[0].v[i], &p->m[1].v[k])) {
				p->m[0].v[i].mate = k;
				p->m[1].v[k].mate = i;
			}
}

/* --- what became of one --- */

/* The text is a decoded one, which will not stay. */
static struct sv
shown(struct diff_of *o, struct sv text)
{
	struct sv s = pool_sv(o->pool, diff_text_shown(text));

	return s.p == NULL ? SV("") : s;
}

static void
part_put(struct diff_of *o, struct mail_diff_part p)
{
	o->d->parts[o->d->n_parts++] = p;
}

/* The same octets as they stand, whatever the line ends. */
static bool
stands_same(const struct diff_leaf *x, const struct diff_leaf *y)
{
	struct sv a = sv_trim(x->raw), b = sv_trim(y->raw), line_a, line_b;

	for (;;) {
		bool is_a = sv_line(&a, &line_a), is_b = sv_line(&b, &line_b);

		if (!is_a || !is_b)
			return is_a == is_b;
		if (!sv_eq(line_a, line_b))
			return false;
	}
}

/* What a text became that reads otherwise now. */
static void
text_compare(struct diff_of *o, const struct diff_leaf *x, const struct diff_leaf *y)
{
	struct mail_diff_part p = { .kind = DIFF_PART_CHANGED, .type = y->type };
	size_t n = y->text.n > x->text.n ? y->text.n - x->text.n : 0;

	p.n = n;
	if (n > 0 && sv_starts(y->text, x->text)) {
		p.kind = DIFF_PART_APPENDED;
		p.shown = shown(o, sv_skip(y->text, x->text.n));
	} else if (n > 0 && sv_ends(y->text, x->text)) {
		p.kind = DIFF_PART_PREPENDED;
		p.shown = shown(o, sv_take(y->text, n));
	}
	part_put(o, p);
}

static void
mates_compare(struct diff_of *o, const struct diff_leaf *x, const struct diff_leaf *y)
{
	const bool same = reads_same(x, y);
	const bool is_converted = x->charset.n > 0 && y->charset.n > 0 &&
	    !sv_caseeq(x->charset, y->charset);

	if (is_converted)
		part_put(o, (struct mail_diff_part){ .kind = DIFF_PART_CHARSET, .type = x->type,
			.was = x->charset, .is = y->charset });
	if (!sv_caseeq(x->encoding, y->encoding) || (same && !stands_same(x, y)))
		part_put(o, (struct mail_diff_part){ .kind = DIFF_PART_RECODED, .type = x->type,
			.was = x->encoding, .is = y->encoding });
	if (!same && !is_converted)
		text_compare(o, x, y);
}

static void
unmated_put(struct pair *p, unsigned side, enum mail_diff_part_kind kind)
{
	for (size_t i = 0; i < p->m[side].n; i++) {
		const struct diff_leaf *x = &p->m[side].v[i];

		if (x->mate == NONE)
			part_put(p->o, (struct mail_diff_part){ .kind = kind, .type = x->type,
				.n = x->text.n, .shown = x->file.n > 0 ? x->file : shown(p->o, x->text) });
	}
}

/* --- all of them --- */

static void
list_make(struct pair *p)
{
	struct diff_of *o = p->o;

	if (!p->m[0].is_multi && p->m[1].is_multi)
		part_put(o, (struct mail_diff_part){ .kind = DIFF_PART_WRAPPED, .type = SV("multipart") });
	for (size_t i = 0; i < p->m[0].n; i++)
		if (p->m[0].v[i].mate != NONE)
			mates_compare(o, &p->m[0].v[i], &p->m[1].v[p->m[0].v[i].mate]);
	unmated_put(p, 0, DIFF_PART_REMOVED);
	unmated_put(p, 1, DIFF_PART_ADDED);
	if (o->d->n_parts == 0 && (p->m[0].is_multi || p->m[1].is_multi) &&
	    !o->d->body.same[MAIL_RELAXED])
		part_put(o, (struct mail_diff_part){ .kind = DIFF_PART_REBUILT, .type = SV("multipart") });
}

/* One part alone, whatever its type is called, is the other's. */
static void
single_mate(struct pair *p)
{
	if (p->m[0].n != 1 || p->m[1].n != 1 || p->m[0].v[0].mate != NONE)
		return;
	p->m[0].v[0].mate = 0;
	p->m[1].v[0].mate = 0;
}

static bool
is_limited(const struct pair *p)
{
	return p->m[0].is_cut || p->m[1].is_cut || p->m[0].n > MAIL_DIFF_PARTS_MAX ||
	    p->m[1].n > MAIL_DIFF_PARTS_MAX;
}

int
diff_parts_compare(struct diff_of *o)
{
	_cleanup_(pool_freep) struct pool *scratch = pool_new(MAIL_DIFF_DECODED_MAX);
	struct pair p = { .o = o };
	int rc;

	/* Two for each of BEFORE, one for each of AFTER, and two of the whole. */
	o->d->parts = pool_calloc(o->pool, 3 * MAIL_DIFF_PARTS_MAX + 2, sizeof(*o->d->parts));
	if (o->d->parts == NULL || scratch == NULL)
		return -ENOMEM;
	for (unsigned i = 0; i < 2; i++) {
		rc = diff_leaves_read(o->pool, scratch, o->side[i]->text, &p.m[i]);
		if (rc < 0)
			return pool_is_full(scratch) ? 0 : rc;
	}
	if (is_limited(&p))
		return 0;
	o->d->is_mime_known = true;
	mates_find(&p, reads_same);
	mates_find(&p, is_of_type);
	single_mate(&p);
	list_make(&p);
	return 0;
}
