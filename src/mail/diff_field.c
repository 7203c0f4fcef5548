/* The fields of two heads, each paired with its like. */
#include "base/hash.h"
#include "mail/diff_internal.h"

#define NONE	SIZE_MAX

/* --- how alike --- */

static void
blanks_leave(struct buf *b, struct sv s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] != ' ' && s.p[i] != '\t' && s.p[i] != '\r' && s.p[i] != '\n')
			buf_char(b, s.p[i]);
}

static void
relaxed(struct buf *b, const struct mail_field *f)
{
	mail_field_canon(b, f, MAIL_RELAXED);
}

static void
bare(struct buf *b, const struct mail_field *f)
{
	blanks_leave(b, f->value);
}

static void
decoded(struct buf *b, const struct mail_field *f)
{
	diff_words_decode(b, f->value);
}

int
diff_level_find(const struct mail_field *x, const struct mail_field *y, enum mail_diff_level *ret)
{
	static const struct {
		enum mail_diff_level	level;
		void			(*form)(struct buf *, const struct mail_field *);
	} forms[] = { { DIFF_FOLDED, relaxed }, { DIFF_BLANKS, bare }, { DIFF_RECODED, decoded } };

	*ret = DIFF_SAME;
	if (sv_eq(x->raw, y->raw))
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
		_cleanup_(buf_done) struct buf a = BUF_INIT, b = BUF_INIT;

		forms[i].form(&a, x);
		forms[i].form(&b, y);
		if (a.rc < 0 || b.rc < 0)
			return -ENOMEM;
		*ret = forms[i].level;
		if (sv_eq(buf_get(&a), buf_get(&b)))
			return 0;
	}
	*ret = DIFF_OTHER;
	return 0;
}

/* --- pairs --- */

/* Fields of which each is a thing of its own: two that differ are not one that was changed. */
static bool
is_trace(const struct mail_field *f)
{
	static const char *const names[] = {
		"Received", "Return-Path", "Delivered-To", "X-Original-To", "Authentication-Results",
		"DKIM-Signature", "ARC-Seal", "ARC-Message-Signature", "ARC-Authentication-Results",
	};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (sv_caseeq(f->name, sv_str(names[i])))
			return true;
	return false;
}

static void
whole(struct buf *b, const struct mail_field *f)
{
	blanks_leave(b, f->raw);
}

static void
name(struct buf *b, const struct mail_field *f)
{
	mail_field_canon(b, f, MAIL_RELAXED);
	b->len = min_size(b->len, sv_find(buf_get(b), ':'));
	if (is_trace(f))
		b->len = 0;
}

/* Of each field a form, as a hash that no stranger can aim at; 0: it is like none. */
static int
keys_make(struct pool *pool, const struct mail_head *head,
    void (*form)(struct buf *, const struct mail_field *), uint64_t **ret)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;

	if ((*ret = pool_calloc(pool, head->n + 1, sizeof(**ret))) == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < head->n; i++) {
		b.len = 0;
		form(&b, &head->fields[i]);
		if (b.rc < 0)
			return b.rc;
		(*ret)[i] = b.len == 0 ? 0 : hash_bytes(b.p, b.len) | 1;
	}
	return 0;
}

/* The lowest free field of AFTER with that key; taken[] are not free. */
static size_t
like_find(const uint64_t *keys, size_t n, uint64_t key, const bool *taken)
{
	for (size_t i = n; i-- > 0;)
		if (keys[i] == key && !taken[i])
			return i;
	return NONE;
}

/* From the bottom up, as whoever hands a message on adds on top. */
static void
mates_find(struct diff_of *o, const uint64_t *before, const uint64_t *after, bool *taken)
{
	for (size_t i = o->head[0]->n; i-- > 0;) {
		if (o->mate[i] != NONE || before[i] == 0)
			continue;
		o->mate[i] = like_find(after, o->head[1]->n, before[i], taken);
		if (o->mate[i] != NONE)
			taken[o->mate[i]] = true;
	}
}

/* --- the list --- */

static void
field_put(struct mail_diff *d, enum mail_diff_act act, enum mail_diff_level level,
    const struct mail_field *before, const struct mail_field *after)
{
	d->fields[d->n_fields++] = (struct mail_diff_field){ act, level, before, after };
	d->n_act[act]++;
}

/*
 * In the order of AFTER. Moved is what stands there above a field that it was below; of two
 * that changed places one is told.
 */
static int
after_list(struct diff_of *o, const size_t *from)
{
	const struct mail_head *b = o->head[0], *a = o->head[1];
	size_t highest = 0;
	int rc;

	for (size_t i = 0; i < a->n; i++) {
		const struct mail_field *was = from[i] == NONE ? NULL : &b->fields[from[i]];
		enum mail_diff_level level = DIFF_OTHER;
		enum mail_diff_act act = DIFF_ADDED;

		if (was != NULL) {
			if ((rc = diff_level_find(was, &a->fields[i], &level)) < 0)
				return rc;
			act = level != DIFF_SAME ? DIFF_CHANGED : from[i] < highest ? DIFF_MOVED : DIFF_KEPT;
			highest = max_size(highest, from[i]);
		}
		field_put(o->d, act, level, was, &a->fields[i]);
	}
	return 0;
}

static int
list_make(struct diff_of *o)
{
	const size_t n_before = o->head[0]->n, n_after = o->head[1]->n;
	size_t *from = pool_calloc(o->pool, n_after + 1, sizeof(*from));
	int rc;

	o->d->fields = pool_calloc(o->pool, n_before + n_after + 1, sizeof(*o->d->fields));
	if (from == NULL || o->d->fields == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < n_after; i++)
		from[i] = NONE;
	for (size_t i = 0; i < n_before; i++)
		if (o->mate[i] != NONE)
			from[o->mate[i]] = i;
	if ((rc = after_list(o, from)) < 0)
		return rc;
	for (size_t i = 0; i < n_before; i++)
		if (o->mate[i] == NONE)
			field_put(o->d, DIFF_REMOVED, DIFF_OTHER, &o->head[0]->fields[i], NULL);
	return 0;
}

int
diff_fields_pair(struct diff_of *o)
{
	void (*const forms[])(struct buf *, const struct mail_field *) = { relaxed, whole, name };
	bool taken[MAIL_FIELDS_MAX] = { false };
	uint64_t *before, *after;
	int rc;

	o->mate = pool_calloc(o->pool, o->head[0]->n + 1, sizeof(*o->mate));
	if (o->mate == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < o->head[0]->n; i++)
		o->mate[i] = NONE;
	for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
		if ((rc = keys_make(o->pool, o->head[0], forms[i], &before)) < 0 ||
		    (rc = keys_make(o->pool, o->head[1], forms[i], &after)) < 0)
			return rc;
		mates_find(o, before, after, taken);
	}
	return list_make(o);
}
