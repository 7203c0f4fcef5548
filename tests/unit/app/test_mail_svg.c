/* Images that may be shown beside mail, those that may not, and images with their evidence. */
#include "../tap.h"
#include "app/mail_bimi.h"
#include "bimi_certs.h"

#define NS	"xmlns=\"http://www.w3.org/2000/svg\""
#define ROOT	"<svg version=\"1.2\" baseProfile=\"tiny-ps\" " NS
#define TITLE	"<title>A</title>"
#define IN(x)	ROOT ">" TITLE x "</svg>"

static const struct {
	const char	*svg;
	const char	*whats[5];	/* of BIMI_SVG, in their order */
} rows[] = {
	{ MARK_SVG, { NULL } },
	{ IN("<defs><linearGradient id=\"a\"><stop/></linearGradient></defs><rect fill=\"url(#a)\"/>"), { NULL } },
	{ IN("<use xlink:href=\"#a\" xmlns:xlink=\"http://www.w3.org/1999/xlink\"/>"), { NULL } },
	{ "", { "no well-formed XML" } },
	{ "GIF89a", { "no well-formed XML" } },
	{ IN("<g>"), { "no well-formed XML" } },
	{ "<!DOCTYPE svg>" MARK_SVG, { "a DOCTYPE" } },
	{ "<!DOCTYPE svg [<!ENTITY a \"b\">]>" IN("&a;"), { "a DOCTYPE" } },
	{ "<html/>", { "an element that is not allowed", "another root than svg", "no version=\"1.2\"", "no baseProfile=\"tiny-ps\"", "no title" } },
	{ "<svg " NS " version=\"1.1\" baseProfile=\"tiny-ps\">" TITLE "</svg>", { "no version=\"1.2\"" } },
	{ "<svg " NS " version=\"1.2\" baseProfile=\"tiny\">" TITLE "</svg>", { "no baseProfile=\"tiny-ps\"" } },
	{ ROOT " x=\"0\">" TITLE "</svg>", { "x= or y= in the root" } },
	{ ROOT "></svg>", { "no title" } },
	{ ROOT "><title> </title><g><title>A</title></g></svg>", { "no title" } },
	{ IN("<script>alert(1)</script><script/>"), { "an element that is not allowed" } },
	{ IN("<animate/>"), { "an element that is not allowed" } },
	{ IN("<image/>"), { "an element that is not allowed" } },
	{ IN("<foreignObject/>"), { "an element that is not allowed" } },
	{ IN("<a/>"), { "an element that is not allowed" } },
	{ IN("<style>@import url(x)</style>"), { "an element that is not allowed" } },
	{ IN("<x:path xmlns:x=\"http://example.com/\"/>"), { "an element that is not allowed" } },
	{ IN("<path xmlns=\"\"/>"), { "an element that is not allowed" } },
	{ IN("<path OnClick=\"a\"/>"), { "a handler of events" } },
	{ IN("<use xlink:href=\"https://example.com/#a\" xmlns:xlink=\"http://www.w3.org/1999/xlink\"/>"), { "a reference to elsewhere" } },
	{ IN("<use href=\"javascript:a\"/>"), { "a reference to elsewhere" } },
	{ IN("<rect fill=\"URL( 'http://example.com/a')\"/>"), { "a reference to elsewhere" } },
	{ IN("<g xml:base=\"http://example.com/\"/>"), { "a reference to elsewhere" } },
};

/* Each finding is a BIMI_SVG with that word. */
static void
whats_are(const struct findings *fs, const char *const *whats, size_t row)
{
	const struct finding *f = fs->head;

	for (size_t k = 0; k < 5 && whats[k] != NULL; k++, f = f->next) {
		assert_non_null(f);
		if (strcmp(f->args[0].s.p, whats[k]) != 0)
			print_message("# row %zu: %s\n", row, f->args[0].s.p);
		assert_ptr_equal(f->def, &bimi_findings[BIMI_SVG]);
		assert_string_equal(f->args[0].s.p, whats[k]);
	}
	if (f != NULL)
		print_message("# row %zu: more: %s\n", row, f->def->code);
	assert_null(f);
}

static void
images(void **state UNUSED)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct pool *pool = pool_new(MAIL_POOL_MAX);
		struct findings fs;

		findings_init(&fs, pool);
		assert_int_equal(mail_svg_check(sv_str(rows[i].svg), &fs), 0);
		whats_are(&fs, rows[i].whats, i);
		(void)pool_free(pool);
	}
}

static void
sizes(void **state UNUSED)
{
	static const char *const much[5] = { "more elements than an image needs" };
	struct pool *pool = pool_new(MAIL_POOL_MAX);
	struct buf b = BUF_INIT;
	struct findings fs;

	buf_str(&b, ROOT ">" TITLE);
	while (b.len <= MAIL_SVG_ADVISED)
		buf_str(&b, "<path d=\"M0 0\"/>");
	buf_str(&b, "</svg>");
	findings_init(&fs, pool);
	assert_int_equal(mail_svg_check(buf_get(&b), &fs), 0);
	assert_ptr_equal(fs.head->def, &bimi_findings[BIMI_SVG_SIZE]);
	assert_null(fs.head->next);
	while (b.len <= MAIL_SVG_MAX)
		buf_str(&b, "                ");
	findings_init(&fs, pool);
	assert_int_equal(mail_svg_check(buf_get(&b), &fs), 0);
	assert_ptr_equal(fs.head->next->def, &bimi_findings[BIMI_SVG]);
	b.len = 0;
	buf_str(&b, ROOT ">" TITLE);
	for (unsigned i = 0; i < MAIL_SVG_DEPTH_MAX; i++)
		buf_str(&b, "<g>");
	findings_init(&fs, pool);
	assert_int_equal(mail_svg_check(buf_get(&b), &fs), 0);
	whats_are(&fs, much, 0);
	buf_done(&b);
	(void)pool_free(pool);
}

/* --- with the evidence --- */

static const struct {
	const char		*svg, *pem;
	enum bimi_result	 result;
	enum bimi_authority	 authority;
	const char		*code;	/* the only finding, or NULL */
} marks[] = {
	{ MARK_SVG, PEM_LEAF PEM_INT, BIMI_PASS, BIMI_VOUCHED, NULL },
	{ MARK_SVG, PEM_PLAIN, BIMI_PASS, BIMI_VOUCHED, NULL },
	{ "", PEM_LEAF PEM_INT, BIMI_PASS, BIMI_VOUCHED, NULL },
	{ MARK_SVG, "", BIMI_PASS, BIMI_UNCHECKED, NULL },
	{ "", "", BIMI_PASS, BIMI_UNCHECKED, NULL },
	{ IN(""), PEM_LEAF PEM_INT, BIMI_FAIL, BIMI_VOUCHED, "BIMI_DIFFERS" },
	{ IN("<a/>"), "", BIMI_FAIL, BIMI_UNCHECKED, "BIMI_SVG" },
	{ "\x1f\x8b broken", "", BIMI_FAIL, BIMI_UNCHECKED, "BIMI_SVG" },
	{ MARK_SVG, PEM_LEAF, BIMI_FAIL, BIMI_DISPROVED, "BIMI_CERT_CHAIN" },
};

static void
together(void **state UNUSED)
{
	for (size_t i = 0; i < ARRAY_LEN(marks); i++) {
		struct pool *pool = pool_new(MAIL_POOL_MAX);
		struct bimi_out out = { .result = BIMI_PASS, .selector = SV("default") };
		struct mail_bimi_in in = { &out, sv_str(marks[i].svg), sv_str(marks[i].pem), SV(PEM_ROOT), 1800000000 };
		struct mail_bimi m;
		struct findings fs;

		assert_int_equal(mail_domain(SV("example.com"), &out.domain), 0);
		out.author = out.domain;
		findings_init(&fs, pool);
		assert_int_equal(mail_bimi_judge(&in, pool, &fs, &m), 0);
		if (m.result != marks[i].result || m.authority != marks[i].authority)
			print_message("# row %zu\n", i);
		assert_int_equal(m.result, marks[i].result);
		assert_int_equal(m.authority, marks[i].authority);
		assert_int_equal(fs.head != NULL, marks[i].code != NULL);
		if (fs.head != NULL)
			assert_string_equal(fs.head->def->code, marks[i].code);
		if (m.result == BIMI_PASS && marks[i].pem[0] != '\0')
			assert_true(sv_eq(m.svg, SV(MARK_SVG)));
		if (m.result != BIMI_PASS)
			assert_int_equal(m.svg.n, 0);
		(void)pool_free(pool);
	}
}

TESTS_MAIN("app mail_svg", T(images), T(sizes), T(together))
