/* The only places where time comes from. Everything else is handed "now". */
#ifndef SYS_CLOCK_H
#define SYS_CLOCK_H

#include <stdint.h>

int64_t	 clock_now(void);	/* wall clock, Unix seconds */
int64_t	 clock_mono_usec(void);	/* monotonic microseconds, for intervals */

#endif
