/*
 * mail: in the configuration: is it addresses, names and sentences, and what
 * role milter is told of it (app/mail_rules.h).
 */
#ifndef APP_MAIL_CONF_H
#define APP_MAIL_CONF_H

#include "app/conf.h"

/* SE_SYNTAX or SE_LIMIT, *err says where. */
int	 mail_conf_check(const struct conf *, struct conf_error *err) MUST_USE;
/* mail.milter.listen as libmilter has it; empty: nowhere. */
void	 mail_conf_listen(const struct conf *, struct buf *);
/* The text of app/mail_rules.h. */
void	 mail_conf_rules(const struct conf *, struct buf *);

#endif
