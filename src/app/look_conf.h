/* What role name is told: is it addresses? */
#ifndef APP_LOOK_CONF_H
#define APP_LOOK_CONF_H

#include "app/conf.h"

/* SE_SYNTAX or SE_LIMIT, *err says where. */
int	 look_conf_check(const struct conf *, struct conf_error *err) MUST_USE;

#endif
