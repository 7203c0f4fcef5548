/* dkim_verify: a whole message, verified with one key of each kind, whatever name it asks for. */
#include <stdint.h>
#include <stdlib.h>

#include "mail/dkim.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
must(bool ok)
{
	if (!ok)
		abort();
}

/* RFC 8463 appendix A.2. */
#define RSA \
		"v=DKIM1; k=rsa; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3id" \
		"Y6Wk08a5qhdR6wy5bdOKb2jLQiY/J16JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lx" \
		"j+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G+2kryOTIKT+l/K4w3QIDAQAB"
#define ED	"v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="

static const struct sv keys[] = {
	SV("\xea" RSA), SV("\x42" ED),
};
static const struct mail_answer answer = { .rcode = MAIL_DNS_FOUND, .n = ARRAY_LEN(keys), .rdata = keys };

_Static_assert(sizeof(RSA) == 0xea + 1 && sizeof(ED) == 0x42 + 1, "lengths of TXT strings");

static const struct mail_answer *
find(void *arg, const struct mail_question *q)
{
	(void)arg;
	must(q->type == RR_TXT);
	return &answer;
}

static void
body_run(struct dkim *d, struct sv body)
{
	struct mail_body *b = NULL;

	if (d->n_wants == 0)
		return;
	must(mail_body_new(d->wants, d->n_wants, &b) == 0);
	mail_body_feed(b, body);
	mail_body_end(b);
	(void)mail_body_free(b);
}

static void
verdict_must(const struct dkim_verdict *v)
{
	must(v->result == dkim_result(v->why) && v->result < MAIL_RESULT_MAX);
	must(v->why != DKIM_FINE || (v->body_holds && v->head_holds && v->has_key && v->sig->why == DKIM_FINE));
	must(!v->has_key || v->fields != NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct pool *pool = pool_new(2 * MAIL_POOL_MAX);
	struct mail_ask ask = { .find = find };
	struct dkim_verdict *v = NULL;
	struct mail_head head;
	struct findings fs;
	struct dkim d;
	struct sv body;

	findings_init(&fs, pool);
	mail_head_init(&head, pool);
	must(mail_head_parse(&head, (struct sv){ (const char *)bytes, n }, &body, &fs) == 0);
	must(dkim_begin(pool, &head, &d) == 0);
	body_run(&d, body);
	must(dkim_check(&d, 1795400000, pool, &ask, &fs, &v) == 0);
	for (size_t i = 0; i < d.n; i++)
		verdict_must(&v[i]);
	(void)pool_free(pool);
	return 0;
}
