/*
 * Text that is withheld from expat (rrdp_text.c): whatever a file has in it,
 * and wherever its pieces end, the answer is the one that expat gives when it
 * sees all of it.
 */
#include "kit.h"
#include "rpki/rrdp.h"

#define HEAD	"<snapshot xmlns=\"http://www.ripe.net/rpki/rrdp\" version=\"1\" " \
	"session_id=\"9df4b597-af9e-4dca-bdda-719cce2c4e28\" serial=\"3\">"
#define TAIL	"</snapshot>"
#define OPEN	"<publish uri=\"rsync://a.example/m/a.roa\">"
#define SHUT	"</publish>"
#define PUB(t)	OPEN t SHUT

#define FAILS	(-1)

/* What a reader of the file has learnt. */
struct learnt {
	struct buf	text;
	int		rc;
	enum rrdp_code	code;
	unsigned long	line;
	uint64_t	large;
	int64_t		withheld;	/* if it is good */
};

static int
take(void *arg, const struct rrdp_change *c)
{
	struct buf *b = arg;
	char letters[4096];

	assert_true(c->bytes.n < 3000);
	buf_sv(b, c->uri);
	buf_char(b, ' ');
	buf_bytes(b, letters, base64_encode(letters, c->bytes.p, c->bytes.n));
	buf_char(b, '\n');
	return 0;
}

static void
learn(struct sv text, size_t piece, bool all_shown, struct learnt *ret)
{
	struct rrdp_parser *p = rrdp_full_new(NULL, 0, take, &ret->text);

	assert_non_null(p);
	if (all_shown)
		p->all_shown = true;
	do {
		struct sv part = sv_take(text, piece);

		text = sv_skip(text, part.n);
		ret->rc = rrdp_parser_feed(p, part.p, part.n, text.n == 0);
	} while (ret->rc == 0 && text.n > 0);
	ret->code = p->code;
	ret->line = p->line;
	ret->large = p->n_large;
	ret->withheld = ret->rc < 0 ? FAILS : p->fed - p->shown;
	(void)rrdp_parser_free(p);
}

/* true: the same, in pieces of any size. Of the whole: what was withheld. */
static bool
same(struct sv text, int64_t *ret_withheld)
{
	bool ok = true;

	for (size_t piece = text.n; piece > 0; piece = piece > 12 ? piece / 2 : piece - 1) {
		struct learnt a = { 0 }, b = { 0 };

		learn(text, piece, true, &a);
		learn(text, piece, false, &b);
		if (a.rc != b.rc || a.code != b.code || a.line != b.line || a.large != b.large ||
		    !sv_eq(buf_get(&a.text), buf_get(&b.text))) {
			printf("# pieces of %zu: %d, code %d, line %lu; expat alone: %d, %d, %lu\n", piece,
			    b.rc, (int)b.code, b.line, a.rc, (int)a.code, a.line);
			printf("# %.*s\n", SV_ARG(text));
			ok = false;
		}
		if (piece == text.n)
			*ret_withheld = b.withheld;
		buf_done(&a.text);
		buf_done(&b.text);
	}
	return ok;
}

#define ROW(text, n)	{ SV(text), (n) }

static const struct {
	struct sv	text;
	int64_t		withheld;	/* when it comes in one piece, or FAILS */
} rows[] = {
	ROW(HEAD PUB("AAEC") TAIL, 4),
	ROW(HEAD PUB("AAEC") PUB("AA==") PUB("") TAIL, 8),
	ROW(HEAD "\n" PUB("\nAAEC\n\tAAEC\n ") "\n" PUB("AAEC") "\n" TAIL "\n", 17),
	ROW("<?xml version=\"1.0\" encoding=\"US-ASCII\"?>\n" HEAD PUB("AAEC") TAIL, 0),
	/* Ends of lines; then an error, which has a line. */
	ROW(HEAD PUB("AAEC\nAA\n\nEC\n") PUB("A\nA\nA\n") TAIL, FAILS),
	ROW(HEAD PUB("AAEC\r\nAAEC\r\n") "\r\n<x/>" TAIL, FAILS),
	ROW(HEAD PUB("AAEC\rAAEC\r") "\r<x/>" TAIL, FAILS),
	ROW(HEAD PUB("AAEC\n\r\n\rAA\nEC") "<x/>" TAIL, FAILS),
	ROW(HEAD PUB("\r\nAAEC\n") "\n<x/>" TAIL, FAILS),
	/* What is markup, or not, within the text. */
	ROW(HEAD PUB("AA&#69;C&#x41;AEC") TAIL, 2),
	ROW(HEAD PUB("&#65;AEC") TAIL, 0),
	ROW(HEAD PUB("AA&lt;C") TAIL, FAILS),
	ROW(HEAD PUB("AA&none;C") TAIL, FAILS),
	ROW(HEAD PUB("AA&E") TAIL, FAILS),
	ROW(HEAD PUB("AA<![CDATA[EC]]>AAEC") TAIL, 2),
	ROW(HEAD PUB("<![CDATA[A>A]]>") TAIL, FAILS),
	ROW(HEAD PUB("<![CDATA[AAEC</publish>]]>") TAIL, FAILS),
	ROW(HEAD PUB("AA<!-- </publish> > -->EC") TAIL, 2),
	ROW(HEAD PUB("AA<?p > ?>EC") TAIL, 2),
	ROW(HEAD PUB("AA]]>EC") TAIL, FAILS),
	ROW(HEAD PUB("AA]>EC") TAIL, FAILS),
	ROW(HEAD PUB("AA>EC") TAIL, FAILS),
	ROW(HEAD PUB("AA\xc3\xa9") TAIL, FAILS),
	ROW(HEAD PUB("AA\x01" "C") TAIL, FAILS),
	ROW(HEAD PUB("AA\0C") TAIL, FAILS),
	ROW(HEAD PUB("AA==AAEC") TAIL, FAILS),
	ROW(HEAD PUB("AA===") TAIL, FAILS),
	ROW(HEAD PUB("AAE") TAIL, FAILS),
	ROW(HEAD PUB("AAEC<x/>") TAIL, FAILS),
	ROW(HEAD PUB(OPEN "AAEC" SHUT) TAIL, FAILS),
	ROW(HEAD PUB("AAEC" OPEN) TAIL, FAILS),
	ROW(HEAD OPEN "AAEC</publish >" TAIL, 4),
	ROW(HEAD OPEN "AAEC</Publish>" TAIL, FAILS),
	ROW(HEAD OPEN "AAEC</" TAIL, FAILS),
	ROW(HEAD OPEN "AAEC", FAILS),
	ROW(HEAD OPEN, FAILS),
	/* Text that is none, and tags that are none. */
	ROW(HEAD "AAEC" TAIL, FAILS),
	ROW(HEAD "<!-- " PUB("AAEC") " -->" PUB("AAEC") TAIL, 0),
	ROW(HEAD "<![CDATA[" PUB("AAEC") "]]>" TAIL, FAILS),
	ROW(HEAD "<?p " PUB("AAEC") "?>" PUB("AAEC") TAIL, 0),
	ROW(HEAD "<publish uri=\"rsync://a.example/m/a.roa\"/>AAEC" TAIL, FAILS),
	ROW(HEAD "<publish uri=\"rsync://a.example/m/>AAEC\">AAEC" SHUT TAIL, FAILS),
	ROW(HEAD "<publish uri='rsync://a.example/m/a.roa'\n>AAEC" SHUT TAIL, 4),
	ROW(HEAD "<withdraw uri=\"rsync://a.example/m/a.roa\">AAEC</withdraw>" TAIL, FAILS),
	ROW(HEAD TAIL "AAEC", FAILS),
	ROW(HEAD TAIL PUB("AAEC"), FAILS),
	ROW("AAEC", FAILS),
	ROW("<!DOCTYPE d [<!ENTITY a \"AAEC\">]>" HEAD PUB("&a;") TAIL, FAILS),
	/* A byte order mark: it is expat's to say what the letters are. */
	ROW("\xef\xbb\xbf" HEAD PUB("AAEC") TAIL, 0),
	ROW("\xff\xfe" HEAD PUB("AAEC") TAIL, FAILS),
	ROW("\0" HEAD PUB("AAEC") TAIL, FAILS),
};

static void
texts(void **state UNUSED)
{
	unsigned bad = 0;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int64_t withheld = -1;

		if (same(rows[i].text, &withheld) && withheld == rows[i].withheld)
			continue;
		printf("# row %zu: %.*s: withheld %d\n", i, SV_ARG(rows[i].text), (int)withheld);
		bad++;
	}
	assert_int_equal(bad, 0);
}

/* Each of them, cut off or with another character anywhere. */
static void
broken(void **state UNUSED)
{
	static const char signs[] = "<>&]\r\nA=\0\xff\"/";
	unsigned bad = 0;
	int64_t none;

	for (size_t i = 0; i < ARRAY_LEN(rows); i += 4)
		for (size_t at = sizeof(HEAD) - 1; at < rows[i].text.n; at++) {
			char text[1024];

			assert_true(rows[i].text.n <= sizeof(text));
			memcpy(text, rows[i].text.p, rows[i].text.n);
			bad += !same((struct sv){ text, at }, &none);
			text[at] = signs[at % (sizeof(signs) - 1)];
			bad += !same((struct sv){ text, rows[i].text.n }, &none);
		}
	assert_int_equal(bad, 0);
}

/* In UTF-16, '>' and the letters are two bytes each. */
static void
wide(void **state UNUSED)
{
	const struct sv text = SV(HEAD PUB("AAEC") PUB("AAEC") TAIL);

	for (unsigned form = 0; form < 4; form++) {
		bool big = (form & 1) != 0, mark = (form & 2) != 0;
		struct buf b = BUF_INIT;
		int64_t withheld = -1;

		if (mark)
			buf_sv(&b, big ? SV("\xfe\xff") : SV("\xff\xfe"));
		for (size_t i = 0; i < text.n; i++) {
			if (big)
				buf_char(&b, '\0');
			buf_char(&b, text.p[i]);
			if (!big)
				buf_char(&b, '\0');
		}
		assert_true(same(buf_get(&b), &withheld));
		assert_int_equal(withheld, 0);
		buf_done(&b);
	}
}

/* Long text is no long tag, however it comes; an object that is too long is none. */
static void
lengths(void **state UNUSED)
{
	const size_t most = (size_t)RPKI_OBJECT_SIZE_MAX / 2 * 3;

	for (int all_shown = 0; all_shown < 2; all_shown++)
		for (int more = 0; more < 2; more++) {
			struct learnt l = { 0 };
			struct buf b = BUF_INIT;

			buf_str(&b, HEAD OPEN);
			for (size_t i = 0; i < most + (size_t)more; i++)
				buf_char(&b, ' ');
			buf_str(&b, SHUT TAIL);
			assert_int_equal(b.rc, 0);
			for (size_t piece = 16384; piece <= b.len; piece *= 1024) {
				learn(buf_get(&b), piece, all_shown != 0, &l);
				assert_int_equal(l.rc, 0);
				assert_int_equal(l.large, more);
				assert_int_equal(l.text.len > 0, !more);
				buf_done(&l.text);
			}
			buf_done(&b);
		}
}

TESTS_MAIN("rpki rrdp text", T(texts), T(broken), T(wide), T(lengths))
