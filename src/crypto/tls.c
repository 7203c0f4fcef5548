#include "crypto/tls.h"

#include <errno.h>
#include <stdlib.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "base/err.h"
#include "base/timefmt.h"
#include "crypto/internal.h"

/* What one record of TLS_WRITE_MAX may become, with a KeyUpdate before it. */
#define RECORD_ROOM	(TLS_WRITE_MAX + 1024)
#define DETAIL_LEN	160

_Static_assert(RECORD_ROOM <= TLS_OUT_MAX, "a record must fit the empty buffer");

struct tls {
	struct tls_ctx	*ctx;
	SSL		*ssl;
	BIO		*net;		/* our end of the pair; theirs is the SSL's */
	enum tls_state	 state;
	enum tls_why	 why;
	bool		 said_close, fed_end;
	char		 detail[DETAIL_LEN];
};

/* --- failing --- */

static enum tls_why
why_of_verify(long v)
{
	switch (v) {
	case X509_V_ERR_CERT_HAS_EXPIRED:
		return TLS_WHY_EXPIRED;
	case X509_V_ERR_CERT_NOT_YET_VALID:
		return TLS_WHY_EARLY;
	case X509_V_ERR_HOSTNAME_MISMATCH:
	case X509_V_ERR_IP_ADDRESS_MISMATCH:
		return TLS_WHY_NAME;
	case X509_V_ERR_EE_KEY_TOO_SMALL:
	case X509_V_ERR_CA_KEY_TOO_SMALL:
	case X509_V_ERR_CA_MD_TOO_WEAK:
		return TLS_WHY_WEAK;
	case X509_V_ERR_OUT_OF_MEM:
		return TLS_WHY_MEMORY;
	default:
		return TLS_WHY_UNTRUSTED;
	}
}

static enum tls_why
why_of_error(unsigned long e)
{
	static const struct {
		int		reason;
		enum tls_why	why;
	} table[] = {
		{ SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE, TLS_WHY_NO_CERT },
		{ SSL_R_UNSUPPORTED_PROTOCOL, TLS_WHY_VERSION },
		{ SSL_R_VERSION_TOO_LOW, TLS_WHY_VERSION },
		{ SSL_R_NO_SHARED_CIPHER, TLS_WHY_VERSION },
		{ SSL_R_WRONG_SSL_VERSION, TLS_WHY_VERSION },
		{ SSL_R_WRONG_VERSION_NUMBER, TLS_WHY_NOT_TLS },
		{ SSL_R_HTTP_REQUEST, TLS_WHY_NOT_TLS },
		{ SSL_R_HTTPS_PROXY_REQUEST, TLS_WHY_NOT_TLS },
		{ SSL_R_UNEXPECTED_EOF_WHILE_READING, TLS_WHY_TRUNCATED },
		{ ERR_R_MALLOC_FAILURE, TLS_WHY_MEMORY },
	};
	int reason = ERR_GET_REASON(e);

	if (ERR_GET_LIB(e) == ERR_LIB_SSL && reason > SSL_AD_REASON_OFFSET)
		return TLS_WHY_ALERT;
	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		if (table[i].reason == reason)
			return table[i].why;
	return TLS_WHY_PROTOCOL;
}

static void
fail(struct tls *t, enum tls_why why, const char *detail)
{
	if (t->state == TLS_FAILED)
		return;
	t->state = TLS_FAILED;
	t->why = why;
	(void)snprintf(t->detail, sizeof(t->detail), "%s", detail == NULL ? "" : detail);
}

/* OpenSSL gave up: find the reason in what it left behind. */
static void
fail_by_library(struct tls *t)
{
	unsigned long e = ERR_peek_error();
	long v = SSL_get_verify_result(t->ssl);

	if (ERR_GET_REASON(e) == SSL_R_CERTIFICATE_VERIFY_FAILED && v != X509_V_OK)
		fail(t, why_of_verify(v), X509_verify_cert_error_string(v));
	else
		fail(t, why_of_error(e), ERR_reason_error_string(e));
}

/*
 * After a call that did not succeed: is it over, or is a buffer empty or full?
 */
static void
not_done(struct tls *t, int rc)
{
	int e = SSL_get_error(t->ssl, rc);

	if (e == SSL_ERROR_ZERO_RETURN && t->state == TLS_HANDSHAKE)
		fail(t, TLS_WHY_ALERT, SSL_alert_desc_string_long(SSL_AD_CLOSE_NOTIFY));
	else if (e == SSL_ERROR_ZERO_RETURN)
		t->state = t->said_close ? TLS_CLOSED : TLS_ENDED;
	else if (e != SSL_ERROR_WANT_READ && e != SSL_ERROR_WANT_WRITE)
		fail_by_library(t);
	ERR_clear_error();
}

/* --- coming and going --- */

static int
name_demand(SSL *ssl, struct sv name)
{
	X509_VERIFY_PARAM *p = SSL_get0_param(ssl);
	char text[TLS_NAME_LEN];
	struct ip_prefix ip;

	X509_VERIFY_PARAM_set_hostflags(p, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS |
	    X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
	if (tls_name_is_ip(name, &ip))
		return X509_VERIFY_PARAM_set1_ip(p, ip.addr, ip.af == IP_V4 ? 4 : 16) == 1 ? 0 : -ENOMEM;
	if (tls_name_text(name, text) < 0 || text[0] == '*')
		return -EINVAL;
	return X509_VERIFY_PARAM_set1_host(p, text, 0) == 1 &&
	    SSL_set_tlsext_host_name(ssl, text) == 1 ? 0 : -ENOMEM;
}

static int
pair_new(struct tls *t)
{
	BIO *inner = NULL;

	if (BIO_new_bio_pair(&inner, TLS_OUT_MAX, &t->net, TLS_IN_MAX) != 1)
		return -ENOMEM;
	SSL_set_bio(t->ssl, inner, inner);
	return 0;
}

static void
step(struct tls *t)
{
	int rc;

	if (t->state != TLS_HANDSHAKE)
		return;
	ERR_clear_error();
	rc = SSL_do_handshake(t->ssl);
	if (rc == 1)
		t->state = TLS_OPEN;
	else
		not_done(t, rc);
}

struct tls *
tls_new(struct tls_ctx *ctx, struct sv name, int64_t now)
{
	_cleanup_(tls_freep) struct tls *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	t->ctx = ctx;
	ctx->refs++;
	if ((t->ssl = SSL_new(ctx->ssl)) == NULL || pair_new(t) < 0)
		return NULL;
	X509_VERIFY_PARAM_set_time(SSL_get0_param(t->ssl), (time_t)now);
	if (ctx->server)
		SSL_set_accept_state(t->ssl);
	else if (name_demand(t->ssl, name) < 0)
		return NULL;
	else
		SSL_set_connect_state(t->ssl);
	step(t);
	return TAKE_PTR(t);
}

struct tls *
tls_free(struct tls *t)
{
	if (t == NULL)
		return NULL;
	SSL_free(t->ssl);
	(void)BIO_free(t->net);
	(void)tls_ctx_free(t->ctx);
	free(t);
	ERR_clear_error();
	return NULL;
}

/* --- ciphertext --- */

size_t
tls_room(const struct tls *t)
{
	if (t->state == TLS_FAILED || t->state == TLS_CLOSED || t->fed_end)
		return 0;
	return BIO_ctrl_get_write_guarantee(t->net);
}

size_t
tls_feed(struct tls *t, const void *p, size_t n)
{
	int took;

	if (n == 0 || t->state == TLS_FAILED || t->state == TLS_CLOSED || t->fed_end)
		return 0;
	took = BIO_write(t->net, p, (int)min_size(n, TLS_IN_MAX));
	step(t);
	return took > 0 ? (size_t)took : 0;
}

void
tls_feed_end(struct tls *t)
{
	if (t->fed_end)
		return;
	t->fed_end = true;
	(void)BIO_shutdown_wr(t->net);
	step(t);
	if (t->state == TLS_HANDSHAKE)
		fail(t, TLS_WHY_TRUNCATED, NULL);
}

struct sv
tls_out(struct tls *t)
{
	char *p = NULL;
	int n;

	step(t);		/* it may have waited for room */
	n = BIO_nread0(t->net, &p);
	return n > 0 ? (struct sv){ p, (size_t)n } : (struct sv){ NULL, 0 };
}

void
tls_sent(struct tls *t, size_t n)
{
	char *p;

	if (n > 0)
		(void)BIO_nread(t->net, &p, (int)min_size(n, TLS_OUT_MAX));
	step(t);
}

/* --- plaintext --- */

long
tls_read(struct tls *t, void *p, size_t n)
{
	int rc;

	step(t);
	if (t->state == TLS_FAILED)
		return SE_PEER;
	if (t->state == TLS_ENDED || t->state == TLS_CLOSED)
		return 0;
	if (t->state != TLS_OPEN || n == 0)
		return -EAGAIN;
	ERR_clear_error();
	rc = SSL_read(t->ssl, p, (int)min_size(n, INT32_MAX));
	if (rc > 0)
		return rc;
	not_done(t, rc);
	return t->state == TLS_FAILED ? SE_PEER : t->state == TLS_OPEN ? -EAGAIN : 0;
}

bool
tls_pending(const struct tls *t)
{
	return SSL_has_pending(t->ssl) == 1 || BIO_pending(SSL_get_rbio(t->ssl)) > 0;
}

static bool
has_room(const struct tls *t)
{
	return BIO_ctrl_pending(t->net) + RECORD_ROOM <= TLS_OUT_MAX;
}

long
tls_write(struct tls *t, const void *p, size_t n)
{
	int rc;

	if (t->state == TLS_FAILED)
		return SE_PEER;
	if (t->said_close)
		return SE_CLOSED;
	if (t->state == TLS_HANDSHAKE || n == 0 || !has_room(t))
		return -EAGAIN;
	ERR_clear_error();
	rc = SSL_write(t->ssl, p, (int)min_size(n, TLS_WRITE_MAX));
	if (rc > 0)
		return rc;
	not_done(t, rc);
	return t->state == TLS_FAILED ? SE_PEER : -EAGAIN;
}

int
tls_close(struct tls *t)
{
	if (t->state == TLS_FAILED)
		return SE_PEER;
	if (t->said_close)
		return 0;
	if (t->state == TLS_HANDSHAKE || !has_room(t))
		return -EAGAIN;
	t->said_close = true;
	ERR_clear_error();
	(void)SSL_shutdown(t->ssl);
	ERR_clear_error();
	if (t->state == TLS_ENDED)
		t->state = TLS_CLOSED;
	return 0;
}

/* --- questions --- */

enum tls_state
tls_state(const struct tls *t)
{
	return t->state;
}

enum tls_why
tls_why(const struct tls *t)
{
	return t->why;
}

const char *
tls_detail(const struct tls *t)
{
	return t->detail;
}

const char *
tls_version(const struct tls *t)
{
	return SSL_is_init_finished(t->ssl) ? SSL_get_version(t->ssl) : "";
}

const char *
tls_sni(const struct tls *t)
{
	const char *name = SSL_get_servername(t->ssl, TLSEXT_NAMETYPE_host_name);

	return name == NULL ? "" : name;
}

bool
tls_peer_is(const struct tls *t, struct sv name)
{
	X509 *x = SSL_get0_peer_certificate(t->ssl);
	char text[TLS_NAME_LEN];
	struct ip_prefix ip;

	if (x == NULL)
		return false;
	if (tls_name_is_ip(name, &ip))
		return X509_check_ip(x, ip.addr, ip.af == IP_V4 ? 4 : 16, 0) == 1;
	if (tls_name_text(name, text) < 0)
		return false;
	return X509_check_host(x, text, 0, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS |
	    X509_CHECK_FLAG_NEVER_CHECK_SUBJECT, NULL) == 1;
}

/* One subjectAltName as text; false: of another kind, or not sane. */
static bool
general_name_text(const GENERAL_NAME *g, char buf[static TLS_NAME_LEN])
{
	const ASN1_STRING *s = g->type == GEN_DNS ? g->d.dNSName :
	    g->type == GEN_IPADD ? g->d.iPAddress : NULL;
	uint8_t addr[16] = { 0 };
	size_t n = s == NULL ? 0 : (size_t)ASN1_STRING_length(s);

	if (g->type == GEN_DNS)
		return tls_name_text((struct sv){ (const char *)ASN1_STRING_get0_data(s), n }, buf) == 0;
	if (n != 4 && n != 16)
		return false;
	memcpy(addr, ASN1_STRING_get0_data(s), n);
	(void)ip_addr_str(addr, n == 4 ? IP_V4 : IP_V6, buf);
	return true;
}

const char *
tls_peer_name(const struct tls *t, char buf[static TLS_NAME_LEN])
{
	X509 *x = SSL_get0_peer_certificate(t->ssl);
	GENERAL_NAMES *all;

	buf[0] = '\0';
	if (x == NULL || (all = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL)) == NULL)
		return buf;
	for (int i = 0; i < sk_GENERAL_NAME_num(all); i++)
		if (general_name_text(sk_GENERAL_NAME_value(all, i), buf))
			break;
	GENERAL_NAMES_free(all);
	return buf;
}

int64_t
tls_peer_until(const struct tls *t)
{
	const X509 *x = SSL_get0_peer_certificate(t->ssl);

	return x == NULL ? TIME_NEVER : tls_asn1_time(X509_get0_notAfter(x));
}
