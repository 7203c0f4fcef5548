/* Questions to resolvers, all that are missing at the same time: see app/mail_dns.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "app/mail_dns_internal.h"
#include "base/err.h"
#include "sys/clock.h"

#define MUCH	16	/* of all the time: less than that was no fair chance */

struct live_ask {
	struct mail_dns		*d;
	struct mail_dns_row	*row;
	struct stub		 stub;
	bool			 waiting;
};

/* Of a question that has no answer: in words, the resolver's own where it has some. */
static const char *
why_not(const struct stub *s, int rc)
{
	if (rc == SE_PEER && s->rcode == DNS_SERVFAIL)
		return N_("the resolver says SERVFAIL: their name servers do not answer, "
		    "or DNSSEC does not validate");
	if (rc == SE_PEER && s->rcode == DNS_REFUSED)
		return N_("the resolver refuses to answer (REFUSED)");
	return rc == -ETIMEDOUT ? N_("the resolver does not answer in time") : err_str(rc);
}

static void
one_less(struct live_ask *a)
{
	a->waiting = false;
	if (--a->d->n_waiting == 0)
		loop_stop(a->d->loop);
}

static void
done(void *arg, int rc, struct sv wire)
{
	struct live_ask *a = arg;
	struct mail_dns_row *r = a->row;
	struct dns_head h;

	if (rc == 0)
		rc = wire_answer(wire, a->d->room, a->d->pool, &r->q, &r->answer, &r->why);
	if (rc == -ENOMEM)
		a->d->rc = rc;
	else if (rc < 0)
		r->why = rc == -EBADMSG ? N_("the resolver's answer cannot be read") :
		    why_not(&a->stub, rc);
	else if (answer_head(wire, &h) == 0)
		r->answer.secure = a->d->resolvers.here && (h.flags & DNS_AD) != 0;
	one_less(a);
}

static void
too_late(void *arg)
{
	loop_stop(arg);
}

static int64_t
left_usec(struct mail_dns *d)
{
	int64_t now = clock_mono_usec();

	if (d->end_usec == 0)
		d->end_usec = now + d->usec;
	return max_i64(d->end_usec - now, 0);
}

/*
 * Half of what is left: one name server that is silent must not take the time of what has to
 * be asked after it.
 */
static int64_t
round_usec(struct mail_dns *d)
{
	return left_usec(d) / 2 + 1;
}

static int
wait_all(struct mail_dns *d)
{
	struct loop_timer *t = loop_timer_add(d->loop, too_late, d->loop);
	int rc = 0;

	if (t == NULL)
		return -ENOMEM;
	if ((rc = loop_timer_set(t, round_usec(d))) == 0 && d->n_waiting > 0)
		rc = loop_run(d->loop);
	(void)loop_timer_del(t);
	return rc;
}

/* On the first question: most messages of a milter have none that is new. */
static int
live_open(struct mail_dns *d)
{
	if (d->loop != NULL)
		return 0;
	if ((d->room = d->stubs.room = malloc(DNS_RDATA_MAX)) == NULL)
		return -ENOMEM;
	memcpy(d->stubs.resolver, d->resolvers.to, sizeof(d->stubs.resolver));
	d->stubs.n_resolvers = d->resolvers.n;
	if ((d->loop = loop_new()) == NULL)
		return -ENOMEM;
	return dnsask_new(d->loop, MAIL_MISSING_MAX, &d->stubs.asker);
}

int
live_fill(struct mail_dns *d, struct mail_dns_row *const *rows, size_t n)
{
	struct live_ask asks[MAIL_MISSING_MAX];
	int rc = live_open(d);

	if (rc < 0)
		return rc;
	for (size_t i = 0; i < n; i++) {
		struct live_ask *a = &asks[i];

		*a = (struct live_ask){ .d = d, .row = rows[i] };
		rc = stub_ask(&a->stub, &d->stubs, &rows[i]->q.name, rows[i]->q.type,
		    DNS_STUB_SHORT, done, a);
		if ((a->waiting = rc == 0))
			d->n_waiting++;
		else
			rows[i]->why = err_str(rc);
	}
	rc = wait_all(d);
	for (size_t i = 0; i < n; i++)
		if (asks[i].waiting) {
			stub_cancel(&asks[i].stub);
			asks[i].row->why = left_usec(d) > d->usec / MUCH ?
			    N_("the resolver does not answer in time") :
			    N_("there was no time left for it");
		}
	d->n_waiting = 0;
	return rc < 0 ? rc : d->rc;
}
