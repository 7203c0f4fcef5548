/* What the files of SPF share: macros, the state of one evaluation, its steps. */
#ifndef MAIL_SPF_INTERNAL_H
#define MAIL_SPF_INTERNAL_H

#include "mail/spf.h"

/* --- spf_macro.c --- */

/* One piece of a macro-string. */
struct spf_macro {
	struct sv	literal;	/* letter is 0: this stands there */
	char		letter;		/* lower case */
	bool		is_upper;	/* escaped as in a URL (section 7.3) */
	bool		is_reversed;
	bool		is_expand;	/* %{…}, %%, %_, %-: a domain-spec may end with it */
	unsigned	n_keep;		/* right-hand parts; 0: all */
	struct sv	delimiters;	/* never empty */
};

/* Where macros stand. */
enum spf_where {
	SPF_IN_DOMAIN,			/* of a term, redirect, exp */
	SPF_IN_UNKNOWN,			/* an unknown modifier */
	SPF_IN_TEXT			/* an explanation: blanks, and %{c}, %{r}, %{t} */
};
/* The next piece: 1, or 0 at the end. -EINVAL: *rest stands where it is wrong. */
int	 spf_macro_next(struct sv *rest, enum spf_where, struct spf_macro *ret) MUST_USE;

/* --- spf_term.c --- */

/* Why something in a record cannot be read: a msgid, and from where on. */
struct spf_fault {
	const char	*why;
	struct sv	 at;
};
bool	 spf_is_digit(char);
bool	 spf_is_alpha(char);
/* Section 7.1: macros, and at the end one of them or a dot and a top label. */
bool	 spf_domain_ok(struct sv, struct spf_fault *);
/* Only the macros. */
bool	 spf_macros_ok(struct sv, enum spf_where, struct spf_fault *);
bool	 spf_term_parse(struct sv text, struct spf_term *ret, struct spf_fault *);
/* Is it one of those that section 4.6.4 counts? */
bool	 spf_term_asks(const struct spf_term *);

/* --- spf_record.c --- */

/* "v=spf1", then a blank or the end (section 4.5). */
bool	 spf_is_record(struct sv rdata);

/* --- an evaluation --- */

/* A domain whose record is being evaluated, and those that brought us there. */
struct spf_frame {
	const struct spf_frame	*up;
	struct dname		 name;
	struct sv		 domain;	/* its text: %{d} */
	unsigned		 depth;
};

struct spf_eval {
	const struct spf_in	*in;
	struct mail_ask		*ask;
	struct pool		*pool;
	struct findings		*fs;
	struct spf_out		*out;
	struct ip_prefix	 client;
	struct sv		 local;		/* of the sender */
	struct sv		 origin;	/* its domain: %{o} */
	struct sv		 helo;
	struct spf_step		**tail;
};

/* mail_ask(), with what the out says of answers kept up to date. */
int	 spf_ask(struct spf_eval *, const struct dname *, uint16_t type,
	    const struct mail_answer **ret) MUST_USE;
/* "temperror" is said with the name that had no answer; the evaluation ends with it. */
void	 spf_failure_add(struct spf_eval *, struct sv name);
/* A or AAAA, as the client is. */
uint16_t spf_address_type(const struct spf_eval *);
/* Is the client among these addresses, len bits of them? */
bool	 spf_address_find(const struct spf_eval *, const struct mail_answer *, unsigned len);
struct sv spf_name_text(struct spf_eval *, const struct dname *);

/* --- spf_expand.c --- */

/* ret->n is 0: it cannot be expanded to something that matches (RFC 8616 section 4). */
int	 spf_expand_domain(struct spf_eval *, const struct spf_frame *, struct sv spec,
	    struct sv *ret) MUST_USE;
/* An explanation. ret->n is 0: there is none to be made of it. */
int	 spf_expand_text(struct spf_eval *, const struct spf_frame *, struct sv text,
	    struct sv *ret) MUST_USE;

/* --- spf_ptr.c --- */

/*
 * Is a name of the client, confirmed by its address, at or below domain? 0 with *ret_name
 * (.len is 0: none) and the answer to the first question; MAIL_WAIT.
 */
int	 spf_ptr_match(struct spf_eval *, const struct dname *domain,
	    const struct mail_answer **ret_first, struct dname *ret_name) MUST_USE;
/* %{p}: the domain itself, a name below it, any; "unknown". */
int	 spf_ptr_name(struct spf_eval *, const struct spf_frame *, struct sv *ret) MUST_USE;

/* --- spf_match.c --- */

struct spf_match {
	enum spf_outcome	 outcome;
	enum mail_result	 error;		/* where outcome is an error */
	bool			 is_void;	/* a question found nothing */
};
/* All but include. 0; MAIL_WAIT; -ENOMEM. */
int	 spf_match(struct spf_eval *, const struct spf_frame *, const struct spf_term *,
	    struct spf_step *, struct spf_match *ret) MUST_USE;

/* --- spf_check.c --- */

/* check_host() of section 4 for one domain, and the exp= that counts if it says fail. */
struct spf_answer {
	enum mail_result	 result;
	struct sv		 exp;		/* of the record that decided; .n is 0: none */
	struct spf_frame	 frame;		/* that record's, for macros */
	struct sv		 term;		/* that matched; .n is 0: none */
};
int	 spf_domain_check(struct spf_eval *, const struct spf_frame *,
	    struct spf_answer *ret) MUST_USE;

/* --- spf_ahead.c --- */

/* The first questions of terms that will be tried if none before them matches. */
void	 spf_ask_ahead(struct spf_eval *, const struct spf_frame *, const struct spf_term *,
	    size_t n);

/* --- spf_advise.c --- */

int	 spf_type99_advise(struct spf_eval *, const struct dname *) MUST_USE;
void	 spf_lookups_advise(struct spf_eval *);

/* --- spf_exp.c --- */

int	 spf_explain(struct spf_eval *, const struct spf_answer *) MUST_USE;

#endif
