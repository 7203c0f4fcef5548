/*
 * Return codes: 0, or negative: -Exxx of the system or SE_xxx of Sekisho.
 * A negative code means that the work could not be done, never that a
 * well-read object is bad (that is a finding, base/finding.h).
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

enum err_cat {
	ERR_USAGE,
	ERR_IO,
	ERR_PROTO,
	ERR_LIMIT,
	ERR_INTERNAL,
};

#define X(name, value, cat, text) name = value,
enum se_code {
#include "base/err.def"
};
#undef X

/* A constant English text for rc (system codes by strerror's table). */
const char	*err_str(int rc);
/* The short name, "SE_LIMIT" or "errno"; a metric label. */
const char	*err_name(int rc);
enum err_cat	 err_cat(int rc);

#endif
