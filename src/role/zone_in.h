/* The parts of what fetches zones (zone_in.c): its timers, and one transfer. */
#ifndef ROLE_ZONE_IN_H
#define ROLE_ZONE_IN_H

#include "role/zone_role.h"
#include "role/zone_stream.h"

/* The question for its serial, by UDP. */
struct zone_in_soa {
	int			 fd;		/* -1: nothing is asked */
	struct loop_io		*io;
	struct tsig		 tsig;
	uint16_t		 id;
	unsigned		 n_tries;
	int64_t			 next_usec;
};

/* A question to a primary, and what comes of it. */
struct zone_in_run {
	struct zone_one		*z;
	const struct zone_peer	*peer;
	struct zone_primary	*primary;
	struct zone_in_soa	 soa;		/* first; then all of what is below */
	bool			 has_serial;
	uint32_t		 serial;	/* that the primary has */
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
/* When the SOA's expire is over; 0: primaries answer. */
int64_t	 zone_in_expires(const struct zone_one *);

/* zone_in_soa.c */
/* 0: zone_in_soa_over() is called, later; else it cannot be asked so. */
int	 zone_in_soa_begin(struct zone_in_run *) MUST_USE;
/* Each second, while .soa.fd is open. */
void	 zone_in_soa_look(struct zone_in_run *);
void	 zone_in_soa_close(struct zone_in_run *);

/* zone_in_run.c */
/* Connects, and asks; what z->in.run points to then calls one of the two below, later. */
int	 zone_in_run_prepare(struct zone_in_run *) MUST_USE;
void	 zone_in_run_free(struct zone_in_run *);

/* zone_in.c */
/* With .has_serial and .serial, or without: by UDP it was not to be had. */
void	 zone_in_soa_over(struct zone_in_run *);
void	 zone_in_run_over(struct zone_in_run *);
void	 zone_in_run_failed(struct zone_in_run *, const char *what);

#endif
