/*
 * What servers really gave out, and when: the input of the cache simulator and
 * of everything that is compared with it. One statement a line, '#' comments,
 * times in whole seconds or "never":
 *
 *   key K ALG                    a key named K, of algorithm number ALG
 *   skew S                       clocks of validators are wrong by up to S
 *   strict yes|no                yes: each algorithm of the DS set must hold;
 *                                no: one suffices
 *   ds ID none | ds ID K...      proven absence of DS, or a DS set
 *   dnskey ID keys K... sigs K:INC:EXP...
 *   data ID CLASS sigs K:INC:EXP... | data ID CLASS unsigned
 *   serve ID FROM UNTIL TTL      at least one server has ID in [FROM, UNTIL)
 *   secure FROM UNTIL            the operator wants the zone to be secure
 *
 * An ID names one version of one kind. Histories of a batch are parted by
 * lines of "--".
 */
#ifndef TESTS_SIM_HISTORY_H
#define TESTS_SIM_HISTORY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/sv.h"

#define NEVER		INT64_MAX
#define TIME_MAX	((int64_t)1 << 40)	/* what an integer of the text may be */
#define TTL_MAX		INT32_MAX

/* Places in a cache: one for DS, one for DNSKEY, one for each class of data. */
enum { SLOT_DS, SLOT_DNSKEY, SLOT_DATA };

struct span {
	int64_t		 from, until;		/* half open */
};

struct serve {
	struct span	 span;
	int64_t		 ttl_sec;
};

struct sig {
	unsigned	 key;
	int64_t		 inc, exp;
};

struct key {
	struct sv	 name;
	uint8_t		 alg;
};

struct version {
	struct sv	 id;
	unsigned	 slot;			/* SLOT_DATA + class */
	bool		 none;			/* of DS: proven to be absent */
	unsigned	*keys;
	size_t		 n_keys;
	struct sig	*sigs;
	size_t		 n_sigs;
	struct serve	*serves;
	size_t		 n_serves;
};

/* Names are slices of the text, which must outlive it. */
struct history {
	struct key	*keys;
	size_t		 n_keys;
	struct version	*versions;		/* of all kinds, as they were named */
	size_t		 n_versions;
	struct sv	*classes;
	size_t		 n_classes;
	struct span	*secure;
	size_t		 n_secure;
	int64_t		 skew_sec;
	bool		 strict;
};

/* -EINVAL: *ret_line is wrong (from 1); -ENOMEM. On failure nothing is kept. */
int	 history_parse(struct sv text, struct history *ret, unsigned *ret_line) MUST_USE;
void	 history_done(struct history *);
/* The next history of a batch; false: there is none. */
bool	 history_next(struct sv *batch, struct sv *ret_text);

#endif
