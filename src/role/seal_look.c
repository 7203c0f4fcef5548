/* The records of keys are looked at, and what was seen is noted: see role/seal_role.h. */
#include <errno.h>
#include <stdio.h>

#include "app/mail_sign_file.h"
#include "app/mail_sign_keys.h"
#include "base/err.h"
#include "role/seal_role.h"

#define LOOK_SEC	3600
#define SOON_SEC	600	/* where a person or a server is waited for */
#define LOST_SEC	120	/* role name is not there, or began anew */
#define AT_A_TIME	8	/* as many as role name takes */
#define AGAIN_SEC	10	/* another look or command came in between */

/* --- asking --- */

/* The text of its record; empty, where the private key is gone: any is ours. */
static int
record_write(const struct seal_watch *w, struct buf *b)
{
	_cleanup_(crypto_priv_freep) struct crypto_priv *priv = NULL;
	const char *why;
	int rc = mail_sign_file_read(w->path, &priv, &why);

	return rc == 0 ? dkim_record_write(b, priv) : rc == -ENOMEM ? rc : 0;
}

static const struct crypto_priv *
row_priv(const struct seal_role *s, const char *path)
{
	const struct seal_file *f = map_find(&s->files, sv_str(path));

	return f == NULL ? NULL : f->priv;
}

static int
look_ask(struct seal_role *s, struct seal_watch *w)
{
	_cleanup_(buf_done) struct buf record = BUF_INIT;
	const struct crypto_priv *priv = row_priv(s, w->path);
	struct dname name;
	int rc;

	w->asked = role_now(s->role);
	if (dname_parse(sv_str(w->name), NULL, &name) < 0)
		return 0;	/* too long: nobody signs with it, either */
	/* Files of the configuration are out of reach in here; they were read before. */
	rc = priv != NULL ? dkim_record_write(&record, priv) : w->is_house ? record_write(w, &record) : 0;
	if (rc < 0)
		return rc;
	return msg_seal_look_send(s->role, ROLE_NAME, &(struct msg_seal_look){
	    .key = { (const char *)name.w, name.len }, .record = buf_get(&record) });
}

/*
 * It goes on behind the last one: where there are so many that the first ones are due again before
 * all have been looked at, each has its turn.
 */
int
seal_look_turn(struct seal_role *s)
{
	int64_t now = role_now(s->role);
	unsigned busy = 0;
	int rc = 0;

	for (size_t i = 0; i < s->watches.n; i++) {
		struct seal_watch *w = &s->watches.v[i];

		if (w->asked != 0 && (now < w->asked || now - w->asked >= LOST_SEC))
			w->asked = 0;
		busy += w->asked != 0;
	}
	for (size_t n = s->watches.n; n > 0 && busy < AT_A_TIME && rc == 0; n--) {
		struct seal_watch *w = &s->watches.v[s->place++ % s->watches.n];

		/* A clock that was set back does not stop it. */
		if (w->asked != 0 || (w->due > now && w->due - now <= LOOK_SEC))
			continue;
		rc = look_ask(s, w);
		busy++;
	}
	return rc;
}

/* --- what was seen --- */

static void
step_tell(const struct seal_role *s, const struct seal_watch *w, enum mail_roll_state before,
    enum mail_roll_state now)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	struct json j = json_on(&b, false);

	if (before == now)
		return;
	role_log(s->role, LOG_LEVEL_NOTICE, "%s: %s, now %s", w->name, mail_roll_state_name(before),
	    mail_roll_state_name(now));
	json_open(&j, '{');
	json_kv_str(&j, "key", w->name);
	json_kv_str(&j, "before", mail_roll_state_name(before));
	json_kv_str(&j, "now", mail_roll_state_name(now));
	json_close(&j, '}');
	if (b.rc == 0)
		role_audit(s->role, "mail key", buf_get(&b));
}

static bool
same_times(const struct mail_roll_key *a, const struct mail_roll_key *b)
{
	return a->published == b->published && a->seen == b->seen && a->ttl_sec == b->ttl_sec;
}

/* The private key goes when nothing is signed with it; the row when nobody serves its record. */
static bool
withdraw(const struct mail_keys *ks, struct mail_roll_key *k, const struct mail_roll_look *l)
{
	(void)!mail_keys_forget(ks, k);
	return l->n_has == 0 && l->n_silent == 0 && l->n_other > 0;
}

/* *ret_state: what it was before this look. -EBUSY: somebody has written the list. */
static int
house_see(struct seal_role *s, const struct seal_watch *w, const struct mail_roll_look *l,
    enum mail_roll_state *ret_state)
{
	int64_t now = role_now(s->role) + 1;	/* what was given in this second may have come at its end */
	struct mail_roll_key *k, before;
	struct mail_keys ks;
	bool gone = false;
	int rc = mail_keys_open(s->folder, NULL, &ks);

	if (rc < 0)
		return rc;
	*ret_state = MAIL_ROLL_WITHDRAWN;
	if ((k = mail_roll_find(&ks.roll, sv_str(w->domain), sv_str(w->selector))) != NULL) {
		before = *k;
		*ret_state = mail_roll_at(&ks.roll, k, now).state;
		mail_roll_see(k, l, now);
		if (*ret_state == MAIL_ROLL_WITHDRAWN)
			gone = withdraw(&ks, k, l);
		step_tell(s, w, *ret_state, mail_roll_at(&ks.roll, k, now).state);
		if (gone)
			mail_roll_del(&ks.roll, k);
		if (gone || !same_times(k, &before))
			rc = mail_keys_save(&ks);
	}
	mail_keys_done(&ks);
	return rc;
}

/* Whose mail is under way, or still made: its record has to be there. */
static bool
is_needed(const struct seal_watch *w, enum mail_roll_state state)
{
	return !w->is_house || w->bad != 0 || state == MAIL_ROLL_IN_USE || state == MAIL_ROLL_RETIRED;
}

static void
word_keep(char ret[static SEAL_WORD_MAX], struct sv word)
{
	(void)snprintf(ret, SEAL_WORD_MAX, "%.*s", SV_ARG(word));
	for (char *p = ret; *p != '\0'; p++)
		if (*p < ' ' || *p > '~')
			*p = '?';
}

static void
watch_judge(struct seal_role *s, struct seal_watch *w, const struct msg_seal_looked *m,
    enum mail_roll_state state)
{
	bool was = w->bad != 0, had = w->has_all;

	w->seen = role_now(s->role);
	w->has_all = m->has > 0 && m->other + m->silent == 0;
	word_keep(w->server, m->server);
	word_keep(w->why, m->why);
	if (m->other == 0)
		w->bad = 0;
	else if (!was && is_needed(w, state)) {
		w->bad = w->seen;
		role_log(s->role, LOG_LEVEL_WARN, "%s: mail is signed with this key, and %s has %s; "
		    "publish its record again (sekisho mail key show, or that of the key in mail.sign)",
		    w->name, w->server, w->why);
	}
	if (was && w->bad == 0)
		role_log(s->role, LOG_LEVEL_NOTICE, "%s: all servers that answer have its record again",
		    w->name);
	s->news = s->news || was != (w->bad != 0) || had != w->has_all;
}

static int64_t
pause_of(const struct seal_watch *w, enum mail_roll_state state)
{
	if (w->bad != 0 || (w->is_house && state < MAIL_ROLL_IN_USE))
		return SOON_SEC;
	return LOOK_SEC;
}

int
seal_look_end(struct seal_role *s, const struct msg_seal_looked *m)
{
	const struct mail_roll_look l = { .n_has = m->has, .n_other = m->other, .n_silent = m->silent,
		.ttl_sec = m->ttl };
	enum mail_roll_state state = MAIL_ROLL_IN_USE;
	struct rd r = rd_sv(m->key);
	char text[DNAME_STRLEN];
	struct seal_watch *w;
	struct dname name;
	int rc = 0;

	dname_rd(&r, &name);
	if (!rd_done(&r))
		return -EBADMSG;
	(void)dname_str(&name, text);
	w = seal_watch_find(s, sv_take(sv_str(text), strlen(text) - 1));
	if (w == NULL || w->asked == 0)
		return 0;	/* it is not in the list any more, or was given up */
	w->asked = 0;
	w->due = role_now(s->role) + AGAIN_SEC;
	if (m->code == SE_LIMIT)
		return 0;
	if (w->is_house && (rc = house_see(s, w, &l, &state)) == -EBUSY)
		return 0;
	if (rc < 0)
		role_log(s->role, LOG_LEVEL_ERROR, "%s/table: %s", s->folder, err_str(rc));
	if (m->has + m->other > 0)
		watch_judge(s, w, m, state);
	w->due = role_now(s->role) + (m->has + m->other > 0 ? pause_of(w, state) : SOON_SEC);
	return rc == -ENOMEM ? rc : 0;
}
