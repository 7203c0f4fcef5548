/* What the files of mail/bimi share. */
#ifndef MAIL_BIMI_INTERNAL_H
#define MAIL_BIMI_INTERNAL_H

#include "mail/bimi.h"

/* --- one certificate (bimi_cert.c) --- */

struct bimi_cert {
	struct sv	der, tbs, issuer, subject, spki;	/* whole encodings */
	struct sv	alg, sig;	/* an OID's content; octets */
	int64_t		from, to;
	bool		is_ca, is_for_marks;	/* basicConstraints; extended key usage */
	bool		is_odd;		/* a critical extension that we do not know */
	struct sv	names, logotype;	/* content of subjectAltName and of the logotype extension */
};
/* 1; 0: text has no more; -EINVAL: what follows is no PEM of a certificate; -ENOMEM. */
int	 bimi_pem_next(struct pool *, struct sv *text, struct sv *ret_der) MUST_USE;
/* -EINVAL, and at which field. */
int	 bimi_cert_parse(struct sv der, struct bimi_cert *ret, const char **ret_where) MUST_USE;
/* Does the name stand among the certificate's? */
bool	 bimi_cert_holds(const struct bimi_cert *, struct sv name);
/* The text of an attribute of the subject; empty: none. */
struct sv bimi_cert_attribute(const struct bimi_cert *, struct sv oid);
/* 1: issuer's key signed it; 0: it did not; -ENOTSUP: not our algorithm; -ENOMEM, … */
int	 bimi_cert_signed_by(struct pool *, const struct bimi_cert *, const struct bimi_cert *issuer) MUST_USE;
/*
 * The image in the logotype extension (RFC 9399 section 4.1). 0; -ENOENT: there is none that can be used;
 * -EINVAL: DER; -ENOMEM.
 */
int	 bimi_logotype_parse(struct pool *, struct sv content, struct bimi_evidence *) MUST_USE;

#define OID_(...)	{ (const char[]){ __VA_ARGS__ }, sizeof((const char[]){ __VA_ARGS__ }) }

#endif
