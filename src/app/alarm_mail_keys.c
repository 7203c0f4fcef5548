/* Keys that sign mail: whose record is not where verifiers look for it. */
#include "app/alarm.h"

/* A word of ours (role/name_mail_talk.c), which has a translation. */
static struct farg
reason(struct findings *fs, struct sv said)
{
	const char *why = pool_sv(fs->pool, said).p;

	return why == NULL ? FA_STR("why", "-") : FA_MSG("why", why);
}

void
alarm_mail_keys(struct sv lines, struct findings *fs)
{
	struct sv line;

	while (sv_line(&lines, &line)) {
		struct sv name = sv_cut(&line, '\t'), since = sv_cut(&line, '\t'), server = sv_cut(&line, '\t');
		uint64_t at;

		if (name.n == 0 || num_u64(since, 0, INT64_MAX, &at) < 0)
			continue;
		fs->subject = pool_sv(fs->pool, name);
		finding_add(fs, &alarm_findings[ALARM_MAIL_KEY], FA_TIME("time", at),
		    FA_SV("server", pool_sv(fs->pool, server)), reason(fs, line));
	}
}

bool
alarm_is_of_mail_keys(struct sv code)
{
	return sv_eq_str(code, alarm_findings[ALARM_MAIL_KEY].code);
}
