/*
 * app/conf: sekisho.conf, typed. One row per option in app/conf.def says its
 * path, type, range, default and help; the reader is sys/conf.h, which knows
 * YAML and nothing of Sekisho. From the same rows come the errors ("did you
 * mean"), `sekisho conf show`, and the table in sekisho.conf(5).
 *
 * What enters: the file (-c FILE, else APP_CONF_FILE), and --state, which
 * replaces the option `state`. What leaves: an immutable struct conf; a value
 * knows the line that it came from, or that it is the default. Nobody changes
 * a configuration: a reload makes a new one, checks it wholly, and swaps; on
 * any error the old one stays.
 *
 * The section organisation: is who we are. All pillars start from it, so it
 * takes from the beginning also what later pillars will use (zones, mail
 * domains): a file written today stays valid.
 *
 * Here, too, are the rules between options, which rows cannot say: RTR's
 * expire is larger than refresh and retry (RFC 8210 section 6); the page asks
 * for a token when it listens beyond loopback; lists fit the messages in
 * which the roles get them.
 *
 * Secrets are never values: an option names the file that holds one.
 */
#ifndef APP_CONF_H
#define APP_CONF_H

#include "sys/conf.h"

#define APP_CONF_FILE	"/etc/sekisho/sekisho.conf"

#define X(NAME, ...)	CONF_##NAME,
enum app_conf_row {
#include "app/conf.def"
	CONF_ROW_MAX
};
#undef X

/* file NULL: APP_CONF_FILE. state NULL, or the value of --state. */
int	 app_conf_load(const char *file, const char *state, struct conf **ret,
	    struct conf_error *err) MUST_USE;
int	 app_conf_parse(struct sv text, const char *file, struct conf **ret,
	    struct conf_error *err) MUST_USE;

/*
 * The i-th thing that is allowed but should be known, as a msgid, and the
 * path of its option; NULL when there are no more.
 */
const char *app_conf_warning(const struct conf *, unsigned i, const char **ret_row);

/* The single value of a row: its text ("" if empty), its number. */
const char *app_conf_str(const struct conf *, enum app_conf_row);
uint32_t app_conf_u32(const struct conf *, enum app_conf_row);
/* The items of a list, one a line. */
void	 app_conf_lines(const struct conf *, enum app_conf_row, struct buf *);
/* A file of the state directory, unless the option names another. */
int	 app_conf_log(const struct conf *, enum app_conf_row, const char *name,
	    char *ret, size_t n) MUST_USE;

#endif
