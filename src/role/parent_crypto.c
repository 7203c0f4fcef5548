/*
 * How signatures are verified: --crypto, else the option `crypto`. The parent
 * verifies none itself. A wish that cannot be had here reached us by the
 * configuration (the command refuses it before): then it is "auto".
 */
#include "app/crypto_choice.h"
#include "role/parent.h"

struct sv
crypto_wish(const struct parent *p)
{
	return sv_str(p->crypto_opt[0] != '\0' ? p->crypto_opt : app_conf_str(p->conf, CONF_CRYPTO));
}

bool
crypto_fill(const struct parent *p, enum role_id id, struct msg_crypto *ret)
{
	struct sv wish = crypto_wish(p);
	enum crypto_path way;

	if ((message_def(MSG_crypto)->to & 1U << id) == 0)
		return false;
	ret->wish = crypto_choice_parse(wish, &way) < 0 ? SV(CRYPTO_CHOICE_AUTO) : wish;
	return true;
}

void
crypto_log(struct parent *p)
{
	struct sv wish = crypto_wish(p);
	enum crypto_path way;

	if (crypto_choice_parse(wish, &way) < 0)
		parent_log(p, LOG_LEVEL_WARN, "crypto: this machine cannot verify signatures by way of "
		    "\"%.*s\"; taking \"%s\"", SV_ARG(wish), crypto_path_name(way));
	else if (!sv_eq_str(wish, CRYPTO_CHOICE_AUTO))
		parent_log(p, LOG_LEVEL_NOTICE, "crypto: signatures are verified by way of \"%s\", as asked for",
		    crypto_path_name(way));
}
