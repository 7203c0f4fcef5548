/* Zones that are signed here, and their keys: what an operator has to know in time. */
#include <stdlib.h>
#include <string.h>

#include "app/alarm.h"

#define DAY		86400
#define DS_LATE		(3 * DAY)	/* a registry that takes longer than this is asked */
#define SUBJECT_MAX	2400		/* a zone's name, escaped, and the name of a key's file */

static const struct finding_def *
def(enum alarm_finding f)
{
	return &alarm_findings[f];
}

static void
subject(struct findings *fs, const struct told_zone *z, const char *key)
{
	char *s = pool_printf(fs->pool, "%s%s%s", z->name, key[0] == '\0' ? "" : " ", key);

	fs->subject = sv_str(s != NULL ? s : z->name);
}

/* What a role says is a text of ours, or holds a name of a file, a word of the system. */
static struct farg
reason(const char *said)
{
	if (said[0] == '\0')
		return FA_STR("why", "-");
	return tr(LANG_JA, said) != said ? FA_MSG("why", said) : FA_STR("why", said);
}

/* --- what is served --- */

/*
 * Signatures are made anew when "refresh" of their validity is left; when half
 * of that has passed, too, something does not work.
 */
static void
signatures(const struct told_zone *z, int64_t now, struct findings *fs)
{
	int64_t limit = z->refresh > 0 ? z->refresh / 2 : DAY;

	if (!z->served || z->horizon == TOLD_NONE || z->horizon > now + limit)
		return;
	if (z->horizon <= now)
		finding_add(fs, def(ALARM_ZONE_EXPIRED), FA_TIME("time", z->horizon));
	else
		finding_add(fs, def(ALARM_ZONE_EXPIRES), FA_TIME("time", z->horizon), FA_U("limit", limit));
}

static void
served(const struct told_zone *z, int64_t now, struct findings *fs)
{
	enum told_state state = told_state(z, now);
	int64_t since = z->why_since != TOLD_NONE ? z->why_since : now;

	if (state == TOLD_DOWN)
		finding_add(fs, def(ALARM_ZONE_DOWN), reason(z->why), FA_TIME("time", since));
	if (state == TOLD_KEPT && z->why[0] != '\0')
		finding_add(fs, def(ALARM_ZONE_REFUSED), reason(z->why), FA_TIME("time", since));
}

/* --- keys --- */

static const struct told_todo *
handover(const struct told_zone *z)
{
	for (size_t i = 0; i < z->n_todo; i++)
		if (told_is_handover(&z->todo[i]))
			return &z->todo[i];
	return NULL;
}

/* The lines of a list as one argument; what is too long for a mail is in "zone status". */
static struct sv
joined(struct pool *pool, const struct told_lines *l)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;

	for (size_t i = 0; i < l->n; i++)
		buf_printf(&b, "%s%s", i == 0 ? "" : "; ", l->v[i]);
	return b.rc < 0 || b.len == 0 ? SV("-") : pool_sv(pool, buf_get(&b));
}

static void
parent(const struct told_zone *z, int64_t now, struct findings *fs)
{
	const struct told_todo *t = handover(z);

	if (z->ds_alarm)
		finding_add0(fs, def(ALARM_DS_CHANGED));
	if (t != NULL)
		finding_add(fs, def(ALARM_DS_HANDOVER), FA_TIME("time", t->since == TOLD_NONE ? now : t->since),
		    FA_SV("ds", joined(fs->pool, &t->ds)));
	else if (!z->ds_done && !z->ds_alarm && z->ds_since != TOLD_NONE && z->ds_since < now - DS_LATE)
		finding_add(fs, def(ALARM_DS_LATE), FA_TIME("time", z->ds_since));
}

/* Only a roll that needs the parent is told before: the others need nobody. */
static bool
has_ds(const struct told_key *k)
{
	return strcmp(k->role, "ZSK") != 0;
}

static void
key_look(const struct alarm_conf *c, const struct told_zone *z, const struct told_key *k, int64_t now,
    struct findings *fs)
{
	subject(fs, z, k->name);
	if (k->lost && k->life != TOLD_KEY_GONE)
		finding_add(fs, def(ALARM_KEY_LOST), FA_STR("key", k->name));
	if (has_ds(k) && k->life == TOLD_KEY_ACTIVE && k->retires != TOLD_NONE && k->retires > now &&
	    k->retires - now <= c->key_lead)
		finding_add(fs, def(ALARM_KEY_DUE), FA_STR("key", k->name), FA_TIME("time", k->retires));
}

static void
keys(const struct alarm_conf *c, const struct told_zone *z, int64_t now, struct findings *fs)
{
	subject(fs, z, "");
	if (strcmp(z->keys_state, "cannot") == 0)
		finding_add(fs, def(ALARM_KEY_UNUSABLE), reason(z->keys_why));
	if (z->n_backup > 0)
		finding_add(fs, def(ALARM_KEY_BACKUP), FA_U("n", z->n_backup));
	if (z->refused)
		finding_add(fs, def(ALARM_KEY_REFUSED), FA_STR("why", z->story[0] != '\0' ? z->story : "-"),
		    FA_STR("why_ja", told_story(z, LANG_JA)[0] != '\0' ? told_story(z, LANG_JA) : "-"));
	else if (z->held)
		finding_add(fs, def(ALARM_KEY_HELD), reason(z->next_why));
	parent(z, now, fs);
	for (size_t i = 0; i < z->n_keys; i++)
		key_look(c, z, &z->keys[i], now, fs);
}

/* One token has the keys of many zones: that is one alarm. */
static void
tokens(const struct told *t, struct findings *fs)
{
	const char *why = "";
	uint64_t n = 0;

	for (size_t i = 0; i < t->n; i++)
		if (t->v[i].token[0] != '\0') {
			why = n++ == 0 ? t->v[i].token : why;
		}
	fs->subject = SV("token");
	if (n > 0)
		finding_add(fs, def(ALARM_KEY_TOKEN), FA_U("n", n), reason(why));
}

void
alarm_zones(const struct alarm_conf *c, const struct told *t, int64_t now, struct findings *fs)
{
	for (size_t i = 0; i < t->n; i++) {
		const struct told_zone *z = &t->v[i];

		subject(fs, z, "");
		if (z->by_zone) {
			signatures(z, now, fs);
			served(z, now, fs);
		}
		if (z->by_key)
			keys(c, z, now, fs);
	}
	tokens(t, fs);
}

void
alarm_silence(const char *role, int64_t heard, int64_t now, struct findings *fs)
{
	if (now - heard <= ALARM_SILENCE_SEC)
		return;
	fs->subject = sv_str(role);
	finding_add(fs, def(ALARM_ZONE_SILENT), FA_TIME("time", heard));
}

bool
alarm_is_of_zones(struct sv code)
{
	return sv_starts(code, SV("ALARM_ZONE_")) || sv_starts(code, SV("ALARM_KEY_")) ||
	    sv_starts(code, SV("ALARM_DS_"));
}

bool
alarm_is_repeated(const struct finding_def *d)
{
	static const enum alarm_finding rows[] = { ALARM_MAIL_KEY, ALARM_MAIL_REPORTS,
	    ALARM_ZONE_EXPIRES, ALARM_ZONE_EXPIRED, ALARM_ZONE_DOWN, ALARM_ZONE_SILENT, ALARM_DS_CHANGED,
	    ALARM_DS_HANDOVER, ALARM_KEY_BACKUP, ALARM_KEY_LOST, ALARM_KEY_REFUSED, ALARM_KEY_TOKEN,
	    ALARM_KEY_UNUSABLE };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (d == def(rows[i]))
			return true;
	return false;
}
