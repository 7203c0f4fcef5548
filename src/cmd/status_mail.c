/* Mail in the one line for monitoring: what is worst of the filter and of reports. */
#include "cmd/status_mail.h"

#include <string.h>

#include "app/mail_health.h"

static int
health_worst(const json_t *report, const char **ret_why)
{
	const json_t *list = json_object_get(report, "health"), *h;
	int worst = 0;
	size_t i;

	json_array_foreach(list, i, h) {
		const char *what = json_string_value(json_object_get(h, "what"));
		int state = json_is_true(json_object_get(h, "bad")) ? 2 : 1;

		for (unsigned w = 0; w < MAIL_HEALTH_MAX && what != NULL && state > worst; w++)
			if (strcmp(what, mail_health_word((enum mail_health_what)w)) == 0) {
				worst = state;
				*ret_why = mail_health_text((enum mail_health_what)w);
			}
	}
	return worst;
}

/* It is tried again by itself. */
static int
trouble_worst(const json_t *report, const char **ret_why)
{
	const json_t *first = json_array_get(json_object_get(report, "troubles"), 0);
	const char *of = json_string_value(json_object_get(first, "of"));

	if (of == NULL)
		return 0;
	*ret_why = mail_trouble_text(of);
	return 1;
}

int
status_mail_worst(const json_t *milter, const json_t *report, const char **ret_why)
{
	int worst;

	*ret_why = "";
	if (!json_is_object(milter)) {
		*ret_why = "the mail filter does not answer";
		return 2;
	}
	worst = health_worst(report, ret_why);
	return worst > 0 ? worst : trouble_worst(report, ret_why);
}
