/* sekisho zone verify: a full audit of a signed zone. */
#include <stdio.h>
#include <string.h>

#include "app/zone_jobs.h"
#include "base/err.h"
#include "base/timefmt.h"
#include "cmd/zone.h"
#include "cmd/zone_proof.h"
#include "out/escape.h"
#include "sys/file.h"

#define HORIZON_DEFAULT	(3 * 86400)	/* seconds: a weekend */

struct work {
	struct zone_args	 args;
	uint32_t		 horizon;
	bool			 horizon_given;
};

static const struct cmd_opt opts[] = {
	ZONE_FILE_OPTS,
	ZONE_ANCHOR_OPTS,
	{ "horizon", 0, "TIME", N_("tell of signatures that end within this time (3d)") },
	{ "nagios", 0, NULL, N_("one line and 0, 1, 2 or 3 for a monitoring system") },
	{ 0 },
};

static int
opt(struct cmd_ctx *ctx, void *state, const struct cmd_opt *o, const char *arg)
{
	struct work *w = state;

	if (strcmp(o->name, "horizon") == 0) {
		w->horizon_given = true;
		if (ttl_parse(sv_str(arg), &w->horizon) < 0)
			return cmd_usage(ctx, tr(ctx->lang, N_("--horizon %s is no time; say seconds, or 3d, 12h")), arg);
		return 0;
	}
	return zone_args_opt(ctx, &w->args, o, arg);
}

/* --- text --- */

static void
counts_print(const struct cmd_ctx *ctx, const struct audit_result *r, struct buf *b)
{
	static const char *const denials[] = { N_("no denial of existence"), "NSEC", "NSEC3" };
	const struct audit_counts *c = &r->counts;

	buf_printf(b, tr(ctx->lang,
	    N_("  %llu names, %llu delegations (%llu of them secure), %s; %llu signatures verified\n")),
	    (unsigned long long)c->n_names, (unsigned long long)c->n_delegations,
	    (unsigned long long)c->n_secure, tr(ctx->lang, denials[r->denial]),
	    (unsigned long long)c->n_sigs);
	if (c->n_optout > 0)
		buf_printf(b, tr(ctx->lang, N_("  opt-out: %llu delegations stand in no NSEC3 record\n")),
		    (unsigned long long)c->n_optout);
}

static void
keys_print(const struct cmd_ctx *ctx, const struct audit_result *r, struct buf *b)
{
	for (size_t i = 0; i < r->n_keys; i++) {
		const struct audit_key_use *k = &r->keys[i];
		const struct dnssec_alg *alg = dnssec_alg_find(k->alg);

		buf_printf(b, tr(ctx->lang, N_("  key %5u  %s %u bits, flags %u: %llu signatures%s%s\n")),
		    k->tag, alg == NULL ? "?" : alg->name, k->bits, k->flags,
		    (unsigned long long)k->n_sigs,
		    k->signs_dnskey ? tr(ctx->lang, N_(", signs the keys")) : "",
		    k->anchored ? tr(ctx->lang, N_(", the parent points to it")) : "");
	}
}

static void
expiry_print(const struct cmd_ctx *ctx, const struct audit_result *r, struct buf *b)
{
	char name[DNAME_STRLEN], type[RRTYPE_STRLEN], when[TIME_STRLEN];
	int64_t left = r->first_expiry - r->now;

	if (r->first_expiry == INT64_MAX)
		return;
	buf_printf(b, tr(ctx->lang,
	    N_("  first signature to end: %s, in %lld days and %lld hours (%s %s)\n")),
	    time_str(r->first_expiry, when), (long long)(left / 86400),
	    (long long)(left % 86400 / 3600), dname_str(&r->first_name, name),
	    rrtype_str(r->first_type, type));
}

static const char *
verdict(const struct cmd_ctx *ctx, const struct audit_result *r)
{
	switch (r->state) {
	case AUDIT_GOOD:
		return tr(ctx->lang, N_("secure"));
	case AUDIT_UNSIGNED:
		return tr(ctx->lang, N_("not signed"));
	default:
		return tr(ctx->lang, N_("BAD: validators would reject what is named below"));
	}
}

static void
text_print(const struct cmd_ctx *ctx, const struct work *w, const struct audit_result *r,
    struct buf *b)
{
	char name[DNAME_STRLEN], when[TIME_STRLEN];

	escape_term(b, sv_str(dname_str(&r->apex, name)));
	buf_printf(b, tr(ctx->lang, N_(" at %s: %s\n")), time_str(r->now, when), verdict(ctx, r));
	if (!ctx->quiet) {
		counts_print(ctx, r, b);
		keys_print(ctx, r, b);
		expiry_print(ctx, r, b);
		if (w->args.n_anchors == 0 && r->state != AUDIT_UNSIGNED)
			buf_str(b, tr(ctx->lang, N_("  whether the parent's DS matches was not looked at; give --ds or --anchor\n")));
	}
	zone_findings_print(ctx, &w->args.fs, b);
}

/* --- JSON --- */

static void
keys_json(struct json *j, const struct audit_result *r)
{
	json_key(j, "keys");
	json_open(j, '[');
	for (size_t i = 0; i < r->n_keys; i++) {
		const struct audit_key_use *k = &r->keys[i];

		json_open(j, '{');
		json_kv_u64(j, "tag", k->tag);
		json_kv_u64(j, "algorithm", k->alg);
		json_kv_u64(j, "flags", k->flags);
		json_kv_u64(j, "bits", k->bits);
		json_kv_u64(j, "signatures", k->n_sigs);
		json_kv_bool(j, "signs_dnskey", k->signs_dnskey);
		json_kv_bool(j, "anchored", k->anchored);
		json_close(j, '}');
	}
	json_close(j, ']');
}

static void
groups_json(struct json *j, const struct audit_result *r)
{
	char name[DNAME_STRLEN], type[RRTYPE_STRLEN];

	json_key(j, "groups");
	json_open(j, '[');
	for (size_t i = 0; i < r->n_groups; i++) {
		const struct audit_group *g = &r->groups[i];

		json_open(j, '{');
		json_kv_str(j, "code", audit_rows[g->code].code);
		json_kv_str(j, "severity", severity_name(audit_rows[g->code].severity));
		json_kv_u64(j, "count", g->n);
		if (g->has_type)
			json_kv_str(j, "type", rrtype_str(g->type, type));
		if (g->has_key)
			json_kv_u64(j, "tag", g->tag);
		if (g->has_key || g->has_alg)
			json_kv_u64(j, "algorithm", g->alg);
		json_key(j, "names");
		json_open(j, '[');
		for (unsigned k = 0; k < g->n_examples; k++)
			json_str(j, dname_str(&g->example[k].name, name));
		json_close(j, ']');
		json_close(j, '}');
	}
	json_close(j, ']');
}

static void
json_print(const struct cmd_ctx *ctx, const struct work *w, const struct audit_result *r,
    struct buf *b)
{
	static const char *const denials[] = { "none", "nsec", "nsec3" };
	struct json j = json_on(b, true);
	char name[DNAME_STRLEN];

	json_open(&j, '{');
	json_kv_str(&j, "zone", dname_str(&r->apex, name));
	json_kv_i64(&j, "at", r->now);
	json_kv_str(&j, "state", audit_state_str(r->state));
	json_kv_str(&j, "denial", denials[r->denial]);
	json_kv_u64(&j, "names", r->counts.n_names);
	json_kv_u64(&j, "delegations", r->counts.n_delegations);
	json_kv_u64(&j, "secure_delegations", r->counts.n_secure);
	json_kv_u64(&j, "glue_names", r->counts.n_glue);
	json_kv_u64(&j, "opted_out", r->counts.n_optout);
	json_kv_u64(&j, "signatures", r->counts.n_sigs);
	json_kv_end(&j, "first_expiry", r->first_expiry);
	keys_json(&j, r);
	groups_json(&j, r);
	zone_findings_json(ctx, &w->args.fs, &j);
	json_close(&j, '}');
	buf_char(b, '\n');
}

/* --- monitoring --- */

static const char *
state_word(const struct cmd_ctx *ctx, enum audit_state s)
{
	return tr(ctx->lang, s == AUDIT_GOOD ? N_("secure") : s == AUDIT_UNSIGNED ? N_("not signed") :
	    N_("validators would reject it"));
}

static int
nagios_print(const struct cmd_ctx *ctx, const struct work *w, const struct audit_result *r,
    struct buf *b)
{
	static const char *const words[] = { "OK", "WARNING", "CRITICAL" };
	const struct findings *fs = &w->args.fs;
	long long left = r->first_expiry == INT64_MAX ? 0 : (long long)(r->first_expiry - r->now);
	int rc = findings_reject(fs) || r->state != AUDIT_GOOD ? 2 :
	    fs->n_by_severity[SEV_WARN] > 0 ? 1 : 0;

	buf_printf(b, "ZONE %s - ", words[rc]);
	buf_printf(b, tr(ctx->lang, N_("%s; rejections: %llu, warnings: %llu")),
	    state_word(ctx, r->state), (unsigned long long)fs->n_by_severity[SEV_REJECT],
	    (unsigned long long)fs->n_by_severity[SEV_WARN]);
	if (r->first_expiry != INT64_MAX) {
		_cleanup_(buf_done) struct buf span = BUF_INIT;

		zone_left_print(ctx, left < 0 ? -left : left, &span);
		buf_printf(b, tr(ctx->lang, left < 0 ? N_("; the first signature ended %.*s ago") :
		    N_("; the first signature ends in %.*s")), SV_ARG(buf_get(&span)));
	}
	buf_printf(b, " | rejected=%llu warned=%llu left=%llds signatures=%llu\n",
	    (unsigned long long)fs->n_by_severity[SEV_REJECT],
	    (unsigned long long)fs->n_by_severity[SEV_WARN], left,
	    (unsigned long long)r->counts.n_sigs);
	return rc;
}

static int
report(const struct cmd_ctx *ctx, const struct work *w, const struct audit_result *r)
{
	int fd = 1, rc = findings_reject(&w->args.fs) || r->state != AUDIT_GOOD ?
	    EXIT_REJECTED : EXIT_GOOD;
	struct buf b = BUF_SINK(fd_write_all, &fd);

	if (w->args.nagios)
		rc = nagios_print(ctx, w, r, &b);
	else if (ctx->json)
		json_print(ctx, w, r, &b);
	else
		text_print(ctx, w, r, &b);
	if (buf_flush(&b) < 0)
		rc = EXIT_CANNOT;
	buf_done(&b);
	return rc;
}

/* A text with faults and without a SOA record is no zone: what else it lacks tells nothing. */
static bool
is_no_zone(const struct cmd_ctx *ctx, const struct work *w, const struct zone *z)
{
	uint32_t serial;

	return !ctx->json && !w->args.nagios && findings_reject(&w->args.fs) && !zone_serial(z, &serial);
}

static int
faults_show(const struct cmd_ctx *ctx, const struct work *w)
{
	int fd = 1, rc = EXIT_REJECTED;
	struct buf b = BUF_SINK(fd_write_all, &fd);

	escape_term(&b, w->args.fs.subject);
	buf_printf(&b, ": %s\n", tr(ctx->lang, N_("this is no zone; nothing was verified")));
	zone_findings_print(ctx, &w->args.fs, &b);
	if (buf_flush(&b) < 0)
		rc = EXIT_CANNOT;
	buf_done(&b);
	return rc;
}

static int
verify(const struct cmd_ctx *ctx, struct work *w, struct zone *z)
{
	const struct audit_opts o = { .now = ctx->now, .anchors = w->args.anchor,
		.n_anchors = w->args.n_anchors,
		.horizon_sec = w->horizon_given ? w->horizon : HORIZON_DEFAULT };
	_cleanup_(audit_result_freep) struct audit_result *r = NULL;
	int rc = zone_jobs_audit(NULL, NULL, z, &o, w->args.jobs, &r);

	if (rc < 0) {
		cmd_err(tr(ctx->lang, N_("the zone could not be verified: %s")), err_str(rc));
		return EXIT_CANNOT;
	}
	audit_findings(r, &w->args.fs);
	return report(ctx, w, r);
}

static int
run(struct cmd_ctx *ctx, void *state, int argc, char **argv)
{
	_cleanup_(zone_unrefp) struct zone *z = NULL;
	struct work *w = state;
	int rc = zone_args_read(ctx, &w->args, argc, argv, &z);

	if (rc == 0)
		rc = is_no_zone(ctx, w, z) ? faults_show(ctx, w) : verify(ctx, w, z);
	else if (w->args.nagios) {
		printf("ZONE UNKNOWN - %s\n", tr(ctx->lang, N_("the zone could not be read")));
		rc = 3;
	}
	return rc;
}

extern const struct cmd cmd_zone_verify;
const struct cmd cmd_zone_verify = {
	.area = "zone", .verb = "verify", .args = "ZONEFILE",
	.summary = N_("verify a signed zone: every signature, the chain of denial, the keys"),
	.opts = opts, .opt = opt, .state_size = sizeof(struct work),
	.run = run, .verifies = true, .done = zone_state_done,
};
