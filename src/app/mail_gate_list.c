/*
 * Lists of addresses as Sendmail writes them. It writes From, To and the like anew behind its
 * filters (8.17, commaize() and crackaddr(); found in 2026-11 with tests/peer/test_milter_sendmail.py):
 * one blank behind each comma and none before it, no empty elements, and quotes around a name
 * with letters that RFC 5322 wants quoted. A signature has to be over that form.
 *
 * What is more than that (groups, blanks within an address) is left as it is; such mail goes out
 * with a signature that fails, as with any other signer before Sendmail.
 */
#include <errno.h>

#include "app/mail_gate_internal.h"

struct element {
	struct sv	all;
	size_t		angle;		/* where "<" is; all.n: there is none */
	bool		is_odd;		/* has what ends no list of plain addresses */
	bool		is_marked;	/* a quote or a comment stands before the angle */
};

static bool
is_list(struct sv name)
{
	static const char *const names[] = { "From", "To", "Cc", "Reply-To", "Sender", "Resent-From",
		"Resent-To", "Resent-Cc", "Resent-Sender" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (sv_caseeq(name, sv_str(names[i])))
			return true;
	return false;
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static struct sv
trimmed(struct sv s)
{
	while (s.n > 0 && is_blank(s.p[0]))
		s = sv_skip(s, 1);
	while (s.n > 0 && is_blank(s.p[s.n - 1]))
		s.n--;
	return s;
}

/* Up to the next comma that is one. false: the end. */
static bool
element_next(struct sv *rest, struct element *ret)
{
	struct element e = { .all = *rest, .angle = rest->n };
	bool quoted = false, angle = false;
	unsigned depth = 0;
	size_t i = 0;

	if (rest->n == 0)
		return false;
	for (; i < rest->n; i++) {
		char c = rest->p[i];

		if (c == '\\' && (quoted || depth > 0)) {
			i++;
			continue;
		}
		if (c == '"' && depth == 0)
			quoted = !quoted;
		if (!quoted && c == '(')
			depth++;
		if (!quoted && c == ')' && depth > 0)
			depth--;
		if (e.angle == rest->n && (c == '"' || c == '('))
			e.is_marked = true;
		if (quoted || depth > 0)
			continue;
		if (c == ',' && !angle)
			break;
		if (c == '<' && e.angle == rest->n)
			e.angle = i;
		angle = c == '<' || (angle && c != '>');
		e.is_odd = e.is_odd || c == ';' || (c == ':' && !angle);
	}
	i = min_size(i, rest->n);
	e.is_odd = e.is_odd || quoted || depth > 0 || angle;
	e.all = sv_take(*rest, i);
	e.angle = min_size(e.angle, i);
	*rest = sv_skip(*rest, min_size(i + 1, rest->n));
	*ret = e;
	return true;
}

/* confMUST_QUOTE_CHARS, and what is always quoted. */
static bool
wants_quotes(struct sv phrase)
{
	for (size_t i = 0; i < phrase.n; i++)
		if (strchr("@,;:\\()[].'", phrase.p[i]) != NULL)
			return true;
	return false;
}

static void
element_write(const struct element *e, struct buf *b)
{
	struct sv phrase = trimmed(sv_take(e->all, e->angle));

	if (e->angle == e->all.n || e->is_marked || !wants_quotes(phrase)) {
		buf_sv(b, trimmed(e->all));
		return;
	}
	buf_char(b, '"');
	buf_sv(b, phrase);
	buf_str(b, is_blank(e->all.p[e->angle - 1]) ? "\" " : "\"");
	buf_sv(b, trimmed(sv_skip(e->all, e->angle)));
}

int
gate_list(struct mail_gate *g, struct sv name, struct sv *value)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	struct sv rest = *value;
	struct element e;
	bool first = true;

	if (!g->writes_lists || g->who != MAIL_WHO_OWN || !is_list(name))
		return 0;
	buf_char(&b, ' ');
	while (element_next(&rest, &e)) {
		if (e.is_odd)
			return 0;
		if (trimmed(e.all).n == 0)
			continue;
		if (!first)
			buf_str(&b, ", ");
		first = false;
		element_write(&e, &b);
	}
	if (b.rc < 0)
		return b.rc;
	*value = pool_sv(g->kept, buf_get(&b));
	return value->p == NULL ? -ENOMEM : 0;
}
