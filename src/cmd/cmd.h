/*
 * The command line is a table (cmd/main.c). One file per subcommand exports
 * one `const struct cmd`; its options are rows, too, and `--help`, usage
 * errors and the common options of DESIGN section 10 come from main.c.
 */
#ifndef CMD_CMD_H
#define CMD_CMD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/tr.h"
#include "base/util.h"

enum exit_code {
	EXIT_GOOD = 0,
	EXIT_REJECTED = 1,	/* the work was done, something was rejected */
	EXIT_USAGE = 2,
	EXIT_CANNOT = 3,	/* the work could not be done */
};

struct cmd_ctx {
	const char	*conf;		/* -c FILE, or NULL */
	const char	*state;		/* --state DIR, or NULL */
	const char	*crypto;	/* --crypto WAY, taken already, or NULL */
	int64_t		 now;		/* --at TIME, or the clock at start */
	bool		 now_given;
	bool		 json, quiet, progress, color;
	int		 verbose;
	enum lang	 lang;
};

struct cmd_opt {
	const char	*name;		/* long name without dashes; NULL ends */
	char		 letter;	/* or 0 */
	const char	*arg;		/* "FILE" …; NULL: a flag */
	const char	*help;		/* msgid */
};

struct cmd {
	const char		*area, *verb;	/* verb NULL: "sekisho serve" */
	const char		*args;		/* "[PREFIX [ASN]]" for usage */
	const char		*summary;	/* msgid, one line */
	const struct cmd_opt	*opts;		/* may be NULL */
	bool			 verifies;	/* signatures: then it has --crypto, too */
	/* An option of the table; arg NULL for flags. Return 0 or EXIT_USAGE. */
	int			(*opt)(struct cmd_ctx *, void *state,
				    const struct cmd_opt *, const char *arg);
	size_t			 state_size;	/* zeroed, handed to opt and run */
	/* argv are the words left after the options. Returns an exit code. */
	int			(*run)(struct cmd_ctx *, void *state, int argc, char **argv);
	void			(*done)(void *state);	/* what opt and run leave in it; may be NULL */
};

/* "sekisho: …" and a line end on stderr; the text is translated already. */
void	cmd_err(const char *fmt, ...) PRINTF(1, 2);
/* cmd_err() of a usage error, and how to get help; returns EXIT_USAGE. */
int	cmd_usage(const struct cmd_ctx *, const char *fmt, ...) PRINTF(2, 3);
/* The whole of it on standard output: 0, or EXIT_CANNOT. */
int	cmd_out(const struct buf *);

/* Options that are numbers: a uint32_t at that place of the command's state. */
struct cmd_number {
	const char	*name;
	size_t		 offset;
	uint32_t	 min, max;
};
/* The end of an opt(): 0, or EXIT_USAGE also for an option that is in no row. */
int	cmd_number_opt(const struct cmd_ctx *, const struct cmd_number *, size_t n, void *state,
	    const struct cmd_opt *, const char *arg);

#endif
