/* sekisho mail complaint --note: a complaint counts against the domains that stand for the mail. */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>

#include "app/conf.h"
#include "cmd/ctl_client.h"
#include "cmd/mail_complaint.h"
#include "sys/proc.h"

#define ANSWER_MSEC	90000		/* role report answers between two turns, of a minute at most */
#define LINE_MAX_OCTETS	3500		/* CTL_LINE_MAX, less the line's end */
#define IDS_MAX		64

/* Who says that it is us: as role milter has it. */
static size_t
ids_take(const struct complaint *s, char host[static 256], struct sv *ids)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	const char *id = s->conf == NULL ? "" : app_conf_str(s->conf, CONF_MAIL_AUTHSERV_ID);
	struct sv text, line;
	size_t n = 1;

	ids[0] = sv_str(id[0] != '\0' ? id : proc_host_name(host, 256));
	if (s->conf == NULL)
		return n;
	app_conf_lines(s->conf, CONF_MAIL_ALIASES, &b);
	text = buf_get(&b);
	while (n < IDS_MAX && sv_line(&text, &line))
		if (line.n > 0 && (ids[n] = pool_sv(s->pool, line)).p != NULL)
			n++;
	return n;
}

int
complaint_note_find(const struct cmd_ctx *ctx, struct complaint *s)
{
	struct sv ids[IDS_MAX];
	struct mail_head head;
	struct findings unsaid;
	char host[256] = "";
	struct sv body;
	size_t n = ids_take(s, host, ids);

	findings_init(&unsaid, s->pool);
	mail_head_init(&head, s->pool);
	if (mail_head_parse(&head, s->m.text, &body, &unsaid) == 0 &&
	    feedback_note(&head, s->f, &s->about, s->own, ids, n, s->pool, &s->note) == 0)
		return 0;
	cmd_err("%s", tr(ctx->lang, N_("no memory")));
	return EXIT_CANNOT;
}

static int
answer_read(const struct buf *b)
{
	json_t *j = json_loadb(b->p, b->len, 0, NULL);
	const char *text = json_string_value(json_object_get(j, "text"));
	int rc = json_is_true(json_object_get(j, "good")) ? EXIT_GOOD : EXIT_CANNOT;

	if (rc != EXIT_GOOD)
		cmd_err("%s", text != NULL ? text : "busy");
	json_decref(j);
	return rc;
}

int
complaint_note_send(const struct cmd_ctx *ctx, const struct complaint *s)
{
	_cleanup_(buf_done) struct buf line = BUF_INIT, b = BUF_INIT;

	if (s->note.why != FEEDBACK_NOTED) {
		cmd_err(tr(ctx->lang, N_("nothing is counted: %s")), tr(ctx->lang, feedback_note_text(s->note.why)));
		return EXIT_REJECTED;
	}
	buf_str(&line, "complaint");
	for (size_t i = 0; i < s->note.n; i++)
		if (line.len + 1 + s->note.names[i].n <= LINE_MAX_OCTETS)
			buf_printf(&line, " %.*s", SV_ARG(s->note.names[i]));
	buf_char(&line, '\0');
	if (line.rc < 0 || ctl_client_ask(ctx, line.p, ANSWER_MSEC, &b) < 0)
		return EXIT_CANNOT;
	return answer_read(&b);
}
