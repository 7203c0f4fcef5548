/*
 * The rollovers of the textbooks (RFC 6781, RFC 7583), each as it is right and
 * one second too early, with numbers by hand. DS TTL 86400, DNSKEY 3600, data
 * 300 unless a case says otherwise.
 */
#include "../tap.h"
#include "timeline_world.h"

struct play {
	const char	*name, *common, *rest, *want;
};

static void
plays(const struct play *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct buf text = BUF_INIT, said = BUF_INIT;
		struct timeline *h;

		buf_printf(&text, "%s%s", p[i].common, p[i].rest);
		buf_char(&text, '\0');
		h = read_history(text.p);
		verdict_lines(h, &said);
		buf_char(&said, '\0');
		if (strcmp(said.p, p[i].want) != 0)
			fail_msg("%s: wanted\n%sbut it is\n%s", p[i].name, p[i].want, said.p);
		buf_done(&said);
		buf_done(&text);
		(void)timeline_free(h);
	}
}

#define PLAYS(rows)	plays((rows), ARRAY_LEN(rows))

#define ZSK_KEYS							\
	"key k 13\nkey z1 13\nkey z2 13\nds d k\nserve d 0 never 86400\n"	\
	"dnskey one keys k z1 sigs k:0:never\n"				\
	"dnskey both keys k z1 z2 sigs k:0:never\n"			\
	"dnskey two keys k z2 sigs k:0:never\n"				\
	"data s1 A sigs z1:0:never\ndata s12 A sigs z1:0:never z2:0:never\ndata s2 A sigs z2:0:never\n"

/*
 * z2 is published at 10000; the last cache without it is empty at 13600: then
 * z2 may sign. The last signature of z1 leaves at 13600 + 300: then z1 may go.
 */
static void
test_zsk_prepublish(void **state)
{
	static const struct play p[] = {
		{ "right", ZSK_KEYS,
		  "serve one 0 10000 3600\nserve both 10000 13900 3600\nserve two 13900 never 3600\n"
		  "serve s1 0 13600 300\nserve s2 13600 never 300\n", "" },
		{ "signs too early", ZSK_KEYS,
		  "serve one 0 10000 3600\nserve both 10000 13900 3600\nserve two 13900 never 3600\n"
		  "serve s1 0 13599 300\nserve s2 13599 never 300\n",
		  "BOGUS_DATA 13599 13600 d one s2\n" },
		{ "goes too early", ZSK_KEYS,
		  "serve one 0 10000 3600\nserve both 10000 13899 3600\nserve two 13899 never 3600\n"
		  "serve s1 0 13600 300\nserve s2 13600 never 300\n",
		  "BOGUS_DATA 13899 13900 d two s1\n" },
	};

	(void)state;
	PLAYS(p);
}

/* Key and signatures come together at 10000 and may both go after the longer TTL. */
static void
test_zsk_double_signature(void **state)
{
	static const struct play p[] = {
		{ "right", ZSK_KEYS,
		  "serve one 0 10000 3600\nserve both 10000 13600 3600\nserve two 13600 never 3600\n"
		  "serve s1 0 10000 300\nserve s12 10000 13600 300\nserve s2 13600 never 300\n", "" },
		{ "too early", ZSK_KEYS,
		  "serve one 0 10000 3600\nserve both 10000 13599 3600\nserve two 13599 never 3600\n"
		  "serve s1 0 10000 300\nserve s12 10000 13599 300\nserve s2 13599 never 300\n",
		  "BOGUS_DATA 13599 13600 d one s2\n" },
		{ "data live longer than keys", ZSK_KEYS,
		  "serve one 0 10000 3600\nserve both 10000 13600 3600\nserve two 13600 never 3600\n"
		  "serve s1 0 10000 7200\nserve s12 10000 13600 7200\nserve s2 13600 never 7200\n",
		  "BOGUS_DATA 13600 17200 d two s1\n" },
	};

	(void)state;
	PLAYS(p);
}

#define KSK_KEYS							\
	"key k1 13\nkey k2 13\nkey z 13\nds d1 k1\nds d12 k1 k2\nds d2 k2\n"	\
	"dnskey one keys k1 z sigs k1:0:never\n"			\
	"dnskey both keys k1 k2 z sigs k1:0:never k2:0:never\n"		\
	"dnskey two keys k2 z sigs k2:0:never\n"			\
	"data s A sigs z:0:never\nserve s 0 never 300\n"

/* The set of both keys at 10000, the DS at 13600, the old key out at 13600 + 86400. */
static void
test_ksk_double_ksk(void **state)
{
	static const struct play p[] = {
		{ "right", KSK_KEYS,
		  "serve one 0 10000 3600\nserve both 10000 100000 3600\nserve two 100000 never 3600\n"
		  "serve d1 0 13600 86400\nserve d2 13600 never 86400\n", "" },
		{ "DS too early", KSK_KEYS,
		  "serve one 0 10000 3600\nserve both 10000 100000 3600\nserve two 100000 never 3600\n"
		  "serve d1 0 13599 86400\nserve d2 13599 never 86400\n",
		  "BOGUS_KEYS 13599 13600 d2 one -\n" },
		{ "old key out too early", KSK_KEYS,
		  "serve one 0 10000 3600\nserve both 10000 99999 3600\nserve two 99999 never 3600\n"
		  "serve d1 0 13600 86400\nserve d2 13600 never 86400\n",
		  "BOGUS_KEYS 99999 100000 d1 two -\n" },
	};

	(void)state;
	PLAYS(p);
}

/* Both DS at 10000, the key at 10000 + 86400, the old DS out at 96400 + 3600. */
static void
test_ksk_double_ds(void **state)
{
	static const struct play p[] = {
		{ "right", KSK_KEYS,
		  "serve d1 0 10000 86400\nserve d12 10000 100000 86400\nserve d2 100000 never 86400\n"
		  "serve one 0 96400 3600\nserve two 96400 never 3600\n", "" },
		{ "key too early", KSK_KEYS,
		  "serve d1 0 10000 86400\nserve d12 10000 100000 86400\nserve d2 100000 never 86400\n"
		  "serve one 0 96399 3600\nserve two 96399 never 3600\n",
		  "BOGUS_KEYS 96399 96400 d1 two -\n" },
		{ "DS out too early", KSK_KEYS,
		  "serve d1 0 10000 86400\nserve d12 10000 99999 86400\nserve d2 99999 never 86400\n"
		  "serve one 0 96400 3600\nserve two 96400 never 3600\n",
		  "BOGUS_KEYS 99999 100000 d2 one -\n" },
	};

	(void)state;
	PLAYS(p);
}

/*
 * As .nz on 2023-05-29: the DS of a second-level zone lived for a day, the old
 * KSK was removed hours after the DS had changed. Here 6 hours: 18 are bogus.
 */
static void
test_ksk_removed_before_cached_ds(void **state)
{
	static const struct play p[] = {
		{ "18 hours", KSK_KEYS,
		  "serve one 0 10000 3600\nserve both 10000 121600 3600\nserve two 121600 never 3600\n"
		  "serve d1 0 100000 86400\nserve d2 100000 never 86400\n",
		  "BOGUS_KEYS 121600 186400 d1 two -\n" },
	};

	(void)state;
	PLAYS(p);
}

/* Everything at once: the new set is bogus for who holds the old DS, and the other way round. */
static void
test_emergency(void **state)
{
	static const struct play p[] = {
		{ "at once", KSK_KEYS,
		  "serve one 0 50000 3600\nserve two 50000 never 3600\n"
		  "serve d1 0 50000 86400\nserve d2 50000 never 86400\n",
		  "BOGUS_KEYS 50000 136400 d1 two -\n" },
		{ "the old DS shortened before", KSK_KEYS,
		  "serve one 0 50000 3600\nserve two 50000 never 3600\n"
		  "serve d1 0 40000 60\nserve d12 40000 50000 60\nserve d2 53600 never 86400\n"
		  "serve d12 50000 53600 60\n", "" },
	};

	(void)state;
	PLAYS(p);
}

#define CSK_KEYS							\
	"key c1 13\nkey c2 13\nds d1 c1\nds d2 c2\n"			\
	"dnskey one keys c1 sigs c1:0:never\n"				\
	"dnskey both keys c1 c2 sigs c1:0:never c2:0:never\n"		\
	"dnskey two keys c2 sigs c2:0:never\n"				\
	"data s1 A sigs c1:0:never\ndata s2 A sigs c2:0:never\n"

/* The new key signs data from 13600 on, as the DS points to it. */
static void
test_csk(void **state)
{
	static const struct play p[] = {
		{ "right", CSK_KEYS,
		  "serve one 0 10000 3600\nserve both 10000 100000 3600\nserve two 100000 never 3600\n"
		  "serve s1 0 13600 300\nserve s2 13600 never 300\n"
		  "serve d1 0 13600 86400\nserve d2 13600 never 86400\n", "" },
		{ "both too early", CSK_KEYS,
		  "serve one 0 10000 3600\nserve both 10000 100000 3600\nserve two 100000 never 3600\n"
		  "serve s1 0 13599 300\nserve s2 13599 never 300\n"
		  "serve d1 0 13599 86400\nserve d2 13599 never 86400\n",
		  "BOGUS_KEYS 13599 13600 d2 one -\nBOGUS_DATA 13599 13600 d1 one s2\n" },
	};

	(void)state;
	PLAYS(p);
}

#define ALG_KEYS							\
	"key k8 8\nkey z8 8\nkey k13 13\nkey z13 13\nds d8 k8\nds d13 k13\nds dd k8 k13\n"	\
	"dnskey n8 keys k8 z8 sigs k8:0:never\n"			\
	"dnskey nn keys k8 z8 k13 z13 sigs k8:0:never k13:0:never\n"	\
	"dnskey n13 keys k13 z13 sigs k13:0:never\n"			\
	"data s8 A sigs z8:0:never\ndata ss A sigs z8:0:never z13:0:never\ndata s13 A sigs z13:0:never\n"

/*
 * Data live for a day here. Conservative: signatures first (10000), the keys a
 * day later (96400), the DS 3600 later (100000), and back in that order. The
 * liberal way publishes keys and signatures at once, and has to wait as long.
 */
static void
test_algorithm(void **state)
{
	static const struct play p[] = {
		{ "conservative", ALG_KEYS,
		  "serve s8 0 10000 86400\nserve n8 0 96400 3600\nserve d8 0 100000 86400\n"
		  "serve ss 10000 190000 86400\nserve nn 96400 186400 3600\nserve d13 100000 never 86400\n"
		  "serve n13 186400 never 3600\nserve s13 190000 never 86400\n", "" },
		{ "liberal", ALG_KEYS,
		  "serve s8 0 10000 86400\nserve n8 0 10000 3600\nserve d8 0 96400 86400\n"
		  "serve ss 10000 186400 86400\nserve nn 10000 182800 3600\nserve d13 96400 never 86400\n"
		  "serve n13 182800 never 3600\nserve s13 186400 never 86400\n", "" },
		{ "the DS waits for the keys only", ALG_KEYS,
		  "serve s8 0 10000 86400\nserve n8 0 10000 3600\nserve d8 0 13600 86400\n"
		  "serve ss 10000 never 86400\nserve nn 10000 never 3600\nserve d13 13600 never 86400\n",
		  "BOGUS_DATA 13600 96400 d13 nn s8\n" },
		{ "old signatures out while its DS is cached", ALG_KEYS,
		  "serve s8 0 10000 86400\nserve nn 0 never 3600\nserve d8 0 96400 86400\n"
		  "serve ss 10000 182799 86400\nserve d13 96400 never 86400\nserve s13 182799 never 86400\n",
		  "BOGUS_DATA 182799 182800 d8 nn s13\n" },
		{ "two DS, one of them signed: strict", ALG_KEYS,
		  "serve s13 0 never 300\nserve nn 0 never 3600\nserve dd 0 never 86400\n",
		  "BOGUS_DATA 0 never dd nn s13\n" },
		{ "and lax", ALG_KEYS,
		  "strict no\nserve s13 0 never 300\nserve nn 0 never 3600\nserve dd 0 never 86400\n", "" },
		{ "lax needs a key of the DS all the same", ALG_KEYS,
		  "strict no\nserve s13 0 never 300\nserve n13 0 never 3600\nserve d8 0 never 86400\n",
		  "BOGUS_KEYS 0 never d8 n13 -\n" },
	};

	(void)state;
	PLAYS(p);
}

#define SIGNED_KEYS							\
	"key c 13\nds d c\nds none-ds none\ndnskey k keys c sigs c:0:never\ndnskey no-k keys sigs\n"	\
	"data s A sigs c:0:never\ndata u A unsigned\n"

/* DS away at 10000, data unsigned when it has left all caches at 96400. */
static void
test_going_insecure(void **state)
{
	static const struct play p[] = {
		{ "right", SIGNED_KEYS,
		  "serve d 0 10000 86400\nserve none-ds 10000 never 900\nsecure 0 10000\n"
		  "serve k 0 96400 3600\nserve no-k 96400 never 900\nserve s 0 96400 300\nserve u 96400 never 300\n",
		  "" },
		{ "too early", SIGNED_KEYS,
		  "serve d 0 10000 86400\nserve none-ds 10000 never 900\nsecure 0 10000\n"
		  "serve k 0 96400 3600\nserve no-k 96400 never 900\nserve s 0 96399 300\nserve u 96399 never 300\n",
		  "BOGUS_DATA 96399 96400 d k u\n" },
		{ "keys too early", SIGNED_KEYS,
		  "serve d 0 10000 86400\nserve none-ds 10000 never 900\nsecure 0 10000\n"
		  "serve k 0 96399 3600\nserve no-k 96399 never 900\nserve s 0 96400 300\nserve u 96400 never 300\n",
		  "BOGUS_KEYS 96399 96400 d no-k -\n" },
		{ "by mistake", SIGNED_KEYS,
		  "serve d 0 10000 86400\nserve none-ds 10000 20000 900\nserve d 20000 never 86400\n"
		  "secure 0 never\nserve k 0 never 3600\nserve s 0 never 300\n",
		  "INSECURE 10000 20900 none-ds - -\n" },
	};

	(void)state;
	PLAYS(p);
}

/* Signed at 10000, unsigned data (7200) gone at 17200: then the DS. */
static void
test_going_secure(void **state)
{
	static const struct play p[] = {
		{ "right", SIGNED_KEYS,
		  "serve u 0 10000 7200\nserve no-k 0 10000 900\nserve s 10000 never 7200\nserve k 10000 never 3600\n"
		  "serve none-ds 0 17200 900\nserve d 17200 never 86400\nsecure 18100 never\n", "" },
		{ "DS too early", SIGNED_KEYS,
		  "serve u 0 10000 7200\nserve no-k 0 10000 900\nserve s 10000 never 7200\nserve k 10000 never 3600\n"
		  "serve none-ds 0 17199 900\nserve d 17199 never 86400\nsecure 18100 never\n",
		  "BOGUS_DATA 17199 17200 d k u\n" },
		{ "the absence of DS is cached, too", SIGNED_KEYS,
		  "serve u 0 10000 7200\nserve no-k 0 10000 900\nserve s 10000 never 7200\nserve k 10000 never 3600\n"
		  "serve none-ds 0 17200 900\nserve d 17200 never 86400\nsecure 18099 never\n",
		  "INSECURE 18099 18100 none-ds - -\n" },
	};

	(void)state;
	PLAYS(p);
}

#define TWO_OPERATORS							\
	"key ka 13\nkey za 13\nkey kb 13\nkey zb 13\nds a ka\nds ab ka kb\nds b kb\n"	\
	"data sa A sigs za:0:never\ndata sb A sigs zb:0:never\n"		\
	"dnskey a1 keys ka za sigs ka:0:never\ndnskey a2 keys ka za zb sigs ka:0:never\n"	\
	"dnskey b1 keys kb zb sigs kb:0:never\ndnskey b2 keys kb zb za sigs kb:0:never\n"

/*
 * RFC 8901 model 2: each set holds both ZSKs from 10000, the DS both KSKs from
 * 10000, so that b may answer from 96400 on; a ends at 100000, its keys stay
 * for 3600 after that.
 */
static void
test_provider_change(void **state)
{
	static const struct play p[] = {
		{ "multi-signer", TWO_OPERATORS,
		  "serve a1 0 10000 3600\nserve a2 10000 100000 3600\nserve sa 0 100000 300\n"
		  "serve b2 96400 103600 3600\nserve b1 103600 never 3600\nserve sb 96400 never 300\n"
		  "serve a 0 10000 86400\nserve ab 10000 103600 86400\nserve b 103600 never 86400\n", "" },
		{ "the DS not long enough before", TWO_OPERATORS,
		  "serve a1 0 10000 3600\nserve a2 10000 100000 3600\nserve sa 0 100000 300\n"
		  "serve b2 96399 103600 3600\nserve b1 103600 never 3600\nserve sb 96400 never 300\n"
		  "serve a 0 10000 86400\nserve ab 10000 103600 86400\nserve b 103600 never 86400\n",
		  "BOGUS_KEYS 96399 96400 a b2 -\n" },
		/* Keys of b with data of a while both answer, and until a's data have left the caches. */
		{ "keys not exchanged", TWO_OPERATORS,
		  "serve a1 0 100000 3600\nserve sa 0 100000 300\n"
		  "serve b1 96400 never 3600\nserve sb 96400 never 300\n"
		  "serve a 0 10000 86400\nserve ab 10000 103600 86400\nserve b 103600 never 86400\n",
		  "BOGUS_DATA 96400 103600 ab a1 sb\n" },
	};

	(void)state;
	PLAYS(p);
}

/* INC + S <= t and t + S <= EXP, to the second. */
static void
test_skew_and_expiry(void **state)
{
	static const char common[] = "key c 13\nds d c\nserve d 0 never 86400\n"
	    "dnskey k keys c sigs c:0:never\nserve k 10000 never 3600\n";
	static const struct play p[] = {
		{ "inception an hour before", common,
		  "skew 3600\ndata s A sigs c:6400:never\nserve s 10000 never 300\n", "" },
		{ "clocks are worse", common,
		  "skew 3601\ndata s A sigs c:6400:never\nserve s 10000 never 300\n",
		  "BOGUS_DATA 10000 10001 d k s\n" },
		/* Served until 19000, in caches until 22600; 20000 is the last good second. */
		{ "it ends while it is cached", common,
		  "data s A sigs c:0:20000\nserve s 10000 19000 3600\n", "BOGUS_DATA 20001 22600 d k s\n" },
		{ "and with skew", common,
		  "skew 300\ndata s A sigs c:0:20000\nserve s 10000 19000 3600\n", "BOGUS_DATA 19701 22600 d k s\n" },
		{ "renewed just in time", common,
		  "data s A sigs c:0:20000\ndata t A sigs c:0:never\nserve s 10000 16401 3600\nserve t 16401 never 3600\n",
		  "" },
		{ "the skew eats a short signature", common,
		  "skew 300\ndata s A sigs c:20000:20500\nserve s 20300 20301 0\n", "BOGUS_DATA 20300 20301 d k s\n" },
	};

	(void)state;
	PLAYS(p);
}

/* What nothing is known of is not bad. */
static void
test_unknown(void **state)
{
	static const struct play p[] = {
		{ "no DS", SIGNED_KEYS, "serve k 0 never 3600\nserve u 0 never 300\nsecure 0 never\n", "" },
		{ "no DNSKEY", SIGNED_KEYS, "serve d 0 never 3600\nserve u 0 never 300\nsecure 0 never\n", "" },
		{ "no data", SIGNED_KEYS, "serve d 0 never 3600\nserve k 0 never 300\nsecure 0 never\n", "" },
		{ "nothing", "", "", "" },
		/* Not at the same time: the DS has left the caches at 1100 and is back at 1200. */
		{ "a gap", SIGNED_KEYS,
		  "serve d 0 1000 100\nserve d 1200 1300 100\nserve no-k 1100 1200 0\n", "" },
		{ "and in it", SIGNED_KEYS,
		  "serve d 0 1000 100\nserve d 1200 1300 100\nserve no-k 1099 1201 0\n",
		  "BOGUS_KEYS 1099 1100 d no-k -\nBOGUS_KEYS 1200 1201 d no-k -\n" },
	};

	(void)state;
	PLAYS(p);
}

/* Intervals that touch are one; a signature by a key that is not in the set is none. */
static void
test_edges(void **state)
{
	static const struct play p[] = {
		{ "two data, one after the other", SIGNED_KEYS,
		  "data v A unsigned\nserve d 0 99 0\nserve k 0 99 0\nserve u 5 10 0\nserve v 10 15 0\n",
		  "BOGUS_DATA 5 15 d k u\n" },
		{ "one of them twice", SIGNED_KEYS,
		  "serve d 0 99 0\nserve k 0 99 0\nserve u 5 10 0\nserve u 10 15 0\n", "BOGUS_DATA 5 15 d k u\n" },
		{ "signed from outside", "key a 13\nkey b 13\nds d a\n",
		  "dnskey k keys b sigs a:0:never\nserve d 0 9 0\nserve k 0 5 0\n", "BOGUS_KEYS 0 5 d k -\n" },
		{ "data from outside", "key a 13\nkey b 13\nds d a\n",
		  "dnskey k keys a sigs a:0:never\ndata s A sigs b:0:never\n"
		  "serve d 0 9 0\nserve k 0 5 0\nserve s 2 3 0\n", "BOGUS_DATA 2 3 d k s\n" },
	};
	struct timeline *h = read_history(SIGNED_KEYS "serve d 0 99 0\nserve k 0 99 0\nserve u 5 9 1\nserve u 10 15 0\n");
	struct timeline_verdict v;

	(void)state;
	PLAYS(p);
	assert_int_equal(timeline_check(h, TIMELINE_EVER, &v), 0);
	assert_int_equal(v.n_bads, 1);
	timeline_verdict_done(&v);
	(void)timeline_free(h);
}

/* Thousands of classes are as few as their signatures are different. */
static void
test_condensed(void **state)
{
	struct buf text = BUF_INIT;
	struct timeline_verdict v;
	struct timeline *h;

	(void)state;
	buf_str(&text, SIGNED_KEYS "serve d 0 never 86400\nserve k 0 never 3600\n");
	for (unsigned i = 0; i < 5000; i++)
		buf_printf(&text, "data x%u C%u %s\nserve x%u 10 20 5\n", i, i, i % 2 == 0 ? "unsigned" :
		    "sigs c:0:never", i);
	buf_char(&text, '\0');
	h = read_history(text.p);
	assert_int_equal(timeline_check(h, TIMELINE_EVER, &v), 0);
	assert_int_equal(v.n_bads, 1);
	assert_int_equal(v.n_states, 1);
	assert_int_equal(v.bads[0].at.from, 10);
	assert_int_equal(v.bads[0].at.until, 25);
	for (unsigned i = 0; i < timeline_n_versions(h); i++) {
		const struct timeline_version *t = timeline_version(h, i);

		assert_int_equal(v.same_as[i] == (unsigned)v.bads[0].data,
		    t->kind == TIMELINE_DATA && t->n_sigs == 0 && t->n_serves > 0);
	}
	timeline_verdict_done(&v);
	(void)timeline_free(h);
	buf_done(&text);
}

/* Only what is in the window counts, cut at its ends. */
static void
test_window(void **state)
{
	struct timeline *h = read_history(SIGNED_KEYS
	    "serve d 0 never 60\nserve k 0 never 60\nserve u 100 200 50\n");
	struct timeline_verdict v;

	(void)state;
	assert_int_equal(timeline_check(h, (struct timeline_span){ 120, 130 }, &v), 0);
	assert_int_equal(v.n_bads, 1);
	assert_int_equal(v.bads[0].at.from, 120);
	assert_int_equal(v.bads[0].at.until, 130);
	timeline_verdict_done(&v);
	assert_int_equal(timeline_check(h, (struct timeline_span){ 250, TIME_NEVER }, &v), 0);
	assert_int_equal(v.n_bads, 0);
	timeline_verdict_done(&v);
	(void)timeline_free(h);
}

TESTS_MAIN("timeline", T(test_zsk_prepublish), T(test_zsk_double_signature), T(test_ksk_double_ksk),
    T(test_ksk_double_ds), T(test_ksk_removed_before_cached_ds), T(test_emergency), T(test_csk),
    T(test_algorithm), T(test_going_insecure), T(test_going_secure), T(test_provider_change),
    T(test_skew_and_expiry), T(test_unknown), T(test_edges), T(test_condensed), T(test_window))
