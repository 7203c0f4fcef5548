#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "app/vrps_bgpd.h"
#include "base/err.h"
#include "base/timefmt.h"

struct words {
	struct sv	 text;
	uint64_t	 line;
	struct sv	 now;		/* the word at hand; empty: the end */
};

static bool
is_mark(char c)
{
	return c == '{' || c == '}' || c == ',';
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* White space and comments. */
static void
blank_skip(struct words *w)
{
	bool comment = false;

	for (; w->text.n > 0; w->text = sv_skip(w->text, 1)) {
		char c = w->text.p[0];

		comment = c != '\n' && (comment || c == '#');
		if (!comment && !is_blank(c))
			return;
		w->line += c == '\n';
	}
}

/* A mark is a word of its own. */
static void
next(struct words *w)
{
	size_t n = 0;

	blank_skip(w);
	while (n < w->text.n && !is_blank(w->text.p[n]) && !is_mark(w->text.p[n]))
		n++;
	if (n == 0 && w->text.n > 0)
		n = 1;
	w->now = sv_take(w->text, n);
	w->text = sv_skip(w->text, n);
}

static bool
at(const struct words *w, const char *word)
{
	return sv_eq_str(w->now, word);
}

static bool
take(struct words *w, const char *word)
{
	if (!at(w, word))
		return false;
	next(w);
	return true;
}

static int
asn_take(struct words *w, uint32_t *ret)
{
	int rc = asn_parse(w->now, ret);

	next(w);
	return rc < 0 ? SE_SYNTAX : 0;
}

/* "expires N", if it stands there. */
static int
expires_take(struct words *w, int64_t *ret)
{
	uint64_t u;

	*ret = TIME_NEVER;
	if (!take(w, "expires"))
		return 0;
	if (num_u64(w->now, 0, INT64_MAX - 1, &u) < 0)
		return SE_SYNTAX;
	*ret = (int64_t)u;
	next(w);
	return 0;
}

/* Twice the room when it is full; nothing of it is lost on failure. */
static int
room(void **p, size_t n, size_t max, size_t size)
{
	void *q;

	if (n >= max)
		return SE_LIMIT;
	if ((n & (n - 1)) != 0)
		return 0;
	if ((q = reallocarray(*p, n == 0 ? 1 : 2 * n, size)) == NULL)
		return -ENOMEM;
	*p = q;
	return 0;
}

static int
roa_read(struct words *w, struct payloads *p)
{
	struct vrp v = { .ca = PAYLOAD_CA_NONE };
	struct ip_prefix x;
	uint32_t max_len;
	void *vrps = p->vrps;
	int rc;

	if (ip_prefix_parse(w->now, &x) < 0)
		return SE_SYNTAX;
	next(w);
	max_len = x.len;
	if (take(w, "maxlen")) {
		if (num_u32(w->now, x.len, ip_bits(x.af), &max_len) < 0)
			return SE_SYNTAX;
		next(w);
	}
	if (!take(w, "source-as") || asn_take(w, &v.asn) < 0 || expires_take(w, &v.expires) < 0)
		return SE_SYNTAX;
	memcpy(v.addr, x.addr, sizeof(v.addr));
	v.af = x.af;
	v.len = x.len;
	v.max_len = (uint8_t)max_len;
	if (!vrp_is_sound(&v))
		return SE_SYNTAX;
	rc = room(&vrps, p->n_vrps, VRPS_MAX, sizeof(v));
	p->vrps = vrps;
	if (rc == 0)
		p->vrps[p->n_vrps++] = v;
	return rc;
}

static int
providers_read(struct words *w, struct aspa *a)
{
	void *list = NULL;
	uint32_t asn, n = 0;
	int rc = take(w, "{") ? 0 : SE_SYNTAX;

	while (rc == 0 && !take(w, "}")) {
		if ((rc = asn_take(w, &asn)) == 0 &&
		    (rc = room(&list, n, ASPA_PROVIDERS_MAX, sizeof(asn))) == 0)
			((uint32_t *)list)[n++] = asn;
		(void)take(w, ",");
	}
	a->providers = list;
	a->n_providers = n;
	return rc == 0 && n == 0 ? SE_SYNTAX : rc;
}

static int
aspa_read(struct words *w, struct payloads *p)
{
	struct aspa a = { .ca = PAYLOAD_CA_NONE };
	void *aspas = p->aspas;
	int rc;

	if (!take(w, "customer-as") || asn_take(w, &a.customer) < 0 ||
	    expires_take(w, &a.expires) < 0 || !take(w, "provider-as"))
		return SE_SYNTAX;
	rc = providers_read(w, &a);
	if (rc == 0)
		rc = room(&aspas, p->n_aspas, ASPAS_MAX, sizeof(a));
	p->aspas = aspas;
	if (rc == 0)
		p->aspas[p->n_aspas++] = a;
	else
		free((void *)(uintptr_t)a.providers);
	return rc;
}

static const struct set {
	const char	*name;
	int		(*row)(struct words *, struct payloads *);
} sets[] = {
	{ "roa-set", roa_read },
	{ "aspa-set", aspa_read },
};

static int
set_read(struct words *w, struct payloads *p)
{
	const struct set *s = NULL;
	int rc = 0;

	for (size_t i = 0; i < ARRAY_LEN(sets); i++)
		if (at(w, sets[i].name))
			s = &sets[i];
	next(w);
	if (s == NULL || !take(w, "{"))
		return SE_SYNTAX;
	while (rc == 0 && !take(w, "}")) {
		rc = s->row(w, p);
		(void)take(w, ",");
	}
	return rc;
}

bool
vrps_bgpd_is(struct sv text)
{
	struct words w = { .text = text };

	next(&w);
	for (size_t i = 0; i < ARRAY_LEN(sets); i++)
		if (at(&w, sets[i].name))
			return true;
	return false;
}

int
vrps_bgpd_read(struct sv text, struct payloads *ret, uint64_t *ret_line)
{
	struct words w = { .text = text, .line = 1 };
	int rc = text.n > VRPS_BGPD_MAX ? SE_LIMIT : payloads_ta(ret, SV("-"));

	rc = rc < 0 ? rc : 0;
	next(&w);
	while (rc == 0 && w.now.n > 0)
		rc = set_read(&w, ret);
	*ret_line = w.line;
	return rc;
}
