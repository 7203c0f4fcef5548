/*
 * app/alarm: what an operator wants to be told, found in what Sekisho has
 * anyway: the snapshot, the history, the times of the publication servers.
 * The same rules for the daemon, which tells each alarm once, and for
 * `sekisho rpki check`, which says what holds now.
 *
 * What is ours: the AS numbers and prefixes of the configuration's
 * organisation. A VRP is ours by its AS, or when its prefix lies in ours or
 * covers it (what routes_report() calls ours, too); an ASPA and a router key
 * by its AS.
 *
 *	ALARM_LOST	something of ours went by failure or expiry, and is not
 *			back. What its own CA took away is no alarm:
 *	ALARM_CHANGED	something of ours came, went or changed as signed;
 *			said once, for a day
 *	ALARM_EXPIRES	a CA of ours ought to have published long ago
 *	ALARM_CA	a CA of ours works with older data only
 *	ALARM_REPOSITORY, ALARM_DATA, ALARM_GUARD
 *	ALARM_MAIL_KEY	a key signs mail, and its record is not to be found
 *	ALARM_MAIL_REPORTS
 *			rows of judged mail, or reports about them, stand still
 *	ALARM_ZONE_, ALARM_KEY_, ALARM_DS_
 *			zones that are signed here: what ends, what is refused, what
 *			a person has to do. Such a thing is said again until it is done.
 *
 * Why expiry-warn is hours: a payload ends with the first link of its chain,
 * and that is a manifest or CRL with a day to live, renewed every few hours.
 * Days before the end would be an alarm for ever.
 *
 * Pure but for reading the history; the time is an argument. Findings go out,
 * their subject is the same as long as the cause is: code and subject are the
 * name of an alarm.
 */
#ifndef APP_ALARM_H
#define APP_ALARM_H

#include "app/zone_told.h"
#include "base/finding.h"
#include "inr/inr.h"
#include "store/history.h"

#define F FINDING_ENUM_
enum alarm_finding {
#include "app/alarm_findings.def"
	ALARM_FINDING_MAX
};
#undef F
extern const struct finding_def alarm_findings[ALARM_FINDING_MAX];

struct alarm_conf {
	uint32_t		*asns;		/* ascending */
	struct ip_prefix	*prefixes;	/* ascending, none within another */
	size_t			 n_asns, n_prefixes;
	int64_t			 expiry_warn, repository_age, data_age;	/* seconds */
	int64_t			 key_lead;	/* a key's end is told so long before */
};

/* "AS64496" and prefixes, one a line; in the pool. -ENOMEM; lines that are none are passed over. */
int	 alarm_conf_lists(struct pool *, struct sv asns, struct sv prefixes,
	    struct alarm_conf *) MUST_USE;

/* Age of the data, expiry and state of our CAs, the guard. */
int	 alarm_snapshot(const struct alarm_conf *, const struct snapshot *, int64_t now,
	    struct findings *) MUST_USE;
/* One publication server; checked: its last good answer, 0: none yet. */
void	 alarm_source(const struct alarm_conf *, struct sv key, int64_t checked, int64_t now,
	    struct findings *);
/* What of ours is gone, and what changed within a day. */
int	 alarm_changes(const struct alarm_conf *, struct history_reader *, int64_t now,
	    struct findings *) MUST_USE;

/* zone and key tell each half minute; without a word for so long they do not work. */
#define ALARM_SILENCE_SEC	(15 * 60)

/* Zones and their keys, as the roles told them. */
void	 alarm_zones(const struct alarm_conf *, const struct told *, int64_t now, struct findings *);
/* Keys that sign mail, as role seal tells them (messages.def: seal_told); what is no line is passed over. */
void	 alarm_mail_keys(struct sv lines, struct findings *);
bool	 alarm_is_of_mail_keys(struct sv code);
/* Reports of mail, as role report tells them (messages.def: report_health); so, too. */
void	 alarm_mail_reports(struct sv lines, struct findings *);
bool	 alarm_is_of_mail_reports(struct sv code);
/* A role that was last heard then. */
void	 alarm_silence(const char *role, int64_t heard, int64_t now, struct findings *);
bool	 alarm_is_of_zones(struct sv code);
/* Somebody has to act: it is said again while it holds. */
bool	 alarm_is_repeated(const struct finding_def *);
bool	 alarm_is_ours(const struct alarm_conf *, const struct history_change *);

#endif
