/* What the commands of area "zone" share. */
#include <errno.h>
#include <string.h>

#include "app/zone_file.h"
#include "base/err.h"
#include "base/json.h"
#include "cmd/zone.h"
#include "out/escape.h"
#include "sys/file.h"
#include "sys/par.h"

#define ANCHOR_FILE_MAX	(256 * 1024)	/* bytes; DNSKEY records of ten keys have 10,000 */

static int
pool_ready(struct zone_args *a)
{
	if (a->pool != NULL)
		return 0;
	if ((a->pool = pool_new(ZONE_POOL_MAX)) == NULL)
		return -ENOMEM;
	findings_init(&a->fs, a->pool);
	return 0;
}

static int
anchor_add(struct zone_args *a, uint16_t type, struct sv rdata)
{
	struct sv copy = pool_sv(a->pool, rdata);

	if (copy.p == NULL)
		return -ENOMEM;
	if (a->n_anchors == ZONE_ANCHORS_MAX)
		return SE_LIMIT;
	a->anchor[a->n_anchors++] = (struct audit_anchor){ .type = type, .rdata = copy };
	return 0;
}

static int
ds_opt(const struct cmd_ctx *ctx, struct zone_args *a, const char *arg)
{
	uint8_t rdata[DNS_RDATA_MAX];
	size_t n;

	if (rdata_parse(RR_DS, sv_str(arg), NULL, rdata, &n) < 0)
		return cmd_usage(ctx, tr(ctx->lang, N_("--ds \"%s\" is no DS record's data; it is \"TAG ALGORITHM DIGESTTYPE DIGEST\"")), arg);
	if (anchor_add(a, RR_DS, (struct sv){ (const char *)rdata, n }) < 0)
		return cmd_usage(ctx, "%s", tr(ctx->lang, N_("too many anchors")));
	return 0;
}

/* DS and DNSKEY records of a file (dsset-, root.key); others are passed over. */
static int
anchor_file_read(struct zone_args *a, const char *path)
{
	struct zonefile_opts o = { .origin = DNAME_ROOT, .name = sv_str(path), .has_ttl = true };
	_cleanup_(zonefile_freep) struct zonefile *zf = NULL;
	struct findings fs;
	struct dns_rr rr;
	struct zone_text t;
	int rc = file_read(a->pool, FILE_CWD, path, ANCHOR_FILE_MAX, &t.rest);

	if (rc < 0)
		return rc;
	findings_init(&fs, a->pool);
	if ((zf = zonefile_new(&o, zone_text_read, &t, &fs)) == NULL)
		return -ENOMEM;
	while ((rc = zonefile_next(zf, &rr)) == 1)
		if ((rr.type == RR_DS || rr.type == RR_DNSKEY) &&
		    (rc = anchor_add(a, rr.type, rr.rdata)) < 0)
			return rc;
	return rc == 0 && findings_reject(&fs) ? SE_SYNTAX : rc;
}

const char *
zone_read_why(const struct cmd_ctx *ctx, int rc)
{
	if (rc == -EINVAL)
		return tr(ctx->lang, N_("it is not a regular file"));
	if (rc == -E2BIG)
		return tr(ctx->lang, N_("one name has more records of one type than any message could hold"));
	if (rc == SE_LIMIT)
		return tr(ctx->lang, N_("it is larger than such a file can be"));
	return err_str(rc);
}

static int
anchor_opt(const struct cmd_ctx *ctx, struct zone_args *a, const char *arg)
{
	size_t before = a->n_anchors;
	int rc = anchor_file_read(a, arg);

	if (rc == 0 && a->n_anchors > before)
		return 0;
	cmd_err(tr(ctx->lang, N_("--anchor %s: %s")), arg,
	    rc == 0 ? tr(ctx->lang, N_("there is no DS or DNSKEY record in it")) : zone_read_why(ctx, rc));
	return EXIT_USAGE;
}

int
zone_args_opt(const struct cmd_ctx *ctx, struct zone_args *a, const struct cmd_opt *o,
    const char *arg)
{
	if (pool_ready(a) < 0)
		return EXIT_USAGE;
	if (strcmp(o->name, "include") == 0)
		a->include = true;
	else if (strcmp(o->name, "nagios") == 0)
		a->nagios = true;
	else if (strcmp(o->name, "ds") == 0)
		return ds_opt(ctx, a, arg);
	else if (strcmp(o->name, "anchor") == 0)
		return anchor_opt(ctx, a, arg);
	else if (strcmp(o->name, "jobs") == 0) {
		if (num_u32(sv_str(arg), 1, PAR_JOBS_MAX, &a->jobs) < 0)
			return cmd_usage(ctx, tr(ctx->lang, N_("--jobs %s is not 1 to %u")), arg, PAR_JOBS_MAX);
	} else if (strcmp(o->name, "zone") == 0) {
		if (dname_parse(sv_str(arg), NULL, &a->apex) < 0)
			return cmd_usage(ctx, tr(ctx->lang, N_("--zone %s is no domain name")), arg);
		a->has_apex = true;
	} else
		return EXIT_USAGE;
	return 0;
}

int
zone_args_read(const struct cmd_ctx *ctx, struct zone_args *a, int argc, char **argv,
    struct zone **ret)
{
	struct zone_file_opts o = { .apex = a->has_apex ? &a->apex : NULL, .include = a->include, .pipe = true };
	int rc;

	if (argc != 1)
		return cmd_usage(ctx, "%s", tr(ctx->lang, N_("name one zone file; - is standard input")));
	if (pool_ready(a) < 0)
		return EXIT_CANNOT;
	a->fs.subject = sv_str(argv[0]);
	if (a->jobs == 0)
		a->jobs = par_cpus();
	rc = zone_file_read(argv[0], &o, &a->fs, ret);
	if (rc == SE_USAGE)
		return cmd_usage(ctx, tr(ctx->lang, N_("%s does not begin with the zone's SOA record, so that the zone's name is not known; say it: --zone NAME")), argv[0]);
	if (rc < 0) {
		cmd_err(tr(ctx->lang, N_("cannot read %s: %s")), argv[0], zone_read_why(ctx, rc));
		return EXIT_CANNOT;
	}
	return 0;
}

void
zone_state_done(void *state)
{
	struct zone_args *a = state;

	a->pool = pool_free(a->pool);
}

/* --- findings --- */

/* The next one of the same severity: what to do is said once of several with one code. */
static const struct finding *
next_alike(const struct finding *f)
{
	const struct finding *n = f->next;

	while (n != NULL && n->def->severity != f->def->severity)
		n = n->next;
	return n;
}

static void
finding_print(const struct cmd_ctx *ctx, const struct finding *f, struct buf *b)
{
	const struct finding *next = next_alike(f);
	_cleanup_(buf_done) struct buf text = BUF_INIT;

	finding_text(&text, f, ctx->lang);
	buf_printf(b, "%s %s ", severity_name(f->def->severity), f->def->code);
	escape_term(b, f->subject);
	buf_str(b, ": ");
	escape_term(b, buf_get(&text));
	buf_char(b, '\n');
	if (f->def->severity == SEV_NOTE || ctx->quiet || (next != NULL && next->def == f->def))
		return;
	buf_done(&text);
	text = (struct buf)BUF_INIT;
	finding_remedy(&text, f, ctx->lang);
	buf_str(b, "  ");
	escape_term(b, buf_get(&text));
	buf_char(b, '\n');
}

void
zone_findings_print(const struct cmd_ctx *ctx, const struct findings *fs, struct buf *b)
{
	for (unsigned s = SEV_MAX; s-- > 0;)
		for (const struct finding *f = fs->head; f != NULL; f = f->next)
			if (f->def->severity == s && (s != SEV_NOTE || !ctx->quiet))
				finding_print(ctx, f, b);
	if (fs->n_dropped > 0)
		buf_printf(b, tr(ctx->lang, N_("%llu findings more\n")),
		    (unsigned long long)fs->n_dropped);
}

void
zone_findings_json(const struct cmd_ctx *ctx, const struct findings *fs, struct json *j)
{
	json_key(j, "findings");
	json_open(j, '[');
	for (const struct finding *f = fs->head; f != NULL; f = f->next)
		finding_json(j, f, ctx->lang);
	json_close(j, ']');
	json_kv_u64(j, "findings_dropped", fs->n_dropped);
}
