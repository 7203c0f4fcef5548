/* One message, signed, and what lists and gateways make of it: what is found, and what is broken. */
#include "dkim_kit.h"
#include "mail/diff.h"

struct place {
	struct pool		*pool;
	struct mail_head	 head;
	struct mail_judge	 j;
	struct mail_judge_out	 out;
	struct findings		 fs;
	struct mail_diff_side	 side;
};

static void
place_init(struct place *p, struct dns_fake *dns, struct sv text)
{
	struct mail_judge_in in = { .now = KIT_NOW };
	struct mail_ask ask = { .find = dns_fake_find, .arg = dns };

	*p = (struct place){ .pool = pool_new(2 * MAIL_POOL_MAX), .side = { &p->j, &p->out, text, SV("") } };
	assert_non_null(p->pool);
	findings_init(&p->fs, p->pool);
	mail_head_init(&p->head, p->pool);
	assert_int_equal(mail_head_parse(&p->head, text, &p->side.body, &p->fs), 0);
	assert_int_equal(mail_judge_begin(p->pool, &p->head, &p->fs, &p->j), 0);
	mail_judge_body(&p->j, p->side.body);
	mail_judge_body_end(&p->j);
	assert_int_equal(mail_judge_check(&p->j, &in, p->pool, &ask, &p->fs, &p->out), 0);
}

static void
place_done(struct place *p)
{
	mail_judge_done(&p->j);
	(void)pool_free(p->pool);
}

struct pair {
	struct place		 before, after;
	struct pool		*pool;
	struct findings		 fs;
	struct mail_diff	 d;
};

static void
pair_init(struct pair *p, struct dns_fake *dns, struct sv before, struct sv after)
{
	p->pool = pool_new(2 * MAIL_POOL_MAX);
	assert_non_null(p->pool);
	place_init(&p->before, dns, before);
	place_init(&p->after, dns, after);
	findings_init(&p->fs, p->pool);
	assert_int_equal(mail_diff(p->pool, &p->before.side, &p->after.side, &p->fs, &p->d), 0);
}

static void
pair_done(struct pair *p)
{
	place_done(&p->before);
	place_done(&p->after);
	(void)pool_free(p->pool);
}

static bool
has_code(const struct pair *p, enum mail_diff_code code)
{
	for (const struct finding *f = p->fs.head; f != NULL; f = f->next)
		if (f->def == &mail_diff_findings[code])
			return true;
	return false;
}

/* What was computed must be what the other engine finds: a signature that held, and its head. */
static void
verdicts_agree(const struct pair *p, const char *what)
{
	for (size_t i = 0; i < p->d.n_sigs; i++) {
		const struct mail_diff_sig *s = &p->d.sigs[i];
		const struct dkim_verdict *v;

		if (s->kind != DKIM_SIGNATURE || s->after == NULL || !s->is_verified || s->fate == DIFF_WAS_BROKEN)
			continue;
		if (s->after < p->after.j.dkim.sigs || s->after >= p->after.j.dkim.sigs + p->after.out.n_dkim)
			continue;		/* below those that are judged */
		v = &p->after.out.dkim[s->after - p->after.j.dkim.sigs];
		if (!v->has_key)
			continue;
		if ((v->head_holds && v->body_holds) != (s->fate == DIFF_HOLDS) || v->head_holds != s->head_same)
			print_message("# %s\n", what);
		assert_int_equal(v->head_holds && v->body_holds, s->fate == DIFF_HOLDS);
		assert_int_equal(v->head_holds, s->head_same);
		assert_int_equal(v->body_holds, s->body_same);
	}
}

static void
codes_must(const struct pair *p, const int *codes, const char *what)
{
	size_t n = 0;

	for (; codes[n] >= 0; n++)
		if (!has_code(p, (enum mail_diff_code)codes[n])) {
			print_message("# %s: no %s\n", what, mail_diff_findings[codes[n]].code);
			fail();
		}
	for (const struct finding *f = p->fs.head; f != NULL; f = f->next) {
		bool known = false;

		for (size_t i = 0; i < n; i++)
			known |= f->def == &mail_diff_findings[codes[i]];
		if (!known)
			print_message("# %s: also %s\n", what, f->def->code);
		assert_true(known);
	}
}

/* --- one text, in all the ways --- */

#define SUBJECT	"Subject: =?utf-8?B?5Lya6K2w?=\r\n"
#define TEXT	"From here on  it goes.\r\nA second line of some length stands here.\r\nAnd an end.\r\n"
#define HEAD	"From: A <a@example.jp>\r\nTo: b@example.com\r\n" SUBJECT \
		"Date: Mon, 23 Nov 2026 04:00:00 +0000\r\nMessage-ID: <1@example.jp>\r\n"
#define PLAIN	HEAD "\r\n" TEXT
#define MIXED	HEAD "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=\"b 1\"\r\n\r\npreamble\r\n" \
		"--b 1\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n" \
		"\xe4\xbc\x9a\xe8\xad\xb0 = this\r\n\r\n--b 1\r\nContent-Type: application/pdf\r\n" \
		"Content-Disposition: attachment; filename=\"x.pdf\"\r\nContent-Transfer-Encoding: base64\r\n\r\n" \
		"aGVsbG8gd29ybGQ=\r\n--b 1--\r\n"

#define RELAXED	"v=1; a=ed25519-sha256; c=relaxed/relaxed; d=example.jp; s=s; h=from:to:subject:date:reply-to"
#define SIMPLE	"v=1; a=ed25519-sha256; c=simple/simple; d=example.jp; s=s; h=from:to:subject:date:reply-to"
#define LENGTH	RELAXED "; l=10"

#define CODES_OF(...)	{ __VA_ARGS__ __VA_OPT__(,) -1 }

static const struct row {
	const char		*what, *text, *tags, *from, *to;
	enum mail_diff_fate	 fate;
	int			 codes[8];
} rows[] = {
	{ "nothing", PLAIN, RELAXED, "a@example.jp>\r\nTo", "a@example.jp>\r\nTo", DIFF_HOLDS,
	    CODES_OF() },
	{ "trace", PLAIN, RELAXED, "From: A", "Received: from x by y; z\r\nFrom: A", DIFF_HOLDS,
	    CODES_OF() },
	{ "prefix", PLAIN, RELAXED, SUBJECT, "Subject: [l] =?utf-8?B?5Lya6K2w?=\r\n", DIFF_BROKEN,
	    CODES_OF(MAIL_DIFF_SUBJECT, MAIL_DIFF_SIG_BROKEN) },
	{ "words", PLAIN, RELAXED, SUBJECT,
	    "Subject: =?utf-8?Q?=E4=BC=9A?= =?utf-8?q?=e8=ad=b0?=\r\n", DIFF_BROKEN,
	    CODES_OF(MAIL_DIFF_RECODED, MAIL_DIFF_SIG_BROKEN) },
	{ "folded", PLAIN, RELAXED, SUBJECT, "subject:  =?utf-8?B?5Lya6K2w?= \r\n", DIFF_HOLDS,
	    CODES_OF(MAIL_DIFF_FOLDED) },
	{ "folded simple", PLAIN, SIMPLE, SUBJECT, "Subject:\r\n =?utf-8?B?5Lya6K2w?=\r\n",
	    DIFF_BROKEN,
	    CODES_OF(MAIL_DIFF_FOLDED, MAIL_DIFF_SIG_BROKEN) },
	{ "blank in a word", PLAIN, RELAXED, "b@example.com", "b@ example.com", DIFF_BROKEN,
	    CODES_OF(MAIL_DIFF_FOLDED, MAIL_DIFF_SIG_BROKEN) },
	{ "from", PLAIN, RELAXED, "From: A <a@example.jp>", "From: A via L <l@list.example>",
	    DIFF_BROKEN,
	    CODES_OF(MAIL_DIFF_FROM, MAIL_DIFF_SIG_BROKEN) },
	{ "to", PLAIN, RELAXED, "To: b@example.com", "To: l@list.example", DIFF_BROKEN,
	    CODES_OF(MAIL_DIFF_CHANGED, MAIL_DIFF_SIG_BROKEN) },
	{ "reply-to", PLAIN, RELAXED, "To: b@", "Reply-To: l@list.example\r\nTo: b@", DIFF_BROKEN,
	    CODES_OF(MAIL_DIFF_REPLY_TO, MAIL_DIFF_SIG_BROKEN) },
	{ "a second To", PLAIN, RELAXED, "Date:", "To: c@example.com\r\nDate:", DIFF_BROKEN,
	    CODES_OF(MAIL_DIFF_ADDED, MAIL_DIFF_SIG_BROKEN) },
	{ "a To above", PLAIN, RELAXED, "From: A", "To: c@example.com\r\nFrom: A", DIFF_HOLDS,
	    CODES_OF() },
	{ "no date", PLAIN, RELAXED, "Date: Mon, 23 Nov 2026 04:00:00 +0000\r\n", "", DIFF_BROKEN,
	    CODES_OF(MAIL_DIFF_REMOVED, MAIL_DIFF_SIG_BROKEN) },
	{ "moved", PLAIN, RELAXED, "From: A <a@example.jp>\r\nTo: b@example.com\r\n",
	    "To: b@example.com\r\nFrom: A <a@example.jp>\r\n",
	    DIFF_HOLDS, CODES_OF(MAIL_DIFF_MOVED) },
	{ "another message", PLAIN, RELAXED, "<1@", "<2@", DIFF_HOLDS, CODES_OF(MAIL_DIFF_OTHER,
	    MAIL_DIFF_CHANGED) },
	{ "footer", PLAIN, RELAXED, "And an end.\r\n", "And an end.\r\n___\r\nl@list.example\r\n",
	    DIFF_BROKEN,
	    CODES_OF(MAIL_DIFF_FOOTER, MAIL_DIFF_SIG_BROKEN) },
	{ "footer behind l=", PLAIN, LENGTH, "And an end.\r\n", "And an end.\r\n___\r\n", DIFF_HOLDS,
	    CODES_OF(MAIL_DIFF_FOOTER) },
	{ "l= beyond the body", PLAIN, RELAXED "; l=1000", "b@example.com", "b@example.com", DIFF_WAS_BROKEN,
	    CODES_OF(MAIL_DIFF_SIG_BEFORE) },
	{ "empty lines", PLAIN, SIMPLE, "And an end.\r\n", "And an end.\r\n\r\n\r\n", DIFF_HOLDS,
	    CODES_OF() },
	{ "banner", PLAIN, RELAXED, "\r\n\r\nFrom here", "\r\n\r\nCAUTION\r\nFrom here",
	    DIFF_BROKEN,
	    CODES_OF(MAIL_DIFF_BANNER, MAIL_DIFF_SIG_BROKEN) },
	{ "both", PLAIN, RELAXED, TEXT, "CAUTION\r\n" TEXT "bye\r\n", DIFF_BROKEN,
	    CODES_OF(MAIL_DIFF_BANNER, MAIL_DIFF_FOOTER, MAIL_DIFF_SIG_BROKEN) },
	{ "inside", PLAIN, RELAXED, "A second", "A third", DIFF_BROKEN, CODES_OF(MAIL_DIFF_BODY,
	    MAIL_DIFF_SIG_BROKEN) },
	{ "cut", PLAIN, RELAXED, "And an end.\r\n", "", DIFF_BROKEN, CODES_OF(MAIL_DIFF_CUT,
	    MAIL_DIFF_SIG_BROKEN) },
	{ "blanks", PLAIN, RELAXED, "on  it", "on it ", DIFF_HOLDS, CODES_OF(MAIL_DIFF_BLANKS) },
	{ "blanks simple", PLAIN, SIMPLE, "on  it", "on it", DIFF_BROKEN, CODES_OF(MAIL_DIFF_BLANKS,
	    MAIL_DIFF_SIG_BROKEN) },
	{ "wrapped", PLAIN, RELAXED, "of some", "of\r\n some", DIFF_BROKEN, CODES_OF(MAIL_DIFF_WRAP,
	    MAIL_DIFF_SIG_BROKEN) },
	{ "quoted", PLAIN, RELAXED, "\r\nFrom here", "\r\n>From here", DIFF_BROKEN,
	    CODES_OF(MAIL_DIFF_QUOTE, MAIL_DIFF_SIG_BROKEN) },
	{ "taken out", PLAIN, RELAXED, "DKIM-Signature", "X-Old-Signature", DIFF_GONE,
	    CODES_OF(MAIL_DIFF_SIG_GONE) },
#define ONE	"DKIM-Signature: x\r\n"
#define FIVE	ONE ONE ONE ONE ONE
	{ "below many others", PLAIN, RELAXED, "DKIM-Signature", FIVE FIVE "DKIM-Signature", DIFF_HOLDS, CODES_OF() },
	{ "own field", PLAIN, RELAXED, "v=1; a=", "v=1; q=dns/txt; a=", DIFF_BROKEN,
	    CODES_OF(MAIL_DIFF_SIG_BROKEN) },
	{ "converted", MIXED, RELAXED, "8bit\r\n\r\n\xe4\xbc\x9a\xe8\xad\xb0 = this",
	    "quoted-printable\r\n\r\n=E4=BC=9A=E8=AD=B0 =3D this",
	    DIFF_BROKEN, CODES_OF(MAIL_DIFF_ENCODING, MAIL_DIFF_SIG_BROKEN) },
	{ "charset", MIXED, RELAXED,
	    "charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n\xe4\xbc\x9a\xe8\xad\xb0",
	    "charset=\"iso-2022-jp\"\r\nContent-Transfer-Encoding: 8bit\r\n\r\n\33$B2q5D\33(B", DIFF_BROKEN,
	    CODES_OF(MAIL_DIFF_CHARSET, MAIL_DIFF_SIG_BROKEN) },
	{ "rewrapped base64", MIXED, RELAXED, "aGVsbG8gd29ybGQ=", "aGVsbG8g\r\nd29ybGQ=",
	    DIFF_BROKEN,
	    CODES_OF(MAIL_DIFF_ENCODING, MAIL_DIFF_SIG_BROKEN) },
	{ "attachment", MIXED, RELAXED,
	    "--b 1\r\nContent-Type: application/pdf\r\nContent-Disposition: attachment; filename=\"x.pdf\"\r\n"
	    "Content-Transfer-Encoding: base64\r\n\r\naGVsbG8gd29ybGQ=\r\n", "", DIFF_BROKEN,
	    CODES_OF(MAIL_DIFF_PART_GONE, MAIL_DIFF_SIG_BROKEN) },
	{ "footer as a part", MIXED, RELAXED, "--b 1--", "--b 1\r\n\r\nl@list.example\r\n--b 1--",
	    DIFF_BROKEN,
	    CODES_OF(MAIL_DIFF_PART_NEW, MAIL_DIFF_SIG_BROKEN) },
	{ "footer in a part", MIXED, RELAXED, "this\r\n", "this\r\nl@list.example\r\n", DIFF_BROKEN,
	    CODES_OF(MAIL_DIFF_FOOTER, MAIL_DIFF_SIG_BROKEN) },
	{ "rebuilt", MIXED, RELAXED, "preamble", "foreword", DIFF_BROKEN,
	    CODES_OF(MAIL_DIFF_REBUILT, MAIL_DIFF_SIG_BROKEN) },
	{ "wrapped in a multipart", PLAIN, RELAXED, "Message-ID: <1@example.jp>\r\n\r\n" TEXT,
	    "Message-ID: <1@example.jp>\r\nMIME-Version: 1.0\r\n"
	    "Content-Type: multipart/mixed; boundary=c\r\n\r\n--c\r\n\r\n" TEXT
	    "\r\n--c\r\n\r\nbye\r\n--c--\r\n",
	    DIFF_BROKEN, CODES_OF(MAIL_DIFF_WRAPPED, MAIL_DIFF_PART_NEW, MAIL_DIFF_SIG_BROKEN) },
};

static void
test_rows(void **state)
{
	struct crypto_priv *key = NULL;
	struct kit k;

	(void)state;
	kit_init(&k);
	assert_int_equal(crypto_priv_generate(15, 0, &key), 0);
	kit_publish(&k, "s._domainkey.example.jp", kit_record(&k, key, ""));
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct row *r = &rows[i];
		struct sv before = kit_sign(&k, key, r->tags, sv_str(r->text));
		struct pair p;

		pair_init(&p, k.dns, before, kit_change(&k, before, r->from, r->to));
		codes_must(&p, r->codes, r->what);
		verdicts_agree(&p, r->what);
		assert_int_equal(p.d.n_sigs, 1);
		if (p.d.sigs[0].fate != r->fate)
			print_message("# %s: %s\n", r->what, mail_diff_fate_name(p.d.sigs[0].fate));
		assert_int_equal(p.d.sigs[0].fate, r->fate);
		assert_int_equal(p.d.n_fate[r->fate], 1);
		assert_true(p.d.sigs[0].is_verified);
		assert_int_equal(findings_reject(&p.fs), r->fate == DIFF_BROKEN || r->fate == DIFF_GONE);
		pair_done(&p);
	}
	(void)crypto_priv_free(key);
	kit_done(&k);
}

/* --- what is found beside the codes --- */

/* Two changes of the plain message, neither of them signed. */
static void
plain_pair(struct pair *p, struct kit *k, const char *from, const char *to)
{
	pair_init(p, k->dns, SV(PLAIN), kit_change(k, SV(PLAIN), from, to));
}

static void
test_names(void **state)
{
	struct crypto_priv *key = NULL;
	struct sv before;
	struct pair p;
	struct kit k;

	(void)state;
	kit_init(&k);
	assert_int_equal(crypto_priv_generate(15, 0, &key), 0);
	kit_publish(&k, "s._domainkey.example.jp", kit_record(&k, key, ""));
	before = kit_sign(&k, key, RELAXED, SV(PLAIN));
	/* a second one below: the first is there, and no longer the one that is signed */
	pair_init(&p, k.dns, before, kit_change(&k, before, "Date:", "To: c@example.com\r\nDate:"));
	assert_int_equal(p.d.sigs[0].n_names, 1);
	assert_true(sv_eq_str(p.d.sigs[0].names[0].name, "to"));
	assert_true(p.d.sigs[0].names[0].is_shift);
	assert_int_equal(p.d.n_act[DIFF_ADDED], 1);
	pair_done(&p);
	/* signed as absent */
	pair_init(&p, k.dns, before, kit_change(&k, before, "Date:", "Reply-To: c@example.com\r\nDate:"));
	assert_int_equal(p.d.sigs[0].n_names, 1);
	assert_int_equal(p.d.sigs[0].names[0].act, DIFF_ADDED);
	assert_null(p.d.sigs[0].names[0].before);
	pair_done(&p);
	/* only the end of the body: l= would have borne it */
	pair_init(&p, k.dns, before, kit_change(&k, before, "an end.\r\n", "an end.\r\nx\r\n"));
	assert_true(p.d.sigs[0].head_same && !p.d.sigs[0].body_same && p.d.sigs[0].is_length_enough);
	assert_int_equal(p.d.body.where, DIFF_AT_END);
	assert_int_equal(p.d.body.line, 4);
	assert_int_equal(p.d.body.n_lines[0], 0);
	assert_int_equal(p.d.body.n_octets[1], 1);	/* without the line end behind it */
	pair_done(&p);
	/* the end of the line as well: l= would not */
	pair_init(&p, k.dns, before, kit_change(&k, before, "an end.\r\n", "an end. x\r\n"));
	assert_false(p.d.sigs[0].is_length_enough);
	pair_done(&p);
	/* a signature that another one's key made: bad before, and no loss */
	pair_init(&p, k.dns, kit_change(&k, before, "To: b@", "To: x@"), kit_change(&k, before, "To: b@", "To: y@"));
	assert_int_equal(p.d.sigs[0].fate, DIFF_WAS_BROKEN);
	assert_true(has_code(&p, MAIL_DIFF_SIG_BEFORE));
	assert_false(findings_reject(&p.fs));
	pair_done(&p);
	(void)crypto_priv_free(key);
	kit_done(&k);
}

static void
test_where(void **state)
{
	static const struct {
		const char		*from, *to;
		enum mail_diff_where	 where;
		size_t			 line, n_before, n_after;
	} cases[] = {
		{ "From here", "From here", DIFF_NOWHERE, 0, 0, 0 },
		{ "an end.", "an end.\r\nx\r\ny", DIFF_AT_END, 4, 0, 2 },
		{ "\r\n\r\nFrom", "\r\n\r\nx\r\nFrom", DIFF_AT_BEGIN, 1, 0, 1 },
		{ TEXT, "x\r\n" TEXT "y\r\n", DIFF_AT_BOTH, 1, 0, 2 },
		{ "A second", "A third", DIFF_INSIDE, 2, 1, 1 },
		{ "A second", "x\r\nA second", DIFF_INSIDE, 2, 0, 1 },
		{ "And an end.\r\n", "", DIFF_CUT, 3, 1, 0 },
		{ TEXT, "", DIFF_INSIDE, 1, 3, 0 },
	};
	struct pair p;
	struct kit k;

	(void)state;
	kit_init(&k);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		plain_pair(&p, &k, cases[i].from, cases[i].to);
		if (p.d.body.where != cases[i].where)
			print_message("# %zu: %s\n", i, mail_diff_where_name(p.d.body.where));
		assert_int_equal(p.d.body.where, cases[i].where);
		assert_int_equal(p.d.body.line, cases[i].line);
		assert_int_equal(p.d.body.n_lines[0], cases[i].n_before);
		assert_int_equal(p.d.body.n_lines[1], cases[i].n_after);
		pair_done(&p);
	}
	kit_done(&k);
}

/* Without an answer the body is judged, and the head taken to have held. */
static void
test_no_key(void **state)
{
	struct crypto_priv *key = NULL;
	struct sv before;
	struct pair p;
	struct kit k;

	(void)state;
	kit_init(&k);
	assert_int_equal(crypto_priv_generate(15, 0, &key), 0);
	before = kit_sign(&k, key, RELAXED, SV(PLAIN));
	assert_int_equal(dns_fake_fail(k.dns, SV("s._domainkey.example.jp")), 0);
	pair_init(&p, k.dns, before, before);
	assert_int_equal(p.d.sigs[0].fate, DIFF_HOLDS);
	assert_false(p.d.sigs[0].is_verified);
	assert_true(has_code(&p, MAIL_DIFF_KEY));
	pair_done(&p);
	pair_init(&p, k.dns, kit_change(&k, before, "on  it", "on that"), before);
	assert_int_equal(p.d.sigs[0].fate, DIFF_WAS_BROKEN);
	pair_done(&p);
	(void)crypto_priv_free(key);
	kit_done(&k);
}

static void
test_program(void **state)
{
	static const struct {
		const char		*added;
		enum mail_diff_program	 program;
	} cases[] = {
		{ "X-Mailman-Version: 3.3.8\r\nList-Id: <l.example>\r\n", DIFF_BY_MAILMAN3 },
		{ "X-Mailman-Version: 2.1.39\r\nX-BeenThere: l@list.example\r\n", DIFF_BY_MAILMAN2 },
		{ "X-Google-Group-Id: 1\r\n", DIFF_BY_GOOGLE },
		{ "X-Loop: l@list.example\r\nX-Sequence: 1\r\n", DIFF_BY_SYMPA },
		{ "X-MLServer: fml [fml 4.0]\r\n", DIFF_BY_FML },
		{ "List-Id: <l.example>\r\n", DIFF_BY_LIST },
		{ "X-MS-Exchange-Organization-SCL: 1\r\n", DIFF_BY_EXCHANGE },
		{ "X-Sieve-Redirected-From: b@example.com\r\n", DIFF_BY_SIEVE },
		{ "Delivered-To: b@example.com\r\nReceived: by x (Postfix)\r\n", DIFF_BY_POSTFIX },
		{ "X-Virus-Scanned: amavis\r\n", DIFF_BY_SCANNER },
		{ "X-Disclaimer: x\r\n", DIFF_BY_GATEWAY },
		{ "Delivered-To: b@example.com\r\n", DIFF_BY_MAX },
		{ "", DIFF_BY_MAX },
	};
	struct pair p;
	struct kit k;

	(void)state;
	kit_init(&k);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		plain_pair(&p, &k, "From: A", pool_printf(k.pool, "%sFrom: A", cases[i].added));
		assert_string_equal(mail_diff_program_name(p.d.program), mail_diff_program_name(cases[i].program));
		pair_done(&p);
	}
	plain_pair(&p, &k, "\r\nFrom here", "\r\n>From here");
	assert_int_equal(p.d.program, DIFF_BY_MAILBOX);
	pair_done(&p);
	plain_pair(&p, &k, "an end.\r\n", "an end.\r\nbye\r\n");
	assert_int_equal(p.d.program, DIFF_BY_GATEWAY);
	pair_done(&p);
	assert_non_null(mail_diff_setting(DIFF_BY_MAILMAN3, MAIL_DIFF_SUBJECT));
	assert_null(mail_diff_setting(DIFF_BY_MAILBOX, MAIL_DIFF_SUBJECT));
	assert_null(mail_diff_setting(DIFF_BY_MAX, MAIL_DIFF_SUBJECT));
	kit_done(&k);
}

static struct sv
arg_of(const struct pair *p, enum mail_diff_code code, const char *key)
{
	for (const struct finding *f = p->fs.head; f != NULL; f = f->next)
		for (unsigned i = 0; f->def == &mail_diff_findings[code] && i < f->n_args; i++)
			if (strcmp(f->args[i].key, key) == 0)
				return f->args[i].s;
	return SV("(none)");
}

/* Subjects as they read where that is UTF-8; else as they stand there. */
static void
test_shown(void **state)
{
	struct pair p;
	struct kit k;

	(void)state;
	kit_init(&k);
	plain_pair(&p, &k, SUBJECT, "Subject: =?iso-2022-jp?B?GyRCMnE1RBsoQg==?=\r\n");
	assert_true(sv_eq_str(arg_of(&p, MAIL_DIFF_SUBJECT, "was"), "\xe4\xbc\x9a\xe8\xad\xb0"));
	assert_true(sv_eq_str(arg_of(&p, MAIL_DIFF_SUBJECT, "is"), "=?iso-2022-jp?B?GyRCMnE1RBsoQg==?="));
	pair_done(&p);
	/* a letter is not cut */
	plain_pair(&p, &k, SUBJECT, pool_printf(k.pool, "Subject: %0*d\xe4\xbc\x9a\r\n", MAIL_DIFF_QUOTE_MAX - 1, 0));
	assert_int_equal(arg_of(&p, MAIL_DIFF_SUBJECT, "is").n, MAIL_DIFF_QUOTE_MAX - 1);
	pair_done(&p);
	/* rules are not what a footer says */
	plain_pair(&p, &k, "an end.\r\n", "an end.\r\n-- \r\n______\r\nbye\r\n");
	assert_true(sv_eq_str(arg_of(&p, MAIL_DIFF_FOOTER, "text"), "bye"));
	pair_done(&p);
	kit_done(&k);
}

/* A file with LF has the same lines; so has one that is cut within them. */
static void
test_ends(void **state)
{
	struct buf b = BUF_INIT;
	struct pair p;
	struct kit k;

	(void)state;
	kit_init(&k);
	for (const char *c = PLAIN; *c != '\0'; c++)
		if (*c != '\r')
			buf_char(&b, *c);
	pair_init(&p, k.dns, SV(PLAIN), buf_get(&b));
	assert_true(has_code(&p, MAIL_DIFF_ENDS));
	assert_true(p.d.body.same[MAIL_SIMPLE] && p.d.body.same[MAIL_RELAXED]);
	assert_int_equal(p.d.n_act[DIFF_KEPT], p.d.n_fields);
	assert_int_equal(p.d.body.where, DIFF_NOWHERE);
	pair_done(&p);
	buf_done(&b);
	kit_done(&k);
}

/* More parts than are compared: the body is, as a whole. */
static void
test_limit(void **state)
{
	struct buf b = BUF_INIT;
	struct pair p;
	struct kit k;

	(void)state;
	kit_init(&k);
	buf_str(&b, HEAD "Content-Type: multipart/mixed; boundary=b\r\n\r\n");
	for (unsigned i = 0; i < MAIL_DIFF_PARTS_MAX + 1; i++)
		buf_printf(&b, "--b\r\n\r\n%u\r\n", i);
	buf_str(&b, "--b--\r\n");
	pair_init(&p, k.dns, buf_get(&b), kit_change(&k, buf_get(&b), "\r\n7\r\n", "\r\n8\r\n"));
	assert_false(p.d.is_mime_known);
	assert_true(has_code(&p, MAIL_DIFF_LIMIT) && has_code(&p, MAIL_DIFF_BODY));
	pair_done(&p);
	buf_done(&b);
	kit_done(&k);
}

/* A seal over the first set, as RFC 8617 has it: what comes above leaves it, what is changed breaks it. */
static void
test_seal(void **state)
{
	static const char set[] =
	    "ARC-Seal: i=1; a=rsa-sha256; t=1; cv=none; d=f.example; s=s; b=AAAA\r\n"
	    "ARC-Message-Signature: i=1; a=rsa-sha256; c=relaxed/relaxed; d=f.example; s=s;\r\n"
	    " h=from:to; bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=; b=AAAA\r\n"
	    "ARC-Authentication-Results: i=1; f.example; dkim=pass\r\n";
	struct sv before, after;
	struct pair p;
	struct kit k;

	(void)state;
	kit_init(&k);
	assert_int_equal(dns_fake_fail(k.dns, SV("s._domainkey.f.example")), 0);
	/* an empty body is the one whose digest stands there */
	before = sv_str(pool_printf(k.pool, "%s%s\r\n", set, HEAD));
	pair_init(&p, k.dns, before, before);
	assert_int_equal(p.d.n_sigs, 2);
	assert_int_equal(p.d.sigs[0].kind, DKIM_ARC_MESSAGE);
	assert_int_equal(p.d.sigs[1].kind, DKIM_ARC_SEAL);
	assert_int_equal(p.d.n_fate[DIFF_HOLDS], 2);
	pair_done(&p);
	pair_init(&p, k.dns, before, kit_change(&k, before, "dkim=pass", "dkim=fail"));
	assert_int_equal(p.d.sigs[0].fate, DIFF_HOLDS);
	assert_int_equal(p.d.sigs[1].fate, DIFF_BROKEN);
	assert_int_equal(p.d.sigs[1].n_names, 1);
	pair_done(&p);
	/* the set came between the two */
	after = before;
	pair_init(&p, k.dns, SV(HEAD "\r\n"), after);
	assert_int_equal(p.d.n_new_sets, 1);
	assert_true(sv_eq_str(p.d.sealer, "f.example"));
	assert_true(has_code(&p, MAIL_DIFF_SEALED));
	pair_done(&p);
	kit_done(&k);
}

TESTS_MAIN("mail/diff", T(test_rows), T(test_names), T(test_where), T(test_no_key), T(test_program),
    T(test_shown), T(test_ends), T(test_limit), T(test_seal))
