/*
 * Memory that runs out at the n-th request, at each of them: then the verdict is what policy says
 * of failures, or the right one; never another, and never a crash.
 */
#include <stdlib.h>

#include "mail_gate_kit.h"

void	*__real_malloc(size_t);
void	*__real_calloc(size_t, size_t);
void	*__real_realloc(void *, size_t);
void	*__wrap_malloc(size_t);
void	*__wrap_calloc(size_t, size_t);
void	*__wrap_realloc(void *, size_t);

static unsigned long left;	/* 0: never fails */
static bool lasting, hit;	/* all behind the n-th fail, too */

static bool
fails(void)
{
	if (left == 0 || --left > 0)
		return false;
	left = lasting;
	hit = true;
	return true;
}

void *
__wrap_malloc(size_t n)
{
	return fails() ? NULL : __real_malloc(n);
}

void *
__wrap_calloc(size_t n, size_t size)
{
	return fails() ? NULL : __real_calloc(n, size);
}

void *
__wrap_realloc(void *p, size_t n)
{
	return fails() ? NULL : __real_realloc(p, n);
}

/* The DNS of the test has memory always. */
static const struct mail_answer *
find(void *dns, const struct mail_question *q)
{
	unsigned long kept = left;
	const struct mail_answer *a;

	left = 0;
	a = dns_fake_find(dns, q);
	left = kept;
	return a;
}

#define N_FILL	300	/* fields, so that the head's list grows and pools get more chunks */

struct cases {
	const char	*name, *client, *message;
	enum mail_act	 act;
};

static const struct cases cases[] = {
	{ "spoof", "198.51.100.9", "From: x@a.example\nList-Id: <l.test>\n"
	    "Authentication-Results: mx.here.test; dmarc=pass\n\nHi\n", MAIL_ACT_QUARANTINE },
	{ "refused", "198.51.100.9", "From: x@a.example\n\nHi\n", MAIL_ACT_REJECT },
	{ "direct", "192.0.2.7", "From: x@a.example\nDKIM-Signature: v=1; a=rsa-sha256; d=a.example; s=s;\n"
	    " h=From:To; bh=AAAA; b=AAAA\n\nHi\n", MAIL_ACT_ACCEPT },
	{ "own", "", "From: x@a.example\n\nHi\n", MAIL_ACT_ACCEPT },
};

static void
more_fields(struct mail_gate *g)
{
	for (unsigned i = 0; i < N_FILL; i++)
		mail_gate_field(g, SV("Received"), SV(" from somewhere.a.example by somewhere.b.example"));
}

/* As gate_kit_play(), where each step may fail; true: there was a gate. */
static bool
play(struct gate_kit *k, const char *message)
{
	struct sv text = sv_str(message), name, value;

	k->gate = mail_gate_free(k->gate);
	if (mail_gate_new(&k->conf, &k->mail, &k->gate) < 0) {
		mail_gate_without(&k->conf, &k->out);
		return false;
	}
	while (gate_kit_field(&text, &name, &value))
		mail_gate_field(k->gate, name, value);
	more_fields(k->gate);
	mail_gate_head_end(k->gate);
	mail_gate_body(k->gate, text);
	mail_gate_end(k->gate, &k->world, &k->out);
	return true;
}

static void
kit_fill(struct gate_kit *k, const struct cases *c)
{
	gate_kit_init(k);
	gate_kit_dns(k, "a.example", "v=spf1 ip4:192.0.2.7 -all");
	gate_kit_dns(k, "_dmarc.a.example", "v=DMARC1; p=reject; rua=mailto:r@a.example");
	gate_kit_from(k, c->client, "x@a.example");
	k->conf.policy.on_failure = MAIL_ACT_TEMPFAIL;
	k->world.ask.find = find;
	(void)play(k, c->message);		/* the DNS knows all from now on */
	assert_int_equal(k->out.failure, 0);
	assert_int_equal(k->out.act, c->act);
}

/* One run; false: there were no more requests. */
static bool
case_fail(struct gate_kit *k, const struct cases *c, unsigned long at)
{
	hit = false;
	left = at;
	(void)play(k, c->message);
	left = 0;
	if (k->out.failure == 0) {
		assert_int_equal(k->out.act, c->act);
		assert_int_equal(k->out.has_row, c->client[0] != 0);
	} else {
		assert_true(hit);
		assert_int_equal(k->out.act, MAIL_ACT_TEMPFAIL);
		assert_int_equal(k->out.reply, 451);
		assert_int_equal(k->out.n_edits, 0);
		assert_false(k->out.has_row);
	}
	return hit;
}

static void
test_no_memory(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2 * ARRAY_LEN(cases); i++) {
		const struct cases *c = &cases[i / 2];
		unsigned long at = 1;
		struct gate_kit k;

		lasting = i % 2;
		kit_fill(&k, c);
		while (case_fail(&k, c, at))
			at++;
		assert_in_range(at, 10, 10000);
		lasting = false;
		gate_kit_done(&k);
	}
}

/* Open: let in, and without what was forged as far as the head is known. */
static void
test_open(void **state)
{
	struct gate_kit k;

	(void)state;
	kit_fill(&k, &cases[0]);
	k.conf.policy.on_failure = MAIL_ACT_ACCEPT;
	for (unsigned long at = 1; hit || at == 1; at++) {
		hit = false;
		left = at;
		(void)play(&k, cases[0].message);
		left = 0;
		if (k.out.failure == 0)
			continue;
		assert_int_equal(k.out.act, MAIL_ACT_ACCEPT);
		assert_in_range(k.out.n_edits, 0, 1);
		assert_false(k.out.has_row);
	}
	gate_kit_done(&k);
}

TESTS_MAIN("mail_gate_alloc", T(test_no_memory), T(test_open))
