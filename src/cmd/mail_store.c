/* The store of reports, opened only to look; and what to do where that is not possible. */
#include "cmd/mail_store.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "app/mail_reporting.h"
#include "base/err.h"
#include "mail/mail.h"
#include "mail/message.h"
#include "out/escape.h"
#include "out/table.h"
#include "sys/file.h"

static bool
is_off(const struct mail_store *s)
{
	return strcmp(app_conf_str(s->conf, CONF_MAIL_REPORTS), "none") == 0;
}

/* The address of a server stays untold: who sees the screen need not know who is whose. */
static const char *
name_of(const struct mail_store *s)
{
	return s->is_server ? "mail.reporting.store" : s->where;
}

static const char *
why_server(int rc)
{
	switch (rc) {
	case -EACCES:
		return N_("%s: the server does not let us in; see the user in the address, and the file behind passfile=, which only its owner may read");
	case -ENOENT:
		return N_("%s: the server has no database of that name");
	case SE_FORMAT:
		return N_("%s: there are no tables of this version of Sekisho; sekisho serve makes them when it starts");
	case SE_CLOSED:
		return N_("%s: the server does not answer, or has ended the connection; is it at work, and does the address lead there?");
	default:
		return N_("%s cannot be read: %s");
	}
}

static const char *
why_file(const struct mail_store *s, int rc)
{
	switch (rc) {
	case -EACCES:
	case -EROFS:
		return N_("%s: this user may not read it; try again as root, or as the user of sekisho serve");
	case -ENOENT:
		return is_off(s) ? N_("%s is not there, as mail.reports is none, so nothing is kept; mail.reports: aggregate (with mail.reporting.email) keeps what was found of each message") :
		    N_("%s is not there yet; sekisho serve makes it when it starts with this configuration");
	case SE_FORMAT:
		return N_("%s: there are no tables of this version of Sekisho; sekisho serve makes them when it starts");
	case -EBADMSG:
		return N_("%s: this is no store of reports, or it is damaged");
	default:
		return N_("%s cannot be read: %s");
	}
}

int
mail_store_fail(const struct cmd_ctx *ctx, const struct mail_store *s, int rc)
{
	const char *why = rc == -EBUSY || rc == -EAGAIN ? N_("%s is busy; try again") :
	    s->is_server ? why_server(rc) : why_file(s, rc);
	_cleanup_(buf_done) struct buf b = BUF_INIT;

	escape_term(&b, sv_str(name_of(s)));
	buf_char(&b, '\0');
	cmd_err(tr(ctx->lang, why), b.rc < 0 ? "" : b.p, err_str(rc));
	return EXIT_CANNOT;
}

/* SQLite cannot open: is it the file, or its folder, or our right to? */
static int
file_rc(const char *path, int rc)
{
	struct file_map map;
	int seen;

	if (rc != -ENOENT)
		return rc;
	seen = file_map(path, 0, &map);	/* SE_LIMIT: it is there, and readable */
	return seen == -ENOENT ? -ENOENT : -EACCES;
}

int
mail_store_open(const struct cmd_ctx *ctx, struct mail_store *ret)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	struct conf_error e;
	int rc;

	*ret = (struct mail_store){ 0 };
	if (app_conf_load(ctx->conf, ctx->state, &ret->conf, &e) < 0) {
		conf_error_text(&e, ctx->lang, &b);
		cmd_err("%.*s", SV_ARG(buf_get(&b)));
		return EXIT_CANNOT;
	}
	mail_reporting_store(ret->conf, ret->where, sizeof(ret->where));
	ret->is_server = app_conf_str(ret->conf, CONF_REPORTING_STORE)[0] != '\0';
	if ((rc = reports_open_ro(ret->where, &ret->reports)) < 0)
		return mail_store_fail(ctx, ret, ret->is_server ? rc : file_rc(ret->where, rc));
	if (is_off(ret))
		cmd_err("%s", tr(ctx->lang, N_("mail.reports is none: nothing new is kept; this is what was kept before")));
	return 0;
}

void
mail_store_done(struct mail_store *s)
{
	s->reports = reports_free(s->reports);
	s->conf = conf_free(s->conf);
}

int
mail_store_domain(const struct cmd_ctx *ctx, struct pool *pool, const char *word, struct sv *ret)
{
	struct sv text = sv_str(word);
	struct dname name;

	if (sv_ends(text, SV(".")))
		text = sv_take(text, text.n - 1);
	if (text.n == 0 || mail_domain(text, &name) < 0)
		return cmd_usage(ctx, tr(ctx->lang, N_("\"%s\" is no domain")), word);
	*ret = mail_name_text(pool, &name);
	return ret->p == NULL ? EXIT_CANNOT : 0;
}

const char *
mail_store_day(int64_t at, char ret[static DAY_STRLEN])
{
	char t[TIME_STRLEN];

	(void)snprintf(ret, DAY_STRLEN, "%.10s", time_str(at, t));
	return ret;
}

void
mail_store_cell(struct buf *b, struct sv text, unsigned cells)
{
	_cleanup_(buf_done) struct buf shown = BUF_INIT;

	escape_term(&shown, text);
	buf_char(&shown, '\0');
	if (shown.rc == 0)
		table_cell(b, shown.p, cells, false);
	else if (b->rc == 0)
		b->rc = shown.rc;
}
