#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "app/alarm.h"
#include "base/timefmt.h"

#define F FINDING_ROW_
const struct finding_def alarm_findings[ALARM_FINDING_MAX] = {
#include "app/alarm_findings.def"
};
#undef F

#define DAY		86400
#define LOST_DAYS	30	/* what is gone for longer is no news any more */
/* Changes looked at for one AS number or prefix; newest first. */
#define CHANGES_MAX	1000
#define SEEN_MAX	8192	/* payloads of ours with a change */

static const struct finding_def *
def(enum alarm_finding f)
{
	return &alarm_findings[f];
}

/* --- what is ours --- */

static int
asn_cmp(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static size_t
lines_count(struct sv s)
{
	struct sv line;
	size_t n = 0;

	while (sv_line(&s, &line))
		n++;
	return n;
}

static int
prefix_cmp(const void *a, const void *b)
{
	return ip_prefix_cmp(a, b);
}

/* Ascending, and none within another: a look-up is a binary search then. */
static void
prefixes_reduce(struct alarm_conf *c)
{
	size_t n = 0;

	if (c->n_prefixes > 0)
		qsort(c->prefixes, c->n_prefixes, sizeof(*c->prefixes), prefix_cmp);
	for (size_t i = 0; i < c->n_prefixes; i++)
		if (n == 0 || !ip_prefix_covers(&c->prefixes[n - 1], &c->prefixes[i]))
			c->prefixes[n++] = c->prefixes[i];
	c->n_prefixes = n;
}

int
alarm_conf_lists(struct pool *pool, struct sv asns, struct sv prefixes, struct alarm_conf *c)
{
	struct sv line;

	c->n_asns = c->n_prefixes = 0;
	c->asns = pool_calloc(pool, lines_count(asns) + 1, sizeof(*c->asns));
	c->prefixes = pool_calloc(pool, lines_count(prefixes) + 1, sizeof(*c->prefixes));
	if (c->asns == NULL || c->prefixes == NULL)
		return -ENOMEM;
	while (sv_line(&asns, &line))
		c->n_asns += asn_parse(line, &c->asns[c->n_asns]) == 0;
	while (sv_line(&prefixes, &line))
		c->n_prefixes += ip_prefix_parse(line, &c->prefixes[c->n_prefixes]) == 0;
	if (c->n_asns > 0)
		qsort(c->asns, c->n_asns, sizeof(*c->asns), asn_cmp);
	prefixes_reduce(c);
	return 0;
}

static bool
our_asn(const struct alarm_conf *c, uint32_t asn)
{
	return c->n_asns > 0 &&
	    bsearch(&asn, c->asns, c->n_asns, sizeof(asn), asn_cmp) != NULL;
}

/* What covers it can only be the one before, what it covers only the one after. */
static bool
our_prefix(const struct alarm_conf *c, const struct ip_prefix *p)
{
	size_t lo = 0, hi = c->n_prefixes;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (ip_prefix_cmp(&c->prefixes[mid], p) <= 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return (lo > 0 && ip_prefix_covers(&c->prefixes[lo - 1], p)) ||
	    (lo < c->n_prefixes && ip_prefix_covers(p, &c->prefixes[lo]));
}

static bool
our_vrp(const struct alarm_conf *c, const struct vrp *v)
{
	struct ip_prefix px = { .af = v->af, .len = v->len };

	memcpy(px.addr, v->addr, sizeof(px.addr));
	return our_asn(c, v->asn) || our_prefix(c, &px);
}

bool
alarm_is_ours(const struct alarm_conf *c, const struct history_change *x)
{
	return our_asn(c, x->asn) || (x->kind == HK_VRP && our_prefix(c, &x->prefix));
}

/* --- the snapshot --- */

/* What of ours hangs on a CA. */
struct hangs {
	uint64_t	n, n_all;	/* ours; anybody's: its own */
	uint64_t	n_below;	/* ours, of CAs below it */
	int64_t		earliest;
};

static void
hang(struct hangs *h, const struct snapshot *s, uint32_t ca, bool ours, int64_t expires)
{
	if (ca >= s->n_cas)
		return;
	h[ca].n_all++;
	if (!ours)
		return;
	if (h[ca].n == 0 || expires < h[ca].earliest)
		h[ca].earliest = expires;
	h[ca].n++;
}

static void
hangs_count(const struct alarm_conf *c, const struct snapshot *s, struct hangs *h)
{
	for (size_t i = 0; i < snapshot_n_vrps(s); i++) {
		struct vrp v;

		snapshot_vrp(s, i, &v);
		hang(h, s, v.ca, our_vrp(c, &v), v.expires);
	}
	for (size_t i = 0; i < s->n_aspas; i++) {
		struct snapshot_aspa a;

		snapshot_aspa(s, i, &a);
		hang(h, s, a.ca, our_asn(c, a.customer), a.expires);
	}
	for (size_t i = 0; i < s->n_router_keys; i++) {
		struct router_key k;

		snapshot_router_key(s, i, &k);
		hang(h, s, k.ca, our_asn(c, k.asn), k.expires);
	}
}

/* A chain ends with each of its CAs. Parents were checked when it was read. */
static void
hangs_below(const struct snapshot *s, struct hangs *h)
{
	for (size_t i = 0; i < s->n_cas; i++) {
		uint32_t ca = (uint32_t)i;
		struct snapshot_ca x;

		for (int depth = 0; h[i].n > 0 && depth < PAYLOAD_CA_DEPTH_MAX; depth++) {
			snapshot_ca(s, ca, &x);
			if ((ca = x.ca.parent) >= s->n_cas)
				break;
			h[ca].n_below += h[i].n;
		}
	}
}

static void
our_ca(const struct alarm_conf *c, const struct payload_ca *ca, const struct hangs *h,
    int64_t now, struct findings *fs)
{
	fs->subject = ca->uri;
	if (h->n > 0 && h->earliest <= now + c->expiry_warn)
		finding_add(fs, def(ALARM_EXPIRES), FA_U("n", h->n), FA_TIME("time", h->earliest));
	if (ca->state != PCA_GOOD)
		finding_add(fs, def(ALARM_CA), FA_U("n", h->n + h->n_below),
		    FA_STR("state", payload_ca_state_name((enum payload_ca_state)ca->state)),
		    FA_SV("code", ca->code));
}

int
alarm_snapshot(const struct alarm_conf *c, const struct snapshot *s, int64_t now,
    struct findings *fs)
{
	struct hangs *h = calloc(s->n_cas + 1, sizeof(*h));
	int64_t held_since = TIME_NEVER;
	uint64_t n_held = 0;

	if (h == NULL)
		return -ENOMEM;
	fs->subject = SV("data");
	if (s->built < now - c->data_age)
		finding_add(fs, def(ALARM_DATA), FA_TIME("time", s->built),
		    FA_U("limit", c->data_age));
	hangs_count(c, s, h);
	hangs_below(s, h);
	for (size_t i = 0; i < s->n_cas; i++) {
		struct snapshot_ca ca;

		snapshot_ca(s, i, &ca);
		if (h[i].n + h[i].n_below > 0)
			our_ca(c, &ca.ca, &h[i], now, fs);
		if (ca.ca.held_since != 0) {
			n_held += h[i].n_all;
			held_since = min_i64(held_since, ca.ca.held_since);
		}
	}
	fs->subject = SV("guard");
	if (n_held > 0)
		finding_add(fs, def(ALARM_GUARD), FA_U("n", n_held), FA_TIME("time", held_since));
	free(h);
	return 0;
}

void
alarm_source(const struct alarm_conf *c, struct sv key, int64_t checked, int64_t now,
    struct findings *fs)
{
	if (checked >= now - c->repository_age)
		return;
	fs->subject = key;
	finding_add(fs, def(ALARM_REPOSITORY), FA_TIME("time", checked));
}

/* --- the history --- */

struct changes {
	const struct alarm_conf	*c;
	struct findings		*fs;
	int64_t			 now;
	struct sv		*seen;		/* payloads whose last change is known */
	size_t			 n_seen;
	int			 rc;
};

static void
payload_name(struct buf *b, const struct history_change *x)
{
	static const char *const kinds[] = { "VRP", "ASPA", "router-key" };
	char px[IP_PREFIX_STRLEN], asn[ASN_STRLEN];
	struct sv ski = x->announce ? x->after : x->before;

	buf_printf(b, "%s %s", kinds[x->kind <= HK_KEY ? x->kind : HK_KEY], asn_str(x->asn, asn));
	if (x->kind == HK_VRP)
		buf_printf(b, " %s-%u", ip_prefix_str(&x->prefix, px), x->max_len);
	for (size_t i = 0; x->kind == HK_KEY && i < ski.n; i++)
		buf_printf(b, "%s%02x", i == 0 ? " " : "", (uint8_t)ski.p[i]);
}

/* The first one met is the last that happened. */
static bool
is_newest(struct changes *w, struct sv name)
{
	char *copy;

	for (size_t i = 0; i < w->n_seen; i++)
		if (sv_eq(w->seen[i], name))
			return false;
	if (w->n_seen == SEEN_MAX)
		return false;
	if ((copy = pool_alloc(w->fs->pool, name.n + 1)) == NULL) {
		w->rc = -ENOMEM;
		return false;
	}
	memcpy(copy, name.p, name.n);
	w->seen[w->n_seen++] = (struct sv){ copy, name.n };
	return true;
}

static const char *
lost_word(const struct history_change *x)
{
	switch (x->cause) {
	case HC_EXPIRED:
		return N_("it expired.");
	case HC_FAILED:
		return N_("its CA failed.");
	case HC_TA:
		return N_("its trust anchor is gone.");
	default:
		return NULL;
	}
}

static const char *
event_word(const struct history_change *x)
{
	bool filter = x->cause == HC_LOCAL && x->ca.n > 0;

	if (x->announce)
		return filter ? N_("filtered locally no more") : x->had ? N_("changed") : N_("new");
	if (x->cause == HC_LOCAL)
		return filter ? N_("filtered locally") : N_("asserted locally no more");
	return N_("taken away by its CA");
}

static void
change_tell(struct changes *w, const struct history_change *x, struct sv name)
{
	const char *lost = x->announce ? NULL : lost_word(x);

	w->fs->subject = name;
	if (lost != NULL)
		finding_add(w->fs, def(ALARM_LOST), FA_SV("payload", name), FA_TIME("time", x->at),
		    FA_MSG("cause", lost), FA_SV("code", x->code));
	else if (x->at > w->now - DAY)
		finding_add(w->fs, def(ALARM_CHANGED), FA_SV("payload", name), FA_MSG("event", event_word(x)),
		    FA_TIME("time", x->at), FA_U("serial", x->serial));
}

static bool
on_change(void *arg, const struct history_change *x)
{
	_cleanup_(buf_done) struct buf name = BUF_INIT;
	struct changes *w = arg;

	if (!alarm_is_ours(w->c, x))
		return true;
	payload_name(&name, x);
	if (name.rc == 0 && is_newest(w, buf_get(&name)))
		change_tell(w, x, buf_get(&name));
	return w->rc == 0;
}

int
alarm_changes(const struct alarm_conf *c, struct history_reader *r, int64_t now,
    struct findings *fs)
{
	struct changes w = { .c = c, .fs = fs, .now = now };
	struct history_query q = { .since = now - LOST_DAYS * DAY, .until = TIME_NEVER,
	    .limit = CHANGES_MAX };
	int rc = 0;

	if ((w.seen = pool_calloc(fs->pool, SEEN_MAX, sizeof(*w.seen))) == NULL)
		return -ENOMEM;
	q.by_asn = true;
	for (size_t i = 0; i < c->n_asns && rc == 0 && w.rc == 0; i++) {
		q.asn = c->asns[i];
		rc = history_changes(r, &q, on_change, &w);
	}
	q.by_asn = false;
	q.by_prefix = true;
	for (size_t i = 0; i < c->n_prefixes && rc == 0 && w.rc == 0; i++) {
		q.prefix = c->prefixes[i];
		rc = history_changes(r, &q, on_change, &w);
	}
	return rc < 0 ? rc : w.rc;
}
