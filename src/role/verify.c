/*
 * verify: does arithmetic for validate, and parses nothing but numbers of
 * fixed form (crypto_item_parse). It exists so that a fact ("this signature
 * over this digest verifies with this key") comes from a process that no
 * stranger's object has ever reached: validate asks through shared memory
 * (sys/ring.h) and gets yes or no; the names of what verified go from here to
 * the store. A validate that was taken over can lie to itself, but it cannot
 * plant a fact.
 */
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "crypto/crypto.h"
#include "role/crypto.h"
#include "role/role.h"
#include "sys/par.h"
#include "sys/ring.h"
#include "sys/task.h"

#define ITEMS_MAX	1024	/* of one question; validate sends fewer */
#define TAKE_MSEC	200	/* how fast a worker sees that it is to stop */
#define DRAIN_USEC	50000
#define FACTS_ROOM	32768	/* of a worker between two drains; more are found again */
#define FACTS_A_FRAME	1800	/* messages.def: 57600 bytes */

struct worker {
	struct verify_role	*st;
	struct task		*task;
	uint8_t			 ask[RING_ASK_MAX];
	struct crypto_verify	 items[ITEMS_MAX];
	uint8_t			 names[ITEMS_MAX][CRYPTO_FACT_LEN];
	uint8_t			(*facts)[CRYPTO_FACT_LEN];	/* a circle */
	atomic_size_t		 n_written, n_read;
	atomic_ullong		 n_done, n_bad, n_dropped;
};

struct verify_role {
	unsigned		 jobs;
	struct ring		*ring;
	struct worker		*workers;
	atomic_bool		 stop;
	struct loop_timer	*drain;
	uint64_t		 n_facts;
};

/* --- a worker, on its own thread --- */

static void
fact_put(struct worker *w, const uint8_t fact[static CRYPTO_FACT_LEN])
{
	size_t n = atomic_load(&w->n_written);

	if (n - atomic_load(&w->n_read) >= FACTS_ROOM) {
		atomic_fetch_add(&w->n_dropped, 1);
		return;
	}
	memcpy(w->facts[n % FACTS_ROOM], fact, CRYPTO_FACT_LEN);
	atomic_store(&w->n_written, n + 1);
}

/* What verified, one by one, and all of it together if nothing did not. */
static void
facts_note(struct worker *w, size_t n)
{
	uint8_t all[CRYPTO_FACT_LEN];
	size_t n_ok = 0;

	crypto_fact_many(w->items, n, w->names);
	for (size_t i = 0; i < n; i++) {
		if (!w->items[i].ok) {
			atomic_fetch_add(&w->n_bad, 1);
			continue;
		}
		fact_put(w, w->names[i]);
		n_ok++;
	}
	if (n_ok < n || n < 2)
		return;
	crypto_fact_all(w->names[0], n, all);
	fact_put(w, all);
}

/* The issuer's key comes first and again and again: it is prepared once. */
static struct crypto_pub *
key_prepare(struct crypto_verify *v, size_t n)
{
	struct crypto_pub *key = NULL;

	if (n < 2 || crypto_pub_rsa(v[0].modulus, v[0].exponent, &key) < 0)
		return NULL;
	for (size_t i = 0; i < n; i++)
		if (v[i].exponent == v[0].exponent && sv_eq(v[i].modulus, v[0].modulus))
			v[i].key = key;
	return key;
}

/* 0: no question at all; the asker sees a short answer then. */
static size_t
items_read(struct worker *w, size_t len)
{
	struct rd r = rd_mem(w->ask, len);
	size_t n = rd_be16(&r);

	if (n > ITEMS_MAX)
		return 0;
	for (size_t i = 0; i < n; i++)
		crypto_item_parse(&r, &w->items[i]);
	return rd_done(&r) ? n : 0;
}

static void
question(struct worker *w, unsigned slot, size_t len)
{
	uint8_t answer[ITEMS_MAX];
	size_t n = items_read(w, len);
	struct crypto_pub *key = key_prepare(w->items, n);

	if (crypto_verify_batch(w->items, n) < 0)
		n = 0;
	for (size_t i = 0; i < n; i++)
		answer[i] = w->items[i].ok;
	facts_note(w, n);
	atomic_fetch_add(&w->n_done, n);
	ring_answer(w->st->ring, slot, answer, n);
	(void)crypto_pub_free(key);
}

static void
work(void *arg)
{
	struct worker *w = arg;
	unsigned slot;
	size_t n;

	while (!atomic_load(&w->st->stop))
		if (ring_take(w->st->ring, w->ask, &n, &slot, TAKE_MSEC) == 0)
			question(w, slot, n);
}

static void
work_ended(void *arg UNUSED)
{
}

/* --- the loop --- */

static void
workers_stop(struct verify_role *st)
{
	atomic_store(&st->stop, true);
	for (unsigned i = 0; i < st->jobs && st->workers != NULL; i++)
		st->workers[i].task = task_free(st->workers[i].task);
	st->ring = ring_free(st->ring);
	atomic_store(&st->stop, false);
}

/* Validate lives anew: its memory of before is nobody's. */
static int
on_ring(struct role *r, enum role_id from UNUSED, void *msg)
{
	const struct msg_ring *m = msg;
	struct verify_role *st = r->state;
	int rc;

	if (st->workers == NULL)
		return -EBADMSG;
	workers_stop(st);
	if ((rc = ring_open(m->memory, &st->ring)) < 0)
		return rc;
	for (unsigned i = 0; i < st->jobs; i++) {
		st->workers[i].task = task_start(r->loop, work, work_ended, &st->workers[i]);
		if (st->workers[i].task == NULL)
			return -ENOMEM;
	}
	return 0;
}

static int
worker_drain(struct role *r, struct worker *w)
{
	size_t n = atomic_load(&w->n_written), i = atomic_load(&w->n_read);
	int rc = 0;

	while (i < n && rc == 0) {
		size_t at = i % FACTS_ROOM, k = min_size(n - i, FACTS_A_FRAME);
		struct msg_facts m;

		k = min_size(k, FACTS_ROOM - at);
		m.keys = (struct sv){ (const char *)w->facts[at], k * CRYPTO_FACT_LEN };
		if ((rc = msg_facts_send(r, ROLE_STORE, &m)) == 0)
			i += k;
	}
	w->st->n_facts += i - atomic_load(&w->n_read);
	atomic_store(&w->n_read, i);
	return rc;
}

static void
drain(void *arg)
{
	struct role *r = arg;
	struct verify_role *st = r->state;

	/* What cannot be sent now waits, and is dropped when there is no room. */
	for (unsigned i = 0; i < st->jobs && worker_drain(r, &st->workers[i]) == 0; i++)
		;
	(void)loop_timer_set(st->drain, DRAIN_USEC);
}

/* --- life --- */

static int
on_conf(struct role *r, enum role_id from UNUSED, void *msg)
{
	const struct msg_verify_conf *m = msg;
	struct verify_role *st = r->state;

	if (st->workers != NULL)
		return -EBADMSG;	/* the parent restarts us instead */
	st->jobs = m->jobs != 0 ? (unsigned)min_size(m->jobs, PAR_JOBS_MAX) : par_cpus();
	if ((st->workers = calloc(st->jobs, sizeof(*st->workers))) == NULL)
		return -ENOMEM;
	for (unsigned i = 0; i < st->jobs; i++) {
		st->workers[i].st = st;
		st->workers[i].facts = calloc(FACTS_ROOM, sizeof(*st->workers[i].facts));
		if (st->workers[i].facts == NULL)
			return -ENOMEM;
	}
	return 0;
}

static int
start(struct role *r)
{
	struct verify_role *st = r->state;

	if ((st->drain = loop_timer_add(r->loop, drain, r)) == NULL)
		return -ENOMEM;
	return loop_timer_set(st->drain, DRAIN_USEC);
}

static void
stop(struct role *r)
{
	struct verify_role *st = r->state;

	workers_stop(st);
}

static void
status(struct role *r, struct json *j)
{
	struct verify_role *st = r->state;
	uint64_t done = 0, bad = 0, dropped = 0;

	for (unsigned i = 0; i < st->jobs && st->workers != NULL; i++) {
		done += atomic_load(&st->workers[i].n_done);
		bad += atomic_load(&st->workers[i].n_bad);
		dropped += atomic_load(&st->workers[i].n_dropped);
	}
	json_kv_u64(j, "signatures", done);
	json_kv_u64(j, "bad", bad);
	json_kv_u64(j, "facts", st->n_facts);
	json_kv_u64(j, "facts_dropped", dropped);
}

static const struct role_handler handlers[] = {
	{ MSG_verify_conf, on_conf },
	{ MSG_ring, on_ring },
};

int
main(void)
{
	static const struct role_def def = {
		.id = ROLE_VERIFY,
		.handlers = handlers, .n_handlers = ARRAY_LEN(handlers),
		.conf = MSG_verify_conf,
		.state_size = sizeof(struct verify_role),
		.sandbox = &sandbox_verify,
		.crypto = &role_crypto,
		.start = start, .status = status, .stop = stop,
	};

	return role_main(&def);
}
