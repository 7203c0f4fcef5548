/* A DNS out of rows. Lists are searched from their head: a test has some dozen names. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dns_fake.h"

#define FAKE_POOL_MAX	(64 * 1024 * 1024)	/* bytes; answers are made anew for each question */
#define FAKE_CNAMES_MAX	10			/* then it is a loop */
#define FAKE_LEARNED_MAX 1024

struct fake_rr {
	struct fake_rr	*next;
	uint16_t	 type;
	struct sv	 rdata;
};

struct fake_name {
	struct fake_name *next;
	struct dname	 name;
	struct fake_rr	*head, **tail;
	bool		 is_failed;
};

struct dns_fake {
	struct pool	 *pool;
	struct fake_name *names;
	bool		 is_slow, is_secure;
	size_t		 n_learned;
	struct mail_question learned[FAKE_LEARNED_MAX];
};

struct dns_fake *
dns_fake_new(void)
{
	struct dns_fake *d = calloc(1, sizeof(*d));

	if (d == NULL || (d->pool = pool_new(FAKE_POOL_MAX)) == NULL)
		return dns_fake_free(d);
	return d;
}

struct dns_fake *
dns_fake_free(struct dns_fake *d)
{
	if (d != NULL)
		(void)pool_free(d->pool);
	free(d);
	return NULL;
}

void
dns_fake_secure(struct dns_fake *d, bool is_secure)
{
	d->is_secure = is_secure;
}

void
dns_fake_slow(struct dns_fake *d, bool is_slow)
{
	d->is_slow = is_slow;
}

/* --- rows --- */

static struct fake_name *
name_find(const struct dns_fake *d, const struct dname *name)
{
	for (struct fake_name *n = d->names; n != NULL; n = n->next)
		if (dname_eq(&n->name, name))
			return n;
	return NULL;
}

static bool
name_is_above(const struct dns_fake *d, const struct dname *name)
{
	for (struct fake_name *n = d->names; n != NULL; n = n->next)
		if (dname_within(&n->name, name))
			return true;
	return false;
}

static int
name_add(struct dns_fake *d, struct sv text, struct fake_name **ret)
{
	struct fake_name *n;
	struct dname name;

	if (mail_name(text, &name) < 0)
		return -EINVAL;
	if ((n = name_find(d, &name)) == NULL) {
		if ((n = pool_alloc(d->pool, sizeof(*n))) == NULL)
			return -ENOMEM;
		n->name = name;
		n->tail = &n->head;
		n->next = d->names;
		d->names = n;
	}
	*ret = n;
	return 0;
}

int
dns_fake_fail(struct dns_fake *d, struct sv name)
{
	struct fake_name *n = NULL;
	int rc = name_add(d, name, &n);

	if (rc == 0)
		n->is_failed = true;
	return rc;
}

int
dns_fake_add_wire(struct dns_fake *d, struct sv name, uint16_t type, struct sv rdata)
{
	struct fake_name *n = NULL;
	struct fake_rr *rr;
	int rc = name_add(d, name, &n);

	if (rc < 0)
		return rc;
	if (!rdata_ok(type, rdata))
		return -EINVAL;
	if ((rr = pool_alloc(d->pool, sizeof(*rr))) == NULL)
		return -ENOMEM;
	rr->type = type;
	rr->rdata = pool_sv(d->pool, rdata);
	*n->tail = rr;
	n->tail = &rr->next;
	return rr->rdata.p == NULL ? -ENOMEM : 0;
}

int
dns_fake_add_txt(struct dns_fake *d, struct sv name, struct sv text)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;

	do {
		struct sv s = sv_take(text, 255);

		buf_char(&b, (char)s.n);
		buf_sv(&b, s);
		text = sv_skip(text, s.n);
	} while (text.n > 0);
	return b.rc < 0 ? b.rc : dns_fake_add_wire(d, name, RR_TXT, buf_get(&b));
}

int
dns_fake_add(struct dns_fake *d, const char *name, const char *type, const char *text)
{
	uint8_t *rdata = malloc(DNS_RDATA_MAX);
	uint16_t number;
	size_t n = 0;
	int rc = -EINVAL;

	if (rdata == NULL)
		return -ENOMEM;
	if (rrtype_parse(sv_str(type), &number) == 0 &&
	    rdata_parse(number, sv_str(text), &DNAME_ROOT, rdata, &n) == 0)
		rc = dns_fake_add_wire(d, sv_str(name), number, (struct sv){ (char *)rdata, n });
	free(rdata);
	return rc;
}

/* --- what is known --- */

static bool
question_eq(const struct mail_question *a, const struct mail_question *b)
{
	return a->type == b->type && dname_eq(&a->name, &b->name);
}

static bool
is_learned(const struct dns_fake *d, const struct mail_question *q)
{
	for (size_t i = 0; i < d->n_learned; i++)
		if (question_eq(&d->learned[i], q))
			return true;
	return false;
}

void
dns_fake_learn(struct dns_fake *d, struct mail_ask *ask)
{
	for (size_t i = 0; i < ask->n_missing; i++)
		if (!is_learned(d, &ask->missing[i]) && d->n_learned < FAKE_LEARNED_MAX)
			d->learned[d->n_learned++] = ask->missing[i];
	ask->n_missing = 0;
}

void
dns_fake_forget(struct dns_fake *d)
{
	d->n_learned = 0;
}

size_t
dns_fake_learned(const struct dns_fake *d)
{
	return d->n_learned;
}

const struct mail_question *
dns_fake_question(const struct dns_fake *d, size_t n)
{
	return &d->learned[n];
}

bool
dns_fake_has(const struct dns_fake *d, struct sv text, uint16_t type)
{
	struct fake_name *n;
	struct dname name;

	if (mail_name(text, &name) < 0 || (n = name_find(d, &name)) == NULL)
		return false;
	for (struct fake_rr *rr = n->head; rr != NULL; rr = rr->next)
		if (rr->type == type)
			return true;
	return false;
}

/* --- answers --- */

static const struct mail_answer *
answer_new(struct dns_fake *d, enum mail_rcode rcode)
{
	struct mail_answer *a = pool_alloc(d->pool, sizeof(*a));

	if (a == NULL)
		abort();		/* a test that asks this much is wrong */
	*a = (struct mail_answer){ .rcode = rcode, .ttl_sec = 300, .secure = d->is_secure };
	return a;
}

static size_t
rrs_count(const struct fake_name *n, uint16_t type)
{
	size_t count = 0;

	for (struct fake_rr *rr = n->head; rr != NULL; rr = rr->next)
		count += rr->type == type;
	return count;
}

static const struct mail_answer *
answer_of(struct dns_fake *d, const struct fake_name *name, uint16_t type)
{
	struct mail_answer *a = pool_alloc(d->pool, sizeof(*a));
	size_t n = rrs_count(name, type);
	struct sv *rdata = pool_calloc(d->pool, n, sizeof(*rdata));

	if (a == NULL || rdata == NULL)
		abort();
	*a = (struct mail_answer){ .rcode = MAIL_DNS_FOUND, .ttl_sec = 300, .secure = d->is_secure,
	    .rdata = rdata };
	for (struct fake_rr *rr = name->head; rr != NULL; rr = rr->next)
		if (rr->type == type)
			rdata[a->n++] = rr->rdata;
	return a;
}

static bool
cname_follow(const struct fake_name *n, struct dname *ret)
{
	for (struct fake_rr *rr = n->head; rr != NULL; rr = rr->next)
		if (rr->type == RR_CNAME) {
			struct rd r = rd_sv(rr->rdata);

			dname_rd(&r, ret);
			return true;
		}
	return false;
}

const struct mail_answer *
dns_fake_find(void *arg, const struct mail_question *q)
{
	struct dns_fake *d = arg;
	struct dname name = q->name;

	if (d->is_slow && !is_learned(d, q))
		return NULL;
	for (unsigned i = 0; i < FAKE_CNAMES_MAX; i++) {
		const struct fake_name *n = name_find(d, &name);

		if (n == NULL)
			return answer_new(d, name_is_above(d, &name) ? MAIL_DNS_NODATA :
			    MAIL_DNS_NXDOMAIN);
		if (rrs_count(n, q->type) > 0)
			return answer_of(d, n, q->type);
		if (n->is_failed)
			return answer_new(d, MAIL_DNS_FAILED);
		if (!cname_follow(n, &name))
			return answer_new(d, MAIL_DNS_NODATA);
	}
	return answer_new(d, MAIL_DNS_FAILED);
}
