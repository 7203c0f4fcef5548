/*
 * Signs and verifies files of messages, for tests against other implementations.
 *
 *	dkim_tool verify RECORDS NOW FILE…
 *		a line a file: its name, and "result:CODE" of each signature from the top
 *	dkim_tool sign KEY.pem ALG DOMAIN SELECTOR CANON OUTDIR FILE…
 *		ALG: 8 or 15; CANON: relaxed/simple, …; each file with its signature on top
 *	dkim_tool bench RECORDS NOW COUNT FILE
 *		verifies it COUNT times, and says how long the parts took
 *
 * RECORDS: lines of a name and the text of its TXT record.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/err.h"
#include "mail/dkim.h"
#include "tool_kit.h"

/* --- one message --- */

struct job {
	struct pool		*pool, *again;
	struct findings		 fs;
	struct mail_head	 head;
	struct dkim		 dkim;
	struct dkim_verdict	*verdicts;
};

static int
body_run(struct sv body, struct mail_body_want *wants, size_t n)
{
	_cleanup_(mail_body_freep) struct mail_body *b = NULL;
	int rc;

	if (n == 0)
		return 0;
	if ((rc = mail_body_new(wants, n, &b)) < 0)
		return rc;
	mail_body_feed(b, body);
	mail_body_end(b);
	return 0;
}

static int
verify(struct job *j, struct sv text, struct dns_fake *dns, int64_t now)
{
	struct mail_ask ask = { .find = dns_fake_find, .arg = dns };
	struct sv body;
	int rc;

	pool_reset(j->pool);
	findings_init(&j->fs, j->pool);
	mail_head_init(&j->head, j->pool);
	if ((rc = mail_head_parse(&j->head, text, &body, &j->fs)) < 0 ||
	    (rc = dkim_begin(j->pool, &j->head, &j->dkim)) < 0 ||
	    (rc = body_run(body, j->dkim.wants, j->dkim.n_wants)) < 0)
		return rc;
	pool_reset(j->again);
	return dkim_check(&j->dkim, now, j->again, &ask, &j->fs, &j->verdicts);
}

static void
verify_print(struct job *j, const char *path)
{
	(void)printf("%s", path);
	for (size_t i = 0; i < j->dkim.n; i++) {
		const struct dkim_verdict *v = &j->verdicts[i];

		(void)printf(" %s:%s", mail_result_name(v->result),
		    v->why == DKIM_FINE ? "-" : dkim_findings[v->why].code);
	}
	(void)printf("\n");
}

static int
verify_all(struct job *j, char **argv)
{
	_cleanup_(dns_fake_freep) struct dns_fake *dns = records_read(argv[0]);
	int64_t now = atoll(argv[1]);

	for (argv += 2; *argv != NULL; argv++) {
		struct sv text = file_read(*argv);
		int rc = verify(j, text, dns, now);

		if (rc != 0) {
			(void)fprintf(stderr, "%s: %s\n", *argv, err_str(rc));
			return 3;
		}
		verify_print(j, *argv);
		free((char *)text.p);
	}
	return 0;
}

/* --- signing --- */

static int
sign_one(struct job *j, struct dkim_sign *s, struct sv text, struct sv *ret)
{
	struct mail_body_want want = { .canon = s->body_canon, .max = UINT64_MAX };
	struct sv body;
	int rc;

	pool_reset(j->pool);
	findings_init(&j->fs, j->pool);
	mail_head_init(&j->head, j->pool);
	if ((rc = mail_head_parse(&j->head, text, &body, &j->fs)) < 0 || (rc = body_run(body, &want, 1)) < 0)
		return rc;
	return dkim_sign(j->pool, &j->head, want.digest, s, ret);
}

static int
signed_write(const char *dir, const char *path, struct sv field, struct sv text)
{
	const char *base = strrchr(path, '/');
	char out[4096];
	FILE *f;

	(void)snprintf(out, sizeof(out), "%s/%s", dir, base == NULL ? path : base + 1);
	if ((f = fopen(out, "wb")) == NULL)
		return -EIO;
	(void)fwrite(field.p, 1, field.n, f);
	(void)fwrite("\r\n", 1, 2, f);
	(void)fwrite(text.p, 1, text.n, f);
	return fclose(f) == 0 ? 0 : -EIO;
}

static int
sign_all(struct job *j, char **argv)
{
	_cleanup_(crypto_priv_freep) struct crypto_priv *key = NULL;
	struct sv pem = file_read(argv[0]), body_canon = sv_str(argv[4]);
	struct sv head_canon = sv_cut(&body_canon, '/');
	struct dkim_sign s = {
		.domain = sv_str(argv[2]), .selector = sv_str(argv[3]), .time = 1700000000,
		.head_canon = sv_eq_str(head_canon, "relaxed") ? MAIL_RELAXED : MAIL_SIMPLE,
		.body_canon = sv_eq_str(body_canon, "relaxed") ? MAIL_RELAXED : MAIL_SIMPLE,
	};
	int rc = crypto_priv_parse((uint8_t)atoi(argv[1]), pem, &key);

	free((char *)pem.p);
	s.by = dkim_signer_of(key);
	for (char **path = argv + 6; rc == 0 && *path != NULL; path++) {
		struct sv text = file_read(*path), field;

		if ((rc = sign_one(j, &s, text, &field)) == 0)
			rc = signed_write(argv[5], *path, field, text);
		if (rc < 0)
			(void)fprintf(stderr, "%s: %s\n", *path, err_str(rc));
		free((char *)text.p);
	}
	return rc < 0 ? 3 : 0;
}

/* --- how long it takes --- */

static double
seconds(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int
bench(struct job *j, char **argv)
{
	_cleanup_(dns_fake_freep) struct dns_fake *dns = records_read(argv[0]);
	int64_t now = atoll(argv[1]);
	int n = atoi(argv[2]);
	struct sv text = file_read(argv[3]);
	struct mail_ask ask = { .find = dns_fake_find, .arg = dns };
	_cleanup_(dkim_pubs_freep) struct dkim_pubs *pubs = dkim_pubs_new(DKIM_PUBS_MAX);
	double head = 0, body = 0, check = 0;

	for (int i = 0; i < n; i++) {
		double t0 = seconds(), t1, t2;
		struct sv rest;

		pool_reset(j->pool);
		findings_init(&j->fs, j->pool);
		mail_head_init(&j->head, j->pool);
		if (mail_head_parse(&j->head, text, &rest, &j->fs) < 0 ||
		    dkim_begin(j->pool, &j->head, &j->dkim) < 0)
			return 3;
		j->dkim.pubs = pubs;
		t1 = seconds();
		if (body_run(rest, j->dkim.wants, j->dkim.n_wants) < 0)
			return 3;
		t2 = seconds();
		pool_reset(j->again);
		if (dkim_check(&j->dkim, now, j->again, &ask, &j->fs, &j->verdicts) != 0)
			return 3;
		head += t1 - t0;
		body += t2 - t1;
		check += seconds() - t2;
	}
	verify_print(j, argv[3]);
	(void)printf("us of %zu octets: head and begin %.2f, body %.2f, check %.2f, together %.2f: %.0f a second\n",
	    text.n, head * 1e6 / n, body * 1e6 / n, check * 1e6 / n, (head + body + check) * 1e6 / n,
	    n / (head + body + check));
	free((char *)text.p);
	return 0;
}

int
main(int argc, char **argv)
{
	struct job j = { .pool = pool_new(MAIL_POOL_MAX), .again = pool_new(MAIL_POOL_MAX) };
	int rc = 2;

	if (j.pool == NULL || j.again == NULL)
		return 3;
	if (argc > 4 && strcmp(argv[1], "verify") == 0)
		rc = verify_all(&j, argv + 2);
	else if (argc > 8 && strcmp(argv[1], "sign") == 0)
		rc = sign_all(&j, argv + 2);
	else if (argc == 6 && strcmp(argv[1], "bench") == 0)
		rc = bench(&j, argv + 2);
	else
		(void)fprintf(stderr, "usage: at the head of tests/mail/dkim_tool.c\n");
	(void)pool_free(j.pool);
	(void)pool_free(j.again);
	return rc;
}
