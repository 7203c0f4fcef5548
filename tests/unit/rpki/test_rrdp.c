/*
 * RRDP's notification and deltas, the state that is kept of a server, and the
 * decision between deltas and the snapshot. Writers of our own stand here, so
 * that what is written can be read back.
 */
#include <fcntl.h>
#include <unistd.h>

#include "kit.h"

#define NS	"xmlns=\"http://www.ripe.net/rpki/rrdp\""
#define SID	"9df4b597-af9e-4dca-bdda-719cce2c4e28"
#define SID2	"0df4b597-af9e-4dca-bdda-719cce2c4e28"
#define H0	"00000000000000000000000000000000000000000000000000000000000000"
#define HASH(xy) H0 xy
#define AT	"https://rrdp.example/n/notification.xml"
#define HEAD	"<notification " NS " version=\"1\" session_id=\"" SID "\" serial=\"9\">"
#define SNAP	"<snapshot uri=\"https://rrdp.example/9/s.xml\" hash=\"" HASH("aa") "\"/>"
#define DELTA(n, xy) "<delta serial=\"" n "\" uri=\"https://rrdp.example/" n "/d.xml\" hash=\"" HASH(xy) "\"/>"
#define TAIL	"</notification>"

#define NONE	RRDP_CODE_MAX

static unsigned
n_of_rrdp(const struct findings *fs, enum rrdp_code c)
{
	unsigned n = 0;

	for (const struct finding *f = fs->head; f != NULL; f = f->next)
		n += f->def == &rrdp_findings[c];
	return n;
}

/* The only finding is code (NONE: there is none). */
static bool
only_rrdp(const struct findings *fs, enum rrdp_code code)
{
	if (code == NONE)
		return fs->n_kept == 0;
	return fs->n_kept == 1 && n_of_rrdp(fs, code) == 1;
}

static int
feed(struct rrdp_parser *p, struct sv text, size_t piece)
{
	int rc;

	assert_non_null(p);
	do {
		struct sv part = sv_take(text, piece);

		text = sv_skip(text, part.n);
		rc = rrdp_parser_feed(p, part.p, part.n, text.n == 0);
	} while (rc == 0 && text.n > 0);
	return rc;
}

/* The notification in the pool, or NULL; its findings. */
static const struct rrdp_notification *
notification(struct pool *pool, struct sv text, size_t piece, struct findings *fs, int *ret_rc)
{
	struct rrdp_parser *p = rrdp_notification_new(pool, sv_str(AT));
	const struct rrdp_notification *n;
	struct rrdp_notification *copy;

	*ret_rc = feed(p, text, piece);
	rrdp_parser_report(p, sv_str(AT), fs);
	n = rrdp_parser_notification(p);
	assert_int_equal(n == NULL, *ret_rc < 0);
	if (n != NULL) {
		copy = pool_alloc(pool, sizeof(*copy));
		assert_non_null(copy);
		*copy = *n;
		n = copy;
	}
	(void)rrdp_parser_free(p);
	return n;
}

static void
notification_forms(void **state UNUSED)
{
	static const struct {
		const char	*text;
		int		 rc;
		enum rrdp_code	 code;
		size_t		 n;	/* deltas left */
	} rows[] = {
		{ HEAD SNAP TAIL, 0, NONE, 0 },
		{ HEAD SNAP DELTA("9", "09") TAIL, 0, NONE, 1 },
		{ HEAD " \n" SNAP "\n" DELTA("9", "09") DELTA("8", "08") TAIL "\n", 0, NONE, 2 },
		{ HEAD SNAP DELTA("8", "08") DELTA("9", "09") TAIL, 0, NONE, 2 },
		{ HEAD SNAP DELTA("8", "08") DELTA("9", "09") DELTA("7", "07") TAIL, 0, RRDP_UNSORTED, 3 },
		{ HEAD SNAP DELTA("9", "09") DELTA("7", "07") TAIL, 0, RRDP_GAP, 1 },
		{ HEAD SNAP DELTA("8", "08") DELTA("7", "07") TAIL, 0, RRDP_GAP, 0 },
		/* The schema. */
		{ HEAD TAIL, SE_SYNTAX, RRDP_SCHEMA, 0 },
		{ HEAD SNAP SNAP TAIL, SE_SYNTAX, RRDP_SCHEMA, 0 },
		{ HEAD DELTA("9", "09") SNAP TAIL, SE_SYNTAX, RRDP_SCHEMA, 0 },
		{ HEAD SNAP DELTA("9", "09") DELTA("9", "09") TAIL, SE_SYNTAX, RRDP_SCHEMA, 0 },
		{ HEAD SNAP DELTA("10", "10") TAIL, SE_SYNTAX, RRDP_SCHEMA, 0 },
		{ HEAD SNAP DELTA("0", "00") TAIL, SE_SYNTAX, RRDP_SCHEMA, 0 },
		{ HEAD SNAP "text" TAIL, SE_SYNTAX, RRDP_SCHEMA, 0 },
		{ HEAD "<snapshot uri=\"https://rrdp.example/s.xml\" hash=\"" HASH("aa") "\">x</snapshot>" TAIL,
		    SE_SYNTAX, RRDP_SCHEMA, 0 },
		{ HEAD "<snapshot uri=\"https://rrdp.example/s.xml\" hash=\"" HASH("aa") "\">"
		    DELTA("9", "09") "</snapshot>" TAIL, SE_SYNTAX, RRDP_SCHEMA, 0 },
		{ HEAD "<snapshot uri=\"https://rrdp.example/9/s.xml\"/>" TAIL, SE_SYNTAX, RRDP_SCHEMA, 0 },
		{ HEAD "<snapshot uri=\"https://rrdp.example/9/s.xml\" hash=\"" H0 "a\"/>" TAIL,
		    SE_SYNTAX, RRDP_SCHEMA, 0 },
		{ HEAD "<snapshot uri=\"https://rrdp.example/9/s.xml\" hash=\"" H0 "zz\"/>" TAIL,
		    SE_SYNTAX, RRDP_SCHEMA, 0 },
		{ HEAD "<snapshot uri=\"https://rrdp.example/9/s.xml\" hash=\"" HASH("AA") "\" size=\"1\"/>" TAIL,
		    SE_SYNTAX, RRDP_SCHEMA, 0 },
		{ HEAD "<snapshot uri=\"https://rrdp.example/9/s.xml\" hash=\"" HASH("aa") "\" serial=\"9\"/>" TAIL,
		    SE_SYNTAX, RRDP_SCHEMA, 0 },
		{ HEAD "<snapshot uri=\"http://rrdp.example/9/s.xml\" hash=\"" HASH("aa") "\"/>" TAIL,
		    SE_SYNTAX, RRDP_SCHEMA, 0 },
		{ HEAD "<snapshot uri=\"s.xml\" hash=\"" HASH("aa") "\"/>" TAIL, SE_SYNTAX, RRDP_SCHEMA, 0 },
		{ HEAD "<!-- no -->" SNAP "<?no?>" TAIL, 0, NONE, 0 },
		{ "<notification " NS " version=\"1\" session_id=\"" SID "\" serial=\"9\" more=\"1\">" SNAP TAIL,
		    SE_SYNTAX, RRDP_SCHEMA, 0 },
		{ "<notification " NS " version=\"1\" session_id=\"" SID "\">" SNAP TAIL,
		    SE_SYNTAX, RRDP_SCHEMA, 0 },
		{ "<notification " NS " version=\"2\" session_id=\"" SID "\" serial=\"9\">" SNAP TAIL,
		    SE_SYNTAX, RRDP_SCHEMA, 0 },
		{ "<notification " NS " version=\"1\" session_id=\"9df4b597\" serial=\"9\">" SNAP TAIL,
		    SE_SYNTAX, RRDP_SCHEMA, 0 },
		{ "<notification " NS " version=\"1\" session_id=\"9df4b597-af9e-4dca-bdda-719cce2c4e2g\" "
		    "serial=\"9\">" SNAP TAIL, SE_SYNTAX, RRDP_SCHEMA, 0 },
		{ "<notification " NS " version=\"1\" session_id=\"" SID "\" serial=\"0\">" SNAP TAIL,
		    SE_SYNTAX, RRDP_SCHEMA, 0 },
		{ "<notification " NS " version=\"1\" session_id=\"" SID "\" serial=\"18446744073709551616\">"
		    SNAP TAIL, SE_SYNTAX, RRDP_SCHEMA, 0 },
		{ "<notification " NS " version=\"1\" session_id=\"" SID "\" serial=\"18446744073709551615\">"
		    SNAP TAIL, 0, NONE, 0 },
		{ "<notification version=\"1\" session_id=\"" SID "\" serial=\"9\">" SNAP TAIL,
		    SE_SYNTAX, RRDP_SCHEMA, 0 },
		{ "<snapshot " NS " version=\"1\" session_id=\"" SID "\" serial=\"9\"/>",
		    SE_SYNTAX, RRDP_SCHEMA, 0 },
		/* XML. */
		{ "", SE_SYNTAX, RRDP_XML, 0 },
		{ "<!DOCTYPE n>" HEAD SNAP TAIL, SE_SYNTAX, RRDP_XML, 0 },
		{ HEAD SNAP, SE_SYNTAX, RRDP_XML, 0 },
		{ HEAD SNAP TAIL "x", SE_SYNTAX, RRDP_XML, 0 },
		{ "<notification " NS " version=\"1\" version=\"1\" session_id=\"" SID "\" serial=\"9\">" SNAP TAIL,
		    SE_SYNTAX, RRDP_XML, 0 },
		/* RFC 9674. */
		{ HEAD "<snapshot uri=\"https://other.example/9/s.xml\" hash=\"" HASH("aa") "\"/>" TAIL,
		    SE_SYNTAX, RRDP_ORIGIN, 0 },
		{ HEAD "<snapshot uri=\"https://rrdp.example:444/9/s.xml\" hash=\"" HASH("aa") "\"/>" TAIL,
		    SE_SYNTAX, RRDP_ORIGIN, 0 },
		{ HEAD SNAP "<delta serial=\"9\" uri=\"https://rrdp.example.evil/d.xml\" hash=\"" HASH("aa") "\"/>"
		    TAIL, SE_SYNTAX, RRDP_ORIGIN, 0 },
		{ HEAD "<snapshot uri=\"https://RRDP.example:443/9/s.xml\" hash=\"" HASH("aa") "\"/>" TAIL,
		    0, NONE, 0 },
	};
	unsigned bad = 0;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		for (size_t piece = 1; piece < 4096; piece = piece * 5 + 2) {
			_cleanup_(pool_freep) struct pool *pool = pool_new(1 << 20);
			struct findings fs;
			const struct rrdp_notification *n;
			int rc;

			findings_init(&fs, pool);
			n = notification(pool, sv_str(rows[i].text), piece, &fs, &rc);
			if (rc == rows[i].rc && only_rrdp(&fs, rows[i].code) &&
			    (n == NULL || n->n_deltas == rows[i].n))
				continue;
			printf("# %s: %d, %zu findings (%s)\n", rows[i].text, rc, fs.n_kept,
			    fs.head != NULL ? fs.head->def->code : "");
			bad++;
		}
	assert_int_equal(bad, 0);
}

/* What a notification says, as text again. */
static void
notification_write(struct buf *b, const struct rrdp_notification *n)
{
	char hex[2 * SHA256_LEN + 1];

	buf_printf(b, "<notification " NS " version=\"1\" session_id=\"%s\" serial=\"%llu\">\n"
	    "<snapshot uri=\"%s\" hash=\"%s\"/>\n", n->session, (unsigned long long)n->serial,
	    n->snapshot.uri.p, hex_encode(hex, n->snapshot.hash, SHA256_LEN));
	for (size_t i = 0; i < n->n_deltas; i++)
		buf_printf(b, "<delta serial=\"%llu\" uri=\"%s\" hash=\"%s\"/>\n",
		    (unsigned long long)n->deltas[i].serial, n->deltas[i].uri.p,
		    hex_encode(hex, n->deltas[i].hash, SHA256_LEN));
	buf_str(b, "</notification>\n");
}

static struct sv
data_read(struct pool *pool, const char *name)
{
	const char *data = getenv("SEKISHO_DATA"), *src = getenv("SEKISHO_SRC");
	char path[4096], *text = pool_alloc(pool, 1 << 20);
	ssize_t got;
	int fd;

	(void)snprintf(path, sizeof(path), "%s%s/rpki/rrdp/%s", data != NULL ? data :
	    src != NULL ? src : ".", data != NULL ? "" : "/../shared/data", name);
	if ((fd = open(path, O_RDONLY)) < 0)
		skip();
	got = read(fd, text, 1 << 20);
	(void)close(fd);
	assert_true(got > 0);
	return (struct sv){ text, (size_t)got };
}

/* RIPE's, as it came, in disorder, and with gaps. */
static void
notification_real(void **state UNUSED)
{
	static const struct {
		const char	*name;
		enum rrdp_code	 code;
		size_t		 n, n_listed;
		uint64_t	 gap;
	} rows[] = {
		{ "ripe-notification.xml", NONE, 91, 91, 0 },
		{ "ripe-notification-unsorted.xml", RRDP_UNSORTED, 91, 91, 0 },
		{ "ripe-notification-with-gaps.xml", RRDP_GAP, 5, 90, 1737 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		_cleanup_(pool_freep) struct pool *pool = pool_new(4 << 20);
		struct sv text = data_read(pool, rows[i].name);
		struct rrdp_parser *p = rrdp_notification_new(pool, SV("https://rrdp.ripe.net/notification.xml"));
		const struct rrdp_notification *n;
		struct findings fs;

		findings_init(&fs, pool);
		assert_int_equal(feed(p, text, 1000), 0);
		n = rrdp_parser_notification(p);
		assert_non_null(n);
		rrdp_parser_report(p, SV("x"), &fs);
		printf("# %s: %zu of %zu deltas, gap %llu\n", rows[i].name, n->n_deltas, n->n_listed,
		    (unsigned long long)n->gap);
		assert_true(only_rrdp(&fs, rows[i].code));
		assert_int_equal(n->serial, 1742);
		assert_string_equal(n->session, "a2d845c4-5b91-4015-a2b7-988c03ce232a");
		assert_int_equal(n->n_listed, rows[i].n_listed);
		assert_int_equal(n->n_deltas, rows[i].n);
		assert_int_equal(n->gap, rows[i].gap);
		for (size_t k = 0; k < n->n_deltas; k++)
			assert_int_equal(n->deltas[k].serial, 1742 - n->n_deltas + 1 + k);
		(void)rrdp_parser_free(p);
	}
}

static void
notification_roundtrip(void **state UNUSED)
{
	_cleanup_(pool_freep) struct pool *pool = pool_new(4 << 20);
	const struct rrdp_notification *a, *b;
	struct buf first = BUF_INIT, second = BUF_INIT;
	struct findings fs;
	int rc;

	findings_init(&fs, pool);
	a = notification(pool, sv_str(HEAD SNAP DELTA("9", "AB") DELTA("8", "08") TAIL), 7, &fs, &rc);
	assert_non_null(a);
	notification_write(&first, a);
	b = notification(pool, buf_get(&first), 1000, &fs, &rc);
	assert_non_null(b);
	notification_write(&second, b);
	assert_true(sv_eq(buf_get(&first), buf_get(&second)));
	assert_int_equal(fs.n_kept, 0);
	buf_done(&first);
	buf_done(&second);
}

/* Ends at the named limits, not with the memory. */
static void
notification_limits(void **state UNUSED)
{
	_cleanup_(pool_freep) struct pool *pool = pool_new(64 << 20), *small = pool_new(64 << 10);
	struct buf b = BUF_INIT;
	struct findings fs;
	struct sv text;
	int rc;

	findings_init(&fs, pool);
	buf_printf(&b, "<notification " NS " version=\"1\" session_id=\"" SID "\" serial=\"%d\">" SNAP,
	    RRDP_DELTAS_LISTED_MAX + 1);
	for (int i = RRDP_DELTAS_LISTED_MAX + 1; i > 0; i--)
		buf_printf(&b, "<delta serial=\"%d\" uri=\"https://rrdp.example/%d\" hash=\"" HASH("aa") "\"/>", i, i);
	buf_str(&b, TAIL);
	text = buf_get(&b);
	assert_true(text.n < RRDP_NOTIFICATION_MAX);
	assert_null(notification(pool, text, 65536, &fs, &rc));
	assert_int_equal(rc, SE_LIMIT);
	assert_true(only_rrdp(&fs, RRDP_TOO_LARGE));
	/* The caller's pool is another. */
	findings_init(&fs, pool);
	assert_null(notification(small, text, 65536, &fs, &rc));
	assert_int_equal(rc, SE_LIMIT);
	assert_true(only_rrdp(&fs, RRDP_TOO_LARGE));
	buf_done(&b);
	/* Blanks between tags are no tag: only the number of bytes ends them. */
	findings_init(&fs, pool);
	buf_str(&b, HEAD SNAP);
	while (b.len <= RRDP_NOTIFICATION_MAX)
		buf_str(&b, "                                                                ");
	assert_null(notification(pool, buf_get(&b), 65536, &fs, &rc));
	assert_int_equal(rc, SE_LIMIT);
	assert_true(only_rrdp(&fs, RRDP_TOO_LARGE));
	buf_done(&b);
}

/* --- deltas and snapshots --- */

#define DHEAD	"<delta " NS " version=\"1\" session_id=\"" SID "\" serial=\"9\">"
#define DTAIL	"</delta>"
#define SHEAD	"<snapshot " NS " version=\"1\" session_id=\"" SID "\" serial=\"9\">"
#define STAIL	"</snapshot>"
#define A1	"rsync://a.example/m/a.roa"
#define B1	"rsync://a.example/m/b.roa"
#define PUB(u, t) "<publish uri=\"" u "\">" t "</publish>"
#define PUBH(u, h, t) "<publish uri=\"" u "\" hash=\"" h "\">" t "</publish>"
#define DEL(u, h) "<withdraw uri=\"" u "\" hash=\"" h "\"/>"

struct seen {
	struct buf	 text;		/* written again */
	size_t		 n;
	int		 rc;		/* to answer */
};

static int
take(void *arg, const struct rrdp_change *c)
{
	struct seen *s = arg;
	char hex[2 * SHA256_LEN + 1], letters[4096];

	s->n++;
	assert_int_equal(strlen(c->uri.p), c->uri.n);
	buf_printf(&s->text, "<%s uri=\"%s\"", c->op == RRDP_PUBLISH ? "publish" : "withdraw", c->uri.p);
	if (c->has_hash)
		buf_printf(&s->text, " hash=\"%s\"", hex_encode(hex, c->hash, SHA256_LEN));
	if (c->op == RRDP_WITHDRAW) {
		assert_true(c->has_hash && c->bytes.n == 0);
		buf_str(&s->text, "/>");
		return s->rc;
	}
	assert_true(c->bytes.n < 3000);
	buf_char(&s->text, '>');
	buf_bytes(&s->text, letters, base64_encode(letters, c->bytes.p, c->bytes.n));
	buf_str(&s->text, "</publish>");
	return s->rc;
}

static int
changes(bool delta, const char *text, size_t piece, int answer, struct seen *s, struct findings *fs)
{
	struct rrdp_parser *p = delta ? rrdp_delta_new(SID, 9, take, s) : rrdp_full_new(SID, 9, take, s);
	int rc;

	*s = (struct seen){ .rc = answer };
	rc = feed(p, sv_str(text), piece);
	rrdp_parser_report(p, SV("https://rrdp.example/9/d.xml"), fs);
	if (rc == 0) {
		assert_string_equal(rrdp_parser_session(p), SID);
		assert_int_equal(rrdp_parser_serial(p), 9);
	}
	assert_null(rrdp_parser_notification(p));
	(void)rrdp_parser_free(p);
	return rc;
}

static void
change_forms(void **state UNUSED)
{
	static const struct {
		bool		 delta;
		const char	*text;
		int		 answer, rc;
		enum rrdp_code	 code;
		size_t		 n;
	} rows[] = {
		{ true, DHEAD DTAIL, 0, 0, NONE, 0 },
		{ true, DHEAD PUB(A1, "AAEC") DTAIL, 0, 0, NONE, 1 },
		{ true, DHEAD PUBH(A1, HASH("0a"), "AAEC") DEL(B1, HASH("0b")) DTAIL, 0, 0, NONE, 2 },
		{ true, DHEAD DEL(B1, HASH("0b")) PUB(A1, "AAEC") DTAIL, 0, 0, NONE, 2 },
		{ false, SHEAD PUB(A1, "AAEC") PUB(B1, "") STAIL, 0, 0, NONE, 2 },
		{ true, "<delta " NS " version=\"1\" session_id=\"9DF4B597-AF9E-4DCA-BDDA-719CCE2C4E28\" "
		    "serial=\"9\"/>", 0, 0, NONE, 0 },
		/* The schema. */
		{ true, DHEAD "<withdraw uri=\"" A1 "\"/>" DTAIL, 0, SE_SYNTAX, RRDP_SCHEMA, 0 },
		{ true, DHEAD "<withdraw hash=\"" HASH("0a") "\"/>" DTAIL, 0, SE_SYNTAX, RRDP_SCHEMA, 0 },
		{ true, DHEAD "<withdraw uri=\"" A1 "\" hash=\"" HASH("0a") "\">AAEC</withdraw>" DTAIL,
		    0, SE_SYNTAX, RRDP_SCHEMA, 0 },
		{ true, DHEAD PUBH(A1, H0, "AAEC") DTAIL, 0, SE_SYNTAX, RRDP_SCHEMA, 0 },
		{ true, DHEAD PUBH(A1, "", "AAEC") DTAIL, 0, SE_SYNTAX, RRDP_SCHEMA, 0 },
		{ true, DHEAD DEL(A1, "") DTAIL, 0, SE_SYNTAX, RRDP_SCHEMA, 0 },
		{ true, DHEAD "<publish uri=\"" A1 "\" time=\"1\">AAEC</publish>" DTAIL, 0, SE_SYNTAX, RRDP_SCHEMA, 0 },
		{ true, DHEAD "text" DTAIL, 0, SE_SYNTAX, RRDP_SCHEMA, 0 },
		{ true, SHEAD STAIL, 0, SE_SYNTAX, RRDP_SCHEMA, 0 },
		{ false, DHEAD DTAIL, 0, SE_SYNTAX, RRDP_SCHEMA, 0 },
		{ false, SHEAD DEL(A1, HASH("0a")) STAIL, 0, SE_SYNTAX, RRDP_SCHEMA, 0 },
		{ false, SHEAD PUBH(A1, HASH("0a"), "AAEC") STAIL, 0, SE_SYNTAX, RRDP_SCHEMA, 0 },
		{ true, DHEAD PUB(A1, PUB(B1, "AAEC")) DTAIL, 0, SE_SYNTAX, RRDP_SCHEMA, 0 },
		/* Objects. */
		{ true, DHEAD PUB(A1, "AAEC") PUB("https://a.example/m/b.roa", "AAEC") DTAIL,
		    0, SE_SYNTAX, RRDP_OBJECT, 1 },
		{ true, DHEAD DEL("rsync://a.example/m/../b.roa", HASH("0a")) DTAIL, 0, SE_SYNTAX, RRDP_OBJECT, 0 },
		{ true, DHEAD PUB(A1, "AAE") DTAIL, 0, SE_SYNTAX, RRDP_OBJECT, 0 },
		/* Of the notification's session and serial. */
		{ true, "<delta " NS " version=\"1\" session_id=\"" SID2 "\" serial=\"9\"/>", 0,
		    SE_SYNTAX, RRDP_SESSION_OTHER, 0 },
		{ true, "<delta " NS " version=\"1\" session_id=\"" SID "\" serial=\"8\"/>", 0,
		    SE_SYNTAX, RRDP_SESSION_OTHER, 0 },
		{ false, "<snapshot " NS " version=\"1\" session_id=\"" SID "\" serial=\"10\"/>", 0,
		    SE_SYNTAX, RRDP_SESSION_OTHER, 0 },
		/* XML. */
		{ true, DHEAD PUB(A1, "AAEC"), 0, SE_SYNTAX, RRDP_XML, 1 },
		{ true, "<!DOCTYPE d [<!ENTITY a \"b\">]>" DHEAD "&a;" DTAIL, 0, SE_SYNTAX, RRDP_XML, 0 },
		/* The receiver's own codes are no findings. */
		{ true, DHEAD PUB(A1, "AAEC") PUB(B1, "AAEC") DTAIL, -ENOSPC, -ENOSPC, NONE, 1 },
		{ true, DHEAD DEL(B1, HASH("0b")) DTAIL, -EEXIST, -EEXIST, NONE, 1 },
	};
	unsigned bad = 0;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		for (size_t piece = 1; piece < 4096; piece = piece * 5 + 2) {
			_cleanup_(pool_freep) struct pool *pool = pool_new(1 << 20);
			struct findings fs;
			struct seen s;
			int rc;

			findings_init(&fs, pool);
			rc = changes(rows[i].delta, rows[i].text, piece, rows[i].answer, &s, &fs);
			buf_done(&s.text);
			if (rc == rows[i].rc && only_rrdp(&fs, rows[i].code) && s.n == rows[i].n)
				continue;
			printf("# %s: %d, %zu changes, %zu findings (%s)\n", rows[i].text, rc, s.n,
			    fs.n_kept, fs.head != NULL ? fs.head->def->code : "");
			bad++;
		}
	assert_int_equal(bad, 0);
}

/* base64 of so many zeros: nothing else is so long. */
static void
zeros(struct buf *b, size_t n)
{
	for (size_t i = 0; i < n / 3; i++)
		buf_str(b, "AAAA");
	buf_str(b, n % 3 == 0 ? "" : n % 3 == 1 ? "AA==" : "AAA=");
}

static int
take_short(void *arg, const struct rrdp_change *c)
{
	struct buf *b = arg;

	buf_printf(b, "%c %s %d %zu\n", c->op == RRDP_PUBLISH ? '+' : '-', c->uri.p, c->has_hash, c->bytes.n);
	return 0;
}

/* One byte too many, as new and in the place of another: its neighbours do not hear of it. */
static void
large(void **state UNUSED)
{
	static const struct {
		bool		 delta, replaces;
		size_t		 size;
		const char	*want;
	} rows[] = {
		{ false, false, RPKI_OBJECT_SIZE_MAX, "+ " A1 " 0 3\n+ " B1 " 0 8388608\n+ rsync://a.example/m/c.roa 0 3\n" },
		{ false, false, RPKI_OBJECT_SIZE_MAX + 1, "+ " A1 " 0 3\n+ rsync://a.example/m/c.roa 0 3\n" },
		{ true, false, RPKI_OBJECT_SIZE_MAX + 1, "+ " A1 " 0 3\n+ rsync://a.example/m/c.roa 0 3\n" },
		{ true, true, RPKI_OBJECT_SIZE_MAX + 1, "+ " A1 " 0 3\n- " B1 " 1 0\n+ rsync://a.example/m/c.roa 0 3\n" },
		{ true, true, 2 * RPKI_OBJECT_SIZE_MAX, "+ " A1 " 0 3\n- " B1 " 1 0\n+ rsync://a.example/m/c.roa 0 3\n" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		_cleanup_(pool_freep) struct pool *pool = pool_new(1 << 20);
		_cleanup_(buf_done) struct buf b = BUF_INIT, got = BUF_INIT;
		struct rrdp_parser *p = rows[i].delta ? rrdp_delta_new(SID, 9, take_short, &got) :
		    rrdp_full_new(SID, 9, take_short, &got);
		bool is_large = rows[i].size > RPKI_OBJECT_SIZE_MAX;
		struct findings fs;

		findings_init(&fs, pool);
		buf_str(&b, rows[i].delta ? DHEAD : SHEAD);
		buf_str(&b, PUB(A1, "AAEC") "<publish uri=\"" B1 "\"");
		buf_str(&b, rows[i].replaces ? " hash=\"" HASH("0a") "\">" : ">");
		zeros(&b, rows[i].size);
		buf_str(&b, "</publish>" PUB("rsync://a.example/m/c.roa", "AAEC"));
		buf_str(&b, rows[i].delta ? DTAIL : STAIL);
		assert_int_equal(b.rc, 0);
		assert_int_equal(feed(p, buf_get(&b), 65536), 0);
		rrdp_parser_report(p, SV("https://rrdp.example/9/d.xml"), &fs);
		assert_true(only_rrdp(&fs, is_large ? RRDP_OBJECT_LARGE : NONE));
		assert_true(sv_eq_str(buf_get(&got), rows[i].want));
		(void)rrdp_parser_free(p);
	}
}

static void
change_roundtrip(void **state UNUSED)
{
	const char *inner = PUBH(A1, HASH("0a"), "AAEC") DEL(B1, HASH("0b")) PUB("rsync://a.example/m/c.roa", "AA==");
	_cleanup_(pool_freep) struct pool *pool = pool_new(1 << 20);
	struct findings fs;
	struct seen s;
	char text[4096];

	findings_init(&fs, pool);
	(void)snprintf(text, sizeof(text), "%s%s%s", DHEAD, inner, DTAIL);
	assert_int_equal(changes(true, text, 5, 0, &s, &fs), 0);
	assert_true(sv_eq_str(buf_get(&s.text), inner));
	buf_done(&s.text);
}

static int
count(void *arg, const struct rrdp_change *c)
{
	size_t *n = arg;

	n[c->op == RRDP_WITHDRAW ? 2 : c->has_hash]++;
	assert_true(c->op == RRDP_PUBLISH || c->bytes.n == 0);
	return 0;
}

/* RIPE's samples. */
static void
change_real(void **state UNUSED)
{
	static const struct {
		const char	*name;
		bool		 delta;
		uint64_t	 serial;
		size_t		 n[3];		/* published anew, replaced, withdrawn */
	} rows[] = {
		{ "ripe-delta.xml", true, 1739, { 1, 64, 1 } },
		{ "ripe-snapshot.xml", false, 1742, { 277, 0, 0 } },
	};
	const char *session = "a2d845c4-5b91-4015-a2b7-988c03ce232a";

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		_cleanup_(pool_freep) struct pool *pool = pool_new(4 << 20);
		struct sv text = data_read(pool, rows[i].name);
		size_t n[3] = { 0 };
		struct rrdp_parser *p = rows[i].delta ? rrdp_delta_new(session, rows[i].serial, count, n) :
		    rrdp_full_new(session, rows[i].serial, count, n);

		assert_int_equal(feed(p, text, 5000), 0);
		printf("# %s: %zu new, %zu replaced, %zu withdrawn\n", rows[i].name, n[0], n[1], n[2]);
		assert_memory_equal(n, rows[i].n, sizeof(n));
		(void)rrdp_parser_free(p);
	}
}

/* --- the state --- */

static void
state_roundtrip(void **state UNUSED)
{
	static uint8_t bytes[RRDP_STATE_MAX], again[RRDP_STATE_MAX];
	static struct rrdp_state a, b;
	struct wr w = wr_mem(bytes, sizeof(bytes)), v = wr_mem(again, sizeof(again));

	memcpy(a.session, SID, sizeof(SID));
	a.serial = UINT64_MAX;
	memset(a.etag, 'e', RRDP_VALIDATOR_MAX);
	memset(a.modified, 'm', RRDP_VALIDATOR_MAX);
	a.n_known = RRDP_KNOWN_MAX;
	for (size_t i = 0; i < RRDP_KNOWN_MAX; i++) {
		a.known[i].serial = i + 1;
		memset(a.known[i].hash, (int)i, SHA256_LEN);
	}
	rrdp_state_write(&a, &w);
	assert_true(wr_done(&w));
	assert_int_equal(rrdp_state_parse(wr_sv(&w), &b), 0);
	rrdp_state_write(&b, &v);
	assert_int_equal(w.len, v.len);
	assert_memory_equal(bytes, again, w.len);
	/* Every truncation, and a byte more. */
	for (size_t n = 1; n < w.len; n += n < 1200 ? 1 : 97)
		assert_int_equal(rrdp_state_parse((struct sv){ (char *)bytes, n }, &b), SE_FORMAT);
	assert_int_equal(rrdp_state_parse((struct sv){ (char *)bytes, w.len + 1 }, &b), SE_FORMAT);
	/* Nothing is known of nobody. */
	assert_int_equal(rrdp_state_parse((struct sv){ NULL, 0 }, &b), 0);
	assert_int_equal(b.session[0], '\0');
	w = wr_mem(bytes, sizeof(bytes));
	rrdp_state_write(&b, &w);
	assert_int_equal(rrdp_state_parse(wr_sv(&w), &a), 0);
	assert_int_equal(a.serial, 0);
}

/* Bytes that are no state leave the output as it was. */
static void
state_hostile(void **state UNUSED)
{
	static struct rrdp_state good, s;
	uint8_t bytes[2048];
	unsigned n_bad = 0;

	memcpy(good.session, SID, sizeof(SID));
	good.serial = 9;
	memcpy(good.etag, "\"v1\"", 5);
	good.n_known = 2;
	good.known[0].serial = 8;
	good.known[1].serial = 9;
	for (unsigned i = 0; i < 8; i++) {
		struct rrdp_state x = good;
		struct wr w = wr_mem(bytes, sizeof(bytes));

		switch (i) {
		case 0: x.serial = 0; break;
		case 1: x.session[0] = 'X'; break;
		case 2: x.session[0] = '\0'; break;		/* and yet it knows things */
		case 3: x.etag[1] = '\r'; break;
		case 4: x.etag[1] = '\x80'; break;
		case 5: x.known[0].serial = 9; break;
		case 6: x.known[1].serial = 10; break;
		case 7: x.known[0].serial = 0; break;
		}
		rrdp_state_write(&x, &w);
		memset(&s, 0x55, sizeof(s));
		n_bad += rrdp_state_parse(wr_sv(&w), &s) == SE_FORMAT && s.serial == 0x5555555555555555;
	}
	assert_int_equal(n_bad, 8);
	bytes[0] = 2;		/* another version */
	assert_int_equal(rrdp_state_parse((struct sv){ (char *)bytes, 60 }, &s), SE_FORMAT);
}

/* --- the decision --- */

#define LINKS	16

/* Deltas from..to, each hash is its serial. */
static struct rrdp_notification
offer(struct rrdp_link links[static LINKS], const char *session, uint64_t from, uint64_t to)
{
	struct rrdp_notification n = { .serial = to, .deltas = links };

	memcpy(n.session, session, sizeof(n.session));
	for (uint64_t s = from; s <= to && from != 0; s++) {
		links[n.n_deltas] = (struct rrdp_link){ .serial = s };
		memset(links[n.n_deltas++].hash, (int)s, SHA256_LEN);
	}
	return n;
}

static void
plans(void **state UNUSED)
{
	static const struct {
		const char	*what;
		uint64_t	 known_from, known;		/* 0: never seen */
		const char	*session;
		uint64_t	 from, to;			/* deltas offered; from 0: none */
		uint64_t	 mutate;			/* this serial's hash is another */
		size_t		 deltas_max;
		enum rrdp_todo	 todo;
		enum rrdp_code	 why;
		size_t		 n;
		bool		 keep;
	} rows[] = {
		{ "first contact", 0, 0, SID, 1, 9, 0, 0, RRDP_SNAPSHOT, NONE, 0, false },
		{ "nothing new", 5, 9, SID, 5, 9, 0, 0, RRDP_NOTHING, NONE, 0, false },
		{ "nothing new, no deltas kept", 0, 9, SID, 0, 9, 0, 0, RRDP_NOTHING, NONE, 0, false },
		{ "one new", 5, 9, SID, 5, 10, 0, 0, RRDP_DELTAS, NONE, 1, false },
		{ "chain just reaches", 5, 9, SID, 10, 12, 0, 0, RRDP_DELTAS, NONE, 3, false },
		{ "chain does not reach", 5, 9, SID, 11, 12, 0, 0, RRDP_SNAPSHOT, RRDP_DELTA_MISSING, 0, false },
		{ "no deltas at all", 5, 9, SID, 0, 12, 0, 0, RRDP_SNAPSHOT, RRDP_DELTA_MISSING, 0, false },
		{ "as many as allowed", 5, 9, SID, 10, 12, 0, 3, RRDP_DELTAS, NONE, 3, false },
		{ "one too many", 5, 9, SID, 10, 12, 0, 2, RRDP_SNAPSHOT, RRDP_DELTAS_MANY, 0, false },
		{ "new session", 5, 9, SID2, 5, 9, 0, 0, RRDP_SNAPSHOT, RRDP_SESSION_CHANGED, 0, false },
		{ "new session, serial 1", 5, 9, SID2, 1, 1, 0, 0, RRDP_SNAPSHOT, RRDP_SESSION_CHANGED, 0, false },
		{ "a cache lags", 5, 9, SID, 5, 7, 0, 0, RRDP_NOTHING, RRDP_SERIAL_BACK, 0, true },
		{ "set back", 5, 9, SID, 5, 6, 0, 0, RRDP_SNAPSHOT, RRDP_SERIAL_BACK, 0, false },
		{ "mutated, same serial", 5, 9, SID, 5, 9, 7, 0, RRDP_SNAPSHOT, RRDP_DELTA_MUTATED, 0, false },
		{ "mutated, oldest", 5, 9, SID, 5, 10, 5, 0, RRDP_SNAPSHOT, RRDP_DELTA_MUTATED, 0, false },
		{ "mutated, newest known", 5, 9, SID, 9, 10, 9, 0, RRDP_SNAPSHOT, RRDP_DELTA_MUTATED, 0, false },
		{ "mutated, and set back", 5, 9, SID, 3, 6, 6, 0, RRDP_SNAPSHOT, RRDP_DELTA_MUTATED, 0, false },
		{ "another hash of an unknown one", 5, 9, SID, 4, 10, 4, 0, RRDP_DELTAS, NONE, 1, false },
		{ "another hash of a new one", 5, 9, SID, 5, 10, 10, 0, RRDP_DELTAS, NONE, 1, false },
	};
	static struct rrdp_state s;
	unsigned bad = 0;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		_cleanup_(pool_freep) struct pool *pool = pool_new(1 << 16);
		struct rrdp_link before[LINKS], links[LINKS];
		struct rrdp_notification was, now = offer(links, rows[i].session, rows[i].from, rows[i].to);
		struct rrdp_plan plan;
		struct findings fs;

		memset(&s, 0, sizeof(s));
		if (rows[i].known != 0) {
			was = offer(before, SID, rows[i].known_from, rows[i].known);
			rrdp_state_set(&s, &was);
		}
		for (size_t k = 0; k < now.n_deltas; k++)
			if (now.deltas[k].serial == rows[i].mutate)
				now.deltas[k].hash[31] ^= 1;
		findings_init(&fs, pool);
		rrdp_plan(&s, &now, rows[i].deltas_max, &plan);
		rrdp_plan_report(&plan, &fs);
		if (plan.todo == rows[i].todo && plan.why == rows[i].why && only_rrdp(&fs, rows[i].why) &&
		    plan.keep_state == rows[i].keep && plan.n_deltas == rows[i].n &&
		    (plan.n_deltas == 0 || (plan.deltas[0].serial == rows[i].known + 1 &&
		    plan.deltas[plan.n_deltas - 1].serial == rows[i].to)))
			continue;
		printf("# %s: todo %d, %s, %zu deltas\n", rows[i].what, plan.todo,
		    fs.head != NULL ? fs.head->def->code : "-", plan.n_deltas);
		bad++;
	}
	assert_int_equal(bad, 0);
}

/* More deltas than are remembered: the newest are. */
static void
state_bounded(void **state UNUSED)
{
	static struct rrdp_link links[RRDP_KNOWN_MAX + 10];
	static struct rrdp_state s;
	struct rrdp_notification n = { .session = SID, .serial = ARRAY_LEN(links), .deltas = links,
	    .n_deltas = ARRAY_LEN(links) };

	for (size_t i = 0; i < ARRAY_LEN(links); i++)
		links[i].serial = i + 1;
	memset(s.etag, 'x', 5);
	rrdp_state_set(&s, &n);
	assert_int_equal(s.n_known, RRDP_KNOWN_MAX);
	assert_int_equal(s.known[0].serial, 11);
	assert_int_equal(s.known[s.n_known - 1].serial, n.serial);
	assert_int_equal(s.etag[0], '\0');
}

static void
origins(void **state UNUSED)
{
	static const struct {
		const char	*a, *b;
		bool		 same;
	} rows[] = {
		{ "https://a.example/x", "https://a.example/y/z", true },
		{ "https://a.example/x", "HTTPS://A.EXAMPLE/x", true },
		{ "https://a.example:443/x", "https://a.example/x", true },
		{ "https://a.example:444/x", "https://a.example:444/y", true },
		{ "https://a.example:444/x", "https://a.example/y", false },
		{ "https://a.example/x", "https://b.example/x", false },
		{ "https://a.example/x", "https://a.example.b/x", false },
		{ "https://a.example/x", "https://a.example@b/x", false },
		{ "https://a.example/x", "http://a.example/x", false },
		{ "https://[2001:db8::1]/x", "https://[2001:db8::1]:443/x", true },
		{ "https://[2001:db8::1]/x", "https://[2001:db8::2]/x", false },
		{ "rsync://a.example/x", "rsync://a.example/x", false },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (https_same_origin(sv_str(rows[i].a), sv_str(rows[i].b)) != rows[i].same ||
		    https_same_origin(sv_str(rows[i].b), sv_str(rows[i].a)) != rows[i].same)
			fail_msg("%s, %s", rows[i].a, rows[i].b);
}

TESTS_MAIN("rpki rrdp", T(notification_forms), T(notification_real), T(notification_roundtrip),
    T(notification_limits), T(change_forms), T(large), T(change_roundtrip), T(change_real), T(state_roundtrip),
    T(state_hostile), T(state_bounded), T(plans), T(origins))
