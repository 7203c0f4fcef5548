/* When reports are made, when they are sent again, and when no more. Pure. */
#include "app/mail_reports.h"
#include "base/rd.h"
#include "crypto/crypto.h"

int64_t
mail_reports_moment(struct sv domain, int64_t day)
{
	uint8_t sum[SHA256_LEN];

	crypto_sha256(domain.p, domain.n, sum);
	return (day + 1) * REPORTS_DAY_SEC + MAIL_REPORTS_FIRST_SEC +
	    (int64_t)(be64_at(sum) % MAIL_REPORTS_SPREAD_SEC);
}

/* The first, or the same time of any later day: for rows that came afterwards. */
bool
mail_reports_is_time(struct sv domain, int64_t day, int64_t last, int64_t now)
{
	int64_t first = mail_reports_moment(domain, day);

	if (now < first)
		return false;
	return now - (now - first) % REPORTS_DAY_SEC > last;
}

/* Hours to the next attempt. */
static const uint8_t pauses[] = { 1, 4, 8, 16, 24 };

static int64_t
pause_after(uint64_t attempts)
{
	size_t i = attempts < ARRAY_LEN(pauses) ? (size_t)attempts : ARRAY_LEN(pauses) - 1;

	return pauses[i] * (int64_t)3600;
}

struct reports_outcome
mail_reports_outcome(const struct reports_sending *s, enum mail_reports_sent sent, struct sv error,
    int64_t now)
{
	struct reports_outcome o = { .state = REPORTS_SENT, .at = now, .error = error };

	if (sent == MAIL_REPORTS_GOOD)
		return o;
	o.state = REPORTS_GIVEN_UP;
	o.is_failure = sent == MAIL_REPORTS_NEVER;
	o.next = now + pause_after(s->attempts);
	if (sent == MAIL_REPORTS_LATER && o.next <= s->report.made + MAIL_REPORTS_END_SEC)
		o.state = REPORTS_DUE;
	return o;
}

bool
mail_reports_is_dead(uint64_t failures, int64_t at, int64_t now)
{
	return failures >= MAIL_REPORTS_DEAD_MAX && now < at + MAIL_REPORTS_DEAD_SEC;
}
