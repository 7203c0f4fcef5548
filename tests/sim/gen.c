/*
 * gen PROFILE SEED N: N random histories, parted by "--".
 *
 *   wild   anything the text form can say; nearly all of them are bad
 *   roll   keys that come and go as in a rollover, each step at a random time:
 *          about as many good ones as bad ones, and many bad by one second
 *   tiny   wild ones small enough for the simulator's joint fleet
 *   long   wild ones with times up to 4000 and TTLs up to 500
 */
#include <inttypes.h>
#include <stdio.h>

#include "base/sv.h"
#include "random.h"

#define KEYS_MAX	4
#define CHANGES_MAX	16

struct profile {
	const char	*name;
	void		(*make)(struct dice *, const struct profile *);
	int64_t		 time_max, ttl_max, skew_max;
	int64_t		 n_keys, n_versions, n_classes;	/* at most */
};

static const uint8_t algs[] = { 8, 13, 15 };

static void
time_print(int64_t t)
{
	if (t == INT64_MAX)
		fputs("never", stdout);
	else
		printf("%" PRId64, t);
}

static void
serve_print(char kind, int64_t n, int64_t from, int64_t until, int64_t ttl)
{
	printf("serve %c%" PRId64 " %" PRId64 " ", kind, n, from);
	time_print(until);
	printf(" %" PRId64 "\n", ttl);
}

static void
sig_print(int64_t key, int64_t inc, int64_t exp)
{
	printf(" K%" PRId64 ":", key);
	time_print(inc);
	fputs(":", stdout);
	time_print(exp);
}

static void
head_print(struct dice *d, const struct profile *p, int64_t n_keys)
{
	int64_t n_algs = dice_in(d, 1, (int64_t)ARRAY_LEN(algs));

	for (int64_t k = 0; k < n_keys; k++)
		printf("key K%" PRId64 " %u\n", k, algs[dice_in(d, 0, n_algs - 1)]);
	if (p->skew_max > 0 && dice_percent(d, 50))
		printf("skew %" PRId64 "\n", dice_in(d, 0, p->skew_max));
	if (dice_percent(d, 60))
		printf("strict %s\n", dice_percent(d, 60) ? "yes" : "no");
}

/* wild */

static void
wild_span(struct dice *d, const struct profile *p, int64_t *from, int64_t *until)
{
	*from = dice_percent(d, 30) ? 0 : dice_in(d, 0, p->time_max - 1);
	*until = dice_percent(d, 20) ? INT64_MAX : dice_in(d, *from + 1, p->time_max);
}

static void
wild_sigs(struct dice *d, const struct profile *p, uint64_t keys, int64_t n_keys)
{
	fputs(" sigs", stdout);
	for (int64_t k = 0; k < n_keys; k++) {
		/* Sometimes a key signs that is not there, or twice. */
		int64_t n = keys >> k & 1 ? dice_percent(d, 85) + dice_percent(d, 15) :
		    dice_percent(d, 8);

		for (; n > 0; n--) {
			int64_t inc = dice_percent(d, 60) ? 0 : dice_in(d, 0, p->time_max);
			int64_t exp = dice_percent(d, 40) ? INT64_MAX : dice_in(d, inc / 2, p->time_max);

			sig_print(k, inc, exp);
		}
	}
}

static uint64_t
wild_keys(struct dice *d, int64_t n_keys, int64_t percent)
{
	uint64_t keys = 0;

	for (int64_t k = 0; k < n_keys; k++)
		keys |= (uint64_t)dice_percent(d, percent) << k;
	return keys;
}

static void
keys_print(uint64_t keys)
{
	for (int64_t k = 0; keys >> k != 0; k++) {
		if (keys >> k & 1)
			printf(" K%" PRId64, k);
	}
}

static void
wild_version(struct dice *d, const struct profile *p, char kind, int64_t i, int64_t n_keys)
{
	uint64_t keys = wild_keys(d, n_keys, kind == 'd' ? 50 : 80);

	if (kind == 'd') {
		printf("ds d%" PRId64, i);
		if (keys == 0 || dice_percent(d, 10))
			fputs(" none", stdout);
		else
			keys_print(keys);
	} else if (kind == 'k') {
		printf("dnskey k%" PRId64 " keys", i);
		keys_print(keys);
		wild_sigs(d, p, keys, n_keys);
	} else {
		printf("data s%" PRId64 " C%" PRId64, i, dice_in(d, 1, p->n_classes));
		if (dice_percent(d, 8))
			fputs(" unsigned", stdout);
		else
			wild_sigs(d, p, keys, n_keys);
	}
	fputs("\n", stdout);
}

static void
wild_make(struct dice *d, const struct profile *p)
{
	static const char kinds[] = { 'd', 'k', 's' };
	int64_t n_keys = dice_in(d, 2, p->n_keys), n, from, until;

	head_print(d, p, n_keys);
	for (size_t j = 0; j < ARRAY_LEN(kinds); j++) {
		n = dice_in(d, 1, p->n_versions);
		for (int64_t i = 0; i < n; i++) {
			wild_version(d, p, kinds[j], i, n_keys);
			for (int64_t m = dice_in(d, 0, 9) / 4; m >= 0; m--) {
				wild_span(d, p, &from, &until);
				serve_print(kinds[j], i, from, until, dice_in(d, 0, p->ttl_max));
			}
		}
	}
	for (n = dice_in(d, 0, 2); n > 0; n--) {
		wild_span(d, p, &from, &until);
		printf("secure %" PRId64 " ", from);
		time_print(until);
		fputs("\n", stdout);
	}
}

/* roll: a key is in the DNSKEY set, in the DS set, signs; each for a while. */

enum { PART_DNSKEY, PART_DS, PART_SIGN, PARTS };

struct life {
	int64_t		 from[PARTS], until[PARTS];
};

struct roll {
	struct life	 keys[KEYS_MAX];
	int64_t		 n_keys;
	int64_t		 changes[CHANGES_MAX];
	size_t		 n_changes;
};

static void
change_add(struct roll *r, int64_t t)
{
	size_t i;

	if (t == INT64_MAX)
		return;
	for (i = 0; i < r->n_changes; i++) {
		if (r->changes[i] == t)
			return;
	}
	for (; i > 0 && r->changes[i - 1] > t; i--)
		r->changes[i] = r->changes[i - 1];
	r->changes[i] = t;
	r->n_changes++;
}

static uint64_t
living(const struct roll *r, int part, int64_t t)
{
	uint64_t keys = 0;

	for (int64_t k = 0; k < r->n_keys; k++)
		keys |= (uint64_t)(r->keys[k].from[part] <= t && t < r->keys[k].until[part]) << k;
	return keys;
}

/* The old key goes and the new one comes somewhere around a time. */
static void
roll_lives(struct dice *d, const struct profile *p, struct roll *r)
{
	int64_t mid = dice_in(d, 15, p->time_max - 30), gap = dice_in(d, -2, p->ttl_max + 3);

	r->n_keys = p->n_keys;
	for (int part = 0; part < PARTS; part++) {
		/* First into DNSKEY and out of it last, if all is done well. */
		int64_t early = part == PART_DNSKEY ? dice_in(d, 0, p->ttl_max + 3) : 0;
		int64_t late = part == PART_DNSKEY ? dice_in(d, 0, p->ttl_max + 3) : 0;
		int64_t at = mid + (part == PART_SIGN ? dice_in(d, 0, 12) : 0);

		r->keys[0].from[part] = 0;
		r->keys[0].until[part] = at + max_i64(gap, 1) + late;
		r->keys[1].from[part] = max_i64(at - early, 1);
		r->keys[1].until[part] = INT64_MAX;
		if (part == PART_SIGN && dice_percent(d, 40))
			r->keys[1].from[part] = 0;	/* signs from the start */
	}
	/* A third key, as the one that alone signs the keys; or none. */
	r->keys[2] = (struct life){ { 0, 0, 0 }, { INT64_MAX, INT64_MAX, INT64_MAX } };
	r->n_keys = dice_percent(d, 30) ? 3 : 2;
}

static void
roll_version(struct dice *d, const struct roll *r, char kind, size_t i, int64_t from, int64_t until)
{
	uint64_t set = living(r, kind == 'd' ? PART_DS : PART_DNSKEY, from);
	uint64_t sign = living(r, kind == 'k' ? PART_DNSKEY : PART_SIGN, from);

	if (kind == 'd') {
		printf("ds d%zu", i);
		keys_print(set);
		fputs(set == 0 ? " none\n" : "\n", stdout);
		return;
	}
	printf(kind == 'k' ? "dnskey k%zu keys" : "data s%zu C1 sigs", i);
	if (kind == 'k') {
		keys_print(set);
		fputs(" sigs", stdout);
	}
	for (int64_t k = 0; sign >> k != 0; k++) {
		if (sign >> k & 1)
			sig_print(k, max_i64(from - 3, 0), until == INT64_MAX || dice_percent(d, 50) ?
			    INT64_MAX : until + dice_in(d, 0, 12));
	}
	fputs("\n", stdout);
}

static void
roll_make(struct dice *d, const struct profile *p)
{
	static const struct {
		char	 kind;
		int	 part;
	} kinds[] = {
		{ 'd', PART_DS }, { 'k', PART_DNSKEY },
		{ 's', PART_SIGN },
	};
	struct roll r = { 0 };

	roll_lives(d, p, &r);
	head_print(d, p, r.n_keys);
	for (size_t j = 0; j < ARRAY_LEN(kinds); j++) {
		int64_t ttl = dice_in(d, 0, p->ttl_max), late = dice_percent(d, 50) ? 0 : dice_in(d, 0, 2);

		r.n_changes = 0;
		for (int64_t k = 0; k < r.n_keys; k++) {
			change_add(&r, r.keys[k].from[kinds[j].part]);
			change_add(&r, r.keys[k].until[kinds[j].part]);
		}
		for (size_t i = 0; i < r.n_changes; i++) {
			int64_t from = r.changes[i];
			int64_t until = i + 1 < r.n_changes ? r.changes[i + 1] + late : INT64_MAX;

			roll_version(d, &r, kinds[j].kind, i, from, until);
			serve_print(kinds[j].kind, (int64_t)i, from, until, ttl);
		}
	}
	puts("secure 0 never");
}

static const struct profile profiles[] = {
	{ "wild", wild_make, 60, 6, 2, KEYS_MAX, 5, 2 },
	{ "roll", roll_make, 60, 6, 2, 2, 5, 1 },
	{ "tiny", wild_make, 14, 3, 2, 3, 2, 2 },
	{ "long", wild_make, 4000, 500, 20, KEYS_MAX, 5, 2 },
};

int
main(int argc, char **argv)
{
	uint64_t seed, n;

	if (argc != 4 || num_u64(sv_str(argv[2]), 0, UINT64_MAX, &seed) < 0 ||
	    num_u64(sv_str(argv[3]), 1, UINT32_MAX, &n) < 0)
		return 2;
	for (size_t i = 0; i < ARRAY_LEN(profiles); i++) {
		struct dice d = { seed };

		if (!sv_eq_str(sv_str(argv[1]), profiles[i].name))
			continue;
		for (uint64_t j = 0; j < n; j++) {
			if (j > 0)
				puts("--");
			profiles[i].make(&d, &profiles[i]);
		}
		return fflush(stdout) == 0 ? 0 : 3;
	}
	return 2;
}
