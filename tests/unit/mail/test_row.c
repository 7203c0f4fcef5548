/* Rows as octets: what is written is read again, and nothing else is. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "../tap.h"
#include "mail/row.h"

static const struct report_reason reasons[] = {
	{ REPORT_TEST_MODE, { "t=y", 3 } }, { REPORT_MAILING_LIST, { "", 0 } },
};
static const struct report_dkim sigs[] = {
	{ { "Example.COM", 11 }, { "s1", 2 }, MAIL_PASS, { "", 0 } },
	{ { "list.example", 12 }, { "k", 1 }, MAIL_FAIL, { "body hash", 9 } },
};
static const struct sv rua[] = { { "mailto:a@example.com", 20 }, { "mailto:b@example.net!10m",
    24 } };

static struct mail_row
full(void)
{
	struct mail_row r = {
		.node = SV("mx1.example.net"), .queue_id = SV("4T0abc"), .at = 1795219201,
		.policy = { .domain = SV("example.com"), .method = DMARC_PSL,
		    .p = DMARC_POLICY_REJECT,
			.sp = DMARC_POLICY_QUARANTINE, .np = DMARC_POLICY_NONE, .fo = DMARC_FO_ANY,
			.strict_dkim = true, .testing = true, .pct = 50 },
		.row = { .count = 1, .disposition = REPORT_QUARANTINE, .dkim_aligned = true,
			.reasons = reasons, .n_reasons = 2, .header_from = SV("News.Example.com"),
			.has_envelope_from = true, .envelope_from = SV("bounce.example.com"),
			.dkim = sigs, .n_dkim = 2, .spf_domain = SV("bounce.example.com"),
			.spf = MAIL_SOFTFAIL, .spf_human = SV("no mechanism matched") },
		.rua = rua, .n_rua = 2, .dmarc = MAIL_PASS, .arc = MAIL_NONE,
	};

	assert_int_equal(ip_prefix_parse_host(SV("2001:db8::25"), &r.row.source), 0);
	return r;
}

/* No policy, no name of anything: the least of a row. */
static struct mail_row
least(void)
{
	struct mail_row r = { .node = SV("n"), .queue_id = SV("q"), .row = { .count = 1 } };

	assert_int_equal(ip_prefix_parse_host(SV("192.0.2.1"), &r.row.source), 0);
	return r;
}

static struct sv
write_row(uint8_t buf[static MAIL_ROW_MAX], const struct mail_row *r)
{
	struct wr w = wr_mem(buf, MAIL_ROW_MAX);

	assert_int_equal(mail_row_write(&w, r), 0);
	return (struct sv){ (char *)buf, w.len };
}

static void
test_round(void **state)
{
	struct pool *pool = pool_new(1 << 20);
	uint8_t a[MAIL_ROW_MAX], b[MAIL_ROW_MAX];
	struct mail_row rows[] = { full(), least() }, again;
	struct mail_row_parts parts;
	struct sv one;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		one = write_row(a, &rows[i]);
		assert_int_equal(mail_row_parse(one, pool, &again, &parts), 0);
		assert_true(sv_eq(write_row(b, &again), one));
	}
	one = write_row(a, &rows[0]);
	assert_int_equal(mail_row_parse(one, pool, &again, &parts), 0);
	assert_true(sv_eq(again.node, rows[0].node) && sv_eq(again.queue_id, rows[0].queue_id));
	assert_int_equal(again.at, 1795219201);
	assert_true(sv_eq(again.row.header_from, SV("news.example.com")));
	assert_true(sv_eq(again.row.dkim[0].domain, SV("example.com")));
	assert_true(sv_eq(again.rua[1], rua[1]) && again.n_rua == 2);
	assert_true(again.policy.testing && again.policy.strict_dkim && !again.policy.strict_spf);
	assert_int_equal(again.policy.pct, 50);
	assert_int_equal(again.row.reasons[0].type, REPORT_TEST_MODE);
	assert_int_equal(again.row.dkim[1].result, MAIL_FAIL);
	assert_int_equal(again.row.spf, MAIL_SOFTFAIL);
	(void)pool_free(pool);
}

/* What is summed up has the same octets, whoever it was told by and when. */
static void
test_alike(void **state)
{
	struct pool *pool = pool_new(1 << 20);
	uint8_t a[MAIL_ROW_MAX], b[MAIL_ROW_MAX];
	struct mail_row x = full(), y = full(), again;
	struct mail_row_parts p, q;

	(void)state;
	y.node = SV("mx2.example.net");
	y.queue_id = SV("Z");
	y.at += 5;
	y.n_rua = 1;
	y.row.header_from = SV("NEWS.example.com");
	assert_int_equal(mail_row_parse(write_row(a, &x), pool, &again, &p), 0);
	assert_int_equal(mail_row_parse(write_row(b, &y), pool, &again, &q), 0);
	assert_true(sv_eq(p.policy, q.policy) && sv_eq(p.alike, q.alike) && !sv_eq(p.rua, q.rua));
	y.row.spf_aligned = true;
	assert_int_equal(mail_row_parse(write_row(b, &y), pool, &again, &q), 0);
	assert_false(sv_eq(p.alike, q.alike));
	(void)pool_free(pool);
}

/* A stranger's text of any length costs no row. */
static void
test_long(void **state)
{
	struct pool *pool = pool_new(1 << 20);
	struct report_dkim many[REPORT_DKIM_MAX];
	struct report_reason told[2 * MAIL_ROW_REASONS_MAX];
	struct sv uris[2 * DMARC_URIS_MAX + 1];
	struct mail_row r = full(), again;
	static char text[20000];
	uint8_t a[MAIL_ROW_MAX];
	struct mail_row_parts p;
	struct sv big = { text, sizeof(text) };

	(void)state;
	memset(text, 'X', sizeof(text));
	memcpy(text + MAIL_ROW_TEXT_MAX - 1, "\xe9\x96\xa2", 3);
	for (size_t i = 0; i < ARRAY_LEN(many); i++)
		many[i] = (struct report_dkim){ big, big, MAIL_PASS, big };
	for (size_t i = 0; i < ARRAY_LEN(told); i++)
		told[i] = (struct report_reason){ REPORT_OTHER, big };
	for (size_t i = 0; i < ARRAY_LEN(uris); i++)
		uris[i] = i == 0 ? big : sv_take(big, MAIL_ROW_URI_MAX);
	r.node = sv_take(big, MAIL_ROW_NODE_MAX);
	r.queue_id = sv_take(big, MAIL_ROW_QUEUE_MAX);
	r.row.dkim = many;
	r.row.n_dkim = ARRAY_LEN(many);
	r.row.reasons = told;
	r.row.n_reasons = ARRAY_LEN(told);
	r.rua = uris;
	r.n_rua = ARRAY_LEN(uris);
	r.policy.domain = r.row.header_from = r.row.envelope_from = r.row.envelope_to =
	    r.row.spf_domain = r.row.spf_human = big;
	assert_int_equal(mail_row_parse(write_row(a, &r), pool, &again, &p), 0);
	assert_int_equal(again.n_rua, DMARC_URIS_MAX);
	assert_int_equal(again.rua[0].n, MAIL_ROW_URI_MAX);
	assert_int_equal(again.row.n_dkim, DKIM_SIGS_MAX);
	assert_int_equal(again.row.n_reasons, MAIL_ROW_REASONS_MAX);
	assert_int_equal(again.row.spf_human.n, MAIL_ROW_TEXT_MAX - 1);	/* no half character */
	assert_int_equal(again.policy.domain.n, MAIL_ROW_DOMAIN_MAX);
	(void)pool_free(pool);
}

static void
test_refused(void **state)
{
	struct mail_row bad[10];
	uint8_t a[MAIL_ROW_MAX], small[100];
	struct report_dkim sig = sigs[0];
	struct mail_row whole = full();
	struct wr w;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		bad[i] = full();
	sig.result = MAIL_RESULT_MAX;
	bad[0].node = SV("");
	bad[1].queue_id = SV("");
	bad[2].node.n = MAIL_ROW_NODE_MAX + 1;
	bad[3].queue_id.n = MAIL_ROW_QUEUE_MAX + 1;
	bad[4].row.source.len = 64;
	bad[5].row.source.af = 0;
	bad[6].at = -1;
	bad[7].row.dkim = &sig;
	bad[7].row.n_dkim = 1;
	bad[8].policy.pct = 101;
	bad[9].row.disposition = REPORT_DISPOSITION_MAX;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		w = wr_mem(a, sizeof(a));
		assert_int_equal(mail_row_write(&w, &bad[i]), -EINVAL);
		assert_int_equal(w.len, 0);
	}
	w = wr_mem(small, sizeof(small));
	assert_int_equal(mail_row_write(&w, &whole), -E2BIG);
}

/* Each octet short, one too many, and each octet another one: refused, or another row. */
static void
test_damaged(void **state)
{
	struct pool *pool = pool_new(1 << 20);
	uint8_t a[MAIL_ROW_MAX], b[MAIL_ROW_MAX];
	struct mail_row r = full(), again;
	struct mail_row_parts p;
	struct sv s = write_row(a, &r);

	(void)state;
	for (size_t n = 0; n < s.n; n++)
		assert_int_equal(mail_row_parse(sv_take(s, n), pool, &again, &p), -EBADMSG);
	a[s.n] = 0;
	assert_int_equal(mail_row_parse((struct sv){ s.p, s.n + 1 }, pool, &again, &p), -EBADMSG);
	for (size_t i = 0; i < s.n; i++)
		for (unsigned x = 1; x < 256; x += 7) {
			pool_reset(pool);
			a[i] = (uint8_t)(a[i] ^ x);
			if (mail_row_parse(s, pool, &again, &p) == 0)
				assert_true(sv_eq(write_row(b, &again), s));
			a[i] = (uint8_t)(a[i] ^ x);
		}
	(void)pool_free(pool);
}

TESTS_MAIN("row", T(test_round), T(test_alike), T(test_long), T(test_refused), T(test_damaged))
