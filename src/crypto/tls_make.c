/* Certificates for labs and tests; nothing here is used by a server in earnest. */
#include <errno.h>
#include <stdlib.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include "base/err.h"
#include "crypto/internal.h"

#define SERIAL_BITS	63		/* fits every reader */
#define MAKE_NAMES_MAX	1000

struct tls_made {
	X509		*cert;
	EVP_PKEY	*key;
	BIO		*cert_pem, *key_pem;
};

static int
add_extension(X509 *x, X509V3_CTX *v3, int nid, const char *value)
{
	X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, v3, nid, value);
	int rc = e != NULL && X509_add_ext(x, e, -1) == 1 ? 0 : SE_CRYPTO;

	X509_EXTENSION_free(e);
	return rc;
}

/* A name as text becomes a GENERAL_NAME; NULL: it is none, or no memory. */
static GENERAL_NAME *
general_name_new(const char *name)
{
	GENERAL_NAME *g = GENERAL_NAME_new();
	bool ok;
	char text[TLS_NAME_LEN];
	struct ip_prefix ip;

	if (g == NULL)
		return NULL;
	if (tls_name_is_ip(sv_str(name), &ip)) {
		ASN1_OCTET_STRING *s = ASN1_OCTET_STRING_new();

		ok = s != NULL && ASN1_OCTET_STRING_set(s, ip.addr, ip.af == IP_V4 ? 4 : 16) == 1;
		GENERAL_NAME_set0_value(g, GEN_IPADD, s);
	} else {
		ASN1_IA5STRING *s = ASN1_IA5STRING_new();

		ok = s != NULL && tls_name_text(sv_str(name), text) == 0 &&
		    ASN1_STRING_set(s, text, -1) == 1;
		GENERAL_NAME_set0_value(g, GEN_DNS, s);
	}
	if (ok)
		return g;
	GENERAL_NAME_free(g);
	return NULL;
}

static int
add_names(X509 *x, const char *const *names)
{
	GENERAL_NAMES *all;
	int rc = 0;

	if (names == NULL || names[0] == NULL)
		return 0;
	if ((all = GENERAL_NAMES_new()) == NULL)
		return -ENOMEM;
	for (size_t i = 0; names[i] != NULL && rc == 0; i++) {
		GENERAL_NAME *g = i < MAKE_NAMES_MAX ? general_name_new(names[i]) : NULL;

		if (g == NULL)
			rc = -EINVAL;
		else if (sk_GENERAL_NAME_push(all, g) <= 0) {
			GENERAL_NAME_free(g);
			rc = -ENOMEM;
		}
	}
	if (rc == 0 && X509_add1_ext_i2d(x, NID_subject_alt_name, all, 0, X509V3_ADD_DEFAULT) != 1)
		rc = SE_CRYPTO;
	GENERAL_NAMES_free(all);
	return rc;
}

static int
add_extensions(X509 *x, X509 *issuer, const struct tls_plan *plan)
{
	X509V3_CTX v3;
	int rc;

	X509V3_set_ctx(&v3, issuer, x, NULL, NULL, 0);
	if ((rc = add_extension(x, &v3, NID_basic_constraints,
	    plan->is_ca ? "critical,CA:TRUE" : "critical,CA:FALSE")) < 0 ||
	    (rc = add_extension(x, &v3, NID_key_usage,
	    plan->is_ca ? "critical,keyCertSign,cRLSign" : "critical,digitalSignature")) < 0 ||
	    (rc = add_extension(x, &v3, NID_subject_key_identifier, "hash")) < 0 ||
	    (rc = add_extension(x, &v3, NID_authority_key_identifier, "keyid:always")) < 0)
		return rc;
	if (!plan->is_ca &&
	    (rc = add_extension(x, &v3, NID_ext_key_usage, "serverAuth,clientAuth")) < 0)
		return rc;
	return add_names(x, plan->names);
}

static int
add_head(X509 *x, const struct tls_plan *plan)
{
	X509_NAME *name = X509_get_subject_name(x);
	uint64_t serial;

	if (RAND_bytes((unsigned char *)&serial, sizeof(serial)) != 1)
		return SE_CRYPTO;
	if (X509_set_version(x, X509_VERSION_3) != 1 ||
	    ASN1_INTEGER_set_uint64(X509_get_serialNumber(x),
	    (serial >> (64 - SERIAL_BITS)) | 1) != 1 ||
	    ASN1_TIME_set(X509_getm_notBefore(x), (time_t)plan->not_before) == NULL ||
	    ASN1_TIME_set(X509_getm_notAfter(x), (time_t)plan->not_after) == NULL ||
	    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
	    (const unsigned char *)plan->common_name, -1, -1, 0) != 1)
		return -EINVAL;
	return 0;
}

static int
made_pem(struct tls_made *m)
{
	m->cert_pem = BIO_new(BIO_s_mem());
	m->key_pem = BIO_new(BIO_s_secmem());
	if (m->cert_pem == NULL || m->key_pem == NULL ||
	    PEM_write_bio_X509(m->cert_pem, m->cert) != 1 ||
	    PEM_write_bio_PKCS8PrivateKey(m->key_pem, m->key, NULL, NULL, 0, NULL, NULL) != 1)
		return SE_CRYPTO;
	return 0;
}

int
tls_make(const struct tls_plan *plan, const struct tls_made *issuer, struct tls_made **ret)
{
	_cleanup_(tls_made_freep) struct tls_made *m = calloc(1, sizeof(*m));
	int rc;

	if (m == NULL || (m->cert = X509_new()) == NULL)
		return -ENOMEM;
	if ((m->key = EVP_EC_gen("P-256")) == NULL || X509_set_pubkey(m->cert, m->key) != 1)
		return SE_CRYPTO;
	if (issuer == NULL)
		issuer = m;
	if ((rc = add_head(m->cert, plan)) == 0 &&
	    X509_set_issuer_name(m->cert, X509_get_subject_name(issuer->cert)) != 1)
		rc = SE_CRYPTO;
	if (rc == 0)
		rc = add_extensions(m->cert, issuer->cert, plan);
	if (rc == 0 && X509_sign(m->cert, issuer->key, EVP_sha256()) <= 0)
		rc = SE_CRYPTO;
	if (rc == 0)
		rc = made_pem(m);
	ERR_clear_error();
	if (rc < 0)
		return rc;
	*ret = TAKE_PTR(m);
	return 0;
}

struct tls_made *
tls_made_free(struct tls_made *m)
{
	if (m == NULL)
		return NULL;
	X509_free(m->cert);
	EVP_PKEY_free(m->key);
	(void)BIO_free(m->cert_pem);
	(void)BIO_free(m->key_pem);
	free(m);
	return NULL;
}

static struct sv
pem_of(BIO *b)
{
	char *p;
	long n = BIO_get_mem_data(b, &p);

	return (struct sv){ p, n > 0 ? (size_t)n : 0 };
}

struct sv
tls_made_cert(const struct tls_made *m)
{
	return pem_of(m->cert_pem);
}

struct sv
tls_made_key(const struct tls_made *m)
{
	return pem_of(m->key_pem);
}
