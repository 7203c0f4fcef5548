/*
 * Ghostbusters records (RFC 6493): whom to call when a CA is broken. The
 * content is one vCard 4.0 (RFC 6350) of a few properties.
 */
#include <errno.h>
#include <string.h>

#include "base/json.h"
#include "rpki/internal.h"

enum property {
	P_BEGIN,
	P_VERSION,
	P_FN,
	P_ORG,
	P_ADR,
	P_TEL,
	P_EMAIL,
	P_END,
	P_MAX
};

static const char *const names[P_MAX] = {
	[P_BEGIN] = "BEGIN", [P_VERSION] = "VERSION", [P_FN] = "FN", [P_ORG] = "ORG",
	[P_ADR] = "ADR", [P_TEL] = "TEL", [P_EMAIL] = "EMAIL", [P_END] = "END",
};

struct reading {
	struct sv	 left;		/* not read yet */
	char		*out;		/* unfolded lines; room for all */
	struct gbr	*g;
	unsigned	 count[P_MAX];
	size_t		 n_lines;
	enum property	 last;
	bool		 bare_lf;
	const char	*why;		/* the first that is wrong */
};

static void
wrong(struct reading *r, const char *why)
{
	if (r->why == NULL)
		r->why = why;
}

static bool
text_ok(struct sv s)
{
	while (s.n > 0) {
		unsigned char c = (unsigned char)s.p[0];
		size_t n = utf8_len(s);

		if (n == 0 || c == 0x7f || (c < ' ' && c != '\t' && c != '\r' && c != '\n'))
			return false;
		if (c == '\r' && (s.n == 1 || s.p[1] != '\n'))
			return false;
		s = sv_skip(s, n);
	}
	return true;
}

/* One line up to CR LF; a bare LF is met and taken, too. */
static struct sv
physical_line(struct reading *r)
{
	size_t n = sv_find(r->left, '\n');
	bool ended = n < r->left.n;
	struct sv line = sv_take(r->left, n);

	r->left = sv_skip(r->left, n + ended);
	if (line.n > 0 && line.p[line.n - 1] == '\r')
		line.n--;
	else
		r->bare_lf = true;
	return line;
}

/* RFC 6350 section 3.2: a line that begins with white space goes on. */
static struct sv
line_next(struct reading *r)
{
	struct sv line = { r->out, 0 }, piece = physical_line(r);

	for (;;) {
		if (piece.n > 0)
			memcpy(r->out, piece.p, piece.n);
		r->out += piece.n;
		line.n += piece.n;
		if (r->left.n == 0 || (r->left.p[0] != ' ' && r->left.p[0] != '\t'))
			return line;
		piece = sv_skip(physical_line(r), 1);
	}
}

/* "item1.TEL;TYPE=work:+81…" into "TEL" and what follows the colon. */
static bool
line_split(struct sv line, struct sv *ret_name, struct sv *ret_value)
{
	bool quoted = false;
	size_t colon = 0, end;

	while (colon < line.n && (quoted || line.p[colon] != ':')) {
		quoted ^= line.p[colon] == '"';
		colon++;
	}
	if (colon == line.n)
		return false;
	*ret_value = sv_skip(line, colon + 1);
	end = min_size(sv_find(line, ';'), colon);
	*ret_name = sv_take(line, end);
	*ret_name = sv_skip(*ret_name, sv_find(*ret_name, '.') < end ?
	    sv_find(*ret_name, '.') + 1 : 0);
	return ret_name->n > 0;
}

static enum property
property_find(struct sv name)
{
	for (size_t i = 0; i < P_MAX; i++)
		if (sv_caseeq(name, sv_str(names[i])))
			return (enum property)i;
	return P_MAX;
}

/* The first of each is kept; there may be more. */
static void
value_keep(struct gbr *g, enum property p, struct sv value)
{
	struct sv *const fields[P_MAX] = {
		[P_FN] = &g->fn, [P_ORG] = &g->org, [P_ADR] = &g->adr,
		[P_TEL] = &g->tel, [P_EMAIL] = &g->email,
	};

	if (fields[p] != NULL && fields[p]->n == 0)
		*fields[p] = sv_trim(value);
}

static void
line_take(struct reading *r, struct sv line)
{
	enum property p = P_MAX;
	struct sv name, value;

	if (!line_split(line, &name, &value))
		wrong(r, N_("a line is not a property with a value"));
	else if ((p = property_find(name)) == P_MAX)
		wrong(r, N_("it has other properties than BEGIN, VERSION, FN, ORG, ADR, TEL, EMAIL and END"));
	if (p == P_MAX)
		return;
	if (p == P_BEGIN && (r->n_lines != 0 || !sv_caseeq(sv_trim(value), SV("VCARD"))))
		wrong(r, N_("it does not begin with BEGIN:VCARD"));
	if (p == P_VERSION && (r->n_lines != 1 || !sv_eq(sv_trim(value), SV("4.0"))))
		wrong(r, N_("its second line is not VERSION:4.0"));
	if (r->count[P_END] > 0)
		wrong(r, N_("something follows END:VCARD"));
	if (p == P_END && !sv_caseeq(sv_trim(value), SV("VCARD")))
		wrong(r, N_("it does not end with END:VCARD"));
	r->count[p]++;
	r->last = p;
	value_keep(r->g, p, value);
}

static void
whole_check(struct reading *r)
{
	if (r->count[P_BEGIN] == 0)
		wrong(r, N_("it does not begin with BEGIN:VCARD"));
	if (r->count[P_VERSION] == 0)
		wrong(r, N_("its second line is not VERSION:4.0"));
	if (r->count[P_END] == 0)
		wrong(r, N_("it does not end with END:VCARD"));
	if (r->g->fn.n == 0)
		wrong(r, N_("it names nobody (FN)"));
	if (r->g->adr.n == 0 && r->g->tel.n == 0 && r->g->email.n == 0)
		wrong(r, N_("it has no address, telephone number or mail address"));
}

int
gbr_parse(struct pool *pool, struct sv content, struct findings *fs, struct rpki_object *o)
{
	struct reading r = { .left = content };

	if (content.n > RPKI_GBR_SIZE_MAX) {
		finding_add(fs, F(RPKI_GBR_LARGE), FA_U("size", content.n),
		    FA_U("limit", RPKI_GBR_SIZE_MAX));
		return 0;
	}
	if (!text_ok(content)) {
		finding_add(fs, F(RPKI_GBR_VCARD), FA_MSG("why", N_("it is not UTF-8 text")));
		return 0;
	}
	r.g = pool_alloc(pool, sizeof(*r.g));
	r.out = pool_alloc(pool, content.n + 1);
	if (r.g == NULL || r.out == NULL)
		return -ENOMEM;
	for (; r.left.n > 0; r.n_lines++)
		line_take(&r, line_next(&r));
	whole_check(&r);
	if (r.why != NULL)
		finding_add(fs, F(RPKI_GBR_VCARD), FA_MSG("why", r.why));
	else if (r.bare_lf)
		finding_add0(fs, F(RPKI_GBR_LINES));
	o->gbr = r.g;
	return 0;
}

/* RFC 6493 section 6: whoever holds the CA's resources, whatever they are. */
void
gbr_check(const struct cert *ee, struct findings *fs)
{
	const struct resources *r = &ee->res;

	if ((r->v4.present && !r->v4.inherit) || (r->v6.present && !r->v6.inherit) ||
	    (r->as.present && !r->as.inherit))
		finding_add0(fs, F(RPKI_GBR_EE));
}
