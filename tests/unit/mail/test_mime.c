/* Parts of messages: which there are, where they end, what is inside. */
#include <errno.h>

#include "mail_kit.h"
#include "mail/mime.h"

#define MULTI(b)	"Content-Type: multipart/mixed; boundary=" b "\n\n"

/* Parts as "depth type=body" between "|"; line ends are LF. */
static const struct {
	const char	*message, *want;
	bool		 is_open, is_cut;
} rows[] = {
	{ "", "0 text/plain=", false, false },
	{ "Subject: a\n\nbody\n", "0 text/plain=body\n", false, false },
	{ "Subject: a\n", "0 text/plain=", false, false },
	{ "Content-Type: TEXT/html; charset=utf-8\n\n--b\n", "0 TEXT/html=--b\n", false, false },
	{ MULTI("b") "before\n--b\n\none\n--b\nContent-Type: a/b\n\ntwo\n\n--b--\nbehind\n",
	  "0 multipart/mixed=before\n--b\n\none\n--b\nContent-Type: a/b\n\ntwo\n\n--b--\nbehind\n|"
	  "1 text/plain=one|1 a/b=two\n", false, false },
	/* no line between head and delimiter; a delimiter with blanks; one that is longer */
	{ MULTI("\"b\"") "--b \t\n--b\nX: y\n--bb\n\n--b--", "0 multipart/mixed=--b \t\n--b\nX: y\n--bb\n\n--b--|"
	  "1 text/plain=|1 text/plain=", false, false },
	/* inside of each other; the outer delimiter ends the inner multipart, too */
	{ MULTI("o") "--o\n" MULTI("i") "--i\n\none\n--o\n\ntwo\n--o--\n",
	  "0 multipart/mixed=--o\n" MULTI("i") "--i\n\none\n--o\n\ntwo\n--o--\n|"
	  "1 multipart/mixed=--i\n\none|2 text/plain=one|1 text/plain=two", true, false },
	{ MULTI("o") "--o\n" MULTI("oi") "--oi\n\none\n--oi--\nepilogue\n--o--\n",
	  "0 multipart/mixed=--o\n" MULTI("oi") "--oi\n\none\n--oi--\nepilogue\n--o--\n|"
	  "1 multipart/mixed=--oi\n\none\n--oi--|2 text/plain=one", false, false },
	/* the line end behind an inner last delimiter is the outer delimiter's */
	{ MULTI("o") "--o\n" MULTI("m") "--m\n" MULTI("i") "--i\n\none\n--i--\n--o--\n",
	  "0 multipart/mixed=--o\n" MULTI("m") "--m\n" MULTI("i") "--i\n\none\n--i--\n--o--\n|"
	  "1 multipart/mixed=--m\n" MULTI("i") "--i\n\none\n--i--|2 multipart/mixed=--i\n\none\n--i--|"
	  "3 text/plain=one", true, false },
	{ MULTI("b") "--b\n\nno end\n", "0 multipart/mixed=--b\n\nno end\n|1 text/plain=no end\n", true, false },
	{ "Content-Type: multipart/mixed\n\n--b\n\none\n--b--\n", "0 multipart/mixed=--b\n\none\n--b--\n", false, false },
	{ "Content-Type: multipart/mixed; boundary=\"\"\n\n--\n", "0 multipart/mixed=--\n", false, false },
};

static struct sv
parts_print(struct buf *b, const struct mime *m)
{
	b->len = 0;
	for (size_t i = 0; i < m->n; i++)
		buf_printf(b, "%s%u %.*s=%.*s", i == 0 ? "" : "|", m->parts[i].depth, SV_ARG(m->parts[i].type),
		    SV_ARG(m->parts[i].body));
	return buf_get(b);
}

static void
parts(void **state UNUSED)
{
	struct pool *pool = pool_new(MAIL_POOL_MAX);
	struct buf b = BUF_INIT;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct mime m;

		assert_int_equal(mime_parse(pool, sv_str(rows[i].message), &m), 0);
		sv_is(parts_print(&b, &m), rows[i].want);
		assert_int_equal(m.is_open, rows[i].is_open);
		assert_int_equal(m.is_cut, rows[i].is_cut);
	}
	buf_done(&b);
	(void)pool_free(pool);
}

/* The same with CRLF: no body has one at its end that belongs to a delimiter. */
static void
line_ends(void **state UNUSED)
{
	struct pool *pool = pool_new(MAIL_POOL_MAX);
	struct mime m;

	assert_int_equal(mime_parse(pool, SV("Content-Type: multipart/mixed;\r\n boundary=b\r\n\r\n--b\r\nA: b\r\n"
	    "\r\none\r\n\r\n--b\r\n\r\n--b--\r\n"), &m), 0);
	assert_int_equal(m.n, 3);
	sv_is(m.parts[1].head, "A: b\r\n");
	sv_is(m.parts[1].body, "one\r\n");
	sv_is(m.parts[2].body, "");
	assert_int_equal(m.parts[2].parent, 0);
	(void)pool_free(pool);
}

static void
limits(void **state UNUSED)
{
	struct pool *pool = pool_new(MAIL_POOL_MAX);
	struct buf b = BUF_INIT;
	struct mime m;

	/* one more within another than are read */
	for (unsigned i = 0; i <= MIME_DEPTH_MAX; i++)
		buf_printf(&b, "Content-Type: multipart/mixed; boundary=b%u\n\n--b%u\n", i, i);
	assert_int_equal(mime_parse(pool, buf_get(&b), &m), 0);
	assert_true(m.is_cut);
	assert_int_equal(m.n, MIME_DEPTH_MAX + 1);
	b.len = 0;
	buf_str(&b, MULTI("b"));
	for (unsigned i = 0; i < MIME_PARTS_MAX - 1; i++)
		buf_str(&b, "--b\n\nx\n");
	assert_int_equal(mime_parse(pool, buf_get(&b), &m), 0);
	assert_int_equal(m.n, MIME_PARTS_MAX);
	assert_false(m.is_cut);
	buf_str(&b, "--b\n\nx\n");
	assert_int_equal(mime_parse(pool, buf_get(&b), &m), 0);
	assert_int_equal(m.n, MIME_PARTS_MAX);
	assert_true(m.is_cut);
	sv_is(m.parts[MIME_PARTS_MAX - 1].body, "x\n");
	b.len = 0;
	buf_str(&b, "Content-Type: multipart/mixed; boundary=");
	for (unsigned i = 0; i <= MIME_BOUNDARY_MAX; i++)
		buf_char(&b, 'b');
	buf_str(&b, "\n\n");
	assert_int_equal(mime_parse(pool, buf_get(&b), &m), 0);
	assert_true(m.is_cut);
	buf_done(&b);
	(void)pool_free(pool);
}

static const struct {
	const char	*value, *name, *want;	/* NULL: there is none */
} params[] = {
	{ "text/plain; charset=utf-8", "charset", "utf-8" },
	{ "text/plain; CHARSET = \"a\\\"b;c\" ; x=y", "charset", "a\"b;c" },
	{ "text/plain; a=\"x;charset=no\"; charset=yes", "charset", "yes" },
	{ "a/b;\r\n\tname=\"two\r\n words\"", "name", "two words" },
	{ "a/b; name=one two", "name", "one" },
	{ "a/b; name", "name", NULL },
	{ "charset=utf-8", "charset", NULL },
	{ "a/b; name=\"open\\", "name", "open\\" },
	{ "a/b; name=", "name", "" },
};

static void
parameters(void **state UNUSED)
{
	struct pool *pool = pool_new(MAIL_POOL_MAX);

	for (size_t i = 0; i < ARRAY_LEN(params); i++) {
		struct sv got = { NULL, 0 };
		int rc = mime_param_find(pool, sv_str(params[i].value), sv_str(params[i].name), &got);

		assert_int_equal(rc, params[i].want == NULL ? -ENOENT : 0);
		if (rc == 0)
			sv_is(got, params[i].want);
	}
	(void)pool_free(pool);
}

static const struct {
	const char	*word, *body, *want;
} bodies[] = {
	{ "7bit", "a=3D", "a=3D" },
	{ "", "a=3D", "a=3D" },
	{ "x-uuencode", "abc", "" },
	{ "Quoted-Printable", "a=3D=\nb =4a\t \nc=zz=", "a=b J\r\nc=zz" },
	{ "quoted-printable", "one\r\n\r\ntwo\r\n", "one\r\n\r\ntwo\r\n" },
	{ "quoted-printable", "\n\n", "\r\n\r\n" },
	{ "base64 (comment)", "YWJj\nZGU=\nlist footer", "abcde" },
	{ "BASE64", "YW*J!j", "abc" },
	{ "base64", "YWJjZA", "abc" },
	{ "base64", "", "" },
};

static void
decoding(void **state UNUSED)
{
	struct pool *pool = pool_new(MAIL_POOL_MAX);

	for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
		struct buf b = BUF_INIT;
		struct mime m;
		struct sv got;

		buf_printf(&b, "Content-Transfer-Encoding: %s\n\n%s", bodies[i].word, bodies[i].body);
		assert_int_equal(mime_parse(pool, buf_get(&b), &m), 0);
		assert_int_equal(mime_decode(pool, m.parts[0].encoding, m.parts[0].body, &got), 0);
		sv_is(got, bodies[i].want);
		buf_done(&b);
	}
	(void)pool_free(pool);
}

static void
fields(void **state UNUSED)
{
	struct sv head = SV("A: one\nno field\nB : two\n three\nA: four\n");

	sv_is(mime_field_find(head, SV("a")), "one");
	sv_is(mime_field_find(head, SV("b")), "two\n three");
	assert_null(mime_field_find(head, SV("c")).p);
}

TESTS_MAIN("mail mime", T(parts), T(line_ends), T(limits), T(parameters), T(decoding), T(fields))
