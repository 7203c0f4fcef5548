/* sekisho rtr fetch: be a router, check what a cache says, write it down. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "cmd/cmd.h"
#include "cmd/rtr_dial.h"
#include "cmd/rtr_show.h"
#include "out/payloads_out.h"
#include "rtr/rtr.h"
#include "sys/atomicfile.h"
#include "sys/clock.h"
#include "sys/file.h"

#define OUTS_MAX	8
#define TIMEOUT_SEC	60
#define FINDINGS_POOL	(1024 * 1024)
#define READ_MAX	(256 * 1024)
#define WAIT_MAX_SEC	(366 * 86400)

struct output {
	const struct payloads_format *format;
	const char	*path;
};

struct fetch {
	struct cmd_ctx		*ctx;
	const char		*address;
	uint32_t		 version, timeout_sec, wait_sec;
	bool			 version_given;
	struct output		 outs[OUTS_MAX];
	unsigned		 n_outs;
	struct pool		*pool;
	struct findings		 findings;
	unsigned		 n_shown;
	struct rtr_client	*client;
	struct rtr_dial		 dial;
	struct link		 link;
	int64_t			 give_up;	/* usec: an answer must have come */
	int64_t			 ask_again;	/* usec: the refresh interval is over */
	int64_t			 end;		/* usec: the end of --wait */
	bool			 got;		/* a whole set */
	uint8_t			*buf;
};

static const struct cmd_opt opts[] = {
	{ "version", 0, "0|1|2", N_("the protocol version to begin with (2)") },
	{ "output", 'o', "FORMAT=FILE", N_("write json, routinator, csv or bird; may be repeated; - is standard output") },
	{ "timeout", 0, "SECONDS", N_("give up when an answer takes longer (60)") },
	{ "wait", 0, "SECONDS", N_("stay so long and follow the changes") },
	RTR_DIAL_OPTS,
	{ 0 },
};

static int
out_add(struct fetch *f, const char *arg)
{
	struct sv path = sv_str(arg), name = sv_cut(&path, '=');
	const struct payloads_format *format = payloads_format_find(name);

	if (format == NULL || path.n == 0 || f->n_outs == OUTS_MAX)
		return cmd_usage(f->ctx, tr(f->ctx->lang,
		    N_("-o %s is not FORMAT=FILE; the formats are json, routinator, csv and bird")), arg);
	f->outs[f->n_outs++] = (struct output){ format, path.p };
	return 0;
}

static int
opt(struct cmd_ctx *ctx, void *state, const struct cmd_opt *o, const char *arg)
{
	struct fetch *f = state;
	struct sv v = sv_str(arg);

	f->ctx = ctx;
	if (rtr_dial_opt(&f->dial, o->name, arg))
		return 0;
	if (strcmp(o->name, "output") == 0)
		return out_add(f, arg);
	if (strcmp(o->name, "version") == 0) {
		f->version_given = true;
		if (num_u32(v, 0, RTR_VERSION_MAX, &f->version) == 0)
			return 0;
	} else if (num_u32(v, 1, WAIT_MAX_SEC, strcmp(o->name, "wait") == 0 ?
	    &f->wait_sec : &f->timeout_sec) == 0)
		return 0;
	return cmd_usage(ctx, tr(ctx->lang, N_("--%s %s is out of range")), o->name, arg);
}

/* --- output --- */

static int
out_write(const struct fetch *f, const struct output *o)
{
	_cleanup_(atomicfile_done) struct atomicfile file = { .fd = -1 };
	const struct payloads_meta meta = { .built = f->ctx->now };
	int rc = atomicfile_open(&file, o->path);

	if (rc == 0) {
		_cleanup_(buf_done) struct buf b = BUF_SINK(fd_write_all, &file.fd);

		o->format->write(&b, rtr_client_payloads(f->client), &meta);
		rc = buf_flush(&b);
	}
	if (rc == 0)
		rc = atomicfile_commit(&file);
	if (rc < 0)
		cmd_err("%s: %s", o->path, err_str(rc));
	return rc;
}

static int
outs_write(const struct fetch *f)
{
	int rc = 0;

	for (unsigned i = 0; i < f->n_outs; i++)
		if (out_write(f, &f->outs[i]) < 0)
			rc = -EIO;
	return rc;
}

static size_t
count_af(const struct payloads *p, uint8_t af)
{
	size_t n = 0;

	for (size_t i = 0; i < p->n_vrps; i++)
		n += p->vrps[i].af == af;
	return n;
}

static void
summary_json(const struct fetch *f, FILE *to)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	const struct payloads *p = rtr_client_payloads(f->client);
	const struct rtr_client_counts *c = rtr_client_counts(f->client);
	const struct rtr_timers *t = rtr_client_timers(f->client);
	struct json j = json_on(&b, false);

	json_open(&j, '{');
	json_kv_str(&j, "cache", f->address);
	json_kv_u64(&j, "version", rtr_client_version(f->client));
	json_kv_u64(&j, "session", rtr_client_session(f->client));
	json_kv_u64(&j, "serial", rtr_client_serial(f->client));
	json_kv_u64(&j, "ipv4", count_af(p, IP_V4));
	json_kv_u64(&j, "ipv6", count_af(p, IP_V6));
	json_kv_u64(&j, "aspas", p->n_aspas);
	json_kv_u64(&j, "router_keys", p->n_router_keys);
	json_kv_u64(&j, "announced", c->n_announce + c->n_key_announce + c->n_aspa_announce);
	json_kv_u64(&j, "withdrawn", c->n_withdraw + c->n_key_withdraw + c->n_aspa_withdraw);
	json_kv_u64(&j, "refresh", t->refresh_sec);
	json_kv_u64(&j, "retry", t->retry_sec);
	json_kv_u64(&j, "expire", t->expire_sec);
	json_key(&j, "findings");
	json_open(&j, '[');
	for (const struct finding *x = f->findings.head; x != NULL; x = x->next)
		finding_json(&j, x, f->ctx->lang);
	json_close(&j, ']');
	json_close(&j, '}');
	if (b.rc == 0)
		(void)fprintf(to, "%.*s\n", SV_ARG(buf_get(&b)));
}

static void
summary_text(const struct fetch *f, FILE *to)
{
	const struct payloads *p = rtr_client_payloads(f->client);
	const struct rtr_client_counts *c = rtr_client_counts(f->client);
	const struct rtr_timers *t = rtr_client_timers(f->client);
	enum lang lang = f->ctx->lang;

	(void)fprintf(to, tr(lang, N_("%s: version %u, session %u, serial %u\n")), f->address,
	    rtr_client_version(f->client), rtr_client_session(f->client),
	    rtr_client_serial(f->client));
	(void)fprintf(to, tr(lang, N_("  VRPs %zu (IPv4 %zu, IPv6 %zu), router keys %zu, ASPAs %zu\n")),
	    p->n_vrps, count_af(p, IP_V4), count_af(p, IP_V6), p->n_router_keys, p->n_aspas);
	(void)fprintf(to, tr(lang, N_("  this answer: %zu announced, %zu withdrawn\n")),
	    c->n_announce + c->n_key_announce + c->n_aspa_announce,
	    c->n_withdraw + c->n_key_withdraw + c->n_aspa_withdraw);
	(void)fprintf(to, tr(lang, N_("  intervals: refresh %u s, retry %u s, expire %u s\n")),
	    t->refresh_sec, t->retry_sec, t->expire_sec);
}

/* Where standard output is taken by a list, people read stderr. */
static void
summary_show(const struct fetch *f)
{
	FILE *to = stdout;

	for (unsigned i = 0; i < f->n_outs; i++)
		if (strcmp(f->outs[i].path, "-") == 0)
			to = stderr;
	if (f->ctx->quiet)
		return;
	if (f->ctx->json)
		summary_json(f, to);
	else
		summary_text(f, to);
	(void)fflush(to);
}

/* --- talking --- */

static int
ask(struct fetch *f)
{
	uint8_t room[RTR_CLIENT_OUT];
	struct wr out = wr_mem(room, sizeof(room));

	rtr_client_ask(f->client, &out);
	f->give_up = clock_mono_usec() + (int64_t)f->timeout_sec * 1000000;
	f->ask_again = INT64_MAX;
	return link_write_all(&f->link, out.buf, out.len, (int)f->timeout_sec * 1000);
}

static int
connect_and_ask(struct fetch *f)
{
	int rc;

	link_done(&f->link, false);
	rtr_client_connect(f->client);
	rc = rtr_dial(f->ctx, &f->dial, f->address, (int)f->timeout_sec * 1000, &f->link);
	return rc < 0 ? rc : ask(f);
}

/* A set is complete. 1: go on and follow; 0: done. */
static int
on_data(struct fetch *f)
{
	int64_t now = clock_mono_usec();

	if (!f->got && f->wait_sec > 0)
		f->end = now + (int64_t)f->wait_sec * 1000000;
	f->got = true;
	rtr_findings_show(f->ctx, &f->findings, &f->n_shown);
	summary_show(f);
	if (outs_write(f) < 0)
		return -EIO;
	f->give_up = INT64_MAX;
	f->ask_again = now + (int64_t)rtr_client_timers(f->client)->refresh_sec * 1000000;
	return f->wait_sec > 0;
}

static int
on_event(struct fetch *f, int ev)
{
	switch (ev) {
	case RTR_EV_DATA:
		return on_data(f);
	case RTR_EV_NOTIFY:
	case RTR_EV_RESET:
		return ask(f) < 0 ? SE_CLOSED : 1;
	case RTR_EV_DOWNGRADE:
		return connect_and_ask(f) < 0 ? SE_CLOSED : 1;
	case RTR_EV_NO_DATA:
		return -ENODATA;
	case RTR_EV_GOING:
		return SE_CLOSED;
	default:
		return SE_PEER;
	}
}

/* Feed what was read. 1: go on; 0: done; negative: over. */
static int
feed(struct fetch *f, size_t n)
{
	uint8_t room[RTR_CLIENT_OUT];
	struct rd in = rd_mem(f->buf, n);
	int rc = 1;

	while (rc == 1) {
		struct wr out = wr_mem(room, sizeof(room));
		int ev = rtr_client_input(f->client, &in, &out);

		if (ev < 0)
			return ev;
		if (ev == RTR_EV_MORE)
			return 1;
		if (ev == RTR_EV_FAILED)
			(void)link_write_all(&f->link, out.buf, out.len, (int)f->timeout_sec * 1000);
		rc = on_event(f, ev);
		if (ev == RTR_EV_DOWNGRADE)
			return rc;	/* what is left came over the old connection */
	}
	return rc;
}

static int64_t
min3(int64_t a, int64_t b, int64_t c)
{
	return min_i64(a, min_i64(b, c));
}

/* Wait for bytes or for a time to act. 1: go on; 0: done; negative: over. */
static int
step(struct fetch *f)
{
	int64_t now = clock_mono_usec();
	int64_t until = min3(f->give_up, f->ask_again, f->end);
	long n;
	int rc;

	if (now >= f->end)
		return 0;
	if (now >= f->give_up)
		return SE_TIMEOUT;
	if (now >= f->ask_again)
		return ask(f) < 0 ? SE_CLOSED : 1;
	rc = link_wait(&f->link, false, (int)min_i64((until - now) / 1000 + 1, 3600000));
	if (rc == -ETIMEDOUT || rc == -EAGAIN)
		return 1;
	if (rc < 0)
		return rc;
	n = link_read(&f->link, f->buf, READ_MAX);
	if (n == -EAGAIN)
		return 1;
	/* An older version would be refused by TLS as well. */
	if (n < 0 && rtr_dial_refused(&f->link))
		return (int)n;
	if (n <= 0) {
		rc = rtr_client_closed(f->client) == RTR_EV_DOWNGRADE && !f->got ?
		    connect_and_ask(f) : SE_CLOSED;
		return rc < 0 ? rc : 1;
	}
	return feed(f, (size_t)n);
}

/* Before the first byte of RTR: TLS says what is wrong by itself. */
static bool
tls_failed(const struct fetch *f)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;

	if (!rtr_dial_why(&f->link, f->ctx->lang, &b) || b.rc < 0)
		return false;
	cmd_err("%s: TLS: %.*s", f->address, SV_ARG(buf_get(&b)));
	return true;
}

static int
fetch(struct fetch *f)
{
	int rc = connect_and_ask(f);

	if (rc == -EINVAL)
		return cmd_usage(f->ctx, tr(f->ctx->lang,
		    N_("%s is no address; write it as 192.0.2.1:323 or [2001:db8::1]:323")), f->address);
	if (rc == 0)
		rc = 1;
	while (rc == 1)
		rc = step(f);
	rtr_findings_show(f->ctx, &f->findings, &f->n_shown);
	if (rc < 0 && tls_failed(f))
		return EXIT_CANNOT;
	if (rc == SE_PEER)
		cmd_err(tr(f->ctx->lang, N_("%s: the cache broke the protocol or refused; nothing more was taken")),
		    f->address);
	else if (rc == -ENODATA)
		cmd_err(tr(f->ctx->lang, N_("%s: the cache has no data yet; try again later")), f->address);
	else if (rc < 0 && rc != -EIO)
		cmd_err("%s: %s", f->address, err_str(rc));
	if (rc == SE_PEER || (rc == 0 && findings_reject(&f->findings)))
		return EXIT_REJECTED;
	return rc < 0 ? EXIT_CANNOT : EXIT_GOOD;
}

static int
run(struct cmd_ctx *ctx, void *state, int argc, char **argv)
{
	struct fetch *f = state;
	uint8_t *buf;
	int rc;

	f->ctx = ctx;
	f->link = (struct link)LINK_INIT;
	f->end = INT64_MAX;
	if (argc != 1)
		return cmd_usage(ctx, "%s", tr(ctx->lang, N_("name one cache as HOST:PORT")));
	f->address = argv[0];
	if ((rc = rtr_dial_ready(ctx, &f->dial)) != EXIT_GOOD)
		return rc;
	rc = EXIT_CANNOT;
	if (!f->version_given)
		f->version = RTR_VERSION_MAX;
	if (f->timeout_sec == 0)
		f->timeout_sec = TIMEOUT_SEC;
	f->pool = pool_new(FINDINGS_POOL);
	buf = f->pool != NULL ? pool_alloc(f->pool, READ_MAX) : NULL;
	f->buf = buf;
	if (buf != NULL) {
		findings_init(&f->findings, f->pool);
		f->findings.subject = sv_str(f->address);
		f->client = rtr_client_new((uint8_t)f->version, &f->findings);
	}
	if (f->client != NULL)
		rc = fetch(f);
	else
		cmd_err("%s", err_str(-ENOMEM));
	f->client = rtr_client_free(f->client);
	link_done(&f->link, false);
	rtr_dial_done(&f->dial);
	(void)pool_free(f->pool);
	return rc;
}

const struct cmd cmd_rtr_fetch = {
	.area = "rtr", .verb = "fetch", .args = "HOST:PORT",
	.summary = N_("fetch and check the payloads of an RTR cache, as a router would"),
	.opts = opts, .opt = opt, .state_size = sizeof(struct fetch),
	.run = run,
};
