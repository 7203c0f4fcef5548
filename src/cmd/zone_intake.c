/* sekisho zone intake: DS and DNSKEY records that a customer hands in, against the zone as it is served. */
#include "cmd/zone_intake.h"

#include <errno.h>
#include <stdio.h>

#include "base/err.h"
#include "cmd/zone.h"
#include "dnssec/dnssec.h"
#include "sys/file.h"

#define POOL_MAX	((size_t)64 << 20)	/* 64 servers' DNSKEY sets, and the text */

static const struct cmd_opt opts[] = {
	ZONE_ASK_OPTS,
	{ "file", 'f', "FILE", N_("read what was entered from this file; - is standard input") },
	{ "dnskey", 0, "FILE", N_("ask nobody: the zone's DNSKEY records and their RRSIGs are in this file (NSEC3PARAM, too)") },
	{ "ds", 0, "FILE", N_("the DS records that stand at the parent are in this file") },
	{ "rules", 0, NULL, N_("print what is known of single registries, and from where") },
	{ 0 },
};

static int
opt(struct cmd_ctx *ctx, void *state, const struct cmd_opt *o, const char *arg)
{
	struct intake_work *w = state;
	int rc;

	if (ask_opt(ctx, &w->ask, o, arg, &rc))
		return rc;
	if (strcmp(o->name, "rules") == 0)
		w->rules = true;
	else if (strcmp(o->name, "dnskey") == 0)
		w->dnskey_file = arg;
	else if (strcmp(o->name, "ds") == 0)
		w->ds_file = arg;
	else
		w->record_file = arg;
	return 0;
}

/* --- what is entered --- */

static int
stdin_read(struct buf *b)
{
	char room[4096];
	size_t n;

	while ((n = fread(room, 1, sizeof(room), stdin)) > 0 && b->len <= INTAKE_TEXT_MAX)
		buf_bytes(b, room, n);
	return b->rc < 0 ? b->rc : ferror(stdin) != 0 ? -EIO : 0;
}

/* One record in several words, or several in one word each: a shell's quotes decide. */
static void
args_join(int argc, char **argv, struct buf *b)
{
	bool words = argc > 1 && sv_find(sv_str(argv[0]), ' ') == strlen(argv[0]);

	for (int i = 0; i < argc; i++) {
		buf_str(b, argv[i]);
		buf_char(b, words ? ' ' : '\n');
	}
}

static int
entered_read(const struct cmd_ctx *ctx, struct intake_work *w, int argc, char **argv)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	bool from_stdin = argc == 1 && strcmp(argv[0], "-") == 0;
	const char *path = w->record_file;
	struct sv text;
	int rc;

	if ((argc > 0) == (path != NULL))
		return cmd_usage(ctx, "%s", tr(ctx->lang, N_("say what was entered: a DS or DNSKEY record, - for standard input, or --file")));
	if (from_stdin || (path != NULL && strcmp(path, "-") == 0))
		rc = stdin_read(&b);
	else if (path != NULL) {
		rc = file_read(w->pool, FILE_CWD, path, INTAKE_TEXT_MAX, &text);
		if (rc == 0)
			buf_sv(&b, text);
	} else {
		args_join(argc, argv, &b);
		rc = b.rc;
	}
	if (rc == 0)
		rc = intake_text_parse(w->pool, &w->zone, buf_get(&b), &w->fs, w->entered, &w->n_entered);
	if (rc < 0) {
		cmd_err(tr(ctx->lang, N_("cannot read %s: %s")), path == NULL ? tr(ctx->lang, N_("what was entered")) : path, zone_read_why(ctx, rc));
		return EXIT_CANNOT;
	}
	if (w->n_entered == 0 && !findings_reject(&w->fs))
		return cmd_usage(ctx, "%s", tr(ctx->lang, N_("there is no DS or DNSKEY record in what was entered")));
	return 0;
}

/* --- what stands at the parent --- */

static void
standing_add(struct intake_work *w, struct sv ds)
{
	for (size_t i = 0; i < w->n_standing; i++)
		if (sv_eq(w->standing[i], ds))
			return;
	if (w->n_standing < INTAKE_RECORDS_MAX)
		w->standing[w->n_standing++] = ds;
}

static void
parent_silent(struct intake_work *w, const char *why)
{
	finding_add(&w->fs, &intake_findings[INTAKE_NO_PARENT], FA_MSG("why", why));
}

static void
standing_ask(struct intake_work *w)
{
	struct ask asks[ASK_SERVERS_MAX];
	const char *why = N_("no server of the parent is known");
	struct ask_rrs rrs;
	bool any = false;

	for (size_t i = 0; i < w->parents.n; i++)
		asks[i] = (struct ask){ .server = &w->parents.s[i], .name = w->zone, .type = RR_DS };
	ask_all(asks, w->parents.n, &w->ask);
	for (size_t i = 0; i < w->parents.n; i++) {
		if (asks[i].rc < 0 || !asks[i].aa ||
		    ask_records(w->pool, &asks[i], DNS_ANSWER, &w->zone, RR_DS, &rrs) < 0) {
			why = ask_why(&asks[i]);
			continue;
		}
		any = true;
		for (size_t k = 0; k < rrs.n; k++)
			standing_add(w, rrs.rdata[k]);
	}
	ask_done(asks, w->parents.n);
	w->parent_known = any;
	if (!any)
		parent_silent(w, why);
}

/* --- what the zone's servers give --- */

static bool
rrs_same(const struct ask_rrs *a, const struct ask_rrs *b)
{
	size_t n = 0;

	for (size_t i = 0; i < a->n; i++)
		for (size_t k = 0; k < b->n; k++)
			if (sv_eq(a->rdata[i], b->rdata[k])) {
				n++;
				break;
			}
	return n == a->n && a->n == b->n;
}

static void
view_compare(struct intake_work *w, struct intake_view *v)
{
	for (const struct intake_view *b = w->view; b < v; b++) {
		bool keys = b->why == NULL && rrs_same(&b->keys, &v->keys);

		v->same_keys |= keys;
		v->as_before |= keys && rrs_same(&b->sigs, &v->sigs) && rrs_same(&b->nsec3param, &v->nsec3param);
	}
}

static void
view_take(struct intake_work *w, const struct ask *a, unsigned *n_unasked)
{
	struct intake_view *v = &w->view[w->n_views];
	bool lame = a->rc == 0 && (a->rcode != 0 || !a->aa);

	if (ask_is_unreachable(a)) {
		*n_unasked += 1;
		return;
	}
	*v = (struct intake_view){ .server = a->server };
	if (a->rc < 0 || lame)
		v->why = ask_why(a);
	else if (ask_records(w->pool, a, DNS_ANSWER, &w->zone, RR_DNSKEY, &v->keys) < 0 ||
	    ask_records(w->pool, a, DNS_ANSWER, &w->zone, RR_RRSIG, &v->sigs) < 0)
		v->why = err_str(-EBADMSG);
	if (v->why != NULL)
		finding_add(&w->fs, &intake_findings[lame ? INTAKE_LAME : INTAKE_SILENT],
		    FA_STR("server", a->server->address), FA_MSG("why", v->why));
	else
		w->n_good++;
	w->n_views++;
}

/* How names that do not exist are denied: of each that gave keys. One that does not say is not judged by it. */
static void
denial_ask(struct intake_work *w)
{
	struct intake_view *of[ASK_SERVERS_MAX];
	struct ask asks[ASK_SERVERS_MAX];
	size_t n = 0;

	for (size_t i = 0; i < w->n_views; i++)
		if (w->view[i].why == NULL && w->view[i].keys.n > 0) {
			of[n] = &w->view[i];
			asks[n++] = (struct ask){ .server = w->view[i].server, .name = w->zone, .type = RR_NSEC3PARAM };
		}
	ask_all(asks, n, &w->ask);
	for (size_t i = 0; i < n; i++)
		if (asks[i].rc < 0 || !asks[i].aa || asks[i].rcode != 0 ||
		    ask_records(w->pool, &asks[i], DNS_ANSWER, &w->zone, RR_NSEC3PARAM, &of[i]->nsec3param) < 0)
			of[i]->nsec3param.n = 0;
	ask_done(asks, n);
}

static void
keys_ask(struct intake_work *w)
{
	struct ask asks[ASK_SERVERS_MAX];
	unsigned n_unasked = 0, n_sets = 0;

	for (size_t i = 0; i < w->servers.n; i++)
		asks[i] = (struct ask){ .server = &w->servers.s[i], .name = w->zone, .type = RR_DNSKEY };
	ask_all(asks, w->servers.n, &w->ask);
	for (size_t i = 0; i < w->servers.n; i++)
		view_take(w, &asks[i], &n_unasked);
	ask_done(asks, w->servers.n);
	denial_ask(w);
	for (size_t i = 0; i < w->n_views; i++)
		if (w->view[i].why == NULL)
			view_compare(w, &w->view[i]);
	for (size_t i = 0; i < w->n_views; i++)
		n_sets += w->view[i].why == NULL && !w->view[i].same_keys;
	if (n_sets > 1)
		finding_add(&w->fs, &intake_findings[INTAKE_DIFFER], FA_U("n", n_sets));
	if (n_unasked > 0)
		finding_add(&w->fs, &intake_findings[INTAKE_UNASKED], FA_U("n", n_unasked));
}

static int
live_read(const struct cmd_ctx *ctx, struct intake_work *w, struct buf *b)
{
	int rc = w->ds_file != NULL ? 0 : ask_parents(w->pool, &w->ask, &w->zone, &w->parents);

	if (rc < 0 && rc != -ENOENT)
		parent_silent(w, err_str(rc));
	else if (w->ds_file == NULL)
		standing_ask(w);
	rc = ask_servers(w->pool, &w->ask, &w->zone, &w->parents, &w->servers);
	if (rc == 0)
		keys_ask(w);
	if (rc == 0 && w->n_good > 0)
		return 0;
	zone_findings_print(ctx, &w->fs, b);
	cmd_err("%s", rc < 0 ? tr(ctx->lang, N_("no name server of the zone was found; name one with --server")) :
	    tr(ctx->lang, N_("no name server of the zone answered")));
	return EXIT_CANNOT;
}

/* --- the same from files --- */

static int
file_rrs(const struct cmd_ctx *ctx, struct intake_work *w, uint16_t type, struct ask_rrs *ret)
{
	struct zone_records r;
	int rc = zone_records_get(ctx, w->pool, w->dnskey_file, &w->zone, type, &r);

	if (rc != 0)
		return rc;
	for (ret->n = 0; ret->n < r.n; ret->n++)
		ret->rdata[ret->n] = r.rdata[ret->n];
	return 0;
}

static int
files_read(const struct cmd_ctx *ctx, struct intake_work *w)
{
	static const struct ask_server file = { "file", "file" };
	struct intake_view *v = &w->view[0];
	struct zone_records r;
	int rc;

	if (w->ds_file != NULL) {
		if ((rc = zone_records_get(ctx, w->pool, w->ds_file, &w->zone, RR_DS, &r)) != 0)
			return rc;
		for (size_t i = 0; i < r.n; i++)
			standing_add(w, r.rdata[i]);
		w->parent_known = true;
	}
	if (w->dnskey_file == NULL)
		return 0;
	v->server = &file;
	if ((rc = file_rrs(ctx, w, RR_DNSKEY, &v->keys)) != 0 || (rc = file_rrs(ctx, w, RR_RRSIG, &v->sigs)) != 0 ||
	    (rc = file_rrs(ctx, w, RR_NSEC3PARAM, &v->nsec3param)) != 0)
		return rc;
	w->n_views = w->n_good = 1;
	return 0;
}

/* --- judging --- */

/* Of one of several servers that differ, the finding says which. */
static int
view_check(struct intake_work *w, const struct intake_view *v, bool only)
{
	struct intake_input in = { .zone = w->zone, .keys = v->keys.rdata, .sigs = v->sigs.rdata,
		.n_keys = v->keys.n, .n_sigs = v->sigs.n, .entered = w->entered, .n_entered = w->n_entered,
		.standing = w->standing, .n_standing = w->n_standing, .parent_known = w->parent_known,
		.nsec3param = v->nsec3param.rdata, .n_nsec3param = v->nsec3param.n };
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	struct sv all = w->fs.subject;
	int rc;

	in.now = w->now;
	if (!only) {
		buf_sv(&b, all);
		buf_printf(&b, " @%s", v->server->address);
		w->fs.subject = buf_get(&b);
	}
	rc = b.rc < 0 ? b.rc : intake_check(&in, &w->fs);
	w->fs.subject = all;
	return rc;
}

static int
judge(struct intake_work *w)
{
	const struct intake_input in = { .zone = w->zone, .entered = w->entered, .n_entered = w->n_entered };
	size_t n = 0;
	int rc = 0;

	for (size_t i = 0; i < w->n_views; i++)
		n += w->view[i].why == NULL && !w->view[i].as_before;
	for (size_t i = 0; i < w->n_views && rc == 0; i++)
		if (w->view[i].why == NULL && !w->view[i].as_before)
			rc = view_check(w, &w->view[i], n == 1);
	intake_registry_check(w->registry, &in, &w->fs);
	return rc;
}

static int
intake(const struct cmd_ctx *ctx, struct intake_work *w, struct buf *b)
{
	int rc = files_read(ctx, w);

	if (rc == 0 && w->dnskey_file == NULL)
		rc = live_read(ctx, w, b);
	if (rc != 0)
		return rc;
	if ((rc = judge(w)) < 0) {
		cmd_err(tr(ctx->lang, N_("the records could not be checked: %s")), err_str(rc));
		return EXIT_CANNOT;
	}
	if (ctx->json)
		intake_json_print(ctx, w, b);
	else
		intake_text_print(ctx, w, b);
	return findings_reject(&w->fs) ? EXIT_REJECTED : EXIT_GOOD;
}

static int
run(struct cmd_ctx *ctx, void *state, int argc, char **argv)
{
	_cleanup_(pool_freep) struct pool *pool = pool_new(POOL_MAX);
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	struct intake_work *w = state;
	int rc;

	if ((w->pool = pool) == NULL)
		return EXIT_CANNOT;
	findings_init(&w->fs, pool);
	if (w->rules) {
		intake_rules_print(ctx, &b);
		return cmd_out(&b);
	}
	if (argc < 1)
		return cmd_usage(ctx, "%s", tr(ctx->lang, N_("name the zone, and what was entered for it")));
	if (!sv_graphic(sv_str(argv[0])) || dname_parse(sv_str(argv[0]), NULL, &w->zone) < 0 || w->zone.len == 1)
		return cmd_usage(ctx, tr(ctx->lang, N_("%s is no zone's name")), argv[0]);
	w->now = ctx->now;
	w->fs.subject = sv_str(argv[0]);
	w->registry = intake_registry_find(&w->zone);
	if ((rc = entered_read(ctx, w, argc - 1, argv + 1)) == 0)
		rc = intake(ctx, w, &b);
	return cmd_out(&b) != 0 ? EXIT_CANNOT : rc;
}

extern const struct cmd cmd_zone_intake;
const struct cmd cmd_zone_intake = {
	.area = "zone", .verb = "intake", .args = "ZONE RECORD…|-",
	.summary = N_("check a DS or DNSKEY that a customer enters, before it goes to the registry"),
	.opts = opts, .opt = opt, .state_size = sizeof(struct intake_work),
	.run = run, .verifies = true,
};
