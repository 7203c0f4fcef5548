/* Who delivers; see app/mail_via.h. */
#include <errno.h>
#include <stdio.h>

#include "app/mail_via.h"
#include "base/ip.h"

#define PORT	"25"

/* Letters of a name or of an address of version 4: nothing that means more in a URL. */
static bool
is_name(struct sv s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if ((c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') &&
		    c != '-' && c != '.' && c != '_')
			return false;
	}
	return s.n > 0;
}

/* "[2001:db8::1]" */
static bool
is_v6(struct sv s)
{
	struct ip_prefix px;

	return s.n > 2 && s.p[0] == '[' && s.p[s.n - 1] == ']' &&
	    ip_prefix_parse_host((struct sv){ s.p + 1, s.n - 2 }, &px) == 0 && px.af == IP_V6;
}

static int
server_parse(struct sv s, struct mail_via *ret)
{
	size_t colon = sv_rfind(s, ':');
	struct sv port = SV(PORT);
	uint32_t n;

	if (colon < s.n && s.p[s.n - 1] != ']') {
		port = sv_skip(s, colon + 1);
		s = sv_take(s, colon);
	}
	if ((!is_name(s) && !is_v6(s)) || num_u32(port, 1, UINT16_MAX, &n) < 0)
		return -EINVAL;
	(void)snprintf(ret->where, sizeof(ret->where), "%.*s:%u", SV_ARG(s), n);
	return 0;
}

int
mail_via_parse(struct sv s, struct mail_via *ret)
{
	struct sv kind = sv_cut(&s, ':');

	if (s.n == 0 || s.n >= MAIL_VIA_MAX - sizeof(":65535") || !sv_graphic(s))
		return -EINVAL;
	ret->is_smtp = sv_eq(kind, SV("smtp"));
	if (ret->is_smtp && sv_starts(s, SV("//")))
		return server_parse(sv_skip(s, 2), ret);
	if (!sv_eq(kind, SV("sendmail")) || s.p[0] != '/')
		return -EINVAL;
	(void)snprintf(ret->where, sizeof(ret->where), "%.*s", SV_ARG(s));
	return 0;
}
