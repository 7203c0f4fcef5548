/* See app/token_conf.h. */
#include <stdio.h>
#include <string.h>

#include "app/token_conf.h"
#include "base/err.h"
#include "sys/file.h"

#define LISTS_MAX	3000	/* each, one a line, as the message has it (role/messages.def) */

static int
refuse(const struct conf *c, enum app_conf_row row, struct sv found, const char *expected,
    struct conf_error *err)
{
	const struct conf_value *v = &c->values[row];

	*err = (struct conf_error){ .code = CONF_E_RULE, .rc = SE_SYNTAX, .line = v->line, .col = v->col,
	    .expected = expected };
	(void)snprintf(err->found, sizeof(err->found), "%.*s", SV_ARG(found));
	(void)snprintf(err->file, sizeof(err->file), "%s", c->file);
	return err->rc;
}

static bool
name_letter(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/* NAME=VALUE; the loader's own variables are nobody's business. */
static bool
environment_good(struct sv s)
{
	struct sv name = sv_cut(&s, '=');

	if (name.n == 0 || s.n == 0 || sv_starts(name, SV("LD_")))
		return false;
	for (size_t i = 0; i < name.n; i++)
		if (!name_letter(name.p[i]))
			return false;
	return true;
}

static bool
plain(struct sv s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f)
			return false;
	return true;
}

static int
lists_check(const struct conf *c, struct conf_error *err)
{
	static const enum app_conf_row lists[] = { CONF_DNS_PKCS11_READ, CONF_DNS_PKCS11_WRITE,
		CONF_DNS_PKCS11_ENVIRONMENT };

	for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
		const struct conf_value *v = &c->values[lists[i]];
		size_t n = 0;

		for (size_t k = 0; k < v->n; k++) {
			struct sv s = v->items[k].text;

			if (!plain(s))
				return refuse(c, lists[i], s, N_("text without control characters"), err);
			if (lists[i] == CONF_DNS_PKCS11_ENVIRONMENT && !environment_good(s))
				return refuse(c, lists[i], s, N_("NAME=VALUE, the name in capitals"), err);
			n += s.n + 1;
		}
		if (n > LISTS_MAX)
			return refuse(c, lists[i], sv_str(c->rows[lists[i]].path),
			    N_("3000 letters in all"), err);
	}
	return 0;
}

static bool
policy_wants_token(const struct conf *c)
{
	const struct conf_value *t = &c->values[CONF_DNS_POLICIES];

	for (size_t i = 0; i < t->n; i++) {
		const struct conf_value *v =
		    &t->items[i].cols[CONF_POL_KEY_STORE - CONF_DNS_POLICIES - 1];

		if (v->n > 0 && sv_eq_str(v->items[0].text, "token"))
			return true;
	}
	return false;
}

int
token_conf_check(const struct conf *c, struct conf_error *err)
{
	const char *module = app_conf_str(c, CONF_DNS_PKCS11_MODULE);
	const char *token = app_conf_str(c, CONF_DNS_PKCS11_TOKEN);

	if (module[0] == '\0' && policy_wants_token(c))
		return refuse(c, CONF_DNS_POLICIES, SV("key-store: token"),
		    N_("dns.pkcs11.module, too"), err);
	if (token[0] != '\0' && (!sv_starts(sv_str(token), SV("pkcs11:")) || !plain(sv_str(token))))
		return refuse(c, CONF_DNS_PKCS11_TOKEN, sv_str(token),
		    N_("a URI such as pkcs11:token=zones (RFC 7512)"), err);
	if (!plain(sv_str(module)) || !plain(sv_str(app_conf_str(c, CONF_DNS_PKCS11_PIN_FILE))))
		return refuse(c, CONF_DNS_PKCS11_MODULE, sv_str("dns.pkcs11"),
		    N_("text without control characters"), err);
	return lists_check(c, err);
}

static uint32_t
connect_of(const struct conf *c)
{
	const char *word = app_conf_str(c, CONF_DNS_PKCS11_CONNECT);

	return strcmp(word, "network") == 0 ? TOKEN_CONNECT_NETWORK :
	    strcmp(word, "local") == 0 ? TOKEN_CONNECT_LOCAL : TOKEN_CONNECT_NO;
}

void
token_conf_read(const struct conf *c, struct token_conf *ret)
{
	const char *module = app_conf_str(c, CONF_DNS_PKCS11_MODULE);
	const char *pin = app_conf_str(c, CONF_DNS_PKCS11_PIN_FILE);

	*ret = (struct token_conf){ 0 };
	if (module[0] == '\0')
		return;
	*ret = (struct token_conf){ .module = sv_str(module), .pin_file = sv_str(pin),
	    .token = sv_str(app_conf_str(c, CONF_DNS_PKCS11_TOKEN)),
	    .sessions = app_conf_u32(c, CONF_DNS_PKCS11_SESSIONS),
	    .timeout_sec = app_conf_u32(c, CONF_DNS_PKCS11_TIMEOUT),
	    .connect = connect_of(c),
	    .stamp = file_signature(module, 0) + file_signature(pin, 0) };
	app_conf_lines(c, CONF_DNS_PKCS11_READ, &ret->read);
	app_conf_lines(c, CONF_DNS_PKCS11_WRITE, &ret->write);
	app_conf_lines(c, CONF_DNS_PKCS11_ENVIRONMENT, &ret->environment);
}

void
token_conf_done(struct token_conf *t)
{
	buf_done(&t->read);
	buf_done(&t->write);
	buf_done(&t->environment);
}
