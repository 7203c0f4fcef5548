/*
 * dns.pkcs11 in the configuration: the token that holds keys of zones. Rules
 * between its options, and all of them for the role that opens it.
 */
#ifndef APP_TOKEN_CONF_H
#define APP_TOKEN_CONF_H

#include "app/conf.h"

enum token_connect {
	TOKEN_CONNECT_NO,
	TOKEN_CONNECT_NETWORK,	/* IP sockets: an HSM in a network */
	TOKEN_CONNECT_LOCAL	/* Unix sockets: pcscd, a daemon of the maker */
};

struct token_conf {
	struct sv	 module, token, pin_file;	/* module empty: there is no token */
	uint32_t	 sessions, timeout_sec, connect;
	struct buf	 read, write, environment;	/* one a line */
	uint64_t	 stamp;		/* other than before: the module or the PIN file has changed */
};

/* SE_SYNTAX and others, *err says where. */
int	 token_conf_check(const struct conf *, struct conf_error *err) MUST_USE;
void	 token_conf_read(const struct conf *, struct token_conf *ret);
void	 token_conf_done(struct token_conf *);

#endif
