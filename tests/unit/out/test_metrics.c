#include <errno.h>

#include "../tap.h"
#include "out/metrics.h"

static void
text(void **state UNUSED)
{
	const struct sv ta[] = { SV("a\"b"), SV("ipv4") };
	struct buf b = BUF_INIT;
	struct metrics m = metrics_on(&b);

	assert_int_equal(metric_u64(&m, METRIC_VRPS, ta, 2, 18446744073709551615U), 0);
	assert_int_equal(metric_u64(&m, METRIC_VRPS, ta, 2, 0), 0);
	assert_int_equal(metric_milli(&m, METRIC_DURATION, NULL, 0, 1005), 0);
	assert_int_equal(metric_u64(&m, METRIC_HTTP_REQUESTS, ta + 1, 1, 7), 0);
	assert_int_equal(metrics_end(&m), 0);
	assert_true(sv_eq(buf_get(&b), SV(
	    "# TYPE sekisho_vrps gauge\n"
	    "# HELP sekisho_vrps Validated ROA payloads in service, by trust anchor and address family.\n"
	    "sekisho_vrps{ta=\"a\\\"b\",family=\"ipv4\"} 18446744073709551615\n"
	    "sekisho_vrps{ta=\"a\\\"b\",family=\"ipv4\"} 0\n"
	    "# TYPE sekisho_validation_duration_seconds gauge\n"
	    "# UNIT sekisho_validation_duration_seconds seconds\n"
	    "# HELP sekisho_validation_duration_seconds How long the last validation took.\n"
	    "sekisho_validation_duration_seconds 1.005\n"
	    "# TYPE sekisho_http_requests counter\n"
	    "# HELP sekisho_http_requests HTTP requests answered, by class of status code.\n"
	    "sekisho_http_requests_total{code=\"ipv4\"} 7\n"
	    "# EOF\n")));
	buf_done(&b);
}

static void
order(void **state UNUSED)
{
	struct buf b = BUF_INIT;
	struct metrics m = metrics_on(&b);
	const struct sv l[] = { SV("x"), SV("y"), SV("z") };

	assert_int_equal(metric_u64(&m, METRIC_SERIAL, NULL, 0, 1), 0);
	assert_int_equal(metric_u64(&m, METRIC_VRPS, l, 2, 1), -EINVAL);
	assert_int_equal(metric_u64(&m, METRIC_RTR_CLIENTS, l, 0, 1), -EINVAL);
	assert_int_equal(metric_u64(&m, METRIC_RTR_CLIENTS, l, 2, 1), -EINVAL);
	assert_int_equal(metric_u64(&m, METRIC_RTR_CLIENTS, l, 1, 1), 0);
	buf_done(&b);
}

static bool
is_name(struct sv s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!((s.p[i] >= 'a' && s.p[i] <= 'z') || s.p[i] == '_' ||
		    (s.p[i] >= '0' && s.p[i] <= '9')))
			return false;
	return s.n > 0;
}

/* What OpenMetrics asks of every row. */
static void
table(void **state UNUSED)
{
	for (int i = 0; i < METRIC_MAX; i++) {
		const struct metric_def *d = metric_def((enum metric)i);
		struct sv name = sv_str(d->name), labels = sv_str(d->labels);

		assert_true(is_name(name) && sv_starts(name, SV("sekisho_")));
		assert_false(sv_ends(name, SV("_total")) || sv_ends(name, SV("_info")));
		assert_true(d->unit[0] == '\0' || sv_ends(name, sv_str(d->unit)));
		assert_true(sv_ends(sv_str(d->help), SV(".")));
		while (labels.n > 0)
			assert_true(is_name(sv_cut(&labels, ',')));
		for (int k = 0; k < i; k++)
			assert_string_not_equal(d->name, metric_def((enum metric)k)->name);
	}
}

TESTS_MAIN("out-metrics",
    T(text), T(order), T(table))
