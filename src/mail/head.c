/* Fields in their order, as a milter gives them or as they stand in a file. */
#include <errno.h>

#include "mail/message_internal.h"

const struct finding_def mail_findings[MAIL_CODE_MAX] = {
#define F FINDING_ROW_
#include "mail/message_findings.def"
#undef F
};

#define FIELDS_FIRST	64	/* room at first: more than most messages have */
#define SHOWN_MAX	100	/* octets of a stranger's line in a finding */

void
mail_head_init(struct mail_head *h, struct pool *pool)
{
	*h = (struct mail_head){ .pool = pool };
}

int
mail_pool_check(struct pool *pool, struct findings *fs, int rc)
{
	if (rc != -ENOMEM || !pool_is_full(pool))
		return rc;
	pool_spare(pool, MAIL_SPARE);
	finding_add(fs, &mail_findings[MAIL_TOO_MUCH], FA_U("limit", MAIL_POOL_MAX));
	return 0;
}

/* --- one field --- */

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/*
 * RFC 5322 section 2.2: "A field name MUST be composed of printable US-ASCII characters (i.e.,
 * characters that have values between 33 and 126, inclusive), except colon." Blanks behind it
 * are section 4.5's, which mail_head_check() has a word on.
 */
static bool
name_parse(struct sv text, struct sv *ret)
{
	while (text.n > 0 && (is_blank(text.p[text.n - 1]) || text.p[text.n - 1] == '\r' ||
	    text.p[text.n - 1] == '\n'))
		text.n--;
	*ret = text;
	return text.n > 0 && sv_graphic(text);
}

static bool
field_parse(struct sv raw, struct mail_field *ret)
{
	size_t colon = sv_find(raw, ':');

	*ret = (struct mail_field){ .raw = raw, .value = sv_skip(raw, colon + 1) };
	return colon < raw.n && name_parse(sv_take(raw, colon), &ret->name);
}

/* Line ends: those with a CR, and those without. */
struct ends {
	size_t	n_crlf, n_lf;
};

static struct ends
ends_count(struct sv s)
{
	struct ends e = { 0, 0 };

	for (size_t i = sv_find(s, '\n'); i < s.n; i += 1 + sv_find(sv_skip(s, i + 1), '\n'))
		if (i > 0 && s.p[i - 1] == '\r')
			e.n_crlf++;
		else
			e.n_lf++;
	return e;
}

/* Copied into room, which is large enough, with CRLF for each LF. */
static size_t
ends_write(char *room, struct sv s)
{
	size_t n = 0;

	while (s.n > 0) {
		struct sv line = sv_take(s, sv_find(s, '\n'));

		if (line.n > 0)
			memcpy(room + n, line.p, line.n);
		n += line.n;
		s = sv_skip(s, line.n);
		if (s.n == 0)
			break;
		if (line.n == 0 || line.p[line.n - 1] != '\r')
			room[n++] = '\r';
		room[n++] = '\n';
		s = sv_skip(s, 1);
	}
	return n;
}

/* --- into the list --- */

static bool
limit_tell(struct mail_head *h, struct findings *fs, const char *what, size_t size, size_t limit)
{
	finding_add(fs, &mail_findings[MAIL_HEAD_LIMIT], FA_MSG("what", what), FA_U("size", size),
	    FA_U("limit", limit));
	h->is_full = true;
	return true;
}

/* Is there no room for a field of so many octets? Then it is said, and nothing more is taken. */
static bool
head_is_full(struct mail_head *h, size_t n, struct findings *fs)
{
	if (h->is_full)
		return true;
	if (h->n + h->n_odd == MAIL_FIELDS_MAX)
		return limit_tell(h, fs, N_("number of fields"), h->n + h->n_odd + 1,
		    MAIL_FIELDS_MAX);
	if (n > MAIL_FIELD_MAX)
		return limit_tell(h, fs, N_("octets of one field"), n, MAIL_FIELD_MAX);
	if (n > MAIL_HEADER_MAX - h->octets)
		return limit_tell(h, fs, N_("octets of all fields"), h->octets + n,
		    MAIL_HEADER_MAX);
	h->octets += n;
	return false;
}

static int
room_make(struct mail_head *h)
{
	size_t cap = h->cap == 0 ? FIELDS_FIRST : 2 * h->cap;
	struct mail_field *more;

	if (h->n < h->cap)
		return 0;
	if ((more = pool_calloc(h->pool, cap, sizeof(*more))) == NULL)
		return -ENOMEM;
	if (h->n > 0)
		memcpy(more, h->fields, h->n * sizeof(*more));
	h->fields = more;
	h->cap = cap;
	return 0;
}

/* raw has CRLF only, and lives as long as the head. */
static int
raw_add(struct mail_head *h, struct sv raw, size_t line, struct findings *fs)
{
	struct mail_field f;

	if (!field_parse(raw, &f)) {
		finding_add(fs, &mail_findings[MAIL_HEAD_LINE], FA_U("line", line),
		    FA_SV("text", sv_take(raw, SHOWN_MAX)));
		h->n_odd++;
		return 0;
	}
	if (f.name.n > MAIL_NAME_FIELD_MAX) {
		(void)limit_tell(h, fs, N_("octets of a field's name"), f.name.n,
		    MAIL_NAME_FIELD_MAX);
		return 0;
	}
	if (room_make(h) < 0)
		return -ENOMEM;
	h->fields[h->n++] = f;
	return 0;
}

int
mail_head_add(struct mail_head *h, struct sv name, struct sv value, struct findings *fs)
{
	size_t n = name.n;
	char *room;

	if (head_is_full(h, name.n + 1 + value.n, fs))
		return 0;
	if ((room = pool_alloc(h->pool, name.n + 1 + value.n + ends_count(value).n_lf)) == NULL)
		return -ENOMEM;
	if (n > 0)
		memcpy(room, name.p, n);
	room[n++] = ':';
	n += ends_write(room + n, value);
	return raw_add(h, (struct sv){ room, n }, h->n + h->n_odd + 1, fs);
}

/* --- a whole message --- */

struct reader {
	struct sv	 text;		/* what is left */
	size_t		 line;		/* that begins there */
	struct ends	 ends;
	bool		 is_told;	/* that there are both kinds */
	struct findings	*fs;
};

/* The octets of the empty line that ends the head; 0: it is none. */
static size_t
empty_line(struct sv s)
{
	return sv_starts(s, SV("\r\n")) ? 2 : sv_starts(s, SV("\n")) ? 1 : 0;
}

struct sv
mail_lines_cut(struct sv text)
{
	size_t n = 0;

	do
		n += min_size(sv_find(sv_skip(text, n), '\n') + 1, text.n - n);
	while (n < text.n && is_blank(text.p[n]));
	return sv_take(text, n);
}

/* Each program has its own idea of where a line ends if there are both kinds. */
static void
ends_note(struct reader *r, struct sv lines)
{
	struct ends e = ends_count(lines);

	r->ends.n_crlf += e.n_crlf;
	r->ends.n_lf += e.n_lf;
	if (r->ends.n_crlf > 0 && r->ends.n_lf > 0 && !r->is_told) {
		finding_add(r->fs, &mail_findings[MAIL_HEAD_LINE_END], FA_U("line", r->line));
		r->is_told = true;
	}
	r->line += e.n_crlf + e.n_lf;
	r->text = sv_skip(r->text, lines.n);
}

static struct sv
end_strip(struct sv s)
{
	if (sv_ends(s, SV("\r\n")))
		return sv_take(s, s.n - 2);
	return sv_ends(s, SV("\n")) ? sv_take(s, s.n - 1) : s;
}

static int
lines_add(struct mail_head *h, struct sv lines, struct reader *r)
{
	struct sv raw = end_strip(lines);
	size_t n_lf = ends_count(raw).n_lf;
	char *room;

	if (head_is_full(h, raw.n, r->fs))
		return 0;
	if (n_lf > 0) {
		if ((room = pool_alloc(h->pool, raw.n + n_lf)) == NULL)
			return -ENOMEM;
		raw = (struct sv){ room, ends_write(room, raw) };
	}
	return raw_add(h, raw, r->line, r->fs);
}

/* "From " at the beginning of a mailbox's message (RFC 4155); "From :" is a field. */
static bool
is_mbox(struct sv text)
{
	struct mail_field f;

	return sv_starts(text, SV("From ")) && !field_parse(mail_lines_cut(text), &f);
}

int
mail_head_parse(struct mail_head *h, struct sv text, struct sv *ret_body, struct findings *fs)
{
	struct reader r = { .text = text, .line = 1, .fs = fs };
	size_t n_end = 0;

	if (is_mbox(text)) {
		finding_add0(fs, &mail_findings[MAIL_HEAD_MBOX]);
		ends_note(&r, sv_take(text, sv_find(text, '\n') + 1));
	}
	while (r.text.n > 0 && (n_end = empty_line(r.text)) == 0) {
		struct sv lines = mail_lines_cut(r.text);

		if (lines_add(h, lines, &r) < 0)
			return -ENOMEM;
		ends_note(&r, lines);
	}
	ends_note(&r, sv_take(r.text, n_end));
	*ret_body = r.text;
	return 0;
}

/* --- found again --- */

const struct mail_field *
mail_head_last(const struct mail_head *h, struct sv name, size_t n)
{
	for (size_t i = h->n; i > 0; i--)
		if (sv_caseeq(h->fields[i - 1].name, name) && n-- == 0)
			return &h->fields[i - 1];
	return NULL;
}

size_t
mail_head_count(const struct mail_head *h, struct sv name)
{
	size_t n = 0;

	for (size_t i = 0; i < h->n; i++)
		n += sv_caseeq(h->fields[i].name, name);
	return n;
}
