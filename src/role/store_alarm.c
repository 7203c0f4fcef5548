#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "app/alarm.h"
#include "base/err.h"
#include "base/timefmt.h"
#include "role/store_alarm.h"

#define POOL_MAX	((size_t)8 << 20)	/* findings of one check */
#define CONF_POOL_MAX	((size_t)2 << 20)
#define ALARMS_MAX	2000			/* at one time; more wait */
#define SOURCES_MAX	4096			/* FETCH_PLACES_MAX */
#define FORGET_SEC	(26 * 3600)		/* a server that nobody asks any more */
#define NOTES_MAX	64			/* that wait for the webhook */
#define NOTE_TRIES	30			/* one a minute */
#define NOTE_SEC	60			/* then the one under way is lost */
#define NOTE_BYTES_MAX	15000			/* messages.def: webhook */
#define OVER_TIMES	5			/* of the time that it must have held */

struct alarm {
	char		*key;		/* heap: CODE, blank, subject */
	const char	*code;
	int64_t		 since, told, ended;
	bool		 seen;		/* in this check */
	bool		 note;
};

struct source {
	char		*key;		/* heap */
	int64_t		 first, asked, good;
};

/* A note to the webhook. */
struct note {
	char		*json;		/* heap */
	size_t		 len;
	unsigned	 tries;
};

struct store_alarm {
	struct role		*role;
	const struct store	*store;
	struct history		*h;
	struct store_mail	*mail;
	struct pool		*pool;		/* of conf's lists */
	struct alarm_conf	 conf;
	int64_t			 after;		/* seconds that one must have held */
	int64_t			 repeat;	/* … and between two words of one that waits for somebody; 0: never */
	/* zones that are signed here */
	struct told		 names;
	bool			 has_zones;
	int64_t			 heard_zone, heard_key;
	char			*mail_keys;	/* heap: lines of seal; NULL: it has not spoken yet */
	char			*mail_reports;	/* the same of report */
	int64_t			 first_check;	/* 0: none yet */
	bool			 has_conf, loaded;
	struct alarm		*v;
	size_t			 n;
	struct source		*sources;
	size_t			 n_sources;
	int64_t			 hour;
	unsigned		 n_hour;	/* told in it */
	bool			 said_more;
	/* the webhook */
	char			*url;		/* heap; NULL: none */
	struct note		 notes[NOTES_MAX];
	size_t			 n_notes;
	uint32_t		 note_id;
	int64_t			 sent_at;	/* 0: none is under way */
	bool			 hook_bad;	/* said once */
};

struct store_alarm *
store_alarm_new(struct role *r, const struct store *store, struct history *h,
    struct store_mail *mail)
{
	struct store_alarm *a = calloc(1, sizeof(*a));

	if (a == NULL)
		return NULL;
	a->role = r;
	a->store = store;
	a->h = h;
	a->mail = mail;
	a->v = calloc(ALARMS_MAX, sizeof(*a->v));
	a->sources = calloc(SOURCES_MAX, sizeof(*a->sources));
	return a->v != NULL && a->sources != NULL ? a : store_alarm_free(a);
}

struct store_alarm *
store_alarm_free(struct store_alarm *a)
{
	if (a == NULL)
		return NULL;
	for (size_t i = 0; i < a->n; i++)
		free(a->v[i].key);
	for (size_t i = 0; i < a->n_sources; i++)
		free(a->sources[i].key);
	while (a->n_notes > 0)
		free(a->notes[--a->n_notes].json);
	told_done(&a->names);
	free(a->mail_keys);
	free(a->mail_reports);
	free(a->url);
	free(a->v);
	free(a->sources);
	(void)pool_free(a->pool);
	free(a);
	return NULL;
}

int
store_alarm_conf(struct store_alarm *a, const struct msg_store_conf *m)
{
	struct alarm_conf c = { .expiry_warn = m->expiry_warn,
	    .repository_age = m->repository_age, .data_age = m->data_age, .key_lead = m->key_lead };
	struct pool *pool = pool_new(CONF_POOL_MAX);
	int rc = pool == NULL ? -ENOMEM :
	    alarm_conf_lists(pool, m->org_asns, m->org_prefixes, &c);

	if (rc < 0) {
		(void)pool_free(pool);
		return rc;
	}
	free(a->url);
	a->url = m->webhook.n > 0 ? sv_dup(m->webhook) : NULL;
	(void)pool_free(a->pool);
	a->pool = pool;
	a->conf = c;
	a->after = m->alarm_after;
	a->repeat = m->alarm_repeat;
	a->has_conf = true;
	return 0;
}

const struct alarm_conf *
store_alarm_ours(const struct store_alarm *a)
{
	return &a->conf;
}

/* --- publication servers --- */

static void
source_drop(struct store_alarm *a, size_t i)
{
	free(a->sources[i].key);
	a->sources[i] = a->sources[--a->n_sources];
}

void
store_alarm_source(struct store_alarm *a, const struct msg_source_result *m)
{
	struct source *s = NULL;
	int64_t now = role_now(a->role);

	for (size_t i = 0; i < a->n_sources && s == NULL; i++)
		if (sv_eq_str(m->key, a->sources[i].key))
			s = &a->sources[i];
	if (s == NULL && a->n_sources < SOURCES_MAX) {
		s = &a->sources[a->n_sources];
		*s = (struct source){ .key = sv_dup(m->key), .first = now };
		if (s->key == NULL)
			return;
		a->n_sources++;
	}
	if (s == NULL)
		return;
	s->asked = now;
	if (m->ok != 0)
		s->good = now;
}

/* One that has not answered yet is judged from when it was first asked. */
static void
sources_check(struct store_alarm *a, int64_t now, struct findings *fs)
{
	for (size_t i = a->n_sources; i-- > 0; ) {
		const struct source *s = &a->sources[i];

		if (s->asked < now - FORGET_SEC)
			source_drop(a, i);
		else
			alarm_source(&a->conf, sv_str(s->key),
			    s->good != 0 ? s->good : s->first, now, fs);
	}
}

/* --- zones --- */

void
store_alarm_expect_zones(struct store_alarm *a)
{
	a->has_zones = true;
	a->heard_zone = a->heard_key = role_now(a->role);
}

/* 1: now both are known, for the first time in this life. */
static int
heard(struct store_alarm *a, int64_t *when, int (*take)(struct told *, struct sv), struct sv json)
{
	bool knew = a->names.by_zone && a->names.by_key;
	int rc = take(&a->names, json);

	*when = role_now(a->role);
	return rc < 0 ? rc : !knew && a->names.by_zone && a->names.by_key;
}

int
store_alarm_zones(struct store_alarm *a, struct sv json)
{
	return heard(a, &a->heard_zone, told_zones, json);
}

int
store_alarm_keys(struct store_alarm *a, struct sv json)
{
	return heard(a, &a->heard_key, told_keys, json);
}

/*
 * After a start nothing was told yet: what was on then is neither over nor new.
 * Not for ever, since zones may have gone out of the configuration.
 */
static bool
zones_known(const struct store_alarm *a, int64_t now)
{
	return (a->names.by_zone && a->names.by_key) || now - a->first_check > ALARM_SILENCE_SEC;
}

static void
zones_check(const struct store_alarm *a, int64_t now, struct findings *fs)
{
	if (!a->has_zones)
		return;
	alarm_silence("zone", a->heard_zone, now, fs);
	alarm_silence("key", a->heard_key, now, fs);
	if (zones_known(a, now))
		alarm_zones(&a->conf, &a->names, now, fs);
}

/* --- mail: keys, reports --- */

static int
lines_take(char **lines, struct sv told)
{
	char *copy;

	if (*lines != NULL && sv_eq_str(told, *lines))
		return 0;
	if ((copy = sv_dup(told)) == NULL)
		return -ENOMEM;
	free(*lines);
	*lines = copy;
	return 1;
}

int
store_alarm_mail_keys(struct store_alarm *a, struct sv lines)
{
	return lines_take(&a->mail_keys, lines);
}

int
store_alarm_mail_reports(struct store_alarm *a, struct sv lines)
{
	return lines_take(&a->mail_reports, lines);
}

/* As zones_known(): what was on before the start is not over because nothing was told yet. */
static bool
is_unknown(const struct store_alarm *a, struct sv code, int64_t now)
{
	if (alarm_is_of_mail_keys(code))
		return a->mail_keys == NULL && now - a->first_check <= ALARM_SILENCE_SEC;
	if (alarm_is_of_mail_reports(code))
		return a->mail_reports == NULL && now - a->first_check <= ALARM_SILENCE_SEC;
	return a->has_zones && !zones_known(a, now) && alarm_is_of_zones(code);
}

/* --- the table --- */

static int
row_save(struct store_alarm *a, const struct alarm *x)
{
	const struct history_alarm row = { sv_str(x->key), sv_str(x->code), SV("{}"),
	    x->since, x->told, x->ended };

	return history_alarm_put(a->h, &row);
}

static struct sv
code_of(struct sv key)
{
	return sv_cut(&key, ' ');
}

static bool
on_row(void *arg, const struct history_alarm *row)
{
	struct store_alarm *a = arg;
	struct sv code = code_of(row->key);

	if (a->n == ALARMS_MAX)
		return false;
	for (int i = 0; i < ALARM_FINDING_MAX; i++) {
		const struct finding_def *d = &alarm_findings[i];
		char *key;

		if (!sv_eq_str(code, d->code) || (key = sv_dup(row->key)) == NULL)
			continue;
		a->v[a->n++] = (struct alarm){ .key = key, .code = d->code,
		    .since = row->since, .told = row->told, .ended = row->ended,
		    .note = d->severity == SEV_NOTE };
	}
	return true;
}

static struct alarm *
alarm_find(struct store_alarm *a, const char *key)
{
	for (size_t i = 0; i < a->n; i++)
		if (strcmp(a->v[i].key, key) == 0)
			return &a->v[i];
	return NULL;
}

/* --- the webhook --- */

static void
note_drop(struct store_alarm *a)
{
	free(a->notes[0].json);
	a->n_notes--;
	memmove(&a->notes[0], &a->notes[1], a->n_notes * sizeof(a->notes[0]));
}

/* When too many wait, the oldest goes: the newest says how it is. */
static void
note_add(struct store_alarm *a, struct sv json)
{
	struct note n = { .len = json.n };

	if (a->url == NULL || json.n > NOTE_BYTES_MAX || (n.json = sv_dup(json)) == NULL)
		return;
	if (a->n_notes == NOTES_MAX)
		note_drop(a);
	a->notes[a->n_notes++] = n;
}

static int
note_send(struct store_alarm *a)
{
	int64_t now = role_now(a->role);
	struct msg_webhook m;

	if (a->url == NULL || a->n_notes == 0 || (a->sent_at != 0 && now - a->sent_at < NOTE_SEC))
		return 0;
	if (a->notes[0].tries++ == NOTE_TRIES)
		note_drop(a);
	if (a->n_notes == 0)
		return 0;
	a->sent_at = now;
	m = (struct msg_webhook){ .id = ++a->note_id, .url = sv_str(a->url),
	    .json = { a->notes[0].json, a->notes[0].len } };
	return msg_webhook_send(a->role, ROLE_FETCH, &m);
}

int
store_alarm_hooked(struct store_alarm *a, const struct msg_webhook_done *m)
{
	if (m->id != a->note_id || a->sent_at == 0)
		return 0;
	a->sent_at = 0;
	if (m->ok == 0) {
		if (!a->hook_bad)
			role_log(a->role, LOG_LEVEL_WARN, "alarm.webhook: %.*s; trying again",
			    SV_ARG(m->what));
		a->hook_bad = true;
		return 0;		/* with the next check */
	}
	if (a->hook_bad)
		role_log(a->role, LOG_LEVEL_NOTICE, "alarm.webhook works again");
	a->hook_bad = false;
	if (a->n_notes > 0)
		note_drop(a);
	return note_send(a);
}

/* --- telling --- */

static bool
may_tell(struct store_alarm *a, int64_t now)
{
	if (now / 3600 != a->hour) {
		a->hour = now / 3600;
		a->n_hour = 0;
		a->said_more = false;
	}
	if (a->n_hour < ALARMS_PER_HOUR) {
		a->n_hour++;
		return true;
	}
	if (!a->said_more)
		role_log(a->role, LOG_LEVEL_WARN, "more alarms than %d in this hour; "
		    "\"sekisho rpki check\" shows all", ALARMS_PER_HOUR);
	a->said_more = true;
	return false;
}

static const char *const event_words[] = {
	[ALARM_NOTE] = "begin", [ALARM_BEGIN] = "begin", [ALARM_STILL] = "still", [ALARM_END] = "end",
};

static int
event_save(struct store_alarm *a, enum alarm_event what, const struct finding *f,
    const struct alarm *x)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	struct json j = json_on(&b, false);
	char t[TIME_STRLEN];
	int rc;

	json_open(&j, '{');
	json_kv_str(&j, "alarm", event_words[what]);
	json_kv_str(&j, "key", x->key);
	json_kv_str(&j, "code", x->code);
	json_kv_str(&j, "time", time_str(role_now(a->role), t));
	if (f != NULL) {
		json_key(&j, "finding");
		finding_json(&j, f, LANG_EN);
	}
	json_close(&j, '}');
	if (b.rc < 0)
		return b.rc;
	note_add(a, buf_get(&b));
	if ((rc = store_mail_note(a->mail, what, x->key, f)) < 0)
		return rc;
	return history_event(a->h, role_now(a->role), sv_str(x->code), buf_get(&b));
}

static int
tell(struct store_alarm *a, const struct finding *f, struct alarm *x, int64_t now)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	enum alarm_event what;

	if (!may_tell(a, now))
		return 0;
	finding_text(&b, f, LANG_EN);
	if (b.rc < 0)
		return b.rc;
	/* Some texts begin with the subject themselves, as they stand alone elsewhere. */
	if (sv_starts(buf_get(&b), f->subject))
		role_log(a->role, x->note ? LOG_LEVEL_NOTICE : LOG_LEVEL_WARN, "alarm %s: %.*s",
		    x->code, SV_ARG(buf_get(&b)));
	else
		role_log(a->role, x->note ? LOG_LEVEL_NOTICE : LOG_LEVEL_WARN, "alarm %s: %.*s: %.*s",
		    x->code, SV_ARG(f->subject), SV_ARG(buf_get(&b)));
	what = x->note ? ALARM_NOTE : x->told != 0 ? ALARM_STILL : ALARM_BEGIN;
	x->told = now;
	return event_save(a, what, f, x);
}

static int
over(struct store_alarm *a, const struct alarm *x)
{
	if (x->note || x->told == 0)
		return 0;
	role_log(a->role, LOG_LEVEL_NOTICE, "alarm over %s", x->key);
	return event_save(a, ALARM_END, NULL, x);
}

/* Told already, and it holds: now and then once more where somebody has to act. */
static int
alarm_again(struct store_alarm *a, const struct finding *f, struct alarm *x, int64_t now)
{
	int rc;

	/* A clock that was set back: counted from now. */
	if (a->repeat == 0 || !alarm_is_repeated(f->def) ||
	    (now >= x->told && now - x->told < a->repeat))
		return 0;
	/* What is new comes first. */
	if (now / 3600 == a->hour && a->n_hour >= ALARMS_PER_HOUR / 2)
		return 0;
	rc = tell(a, f, x, now);
	return rc < 0 ? rc : row_save(a, x);
}

/* One that holds now. */
static int
alarm_on(struct store_alarm *a, const struct finding *f, int64_t now)
{
	_cleanup_(buf_done) struct buf key = BUF_INIT;
	struct alarm *x;
	int rc = 0;

	buf_printf(&key, "%s ", f->def->code);
	buf_sv(&key, f->subject);
	buf_char(&key, '\0');
	if (key.rc < 0)
		return key.rc;
	if ((x = alarm_find(a, key.p)) == NULL) {
		if (a->n == ALARMS_MAX)
			return 0;
		x = &a->v[a->n];
		*x = (struct alarm){ .key = sv_dup(sv_str(key.p)), .code = f->def->code,
		    .since = now, .note = f->def->severity == SEV_NOTE };
		if (x->key == NULL)
			return -ENOMEM;
		a->n++;
	} else if (x->told != 0 && x->ended == 0) {
		x->seen = true;
		return alarm_again(a, f, x, now);
	}
	x->seen = true;
	x->ended = 0;
	if (x->told == 0 && (x->note || now - x->since >= a->after))
		rc = tell(a, f, x, now);
	return rc < 0 ? rc : row_save(a, x);
}

/* Those that do not hold any more. */
static int
alarms_off(struct store_alarm *a, int64_t now)
{
	int rc = 0;

	for (size_t i = a->n; i-- > 0 && rc == 0; ) {
		struct alarm *x = &a->v[i];
		bool seen = x->seen;

		x->seen = false;
		if (seen || is_unknown(a, sv_str(x->code), now))
			continue;
		if (x->ended == 0)
			x->ended = now;
		if (x->told == 0 || x->note || now - x->ended >= OVER_TIMES * a->after) {
			if ((rc = over(a, x)) == 0)
				rc = history_alarm_del(a->h, sv_str(x->key));
			free(x->key);
			*x = a->v[--a->n];
		} else
			rc = row_save(a, x);
	}
	return rc;
}

static int
findings_make(struct store_alarm *a, int64_t now, struct findings *fs)
{
	const struct snapshot *s = store_current(a->store);
	int rc = s == NULL ? 0 : alarm_snapshot(&a->conf, s, now, fs);

	if (a->first_check == 0)
		a->first_check = now;
	sources_check(a, now, fs);
	zones_check(a, now, fs);
	if (a->mail_keys != NULL)
		alarm_mail_keys(sv_str(a->mail_keys), fs);
	if (a->mail_reports != NULL)
		alarm_mail_reports(sv_str(a->mail_reports), fs);
	return rc < 0 ? rc : alarm_changes(&a->conf, history_reader_of(a->h), now, fs);
}

int
store_alarm_check(struct store_alarm *a)
{
	_cleanup_(pool_freep) struct pool *pool = NULL;
	int64_t now = role_now(a->role);
	struct findings fs;
	int rc = 0;

	if (!a->has_conf)
		return 0;
	if (!a->loaded && (rc = history_alarms(history_reader_of(a->h), on_row, a)) < 0)
		return rc;
	a->loaded = true;
	if ((pool = pool_new(POOL_MAX)) == NULL)
		return -ENOMEM;
	findings_init(&fs, pool);
	rc = findings_make(a, now, &fs);
	for (const struct finding *f = fs.head; f != NULL && rc == 0; f = f->next)
		rc = alarm_on(a, f, now);
	if (rc == 0)
		rc = alarms_off(a, now);
	return rc < 0 ? rc : note_send(a);
}

void
store_alarm_status(const struct store_alarm *a, struct json *j)
{
	size_t n = 0;

	for (size_t i = 0; i < a->n; i++)
		n += a->v[i].told != 0 && !a->v[i].note;
	json_kv_u64(j, "alarms", n);
}
