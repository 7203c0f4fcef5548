/*
 * What comes of macros (RFC 7208 section 7): a name to ask for, or an explanation.
 *
 * A name keeps at most 253 octets, and what is too long loses labels at its left (section 7.3).
 * So room for some more than that is enough, however long the expansion is: when it is full,
 * its left part goes. An explanation that is too long is none.
 */
#include "mail/spf_internal.h"

#include <errno.h>
#include <stdio.h>

#define NAME_TEXT_MAX	253		/* section 7.3 */
#define NAME_KEEP	(NAME_TEXT_MAX + 2)	/* with a dot at each end */

struct expansion {
	struct spf_eval	*ev;
	const struct spf_frame *frame;
	enum spf_where	 where;
	size_t		 n;
	bool		 is_lost;	/* nothing can match it, or nothing be told */
	char		 text[SPF_EXPLANATION_MAX];
};

static void
text_add(struct expansion *x, struct sv s)
{
	size_t n_kept;

	if (x->n + s.n > sizeof(x->text)) {
		if (x->where == SPF_IN_TEXT) {
			x->is_lost = true;
			return;
		}
		n_kept = min_size(x->n, NAME_KEEP);
		memmove(x->text, x->text + x->n - n_kept, n_kept);
		x->n = n_kept;
		s = sv_skip(s, s.n - min_size(s.n, NAME_KEEP));
	}
	if (s.n > 0)
		memcpy(x->text + x->n, s.p, s.n);
	x->n += s.n;
}

/* unreserved of RFC 3986 section 2.3 */
static bool
is_unreserved(char c)
{
	return spf_is_alpha(c) || spf_is_digit(c) || c == '-' || c == '.' || c == '_' || c == '~';
}

static void
part_add(struct expansion *x, const struct spf_macro *m, struct sv part)
{
	static const char hex[] = "0123456789ABCDEF";

	if (!m->is_upper) {
		text_add(x, part);
		return;
	}
	for (size_t i = 0; i < part.n && !x->is_lost; i++) {
		uint8_t c = (uint8_t)part.p[i];
		char escaped[] = { '%', hex[c >> 4], hex[c & 15] };

		if (is_unreserved(part.p[i]))
			text_add(x, sv_take(sv_skip(part, i), 1));
		else
			text_add(x, (struct sv){ escaped, sizeof(escaped) });
	}
}

/* --- parts of a value --- */

static bool
is_delimiter(const struct spf_macro *m, char c)
{
	return sv_find(m->delimiters, c) < m->delimiters.n;
}

/* Up to the first delimiter. */
static struct sv
part_first(const struct spf_macro *m, struct sv s)
{
	size_t n = 0;

	while (n < s.n && !is_delimiter(m, s.p[n]))
		n++;
	return sv_take(s, n);
}

/* Behind the last delimiter. */
static struct sv
part_last(const struct spf_macro *m, struct sv s)
{
	size_t n = s.n;

	while (n > 0 && !is_delimiter(m, s.p[n - 1]))
		n--;
	return sv_skip(s, n);
}

static size_t
parts_count(const struct spf_macro *m, struct sv s)
{
	size_t n = 1;

	for (size_t i = 0; i < s.n; i++)
		n += is_delimiter(m, s.p[i]);
	return n;
}

/*
 * Split, reversed, the right-hand parts kept, dots between them (section 7.3). Of what was
 * reversed these are the parts that stood first.
 */
static void
value_add(struct expansion *x, const struct spf_macro *m, struct sv s)
{
	size_t n = parts_count(m, s);
	size_t n_left = m->n_keep > 0 ? min_size(m->n_keep, n) : n;

	for (size_t n_cut = n - n_left; n_cut > 0; n_cut--)
		s = m->is_reversed ? sv_take(s, s.n - part_last(m, s).n - 1) :
		    sv_skip(s, part_first(m, s).n + 1);
	for (; n_left > 0 && !x->is_lost; n_left--) {
		struct sv part = m->is_reversed ? part_last(m, s) : part_first(m, s);

		part_add(x, m, part);
		if (n_left == 1)
			break;
		text_add(x, SV("."));
		s = m->is_reversed ? sv_take(s, s.n - part.n - 1) : sv_skip(s, part.n + 1);
	}
}

/* --- values by letter --- */

/* 192.0.2.1, or nibbles with dots: "i". */
static struct sv
address_text(const struct ip_prefix *px, char dst[static 64])
{
	static const char hex[] = "0123456789ABCDEF";
	size_t n = 0;

	if (px->af == IP_V4)
		return sv_str(ip_addr_str(px->addr, px->af, dst));
	for (unsigned i = 0; i < 16; i++) {
		dst[n++] = hex[px->addr[i] >> 4];
		dst[n++] = '.';
		dst[n++] = hex[px->addr[i] & 15];
		dst[n++] = '.';
	}
	return (struct sv){ dst, n - 1 };
}

/*
 * RFC 8616 section 4: a local part of other octets is in no name, "terms … do not match
 * anything". The same holds for what is far too long, as no limit of SMTP allows it.
 */
static bool
value_ok(struct sv s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] >= 0x80)
			return false;
	return s.n <= SPF_VALUE_MAX;
}

static int
value_of(struct expansion *x, char letter, char scratch[static 64], struct sv *ret)
{
	struct spf_eval *ev = x->ev;

	switch (letter) {
	case 's':
	case 'l':
		*ret = letter == 's' ? ev->out->sender : ev->local;
		break;
	case 'o':
		*ret = ev->origin;
		break;
	case 'd':
		*ret = x->frame->domain;
		break;
	case 'i':
		*ret = address_text(&ev->client, scratch);
		break;
	case 'p':
		return spf_ptr_name(ev, x->frame, ret);
	case 'v':
		*ret = ev->client.af == IP_V4 ? SV("in-addr") : SV("ip6");
		break;
	case 'h':
		*ret = ev->helo;
		break;
	case 'c':
		*ret = sv_str(ip_addr_str(ev->client.addr, ev->client.af, scratch));
		break;
	case 'r':
		*ret = ev->in->receiver.n > 0 ? ev->in->receiver : SV("unknown");
		break;
	default:		/* t */
		(void)snprintf(scratch, 64, "%lld", (long long)ev->in->now);
		*ret = sv_str(scratch);
		break;
	}
	return 0;
}

/* 0; MAIL_WAIT. What cannot be expanded is lost. */
static int
expand(struct expansion *x, struct sv text)
{
	struct spf_macro m;
	int rc;

	while (!x->is_lost && (rc = spf_macro_next(&text, x->where, &m)) != 0) {
		struct sv value = m.literal;
		char scratch[64];

		if (rc < 0) {
			x->is_lost = true;
		} else if (m.letter == 0) {
			text_add(x, m.literal);
		} else {
			if ((rc = value_of(x, m.letter, scratch, &value)) != 0)
				return rc;
			if (value_ok(value))
				value_add(x, &m, value);
			else
				x->is_lost = true;
		}
	}
	return 0;
}

/* Section 7.3: "the left side is truncated to fit, by removing successive domain labels". */
static struct sv
name_fit(struct sv s)
{
	if (sv_ends(s, SV(".")))
		s.n--;
	while (s.n > NAME_TEXT_MAX) {
		size_t dot = sv_find(s, '.');

		if (dot == s.n)
			return s;		/* one label: no name, and found to be none */
		s = sv_skip(s, dot + 1);
	}
	return s;
}

static int
result_set(struct expansion *x, struct sv s, struct sv *ret)
{
	*ret = (struct sv){ NULL, 0 };
	if (x->is_lost)
		return 0;
	*ret = pool_sv(x->ev->pool, s);
	return ret->p == NULL ? -ENOMEM : 0;
}

/* Most domains have no macro, and are what stands in the record. */
static bool
is_plain(struct sv s)
{
	return sv_find(s, '%') == s.n;
}

int
spf_expand_domain(struct spf_eval *ev, const struct spf_frame *frame, struct sv spec,
    struct sv *ret)
{
	struct expansion x;
	int rc;

	if (is_plain(spec)) {
		*ret = name_fit(spec);
		return 0;
	}
	x.ev = ev;
	x.frame = frame;
	x.where = SPF_IN_DOMAIN;
	x.n = 0;
	x.is_lost = false;
	if ((rc = expand(&x, spec)) != 0)
		return rc;
	return result_set(&x, name_fit((struct sv){ x.text, x.n }), ret);
}

int
spf_expand_text(struct spf_eval *ev, const struct spf_frame *frame, struct sv text, struct sv *ret)
{
	struct expansion x;
	int rc;

	x.ev = ev;
	x.frame = frame;
	x.where = SPF_IN_TEXT;
	x.n = 0;
	x.is_lost = false;
	if ((rc = expand(&x, text)) != 0)
		return rc;
	return result_set(&x, (struct sv){ x.text, x.n }, ret);
}
