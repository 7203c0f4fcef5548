/* arc: any head is a chain, none, or a code; keys of strangers; what is sealed onto it can be read. */
#include <stdint.h>
#include <stdlib.h>

#include "mail/arc.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
must(bool ok)
{
	if (!ok)
		abort();
}

/* A key that everybody has: RSA of 1024 bits, published in the ARC test suite. */
static const char record[] =
    "\336v=DKIM1; k=rsa; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3id"
    "Y6Wk08a5qhdR6wy5bdOKb2jLQiY/J16JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lx"
    "j+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G+2kryOTIKT+l/K4w3QIDAQAB";

static const struct sv rdata[] = { { record, sizeof(record) - 1 } };
static const struct mail_answer answers[] = {
	{ .rcode = MAIL_DNS_FOUND, .n = 1, .rdata = rdata },
	{ .rcode = MAIL_DNS_NXDOMAIN },
	{ .rcode = MAIL_DNS_FAILED },
};

static const struct mail_answer *
find(void *arg, const struct mail_question *q)
{
	(void)arg;
	return &answers[q->name.w[1] == 'd' ? 0 : q->name.w[1] % 2 + 1];
}

static void
verdict_hold(const struct arc *a, const struct arc_verdict *v, const struct findings *fs)
{
	must(v->result == MAIL_NONE || v->result == MAIL_PASS || v->result == MAIL_FAIL);
	must((v->result == MAIL_FAIL) == (v->why != ARC_FINE));
	must((v->result == MAIL_NONE) == !a->is_there);
	must((v->result == MAIL_FAIL) == findings_reject(fs));
	must(a->n <= ARC_SETS_MAX && v->at <= a->n && v->oldest_pass <= a->n);
}

static void
bodies_digest(struct arc *a, struct sv body)
{
	_cleanup_(mail_body_freep) struct mail_body *b = NULL;

	must(mail_body_new(a->wants, a->n_wants, &b) == 0);
	mail_body_feed(b, body);
	mail_body_end(b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct pool *pool = pool_new(64u << 20);
	struct mail_ask ask = { .find = find };
	struct arc_verdict v;
	struct mail_head head;
	struct findings read, fs;
	struct arc a;
	struct sv body;

	must(pool != NULL);
	findings_init(&read, pool);
	findings_init(&fs, pool);
	mail_head_init(&head, pool);
	must(mail_head_parse(&head, (struct sv){ (const char *)bytes, n }, &body, &read) == 0);
	must(arc_begin(pool, &head, &a) == 0);
	bodies_digest(&a, body);
	must(arc_check(&a, 1795400000, pool, &ask, &fs, &v) == 0);
	verdict_hold(&a, &v, &fs);
	for (uint32_t i = 0; i < a.n; i++) {
		struct authres *found;

		if (a.sets[i].payload.p != NULL)
			must(authres_parse(pool, a.sets[i].payload, &read, &found) == 0);
	}
	(void)pool_free(pool);
	return 0;
}
