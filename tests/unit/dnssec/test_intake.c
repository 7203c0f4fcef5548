/* DS and DNSKEY records that are handed in: keys made here, the set signed here, each fault alone. */
#include "../tap.h"
#include "base/err.h"
#include "base/rd.h"
#include "crypto/dnskey.h"
#include "dnssec/dnssec.h"
#include "dnssec/intake.h"

#define NOW	INT64_C(1795000000)
#define DAY	86400
#define N_KEYS	2		/* KSK, ZSK */

struct world {
	struct pool		*pool;
	struct findings		 fs;
	uint8_t			 room[N_KEYS][DNSKEY_RDATA_MAX], sig_room[1024], ds_room[4][DS_RDATA_MAX];
	struct sv		 key[N_KEYS], sig, ds[4];
	struct crypto_priv	*priv[N_KEYS];
	struct intake_record	 entered[4];
	struct intake_input	 in;
};

static void
sign(struct world *w, unsigned by, int64_t begins, int64_t ends)
{
	/* The data after the RRSIG's head, written here and not by intake. */
	uint8_t set[2048], sig[CRYPTO_DNSSIG_MAX];
	struct wr s = wr_mem(set, sizeof(set)), h = wr_mem(w->sig_room, sizeof(w->sig_room));
	struct crypto_make m = { .sig = sig };
	unsigned first = sv_cmp(w->key[0], w->key[1]) > 0;

	for (unsigned i = 0; i < N_KEYS; i++) {
		struct sv k = w->key[first ^ i];

		wr_bytes(&s, "\7example\2jp", 12);
		wr_be16(&s, 48);
		wr_be16(&s, 1);
		wr_be32(&s, 3600);
		wr_be16(&s, (uint16_t)k.n);
		wr_bytes(&s, k.p, k.n);
	}
	wr_be16(&h, 48);
	wr_u8(&h, (uint8_t)w->key[by].p[3]);
	wr_u8(&h, 2);
	wr_be32(&h, 3600);
	wr_be32(&h, (uint32_t)ends);
	wr_be32(&h, (uint32_t)begins);
	wr_be16(&h, dnskey_tag(w->key[by]));
	wr_bytes(&h, "\7example\2jp", 12);
	m.data[0] = (struct sv){ (const char *)w->sig_room, h.len };
	m.data[1] = (struct sv){ (const char *)set, s.len };
	assert_int_equal(crypto_make_batch(w->priv[by], &m, 1), 0);
	wr_bytes(&h, sig, crypto_priv_sig_len(w->priv[by]));
	w->sig = (struct sv){ (const char *)w->sig_room, h.len };
}

static void
world_init(struct world *w)
{
	*w = (struct world){ .pool = pool_new(1u << 20) };
	findings_init(&w->fs, w->pool);
	assert_int_equal(dname_parse(SV("Example.JP."), NULL, &w->in.zone), 0);
	for (unsigned i = 0; i < N_KEYS; i++) {
		struct dnskey k = { .flags = i == 0 ? 257 : 256, .protocol = 3, .alg = 13 };
		size_t n;

		assert_int_equal(crypto_priv_generate(13, 0, &w->priv[i]), 0);
		k.public_key = crypto_priv_public(w->priv[i]);
		w->key[i] = (struct sv){ (const char *)w->room[i], dnskey_write(&k, w->room[i]) };
		assert_int_equal(ds_write(&w->in.zone, w->key[i], 2, w->ds_room[i], &n), 0);
		w->ds[i] = (struct sv){ (const char *)w->ds_room[i], n };
		w->entered[i] = (struct intake_record){ RR_DS, w->ds[i] };
	}
	w->in.keys = w->key;
	w->in.n_keys = N_KEYS;
	w->in.sigs = &w->sig;
	w->in.n_sigs = 1;
	w->in.entered = w->entered;
	w->in.n_entered = 1;
	w->in.now = NOW;
	sign(w, 0, NOW - 10, NOW + 2 * DAY);
}

/* The DS of a key with this digest type, as record n. */
static void
enter(struct world *w, unsigned n, unsigned key, uint8_t digest)
{
	size_t len;

	assert_int_equal(ds_write(&w->in.zone, w->key[key], digest, w->ds_room[n], &len), 0);
	w->ds[n] = (struct sv){ (const char *)w->ds_room[n], len };
	w->entered[n] = (struct intake_record){ RR_DS, w->ds[n] };
	if (w->in.n_entered <= n)
		w->in.n_entered = n + 1;
}

/* A KSK of another kind. */
static void
keys_new(struct world *w, uint8_t alg, unsigned bits, uint16_t flags)
{
	struct dnskey k = { .flags = flags, .protocol = 3, .alg = alg };

	w->priv[0] = crypto_priv_free(w->priv[0]);
	assert_int_equal(crypto_priv_generate(alg, bits, &w->priv[0]), 0);
	k.public_key = crypto_priv_public(w->priv[0]);
	w->key[0] = (struct sv){ (const char *)w->room[0], dnskey_write(&k, w->room[0]) };
	sign(w, 0, NOW - 10, NOW + 2 * DAY);
	enter(w, 0, 0, 2);
}

/* Flags changed where it lies: its tag is another one then. */
static void
flags_set(struct world *w, unsigned key, uint16_t flags)
{
	w->room[key][0] = (uint8_t)(flags >> 8);
	w->room[key][1] = (uint8_t)flags;
	sign(w, 0, NOW - 10, NOW + 2 * DAY);
}

/* Checks, and holds the codes to those given; then all is thrown away. */
static void
says(struct world *w, const enum intake_code *codes, size_t n)
{
	const struct finding *f = w->fs.head;

	assert_int_equal(intake_check(&w->in, &w->fs), 0);
	f = w->fs.head;
	for (size_t i = 0; i < n; i++, f = f->next) {
		if (f == NULL)
			fail_msg("%s is missing", intake_findings[codes[i]].code);
		else
			assert_string_equal(f->def->code, intake_findings[codes[i]].code);
	}
	if (f != NULL)
		fail_msg("and %s", f->def->code);
	for (unsigned i = 0; i < N_KEYS; i++)
		w->priv[i] = crypto_priv_free(w->priv[i]);
	w->pool = pool_free(w->pool);
}
#define SAYS(w, ...) says((w), (const enum intake_code[]){ __VA_ARGS__ }, \
    sizeof((const enum intake_code[]){ __VA_ARGS__ }) / sizeof(enum intake_code))

static void
test_good(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	SAYS(&w, INTAKE_GOOD);
	world_init(&w);		/* the key in the place of its DS */
	w.entered[0] = (struct intake_record){ RR_DNSKEY, w.key[0] };
	SAYS(&w, INTAKE_GOOD);
	world_init(&w);		/* the limits of its time still count */
	sign(&w, 0, NOW, NOW);
	SAYS(&w, INTAKE_GOOD, INTAKE_ENDING);
	world_init(&w);		/* a day is enough */
	sign(&w, 0, NOW, NOW + DAY);
	SAYS(&w, INTAKE_GOOD);
	world_init(&w);
	sign(&w, 0, NOW, NOW + DAY - 1);
	SAYS(&w, INTAKE_GOOD, INTAKE_ENDING);
}

static void
test_not_signing(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);		/* the ZSK's: it signs no keys */
	w.entered[0] = w.entered[1];
	SAYS(&w, INTAKE_ZSK, INTAKE_BREAKS);
	world_init(&w);		/* … beside the KSK's it harms nobody */
	w.in.n_entered = 2;
	SAYS(&w, INTAKE_GOOD, INTAKE_ZSK);
	world_init(&w);		/* ended a second ago */
	sign(&w, 0, NOW - 10, NOW - 1);
	SAYS(&w, INTAKE_NOT_SIGNING, INTAKE_BREAKS);
	world_init(&w);		/* begins in a second */
	sign(&w, 0, NOW + 1, NOW + 10);
	SAYS(&w, INTAKE_NOT_SIGNING, INTAKE_BREAKS);
	world_init(&w);		/* the right tag, a wrong signature */
	w.sig_room[w.sig.n - 1] ^= 1;
	SAYS(&w, INTAKE_NOT_SIGNING, INTAKE_BREAKS);
	world_init(&w);		/* no signature at all */
	w.in.n_sigs = 0;
	SAYS(&w, INTAKE_NOT_SIGNING, INTAKE_BREAKS);
}

static void
test_no_key(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	w.ds_room[0][10] ^= 1;
	SAYS(&w, INTAKE_OTHER_DIGEST, INTAKE_BREAKS);
	world_init(&w);
	w.ds_room[0][0] ^= 1;	/* the tag alone: it is no key's either */
	SAYS(&w, INTAKE_OTHER_TAG, INTAKE_BREAKS);
	world_init(&w);
	w.ds_room[0][0] ^= 1;
	w.ds_room[0][10] ^= 1;
	SAYS(&w, INTAKE_NO_KEY, INTAKE_BREAKS);
	world_init(&w);		/* of another algorithm: that one holds nothing */
	w.ds_room[1][2] = 8;
	w.in.n_entered = 2;
	SAYS(&w, INTAKE_GOOD, INTAKE_OTHER_TAG, INTAKE_BREAKS);
	world_init(&w);
	w.in.n_keys = w.in.n_sigs = 0;
	SAYS(&w, INTAKE_UNSIGNED, INTAKE_NO_KEY, INTAKE_BREAKS);
}

static void
test_form(void **state)
{
	static const uint8_t delete_ds[] = { 0, 0, 0, 0, 0 }, delete_key[] = { 0, 0, 3, 0, 0 };
	struct world w;

	(void)state;
	world_init(&w);
	w.entered[0].rdata.n -= 1;
	SAYS(&w, INTAKE_DIGEST_LENGTH);
	world_init(&w);		/* the digest of one type under the number of another */
	w.ds_room[0][3] = 4;
	SAYS(&w, INTAKE_DIGEST_LENGTH);
	world_init(&w);
	w.entered[0].rdata.n = 4;
	SAYS(&w, INTAKE_FORM);
	world_init(&w);
	w.entered[0] = (struct intake_record){ RR_SOA, w.ds[0] };
	SAYS(&w, INTAKE_FORM);
	world_init(&w);		/* a key of another protocol */
	w.entered[0] = (struct intake_record){ RR_DNSKEY, w.key[0] };
	w.room[0][2] = 2;
	SAYS(&w, INTAKE_FORM);
	world_init(&w);		/* a key that was cut off */
	w.entered[0] = (struct intake_record){ RR_DNSKEY, sv_take(w.key[0], w.key[0].n - 1) };
	SAYS(&w, INTAKE_KEY_BAD);
	world_init(&w);		/* what a zone says in CDS and CDNSKEY records */
	w.entered[0] = (struct intake_record){ RR_DS, { (const char *)delete_ds, sizeof(delete_ds) } };
	w.entered[1] = (struct intake_record){ RR_DNSKEY, { (const char *)delete_key, sizeof(delete_key) } };
	w.entered[2] = (struct intake_record){ RR_DS, { (const char *)delete_ds, 4 } };
	w.in.n_entered = 3;
	SAYS(&w, INTAKE_DELETE, INTAKE_DELETE, INTAKE_DELETE);
	world_init(&w);		/* said twice; a key and its DS */
	w.entered[1] = w.entered[0];
	w.entered[2] = (struct intake_record){ RR_DNSKEY, w.key[0] };
	w.in.n_entered = 3;
	SAYS(&w, INTAKE_GOOD, INTAKE_TWICE, INTAKE_TWICE);
	world_init(&w);
	w.in.n_entered = INTAKE_RECORDS_MAX + 1;
	assert_int_equal(intake_check(&w.in, &w.fs), SE_LIMIT);
	w.in.n_entered = 1;
	SAYS(&w, INTAKE_GOOD);
}

static void
test_flags(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);		/* a single key without the SEP flag */
	flags_set(&w, 0, DNSKEY_ZONE);
	enter(&w, 0, 0, 2);
	SAYS(&w, INTAKE_GOOD, INTAKE_NO_SEP);
	world_init(&w);		/* no zone's key: its signature does not count */
	flags_set(&w, 0, DNSKEY_SEP);
	enter(&w, 0, 0, 2);
	SAYS(&w, INTAKE_NOT_ZONE, INTAKE_BREAKS);
	world_init(&w);		/* the same, as a key */
	flags_set(&w, 0, DNSKEY_SEP);
	w.entered[0] = (struct intake_record){ RR_DNSKEY, w.key[0] };
	SAYS(&w, INTAKE_NOT_ZONE, INTAKE_BREAKS);
	world_init(&w);		/* revoked: its DS of before, its DS of now, the key itself */
	flags_set(&w, 0, DNSKEY_ZONE | DNSKEY_SEP | DNSKEY_REVOKE);
	SAYS(&w, INTAKE_REVOKED, INTAKE_BREAKS);
	world_init(&w);
	flags_set(&w, 0, DNSKEY_ZONE | DNSKEY_SEP | DNSKEY_REVOKE);
	enter(&w, 0, 0, 2);
	SAYS(&w, INTAKE_REVOKED, INTAKE_BREAKS);
	world_init(&w);
	flags_set(&w, 0, DNSKEY_ZONE | DNSKEY_SEP | DNSKEY_REVOKE);
	w.entered[0] = (struct intake_record){ RR_DNSKEY, w.key[0] };
	SAYS(&w, INTAKE_REVOKED, INTAKE_BREAKS);
}

static void
test_levels(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	enter(&w, 0, 0, 1);
	SAYS(&w, INTAKE_DIGEST, INTAKE_GOOD);
	world_init(&w);
	w.ds_room[0][2] = 7;
	SAYS(&w, INTAKE_ALG, INTAKE_OTHER_TAG, INTAKE_BREAKS);
	world_init(&w);		/* GOST: withdrawn, and the new one */
	w.ds_room[0][3] = 3;
	SAYS(&w, INTAKE_DIGEST, INTAKE_OTHER_DIGEST, INTAKE_BREAKS);
	world_init(&w);
	w.ds_room[0][3] = 5;
	SAYS(&w, INTAKE_DIGEST_RARE, INTAKE_OTHER_DIGEST, INTAKE_BREAKS);
	world_init(&w);
	w.ds_room[0][2] = 23;
	SAYS(&w, INTAKE_ALG_RARE, INTAKE_OTHER_TAG, INTAKE_BREAKS);
	world_init(&w);
	w.ds_room[0][3] = 0;
	SAYS(&w, INTAKE_DIGEST, INTAKE_OTHER_DIGEST, INTAKE_BREAKS);
	world_init(&w);
	keys_new(&w, 10, 2048, 257);
	SAYS(&w, INTAKE_ALG_OLD, INTAKE_GOOD);
	world_init(&w);
	keys_new(&w, 8, 1024, 257);
	SAYS(&w, INTAKE_GOOD, INTAKE_RSA_SMALL);
	world_init(&w);
	keys_new(&w, 8, 2048, 257);
	SAYS(&w, INTAKE_GOOD);
}

/* RFC 4509 section 3: weaker digests beside a stronger one count for nothing. */
static void
test_digests(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	enter(&w, 1, 0, 4);
	SAYS(&w, INTAKE_GOOD, INTAKE_GOOD, INTAKE_WEAKER);
	world_init(&w);		/* a key that is not there yet, with a stronger digest than the one that signs */
	enter(&w, 1, 1, 4);
	w.ds_room[1][10] ^= 1;
	SAYS(&w, INTAKE_GOOD, INTAKE_OTHER_DIGEST, INTAKE_WEAKER, INTAKE_BREAKS_DIGEST);
	world_init(&w);		/* the same of one strength */
	enter(&w, 1, 1, 2);
	w.ds_room[1][10] ^= 1;
	SAYS(&w, INTAKE_GOOD, INTAKE_OTHER_DIGEST);
	world_init(&w);		/* SHA-1 that fits, SHA-256 that does not */
	enter(&w, 0, 0, 1);
	enter(&w, 1, 0, 2);
	w.ds_room[1][10] ^= 1;
	SAYS(&w, INTAKE_DIGEST, INTAKE_GOOD, INTAKE_OTHER_DIGEST, INTAKE_WEAKER, INTAKE_BREAKS_DIGEST);
	world_init(&w);		/* all is well with 4; who knows only 2 finds none that holds */
	enter(&w, 0, 0, 4);
	enter(&w, 1, 1, 2);
	SAYS(&w, INTAKE_GOOD, INTAKE_ZSK, INTAKE_WEAKER, INTAKE_BREAKS_DIGEST);
	world_init(&w);		/* a digest that few know is no stronger one */
	enter(&w, 1, 0, 2);
	w.ds_room[1][3] = 6;
	SAYS(&w, INTAKE_GOOD, INTAKE_DIGEST_RARE, INTAKE_OTHER_DIGEST);
}

/* NSEC3 with iterations. */
static void
test_denial(void **state)
{
	uint8_t room[] = { 1, 0, 0, 0, 0 };
	struct sv param = { (const char *)room, sizeof(room) };
	static const struct {
		uint16_t		n;
		enum intake_code	code;
	} rows[] = { { 0, INTAKE_GOOD }, { 1, INTAKE_ITERATIONS }, { 50, INTAKE_ITERATIONS },
		{ 51, INTAKE_ITERATIONS_MANY }, { 2500, INTAKE_ITERATIONS_MANY } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct world w;

		world_init(&w);
		w.in.nsec3param = &param;
		w.in.n_nsec3param = 1;
		room[2] = (uint8_t)(rows[i].n >> 8);
		room[3] = (uint8_t)rows[i].n;
		if (rows[i].n == 0)
			SAYS(&w, INTAKE_GOOD);
		else
			SAYS(&w, INTAKE_GOOD, rows[i].code);
	}
}

/* What stands at the parent, and two keys of one tag. */
static void
test_left(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	w.in.standing = w.ds;
	w.in.n_standing = 2;
	w.ds_room[1][20] ^= 1;
	SAYS(&w, INTAKE_GOOD, INTAKE_LEFT);
	world_init(&w);		/* the first DS of all */
	w.in.parent_known = true;
	SAYS(&w, INTAKE_GOOD, INTAKE_ISLAND);
	world_init(&w);		/* the parent did not say; there is one */
	w.in.standing = w.ds;
	w.in.n_standing = 1;
	w.in.parent_known = true;
	SAYS(&w, INTAKE_GOOD);
	world_init(&w);		/* its point's coordinates change places: the same sum */
	memcpy(w.room[1], w.room[0], 4);
	memcpy(w.room[1] + 4, w.room[0] + 36, 32);
	memcpy(w.room[1] + 36, w.room[0] + 4, 32);
	sign(&w, 0, NOW - 10, NOW + 2 * DAY);
	SAYS(&w, INTAKE_TAGS, INTAKE_GOOD);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_not_signing),
		cmocka_unit_test(test_no_key),
		cmocka_unit_test(test_form),
		cmocka_unit_test(test_flags),
		cmocka_unit_test(test_levels),
		cmocka_unit_test(test_digests),
		cmocka_unit_test(test_denial),
		cmocka_unit_test(test_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
