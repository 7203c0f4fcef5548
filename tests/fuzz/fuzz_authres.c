/* authres: what can be read is written so that it reads as the same, without a finding; claims end. */
#include <stdint.h>
#include <stdlib.h>

#include "mail/authres.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
must(bool ok)
{
	if (!ok)
		abort();
}

static bool
same(struct sv a, struct sv b)
{
	return (a.p == NULL) == (b.p == NULL) && sv_eq(a, b);
}

static void
result_same(const struct authres_result *a, const struct authres_result *b)
{
	const struct authres_property *p = a->properties, *q = b->properties;

	must(a->method == b->method && same(a->method_name, b->method_name) && a->version == b->version);
	must(a->result == b->result && same(a->word, b->word) && same(a->reason, b->reason));
	must(sv_eq(a->comment, b->comment));
	for (; p != NULL && q != NULL; p = p->next, q = q->next)
		must(same(p->ptype, q->ptype) && same(p->name, q->name) && sv_eq(p->value, q->value));
	must(p == NULL && q == NULL);
}

static void
round_trip(struct pool *pool, const struct authres *a)
{
	struct buf text = BUF_INIT;
	struct authres *b = NULL;
	struct findings fs;
	const struct authres_result *r, *s;

	findings_init(&fs, pool);
	authres_write(&text, a, sizeof("Authentication-Results:") - 1, true);
	must(text.rc == 0 && authres_parse(pool, buf_get(&text), &fs, &b) == 0);
	must(b != NULL && fs.head == NULL && sv_eq(a->id, b->id) && a->n == b->n);
	for (r = a->results, s = b->results; r != NULL && s != NULL; r = r->next, s = s->next)
		result_same(r, s);
	text.len = 0;
	authres_write(&text, a, 23, false);
	for (size_t i = 0; i < text.len; i++)
		must((unsigned char)text.p[i] < 0x7f);
	must(authres_parse(pool, buf_get(&text), &fs, &b) == 0 && b != NULL && b->n == a->n);
	buf_done(&text);
}

static void
received_spf(struct pool *pool, struct sv value)
{
	struct received_spf a, b;
	struct buf text = BUF_INIT;

	if (received_spf_parse(pool, value, &a) == 0) {
		received_spf_write(&text, &a, true);
		must(text.rc == 0 && received_spf_parse(pool, buf_get(&text), &b) == 0 && a.result == b.result);
		must(a.helo.n > AUTHRES_VALUE_MAX || same(a.helo, b.helo));
	}
	buf_done(&text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	static const struct sv ours[] = { SV("mx.example.jp"), SV(".example.com") };
	struct sv value = { (const char *)bytes, n };
	struct pool *pool = pool_new(64u << 20);
	struct authres *a = NULL;
	struct findings fs;

	must(pool != NULL);
	findings_init(&fs, pool);
	if (n <= MAIL_FIELD_MAX) {
		must(authres_parse(pool, value, &fs, &a) == 0);
		must((a == NULL) == findings_reject(&fs));
		if (a != NULL)
			round_trip(pool, a);
		must(authres_claim(pool, value, ours, ARRAY_LEN(ours)) < AUTHRES_CLAIM_MAX);
		received_spf(pool, value);
	}
	(void)pool_free(pool);
	return 0;
}
