/* What the files of mail/message.h share. */
#ifndef MAIL_MESSAGE_INTERNAL_H
#define MAIL_MESSAGE_INTERNAL_H

#include "mail/message.h"

struct mail_list {
	struct mail_address	*v;		/* MAIL_ADDRESSES_MAX fit */
	size_t			 n;
	size_t			 n_groups;	/* whose members stand among the rest */
};

/* mail_addresses(), and how many groups there were. */
int	 mail_list_parse(struct pool *, struct sv value, struct findings *,
	    struct mail_list *ret) MUST_USE;
/* The first line with those that continue it, and with the last one's end. */
struct sv mail_lines_cut(struct sv text);
/*
 * Does an encoded word (RFC 2047) stand in the text, which, decoded before the addresses are
 * looked for, has octets that would end an address or begin one?
 */
bool	 mail_encoded_is_odd(struct sv);

#endif
