/*
 * Zone files: read into a zone, and a zone written. Text, also compressed with
 * gzip; "-" is standard input or output.
 */
#ifndef APP_ZONE_FILE_H
#define APP_ZONE_FILE_H

#include "dns/zone.h"

struct zone_file_opts {
	const struct dname	*apex;		/* NULL: the file says it (below) */
	bool			 include;	/* follow $INCLUDE, from the file's folder */
	bool			 pipe;		/* it may be standard input, a pipe, a device */
	uint32_t		 ttl;		/* of records that have none, nor a $TTL; 0: that is a fault */
};

/*
 * What is wrong in the text are findings, and the zone is what could be read.
 * Without an apex it is the owner of the SOA record that begins the file, and
 * relative names are completed with what the file's name says
 * ("example.jp.zone", "db.example.jp"). Negative: the file cannot be read;
 * SE_USAGE: nobody said the zone's name.
 */
int	 zone_file_read(const char *path, const struct zone_file_opts *, struct findings *,
	    struct zone **ret) MUST_USE;
/* Replaces the file at once, when all of it is on the disk. flags: enum zone_print_flags. */
int	 zone_file_write(const char *path, const struct zone *, unsigned flags) MUST_USE;
/* The name that a file's name says. -ENOENT: none. */
int	 zone_file_apex(const char *path, struct dname *ret) MUST_USE;

/* Zone text that is in memory, as a zonefile_read_fn. */
struct zone_text {
	struct sv rest;
};
int	 zone_text_read(void *zone_text, char *dst, size_t cap, size_t *ret_n);
/*
 * A zone's name as (part of) a file's name, with its final dot: letters,
 * digits, "-" and "_" as they are, in lower case; all else, "/" of RFC 2317's
 * zones too, as %XX. BIND's key files are named so.
 */
void	 zone_file_name(struct buf *, const struct dname *zone);

#endif
