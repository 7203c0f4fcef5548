/* SVG Tiny Portable/Secure by a list of what is allowed: see app/mail_svg.h. */
#include <errno.h>
#include <expat.h>
#include <zlib.h>

#include "app/mail_svg.h"

#define NS_SEP		'|'
#define SVG_NS		SV("http://www.w3.org/2000/svg|")
#define SHOWN_MAX	60	/* octets of a stranger's name in a finding */
#define GZIP_BITS	(15 + 16)

static const char *const elements[] = { "svg", "title", "desc", "defs", "g", "path", "rect", "circle", "ellipse",
	"line", "polyline", "polygon", "linearGradient", "radialGradient", "solidColor", "stop", "text", "textArea",
	"tspan", "tbreak", "use" };

/* Each is told once: an image has one fault a thousand times. */
enum fault {
	FAULT_XML,
	FAULT_DOCTYPE,
	FAULT_ROOT,
	FAULT_VERSION,
	FAULT_PROFILE,
	FAULT_PLACE,
	FAULT_TITLE,
	FAULT_ELEMENT,
	FAULT_EVENT,
	FAULT_REFERENCE,
	FAULT_MUCH,
	FAULT_MAX
};

static const char *const faults[FAULT_MAX] = {
	[FAULT_XML] = N_("no well-formed XML"),
	[FAULT_DOCTYPE] = N_("a DOCTYPE"),
	[FAULT_ROOT] = N_("another root than svg"),
	[FAULT_VERSION] = N_("no version=\"1.2\""),
	[FAULT_PROFILE] = N_("no baseProfile=\"tiny-ps\""),
	[FAULT_PLACE] = N_("x= or y= in the root"),
	[FAULT_TITLE] = N_("no title"),
	[FAULT_ELEMENT] = N_("an element that is not allowed"),
	[FAULT_EVENT] = N_("a handler of events"),
	[FAULT_REFERENCE] = N_("a reference to elsewhere"),
	[FAULT_MUCH] = N_("more elements than an image needs"),
};

struct look {
	XML_Parser	 xml;
	struct findings	*fs;
	unsigned	 told;		/* 1 << enum fault */
	unsigned	 depth, n;
	bool		 in_title, has_title;
};

static void
tell(struct look *l, enum fault f, const char *name)
{
	if ((l->told & 1u << f) != 0)
		return;
	l->told |= 1u << f;
	finding_add(l->fs, &bimi_findings[BIMI_SVG], FA_MSG("what", faults[f]),
	    FA_SV("name", sv_take(sv_str(name[0] != '\0' ? name : "svg"), SHOWN_MAX)));
}

static void
stop(struct look *l, enum fault f, const char *name)
{
	tell(l, f, name);
	(void)XML_StopParser(l->xml, XML_FALSE);
}

/* --- attributes --- */

/* url(#a) and #a stay inside; url(…) may stand anywhere in a value. */
static bool
leaves(struct sv value)
{
	for (size_t i = 0; i + 4 <= value.n; i++) {
		struct sv rest = sv_skip(value, i), inner;

		if (!sv_caseeq(sv_take(rest, 4), SV("url(")))
			continue;
		inner = sv_trim(sv_skip(rest, 4));
		while (inner.n > 0 && (inner.p[0] == '"' || inner.p[0] == '\''))
			inner = sv_skip(inner, 1);
		if (!sv_starts(inner, SV("#")))
			return true;
	}
	return false;
}

static void
attribute_look(struct look *l, const char *full, const char *value)
{
	struct sv name = sv_str(full), local = sv_skip(name, sv_rfind(name, NS_SEP) + 1);

	if (sv_rfind(name, NS_SEP) == name.n)
		local = name;
	if (sv_caseeq(sv_take(local, 2), SV("on")))
		tell(l, FAULT_EVENT, full);
	if ((sv_caseeq(local, SV("href")) || sv_caseeq(local, SV("src")) || sv_caseeq(local, SV("base"))) && value[0] != '#')
		tell(l, FAULT_REFERENCE, value);
	if (leaves(sv_str(value)))
		tell(l, FAULT_REFERENCE, value);
}

static const char *
attribute_find(const XML_Char **attributes, const char *name)
{
	for (size_t i = 0; attributes[i] != NULL; i += 2)
		if (strcmp(attributes[i], name) == 0)
			return attributes[i + 1];
	return "";
}

static void
root_look(struct look *l, struct sv name, const XML_Char **attributes)
{
	if (!sv_eq(name, SV("svg")))
		tell(l, FAULT_ROOT, name.p);
	if (strcmp(attribute_find(attributes, "version"), "1.2") != 0)
		tell(l, FAULT_VERSION, attribute_find(attributes, "version"));
	if (strcmp(attribute_find(attributes, "baseProfile"), "tiny-ps") != 0)
		tell(l, FAULT_PROFILE, attribute_find(attributes, "baseProfile"));
	if (attribute_find(attributes, "x")[0] != '\0' || attribute_find(attributes, "y")[0] != '\0')
		tell(l, FAULT_PLACE, "");
}

/* --- elements --- */

static bool
is_allowed(struct sv name)
{
	for (size_t i = 0; i < ARRAY_LEN(elements); i++)
		if (sv_eq_str(name, elements[i]))
			return true;
	return false;
}

static void
on_start(void *arg, const XML_Char *full, const XML_Char **attributes)
{
	struct look *l = arg;
	struct sv name = sv_str(full);

	if (++l->n > MAIL_SVG_ELEMENTS_MAX || ++l->depth > MAIL_SVG_DEPTH_MAX) {
		stop(l, FAULT_MUCH, "");
		return;
	}
	if (!sv_starts(name, SVG_NS) || !is_allowed(sv_skip(name, SVG_NS.n)))
		tell(l, FAULT_ELEMENT, full);
	name = sv_starts(name, SVG_NS) ? sv_skip(name, SVG_NS.n) : name;
	if (l->depth == 1)
		root_look(l, name, attributes);
	l->in_title = l->depth == 2 && sv_eq(name, SV("title"));
	for (size_t i = 0; attributes[i] != NULL; i += 2)
		attribute_look(l, attributes[i], attributes[i + 1]);
}

static void
on_end(void *arg, const XML_Char *name UNUSED)
{
	struct look *l = arg;

	l->depth--;
	l->in_title = false;
}

static void
on_text(void *arg, const XML_Char *text, int n)
{
	struct look *l = arg;

	l->has_title |= l->in_title && sv_trim((struct sv){ text, (size_t)n }).n > 0;
}

static void
on_doctype(void *arg, const XML_Char *name, const XML_Char *sysid UNUSED, const XML_Char *pubid UNUSED,
    int has_subset UNUSED)
{
	stop(arg, FAULT_DOCTYPE, name);
}

static void
parse(struct look *l, struct sv svg)
{
	XML_SetUserData(l->xml, l);
	XML_SetElementHandler(l->xml, on_start, on_end);
	XML_SetCharacterDataHandler(l->xml, on_text);
	XML_SetStartDoctypeDeclHandler(l->xml, on_doctype);
	if (XML_Parse(l->xml, svg.p, (int)svg.n, XML_TRUE) == XML_STATUS_OK) {
		if (!l->has_title)
			tell(l, FAULT_TITLE, "");
	} else if (XML_GetErrorCode(l->xml) != XML_ERROR_ABORTED) {
		tell(l, FAULT_XML, XML_ErrorString(XML_GetErrorCode(l->xml)));
	}
}

int
mail_svg_check(struct sv svg, struct findings *fs)
{
	struct look l = { .fs = fs };

	if (svg.n > MAIL_SVG_ADVISED)
		finding_add(fs, &bimi_findings[BIMI_SVG_SIZE], FA_U("size", svg.n), FA_U("limit", MAIL_SVG_ADVISED));
	if (svg.n > MAIL_SVG_MAX) {
		tell(&l, FAULT_MUCH, "");
		return 0;
	}
	if ((l.xml = XML_ParserCreateNS(NULL, NS_SEP)) == NULL)
		return -ENOMEM;
	parse(&l, svg);
	XML_ParserFree(l.xml);
	return 0;
}

/* --- gzip --- */

static bool
is_gzip(struct sv s)
{
	return s.n > 2 && (uint8_t)s.p[0] == 0x1f && (uint8_t)s.p[1] == 0x8b;
}

int
mail_svg_plain(struct pool *pool, struct sv octets, struct findings *fs, struct sv *ret)
{
	z_stream z = { .next_in = (Bytef *)(uintptr_t)octets.p,
		.avail_in = (uInt)min_size(octets.n, MAIL_SVG_MAX), .avail_out = MAIL_SVG_MAX };
	char *out;
	int zrc;

	*ret = octets;
	if (!is_gzip(octets))
		return 0;
	*ret = (struct sv){ NULL, 0 };
	if ((out = pool_alloc(pool, MAIL_SVG_MAX)) == NULL || inflateInit2(&z, GZIP_BITS) != Z_OK)
		return -ENOMEM;
	z.next_out = (Bytef *)out;
	zrc = inflate(&z, Z_FINISH);
	if (zrc == Z_STREAM_END)
		*ret = (struct sv){ out, MAIL_SVG_MAX - z.avail_out };
	else
		finding_add(fs, &bimi_findings[BIMI_SVG], FA_MSG("what", N_("broken gzip, or too much in it")), FA_STR("name", "gzip"));
	(void)inflateEnd(&z);
	return 0;
}
