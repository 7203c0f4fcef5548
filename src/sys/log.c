#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/timefmt.h"
#include "sys/file.h"
#include "sys/log.h"

static const struct {
	const char	*name;
	char		 syslog;	/* sd-daemon(3) priority */
} levels[LOG_LEVEL_MAX] = {
	[LOG_LEVEL_ERROR] = { "error", '3' },
	[LOG_LEVEL_WARN] = { "warning", '4' },
	[LOG_LEVEL_NOTICE] = { "notice", '5' },
	[LOG_LEVEL_DEBUG] = { "debug", '7' },
};

const char *
log_level_name(enum log_level l)
{
	return l < LOG_LEVEL_MAX ? levels[l].name : "?";
}

/* A log is read on terminals: nothing in it may move a cursor. */
static void
clean(char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)p[i] < 0x20 || p[i] == 0x7f)
			p[i] = '?';
}

int
log_op(int fd, bool journal, int64_t now, enum log_level l, const char *who,
    struct sv text)
{
	char line[LOG_LINE_MAX], when[TIME_STRLEN];
	int n;

	if (l >= LOG_LEVEL_MAX)
		l = LOG_LEVEL_ERROR;
	text = sv_take(text, LOG_LINE_MAX - 200);
	if (journal)
		n = snprintf(line, sizeof(line), "<%c>%s: %.*s", levels[l].syslog,
		    who, SV_ARG(text));
	else
		n = snprintf(line, sizeof(line), "%s %s %s: %.*s",
		    time_str(now, when), levels[l].name, who, SV_ARG(text));
	if (n < 0 || (size_t)n >= sizeof(line))
		return -EINVAL;
	clean(line, (size_t)n);
	line[n] = '\n';
	return fd_write_all(&fd, line, (size_t)n + 1);
}

int
log_audit(int fd, int64_t now, const char *who, struct sv event, struct sv json)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	struct json j = json_on(&b, false);
	char when[TIME_STRLEN];

	json_open(&j, '{');
	json_kv_str(&j, "time", time_str(now, when));
	json_kv_str(&j, "who", who);
	json_kv_sv(&j, "event", event);
	if (json.n > 0) {
		json_key(&j, "details");
		json_raw(&j, json);
	}
	json_close(&j, '}');
	if (b.rc < 0)
		return b.rc;
	clean(b.p, b.len);
	buf_char(&b, '\n');
	return b.rc < 0 ? b.rc : fd_write_all(&fd, b.p, b.len);
}

int
log_open(const char *path)
{
	int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY,
	    0640);

	return fd < 0 ? -errno : fd;
}

bool
log_is_journal(int fd)
{
	const char *v = getenv("JOURNAL_STREAM");
	struct stat st;
	char mine[64];

	if (v == NULL || fstat(fd, &st) < 0)
		return false;
	(void)snprintf(mine, sizeof(mine), "%ju:%ju", (uintmax_t)st.st_dev,
	    (uintmax_t)st.st_ino);
	return strcmp(v, mine) == 0;
}
