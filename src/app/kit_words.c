/* The gate for what comes from the command line into a router's language. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "app/kit_internal.h"

#define WORD_MAX	128	/* a path; the vendors allow 255 and more */

static bool
is_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool
kit_word_ok(const char *s)
{
	size_t n = strlen(s);

	if (n == 0 || n > WORD_MAX || s[0] == '-')
		return false;
	for (size_t i = 0; i < n; i++)
		if (!is_alnum(s[i]) && strchr("._/+-", s[i]) == NULL)
			return false;
	return true;
}

static bool
is_loopback(const struct ip_prefix *p)
{
	static const uint8_t one[16] = { [15] = 1 };

	return p->af == IP_V4 ? p->addr[0] == 127 : memcmp(p->addr, one, 16) == 0;
}

/* Cuts the port off; an IPv6 address without brackets has none. */
static int
port_cut(struct sv *s, uint16_t *ret)
{
	size_t at = sv_rfind(*s, ':');
	uint32_t v;

	*ret = 0;
	if (s->n > 0 && s->p[0] == '[') {
		size_t end = sv_find(*s, ']');
		struct sv rest = sv_skip(*s, end + 1);

		if (end == s->n || (rest.n > 0 && rest.p[0] != ':'))
			return -EINVAL;
		*s = sv_skip(sv_take(*s, end), 1);
		if (rest.n == 0)
			return 0;
		if (num_u32(sv_skip(rest, 1), 1, 65535, &v) < 0)
			return -EINVAL;
	} else {
		if (at == s->n || sv_find(*s, ':') != at)
			return 0;
		if (num_u32(sv_skip(*s, at + 1), 1, 65535, &v) < 0)
			return -EINVAL;
		*s = sv_take(*s, at);
	}
	*ret = (uint16_t)v;
	return 0;
}

int
kit_host_parse(struct sv s, struct kit_host *ret)
{
	struct kit_host h = { 0 };
	struct ip_prefix p;
	int rc = port_cut(&s, &h.port);

	if (rc == 0 && sv_find(s, '/') < s.n)
		rc = -EINVAL;
	if (rc == 0)
		rc = ip_prefix_parse_host(s, &p);
	if (rc < 0)
		return -EINVAL;
	/* Printed anew: what stands in the configuration is never the input. */
	(void)ip_addr_str(p.addr, p.af, h.addr);
	h.af = p.af;
	h.loopback = is_loopback(&p);
	*ret = h;
	return 0;
}

static const char *const policies[KIT_POLICY_MAX] = {
	[KIT_OBSERVE] = "observe",
	[KIT_PREFER] = "prefer",
	[KIT_DROP] = "drop",
};

bool
kit_policy_parse(struct sv s, enum kit_policy *ret)
{
	for (unsigned i = 0; i < KIT_POLICY_MAX; i++)
		if (sv_eq_str(s, policies[i])) {
			*ret = (enum kit_policy)i;
			return true;
		}
	return false;
}

const char *
kit_policy_name(enum kit_policy p)
{
	return policies[p];
}
