/*
 * SPF on records, macros and a DNS of strangers. The first three lines are client, sender and
 * HELO; the others are what the DNS says, to one question after the other and again from their
 * beginning: "!" no answer, "?" no such name, "-" no such record, else data made of the line.
 * Whatever they say, it ends within the standard's bounds, and says the same again.
 */
#include <stdint.h>
#include <stdlib.h>

#include "mail/spf.h"

#define QUESTIONS_MAX	256	/* 10 terms of 10 names each, their records, PTR, exp= */
#define RDATAS_MAX	12	/* of one answer: more than an "mx" may have */

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

struct oracle {
	struct pool	*pool;
	struct sv	 lines, rest;
	size_t		 n;
	struct mail_question question[QUESTIONS_MAX];
	struct mail_answer answer[QUESTIONS_MAX];
	bool		 is_known[QUESTIONS_MAX];
};

static struct sv
line_next(struct oracle *o)
{
	struct sv line = { NULL, 0 };

	if (o->rest.n == 0)
		o->rest = o->lines;
	(void)sv_line(&o->rest, &line);
	return line;
}

static void
name_write(struct buf *b, struct sv text)
{
	struct dname name = DNAME_ROOT;

	if (mail_name(text, &name) < 0)
		name = DNAME_ROOT;
	buf_bytes(b, name.w, name.len);
}

/* Data of the type, out of one word. */
static struct sv
rdata_make(struct oracle *o, uint16_t type, struct sv word)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	struct ip_prefix px = { .af = 0 };

	if (type == RR_TXT || type == 99) {
		do {
			struct sv part = sv_take(word, 255);

			buf_char(&b, (char)part.n);
			buf_sv(&b, part);
			word = sv_skip(word, part.n);
		} while (word.n > 0);
	} else if (type == RR_A || type == RR_AAAA) {
		if (ip_prefix_parse_host(word, &px) < 0)
			px = (struct ip_prefix){ .af = 0 };
		buf_bytes(&b, px.addr, type == RR_A ? 4 : 16);
	} else {
		if (type == RR_MX)
			buf_bytes(&b, "\0\1", 2);
		name_write(&b, word);
	}
	return pool_sv(o->pool, buf_get(&b));
}

static void
answer_make(struct oracle *o, uint16_t type, struct mail_answer *ret)
{
	struct sv line = line_next(o), word;
	struct sv *rdata = pool_calloc(o->pool, RDATAS_MAX, sizeof(*rdata));

	*ret = (struct mail_answer){ .rcode = MAIL_DNS_NODATA, .ttl_sec = 60, .rdata = rdata };
	if (line.n == 0 || line.p[0] == '-')
		return;
	ret->rcode = line.p[0] == '!' ? MAIL_DNS_FAILED :
	    line.p[0] == '?' ? MAIL_DNS_NXDOMAIN : MAIL_DNS_FOUND;
	if (ret->rcode != MAIL_DNS_FOUND)
		return;
	if (type == RR_TXT)
		rdata[ret->n++] = rdata_make(o, type, line);
	while (type != RR_TXT && ret->n < RDATAS_MAX && sv_word(&line, &word))
		rdata[ret->n++] = rdata_make(o, type, word);
	for (size_t i = 0; i < ret->n; i++)
		if (rdata[i].p == NULL || !rdata_ok(type, rdata[i]))
			abort();
	if (ret->n == 0)
		ret->rcode = MAIL_DNS_NODATA;
}

static const struct mail_answer *
oracle_find(void *arg, const struct mail_question *q)
{
	struct oracle *o = arg;

	for (size_t i = 0; i < o->n; i++)
		if (o->question[i].type == q->type && dname_eq(&o->question[i].name, &q->name))
			return o->is_known[i] ? &o->answer[i] : NULL;
	if (o->n == QUESTIONS_MAX)
		abort();		/* the standard's limits do not allow so many */
	o->question[o->n] = *q;
	answer_make(o, q->type, &o->answer[o->n]);
	o->n++;
	return NULL;
}

static void
out_check(const struct spf_in *in, const struct spf_out *out, const struct findings *fs)
{
	if (out->result >= MAIL_RESULT_MAX || out->result == MAIL_POLICY)
		abort();
	if (out->n_lookups > SPF_LOOKUPS_MAX || out->n_void > SPF_VOID_MAX + 1 ||
	    out->explanation.n > SPF_EXPLANATION_MAX)
		abort();
	if (out->explanation.n > 0 && out->result != MAIL_FAIL)
		abort();
	if (out->result == MAIL_PERMERROR && !findings_reject(fs))
		abort();		/* each error has a code */
	if (out->result == MAIL_TEMPERROR && fs->n_by_severity[SEV_WARN] == 0)
		abort();
	for (const struct spf_step *s = out->steps; s != NULL; s = s->next)
		if (s->depth > in->limits.n_lookups)
			abort();
}

/* From the start until all answers are there. */
static void
evaluate(const struct spf_in *in, struct oracle *o, struct pool *pool, struct spf_out *ret)
{
	struct mail_ask ask = { .find = oracle_find, .arg = o };
	struct findings fs;

	for (unsigned i = 0; i <= QUESTIONS_MAX; i++) {
		int rc;

		pool_reset(pool);
		findings_init(&fs, pool);
		if ((rc = spf_check(in, &ask, pool, &fs, ret)) == 0) {
			out_check(in, ret, &fs);
			return;
		}
		if (rc != MAIL_WAIT || ask.n_missing == 0)
			abort();
		ask.n_missing = 0;
		for (size_t k = 0; k < o->n; k++)
			o->is_known[k] = true;
	}
	abort();
}

/* What was read is there as it was written, and reads the same alone. */
static void
record_check(struct pool *pool, struct sv text)
{
	struct spf_record *r = NULL;
	struct findings fs;

	findings_init(&fs, pool);
	if (!sv_caseeq(sv_take(text, 6), SV("v=spf1")))
		return;
	if (spf_record_parse(pool, text, &fs, &r) < 0 || (r == NULL) != findings_reject(&fs))
		abort();
	if (r == NULL)
		return;
	spf_record_advise(r, &fs);
	for (size_t i = 0; i < r->n; i++) {
		_cleanup_(buf_done) struct buf b = BUF_INIT;
		struct spf_record *one = NULL;

		buf_str(&b, "v=spf1 ");
		buf_sv(&b, r->terms[i].text);
		if (spf_record_parse(pool, buf_get(&b), &fs, &one) < 0 || one == NULL ||
		    one->n != 1 ||
		    one->terms[0].mechanism != r->terms[i].mechanism ||
		    !sv_eq(one->terms[0].domain, r->terms[i].domain))
			abort();
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct pool *pool = pool_new(MAIL_POOL_MAX), *answers = pool_new(16 * MAIL_POOL_MAX);
	struct oracle *o = calloc(1, sizeof(*o));
	struct sv text = { (const char *)bytes, n }, client = { NULL, 0 };
	struct spf_in in = { .now = 1790000000, .limits = SPF_LIMITS_DEFAULT,
	    .is_advice = n % 2 == 1 };
	struct spf_out out, again;

	if (pool == NULL || answers == NULL || o == NULL)
		abort();
	(void)sv_line(&text, &client);
	(void)sv_line(&text, &in.sender);
	(void)sv_line(&text, &in.helo);
	if (ip_prefix_parse_host(client, &in.client) < 0)
		in.client = (struct ip_prefix){ .af = n % 3 == 0 ? IP_V6 : IP_V4 };
	in.client.len = ip_bits(in.client.af);
	o->pool = answers;
	o->lines = text;
	record_check(pool, sv_take(text, 4096));
	evaluate(&in, o, pool, &out);
	evaluate(&in, o, pool, &again);
	if (out.result != again.result || out.n_lookups != again.n_lookups ||
	    out.n_void != again.n_void)
		abort();
	free(o);
	(void)pool_free(answers);
	(void)pool_free(pool);
	return 0;
}
