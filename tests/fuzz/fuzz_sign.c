/*
 * Two zones as text, with a line ";;" between them; the first octet says which
 * denial. The second is signed as the next version of the first, and alone:
 * both have the same records. Signed once more, nothing changes.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "dnssec/dnssec.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

#define NOW	1790000000

static int
text_read(void *arg, char *dst, size_t cap, size_t *ret_n)
{
	struct sv *rest = arg;

	*ret_n = min_size(cap, rest->n);
	if (*ret_n > 0)
		memcpy(dst, rest->p, *ret_n);
	*rest = sv_skip(*rest, *ret_n);
	return 0;
}

static struct zone *
zone_read(struct sv text, struct findings *fs)
{
	static const struct dname apex = { .len = 9, .w = "\7example" };
	struct zonefile_opts o = { .origin = apex, .name = SV("fuzz"), .has_ttl = true, .ttl = 60 };
	_cleanup_(zonefile_freep) struct zonefile *f = zonefile_new(&o, text_read, &text, fs);
	_cleanup_(zone_builder_freep) struct zone_builder *b = zone_builder_new(&apex, fs);
	struct zone *z = NULL;
	struct dns_rr rr;

	if (f == NULL || b == NULL)
		abort();
	while (zonefile_next(f, &rr) == 1)
		if (zone_builder_add(b, &rr) < 0)
			abort();
	if (zone_builder_done(b, &z) < 0)
		abort();
	return z;
}

static int
noise_sign(void *arg, const struct sign_key *k, struct crypto_make *m, size_t n)
{
	(void)arg;
	for (size_t i = 0; i < n; i++)
		memset(m[i].sig, 'x', dnskey_sig_len(k->rdata));
	return 0;
}

static struct zone *
run(struct sign_input *in, struct findings *fs, struct sign_state **ret_state)
{
	struct sign_stats stats;
	struct zone *z;

	if (sign_zone(in, fs, &z, ret_state, &stats) < 0)
		abort();
	return z;
}

static void
same_node(const struct znode *a, const struct znode *b)
{
	struct zrrset x, y;
	size_t i = 0, j = 0;

	if (!sv_eq(znode_key(a), znode_key(b)) || znode_n_rrsets(a) != znode_n_rrsets(b))
		abort();
	while (znode_next(a, &i, &x) && znode_next(b, &j, &y))
		if (x.type != y.type || x.ttl != y.ttl || x.n_sigs != y.n_sigs ||
		    (x.type != RR_SOA && !sv_eq(x.rrs, y.rrs)))
			abort();
}

static void
same_zone(const struct zone *a, const struct zone *b)
{
	for (unsigned part = 0; part < ZONE_PART_MAX; part++) {
		struct zone_it i = zone_begin(a, part), j = zone_begin(b, part);
		const struct znode *x, *y;

		if (zone_n_nodes(a, part) != zone_n_nodes(b, part))
			abort();
		while ((x = zone_next(&i)) != NULL && (y = zone_next(&j)) != NULL)
			same_node(x, y);
	}
}

static void
two_versions(struct sign_input in, struct zone *first, struct zone *second, struct findings *fs)
{
	_cleanup_(sign_state_freep) struct sign_state *state = NULL, *later = NULL, *fresh = NULL, *again = NULL;
	_cleanup_(zone_unrefp) struct zone *s1 = NULL, *s2 = NULL, *alone = NULL, *s3 = NULL;

	in.now_unsigned = second;
	alone = run(&in, fs, &fresh);
	in.now_unsigned = first;
	s1 = run(&in, fs, &state);
	if (alone == NULL || s1 == NULL)
		return;			/* refused: no SOA */
	in.now_unsigned = second;
	in.last_unsigned = first;
	in.last_signed = s1;
	in.last_state = state;
	in.now += 60;
	s2 = run(&in, fs, &later);
	if (s2 == NULL)
		abort();
	same_zone(s2, alone);
	in.last_unsigned = NULL;
	in.last_signed = s2;
	in.last_state = NULL;
	s3 = run(&in, fs, &again);
	if (s3 != s2)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	_cleanup_(pool_freep) struct pool *pool = pool_new(4 << 20);
	_cleanup_(zone_unrefp) struct zone *first = NULL, *second = NULL;
	static const uint8_t rdata[4 + 64] = { 1, 1, 3, 13 };
	struct sv text = { (const char *)p, n }, half;
	struct sign_policy policy;
	struct sign_key key;
	struct sign_input in = { .keys = { .keys = &key, .n = 1 }, .policy = &policy, .now = NOW,
		.sign = noise_sign };
	struct findings fs;
	size_t cut;

	if (n == 0 || n > 20000 || pool == NULL)
		return 0;
	sign_policy_init(&policy);
	policy.serial = SIGN_SERIAL_UNIXTIME;
	policy.denial = (p[0] & 3) == 0 ? SIGN_NSEC : SIGN_NSEC3;
	policy.opt_out = (p[0] & 2) != 0;
	text = sv_skip(text, 1);
	for (cut = 0; cut + 3 < text.n && memcmp(text.p + cut, "\n;;\n", 4) != 0; cut++)
		;
	half = sv_take(text, cut);
	findings_init(&fs, pool);
	if (sign_key_init(&key, (struct sv){ (const char *)rdata, sizeof(rdata) },
	    SIGN_USE_PUBLISH | SIGN_USE_DNSKEY | SIGN_USE_ZONE, NULL) < 0)
		abort();
	first = zone_read(half, &fs);
	second = zone_read(sv_skip(text, cut), &fs);
	findings_init(&fs, pool);		/* faults of the text are not the signer's */
	two_versions(in, first, second, &fs);
	return 0;
}
