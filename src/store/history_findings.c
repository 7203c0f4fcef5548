/* Writing the history: findings as they begin and end, and counts over time. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "store/history_writer.h"

struct open_finding {
	int64_t	key, id;
};

struct new_finding {
	int64_t		key;
	struct sv	line;
};

/* --- findings --- */

static int
i64_cmp(int64_t a, int64_t b)
{
	return a < b ? -1 : a > b;
}

static int
new_cmp(const void *a, const void *b)
{
	return i64_cmp(((const struct new_finding *)a)->key, ((const struct new_finding *)b)->key);
}

/* "key":"VALUE" as base/json.c writes it; escapes stay as they are. */
static struct sv
member(struct sv line, const char *key)
{
	struct sv k = sv_str(key), v;

	for (size_t i = 0; i + k.n <= line.n; i++)
		if (line.p[i] == '"' && memcmp(line.p + i, k.p, k.n) == 0) {
			v = sv_skip(line, i + k.n);
			for (i = 0; i < v.n && v.p[i] != '"'; i++)
				i += v.p[i] == '\\';
			return sv_take(v, i);
		}
	return (struct sv){ 0 };
}

static unsigned
severity_of(struct sv line)
{
	struct sv s = member(line, "\"severity\":\"");

	return sv_eq_str(s, "REJECT") ? 2 : sv_eq_str(s, "WARN") ? 1 : 0;
}

static int64_t
key_of(const struct history *h, struct sv line)
{
	uint8_t sum[HISTORY_SUM_LEN];
	int64_t key;

	h->digest(line.p, line.n, sum);
	memcpy(&key, sum, sizeof(key));
	return key;
}

/* Sorted, each once. */
static size_t
lines_read(const struct history *h, struct sv text, struct new_finding *v)
{
	struct sv line;
	size_t n = 0, k = 0;

	while (n < HISTORY_FINDINGS_MAX && sv_line(&text, &line))
		if (line.n >= 2 && line.p[0] == '{')
			v[n++] = (struct new_finding){ key_of(h, line), line };
	qsort(v, n, sizeof(*v), new_cmp);
	for (size_t i = 0; i < n; i++)
		if (i == 0 || v[i].key != v[k - 1].key)
			v[k++] = v[i];
	return k;
}

static int
open_read(struct history *h, struct open_finding *v, size_t *ret_n)
{
	sqlite3_stmt *st = history_use(h, ST_OPEN_FINDINGS);
	size_t n = 0;
	int rc;

	while ((rc = sqlite3_step(st)) == SQLITE_ROW && n < HISTORY_FINDINGS_MAX)
		v[n++] = (struct open_finding){ sqlite3_column_int64(st, 0),
		    sqlite3_column_int64(st, 1) };
	(void)sqlite3_reset(st);
	*ret_n = n;
	return history_rc(rc);
}

static int
finding_new(struct history *h, const struct new_finding *f, int64_t at)
{
	sqlite3_stmt *st = history_use(h, ST_FINDING_NEW);

	bind_i64(st, 1, f->key);
	bind_i64(st, 2, at);
	bind_u64(st, 3, severity_of(f->line));
	bind_sv(st, 4, member(f->line, "\"code\":\""));
	bind_sv(st, 5, member(f->line, "\"subject\":\""));
	bind_sv(st, 6, f->line.n <= HISTORY_LINE_MAX ? f->line : SV("{}"));
	return history_done(st);
}

static int
finding_end(struct history *h, int64_t id, int64_t at)
{
	sqlite3_stmt *st = history_use(h, ST_FINDING_END);

	bind_i64(st, 1, id);
	bind_i64(st, 2, at);
	return history_done(st);
}

static int
findings_merge(struct history *h, const struct open_finding *a, size_t na,
    const struct new_finding *b, size_t nb, int64_t at, struct history_counts *c)
{
	size_t i = 0, j = 0;
	int rc = 0;

	while (rc == 0 && (i < na || j < nb)) {
		int cmp = i == na ? 1 : j == nb ? -1 : i64_cmp(a[i].key, b[j].key);

		if (cmp < 0) {
			rc = finding_end(h, a[i].id, at);
			c->n_gone++;
		} else if (cmp > 0 && c->n_new < HISTORY_FINDINGS_NEW_MAX) {
			rc = finding_new(h, &b[j], at);
			c->n_new++;
		} else if (cmp > 0)
			c->n_left_out++;
		i += cmp <= 0;
		j += cmp >= 0;
	}
	return rc;
}

static int
findings_write(struct history *h, struct sv text, int64_t at, struct open_finding *a,
    struct new_finding *b, struct history_counts *ret)
{
	size_t na, nb = lines_read(h, text, b);
	int rc = history_run(h, ST_BEGIN);

	if (rc < 0)
		return rc;
	if ((rc = open_read(h, a, &na)) == 0)
		rc = findings_merge(h, a, na, b, nb, at, ret);
	rc = history_finish(h, rc);
	if (rc < 0)
		return rc;
	memset(h->n_severity, 0, sizeof(h->n_severity));
	for (size_t i = 0; i < nb; i++)
		h->n_severity[severity_of(b[i].line)]++;
	return 0;
}

int
history_findings(struct history *h, struct sv text, int64_t at, struct history_counts *ret)
{
	uint8_t sum[HISTORY_SUM_LEN];
	struct open_finding *a;
	struct new_finding *b;
	int rc = -ENOMEM;

	*ret = (struct history_counts){ 0 };
	if (h->to != NULL)
		return -EBUSY;
	h->digest(text.n > 0 ? text.p : "", text.n, sum);
	if (h->has_sum && memcmp(sum, h->sum, sizeof(sum)) == 0)
		return 0;
	a = calloc(HISTORY_FINDINGS_MAX, sizeof(*a));
	b = calloc(HISTORY_FINDINGS_MAX, sizeof(*b));
	if (a != NULL && b != NULL)
		rc = findings_write(h, text, at, a, b, ret);
	free(a);
	free(b);
	/* What was left out comes with the next run. */
	h->has_sum = rc == 0 && ret->n_left_out == 0;
	memcpy(h->sum, sum, sizeof(sum));
	return rc;
}

/* --- points --- */

/* VRPs of CAs whose payloads the guard holds. */
static uint64_t
held_count(const struct snapshot *s)
{
	struct snapshot_ca ca;
	bool any = false;
	uint64_t n = 0;
	struct vrp v;

	for (size_t i = 0; i < s->n_cas && !any; i++) {
		snapshot_ca(s, i, &ca);
		any = ca.ca.held_since != 0;
	}
	for (size_t i = 0; any && i < snapshot_n_vrps(s); i++) {
		snapshot_vrp(s, i, &v);
		if (v.ca >= s->n_cas)
			continue;
		snapshot_ca(s, v.ca, &ca);
		n += ca.ca.held_since != 0;
	}
	return n;
}

int
history_point(struct history *h, const struct snapshot *s, int64_t at)
{
	sqlite3_stmt *st = history_use(h, ST_POINT);

	bind_i64(st, 1, at - at % 300);
	bind_u64(st, 2, s->stamp.serial);
	bind_u64(st, 3, s->n_v4);
	bind_u64(st, 4, s->n_v6);
	bind_u64(st, 5, s->n_aspas);
	bind_u64(st, 6, s->n_router_keys);
	bind_u64(st, 7, h->n_severity[2]);
	bind_u64(st, 8, h->n_severity[1]);
	bind_u64(st, 9, h->n_severity[0]);
	bind_u64(st, 10, held_count(s));
	return history_done(st);
}
