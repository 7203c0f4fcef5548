/* --crypto WAY, of the commands that verify; and what --version says of it. */
#include <errno.h>
#include <stdio.h>

#include "app/crypto_choice.h"
#include "cmd/crypto_opt.h"

int
crypto_opt(struct cmd_ctx *ctx, const char *arg)
{
	_cleanup_(buf_done) struct buf can = BUF_INIT;
	int rc = crypto_choice_take(sv_str(arg));

	if (rc == 0) {
		ctx->crypto = arg;
		return 0;
	}
	crypto_choice_list(&can);
	buf_char(&can, '\0');
	return cmd_usage(ctx, rc == -ENOTSUP ?
	    tr(ctx->lang, N_("--crypto %s cannot be had on this machine, which has: %s")) :
	    tr(ctx->lang, N_("--crypto %s is unknown; this machine has: %s")),
	    arg, can.rc == 0 ? can.p : CRYPTO_CHOICE_AUTO);
}

int
crypto_opt_version(const struct cmd_ctx *ctx)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;

	buf_printf(&b, tr(ctx->lang, N_("signatures are verified by way of: %s; this machine has: ")),
	    crypto_path_name(crypto_path()));
	crypto_choice_list(&b);
	buf_char(&b, '\n');
	return cmd_out(&b);
}
