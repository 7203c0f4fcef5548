/* The leaves of a message's parts (mail/mime.h), as they read. */
#include "mail/diff_internal.h"

/* Has the part others within it? They stand behind it. */
static bool
is_leaf(const struct mime *m, size_t i)
{
	return i + 1 == m->n || m->parts[i + 1].parent != i || m->parts[i + 1].depth == 0;
}

/* CRLF as LF, and none at the end: empty lines there are the writer's whim. */
static int
text_normal(struct pool *pool, struct sv s, struct sv *ret)
{
	char *p = pool_alloc(pool, s.n + 1);
	size_t n = 0;

	if (p == NULL)
		return -ENOMEM;
	while (s.n > 0) {
		size_t run = sv_find(s, '\r');

		memcpy(p + n, s.p, run);
		n += run;
		s = sv_skip(s, run);
		if (s.n > 0 && !sv_starts(s, SV("\r\n")))
			p[n++] = '\r';
		s = sv_skip(s, 1);
	}
	while (n > 0 && p[n - 1] == '\n')
		n--;
	*ret = (struct sv){ p, n };
	return 0;
}

static int
parameter(struct pool *pool, const struct mime_part *p, const char *field, const char *name,
    struct sv *ret)
{
	int rc = mime_param_find(pool, mime_field_find(p->head, sv_str(field)), sv_str(name), ret);

	return rc == -ENOMEM ? rc : 0;
}

static struct sv
encoding_text(const struct mime_part *p)
{
	struct sv value = mime_field_find(p->head, SV("Content-Transfer-Encoding")), word;

	return sv_word(&value, &word) ? word : SV("7bit");
}

/* Names live in pool, what was decoded in scratch. */
static int
leaf_init(struct pool *pool, struct pool *scratch, const struct mime_part *p, struct diff_leaf *ret)
{
	struct sv octets = p->body;
	int rc;

	*ret = (struct diff_leaf){ .type = p->type, .encoding = encoding_text(p), .raw = p->body,
		.charset = SV(""), .file = SV(""), .mate = SIZE_MAX };
	if ((rc = parameter(pool, p, "Content-Type", "charset", &ret->charset)) < 0 ||
	    (rc = parameter(pool, p, "Content-Disposition", "filename", &ret->file)) < 0 ||
	    (p->encoding != MIME_UNKNOWN &&
	    (rc = mime_decode(scratch, p->encoding, p->body, &octets)) < 0))
		return rc;
	ret->text = octets;
	return sv_caseeq(sv_take(p->type, 5), SV("text/")) ?
	    text_normal(scratch, octets, &ret->text) : 0;
}

int
diff_leaves_read(struct pool *pool, struct pool *scratch, struct sv message,
    struct diff_leaves *ret)
{
	struct mime m;
	int rc;

	*ret = (struct diff_leaves){ .n = 0 };
	if ((rc = mime_parse(pool, message, &m)) < 0)
		return rc;
	ret->is_cut = m.is_cut;
	ret->is_multi = m.n > 1;
	if ((ret->v = pool_calloc(pool, m.n, sizeof(*ret->v))) == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < m.n; i++)
		if (is_leaf(&m, i) &&
		    (rc = leaf_init(pool, scratch, &m.parts[i], &ret->v[ret->n++])) < 0)
			return rc;
	return 0;
}
