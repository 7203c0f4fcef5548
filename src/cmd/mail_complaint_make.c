/* sekisho mail complaint make: a complaint about a message (RFC 5965, 6650), people in it as words (RFC 6590). */
#include <errno.h>
#include <stdio.h>

#include "app/conf.h"
#include "app/mail_out.h"
#include "app/mail_redact.h"
#include "base/err.h"
#include "base/hash.h"
#include "cmd/mail_complaint.h"
#include "crypto/crypto.h"
#include "mail/report.h"
#include "sys/proc.h"

#define ID_OCTETS	16
#define SEND_SEC	60

/* --- to whom --- */

/* Does the name, or one above it, stand for the message? */
static bool
is_behind(const struct complaint *s, const struct dname *name)
{
	const struct mail_judge_out *o = &s->m.out;

	for (size_t i = 0; i < o->n_dkim; i++)
		if (o->dkim[i].result == MAIL_PASS && dname_within(&o->dkim[i].sig->domain_name, name))
			return true;
	return o->dmarc.now.result == MAIL_PASS && o->dmarc.n_authors == 1 &&
	    dname_within(&o->dmarc.authors[0].name, name);
}

/* mail.complaints: the longest domain that stands for the message. */
static struct sv
agreed_find(const struct complaint *s)
{
	const struct conf_value *v = s->conf == NULL ? NULL : &s->conf->values[CONF_MAIL_COMPLAINTS];
	struct sv found = SV("");
	struct dname name;
	uint8_t len = 0;

	for (size_t i = 0; v != NULL && i < v->n; i++) {
		const struct conf_value *cols = v->items[i].cols;
		const struct conf_value *domain = &cols[CONF_COMPLAINT_DOMAIN - CONF_MAIL_COMPLAINTS - 1];
		const struct conf_value *to = &cols[CONF_COMPLAINT_TO - CONF_MAIL_COMPLAINTS - 1];

		if (domain->n == 0 || to->n == 0 || dname_parse(domain->items[0].text, NULL, &name) < 0 ||
		    name.len <= len || !is_behind(s, &name))
			continue;
		found = to->items[0].text;
		len = name.len;
	}
	return found;
}

/* As the message says itself, if who is behind it stands for that (RFC 9477). */
static int
to_find(const struct cmd_ctx *ctx, struct complaint *s, struct sv *ret)
{
	const struct mail_judge_out *o = &s->m.out;
	struct dkim_sig *sigs = pool_calloc(s->pool, o->n_dkim + 1, sizeof(*sigs));
	enum mail_result *results = pool_calloc(s->pool, o->n_dkim + 1, sizeof(*results));

	*ret = s->to != NULL ? sv_str(s->to) : agreed_find(s);
	if (s->to != NULL || ret->n > 0)
		return 0;
	if (sigs == NULL || results == NULL)
		return EXIT_CANNOT;
	for (size_t i = 0; i < o->n_dkim; i++) {
		sigs[i] = *o->dkim[i].sig;
		results[i] = o->dkim[i].result;
	}
	*ret = SV("");
	if (o->dmarc.n_authors == 1 && feedback_cfbl(&s->m.head, &o->dmarc.authors[0].name, sigs, results,
	    o->n_dkim, s->pool, ret) < 0)
		return EXIT_CANNOT;
	if (ret->n > 0)
		return 0;
	cmd_err("%s", tr(ctx->lang, N_("to whom? The message names no CFBL-Address that its signatures stand for (RFC 9477); say it with --to")));
	return EXIT_REJECTED;
}

/* --- what is in it --- */

/* A complaint about a complaint, or about a report, would go round in circles. */
static int
message_check(const struct cmd_ctx *ctx, struct complaint *s)
{
	struct findings unsaid;

	findings_init(&unsaid, s->pool);
	if (feedback_parse(s->pool, s->m.text, &unsaid, &s->f) < 0)
		return EXIT_CANNOT;
	if (s->f == NULL || !s->f->has_report)
		return 0;
	cmd_err("%s", tr(ctx->lang, N_("this is itself a complaint or a report: none is made about one")));
	return EXIT_REJECTED;
}

/* When our own server took it: the date of the uppermost Received field. 0: it is not known. */
static int64_t
arrival_find(const struct mail_head *head)
{
	int64_t at;

	for (size_t i = 0; i < head->n; i++) {
		struct sv value = head->fields[i].value;

		if (!sv_caseeq(head->fields[i].name, SV("Received")))
			continue;
		value = sv_skip(value, sv_rfind(value, ';') + 1);
		return feedback_date_parse(sv_trim(value), &at) == 0 ? at : 0;
	}
	return 0;
}

static int
key_take(const struct cmd_ctx *ctx, struct complaint *s, struct sv *ret)
{
	char path[4200] = "";
	int rc;

	if (s->key != NULL)
		(void)snprintf(path, sizeof(path), "%s", s->key);
	else if (s->conf != NULL && app_conf_str(s->conf, CONF_FAILURE_KEY)[0] != '\0')
		(void)snprintf(path, sizeof(path), "%s", app_conf_str(s->conf, CONF_FAILURE_KEY));
	else if (s->conf != NULL)
		(void)snprintf(path, sizeof(path), "%s/" MAIL_REDACT_FILE, app_conf_str(s->conf, CONF_STATE));
	if ((rc = path[0] == '\0' ? -ENOENT : mail_redact_key(path, s->key == NULL, s->pool, ret)) == 0)
		return 0;
	cmd_err(tr(ctx->lang, N_("the key of redaction (--key, 16 octets at least, for its owner only): %s: %s")), path, err_str(rc));
	return EXIT_CANNOT;
}

static int
results_take(struct complaint *s, struct buf *b)
{
	report_results_redact(&s->m.results);
	authres_write(b, &s->m.results, sizeof("Authentication-Results:") - 1, false);
	return b->rc < 0 ? EXIT_CANNOT : 0;
}

/* The same for the same message and address: a second copy is known to be one. */
static struct sv
id_make(const struct complaint *s, struct sv to, char text[static 2 * ID_OCTETS + 1])
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	uint8_t sum[SHA256_LEN];

	buf_sv(&b, to);
	buf_char(&b, '\n');
	buf_sv(&b, s->m.text);
	crypto_sha256(b.p, b.len, sum);
	return sv_take(sv_str(hex_encode(text, sum, ID_OCTETS)), b.rc < 0 ? 0 : 2 * ID_OCTETS);
}

static int
mail_put(const struct cmd_ctx *ctx, struct complaint *s, struct sv to, struct sv key, struct buf *b)
{
	_cleanup_(buf_done) struct buf results = BUF_INIT;
	const char *from = s->from != NULL ? s->from : s->conf != NULL ? app_conf_str(s->conf, CONF_REPORTING_EMAIL) : "";
	const struct dmarc_out *d = &s->m.out.dmarc;
	struct mail_address sender;
	char id[2 * ID_OCTETS + 1];
	int rc = results_take(s, &results);

	if (rc != 0)
		return rc;
	const struct feedback_out o = {
		.type = FEEDBACK_ABUSE, .from = sv_str(from), .to = to,
		.submitter = sv_skip(sv_str(from), sv_rfind(sv_str(from), '@') + 1), .id = id_make(s, to, id),
		.agent = SV("Sekisho/" SEKISHO_VERSION),
		.domain = d->n_authors > 0 ? mail_name_text(s->pool, &d->authors[0].name) :
		    sv_skip(to, sv_rfind(to, '@') + 1),
		.auth_results = buf_get(&results), .at = ctx->now,
		.arrived = arrival_find(&s->m.head),
		.has_source = s->m.in.has_client, .source = s->m.in.client,
		.mail_from = mail_envelope(s->pool, s->m.in.sender, &sender) == 0 ? &sender : NULL,
		.incidents = 1, .head = &s->m.head, .key = key,
	};

	if ((rc = feedback_write(b, s->pool, &o)) == 0)
		return 0;
	if (rc == -EINVAL)
		return cmd_usage(ctx, "%s", tr(ctx->lang,
		    N_("--from takes one address, such as abuse@example.net, and --to one or several with commas between them")));
	cmd_err("%s", err_str(rc));
	return EXIT_CANNOT;
}

/* Results say who found them: as role milter has it. */
static void
id_take(struct complaint *s)
{
	if (s->m.id == NULL && s->conf != NULL && app_conf_str(s->conf, CONF_MAIL_AUTHSERV_ID)[0] != '\0')
		s->m.id = app_conf_str(s->conf, CONF_MAIL_AUTHSERV_ID);
}

/* The same mail to each. */
static int
all_send(struct mail_out *out, struct sv list, const struct buf *b, struct sv *ret_said)
{
	do {
		struct sv to = sv_cut(&list, ',');

		if (mail_out_send(out, "", to, buf_get(b), ret_said) != MAIL_REPORTS_GOOD)
			return -EIO;
	} while (list.n > 0);
	return 0;
}

/* By the way that reports go; with the null sender, as nobody waits for a bounce. */
static int
mail_send(const struct cmd_ctx *ctx, const struct complaint *s, struct sv to, const struct buf *b)
{
	_cleanup_(mail_out_freep) struct mail_out *out = NULL;
	char host[256] = "", folder[4200];
	struct mail_out_conf c = { .sender = "", .helo = proc_host_name(host, sizeof(host)), .folder = folder,
		.timeout_sec = SEND_SEC };
	struct sv said = SV("");
	const char *what = "mail.reporting.via";

	if (s->conf == NULL) {
		cmd_err("%s", tr(ctx->lang, N_("--send needs a configuration: mail.reporting.via says who delivers")));
		return EXIT_CANNOT;
	}
	(void)snprintf(folder, sizeof(folder), "%s/mail-out", app_conf_str(s->conf, CONF_STATE));
	if (mail_via_parse(sv_str(app_conf_str(s->conf, CONF_REPORTING_VIA)), &c.via) == 0 &&
	    mail_out_new(&c, &out, &what) == 0 && all_send(out, to, b, &said) == 0)
		return EXIT_GOOD;
	cmd_err(tr(ctx->lang, N_("not sent by %s: %.*s")), app_conf_str(s->conf, CONF_REPORTING_VIA),
	    SV_ARG(said.n > 0 ? said : sv_str(what)));
	return EXIT_CANNOT;
}

int
complaint_make(const struct cmd_ctx *ctx, struct complaint *s, const char *name)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	struct sv to, key;
	int rc;

	id_take(s);
	if ((rc = mail_take(ctx, &s->m, name)) != 0 || (rc = message_check(ctx, s)) != 0 ||
	    (rc = to_find(ctx, s, &to)) != 0 || (rc = key_take(ctx, s, &key)) != 0 ||
	    (rc = mail_put(ctx, s, to, key, &b)) != 0)
		return rc;
	if (s->is_send)
		return mail_send(ctx, s, to, &b);
	return cmd_out(&b) == 0 ? EXIT_GOOD : EXIT_CANNOT;
}
