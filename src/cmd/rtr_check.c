/* sekisho rtr check: what is to be known of one cache, as a router sees it. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/timefmt.h"
#include "cmd/cmd.h"
#include "cmd/rtr_show.h"
#include "cmd/rtr_watch.h"
#include "sys/atomicfile.h"
#include "sys/clock.h"
#include "sys/file.h"

#define TIMEOUT_SEC	60
#define FINDINGS_POOL	(1024 * 1024)
#define WATCH_MAX_SEC	(31 * 86400)
#define ASK_SEC		60	/* between two questions, whatever the refresh interval is */
#define STATE_MAX	128	/* bytes of the note on a serial */

struct check {
	struct cmd_ctx		*ctx;
	struct rtr_dial		 dial;
	struct rtr_watch_dial	 how;
	uint32_t		 version, timeout_sec, min_vrps, max_age, watch_sec;
	bool			 version_given, nagios;
	struct buf		 address;
	struct pool		*pool;
	struct findings		 findings;
	struct watch_cache	*cache;
	int64_t			 began;		/* usec */
	int64_t			 since;		/* wall: the serial was seen first; 0: now */
	struct watch_limits	 limits;
};

static const struct cmd_opt opts[] = {
	{ "version", 0, "0|1|2", N_("the protocol version to begin with (2)") },
	{ "timeout", 0, "SECONDS", N_("give up when an answer takes longer (60)") },
	{ "min-vrps", 0, "N", N_("fewer VRPs are a fault") },
	{ "max-age", 0, "SECONDS", N_("a serial that stays the same for longer is a fault; needs --watch or --state") },
	{ "watch", 0, "SECONDS", N_("stay so long and see whether the serial changes") },
	{ "nagios", 0, NULL, N_("one line and an exit status for monitoring") },
	RTR_DIAL_OPTS,
	{ 0 },
};

static const struct cmd_number numbers[] = {
	{ "version", offsetof(struct check, version), 0, RTR_VERSION_MAX },
	{ "timeout", offsetof(struct check, timeout_sec), 1, 3600 },
	{ "min-vrps", offsetof(struct check, min_vrps), 1, UINT32_MAX },
	{ "max-age", offsetof(struct check, max_age), 1, WATCH_MAX_SEC },
	{ "watch", offsetof(struct check, watch_sec), 1, WATCH_MAX_SEC },
};

static int
opt(struct cmd_ctx *ctx, void *state, const struct cmd_opt *o, const char *arg)
{
	struct check *c = state;

	if (rtr_dial_opt(&c->dial, o->name, arg))
		return 0;
	if (strcmp(o->name, "nagios") == 0)
		return !(c->nagios = true);
	c->version_given |= strcmp(o->name, "version") == 0;
	return cmd_number_opt(ctx, numbers, ARRAY_LEN(numbers), state, o, arg);
}

/* --- since when has it this serial? --- */

/* DIR/rtr-check-ADDRESS: "SESSION SERIAL SINCE". */
static void
note_path(const struct check *c, struct buf *ret)
{
	struct sv a = buf_get(&c->address);

	buf_printf(ret, "%s/rtr-check-", c->ctx->state);
	for (size_t i = 0; i < a.n; i++)
		buf_char(ret, a.p[i] == '/' ? '_' : a.p[i]);
	buf_char(ret, '\0');
}

/* 0: there is no note on this serial. */
static int64_t
note_read(struct pool *pool, const char *path, const struct watch_facts *f)
{
	struct sv text, word[3];
	uint32_t session, serial;
	int64_t since;

	if (file_read(pool, FILE_CWD, path, STATE_MAX, &text) < 0)
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(word); i++)
		if (!sv_word(&text, &word[i]))
			return 0;
	if (num_u32(word[0], 0, UINT16_MAX, &session) < 0 ||
	    num_u32(word[1], 0, UINT32_MAX, &serial) < 0 || time_parse(word[2], &since) < 0)
		return 0;
	return session == f->session && serial == f->serial ? since : 0;
}

/* Another check, hours ago, may have seen this serial already. */
static int
note_take(struct check *c)
{
	_cleanup_(buf_done) struct buf path = BUF_INIT, text = BUF_INIT;
	_cleanup_(atomicfile_done) struct atomicfile file = { .fd = -1 };
	const struct watch_facts *f = watch_cache_facts(c->cache);
	int64_t mono = (clock_mono_usec() - f->serial_since) / 1000000;
	char at[TIME_STRLEN];
	int rc;

	c->since = c->ctx->now - mono;
	if (c->ctx->state == NULL)
		return 0;
	note_path(c, &path);
	if (path.rc < 0)
		return path.rc;
	if (f->n_serials == 0 && (c->since = note_read(c->pool, path.p, f)) > 0)
		return 0;
	c->since = c->ctx->now - mono;
	buf_printf(&text, "%u %u %s\n", f->session, f->serial, time_str(c->since, at));
	if ((rc = atomicfile_open(&file, path.p)) == 0 &&
	    (rc = fd_write_all(&file.fd, text.p, text.len)) == 0)
		rc = atomicfile_commit(&file);
	if (rc < 0)
		cmd_err("%s: %s", path.p, err_str(rc));
	return rc;
}

static void
judge(struct check *c)
{
	const struct watch_facts *f = watch_cache_facts(c->cache);

	c->limits = (struct watch_limits){
		.min_vrps = c->min_vrps, .max_age_sec = c->max_age,
		.watched_sec = (clock_mono_usec() - c->began) / 1000000,
		.age_sec = f->synced && c->ctx->now > c->since ? c->ctx->now - c->since : 0,
		.plain = !c->dial.tls && c->dial.md5_file == NULL,
		.local = rtr_watch_is_local(c->address.p),
	};
	watch_check(f, &c->limits, &c->findings);
}

/* --- talking --- */

/* Follow it for --watch; a question a minute, and one at the end. */
static int
follow(struct check *c)
{
	int64_t end = c->began + (int64_t)c->watch_sec * 1000000;
	int64_t next = clock_mono_usec() + (int64_t)ASK_SEC * 1000000;
	int rc = 0;

	for (int64_t now = clock_mono_usec(); rc >= 0 && now < end; now = clock_mono_usec()) {
		if (now >= next) {
			next = now + (int64_t)ASK_SEC * 1000000;
			rc = watch_cache_ask(c->cache);
		}
		if (rc >= 0)
			rc = watch_cache_wait(c->cache,
			    (int)min_i64((min_i64(end, next) - now) / 1000 + 1, 60000));
	}
	if (rc >= 0 && (rc = watch_cache_ask(c->cache)) >= 0)
		rc = watch_cache_wait(c->cache, (int)c->timeout_sec * 1000);
	c->ctx->now += (clock_mono_usec() - c->began) / 1000000;
	return rc < 0 ? rc : 0;
}

static int
talk(struct check *c)
{
	int rc = watch_cache_sync(c->cache);

	if (rc == 0)
		rc = watch_cache_probe(c->cache);
	if (rc == 0 && c->watch_sec > 0)
		rc = follow(c);
	return rc;
}

/* --- output --- */

static void
facts_json(struct json *j, const struct watch_facts *f)
{
	json_kv_bool(j, "connected", f->connected);
	json_kv_bool(j, "complete", f->synced);
	json_kv_u64(j, "version_asked", f->asked);
	if (!f->synced)
		return;
	json_kv_u64(j, "version", f->version);
	json_kv_u64(j, "versions_refused", f->n_refused);
	json_kv_u64(j, "session", f->session);
	json_kv_u64(j, "serial", f->serial);
	json_kv_u64(j, "serials_new", f->n_serials);
	json_kv_u64(j, "vrps", f->n_v4 + f->n_v6);
	json_kv_u64(j, "ipv4", f->n_v4);
	json_kv_u64(j, "ipv6", f->n_v6);
	json_kv_u64(j, "router_keys", f->n_keys);
	json_kv_u64(j, "aspas", f->n_aspas);
	json_kv_bool(j, "timers_told", f->version > 0);
	json_kv_u64(j, "refresh", f->timers.refresh_sec);
	json_kv_u64(j, "retry", f->timers.retry_sec);
	json_kv_u64(j, "expire", f->timers.expire_sec);
	json_kv_u64(j, "bytes", f->bytes);
	json_kv_i64(j, "connect_usec", f->connect_usec);
	json_kv_i64(j, "first_byte_usec", f->first_usec);
	json_kv_i64(j, "complete_usec", f->sync_usec);
	json_kv_str(j, "answer_to_current", watch_answer_name(f->to_current));
	json_kv_str(j, "answer_to_previous", watch_answer_name(f->to_previous));
	json_kv_u64(j, "payloads_since_previous", f->n_previous);
}

static void
show_json(const struct check *c, struct sv why)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	struct json j = json_on(&b, false);
	const struct watch_facts *f = watch_cache_facts(c->cache);

	json_open(&j, '{');
	json_kv_sv(&j, "cache", sv_str(c->address.p));
	facts_json(&j, f);
	if (f->synced) {
		json_kv_i64(&j, "serial_age", c->limits.age_sec);
		json_kv_i64(&j, "watched", c->limits.watched_sec);
	}
	json_key(&j, "error");
	if (why.n > 0)
		json_sv(&j, why);
	else
		json_nil(&j);
	rtr_watch_findings_json(&j, &c->findings, c->ctx->lang);
	json_close(&j, '}');
	if (b.rc == 0)
		printf("%.*s\n", SV_ARG(buf_get(&b)));
}

static const char *
answer_text(const struct check *c, enum watch_answer a)
{
	static const char *const texts[WATCH_ANSWER_MAX] = {
		[WATCH_UNASKED] = N_("not asked"),
		[WATCH_SAME] = N_("nothing new"),
		[WATCH_CHANGES] = N_("the changes since"),
		[WATCH_RESET] = N_("Cache Reset: take all again"),
		[WATCH_ERROR] = N_("an error, or no answer"),
	};

	return tr(c->ctx->lang, texts[a]);
}

static void
show_text(const struct check *c)
{
	const struct watch_facts *f = watch_cache_facts(c->cache);
	enum lang lang = c->ctx->lang;

	if (!f->synced)
		return;		/* the error says it all */
	printf(tr(lang, N_("%s: version %u, session %u, serial %u\n")), c->address.p,
	    f->version, f->session, f->serial);
	printf(tr(lang, N_("  VRPs %zu (IPv4 %zu, IPv6 %zu), router keys %zu, ASPAs %zu\n")),
	    f->n_v4 + f->n_v6, f->n_v4, f->n_v6, f->n_keys, f->n_aspas);
	if (f->version == 0)
		printf("%s", tr(lang, N_("  intervals: version 0 does not tell any\n")));
	else
		printf(tr(lang, N_("  intervals: refresh %u s, retry %u s, expire %u s\n")),
		    f->timers.refresh_sec, f->timers.retry_sec, f->timers.expire_sec);
	printf(tr(lang, N_("  connected in %lld ms, first byte %lld ms after the question, all after %lld ms (%llu bytes)\n")),
	    (long long)f->connect_usec / 1000, (long long)f->first_usec / 1000,
	    (long long)f->sync_usec / 1000, (unsigned long long)f->bytes);
	printf(tr(lang, N_("  asked from its serial on: %s\n")), answer_text(c, f->to_current));
	printf(tr(lang, N_("  asked from the serial before: %s\n")),
	    answer_text(c, f->to_previous));
	printf(tr(lang, N_("  this serial was first seen %lld s ago; %u new ones while watching\n")),
	    (long long)c->limits.age_sec, f->n_serials);
}

static enum watch_state
show_nagios(const struct check *c, struct sv why)
{
	const struct watch_facts *f = watch_cache_facts(c->cache);
	enum watch_state s = why.n > 0 ? WATCH_CRITICAL : rtr_watch_state(&c->findings);

	if (!f->synced) {
		printf("RTR %s - %s: %.*s\n", rtr_watch_state_name(s), c->address.p, SV_ARG(why));
		return s;
	}
	printf("RTR %s - %s: ", rtr_watch_state_name(s), c->address.p);
	if (why.n > 0)
		printf("%.*s, ", SV_ARG(why));
	printf(tr(c->ctx->lang, N_("serial %u, %zu VRPs")), f->serial, f->n_v4 + f->n_v6);
	for (const struct finding *x = c->findings.head; x != NULL; x = x->next)
		if (x->def->severity > SEV_NOTE)
			printf(", %s", x->def->code);
	printf(" | vrps=%zu", f->n_v4 + f->n_v6);
	if (c->min_vrps > 0)
		printf(";;%u:", c->min_vrps);
	printf(" aspas=%zu router_keys=%zu time=%lld.%03llds age=%llds", f->n_aspas, f->n_keys,
	    (long long)f->sync_usec / 1000000, (long long)f->sync_usec / 1000 % 1000,
	    (long long)c->limits.age_sec);
	if (c->max_age > 0)
		printf(";;%u", c->max_age);
	printf("\n");
	return s;
}

static int
show(struct check *c, int rc)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT;
	unsigned shown = 0;

	if (rc < 0)
		rtr_watch_why(c->ctx, c->cache, rc, &why);
	if (c->nagios)
		return (int)show_nagios(c, buf_get(&why));
	if (c->ctx->json)
		show_json(c, buf_get(&why));
	else if (!c->ctx->quiet)
		show_text(c);
	if (rc < 0)
		cmd_err("%s: %.*s", c->address.p, SV_ARG(buf_get(&why)));
	if (!c->ctx->json)
		rtr_findings_show(c->ctx, &c->findings, &shown);
	if (rc < 0 && rc != SE_PEER && rc != -ENODATA)
		return EXIT_CANNOT;
	return rc < 0 || findings_reject(&c->findings) ? EXIT_REJECTED : EXIT_GOOD;
}

static int
check(struct check *c)
{
	const struct watch_conf conf = {
		.address = c->address.p, .version = (uint8_t)c->version,
		.timeout_msec = (int)c->timeout_sec * 1000,
		.dial = rtr_watch_dial, .arg = &c->how,
	};
	int rc;

	c->pool = pool_new(FINDINGS_POOL);
	if (c->pool != NULL) {
		findings_init(&c->findings, c->pool);
		c->findings.subject = sv_str(c->address.p);
		c->cache = watch_cache_new(&conf, &c->findings);
	}
	if (c->cache == NULL) {
		cmd_err("%s", err_str(-ENOMEM));
		return c->nagios ? (int)WATCH_UNKNOWN : EXIT_CANNOT;
	}
	c->began = clock_mono_usec();
	rc = talk(c);
	if (rc == -EINVAL)
		return cmd_usage(c->ctx, tr(c->ctx->lang,
		    N_("%s is no address; write it as 192.0.2.1:323 or [2001:db8::1]:323")), c->address.p);
	if (watch_cache_facts(c->cache)->synced && note_take(c) < 0)
		return c->nagios ? (int)WATCH_UNKNOWN : EXIT_CANNOT;
	judge(c);
	return show(c, rc);
}

static int
run(struct cmd_ctx *ctx, void *state, int argc, char **argv)
{
	struct check *c = state;
	int rc;

	c->ctx = ctx;
	c->how = (struct rtr_watch_dial){ ctx, &c->dial };
	if (argc != 1)
		return cmd_usage(ctx, "%s", tr(ctx->lang, N_("name one cache as HOST or HOST:PORT")));
	if (c->max_age > 0 && ctx->state == NULL && c->watch_sec <= c->max_age)
		return cmd_usage(ctx, "%s", tr(ctx->lang,
		    N_("--max-age needs a longer --watch, or --state DIR and a check that runs again and again")));
	if ((rc = rtr_dial_ready(ctx, &c->dial)) != EXIT_GOOD)
		return c->nagios && rc == EXIT_CANNOT ? (int)WATCH_UNKNOWN : rc;
	if (!c->version_given)
		c->version = RTR_VERSION_MAX;
	if (c->timeout_sec == 0)
		c->timeout_sec = TIMEOUT_SEC;
	rtr_watch_address(&c->address, argv[0], c->dial.tls);
	buf_char(&c->address, '\0');
	rc = c->address.rc < 0 ? EXIT_CANNOT : check(c);
	(void)fflush(stdout);
	c->cache = watch_cache_free(c->cache);
	rtr_dial_done(&c->dial);
	(void)pool_free(c->pool);
	buf_done(&c->address);
	return rc;
}

const struct cmd cmd_rtr_check = {
	.area = "rtr", .verb = "check", .args = "HOST[:PORT]",
	.summary = N_("look at an RTR cache as monitoring does: version, serial, counts, timers"),
	.opts = opts, .opt = opt, .state_size = sizeof(struct check),
	.run = run,
};
