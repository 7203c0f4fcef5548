/* An explanation (JSON) as text for a terminal. */
#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "app/routes.h"
#include "base/timefmt.h"
#include "out/escape.h"
#include "out/table.h"

static struct sv
get(const json_t *o, const char *key)
{
	return sv_str(json_string_value(json_object_get(o, key)) != NULL ?
	    json_string_value(json_object_get(o, key)) : "");
}

static void
put(struct buf *b, const json_t *o, const char *key)
{
	escape_term(b, get(o, key));
}

static void
when(struct buf *b, const json_t *o, const char *key)
{
	const json_t *v = json_object_get(o, key);
	char t[TIME_STRLEN];

	buf_str(b, json_is_integer(v) ? time_str(json_integer_value(v), t) : "-");
}

static void
findings_text(struct buf *b, const json_t *link)
{
	const json_t *f;
	size_t i;

	json_array_foreach(json_object_get(link, "findings"), i, f) {
		buf_str(b, "       ");
		put(b, f, "severity");
		buf_char(b, ' ');
		put(b, f, "code");
		buf_str(b, ": ");
		put(b, f, "text");
		buf_str(b, " [");
		put(b, f, "clause");
		buf_str(b, "]\n");
	}
}

static void
resources_text(struct buf *b, const json_t *link, enum lang lang)
{
	const json_t *list = json_object_get(link, "resources"), *v;
	size_t i, shown = json_array_size(list);
	size_t all = (size_t)json_integer_value(json_object_get(link, "resources_total"));

	if (shown == 0)
		return;
	buf_printf(b, "       %s ", tr(lang, N_("resources:")));
	json_array_foreach(list, i, v) {
		if (i > 0)
			buf_str(b, ", ");
		escape_term(b, sv_str(json_string_value(v)));
	}
	if (all > shown)
		buf_printf(b, tr(lang, N_(" … (%zu in all)")), all);
	buf_char(b, '\n');
}

/* A Ghostbusters record; what it does not say is left out. */
static void
contact_text(struct buf *b, const json_t *link, enum lang lang)
{
	static const char *const keys[] = { "name", "organisation", "telephone", "email", "address" };
	const json_t *c = json_object_get(link, "contact");
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		if (get(c, keys[i]).n == 0)
			continue;
		if (n++ == 0)
			buf_printf(b, "       %s ", json_is_true(json_object_get(c, "verified")) ?
			    tr(lang, N_("whom to call:")) : tr(lang, N_("whom to call, as it says (not verified):")));
		else
			buf_str(b, ", ");
		put(b, c, keys[i]);
	}
	if (n > 0)
		buf_char(b, '\n');
}

/* A verdict's code as a word of the reader's language. */
static const char *
verdict_word(struct sv code, enum lang lang)
{
	static const char *const words[][2] = {
		{ "valid", N_("valid") },
		{ "rejected", N_("rejected") },
		{ "lost", N_("lost") },
		{ "not_judged", N_("not judged") },
	};

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (sv_eq_str(code, words[i][0]))
			return tr(lang, words[i][1]);
	return "?";
}

static void
chain_text(struct buf *b, const json_t *doc, enum lang lang)
{
	const json_t *chain = json_object_get(doc, "chain"), *link;
	size_t i;

	if (json_array_size(chain) == 0)
		return;
	buf_printf(b, "\n%s\n", tr(lang, N_("From the trust anchor down:")));
	json_array_foreach(chain, i, link) {
		buf_printf(b, "  %2zu. %-4s ", i + 1, get(link, "type").p);
		table_cell(b, verdict_word(get(link, "verdict"), lang), 10, false);
		buf_char(b, ' ');
		put(b, link, "uri");
		buf_printf(b, "\n       %s ", tr(lang, N_("valid:")));
		when(b, link, "not_before");
		buf_str(b, " – ");
		when(b, link, "not_after");
		buf_char(b, '\n');
		resources_text(b, link, lang);
		contact_text(b, link, lang);
		findings_text(b, link);
	}
}

static void
payloads_text(struct buf *b, const json_t *doc, const char *key, const char *title,
    enum lang lang)
{
	const json_t *list = json_object_get(doc, key), *v;
	size_t i;

	if (json_array_size(list) == 0)
		return;
	buf_printf(b, "\n%s\n", title);
	json_array_foreach(list, i, v) {
		const json_t *match = json_object_get(v, "matches");

		buf_printf(b, "  %-22s max %-3lld AS%-10lld ", get(v, "prefix").p,
		    (long long)json_integer_value(json_object_get(v, "maxLength")),
		    (long long)json_integer_value(json_object_get(v, "asn")));
		if (json_is_true(match))
			buf_printf(b, "%s ", tr(lang, N_("(matches)")));
		if (json_is_true(json_object_get(v, "ours")))
			buf_printf(b, "%s ", tr(lang, N_("(ours)")));
		put(b, v, "source");
		buf_char(b, '\n');
	}
}

static void
aspas_text(struct buf *b, const json_t *doc)
{
	const json_t *list = json_object_get(doc, "aspas"), *v, *p;
	size_t i, k;

	if (json_array_size(list) == 0)
		return;
	buf_str(b, "\nASPA\n");
	json_array_foreach(list, i, v) {
		buf_printf(b, "  AS%lld <-", (long long)json_integer_value(json_object_get(v, "customer")));
		json_array_foreach(json_object_get(v, "providers"), k, p)
			buf_printf(b, " AS%lld", (long long)json_integer_value(p));
		buf_str(b, "  ");
		put(b, v, "source");
		buf_char(b, '\n');
	}
}

/* Local filters and assertions that have a part in the answer. */
static void
local_text(struct buf *b, const json_t *doc, enum lang lang)
{
	const json_t *list = json_object_get(doc, "local"), *v;
	size_t i;

	if (json_array_size(list) == 0)
		return;
	buf_printf(b, "\n%s\n", tr(lang, N_("Local filters and assertions that take part in this:")));
	json_array_foreach(list, i, v) {
		buf_str(b, "  ");
		put(b, v, "action");
		buf_char(b, ' ');
		put(b, v, "what");
		buf_str(b, "  ");
		put(b, v, "source");
		if (json_is_string(json_object_get(v, "comment"))) {
			buf_str(b, "  # ");
			put(b, v, "comment");
		}
		buf_char(b, '\n');
	}
}

int
routes_explain_text(struct sv text, enum lang lang, struct buf *b, bool *ret_good)
{
	json_error_t err;
	json_t *doc = json_loadb(text.p, text.n, 0, &err);
	const json_t *failed;
	struct sv state;

	if (doc == NULL)
		return -EBADMSG;
	state = get(doc, "state");
	failed = json_object_get(doc, "failed");
	put(b, doc, "summary");
	if (json_is_true(json_object_get(doc, "ours")))
		buf_printf(b, " %s", tr(lang, N_("This is ours.")));
	buf_char(b, '\n');
	payloads_text(b, doc, "vrps", tr(lang, N_("Validated ROA payloads")), lang);
	aspas_text(b, doc);
	local_text(b, doc, lang);
	if (json_is_object(failed)) {
		buf_printf(b, "\n%s ", tr(lang, N_("First rule that failed:")));
		put(b, failed, "code");
		buf_str(b, " [");
		put(b, failed, "clause");
		buf_str(b, "]\n  ");
		put(b, failed, "uri");
		buf_str(b, "\n  ");
		put(b, failed, "text");
		buf_printf(b, "\n  %s ", tr(lang, N_("Most likely:")));
		put(b, failed, "likely");
		buf_printf(b, "\n  %s ", tr(lang, N_("See it by hand:")));
		put(b, failed, "by_hand");
		buf_char(b, '\n');
	}
	payloads_text(b, doc, "lost", tr(lang, N_("What could be read but may not be used")), lang);
	chain_text(b, doc, lang);
	buf_printf(b, "\n%s ", tr(lang, N_("Next step:")));
	put(b, doc, "next");
	buf_char(b, '\n');
	*ret_good = !json_is_object(failed) && !sv_eq(state, SV("Invalid")) &&
	    !sv_eq(state, SV("rejected")) && !sv_eq(state, SV("unknown"));
	json_decref(doc);
	return 0;
}
