/* A version that did not pass is signed on: what is good of it stays, what is not is made anew. */
#include "audit_kit.h"

struct row {
	enum kit_denial	 denial;
	const char	*script;
};

static const struct row rows[] = {
	{ KIT_NSEC, "flip mail A" },
	{ KIT_NSEC, "flip @ SOA" },
	{ KIT_NSEC, "flip @ DNSKEY" },
	{ KIT_NSEC, "flip *.wild TXT;flip two NSEC;flip sec DS" },
	{ KIT_NSEC, "set mail A 192.0.2.99" },
	{ KIT_NSEC, "sign mail A key=x" },
	{ KIT_NSEC, "cut mail A" },
	{ KIT_NSEC, "unsign mail A" },
	{ KIT_NSEC, "sign mail A exp=-10" },
	{ KIT_NSEC, "node mail" },
	{ KIT_NSEC, "add new A 192.0.2.1" },
	{ KIT_NSEC, "set mail NSEC zz.example. A RRSIG NSEC" },
	{ KIT_NSEC3, "flip #mail NSEC3" },
	{ KIT_NSEC3, "skip #mail" },
	{ KIT_NSEC3, "plant #nothere" },
	{ KIT_NSEC3, "n3 #mail types=A,MX,RRSIG" },
	{ KIT_OPTOUT, "flip #@ NSEC3;flip two A" },
};

static struct zone *
signed_on(struct audit_kit *k, struct zone *spoilt, bool suspect, struct sign_stats *stats)
{
	_cleanup_(pool_freep) struct pool *pool = pool_new(1 << 20);
	_cleanup_(zone_unrefp) struct zone *u = kit_zone(&k->apex, sv_str(kit_text));
	struct sign_input in = { .now_unsigned = u, .last_signed = spoilt, .suspect = suspect,
	    .keys = { .keys = k->keys, .n = 2, .cds_digests = 1 << 2, .cdnskey = true },
	    .policy = &k->policy, .now = KIT_NOW, .sign = kit_sign };
	_cleanup_(sign_state_freep) struct sign_state *state = NULL;
	struct zone *ret = NULL;
	struct findings fs;

	findings_init(&fs, pool);
	assert_int_equal(sign_zone(&in, &fs, &ret, &state, stats), 0);
	assert_non_null(ret);
	return ret;
}

static enum audit_state
judged(const struct audit_kit *k, struct zone *z)
{
	struct audit_result *r = NULL;
	enum audit_state state;

	assert_int_equal(audit_zone(z, &k->opts, &r), 0);
	state = r->state;
	(void)audit_result_free(r);
	return state;
}

static void
heals(void **st UNUSED)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct audit_kit *k = kit_new(rows[i].denial);
		struct zone *spoilt = kit_script(k, kit_good(k), rows[i].script), *z;
		struct sign_stats stats;

		if (judged(k, spoilt) != AUDIT_BAD)
			fail_msg("row %zu is not spoilt", i);
		z = signed_on(k, spoilt, true, &stats);
		if (judged(k, z) != AUDIT_GOOD)
			fail_msg("row %zu does not heal", i);
		assert_true(stats.changed);
		/* What was good is there still: of some forty signatures most. */
		assert_true(stats.n_kept > stats.n_sigs);
		(void)zone_unref(z);
		(void)zone_unref(spoilt);
		kit_free(k);
	}
}

/* Whoever says nothing gets back what he gave: so the word is needed. */
static void
trusts(void **st UNUSED)
{
	struct audit_kit *k = kit_new(KIT_NSEC);
	struct zone *good = kit_good(k), *spoilt = kit_script(k, good, "flip mail A"), *z;
	struct sign_stats stats;

	z = signed_on(k, good, true, &stats);
	assert_int_equal(stats.n_sigs, 0);
	assert_false(stats.changed);
	(void)zone_unref(z);
	z = signed_on(k, spoilt, false, &stats);
	assert_int_equal(judged(k, z), AUDIT_BAD);
	(void)zone_unref(z);
	(void)zone_unref(spoilt);
	kit_free(k);
}

TESTS_MAIN("sign_suspect", T(heals), T(trusts))
