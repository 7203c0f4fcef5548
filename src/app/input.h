/*
 * Where the objects of a validation come from: RRDP snapshot files, a tree of
 * files as rpki-client and FORT keep it, or both (RRDP first). Look-ups are
 * by URI and may come from several threads.
 */
#ifndef APP_INPUT_H
#define APP_INPUT_H

#include "base/pool.h"
#include "base/tr.h"
#include "rpki/rpki.h"

/* Decompressed bytes of one snapshot; the largest today has 250 MB. */
#define INPUT_RRDP_MAX		((size_t)4 << 30)

/* One line about this machine's trouble; the text is translated. */
struct complain {
	void		(*fn)(void *arg, const char *text);
	void		*arg;
	enum lang	 lang;
};
void	 complain(const struct complain *, const char *fmt, ...) PRINTF(2, 3);

#define INPUT_TREES_MAX		16	/* caches of several fetchers */

struct input;
struct input	*input_new(const struct complain *);
struct input	*input_free(struct input *);
DEFINE_CLEANUP(struct input, input_free)
/* Both complain by themselves and return negative if it cannot be read. */
int		 input_add_tree(struct input *, const char *dir) MUST_USE;
int		 input_add_rrdp(struct input *, const char *file) MUST_USE;

/* A struct rpki_source's get. */
int		 input_get(void *input, struct pool *, struct sv uri, struct sv *ret);
/* The certificate of a TAL, by its URIs or, in RRDP files, by its key. */
int		 input_get_ta(struct input *, struct pool *, const struct tal *,
		    struct sv *ret_uri, struct sv *ret) MUST_USE;
/* Files that are there but could not be read; each was complained about. */
size_t		 input_unreadable(const struct input *);
/* The disk or this process failed, not just the rights on some file. */
bool		 input_broken(const struct input *);
/*
 * A number that changes when the files given do (names, sizes, times), for
 * "has anything changed?" without reading them.
 */
uint64_t	 input_signature(const char *const *paths, size_t n);

#endif
