/* What the files of transfer share. */
#ifndef DNSSEC_TRANSFER_INTERNAL_H
#define DNSSEC_TRANSFER_INTERNAL_H

#include "dnssec/transfer.h"

/* What a time waits for; a msgid, or NULL. */
struct transfer_why {
	const char	*why;
};

struct transfer_whys {
	struct transfer_why ns, ds_add, ds_del, swap, sign;
};

/* TIME_NEVER stays so. */
int64_t	 transfer_add(int64_t at, int64_t sec);
int64_t	 transfer_sec(const struct transfer_facts *, enum transfer_number);
int64_t	 transfer_data_sec(const struct transfer_facts *);
int64_t	 transfer_ds_sec(const struct transfer_facts *, const struct transfer_plan *);

/* The steps at the plan's times, in order (transfer_steps.c). */
void	 transfer_steps_make(const struct transfer_facts *, struct transfer_plan *,
	    const struct transfer_whys *);

#endif
