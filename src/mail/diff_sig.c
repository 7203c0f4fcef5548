/* What became of each signature and seal of BEFORE, and which of what it covers did it. */
#include "mail/diff_internal.h"

/* --- which there are --- */

static struct mail_diff_sig *
sig_put(struct diff_of *o, enum dkim_kind kind, const struct dkim_sig *sig)
{
	struct mail_diff_sig *s = &o->d->sigs[o->d->n_sigs++];

	*s = (struct mail_diff_sig){ .kind = kind, .sig = sig };
	return s;
}

/* The same signature: of that domain and selector, with the same octets. */
static const struct dkim_sig *
like_find(const struct dkim *d, const struct dkim_sig *s)
{
	for (size_t i = 0; i < d->n; i++)
		if (sv_eq(d->sigs[i].b, s->b) && sv_caseeq(d->sigs[i].domain, s->domain) &&
		    sv_eq(d->sigs[i].selector, s->selector))
			return &d->sigs[i];
	return NULL;
}

/*
 * Those that were read are the first from the top (DKIM_SIGS_MAX); one that was pushed below them
 * is there all the same.
 */
static int
like_read(struct diff_of *o, const struct dkim_sig *s, const struct dkim_sig **ret)
{
	const size_t mate = o->mate[s->field - o->head[0]->fields];
	struct dkim_sig *a;

	*ret = like_find(&o->side[1]->judge->dkim, s);
	if (*ret != NULL || mate == SIZE_MAX)
		return 0;
	if ((a = pool_alloc(o->pool, sizeof(*a))) == NULL)
		return -ENOMEM;
	*ret = a;
	return dkim_sig_parse(o->pool, DKIM_SIGNATURE, &o->head[1]->fields[mate], a);
}

static const struct dkim_sig *
part_of(const struct arc *a, uint32_t i, bool is_seal)
{
	if (i >= a->n)
		return NULL;
	return is_seal ? a->sets[i].seal : a->sets[i].ams;
}

static void
set_put(struct diff_of *o, uint32_t i, bool is_seal)
{
	const struct dkim_sig *s = part_of(&o->side[0]->judge->arc, i, is_seal);
	const struct dkim_sig *a = part_of(&o->side[1]->judge->arc, i, is_seal);

	if (s != NULL)
		sig_put(o, is_seal ? DKIM_ARC_SEAL : DKIM_ARC_MESSAGE, s)->after =
		    a != NULL && sv_eq(a->b, s->b) ? a : NULL;
}

static int
list_make(struct diff_of *o)
{
	const struct mail_judge *j = o->side[0]->judge;
	int rc;

	o->d->sigs = pool_calloc(o->pool, j->dkim.n + 2 * (size_t)j->arc.n + 1, sizeof(*o->d->sigs));
	if (o->d->sigs == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < j->dkim.n; i++)
		if ((rc = like_read(o, &j->dkim.sigs[i],
		    &sig_put(o, DKIM_SIGNATURE, &j->dkim.sigs[i])->after)) < 0)
			return rc;
	for (uint32_t i = 0; i < j->arc.n; i++) {
		set_put(o, i, false);
		set_put(o, i, true);
	}
	return 0;
}

/* --- whether it held in BEFORE --- */

/* RFC 6376 section 3.5, l=: "MUST NOT be larger than the actual number of octets". */
static bool
body_held(const struct dkim_verdict *v)
{
	return v->body_holds && (!v->sig->has_length || v->body->n_canon >= v->sig->length);
}

/* By its key; *ret_known: there was one. Times do not count: it may have run out since. */
static bool
dkim_held(const struct mail_diff_side *side, const struct dkim_sig *s, bool *ret_known)
{
	const size_t i = (size_t)(s - side->judge->dkim.sigs);
	const struct dkim_verdict *v = i < side->out->n_dkim ? &side->out->dkim[i] : NULL;

	*ret_known = v != NULL && v->has_key;
	if (*ret_known)
		return v->head_holds && body_held(v);
	return s->why == DKIM_FINE && (v == NULL || v->body == NULL || body_held(v));
}

/* A chain that is none has verdicts for none of its sets. */
static bool
arc_held(const struct mail_diff_side *side, const struct mail_diff_sig *s, bool *ret_known)
{
	const struct arc_verdict *out = &side->out->arc;
	const struct arc_signature *v = s->kind == DKIM_ARC_SEAL ? out->seals : out->ams;

	*ret_known = false;
	if (v == NULL || s->sig->why != DKIM_FINE)
		return false;
	v += s->sig->instance - 1;
	*ret_known = v->is_asked && v->key_bits > 0;
	return v->body_holds && (v->head_holds || !*ret_known);
}

/* --- what it covers of the head --- */

static void
name_put(struct mail_diff_sig *s, struct mail_diff_name n)
{
	s->names[s->n_names++] = n;
}

/* Is the field that was chosen in BEFORE there still, as this form sees it? */
static bool
is_there(const struct diff_of *o, const struct mail_field *f, enum mail_canon canon)
{
	size_t mate = o->mate[f - o->head[0]->fields];
	enum mail_diff_level level;

	return mate != SIZE_MAX && diff_level_find(f, &o->head[1]->fields[mate], &level) == 0 &&
	    level <= (canon == MAIL_SIMPLE ? DIFF_SAME : DIFF_FOLDED);
}

/* One name of h=: which field it chose, then and now. */
static int
chosen_compare(const struct diff_of *o, struct mail_diff_sig *s, struct sv name,
    const struct mail_field *was, const struct mail_field *is)
{
	struct mail_diff_name n = { .name = name, .before = was, .after = is, .level = DIFF_OTHER };
	const enum mail_canon canon = s->sig->head_canon;
	int rc;

	if (was == NULL && is == NULL)
		return 0;
	n.act = was == NULL ? DIFF_ADDED : is == NULL ? DIFF_REMOVED : DIFF_CHANGED;
	if (n.act == DIFF_CHANGED) {
		if ((rc = diff_level_find(was, is, &n.level)) < 0)
			return rc;
		if (n.level <= (canon == MAIL_SIMPLE ? DIFF_SAME : DIFF_FOLDED))
			return 0;
	}
	n.is_shift = was != NULL && is_there(o, was, canon);
	name_put(s, n);
	return 0;
}

/* The signature's own field, which it covers too, but for b=. */
static int
self_compare(struct mail_diff_sig *s)
{
	_cleanup_(buf_done) struct buf was = BUF_INIT, is = BUF_INIT;
	struct mail_diff_name n = { .name = s->sig->field->name, .act = DIFF_CHANGED,
		.before = s->sig->field };
	int rc;

	if (s->after == NULL)
		return 0;
	n.after = s->after->field;
	if ((rc = dkim_self_canon(&was, s->sig, s->sig->head_canon)) < 0 ||
	    (rc = dkim_self_canon(&is, s->after, s->sig->head_canon)) < 0 ||
	    (rc = diff_level_find(n.before, n.after, &n.level)) < 0)
		return rc;
	if (!sv_eq(buf_get(&was), buf_get(&is)))
		name_put(s, n);
	return 0;
}

/* What is computed decides; the names say why. */
static int
head_compare(const struct diff_of *o, struct mail_diff_sig *s)
{
	const struct dkim_sig *now = s->after != NULL && s->after->why == DKIM_FINE ? s->after : s->sig;
	const struct mail_field **was, **is;
	uint8_t digest[2][SHA256_LEN];
	int rc;

	was = pool_calloc(o->pool, s->sig->n_names + 1, sizeof(*was));
	is = pool_calloc(o->pool, now->n_names + 1, sizeof(*is));
	s->names = pool_calloc(o->pool, s->sig->n_names + 1, sizeof(*s->names));
	if (was == NULL || is == NULL || s->names == NULL)
		return -ENOMEM;
	if ((rc = dkim_head_digest(o->head[0], s->sig, was, digest[0])) < 0 ||
	    (rc = dkim_head_digest(o->head[1], now, is, digest[1])) < 0)
		return rc;
	s->head_same = memcmp(digest[0], digest[1], SHA256_LEN) == 0;
	for (size_t i = 0; i < s->sig->n_names && !s->head_same; i++)
		if ((rc = chosen_compare(o, s, s->sig->names[i], was[i],
		    i < now->n_names ? is[i] : NULL)) < 0)
			return rc;
	return s->head_same ? 0 : self_compare(s);
}

/* RFC 8617 section 5.1.1: a seal covers all sets up to its own, each field in the relaxed form. */
static int
seal_compare(const struct diff_of *o, struct mail_diff_sig *s)
{
	const struct arc *a = &o->side[0]->judge->arc, *b = &o->side[1]->judge->arc;
	const uint32_t n = s->sig->instance;
	int rc;

	s->names = pool_calloc(o->pool, (size_t)n * ARC_PART_MAX + 1, sizeof(*s->names));
	if (s->names == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < n * ARC_PART_MAX; i++) {
		const struct mail_field *was = a->sets[i / ARC_PART_MAX].field[i % ARC_PART_MAX];
		const struct mail_field *is = i / ARC_PART_MAX < b->n ?
		    b->sets[i / ARC_PART_MAX].field[i % ARC_PART_MAX] : NULL;
		struct mail_diff_name name = { .act = is == NULL ? DIFF_REMOVED : DIFF_CHANGED,
			.level = DIFF_OTHER, .before = was, .after = is };

		if (was == NULL)
			continue;
		if (is != NULL && (rc = diff_level_find(was, is, &name.level)) < 0)
			return rc;
		name.name = was->name;
		if (name.level > DIFF_FOLDED)
			name_put(s, name);
	}
	s->head_same = s->n_names == 0;
	return 0;
}

/* --- its fate --- */

static enum mail_diff_fate
fate(const struct mail_diff_sig *s, bool held)
{
	if (!held)
		return DIFF_WAS_BROKEN;
	if (s->after == NULL)
		return DIFF_GONE;
	return s->head_same && s->body_same ? DIFF_HOLDS : DIFF_BROKEN;
}

static int
sig_compare(struct diff_of *o, struct mail_diff_sig *s)
{
	bool held = s->kind == DKIM_SIGNATURE ? dkim_held(o->side[0], s->sig, &s->is_verified) :
	    arc_held(o->side[0], s, &s->is_verified);
	int rc = 0;

	if (s->kind == DKIM_ARC_SEAL)
		rc = seal_compare(o, s);
	else if (s->sig->why == DKIM_FINE)
		rc = head_compare(o, s);
	if (rc < 0)
		return rc;
	s->fate = fate(s, held);
	o->d->n_fate[s->fate]++;
	return 0;
}

/* Sets that came since: somebody sealed. */
static void
sets_count(struct diff_of *o)
{
	const struct arc *b = &o->side[0]->judge->arc, *a = &o->side[1]->judge->arc;

	if (a->n <= b->n)
		return;
	o->d->n_new_sets = a->n - b->n;
	if (a->sets[a->n - 1].seal != NULL)
		o->d->sealer = a->sets[a->n - 1].seal->domain;
}

int
diff_sigs_compare(struct diff_of *o)
{
	int rc;

	if ((rc = list_make(o)) < 0 || (rc = diff_body_compare(o)) < 0)
		return rc;
	for (size_t i = 0; i < o->d->n_sigs; i++)
		if ((rc = sig_compare(o, &o->d->sigs[i])) < 0)
			return rc;
	sets_count(o);
	return 0;
}
