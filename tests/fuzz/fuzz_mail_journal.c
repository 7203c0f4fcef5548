/* A segment of the milter's journal: rows within it, in its order, and what is left is told. */
#include <stdlib.h>

#include "app/mail_journal.h"

struct seen {
	struct sv	all;
	const char	*end;		/* of the row before */
};

static int
row_look(void *arg, struct sv row)
{
	struct seen *s = arg;

	if (row.n == 0 || row.n > MAIL_JOURNAL_ROW_MAX || row.p < s->end ||
	    row.p + row.n > s->all.p + s->all.n)
		abort();
	s->end = row.p + row.n;
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct seen s = { { (const char *)data, n }, (const char *)data };
	uint64_t lost = 0;

	if (mail_journal_read(s.all, row_look, &s, &lost) == 0 &&
	    (lost > n || (lost == 0 && n > 16 && s.end != s.all.p + n)))
		abort();
	return 0;
}
