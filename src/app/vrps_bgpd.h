/*
 * Payloads as sets of OpenBGPD's configuration (bgpd.conf(5)), as
 * rpki-client and we write them:
 *
 *	roa-set {
 *		192.0.2.0/24 maxlen 25 source-as 64496 expires 1753530481
 *	}
 *	aspa-set {
 *		customer-as 64496 expires 1753530481 provider-as { 64497, 64498 }
 *	}
 *
 * Comments begin with "#". Nothing else may stand in the file: a list that is
 * understood in part is not compared.
 */
#ifndef APP_VRPS_BGPD_H
#define APP_VRPS_BGPD_H

#include "inr/inr.h"

#define VRPS_BGPD_MAX	((size_t)512 * 1024 * 1024)	/* as CSV: ten times today's */

/* Could it be one? Decided by the first word. */
bool	 vrps_bgpd_is(struct sv text);
/*
 * SE_SYNTAX with *ret_line, SE_LIMIT, -ENOMEM. Not merged; all are of the
 * trust anchor "-". payloads_done() in any case.
 */
int	 vrps_bgpd_read(struct sv text, struct payloads *ret, uint64_t *ret_line) MUST_USE;

#endif
