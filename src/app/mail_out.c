/* A mail goes out; see app/mail_out.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/mail.h"
#include "app/mail_out.h"
#include "base/err.h"
#include "net/smtp.h"
#include "sys/box.h"
#include "sys/file.h"
#include "sys/memfd.h"
#include "sys/proc.h"

#define FOLDER_NAMES	64
#define FOLDER_BYTES	((uint64_t)256 * 1024 * 1024)	/* a client of SMTP may make a copy */
#define GRACE_SEC	15		/* the box has its own deadline; then it is dead */

struct mail_out {
	struct mail_out_conf	 conf;
	int			 box;		/* -1: none */
	bool			 is_broken;	/* it has ended */
	uint32_t		 id;		/* of the request under way */
	struct buf		 lines;
	char			 said[MAIL_OUT_SAID_MAX + 1];
	enum mail_reports_sent	 sent;
	/* of the mail under way */
	struct sv		 text;
	const char		*sender, *to;
};

/* What a server or a program said, for logs, terminals and a page. */
static void
said_take(struct mail_out *o, struct sv s)
{
	size_t n = 0;

	for (size_t i = 0; i < s.n && n < MAIL_OUT_SAID_MAX; i++)
		o->said[n++] = s.p[i] >= ' ' && s.p[i] <= '~' ? s.p[i] : '?';
	o->said[n] = '\0';
}

/* --- SMTP --- */

static bool
smtp_next(void *arg, unsigned way UNUSED, struct smtp_mail *ret)
{
	struct mail_out *o = arg;

	if (o->to == NULL)
		return false;
	*ret = (struct smtp_mail){ .helo = o->conf.helo, .sender = o->sender, .to = { o->to },
	    .n_to = 1, .text = o->text };
	o->to = NULL;
	return true;
}

static enum mail_reports_sent
sent_of(const struct smtp_result *r)
{
	if (r->accepted)
		return MAIL_REPORTS_GOOD;
	/*
	 * RFC 5321 section 4.2.1: 421, "Service not available", may be the answer to any command. Once
	 * there is a recipient it may be this mail that brings it about: others must not wait for it.
	 */
	if (r->stage <= SMTP_HELLO || (r->reply == 421 && r->stage < SMTP_RECIPIENT))
		return MAIL_REPORTS_AWAY;
	return r->stage >= SMTP_RECIPIENT && r->reply >= 500 ? MAIL_REPORTS_NEVER :
	    MAIL_REPORTS_LATER;
}

static void
smtp_done(void *arg, const struct smtp_mail *m UNUSED, const struct smtp_result *r)
{
	struct mail_out *o = arg;

	o->sent = sent_of(r);
	said_take(o, r->text);
}

/* RFC 5321 section 2.3.8: lines end in CRLF. */
static void
lines_write(struct buf *b, struct sv text)
{
	struct sv line;

	b->len = 0;
	while (sv_line(&text, &line)) {
		buf_sv(b, line);
		buf_str(b, "\r\n");
	}
}

static void
smtp_give(struct mail_out *o, const char *to, struct sv text)
{
	const struct smtp_conf c = { .server = o->conf.via.where, .plain = true, .parallel = 1,
	    .timeout_sec = o->conf.timeout_sec };
	const struct smtp_calls calls = { smtp_next, smtp_done, o };
	int rc;

	lines_write(&o->lines, text);
	o->text = buf_get(&o->lines);
	o->to = to;
	if ((rc = o->lines.rc) == 0)
		rc = smtp_run(&c, &calls);
	if (rc < 0) {
		o->sent = MAIL_REPORTS_AWAY;
		said_take(o, sv_str(err_str(rc)));
	}
}

/* --- a program, in its box --- */

struct request {
	uint32_t	id;
	char		sender[MAIL_ADDRESS_MAX + 1], to[MAIL_ADDRESS_MAX + 1];
};

struct reply {
	uint32_t	id;
	int		sent;
	char		said[MAIL_OUT_SAID_MAX + 1];
};

/* sysexits.h: data error, no such user, no such host. */
static enum mail_reports_sent
sent_of_code(int code)
{
	if (code == 0)
		return MAIL_REPORTS_GOOD;
	return code == 65 || code == 67 || code == 68 ? MAIL_REPORTS_NEVER : MAIL_REPORTS_LATER;
}

static void
end_tell(const struct box_end_info *e, uint32_t timeout_sec, struct reply *r)
{
	char text[64] = "";

	r->sent = MAIL_REPORTS_LATER;
	if (e->end == BOX_EXITED)
		r->sent = (int)sent_of_code(e->code);
	if (e->end == BOX_EXITED && e->code == 126)	/* it could not be started (sys/box.c) */
		r->sent = MAIL_REPORTS_AWAY;
	if (e->end == BOX_EXITED && e->code != 0)
		(void)snprintf(text, sizeof(text), "sendmail ended with status %d", e->code);
	else if (e->end == BOX_KILLED)
		(void)snprintf(text, sizeof(text), "sendmail ended by signal %d", e->code);
	else if (e->end == BOX_LATE)
		(void)snprintf(text, sizeof(text), "sendmail did not end within %u s", timeout_sec);
	else if (e->end == BOX_LARGE)
		(void)snprintf(text, sizeof(text), "sendmail filled its folder");
	else if (e->end == BOX_CANNOT) {
		r->sent = MAIL_REPORTS_AWAY;
		(void)snprintf(text, sizeof(text), "sendmail: %s", err_str(e->code));
	}
	(void)snprintf(r->said, sizeof(r->said), "%s%s%.*s", text,
	    text[0] != '\0' && e->text[0] != '\0' ? ": " : "",
	    (int)(sizeof(r->said) - sizeof(text) - 3), e->text);
}

/* In a process of the box's. */
static size_t
box_job(void *arg, struct sv request, char *answer, size_t max)
{
	const struct mail_out *o = arg;
	struct request q = { 0 };
	const char *argv[] = { "sendmail", "-i", "-f", "<>", "--", q.to, NULL };
	struct box_run run = {
		.kind = &box_sendmail, .program = o->conf.via.where,
		.argv = (char *const *)(uintptr_t)argv, .folder = o->conf.folder, .is_file = true,
		.timeout_sec = o->conf.timeout_sec, .max_names = FOLDER_NAMES,
		.max_bytes = FOLDER_BYTES, .no_sandbox = o->conf.no_sandbox,
	};
	struct reply r = { 0 };
	struct box_end_info e;

	if (request.n != sizeof(q) || max < sizeof(r))
		return 0;
	memcpy(&q, request.p, sizeof(q));
	if (q.sender[0] != '\0')
		argv[3] = q.sender;
	box_run(&run, &e);
	r.id = q.id;
	end_tell(&e, o->conf.timeout_sec, &r);
	memcpy(answer, &r, sizeof(r));
	return sizeof(r);
}

/* Until the answer to this request; one that comes late is of another. */
static int
answer_wait(struct mail_out *o, struct reply *ret)
{
	char packet[BOX_PACKET_MAX];
	int rc, n;

	do {
		if ((rc = box_wait(o->box, (o->conf.timeout_sec + GRACE_SEC) * INT64_C(1000000))) < 0)
			return rc;
		n = box_answer(o->box, packet);
		if (n < 0 && n != -EAGAIN)
			return n;
		if (n == (int)sizeof(*ret))
			memcpy(ret, packet, sizeof(*ret));
	} while (n != (int)sizeof(*ret) || ret->id != o->id);
	return 0;
}

static int
program_ask(struct mail_out *o, const char *to, struct sv text, struct reply *ret)
{
	_cleanup_(fd_close) int file = -1;
	struct request q = { .id = ++o->id };
	int rc;

	(void)snprintf(q.sender, sizeof(q.sender), "%s", o->sender);
	(void)snprintf(q.to, sizeof(q.to), "%s", to);
	if ((rc = memfd_of("mail", text, &file)) < 0 ||
	    (rc = box_ask_file(o->box, (struct sv){ (const char *)&q, sizeof(q) }, file)) < 0)
		return rc;
	return answer_wait(o, ret);
}

static void
program_give(struct mail_out *o, const char *to, struct sv text)
{
	struct reply r;
	int rc = program_ask(o, to, text, &r);

	if (rc < 0) {
		o->is_broken = rc == -EPIPE || rc == -ECONNRESET || rc == -ECONNREFUSED;
		o->sent = MAIL_REPORTS_AWAY;
		said_take(o, sv_str(err_str(rc)));
		return;
	}
	r.said[sizeof(r.said) - 1] = '\0';
	o->sent = r.sent >= 0 && r.sent <= MAIL_REPORTS_AWAY ? (enum mail_reports_sent)r.sent :
	    MAIL_REPORTS_LATER;
	said_take(o, sv_str(r.said));
}

/* --- either --- */

enum mail_reports_sent
mail_out_send(struct mail_out *o, const char *sender, struct sv to, struct sv text,
    struct sv *ret_said)
{
	char address[MAIL_ADDRESS_MAX + 1];

	o->said[0] = '\0';
	o->sender = sender;
	if (mail_address_check(to) < 0) {
		o->sent = MAIL_REPORTS_NEVER;
		said_take(o, SV("no address"));
	} else {
		(void)snprintf(address, sizeof(address), "%.*s", SV_ARG(to));
		if (o->conf.via.is_smtp)
			smtp_give(o, address, text);
		else
			program_give(o, address, text);
	}
	*ret_said = sv_str(o->said);
	return o->sent;
}

enum mail_reports_sent
mail_out_report(void *out, const struct report_mail *m, struct sv *ret_said)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	struct mail_out *o = out;
	int rc = report_mail_write(&b, m);

	if (rc < 0) {
		said_take(o, sv_str(err_str(rc)));
		*ret_said = sv_str(o->said);
		return rc == -EINVAL ? MAIL_REPORTS_NEVER : rc == -ENOMEM ? MAIL_REPORTS_AWAY :
		    MAIL_REPORTS_LATER;
	}
	return mail_out_send(o, o->conf.sender, m->to, buf_get(&b), ret_said);
}

bool
mail_out_is_broken(const struct mail_out *o)
{
	return o->is_broken;
}

struct mail_out *
mail_out_free(struct mail_out *o)
{
	if (o == NULL)
		return NULL;
	fd_close(&o->box);
	buf_done(&o->lines);
	free(o);
	return NULL;
}

int
mail_out_new(const struct mail_out_conf *c, struct mail_out **ret, const char **ret_what)
{
	_cleanup_(mail_out_freep) struct mail_out *o = calloc(1, sizeof(*o));
	struct box_conf box = { .kind = &box_sendmail, .folder = c->folder, .job = box_job,
	    .no_sandbox = c->no_sandbox };
	pid_t pid;
	int rc;

	*ret_what = "memory";
	if (o == NULL)
		return -ENOMEM;
	o->conf = *c;
	o->box = -1;
	if (!c->via.is_smtp) {
		*ret_what = o->conf.via.where;
		if (!proc_can_run(o->conf.via.where))
			return -ENOEXEC;
		box.program = o->conf.via.where;
		box.arg = o;
		if ((rc = box_new(&box, &o->box, &pid, ret_what)) < 0)
			return rc;
	}
	*ret = TAKE_PTR(o);
	return 0;
}
