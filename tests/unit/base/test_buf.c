#include <errno.h>
#include <stdlib.h>

#include "../tap.h"
#include "base/buf.h"

static void
grows(void **state UNUSED)
{
	struct buf b = BUF_INIT;

	for (int i = 0; i < 10000; i++)
		buf_u64(&b, (uint64_t)i % 10);
	buf_sv(&b, SV("x"));
	buf_char(&b, '\0');
	assert_int_equal(b.rc, 0);
	assert_int_equal(b.len, 10002);
	assert_memory_equal(b.p + 9990, "0123456789x", 12);
	buf_done(&b);
	buf_done(&b);
}

static void
formatted(void **state UNUSED)
{
	struct buf b = BUF_INIT;
	char *large = malloc(5001);

	memset(large, 'y', 5000);
	large[5000] = '\0';
	buf_printf(&b, "%s|%d|", "", -3);
	buf_printf(&b, "%s|", large);
	assert_int_equal(b.len, 4 + 5001);
	assert_memory_equal(b.p, "|-3|yyy", 7);
	assert_int_equal(b.p[b.len - 1], '|');
	free(large);
	buf_done(&b);
}

struct sink {
	size_t	calls, bytes, largest;
	int	fail_at;
};

static int
sink(void *arg, const void *p UNUSED, size_t n)
{
	struct sink *s = arg;

	s->calls++;
	s->bytes += n;
	if (n > s->largest)
		s->largest = n;
	return s->fail_at > 0 && (int)s->calls >= s->fail_at ? -ENOSPC : 0;
}

static void
streams(void **state UNUSED)
{
	struct sink s = { 0 };
	struct buf b = BUF_SINK(sink, &s);
	char block[1000] = { 0 };

	for (int i = 0; i < 1000; i++)
		buf_bytes(&b, block, sizeof(block));
	assert_int_equal(buf_flush(&b), 0);
	assert_int_equal(s.bytes, 1000000);
	assert_true(s.largest <= BUF_FLUSH);
	assert_true(b.cap <= 2 * BUF_FLUSH);
	buf_done(&b);
}

static void
a_full_disk_is_remembered(void **state UNUSED)
{
	struct sink s = { .fail_at = 2 };
	struct buf b = BUF_SINK(sink, &s);
	char block[1000] = { 0 };

	for (int i = 0; i < 1000; i++)
		buf_bytes(&b, block, sizeof(block));
	assert_int_equal(buf_flush(&b), -ENOSPC);
	assert_int_equal(s.calls, 2);
	buf_done(&b);
}

TESTS_MAIN("base/buf", T(grows), T(formatted), T(streams), T(a_full_disk_is_remembered))
