/*
 * mail/authres: what a receiver found, said in a field of the message:
 * Authentication-Results (RFC 8601), and Received-SPF (RFC 7208 section 9.1).
 *
 * What enters is a field's value, or results that are to be said; what leaves
 * are results, or a value. What stands in such a field is true only if one of
 * ours wrote it: a stranger can write the same. So three things are asked of
 * this file, and nothing is decided here beyond them:
 *
 *	read	strictly by the grammar of RFC 8601 section 2.2, into struct
 *		authres. Three ways of large providers to leave the grammar are
 *		read, with a finding: "/", "=" and the like in a value without
 *		quotes (header.b=a/b=), a word without its type (action=none), a ";"
 *		with nothing behind it. All else that is broken is broken as a
 *		whole: half of a statement may say the opposite of all of it.
 *	write	folded, each value quoted where it must be. No octet of a
 *		stranger can end a value, a comment, a line or the field: what may
 *		stand nowhere becomes "?", what is too long is left out.
 *	claim	does a field that came from outside say that we wrote it? Then it
 *		must go (section 5). Who forges one writes it so that his reader
 *		takes it for ours and our filter does not; so what cannot be read
 *		strictly up to its first ";" goes, too.
 *
 * Which results may be used in a decision is section 4.1's: methods, their
 * results and property types of the registry, version 1 (authres_find()).
 * What is not in it is kept as words, for people.
 *
 * Domains: in an internationalised message (RFC 6532) a value may be UTF-8 and
 * a domain U-labels; elsewhere the writer gives A-labels (sections 2.5 and
 * 2.7; RFC 8616). Names are compared as A-labels.
 *
 * Not here: who is trusted. RFCs: 8601, 7208 section 9.1, 5322 section 3.2,
 * 6532, 6008 (several signatures of a message are several results).
 */
#ifndef MAIL_AUTHRES_H
#define MAIL_AUTHRES_H

#include "mail/mail.h"

enum authres_code {
#define F FINDING_ENUM_
#include "mail/authres_findings.def"
#undef F
	AUTHRES_CODE_MAX
};
extern const struct finding_def authres_findings[AUTHRES_CODE_MAX];

/* --- values --- */

enum authres_method {
	AUTHRES_SPF,
	AUTHRES_DKIM,
	AUTHRES_DMARC,
	AUTHRES_ARC,
	AUTHRES_IPREV,
	AUTHRES_AUTH,
	AUTHRES_OTHER,		/* by its name only */
	AUTHRES_METHOD_MAX
};

struct authres_property {
	struct sv		 ptype, name, value;	/* "header", "d", "example.jp" */
	struct authres_property	*next;
};

struct authres_result {
	enum authres_method	 method;
	struct sv		 method_name;	/* as written */
	uint32_t		 version;	/* of the method; 1 where none is given */
	enum mail_result	 result;	/* MAIL_RESULT_MAX: none that we know */
	struct sv		 word;		/* as written */
	struct sv		 comment;	/* the first behind the result; .n is 0: none */
	struct sv		 reason;	/* .p is NULL: none */
	struct authres_property	*properties, **properties_end;
	struct authres_result	*next;
};

struct authres {
	struct sv		 id;		/* the authserv-id */
	struct authres_result	*results;	/* none: "none", nothing was checked */
	size_t			 n;
	/* private */
	struct authres_result	**end;
	struct pool		*pool;
};

/* "spf" …; "" for AUTHRES_OTHER. */
const char *authres_method_name(enum authres_method);

/* --- to make one --- */

void	 authres_init(struct authres *, struct pool *, struct sv id);
/* Texts are not copied. -ENOMEM; SE_LIMIT: AUTHRES_RESULTS_MAX. */
int	 authres_add(struct authres *, enum authres_method, enum mail_result,
	    struct authres_result **ret) MUST_USE;
/* type and name are words of the grammar, constants of ours. -ENOMEM. */
int	 authres_property_add(struct authres *, struct authres_result *, const char *type,
	    const char *name, struct sv value) MUST_USE;

/* --- read --- */

/*
 * The value of an Authentication-Results field, or what stands behind "i=1;" in an
 * ARC-Authentication-Results. 0 with *ret, or NULL and a finding (REJECT); -ENOMEM.
 */
int	 authres_parse(struct pool *, struct sv value, struct findings *, struct authres **ret) MUST_USE;
/*
 * The first result of that method that may be used in a decision, behind the given one
 * (NULL: from the top). NULL: there is none.
 */
const struct authres_result *authres_find(const struct authres *, enum authres_method,
	    const struct authres_result *behind);
/* The value of ptype.name; .p is NULL: there is none. */
struct sv authres_property_find(const struct authres_result *, const char *type, const char *name);

enum authres_claim {
	AUTHRES_FOREIGN,	/* another's: it may stay */
	AUTHRES_OURS,		/* an identifier of ours */
	AUTHRES_UNREADABLE,	/* no identifier that everybody reads in the same way */
	AUTHRES_VERSIONED,	/* of a version that we do not know */
	AUTHRES_CLAIM_MAX
};
/*
 * Whose is the field? All but AUTHRES_FOREIGN must be removed when it comes from outside
 * (section 5). An identifier of ours that begins with a dot stands for that name and all below it.
 * Letter case does not count, nor a final dot, nor whether a label is an A-label or a U-label.
 * Without memory: AUTHRES_UNREADABLE.
 */
enum authres_claim authres_claim(struct pool *, struct sv value, const struct sv *ours, size_t n_ours);

/* --- write --- */

/*
 * The value is appended: a blank, then lines folded by CRLF and a tab, none of more than
 * AUTHRES_LINE_MAX columns unless one value is longer; no CRLF at the end. column is where
 * it begins (behind "Authentication-Results:"). is_utf8: the message is internationalised.
 */
void	 authres_write(struct buf *, const struct authres *, size_t column, bool is_utf8);

/* --- Received-SPF --- */

struct received_spf {
	enum mail_result	result;
	/* each may be absent: .p is NULL */
	struct sv		comment, client_ip, envelope_from, helo, identity, mechanism, problem, receiver;
};
/* The value, as authres_write(). Starts in column 13. */
void	 received_spf_write(struct buf *, const struct received_spf *, bool is_utf8);
/*
 * Reads what is common use, too: no quotes around an IPv6 address, no ";", unknown keys (passed
 * over). 0; -EINVAL: no result stands at its beginning; -ENOMEM.
 */
int	 received_spf_parse(struct pool *, struct sv value, struct received_spf *ret) MUST_USE;

#endif
