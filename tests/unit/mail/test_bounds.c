/*
 * What a hostile message or zone costs, counted: questions, digests, signatures, comparisons and
 * the octets of pools. No clocks. The linker hands the calls through here (meson.build).
 */
#include <errno.h>

#include "dkim_kit.h"
#include "mail/judge.h"
#include "mail/story.h"

/* --- what is counted --- */

static struct counts {
	size_t	n_verified;	/* signatures given to the arithmetic */
	size_t	n_hashed;	/* octets of the head, and of keys' names */
	size_t	n_body;		/* octets of the body in all forms, and of what seals cover */
	size_t	n_compared;	/* names of fields */
	size_t	n_keys;		/* made ready */
} counts;

int __real_crypto_verify_batch(struct crypto_verify *, size_t);
int __wrap_crypto_verify_batch(struct crypto_verify *, size_t);
void __real_crypto_sha256(const void *, size_t, uint8_t ret[static SHA256_LEN]);
void __wrap_crypto_sha256(const void *, size_t, uint8_t ret[static SHA256_LEN]);
void __real_crypto_sha256_update(struct crypto_sha256 *, const void *, size_t);
void __wrap_crypto_sha256_update(struct crypto_sha256 *, const void *, size_t);
int __real_crypto_pub_new(uint8_t, struct sv, struct crypto_pub **);
int __wrap_crypto_pub_new(uint8_t, struct sv, struct crypto_pub **);
bool __real_sv_caseeq(struct sv, struct sv);
bool __wrap_sv_caseeq(struct sv, struct sv);

int
__wrap_crypto_verify_batch(struct crypto_verify *v, size_t n)
{
	counts.n_verified += n;
	return __real_crypto_verify_batch(v, n);
}

void
__wrap_crypto_sha256(const void *p, size_t n, uint8_t ret[static SHA256_LEN])
{
	counts.n_hashed += n;
	__real_crypto_sha256(p, n, ret);
}

void
__wrap_crypto_sha256_update(struct crypto_sha256 *s, const void *p, size_t n)
{
	counts.n_body += n;
	__real_crypto_sha256_update(s, p, n);
}

int
__wrap_crypto_pub_new(uint8_t alg, struct sv public_key, struct crypto_pub **ret)
{
	counts.n_keys++;
	return __real_crypto_pub_new(alg, public_key, ret);
}

bool
__wrap_sv_caseeq(struct sv a, struct sv b)
{
	counts.n_compared++;
	return __real_sv_caseeq(a, b);
}

/* --- one message, judged with a DNS that is slow --- */

struct place {
	struct kit		k;
	struct pool		*kept, *pool;
	struct findings		 kept_fs, fs;
	struct mail_head	 head;
	struct mail_judge	 j;
	struct mail_judge_in	 in;
	struct mail_judge_out	 out;
	struct authres		 said;
	size_t			 n_rounds;
};

static void
place_init(struct place *p)
{
	*p = (struct place){ .kept = pool_new(MAIL_POOL_MAX), .pool = pool_new(MAIL_POOL_MAX) };
	kit_init(&p->k);
	dns_fake_slow(p->k.dns, true);
	p->in = (struct mail_judge_in){ .receiver = SV("here.test"), .now = KIT_NOW };
	counts = (struct counts){ 0 };
}

static void
place_done(struct place *p)
{
	mail_judge_done(&p->j);
	(void)pool_free(p->kept);
	(void)pool_free(p->pool);
	kit_done(&p->k);
}

/* From an address whose owner says with SPF who sends for it. */
static void
place_envelope(struct place *p, const char *sender)
{
	p->in.has_client = p->in.has_sender = true;
	p->in.sender = sv_str(sender);
	p->in.helo = SV("helo.test");
	assert_int_equal(ip_prefix_parse_host(SV("192.0.2.7"), &p->in.client), 0);
}

static void
place_judge(struct place *p, struct sv text)
{
	struct mail_ask ask = { .find = dns_fake_find, .arg = p->k.dns };
	struct mail_story story;
	struct sv body;
	int rc;

	findings_init(&p->kept_fs, p->kept);
	mail_head_init(&p->head, p->kept);
	assert_int_equal(mail_head_parse(&p->head, text, &body, &p->kept_fs), 0);
	assert_int_equal(mail_judge_begin(p->kept, &p->head, &p->kept_fs, &p->j), 0);
	mail_judge_body(&p->j, body);
	mail_judge_body_end(&p->j);
	for (;; p->n_rounds++) {
		pool_reset(p->pool);
		findings_init(&p->fs, p->pool);
		rc = mail_judge_check(&p->j, &p->in, p->pool, &ask, &p->fs, &p->out);
		if (rc != MAIL_WAIT)
			break;
		assert_true(p->n_rounds < 100);
		dns_fake_learn(p->k.dns, &ask);
	}
	assert_int_equal(rc, 0);
	/* Whatever was met, there is room to say it. */
	assert_int_equal(mail_story_find(p->pool, &p->j, &p->in, &p->out, findings_reject(&p->kept_fs), &story), 0);
	assert_int_equal(mail_judge_say(&p->j, &p->in, &p->out, SV("here.test"), p->pool, &p->said), 0);
	assert_true(pool_used(p->kept) <= MAIL_POOL_MAX + MAIL_SPARE);
	assert_true(pool_used(p->pool) <= MAIL_POOL_MAX + MAIL_SPARE);
}

static size_t
asked(const struct place *p)
{
	return dns_fake_learned(p->k.dns);
}

static bool
has_code(const struct findings *fs, const char *code)
{
	for (const struct finding *f = fs->head; f != NULL; f = f->next)
		if (strcmp(f->def->code, code) == 0)
			return true;
	return false;
}

#define HEAD	"From: x@example.jp\r\nTo: y@here.test\r\nSubject: hello\r\n"

/* --- signatures --- */

#define TAGS	"v=1; a=ed25519-sha256; c=relaxed/relaxed; d=mail.example.jp; s=s; h=From:To:Subject"

static struct crypto_priv *
key_make(struct place *p)
{
	struct crypto_priv *key = NULL;

	assert_int_equal(crypto_priv_generate(15, 0, &key), 0);
	kit_publish(&p->k, "s._domainkey.mail.example.jp", kit_record(&p->k, key, ""));
	return key;
}

/* One signature that holds, a thousand times. */
static void
test_signatures(void **state)
{
	_cleanup_(crypto_priv_freep) struct crypto_priv *key = NULL;
	struct buf b = BUF_INIT;
	struct place p;
	struct sv text, field;

	(void)state;
	place_init(&p);
	key = key_make(&p);
	kit_publish(&p.k, "_dmarc.example.jp", "v=DMARC1; p=reject");
	text = kit_sign(&p.k, key, TAGS, SV(HEAD "\r\nHello.\r\n"));
	field = sv_take(text, sv_find(text, '\n') + 1);
	for (size_t i = 1; i < 1000; i++)
		buf_sv(&b, field);
	buf_sv(&b, text);
	counts = (struct counts){ 0 };
	place_judge(&p, buf_get(&b));
	assert_true(has_code(&p.fs, "DKIM_SIG_MANY"));
	assert_int_equal(p.out.n_dkim, DKIM_SIGS_MAX);
	for (size_t i = 0; i < DKIM_SIGS_MAX; i++)
		assert_int_equal(p.out.dkim[i].result, MAIL_PASS);
	/* DMARC had to be waited for behind them, and nothing was computed twice. */
	assert_int_equal(p.n_rounds, 2);
	assert_int_equal(counts.n_verified, DKIM_SIGS_MAX);
	assert_true(counts.n_hashed <= DKIM_SIGS_MAX * (2 * field.n + sizeof(HEAD)));
	assert_int_equal(counts.n_body, 8);
	/* The key once; _dmarc of three names, and two that have to be there. */
	assert_true(asked(&p) <= 8);
	assert_true(pool_used(p.kept) < 300 * 1000 && pool_used(p.pool) < 100 * 1000);
	buf_done(&b);
	place_done(&p);
}

/* --- keys kept --- */

#define N_KEYS	6

/* A signature with each of six keys. */
static struct sv
keys_sign(struct place *p)
{
	struct sv text = SV(HEAD "\r\nHello.\r\n");

	for (size_t i = 0; i < N_KEYS; i++) {
		_cleanup_(crypto_priv_freep) struct crypto_priv *key = NULL;

		assert_int_equal(crypto_priv_generate(15, 0, &key), 0);
		kit_publish(&p->k, pool_printf(p->k.pool, "s%zu._domainkey.example.jp", i),
		    kit_record(&p->k, key, ""));
		text = kit_sign(&p->k, key, pool_printf(p->k.pool,
		    "v=1; a=ed25519-sha256; d=example.jp; s=s%zu; h=From", i), text);
	}
	return text;
}

static void
again(struct place *p, struct sv text, size_t n_keys)
{
	mail_judge_done(&p->j);
	pool_reset(p->kept);
	counts = (struct counts){ 0 };
	place_judge(p, text);
	assert_int_equal(p->out.n_dkim, N_KEYS);
	for (size_t i = 0; i < N_KEYS; i++)
		assert_int_equal(p->out.dkim[i].result, MAIL_PASS);
	assert_int_equal(counts.n_verified, N_KEYS);
	assert_int_equal(counts.n_keys, n_keys);
}

/* A key is made ready once, as long as there is room; without room each still verifies. */
static void
test_keys(void **state)
{
	struct place p;
	struct sv text;

	(void)state;
	place_init(&p);
	text = keys_sign(&p);
	again(&p, text, N_KEYS);
	again(&p, text, N_KEYS);
	p.in.pubs = dkim_pubs_new(DKIM_PUBS_MAX);
	again(&p, text, N_KEYS);
	again(&p, text, 0);
	p.in.pubs = dkim_pubs_free(p.in.pubs);
	p.in.pubs = dkim_pubs_new(4);
	again(&p, text, N_KEYS);
	again(&p, text, N_KEYS - 4);
	p.in.pubs = dkim_pubs_free(p.in.pubs);
	assert_null(dkim_pubs_new(SIZE_MAX));
	place_done(&p);
}

/* Each wants another part of the body: it is hashed once all the same, in each of two forms. */
static void
test_lengths(void **state)
{
	struct buf b = BUF_INIT;
	struct place p;

	(void)state;
	place_init(&p);
	for (size_t i = 0; i < DKIM_SIGS_MAX; i++)
		buf_printf(&b, "DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/%s; d=example.jp; s=s%zu;"
		    " h=From; l=%zu; bh=%043d=; b=AA==\r\n", i % 2 > 0 ? "relaxed" : "simple", i,
		    900 * 1000 + i, 0);
	buf_str(&b, HEAD "\r\n");
	for (size_t i = 0; i < 100 * 1000; i++)
		buf_str(&b, "ten octet\n");
	place_judge(&p, buf_get(&b));
	assert_int_equal(p.out.n_dkim, DKIM_SIGS_MAX);
	assert_int_equal(counts.n_body, 2 * 900 * 1000 + 9 + 8);
	assert_int_equal(counts.n_verified, 0);
	buf_done(&b);
	place_done(&p);
}

/* Long names that differ at their ends, named by long lists of such. */
static void
test_names(void **state)
{
	struct buf b = BUF_INIT;
	struct place p;

	(void)state;
	place_init(&p);
	kit_publish(&p.k, "s._domainkey.example.jp",
	    "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=");
	for (size_t i = 0; i < 4; i++) {
		buf_printf(&b, "DKIM-Signature: v=1; a=ed25519-sha256; d=example.jp; s=s; bh=%043d=; b=AA==; h=From",
		    0);
		for (size_t k = 1; k < DKIM_NAMES_MAX; k++)
			buf_printf(&b, ":X%0200zuB", k);
		buf_str(&b, "\r\n");
	}
	for (size_t i = 0; i < 1900; i++)
		buf_printf(&b, "X%0200zuA:\r\n", i);
	buf_str(&b, HEAD "\r\n");
	place_judge(&p, buf_get(&b));
	assert_false(p.head.is_full);
	assert_int_equal(p.out.dkim[3].why, DKIM_ALL_CHANGED);
	/* A pass of each engine over the fields, and some for each of the single ones. */
	assert_true(counts.n_compared < 40 * p.head.n);
	buf_done(&b);
	place_done(&p);
}

/* --- chains --- */

static void
chain_add(struct buf *b, unsigned n, bool same_key)
{
	for (unsigned i = n; i > 0; i--)
		buf_printf(b, "ARC-Seal: i=%u; a=rsa-sha256; cv=%s; d=example.jp; s=s%u; b=AA==\r\n"
		    "ARC-Message-Signature: i=%u; a=rsa-sha256; d=example.jp; s=m%u; h=From; bh=%043d=; b=AA==\r\n"
		    "ARC-Authentication-Results: i=%u; here.test; none\r\n", i, i == 1 ? "none" : "pass",
		    same_key ? 0 : i, i, same_key ? 0 : i, 0, i);
}

static void
test_chain(void **state)
{
	struct buf b = BUF_INIT;
	struct place p;

	(void)state;
	place_init(&p);
	chain_add(&b, ARC_SETS_MAX, false);
	buf_str(&b, HEAD "\r\nHello.\r\n");
	place_judge(&p, buf_get(&b));
	assert_int_equal(p.out.arc.result, MAIL_FAIL);
	assert_true(asked(&p) <= 2 * ARC_SETS_MAX + 8);
	assert_int_equal(counts.n_verified, 0);
	/* Each AMS covers From; each seal all sets before it, which are hashed once, and itself. */
	assert_true(counts.n_hashed < 2 * b.len);
	assert_true(counts.n_body < 2 * b.len);
	buf_done(&b);
	place_done(&p);
}

static void
test_chain_long(void **state)
{
	struct buf b = BUF_INIT;
	struct place p;

	(void)state;
	place_init(&p);
	chain_add(&b, 333, false);
	buf_str(&b, HEAD "\r\nHello.\r\n");
	place_judge(&p, buf_get(&b));
	assert_true(has_code(&p.fs, "ARC_LIMIT") || has_code(&p.fs, "ARC_INSTANCE"));
	assert_true(asked(&p) <= 8);
	assert_int_equal(counts.n_hashed + counts.n_body + counts.n_verified, 0);
	buf_done(&b);
	place_done(&p);
}

/* --- headers --- */

static const struct {
	const char	*what, *field;
	size_t		 n;		/* octets of its value */
} large[] = {
	{ "short fields", "X-%zu: ", 100 },
	{ "long fields", "X-%zu: ", 90 * 1000 },
	{ "one field", "X-%zu: ", 10 * 1000 * 1000 },
	{ "signatures", "DKIM-Signature: v=1; x%zu=", 1000 },
	{ "identities", "DKIM-Signature: v=1; x%zu=1; i=", 90 * 1000 },
	{ "authors", "From: x@example.jp; y%zu", 1000 },
	{ "results", "Authentication-Results: here.test; %zu", 1000 },
};

static void
test_head(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(large); i++) {
		struct buf b = BUF_INIT;
		struct place p;

		place_init(&p);
		for (size_t k = 0; b.len < 10 * 1000 * 1000; k++) {
			buf_printf(&b, large[i].field, k);
			for (size_t n = 0; n < large[i].n; n += 10)
				buf_str(&b, n % 500 == 0 ? "123456\r\n\t!" : "1234567890");
			buf_str(&b, "\r\n");
		}
		buf_str(&b, HEAD "\r\nHello.\r\n");
		place_judge(&p, buf_get(&b));
		if (!has_code(&p.kept_fs, "MAIL_HEAD_LIMIT"))
			print_message("# %s\n", large[i].what);
		assert_true(has_code(&p.kept_fs, "MAIL_HEAD_LIMIT"));
		assert_true(findings_reject(&p.kept_fs));
		assert_true(asked(&p) <= 8);
		assert_true(counts.n_hashed <= DKIM_SIGS_MAX * MAIL_HEADER_MAX);
		assert_int_equal(counts.n_verified, 0);
		buf_done(&b);
		place_done(&p);
	}
}

/* --- policies --- */

#define MX10(n)	"mx:" n "0.test mx:" n "1.test mx:" n "2.test mx:" n "3.test mx:" n "4.test "

static const struct {
	const char	*name, *record, *code;
	size_t		 n_asked;		/* at most: for SPF */
} loops[] = {
	{ "self.test", "v=spf1 include:self.test -all", "SPF_LOOP", 1 },
	{ "again.test", "v=spf1 redirect=again.test", "SPF_LOOP", 1 },
	{ "a.test", "v=spf1 include:b.test -all", "SPF_LOOP", 2 },
	{ "b.test", "v=spf1 include:a.test -all", "SPF_LOOP", 2 },
	{ "both.test", "v=spf1 include:both.test include:both.test redirect=both.test", "SPF_LOOP", 1 },
	{ "void.test", "v=spf1 a:n1.test a:n2.test a:n3.test a:n4.test a:n5.test -all", "SPF_VOID_LIMIT", 7 },
	{ "deep.test", "v=spf1 exists:%{i}.%{s}.%{d}.n1.test include:deep.test -all", "SPF_LOOP", 3 },
	{ "mx.test", "v=spf1 " MX10("m") MX10("n") MX10("o") "-all", "SPF_VOID_LIMIT", 17 },
};

static void
test_spf(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(loops); i++) {
		struct place p;

		place_init(&p);
		for (size_t k = 0; k < ARRAY_LEN(loops); k++)
			kit_publish(&p.k, loops[k].name, loops[k].record);
		place_envelope(&p, loops[i].name);
		place_judge(&p, SV(HEAD "\r\nHello.\r\n"));
		if (p.out.spf.result != MAIL_PERMERROR || !has_code(&p.fs, loops[i].code))
			print_message("# %s: %s, %zu\n", loops[i].name, mail_result_name(p.out.spf.result), asked(&p));
		assert_int_equal(p.out.spf.result, MAIL_PERMERROR);
		assert_true(has_code(&p.fs, loops[i].code));
		assert_true(p.out.spf.n_lookups <= SPF_LOOKUPS_MAX + 1);
		/* HELO's one, and DMARC's of two domains */
		assert_true(asked(&p) <= loops[i].n_asked + 1 + 8);
		place_done(&p);
	}
}

/* --- zones --- */

/* Sixteen records each, as large as a key's may be: with a hundred signatures no pool holds them. */
static void
zone_fill(struct place *p, const char *name, size_t n, size_t len)
{
	for (size_t i = 0; i < n; i++) {
		struct buf b = BUF_INIT;

		buf_str(&b, "v=DKIM1; p=");
		while (b.len < len)
			buf_str(&b, "MIIB");
		assert_int_equal(dns_fake_add_txt(p->k.dns, sv_str(name), buf_get(&b)), 0);
		buf_done(&b);
	}
}

static void
test_zone(void **state)
{
	struct buf b = BUF_INIT;
	struct place p;

	(void)state;
	place_init(&p);
	zone_fill(&p, "s0._domainkey.example.jp", DKIM_RECORDS_MAX, DKIM_RECORD_MAX - 10);
	zone_fill(&p, "m0._domainkey.example.jp", DKIM_RECORDS_MAX, DKIM_RECORD_MAX - 10);
	chain_add(&b, ARC_SETS_MAX, true);
	buf_str(&b, HEAD "\r\nHello.\r\n");
	place_judge(&p, buf_get(&b));
	assert_true(p.out.is_too_much);
	assert_false(p.j.is_too_much);
	assert_true(has_code(&p.fs, "MAIL_TOO_MUCH"));
	assert_true(findings_reject(&p.fs));
	assert_int_equal(p.out.dmarc.now.result, MAIL_PERMERROR);
	assert_int_equal(authres_find(&p.said, AUTHRES_DMARC, NULL)->result, MAIL_PERMERROR);
	assert_int_equal(authres_find(&p.said, AUTHRES_DKIM, NULL)->result, MAIL_PERMERROR);
	assert_int_equal(counts.n_verified, 0);
	buf_done(&b);
	place_done(&p);
}

/* Records that are no keys for their length alone are not even joined. */
static void
test_records(void **state)
{
	struct buf b = BUF_INIT;
	struct place p;

	(void)state;
	place_init(&p);
	zone_fill(&p, "s._domainkey.example.jp", DKIM_RECORDS_MAX, 60 * 1000);
	for (size_t i = 0; i < DKIM_SIGS_MAX; i++)
		buf_printf(&b, "DKIM-Signature: v=1; a=rsa-sha256; d=example.jp; s=s; h=From; bh=%043d=; b=AA==\r\n",
		    0);
	buf_str(&b, HEAD "\r\nHello.\r\n");
	place_judge(&p, buf_get(&b));
	assert_int_equal(p.out.dkim[0].why, DKIM_KEY_TAGS);
	assert_true(pool_used(p.pool) < 100 * 1000);
	buf_done(&b);
	place_done(&p);
}

/* --- what cannot be kept --- */

/* Findings alone fill what is left of the pool: the message is refused, and no memory is missing. */
static void
test_kept(void **state)
{
	struct buf b = BUF_INIT;
	struct place p;

	(void)state;
	place_init(&p);
	assert_non_null(pool_alloc(p.kept, MAIL_POOL_MAX - 2 * 1000 * 1000));
	buf_str(&b, "From: x@example.jp\nTo: y@here.test\n");
	for (size_t i = 0; i < 1950; i++) {
		buf_printf(&b, "X%070zu :%c\r!", i, 0);
		for (size_t k = 0; k < 200; k++)
			buf_str(&b, "\n ");
		buf_str(&b, "\n");
	}
	buf_str(&b, "\nHello.\n");
	place_judge(&p, buf_get(&b));
	assert_false(p.head.is_full);
	assert_true(p.j.is_too_much && p.out.is_too_much);
	assert_true(has_code(&p.kept_fs, "MAIL_TOO_MUCH"));
	assert_int_equal(p.out.dmarc.now.result, MAIL_PERMERROR);
	assert_int_equal(asked(&p) + counts.n_verified + counts.n_body, 0);
	buf_done(&b);
	place_done(&p);
}

/* Lack of memory is none of the message's doing. */
static void
test_memory(void **state)
{
	_cleanup_(pool_freep) struct pool *pool = pool_new(1000);
	struct findings fs;

	(void)state;
	findings_init(&fs, pool);
	assert_int_equal(mail_pool_check(pool, &fs, -ENOMEM), -ENOMEM);
	assert_int_equal(mail_pool_check(pool, &fs, 0), 0);
	assert_false(findings_reject(&fs));
	assert_null(pool_alloc(pool, 2000));
	assert_int_equal(mail_pool_check(pool, &fs, -EINVAL), -EINVAL);
	assert_false(findings_reject(&fs));
	assert_int_equal(mail_pool_check(pool, &fs, -ENOMEM), 0);
	assert_true(has_code(&fs, mail_findings[MAIL_TOO_MUCH].code));
	/* The next message begins anew. */
	pool_reset(pool);
	assert_int_equal(mail_pool_check(pool, &fs, -ENOMEM), -ENOMEM);
}

TESTS_MAIN("bounds", T(test_signatures), T(test_keys), T(test_lengths), T(test_names), T(test_chain),
    T(test_chain_long), T(test_head), T(test_spf), T(test_zone), T(test_records), T(test_kept), T(test_memory))
