/*
 * The files of RRDP (RFC 8182 section 3.5), read as streams: expat, no tree,
 * one element at a time. A DOCTYPE ends it: no entity is ever expanded.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "rpki/rrdp.h"

#define RRDP_NS		"http://www.ripe.net/rpki/rrdp"
#define NS_SEP		' '
/* A tag with its URI; XML_GetCurrentByteIndex() may stand one text run back. */
#define TOKEN_MAX	(1024 * 1024)

unsigned long
rrdp_line(const struct rrdp_parser *p)
{
	return XML_GetCurrentLineNumber(p->xml) + p->lines;
}

void
rrdp_fail(struct rrdp_parser *p, int rc, enum rrdp_code code, const char *why)
{
	if (p->rc != 0)
		return;
	p->rc = rc;
	p->code = code;
	p->why = why;
	p->line = rrdp_line(p);
	(void)XML_StopParser(p->xml, XML_FALSE);
}

bool
rrdp_hash_parse(struct sv s, uint8_t ret[static SHA256_LEN])
{
	return hex_decode(ret, SHA256_LEN, s) == 0;
}

bool
rrdp_session_parse(struct sv s, char ret[static RRDP_SESSION_LEN + 1])
{
	static const char form[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";

	if (s.n != RRDP_SESSION_LEN)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (c >= 'A' && c <= 'F')
			c = (char)(c - 'A' + 'a');
		if (form[i] == '-' ? c != '-' :
		    !((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')))
			return false;
		ret[i] = c;
	}
	ret[s.n] = '\0';
	return true;
}

/* --- elements --- */

typedef void	(*element_fn)(struct rrdp_parser *, const struct sv attrs[static RRDP_ATTR_MAX]);

static void
root_start(struct rrdp_parser *p, const struct sv attrs[static RRDP_ATTR_MAX])
{
	if (!sv_eq(attrs[RRDP_ATTR_VERSION], SV("1")))
		return rrdp_fail_schema(p, N_("the version is not 1"));
	if (!rrdp_session_parse(attrs[RRDP_ATTR_SESSION], p->session))
		return rrdp_fail_schema(p, N_("the session_id is no UUID"));
	if (num_u64(attrs[RRDP_ATTR_SERIAL], 1, UINT64_MAX, &p->serial) < 0)
		return rrdp_fail_schema(p, N_("the serial is no positive number"));
	/*
	 * RFC 8182 section 3.4.2: the session_id matches, and the serial is
	 * that of the notification.
	 */
	if (p->want_session[0] != '\0' && (strcmp(p->session, p->want_session) != 0 ||
	    p->serial != p->want_serial))
		return rrdp_fail(p, SE_SYNTAX, RRDP_SESSION_OTHER,
		    N_("it is of another session or serial"));
	p->scope = RRDP_IN_ROOT;
}

static void
change_start(struct rrdp_parser *p, const struct sv attrs[static RRDP_ATTR_MAX], enum rrdp_op op)
{
	struct sv uri = attrs[RRDP_ATTR_URI], hash = attrs[RRDP_ATTR_HASH];

	if (++p->n_changes > RRDP_CHANGES_MAX)
		return rrdp_fail(p, SE_LIMIT, RRDP_TOO_LARGE, N_("too many objects"));
	if (!rsync_uri_valid(uri))
		return rrdp_fail(p, SE_SYNTAX, RRDP_OBJECT, N_("no valid rsync URI"));
	p->change = (struct rrdp_change){ .op = op, .has_hash = hash.p != NULL };
	if (hash.p != NULL && !rrdp_hash_parse(hash, p->change.hash))
		return rrdp_fail_schema(p, N_("a hash has not 64 digits"));
	memcpy(p->uri, uri.p, uri.n);
	p->uri[uri.n] = '\0';
	p->change.uri = (struct sv){ p->uri, uri.n };
	rrdp_text_begin(p);
	p->scope = op == RRDP_PUBLISH ? RRDP_IN_PUBLISH : RRDP_IN_EMPTY;
}

static void
publish_start(struct rrdp_parser *p, const struct sv attrs[static RRDP_ATTR_MAX])
{
	change_start(p, attrs, RRDP_PUBLISH);
}

static void
withdraw_start(struct rrdp_parser *p, const struct sv attrs[static RRDP_ATTR_MAX])
{
	change_start(p, attrs, RRDP_WITHDRAW);
}

#define HAS(a)	(1U << RRDP_ATTR_##a)
#define ROOT	(HAS(VERSION) | HAS(SESSION) | HAS(SERIAL))

/* The schema of section 3.5.4. */
static const struct element {
	enum rrdp_kind	 kind;
	enum rrdp_scope	 in;
	const char	*name;
	unsigned	 needs, may;
	element_fn	 start;
} elements[] = {
	{ RRDP_KIND_NOTIFICATION, RRDP_AT_START, "notification", ROOT, 0, root_start },
	{ RRDP_KIND_NOTIFICATION, RRDP_IN_ROOT, "snapshot", HAS(URI) | HAS(HASH), 0,
	    rrdp_snapshot_link },
	{ RRDP_KIND_NOTIFICATION, RRDP_IN_ROOT, "delta", HAS(SERIAL) | HAS(URI) | HAS(HASH), 0,
	    rrdp_delta_link },
	{ RRDP_KIND_SNAPSHOT, RRDP_AT_START, "snapshot", ROOT, 0, root_start },
	{ RRDP_KIND_SNAPSHOT, RRDP_IN_ROOT, "publish", HAS(URI), 0, publish_start },
	{ RRDP_KIND_DELTA, RRDP_AT_START, "delta", ROOT, 0, root_start },
	{ RRDP_KIND_DELTA, RRDP_IN_ROOT, "publish", HAS(URI), HAS(HASH), publish_start },
	{ RRDP_KIND_DELTA, RRDP_IN_ROOT, "withdraw", HAS(URI) | HAS(HASH), 0, withdraw_start },
};

static const struct element *
element_find(const struct rrdp_parser *p, const char *name)
{
	const size_t ns = sizeof(RRDP_NS) - 1;

	if (strncmp(name, RRDP_NS, ns) != 0 || name[ns] != NS_SEP)
		return NULL;
	for (size_t i = 0; i < ARRAY_LEN(elements); i++)
		if (elements[i].kind == p->kind && elements[i].in == p->scope &&
		    strcmp(elements[i].name, name + ns + 1) == 0)
			return &elements[i];
	return NULL;
}

/* Those of the element, all that it needs, no other; expat refuses doubles. */
static bool
attrs_read(const struct element *e, const char **attrs, struct sv ret[static RRDP_ATTR_MAX])
{
	static const char *const names[RRDP_ATTR_MAX] = {
		"version", "session_id", "serial", "uri", "hash",
	};
	unsigned have = 0;

	for (size_t i = 0; attrs[i] != NULL; i += 2) {
		size_t a = 0;

		while (a < RRDP_ATTR_MAX && strcmp(attrs[i], names[a]) != 0)
			a++;
		if (a == RRDP_ATTR_MAX || (((e->needs | e->may) >> a) & 1) == 0)
			return false;
		have |= 1U << a;
		ret[a] = sv_str(attrs[i + 1]);
	}
	return (have & e->needs) == e->needs;
}

static void
tag_note(struct rrdp_parser *p)
{
	p->tag_end = XML_GetCurrentByteIndex(p->xml) + XML_GetCurrentByteCount(p->xml);
}

static void
on_start(void *arg, const char *name, const char **attrs)
{
	struct rrdp_parser *p = arg;
	struct sv values[RRDP_ATTR_MAX] = { 0 };
	const struct element *e;

	if (p->rc != 0)
		return;
	tag_note(p);
	if ((e = element_find(p, name)) == NULL)
		return rrdp_fail_schema(p, N_("an element stands where it does not belong"));
	if (!attrs_read(e, attrs, values))
		return rrdp_fail_schema(p, N_("an element lacks an attribute, or has one too many"));
	e->start(p, values);
}

/* Nothing is there under its URI from now on; true: that is no change. */
static bool
large_note(struct rrdp_parser *p)
{
	if (p->n_large++ == 0) {
		memcpy(p->large_uri, p->uri, p->change.uri.n + 1);
		p->large_line = rrdp_line(p);
	}
	p->change.op = RRDP_WITHDRAW;
	p->change.bytes = (struct sv){ NULL, 0 };
	return !p->change.has_hash;
}

static void
change_end(struct rrdp_parser *p)
{
	bool publish = p->scope == RRDP_IN_PUBLISH;
	int rc;

	if (publish)
		rrdp_text_end(p);
	p->scope = RRDP_IN_ROOT;
	if (p->rc != 0 || (publish && p->large && large_note(p)))
		return;
	if ((rc = p->fn(p->arg, &p->change)) < 0)
		rrdp_fail(p, rc, RRDP_CODE_MAX, rc == -EEXIST ? N_("a URI stands twice") :
		    N_("the objects do not fit"));
}

static void
on_end(void *arg, const char *name UNUSED)
{
	struct rrdp_parser *p = arg;

	if (p->rc != 0)		/* expat still ends an empty element it was stopped in */
		return;
	tag_note(p);
	if (p->scope == RRDP_IN_ROOT) {
		p->scope = RRDP_AT_END;
		if (p->kind == RRDP_KIND_NOTIFICATION)
			rrdp_notification_end(p);
	} else if (p->kind == RRDP_KIND_NOTIFICATION)
		p->scope = RRDP_IN_ROOT;
	else
		change_end(p);
}

static void
on_text(void *arg, const char *s, int len)
{
	struct rrdp_parser *p = arg;
	struct sv text = { s, (size_t)len };

	if (p->rc != 0)
		return;
	if (p->scope == RRDP_IN_PUBLISH)
		rrdp_text_add(p, text);
	else if (sv_trim(text).n > 0)
		rrdp_fail_schema(p, N_("there is text where none belongs"));
}

static void
on_doctype(void *arg, const char *name UNUSED, const char *sys UNUSED,
    const char *pub UNUSED, int has UNUSED)
{
	rrdp_fail(arg, SE_SYNTAX, RRDP_XML, N_("a DOCTYPE is not allowed"));
}

/* --- the parser --- */

static struct rrdp_parser *
parser_new(enum rrdp_kind kind)
{
	struct rrdp_parser *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return NULL;
	p->kind = kind;
	p->code = RRDP_CODE_MAX;
	p->tag_end = -1;
	p->all_shown = kind == RRDP_KIND_NOTIFICATION;
	/* RFC 8182 sections 3.5.1.3, 3.5.2.3 and 3.5.3.3: the encoding is US-ASCII. */
	if ((p->xml = XML_ParserCreateNS("US-ASCII", NS_SEP)) == NULL)
		return rrdp_parser_free(p);
	XML_SetUserData(p->xml, p);
	XML_SetElementHandler(p->xml, on_start, on_end);
	XML_SetCharacterDataHandler(p->xml, on_text);
	XML_SetStartDoctypeDeclHandler(p->xml, on_doctype);
	return p;
}

struct rrdp_parser *
rrdp_notification_new(struct pool *pool, struct sv uri)
{
	struct rrdp_parser *p = parser_new(RRDP_KIND_NOTIFICATION);

	if (p == NULL)
		return NULL;
	p->pool = pool;
	p->origin = pool_sv(pool, uri);
	return p->origin.p == NULL ? rrdp_parser_free(p) : p;
}

static struct rrdp_parser *
objects_new(enum rrdp_kind kind, const char *session, uint64_t serial, rrdp_change_fn fn,
    void *arg)
{
	struct rrdp_parser *p = parser_new(kind);

	if (p == NULL)
		return NULL;
	p->fn = fn;
	p->arg = arg;
	p->want_serial = serial;
	/* A caller's session is one that was parsed: of this length, in lower case. */
	if (session != NULL)
		memcpy(p->want_session, session, RRDP_SESSION_LEN);
	return p;
}

struct rrdp_parser *
rrdp_full_new(const char *session, uint64_t serial, rrdp_change_fn fn, void *arg)
{
	return objects_new(RRDP_KIND_SNAPSHOT, session, serial, fn, arg);
}

struct rrdp_parser *
rrdp_delta_new(const char *session, uint64_t serial, rrdp_change_fn fn, void *arg)
{
	return objects_new(RRDP_KIND_DELTA, session, serial, fn, arg);
}

struct rrdp_parser *
rrdp_parser_free(struct rrdp_parser *p)
{
	if (p == NULL)
		return NULL;
	if (p->xml != NULL)
		XML_ParserFree(p->xml);
	free(p->der);
	free(p->links);
	free(p);
	return NULL;
}

static void
xml_show(struct rrdp_parser *p, struct sv s, bool last)
{
	p->shown += (int64_t)s.n;
	if (XML_Parse(p->xml, s.p, (int)s.n, last) == XML_STATUS_ERROR)
		rrdp_fail(p, XML_GetErrorCode(p->xml) == XML_ERROR_NO_MEMORY ? -ENOMEM : SE_SYNTAX,
		    XML_GetErrorCode(p->xml) == XML_ERROR_NO_MEMORY ? RRDP_CODE_MAX : RRDP_XML,
		    N_("it is not well-formed XML"));
	/*
	 * expat keeps an unfinished tag or comment and scans it again with each
	 * piece (2.5.0; quadratic). Nothing in these files is that long.
	 */
	if (p->rc == 0 && !last && p->shown - XML_GetCurrentByteIndex(p->xml) > TOKEN_MAX)
		rrdp_fail(p, SE_LIMIT, RRDP_TOO_LARGE, N_("a tag or comment is too long"));
}

/* Through the next tag; an end tag is followed by another tag. */
static size_t
tags_len(struct sv s)
{
	size_t n = sv_find(s, '>') + 1;

	if (sv_starts(s, SV("</")))
		n += sv_find(sv_skip(s, n), '>') + 1;
	return min_size(n, s.n);
}

/*
 * Tag by tag, so that the text behind each can be withheld. Where that did not
 * stop behind a tag, something is unusual (a comment, a '>' in an attribute):
 * expat sees the rest of the piece as it is, and nothing is scanned more often
 * than the pieces themselves make it.
 */
static void
file_show(struct rrdp_parser *p, struct sv s)
{
	while (p->rc == 0 && s.n > 0) {
		size_t n = p->all_shown ? s.n : tags_len(s);

		xml_show(p, sv_take(s, n), false);
		s = sv_skip(s, n);
		if (p->tag_end == p->shown)
			rrdp_text_withhold(p, &s);
		else if (p->rc == 0 && s.n > 0) {
			xml_show(p, s, false);
			return;
		}
	}
}

/* expat follows a byte order mark, whatever it was told of the encoding. */
static void
encoding_judge(struct rrdp_parser *p, struct sv s)
{
	for (size_t i = 0; i < s.n && p->fed + (int64_t)i < 2; i++)
		if ((uint8_t)s.p[i] == 0 || (uint8_t)s.p[i] > 0x7f)
			p->all_shown = true;
}

int
rrdp_parser_feed(struct rrdp_parser *p, const void *bytes, size_t n, bool last)
{
	struct sv s = { bytes, n };

	if (p->rc < 0)
		return p->rc;
	encoding_judge(p, s);
	p->fed += (int64_t)n;
	if (p->kind == RRDP_KIND_NOTIFICATION && p->fed > RRDP_NOTIFICATION_MAX)
		rrdp_fail(p, SE_LIMIT, RRDP_TOO_LARGE, N_("too many bytes"));
	rrdp_text_withhold(p, &s);
	file_show(p, s);
	if (p->rc == 0 && last)
		xml_show(p, SV(""), true);
	if (p->rc == 0 && last && p->scope != RRDP_AT_END)
		rrdp_fail_schema(p, N_("it ends too early"));
	if (p->rc == 0 && last)
		p->complete = true;
	return p->rc;
}

const char *
rrdp_parser_session(const struct rrdp_parser *p)
{
	return p->session;
}

uint64_t
rrdp_parser_serial(const struct rrdp_parser *p)
{
	return p->serial;
}

void
rrdp_parser_report(const struct rrdp_parser *p, struct sv file, struct findings *fs)
{
	const struct finding_def *def = &rrdp_findings[p->code];

	if (p->complete && p->note.unsorted)
		finding_add0(fs, &rrdp_findings[RRDP_UNSORTED]);
	if (p->complete && p->note.gap != 0)
		finding_add(fs, &rrdp_findings[RRDP_GAP], FA_U("serial", p->note.gap));
	if (p->complete && p->n_large > 0)
		finding_add(fs, &rrdp_findings[RRDP_OBJECT_LARGE], FA_SV("file", file),
		    FA_U("n", p->n_large), FA_U("limit", RPKI_OBJECT_SIZE_MAX),
		    FA_STR("uri", p->large_uri), FA_U("line", p->large_line));
	switch (p->code) {
	case RRDP_XML:
		finding_add(fs, def, FA_SV("file", file), FA_U("line", p->line));
		break;
	case RRDP_SCHEMA:
	case RRDP_OBJECT:
	case RRDP_TOO_LARGE:
		finding_add(fs, def, FA_SV("file", file), FA_MSG("what", p->why), FA_U("line", p->line));
		break;
	case RRDP_ORIGIN:
		finding_add(fs, def, FA_STR("uri", p->foreign));
		break;
	case RRDP_SESSION_OTHER:
		finding_add(fs, def, FA_SV("file", file), FA_STR("session", p->session),
		    FA_U("serial", p->serial), FA_STR("want_session", p->want_session),
		    FA_U("want_serial", p->want_serial));
		break;
	default:		/* none, or not the file's fault */
		break;
	}
}

/* --- snapshots alone, for files --- */

struct rrdp_snapshot {
	struct rrdp_parser	*parser;
	rrdp_object_fn		 fn;
	void			*arg;
};

static int
object_take(void *arg, const struct rrdp_change *c)
{
	const struct rrdp_snapshot *s = arg;

	return s->fn(s->arg, c->uri, c->bytes);
}

struct rrdp_snapshot *
rrdp_snapshot_new(rrdp_object_fn fn, void *arg)
{
	struct rrdp_snapshot *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->fn = fn;
	s->arg = arg;
	s->parser = rrdp_full_new(NULL, 0, object_take, s);
	return s->parser == NULL ? rrdp_snapshot_free(s) : s;
}

struct rrdp_snapshot *
rrdp_snapshot_free(struct rrdp_snapshot *s)
{
	if (s == NULL)
		return NULL;
	(void)rrdp_parser_free(s->parser);
	free(s);
	return NULL;
}

int
rrdp_snapshot_feed(struct rrdp_snapshot *s, const void *p, size_t n, bool last)
{
	return rrdp_parser_feed(s->parser, p, n, last);
}

const char *
rrdp_snapshot_why(const struct rrdp_snapshot *s, unsigned long *ret_line)
{
	*ret_line = s->parser->line;
	return s->parser->why;
}

uint64_t
rrdp_snapshot_large(const struct rrdp_snapshot *s, const char **ret_uri)
{
	*ret_uri = s->parser->large_uri;
	return s->parser->n_large;
}
