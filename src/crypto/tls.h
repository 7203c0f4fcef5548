/*
 * TLS 1.2 and 1.3 as an engine without sockets: bytes in, bytes out. What
 * enters is PEM text, ciphertext that somebody read from a connection, and
 * the time; what leaves is ciphertext to send, plaintext, and one reason when
 * it failed. So a connection lives in any sandbox, and sys/ does the I/O:
 *
 *	n = tls_feed(t, from_socket, got);	what was not taken: again later
 *	while ((n = tls_read(t, plain, sizeof(plain))) > 0) ...
 *	n = tls_write(t, p, len);		0: first send what tls_out() holds
 *	out = tls_out(t); n = send(out); tls_sent(t, n);
 *
 * After each call that fed, read, wrote or closed, tls_out() may hold bytes:
 * send them, also when the state is TLS_FAILED (the alert says why).
 *
 * A server with anchors demands client certificates. A client must have
 * anchors; it checks subjectAltName only, never the common name (RFC 9525,
 * RFC 8210 section 9.2), and wildcards only as a whole left label.
 *
 * What a peer can make us hold is fixed when the connection begins: two ring
 * buffers (TLS_IN_MAX, TLS_OUT_MAX), one record each way inside OpenSSL while
 * one is in transit, and a certificate list of TLS_CHAIN_MAX. A full buffer
 * stops the engine, it never grows. Renegotiation, compression, session
 * tickets, session caches, early data and post-handshake authentication are
 * off: a router reconnects once in months, and each is a door.
 *
 * Nothing here reads files, the environment or openssl.cnf, asks for a pass
 * phrase, or looks at the clock: random numbers are the only system call.
 * Revocation is not checked: a CA for routers is small, and one withdraws a
 * router's certificate by short lifetimes or the allow-list.
 */
#ifndef CRYPTO_TLS_H
#define CRYPTO_TLS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/sv.h"
#include "base/util.h"

#define TLS_IN_MAX	(8 * 1024)	/* ciphertext fed, not yet read */
#define TLS_OUT_MAX	(12 * 1024)	/* ciphertext made, not yet sent */
#define TLS_WRITE_MAX	(8 * 1024)	/* plaintext in one record of ours */
#define TLS_CHAIN_MAX	(32 * 1024)	/* bytes of certificates a peer may send */
#define TLS_DEPTH_MAX	6		/* CA certificates between anchor and leaf */
#define TLS_PEM_MAX	(4 * 1024 * 1024) /* the system's anchors are 0.3 MB */
#define TLS_NAMES_MAX	256		/* certificates of one server, chosen by name */
#define TLS_NAME_LEN	254		/* a DNS name (RFC 1035) and its NUL */

/* Why it failed; tls_why_text() is the English msgid. */
enum tls_why {
	TLS_WHY_NONE,
	TLS_WHY_MEMORY,
	/* our own files */
	TLS_WHY_BAD_CERT,	/* no PEM certificate, or one that cannot be read */
	TLS_WHY_BAD_KEY,	/* no PEM private key without pass phrase */
	TLS_WHY_KEY_MISMATCH,
	TLS_WHY_BAD_ANCHORS,
	TLS_WHY_WEAK,		/* OpenSSL's security level 2 refuses it */
	/* the peer */
	TLS_WHY_NOT_TLS,	/* what came is not TLS at all */
	TLS_WHY_VERSION,	/* 1.1 or older only, or no cipher in common */
	TLS_WHY_NO_CERT,	/* a client certificate is wanted */
	TLS_WHY_EXPIRED,
	TLS_WHY_EARLY,		/* not valid yet */
	TLS_WHY_NAME,		/* the certificate is for other names */
	TLS_WHY_UNTRUSTED,	/* no chain to an anchor, or not for this purpose */
	TLS_WHY_ALERT,		/* the peer refused us; tls_detail() says how */
	TLS_WHY_TRUNCATED,	/* the connection ended without close_notify */
	TLS_WHY_PROTOCOL,	/* anything else; tls_detail() */
	TLS_WHY_MAX
};

const char *tls_why_text(enum tls_why);

/* --- what connections share --- */

struct tls_ctx_conf {
	bool		server;
	struct sv	certs;		/* PEM: leaf, then its chain; empty: none */
	struct sv	key;		/* PEM, without pass phrase */
	struct sv	anchors;	/* PEM; server: who may sign clients; empty: any client */
};

struct tls_ctx;
/*
 * 0; -EINVAL when a file is bad (why says which); -ENOMEM; SE_CRYPTO. The PEM
 * is not needed afterwards. A context may be freed while connections live.
 */
int	 tls_ctx_new(const struct tls_ctx_conf *, struct tls_ctx **ret,
	    enum tls_why *ret_why) MUST_USE;
struct tls_ctx *tls_ctx_free(struct tls_ctx *);
DEFINE_CLEANUP(struct tls_ctx, tls_ctx_free)
/*
 * Servers: clients who ask for this name (SNI, letter case free) are shown
 * that certificate, right or wrong; all others the one of the context.
 */
int	 tls_ctx_add_name(struct tls_ctx *, struct sv name, struct sv certs, struct sv key,
	    enum tls_why *ret_why) MUST_USE;
/* When the own certificates (leaf and chain) are valid; TIME_NEVER: there are none. */
void	 tls_ctx_validity(const struct tls_ctx *, int64_t *ret_from, int64_t *ret_until);

/* --- one connection --- */

enum tls_state {
	TLS_HANDSHAKE,
	TLS_OPEN,
	TLS_ENDED,	/* the peer sends no more; we may still write */
	TLS_CLOSED,	/* both have said close_notify */
	TLS_FAILED
};

struct tls;
/*
 * Clients: name is whom we want, a DNS name (also sent as SNI) or an address;
 * servers: empty. now: the time at which certificates are judged.
 * NULL: no memory, or a name that is none.
 */
struct tls *tls_new(struct tls_ctx *, struct sv name, int64_t now);
struct tls *tls_free(struct tls *);
DEFINE_CLEANUP(struct tls, tls_free)

/* So many bytes can be fed now. */
size_t	 tls_room(const struct tls *);
/* How many bytes were taken; 0: read first (or it is over). */
size_t	 tls_feed(struct tls *, const void *, size_t n);
/* The transport ended. Without close_notify before it, that is TLS_WHY_TRUNCATED. */
void	 tls_feed_end(struct tls *);
/* Ciphertext to send; NULL and 0: nothing. Valid until the next call. */
struct sv tls_out(struct tls *);
/* So many of them are sent. */
void	 tls_sent(struct tls *, size_t n);

/* Plaintext: bytes, 0 at the peer's close_notify, -EAGAIN, SE_PEER when failed. */
long	 tls_read(struct tls *, void *, size_t n);
/* Plaintext may be waiting without anything more being fed. */
bool	 tls_pending(const struct tls *);
/*
 * How many were taken, at most TLS_WRITE_MAX at once; -EAGAIN: the handshake
 * is not done or tls_out() must be sent first, then offer the same bytes
 * again; SE_CLOSED after tls_close(); SE_PEER.
 */
long	 tls_write(struct tls *, const void *, size_t n);
/* Say close_notify: we send no more, the peer may. Needs room as tls_write(). */
int	 tls_close(struct tls *);

enum tls_state tls_state(const struct tls *);
enum tls_why tls_why(const struct tls *);
/* The library's words behind the reason, English, for logs; "" if none. */
const char *tls_detail(const struct tls *);
/* "TLSv1.3", and so on; "" before the handshake is done. */
const char *tls_version(const struct tls *);
/* What a client asked for by SNI; "" if it did not. */
const char *tls_sni(const struct tls *);

/* Does the peer's subjectAltName hold this DNS name or address? */
bool	 tls_peer_is(const struct tls *, struct sv name);
/* Its first dNSName or iPAddress as text, for logs (a stranger's: escape it); "" if none. */
const char *tls_peer_name(const struct tls *, char buf[static TLS_NAME_LEN]);
/* Until when the peer's certificate is valid; TIME_NEVER: it showed none. */
int64_t	 tls_peer_until(const struct tls *);

/* --- certificates for labs and tests: keys P-256, ECDSA with SHA-256 --- */

struct tls_plan {
	const char	*common_name;
	const char *const *names;	/* DNS names and addresses; up to NULL; may be NULL */
	bool		 is_ca;
	int64_t		 not_before, not_after;
};

struct tls_made;			/* a certificate and its key */
/* issuer NULL: signed by itself. -EINVAL: a name that is none; -ENOMEM; SE_CRYPTO. */
int	 tls_make(const struct tls_plan *, const struct tls_made *issuer,
	    struct tls_made **ret) MUST_USE;
struct tls_made *tls_made_free(struct tls_made *);
DEFINE_CLEANUP(struct tls_made, tls_made_free)
struct sv tls_made_cert(const struct tls_made *);	/* PEM */
struct sv tls_made_key(const struct tls_made *);	/* PEM, PKCS #8 */

#endif
