/* Reports are made, addressed, sent and forgotten; by the node that has the lock. */
#include <errno.h>
#include <stdio.h>

#include "base/err.h"
#include "role/report_role.h"
#include "sys/clock.h"

#define FAILURES_BATCH	50	/* that share what was asked; MAIL_DNS_POOL_MAX has 300 answers */
#define NOTES_MAX	((size_t)4 << 20)

#define JUMP_SEC	(2 * 86400)

/* --- made --- */

/*
 * Who comes back after days may have slept, or a clock that is not set yet: what it says is over
 * is thrown away only if it says so an hour later, too.
 */
static int64_t
prune_first(int64_t last, int64_t now)
{
	bool has_jumped = last > 0 && (now > last + JUMP_SEC || now < last - JUMP_SEC);

	return clock_mono_usec() + (has_jumped ? REPORT_PRUNE_USEC : 0);
}

/* Not while rows of our own journal are left: those of yesterday may be among them. */
int
report_make(struct report_work *w)
{
	int64_t last, now = role_now(w->role);
	bool has_more = true;
	unsigned n;
	int rc;

	if (w->is_behind || clock_mono_usec() < w->look_usec)
		return 0;
	if ((rc = reports_last(w->store, &last)) < 0)
		return rc;
	if (w->prune_usec == INT64_MAX)
		w->prune_usec = prune_first(last, now);
	while (has_more && !report_is_over(w)) {
		if ((rc = mail_reports_due(w->store, last, now, &n, &has_more)) < 0)
			return rc;
		w->seen.n.made += n;
		w->is_changed = w->is_changed || n > 0;
	}
	/* The others are due until somebody says that he was here. */
	w->has_more = w->has_more || has_more;
	if (has_more)
		return 0;
	w->look_usec = clock_mono_usec() + REPORT_LOOK_USEC;
	return reports_last_put(w->store, now);
}

/* --- addressed --- */

static int
asking_fill(void *arg, struct mail_ask *ask)
{
	const struct report_asking *a = arg;

	return mail_dns_fill(a->dns, ask);
}

static bool
asking_is_over(void *arg)
{
	struct report_asking *a = arg;

	return a->n++ == FAILURES_BATCH || report_is_over(a->w);
}

bool
report_asking_init(struct report_work *w, struct report_asking *a, uint64_t after)
{
	int rc;

	*a = (struct report_asking){ .w = w };
	if ((rc = mail_dns_live_of(&w->resolvers, REPORT_DNS_SEC, &a->dns)) < 0) {
		report_fails(w, REPORT_NO_NAMES, err_str(rc));
		return false;
	}
	mail_dns_share(a->dns, w->cache);
	a->d = (struct mail_reports_dns){ .ask = mail_dns_ask(a->dns), .fill = asking_fill,
		.fill_arg = a, .is_over = asking_is_over, .after = after };
	return true;
}

void
report_asking_done(struct report_asking *a)
{
	a->dns = mail_dns_free(a->dns);
}

/* What the DNS lacks is not for our log: it is the domains' owners' affair. */
static int
batch_address(struct report_work *w, bool *ret_more)
{
	_cleanup_(pool_freep) struct pool *pool = pool_new(NOTES_MAX);
	struct report_asking a;
	struct findings fs;
	unsigned n;
	int rc;

	if (pool == NULL)
		return -ENOMEM;
	findings_init(&fs, pool);
	if (!report_asking_init(w, &a, w->address_after))
		return 0;
	a.d.max = w->address_max;
	rc = mail_reports_address(w->store, &a.d, &fs, role_now(w->role), &n);
	*ret_more = rc == 0 && a.d.has_more;
	w->address_after = a.d.after;
	w->address_max = a.d.has_room ? MAIL_REPORTS_ADDRESS_MAX : max_size(w->address_max / 8, 1);
	report_asking_done(&a);
	w->seen.n.addressed += rc == 0 ? n : 0;
	w->is_changed = w->is_changed || (rc == 0 && n > 0);
	report_works(w, REPORT_NO_NAMES);
	return rc;
}

/* What takes long because nobody answers takes half of the time at the most. */
int64_t
report_again(int64_t began)
{
	int64_t now = clock_mono_usec();

	return now + min_i64(max_i64(now - began, REPORT_AGAIN_USEC), REPORT_AGAIN_MAX_USEC);
}

/* New ones follow those that were asked about; who got no answer is asked about again later. */
int
report_address(struct report_work *w)
{
	bool has_more;
	int rc;

	if (!report_may(w, REPORT_NO_NAMES))
		return 0;
	if (clock_mono_usec() >= w->again_usec) {
		w->pass_usec = clock_mono_usec();
		w->again_usec = INT64_MAX;
		w->address_after = 0;
		w->address_max = MAIL_REPORTS_ADDRESS_MAX;
	}
	do {
		has_more = false;
		rc = batch_address(w, &has_more);
	} while (rc == 0 && has_more && !report_is_over(w));
	w->has_more = w->has_more || has_more;
	if (!has_more && w->again_usec == INT64_MAX)
		w->again_usec = report_again(w->pass_usec);
	return rc;
}

/* --- sent --- */

static void
refused_note(struct report_work *w, const struct report_mail *m, struct sv error)
{
	w->seen.error_at = role_now(w->role);
	(void)snprintf(w->seen.error, sizeof(w->seen.error), "%.*s: %.*s", SV_ARG(m->to),
	    SV_ARG(error));
}

static enum mail_reports_sent
one_send(void *arg, const struct report_mail *m, struct sv *ret_error)
{
	struct report_work *w = arg;
	struct report_counts *n = &w->seen.n;
	enum mail_reports_sent sent;

	*ret_error = SV("");
	if (report_is_over(w)) {
		w->has_more = true;
		return MAIL_REPORTS_AWAY;
	}
	sent = mail_out_report(w->out, m, ret_error);
	if (sent == MAIL_REPORTS_AWAY) {
		report_fails(w, REPORT_NO_WAY, ret_error->p);
		return sent;
	}
	report_works(w, REPORT_NO_WAY);
	n->sent += sent == MAIL_REPORTS_GOOD;
	n->later += sent == MAIL_REPORTS_LATER;
	n->refused += sent == MAIL_REPORTS_NEVER;
	if (sent != MAIL_REPORTS_GOOD)
		refused_note(w, m, *ret_error);
	/* Some of a turn; the page has all of them. */
	if (sent == MAIL_REPORTS_NEVER && w->n_lines < REPORT_LINES_MAX / 4)
		report_say(w, LOG_LEVEL_NOTICE, "the report of %.*s was refused for good: %s",
		    SV_ARG(m->domain), w->seen.error);
	return sent;
}

int
report_send(struct report_work *w)
{
	unsigned n = 0;
	int rc;

	do {
		if (!report_may(w, REPORT_NO_WAY))
			return 0;
		rc = mail_reports_send(w->store, &w->conf, role_now(w->role), one_send, w,
		    &w->unnoted, &n);
		w->is_changed = w->is_changed || (rc == 0 && n > 0);
	} while (rc == 0 && n == MAIL_REPORTS_BATCH_MAX && !report_is_over(w));
	return rc;
}

/* --- forgotten --- */

int
report_prune(struct report_work *w)
{
	int64_t now = role_now(w->role);
	const struct reports_keep keep = {
		.rows = reports_day(now - w->keep_rows), .names = reports_day(now - w->keep_names),
	};
	bool has_more = true;
	int rc = 0;

	if (clock_mono_usec() < w->prune_usec)
		return 0;
	while (rc == 0 && has_more && !report_is_over(w))
		rc = reports_prune(w->store, &keep, &has_more);
	if (rc == 0 && !has_more)
		w->prune_usec = clock_mono_usec() + REPORT_PRUNE_USEC;
	w->has_more = w->has_more || (rc == 0 && has_more);
	return rc;
}
