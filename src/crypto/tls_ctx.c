#include <errno.h>
#include <stdlib.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/err.h"
#include "base/timefmt.h"
#include "base/tr.h"
#include "crypto/internal.h"

/* TLS 1.2: forward secrecy and AEAD only; 1.3 has nothing else. */
#define CIPHERS	"ECDHE+AESGCM:ECDHE+CHACHA20:DHE+AESGCM:@SECLEVEL=2"

static const char *const why_text[TLS_WHY_MAX] = {
	[TLS_WHY_NONE] = N_("no failure"),
	[TLS_WHY_MEMORY] = N_("no memory"),
	[TLS_WHY_BAD_CERT] = N_("no readable PEM certificate"),
	[TLS_WHY_BAD_KEY] = N_("no readable PEM private key without pass phrase"),
	[TLS_WHY_KEY_MISMATCH] = N_("the private key is not that of the certificate"),
	[TLS_WHY_BAD_ANCHORS] = N_("no readable PEM certificates of authorities"),
	[TLS_WHY_WEAK] = N_("the key or signature is too weak"),
	[TLS_WHY_NOT_TLS] = N_("what the peer sent is not TLS"),
	[TLS_WHY_VERSION] = N_("no TLS version or cipher in common"),
	[TLS_WHY_NO_CERT] = N_("the peer showed no certificate"),
	[TLS_WHY_EXPIRED] = N_("the peer's certificate has expired"),
	[TLS_WHY_EARLY] = N_("the peer's certificate is not valid yet"),
	[TLS_WHY_NAME] = N_("the peer's certificate is for another name"),
	[TLS_WHY_UNTRUSTED] = N_("the peer's certificate leads to no trusted authority"),
	[TLS_WHY_ALERT] = N_("the peer refused the connection"),
	[TLS_WHY_TRUNCATED] = N_("the connection ended without TLS close_notify"),
	[TLS_WHY_PROTOCOL] = N_("the peer broke the TLS protocol"),
};

const char *
tls_why_text(enum tls_why why)
{
	return why < TLS_WHY_MAX ? why_text[why] : why_text[TLS_WHY_PROTOCOL];
}

/* --- names and times --- */

bool
tls_name_is_ip(struct sv s, struct ip_prefix *ret)
{
	return sv_find(s, '/') == s.n && ip_prefix_parse_host(s, ret) == 0;
}

static bool
is_name_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
}

int
tls_name_text(struct sv s, char ret[static TLS_NAME_LEN])
{
	char text[TLS_NAME_LEN];

	if (s.n > 1 && s.p[s.n - 1] == '.')
		s.n--;			/* the root is not written in certificates */
	if (s.n == 0 || s.n >= TLS_NAME_LEN)
		return -EINVAL;
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (c >= 'A' && c <= 'Z')
			c = (char)(c - 'A' + 'a');
		if (!is_name_char(c) && !(c == '*' && i == 0 && s.n > 2 && s.p[1] == '.'))
			return -EINVAL;
		text[i] = c;
	}
	text[s.n] = '\0';
	memcpy(ret, text, s.n + 1);
	return 0;
}

int64_t
tls_asn1_time(const ASN1_TIME *t)
{
	struct tm tm;
	struct civil c;
	int64_t ret;

	if (t == NULL || ASN1_TIME_to_tm(t, &tm) != 1)
		return TIME_NEVER;
	c = (struct civil){ tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday,
		tm.tm_hour, tm.tm_min, tm.tm_sec };
	return time_from_civil(&c, &ret) == 0 ? ret : TIME_NEVER;
}

/* --- PEM --- */

/* Nobody is asked for a pass phrase. */
static int
no_phrase(char *buf UNUSED, int n UNUSED, int writing UNUSED, void *arg UNUSED)
{
	return -1;
}

static BIO *
pem_open(struct sv s)
{
	return s.n == 0 || s.n > TLS_PEM_MAX ? NULL : BIO_new_mem_buf(s.p, (int)s.n);
}

/* Was the last failure the regular end of the text? */
static bool
pem_ended(void)
{
	unsigned long e = ERR_peek_last_error();
	bool ended = ERR_GET_LIB(e) == ERR_LIB_PEM && ERR_GET_REASON(e) == PEM_R_NO_START_LINE;

	ERR_clear_error();
	return ended;
}

/* OpenSSL refuses weak keys by a reason of its own. */
static enum tls_why
refused(enum tls_why otherwise)
{
	int r = ERR_GET_REASON(ERR_peek_last_error());

	ERR_clear_error();
	return r == SSL_R_EE_KEY_TOO_SMALL || r == SSL_R_CA_KEY_TOO_SMALL ||
	    r == SSL_R_CA_MD_TOO_WEAK ? TLS_WHY_WEAK : otherwise;
}

static void
validity_narrow(struct tls_ctx *c, const X509 *x)
{
	int64_t from = tls_asn1_time(X509_get0_notBefore(x));
	int64_t until = tls_asn1_time(X509_get0_notAfter(x));

	if (from > c->from)
		c->from = from;
	if (until < c->until)
		c->until = until;
}

static enum tls_why
certs_use(struct tls_ctx *c, SSL_CTX *ssl, struct sv pem)
{
	_cleanup_(bio_freep) BIO *b = pem_open(pem);
	_cleanup_(x509_freep) X509 *leaf = NULL;

	if (b == NULL || (leaf = PEM_read_bio_X509(b, NULL, no_phrase, NULL)) == NULL)
		return TLS_WHY_BAD_CERT;
	if (SSL_CTX_use_certificate(ssl, leaf) != 1)
		return refused(TLS_WHY_BAD_CERT);
	validity_narrow(c, leaf);
	for (unsigned i = 0; i <= TLS_DEPTH_MAX; i++) {
		_cleanup_(x509_freep) X509 *x = PEM_read_bio_X509(b, NULL, no_phrase, NULL);

		if (x == NULL)
			return pem_ended() ? TLS_WHY_NONE : TLS_WHY_BAD_CERT;
		if (SSL_CTX_add1_chain_cert(ssl, x) != 1)
			return refused(TLS_WHY_BAD_CERT);
		validity_narrow(c, x);
	}
	return TLS_WHY_BAD_CERT;	/* too many for anyone's chain */
}

static enum tls_why
key_use(SSL_CTX *ssl, struct sv pem)
{
	_cleanup_(bio_freep) BIO *b = pem_open(pem);
	_cleanup_(pkey_freep) EVP_PKEY *key = NULL;

	if (b == NULL || (key = PEM_read_bio_PrivateKey(b, NULL, no_phrase, NULL)) == NULL)
		return TLS_WHY_BAD_KEY;
	if (SSL_CTX_use_PrivateKey(ssl, key) != 1)
		return refused(TLS_WHY_KEY_MISMATCH);
	return SSL_CTX_check_private_key(ssl) == 1 ? TLS_WHY_NONE : TLS_WHY_KEY_MISMATCH;
}

static enum tls_why
anchors_use(const struct tls_ctx *c, struct sv pem)
{
	_cleanup_(bio_freep) BIO *b = pem_open(pem);
	X509_STORE *store = SSL_CTX_get_cert_store(c->ssl);
	size_t n = 0;

	if (b == NULL)
		return TLS_WHY_BAD_ANCHORS;
	for (;; n++) {
		_cleanup_(x509_freep) X509 *x = PEM_read_bio_X509(b, NULL, no_phrase, NULL);

		if (x == NULL)
			return pem_ended() && n > 0 ? TLS_WHY_NONE : TLS_WHY_BAD_ANCHORS;
		if (X509_STORE_add_cert(store, x) != 1 ||
		    (c->server && SSL_CTX_add_client_CA(c->ssl, x) != 1))
			return TLS_WHY_BAD_ANCHORS;
	}
}

/* --- contexts --- */

static int
name_chosen(SSL *ssl, int *alert UNUSED, void *arg)
{
	const struct tls_ctx *c = arg;
	const char *asked = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
	char name[TLS_NAME_LEN];

	if (asked == NULL || tls_name_text(sv_str(asked), name) < 0)
		return SSL_TLSEXT_ERR_NOACK;
	for (size_t i = 0; i < c->n_names; i++)
		if (strcmp(c->names[i].name, name) == 0) {
			(void)SSL_set_SSL_CTX(ssl, c->names[i].ssl);
			break;
		}
	return SSL_TLSEXT_ERR_OK;
}

static SSL_CTX *
ssl_ctx_new(bool server)
{
	/* No openssl.cnf: what may be said is decided here. */
	const uint64_t init = OPENSSL_INIT_NO_LOAD_CONFIG | OPENSSL_INIT_NO_ATEXIT;
	SSL_CTX *ssl;

	if (OPENSSL_init_ssl(init, NULL) != 1 ||
	    (ssl = SSL_CTX_new(server ? TLS_server_method() : TLS_client_method())) == NULL)
		return NULL;
	SSL_CTX_set_options(ssl, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
	    SSL_OP_NO_TICKET | SSL_OP_CIPHER_SERVER_PREFERENCE);
	SSL_CTX_set_mode(ssl, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_RELEASE_BUFFERS |
	    SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	(void)SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_max_cert_list(ssl, TLS_CHAIN_MAX);
	SSL_CTX_set_verify_depth(ssl, TLS_DEPTH_MAX);
	/* What the operator lists is an anchor, be it a root or below one. */
	(void)X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(ssl), X509_V_FLAG_PARTIAL_CHAIN);
	if (SSL_CTX_set_min_proto_version(ssl, TLS1_2_VERSION) != 1 ||
	    SSL_CTX_set_num_tickets(ssl, 0) != 1 || SSL_CTX_set_cipher_list(ssl, CIPHERS) != 1) {
		SSL_CTX_free(ssl);
		return NULL;
	}
	return ssl;
}

static enum tls_why
ctx_fill(struct tls_ctx *c, const struct tls_ctx_conf *conf)
{
	enum tls_why why = TLS_WHY_NONE;

	if (conf->certs.n > 0 || conf->server) {
		if ((why = certs_use(c, c->ssl, conf->certs)) != TLS_WHY_NONE ||
		    (why = key_use(c->ssl, conf->key)) != TLS_WHY_NONE)
			return why;
	}
	if (conf->anchors.n > 0 || !conf->server) {
		SSL_CTX_set_verify(c->ssl, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
		why = anchors_use(c, conf->anchors);
	}
	return why;
}

int
tls_ctx_new(const struct tls_ctx_conf *conf, struct tls_ctx **ret, enum tls_why *ret_why)
{
	_cleanup_(tls_ctx_freep) struct tls_ctx *c = calloc(1, sizeof(*c));
	enum tls_why why;

	*ret_why = TLS_WHY_MEMORY;
	if (c == NULL)
		return -ENOMEM;
	c->refs = 1;
	c->server = conf->server;
	c->from = INT64_MIN;
	c->until = TIME_NEVER;
	if ((c->ssl = ssl_ctx_new(conf->server)) == NULL)
		return SE_CRYPTO;
	why = ctx_fill(c, conf);
	ERR_clear_error();
	*ret_why = why;
	if (why != TLS_WHY_NONE)
		return why == TLS_WHY_MEMORY ? -ENOMEM : -EINVAL;
	if (conf->server) {
		(void)SSL_CTX_set_tlsext_servername_callback(c->ssl, name_chosen);
		(void)SSL_CTX_set_tlsext_servername_arg(c->ssl, c);
	}
	*ret = TAKE_PTR(c);
	return 0;
}

struct tls_ctx *
tls_ctx_free(struct tls_ctx *c)
{
	if (c == NULL || --c->refs > 0)
		return NULL;
	for (size_t i = 0; i < c->n_names; i++)
		SSL_CTX_free(c->names[i].ssl);
	free(c->names);
	SSL_CTX_free(c->ssl);
	free(c);
	return NULL;
}

int
tls_ctx_add_name(struct tls_ctx *c, struct sv name, struct sv certs, struct sv key,
    enum tls_why *ret_why)
{
	struct tls_named *more, n = { 0 };

	*ret_why = TLS_WHY_NONE;
	if (!c->server || tls_name_text(name, n.name) < 0)
		return -EINVAL;
	if (c->n_names == TLS_NAMES_MAX)
		return SE_LIMIT;
	*ret_why = TLS_WHY_MEMORY;
	if ((more = reallocarray(c->names, c->n_names + 1, sizeof(*more))) == NULL)
		return -ENOMEM;
	c->names = more;
	if ((n.ssl = ssl_ctx_new(true)) == NULL)
		return SE_CRYPTO;
	if ((*ret_why = certs_use(c, n.ssl, certs)) != TLS_WHY_NONE ||
	    (*ret_why = key_use(n.ssl, key)) != TLS_WHY_NONE) {
		SSL_CTX_free(n.ssl);
		ERR_clear_error();
		return -EINVAL;
	}
	c->names[c->n_names++] = n;
	return 0;
}

void
tls_ctx_validity(const struct tls_ctx *c, int64_t *ret_from, int64_t *ret_until)
{
	*ret_from = c->from;
	*ret_until = c->until;
}
