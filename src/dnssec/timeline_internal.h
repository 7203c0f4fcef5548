/* What the files of timeline share: the struct, and sets of intervals. */
#ifndef DNSSEC_TIMELINE_INTERNAL_H
#define DNSSEC_TIMELINE_INTERNAL_H

#include "base/hash.h"
#include "dnssec/timeline.h"
#include "dnssec/timeline_limits.h"

struct timeline {
	struct pool		*pool;
	struct timeline_key	*keys;
	struct timeline_version	*versions;
	struct timeline_span	*secures;
	size_t			 n_keys, n_versions, n_secures;
	uint32_t		 skew_sec;
	bool			 strict;
	/* Name to index + 1; empty in what timeline_apply() makes. */
	struct map		 key_names, version_names;
};

/*
 * Room for one more element behind n: arrays of a pool grow by doubling.
 * NULL without memory.
 */
void	*timeline_grow(struct pool *, void *old, size_t n, size_t size) MUST_USE;
bool	 timeline_has_key(const unsigned *keys, size_t n, unsigned key);
bool	 timeline_name_ok(struct sv);
bool	 timeline_time_ok(int64_t);		/* without "never" */
int64_t	 timeline_after(int64_t at, int64_t sec);	/* never stays never */
/* When every validator takes the signature; empty if the skew eats it. */
struct timeline_span timeline_usable(const struct timeline *, const struct timeline_sig *);
/* The size that an array of timeline_grow() has with n elements. */
static inline size_t
timeline_room(size_t n)
{
	size_t room = 4;

	while (room < n)
		room *= 2;
	return room;
}
/* Until when caches may hold what this line served. */
static inline int64_t
timeline_cached_until(const struct timeline_serve *s)
{
	return timeline_after(s->at.until, s->ttl_sec);
}

/* --- sets of seconds: sorted, disjoint, never touching (timeline_set.c) --- */

struct set {
	struct timeline_span	*v;
	size_t			 n;
};

/* Where sets are made; the first failure sticks and makes all further sets empty. */
struct set_maker {
	struct pool	*pool;
	uint64_t	 work, work_max;
	int		 rc;
};

/* Of spans in any order, empty ones too; sorts them in place. */
struct set	 set_of(struct set_maker *, struct timeline_span *, size_t n);
struct set	 set_and(struct set_maker *, struct set, struct set);
struct set	 set_or(struct set_maker *, struct set, struct set);
struct set	 set_minus(struct set_maker *, struct set, struct set);
void		 set_spend(struct set_maker *, uint64_t work);
struct timeline_span *set_room(struct set_maker *, size_t n);	/* NULL: it failed */
int		 set_cmp(struct set, struct set);
bool		 set_has(struct set, int64_t at);

/* --- the rules (timeline_rules.c) --- */

/* The algorithms of a DS set, each once, ascending; keys as a bitmap. */
struct algs {
	uint8_t	v[UINT8_MAX + 1];
	size_t	n;
};
struct key_bits {
	bool	has[TIMELINE_KEYS_MAX];
};

void		 algs_of(const struct timeline *, const struct timeline_version *ds, struct algs *ret);
void		 key_bits_of(const struct timeline_version *, struct key_bits *ret);
/* When some cache may hold it. */
struct set	 rule_alive(struct set_maker *, const struct timeline_version *);
struct set	 rule_secure(const struct timeline *, struct set_maker *);
/* When the DNSKEY version is good by the DS version of these algorithms and keys. */
struct set	 rule_keys_good(const struct timeline *, struct set_maker *, const struct algs *,
		    const struct key_bits *in_ds, const struct timeline_version *dnskey,
		    const struct key_bits *in_dnskey);
/* When the data are, by a good DNSKEY version. */
struct set	 rule_data_good(const struct timeline *, struct set_maker *, const struct algs *,
		    const struct key_bits *in_dnskey, const struct timeline_version *data);
/* The bad seconds of one state. */
struct set	 rule_state(const struct timeline *, struct set_maker *, const struct timeline_bad *);

/* timeline_check() that takes its work from a purse. */
int		 timeline_check_spending(const struct timeline *, struct timeline_span window,
		    uint64_t *work_left, struct timeline_verdict *ret) MUST_USE;

#endif
