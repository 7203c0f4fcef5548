/* A message signed: which fields, the field's text, the arithmetic. */
#include <errno.h>

#include "base/err.h"
#include "mail/dkim_internal.h"

#define DNS_RSASHA256	8
#define DNS_ED25519	15

/*
 * RFC 6376 section 5.4.1 in its order, with what a reader is shown. A mailing list adds List-
 * and Resent- fields of its own and need not break a signature by that: those are oversigned
 * where there is one, or not at all.
 */
static const struct dkim_sign_name usual[] = {
#define NAME(text, over)	{ { (text), sizeof(text) - 1 }, DKIM_OVER_##over }
	NAME("From", ALWAYS),
	NAME("Reply-To", ALWAYS),
	NAME("Subject", ALWAYS),
	NAME("Date", ALWAYS),
	NAME("To", ALWAYS),
	NAME("Cc", ALWAYS),
	NAME("Message-ID", ALWAYS),
	NAME("MIME-Version", ALWAYS),
	NAME("Content-Type", ALWAYS),
	NAME("Content-Transfer-Encoding", THERE),
	NAME("In-Reply-To", ALWAYS),
	NAME("References", ALWAYS),
	NAME("Resent-Date", NEVER),
	NAME("Resent-From", NEVER),
	NAME("Resent-To", NEVER),
	NAME("Resent-Cc", NEVER),
	NAME("List-Id", THERE),
	NAME("List-Help", THERE),
	NAME("List-Unsubscribe", THERE),
	NAME("List-Unsubscribe-Post", THERE),	/* RFC 8058 section 4: both MUST be covered */
	NAME("List-Subscribe", THERE),
	NAME("List-Post", THERE),
	NAME("List-Owner", THERE),
	NAME("List-Archive", THERE),
#undef NAME
};

const struct dkim_sign_name *
dkim_sign_names(size_t *ret_n)
{
	*ret_n = ARRAY_LEN(usual);
	return usual;
}

static size_t
times_named(const struct mail_head *head, const struct dkim_sign_name *name)
{
	size_t n = mail_head_count(head, name->name);

	if (name->over == DKIM_OVER_ALWAYS || (name->over == DKIM_OVER_THERE && n > 0))
		n++;
	return n;
}

int
dkim_names_choose(struct pool *pool, const struct mail_head *head,
    const struct dkim_sign_name *names, size_t n, const struct sv **ret, size_t *ret_n)
{
	struct sv *chosen = pool_calloc(pool, DKIM_NAMES_MAX, sizeof(*chosen));
	size_t n_chosen = 0;

	if (chosen == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		size_t times = times_named(head, &names[i]);

		if (times > DKIM_NAMES_MAX - n_chosen)
			return SE_LIMIT;
		for (; times > 0; times--)
			chosen[n_chosen++] = names[i].name;
	}
	*ret = chosen;
	*ret_n = n_chosen;
	return 0;
}

/* --- the arithmetic --- */

static enum dkim_alg
priv_alg(const struct crypto_priv *key)
{
	switch (crypto_priv_alg(key)) {
	case DNS_RSASHA256:
		return DKIM_RSA_SHA256;
	case DNS_ED25519:
		return DKIM_ED25519_SHA256;
	default:
		return DKIM_NO_ALG;
	}
}

int
dkim_digest_sign(struct pool *pool, const struct crypto_priv *key,
    const uint8_t digest[static SHA256_LEN], struct sv *ret_b)
{
	struct crypto_make_tbs one = { .tbs = { (const char *)digest, SHA256_LEN } };
	size_t n = crypto_priv_sig_len(key);
	int rc;

	if (priv_alg(key) == DKIM_NO_ALG)
		return -ENOTSUP;
	if (priv_alg(key) == DKIM_RSA_SHA256 && 8 * n < DKIM_RSA_BITS_MIN)
		return -EINVAL;		/* RFC 8301 section 3.2: at least 1024 bits for all keys */
	if ((one.sig = pool_alloc(pool, n)) == NULL)
		return -ENOMEM;
	if ((rc = crypto_make_tbs_batch(key, &one, 1)) < 0)
		return rc;
	*ret_b = (struct sv){ (const char *)one.sig, n };
	return 0;
}

static int
key_sign(void *arg, const uint8_t digest[static SHA256_LEN], struct pool *pool, struct sv *ret_b)
{
	return dkim_digest_sign(pool, arg, digest, ret_b);
}

struct dkim_signer
dkim_signer_of(const struct crypto_priv *key)
{
	return (struct dkim_signer){ priv_alg(key), key_sign, (void *)(uintptr_t)key };
}

/* --- the field --- */

int
dkim_domain_text(struct pool *pool, struct sv text, struct sv *ret)
{
	struct dname name;

	if (dkim_domain(text, &name) < 0)
		return -EINVAL;
	*ret = mail_name_text(pool, &name);
	return ret->p == NULL ? -ENOMEM : 0;
}

/* dkim-quoted-printable (RFC 6376 section 2.11). */
static void
quoted_put(struct buf *b, struct sv text)
{
	for (size_t i = 0; i < text.n; i++) {
		unsigned char c = (unsigned char)text.p[i];

		if (c > ' ' && c < 0x7f && c != ';' && c != '=')
			buf_char(b, (char)c);
		else
			buf_printf(b, "=%02X", c);
	}
}

static const char *
canon_text(const struct dkim_sign *s)
{
	static const char *const texts[MAIL_CANON_MAX][MAIL_CANON_MAX] = {
		[MAIL_SIMPLE] = { "simple/simple", "simple/relaxed" },
		[MAIL_RELAXED] = { "relaxed/simple", "relaxed/relaxed" },
	};

	return texts[s->head_canon][s->body_canon];
}

/* All of it up to "b=". */
static void
field_write(struct dkim_fold *f, const struct dkim_sign *s, const struct dkim_sig *sig,
    const uint8_t body[static SHA256_LEN])
{
	dkim_fold_init(f, f->out, "DKIM-Signature");
	dkim_fold_tag(f, "v", SV("1"));
	dkim_fold_tag(f, "a", sv_str(dkim_alg_name(sig->alg)));
	dkim_fold_tag(f, "c", sv_str(canon_text(s)));
	dkim_fold_tag(f, "d", sig->domain);
	dkim_fold_tag(f, "s", sig->selector);
	if (s->time > 0)
		dkim_fold_number(f, "t", s->time);
	if (s->expiry > 0)
		dkim_fold_number(f, "x", s->expiry);
	if (sig->identity.n > 0)
		dkim_fold_tag(f, "i", sig->identity);
	dkim_fold_names(f, "h", sig->names, sig->n_names);
	dkim_fold_octets(f, "bh", body, SHA256_LEN);
	dkim_fold_b(f);
}

/* i= is at or below d= (section 3.5), and has an "@". */
static int
identity_take(struct pool *pool, struct sv identity, struct dkim_sig *sig)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	size_t at = sv_rfind(identity, '@');
	struct dname name, domain;

	if (identity.n == 0)
		return 0;
	if (identity.n > DKIM_IDENTITY_MAX || at == identity.n ||
	    dkim_domain(sv_skip(identity, at + 1), &name) < 0 ||
	    dkim_domain(sig->domain, &domain) < 0 || !dname_within(&name, &domain))
		return -EINVAL;
	quoted_put(&b, identity);
	if (b.rc < 0)
		return b.rc;
	sig->identity = pool_sv(pool, buf_get(&b));
	return sig->identity.p == NULL ? -ENOMEM : 0;
}

/* What the field will say, as the value that verifying works with. */
static int
sig_init(struct pool *pool, const struct mail_head *head, const struct dkim_sign *s,
    struct dkim_sig *sig)
{
	const struct dkim_sign_name *names = s->names;
	size_t n = s->n_names;
	int rc;

	if (names == NULL)
		names = dkim_sign_names(&n);
	*sig = (struct dkim_sig){ .alg = s->by.alg, .head_canon = s->head_canon };
	if (!dkim_alg_can_sign(sig->alg))
		return -ENOTSUP;
	if ((s->expiry > 0 && s->expiry <= s->time) || mail_head_count(head, SV("From")) == 0)
		return -EINVAL;
	if ((rc = dkim_domain_text(pool, s->domain, &sig->domain)) < 0 ||
	    (rc = dkim_domain_text(pool, s->selector, &sig->selector)) < 0 ||
	    (rc = identity_take(pool, s->identity, sig)) < 0 ||
	    (rc = dkim_names_choose(pool, head, names, n, &sig->names, &sig->n_names)) < 0)
		return rc;
	for (size_t i = 0; i < sig->n_names; i++)
		sig->signs_from |= sv_caseeq(sig->names[i], SV("From"));
	return sig->signs_from && sv_find(sig->domain, '.') < sig->domain.n ? 0 : -EINVAL;
}

/* The digest of the head and the field so far, which ends in "b=". */
static int
head_sign(struct pool *pool, const struct mail_head *head, const struct dkim_sign *s,
    struct dkim_sig *sig, struct sv text, struct sv *ret_b)
{
	size_t colon = sv_find(text, ':');
	struct mail_field self = { text, sv_take(text, colon), sv_skip(text, colon + 1) };
	uint8_t digest[SHA256_LEN];
	int rc;

	sig->field = &self;
	sig->b_at = text.n;
	rc = dkim_head_digest(head, sig, NULL, digest);
	sig->field = NULL;
	return rc < 0 ? rc : s->by.sign(s->by.arg, digest, pool, ret_b);
}

int
dkim_sign(struct pool *pool, const struct mail_head *head, const uint8_t body[static SHA256_LEN],
    const struct dkim_sign *s, struct sv *ret_field)
{
	_cleanup_(buf_done) struct buf out = BUF_INIT;
	struct dkim_fold f = { .out = &out };
	struct dkim_sig sig;
	struct sv b, field;
	int rc;

	if ((rc = sig_init(pool, head, s, &sig)) < 0)
		return rc;
	field_write(&f, s, &sig, body);
	if (out.rc < 0)
		return out.rc;
	if ((rc = head_sign(pool, head, s, &sig, buf_get(&out), &b)) < 0)
		return rc;
	dkim_fold_b_octets(&f, b.p, b.n);
	if (out.rc < 0)
		return out.rc;
	if ((field = pool_sv(pool, buf_get(&out))).p == NULL)
		return -ENOMEM;
	*ret_field = field;
	return 0;
}
