/*
 * The text of an object: base64, decoded as it comes. Nine tenths of a
 * snapshot are such letters, and expat looks at each of them twice (tokens,
 * lines) to find that it is text: 23 instructions a letter (2.5.0, 2026-11),
 * more than half of what fetching cost. So it is not shown the letters of
 * which nothing else can be said:
 *
 * - expat has just ended a start tag of publish, and was given nothing behind
 *   it. What follows is content, outside of any comment, CDATA section or tag.
 * - XML 1.0 section 2.4: in content only '<' and '&' are markup, and "]]>"
 *   must not stand there. Letters, '+', '/', '=' and blanks are text, whatever
 *   stands before or behind them.
 *
 * From the first other character on expat sees everything, up to the end of
 * the next tag. So what a file says does not depend on this.
 */
#include <errno.h>
#include <stdlib.h>

#include "rpki/rrdp.h"

/*
 * Letters of one object: base64 of the largest, with line breaks. What is
 * longer is not kept, and no reason to refuse the file: in a hosted service
 * one CA could stop all its neighbours so.
 */
#define TEXT_MAX	((size_t)RPKI_OBJECT_SIZE_MAX / 2 * 3)

void
rrdp_text_begin(struct rrdp_parser *p)
{
	p->base64 = (struct base64){ 0 };
	p->bad = p->large = false;
	p->text_len = p->der_len = 0;
}

static bool
der_room(struct rrdp_parser *p, size_t more)
{
	size_t cap = max_size(p->der_cap * 2, p->der_len + more);
	uint8_t *der;

	if (p->der_len + more <= p->der_cap)
		return true;
	if ((der = realloc(p->der, cap)) == NULL) {
		rrdp_fail(p, -ENOMEM, RRDP_CODE_MAX, N_("there is not enough memory"));
		return false;
	}
	p->der = der;
	p->der_cap = cap;
	return true;
}

/* The good ones at its head are taken; how many. */
static size_t
text_take(struct rrdp_parser *p, struct sv s)
{
	size_t good, n;

	if (p->large)
		return 0;
	s = sv_take(s, TEXT_MAX - p->text_len + 1);
	if (!der_room(p, base64_room(s.n)))
		return 0;
	good = base64_part(&p->base64, p->der + p->der_len, s, &n);
	p->der_len += n;
	p->text_len += good;
	p->large = p->text_len > TEXT_MAX;
	return good;
}

void
rrdp_text_add(struct rrdp_parser *p, struct sv s)
{
	if (!p->bad && text_take(p, s) < s.n && !p->large)
		p->bad = true;
}

void
rrdp_text_end(struct rrdp_parser *p)
{
	size_t n;

	if (p->large || !der_room(p, BASE64_END_MAX))
		return;
	if (p->bad || base64_end(&p->base64, p->der + p->der_len, &n) < 0) {
		rrdp_fail(p, SE_SYNTAX, RRDP_OBJECT, N_("it is no base64"));
		return;
	}
	p->der_len += n;
	p->large = p->der_len > RPKI_OBJECT_SIZE_MAX;
	p->change.bytes = (struct sv){ (const char *)p->der, p->der_len };
}

void
rrdp_text_withhold(struct rrdp_parser *p, struct sv *s)
{
	struct sv text;
	size_t n;

	if (p->all_shown || p->rc != 0 || p->scope != RRDP_IN_PUBLISH || p->tag_end != p->shown)
		return;
	text = sv_take(*s, sv_find(*s, '<'));
	/* Lines are counted as expat does it: those with CR are left to it. */
	text = sv_take(text, sv_find(text, '\r'));
	n = text_take(p, text);
	*s = sv_skip(*s, n);
	for (text = sv_take(text, n); (n = sv_find(text, '\n')) < text.n; text = sv_skip(text, n + 1))
		p->lines++;
}
