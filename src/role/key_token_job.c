/* Jobs on the token's threads: the only calls of the module after its start. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "role/key_token_internal.h"

#define FINDINGS_POOL	((size_t)64 * 1024)
#define SIGN_WAIT	(25 * USEC)	/* zone waits a little longer (zone_keys.c) */
#define LIST_POOL	((size_t)4 << 20)
#define CALLS_FACTOR	8		/* timeouts of a job: some calls, asked again in a new process */

/* The first finding that refuses, as "CODE: text"; or what the code says. */
static void
why_fill(struct token_job *j, const struct findings *fs)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;

	for (const struct finding *f = fs->head; f != NULL && b.len == 0; f = f->next)
		if (f->def->severity == SEV_REJECT && strncmp(f->def->code, "HSM_", 4) == 0) {
			buf_printf(&b, "%s: ", f->def->code);
			finding_text(&b, f, LANG_EN);
		}
	for (const struct finding *f = fs->head; f != NULL && b.len == 0; f = f->next)
		if (f->def->severity == SEV_REJECT) {
			buf_printf(&b, "%s: ", f->def->code);
			finding_text(&b, f, LANG_EN);
		}
	if (b.len == 0)
		buf_str(&b, err_str(j->rc));
	(void)snprintf(j->why, sizeof(j->why), "%.*s", SV_ARG(buf_get(&b)));
}

static void
try_run(struct token_job *j, struct findings *fs)
{
	struct key_token_key *k = j->key;

	if (j->opened != NULL) {
		j->rc = token_key_probe(j->kt->hsm, j->opened, fs);
		return;
	}
	j->rc = token_key_open(j->kt->hsm, k->name, k->uri, k->rdata, fs, &j->opened);
	j->is_new = j->rc == 0;
}

static void
sign_run(struct token_job *j, struct findings *fs)
{
	struct key_worker *w = &j->kt->workers[j->thread];
	size_t sigs = 0;

	memcpy(w->octets, j->octets, j->len);
	w->token_rc = 0;
	w->answer[0] = (uint8_t)key_answer(w, j->len, &sigs);
	j->answer_len = 1 + sigs;
	if ((j->rc = w->token_rc) < 0)
		(void)hsm_trouble(j->kt->hsm, fs);
}

static void
list_run(struct token_job *j)
{
	if ((j->pool = pool_new(LIST_POOL)) == NULL)
		j->rc = -ENOMEM;
	else
		j->rc = hsm_list(j->kt->hsm, j->pool, &j->list, &j->n_list);
}

/* By its id, which is its own: two keys under one are both left. */
static void
remove_run(struct token_job *j)
{
	_cleanup_(hsm_key_freep) struct hsm_key *k = NULL;
	char uri[32 + 3 * TOKEN_ID_MAX] = "pkcs11:id=";
	size_t n = strlen(uri);

	for (size_t i = 0; j->id[i] != '\0' && j->id[i + 1] != '\0'; i += 2)
		n += (size_t)snprintf(uri + n, sizeof(uri) - n, "%%%.2s", j->id + i);
	if ((j->rc = hsm_key_open(j->kt->hsm, uri, &k)) == 0)
		j->rc = hsm_key_delete(j->kt->hsm, k);
}

static void
kind_run(struct token_job *j, struct findings *fs)
{
	switch (j->kind) {
	case JOB_TRY:
		try_run(j, fs);
		return;
	case JOB_SIGN:
		sign_run(j, fs);
		return;
	case JOB_MAKE:
		j->rc = token_key_make(j->kt->hsm, sv_str(j->zone_name), j->alg, j->bits, j->flags, fs, &j->made);
		return;
	case JOB_UNDO:
		token_made_undo(j->kt->hsm, &j->made);
		return;
	case JOB_DELETE:
		j->rc = token_key_delete(j->kt->hsm, j->opened);
		break;
	case JOB_LIST:
		list_run(j);
		break;
	case JOB_REMOVE:
		remove_run(j);
		break;
	}
	if (j->rc < 0)
		(void)hsm_trouble(j->kt->hsm, fs);
}

static void
job_run(struct crew_job *c, unsigned thread)
{
	_cleanup_(pool_freep) struct pool *pool = pool_new(FINDINGS_POOL);
	struct token_job *j = (struct token_job *)c;
	struct findings fs;

	j->thread = thread;
	if (pool == NULL) {
		j->rc = -ENOMEM;
		return;
	}
	findings_init(&fs, pool);
	kind_run(j, &fs);
	if (j->rc < 0)
		why_fill(j, &fs);
}

/* In zone's ring, if it is the same still. */
static void
sign_over(struct token_job *j, bool late)
{
	const uint8_t later = SIGN_VERDICT_LATER;
	struct key_token *kt = j->kt;

	if (kt->ring == NULL || j->ring_no != atomic_load(&kt->ring_no))
		return;
	if (late || j->answer_len == 0)
		ring_answer(kt->ring, j->slot, &later, 1);
	else
		ring_answer(kt->ring, j->slot, kt->workers[j->thread].answer, j->answer_len);
}

static void
job_over(struct crew_job *c, bool late)
{
	struct token_job *j = (struct token_job *)c;

	if (j->kind == JOB_SIGN)
		sign_over(j, late);
	if (late)
		token_job_late(j);
}

/* What it made and nobody took: a key of nobody must not stay in the token. */
static void
job_free(struct crew_job *c)
{
	struct token_job *j = (struct token_job *)c;

	if (j->is_new)
		(void)token_key_free(j->opened);
	if (j->made.key != NULL)
		token_made_undo(j->kt->hsm, &j->made);
	(void)pool_free(j->pool);
	free(j);
}

struct token_job *
token_job_new(struct key_token *kt, enum token_job_kind kind, size_t len)
{
	struct token_job *j = calloc(1, sizeof(*j) + len);

	if (j == NULL)
		return NULL;
	j->job = (struct crew_job){ .run = job_run, .over = job_over, .free = job_free,
	    .limit_usec = kind == JOB_SIGN ? SIGN_WAIT : CALLS_FACTOR * kt->timeout,
	    .wait_usec = kind == JOB_SIGN ? SIGN_WAIT : 0 };
	if (kind == JOB_MAKE || kind == JOB_LIST)
		j->job.limit_usec += TOKEN_MAKE_FACTOR * kt->timeout;
	j->kind = kind;
	j->kt = kt;
	j->len = len;
	return j;
}

int
token_job_add(struct token_job *j)
{
	int rc = crew_add(j->kt->crew, &j->job);

	if (rc < 0)
		free(j);
	return rc;
}

/* --- for the threads of the ring --- */

bool
key_token_ask(struct key_token_key *k, const struct key_worker *w, size_t len)
{
	struct key_token *kt = k->kt;
	struct token_job *j;

	if (atomic_load(&kt->away) || atomic_load(&k->live) == NULL)
		return false;
	if ((j = token_job_new(kt, JOB_SIGN, len)) == NULL)
		return false;
	j->key = k;
	j->slot = w->slot;
	j->ring_no = atomic_load(&kt->ring_no);
	memcpy(j->octets, w->octets, len);
	return token_job_add(j) == 0;
}

int
key_token_sign(struct key_token_key *k, struct crypto_make *m, size_t n)
{
	struct token_key *t = atomic_load(&k->live);

	return t == NULL ? -ENODEV : token_key_sign(k->kt->hsm, t, m, n);
}

int
key_token_sign_tbs(struct key_token_key *k, struct crypto_make_tbs *m, size_t n)
{
	struct token_key *t = atomic_load(&k->live);

	return t == NULL ? -ENODEV : token_key_sign_tbs(k->kt->hsm, t, m, n);
}
