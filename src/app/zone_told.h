/*
 * What the roles zone and key tell of zones (MSG_zone_told, MSG_key_told), read
 * into one list: for the page, the metrics, the calendar and the alarms, which
 * so see the same and need not mistrust JSON themselves.
 *
 * They tell of all their zones in pages, and then of those that have changed
 * (app/told_turn.h). While all are told anew, what was known before stands
 * until the last page.
 *
 * Both roles are ours, but zone reads what strangers write: of any shape of
 * JSON comes a list that can be shown. What has another type than it should is
 * absent, what is longer than a limit is cut, what is more is counted.
 */
#ifndef APP_ZONE_TOLD_H
#define APP_ZONE_TOLD_H

#include "base/json.h"
#include "base/pool.h"
#include "base/tr.h"

#define TOLD_TEXT_MAX	((size_t)8 << 20)	/* a page of one of the two documents */
#define TOLD_ZONES_MAX	16384			/* as many as app/zone_list.h takes */
#define TOLD_OCTETS_MAX	((size_t)192 << 20)	/* of all that is kept: 12 kB for each of so many */
#define TOLD_KEYS_MAX	32			/* of a zone: KEYSTATE_KEYS_MAX */
#define TOLD_WAITS_MAX	64			/* more are the same wait of many keys */
#define TOLD_TODO_MAX	32			/* things that one person can do in a day */
#define TOLD_LINES_MAX	64			/* DS or DNSKEY records of one demand: two for a key */
#define TOLD_STR_MAX	4000			/* octets; a DNSKEY record of 4096 bits has 800 */
#define TOLD_NONE	((int64_t)-1)		/* a time that is not told, or never comes */

/* Worst first: how a zone is, in one word. */
enum told_state {
	TOLD_EXPIRED,		/* a signature in service has ended */
	TOLD_DOWN,		/* not served, and something is wrong */
	TOLD_CANNOT,		/* its keys cannot be used */
	TOLD_KEPT,		/* served; a newer version was refused */
	TOLD_ACT,		/* a person has to do something */
	TOLD_WAITS,		/* not served yet; it waits for keys or the first signing */
	TOLD_GOOD,
	TOLD_STATE_MAX
};

/* How a key is, in one word: of those of its four records that it has by its role. */
enum told_life {
	TOLD_KEY_WAITING,	/* hidden everywhere, not used yet */
	TOLD_KEY_COMING,
	TOLD_KEY_STANDBY,	/* published, to be used one day */
	TOLD_KEY_ACTIVE,
	TOLD_KEY_LEAVING,
	TOLD_KEY_GONE,
	TOLD_LIFE_MAX
};

enum told_record {
	TOLD_DNSKEY,
	TOLD_KEYSIG,
	TOLD_ZONESIG,
	TOLD_DS,
	TOLD_RECORD_MAX
};

/* Why versions of a zone were refused, in the order of zone_told's "refused_by". */
enum told_refusal {
	TOLD_REFUSED_SOURCE,	/* the file, or what came by transfer, has errors */
	TOLD_REFUSED_SIGNING,	/* it cannot be signed so */
	TOLD_REFUSED_AUDIT,	/* validators would reject what came of it */
	TOLD_REFUSAL_MAX
};

struct told_lines {
	const char	**v;
	size_t		 n;
};

struct told_key {
	int64_t		 number;
	const char	*role;		/* "KSK", "ZSK", "CSK" */
	const char	*name;		/* of its files: "Kexample.jp.+013+12345" */
	const char	*goal, *kept;	/* kept: "file", "token", "none" */
	int64_t		 alg, tag, bits;
	int64_t		 created, active, retires;
	bool		 backed_up, lost;
	struct told_lines flags;
	struct {
		const char	*state;	/* "hidden" … */
		int64_t		 since;
	} records[TOLD_RECORD_MAX];
	enum told_life	 life;
};

struct told_wait {
	const char	*why;		/* a msgid */
	const char	*record, *key;	/* "": all of it */
	int64_t		 until;
};

struct told_todo {
	const char	*act, *text, *key;	/* text: a msgid */
	int64_t		 since;
	struct told_lines ds, dnskey, add, del, add_keys, del_keys;
	const char	*form, *registry;	/* what the registry takes: "ds", "key"; "": not known */
};

/* A key whose DS shall stand at the parent. */
struct told_want {
	int64_t		 alg, flags;
	const char	*public_key;	/* base64 */
};

struct told_zone {
	const char	*name;
	bool		 by_zone, by_key;	/* who told of it */
	/* zone */
	bool		 served, good;
	const char	*why;			/* "": all is well */
	int64_t		 why_since, next_signing, horizon;
	int64_t		 refresh;		/* seconds: signatures are made anew when so much is left */
	int64_t		 serial, serial_in;	/* TOLD_NONE */
	uint64_t	 signatures, refusals, sign_usec;
	uint64_t	 refused_by[TOLD_REFUSAL_MAX];
	/* key */
	const char	*keys_state, *keys_why;	/* "ready", "waits", "cannot"; "" */
	const char	*token;			/* why a token does not serve its keys, or "" */
	const char	*story, *story_ja;	/* why the proof refuses a step, or "" */
	bool		 unproven, held, ds_done, ds_alarm;
	bool		 hold, refused;		/* held by an operator; by the proof */
	int64_t		 ds_since, parent_seen, child_seen, next;
	const char	*next_why;		/* a msgid, or "" */
	struct told_key	*keys;
	struct told_wait *waits;
	struct told_todo *todo;
	struct told_want *want;
	size_t		 n_want;
	const char	*form, *registry;	/* as of a todo */
	unsigned	 digests;		/* bit n: DS records have digest type n */
	size_t		 n_keys, n_waits, n_todo;
	size_t		 n_backup;		/* keys that are not backed up */
	/* of zone_told.c: what the texts of each side are in, and when they were told */
	struct told_part {
		struct pool	*pool;
		uint32_t	 page, turn;
	} parts[2];
};

/* The last word of both. {0} is one of nobody. */
struct told {
	struct told_zone	*v;		/* by name */
	size_t			 n, room;
	bool			 by_zone, by_key;	/* who has told anything */
	uint64_t		 n_served, n_good, signatures;
	/* of zone_told.c */
	size_t			 octets;
	uint32_t		 page, turns[2];
	bool			 filling[2];
};

/* A newer word of zone or of key: a page. -EBADMSG: no JSON object, what was before stays. */
int	 told_zones(struct told *, struct sv json) MUST_USE;
int	 told_keys(struct told *, struct sv json) MUST_USE;
void	 told_done(struct told *);
const struct told_zone *told_find(const struct told *, struct sv name);

enum told_state told_state(const struct told_zone *, int64_t now);
const char *told_state_word(enum told_state);		/* "expired" … */
const char *told_life_word(enum told_life);
const char *told_record_word(enum told_record);		/* "dnskey" … */
const char *told_refusal_word(enum told_refusal);
/* Is this to be done by a person now, before anything else moves? (Deleting an old key is not.) */
bool	 told_is_urgent(const struct told_todo *);
bool	 told_is_handover(const struct told_todo *);
/* What a role said is wrong, in the reader's language. */
void	 told_said(struct buf *, const char *said, enum lang);
/* What is wrong, in the reader's language; nothing if nothing is. */
void	 told_why(struct buf *, const struct told_zone *, enum lang);

/* One zone, as the members of an object that is open; all: with keys, waits and todo. */
/* In that language, if it was told in it. */
const char *told_story(const struct told_zone *, enum lang);
void	 told_json(struct json *, const struct told_zone *, int64_t now, bool all, enum lang);

#endif
