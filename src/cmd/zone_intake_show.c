/* What sekisho zone intake prints. */
#include <stdio.h>

#include "base/json.h"
#include "cmd/zone.h"
#include "cmd/zone_intake.h"
#include "dnssec/dnssec.h"
#include "out/escape.h"
#include "out/table.h"

/* --- what may go upward --- */

/* The key that a record means, if the zone has it; else empty. */
static struct sv
key_of(const struct intake_work *w, const struct intake_record *r)
{
	if (r->type == RR_DNSKEY)
		return r->rdata;
	for (size_t i = 0; i < w->n_views; i++)
		for (size_t k = 0; k < w->view[i].keys.n; k++)
			if (ds_matches(r->rdata, &w->zone, w->view[i].keys.rdata[k]))
				return w->view[i].keys.rdata[k];
	return (struct sv){ 0 };
}

static bool
was_before(const struct intake_work *w, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (w->entered[i].type == w->entered[n].type && sv_eq(w->entered[i].rdata, w->entered[n].rdata))
			return true;
	return false;
}

/* DS or DNSKEY data of what was entered, as text; empty: not known. */
static void
form_print(const struct intake_work *w, const struct intake_record *r, bool as_ds, struct buf *b)
{
	uint8_t ds[DS_RDATA_MAX];
	size_t n;

	if (!as_ds)
		rdata_print(b, RR_DNSKEY, key_of(w, r));
	else if (r->type == RR_DS)
		rdata_print(b, RR_DS, r->rdata);
	else if (ds_write(&w->zone, r->rdata, 2, ds, &n) == 0)
		rdata_print(b, RR_DS, (struct sv){ (const char *)ds, n });
}

static bool
form_wanted(const struct intake_work *w, bool as_ds)
{
	unsigned forms = w->registry->forms;

	return forms == 0 || (forms & (as_ds ? INTAKE_FORM_DS : INTAKE_FORM_KEY)) != 0;
}

static void
send_print(const struct cmd_ctx *ctx, const struct intake_work *w, struct buf *b)
{
	char name[DNAME_STRLEN];

	buf_str(b, tr(ctx->lang, N_("What to send to the registry:\n")));
	for (unsigned as_ds = 2; as_ds-- > 0;)
		for (size_t i = 0; i < w->n_entered && form_wanted(w, as_ds != 0); i++) {
			if (was_before(w, i) || (as_ds == 0 && key_of(w, &w->entered[i]).n == 0))
				continue;
			buf_printf(b, "  %s %s ", dname_str(&w->zone, name), as_ds != 0 ? "DS" : "DNSKEY");
			form_print(w, &w->entered[i], as_ds != 0, b);
			buf_char(b, '\n');
		}
}

/* --- text --- */

static void
server_print(const struct cmd_ctx *ctx, const struct intake_view *v, struct buf *b)
{
	buf_str(b, "  ");
	escape_term(b, sv_str(v->server->name));
	if (strcmp(v->server->name, v->server->address) != 0)
		buf_printf(b, " (%s)", v->server->address);
	if (v->why != NULL)
		buf_printf(b, ": %s\n", tr(ctx->lang, v->why));
	else
		buf_printf(b, tr(ctx->lang, N_(": %zu keys\n")), v->keys.n);
}

void
intake_text_print(const struct cmd_ctx *ctx, const struct intake_work *w, struct buf *b)
{
	bool bad = findings_reject(&w->fs);

	escape_term(b, w->fs.subject);
	buf_printf(b, ": %s\n", bad ? tr(ctx->lang, N_("DO NOT SEND IT: see what is named below")) :
	    w->fs.n_by_severity[SEV_WARN] > 0 ? tr(ctx->lang, N_("may be sent, with the warnings below")) :
	    tr(ctx->lang, N_("may be sent")));
	if (!ctx->quiet && w->dnskey_file == NULL) {
		buf_printf(b, tr(ctx->lang, N_("Asked: %zu servers of the zone, %zu of the parent; %zu DS records stand there\n")),
		    w->n_views, w->parents.n, w->n_standing);
		for (size_t i = 0; i < w->n_views; i++)
			server_print(ctx, &w->view[i], b);
	}
	zone_findings_print(ctx, &w->fs, b);
	if (!bad)
		send_print(ctx, w, b);
}

/* --- JSON --- */

static void
rdata_json(struct json *j, uint16_t type, struct sv rdata)
{
	_cleanup_(buf_done) struct buf text = BUF_INIT;

	rdata_print(&text, type, rdata);
	json_sv(j, buf_get(&text));
}

static void
servers_json(const struct cmd_ctx *ctx, const struct intake_work *w, struct json *j)
{
	json_key(j, "servers");
	json_open(j, '[');
	for (size_t i = 0; i < w->n_views; i++) {
		const struct intake_view *v = &w->view[i];

		json_open(j, '{');
		json_kv_str(j, "name", v->server->name);
		json_kv_str(j, "address", v->server->address);
		json_kv_str(j, "why", v->why == NULL ? NULL : tr(ctx->lang, v->why));
		json_key(j, "tags");
		json_open(j, '[');
		for (size_t k = 0; k < v->keys.n; k++)
			json_u64(j, dnskey_tag(v->keys.rdata[k]));
		json_close(j, ']');
		json_close(j, '}');
	}
	json_close(j, ']');
}

static void
send_json(const struct intake_work *w, struct json *j)
{
	static const char *const names[] = { "send_dnskey", "send_ds" };

	for (unsigned as_ds = 2; as_ds-- > 0;) {
		json_key(j, names[as_ds]);
		json_open(j, '[');
		for (size_t i = 0; i < w->n_entered && form_wanted(w, as_ds != 0) && !findings_reject(&w->fs); i++) {
			_cleanup_(buf_done) struct buf text = BUF_INIT;

			if (was_before(w, i) || (as_ds == 0 && key_of(w, &w->entered[i]).n == 0))
				continue;
			form_print(w, &w->entered[i], as_ds != 0, &text);
			json_sv(j, buf_get(&text));
		}
		json_close(j, ']');
	}
}

void
intake_json_print(const struct cmd_ctx *ctx, const struct intake_work *w, struct buf *b)
{
	struct json j = json_on(b, true);
	char name[DNAME_STRLEN];

	json_open(&j, '{');
	json_kv_str(&j, "zone", dname_str(&w->zone, name));
	json_kv_i64(&j, "at", w->now);
	json_kv_bool(&j, "accepted", !findings_reject(&w->fs));
	json_kv_str(&j, "registry", w->registry->tld);
	servers_json(ctx, w, &j);
	json_key(&j, "entered");
	json_open(&j, '[');
	for (size_t i = 0; i < w->n_entered; i++)
		rdata_json(&j, w->entered[i].type, w->entered[i].rdata);
	json_close(&j, ']');
	json_key(&j, "standing");
	json_open(&j, '[');
	for (size_t i = 0; i < w->n_standing; i++)
		rdata_json(&j, RR_DS, w->standing[i]);
	json_close(&j, ']');
	send_json(w, &j);
	zone_findings_json(ctx, &w->fs, &j);
	json_close(&j, '}');
	buf_char(b, '\n');
}

/* --- the table of registries --- */

/* "8,13"; "all but 5,7"; "-": no list. */
static void
list_print(const struct cmd_ctx *ctx, uint32_t list, struct buf *b)
{
	bool except = (list >> INTAKE_OTHERS & 1) != 0, first = true;

	if (list == 0)
		buf_char(b, '-');
	if (except)
		buf_str(b, tr(ctx->lang, N_("all but ")));
	for (unsigned i = 0; i < INTAKE_OTHERS && list != 0; i++)
		if ((list >> i & 1) != except) {
			buf_printf(b, first ? "%u" : ",%u", i);
			first = false;
		}
}

/* What its EPP lacks of RFC 5910. */
static void
epp_print(const struct cmd_ctx *ctx, unsigned epp, struct buf *b)
{
	static const char *const texts[] = {
		N_("EPP without maxSigLife"), N_("EPP without \"urgent\""), N_("EPP with objects of its own"),
	};

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		if ((epp >> i & 1) != 0)
			buf_printf(b, "; %s", tr(ctx->lang, texts[i]));
}

void
intake_rules_print(const struct cmd_ctx *ctx, struct buf *b)
{
	static const char *const forms[] = { "-", "DS", "DNSKEY", "DS DNSKEY" };
	static const char *const heads[] = {
		N_("TLD"), N_("form"), N_("algorithms"), N_("digests"), N_("max"),
	};
	static const unsigned widths[] = { 9, 11, 25, 13, 5 };
	const struct intake_registry *r;
	size_t n;

	r = intake_registries(&n);
	for (size_t i = 0; i < ARRAY_LEN(heads); i++)
		table_cell(b, tr(ctx->lang, heads[i]), widths[i], false);
	buf_printf(b, "%s\n", tr(ctx->lang, N_("source, date")));
	for (size_t i = 0; i < n; i++) {
		_cleanup_(buf_done) struct buf algs = BUF_INIT, digests = BUF_INIT;
		char max[16] = "-";

		list_print(ctx, r[i].algs, &algs);
		list_print(ctx, r[i].digests, &digests);
		buf_char(&algs, '\0');
		buf_char(&digests, '\0');
		if (r[i].max > 0)
			(void)snprintf(max, sizeof(max), "%u", r[i].max);
		table_cell(b, r[i].tld[0] == '\0' ? "*" : r[i].tld, widths[0], false);
		table_cell(b, forms[r[i].forms], widths[1], false);
		table_cell(b, algs.rc == 0 ? algs.p : "", widths[2], false);
		table_cell(b, digests.rc == 0 ? digests.p : "", widths[3], false);
		table_cell(b, max, widths[4], false);
		buf_printf(b, "%s, %s", tr(ctx->lang, r[i].source), r[i].date);
		epp_print(ctx, r[i].epp, b);
		buf_char(b, '\n');
	}
}
