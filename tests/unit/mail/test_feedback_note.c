/* Against whom complaints count, and to whom they may go: only what our own gate found is believed. */
#include <stdio.h>

#include "../tap.h"
#include "mail/feedback.h"

struct world {
	struct pool	*pool;
	struct mail_head head;
};

static struct world
world_of(const char *text)
{
	struct world w = { .pool = pool_new(MAIL_POOL_MAX) };
	struct findings fs;
	struct sv body;

	assert_non_null(w.pool);
	findings_init(&fs, w.pool);
	mail_head_init(&w.head, w.pool);
	assert_int_equal(mail_head_parse(&w.head, sv_str(text), &body, &fs), 0);
	return w;
}

#define OURS	"Authentication-Results: mx.here.test; "

static void
users(void **state UNUSED)
{
	static const struct sv ids[] = { { "mx.here.test", 12 }, { ".farm.test", 10 } };
	static const struct {
		const char		*head, *names;
		enum feedback_note_why	 why;
	} rows[] = {
		{ OURS "dmarc=pass header.from=a.test; dkim=pass header.d=b.test; spf=pass smtp.mailfrom=x@c.test",
		    "a.test b.test c.test ", FEEDBACK_NOTED },
		{ OURS "dmarc=pass header.from=A.test; dkim=pass header.d=a.TEST; spf=fail smtp.mailfrom=x@c.test",
		    "a.test ", FEEDBACK_NOTED },
		{ "Return-Path: <x@y>\r\nReceived: by us\r\n" OURS "spf=pass smtp.mailfrom=c.test", "c.test ", FEEDBACK_NOTED },
		{ "Authentication-Results: mx7.farm.test; dkim=pass header.d=b.test", "b.test ", FEEDBACK_NOTED },
		{ OURS "dmarc=fail header.from=a.test; dkim=fail header.d=b.test", "", FEEDBACK_NOTE_NOBODY },
		{ OURS "none", "", FEEDBACK_NOTE_NOBODY },
		{ OURS "dkim=pass header.d=..", "", FEEDBACK_NOTE_NOBODY },
		{ "Authentication-Results: other.test; dmarc=pass header.from=a.test", "", FEEDBACK_NOTE_NOT_OURS },
		/* ours is below another's: a stranger may have put both there */
		{ "Authentication-Results: other.test; none\r\n" OURS "dmarc=pass header.from=a.test", "", FEEDBACK_NOTE_NOT_OURS },
		{ "From: x@a.test", "", FEEDBACK_NOTE_NO_RESULTS },
		{ "Authentication-Results: \"mx.here.test dmarc=pass header.from=a.test", "", FEEDBACK_NOTE_NOT_OURS },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char head[400], got[200] = "";
		struct feedback_note n;
		struct world w;

		(void)snprintf(head, sizeof(head), "%s\r\n\r\n", rows[i].head);
		w = world_of(head);
		assert_int_equal(feedback_note(&w.head, NULL, NULL, NULL, ids, 2, w.pool, &n), 0);
		for (size_t k = 0; k < n.n; k++) {
			size_t used = strlen(got);

			(void)snprintf(got + used, sizeof(got) - used, "%.*s ", SV_ARG(n.names[k]));
		}
		assert_string_equal(got, rows[i].names);
		assert_int_equal(n.why, rows[i].why);
		assert_int_equal(feedback_note_text(n.why)[0] == '\0', n.why == FEEDBACK_NOTED);
		(void)pool_free(w.pool);
	}
}

/* Another operator's complaint counts against our domain, if somebody stands for the mail that brings it. */
static void
operators(void **state UNUSED)
{
	static const struct sv ids[] = { { "mx.here.test", 12 } };
	struct world w = world_of(OURS "dkim=pass header.d=provider.test\r\n\r\n");
	struct world bad = world_of(OURS "dkim=fail header.d=provider.test\r\n\r\n");
	struct feedback f = { .has_report = true };
	struct feedback_about about = { .is_ours = true, .which = 1 };
	struct dname ours[2];
	struct feedback_note n;

	assert_int_equal(mail_name(SV("one.test"), &ours[0]), 0);
	assert_int_equal(mail_name(SV("two.test"), &ours[1]), 0);
	assert_int_equal(feedback_note(&w.head, &f, &about, ours, ids, 1, w.pool, &n), 0);
	assert_true(n.why == FEEDBACK_NOTED && n.n == 1 && sv_eq_str(n.names[0], "two.test"));
	assert_int_equal(feedback_note(&bad.head, &f, &about, ours, ids, 1, bad.pool, &n), 0);
	assert_true(n.why == FEEDBACK_NOTE_NOBODY && n.n == 0);
	about.is_ours = false;
	assert_int_equal(feedback_note(&w.head, &f, &about, ours, ids, 1, w.pool, &n), 0);
	assert_true(n.why == FEEDBACK_NOTE_FOREIGN && n.n == 0);
	(void)pool_free(w.pool);
	(void)pool_free(bad.pool);
}

/* RFC 5965 section 6: "MUST ignore any … report types they do not explicitly support". */
static void
kinds(void **state UNUSED)
{
	static const struct sv ids[] = { { "mx.here.test", 12 } };
	static const struct {
		enum feedback_type	 type;
		const char		*word;
		enum feedback_note_why	 why;
	} rows[] = {
		{ FEEDBACK_ABUSE, "abuse", FEEDBACK_NOTED },
		{ FEEDBACK_FRAUD, "fraud", FEEDBACK_NOTED },
		{ FEEDBACK_VIRUS, "virus", FEEDBACK_NOTED },
		{ FEEDBACK_OTHER, "Other", FEEDBACK_NOTED },
		{ FEEDBACK_OTHER, "", FEEDBACK_NOTED },
		{ FEEDBACK_OTHER, "something-new", FEEDBACK_NOTE_KIND },
		{ FEEDBACK_NOT_SPAM, "not-spam", FEEDBACK_NOTE_KIND },
		{ FEEDBACK_AUTH_FAILURE, "auth-failure", FEEDBACK_NOTE_KIND },
	};
	struct world w = world_of(OURS "dkim=pass header.d=provider.test\r\n\r\n");
	struct feedback_about about = { .is_ours = true };
	struct dname ours;

	assert_int_equal(mail_name(SV("one.test"), &ours), 0);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct feedback f = { .has_report = true, .type = rows[i].type, .type_word = sv_str(rows[i].word) };
		struct feedback_note n;

		assert_int_equal(feedback_note(&w.head, &f, &about, &ours, ids, 1, w.pool, &n), 0);
		assert_int_equal(n.why, rows[i].why);
		assert_int_equal(n.n, rows[i].why == FEEDBACK_NOTED);
	}
	(void)pool_free(w.pool);
}

/* RFC 9477 section 3.5: what comes for a CFBL-Address has a signature of its author's domain. */
static void
signed_mail(void **state UNUSED)
{
	static const struct sv ids[] = { { "mx.here.test", 12 } };
	static const struct {
		const char		*head;
		enum feedback_note_why	 why;
	} rows[] = {
		{ "dkim=pass header.d=provider.test\r\nFrom: f@provider.test", FEEDBACK_NOTED },
		{ "dkim=pass header.d=provider.test\r\nFrom: f@fbl.provider.test", FEEDBACK_NOTED },
		{ "dkim=pass header.d=fbl.provider.test\r\nFrom: f@provider.test", FEEDBACK_NOTE_UNSIGNED },
		{ "spf=pass smtp.mailfrom=provider.test\r\nFrom: f@provider.test", FEEDBACK_NOTE_UNSIGNED },
		{ "dmarc=pass header.from=provider.test\r\nFrom: f@provider.test", FEEDBACK_NOTE_UNSIGNED },
		{ "dkim=pass header.d=provider.test", FEEDBACK_NOTE_UNSIGNED },
		{ "dkim=fail header.d=provider.test; dkim=pass header.d=other.test\r\nFrom: f@provider.test",
		    FEEDBACK_NOTE_UNSIGNED },
		{ "dkim=fail header.d=provider.test\r\nFrom: f@provider.test", FEEDBACK_NOTE_NOBODY },
	};
	struct world original = world_of("CFBL-Address: f@one.test\r\n\r\n");
	struct feedback f = { .has_report = true, .original = original.head };
	struct feedback_about about = { .is_ours = true };
	struct dname ours;

	assert_int_equal(mail_name(SV("one.test"), &ours), 0);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct feedback_note n;
		char head[300];
		struct world w;

		(void)snprintf(head, sizeof(head), OURS "%s\r\n\r\n", rows[i].head);
		w = world_of(head);
		assert_int_equal(feedback_note(&w.head, &f, &about, &ours, ids, 1, w.pool, &n), 0);
		assert_int_equal(n.why, rows[i].why);
		assert_int_equal(n.n, rows[i].why == FEEDBACK_NOTED);
		(void)pool_free(w.pool);
	}
	(void)pool_free(original.pool);
}

/* RFC 9477 section 3.1: strict, relaxed, another's address; what is covered, and what passed. */
static void
cfbl(void **state UNUSED)
{
	static const struct {
		const char	*address, *more, *author, *sigs, *want;	/* sigs: "d=… h=… result" */
	} rows[] = {
		{ "f@a.test; report=arf", "", "a.test", "a.test CFBL-Address pass", "f@a.test" },
		{ "f@a.test", "", "m.a.test", "a.test cfbl-address pass", "f@a.test" },
		{ "f@a.test", "", "a.test", "a.test CFBL-Address fail", "" },
		{ "f@a.test", "", "a.test", "a.test From pass", "" },
		{ "f@a.test", "", "a.test", "b.test CFBL-Address pass", "" },
		{ "f@b.test", "", "a.test", "a.test CFBL-Address pass", "" },
		{ "f@b.test", "", "a.test", "b.test CFBL-Address pass", "" },
		{ "f@b.test", "", "a.test", "a.test CFBL-Address pass b.test CFBL-Address pass", "f@b.test" },
		{ "f@a.test", "CFBL-Feedback-ID: 1\r\n", "a.test", "a.test CFBL-Address pass", "" },
		{ "f@a.test", "CFBL-Feedback-ID: 1\r\n", "a.test", "a.test CFBL-Address:CFBL-Feedback-ID pass", "f@a.test" },
		{ "f@a.test", "CFBL-Feedback-ID: 1\r\nCFBL-Feedback-ID: 2\r\n", "a.test",
		    "a.test CFBL-Address:CFBL-Feedback-ID pass", "" },
		{ "no address", "", "a.test", "a.test CFBL-Address pass", "" },
		/* 3.1.2: the address is below the author's domain */
		{ "f@m.a.test", "", "a.test", "a.test CFBL-Address pass", "f@m.a.test" },
		{ "f@a.test", "", "m.a.test", "m.a.test CFBL-Address pass", "" },
		/* 3.1.3: signed by the author before somebody sent it, who signs for the address */
		{ "f@b.test", "", "a.test", "a.test From pass b.test CFBL-Address pass", "f@b.test" },
		{ "f@b.test", "", "a.test", "a.test From fail b.test CFBL-Address pass", "" },
		{ "f@b.test", "", "a.test", "a.test From pass b.test From pass", "" },
		/* 3.2: "a list of addresses"; a name in h= covers one field, the lowest first */
		{ "f@a.test", "CFBL-Address: g@a.test\r\n", "a.test", "a.test CFBL-Address:CFBL-Address pass", "g@a.test,f@a.test" },
		{ "f@a.test", "CFBL-Address: g@a.test\r\n", "a.test", "a.test CFBL-Address pass", "g@a.test" },
		{ "F@a.test", "CFBL-Address: F@A.test\r\n", "a.test", "a.test CFBL-Address:CFBL-Address pass", "F@a.test" },
		{ "f@a.test", "CFBL-Address: g@b.test\r\n", "a.test", "a.test CFBL-Address:CFBL-Address pass", "f@a.test" },
		/* 5.1: CFWS, and RFC 6532 */
		{ "(a; b) f@a.test (c); (d) report=xarf", "", "a.test", "a.test CFBL-Address pass", "f@a.test" },
		{ "f@b\xc3\xbc.test", "", "xn--b-eha.test", "xn--b-eha.test CFBL-Address pass", "f@xn--b-eha.test" },
		{ "\xc3\xbc@a.test", "", "a.test", "a.test CFBL-Address pass", "" },
		{ "\"a,b\"@a.test", "", "a.test", "a.test CFBL-Address pass", "" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct sv names[2][2], left = sv_str(rows[i].sigs), to;
		struct dkim_sig sigs[2];
		enum mail_result results[2];
		struct dname author;
		char head[300];
		struct world w;
		size_t n = 0;

		(void)snprintf(head, sizeof(head), "CFBL-Address: %s\r\n%s\r\n", rows[i].address, rows[i].more);
		w = world_of(head);
		for (; left.n > 0; n++) {
			struct sv h;

			sigs[n] = (struct dkim_sig){ .names = names[n], .n_names = 0 };
			assert_int_equal(mail_name(sv_cut(&left, ' '), &sigs[n].domain_name), 0);
			for (h = sv_cut(&left, ' '); h.n > 0;)
				names[n][sigs[n].n_names++] = sv_cut(&h, ':');
			assert_int_equal(mail_result_parse(sv_cut(&left, ' '), &results[n]), 0);
		}
		assert_int_equal(mail_name(sv_str(rows[i].author), &author), 0);
		assert_int_equal(feedback_cfbl(&w.head, &author, sigs, results, n, w.pool, &to), 0);
		if (!sv_eq_str(to, rows[i].want))
			print_message("# row %zu: %.*s\n", i, SV_ARG(to));
		assert_true(sv_eq_str(to, rows[i].want));
		(void)pool_free(w.pool);
	}
}

TESTS_MAIN("mail feedback_note", T(users), T(operators), T(kinds), T(signed_mail), T(cfbl))
