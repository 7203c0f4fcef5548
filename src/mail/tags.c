/* Lists of tag=value: one pass, nothing copied. */
#include "mail/tags.h"

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool
is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* tag-name = ALPHA *ALNUMPUNC */
static bool
name_ok(struct sv name)
{
	if (name.n == 0 || !is_letter(name.p[0]))
		return false;
	for (size_t i = 1; i < name.n; i++)
		if (!is_letter(name.p[i]) && !(name.p[i] >= '0' && name.p[i] <= '9') && name.p[i] != '_')
			return false;
	return true;
}

/* VALCHAR, and white space in it; above 127 see the essay. */
static bool
value_ok(struct sv value)
{
	for (size_t i = 0; i < value.n; i++) {
		unsigned char c = (unsigned char)value.p[i];

		if ((c < ' ' && !is_blank((char)c)) || c == 0x7f)
			return false;
	}
	return true;
}

/* Names have one letter mostly, and there are few. */
static bool
is_double(const struct mail_tags *tags, struct sv name)
{
	for (size_t i = 0; i < tags->n; i++)
		if (sv_eq(tags->tag[i].name, name))
			return true;
	return false;
}

static enum mail_tags_error
tag_add(struct mail_tags *tags, struct sv spec)
{
	size_t eq = sv_find(spec, '=');
	struct sv name = sv_trim(sv_take(spec, eq)), raw = sv_skip(spec, eq + 1);

	if (eq == spec.n || !name_ok(name) || !value_ok(raw))
		return MAIL_TAGS_SYNTAX;
	if (is_double(tags, name))
		return MAIL_TAGS_DOUBLE;
	if (tags->n == MAIL_TAGS_MAX)
		return MAIL_TAGS_MANY;
	tags->tag[tags->n++] = (struct mail_tag){ name, sv_trim(raw), raw };
	return MAIL_TAGS_OK;
}

/* tag-list = tag-spec *( ";" tag-spec ) [ ";" ] */
enum mail_tags_error
mail_tags_parse(struct sv text, struct mail_tags *ret, size_t *ret_at)
{
	struct sv rest = text;

	ret->n = 0;
	do {
		size_t at = text.n - rest.n;
		struct sv spec = sv_cut(&rest, ';');
		enum mail_tags_error e;

		if (ret->n > 0 && at + spec.n == text.n && sv_trim(spec).n == 0)
			break;		/* behind a ";" at the end */
		if ((e = tag_add(ret, spec)) != MAIL_TAGS_OK) {
			*ret_at = at;
			return e;
		}
	} while (rest.n > 0);
	return MAIL_TAGS_OK;
}

struct sv
mail_tag_get(const struct mail_tags *tags, const char *name)
{
	struct sv want = sv_str(name);

	for (size_t i = 0; i < tags->n; i++)
		if (sv_eq(tags->tag[i].name, want))
			return tags->tag[i].value;
	return (struct sv){ NULL, 0 };
}

struct sv
mail_unfold(struct pool *pool, struct sv value)
{
	char *p = pool_alloc(pool, value.n + 1);
	size_t n = 0;

	if (p == NULL)
		return (struct sv){ NULL, 0 };
	for (size_t i = 0; i < value.n; i++)
		if (!is_blank(value.p[i]))
			p[n++] = value.p[i];
	return (struct sv){ p, n };
}
