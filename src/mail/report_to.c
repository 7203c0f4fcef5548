/* Who gets the reports of a domain: RFC 9990 section 4. */
#include <errno.h>

#include "mail/dmarc_internal.h"
#include "mail/report.h"

const struct finding_def report_findings[REPORT_CODE_MAX] = {
#define F FINDING_ROW_
#include "mail/report_findings.def"
#undef F
};

struct asking {
	struct dmarc_book	 book;
	const struct dname	*where;
	bool			 is_ruf;	/* reports of failures: the tag that counts */
	struct dmarc_walk	 org;		/* of where */
	struct findings		 unsaid;	/* about records as such: dmarc_check() has said them */
	struct findings		*fs;
	struct report_address	*to;
	size_t			 n, max;
};

/* --- what is said of an address --- */

static struct sv
text_of(struct pool *pool, struct sv a, const char *between, struct sv b)
{
	char *p = pool_printf(pool, "%.*s%s%.*s", SV_ARG(a), between, SV_ARG(b));

	return sv_str(p == NULL ? "?" : p);
}

static void
say(struct asking *a, enum report_code code, const struct dmarc_uri *u)
{
	finding_add(a->fs, &report_findings[code], FA_SV("domain", u->domain),
	    FA_SV("address", text_of(a->book.pool, u->local, "@", u->domain)));
}

static void
answer(struct asking *a, const struct dmarc_uri *u, enum report_to verdict)
{
	if (a->n < a->max)
		a->to[a->n++] = (struct report_address){ *u, verdict };
}

/* --- its permission --- */

/* "where._report._dmarc.host"; -E2BIG: "cannot be made". */
static int
permission_name(const struct dname *where, const struct dname *host, struct dname *ret)
{
	static const char middle[] = "\7_report\6_dmarc";
	size_t head = where->len - 1u, n = head + sizeof(middle) - 1;

	if (n + host->len > DNS_NAME_MAX)
		return -E2BIG;
	memcpy(ret->w, where->w, head);
	memcpy(ret->w + head, middle, sizeof(middle) - 1);
	memcpy(ret->w + n, host->w, host->len);
	ret->len = (uint8_t)(n + host->len);
	return 0;
}

/*
 * "If a "rua" tag is thus discovered, replace the corresponding value … the overriding URI
 * MUST use the same destination host from the first step"; otherwise nothing is sent "to
 * either the original or the override URI".
 */
static void
moved(struct asking *a, const struct dmarc_uri *u, const struct dmarc_uri *to, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!dname_eq(&to[i].name, &u->name)) {
			say(a, REPORT_TO_ELSEWHERE, u);
			answer(a, u, REPORT_TO_BAD);
			return;
		}
	say(a, REPORT_TO_MOVED, u);
	for (size_t i = 0; i < n; i++)
		answer(a, &to[i], REPORT_TO_GOOD);
}

/* "For each record returned …": the first that has a rua= (ruf=) decides where to. */
static int
permission_read(struct asking *a, const struct dmarc_uri *u, const struct mail_answer *found)
{
	bool is_there = false;

	for (size_t i = 0; i < found->n; i++) {
		struct sv text = mail_txt(a->book.pool, found->rdata[i]);
		struct dmarc_record *r = NULL;

		if (text.p == NULL || dmarc_record_parse(a->book.pool, text, &a->unsaid, &r) < 0)
			return -ENOMEM;
		if (r != NULL && (a->is_ruf ? r->n_ruf : r->n_rua) > 0) {
			moved(a, u, a->is_ruf ? r->ruf : r->rua, a->is_ruf ? r->n_ruf : r->n_rua);
			return 0;
		}
		is_there = is_there || r != NULL;
	}
	if (!is_there)
		say(a, REPORT_TO_REFUSED, u);
	answer(a, u, is_there ? REPORT_TO_GOOD : REPORT_TO_BAD);
	return 0;
}

static int
permission_ask(struct asking *a, const struct dmarc_uri *u)
{
	static const struct mail_answer no_name = { .rcode = MAIL_DNS_NXDOMAIN };
	const struct mail_answer *found = &no_name;
	struct dname at;

	if (permission_name(a->where, &u->name, &at) == 0 &&
	    mail_ask(a->book.ask, &at, RR_TXT, &found) == MAIL_WAIT)
		return MAIL_WAIT;
	if (found->rcode == MAIL_DNS_FAILED) {
		say(a, REPORT_TO_DNS, u);
		answer(a, u, REPORT_TO_LATER);
		return 0;
	}
	return permission_read(a, u, found);
}

/* --- an address --- */

static int
address_check(struct asking *a, const struct dmarc_uri *u)
{
	struct dmarc_walk org;
	int rc = dmarc_walk(&a->book, &u->name, &org);

	if (rc != 0)
		return rc;
	/* Which organization it is may be unknown; that the names are one never is. */
	if (dname_eq(&u->name, a->where) ||
	    (org.has_org && a->org.has_org && dname_eq(&org.org, &a->org.org))) {
		answer(a, u, REPORT_TO_GOOD);
		return 0;
	}
	if (!org.has_org || !a->org.has_org) {
		say(a, REPORT_TO_DNS, u);
		answer(a, u, REPORT_TO_LATER);
		return 0;
	}
	return permission_ask(a, u);
}

/* What all of them will ask for is under way at the same time. */
static int
addresses_check(struct asking *a, const struct dmarc_uri *rua, size_t n)
{
	bool wait = false;
	int rc = dmarc_walk(&a->book, a->where, &a->org);

	for (size_t i = 0; i < n; i++)
		dmarc_book_want(&a->book, &rua[i].name);
	if (rc != 0)
		return rc;
	for (size_t i = 0; i < n; i++) {
		if ((rc = address_check(a, &rua[i])) < 0)
			return rc;
		wait = wait || rc == MAIL_WAIT;
	}
	return wait ? MAIL_WAIT : 0;
}

static int
check(struct asking *a, const struct dmarc_uri *uris, size_t n, struct report_address **ret,
    size_t *ret_n)
{
	int rc;

	a->book.fs = &a->unsaid;
	findings_init(&a->unsaid, a->book.pool);
	if ((a->to = pool_calloc(a->book.pool, a->max, sizeof(*a->to))) == NULL)
		return -ENOMEM;
	if ((rc = addresses_check(a, uris, min_size(n, DMARC_URIS_MAX))) != 0)
		return rc;
	*ret = a->to;
	*ret_n = a->n;
	return 0;
}

int
report_to_check(const struct dname *where, const struct dmarc_uri *rua, size_t n,
    struct mail_ask *ask, struct pool *pool, struct findings *fs, struct report_address **ret,
    size_t *ret_n)
{
	struct asking a = { .book = { .ask = ask, .pool = pool }, .where = where, .fs = fs,
		.max = DMARC_URIS_MAX * DMARC_URIS_MAX };

	return check(&a, rua, n, ret, ret_n);
}

int
report_to_check_ruf(const struct dname *where, const struct dmarc_uri *ruf, size_t n,
    struct mail_ask *ask, struct pool *pool, struct findings *fs, struct report_address **ret,
    size_t *ret_n)
{
	struct asking a = { .book = { .ask = ask, .pool = pool }, .where = where, .is_ruf = true,
		.fs = fs, .max = DMARC_URIS_MAX * DMARC_URIS_MAX };

	return check(&a, ruf, n, ret, ret_n);
}
