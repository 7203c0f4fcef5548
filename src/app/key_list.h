/*
 * Lists of keys as other signers print them: which key is which file or object
 * in a token, and what it is for. The private halves are elsewhere.
 *
 *	keymgr ZONE list		Knot, also with -e
 *	ods-enforcer key list -v [-p]	OpenDNSSEC, also of several zones
 *
 * A line that is none of these is an error: half a list would look like fewer
 * keys. What a list says of a key is a claim; who imports it compares keys.
 */
#ifndef APP_KEY_LIST_H
#define APP_KEY_LIST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/timefmt.h"
#include "dns/dns.h"

#define KEY_LIST_MAX		256		/* keys of one zone, old ones included */
#define KEY_LIST_TEXT_MAX	((size_t)4 << 20)	/* of an OpenDNSSEC with 10,000 zones */
#define KEY_LIST_ID_MAX		128		/* hex digits; Knot and OpenDNSSEC have 40 and 32 */

struct key_list_row {
	char		 id[KEY_LIST_ID_MAX + 1];	/* of the file, or CKA_ID; lower case */
	uint8_t		 alg;
	uint16_t	 tag;
	bool		 ksk, zsk, public_only;
	int64_t		 remove;		/* TIME_NEVER: it is not to be removed */
};

struct key_list {
	size_t			 n;
	struct key_list_row	 row[KEY_LIST_MAX];
};

/* Rows of other zones are passed over. -EBADMSG with the line (from 1); SE_LIMIT. */
int	 key_list_parse(struct sv text, const struct dname *zone, struct key_list *ret,
	    unsigned *ret_line) MUST_USE;

#endif
