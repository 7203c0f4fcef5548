/*
 * Slices of text: no NUL, no ownership. Numbers are read with a range; there
 * is no locale, no sign, no white space, no octal.
 */
#ifndef BASE_SV_H
#define BASE_SV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/util.h"

struct sv {
	const char	*p;
	size_t		 n;
};

#define SV(lit)		((struct sv){ (lit), sizeof(lit) - 1 })
/* For printf("%.*s"). */
#define SV_ARG(s)	(int)(s).n, (s).p

static inline struct sv
sv_str(const char *s)
{
	return (struct sv){ s, s == NULL ? 0 : strlen(s) };
}

static inline bool
sv_eq(struct sv a, struct sv b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static inline struct sv
sv_skip(struct sv s, size_t n)
{
	n = min_size(n, s.n);
	if (n == 0)		/* NULL + 0 is undefined before C2y */
		return s;
	return (struct sv){ s.p + n, s.n - n };
}

static inline struct sv
sv_take(struct sv s, size_t n)
{
	return (struct sv){ s.p, min_size(n, s.n) };
}

/* On the heap, with a NUL behind it; NULL: no memory. */
char		*sv_dup(struct sv);
bool		sv_eq_str(struct sv, const char *);
bool		sv_caseeq(struct sv, struct sv);	/* ASCII only */
bool		sv_starts(struct sv, struct sv);
bool		sv_ends(struct sv, struct sv);
bool		sv_ascii(struct sv);	/* no octet above 127; true if empty */
bool		sv_graphic(struct sv);	/* printable ASCII without a blank; true if empty */
/* Index of the first c, or s.n. */
size_t		sv_find(struct sv, char c);
size_t		sv_rfind(struct sv, char c);		/* the last c, or s.n */
struct sv	sv_trim(struct sv);			/* space, tab, CR, LF */
/* Bytewise; a shorter one that is a head of the other comes first. */
int		sv_cmp(struct sv, struct sv);
/* Cut off and return what stands before the first c; *s is the rest. */
struct sv	sv_cut(struct sv *s, char c);
/* The next line without its end; false at the end of the text. */
bool		sv_line(struct sv *s, struct sv *ret_line);
/* The next run of non-blank characters; false if there is none. */
bool		sv_word(struct sv *s, struct sv *ret_word);

/* Decimal digits only, value in [min, max]; -EINVAL, output untouched. */
int		num_u32(struct sv, uint32_t min, uint32_t max, uint32_t *ret) MUST_USE;
int		num_u64(struct sv, uint64_t min, uint64_t max, uint64_t *ret) MUST_USE;

#endif
