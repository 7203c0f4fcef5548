/* Names of types and verdicts, URIs: what all of rpki/ uses. */
#include "rpki/internal.h"

const struct finding_def rpki_findings[RPKI_CODE_MAX] = {
#undef F
#define F FINDING_ROW_
#include "rpki/findings.def"
#undef F
};

static const struct {
	const char	*ext;
	const char	*name;
} types[RPKI_TYPE_MAX] = {
	[RPKI_CER] = { ".cer", "cer" },
	[RPKI_CRL] = { ".crl", "crl" },
	[RPKI_MFT] = { ".mft", "mft" },
	[RPKI_ROA] = { ".roa", "roa" },
	[RPKI_ASA] = { ".asa", "aspa" },
	[RPKI_GBR] = { ".gbr", "gbr" },
	[RPKI_TAK] = { ".tak", "tak" },
	[RPKI_SPL] = { ".spl", "spl" },
	[RPKI_RSC] = { ".sig", "rsc" },
	[RPKI_OTHER] = { "", "other" },
};

static const char *const verdicts[V_MAX] = {
	[V_VALID] = "valid",
	[V_REJECTED] = "rejected",
	[V_NOT_JUDGED] = "not_judged",
	[V_LOST] = "lost",
};

enum rpki_type
rpki_type_of(struct sv name)
{
	for (int t = 0; t < RPKI_OTHER; t++)
		if (sv_ends(name, sv_str(types[t].ext)))
			return (enum rpki_type)t;
	return RPKI_OTHER;
}

const char *
rpki_type_name(enum rpki_type t)
{
	return t < RPKI_TYPE_MAX ? types[t].name : "?";
}

const char *
rpki_verdict_name(enum rpki_verdict v)
{
	return v < V_MAX ? verdicts[v] : "?";
}

/*
 * Printable ASCII without what a shell, a terminal or a path would misread. A
 * table, as each octet of each listed file's URI is looked up here.
 */
static bool
uri_char(char c)
{
	static const bool good[256] = {
		['!'] = true,
		['$' ... '&'] = true,		/* not " and # */
		['(' ... ';'] = true,		/* not ' */
		['='] = true,			/* not < */
		['@' ... '['] = true,		/* not > and ? */
		[']' ... '_'] = true,		/* not \ */
		['a' ... '~'] = true,		/* not ` */
	};

	return good[(uint8_t)c];
}

/*
 * Every part between slashes is named and does not lead upwards or hide. One
 * slash may stand at the end.
 */
static bool
path_valid(struct sv path)
{
	unsigned parts = 0;

	while (path.n > 0) {
		struct sv part = sv_cut(&path, '/');

		if (part.n == 0 || part.p[0] == '.')
			return false;
		parts++;
	}
	return parts >= 2;
}

static bool
uri_valid(struct sv uri, struct sv scheme)
{
	if (uri.n > RPKI_URI_MAX || uri.n < scheme.n ||
	    !sv_caseeq(sv_take(uri, scheme.n), scheme))
		return false;
	for (size_t i = 0; i < uri.n; i++)
		if (!uri_char(uri.p[i]))
			return false;
	return path_valid(sv_skip(uri, scheme.n));
}

bool
rsync_uri_valid(struct sv uri)
{
	return uri_valid(uri, SV("rsync://"));
}

bool
https_uri_valid(struct sv uri)
{
	return uri_valid(uri, SV("https://"));
}

/* "host", "port" (443 if unsaid) of an https URI. */
static void
authority_cut(struct sv uri, struct sv *ret_host, struct sv *ret_port)
{
	struct sv rest = sv_skip(uri, SV("https://").n);

	rest = sv_take(rest, sv_find(rest, '/'));
	*ret_host = sv_take(rest, sv_rfind(rest, ':'));
	if (sv_find(sv_skip(rest, ret_host->n), ']') < rest.n - ret_host->n)
		*ret_host = rest;		/* "[2001:db8::1]": no port */
	*ret_port = sv_skip(rest, ret_host->n + 1);
	if (ret_port->n == 0)
		*ret_port = SV("443");
}

bool
https_same_origin(struct sv a, struct sv b)
{
	struct sv host_a, host_b, port_a, port_b;

	if (!https_uri_valid(a) || !https_uri_valid(b))
		return false;
	authority_cut(a, &host_a, &port_a);
	authority_cut(b, &host_b, &port_b);
	return sv_caseeq(host_a, host_b) && sv_eq(port_a, port_b);
}
