#include <errno.h>

#include "out/escape.h"
#include "out/metrics.h"

static const struct metric_def defs[METRIC_MAX] = {
#define M(id, name, type, unit, labels, help) \
	[METRIC_##id] = { name, METRIC_##type, unit, labels, help },
#include "out/metrics.def"
#undef M
};

static const struct {
	const char	*word, *suffix;
} types[] = {
	[METRIC_GAUGE] = { "gauge", "" },
	[METRIC_COUNTER] = { "counter", "_total" },
	[METRIC_INFO] = { "info", "_info" },
};

const struct metric_def *
metric_def(enum metric m)
{
	return &defs[m];
}

static void
head(struct buf *b, const struct metric_def *d)
{
	buf_printf(b, "# TYPE %s %s\n", d->name, types[d->type].word);
	if (d->unit[0] != '\0')
		buf_printf(b, "# UNIT %s %s\n", d->name, d->unit);
	buf_printf(b, "# HELP %s %s\n", d->name, d->help);
}

static unsigned
labels_count(const struct metric_def *d)
{
	unsigned n = d->labels[0] == '\0' ? 0 : 1;

	for (const char *p = d->labels; *p != '\0'; p++)
		n += *p == ',';
	return n;
}

/* Everything of a sample's line but its value. */
static int
sample(struct metrics *m, enum metric id, const struct sv *values, unsigned n)
{
	const struct metric_def *d = &defs[id];
	struct sv names = sv_str(d->labels);

	if ((int)id < m->last || n != labels_count(d))
		return -EINVAL;
	if ((int)id != m->last)
		head(m->b, d);
	m->last = (int)id;
	buf_str(m->b, d->name);
	buf_str(m->b, types[d->type].suffix);
	for (unsigned i = 0; i < n; i++) {
		buf_char(m->b, i == 0 ? '{' : ',');
		buf_sv(m->b, sv_cut(&names, ','));
		buf_str(m->b, "=\"");
		escape_label(m->b, values[i]);
		buf_char(m->b, '"');
	}
	buf_str(m->b, n > 0 ? "} " : " ");
	return 0;
}

int
metric_u64(struct metrics *m, enum metric id, const struct sv *values,
    unsigned n, uint64_t v)
{
	int rc = sample(m, id, values, n);

	if (rc < 0)
		return rc;
	buf_u64(m->b, v);
	buf_char(m->b, '\n');
	return 0;
}

int
metric_milli(struct metrics *m, enum metric id, const struct sv *values,
    unsigned n, uint64_t v)
{
	int rc = sample(m, id, values, n);

	if (rc < 0)
		return rc;
	buf_u64(m->b, v / 1000);
	buf_printf(m->b, ".%03u\n", (unsigned)(v % 1000));
	return 0;
}

int
metrics_end(struct metrics *m)
{
	buf_str(m->b, "# EOF\n");
	return m->b->rc;
}
