/*
 * inr: Internet number resources as values that all of Sekisho shares.
 *
 * What the RPKI says in the end is small: a set of validated ROA payloads
 * (VRPs, RFC 6811 section 2) and a set of ASPAs, one per customer. They leave
 * the validator as a `struct payloads`, are merged (RTR wants each VRP once,
 * and the union of all ASPAs of a customer), and become a snapshot.
 *
 * (The snapshot, its delta, look-ups: see below; this essay is continued
 * there by its owner.)
 */
#ifndef INR_INR_H
#define INR_INR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/ip.h"
#include "base/sv.h"
#include "base/util.h"

/*
 * Ascending order (vrp_cmp): family, addr, max_len, len, asn. The order in
 * which RTR version 2 announces (8210bis section 11.2.1) is its exact reverse
 * within a family, so one sorted array serves look-up and protocol.
 */
struct vrp {
	uint8_t		addr[16];	/* network order, host bits zero */
	uint8_t		len, max_len;
	uint8_t		af;		/* enum ip_af */
	uint8_t		ta;		/* index into payloads.tas */
	uint32_t	asn;
	int64_t		expires;	/* earliest in the whole chain */
};

struct aspa {
	uint32_t	 customer;
	uint32_t	 n_providers;
	const uint32_t	*providers;	/* ascending, unique; AS 0 alone or absent */
	int64_t		 expires;
	uint8_t		 ta;
};

#define TA_MAX		64	/* trust anchors in one run: 5 exist, labs have a few */
#define TA_NAME_MAX	63	/* bytes; the TAL's file name without ".tal" */

struct payloads {
	struct vrp	*vrps;		/* heap */
	size_t		 n_vrps;
	struct aspa	*aspas;		/* heap; providers lists are heap, too */
	size_t		 n_aspas;
	char		 tas[TA_MAX][TA_NAME_MAX + 1];
	size_t		 n_tas;
};

int	 vrp_cmp(const void *, const void *);	/* qsort-style, order above */

#endif
