/* The module in a process of its own: what is asked goes there, and what becomes of that process. */
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "hsm/internal.h"
#include "sys/cell.h"
#include "sys/clock.h"
#include "sys/file.h"

#define ATTEMPTS	2	/* of what was asked when it crashed */
#define PAUSES_MSEC	1000	/* between the attempts of one call, there (HSM_PAUSE_MSEC) */

struct hsm_apart {
	struct hsm_apart_opts	 o;
	struct hsm_host		 host;
	struct cell		*cell;
	/* Each entry belongs to who holds that session. */
	int			 fd[HSM_SESSIONS_MAX];
	uint64_t		 fd_life[HSM_SESSIONS_MAX];

	pthread_mutex_t		 lock;		/* what follows */
	int			 fresh[HSM_SESSIONS_MAX];	/* of this life, not taken yet */
	uint64_t		 life;		/* counted from 1 */
	bool			 is_alive;
	int64_t			 begun, next;	/* monotonic; no new one before next */
	unsigned		 n_early;	/* that died early, one after the other */
	CK_RV			 cause;		/* why there is none */
	char			 end[CELL_TEXT_MAX];
	struct hsm_hello	 hello;		/* of cause HSM_RV_UNOPENED */
	CK_RV			 refused;	/* CKR_OK, or what the token said of the PIN */
	/* Looked at by who cannot wait: a life may be just beginning. */
	_Atomic uint64_t	 n_crashed, n_hung;
	atomic_bool		 is_over, renew;
};

/* --- frames --- */

static int64_t
until_of(unsigned msec)
{
	return clock_mono_usec() + (int64_t)msec * 1000;
}

/* The next that is not a mere sign of life; each of those grants the time anew. */
static int
frame_read(int fd, unsigned msec, struct buf *b)
{
	int64_t until = until_of(msec);
	uint8_t head[4];
	size_t n = 0;
	int rc = 0;

	while (rc == 0 && n == 0) {
		struct rd r = rd_mem(head, sizeof(head));

		if ((rc = cell_read(fd, head, sizeof(head), until)) == 0 && (n = rd_be32(&r)) == 0)
			until = until_of(msec);
	}
	if (rc < 0 || n > HSM_ANSWER_MAX)
		return rc < 0 ? rc : -EBADMSG;
	b->len = 0;
	while (rc == 0 && n > 0) {
		char part[16384];
		size_t len = min_size(n, sizeof(part));

		if ((rc = cell_read(fd, part, len, until)) == 0)
			buf_bytes(b, part, len);
		n -= len;
	}
	return rc < 0 ? rc : b->rc;
}

/* --- lives, with the lock --- */

static void
fresh_close(struct hsm_apart *a)
{
	for (size_t i = 0; i < HSM_SESSIONS_MAX; i++)
		fd_close(&a->fresh[i]);
}

/* It has died, or is to. Once for each life. */
static void
life_over(struct hsm_apart *a, CK_RV cause)
{
	int64_t now = clock_mono_usec();
	unsigned shift;

	if (cell_end(a->cell, 0, a->end) < 0)
		a->is_over = true;
	fresh_close(a);
	a->is_alive = false;
	a->cause = cause;
	a->n_crashed += cause == HSM_RV_CRASHED;
	a->n_hung += cause == HSM_RV_HUNG;
	if (now - a->begun > (int64_t)HSM_EARLY_MSEC * 1000)
		a->n_early = 0;
	a->n_early++;
	shift = a->n_early < 16 ? a->n_early - 2 : 14;
	a->next = a->n_early < 2 ? now :
	    now + min_i64((int64_t)HSM_AGAIN_MSEC << shift, HSM_AGAIN_MAX_MSEC) * 1000;
}

/* By our word. */
static void
life_retire(struct hsm_apart *a)
{
	life_over(a, CKR_OK);
	a->n_early = 0;
	a->next = 0;
}

static CK_RV
hello_hear(struct hsm_apart *a)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	int rc = frame_read(a->fresh[0], a->o.call_msec, &b);
	struct rd r = rd_sv(buf_get(&b));

	if (rc < 0)
		return rc == -ETIMEDOUT ? HSM_RV_HUNG : HSM_RV_CRASHED;
	if (!hsm_hello_get(&r, &a->hello))
		return HSM_RV_CRASHED;
	return a->hello.code == HSM_FINDING_MAX ? CKR_OK : HSM_RV_UNOPENED;
}

static CK_RV
life_begin(struct hsm_apart *a, unsigned n)
{
	pid_t pid;
	CK_RV rv;
	int rc;

	if (a->cause != CKR_OK && clock_mono_usec() < a->next)
		return a->cause;
	if ((rc = cell_start(a->cell, a->fresh, n, &pid)) < 0) {
		a->is_over = a->is_over || rc == -EPIPE;
		(void)snprintf(a->end, sizeof(a->end), "%s", err_str(rc));
		return a->cause = HSM_RV_CRASHED;
	}
	a->life++;
	a->begun = clock_mono_usec();
	if ((rv = hello_hear(a)) != CKR_OK) {
		life_over(a, rv);
		return rv;
	}
	a->is_alive = true;
	return CKR_OK;
}

/* --- a session's socket --- */

/* Of the life that is; a new one begins where there is none. */
static CK_RV
line_get(struct hsm *h, size_t i)
{
	struct hsm_apart *a = h->apart;
	CK_RV rv = CKR_OK;

	(void)pthread_mutex_lock(&a->lock);
	if (atomic_exchange(&a->renew, false) && a->is_alive)
		life_retire(a);
	if (a->refused != CKR_OK)
		rv = a->refused;
	else if (!a->is_alive)
		rv = life_begin(a, h->n_sessions);
	if (rv == CKR_OK && a->fd_life[i] != a->life) {
		fd_close(&a->fd[i]);
		a->fd[i] = a->fresh[i];
		a->fresh[i] = -1;
		a->fd_life[i] = a->life;
	}
	(void)pthread_mutex_unlock(&a->lock);
	return rv;
}

/* Nothing can be asked over this socket any more. Another thread may have seen that first. */
static CK_RV
line_lost(struct hsm_apart *a, size_t i, int rc)
{
	CK_RV rv = rc == -ETIMEDOUT ? HSM_RV_HUNG : HSM_RV_CRASHED;

	(void)pthread_mutex_lock(&a->lock);
	if (a->is_alive && a->fd_life[i] == a->life)
		life_over(a, rv);
	(void)pthread_mutex_unlock(&a->lock);
	return rv;
}

/* --- a question --- */

struct question {
	struct buf		 ask, answer;
	struct hsm_answer_head	 head;
	struct rd		 body;		/* of the answer, behind its head */
	unsigned		 msec;
	bool			 once;		/* what it does is not to be done twice */
	bool			 is_sent, is_answered;
	bool			(*take)(struct question *);	/* the body; NULL: there is none */
	void			*arg;
};

static void
question_done(struct question *q)
{
	buf_done(&q->ask);
	buf_done(&q->answer);
}

static void
question_begin(struct hsm *h, enum hsm_ask what, struct question *q)
{
	struct hsm_ask_head head = { .what = what };

	(void)pthread_mutex_lock(&h->lock);
	head.is_seen = h->is_seen;
	memcpy(head.label, h->label, sizeof(head.label));
	memcpy(head.serial, h->serial, sizeof(head.serial));
	(void)pthread_mutex_unlock(&h->lock);
	hsm_ask_head_put(&q->ask, &head);
	q->msec = h->apart->o.call_msec + PAUSES_MSEC;
}

static unsigned
make_msec(const struct hsm_apart *a)
{
	return (a->o.make_msec > a->o.call_msec ? a->o.make_msec : a->o.call_msec) + PAUSES_MSEC;
}

static int
line_ask(struct hsm_apart *a, size_t i, struct question *q)
{
	int rc = hsm_frame_write(a->fd[i], buf_get(&q->ask), until_of(q->msec));

	q->is_sent = rc == 0;		/* half a question is none */
	if (rc == 0)
		rc = frame_read(a->fd[i], q->msec, &q->answer);
	if (rc < 0)
		return rc;
	q->body = rd_sv(buf_get(&q->answer));
	if (!hsm_answer_head_get(&q->body, &q->head))
		return -EBADMSG;
	q->is_answered = true;
	if (q->head.rc < 0)
		return 0;
	return (q->take != NULL ? q->take(q) : rd_done(&q->body)) ? 0 : -EBADMSG;
}

static CK_RV
attempts(struct hsm *h, size_t i, struct question *q)
{
	CK_RV rv = CKR_OK;

	for (unsigned n = 0; n < ATTEMPTS; n++) {
		int rc;

		if ((rv = line_get(h, i)) != CKR_OK)
			return rv;
		if ((rc = line_ask(h->apart, i, q)) == 0)
			return q->head.rv;
		rv = line_lost(h->apart, i, rc);
		if ((q->once && q->is_sent) || rv == HSM_RV_HUNG)
			return rv;
	}
	return rv;
}

/* What the answer's head says of the token is ours from now on. */
static void
head_take(struct hsm *h, const struct hsm_answer_head *a)
{
	(void)pthread_mutex_lock(&h->lock);
	h->n_fit = a->n_fit;
	h->n_tokens = a->n_tokens;
	if (a->is_seen && !h->is_seen) {
		memcpy(h->label, a->label, sizeof(h->label));
		memcpy(h->serial, a->serial, sizeof(h->serial));
		h->is_seen = true;
	}
	(void)pthread_mutex_unlock(&h->lock);
	if (a->rv == CKR_OK || hsm_error_find(a->rv)->code != HSM_PIN_REFUSED)
		return;
	(void)pthread_mutex_lock(&h->apart->lock);
	h->apart->refused = a->rv;
	(void)pthread_mutex_unlock(&h->apart->lock);
}

static int
ask(struct hsm *h, struct question *q, const struct hsm_key_info *key)
{
	struct hsm_session *s;
	CK_RV rv = HSM_RV_BUSY;
	bool lost;

	if (q->ask.rc < 0 || q->ask.len > HSM_ASK_MAX)
		return q->ask.rc < 0 ? q->ask.rc : SE_LIMIT;
	if ((s = hsm_session_take(h, &lost)) != NULL)
		rv = attempts(h, (size_t)(s - h->session), q);
	if (q->is_answered)
		head_take(h, &q->head);
	hsm_session_give(h, s, rv, key);
	return rv == CKR_OK ? 0 : hsm_error_find(rv)->rc;
}

/* --- hsm.h's calls --- */

struct list_want {
	struct pool		*pool;
	struct hsm_key_info	*info;
	size_t			 n;
};

static bool
list_take(struct question *q)
{
	struct list_want *w = q->arg;

	w->info = pool_alloc(w->pool, (HSM_KEYS_MAX + 1) * sizeof(*w->info));
	for (w->n = 0; w->info != NULL && rd_left(&q->body) > 0; w->n++) {
		struct hsm_key_info *k = &w->info[w->n];

		if (w->n == HSM_KEYS_MAX || !hsm_info_get(&q->body, k))
			return false;
		k->id = pool_sv(w->pool, k->id);
		k->label = pool_sv(w->pool, k->label);
	}
	return w->info != NULL;
}

int
hsm_apart_list(struct hsm *h, struct pool *pool, struct hsm_key_info **ret, size_t *ret_n)
{
	struct list_want w = { .pool = pool };
	_cleanup_(question_done) struct question q = { .take = list_take, .arg = &w };
	int rc;

	question_begin(h, ASK_LIST, &q);
	q.msec = make_msec(h->apart);		/* of thousands of keys */
	if ((rc = ask(h, &q, NULL)) < 0)
		return rc;
	*ret = w.info;
	*ret_n = w.n;
	return 0;
}

static bool
key_take(struct question *q)
{
	return hsm_key_whole_get(&q->body, q->arg);
}

int
hsm_apart_seek(struct hsm *h, struct hsm_key *k)
{
	_cleanup_(question_done) struct question q = { .take = key_take, .arg = k };

	question_begin(h, ASK_OPEN, &q);
	hsm_key_put(&q.ask, k);
	return ask(h, &q, &k->info);
}

int
hsm_apart_generate(struct hsm *h, enum hsm_kind kind, unsigned bits, struct sv label, struct hsm_key *k)
{
	_cleanup_(question_done) struct question q = { .take = key_take, .arg = k, .once = true };
	uint8_t octets[5] = { (uint8_t)kind };

	question_begin(h, ASK_GENERATE, &q);
	put_be32(octets + 1, bits);
	buf_bytes(&q.ask, octets, sizeof(octets));
	hsm_sv_put(&q.ask, label);
	q.msec = make_msec(h->apart);
	return ask(h, &q, NULL);
}

int
hsm_apart_delete(struct hsm *h, struct hsm_key *k)
{
	_cleanup_(question_done) struct question q = { 0 };

	question_begin(h, ASK_DELETE, &q);
	hsm_key_put(&q.ask, k);
	return ask(h, &q, &k->info);
}

struct sign_want {
	struct hsm_make	*item;
	size_t		 n;
};

static bool
sign_take(struct question *q)
{
	struct sign_want *w = q->arg;

	for (size_t i = 0; i < w->n; i++) {
		struct sv s = hsm_sv_get(&q->body, HSM_SIG_MAX);

		if (q->body.bad || s.n == 0)
			return false;
		memcpy(w->item[i].sig, s.p, s.n);
		w->item[i].sig_len = s.n;
	}
	return rd_done(&q->body);
}

int
hsm_apart_sign(struct hsm *h, struct hsm_key *k, struct hsm_make *item, size_t n)
{
	struct sign_want w = { item, n };
	_cleanup_(question_done) struct question q = { .take = sign_take, .arg = &w };

	if (n > HSM_SIGN_MAX)
		return SE_LIMIT;
	question_begin(h, ASK_SIGN, &q);
	hsm_key_put(&q.ask, k);
	for (size_t i = 0; i < n; i++)
		hsm_sv_put(&q.ask, item[i].data);
	return ask(h, &q, &k->info);
}

bool
hsm_apart_tell(struct hsm *h, struct findings *fs)
{
	struct hsm_apart *a = h->apart;
	bool ours = true;

	(void)pthread_mutex_lock(&a->lock);
	if (h->trouble == HSM_RV_CRASHED)
		finding_add(fs, &hsm_findings[HSM_CRASHED], FA_STR("what", a->end));
	else if (h->trouble == HSM_RV_HUNG)
		finding_add(fs, &hsm_findings[HSM_HUNG], FA_U("limit", a->o.call_msec));
	else if (h->trouble == HSM_RV_UNOPENED && a->hello.is_msg)
		finding_add(fs, &hsm_findings[a->hello.code], FA_STR("file", a->hello.file),
		    FA_MSG("what", a->hello.what));
	else if (h->trouble == HSM_RV_UNOPENED)
		finding_add(fs, &hsm_findings[a->hello.code], FA_STR("file", a->hello.file),
		    FA_STR("what", a->hello.what));
	else
		ours = false;
	(void)pthread_mutex_unlock(&a->lock);
	return ours;
}

/* --- its life --- */

void
hsm_apart_renew(struct hsm *h)
{
	h->apart->renew = true;
}

void
hsm_apart_look(struct hsm *h, struct hsm_apart_state *ret)
{
	*ret = (struct hsm_apart_state){ h->apart->n_crashed, h->apart->n_hung, h->apart->is_over };
}

/* Its sockets end: it closes its sessions, and ends. */
void
hsm_apart_free(struct hsm *h)
{
	struct hsm_apart *a = h->apart;
	char end[CELL_TEXT_MAX];

	fresh_close(a);
	for (size_t i = 0; i < HSM_SESSIONS_MAX; i++)
		fd_close(&a->fd[i]);
	if (a->is_alive)
		(void)!cell_end(a->cell, HSM_END_MSEC, end);
	(void)cell_free(a->cell);
	(void)pthread_mutex_destroy(&a->lock);
	free(a);
	h->apart = NULL;
}

static int
apart_new(struct hsm *h, const struct hsm_apart_opts *o)
{
	struct hsm_apart *a = h->apart = calloc(1, sizeof(*a));
	struct cell_conf c = { .run = hsm_host_run, .keeper_name = "hsm-keeper", .name = "hsm-module" };

	if (a == NULL)
		return -ENOMEM;
	a->o = *o;
	a->o.hsm.module = h->path;
	a->o.hsm.token = h->uri_text;
	a->o.hsm.n_sessions = h->n_sessions;
	a->cause = a->refused = CKR_OK;
	memset(a->fresh, 0xff, sizeof(a->fresh));
	memset(a->fd, 0xff, sizeof(a->fd));
	(void)pthread_mutex_init(&a->lock, NULL);
	a->host.o = &a->o;
	c.arg = &a->host;
	return cell_new(&c, &a->cell);
}

int
hsm_open_apart_path(const struct hsm_apart_opts *o, const char *path, struct findings *fs, struct hsm **ret)
{
	_cleanup_(hsm_freep) struct hsm *h = hsm_new(&o->hsm, path);
	const char *what;
	int rc;

	if (h == NULL)
		return -ENOMEM;
	if ((h->uri = hsm_uri_parse(h->uri_text, &what)) == NULL) {
		finding_add(fs, &hsm_findings[HSM_URI], FA_STR("uri", h->uri_text), FA_MSG("what", what));
		return 0;
	}
	if ((rc = apart_new(h, o)) == 0)
		*ret = TAKE_PTR(h);
	return rc;
}

int
hsm_open_apart(const struct hsm_apart_opts *o, struct findings *fs, struct hsm **ret)
{
	char *path;
	int rc;

	if (!hsm_module_check(o->hsm.module, fs, &path))
		return 0;
	rc = hsm_open_apart_path(o, path, fs, ret);
	free(path);
	return rc;
}
