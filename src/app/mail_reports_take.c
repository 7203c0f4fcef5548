/* A segment of a journal into the tables. */
#include <errno.h>

#include "app/mail_journal.h"
#include "app/mail_reports.h"

#define ROW_POOL_MAX	((size_t)64 * 1024)	/* lists of one row: 10 signatures, 8 reasons, 10 addresses */
#define NAMES_MAX	(DKIM_SIGS_MAX + 2)

struct taking {
	struct reports		 *store;
	struct pool		 *pool;
	struct mail_reports_taken taken;
	/* rows that go to the store together; they point into the segment */
	struct reports_row	 rows[REPORTS_ADD_MAX];
	struct sv		 names[REPORTS_ADD_MAX][NAMES_MAX];
	size_t			 n;
};

static void
name_add(struct sv *names, size_t *n, struct sv name)
{
	for (size_t i = 0; i < *n; i++)
		if (sv_eq(names[i], name))
			return;
	if (name.n > 0 && *n < NAMES_MAX)
		names[(*n)++] = name;
}

/* Who spoke for himself: the author by DMARC, whoever signed, who sent. */
static size_t
names_of(const struct mail_row *row, struct sv names[static NAMES_MAX])
{
	const struct report_row *r = &row->row;
	size_t n = 0;

	if (row->dmarc == MAIL_PASS)
		name_add(names, &n, r->header_from);
	for (size_t i = 0; i < r->n_dkim; i++)
		if (r->dkim[i].result == MAIL_PASS)
			name_add(names, &n, r->dkim[i].domain);
	if (r->spf == MAIL_PASS)
		name_add(names, &n, r->spf_domain);
	return n;
}

static enum reports_act
act_of(enum report_disposition d)
{
	if (d == REPORT_REJECT)
		return REPORTS_REJECTED;
	return d == REPORT_QUARANTINE ? REPORTS_QUARANTINED : REPORTS_PASSED;
}

static int
rows_give(struct taking *t)
{
	uint64_t is_new = 0, n_new = 0;
	int rc = t->n == 0 ? 0 : reports_add(t->store, t->rows, t->n, &is_new);

	if (rc < 0)
		return rc;
	for (; is_new != 0; is_new &= is_new - 1)
		n_new++;
	t->taken.n_new += n_new;
	t->taken.n_known += t->n - n_new;
	t->n = 0;
	return 0;
}

static int
row_add(struct taking *t, const struct mail_row *row, const struct mail_row_parts *p)
{
	struct sv *names = t->names[t->n];

	t->rows[t->n++] = (struct reports_row){
		.node = row->node, .queue_id = row->queue_id, .at = row->at,
		.domain = row->policy.domain, .policy = p->policy, .alike = p->alike, .rua = p->rua,
		.is_wanted = row->policy.domain.n > 0 && row->n_rua > 0,
		.act = act_of(row->row.disposition), .dmarc = row->dmarc, .arc = row->arc, .names = names,
		.n_names = names_of(row, names),
	};
	return t->n < REPORTS_ADD_MAX ? 0 : rows_give(t);
}

/* What is no row would be none the next time either: it may not hold up the others. */
static int
octets_take(void *arg, struct sv octets)
{
	struct taking *t = arg;
	struct mail_row_parts parts;
	struct mail_row row;
	int rc;

	pool_reset(t->pool);
	rc = mail_row_parse(octets, t->pool, &row, &parts);
	if (rc == -EBADMSG) {
		t->taken.n_bad++;
		return 0;
	}
	return rc < 0 ? rc : row_add(t, &row, &parts);
}

int
mail_reports_take(struct reports *store, struct sv segment, struct mail_reports_taken *ret)
{
	_cleanup_(pool_freep) struct pool *pool = pool_new(ROW_POOL_MAX);
	struct taking t = { .store = store, .pool = pool };
	int rc;

	if (pool == NULL)
		return -ENOMEM;
	if ((rc = reports_begin(store)) < 0)
		return rc;
	if ((rc = mail_journal_read(segment, octets_take, &t, &t.taken.lost)) == 0)
		rc = rows_give(&t);
	if ((rc = reports_end(store, rc)) < 0)
		return rc;
	*ret = t.taken;
	return 0;
}
