/*
 * libmilter: threads of a library, the only ones in this role (DESIGN section
 * 5). It makes them and calls back on them, so all below but the last part
 * runs on such threads; see role/milter_role.h for what they may touch.
 *
 * No callback answers but those in which something is decided (DATA, the
 * end): what fails before is remembered, and said then.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libmilter/mfapi.h>

#include "base/pool.h"
#include "role/milter_role.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/net_tcp.h"
#include "sys/task.h"

/* libmilter's callbacks have no argument of ours. */
static struct milter_hall *hall;

/* What must be allowed to us, and what nobody need wait for (libmilter answers who cannot do without). */
#define ACTIONS		(SMFIF_ADDHDRS | SMFIF_CHGHDRS | SMFIF_QUARANTINE)
#define SILENT		(SMFIP_NR_CONN | SMFIP_NR_HELO | SMFIP_NR_MAIL | SMFIP_NR_RCPT | SMFIP_NR_HDR | \
			 SMFIP_NR_EOH | SMFIP_NR_BODY)
#define RECIPIENTS_FIRST 8

/* libmilter takes texts that it only reads as if it wrote them. */
static char *
lib(const char *s)
{
	return (char *)(uintptr_t)s;
}

/* A connection of an MTA. */
struct talk {
	unsigned long		 steps;		/* SMFIP_…, as agreed */
	bool			 counted, crowded;	/* among the connections; one too many */
	bool			 has_client;
	struct ip_prefix	 client;
	char			*helo;
	/* one message; the pool is its envelope's */
	struct pool		*pool;
	bool			 is_begun, has_head;	/* its envelope is complete; its head, too */
	bool			 judging;	/* counted as such */
	int			 rc;		/* what failed before the end */
	struct sv		 sender, login;
	struct sv		*recipients;
	size_t			 n_recipients, recipients_cap;
	struct milter_mail	*mail;
};

/* --- what is told to the MTA --- */

static sfsistat
silent(const struct talk *t, unsigned long step)
{
	return t != NULL && (t->steps & step) != 0 ? SMFIS_NOREPLY : SMFIS_CONTINUE;
}

/* What cannot be judged; see "no mail is lost". */
static sfsistat
failure(SMFICTX *ctx)
{
	if (hall->gate.policy.on_failure != MAIL_ACT_TEMPFAIL) {
		atomic_fetch_add(&hall->n.accepted, 1);
		return SMFIS_ACCEPT;
	}
	atomic_fetch_add(&hall->n.deferred, 1);
	(void)smfi_setreply(ctx, lib("451"), lib("4.3.0"),
	    lib("This mail could not be judged at this moment; please try again"));
	return SMFIS_TEMPFAIL;
}

/* --- the life of a message --- */

static void
message_end(struct talk *t)
{
	t->mail = milter_mail_free(t->mail);
	if (t->judging)
		atomic_fetch_sub(&hall->n.judging, 1);
	t->judging = t->is_begun = t->has_head = false;
	t->rc = 0;
	t->sender = t->login = SV("");
	t->recipients = NULL;
	t->n_recipients = t->recipients_cap = 0;
	if (t->pool != NULL)
		pool_reset(t->pool);
}

static struct talk *
talk_of(SMFICTX *ctx)
{
	return smfi_getpriv(ctx);
}

/* "<a@example.net>" without its brackets. */
static struct sv
address_take(struct talk *t, const char *arg)
{
	struct sv s = sv_take(sv_str(arg != NULL ? arg : ""), MILTER_ADDRESS_MAX);

	if (s.n >= 2 && s.p[0] == '<' && s.p[s.n - 1] == '>')
		s = (struct sv){ s.p + 1, s.n - 2 };
	s = pool_sv(t->pool, s);
	if (s.p == NULL)
		t->rc = -ENOMEM;
	return s;
}

/* --- callbacks --- */

static struct talk *
talk_new(unsigned long steps)
{
	struct talk *t = calloc(1, sizeof(*t));

	if (t == NULL || (t->pool = pool_new(MILTER_ENVELOPE_MAX)) == NULL) {
		free(t);
		return NULL;
	}
	t->steps = steps;
	return t;
}

static sfsistat
on_negotiate(SMFICTX *ctx, unsigned long f0, unsigned long f1, unsigned long f2 UNUSED,
    unsigned long f3 UNUSED, unsigned long *pf0, unsigned long *pf1, unsigned long *pf2,
    unsigned long *pf3)
{
	struct talk *t;

	*pf2 = *pf3 = 0;
	*pf0 = (ACTIONS | SMFIF_SETSYMLIST) & f0;
	*pf1 = (SILENT | SMFIP_NOUNKNOWN | SMFIP_HDR_LEADSPC) & f1;
	if ((t = talk_new(*pf1)) == NULL)
		*pf1 &= ~(unsigned long)SILENT;	/* each step says what failure() does */
	if (t == NULL || (f0 & ACTIONS) != ACTIONS)
		atomic_fetch_add(t == NULL ? &hall->n.failed : &hall->n.odd, 1);
	(void)smfi_setpriv(ctx, t);
	if ((*pf0 & SMFIF_SETSYMLIST) != 0 &&
	    (smfi_setsymlist(ctx, SMFIM_ENVFROM, lib("{auth_authen} v")) == MI_FAILURE ||
	    smfi_setsymlist(ctx, SMFIM_DATA, lib("i")) == MI_FAILURE))
		atomic_fetch_add(&hall->n.odd, 1);
	return SMFIS_CONTINUE;
}

/*
 * Without an address it is a program of that host. Postfix calls a client "unknown" whose address it
 * does not know (XCLIENT ADDR=[UNAVAILABLE]): that is nobody of ours, and has no host's address
 * (RFC 1122 section 3.2.1.3).
 */
static void
client_take(struct talk *t, const char *host, const _SOCK_ADDR *from)
{
	t->client = tcp_host_from(from);
	if (t->client.af == 0 && host != NULL && sv_caseeq(sv_str(host), SV("unknown")))
		t->client = (struct ip_prefix){ .af = IP_V4, .len = 32 };
	t->has_client = t->client.af != 0;
}

/*
 * Behind SMFIC_QUIT_NC the same socket has another connection, and nothing was negotiated anew. Who
 * knows that command knows of leading blanks, too (version 6 of the protocol).
 */
static struct talk *
talk_again(SMFICTX *ctx)
{
	struct talk *t = talk_new(SILENT | SMFIP_HDR_LEADSPC);

	(void)smfi_setpriv(ctx, t);
	return t;
}

static sfsistat
on_connect(SMFICTX *ctx, char *host, _SOCK_ADDR *from)
{
	struct talk *t = talk_of(ctx);

	if (t == NULL && (t = talk_again(ctx)) == NULL)
		return failure(ctx);
	if (!t->counted)
		t->crowded = atomic_fetch_add(&hall->n.connections, 1) >= MILTER_CONNECTIONS_MAX;
	t->counted = true;
	client_take(t, host, from);
	return silent(t, SMFIP_NR_CONN);
}

static sfsistat
on_helo(SMFICTX *ctx, char *name)
{
	struct talk *t = talk_of(ctx);

	if (t == NULL)
		return failure(ctx);
	free(t->helo);
	t->helo = strndup(name != NULL ? name : "", MILTER_ADDRESS_MAX);
	return silent(t, SMFIP_NR_HELO);
}

static sfsistat
on_from(SMFICTX *ctx, char **argv)
{
	struct talk *t = talk_of(ctx);
	const char *who = smfi_getsymval(ctx, lib("{auth_authen}"));

	if (t == NULL)
		return failure(ctx);
	message_end(t);
	t->sender = address_take(t, argv[0]);
	t->login = address_take(t, who);
	return silent(t, SMFIP_NR_MAIL);
}

/* Most messages have one. */
static void
recipient_add(struct talk *t, const char *arg)
{
	size_t cap = max_size(2 * t->recipients_cap, RECIPIENTS_FIRST);

	if (t->n_recipients == t->recipients_cap) {
		struct sv *more = pool_calloc(t->pool, cap, sizeof(*more));

		if (more == NULL) {
			t->rc = -ENOMEM;
			return;
		}
		if (t->n_recipients > 0)
			memcpy(more, t->recipients, t->n_recipients * sizeof(*more));
		t->recipients = more;
		t->recipients_cap = cap;
	}
	t->recipients[t->n_recipients++] = address_take(t, arg);
}

static sfsistat
on_rcpt(SMFICTX *ctx, char **argv)
{
	struct talk *t = talk_of(ctx);

	if (t == NULL)
		return failure(ctx);
	if (t->n_recipients < MILTER_RECIPIENTS_MAX)
		recipient_add(t, argv[0]);
	return silent(t, SMFIP_NR_RCPT);
}

/* Postfix gives its name there, Sendmail its version alone. */
static bool
is_sendmail(SMFICTX *ctx)
{
	const char *v = smfi_getsymval(ctx, lib("v"));

	return v != NULL && v[0] >= '0' && v[0] <= '9';
}

static int
mail_begin(SMFICTX *ctx, struct talk *t)
{
	const struct mail_gate_mail m = {
		.has_client = t->has_client, .client = t->client,
		.helo = sv_str(t->helo != NULL ? t->helo : ""), .sender = t->sender,
		.queue_id = SV(""),	/* it is told with the end */
		.recipients = t->recipients, .n_recipients = t->n_recipients, .login = t->login,
		.writes_lists = is_sendmail(ctx),
	};

	return t->rc < 0 ? t->rc : milter_mail_new(hall, &m, &t->mail);
}

/* The envelope is complete: is there room, and then a gate. What fails is in t->rc. */
static void
message_begin(SMFICTX *ctx, struct talk *t)
{
	t->is_begun = true;
	atomic_fetch_add(&hall->n.messages, 1);
	if (atomic_fetch_add(&hall->n.judging, 1) >= hall->max_messages || t->crowded) {
		atomic_fetch_sub(&hall->n.judging, 1);
		atomic_fetch_add(&hall->n.crowded, 1);
		t->rc = -EBUSY;
		return;
	}
	t->judging = true;
	if ((t->rc = mail_begin(ctx, t)) < 0)
		atomic_fetch_add(&hall->n.failed, 1);
}

static sfsistat
on_data(SMFICTX *ctx)
{
	struct talk *t = talk_of(ctx);

	if (t == NULL)
		return failure(ctx);
	message_begin(ctx, t);
	if (t->mail != NULL)
		return SMFIS_CONTINUE;
	message_end(t);
	return failure(ctx);
}

/* Version 2 of the protocol has no DATA (Postfix: milter_protocol = 2): what comes first behind the envelope. */
static struct milter_mail *
mail_of(SMFICTX *ctx, struct talk *t)
{
	if (t == NULL)
		return NULL;
	if (!t->is_begun)
		message_begin(ctx, t);
	return t->mail;
}

/* Once, and before a body, whether or not somebody says so. */
static void
head_end(struct talk *t)
{
	if (!t->has_head)
		milter_mail_head_end(t->mail);
	t->has_head = true;
}

/* RFC 5322: what is behind the colon; an MTA of old has cut a blank away. */
static sfsistat
on_field(SMFICTX *ctx, char *name, char *value)
{
	struct talk *t = talk_of(ctx);
	struct sv v = sv_str(value);
	char *p;

	if (mail_of(ctx, t) == NULL || t->has_head)
		return silent(t, SMFIP_NR_HDR);
	if ((t->steps & SMFIP_HDR_LEADSPC) != 0)
		milter_mail_field(t->mail, sv_str(name), v);
	else if ((p = malloc(v.n + 2)) == NULL)
		t->rc = -ENOMEM;
	else {
		p[0] = ' ';
		memcpy(p + 1, v.p, v.n);
		milter_mail_field(t->mail, sv_str(name), (struct sv){ p, v.n + 1 });
		free(p);
	}
	return silent(t, SMFIP_NR_HDR);
}

static sfsistat
on_head_end(SMFICTX *ctx)
{
	struct talk *t = talk_of(ctx);

	if (mail_of(ctx, t) != NULL)
		head_end(t);
	return silent(t, SMFIP_NR_EOH);
}

static sfsistat
on_body(SMFICTX *ctx, unsigned char *p, size_t n)
{
	struct talk *t = talk_of(ctx);

	if (mail_of(ctx, t) != NULL) {
		head_end(t);
		milter_mail_body(t->mail, (struct sv){ (const char *)p, n });
	}
	return silent(t, SMFIP_NR_BODY);
}

/* --- the verdict --- */

/* A copy with a NUL; libmilter wants it writable. */
static char *
text_of(struct talk *t, struct sv s)
{
	return pool_printf(t->pool, "%.*s", SV_ARG(s));
}

static int
edit_make(SMFICTX *ctx, struct talk *t, const struct mail_gate_edit *e)
{
	struct sv v = e->value;
	char *name = text_of(t, e->name), *value;

	if (name == NULL)
		return -ENOMEM;
	if (e->is_removal)
		return smfi_chgheader(ctx, name, (int)e->index, NULL) == MI_SUCCESS ? 0 : -EIO;
	if ((t->steps & SMFIP_HDR_LEADSPC) == 0 && v.n > 0 && v.p[0] == ' ')
		v = sv_skip(v, 1);
	if ((value = text_of(t, v)) == NULL)
		return -ENOMEM;
	return smfi_insheader(ctx, 0, name, value) == MI_SUCCESS ? 0 : -EIO;
}

static int
edits_make(SMFICTX *ctx, struct talk *t, const struct mail_gate_out *out)
{
	int rc = 0;

	for (size_t i = 0; i < out->n_edits && rc == 0; i++)
		rc = edit_make(ctx, t, &out->edits[i]);
	if (rc == 0)
		atomic_fetch_add(&hall->n.changed, out->n_edits);
	return rc;
}

static sfsistat
refusal(SMFICTX *ctx, struct talk *t, const struct mail_gate_out *out)
{
	char code[8];
	char *enhanced = text_of(t, out->enhanced), *text = text_of(t, out->text);

	(void)snprintf(code, sizeof(code), "%u", out->reply);
	/* Without it the MTA says something of its own: a refusal in any case. */
	if (enhanced == NULL || text == NULL ||
	    smfi_setreply(ctx, code, enhanced, text) == MI_FAILURE)
		atomic_fetch_add(&hall->n.odd, 1);
	if (out->act == MAIL_ACT_TEMPFAIL) {
		atomic_fetch_add(&hall->n.deferred, 1);
		return SMFIS_TEMPFAIL;
	}
	atomic_fetch_add(&hall->n.rejected, 1);
	return SMFIS_REJECT;
}

static sfsistat
quarantine(SMFICTX *ctx, struct talk *t, const struct mail_gate_out *out)
{
	char *text = out->text.n > 0 ? text_of(t, out->text) : NULL;

	if (smfi_quarantine(ctx, text != NULL ? text : lib("quarantined")) == MI_FAILURE)
		return failure(ctx);
	atomic_fetch_add(&hall->n.quarantined, 1);
	return SMFIS_ACCEPT;
}

static sfsistat
verdict(SMFICTX *ctx, struct talk *t, const struct mail_gate_out *out)
{
	if (out->act == MAIL_ACT_REJECT || out->act == MAIL_ACT_TEMPFAIL)
		return refusal(ctx, t, out);
	if (edits_make(ctx, t, out) < 0) {
		atomic_fetch_add(&hall->n.failed, 1);
		return failure(ctx);
	}
	if (out->act == MAIL_ACT_QUARANTINE)
		return quarantine(ctx, t, out);
	atomic_fetch_add(&hall->n.accepted, 1);
	return SMFIS_ACCEPT;
}

/*
 * By what its row is known. Not every MTA says it with DATA, and one that is not asked for macros
 * may never: then it is a word of ours, as a row without one could not be told from others.
 */
static struct sv
queue_id(SMFICTX *ctx, struct talk *t)
{
	const char *id = smfi_getsymval(ctx, lib("i"));

	if (id != NULL && id[0] != '\0')
		return sv_take(sv_str(id), MAIL_ROW_QUEUE_MAX);
	id = pool_printf(t->pool, "none-%llx-%llx", (unsigned long long)clock_mono_usec(),
	    (unsigned long long)atomic_fetch_add(&hall->n.nameless, 1));
	return sv_str(id != NULL ? id : "none");
}

static sfsistat
on_end(SMFICTX *ctx)
{
	struct talk *t = talk_of(ctx);
	struct mail_gate_out out;
	sfsistat s;

	if (mail_of(ctx, t) == NULL || t->rc < 0) {
		if (t == NULL || t->mail != NULL)	/* else it was counted when it began */
			atomic_fetch_add(&hall->n.failed, 1);
		s = failure(ctx);
	} else {
		head_end(t);
		milter_mail_end(t->mail, queue_id(ctx, t), &out);
		s = verdict(ctx, t, &out);
	}
	if (t != NULL)
		message_end(t);
	return s;
}

static sfsistat
on_abort(SMFICTX *ctx)
{
	if (talk_of(ctx) != NULL)
		message_end(talk_of(ctx));
	return SMFIS_CONTINUE;
}

static sfsistat
on_close(SMFICTX *ctx)
{
	struct talk *t = talk_of(ctx);

	if (t == NULL)
		return SMFIS_CONTINUE;
	message_end(t);
	if (t->counted)
		atomic_fetch_sub(&hall->n.connections, 1);
	(void)pool_free(t->pool);
	free(t->helo);
	free(t);
	(void)smfi_setpriv(ctx, NULL);
	return SMFIS_CONTINUE;
}

/* --- for the loop --- */

static int
listen_open(const char *listen, unsigned mode)
{
	bool file = strncmp(listen, "unix:", 5) == 0;
	/* Nobody gets in between bind and chmod. */
	unsigned old = file_mask(0177);
	int rc = smfi_opensocket(true) == MI_SUCCESS ? 0 : -EIO;

	(void)file_mask(old);
	return rc < 0 || !file ? rc : file_mode(listen + 5, mode);
}

int
milter_mta_open(struct milter_hall *h, struct sv listen, unsigned mode)
{
	const struct smfiDesc desc = {
		.xxfi_name = lib("sekisho"), .xxfi_version = SMFI_VERSION,
		.xxfi_flags = ACTIONS | SMFIF_SETSYMLIST,
		.xxfi_connect = on_connect, .xxfi_helo = on_helo, .xxfi_envfrom = on_from,
		.xxfi_envrcpt = on_rcpt, .xxfi_data = on_data, .xxfi_header = on_field,
		.xxfi_eoh = on_head_end, .xxfi_body = on_body, .xxfi_eom = on_end,
		.xxfi_abort = on_abort, .xxfi_close = on_close, .xxfi_negotiate = on_negotiate,
	};
	char text[300];
	int rc = task_stack(MILTER_STACK);

	hall = h;
	(void)snprintf(text, sizeof(text), "%.*s", SV_ARG(listen));
	if (rc < 0)
		return rc;
	if (smfi_register(desc) == MI_FAILURE || smfi_setconn(text) == MI_FAILURE ||
	    smfi_settimeout(MILTER_IDLE_SEC) == MI_FAILURE ||
	    smfi_setbacklog(MILTER_BACKLOG) == MI_FAILURE)
		return -EINVAL;
	return listen_open(text, mode);
}

void
milter_mta_run(void)
{
	(void)smfi_main();
}
