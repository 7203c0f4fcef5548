/* The seal of ARC: over what was found here, or at another gate of ours. */
#include <errno.h>

#include "app/mail_gate_internal.h"

/* --- the set --- */

/* The seal stands uppermost (RFC 8617 section 5.1). */
static int
set_add(struct mail_gate *g, const struct arc_sealed *set)
{
	int rc;

	if ((rc = gate_edits_add(g, set->results)) < 0 || (rc = gate_edits_add(g, set->ams)) < 0)
		return rc;
	return gate_edits_add(g, set->seal);
}

static int
set_make(struct mail_gate *g, const struct mail_gate_world *w, enum mail_result chain,
    const struct authres *results, struct mail_gate_out *out)
{
	struct mail_sign_by by = { w->signer, g->keys };
	struct arc_sealer with = { .domain = g->keys->domain, .selector = g->keys->selector,
		.by = mail_sign_by(&by), .time = w->now, .is_utf8 = g->is_utf8 };
	struct arc_sealed set;
	size_t n_before = g->n_edits;
	int rc;

	if (w->signer == NULL)
		return -ENOTCONN;
	rc = arc_seal(g->made, &g->judge.arc, chain, results, g->want->digest, &with, &set);
	if (rc < 0 || !set.is_made)
		return rc;
	if ((rc = set_add(g, &set)) < 0)
		g->n_edits = n_before;		/* all three, or none */
	else
		out->is_sealed = true;
	return rc;
}

/* --- mail of others --- */

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
	int rc;

	if (g->n_keys == 0 || found->dmarc.now.author == NULL)
		return 0;
	rc = client_say(g, found, results);
	return rc < 0 ? rc : set_make(g, w, found->arc.result, results, out);
}

/* --- mail that a host of ours has judged, and perhaps changed since --- */

/* The results on top that are ours. 0, and *ret is NULL where there are none; -ENOMEM. */
static int
results_find(struct mail_gate *g, struct authres **ret)
{
	struct findings unread;

	*ret = NULL;
	findings_init(&unread, g->made);
	for (size_t i = 0; i < g->head.n; i++) {
		const struct mail_field *f = &g->head.fields[i];

		if (sv_caseeq(f->name, SV("Authentication-Results")) && authres_claim(g->made, f->value,
		    g->ours, g->conf->n_aliases + 1) == AUTHRES_OURS)
			return authres_parse(g->made, f->value, &unread, ret);
	}
	return 0;
}

/* What became of the chain before the message was changed: only who judged it can say. */
static bool
chain_find(const struct mail_gate *g, const struct authres *results, enum mail_result *ret)
{
	const struct authres_result *r = authres_find(results, AUTHRES_ARC, NULL);

	*ret = r == NULL ? MAIL_NONE : r->result;
	return g->judge.arc.is_there == (*ret != MAIL_NONE);
}

int
gate_seal_relay(struct mail_gate *g, const struct mail_gate_world *w, struct mail_gate_out *out)
{
	enum mail_result chain;
	struct authres *results;
	int rc;

	if (g->n_keys == 0)
		return 0;
	if ((rc = results_find(g, &results)) < 0 || results == NULL || !chain_find(g, results, &chain))
		return rc;
	return set_make(g, w, chain, results, out);
}
