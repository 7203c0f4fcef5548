/*
 * What the fetcher last told of each source: its findings, to stand in the
 * object log beside those of the validator. A source's findings are those of
 * its last attempt; an attempt without any ends them. What an attempt told is
 * said once, though, even if the next one came before anybody asked.
 */
#ifndef ROLE_VALIDATE_TOLD_H
#define ROLE_VALIDATE_TOLD_H

#include "base/buf.h"
#include "base/sv.h"
#include "base/util.h"

struct told;

struct told	*told_new(void);
struct told	*told_free(struct told *);
DEFINE_CLEANUP(struct told, told_free)
/* json: as messages.def describes source_result. true: what is told is another. */
bool		 told_put(struct told *, struct sv key, struct sv json);
/*
 * One line for each finding of each source, as finding_json() wrote it. true:
 * some of it is over already, so ask again.
 */
bool		 told_lines(struct told *, struct buf *ret);

#endif
