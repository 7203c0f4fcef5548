/*
 * lab: worlds with real keys and signatures, made from a short text, and
 * broken on purpose.
 *
 * What enters is a description (sekisho-lab(5)): trust anchors, CAs inside
 * them, what they hold, their ROAs and ASPAs, and faults by name; or a real
 * validator's list of payloads (internet.c), of the size of the Internet. What
 * leaves is a repository, as a tree of files, as an RRDP snapshot, or as the
 * folders of many publication servers, and the TALs.
 * The same text, time and seed give the same bytes: keys come from a seeded
 * pool of primes (crypto_primes_new()), serial numbers from a hash, and a
 * signature of RSASSA-PKCS1-v1_5 has no randomness.
 *
 * A world is made in five parts:
 *
 *   text    lab_text_parse(), lab_from_vrps(): CAs and objects, no bytes yet
 *   shape   faults that need another structure (one more object, another
 *           key) change it
 *   keys    primes, then each CA's key and names
 *   plan    every value of every object is set as the standards want it;
 *           then faults change values and note edits
 *   make    bytes: written (rpki/write.h), edited, hashed, signed, in
 *           parallel; manifests last, because they list the others' hashes
 *
 * Keys of objects, plans and bytes exist for a batch of CAs at a time
 * (batch.c): lab_build() makes one batch of all and keeps it, for worlds that
 * fit memory; lab_servers_write() streams batch after batch into snapshots
 * (publish.c). A world may move, then: a step (step.c) marks what changes,
 * only that is made again, and the rest is copied from the last snapshot.
 *
 * A fault is a row of a table: name, what it is, the finding it must cause,
 * the kind of object it is planted in, and how: a change of values before
 * the object is written, or edits of its DER at a named stage (before the
 * signature, so that only the rule in question is broken, or after it).
 * Edits name a place by a path through the DER tree (edit.c), so that the
 * writers never have to know how to write a wrong object.
 *
 * One planted fault is one rule broken: everything else in the object stays
 * as the standards ask, hashes and signatures are made over the broken
 * bytes. tests/corpus/test_faults.py holds the table to its word.
 *
 * The lab decides nothing that a validator decides, and no program but the
 * lab's own command and tests uses its keys: pooled primes are no secret.
 */
#ifndef LAB_LAB_H
#define LAB_LAB_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/pool.h"
#include "base/sv.h"
#include "base/tr.h"

struct lab_world;

/* Where and why a description was refused: msg is a msgid, word a part of the text. */
struct lab_error {
	unsigned	 line;		/* 0: not about a line */
	const char	*msg;
	struct sv	 word;
};

struct lab_opts {
	int64_t		 now;		/* the world's time */
	bool		 now_given;	/* it wins over the description's "at" */
	uint64_t	 seed;
	bool		 seed_given;
	unsigned	 jobs;
	/* n of all objects are made; from any thread. May be NULL. */
	void		(*progress)(void *arg, size_t n, size_t all);
	void		*progress_arg;
};

/* -EINVAL with *err filled, -ENOMEM. The text must outlive the world. */
int	 lab_text_parse(struct sv text, const struct lab_opts *,
	    struct lab_error *err, struct lab_world **ret) MUST_USE;
/* The description of n_cas CAs with n_roas ROAs each, for lab_text_parse(). */
void	 lab_scale(struct buf *, uint32_t n_cas, uint32_t n_roas);
struct payloads;
/* A file of JSON, or of JSON in bzip2: vrps_json_read()'s codes. payloads_done() in any case. */
int	 lab_list_file(const char *path, struct payloads *ret, uint64_t *ret_line,
	    uint64_t *ret_bad) MUST_USE;
/* A world with exactly these payloads, or with `take` of them; internet.c says how. */
int	 lab_from_vrps(const struct payloads *, uint64_t take, const struct lab_opts *,
	    struct lab_error *err, struct lab_world **ret) MUST_USE;
/* Plant one more fault; at.n == 0: where it fits first. */
int	 lab_fault_add(struct lab_world *, struct sv name, struct sv at,
	    struct lab_error *err) MUST_USE;
/* All bytes. -EINVAL with *err when a fault finds no object to sit in. */
int	 lab_build(struct lab_world *, struct lab_error *err) MUST_USE;
struct lab_world *lab_free(struct lab_world *);
DEFINE_CLEANUP(struct lab_world, lab_free)

/*
 * Instead of lab_build(), and for worlds of any size: the folders of the
 * publication servers, of every step, below dir (sekisho-lab(1)).
 */
struct lab_servers {
	const char	*dir;
	const char	*rsync;		/* trees: "all", "none", hosts; NULL: if small */
};
int	 lab_servers_write(struct lab_world *, const struct lab_servers *,
	    struct lab_error *err) MUST_USE;
void	 lab_servers_json(const struct lab_world *, struct json *);
/* Over what the description says. */
void	 lab_steps_set(struct lab_world *, uint32_t n_steps);
void	 lab_churn_set(struct lab_world *, uint32_t per_mille);
void	 lab_every_set(struct lab_world *, uint32_t sec);
uint32_t lab_n_steps(const struct lab_world *);

/* After either: one file below dir for each object published. */
int	 lab_tree_write(const struct lab_world *, const char *dir) MUST_USE;
/* snapshot.xml (RFC 8182); gz: compressed. ret_hash: of the plain XML. */
int	 lab_rrdp_write(const struct lab_world *, struct buf *, bool gz,
	    uint8_t ret_hash[static 32]) MUST_USE;
void	 lab_notification_write(const struct lab_world *, struct buf *,
	    const uint8_t hash[static 32]);
size_t	 lab_n_tas(const struct lab_world *);
const char *lab_ta_name(const struct lab_world *, size_t i);
void	 lab_tal_write(const struct lab_world *, size_t i, struct buf *);

/* The payloads that the world without its faults has: "ASN,IP Prefix,…". */
void	 lab_vrps_csv(const struct lab_world *, struct buf *);
/* Objects with names and URIs, faults with codes, payloads. */
void	 lab_json(const struct lab_world *, struct json *);
size_t	 lab_n_objects(const struct lab_world *);
size_t	 lab_n_cas(const struct lab_world *);
size_t	 lab_n_servers(const struct lab_world *);
int64_t	 lab_now(const struct lab_world *);

struct lab_fault_info {
	const char	*name;
	const char	*text;		/* msgid */
	const char	*code;		/* of the finding that it must cause */
	const char	*place;		/* "roa", "manifest" … */
};
size_t	 lab_n_faults(void);
struct lab_fault_info lab_fault_info(size_t i);

/*
 * --- the lab's own publication servers (serve*.c, sekisho-lab-serve(1)) ---
 *
 * What enters is a folder with servers/HOST/rrdp/ and servers/HOST/rsync/, and
 * a script of misbehaviour. Each host gets two ports on loopback, one for
 * HTTPS with certificates of a CA made at start, one for rsync, behind which
 * the rsync program runs, a child a connection. Steps of a moving world and
 * time are what lab_serve_command() says, so that hours pass in seconds.
 */
struct loop;
struct lab_serve;

struct lab_serve_conf {
	const char	*dir;
	const char	*listen;	/* a loopback address without a port */
	uint32_t	 first_port;	/* 0: as the kernel likes */
	bool		 usual_ports;	/* 127.0.1.N:443 and :873 instead */
	bool		 plain;		/* HTTP without TLS */
	bool		 no_gzip;
	bool		 still;		/* time moves by command only */
	const char	*rsync;		/* the program; NULL: no rsync */
	/* Something that the operator may want to read. May be NULL. */
	void		(*log)(void *arg, const char *text);
	void		*arg;
};

/*
 * -ENOENT: no host below dir/servers; -EADDRINUSE, -EACCES …: the ports.
 * ret_where is the host or path in question, or "".
 */
#define LAB_WHERE_LEN	256
int	 lab_serve_new(struct loop *, const struct lab_serve_conf *,
	    char ret_where[static LAB_WHERE_LEN], struct lab_serve **ret) MUST_USE;
struct lab_serve *lab_serve_free(struct lab_serve *);
DEFINE_CLEANUP(struct lab_serve, lab_serve_free)
/* Add rules. -EINVAL with *err: nothing was added. */
int	 lab_serve_script(struct lab_serve *, struct sv text, struct lab_error *err) MUST_USE;
/* One line of the control channel; the answer is one line of JSON. False: "stop". */
bool	 lab_serve_command(struct lab_serve *, struct sv line, struct buf *answer);
/* "NAME:443=127.0.0.1:PORT" and so on, a line each: fetch.hosts. */
void	 lab_serve_ports(const struct lab_serve *, struct buf *);
/* A hosts(5) file. */
void	 lab_serve_hosts(const struct lab_serve *, struct buf *);
size_t	 lab_serve_n_hosts(const struct lab_serve *);
/* The CA's certificate (PEM); empty with .plain. */
struct sv lab_serve_ca(const struct lab_serve *);

struct lab_behaviour_info {
	const char	*name;
	const char	*moment;	/* "connect", "tls", "answer" … */
	const char	*argument;	/* "rate=10", "" */
	const char	*text;		/* msgid */
	const char	*clause;	/* "-": none forbids it */
};
size_t	 lab_n_behaviours(void);
/* buf holds .argument. */
struct lab_behaviour_info lab_behaviour_info(size_t i, char *buf, size_t n);

#endif
