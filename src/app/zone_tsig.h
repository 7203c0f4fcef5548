/* The file of TSIG keys that a configuration names: read, and judged against its zones. */
#ifndef APP_ZONE_TSIG_H
#define APP_ZONE_TSIG_H

#include "app/conf.h"
#include "base/buf.h"
#include "base/tr.h"

/*
 * The text, which holds secrets: buf_wipe() it; nothing where no file is named.
 * Negative: it cannot be used; err then has one line that says why.
 */
int	 zone_tsig_read(const struct conf *, enum lang, struct buf *ret, struct buf *err) MUST_USE;

#endif
