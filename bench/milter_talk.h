/*
 * A mail server's side of the milter protocol (version 6), as Postfix speaks
 * it: what a filter need not see is not sent, what it does not answer is not
 * waited for, and what is not waited for travels together. Blocking; one
 * talk is one connection, of one thread.
 */
#ifndef BENCH_MILTER_TALK_H
#define BENCH_MILTER_TALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FIELDS_MAX	200
#define CHUNK_MAX	65535		/* octets of the body in one frame */

/* A message, read once: fields as a filter gets them (LF in folds), and the body. */
struct mail {
	struct field {
		const char	*name, *value;	/* value begins behind the colon */
	}		 fields[FIELDS_MAX];
	size_t		 n_fields, n_body;
	const char	*body;
};

/* Octets that grow. */
struct octets {
	char	*p;
	size_t	 n, cap;
};

struct talk {
	int		 fd;
	uint32_t	 steps;		/* SMFIP_…, as agreed */
	struct octets	 out, in;
	size_t		 in_at;
	/* of the message: fields that were put on top, each "name\0value\0", the last one first */
	struct octets	 added;
	char		 queue_id[32];
	char		 verdict;	/* the answer to its end */
};

void	 octets_put(struct octets *, const void *, size_t);
/* The file stays in memory; exits if it is none. */
void	 mail_read(const char *path, struct mail *ret);

/* where: unix:PATH or inet:PORT (on loopback). All exit with a word on standard error in trouble. */
void	 talk_open(struct talk *, const char *where);
void	 talk_close(struct talk *);
/* The client, HELO. */
void	 talk_client(struct talk *);
/* Sender, recipient, DATA; false: it wants no more of this message, verdict says why. */
bool	 talk_envelope(struct talk *, const char *queue_id);
/* The message behind those fields; all of it is sent when this returns. */
void	 talk_message(struct talk *, const struct octets *on_top, const struct mail *);
/* Its end; waits for the verdict. */
void	 talk_end(struct talk *);
/* The server forgets the message: Postfix says so behind each. */
void	 talk_abort(struct talk *);

#endif
