/* sekisho rtr whatif: what routers hold when a cache goes, and how long. */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "app/conf.h"
#include "app/watch_findings.h"
#include "app/watch_forget.h"
#include "base/err.h"
#include "base/json.h"
#include "base/timefmt.h"
#include "cmd/cmd.h"
#include "cmd/rtr_show.h"
#include "cmd/rtr_watch.h"
#include "out/table.h"
#include "sys/file.h"

#define ROUTERS_MAX	4096	/* as many as the daemon takes */
#define NAMED_MAX	256	/* --router, by hand */
#define VERSION_UNTOLD	255
#define FINDINGS_POOL	(512 * 1024)
#define SYNCED_MAX	172800
#define LIST_MAX	(4 * 1024 * 1024)	/* 4,000 routers of the page's list are 1 MB */

struct router {
	struct sv	 name;
	const struct watch_vendor *vendor;
	struct rtr_timers own;
	int64_t		 synced_sec;	/* -1: unknown */
	uint32_t	 n_caches;
	uint8_t		 version;	/* that it speaks; VERSION_UNTOLD: as the others */
	struct watch_forecast cast;
};

struct whatif {
	struct cmd_ctx	*ctx;
	bool		 cache_down, silent;
	uint32_t	 refresh, retry, expire, version;
	bool		 version_given;
	const char	*list;
	const char	*given[NAMED_MAX];	/* of --router */
	size_t		 n_given;
	const struct watch_vendor *software;	/* of the list */
	struct rtr_timers timers;
	struct router	*routers;	/* in the pool; ROUTERS_MAX */
	size_t		 n_routers;
	bool		 named;		/* somebody's routers, not a list of software */
	struct pool	*pool;
	struct findings	 findings;
};

#define POOL_MAX	(ROUTERS_MAX * sizeof(struct router) + LIST_MAX + FINDINGS_POOL)

static const struct cmd_opt opts[] = {
	{ "cache-down", 0, NULL, N_("a cache goes now (or --at TIME)") },
	{ "silent", 0, NULL, N_("… without a word: its machine or the path died, and TCP does not end") },
	{ "router", 0, "NAME:SOFTWARE[,KEY=N…]", N_("a router; keys: refresh, retry, expire (set on it), synced (seconds before), caches; may be repeated") },
	{ "routers", 0, "FILE", N_("the routers that are connected: JSON of the page, /api/v1/routers") },
	{ "software", 0, "SOFTWARE", N_("what those routers run (rfc8210); --router names exceptions by address") },
	{ "refresh", 0, "SECONDS", N_("what the cache tells routers (rtr.refresh of the configuration, or 3600)") },
	{ "retry", 0, "SECONDS", N_("… (rtr.retry, or 600)") },
	{ "expire", 0, "SECONDS", N_("… (rtr.expire, or 7200)") },
	{ "version", 0, "0|1|2", N_("the version that is spoken; 0 tells no timers (1)") },
	{ 0 },
};

/* RFC 8210 section 6 */
static const struct cmd_number numbers[] = {
	{ "refresh", offsetof(struct whatif, refresh), 1, 86400 },
	{ "retry", offsetof(struct whatif, retry), 1, 7200 },
	{ "expire", offsetof(struct whatif, expire), 600, 172800 },
	{ "version", offsetof(struct whatif, version), 0, RTR_VERSION_MAX },
};

/* --- routers --- */

static bool
router_key(struct router *r, struct sv key, struct sv value)
{
	struct {
		const char	*name;
		uint32_t	*to;
		uint32_t	 max;
	} keys[] = {
		{ "refresh", &r->own.refresh_sec, 86400 },
		{ "retry", &r->own.retry_sec, 86400 },
		{ "expire", &r->own.expire_sec, 604800 },
		{ "caches", &r->n_caches, 64 },
	};
	uint32_t v;

	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if (sv_eq_str(key, keys[i].name))
			return num_u32(value, 1, keys[i].max, keys[i].to) == 0;
	if (!sv_eq_str(key, "synced") || num_u32(value, 0, SYNCED_MAX, &v) < 0)
		return false;
	r->synced_sec = v;
	return true;
}

static int
routers_room(struct whatif *w)
{
	w->pool = pool_new(POOL_MAX);
	if (w->pool != NULL)
		w->routers = pool_calloc(w->pool, ROUTERS_MAX, sizeof(*w->routers));
	if (w->routers != NULL)
		return 0;
	cmd_err("%s", err_str(-ENOMEM));
	return EXIT_CANNOT;
}

/* "NAME:SOFTWARE,key=n,…"; a NAME may be an address with colons. */
static int
router_add(struct whatif *w, const char *arg)
{
	struct sv rest = sv_str(arg), who = sv_cut(&rest, ',');
	size_t colon = sv_rfind(who, ':');
	struct router *r = &w->routers[w->n_routers];

	*r = (struct router){ .synced_sec = -1, .n_caches = 1, .version = VERSION_UNTOLD };
	r->name = sv_take(who, colon);
	if (colon < who.n)
		r->vendor = watch_vendor_find(sv_skip(who, colon + 1));
	if (r->vendor == NULL || r->name.n == 0)
		return cmd_usage(w->ctx, tr(w->ctx->lang,
		    N_("--router %s is not NAME:SOFTWARE; known are rfc8210, bird, frr, openbgpd, ios-xr, junos, eos and sros")), arg);
	while (rest.n > 0) {
		struct sv value = sv_cut(&rest, ','), key = sv_cut(&value, '=');

		if (!router_key(r, key, value))
			return cmd_usage(w->ctx, tr(w->ctx->lang,
			    N_("--router %s: %.*s is no KEY=NUMBER; keys are refresh, retry, expire, synced and caches")),
			    arg, SV_ARG(key));
	}
	w->n_routers++;
	w->named = true;
	return 0;
}

static int
opt(struct cmd_ctx *ctx, void *state, const struct cmd_opt *o, const char *arg)
{
	struct whatif *w = state;

	w->ctx = ctx;
	if (strcmp(o->name, "cache-down") == 0)
		return !(w->cache_down = true);
	if (strcmp(o->name, "silent") == 0)
		return !(w->silent = true);
	if (strcmp(o->name, "routers") == 0)
		return (w->list = arg) == NULL;
	if (strcmp(o->name, "software") == 0) {
		w->software = watch_vendor_find(sv_str(arg));
		return w->software != NULL ? 0 : cmd_usage(ctx, tr(ctx->lang,
		    N_("--software %s is unknown; known are rfc8210, bird, frr, openbgpd, ios-xr, junos, eos and sros")), arg);
	}
	if (strcmp(o->name, "router") == 0 && w->n_given < NAMED_MAX) {
		w->given[w->n_given++] = arg;
		return 0;
	}
	w->version_given |= strcmp(o->name, "version") == 0;
	return cmd_number_opt(ctx, numbers, ARRAY_LEN(numbers), state, o, arg);
}

/* "192.0.2.1:40000", "[2001:db8::1]:40000": the host. */
static struct sv
host_of(struct sv s)
{
	struct sv h = sv_take(s, sv_rfind(s, ':'));

	if (h.n > 2 && h.p[0] == '[' && h.p[h.n - 1] == ']')
		h = sv_take(sv_skip(h, 1), h.n - 2);
	return h;
}

/* One that is connected; one that --router named has its row already. */
static void
router_met(struct whatif *w, const json_t *o)
{
	const char *address = json_string_value(json_object_get(o, "address"));
	const json_t *v = json_object_get(o, "version");
	struct router *r = NULL;
	struct sv host;

	if (address == NULL)
		return;
	host = pool_sv(w->pool, host_of(sv_str(address)));
	for (size_t i = 0; i < w->n_routers; i++)
		if (sv_eq(w->routers[i].name, host))
			r = &w->routers[i];
	if (r == NULL && w->n_routers < ROUTERS_MAX && host.p != NULL) {
		r = &w->routers[w->n_routers++];
		*r = (struct router){ .name = host, .vendor = w->software,
		    .synced_sec = -1, .n_caches = 1, .version = VERSION_UNTOLD };
	}
	if (r != NULL && json_is_integer(v) && json_integer_value(v) >= 0 &&
	    json_integer_value(v) <= RTR_VERSION_MAX)
		r->version = (uint8_t)json_integer_value(v);
}

static int
routers_list(struct whatif *w)
{
	const json_t *list, *row;
	struct sv text;
	json_t *doc;
	size_t i;
	int rc = file_read(w->pool, FILE_CWD, w->list, LIST_MAX, &text);

	if (rc < 0) {
		cmd_err("%s: %s", w->list, err_str(rc));
		return EXIT_CANNOT;
	}
	doc = json_loadb(text.p, text.n, 0, NULL);
	list = json_object_get(doc, "routers");
	if (!json_is_array(list)) {
		json_decref(doc);
		cmd_err(tr(w->ctx->lang,
		    N_("%s: it has no list \"routers\"; give what the page answers to /api/v1/routers")), w->list);
		return EXIT_CANNOT;
	}
	json_array_foreach(list, i, row)
		router_met(w, row);
	json_decref(doc);
	w->named = true;
	return EXIT_GOOD;
}

/* Nobody named a router: all software that we know. */
static void
routers_all(struct whatif *w)
{
	size_t n;
	const struct watch_vendor *v = watch_vendors(&n);

	for (size_t i = 0; i < n; i++)
		w->routers[w->n_routers++] = (struct router){
			.name = sv_str(v[i].title), .vendor = &v[i],
			.synced_sec = -1, .n_caches = 1, .version = VERSION_UNTOLD };
}

/* --- timers of the cache: options, else the configuration, else the RFC's --- */

static int
timers_take(struct whatif *w)
{
	struct conf_error err = { 0 };
	struct conf *c = NULL;

	w->timers = RTR_TIMERS_DEFAULT;
	if (w->ctx->conf != NULL) {
		int rc = app_conf_load(w->ctx->conf, w->ctx->state, &c, &err);

		if (rc < 0) {
			cmd_err(tr(w->ctx->lang, N_("%s: it cannot be used; see sekisho conf check")),
			    w->ctx->conf);
			return EXIT_CANNOT;
		}
		w->timers = (struct rtr_timers){ app_conf_u32(c, CONF_RTR_REFRESH),
		    app_conf_u32(c, CONF_RTR_RETRY), app_conf_u32(c, CONF_RTR_EXPIRE) };
		(void)conf_free(c);
	}
	if (w->refresh > 0)
		w->timers.refresh_sec = w->refresh;
	if (w->retry > 0)
		w->timers.retry_sec = w->retry;
	if (w->expire > 0)
		w->timers.expire_sec = w->expire;
	if (rtr_timers_ok(&w->timers))
		return EXIT_GOOD;
	return cmd_usage(w->ctx, "%s", tr(w->ctx->lang,
	    N_("--expire must be larger than --refresh and --retry")));
}

/* --- judging --- */

static uint8_t
router_version(const struct whatif *w, const struct router *r)
{
	return r->version != VERSION_UNTOLD ? r->version : (uint8_t)w->version;
}

static void
cast(struct whatif *w, struct router *r)
{
	const struct watch_outage o = {
		.timers = w->timers, .version = router_version(w, r), .own = r->own,
		.silent = w->silent, .synced_sec = r->synced_sec,
	};

	watch_forget(r->vendor, &o, &r->cast);
	if (!w->named || r->n_caches > 1)
		return;
	finding_add(&w->findings, &watch_findings[WATCH_UNPROTECTED], FA_SV("router", r->name),
	    FA_U("seconds", r->cast.forget_last));
	if (r->cast.forget_last + w->timers.refresh_sec < w->timers.expire_sec)
		finding_add(&w->findings, &watch_findings[WATCH_FORGETS_EARLY],
		    FA_SV("router", r->name), FA_U("expire", w->timers.expire_sec),
		    FA_U("seconds", r->cast.forget_last));
}

/* --- output --- */

static void
span_json(struct json *j, const struct whatif *w, const char *key, int64_t first, int64_t last)
{
	char at[TIME_STRLEN];

	json_key(j, key);
	json_open(j, '{');
	json_kv_i64(j, "first", first);
	json_kv_i64(j, "last", last);
	json_kv_str(j, "first_time", time_str(w->ctx->now + first, at));
	json_kv_str(j, "last_time", time_str(w->ctx->now + last, at));
	json_close(j, '}');
}

static void
timers_json(struct json *j, const struct rtr_timers *t)
{
	json_key(j, "timers");
	json_open(j, '{');
	json_kv_u64(j, "refresh", t->refresh_sec);
	json_kv_u64(j, "retry", t->retry_sec);
	json_kv_u64(j, "expire", t->expire_sec);
	json_close(j, '}');
}

static void
router_json(struct json *j, const struct whatif *w, const struct router *r)
{
	json_open(j, '{');
	json_kv_sv(j, "router", r->name);
	json_kv_str(j, "software", r->vendor->name);
	json_kv_u64(j, "version", router_version(w, r));
	json_kv_u64(j, "caches", r->n_caches);
	json_kv_str(j, "counts_from", r->vendor->from == WATCH_FROM_DATA ?
	    "end-of-data" : "end-of-session");
	json_kv_bool(j, "takes_timers_of_cache", r->vendor->takes_timers &&
	    router_version(w, r) > 0);
	timers_json(j, &r->cast.timers);
	span_json(j, w, "asks_again", r->cast.ask_first, r->cast.ask_last);
	/* Another cache's data stay: then it does not forget. */
	if (r->n_caches > 1) {
		json_key(j, "forgets");
		json_nil(j);
	} else
		span_json(j, w, "forgets", r->cast.forget_first, r->cast.forget_last);
	json_kv_str(j, "then", r->n_caches > 1 ? "data of the other cache" : "not-found");
	json_kv_bool(j, "seen", r->vendor->tried);
	json_kv_str(j, "source", r->vendor->source);
	json_close(j, '}');
}

static void
show_json(const struct whatif *w)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	struct json j = json_on(&b, false);
	char at[TIME_STRLEN];

	json_open(&j, '{');
	json_kv_str(&j, "event", "cache-down");
	json_kv_bool(&j, "silent", w->silent);
	json_kv_str(&j, "at", time_str(w->ctx->now, at));
	json_kv_u64(&j, "version", w->version);
	timers_json(&j, &w->timers);
	json_key(&j, "routers");
	json_open(&j, '[');
	for (size_t i = 0; i < w->n_routers; i++)
		router_json(&j, w, &w->routers[i]);
	json_close(&j, ']');
	rtr_watch_findings_json(&j, &w->findings, w->ctx->lang);
	json_close(&j, '}');
	if (b.rc == 0)
		printf("%.*s\n", SV_ARG(buf_get(&b)));
}

static void
span_cell(struct buf *b, int64_t first, int64_t last, unsigned width)
{
	char text[64];

	if (first == last)
		(void)snprintf(text, sizeof(text), "%lld", (long long)first);
	else
		(void)snprintf(text, sizeof(text), "%lld..%lld", (long long)first, (long long)last);
	table_cell(b, text, width, false);
}

static void
router_row(struct buf *b, const struct whatif *w, const struct router *r)
{
	char name[64], at[TIME_STRLEN];

	(void)snprintf(name, sizeof(name), "%.*s", SV_ARG(r->name));
	table_cell(b, name, 22, false);
	table_cell(b, r->vendor->name, 10, false);
	span_cell(b, r->cast.ask_first, r->cast.ask_last, 12);
	if (r->n_caches > 1) {
		table_cell(b, "-", 16, false);
		buf_str(b, tr(w->ctx->lang, N_("keeps what the other cache says")));
	} else {
		span_cell(b, r->cast.forget_first, r->cast.forget_last, 16);
		buf_str(b, time_str(w->ctx->now + r->cast.forget_last, at));
	}
	buf_char(b, '\n');
}

static void
show_text(const struct whatif *w)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	enum lang lang = w->ctx->lang;
	char at[TIME_STRLEN];

	printf(tr(lang, N_("A cache goes at %s. It told routers: refresh %u s, retry %u s, expire %u s.\n")),
	    time_str(w->ctx->now, at), w->timers.refresh_sec, w->timers.retry_sec,
	    w->timers.expire_sec);
	table_cell(&b, tr(lang, N_("router")), 22, false);
	table_cell(&b, tr(lang, N_("software")), 10, false);
	table_cell(&b, tr(lang, N_("asks again")), 12, false);
	table_cell(&b, tr(lang, N_("forgets (s)")), 16, false);
	buf_str(&b, tr(lang, N_("at the latest")));
	buf_char(&b, '\n');
	for (size_t i = 0; i < w->n_routers; i++)
		router_row(&b, w, &w->routers[i]);
	if (b.rc == 0)
		printf("%.*s", SV_ARG(buf_get(&b)));
	printf("%s", tr(lang, N_("Until then valid stays valid and invalid stays invalid, by data that grow old.\n"
	    "After that every route is not-found: it is accepted, also what was invalid. No route is lost, but protection is.\n"
	    "A router with a second cache keeps what that one says, and forgets nothing.\n")));
}

static int
run(struct cmd_ctx *ctx, void *state, int argc, char **argv UNUSED)
{
	struct whatif *w = state;
	unsigned shown = 0;
	int rc;

	w->ctx = ctx;
	if (argc > 0)
		return cmd_usage(ctx, "%s", tr(ctx->lang, N_("rtr whatif takes options only")));
	if (!w->cache_down)
		return cmd_usage(ctx, "%s", tr(ctx->lang, N_("say what happens: --cache-down")));
	if (!w->version_given)
		w->version = 1;
	if (w->software == NULL)
		w->software = watch_vendor_find(SV("rfc8210"));
	if ((rc = timers_take(w)) == EXIT_GOOD)
		rc = routers_room(w);
	for (size_t i = 0; i < w->n_given && rc == EXIT_GOOD; i++)
		rc = router_add(w, w->given[i]);
	if (rc == EXIT_GOOD && w->list != NULL)
		rc = routers_list(w);
	if (rc != EXIT_GOOD) {
		w->pool = pool_free(w->pool);
		return rc;
	}
	findings_init(&w->findings, w->pool);
	if (!w->named)
		routers_all(w);
	for (size_t i = 0; i < w->n_routers; i++)
		cast(w, &w->routers[i]);
	if (ctx->json)
		show_json(w);
	else
		show_text(w);
	(void)fflush(stdout);
	if (!ctx->json)
		rtr_findings_show(ctx, &w->findings, &shown);
	w->pool = pool_free(w->pool);
	return EXIT_GOOD;
}

const struct cmd cmd_rtr_whatif = {
	.area = "rtr", .verb = "whatif", .args = "--cache-down",
	.summary = N_("what each router holds after a cache has gone, and when it forgets"),
	.opts = opts, .opt = opt, .state_size = sizeof(struct whatif),
	.run = run,
};
