/* The page's files and texts. */
#include "app/web_internal.h"
#include "out/escape.h"

static const struct web_string {
	const char	*key, *msgid;
} strings[] = {
#define S(key, msgid) { #key, msgid },
#include "app/web_strings.def"
#undef S
};

const struct web_asset *
web_asset_find(struct sv path)
{
	for (size_t i = 0; i < web_n_assets; i++)
		if (sv_eq_str(path, web_assets[i].path))
			return &web_assets[i];
	return NULL;
}

static void
place_write(struct web_call *c, struct sv key)
{
	struct buf *b = &c->res->body;

	if (sv_eq(key, SV("lang"))) {
		buf_str(b, lang_name(c->lang));
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(strings); i++)
		if (sv_eq_str(key, strings[i].key)) {
			escape_html(b, sv_str(tr(c->lang, strings[i].msgid)));
			return;
		}
	buf_str(b, "?");		/* tools/embed.py refuses such a page */
}

/* "{{key}}" becomes the text in the reader's language. */
void
web_asset_write(struct web_call *c, const struct web_asset *a)
{
	struct sv s = a->data;

	if (!a->page) {
		c->res->fixed = a->data;
		return;
	}
	while (s.n > 0) {
		size_t i = sv_find(s, '{');

		buf_sv(&c->res->body, sv_take(s, i));
		s = sv_skip(s, i);
		if (sv_starts(s, SV("{{"))) {
			s = sv_skip(s, 2);
			place_write(c, sv_cut(&s, '}'));
			s = sv_skip(s, 1);
		} else if (s.n > 0) {
			buf_char(&c->res->body, s.p[0]);
			s = sv_skip(s, 1);
		}
	}
}

enum web_result
web_strings(struct web_call *c)
{
	struct json j = json_on(&c->res->body, false);

	json_open(&j, '{');
	for (size_t i = 0; i < ARRAY_LEN(strings); i++)
		json_kv_str(&j, strings[i].key, tr(c->lang, strings[i].msgid));
	json_close(&j, '}');
	return WEB_DONE;
}
