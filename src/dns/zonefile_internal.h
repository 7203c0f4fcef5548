/* What zonefile.c, zonefile_lex.c and rdata_text*.c share: items of zone text. */
#ifndef DNS_ZONEFILE_INTERNAL_H
#define DNS_ZONEFILE_INTERNAL_H

#include <errno.h>

#include "dns/rdata_internal.h"

/* Why data cannot be read: a sentence each, in text_faults. */
enum text_fault {
	TF_MISSING,
	TF_EXTRA,
	TF_QUOTED,
	TF_ESCAPE,
	TF_NUMBER,
	TF_TTL,
	TF_IPV4,
	TF_IPV6,
	TF_NAME,
	TF_STRING,
	TF_BASE64,
	TF_HEX,
	TF_BASE32,
	TF_TYPE,
	TF_MNEMONIC,
	TF_SIG_TIME,
	TF_TAG,
	TF_APL,
	TF_LOC,
	TF_EUI,
	TF_LOCATOR,
	TF_GATEWAY,
	TF_SVC_KEY,
	TF_SVC_VALUE,
	TF_SVC_TWICE,
	TF_GENERIC,
	TF_NO_TEXT,
	TF_LONG,
	TF_MALFORMED,
	TF_MAX
};
extern const char *const text_faults[TF_MAX];	/* msgids */

/* A place in the text. */
struct text_at {
	const char	*p;
	const char	*line_at;	/* where its line begins */
	unsigned	 line;
};

enum lex_kind {
	LEX_WORD,
	LEX_QUOTED,
	LEX_PAIR,		/* key="value" of SVCB: a word with a quoted end */
	LEX_END,		/* of the line or of the text, no parenthesis open */
	LEX_MORE,		/* the text that is there ends within an item */
	LEX_BAD,		/* code and at say what and where */
};

/* Items of one entry: what stands between blanks, up to the end of the line. */
struct lex {
	struct text_at	 now;
	const char	*end;
	bool		 final;		/* behind end there is nothing */
	bool		 lenient;	/* what may not stand there is passed over */
	bool		 held;		/* the item is to be seen once more */
	unsigned	 depth;		/* parentheses */
	struct text_at	 open;		/* the outermost of them */
	enum lex_kind	 kind;		/* the item */
	struct sv	 item;		/* as it is written, without its quotation marks */
	bool		 escaped;	/* it has backslashes */
	struct text_at	 at;		/* where it begins */
	/* The first fault. */
	enum dns_code	 code;
	enum text_fault	 fault;		/* with ZONE_RDATA */
	bool		 bad;
};

void	 lex_init(struct lex *, struct text_at, const char *end, bool final);
enum lex_kind lex_next(struct lex *);
/* The item comes again. */
static inline void
lex_hold(struct lex *lx)
{
	lx->held = true;
}
/* Note the fault, at the item, unless there is one. Here, so that compilers see what they return. */
static inline int
lex_fault(struct lex *lx, enum dns_code code)
{
	if (!lx->bad) {
		lx->bad = true;
		lx->code = code;
	}
	return -EINVAL;
}

static inline int
lex_rdata_fault(struct lex *lx, enum text_fault fault)
{
	if (!lx->bad)
		lx->fault = fault;
	return lex_fault(lx, ZONE_RDATA);
}

/* Octets of a text with RFC 1035 section 5.1's \X and \DDD. -EINVAL, -E2BIG. */
int	 text_octets(struct sv, uint8_t *dst, size_t cap, size_t *ret_n) MUST_USE;

/* Data of a type while they are read. */
struct rdata_text {
	struct lex		*lx;
	const struct dname	*origin;
	struct wr		 w;
};

/*
 * Read the data up to the end of the entry. 0; -EAGAIN: LEX_MORE; -EINVAL with
 * the fault noted.
 */
int	 rdata_text(struct rdata_text *, uint16_t type) MUST_USE;

/* --- for the files of rdata_text --- */

/* 1 at the end of the data, 0 for an item of whatever kind. */
int	 text_item_or_end(struct rdata_text *) MUST_USE;
/* The next item, a word: 0, -EAGAIN, -EINVAL. */
int	 text_word(struct rdata_text *, struct sv *ret) MUST_USE;
/* The same where the data may end: 1, or 0 for a word. */
int	 text_word_or_end(struct rdata_text *, struct sv *ret) MUST_USE;
int	 text_number(struct rdata_text *, uint32_t max, uint32_t *ret) MUST_USE;
int	 text_name(struct rdata_text *) MUST_USE;
int	 text_ipv4(struct rdata_text *) MUST_USE;
int	 text_ipv6(struct rdata_text *) MUST_USE;
int	 text_mnemonic(struct rdata_text *, const struct mnemonic *, uint32_t max, uint32_t *ret) MUST_USE;
int	 text_hex_word(struct rdata_text *, struct sv) MUST_USE;
int	 text_base64_word(struct rdata_text *, struct sv) MUST_USE;
/* "192.0.2.1", not "192.0.2.01". */
bool	 ipv4_parse(struct sv, uint8_t dst[static 4]);
bool	 ipv6_parse(struct sv, uint8_t dst[static 16]);

int	 text_base64(struct rdata_text *) MUST_USE;
int	 text_base64_optional(struct rdata_text *) MUST_USE;
int	 text_hex(struct rdata_text *) MUST_USE;
int	 text_nsap(struct rdata_text *) MUST_USE;
int	 text_salt(struct rdata_text *) MUST_USE;
int	 text_hash(struct rdata_text *) MUST_USE;
int	 text_eui48(struct rdata_text *) MUST_USE;
int	 text_eui64(struct rdata_text *) MUST_USE;
int	 text_locator(struct rdata_text *) MUST_USE;
int	 text_apl(struct rdata_text *) MUST_USE;
int	 text_wks(struct rdata_text *) MUST_USE;
int	 text_loc(struct rdata_text *) MUST_USE;
int	 text_a6(struct rdata_text *) MUST_USE;
int	 text_ipseckey(struct rdata_text *) MUST_USE;
int	 text_amtrelay(struct rdata_text *) MUST_USE;
int	 text_hip(struct rdata_text *) MUST_USE;
int	 text_svcb(struct rdata_text *) MUST_USE;

#endif
