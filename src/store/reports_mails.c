/* Mails that are ready to be sent: see store/reports_mails.h. */
#include <stdio.h>

#include "store/reports_internal.h"
#include "store/reports_mails.h"

/* --- in --- */

static int
numbers_take(void *arg, const struct sql_value *v)
{
	int64_t *found = arg;

	found[0] = v[0].i;
	found[1] = v[1].i;
	return 0;
}

static int
number_take(void *arg, const struct sql_value *v)
{
	*(int64_t *)arg = v[0].i;
	return 0;
}

static int
mail_new(struct reports *r, const struct reports_mail *m, const struct reports_mails_limits *l,
    enum reports_mails_added *ret)
{
	const struct sql_value count[] = { SQL_I(reports_day(m->at)), SQL_B(m->domain) };
	int64_t found[2] = { 0 }, id = 0;
	int rc = reports_run(r, SQL_MAIL_COUNT, count, numbers_take, found);

	*ret = REPORTS_MAIL_OVER;
	if (rc < 0 || (uint64_t)found[0] >= l->per_day || (uint64_t)found[1] >= l->per_domain)
		return rc;
	if ((rc = reports_run(r, SQL_MAIL_NUMBER_NEXT, NULL, NULL, NULL)) < 0 ||
	    (rc = reports_run(r, SQL_MAIL_NUMBER, NULL, number_take, &id)) < 0)
		return rc;
	const struct sql_value add[] = { SQL_I(id), SQL_I(m->at), SQL_I(reports_day(m->at)),
	    SQL_B(m->domain), SQL_B(m->alike), SQL_B(m->octets) };

	*ret = REPORTS_MAIL_NEW;
	return reports_run(r, SQL_MAIL_ADD, add, NULL, NULL);
}

/* Its identity is noted also where it is one of many, or one too many: it is not counted again. */
int
reports_mails_add(struct reports *r, const struct reports_mail *m,
    const struct reports_mails_limits *l, enum reports_mails_added *ret)
{
	const struct sql_value known[] = { SQL_B(m->node), SQL_B(m->queue_id), SQL_I(m->at) };
	const struct sql_value join[] = { SQL_B(m->domain), SQL_B(m->alike) };
	uint64_t changed;
	int rc = reports_change(r, SQL_MAIL_KNOWN_ADD, known, &changed);

	*ret = REPORTS_MAIL_KNOWN;
	if (rc < 0 || changed == 0)
		return rc;
	*ret = REPORTS_MAIL_JOINED;
	if ((rc = reports_change(r, SQL_MAIL_JOIN, join, &changed)) < 0 || changed > 0)
		return rc;
	return mail_new(r, m, l, ret);
}

/* --- to whom --- */

struct mail_walk {
	reports_mail_fn	 fn;
	void		*arg;
};

static int
mail_give(void *arg, const struct sql_value *v)
{
	const struct mail_walk *w = arg;
	const struct reports_mail m = { .id = (uint64_t)v[0].i, .at = v[1].i, .domain = v[2].b,
	    .alike = v[3].b, .octets = v[4].b, .incidents = (uint64_t)v[5].i };

	return w->fn(w->arg, &m);
}

int
reports_mails_unaddressed(struct reports *r, int64_t before, uint64_t after, uint64_t max,
    reports_mail_fn fn, void *arg)
{
	const struct sql_value v[] = { SQL_I(before), SQL_I(after), SQL_I(max) };
	struct mail_walk w = { fn, arg };

	return reports_run(r, SQL_MAIL_UNADDRESSED, v, mail_give, &w);
}

static const struct reports_sent_sql sql = { SQL_MAIL_ADDRESSED, SQL_MAIL_SENDING_ADD, SQL_MAIL_TRIED };

int
reports_mails_address(struct reports *r, uint64_t id, const struct sv *to, size_t n, int64_t next)
{
	int rc = reports_start(r);

	return rc < 0 ? rc : reports_finish(r, reports_sent_address(r, &sql, id, to, n, next));
}

/* --- what is due, and how it went --- */

struct sending_walk {
	reports_mail_sending_fn	 fn;
	void			*arg;
};

static int
sending_give(void *arg, const struct sql_value *v)
{
	const struct sending_walk *w = arg;
	const struct reports_mail_sending s = {
		.mail = { .id = (uint64_t)v[0].i, .at = v[1].i, .domain = v[2].b, .octets = v[3].b,
			.incidents = (uint64_t)v[4].i },
		.address = v[5].b, .error = v[6].b,
		.state = reports_state_of(v[7].i),
		.attempts = (uint64_t)v[8].i, .next = v[9].i,
	};

	return w->fn(w->arg, &s);
}

int
reports_mails_due(struct reports *r, int64_t now, uint64_t max, reports_mail_sending_fn fn,
    void *arg)
{
	const struct sql_value v[] = { SQL_I(now), SQL_I(max) };
	struct sending_walk w = { fn, arg };

	return reports_run(r, SQL_MAIL_DUE, v, sending_give, &w);
}

#define KEY_MAX		600		/* octets: an address has 320 */

static struct sv
key_make(struct sv address, char room[static KEY_MAX])
{
	(void)snprintf(room, KEY_MAX, REPORTS_MAILS_REFUSED "%.*s", SV_ARG(address));
	return sv_str(room);
}

int
reports_mails_failures(struct reports *r, struct sv address, uint64_t *ret, int64_t *ret_at)
{
	char room[KEY_MAX];

	return reports_failures(r, key_make(address, room), ret, ret_at);
}

int
reports_mails_tried(struct reports *r, uint64_t id, struct sv address,
    const struct reports_outcome *o)
{
	char room[KEY_MAX];
	int rc = reports_start(r);

	return rc < 0 ? rc : reports_finish(r, reports_sent_tried(r, &sql, id, address,
	    key_make(address, room), o));
}

/* --- for a person, and forgetting --- */

static int
now_take(void *arg, const struct sql_value *v)
{
	*(struct reports_mails_now *)arg = (struct reports_mails_now){ (uint64_t)v[0].i,
	    (uint64_t)v[1].i, (uint64_t)v[2].i, (uint64_t)v[3].i };
	return 0;
}

int
reports_mails_now(struct reports *r, struct reports_mails_now *ret)
{
	return reports_run(r, SQL_MAIL_NOW, NULL, now_take, ret);
}

static int
all_prune(struct reports *r, int64_t before, bool *ret_more)
{
	const struct sql_value v[] = { SQL_I(before), SQL_I(REPORTS_PRUNE_ROWS) };
	uint64_t mails, known;
	int rc;

	if ((rc = reports_change(r, SQL_PRUNE_MAILS, v, &mails)) < 0 ||
	    (rc = reports_change(r, SQL_PRUNE_MAIL_KNOWN, v, &known)) < 0)
		return rc;
	*ret_more = mails == REPORTS_PRUNE_ROWS || known == REPORTS_PRUNE_ROWS;
	return mails == 0 ? 0 : reports_run(r, SQL_PRUNE_MAIL_SENDINGS, NULL, NULL, NULL);
}

int
reports_mails_prune(struct reports *r, int64_t before, bool *ret_more)
{
	int rc = reports_start(r);

	return rc < 0 ? rc : reports_finish(r, all_prune(r, before, ret_more));
}
