/*
 * Failure reports from the gate to the mail: which message makes one (fo= by what was found), what
 * is in it and what is not, and the way through journal and tables: like incidents, limits,
 * destinations, retries, and a process that is killed again and again. Where the tables are, as in
 * tests/unit/store/test_reports.c.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/mail_failure_box.h"
#include "app/mail_failures.h"
#include "app/mail_journal_internal.h"
#include "app/mail_redact.h"
#include "base/err.h"
#include "mail_gate_kit.h"
#include "segments_kit.h"

/* --- at the gate --- */

static void
world_fill(struct gate_kit *k)
{
	k->conf.failures = (struct mail_gate_failures){ .key = SV("0123456789abcdef") };
	gate_kit_dns(k, "a.test", "v=spf1 ip4:192.0.2.7 -all");
	gate_kit_dns(k, "b.test", "v=spf1 ip4:198.51.100.0/24 -all");
	gate_kit_dns(k, "_dmarc.a.test", "v=DMARC1; p=reject; ruf=mailto:f@a.test!1m,mailto:g@out.test");
	gate_kit_dns(k, "any.test", "v=spf1 ip4:192.0.2.7 -all");
	gate_kit_dns(k, "_dmarc.any.test", "v=DMARC1; p=none; fo=1; ruf=mailto:f@any.test");
	gate_kit_dns(k, "_dmarc.s.test", "v=DMARC1; p=none; fo=s; ruf=mailto:f@s.test");
	gate_kit_dns(k, "s.test", "v=spf1 -all");
	gate_kit_dns(k, "_dmarc.d.test", "v=DMARC1; p=none; fo=d; ruf=mailto:f@d.test");
	gate_kit_dns(k, "_dmarc.psd.test", "v=DMARC1; p=reject; psd=y; ruf=mailto:f@psd.test");
	gate_kit_dns(k, "_dmarc.q.test", "v=DMARC1; p=quarantine; ruf=mailto:f@q.test");
	gate_kit_dns(k, "_dmarc.no.test", "v=DMARC1; p=reject; rua=mailto:f@no.test");
	assert_int_equal(dns_fake_fail(k->dns, SV("fail.test")), 0);
	gate_kit_dns(k, "_dmarc.fail.test", "v=DMARC1; p=reject; ruf=mailto:f@fail.test");
}

#define HEAD(from, more)	"From: Secret Name <secretname@" from ">\nTo: secretname@here.test\n"	\
				"Subject: secretsubject\nDate: Mon, 23 Nov 2026 04:00:00 +0000\n" more "\nsecretbody\n"
#define SIG_BAD	"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=d.test; s=sel; h=From; "	\
		"bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=; b=AAAA\n"

static void
with_parts(struct gate_kit *k)
{
	k->conf.failures.with_parts = true;
}

static void
without_key(struct gate_kit *k)
{
	k->conf.failures.key = SV("");
}

static const struct play {
	const char	*name, *client, *sender, *message;
	void		(*change)(struct gate_kit *);
	const char	*has;		/* NULL: no report; else a part of its feedback */
} plays[] = {
	{ "fail", "203.0.113.9", "secretname@c.test", HEAD("a.test", ""), NULL, "Auth-Failure: dmarc\n" },
	{ "alignment", "203.0.113.9", "secretname@c.test", HEAD("a.test", ""), NULL, "Identity-Alignment: dkim, spf\n" },
	{ "refused", "203.0.113.9", "x@c.test", HEAD("a.test", ""), NULL, "Delivery-Result: reject\n" },
	{ "quarantined", "203.0.113.9", "x@c.test", HEAD("q.test", ""), NULL, "Delivery-Result: policy\n" },
	{ "let in", "203.0.113.9", "x@c.test", HEAD("any.test", ""), NULL, "Delivery-Result: delivered\n" },
	{ "DMARC's result alone", "203.0.113.9", "x@a.test", HEAD("a.test", ""), NULL,
	    "Authentication-Results: mx.here.test;\n\tdmarc=fail header.from=a.test policy.dmarc=reject\nId" },
	{ "SPF's result alone", "203.0.113.9", "secretname@s.test", HEAD("s.test", ""), with_parts,
	    "Authentication-Results: mx.here.test;\n\tspf=fail smtp.mailfrom=s.test;\n\tspf=none smtp.helo=mx.a.example\nId" },
	{ "DKIM's results alone", "203.0.113.9", "x@c.test", HEAD("d.test", SIG_BAD), with_parts,
	    "Authentication-Results: mx.here.test;\n\tdkim=permerror header.d=d.test header.s=sel header.a=rsa-sha256\n\theader.b=AAAA\nId" },
	{ "the record of an aligned SPF", "203.0.113.9", "x@a.test", HEAD("a.test", ""), NULL,
	    "SPF-DNS: txt : a.test : \"v=spf1 ip4:192.0.2.7 -all\"\n" },
	{ "another's SPF is not told", "203.0.113.9", "x@b.test", HEAD("a.test", ""), NULL, "Source-IP: 203.0.113.9\n" },
	{ "pass", "192.0.2.7", "x@a.test", HEAD("a.test", ""), NULL, NULL },
	{ "fo=1: DKIM is missing, and it passed", "192.0.2.7", "x@any.test", HEAD("any.test", ""), NULL,
	    "Identity-Alignment: dkim\n" },
	{ "fo=s, not heard", "203.0.113.9", "x@s.test", HEAD("s.test", ""), NULL, NULL },
	{ "fo=s", "203.0.113.9", "x@s.test", HEAD("s.test", ""), with_parts, "Auth-Failure: spf\n" },
	{ "fo=s, and SPF passed", "198.51.100.1", "x@b.test", HEAD("s.test", ""), with_parts, NULL },
	{ "fo=d, without a signature", "203.0.113.9", "x@c.test", HEAD("d.test", ""), with_parts, NULL },
	{ "fo=d", "203.0.113.9", "x@c.test", HEAD("d.test", SIG_BAD), with_parts, "Auth-Failure: signature\n" },
	{ "fo=d, whose", "203.0.113.9", "x@c.test", HEAD("d.test", SIG_BAD), with_parts,
	    "DKIM-Domain: d.test\nDKIM-Identity: @d.test\nDKIM-Selector: sel\n" },
	{ "psd=y", "203.0.113.9", "x@c.test", HEAD("psd.test", ""), NULL, NULL },
	{ "nobody asked", "203.0.113.9", "x@c.test", HEAD("no.test", ""), NULL, NULL },
	{ "the null sender", "203.0.113.9", "", HEAD("a.test", ""), NULL, NULL },
	{ "by a program", "203.0.113.9", "x@c.test", HEAD("a.test", "Auto-Submitted: auto-generated\n"), NULL, NULL },
	{ "a report", "203.0.113.9", "x@c.test", HEAD("a.test", "Content-Type: multipart/report; boundary=x\n"), NULL, NULL },
	{ "the DNS is silent", "203.0.113.9", "x@fail.test", HEAD("fail.test", ""), NULL, NULL },
	{ "of our own", "127.0.0.1", "x@c.test", HEAD("a.test", ""), NULL, NULL },
	{ "off", "203.0.113.9", "x@c.test", HEAD("a.test", ""), without_key, NULL },
};

static void
test_gate(void **state)
{
	static const struct ip_prefix own = { .af = IP_V4, .len = 8, .addr = { 127 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(plays); i++) {
		const struct play *p = &plays[i];
		struct gate_kit k;

		gate_kit_init(&k);
		world_fill(&k);
		k.conf.policy.own = &own;
		k.conf.policy.n_own = 1;
		if (p->change != NULL)
			p->change(&k);
		gate_kit_from(&k, p->client, p->sender);
		gate_kit_play(&k, p->message);
		if (k.out.has_report != (p->has != NULL))
			print_message("# %s\n", p->name);
		assert_int_equal(k.out.has_report, p->has != NULL);
		if (p->has != NULL) {
			static uint8_t octets[MAIL_FAILURE_OCTETS_MAX];
			struct wr w = wr_mem(octets, sizeof(octets));
			struct mail_failure f;

			text_has(k.out.report.feedback, p->has);
			assert_true(sv_starts(k.out.report.head, SV("Authentication-Results: mx.here.test;\n\tspf=")));
			text_has(k.out.report.head, "\tdkim=");
			text_has(k.out.report.head, "\tdmarc=");
			assert_int_equal(mail_failure_write(&w, &k.out.report), 0);
			assert_int_equal(mail_failure_parse((struct sv){ (char *)octets, w.len }, &f), 0);
			assert_true(sv_eq(f.feedback, k.out.report.feedback) && sv_eq(f.head, k.out.report.head));
			assert_true(sv_eq_str(f.queue_id, "4Xq1") && f.n_to == k.out.report.n_to);
			assert_null(memmem(octets, w.len, "secret", 6));
			for (size_t n = 0; n < w.len; n++)
				assert_int_equal(mail_failure_parse((struct sv){ (char *)octets, n }, &f), -EBADMSG);
		}
		gate_kit_done(&k);
	}
}

/*
 * RFC 9989 section 4.7: each list of fo= by what is found. "m" DMARC, "d" DKIM, "s" SPF, "-" none.
 * 0 and 1 exclude each other there: both are as if nothing were said.
 */
static const struct {
	const char	*fo, *heard, *unheard;	/* a letter for each of fo_plays, with d and s or without */
} fo_rows[] = {
	{ "", "-mmm", "-mmm" }, { "fo=0;", "-mmm", "-mmm" }, { "fo=1;", "mmmm", "mmmm" },
	{ "fo=d;", "--d-", "----" }, { "fo=s;", "--ss", "----" }, { "fo=0:1;", "-mmm", "-mmm" },
	{ "fo=0:d;", "-mmm", "-mmm" }, { "fo=0:s;", "-mmm", "-mmm" }, { "fo=1:d;", "mmmm", "mmmm" },
	{ "fo=s:1;", "mmmm", "mmmm" }, { "fo=d:s;", "--ds", "----" }, { "fo=s:d;", "--ds", "----" },
	{ "fo=0:1:d;", "-mmm", "-mmm" }, { "fo=0:1:s;", "-mmm", "-mmm" }, { "fo=0:d:s;", "-mmm", "-mmm" },
	{ "fo=1:d:s;", "mmmm", "mmmm" }, { "fo=0:1:d:s;", "-mmm", "-mmm" },
};

#define SIG_FO	"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=fo.test; i=secretname@mail.fo.test; "	\
		"s=sel; h=From; bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=; b=AAAA\n"

static const struct {
	const char	*client, *sender, *message;
} fo_plays[] = {
	{ "192.0.2.7", "x@fo.test", HEAD("fo.test", "") },		/* SPF is aligned, no signature */
	{ "198.51.100.1", "x@b.test", HEAD("fo.test", "") },		/* SPF passed for another */
	{ "203.0.113.9", "x@fo.test", HEAD("fo.test", SIG_FO) },	/* both failed */
	{ "203.0.113.9", "x@fo.test", HEAD("fo.test", "") },		/* SPF failed, no signature */
};

static char
fo_letter(const struct gate_kit *k)
{
	static const struct {
		const char	*type;
		char		 letter;
	} types[] = {
		{ "Auth-Failure: dmarc\n", 'm' },
		{ "Auth-Failure: signature\n", 'd' },
		{ "Auth-Failure: spf\n", 's' },
	};

	for (size_t i = 0; k->out.has_report && i < ARRAY_LEN(types); i++)
		if (sv_starts(k->out.report.feedback, sv_str(types[i].type)))
			return types[i].letter;
	return k->out.has_report ? '?' : '-';
}

static void
test_fo(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(fo_rows) * ARRAY_LEN(fo_plays) * 2; i++) {
		size_t row = i / 2 / ARRAY_LEN(fo_plays), play = i / 2 % ARRAY_LEN(fo_plays);
		const char *want = i % 2 == 0 ? fo_rows[row].heard : fo_rows[row].unheard;
		struct gate_kit k;
		char record[128];

		gate_kit_init(&k);
		world_fill(&k);
		k.conf.failures.with_parts = i % 2 == 0;
		(void)snprintf(record, sizeof(record), "v=DMARC1; p=none; %s ruf=mailto:f@fo.test", fo_rows[row].fo);
		gate_kit_dns(&k, "_dmarc.fo.test", record);
		gate_kit_dns(&k, "fo.test", "v=spf1 ip4:192.0.2.7 -all");
		gate_kit_from(&k, fo_plays[play].client, fo_plays[play].sender);
		gate_kit_play(&k, fo_plays[play].message);
		if (fo_letter(&k) != want[play])
			print_message("# %s %s play %zu\n", fo_rows[row].fo, i % 2 == 0 ? "heard" : "unheard", play);
		assert_int_equal(fo_letter(&k), want[play]);
		if (want[play] != '-' && play == 2)
			text_has(k.out.report.feedback, "DKIM-Domain: fo.test\nDKIM-Identity: @mail.fo.test\nDKIM-Selector: sel\n");
		gate_kit_done(&k);
	}
}

/* Two failures are one path or two. */
static void
test_alike(void **state)
{
	static const struct {
		const char	*client, *sender;
		bool		 is_alike;	/* to the first */
	} rows[] = {
		{ "203.0.113.9", "x@c.test", true }, { "203.0.113.250", "y@c.test", true },
		{ "203.0.112.9", "x@c.test", false }, { "203.0.113.9", "x@a.test", false },
	};
	uint8_t first[MAIL_FAILURE_ALIKE_LEN];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct gate_kit k;

		gate_kit_init(&k);
		world_fill(&k);
		gate_kit_from(&k, rows[i].client, rows[i].sender);
		gate_kit_play(&k, HEAD("a.test", ""));
		assert_true(k.out.has_report);
		assert_int_equal(k.out.report.alike.n, MAIL_FAILURE_ALIKE_LEN);
		if (i == 0)
			memcpy(first, k.out.report.alike.p, sizeof(first));
		assert_int_equal(memcmp(first, k.out.report.alike.p, sizeof(first)) == 0, rows[i].is_alike);
		gate_kit_done(&k);
	}
}

/* --- a store of its own --- */

#define T0	(20000 * (int64_t)REPORTS_DAY_SEC)

static const struct mail_failures_conf conf = {
	.email = { "dmarc@mx.example.net", 20 }, .submitter = { "mx.example.net", 14 },
	.agent = { "Sekisho", 7 }, .per_domain = 3, .per_day = 5,
};

struct world {
	char		 folder[64], where[256];
	struct reports	*r;
};

static void
world_init(struct world *w, unsigned n)
{
	const char *server = getenv("SEKISHO_REPORTS");

	(void)snprintf(w->folder, sizeof(w->folder), "%s/failures.XXXXXX", access("/dev/shm", W_OK) == 0 ?
	    "/dev/shm" : "/tmp");
	assert_non_null(mkdtemp(w->folder));
	if (server != NULL)
		(void)snprintf(w->where, sizeof(w->where), "%s%u", server, n);
	else
		(void)snprintf(w->where, sizeof(w->where), "%s/reports.db", w->folder);
	assert_int_equal(reports_open(w->where, &w->r), 0);
}

static void
world_done(struct world *w)
{
	static const char *const names[] = { "", "-wal", "-shm" };
	char path[512];

	(void)reports_free(w->r);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		(void)snprintf(path, sizeof(path), "%s%s", w->where, names[i]);
		(void)unlink(path);
	}
	assert_int_equal(rmdir(w->folder), 0);
}

static struct mail_failure
failure_of(const char *id, int64_t at, const char *domain, const char *alike, const char *to)
{
	return (struct mail_failure){ .node = SV("mx1"), .queue_id = sv_str(id), .at = at,
		.domain = sv_str(domain), .alike = sv_str(alike), .to = { sv_str(to) }, .n_to = 1,
		.feedback = SV("Auth-Failure: dmarc\n"), .head = SV("Message-ID: <1@a.test>\n") };
}

static void
segment_begin(struct buf *b)
{
	uint8_t head[JOURNAL_HEAD_LEN];

	b->len = 0;
	journal_head(head, 1);
	buf_bytes(b, head, sizeof(head));
}

static struct sv
octets_of(const struct mail_failure *f)
{
	static uint8_t octets[MAIL_FAILURE_OCTETS_MAX];
	struct wr w = wr_mem(octets, sizeof(octets));

	assert_int_equal(mail_failure_write(&w, f), 0);
	return (struct sv){ (char *)octets, w.len };
}

static void
segment_add(struct buf *b, const struct mail_failure *f)
{
	journal_frame(b, 1, octets_of(f));
}

#define ALIKE(c)	c "23456789abcdef."

static void
test_take(void **state)
{
	static const struct {
		const char	*id, *domain, *alike;
		int64_t		 at;
	} rows[] = {
		{ "1", "a.test", ALIKE("1"), T0 }, { "2", "a.test", ALIKE("1"), T0 + 1 },	/* joined */
		{ "3", "a.test", ALIKE("2"), T0 + 2 }, { "4", "a.test", ALIKE("3"), T0 + 3 },
		{ "5", "a.test", ALIKE("4"), T0 + 4 },				/* over: three a domain */
		{ "6", "b.test", ALIKE("4"), T0 + 5 }, { "7", "c.test", ALIKE("5"), T0 + 6 },
		{ "8", "d.test", ALIKE("6"), T0 + 7 },				/* over: five in all */
		{ "9", "d.test", ALIKE("6"), T0 + REPORTS_DAY_SEC },		/* another day */
	};
	struct mail_failures_taken t;
	struct reports_mails_now now;
	struct buf b = BUF_INIT;
	struct world w;
	bool more;

	(void)state;
	world_init(&w, 1);
	segment_begin(&b);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct mail_failure f = failure_of(rows[i].id, rows[i].at, rows[i].domain, rows[i].alike, "f@a.test");

		segment_add(&b, &f);
	}
	journal_frame(&b, 1, SV("no report"));
	buf_str(&b, "torn");
	assert_int_equal(mail_failures_take(w.r, &conf, buf_get(&b), &t), 0);
	assert_true(t.n[REPORTS_MAIL_NEW] == 6 && t.n[REPORTS_MAIL_JOINED] == 1 && t.n[REPORTS_MAIL_OVER] == 2);
	assert_true(t.n[REPORTS_MAIL_KNOWN] == 0 && t.n_bad == 1 && t.lost == 4);
	assert_int_equal(mail_failures_take(w.r, &conf, buf_get(&b), &t), 0);
	assert_true(t.n[REPORTS_MAIL_KNOWN] == 9 && t.n[REPORTS_MAIL_NEW] == 0);
	assert_int_equal(mail_failures_take(w.r, &conf, SV("no segment"), &t), -EBADMSG);
	assert_int_equal(reports_mails_now(w.r, &now), 0);
	assert_true(now.n_gathering == 6 && now.n_due == 0);
	assert_int_equal(mail_failures_prune(w.r, T0 + 86400 + MAIL_FAILURES_KEEP_SEC, &more), 0);
	assert_false(more);
	assert_int_equal(reports_mails_now(w.r, &now), 0);
	assert_int_equal(now.n_gathering, 1);
	buf_done(&b);
	world_done(&w);
}

/* --- to whom, and out --- */

struct post {
	char			 seen[2000], last[4000];
	enum mail_reports_sent	 answer;
};

static enum mail_reports_sent
post(void *arg, struct sv to, struct sv mail, struct sv *ret_error)
{
	struct post *p = arg;
	size_t n = strlen(p->seen);

	(void)snprintf(p->seen + n, sizeof(p->seen) - n, "%.*s ", SV_ARG(to));
	(void)snprintf(p->last, sizeof(p->last), "%.*s", SV_ARG(mail));
	*ret_error = SV("450 later");
	return p->answer;
}

static int
learn(void *arg, struct mail_ask *ask)
{
	dns_fake_learn(arg, ask);
	return 0;
}

static void
taken(struct world *w, const struct mail_failure *f)
{
	struct mail_failures_taken t;
	struct buf b = BUF_INIT;

	segment_begin(&b);
	segment_add(&b, f);
	assert_int_equal(mail_failures_take(w->r, &conf, buf_get(&b), &t), 0);
	buf_done(&b);
}

static void
sent(struct world *w, struct post *p, int64_t now, unsigned want_n, const char *want)
{
	unsigned n;

	p->seen[0] = '\0';
	assert_int_equal(mail_failures_send(w->r, &conf, now, post, p, &n), 0);
	assert_string_equal(p->seen, want);
	assert_int_equal(n, want_n);
}

static void
test_send(void **state)
{
	static const char *const ids[] = { "1", "2", "3" };
	struct dns_fake *d = dns_fake_new();
	struct mail_reports_dns dns = { .ask = { .find = dns_fake_find, .arg = d }, .fill = learn, .fill_arg = d };
	struct pool *pool = pool_new(1 << 20);
	struct mail_failure f = failure_of("1", T0, "a.test", ALIKE("1"), "f@a.test");
	struct post p = { .answer = MAIL_REPORTS_GOOD };
	struct findings fs;
	struct world w;
	unsigned n;

	(void)state;
	world_init(&w, 2);
	findings_init(&fs, pool);
	dns_fake_slow(d, true);
	assert_int_equal(dns_fake_add_txt(d, SV("a.test._report._dmarc.yes.test"), SV("v=DMARC1")), 0);
	assert_int_equal(dns_fake_fail(d, SV("a.test._report._dmarc.silent.test")), 0);
	f.to[1] = SV("g@yes.test");
	f.to[2] = SV("h@no.test");
	f.to[3] = SV("-x@a.test");
	f.n_to = 4;
	for (size_t i = 0; i < 3; i++) {
		f.queue_id = sv_str(ids[i]);
		taken(&w, &f);
	}
	/* Like incidents gather. */
	assert_int_equal(mail_failures_address(w.r, &dns, &fs, T0 + MAIL_FAILURES_GATHER_SEC - 1, &n), 0);
	assert_int_equal(n, 0);
	assert_int_equal(mail_failures_address(w.r, &dns, &fs, T0 + MAIL_FAILURES_GATHER_SEC, &n), 0);
	assert_int_equal(n, 1);
	/* Nobody is there: no attempt. */
	p.answer = MAIL_REPORTS_AWAY;
	sent(&w, &p, T0 + 600, 0, "f@a.test ");
	p.answer = MAIL_REPORTS_LATER;
	sent(&w, &p, T0 + 600, 2, "f@a.test g@yes.test ");
	sent(&w, &p, T0 + 899, 0, "");
	p.answer = MAIL_REPORTS_GOOD;
	sent(&w, &p, T0 + 900, 2, "f@a.test g@yes.test ");
	assert_non_null(strstr(p.last, "\nIncidents: 3\n"));
	assert_non_null(strstr(p.last, "From: <dmarc@mx.example.net>\nTo: <g@yes.test>\n"));
	assert_non_null(strstr(p.last, "\nAuth-Failure: dmarc\nIncidents"));
	assert_non_null(strstr(p.last, "\nAuto-Submitted: auto-generated\n"));
	sent(&w, &p, T0 + 90000, 0, "");
	/* The DNS is silent: it waits, and a day later it is of no use. */
	f = failure_of("5", T0 + 1000, "a.test", ALIKE("5"), "x@silent.test");
	taken(&w, &f);
	assert_int_equal(mail_failures_address(w.r, &dns, &fs, T0 + 5000, &n), 0);
	assert_int_equal(n, 0);
	assert_int_equal(mail_failures_address(w.r, &dns, &fs, T0 + 1001 + MAIL_FAILURES_END_SEC, &n), 0);
	assert_int_equal(n, 1);
	sent(&w, &p, T0 + 200000, 0, "");
	/* What stood too long in the queue is not sent any more. */
	f = failure_of("6", T0 + 1000, "a.test", ALIKE("6"), "f@a.test");
	taken(&w, &f);
	assert_int_equal(mail_failures_address(w.r, &dns, &fs, T0 + 5000, &n), 0);
	assert_int_equal(n, 1);
	sent(&w, &p, T0 + 1001 + MAIL_FAILURES_END_SEC, 1, "");
	sent(&w, &p, T0 + 1001 + MAIL_FAILURES_END_SEC, 0, "");
	(void)pool_free(pool);
	(void)dns_fake_free(d);
	world_done(&w);
}

/* An address that fails for good three times gets nothing more, whatever kind it is. */
static void
test_dead(void **state)
{
	static const char *const ids[] = { "1", "2", "3", "4" };
	static const char *const alikes[] = { ALIKE("1"), ALIKE("2"), ALIKE("3"), ALIKE("4") };
	struct dns_fake *d = dns_fake_new();
	struct mail_reports_dns dns = { .ask = { .find = dns_fake_find, .arg = d }, .fill = learn, .fill_arg = d };
	struct pool *pool = pool_new(1 << 20);
	struct post p = { .answer = MAIL_REPORTS_NEVER };
	struct reports_mails_now now;
	struct findings fs;
	struct world w;
	uint64_t failures;
	int64_t at;
	unsigned n;

	(void)state;
	world_init(&w, 3);
	findings_init(&fs, pool);
	for (int64_t i = 0; i < 4; i++) {
		int64_t day = T0 + i * REPORTS_DAY_SEC;
		struct mail_failure f = failure_of(ids[i], day, "a.test", alikes[i], "f@a.test");

		taken(&w, &f);
		assert_int_equal(mail_failures_address(w.r, &dns, &fs, day + 700, &n), 0);
		sent(&w, &p, day + 700, i < 3, i < 3 ? "f@a.test " : "");
	}
	assert_int_equal(reports_mails_failures(w.r, SV("f@a.test"), &failures, &at), 0);
	assert_int_equal(failures, MAIL_REPORTS_DEAD_MAX);
	/* The reports of the day go on: a stranger can have these refused. */
	assert_int_equal(reports_failures(w.r, SV("f@a.test"), &failures, &at), 0);
	assert_int_equal(failures, 0);
	assert_int_equal(reports_mails_now(w.r, &now), 0);
	assert_true(now.n_given_up == 3 && now.n_due == 0 && now.n_sent == 0 && now.n_gathering == 0);
	(void)pool_free(pool);
	(void)dns_fake_free(d);
	world_done(&w);
}

static void
test_outcome(void **state)
{
	static const int minutes[] = { 5, 15, 60, 240 };
	struct reports_mail_sending s = { .mail = { .at = T0 } };
	struct reports_outcome o;
	int64_t at = T0 + 600;
	size_t n = 0;

	(void)state;
	for (; n < 20; n++, s.attempts++) {
		o = mail_failures_outcome(&s, MAIL_REPORTS_LATER, SV("451"), at);
		assert_false(o.is_failure);
		if (o.state != REPORTS_DUE)
			break;
		assert_int_equal(o.next - at, minutes[min_size(n, 3)] * 60);
		at = o.next;
	}
	assert_int_equal(n, 8);		/* the last one within a day */
	assert_int_equal(o.state, REPORTS_GIVEN_UP);
}

/* --- from the journal to the tables, by a process that is killed --- */

#define HANDED	600

static void
journal_fill(const char *folder)
{
	const struct mail_journal_conf c = { folder, 1000, 60 };
	struct mail_journal_found found;
	struct mail_journal *j;
	char id[16], domain[32];

	assert_int_equal(mail_journal_open(&c, T0, &j, &found), 0);
	for (unsigned i = 0; i < HANDED; i++) {
		struct mail_failure f = failure_of(id, T0 + i, domain, ALIKE("1"), "f@a.test");

		f.queue_id.n = (size_t)snprintf(id, sizeof(id), "%u", i);
		f.domain.n = (size_t)snprintf(domain, sizeof(domain), "d%u.test", i / 2);	/* each twice */
		assert_int_equal(mail_journal_append(j, T0, octets_of(&f)), 0);
	}
	(void)mail_journal_free(j);
}

static int
failures_take(struct reports *r, struct sv octets)
{
	static const struct mail_failures_conf all = { .per_domain = 1000, .per_day = 1000 };
	struct mail_failures_taken t;

	return mail_failures_take(r, &all, octets, &t);
}

static int
incidents_add(void *arg, const struct reports_mail *m)
{
	unsigned *n = arg;

	n[0]++;
	n[1] += (unsigned)m->incidents;
	return 0;
}

static void
test_killed(void **state)
{
	unsigned n_killed = 0, n[2] = { 0 };
	char folder[128];
	struct world w;

	(void)state;
	world_init(&w, 4);
	(void)snprintf(folder, sizeof(folder), "%s/journal", w.folder);
	assert_int_equal(mkdir(folder, 0700), 0);
	journal_fill(folder);
	w.r = reports_free(w.r);
	for (unsigned i = 0; i < 20; i++)
		n_killed += killed_after(failures_take, w.where, folder, 6, i % 3,
		    i * 7919 % 1500);
	print_message("# %u of 20 lives cut short\n", n_killed);
	assert_int_equal(segments_hand(failures_take, w.where, folder, 1000, -1), 0);
	assert_int_equal(reports_open(w.where, &w.r), 0);
	assert_int_equal(reports_mails_unaddressed(w.r, INT64_MAX, 0, 10000, incidents_add, n), 0);
	assert_int_equal(n[0], HANDED / 2);
	assert_int_equal(n[1], HANDED);		/* none twice, none lost */
	assert_int_equal(rmdir(folder), 0);
	world_done(&w);
}

/* --- from threads to the journal, and the key --- */

static int
octets_count(void *arg, struct sv octets)
{
	struct mail_failure f;

	assert_int_equal(mail_failure_parse(octets, &f), 0);
	++*(unsigned *)arg;
	return 0;
}

static void
test_box(void **state)
{
	struct mail_failure f = failure_of("1", T0, "a.test", ALIKE("1"), "f@a.test");
	struct mail_failure_box *b;
	unsigned n = 0, n_in = 0;
	char domain[32];

	(void)state;
	assert_int_equal(mail_failure_box_new(&b), 0);
	for (unsigned i = 0; i < 2 * MAIL_FAILURE_BOX_MAX; i++) {	/* the box is full */
		f.domain.p = domain;
		f.domain.n = (size_t)snprintf(domain, sizeof(domain), "d%u.test", i);
		n_in += mail_failure_box_put(b, &f, T0);
	}
	assert_int_equal(n_in, MAIL_FAILURE_BOX_MAX);
	assert_int_equal(mail_failure_box_take(b, octets_count, &n), 0);
	assert_int_equal(n, MAIL_FAILURE_BOX_MAX);
	f.domain = SV("a.test");
	for (unsigned i = n_in = 0; i < 3 * MAIL_FAILURE_BOX_HOUR; i++) {	/* so many an hour in one name */
		n_in += mail_failure_box_put(b, &f, T0);
		assert_int_equal(mail_failure_box_take(b, octets_count, &n), 0);
	}
	assert_in_range(n_in, MAIL_FAILURE_BOX_HOUR - 2, MAIL_FAILURE_BOX_HOUR);	/* others share the slot */
	assert_true(mail_failure_box_put(b, &f, T0 + 3600));
	f.n_to = 0;
	assert_false(mail_failure_box_put(b, &f, T0 + 3600));
	(void)mail_failure_box_free(b);
}

static void
test_key(void **state)
{
	char folder[64] = "/tmp/redact.XXXXXX", path[128];
	struct pool *pool = pool_new(1 << 16);
	struct stat st;
	struct sv key, again;

	(void)state;
	assert_non_null(mkdtemp(folder));
	(void)snprintf(path, sizeof(path), "%s/key", folder);
	assert_int_equal(mail_redact_key(path, false, pool, &key), -ENOENT);
	assert_int_equal(mail_redact_key(path, true, pool, &key), 0);
	assert_int_equal(key.n, 64);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(mail_redact_key(path, true, pool, &again), 0);
	assert_true(sv_eq(key, again));
	assert_int_equal(chmod(path, 0644), 0);
	assert_int_equal(mail_redact_key(path, true, pool, &again), -EPERM);
	assert_int_equal(chmod(path, 0600), 0);
	assert_int_equal(file_write(path, SV("too short, 15 o\n")), 0);
	assert_int_equal(mail_redact_key(path, true, pool, &again), -EINVAL);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(folder), 0);
	(void)pool_free(pool);
}

TESTS_MAIN("mail_failures", T(test_box), T(test_key), T(test_gate), T(test_fo), T(test_alike), T(test_take),
    T(test_send), T(test_dead), T(test_outcome), T(test_killed))
