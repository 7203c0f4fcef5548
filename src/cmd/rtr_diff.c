/* sekisho rtr diff: several caches, or lists of payloads, side by side. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/watch_compare.h"
#include "app/watch_source.h"
#include "base/err.h"
#include "cmd/cmd.h"
#include "cmd/rtr_diff.h"
#include "cmd/rtr_show.h"
#include "sys/clock.h"
#include "sys/net_tcp.h"
#include "sys/stream.h"

#define FINDINGS_POOL	(2 * 1024 * 1024)
#define WATCH_MAX_SEC	(31 * 86400)
#define TURN_MSEC	20	/* we listen to one source after the other */

static const struct cmd_opt opts[] = {
	{ "version", 0, "0|1|2", N_("the protocol version to begin with (2)") },
	{ "timeout", 0, "SECONDS", N_("give up when an answer takes longer (60)") },
	{ "list", 0, "N", N_("show at most N of the entries that differ (20)") },
	{ "watch", 0, "SECONDS", N_("stay so long and measure how late each source is; compare at the end") },
	{ "interval", 0, "SECONDS", N_("with --watch: ask caches this often, beside their own notifies (30)") },
	{ "lag", 0, "SECONDS", N_("a change that comes later than this is a fault; needs --watch") },
	{ "nagios", 0, NULL, N_("one line and an exit status for monitoring") },
	{ "warn", 0, "N", N_("--nagios: so many entries that differ are a warning (1)") },
	{ "crit", 0, "N", N_("--nagios: so many are critical (never)") },
	RTR_DIAL_OPTS,
	{ 0 },
};

static const struct cmd_number numbers[] = {
	{ "version", offsetof(struct rtr_diff, version), 0, RTR_VERSION_MAX },
	{ "timeout", offsetof(struct rtr_diff, timeout_sec), 1, 3600 },
	{ "list", offsetof(struct rtr_diff, list), 0, 1000000 },
	{ "watch", offsetof(struct rtr_diff, watch_sec), 1, WATCH_MAX_SEC },
	{ "interval", offsetof(struct rtr_diff, interval_sec), 1, 86400 },
	{ "lag", offsetof(struct rtr_diff, lag_sec), 1, WATCH_MAX_SEC },
	{ "warn", offsetof(struct rtr_diff, warn), 1, UINT32_MAX },
	{ "crit", offsetof(struct rtr_diff, crit), 1, UINT32_MAX },
};

static int
opt(struct cmd_ctx *ctx, void *state, const struct cmd_opt *o, const char *arg)
{
	struct rtr_diff *d = state;

	if (rtr_dial_opt(&d->dial, o->name, arg))
		return 0;
	if (strcmp(o->name, "nagios") == 0)
		return !(d->nagios = true);
	d->version_given |= strcmp(o->name, "version") == 0;
	d->list_given |= strcmp(o->name, "list") == 0;
	return cmd_number_opt(ctx, numbers, ARRAY_LEN(numbers), state, o, arg);
}

/* --- sources --- */

const struct payloads *
diff_payloads(const struct diff_source *s)
{
	return s->is_file ? &s->file : watch_cache_payloads(s->cache);
}

static int
file_load(struct rtr_diff *d, struct diff_source *s)
{
	struct payloads next;
	struct watch_source info;
	int rc;

	d->findings.subject = sv_str(s->name.p);
	if ((rc = file_stamp(s->name.p, &s->stamp)) < 0)
		return rc;
	rc = watch_source_read(s->name.p, &d->findings, &next, &info);
	if (rc < 0) {
		payloads_done(&next);
		return rc;
	}
	payloads_done(&s->file);
	s->file = next;
	s->kinds = info.kinds;
	return 0;
}

/* Findings of a cache are told under its name. */
static int
cache_open(struct rtr_diff *d, struct diff_source *s)
{
	const struct watch_conf conf = {
		.address = s->name.p, .version = (uint8_t)d->version,
		.timeout_msec = (int)d->timeout_sec * 1000,
		.dial = rtr_watch_dial, .arg = &d->how,
	};
	int rc;

	findings_init(&s->findings, d->pool);
	s->findings.subject = sv_str(s->name.p);
	if ((s->cache = watch_cache_new(&conf, &s->findings)) == NULL)
		return -ENOMEM;
	rc = watch_cache_sync(s->cache);
	return rc < 0 ? rc : watch_cache_probe(s->cache);
}

/* A name of a file that is there is that file; all else is an address. */
static int
source_open(struct rtr_diff *d, struct diff_source *s, const char *arg)
{
	s->is_file = file_stamp(arg, &s->stamp) == 0;
	if (s->is_file)
		buf_str(&s->name, arg);
	else
		rtr_watch_address(&s->name, arg, d->dial.tls);
	buf_char(&s->name, '\0');
	if (s->name.rc < 0)
		return s->name.rc;
	return s->is_file ? file_load(d, s) : cache_open(d, s);
}

static void
source_done(struct diff_source *s)
{
	s->cache = watch_cache_free(s->cache);
	payloads_done(&s->file);
	free(s->before);
	buf_done(&s->name);
}

static int
source_failed(struct rtr_diff *d, const struct diff_source *s, int rc)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT;

	if (rc == -EINVAL && !s->is_file)
		return cmd_usage(d->ctx, tr(d->ctx->lang,
		    N_("%s is neither a file nor an address; write it as 192.0.2.1:323 or [2001:db8::1]:323")),
		    s->name.p);
	rtr_watch_why(d->ctx, s->cache, rc, &why);
	if (d->nagios)
		printf("RTR CRITICAL - %s: %.*s\n", s->name.p, SV_ARG(buf_get(&why)));
	else
		cmd_err("%s: %.*s", s->name.p, SV_ARG(buf_get(&why)));
	return d->nagios ? (int)WATCH_CRITICAL : EXIT_CANNOT;
}

/* --- watching --- */

/* What it has now is what the next change is measured against. */
static int
before_keep(struct diff_source *s)
{
	const struct payloads *p = diff_payloads(s);
	struct vrp *v = calloc(p->n_vrps + 1, sizeof(*v));

	if (v == NULL)
		return -ENOMEM;
	if (p->n_vrps > 0)
		memcpy(v, p->vrps, p->n_vrps * sizeof(*v));
	free(s->before);
	s->before = v;
	s->n_before = p->n_vrps;
	return 0;
}

static int
change_take(struct rtr_diff *d, unsigned i)
{
	struct diff_source *s = &d->sources[i];
	const struct payloads *p = diff_payloads(s);
	int rc = watch_lag_note(d->lag, i, s->before, s->n_before, p->vrps, p->n_vrps,
	    clock_mono_usec());

	return rc < 0 ? rc : before_keep(s);
}

/* One source's turn. A cache that went is tried again when it would be asked. */
static int
source_turn(struct rtr_diff *d, unsigned i, bool ask)
{
	struct diff_source *s = &d->sources[i];
	struct file_stamp now;
	int rc;

	if (s->is_file) {
		if (file_stamp(s->name.p, &now) < 0 || file_stamp_same(&now, &s->stamp))
			return 0;
		return file_load(d, s) < 0 ? 0 : change_take(d, i);
	}
	if (s->down) {
		if (!ask || watch_cache_sync(s->cache) < 0)
			return 0;
		s->down = false;
		return change_take(d, i);
	}
	rc = ask ? watch_cache_ask(s->cache) : 0;
	if (rc >= 0)
		rc = watch_cache_wait(s->cache, TURN_MSEC);
	if (rc < 0) {
		s->down = true;
		s->n_lost++;
		return 0;
	}
	return rc == 1 ? change_take(d, i) : 0;
}

static int
watch(struct rtr_diff *d)
{
	int64_t now = clock_mono_usec(), end = now + (int64_t)d->watch_sec * 1000000;
	int64_t step = (int64_t)d->interval_sec * 1000000, next = now + step;
	int rc = 0;

	for (unsigned i = 0; i < d->n_sources && rc == 0; i++)
		rc = before_keep(&d->sources[i]);
	while (rc == 0 && (now = clock_mono_usec()) < end) {
		bool ask = now >= next;

		next = ask ? now + step : next;
		for (unsigned i = 0; i < d->n_sources && rc == 0; i++)
			rc = source_turn(d, i, ask);
		/* Files alone give us nothing to wait for but the time. */
		if (rc == 0 && d->n_sources == d->n_files)
			(void)!tcp_wait(-1, false, TURN_MSEC);
	}
	return rc;
}

/* --- judging --- */

static void
lags_check(struct rtr_diff *d)
{
	for (unsigned i = 0; i < d->n_sources; i++) {
		const struct watch_lag_stat *s = &d->sources[i].lag;
		int64_t worst = s->max_usec > s->awaited_usec ? s->max_usec : s->awaited_usec;

		if (d->lag_sec > 0 && worst > (int64_t)d->lag_sec * 1000000)
			finding_add(&d->findings, &watch_findings[WATCH_LAG],
			    FA_U("seconds", worst / 1000000), FA_STR("cache", d->sources[i].name.p),
			    FA_U("limit", d->lag_sec));
	}
}

/* What must be known of each cache before it is trusted. */
static void
caches_check(struct rtr_diff *d)
{
	for (unsigned i = 0; i < d->n_sources; i++) {
		struct diff_source *s = &d->sources[i];
		const struct watch_limits l = {
			.plain = !d->dial.tls && d->dial.md5_file == NULL,
			.local = rtr_watch_is_local(s->name.p), .watched_sec = d->watch_sec,
		};

		if (s->cache == NULL)
			continue;
		watch_check(watch_cache_facts(s->cache), &l, &s->findings);
		findings_append(&d->findings, &s->findings);
	}
}

/* A file has what it has a list of; version 0 of RTR VRPs only, version 1 no ASPAs. */
static unsigned
kinds_told(const struct diff_source *s)
{
	uint8_t version;

	if (s->is_file)
		return s->kinds;
	version = watch_cache_facts(s->cache)->version;
	return 1u << WATCH_VRP | (version >= RTR_KEY_VERSION ? 1u << WATCH_KEY : 0) |
	    (version >= RTR_ASPA_VERSION ? 1u << WATCH_ASPA : 0);
}

static int
judge(struct rtr_diff *d)
{
	const struct payloads *sets[WATCH_SOURCES_MAX];
	int64_t now = clock_mono_usec();
	int rc = 0;

	d->kinds = WATCH_KINDS_ALL;
	for (unsigned i = 0; i < d->n_sources; i++) {
		d->kinds &= kinds_told(&d->sources[i]);
		sets[i] = diff_payloads(&d->sources[i]);
		if (rc == 0 && d->lag != NULL)
			rc = watch_lag_stat(d->lag, i, now, &d->sources[i].lag);
	}
	if (rc == 0)
		rc = watch_compare(sets, d->n_sources, d->kinds, d->list, &d->diff);
	if (rc < 0)
		return rc;
	caches_check(d);
	d->findings.subject = SV("");
	if (watch_diff_count(&d->diff) > 0)
		finding_add(&d->findings, &watch_findings[WATCH_DIFFER],
		    FA_U("count", watch_diff_count(&d->diff)));
	if (d->diff.n_maxlen > 0)
		finding_add(&d->findings, &watch_findings[WATCH_MAXLEN],
		    FA_U("count", d->diff.n_maxlen));
	lags_check(d);
	return 0;
}

/* --- the command --- */

static int
diff(struct rtr_diff *d, int argc, char **argv)
{
	int rc = 0;

	for (int i = 0; i < argc; i++) {
		struct diff_source *s = &d->sources[d->n_sources++];

		if ((rc = source_open(d, s, argv[i])) < 0)
			return source_failed(d, s, rc);
		d->n_files += s->is_file;
	}
	if (d->watch_sec > 0 && (d->lag = watch_lag_new(d->n_sources)) == NULL)
		rc = -ENOMEM;
	if (rc == 0 && d->lag != NULL)
		rc = watch(d);
	if (rc == 0)
		rc = judge(d);
	if (rc < 0) {
		cmd_err("%s", err_str(rc));
		return d->nagios ? (int)WATCH_UNKNOWN : EXIT_CANNOT;
	}
	return diff_show(d);
}

static uint32_t
given_or(uint32_t v, uint32_t otherwise)
{
	return v == 0 ? otherwise : v;
}

static int
run(struct cmd_ctx *ctx, void *state, int argc, char **argv)
{
	struct rtr_diff *d = state;
	int rc;

	d->ctx = ctx;
	d->how = (struct rtr_watch_dial){ ctx, &d->dial };
	if (argc < 2 || argc > WATCH_SOURCES_MAX)
		return cmd_usage(ctx, tr(ctx->lang, N_("name two to %d caches or files")),
		    WATCH_SOURCES_MAX);
	if (d->lag_sec > 0 && d->watch_sec == 0)
		return cmd_usage(ctx, "%s", tr(ctx->lang, N_("--lag needs --watch")));
	if ((rc = rtr_dial_ready(ctx, &d->dial)) != EXIT_GOOD)
		return rc;
	d->version = d->version_given ? d->version : RTR_VERSION_MAX;
	d->list = d->list_given ? d->list : 20;
	d->timeout_sec = given_or(d->timeout_sec, 60);
	d->interval_sec = given_or(d->interval_sec, 30);
	d->warn = given_or(d->warn, 1);
	rc = EXIT_CANNOT;
	if ((d->pool = pool_new(FINDINGS_POOL)) != NULL) {
		findings_init(&d->findings, d->pool);
		rc = diff(d, argc, argv);
	}
	(void)fflush(stdout);
	watch_diff_done(&d->diff);
	for (unsigned i = 0; i < d->n_sources; i++)
		source_done(&d->sources[i]);
	d->lag = watch_lag_free(d->lag);
	rtr_dial_done(&d->dial);
	d->pool = pool_free(d->pool);
	return rc;
}

const struct cmd cmd_rtr_diff = {
	.area = "rtr", .verb = "diff", .args = "A B [C…]",
	.summary = N_("compare RTR caches and lists of payloads, and how late each is"),
	.opts = opts, .opt = opt, .state_size = sizeof(struct rtr_diff),
	.run = run,
};
