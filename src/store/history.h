/*
 * store/history: what changed when, and why. SQLite, <state>/sekisho.db.
 *
 * The snapshots are the truth; this is derived from them. It is written after
 * a snapshot was announced, so a slow disk delays nobody, and what a crash
 * takes away is made again at the next start from the snapshots that are
 * kept: the last row of `publication` says how far it went. That is why
 * synchronous=NORMAL is enough: the file is consistent at every moment, and
 * only the end of it may be missing.
 *
 *	publication	one row for each serial: time, session, counts.
 *			kind baseline: the first one; its payloads are no changes.
 *			kind gap: what lay between was not seen.
 *	change		VRPs, ASPAs, router keys that came and went, with the CA
 *			and, for what went, the cause
 *	ca		URIs of the CAs' manifests, by id
 *	finding		the lines of validate as they came, from … to …
 *	event		what else happened (alarms), JSON
 *	alarm		which are on, so that a restart does not tell them again
 *	mail		alarms that were told and not mailed yet
 *	point		counts over time for plots: every 5 minutes for two days,
 *			every hour for a month, every day for the rest
 *
 * A change of any size is one transaction and many steps: history_begin(),
 * then history_step() until it is done, each of bounded work, so that the one
 * who writes can answer others in between. Readers see nothing of it before
 * its end, and are never waited for (WAL).
 *
 * The cause of a loss: the CA of the payload in the old snapshot is looked up
 * in the new one. It works: it took the payload away (or that expired). It
 * failed: its state and the finding's code. It is not there: the nearest
 * ancestor that is speaks for it. A filter of this operator may have taken it
 * out instead: the newer report names those in force. One that took out
 * nothing took out nothing here; and what comes back when a filter of the
 * older report ends, came by that.
 *
 * Bounded: days (keep_days), rows and pages (limits.h); oldest rows go first.
 * Findings are opaque bytes here: code and subject are cut out of the line
 * by the form that base/finding.c writes, nothing is parsed.
 *
 * What can fail: the disk. Nothing depends on the history; the caller logs it
 * once and goes on. A damaged file is set aside as sekisho.db.damaged.
 */
#ifndef STORE_HISTORY_H
#define STORE_HISTORY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/json.h"
#include "base/sv.h"
#include "base/util.h"
#include "inr/inr.h"

#define HISTORY_FILE		"sekisho.db"
#define HISTORY_SUM_LEN		32

/* crypto_sha256(); an argument because store stands beside crypto. */
typedef void (*history_digest_fn)(const void *, size_t, uint8_t ret[static HISTORY_SUM_LEN]);

enum history_kind {
	HK_VRP,
	HK_ASPA,
	HK_KEY,
};

/* Why a payload is no longer there. */
enum history_cause {
	HC_NONE,		/* it came: its CA signed it */
	HC_SIGNED,		/* its CA took it away */
	HC_EXPIRED,
	HC_FAILED,		/* code says why */
	/*
	 * SLURM, exceptions. Without a CA: an assertion that began or ended.
	 * With one: a filter that took it out, or does so no more.
	 */
	HC_LOCAL,
	HC_TA,			/* its trust anchor is not there any more */
	HC_MAX
};
const char *history_cause_name(enum history_cause);	/* "signed" … */

/* What a report names: some hundred are written by hand. Beyond it, those that hit come first. */
#define HISTORY_FILTERS_MAX	1000

struct history_payload {
	enum history_kind	 kind;
	struct ip_prefix	 prefix;	/* of a VRP */
	uint32_t		 asn;
	const uint8_t		*ski;		/* of a key: 20 bytes */
};
/* A local filter in force (RFC 8416); hit: it took something out. */
struct history_filter {
	enum history_kind	 kind;
	bool			 has_asn, has_prefix, has_ski, hit;
	uint32_t		 asn;
	struct ip_prefix	 prefix;
	uint8_t			 ski[20];
};
struct history_filters {
	struct history_filter	*v;
	size_t			 n;
};
/* Of a snapshot's report. None there: none, and it costs nothing. -ENOMEM. */
int	 history_filters_read(struct sv report, struct history_filters *ret) MUST_USE;
void	 history_filters_done(struct history_filters *);
/* Does one take it out? hit: only those that took something out count. */
bool	 history_filtered(const struct history_filters *, bool hit, const struct history_payload *);

/* A payload of the older one of two snapshots that the newer one, of `at`, has not. */
struct history_gone {
	uint32_t	ca;
	uint8_t		ta;
	int64_t		expires;
	bool		filtered;	/* a filter of the newer one takes it out */
};
struct history_why {
	enum history_cause cause;
	bool		   spoken;
	struct snapshot_ca speaker;	/* if spoken: the CA, or the nearest above, in `to` */
};
struct history_why history_why_gone(const struct snapshot *from, const struct snapshot *to,
	    int64_t at, const struct history_gone *);

enum history_pub {
	HP_DELTA,
	HP_BASELINE,
	HP_GAP,
};

/* --- writing: one process --- */

struct history;

struct history_conf {
	const char		*path;
	unsigned		 keep_days;
	uint64_t		 rows_max;	/* of changes; 0: HISTORY_ROWS_MAX */
	history_digest_fn	 digest;
};

struct history_found {
	bool	made;		/* it is new */
	bool	damaged;	/* the old one was set aside */
};

/* SE_FORMAT: of a newer Sekisho. */
int	 history_open(const struct history_conf *, struct history **ret,
	    struct history_found *found) MUST_USE;
struct history *history_free(struct history *);
DEFINE_CLEANUP(struct history, history_free)
void	 history_keep(struct history *, unsigned days);

/* The stamp of the last publication that was recorded wholly; false: none. */
bool	 history_last(struct history *, struct snapshot_stamp *ret);
/*
 * Record what leads from one snapshot to the next; both stay until the end.
 * from NULL: a baseline, or after a gap. -EBUSY: another is under way.
 */
int	 history_begin(struct history *, const struct snapshot *from,
	    const struct snapshot *to, int64_t at) MUST_USE;
/* About n comparisons. *ret_done: committed. On failure nothing of it stays. */
int	 history_step(struct history *, size_t n, bool *ret_done) MUST_USE;
bool	 history_busy(const struct history *);
void	 history_abort(struct history *);

struct history_counts {
	uint64_t	n_new, n_gone, n_left_out;
};

/* All findings of a run, a line each. Not while busy. */
int	 history_findings(struct history *, struct sv lines, int64_t at,
	    struct history_counts *ret) MUST_USE;

/* Counts of now, for plots; findings and guard are filled in from here. */
int	 history_point(struct history *, const struct snapshot *, int64_t at) MUST_USE;
/* A slice of throwing away; *ret_more: there is more to do. Not while busy. */
int	 history_prune(struct history *, int64_t now, bool *ret_more) MUST_USE;

struct history_alarm {
	struct sv	key;		/* what it is about, stable */
	struct sv	code;
	struct sv	json;		/* the finding's arguments */
	int64_t		since, told, ended;	/* 0: not */
};
int	 history_alarm_put(struct history *, const struct history_alarm *) MUST_USE;
int	 history_alarm_del(struct history *, struct sv key) MUST_USE;
int	 history_event(struct history *, int64_t at, struct sv code, struct sv json) MUST_USE;

/*
 * What is to be mailed: rows wait here until they were, also over restarts;
 * beyond HISTORY_MAILS_MAX the oldest go (*ret_lost).
 */
struct history_mail {
	int64_t		id, at;		/* id grows */
	struct sv	key, text;
};
int	 history_mail_put(struct history *, const struct history_mail *, size_t *ret_lost) MUST_USE;
/* All up to this id; and those from before a time. */
int	 history_mail_del(struct history *, int64_t id) MUST_USE;
int	 history_mail_expire(struct history *, int64_t before, size_t *ret_lost) MUST_USE;
/* The same reader as below, on the writer's own connection. */
struct history_reader *history_reader_of(struct history *);

/* --- reading: anybody, while it is written --- */

struct history_reader;

/* -ENOENT: there is none; SE_FORMAT: of another version. */
int	 history_reader_open(const char *path, struct history_reader **ret) MUST_USE;
struct history_reader *history_reader_free(struct history_reader *);
DEFINE_CLEANUP(struct history_reader, history_reader_free)

struct history_query {
	bool			 by_prefix, by_asn;
	struct ip_prefix	 prefix;	/* what covers it, and what is inside */
	uint32_t		 asn;
	struct sv		 ca;		/* URI of a manifest, or how it begins */
	int64_t			 since, until;	/* since <= at < until */
	size_t			 limit;
	unsigned		 kinds;		/* bits 1 << enum history_kind; 0: all */
};

struct history_change {
	int64_t			 id;		/* grows */
	int64_t			 at;
	uint32_t		 serial;
	uint8_t			 kind;		/* enum history_kind */
	bool			 announce;	/* ASPA: false when none is left */
	uint8_t			 cause;		/* enum history_cause */
	uint8_t			 state;		/* enum payload_ca_state of who speaks */
	struct ip_prefix	 prefix;
	uint8_t			 max_len;
	uint32_t		 asn;
	struct sv		 ta, ca, speaker, code;	/* URIs */
	struct sv		 before, after;	/* ASPA: providers, 4 bytes each; key: SKI */
	bool			 had, has;	/* ASPA: was there one before, after? */
};
typedef bool (*history_change_fn)(void *arg, const struct history_change *);

/* The newest first, until fn returns false. */
int	 history_changes(struct history_reader *, const struct history_query *,
	    history_change_fn, void *arg) MUST_USE;

struct history_finding {
	int64_t		since, until;	/* until 0: it still holds */
	struct sv	code, subject, line;
};
typedef bool (*history_finding_fn)(void *arg, const struct history_finding *);
/*
 * Of subjects that begin with `subject`, with this code (empty: any), that
 * held at some moment of [since, until); newest first.
 */
int	 history_findings_of(struct history_reader *, struct sv subject, struct sv code,
	    int64_t since, int64_t until, size_t limit, history_finding_fn, void *arg) MUST_USE;

/* The last publications, newest first: where the record begins, and its gaps. */
struct history_publication {
	int64_t		at;
	uint32_t	serial;
	uint8_t		kind;		/* enum history_pub */
	uint64_t	n_v4, n_v6, n_aspas, n_keys, n_came, n_went;
};
typedef bool (*history_publication_fn)(void *arg, const struct history_publication *);
int	 history_publications(struct history_reader *, size_t limit,
	    history_publication_fn, void *arg) MUST_USE;

struct history_point_row {
	int64_t		at;
	uint32_t	span;		/* seconds that it stands for */
	uint32_t	serial;
	uint64_t	n_v4, n_v6, n_aspas, n_keys, n_reject, n_warn, n_note, n_held;
};
typedef bool (*history_point_fn)(void *arg, const struct history_point_row *);
/* Ascending; the last `limit` of them. */
int	 history_points(struct history_reader *, size_t limit, history_point_fn,
	    void *arg) MUST_USE;

/*
 * For the page. A change: {"at","serial","kind":"vrp"|"aspa"|"key","announce",
 * "asn","prefix","maxLength"|"before","after"|"ski","ta","ca","cause","state",
 * "speaker","code"}. A point: [at, span, serial, VRPs of IPv4, of IPv6, ASPAs,
 * router keys, findings REJECT, WARN, NOTE, VRPs held].
 */
void	 history_change_json(struct json *, const struct history_change *);
void	 history_point_json(struct json *, const struct history_point_row *);

/* Ascending, up to this id. */
typedef bool (*history_mail_fn)(void *arg, const struct history_mail *);
int	 history_mails(struct history_reader *, int64_t upto, history_mail_fn, void *arg) MUST_USE;

typedef bool (*history_alarm_fn)(void *arg, const struct history_alarm *);
int	 history_alarms(struct history_reader *, history_alarm_fn, void *arg) MUST_USE;

#endif
