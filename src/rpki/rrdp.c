/*
 * RRDP snapshots (RFC 8182 section 3.5.2), read as a stream: expat, no tree,
 * one object at a time. A DOCTYPE ends it: no entity is ever expanded.
 */
#include <errno.h>
#include <expat.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/err.h"
#include "rpki/internal.h"

#define RRDP_NS		"http://www.ripe.net/rpki/rrdp"
#define NS_SEP		' '
/* A tag with its URI; XML_GetCurrentByteIndex() may stand one text run back. */
#define TOKEN_MAX	(1024 * 1024)
/* Letters of one object: base64 of the largest, with line breaks. */
#define TEXT_MAX	((size_t)RPKI_OBJECT_SIZE_MAX / 2 * 3)

enum scope {
	AT_START,
	IN_SNAPSHOT,
	IN_PUBLISH,
	AT_END,
};

struct rrdp_snapshot {
	XML_Parser	 xml;
	enum scope	 scope;
	rrdp_object_fn	 fn;
	void		*arg;
	char		 uri[RPKI_URI_MAX + 1];
	char		*text;			/* base64 letters of this object */
	size_t		 text_len, text_cap;
	uint8_t		*der;
	size_t		 der_cap;
	int		 rc;			/* sticky */
	const char	*why;
	char		 session[64];
	uint64_t	 serial;
	int64_t		 fed;
};

static void
fail(struct rrdp_snapshot *s, int rc, const char *why)
{
	if (s->rc != 0)
		return;
	s->rc = rc;
	s->why = why;
	(void)XML_StopParser(s->xml, XML_FALSE);
}

static const char *
attr_get(const char **attrs, const char *name)
{
	for (size_t i = 0; attrs[i] != NULL; i += 2)
		if (strcmp(attrs[i], name) == 0)
			return attrs[i + 1];
	return NULL;
}

static void
snapshot_start(struct rrdp_snapshot *s, const char **attrs)
{
	const char *version = attr_get(attrs, "version");
	const char *session = attr_get(attrs, "session_id");
	const char *serial = attr_get(attrs, "serial");

	if (version == NULL || strcmp(version, "1") != 0) {
		fail(s, SE_SYNTAX, N_("the snapshot is not of version 1"));
		return;
	}
	if (session == NULL || strlen(session) >= sizeof(s->session) ||
	    serial == NULL || num_u64(sv_str(serial), 1, UINT64_MAX, &s->serial) < 0) {
		fail(s, SE_SYNTAX, N_("the snapshot has no session_id or serial"));
		return;
	}
	memcpy(s->session, session, strlen(session) + 1);
	s->scope = IN_SNAPSHOT;
}

static void
publish_start(struct rrdp_snapshot *s, const char **attrs)
{
	const char *uri = attr_get(attrs, "uri");

	if (uri == NULL || !rsync_uri_valid(sv_str(uri))) {
		fail(s, SE_SYNTAX, N_("a publish element has no valid rsync URI"));
		return;
	}
	memcpy(s->uri, uri, strlen(uri) + 1);
	s->text_len = 0;
	s->scope = IN_PUBLISH;
}

static void
on_start(void *arg, const char *name, const char **attrs)
{
	struct rrdp_snapshot *s = arg;

	if (s->scope == AT_START && strcmp(name, RRDP_NS " snapshot") == 0)
		snapshot_start(s, attrs);
	else if (s->scope == IN_SNAPSHOT && strcmp(name, RRDP_NS " publish") == 0)
		publish_start(s, attrs);
	else
		fail(s, SE_SYNTAX, N_("an element stands where it does not belong"));
}

static void
publish_end(struct rrdp_snapshot *s)
{
	size_t room = base64_room(s->text_len), n;

	if (room > s->der_cap) {
		uint8_t *p = realloc(s->der, room);

		if (p == NULL) {
			fail(s, -ENOMEM, N_("there is not enough memory"));
			return;
		}
		s->der = p;
		s->der_cap = room;
	}
	if (base64_decode(s->der, (struct sv){ s->text, s->text_len }, &n) < 0) {
		fail(s, SE_SYNTAX, N_("an object is not base64"));
		return;
	}
	s->scope = IN_SNAPSHOT;
	int rc = s->fn(s->arg, sv_str(s->uri), (struct sv){ (const char *)s->der, n });

	if (rc < 0)
		fail(s, rc, rc == -EEXIST ? N_("a URI stands twice") :
		    N_("the objects do not fit"));
}

static void
on_end(void *arg, const char *name UNUSED)
{
	struct rrdp_snapshot *s = arg;

	if (s->rc != 0)		/* expat still ends an empty element it was stopped in */
		return;
	if (s->scope == IN_PUBLISH)
		publish_end(s);
	else if (s->scope == IN_SNAPSHOT)
		s->scope = AT_END;
}

static void
on_text(void *arg, const char *p, int len)
{
	struct rrdp_snapshot *s = arg;
	size_t n = (size_t)len;

	if (s->scope != IN_PUBLISH)
		return;
	if (s->text_len + n > TEXT_MAX) {
		fail(s, SE_LIMIT, N_("an object is too large"));
		return;
	}
	if (s->text_len + n > s->text_cap) {
		size_t cap = max_size(s->text_cap * 2, s->text_len + n + 4096);
		char *t = realloc(s->text, cap);

		if (t == NULL) {
			fail(s, -ENOMEM, N_("there is not enough memory"));
			return;
		}
		s->text = t;
		s->text_cap = cap;
	}
	memcpy(s->text + s->text_len, p, n);
	s->text_len += n;
}

static void
on_doctype(void *arg, const char *name UNUSED, const char *sys UNUSED,
    const char *pub UNUSED, int has UNUSED)
{
	fail(arg, SE_SYNTAX, N_("a DOCTYPE is not allowed"));
}

struct rrdp_snapshot *
rrdp_snapshot_new(rrdp_object_fn fn, void *arg)
{
	struct rrdp_snapshot *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->fn = fn;
	s->arg = arg;
	/* RFC 8182 section 3.5.2.3: the encoding is US-ASCII. */
	if ((s->xml = XML_ParserCreateNS("US-ASCII", NS_SEP)) == NULL)
		return rrdp_snapshot_free(s);
	XML_SetUserData(s->xml, s);
	XML_SetElementHandler(s->xml, on_start, on_end);
	XML_SetCharacterDataHandler(s->xml, on_text);
	XML_SetStartDoctypeDeclHandler(s->xml, on_doctype);
	return s;
}

struct rrdp_snapshot *
rrdp_snapshot_free(struct rrdp_snapshot *s)
{
	if (s == NULL)
		return NULL;
	if (s->xml != NULL)
		XML_ParserFree(s->xml);
	free(s->text);
	free(s->der);
	free(s);
	return NULL;
}

int
rrdp_snapshot_feed(struct rrdp_snapshot *s, const void *p, size_t n, bool last)
{
	if (s->rc < 0)
		return s->rc;
	s->fed += (int64_t)n;
	if (XML_Parse(s->xml, p, (int)n, last) == XML_STATUS_ERROR && s->rc == 0)
		fail(s, SE_SYNTAX, N_("it is not well-formed XML"));
	/*
	 * expat keeps an unfinished tag or comment and scans it again with each
	 * piece (2.5.0; quadratic). Nothing in a snapshot is that long.
	 */
	if (s->rc == 0 && !last && s->fed - XML_GetCurrentByteIndex(s->xml) > TOKEN_MAX)
		fail(s, SE_LIMIT, N_("a tag or comment is too long"));
	if (s->rc == 0 && last && s->scope != AT_END)
		fail(s, SE_SYNTAX, N_("it is no RRDP snapshot"));
	return s->rc;
}

const char *
rrdp_snapshot_why(const struct rrdp_snapshot *s, unsigned long *ret_line)
{
	*ret_line = XML_GetCurrentLineNumber(s->xml);
	return s->why;
}
