/* The few records of a zone's apex that commands about its keys want, out of a zone file or a piece of one. */
#ifndef CMD_ZONE_RECORDS_H
#define CMD_ZONE_RECORDS_H

#include "base/pool.h"
#include "cmd/cmd.h"
#include "dns/dns.h"

#define ZONE_RECORDS_MAX	64	/* of one type: twice what intake takes */

struct zone_records {
	struct sv	rdata[ZONE_RECORDS_MAX];
	size_t		n;
	uint32_t	ttl;
};

/*
 * Of one type, owned by the zone; RRSIG: those over DNSKEY. Data lie in the pool.
 * 0, also where there are none; SE_SYNTAX: the text is no zone's; SE_LIMIT; the
 * system's codes.
 */
int	 zone_records_read(struct pool *, const char *path, const struct dname *zone, uint16_t type,
	    struct zone_records *ret) MUST_USE;
/* The same; said why if not: 0 or EXIT_CANNOT. */
int	 zone_records_get(const struct cmd_ctx *, struct pool *, const char *path, const struct dname *zone,
	    uint16_t type, struct zone_records *ret);

#endif
