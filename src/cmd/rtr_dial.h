/* How a command of `rtr` reaches a cache: TCP, TCP-MD5 or TLS; its options. */
#ifndef CMD_RTR_DIAL_H
#define CMD_RTR_DIAL_H

#include "app/link.h"
#include "base/buf.h"
#include "cmd/cmd.h"
#include "sys/net_tcp.h"

struct rtr_dial {
	bool		 tls;
	const char	*ca, *cert, *key, *name, *md5_file;
	struct tls_ctx	*ctx;
	struct tcp_secret secret;
};

/* Rows of a struct cmd_opt table. */
#define RTR_DIAL_OPTS							\
	{ "tls", 0, NULL, N_("speak TLS with the cache (RFC 8210 section 9.2)") },	\
	{ "ca", 0, "FILE", N_("the authorities that the cache's certificate must lead to, PEM (the system's)") }, \
	{ "cert", 0, "FILE", N_("the certificate to show to the cache, PEM") },	\
	{ "key", 0, "FILE", N_("its private key, PEM without pass phrase") },	\
	{ "name", 0, "NAME", N_("the DNS name that the cache's certificate must have (that of HOST)") }, \
	{ "md5-file", 0, "FILE", N_("sign with the TCP-MD5 secret in this file (RFC 2385)") }

/* Was it one of these options? Then it is kept. */
bool	 rtr_dial_opt(struct rtr_dial *, const char *name, const char *arg);
/* Read the files: enum exit_code, said why. */
int	 rtr_dial_ready(struct cmd_ctx *, struct rtr_dial *);
/* As link_dial(). */
int	 rtr_dial(const struct cmd_ctx *, const struct rtr_dial *, const char *address, int msec,
	    struct link *ret) MUST_USE;
void	 rtr_dial_done(struct rtr_dial *);
/* TLS failed, by more than an end without close_notify. */
bool	 rtr_dial_refused(const struct link *);
/* Why TLS failed, for people: "reason (detail)"; false: it did not. */
bool	 rtr_dial_why(const struct link *, enum lang, struct buf *ret);

#endif
