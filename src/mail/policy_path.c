/* Ways by which mail comes that DMARC fails and nobody forged: see mail/policy.h. */
#include <errno.h>

#include "mail/policy_internal.h"

/* --- a client --- */

static bool
client_fits(const struct mail_path *p, const struct mail_policy_in *in)
{
	return in->in->has_client && ip_prefix_covers(&p->client, &in->in->client);
}

/* --- a list --- */

/* RFC 2919 section 2: "list-id-header = "List-ID:" [phrase] "<" list-id ">" CRLF". Empty: none. */
static struct sv
list_id(const struct mail_head *head)
{
	const struct mail_field *f = mail_head_last(head, SV("List-Id"), 0);
	struct sv id;

	if (f == NULL || mail_head_count(head, SV("List-Id")) != 1)
		return SV("");
	id = sv_skip(f->value, sv_rfind(f->value, '<') + 1);
	return sv_take(id, sv_find(id, '>'));
}

static bool
list_id_fits(const struct mail_path *p, struct sv id)
{
	struct dname name;

	if (p->list_id.n > 0)
		return sv_caseeq(p->list_id, id);
	return mail_name(id, &name) == 0 && dname_within(&name, &p->domain);
}

/* A signature of the list's domain over the List-Id and the whole of the body. */
static bool
list_signed(const struct mail_path *p, const struct dkim_verdict *v)
{
	if (v->result != MAIL_PASS || v->n_surplus > 0 || v->fields == NULL ||
	    !dname_eq(&v->sig->domain_name, &p->domain))
		return false;
	for (size_t i = 0; i < v->sig->n_names; i++)
		if (v->fields[i] != NULL && sv_caseeq(v->fields[i]->name, SV("List-Id")))
			return true;
	return false;
}

static bool
list_fits(const struct mail_path *p, const struct mail_policy_in *in)
{
	struct sv id = list_id(in->judge->head);

	if (id.n == 0 || !list_id_fits(p, id))
		return false;
	for (size_t i = 0; i < in->out->n_dkim; i++)
		if (list_signed(p, &in->out->dkim[i]))
			return true;
	return false;
}

/* --- a sealer --- */

static bool
sealer_is_believed(const struct mail_policy *policy, const struct dkim_sig *seal)
{
	for (size_t i = 0; i < policy->n_paths; i++)
		if (policy->paths[i].kind == MAIL_PATH_SEALER &&
		    dname_eq(&policy->paths[i].domain, &seal->domain_name))
			return true;
	return false;
}

/* What a sealer says: NULL where it cannot be read. 0; -ENOMEM. */
static int
results_read(const struct arc_set *set, struct pool *pool, struct authres **ret)
{
	struct findings unread;

	findings_init(&unread, pool);
	return authres_parse(pool, set->payload, &unread, ret);
}

/* That DMARC passed, for this author? */
static bool
says_pass(const struct authres *found, const struct dname *author)
{
	const struct authres_result *r = NULL;
	struct dname name;

	while ((r = authres_find(found, AUTHRES_DMARC, r)) != NULL) {
		struct sv from = authres_property_find(r, "header", "from");

		if (r->result == MAIL_PASS && from.p != NULL && mail_domain(from, &name) == 0 &&
		    dname_eq(&name, author))
			return true;
	}
	return false;
}

/* Who handed it on last signed all of the body: behind l= stands what anybody may have added. */
static bool
is_whole(const struct arc_verdict *v, uint32_t n)
{
	const struct arc_signature *ams = v->ams == NULL || n == 0 ? NULL : &v->ams[n - 1];

	return ams == NULL || !ams->sig->has_length || ams->body == NULL ||
	    ams->body->n_canon <= ams->sig->length;
}

/* 0; 1: it came through sealers that are believed to one that saw it pass; -ENOMEM. */
static int
chain_is_believed(const struct mail_policy *policy, const struct mail_policy_in *in, struct pool *pool)
{
	const struct arc *arc = &in->judge->arc;
	const struct dname *author = &in->out->dmarc.now.author->name;

	if (in->out->arc.result != MAIL_PASS || !is_whole(&in->out->arc, arc->n))
		return 0;
	for (uint32_t i = arc->n; i > 0; i--) {
		const struct arc_set *set = &arc->sets[i - 1];
		struct authres *found;
		int rc;

		if (!sealer_is_believed(policy, set->seal))
			return 0;
		if ((rc = results_read(set, pool, &found)) < 0)
			return rc;
		if (found != NULL && says_pass(found, author))
			return 1;
	}
	return 0;
}

static void
client_put(struct buf *b, const struct arc *arc, struct pool *pool)
{
	const struct authres_result *r;
	struct authres *found;
	struct sv ip;

	if (results_read(&arc->sets[0], pool, &found) < 0 || found == NULL ||
	    (r = authres_find(found, AUTHRES_ARC, NULL)) == NULL)
		return;
	if ((ip = authres_property_find(r, "smtp", "remote-ip")).p != NULL)
		buf_printf(b, " remote-ip[1]=%.*s", SV_ARG(sv_take(ip, IP_ADDR_STRLEN)));
}

/* The form of RFC 8617 section 7.2.2: the newest set first. .p is NULL without memory. */
static struct sv
chain_text(const struct mail_policy_in *in, struct pool *pool)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	const struct arc *arc = &in->judge->arc;

	buf_str(&b, "arc=pass");
	for (uint32_t i = arc->n; i > 0 && b.len < MAIL_POLICY_COMMENT_MAX; i--) {
		const struct dkim_sig *seal = arc->sets[i - 1].seal;

		buf_printf(&b, " as[%u].d=%.*s as[%u].s=%.*s", i, SV_ARG(seal->domain), i,
		    SV_ARG(seal->selector));
	}
	client_put(&b, arc, pool);
	return b.rc < 0 ? (struct sv){ NULL, 0 } : policy_line(pool, buf_get(&b), MAIL_POLICY_COMMENT_MAX);
}

/* --- all of them --- */

static int
chain_find(const struct mail_policy *policy, const struct mail_policy_in *in, struct pool *pool,
    struct report_reason *ret)
{
	int rc = chain_is_believed(policy, in, pool);

	if (rc <= 0)
		return rc;
	*ret = (struct report_reason){ REPORT_LOCAL_POLICY, chain_text(in, pool) };
	return ret->comment.p == NULL ? -ENOMEM : 1;
}

int
policy_path_find(const struct mail_policy *policy, const struct mail_policy_in *in,
    struct pool *pool, struct report_reason *ret)
{
	static const struct {
		bool			(*fits)(const struct mail_path *, const struct mail_policy_in *);
		enum report_override	 type;
	} kinds[MAIL_PATH_MAX] = {
		[MAIL_PATH_CLIENT] = { client_fits, REPORT_TRUSTED_FORWARDER },
		[MAIL_PATH_LIST] = { list_fits, REPORT_MAILING_LIST },
	};

	for (size_t i = 0; i < policy->n_paths; i++) {
		const struct mail_path *p = &policy->paths[i];

		if (kinds[p->kind].fits == NULL || !kinds[p->kind].fits(p, in))
			continue;
		*ret = (struct report_reason){ kinds[p->kind].type, p->comment };
		return 1;
	}
	return chain_find(policy, in, pool, ret);
}

int
policy_indirect_find(const struct mail_policy_in *in, struct pool *pool, struct report_reason *ret)
{
	if (list_id(in->judge->head).n > 0) {
		*ret = (struct report_reason){ REPORT_MAILING_LIST, SV("it has a List-Id") };
		return 1;
	}
	if (in->out->arc.result != MAIL_PASS)
		return 0;
	*ret = (struct report_reason){ REPORT_LOCAL_POLICY, chain_text(in, pool) };
	return ret->comment.p == NULL ? -ENOMEM : 1;
}
