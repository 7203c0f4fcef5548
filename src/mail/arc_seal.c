/* A set made of a message as it goes out (RFC 8617 section 5.1). */
#include <errno.h>

#include "mail/arc_internal.h"
#include "mail/dkim_internal.h"

/* RFC 8617's ABNF has the instance first; b= is last, so that what is signed ends there. */
#define AMS_ORDER	"i a c d s t h bh b"
#define SEAL_ORDER	"i a cv d s t b"

/* What the fields of the new set say. */
struct maker {
	struct pool		*pool;
	const struct arc_sealer	*with;
	const uint8_t		*body;
	uint32_t		 instance;
	const char		*chain;		/* cv= */
	struct sv		 domain, selector;
	struct sv		 alg;
	const struct sv		*names;		/* h= */
	size_t			 n_names;
};

/* A signature field while it is written: its text with "b=" empty. */
struct text {
	struct buf		 out;
	struct dkim_fold	 fold;
	size_t			 b_at, b_column;
};

static void
text_done(struct text *t)
{
	buf_done(&t->out);
}

/* --- tags --- */

static void
i_put(const struct maker *m, struct text *t)
{
	dkim_fold_number(&t->fold, "i", m->instance);
}

static void
a_put(const struct maker *m, struct text *t)
{
	dkim_fold_tag(&t->fold, "a", m->alg);
}

/* The next tag begins a line, as the octets will take the rest of this one. */
static void
b_put(const struct maker *m, struct text *t)
{
	(void)m;
	dkim_fold_b(&t->fold);
	t->b_at = t->out.len;
	t->b_column = t->fold.column;
	buf_char(&t->out, ';');
	t->fold.column = SIZE_MAX / 2;
}

static void
bh_put(const struct maker *m, struct text *t)
{
	dkim_fold_octets(&t->fold, "bh", m->body, SHA256_LEN);
}

static void
c_put(const struct maker *m, struct text *t)
{
	(void)m;
	dkim_fold_tag(&t->fold, "c", SV("relaxed/relaxed"));
}

static void
cv_put(const struct maker *m, struct text *t)
{
	dkim_fold_tag(&t->fold, "cv", sv_str(m->chain));
}

static void
d_put(const struct maker *m, struct text *t)
{
	dkim_fold_tag(&t->fold, "d", m->domain);
}

static void
h_put(const struct maker *m, struct text *t)
{
	dkim_fold_names(&t->fold, "h", m->names, m->n_names);
}

static void
s_put(const struct maker *m, struct text *t)
{
	dkim_fold_tag(&t->fold, "s", m->selector);
}

static void
t_put(const struct maker *m, struct text *t)
{
	dkim_fold_number(&t->fold, "t", m->with->time);
}

static const struct tag {
	const char	*name;
	void		(*put)(const struct maker *, struct text *);
} tags[] = {
	{ "i", i_put },
	{ "a", a_put },
	{ "b", b_put },
	{ "bh", bh_put },
	{ "c", c_put },
	{ "cv", cv_put },
	{ "d", d_put },
	{ "h", h_put },
	{ "s", s_put },
	{ "t", t_put },
};

/* All of the field; no ";" behind the last tag. */
static int
text_write(const struct maker *m, enum arc_part part, const char *order, struct text *t)
{
	struct sv left = sv_str(order), name;

	dkim_fold_init(&t->fold, &t->out, arc_part_name(part));
	while (sv_word(&left, &name))
		for (size_t i = 0; i < ARRAY_LEN(tags); i++)
			if (sv_eq_str(name, tags[i].name))
				tags[i].put(m, t);
	if (t->out.rc < 0)
		return t->out.rc;
	t->out.len--;
	return t->b_at == 0 ? -EINVAL : 0;
}

/* --- signing --- */

static struct mail_field
field_of(struct sv raw)
{
	size_t colon = sv_find(raw, ':');

	return (struct mail_field){ raw, sv_take(raw, colon), sv_skip(raw, colon + 1) };
}

/* As a value that verifying works with: "b=" stands empty at b_at. */
static struct dkim_sig
sig_of(const struct maker *m, const struct text *t, const struct mail_field *field)
{
	return (struct dkim_sig){ .field = field, .head_canon = MAIL_RELAXED, .names = m->names,
	    .n_names = m->n_names, .b_at = t->b_at };
}

/* The digest signed, and the text with the octets in it. */
static int
text_sign(const struct maker *m, const struct text *t, const uint8_t digest[static SHA256_LEN], struct sv *ret)
{
	_cleanup_(buf_done) struct buf whole = BUF_INIT;
	struct dkim_fold f = { &whole, t->b_column };
	struct sv text = buf_get(&t->out), b;
	int rc = m->with->by.sign(m->with->by.arg, digest, m->pool, &b);

	if (rc < 0)
		return rc;
	buf_sv(&whole, sv_take(text, t->b_at));
	dkim_fold_b_octets(&f, b.p, b.n);
	buf_sv(&whole, sv_skip(text, t->b_at));
	if (whole.rc < 0)
		return whole.rc;
	*ret = pool_sv(m->pool, buf_get(&whole));
	return ret->p == NULL ? -ENOMEM : 0;
}

static int
ams_make(const struct maker *m, const struct mail_head *head, struct sv *ret)
{
	_cleanup_(text_done) struct text t = { .out = BUF_INIT };
	const char *order = m->with->ams_order;
	uint8_t digest[SHA256_LEN];
	struct mail_field self;
	struct dkim_sig sig;
	int rc = text_write(m, ARC_MESSAGE, order == NULL ? AMS_ORDER : order, &t);

	if (rc < 0)
		return rc;
	self = field_of(buf_get(&t.out));
	sig = sig_of(m, &t, &self);
	if ((rc = dkim_head_digest(head, &sig, NULL, digest)) < 0)
		return rc;
	return text_sign(m, &t, digest, ret);
}

/* The sets that were there, as long as the chain holds (section 5.1.2). */
static int
older_add(struct arc_cover *c, const struct arc *a)
{
	int rc = 0;

	for (uint32_t i = 0; i < a->n && rc == 0; i++) {
		const struct arc_set *set = &a->sets[i];

		if ((rc = arc_cover_add(c, set->field[ARC_RESULTS], set->field[ARC_MESSAGE])) == 0)
			rc = arc_cover_seal(c, set->field[ARC_SEAL]);
	}
	return rc;
}

static int
seal_make(const struct maker *m, const struct arc *a, struct arc_sealed *set)
{
	_cleanup_(text_done) struct text t = { .out = BUF_INIT };
	_cleanup_(arc_cover_done) struct arc_cover c = ARC_COVER_INIT;
	struct mail_field results = field_of(set->results), ams = field_of(set->ams), self;
	const char *order = m->with->seal_order;
	uint8_t digest[SHA256_LEN];
	struct dkim_sig sig;
	int rc = text_write(m, ARC_SEAL, order == NULL ? SEAL_ORDER : order, &t);

	if (rc < 0)
		return rc;
	self = field_of(buf_get(&t.out));
	sig = sig_of(m, &t, &self);
	if (strcmp(m->chain, "fail") != 0 && (rc = older_add(&c, a)) < 0)
		return rc;
	if ((rc = arc_cover_add(&c, &results, &ams)) < 0 || (rc = arc_cover_hash(&c, &sig, digest)) < 0)
		return rc;
	return text_sign(m, &t, digest, &set->seal);
}

static int
results_make(const struct maker *m, const struct authres *found, struct sv *ret)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;

	buf_printf(&b, "%s: i=%u;", arc_part_name(ARC_RESULTS), m->instance);
	authres_write(&b, found, b.len, m->with->is_utf8);
	if (b.rc < 0)
		return b.rc;
	*ret = pool_sv(m->pool, buf_get(&b));
	return ret->p == NULL ? -ENOMEM : 0;
}

/* --- what goes into the set --- */

/* DKIM's list, and the signatures that are there: section 4.1.2, "SHOULD include". */
static int
names_usual(struct pool *pool, const struct dkim_sign_name **ret, size_t *ret_n)
{
	size_t n;
	const struct dkim_sign_name *usual = dkim_sign_names(&n);
	struct dkim_sign_name *names = pool_calloc(pool, n + 1, sizeof(*names));

	if (names == NULL)
		return -ENOMEM;
	memcpy(names, usual, n * sizeof(*names));
	names[n] = (struct dkim_sign_name){ SV("DKIM-Signature"), DKIM_OVER_NEVER };
	*ret = names;
	*ret_n = n + 1;
	return 0;
}

static int
names_choose(struct maker *m, const struct mail_head *head)
{
	const struct dkim_sign_name *names = m->with->names;
	size_t n = m->with->n_names;
	bool has_from = false;
	int rc;

	if (names == NULL && (rc = names_usual(m->pool, &names, &n)) < 0)
		return rc;
	if ((rc = dkim_names_choose(m->pool, head, names, n, &m->names, &m->n_names)) < 0)
		return rc;
	for (size_t i = 0; i < m->n_names; i++) {
		if (arc_name_is_forbidden(m->names[i]))
			return -EINVAL;
		has_from |= sv_caseeq(m->names[i], SV("From"));
	}
	return has_from && mail_head_count(head, SV("From")) > 0 ? 0 : -EINVAL;
}

static int
maker_init(struct maker *m, const struct mail_head *head)
{
	enum dkim_alg alg = m->with->by.alg;
	int rc;

	if (!dkim_alg_can_sign(alg))
		return -ENOTSUP;
	m->alg = sv_str(dkim_alg_name(alg));
	if ((rc = dkim_domain_text(m->pool, m->with->domain, &m->domain)) < 0 ||
	    (rc = dkim_domain_text(m->pool, m->with->selector, &m->selector)) < 0)
		return rc;
	return sv_find(m->domain, '.') < m->domain.n ? names_choose(m, head) : -EINVAL;
}

/* Does what is said of the chain fit what stands there? */
static bool
chain_fits(const struct arc *a, enum mail_result chain)
{
	switch (chain) {
	case MAIL_NONE:
		return !a->is_there;
	case MAIL_PASS:
		return a->n > 0 && a->why == ARC_FINE;
	case MAIL_FAIL:
		return a->is_there;
	default:
		return false;
	}
}

static int
maker_begin(struct pool *pool, const struct arc *a, enum mail_result chain, const struct arc_sealer *with,
    struct maker *ret)
{
	struct maker m = { .pool = pool, .with = with, .instance = a->n + 1, .chain = mail_result_name(chain) };
	int rc = chain_fits(a, chain) ? maker_init(&m, a->head) : -EINVAL;

	if (rc < 0)
		return rc;
	*ret = m;
	return 0;
}

int
arc_seal_over(struct pool *pool, const struct arc *a, enum mail_result chain, const struct arc_sealer *with,
    struct arc_sealed *set)
{
	struct maker m;
	int rc = maker_begin(pool, a, chain, with, &m);

	return rc < 0 ? rc : seal_make(&m, a, set);
}

int
arc_seal(struct pool *pool, const struct arc *a, enum mail_result chain, const struct authres *found,
    const uint8_t body[static SHA256_LEN], const struct arc_sealer *with, struct arc_sealed *ret)
{
	struct arc_sealed set = { .is_made = false };
	struct maker m;
	int rc = maker_begin(pool, a, chain, with, &m);

	if (rc < 0)
		return rc;
	if (a->why == ARC_CV_FAIL || a->why == ARC_LIMIT || a->n == ARC_SETS_MAX) {
		*ret = set;
		return 0;
	}
	m.body = body;
	if ((rc = results_make(&m, found, &set.results)) < 0 || (rc = ams_make(&m, a->head, &set.ams)) < 0 ||
	    (rc = seal_make(&m, a, &set)) < 0)
		return rc;
	set.is_made = true;
	set.instance = m.instance;
	*ret = set;
	return 0;
}
