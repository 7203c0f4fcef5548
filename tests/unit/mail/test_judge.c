/* All engines over one message: what is asked at the same time, what stays, what is said. */
#include <errno.h>

#include "../tap.h"
#include "mail/judge.h"

/* --- a DNS that learns an answer whenever somebody waits for it --- */

static const struct {
	const char	*name;
	uint16_t	 type;
	const char	*txt;		/* with its length in front */
} world[] = {
	{ "a.example", RR_TXT, "\32v=spf1 include:b.test -all" },
	{ "b.test", RR_TXT, "\31v=spf1 ip4:192.0.2.7 -all" },
	{ "_dmarc.a.example", RR_TXT, "\21v=DMARC1;p=reject" },
};

#define ASKED_MAX	64

struct teller {
	struct mail_question	asked[ASKED_MAX];
	struct mail_answer	answers[ASKED_MAX];
	struct sv		rdata[ASKED_MAX];
	size_t			n, n_rounds;
	bool			silent;		/* every question fails */
};

static const struct mail_answer *
find(void *arg, const struct mail_question *q)
{
	struct teller *t = arg;

	for (size_t i = 0; i < t->n; i++)
		if (t->asked[i].type == q->type && dname_eq(&t->asked[i].name, &q->name))
			return &t->answers[i];
	return NULL;
}

static void
learn(struct teller *t, const struct mail_question *q)
{
	struct mail_answer *a = &t->answers[t->n];

	assert_true(t->n < ASKED_MAX);
	t->asked[t->n] = *q;
	*a = (struct mail_answer){ .rcode = t->silent ? MAIL_DNS_FAILED : MAIL_DNS_NXDOMAIN };
	for (size_t i = 0; i < ARRAY_LEN(world) && !t->silent; i++) {
		struct dname d;

		assert_int_equal(mail_name(sv_str(world[i].name), &d), 0);
		if (!dname_eq(&d, &q->name) || world[i].type != q->type)
			continue;
		t->rdata[t->n] = sv_str(world[i].txt);
		*a = (struct mail_answer){ .rcode = MAIL_DNS_FOUND, .n = 1, .rdata = &t->rdata[t->n] };
	}
	t->n++;
}

static void
learn_all(struct teller *t, struct mail_ask *ask)
{
	for (size_t i = 0; i < ask->n_missing; i++)
		learn(t, &ask->missing[i]);
	ask->n_missing = 0;
	t->n_rounds++;
}

/* --- one message --- */

struct place {
	struct pool		*kept, *pool;
	struct mail_head	 head;
	struct findings		 head_fs, fs;
	struct mail_judge	 j;
	struct mail_judge_in	 in;
	struct mail_judge_out	 out;
	struct teller		 t;
};

static void
place_init(struct place *p, const char *text)
{
	struct sv body;

	*p = (struct place){ .kept = pool_new(MAIL_POOL_MAX), .pool = pool_new(MAIL_POOL_MAX) };
	findings_init(&p->head_fs, p->kept);
	mail_head_init(&p->head, p->kept);
	assert_int_equal(mail_head_parse(&p->head, sv_str(text), &body, &p->head_fs), 0);
	assert_int_equal(mail_judge_begin(p->kept, &p->head, &p->head_fs, &p->j), 0);
	mail_judge_body(&p->j, sv_take(body, 1));
	mail_judge_body(&p->j, sv_skip(body, 1));
	mail_judge_body_end(&p->j);
	p->in = (struct mail_judge_in){ .has_client = true, .has_sender = true,
		.sender = SV("x@a.example"), .helo = SV("mx.b.test"), .receiver = SV("here.test"), .now = 1 };
	assert_int_equal(ip_prefix_parse_host(SV("192.0.2.7"), &p->in.client), 0);
}

static void
place_judge(struct place *p)
{
	struct mail_ask ask = { .find = find, .arg = &p->t };
	int rc;

	do {
		pool_reset(p->pool);
		findings_init(&p->fs, p->pool);
		rc = mail_judge_check(&p->j, &p->in, p->pool, &ask, &p->fs, &p->out);
		if (rc == MAIL_WAIT)
			learn_all(&p->t, &ask);
	} while (rc == MAIL_WAIT && p->t.n_rounds < 20);
	assert_int_equal(rc, 0);
}

static void
place_done(struct place *p)
{
	mail_judge_done(&p->j);
	(void)pool_free(p->pool);
	(void)pool_free(p->kept);
}

static bool
asked_in_first(const struct place *p, size_t n, const char *name)
{
	struct dname d;

	assert_int_equal(mail_name(sv_str(name), &d), 0);
	for (size_t i = 0; i < n; i++)
		if (dname_eq(&p->t.asked[i].name, &d))
			return true;
	return false;
}

#define PLAIN	"From: X <x@a.example>\nTo: y@here.test\nDate: Mon, 23 Nov 2026 04:00:00 +0000\n\nHi\n"

static void
test_pass(void **state)
{
	struct place p;
	struct authres r;
	struct buf b = BUF_INIT;

	(void)state;
	place_init(&p, PLAIN);
	place_judge(&p);
	assert_false(findings_reject(&p.head_fs));
	assert_int_equal(p.j.n_authors, 1);
	assert_int_equal(p.out.spf.result, MAIL_PASS);
	assert_int_equal(p.out.dmarc.now.result, MAIL_PASS);
	assert_true(p.out.has_helo);
	assert_int_equal(p.out.helo.result, MAIL_NONE);
	/* SPF's include comes second; DMARC's walk does not wait for it. */
	assert_int_equal(p.t.n_rounds, 2);
	assert_true(asked_in_first(&p, p.t.n - 1, "_dmarc.a.example"));
	assert_false(asked_in_first(&p, p.t.n - 1, "b.test"));
	assert_int_equal(mail_judge_say(&p.j, &p.in, &p.out, SV("here.test"), p.pool, &r), 0);
	assert_int_equal(r.n, 4);		/* two of SPF, dkim=none, dmarc */
	assert_true(authres_find(&r, AUTHRES_DMARC, NULL) != NULL);
	authres_write(&b, &r, 0, false);
	assert_true(sv_starts(buf_get(&b), SV(" here.test;\r\n\tspf=pass smtp.mailfrom=x@a.example;")));
	buf_done(&b);
	place_done(&p);
}

static void
test_no_client(void **state)
{
	struct place p;

	(void)state;
	place_init(&p, PLAIN);
	p.in.has_client = false;
	place_judge(&p);
	assert_false(p.out.has_spf);
	assert_false(p.out.has_helo);
	assert_int_equal(p.out.dmarc.now.result, MAIL_FAIL);
	assert_int_equal(p.out.dmarc.now.disposition, DMARC_POLICY_REJECT);
	place_done(&p);
}

static void
test_null_sender(void **state)
{
	struct place p;

	(void)state;
	place_init(&p, PLAIN);
	p.in.sender = SV("");
	p.in.helo = SV("a.example");
	place_judge(&p);
	/* RFC 7208 section 2.4: then HELO is the identity, once. */
	assert_true(p.out.has_spf);
	assert_false(p.out.has_helo);
	assert_int_equal(p.out.spf.identity, SPF_HELO);
	assert_int_equal(p.out.spf.result, MAIL_PASS);
	assert_int_equal(p.out.dmarc.now.result, MAIL_PASS);
	place_done(&p);
}

static void
test_no_author(void **state)
{
	static const char *const heads[] = {
		"From: x@a.example\nFrom: y@z.example\n\n",
		"To: x@a.example\n\n",
		"From: x\n\n",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(heads); i++) {
		struct place p;

		place_init(&p, heads[i]);
		place_judge(&p);
		assert_int_equal(p.j.n_authors, 0);
		assert_int_equal(p.out.dmarc.now.result, MAIL_PERMERROR);
		assert_true(findings_reject(&p.head_fs));
		place_done(&p);
	}
}

static void
test_silence(void **state)
{
	struct place p;

	(void)state;
	place_init(&p, PLAIN);
	p.t.silent = true;
	place_judge(&p);
	assert_int_equal(p.out.spf.result, MAIL_TEMPERROR);
	assert_int_equal(p.out.dmarc.now.result, MAIL_TEMPERROR);
	place_done(&p);
}

TESTS_MAIN("judge", T(test_pass), T(test_no_client), T(test_null_sender), T(test_no_author),
    T(test_silence))
