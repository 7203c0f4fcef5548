/*
 * What a message costs: verified (all of mail_judge, or DKIM alone), signed, and the arithmetic
 * that no program can do without.
 *
 *	mail sign-to DIR	DIR/message, signed with DIR/key.pem, into DIR/signed
 *	mail TASK DIR SECONDS	prints {"n": …, "usec": …}: how often, processor time of each
 *
 *	verify	DKIM of DIR/signed; its key is in DIR/record and was made ready before
 *	fresh	the same, as one meets a key for the first time
 *	eight	the same as verify, but eight messages share a batch
 *	judge	SPF, DKIM, ARC and DMARC of it, and what is said of them
 *	sign	DIR/message: a field made
 *	evp-verify, evp-sign	OpenSSL alone: SHA-256 over the message, EVP_PKEY_verify or EVP_PKEY_sign
 */
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <string.h>

#include "dns_fake.h"
#include "kit.h"
#include "mail/dkim_internal.h"
#include "mail/judge.h"

#define NOW	1795400000	/* 2026-11-23 */
#define EIGHT	8
#define TEXT_MAX	(16 * 1024 * 1024)

struct one {
	struct pool		*kept, *pool;
	struct findings		 fs;
	struct mail_head	 head;
	struct dkim		 dkim;
	struct dkim_work	*work;
};

struct bench {
	struct sv		 message, signed_;
	struct dns_fake		*dns;
	struct dkim_pubs	*pubs;
	struct crypto_priv	*key;
	struct one		 one[EIGHT];
	EVP_PKEY_CTX		*evp_sign, *evp_verify;
	uint8_t			 sig[512];
	size_t			 sig_len;
};

static struct sv
file_text(const char *dir, const char *name)
{
	char path[4096], *p = malloc(TEXT_MAX);
	size_t n;
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	if (p == NULL || (f = fopen(path, "rb")) == NULL)
		die(path);
	n = fread(p, 1, TEXT_MAX, f);
	(void)fclose(f);
	return (struct sv){ p, n };
}

/* --- ours --- */

static struct sv
head_take(struct one *o, struct sv text)
{
	struct sv body;

	pool_reset(o->kept);
	pool_reset(o->pool);
	findings_init(&o->fs, o->kept);
	mail_head_init(&o->head, o->kept);
	if (mail_head_parse(&o->head, text, &body, &o->fs) < 0)
		die("a head");
	return body;
}

static void
body_run(struct sv body, struct mail_body_want *wants, size_t n)
{
	struct mail_body *b = NULL;

	if (mail_body_new(wants, n, &b) < 0)
		die("a body");
	mail_body_feed(b, body);
	mail_body_end(b);
	(void)mail_body_free(b);
}

static void
dkim_take(struct one *o, struct sv text)
{
	struct sv body = head_take(o, text);

	if (dkim_begin(o->kept, &o->head, &o->dkim) < 0)
		die("DKIM");
	body_run(body, o->dkim.wants, o->dkim.n_wants);
}

static void
verdict_must(const struct dkim_verdict *v)
{
	if (v[0].result != MAIL_PASS)
		die("a signature");
}

static void
verify_with(struct bench *b, struct dkim_pubs *pubs)
{
	struct mail_ask ask = { .find = dns_fake_find, .arg = b->dns };
	struct one *o = &b->one[0];
	struct dkim_verdict *v;

	dkim_take(o, b->signed_);
	o->dkim.pubs = pubs;
	if (dkim_check(&o->dkim, NOW, o->pool, &ask, &o->fs, &v) != 0)
		die("verifying");
	verdict_must(v);
}

static void
verify(struct bench *b)
{
	verify_with(b, b->pubs);
}

static void
fresh(struct bench *b)
{
	verify_with(b, NULL);
}

static void
eight(struct bench *b)
{
	struct mail_ask ask = { .find = dns_fake_find, .arg = b->dns };
	struct dkim_job jobs[EIGHT];

	for (size_t i = 0; i < EIGHT; i++) {
		struct one *o = &b->one[i];

		dkim_take(o, b->signed_);
		if (dkim_check_ask(&o->dkim, o->pool, &ask, &jobs[i], &o->work) != 0)
			die("asking");
	}
	if (dkim_jobs_verify(jobs, EIGHT, b->pubs) < 0)
		die("verifying");
	for (size_t i = 0; i < EIGHT; i++) {
		struct dkim_verdict *v;

		dkim_check_end(&b->one[i].dkim, NOW, b->one[i].work, &jobs[i], &b->one[i].fs, &v);
		verdict_must(v);
	}
}

static void
judge(struct bench *b)
{
	struct mail_ask ask = { .find = dns_fake_find, .arg = b->dns };
	struct mail_judge_in in = { .has_client = true, .has_sender = true, .helo = SV("mx.example.jp"),
		.sender = SV("taro@example.jp"), .receiver = SV("here.test"), .now = NOW, .pubs = b->pubs };
	struct one *o = &b->one[0];
	struct mail_judge_out out;
	struct mail_judge j;
	struct authres said;
	struct sv body = head_take(o, b->signed_);

	if (ip_prefix_parse_host(SV("192.0.2.1"), &in.client) < 0 ||
	    mail_judge_begin(o->kept, &o->head, &o->fs, &j) < 0)
		die("judging");
	mail_judge_body(&j, body);
	mail_judge_body_end(&j);
	if (mail_judge_check(&j, &in, o->pool, &ask, &o->fs, &out) != 0 ||
	    mail_judge_say(&j, &in, &out, in.receiver, o->pool, &said) < 0)
		die("judging");
	verdict_must(out.dkim);
	mail_judge_done(&j);
}

static struct sv
sign_text(struct bench *b)
{
	struct mail_body_want want = { .canon = MAIL_RELAXED, .max = UINT64_MAX };
	struct dkim_sign s = { .domain = SV("example.jp"), .selector = SV("s"), .by = dkim_signer_of(b->key),
		.head_canon = MAIL_RELAXED, .body_canon = MAIL_RELAXED, .time = NOW };
	struct one *o = &b->one[0];
	struct sv field;

	body_run(head_take(o, b->message), &want, 1);
	if (dkim_sign(o->kept, &o->head, want.digest, &s, &field) < 0)
		die("signing");
	return field;
}

static void
sign(struct bench *b)
{
	(void)sign_text(b);
}

/* --- OpenSSL alone --- */

static void
evp_digest(struct sv text, uint8_t ret[static 32])
{
	if (EVP_Digest(text.p, text.n, ret, NULL, EVP_sha256(), NULL) != 1)
		die("EVP_Digest");
}

static void
evp_sign(struct bench *b)
{
	uint8_t digest[32];

	evp_digest(b->message, digest);
	b->sig_len = sizeof(b->sig);
	if (EVP_PKEY_sign(b->evp_sign, b->sig, &b->sig_len, digest, 32) != 1)
		die("EVP_PKEY_sign");
}

static void
evp_verify(struct bench *b)
{
	uint8_t digest[32];

	evp_digest(b->message, digest);
	if (EVP_PKEY_verify(b->evp_verify, b->sig, b->sig_len, digest, 32) != 1)
		die("EVP_PKEY_verify");
}

static EVP_PKEY_CTX *
evp_ctx(EVP_PKEY *key, int (*init)(EVP_PKEY_CTX *))
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);

	if (ctx == NULL || init(ctx) != 1 || EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) != 1 ||
	    EVP_PKEY_CTX_set_signature_md(ctx, EVP_sha256()) != 1)
		die("a key");
	return ctx;
}

/* --- all of it --- */

static void
bench_init(struct bench *b, const char *dir)
{
	struct sv pem = file_text(dir, "key.pem"), record = file_text(dir, "record");
	BIO *bio = BIO_new_mem_buf(pem.p, (int)pem.n);
	EVP_PKEY *key = bio == NULL ? NULL : PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);

	b->message = file_text(dir, "message");
	b->dns = dns_fake_new();
	b->pubs = dkim_pubs_new(DKIM_PUBS_MAX);
	if (key == NULL || b->dns == NULL || b->pubs == NULL || crypto_priv_parse(8, pem, &b->key) < 0 ||
	    dns_fake_add_txt(b->dns, SV("s._domainkey.example.jp"), sv_trim(record)) < 0 ||
	    dns_fake_add_txt(b->dns, SV("example.jp"), SV("v=spf1 ip4:192.0.2.0/24 -all")) < 0 ||
	    dns_fake_add_txt(b->dns, SV("_dmarc.example.jp"), SV("v=DMARC1; p=reject")) < 0)
		die("the key");
	for (size_t i = 0; i < EIGHT; i++)
		if ((b->one[i].kept = pool_new(MAIL_POOL_MAX)) == NULL ||
		    (b->one[i].pool = pool_new(MAIL_POOL_MAX)) == NULL)
			die("memory");
	b->evp_sign = evp_ctx(key, EVP_PKEY_sign_init);
	b->evp_verify = evp_ctx(key, EVP_PKEY_verify_init);
	evp_sign(b);
}

static int
sign_to(struct bench *b, const char *dir)
{
	struct sv field = sign_text(b);
	char path[4096];
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/signed", dir);
	if ((f = fopen(path, "wb")) == NULL)
		die(path);
	(void)fprintf(f, "%.*s\r\n%.*s", SV_ARG(field), SV_ARG(b->message));
	return fclose(f) == 0 ? 0 : 3;
}

static const struct task {
	const char	*name;
	void		(*run)(struct bench *);
	size_t		 n;		/* messages of one call */
} tasks[] = {
	{ "verify", verify, 1 }, { "fresh", fresh, 1 }, { "eight", eight, EIGHT }, { "judge", judge, 1 },
	{ "sign", sign, 1 }, { "evp-sign", evp_sign, 1 }, { "evp-verify", evp_verify, 1 },
};

/* The fake DNS makes each answer anew: a new one before it is full. */
#define ANSWERS_MAX	50000

static void
task_run(const struct task *t, const char *dir, double seconds)
{
	double took = 0;
	size_t n = 0;

	while (took < seconds * 1e6) {
		struct bench b = { .dns = NULL };
		double begin;

		bench_init(&b, dir);
		if (t->run != sign && t->run != evp_sign)
			b.signed_ = file_text(dir, "signed");
		t->run(&b);
		begin = cpu_usec();
		for (size_t i = 0; i < ANSWERS_MAX && cpu_usec() - begin < seconds * 1e6 - took; i += t->n) {
			t->run(&b);
			n += t->n;
		}
		took += cpu_usec() - begin;
	}
	printf("{\"n\": %zu, \"usec\": %.3f}\n", n, took / (double)n);
}

int
main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "sign-to") == 0) {
		struct bench b = { .dns = NULL };

		bench_init(&b, argv[2]);
		return sign_to(&b, argv[2]);
	}
	for (size_t i = 0; argc == 4 && i < ARRAY_LEN(tasks); i++)
		if (strcmp(argv[1], tasks[i].name) == 0) {
			task_run(&tasks[i], argv[2], number(argv[3]));
			return 0;
		}
	die("the command line");
}
