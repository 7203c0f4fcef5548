/* To whom reports go, how often that was tried, and who is past hope. */
#include <errno.h>

#include "store/reports_internal.h"

/* --- reports and mails --- */

int
reports_sent_address(struct reports *r, const struct reports_sent_sql *sql, uint64_t id,
    const struct sv *to, size_t n, int64_t next)
{
	const struct sql_value of[] = { SQL_I(id) };
	uint64_t changed;
	int rc = reports_change(r, sql->addressed, of, &changed);

	if (rc < 0)
		return rc;
	if (changed == 0)
		return -EEXIST;
	for (size_t i = 0; i < n && rc == 0; i++) {
		const struct sql_value v[] = { SQL_I(id), SQL_B(to[i]), SQL_I(next) };

		rc = reports_run(r, sql->add, v, NULL, NULL);
	}
	return rc;
}

int
reports_sent_tried(struct reports *r, const struct reports_sent_sql *sql, uint64_t id,
    struct sv address, struct sv key, const struct reports_outcome *o)
{
	const struct sql_value tried[] = { SQL_I(id), SQL_B(address), SQL_I(o->state),
	    SQL_I(o->state == REPORTS_DUE ? o->next : o->at),
	    SQL_B(sv_take(o->error, REPORTS_ERROR_MAX)) };
	const struct sql_value failing[] = { SQL_B(key), SQL_I(o->at) };
	uint64_t changed;
	int rc = reports_change(r, sql->tried, tried, &changed);

	if (rc < 0)
		return rc;
	if (changed == 0)
		return -ENOENT;
	if (o->is_failure)
		return reports_run(r, SQL_FAILED, failing, NULL, NULL);
	return o->state == REPORTS_SENT ? reports_run(r, SQL_FAILED_NOT, failing, NULL, NULL) : 0;
}

enum reports_state
reports_state_of(int64_t n)
{
	return n >= 0 && n < REPORTS_STATE_MAX ? (enum reports_state)n : REPORTS_GIVEN_UP;
}

/* --- to whom --- */

static const struct reports_sent_sql sql = { SQL_ADDRESSED, SQL_SENDING_ADD, SQL_TRIED };

static int
addresses_add(struct reports *r, uint64_t id, const struct sv *to, size_t n, int64_t next)
{
	int rc = reports_sent_address(r, &sql, id, to, n, next);

	return rc < 0 ? rc : reports_count(r, REPORTS_N_NO_ADDRESS, reports_day(next), n == 0);
}

int
reports_address(struct reports *r, uint64_t id, const struct sv *to, size_t n, int64_t next)
{
	int rc = reports_start(r);

	return rc < 0 ? rc : reports_finish(r, addresses_add(r, id, to, n, next));
}

/* --- what is due --- */

struct sending_walk {
	reports_sending_fn	 fn;
	void			*arg;
};

struct reports_sending
reports_sending_of(const struct sql_value *v)
{
	return (struct reports_sending){
		.report = { (uint64_t)v[0].i, v[1].i, v[2].i, v[3].b, v[4].b },
		.address = v[5].b, .error = v[6].b,
		.state = reports_state_of(v[7].i),
		.attempts = (uint64_t)v[8].i, .next = v[9].i,
	};
}

static int
sending_give(void *arg, const struct sql_value *v)
{
	const struct sending_walk *w = arg;
	const struct reports_sending s = reports_sending_of(v);

	return w->fn(w->arg, &s);
}

int
reports_due(struct reports *r, int64_t now, uint64_t max, reports_sending_fn fn, void *arg)
{
	const struct sql_value v[] = { SQL_I(now), SQL_I(max) };
	struct sending_walk w = { fn, arg };

	return reports_run(r, SQL_DUE, v, sending_give, &w);
}

int
reports_sendings(struct reports *r, uint64_t id, reports_sending_fn fn, void *arg)
{
	const struct sql_value v[] = { SQL_I(id) };
	struct sending_walk w = { fn, arg };

	return reports_run(r, SQL_SENDINGS, v, sending_give, &w);
}

int
reports_given_up(struct reports *r, uint64_t max, reports_sending_fn fn, void *arg)
{
	const struct sql_value v[] = { SQL_I(max) };
	struct sending_walk w = { fn, arg };

	return reports_run(r, SQL_GIVEN_UP, v, sending_give, &w);
}

/* --- how it went --- */

static int
outcome_count(struct reports *r, const struct reports_outcome *o)
{
	static const enum reports_count counts[REPORTS_STATE_MAX] = {
		[REPORTS_DUE] = REPORTS_N_FAILED, [REPORTS_SENT] = REPORTS_N_SENT,
		[REPORTS_GIVEN_UP] = REPORTS_N_GIVEN_UP,
	};

	return reports_count(r, counts[o->state], reports_day(o->at), 1);
}

static int
outcome_write(struct reports *r, uint64_t id, struct sv address, const struct reports_outcome *o)
{
	int rc = reports_sent_tried(r, &sql, id, address, address, o);

	return rc < 0 ? rc : outcome_count(r, o);
}

int
reports_tried(struct reports *r, uint64_t id, struct sv address, const struct reports_outcome *o)
{
	int rc = reports_start(r);

	return rc < 0 ? rc : reports_finish(r, outcome_write(r, id, address, o));
}

static int
failures_take(void *arg, const struct sql_value *v)
{
	int64_t *found = arg;

	found[0] = v[0].i;
	found[1] = v[1].i;
	return 0;
}

int
reports_failures(struct reports *r, struct sv address, uint64_t *ret, int64_t *ret_at)
{
	const struct sql_value v[] = { SQL_B(address) };
	int64_t found[2] = { 0 };
	int rc = reports_run(r, SQL_FAILURES, v, failures_take, found);

	if (rc < 0)
		return rc;
	*ret = (uint64_t)found[0];
	*ret_at = found[1];
	return 0;
}
