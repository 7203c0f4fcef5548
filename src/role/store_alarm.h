/*
 * The store role's watch: app/alarm.h once a minute, and each alarm told once
 * (the operator's log, alarm.webhook by role fetch, alarm.mail by
 * role/store_mail.h) with its end. Which are on stands in the history, so a
 * restart tells nothing twice.
 *
 * An alarm is told when it held for alarm.after (a minute), over when it was
 * gone for five times that: what flaps is told as one. In an hour no more than ALARMS_PER_HOUR are
 * told; the rest waits, and a line says that it does. Notes (ALARM_CHANGED)
 * are told at once and have no end. What waits for somebody to act
 * (alarm_is_repeated()) is told again each alarm.repeat until it is over.
 */
#ifndef ROLE_STORE_ALARM_H
#define ROLE_STORE_ALARM_H

#include "role/role.h"
#include "role/store_mail.h"
#include "store/history.h"
#include "store/store.h"

#define ALARMS_PER_HOUR	30

struct store_alarm;

/* All must outlive it. NULL: no memory. */
struct store_alarm *store_alarm_new(struct role *, const struct store *, struct history *,
	    struct store_mail *);
struct store_alarm *store_alarm_free(struct store_alarm *);
/* Who we are, and how long is too long. */
int	 store_alarm_conf(struct store_alarm *, const struct msg_store_conf *) MUST_USE;
const struct alarm_conf *store_alarm_ours(const struct store_alarm *);
/* How a publication server did. */
void	 store_alarm_source(struct store_alarm *, const struct msg_source_result *);
/* Zones are signed here: who signs them will be heard. */
void	 store_alarm_expect_zones(struct store_alarm *);
/* What zone and key tell; 1: both have spoken now, check soon; -EBADMSG: no JSON. */
int	 store_alarm_zones(struct store_alarm *, struct sv json) MUST_USE;
int	 store_alarm_keys(struct store_alarm *, struct sv json) MUST_USE;
/* What seal tells of the keys that sign mail: lines of messages.def's seal_told. 1: others than before, check soon. */
int	 store_alarm_mail_keys(struct store_alarm *, struct sv lines) MUST_USE;
/* The same of what report tells of reports (report_health). */
int	 store_alarm_mail_reports(struct store_alarm *, struct sv lines) MUST_USE;
/* The webhook was told, or not. */
int	 store_alarm_hooked(struct store_alarm *, const struct msg_webhook_done *) MUST_USE;
/* Once a minute; not while the history is busy. */
int	 store_alarm_check(struct store_alarm *) MUST_USE;
void	 store_alarm_status(const struct store_alarm *, struct json *);

#endif
