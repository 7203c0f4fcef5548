/* sekisho zone sign: an unsigned zone file in, a verified signed one out. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/keyring_hsm.h"
#include "app/zone_file.h"
#include "app/zone_jobs.h"
#include "app/zone_keys.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/timefmt.h"
#include "cmd/zone.h"
#include "out/escape.h"
#include "sys/file.h"
#include "sys/tree.h"

#define PATH_LEN_MAX	4096
#define RSA_BITS	2048

struct work {
	struct zone_args	 args;
	const char		*keys, *output;
	struct hsm_opts		 hsm;		/* .module NULL: no token */
	const struct dnssec_alg	*generate;
	bool			 csk, no_verify, afresh, cds, cds_delete, policy_ready;
	struct sign_policy	 policy;
	/* What came of it. */
	struct sign_stats	 stats;
	int64_t			 horizon;
	bool			 verified;
};

static const struct cmd_opt opts[] = {
	ZONE_FILE_OPTS,
	ZONE_ANCHOR_OPTS,
	{ "output", 'o', "FILE", N_("where the signed zone goes (ZONEFILE.signed); - is standard output") },
	{ "keys", 'K', "DIR", N_("the folder with the zone's keys (.)") },
	{ "generate", 0, "ALGORITHM", N_("make the keys that are missing: ECDSAP256SHA256, ED25519 …") },
	{ "pkcs11", 0, "MODULE", N_("the PKCS#11 module (absolute path) for keys that are in a token") },
	{ "token", 0, "URI", N_("the token for --generate (pkcs11:token=…); else the one that the keys name") },
	{ "pin-file", 0, "FILE", N_("the token's PIN, one line that only its owner can read") },
	{ "csk", 0, NULL, N_("with --generate: one key for everything, not two") },
	{ "nsec3", '3', NULL, N_("deny with NSEC3 (no iterations, no salt: RFC 9276) and not with NSEC") },
	{ "opt-out", 0, NULL, N_("with NSEC3, leave insecure delegations out (RFC 5155 section 6)") },
	{ "salt", 0, "HEX", N_("a salt for NSEC3; it protects nothing") },
	{ "iterations", 0, "N", N_("extra NSEC3 iterations; validators may refuse more than 0") },
	{ "validity", 0, "TIME", N_("how long signatures live (14d)") },
	{ "refresh", 0, "TIME", N_("made anew so long before their end (7d)") },
	{ "inception", 0, "TIME", N_("they begin so long before now (1h)") },
	{ "jitter", 0, "TIME", N_("lives are shortened by up to this, so that they do not end together (1d)") },
	{ "dnskey-ttl", 0, "TIME", N_("the TTL of DNSKEY, CDS and CDNSKEY (1h)") },
	{ "serial", 0, "POLICY", N_("keep, increment, unixtime or date (increment)") },
	{ "cds", 0, NULL, N_("publish CDS and CDNSKEY for the keys that the parent shall point to") },
	{ "cds-delete", 0, NULL, N_("publish the CDS and CDNSKEY that ask the parent to remove all DS (RFC 8078)") },
	{ "afresh", 0, NULL, N_("keep no signatures of the output file") },
	{ "no-verify", 0, NULL, N_("write the zone without verifying it first") },
	{ 0 },
};

/* --- options --- */

struct time_opt {
	const char	*name;
	size_t		 offset, offset2;	/* 0: none */
};
#define P(f)	offsetof(struct sign_policy, f)
static const struct time_opt time_opts[] = {
	{ "validity", P(validity_sec), P(dnskey_validity_sec) },
	{ "refresh", P(refresh_sec), P(dnskey_refresh_sec) },
	{ "inception", P(inception_sec), 0 },
	{ "jitter", P(jitter_sec), 0 },
	{ "dnskey-ttl", P(dnskey_ttl_sec), 0 },
};

static uint32_t *
policy_at(struct sign_policy *p, size_t offset)
{
	return (uint32_t *)(void *)((char *)p + offset);
}

static int
time_opt(const struct cmd_ctx *ctx, struct work *w, const struct cmd_opt *o, const char *arg)
{
	uint32_t v;

	for (size_t i = 0; i < ARRAY_LEN(time_opts); i++) {
		if (strcmp(o->name, time_opts[i].name) != 0)
			continue;
		if (ttl_parse(sv_str(arg), &v) < 0)
			return cmd_usage(ctx, tr(ctx->lang, N_("--%s %s is no time; say seconds, or 3d, 12h")), o->name, arg);
		*policy_at(&w->policy, time_opts[i].offset) = v;
		if (time_opts[i].offset2 != 0)
			*policy_at(&w->policy, time_opts[i].offset2) = v;
		return 0;
	}
	return zone_args_opt(ctx, &w->args, o, arg);
}

static int
serial_opt(const struct cmd_ctx *ctx, struct work *w, const char *arg)
{
	static const char *const names[] = { "keep", "increment", "unixtime", "date" };

	for (unsigned i = 0; i < ARRAY_LEN(names); i++)
		if (strcmp(arg, names[i]) == 0) {
			w->policy.serial = i;
			return 0;
		}
	return cmd_usage(ctx, tr(ctx->lang, N_("--serial %s is none of keep, increment, unixtime, date")), arg);
}

static int
generate_opt(const struct cmd_ctx *ctx, struct work *w, const char *arg)
{
	w->generate = dnssec_alg_parse(sv_str(arg));
	if (w->generate == NULL || !crypto_dns_alg(w->generate->number) ||
	    w->generate->use_sign == ALG_MUST_NOT)
		return cmd_usage(ctx, tr(ctx->lang, N_("--generate %s: no algorithm that zones are signed with; take ECDSAP256SHA256 or ED25519")), arg);
	return 0;
}

static int
salt_opt(const struct cmd_ctx *ctx, struct work *w, const char *arg)
{
	struct sv s = sv_str(arg);

	if (sv_eq(s, SV("-")))
		s.n = 0;
	if (s.n > 2 * sizeof(w->policy.salt) || hex_decode(w->policy.salt, s.n / 2, s) < 0)
		return cmd_usage(ctx, tr(ctx->lang, N_("--salt %s is not up to 255 octets in hexadecimal")), arg);
	w->policy.salt_len = (uint8_t)(s.n / 2);
	return 0;
}

static int
iterations_opt(const struct cmd_ctx *ctx, struct work *w, const char *arg)
{
	uint32_t v;

	if (num_u32(sv_str(arg), 0, SIGN_ITERATIONS_MAX, &v) < 0)
		return cmd_usage(ctx, tr(ctx->lang, N_("--iterations %s is not 0 to %u")), arg, SIGN_ITERATIONS_MAX);
	w->policy.iterations = (uint16_t)v;
	w->policy.allow_iterations = v > 0;
	return 0;
}

/* Options that are taken as they are. */
static const char **
text_of(struct work *w, const char *name)
{
	return strcmp(name, "output") == 0 ? &w->output : strcmp(name, "keys") == 0 ? &w->keys :
	    strcmp(name, "pkcs11") == 0 ? &w->hsm.module :
	    strcmp(name, "token") == 0 ? &w->hsm.token :
	    strcmp(name, "pin-file") == 0 ? &w->hsm.pin_file : NULL;
}

/* Options that say yes. */
static bool *
flag_of(struct work *w, const char *name)
{
	return strcmp(name, "csk") == 0 ? &w->csk : strcmp(name, "cds") == 0 ? &w->cds :
	    strcmp(name, "cds-delete") == 0 ? &w->cds_delete :
	    strcmp(name, "afresh") == 0 ? &w->afresh :
	    strcmp(name, "no-verify") == 0 ? &w->no_verify :
	    strcmp(name, "opt-out") == 0 ? &w->policy.opt_out : NULL;
}

static int
opt(struct cmd_ctx *ctx, void *state, const struct cmd_opt *o, const char *arg)
{
	static const struct {
		const char *name;
		int (*fn)(const struct cmd_ctx *, struct work *, const char *arg);
	} rows[] = {
		{ "serial", serial_opt }, { "generate", generate_opt }, { "salt", salt_opt },
		{ "iterations", iterations_opt },
	};
	struct work *w = state;
	const char **text;
	bool *flag;

	if (!w->policy_ready) {
		sign_policy_init(&w->policy);
		w->policy_ready = true;
	}
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (strcmp(o->name, rows[i].name) == 0)
			return rows[i].fn(ctx, w, arg);
	if ((flag = flag_of(w, o->name)) != NULL)
		*flag = true;
	else if (strcmp(o->name, "nsec3") == 0)
		w->policy.denial = SIGN_NSEC3;
	else if ((text = text_of(w, o->name)) != NULL)
		*text = arg;
	else
		return time_opt(ctx, w, o, arg);
	return 0;
}

/* --- keys --- */

static bool
has_use(const struct sign_key *k, size_t n, unsigned use)
{
	for (size_t i = 0; i < n; i++)
		if ((k[i].uses & use) != 0)
			return true;
	return false;
}

static int
key_make(const struct cmd_ctx *ctx, struct work *w, struct keyring *r, struct keyring_hsm *kh,
    uint16_t flags)
{
	const char *name;
	int rc = kh != NULL ? keyring_hsm_generate(kh, w->generate->number, RSA_BITS, flags, ctx->now,
	    &w->args.fs, &name) :
	    keyring_generate(r, w->generate->number, RSA_BITS, flags, ctx->now, &name);

	if (rc < 0)
		cmd_err(tr(ctx->lang, N_("no key could be made in %s: %s")), w->keys, err_str(rc));
	else if (!ctx->quiet)
		cmd_err(kh != NULL ?
		    tr(ctx->lang, N_("made key %s in the token; back the token up before you publish the zone")) :
		    tr(ctx->lang, N_("made key %s; back its files up before you publish the zone")), name);
	return rc;
}

/* 0, or an exit code. *ret_kh stays NULL where no token was asked for. */
static int
token_ready(const struct cmd_ctx *ctx, struct work *w, struct keyring *r, struct keyring_hsm **ret_kh)
{
	int rc;

	for (size_t i = 0; w->hsm.module == NULL && i < keyring_n(r); i++)
		if (keyring_get(r, i)->uri != NULL) {
			cmd_err(tr(ctx->lang, N_("key %s is in a token; name its module with --pkcs11")), keyring_get(r, i)->name);
			return EXIT_CANNOT;
		}
	if (w->hsm.module == NULL)
		return 0;
	if ((rc = keyring_hsm_open(r, &w->hsm, &w->args.fs, ret_kh)) < 0) {
		cmd_err(tr(ctx->lang, N_("cannot read the keys in %s: %s")), w->keys, err_str(rc));
		return EXIT_CANNOT;
	}
	return findings_reject(&w->args.fs) ? EXIT_REJECTED : 0;
}

/* 0, or an exit code. */
static int
keys_ready(const struct cmd_ctx *ctx, struct work *w, const struct zone *z, struct keyring **ret,
    struct keyring_hsm **ret_kh, struct sign_key *keys, size_t *ret_n)
{
	/* The folder of keys that are to be made: 0700. */
	int rc = w->generate != NULL ? tree_make(w->keys) : 0;

	if (rc == 0)
		rc = keyring_read(w->keys, zone_apex(z), &w->args.fs, ret);
	if (rc < 0) {
		cmd_err(tr(ctx->lang, N_("cannot read the keys in %s: %s")), w->keys, err_str(rc));
		return EXIT_CANNOT;
	}
	/* A key that is broken was meant to be used: nothing is signed without it. */
	if (findings_reject(&w->args.fs))
		return EXIT_REJECTED;
	if ((rc = token_ready(ctx, w, *ret, ret_kh)) != 0)
		return rc;
	*ret_n = zone_keys_choose(*ret, ctx->now, keys);
	if (w->generate != NULL && *ret_n == 0) {
		if (key_make(ctx, w, *ret, *ret_kh, DNSKEY_ZONE | DNSKEY_SEP) < 0 ||
		    (!w->csk && key_make(ctx, w, *ret, *ret_kh, DNSKEY_ZONE) < 0))
			return EXIT_CANNOT;
		*ret_n = zone_keys_choose(*ret, ctx->now, keys);
	}
	if (has_use(keys, *ret_n, SIGN_USE_ZONE) && has_use(keys, *ret_n, SIGN_USE_DNSKEY))
		return 0;
	cmd_err(tr(ctx->lang, N_("no key in %s signs this zone now; --keys names another folder, --generate makes keys")), w->keys);
	return EXIT_CANNOT;
}

/* --- signing --- */

/* The version that was written last time, if there is one that can be read. */
static struct zone *
last_read(const struct work *w, const struct zone *z)
{
	struct zone_file_opts o = { .apex = zone_apex(z) };
	struct zone *last = NULL;
	struct findings fs;

	if (w->afresh || strcmp(w->output, "-") == 0)
		return NULL;
	findings_init(&fs, w->args.pool);
	if (zone_file_read(w->output, &o, &fs, &last) < 0)
		return NULL;
	return findings_reject(&fs) ? zone_unref(last) : last;
}

/* Does what is about to be written hold? 0, or an exit code. */
static int
gate(const struct cmd_ctx *ctx, struct work *w, struct zone *z)
{
	const struct audit_opts o = { .now = ctx->now, .anchors = w->args.anchor,
		.n_anchors = w->args.n_anchors };
	_cleanup_(audit_result_freep) struct audit_result *r = NULL;
	int rc;

	if (w->no_verify)
		return 0;
	if ((rc = zone_jobs_audit(NULL, NULL, z, &o, w->args.jobs, &r)) < 0) {
		cmd_err(tr(ctx->lang, N_("the zone could not be verified: %s")), err_str(rc));
		return EXIT_CANNOT;
	}
	audit_findings(r, &w->args.fs);
	if (r->state == AUDIT_GOOD) {
		w->verified = true;
		return 0;
	}
	cmd_err(tr(ctx->lang, N_("the signed zone would be rejected by validators (below); %s stays as it was")), w->output);
	return EXIT_REJECTED;
}

/* The unsigned zone is given away, so that its memory serves the signed one. */
static int
sign(const struct cmd_ctx *ctx, struct work *w, struct zone **z)
{
	_cleanup_(keyring_freep) struct keyring *ring = NULL;
	_cleanup_(keyring_hsm_freep) struct keyring_hsm *kh = NULL;
	_cleanup_(zone_unrefp) struct zone *last = NULL, *signed_zone = NULL;
	_cleanup_(sign_state_freep) struct sign_state *state = NULL;
	struct sign_key keys[KEYRING_KEYS_MAX];
	struct sign_input in = { .take_unsigned = true, .policy = &w->policy, .now = ctx->now,
		.sign = zone_jobs_sign_here };
	int rc = keys_ready(ctx, w, *z, &ring, &kh, keys, &in.keys.n);

	if (rc != 0)
		return rc;
	last = last_read(w, *z);
	in.last_signed = last;
	if (kh != NULL) {
		in.sign = keyring_hsm_sign;
		in.sign_arg = kh;
	}
	in.keys.keys = keys;
	if (w->cds || w->cds_delete) {
		in.keys.cds_digests = 1U << 2;
		in.keys.cdnskey = true;
		in.keys.cds_delete = w->cds_delete;
	}
	in.now_unsigned = TAKE_PTR(*z);
	rc = zone_jobs_sign(&in, w->args.jobs, &w->args.fs, &signed_zone, &state, &w->stats);
	if (rc < 0) {
		cmd_err(tr(ctx->lang, N_("the zone could not be signed: %s")), err_str(rc));
		return EXIT_CANNOT;
	}
	if (signed_zone == NULL)
		return EXIT_REJECTED;
	w->horizon = sign_state_horizon(state);
	if ((rc = gate(ctx, w, signed_zone)) != 0)
		return rc;
	if ((rc = zone_file_write(w->output, signed_zone, 0)) < 0) {
		cmd_err(tr(ctx->lang, N_("cannot write %s: %s")), w->output, err_str(rc));
		return EXIT_CANNOT;
	}
	return EXIT_GOOD;
}

/* --- what came of it: on standard error, as the zone may go to standard output --- */

static void
text_print(const struct cmd_ctx *ctx, const struct work *w, int rc, struct buf *b)
{
	char when[TIME_STRLEN];

	zone_findings_print(ctx, &w->args.fs, b);
	if (rc != EXIT_GOOD || ctx->quiet)
		return;
	buf_printf(b, tr(ctx->lang, N_("%s: %llu signatures made, %llu kept; %s\n")), w->output,
	    (unsigned long long)w->stats.n_sigs, (unsigned long long)w->stats.n_kept,
	    w->verified ? tr(ctx->lang, N_("all of it verified")) :
	    tr(ctx->lang, N_("not verified (--no-verify)")));
	buf_printf(b, tr(ctx->lang, N_("the first signature ends %s; sign again before that\n")),
	    time_str(w->horizon, when));
}

static void
json_print(const struct cmd_ctx *ctx, const struct work *w, int rc, struct buf *b)
{
	struct json j = json_on(b, true);

	json_open(&j, '{');
	json_kv_str(&j, "output", w->output);
	json_kv_bool(&j, "written", rc == EXIT_GOOD);
	json_kv_bool(&j, "verified", w->verified);
	json_kv_u64(&j, "signatures_made", w->stats.n_sigs);
	json_kv_u64(&j, "signatures_kept", w->stats.n_kept);
	json_kv_i64(&j, "first_expiry", w->horizon);
	zone_findings_json(ctx, &w->args.fs, &j);
	json_close(&j, '}');
	buf_char(b, '\n');
}

static void
report(const struct cmd_ctx *ctx, const struct work *w, int rc)
{
	int fd = 2;
	struct buf b = BUF_SINK(fd_write_all, &fd);

	if (ctx->json)
		json_print(ctx, w, rc, &b);
	else
		text_print(ctx, w, rc, &b);
	(void)!buf_flush(&b);
	buf_done(&b);
}

static int
run(struct cmd_ctx *ctx, void *state, int argc, char **argv)
{
	_cleanup_(zone_unrefp) struct zone *z = NULL;
	struct work *w = state;
	char out[PATH_LEN_MAX];
	int rc;

	if (!w->policy_ready)
		sign_policy_init(&w->policy);
	if (w->policy.opt_out && w->policy.denial != SIGN_NSEC3)
		return cmd_usage(ctx, "%s", tr(ctx->lang, N_("--opt-out goes with --nsec3")));
	if ((rc = zone_args_read(ctx, &w->args, argc, argv, &z)) != 0)
		return rc;
	if (w->keys == NULL)
		w->keys = ".";
	if (w->output == NULL) {
		(void)snprintf(out, sizeof(out), "%s.signed", argv[0]);
		w->output = strcmp(argv[0], "-") == 0 ? "-" : out;
	}
	rc = findings_reject(&w->args.fs) ? EXIT_REJECTED : sign(ctx, w, &z);
	report(ctx, w, rc);
	return rc;
}

extern const struct cmd cmd_zone_sign;
const struct cmd cmd_zone_sign = {
	.area = "zone", .verb = "sign", .args = "ZONEFILE",
	.summary = N_("sign a zone file, verify the result, and write it"),
	.opts = opts, .opt = opt, .state_size = sizeof(struct work),
	.run = run, .verifies = true, .done = zone_state_done,
};
