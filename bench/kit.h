/* What the programs of the bench share: the processor's clock, and an end. */
#ifndef BENCH_KIT_H
#define BENCH_KIT_H

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static inline _Noreturn void
die(const char *what)
{
	fprintf(stderr, "bench: %s failed\n", what);
	exit(3);
}

/* Of the whole process. */
static inline double
cpu_usec(void)
{
	struct timespec ts;

	if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts) != 0)
		die("clock_gettime");
	return (double)ts.tv_sec * 1e6 + (double)ts.tv_nsec / 1e3;
}

/* An argument that is a number of at least 0. */
static inline double
number(const char *s)
{
	char *end;
	double v = strtod(s, &end);

	if (*s == '\0' || *end != '\0' || v < 0)
		die(s);
	return v;
}

#endif
