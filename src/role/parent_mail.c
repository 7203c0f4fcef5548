/* What roles milter, mark and report are told. */
#include <stdio.h>
#include <string.h>

#include "app/mail_conf.h"
#include "app/mail_gate.h"
#include "app/mail_failures.h"
#include "app/mail_redact.h"
#include "app/mail_reporting.h"
#include "role/parent_mail.h"
#include "sys/file.h"
#include "sys/proc.h"

void
milter_texts_done(struct milter_texts *t)
{
	buf_done(&t->listen);
	buf_done(&t->rules);
}

/* "0660" as chmod(1) reads it; the row has no other words. */
static uint32_t
mode_of(const char *s)
{
	uint32_t mode = 0;

	for (; *s >= '0' && *s <= '7'; s++)
		mode = mode << 3 | (uint32_t)(*s - '0');
	return mode;
}

/* The folder of failure reports; empty: none are made. */
static struct sv
failures_folder(const struct conf *c, char *ret, size_t n)
{
	ret[0] = '\0';
	if (strcmp(app_conf_str(c, CONF_MAIL_FAILURE_REPORTS), "none") != 0)
		(void)snprintf(ret, n, "%s/" MAIL_FAILURES_FOLDER, app_conf_str(c, CONF_STATE));
	return sv_str(ret);
}

static struct sv
failures_key(const struct conf *c, char *ret, size_t n)
{
	const char *key = app_conf_str(c, CONF_FAILURE_KEY);

	if (key[0] != '\0')
		(void)snprintf(ret, n, "%s", key);
	else
		(void)snprintf(ret, n, "%s/" MAIL_REDACT_FILE, app_conf_str(c, CONF_STATE));
	return sv_str(ret);
}

/* Where somebody is trusted to vouch for marks, only what is vouched for is shown. */
static uint32_t
bimi_of(const struct conf *c)
{
	if (strcmp(app_conf_str(c, CONF_MAIL_BIMI), "check") != 0)
		return MAIL_GATE_BIMI_NONE;
	return app_conf_str(c, CONF_BIMI_ROOTS)[0] == '\0' ? MAIL_GATE_BIMI_ALL : MAIL_GATE_BIMI_VOUCHED;
}

bool
mark_conf_wants(const struct conf *c)
{
	return app_conf_str(c, CONF_MILTER_LISTEN)[0] != '\0' && bimi_of(c) != MAIL_GATE_BIMI_NONE;
}

struct msg_mark_conf
mark_conf_fill(const struct conf *c, struct sv hosts, char *marks, size_t n)
{
	const char *roots = app_conf_str(c, CONF_BIMI_ROOTS);

	(void)snprintf(marks, n, "%s/marks", app_conf_str(c, CONF_STATE));
	return (struct msg_mark_conf){
		.folder = sv_str(marks), .roots = sv_str(roots),
		.ca_file = sv_str(app_conf_str(c, CONF_FETCH_CA_FILE)), .hosts = hosts,
		.stamp = roots[0] == '\0' ? 0 : file_signature(roots, 0),
	};
}

struct msg_milter_conf
milter_conf_fill(const struct conf *c, struct milter_texts *t)
{
	const char *id = app_conf_str(c, CONF_MAIL_AUTHSERV_ID);

	mail_conf_listen(c, &t->listen);
	mail_conf_rules(c, &t->rules);
	(void)proc_host_name(t->node, sizeof(t->node));
	t->rows[0] = '\0';
	if (strcmp(app_conf_str(c, CONF_MAIL_REPORTS), "none") != 0)
		(void)snprintf(t->rows, sizeof(t->rows), "%s/mail-rows", app_conf_str(c, CONF_STATE));
	return (struct msg_milter_conf){
		.listen = buf_get(&t->listen), .mode = mode_of(app_conf_str(c, CONF_MILTER_MODE)),
		.authserv_id = sv_str(id[0] != '\0' ? id : t->node), .node = sv_str(t->node),
		.resolver = sv_str(app_conf_str(c, CONF_MAIL_RESOLVER)),
		.max_messages = app_conf_u32(c, CONF_MAIL_MAX_MESSAGES),
		.rules = buf_get(&t->rules),
		.seal_domain = sv_str(app_conf_str(c, CONF_MAIL_SEAL_DOMAIN)),
		.seal_selector = sv_str(app_conf_str(c, CONF_MAIL_SEAL_SELECTOR)),
		.bimi = bimi_of(c),
		.rows = sv_str(t->rows),
		.failures = failures_folder(c, t->failures, sizeof(t->failures)),
		.failures_key = failures_key(c, t->key, sizeof(t->key)),
		.failures_make = app_conf_str(c, CONF_FAILURE_KEY)[0] == '\0',
		.failures_parts = strcmp(app_conf_str(c, CONF_MAIL_FAILURE_REPORTS), "all") == 0,
		.failures_subject = strcmp(app_conf_str(c, CONF_FAILURE_SUBJECT), "shown") == 0,
	};
}

bool
report_conf_wants(const struct conf *c)
{
	return app_conf_str(c, CONF_MILTER_LISTEN)[0] != '\0' &&
	    strcmp(app_conf_str(c, CONF_MAIL_REPORTS), "none") != 0;
}

struct msg_report_conf
report_conf_fill(const struct conf *c, struct report_texts *t)
{
	const char *state = app_conf_str(c, CONF_STATE), *name = app_conf_str(c, CONF_REPORTING_ORG);

	mail_reporting_store(c, t->store, sizeof(t->store));
	mail_reporting_pass_file(c, t->pass_file, sizeof(t->pass_file));
	return (struct msg_report_conf){
		.folder = sv_str(state), .store = sv_str(t->store), .pass_file = sv_str(t->pass_file),
		.org_name = sv_str(name[0] != '\0' ? name : app_conf_str(c, CONF_ORG_NAME)),
		.email = sv_str(app_conf_str(c, CONF_REPORTING_EMAIL)),
		.contact = sv_str(app_conf_str(c, CONF_REPORTING_CONTACT)),
		.via = sv_str(app_conf_str(c, CONF_REPORTING_VIA)),
		.timeout = app_conf_u32(c, CONF_REPORTING_TIMEOUT),
		.sender = sv_str(app_conf_str(c, CONF_REPORTING_SENDER)),
		.resolver = sv_str(app_conf_str(c, CONF_MAIL_RESOLVER)),
		.old_form = strcmp(app_conf_str(c, CONF_REPORTING_FORM), "7489") == 0,
		.mail_max = app_conf_u32(c, CONF_REPORTING_MAIL_MAX),
		.keep_rows = app_conf_u32(c, CONF_REPORTING_KEEP_ROWS),
		.keep_names = app_conf_u32(c, CONF_REPORTING_KEEP_NAMES),
		.failures = failures_folder(c, t->failures, sizeof(t->failures)),
		.failures_domain = app_conf_u32(c, CONF_FAILURE_PER_DOMAIN),
		.failures_day = app_conf_u32(c, CONF_FAILURE_PER_DAY),
	};
}
