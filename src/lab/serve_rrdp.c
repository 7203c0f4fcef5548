/*
 * RRDP notifications (RFC 8182 section 3.5.1), read leniently and written
 * anew, so that a server can say something else than what its folder holds.
 * What we read is the lab's own text; a validator's reader is rpki/rrdp.c.
 */
#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "lab/serve.h"

#define RRDP_NS	"http://www.ripe.net/rpki/rrdp"

/* --- reading --- */

/* The next element's name and attributes; false at the end. */
static bool
tag_next(struct sv *text, struct sv *ret_name, struct sv *ret_attrs)
{
	while (text->n > 0) {
		struct sv tag;

		(void)sv_cut(text, '<');
		tag = sv_cut(text, '>');
		if (tag.n == 0)
			return false;
		if (tag.p[0] == '?' || tag.p[0] == '!' || tag.p[0] == '/')
			continue;
		*ret_attrs = tag;
		return sv_word(ret_attrs, ret_name);
	}
	return false;
}

/* name="value" among attributes; p NULL: not there. */
static struct sv
attr_find(struct sv attrs, const char *name)
{
	while (attrs.n > 0) {
		struct sv key = sv_trim(sv_cut(&attrs, '=')), value;
		char quote;

		attrs = sv_trim(attrs);
		if (attrs.n == 0)
			break;
		quote = attrs.p[0];
		attrs = sv_skip(attrs, 1);
		value = sv_cut(&attrs, quote);
		if (sv_eq_str(key, name))
			return value;
	}
	return (struct sv){ NULL, 0 };
}

struct sv
serve_attr(struct sv text, const char *name)
{
	struct sv tag, attrs;

	if (!tag_next(&text, &tag, &attrs))
		return (struct sv){ NULL, 0 };
	return attr_find(attrs, name);
}

unsigned
serve_doc_kind(struct sv head)
{
	struct sv tag, attrs;

	if (!tag_next(&head, &tag, &attrs))
		return SERVE_OTHER;
	if (sv_eq(tag, SV("notification")))
		return SERVE_NOTIFICATION;
	if (sv_eq(tag, SV("snapshot")))
		return SERVE_SNAPSHOT;
	return sv_eq(tag, SV("delta")) ? SERVE_DELTA : SERVE_OTHER;
}

static bool
ref_parse(struct sv attrs, struct serve_file_ref *ret)
{
	*ret = (struct serve_file_ref){ attr_find(attrs, "uri"), attr_find(attrs, "hash"), 0 };
	return ret->uri.p != NULL && ret->hash.p != NULL;
}

static int
delta_add(struct pool *pool, struct serve_notification *n, size_t *cap, struct sv attrs)
{
	struct serve_file_ref d;

	if (!ref_parse(attrs, &d) ||
	    num_u64(attr_find(attrs, "serial"), 1, UINT64_MAX, &d.serial) < 0)
		return -EINVAL;
	if (n->n_deltas == *cap) {
		struct serve_file_ref *more;

		*cap = *cap == 0 ? 32 : *cap * 2;
		if (*cap > SERVE_DELTAS_MAX)
			return SE_LIMIT;
		if ((more = pool_calloc(pool, *cap, sizeof(*more))) == NULL)
			return -ENOMEM;
		if (n->n_deltas > 0)
			memcpy(more, n->deltas, n->n_deltas * sizeof(*more));
		n->deltas = more;
	}
	n->deltas[n->n_deltas++] = d;
	return 0;
}

int
serve_notification_parse(struct pool *pool, struct sv text, struct serve_notification *ret)
{
	struct serve_notification n = { 0 };
	struct sv tag, attrs;
	size_t cap = 0;
	int rc;

	if (!tag_next(&text, &tag, &attrs) || !sv_eq(tag, SV("notification")))
		return -EINVAL;
	n.session = attr_find(attrs, "session_id");
	if (n.session.p == NULL || num_u64(attr_find(attrs, "serial"), 1, UINT64_MAX, &n.serial) < 0)
		return -EINVAL;
	while (tag_next(&text, &tag, &attrs)) {
		if (sv_eq(tag, SV("snapshot")) && !ref_parse(attrs, &n.snapshot))
			return -EINVAL;
		if (sv_eq(tag, SV("delta")) && (rc = delta_add(pool, &n, &cap, attrs)) < 0)
			return rc;
	}
	if (n.snapshot.uri.p == NULL)
		return -EINVAL;
	*ret = n;
	return 0;
}

/* --- writing --- */

void
serve_notification_write(const struct serve_notification *n, struct buf *b)
{
	buf_str(b, "<?xml version=\"1.0\" encoding=\"US-ASCII\"?>\n");
	buf_sv(b, n->prolog);
	buf_printf(b, "<notification xmlns=\"" RRDP_NS "\" version=\"1\" session_id=\"%.*s\" serial=\"",
	    SV_ARG(n->session));
	buf_u64(b, n->serial);
	buf_printf(b, "\">\n<snapshot uri=\"%.*s\" hash=\"%.*s\"/>\n", SV_ARG(n->snapshot.uri),
	    SV_ARG(n->snapshot.hash));
	for (size_t i = 0; i < n->n_deltas; i++) {
		buf_str(b, "<delta serial=\"");
		buf_u64(b, n->deltas[i].serial);
		buf_printf(b, "\" uri=\"%.*s\" hash=\"%.*s\"/>\n", SV_ARG(n->deltas[i].uri),
		    SV_ARG(n->deltas[i].hash));
	}
	buf_str(b, "</notification>\n");
}

/* --- changing --- */

bool
serve_uri_split(struct sv uri, struct sv *ret_host, struct sv *ret_path)
{
	size_t slash;

	if (!sv_starts(uri, SV("https://")))
		return false;
	uri = sv_skip(uri, 8);
	slash = sv_find(uri, '/');
	*ret_host = sv_take(uri, slash);
	*ret_path = sv_skip(uri, slash);
	return ret_host->n > 0 && ret_path->n > 0;
}

struct sv
serve_session_next(struct pool *pool, struct sv session)
{
	char *s = pool_alloc(pool, session.n + 1);

	if (s == NULL)
		return (struct sv){ NULL, 0 };
	memcpy(s, session.p, session.n);
	if (session.n > 0)
		s[0] = s[0] == 'f' ? '0' : 'f';
	return (struct sv){ s, session.n };
}

/* Another hash of the same form. */
static int
hash_change(struct pool *pool, struct sv *hash)
{
	struct sv s = pool_sv(pool, *hash);

	if (s.p == NULL)
		return -ENOMEM;
	if (s.n > 0)
		((char *)(uintptr_t)s.p)[s.n - 1] = s.p[s.n - 1] == '0' ? '1' : '0';
	*hash = s;
	return 0;
}

static int
host_change(struct pool *pool, struct sv *uri, const char *host)
{
	struct sv old, path;
	char *s;

	if (!serve_uri_split(*uri, &old, &path))
		return 0;
	if ((s = pool_printf(pool, "https://%s%.*s", host, SV_ARG(path))) == NULL)
		return -ENOMEM;
	*uri = sv_str(s);
	return 0;
}

static uint64_t
serial_last(const struct serve_notification *n)
{
	uint64_t last = 0;

	for (size_t i = 0; i < n->n_deltas; i++)
		if (n->deltas[i].serial > last)
			last = n->deltas[i].serial;
	return last;
}

/* Drop the deltas with serials in [from, until). */
static void
deltas_drop(struct serve_notification *n, uint64_t from, uint64_t until)
{
	size_t kept = 0;

	for (size_t i = 0; i < n->n_deltas; i++)
		if (n->deltas[i].serial < from || n->deltas[i].serial >= until)
			n->deltas[kept++] = n->deltas[i];
	n->n_deltas = kept;
}

static int
gap(struct pool *pool UNUSED, const struct serve_strike *k, struct serve_notification *n)
{
	uint64_t last = serial_last(n);

	if (last > k->number)
		deltas_drop(n, last - k->number, last);
	return 0;
}

/* An older notification without its file: the serial goes back, newer deltas go. */
static int
replay(struct pool *pool UNUSED, const struct serve_strike *k, struct serve_notification *n)
{
	n->serial = n->serial > k->number ? n->serial - k->number : 1;
	deltas_drop(n, n->serial + 1, UINT64_MAX);
	return 0;
}

static int
reuse(struct pool *pool, const struct serve_strike *k UNUSED, struct serve_notification *n)
{
	int rc = 0;

	for (size_t i = 0; i < n->n_deltas && rc == 0; i++)
		rc = hash_change(pool, &n->deltas[i].hash);
	return rc;
}

static int
delta_hash(struct pool *pool, const struct serve_strike *k UNUSED, struct serve_notification *n)
{
	uint64_t last = serial_last(n);
	int rc = 0;

	for (size_t i = 0; i < n->n_deltas && rc == 0; i++)
		if (n->deltas[i].serial == last)
			rc = hash_change(pool, &n->deltas[i].hash);
	return rc;
}

static int
snapshot_hash(struct pool *pool, const struct serve_strike *k UNUSED, struct serve_notification *n)
{
	return hash_change(pool, &n->snapshot.hash);
}

static int
session_mismatch(struct pool *pool, const struct serve_strike *k UNUSED, struct serve_notification *n)
{
	n->session = serve_session_next(pool, n->session);
	return n->session.p == NULL ? -ENOMEM : 0;
}

static int
session_changed(struct pool *pool, const struct serve_strike *k, struct serve_notification *n)
{
	n->n_deltas = 0;
	return session_mismatch(pool, k, n);
}

static int
foreign_snapshot(struct pool *pool, const struct serve_strike *k, struct serve_notification *n)
{
	return host_change(pool, &n->snapshot.uri, k->text);
}

static int
foreign_delta(struct pool *pool, const struct serve_strike *k, struct serve_notification *n)
{
	int rc = 0;

	for (size_t i = 0; i < n->n_deltas && rc == 0; i++)
		rc = host_change(pool, &n->deltas[i].uri, k->text);
	return rc;
}

/* The session names the entity, so that a reader who expands at all, does. */
static int
entity_use(struct pool *pool, struct serve_notification *n, const char *prolog)
{
	char *s = pool_printf(pool, "&lab;%.*s", SV_ARG(n->session));

	if (s == NULL || prolog == NULL)
		return -ENOMEM;
	n->session = sv_str(s);
	n->prolog = sv_str(prolog);
	return 0;
}

static int
doctype(struct pool *pool, const struct serve_strike *k UNUSED, struct serve_notification *n)
{
	return entity_use(pool, n, "<!DOCTYPE notification [\n<!ENTITY lab \"\">\n]>\n");
}

static int
laughs(struct pool *pool, const struct serve_strike *k UNUSED, struct serve_notification *n)
{
	struct buf b = BUF_INIT;
	char *s;

	buf_str(&b, "<!DOCTYPE notification [\n<!ENTITY l0 \"lol\">\n");
	for (unsigned i = 1; i <= 9; i++) {
		buf_printf(&b, "<!ENTITY %s%u \"", i == 9 ? "lab" : "l", i);
		for (unsigned j = 0; j < 10; j++)
			buf_printf(&b, "&l%u;", i - 1);
		buf_str(&b, "\">\n");
	}
	buf_str(&b, "<!ENTITY lab \"&lab9;\">\n]>\n");
	s = b.rc < 0 ? NULL : pool_printf(pool, "%.*s", SV_ARG(buf_get(&b)));
	buf_done(&b);
	return entity_use(pool, n, s);
}

/* An external entity may not stand in an attribute: it stands as text. */
static int
external(struct pool *pool, const struct serve_strike *k, struct serve_notification *n)
{
	n->prolog = sv_str(pool_printf(pool,
	    "<!DOCTYPE notification [\n<!ENTITY lab SYSTEM \"%s\">\n"
	    "<!ENTITY %% more SYSTEM \"%s\">\n%%more;\n]>\n", k->text, k->text));
	return n->prolog.p == NULL ? -ENOMEM : 0;
}

int
serve_notification_change(struct pool *pool, const struct serve_strike *k,
    struct serve_notification *n)
{
	static const struct {
		enum serve_b	 b;
		int		(*change)(struct pool *, const struct serve_strike *,
				    struct serve_notification *);
	} rows[] = {
		{ SERVE_B_SESSION_CHANGED, session_changed },
		{ SERVE_B_SESSION_MISMATCH, session_mismatch },
		{ SERVE_B_DELTA_GAP, gap },
		{ SERVE_B_REPLAY, replay },
		{ SERVE_B_SERIAL_REUSE, reuse },
		{ SERVE_B_SNAPSHOT_HASH, snapshot_hash },
		{ SERVE_B_DELTA_HASH, delta_hash },
		{ SERVE_B_FOREIGN_SNAPSHOT, foreign_snapshot },
		{ SERVE_B_FOREIGN_DELTA, foreign_delta },
		{ SERVE_B_DOCTYPE, doctype },
		{ SERVE_B_LAUGHS, laughs },
		{ SERVE_B_EXTERNAL, external },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (rows[i].b == k->b)
			return rows[i].change(pool, k, n);
	return -EOPNOTSUPP;
}
