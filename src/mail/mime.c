/* A message into its parts: see mail/mime.h. */
#include <errno.h>

#include "base/err.h"
#include "mail/message_internal.h"
#include "mail/mime.h"

#define PARTS_FIRST	8	/* room at first: more than most messages have */
#define NO_PART		SIZE_MAX

/* A multipart whose last delimiter was not met yet. */
struct multi {
	struct sv	boundary;
	size_t		part;
};

struct reader {
	struct pool	*pool;
	struct mime	*m;
	size_t		 cap;
	struct sv	 text;
	size_t		 at;		/* the line that is looked at begins there */
	struct multi	 open[MIME_DEPTH_MAX];
	unsigned	 n_open;
	size_t		 leaf;		/* the part whose lines go by; NO_PART: between parts */
	size_t		 begin;		/* of its head, or of its body */
	bool		 in_head;
};

/* --- one part --- */

static struct sv
slice(const struct reader *r, size_t from, size_t to)
{
	return sv_take(sv_skip(r->text, from), to > from ? to - from : 0);
}

/* "The CRLF preceding the boundary delimiter line is conceptually attached to the boundary". */
static size_t
end_strip(const struct reader *r, size_t at)
{
	struct sv before = sv_take(r->text, at);

	if (sv_ends(before, SV("\r\n")))
		return at - 2;
	return sv_ends(before, SV("\n")) ? at - 1 : at;
}

static enum mime_encoding
encoding_of(struct sv head)
{
	static const struct {
		const char		*name;
		enum mime_encoding	 encoding;
	} rows[] = {
		{ "", MIME_IDENTITY }, { "7bit", MIME_IDENTITY }, { "8bit", MIME_IDENTITY },
		{ "binary", MIME_IDENTITY }, { "quoted-printable", MIME_QUOTED }, { "base64", MIME_BASE64 },
	};
	struct sv word = { NULL, 0 }, value = mime_field_find(head, SV("Content-Transfer-Encoding"));

	(void)sv_word(&value, &word);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (sv_caseeq(word, sv_str(rows[i].name)))
			return rows[i].encoding;
	return MIME_UNKNOWN;
}

static struct sv
type_of(struct sv head)
{
	struct sv value = mime_field_find(head, SV("Content-Type")), type = sv_trim(sv_cut(&value, ';'));

	return type.n > 0 ? type : SV("text/plain");
}

/* The head is whole. What was a leaf may turn out to have parts of its own. */
static int
head_end(struct reader *r, size_t end, size_t body)
{
	struct mime_part *p = &r->m->parts[r->leaf];
	struct sv boundary = { NULL, 0 };
	int rc;

	p->head = slice(r, r->begin, end);
	p->type = type_of(p->head);
	p->encoding = encoding_of(p->head);
	r->begin = body;
	r->in_head = false;
	if (!sv_caseeq(sv_take(p->type, 10), SV("multipart/")))
		return 0;
	rc = mime_param_find(r->pool, mime_field_find(p->head, SV("Content-Type")), SV("boundary"), &boundary);
	if (rc == -ENOMEM)
		return rc;
	if (boundary.n == 0 || boundary.n > MIME_BOUNDARY_MAX || r->n_open == MIME_DEPTH_MAX) {
		r->m->is_cut |= boundary.n > 0;
		return 0;
	}
	p->body = slice(r, body, r->text.n);
	r->open[r->n_open++] = (struct multi){ boundary, r->leaf };
	r->leaf = NO_PART;
	return 0;
}

/* Nothing of the part is at or behind end. */
static int
leaf_end(struct reader *r, size_t end)
{
	int rc;

	if (r->leaf != NO_PART && r->in_head && (rc = head_end(r, end, end)) < 0)
		return rc;
	if (r->leaf != NO_PART)
		r->m->parts[r->leaf].body = slice(r, r->begin, end);
	r->leaf = NO_PART;
	return 0;
}

static int
part_add(struct reader *r, size_t begin)
{
	struct mime *m = r->m;

	if (m->n == r->cap) {
		struct mime_part *more = pool_calloc(r->pool, 2 * r->cap, sizeof(*more));

		if (more == NULL)
			return -ENOMEM;
		memcpy(more, m->parts, m->n * sizeof(*more));
		m->parts = more;
		r->cap *= 2;
	}
	m->parts[m->n].depth = r->n_open;
	m->parts[m->n].parent = r->n_open > 0 ? r->open[r->n_open - 1].part : 0;
	r->leaf = m->n++;
	r->begin = begin;
	r->in_head = true;
	return 0;
}

/* --- lines --- */

/* Which of the open multiparts does the line delimit? n_open: none. */
static unsigned
delimiter_find(const struct reader *r, struct sv line, bool *ret_is_last)
{
	struct sv rest = sv_skip(line, 2);

	if (!sv_starts(line, SV("--")))
		return r->n_open;
	for (unsigned i = r->n_open; i > 0; i--) {
		struct sv boundary = r->open[i - 1].boundary, behind;

		if (!sv_starts(rest, boundary))
			continue;
		behind = sv_skip(rest, boundary.n);
		*ret_is_last = sv_starts(behind, SV("--"));
		if (sv_trim(*ret_is_last ? sv_skip(behind, 2) : behind).n == 0)
			return i - 1;
	}
	return r->n_open;
}

/* What stands inside of the i-th multipart ends before the line, with or without a delimiter of its own. */
static int
delimiter_take(struct reader *r, unsigned i, bool is_last, size_t next)
{
	size_t end = max_size(end_strip(r, r->at), r->begin);
	int rc;

	if ((rc = leaf_end(r, r->in_head ? r->at : end)) < 0)
		return rc;
	r->m->is_open |= r->n_open > i + 1;
	for (; r->n_open > i + 1; r->n_open--) {
		struct mime_part *p = &r->m->parts[r->open[r->n_open - 1].part];
		size_t begin = (size_t)(p->body.p - r->text.p);

		/* A head that ends with this line has its body behind the line's beginning. */
		p->body = sv_take(p->body, end > begin ? end - begin : 0);
	}
	if (!is_last)
		return part_add(r, next);
	r->n_open--;
	if (r->n_open > 0) {		/* the message's own body has what stands behind, too */
		struct mime_part *p = &r->m->parts[r->open[i].part];

		/* The line's end may be an outer delimiter's. */
		p->body = sv_take(p->body, (size_t)(r->text.p + end_strip(r, next) - p->body.p));
	}
	return 0;
}

/* The line from r->at up to next. */
static int
line_take(struct reader *r, size_t next)
{
	struct sv line = slice(r, r->at, next);
	bool is_last = false;
	unsigned i = delimiter_find(r, line, &is_last);

	if (i < r->n_open && !is_last && r->m->n == MIME_PARTS_MAX) {
		r->m->is_cut = true;
		return SE_LIMIT;
	}
	if (i < r->n_open)
		return delimiter_take(r, i, is_last, next);
	if (r->leaf != NO_PART && r->in_head && (sv_eq(line, SV("\n")) || sv_eq(line, SV("\r\n"))))
		return head_end(r, r->at, next);
	return 0;
}

int
mime_parse(struct pool *pool, struct sv message, struct mime *ret)
{
	struct mime m = { .parts = pool_calloc(pool, PARTS_FIRST, sizeof(*m.parts)) };
	struct reader r = { .pool = pool, .m = &m, .cap = PARTS_FIRST, .text = message };
	size_t end = message.n;
	int rc;

	if (m.parts == NULL)
		return -ENOMEM;
	for (rc = part_add(&r, 0); rc == 0 && r.at < message.n;) {
		size_t next = min_size(r.at + sv_find(sv_skip(message, r.at), '\n') + 1, message.n);

		if ((rc = line_take(&r, next)) == 0)
			r.at = next;
	}
	if (rc == SE_LIMIT)
		end = r.at;
	else if (rc < 0)
		return rc;
	if ((rc = leaf_end(&r, end)) < 0)
		return rc;
	m.is_open |= r.n_open > 0;
	*ret = m;
	return 0;
}

/* --- fields --- */

struct sv
mime_field_find(struct sv head, struct sv name)
{
	while (head.n > 0) {
		struct sv lines = mail_lines_cut(head);
		size_t colon = sv_find(lines, ':');

		if (colon < lines.n && sv_caseeq(sv_trim(sv_take(lines, colon)), name))
			return sv_trim(sv_skip(lines, colon + 1));
		head = sv_skip(head, lines.n);
	}
	return (struct sv){ NULL, 0 };
}

/* The value up to its ";", which is taken off; one between quotes does not count. */
static struct sv
param_cut(struct sv *rest)
{
	struct sv all = *rest;
	bool quoted = false;
	size_t n = 0;

	for (; n < all.n && (quoted || all.p[n] != ';'); n++)
		if (all.p[n] == '\\' && quoted && n + 1 < all.n)
			n++;
		else if (all.p[n] == '"')
			quoted = !quoted;
	*rest = sv_skip(all, n + 1);
	return sv_take(all, n);
}

/* Without quotes, backslashes and line ends; .p is NULL without memory. */
static struct sv
unquote(struct pool *pool, struct sv s)
{
	bool quoted = s.n > 0 && s.p[0] == '"';
	char *p = pool_alloc(pool, s.n + 1);
	size_t n = 0;

	if (p == NULL)
		return (struct sv){ NULL, 0 };
	for (size_t i = quoted; i < s.n; i++) {
		if (quoted ? s.p[i] == '"' : s.p[i] == ' ' || s.p[i] == '\t')
			break;
		if (quoted && s.p[i] == '\\' && i + 1 < s.n)
			i++;
		if (s.p[i] != '\r' && s.p[i] != '\n')
			p[n++] = s.p[i];
	}
	return (struct sv){ p, n };
}

int
mime_param_find(struct pool *pool, struct sv value, struct sv name, struct sv *ret)
{
	(void)param_cut(&value);	/* the type */
	while (value.n > 0) {
		struct sv text = param_cut(&value), found;
		size_t equals = sv_find(text, '=');

		if (equals == text.n || !sv_caseeq(sv_trim(sv_take(text, equals)), name))
			continue;
		found = unquote(pool, sv_trim(sv_skip(text, equals + 1)));
		if (found.p == NULL)
			return -ENOMEM;
		*ret = found;
		return 0;
	}
	return -ENOENT;
}
