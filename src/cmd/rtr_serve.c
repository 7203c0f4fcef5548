/* sekisho rtr serve: any validator's JSON to routers, without validating. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/rtr_auth.h"
#include "app/rtr_server.h"
#include "app/vrps_feed.h"
#include "base/err.h"
#include "base/json.h"
#include "base/timefmt.h"
#include "cmd/cmd.h"
#include "cmd/rtr_show.h"
#include "sys/clock.h"
#include "sys/net_tcp.h"

#define LISTEN_DEFAULT	"127.0.0.1:8282"
#define LISTEN_MAX	8
#define FILES_OTHER	64	/* descriptors beside those of routers */

struct serve {
	struct cmd_ctx		*ctx;
	const char		*vrps;
	const char		*listen[LISTEN_MAX];
	bool			 tls[LISTEN_MAX];
	unsigned		 n_listen;
	struct rtr_tls_files	 files;
	struct ip_prefix	 allow[RTR_ALLOW_MAX], md5[RTR_MD5_MAX];
	size_t			 n_allow, n_md5;
	struct tcp_secret	 secrets[RTR_MD5_MAX];
	struct rtr_timers	 timers;
	uint32_t		 max_clients, max_version;
	struct tcp_name		 names[LISTEN_MAX];
	int64_t			 clock_offset;
	struct loop		*loop;
	struct rtr_server	*server;
	struct vrps_feed	*feed;
};

static const struct cmd_opt opts[] = {
	{ "vrps", 0, "FILE", N_("the validated payloads, JSON of any validator") },
	{ "listen", 0, "ADDRESS:PORT", N_("where routers connect (127.0.0.1:8282; may be repeated)") },
	{ "allow", 0, "PREFIX", N_("the addresses that routers may come from; may be repeated") },
	{ "md5", 0, "PREFIX=FILE", N_("routers there must sign with the TCP-MD5 secret in the file; may be repeated") },
	{ "tls-listen", 0, "ADDRESS:PORT", N_("where routers connect with TLS; may be repeated") },
	{ "tls-cert", 0, "FILE", N_("our certificate and its chain, PEM") },
	{ "tls-key", 0, "FILE", N_("its private key, PEM") },
	{ "tls-client-ca", 0, "FILE", N_("routers must show a certificate of these authorities, PEM") },
	{ "refresh", 0, "SECONDS", N_("routers ask again after this time (3600)") },
	{ "retry", 0, "SECONDS", N_("… after a failure (600)") },
	{ "expire", 0, "SECONDS", N_("routers that hear nothing keep the data this long (7200)") },
	{ "max-clients", 0, "N", N_("connections from routers at one time (512)") },
	{ "max-version", 0, "0|1|2", N_("the highest protocol version to speak (2)") },
	{ 0 },
};

static const struct cmd_number numbers[] = {
	{ "refresh", offsetof(struct serve, timers.refresh_sec), 1, 86400 },
	{ "retry", offsetof(struct serve, timers.retry_sec), 1, 7200 },
	{ "expire", offsetof(struct serve, timers.expire_sec), 600, 172800 },
	{ "max-clients", offsetof(struct serve, max_clients), 1, RTR_CLIENTS_LIMIT },
	{ "max-version", offsetof(struct serve, max_version), 0, RTR_VERSION_MAX },
};

static int
listen_add(struct serve *s, const char *arg, bool tls)
{
	if (s->n_listen == LISTEN_MAX)
		return cmd_usage(s->ctx, tr(s->ctx->lang,
		    N_("--listen may be given %d times at most")), LISTEN_MAX);
	s->tls[s->n_listen] = tls;
	s->listen[s->n_listen++] = arg;
	return 0;
}

static int
allow_add(struct serve *s, const char *arg)
{
	if (s->n_allow == RTR_ALLOW_MAX ||
	    ip_prefix_parse_host(sv_str(arg), &s->allow[s->n_allow]) < 0)
		return cmd_usage(s->ctx, tr(s->ctx->lang, N_("--allow %s is no prefix")), arg);
	s->n_allow++;
	return 0;
}

/* "PREFIX=FILE": read now, as a wrong one is a wrong command line. */
static int
md5_add(struct serve *s, const char *arg)
{
	_cleanup_(buf_done) struct buf err = BUF_INIT;
	struct sv file = sv_str(arg), who = sv_cut(&file, '=');
	struct tcp_secret *t = &s->secrets[s->n_md5];

	if (s->n_md5 == RTR_MD5_MAX || file.n == 0 ||
	    ip_prefix_parse_host(who, &t->peers) < 0)
		return cmd_usage(s->ctx, tr(s->ctx->lang,
		    N_("--md5 %s is not an address or prefix, \"=\" and a file")), arg);
	if (rtr_secret_read(file.p, s->ctx->lang, t, &err) < 0) {
		cmd_err("%.*s", SV_ARG(buf_get(&err)));
		return EXIT_CANNOT;
	}
	s->md5[s->n_md5++] = t->peers;
	return 0;
}

/* Options that are kept as they are given. 1: it was one of them. */
static int
opt_text(struct serve *s, const char *name, const char *arg)
{
	const struct {
		const char	*name;
		const char	**to;
	} texts[] = {
		{ "vrps", &s->vrps },
		{ "tls-cert", &s->files.cert },
		{ "tls-key", &s->files.key },
		{ "tls-client-ca", &s->files.ca },
	};

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		if (strcmp(name, texts[i].name) == 0) {
			*texts[i].to = arg;
			return 1;
		}
	return 0;
}

/* Numbers are kept one higher, so that 0 is "not given". */
static int
opt(struct cmd_ctx *ctx, void *state, const struct cmd_opt *o, const char *arg)
{
	struct serve *s = state;

	s->ctx = ctx;
	if (opt_text(s, o->name, arg) == 1)
		return 0;
	if (strcmp(o->name, "listen") == 0 || strcmp(o->name, "tls-listen") == 0)
		return listen_add(s, arg, o->name[0] == 't');
	if (strcmp(o->name, "allow") == 0)
		return allow_add(s, arg);
	if (strcmp(o->name, "md5") == 0)
		return md5_add(s, arg);
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
		uint32_t *p = (uint32_t *)(void *)((char *)s + numbers[i].offset);
		uint32_t v;

		if (strcmp(o->name, numbers[i].name) != 0)
			continue;
		if (num_u32(sv_str(arg), numbers[i].min, numbers[i].max, &v) < 0)
			return cmd_usage(ctx, tr(ctx->lang, N_("--%s takes a number from %u to %u")),
			    o->name, numbers[i].min, numbers[i].max);
		*p = v + 1;
	}
	return 0;
}

static uint32_t
given_or(uint32_t v, uint32_t otherwise)
{
	return v == 0 ? otherwise : v - 1;
}

/* --- what the operator sees --- */

static void
on_log(void *arg, enum log_level level, const char *text)
{
	const struct serve *s = arg;

	if (level == LOG_LEVEL_DEBUG && s->ctx->verbose == 0)
		return;
	if (level > LOG_LEVEL_WARN && s->ctx->quiet)
		return;
	cmd_err("rtr: %s", text);
}

static void
on_changed(void *arg UNUSED)
{
}

static void
findings_show(const struct serve *s, const struct findings *fs)
{
	unsigned done = 0;

	rtr_findings_show(s->ctx, fs, &done);
}

static const char *
load_problem(const struct serve *s, const struct vrps_load *l, char *text, size_t n)
{
	if (l->rc == SE_SYNTAX)
		(void)snprintf(text, n, tr(s->ctx->lang, N_("line %llu is not JSON")),
		    (unsigned long long)l->info.line);
	else if (l->rc == SE_FORMAT)
		(void)snprintf(text, n, "%s", tr(s->ctx->lang,
		    N_("it has no list \"roas\"; give the JSON output of a validator")));
	else
		(void)snprintf(text, n, "%s", err_str(l->rc));
	return text;
}

static void
on_loaded(void *arg, const struct vrps_load *l)
{
	struct serve *s = arg;
	struct rtr_server_stat st;
	char text[200];

	if (l->rc < 0) {
		cmd_err(tr(s->ctx->lang, N_("%s: %s, keeping old data")), s->vrps,
		    load_problem(s, l, text, sizeof(text)));
		return;
	}
	findings_show(s, l->findings);
	rtr_server_stat(s->server, &st);
	if (!s->ctx->quiet)
		cmd_err(l->changed ? tr(s->ctx->lang,
		    N_("rtr: new data: %zu VRPs, %zu ASPAs, serial %u")) : tr(s->ctx->lang,
		    N_("rtr: unchanged data: %zu VRPs, %zu ASPAs, serial %u")),
		    st.n_v4 + st.n_v6, st.n_aspas, st.serial);
}

/* One line on standard output: who waits for it knows that we are ready. */
static void
ready_show(const struct serve *s)
{
	struct rtr_server_stat st;
	_cleanup_(buf_done) struct buf b = BUF_INIT;

	rtr_server_stat(s->server, &st);
	if (s->ctx->json) {
		struct json j = json_on(&b, false);

		json_open(&j, '{');
		json_key(&j, "listen");
		json_open(&j, '[');
		for (unsigned i = 0; i < s->n_listen; i++)
			json_str(&j, s->names[i].text);
		json_close(&j, ']');
		json_kv_u64(&j, "vrps", st.n_v4 + st.n_v6);
		json_kv_u64(&j, "router_keys", st.n_router_keys);
		json_kv_u64(&j, "aspas", st.n_aspas);
		json_kv_u64(&j, "serial", st.serial);
		json_close(&j, '}');
	} else {
		for (unsigned i = 0; i < s->n_listen; i++)
			buf_printf(&b, "%s%s", i > 0 ? " " : "", s->names[i].text);
	}
	if (s->ctx->json)
		printf("%.*s\n", SV_ARG(buf_get(&b)));
	else
		printf(tr(s->ctx->lang, N_("rtr: listening on %.*s, %zu VRPs, %zu ASPAs, serial %u\n")),
		    SV_ARG(buf_get(&b)), st.n_v4 + st.n_v6, st.n_aspas, st.serial);
	(void)fflush(stdout);
}

/* --- who may come --- */

static bool
tls_wanted(const struct serve *s)
{
	for (unsigned i = 0; i < s->n_listen; i++)
		if (s->tls[i])
			return true;
	return false;
}

/* Who may connect; files are read before anybody does. */
static int
admit(struct serve *s)
{
	_cleanup_(buf_done) struct buf err = BUF_INIT;
	struct rtr_admission a = {
		.allow = s->allow, .n_allow = s->n_allow,
		.md5 = s->md5, .n_md5 = s->n_md5,
		.tls_client = s->files.ca != NULL,
	};
	int rc;

	if (tls_wanted(s) && rtr_tls_load(&s->files, clock_now() + s->clock_offset, s->ctx->lang, NULL,
	    &a.tls, &err) < 0) {
		cmd_err("%.*s", SV_ARG(buf_get(&err)));
		return EXIT_CANNOT;
	}
	if ((rc = rtr_server_admit(s->server, &a)) == 0)
		return EXIT_GOOD;
	cmd_err("%s", err_str(rc));
	return EXIT_CANNOT;
}

/* --- life --- */

static void
on_ignored(void *arg UNUSED)
{
}

static void
on_hup(void *arg)
{
	struct serve *s = arg;
	struct vrps_load l;

	(void)vrps_feed_load(s->feed, &l);
	on_loaded(s, &l);
	/* Certificates are renewed as well; when one is bad the old ones stay. */
	if (tls_wanted(s))
		(void)admit(s);
}

static void
on_gone(void *arg)
{
	struct serve *s = arg;

	loop_stop(s->loop);
}

/* We shall be back: routers keep what they have until it expires. */
static void
on_term(void *arg)
{
	struct serve *s = arg;

	rtr_server_stop(s->server, RTR_ERR_RESTART, on_gone, s);
}

/* We shall not: routers forget what they had from us. */
static void
on_quit(void *arg)
{
	struct serve *s = arg;

	rtr_server_stop(s->server, RTR_ERR_SHUTDOWN, on_gone, s);
}

static int
signals_take(struct serve *s)
{
	static const struct {
		int	 signo;
		loop_fn	 fn;
	} rows[] = {
		{ SIGHUP, on_hup },
		{ SIGINT, on_term },
		{ SIGTERM, on_term },
		{ SIGQUIT, on_quit },
		{ SIGPIPE, on_ignored },
	};
	int rc = 0;

	for (size_t i = 0; i < ARRAY_LEN(rows) && rc == 0; i++)
		rc = loop_signal(s->loop, rows[i].signo, rows[i].fn, s);
	return rc;
}

static int
listen_all(struct serve *s)
{
	int fd = -1, rc;

	if (s->n_listen == 0)
		s->listen[s->n_listen++] = LISTEN_DEFAULT;
	for (unsigned i = 0; i < s->n_listen; i++) {
		rc = tcp_listen_md5(s->listen[i], s->secrets, s->tls[i] ? 0 : s->n_md5,
		    &fd, &s->names[i]);
		if (rc == -EINVAL)
			return cmd_usage(s->ctx, tr(s->ctx->lang,
			    N_("--listen %s is no address; write it as 192.0.2.1:323 or [2001:db8::1]:323")),
			    s->listen[i]);
		if (rc == 0)
			rc = rtr_server_listen(s->server, fd, s->tls[i]);
		if (rc < 0) {
			cmd_err(tr(s->ctx->lang, N_("cannot listen on %s: %s")), s->listen[i],
			    err_str(rc));
			return EXIT_CANNOT;
		}
	}
	return EXIT_GOOD;
}

/* The first load decides: a server with nothing to serve is a mistake. */
static int
load_first(struct serve *s)
{
	struct vrps_load l;
	char text[200], at[TIME_STRLEN];

	if (vrps_feed_load(s->feed, &l) < 0) {
		cmd_err("%s: %s", s->vrps, load_problem(s, &l, text, sizeof(text)));
		return EXIT_CANNOT;
	}
	if (l.n_expired > 0 && l.n_expired + l.info.n_bad == l.info.n_rows) {
		cmd_err(tr(s->ctx->lang, N_("%s: all payloads are past their expiry (the last at %s); "
		    "run the validator again, or say --at TIME to serve an old file")),
		    s->vrps, time_str(l.last_expiry, at));
		return EXIT_CANNOT;
	}
	findings_show(s, l.findings);
	return EXIT_GOOD;
}

static int
serve_setup(struct serve *s)
{
	const struct rtr_server_conf conf = {
		.timers = s->timers,
		.max_clients = s->max_clients,
		.max_version = (uint8_t)s->max_version,
		.clock_offset = s->clock_offset,
	};
	const struct rtr_server_ops ops = { on_log, on_changed, s };
	struct vrps_feed_conf feed = {
		.path = s->vrps, .state = s->ctx->state,
		.clock_offset = conf.clock_offset,
		.loaded = on_loaded, .arg = s,
	};

	if ((s->loop = loop_new()) == NULL || signals_take(s) < 0 ||
	    (s->server = rtr_server_new(s->loop, &conf, &ops)) == NULL)
		return -ENOMEM;
	feed.server = s->server;
	s->feed = vrps_feed_new(s->loop, &feed);
	return s->feed == NULL ? -ENOMEM : 0;
}

static int
serve_run(struct serve *s)
{
	int rc;

	if (serve_setup(s) < 0) {
		cmd_err("%s", err_str(-ENOMEM));
		return EXIT_CANNOT;
	}
	tcp_files(s->max_clients + FILES_OTHER);
	if ((rc = admit(s)) != EXIT_GOOD || (rc = load_first(s)) != EXIT_GOOD ||
	    (rc = listen_all(s)) != EXIT_GOOD)
		return rc;
	ready_show(s);
	return loop_run(s->loop) < 0 ? EXIT_CANNOT : EXIT_GOOD;
}

static int
run(struct cmd_ctx *ctx, void *state, int argc, char **argv UNUSED)
{
	struct serve *s = state;
	int rc;

	s->ctx = ctx;
	if (argc > 0)
		return cmd_usage(ctx, "%s", tr(ctx->lang, N_("rtr serve takes options only")));
	if (s->vrps == NULL)
		return cmd_usage(ctx, "%s", tr(ctx->lang, N_("say what to serve with --vrps FILE")));
	if (tls_wanted(s) != (s->files.cert != NULL) ||
	    (s->files.cert != NULL) != (s->files.key != NULL) ||
	    (s->files.ca != NULL && s->files.cert == NULL))
		return cmd_usage(ctx, "%s", tr(ctx->lang,
		    N_("TLS needs --tls-listen, --tls-cert and --tls-key together")));
	s->timers.refresh_sec = given_or(s->timers.refresh_sec, RTR_TIMERS_DEFAULT.refresh_sec);
	s->timers.retry_sec = given_or(s->timers.retry_sec, RTR_TIMERS_DEFAULT.retry_sec);
	s->timers.expire_sec = given_or(s->timers.expire_sec, RTR_TIMERS_DEFAULT.expire_sec);
	s->files.server = true;
	s->clock_offset = ctx->now_given ? ctx->now - clock_now() : 0;
	s->max_clients = given_or(s->max_clients, RTR_CLIENTS_MAX);
	s->max_version = given_or(s->max_version, RTR_VERSION_MAX);
	if (!rtr_timers_ok(&s->timers))
		return cmd_usage(ctx, "%s", tr(ctx->lang,
		    N_("--expire must be larger than --refresh and --retry")));
	rc = serve_run(s);
	s->feed = vrps_feed_free(s->feed);
	s->server = rtr_server_free(s->server);
	s->loop = loop_free(s->loop);
	explicit_bzero(s->secrets, sizeof(s->secrets));
	return rc;
}

const struct cmd cmd_rtr_serve = {
	.area = "rtr", .verb = "serve", .args = "--vrps FILE",
	.summary = N_("serve a validator's payloads to routers"),
	.opts = opts, .opt = opt, .state_size = sizeof(struct serve),
	.run = run,
};
