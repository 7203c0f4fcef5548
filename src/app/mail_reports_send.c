/* What is due is written, handed to who sends it, and noted. */
#include <errno.h>
#include <string.h>

#include "app/mail_reports.h"

#define LIST_POOL_MAX	((size_t)1 << 20)	/* MAIL_REPORTS_BATCH_MAX of them, 2 KB each */

struct due {
	struct reports_sending sending;
	struct due	*next;
};

struct due_list {
	struct pool	*pool;
	struct due	*first, **last;
};

static bool
copy(struct pool *pool, struct sv *s)
{
	return (*s = pool_sv(pool, *s)).p != NULL;
}

static int
due_add(void *arg, const struct reports_sending *s)
{
	struct due_list *l = arg;
	struct due *d = pool_alloc(l->pool, sizeof(*d));

	if (d == NULL)
		return -ENOMEM;
	*d = (struct due){ .sending = *s };
	if (!copy(l->pool, &d->sending.address) || !copy(l->pool, &d->sending.error) ||
	    !copy(l->pool, &d->sending.report.domain) || !copy(l->pool, &d->sending.report.policy))
		return -ENOMEM;
	*l->last = d;
	l->last = &d->next;
	return 0;
}

struct sending {
	const struct mail_reports_conf *conf;
	const struct reports_sending *what;
	int64_t			 now;
	mail_reports_send_fn	 fn;
	void			*arg;
	enum mail_reports_sent	 sent;
	struct sv		 error;
};

/* When one part fails, the others are sent again with it: under their names they are known. */
static int
part_send(void *arg, unsigned n, const struct report_meta *meta, struct sv gz)
{
	struct sending *s = arg;
	const struct report_mail m = {
		.from = s->conf->email, .to = s->what->address, .submitter = s->conf->submitter,
		.domain = s->what->report.domain, .meta = meta, .at = s->now, .data = gz,
		.form = s->conf->form,
	};

	(void)n;
	if (s->sent == MAIL_REPORTS_GOOD)
		s->sent = s->fn(s->arg, &m, &s->error);
	return 0;
}

/* --- what became of it --- */

static void
unnoted_take(struct mail_reports_unnoted *u, const struct reports_sending *what,
    const struct reports_outcome *o)
{
	struct sv error = sv_take(o->error, sizeof(u->error));

	u->is_there = what->address.n <= sizeof(u->address);
	u->report = what->report.id;
	u->outcome = *o;
	u->address_len = u->is_there ? what->address.n : 0;
	memcpy(u->address, what->address.p, u->address_len);
	memcpy(u->error, error.p, error.n);
	u->outcome.error = (struct sv){ u->error, error.n };
}

/* What is not in the store any more needs no note. */
static int
unnoted_note(struct reports *store, struct mail_reports_unnoted *u)
{
	const struct sv address = { u->address, u->address_len };
	int rc = u->is_there ? reports_tried(store, u->report, address, &u->outcome) : 0;

	if (rc == 0 || rc == -ENOENT)
		u->is_there = false;
	return rc == -ENOENT ? 0 : rc;
}

static int
due_send(struct reports *store, struct sending *s, struct mail_reports_unnoted *u)
{
	struct reports_outcome o;
	int rc = mail_reports_write(store, s->conf, &s->what->report, part_send, s);

	if (rc < 0 && rc != -ENOENT && rc != -EBADMSG)
		return rc;
	if (rc == 0 && s->sent == MAIL_REPORTS_AWAY)
		return 0;
	o = mail_reports_outcome(s->what, s->sent, s->error, s->now);
	/* No rows (retention was shorter than the queue), or those of another build: no address is to blame. */
	if (rc < 0)
		o = (struct reports_outcome){ .state = REPORTS_GIVEN_UP, .at = s->now,
			.error = SV("the rows of this report are not there any more") };
	unnoted_take(u, s->what, &o);
	return unnoted_note(store, u);
}

int
mail_reports_send(struct reports *store, const struct mail_reports_conf *c, int64_t now,
    mail_reports_send_fn fn, void *arg, struct mail_reports_unnoted *u, unsigned *ret)
{
	_cleanup_(pool_freep) struct pool *pool = pool_new(LIST_POOL_MAX);
	struct due_list l = { .pool = pool };
	int rc;

	if (pool == NULL)
		return -ENOMEM;
	*ret = 0;
	l.last = &l.first;
	if ((rc = unnoted_note(store, u)) < 0)
		return rc;
	rc = reports_due(store, now, MAIL_REPORTS_BATCH_MAX, due_add, &l);
	for (const struct due *d = l.first; d != NULL && rc == 0; d = d->next) {
		struct sending s = { .conf = c, .what = &d->sending, .now = now, .fn = fn,
		    .arg = arg };

		rc = due_send(store, &s, u);
		if (s.sent == MAIL_REPORTS_AWAY)
			break;
		*ret += rc == 0;
	}
	return rc;
}
