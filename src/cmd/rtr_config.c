/* sekisho rtr config: what makes a router use validated payloads. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "app/conf.h"
#include "app/kit.h"
#include "base/err.h"
#include "base/json.h"
#include "cmd/cmd.h"
#include "out/escape.h"
#include "sys/file.h"

struct work {
	struct cmd_ctx	*ctx;
	struct kit_want	 want;
	bool		 has_policy, has_asn;
};

static const struct cmd_opt opts[] = {
	{ "vendor", 0, "NAME", N_("ios-xr, junos, eos, sros, sros-md, frr, bird or openbgpd") },
	{ "cache", 0, "ADDRESS[:PORT]", N_("a cache (port 8282; with ssh 22); give two, on machines that do not fail together") },
	{ "policy", 0, "observe|prefer|drop", N_("what happens to invalid routes (drop)") },
	{ "transport", 0, "tcp|ssh", N_("how the router reaches the caches (tcp)") },
	{ "asn", 0, "ASN", N_("the router's AS number (the first of organisation.asns)") },
	{ "peer", 0, "ADDRESS=ASN", N_("an external session; may be repeated") },
	{ "router-id", 0, "ADDRESS", N_("the router's id, if the configuration shall say it") },
	{ "ssh-user", 0, "NAME", N_("with ssh: the user at the cache (rpki)") },
	{ "ssh-key", 0, "FILE", N_("with ssh: the router's private key, a path on the router") },
	{ "ssh-host-key", 0, "FILE", N_("with ssh: the cache's public key, a path on the router") },
	{ 0 },
};

/* A usage error about a word of the command line, whatever is in it. */
static int
bad(const struct cmd_ctx *ctx, const char *msgid, const char *arg)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;

	escape_term(&b, sv_str(arg));
	buf_char(&b, '\0');
	return cmd_usage(ctx, tr(ctx->lang, msgid), b.rc == 0 ? b.p : "");
}

static int
cache_add(struct work *w, const char *arg)
{
	struct kit_want *k = &w->want;
	struct kit_host h;

	if (k->n_caches == KIT_CACHES_MAX || kit_host_parse(sv_str(arg), &h) < 0)
		return bad(w->ctx, N_("--cache %s is no address with or without a port, or there are too many"),
		    arg);
	for (size_t i = 0; i < k->n_caches; i++)
		if (strcmp(k->caches[i].addr, h.addr) == 0)
			return bad(w->ctx, N_("--cache %s is given twice; a second cache is another machine"),
		    arg);
	k->caches[k->n_caches++] = h;
	return 0;
}

static int
peer_add(struct work *w, const char *arg)
{
	struct kit_want *k = &w->want;
	struct sv rest = sv_str(arg), addr = sv_cut(&rest, '=');
	struct kit_host h;

	if (k->n_peers == KIT_PEERS_MAX || kit_host_parse(addr, &h) < 0 || h.port != 0 ||
	    asn_parse(rest, &h.asn) < 0 || h.asn == 0)
		return bad(w->ctx, N_("--peer %s is not ADDRESS=ASN, or there are too many"),
		    arg);
	k->peers[k->n_peers++] = h;
	return 0;
}

static int
word_set(struct work *w, const struct cmd_opt *o, const char *arg)
{
	const char **to = &w->want.ssh_user;

	if (!kit_word_ok(arg))
		return cmd_usage(w->ctx, tr(w->ctx->lang,
		    N_("--%s: only letters, digits and . _ / + - can stand in a router's configuration")),
		    o->name);
	if (strcmp(o->name, "ssh-key") == 0)
		to = &w->want.ssh_key;
	else if (strcmp(o->name, "ssh-host-key") == 0)
		to = &w->want.ssh_host_key;
	*to = arg;
	return 0;
}

static int
router_id_set(struct work *w, const char *arg)
{
	struct kit_host h;

	if (kit_host_parse(sv_str(arg), &h) < 0 || h.af != IP_V4 || h.port != 0)
		return bad(w->ctx, N_("--router-id %s is no IPv4 address"),
		    arg);
	w->want.router_id = arg;
	return 0;
}

static int
vendor_set(struct work *w, const char *arg)
{
	w->want.vendor = kit_vendor_find(sv_str(arg));
	if (w->want.vendor != NULL)
		return 0;
	return bad(w->ctx, N_("--vendor %s is unknown; known are ios-xr, junos, eos, sros, sros-md, frr, bird and openbgpd"),
		    arg);
}

static int
opt(struct cmd_ctx *ctx, void *state, const struct cmd_opt *o, const char *arg)
{
	struct work *w = state;

	w->ctx = ctx;
	if (strcmp(o->name, "vendor") == 0)
		return vendor_set(w, arg);
	if (strcmp(o->name, "cache") == 0)
		return cache_add(w, arg);
	if (strcmp(o->name, "peer") == 0)
		return peer_add(w, arg);
	if (strcmp(o->name, "router-id") == 0)
		return router_id_set(w, arg);
	if (strcmp(o->name, "policy") == 0) {
		w->has_policy = true;
		if (!kit_policy_parse(sv_str(arg), &w->want.policy))
			return bad(ctx, N_("--policy %s is not observe, prefer or drop"),
		    arg);
		return 0;
	}
	if (strcmp(o->name, "transport") == 0) {
		w->want.transport = strcmp(arg, "ssh") == 0 ? KIT_SSH : KIT_TCP;
		if (strcmp(arg, "ssh") != 0 && strcmp(arg, "tcp") != 0)
			return bad(ctx, N_("--transport %s is not tcp or ssh"),
		    arg);
		return 0;
	}
	if (strcmp(o->name, "asn") == 0) {
		w->has_asn = true;
		if (asn_parse(sv_str(arg), &w->want.asn) < 0 || w->want.asn == 0)
			return bad(ctx, N_("--asn %s is no AS number"),
		    arg);
		return 0;
	}
	return word_set(w, o, arg);
}

/* Timers and our AS number; without any file, the defaults. */
static int
conf_read(struct work *w)
{
	struct conf_error e = { 0 };
	struct conf *c = NULL;
	int rc = app_conf_load(w->ctx->conf, w->ctx->state, &c, &e);

	if (rc < 0 && w->ctx->conf == NULL && e.code == CONF_E_FILE)
		rc = app_conf_parse(SV(""), "", &c, &e);
	if (rc < 0) {
		_cleanup_(buf_done) struct buf b = BUF_INIT;

		conf_error_text(&e, w->ctx->lang, &b);
		cmd_err("%.*s", SV_ARG(buf_get(&b)));
		return EXIT_CANNOT;
	}
	w->want.sec[KIT_REFRESH] = app_conf_u32(c, CONF_RTR_REFRESH);
	w->want.sec[KIT_RETRY] = app_conf_u32(c, CONF_RTR_RETRY);
	w->want.sec[KIT_EXPIRE] = app_conf_u32(c, CONF_RTR_EXPIRE);
	if (!w->has_asn && c->values[CONF_ORG_ASNS].n > 0) {
		w->want.asn = c->values[CONF_ORG_ASNS].items[0].u;
		w->has_asn = true;
	}
	(void)conf_free(c);
	return 0;
}

/* 0, or EXIT_USAGE: what the options lack together. */
static int
want_check(struct work *w)
{
	struct cmd_ctx *ctx = w->ctx;
	const struct kit_want *k = &w->want;

	if (k->vendor == NULL)
		return cmd_usage(ctx, "%s", tr(ctx->lang, N_("say the router's --vendor")));
	if (k->n_caches == 0)
		return cmd_usage(ctx, "%s", tr(ctx->lang, N_("name the caches: --cache ADDRESS, twice")));
	if (!w->has_asn)
		return cmd_usage(ctx, "%s", tr(ctx->lang,
		    N_("say the router's --asn, or write organisation.asns into the configuration")));
	if (!kit_vendor_has(k->vendor, k->transport))
		return cmd_usage(ctx, tr(ctx->lang, N_("%s reaches caches by tcp only")),
		    kit_vendor_name(k->vendor));
	for (size_t i = 0; i < k->n_peers; i++)
		if (k->peers[i].asn == k->asn)
			return cmd_usage(ctx, tr(ctx->lang,
			    N_("--peer %s has our own AS number: the policy is for external sessions only")),
			    k->peers[i].addr);
	return 0;
}

static void
json_print(const struct work *w, struct buf *b)
{
	struct json j = json_on(b, true);

	json_open(&j, '{');
	json_kv_str(&j, "vendor", kit_vendor_name(w->want.vendor));
	json_kv_str(&j, "policy", kit_policy_name(w->want.policy));
	json_kv_str(&j, "transport", w->want.transport == KIT_SSH ? "ssh" : "tcp");
	json_kv_u64(&j, "asn", w->want.asn);
	json_kv_bool(&j, "loaded_in_tests", kit_vendor_is_tested(w->want.vendor));
	json_key(&j, "caches");
	json_open(&j, '[');
	for (size_t i = 0; i < w->want.n_caches; i++)
		json_str(&j, w->want.caches[i].addr);
	json_close(&j, ']');
	kit_json(&j, &w->want);
	json_close(&j, '}');
	buf_char(b, '\n');
}

/* Comments of some vendors are ASCII: the reader's language goes to stderr. */
static int
explain_aside(const struct work *w)
{
	int fd = 2, rc;
	struct buf b = BUF_SINK(fd_write_all, &fd);

	buf_printf(&b, "%s\n", tr(w->ctx->lang,
	    N_("Comments for this vendor are in English, because only ASCII is safe there; this is what they say:")));
	kit_explain(&b, &w->want);
	rc = buf_flush(&b);
	buf_done(&b);
	return rc;
}

static int
run(struct cmd_ctx *ctx, void *state, int argc, char **argv)
{
	struct work *w = state;
	int fd = 1, rc;
	struct buf b = BUF_SINK(fd_write_all, &fd);

	w->ctx = ctx;
	if (argc > 0)
		return bad(ctx, N_("%s is too much"),
		    argv[0]);
	if (!w->has_policy)
		w->want.policy = KIT_DROP;
	w->want.lang = ctx->lang;
	if ((rc = conf_read(w)) != 0 || (rc = want_check(w)) != 0)
		return rc;
	if (ctx->json)
		json_print(w, &b);
	else
		kit_config(&b, &w->want);
	rc = buf_flush(&b);
	buf_done(&b);
	if (rc == 0 && !ctx->json && !ctx->quiet && ctx->lang != LANG_EN &&
	    kit_vendor_is_ascii(w->want.vendor))
		rc = explain_aside(w);
	if (rc < 0) {
		cmd_err("%s", err_str(rc));
		return EXIT_CANNOT;
	}
	if (w->want.n_caches < 2 && !ctx->quiet)
		cmd_err("%s", tr(ctx->lang,
		    N_("only one cache: while it is away, the router soon knows nothing; name a second with --cache")));
	return EXIT_GOOD;
}

extern const struct cmd cmd_rtr_config;
const struct cmd cmd_rtr_config = {
	.area = "rtr", .verb = "config", .args = "",
	.summary = N_("print a router's configuration for origin validation"),
	.opts = opts, .opt = opt, .state_size = sizeof(struct work),
	.run = run,
};
