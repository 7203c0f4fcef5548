/* Results as values: methods and what the registry knows of them. */
#include <errno.h>

#include "base/err.h"
#include "mail/authres.h"

#define R(r)	(1u << MAIL_##r)
#define ERRORS	(R(TEMPERROR) | R(PERMERROR))

/*
 * "Email Authentication Methods" and "Email Authentication Result Names", version 1: RFC 8601
 * sections 2.7.1 to 2.7.4, RFC 9989, RFC 8617 section 10.1.
 */
static const struct {
	const char	*name;
	unsigned	 results;
} methods[AUTHRES_METHOD_MAX] = {
	[AUTHRES_SPF] = { "spf", R(NONE) | R(PASS) | R(FAIL) | R(SOFTFAIL) | R(POLICY) | R(NEUTRAL) | ERRORS },
	[AUTHRES_DKIM] = { "dkim", R(NONE) | R(PASS) | R(FAIL) | R(POLICY) | R(NEUTRAL) | ERRORS },
	[AUTHRES_DMARC] = { "dmarc", R(NONE) | R(PASS) | R(FAIL) | ERRORS },
	[AUTHRES_ARC] = { "arc", R(NONE) | R(PASS) | R(FAIL) },
	[AUTHRES_IPREV] = { "iprev", R(PASS) | R(FAIL) | ERRORS },
	[AUTHRES_AUTH] = { "auth", R(NONE) | R(PASS) | R(FAIL) | ERRORS },
	[AUTHRES_OTHER] = { "", 0 },
};

/* "Email Authentication Property Types" */
static const char *const types[] = { "body", "header", "policy", "smtp" };

const char *
authres_method_name(enum authres_method m)
{
	return m < AUTHRES_METHOD_MAX ? methods[m].name : "";
}

void
authres_init(struct authres *a, struct pool *pool, struct sv id)
{
	*a = (struct authres){ .id = id, .pool = pool };
	a->end = &a->results;
}

int
authres_add(struct authres *a, enum authres_method m, enum mail_result result, struct authres_result **ret)
{
	struct authres_result *r;

	if (a->n == AUTHRES_RESULTS_MAX)
		return SE_LIMIT;
	r = pool_alloc(a->pool, sizeof(*r));
	if (r == NULL)
		return -ENOMEM;
	*r = (struct authres_result){ .method = m, .method_name = sv_str(authres_method_name(m)), .version = 1,
	    .result = result, .word = sv_str(mail_result_name(result)) };
	r->properties_end = &r->properties;
	*a->end = r;
	a->end = &r->next;
	a->n++;
	*ret = r;
	return 0;
}

int
authres_property_add(struct authres *a, struct authres_result *r, const char *type, const char *name,
    struct sv value)
{
	struct authres_property *p = pool_alloc(a->pool, sizeof(*p));

	if (p == NULL)
		return -ENOMEM;
	*p = (struct authres_property){ .ptype = sv_str(type), .name = sv_str(name), .value = value };
	*r->properties_end = p;
	r->properties_end = &p->next;
	return 0;
}

static bool
type_is_known(struct sv type)
{
	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if (sv_caseeq(type, sv_str(types[i])))
			return true;
	return false;
}

/*
 * "MUST ignore any result reported using a "result" not specified in the IANA "Result Code"
 * registry or a "ptype" not listed in the "Email Authentication Property Types" registry"
 * (RFC 8601 section 4.1).
 */
static bool
may_decide(const struct authres_result *r)
{
	if (r->version != 1 || r->result >= MAIL_RESULT_MAX || !(methods[r->method].results & 1u << r->result))
		return false;
	for (const struct authres_property *p = r->properties; p != NULL; p = p->next)
		if (!type_is_known(p->ptype))
			return false;
	return true;
}

const struct authres_result *
authres_find(const struct authres *a, enum authres_method m, const struct authres_result *behind)
{
	for (const struct authres_result *r = behind == NULL ? a->results : behind->next; r != NULL; r = r->next)
		if (r->method == m && may_decide(r))
			return r;
	return NULL;
}

struct sv
authres_property_find(const struct authres_result *r, const char *type, const char *name)
{
	for (const struct authres_property *p = r->properties; p != NULL; p = p->next)
		if (sv_caseeq(p->ptype, sv_str(type)) && sv_caseeq(p->name, sv_str(name)))
			return p->value;
	return (struct sv){ NULL, 0 };
}
