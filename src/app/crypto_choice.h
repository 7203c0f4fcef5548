/*
 * app/crypto_choice: which way signatures are verified (crypto/verify.h has
 * the ways), as somebody wished it: `--crypto WAY`, or the option `crypto` of
 * the configuration. A wish is "auto", the best that this machine has, or the
 * name of a way. It changes how long verifying takes and nothing else, so it
 * is for tests, and for whoever doubts a result and wants another's word.
 *
 * On a command line a wish that cannot be had is wrong usage. In a
 * configuration it is a warning, and counts as "auto": a daemon that moved to
 * an older machine must come up and serve.
 */
#ifndef APP_CRYPTO_CHOICE_H
#define APP_CRYPTO_CHOICE_H

#include "base/json.h"
#include "crypto/verify.h"

#define CRYPTO_CHOICE_AUTO	"auto"

/*
 * The way that comes of a wish, where none was taken yet. -EINVAL: no such word; -ENOTSUP: it
 * cannot be had here; of both *ret is what "auto" is.
 */
int	 crypto_choice_parse(struct sv wish, enum crypto_path *ret);
/* Verify so from now on, in the whole process. -EINVAL, -ENOTSUP: nothing has changed. */
int	 crypto_choice_take(struct sv wish) MUST_USE;
/* All that can be had here: "auto generic tables". */
void	 crypto_choice_list(struct buf *);
/*
 * Why it came to this: "asked", "unavailable" (what was asked for cannot be had here),
 * "processor" (the best that it can), "architecture" (the best for its kind).
 */
const char *crypto_choice_why(struct sv wish);
/* {"path", "asked", "why"} */
void	 crypto_choice_json(struct json *, struct sv wish);

#endif
