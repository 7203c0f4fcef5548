/* How the signed zones and their keys are: from the service, or else from its files. */
#ifndef CMD_ZONE_TOLD_H
#define CMD_ZONE_TOLD_H

#include "app/conf.h"
#include "app/zone_told.h"
#include "base/tr.h"
#include "cmd/cmd.h"
#include "dns/dns.h"

struct zone_report {
	struct told	 told;
	bool		 from_files;	/* no service answered */
	bool		 no_keys;	/* the service did, but not its role key */
	void		*doc;		/* of zone_told.c */
};

/* Of one zone, or (NULL) of all: 0 or an exit code, after saying why. */
int	 zone_report_read(const struct cmd_ctx *, const struct dname *only, struct zone_report *ret);
void	 zone_report_done(struct zone_report *);

/* The folder of a zone's keys in this configuration. */
void	 zone_keys_folder(const struct conf *, const struct dname *, char *dst, size_t n);
/* Loads the configuration: 0, or EXIT_CANNOT after saying why. */
int	 zone_conf_load(const struct cmd_ctx *, struct conf **ret);

/* Why the next step of the keys was refused, as the service tells it; NULL: it was not. */
const char *zone_report_story(const struct zone_report *, const char *zone, enum lang);

/* An error that is an answer of the service, in the reader's language; zone may be NULL. */
void	 zone_answer_err(const struct cmd_ctx *, const char *zone, const char *text);

/* zone_enter.c: what to enter at the registrar; and in which form, in one sentence (nothing if nobody knows). */
struct json;
void	 zone_enter_print(const struct cmd_ctx *, const struct told_zone *, struct json *, struct buf *);
void	 zone_form_print(const struct cmd_ctx *, const char *form, const char *registry, struct buf *);

/* zone_status_show.c: the zone's part of the table. */
void	 zone_status_print(const struct cmd_ctx *, const struct told_zone *, const struct zone_report *,
	    struct buf *);
/* The table of its keys alone. */
void	 zone_keys_print(const struct cmd_ctx *, const struct told_zone *, struct buf *);

#endif
