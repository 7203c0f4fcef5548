/* Reports are made at their time, and get their addresses. */
#include <errno.h>
#include <stdlib.h>

#include "app/mail.h"
#include "app/mail_reports.h"
#include "base/err.h"

#define LIST_POOL_MAX	((size_t)4 << 20)	/* MAIL_REPORTS_DUE_MAX names, MAIL_REPORTS_ADDRESS_MAX reports */
#define DNS_POOL_MAX	((size_t)1 << 20)
#define DNS_ROUNDS_MAX	12			/* walks, permissions, and what they lead to */
#define TOGETHER	100			/* domains of one transaction: the disk is waited for once */
#define AHEAD_SEC	3600			/* more than a clock is set right by */

/* --- whose time has come --- */

struct waiting {
	int64_t		 day;
	struct sv	 domain;
	struct waiting	*next;
};

struct waiting_list {
	struct pool	*pool;
	struct waiting	*first, **last;
	unsigned	 n;
	bool		 has_more;
	int64_t		 from, now;
};

static int
waiting_add(void *arg, int64_t day, struct sv domain)
{
	struct waiting_list *l = arg;
	struct waiting *w;

	if (!mail_reports_is_time(domain, day, l->from, l->now))
		return 0;
	if (l->n == MAIL_REPORTS_DUE_MAX) {
		l->has_more = true;
		return 0;
	}
	if ((w = pool_alloc(l->pool, sizeof(*w))) == NULL ||
	    (w->domain = pool_sv(l->pool, domain)).p == NULL)
		return -ENOMEM;
	w->day = day;
	w->next = NULL;
	*l->last = w;
	l->last = &w->next;
	l->n++;
	return 0;
}

/* *w: the first of the next ones. */
static int
together_make(struct reports *store, const struct waiting **w, int64_t now, unsigned *made)
{
	unsigned n, n_made = 0;
	int rc = reports_begin(store);

	if (rc < 0)
		return rc;
	for (unsigned i = 0; i < TOGETHER && *w != NULL && rc == 0; i++, *w = (*w)->next)
		if ((rc = reports_make(store, (*w)->domain, (*w)->day, now, &n)) == 0)
			n_made += n;
	if ((rc = reports_end(store, rc)) == 0)
		*made += n_made;
	return rc;
}

/* A clock that was ahead of time, and said so, does not hold up reports until that time. */
static int64_t
moments_from(int64_t last, int64_t now)
{
	return last > now + AHEAD_SEC ? now - REPORTS_DAY_SEC : last;
}

int
mail_reports_due(struct reports *store, int64_t last, int64_t now, unsigned *ret, bool *ret_more)
{
	_cleanup_(pool_freep) struct pool *pool = pool_new(LIST_POOL_MAX);
	struct waiting_list l = { .pool = pool, .from = moments_from(last, now), .now = now };
	const struct waiting *w;
	int rc;

	if (pool == NULL)
		return -ENOMEM;
	*ret = 0;
	l.last = &l.first;
	rc = reports_waiting(store, reports_day(now), waiting_add, &l);
	for (w = l.first; w != NULL && rc == 0;)
		rc = together_make(store, &w, now, ret);
	if (rc == 0)
		*ret_more = l.has_more;
	return rc;
}

/* --- to whom --- */

/* One report, and what is learned about where it goes. */
struct addressing {
	struct reports_report	 report;
	struct mail_reports_dns	*dns;
	struct pool		*pool, *scratch;
	struct findings		 quiet;		/* of the record: told when mail came */
	struct findings		*fs;
	const struct dmarc_uri	*uris;
	size_t			 n_uris;
	struct dname		 where;
	struct report_address	*to;		/* of rc 0 */
	size_t			 n_to;
	int			 rc;		/* 0: all is known; MAIL_WAIT; -ENOMEM: more than it may take */
};

struct addressing_list {
	struct addressing	 items[MAIL_REPORTS_ADDRESS_MAX];
	size_t			 n;
};

static void
addressing_list_done(struct addressing_list *l)
{
	for (size_t i = 0; i < l->n; i++) {
		(void)pool_free(l->items[i].pool);
		(void)pool_free(l->items[i].scratch);
	}
}

static int
made_add(void *arg, const struct reports_report *r)
{
	struct addressing_list *l = arg;
	struct addressing *a = &l->items[l->n];

	if (l->n == MAIL_REPORTS_ADDRESS_MAX)
		return 0;
	*a = (struct addressing){ .report = *r, .pool = pool_new(DNS_POOL_MAX),
		.scratch = pool_new(DNS_POOL_MAX) };
	l->n++;
	if (a->pool == NULL || a->scratch == NULL)
		return -ENOMEM;
	findings_init(&a->quiet, a->pool);
	a->report.domain = pool_sv(a->pool, r->domain);
	a->report.policy = SV("");
	return a->report.domain.p == NULL ? -ENOMEM : 0;
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

/* As a part of a header and of a file's name; only then can there be a mail about it. */
static bool
domain_ok(struct pool *pool, struct sv domain)
{
	char *p = pool_printf(pool, "x@%.*s", SV_ARG(domain));

	return p != NULL && mail_address_check(sv_str(p)) == 0;
}

/* What its owner asked for, and so what is to be asked. */
static int
wish_take(struct reports *store, struct addressing *a)
{
	struct dmarc_record *record = NULL;
	struct sv rua;
	int rc = reports_rua(store, a->report.domain, a->pool, &rua);

	if (rc < 0)
		return rc == -ENOENT ? 0 : rc;
	if (!domain_ok(a->pool, a->report.domain) || mail_name(a->report.domain, &a->where) < 0)
		return 0;
	if ((rc = uris_of(a->pool, &a->quiet, rua, &record)) < 0)
		return rc == -ENOMEM ? rc : 0;
	if (record == NULL || record->n_rua == 0)
		return 0;
	a->uris = record->rua;
	a->n_uris = record->n_rua;
	a->rc = MAIL_WAIT;
	return 0;
}

static void
destinations_check(struct addressing *a)
{
	struct findings fs;

	pool_reset(a->scratch);
	findings_init(&fs, a->scratch);
	a->rc = report_to_check(&a->where, a->uris, a->n_uris, &a->dns->ask, a->scratch, &fs,
	    &a->to, &a->n_to);
	if (a->rc == 0)
		findings_append(a->fs, &fs);
}

static bool
missing_fill(struct mail_reports_dns *dns)
{
	int rc = dns->ask.n_missing == 0 ? 0 : dns->fill(dns->fill_arg, &dns->ask);

	dns->ask.n_missing = 0;
	dns->has_room = dns->has_room && rc != -ENOMEM;
	return rc == 0;
}

/*
 * All at the same time, so that one whose name servers are silent costs the others nothing.
 * What the DNS does not say at all is REPORT_TO_LATER; who is still waiting at the end does so.
 */
static void
destinations_ask(struct addressing_list *l, struct mail_reports_dns *dns)
{
	bool waits = true;

	dns->ask.n_missing = 0;
	for (unsigned round = 0; round < DNS_ROUNDS_MAX && waits; round++) {
		waits = false;
		for (size_t i = 0; i < l->n; i++) {
			if (l->items[i].rc != MAIL_WAIT)
				continue;
			destinations_check(&l->items[i]);
			waits = waits || l->items[i].rc == MAIL_WAIT;
			/* Half is left for the next one's. */
			if (dns->ask.n_missing >= MAIL_MISSING_MAX / 2 && !missing_fill(dns))
				return;
		}
		if (!missing_fill(dns))
			return;
	}
}

/* --- said --- */

/*
 * "A@b.example": a mail's, without what could mean more than itself to a mail program. In small
 * letters behind the "@", so that one that is named twice is one.
 */
static bool
address_of(struct pool *pool, const struct dmarc_uri *u, struct sv *ret)
{
	char *p = pool_printf(pool, "%.*s@%.*s", SV_ARG(u->local), SV_ARG(u->domain));

	for (char *c = p == NULL ? NULL : p + u->local.n; c != NULL && *c != '\0'; c++)
		if (*c >= 'A' && *c <= 'Z')
			*c = (char)(*c - 'A' + 'a');
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

static bool
has_later(const struct addressing *a)
{
	for (size_t i = 0; i < a->n_to; i++)
		if (a->to[i].verdict == REPORT_TO_LATER)
			return true;
	return false;
}

/* All are known, or it waits as long as it may: an address that never answers gets none. */
static int
addresses_say(struct reports *store, struct addressing *a, int64_t now, unsigned *n_said)
{
	struct sv to[MAIL_REPORTS_TO_MAX];
	size_t n = 0;
	int rc = 0;

	if ((a->rc != 0 || has_later(a)) && now <= a->report.made + MAIL_REPORTS_ASK_SEC)
		return 0;
	for (size_t i = 0; i < a->n_to && rc == 0; i++)
		if (a->to[i].verdict == REPORT_TO_GOOD)
			rc = address_keep(store, a, now, &a->to[i].uri, to, &n);
	if (rc == 0)
		rc = reports_address(store, a->report.id, to, n, now);
	*n_said += rc == 0;
	return rc == -EEXIST ? 0 : rc;
}

static int
all_say(struct reports *store, struct addressing_list *l, int64_t now, unsigned *ret)
{
	unsigned n_said = 0;
	int rc = reports_begin(store);

	if (rc < 0)
		return rc;
	for (size_t i = 0; i < l->n && rc == 0; i++)
		rc = addresses_say(store, &l->items[i], now, &n_said);
	if ((rc = reports_end(store, rc)) == 0)
		*ret = n_said;
	return rc;
}

static int
list_address(struct reports *store, struct addressing_list *l, struct mail_reports_dns *dns,
    struct findings *fs, int64_t now, unsigned *ret)
{
	int rc = 0;

	for (size_t i = 0; i < l->n && rc == 0; i++) {
		l->items[i].dns = dns;
		l->items[i].fs = fs;
		rc = wish_take(store, &l->items[i]);
	}
	if (rc < 0)
		return rc;
	destinations_ask(l, dns);
	return l->n == 0 ? 0 : all_say(store, l, now, ret);
}

int
mail_reports_address(struct reports *store, struct mail_reports_dns *dns, struct findings *fs,
    int64_t now, unsigned *ret)
{
	size_t max = dns->max == 0 ? MAIL_REPORTS_ADDRESS_MAX : dns->max;
	struct addressing_list *l = calloc(1, sizeof(*l));
	int rc;

	if (l == NULL)
		return -ENOMEM;
	*ret = 0;
	dns->has_room = true;
	if ((rc = reports_unaddressed(store, dns->after, max, made_add, l)) == 0 &&
	    (rc = list_address(store, l, dns, fs, now, ret)) == 0) {
		dns->has_more = l->n == max || (!dns->has_room && l->n > 1);
		/* Those for whom there was no room have their turn again, fewer at a time. */
		if (l->n > 0 && (dns->has_room || l->n == 1))
			dns->after = l->items[l->n - 1].report.id;
	}
	addressing_list_done(l);
	free(l);
	return rc;
}
