/*
 * Lists of keys as other signers print them: which key is which file or object
 * in a token, what it is for, and how far it has come. The private halves are
 * elsewhere.
 *
 *	keymgr ZONE list		Knot: with -j (JSON), with -e, with neither;
 *					times as seconds, or with "iso"
 *	ods-enforcer key list -v [-p]	OpenDNSSEC, also of several zones
 *	ods-enforcer key list -d [-p]	… what of each key is where
 *	ods-enforcer rollover list	… and when the next ones come
 *
 * Those of OpenDNSSEC may stand behind each other in one text. It prints its
 * times in its own time zone and does not say which; they are taken for UTC.
 * A line that is none of these is an error: half a list would look like fewer
 * keys. What a list says of a key is a claim; who imports it compares keys.
 *
 * The databases themselves are not read. Knot's (LMDB) is locked by the running
 * server, and its records are a format of Knot's own that changed between
 * versions; OpenDNSSEC's is SQLite or MySQL with a schema of each version. What
 * keymgr and ods-enforcer print is documented, and they know their database.
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

/* What a list says in words; times say it for lists that have them. */
enum key_list_use {
	KEY_LIST_UNSAID,
	KEY_LIST_COMING,	/* made or published, and not relied upon yet */
	KEY_LIST_USED,
	KEY_LIST_LEAVING
};

/* Knot's, in seconds; 0: not set. */
enum key_list_time {
	KEY_LIST_PUBLISH,
	KEY_LIST_READY,
	KEY_LIST_ACTIVE,
	KEY_LIST_RETIRE_ACTIVE,
	KEY_LIST_RETIRE,
	KEY_LIST_POST_ACTIVE,
	KEY_LIST_REMOVE,
	KEY_LIST_TIME_MAX
};

struct key_list_row {
	char		 id[KEY_LIST_ID_MAX + 1];	/* of the file, or CKA_ID; lower case */
	uint8_t		 alg;				/* 0: the line that has it is missing */
	uint16_t	 tag;
	bool		 ksk, zsk, public_only;
	int64_t		 time[KEY_LIST_TIME_MAX];
	enum key_list_use use;
	bool		 ready;			/* OpenDNSSEC's word: published everywhere, swapping now */
	bool		 has_records;		/* -d was there */
	bool		 mixing;		/* others replace its signatures of data, one by one */
	int64_t		 next;			/* when anything of it changes; 0: not said */
	int64_t		 end;			/* of its life; 0: not said */
};

struct key_list {
	size_t			 n, n_others;	/* keys of this zone, lines of others */
	struct key_list_row	 row[KEY_LIST_MAX];
};

/* Rows of other zones are passed over. -EBADMSG with the line (from 1); SE_LIMIT. */
int	 key_list_parse(struct sv text, const struct dname *zone, struct key_list *ret,
	    unsigned *ret_line) MUST_USE;

#endif
