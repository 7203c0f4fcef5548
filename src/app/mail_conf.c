/* mail: in the configuration; see app/mail_conf.h. */
#include <errno.h>
#include <stdio.h>

#include "app/mail_conf.h"
#include "base/err.h"
#include "dns/dns.h"
#include "net/dnsask.h"

#define UNIX_PATH_MAX		107	/* unix(7): sun_path, and its NUL */
#define SENTENCE_MAX		200	/* octets of mail.help and of a comment: a line of an SMTP reply has 510 */
#define MARK_MAX		60
#define RULES_MAX		40000	/* what the message to role milter takes (role/messages.def) */

static int
refuse(const struct conf *c, unsigned line, unsigned col, struct sv found, const char *expected,
    struct conf_error *err)
{
	*err = (struct conf_error){ .code = expected != NULL ? CONF_E_RULE : CONF_E_LIMIT,
	    .rc = expected != NULL ? SE_SYNTAX : SE_LIMIT,
	    .line = line, .col = col, .expected = expected };
	(void)snprintf(err->found, sizeof(err->found), "%.*s", SV_ARG(found));
	(void)snprintf(err->file, sizeof(err->file), "%s", c->file);
	return err->rc;
}

static int
refuse_row(const struct conf *c, enum app_conf_row row, const char *expected, struct conf_error *err)
{
	const char *found = app_conf_str(c, row)[0] != '\0' ? app_conf_str(c, row) : c->rows[row].path;

	return refuse(c, c->values[row].line, c->values[row].col, sv_str(found), expected, err);
}

/* Letters of ASCII and blanks; "%" is a format to libmilter. */
static bool
is_sentence(struct sv s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < 0x20 || (unsigned char)s.p[i] > 0x7e || s.p[i] == '%')
			return false;
	return s.n <= SENTENCE_MAX;
}

/* --- where it listens --- */

static bool
is_loopback(const struct ip_prefix *px)
{
	static const struct ip_prefix v6 = { .af = IP_V6, .len = 128, .addr = { [15] = 1 } };
	static const struct ip_prefix v4 = { .af = IP_V4, .len = 8, .addr = { 127 } };

	return ip_prefix_covers(&v4, px) || ip_prefix_covers(&v6, px);
}

/* "10025@127.0.0.1" */
static bool
is_inet(struct sv s, struct ip_prefix *ret)
{
	struct sv port = sv_cut(&s, '@');
	uint32_t n;

	return num_u32(port, 1, UINT16_MAX, &n) == 0 && ip_prefix_parse_host(s, ret) == 0 &&
	    is_loopback(ret);
}

static bool
is_unix(struct sv s)
{
	return s.n > 1 && s.p[0] == '/' && s.n <= UNIX_PATH_MAX && sv_graphic(s);
}

/*
 * The protocol has no password: whoever connects is believed, and is told who may speak for
 * whom; so it is this machine only.
 */
static int
listen_check(const struct conf *c, struct conf_error *err)
{
	struct sv s = sv_str(app_conf_str(c, CONF_MILTER_LISTEN)), kind = sv_cut(&s, ':');
	struct ip_prefix px;

	if (kind.n == 0 || (sv_eq(kind, SV("unix")) && is_unix(s)) ||
	    (sv_eq(kind, SV("inet")) && is_inet(s, &px)))
		return 0;
	return refuse_row(c, CONF_MILTER_LISTEN,
	    N_("unix:/PATH (107 octets at the most), inet:PORT@127.0.0.1 or inet:PORT@::1"), err);
}

void
mail_conf_listen(const struct conf *c, struct buf *b)
{
	struct sv all = sv_str(app_conf_str(c, CONF_MILTER_LISTEN)), s = all, kind = sv_cut(&s, ':');
	struct ip_prefix px;

	/* libmilter has a word of its own for IPv6. */
	if (sv_eq(kind, SV("inet")) && is_inet(s, &px) && px.af == IP_V6)
		buf_printf(b, "inet6:%.*s", SV_ARG(s));
	else
		buf_sv(b, all);
}

/* --- paths and signatures --- */

static struct sv
col_text(const struct conf_item *it, enum app_conf_row table, enum app_conf_row row)
{
	const struct conf_value *v = &it->cols[row - table - 1];

	return v->n > 0 ? v->items[0].text : SV("");
}

static const struct path_row {
	enum app_conf_row	row;
	const char		*word;
} path_rows[] = {
	{ CONF_PATH_CLIENT, "client" }, { CONF_PATH_SEALER, "sealer" }, { CONF_PATH_LIST, "list" },
};

static int
path_check(const struct conf *c, const struct conf_item *it, struct conf_error *err)
{
	struct sv id = col_text(it, CONF_MAIL_PATHS, CONF_PATH_LIST_ID);
	struct sv comment = col_text(it, CONF_MAIL_PATHS, CONF_PATH_COMMENT), name;
	struct dname d;
	unsigned n = 0;

	for (size_t i = 0; i < ARRAY_LEN(path_rows); i++) {
		name = col_text(it, CONF_MAIL_PATHS, path_rows[i].row);
		n += name.n > 0;
		if (i > 0 && name.n > 0 && dname_parse(name, NULL, &d) < 0)
			return refuse(c, it->line, it->col, name, N_("a domain name"), err);
	}
	if (n != 1)
		return refuse(c, it->line, it->col, SV("mail.paths"), N_("one of client, sealer and list"), err);
	if (id.n > 0 && (!sv_graphic(id) || id.n > SENTENCE_MAX ||
	    col_text(it, CONF_MAIL_PATHS, CONF_PATH_LIST).n == 0))
		return refuse(c, it->line, it->col, id,
		    N_("the List-Id of a list whose domain is given, without angle brackets"), err);
	if (!is_sentence(comment))
		return refuse(c, it->line, it->col, comment,
		    N_("a sentence in ASCII, without %, of 200 octets at the most"), err);
	return 0;
}

static bool
signs_as(const struct conf *c, struct sv domain, struct sv selector)
{
	const struct conf_value *v = &c->values[CONF_MAIL_SIGN];

	for (size_t i = 0; i < v->n; i++)
		if (sv_caseeq(col_text(&v->items[i], CONF_MAIL_SIGN, CONF_SIGN_DOMAIN), domain) &&
		    sv_caseeq(col_text(&v->items[i], CONF_MAIL_SIGN, CONF_SIGN_SELECTOR), selector))
			return true;
	return false;
}

static int
seal_check(const struct conf *c, struct conf_error *err)
{
	struct sv domain = sv_str(app_conf_str(c, CONF_MAIL_SEAL_DOMAIN));
	struct sv selector = sv_str(app_conf_str(c, CONF_MAIL_SEAL_SELECTOR));

	if ((domain.n > 0 || selector.n > 0) && !signs_as(c, domain, selector))
		return refuse_row(c, CONF_MAIL_SEAL_DOMAIN,
		    N_("the domain and the selector of an entry of mail.sign"), err);
	return 0;
}

static bool
mark_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
}

/* A name without anything that has a meaning in a field. */
static int
id_check(const struct conf *c, struct conf_error *err)
{
	struct sv id = sv_str(app_conf_str(c, CONF_MAIL_AUTHSERV_ID));
	struct dname d;

	if (id.n == 0 || (sv_graphic(id) && dname_parse(id, NULL, &d) == 0))
		return 0;
	return refuse_row(c, CONF_MAIL_AUTHSERV_ID, N_("a domain name"), err);
}

static int
aliases_check(const struct conf *c, struct conf_error *err)
{
	const struct conf_value *v = &c->values[CONF_MAIL_ALIASES];
	struct dname d;

	for (size_t i = 0; i < v->n; i++) {
		struct sv s = v->items[i].text;

		if (dname_parse(sv_skip(s, sv_starts(s, SV("."))), NULL, &d) < 0 || !sv_graphic(s))
			return refuse_row(c, CONF_MAIL_ALIASES, N_("a domain name"), err);
	}
	return 0;
}

/* Fields of that name are removed from mail that comes in, so it may be none that means something. */
static int
mark_check(const struct conf *c, struct conf_error *err)
{
	struct sv s = sv_str(app_conf_str(c, CONF_MAIL_QUARANTINE_FIELD));
	bool good = s.n == 0 || (s.n > 2 && s.n <= MARK_MAX && sv_starts(s, SV("X-")));

	for (size_t i = 0; i < s.n && good; i++)
		good = mark_letter(s.p[i]);
	return good ? 0 : refuse_row(c, CONF_MAIL_QUARANTINE_FIELD,
	    N_("the name of a field: X- and letters, digits and hyphens, 60 at the most"), err);
}

/* --- as text --- */

static void
acts_put(const struct conf *c, struct buf *b)
{
	static const enum app_conf_row rows[] = {
		CONF_MAIL_ON_REJECT, CONF_MAIL_ON_QUARANTINE, CONF_MAIL_ON_INDIRECT,
		CONF_MAIL_ON_SPF_FAIL, CONF_MAIL_ON_TEMPERROR, CONF_MAIL_ON_DOUBT,
		CONF_MAIL_ON_FAILURE, CONF_MAIL_ON_UNSIGNED,
	};

	buf_printf(b, "policy %s\n", app_conf_str(c, CONF_MAIL_POLICY));
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (!sv_eq(sv_str(app_conf_str(c, rows[i])), SV("policy")))
			/* The option's last word is the rule's. */
			buf_printf(b, "%s %s\n", c->rows[rows[i]].path + sizeof("mail.") - 1,
			    app_conf_str(c, rows[i]));
}

static void
networks_put(const struct conf *c, enum app_conf_row row, const char *word, struct buf *b)
{
	const struct conf_value *v = &c->values[row];
	char text[IP_PREFIX_STRLEN];

	for (size_t i = 0; i < v->n; i++)
		buf_printf(b, "%s %s\n", word, ip_prefix_str(&v->items[i].px, text));
}

static void
path_put(const struct conf_item *it, struct buf *b)
{
	struct sv id = col_text(it, CONF_MAIL_PATHS, CONF_PATH_LIST_ID);

	for (size_t i = 0; i < ARRAY_LEN(path_rows); i++) {
		struct sv name = col_text(it, CONF_MAIL_PATHS, path_rows[i].row);

		if (name.n > 0)
			buf_printf(b, "%s %.*s%s%.*s\t%.*s\n", path_rows[i].word, SV_ARG(name),
			    id.n > 0 ? " " : "", SV_ARG(id),
			    SV_ARG(col_text(it, CONF_MAIL_PATHS, CONF_PATH_COMMENT)));
	}
}

void
mail_conf_rules(const struct conf *c, struct buf *b)
{
	acts_put(c, b);
	if (c->values[CONF_MAIL_OWN].n == 0)
		buf_str(b, "own 127.0.0.0/8\nown ::1/128\n");
	for (size_t i = 0; i < c->values[CONF_MAIL_ALIASES].n; i++)
		buf_printf(b, "alias %.*s\n", SV_ARG(c->values[CONF_MAIL_ALIASES].items[i].text));
	networks_put(c, CONF_MAIL_OWN, "own", b);
	networks_put(c, CONF_MAIL_RELAYS, "relay", b);
	for (size_t i = 0; i < c->values[CONF_MAIL_PATHS].n; i++)
		path_put(&c->values[CONF_MAIL_PATHS].items[i], b);
	if (app_conf_str(c, CONF_MAIL_HELP)[0] != '\0')
		buf_printf(b, "help %s\n", app_conf_str(c, CONF_MAIL_HELP));
	if (app_conf_str(c, CONF_MAIL_QUARANTINE_FIELD)[0] != '\0')
		buf_printf(b, "mark %s\n", app_conf_str(c, CONF_MAIL_QUARANTINE_FIELD));
}

/* --- all of it --- */

static int
rules_check(const struct conf *c, struct conf_error *err)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;

	mail_conf_rules(c, &b);
	return b.rc < 0 ? b.rc : b.len <= RULES_MAX ? 0 : refuse_row(c, CONF_MAIL_PATHS, NULL, err);
}

int
mail_conf_check(const struct conf *c, struct conf_error *err)
{
	const struct conf_value *paths = &c->values[CONF_MAIL_PATHS];
	struct sv resolver = sv_str(app_conf_str(c, CONF_MAIL_RESOLVER));
	struct dnsask_to to;

	for (size_t i = 0; i < paths->n; i++)
		if (path_check(c, &paths->items[i], err) < 0)
			return err->rc;
	if (listen_check(c, err) < 0 || seal_check(c, err) < 0 || aliases_check(c, err) < 0 ||
	    id_check(c, err) < 0 || mark_check(c, err) < 0)
		return err->rc;
	if (resolver.n > 0 && dnsask_to_parse(resolver, &to) < 0)
		return refuse_row(c, CONF_MAIL_RESOLVER,
		    N_("an address such as 127.0.0.1, 192.0.2.1:5300 or [2001:db8::1]:53"), err);
	if (!is_sentence(sv_str(app_conf_str(c, CONF_MAIL_HELP))))
		return refuse_row(c, CONF_MAIL_HELP,
		    N_("a sentence in ASCII, without %, of 200 octets at the most"), err);
	return rules_check(c, err);
}
