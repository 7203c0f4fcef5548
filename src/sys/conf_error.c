/* What is wrong with a configuration: where, what was found, what was meant. */
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/near.h"
#include "sys/conf_internal.h"

#define PLAIN_LEN	sizeof(((struct conf_error *)NULL)->found)

void
conf_error_init(struct conf_error *err, const char *file)
{
	*err = (struct conf_error){ 0 };
	(void)snprintf(err->file, sizeof(err->file), "%s", file);
}

int
conf_fail(struct conf_error *e, enum conf_errc code, unsigned line, unsigned col,
    struct sv found, const char *expected)
{
	e->code = code;
	e->rc = code == CONF_E_LIMIT ? SE_LIMIT : SE_SYNTAX;
	e->line = line;
	e->col = col;
	e->expected = expected;
	(void)snprintf(e->found, sizeof(e->found), "%.*s",
	    (int)min_size(found.n, sizeof(e->found) - 1), found.n > 0 ? found.p : "");
	return e->rc;
}

void
conf_meant(struct conf_error *e, struct sv found, struct sv known,
    unsigned *best)
{
	if (known.n < sizeof(e->meant) && near_check(found, known, best))
		(void)snprintf(e->meant, sizeof(e->meant), "%.*s", SV_ARG(known));
}

/* --- texts --- */

static const char *const texts[] = {
	[CONF_OK] = "",
	[CONF_E_YAML] = N_("not YAML: %s"),
	[CONF_E_UNKNOWN] = N_("unknown key \"%s\""),
	[CONF_E_DUPLICATE] = N_("the key \"%s\" stands here a second time"),
	[CONF_E_TYPE] = N_("found \"%s\""),
	[CONF_E_RANGE] = N_("\"%s\" is out of range"),
	[CONF_E_FANCY] = N_("found \"%s\""),
	[CONF_E_LIMIT] = N_("too large or too many: \"%s\""),
	[CONF_E_RULE] = N_("this does not fit: %s"),
	[CONF_E_FILE] = N_("cannot read it: %s"),
	[CONF_E_MISSING] = N_("this entry has no \"%s\""),
};

/* It goes to a terminal, and is one line. */
static const char *
plain(const char *text, char room[static PLAIN_LEN])
{
	(void)snprintf(room, PLAIN_LEN, "%s", text);
	for (char *p = room; *p != '\0'; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = '?';
	return room;
}

void
conf_error_text(const struct conf_error *e, enum lang lang, struct buf *b)
{
	char room[PLAIN_LEN];
	const char *found = plain(e->found, room);

	if (e->code == CONF_E_FILE || e->code == CONF_OK)
		found = err_str(e->rc);
	buf_str(b, e->file);
	if (e->line > 0)
		buf_printf(b, ":%u:%u", e->line, e->col);
	buf_str(b, ": ");
	if (e->code == CONF_OK) {
		buf_str(b, found);
		return;
	}
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	buf_printf(b, tr(lang, texts[e->code]), found);
#pragma GCC diagnostic pop
	if (e->expected != NULL) {
		buf_str(b, "; ");
		buf_printf(b, tr(lang, N_("expected: %s")), tr(lang, e->expected));
		if (e->range[0] != '\0')
			buf_printf(b, " (%s)", e->range);
	}
	if (e->meant[0] != '\0') {
		buf_str(b, "; ");
		buf_printf(b, tr(lang, N_("did you mean \"%s\"?")), e->meant);
	}
}
