/*
 * The findings of all modules in one list, for `sekisho explain CODE`, the
 * metrics and the manual page. The rows are read from the findings.def files
 * themselves, so that a program can name every finding without being linked
 * with the code that makes it.
 */
#ifndef OUT_FINDINGS_REGISTRY_H
#define OUT_FINDINGS_REGISTRY_H

#include <stddef.h>

#include "base/finding.h"
#include "base/sv.h"

struct findings_module {
	const char			*name;	/* the folder: "rpki" */
	const struct finding_def	*rows;
	size_t				 n_rows;
};

/* All modules, in a fixed order. */
const struct findings_module *findings_modules(size_t *ret_n);
/* The row of a code (letter case is free), or NULL. */
const struct finding_def *findings_lookup(struct sv code);
/* The known code that shares the longest head with this word, or NULL. */
const struct finding_def *findings_nearest(struct sv code);

#endif
