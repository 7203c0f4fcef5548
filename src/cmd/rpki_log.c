/* sekisho rpki log: what changed, when, and why. */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/timefmt.h"
#include "cmd/rpki_state.h"
#include "out/escape.h"
#include "out/findings_registry.h"

#define LIMIT_DEFAULT	50
#define LIMIT_MAX	1000000
#define GAPS_MAX	16
#define FINDINGS_SHOWN	20
/* A run's findings are recorded shortly after what it published. */
#define NEAR_SEC	3600

struct log_work {
	struct cmd_ctx		*ctx;
	int64_t			 since, until;
	uint32_t		 limit;
	struct history_query	 q;
	struct history_reader	*r;
	struct buf		 b;
	struct json		 j;
	size_t			 n;
	int64_t			 begins;	/* of the record; TIME_NEVER: it is empty */
	struct history_publication gaps[GAPS_MAX];
	size_t			 n_gaps;
};

static const struct cmd_opt opts[] = {
	{ "since", 0, "TIME", N_("from this time on (RFC 3339, or a date)") },
	{ "until", 0, "TIME", N_("up to this time, exclusive") },
	{ "limit", 'n', "N", N_("so many of the newest changes (default 50)") },
	{ 0 },
};

static int
opt(struct cmd_ctx *ctx, void *state, const struct cmd_opt *o, const char *arg)
{
	struct log_work *w = state;
	int rc;

	if (strcmp(o->name, "limit") == 0)
		rc = num_u32(sv_str(arg), 1, LIMIT_MAX, &w->limit);
	else
		rc = time_parse(sv_str(arg), strcmp(o->name, "since") == 0 ?
		    &w->since : &w->until);
	return rc == 0 ? 0 : cmd_usage(ctx, tr(ctx->lang,
	    N_("--%s: \"%s\" is not understood")), o->name, arg);
}

/* --- the finding behind a cause, with its arguments --- */

#define ARGS_MAX	FARG_PER_FINDING_MAX

static size_t
args_of(const json_t *line, struct farg *args)
{
	const char *key;
	json_t *v;
	size_t n = 0;

	json_object_foreach(json_object_get(line, "args"), key, v) {
		if (n == ARGS_MAX)
			break;
		if (json_is_string(v))
			args[n++] = FA_MSG(key, json_string_value(v));
		else if (strstr(key, "asn") != NULL || strcmp(key, "customer") == 0)
			args[n++] = FA_ASN(key, (uint32_t)json_integer_value(v));
		else
			args[n++] = FA_U(key, json_integer_value(v));
	}
	return n;
}

struct told {
	const struct finding_def *def;
	enum lang		 lang;
	struct buf		 text;	/* empty: the finding is not recorded */
};

static bool
finding_tell(void *arg, const struct history_finding *f)
{
	struct told *t = arg;
	json_t *line = json_loadb(f->line.p, f->line.n, 0, NULL);
	struct farg args[ARGS_MAX];
	struct finding x = { .def = t->def, .subject = f->subject, .args = args };

	if (line == NULL)
		return true;
	x.n_args = (unsigned)args_of(line, args);
	finding_text(&t->text, &x, t->lang);
	json_decref(line);
	return false;
}

/* What the code says: filled in if it was recorded, else how bad looks. */
static const struct finding_def *
cause_text(const struct log_work *w, const struct history_change *c, struct buf *b)
{
	struct told t = { findings_lookup(c->code), w->ctx->lang, BUF_INIT };

	if (t.def == NULL)
		return NULL;
	if (history_findings_of(w->r, c->speaker, c->code, c->at - NEAR_SEC,
	    c->at + NEAR_SEC, 1, finding_tell, &t) == 0 && t.text.len > 0 && t.text.rc == 0)
		escape_term(b, buf_get(&t.text));
	else
		buf_str(b, tr(w->ctx->lang, t.def->bad));
	buf_done(&t.text);
	return t.def;
}

/* --- one change --- */

static void
asns_json(struct json *j, const char *key, bool there, struct sv list)
{
	struct rd r = rd_sv(list);

	json_key(j, key);
	if (!there) {
		json_nil(j);
		return;
	}
	json_open(j, '[');
	while (rd_left(&r) >= 4)
		json_u64(j, rd_be32(&r));
	json_close(j, ']');
}

static const char *
kind_name(const struct history_change *c)
{
	return c->kind == HK_VRP ? "vrp" : c->kind == HK_ASPA ? "aspa" : "router-key";
}

static const char *
event_name(const struct history_change *c)
{
	if (c->kind == HK_ASPA && c->had && c->has)
		return "change";
	return c->announce ? "announce" : "withdraw";
}

#define SKI_LEN		20
#define SKI_HEX		(2 * SKI_LEN + 1)

/* NULL: it is none. */
static const char *
ski_of(const struct history_change *c, char buf[static SKI_HEX])
{
	struct sv s = c->announce ? c->after : c->before;

	return s.n == SKI_LEN ? hex_encode(buf, s.p, s.n) : NULL;
}

static void
payload_json(struct json *j, const struct history_change *c)
{
	char px[IP_PREFIX_STRLEN], ski[SKI_HEX];

	json_kv_u64(j, c->kind == HK_ASPA ? "customer" : "asn", c->asn);
	if (c->kind == HK_VRP) {
		json_kv_str(j, "prefix", ip_prefix_str(&c->prefix, px));
		json_kv_u64(j, "max_length", c->max_len);
	} else if (c->kind == HK_ASPA) {
		asns_json(j, "providers_before", c->had, c->before);
		asns_json(j, "providers_after", c->has, c->after);
	} else {
		json_kv_str(j, "ski", ski_of(c, ski));
	}
}

static void
cause_json(struct log_work *w, const struct history_change *c)
{
	_cleanup_(buf_done) struct buf text = BUF_INIT;
	const struct finding_def *def;
	struct json *j = &w->j;

	json_kv_str(j, "cause", history_cause_name((enum history_cause)c->cause));
	json_kv_str(j, "state", payload_ca_state_name((enum payload_ca_state)c->state));
	json_kv_sv(j, "speaker", c->speaker);
	if (c->code.n == 0)
		return;
	json_kv_sv(j, "code", c->code);
	if ((def = cause_text(w, c, &text)) == NULL)
		return;
	json_kv_str(j, "clause", def->clause);
	json_kv_sv(j, "text", buf_get(&text));
	json_kv_str(j, "remedy", tr(w->ctx->lang, def->remedy));
}

static void
change_json(struct log_work *w, const struct history_change *c)
{
	struct json *j = &w->j;
	char t[TIME_STRLEN];

	json_open(j, '{');
	json_kv_str(j, "time", time_str(c->at, t));
	json_kv_u64(j, "serial", c->serial);
	json_kv_str(j, "event", event_name(c));
	json_kv_str(j, "kind", kind_name(c));
	payload_json(j, c);
	json_kv_sv(j, "ta", c->ta);
	json_kv_sv(j, "ca", c->ca);
	if (!c->announce || c->cause == HC_LOCAL)
		cause_json(w, c);
	json_close(j, '}');
}

static void
asns_text(struct buf *b, struct sv list)
{
	struct rd r = rd_sv(list);
	char asn[ASN_STRLEN];

	buf_char(b, '[');
	for (bool first = true; rd_left(&r) >= 4; first = false) {
		buf_str(b, first ? "" : " ");
		buf_str(b, asn_str(rd_be32(&r), asn));
	}
	buf_char(b, ']');
}

static void
payload_text(struct buf *b, const struct history_change *c)
{
	char px[IP_PREFIX_STRLEN], asn[ASN_STRLEN], ski[SKI_HEX];
	const char *hex;

	buf_str(b, c->kind == HK_VRP ? "VRP " : c->kind == HK_ASPA ? "ASPA " : "router key ");
	buf_str(b, asn_str(c->asn, asn));
	if (c->kind == HK_VRP) {
		buf_printf(b, " %s", ip_prefix_str(&c->prefix, px));
		if (c->max_len != c->prefix.len)
			buf_printf(b, "-%u", c->max_len);
	}
	if (c->kind == HK_KEY && (hex = ski_of(c, ski)) != NULL)
		buf_printf(b, " SKI %s", hex);
	if (c->kind != HK_ASPA)
		return;
	buf_char(b, ' ');
	if (c->had)
		asns_text(b, c->before);
	buf_str(b, c->had && c->has ? " -> " : "");
	if (c->has)
		asns_text(b, c->after);
}

/* What a CA had issued can only be filtered here, what none had, asserted. */
static const char *
local_word(const struct history_change *c)
{
	if (c->ca.n > 0)
		return c->announce ?
		    N_("a local filter (rpki.slurm or rpki.exceptions) takes it out no more.") :
		    N_("a local filter (rpki.slurm or rpki.exceptions) takes it out.");
	return c->announce ? N_("a local assertion (SLURM, exception) began.") :
	    N_("a local assertion (SLURM, exception) ended.");
}

static const char *
cause_word(const struct history_change *c, enum lang lang)
{
	switch (c->cause) {
	case HC_SIGNED:
		return tr(lang, N_("its CA took it away; the CA works."));
	case HC_EXPIRED:
		return tr(lang, N_("it expired: its certificates were not renewed in time."));
	case HC_LOCAL:
		return tr(lang, local_word(c));
	case HC_TA:
		return tr(lang, N_("its trust anchor is no longer there."));
	default:
		break;
	}
	if (c->state == PCA_RETAINED)
		return tr(lang, N_("the newest data of its CA could not be used; older data does not have it."));
	if (c->state == PCA_FAILED)
		return tr(lang, N_("the publication point of its CA failed."));
	if (c->state == PCA_LOST)
		return tr(lang, N_("its CA is not valid any more, or one above it."));
	return tr(lang, N_("something above it failed."));
}

static void
cause_lines(struct log_work *w, const struct history_change *c)
{
	const struct finding_def *def;
	enum lang lang = w->ctx->lang;
	struct buf *b = &w->b;

	buf_printf(b, "    %s %s\n", tr(lang, N_("why:")), cause_word(c, lang));
	if (c->code.n == 0)
		return;
	buf_str(b, "    ");
	escape_term(b, c->code);
	buf_str(b, ": ");
	def = cause_text(w, c, b);
	if (def == NULL) {
		buf_char(b, '\n');
		return;
	}
	buf_printf(b, " [%s]\n    %s %s\n", def->clause, tr(lang, N_("next:")),
	    tr(lang, def->remedy));
}

static void
change_text(struct log_work *w, const struct history_change *c)
{
	struct buf *b = &w->b;
	char t[TIME_STRLEN];

	buf_printf(b, "%s  %c ", time_str(c->at, t),
	    c->kind == HK_ASPA && c->had && c->has ? '~' : c->announce ? '+' : '-');
	payload_text(b, c);
	buf_str(b, "  (");
	escape_term(b, c->ta);
	buf_printf(b, ", %s %u)\n", tr(w->ctx->lang, N_("serial")),
	    c->serial);
	if (c->ca.n > 0) {
		buf_str(b, "    CA ");
		escape_term(b, c->ca);
		buf_char(b, '\n');
	}
	if (!c->announce || c->cause == HC_LOCAL)
		cause_lines(w, c);
}

static bool
on_change(void *arg, const struct history_change *c)
{
	struct log_work *w = arg;

	w->n++;
	if (w->ctx->json)
		change_json(w, c);
	else
		change_text(w, c);
	return w->b.rc == 0;
}

/* --- findings of a CA, gaps, the beginning --- */

static void
found_json(struct log_work *w, const struct history_finding *f, const struct told *t)
{
	struct json *j = &w->j;
	char from[TIME_STRLEN], to[TIME_STRLEN];

	json_open(j, '{');
	json_kv_str(j, "since", time_str(f->since, from));
	json_kv_str(j, "until", f->until == 0 ? NULL : time_str(f->until, to));
	json_kv_sv(j, "code", f->code);
	json_kv_sv(j, "subject", f->subject);
	if (t->def != NULL) {
		json_kv_str(j, "severity", severity_name(t->def->severity));
		json_kv_str(j, "clause", t->def->clause);
		json_kv_sv(j, "text", buf_get(&t->text));
		json_kv_str(j, "remedy", tr(t->lang, t->def->remedy));
	}
	json_close(j, '}');
}

static void
found_text(struct log_work *w, const struct history_finding *f, const struct told *t)
{
	struct buf *b = &w->b;
	char from[TIME_STRLEN], to[TIME_STRLEN];

	buf_printf(b, "%s .. %-20s  ", time_str(f->since, from),
	    f->until == 0 ? "" : time_str(f->until, to));
	escape_term(b, f->code);
	buf_str(b, "  ");
	escape_term(b, f->subject);
	buf_char(b, '\n');
	if (t->def == NULL)
		return;
	buf_printf(b, "    %s: ", severity_name(t->def->severity));
	escape_term(b, buf_get(&t->text));
	buf_printf(b, " [%s]\n    %s %s\n", t->def->clause, tr(t->lang, N_("next:")),
	    tr(t->lang, t->def->remedy));
}

static bool
on_finding(void *arg, const struct history_finding *f)
{
	struct log_work *w = arg;
	struct told t = { findings_lookup(f->code), w->ctx->lang, BUF_INIT };

	if (t.def != NULL)
		(void)finding_tell(&t, f);
	if (t.def != NULL && t.text.len == 0)
		buf_str(&t.text, tr(t.lang, t.def->bad));
	if (w->ctx->json)
		found_json(w, f, &t);
	else
		found_text(w, f, &t);
	if (t.text.rc < 0 && w->b.rc == 0)
		w->b.rc = t.text.rc;
	buf_done(&t.text);
	return w->b.rc == 0;
}

static bool
on_publication(void *arg, const struct history_publication *p)
{
	struct log_work *w = arg;

	w->begins = p->at;
	if (p->kind == HP_GAP && p->at >= w->q.since && p->at < w->q.until &&
	    w->n_gaps < GAPS_MAX)
		w->gaps[w->n_gaps++] = *p;
	return true;
}

static void
end_text(struct log_work *w)
{
	enum lang lang = w->ctx->lang;
	char t[TIME_STRLEN];

	for (size_t i = 0; i < w->n_gaps; i++) {
		buf_printf(&w->b, tr(lang, N_("%s: a gap; what changed before serial %u was not seen")),
		    time_str(w->gaps[i].at, t), w->gaps[i].serial);
		buf_char(&w->b, '\n');
	}
	if (w->n > 0)
		return;
	if (w->begins == TIME_NEVER)
		buf_str(&w->b, tr(lang, N_("nothing is recorded yet")));
	else
		buf_printf(&w->b, tr(lang, N_("no change; the record begins at %s")),
		    time_str(w->begins, t));
	buf_char(&w->b, '\n');
}

static void
end_json(struct log_work *w)
{
	char t[TIME_STRLEN];

	json_key(&w->j, "gaps");
	json_open(&w->j, '[');
	for (size_t i = 0; i < w->n_gaps; i++) {
		json_open(&w->j, '{');
		json_kv_str(&w->j, "time", time_str(w->gaps[i].at, t));
		json_kv_u64(&w->j, "serial", w->gaps[i].serial);
		json_close(&w->j, '}');
	}
	json_close(&w->j, ']');
	json_kv_str(&w->j, "record_begins", w->begins == TIME_NEVER ? NULL :
	    time_str(w->begins, t));
	json_close(&w->j, '}');
	buf_char(&w->b, '\n');
}

static int
findings_print(struct log_work *w)
{
	int rc;

	if (w->ctx->json) {
		json_key(&w->j, "findings");
		json_open(&w->j, '[');
	}
	rc = w->q.ca.n == 0 ? 0 : history_findings_of(w->r, w->q.ca, (struct sv){ 0 },
	    w->q.since, w->q.until, FINDINGS_SHOWN, on_finding, w);
	if (w->ctx->json)
		json_close(&w->j, ']');
	return rc;
}

static int
print(struct log_work *w)
{
	int rc;

	w->j = json_on(&w->b, false);
	if (w->ctx->json) {
		json_open(&w->j, '{');
		json_key(&w->j, "changes");
		json_open(&w->j, '[');
	}
	rc = history_changes(w->r, &w->q, on_change, w);
	if (w->ctx->json)
		json_close(&w->j, ']');
	if (rc < 0 || (rc = findings_print(w)) < 0 ||
	    (rc = history_publications(w->r, SIZE_MAX / 2, on_publication, w)) < 0)
		return rc;
	if (w->ctx->json)
		end_json(w);
	else
		end_text(w);
	return w->b.rc;
}

static int
subject_parse(struct log_work *w, const char *text)
{
	struct sv s = sv_str(text);

	/* What changed hangs on CAs' manifests; findings, on servers, too. */
	if (sv_starts(s, SV("rsync://")) || sv_starts(s, SV("https://")) || sv_starts(s, SV("ta:")))
		w->q.ca = s;
	else if (asn_parse(s, &w->q.asn) == 0)
		w->q.by_asn = true;
	else if (ip_prefix_parse_host(s, &w->q.prefix) == 0)
		w->q.by_prefix = true;
	else
		return cmd_usage(w->ctx, tr(w->ctx->lang,
		    N_("\"%s\" is no prefix, AS number, rsync URI of a CA's manifest, or publication server (https://…, rsync://…, ta:NAME)")), text);
	return 0;
}

static int
run(struct cmd_ctx *ctx, void *state, int argc, char **argv)
{
	struct log_work *w = state;
	char dir[STATE_DIR_MAX];
	int rc;

	w->ctx = ctx;
	w->begins = TIME_NEVER;
	w->q.since = w->since;
	w->q.until = w->until != 0 ? w->until : TIME_NEVER;
	w->q.limit = w->limit != 0 ? w->limit : LIMIT_DEFAULT;
	if (argc > 1)
		return cmd_usage(ctx, "%s", tr(ctx->lang, N_("give one subject, or none")));
	if ((argc == 1 && (rc = subject_parse(w, argv[0])) != 0) ||
	    (rc = rpki_state_dir(ctx, dir)) != 0 ||
	    (rc = rpki_history_open(ctx, dir, &w->r)) != 0)
		return rc;
	rc = print(w);
	if (rc == 0 && fwrite(w->b.p, 1, w->b.len, stdout) != w->b.len)
		rc = -EIO;
	if (rc < 0)
		cmd_err("%s: %s", dir, err_str(rc));
	buf_done(&w->b);
	w->r = history_reader_free(w->r);
	return rc < 0 ? EXIT_CANNOT : EXIT_GOOD;
}

extern const struct cmd cmd_rpki_log;
const struct cmd cmd_rpki_log = {
	.area = "rpki", .verb = "log", .args = "[PREFIX | ASN | URI]",
	.summary = N_("what changed, when, and why: VRPs, ASPAs, router keys"),
	.opts = opts, .opt = opt, .state_size = sizeof(struct log_work),
	.run = run,
};
