/* Is something wrong with rows and reports of mail? */
#include "app/mail_health.h"

#include <string.h>

#include "base/tr.h"
#include "base/util.h"

#define DAY_SEC	86400

static const struct {
	const char	*word, *text, *remedy;
	int64_t		 warn, bad;		/* seconds that it may have waited */
} rows[MAIL_HEALTH_MAX] = {
	[MAIL_HEALTH_TOLD] = { "told",
	    N_("nothing has been heard of rows and reports of mail for long: these numbers are from before"),
	    N_("see in the log whether role report runs and reaches its store (mail.reporting.store); rows wait in the mail filter's journal meanwhile"),
	    MAIL_HEALTH_TOLD_WARN_SEC, MAIL_HEALTH_TOLD_BAD_SEC },
	[MAIL_HEALTH_JOURNAL] = { "journal",
	    N_("rows of judged mail wait in the mail filter's journal, and are not taken into the store"),
	    N_("see in the log whether role report runs and reaches its store (mail.reporting.store)"),
	    MAIL_HEALTH_JOURNAL_WARN_SEC, MAIL_HEALTH_JOURNAL_BAD_SEC },
	[MAIL_HEALTH_ROWS] = { "rows",
	    N_("rows of past days have no report yet"),
	    N_("see in the log whether role report runs, and whether it may write to its store"),
	    MAIL_HEALTH_ROWS_WARN_SEC, MAIL_HEALTH_ROWS_BAD_SEC },
	[MAIL_HEALTH_QUEUE] = { "queue",
	    N_("a report has waited for more than a day to be sent, and none was sent since yesterday"),
	    N_("look at \"sekisho mail reports --only due\": where all receivers fail, the fault is at mail.reporting.via"),
	    MAIL_HEALTH_QUEUE_WARN_SEC, MAIL_HEALTH_QUEUE_BAD_SEC },
	[MAIL_HEALTH_GIVEN_UP] = { "given_up",
	    N_("reports were given up since yesterday"),
	    N_("look at \"sekisho mail reports --only given-up\": one receiver alone is at fault itself, many mean that nobody takes mail from here"),
	    0, 0 },
};

const char *
mail_health_word(enum mail_health_what w)
{
	return rows[w].word;
}

const char *
mail_health_text(enum mail_health_what w)
{
	return rows[w].text;
}

const char *
mail_health_remedy(enum mail_health_what w)
{
	return rows[w].remedy;
}

static const struct {
	const char	*of, *text;
} troubles[] = {
	{ "store", N_("the store of rows and reports cannot be used (mail.reporting.store)") },
	{ "journal", N_("the journal of judged mail cannot be read") },
	{ "via", N_("reports wait, as nobody takes them (mail.reporting.via)") },
	{ "dns", N_("reports wait, as the DNS cannot be asked where they go (mail.resolver)") },
};

const char *
mail_trouble_text(const char *of)
{
	for (size_t i = 0; i < ARRAY_LEN(troubles); i++)
		if (strcmp(of, troubles[i].of) == 0)
			return troubles[i].text;
	return N_("something does not work in the making of reports");
}

/* Since when; -1: it is not so. */
static int64_t
since_of(const struct mail_health_facts *f, enum mail_health_what w)
{
	switch (w) {
	case MAIL_HEALTH_TOLD:
		return f->told_at;
	case MAIL_HEALTH_JOURNAL:
		return f->journal_at;
	case MAIL_HEALTH_ROWS:
		return f->rows_day < 0 ? -1 : f->rows_day + DAY_SEC;
	case MAIL_HEALTH_QUEUE:
		return f->n_sent > 0 ? -1 : f->due_made;
	default:
		return -1;
	}
}

static enum mail_health
given_up(const struct mail_health_facts *f)
{
	uint64_t all = f->n_sent + f->n_given_up;

	if (f->n_given_up == 0 || f->n_given_up * 100 < all * MAIL_HEALTH_GIVEN_UP_WARN)
		return MAIL_HEALTH_GOOD;
	return f->n_given_up < MAIL_HEALTH_GIVEN_UP_FEW ||
	    f->n_given_up * 100 < all * MAIL_HEALTH_GIVEN_UP_BAD ? MAIL_HEALTH_WARN : MAIL_HEALTH_BAD;
}

bool
mail_health_is_alarm(const struct mail_health_facts *f, enum mail_health_what w)
{
	enum mail_health h = mail_health(f, w);

	return w == MAIL_HEALTH_GIVEN_UP ? h == MAIL_HEALTH_BAD : h != MAIL_HEALTH_GOOD;
}

int
mail_health_find(struct sv word)
{
	for (int i = 0; i < MAIL_HEALTH_MAX; i++)
		if (sv_eq_str(word, rows[i].word))
			return i;
	return -1;
}

enum mail_health
mail_health(const struct mail_health_facts *f, enum mail_health_what w)
{
	int64_t since = since_of(f, w), age = f->now - since;

	if (w == MAIL_HEALTH_GIVEN_UP)
		return given_up(f);
	if (since < 0 || age <= rows[w].warn)
		return MAIL_HEALTH_GOOD;
	return age <= rows[w].bad ? MAIL_HEALTH_WARN : MAIL_HEALTH_BAD;
}
