/* The assertion record: draft-brand-indicators-for-message-identification-10 section 4.3. */
#include <errno.h>

#include "mail/bimi_internal.h"
#include "mail/tags.h"

#define SHOWN_MAX	100	/* octets of a stranger's value in a finding */

struct reading {
	struct findings		*fs;
	struct bimi_record	*r;
};

/* "Mail receivers MUST NOT attempt to fix syntactical or capitalization errors." */
static void
bad_tell(struct reading *g, const char *tag, const char *what, struct sv value)
{
	g->r->is_bad = true;
	finding_add(g->fs, &bimi_findings[BIMI_TAG], FA_STR("tag", tag), FA_MSG("what", what),
	    FA_SV("value", sv_take(value, SHOWN_MAX)));
}

/* "MUST contain a fully qualified domain name (FQDN) and MUST specify HTTPS"; no comma. */
static bool
uri_ok(struct sv uri)
{
	struct sv rest = sv_skip(uri, 8), host = sv_take(rest, sv_find(rest, '/'));
	size_t dot = sv_find(host, '.');

	if (!sv_caseeq(sv_take(uri, 8), SV("https://")) || !sv_graphic(uri) || uri.n > BIMI_URI_MAX)
		return false;
	if (sv_find(host, '@') < host.n || sv_find(uri, ',') < uri.n || sv_find(uri, '"') < uri.n ||
	    sv_find(uri, '<') < uri.n || sv_find(uri, '>') < uri.n)
		return false;
	return dot > 0 && dot + 1 < host.n;
}

/* Section 4.3.2: "only SVG and SVGZ … is acceptable in the l= tag". */
static bool
is_other_image(struct sv uri)
{
	static const char *const ends[] = { ".png", ".jpg", ".jpeg", ".gif", ".webp" };

	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		struct sv end = sv_str(ends[i]);

		if (uri.n > end.n && sv_caseeq(sv_skip(uri, uri.n - end.n), end))
			return true;
	}
	return false;
}

static void
uri_take(struct reading *g, const char *tag, struct sv value, struct sv *ret)
{
	if (value.n > 0 && !uri_ok(value))
		bad_tell(g, tag, N_("no https address"), value);
	else
		*ret = value;
}

static void
location_take(struct reading *g, struct sv value)
{
	if (value.p == NULL)
		bad_tell(g, "l", N_("it is missing"), SV(""));
	else if (is_other_image(value))
		bad_tell(g, "l", N_("not an SVG"), value);
	else
		uri_take(g, "l", value, &g->r->location);
}

/* "Any other values MUST be ignored". */
static void
preference_take(struct reading *g, struct sv value)
{
	if (value.p == NULL)
		return;
	g->r->is_personal = sv_eq(value, SV("personal"));
	g->r->has_preference = g->r->is_personal || sv_eq(value, SV("brand"));
	if (!g->r->has_preference)
		finding_add(g->fs, &bimi_findings[BIMI_PREFERENCE], FA_SV("value", sv_take(value, SHOWN_MAX)));
}

int
bimi_record_parse(struct pool *pool, struct sv text, struct findings *fs, struct bimi_record **ret)
{
	struct reading g = { fs, NULL };
	struct mail_tags tags;
	enum mail_tags_error e;
	size_t at = 0;

	e = mail_tags_parse(text, &tags, &at);
	*ret = NULL;
	if (tags.n == 0 || !sv_eq(tags.tag[0].name, SV("v")) || !sv_eq(tags.tag[0].value, SV("BIMI1")))
		return 0;
	if ((g.r = pool_calloc(pool, 1, sizeof(*g.r))) == NULL)
		return -ENOMEM;
	g.r->text = text;
	if (e != MAIL_TAGS_OK)
		bad_tell(&g, "v", N_("behind it is no list of tags"), sv_skip(text, at));
	location_take(&g, mail_tag_get(&tags, "l"));
	uri_take(&g, "a", mail_tag_get(&tags, "a"), &g.r->evidence);
	g.r->by_local_part = sv_eq(mail_tag_get(&tags, "lps"), SV("true"));
	preference_take(&g, mail_tag_get(&tags, "avp"));
	*ret = g.r;
	return 0;
}
