/*
 * A timeline as a picture (SVG): rows of bars, what is served in full colour,
 * what caches may still hold behind it hatched, with dates below and a line
 * for "now". It stands alone: no script, no font of its own, nothing fetched;
 * colours follow the reader's light or dark scheme, and each bar has a title
 * with its dates, so that pointing at it says them. Texts come from the
 * caller, in the reader's language, and are escaped here.
 */
#ifndef OUT_SVG_TIMELINE_H
#define OUT_SVG_TIMELINE_H

#include "base/buf.h"
#include "base/timefmt.h"

/* Wider than this is no picture: the caller leaves rows out and says so. */
#define SVG_ROWS_MAX	400

struct svg_bar {
	/* [from, until) served; [until, cached_until) in caches. TIME_NEVER: no end. */
	int64_t		from, until, cached_until;
};

struct svg_row {
	struct sv		 group;	/* a heading where it is not that of the row before */
	struct sv		 label;
	unsigned		 color;	/* one of a few, in turn */
	const struct svg_bar	*bars;
	size_t			 n_bars;
};

struct svg_mark {
	int64_t		 at;
	struct sv	 text;
};

struct svg_timeline {
	struct sv		 title, served, cached;	/* heading and the legend's words */
	int64_t			 from, until;	/* what is drawn; from < until */
	const struct svg_row	*rows;
	size_t			 n_rows;
	const struct svg_mark	*marks;		/* by time: vertical lines, a number a moment; listed below */
	size_t			 n_marks;
	const struct sv		*notes;		/* lines of text at the end */
	size_t			 n_notes;
};

/* SE_LIMIT: too many rows; -ERANGE: no time to draw; or what the buffer says. */
int	 svg_timeline_write(struct buf *, const struct svg_timeline *) MUST_USE;

#endif
