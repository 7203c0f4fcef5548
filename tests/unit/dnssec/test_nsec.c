/* Hashed names: those of RFC 5155, and many at once as one by one. */
#include "../tap.h"
#include "base/base32.h"
#include "dnssec/dnssec.h"

#include <stdio.h>

#define N_NAMES		200

static struct dname
name_of(const char *text)
{
	struct dname n;

	assert_int_equal(dname_parse(sv_str(text), NULL, &n), 0);
	return n;
}

/* RFC 5155 appendix A: salt aabbccdd, 12 iterations. */
static void
appendix_a(void **state UNUSED)
{
	static const struct {
		const char	*name, *hash;
	} rows[] = {
		{ "example.", "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom" },
		{ "a.example.", "35mthgpgcu1qg68fab165klnsnk3dpvl" },
		{ "ai.example.", "gjeqe526plbf1g8mklp59enfd789njgi" },
		{ "ns1.example.", "2t7b4g4vsa5smi47k61mv5bv1a22bojr" },
		{ "ns2.example.", "q04jkcevqvmu85r014c7dkba38o0ji5r" },
		{ "w.example.", "k8udemvp1j2f7eg6jebps17vp3n8i58h" },
		{ "*.w.example.", "r53bq7cc2uvmubfu5ocmm6pers9tk9en" },
		{ "x.w.example.", "b4um86eghhds6nea196smvmlo4ors995" },
		{ "y.w.example.", "ji6neoaepv8b5o6k4ev33abha8ht9fgc" },
		{ "x.y.w.example.", "2vptu5timamqttgl4luu9kg21e0aor3s" },
		{ "xx.example.", "t644ebqk9bibcna874givr6joj62mlhv" },
	};
	struct dname names[ARRAY_LEN(rows)];
	uint8_t hashes[ARRAY_LEN(rows)][NSEC3_HASH_LEN];
	char text[BASE32HEX_LEN(NSEC3_HASH_LEN)];

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		names[i] = name_of(rows[i].name);
	nsec3_hash_many(names, ARRAY_LEN(rows), SV("\xaa\xbb\xcc\xdd"), 12, hashes);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		base32hex_encode(text, hashes[i], NSEC3_HASH_LEN);
		assert_memory_equal(text, rows[i].hash, sizeof(text));
	}
}

static void
many_check(const struct dname *names, size_t n, struct sv salt, unsigned iterations)
{
	uint8_t all[N_NAMES + 1][NSEC3_HASH_LEN], one[NSEC3_HASH_LEN];

	memset(all, 0xa5, sizeof(all));
	nsec3_hash_many(names, n, salt, iterations, all);
	for (size_t i = 0; i < n; i++) {
		nsec3_hash(&names[i], salt, iterations, one);
		assert_memory_equal(all[i], one, sizeof(one));
	}
	assert_int_equal(all[n][0], 0xa5);
}

static void
many(void **state UNUSED)
{
	static const char salt[255] = "any salt";
	struct dname names[N_NAMES];
	char text[300];

	for (int i = 0; i < N_NAMES; i++) {
		/* Of 8 to 206 octets: some take a block, some four. */
		(void)snprintf(text, sizeof(text), "%0*d.%0*d.%0*d.%0*d.", i % 50 + 1, i, i % 50 + 1, 1,
		    i % 50 + 1, 2, i % 50 + 1, 3);
		names[i] = name_of(text);
	}
	for (size_t n = 0; n <= N_NAMES; n += n < 20 ? 1 : 15)
		for (size_t len = 0; len <= sizeof(salt); len += 51)
			many_check(names, n, (struct sv){ salt, len }, n % 4);
	many_check(names, N_NAMES, (struct sv){ salt, 8 }, 150);
}

TESTS_MAIN("dnssec/nsec", T(appendix_a), T(many))
