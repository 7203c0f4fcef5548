/* The process with the module: one thread for each socket, which does what is asked there. */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/tr.h"
#include "hsm/internal.h"
#include "sys/cell.h"
#include "sys/clock.h"
#include "sys/file.h"

#define FINDINGS_POOL	((size_t)64 * 1024)
#define FOREVER		(INT64_MAX / 2)		/* its maker ends it */
#define ALIVE_PART	4			/* signs of life in the time of one call */

struct host {
	const struct hsm_apart_opts *o;
	struct hsm		*hsm;
	pthread_mutex_t		 lock;
	struct hsm_key		*keys[HSM_KEYS_MAX];	/* known ones, which keep their handles */
	size_t			 n_keys;
};

struct line {			/* of one thread */
	struct host	*host;
	int		 fd;
	pthread_t	 thread;
	int64_t		 alive;		/* when it said so last */
	uint8_t		 octets[HSM_ASK_MAX];
};

/* --- keys --- */

static bool
key_same(const struct hsm_key *a, const struct hsm_key *b)
{
	return a->by_label == b->by_label && a->info.kind == b->info.kind &&
	    sv_eq(a->info.id, b->info.id) && (!a->by_label || sv_eq(a->info.label, b->info.label));
}

/* The one that is known, or else this one from now on. NULL: there are too many. */
static struct hsm_key *
key_know(struct host *t, struct hsm_key **k)
{
	struct hsm_key *known = NULL;

	(void)pthread_mutex_lock(&t->lock);
	for (size_t i = 0; i < t->n_keys && known == NULL; i++)
		if (key_same(t->keys[i], *k))
			known = t->keys[i];
	if (known == NULL && t->n_keys < HSM_KEYS_MAX)
		known = t->keys[t->n_keys++] = TAKE_PTR(*k);
	(void)pthread_mutex_unlock(&t->lock);
	return known;
}

static int
key_of(struct host *t, struct rd *r, struct hsm_key **ret)
{
	_cleanup_(hsm_key_freep) struct hsm_key *k = calloc(1, sizeof(*k));

	if (k == NULL)
		return -ENOMEM;
	if (!hsm_key_get(r, k) || k->info.kind == HSM_KIND_MAX)
		return -EBADMSG;
	return (*ret = key_know(t, &k)) == NULL ? SE_LIMIT : 0;
}

/* --- what is asked --- */

static int
list_do(struct line *l, struct rd *r, struct buf *b)
{
	_cleanup_(pool_freep) struct pool *pool = pool_new(HSM_ANSWER_MAX * 2);
	struct hsm_key_info *keys;
	size_t n;
	int rc;

	if (pool == NULL)
		return -ENOMEM;
	if (!rd_done(r))
		return -EBADMSG;
	if ((rc = hsm_list(l->host->hsm, pool, &keys, &n)) < 0)
		return rc;
	for (size_t i = 0; i < n; i++)
		hsm_info_put(b, &keys[i]);
	return 0;
}

static int
open_do(struct line *l, struct rd *r, struct buf *b)
{
	_cleanup_(hsm_key_freep) struct hsm_key *k = calloc(1, sizeof(*k));
	int rc;

	if (k == NULL)
		return -ENOMEM;
	if (!hsm_key_get(r, k) || !rd_done(r))
		return -EBADMSG;
	if ((rc = hsm_key_seek(l->host->hsm, k)) == 0)
		hsm_key_whole_put(b, k);
	return rc;
}

static int
generate_do(struct line *l, struct rd *r, struct buf *b)
{
	_cleanup_(hsm_key_freep) struct hsm_key *k = NULL;
	uint8_t kind = rd_u8(r);
	unsigned bits = rd_be32(r);
	struct sv label = hsm_sv_get(r, HSM_LABEL_MAX);
	int rc;

	if (!rd_done(r) || kind >= HSM_KIND_MAX)
		return -EBADMSG;
	if ((rc = hsm_generate(l->host->hsm, (enum hsm_kind)kind, bits, label, &k)) == 0)
		hsm_key_whole_put(b, k);
	return rc;
}

static int
delete_do(struct line *l, struct rd *r, struct buf *b UNUSED)
{
	struct hsm_key *k = NULL;
	int rc = key_of(l->host, r, &k);

	if (rc < 0 || !rd_done(r))
		return rc < 0 ? rc : -EBADMSG;
	return hsm_key_delete(l->host->hsm, k);
}

/* Now and then, so that a long batch is not taken for a call that does not return. */
static void
alive_say(struct line *l)
{
	int64_t now = clock_mono_usec();

	if (now - l->alive < (int64_t)l->host->o->call_msec * 1000 / ALIVE_PART)
		return;
	l->alive = now;
	(void)!hsm_frame_write(l->fd, SV(""), now + FOREVER);
}

static int
sign_do(struct line *l, struct rd *r, struct buf *b)
{
	uint8_t sig[HSM_SIG_MAX];
	struct hsm_key *k = NULL;
	int rc = key_of(l->host, r, &k);

	l->alive = clock_mono_usec();
	while (rc == 0 && rd_left(r) > 0) {
		struct hsm_make m = { .data = hsm_sv_get(r, HSM_ASK_MAX), .sig = sig };

		if (r->bad)
			return -EBADMSG;
		if ((rc = hsm_sign(l->host->hsm, k, &m, 1)) == 0)
			hsm_sv_put(b, (struct sv){ (const char *)sig, m.sig_len });
		alive_say(l);
	}
	return rc;
}

static int (*const does[ASK_MAX])(struct line *, struct rd *, struct buf *) = {
	[ASK_LIST] = list_do,
	[ASK_OPEN] = open_do,
	[ASK_GENERATE] = generate_do,
	[ASK_DELETE] = delete_do,
	[ASK_SIGN] = sign_do,
};

/* --- a question --- */

/* It is the token of before, or none: a process that is new has seen none. */
static void
token_set(struct hsm *h, const struct hsm_ask_head *q)
{
	(void)pthread_mutex_lock(&h->lock);
	if (q->is_seen && !h->is_seen) {
		memcpy(h->label, q->label, sizeof(h->label));
		memcpy(h->serial, q->serial, sizeof(h->serial));
		h->is_seen = true;
	}
	(void)pthread_mutex_unlock(&h->lock);
}

/* What is no answer of a token. */
static CK_RV
rv_of(int rc)
{
	return rc == -ENOMEM ? HSM_RV_NO_MEMORY : rc == SE_LIMIT ? HSM_RV_LIMIT : HSM_RV_NONSENSE;
}

/* Another thread may have been in the meantime: then it is what its code says. */
static void
head_fill(struct hsm *h, int rc, struct hsm_answer_head *a)
{
	(void)pthread_mutex_lock(&h->lock);
	*a = (struct hsm_answer_head){ .rc = rc, .rv = rc == 0 ? CKR_OK : h->trouble,
		.n_fit = (uint32_t)h->n_fit, .n_tokens = (uint32_t)h->n_tokens, .is_seen = h->is_seen };
	memcpy(a->label, h->label, sizeof(a->label));
	memcpy(a->serial, h->serial, sizeof(a->serial));
	(void)pthread_mutex_unlock(&h->lock);
	if (rc < 0 && (a->rv == CKR_OK || hsm_error_find(a->rv)->rc != rc))
		a->rv = rc == -ENODEV ? CKR_FUNCTION_FAILED : rv_of(rc);
}

static int
answer(struct line *l, struct sv question)
{
	_cleanup_(buf_done) struct buf body = BUF_INIT, all = BUF_INIT;
	struct rd r = rd_sv(question);
	struct hsm_answer_head a;
	struct hsm_ask_head q;
	int rc;

	if (!hsm_ask_head_get(&r, &q))
		return -EBADMSG;
	token_set(l->host->hsm, &q);
	rc = does[q.what](l, &r, &body);
	if (rc == -EBADMSG || body.rc < 0)
		return rc == -EBADMSG ? rc : body.rc;
	head_fill(l->host->hsm, rc, &a);
	hsm_answer_head_put(&all, &a);
	if (rc == 0)
		buf_sv(&all, buf_get(&body));
	return all.rc < 0 ? all.rc : hsm_frame_write(l->fd, buf_get(&all), clock_mono_usec() + FOREVER);
}

static void *
line_main(void *arg)
{
	int64_t until = clock_mono_usec() + FOREVER;
	struct line *l = arg;
	uint8_t head[4];
	int rc = 0;

	while (rc == 0 && cell_read(l->fd, head, sizeof(head), until) == 0) {
		struct rd r = rd_mem(head, sizeof(head));
		size_t n = rd_be32(&r);

		rc = n > sizeof(l->octets) ? -EBADMSG : cell_read(l->fd, l->octets, n, until);
		if (rc == 0)
			rc = answer(l, (struct sv){ (const char *)l->octets, n });
	}
	fd_close(&l->fd);
	return NULL;
}

/* --- its life --- */

static void
hello_fill(const struct findings *fs, struct hsm_hello *h)
{
	const struct finding *f = fs->head;

	for (unsigned i = 0; f != NULL && i < f->n_args; i++) {
		const struct farg *a = &f->args[i];
		bool is_what = strcmp(a->key, "what") == 0;

		(void)snprintf(is_what ? h->what : h->file, is_what ? sizeof(h->what) : sizeof(h->file), "%.*s",
		    SV_ARG(a->s));
		h->is_msg = h->is_msg || (is_what && a->type == FARG_MSG);
	}
	h->code = HSM_MODULE_LOAD;
	if (f != NULL && f->def == &hsm_findings[HSM_PIN_FILE])
		h->code = HSM_PIN_FILE;
}

static bool
host_open(struct host *t, struct hsm_hello *hello)
{
	_cleanup_(pool_freep) struct pool *pool = pool_new(FINDINGS_POOL);
	struct hsm_opts o = t->o->hsm;
	struct findings fs;

	if (pool == NULL || (t->o->before != NULL && t->o->before(t->o->arg) < 0))
		return false;
	findings_init(&fs, pool);
	o.later = true;
	o.pause = NULL;
	if (hsm_open_path(&o, o.module, &fs, &t->hsm) < 0)
		return false;
	hello->code = HSM_FINDING_MAX;
	if (t->hsm == NULL)
		hello_fill(&fs, hello);
	return t->hsm == NULL || t->o->after == NULL || t->o->after(t->o->arg) >= 0;
}

static int
hello_say(const struct hsm_hello *hello, int fd)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;

	hsm_hello_put(&b, hello);
	return b.rc < 0 ? b.rc : hsm_frame_write(fd, buf_get(&b), clock_mono_usec() + FOREVER);
}

int
hsm_host_run(void *arg, const int *fds, unsigned n)
{
	struct host *t = calloc(1, sizeof(*t));
	struct line *l = calloc(n, sizeof(*l));
	struct hsm_hello hello = { 0 };

	if (t == NULL || l == NULL)
		return 2;
	t->o = ((struct hsm_host *)arg)->o;
	(void)pthread_mutex_init(&t->lock, NULL);
	if (!host_open(t, &hello))
		return 3;
	if (hello_say(&hello, fds[0]) < 0 || t->hsm == NULL)
		return 4;
	for (unsigned i = 0; i < n; i++) {
		l[i].host = t;
		l[i].fd = fds[i];
		if (pthread_create(&l[i].thread, NULL, line_main, &l[i]) != 0)
			return 5;
	}
	for (unsigned i = 0; i < n; i++)
		(void)pthread_join(l[i].thread, NULL);
	t->hsm = hsm_free(t->hsm);
	return 0;
}
