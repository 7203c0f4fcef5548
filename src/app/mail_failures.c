/* Failure reports: taken in, addressed, sent. See app/mail_failures.h. */
#include <errno.h>

#include "app/mail.h"
#include "app/mail_failure.h"
#include "app/mail_failures.h"
#include "app/mail_journal.h"
#include "base/err.h"
#include "crypto/crypto.h"

#define LIST_POOL_MAX	((size_t)MAIL_FAILURES_BATCH_MAX * 2 * MAIL_FAILURE_OCTETS_MAX)
#define DNS_POOL_MAX	((size_t)1 << 20)
#define DNS_ROUNDS_MAX	8			/* a walk, a permission, and what they lead to */
#define ID_OCTETS	16			/* of a digest: as many letters as hex has for them */

/* --- in --- */

struct taking {
	struct reports			*store;
	struct reports_mails_limits	 limits;
	struct mail_failures_taken	 taken;
};

/* What is none would be none the next time either. */
static int
octets_take(void *arg, struct sv octets)
{
	struct taking *t = arg;
	enum reports_mails_added added;
	struct mail_failure f;
	int rc;

	if (mail_failure_parse(octets, &f) < 0) {
		t->taken.n_bad++;
		return 0;
	}
	const struct reports_mail m = { .node = f.node, .queue_id = f.queue_id, .at = f.at,
	    .domain = f.domain, .alike = f.alike, .octets = octets };

	if ((rc = reports_mails_add(t->store, &m, &t->limits, &added)) == 0)
		t->taken.n[added]++;
	return rc;
}

int
mail_failures_take(struct reports *store, const struct mail_failures_conf *c, struct sv segment,
    struct mail_failures_taken *ret)
{
	struct taking t = { .store = store, .limits = { c->per_domain, c->per_day } };
	int rc = reports_begin(store);

	if (rc < 0)
		return rc;
	rc = mail_journal_read(segment, octets_take, &t, &t.taken.lost);
	if ((rc = reports_end(store, rc)) < 0)
		return rc;
	*ret = t.taken;
	return 0;
}

/* --- those that are handed out, copied, as nothing may be asked of the store meanwhile --- */

struct list {
	struct pool			*pool;
	struct reports_mail_sending	 items[MAIL_FAILURES_BATCH_MAX];
	size_t				 n;
};

static bool
copy(struct pool *pool, struct sv *s)
{
	return (*s = pool_sv(pool, *s)).p != NULL;
}

static int
sending_keep(void *arg, const struct reports_mail_sending *s)
{
	struct list *l = arg;
	struct reports_mail_sending *to = &l->items[l->n];

	if (l->n == MAIL_FAILURES_BATCH_MAX)
		return 0;
	*to = *s;
	l->n++;
	return copy(l->pool, &to->mail.domain) && copy(l->pool, &to->mail.octets) &&
	    copy(l->pool, &to->address) && copy(l->pool, &to->error) ? 0 : -ENOMEM;
}

static int
mail_keep(void *arg, const struct reports_mail *m)
{
	const struct reports_mail_sending s = { .mail = *m, .address = SV(""), .error = SV("") };

	return sending_keep(arg, &s);
}

/* --- to whom --- */

struct addressing {
	struct mail_reports_dns	*dns;
	struct pool		*pool, *scratch;
	struct findings		*fs;
	struct dname		 where;
	struct dmarc_uri	 uris[DMARC_URIS_MAX];
	size_t			 n_uris;
	struct report_address	*to;
	size_t			 n_to;
};

/* "local@domain", as the gate wrote it from the record; one that could mean more than itself is none. */
static void
uris_take(struct addressing *a, const struct mail_failure *f)
{
	for (size_t i = 0; i < f->n_to; i++) {
		size_t at = sv_rfind(f->to[i], '@');
		struct dmarc_uri u = { .local = sv_take(f->to[i], at), .domain = sv_skip(f->to[i], at + 1) };

		if (mail_address_check(f->to[i]) == 0 && mail_name(u.domain, &u.name) == 0)
			a->uris[a->n_uris++] = u;
	}
}

static int
destinations_ask(struct addressing *a)
{
	int rc = MAIL_WAIT;

	for (unsigned i = 0; i < DNS_ROUNDS_MAX && rc == MAIL_WAIT; i++) {
		struct findings fs;

		pool_reset(a->scratch);
		findings_init(&fs, a->scratch);
		a->dns->ask.n_missing = 0;
		rc = report_to_check_ruf(&a->where, a->uris, a->n_uris, &a->dns->ask, a->scratch, &fs,
		    &a->to, &a->n_to);
		if (rc == 0)
			findings_append(a->fs, &fs);
		if (rc == MAIL_WAIT && (rc = a->dns->fill(a->dns->fill_arg, &a->dns->ask)) == 0)
			rc = MAIL_WAIT;
	}
	return rc;
}

/* It refused the reports of days, or those of messages. */
static int
address_is_dead(struct reports *store, struct sv to, int64_t now, bool *ret)
{
	uint64_t failures;
	int64_t at;
	int rc;

	*ret = true;
	if ((rc = reports_failures(store, to, &failures, &at)) < 0 || mail_reports_is_dead(failures, at, now))
		return rc;
	if ((rc = reports_mails_failures(store, to, &failures, &at)) == 0)
		*ret = mail_reports_is_dead(failures, at, now);
	return rc;
}

static int
address_keep(struct reports *store, struct addressing *a, int64_t now, const struct dmarc_uri *u,
    struct sv *to, size_t *n)
{
	bool is_dead;
	int rc;

	if (*n == MAIL_REPORTS_TO_MAX)
		return 0;
	to[*n] = sv_str(pool_printf(a->pool, "%.*s@%.*s", SV_ARG(u->local), SV_ARG(u->domain)));
	if (to[*n].p == NULL)
		return -ENOMEM;
	if (mail_address_check(to[*n]) < 0)
		return 0;
	if ((rc = address_is_dead(store, to[*n], now, &is_dead)) < 0)
		return rc;
	*n += !is_dead;
	return 0;
}

/* false in *ret_said: the DNS has not said it all, and there is time. */
static int
addresses_say(struct reports *store, struct addressing *a, const struct reports_mail *m,
    int64_t now, bool *ret_said)
{
	struct sv to[MAIL_REPORTS_TO_MAX];
	bool is_late = now > m->at + MAIL_FAILURES_END_SEC;
	size_t n = 0;
	int rc = 0;

	for (size_t i = 0; i < a->n_to && rc == 0; i++) {
		if (a->to[i].verdict == REPORT_TO_LATER && !is_late)
			return 0;
		if (a->to[i].verdict == REPORT_TO_GOOD && !is_late)
			rc = address_keep(store, a, now, &a->to[i].uri, to, &n);
	}
	if (rc == 0)
		rc = reports_mails_address(store, m->id, to, n, now);
	*ret_said = rc == 0;
	return rc;
}

static int
mail_address(struct reports *store, struct addressing *a, const struct reports_mail *m,
    int64_t now, bool *ret_said)
{
	struct mail_failure f;
	int rc = 0;

	*ret_said = false;
	a->n_uris = a->n_to = 0;
	pool_reset(a->pool);
	if (mail_failure_parse(m->octets, &f) == 0 && mail_name(f.domain, &a->where) == 0)
		uris_take(a, &f);
	if (a->n_uris > 0 && (rc = destinations_ask(a)) < 0)
		return rc;
	if (rc == MAIL_WAIT && now <= m->at + MAIL_FAILURES_END_SEC)
		return 0;
	return addresses_say(store, a, m, now, ret_said);
}

int
mail_failures_address(struct reports *store, struct mail_reports_dns *dns, struct findings *fs,
    int64_t now, unsigned *ret)
{
	_cleanup_(pool_freep) struct pool *keep = pool_new(LIST_POOL_MAX);
	_cleanup_(pool_freep) struct pool *pool = pool_new(DNS_POOL_MAX);
	_cleanup_(pool_freep) struct pool *scratch = pool_new(DNS_POOL_MAX);
	struct addressing a = { .dns = dns, .pool = pool, .scratch = scratch, .fs = fs };
	struct list l = { .pool = keep };
	bool is_said;
	int rc;

	if (keep == NULL || pool == NULL || scratch == NULL)
		return -ENOMEM;
	*ret = 0;
	rc = reports_mails_unaddressed(store, now - MAIL_FAILURES_GATHER_SEC, dns->after,
	    MAIL_FAILURES_BATCH_MAX, mail_keep, &l);
	for (size_t i = 0; i < l.n && rc == 0; i++) {
		if (dns->is_over != NULL && dns->is_over(dns->fill_arg))
			return 0;
		if ((rc = mail_address(store, &a, &l.items[i].mail, now, &is_said)) == 0) {
			*ret += is_said;
			dns->after = l.items[i].mail.id;
		}
	}
	if (rc == 0 && l.n < MAIL_FAILURES_BATCH_MAX)
		dns->after = 0;
	return rc;
}

/* --- out --- */

/* Minutes to the next attempt. */
static const uint16_t pauses[] = { 5, 15, 60, 240 };

struct reports_outcome
mail_failures_outcome(const struct reports_mail_sending *s, enum mail_reports_sent sent,
    struct sv error, int64_t now)
{
	struct reports_outcome o = { .state = REPORTS_SENT, .at = now, .error = error };
	size_t i = s->attempts < ARRAY_LEN(pauses) ? (size_t)s->attempts : ARRAY_LEN(pauses) - 1;

	if (sent == MAIL_REPORTS_GOOD)
		return o;
	o.state = REPORTS_GIVEN_UP;
	o.is_failure = sent == MAIL_REPORTS_NEVER;
	o.next = now + pauses[i] * INT64_C(60);
	if (sent == MAIL_REPORTS_LATER && o.next <= s->mail.at + MAIL_FAILURES_END_SEC)
		o.state = REPORTS_DUE;
	return o;
}

/* The same for each attempt, so that a second copy is known to be one. */
static struct sv
id_make(struct sv octets, char text[static 2 * ID_OCTETS])
{
	static const char hex[] = "0123456789abcdef";
	uint8_t sum[SHA256_LEN];

	crypto_sha256(octets.p, octets.n, sum);
	for (size_t i = 0; i < ID_OCTETS; i++) {
		text[2 * i] = hex[sum[i] >> 4];
		text[2 * i + 1] = hex[sum[i] & 15];
	}
	return (struct sv){ text, 2 * ID_OCTETS };
}

static int
mail_make(const struct mail_failures_conf *c, const struct reports_mail_sending *s, int64_t now,
    struct buf *b)
{
	char id[2 * ID_OCTETS];
	struct mail_failure f;

	if (mail_failure_parse(s->mail.octets, &f) < 0)
		return -EBADMSG;
	const struct report_failure_mail m = { .from = c->email, .to = s->address,
	    .submitter = c->submitter, .domain = f.domain, .id = id_make(s->mail.octets, id),
	    .agent = c->agent, .at = now, .incidents = s->mail.incidents, .feedback = f.feedback,
	    .head = f.head };

	return report_failure_mail_write(b, &m);
}

struct sending {
	struct reports			*store;
	const struct mail_failures_conf	*conf;
	int64_t				 now;
	mail_failures_send_fn		 fn;
	void				*arg;
	enum mail_reports_sent		 sent;		/* the last one */
};

static int
one_send(struct sending *x, const struct reports_mail_sending *s)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	struct sv error = SV("");
	struct reports_outcome o = { .state = REPORTS_GIVEN_UP, .at = x->now,
		.error = SV("this report cannot be written") };
	int rc = mail_make(x->conf, s, x->now, &b);

	if (rc == -ENOMEM)
		return rc;
	if (rc == 0 && x->now > s->mail.at + MAIL_FAILURES_END_SEC)
		o.error = SV("this report is too old to be of use");
	else if (rc == 0) {
		if ((x->sent = x->fn(x->arg, s->address, buf_get(&b), &error)) == MAIL_REPORTS_AWAY)
			return 0;
		o = mail_failures_outcome(s, x->sent, error, x->now);
	}
	return reports_mails_tried(x->store, s->mail.id, s->address, &o);
}

int
mail_failures_send(struct reports *store, const struct mail_failures_conf *c, int64_t now,
    mail_failures_send_fn fn, void *arg, unsigned *ret)
{
	_cleanup_(pool_freep) struct pool *pool = pool_new(LIST_POOL_MAX);
	struct sending x = { store, c, now, fn, arg, MAIL_REPORTS_GOOD };
	struct list l = { .pool = pool };
	int rc;

	if (pool == NULL)
		return -ENOMEM;
	*ret = 0;
	rc = reports_mails_due(store, now, MAIL_FAILURES_BATCH_MAX, sending_keep, &l);
	for (size_t i = 0; i < l.n && rc == 0 && x.sent != MAIL_REPORTS_AWAY; i++)
		if ((rc = one_send(&x, &l.items[i])) == 0)
			*ret += x.sent != MAIL_REPORTS_AWAY;
	return rc;
}

int
mail_failures_prune(struct reports *store, int64_t now, bool *ret_more)
{
	return reports_mails_prune(store, now - MAIL_FAILURES_KEEP_SEC, ret_more);
}
