/*
 * sekisho.conf, typed: the rows of app/conf.def over the reader of sys/conf,
 * and the rules between options.
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

/* The single value of a row: its text ("" if empty), its number. */
const char *app_conf_str(const struct conf *, enum app_conf_row);
uint32_t app_conf_u32(const struct conf *, enum app_conf_row);
/* The items of a list, one a line. */
void	 app_conf_lines(const struct conf *, enum app_conf_row, struct buf *);
/* A file of the state directory, unless the option names another. */
int	 app_conf_log(const struct conf *, enum app_conf_row, const char *name,
	    char *ret, size_t n) MUST_USE;

#endif
