/* What the files of ARC share beside the door. */
#ifndef MAIL_ARC_INTERNAL_H
#define MAIL_ARC_INTERNAL_H

#include "mail/arc.h"

/*
 * Relaxed forms of the sets, each field with CRLF, as seals cover them (RFC 8617 section 5.1.1):
 * results and AMS of the set, then the digest over all that and the seal with "b=" emptied. Each
 * seal covers what the one before it did: that is hashed once, and the digest's state copied.
 */
struct arc_cover {
	struct crypto_sha256	*all, *one;
	struct buf		 text;
};
#define ARC_COVER_INIT	((struct arc_cover){ .text = BUF_INIT })
void	 arc_cover_done(struct arc_cover *);
/* Results and AMS of the next set. -ENOMEM. */
int	 arc_cover_add(struct arc_cover *, const struct mail_field *results,
	    const struct mail_field *ams) MUST_USE;
/* The digest for the seal of that set. -ENOMEM. */
int	 arc_cover_hash(struct arc_cover *, const struct dkim_sig *seal,
	    uint8_t ret[static SHA256_LEN]) MUST_USE;
/* That seal as it stands, for the sets behind it. -ENOMEM. */
int	 arc_cover_seal(struct arc_cover *, const struct mail_field *seal) MUST_USE;

/* The seal over results and AMS that stand in the set already, as arc_seal() makes it. */
int	 arc_seal_over(struct pool *, const struct arc *, enum mail_result chain, const struct arc_sealer *,
	    struct arc_sealed *set) MUST_USE;

/*
 * arc_check() in two halves, as dkim_check() is (dkim_internal.h): between them the
 * arc_jobs_count() jobs are verified. The first: 0; MAIL_WAIT; -ENOMEM.
 */
size_t	 arc_jobs_count(const struct arc *);
int	 arc_check_ask(const struct arc *, struct pool *, struct mail_ask *, struct dkim_job *jobs,
	    struct arc_verdict *ret) MUST_USE;
void	 arc_check_end(const struct arc *, int64_t now, const struct dkim_job *, struct findings *,
	    struct arc_verdict *);

/* Must an AMS leave this field out (section 4.1.2)? */
bool	 arc_name_is_forbidden(struct sv name);

#endif
