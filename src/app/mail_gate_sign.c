/* DKIM for own mail, ARC for that of others: what is signed, and when it is known. */
#include <errno.h>

#include "app/mail_gate_internal.h"

/* --- who signs, and the digest for it --- */

bool
gate_is_sealing(const struct mail_gate *g)
{
	return g->who != MAIL_WHO_OWN && g->conf->seal_domain.n > 0;
}

static void
keys_find(struct mail_gate *g, const struct mail_sign_table *signs)
{
	const struct mail_gate_conf *c = g->conf;

	if (signs == NULL || mail_policy_doubt(&g->fs) || g->judge.n_authors == 0)
		return;
	if (g->who == MAIL_WHO_OWN) {
		g->n_keys = mail_sign_find(signs, &g->judge.authors[0].name, &g->keys);
	} else if (gate_is_sealing(g)) {
		g->keys = mail_sign_seal(signs, c->seal_domain, c->seal_selector);
		g->n_keys = g->keys != NULL;
	}
}

/*
 * A message takes minutes on a slow line: keys of its beginning may have been replaced since, and
 * role seal knows the numbers of another life no more. Who had none then has no digest for one now.
 */
void
gate_sign_renew(struct mail_gate *g, const struct mail_gate_world *w)
{
	if (g->n_keys > 0)
		keys_find(g, w->signs);
}

static const struct mail_body_want *
want_find(const struct mail_body_want *wants, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (wants[i].canon == MAIL_RELAXED && wants[i].max == UINT64_MAX)
			return &wants[i];
	return NULL;
}

/* Most mail has a signature whose digest is the one that a seal needs: nothing is hashed twice. */
static const struct mail_body_want *
want_of_judge(const struct mail_gate *g)
{
	const struct mail_judge *j = &g->judge;
	const struct mail_body_want *w = want_find(j->dkim.wants, j->dkim.n_wants);

	return w != NULL ? w : want_find(j->arc.wants, j->arc.n_wants);
}

int
gate_sign_begin(struct mail_gate *g)
{
	keys_find(g, g->conf->signs);
	if (g->n_keys == 0)
		return 0;
	if (g->who == MAIL_WHO_OTHERS && (g->want = want_of_judge(g)) != NULL)
		return 0;
	g->own_want = (struct mail_body_want){ .canon = MAIL_RELAXED, .max = UINT64_MAX };
	g->want = &g->own_want;
	return mail_body_new(&g->own_want, 1, &g->own_body);
}

/* --- fields --- */

static int
key_sign(struct mail_gate *g, const struct mail_gate_world *w, const struct mail_sign_key *key)
{
	struct mail_sign_by by = { w->signer, key };
	struct dkim_sign s = { .domain = key->domain, .selector = key->selector, .by = mail_sign_by(&by),
		.head_canon = MAIL_RELAXED, .body_canon = MAIL_RELAXED, .time = w->now };
	struct sv field;
	int rc = dkim_sign(g->made, &g->head, g->want->digest, &s, &field);

	return rc < 0 ? rc : gate_edits_add(g, field);
}

/* All keys are tried, as one signature is better than none; the first failure is told. */
int
gate_sign(struct mail_gate *g, const struct mail_gate_world *w, struct mail_gate_out *out)
{
	int failure = 0;

	if (g->conf->signs_unknown || (g->n_keys > 0 && w->signer == NULL))
		return -ENOTCONN;
	for (size_t i = g->n_keys; i > 0; i--) {	/* the first one is put on top */
		int rc = key_sign(g, w, &g->keys[i - 1]);

		if (rc == 0)
			out->n_signed++;
		else if (failure == 0)
			failure = rc;
	}
	return failure;
}
