/* Keys of a mail world: from its seed and their names, so that the same world has the same. */
#include <errno.h>

#include "base/base64.h"
#include "base/rd.h"
#include "lab/mail_internal.h"

#define KEY_BITS	2048
#define KEY_E		65537

/* A number for this key and no other one. */
static void
seed_make(const struct lab_mail *w, const struct lab_mail_key *k, uint8_t ret[static SHA256_LEN])
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;

	buf_printf(&b, "sekisho lab mail %llu %.*s %.*s", (unsigned long long)w->seed,
	    SV_ARG(k->selector), SV_ARG(k->domain));
	crypto_sha256(b.p, b.len, ret);
}

static int
rsa_make(const uint8_t seed[static SHA256_LEN], struct crypto_priv **ret)
{
	static const uint8_t e[] = { 1, 0, 1 };
	_cleanup_(crypto_signer_freep) struct crypto_signer *s =
	    crypto_signer_odd(be64_at(seed), KEY_BITS, KEY_E);
	struct crypto_odd o;
	int rc;

	if (s == NULL)
		return -ENOMEM;
	if ((rc = crypto_signer_numbers(s, &o)) < 0)
		return rc;
	return crypto_priv_import(8, &(struct crypto_numbers){
		.n = { (const char *)o.n, sizeof(o.n) }, .e = { (const char *)e, sizeof(e) },
		.d = { (const char *)o.d, sizeof(o.d) }, .p = { (const char *)o.p, sizeof(o.p) },
		.q = { (const char *)o.q, sizeof(o.q) } }, ret);
}

int
lab_mail_key_make(const struct lab_mail *w, struct lab_mail_key *k)
{
	uint8_t seed[SHA256_LEN];

	seed_make(w, k, seed);
	if (k->alg == 8)
		return rsa_make(seed, &k->priv);
	return crypto_priv_import(k->alg, &(struct crypto_numbers){
		.private_key = { (const char *)seed, sizeof(seed) } }, &k->priv);
}

/* --- as a record --- */

/* RSAPublicKey's octets behind RFC 3110's: its exponent has 3 octets, its modulus 256. */
static void
spki_put(struct buf *b, struct sv rfc3110)
{
	static const uint8_t head[] = { 0x30, 0x82, 0x01, 0x22, 0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86,
	    0x48,
	    0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00, 0x03, 0x82, 0x01, 0x0f, 0x00, 0x30,
	    0x82,
	    0x01, 0x0a, 0x02, 0x82, 0x01, 0x01, 0x00 };
	static const uint8_t tail[] = { 0x02, 0x03, 0x01, 0x00, 0x01 };

	buf_bytes(b, head, sizeof(head));
	buf_sv(b, sv_skip(rfc3110, 4));
	buf_bytes(b, tail, sizeof(tail));
}

void
lab_mail_key_record(const struct lab_mail_key *k, struct buf *b)
{
	_cleanup_(buf_done) struct buf der = BUF_INIT;
	char text[512];

	buf_printf(b, "v=DKIM1; k=%s;%s p=", k->alg == 8 ? "rsa" : "ed25519",
	    k->is_testing ? " t=y;" : "");
	if (k->is_revoked || k->priv == NULL)
		return;
	if (k->alg == 8)
		spki_put(&der, crypto_priv_public(k->priv));
	else
		buf_sv(&der, crypto_priv_public(k->priv));
	if (der.rc < 0 || der.len > sizeof(text) / 4 * 3) {
		b->rc = der.rc < 0 ? der.rc : -ERANGE;
		return;
	}
	buf_bytes(b, text, base64_encode(text, der.p, der.len));
}
