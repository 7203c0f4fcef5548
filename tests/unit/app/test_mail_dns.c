/* What a tree of names, and a resolver's message, say to a question. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "../tap.h"
#include "app/mail_dns_internal.h"
#include "sys/clock.h"

static const char *const files[] = {
	"$ORIGIN example.com.\n"
	"@ TXT \"v=spf1 -all\"\n"
	"www 60 A 192.0.2.1\n"
	"www 60 A 192.0.2.2\n$TTL 3600\n"
	"a.b.deep A 192.0.2.3\n"
	"*.wild TXT \"any\"\n"
	"there.wild A 192.0.2.4\n"
	"*.cut CNAME www\n"
	"alias 30 CNAME www\n"
	"alias2 CNAME alias\n"
	"lost CNAME nowhere\n"
	"self CNAME self\n"
	"ping CNAME pong\n"
	"pong CNAME ping\n"
	"away CNAME host.example.org.\n"
	"0 CNAME 1\n1 CNAME 2\n2 CNAME 3\n3 CNAME 4\n4 CNAME 5\n5 CNAME 6\n6 CNAME 7\n7 CNAME 8\n"
	"8 CNAME 9\n9 CNAME 10\n10 CNAME www\n-1 CNAME 0\n",
	"$TTL 77\nhost.example.org. AAAA 2001:db8::1\nexample.org. 5 TXT \"x\"\n",
};

static const struct {
	const char	*name;
	uint16_t	 type;
	enum mail_rcode	 rcode;
	unsigned	 n, ttl;
} asked[] = {
	{ "example.com", RR_TXT, MAIL_DNS_FOUND, 1, MAIL_DNS_FILE_TTL },
	{ "EXAMPLE.Com", RR_TXT, MAIL_DNS_FOUND, 1, MAIL_DNS_FILE_TTL },
	{ "example.com", RR_MX, MAIL_DNS_NODATA, 0, 0 },
	{ "www.example.com", RR_A, MAIL_DNS_FOUND, 2, 60 },
	{ "www.example.com", RR_AAAA, MAIL_DNS_NODATA, 0, 0 },
	{ "no.example.com", RR_A, MAIL_DNS_NXDOMAIN, 0, 0 },
	{ "example.net", RR_A, MAIL_DNS_NXDOMAIN, 0, 0 },
	{ "com", RR_A, MAIL_DNS_NODATA, 0, 0 },		/* empty, with names below */
	{ "b.deep.example.com", RR_A, MAIL_DNS_NODATA, 0, 0 },
	{ "c.deep.example.com", RR_A, MAIL_DNS_NXDOMAIN, 0, 0 },
	{ "x.a.b.deep.example.com", RR_A, MAIL_DNS_NXDOMAIN, 0, 0 },
	{ "one.wild.example.com", RR_TXT, MAIL_DNS_FOUND, 1, MAIL_DNS_FILE_TTL },
	{ "one.two.wild.example.com", RR_TXT, MAIL_DNS_FOUND, 1, MAIL_DNS_FILE_TTL },
	{ "one.wild.example.com", RR_A, MAIL_DNS_NODATA, 0, 0 },
	{ "wild.example.com", RR_TXT, MAIL_DNS_NODATA, 0, 0 },
	/* RFC 4592 section 2.2.1: what is there is not the wildcard's, nor what is below it. */
	{ "there.wild.example.com", RR_TXT, MAIL_DNS_NODATA, 0, 0 },
	{ "below.there.wild.example.com", RR_TXT, MAIL_DNS_NXDOMAIN, 0, 0 },
	{ "any.cut.example.com", RR_A, MAIL_DNS_FOUND, 2, 60 },
	{ "alias.example.com", RR_A, MAIL_DNS_FOUND, 2, 30 },
	{ "alias2.example.com", RR_A, MAIL_DNS_FOUND, 2, 30 },
	{ "alias2.example.com", RR_TXT, MAIL_DNS_NODATA, 0, 0 },
	{ "alias2.example.com", RR_CNAME, MAIL_DNS_FOUND, 1, MAIL_DNS_FILE_TTL },
	{ "lost.example.com", RR_A, MAIL_DNS_NXDOMAIN, 0, 0 },
	{ "self.example.com", RR_A, MAIL_DNS_FAILED, 0, 0 },
	{ "ping.example.com", RR_A, MAIL_DNS_FAILED, 0, 0 },
	{ "0.example.com", RR_A, MAIL_DNS_FOUND, 2, 60 },	/* eleven in a row */
	{ "-1.example.com", RR_A, MAIL_DNS_FAILED, 0, 0 },
	{ "away.example.com", RR_AAAA, MAIL_DNS_FOUND, 1, 77 },
	{ "example.org", RR_TXT, MAIL_DNS_FOUND, 1, 5 },
};

static struct mail_dns *
world(const char *const *texts, size_t n, struct findings *fs, int *ret_rc)
{
	char path[2][32] = { "/tmp/mail_dns.XXXXXX", "/tmp/mail_dns.XXXXXX" };
	const char *paths[2] = { path[0], path[1] };
	struct mail_dns *d = NULL;
	size_t bad;

	for (size_t i = 0; i < n; i++) {
		int fd = mkstemp(path[i]);

		assert_true(fd >= 0);
		assert_int_equal(write(fd, texts[i], strlen(texts[i])), strlen(texts[i]));
		(void)close(fd);
	}
	*ret_rc = mail_dns_files(paths, n, fs, &bad, &d);
	for (size_t i = 0; i < n; i++)
		(void)unlink(path[i]);
	return d;
}

static void
test_files(void **state)
{
	struct pool *pool = pool_new(1 << 20);
	const struct mail_dns_row *row;
	struct findings fs;
	struct mail_ask ask;
	struct mail_dns *d;
	size_t n = 0;
	int rc;

	(void)state;
	findings_init(&fs, pool);
	d = world(files, 2, &fs, &rc);
	assert_int_equal(rc, 0);
	assert_non_null(d);
	ask = mail_dns_ask(d);
	for (size_t i = 0; i < ARRAY_LEN(asked); i++) {
		const struct mail_answer *a = NULL, *again = NULL;
		struct dname name;

		assert_int_equal(mail_name(sv_str(asked[i].name), &name), 0);
		assert_int_equal(mail_ask(&ask, &name, asked[i].type, &a), 0);
		if (a->rcode != asked[i].rcode || a->n != asked[i].n || a->ttl_sec != asked[i].ttl)
			fail_msg("%s type %u: %s, %zu of them, TTL %u", asked[i].name, asked[i].type,
			    mail_rcode_name(a->rcode), a->n, a->ttl_sec);
		assert_int_equal(mail_ask(&ask, &name, asked[i].type, &again), 0);
		assert_ptr_equal(a, again);
	}
	for (row = mail_dns_rows(d); row != NULL; row = row->next, n++)
		assert_true((row->answer.rcode == MAIL_DNS_FAILED) == (row->why != NULL));
	assert_int_equal(n, ARRAY_LEN(asked) - 1);	/* one of them in another case */
	assert_int_equal(ask.n_missing, 0);
	assert_int_equal(mail_dns_fill(d, &ask), 0);
	(void)mail_dns_free(d);
	(void)pool_free(pool);
}

static void
test_bad_files(void **state)
{
	static const char *const bad[] = { "example.com. A 192.0.2.300\n" };
	static const char *const absent[] = { "/nonexistent/x" };
	struct pool *pool = pool_new(1 << 20);
	struct mail_dns *d = NULL;
	struct findings fs;
	size_t at = 7;
	int rc;

	(void)state;
	findings_init(&fs, pool);
	assert_null(world(bad, 1, &fs, &rc));
	assert_int_equal(rc, 0);
	assert_true(findings_reject(&fs));
	assert_int_equal(mail_dns_files(absent, 1, &fs, &at, &d), -ENOENT);
	assert_int_equal(at, 0);
	assert_null(d);
	(void)pool_free(pool);
}

/* --- messages --- */

static uint8_t room[DNS_RDATA_MAX];

/* Of zone text: its records in the answer section of an answer to name. */
static size_t
message(uint8_t *dst, size_t cap, const char *name, unsigned rcode, const char *text)
{
	struct sv rest = sv_str(text), line;
	struct dmsg_wr w;
	struct dname q;

	assert_int_equal(mail_name(sv_str(name), &q), 0);
	dmsg_begin(&w, dst, cap, &(struct dns_head){ .id = 1, .flags = DNS_QR, .rcode = (uint8_t)rcode });
	assert_int_equal(dmsg_put_question(&w, &q, RR_A), 0);
	while (sv_line(&rest, &line)) {
		struct sv owner = SV(""), type = SV(""), ttl = SV(""), data;
		struct dname o;
		struct dns_rr rr = { .owner = &o, .class = DNS_CLASS_IN };
		uint8_t rdata[DNS_RDATA_MAX];
		size_t n;

		assert_true(sv_word(&line, &owner) && sv_word(&line, &ttl) && sv_word(&line, &type));
		data = sv_trim(line);
		assert_int_equal(mail_name(owner, &o), 0);
		assert_int_equal(rrtype_parse(type, &rr.type), 0);
		assert_int_equal(num_u32(ttl, 0, UINT32_MAX, &rr.ttl), 0);
		assert_int_equal(rdata_parse(rr.type, data, NULL, rdata, &n), 0);
		rr.rdata = (struct sv){ (const char *)rdata, n };
		assert_int_equal(dmsg_put(&w, DNS_ANSWER, &rr), 0);
	}
	return dmsg_end(&w);
}

static const struct {
	unsigned	 rc;		/* of the message */
	const char	*text;
	enum mail_rcode	 rcode;
	unsigned	 n, ttl;
} messages[] = {
	{ 0, "q.example 60 A 192.0.2.1\nq.example 50 A 192.0.2.2\n", MAIL_DNS_FOUND, 2, 50 },
	{ 0, "Q.EXAMPLE 60 A 192.0.2.1\n", MAIL_DNS_FOUND, 1, 60 },
	{ 0, "", MAIL_DNS_NODATA, 0, 0 },
	{ 3, "", MAIL_DNS_NXDOMAIN, 0, 0 },
	/* What was not asked for is nobody's business. */
	{ 0, "other.example 60 A 192.0.2.1\n", MAIL_DNS_NODATA, 0, 0 },
	{ 0, "q.example 60 AAAA 2001:db8::1\n", MAIL_DNS_NODATA, 0, 0 },
	{ 0, "q.example 20 CNAME b.example.\nb.example 60 A 192.0.2.1\n", MAIL_DNS_FOUND, 1, 20 },
	{ 0, "b.example 60 A 192.0.2.1\nq.example 20 CNAME b.example.\n", MAIL_DNS_FOUND, 1, 20 },
	{ 0, "q.example 20 CNAME b.example.\n", MAIL_DNS_NODATA, 0, 0 },
	{ 3, "q.example 20 CNAME b.example.\n", MAIL_DNS_NXDOMAIN, 0, 0 },
	{ 0, "q.example 20 CNAME q.example.\n", MAIL_DNS_FAILED, 0, 0 },
	{ 0, "q.example 4294967295 A 192.0.2.1\n", MAIL_DNS_FOUND, 1, 0 },
};

static void
test_messages(void **state)
{
	struct pool *pool = pool_new(1 << 20);
	struct mail_question q = { .type = RR_A };
	uint8_t msg[4096];

	(void)state;
	assert_int_equal(mail_name(SV("q.example"), &q.name), 0);
	for (size_t i = 0; i < ARRAY_LEN(messages); i++) {
		size_t n = message(msg, sizeof(msg), "q.example", messages[i].rc, messages[i].text);
		struct mail_answer a = { .rcode = MAIL_DNS_MAX };
		const char *why = NULL;
		struct sv wire = { (const char *)msg, n };

		assert_int_equal(wire_answer(wire, room, pool, &q, &a, &why), 0);
		if (a.rcode != messages[i].rcode || a.n != messages[i].n || a.ttl_sec != messages[i].ttl)
			fail_msg("message %zu: %s, %zu of them, TTL %u", i, mail_rcode_name(a.rcode),
			    a.n, a.ttl_sec);
		assert_int_equal(why != NULL, a.rcode == MAIL_DNS_FAILED);
		/* Cut anywhere it says nothing, as its head counts what is gone. */
		for (size_t k = 0; k < n && messages[i].n > 0; k++) {
			uint8_t *cut = malloc(k + 1);

			assert_non_null(cut);
			memcpy(cut, msg, k);
			wire = (struct sv){ (const char *)cut, k };
			assert_true(wire_answer(wire, room, pool, &q, &a, &why) < 0);
			free(cut);
		}
	}
	(void)pool_free(pool);
}

/* What is in the cache needs neither waiting nor a socket, also when it came there meanwhile. */
static void
test_shared(void **state)
{
	static const struct sv rdata = { "\3yes", 4 };
	static const struct mail_answer yes = { .rcode = MAIL_DNS_FOUND, .ttl_sec = 60, .n = 1,
	    .rdata = &rdata };
	_cleanup_(mail_cache_freep) struct mail_cache *c = NULL;
	_cleanup_(mail_dns_freep) struct mail_dns *d = NULL;
	struct mail_dns_resolvers nobody = { .n = 0 };
	struct mail_question q = { .type = RR_TXT };
	const struct mail_answer *got;
	struct mail_ask ask;

	(void)state;
	assert_int_equal(mail_name(SV("q.example"), &q.name), 0);
	assert_int_equal(mail_cache_new(64, 65536, &c), 0);
	assert_int_equal(mail_dns_live_of(&nobody, 1, &d), 0);
	mail_dns_share(d, c);
	ask = mail_dns_ask(d);
	assert_int_equal(mail_ask(&ask, &q.name, q.type, &got), MAIL_WAIT);
	assert_int_equal(ask.n_missing, 1);
	mail_cache_add(c, &q, clock_mono_usec() / 1000000, &yes, NULL);
	assert_int_equal(mail_ask(&ask, &q.name, q.type, &got), 0);
	assert_true(got->n == 1 && sv_eq(got->rdata[0], rdata));
	assert_int_equal(mail_dns_fill(d, &ask), 0);
	assert_null(d->loop);
	assert_true(mail_dns_rows(d) != NULL && mail_dns_rows(d)->next == NULL);
	assert_int_equal(mail_ask(&ask, &q.name, q.type, &got), 0);
	assert_int_equal(mail_cache_count(c).found, 1);
}

TESTS_MAIN("mail-dns", T(test_files), T(test_bad_files), T(test_messages), T(test_shared))
