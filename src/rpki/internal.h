/* What the files of rpki/ share among themselves. */
#ifndef RPKI_INTERNAL_H
#define RPKI_INTERNAL_H

#include "crypto/digest.h"
#include "rpki/der.h"
#include "rpki/rpki.h"

#define F(code)	(&rpki_findings[code])

/* An object identifier's content octets as a slice. */
#define OID(...) { (const char *)(const uint8_t[]){ __VA_ARGS__ }, \
	sizeof((const uint8_t[]){ __VA_ARGS__ }) }

extern const struct sv oid_rsa_encryption, oid_sha256_rsa, oid_sha256;

/* --- rfc3779.c --- */
void	 ip_res_parse(struct der *, struct pool *, struct resources *, struct findings *);
void	 as_res_parse(struct der *, struct pool *, struct as_res *, struct findings *);
/* BIT STRING of a prefix into addr; false if it is too long. */
bool	 ip_prefix_from_bits(struct sv bits, unsigned unused, uint8_t af,
	    struct ip_prefix *ret);
/* Replace what is inherited by the issuer's; over-claims are findings. */
int	 resources_effective(struct pool *, const struct resources *want,
	    const struct resources *issuer, bool cut, struct findings *,
	    struct resources *ret) MUST_USE;
bool	 resources_none(const struct resources *);

/* --- cert.c --- */
/* AlgorithmIdentifier of sha256WithRSAEncryption; true if it is that. */
bool	 sig_alg_parse(struct der *, struct sv *ret_whole);
/* Judged against its issuer: name, key identifier, time. */
void	 cert_check_issuer(const struct cert *, const struct rpki_ca *, struct findings *);
void	 cert_check_time(const struct cert *, int64_t now, struct findings *);
/*
 * Its signature as an item. What is signed is only named in the message: who has all items
 * of a batch makes all their digests (crypto_sha256_many()), and then verifies.
 */
void	 cert_verify_item(struct crypto_verify *, struct crypto_msg *, struct cert *,
	    const struct crypto_pub *issuer);
void	 time_check_type(struct der *, int64_t t, uint8_t tag, bool *bad);

/* --- name.c --- */
/*
 * The same attributes with the same letters in the same order, whatever their
 * string types: what RPKI_TOL_NAME_STRING lets pass has to match, too.
 */
bool	 name_same(struct sv, struct sv);
/* A Name; true if it has the profile's form. */
bool	 name_parse(struct der *, bool *ret_printable, struct sv *ret_whole);
/* What name_parse() found, as findings. */
void	 name_report(bool good, bool printable, const char *field, unsigned tolerate,
	    struct findings *);

/* --- crl.c --- */
struct crl {
	struct sv	 tbs, sig, issuer, aki;
	int64_t		 this_update, next_update;
	size_t		 n;
	struct crl_entry {
		struct sv	serial;
		int64_t		revoked;
	}		*entries;		/* sorted by serial */
};
int	 crl_parse(struct pool *, struct sv der, unsigned tolerate, struct findings *,
	    struct crl **ret) MUST_USE;
void	 crl_check(const struct crl *, const struct rpki_ca *, int64_t now, struct findings *);
/* The entry, or NULL. */
const struct crl_entry *crl_find(const struct crl *, struct sv serial);

/* --- cms.c --- */
struct cms {
	struct sv	 content;		/* eContent octets */
	struct cert	*ee;
	struct sv	 attrs;			/* signedAttrs content, without tag */
	struct sv	 attrs_whole;		/* with its [0] tag */
	struct sv	 sig;
	struct sv	 digest;		/* message-digest attribute */
	uint8_t		 attrs_digest[SHA256_LEN];	/* room for cms_verify_item() */
	int64_t		 signing_time;
};
int	 cms_parse(struct pool *, struct sv der, enum rpki_type, unsigned tolerate,
	    struct findings *, struct cms **ret) MUST_USE;
/* As cert_verify_item(). All point into the object, which must outlive the item. */
void	 cms_verify_item(struct crypto_verify *, struct crypto_msg *, struct cms *);
/* message-digest against the content. */
void	 cms_check_digest(const struct cms *, struct findings *);

/* --- mft.c --- */
struct mft_file {
	struct sv	 name;
	struct sv	 hash;			/* 32 bytes */
};
struct mft {
	struct sv	 number;
	int64_t		 this_update, next_update;
	size_t		 n;
	struct mft_file	*files;
};
int	 mft_parse(struct pool *, struct sv content, struct findings *, struct mft **ret) MUST_USE;
void	 mft_check(const struct mft *, const struct cert *ee, int64_t now, struct findings *);

/* --- cert.c --- */
/* RSAPublicKey in a BIT STRING; true if it is one that RFC 7935 allows. */
bool	 rsa_key_parse(struct der *spki, struct sv *ret_modulus, uint32_t *ret_exponent,
	    struct sv *ret_bits);

/* --- router.c: fills obj->router_keys --- */
int	 router_parse(struct pool *, struct sv der, unsigned tolerate, struct findings *,
	    struct cert **ret) MUST_USE;
/* res: effective. */
int	 router_check(struct pool *, struct rpki_object *, const struct cert *,
	    const struct resources *res, struct findings *) MUST_USE;

/* --- gbr.c, tak.c: fill obj->gbr / obj->tak --- */
int	 gbr_parse(struct pool *, struct sv content, struct findings *, struct rpki_object *) MUST_USE;
void	 gbr_check(const struct cert *ee, struct findings *);
int	 tak_parse(struct pool *, struct sv content, struct findings *, struct rpki_object *) MUST_USE;
/* ca: who issued it; NULL: not known. n_listed: .tak files on its manifest. */
void	 tak_check(const struct rpki_object *, const struct cert *ee, const struct rpki_ca *ca,
	    size_t n_listed, struct findings *);

/* --- object.c --- */
/* What router_check(), gbr_parse() and tak_parse() filled, into the pool. -ENOMEM. */
int	 object_contents_copy(struct pool *, struct rpki_object *) MUST_USE;

/* --- roa.c, aspa.c: fill obj->vrps / obj->aspa --- */
int	 roa_parse(struct pool *, struct sv content, struct findings *, struct rpki_object *) MUST_USE;
/* ee_res: effective. */
void	 roa_check(const struct rpki_object *, const struct cert *ee,
	    const struct resources *ee_res, struct findings *);
int	 aspa_parse(struct pool *, struct sv content, struct findings *, struct rpki_object *) MUST_USE;
void	 aspa_check(const struct rpki_object *, const struct cert *ee,
	    const struct resources *ee_res, struct findings *);

#endif
