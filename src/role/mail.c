/*
 * mail: hands mails of ours to the sendmail program. It has no key, no file
 * and no socket; recipients and sender are those of its configuration,
 * whatever the store says. app/mail.h makes the headers, sys/box.h runs the
 * program: one at a time, in the box that was made before our sandbox closed.
 *
 * The program is in a sandbox, too, and cannot gain rights: one that is
 * set-group-id to write to a spool (Postfix, Exim) fails there; a client of
 * SMTP (msmtp) works, also towards a mail server on this machine.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/mail.h"
#include "base/err.h"
#include "role/role.h"
#include "sys/box.h"
#include "sys/proc.h"
#include "sys/tree.h"

#define GRACE_SEC	15		/* the box has its own deadline; then it is dead */
#define FOLDER_NAMES	64
#define FOLDER_BYTES	(1024 * 1024)

struct mail_role {
	struct role		*role;
	struct loop_io		*io;		/* of the box */
	struct loop_timer	*deadline;
	int			 box;		/* -1: there is no program */
	char			*program, *folder, *from, *to_text;
	struct sv		 to[MAIL_TO_MAX];
	size_t			 n_to;
	bool			 busy, no_sandbox;
	uint32_t		 id, timeout_sec;
	uint64_t		 n_sent, n_failed;
};

struct mail_reply {
	uint32_t	id, ok;
	char		what[BOX_TEXT_MAX + 1];
};

_Static_assert(MAIL_MAX + sizeof(uint32_t) <= BOX_PACKET_MAX, "one packet");

/* --- in the box --- */

static void
end_tell(const struct box_end_info *e, uint32_t timeout_sec, struct mail_reply *r)
{
	char text[64] = "";

	r->ok = e->end == BOX_EXITED && e->code == 0;
	if (r->ok)
		return;
	switch (e->end) {
	case BOX_EXITED:
		(void)snprintf(text, sizeof(text), "sendmail ended with status %d", e->code);
		break;
	case BOX_KILLED:
		(void)snprintf(text, sizeof(text), "sendmail ended by signal %d", e->code);
		break;
	case BOX_LATE:
		(void)snprintf(text, sizeof(text), "sendmail did not end within %u s", timeout_sec);
		break;
	case BOX_LARGE:
		(void)snprintf(text, sizeof(text), "sendmail filled its folder");
		break;
	case BOX_CANNOT:
		(void)snprintf(text, sizeof(text), "sendmail: %s", err_str(e->code));
		break;
	}
	(void)snprintf(r->what, sizeof(r->what), "%s%s%.*s", text, e->text[0] != '\0' ? ": " : "",
	    (int)(sizeof(r->what) - sizeof(text) - 3), e->text);
}

static size_t
box_job(void *arg, struct sv request, char *answer, size_t max)
{
	const struct mail_role *mr = arg;
	char to[MAIL_TO_MAX][MAIL_ADDRESS_MAX + 1];
	const char *argv[MAIL_TO_MAX + 6] = { "sendmail", "-i", "-f", mr->from, "--" };
	struct box_run run = {
		.kind = &box_sendmail, .program = mr->program,
		.argv = (char *const *)(uintptr_t)argv, .folder = mr->folder,
		.timeout_sec = mr->timeout_sec, .max_names = FOLDER_NAMES, .max_bytes = FOLDER_BYTES,
		.no_sandbox = mr->no_sandbox,
	};
	struct mail_reply r = { 0 };
	struct box_end_info e;

	if (request.n <= sizeof(r.id) || max < sizeof(r))
		return 0;
	memcpy(&r.id, request.p, sizeof(r.id));
	for (size_t i = 0; i < mr->n_to; i++) {
		(void)snprintf(to[i], sizeof(to[i]), "%.*s", SV_ARG(mr->to[i]));
		argv[5 + i] = to[i];
	}
	run.input = sv_skip(request, sizeof(r.id));
	box_run(&run, &e);
	end_tell(&e, mr->timeout_sec, &r);
	memcpy(answer, &r, sizeof(r));
	return sizeof(r);
}

/* --- one mail --- */

static int
answer(struct mail_role *mr, uint32_t id, bool ok, struct sv what)
{
	const struct msg_mail_done m = { .id = id, .ok = ok, .what = sv_take(what, 512) };

	mr->n_sent += ok;
	mr->n_failed += !ok;
	return msg_mail_done_send(mr->role, ROLE_STORE, &m);
}

static int
mail_ask(struct mail_role *mr, const struct msg_mail *m)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	const struct mail mail = {
		.from = sv_str(mr->from), .to = mr->to, .n_to = mr->n_to,
		.id = m->name, .subject = m->subject, .body = m->body, .at = m->at,
	};
	int rc;

	buf_bytes(&b, &m->id, sizeof(m->id));
	if ((rc = mail_write(&mail, &b)) < 0)
		return rc;
	return box_ask(mr->box, buf_get(&b));
}

static int
on_mail(struct role *r, enum role_id from UNUSED, void *msg)
{
	struct mail_role *mr = r->state;
	const struct msg_mail *m = msg;
	int rc;

	if (mr->program == NULL)
		return -EBADMSG;
	if (mr->box < 0)
		return answer(mr, m->id, false, SV("the program of alarm.mail.sendmail cannot be run"));
	if (mr->busy)
		return answer(mr, m->id, false, SV("another one is under way"));
	if ((rc = mail_ask(mr, m)) < 0)
		return answer(mr, m->id, false, sv_str(err_str(rc)));
	mr->busy = true;
	mr->id = m->id;
	return loop_timer_set(mr->deadline, (mr->timeout_sec + GRACE_SEC) * 1000000LL);
}

static void
done(struct mail_role *mr, bool ok, struct sv what)
{
	if (!mr->busy)
		return;
	mr->busy = false;
	loop_timer_stop(mr->deadline);
	if (answer(mr, mr->id, ok, what) < 0)
		role_log(mr->role, LOG_LEVEL_ERROR, "cannot answer the store");
}

static void
on_deadline(void *arg)
{
	done(arg, false, SV("sendmail cannot be stopped"));
}

static void
on_box(void *arg, int fd, unsigned what UNUSED)
{
	struct mail_role *mr = arg;
	char packet[BOX_PACKET_MAX];
	int n = box_answer(fd, packet);
	struct mail_reply r;

	if (n == (int)sizeof(r)) {
		memcpy(&r, packet, sizeof(r));
		r.what[sizeof(r.what) - 1] = '\0';
		if (r.id == mr->id)
			done(mr, r.ok != 0, sv_str(r.what));
	} else if (n < 0 && n != -EAGAIN) {
		role_log(mr->role, LOG_LEVEL_ERROR, "the box has ended, starting anew");
		role_stop(mr->role, -EPIPE);
	}
}

/* --- life --- */

static int
box_make(struct role *r)
{
	struct mail_role *mr = r->state;
	const struct box_conf c = { .kind = &box_sendmail, .program = mr->program,
	    .folder = mr->folder, .job = box_job, .arg = mr, .no_sandbox = role_no_sandbox(r) };
	const char *what;
	pid_t pid;
	int rc;

	if (!proc_can_run(mr->program)) {
		role_log(r, LOG_LEVEL_WARN, "%s cannot be run; alarms are not mailed "
		    "(alarm.mail.sendmail)", mr->program);
		return 0;
	}
	if (proc_gains_rights(mr->program))
		role_log(r, LOG_LEVEL_WARN, "%s is set-user-id or set-group-id, which has no effect here; "
		    "if it fails, set alarm.mail.sendmail to a client of SMTP such as msmtp", mr->program);
	if ((rc = box_new(&c, &mr->box, &pid, &what)) < 0) {
		role_log(r, LOG_LEVEL_ERROR, "cannot make the box of sendmail (%s: %s); does this "
		    "kernel have Landlock and seccomp? --no-sandbox runs without", what, err_str(rc));
		return rc;
	}
	mr->io = loop_io_add(r->loop, mr->box, LOOP_READ, on_box, mr);
	return mr->io == NULL ? -ENOMEM : 0;
}

static int
addresses_read(struct mail_role *mr)
{
	struct sv all = sv_str(mr->to_text), line;

	if (mail_address_check(sv_str(mr->from)) < 0)
		return -EBADMSG;
	while (sv_line(&all, &line)) {
		if (mr->n_to == MAIL_TO_MAX || mail_address_check(line) < 0)
			return -EBADMSG;
		mr->to[mr->n_to++] = line;
	}
	return mr->n_to > 0 ? 0 : -EBADMSG;
}

static int
on_conf(struct role *r, enum role_id from UNUSED, void *msg)
{
	struct mail_role *mr = r->state;
	const struct msg_mail_conf *m = msg;
	int rc;

	if (mr->program != NULL)
		return -EBADMSG;
	mr->role = r;
	mr->box = -1;
	mr->timeout_sec = m->timeout;
	mr->no_sandbox = role_no_sandbox(r);
	if ((mr->program = strndup(m->program.p, m->program.n)) == NULL ||
	    (mr->folder = strndup(m->folder.p, m->folder.n)) == NULL ||
	    (mr->from = strndup(m->from.p, m->from.n)) == NULL ||
	    (mr->to_text = strndup(m->to.p, m->to.n)) == NULL ||
	    (mr->deadline = loop_timer_add(r->loop, on_deadline, mr)) == NULL)
		return -ENOMEM;
	if ((rc = addresses_read(mr)) < 0)
		return rc;
	if ((rc = tree_remove(mr->folder)) < 0 || (rc = tree_make(mr->folder)) < 0) {
		role_log(r, LOG_LEVEL_ERROR, "%s: %s", mr->folder, err_str(rc));
		return rc;
	}
	return box_make(r);
}

static void
mail_status(struct role *r, struct json *j)
{
	const struct mail_role *mr = r->state;

	json_kv_bool(j, "program", mr->box >= 0);
	json_kv_bool(j, "running", mr->busy);
	json_kv_u64(j, "sent", mr->n_sent);
	json_kv_u64(j, "failed", mr->n_failed);
}

static const struct role_handler handlers[] = {
	{ MSG_mail_conf, on_conf },
	{ MSG_mail, on_mail },
};

int
main(void)
{
	static const struct role_def def = {
		.id = ROLE_MAIL,
		.handlers = handlers,
		.n_handlers = ARRAY_LEN(handlers),
		.conf = MSG_mail_conf,
		.state_size = sizeof(struct mail_role),
		.sandbox = &sandbox_mail,
		.status = mail_status,
	};

	return role_main(&def);
}
