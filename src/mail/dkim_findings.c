/* What each code makes of a signature, and what it tells. */
#include "mail/dkim_internal.h"

#define F FINDING_ROW_
const struct finding_def dkim_findings[DKIM_CODE_MAX] = {
#include "mail/dkim_findings.def"
};
#undef F

/* Beside the domain and the selector. */
enum told {
	NOTHING,
	WHAT,		/* the tag, or its value */
	BITS,		/* of the key */
	RECORDS,	/* at its name */
	SIZES,		/* l=, and the body */
	SURPLUS,
	BEGIN,		/* t= */
	END,		/* x= */
};

/*
 * RFC 8601 section 2.7.1 ("neutral": what has "syntax errors or were not otherwise able to be
 * processed"; "policy": what is "not acceptable to the ADMD"), the rest by RFC 6376's PERMFAIL
 * and TEMPFAIL (section 3.9). Codes that change nothing are "pass".
 */
static const struct row {
	enum mail_result	result;
	enum told		told;
} rows[DKIM_CODE_MAX] = {
	[DKIM_SIG_TAGS] = { MAIL_NEUTRAL, WHAT },
	[DKIM_SIG_MISSING] = { MAIL_NEUTRAL, WHAT },
	[DKIM_SIG_VERSION] = { MAIL_NEUTRAL, WHAT },
	[DKIM_SIG_VALUE] = { MAIL_NEUTRAL, WHAT },
	[DKIM_SIG_ALGORITHM] = { MAIL_NEUTRAL, WHAT },
	[DKIM_SIG_SHA1] = { MAIL_PERMERROR, NOTHING },
	[DKIM_SIG_IDENTITY] = { MAIL_PERMERROR, WHAT },
	[DKIM_SIG_FROM] = { MAIL_PERMERROR, NOTHING },
	[DKIM_SIG_QUERY] = { MAIL_NEUTRAL, WHAT },
	[DKIM_SIG_TIMES] = { MAIL_NEUTRAL, NOTHING },
	[DKIM_SIG_LIMIT] = { MAIL_POLICY, NOTHING },
	[DKIM_SIG_MANY] = { MAIL_POLICY, NOTHING },
	[DKIM_KEY_DNS] = { MAIL_TEMPERROR, NOTHING },
	[DKIM_KEY_NONE] = { MAIL_PERMERROR, NOTHING },
	[DKIM_KEY_TAGS] = { MAIL_PERMERROR, WHAT },
	[DKIM_KEY_VERSION] = { MAIL_PERMERROR, WHAT },
	[DKIM_KEY_MISSING] = { MAIL_PERMERROR, NOTHING },
	[DKIM_KEY_REVOKED] = { MAIL_PERMERROR, NOTHING },
	[DKIM_KEY_BASE64] = { MAIL_PERMERROR, NOTHING },
	[DKIM_KEY_DER] = { MAIL_PERMERROR, NOTHING },
	[DKIM_KEY_SHORT] = { MAIL_PERMERROR, BITS },
	[DKIM_KEY_LONG] = { MAIL_PERMERROR, BITS },
	[DKIM_KEY_TYPE] = { MAIL_PERMERROR, WHAT },
	[DKIM_KEY_HASH] = { MAIL_PERMERROR, WHAT },
	[DKIM_KEY_SERVICE] = { MAIL_PERMERROR, WHAT },
	[DKIM_KEY_STRICT] = { MAIL_PERMERROR, WHAT },
	[DKIM_KEY_SEVERAL] = { MAIL_PASS, RECORDS },
	[DKIM_KEY_TESTING] = { MAIL_PASS, NOTHING },
	[DKIM_KEY_SMALL] = { MAIL_PASS, BITS },
	[DKIM_BODY_CHANGED] = { MAIL_FAIL, NOTHING },
	[DKIM_HEAD_CHANGED] = { MAIL_FAIL, NOTHING },
	[DKIM_ALL_CHANGED] = { MAIL_FAIL, NOTHING },
	[DKIM_BODY_SHORT] = { MAIL_FAIL, SIZES },
	[DKIM_BODY_SURPLUS] = { MAIL_PASS, SURPLUS },
	[DKIM_EXPIRED] = { MAIL_POLICY, END },
	[DKIM_FUTURE] = { MAIL_POLICY, BEGIN },
};

enum mail_result
dkim_result(enum dkim_code why)
{
	return why < DKIM_CODE_MAX ? rows[why].result : MAIL_PASS;
}

static size_t
args_add(struct farg *a, enum told told, const struct dkim_verdict *v, const struct dkim_keys *ks)
{
	bool of_key = v->sig->why == DKIM_FINE;

	switch (told) {
	case WHAT:
		a[0] = FA_SV("what", of_key ? ks->what : v->sig->what);
		return 1;
	case BITS:
		a[0] = FA_U("bits", v->key_bits);
		return 1;
	case RECORDS:
		a[0] = FA_U("n", ks->n_records);
		return 1;
	case SIZES:
		a[0] = FA_U("n", v->sig->length);
		a[1] = FA_U("size", v->body->n_canon);
		return 2;
	case SURPLUS:
		a[0] = FA_U("n", v->n_surplus);
		return 1;
	case BEGIN:
		a[0] = FA_TIME("time", v->sig->time);
		return 1;
	case END:
		a[0] = FA_TIME("time", v->sig->expiry);
		return 1;
	default:
		return 0;
	}
}

void
dkim_tell(struct findings *fs, enum dkim_code code, const struct dkim_verdict *v,
    const struct dkim_keys *ks)
{
	struct farg a[FARG_PER_FINDING_MAX] = {
		FA_SV("domain", v->sig->domain),
		FA_SV("selector", v->sig->selector),
	};
	size_t n = 2 + args_add(a + 2, rows[code].told, v, ks);

	finding_add_args(fs, &dkim_findings[code], a, (unsigned)n);
}
