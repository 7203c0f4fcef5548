#include <time.h>

#include "sys/clock.h"

int64_t
clock_now(void)
{
	return (int64_t)time(NULL);
}

int64_t
clock_mono_usec(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}
