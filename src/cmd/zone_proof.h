/* What `zone plan` and `zone whatif` share: today's keys from a zone file, stories, spans of time. */
#ifndef CMD_ZONE_PROOF_H
#define CMD_ZONE_PROOF_H

#include "app/zone_past.h"
#include "cmd/zone.h"

/* Of the parent, and of how fast servers follow. The state begins with a struct zone_today. */
struct zone_today {
	struct zone_args	 args;
	uint32_t		 ds_ttl;
	bool			 ds_ttl_given, no_ds, since_given;
	int64_t			 since;
	/* What was read. */
	struct zone		*zone;
	struct zone_past	 past;
	bool			 zone_bad;	/* `zone verify` rejects something in it */
};

#define ZONE_TODAY_OPTS \
	ZONE_FILE_OPTS, ZONE_ANCHOR_OPTS, \
	{ "no-ds", 0, NULL, N_("the parent has no DS record of this zone") }, \
	{ "ds-ttl", 0, "TIME", N_("TTL of the DS set at the parent (1d)") }, \
	{ "served-since", 0, "TIME", N_("all servers have had all of this since then (long ago)") }

/* 0 or EXIT_USAGE; hands what it does not know to zone_args_opt(). */
int	 zone_today_opt(const struct cmd_ctx *, struct zone_today *, const struct cmd_opt *, const char *arg);
/* Reads the zone of argv, verifies and takes in what it publishes: 0 or an exit code. */
int	 zone_today_read(const struct cmd_ctx *, struct zone_today *, int argc, char **argv);
/* The .done of both. */
void	 zone_today_done(void *state);
/* One line a key: what it is called, what it does. */
void	 zone_today_print(const struct cmd_ctx *, const struct zone_today *, struct buf *);
void	 zone_today_json(const struct zone_today *, struct json *);

/* A time, or an option's "1d": 0 or EXIT_USAGE. */
int	 zone_span_opt(const struct cmd_ctx *, const struct cmd_opt *, const char *arg, uint32_t *ret);
int	 zone_time_opt(const struct cmd_ctx *, const struct cmd_opt *, const char *arg, int64_t *ret);
/* "3 days 2 hours", in the reader's language. */
void	 zone_left_print(const struct cmd_ctx *, int64_t sec, struct buf *);
/* What a version holds: "k1 + k2, signed by k1"; and what it is a version of, a msgid. */
void	 zone_version_print(const struct cmd_ctx *, const struct timeline *, const struct timeline_version *,
	    struct buf *);
const char *zone_kind_text(enum timeline_kind);
/* Findings as numbered sentences. */
void	 zone_story_print(const struct cmd_ctx *, const struct findings *, struct buf *);
void	 zone_story_json(const struct cmd_ctx *, struct json *, const char *key, const struct findings *);

#endif
