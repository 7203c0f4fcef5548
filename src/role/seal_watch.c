/* Which keys are looked at, and how they are: see role/seal_role.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "role/seal_role.h"
#include "app/mail_sign_keys.h"

#define POOL_MAX	((size_t)64 << 20)	/* MAIL_SIGN_ROWS_MAX and MAIL_ROLL_KEYS_MAX of some 500 octets */
#define TELL_SEC	30
#define BAD_OCTETS	15000			/* messages.def: seal_told */

/* --- the list --- */

static int
watch_add(struct seal_watches *w, const struct seal_watches *before, struct seal_watch one)
{
	const struct seal_watch *old;
	int rc;

	one.name = pool_printf(w->pool, "%s._domainkey.%s", one.selector, one.domain);
	if (one.name == NULL)
		return -ENOMEM;
	if ((old = map_find(&before->by_name, sv_str(one.name))) != NULL) {
		one.due = old->due;
		one.asked = old->asked;
		one.seen = old->seen;
		one.has_all = old->has_all;
		one.bad = old->bad;
		memcpy(one.server, old->server, sizeof(one.server));
		memcpy(one.why, old->why, sizeof(one.why));
	}
	w->v[w->n] = one;
	if ((rc = map_add(&w->by_name, sv_str(one.name), &w->v[w->n])) == -EEXIST)
		return 0;	/* the same key for two lines, or for the house too */
	w->n += rc == 0;
	return rc;
}

/* Those of the configuration. ".example.jp" is for mail of what is below, by that one's key. */
static int
rows_watch(const struct seal_role *s, struct seal_watches *w)
{
	int rc = 0;

	for (size_t i = 0; i < s->rows.n && rc == 0; i++) {
		const struct seal_row *row = &s->rows.v[i];

		if (row->file->priv != NULL)
			rc = watch_add(w, &s->watches, (struct seal_watch){ .selector = row->selector,
			    .domain = row->domain + (row->domain[0] == '.'), .path = row->file->path });
	}
	return rc;
}

static int
house_watch(const struct seal_role *s, const struct mail_keys *ks, struct seal_watches *w)
{
	char path[MAIL_KEYS_PATH_MAX];
	int rc = 0;

	for (size_t i = 0; i < ks->roll.n && rc == 0; i++) {
		const struct mail_roll_key *k = &ks->roll.keys[i];
		struct seal_watch one = { .is_house = true, .domain = pool_sv(w->pool, k->domain).p,
		    .selector = pool_sv(w->pool, k->selector).p };

		mail_keys_path(ks, k, path);
		one.path = pool_sv(w->pool, sv_str(path)).p;
		rc = one.domain == NULL || one.selector == NULL || one.path == NULL ? -ENOMEM :
		    watch_add(w, &s->watches, one);
	}
	return rc;
}

static void
watches_free(struct seal_watches *w)
{
	map_done(&w->by_name);
	w->pool = pool_free(w->pool);
}

int
seal_watch_make(struct seal_role *s)
{
	struct seal_watches w = { .pool = pool_new(POOL_MAX) };
	struct mail_keys ks;
	int rc = mail_keys_open(s->folder, NULL, &ks);

	/* A list that cannot be read was told by seal_house.c. */
	if (rc < 0 && rc != -ENOMEM) {
		watches_free(&w);
		return 0;
	}
	if (rc == 0) {
		rc = -ENOMEM;
		if (w.pool != NULL && (w.v = pool_calloc(w.pool, s->rows.n + ks.roll.n + 1, sizeof(*w.v))) != NULL &&
		    (rc = rows_watch(s, &w)) == 0)
			rc = house_watch(s, &ks, &w);
		mail_keys_done(&ks);
	}
	if (rc < 0) {
		watches_free(&w);
		return rc;
	}
	watches_free(&s->watches);
	s->watches = w;
	s->news = true;
	return 0;
}

struct seal_watch *
seal_watch_find(struct seal_role *s, struct sv name)
{
	return map_find(&s->watches.by_name, name);
}

void
seal_watch_free(struct seal_role *s)
{
	watches_free(&s->watches);
}

/* --- how they are --- */

void
seal_watch_json(const struct seal_role *s, struct json *j)
{
	size_t there = 0, bad = 0, unknown = 0;

	for (size_t i = 0; i < s->watches.n; i++) {
		const struct seal_watch *w = &s->watches.v[i];

		there += w->bad == 0 && w->has_all;
		bad += w->bad != 0;
		unknown += w->bad == 0 && !w->has_all;
	}
	json_kv_u64(j, "records_there", there);
	json_kv_u64(j, "records_bad", bad);
	json_kv_u64(j, "records_unknown", unknown);
}

static void
bad_write(const struct seal_role *s, struct buf *b)
{
	for (size_t i = 0; i < s->watches.n && b->len < BAD_OCTETS - 1000; i++) {
		const struct seal_watch *w = &s->watches.v[i];

		if (w->bad != 0)
			buf_printf(b, "%s\t%lld\t%s\t%s\n", w->name, (long long)w->bad, w->server, w->why);
	}
}

int
seal_watch_tell(struct seal_role *s)
{
	_cleanup_(buf_done) struct buf bad = BUF_INIT;
	int64_t now = role_now(s->role);

	if (!s->news && s->told != 0 && now >= s->told && now - s->told < TELL_SEC)
		return 0;
	s->news = false;
	s->told = now;
	bad_write(s, &bad);
	return bad.rc < 0 ? bad.rc : msg_seal_told_send(s->role, ROLE_STORE,
	    &(struct msg_seal_told){ .bad = buf_get(&bad) });
}
