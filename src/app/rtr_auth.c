#include "app/rtr_auth.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/timefmt.h"
#include "sys/file.h"

#define SECRET_FILE_MAX	256	/* a longer file is another file */

/* --- files --- */

static bool
given(const char *path)
{
	return path != NULL && path[0] != '\0';
}

static int
read_into(const char *path, size_t max, struct buf *ret, struct buf *err)
{
	_cleanup_(pool_freep) struct pool *pool = NULL;
	struct sv s;
	int rc;

	if (!given(path))
		return 0;
	if ((pool = pool_new(max + 4096)) == NULL)
		return -ENOMEM;
	if ((rc = file_read(pool, FILE_CWD, path, max, &s)) < 0) {
		buf_printf(err, "%s: %s", path, err_str(rc));
		return rc;
	}
	buf_sv(ret, s);
	if (s.n > 0)
		explicit_bzero((void *)(uintptr_t)s.p, s.n);
	return ret->rc;
}

static void
wipe(struct buf *b)
{
	if (b->p != NULL)
		explicit_bzero(b->p, b->cap);
	buf_done(b);
	*b = (struct buf)BUF_INIT;
}

/* --- TLS --- */

void
rtr_tls_pems_done(struct rtr_tls_pems *p)
{
	wipe(&p->cert);
	wipe(&p->key);
	wipe(&p->ca);
}

static const char *
file_of(const struct rtr_tls_files *f, enum tls_why why)
{
	const char *path = why == TLS_WHY_BAD_KEY || why == TLS_WHY_KEY_MISMATCH ? f->key :
	    why == TLS_WHY_BAD_ANCHORS ? f->ca : f->cert;

	return given(path) ? path : "TLS";
}

static int
validity_check(const struct tls_ctx *c, const struct rtr_tls_files *f, int64_t now,
    enum lang lang, struct buf *err)
{
	char at[TIME_STRLEN];
	int64_t from, until;

	tls_ctx_validity(c, &from, &until);
	if (!given(f->cert) || (now >= from && now <= until))
		return 0;
	if (now > until)
		buf_printf(err, tr(lang, N_("%s: the certificate expired at %s; install a new one")),
		    f->cert, time_str(until, at));
	else
		buf_printf(err, tr(lang, N_("%s: the certificate is not valid before %s; wait, or check the clock")),
		    f->cert, time_str(from, at));
	return SE_STALE;
}

static int
pems_read(const struct rtr_tls_files *f, struct rtr_tls_pems *p, struct buf *err)
{
	int rc;

	if ((rc = read_into(f->cert, RTR_CERT_FILE_MAX, &p->cert, err)) < 0 ||
	    (rc = read_into(f->key, RTR_KEY_FILE_MAX, &p->key, err)) < 0 ||
	    (rc = read_into(f->ca, f->ca_max > 0 ? f->ca_max : RTR_CA_FILE_MAX, &p->ca, err)) < 0)
		return rc;
	return 0;
}

int
rtr_tls_load(const struct rtr_tls_files *f, int64_t now, enum lang lang,
    struct rtr_tls_pems *ret_pems, struct tls_ctx **ret, struct buf *err)
{
	_cleanup_(rtr_tls_pems_done) struct rtr_tls_pems p = { 0 };
	_cleanup_(tls_ctx_freep) struct tls_ctx *c = NULL;
	enum tls_why why = TLS_WHY_NONE;
	int rc = pems_read(f, &p, err);

	if (rc < 0)
		return rc;
	rc = tls_ctx_new(&(struct tls_ctx_conf){
		.server = f->server, .certs = buf_get(&p.cert),
		.key = buf_get(&p.key), .anchors = buf_get(&p.ca) }, &c, &why);
	if (rc == 0 && f->server && given(f->ca) && p.ca.len == 0) {
		why = TLS_WHY_BAD_ANCHORS;	/* an empty file is not "any client" */
		rc = -EINVAL;
	}
	if (rc < 0) {
		buf_printf(err, "%s: %s", file_of(f, why), tr(lang, tls_why_text(why)));
		return rc;
	}
	if ((rc = validity_check(c, f, now, lang, err)) < 0)
		return rc;
	if (ret_pems != NULL) {
		*ret_pems = p;
		p = (struct rtr_tls_pems){ 0 };
	}
	*ret = TAKE_PTR(c);
	return 0;
}

/* --- RFC 2385 --- */

void
rtr_secret_done(struct tcp_secret *s)
{
	explicit_bzero(s, sizeof(*s));
}

int
rtr_secret_read(const char *path, enum lang lang, struct tcp_secret *ret, struct buf *err)
{
	struct buf b = BUF_INIT;
	struct sv s;
	int rc = read_into(path, SECRET_FILE_MAX, &b, err);

	s = buf_get(&b);
	if (s.n > 0 && s.p[s.n - 1] == '\n')
		s.n--;
	if (s.n > 0 && s.p[s.n - 1] == '\r')
		s.n--;
	if (rc == 0 && (s.n == 0 || s.n > TCP_MD5_MAX)) {
		buf_printf(err, tr(lang, N_("%s: a secret for TCP-MD5 has 1 to %d bytes")),
		    path, TCP_MD5_MAX);
		rc = SE_SYNTAX;
	}
	if (rc == 0) {
		ret->len = (uint8_t)s.n;
		memcpy(ret->key, s.p, s.n);
	}
	wipe(&b);
	return rc;
}

int
rtr_secret_parse(struct sv text, enum lang lang, struct tcp_secret *ret, struct buf *err)
{
	struct sv rest = text, who;
	char path[1024];

	*ret = (struct tcp_secret){ 0 };
	if (!sv_word(&rest, &who) || ip_prefix_parse_host(who, &ret->peers) < 0 ||
	    (rest = sv_trim(rest)).n == 0 || rest.n >= sizeof(path)) {
		buf_printf(err, tr(lang, N_("rtr.md5: \"%.*s\" is not an address or prefix and a file")),
		    SV_ARG(text));
		return SE_SYNTAX;
	}
	(void)snprintf(path, sizeof(path), "%.*s", SV_ARG(rest));
	return rtr_secret_read(path, lang, ret, err);
}
