/*
 * Things on a disk that only a laboratory puts there: links that lead astray,
 * files that are larger than they weigh.
 */
#ifndef SYS_PLANT_H
#define SYS_PLANT_H

#include <stdint.h>

#include "base/util.h"

/* A symbolic link; one that is there already is good. */
int	 plant_link(const char *target, const char *path) MUST_USE;
/* A file of zeros that takes no room. */
int	 plant_sparse(const char *path, uint64_t size) MUST_USE;

#endif
