/* mail.reporting: in the configuration; see app/mail_reporting.h. */
#include <stdio.h>
#include <string.h>

#include "app/mail.h"
#include "app/mail_reporting.h"
#include "app/mail_via.h"
#include "base/err.h"

#define SERVER	"postgresql://"

static int
refuse(const struct conf *c, enum app_conf_row row, const char *expected, struct conf_error *err)
{
	const char *found = app_conf_str(c, row);

	*err = (struct conf_error){ .code = CONF_E_RULE, .rc = SE_SYNTAX,
	    .line = c->values[row].line, .col = c->values[row].col, .expected = expected };
	(void)snprintf(err->found, sizeof(err->found), "%s",
	    found[0] != '\0' ? found : c->rows[row].path);
	(void)snprintf(err->file, sizeof(err->file), "%s", c->file);
	return err->rc;
}

/* --- the store --- */

/* "user:secret@host", before the path. */
static bool
has_password(struct sv rest)
{
	struct sv all = rest, authority = sv_cut(&all, '/'), user;

	user = sv_take(authority, sv_rfind(authority, '@'));
	return sv_find(authority, '@') < authority.n && sv_find(user, ':') < user.n;
}

/* The value of "key=…" behind the "?". */
static struct sv
parameter(struct sv where, struct sv key)
{
	struct sv part;

	(void)sv_cut(&where, '?');
	while (where.n > 0) {
		part = sv_cut(&where, '&');
		if (sv_eq(sv_cut(&part, '='), key))
			return part;
	}
	return SV("");
}

/* What is refused may hold a secret: it is not printed. */
static int
store_check(const struct conf *c, struct conf_error *err)
{
	struct sv s = sv_str(app_conf_str(c, CONF_REPORTING_STORE)), file;
	int rc;

	if (s.n == 0)
		return 0;
	file = parameter(s, SV("passfile"));
	if (!sv_starts(s, SV(SERVER)) || !sv_graphic(s))
		rc = refuse(c, CONF_REPORTING_STORE,
		    N_("an address such as postgresql://user@host/database"), err);
	else if (has_password(sv_skip(s, strlen(SERVER))) || parameter(s, SV("password")).n > 0)
		rc = refuse(c, CONF_REPORTING_STORE,
		    N_("no password in the address: behind it ?passfile=/PATH names a file with it "
		    "(PostgreSQL's pgpass), which only its owner may read"), err);
	else if (file.n > 0 && file.p[0] != '/')
		rc = refuse(c, CONF_REPORTING_STORE, N_("passfile= with an absolute path"), err);
	else
		return 0;
	(void)snprintf(err->found, sizeof(err->found), "%s", c->rows[CONF_REPORTING_STORE].path);
	return rc;
}

void
mail_reporting_store(const struct conf *c, char *ret, size_t n)
{
	const char *s = app_conf_str(c, CONF_REPORTING_STORE);

	if (s[0] != '\0')
		(void)snprintf(ret, n, "%s", s);
	else
		(void)snprintf(ret, n, "%s/mail-reports/reports.sqlite", app_conf_str(c, CONF_STATE));
}

void
mail_reporting_pass_file(const struct conf *c, char *ret, size_t n)
{
	struct sv s = parameter(sv_str(app_conf_str(c, CONF_REPORTING_STORE)), SV("passfile"));

	(void)snprintf(ret, n, "%.*s", SV_ARG(s));
}

/* --- all of it --- */

static bool
is_wanted(const struct conf *c)
{
	return !sv_eq(sv_str(app_conf_str(c, CONF_MAIL_REPORTS)), SV("none"));
}

static int
address_check(const struct conf *c, enum app_conf_row row, struct conf_error *err)
{
	struct sv s = sv_str(app_conf_str(c, row));

	if (s.n == 0 || mail_address_check(s) == 0)
		return 0;
	return refuse(c, row, N_("an address such as dmarc@example.net"), err);
}

/* It stands in XML, which has no other way to write a control character, and in a head. */
static int
line_check(const struct conf *c, enum app_conf_row row, struct conf_error *err)
{
	for (const char *p = app_conf_str(c, row); *p != '\0'; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			return refuse(c, row, N_("one line of text without control characters"), err);
	return 0;
}

int
mail_reporting_check(const struct conf *c, struct conf_error *err)
{
	struct mail_via via;

	if (is_wanted(c) && app_conf_str(c, CONF_REPORTING_EMAIL)[0] == '\0')
		return refuse(c, CONF_MAIL_REPORTS,
		    N_("mail.reporting.email, too: the address from which reports come"), err);
	if (!is_wanted(c) && !sv_eq(sv_str(app_conf_str(c, CONF_MAIL_FAILURE_REPORTS)), SV("none")))
		return refuse(c, CONF_MAIL_FAILURE_REPORTS,
		    N_("mail.reports: aggregate, too: failure reports go the same way"), err);
	if (address_check(c, CONF_REPORTING_EMAIL, err) < 0 ||
	    address_check(c, CONF_REPORTING_SENDER, err) < 0 ||
	    line_check(c, CONF_REPORTING_ORG, err) < 0 || line_check(c, CONF_REPORTING_CONTACT, err) < 0)
		return err->rc;
	if (mail_via_parse(sv_str(app_conf_str(c, CONF_REPORTING_VIA)), &via) < 0)
		return refuse(c, CONF_REPORTING_VIA,
		    N_("smtp://HOST:PORT, or sendmail:/PATH"), err);
	return mail_complaints_check(c, err) < 0 ? err->rc : store_check(c, err);
}
