#include <errno.h>
#include <stdio.h>

#include "app/conf.h"
#include "app/crypto_choice.h"
#include "app/exceptions.h"
#include "app/look_conf.h"
#include "app/mail.h"
#include "app/mail_conf.h"
#include "app/mail_reporting.h"
#include "app/mail_sign_conf.h"
#include "app/token_conf.h"
#include "app/zone_conf.h"
#include "base/err.h"

#define X(NAME, path, type, list, min, max, words, def, help)	\
	{ path, CONF_##type, list, min, max, words, def, help },
static const struct conf_row rows[CONF_ROW_MAX] = {
#include "app/conf.def"
};
#undef X

static const struct conf_item *
item(const struct conf *c, enum app_conf_row r)
{
	return c->values[r].n > 0 ? &c->values[r].items[0] : NULL;
}

const char *
app_conf_str(const struct conf *c, enum app_conf_row r)
{
	return item(c, r) != NULL ? item(c, r)->text.p : "";
}

uint32_t
app_conf_u32(const struct conf *c, enum app_conf_row r)
{
	return item(c, r) != NULL ? item(c, r)->u : 0;
}

void
app_conf_lines(const struct conf *c, enum app_conf_row r, struct buf *b)
{
	for (size_t i = 0; i < c->values[r].n; i++) {
		if (i > 0)
			buf_char(b, '\n');
		buf_sv(b, c->values[r].items[i].text);
	}
}

int
app_conf_log(const struct conf *c, enum app_conf_row r, const char *name,
    char *ret, size_t n)
{
	const char *given = app_conf_str(c, r);
	int k = given[0] != '\0' ? snprintf(ret, n, "%s", given) :
	    snprintf(ret, n, "%s/%s", app_conf_str(c, CONF_STATE), name);

	return k < 0 || (size_t)k >= n ? -ENAMETOOLONG : 0;
}

/* --- rules between options --- */

static bool
loopback(const struct conf_item *it)
{
	static const struct ip_prefix v6 = { .af = IP_V6, .len = 128, .addr = { [15] = 1 } };
	static const struct ip_prefix v4 = { .af = IP_V4, .len = 8, .addr = { 127 } };

	return ip_prefix_covers(&v4, &it->px) || ip_prefix_covers(&v6, &it->px);
}

static int
rule_broken(struct conf_error *err, const struct conf *c, enum app_conf_row a,
    const char *what, const char *expected)
{
	err->code = CONF_E_RULE;
	err->rc = SE_SYNTAX;
	err->line = c->values[a].line;
	err->col = c->values[a].col;
	err->expected = expected;
	(void)snprintf(err->found, sizeof(err->found), "%s", what);
	(void)snprintf(err->file, sizeof(err->file), "%s", c->file);
	return err->rc;
}

/* What must fit the messages to the roles (role/messages.def), one a line. */
static int
sizes_check(const struct conf *c, struct conf_error *err)
{
	static const struct {
		enum app_conf_row	row;
		size_t			max;
	} sizes[] = {
		{ CONF_ORG_ASNS, 12000 }, { CONF_ORG_PREFIXES, 32000 },
		{ CONF_RPKI_TREE, 8000 }, { CONF_RPKI_RRDP, 8000 },
		{ CONF_ORG_NAME, 256 }, { CONF_ALARM_WEBHOOK, 2000 }, { CONF_RTR_ALLOW, 16000 },
		{ CONF_MAIL_RESOLVER, 128 }, { CONF_MAIL_AUTHSERV_ID, 255 },
		{ CONF_DNS_RESOLVER, 128 }, { CONF_DNS_HOSTS, 12000 },
	};

	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		const struct conf_value *v = &c->values[sizes[i].row];
		size_t n = 0;

		for (size_t k = 0; k < v->n; k++)
			n += v->items[k].text.n + 1;
		if (n <= sizes[i].max)
			continue;
		(void)rule_broken(err, c, sizes[i].row, c->rows[sizes[i].row].path, NULL);
		err->code = CONF_E_LIMIT;
		return err->rc = SE_LIMIT;
	}
	return 0;
}

/* RFC 8210 section 9.2: a cache shows a certificate, always. */
static int
tls_check(const struct conf *c, struct conf_error *err)
{
	bool cert = app_conf_str(c, CONF_RTR_TLS_CERT)[0] != '\0';
	bool key = app_conf_str(c, CONF_RTR_TLS_KEY)[0] != '\0';
	bool listens = c->values[CONF_RTR_TLS_LISTEN].n > 0;

	if (cert != key || (listens && !cert))
		return rule_broken(err, c, listens ? CONF_RTR_TLS_LISTEN :
		    cert ? CONF_RTR_TLS_CERT : CONF_RTR_TLS_KEY,
		    "rtr.tls.listen, rtr.tls.certificate, rtr.tls.key",
		    N_("a certificate and its key where RTR is spoken over TLS"));
	return 0;
}

/* The role that has the network sends it; without fetching there is none. */
static int
webhook_check(const struct conf *c, struct conf_error *err)
{
	const char *url = app_conf_str(c, CONF_ALARM_WEBHOOK);
	const char *mode = app_conf_str(c, CONF_FETCH_MODE);
	bool files = c->values[CONF_RPKI_TREE].n + c->values[CONF_RPKI_RRDP].n > 0;

	if (url[0] == '\0')
		return 0;
	if (!sv_starts(sv_str(url), SV("https://")))
		return rule_broken(err, c, CONF_ALARM_WEBHOOK, "alarm.webhook",
		    N_("a URL that begins with https://"));
	if (strcmp(mode, "off") == 0 || (strcmp(mode, "auto") == 0 && files))
		return rule_broken(err, c, CONF_ALARM_WEBHOOK, "alarm.webhook",
		    N_("fetch.mode on: what fetches also sends"));
	return 0;
}

/* They go into headers and argv (app/mail.h). */
static int
mail_check(const struct conf *c, struct conf_error *err)
{
	static const enum app_conf_row rows_checked[] = { CONF_ALARM_MAIL_FROM, CONF_ALARM_MAIL_TO };
	const struct conf_value *to = &c->values[CONF_ALARM_MAIL_TO];

	if (to->n > 0 && app_conf_str(c, CONF_ALARM_MAIL_FROM)[0] == '\0')
		return rule_broken(err, c, CONF_ALARM_MAIL_TO, "alarm.mail.to",
		    N_("alarm.mail.from, too"));
	if (to->n > MAIL_TO_MAX)
		return rule_broken(err, c, CONF_ALARM_MAIL_TO, "alarm.mail.to",
		    N_("32 addresses at the most"));
	for (size_t r = 0; r < ARRAY_LEN(rows_checked); r++) {
		const struct conf_value *v = &c->values[rows_checked[r]];

		for (size_t i = 0; i < v->n; i++)
			if (v->items[i].text.n > 0 && mail_address_check(v->items[i].text) < 0)
				return rule_broken(err, c, rows_checked[r], v->items[i].text.p,
				    N_("an address such as noc@example.net"));
	}
	return 0;
}

static int
rules_check(const struct conf *c, struct conf_error *err)
{
	uint32_t expire = app_conf_u32(c, CONF_RTR_EXPIRE);
	const struct conf_value *web = &c->values[CONF_WEB_LISTEN];

	/* RFC 8210 section 6: expire is larger than both others. */
	if (expire <= app_conf_u32(c, CONF_RTR_REFRESH) ||
	    expire <= app_conf_u32(c, CONF_RTR_RETRY))
		return rule_broken(err, c,
		    c->values[CONF_RTR_EXPIRE].line != 0 ? CONF_RTR_EXPIRE : CONF_RTR_REFRESH,
		    "rtr.refresh, rtr.retry, rtr.expire",
		    N_("expire larger than refresh and retry (RFC 8210 section 6)"));
	for (size_t i = 0; i < web->n; i++)
		if (!loopback(&web->items[i]) &&
		    app_conf_str(c, CONF_WEB_TOKEN_FILE)[0] == '\0')
			return rule_broken(err, c, CONF_WEB_LISTEN,
			    "web.listen, web.token-file",
			    N_("a token file when the page listens beyond loopback"));
	if (exceptions_check(c, err) < 0)
		return err->rc;
	if (zone_conf_check(c, err) < 0 || token_conf_check(c, err) < 0 || look_conf_check(c, err) < 0)
		return err->rc;
	if (tls_check(c, err) < 0 || webhook_check(c, err) < 0 || mail_check(c, err) < 0 ||
	    mail_sign_conf_check(c, err) < 0 || mail_conf_check(c, err) < 0 ||
	    mail_reporting_check(c, err) < 0)
		return err->rc;
	return sizes_check(c, err);
}

/* --- what is allowed, but should be known --- */

static bool
beyond_loopback(const struct conf *c, enum app_conf_row r)
{
	for (size_t i = 0; i < c->values[r].n; i++)
		if (!loopback(&c->values[r].items[i]))
			return true;
	return false;
}

const char *
app_conf_warning(const struct conf *c, unsigned i, const char **ret_row)
{
	bool listed = c->values[CONF_RTR_ALLOW].n > 0;
	enum crypto_path way;
	const struct {
		bool			 is;
		enum app_conf_row	 row;
		const char		*text;
	} all[] = {
		{ beyond_loopback(c, CONF_RTR_LISTEN) && !listed &&
		    c->values[CONF_RTR_MD5].n == 0, CONF_RTR_LISTEN,
		    N_("every address may connect; name your routers in rtr.allow or rtr.md5") },
		{ beyond_loopback(c, CONF_RTR_TLS_LISTEN) && !listed &&
		    app_conf_str(c, CONF_RTR_TLS_CA)[0] == '\0', CONF_RTR_TLS_LISTEN,
		    N_("every address may connect; set rtr.tls.client-ca (RFC 8210 section 9.2) or rtr.allow") },
		{ crypto_choice_parse(sv_str(app_conf_str(c, CONF_CRYPTO)), &way) < 0, CONF_CRYPTO,
		    N_("this machine cannot verify signatures by this way; it takes the best that it has") },
		{ strcmp(app_conf_str(c, CONF_MAIL_BIMI), "check") == 0 && app_conf_str(c, CONF_BIMI_ROOTS)[0] == '\0',
		    CONF_MAIL_BIMI,
		    N_("any domain with an enforced DMARC policy may show any image; name the roots that vouch for marks in mail.bimi-roots") },
		{ strcmp(app_conf_str(c, CONF_MAIL_BIMI), "check") != 0 && app_conf_str(c, CONF_BIMI_ROOTS)[0] != '\0',
		    CONF_BIMI_ROOTS, N_("no marks are shown without mail.bimi: check") },
	};

	for (size_t k = 0; k < ARRAY_LEN(all); k++)
		if (all[k].is && i-- == 0) {
			*ret_row = c->rows[all[k].row].path;
			return all[k].text;
		}
	return NULL;
}

int
app_conf_parse(struct sv text, const char *file, struct conf **ret,
    struct conf_error *err)
{
	_cleanup_(conf_freep) struct conf *c = NULL;
	int rc;

	if ((rc = conf_parse(text, file, rows, CONF_ROW_MAX, &c, err)) < 0 ||
	    (rc = rules_check(c, err)) < 0)
		return rc;
	*ret = TAKE_PTR(c);
	return 0;
}

int
app_conf_load(const char *file, const char *state, struct conf **ret,
    struct conf_error *err)
{
	_cleanup_(conf_freep) struct conf *c = NULL;
	int rc;

	if ((rc = conf_load(file != NULL ? file : APP_CONF_FILE, rows,
	    CONF_ROW_MAX, &c, err)) < 0)
		return rc;
	if (state != NULL &&
	    (rc = conf_override(c, CONF_STATE, sv_str(state), err)) < 0)
		return rc;
	if ((rc = rules_check(c, err)) < 0)
		return rc;
	*ret = TAKE_PTR(c);
	return 0;
}
