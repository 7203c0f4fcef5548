/*
 * Frames: how the processes of the house talk. A message is declared once,
 * as a table of fields (role/messages.def makes the rows), and the two
 * functions that write and read any message both walk that table, so that
 * writer and reader cannot disagree.
 *
 * On the wire (a SOCK_SEQPACKET pair, so one packet is one frame): type,
 * sender, receiver, length of the payload, then the fields in the order of
 * the table, integers in network order, texts and bytes with a length before
 * them. File descriptors travel beside the payload (SCM_RIGHTS). What is too
 * big for a frame goes as a sealed memfd.
 *
 * frame_head() and frame_read() are pure and are fuzzed: whatever bytes come,
 * they end in 0 or -EBADMSG. struct chan is one end of such a socket in an
 * event loop, with a bounded queue of frames that could not be sent yet.
 *
 * Who stands between peers relays (chan_relay()). One that sends faster than
 * another reads must neither fill our memory, nor have the other killed, nor
 * be in the way of third ones. So each sender has a share of each queue, and
 * there are two reasons for not reading a peer for a while:
 *
 *	it waits	its share of a receiver's queue is full; until a quarter
 *			of it is left there
 *	it is deaf	it has sent CHAN_SHARE frames while nothing was read of
 *			what waits for it: who does not listen may not speak
 *
 * The share of answers is as much larger as there are questions: who asks and
 * does not read cannot stop the one that answers. Two that flood each other
 * go on as long as they read; of one that does not, the oldest frame grows
 * old (chan_oldest()), and whoever owns it ends it.
 */
#ifndef SYS_FRAME_H
#define SYS_FRAME_H

#include <stdbool.h>
#include <stdint.h>

#include "base/rd.h"
#include "base/sv.h"
#include "base/util.h"
#include "sys/loop.h"

#define FRAME_HEAD	8
#define FRAME_MAX	(64 * 1024)	/* a third of the default socket buffer */
#define FRAME_FDS_MAX	4		/* the largest message carries one */
#define FRAME_PEERS_MAX	16		/* eight roles */

enum frame_type {
	FRAME_U32,		/* uint32_t */
	FRAME_U64,		/* uint64_t */
	FRAME_I64,		/* int64_t */
	FRAME_STR,		/* struct sv of at most max bytes, none of them NUL */
	FRAME_BYTES,		/* struct sv of at most max bytes */
	FRAME_FD,		/* int */
};

struct frame_field {
	const char	*name;
	enum frame_type	 type;
	size_t		 offset;	/* in the message's struct */
	uint32_t	 max;
};

struct frame_def {
	const char		 *name;
	uint16_t		  type;
	uint32_t		  from, to;	/* bits 1 << peer: who may send it to whom */
	size_t			  size;		/* of the message's struct */
	const struct frame_field *fields;
	unsigned		  n_fields;
};

struct frame_table {
	const struct frame_def	*defs;
	unsigned		 n_defs;
	unsigned		 n_peers;
};

/* A frame as it came: the head is checked, the payload is not. */
struct frame {
	const struct frame_def	*def;
	uint8_t			 from, to;
	struct sv		 payload;
	struct sv		 whole;			/* head and payload */
	int			 fds[FRAME_FDS_MAX];	/* -1: taken */
	unsigned		 n_fds;
};

/*
 * Check the head: known type, a sender that may send it, a receiver that may
 * get it, the right length and number of descriptors. -EBADMSG.
 */
int	 frame_head(const struct frame_table *, struct sv, unsigned n_fds,
	    struct frame *ret) MUST_USE;
/*
 * Fill the message's struct (def->size bytes). Texts point into the payload;
 * descriptors move from f to the message. -EBADMSG: f keeps them.
 */
int	 frame_read(struct frame *f, void *msg) MUST_USE;
/* The reverse. -E2BIG: a field beyond its maximum, or the buffer is full. */
int	 frame_write(const struct frame_def *, uint8_t from, uint8_t to,
	    const void *msg, struct wr *, int fds[static FRAME_FDS_MAX],
	    unsigned *ret_n_fds) MUST_USE;
/* Close the descriptors that a message holds still. */
void	 frame_msg_close(const struct frame_def *, void *msg);
void	 frame_close(struct frame *);

struct chan;
/*
 * A frame has come. Negative: the peer is not worth talking to any more; the
 * channel calls closed() with that code. Descriptors left in f are closed.
 */
typedef int (*chan_frame_fn)(void *arg, struct frame *f);
/* Once; the channel is still there and silent: free it when convenient. */
typedef void (*chan_closed_fn)(void *arg, int rc);

/* Takes fd over (on success). NULL: no memory. */
struct chan	*chan_new(struct loop *, int fd, const struct frame_table *,
		    chan_frame_fn, chan_closed_fn, void *arg);
struct chan	*chan_free(struct chan *);
/*
 * Send or queue; descriptors stay the caller's. -ENOBUFS: the peer has not
 * read for CHAN_QUEUE_MAX frames of this sender; -E2BIG; or the code of the
 * socket.
 */
#define CHAN_QUEUE_MAX	512
int		 chan_send(struct chan *, const struct frame_def *, uint8_t from,
		    uint8_t to, const void *msg) MUST_USE;
/*
 * The same for a frame that came from another channel, unopened. It is never
 * refused for want of room: its sender is not read for a while instead, true
 * in *ret_waits when that begins. Both stay alive independently.
 */
#define CHAN_SHARE	64			/* frames of one sender in one queue … */
#define CHAN_SHARE_LOW	16			/* … and where it is read again */
#define CHAN_OWED_MAX	1024			/* answers beyond the share; both sockets full */
#define CHAN_SHARE_BYTES ((size_t)4 << 20)	/* … of all of them */
#define CHAN_SHARE_FDS	64
#define CHAN_QUIET_SEC	10			/* then nobody owes an answer */
int		 chan_relay(struct chan *from, struct chan *to, const struct frame *,
		    bool *ret_waits) MUST_USE;
/* Since when the oldest frame waits to be read, on clock_mono_usec(); 0: none does. */
int64_t		 chan_oldest(const struct chan *);
/* Nothing waits to be sent. */
bool		 chan_idle(const struct chan *);
/* Wait (bounded) until what is queued has left; for the last words. */
void		 chan_drain(struct chan *, int msec);
/*
 * The peer has ended: hear what it said before that and nobody has read yet.
 * Never waits; what is wrong with a frame ends it, and nobody is told.
 */
#define CHAN_REST_MAX	4096			/* more than a socket holds of the smallest */
void		 chan_rest(struct chan *);

#endif
