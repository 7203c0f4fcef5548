/* What roles milter, mark and report are told, out of the configuration. */
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

bool	 mark_conf_wants(const struct conf *);
/* hosts: those of fetch. marks: room for the folder's path. */
struct msg_mark_conf mark_conf_fill(const struct conf *, struct sv hosts, char *marks, size_t n);

bool	 report_conf_wants(const struct conf *);
struct msg_report_conf report_conf_fill(const struct conf *, struct report_texts *);

#endif
