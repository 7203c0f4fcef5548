/* See role/key_token.h. The loop: which keys are tried, what came of it, who is told. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "role/key_token_internal.h"
#include "sys/atomicfile.h"
#include "sys/clock.h"
#include "sys/file.h"

#define TICK		(USEC / 5)
#define PROBE		(300 * USEC)	/* a key that is good is tried so often */
#define SIGNED		(1 * USEC)	/* one that is signing */
#define BAD		(5 * USEC)	/* one that is not */
#define AWAY		(3 * USEC)	/* a token that does not answer is asked so often */
#define MAKE_AGAIN	(60 * USEC)
/* Folders may be others when it is back, and a module may need a fresh start. */
#define AWAY_MAX	(60 * USEC)
#define DELETE_AGAIN	(5 * USEC)	/* doubled until the longest */
#define DELETE_AGAIN_MAX (3600 * USEC)
#define HOUR		(3600 * USEC)
#define PASSED_MAX	16		/* questions of a step that are for other keys */
#define STOP		(2 * USEC)

/* --- the token as a whole --- */

static void
pin_remember(struct key_token *kt)
{
	_cleanup_(atomicfile_done) struct atomicfile f;
	char text[32];
	int n = snprintf(text, sizeof(text), "%016llx\n", (unsigned long long)kt->stamp);
	int rc = atomicfile_open_secret(&f, kt->refused_file);

	if (rc == 0 && (rc = fd_write_all(&f.fd, text, (size_t)n)) == 0)
		rc = atomicfile_commit(&f);
	if (rc < 0)
		role_log(kt->role, LOG_LEVEL_ERROR, "%s: %s; a new start would try the PIN again",
		    kt->refused_file, err_str(rc));
}

static void
away_set(struct key_token *kt, int rc, const char *why)
{
	int64_t now = clock_mono_usec();

	if (rc == -EACCES && !kt->is_refused)
		pin_remember(kt);
	kt->is_refused = kt->is_refused || rc == -EACCES;
	if (!atomic_load(&kt->away)) {
		kt->away_since = now;
		kt->look_at = now + AWAY;
	}
	if (strcmp(kt->why, why) != 0) {
		(void)snprintf(kt->why, sizeof(kt->why), "%s", why);
		role_log(kt->role, LOG_LEVEL_ERROR, "the token: %s; what is published stays", why);
	}
	atomic_store(&kt->away, true);
	for (size_t i = 0; i < kt->n; i++)
		if (kt->keys[i]->state == KEY_TOKEN_NEW || kt->keys[i]->state == KEY_TOKEN_GOOD) {
			kt->keys[i]->state = KEY_TOKEN_AWAY;
			kt->keys[i]->changed = true;
		}
}

/* It answered: each key that is not known to be good is tried. */
static void
back_set(struct key_token *kt)
{
	if (!atomic_load(&kt->away))
		return;
	atomic_store(&kt->away, false);
	kt->why[0] = '\0';
	role_log(kt->role, LOG_LEVEL_NOTICE, "the token answers again");
	for (size_t i = 0; i < kt->n; i++)
		if (kt->keys[i]->state != KEY_TOKEN_GOOD)
			kt->keys[i]->next = 0;
	for (size_t i = 0; i < kt->n_zones; i++)
		kt->making[i].next = 0;
}

/* --- keys --- */

static void
key_set(struct key_token_key *k, enum key_token_state s, const char *why)
{
	if (k->state != s || strcmp(k->why, why) != 0) {
		if (s == KEY_TOKEN_BAD && !k->is_gone)
			role_log(k->kt->role, LOG_LEVEL_ERROR, "%s: %s", k->name, why);
		else if (k->state == KEY_TOKEN_BAD && s == KEY_TOKEN_GOOD)
			role_log(k->kt->role, LOG_LEVEL_NOTICE, "%s: its private key is good again", k->name);
		k->renew = k->renew || (k->state == KEY_TOKEN_AWAY && s == KEY_TOKEN_GOOD);
		k->changed = true;
	}
	k->state = s;
	(void)snprintf(k->why, sizeof(k->why), "%s", why);
	atomic_store(&k->live, s == KEY_TOKEN_BAD ? NULL : k->opened);
}

/* What a call said of the key, and of the token. */
static void
key_judge(struct key_token_key *k, int rc, const char *why)
{
	struct key_token *kt = k->kt;

	if (token_key_is_away(rc)) {
		away_set(kt, rc, why);
		key_set(k, k->state == KEY_TOKEN_BAD ? KEY_TOKEN_BAD : KEY_TOKEN_AWAY, why);
		return;
	}
	back_set(kt);
	key_set(k, rc == 0 ? KEY_TOKEN_GOOD : KEY_TOKEN_BAD, why);
	k->probed = clock_mono_usec();
	k->next = k->probed + (rc == 0 ? PROBE : BAD);
}

/*
 * A device that begins to compute wrongly does so while it signs. The zone's audit lets nothing
 * of that pass; here it is found out, so that it is told as what it is, and signing goes on by
 * itself when it is over.
 */
static void
key_signed(struct key_token_key *k)
{
	if (k->state == KEY_TOKEN_GOOD)
		k->next = min_i64(k->next, max_i64(clock_mono_usec() + TICK, k->probed + SIGNED));
}

static void
key_try(struct key_token_key *k)
{
	struct token_job *j = token_job_new(k->kt, JOB_TRY, 0);

	if (j == NULL)
		return;
	j->key = k;
	j->opened = k->opened;
	k->asked = token_job_add(j) == 0;
}

static void
keys_try(struct key_token *kt, int64_t now)
{
	bool away = atomic_load(&kt->away);

	if (away && now < kt->look_at)
		return;
	for (size_t i = 0; i < kt->n; i++) {
		struct key_token_key *k = kt->keys[i];

		if (k->asked || k->is_gone || (!away && now < k->next))
			continue;
		key_try(k);
		if (away) {		/* one is enough to see whether it is back */
			kt->look_at = now + AWAY;
			return;
		}
	}
}

struct key_token_key *
key_token_key(struct key_token *kt, size_t zone, const struct keyring_key *from)
{
	struct key_token_key *k;
	size_t at;

	if (kt == NULL || from->uri == NULL || from->priv != NULL)
		return NULL;
	for (at = 0; at < kt->n; at++)
		if (kt->keys[at]->zone == zone && sv_eq(kt->keys[at]->rdata, from->rdata))
			break;
	/* One whose URI is another by now is another key to us; threads may be in the first. */
	if (at < kt->n && strcmp(kt->keys[at]->uri, from->uri) == 0)
		return kt->keys[at];
	if (at == TOKEN_KEYS_MAX || (k = calloc(1, sizeof(*k))) == NULL)
		return NULL;
	k->kt = kt;
	k->zone = zone;
	k->state = atomic_load(&kt->away) || kt->hsm == NULL ? KEY_TOKEN_AWAY : KEY_TOKEN_NEW;
	k->name = sv_dup(sv_str(from->name));
	k->uri = sv_dup(sv_str(from->uri));
	k->rdata = (struct sv){ sv_dup(from->rdata), from->rdata.n };
	if (k->name == NULL || k->uri == NULL || k->rdata.p == NULL)
		return NULL;		/* no memory: so little is left that it does not matter */
	kt->keys[at] = k;
	kt->n += at == kt->n;
	return k;
}

enum key_token_state
key_token_state(const struct key_token *kt, const struct key_token_key *k,
    const struct keyring_key *from, const char **ret_why)
{
	*ret_why = "";
	if (from->uri == NULL || from->priv != NULL)
		return KEY_TOKEN_NONE;
	if (kt == NULL || k == NULL) {
		*ret_why = "it is in a token, and dns.pkcs11.module is not set";
		return KEY_TOKEN_BAD;
	}
	*ret_why = k->state == KEY_TOKEN_AWAY ? kt->why :
	    k->state == KEY_TOKEN_NEW ? "the token has not answered yet" : k->why;
	return k->state;
}

/* --- new keys --- */

static void
make_ask(struct key_token *kt, size_t zone)
{
	struct token_making *m = &kt->making[zone];
	struct token_job *j = token_job_new(kt, JOB_MAKE, 0);

	if (j == NULL)
		return;
	j->zone = zone;
	(void)dname_str(&kt->kr->list.v[zone].name, j->zone_name);
	j->alg = m->alg;
	j->bits = m->bits;
	j->flags = m->flags;
	m->asked = token_job_add(j) == 0;
}

int
key_token_make(struct key_token *kt, size_t zone, uint8_t alg, unsigned bits, uint16_t flags,
    struct token_made *ret)
{
	struct token_making *m = &kt->making[zone];

	if (m->is_made && m->alg == alg && m->bits == bits && m->flags == flags) {
		*ret = m->made;
		*m = (struct token_making){ 0 };
		return 0;
	}
	if (m->asked)
		return -EINPROGRESS;
	if (m->is_made && m->n_passed++ < PASSED_MAX)
		return -EINPROGRESS;	/* for another key of the same step */
	if (m->is_made)
		key_token_undo(kt, &m->made);
	if (m->is_made || m->alg != alg || m->bits != bits || m->flags != flags)
		*m = (struct token_making){ .alg = alg, .bits = bits, .flags = flags };
	if (m->why[0] == '\0')
		(void)snprintf(m->why, sizeof(m->why), "a key is being made in the token");
	if (kt->hsm != NULL && !atomic_load(&kt->away) && clock_mono_usec() >= m->next)
		make_ask(kt, zone);
	return -EINPROGRESS;
}

const char *
key_token_making(const struct key_token *kt, size_t zone)
{
	if (kt == NULL || kt->making[zone].alg == 0)
		return "";
	return kt->hsm == NULL || atomic_load(&kt->away) ? kt->why : kt->making[zone].why;
}

void
key_token_adopt(struct key_token *kt, size_t zone, const struct keyring_key *from,
    struct token_made *made)
{
	struct key_token_key *k = key_token_key(kt, zone, from);

	if (k != NULL && k->opened == NULL) {
		k->opened = TAKE_PTR(made->key);
		key_set(k, KEY_TOKEN_GOOD, "");
		k->probed = clock_mono_usec();
		k->next = k->probed + PROBE;
	}
	token_made_done(made);
}

void
key_token_undo(struct key_token *kt, struct token_made *made)
{
	struct token_job *j = token_job_new(kt, JOB_UNDO, 0);

	if (j == NULL) {
		token_made_done(made);
		return;
	}
	j->made = *made;
	*made = (struct token_made){ .uri = BUF_INIT };
	(void)!token_job_add(j);
}

/* Another key under its id is not ours to delete: it stays, and is told as bad. */
int
key_token_delete(struct key_token *kt, struct key_token_key *k)
{
	struct token_job *j;

	if (k->is_gone || k->is_absent)
		return 0;
	if (k->asked || k->state != KEY_TOKEN_GOOD || clock_mono_usec() < k->delete_next ||
	    (j = token_job_new(kt, JOB_DELETE, 0)) == NULL)
		return -EINPROGRESS;
	j->key = k;
	j->opened = k->opened;
	k->asked = token_job_add(j) == 0;
	return -EINPROGRESS;
}

/* Its files and its place in the state stay, until it is out of the token. */
static void
delete_failed(struct key_token_key *k, const char *why)
{
	int64_t wait = min_i64(DELETE_AGAIN << (k->n_stays < 16 ? k->n_stays : 16), DELETE_AGAIN_MAX);
	bool is_news = k->n_stays++ == 0 || strstr(k->stays, why) == NULL;

	k->delete_next = clock_mono_usec() + wait;
	if (is_news)
		role_log(k->kt->role, LOG_LEVEL_ERROR, "%s: it is not needed any more and cannot be deleted from the "
		    "token: %s; this is tried again", k->name, why);
	(void)snprintf(k->stays, sizeof(k->stays), "%s is not needed any more and cannot be deleted: %.180s",
	    k->name, why);
	k->changed = true;
}

const char *
key_token_stays(const struct key_token_key *k)
{
	return k == NULL || k->stays[0] == '\0' || k->is_gone ? NULL : k->stays;
}

static void
delete_over(struct token_job *j)
{
	struct key_token_key *k = j->key;

	k->asked = false;
	if (j->rc < 0 && token_key_is_away(j->rc)) {
		key_judge(k, j->rc, j->why);
	} else if (j->rc < 0 && j->rc != -ENOENT) {
		delete_failed(k, j->why);
	} else {
		k->is_gone = true;
		key_set(k, KEY_TOKEN_BAD, "it was deleted");
	}
}

static void
make_over(struct token_job *j)
{
	struct key_token *kt = j->kt;
	struct token_making *m = &kt->making[j->zone];

	m->asked = false;
	m->changed = true;
	if (j->rc == 0) {
		m->is_made = true;
		m->made = j->made;
		j->made = (struct token_made){ .uri = BUF_INIT };
		return;
	}
	if (token_key_is_away(j->rc))
		away_set(kt, j->rc, j->why);
	else
		role_log(kt->role, LOG_LEVEL_ERROR, "no key could be made in the token: %s", j->why);
	(void)snprintf(m->why, sizeof(m->why), "%s", j->why);
	m->next = clock_mono_usec() + MAKE_AGAIN;
}

/* --- jobs --- */

void
token_job_late(struct token_job *j)
{
	const char *why = "the module does not return from a call";
	struct key_token *kt = j->kt;

	/* One that only waited for too long says that the token is slow. */
	if (j->job.begun != 0 && clock_mono_usec() - j->job.begun > j->job.limit_usec)
		away_set(kt, SE_TIMEOUT, why);
	if (j->kind == JOB_TRY || j->kind == JOB_DELETE)
		j->key->asked = false;
	if (j->kind == JOB_LIST || j->kind == JOB_REMOVE)
		token_orphan_failed(j, why);
	if (j->kind != JOB_MAKE)
		return;
	kt->making[j->zone].asked = false;
	kt->making[j->zone].changed = true;
	kt->making[j->zone].next = clock_mono_usec() + MAKE_AGAIN;
	(void)snprintf(kt->making[j->zone].why, sizeof(kt->making[j->zone].why), "%s", why);
}

static void
try_over(struct token_job *j)
{
	struct key_token_key *k = j->key;

	k->asked = false;
	if (j->is_new) {
		k->opened = TAKE_PTR(j->opened);
		j->is_new = false;
	}
	k->is_absent = j->rc == -ENOENT;
	key_judge(k, j->rc, j->rc < 0 ? j->why : "");
}

static void
job_over(struct token_job *j)
{
	if (j->job.is_late)
		;
	else if (j->kind == JOB_TRY)
		try_over(j);
	else if (j->kind == JOB_MAKE)
		make_over(j);
	else if (j->kind == JOB_DELETE)
		delete_over(j);
	else if (j->kind == JOB_LIST)
		token_list_over(j);
	else if (j->kind == JOB_REMOVE)
		token_remove_over(j);
	else if (j->kind == JOB_SIGN && j->rc < 0)
		key_judge(j->key, j->rc, j->why);
	else if (j->kind == JOB_SIGN)
		key_signed(j->key);
	j->job.free(&j->job);
}

/* --- time --- */

/* What could not be deleted is tried again. */
static void
delete_again(struct key_token *kt, int64_t now)
{
	for (size_t i = 0; i < kt->n; i++) {
		struct key_token_key *k = kt->keys[i];

		if (k->delete_next == 0 || now < k->delete_next || k->is_gone)
			continue;
		k->delete_next = 0;	/* until it fails again */
		k->changed = true;
	}
}

static void
tell(struct key_token *kt)
{
	for (size_t i = 0; i < kt->n; i++)
		if (kt->keys[i]->changed) {
			bool renew = kt->keys[i]->renew;

			kt->keys[i]->changed = kt->keys[i]->renew = false;
			kt->changed(kt->kr, kt->keys[i]->zone, renew);
		}
	for (size_t i = 0; i < kt->n_zones; i++) {
		struct token_making *m = &kt->making[i];
		bool again = m->alg != 0 && !m->asked && !m->is_made && !atomic_load(&kt->away) &&
		    m->next != INT64_MAX && clock_mono_usec() >= m->next;

		if (!m->changed && !again)
			continue;
		m->changed = false;
		if (again)
			m->next = INT64_MAX;	/* until it is asked for again */
		kt->changed(kt->kr, i, false);
	}
}

/* --- the module's process --- */

/* Three deaths within an hour are an alarm, although everything is signed. */
static void
deaths_note(struct key_token *kt, uint64_t n, int64_t now)
{
	bool was = kt->ill[0] != '\0';

	for (uint64_t i = 0; i < n && i < TOKEN_DEATHS; i++) {
		memmove(kt->died, kt->died + 1, sizeof(kt->died) - sizeof(kt->died[0]));
		kt->died[TOKEN_DEATHS - 1] = now;
	}
	if (kt->died[0] == 0 || now - kt->died[0] > HOUR)
		return;
	(void)snprintf(kt->ill, sizeof(kt->ill), "%s: the process of its module has ended %llu times, and was started "
	    "again", kt->apart.n_hung > kt->apart.n_crashed ? "HSM_HUNG" : "HSM_CRASHED",
	    (unsigned long long)(kt->apart.n_crashed + kt->apart.n_hung));
	for (size_t i = 0; i < kt->n && !was; i++)
		kt->keys[i]->changed = true;
}

/* The last death is an hour ago: it is well again. */
static void
deaths_forget(struct key_token *kt, int64_t now)
{
	if (kt->ill[0] == '\0' || now - kt->died[TOKEN_DEATHS - 1] <= HOUR)
		return;
	kt->ill[0] = '\0';
	for (size_t i = 0; i < kt->n; i++)
		kt->keys[i]->changed = true;
}

const char *
key_token_ill(const struct key_token *kt)
{
	return kt == NULL || kt->ill[0] == '\0' ? NULL : kt->ill;
}

static void
apart_look(struct key_token *kt, int64_t now)
{
	struct hsm_apart_state was = kt->apart;
	uint64_t n;

	hsm_apart_look(kt->hsm, &kt->apart);
	n = kt->apart.n_crashed - was.n_crashed + kt->apart.n_hung - was.n_hung;
	if (kt->apart.n_crashed != was.n_crashed)
		role_log(kt->role, LOG_LEVEL_ERROR, "the module %s has crashed; its process is started again", kt->module);
	if (kt->apart.n_hung != was.n_hung)
		role_log(kt->role, LOG_LEVEL_ERROR, "a call of the module %s did not return; its process was ended, "
		    "and is started again", kt->module);
	if (n > 0)
		deaths_note(kt, n, now);
	deaths_forget(kt, now);
	if (kt->apart.is_over) {
		role_log(kt->role, LOG_LEVEL_ERROR, "the module can get no process any more; starting anew");
		role_stop(kt->role, 0);
	} else if (atomic_load(&kt->away) && !kt->is_refused && now - kt->away_since > AWAY_MAX) {
		kt->away_since = now;
		hsm_apart_renew(kt->hsm);
	}
}

static void
on_tick(void *arg)
{
	struct key_token *kt = arg;
	int64_t now = clock_mono_usec();
	struct crew_job *j;

	(void)crew_look(kt->crew, now);
	while ((j = crew_next(kt->crew)) != NULL)
		job_over((struct token_job *)j);
	keys_try(kt, now);
	delete_again(kt, now);
	tell(kt);
	token_orphans_tick(kt, now);
	apart_look(kt, now);
	(void)loop_timer_set(kt->timer, TICK);
}

int
key_token_start(struct key_token *kt, struct key_role *kr,
    void (*changed)(struct key_role *, size_t zone, bool renew))
{
	kt->kr = kr;
	kt->changed = changed;
	for (unsigned i = 0; i < kt->n_threads; i++) {
		kt->workers[i].kr = kr;
		kt->workers[i].on_token = true;
	}
	if (kt->hsm == NULL)
		return 0;
	kt->crew = crew_new(kt->n_threads);
	kt->timer = loop_timer_add(kt->role->loop, on_tick, kt);
	if (kt->crew == NULL || kt->timer == NULL)
		return -ENOMEM;
	return loop_timer_set(kt->timer, 1);
}

void
key_token_stop(struct key_token *kt)
{
	if (kt == NULL || kt->crew == NULL)
		return;
	/* C_Finalize while a call is under way is the end of many a module. */
	if (crew_stop(kt->crew, STOP))
		kt->hsm = hsm_free(kt->hsm);
	kt->crew = NULL;
}

struct ring_change {
	struct key_token	*kt;
	struct ring		*ring;
};

static void
ring_set(void *arg)
{
	struct ring_change *c = arg;

	c->kt->ring = c->ring;
	atomic_fetch_add(&c->kt->ring_no, 1);
}

void
key_token_ring(struct key_token *kt, struct ring *ring)
{
	struct ring_change c = { kt, ring };

	if (kt != NULL && kt->crew != NULL)
		crew_do(kt->crew, ring_set, &c);
}

void
key_token_json(const struct key_token *kt, struct json *j)
{
	size_t n[KEY_TOKEN_BAD + 1] = { 0 };

	if (kt == NULL)
		return;
	for (size_t i = 0; i < kt->n; i++)
		n[kt->keys[i]->state]++;
	json_key(j, "token");
	json_open(j, '{');
	json_kv_bool(j, "answers", kt->hsm != NULL && !atomic_load(&kt->away));
	if (kt->why[0] != '\0')
		json_kv_str(j, "why", kt->why);
	json_kv_u64(j, "keys", kt->n);
	json_kv_u64(j, "good", n[KEY_TOKEN_GOOD]);
	json_kv_u64(j, "bad", n[KEY_TOKEN_BAD]);
	json_kv_u64(j, "crashed", kt->apart.n_crashed);
	json_kv_u64(j, "hung", kt->apart.n_hung);
	json_kv_u64(j, "orphans", kt->n_orphans);
	json_close(j, '}');
}
