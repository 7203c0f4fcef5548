/* Addresses for reports: RFC 9989 section 4.6, RFC 3986, RFC 6068. */
#include <errno.h>

#include "mail/dmarc_internal.h"
#include "mail/message.h"

static bool
octet_is(char c, const char *marks)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
	    (c != '\0' && strchr(marks, c) != NULL);
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

/* At a "%": the octet that it stands for, or -1. */
static int
percent_at(struct sv s, size_t i)
{
	int hi, lo;

	if (s.n - i < 3)
		return -1;
	hi = hex_digit(s.p[i + 1]);
	lo = hex_digit(s.p[i + 2]);
	return hi < 0 || lo < 0 ? -1 : hi << 4 | lo;
}

/*
 * RFC 3986's octets behind the scheme; "commas (ASCII 0x2C) and exclamation points (ASCII
 * 0x21) MUST be encoded" (RFC 9989 section 4.8).
 */
static bool
uri_octets(struct sv s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] == '%' ? percent_at(s, i) < 0 : !octet_is(s.p[i], "-._~:/?#[]@$&'()*+="))
			return false;
	return true;
}

/* The scheme is cut off. .n is 0: there is none. */
static struct sv
scheme_cut(struct sv *s)
{
	struct sv scheme = sv_take(*s, sv_find(*s, ':'));

	if (scheme.n == s->n || scheme.n == 0 || !octet_is(scheme.p[0], "") ||
	    (scheme.p[0] >= '0' && scheme.p[0] <= '9'))
		return (struct sv){ NULL, 0 };
	for (size_t i = 0; i < scheme.n; i++)
		if (!octet_is(scheme.p[i], "+-."))
			return (struct sv){ NULL, 0 };
	*s = sv_skip(*s, scheme.n + 1);
	return scheme;
}

/* RFC 7489's "!10m" behind a URI is cut off: "reporters should ignore" it (RFC 9989 section 4.8). */
static bool
size_cut(struct sv *s)
{
	size_t at = sv_rfind(*s, '!'), n;
	struct sv size = sv_skip(*s, at + 1);
	uint64_t value;

	if (at == s->n || size.n == 0)
		return false;
	n = octet_is(size.p[size.n - 1], "") && hex_digit(size.p[size.n - 1]) < 0 ? size.n - 1 : size.n;
	if (n < size.n && strchr("kmgtKMGT", size.p[n]) == NULL)
		return false;
	if (num_u64(sv_take(size, n), 0, UINT64_MAX, &value) < 0)
		return false;
	*s = sv_take(*s, at);
	return true;
}

static struct sv
percent_decode(struct pool *pool, struct sv s)
{
	char *p = pool_alloc(pool, s.n + 1);
	size_t n = 0;

	if (p == NULL)
		return (struct sv){ NULL, 0 };
	for (size_t i = 0; i < s.n; i++) {
		int c = s.p[i] == '%' ? percent_at(s, i) : s.p[i];

		if (s.p[i] == '%')
			i += 2;
		p[n++] = (char)c;
	}
	return (struct sv){ p, n };
}

/* A dot-atom of RFC 5321: what else stands there would need quotes, and may be meant to fool a mailer. */
static bool
local_ok(struct sv s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!octet_is(s.p[i], "!#$%&'*+-/=?^_`{|}~.") ||
		    (s.p[i] == '.' && (i == 0 || i + 1 == s.n || s.p[i - 1] == '.')))
			return false;
	return s.n > 0 && s.p[0] != '-';	/* some mailer's option */
}

static bool
octets_ascii(struct sv s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!octet_is(s.p[i], "-._"))
			return false;
	return true;
}

/* U-labels come as UTF-8 in percent (RFC 6068 section 2); A-labels are what a report is sent to. */
static int
domain_read(struct pool *pool, struct dmarc_uri *u)
{
	int rc;

	if (sv_ends(u->domain, SV(".")))
		u->domain.n--;		/* SMTP has none */
	if (sv_ends(u->domain, SV(".")))
		return -EINVAL;
	if (octets_ascii(u->domain))
		return mail_name(u->domain, &u->name);
	if ((rc = mail_domain(u->domain, &u->name)) < 0)
		return rc;
	u->domain = mail_name_text(pool, &u->name);
	return u->domain.p == NULL ? -ENOMEM : 0;
}

/* 0; -EINVAL; -ENOMEM. Fields behind "?" (a subject, a body) are left off: reports have their own. */
static int
mailto_parse(struct pool *pool, struct sv s, struct dmarc_uri *ret)
{
	struct sv address = percent_decode(pool, sv_take(s, sv_find(s, '?')));
	size_t at = sv_rfind(address, '@');
	struct dmarc_uri u = { .local = sv_take(address, at), .domain = sv_skip(address, at + 1) };
	int rc;

	if (address.p == NULL)
		return -ENOMEM;
	if (at == address.n || !local_ok(u.local))
		return -EINVAL;
	if ((rc = domain_read(pool, &u)) < 0)
		return rc;
	*ret = u;
	return 0;
}

/* 1: it is in *ret; 0: it is well-formed, and not ours; -EINVAL; -ENOMEM. */
static int
uri_parse(struct pool *pool, struct sv tag, struct sv text, struct findings *fs, struct dmarc_uri *ret)
{
	struct sv s = text, scheme;
	int rc;

	if (size_cut(&s))
		finding_add(fs, &dmarc_findings[DMARC_URI_SIZE], FA_SV("tag", tag), FA_SV("uri", text));
	scheme = scheme_cut(&s);
	if (scheme.n == 0 || !uri_octets(s))
		return -EINVAL;
	if (!sv_caseeq(scheme, SV("mailto"))) {
		finding_add(fs, &dmarc_findings[DMARC_URI_SCHEME], FA_SV("tag", tag), FA_SV("uri", text));
		return 0;
	}
	rc = mailto_parse(pool, s, ret);
	return rc < 0 ? rc : 1;
}

int
dmarc_uris_parse(struct pool *pool, struct sv tag, struct sv list, struct findings *fs,
    struct dmarc_uri **ret, size_t *ret_n, bool *ret_is_uri)
{
	struct dmarc_uri *u = pool_calloc(pool, DMARC_URIS_MAX, sizeof(*u));
	bool is_uri = false;
	size_t n = 0;

	if (u == NULL)
		return -ENOMEM;
	for (size_t i = 0, more = 1; more; i++) {
		more = sv_find(list, ',') < list.n;
		struct sv text = sv_trim(sv_cut(&list, ','));
		int rc;

		if (i == DMARC_URIS_MAX) {
			finding_add(fs, &dmarc_findings[DMARC_URIS_MANY], FA_SV("tag", tag),
			    FA_U("limit", DMARC_URIS_MAX));
			break;
		}
		rc = uri_parse(pool, tag, text, fs, &u[n]);
		if (rc == -ENOMEM)
			return rc;
		if (rc < 0)
			finding_add(fs, &dmarc_findings[DMARC_URI_BAD], FA_SV("tag", tag), FA_SV("uri", text));
		is_uri |= rc >= 0;
		n += rc > 0;
	}
	*ret = u;
	*ret_n = n;
	*ret_is_uri = is_uri;
	return 0;
}
