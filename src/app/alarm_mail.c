#include <stdio.h>

#include "app/alarm.h"
#include "app/alarm_mail.h"
#include "app/mail.h"
#include "base/timefmt.h"

#define TAIL_ROOM	800	/* for the last words, in any language */
#define CODES_SHOWN	200

static const char *const event_names[] = {
	[ALARM_NOTE] = N_("happened"),
	[ALARM_BEGIN] = N_("begins"),
	[ALARM_STILL] = N_("still holds"),
	[ALARM_END] = N_("is over"),
};

/* On its line: what strangers wrote makes no paragraph of its own. */
static void
line_put(struct buf *b, struct sv s)
{
	for (size_t i = 0; i < s.n; i++)
		buf_char(b, s.p[i] == '\n' || s.p[i] == '\r' ? '?' : s.p[i]);
}

void
alarm_mail_text(struct buf *b, enum alarm_event e, const char *key, const struct finding *f,
    int64_t at, enum lang lang)
{
	struct sv rest = sv_str(key), code = sv_cut(&rest, ' ');
	_cleanup_(buf_done) struct buf text = BUF_INIT;
	char when[TIME_STRLEN];

	buf_printf(b, "%s  %.*s  %s\n", time_str(at, when), SV_ARG(code),
	    tr(lang, event_names[e]));
	line_put(b, rest);
	buf_char(b, '\n');
	if (f == NULL)
		return;
	finding_text(&text, f, lang);
	buf_str(b, "  ");
	line_put(b, buf_get(&text));
	if (text.rc < 0)
		b->rc = text.rc;
	buf_printf(b, "\n  %s %s\n", tr(lang, N_("To do:")), tr(lang, f->def->remedy));
	buf_printf(b, "  %s %s\n", tr(lang, N_("By hand:")), f->def->by_hand);
}

void
alarm_mail_init(struct alarm_mail *m, struct sv org, enum lang lang)
{
	*m = (struct alarm_mail){ .org = org, .lang = lang };
}

void
alarm_mail_done(struct alarm_mail *m)
{
	buf_done(&m->codes);
	buf_done(&m->body);
}

static void
code_add(struct buf *codes, struct sv code)
{
	struct sv rest = buf_get(codes);

	while (rest.n > 0)
		if (sv_eq(sv_trim(sv_cut(&rest, ',')), code))
			return;
	if (codes->len + code.n < CODES_SHOWN)
		buf_printf(codes, "%s%.*s", codes->len > 0 ? ", " : "", SV_ARG(code));
}

bool
alarm_mail_add(struct alarm_mail *m, struct sv key, struct sv text)
{
	struct sv code;

	if (m->n > 0 && m->body.len + text.n + 1 > MAIL_BODY_MAX - TAIL_ROOM)
		return false;
	if (m->n++ == 0)
		(void)snprintf(m->head, sizeof(m->head), "%.*s", SV_ARG(key));
	else
		buf_char(&m->body, '\n');
	code = sv_cut(&key, ' ');
	code_add(&m->codes, code);
	if (alarm_is_of_mail_keys(code))
		m->n_keys++;
	else if (alarm_is_of_mail_reports(code))
		m->n_reports++;
	else if (alarm_is_of_zones(code))
		m->n_zones++;
	else
		m->n_routes++;
	buf_sv(&m->body, sv_take(text, MAIL_BODY_MAX - TAIL_ROOM));
	return true;
}

int
alarm_mail_end(struct alarm_mail *m, struct buf *subject)
{
	buf_str(subject, "[Sekisho");
	if (m->org.n > 0)
		buf_printf(subject, " %.*s", SV_ARG(m->org));
	buf_str(subject, "] ");
	if (m->n == 1)
		buf_str(subject, m->head);
	else {
		buf_printf(subject, tr(m->lang, N_("%zu alarms: ")), m->n);
		buf_sv(subject, buf_get(&m->codes));
	}
	buf_char(&m->body, '\n');
	if (m->n_more > 0)
		buf_printf(&m->body, tr(m->lang, N_("%llu more wait for the next mail.\n")),
		    (unsigned long long)m->n_more);
	if (m->n_routes > 0)
		buf_str(&m->body, tr(m->lang, N_("What holds now: sekisho rpki check\n")));
	if (m->n_zones > 0)
		buf_str(&m->body, tr(m->lang, N_("How the zones are now: sekisho zone status\n")));
	if (m->n_keys > 0)
		buf_str(&m->body, tr(m->lang, N_("What servers give for keys of mail now: sekisho mail key check\n")));
	if (m->n_reports > 0)
		buf_str(&m->body, tr(m->lang, N_("How mail is now: sekisho status\n")));
	return subject->rc < 0 ? subject->rc : m->body.rc < 0 ? m->body.rc : m->codes.rc;
}
