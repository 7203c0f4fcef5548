/*
 * Does the author's domain want to hear of this message at once, and what is it told? RFC 9991. A
 * report that cannot be made is missed by nobody: nothing here costs a verdict.
 */
#include <errno.h>

#include "app/mail_gate_internal.h"
#include "crypto/crypto.h"

struct telling {
	const struct mail_gate		*g;
	const struct mail_judge_out	*found;
	const struct dmarc_view		*view;
	struct pool			*pool;		/* until it is made */
	struct report_failure		 f;
};

/* --- is it asked for? --- */

static bool
is_near(const struct telling *t, const struct dname *name)
{
	return name->len > 0 && t->view->has_org && dname_within(name, &t->view->org);
}

/* What hangs on a DNS that did not answer is nobody's failure. */
static enum report_mechanism
dkim_stands(const struct telling *t)
{
	if (t->view->dkim_aligned)
		return REPORT_ALIGNED;
	for (size_t i = 0; i < t->found->n_dkim; i++)
		if (t->found->dkim[i].result == MAIL_TEMPERROR &&
		    is_near(t, &t->found->dkim[i].sig->domain_name))
			return REPORT_UNKNOWN;
	return REPORT_NOT_ALIGNED;
}

static enum report_mechanism
spf_stands(const struct telling *t)
{
	if (t->view->spf_aligned)
		return REPORT_ALIGNED;
	return t->found->has_spf && t->found->spf.result == MAIL_TEMPERROR ? REPORT_UNKNOWN :
	    REPORT_NOT_ALIGNED;
}

/* "failed evaluation": what our own policy, or the DNS, was in the way of did not. */
static bool
has_failed(enum mail_result r)
{
	return r == MAIL_FAIL || r == MAIL_SOFTFAIL || r == MAIL_PERMERROR;
}

/* The first signature that failed; near: of the author's organization. NULL: there is none. */
static const struct dkim_verdict *
dkim_failed(const struct telling *t, bool near)
{
	for (size_t i = 0; i < t->found->n_dkim; i++) {
		const struct dkim_verdict *v = &t->found->dkim[i];

		if (has_failed(v->result) && v->sig->domain_name.len > 0 && v->sig->selector.n > 0 &&
		    (!near || is_near(t, &v->sig->domain_name)))
			return v;
	}
	return NULL;
}

static enum report_about
about_what(const struct telling *t)
{
	const struct report_asked a = {
		.fo = t->view->record->fo, .with_parts = t->g->conf->failures.with_parts,
		.dkim = dkim_stands(t), .spf = spf_stands(t), .dkim_failed = dkim_failed(t, false) != NULL,
		.spf_failed = t->found->has_spf && has_failed(t->found->spf.result),
	};

	return report_asked(&a);
}

/* psd=y: "MUST NOT consider". A result that the DNS owes is none. */
static bool
is_told(const struct mail_gate *g, const struct dmarc_verdict *d)
{
	const struct dmarc_record *r = d->author == NULL ? NULL : d->author->now.record;

	return r != NULL && !d->author->now.is_void && r->n_ruf > 0 && r->psd != DMARC_PSD_YES &&
	    (d->result == MAIL_FAIL || d->result == MAIL_PASS) && g->in.sender.n > 0 &&
	    !report_is_answer(&g->head);
}

/* --- what is told --- */

static enum report_auth_failure
dkim_why(const struct dkim_verdict *v)
{
	if (v->why == DKIM_BODY_CHANGED || v->why == DKIM_BODY_SHORT)
		return REPORT_AUTH_BODYHASH;
	return v->why == DKIM_KEY_REVOKED ? REPORT_AUTH_REVOKED : REPORT_AUTH_SIGNATURE;
}

static int
dkim_take(struct telling *t, enum report_about about)
{
	const struct dkim_verdict *v = dkim_failed(t, about != REPORT_ABOUT_DKIM);

	if (v == NULL)
		return 0;
	if (about == REPORT_ABOUT_DKIM)
		t->f.auth_failure = dkim_why(v);
	t->f.dkim_domain = mail_name_text(t->pool, &v->sig->domain_name);
	t->f.dkim_selector = v->sig->selector;
	t->f.dkim_identity = v->sig->identity_name.len == 0 ? t->f.dkim_domain :
	    mail_name_text(t->pool, &v->sig->identity_name);
	return t->f.dkim_domain.p == NULL || t->f.dkim_identity.p == NULL ? -ENOMEM : 0;
}

/* The record as it was read first. One too long is left out: its owner has it. */
static int
spf_take(struct telling *t, enum report_about about)
{
	const struct spf_out *spf = &t->found->spf;
	const struct spf_step *s = spf->steps;

	if (about == REPORT_ABOUT_SPF)
		t->f.auth_failure = REPORT_AUTH_SPF;
	while (s != NULL && (!s->is_record || s->depth > 0))
		s = s->next;
	if (!t->found->has_spf || spf->result == MAIL_PASS || s == NULL || s->text.n == 0 ||
	    s->text.n > REPORT_RECORD_MAX || (about != REPORT_ABOUT_SPF && !is_near(t, &spf->name)))
		return 0;
	t->f.spf_domain = mail_name_text(t->pool, &spf->name);
	t->f.spf_record = s->text;
	return t->f.spf_domain.p == NULL ? -ENOMEM : 0;
}

/* RFC 6591 section 3.2.2, "policy": not in the inbox as authentication failed; where it is is not said. */
static enum report_delivery
delivery_of(enum mail_act act)
{
	static const enum report_delivery deliveries[MAIL_ACT_MAX] = {
		[MAIL_ACT_ACCEPT] = REPORT_DELIVERED, [MAIL_ACT_QUARANTINE] = REPORT_POLICY,
		[MAIL_ACT_REJECT] = REPORT_REJECTED, [MAIL_ACT_TEMPFAIL] = REPORT_OTHER_WAY,
	};

	return deliveries[act];
}

/*
 * Those of the method that the report is about (RFC 6591 section 3.1), and with the message's own
 * head all of them. Of too many signatures to tell of, the first stands for all.
 */
static int
results_take(struct telling *t, enum report_about about, struct buf *one, struct buf *all)
{
	static const enum authres_method methods[REPORT_ABOUT_MAX] = {
		[REPORT_ABOUT_DMARC] = AUTHRES_DMARC, [REPORT_ABOUT_DKIM] = AUTHRES_DKIM,
		[REPORT_ABOUT_SPF] = AUTHRES_SPF,
	};
	struct authres a;
	int rc = mail_judge_say(&t->g->judge, &t->g->in, t->found, t->g->conf->authserv_id, t->pool, &a);

	if (rc < 0)
		return rc;
	report_results_redact(&a);
	authres_write(all, &a, sizeof("Authentication-Results:") - 1, false);
	for (size_t max = SIZE_MAX; max > 0 && (max > 1 || one->len > REPORT_RESULTS_MAX); max = max > 1) {
		one->len = 0;
		report_results_keep(&a, methods[about], max);
		authres_write(one, &a, sizeof("Authentication-Results:") - 1, false);
	}
	t->f.auth_results = buf_get(one);
	t->f.all_results = one->len + all->len > REPORT_RESULTS_MAX ? SV("") : buf_get(all);
	return one->rc < 0 ? one->rc : all->rc;
}

static int
evidence_take(struct telling *t, enum report_about about, const struct mail_decision *d)
{
	struct mail_address *sender = pool_calloc(t->pool, 1, sizeof(*sender));
	int rc;

	if (sender == NULL)
		return -ENOMEM;
	if ((rc = mail_envelope(t->pool, t->g->in.sender, sender)) == 0)
		t->f.mail_from = sender;
	else if (rc == -ENOMEM)
		return rc;
	t->f.domain = mail_name_text(t->pool, &t->view->where);
	t->f.source = t->g->in.client;
	t->f.dkim_failed = !t->view->dkim_aligned;
	t->f.spf_failed = !t->view->spf_aligned;
	t->f.delivery = delivery_of(d->act);
	t->f.head = &t->g->head;
	t->f.key = t->g->conf->failures.key;
	t->f.with_subject = t->g->conf->failures.with_subject;
	if (t->f.domain.p == NULL)
		return -ENOMEM;
	return (rc = dkim_take(t, about)) < 0 ? rc : spf_take(t, about);
}

/* --- what it is known by --- */

static int
alike_take(struct pool *pool, const struct report_failure *f, struct sv *ret)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	uint8_t sum[SHA256_LEN];

	buf_printf(&b, "%.*s\n%u %d%d %u\n%.*s %.*s\n%.*s\n", SV_ARG(f->domain), f->auth_failure,
	    f->dkim_failed, f->spf_failed, f->delivery, SV_ARG(f->dkim_selector), SV_ARG(f->dkim_domain),
	    SV_ARG(f->spf_domain));
	buf_bytes(&b, f->source.addr, f->source.af == IP_V4 ? 3 : 6);
	if (b.rc < 0)
		return b.rc;
	crypto_sha256(b.p, b.len, sum);
	*ret = pool_sv(pool, (struct sv){ (const char *)sum, MAIL_FAILURE_ALIKE_LEN });
	return ret->p == NULL ? -ENOMEM : 0;
}

static int
addresses_take(struct pool *pool, const struct dmarc_record *r, struct mail_failure *f)
{
	for (size_t i = 0; i < min_size(r->n_ruf, DMARC_URIS_MAX); i++) {
		struct sv name = mail_name_text(pool, &r->ruf[i].name);
		const char *p = pool_printf(pool, "%.*s@%.*s", SV_ARG(r->ruf[i].local), SV_ARG(name));

		if (name.p == NULL || p == NULL)
			return -ENOMEM;
		f->to[f->n_to++] = sv_str(p);
	}
	return 0;
}

static int
failure_make(struct telling *t, enum report_about about, const struct mail_decision *d,
    struct mail_failure *ret)
{
	_cleanup_(buf_done) struct buf one = BUF_INIT, all = BUF_INIT, feedback = BUF_INIT, head = BUF_INIT;
	struct pool *made = t->g->made;
	int rc;

	if ((rc = evidence_take(t, about, d)) < 0 || (rc = results_take(t, about, &one, &all)) < 0 ||
	    (rc = report_failure_write(&feedback, &head, t->pool, &t->f)) < 0 ||
	    (rc = alike_take(made, &t->f, &ret->alike)) < 0 ||
	    (rc = addresses_take(made, t->view->record, ret)) < 0)
		return rc;
	ret->domain = pool_sv(made, t->f.domain);
	ret->feedback = pool_sv(made, buf_get(&feedback));
	ret->head = pool_sv(made, buf_get(&head));
	return ret->domain.p == NULL || ret->feedback.p == NULL || ret->head.p == NULL ? -ENOMEM : 0;
}

void
gate_failure(const struct mail_gate *g, const struct mail_gate_world *w,
    const struct mail_judge_out *found, const struct mail_decision *d, struct mail_gate_out *out)
{
	struct mail_failure made = { .node = g->conf->node, .queue_id = g->queue_id, .at = w->now };
	struct telling t = { .g = g, .found = found };
	enum report_about about;

	if (g->conf->failures.key.n == 0 || !g->in.has_client || !is_told(g, &found->dmarc.now))
		return;
	t.view = &found->dmarc.now.author->now;
	t.f.arrived = w->now;
	if ((about = about_what(&t)) == REPORT_ABOUT_NOTHING || (t.pool = pool_new(MAIL_POOL_MAX)) == NULL)
		return;
	if (failure_make(&t, about, d, &made) == 0) {
		out->report = made;
		out->has_report = true;
	}
	(void)pool_free(t.pool);
}
