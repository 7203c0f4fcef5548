/* Two bodies by their digests: the same, or the one the beginning of the other. */
#include "mail/diff_internal.h"

/* Of both bodies, or of AFTER's alone. */
static int
digests_make(struct sv body, struct mail_body_want *wants, size_t n)
{
	_cleanup_(mail_body_freep) struct mail_body *b = NULL;
	int rc = mail_body_new(wants, n, &b);

	if (rc < 0)
		return rc;
	mail_body_feed(b, body);
	mail_body_end(b);
	return 0;
}

static bool
digests_same(const struct mail_body_want *x, const struct mail_body_want *y)
{
	return memcmp(x->digest, y->digest, sizeof(x->digest)) == 0;
}

static bool
has_body(const struct mail_diff_sig *s)
{
	return s->kind != DKIM_ARC_SEAL && s->sig->why == DKIM_FINE;
}

/* Both forms whole, then what each signature covers. */
static size_t
wants_fill(const struct mail_diff *d, struct mail_body_want *w)
{
	size_t n = MAIL_CANON_MAX;

	for (unsigned c = 0; c < MAIL_CANON_MAX; c++)
		w[c] = (struct mail_body_want){ .canon = c, .max = UINT64_MAX };
	for (size_t i = 0; i < d->n_sigs; i++)
		if (has_body(&d->sigs[i]))
			w[n++] = (struct mail_body_want){ .canon = d->sigs[i].sig->body_canon,
				.max = d->sigs[i].sig->has_length ? d->sigs[i].sig->length : UINT64_MAX };
	return n;
}

/* Is BEFORE's whole form the beginning of AFTER's? */
static int
heads_find(struct diff_of *o, const struct mail_body_want *before)
{
	struct mail_body_want w[MAIL_CANON_MAX];
	int rc;

	for (unsigned c = 0; c < MAIL_CANON_MAX; c++)
		w[c] = (struct mail_body_want){ .canon = c, .max = before[c].n_canon };
	if ((rc = digests_make(o->side[1]->body, w, MAIL_CANON_MAX)) < 0)
		return rc;
	for (unsigned c = 0; c < MAIL_CANON_MAX; c++)
		o->d->body.is_head[c] = digests_same(&w[c], &before[c]) &&
		    w[c].n_hashed == before[c].n_canon;
	return 0;
}

static void
sigs_note(struct mail_diff *d, const struct mail_body_want *x, const struct mail_body_want *y)
{
	for (size_t i = 0; i < d->n_sigs; i++) {
		struct mail_diff_sig *s = &d->sigs[i];

		s->body_same = true;
		if (!has_body(s))
			continue;
		s->body_same = digests_same(x, y);
		s->is_length_enough = !s->body_same && d->body.is_head[s->sig->body_canon];
		x++;
		y++;
	}
}

int
diff_body_compare(struct diff_of *o)
{
	struct mail_body_want *w[2];
	struct mail_diff_body *b = &o->d->body;
	int rc;

	for (unsigned i = 0; i < 2; i++) {
		w[i] = pool_calloc(o->pool, MAIL_CANON_MAX + o->d->n_sigs, sizeof(*w[i]));
		if (w[i] == NULL)
			return -ENOMEM;
		rc = digests_make(o->side[i]->body, w[i], wants_fill(o->d, w[i]));
		if (rc < 0)
			return rc;
	}
	if ((rc = heads_find(o, w[0])) < 0)
		return rc;
	for (unsigned c = 0; c < MAIL_CANON_MAX; c++) {
		b->same[c] = digests_same(&w[0][c], &w[1][c]);
		b->n[0][c] = w[0][c].n_canon;
		b->n[1][c] = w[1][c].n_canon;
	}
	sigs_note(o->d, w[0] + MAIL_CANON_MAX, w[1] + MAIL_CANON_MAX);
	diff_lines_compare(o->side[0]->body, o->side[1]->body, b);
	return 0;
}
