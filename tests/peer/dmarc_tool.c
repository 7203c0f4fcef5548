/*
 * DMARC for tests: worlds in, verdicts out, so that others can be asked the same.
 *
 *	dmarc_tool LIST < cases		LIST: public suffixes
 *
 * A case is lines of a word and its names, up to "go":
 *
 *	txt NAME HEX	a TXT record of these octets
 *	a NAME		an A record; mx NAME: an MX record
 *	fail NAME	no answer to questions for what it has not
 *	author NAME	spf NAME, dkim NAME: these passed
 *
 * and for it come two lines, RFC 9989 and RFC 7489: result, disposition, organizational
 * domain, record's domain, tag, policy, SPF aligned, DKIM aligned.
 */
#include <libpsl.h>
#include <stdio.h>
#include <stdlib.h>

#include "dns_fake.h"
#include "mail/dmarc.h"

#define IDENTS_MAX	64

struct one {
	struct dns_fake		*dns;
	struct dname		 authors[IDENTS_MAX];
	struct dmarc_ident	 spf, dkim[IDENTS_MAX];
	struct dmarc_in		 in;
};

static void
one_init(struct one *c, const psl_ctx_t *psl)
{
	*c = (struct one){ .dns = dns_fake_new() };
	if (c->dns == NULL)
		abort();
	c->in = (struct dmarc_in){ .authors = c->authors, .dkim = c->dkim, .psl = psl };
}

static void
name_take(struct sv text, struct dname *ret)
{
	if (mail_name(text, ret) < 0) {
		(void)fprintf(stderr, "no name: %.*s\n", SV_ARG(text));
		exit(2);
	}
}

static struct sv
hex_take(struct sv hex, char *dst)
{
	static const char digits[] = "0123456789abcdef";
	size_t n = 0;

	for (; n < hex.n / 2; n++)
		dst[n] = (char)((strchr(digits, hex.p[2 * n]) - digits) << 4 |
		    (strchr(digits, hex.p[2 * n + 1]) - digits));
	return (struct sv){ dst, n };
}

static void
ident_take(struct one *c, bool is_spf, struct sv name)
{
	struct dmarc_ident *id = is_spf ? &c->spf : &c->dkim[c->in.n_dkim];

	if (c->in.n_dkim == IDENTS_MAX || c->in.n_authors == IDENTS_MAX)
		exit(2);
	id->result = MAIL_PASS;
	name_take(name, &id->name);
	if (is_spf)
		c->in.spf = id;
	else
		c->in.n_dkim++;
}

static int
line_take(struct one *c, struct sv word, struct sv name, struct sv rest)
{
	static char octets[65536];
	char at[512];

	(void)snprintf(at, sizeof(at), "%.*s", SV_ARG(name));
	if (sv_eq(word, SV("txt")))
		return dns_fake_add_txt(c->dns, name, hex_take(sv_trim(rest), octets));
	if (sv_eq(word, SV("a")))
		return dns_fake_add(c->dns, at, "A", "192.0.2.1");
	if (sv_eq(word, SV("mx")))
		return dns_fake_add(c->dns, at, "MX", "10 mx.example.");
	if (sv_eq(word, SV("fail")))
		return dns_fake_fail(c->dns, name);
	if (sv_eq(word, SV("author")))
		name_take(name, &c->authors[c->in.n_authors++]);
	else
		ident_take(c, sv_eq(word, SV("spf")), name);
	return 0;
}

static void
view_print(const struct dmarc_verdict *d, const struct dmarc_view *v)
{
	char org[DNAME_STRLEN] = "-", where[DNAME_STRLEN] = "-";

	if (v != NULL && v->has_org)
		(void)dname_str(&v->org, org);
	if (v != NULL && v->record != NULL)
		(void)dname_str(&v->where, where);
	(void)printf("%s %s %s %s %s %s %d %d\n", mail_result_name(d->result),
	    dmarc_policy_name(d->disposition), org, where,
	    v == NULL || v->record == NULL ? "-" : dmarc_tag_name(v->tag),
	    v == NULL || v->record == NULL ? "-" : dmarc_policy_name(v->policy),
	    v != NULL && v->spf_aligned, v != NULL && v->dkim_aligned);
}

/* With a DNS that answers late, as a real one does. */
static void
one_judge(struct one *c, struct pool *pool)
{
	struct mail_ask ask = { .find = dns_fake_find, .arg = c->dns };
	struct dmarc_out out;
	struct findings fs;
	int rc;

	dns_fake_slow(c->dns, true);
	do {
		pool_reset(pool);
		findings_init(&fs, pool);
		ask.n_missing = 0;
		rc = dmarc_check(&c->in, &ask, pool, &fs, &out);
		if (rc == MAIL_WAIT)
			dns_fake_learn(c->dns, &ask);
	} while (rc == MAIL_WAIT);
	if (rc < 0)
		exit(3);
	view_print(&out.now, out.now.author == NULL ? NULL : &out.now.author->now);
	view_print(&out.legacy, out.legacy.author == NULL ? NULL : &out.legacy.author->legacy);
}

int
main(int argc, char **argv)
{
	psl_ctx_t *psl = argc == 2 ? psl_load_file(argv[1]) : NULL;
	struct pool *pool = pool_new(MAIL_POOL_MAX);
	static char line[256 * 1024];
	struct one c;

	if (psl == NULL || pool == NULL)
		return 2;
	one_init(&c, psl);
	while (fgets(line, sizeof(line), stdin) != NULL) {
		struct sv rest = sv_str(line), word, name = { NULL, 0 };

		if (!sv_word(&rest, &word))
			continue;
		if (sv_eq(word, SV("go"))) {
			one_judge(&c, pool);
			(void)dns_fake_free(c.dns);
			one_init(&c, psl);
		} else if (!sv_word(&rest, &name) || line_take(&c, word, name, rest) < 0) {
			(void)fprintf(stderr, "bad line: %s", line);
			return 2;
		}
	}
	(void)dns_fake_free(c.dns);
	(void)pool_free(pool);
	psl_free(psl);
	return 0;
}
