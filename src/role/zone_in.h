/* The parts of what fetches zones (zone_in.c): its timers, and one transfer. */
#ifndef ROLE_ZONE_IN_H
#define ROLE_ZONE_IN_H

#include "role/zone_role.h"
#include "role/zone_stream.h"

/* A question to a primary, and what comes of it. */
struct zone_in_run {
	struct zone_one		*z;
	const struct zone_peer	*peer;
	struct zone_primary	*primary;
	struct zone_stream	 stream;
	struct loop_io		*io;
	struct tsig		 tsig;
	struct xfr_in		*x;
	struct zone_got		 got;		/* .pool and .fs from the beginning */
	bool			 connected, ixfr;
	int			 result;	/* of the transfer: enum xfr_in_result */
	int			 verdict;	/* of its last message: enum tsig_verdict */
	int64_t			 began, moved;	/* monotonic */
};

/* zone_in_time.c */
struct soa_times {
	uint32_t	serial, refresh, retry, expire;
};
/* false: there is no such zone, or no SOA in it. */
bool	 soa_times(const struct zone *, struct soa_times *ret);
/* When the primaries are asked next: after a round that was good, or was not. */
void	 zone_in_next(struct zone_one *, bool good);

/* zone_in_run.c */
/* Connects, and asks; what z->in.run points to then calls one of the two below, later. */
int	 zone_in_run_prepare(struct zone_in_run *) MUST_USE;
void	 zone_in_run_free(struct zone_in_run *);

/* zone_in.c */
void	 zone_in_run_over(struct zone_in_run *);
void	 zone_in_run_failed(struct zone_in_run *, const char *what);

#endif
