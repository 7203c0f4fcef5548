/* URIs, trust anchor locators, RRDP snapshots, base64: text of strangers. */
#include "kit.h"

#include <fcntl.h>
#include <unistd.h>

/* --- URIs --- */

static void
uris(void **state UNUSED)
{
	static const struct {
		const char	*uri;
		bool		 rsync, https;
	} rows[] = {
		{ "rsync://a.example/m/x.cer", true, false },
		{ "RSYNC://a.example/m/x.cer", true, false },
		{ "rsync://a.example/m/", true, false },
		{ "rsync://a.example:873/m/d/x.cer", true, false },
		{ "https://a.example/x.cer", false, true },
		{ "http://a.example/x.cer", false, false },
		{ "rsync:/a.example/m/x", false, false },
		{ "rsync://", false, false },
		{ "rsync://a.example", false, false },
		{ "rsync://a.example/", false, false },
		{ "rsync:///m/x.cer", false, false },
		{ "rsync://a.example//x.cer", false, false },
		{ "rsync://a.example/m//x.cer", false, false },
		{ "rsync://a.example/m/x//", false, false },
		{ "rsync://a.example/m/../x.cer", false, false },
		{ "rsync://../m/x.cer", false, false },
		{ "rsync://a.example/m/..", false, false },
		{ "rsync://a.example/m/./x.cer", false, false },
		{ "rsync://a.example/m/.hidden", false, false },
		{ "rsync://a.example/m/x y.cer", false, false },
		{ "rsync://a.example/m/x\n.cer", false, false },
		{ "rsync://a.example/m/x\x7f.cer", false, false },
		{ "rsync://a.example/m/\xe6\x9d\xb1.cer", false, false },
		{ "rsync://a.example/m/x?y", false, false },
		{ "rsync://a.example/m/x#y", false, false },
		{ "rsync://a.example/m/x\\y", false, false },
		{ "rsync://a.example/m/`x`", false, false },
		{ "", false, false },
	};
	static char longest[RPKI_URI_MAX + 2] = "rsync://a.example/m/";
	struct sv nul = SV("rsync://a.example/m/x\0y.cer");

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (rsync_uri_valid(sv_str(rows[i].uri)) != rows[i].rsync ||
		    https_uri_valid(sv_str(rows[i].uri)) != rows[i].https)
			fail_msg("%s", rows[i].uri);
	assert_false(rsync_uri_valid(nul));
	assert_false(rsync_uri_valid((struct sv){ NULL, 0 }));
	memset(longest + strlen(longest), 'x', sizeof(longest) - 1 - strlen(longest));
	assert_true(rsync_uri_valid((struct sv){ longest, RPKI_URI_MAX }));
	assert_false(rsync_uri_valid((struct sv){ longest, RPKI_URI_MAX + 1 }));
}

static void
types(void **state UNUSED)
{
	static const struct {
		const char	*name;
		enum rpki_type	 type;
	} rows[] = {
		{ "a.cer", RPKI_CER }, { "a.crl", RPKI_CRL }, { "a.mft", RPKI_MFT }, { "a.roa", RPKI_ROA },
		{ "a.asa", RPKI_ASA }, { "a.gbr", RPKI_GBR }, { "a.tak", RPKI_TAK }, { "a.spl", RPKI_SPL },
		{ "a.sig", RPKI_RSC }, { "a.xyz", RPKI_OTHER }, { "a.ROA", RPKI_OTHER }, { "roa", RPKI_OTHER },
		{ "", RPKI_OTHER }, { "a.roa.", RPKI_OTHER }, { "a.roa/", RPKI_OTHER },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_int_equal(rpki_type_of(sv_str(rows[i].name)), rows[i].type);
	for (int t = 0; t < RPKI_TYPE_MAX; t++)
		assert_non_null(rpki_type_name((enum rpki_type)t));
	for (int v = 0; v < V_MAX; v++)
		assert_non_null(rpki_verdict_name((enum rpki_verdict)v));
}

/* --- TALs --- */

/* A SubjectPublicKeyInfo in form: SEQUENCE { SEQUENCE {}, BIT STRING }. */
#define KEY	"MAUwAAMBAA=="
#define URI1	"rsync://a.example/m/ta.cer"
#define URI2	"https://a.example/ta.cer"

static void
tals(void **state UNUSED)
{
	static const struct {
		const char	*text;
		size_t		 n;		/* URIs; 0: refused */
		unsigned	 line;		/* where */
	} rows[] = {
		{ URI1 "\n\n" KEY "\n", 1, 0 },
		{ URI1 "\n\n" KEY, 1, 0 },
		{ URI1 "\r\n\r\n" KEY "\r\n", 1, 0 },
		{ URI2 "\n" URI1 "\n\n" KEY "\n", 2, 0 },
		{ URI1 "\n\nMAUw\nAAMB\n AA==\n\n", 1, 0 },
		{ "# x\n#\n" URI1 "\n\n" KEY "\n", 1, 0 },
		{ "# x\r\n" URI2 "\r\n\r\n" KEY "\r\n", 1, 0 },
		{ "", 0, 1 },
		{ "\n", 0, 1 },
		{ "\n" URI1 "\n\n" KEY, 0, 1 },			/* begins with the empty line */
		{ URI1 "\n", 0, 2 },
		{ URI1 "\n\n", 0, 3 },
		{ URI1 "\n" KEY "\n", 0, 2 },			/* no empty line */
		{ URI1 "\n# late\n\n" KEY, 0, 2 },
		{ "ftp://a.example/ta.cer\n\n" KEY, 0, 1 },
		{ "rsync://a.example/../ta.cer\n\n" KEY, 0, 1 },
		{ " " URI1 "\n\n" KEY, 0, 1 },
		{ URI1 " \n\n" KEY, 0, 1 },
		{ URI1 "\n\nMAUwAAMBAA\n", 0, 3 },		/* not padded */
		{ URI1 "\n\nMAUwAAMBAA==!\n", 0, 3 },
		{ URI1 "\n\n" KEY KEY "\n", 0, 3 },
		{ URI1 "\n\nMAMCAQU=\n", 0, 3 },		/* a number */
		{ URI1 "\n\nMAYwAAMBAAA=\n", 0, 3 },		/* something behind the key */
	};
	struct kit k = kit_new();

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const char *why = NULL;
		unsigned line = 0;
		struct tal t = { 0 };
		int rc;

		kit_clear(&k);
		rc = tal_parse(k.pool, sv_str(rows[i].text), &t, &why, &line);
		if (rows[i].n > 0 ? rc != 0 || t.n_uris != rows[i].n || t.spki.n != 7 :
		    rc != SE_SYNTAX || why == NULL || line != rows[i].line)
			fail_msg("row %zu: %d, %zu URIs, line %u: %s", i, rc, t.n_uris, line,
			    why == NULL ? "-" : why);
	}
	kit_done(&k);
}

static void
tal_uris_max(void **state UNUSED)
{
	struct kit k = kit_new();

	for (int n = RPKI_TAL_URIS_MAX; n <= RPKI_TAL_URIS_MAX + 1; n++) {
		_cleanup_(buf_done) struct buf b = BUF_INIT;
		const char *why = NULL;
		unsigned line;
		struct tal t;

		kit_clear(&k);
		for (int i = 0; i < n; i++)
			buf_str(&b, URI1 "\n");
		buf_str(&b, "\n" KEY);
		assert_int_equal(tal_parse(k.pool, buf_get(&b), &t, &why, &line),
		    n == RPKI_TAL_URIS_MAX ? 0 : SE_SYNTAX);
	}
	kit_done(&k);
}

/* --- base64 --- */

static void
base64(void **state UNUSED)
{
	static const struct {
		const char	*in;
		int		 n;		/* -1: refused */
	} rows[] = {
		{ "", 0 }, { "AAAA", 3 }, { "AAA=", 2 }, { "AA==", 1 }, { "A A\r\n=\t=", 1 }, { " ", 0 },
		{ "A", -1 }, { "AA", -1 }, { "AAA", -1 }, { "AA=", -1 }, { "A===", -1 }, { "====", -1 },
		{ "=", -1 }, { "AAAA=", -1 }, { "AAAA====", -1 }, { "AA==AAAA", -1 }, { "AA=A", -1 },
		{ "AB==", -1 }, { "AAB=", -1 },			/* bits behind the end */
		{ "AA-_", -1 }, { "AA\0A", -1 }, { "AA*A", -1 }, { "AA\xc3\xa9", -1 },
	};
	uint64_t x = 7;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint8_t out[32];
		size_t n = 0;
		int rc = base64_decode(out, sv_str(rows[i].in), &n);

		if (rows[i].n < 0 ? rc != -EINVAL : rc != 0 || n != (size_t)rows[i].n)
			fail_msg("\"%s\": %d, %zu", rows[i].in, rc, n);
	}
	for (size_t len = 0; len < 200; len++) {
		uint8_t in[200], back[256];
		char text[300];
		size_t n, m;

		for (size_t i = 0; i < len; i++)
			in[i] = (uint8_t)((x = x * 6364136223846793005u + 1) >> 33);
		n = base64_encode(text, in, len);
		assert_int_equal(n, (len + 2) / 3 * 4);
		assert_true(base64_room(n) >= len);
		assert_int_equal(base64_decode(back, (struct sv){ text, n }, &m), 0);
		assert_int_equal(m, len);
		assert_memory_equal(in, back, len);
	}
}

/* --- RRDP --- */

#define HEAD	"<snapshot xmlns=\"http://www.ripe.net/rpki/rrdp\" version=\"1\" " \
	"session_id=\"9df4b597-af9e-4dca-bdda-719cce2c4e28\" serial=\"3\">"
#define PUB(uri, text)	"<publish uri=\"" uri "\">" text "</publish>"
#define TAIL	"</snapshot>"

struct taken {
	struct map	 uris;
	struct pool	*pool;
	size_t		 n, bytes;
};

static int
take(void *arg, struct sv uri, struct sv bytes)
{
	struct taken *t = arg;

	t->n++;
	t->bytes += bytes.n;
	return map_add(&t->uris, pool_sv(t->pool, uri), t);
}

static int
feed(struct sv text, size_t piece, size_t *ret_n)
{
	struct taken t = { .pool = pool_new(1 << 20) };
	struct rrdp_snapshot *s = rrdp_snapshot_new(take, &t);
	unsigned long line = 0;
	int rc;

	assert_non_null(s);
	do {
		struct sv part = sv_take(text, piece);

		text = sv_skip(text, part.n);
		rc = rrdp_snapshot_feed(s, part.p, part.n, text.n == 0);
	} while (rc == 0 && text.n > 0);
	assert_int_equal(rrdp_snapshot_why(s, &line) == NULL, rc == 0);
	if (rc < 0)		/* a failure is for ever */
		assert_int_equal(rrdp_snapshot_feed(s, "<a/>", 4, false), rc);
	(void)rrdp_snapshot_free(s);
	map_done(&t.uris);
	(void)pool_free(t.pool);
	*ret_n = t.n;
	return rc;
}

static void
rrdp_forms(void **state UNUSED)
{
	static const struct {
		const char	*text;
		int		 rc;
		size_t		 n;
	} rows[] = {
		{ HEAD TAIL, 0, 0 },
		{ HEAD PUB(URI1, "AAEC") TAIL, 0, 1 },
		{ HEAD "\n " PUB(URI1, "\n AAEC\n AA==\n") "\n" TAIL "\n", 0, 1 },
		{ HEAD PUB(URI1, "") TAIL, 0, 1 },
		{ HEAD PUB(URI1, "<![CDATA[AAEC]]>") TAIL, 0, 1 },
		{ HEAD PUB(URI1, "AAEC") PUB(URI1, "AAEC") TAIL, -EEXIST, 2 },
		{ HEAD PUB(URI1, "AAEC") PUB("rsync://a.example/m/TA.cer", "AAEC") TAIL, 0, 2 },
		{ "<?xml version=\"1.0\"?><!DOCTYPE s>" HEAD TAIL, SE_SYNTAX, 0 },
		{ "<!DOCTYPE s [<!ENTITY a \"b\">]>" HEAD "&a;" TAIL, SE_SYNTAX, 0 },
		{ "<!DOCTYPE s SYSTEM \"file:///etc/passwd\">" HEAD TAIL, SE_SYNTAX, 0 },
		{ HEAD "&undefined;" TAIL, SE_SYNTAX, 0 },
		{ HEAD, SE_SYNTAX, 0 },
		{ HEAD PUB(URI1, "AAEC"), SE_SYNTAX, 1 },
		{ HEAD "<publish uri=\"" URI1 "\">AAEC", SE_SYNTAX, 0 },
		{ "", SE_SYNTAX, 0 },
		{ "no xml", SE_SYNTAX, 0 },
		{ HEAD TAIL HEAD TAIL, SE_SYNTAX, 0 },
		{ "<snapshot version=\"1\" session_id=\"x\" serial=\"3\"/>", SE_SYNTAX, 0 },
		{ "<snapshot xmlns=\"http://www.ripe.net/rpki/rrdq\" version=\"1\" session_id=\"x\" "
		    "serial=\"3\"/>", SE_SYNTAX, 0 },
		{ "<snapshot xmlns=\"http://www.ripe.net/rpki/rrdp\" version=\"2\" session_id=\"x\" "
		    "serial=\"3\"/>", SE_SYNTAX, 0 },
		{ "<snapshot xmlns=\"http://www.ripe.net/rpki/rrdp\" version=\"1\" serial=\"3\"/>", SE_SYNTAX, 0 },
		{ "<snapshot xmlns=\"http://www.ripe.net/rpki/rrdp\" version=\"1\" session_id=\"x\" "
		    "serial=\"0\"/>", SE_SYNTAX, 0 },
		{ "<snapshot xmlns=\"http://www.ripe.net/rpki/rrdp\" version=\"1\" session_id=\"x\" "
		    "serial=\"-1\"/>", SE_SYNTAX, 0 },
		{ "<delta xmlns=\"http://www.ripe.net/rpki/rrdp\" version=\"1\" session_id=\"x\" "
		    "serial=\"3\"/>", SE_SYNTAX, 0 },
		{ HEAD "<withdraw uri=\"" URI1 "\" hash=\"00\"/>" TAIL, SE_SYNTAX, 0 },
		{ HEAD "<publish>AAEC</publish>" TAIL, SE_SYNTAX, 0 },
		{ HEAD "<publish xmlns=\"x\" uri=\"" URI1 "\">AAEC</publish>" TAIL, SE_SYNTAX, 0 },
		{ HEAD PUB(URI2, "AAEC") TAIL, SE_SYNTAX, 0 },
		{ HEAD PUB("rsync://a.example/m/../x.cer", "AAEC") TAIL, SE_SYNTAX, 0 },
		{ HEAD PUB(URI1, "AAE") TAIL, SE_SYNTAX, 0 },
		{ HEAD PUB(URI1, "AA!C") TAIL, SE_SYNTAX, 0 },
		{ HEAD PUB(URI1, "<b/>") TAIL, SE_SYNTAX, 0 },
		{ HEAD PUB(URI1, PUB(URI1, "AAEC")) TAIL, SE_SYNTAX, 0 },
		{ HEAD "<!-- \xe6\x9d\xb1 -->" TAIL, SE_SYNTAX, 0 },	/* not US-ASCII */
	};
	unsigned bad = 0;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		for (size_t piece = 1; piece < 4096; piece = piece * 3 + 4) {
			size_t n;
			int rc = feed(sv_str(rows[i].text), piece, &n);

			if (rc == rows[i].rc && n == rows[i].n)
				continue;
			printf("# %s: %d, %zu objects\n", rows[i].text, rc, n);
			bad++;
		}
	assert_int_equal(bad, 0);
}

/* A tag, a comment and an object without end cost bounded memory and time. */
static void
rrdp_endless(void **state UNUSED)
{
	static const char *const starts[] = {
		HEAD "<!--", HEAD "<publish uri=\"rsync://", "<", HEAD "<", HEAD "<publish uri=\"" URI1 "\">",
	};
	static char piece[64 * 1024];

	memset(piece, 'A', sizeof(piece));
	for (size_t i = 0; i < ARRAY_LEN(starts); i++) {
		struct taken t = { 0 };
		struct rrdp_snapshot *s = rrdp_snapshot_new(take, &t);
		size_t fed = 0;
		int rc;

		assert_non_null(s);
		rc = rrdp_snapshot_feed(s, starts[i], strlen(starts[i]), false);
		for (; rc == 0 && fed < 2u * RPKI_OBJECT_SIZE_MAX; fed += sizeof(piece))
			rc = rrdp_snapshot_feed(s, piece, sizeof(piece), false);
		/* An object is no reason to end, but nothing of it is kept: its receiver hears nothing. */
		assert_int_equal(rc, i + 1 < ARRAY_LEN(starts) ? SE_LIMIT : 0);
		assert_int_equal(t.n, 0);
		(void)rrdp_snapshot_free(s);
	}
}

/* The attacks that another implementation collected. */
static void
rrdp_attacks(void **state UNUSED)
{
	static const char *const names[] = { "billion_lol.xml", "xxe.xml" };
	const char *data = getenv("SEKISHO_DATA"), *src = getenv("SEKISHO_SRC");
	static char text[1 << 20];

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		char path[4096];
		ssize_t got;
		size_t n;
		int fd;

		(void)snprintf(path, sizeof(path), "%s%s/rpki/objects/rrdp/%s", data != NULL ? data :
		    src != NULL ? src : ".", data != NULL ? "" : "/../shared/data", names[i]);
		if ((fd = open(path, O_RDONLY)) < 0)
			skip();
		got = read(fd, text, sizeof(text));
		(void)close(fd);
		assert_true(got > 0);
		assert_int_equal(feed((struct sv){ text, (size_t)got }, 512, &n), SE_SYNTAX);
		assert_int_equal(n, 0);
	}
}

TESTS_MAIN("rpki text", T(uris), T(types), T(tals), T(tal_uris_max), T(base64), T(rrdp_forms),
    T(rrdp_endless), T(rrdp_attacks))
