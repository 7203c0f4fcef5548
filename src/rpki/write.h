/*
 * Writing what the rest of rpki/ reads: DER, and the objects of the RPKI
 * before they are signed. Nothing here signs, hashes or checks; the values
 * of a spec are written as they are, so that a test can write a wrong one.
 * Users: the lab, round-trip tests. Strings are IA5 or printable, as the
 * profile of each field asks; lists are written in the order given.
 */
#ifndef RPKI_WRITE_H
#define RPKI_WRITE_H

#include "base/ip.h"
#include "base/rd.h"

/* --- DER (X.690 section 10) --- */

#define WDER_BOOL	0x01
#define WDER_INT		0x02
#define WDER_BITS	0x03
#define WDER_OCTETS	0x04
#define WDER_NULL	0x05
#define WDER_OID		0x06
#define WDER_UTF8	0x0c
#define WDER_PRINTABLE	0x13
#define WDER_IA5		0x16
#define WDER_UTCTIME	0x17
#define WDER_GENTIME	0x18
#define WDER_SEQ		0x30
#define WDER_SET		0x31
#define WDER_CTX(n)	((uint8_t)(0xa0 | (n)))	/* [n], constructed */
#define WDER_CTX_PRIM(n)	((uint8_t)(0x80 | (n)))	/* [n], primitive */

/* What is written between the two becomes the content of a TLV. */
size_t	 wder_open(struct wr *, uint8_t tag);
void	 wder_close(struct wr *, size_t at);
/* The same, and the content's TLVs are put in the order of a SET OF. */
void	 wder_close_set(struct wr *, size_t at);
void	 wder_tlv(struct wr *, uint8_t tag, const void *, size_t n);
void	 wder_str(struct wr *, uint8_t tag, const char *);
void	 wder_uint(struct wr *, uint64_t);
/* A number without sign, big-endian; leading zeros are dropped. */
void	 wder_uint_bytes(struct wr *, struct sv);
void	 wder_oid(struct wr *, const char *dotted);
void	 wder_bits(struct wr *, const void *, size_t n, uint8_t unused);
void	 wder_gentime(struct wr *, int64_t);
/* UTCTime through 2049, then GeneralizedTime (RFC 5280 section 4.1.2.5). */
void	 wder_time(struct wr *, int64_t);
/* AlgorithmIdentifier with NULL parameters. */
void	 wder_alg(struct wr *, const char *oid);
/* The first len bits of an address as BIT STRING, unused bits zero (RFC 3779). */
void	 wder_addr(struct wr *, const uint8_t *addr, unsigned len);

/* --- names of things --- */

#define OID_RSA_ENCRYPTION	"1.2.840.113549.1.1.1"
#define OID_EC_PUBLIC_KEY	"1.2.840.10045.2.1"
#define OID_P256		"1.2.840.10045.3.1.7"
#define OID_SHA256_RSA		"1.2.840.113549.1.1.11"
#define OID_SHA256		"2.16.840.1.101.3.4.2.1"
#define OID_SIGNED_DATA		"1.2.840.113549.1.7.2"
#define OID_CT_ROA		"1.2.840.113549.1.9.16.1.24"
#define OID_CT_MFT		"1.2.840.113549.1.9.16.1.26"
#define OID_CT_GBR		"1.2.840.113549.1.9.16.1.35"
#define OID_CT_ASPA		"1.2.840.113549.1.9.16.1.49"
#define OID_CT_TAK		"1.2.840.113549.1.9.16.1.50"
#define OID_ATTR_CTYPE		"1.2.840.113549.1.9.3"
#define OID_ATTR_DIGEST		"1.2.840.113549.1.9.4"
#define OID_ATTR_TIME		"1.2.840.113549.1.9.5"
#define OID_ATTR_BINTIME	"1.2.840.113549.1.9.16.2.46"
#define OID_EXT_SKI		"2.5.29.14"
#define OID_EXT_KEY_USAGE	"2.5.29.15"
#define OID_EXT_BASIC		"2.5.29.19"
#define OID_EXT_CRL_NUMBER	"2.5.29.20"
#define OID_EXT_CRLDP		"2.5.29.31"
#define OID_EXT_POLICIES	"2.5.29.32"
#define OID_EXT_AKI		"2.5.29.35"
#define OID_EXT_EKU		"2.5.29.37"
#define OID_EXT_AIA		"1.3.6.1.5.5.7.1.1"
#define OID_EXT_SIA		"1.3.6.1.5.5.7.1.11"
#define OID_EXT_IP		"1.3.6.1.5.5.7.1.7"
#define OID_EXT_AS		"1.3.6.1.5.5.7.1.8"
#define OID_EXT_IP_V2		"1.3.6.1.5.5.7.1.28"
#define OID_EXT_AS_V2		"1.3.6.1.5.5.7.1.29"
#define OID_KP_ROUTER		"1.3.6.1.5.5.7.3.30"
#define OID_CP			"1.3.6.1.5.5.7.14.2"
#define OID_CP_V2		"1.3.6.1.5.5.7.14.3"

/* --- specs --- */

struct write_ip_range {
	uint8_t	min[16], max[16];	/* IPv4 in the first four bytes */
};

struct write_as_range {
	uint32_t min, max;
};

/* Resources: sorted, merged ranges. Without v and inherit: absent. */
struct write_res {
	struct {
		const struct write_ip_range *v;
		size_t	 n;
		bool	 inherit;
	} ip[2];			/* IPv4, IPv6 */
	struct {
		const struct write_as_range *v;
		size_t	 n;
		bool	 inherit;
	} as;
};

/* A resource certificate (RFC 6487). NULL and empty fields are left out. */
struct cert_spec {
	struct sv	 serial;
	const char	*issuer, *subject;	/* common names */
	int64_t		 not_before, not_after;
	struct sv	 spki;			/* DER */
	struct sv	 ski, aki;
	bool		 ca;
	const char	*crldp, *aia;
	const char	*repo, *mft, *notify;	/* SIA of a CA */
	const char	*object;		/* SIA of a signed object's key */
	const char	*eku;			/* extended key usage: dotted OID */
	struct write_res res;
};

struct crl_item {
	struct sv	serial;
	int64_t		when;
};

struct crl_spec {
	const char		*issuer;
	int64_t			 this_update, next_update;
	const struct crl_item	*revoked;
	size_t			 n_revoked;
	struct sv		 aki;
	struct sv		 number;
};

struct mft_entry {
	struct sv	name;
	uint8_t		hash[32];
};

struct mft_spec {
	struct sv		 number;
	int64_t			 this_update, next_update;
	const struct mft_entry	*files;
	size_t			 n_files;
};

struct roa_entry {
	struct ip_prefix	px;
	uint8_t			max_len;	/* == px.len: left out */
};

struct roa_spec {
	uint32_t		 asn;
	const struct roa_entry	*v;		/* IPv4 before IPv6 */
	size_t			 n;
};

struct aspa_spec {
	uint32_t		 customer;
	const uint32_t		*providers;
	size_t			 n_providers;
};

/* A vCard of RFC 6493 section 5. NULL: left out. */
struct vcard_spec {
	const char	*fn, *org, *adr, *tel, *email;
	const char	*other;			/* a line as it is */
};

struct tak_key_spec {
	const char	*const *comments, *const *uris;
	size_t		 n_comments, n_uris;
	struct sv	 spki;			/* DER */
};

/* RFC 9691. NULL: left out. */
struct tak_spec {
	const struct tak_key_spec *current, *predecessor, *successor;
};

struct cms_spec {
	const char	*ctype;			/* dotted OID */
	struct sv	 econtent, cert;	/* DER */
	struct sv	 ski;			/* of the certificate */
	struct sv	 attrs;			/* SET OF, as attrs_write() gave it */
	struct sv	 sig;
};

/* What is signed: TBSCertificate, TBSCertList. */
void	 cert_tbs_write(struct wr *, const struct cert_spec *);
void	 crl_tbs_write(struct wr *, const struct crl_spec *);
/* Certificate or CRL from its signed part. */
void	 signed_write(struct wr *, struct sv tbs, struct sv sig);
/* eContent of each signed object. */
void	 mft_write(struct wr *, const struct mft_spec *);
void	 roa_write(struct wr *, const struct roa_spec *);
void	 aspa_write(struct wr *, const struct aspa_spec *);
void	 vcard_write(struct wr *, const struct vcard_spec *);
void	 tak_write(struct wr *, const struct tak_spec *);
/* SubjectPublicKeyInfo of a router (RFC 8608): a point of a named curve. */
void	 ec_spki_write(struct wr *, const char *curve, const void *point, size_t n);
/* SignedAttributes as they are hashed: a SET OF (RFC 5652 section 5.4). */
void	 attrs_write(struct wr *, const char *ctype, struct sv digest, int64_t signing_time);
/* The whole object (RFC 6488). */
void	 cms_write(struct wr *, const struct cms_spec *);

#endif
