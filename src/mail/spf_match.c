/* Does a mechanism match (RFC 7208 section 5)? One function each; "include" is in spf_check.c. */
#include "mail/spf_internal.h"

#include <errno.h>

#include "base/rd.h"

struct match {
	struct spf_eval		*ev;
	const struct spf_frame	*frame;
	const struct spf_term	*term;
	struct spf_step		*step;
	struct spf_match	*ret;
};

static int
matched(struct match *m, bool is_match)
{
	m->ret->outcome = is_match ? SPF_STEP_MATCH : SPF_STEP_NO;
	return 0;
}

static int
failed(struct match *m, enum mail_result error, const char *why)
{
	m->ret->outcome = SPF_STEP_ERROR;
	m->ret->error = error;
	m->step->why = why;
	return 0;
}

/* No answer for the name. */
static int
unanswered(struct match *m, struct sv name, const char *why)
{
	spf_failure_add(m->ev, name);
	return failed(m, MAIL_TEMPERROR, why);
}

/* --- addresses --- */

uint16_t
spf_address_type(const struct spf_eval *ev)
{
	return ev->client.af == IP_V4 ? RR_A : RR_AAAA;
}

bool
spf_address_find(const struct spf_eval *ev, const struct mail_answer *a, unsigned len)
{
	struct ip_prefix px = { .af = ev->client.af, .len = (uint8_t)len };
	size_t n = ip_bits(px.af) / 8;

	if (a->rcode != MAIL_DNS_FOUND)
		return false;
	for (size_t i = 0; i < a->n; i++) {
		if (a->rdata[i].n != n)
			continue;
		memcpy(px.addr, a->rdata[i].p, n);
		ip_mask(px.addr, len);
		if (ip_prefix_covers(&px, &ev->client))
			return true;
	}
	return false;
}

static unsigned
term_len(const struct match *m)
{
	return m->ev->client.af == IP_V4 ? m->term->len4 : m->term->len6;
}

/* --- questions of a term --- */

/*
 * The name that the term speaks of (section 4.8). *ret.len is 0: it has no form in the DNS, or
 * can match nothing. 0; MAIL_WAIT; -ENOMEM.
 */
static int
target_find(struct match *m, struct dname *ret)
{
	int rc;

	*ret = m->frame->name;
	m->step->asked = m->frame->domain;
	if (m->term->domain.n == 0)
		return 0;
	if ((rc = spf_expand_domain(m->ev, m->frame, m->term->domain, &m->step->asked)) != 0)
		return rc;
	if (m->step->asked.n == 0 || mail_name(m->step->asked, ret) < 0) {
		m->step->why = N_("no name that can be asked for");
		ret->len = 0;
	}
	return 0;
}

/* Asks for it; *ret is NULL where there is no name. */
static int
target_ask(struct match *m, uint16_t type, const struct mail_answer **ret)
{
	struct dname name;
	int rc = target_find(m, &name);

	*ret = NULL;
	if (rc != 0 || name.len == 0)
		return rc;
	if ((rc = spf_ask(m->ev, &name, type, ret)) != 0)
		return rc;
	m->step->type = type;
	m->step->rcode = (*ret)->rcode;
	if ((*ret)->rcode == MAIL_DNS_NODATA || (*ret)->rcode == MAIL_DNS_NXDOMAIN)
		m->ret->is_void = true;
	return 0;
}

/* --- mechanisms --- */

static int
all_match(struct match *m)
{
	return matched(m, true);
}

static int
network_match(struct match *m)
{
	return matched(m, ip_prefix_covers(&m->term->network, &m->ev->client));
}

static int
a_match(struct match *m)
{
	const struct mail_answer *a;
	int rc = target_ask(m, spf_address_type(m->ev), &a);

	if (rc != 0)
		return rc;
	if (a == NULL)
		return matched(m, false);
	if (a->rcode == MAIL_DNS_FAILED)
		return unanswered(m, m->step->asked, NULL);
	return matched(m, spf_address_find(m->ev, a, term_len(m)));
}

/* Section 5.7: "The lookup type is A even when the connection type is IPv6." */
static int
exists_match(struct match *m)
{
	const struct mail_answer *a;
	int rc = target_ask(m, RR_A, &a);

	if (rc != 0)
		return rc;
	if (a == NULL)
		return matched(m, false);
	if (a->rcode == MAIL_DNS_FAILED)
		return unanswered(m, m->step->asked, NULL);
	return matched(m, a->rcode == MAIL_DNS_FOUND);
}

/* The host of an MX; false for the root, which says "no mail" (RFC 7505). */
static bool
mx_host(struct sv rdata, struct dname *ret)
{
	struct rd r = rd_sv(rdata);

	(void)rd_be16(&r);
	*ret = DNAME_ROOT;
	dname_rd(&r, ret);
	return rd_done(&r) && ret->len > 1;
}

/* All hosts at once, so that their answers come together. */
static int
hosts_ask(struct match *m, const struct mail_answer *mx)
{
	const struct mail_answer *a;
	struct dname host;
	int wait = 0;

	for (size_t i = 0; i < mx->n; i++)
		if (mx_host(mx->rdata[i], &host))
			wait |= spf_ask(m->ev, &host, spf_address_type(m->ev), &a);
	return wait;
}

static int
hosts_match(struct match *m, const struct mail_answer *mx)
{
	struct dname dead = { .len = 0 };

	for (size_t i = 0; i < mx->n; i++) {
		const struct mail_answer *a = NULL;
		struct dname host;
		int rc;

		if (!mx_host(mx->rdata[i], &host))
			continue;
		if ((rc = spf_ask(m->ev, &host, spf_address_type(m->ev), &a)) != 0)
			return rc;
		if (spf_address_find(m->ev, a, term_len(m))) {
			m->step->found = spf_name_text(m->ev, &host);
			return matched(m, true);
		}
		if (a->rcode == MAIL_DNS_FAILED)
			dead = host;
		m->ret->is_void |= a->rcode == MAIL_DNS_NODATA || a->rcode == MAIL_DNS_NXDOMAIN;
	}
	if (dead.len > 0)
		return unanswered(m, spf_name_text(m->ev, &dead),
		    N_("the addresses of a mail host are not known"));
	return matched(m, false);
}

static int
mx_match(struct match *m)
{
	const struct mail_answer *mx;
	int rc = target_ask(m, RR_MX, &mx);

	if (rc != 0)
		return rc;
	if (mx == NULL || mx->rcode == MAIL_DNS_NODATA || mx->rcode == MAIL_DNS_NXDOMAIN)
		return matched(m, false);
	if (mx->rcode == MAIL_DNS_FAILED)
		return unanswered(m, m->step->asked, NULL);
	if (mx->n > SPF_NAMES_MAX) {
		finding_add(m->ev->fs, &spf_findings[SPF_MX_MANY], FA_SV("name", m->step->asked),
		    FA_U("count", mx->n), FA_U("limit", SPF_NAMES_MAX));
		return failed(m, MAIL_PERMERROR, N_("too many mail hosts"));
	}
	if ((rc = hosts_ask(m, mx)) != 0)
		return rc;
	return hosts_match(m, mx);
}

static int
ptr_match(struct match *m)
{
	const struct mail_answer *ptr = NULL;
	struct dname target, name;
	int rc = target_find(m, &target);

	if (rc != 0)
		return rc;
	if (target.len == 0)
		return matched(m, false);
	if ((rc = spf_ptr_match(m->ev, &target, &ptr, &name)) != 0)
		return rc;
	m->step->type = RR_PTR;
	m->step->rcode = ptr->rcode;
	m->ret->is_void = ptr->rcode == MAIL_DNS_NODATA || ptr->rcode == MAIL_DNS_NXDOMAIN;
	if (name.len > 0)
		m->step->found = spf_name_text(m->ev, &name);
	return matched(m, name.len > 0);
}

static int (*const matches[SPF_MECHANISM_MAX])(struct match *) = {
	[SPF_ALL] = all_match,
	[SPF_A] = a_match,
	[SPF_MX] = mx_match,
	[SPF_PTR] = ptr_match,
	[SPF_IP4] = network_match,
	[SPF_IP6] = network_match,
	[SPF_EXISTS] = exists_match,
};

int
spf_match(struct spf_eval *ev, const struct spf_frame *frame, const struct spf_term *term,
    struct spf_step *step, struct spf_match *ret)
{
	struct match m = { ev, frame, term, step, ret };

	*ret = (struct spf_match){ .outcome = SPF_STEP_NO };
	return matches[term->mechanism](&m);
}
