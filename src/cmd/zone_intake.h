/* sekisho zone intake: what its two files share. */
#ifndef CMD_ZONE_INTAKE_H
#define CMD_ZONE_INTAKE_H

#include "cmd/zone_ask.h"
#include "cmd/zone_records.h"
#include "dnssec/intake.h"

/* What one server gave. */
struct intake_view {
	const struct ask_server	*server;
	const char		*why;		/* it gave none; a msgid */
	struct ask_rrs		 keys, sigs, nsec3param;
	bool			 as_before;	/* all of it the same as of a server before it */
	bool			 same_keys;	/* the same DNSKEY set */
};

struct intake_work {
	struct ask_opts		 ask;
	const char		*dnskey_file, *ds_file, *record_file;
	bool			 rules;
	int64_t			 now;
	struct pool		*pool;
	struct findings		 fs;
	struct dname		 zone;
	const struct intake_registry *registry;
	struct ask_servers	 parents, servers;
	struct intake_view	 view[ASK_SERVERS_MAX];
	size_t			 n_views, n_good;
	struct intake_record	 entered[INTAKE_RECORDS_MAX];
	size_t			 n_entered;
	struct sv		 standing[INTAKE_RECORDS_MAX];
	size_t			 n_standing;
	bool			 parent_known;
};

void	 intake_text_print(const struct cmd_ctx *, const struct intake_work *, struct buf *);
void	 intake_json_print(const struct cmd_ctx *, const struct intake_work *, struct buf *);
void	 intake_rules_print(const struct cmd_ctx *, struct buf *);

#endif
