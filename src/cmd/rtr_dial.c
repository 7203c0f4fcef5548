#include "cmd/rtr_dial.h"

#include <string.h>

#include "app/rtr_auth.h"

#define SYSTEM_CA	"/etc/ssl/certs/ca-certificates.crt"

bool
rtr_dial_opt(struct rtr_dial *d, const char *name, const char *arg)
{
	const struct {
		const char	*name;
		const char	**to;
	} texts[] = {
		{ "ca", &d->ca }, { "cert", &d->cert }, { "key", &d->key },
		{ "name", &d->name }, { "md5-file", &d->md5_file },
	};

	if (strcmp(name, "tls") == 0) {
		d->tls = true;
		return true;
	}
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		if (strcmp(name, texts[i].name) == 0) {
			*texts[i].to = arg;
			return true;
		}
	return false;
}

int
rtr_dial_ready(struct cmd_ctx *ctx, struct rtr_dial *d)
{
	_cleanup_(buf_done) struct buf err = BUF_INIT;
	const struct rtr_tls_files files = {
		.cert = d->cert, .key = d->key,
		.ca = d->ca != NULL ? d->ca : SYSTEM_CA, .ca_max = TLS_PEM_MAX,
	};
	int rc = 0;

	if (!d->tls && (d->ca != NULL || d->cert != NULL || d->key != NULL || d->name != NULL))
		return cmd_usage(ctx, "%s", tr(ctx->lang,
		    N_("--ca, --cert, --key and --name are for --tls")));
	if ((d->cert == NULL) != (d->key == NULL))
		return cmd_usage(ctx, "%s", tr(ctx->lang,
		    N_("a certificate needs its key: give both --cert and --key")));
	if (d->md5_file != NULL)
		rc = rtr_secret_read(d->md5_file, ctx->lang, &d->secret, &err);
	if (rc == 0 && d->tls)
		rc = rtr_tls_load(&files, ctx->now, ctx->lang, NULL, &d->ctx, &err);
	if (rc == 0)
		return EXIT_GOOD;
	cmd_err("%.*s", SV_ARG(buf_get(&err)));
	return EXIT_CANNOT;
}

int
rtr_dial(const struct cmd_ctx *ctx, const struct rtr_dial *d, const char *address, int msec,
    struct link *ret)
{
	return link_dial(ret, &(struct link_dial){
		.address = address,
		.secret = { d->secret.key, d->secret.len },
		.ctx = d->ctx, .name = sv_str(d->name), .now = ctx->now }, msec);
}

void
rtr_dial_done(struct rtr_dial *d)
{
	d->ctx = tls_ctx_free(d->ctx);
	explicit_bzero(&d->secret, sizeof(d->secret));
}

bool
rtr_dial_refused(const struct link *l)
{
	return l->tls != NULL && tls_state(l->tls) == TLS_FAILED &&
	    tls_why(l->tls) != TLS_WHY_TRUNCATED;
}

bool
rtr_dial_why(const struct link *l, enum lang lang, struct buf *ret)
{
	if (l->tls == NULL || tls_why(l->tls) == TLS_WHY_NONE)
		return false;
	buf_str(ret, tr(lang, tls_why_text(tls_why(l->tls))));
	if (tls_detail(l->tls)[0] != '\0')
		buf_printf(ret, " (%s)", tls_detail(l->tls));
	return true;
}
