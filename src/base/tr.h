/*
 * User texts in the reader's language. The English text is the key (msgid);
 * po/ja.po is the source of the Japanese; tools/po2c.py makes the sorted
 * table at build time and tests prove that it is complete. Chosen per run on
 * the command line, per request on the page: there is no global language.
 */
#ifndef BASE_TR_H
#define BASE_TR_H

#include <stdbool.h>

#include "base/sv.h"

enum lang {
	LANG_EN,
	LANG_JA,
	LANG_MAX
};

/* The text for msgid, or msgid itself. Never NULL. */
const char	*tr(enum lang, const char *msgid);
/* Marks a literal for the lint without translating it. */
#define N_(msgid)	msgid

/* From "ja", "ja_JP.UTF-8", "en"; LANG_EN for anything else. */
enum lang	 lang_parse(struct sv);
/* Is it a name that --lang takes ("en" or "ja")? */
bool		 lang_known(struct sv);
const char	*lang_name(enum lang);

#endif
