/* The kinds of keys that DNSSEC uses, in PKCS#11's words. */
#include "hsm/internal.h"

/*
 * EdDSA's curves by OID (RFC 8410) or, as PKCS#11 3.0 section 2.3.10 has it, by a
 * PrintableString; tokens take the one or the other.
 */
static const struct hsm_kind_row kinds[HSM_KIND_MAX] = {
	[HSM_RSA] = { .type = CKK_RSA, .generate = CKM_RSA_PKCS_KEY_PAIR_GEN, .sign = CKM_RSA_PKCS },
	[HSM_P256] = { CKK_EC, CKM_EC_KEY_PAIR_GEN, CKM_ECDSA,
	    "\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07", NULL, 10, 0 },
	[HSM_P384] = { CKK_EC, CKM_EC_KEY_PAIR_GEN, CKM_ECDSA,
	    "\x06\x05\x2b\x81\x04\x00\x22", NULL, 7, 0 },
	[HSM_ED25519] = { CKK_EC_EDWARDS, CKM_EC_EDWARDS_KEY_PAIR_GEN, CKM_EDDSA,
	    "\x06\x03\x2b\x65\x70", "\x13\x0c" "edwards25519", 5, 14 },
	[HSM_ED448] = { CKK_EC_EDWARDS, CKM_EC_EDWARDS_KEY_PAIR_GEN, CKM_EDDSA,
	    "\x06\x03\x2b\x65\x71", "\x13\x0a" "edwards448", 5, 12 },
};

const struct hsm_kind_row *
hsm_kind_row(enum hsm_kind k)
{
	return &kinds[k];
}

enum hsm_kind
hsm_kind_find(CK_KEY_TYPE type, struct sv params)
{
	for (unsigned k = 0; k < HSM_KIND_MAX; k++) {
		const struct hsm_kind_row *r = &kinds[k];

		if (r->type == type && (r->params == NULL ||
		    sv_eq(params, (struct sv){ r->params, r->params_len }) ||
		    (r->params2 != NULL && sv_eq(params, (struct sv){ r->params2, r->params2_len }))))
			return k;
	}
	return HSM_KIND_MAX;
}
