/* Reports are made at their time, and get their addresses. */
#include <errno.h>

#include "app/mail.h"
#include "app/mail_reports.h"
#include "base/err.h"

#define LIST_POOL_MAX	((size_t)64 << 20)	/* names that wait: 200,000 of the longest */
#define DNS_POOL_MAX	((size_t)1 << 20)
#define DNS_ROUNDS_MAX	8			/* a walk, a permission, and what they lead to */

/* --- whose time has come --- */

struct waiting {
	int64_t		 day;
	struct sv	 domain;
	struct waiting	*next;
};

struct waiting_list {
	struct pool	*pool;
	struct waiting	*first, **last;
	int64_t		 from, now;
};

static int
waiting_add(void *arg, int64_t day, struct sv domain)
{
	struct waiting_list *l = arg;
	struct waiting *w;

	if (!mail_reports_is_time(domain, day, l->from, l->now))
		return 0;
	if ((w = pool_alloc(l->pool, sizeof(*w))) == NULL ||
	    (w->domain = pool_sv(l->pool, domain)).p == NULL)
		return -ENOMEM;
	w->day = day;
	w->next = NULL;
	*l->last = w;
	l->last = &w->next;
	return 0;
}

int
mail_reports_due(struct reports *store, int64_t last, int64_t now, unsigned *ret)
{
	_cleanup_(pool_freep) struct pool *pool = pool_new(LIST_POOL_MAX);
	struct waiting_list l = { .pool = pool, .from = last, .now = now };
	unsigned n;
	int rc;

	if (pool == NULL)
		return -ENOMEM;
	*ret = 0;
	l.last = &l.first;
	rc = reports_waiting(store, reports_day(now), waiting_add, &l);
	for (const struct waiting *w = l.first; w != NULL && rc == 0; w = w->next) {
		if ((rc = reports_make(store, w->domain, w->day, now, &n)) == 0)
			*ret += n;
	}
	return rc;
}

/* --- to whom --- */

struct made {
	struct reports_report report;
	struct made	*next;
};

struct made_list {
	struct pool	*pool;
	struct made	*first, **last;
	uint64_t	 after;
};

static int
made_add(void *arg, const struct reports_report *r)
{
	struct made_list *l = arg;
	struct made *m;

	if (r->id <= l->after)
		return 0;
	if ((m = pool_alloc(l->pool, sizeof(*m))) == NULL)
		return -ENOMEM;
	*m = (struct made){ .report = *r };
	m->report.domain = pool_sv(l->pool, r->domain);
	m->report.policy = pool_sv(l->pool, r->policy);
	if (m->report.domain.p == NULL || m->report.policy.p == NULL)
		return -ENOMEM;
	*l->last = m;
	l->last = &m->next;
	return 0;
}

/* The addresses as their record's reader sees them: it is the one who knows what is one. */
static int
uris_of(struct pool *pool, struct findings *fs, struct sv octets, struct dmarc_record **ret)
{
	struct buf b = BUF_INIT;
	const struct sv *uris;
	struct sv text;
	size_t n;
	int rc = mail_row_rua_parse(octets, pool, &uris, &n);

	if (rc < 0)
		return rc;
	buf_str(&b, "v=DMARC1; p=none; rua=");
	for (size_t i = 0; i < n; i++) {
		buf_str(&b, i == 0 ? "" : ",");
		buf_sv(&b, uris[i]);
	}
	text = b.rc < 0 ? (struct sv){ 0 } : pool_sv(pool, buf_get(&b));
	buf_done(&b);
	if (text.p == NULL)
		return -ENOMEM;
	return dmarc_record_parse(pool, text, fs, ret);
}

struct addressing {
	struct mail_reports_dns	*dns;
	struct pool		*pool;
	struct findings		 quiet;		/* of the record: told when mail came */
	struct findings		*fs;
	const struct dmarc_uri	*uris;
	size_t			 n_uris;
	struct dname		 where;
	struct report_address	*to;
	size_t			 n_to;
};

/* Until the DNS has said all; what it does not say at all is REPORT_TO_LATER. */
static int
destinations_ask(struct addressing *a, struct pool *scratch)
{
	int rc = MAIL_WAIT;

	for (unsigned i = 0; i < DNS_ROUNDS_MAX && rc == MAIL_WAIT; i++) {
		struct findings fs;

		pool_reset(scratch);
		findings_init(&fs, scratch);
		a->dns->ask.n_missing = 0;
		rc = report_to_check(&a->where, a->uris, a->n_uris, &a->dns->ask, scratch, &fs,
		    &a->to, &a->n_to);
		if (rc == 0)
			findings_append(a->fs, &fs);
		if (rc == MAIL_WAIT && (rc = a->dns->fill(a->dns->fill_arg, &a->dns->ask)) == 0)
			rc = MAIL_WAIT;
	}
	return rc;
}

/* "A@b.example": a mail's, without what could mean more than itself to a mail program. */
static bool
address_of(struct pool *pool, const struct dmarc_uri *u, struct sv *ret)
{
	char *p = pool_printf(pool, "%.*s@%.*s", SV_ARG(u->local), SV_ARG(u->domain));

	*ret = sv_str(p);
	return p != NULL && mail_address_check(*ret) == 0;
}

static int
address_keep(struct reports *store, struct addressing *a, int64_t now, const struct dmarc_uri *u,
    struct sv *to, size_t *n)
{
	uint64_t failures;
	int64_t at;
	int rc;

	if (*n == MAIL_REPORTS_TO_MAX || !address_of(a->pool, u, &to[*n]))
		return 0;
	if ((rc = reports_failures(store, to[*n], &failures, &at)) < 0)
		return rc;
	*n += !mail_reports_is_dead(failures, at, now);
	return 0;
}

/* All are known, or it waits as long as it may: an address that never answers gets none. */
static int
addresses_say(struct reports *store, struct addressing *a, const struct reports_report *r,
    int64_t now, bool *ret_said)
{
	struct sv to[MAIL_REPORTS_TO_MAX];
	bool is_late = now > r->made + MAIL_REPORTS_ASK_SEC;
	size_t n = 0;
	int rc = 0;

	*ret_said = false;
	for (size_t i = 0; i < a->n_to && rc == 0; i++) {
		if (a->to[i].verdict == REPORT_TO_LATER && !is_late)
			return 0;
		if (a->to[i].verdict == REPORT_TO_GOOD)
			rc = address_keep(store, a, now, &a->to[i].uri, to, &n);
	}
	if (rc == 0)
		rc = reports_address(store, r->id, to, n, now);
	*ret_said = rc == 0;
	return rc;
}

/* As a part of a header and of a file's name; only then can there be a mail about it. */
static bool
domain_ok(struct pool *pool, struct sv domain)
{
	char *p = pool_printf(pool, "x@%.*s", SV_ARG(domain));

	return p != NULL && mail_address_check(sv_str(p)) == 0;
}

static int
report_address(struct reports *store, struct addressing *a, struct pool *scratch,
    const struct reports_report *r, int64_t now, bool *ret_said)
{
	struct dmarc_record *record = NULL;
	struct sv rua;
	int rc = reports_rua(store, r->domain, a->pool, &rua);

	if (rc < 0 && rc != -ENOENT)
		return rc;
	if (rc == 0 && domain_ok(a->pool, r->domain) && mail_name(r->domain, &a->where) == 0 &&
	    (rc = uris_of(a->pool, &a->quiet, rua, &record)) < 0)
		return rc;
	if (record != NULL && record->n_rua > 0) {
		a->uris = record->rua;
		a->n_uris = record->n_rua;
		if ((rc = destinations_ask(a, scratch)) < 0)
			return rc;
		if (rc == MAIL_WAIT && now <= r->made + MAIL_REPORTS_ASK_SEC)
			return 0;
		if (rc == MAIL_WAIT)
			a->n_to = 0;
	}
	return addresses_say(store, a, r, now, ret_said);
}

static int
report_address_one(struct reports *store, struct mail_reports_dns *dns, struct findings *fs,
    const struct reports_report *r, int64_t now, bool *ret_said)
{
	_cleanup_(pool_freep) struct pool *pool = pool_new(DNS_POOL_MAX);
	_cleanup_(pool_freep) struct pool *scratch = pool_new(DNS_POOL_MAX);
	struct addressing a = { .dns = dns, .pool = pool, .fs = fs };

	if (pool == NULL || scratch == NULL)
		return -ENOMEM;
	findings_init(&a.quiet, pool);
	*ret_said = false;
	return report_address(store, &a, scratch, r, now, ret_said);
}

int
mail_reports_address(struct reports *store, struct mail_reports_dns *dns, struct findings *fs,
    int64_t now, unsigned *ret)
{
	_cleanup_(pool_freep) struct pool *pool = pool_new(LIST_POOL_MAX);
	struct made_list l = { .pool = pool, .after = dns->after };
	bool is_said;
	int rc;

	if (pool == NULL)
		return -ENOMEM;
	*ret = 0;
	l.last = &l.first;
	rc = reports_unaddressed(store, made_add, &l);
	for (const struct made *m = l.first; m != NULL && rc == 0; m = m->next) {
		if (dns->is_over != NULL && dns->is_over(dns->fill_arg))
			return 0;
		if ((rc = report_address_one(store, dns, fs, &m->report, now, &is_said)) == 0)
			*ret += is_said;
		dns->after = m->report.id;
	}
	if (rc == 0)
		dns->after = 0;
	return rc;
}
