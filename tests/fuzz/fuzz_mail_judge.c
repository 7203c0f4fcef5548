/*
 * mail_judge: a message, its envelope and all that the DNS says, judged: it ends, twice the same,
 * and what is said of it can be read.
 *
 * The input: lines with the client, HELO and the sender; lines of the DNS, a name, a type (or
 * FAIL) and data; an empty line; the message.
 */
#include <stdint.h>
#include <stdlib.h>

#include "dns_fake.h"
#include "mail/judge.h"
#include "mail/story.h"

#define ROUNDS_MAX	200	/* a chain of names each of which tells the next; and 130 questions, 32 at a time */
#define ROWS_MAX	200

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
must(bool ok)
{
	if (!ok)
		abort();
}

/* --- the input --- */

struct world {
	struct dns_fake		*dns;
	struct mail_judge_in	 in;
	struct sv		 message;
};

static void
row_read(struct dns_fake *dns, struct pool *pool, struct sv row)
{
	struct sv name = sv_cut(&row, ' '), type = sv_cut(&row, ' ');
	struct sv n = pool_sv(pool, name), t = pool_sv(pool, type), r = pool_sv(pool, row);

	/* What is no record is none. */
	if (sv_eq(type, SV("FAIL")))
		(void)(dns_fake_fail(dns, name) == 0);
	else if (sv_eq(type, SV("TXT")))
		(void)(dns_fake_add_txt(dns, name, row) == 0);
	else
		(void)(dns_fake_add(dns, n.p, t.p, r.p) == 0);
}

static void
world_read(struct world *w, struct pool *pool, struct sv text)
{
	struct sv line = { NULL, 0 };

	w->in = (struct mail_judge_in){ .has_sender = true, .receiver = SV("here.test"),
		.now = 1795400000, .is_advice = true };
	(void)sv_line(&text, &line);
	w->in.has_client = ip_prefix_parse_host(line, &w->in.client) == 0 &&
	    w->in.client.len == ip_bits(w->in.client.af);
	(void)sv_line(&text, &w->in.helo);
	(void)sv_line(&text, &w->in.sender);
	for (size_t i = 0; sv_line(&text, &line) && line.n > 0 && i < ROWS_MAX; i++)
		row_read(w->dns, pool, line);
	w->message = text;
}

/* --- one judgement --- */

struct judgement {
	struct pool		*kept, *pool;
	struct mail_head	 head;
	struct findings		 head_fs, fs;
	struct mail_judge	 j;
	struct mail_judge_out	 out;
	struct authres		 said;
	struct buf		 text;
};

static void
body_feed(struct mail_judge *j, struct sv body, size_t piece)
{
	for (; body.n > 0; body = sv_skip(body, piece))
		mail_judge_body(j, sv_take(body, piece));
	mail_judge_body_end(j);
}

static void
check(struct judgement *g, const struct world *w)
{
	struct mail_ask ask = { .find = dns_fake_find, .arg = w->dns };
	unsigned n = 0;
	int rc;

	for (;;) {
		pool_reset(g->pool);
		findings_init(&g->fs, g->pool);
		rc = mail_judge_check(&g->j, &w->in, g->pool, &ask, &g->fs, &g->out);
		if (rc != MAIL_WAIT)
			break;
		must(ask.n_missing > 0 && n++ < ROUNDS_MAX);
		dns_fake_learn(w->dns, &ask);
	}
	must(rc == 0);
}

static void
judge(struct judgement *g, const struct world *w, size_t piece)
{
	struct mail_story story;
	struct sv body;

	*g = (struct judgement){ .kept = pool_new(MAIL_POOL_MAX), .pool = pool_new(MAIL_POOL_MAX) };
	findings_init(&g->head_fs, g->kept);
	mail_head_init(&g->head, g->kept);
	must(mail_head_parse(&g->head, w->message, &body, &g->head_fs) == 0);
	must(mail_judge_begin(g->kept, &g->head, &g->head_fs, &g->j) == 0);
	body_feed(&g->j, body, piece);
	check(g, w);
	must(mail_story_find(g->pool, &g->j, &w->in, &g->out, findings_reject(&g->head_fs), &story) == 0);
	must(mail_judge_say(&g->j, &w->in, &g->out, SV("here.test"), g->pool, &g->said) == 0);
	authres_write(&g->text, &g->said, sizeof("Authentication-Results:") - 1, false);
	must(g->text.rc == 0);
}

static void
judgement_done(struct judgement *g)
{
	mail_judge_done(&g->j);
	buf_done(&g->text);
	(void)pool_free(g->pool);
	(void)pool_free(g->kept);
}

/* --- what holds of each --- */

static void
findings_must(const struct findings *a, const struct findings *b)
{
	const struct finding *p = a->head, *q = b->head;

	for (; p != NULL && q != NULL; p = p->next, q = q->next)
		must(p->def == q->def && sv_eq(p->subject, q->subject));
	must(p == NULL && q == NULL);
}

static void
same_must(const struct judgement *a, const struct judgement *b)
{
	must(sv_eq(buf_get(&a->text), buf_get(&b->text)));
	must(a->out.dmarc.now.disposition == b->out.dmarc.now.disposition);
	must(a->out.arc.why == b->out.arc.why && a->out.is_too_much == b->out.is_too_much);
	findings_must(&a->head_fs, &b->head_fs);
	findings_must(&a->fs, &b->fs);
}

static void
said_must(const struct judgement *g, struct pool *pool)
{
	struct authres *read = NULL;
	struct findings fs;

	findings_init(&fs, pool);
	must(authres_parse(pool, buf_get(&g->text), &fs, &read) == 0);
	must(read != NULL && fs.head == NULL && read->n == g->said.n && sv_eq(read->id, SV("here.test")));
	must(authres_find(read, AUTHRES_DMARC, NULL)->result == g->out.dmarc.now.result);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct pool *pool = pool_new(MAIL_POOL_MAX);
	struct world w = { .dns = dns_fake_new() };
	struct dkim_pubs *pubs = dkim_pubs_new(4);
	struct judgement a, b;

	if (n > 256 * 1024) {
		(void)dkim_pubs_free(pubs);
		(void)dns_fake_free(w.dns);
		(void)pool_free(pool);
		return 0;
	}
	world_read(&w, pool, (struct sv){ (const char *)bytes, n });
	dns_fake_slow(w.dns, true);
	judge(&a, &w, 7);
	/* Once more: the DNS knows all, and keys are kept, more than there is room for. */
	dns_fake_slow(w.dns, false);
	w.in.pubs = pubs;
	judge(&b, &w, SIZE_MAX);
	same_must(&a, &b);
	said_must(&a, pool);
	judgement_done(&a);
	judgement_done(&b);
	(void)dkim_pubs_free(pubs);
	(void)dns_fake_free(w.dns);
	(void)pool_free(pool);
	return 0;
}
