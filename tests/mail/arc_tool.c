/*
 * Validates and seals files of messages, for tests against other implementations.
 *
 *	arc_tool verify RECORDS NOW FILE…
 *		a line a file: its name, the result, oldest-pass, the codes
 *	arc_tool seal KEY.pem DOMAIN SELECTOR ID NOW OUTDIR FILE…
 *		each file with a set on top: results and the chain's state are those of its
 *		Authentication-Results fields of that ID, as other sealers take them
 *
 * RECORDS: lines of a name and the text of its TXT record.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mail/arc.h"
#include "tool_kit.h"

#define ROUNDS_MAX	64

struct message {
	struct pool		*pool, *again;
	struct sv		 text, body;
	struct findings		 fs;
	struct mail_head	 head;
	struct arc		 arc;
	struct mail_body_want	 want;		/* of the whole body, relaxed */
};

static void
body_digest(const struct message *m, struct mail_body_want *wants, size_t n)
{
	_cleanup_(mail_body_freep) struct mail_body *b = NULL;

	must(mail_body_new(wants, n, &b) == 0, "mail_body_new");
	mail_body_feed(b, m->body);
	mail_body_end(b);
}

static void
message_read(struct message *m, const char *path)
{
	pool_reset(m->pool);
	findings_init(&m->fs, m->pool);
	free((char *)m->text.p);
	m->text = file_read(path);
	mail_head_init(&m->head, m->pool);
	must(mail_head_parse(&m->head, m->text, &m->body, &m->fs) == 0 &&
	    arc_begin(m->pool, &m->head, &m->arc) == 0, path);
	body_digest(m, m->arc.wants, m->arc.n_wants);
	m->want = (struct mail_body_want){ .canon = MAIL_RELAXED, .max = UINT64_MAX };
	body_digest(m, &m->want, 1);
}

static void
verify(struct message *m, struct dns_fake *dns, int64_t now, const char *path)
{
	struct mail_ask ask = { .find = dns_fake_find, .arg = dns };
	struct arc_verdict v;
	int rc = MAIL_WAIT;

	for (unsigned i = 0; i < ROUNDS_MAX && rc > 0; i++) {
		pool_reset(m->again);
		findings_init(&m->fs, m->again);
		if ((rc = arc_check(&m->arc, now, m->again, &ask, &m->fs, &v)) > 0)
			dns_fake_learn(dns, &ask);
	}
	must(rc == 0, path);
	(void)printf("%s %s %u", path, mail_result_name(v.result), v.oldest_pass);
	for (const struct finding *f = m->fs.head; f != NULL; f = f->next)
		(void)printf(" %s", f->def->code);
	(void)putchar('\n');
}

static struct authres
results_gather(struct message *m, struct sv id)
{
	struct authres all;

	authres_init(&all, m->pool, id);
	for (size_t i = 0; i < m->head.n; i++) {
		struct authres *one;

		if (!sv_caseeq(m->head.fields[i].name, SV("Authentication-Results")))
			continue;
		must(authres_parse(m->pool, m->head.fields[i].value, &m->fs, &one) == 0, "authres_parse");
		if (one != NULL && sv_caseeq(one->id, id))
			return *one;
	}
	return all;
}

static void
seal(struct message *m, const struct arc_sealer *with, struct sv id, const char *dir, const char *path)
{
	const char *base = strrchr(path, '/');
	char *to = pool_printf(m->pool, "%s/%s", dir, base == NULL ? path : base + 1);
	struct authres found = results_gather(m, id);
	const struct authres_result *chain = authres_find(&found, AUTHRES_ARC, NULL);
	struct arc_sealed set;
	FILE *f;

	must(to != NULL && chain != NULL, path);
	must(arc_seal(m->pool, &m->arc, chain->result, &found, m->want.digest, with, &set) == 0, path);
	f = fopen(to, "wb");
	must(f != NULL, to);
	if (set.is_made)
		(void)fprintf(f, "%.*s\r\n%.*s\r\n%.*s\r\n", SV_ARG(set.seal), SV_ARG(set.ams), SV_ARG(set.results));
	must(fwrite(m->text.p, 1, m->text.n, f) == m->text.n && fclose(f) == 0, to);
}

static int64_t
time_read(const char *text)
{
	uint32_t now = 0;

	must(num_u32(sv_str(text), 0, UINT32_MAX, &now) == 0, text);
	return now;
}

int
main(int argc, char **argv)
{
	struct message m = { .pool = pool_new(4 * MAIL_POOL_MAX), .again = pool_new(MAIL_POOL_MAX) };
	struct dns_fake *dns = NULL;
	struct crypto_priv *key = NULL;

	must(m.pool != NULL && m.again != NULL, "pool");
	if (argc > 4 && strcmp(argv[1], "verify") == 0) {
		dns = records_read(argv[2]);
		dns_fake_slow(dns, true);
		for (int i = 4; i < argc; i++) {
			message_read(&m, argv[i]);
			verify(&m, dns, time_read(argv[3]), argv[i]);
		}
	} else if (argc > 8 && strcmp(argv[1], "seal") == 0) {
		struct arc_sealer with = { .domain = sv_str(argv[3]), .selector = sv_str(argv[4]), .time = time_read(argv[6]) };
		struct sv pem = file_read(argv[2]);

		must(crypto_priv_parse(8, pem, &key) == 0, argv[2]);
		free((char *)pem.p);
		with.by = dkim_signer_of(key);
		for (int i = 8; i < argc; i++) {
			message_read(&m, argv[i]);
			seal(&m, &with, sv_str(argv[5]), argv[7], argv[i]);
		}
	} else {
		(void)fprintf(stderr, "usage: see the head of tests/mail/arc_tool.c\n");
		return 2;
	}
	free((char *)m.text.p);
	(void)crypto_priv_free(key);
	(void)dns_fake_free(dns);
	(void)pool_free(m.again);
	(void)pool_free(m.pool);
	return 0;
}
