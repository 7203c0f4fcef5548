/* What roles milter and report are told, out of the configuration. */
#ifndef ROLE_PARENT_MAIL_H
#define ROLE_PARENT_MAIL_H

#include "app/conf.h"
#include "role/role.h"

/* The texts that the message points into. */
struct milter_texts {
	struct buf	listen, rules;
	char		node[256], rows[4200], failures[4200], key[4200];
};

void	 milter_texts_done(struct milter_texts *);
struct msg_milter_conf milter_conf_fill(const struct conf *, struct milter_texts *);

struct report_texts {
	char		store[4200], pass_file[1024], failures[4200];
};

bool	 report_conf_wants(const struct conf *);
struct msg_report_conf report_conf_fill(const struct conf *, struct report_texts *);

#endif
