/*
 * Findings: what a check says about an object. The work was done and this is
 * what holds. A finding is {code, subject, typed arguments}; text is made
 * only when it is printed, in the reader's language.
 *
 * Each module owns one findings.def of rows
 *
 *	F(CODE, SEVERITY, "clause", "text with {key} places", "remedy",
 *	  "by hand", "good", "bad")
 *
 * and instantiates it with FINDINGS_DECLARE in its door header and
 * FINDINGS_DEFINE in one .c file. The row's address is the code: modules
 * need no common numbering. Codes are public and stable.
 */
#ifndef BASE_FINDING_H
#define BASE_FINDING_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/ip.h"
#include "base/json.h"
#include "base/pool.h"
#include "base/sv.h"
#include "base/tr.h"

enum severity {
	SEV_NOTE,		/* worth knowing; nothing is lost */
	SEV_WARN,		/* accepted, but should be mended */
	SEV_REJECT,		/* the object may not be used */
	SEV_MAX
};

struct finding_def {
	const char	*code;
	enum severity	 severity;
	const char	*clause;	/* "RFC 9286 section 6.4" */
	const char	*text;		/* msgid; {key} is replaced */
	const char	*remedy;	/* msgid */
	const char	*by_hand;	/* a command that shows the same */
	const char	*good, *bad;	/* msgids: how it looks */
};

enum farg_type {
	FARG_U64,
	FARG_TIME,
	FARG_STR,		/* text of a stranger: escaped by each sink; "KEY_ja" takes its place in Japanese */
	FARG_ASN,
	FARG_PREFIX,
	FARG_HEX,		/* bytes */
	FARG_MSG,		/* a msgid of ours, translated in texts */
	FARG_MAX
};

struct farg {
	const char	*key;		/* [a-z_]+, a constant; its label is a msgid */
	enum farg_type	 type;
	uint64_t	 u;		/* U64, ASN; TIME as int64_t */
	struct sv	 s;		/* STR, HEX; MSG: NUL-terminated */
	struct ip_prefix px;
};

#define FARG_PER_FINDING_MAX	6

#define FA_U(k, v)	((struct farg){ .key = (k), .type = FARG_U64, .u = (uint64_t)(v) })
#define FA_TIME(k, v)	((struct farg){ .key = (k), .type = FARG_TIME, .u = (uint64_t)(v) })
#define FA_SV(k, v)	((struct farg){ .key = (k), .type = FARG_STR, .s = (v) })
#define FA_STR(k, v)	((struct farg){ .key = (k), .type = FARG_STR, .s = sv_str(v) })
#define FA_MSG(k, v)	((struct farg){ .key = (k), .type = FARG_MSG, .s = sv_str(v) })
#define FA_ASN(k, v)	((struct farg){ .key = (k), .type = FARG_ASN, .u = (v) })
#define FA_PREFIX(k, v)	((struct farg){ .key = (k), .type = FARG_PREFIX, .px = (v) })
#define FA_HEX(k, p_, n_) ((struct farg){ .key = (k), .type = FARG_HEX, .s = { (const char *)(p_), (n_) } })

struct finding {
	const struct finding_def *def;
	struct sv		 subject;	/* URI, name, message id … */
	const struct farg	*args;
	unsigned		 n_args;
	struct finding		*next;
};

/*
 * A list in the order of discovery. Beyond FINDINGS_MAX they are counted,
 * not kept, so that a repository full of rubbish costs bounded memory.
 */
#define FINDINGS_MAX	4096

struct findings {
	struct pool	*pool;		/* owns findings and copied arguments */
	struct sv	 subject;	/* of the next finding_add() */
	struct finding	*head, **tail;
	size_t		 n_kept;
	uint64_t	 n_by_severity[SEV_MAX];	/* exact */
	uint64_t	 n_dropped;
};

void	 findings_init(struct findings *, struct pool *);
/* Copies subject and arguments into the pool; out of memory only counts. */
void	 finding_add_args(struct findings *, const struct finding_def *,
	    const struct farg *, unsigned n);
#define finding_add(fs, def, ...) do {					\
	const struct farg fa_[] = { __VA_ARGS__ };			\
	finding_add_args((fs), (def), fa_, (unsigned)ARRAY_LEN(fa_));	\
} while (0)
/* Without arguments. */
static inline void
finding_add0(struct findings *fs, const struct finding_def *def)
{
	finding_add_args(fs, def, NULL, 0);
}

/* Append src's findings and counts to dst (deep copy into dst's pool). */
void	 findings_append(struct findings *dst, const struct findings *src);
/*
 * Move src's findings to the end of dst without copying: both must use the
 * same pool (or src's must live longer). src is empty afterwards.
 */
void	 findings_move(struct findings *dst, struct findings *src);
static inline bool
findings_reject(const struct findings *fs)
{
	return fs->n_by_severity[SEV_REJECT] > 0;
}

const char *severity_name(enum severity);	/* "REJECT" … */
/* One argument's value as text. */
void	 farg_print(struct buf *, const struct farg *);
/* The text in the language, places filled in; no line end. */
void	 finding_text(struct buf *, const struct finding *, enum lang);
/* What to do, likewise. */
void	 finding_remedy(struct buf *, const struct finding *, enum lang);
/* {"code","severity","subject","clause","args":{…},"text"} */
void	 finding_json(struct json *, const struct finding *, enum lang);

#define FINDING_ROW_(code, sev, ...)	{ #code, SEV_##sev, __VA_ARGS__ },
#define FINDING_ENUM_(code, ...)	code,

#endif
