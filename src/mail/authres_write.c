/* The writer of RFC 8601 section 2.2. Whatever a value holds, it ends where we end it. */
#include "base/json.h"
#include "mail/authres_internal.h"
#include "mail/message.h"

#define TAB_COLUMNS	8

static void
fold(struct authres_out *o)
{
	buf_str(o->b, "\r\n\t");
	o->column = TAB_COLUMNS;
}

/* One column is kept for a semicolon behind it. */
void
authres_out_piece(struct authres_out *o)
{
	if (o->column + 1 + o->piece.len >= AUTHRES_LINE_MAX && o->column > TAB_COLUMNS)
		fold(o);
	else if (o->column > TAB_COLUMNS) {
		buf_char(o->b, ' ');
		o->column++;
	}
	buf_sv(o->b, buf_get(&o->piece));
	o->column += o->piece.len;
	if (o->b->rc == 0)
		o->b->rc = o->piece.rc;
	o->piece.len = 0;
}

void
authres_out_escaped(struct authres_out *o, struct sv s, char a, char b)
{
	while (s.n > 0) {
		size_t n = utf8_len(s);
		char c = s.p[0];

		if (n == 0 || (n > 1 && !o->is_utf8) || (n == 1 && (c < ' ' || c == 0x7f)))
			buf_char(&o->piece, '?');
		else {
			if (c == a || c == b || c == '\\')
				buf_char(&o->piece, '\\');
			buf_sv(&o->piece, sv_take(s, n));
		}
		s = sv_skip(s, n == 0 ? 1 : n);
	}
}

/* The domain as A-labels without a final dot; as it is where it is none. */
static struct sv
ascii_domain(struct sv domain, char room[static DNAME_STRLEN])
{
	struct dname name;

	if (sv_ascii(domain) || mail_domain(domain, &name) < 0)
		return domain;
	return mail_name_str(&name, room);
}

static void
value_put(struct authres_out *o, struct sv s, bool is_plain)
{
	size_t at = sv_rfind(s, '@');
	struct sv local = sv_take(s, at == s.n ? 0 : at + 1), domain = sv_skip(s, local.n);
	char room[DNAME_STRLEN];

	if (!o->is_utf8)
		domain = ascii_domain(domain, room);
	if (is_plain && (o->is_utf8 || (sv_ascii(local) && sv_ascii(domain)))) {
		buf_sv(&o->piece, local);
		buf_sv(&o->piece, domain);
		return;
	}
	buf_char(&o->piece, '"');
	authres_out_escaped(o, local, '"', '"');
	authres_out_escaped(o, domain, '"', '"');
	buf_char(&o->piece, '"');
}

void
authres_out_value(struct authres_out *o, struct sv s)
{
	value_put(o, s, authres_is_token(s));
}

void
authres_out_pvalue(struct authres_out *o, struct sv s)
{
	value_put(o, s, authres_is_plain(s));
}

void
authres_out_comment(struct authres_out *o, struct sv s)
{
	if (s.n == 0 || s.n > AUTHRES_VALUE_MAX)
		return;
	buf_char(&o->piece, '(');
	authres_out_escaped(o, s, '(', ')');
	buf_char(&o->piece, ')');
	authres_out_piece(o);
}

static void
property_put(struct authres_out *o, const struct authres_property *p)
{
	if (p->value.n > AUTHRES_VALUE_MAX)
		return;
	buf_sv(&o->piece, p->ptype);
	buf_char(&o->piece, '.');
	buf_sv(&o->piece, p->name);
	buf_char(&o->piece, '=');
	authres_out_pvalue(o, p->value);
	authres_out_piece(o);
}

static void
result_put(struct authres_out *o, const struct authres_result *r)
{
	buf_char(o->b, ';');
	fold(o);
	buf_sv(&o->piece, r->method_name);
	if (r->version != 1) {
		buf_char(&o->piece, '/');
		buf_u64(&o->piece, r->version);
	}
	buf_char(&o->piece, '=');
	buf_sv(&o->piece, r->word);
	authres_out_piece(o);
	authres_out_comment(o, r->comment);
	if (r->reason.p != NULL && r->reason.n <= AUTHRES_VALUE_MAX) {
		buf_str(&o->piece, "reason=");
		authres_out_value(o, r->reason);
		authres_out_piece(o);
	}
	for (const struct authres_property *p = r->properties; p != NULL; p = p->next)
		property_put(o, p);
}

void
authres_write(struct buf *b, const struct authres *a, size_t column, bool is_utf8)
{
	struct authres_out o = { .b = b, .piece = BUF_INIT, .column = max_size(column, TAB_COLUMNS + 1),
	    .is_utf8 = is_utf8 };

	authres_out_value(&o, a->id);
	authres_out_piece(&o);
	for (const struct authres_result *r = a->results; r != NULL; r = r->next)
		result_put(&o, r);
	if (a->results == NULL)
		buf_str(b, "; none");
	buf_done(&o.piece);
}
