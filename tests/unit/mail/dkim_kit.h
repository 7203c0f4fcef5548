/* Messages signed with any tags, and verified against a DNS out of rows: for the tests of DKIM. */
#ifndef TESTS_UNIT_MAIL_DKIM_KIT_H
#define TESTS_UNIT_MAIL_DKIM_KIT_H

#include "../tap.h"
#include "base/base64.h"
#include "dns_fake.h"
#include "mail/dkim.h"

#define KIT_NOW		1795400000	/* 2026-11-23 */

struct kit {
	struct pool		*pool, *again;
	struct dns_fake		*dns;
	struct findings		 fs;
	struct mail_head	 head;
	struct dkim		 dkim;
	struct dkim_verdict	*v;
	unsigned		 n_waits;
};

static inline void
kit_init(struct kit *k)
{
	*k = (struct kit){ .pool = pool_new(MAIL_POOL_MAX), .again = pool_new(MAIL_POOL_MAX), .dns = dns_fake_new() };
	assert_non_null(k->pool);
	assert_non_null(k->again);
	assert_non_null(k->dns);
}

static inline void
kit_done(struct kit *k)
{
	(void)pool_free(k->pool);
	(void)pool_free(k->again);
	(void)dns_fake_free(k->dns);
}

/* The record of a key; extra: tags before p=. */
static inline const char *
kit_record(struct kit *k, const struct crypto_priv *key, const char *extra)
{
	struct sv pub = crypto_priv_public(key);
	static const uint8_t alg[] = { 0x30, 13, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1, 5, 0 };
	uint8_t der[700];
	char text[1400];
	struct wr w = wr_mem(der, sizeof(der));

	if (crypto_priv_alg(key) == 15) {
		text[base64_encode(text, pub.p, pub.n)] = 0;
		return pool_printf(k->pool, "v=DKIM1; k=ed25519; %sp=%s", extra, text);
	}
	/* RFC 3110's "3, 1 0 1, modulus" of 1024 bits as SubjectPublicKeyInfo */
	assert_int_equal(pub.n, 4 + 128);
	wr_bytes(&w, "\x30\x81\x9f", 3);
	wr_bytes(&w, alg, sizeof(alg));
	wr_bytes(&w, "\x03\x81\x8d\0\x30\x81\x89\x02\x81\x81\0", 11);
	wr_bytes(&w, pub.p + 4, 128);
	wr_bytes(&w, "\x02\x03\1\0\1", 5);
	assert_true(wr_done(&w));
	text[base64_encode(text, der, w.len)] = 0;
	return pool_printf(k->pool, "v=DKIM1; %sp=%s", extra, text);
}

static inline void
kit_publish(struct kit *k, const char *name, const char *record)
{
	assert_int_equal(dns_fake_add_txt(k->dns, sv_str(name), sv_str(record)), 0);
}

static inline void
kit_body(struct sv body, struct mail_body_want *wants, size_t n)
{
	struct mail_body *b = NULL;

	assert_int_equal(mail_body_new(wants, n, &b), 0);
	mail_body_feed(b, body);
	mail_body_end(b);
	(void)mail_body_free(b);
}

/* With a field on top that has these tags, bh= and b=. */
static inline struct sv
kit_sign(struct kit *k, const struct crypto_priv *key, const char *tags, struct sv message)
{
	struct mail_body_want want = { .max = UINT64_MAX };
	struct mail_field f = { .name = SV("DKIM-Signature") };
	struct mail_head head;
	struct dkim_sig s;
	struct sv body, b;
	uint8_t digest[SHA256_LEN];
	char bh[64], text[1024];

	findings_init(&k->fs, k->pool);
	mail_head_init(&head, k->pool);
	assert_int_equal(mail_head_parse(&head, message, &body, &k->fs), 0);
	f.raw = sv_str(pool_printf(k->pool, "DKIM-Signature: %s; bh=%044d; b=AA==", tags, 0));
	f.value = sv_skip(f.raw, 15);
	assert_int_equal(dkim_sig_parse(k->pool, DKIM_SIGNATURE, &f, &s), 0);
	want.canon = s.body_canon;
	if (s.has_length)
		want.max = s.length;
	kit_body(body, &want, 1);
	bh[base64_encode(bh, want.digest, SHA256_LEN)] = 0;
	f.raw = sv_str(pool_printf(k->pool, "DKIM-Signature: %s; bh=%s; b=", tags, bh));
	f.value = sv_skip(f.raw, 15);
	s.b_at = f.raw.n;
	s.b_len = 0;
	assert_int_equal(dkim_head_digest(&head, &s, NULL, digest), 0);
	assert_int_equal(dkim_digest_sign(k->pool, key, digest, &b), 0);
	text[base64_encode(text, b.p, b.n)] = 0;
	return sv_str(pool_printf(k->pool, "%.*s%s\r\n%.*s", SV_ARG(f.raw), text, SV_ARG(message)));
}

/* The message with the first of one text replaced. */
static inline struct sv
kit_change(struct kit *k, struct sv message, const char *from, const char *to)
{
	size_t n = strlen(from), at = 0;

	while (at + n <= message.n && memcmp(message.p + at, from, n) != 0)
		at++;
	assert_true(at + n <= message.n);
	return sv_str(pool_printf(k->pool, "%.*s%s%.*s", (int)at, message.p, to,
	    (int)(message.n - at - n), message.p + at + n));
}

static inline void
kit_check(struct kit *k, struct sv message, int64_t now)
{
	struct mail_ask ask = { .find = dns_fake_find, .arg = k->dns };
	struct sv body;
	int rc;

	findings_init(&k->fs, k->pool);
	mail_head_init(&k->head, k->pool);
	assert_int_equal(mail_head_parse(&k->head, message, &body, &k->fs), 0);
	assert_int_equal(dkim_begin(k->pool, &k->head, &k->dkim), 0);
	kit_body(body, k->dkim.wants, k->dkim.n_wants);
	for (k->n_waits = 0;; k->n_waits++) {
		pool_reset(k->again);
		findings_init(&k->fs, k->again);
		if ((rc = dkim_check(&k->dkim, now, k->again, &ask, &k->fs, &k->v)) != MAIL_WAIT)
			break;
		dns_fake_learn(k->dns, &ask);
	}
	assert_int_equal(rc, 0);
}

static inline bool
kit_has(const struct kit *k, enum dkim_code code)
{
	for (const struct finding *f = k->fs.head; f != NULL; f = f->next)
		if (f->def == &dkim_findings[code])
			return true;
	return false;
}

#endif
