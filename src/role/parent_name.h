/* What role name is told, out of the configuration. */
#ifndef ROLE_PARENT_NAME_H
#define ROLE_PARENT_NAME_H

#include "app/conf.h"
#include "role/role.h"

/* The first field of each line of app/zone_list.h: a name a line. */
void	 name_conf_names(struct sv zones, struct buf *);
/* The message points into hosts; its zones are the caller's. */
struct msg_name_conf name_conf_fill(const struct conf *, struct buf *hosts);

#endif
