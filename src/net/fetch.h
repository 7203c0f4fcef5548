/* What the files of the client share. */
#ifndef NET_FETCH_H
#define NET_FETCH_H

#include <curl/curl.h>
#include <sys/socket.h>
#include <zlib.h>

#include "net/net.h"

#define HOST_MAX	256
#define WHAT_MAX	256

/* --- fetch_url.c --- */

/* One line of the hosts mapping. */
struct host_map {
	char			name[HOST_MAX];
	uint16_t		port;
	struct sockaddr_storage	to;
	socklen_t		to_len;
	char			connect_to[2 * HOST_MAX];	/* libcurl's CONNECT_TO */
};

struct fetch_url {
	char		text[FETCH_URL_MAX + 1];
	char		host[HOST_MAX];		/* an IPv6 literal without brackets */
	uint16_t	port;
};

/* SE_SYNTAX; rows to be freed by the caller. */
int	 host_maps_parse(struct sv text, struct host_map **ret, size_t *ret_n) MUST_USE;
const struct host_map *host_map_find(const struct host_map *, size_t n, const struct fetch_url *);
/*
 * An https URL, absolute or relative to base (NULL: none). -EINVAL with a
 * msgid in *ret_why; *ret_scheme: it is a URL, but not of https.
 */
int	 fetch_url_parse(struct sv, const struct fetch_url *base, struct fetch_url *ret,
	    const char **ret_why, bool *ret_scheme) MUST_USE;
bool	 fetch_url_same_origin(const struct fetch_url *, const struct fetch_url *);
/* NULL: a stranger may send us there; else the block (a constant). */
const char *fetch_sockaddr_block(const struct sockaddr *, char ret_text[static 64]);
bool	 sockaddr_same(const struct sockaddr *, const struct sockaddr_storage *);

/* --- one fetch --- */

enum fetch_phase {
	FETCH_WAITING,			/* for its turn */
	FETCH_RUNNING,			/* libcurl has it */
	FETCH_DRAINING,			/* all came, the receiver is paused */
	FETCH_DEAD,			/* to be freed */
};

struct fetch {
	struct fetcher		*fetcher;
	struct fetch		*prev, *next;
	enum fetch_phase	 phase;
	CURL			*easy;
	struct curl_slist	*headers, *connect_to;
	struct fetch_url	 url, origin;
	bool			 same_origin, conditional, post;
	unsigned		 n_redirects;
	struct fetch_limits	 limits;
	fetch_data_fn		 data;
	fetch_done_fn		 done;
	void			*arg;
	const struct host_map	*mapped;

	/* time, in monotonic microseconds */
	int64_t			 started, hop_started, paused_at, paused;
	int64_t			 window_at;	/* 0: no window has begun */
	uint64_t		 window_bytes;

	/* the answer */
	unsigned		 status;
	uint64_t		 header_bytes, wire, bytes;
	bool			 in_body, gzip, foreign_coding;
	char			 etag[FETCH_HEADER_MAX + 1], modified[FETCH_HEADER_MAX + 1];
	char			 type[FETCH_HEADER_MAX + 1];
	char			 location[FETCH_URL_MAX + 1];
	bool			 location_long;
	z_stream		 z;
	bool			 z_open, z_end;
	uint8_t			*held;		/* came, not inflated: the receiver is paused */
	size_t			 held_len, held_off;
	bool			 is_paused, is_resumed;

	/* what was wrong */
	const struct finding_def *why;
	struct farg		 args[FARG_PER_FINDING_MAX];
	unsigned		 n_args;
	int			 rc;
	char			 what[WHAT_MAX];	/* texts that args point to */
	char			 error[CURL_ERROR_SIZE];
	char			 address[64];
	const char		*block;			/* why an address was refused */
};

/* The first one counts. */
void	 fetch_fail(struct fetch *, enum fetch_code, const struct farg *, unsigned n);
#define FAIL(f, code, ...) do {						\
	const struct farg fail_[] = { __VA_ARGS__ };			\
	fetch_fail((f), (code), fail_, (unsigned)ARRAY_LEN(fail_));	\
} while (0)

/* --- fetch_body.c: libcurl's callbacks; 0 from them ends the transfer --- */

size_t	 fetch_on_header(char *, size_t, size_t n, void *fetch);
size_t	 fetch_on_body(char *, size_t, size_t n, void *fetch);
/* A new answer begins (the first one, or after a redirect). */
void	 fetch_body_reset(struct fetch *);
/* Go on with what was held; false: it was stopped, see fetch_fail() and rc. */
bool	 fetch_body_drain(struct fetch *);
/* All of it came: is it whole? */
void	 fetch_body_end(struct fetch *);

#endif
