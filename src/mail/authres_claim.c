/* Whose a field is: what its authserv-id says to every reader (RFC 8601 section 5). */
#include "mail/authres_internal.h"
#include "mail/message.h"

/* Up to the first octet that no host's name has: what some put behind is theirs (section 2.5). */
static struct sv
host_part(struct sv id)
{
	for (size_t i = 0; i < id.n; i++)
		if (memchr("/:;@, \t\r\n", id.p[i], 9) != NULL)
			return sv_take(id, i);
	return id;
}

static struct sv
no_final_dot(struct sv s)
{
	while (sv_ends(s, SV(".")))
		s.n--;
	return s;
}

static bool
is_ours(struct sv id, struct sv ours)
{
	bool below = ours.n > 1 && ours.p[0] == '.';
	struct dname a, b;

	ours = no_final_dot(sv_skip(ours, below));
	if (!below && sv_caseeq(id, ours))
		return true;
	if (mail_domain(id, &a) < 0 || mail_domain(ours, &b) < 0)
		return false;
	return below ? dname_within(&a, &b) : dname_eq(&a, &b);
}

/* Full-width letters and the like: a program that maps them as UTS 46 does may read ours. */
static bool
is_doubtful(struct sv id)
{
	struct dname name;

	return !sv_ascii(id) && mail_domain(id, &name) < 0;
}

struct sv
authres_lex_identifier(struct authres_lex *l, struct sv *ret_version)
{
	struct sv id;
	bool apart;

	(void)authres_lex_blank(l);
	id = authres_lex_value(l);
	if (id.n == 0)
		authres_lex_fail(l, AUTHRES_ID);
	apart = authres_lex_blank(l);
	*ret_version = authres_lex_run(l, AUTHRES_DIGIT);
	if (ret_version->n > 0 && !apart)
		authres_lex_fail(l, AUTHRES_ID);
	(void)authres_lex_blank(l);
	if (!authres_lex_is(l, ';'))
		authres_lex_fail(l, AUTHRES_ID);
	return id;
}

bool
authres_version_is_known(struct sv v)
{
	uint32_t n;

	return v.n == 0 || num_u32(v, 1, 1, &n) == 0;
}

enum authres_claim
authres_claim(struct pool *pool, struct sv value, const struct sv *ours, size_t n_ours)
{
	struct authres_lex l;
	struct sv id, version;

	authres_lex_init(&l, pool, value);
	id = authres_lex_identifier(&l, &version);
	if (l.bad != NULL || l.is_oom || !authres_is_clean(value))
		return AUTHRES_UNREADABLE;
	id = no_final_dot(host_part(id));
	for (size_t i = 0; i < n_ours; i++)
		if (is_ours(id, ours[i]))
			return AUTHRES_OURS;
	if (is_doubtful(id))
		return AUTHRES_UNREADABLE;
	return authres_version_is_known(version) ? AUTHRES_FOREIGN : AUTHRES_VERSIONED;
}
