/* What speaks for one story or another: see mail/story.h. */
#include "mail/story_internal.h"

/* --- domains --- */

/* Of the author's organization, as DMARC found it; else one within the other. */
static bool
is_authors(const struct story_of *o, const struct dname *name)
{
	const struct dmarc_author *a = o->out->dmarc.now.author;

	if (name->len <= 1 || o->j->n_authors == 0)
		return false;
	if (a != NULL && a->now.has_org)
		return dname_within(name, &a->now.org);
	return dname_within(name, &o->j->authors[0].name) ||
	    dname_within(&o->j->authors[0].name, name);
}

static bool
are_one(const struct dname *a, const struct dname *b)
{
	return a->len > 1 && b->len > 1 && (dname_within(a, b) || dname_within(b, a));
}

static void
add_name(struct story_of *o, enum mail_evidence_code code, const struct dname *name)
{
	struct sv text = mail_name_text(o->pool, name);

	evidence_add(o->s, code, text.p == NULL ? SV("") : text);
}

/* --- signatures --- */

static void
author_sig(struct story_of *o, const struct dkim_verdict *v)
{
	const struct dname *d = &v->sig->domain_name;

	if (v->result == MAIL_PASS)
		add_name(o, EVIDENCE_DKIM_AUTHOR, d);
	else if (v->why == DKIM_BODY_CHANGED || v->why == DKIM_BODY_SHORT)
		add_name(o, EVIDENCE_DKIM_BODY, d);
	else if (v->why == DKIM_HEAD_CHANGED)
		add_name(o, EVIDENCE_DKIM_HEAD, d);
	else if (v->why == DKIM_ALL_CHANGED)
		add_name(o, EVIDENCE_DKIM_BOTH, d);
	else if (v->why == DKIM_KEY_NONE || v->why == DKIM_KEY_REVOKED)
		add_name(o, EVIDENCE_DKIM_NO_KEY, &v->sig->key_name);
	else if (v->why > DKIM_KEY_NONE && v->why < DKIM_KEY_SHORT)
		add_name(o, EVIDENCE_DKIM_KEY_BAD, &v->sig->key_name);
}

static void
from_dkim(struct story_of *o)
{
	bool any = false;

	for (size_t i = 0; i < o->out->n_dkim; i++) {
		const struct dkim_verdict *v = &o->out->dkim[i];
		const struct dname *d = &v->sig->domain_name;

		if (is_authors(o, d)) {
			author_sig(o, v);
			any = true;
		} else if (v->result == MAIL_PASS) {
			add_name(o, EVIDENCE_DKIM_OTHER, d);
			if (o->out->has_spf && are_one(d, &o->out->spf.name))
				add_name(o, EVIDENCE_DKIM_ENVELOPE, d);
		} else if (v->why == DKIM_BODY_CHANGED || v->why == DKIM_HEAD_CHANGED || v->why == DKIM_ALL_CHANGED)
			add_name(o, EVIDENCE_DKIM_OTHER_LOST, d);
	}
	if (!any && o->j->n_authors > 0)
		add_name(o, EVIDENCE_DKIM_NONE, &o->j->authors[0].name);
}

/* --- SPF --- */

/* Are the two in one network of the size that one site has? */
static bool
is_near(const struct ip_prefix *client, const struct ip_prefix *listed)
{
	struct ip_prefix site = *client;

	site.len = client->af == IP_V4 ? 24 : 48;
	ip_mask(site.addr, site.len);
	return listed->len > site.len && ip_prefix_covers(&site, listed);
}

static void
near_terms(struct story_of *o)
{
	for (const struct spf_step *s = o->out->spf.steps; s != NULL; s = s->next) {
		size_t colon = sv_find(s->text, ':');
		struct ip_prefix p;

		if (!s->is_record && s->depth == 0 && colon == 3 && sv_starts(s->text, SV("ip")) &&
		    ip_prefix_parse_host(sv_skip(s->text, 4), &p) == 0 && is_near(&o->in->client, &p))
			evidence_add(o->s, EVIDENCE_SPF_NEAR, s->text);
	}
}

static void
from_spf(struct story_of *o)
{
	const struct spf_out *spf = &o->out->spf;
	bool pass = o->out->has_spf && spf->result == MAIL_PASS;

	if (!o->out->has_spf || spf->name.len == 0)
		return;
	if (is_authors(o, &spf->name)) {
		if (pass)
			add_name(o, EVIDENCE_SPF_AUTHOR, &spf->name);
		else if (spf->result == MAIL_FAIL || spf->result == MAIL_SOFTFAIL)
			add_name(o, EVIDENCE_SPF_FAIL_AUTHOR, &spf->name);
		else if (spf->result == MAIL_PERMERROR)
			add_name(o, EVIDENCE_SPF_BROKEN, &spf->name);
		if (!pass)
			near_terms(o);
	} else if (o->in->sender.n > 0) {
		add_name(o, EVIDENCE_ENVELOPE_OTHER, &spf->name);
		if (pass)
			add_name(o, EVIDENCE_SPF_OTHER, &spf->name);
	}
	if (o->out->has_helo && o->out->helo.result == MAIL_PASS && !pass &&
	    is_authors(o, &o->out->helo.name))
		add_name(o, EVIDENCE_HELO_AUTHOR, &o->out->helo.name);
}

/* --- ARC --- */

/* Does the first who sealed say that the author's domain passed where he got it? */
static bool
first_says_pass(struct story_of *o)
{
	const struct authres_result *r = NULL;
	struct authres *said = NULL;
	struct findings ignored;
	struct dname from;

	findings_init(&ignored, o->pool);
	if (authres_parse(o->pool, o->j->arc.sets[0].payload, &ignored, &said) < 0 || said == NULL)
		return false;
	while ((r = authres_find(said, AUTHRES_DMARC, r)) != NULL)
		if (r->result == MAIL_PASS &&
		    mail_domain(authres_property_find(r, "header", "from"), &from) == 0 &&
		    is_authors(o, &from))
			return true;
	return false;
}

static void
from_arc(struct story_of *o)
{
	const struct arc *a = &o->j->arc;

	if (o->out->arc.result != MAIL_PASS || a->n == 0)
		return;
	add_name(o, EVIDENCE_ARC_HOLDS, &a->sets[a->n - 1].seal->domain_name);
	if (first_says_pass(o))
		add_name(o, EVIDENCE_ARC_AUTHOR, &a->sets[0].seal->domain_name);
}

/* --- fields that anybody can write --- */

static const struct {
	const char		*field;
	enum mail_evidence_code	 code;
} fields[] = {
	{ "List-Id", EVIDENCE_LIST_FIELDS },
	{ "List-Post", EVIDENCE_LIST_FIELDS },
	{ "Mailing-List", EVIDENCE_LIST_FIELDS },
	{ "Feedback-ID", EVIDENCE_BULK_FIELDS },
	{ "List-Unsubscribe", EVIDENCE_BULK_FIELDS },	/* below: of a list it says nothing more */
	{ "X-Forwarded-To", EVIDENCE_FORWARD_FIELDS },
	{ "X-Forwarded-For", EVIDENCE_FORWARD_FIELDS },
	{ "Resent-From", EVIDENCE_FORWARD_FIELDS },
	{ "X-MS-Exchange-ForwardingLoop", EVIDENCE_FORWARD_FIELDS },
	{ "X-Sieve-Redirected-From", EVIDENCE_FORWARD_FIELDS },
};

static void
from_fields(struct story_of *o)
{
	for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
		struct sv name = sv_str(fields[i].field);

		if (mail_head_count(o->j->head, name) > 0 &&
		    (fields[i].code != EVIDENCE_BULK_FIELDS || !evidence_has(o->s, EVIDENCE_LIST_FIELDS)))
			evidence_add(o->s, fields[i].code, name);
	}
}

/* The name of a list as RFC 2919 has it, between "<" and ">". */
static bool
list_name(const struct story_of *o, struct dname *ret)
{
	const struct mail_field *f = mail_head_last(o->j->head, SV("List-Id"), 0);
	struct sv s;

	if (f == NULL)
		return false;
	s = f->value;
	(void)sv_cut(&s, '<');
	return mail_name(sv_trim(sv_cut(&s, '>')), ret) == 0;
}

static void
from_list(struct story_of *o)
{
	struct dname list;

	if (!list_name(o, &list))
		return;
	if (is_authors(o, &list))
		add_name(o, EVIDENCE_LIST_AUTHOR, &list);
	for (size_t i = 0; i < o->out->n_dkim; i++) {
		const struct dname *d = &o->out->dkim[i].sig->domain_name;

		if (o->out->dkim[i].result == MAIL_PASS && !is_authors(o, d) && are_one(&list, d))
			add_name(o, EVIDENCE_LIST_VOUCHED, d);
	}
	if (o->out->has_spf && o->out->spf.result == MAIL_PASS &&
	    !is_authors(o, &o->out->spf.name) && are_one(&list, &o->out->spf.name))
		add_name(o, EVIDENCE_LIST_VOUCHED, &o->out->spf.name);
}

/* How forwarders and lists write the sender of an envelope. */
static void
from_sender(struct story_of *o)
{
	static const char *const starts[] = { "owner-", "bounce-", "bounces+" };
	static const char *const ends[] = {
		"-bounces", "-bounce", "-request", "-admin", "-owner", "-return"
	};
	struct sv s = o->in->sender, local = sv_take(s, sv_rfind(s, '@'));
	struct sv plain = sv_take(local, sv_find(local, '+'));
	bool list = false;

	if (!o->in->has_sender || local.n == 0)
		return;
	if (sv_caseeq(sv_take(local, 5), SV("SRS0=")) || sv_caseeq(sv_take(local, 5), SV("SRS1=")))
		evidence_add(o->s, EVIDENCE_FORWARD_SENDER, s);
	for (size_t i = 0; i < ARRAY_LEN(starts); i++)
		list |= sv_starts(local, sv_str(starts[i]));
	for (size_t i = 0; i < ARRAY_LEN(ends); i++)
		list |= sv_ends(plain, sv_str(ends[i]));
	if (list)
		evidence_add(o->s, EVIDENCE_LIST_SENDER, s);
}

/* --- the author --- */

/* "Bank <help@bank.example>" <x@elsewhere.example>: people see an address that is not the author's. */
static void
from_display(struct story_of *o)
{
	const struct mail_address *a = &o->j->authors[0];
	size_t at = sv_find(a->display, '@');
	struct sv rest = sv_skip(a->display, at + 1), word;
	struct dname shown;

	if (at >= a->display.n || !sv_word(&rest, &word))
		return;
	while (sv_ends(word, SV(">")) || sv_ends(word, SV(")")) || sv_ends(word, SV("\"")))
		word.n--;
	if (mail_domain(word, &shown) == 0 && !is_authors(o, &shown))
		add_name(o, EVIDENCE_NAME_ELSEWHERE, &shown);
}

/* "Alice via talk", "'Alice' via Talk"; in an encoded word (RFC 2047) a blank may be "_". */
static void
from_via(struct story_of *o)
{
	struct sv s = o->j->authors[0].display;

	for (size_t i = 0; i + 5 < s.n; i++) {
		struct sv at = sv_take(sv_skip(s, i), 5);

		if (sv_caseeq(at, SV(" via ")) || sv_caseeq(at, SV("_via_")))
			evidence_add(o->s, EVIDENCE_FROM_VIA, s);
	}
}

/*
 * "bob=example.com turned into bob=example.com@user.somelist.example" (RFC 9989 section 7.4; others
 * write "=40" for the "@").
 */
static void
from_inner(struct story_of *o)
{
	struct sv local = o->j->authors[0].local, inner = sv_skip(local, sv_rfind(local, '=') + 1);
	struct dname name;

	if (sv_starts(inner, SV("40")) && sv_find(inner, '.') < inner.n)
		inner = sv_skip(inner, 2);
	if (inner.n < local.n && mail_domain(inner, &name) == 0 && dname_labels(name.w) > 1 && !is_authors(o, &name))
		add_name(o, EVIDENCE_FROM_INNER, &name);
}

/* Google Groups and others: the From as it was. */
static void
from_original(struct story_of *o)
{
	static const char *const names[] = { "X-Original-From", "Original-From" };
	struct findings ignored;

	findings_init(&ignored, o->pool);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const struct mail_field *f = mail_head_last(o->j->head, sv_str(names[i]), 0);
		struct mail_address *was;
		size_t n = 0;

		if (f != NULL && mail_addresses(o->pool, f->value, &ignored, &was, &n) == 0 && n > 0 &&
		    was[0].name.len > 1 && !is_authors(o, &was[0].name))
			add_name(o, EVIDENCE_FROM_ORIGINAL, &was[0].name);
	}
}

static void
from_reply(struct story_of *o)
{
	const struct mail_field *f = mail_head_last(o->j->head, SV("Reply-To"), 0);
	struct mail_address *to = NULL;
	struct findings ignored;
	size_t n = 0;

	findings_init(&ignored, o->pool);
	if (f == NULL || mail_addresses(o->pool, f->value, &ignored, &to, &n) < 0)
		return;
	for (size_t i = 0; i < n; i++)
		if (to[i].name.len > 1 && !is_authors(o, &to[i].name))
			add_name(o, EVIDENCE_REPLY_ELSEWHERE, &to[i].name);
}

/* Several at the author's own name, or one without a policy (RFC 9989 sections 4.7, 4.10). */
static bool
is_broken(const struct dmarc_view *v)
{
	return v->is_void || (v->record == NULL && v->n_steps > 0 && v->steps[0]->n_records > 1);
}

static void
from_policy(struct story_of *o)
{
	const struct dmarc_author *a = o->out->dmarc.now.author;

	if (a == NULL)
		return;
	if (is_broken(&a->now))
		add_name(o, EVIDENCE_DMARC_BROKEN, &a->name);
	else if (a->now.record == NULL)
		add_name(o, EVIDENCE_NO_POLICY, &a->name);
	else if (a->now.policy > DMARC_POLICY_NONE && a->now.result == MAIL_FAIL)
		add_name(o, EVIDENCE_STRICT_POLICY, &a->now.where);
}

void
story_evidence(struct story_of *o)
{
	from_dkim(o);
	from_spf(o);
	from_arc(o);
	from_fields(o);
	from_list(o);
	from_sender(o);
	if (o->j->n_authors > 0) {
		from_display(o);
		from_via(o);
		from_inner(o);
		from_original(o);
		from_reply(o);
	}
	from_policy(o);
}
