/* Key records (RFC 6376 section 3.6.1, RFC 8301, RFC 8463), and which of them fits a signature. */
#include <errno.h>

#include "base/base64.h"
#include "mail/dkim.h"

#define ED25519_LEN	32

static void
fault_note(struct dkim_key *k, enum dkim_code why, struct sv what)
{
	if (k->why != DKIM_FINE)
		return;
	k->why = why;
	k->what = what;
}

/* Is it one of those between colons? */
static bool
has_word(struct sv list, struct sv word)
{
	while (list.n > 0)
		if (sv_eq(sv_trim(sv_cut(&list, ':')), word))
			return true;
	return false;
}

/* --- p= --- */

/* RFC 8301 section 3.2: less than 1024 bits MUST NOT count as valid; 4096 must be possible. */
static int
rsa_take(struct pool *pool, struct sv octets, struct dkim_key *k)
{
	int rc = dkim_key_rsa(pool, octets, &k->public_key, &k->bits);

	if (rc == -EINVAL)
		fault_note(k, DKIM_KEY_DER, sv_str("p"));
	else if (rc == 0 && k->bits < DKIM_RSA_BITS_MIN)
		fault_note(k, DKIM_KEY_SHORT, sv_str("p"));
	else if (rc == 0 && k->bits > DKIM_RSA_BITS_MAX)
		fault_note(k, DKIM_KEY_LONG, sv_str("p"));
	return rc == -ENOMEM ? rc : 0;
}

/* RFC 8463 section 4.2: the public key's octets as they are, no SubjectPublicKeyInfo. */
static int
ed25519_take(struct sv octets, struct dkim_key *k)
{
	k->public_key = octets;
	k->bits = 8 * ED25519_LEN;
	if (octets.n != ED25519_LEN)
		fault_note(k, DKIM_KEY_DER, sv_str("p"));
	return 0;
}

static int
p_take(struct pool *pool, struct sv p, struct dkim_key *k)
{
	struct sv octets = { NULL, 0 };
	uint8_t *room;

	if (p.p == NULL) {
		fault_note(k, DKIM_KEY_MISSING, sv_str("p"));
		return 0;
	}
	/* "An empty value means that this public key has been revoked." */
	if (p.n == 0)
		fault_note(k, DKIM_KEY_REVOKED, sv_str("p"));
	if (p.n == 0 || k->type == DKIM_KEY_OTHER)
		return 0;
	if ((room = pool_alloc(pool, base64_room(p.n))) == NULL)
		return -ENOMEM;
	octets.p = (const char *)room;
	if (base64_decode(room, p, &octets.n) < 0) {
		fault_note(k, DKIM_KEY_BASE64, sv_str("p"));
		return 0;
	}
	return k->type == DKIM_KEY_RSA ? rsa_take(pool, octets, k) : ed25519_take(octets, k);
}

/* --- the record --- */

/* "If specified, this tag MUST be set to "DKIM1" (without the quotes)." It "MUST be the first". */
static bool
version_ok(const struct mail_tags *tags)
{
	struct sv v = mail_tag_get(tags, "v");

	return v.p == NULL || (sv_eq(tags->tag[0].name, SV("v")) && sv_eq(v, SV("DKIM1")));
}

static enum dkim_key_type
type_of(struct sv k)
{
	if (k.p == NULL || sv_eq(k, SV("rsa")))
		return DKIM_KEY_RSA;
	return sv_eq(k, SV("ed25519")) ? DKIM_KEY_ED25519 : DKIM_KEY_OTHER;
}

static void
lists_take(const struct mail_tags *tags, struct dkim_key *k)
{
	struct sv h = mail_tag_get(tags, "h"), s = mail_tag_get(tags, "s");
	struct sv t = mail_tag_get(tags, "t");

	k->has_sha256 = h.p == NULL || has_word(h, SV("sha256"));
	k->is_testing = t.p != NULL && has_word(t, SV("y"));
	k->is_strict = t.p != NULL && has_word(t, SV("s"));
	if (s.p != NULL && !has_word(s, SV("*")) && !has_word(s, SV("email")))
		fault_note(k, DKIM_KEY_SERVICE, s);
}

int
dkim_key_parse(struct pool *pool, struct sv text, struct dkim_key *ret)
{
	struct mail_tags tags;
	size_t at;

	*ret = (struct dkim_key){ .why = DKIM_FINE };
	if (text.n > DKIM_RECORD_MAX) {
		fault_note(ret, DKIM_KEY_TAGS, sv_take(text, DKIM_QUOTE_MAX));
		return 0;
	}
	if (mail_tags_parse(text, &tags, &at) != MAIL_TAGS_OK)
		fault_note(ret, DKIM_KEY_TAGS, sv_take(sv_skip(text, at), DKIM_QUOTE_MAX));
	if (!version_ok(&tags))
		fault_note(ret, DKIM_KEY_VERSION, sv_take(text, DKIM_QUOTE_MAX));
	if (ret->why != DKIM_FINE)
		return 0;
	lists_take(&tags, ret);
	ret->type = type_of(mail_tag_get(&tags, "k"));
	return p_take(pool, mail_tag_get(&tags, "p"), ret);
}

/* --- for a signature --- */

/* RFC 6376 section 6.1.2, steps 6 and 7, and t=s of section 3.6.1. */
static void
fit_check(struct dkim_key *k, const struct dkim_sig *s)
{
	enum dkim_key_type wanted = s->alg == DKIM_ED25519_SHA256 ? DKIM_KEY_ED25519 : DKIM_KEY_RSA;

	if (k->why != DKIM_FINE)
		return;
	if (k->type != wanted)
		fault_note(k, DKIM_KEY_TYPE, s->alg_text);
	if (!k->has_sha256)
		fault_note(k, DKIM_KEY_HASH, SV("sha256"));
	if (k->is_strict && !dname_eq(&s->identity_name, &s->domain_name))
		fault_note(k, DKIM_KEY_STRICT, s->identity);
}

/* A name may have other TXT records, or a wildcard's: of several faults, that of a key is told. */
static unsigned
rank(enum dkim_code why)
{
	if (why == DKIM_KEY_NONE || why == DKIM_KEY_DNS)
		return 0;
	return why == DKIM_KEY_TAGS || why == DKIM_KEY_VERSION || why == DKIM_KEY_MISSING ? 1 : 2;
}

static void
key_add(struct dkim_keys *ks, const struct dkim_key *k)
{
	ks->n_records += rank(k->why) > 1;
	if (k->why == DKIM_FINE && ks->n < DKIM_KEYS_MAX) {
		ks->key[ks->n++] = *k;
		ks->why = DKIM_FINE;
	}
	if (ks->n > 0 || rank(k->why) <= rank(ks->why))
		return;
	ks->key[0] = *k;
	ks->why = k->why;
	ks->what = k->what;
}

static enum dkim_code
answer_fault(const struct mail_answer *a)
{
	return a->rcode == MAIL_DNS_FAILED ? DKIM_KEY_DNS : DKIM_KEY_NONE;
}

/* What is far too long for a key is not joined first: 64 kB, of each of its records. */
static struct sv
record_text(struct pool *pool, struct sv rdata)
{
	return rdata.n > 2 * DKIM_RECORD_MAX ? sv_skip(rdata, 1) : mail_txt(pool, rdata);
}

/*
 * Section 6.1.2: "If the query for the public key returns multiple key records, the Verifier
 * can choose one of the key records or may cycle through the key records". All that fit, up
 * to a limit, so that their order makes no difference.
 */
int
dkim_keys_find(struct pool *pool, const struct mail_answer *a, const struct dkim_sig *s,
    struct dkim_keys *ret)
{
	struct dkim_key k;
	struct sv text;
	int rc;

	*ret = (struct dkim_keys){ .why = answer_fault(a) };
	for (size_t i = 0; i < min_size(a->n, DKIM_RECORDS_MAX); i++) {
		if ((text = record_text(pool, a->rdata[i])).p == NULL)
			return -ENOMEM;
		if ((rc = dkim_key_parse(pool, text, &k)) < 0)
			return rc;
		fit_check(&k, s);
		key_add(ret, &k);
	}
	return 0;
}
