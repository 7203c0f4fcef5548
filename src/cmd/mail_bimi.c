/* sekisho mail bimi: may a domain's mark be shown, and what is wrong with it? */
#include <errno.h>

#include "app/mail_bimi.h"
#include "app/mail_dns.h"
#include "base/err.h"
#include "base/json.h"
#include "base/timefmt.h"
#include "cmd/cmd.h"
#include "cmd/mail_bimi_fetch.h"
#include "cmd/zone.h"
#include "out/escape.h"
#include "sys/file.h"

#define FILE_MAX	((size_t)1 << 20)	/* of an image, of certificates: more than either may have */
#define POOL_MAX	(2 * MAIL_POOL_MAX)

struct state {
	const char		*dns[MAIL_DNS_FILES_MAX];
	size_t			 n_dns;
	const char		*resolver, *selector, *svg, *evidence, *roots;
	bool			 fetches, fetches_not;
	struct bimi_fetch	 fetch;
	struct pool		*kept, *pool;	/* files; what each round makes anew */
	struct mail_dns		*source;
	struct sv		 name;		/* as it was given */
	struct dname		 domain;
	struct dmarc_out	 dmarc;
	struct bimi_out		 out;
	struct mail_bimi	 mark;
	struct findings		 fs;
};

static const struct cmd_opt opts[] = {
	{ "selector", 0, "NAME", N_("the record's selector (default)") },
	{ "svg", 0, "FILE", N_("the image at l=, to be checked") },
	{ "evidence", 0, "FILE", N_("the certificates at a=, to be checked (PEM)") },
	{ "roots", 0, "FILE", N_("the roots that are trusted to vouch for marks (PEM)") },
	{ "fetch", 0, NULL, N_("fetch what the record names, also with --dns") },
	{ "no-fetch", 0, NULL, N_("look at the record only") },
	{ "ca-file", 0, "FILE", N_("the authorities that web servers are trusted by, PEM (the system's)") },
	{ "host", 0, "NAME:PORT=ADDRESS:PORT", N_("fetch from this web server there, whatever its address; may be repeated") },
	{ "dns", 0, "FILE", N_("take all answers of the DNS from this zone file; may be repeated") },
	{ "resolver", 0, "ADDR[:PORT]", N_("ask this resolver (those of /etc/resolv.conf)") },
	{ 0 },
};

static int
opt(struct cmd_ctx *ctx, void *state, const struct cmd_opt *o, const char *arg)
{
	struct state *s = state;
	const struct {
		const char	*name, **to;
	} texts[] = {
		{ "selector", &s->selector }, { "svg", &s->svg }, { "evidence", &s->evidence },
		{ "roots", &s->roots }, { "resolver", &s->resolver }, { "ca-file", &s->fetch.ca_file },
	};

	if (strcmp(o->name, "fetch") == 0 || strcmp(o->name, "no-fetch") == 0) {
		*(o->name[0] == 'f' ? &s->fetches : &s->fetches_not) = true;
		return 0;
	}
	if (strcmp(o->name, "host") == 0)
		return bimi_fetch_host(&s->fetch, arg) ? 0 : cmd_usage(ctx, "%s", tr(ctx->lang,
		    N_("--host is there too often")));

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		if (strcmp(o->name, texts[i].name) == 0) {
			*texts[i].to = arg;
			return 0;
		}
	if (s->n_dns == MAIL_DNS_FILES_MAX)
		return cmd_usage(ctx, tr(ctx->lang, N_("--%s stands there more than %u times")), "dns",
		    MAIL_DNS_FILES_MAX);
	s->dns[s->n_dns++] = arg;
	return 0;
}

static void
done(void *state)
{
	struct state *s = state;

	s->source = mail_dns_free(s->source);
	s->pool = pool_free(s->pool);
	s->kept = pool_free(s->kept);
}

/* --- what it needs --- */

static int
cannot_read(const struct cmd_ctx *ctx, const char *path, int rc)
{
	cmd_err(tr(ctx->lang, N_("cannot read %s: %s")), path, zone_read_why(ctx, rc));
	return EXIT_CANNOT;
}

static int
source_take(const struct cmd_ctx *ctx, struct state *s)
{
	struct findings fs;
	size_t bad = 0;
	int rc;

	findings_init(&fs, s->kept);
	if (s->n_dns > 0) {
		if ((rc = mail_dns_files(s->dns, s->n_dns, &fs, &bad, &s->source)) < 0)
			return cannot_read(ctx, s->dns[bad], rc);
		if (s->source != NULL)
			return 0;
		cmd_err("%s", tr(ctx->lang, N_("the zone files have faults; \"sekisho mail verify\" shows them")));
		return EXIT_CANNOT;
	}
	if ((rc = mail_dns_live(sv_str(s->resolver), MAIL_DNS_SEC, &s->source)) == 0)
		return 0;
	cmd_err(tr(ctx->lang, N_("the DNS cannot be asked: %s")), err_str(rc));
	return EXIT_CANNOT;
}

/* .n is 0 where no file was named. */
static int
file_take(const struct cmd_ctx *ctx, struct state *s, const char *path, struct sv *ret)
{
	int rc;

	*ret = SV("");
	if (path == NULL || (rc = file_read(s->kept, FILE_CWD, path, FILE_MAX, ret)) == 0)
		return 0;
	return cannot_read(ctx, path, rc);
}

/* Files that are there are looked at instead; a DNS out of files has no web servers. */
static bool
is_fetching(const struct state *s)
{
	return s->fetches || (!s->fetches_not && s->n_dns == 0 && s->svg == NULL && s->evidence == NULL);
}

/* --- the verdict --- */

static int
round_run(struct state *s, struct mail_ask *ask)
{
	const struct dmarc_in dmarc = { .authors = &s->domain, .n_authors = 1 };
	const struct bimi_in bimi = { .dmarc = &s->dmarc, .selector = sv_str(s->selector), .is_preview = true };
	struct findings unsaid;
	int rc;

	pool_reset(s->pool);
	findings_init(&unsaid, s->pool);
	findings_init(&s->fs, s->pool);
	s->fs.subject = s->name;
	if ((rc = dmarc_check(&dmarc, ask, s->pool, &unsaid, &s->dmarc)) != 0)
		return rc;
	return bimi_check(&bimi, ask, s->pool, &s->fs, &s->out);
}

/* What could not be fetched is not there for a receiver, either. */
static int
mark_judge(const struct cmd_ctx *ctx, struct state *s, struct mail_bimi_in *in)
{
	bool is_whole = true;
	int rc = 0;

	in->out = &s->out;
	in->now = ctx->now;
	s->fs.subject = s->name;
	if (is_fetching(s) && s->out.result == BIMI_PASS) {
		s->fetch.wants_evidence = s->roots != NULL;
		if ((rc = bimi_fetch_run(ctx, &s->fetch, s->pool, &s->fs, in)) > 1)
			return rc;
		is_whole = rc == 0;
	}
	rc = mail_bimi_judge(in, s->pool, &s->fs, &s->mark);
	if (rc == 0 && !is_whole) {
		s->mark.result = BIMI_FAIL;
		s->mark.svg = SV("");
		s->out.why = N_("the mark could not be fetched");
	}
	return rc;
}

static int
judge(const struct cmd_ctx *ctx, struct state *s, struct mail_bimi_in *in)
{
	struct mail_ask ask = mail_dns_ask(s->source);
	int rc;

	while ((rc = round_run(s, &ask)) == MAIL_WAIT)
		if ((rc = mail_dns_fill(s->source, &ask)) < 0)
			break;
	if (rc == 0)
		rc = mark_judge(ctx, s, in);
	if (rc >= 0)
		return rc;
	cmd_err(tr(ctx->lang, N_("%s could not be judged: %s")), "BIMI", err_str(rc));
	return EXIT_CANNOT;
}

static int
exit_of(const struct state *s)
{
	if (s->mark.result == BIMI_TEMPERROR)
		return EXIT_CANNOT;
	return findings_reject(&s->fs) || s->mark.result == BIMI_FAIL ? EXIT_REJECTED : EXIT_GOOD;
}

/* --- shown --- */

static int
results_put(struct state *s, struct buf *b)
{
	struct bimi_out out = s->out;
	struct authres a;
	int rc;

	out.result = s->mark.result;
	if (out.result == BIMI_FAIL && out.why == NULL)
		out.why = N_("the image or its evidence does not hold");
	authres_init(&a, s->pool, SV("localhost"));
	if ((rc = bimi_say(&out, s->mark.authority, s->mark.svg, s->pool, &a)) < 0)
		return rc;
	buf_str(b, "Authentication-Results:");
	authres_write(b, &a, 24, false);
	buf_str(b, "\r\n");
	bimi_fields_write(b, &out, s->mark.authority == BIMI_VOUCHED, s->mark.svg);
	return 0;
}

/* CRLF is for messages. */
static void
lines_put(struct buf *b, struct sv text)
{
	for (size_t i = 0; i < text.n; i++)
		if (text.p[i] != '\r')
			buf_char(b, text.p[i]);
}

static void
evidence_put(const struct cmd_ctx *ctx, const struct state *s, struct buf *b)
{
	const struct bimi_evidence *e = &s->mark.evidence;
	char from[TIME_STRLEN], to[TIME_STRLEN];

	if (s->mark.authority == BIMI_UNCHECKED || e->to == 0)
		return;
	buf_printf(b, "%s: ", tr(ctx->lang, N_("certificate")));
	escape_term(b, e->holder);
	buf_str(b, ", ");
	escape_term(b, e->mark);
	buf_printf(b, ", %s - %s\n", time_str(e->from, from), time_str(e->to, to));
}

static int
text_put(const struct cmd_ctx *ctx, struct state *s, struct buf *b)
{
	_cleanup_(buf_done) struct buf fields = BUF_INIT;
	int rc;

	buf_printf(b, "bimi %s", bimi_result_name(s->mark.result));
	if (s->out.why != NULL)
		buf_printf(b, " (%s)", tr(ctx->lang, s->out.why));
	buf_char(b, '\n');
	if (s->out.record != NULL) {
		escape_term(b, s->out.record->text);
		buf_char(b, '\n');
	}
	evidence_put(ctx, s, b);
	zone_findings_print(ctx, &s->fs, b);
	if (ctx->quiet)
		return 0;
	rc = results_put(s, &fields);
	lines_put(b, buf_get(&fields));
	return rc;
}

static int
json_put(const struct cmd_ctx *ctx, struct state *s, struct buf *b)
{
	_cleanup_(buf_done) struct buf fields = BUF_INIT;
	struct json j = json_on(b, true);
	int rc = results_put(s, &fields);

	json_open(&j, '{');
	json_kv_str(&j, "result", bimi_result_name(s->mark.result));
	json_kv_str(&j, "why", s->out.why == NULL ? "" : tr(ctx->lang, s->out.why));
	json_kv_sv(&j, "selector", s->out.selector);
	json_kv_sv(&j, "record", s->out.record == NULL ? SV("") : s->out.record->text);
	json_kv_bool(&j, "vouched", s->mark.authority == BIMI_VOUCHED);
	json_kv_sv(&j, "fields", buf_get(&fields));
	json_key(&j, "findings");
	json_open(&j, '[');
	for (const struct finding *f = s->fs.head; f != NULL; f = f->next)
		finding_json(&j, f, ctx->lang);
	json_close(&j, ']');
	json_close(&j, '}');
	buf_char(b, '\n');
	return rc;
}

static int
run(struct cmd_ctx *ctx, void *state, int argc, char **argv)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	struct mail_bimi_in in = { 0 };
	struct state *s = state;
	int rc;

	if (argc != 1 || mail_domain(sv_str(argv[0]), &s->domain) < 0)
		return cmd_usage(ctx, "%s", tr(ctx->lang, N_("name one domain, as in From")));
	if (s->fetches && (s->fetches_not || s->svg != NULL || s->evidence != NULL))
		return cmd_usage(ctx, "%s", tr(ctx->lang, N_("--fetch excludes --no-fetch, --svg and --evidence")));
	if (s->n_dns > 0 && s->resolver != NULL)
		return cmd_usage(ctx, "%s", tr(ctx->lang, N_("--dns and --resolver exclude each other")));
	s->name = sv_str(argv[0]);
	s->kept = pool_new(POOL_MAX);
	s->pool = pool_new(POOL_MAX);
	if (s->kept == NULL || s->pool == NULL)
		return EXIT_CANNOT;
	if ((rc = file_take(ctx, s, s->svg, &in.svg)) != 0 || (rc = file_take(ctx, s, s->evidence, &in.pem)) != 0 ||
	    (rc = file_take(ctx, s, s->roots, &in.roots)) != 0 || (rc = source_take(ctx, s)) != 0 ||
	    (rc = judge(ctx, s, &in)) != 0)
		return rc;
	if ((ctx->json ? json_put : text_put)(ctx, s, &b) < 0 || cmd_out(&b) != 0)
		return EXIT_CANNOT;
	return exit_of(s);
}

extern const struct cmd cmd_mail_bimi;
const struct cmd cmd_mail_bimi = {
	.area = "mail", .verb = "bimi", .args = "DOMAIN",
	.summary = N_("may the mark of a domain be shown beside its mail (BIMI), and what is wrong with it"),
	.opts = opts, .opt = opt, .state_size = sizeof(struct state), .run = run, .done = done,
	.verifies = true,
};
