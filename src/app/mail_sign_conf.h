/*
 * mail.sign[] of the configuration: the rules between its options, and the text for role seal: a
 * line for each row,
 *	LINE	DOMAIN	SELECTOR	FILE
 * between TABs, LINE that of the configuration. DOMAIN may have a dot before it
 * (app/mail_sign.h). Which algorithm a key has, its file says.
 */
#ifndef APP_MAIL_SIGN_CONF_H
#define APP_MAIL_SIGN_CONF_H

#include "app/conf.h"

/* 0, or negative with *err filled. */
int	 mail_sign_conf_check(const struct conf *, struct conf_error *err) MUST_USE;
/* Of a checked configuration. */
void	 mail_sign_conf_text(const struct conf *, struct buf *);

/* A number that changes when a file that it names does. */
uint64_t mail_sign_conf_stamp(const struct conf *);

/* A domain of A-labels in ASCII, two labels at the least; labels of a selector. */
bool	 mail_sign_domain_sound(struct sv);
bool	 mail_sign_selector_sound(struct sv);

#endif
