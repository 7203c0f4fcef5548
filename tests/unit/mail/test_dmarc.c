/*
 * Worlds of records, a message in each: what RFC 9989 says of it, what RFC 7489 does, and
 * which findings are made. Each is asked twice, with all answers there and with none.
 */
#include <errno.h>

#include "dns_fake.h"
#include "mail/dmarc.h"
#include "psl_kit.h"

struct row {
	/* lines: "example.com v=DMARC1; p=none" at _dmarc, "@name": has an A, "%name": has an MX, "!name": fails */
	const char	*zone;
	const char	*authors;	/* with blanks between */
	const char	*idents;	/* "s:domain" SPF, "d:domain" DKIM, both pass; "-d:domain" does not, "?d:domain" has no answer */
	const char	*now, *legacy, *codes;
};

static const char aligns[DMARC_ALIGN_MAX] = {
	[DMARC_ALIGN_SAME] = '=', [DMARC_ALIGN_ORG] = '+', [DMARC_ALIGN_STRICT] = 's',
	[DMARC_ALIGN_OTHER] = 'o', [DMARC_ALIGN_FAILED] = 'f', [DMARC_ALIGN_UNKNOWN] = '?',
	[DMARC_ALIGN_UNCHECKED] = '-',
};

static const struct row rows[] = {
	/* --- appendix B.4.1 --- */
	{ "example.com v=DMARC1; p=reject\nsigning.example.com v=DMARC1; p=reject", "example.com",
	  "s:example.com d:signing.example.com", "pass none example.com p=reject@example.com =+",
	  "pass none example.com p=reject@example.com =+", "" },
	/* B.4.2 */
	{ "example.com v=DMARC1; p=reject\nsigning.example.com v=DMARC1; p=reject",
	  "a.b.c.d.e.f.g.h.i.j.k.example.com", "s:example.com d:signing.example.com",
	  "pass none example.com p=reject@example.com ++", "pass none example.com p=reject@example.com ++", "" },
	/* B.4.3 */
	{ "bank.example v=DMARC1; p=reject; psd=y; rua=mailto:psd@bank.example\n"
	  "giant.bank.example v=DMARC1; p=quarantine", "giant.bank.example",
	  "s:mail.giant.bank.example d:mail.mega.bank.example",
	  "pass none giant.bank.example p=quarantine@giant.bank.example +o",
	  "pass none giant.bank.example p=quarantine@giant.bank.example +o", "" },

	/* --- where the policy stands: the author's, the organization's, the suffix's --- */
	{ "", "example.com", "s:example.com", "none none example.com -", "none none example.com -", "DMARC_NO_RECORD " },
	{ "example.com v=DMARC1; p=reject; sp=none", "example.com", "", "fail reject example.com p=reject@example.com f",
	  "fail reject example.com p=reject@example.com f", "DMARC_FAIL_ASKED " },
	{ "example.com v=DMARC1; p=reject; sp=none\n@mail.example.com", "mail.example.com", "-d:example.com",
	  "fail none example.com sp=none@example.com ff", "fail none example.com sp=none@example.com ff", "DMARC_FAIL " },
	{ "mail.example.com v=DMARC1; p=quarantine; sp=none\nexample.com v=DMARC1; p=reject", "mail.example.com",
	  "d:example.com", "pass none example.com p=quarantine@mail.example.com f+",
	  "pass none example.com p=quarantine@mail.example.com f+", "" },
	/* one between counts for nothing: the shortest name is the organization's */
	{ "b.example.com v=DMARC1; p=none\nexample.com v=DMARC1; p=reject", "a.b.example.com", "",
	  "fail reject example.com p=reject@example.com f", "fail reject example.com p=reject@example.com f",
	  "DMARC_FAIL_ASKED " },
	/* … unless it says psd=n */
	{ "b.example.com v=DMARC1; p=none; psd=n\nexample.com v=DMARC1; p=reject", "a.b.example.com", "d:example.com",
	  "fail none b.example.com p=none@b.example.com fo", "pass none example.com p=reject@example.com f+",
	  "DMARC_FAIL DMARC_DIFFERS " },
	{ "example.com v=DMARC1; p=reject; psd=n\ncom v=DMARC1; p=none", "example.com", "d:www.example.com",
	  "pass none example.com p=reject@example.com f+", "pass none example.com p=reject@example.com f+", "" },
	/* a record of the top without psd=y is an organization's, as the RFC's section 11.8 warns */
	{ "example.com v=DMARC1; p=reject\ncom v=DMARC1; p=none", "example.com", "d:other.com",
	  "pass none com p=reject@example.com f+", "fail reject example.com p=reject@example.com fo",
	  "DMARC_DIFFERS " },
	{ "gov.example v=DMARC1; p=reject; sp=none; np=quarantine; psd=y\n@mail.x.gov.example", "mail.x.gov.example",
	  "d:x.gov.example", "pass none x.gov.example sp=none@gov.example f+", "none none x.gov.example --",
	  "DMARC_DIFFERS " },
	{ "gov.example v=DMARC1; p=reject; sp=none; np=quarantine; psd=y", "fake.gov.example", "s:gov.example",
	  "fail quarantine fake.gov.example np=quarantine@gov.example o", "none none fake.gov.example -",
	  "DMARC_FAIL_ASKED DMARC_DIFFERS " },
	{ "bank.example v=DMARC1; p=reject; sp=none; psd=y", "bank.example", "s:mail.bank.example",
	  "fail reject bank.example p=reject@bank.example o", "fail reject bank.example p=reject@bank.example o",
	  "DMARC_FAIL_ASKED " },
	/* psd=y above a record that is no organization's: the suffix's policy holds */
	{ "b.example.com v=DMARC1; p=none\ncom v=DMARC1; p=reject; psd=y", "a.b.example.com", "",
	  "fail reject example.com p=reject@com f", "none none example.com -", "DMARC_FAIL_ASKED DMARC_DIFFERS " },
	/* alone below the registered domain: nobody's but its own */
	{ "mail.example.com v=DMARC1; p=reject", "mail.example.com", "d:example.com s:bounce.example.com",
	  "fail reject mail.example.com p=reject@mail.example.com oo",
	  "pass none example.com p=reject@mail.example.com ++", "DMARC_FAIL_ASKED DMARC_DIFFERS " },
	/* a public suffix of the private kind with a record */
	{ "blog.example v=DMARC1; p=reject", "alice.blog.example", "d:bob.blog.example",
	  "pass none blog.example p=reject@blog.example f+", "none none alice.blog.example --", "DMARC_DIFFERS " },

	/* --- names of eight labels and more --- */
	{ "b.c.d.e.f.example.com v=DMARC1; p=reject; psd=n", "a.b.c.d.e.f.example.com", "",
	  "fail reject b.c.d.e.f.example.com p=reject@b.c.d.e.f.example.com f", "none none example.com -",
	  "DMARC_FAIL_ASKED DMARC_DIFFERS " },
	{ "a.b.c.d.e.f.example.com v=DMARC1; p=reject; psd=n", "x.a.b.c.d.e.f.example.com", "",
	  "none none x.a.b.c.d.e.f.example.com -", "none none example.com -", "DMARC_NO_RECORD " },
	{ "b.c.d.e.f.example.com v=DMARC1; p=reject; psd=y", "y.x.a.b.c.d.e.f.example.com", "d:a.b.c.d.e.f.example.com",
	  "pass none a.b.c.d.e.f.example.com p=reject@b.c.d.e.f.example.com f+", "none none example.com --",
	  "DMARC_DIFFERS " },

	/* --- alignment --- */
	{ "example.com v=DMARC1; p=reject; adkim=s; aspf=s", "example.com", "s:m.example.com d:m.example.com",
	  "fail reject example.com p=reject@example.com ss", "fail reject example.com p=reject@example.com ss",
	  "DMARC_FAIL_ASKED " },
	{ "example.com v=DMARC1; p=reject; adkim=s; aspf=s", "example.com", "s:m.example.com d:EXAMPLE.com",
	  "pass none example.com p=reject@example.com s=", "pass none example.com p=reject@example.com s=", "" },
	{ "example.com v=DMARC1; p=reject; aspf=s", "m.example.com", "s:example.com -d:m.example.com d:o.example.com",
	  "pass none example.com p=reject@example.com sf+", "pass none example.com p=reject@example.com sf+", "" },
	{ "example.com v=DMARC1; p=none", "example.com", "s:example.net d:badexample.com",
	  "fail none example.com p=none@example.com oo", "fail none example.com p=none@example.com oo", "DMARC_FAIL " },
	/* an organization of its own within the author's */
	{ "example.com v=DMARC1; p=reject\nx.example.com v=DMARC1; p=none; psd=n", "example.com",
	  "d:m.x.example.com", "fail reject example.com p=reject@example.com fo",
	  "pass none example.com p=reject@example.com f+", "DMARC_FAIL_ASKED DMARC_DIFFERS " },

	/* --- np --- */
	{ "example.com v=DMARC1; p=none; sp=quarantine; np=reject", "no.example.com", "",
	  "fail reject example.com np=reject@example.com f", "fail reject example.com np=reject@example.com f",
	  "DMARC_FAIL_ASKED " },
	{ "example.com v=DMARC1; p=none; np=reject\n@a.yes.example.com", "yes.example.com", "",	/* NODATA: it is there */
	  "fail none example.com p=none@example.com f", "fail reject example.com np=reject@example.com f",
	  "DMARC_FAIL DMARC_DIFFERS " },
	{ "example.com v=DMARC1; p=none; np=reject\n%mx.example.com", "mx.example.com", "",
	  "fail none example.com p=none@example.com f", "fail none example.com p=none@example.com f", "DMARC_FAIL " },
	{ "example.com v=DMARC1; p=none; np=reject", "example.com", "",
	  "fail none example.com p=none@example.com f", "fail none example.com p=none@example.com f", "DMARC_FAIL " },

	/* --- t, and what was removed --- */
	{ "example.com v=DMARC1; p=reject; t=y", "example.com", "", "fail quarantine example.com p=reject@example.com f",
	  "fail reject example.com p=reject@example.com f", "DMARC_TESTING DMARC_FAIL_ASKED DMARC_DIFFERS " },
	{ "example.com v=DMARC1; p=quarantine; t=y", "example.com", "", "fail none example.com p=quarantine@example.com f",
	  "fail quarantine example.com p=quarantine@example.com f", "DMARC_TESTING DMARC_FAIL DMARC_DIFFERS " },
	{ "example.com v=DMARC1; p=none; t=y", "example.com", "", "fail none example.com p=none@example.com f",
	  "fail none example.com p=none@example.com f", "DMARC_FAIL " },
	{ "example.com v=DMARC1; p=reject; pct=0", "example.com", "", "fail reject example.com p=reject@example.com f",
	  "fail reject example.com p=reject@example.com f", "DMARC_TAG_REMOVED DMARC_FAIL_ASKED " },

	/* --- records that do not count --- */
	{ "example.com v=DMARC1; p=reject\nexample.com v=DMARC1; p=reject", "example.com", "d:example.com",
	  "none none example.com --", "none none example.com --", "DMARC_RECORDS DMARC_NO_RECORD " },
	{ "m.example.com v=DMARC1; p=reject\nm.example.com v=DMARC1; p=none\nexample.com v=DMARC1; p=none; sp=quarantine",
	  "m.example.com", "", "fail quarantine example.com sp=quarantine@example.com f", "none none example.com -",
	  "DMARC_RECORDS DMARC_FAIL_ASKED DMARC_DIFFERS " },
	{ "example.com v=spf1 -all\nexample.com v=DMARC1; p=reject\nexample.com v=dmarc1; p=none", "example.com", "",
	  "fail reject example.com p=reject@example.com f", "fail reject example.com p=reject@example.com f",
	  "DMARC_VERSION DMARC_FAIL_ASKED " },
	{ "example.com v=DMARC1; adkim=s", "example.com", "d:example.com", "none none example.com void --",
	  "none none example.com void --", "DMARC_P_VOID " },
	/* what does not count at the author's own domain is not looked for above */
	{ "m.example.com v=DMARC1; adkim=s\nexample.com v=DMARC1; p=reject", "m.example.com", "",
	  "none none example.com void -", "none none example.com void -", "DMARC_P_VOID " },
	{ "example.com v=DMARC1; p=rejct; rua=mailto:a@example.com", "example.com", "",
	  "fail none example.com p=none@example.com f", "fail none example.com p=none@example.com f",
	  "DMARC_P_NONE DMARC_FAIL " },

	/* --- no answer --- */
	{ "!_dmarc.example.com", "example.com", "d:example.com", "temperror none - -- ", "temperror none example.com --",
	  "DMARC_DNS " },
	{ "example.com v=DMARC1; p=reject\n!_dmarc.m.example.com", "m.example.com", "d:example.com",
	  "temperror none - -- ", "temperror none example.com --", "DMARC_DNS " },
	{ "example.com v=DMARC1; p=reject\n!_dmarc.com", "example.com", "d:example.com",
	  "pass none - p=reject@example.com f=", "pass none example.com p=reject@example.com f=", "DMARC_DNS " },
	{ "example.com v=DMARC1; p=reject\n!_dmarc.com", "example.com", "d:m.example.com s:x.net",
	  "temperror none - p=reject@example.com o?", "pass none example.com p=reject@example.com o+",
	  "DMARC_DNS DMARC_DIFFERS " },
	{ "example.com v=DMARC1; p=reject; adkim=s\n!_dmarc.com", "example.com", "d:m.example.com",
	  "fail reject - p=reject@example.com fs", "fail reject example.com p=reject@example.com fs",
	  "DMARC_DNS DMARC_FAIL_ASKED " },
	{ "example.com v=DMARC1; p=reject\n!_dmarc.m.example.com", "example.com", "d:m.example.com",
	  "temperror none example.com p=reject@example.com f?", "pass none example.com p=reject@example.com f+",
	  "DMARC_DNS DMARC_DIFFERS " },
	{ "example.com v=DMARC1; p=reject\n!_dmarc.m.example.com", "example.com", "d:m.example.com s:b.example.com",
	  "pass none example.com p=reject@example.com +?", "pass none example.com p=reject@example.com ++", "DMARC_DNS " },
	{ "example.com v=DMARC1; p=reject\n!_dmarc.m.example.com", "example.com", "s:m.example.com",
	  "temperror none example.com p=reject@example.com ?", "pass none example.com p=reject@example.com +",
	  "DMARC_DNS DMARC_DIFFERS " },
	/* wherever the author's organization is, it is not that one */
	{ "example.com v=DMARC1; p=reject\nx.example.com v=DMARC1; p=none; psd=n\n!_dmarc.com", "example.com",
	  "d:x.example.com", "fail reject - p=reject@example.com fo", "pass none example.com p=reject@example.com f+",
	  "DMARC_DNS DMARC_FAIL_ASKED DMARC_DIFFERS " },
	{ "example.com v=DMARC1; p=reject\n!_dmarc.com\n!_dmarc.net", "example.com", "d:x.net",
	  "fail reject - p=reject@example.com fo", "fail reject example.com p=reject@example.com fo",
	  "DMARC_DNS DMARC_FAIL_ASKED " },
	/* psd ends the walk below the name that fails */
	{ "example.com v=DMARC1; p=reject; psd=y\n!_dmarc.com", "example.com", "",
	  "fail reject example.com p=reject@example.com f", "fail reject example.com p=reject@example.com f",
	  "DMARC_FAIL_ASKED " },
	{ "example.com v=DMARC1; p=reject; psd=n\n!_dmarc.com", "m.example.com", "d:example.com",
	  "pass none example.com p=reject@example.com f+", "pass none example.com p=reject@example.com f+", "" },
	{ "m.example.com v=DMARC1; adkim=s\n!_dmarc.example.com", "m.example.com", "", "none none - void -",
	  "none none example.com void -", "DMARC_P_VOID DMARC_DNS " },
	/* nobody knows whether it exists, and it matters, or not */
	{ "example.com v=DMARC1; p=none; np=reject\n!m.example.com", "m.example.com", "",
	  "temperror none example.com p=none@example.com f", "temperror none example.com p=none@example.com f", "DMARC_DNS " },
	{ "example.com v=DMARC1; p=none; np=none\n!m.example.com", "m.example.com", "",
	  "fail none example.com p=none@example.com f", "fail none example.com p=none@example.com f", "DMARC_FAIL " },
	{ "example.com v=DMARC1; p=none; np=reject\n!m.example.com", "m.example.com", "d:example.com",
	  "pass none example.com p=none@example.com f+", "pass none example.com p=none@example.com f+", "" },

	/* SPF or DKIM had none: what could have spoken for the author did not fail (section 5.3.6) */
	{ "example.com v=DMARC1; p=reject", "example.com", "?s:example.com", "temperror none example.com p=reject@example.com ?",
	  "temperror none example.com p=reject@example.com ?", "" },
	{ "example.com v=DMARC1; p=reject", "example.com", "-s:example.com ?d:m.example.com",
	  "temperror none example.com p=reject@example.com f?", "temperror none example.com p=reject@example.com f?", "" },
	{ "example.com v=DMARC1; p=reject", "example.com", "?s:example.com d:m.example.com",
	  "pass none example.com p=reject@example.com ?+", "pass none example.com p=reject@example.com ?+", "" },
	{ "example.com v=DMARC1; p=reject", "example.com", "?s:example.net ?d:com.example",
	  "fail reject example.com p=reject@example.com ff", "fail reject example.com p=reject@example.com ff",
	  "DMARC_FAIL_ASKED " },
	{ "example.com v=DMARC1; p=reject; adkim=s; aspf=s", "example.com", "?s:m.example.com ?d:m.example.com",
	  "fail reject example.com p=reject@example.com ff", "fail reject example.com p=reject@example.com ff",
	  "DMARC_FAIL_ASKED " },
	{ "example.com v=DMARC1; p=reject\n!_dmarc.m.example.com", "example.com", "?d:m.example.com",
	  "temperror none example.com p=reject@example.com f?", "temperror none example.com p=reject@example.com f?",
	  "DMARC_DNS " },
	{ "", "example.com", "?s:example.com", "none none example.com -", "none none example.com -", "DMARC_NO_RECORD " },

	/* --- several authors, and none --- */
	{ "example.com v=DMARC1; p=none\nexample.net v=DMARC1; p=quarantine\nexample.org v=DMARC1; p=reject",
	  "example.com example.net example.org", "d:example.org", "fail quarantine example.net p=quarantine@example.net fo",
	  "fail quarantine example.net p=quarantine@example.net fo",
	  "DMARC_AUTHORS DMARC_FAIL DMARC_FAIL_ASKED " },
	{ "example.com v=DMARC1; p=reject", "example.com Example.COM", "d:example.com",
	  "pass none example.com p=reject@example.com f=", "pass none example.com p=reject@example.com f=", "" },
	{ "example.com v=DMARC1; p=reject", "example.net example.com", "d:example.com", "none none example.net --",
	  "none none example.net --", "DMARC_AUTHORS DMARC_NO_RECORD " },
	{ "", "a.com b.com c.com d.com e.com", "", "permerror none", "permerror none", "DMARC_AUTHORS " },
	{ "", "", "d:example.com", "permerror none", "permerror none", "DMARC_AUTHOR_NONE " },
};

/* --- a row as values --- */

#define IDENTS_MAX	24

struct message {
	struct dname		authors[8];
	struct dmarc_ident	spf, dkim[IDENTS_MAX];
	struct dmarc_in		in;
};

static const char list[] = "com\nnet\norg\nexample\nbank.example\ngov.example\nblog.example\n";

static void
zone_read(struct dns_fake *d, struct sv text)
{
	struct sv line;

	while (sv_line(&text, &line)) {
		struct sv name = sv_cut(&line, ' ');
		char at[300];

		if (name.p[0] == '!') {
			assert_int_equal(dns_fake_fail(d, sv_skip(name, 1)), 0);
			continue;
		}
		if (name.p[0] == '@' || name.p[0] == '%') {
			(void)snprintf(at, sizeof(at), "%.*s", SV_ARG(sv_skip(name, 1)));
			assert_int_equal(dns_fake_add(d, at, name.p[0] == '@' ? "A" : "MX",
			    name.p[0] == '@' ? "192.0.2.1" : "10 mx.example."), 0);
			continue;
		}
		(void)snprintf(at, sizeof(at), "_dmarc.%.*s", SV_ARG(name));
		assert_int_equal(dns_fake_add_txt(d, sv_str(at), line), 0);
	}
}

static void
message_read(struct message *m, const char *authors, const char *idents)
{
	struct sv word, text = sv_str(authors);

	*m = (struct message){ .in = { .authors = m->authors, .dkim = m->dkim } };
	while (sv_word(&text, &word))
		assert_int_equal(mail_name(word, &m->authors[m->in.n_authors++]), 0);
	text = sv_str(idents);
	while (sv_word(&text, &word)) {
		bool passes = word.p[0] != '-' && word.p[0] != '?';
		struct sv kind = sv_skip(word, !passes);
		struct dmarc_ident *id = kind.p[0] == 's' ? &m->spf : &m->dkim[m->in.n_dkim++];

		assert_true(m->in.n_dkim <= IDENTS_MAX);
		id->result = passes ? MAIL_PASS : word.p[0] == '?' ? MAIL_TEMPERROR : MAIL_FAIL;
		assert_int_equal(mail_name(sv_skip(kind, 2), &id->name), 0);
		if (id == &m->spf)
			m->in.spf = id;
	}
}

static void
name_print(struct buf *b, const struct dname *n)
{
	char text[DNAME_STRLEN];

	buf_sv(b, mail_name_str(n, text));
}

static void
view_print(struct buf *b, const struct dmarc_view *v, size_t n_dkim)
{
	buf_char(b, ' ');
	if (v->has_org)
		name_print(b, &v->org);
	else
		buf_char(b, '-');
	buf_str(b, v->is_void ? " void" : "");
	if (v->record != NULL) {
		buf_printf(b, " %s=%s@", dmarc_tag_name(v->tag), dmarc_policy_name(v->policy));
		name_print(b, &v->where);
	}
	buf_char(b, ' ');
	buf_char(b, aligns[v->spf]);
	for (size_t i = 0; i < n_dkim; i++)
		buf_char(b, aligns[v->dkim[i]]);
}

static void
verdict_is(const struct row *w, const struct dmarc_verdict *d, bool legacy, size_t n_dkim, const char *want)
{
	struct sv s = sv_trim(sv_str(want));
	struct buf got = BUF_INIT;

	buf_printf(&got, "%s %s", mail_result_name(d->result), dmarc_policy_name(d->disposition));
	if (d->author != NULL)
		view_print(&got, legacy ? &d->author->legacy : &d->author->now, n_dkim);
	if (!sv_eq(buf_get(&got), s))
		fail_msg("%s\n%s: %s: got \"%.*s\", want \"%s\"", w->zone, w->authors,
		    legacy ? "legacy" : "now", SV_ARG(buf_get(&got)), want);
	buf_done(&got);
}

static void
codes_are(const struct row *w, const struct findings *fs)
{
	struct buf got = BUF_INIT;

	for (const struct finding *f = fs->head; f != NULL; f = f->next)
		buf_printf(&got, "%s ", f->def->code);
	buf_char(&got, '\0');
	if (strcmp(got.p, w->codes) != 0)
		fail_msg("%s\n%s: got %s, want %s", w->zone, w->authors, got.p, w->codes);
	buf_done(&got);
}

/* A finding is read by people, and searched for: no name in it has the root's dot. */
static void
names_are_plain(const struct findings *fs)
{
	for (const struct finding *f = fs->head; f != NULL; f = f->next) {
		assert_false(sv_ends(f->subject, SV(".")));
		for (unsigned i = 0; i < f->n_args; i++)
			if (f->args[i].type == FARG_STR)
				assert_false(sv_ends(f->args[i].s, SV(".")));
	}
}

/* With a slow DNS: as often as it takes. */
static int
check(struct dns_fake *d, const struct message *m, struct pool *pool, struct findings *fs,
    struct dmarc_out *out, unsigned *ret_rounds)
{
	struct mail_ask ask = { .find = dns_fake_find, .arg = d };
	unsigned n = 0;
	int rc;

	do {
		pool_reset(pool);
		findings_init(fs, pool);
		ask.n_missing = 0;
		rc = dmarc_check(&m->in, &ask, pool, fs, out);
		if (rc == MAIL_WAIT)
			dns_fake_learn(d, &ask);
		assert_true(n++ < 20);
	} while (rc == MAIL_WAIT);
	*ret_rounds = n;
	return rc;
}

static void
test_rows(void **state)
{
	struct pool *pool = pool_new(1 << 20);
	psl_ctx_t *psl = psl_parse(list);

	(void)state;
	for (size_t i = 0; i < 2 * ARRAY_LEN(rows); i++) {
		const struct row *w = &rows[i / 2];
		_cleanup_(dns_fake_freep) struct dns_fake *d = dns_fake_new();
		struct message m;
		struct dmarc_out out;
		struct findings fs;
		unsigned rounds;

		zone_read(d, sv_str(w->zone));
		message_read(&m, w->authors, w->idents);
		m.in.psl = psl;
		dns_fake_slow(d, i % 2 == 1);
		assert_int_equal(check(d, &m, pool, &fs, &out, &rounds), 0);
		verdict_is(w, &out.now, false, m.in.n_dkim, w->now);
		verdict_is(w, &out.legacy, true, m.in.n_dkim, w->legacy);
		codes_are(w, &fs);
		names_are_plain(&fs);
		assert_true(out.has_legacy);
		assert_int_equal(out.differs, strstr(w->codes, "DMARC_DIFFERS") != NULL);
	}
	psl_free(psl);
	(void)pool_free(pool);
}

/* --- what is asked, and when --- */

static const struct {
	const char	*zone, *authors, *idents;
	unsigned	 rounds;
	const char	*asked;
} asked[] = {
	/* section 4.10's own illustration: eight names, all at once */
	{ "", "a.b.c.d.e.f.g.h.i.j.mail.example.com", "", 2,
	  "a.b.c.d.e.f.g.h.i.j.mail.example.com g.h.i.j.mail.example.com h.i.j.mail.example.com i.j.mail.example.com "
	  "j.mail.example.com mail.example.com example.com com " },
	{ "", "a.b.c.d.e.f.example.com", "", 2,
	  "a.b.c.d.e.f.example.com b.c.d.e.f.example.com c.d.e.f.example.com d.e.f.example.com e.f.example.com "
	  "f.example.com example.com com " },
	/* an identifier adds the names that the author's walk has not */
	{ "example.com v=DMARC1; p=reject", "a.example.com", "s:x.b.example.com d:a.example.com d:example.net", 2,
	  "a.example.com example.com com x.b.example.com b.example.com " },
	/* one that shares the top alone is asked for when that turns out to be an organization */
	{ "com v=DMARC1; p=reject", "a.com", "s:b.com", 3, "a.com com b.com " },
};

static void
test_asked(void **state)
{
	struct pool *pool = pool_new(1 << 20);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(asked); i++) {
		_cleanup_(dns_fake_freep) struct dns_fake *d = dns_fake_new();
		struct buf got = BUF_INIT;
		struct message m;
		struct dmarc_out out;
		struct findings fs;
		unsigned rounds;

		zone_read(d, sv_str(asked[i].zone));
		message_read(&m, asked[i].authors, asked[i].idents);
		dns_fake_slow(d, true);
		assert_int_equal(check(d, &m, pool, &fs, &out, &rounds), 0);
		assert_false(out.has_legacy);
		for (size_t n = 0; n < dns_fake_learned(d); n++) {
			struct dname name = dns_fake_question(d, n)->name;

			assert_int_equal(dns_fake_question(d, n)->type, RR_TXT);
			assert_memory_equal(name.w, "\6_dmarc", 7);
			assert_int_equal(dname_parent(&name, &name), 0);
			name_print(&got, &name);
			buf_char(&got, ' ');
		}
		buf_char(&got, '\0');
		assert_string_equal(got.p, asked[i].asked);
		assert_int_equal(rounds, asked[i].rounds);
		buf_done(&got);
	}
	(void)pool_free(pool);
}

/* The way is kept: each name, what was there. */
static void
test_trail(void **state)
{
	_cleanup_(dns_fake_freep) struct dns_fake *d = dns_fake_new();
	struct pool *pool = pool_new(1 << 20);
	const struct dmarc_view *v;
	struct message m;
	struct dmarc_out out;
	struct findings fs;
	unsigned rounds;

	(void)state;
	zone_read(d, SV("b.example.com v=DMARC1; p=none\nb.example.com v=DMARC1; p=none\nexample.com v=DMARC1; p=reject; psd=n"));
	message_read(&m, "a.b.example.com", "");
	assert_int_equal(check(d, &m, pool, &fs, &out, &rounds), 0);
	v = &out.authors[0].now;
	assert_int_equal(v->n_steps, 3);		/* "com" is not reached */
	assert_int_equal(v->steps[0]->rcode, MAIL_DNS_NXDOMAIN);
	assert_int_equal(v->steps[1]->n_records, 2);
	assert_null(v->steps[1]->record);
	assert_ptr_equal(v->steps[2]->record, v->record);
	assert_true(sv_eq(v->record->text, SV("v=DMARC1; p=reject; psd=n")));
	assert_string_equal(dmarc_method_name(v->method), "treewalk");
	assert_string_equal(dmarc_method_name(DMARC_PSL), "psl");
	assert_string_equal(dmarc_align_name(DMARC_ALIGN_SAME), "the same domain");
	assert_string_equal(dmarc_align_name(DMARC_ALIGN_MAX), "?");
	(void)pool_free(pool);
}

/* --- limits --- */

static void
test_limits(void **state)
{
	_cleanup_(dns_fake_freep) struct dns_fake *d = dns_fake_new();
	struct pool *pool = pool_new(1 << 20);
	struct message m;
	struct dmarc_out out;
	struct findings fs;
	unsigned rounds;
	char l63[64], text[300];

	(void)state;
	/* beyond DMARC_WALKS_MAX: the last is not looked at, and that is said */
	zone_read(d, SV("example.com v=DMARC1; p=reject\nx.example.com v=DMARC1; p=none; psd=n"));
	message_read(&m, "example.com", "");
	for (m.in.n_dkim = 0; m.in.n_dkim <= DMARC_WALKS_MAX; m.in.n_dkim++) {
		(void)snprintf(text, sizeof(text), "s%zu.x.example.com", m.in.n_dkim);
		m.dkim[m.in.n_dkim].result = MAIL_PASS;
		assert_int_equal(mail_name(sv_str(text), &m.dkim[m.in.n_dkim].name), 0);
	}
	assert_int_equal(mail_name(SV("m.example.com"), &m.dkim[DMARC_WALKS_MAX].name), 0);
	assert_int_equal(check(d, &m, pool, &fs, &out, &rounds), 0);
	assert_int_equal(out.now.result, MAIL_FAIL);
	assert_int_equal(out.authors[0].now.dkim[DMARC_WALKS_MAX], DMARC_ALIGN_UNCHECKED);
	assert_string_equal(fs.head->def->code, "DMARC_IDENTS");
	/* a name so long that no "_dmarc." fits before it has no record */
	memset(l63, 'a', 63);
	l63[63] = '\0';
	(void)snprintf(text, sizeof(text), "%s.%s.%s.%.49s.example.com", l63, l63, l63, l63);
	message_read(&m, text, "");
	assert_int_equal(check(d, &m, pool, &fs, &out, &rounds), 0);
	assert_int_equal(out.now.disposition, DMARC_POLICY_REJECT);
	assert_int_equal(out.authors[0].now.steps[0]->rcode, MAIL_DNS_NXDOMAIN);
	/* nor has the root */
	m.authors[0] = DNAME_ROOT;
	assert_int_equal(check(d, &m, pool, &fs, &out, &rounds), 0);
	assert_int_equal(out.now.result, MAIL_PERMERROR);
	(void)pool_free(pool);
}

static void
test_memory(void **state)
{
	_cleanup_(dns_fake_freep) struct dns_fake *d = dns_fake_new();
	struct mail_ask ask = { .find = dns_fake_find, .arg = d };
	struct pool *said = pool_new(1 << 16);
	struct message m;
	struct findings fs;
	size_t n_failed = 0;

	(void)state;
	findings_init(&fs, said);
	zone_read(d, SV("example.com v=DMARC1; p=reject; rua=mailto:a@b"));
	message_read(&m, "m.example.com", "s:n.example.com d:o.example.com");
	for (size_t cap = 0;; cap += 256) {
		struct pool *pool = pool_new(cap);
		struct dmarc_out out = { .n_authors = 77 };
		int rc = dmarc_check(&m.in, &ask, pool, &fs, &out);

		(void)pool_free(pool);
		if (rc == 0)
			break;
		assert_int_equal(rc, -ENOMEM);
		assert_int_equal(out.n_authors, 77);
		n_failed++;
	}
	assert_true(n_failed > 10);
	(void)pool_free(said);
}

TESTS_MAIN("dmarc", T(test_rows), T(test_asked), T(test_trail), T(test_limits), T(test_memory))
