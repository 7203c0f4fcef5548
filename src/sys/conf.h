/*
 * The configuration reader: YAML (libyaml's events) against a table with one
 * row per option. A row says everything: path, type, range, default, help;
 * reading, checking, `conf show`, the manual's table and "did you mean" come
 * from it.
 *
 * Strict by intention: an unknown key, a wrong type, a key twice, a value
 * out of range, a tag, an anchor or an alias stop the reading, with line and
 * column, what was found and what was expected. A list may be written as a
 * single value; an empty section is a section without options. Paths are
 * relative to the file's folder.
 *
 * A row of type TABLE is a list of entries, mappings of their own. Its columns
 * are the rows that follow it, "PATH[].column"; their values are not in
 * conf.values but in each entry's .cols, in the order of the rows.
 */
#ifndef SYS_CONF_H
#define SYS_CONF_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/ip.h"
#include "base/pool.h"
#include "base/sv.h"
#include "base/tr.h"
#include "base/util.h"

/* A large organisation's file is 100 kB; CONF_TABLE_MAX zones with a dozen peers each are 12 MB. */
#define CONF_SIZE_MAX	(16 * 1024 * 1024)
#define CONF_LIST_MAX	4096		/* prefixes of one organisation */
#define CONF_TABLE_MAX	16384		/* entries: zones of one operator */
#define CONF_TEXT_MAX	1024		/* one value */
#define CONF_POOL_MAX	(256 * 1024 * 1024)	/* what such a file is when it has been read */

enum conf_type {
	CONF_STR,
	CONF_U32,
	CONF_SECONDS,		/* "90", "15m", "2h", "1d" */
	CONF_WORD,		/* one of .words */
	CONF_PATH,
	CONF_ADDR,		/* "192.0.2.1:323", "[2001:db8::1]:323" */
	CONF_ASN,
	CONF_PREFIX,
	CONF_NAME,		/* a domain name */
	CONF_TIME,		/* "2026-12-31" (its end, UTC), "2026-12-31T09:00:00Z" */
	CONF_TABLE,		/* a list of entries */
	CONF_TYPE_MAX
};

struct conf_row {
	const char	*path;		/* "rtr.refresh" */
	enum conf_type	 type;
	bool		 list;
	uint32_t	 min, max;	/* of U32 and SECONDS; ADDR: min is the port unless given */
	const char	*words;		/* "isp registry", of WORD; "NAME=NUMBER …", of U32 */
	const char	*value;		/* the default; NULL: empty */
	const char	*help;		/* msgid */
};

struct conf_item {
	struct sv	 text;		/* NUL-terminated */
	uint32_t	 u;		/* U32, SECONDS, ASN; ADDR: the port */
	struct ip_prefix px;		/* PREFIX; ADDR: the address */
	int64_t		 t;		/* TIME */
	struct conf_value *cols;	/* TABLE: one per column */
	unsigned	 line, col;	/* TABLE: where the entry begins */
};

struct conf_value {
	struct conf_item *items;
	size_t		  n;
	unsigned	  line, col;	/* 0: the default */
};

struct conf {
	struct pool		*pool;
	const char		*file;		/* "" if there was none */
	const struct conf_row	*rows;
	size_t			 n_rows;
	struct conf_value	*values;	/* one per row */
};

enum conf_errc {
	CONF_OK,
	CONF_E_YAML,		/* libyaml could not read it */
	CONF_E_UNKNOWN,
	CONF_E_DUPLICATE,
	CONF_E_TYPE,
	CONF_E_RANGE,
	CONF_E_FANCY,		/* tag, anchor, alias, second document */
	CONF_E_LIMIT,
	CONF_E_RULE,		/* two options do not go together */
	CONF_E_FILE,		/* the file could not be read: .rc */
	CONF_E_MISSING,		/* an entry lacks what it must have */
};

struct conf_error {
	enum conf_errc	 code;
	int		 rc;
	unsigned	 line, col;
	char		 file[256];
	char		 found[96];
	const char	*expected;	/* msgid, may be NULL */
	char		 range[128];	/* "1 … 86400", words; may be empty */
	char		 meant[64];	/* did you mean; may be empty */
};

/* 0, or negative with *err filled. text NULL: only the defaults. */
int	 conf_parse(struct sv text, const char *file, const struct conf_row *,
	    size_t n_rows, struct conf **ret, struct conf_error *err) MUST_USE;
int	 conf_load(const char *file, const struct conf_row *, size_t n_rows,
	    struct conf **ret, struct conf_error *err) MUST_USE;
struct conf *conf_free(struct conf *);
/* "FILE:12:3: unknown key "refesh"; did you mean "refresh"?" */
void	 conf_error_text(const struct conf_error *, enum lang, struct buf *);
const char *conf_type_name(enum conf_type);	/* msgid: "a number" … */
/* How many columns the table of this row has; 0: it is none. */
size_t	 conf_columns(const struct conf_row *, size_t n_rows, size_t row);
/* Is the row a column of a table? */
bool	 conf_is_column(const struct conf_row *);

/* Replace a value by text, as if it stood in the file (flags); SE_SYNTAX. */
int	 conf_override(struct conf *, size_t row, struct sv text,
	    struct conf_error *err) MUST_USE;

DEFINE_CLEANUP(struct conf, conf_free)

#endif
