#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "role/store_mail.h"

#define COLLECT_SEC	2		/* what is told in one look goes together */
#define RETRY_SEC	15
#define RETRY_MAX_SEC	3600
#define ANSWER_SEC	660		/* role mail gives up sooner: alarm.mail.timeout has 600 */
#define MAIL_KEEP_SEC	(7 * 86400)
#define ORG_MAX		256		/* messages.def */

struct store_mail {
	struct role		*role;
	struct history		*h;
	struct loop_timer	*timer;		/* NULL: not started */
	bool			 on;
	enum lang		 lang;
	int64_t			 gap;		/* seconds */
	char			 org[ORG_MAX + 1];
	uint32_t		 id;		/* of the mail under way, or the last */
	bool			 busy;
	int64_t			 last;		/* row that the mail ends with; 0: make a new one */
	int64_t			 sent_at;	/* the last that was taken */
	unsigned		 tries;
	bool			 bad;		/* said once */
};

static void	 on_timer(void *);

struct store_mail *
store_mail_new(struct role *r, struct history *h)
{
	struct store_mail *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->role = r;
	s->h = h;
	return s;
}

struct store_mail *
store_mail_free(struct store_mail *s)
{
	if (s == NULL)
		return NULL;
	if (s->timer != NULL)
		(void)loop_timer_del(s->timer);
	free(s);
	return NULL;
}

static void
again(struct store_mail *s, int64_t sec)
{
	if (s->timer != NULL)
		(void)loop_timer_set(s->timer, sec * 1000000);
}

int
store_mail_conf(struct store_mail *s, const struct msg_store_conf *m)
{
	s->on = m->mail != 0;
	s->lang = m->mail_lang != 0 ? LANG_JA : LANG_EN;
	s->gap = m->mail_gap;
	(void)snprintf(s->org, sizeof(s->org), "%.*s", SV_ARG(m->org_name));
	/* Nobody wants them any more. */
	return s->on ? 0 : history_mail_del(s->h, INT64_MAX);
}

int
store_mail_start(struct store_mail *s)
{
	if ((s->timer = loop_timer_add(s->role->loop, on_timer, s)) == NULL)
		return -ENOMEM;
	again(s, COLLECT_SEC);
	return 0;
}

static void
lost_say(struct store_mail *s, size_t n, const char *why)
{
	if (n > 0)
		role_log(s->role, LOG_LEVEL_WARN, "alarm.mail: %zu alarms are not mailed: %s", n, why);
}

int
store_mail_note(struct store_mail *s, enum alarm_event e, const char *key,
    const struct finding *f)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	struct history_mail m = { .at = role_now(s->role), .key = sv_str(key) };
	int64_t wait = s->sent_at + s->gap - m.at;
	size_t lost;
	int rc;

	if (!s->on)
		return 0;
	alarm_mail_text(&b, e, key, f, m.at, s->lang);
	if (b.rc < 0)
		return b.rc;
	m.text = buf_get(&b);
	if ((rc = history_mail_put(s->h, &m, &lost)) < 0)
		return rc;
	lost_say(s, lost, "more wait than are kept");
	if (!s->busy && s->tries == 0)
		again(s, wait > COLLECT_SEC ? wait : COLLECT_SEC);
	return 0;
}

/* --- sending --- */

struct batch {
	struct alarm_mail	 mail;
	int64_t			 first, last, at;
};

static bool
on_row(void *arg, const struct history_mail *m)
{
	struct batch *b = arg;

	if (b->mail.n_more > 0 || !alarm_mail_add(&b->mail, m->key, m->text)) {
		b->mail.n_more++;
		return true;
	}
	if (b->first == 0)
		b->first = m->id;
	b->last = m->id;
	b->at = m->at;
	return true;
}

static int
batch_send(struct store_mail *s, struct batch *b)
{
	_cleanup_(buf_done) struct buf subject = BUF_INIT;
	struct msg_mail m = { .id = s->id + 1, .at = role_now(s->role) };
	char id[64];
	int rc = alarm_mail_end(&b->mail, &subject);

	if (rc < 0)
		return rc;
	/* The same one when it is tried again: who got it twice sees it once. */
	(void)snprintf(id, sizeof(id), "alarm.%lld-%lld.%lld", (long long)b->first,
	    (long long)b->last, (long long)b->at);
	m.name = sv_str(id);
	m.subject = sv_take(buf_get(&subject), 1000);
	m.body = buf_get(&b->mail.body);
	if ((rc = msg_mail_send(s->role, ROLE_MAIL, &m)) < 0)
		return rc;
	s->id = m.id;
	s->busy = true;
	s->last = b->last;
	again(s, ANSWER_SEC);
	return 0;
}

static int
next_send(struct store_mail *s)
{
	struct batch b = { 0 };
	size_t lost;
	int rc;

	if ((rc = history_mail_expire(s->h, role_now(s->role) - MAIL_KEEP_SEC, &lost)) < 0)
		return rc;
	lost_say(s, lost, "nobody took them for a week");
	alarm_mail_init(&b.mail, sv_str(s->org), s->lang);
	rc = history_mails(history_reader_of(s->h), s->last > 0 ? s->last : INT64_MAX, on_row, &b);
	if (rc == 0 && b.mail.n > 0)
		rc = batch_send(s, &b);
	else
		s->last = 0;
	alarm_mail_done(&b.mail);
	return rc;
}

static void
failed(struct store_mail *s, struct sv why)
{
	int64_t wait = (int64_t)RETRY_SEC << (s->tries < 8 ? s->tries : 8);

	s->busy = false;
	s->tries++;
	if (!s->bad)
		role_log(s->role, LOG_LEVEL_WARN, "alarm.mail: %.*s; trying again", SV_ARG(why));
	s->bad = true;
	again(s, wait > RETRY_MAX_SEC ? RETRY_MAX_SEC : wait);
}

static void
on_timer(void *arg)
{
	struct store_mail *s = arg;
	int rc;

	if (!s->on)
		return;
	if (s->busy)
		failed(s, SV("no answer from role mail"));
	else if ((rc = next_send(s)) < 0)
		failed(s, sv_str(err_str(rc)));
}

void
store_mail_sent(struct store_mail *s, const struct msg_mail_done *m)
{
	int rc = 0;

	if (!s->busy || m->id != s->id)
		return;
	if (m->ok == 0 || (rc = history_mail_del(s->h, s->last)) < 0) {
		failed(s, m->ok == 0 ? m->what : sv_str(err_str(rc)));
		return;
	}
	if (s->bad)
		role_log(s->role, LOG_LEVEL_NOTICE, "alarm.mail works again");
	s->bad = s->busy = false;
	s->tries = 0;
	s->last = 0;
	s->sent_at = role_now(s->role);
	again(s, s->gap > COLLECT_SEC ? s->gap : COLLECT_SEC);
}
