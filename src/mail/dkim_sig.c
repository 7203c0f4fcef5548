/* A signature field as a value: a row each tag, for DKIM's field and both of ARC's. */
#include <errno.h>

#include "base/base64.h"
#include "base/hash.h"
#include "mail/dkim.h"
#include "mail/dkim_internal.h"

#define FLAG(kind)	(1u << (kind))
#define DKIM		FLAG(DKIM_SIGNATURE)
#define AMS		FLAG(DKIM_ARC_MESSAGE)
#define SEAL		FLAG(DKIM_ARC_SEAL)
#define ALL		(DKIM | AMS | SEAL)

static const char *const algs[DKIM_ALG_MAX] = {
	[DKIM_NO_ALG] = "",
	[DKIM_RSA_SHA1] = "rsa-sha1",
	[DKIM_RSA_SHA256] = "rsa-sha256",
	[DKIM_ED25519_SHA256] = "ed25519-sha256",
};

const char *
dkim_alg_name(enum dkim_alg a)
{
	return a < DKIM_ALG_MAX ? algs[a] : "";
}

/* --- domains --- */

static bool
is_ldh(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	    c == '-' || c == '_';
}

/* Letters, digits, hyphens, and underscores as selectors in use have them. */
static bool
ascii_domain_ok(struct sv text)
{
	for (size_t i = 0; i < text.n; i++)
		if (!is_ldh(text.p[i]) && text.p[i] != '.')
			return false;
	return text.n > 0 && text.p[text.n - 1] != '.';
}

int
dkim_domain(struct sv text, struct dname *ret)
{
	struct dname d;

	if (!sv_ascii(text))
		return mail_domain(text, ret);		/* RFC 8616 section 5 */
	if (!ascii_domain_ok(text) || mail_name(text, &d) < 0)
		return -EINVAL;
	dns_lower(d.w, d.len);
	*ret = d;
	return 0;
}

/* s= with "_domainkey" and d= behind it (RFC 6376 section 3.6.2.1). */
static int
key_name(const struct dname *selector, const struct dname *domain, struct dname *ret)
{
	struct wr w = wr_mem(ret->w, sizeof(ret->w));

	wr_bytes(&w, selector->w, selector->len - 1u);
	wr_bytes(&w, "\12_domainkey", 11);
	wr_bytes(&w, domain->w, domain->len);
	if (!wr_done(&w))
		return -EINVAL;
	ret->len = (uint8_t)w.len;
	return 0;
}

/* --- readers: false: that is no value of the tag --- */

struct reader {
	struct pool	*pool;
	struct dkim_sig	*sig;
	struct dname	 selector;
	bool		 no_memory;
};

static void
fault_note(struct dkim_sig *s, enum dkim_code why, struct sv what)
{
	if (s->why != DKIM_FINE)
		return;
	s->why = why;
	s->what = what;
}

/* -EINVAL: no base64, or none, or too much; -ENOMEM. */
static int
octets_parse(struct pool *pool, struct sv value, size_t max, struct sv *ret)
{
	uint8_t *p;

	if (value.n == 0 || value.n > max)
		return -EINVAL;
	if ((p = pool_alloc(pool, base64_room(value.n))) == NULL)
		return -ENOMEM;
	*ret = (struct sv){ (const char *)p, 0 };
	return base64_decode(p, value, &ret->n);
}

static bool
v_read(struct reader *r, const struct mail_tag *t)
{
	if (!sv_eq(t->value, SV("1")))
		fault_note(r->sig, DKIM_SIG_VERSION, t->value);
	return true;
}

static bool
a_read(struct reader *r, const struct mail_tag *t)
{
	struct dkim_sig *s = r->sig;

	s->alg_text = t->value;
	for (unsigned a = DKIM_NO_ALG + 1; a < DKIM_ALG_MAX; a++)
		if (sv_eq_str(t->value, algs[a]))
			s->alg = a;
	if (s->alg == DKIM_NO_ALG)
		fault_note(s, DKIM_SIG_ALGORITHM, t->value);
	if (s->alg == DKIM_RSA_SHA1)
		fault_note(s, DKIM_SIG_SHA1, t->value);
	return true;
}

static bool
b_read(struct reader *r, const struct mail_tag *t)
{
	int rc = octets_parse(r->pool, t->value, DKIM_BASE64_MAX, &r->sig->b);

	r->sig->b_at = (size_t)(t->raw.p - r->sig->field->raw.p);
	r->sig->b_len = t->raw.n;
	r->no_memory |= rc == -ENOMEM;
	return rc == 0;
}

/* RFC 6376 section 3.5: a digest of the body; SHA-256 has 32 octets, and nothing else is read. */
static bool
bh_read(struct reader *r, const struct mail_tag *t)
{
	struct sv octets = { NULL, 0 };
	int rc = octets_parse(r->pool, t->value, DKIM_BASE64_MAX, &octets);

	r->no_memory |= rc == -ENOMEM;
	if (rc < 0 || octets.n != (r->sig->alg == DKIM_RSA_SHA1 ? (size_t)SHA1_LEN : SHA256_LEN))
		return false;
	memcpy(r->sig->bh, octets.p, octets.n);
	return true;
}

static bool
canon_parse(struct sv text, enum mail_canon *ret)
{
	if (!sv_eq(text, SV("simple")) && !sv_eq(text, SV("relaxed")))
		return false;
	*ret = sv_eq(text, SV("relaxed")) ? MAIL_RELAXED : MAIL_SIMPLE;
	return true;
}

/* "If only one algorithm is named, that … is used for the header and 'simple' for the body." */
static bool
c_read(struct reader *r, const struct mail_tag *t)
{
	struct sv body = t->value, head = sv_cut(&body, '/');

	if (head.n == t->value.n)
		body = SV("simple");
	return canon_parse(head, &r->sig->head_canon) && canon_parse(body, &r->sig->body_canon);
}

/* domain-name = sub-domain 1*("." sub-domain): a top-level domain signs nothing. */
static bool
d_read(struct reader *r, const struct mail_tag *t)
{
	r->sig->domain = t->value;
	return dkim_domain(t->value, &r->sig->domain_name) == 0 &&
	    dname_labels(r->sig->domain_name.w) > 1;
}

static bool
s_read(struct reader *r, const struct mail_tag *t)
{
	r->sig->selector = t->value;
	return dkim_domain(t->value, &r->selector) == 0;
}

static size_t
colons(struct sv text)
{
	size_t n = 0;

	for (size_t i = 0; i < text.n; i++)
		n += text.p[i] == ':';
	return n;
}

/* A field's name: printable, no colon (RFC 5322 section 3.6.8; UTF-8 is none). */
static bool
names_parse(struct sv value, struct sv *names, struct dkim_sig *s)
{
	for (size_t i = 0; i < s->n_names; i++) {
		names[i] = sv_trim(sv_cut(&value, ':'));
		if (names[i].n == 0 || names[i].n > MAIL_NAME_FIELD_MAX || !sv_graphic(names[i]))
			return false;
		s->signs_from |= sv_caseeq(names[i], SV("From"));
	}
	return true;
}

static bool
h_read(struct reader *r, const struct mail_tag *t)
{
	size_t n = colons(t->value) + 1;
	struct sv *names;

	if (n > DKIM_NAMES_MAX) {
		fault_note(r->sig, DKIM_SIG_LIMIT, sv_str("h"));
		return true;
	}
	if ((names = pool_calloc(r->pool, n, sizeof(*names))) == NULL) {
		r->no_memory = true;
		return false;
	}
	r->sig->names = names;
	r->sig->n_names = n;
	return names_parse(t->value, names, r->sig);
}

static bool
hex_read(struct sv two, char *ret)
{
	/* "=" with two upper-case digits (RFC 6376 section 2.11) */
	for (size_t i = 0; i < two.n; i++)
		if (two.p[i] >= 'a' && two.p[i] <= 'f')
			return false;
	return two.n == 2 && hex_decode(ret, 1, two) == 0;
}

/* dkim-quoted-printable: white space does not count. */
static bool
quoted_decode(struct sv text, char *to, size_t *ret_n)
{
	size_t n = 0;

	while (text.n > 0) {
		char c = text.p[0];
		size_t used = c == '=' ? 3 : 1;

		if (c == '=' && !hex_read(sv_take(sv_skip(text, 1), 2), &c))
			return false;
		if (used == 3 || (c != ' ' && c != '\t' && c != '\r' && c != '\n'))
			to[n++] = c;
		text = sv_skip(text, used);
	}
	*ret_n = n;
	return true;
}

static bool
identity_read(struct reader *r, const struct mail_tag *t)
{
	struct dkim_sig *s = r->sig;
	char *p = pool_alloc(r->pool, t->value.n + 1);
	size_t n, at;

	if (p == NULL) {
		r->no_memory = true;
		return false;
	}
	if (!quoted_decode(t->value, p, &n))
		return false;
	s->identity = (struct sv){ p, n };
	at = sv_rfind(s->identity, '@');
	return at < n && dkim_domain(sv_skip(s->identity, at + 1), &s->identity_name) == 0;
}

/* RFC 8617 section 4.2.1: 1 to 50. */
static bool
instance_read(struct reader *r, const struct mail_tag *t)
{
	return num_u32(t->value, 1, 50, &r->sig->instance) == 0;
}

static bool
l_read(struct reader *r, const struct mail_tag *t)
{
	r->sig->has_length = true;
	return num_u64(t->value, 0, UINT64_MAX - 1, &r->sig->length) == 0;
}

/* "dns/txt" is the one that there is, and must be among them (RFC 6376 section 3.5). */
static bool
q_read(struct reader *r, const struct mail_tag *t)
{
	struct sv left = t->value;

	while (left.n > 0) {
		struct sv one = sv_trim(sv_cut(&left, ':'));

		if (sv_eq(one, SV("dns/txt")))
			return true;
	}
	fault_note(r->sig, DKIM_SIG_QUERY, t->value);
	return true;
}

/* Up to 12 digits: some 30,000 years. */
static bool
seconds_parse(struct sv text, bool *ret_has, int64_t *ret)
{
	uint64_t v;

	if (num_u64(text, 0, UINT64_C(999999999999), &v) < 0)
		return false;
	*ret_has = true;
	*ret = (int64_t)v;
	return true;
}

static bool
t_read(struct reader *r, const struct mail_tag *t)
{
	return seconds_parse(t->value, &r->sig->has_time, &r->sig->time);
}

static bool
x_read(struct reader *r, const struct mail_tag *t)
{
	return seconds_parse(t->value, &r->sig->has_expiry, &r->sig->expiry);
}

static bool
cv_read(struct reader *r, const struct mail_tag *t)
{
	r->sig->chain = t->value;
	return true;
}

/* --- the table --- */

/* a= before bh=: its digest's length. What is in no row is passed over (section 3.2). */
static const struct row {
	const char	*tag;
	unsigned	 needed, known;		/* by whom */
	bool		(*read)(struct reader *, const struct mail_tag *);
} rows[] = {
	{ "v", DKIM, DKIM, v_read },
	{ "a", ALL, ALL, a_read },
	{ "d", ALL, ALL, d_read },
	{ "s", ALL, ALL, s_read },
	{ "b", ALL, ALL, b_read },
	{ "bh", DKIM | AMS, DKIM | AMS, bh_read },
	{ "h", DKIM | AMS, DKIM | AMS, h_read },
	{ "c", 0, DKIM | AMS, c_read },
	{ "i", 0, DKIM, identity_read },
	{ "i", AMS | SEAL, AMS | SEAL, instance_read },
	{ "l", 0, DKIM | AMS, l_read },
	{ "q", 0, DKIM | AMS, q_read },
	{ "t", 0, ALL, t_read },
	{ "x", 0, DKIM | AMS, x_read },
	{ "cv", SEAL, SEAL, cv_read },
};

static const struct mail_tag *
tag_find(const struct mail_tags *tags, const char *name)
{
	for (size_t i = 0; i < tags->n; i++)
		if (sv_eq_str(tags->tag[i].name, name))
			return &tags->tag[i];
	return NULL;
}

static void
rows_read(struct reader *r, unsigned kind, const struct mail_tags *tags)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct mail_tag *t;

		if ((rows[i].known & kind) == 0)
			continue;
		t = tag_find(tags, rows[i].tag);
		if (t == NULL && (rows[i].needed & kind) != 0)
			fault_note(r->sig, DKIM_SIG_MISSING, sv_str(rows[i].tag));
		if (t != NULL && !rows[i].read(r, t))
			fault_note(r->sig, DKIM_SIG_VALUE, sv_str(rows[i].tag));
	}
}

/* RFC 6376 section 6.1.1: what no tag says alone. */
static void
whole_check(struct reader *r, enum dkim_kind kind)
{
	struct dkim_sig *s = r->sig;

	if (s->why != DKIM_FINE)
		return;
	if (s->identity.n == 0)
		s->identity_name = s->domain_name;
	if (key_name(&r->selector, &s->domain_name, &s->key_name) < 0)
		fault_note(s, DKIM_SIG_VALUE, sv_str("s"));
	if (!dname_within(&s->identity_name, &s->domain_name))
		fault_note(s, DKIM_SIG_IDENTITY, s->identity);
	if (s->has_time && s->has_expiry && s->expiry <= s->time)
		fault_note(s, DKIM_SIG_TIMES, sv_str("x"));
	if (kind == DKIM_SIGNATURE && !s->signs_from)
		fault_note(s, DKIM_SIG_FROM, sv_str("h"));
}

int
dkim_sig_parse(struct pool *pool, enum dkim_kind kind, const struct mail_field *field,
    struct dkim_sig *ret)
{
	struct reader r = { .pool = pool, .sig = ret };
	struct mail_tags tags;
	size_t at;

	*ret = (struct dkim_sig){ .field = field, .why = DKIM_FINE };
	if (mail_tags_parse(field->value, &tags, &at) != MAIL_TAGS_OK)
		fault_note(ret, DKIM_SIG_TAGS,
		    sv_take(sv_trim(sv_skip(field->value, at)), DKIM_QUOTE_MAX));
	rows_read(&r, FLAG(kind), &tags);
	if (r.no_memory)
		return -ENOMEM;
	whole_check(&r, kind);
	return 0;
}
