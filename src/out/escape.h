/*
 * One escaper per sink. Text of strangers (URIs, names, subjects) may hold
 * anything; each sink has characters that mean more than themselves. All of
 * them read bytes, not trusting that they are UTF-8, and write valid UTF-8.
 */
#ifndef OUT_ESCAPE_H
#define OUT_ESCAPE_H

#include "base/buf.h"

/*
 * A terminal: controls, C1, bidi and zero-width characters, line separators
 * and broken bytes become visible (\x1b, \u202e), so that a subject stays on
 * its line and reads as it is.
 */
void	escape_term(struct buf *, struct sv);
/*
 * A CSV field (RFC 4180), quoted where needed. A head that a spreadsheet
 * would run as a formula (= + - @ tab CR) gets an apostrophe before it.
 */
void	escape_csv(struct buf *, struct sv);
/* HTML text, or an attribute value between double or single quotes. */
void	escape_html(struct buf *, struct sv);
/* An OpenMetrics label value, without its quotes. */
void	escape_label(struct buf *, struct sv);
/* JSON text that shall stand inside HTML: no < > & and no line separators. */
void	escape_json_html(struct buf *, struct sv json);

#endif
