/*
 * mail/diff: one message at two places, before and after a list, a forwarder
 * or a gateway: what was changed, which signature that broke, and who did it.
 *
 * What enters are two messages that were judged (mail/judge.h) and their
 * bodies; what leaves is
 *
 *	fields	  each field of either, paired with its like in the other
 *	body	  where it differs, and whether "l=" would have borne that
 *	parts	  of MIME: removed, added, encoded anew, changed
 *	sigs	  for each signature and seal of BEFORE what became of it, and which
 *		  of what it signs is another now
 *	program   what kind of program most likely did it, and what speaks for it
 *
 * and findings: what was done, and how whoever did it can leave it be.
 *
 * What broke a signature is computed, not guessed. The fields that h= chooses
 * (RFC 6376 section 5.4.2) are chosen in both heads, and their canonical forms
 * compared one by one; so it is seen that nothing was changed, but a field added
 * below another of its name, or one that was signed as absent. A body holds where
 * its digest in the signature's form, up to l=, is the same. What a signature of
 * BEFORE says of itself needs the DNS: where a key is not known, its body alone is
 * judged, and of its head is said what changed.
 *
 * Fields are paired by content first and by name then, from the bottom up, as
 * programs add on top. How alike the two of a pair are is a level: the same
 * octets; the same relaxed form (folded anew); the same but for white space; the
 * same when encoded words (RFC 2047) are decoded; others.
 *
 * Bodies are compared by lines: what is the same in front and at the end is cut
 * off, and what is left is the difference. Parts of MIME (RFC 2045, 2046) are
 * compared as they read when decoded.
 *
 * The program is a likelihood, as in mail/story.h: rows of diff_program.def, what
 * a program leaves behind in fields, with weights.
 *
 * Work: n log n is not needed anywhere, as fields are bounded (MAIL_FIELDS_MAX,
 * each pair by a hash) and so are parts; all else is linear in the two bodies.
 * Decoded parts take memory up to a limit, beyond which MIME is not looked at.
 *
 * What is not here: charsets converted (a changed label is told, the letters are
 * not compared), uuencode, TNEF, what is inside of message/rfc822, words of
 * RFC 2231.
 */
#ifndef MAIL_DIFF_H
#define MAIL_DIFF_H

#include "mail/judge.h"

enum mail_diff_code {
#define F FINDING_ENUM_
#include "mail/diff_findings.def"
#undef F
	MAIL_DIFF_CODE_MAX
};
extern const struct finding_def mail_diff_findings[MAIL_DIFF_CODE_MAX];

enum mail_diff_act {
	DIFF_KEPT,
	DIFF_MOVED,		/* the same field, elsewhere among the others */
	DIFF_CHANGED,
	DIFF_ADDED,
	DIFF_REMOVED,
	DIFF_ACT_MAX
};
/* "kept" …: words for programs. */
const char *mail_diff_act_name(enum mail_diff_act);

enum mail_diff_level {
	DIFF_SAME,
	DIFF_FOLDED,		/* the relaxed forms are the same */
	DIFF_BLANKS,		/* white space within words, too */
	DIFF_RECODED,		/* the same when decoded (RFC 2047) */
	DIFF_OTHER,
	DIFF_LEVEL_MAX
};
/* "same", "folded" … */
const char *mail_diff_level_name(enum mail_diff_level);

struct mail_diff_field {
	enum mail_diff_act	 act;
	enum mail_diff_level	 level;
	const struct mail_field	*before, *after;	/* NULL: not there */
};

enum mail_diff_where {
	DIFF_NOWHERE,
	DIFF_AT_END,		/* lines were added there */
	DIFF_AT_BEGIN,
	DIFF_AT_BOTH,
	DIFF_INSIDE,		/* lines added, removed or changed */
	DIFF_CUT,		/* lines at the end are gone */
	DIFF_WHERE_MAX
};
/* "nowhere", "end" … */
const char *mail_diff_where_name(enum mail_diff_where);

/* [0] is BEFORE, [1] AFTER; forms are those of enum mail_canon. */
struct mail_diff_body {
	bool			 same[MAIL_CANON_MAX];
	bool			 is_head[MAIL_CANON_MAX];	/* of AFTER's: l= would have borne it */
	uint64_t		 n[2][MAIL_CANON_MAX];	/* octets of the canonical form */
	enum mail_diff_where	 where;			/* the lines, white space as in the relaxed form */
	size_t			 line;			/* the first that differs, from 1 */
	size_t			 n_lines[2];		/* that differ */
	uint64_t		 n_octets[2];		/* of those */
	struct sv		 shown[2];		/* the first of them, or its beginning */
	bool			 is_wrapped;		/* only white space and line ends differ */
	bool			 is_quoted;		/* only ">" before "From " (mailboxes) */
	bool			 has_crlf[2], has_lf[2]; /* how the file's lines end */
};

enum mail_diff_part_kind {
	DIFF_PART_WRAPPED,	/* BEFORE was one part, AFTER has several */
	DIFF_PART_REMOVED,
	DIFF_PART_ADDED,
	DIFF_PART_RECODED,	/* reads the same, written otherwise */
	DIFF_PART_CHARSET,	/* another charset= */
	DIFF_PART_APPENDED,	/* text at its end */
	DIFF_PART_PREPENDED,
	DIFF_PART_CHANGED,
	DIFF_PART_REBUILT,	/* all parts read the same; what is between them differs */
	DIFF_PART_MAX
};
/* "wrapped" … */
const char *mail_diff_part_name(enum mail_diff_part_kind);

struct mail_diff_part {
	enum mail_diff_part_kind kind;
	struct sv	type;		/* "text/plain" */
	struct sv	was, is;	/* the encoding, the charset, the type */
	uint64_t	n;		/* octets added; or of the part */
	struct sv	shown;		/* the beginning of what was added; or the file's name */
};

/* Something that a signature covers, and that is another now. */
struct mail_diff_name {
	struct sv		 name;
	enum mail_diff_act	 act;		/* ADDED: signed as absent; REMOVED; CHANGED */
	enum mail_diff_level	 level;
	bool			 is_shift;	/* the field is there: others of its name took its place */
	const struct mail_field	*before, *after;
};

enum mail_diff_fate {
	DIFF_HOLDS,
	DIFF_BROKEN,
	DIFF_GONE,		/* the field was taken out */
	DIFF_WAS_BROKEN,	/* before, already */
	DIFF_FATE_MAX
};
/* "holds", "broken" … */
const char *mail_diff_fate_name(enum mail_diff_fate);
/* What it is: a msgid. */
const char *mail_diff_kind_text(enum dkim_kind);

struct mail_diff_sig {
	enum dkim_kind		 kind;
	const struct dkim_sig	*sig;		/* in BEFORE */
	const struct dkim_sig	*after;		/* the same one in AFTER; NULL: gone */
	enum mail_diff_fate	 fate;
	bool			 is_verified;	/* by its key, in BEFORE; else it is taken to have held */
	bool			 head_same, body_same;	/* as far as it covers them */
	bool			 is_length_enough;	/* with l= the body would have held */
	struct mail_diff_name	*names;
	size_t			 n_names;
};

enum mail_diff_program {
#define P(code, ...)	DIFF_BY_##code,
#define S(...)
#include "mail/diff_program.def"
#undef P
#undef S
	DIFF_BY_MAX
};
/* "mailman3" …; what it is: a msgid. */
const char *mail_diff_program_name(enum mail_diff_program);
const char *mail_diff_program_text(enum mail_diff_program);
/* How that program is to be set so that it does not: a msgid. NULL: nothing is known. */
const char *mail_diff_setting(enum mail_diff_program, enum mail_diff_code);

struct mail_diff_evidence {
	enum mail_diff_program	 program;
	unsigned		 weight;
	const struct mail_field	*field;		/* that it left; NULL: what it did */
	enum mail_diff_code	 code;		/* which was that; MAIL_DIFF_CODE_MAX: a field */
};

struct mail_diff {
	struct mail_diff_field	*fields;	/* those of AFTER from the top, then those removed */
	size_t			 n_fields, n_act[DIFF_ACT_MAX];
	struct mail_diff_body	 body;
	bool			 is_mime_known;	/* no limit was met */
	struct mail_diff_part	*parts;
	size_t			 n_parts;
	struct mail_diff_sig	*sigs;		/* DKIM's from the top; then ARC's, message and seal of each set */
	size_t			 n_sigs, n_fate[DIFF_FATE_MAX];
	uint32_t		 n_new_sets;	/* of ARC, in AFTER */
	struct sv		 sealer;	/* d= of the last of them */
	bool			 is_other;	/* the two have different Message-IDs: perhaps not one message */
	enum mail_diff_program	 program;	/* DIFF_BY_MAX: nothing tells */
	unsigned		 weight[DIFF_BY_MAX];
	struct mail_diff_evidence evidence[MAIL_DIFF_EVIDENCE_MAX];
	size_t			 n_evidence;
};

struct mail_diff_side {
	const struct mail_judge		*judge;
	const struct mail_judge_out	*out;
	struct sv			 text, body;	/* the whole message, and what of it is the body */
};
/*
 * 0 with all of it in the pool, slices of both messages; -ENOMEM, also where the pool is full.
 * Findings are what was done; a REJECT is a signature that was lost.
 */
int	 mail_diff(struct pool *, const struct mail_diff_side *before,
	    const struct mail_diff_side *after, struct findings *, struct mail_diff *ret) MUST_USE;

#endif
