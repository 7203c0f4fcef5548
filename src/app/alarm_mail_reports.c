/* Rows and reports of mail: what stands still. */
#include "app/alarm.h"
#include "app/mail_health.h"

void
alarm_mail_reports(struct sv lines, struct findings *fs)
{
	struct sv line;

	while (sv_line(&lines, &line)) {
		int what = mail_health_find(sv_cut(&line, '\t'));
		uint64_t at;

		if (what < 0 || num_u64(line, 0, INT64_MAX, &at) < 0)
			continue;
		fs->subject = sv_str(mail_health_word((enum mail_health_what)what));
		finding_add(fs, &alarm_findings[ALARM_MAIL_REPORTS], FA_TIME("time", at),
		    FA_MSG("why", mail_health_text((enum mail_health_what)what)));
	}
}

bool
alarm_is_of_mail_reports(struct sv code)
{
	return sv_eq_str(code, alarm_findings[ALARM_MAIL_REPORTS].code);
}
