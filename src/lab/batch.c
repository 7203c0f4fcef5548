/*
 * A world is made in batches of CAs, so that the bytes of a million objects
 * never lie in memory together. A CA's certificate is named and planned once,
 * before all; everything else lives as long as its batch.
 */
#include <errno.h>
#include <stdlib.h>

#include "lab/internal.h"
#include "sys/par.h"

/* --- what is made together --- */

void
lab_batch_done(struct lab_batch *b)
{
	free(b->v);
	*b = (struct lab_batch){ 0 };
}

int
lab_batch_add(struct lab_batch *b, struct lab_obj *o)
{
	if (b->n == b->cap) {
		size_t cap = max_size(2 * b->cap, 256);
		struct lab_obj **v = reallocarray(b->v, cap, sizeof(*v));

		if (v == NULL)
			return -ENOMEM;
		b->v = v;
		b->cap = cap;
	}
	b->v[b->n++] = o;
	return 0;
}

int
lab_batch_ca(struct lab_batch *b, struct lab_ca *ca)
{
	int rc = 0;

	for (struct lab_obj *o = ca->objs; o != NULL && rc == 0; o = o->next)
		rc = lab_batch_add(b, o);
	return rc;
}

/* --- primes --- */

struct primes_job {
	struct lab_world	*w;
	size_t			 first;
};

static void
prime_job(void *arg, size_t i)
{
	const struct primes_job *j = arg;

	/* a failure shows as a key that cannot be made */
	if (crypto_primes_make(j->w->primes, j->first + i) < 0)
		return;
}

/* Enough for all key numbers given out so far. */
static int
primes_ready(struct lab_world *w)
{
	struct primes_job j = { w, w->n_primes };
	size_t n = crypto_primes_for(w->n_keys);

	if (n > CRYPTO_PRIMES_MAX)
		return -E2BIG;
	if (w->primes == NULL &&
	    (w->primes = crypto_primes_new(w->n_steps > 0 ? CRYPTO_PRIMES_MAX : n, w->seed)) == NULL)
		return -ENOMEM;
	if (n <= w->n_primes)
		return 0;
	par_for(w->opts.jobs, n - w->n_primes, prime_job, &j);
	w->n_primes = n;
	return 0;
}

/* --- one batch --- */

struct keys_job {
	struct lab_world	*w;
	struct lab_obj		**v;
};

static void
key_job(void *arg, size_t i)
{
	const struct keys_job *j = arg;

	if (j->v[i]->in_batch)
		j->v[i]->rc = lab_obj_key(j->w, j->v[i]);
}

static int
batch_plan(struct lab_world *w, struct lab_batch *b)
{
	int rc = 0;

	for (size_t i = 0; i < b->n && rc == 0; i++)
		if (b->v[i]->in_batch)
			rc = b->v[i]->rc;
	/* withdrawn ones, too: a delta names them */
	for (size_t i = 0; i < b->n && rc == 0; i++)
		if (b->v[i]->in_batch || lab_alive(w, b->v[i]) || b->v[i]->published)
			rc = lab_obj_names(w, b->v[i]);
	for (size_t i = 0; i < b->n && rc == 0; i++)
		if (b->v[i]->in_batch)
			rc = lab_plan_obj(w, b->v[i]);
	return rc;
}

int
lab_batch_make(struct lab_world *w, struct lab_batch *b, struct lab_error *err)
{
	struct keys_job j = { w, b->v };
	int rc;

	for (size_t i = 0; i < b->n; i++)
		b->v[i]->in_batch = b->v[i]->dirty && lab_alive(w, b->v[i]);
	if ((rc = primes_ready(w)) < 0)
		return rc;
	par_for(w->opts.jobs, b->n, key_job, &j);
	if ((rc = batch_plan(w, b)) < 0 || (rc = lab_faults_plan(w, err)) < 0)
		return rc;
	return lab_make_error(w, err, lab_make(w, b->v, b->n));
}

void
lab_batch_drop(struct lab_world *w, struct lab_batch *b)
{
	for (size_t i = 0; i < b->n; i++) {
		struct lab_obj *o = b->v[i];

		free(o->bytes);
		o->bytes = NULL;
		o->dirty = o->in_batch = false;
		if (o->kind != LAB_CER)
			o->own_key = crypto_signer_free(o->own_key);
	}
	b->n = 0;
	pool_reset(w->scratch);
}

/* --- the beginning --- */

static int
objs_list(struct lab_world *w)
{
	size_t n = 0, room = 1;

	while (room < w->n_objs)
		room *= 2;
	if ((w->objs = calloc(room, sizeof(w->objs[0]))) == NULL)
		return -ENOMEM;
	for (struct lab_ca *ca = w->cas; ca != NULL; ca = ca->next) {
		if (ca->parent == NULL)
			w->objs[n++] = ca->cert;
		for (struct lab_obj *o = ca->objs; o != NULL; o = o->next)
			w->objs[n++] = o;
	}
	w->n_objs = n;
	for (size_t i = 0; i < n; i++) {
		w->objs[i]->index = i;
		w->objs[i]->key_no = (uint32_t)i;
		w->objs[i]->dirty = true;
	}
	w->n_keys = (uint32_t)n;
	w->begun = true;
	return 0;
}

/* Who names no server publishes where the CA above does. */
static int
servers_list(struct lab_world *w)
{
	for (struct lab_ca *ca = w->cas; ca != NULL; ca = ca->next) {
		if (ca->server == NULL && ca->parent != NULL)
			ca->server = ca->parent->server;
		if (ca->server == NULL)
			ca->server = lab_server_get(w, sv_str(w->host));
		if (ca->server == NULL)
			return -ENOMEM;
		ca->server->n_cas++;
	}
	for (struct lab_server *s = w->servers; s != NULL; s = s->next) {
		s->cas = pool_calloc(w->pool, max_size(s->n_cas, 1), sizeof(s->cas[0]));
		if (s->cas == NULL)
			return -ENOMEM;
		s->n_cas = 0;
	}
	for (struct lab_ca *ca = w->cas; ca != NULL; ca = ca->next)
		ca->server->cas[ca->server->n_cas++] = ca;
	return 0;
}

static void
ca_key_job(void *arg, size_t i)
{
	struct lab_world *w = arg;

	if (w->objs[i]->kind == LAB_CER)
		w->objs[i]->rc = lab_obj_key(w, w->objs[i]);
}

static int
ca_keys(struct lab_world *w)
{
	int rc = primes_ready(w);

	if (rc < 0)
		return rc;
	par_for(w->opts.jobs, w->n_objs, ca_key_job, w);
	for (size_t i = 0; i < w->n_objs; i++) {
		struct lab_obj *o = w->objs[i];

		if (o->rc < 0)
			return o->rc;
		if (o->same_key == NULL)
			continue;
		o->key = o->same_key->key;
		memcpy(o->ski, o->same_key->ski, sizeof(o->ski));
	}
	return 0;
}

static int
ca_plans(struct lab_world *w)
{
	int rc = 0;

	for (struct lab_ca *ca = w->cas; ca != NULL && rc == 0; ca = ca->next)
		rc = lab_ca_names(w, ca);
	for (size_t i = 0; i < w->n_objs && rc == 0; i++) {
		enum lab_kind k = w->objs[i]->kind;

		if (k == LAB_CER || k == LAB_CRL || k == LAB_MFT)
			rc = lab_obj_names(w, w->objs[i]);
	}
	for (size_t i = 0; i < w->n_objs && rc == 0; i++)
		if (w->objs[i]->kind == LAB_CER)
			rc = lab_plan_obj(w, w->objs[i]);
	return rc;
}

int
lab_begin(struct lab_world *w, struct lab_error *err)
{
	int rc;

	if (w->begun)
		return -EALREADY;
	if ((rc = lab_faults_shape(w, err)) < 0 || (rc = lab_children(w)) < 0 ||
	    (rc = objs_list(w)) < 0 || (rc = servers_list(w)) < 0 || (rc = ca_keys(w)) < 0)
		return rc;
	return ca_plans(w);
}

/* All of it, and all of it kept. */
int
lab_build(struct lab_world *w, struct lab_error *err)
{
	struct lab_batch b = { 0 };
	int rc = lab_begin(w, err);

	for (size_t i = 0; i < w->n_objs && rc == 0; i++)
		rc = lab_batch_add(&b, w->objs[i]);
	if (rc == 0)
		rc = lab_batch_make(w, &b, err);
	lab_batch_done(&b);
	return rc;
}
