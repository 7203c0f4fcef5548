/*
 * dns.zones and dns.policies in the configuration: the rules between their
 * options, and the text for the roles (app/zone_list.h). The columns of
 * dns.policies are the rows of dnssec/policy.def, in the same order.
 */
#ifndef APP_ZONE_CONF_H
#define APP_ZONE_CONF_H

#include "app/conf.h"
#include "dnssec/keystate.h"

/* SE_SYNTAX and others, *err says where. */
int	 zone_conf_check(const struct conf *, struct conf_error *err) MUST_USE;
/* A line for each zone of a checked configuration. */
void	 zone_conf_text(const struct conf *, struct buf *);

#endif
