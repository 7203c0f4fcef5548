/*
 * The mailboxes of a From (RFC 5322 section 3.4), strictly: only what all readers cut alike.
 *
 * The grammar is RFC 5322's less what nobody writes and programs read
 * differently: comments and blanks within an address, routes, quoted domains.
 * Names and quoted local parts are copied without their quotes into one room
 * of the pool, as long as the field.
 */
#include <errno.h>

#include "base/json.h"
#include "mail/message_internal.h"

#define SHOWN_MAX	80	/* octets of a stranger's field in a finding */
#define END		-1	/* no octet: a control to all who ask */

struct reader {
	struct sv	 text;
	size_t		 at;
	struct wr	 room;
	struct findings	*fs;
	struct mail_list list;
	size_t		 cap;		/* of the list */
	bool		 no_memory;
};

/* Words before an address: its name, or its local part. */
struct words {
	size_t	n, end;		/* how many, and where the last one ends in the text */
	struct sv value;	/* without quotes and comments, one blank between two */
	bool	is_quoted;	/* the last one */
};

/* --- octets --- */

static int
peek(const struct reader *r)
{
	return r->at < r->text.n ? (unsigned char)r->text.p[r->at] : END;
}

static bool
take(struct reader *r, char c)
{
	if (peek(r) != c)
		return false;
	r->at++;
	return true;
}

/* Always false, so that a parser ends with "return refuse(…)". */
static bool
refuse(struct reader *r, enum mail_code code)
{
	finding_add(r->fs, &mail_findings[code], FA_U("offset", r->at),
	    FA_SV("value", sv_take(r->text, SHOWN_MAX)));
	return false;
}

/* What an atom may have (section 3.2.3, RFC 6532 section 3.2), and dots. */
static bool
is_word(int c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	    c >= 0x80 || (c > 0 && strchr("!#$%&'*+-/=?^_`{|}~.", c) != NULL);
}

static bool
is_control(int c)
{
	return (c < ' ' && c != '\t') || c == 0x7f;
}

/* A line end that a blank follows (section 3.2.2). */
static bool
fold_skip(struct reader *r)
{
	struct sv rest = sv_skip(r->text, r->at);

	if (!sv_starts(rest, SV("\r\n ")) && !sv_starts(rest, SV("\r\n\t")))
		return false;
	r->at += 2;
	return true;
}

static bool
blanks_skip(struct reader *r)
{
	size_t from = r->at;

	while (fold_skip(r) || peek(r) == ' ' || peek(r) == '\t')
		r->at++;
	return r->at > from;
}

/*
 * A comment, of which nothing may look like an address: programs that do not know comments
 * would take it for one.
 */
static bool
comment_skip(struct reader *r)
{
	size_t depth = 0;

	do {
		int c = peek(r);

		if (blanks_skip(r))
			continue;
		if (c == '\\' && r->at + 1 < r->text.n)
			c = (unsigned char)r->text.p[++r->at];
		else if (c == '(')
			depth++;
		else if (c == ')')
			depth--;
		if (is_control(c))
			return refuse(r, MAIL_ADDRESS_SYNTAX);
		if (c == '@' || c == '<' || c == '>')
			return refuse(r, MAIL_ADDRESS_COMMENT);
		r->at++;
	} while (depth > 0);
	return true;
}

/* Blanks and comments, which may stand behind words and addresses. */
static bool
between_skip(struct reader *r)
{
	while (blanks_skip(r) || peek(r) == '(')
		if (peek(r) == '(' && !comment_skip(r))
			return false;
	return true;
}

/* --- words --- */

static bool
quoted_read(struct reader *r)
{
	r->at++;
	for (;;) {
		int c;

		(void)fold_skip(r);
		c = peek(r);

		if (c == '"')
			break;
		if (c == '\\' && r->at + 1 < r->text.n)
			c = (unsigned char)r->text.p[++r->at];
		if (is_control(c))
			return refuse(r, MAIL_ADDRESS_SYNTAX);
		wr_u8(&r->room, (uint8_t)c);
		r->at++;
	}
	r->at++;
	return true;
}

static struct sv
run_read(struct reader *r)
{
	size_t from = r->at;

	while (is_word(peek(r)))
		r->at++;
	return (struct sv){ r->text.p + from, r->at - from };
}

static struct sv
room_since(const struct reader *r, size_t from)
{
	return (struct sv){ (const char *)r->room.buf + from, r->room.len - from };
}

static bool
words_read(struct reader *r, struct words *w)
{
	size_t from = r->room.len;

	*w = (struct words){ .end = r->at };
	while (is_word(peek(r)) || peek(r) == '"') {
		if (w->n++ > 0)
			wr_u8(&r->room, ' ');
		w->is_quoted = peek(r) == '"';
		if (w->is_quoted) {
			if (!quoted_read(r))
				return false;
		} else {
			struct sv run = run_read(r);

			wr_bytes(&r->room, run.p, run.n);
		}
		w->end = r->at;
		if (!between_skip(r))
			return false;
	}
	w->value = room_since(r, from);
	return true;
}

/* --- addresses --- */

/*
 * The local part is what the words are: one, and nothing between it and "@". One in quotes
 * must not have what another reader takes for an address's end.
 */
static bool
local_check(struct reader *r, const struct words *w)
{
	struct sv s = w->value, gap = { r->text.p + w->end, r->at - w->end };

	if (w->n != 1 || s.n == 0)
		return refuse(r, MAIL_ADDRESS_SYNTAX);
	if (gap.n > 0)
		return refuse(r, sv_find(gap, '(') < gap.n ? MAIL_ADDRESS_COMMENT :
		    MAIL_ADDRESS_SYNTAX);
	if (sv_starts(s, SV("=?")))
		return refuse(r, MAIL_ADDRESS_ENCODED);
	for (size_t i = 0; w->is_quoted && i < s.n; i++)
		if (strchr("@<>()[]:;,\\\"", s.p[i]) != NULL)
			return refuse(r, MAIL_ADDRESS_LOCAL);
	for (size_t i = 0; !w->is_quoted && i < s.n; i++)
		if (s.p[i] == '.' && (i == 0 || i + 1 == s.n || s.p[i + 1] == '.')) {
			(void)refuse(r, MAIL_ADDRESS_DOTS);	/* a warning */
			break;
		}
	return true;
}

/* What stands where a domain is expected, or goes on. */
static enum mail_code
domain_code(int c)
{
	switch (c) {
	case '"':
		return MAIL_ADDRESS_QUOTED;
	case '(':
		return MAIL_ADDRESS_COMMENT;
	case '[':
		return MAIL_ADDRESS_LITERAL;
	default:
		return MAIL_ADDRESS_SYNTAX;
	}
}

/* "@" and the domain, behind which no comment may begin at once. */
static bool
domain_read(struct reader *r, struct mail_address *a)
{
	int rc;

	if (!take(r, '@') || !is_word(peek(r)))
		return refuse(r, domain_code(peek(r)));
	a->domain = run_read(r);
	if (peek(r) == '"' || peek(r) == '(')
		return refuse(r, domain_code(peek(r)));
	if (sv_starts(a->domain, SV("=?")))
		return refuse(r, MAIL_ADDRESS_ENCODED);
	rc = mail_domain(a->domain, &a->name);
	if (rc == -ENOMEM)
		r->no_memory = true;
	return rc == 0 || refuse(r, MAIL_ADDRESS_DOMAIN);
}

/* "<" address ">": the blanks at its edges are all that may be left off. */
static bool
angle_read(struct reader *r, struct mail_address *a)
{
	struct words w;

	r->at++;
	(void)blanks_skip(r);
	switch (peek(r)) {
	case '@':
		return refuse(r, MAIL_ADDRESS_ROUTE);
	case '>':
		return refuse(r, MAIL_ADDRESS_NULL);
	case '(':
		return refuse(r, MAIL_ADDRESS_COMMENT);
	}
	if (!words_read(r, &w) || !local_check(r, &w) || !domain_read(r, a))
		return false;
	a->local = w.value;
	(void)blanks_skip(r);
	if (peek(r) == '(')
		return refuse(r, MAIL_ADDRESS_COMMENT);
	return take(r, '>') ? between_skip(r) : refuse(r, MAIL_ADDRESS_SYNTAX);
}

/*
 * An address without brackets. Many programs put one where the name belongs: a@b <a@b>. As
 * long as both are the same nobody can take the wrong one.
 */
static bool
bare_read(struct reader *r, const struct words *w, struct mail_address *a)
{
	struct mail_address twin;

	if (!local_check(r, w) || !domain_read(r, a))
		return false;
	a->local = w->value;
	if (!between_skip(r))
		return false;
	if (peek(r) != '<')
		return true;
	if (!angle_read(r, &twin))
		return false;
	if (!sv_caseeq(twin.local, a->local) || !dname_eq(&twin.name, &a->name))
		return refuse(r, MAIL_ADDRESS_TWO);
	return true;
}

static bool
address_add(struct reader *r, const struct mail_address *a)
{
	if (r->list.n == r->cap)
		return refuse(r, MAIL_ADDRESS_MANY);
	r->list.v[r->list.n++] = *a;
	return true;
}

/* One mailbox, of which the words were read. */
static bool
mailbox_read(struct reader *r, const struct words *w)
{
	struct mail_address a = { .display = { NULL, 0 } };

	switch (peek(r)) {
	case '@':
		return bare_read(r, w, &a) && address_add(r, &a);
	case '<':
		a.display = w->value;
		return angle_read(r, &a) && address_add(r, &a);
	default:
		return refuse(r, MAIL_ADDRESS_SYNTAX);
	}
}

/* --- lists --- */

static bool
member_read(struct reader *r)
{
	struct words w;

	(void)blanks_skip(r);
	if (peek(r) == '(')
		return refuse(r, MAIL_ADDRESS_COMMENT);
	return words_read(r, &w) && mailbox_read(r, &w);
}

/* RFC 5322 section 3.4: display-name ":" [group-list] ";" — which RFC 6854 allows in a From. */
static bool
group_read(struct reader *r)
{
	r->list.n_groups++;
	(void)refuse(r, MAIL_ADDRESS_GROUP);	/* a warning */
	r->at++;
	(void)blanks_skip(r);
	if (peek(r) != ';')
		do
			if (!member_read(r))
				return false;
		while (take(r, ','));
	if (!take(r, ';'))
		return refuse(r, MAIL_ADDRESS_SYNTAX);
	return between_skip(r);
}

static bool
element_read(struct reader *r)
{
	struct words w;

	(void)blanks_skip(r);
	if (peek(r) == '(')
		return refuse(r, MAIL_ADDRESS_COMMENT);
	if (!words_read(r, &w))
		return false;
	if (w.n > 0 && peek(r) == ':')
		return group_read(r);
	return mailbox_read(r, &w);
}

static bool
list_read(struct reader *r)
{
	(void)blanks_skip(r);
	if (peek(r) == END)
		return true;	/* nobody */
	do
		if (!element_read(r))
			return false;
	while (take(r, ','));
	return peek(r) == END || refuse(r, MAIL_ADDRESS_SYNTAX);
}

/* RFC 6532 section 3.1: octets beyond ASCII are UTF-8. */
static bool
utf8_check(struct reader *r)
{
	size_t n;

	for (; r->at < r->text.n; r->at += n)
		if ((n = utf8_len(sv_skip(r->text, r->at))) == 0)
			return refuse(r, MAIL_ADDRESS_UTF8);
	r->at = 0;
	return true;
}

/* In the field as it stands, or in a name out of which comments were taken. */
static bool
encoded_check(struct reader *r)
{
	bool is_odd = mail_encoded_is_odd(r->text);

	for (size_t i = 0; i < r->list.n; i++)
		is_odd |= mail_encoded_is_odd(r->list.v[i].display);
	return !is_odd || refuse(r, MAIL_ADDRESS_ENCODED);
}

/* --- the door --- */

/* Behind each mailbox but the last one stands one of these. */
static size_t
separators_count(struct sv s)
{
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++)
		n += s.p[i] == ',' || s.p[i] == ';';
	return n;
}

int
mail_list_parse(struct pool *pool, struct sv value, struct findings *fs, struct mail_list *ret)
{
	struct reader r = { .text = value, .fs = fs };
	uint8_t *room = pool_alloc(pool, value.n);

	r.cap = min_size(separators_count(value) + 1, MAIL_ADDRESSES_MAX);
	r.list.v = pool_calloc(pool, r.cap, sizeof(*r.list.v));
	if (room == NULL || r.list.v == NULL)
		return -ENOMEM;
	r.room = wr_mem(room, value.n);
	if (!utf8_check(&r) || !list_read(&r) || !encoded_check(&r))
		r.list.n = 0;
	if (r.no_memory)
		return -ENOMEM;
	*ret = r.list;
	return 0;
}

int
mail_addresses(struct pool *pool, struct sv value, struct findings *fs, struct mail_address **ret,
    size_t *ret_n)
{
	struct mail_list list;
	int rc = mail_list_parse(pool, value, fs, &list);

	if (rc < 0)
		return rc;
	*ret = list.v;
	*ret_n = list.n;
	return 0;
}
