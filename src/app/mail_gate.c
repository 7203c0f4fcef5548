/* A message's way through the gate: see app/mail_gate.h. */
#include <errno.h>
#include <stdlib.h>

#include "app/mail_gate_internal.h"
#include "base/err.h"

#define ROUNDS_MAX	200	/* waits for the DNS: a chain of names has some 40, 130 questions 5 */

/* --- what is known before the message --- */

/* -ENOMEM. */
static int
text_take(struct mail_gate *g, struct sv text, struct sv *ret)
{
	*ret = pool_sv(g->kept, text);
	return ret->p == NULL ? -ENOMEM : 0;
}

/* The recipients' domain, where they have one: RFC 9990 has room for one in a row. */
static int
recipients_take(struct mail_gate *g, const struct mail_gate_mail *m)
{
	struct dname first = { .len = 0 };

	for (size_t i = 0; i < m->n_recipients; i++) {
		struct mail_address a;
		int rc = mail_envelope(g->kept, m->recipients[i], &a);

		if (rc == -ENOMEM)
			return rc;
		g->is_utf8 |= !sv_ascii(m->recipients[i]);
		if (rc < 0 || (i > 0 && !dname_eq(&first, &a.name)))
			return 0;
		first = a.name;
	}
	if (first.len == 0)
		return 0;
	g->envelope_to = mail_name_text(g->kept, &first);
	return g->envelope_to.p == NULL ? -ENOMEM : 0;
}

static int
mail_take(struct mail_gate *g, const struct mail_gate_mail *m)
{
	struct mail_judge_in *in = &g->in;
	int rc;

	*in = (struct mail_judge_in){ .has_client = m->has_client, .client = spf_client(m->client),
		.has_sender = true, .receiver = g->conf->authserv_id, .psl = g->conf->psl };
	g->who = mail_who_find(&g->conf->policy, m->has_client ? &in->client : NULL, m->login.n > 0);
	g->is_utf8 = !sv_ascii(m->sender);
	g->writes_lists = m->writes_lists;
	if ((rc = text_take(g, m->helo, &in->helo)) < 0 ||
	    (rc = text_take(g, m->sender, &in->sender)) < 0 ||
	    (rc = text_take(g, m->queue_id, &g->queue_id)) < 0)
		return rc;
	return recipients_take(g, m);
}

struct mail_gate *
mail_gate_free(struct mail_gate *g)
{
	if (g == NULL)
		return NULL;
	mail_judge_done(&g->judge);
	(void)mail_body_free(g->own_body);
	(void)pool_free(g->kept);
	(void)pool_free(g->again);
	(void)pool_free(g->made);
	(void)pool_free(g->bimi);
	free(g);
	return NULL;
}

int
mail_gate_new(const struct mail_gate_conf *conf, const struct mail_gate_mail *m, struct mail_gate **ret)
{
	_cleanup_(mail_gate_freep) struct mail_gate *g = calloc(1, sizeof(*g));
	int rc;

	if (g == NULL)
		return -ENOMEM;
	g->conf = conf;
	g->kept = pool_new(MAIL_POOL_MAX);
	g->again = pool_new(MAIL_POOL_MAX);
	g->made = pool_new(MAIL_POOL_MAX);
	if (g->kept == NULL || g->again == NULL || g->made == NULL)
		return -ENOMEM;
	findings_init(&g->fs, g->kept);
	mail_head_init(&g->head, g->kept);
	if ((rc = mail_take(g, m)) < 0 || (rc = gate_edits_init(g)) < 0)
		return rc;
	*ret = TAKE_PTR(g);
	return 0;
}

/* --- the message goes by --- */

static int
field_take(struct mail_gate *g, struct sv name, struct sv value)
{
	size_t n = g->head.n;
	int rc = gate_list(g, name, &value);

	if (rc == 0)
		rc = mail_head_add(&g->head, name, value, &g->fs);
	if (g->head.n > n)		/* it stands there with CRLF in its folds */
		value = g->head.fields[n].value;
	if (rc < 0 || g->who == MAIL_WHO_RELAY)
		return rc;
	return gate_edits_see(g, name, value);
}

/* What a host of ours has judged is left alone, and looked at only for a seal. */
static bool
is_read(const struct mail_gate *g)
{
	return g->failure == 0 && (g->who != MAIL_WHO_RELAY || gate_is_sealing(g));
}

void
mail_gate_field(struct mail_gate *g, struct sv name, struct sv value)
{
	if (is_read(g))
		g->failure = field_take(g, name, value);
}

void
mail_gate_head_end(struct mail_gate *g)
{
	gate_edits_turn(g);
	if (!is_read(g))
		return;
	g->failure = mail_judge_begin(g->kept, &g->head, &g->fs, &g->judge);
	if (g->failure == 0)
		g->failure = gate_sign_begin(g);
}

/* Nobody needs the body of own mail but who signs it. */
static bool
is_judged(const struct mail_gate *g)
{
	return g->failure == 0 && g->who == MAIL_WHO_OTHERS;
}

void
mail_gate_body(struct mail_gate *g, struct sv piece)
{
	if (is_judged(g))
		mail_judge_body(&g->judge, piece);
	if (g->own_body != NULL)
		mail_body_feed(g->own_body, piece);
}

static void
body_end(struct mail_gate *g)
{
	if (is_judged(g))
		mail_judge_body_end(&g->judge);
	if (g->own_body != NULL)
		mail_body_end(g->own_body);
}

/* --- the verdict --- */

/* 0 with *ret, in the pool that each round begins anew; negative: it could not be judged. */
static int
judge(struct mail_gate *g, const struct mail_gate_world *w, struct mail_judge_out *ret)
{
	struct mail_ask ask = w->ask;
	struct findings told;

	g->in.now = w->now;
	g->in.pubs = w->pubs;
	for (unsigned i = 0; i < ROUNDS_MAX; i++) {
		int rc;

		pool_reset(g->again);
		findings_init(&told, g->again);
		ask.n_missing = 0;
		rc = mail_judge_check(&g->judge, &g->in, g->again, &ask, &told, ret);
		if (rc != MAIL_WAIT)
			return rc;
		if ((rc = w->fill(w->fill_arg, &ask)) < 0)
			return rc;
	}
	return SE_TIMEOUT;
}

static void
decision_take(const struct mail_decision *d, struct mail_gate_out *out)
{
	out->act = d->act;
	out->reply = d->reply;
	out->enhanced = d->enhanced;
	out->text = d->text;
}

static bool
goes_on(enum mail_act act)
{
	return act == MAIL_ACT_ACCEPT || act == MAIL_ACT_QUARANTINE;
}

/* The head of what is let in. A seal that cannot be made is missed by nobody. */
static int
head_dress(struct mail_gate *g, const struct mail_gate_world *w, const struct mail_judge_out *found,
    struct mail_gate_out *out)
{
	struct authres results;
	int rc;

	if ((rc = mail_judge_say(&g->judge, &g->in, found, g->conf->authserv_id, g->made, &results)) < 0 ||
	    (out->act == MAIL_ACT_ACCEPT && (rc = gate_bimi(g, w, found, &results, out)) < 0) ||
	    (rc = gate_edits_say(g, &results)) < 0)
		return rc;
	if (out->act == MAIL_ACT_QUARANTINE && g->conf->policy.mark.n > 0) {
		if ((rc = gate_edits_mark(g, out->text)) < 0)
			return rc;
		out->act = MAIL_ACT_ACCEPT;
	}
	out->sign_failure = gate_seal(g, w, found, &results, out);
	return 0;
}

static int
others_end(struct mail_gate *g, const struct mail_gate_world *w, struct mail_gate_out *out)
{
	struct mail_judge_out found;
	struct mail_policy_in in = { &g->judge, &g->in, &found, &g->fs };
	struct mail_decision d;
	int rc;

	if ((rc = judge(g, w, &found)) < 0 ||
	    (rc = mail_policy_check(&g->conf->policy, &in, g->made, &d)) < 0)
		return rc;
	decision_take(&d, out);
	if (d.act == MAIL_ACT_TEMPFAIL)
		return 0;
	if ((rc = gate_row(g, w, &found, &d, out)) < 0)
		return rc;
	gate_failure(g, w, &found, &d, out);
	return goes_on(d.act) ? head_dress(g, w, &found, out) : 0;
}

static int
own_end(struct mail_gate *g, const struct mail_gate_world *w, struct mail_gate_out *out)
{
	struct mail_decision d;

	if ((out->sign_failure = gate_sign(g, w, out)) == 0)
		return 0;
	d = mail_policy_unsigned(&g->conf->policy);
	decision_take(&d, out);
	return 0;
}

static int
relay_end(struct mail_gate *g, const struct mail_gate_world *w, struct mail_gate_out *out)
{
	out->sign_failure = gate_seal_relay(g, w, out);
	return 0;
}

/*
 * Was it the message that was too much, not the machine that was too small? Then it is no failure,
 * which might let it in: somebody may have written it so.
 */
static bool
is_too_much(const struct mail_gate *g)
{
	return g->failure == SE_LIMIT || (g->failure == -ENOMEM &&
	    (pool_is_full(g->kept) || pool_is_full(g->again) || pool_is_full(g->made)));
}

/* What was not judged; forged results go all the same. */
static void
failure_end(struct mail_gate *g, struct mail_gate_out *out)
{
	struct mail_decision d = is_too_much(g) ? mail_policy_too_much(&g->conf->policy) :
	    mail_policy_failure(&g->conf->policy);

	*out = (struct mail_gate_out){ .who = g->who, .failure = g->failure };
	if (g->who == MAIL_WHO_RELAY)		/* it was to be sealed, no more */
		d = (struct mail_decision){ .enhanced = SV(""), .text = SV("") };
	decision_take(&d, out);
	g->n_edits = g->n_removals;
}

void
mail_gate_end(struct mail_gate *g, const struct mail_gate_world *w, struct mail_gate_out *ret)
{
	static int (*const ends[MAIL_WHO_MAX])(struct mail_gate *, const struct mail_gate_world *,
	    struct mail_gate_out *) = { others_end, own_end, relay_end };
	struct mail_gate_out out = { .who = g->who, .enhanced = SV(""), .text = SV("") };

	body_end(g);
	gate_sign_renew(g, w);
	if (g->failure == 0)
		g->failure = ends[g->who](g, w, &out);
	if (g->failure < 0)
		failure_end(g, &out);
	if (goes_on(out.act)) {
		out.edits = g->edits;
		out.n_edits = g->n_edits;
	}
	*ret = out;
}

void
mail_gate_without(const struct mail_gate_conf *conf, struct mail_gate_out *ret)
{
	struct mail_decision d = mail_policy_failure(&conf->policy);

	*ret = (struct mail_gate_out){ .failure = -ENOMEM };
	decision_take(&d, ret);
}
