/*
 * Columns of text for a terminal. printf's widths count bytes; a column of
 * Japanese has three bytes and two cells a letter.
 */
#ifndef OUT_TABLE_H
#define OUT_TABLE_H

#include <stdbool.h>

#include "base/buf.h"

/* Cells that UTF-8 text takes on a terminal; a broken byte takes one. */
unsigned text_cells(struct sv);
/* text, filled up to width cells: on its left if right is set. */
void	 table_cell(struct buf *, const char *text, unsigned width, bool right);
void	 table_num(struct buf *, uint64_t, unsigned width);	/* right */

#endif
