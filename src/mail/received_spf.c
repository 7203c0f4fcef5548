/* Received-SPF (RFC 7208 section 9.1), written strictly and read as it is found. */
#include <errno.h>
#include <stddef.h>

#include "mail/authres_internal.h"

#define K(member, name)	{ name, offsetof(struct received_spf, member) }

/* In the order of the standard's example. */
static const struct key {
	const char	*name;
	size_t		 at;
} keys[] = {
	K(receiver, "receiver"),
	K(identity, "identity"),
	K(client_ip, "client-ip"),
	K(envelope_from, "envelope-from"),
	K(helo, "helo"),
	K(mechanism, "mechanism"),
	K(problem, "problem"),
};

static struct sv
key_get(const struct received_spf *r, const struct key *k)
{
	struct sv s;

	memcpy(&s, (const char *)r + k->at, sizeof(s));
	return s;
}

/* The first of a name counts. */
static void
key_set(struct received_spf *r, struct sv name, struct sv value)
{
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if (sv_caseeq(name, sv_str(keys[i].name)) && key_get(r, &keys[i]).p == NULL)
			memcpy((char *)r + keys[i].at, &value, sizeof(value));
}

/*
 * key-value-pair = key [CFWS] "=" ( dot-atom / quoted-string ). "@" and ":" are in no dot-atom, so
 * addresses of both kinds are quoted; most tokens are dot-atoms.
 */
static void
key_put(struct authres_out *o, const struct key *k, struct sv value, bool *is_first)
{
	bool plain = authres_is_token(value) && !sv_starts(value, SV(".")) && !sv_ends(value, SV("."));

	if (value.n > AUTHRES_VALUE_MAX)
		return;
	if (!*is_first) {
		buf_char(o->b, ';');
		o->column++;
	}
	*is_first = false;
	buf_str(&o->piece, k->name);
	buf_char(&o->piece, '=');
	if (plain)
		authres_out_value(o, value);
	else {
		buf_char(&o->piece, '"');
		authres_out_escaped(o, value, '"', '"');
		buf_char(&o->piece, '"');
	}
	authres_out_piece(o);
}

void
received_spf_write(struct buf *b, const struct received_spf *r, bool is_utf8)
{
	struct authres_out o = { .b = b, .piece = BUF_INIT, .column = sizeof("Received-SPF:"), .is_utf8 = is_utf8 };
	bool is_first = true;

	buf_str(&o.piece, mail_result_name(r->result));
	authres_out_piece(&o);
	authres_out_comment(&o, r->comment);
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		struct sv value = key_get(r, &keys[i]);

		if (value.p != NULL)
			key_put(&o, &keys[i], value, &is_first);
	}
	buf_done(&o.piece);
}

/* A quoted string, or all up to a blank, a bracket or a semicolon. */
static struct sv
value_read(struct authres_lex *l)
{
	if (authres_lex_is(l, '"'))
		return authres_lex_value(l);
	return authres_lex_run(l, AUTHRES_LOOSE);
}

static void
pairs_read(struct authres_lex *l, struct received_spf *ret)
{
	while (l->left.n > 0 && l->bad == NULL && !l->is_oom) {
		struct sv name;

		(void)authres_lex_blank(l);
		name = authres_lex_run(l, AUTHRES_WORD);
		(void)authres_lex_blank(l);
		if (name.n > 0 && authres_lex_next(l, '=')) {
			struct sv value;

			(void)authres_lex_blank(l);
			value = value_read(l);
			if (value.p != NULL)
				key_set(ret, name, value);
		} else if (!authres_lex_next(l, ';'))
			l->left = sv_skip(l->left, 1);
	}
}

int
received_spf_parse(struct pool *pool, struct sv value, struct received_spf *ret)
{
	struct received_spf r = { .result = MAIL_NONE };
	struct authres_lex l;

	authres_lex_init(&l, pool, value);
	(void)authres_lex_blank(&l);
	l.comment = (struct sv){ NULL, 0 };
	if (!authres_is_clean(value) || mail_result_parse(authres_lex_run(&l, AUTHRES_WORD), &r.result) < 0 ||
	    r.result == MAIL_POLICY)
		return -EINVAL;
	(void)authres_lex_blank(&l);
	if (l.comment.n > 0)
		r.comment = l.comment;
	pairs_read(&l, &r);
	if (l.is_oom)
		return -ENOMEM;
	*ret = r;
	return 0;
}
