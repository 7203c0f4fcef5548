/* sekisho lab mail --send: the flows of a world on their way, and what a server says to them. */
#include <errno.h>
#include <stdio.h>

#include "base/err.h"
#include "base/json.h"
#include "cmd/lab_mail.h"
#include "net/smtp.h"
#include "sys/clock.h"
#include "sys/par.h"

#define PARALLEL	10
#define VARIANTS	100
#define TIMEOUT_SEC	60
#define BURST_MAX	20	/* messages of a flow one after the other: they share a connection */
#define BURSTS		50	/* … but a short run has that many changes, too */

struct flow {
	const struct lab_mail_flow *f;
	struct buf		*texts;		/* variants */
	uint32_t		 n_texts;
	const char		*helo, *sender, *to[LAB_MAIL_TO_MAX];
	uint64_t		 n_sent, n_accepted, n_refused, n_failed;
	unsigned		 reply;		/* of the last one that was no acceptance */
	char			 text[SMTP_REPLY_MAX];
};

struct sender {
	const struct cmd_ctx	*ctx;
	const struct lab_mail	*w;
	struct pool		*pool;
	struct flow		*flows;
	size_t			 n;
	uint64_t		 weight, count, n_next, random, usec;
	uint32_t		 burst;
	struct {
		size_t		 at;		/* the flow of this burst */
		uint32_t	 left;		/* of it */
	}			 ways[LAB_MAIL_WAYS_MAX];
	int			 rc;		/* of what was prepared */
	struct {
		size_t		 flow;
		uint32_t	 variant;
	}			*jobs;
	size_t			 n_jobs;
	int			*job_rc;
};

/* --- what is signed in advance --- */

static void
job_run(void *arg, size_t i)
{
	struct sender *s = arg;

	s->job_rc[i] = lab_mail_message(s->w, s->jobs[i].flow, s->jobs[i].variant,
	    &s->flows[s->jobs[i].flow].texts[s->jobs[i].variant]);
}

static const char *
text_of(struct sender *s, struct sv text)
{
	struct sv copy = pool_sv(s->pool, text);

	if (copy.p == NULL)
		s->rc = -ENOMEM;
	return copy.p;
}

/* As many as will be sent, and no more than was asked for. */
static uint32_t
variants_of(const struct sender *s, const struct lab_mail_state *st, const struct lab_mail_flow *f)
{
	uint64_t most = st->variants > 0 ? st->variants : VARIANTS;

	if (st->count == 0)
		return 1;
	return (uint32_t)min_size(most, (size_t)(s->count * f->weight / s->weight + s->burst));
}

static int
flow_init(struct sender *s, const struct lab_mail_state *st, size_t i)
{
	struct flow *f = &s->flows[i];

	f->f = lab_mail_flow(s->w, i);
	f->n_texts = variants_of(s, st, f->f);
	f->helo = text_of(s, f->f->helo);
	f->sender = text_of(s, f->f->sender);
	for (size_t k = 0; k < f->f->n_to; k++)
		f->to[k] = text_of(s, f->f->to[k]);
	f->texts = pool_calloc(s->pool, f->n_texts, sizeof(f->texts[0]));
	s->n_jobs += f->n_texts;
	return f->texts == NULL ? -ENOMEM : s->rc;
}

static int
prepare(struct sender *s, const struct lab_mail_state *st)
{
	size_t n = 0;
	int rc = 0;

	if ((s->flows = pool_calloc(s->pool, s->n, sizeof(s->flows[0]))) == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < s->n && rc == 0; i++)
		rc = flow_init(s, st, i);
	if (rc < 0)
		return rc;
	s->jobs = pool_calloc(s->pool, s->n_jobs, sizeof(s->jobs[0]));
	s->job_rc = pool_calloc(s->pool, s->n_jobs, sizeof(s->job_rc[0]));
	if (s->jobs == NULL || s->job_rc == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < s->n; i++)
		for (uint32_t v = 0; v < s->flows[i].n_texts; v++, n++) {
			s->jobs[n].flow = i;
			s->jobs[n].variant = v;
		}
	par_for(st->jobs, s->n_jobs, job_run, s);
	for (size_t i = 0; i < s->n_jobs && rc == 0; i++)
		rc = s->job_rc[i];
	return rc;
}

/* --- which one is next --- */

/* Chance that comes again with the seed (a linear congruence of 2^64): nobody's secret is in it. */
static uint64_t
random_next(struct sender *s, uint64_t below)
{
	s->random = s->random * 6364136223846793005u + 1442695040888963407u;
	return (s->random >> 33) % below;
}

static size_t
flow_choose(struct sender *s)
{
	uint64_t at = random_next(s, s->weight);
	size_t i = 0;

	while (at >= s->flows[i].f->weight)
		at -= s->flows[i++].f->weight;
	return i;
}

/* One of each in their order, or bursts: on one way those of a client share a connection. */
static size_t
turn(struct sender *s, unsigned way)
{
	if (s->burst == 0)
		return (size_t)s->n_next;
	if (s->ways[way].left == 0) {
		s->ways[way].left = s->burst;
		s->ways[way].at = flow_choose(s);
	}
	s->ways[way].left--;
	return s->ways[way].at;
}

static bool
on_next(void *arg, unsigned way, struct smtp_mail *ret)
{
	struct sender *s = arg;
	struct flow *f;
	size_t i;

	if (s->n_next == s->count)
		return false;
	i = turn(s, way);
	f = &s->flows[i];
	ret->client = f->f->client;
	ret->helo = f->helo;
	ret->sender = f->sender;
	for (size_t k = 0; k < f->f->n_to; k++)
		ret->to[ret->n_to++] = f->to[k];
	ret->text = buf_get(&f->texts[f->n_sent % f->n_texts]);
	ret->id = i;
	f->n_sent++;
	s->n_next++;
	return true;
}

static void
on_done(void *arg, const struct smtp_mail *m, const struct smtp_result *r)
{
	struct sender *s = arg;
	struct flow *f = &s->flows[m->id];

	if (r->accepted) {
		f->n_accepted++;
		return;
	}
	if (r->reply > 0)
		f->n_refused++;
	else
		f->n_failed++;
	f->reply = r->reply;
	(void)snprintf(f->text, sizeof(f->text), "%.*s", SV_ARG(r->text));
}

/* --- what came of it --- */

/* Refused for good or accepted, as who does what policies ask for does it. */
static bool
is_expected(const struct flow *f)
{
	if (f->f->expect.refused)
		return f->n_refused == f->n_sent && (f->n_sent == 0 || f->reply >= 500);
	return f->n_accepted == f->n_sent;
}

static void
row_json(const struct flow *f, struct json *j)
{
	json_open(j, '{');
	json_kv_sv(j, "label", f->f->label);
	json_kv_u64(j, "sent", f->n_sent);
	json_kv_u64(j, "accepted", f->n_accepted);
	json_kv_u64(j, "refused", f->n_refused);
	json_kv_u64(j, "failed", f->n_failed);
	json_kv_str(j, "reply", f->text[0] != '\0' ? f->text : NULL);
	json_kv_str(j, "expected", f->f->expect.refused ? "refused" : "accepted");
	json_kv_bool(j, "as_expected", is_expected(f));
	json_close(j, '}');
}

static void
all_json(const struct sender *s, struct buf *b)
{
	struct json j = json_on(b, true);

	json_open(&j, '{');
	json_kv_u64(&j, "sent", s->n_next);
	json_kv_u64(&j, "usec", s->usec);
	json_key(&j, "flows");
	json_open(&j, '[');
	for (size_t i = 0; i < s->n; i++)
		row_json(&s->flows[i], &j);
	json_close(&j, ']');
	json_close(&j, '}');
	buf_char(b, '\n');
}

static void
all_text(const struct sender *s, struct buf *b)
{
	const struct cmd_ctx *ctx = s->ctx;

	buf_printf(b, "%-20s %8s %8s %8s %8s  %s\n", tr(ctx->lang, N_("flow")), tr(ctx->lang,
	    N_("sent")),
	    tr(ctx->lang, N_("accepted")), tr(ctx->lang, N_("refused")), tr(ctx->lang,
	    N_("failed")),
	    tr(ctx->lang, N_("as expected?")));
	for (size_t i = 0; i < s->n; i++) {
		const struct flow *f = &s->flows[i];

		if (f->n_sent == 0)
			continue;
		buf_printf(b, "%-20.*s %8llu %8llu %8llu %8llu  %s", SV_ARG(f->f->label),
		    (unsigned long long)f->n_sent,
		    (unsigned long long)f->n_accepted, (unsigned long long)f->n_refused,
		    (unsigned long long)f->n_failed,
		    is_expected(f) ? tr(ctx->lang, N_("yes")) : tr(ctx->lang, N_("NO")));
		buf_printf(b, "%s%s\n", f->text[0] != '\0' ? "  " : "", f->text);
	}
	buf_printf(b, tr(ctx->lang, N_("%llu messages in %.1f seconds: %.0f a second\n")),
	    (unsigned long long)s->n_next,
	    (double)s->usec / 1e6, s->usec > 0 ? (double)s->n_next * 1e6 / (double)s->usec : 0);
}

static int
report(const struct sender *s)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	int code = EXIT_GOOD;

	for (size_t i = 0; i < s->n; i++) {
		if (s->flows[i].n_failed > 0)
			code = EXIT_CANNOT;
		else if (!is_expected(&s->flows[i]) && code == EXIT_GOOD)
			code = EXIT_REJECTED;
	}
	if (s->ctx->json)
		all_json(s, &b);
	else
		all_text(s, &b);
	return cmd_out(&b) != 0 ? EXIT_CANNOT : code;
}

static int
cannot(const struct cmd_ctx *ctx, const struct lab_mail_state *st, int rc)
{
	if (rc == -EINVAL)
		return cmd_usage(ctx, tr(ctx->lang,
		    N_("--send %s: write HOST:PORT, as 127.0.0.1:2525")), st->send);
	if (rc == -EPERM)
		return cmd_usage(ctx, tr(ctx->lang,
		    N_("--send %s is not this machine; these messages are forged, "
		    "so say --beyond-loopback if that host is yours")), st->send);
	cmd_err("%s: %s", st->send, err_str(rc));
	return EXIT_CANNOT;
}

/* Of the world, and of how many: one of each flow, or a mixture by their weights. */
static void
plan(struct sender *s, const struct lab_mail_state *st)
{
	s->n = lab_mail_n_flows(s->w);
	for (size_t i = 0; i < s->n; i++)
		s->weight += lab_mail_flow(s->w, i)->weight;
	s->count = st->count > 0 && s->weight > 0 ? st->count : s->n;
	if (st->count > 0 && s->weight > 0)
		s->burst = (uint32_t)max_size(1, min_size(BURST_MAX, (size_t)(s->count / BURSTS)));
	s->random = st->seed;
}

static int
texts_free(struct sender *s, int rc)
{
	for (size_t i = 0; s->flows != NULL && i < s->n; i++)
		for (uint32_t v = 0; s->flows[i].texts != NULL && v < s->flows[i].n_texts; v++)
			buf_done(&s->flows[i].texts[v]);
	return rc;
}

int
lab_mail_send(const struct cmd_ctx *ctx, const struct lab_mail_state *st, const struct lab_mail *w)
{
	_cleanup_(pool_freep) struct pool *pool = pool_new((size_t)1 << 30);
	struct sender s = { .ctx = ctx, .w = w, .pool = pool };
	struct smtp_conf conf = {
		.server = st->send, .anywhere = st->anywhere, .rate = st->rate,
		.parallel = st->parallel > 0 ? st->parallel : PARALLEL, .timeout_sec = TIMEOUT_SEC,
	};
	struct smtp_calls calls = { on_next, on_done, &s };
	int64_t begun;
	int rc;

	if (pool == NULL)
		return cannot(ctx, st, -ENOMEM);
	plan(&s, st);
	rc = prepare(&s, st);
	begun = clock_mono_usec();
	if (rc == 0)
		rc = smtp_run(&conf, &calls);
	s.usec = (uint64_t)(clock_mono_usec() - begun);
	return texts_free(&s, rc < 0 ? cannot(ctx, st, rc) : report(&s));
}
