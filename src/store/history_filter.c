/*
 * The local filters that a snapshot's report names, cut out of it by the form
 * that app/routes_report.c writes: it begins with {"filters":[…], and no value
 * there has a quote, a comma or a brace of its own. What is not in this form
 * is no filter.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "store/history.h"

#define SKI_LEN		sizeof(((struct history_filter *)0)->ski)

static bool
kind_read(struct sv v, struct history_filter *ret)
{
	static const char *const kinds[] = { [HK_VRP] = "\"vrp\"", [HK_ASPA] = "\"aspa\"",
		[HK_KEY] = "\"key\"" };

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (sv_eq_str(v, kinds[i])) {
			ret->kind = (enum history_kind)i;
			return true;
		}
	return false;
}

static struct sv
unquoted(struct sv v)
{
	return v.n >= 2 && v.p[0] == '"' && v.p[v.n - 1] == '"' ?
	    (struct sv){ v.p + 1, v.n - 2 } : (struct sv){ 0 };
}

/* "name":value of one filter. */
static bool
member_read(struct sv m, struct history_filter *f)
{
	struct sv name = sv_cut(&m, ':');
	uint64_t hits;

	if (sv_eq_str(name, "\"kind\""))
		return kind_read(m, f);
	if (sv_eq_str(name, "\"asn\""))
		return f->has_asn = num_u32(m, 0, UINT32_MAX, &f->asn) == 0;
	if (sv_eq_str(name, "\"prefix\""))
		return f->has_prefix = ip_prefix_parse(unquoted(m), &f->prefix) == 0;
	if (sv_eq_str(name, "\"ski\""))
		return f->has_ski = hex_decode(f->ski, SKI_LEN, unquoted(m)) == 0;
	if (!sv_eq_str(name, "\"hits\"") || num_u64(m, 0, UINT64_MAX, &hits) < 0)
		return false;
	f->hit = hits > 0;
	return true;
}

static bool
filter_read(struct sv text, struct history_filter *ret)
{
	*ret = (struct history_filter){ .kind = HK_VRP };
	while (text.n > 0)
		if (!member_read(sv_cut(&text, ','), ret))
			return false;
	return ret->has_asn || ret->has_prefix || ret->has_ski;
}

int
history_filters_read(struct sv report, struct history_filters *ret)
{
	*ret = (struct history_filters){ 0 };
	if (!sv_starts(report, SV("{\"filters\":[")))
		return 0;
	if ((ret->v = calloc(HISTORY_FILTERS_MAX, sizeof(*ret->v))) == NULL)
		return -ENOMEM;
	report = sv_skip(report, sizeof("{\"filters\":[") - 1);
	while (ret->n < HISTORY_FILTERS_MAX && sv_starts(report, SV("{"))) {
		report = sv_skip(report, 1);
		ret->n += filter_read(sv_cut(&report, '}'), &ret->v[ret->n]);
		if (sv_starts(report, SV(",")))
			report = sv_skip(report, 1);
	}
	return 0;
}

void
history_filters_done(struct history_filters *f)
{
	free(f->v);
	*f = (struct history_filters){ 0 };
}

/* RFC 8416 section 3.3: all that a filter names must match. */
static bool
matches(const struct history_filter *f, const struct history_payload *p)
{
	return f->kind == p->kind && (!f->has_asn || f->asn == p->asn) &&
	    (!f->has_prefix || (p->kind == HK_VRP && ip_prefix_covers(&f->prefix, &p->prefix))) &&
	    (!f->has_ski || (p->ski != NULL && memcmp(f->ski, p->ski, SKI_LEN) == 0));
}

bool
history_filtered(const struct history_filters *fs, bool hit, const struct history_payload *p)
{
	for (size_t i = 0; i < fs->n; i++)
		if ((fs->v[i].hit || !hit) && matches(&fs->v[i], p))
			return true;
	return false;
}
