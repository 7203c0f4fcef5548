/*
 * Zones on the disk: the file that name servers read, replaced as a whole;
 * images and journals for the zone role's next life (role/zone_keep.h). The
 * zone role says which zone; where it goes stands in our own configuration.
 */
#ifndef ROLE_STORE_ZONES_H
#define ROLE_STORE_ZONES_H

#include "role/role.h"

struct store_zones;

/* Before the sandbox closes: the folders of the outputs become reachable. */
int	 store_zones_new(struct role *, const struct msg_store_zones *, struct store_zones **ret) MUST_USE;
/* What a former life was given is asked for again. */
void	 store_zones_start(struct role *, const struct store_zones *);
/* zones NULL: there are none. */
int	 store_zones_put(struct role *, struct store_zones *, const struct msg_zone_put *) MUST_USE;
int	 store_zones_keep(struct role *, struct store_zones *, const struct msg_zone_keep *) MUST_USE;
int	 store_zones_recall(struct role *, struct store_zones *, const struct msg_zone_recall *) MUST_USE;

#endif
