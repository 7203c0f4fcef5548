/* What role name is told, out of the configuration. */
#ifndef ROLE_PARENT_NAME_H
#define ROLE_PARENT_NAME_H

#include "app/conf.h"
#include "role/role.h"

/* zones: the text of app/zone_list.h. The message points into names and hosts. */
struct msg_name_conf name_conf_fill(const struct conf *, struct sv zones, struct buf *names,
	    struct buf *hosts);

#endif
