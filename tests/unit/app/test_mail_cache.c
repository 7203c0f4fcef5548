/* Answers that are kept: found again, gone by their time, and bounded. */
#include <errno.h>
#include <stdio.h>

#include "../tap.h"
#include "app/mail_cache.h"
#include "base/hash.h"

static struct mail_question
question(const char *name, uint16_t type)
{
	struct mail_question q = { .type = type };

	assert_int_equal(mail_name(sv_str(name), &q.name), 0);
	return q;
}

static struct mail_answer
answer(const struct sv *rdata, size_t n, uint32_t ttl)
{
	return (struct mail_answer){ .rcode = MAIL_DNS_FOUND, .ttl_sec = ttl, .n = n, .rdata = rdata };
}

static const struct sv one[] = { { "\3one", 4 }, { "\3two", 4 } };

static void
test_found(void **state)
{
	_cleanup_(mail_cache_freep) struct mail_cache *c = NULL;
	_cleanup_(pool_freep) struct pool *pool = pool_new(65536);
	const struct mail_question q = question("Example.COM", RR_TXT), same = question("example.com", RR_TXT),
	    other = question("example.com", RR_A);
	struct mail_answer a = answer(one, 2, 100), got;
	const char *why = "x";

	(void)state;
	hash_seed(1, 2);
	assert_int_equal(mail_cache_new(64, 65536, &c), 0);
	assert_int_equal(mail_cache_find(c, &q, 1000, pool, &got, &why), 0);
	a.secure = true;
	mail_cache_add(c, &q, 1000, &a, NULL);
	assert_int_equal(mail_cache_find(c, &same, 1040, pool, &got, &why), 1);
	assert_int_equal(got.n, 2);
	assert_true(sv_eq(got.rdata[1], one[1]) && got.rdata[1].p != one[1].p);
	assert_int_equal(got.ttl_sec, 60);
	assert_true(got.secure && why == NULL);
	assert_int_equal(mail_cache_find(c, &other, 1040, pool, &got, &why), 0);
	assert_int_equal(mail_cache_find(c, &same, 1100, pool, &got, &why), 0);
	assert_int_equal(mail_cache_count(c).found, 1);
	assert_int_equal(mail_cache_count(c).missed, 3);
}

/* TTL as published, and how long it is kept. */
static const struct {
	enum mail_rcode	rcode;
	uint32_t	ttl;
	int64_t		kept;
} times[] = {
	{ MAIL_DNS_FOUND, 0, MAIL_CACHE_TTL_MIN },
	{ MAIL_DNS_FOUND, 300, 300 },
	{ MAIL_DNS_FOUND, 86400, MAIL_CACHE_TTL_MAX },
	{ MAIL_DNS_NODATA, 0, MAIL_CACHE_TTL_NONE },
	{ MAIL_DNS_NXDOMAIN, 86400, MAIL_CACHE_TTL_NONE },
	{ MAIL_DNS_FAILED, 86400, MAIL_CACHE_TTL_FAILED },
};

static void
test_times(void **state)
{
	const struct mail_question q = question("example.com", RR_TXT);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(times); i++) {
		_cleanup_(mail_cache_freep) struct mail_cache *c = NULL;
		_cleanup_(pool_freep) struct pool *pool = pool_new(65536);
		const struct mail_answer a = { .rcode = times[i].rcode, .ttl_sec = times[i].ttl };
		struct mail_answer got;
		const char *why = NULL;

		assert_int_equal(mail_cache_new(8, 65536, &c), 0);
		mail_cache_add(c, &q, 50, &a, "why");
		assert_int_equal(mail_cache_find(c, &q, 50 + times[i].kept - 1, pool, &got, &why), 1);
		assert_int_equal(got.rcode, times[i].rcode);
		assert_string_equal(why, "why");
		assert_int_equal(mail_cache_find(c, &q, 50 + times[i].kept, pool, &got, &why), 0);
	}
}

/* A newer answer takes the older one's place; octets and entries have an end. */
static void
test_bounds(void **state)
{
	_cleanup_(mail_cache_freep) struct mail_cache *c = NULL;
	_cleanup_(pool_freep) struct pool *pool = pool_new((size_t)1 << 20);
	static char big[MAIL_CACHE_ANSWER_MAX];
	const struct sv large[] = { { big, sizeof(big) } }, half[] = { { big, 3000 } };
	struct mail_answer a = answer(half, 1, 100), got;
	struct mail_question q;
	const char *why;
	char name[64];

	(void)state;
	assert_int_equal(mail_cache_new(64, 40000, &c), 0);
	for (int i = 0; i < 1000; i++) {
		(void)snprintf(name, sizeof(name), "n%d.example", i);
		q = question(name, RR_TXT);
		mail_cache_add(c, &q, 10, &a, NULL);
		assert_true(mail_cache_count(c).bytes <= 40000);
		assert_int_equal(mail_cache_find(c, &q, 10, pool, &got, &why), 1);
		pool_reset(pool);
	}
	assert_true(mail_cache_count(c).dropped > 900);
	mail_cache_add(c, &q, 10, &a, NULL);
	a = answer(one, 2, 100);
	mail_cache_add(c, &q, 10, &a, NULL);
	assert_int_equal(mail_cache_find(c, &q, 10, pool, &got, &why), 1);
	assert_int_equal(got.n, 2);
	a = answer(large, 1, 100);
	q = question("large.example", RR_TXT);
	mail_cache_add(c, &q, 10, &a, NULL);
	assert_int_equal(mail_cache_find(c, &q, 10, pool, &got, &why), 0);
}

/* The pool of who asks is too small: his failure, not an answer. */
static void
test_no_memory(void **state)
{
	_cleanup_(mail_cache_freep) struct mail_cache *c = NULL;
	_cleanup_(pool_freep) struct pool *pool = pool_new(16);
	const struct mail_question q = question("example.com", RR_TXT);
	const struct mail_answer a = answer(one, 2, 100);
	struct mail_answer got;
	const char *why;

	(void)state;
	assert_int_equal(mail_cache_new(8, 65536, &c), 0);
	mail_cache_add(c, &q, 0, &a, NULL);
	assert_int_equal(mail_cache_find(c, &q, 0, pool, &got, &why), -ENOMEM);
}

TESTS_MAIN("mail_cache",
    T(test_found),
    T(test_times),
    T(test_bounds),
    T(test_no_memory))
