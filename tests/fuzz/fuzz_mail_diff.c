/* mail_diff: two copies of a message, the first one's size in front; what is said agrees with DKIM. */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/rd.h"
#include "mail/diff.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
must(bool ok)
{
	if (!ok)
		abort();
}

/* RFC 8463 appendix A.2: a key of each kind, whatever name is asked for. */
#define RSA \
		"v=DKIM1; k=rsa; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3id" \
		"Y6Wk08a5qhdR6wy5bdOKb2jLQiY/J16JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lx" \
		"j+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G+2kryOTIKT+l/K4w3QIDAQAB"
#define ED	"v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="

static const struct sv keys[] = { SV("\xea" RSA), SV("\x42" ED) };
static const struct mail_answer answer = { .rcode = MAIL_DNS_FOUND, .n = ARRAY_LEN(keys), .rdata = keys };

static const struct mail_answer *
find(void *arg, const struct mail_question *q)
{
	(void)arg;
	(void)q;
	return &answer;
}

struct place {
	struct pool		*pool;
	struct mail_head	 head;
	struct mail_judge	 judge;
	struct mail_judge_out	 out;
	struct findings		 fs;
	struct mail_diff_side	 side;
};

static void
place_init(struct place *p, struct sv text)
{
	struct mail_judge_in in = { .now = 1795400000 };
	struct mail_ask ask = { .find = find };

	*p = (struct place){ .pool = pool_new(2 * MAIL_POOL_MAX), .side = { &p->judge, &p->out, text, SV("") } };
	findings_init(&p->fs, p->pool);
	mail_head_init(&p->head, p->pool);
	must(mail_head_parse(&p->head, text, &p->side.body, &p->fs) == 0);
	must(mail_judge_begin(p->pool, &p->head, &p->fs, &p->judge) == 0);
	mail_judge_body(&p->judge, p->side.body);
	mail_judge_body_end(&p->judge);
	must(mail_judge_check(&p->judge, &in, p->pool, &ask, &p->fs, &p->out) == 0);
}

static void
place_done(struct place *p)
{
	mail_judge_done(&p->judge);
	(void)pool_free(p->pool);
}

/* What is said to be as it was verifies; what is said to be another does not. */
static void
sig_must(const struct mail_diff_sig *s, const struct place *after)
{
	const struct dkim_verdict *v;

	must(s->fate != DIFF_HOLDS || (s->head_same && s->body_same && s->after != NULL));
	if (s->kind != DKIM_SIGNATURE || s->after == NULL || !s->is_verified || s->fate == DIFF_WAS_BROKEN)
		return;
	if (s->after < after->judge.dkim.sigs || s->after >= after->judge.dkim.sigs + after->out.n_dkim)
		return;			/* below those that are judged */
	v = &after->out.dkim[s->after - after->judge.dkim.sigs];
	if (!v->has_key)
		return;
	must(v->head_holds == s->head_same);
	must(!s->head_same || v->body_holds == s->body_same);
}

static void
diff_must(const struct mail_diff *d, const struct place *p)
{
	size_t n = 0;

	for (unsigned i = 0; i < DIFF_ACT_MAX; i++)
		n += d->n_act[i];
	must(n == d->n_fields && n - d->n_act[DIFF_REMOVED] == p[1].head.n);
	must(n - d->n_act[DIFF_ADDED] == p[0].head.n);
	must(!d->body.same[MAIL_SIMPLE] || d->body.same[MAIL_RELAXED]);
	must(!d->body.same[MAIL_RELAXED] || d->body.where == DIFF_NOWHERE);
	for (size_t i = 0; i < d->n_sigs; i++)
		sig_must(&d->sigs[i], &p[1]);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct rd r = rd_mem(bytes, n);
	struct pool *pool = pool_new(2 * MAIL_POOL_MAX);
	struct place p[2];
	struct mail_diff d;
	struct findings fs;
	size_t cut = rd_be16(&r);
	int rc;

	place_init(&p[0], rd_slice(&r, min_size(cut, rd_left(&r))));
	place_init(&p[1], rd_slice(&r, rd_left(&r)));
	findings_init(&fs, pool);
	rc = mail_diff(pool, &p[0].side, &p[1].side, &fs, &d);
	must(rc == 0 || (rc == -ENOMEM && pool_is_full(pool)));
	if (rc == 0)
		diff_must(&d, p);
	place_done(&p[0]);
	place_done(&p[1]);
	(void)pool_free(pool);
	return 0;
}
