/*
 * Trust anchor keys (RFC 9691): a trust anchor says under which key and where
 * its certificate is, and which key comes next.
 */
#include <errno.h>
#include <string.h>

#include "base/hash.h"
#include "base/json.h"
#include "rpki/internal.h"

struct reading {
	struct pool	*pool;
	const char	*why;		/* the first that is wrong */
};

static void
wrong(struct reading *r, const char *why)
{
	if (r->why == NULL)
		r->why = why;
}

static void
comments_parse(struct der *d, struct reading *r)
{
	struct der list = der_enter(d, DER_SEQUENCE);
	size_t n = 0;

	while (der_peek(&list) != 0) {
		struct sv s = der_value(&list, DER_UTF8);

		if (s.n > RPKI_TAK_COMMENT_MAX || n++ == RPKI_TAK_COMMENTS_MAX)
			wrong(r, N_("its comments are too long or too many"));
		for (size_t len; s.n > 0; s = sv_skip(s, len))
			if ((len = utf8_len(s)) == 0) {
				wrong(r, N_("a comment is not UTF-8 text"));
				break;
			}
	}
}

static void
uris_parse(struct der *d, struct tak_key *k, struct reading *r)
{
	struct der list = der_enter(d, DER_SEQUENCE);

	while (der_peek(&list) != 0) {
		struct sv uri = der_value(&list, DER_IA5);

		if (!der_ok(d))
			return;
		if (!rsync_uri_valid(uri) && !https_uri_valid(uri))
			wrong(r, N_("a certificate's address is neither an rsync nor an https URI"));
		else if (k->n_uris < ARRAY_LEN(k->uris))
			k->uris[k->n_uris++] = uri;
		else
			wrong(r, N_("it has too many addresses of a certificate"));
	}
	if (der_ok(d) && k->n_uris == 0)
		wrong(r, N_("a key has no address of its certificate"));
}

static void
spki_parse(struct der *d, struct tak_key *k, struct reading *r)
{
	struct der copy = *d, spki, alg;
	struct sv oid, bits;
	bool good = false;
	uint8_t tag;

	k->spki = der_whole(&copy, DER_SEQUENCE);
	spki = der_enter(d, DER_SEQUENCE);
	alg = der_enter(&spki, DER_SEQUENCE);
	oid = der_oid(&alg);
	if (sv_eq(oid, oid_rsa_encryption)) {
		der_null(&alg);
		der_end(&alg);
		good = rsa_key_parse(&spki, &k->modulus, &k->exponent, &bits);
	} else {
		while (der_peek(&alg) != 0)
			(void)der_any(&alg, &tag, NULL);
		bits = der_octet_bits(&spki);
	}
	der_end(&spki);
	if (!der_ok(d))
		return;
	if (!good)
		wrong(r, N_("a key is not RSA with 2048 bits and exponent 65537"));
	crypto_sha1(bits.p, bits.n, k->ski);
}

/* TAKey, already entered: comments, certificateURIs, subjectPublicKeyInfo. */
static void
key_parse(struct der *d, struct tak_key *k, struct reading *r)
{
	struct der seq = der_enter(d, DER_SEQUENCE);

	der_at(d, "comments");
	comments_parse(&seq, r);
	der_at(d, "certificateURIs");
	uris_parse(&seq, k, r);
	der_at(d, "subjectPublicKeyInfo");
	spki_parse(&seq, k, r);
	der_end(&seq);
}

/* [n] EXPLICIT TAKey OPTIONAL */
static bool
other_key_parse(struct der *seq, uint8_t n, const char *where, struct tak_key *k,
    struct reading *r)
{
	struct der d;

	if (der_peek(seq) != DER_CTX_C(n))
		return false;
	der_at(seq, where);
	d = der_enter(seq, DER_CTX_C(n));
	key_parse(&d, k, r);
	der_end(&d);
	return true;
}

int
tak_parse(struct pool *pool, struct sv content, struct findings *fs, struct rpki_object *o)
{
	struct tak *t = pool_alloc(pool, sizeof(*t));
	struct reading r = { .pool = pool };
	struct der_doc doc;
	struct der d = der_on(&doc, content), seq;

	if (t == NULL)
		return -ENOMEM;
	der_at(&d, "TAK");
	seq = der_enter(&d, DER_SEQUENCE);
	der_end(&d);
	if (der_peek(&seq) == DER_INTEGER) {	/* DEFAULT 0 is never written */
		(void)der_integer(&seq);
		wrong(&r, N_("its version is not 0, or is written although it is"));
	}
	der_at(&d, "current");
	key_parse(&seq, &t->current, &r);
	t->has_predecessor = other_key_parse(&seq, 0, "predecessor", &t->predecessor, &r);
	t->has_successor = other_key_parse(&seq, 1, "successor", &t->successor, &r);
	der_at(&d, "TAK");
	der_end(&seq);
	if (der_report(&doc, fs))
		return 0;
	if (r.why != NULL) {
		finding_add(fs, F(RPKI_TAK_CONTENT), FA_MSG("why", r.why));
		return 0;
	}
	o->tak = t;
	return 0;
}

static bool
key_is(const struct tak_key *k, const struct rpki_ca *ca)
{
	return sv_eq(k->modulus, ca->modulus) && k->exponent == ca->exponent;
}

static void
key_told(struct findings *fs, const struct finding_def *def, const struct tak_key *k)
{
	finding_add(fs, def, FA_HEX("key", k->ski, SHA1_LEN), FA_SV("uri", k->uris[0]));
}

/* RFC 9691 section 2.3: whose key is it, and is it the current one? */
static void
keys_check(const struct tak *t, const struct rpki_ca *ca, struct findings *fs)
{
	if (ca->parent != NULL)
		finding_add(fs, F(RPKI_TAK_PLACE), FA_MSG("why",
		    N_("the CA that issued it is no trust anchor")));
	else if (!key_is(&t->current, ca))
		finding_add(fs, F(RPKI_TAK_PLACE), FA_MSG("why",
		    N_("its current key is not the trust anchor's")));
	if (ca->parent == NULL && t->has_predecessor && key_is(&t->predecessor, ca))
		key_told(fs, F(RPKI_TAK_PREDECESSOR), &t->current);
}

void
tak_check(const struct rpki_object *o, const struct cert *ee, const struct rpki_ca *ca,
    size_t n_listed, struct findings *fs)
{
	const struct resources *r = &ee->res;

	if (n_listed > 1)
		finding_add(fs, F(RPKI_TAK_PLACE), FA_MSG("why",
		    N_("the manifest lists more than one of them")));
	if ((r->v4.present && !r->v4.inherit) || (r->v6.present && !r->v6.inherit) ||
	    (r->as.present && !r->as.inherit))
		finding_add(fs, F(RPKI_TAK_PLACE), FA_MSG("why",
		    N_("its certificate has resources of its own instead of inheriting them")));
	if (o->tak == NULL)
		return;
	if (ca != NULL)
		keys_check(o->tak, ca, fs);
	if (o->tak->has_successor && !findings_reject(fs))
		key_told(fs, F(RPKI_TAK_SUCCESSOR), &o->tak->successor);
}
