/* Lists of payloads: plain, packed, cut off, hostile; and the world made of one. */
#include "judge.h"

#include <bzlib.h>

#include "base/err.h"
#include "inr/inr.h"

#define LIST \
	"{ \"metadata\": { \"vrps\": 6 }, \"roas\": [\n" \
	"{ \"asn\": 64496, \"prefix\": \"192.0.2.0/24\", \"maxLength\": 24, \"ta\": \"ripe\" },\n" \
	"{ \"asn\": 64496, \"prefix\": \"192.0.2.0/24\", \"maxLength\": 26, \"ta\": \"ripe\" },\n" \
	"{ \"asn\": 64496, \"prefix\": \"2001:db8::/32\", \"maxLength\": 48, \"ta\": \"ripe\" },\n" \
	"{ \"asn\": 0, \"prefix\": \"198.51.100.0/24\", \"maxLength\": 24, \"ta\": \"apnic\" },\n" \
	"{ \"asn\": 64497, \"prefix\": \"203.0.113.0/24\", \"maxLength\": 24, \"ta\": \"apnic\" },\n" \
	"{ \"asn\": 64497, \"prefix\": \"203.0.113.0/24\", \"maxLength\": 24, \"ta\": \"apnic\" }\n" \
	"], \"aspas\": [ { \"customer_asid\": 64496, \"providers\": [ 64511, 64500 ] },\n" \
	"{ \"customer_asid\": 64510, \"providers\": [ 0 ] } ],\n" \
	"\"bgpsec_keys\": [ { \"asn\": 64496, \"ski\": \"5D4250E2D81D4448D8A29EFCE91D29FF075EC9E2\",\n" \
	"\"pubkey\": \"MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEgFcjQ/g//LAQerAH2Mpp+GucoDAGBbhIqD33wNPsXxnAGb+" \
	"mtZ7XQrVO9DQ6UlAShtig5+QfEKpTtFgiqfiAFQ==\", \"ta\": \"ripe\" } ] }\n"

static int
list_read(struct sv text, struct payloads *p)
{
	uint64_t line, bad;

	return lab_list_read(text, p, &line, &bad);
}

static struct sv
packed(struct sv plain, char *buf, unsigned room)
{
	assert_int_equal(BZ2_bzBuffToBuffCompress(buf, &room, (char *)(uintptr_t)plain.p,
	    (unsigned)plain.n, 9, 0, 0), BZ_OK);
	return (struct sv){ buf, room };
}

static void
plain_and_packed(void **state UNUSED)
{
	char buf[4096];
	struct sv two[] = { SV(LIST), packed(SV(LIST), buf, sizeof(buf)) };

	for (size_t i = 0; i < ARRAY_LEN(two); i++) {
		struct payloads p = { 0 };

		assert_int_equal(list_read(two[i], &p), 0);
		assert_int_equal(p.n_vrps, 6);
		assert_int_equal(p.n_aspas, 2);
		payloads_done(&p);
	}
}

/* Two streams one behind the other are one text. */
static void
two_streams(void **state UNUSED)
{
	char buf[8192];
	struct sv text = SV(LIST), a = packed(sv_take(text, 100), buf, 4096), b;
	struct payloads p = { 0 };

	b = packed(sv_skip(text, 100), buf + a.n, 4096);
	assert_int_equal(list_read((struct sv){ buf, a.n + b.n }, &p), 0);
	assert_int_equal(p.n_vrps, 6);
	payloads_done(&p);
}

static void
cut_off(void **state UNUSED)
{
	char buf[4096];
	struct sv text = SV(LIST), z = packed(text, buf, sizeof(buf));

	for (size_t n = 0; n + 1 < z.n; n += 7) {
		struct payloads p = { 0 };

		assert_true(list_read(sv_take(z, n), &p) < 0);
		payloads_done(&p);
	}
	for (size_t n = 0; n + 2 < text.n; n += 7) {
		struct payloads p = { 0 };

		assert_true(list_read(sv_take(text, n), &p) < 0);
		payloads_done(&p);
	}
}

static void
hostile(void **state UNUSED)
{
	char buf[4096], flipped[4096];
	struct sv z = packed(SV(LIST), buf, sizeof(buf));
	size_t n_seen = 0;
	static const struct { const char *text; int rc; } rows[] = {
		{ "", SE_SYNTAX }, { "BZh", SE_SYNTAX }, { "BZh9", SE_SYNTAX },
		{ "BZh9garbage that is no block", SE_SYNTAX }, { "[]", SE_SYNTAX },
		{ "{}", SE_FORMAT }, { "{\"roas\": [}", SE_SYNTAX },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct payloads p = { 0 };

		assert_int_equal(list_read(sv_str(rows[i].text), &p), rows[i].rc);
		payloads_done(&p);
	}
	/* bzip2 has sums: a flipped bit is seen, or it was one without a meaning */
	for (size_t i = 4; i < z.n; i++) {
		struct payloads p = { 0 };

		memcpy(flipped, z.p, z.n);
		flipped[i] = (char)(flipped[i] ^ 0x10);
		if (list_read((struct sv){ flipped, z.n }, &p) < 0)
			n_seen++;
		else
			assert_int_equal(p.n_vrps, 6);
		payloads_done(&p);
	}
	assert_true(n_seen > z.n / 2);
}

/* 32 MB of blanks in some hundred bytes are read as a stream, and are no list. */
static void
bomb(void **state UNUSED)
{
	size_t n = 32 << 20;
	char *zeros = calloc(n, 1), buf[4096];
	struct payloads p = { 0 };

	assert_non_null(zeros);
	memset(zeros, ' ', n);
	assert_int_equal(list_read(packed((struct sv){ zeros, n }, buf, sizeof(buf)), &p), SE_SYNTAX);
	payloads_done(&p);
	free(zeros);
}

static struct lab_world *
from_list(const char *text, uint64_t take, struct lab_error *e, int *ret_rc)
{
	struct payloads p = { 0 };
	struct lab_world *w = NULL;

	assert_int_equal(list_read(sv_str(text), &p), 0);
	*ret_rc = lab_from_vrps(&p, take, &judge_opts, e, &w);
	payloads_done(&p);
	return w;
}

/* What comes out is what stood in the list. */
static void
world_of_list(void **state UNUSED)
{
	struct lab_error e = { 0 };
	int rc;
	struct lab_world *w = from_list(LIST, 0, &e, &rc);
	struct judged *j;

	assert_int_equal(rc, 0);
	assert_int_equal(lab_build(w, &e), 0);
	assert_int_equal(lab_n_tas(w), 2);
	j = judge(w, RPKI_TOL_DEFAULT);
	if (j->n_warn + j->n_reject > 0)
		fail_msg("%s", j->last);
	assert_int_equal(j->n_vrps, 5);		/* one stood there twice */
	assert_int_equal(j->n_aspas, 2);
	assert_int_equal(j->n_router_keys, 1);
	free(j);
	(void)lab_free(w);
}

/* No CA gives more than a twentieth of a sample, and each at least one. */
static void
sample(void **state UNUSED)
{
	static const size_t want[] = { 0, 1, 2, 3, 3, 5, 5 };

	for (unsigned take = 1; take < ARRAY_LEN(want); take++) {
		struct lab_error e = { 0 };
		int rc;
		struct lab_world *w = from_list(LIST, take, &e, &rc);
		struct judged *j;

		assert_int_equal(rc, 0);
		assert_int_equal(lab_build(w, &e), 0);
		j = judge(w, RPKI_TOL_DEFAULT);
		assert_int_equal(j->n_warn + j->n_reject, 0);
		assert_int_equal(j->n_vrps, want[take]);
		free(j);
		(void)lab_free(w);
	}
}

static void
refused(void **state UNUSED)
{
	static const struct { const char *text, *word; } rows[] = {
		{ "{ \"roas\": [] }", "" },
		{ "{ \"roas\": [ { \"asn\": 1, \"prefix\": \"192.0.2.0/24\", \"maxLength\": 24, "
		    "\"ta\": \"../x\" } ] }", "../x" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct lab_error e = { 0 };
		int rc;

		assert_null(from_list(rows[i].text, 0, &e, &rc));
		assert_int_equal(rc, -EINVAL);
		assert_non_null(e.msg);
	}
}

TESTS_MAIN("lab list", T(plain_and_packed), T(two_streams), T(cut_off), T(hostile), T(bomb),
    T(world_of_list), T(sample), T(refused))
