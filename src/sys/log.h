/*
 * The three logs. op: what this machine does, one line each, for people and
 * for journald (with its "<3>" priorities when stderr is the journal).
 * object: findings about other people's objects, JSON lines. audit: what was
 * switched off, published or released, JSON lines, opened O_APPEND only.
 * Lines are one write(2) each; control characters in them become "?".
 */
#ifndef SYS_LOG_H
#define SYS_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/sv.h"
#include "base/util.h"

enum log_level {
	LOG_LEVEL_ERROR,
	LOG_LEVEL_WARN,
	LOG_LEVEL_NOTICE,
	LOG_LEVEL_DEBUG,
	LOG_LEVEL_MAX
};

#define LOG_LINE_MAX	2400	/* a frame's text (2000) and what stands before it */

const char	*log_level_name(enum log_level);
/*
 * One line to fd: time, level, who, text; as journald wants it when journal
 * is set. 0 or -Exxx (a full disk).
 */
int		 log_op(int fd, bool journal, int64_t now, enum log_level,
		    const char *who, struct sv text);
/* {"time":…,"who":…,"event":…,…members of json…} */
int		 log_audit(int fd, int64_t now, const char *who, struct sv event,
		    struct sv json);
/* Append-only, created 0640; -Exxx. */
int		 log_open(const char *path) MUST_USE;
/* stderr is a socket to the journal (JOURNAL_STREAM names it). */
bool		 log_is_journal(int fd);

#endif
