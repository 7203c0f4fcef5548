/*
 * The OpenMetrics text format, version 1.0. The table metrics.def says what
 * exists; a renderer walks it in order, giving samples of one metric after
 * the other. A sample of a metric that was left already is refused, as the
 * format forbids interleaving.
 */
#ifndef OUT_METRICS_H
#define OUT_METRICS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

#define METRICS_TYPE	"application/openmetrics-text; version=1.0.0; charset=utf-8"

enum metric {
#define M(id, ...) METRIC_##id,
#include "out/metrics.def"
#undef M
	METRIC_MAX
};

enum metric_type {
	METRIC_GAUGE,
	METRIC_COUNTER,
	METRIC_INFO,
};

struct metric_def {
	const char		*name;
	enum metric_type	 type;
	const char		*unit;
	const char		*labels;	/* "ta,family", "" for none */
	const char		*help;
};

struct metrics {
	struct buf	*b;
	int		 last;			/* -1 before the first */
};

const struct metric_def *metric_def(enum metric);

static inline struct metrics
metrics_on(struct buf *b)
{
	return (struct metrics){ b, -1 };
}

/* values: as many as the row has labels. -EINVAL: out of order, or the count is wrong. */
int	metric_u64(struct metrics *, enum metric, const struct sv *values,
	    unsigned n, uint64_t v) MUST_USE;
/* Thousandths, written as a decimal fraction. */
int	metric_milli(struct metrics *, enum metric, const struct sv *values,
	    unsigned n, uint64_t v) MUST_USE;
/* "# EOF"; the buffer's sticky code. */
int	metrics_end(struct metrics *) MUST_USE;

#endif
