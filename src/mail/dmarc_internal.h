/* What the files of mail/dmarc share. */
#ifndef MAIL_DMARC_INTERNAL_H
#define MAIL_DMARC_INTERNAL_H

#include "mail/dmarc.h"

/*
 * Answers of one evaluation: a name's TXT records are read once, however many
 * walks pass it, and each fault in them is told once. Some dozen names, looked
 * through one by one.
 */
struct dmarc_page {
	struct dmarc_step	 step;
	struct dmarc_page	*next;
};

struct dmarc_book {
	struct mail_ask		*ask;
	struct pool		*pool;
	struct findings		*fs;
	struct dmarc_page	*pages;
};

/* What is known of the name; asked for where it is not. 0; MAIL_WAIT; -ENOMEM. */
int	 dmarc_book_find(struct dmarc_book *, const struct dname *, const struct dmarc_step **ret) MUST_USE;
/* Asks for all names of a walk, and looks at none. */
void	 dmarc_book_want(struct dmarc_book *, const struct dname *start);
/*
 * Does the name exist? MAIL_DNS_FOUND; MAIL_DNS_NXDOMAIN; MAIL_DNS_FAILED: nobody knows.
 * legacy: as RFC 9091 section 2.7 asks it. 0; MAIL_WAIT.
 */
int	 dmarc_exists(struct dmarc_book *, const struct dname *, bool legacy, enum mail_rcode *ret) MUST_USE;

/* A walk: RFC 9989 section 4.10. */
struct dmarc_walk {
	const struct dmarc_step		*steps[DMARC_QUERIES_MAX];
	size_t				 n_steps;
	bool				 has_org;	/* false: the DNS did not answer somewhere */
	struct dname			 org;
	const struct dmarc_step		*psd;		/* that with psd=y, above the first; or NULL */
};
int	 dmarc_walk(struct dmarc_book *, const struct dname *start, struct dmarc_walk *ret) MUST_USE;
/* Its names: so many of them. */
size_t	 dmarc_walk_names(const struct dname *start, struct dname ret[static DMARC_QUERIES_MAX]);
/* The last n labels of a name that has as many. */
struct dname dmarc_tail(const struct dname *, unsigned n);

/*
 * The addresses of rua or ruf, a list with commas. *ret_is_uri: one at least is well-formed,
 * whatever its scheme. 0; -ENOMEM.
 */
int	 dmarc_uris_parse(struct pool *, struct sv tag, struct sv list, struct findings *,
	    struct dmarc_uri **ret, size_t *ret_n, bool *ret_is_uri) MUST_USE;
/* Is it one, by its first tag? */
bool	 dmarc_record_is(struct sv text);

/* Asks for all that judging this author will most likely need. */
void	 dmarc_align_want(struct dmarc_book *, const struct dmarc_in *, const struct dname *author);
/* Aligns what passed with the author; the view's record and organizational domain are known. */
int	 dmarc_align(struct dmarc_book *, const struct dmarc_in *, const struct dname *author,
	    struct dmarc_view *) MUST_USE;

/* RFC 7489's record of the author and its organizational domain, into the view. */
int	 dmarc_psl_find(struct dmarc_book *, const struct psl_ctx_st *, const struct dname *author,
	    struct dmarc_view *) MUST_USE;

#endif
