/* What was found, as results of RFC 8601 section 2.7: see mail/judge.h. */
#include <errno.h>

#include "base/base64.h"
#include "mail/judge.h"

#define B_OCTETS	6	/* of a signature: eight letters (RFC 6008 section 4) */

struct saying {
	const struct mail_judge		*j;
	const struct mail_judge_in	*in;
	const struct mail_judge_out	*out;
	struct pool			*pool;
	struct authres			*to;
};

static int
property(struct saying *s, struct authres_result *r, const char *type, const char *name,
    struct sv value)
{
	if (value.p == NULL)
		return -ENOMEM;
	return authres_property_add(s->to, r, type, name, value);
}

/* Sections 2.7.2: the sender as it was given, or HELO. */
static int
spf_say(struct saying *s, const struct spf_out *spf)
{
	bool helo = spf->identity == SPF_HELO;
	struct authres_result *r;
	int rc = authres_add(s->to, AUTHRES_SPF, spf->result, &r);

	if (rc < 0)
		return rc;
	return property(s, r, "smtp", helo ? "helo" : "mailfrom", helo ? spf->domain : s->in->sender);
}

static struct sv
b_text(struct pool *pool, struct sv b)
{
	char text[B_OCTETS / 3 * 4 + 4];
	size_t n = base64_encode(text, b.p, min_size(b.n, B_OCTETS));

	return pool_sv(pool, (struct sv){ text, n });
}

/* Section 2.7.1; header.s and header.a: RFC 8601's registry, header.b: RFC 6008. */
static int
dkim_say(struct saying *s, const struct dkim_verdict *v)
{
	const struct dkim_sig *sig = v->sig;
	struct authres_result *r;
	int rc = authres_add(s->to, AUTHRES_DKIM, v->result, &r);

	if (rc == 0 && sig->domain.n > 0)
		rc = property(s, r, "header", "d", sig->domain);
	if (rc == 0 && sig->selector.n > 0)
		rc = property(s, r, "header", "s", sig->selector);
	if (rc == 0 && sig->alg != DKIM_NO_ALG)
		rc = property(s, r, "header", "a", sv_str(dkim_alg_name(sig->alg)));
	if (rc == 0 && sig->b.n > 0)
		rc = property(s, r, "header", "b", b_text(s->pool, sig->b));
	return rc;
}

static int
arc_say(struct saying *s)
{
	char text[IP_ADDR_STRLEN];
	struct sv client = { NULL, 0 };

	if (s->in->has_client) {
		(void)ip_addr_str(s->in->client.addr, s->in->client.af, text);
		if ((client = pool_sv(s->pool, sv_str(text))).p == NULL)
			return -ENOMEM;
	}
	return arc_verdict_add(s->to, &s->out->arc, client);
}

/* RFC 9989: header.from is the author's domain; policy.dmarc what is asked for. */
static int
dmarc_say(struct saying *s)
{
	const struct dmarc_out *d = &s->out->dmarc;
	struct authres_result *r;
	int rc = authres_add(s->to, AUTHRES_DMARC, d->now.result, &r);

	if (rc == 0 && d->now.author != NULL)
		rc = property(s, r, "header", "from", mail_name_text(s->pool, &d->now.author->name));
	if (rc == 0 && d->now.result == MAIL_FAIL)
		rc = property(s, r, "policy", "dmarc", sv_str(dmarc_policy_name(d->now.disposition)));
	return rc;
}

int
mail_judge_say(const struct mail_judge *j, const struct mail_judge_in *in,
    const struct mail_judge_out *out, struct sv id, struct pool *pool, struct authres *ret)
{
	struct saying s = { j, in, out, pool, ret };
	struct authres_result *none;
	int rc = 0;

	authres_init(ret, pool, id);
	if (out->has_spf)
		rc = spf_say(&s, &out->spf);
	if (rc == 0 && out->has_helo)
		rc = spf_say(&s, &out->helo);
	for (size_t i = 0; rc == 0 && i < out->n_dkim; i++)
		rc = dkim_say(&s, &out->dkim[i]);
	if (rc == 0 && out->n_dkim == 0)
		rc = authres_add(ret, AUTHRES_DKIM, out->is_too_much ? MAIL_PERMERROR : MAIL_NONE, &none);
	if (rc == 0 && j->arc.is_there && !out->is_too_much)
		rc = arc_say(&s);
	return rc < 0 ? rc : dmarc_say(&s);
}
