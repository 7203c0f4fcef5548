/*
 * The addresses of the envelope (RFC 5321 section 4.1.2). A server has read them already, and
 * what matters here is the domain: the local part may be what that server took.
 */
#include <errno.h>

#include "mail/message.h"

/* A source route "MUST BE accepted" and "SHOULD be ignored": @a,@b:c@d is c@d. */
static struct sv
route_skip(struct sv text)
{
	if (!sv_starts(text, SV("@")))
		return text;
	return sv_skip(text, sv_find(text, ':') + 1);
}

static bool
local_is_good(struct sv s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < ' ' || s.p[i] == 0x7f)
			return false;
	return s.n > 0;
}

/* Without its quotes; .p is NULL without memory. */
static struct sv
local_unquote(struct pool *pool, struct sv s)
{
	char *p = pool_alloc(pool, s.n);
	size_t n = 0;

	if (p == NULL)
		return (struct sv){ NULL, 0 };
	for (size_t i = 1; i + 1 < s.n; i++) {
		if (s.p[i] == '\\' && i + 2 < s.n)
			i++;
		p[n++] = s.p[i];
	}
	return (struct sv){ p, n };
}

int
mail_envelope(struct pool *pool, struct sv text, struct mail_address *ret)
{
	struct mail_address a = { .display = { NULL, 0 } };
	size_t at;
	int rc;

	if (text.n == 0)
		return -ENOENT;
	text = route_skip(text);
	at = sv_rfind(text, '@');
	a.local = sv_take(text, at);
	a.domain = sv_skip(text, at + 1);
	if (!local_is_good(a.local))
		return -EINVAL;
	if ((rc = mail_domain(a.domain, &a.name)) < 0)
		return rc;
	if (a.local.n > 1 && a.local.p[0] == '"' && a.local.p[a.local.n - 1] == '"') {
		a.local = local_unquote(pool, a.local);
		if (a.local.p == NULL)
			return -ENOMEM;
	}
	*ret = a;
	return 0;
}
