/* One report: all that is known of it (--show), or its text as it is sent (--xml). */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "app/mail_reports.h"
#include "app/mail_reports_text.h"
#include "base/err.h"
#include "cmd/mail_reports.h"
#include "out/escape.h"
#include "out/table.h"

#define LABEL_CELLS	14
#define ULL(v)		((unsigned long long)(v))

/* --- who reports, as role report has it --- */

static struct mail_reports_conf
reporter_of(const struct conf *c)
{
	struct sv email = sv_str(app_conf_str(c, CONF_REPORTING_EMAIL));
	struct sv submitter = sv_skip(email, sv_rfind(email, '@') + 1);
	struct sv name = sv_str(app_conf_str(c, CONF_REPORTING_ORG));

	if (name.n == 0)
		name = sv_str(app_conf_str(c, CONF_ORG_NAME));
	return (struct mail_reports_conf){
		.org_name = name.n > 0 ? name : submitter, .email = email, .submitter = submitter,
		.contact = sv_str(app_conf_str(c, CONF_REPORTING_CONTACT)),
		.generator = SV("Sekisho " SEKISHO_VERSION),
		.form = strcmp(app_conf_str(c, CONF_REPORTING_FORM), "7489") == 0 ? REPORT_RFC7489 :
		    REPORT_RFC9990,
		.mail_max = (size_t)app_conf_u32(c, CONF_REPORTING_MAIL_MAX) << 20,
	};
}

/* --- its text --- */

struct parts {
	unsigned	 wanted, n;	/* from 0; how many there are */
	struct buf	*gz;
};

static int
part_take(void *arg, unsigned n, const struct report_meta *meta UNUSED, struct sv gz)
{
	struct parts *p = arg;

	p->n = n + 1;
	if (n == p->wanted)
		buf_sv(p->gz, gz);
	return p->gz->rc;
}

static int
piece_print(void *arg UNUSED, struct sv piece)
{
	return fwrite(piece.p, 1, piece.n, stdout) == piece.n ? 0 : -EIO;
}

static int
xml_find(struct mail_reports_work *w, struct parts *p)
{
	const struct mail_reports_conf conf = reporter_of(w->store.conf);
	struct reports_report report;
	int rc = reports_report(w->store.reports, w->id, w->pool, &report);

	return rc < 0 ? rc : mail_reports_write(w->store.reports, &conf, &report, part_take, p);
}

static int
xml_print(const struct cmd_ctx *ctx, const struct parts *p)
{
	int rc;

	if (p->n > 1 && !ctx->quiet)
		cmd_err(tr(ctx->lang, N_("part %u of %u; --part shows the others")), p->wanted + 1, p->n);
	if ((rc = mail_reports_text(buf_get(p->gz), piece_print, NULL)) == 0)
		return EXIT_GOOD;
	cmd_err("%s", err_str(rc));
	return EXIT_CANNOT;
}

int
mail_reports_xml(struct mail_reports_work *w)
{
	struct parts p = { .wanted = w->part > 0 ? w->part - 1 : 0, .gz = &w->b };
	const struct cmd_ctx *ctx = w->ctx;
	int rc;

	if (app_conf_str(w->store.conf, CONF_REPORTING_EMAIL)[0] == '\0')
		return cmd_usage(ctx, "%s", tr(ctx->lang, N_("mail.reporting.email is empty: nobody is there who reports")));
	if ((rc = xml_find(w, &p)) == -ENOENT) {
		cmd_err(tr(ctx->lang, N_("there is no report %llu (any more)")), ULL(w->id));
		return EXIT_REJECTED;
	}
	if (rc == -EBADMSG) {
		cmd_err(tr(ctx->lang, N_("report %llu was made by another version of Sekisho: only that one can write it")), ULL(w->id));
		return EXIT_CANNOT;
	}
	if (rc < 0)
		return mail_store_fail(ctx, &w->store, rc);
	mail_store_done(&w->store);
	if (p.n > p.wanted)
		return xml_print(ctx, &p);
	cmd_err(tr(ctx->lang, N_("report %llu has %u parts")), ULL(w->id), p.n);
	return EXIT_REJECTED;
}

/* --- all that is known of it --- */

struct one {
	struct mail_reports_work *w;
	struct reports_report	 report;
	uint64_t		 n_kinds, n_messages;
	unsigned		 n_parts;
	char			 id[64];	/* of the first part; empty: nobody reports */
	struct sv		 rua;		/* octets of mail/row.h */
	bool			 is_asking;
	unsigned		 n_to;
};

static int
kind_count(void *arg, struct sv alike UNUSED, uint64_t count)
{
	struct one *o = arg;

	o->n_kinds++;
	o->n_messages += count;
	return 0;
}

static int
part_count(void *arg, unsigned n, const struct report_meta *meta, struct sv gz UNUSED)
{
	struct one *o = arg;

	o->n_parts = n + 1;
	if (n == 0)
		(void)snprintf(o->id, sizeof(o->id), "%.*s", SV_ARG(meta->report_id));
	return 0;
}

static int
one_find(struct one *o)
{
	const struct mail_reports_conf conf = reporter_of(o->w->store.conf);
	struct reports *r = o->w->store.reports;
	int rc;

	if ((rc = reports_report(r, o->w->id, o->w->pool, &o->report)) < 0 ||
	    (rc = reports_rows(r, o->w->id, kind_count, o)) < 0)
		return rc;
	if ((rc = reports_rua(r, o->report.domain, o->w->pool, &o->rua)) < 0 && rc != -ENOENT)
		return rc;
	if (conf.email.n == 0 || o->n_kinds == 0)
		return 0;
	rc = mail_reports_write(r, &conf, &o->report, part_count, o);
	return rc == -EBADMSG ? 0 : rc;		/* of another version: it has no text, but all else */
}

static void
label_put(struct one *o, const char *label)
{
	buf_str(&o->w->b, "  ");
	table_cell(&o->w->b, tr(o->w->ctx->lang, label), LABEL_CELLS, false);
}

/* What its owner's record said last; not what it said that day. */
static void
rua_put(struct one *o)
{
	struct mail_reports_work *w = o->w;
	const struct sv *uris = NULL;
	size_t n = 0;

	if (o->rua.p != NULL && mail_row_rua_parse(o->rua, w->pool, &uris, &n) < 0)
		n = 0;
	if (w->ctx->json) {
		json_key(&w->j, "rua");
		json_open(&w->j, '[');
	}
	for (size_t i = 0; i < n; i++) {
		if (w->ctx->json) {
			json_sv(&w->j, uris[i]);
			continue;
		}
		label_put(o, N_("wanted at"));
		escape_term(&w->b, uris[i]);
		buf_char(&w->b, '\n');
	}
	if (w->ctx->json)
		json_close(&w->j, ']');
}

static void
head_text(struct one *o)
{
	struct mail_reports_work *w = o->w;
	char day[DAY_STRLEN], at[TIME_STRLEN];

	buf_printf(&w->b, tr(w->ctx->lang, N_("report %llu about ")), ULL(o->report.id));
	escape_term(&w->b, o->report.domain);
	buf_printf(&w->b, ", %s (UTC)\n", mail_store_day(o->report.day * REPORTS_DAY_SEC, day));
	label_put(o, N_("made"));
	buf_printf(&w->b, "%s\n", time_str(o->report.made, at));
	label_put(o, N_("messages"));
	buf_printf(&w->b, tr(w->ctx->lang, N_("%llu, in %llu records\n")), ULL(o->n_messages), ULL(o->n_kinds));
	if (o->id[0] != '\0') {
		label_put(o, "Report-ID");
		escape_term(&w->b, sv_str(o->id));
		buf_char(&w->b, '\n');
	}
	if (o->n_parts > 1) {
		label_put(o, N_("parts"));
		buf_printf(&w->b, "%u\n", o->n_parts);
	}
	rua_put(o);
}

static void
head_json(struct one *o)
{
	struct json *j = &o->w->j;

	json_open(j, '{');
	json_kv_u64(j, "id", o->report.id);
	json_kv_sv(j, "domain", o->report.domain);
	json_kv_i64(j, "day", o->report.day * REPORTS_DAY_SEC);
	json_kv_i64(j, "made", o->report.made);
	json_kv_u64(j, "messages", o->n_messages);
	json_kv_u64(j, "records", o->n_kinds);
	json_kv_str(j, "report_id", o->id[0] != '\0' ? o->id : NULL);
	json_kv_u64(j, "parts", o->n_parts);
	rua_put(o);
	json_key(j, "to");
	json_open(j, '[');
}

static void
sending_text(struct one *o, const struct reports_sending *s)
{
	struct mail_reports_work *w = o->w;
	char at[TIME_STRLEN];

	label_put(o, mail_reports_state_text(s->state));
	buf_printf(&w->b, "%s  ", s->next > 0 ? time_str(s->next, at) : "-");
	escape_term(&w->b, s->address);
	buf_printf(&w->b, tr(w->ctx->lang, N_(" (tries: %llu)")), ULL(s->attempts));
	if (s->error.n > 0) {
		buf_str(&w->b, ": ");
		escape_term(&w->b, s->error);
	}
	buf_char(&w->b, '\n');
}

static void
sending_json(struct json *j, const struct reports_sending *s)
{
	json_open(j, '{');
	json_kv_sv(j, "address", s->address);
	json_kv_str(j, "state", mail_reports_states[s->state]);
	json_kv_u64(j, "attempts", s->attempts);
	json_kv_end(j, "when", s->next > 0 ? s->next : TIME_NEVER);
	json_kv_sv(j, "error", s->error);
	json_close(j, '}');
}

static int
on_listed(void *arg, const struct reports_listed *l)
{
	struct one *o = arg;

	if (l->sending.report.id != o->w->id)
		return 0;
	o->is_asking = !l->is_addressed;
	o->n_to += l->sending.address.n > 0;
	if (l->sending.address.n == 0)
		return 0;
	if (o->w->ctx->json)
		sending_json(&o->w->j, &l->sending);
	else
		sending_text(o, &l->sending);
	return o->w->b.rc;
}

/* It goes to nobody, or that is not known yet. */
static void
nobody_put(struct one *o)
{
	struct mail_reports_work *w = o->w;

	if (w->ctx->json)
		json_kv_str(&w->j, "state", mail_reports_states[o->is_asking ? REPORTS_ASKING : REPORTS_NOBODY]);
	else
		buf_printf(&w->b, "  %s\n", tr(w->ctx->lang, o->is_asking ?
		    N_("it is not known yet to whom it goes: the DNS is asked whether those who are named agree") :
		    N_("it goes to nobody: those who are named did not agree in the DNS (RFC 9990 section 4), refused too often, or have no usable address")));
}

int
mail_reports_show(struct mail_reports_work *w)
{
	struct one o = { .w = w };
	struct reports_wish wish = { .state = -1, .max = INT64_MAX };
	int rc;

	if ((rc = one_find(&o)) < 0)
		return rc;
	(w->ctx->json ? head_json : head_text)(&o);
	wish.domain = o.report.domain;
	wish.day = o.report.day;
	if ((rc = reports_list(w->store.reports, &wish, on_listed, &o)) < 0)
		return rc;
	if (w->ctx->json)
		json_close(&w->j, ']');
	if (o.n_to == 0)
		nobody_put(&o);
	if (w->ctx->json) {
		json_close(&w->j, '}');
		buf_char(&w->b, '\n');
	}
	return w->b.rc;
}
