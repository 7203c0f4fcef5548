/* What the files of the kit share: the vendors' rows, and the model of lint. */
#ifndef APP_KIT_INTERNAL_H
#define APP_KIT_INTERNAL_H

#include "app/kit.h"
#include "base/pool.h"

/* --- configurations --- */

enum kit_each {
	KIT_ONCE,
	KIT_CACHE,		/* for each cache */
	KIT_PEER4, KIT_PEER6,	/* for each external session of the family */
	KIT_PEER,
};

/* When a part is printed: all bits of one group that are given must hold. */
#define KIT_IF_OBSERVE	0x01u
#define KIT_IF_PREFER	0x02u
#define KIT_IF_DROP	0x04u
#define KIT_IF_POLICIES	0x07u
#define KIT_IF_TCP	0x08u
#define KIT_IF_SSH	0x10u
#define KIT_IF_PEERS	0x20u
#define KIT_IF_NO_PEERS	0x40u
#define KIT_IF_ROUTER_ID 0x80u
#define KIT_IF_PEERS4	0x100u
#define KIT_IF_PEERS6	0x200u
#define KIT_IF_LAST	0x400u	/* of caches: the last one */
#define KIT_IF_CACHES	0x800u	/* two or more */
#define KIT_IF_ONE_CACHE 0x1000u

struct kit_part {
	unsigned	 when;
	enum kit_each	 each;
	const char	*note;		/* msgid: comment before it; may be NULL */
	const char	*text;		/* lines with @places@; may be NULL */
};

struct kit_timer {
	const char	*word;		/* as the vendor calls it */
	enum kit_time	 time;
	uint32_t	 min, max;	/* the vendor's bounds */
	const char	*why;		/* msgid with {sec} {min} {max} */
};

struct kit_check {
	unsigned	 when;
	const char	*command;
	const char	*good, *bad;	/* msgids */
};

struct kit_model;

struct kit_vendor {
	const char		*name, *title;
	const char		*comment;	/* what begins a comment line */
	bool			 ascii, tested, ssh;
	/* Keeps what a policy dropped without being told to (RFC 9324)? */
	bool			 keeps_routes;
	bool			 needs_check;	/* validation has to be switched on */
	const struct kit_timer	*timers;
	size_t			 n_timers;
	const struct kit_part	*parts;
	size_t			 n_parts;
	const struct kit_check	*checks;
	size_t			 n_checks;
	int			(*read)(struct kit_model *, struct sv text);
};

uint32_t kit_seconds(const struct kit_want *, const struct kit_timer *);
const struct kit_timer *kit_timer_find(const struct kit_vendor *, enum kit_time);

/* --- lint --- */

/* Words of a statement with all that stands around it. */
#define KIT_WORDS_MAX	96
/* Sections within sections; the deepest configurations have ten. */
#define KIT_DEPTH_MAX	24
/* Policies at one import: five are many. */
#define KIT_REFS_MAX	8
/* A policy calls a policy calls …; IOS XR itself allows 16. */
#define KIT_CALLS_MAX	16
/* Entries that the judge visits for one session: policies that call each other. */
#define KIT_STEPS_MAX	20000
/* Sessions of one router: route servers have a thousand. */
#define KIT_SESSIONS_MAX 8192
#define KIT_LISTED_MAX	8	/* names in a finding */
#define KIT_POOL_MAX	((size_t)64 * 1024 * 1024)

struct kit_cache {
	struct sv	 addr;
	unsigned	 line;
	uint32_t	 sec[KIT_TIME_MAX];	/* 0: not given */
	bool		 secure;		/* SSH */
	struct kit_cache *next;
};

enum kit_cond {
	KIT_ALL,		/* each route */
	KIT_INVALID,
	KIT_OTHER,		/* valid, not found: not an invalid one */
	KIT_MAYBE,		/* depends on what the reader does not know */
};

enum kit_act {
	KIT_GO_ON,		/* the next entry */
	KIT_PASS,		/* the next entry; the end will take it (IOS XR) */
	KIT_LEAVE,		/* the next policy */
	KIT_TAKE,
	KIT_REFUSE,
};

/* Which sessions an entry is for (OpenBGPD). */
enum kit_from {
	KIT_FROM_ANY,
	KIT_FROM_EBGP,
	KIT_FROM_IBGP,
	KIT_FROM_NAMED,		/* the session or group of that name */
	KIT_FROM_AS,
};

struct kit_entry {
	enum kit_cond	 cond;
	enum kit_act	 act;
	bool		 mentions;	/* validation, in a way that is not certain */
	bool		 final;		/* "quick" */
	bool		 has_lp;
	uint32_t	 lp, seq, from_asn;
	enum kit_from	 from;
	struct sv	 callee, from_name, name;
	unsigned	 line;
	struct kit_entry *next;
};

struct kit_rule {		/* a policy */
	struct sv	 name;
	unsigned	 line;
	bool		 end_refuses;	/* nothing matched: refused */
	bool		 call_returns;	/* what it takes, the caller judges on */
	bool		 last_wins;	/* the last entry that matches decides */
	struct kit_entry *head, **tail;
	struct kit_rule	*next;
};

enum kit_side {
	KIT_SIDE_UNKNOWN,
	KIT_EXTERNAL,
	KIT_INTERNAL,
};

struct kit_session {
	struct sv	 name, group;
	unsigned	 line;
	bool		 is_group;
	enum kit_side	 side;
	uint32_t	 asn;		/* 0: not given */
	struct sv	 refs[KIT_REFS_MAX];
	unsigned	 n_refs;
	bool		 unsure;	/* an import that was not understood */
	bool		 keeps, checks;	/* Adj-RIB-In; validation is switched on */
	struct kit_session *next;
};

struct kit_model {
	struct pool		*pool;
	struct kit_report	*report;
	const struct kit_vendor	*vendor;
	struct kit_session	*hint;
	struct kit_cache	*caches, **cache_tail;
	struct kit_rule		*rules, **rule_tail;
	struct kit_session	*sessions, **session_tail;
	unsigned		 n_sessions;
	uint32_t		 sec[KIT_TIME_MAX];	/* for all caches */
	unsigned		 sec_line[KIT_TIME_MAX];
	uint32_t		 asn;
	bool			 checks;	/* validation is on for all */
};

/* NULL without memory (the pool knows). */
struct kit_cache *kit_cache_get(struct kit_model *, struct sv addr, unsigned line);
struct kit_rule *kit_rule_get(struct kit_model *, struct sv name, unsigned line);
struct kit_rule *kit_rule_find(const struct kit_model *, struct sv name);
struct kit_entry *kit_entry_add(struct kit_model *, struct kit_rule *, unsigned line);
struct kit_session *kit_session_get(struct kit_model *, struct sv name, bool is_group,
	    unsigned line);
void	 kit_ref_add(struct kit_session *, struct sv name);
/* "50" → lp; anything else: false. */
bool	 kit_lp_set(struct kit_entry *, struct sv number);
void	 kit_unread(struct kit_model *, unsigned line);
void	 kit_sec_set(uint32_t *sec, struct sv number);
/* Our own AS number; what is none is not understood. */
void	 kit_asn_set(struct kit_model *, struct sv, unsigned line);

/* A line's statement was understood, or is known not to matter. */
void	 kit_read_one(struct kit_model *);

/* --- text --- */

struct kit_words {
	struct sv	 w[KIT_WORDS_MAX];
	unsigned	 n;
};
static inline struct sv
kit_word(const struct kit_words *w, unsigned i)
{
	return i < w->n ? w->w[i] : SV("");
}
static inline bool
kit_is(const struct kit_words *w, unsigned i, const char *s)
{
	return i < w->n && sv_eq_str(w->w[i], s);
}
/* Beyond KIT_WORDS_MAX words are dropped: no statement in question has so many. */
void	 kit_words_add(struct kit_words *, struct sv);
/* The words of one line; quotes are taken off. Returns the indentation. */
unsigned kit_words_split(struct sv line, struct kit_words *ret);
/* The index of the first word that is s, from i on; w->n if none. */
unsigned kit_words_find(const struct kit_words *, unsigned i, const char *s);

struct kit_lexer {
	struct sv	 s;
	unsigned	 line;
	const char	*marks;		/* characters that are words by themselves */
	const char	*runs;		/* characters that make words of their own: "!=" */
	const char	*comments;	/* characters that begin a comment to the line's end */
	bool		 newlines;	/* "\n" is a word; a backslash joins lines */
	bool		 has_back;
	struct sv	 back;
};
/* The next word; false at the end. Quoted text comes without quotes. */
bool	 kit_lex(struct kit_lexer *, struct sv *ret);
void	 kit_lex_back(struct kit_lexer *, struct sv);

/*
 * Sections in braces, flattened: leaf() gets each statement behind the words
 * of all sections around it. SE_LIMIT: too deep.
 */
typedef void kit_leaf(struct kit_model *, const struct kit_words *, unsigned line);
int	 kit_tree_read(struct kit_model *, struct kit_lexer *, kit_leaf *) MUST_USE;

/* --- what Junos and SR OS have in common --- */

/* A statement was understood, or not. */
void	 kit_said(struct kit_model *, bool ok, unsigned line);
/* The entry of that name, made if there is none. */
struct kit_entry *kit_entry_named(struct kit_model *, struct kit_rule *, struct sv name,
	    unsigned line);
/*
 * "bgp [group G] [neighbor A] …" with "bgp" at *at: whom the rest, then at
 * *at, is about, and the group that he stands in; what is for all is "*".
 */
struct kit_session *kit_bgp_session(struct kit_model *, const struct kit_words *, unsigned *at,
	    unsigned line, struct sv *ret_up);
/* His side, his AS, his policies (from the word refs on); false: it is none of these. */
bool	 kit_bgp_said(struct kit_session *, const struct kit_words *, unsigned i, unsigned refs,
	    bool *ret_ok);

int	 kit_read_bird(struct kit_model *, struct sv) MUST_USE;
int	 kit_read_frr(struct kit_model *, struct sv) MUST_USE;
int	 kit_read_eos(struct kit_model *, struct sv) MUST_USE;
int	 kit_read_openbgpd(struct kit_model *, struct sv) MUST_USE;
int	 kit_read_ios_xr(struct kit_model *, struct sv) MUST_USE;
int	 kit_read_junos(struct kit_model *, struct sv) MUST_USE;
int	 kit_read_sros(struct kit_model *, struct sv) MUST_USE;

/* What happens to an invalid route at a session. */
enum kit_fate {
	KIT_FATE_NONE,		/* no policy looks */
	KIT_FATE_SAME,		/* looked at, taken as any other */
	KIT_FATE_LESS,
	KIT_FATE_GONE,
	KIT_FATE_UNSURE,
};
enum kit_fate kit_judge(const struct kit_model *, const struct kit_session *);
const struct kit_session *kit_parent(const struct kit_model *, const struct kit_session *);
enum kit_side kit_side_of(const struct kit_model *, const struct kit_session *);

#endif
