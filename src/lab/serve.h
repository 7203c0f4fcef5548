/*
 * What the files of the lab's servers share; lab.h says what they are for.
 *
 *   serve.c         hosts and their ports, life, the door's functions
 *   serve_ctl.c     commands and statistics
 *   serve_script.c  rules: who misbehaves, how and when        (pure)
 *   serve_http.c    a request's head, dates, an answer's head   (pure)
 *   serve_rrdp.c    notifications, read and changed             (pure)
 *   serve_body.c    a body as a stream of bytes: from memory, from a file,
 *                   or made as it goes; compressed and chunked
 *   serve_answer.c  request and rules to answer
 *   serve_conn.c    one connection, with TLS or without
 *   serve_tls.c     certificates, right and wrong
 *   serve_rsync.c   one rsync connection: a child, and a pipe between
 */
#ifndef LAB_SERVE_H
#define LAB_SERVE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/sv.h"
#include "crypto/crypto.h"
#include "crypto/tls.h"
#include "lab/lab.h"
#include "lab/serve_limits.h"
#include "sys/loop.h"
#include "sys/net_tcp.h"
#include "sys/stream.h"

/* --- rules (serve_script.c) --- */

enum serve_at {
	SERVE_AT_CONNECT,	/* before the first byte */
	SERVE_AT_TLS,
	SERVE_AT_ANSWER,	/* which answer */
	SERVE_AT_DOC,		/* what the document says */
	SERVE_AT_BODY,		/* how it is wrapped */
	SERVE_AT_SEND,		/* how its bytes are sent */
	SERVE_AT_RSYNC,
	SERVE_AT_MAX
};

enum serve_doc {
	SERVE_OTHER = 1 << 0,
	SERVE_NOTIFICATION = 1 << 1,
	SERVE_SNAPSHOT = 1 << 2,
	SERVE_DELTA = 1 << 3,
	SERVE_ANY = 15,
};

#define B(id, ...)	SERVE_B_##id,
enum serve_b {
#include "lab/serve_behaviours.def"
	SERVE_B_MAX
};
#undef B

struct serve_behaviour {
	const char	*name;
	enum serve_at	 at;
	unsigned	 docs;
	const char	*number_name;	/* NULL: none */
	uint64_t	 number;
	const char	*text_name;
	const char	*text_default;
	const char	*text;		/* msgid: what it does */
	const char	*clause;
};
extern const struct serve_behaviour serve_behaviours[SERVE_B_MAX];

struct serve_when {
	bool		 given, is_time;
	uint64_t	 n;		/* a step, or seconds */
};

struct serve_rule {
	char			*line;		/* owned; what follows points into it */
	struct sv		 host, path;	/* globs; path.n == 0: by kind of document */
	enum serve_b		 b;
	uint64_t		 number;
	struct sv		 text;
	struct serve_when	 from, until;
	uint64_t		 times;		/* 0: always */
	uint64_t		 every;		/* 1: each time */
	uint64_t		 seen, hits;
};

struct serve_script {
	struct serve_rule	*rules;
	size_t			 n, cap;
};

/* What is asked of the rules. */
struct serve_case {
	enum serve_at	 at;
	struct sv	 host, path;
	unsigned	 doc;		/* one bit of enum serve_doc */
	uint64_t	 step, time_sec;
};

/* A rule that struck: a copy, because rules come and go. */
struct serve_strike {
	bool		 on;
	enum serve_b	 b;
	uint64_t	 number;	/* its argument */
	uint64_t	 nth;		/* the rule's how manieth hit, from 0 */
	char		 text[SERVE_TEXT_MAX];
};

/* One line; a comment or blank line adds nothing. -EINVAL with *err, -ENOMEM, SE_LIMIT. */
int	 serve_rule_add(struct serve_script *, struct sv line, struct lab_error *err) MUST_USE;
/* All lines of a text; on failure nothing was added. */
int	 serve_script_parse(struct serve_script *, struct sv text, struct lab_error *err) MUST_USE;
void	 serve_script_done(struct serve_script *);
/* Forget the rules of this host pattern ("*": all), and of this name if any. */
size_t	 serve_script_heal(struct serve_script *, struct sv host, struct sv name);
/* The first rule that matches and strikes; it counts. */
struct serve_strike serve_script_pick(struct serve_script *, const struct serve_case *);
bool	 serve_glob(struct sv pattern, struct sv text);
void	 serve_rule_print(const struct serve_rule *, struct buf *);

/* --- HTTP (serve_http.c) --- */

struct serve_req {
	unsigned	 bad;		/* 0, or the status that refuses it */
	bool		 head, keep_alive, gzip, http10;
	struct sv	 path;		/* without a query; starts with "/" */
	struct sv	 host, if_none_match;
	int64_t		 if_modified_since;	/* -1: not given */
};

/* Bytes up to and with the blank line; 0: it is not complete. */
size_t	 serve_head_len(struct sv in);
void	 serve_req_parse(struct sv head, struct serve_req *ret);
#define SERVE_DATE_LEN	30		/* "Sun, 22 Nov 2026 00:00:00 GMT" */
const char *serve_date(int64_t, char buf[static SERVE_DATE_LEN]);
int	 serve_date_parse(struct sv, int64_t *ret) MUST_USE;
const char *serve_reason(unsigned status);

/* --- RRDP (serve_rrdp.c) --- */

struct serve_file_ref {
	struct sv	 uri, hash;
	uint64_t	 serial;
};

/* Slices of the text, or of the pool after a change. */
struct serve_notification {
	struct sv		 session;
	uint64_t		 serial;
	struct serve_file_ref	 snapshot;
	struct serve_file_ref	*deltas;
	size_t			 n_deltas;
	struct sv		 prolog;	/* goes before the root element */
};

unsigned serve_doc_kind(struct sv head);
/* -EINVAL: no notification; -ENOMEM. */
int	 serve_notification_parse(struct pool *, struct sv text,
	    struct serve_notification *ret) MUST_USE;
void	 serve_notification_write(const struct serve_notification *, struct buf *);
/*
 * As the strike wants it, or -EOPNOTSUPP if it changes no notification;
 * session-changed leaves the hash of the snapshot to the caller.
 */
int	 serve_notification_change(struct pool *, const struct serve_strike *,
	    struct serve_notification *) MUST_USE;
/* The session id of its successor: the first digit is another. In the pool. */
struct sv serve_session_next(struct pool *, struct sv session);
/* The value of an attribute in the first element of the text; p NULL: none. */
struct sv serve_attr(struct sv text, const char *name);
/* "https://host/path": false if it is none. */
bool	 serve_uri_split(struct sv uri, struct sv *ret_host, struct sv *ret_path);

/* --- bodies (serve_body.c) --- */

struct serve_body;
/* The i-th piece of something endless. */
typedef void (*serve_unit_fn)(struct buf *, uint64_t i);

struct serve_body {
	struct buf	 mem;		/* sent first */
	size_t		 mem_at;
	int		 fd;		/* then so many bytes of a file; -1: none */
	uint64_t	 left;
	serve_unit_fn	 unit;		/* then pieces; NULL: the same one again and again */
	struct buf	 piece;
	size_t		 piece_at;
	uint64_t	 n_pieces, max;	/* made so far; bytes that may follow */
	struct buf	 tail;		/* and last */
	size_t		 tail_at;
	struct serve_gzip *gzip;
	bool		 chunked, ended;
};

#define SERVE_BODY_INIT	{ .fd = -1 }
void	 serve_body_done(struct serve_body *);
int	 serve_body_gzip(struct serve_body *) MUST_USE;
/* Bytes, 0 at the end, -Exxx. n is at least SERVE_CHUNK_MIN. */
long	 serve_body_read(struct serve_body *, void *, size_t n);
/* Plain bytes that are known to follow, without pieces. */
uint64_t serve_body_size(const struct serve_body *);
/* Blanks as gzip, so many of them, from a block that repeats. */
int	 serve_body_bomb(struct serve_body *, uint64_t blanks) MUST_USE;
void	 serve_unit_delta(struct buf *, uint64_t);
void	 serve_unit_publish(struct buf *, uint64_t);
void	 serve_unit_header(struct buf *, uint64_t);
void	 serve_unit_continue(struct buf *, uint64_t);
void	 serve_unit_line(struct buf *, uint64_t);

/* --- hosts and connections --- */

struct serve_host_stat {
	uint64_t	 connections, tls_failed, requests, bytes, not_modified;
	uint64_t	 errors;		/* 4xx and 5xx, wanted or not */
	uint64_t	 notifications, snapshots, deltas, others, gzipped;
	uint64_t	 rsync_connections, rsync_bytes;
	uint64_t	 strikes[SERVE_B_MAX];
};

struct serve_host {
	struct lab_serve	*serve;
	const char		*name;		/* also its folder below servers/ */
	char			*root;		/* that folder */
	uint64_t		 step;
	bool			 has_rrdp, has_rsync;
	int			 fd[2];		/* listening: HTTPS, rsync */
	struct loop_io		*io[2];
	struct tcp_name		 at[2];
	struct tls_ctx		*tls;		/* the right one; wrong ones are made when asked for */
	struct serve_wrong_tls	*wrong;
	struct file_stamp	 hashed;	/* the snapshot whose changed hash is known */
	char			 hashed_hex[2 * SHA256_LEN + 1];
	struct serve_host_stat	 stat;
};

struct serve_conn;
struct serve_rsync;
struct serve_ca;

struct lab_serve {
	struct loop		*loop;
	struct lab_serve_conf	 conf;
	struct pool		*pool;		/* names and paths, for life */
	const char		*work;		/* our folder below DIR */
	struct serve_host	*hosts;
	size_t			 n_hosts;
	struct serve_script	 script;
	struct serve_ca		*ca;
	struct serve_conn	*conns;
	struct serve_rsync	*rsyncs;
	unsigned		 n_conns, n_rsyncs;
	struct loop_timer	*tick;
	int64_t			 began;		/* wall clock */
	int64_t			 began_usec;	/* monotonic */
	uint64_t		 skipped_sec;	/* virtual time that was advanced */
	uint64_t		 loop_n;	/* for redirects without end */
};

/* snprintf() that fails when it does not fit: -ENAMETOOLONG. */
int	 serve_path(char *buf, size_t n, const char *fmt, ...) PRINTF(3, 4) MUST_USE;
uint64_t serve_time_sec(const struct lab_serve *);
/* Ask the rules, and count. */
struct serve_strike serve_strike(struct serve_host *, enum serve_at, struct sv path, unsigned doc);
/*
 * The file behind a path at the host's step, back steps earlier. A path that
 * ends in /notification.xml is the newest notification.N.xml with N up to
 * that step, else the file of that name. -ENOENT; *ret_variant: N + 1, or 0.
 */
int	 serve_host_file(const struct serve_host *, struct sv path, uint64_t back,
	    char *buf, size_t n, uint64_t *ret_variant) MUST_USE;
/* The folder of the rsync modules: rsync.N while the step is not the last, else rsync. */
int	 serve_host_modules(const struct serve_host *, char *buf, size_t n) MUST_USE;

/* serve_tls.c */
int	 serve_ca_new(const struct lab_serve *, struct serve_ca **ret) MUST_USE;
struct serve_ca *serve_ca_free(struct serve_ca *);
struct sv serve_ca_pem(const struct serve_ca *);
int	 serve_tls_right(const struct serve_ca *, struct serve_host *) MUST_USE;
/* The context for a strike; the host's. NULL: it could not be made. */
struct tls_ctx *serve_tls_wrong(const struct serve_ca *, struct serve_host *,
	    const struct serve_strike *);
void	 serve_tls_done(struct serve_host *);

/* serve_answer.c: everything that is sent for one request. */
struct serve_answer {
	struct buf	 head;
	struct serve_body body;
	unsigned	 status;
	bool		 close;			/* no further request */
	bool		 raw;			/* its head does not end: the body goes on with it */
	struct serve_strike send;
};
int	 serve_answer_make(struct serve_host *, const struct serve_req *,
	    struct serve_answer *ret) MUST_USE;
void	 serve_answer_done(struct serve_answer *);

/* serve_conn.c */
void	 serve_conn_accept(struct serve_host *);
void	 serve_conns_tick(struct lab_serve *);
void	 serve_conns_free(struct lab_serve *);

/* serve_rsync.c */
int	 serve_rsync_init(struct lab_serve *) MUST_USE;
void	 serve_rsync_accept(struct serve_host *);
void	 serve_rsyncs_tick(struct lab_serve *);
void	 serve_rsyncs_free(struct lab_serve *);

#endif
