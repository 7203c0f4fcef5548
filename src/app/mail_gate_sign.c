/* DKIM for own mail, ARC for that of others: what is signed, and when it is known. */
#include <errno.h>

#include "app/mail_gate_internal.h"

/* --- who signs, and the digest for it --- */

static void
keys_find(struct mail_gate *g)
{
	const struct mail_gate_conf *c = g->conf;

	if (c->signs == NULL || mail_policy_doubt(&g->fs) || g->judge.n_authors == 0)
		return;
	if (g->who == MAIL_WHO_OWN) {
		g->n_keys = mail_sign_find(c->signs, &g->judge.authors[0].name, &g->keys);
	} else if (c->seal_domain.n > 0) {
		g->keys = mail_sign_seal(c->signs, c->seal_domain, c->seal_selector);
		g->n_keys = g->keys != NULL;
	}
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
	keys_find(g);
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

	if (g->n_keys > 0 && w->signer == NULL)
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

/* The seal stands uppermost (RFC 8617 section 5.1). */
static int
set_add(struct mail_gate *g, const struct arc_sealed *set)
{
	int rc;

	if ((rc = gate_edits_add(g, set->results)) < 0 || (rc = gate_edits_add(g, set->ams)) < 0)
		return rc;
	return gate_edits_add(g, set->seal);
}

/*
 * RFC 8617 section 6: from where it came, so that who believes us can tell the author's domain
 * (section 7.2.2, "remote-ip[1]"). Where there was a chain, that was said.
 */
static int
client_say(const struct mail_gate *g, const struct mail_judge_out *found, struct authres *results)
{
	char text[IP_ADDR_STRLEN];
	struct sv client;

	if (g->judge.arc.is_there)
		return 0;
	client = pool_sv(g->made, sv_str(ip_addr_str(g->in.client.addr, g->in.client.af, text)));
	return client.p == NULL ? -ENOMEM : arc_verdict_add(results, &found->arc, client);
}

int
gate_seal(struct mail_gate *g, const struct mail_gate_world *w, const struct mail_judge_out *found,
    struct authres *results, struct mail_gate_out *out)
{
	struct mail_sign_by by = { w->signer, g->keys };
	struct arc_sealer with = { .time = w->now, .is_utf8 = g->is_utf8 };
	struct arc_sealed set;
	size_t n_before = g->n_edits;
	int rc;

	if (g->n_keys == 0 || found->dmarc.now.author == NULL)
		return 0;
	if (w->signer == NULL)
		return -ENOTCONN;
	if ((rc = client_say(g, found, results)) < 0)
		return rc;
	with.domain = g->keys->domain;
	with.selector = g->keys->selector;
	with.by = mail_sign_by(&by);
	if ((rc = arc_seal(g->made, &g->judge.arc, found->arc.result, results, g->want->digest, &with,
	    &set)) < 0 || !set.is_made)
		return rc;
	if ((rc = set_add(g, &set)) < 0)
		g->n_edits = n_before;		/* all three, or none */
	else
		out->is_sealed = true;
	return rc;
}
