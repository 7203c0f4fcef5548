/* Worlds of mail: what is refused, what a message becomes step by step, keys that come again. */
#include <errno.h>
#include <string.h>

#include "lab/mail.h"
#include "mail/judge.h"
#include "../tap.h"

#define HEAD	"from A <a@a.example>\nsubject Hello\nclient 192.0.2.1\nhelo mx.a.example\nsender a@a.example\n" \
	"to b@b.example\nexpect spf=none\n"
#define FLOW	"flow f {\n" HEAD "}\n"

static const struct lab_opts opts = { .now = 1800000000, .now_given = true };

static struct lab_mail *
world_make(const char *text)
{
	struct lab_error e = { 0 };
	struct lab_mail *w = NULL;

	if (lab_mail_parse(sv_str(text), &opts, &e, &w) < 0)
		fail_msg("line %u: %.*s %s", e.line, SV_ARG(e.word), e.msg == NULL ? "" : e.msg);
	assert_int_equal(lab_mail_build(w), 0);
	return w;
}

static const struct {
	const char	*text;
	unsigned	 line;
	const char	*word;
} refused[] = {
	{ "\n", 1, "" },
	{ "# nothing\n", 1, "" },
	{ "spf x\n", 1, "spf" },
	{ "at\n", 1, "at" },
	{ "at noon\n", 1, "noon" },
	{ "seed -1\n", 1, "-1" },
	{ "domain a.example\n", 1, "" },
	{ "domain a'b {\n", 1, "" },
	{ "domain a.example {\nfrom x\n", 2, "from" },
	{ "domain a.example {\n", 1, "a.example" },
	{ "domain a.example {\n}\ndomain A.example {\n}\n", 3, "A.example" },
	{ "domain a.example {\nkey k\n}\n", 2, "k" },
	{ "domain a.example {\nkey k rsa now\n}\n", 2, "now" },
	{ "domain a.example {\nkey k rsa\nkey k ed25519\n}\n", 3, "k" },
	{ "domain a.example {\nrecord x A\n}\n", 2, "" },
	{ "domain a.example {\nrecord x\"y A 192.0.2.1\n}\n", 2, "x\"y" },
	{ FLOW FLOW, 10, "f" },
	{ "flow f {\nfrom A\n}\n", 3, "client" },
	{ "flow f {\nclient 192.0.2.0/24\n}\n", 2, "192.0.2.0/24" },
	{ "flow f {\nsender a b@c\n}\n", 2, "a b@c" },
	{ "flow f {\nto a\n}\n", 2, "a" },
	{ "flow f {\nto a@b\nto a@b\nto a@b\nto a@b\nto a@b\n}\n", 6, "a@b" },
	{ "flow f {\nexpect luck=good\n}\n", 2, "luck=good" },
	{ "flow f {\nweight 100001\n}\n", 2, "100001" },
	{ "flow f {\nfield : x\n}\n", 2, ": x" },
	{ "flow f {\nfield a b: x\n}\n", 2, "a b: x" },
	{ "flow f {\nbody 1048577\n}\n", 2, "1048577" },
	{ "flow f {\nsign a.example k\n}\n", 2, "a.example k" },
	{ "flow f {\nseal a.example\n}\n", 2, "a.example" },
	{ "flow f {\ndance\n}\n", 2, "dance" },
};

static void
refusals(void **state UNUSED)
{
	for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
		struct lab_error e = { 0 };
		struct lab_mail *w = NULL;

		assert_int_equal(lab_mail_parse(sv_str(refused[i].text), &opts, &e, &w), -EINVAL);
		assert_null(w);
		assert_non_null(e.msg);
		if (refused[i].line != e.line || (refused[i].word[0] != '\0' && !sv_eq_str(e.word, refused[i].word)))
			fail_msg("%s: line %u, %.*s", refused[i].text, e.line, SV_ARG(e.word));
	}
}

static void
message_is(const char *steps, const char *head, const char *body_end)
{
	_cleanup_(buf_done) struct buf text = BUF_INIT, b = BUF_INIT;
	struct lab_mail *w;
	struct sv got;

	buf_printf(&text, "flow f {\n" HEAD "%s}\n%c", steps, '\0');
	w = world_make(text.p);
	assert_int_equal(lab_mail_message(w, 0, 0, &b), 0);
	got = buf_get(&b);
	if (!sv_starts(got, sv_str(head)) || !sv_ends(got, sv_str(body_end)))
		fail_msg("%s%.*s", steps, SV_ARG(got));
	(void)lab_mail_free(w);
}

#define DATE	"Date: Fri, 15 Jan 2027 07:59:00 +0000\r\n"
#define FROM	"From: A <a@a.example>\r\nTo: b@b.example\r\n"

static void
steps(void **state UNUSED)
{
	message_is("", DATE FROM "Subject: Hello\r\nMessage-ID: <", ".\r\n");
	message_is("field X: 1\nfield X: 2\n", "X: 2\r\nX: 1\r\n" DATE, ".\r\n");
	message_is("field X: 1\nfield X: 2\nreplace X: 3\n", "X: 3\r\nX: 1\r\n" DATE, ".\r\n");
	message_is("replace Date:\n", FROM, ".\r\n");
	message_is("prefix [l]\n", DATE FROM "Subject: [l] Hello\r\n", ".\r\n");
	message_is("footer The end\n", DATE, "___\r\nThe end\r\n");
	message_is("munge L <l@l.example>\n", "Reply-To: A <a@a.example>\r\n" DATE "From: L <l@l.example>\r\nTo:", ".\r\n");
	message_is("received h.example\n", "Received: from mx.a.example by h.example with ESMTP id 00000000;\r\n"
	    "\tFri, 15 Jan 2027 07:59:01 +0000\r\n" DATE, ".\r\n");
	message_is("body 65\n", DATE, "nobody wants to read\r\n");
}

#define KEYS	"domain a.example {\nkey r rsa\nkey e ed25519\nkey gone rsa absent\nkey old rsa revoked\nkey t rsa testing\n}\n"

static struct sv
zone_line(const struct buf *zone, const char *head)
{
	struct sv left = buf_get(zone), line;

	while (sv_line(&left, &line))
		if (sv_starts(line, sv_str(head)))
			return line;
	return SV("");
}

/* Records, in strings of at most 255 octets; and keys by their seed. */
static void
records(void **state UNUSED)
{
	_cleanup_(buf_done) struct buf zone = BUF_INIT, again = BUF_INIT, other = BUF_INIT;
	struct lab_mail *w = world_make(KEYS "domain b.example {\nrecord x TXT a \"b\" \\c\nrecord @ MX 10 m.b.example.\n}\n" FLOW);
	struct sv line;

	lab_mail_zone(w, &zone);
	assert_true(sv_eq_str(zone_line(&zone, "x.b"), "x.b.example. 3600 IN TXT \"a \\\"b\\\" \\\\c\""));
	assert_true(sv_eq_str(zone_line(&zone, "b.example"), "b.example. 3600 IN MX 10 m.b.example."));
	assert_true(sv_eq_str(zone_line(&zone, "old._"), "old._domainkey.a.example. 3600 IN TXT \"v=DKIM1; k=rsa; p=\""));
	assert_int_equal(zone_line(&zone, "gone._").n, 0);
	assert_true(sv_starts(zone_line(&zone, "t._"), SV("t._domainkey.a.example. 3600 IN TXT \"v=DKIM1; k=rsa; t=y; p=MII")));
	line = zone_line(&zone, "r._");
	assert_true(line.n > 400);
	while (line.n > 0) {
		struct sv part = sv_cut(&line, '"');

		assert_true(part.n <= 255);
	}
	(void)lab_mail_free(w);
	w = world_make(KEYS FLOW);
	lab_mail_zone(w, &again);
	assert_true(sv_eq(zone_line(&zone, "r._"), zone_line(&again, "r._")));
	assert_true(sv_eq(zone_line(&zone, "e._"), zone_line(&again, "e._")));
	(void)lab_mail_free(w);
	w = world_make("seed 1\n" KEYS FLOW);
	lab_mail_zone(w, &other);
	assert_false(sv_eq(zone_line(&zone, "r._"), zone_line(&other, "r._")));
	assert_false(sv_eq(zone_line(&zone, "e._"), zone_line(&other, "e._")));
	(void)lab_mail_free(w);
}

/* Variants are other messages, and the same ones again. */
static void
variants(void **state UNUSED)
{
	struct lab_mail *w = world_make(KEYS "flow f {\n" HEAD "sign a.example r\nsign a.example e\n"
	    "seal a.example r spf=pass dkim=pass dmarc=pass\n}\n");
	_cleanup_(buf_done) struct buf a = BUF_INIT, b = BUF_INIT, c = BUF_INIT;

	assert_int_equal(lab_mail_message(w, 0, 0, &a), 0);
	assert_int_equal(lab_mail_message(w, 0, 1, &b), 0);
	assert_int_equal(lab_mail_message(w, 0, 1, &c), 0);
	assert_true(sv_eq(buf_get(&b), buf_get(&c)));
	assert_false(sv_eq(buf_get(&a), buf_get(&b)));
	assert_true(sv_starts(buf_get(&a), SV("ARC-Seal: i=1;")));
	assert_int_equal(lab_mail_message(w, 1, 0, &a), -ERANGE);
	(void)lab_mail_free(w);
}

static void
builtin(void **state UNUSED)
{
	struct lab_error e = { 0 };
	struct lab_mail *w = NULL;

	assert_int_equal(lab_mail_parse(SV(""), &opts, &e, &w), 0);
	assert_true(lab_mail_n_flows(w) > 40);
	assert_int_equal(lab_mail_now(w), opts.now);
	for (size_t i = 0; i < lab_mail_n_flows(w); i++) {
		const struct lab_mail_flow *f = lab_mail_flow(w, i);

		assert_true(f->label.n > 0 && f->n_to > 0 && f->client.af != 0);
		assert_true(f->expect.dmarc.n > 0 && f->expect.policy.n > 0);
	}
	assert_null(lab_mail_flow(w, lab_mail_n_flows(w)));
	(void)lab_mail_free(w);
	(void)lab_mail_free(NULL);
}

/* What of a key may be had as numbers: of two primes, and as long as PEM wants it. */
static void
numbers(void **state UNUSED)
{
	_cleanup_(crypto_primes_freep) struct crypto_primes *ps = crypto_primes_new(2, 1);
	_cleanup_(crypto_signer_freep) struct crypto_signer *pooled = NULL, *small = NULL, *good = NULL;
	struct crypto_odd o;

	assert_int_equal(crypto_primes_make(ps, 0), 0);
	assert_int_equal(crypto_primes_make(ps, 1), 0);
	pooled = crypto_signer_pooled(ps, 0);
	assert_non_null(pooled);
	assert_int_equal(crypto_signer_numbers(pooled, &o), -ENOTSUP);
	small = crypto_signer_odd(1, 1024, 65537);
	assert_int_equal(crypto_signer_numbers(small, &o), -ENOTSUP);
	good = crypto_signer_odd(1, 2048, 65537);
	assert_int_equal(crypto_signer_numbers(good, &o), 0);
	assert_true(memcmp(o.p, o.q, sizeof(o.p)) > 0);
	assert_true((o.n[0] & 0x80) != 0 && (o.n[sizeof(o.n) - 1] & 1) != 0);
}

TESTS_MAIN("lab/mail", T(refusals), T(steps), T(records), T(variants), T(builtin), T(numbers))
