/*
 * VRP lists as CSV, as rpki-client, FORT and Routinator write them, and we:
 *
 *	ASN,IP Prefix,Max Length,Trust Anchor,Expires
 *	AS64496,192.0.2.0/24,24,ripe,1753530481
 *
 * The first three fields are needed; a fourth is the trust anchor, a fifth
 * the expiry. A first line that begins with "ASN" in any letter case is the
 * head. Every other line must be a row: a list that is understood in part is
 * not compared.
 */
#ifndef APP_VRPS_CSV_H
#define APP_VRPS_CSV_H

#include "inr/inr.h"

#define VRPS_CSV_MAX	((size_t)512 * 1024 * 1024)	/* ten times today's */

/* Could it be one? Decided by the first line. */
bool	 vrps_csv_is(struct sv text);
/*
 * SE_SYNTAX with *ret_line, SE_LIMIT (trust anchors), -ENOMEM. Not merged;
 * payloads_done() in any case.
 */
int	 vrps_csv_read(struct sv text, struct payloads *ret, uint64_t *ret_line) MUST_USE;

#endif
