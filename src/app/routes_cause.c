/*
 * What a broken rule most likely means: whose slip it is, and whether an
 * attack is to be thought of. A judgement of experience, not of an RFC; so it
 * stands here and not in findings.def.
 */
#include "app/routes.h"

enum cause {
	CAUSE_DEFECT,		/* of the CA's software; the default */
	CAUSE_EXPIRY,
	CAUSE_FUTURE,
	CAUSE_CHANGED,
	CAUSE_ABSENT,
	CAUSE_OVERCLAIM,
	CAUSE_WITHDRAWN,
	CAUSE_ROLLED,
	CAUSE_ANCHOR,
	CAUSE_HOSTILE,
	CAUSE_MAX
};

static const char *const texts[CAUSE_MAX] = {
	[CAUSE_DEFECT] = N_("a defect in the software of the CA that made the object; not an attack, and nothing on this side."),
	[CAUSE_EXPIRY] = N_("the CA has stopped renewing, or its repository is not being fetched, or this machine's clock is wrong. If other objects of the same server are fresh, it is the CA's side."),
	[CAUSE_FUTURE] = N_("a clock that is wrong, here or at the CA."),
	[CAUSE_CHANGED] = N_("a repository that was read while it was changing, or damage on the way. An attack cannot be excluded: if it stays so after the next fetch, tell the CA."),
	[CAUSE_ABSENT] = N_("the repository is not reachable or was not fetched completely, or the CA has forgotten to publish."),
	[CAUSE_OVERCLAIM] = N_("the resource was transferred or returned, and the certificates were not all issued again. It is the CAs' side; an attack would look the same."),
	[CAUSE_WITHDRAWN] = N_("the CA has withdrawn it on purpose."),
	[CAUSE_ROLLED] = N_("a key change or a renaming that was not finished: old and new objects are mixed."),
	[CAUSE_ANCHOR] = N_("an outdated or wrong TAL on this machine; otherwise a serious attack on the trust anchor."),
	[CAUSE_HOSTILE] = N_("a test, or somebody who wants to wear validators out. No honest CA publishes this."),
};

static const struct {
	enum rpki_code	code;
	enum cause	cause;
} causes[] = {
	{ RPKI_CERT_EXPIRED, CAUSE_EXPIRY },
	{ RPKI_CRL_STALE, CAUSE_EXPIRY },
	{ RPKI_MFT_STALE, CAUSE_EXPIRY },
	{ RPKI_CERT_NOT_YET, CAUSE_FUTURE },
	{ RPKI_CRL_NOT_YET, CAUSE_FUTURE },
	{ RPKI_MFT_NOT_YET, CAUSE_FUTURE },
	{ RPKI_CERT_SIGNATURE, CAUSE_CHANGED },
	{ RPKI_CRL_SIGNATURE, CAUSE_CHANGED },
	{ RPKI_CMS_SIGNATURE, CAUSE_CHANGED },
	{ RPKI_CMS_DIGEST, CAUSE_CHANGED },
	{ RPKI_MFT_FILE_HASH, CAUSE_CHANGED },
	{ RPKI_DER_SHORT, CAUSE_CHANGED },
	{ RPKI_MFT_MISSING, CAUSE_ABSENT },
	{ RPKI_MFT_FILE_MISSING, CAUSE_ABSENT },
	{ RPKI_TA_MISSING, CAUSE_ABSENT },
	{ RPKI_CERT_OVERCLAIM, CAUSE_OVERCLAIM },
	{ RPKI_ROA_OVERCLAIM, CAUSE_OVERCLAIM },
	{ RPKI_CERT_REVOKED, CAUSE_WITHDRAWN },
	{ RPKI_CERT_ISSUER, CAUSE_ROLLED },
	{ RPKI_CERT_AKI, CAUSE_ROLLED },
	{ RPKI_CERT_CRL_OTHER, CAUSE_ROLLED },
	{ RPKI_CRL_ISSUER, CAUSE_ROLLED },
	{ RPKI_CRL_AKI, CAUSE_ROLLED },
	{ RPKI_MFT_LOCATION, CAUSE_ROLLED },
	{ RPKI_TA_KEY, CAUSE_ANCHOR },
	{ RPKI_TA_SELF, CAUSE_ANCHOR },
	{ RPKI_LOOP, CAUSE_HOSTILE },
	{ RPKI_DEPTH, CAUSE_HOSTILE },
	{ RPKI_POINTS_MANY, CAUSE_HOSTILE },
	{ RPKI_TOO_LARGE, CAUSE_HOSTILE },
	{ RPKI_MFT_FILES_MANY, CAUSE_HOSTILE },
	{ RPKI_ROA_MANY, CAUSE_HOSTILE },
	{ RPKI_ASPA_MANY, CAUSE_HOSTILE },
};

const char *
routes_cause(const struct finding_def *def)
{
	for (size_t i = 0; i < ARRAY_LEN(causes); i++)
		if (def == &rpki_findings[causes[i].code])
			return texts[causes[i].cause];
	return texts[CAUSE_DEFECT];
}
