/* How often somebody may make us fetch: see role/mark_role.h. */
#include "base/hash.h"
#include "role/mark_role.h"

#define HOUR	3600

/* "https://HOST:PORT/…" */
static struct sv
server_of(struct sv url)
{
	struct sv s = sv_skip(url, sv_find(url, ':') + 3);

	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] == '/' || s.p[i] == '?' || s.p[i] == '#')
			return sv_take(s, i);
	return s;
}

static struct rate_place *
place_of(struct rate_place *places, struct sv name)
{
	char lower[256];
	size_t n = name.n < sizeof(lower) ? name.n : sizeof(lower);

	for (size_t i = 0; i < n; i++)
		lower[i] = (char)(name.p[i] >= 'A' && name.p[i] <= 'Z' ? name.p[i] + 32 : name.p[i]);
	return &places[hash_bytes(lower, n) % RATE_PLACES];
}

static bool
has_room(struct rate_place *p, int64_t now, uint32_t max)
{
	if (now - p->from >= HOUR || now < p->from)
		*p = (struct rate_place){ .from = now };
	return p->n < max;
}

bool
mark_rate_take(struct mark_rate *r, const struct mail_mark_key *k, int64_t now)
{
	struct rate_place *const places[] = { &r->all, place_of(r->orgs, k->org),
		place_of(r->servers, server_of(k->location)), place_of(r->servers, server_of(k->evidence)) };
	static const uint32_t most[] = { MARK_PER_HOUR, MARK_PER_ORG, MARK_PER_SERVER, MARK_PER_SERVER };
	size_t n = ARRAY_LEN(places) - (k->evidence.n == 0 || places[2] == places[3]);

	for (size_t i = 0; i < n; i++)
		if (!has_room(places[i], now, most[i]))
			return false;
	for (size_t i = 0; i < n; i++)
		places[i]->n++;
	return true;
}
