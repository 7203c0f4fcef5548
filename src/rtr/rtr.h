/*
 * rtr: the RPKI to Router protocol (RFC 6810 version 0, RFC 8210 version 1,
 * the draft RTR_DRAFT version 2), both ends, as pure state machines: bytes
 * and "now" go in, bytes and decisions come out. Sockets, files and the clock
 * are app/rtr_server's and cmd's business; that is why tests/replay can play
 * a day of a router's life in a millisecond.
 *
 * The server's side. One struct rtr_session is one connection. The caller
 * feeds received bytes to rtr_session_input(), which takes one PDU at a time
 * and answers with a struct rtr_reply: a few bytes to send first, a body that
 * the caller has ready (the whole payload section of a version, or the delta
 * from a serial), a few bytes to send last, and whether to close then. While
 * a reply is being sent nothing more is read: a router that pipelines
 * queries is slowed down by TCP, not by our memory. A session is 150 bytes.
 *
 *	        version unknown            negotiated           closed
 *	first query of a version we speak -> reply, version fixed
 *	a version above ours: error 4 with our highest; may ask again
 *	a version below ours: error 4, close
 *	then: Serial Query   same serial     -> empty answer
 *	                     delta held      -> delta
 *	                     else            -> Cache Reset
 *	      Reset Query                    -> full answer
 *	      nothing unexpired held         -> error 2 (No Data Available)
 *	      other version                  -> error 8 (4 in version 0), close
 *	      anything else                  -> error, close
 *
 * What the cache holds at the moment is the struct rtr_view that comes with
 * each call: the session keeps no data and cannot serve old ones. Time:
 * rtr_session_tick() is called every second or so; it makes the Serial
 * Notifies (one a minute at most, never before the first answer) and closes
 * who is silent or stalls.
 *
 * The client's side (struct rtr_client) asks, collects and checks: order
 * (version 2), duplicates, withdrawal of what was never announced, provider
 * lists, values. What is wrong is a finding and, as the standard says, an
 * Error Report. Changes count only when End of Data has come (8210bis
 * section 11.3).
 *
 * Router keys (RFC 8210 section 5.10) are payloads like the others from
 * version 1 on; a key is carried, never used.
 */
#ifndef RTR_RTR_H
#define RTR_RTR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/finding.h"
#include "base/rd.h"
#include "inr/inr.h"

#define RTR_DRAFT	"draft-ietf-sidrops-8210bis-26"

#define RTR_VERSION_MAX	2

/* --- findings --- */

#define F FINDING_ENUM_
enum rtr_finding {
#include "rtr/findings.def"
	RTR_FINDING_MAX
};
#undef F
extern const struct finding_def rtr_findings[RTR_FINDING_MAX];

/* --- PDUs --- */

enum rtr_pdu_type {
	RTR_SERIAL_NOTIFY = 0,
	RTR_SERIAL_QUERY = 1,
	RTR_RESET_QUERY = 2,
	RTR_CACHE_RESPONSE = 3,
	/* 4, 6, 9, 11: enum rtr_payload_type */
	RTR_END_OF_DATA = 7,
	RTR_CACHE_RESET = 8,
	RTR_ERROR_REPORT = 10,
};

enum rtr_error_code {
	RTR_ERR_CORRUPT = 0,
	RTR_ERR_INTERNAL = 1,
	RTR_ERR_NO_DATA = 2,
	RTR_ERR_REQUEST = 3,
	RTR_ERR_VERSION = 4,
	RTR_ERR_TYPE = 5,
	RTR_ERR_WITHDRAWAL = 6,
	RTR_ERR_DUPLICATE = 7,
	RTR_ERR_VERSION_CHANGED = 8,	/* from version 1 on */
	RTR_ERR_ASPA = 9,		/* from version 2 on: this and all below */
	RTR_ERR_TRANSPORT = 10,
	RTR_ERR_ORDER = 11,
	RTR_ERR_RESTART = 12,
	RTR_ERR_SHUTDOWN = 13,
	RTR_ERR_MAX
};

struct rtr_timers {
	uint32_t	refresh_sec, retry_sec, expire_sec;
};
#define RTR_TIMERS_DEFAULT	((struct rtr_timers){ 3600, 600, 7200 })
/* 8210bis section 6: each range, and expire above the other two. */
bool	 rtr_timers_ok(const struct rtr_timers *);

struct rtr_head {
	uint8_t		version, type;
	uint16_t	session;	/* error code, flags, zero: as the type says */
	uint32_t	len;
};

struct rtr_pdu {
	struct rtr_head	head;
	struct sv	raw;		/* the whole PDU, in the caller's buffer */
	/* By type; zero otherwise. */
	uint32_t	serial;		/* notify, query, end of data */
	bool		has_timers;	/* end of data from version 1 on */
	struct rtr_timers timers;
	bool		announce;
	struct vrp	vrp;		/* prefixes */
	uint32_t	customer;	/* ASPA */
	struct rd	providers;
	struct sv	text, inner;	/* error report; inner: a router key's body */
};

enum rtr_pdu_fault {
	RTR_PDU_OK,
	RTR_PDU_BAD_VERSION,	/* not 0, 1 or 2 */
	RTR_PDU_BAD_TYPE,	/* not defined for the version */
	RTR_PDU_BAD_LENGTH,
	RTR_PDU_BAD_VALUE,
};

/* The first 8 bytes, without any judgement. */
void	 rtr_head_parse(const uint8_t p[static RTR_HEAD_LEN], struct rtr_head *ret);
/* Version, type and length against the table. */
enum rtr_pdu_fault rtr_head_check(const struct rtr_head *) MUST_USE;
/* One whole PDU of head.len bytes. */
enum rtr_pdu_fault rtr_pdu_parse(struct sv raw, struct rtr_pdu *ret) MUST_USE;
/* The inverse; head.len is computed. For tests and for all that we send. */
void	 rtr_pdu_write(struct wr *, const struct rtr_pdu *);
const char *rtr_type_name(uint8_t type);	/* "Serial Query" … or "unknown" */
const char *rtr_error_name(unsigned code);	/* "Corrupt Data" … or "unknown" */
/* Is the code defined by the version's specification? */
bool	 rtr_error_defined(uint8_t version, unsigned code);

/* --- server session --- */

#define RTR_INNER_MAX	64	/* of an offending PDU that we send back */
#define RTR_TEXT_MAX	96	/* bytes of our diagnostic texts */
#define RTR_REPLY_MAX	(RTR_HEAD_LEN + 4 + RTR_INNER_MAX + 4 + RTR_TEXT_MAX)

/* What the cache holds now; the caller's, given with each call. */
struct rtr_view {
	bool		 has_data;	/* and none of it is past its expiry */
	struct snapshot_stamp stamp;
	struct rtr_timers timers;
	uint8_t		 min_version, max_version;
	/* Can the delta from this serial (not the current one) be sent? */
	bool		(*delta_held)(void *arg, uint32_t from);
	void		*arg;
};

enum rtr_body {
	RTR_BODY_NONE,
	RTR_BODY_FULL,		/* the payload section of .version */
	RTR_BODY_DELTA,		/* from serial .from to the view's */
};

struct rtr_reply {
	uint8_t		 head[RTR_REPLY_MAX];
	size_t		 head_len;
	enum rtr_body	 body;
	uint8_t		 version;
	uint32_t	 from;
	uint8_t		 tail[24];	/* End of Data */
	size_t		 tail_len;
	bool		 close;		/* after the last byte is sent */
	const struct finding_def *why;	/* of a fault, or NULL */
	uint32_t	 detail;	/* error code, version or type that explains why */
};

struct rtr_session {
	uint8_t		 in[RTR_INNER_MAX];	/* a PDU on its way in: queries are 12 bytes */
	size_t		 in_len;
	bool		 negotiated, established, notified, closed;
	bool		 sending, answering;	/* a reply; one with End of Data */
	uint8_t		 version;
	uint8_t		 refused;	/* queries of too high a version */
	uint16_t	 session;	/* told in the last Cache Response */
	uint32_t	 serial;	/* in the last End of Data that was sent whole */
	uint32_t	 told;		/* in the last End of Data or Serial Notify */
	uint32_t	 n_queries;
	int64_t		 opened, last_query, last_notify, send_began, last_progress;
};

void	 rtr_session_init(struct rtr_session *, int64_t now);
/*
 * Take bytes up to the end of one PDU. True: *ret is to be sent (then tell
 * rtr_session_sent()) before the rest of `in` is given again. False: all of
 * `in` was taken and nothing is to be said.
 */
bool	 rtr_session_input(struct rtr_session *, const struct rtr_view *, int64_t now,
	    struct rd *in, struct rtr_reply *ret);
/* Something of the reply left the machine; all of it. */
void	 rtr_session_progress(struct rtr_session *, int64_t now);
void	 rtr_session_sent(struct rtr_session *, int64_t now);
/* A notify that is due, or the end of a silent or stalled router. */
bool	 rtr_session_tick(struct rtr_session *, const struct rtr_view *, int64_t now,
	    struct rtr_reply *ret);
/*
 * We are about to go: RTR_ERR_RESTART or RTR_ERR_SHUTDOWN (8210bis sections
 * 8.5, 8.6) where the version has it; closes in any case.
 */
bool	 rtr_session_end(struct rtr_session *, enum rtr_error_code, struct rtr_reply *ret);

/* --- client session --- */

enum rtr_event {
	RTR_EV_MORE,		/* nothing yet: more bytes, please */
	RTR_EV_DATA,		/* End of Data: the set is complete and applied */
	RTR_EV_NOTIFY,		/* the cache has news; rtr_client_ask() */
	RTR_EV_RESET,		/* the cache wants a Reset Query; ask again */
	RTR_EV_NO_DATA,		/* the cache has nothing; ask later */
	RTR_EV_DOWNGRADE,	/* connect anew and ask: .version is lower now */
	RTR_EV_GOING,		/* Cache Restart or Shutdown */
	RTR_EV_FAILED,		/* see the findings; send what is in out, close */
	RTR_EV_MAX
};

struct rtr_client_counts {
	size_t		n_announce, n_withdraw;	/* VRPs in the last answer */
	size_t		n_aspa_announce, n_aspa_withdraw;
	size_t		n_key_announce, n_key_withdraw;
};

struct rtr_client;

/* version: the first to try. Findings go to fs, which must live longer. NULL: no memory. */
struct rtr_client *rtr_client_new(uint8_t version, struct findings *fs);
struct rtr_client *rtr_client_free(struct rtr_client *);
DEFINE_CLEANUP(struct rtr_client, rtr_client_free)
/* A new connection: forget half-read bytes, keep the data. */
void	 rtr_client_connect(struct rtr_client *);
/* A Reset Query, or a Serial Query when a set is held. */
void	 rtr_client_ask(struct rtr_client *, struct wr *out);
/*
 * Take bytes until something happens: enum rtr_event. Call again until
 * RTR_EV_MORE. Negative (-ENOMEM, -E2BIG): we could not go on.
 */
int	 rtr_client_input(struct rtr_client *, struct rd *in, struct wr *out) MUST_USE;
/* The other side closed: RTR_EV_DOWNGRADE if it never spoke, or RTR_EV_FAILED. */
enum rtr_event rtr_client_closed(struct rtr_client *);
/* Room that out needs in any call. */
#define RTR_CLIENT_OUT	RTR_REPLY_MAX

/* What is held. All views are valid until the next input. */
uint8_t	 rtr_client_version(const struct rtr_client *);
uint16_t rtr_client_session(const struct rtr_client *);
uint32_t rtr_client_serial(const struct rtr_client *);
const struct rtr_timers *rtr_client_timers(const struct rtr_client *);
const struct rtr_client_counts *rtr_client_counts(const struct rtr_client *);
/* Ascending; ta 0 is "-" (RTR does not tell trust anchors), expires never. */
const struct payloads *rtr_client_payloads(const struct rtr_client *);

#endif
