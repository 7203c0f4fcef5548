/* The role: see role/report_role.h. */
#include <errno.h>

#include "base/err.h"
#include "role/report_role.h"

static int
on_conf(struct role *r, enum role_id from UNUSED, void *msg)
{
	struct report_role *rr = r->state;
	const struct msg_report_conf *m = msg;

	if (rr->role != NULL)
		return -EBADMSG;	/* the parent restarts us instead */
	rr->role = r;
	return m->email.n > 0 ? 0 : -EINVAL;
}

static void
status(struct role *r, struct json *j)
{
	(void)r;
	json_kv_bool(j, "sends", false);
}

static const struct role_handler handlers[] = {
	{ MSG_report_conf, on_conf },
};

int
main(void)
{
	static const struct role_def def = {
		.id = ROLE_REPORT,
		.handlers = handlers, .n_handlers = ARRAY_LEN(handlers),
		.conf = MSG_report_conf,
		.state_size = sizeof(struct report_role),
		.sandbox = &sandbox_report,
		.status = status,
	};

	return role_main(&def);
}
