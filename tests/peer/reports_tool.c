/*
 * A node of the reports' store, for a test that takes its server away:
 *
 *	reports_tool take URL NODE SEGMENTS ROWS	give them, whatever happens; a line for each
 *	reports_tool sum URL				make all reports; "domain rows seen" for each
 *	reports_tool hold URL				the sender's lock: "held", until stdin ends
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/err.h"
#include "store/reports.h"

#define DAY	20000
#define DOMAINS	7

static void
die(const char *what, int rc)
{
	fprintf(stderr, "%s: %s (%d)\n", what, err_str(rc), rc);
	exit(1);
}

static bool
is_passing(int rc)
{
	return rc == SE_CLOSED || rc == -EAGAIN || rc == -EBUSY;
}

/* --- take --- */

/* What a row points to. */
struct made {
	char		id[32], domain[32], alike[8];
	struct sv	name;
};

static void
row_make(struct made *m, struct reports_row *ret, const char *node, unsigned segment, unsigned i)
{
	int n_id = snprintf(m->id, sizeof(m->id), "%u-%u", segment, i);
	int n_alike = snprintf(m->alike, sizeof(m->alike), "%u", i % 3);

	(void)snprintf(m->domain, sizeof(m->domain), "d%u.example", i % DOMAINS);
	m->name = sv_str(m->domain);
	*ret = (struct reports_row){
		.node = sv_str(node), .at = DAY * (int64_t)REPORTS_DAY_SEC + segment,
		.queue_id = { m->id, (size_t)n_id }, .domain = m->name, .policy = SV("p"),
		.rua = SV("r"), .is_wanted = true, .alike = { m->alike, (size_t)n_alike },
		.names = &m->name, .n_names = 1,
	};
}

static int
segment_take(struct reports *r, const char *node, unsigned segment, unsigned n_rows)
{
	struct reports_row rows[REPORTS_ADD_MAX];
	struct made made[REPORTS_ADD_MAX];
	uint64_t is_new;
	int rc = reports_begin(r);

	if (rc < 0)
		return rc;
	for (unsigned i = 0; i < n_rows && rc == 0;) {
		size_t n = 0;

		for (; i < n_rows && n < REPORTS_ADD_MAX; i++, n++)
			row_make(&made[n], &rows[n], node, segment, i);
		rc = reports_add(r, rows, n, &is_new);
	}
	return reports_end(r, rc);
}

/* As a node does that has only the journal's word for what was taken in. */
static void
segment_give(struct reports **r, const char *where, const char *node, unsigned segment,
    unsigned n_rows)
{
	for (;;) {
		int rc = *r == NULL ? reports_open(where, r) : 0;

		if (rc == 0)
			rc = segment_take(*r, node, segment, n_rows);
		if (rc == 0)
			break;
		if (!is_passing(rc))
			die("take", rc);
		if (rc == SE_CLOSED)
			*r = reports_free(*r);
		printf("again %u\n", segment);
		(void)fflush(stdout);
		(void)usleep(50000);
	}
	printf("took %u\n", segment);
	(void)fflush(stdout);
}

static void
take(const char *where, const char *node, unsigned n_segments, unsigned n_rows)
{
	struct reports *r = NULL;

	for (unsigned s = 0; s < n_segments; s++) {
		segment_give(&r, where, node, s, n_rows);
		if (s % 3 == 0)		/* nobody heard that it was taken in */
			segment_give(&r, where, node, s, n_rows);
	}
	(void)reports_free(r);
}

/* --- sum --- */

static int
row_count(void *arg, struct sv alike, uint64_t count)
{
	(void)alike;
	*(uint64_t *)arg += count;
	return 0;
}

static int
report_sum(struct reports *r, unsigned i, struct pool *pool)
{
	char domain[32];
	struct sv name = { domain, (size_t)snprintf(domain, sizeof(domain), "d%u.example", i) };
	struct reports_seen seen;
	uint64_t n = 0;
	unsigned made;
	int rc;

	if ((rc = reports_make(r, name, DAY, 0, &made)) < 0 ||
	    (rc = reports_rows(r, i + 1, row_count, &n)) < 0 ||
	    (rc = reports_seen(r, name, pool, &seen)) < 0)
		return rc;
	printf("%s %llu %llu\n", domain, (unsigned long long)n,
	    (unsigned long long)seen.n_messages);
	return 0;
}

static void
sum(const char *where)
{
	struct pool *pool = pool_new(1 << 16);
	struct reports *r = NULL;
	int rc = pool == NULL ? -ENOMEM : reports_open(where, &r);

	for (unsigned i = 0; i < DOMAINS && rc == 0; i++)
		rc = report_sum(r, i, pool);
	if (rc < 0)
		die("sum", rc);
	(void)reports_free(r);
	(void)pool_free(pool);
}

static void
hold(const char *where)
{
	struct reports *r = NULL;
	int rc = reports_open(where, &r);

	if (rc < 0 || ((rc = reports_lock(r)) < 0 && rc != SE_LOCKED))
		die("hold", rc);
	printf("%s\n", rc == 0 ? "held" : "locked");
	(void)fflush(stdout);
	while (rc == 0 && getchar() != EOF)
		;
	(void)reports_free(r);
}

static unsigned
number(const char *s)
{
	uint32_t n;

	if (num_u32(sv_str(s), 0, 1000000, &n) < 0)
		die(s, SE_USAGE);
	return n;
}

int
main(int argc, char **argv)
{
	if (argc == 6 && sv_eq_str(SV("take"), argv[1]))
		take(argv[2], argv[3], number(argv[4]), number(argv[5]));
	else if (argc == 3 && sv_eq_str(SV("sum"), argv[1]))
		sum(argv[2]);
	else if (argc == 3 && sv_eq_str(SV("hold"), argv[1]))
		hold(argv[2]);
	else
		die("usage", SE_USAGE);
	return 0;
}
