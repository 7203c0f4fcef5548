#include <stdlib.h>
#include <string.h>

#include "base/tr.h"

struct tr_row {
	const char	*msgid, *text;
};

static const struct tr_row ja[] = {
#include "tr_ja.inc"		/* made by tools/po2c.py, sorted by msgid */
};

static int
row_cmp(const void *key, const void *row)
{
	return strcmp(key, ((const struct tr_row *)row)->msgid);
}

const char *
tr(enum lang lang, const char *msgid)
{
	const struct tr_row *r;

	if (lang != LANG_JA)
		return msgid;
	r = bsearch(msgid, ja, ARRAY_LEN(ja), sizeof(ja[0]), row_cmp);
	return r == NULL ? msgid : r->text;
}

enum lang
lang_parse(struct sv s)
{
	if (sv_starts(s, SV("ja")) &&
	    (s.n == 2 || s.p[2] == '_' || s.p[2] == '-' || s.p[2] == '.'))
		return LANG_JA;
	return LANG_EN;
}

bool
lang_known(struct sv s)
{
	return sv_eq(s, SV("en")) || sv_eq(s, SV("ja"));
}

const char *
lang_name(enum lang lang)
{
	return lang == LANG_JA ? "ja" : "en";
}
