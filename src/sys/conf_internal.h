/* Shared by the files of the configuration: values, errors, the reader. */
#ifndef SYS_CONF_INTERNAL_H
#define SYS_CONF_INTERNAL_H

#include "sys/conf.h"

#define CONF_KEY_MAX	64

/* --- errors (conf_error.c) --- */

void	 conf_error_init(struct conf_error *, const char *file);
/* Writes it down; returns its .rc. */
int	 conf_fail(struct conf_error *, enum conf_errc, unsigned line, unsigned col,
	    struct sv found, const char *expected);
/* Was this known word meant? The nearest one is kept; *best begins as UINT32_MAX. */
void	 conf_meant(struct conf_error *, struct sv found, struct sv known, unsigned *best);

/* --- values (conf_value.c) --- */

/* The text becomes one more value of the row. 0, or the error's .rc. */
int	 conf_value_add(struct conf *, size_t row, struct sv, unsigned line, unsigned col,
	    struct conf_error *) MUST_USE;
/* Room for one more; NULL without memory. */
struct conf_item *conf_item_room(struct conf *, struct conf_value *);
/* What the row allows: its words, or its bounds. */
void	 conf_range_text(const struct conf_row *, char *buf, size_t n);

#endif
