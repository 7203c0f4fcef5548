/*
 * Names of the client that its own addresses confirm (RFC 7208 section 5.5): PTR, and for each
 * of the first ten names its addresses. "ptr" needs those at or below a domain, and only those
 * are asked for; %{p} takes any.
 *
 * A client chooses its PTR, so nothing that is found here is an error of the domain's owner: what
 * fails is passed over ("If a DNS error occurs while doing the PTR RR lookup, then this mechanism
 * fails to match. If a DNS error occurs while doing an A RR lookup, then that domain name is
 * skipped").
 */
#include "mail/spf_internal.h"

#include <errno.h>
#include <stdio.h>

#include "base/rd.h"

/* d.c.b.a.in-addr.arpa, or nibbles below ip6.arpa. */
static struct dname
reverse_name(const struct ip_prefix *px)
{
	static const char hex[] = "0123456789abcdef";
	const uint8_t *a = px->addr;
	struct dname name = DNAME_ROOT;
	char text[80];
	size_t n = 0;

	if (px->af == IP_V4) {
		(void)snprintf(text, sizeof(text), "%u.%u.%u.%u.in-addr.arpa", a[3], a[2], a[1],
		    a[0]);
	} else {
		for (unsigned i = 16; i-- > 0;) {
			text[n++] = hex[a[i] & 15];
			text[n++] = '.';
			text[n++] = hex[a[i] >> 4];
			text[n++] = '.';
		}
		memcpy(text + n, "ip6.arpa", sizeof("ip6.arpa"));
	}
	if (mail_name(sv_str(text), &name) < 0)		/* it always is one */
		return DNAME_ROOT;
	return name;
}

static bool
name_read(struct sv rdata, struct dname *ret)
{
	struct rd r = rd_sv(rdata);

	*ret = DNAME_ROOT;
	dname_rd(&r, ret);
	return rd_done(&r) && ret->len > 1;
}

/* Section 4.6.4: "all records other than the first 10 MUST be ignored". */
static size_t
names_count(const struct mail_answer *ptr)
{
	return ptr->rcode == MAIL_DNS_FOUND ? min_size(ptr->n, SPF_NAMES_MAX) : 0;
}

/* PTR, and the addresses of each name that is wanted: all at once. */
static int
names_ask(struct spf_eval *ev, const struct dname *within, const struct mail_answer **ret)
{
	const struct mail_answer *ptr, *address;
	struct dname name = reverse_name(&ev->client);
	int rc = spf_ask(ev, &name, RR_PTR, &ptr), wait = 0;

	if (rc != 0)
		return rc;
	for (size_t i = 0; i < names_count(ptr); i++)
		if (name_read(ptr->rdata[i], &name) &&
		    (within == NULL || dname_within(&name, within)))
			wait |= spf_ask(ev, &name, spf_address_type(ev), &address);
	*ret = ptr;
	return wait;
}

/* How good a name is for %{p}: section 7.3 wants the domain, a name below it, any. */
static unsigned
name_rank(const struct dname *name, const struct dname *domain)
{
	if (domain->len == 0 || !dname_within(name, domain))
		return 1;
	return dname_eq(name, domain) ? 3 : 2;
}

/* The best name that an address confirms; the first of its rank. */
static int
best_find(struct spf_eval *ev, const struct dname *domain, bool is_within,
    const struct mail_answer **ret_first, struct dname *ret)
{
	const struct mail_answer *ptr = NULL, *address = NULL;
	unsigned best = is_within ? 1 : 0;	/* a name elsewhere is none */
	int rc = names_ask(ev, is_within ? domain : NULL, &ptr);

	if (rc != 0)
		return rc;
	*ret = (struct dname){ .len = 0 };
	*ret_first = ptr;
	for (size_t i = 0; i < names_count(ptr); i++) {
		struct dname name;
		unsigned rank;

		if (!name_read(ptr->rdata[i], &name) || (rank = name_rank(&name, domain)) <= best)
			continue;
		if ((rc = spf_ask(ev, &name, spf_address_type(ev), &address)) != 0)
			return rc;
		if (!spf_address_find(ev, address, ip_bits(ev->client.af)))
			continue;
		best = rank;
		*ret = name;
	}
	return 0;
}

int
spf_ptr_match(struct spf_eval *ev, const struct dname *domain, const struct mail_answer **ret_first,
    struct dname *ret_name)
{
	return best_find(ev, domain, true, ret_first, ret_name);
}

int
spf_ptr_name(struct spf_eval *ev, const struct spf_frame *frame, struct sv *ret)
{
	const struct mail_answer *first;
	struct dname name;
	int rc = best_find(ev, &frame->name, false, &first, &name);

	if (rc != 0)
		return rc;
	*ret = name.len == 0 ? SV("unknown") : spf_name_text(ev, &name);
	return ret->p == NULL ? -ENOMEM : 0;
}
