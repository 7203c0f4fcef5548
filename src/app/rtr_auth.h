/*
 * What authenticates RTR connections, read from files: TLS certificates, keys
 * and anchors (PEM), and the secrets of RFC 2385. Everything is read and
 * judged before anything is used, so that a reload with a wrong file changes
 * nothing; each failure is one line in `err`: which file, what is wrong.
 *
 * Files, not values: a secret in a configuration ends up in tickets. The
 * caller reads them before its sandbox closes, or for one that is closed.
 */
#ifndef APP_RTR_AUTH_H
#define APP_RTR_AUTH_H

#include "base/buf.h"
#include "base/ip.h"
#include "base/tr.h"
#include "crypto/tls.h"
#include "sys/net_tcp.h"

/* What fits the frame to the rtr role; a chain of four is 6 kB. */
#define RTR_CERT_FILE_MAX	16000
#define RTR_KEY_FILE_MAX	8000
#define RTR_CA_FILE_MAX		16000

/* Paths; NULL or "": none. */
struct rtr_tls_files {
	const char	*cert, *key, *ca;
	size_t		 ca_max;	/* 0: RTR_CA_FILE_MAX */
	bool		 server;
};

/* Their contents. */
struct rtr_tls_pems {
	struct buf	cert, key, ca;
};

void	 rtr_tls_pems_done(struct rtr_tls_pems *);	/* wipes the key */
/*
 * Read, make a context, and see that our own certificate is valid at `now`.
 * ret_pems may be NULL. Negative: *err has the line.
 */
int	 rtr_tls_load(const struct rtr_tls_files *, int64_t now, enum lang,
	    struct rtr_tls_pems *ret_pems, struct tls_ctx **ret, struct buf *err) MUST_USE;

/* "192.0.2.1 /etc/sekisho/md5/edge1": an address or a prefix, and a file. */
int	 rtr_secret_parse(struct sv text, enum lang, struct tcp_secret *ret,
	    struct buf *err) MUST_USE;
/* The file alone; its last line end does not count. */
int	 rtr_secret_read(const char *path, enum lang, struct tcp_secret *ret,
	    struct buf *err) MUST_USE;
void	 rtr_secret_done(struct tcp_secret *);

#endif
