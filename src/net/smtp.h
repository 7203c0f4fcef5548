/*
 * net/smtp: messages to one SMTP server.
 *
 * What enters is a server's address, and messages one by one as room for them
 * is there; what leaves is what the server said to each. There are two uses:
 *
 *	plain		mail of our own to our mail server: the connection is ours
 *	else		a lab: mail from all over the world is played by one program on this
 *			machine, each message from a client's address of its own
 *
 * THE ADDRESS (lab). The server has to take the client's from a PROXY line (version 1
 * of the HAProxy protocol: "PROXY TCP4 192.0.2.1 127.0.0.1 33000 25"), as
 * Postfix does with smtpd_upstream_proxy_protocol=haproxy. libcurl would put the real
 * addresses there, so the socket is made, connected and begun here, and handed
 * over as one that is connected.
 *
 * CONNECTIONS are kept and used again, only for the same client and HELO: a
 * server judges them. libcurl knows connections by the host's name, so
 * each (client, HELO) has a name of its own, which nobody looks up: all lead to
 * the one address. A server has one process for each connection; no
 * more are open than messages may be under way.
 *
 * LOOPBACK ONLY, unless the caller says otherwise, or it is plain: what a lab
 * sends is forged.
 *
 * Not here: TLS, authentication, a queue. What could not be sent is told, and
 * not tried again.
 */
#ifndef NET_SMTP_H
#define NET_SMTP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/ip.h"
#include "base/sv.h"
#include "base/util.h"

#define SMTP_TO_MAX	16	/* recipients of a message */
#define SMTP_REPLY_MAX	512	/* octets of a reply's line: RFC 5321 section 4.5.3.1.5 */

struct smtp_conf {
	const char	*server;	/* "127.0.0.1:2525"; plain: a name, too ("mail.example.net:25") */
	bool		 plain;		/* as who we are: .client is of no meaning */
	bool		 anywhere;	/* it may be another machine */
	unsigned	 parallel;	/* messages under way at a time */
	uint32_t	 rate;		/* messages a second at most; 0: as fast as it goes */
	uint32_t	 timeout_sec;	/* of one message */
};

/* Texts stay the caller's, until done() was called for it. */
struct smtp_mail {
	struct ip_prefix client;	/* a host */
	const char	*helo, *sender;	/* sender "": the null sender */
	const char	*to[SMTP_TO_MAX];
	size_t		 n_to;
	struct sv	 text;		/* lines end in CRLF */
	uint64_t	 id;		/* the caller's */
};

/* How far it came. */
enum smtp_stage {
	SMTP_SILENT,			/* the server said nothing, or was not there */
	SMTP_HELLO,			/* it greeted, or was greeted */
	SMTP_SENDER,			/* MAIL FROM */
	SMTP_RECIPIENT,			/* RCPT TO: the address is what is judged */
	SMTP_TEXT,
};

struct smtp_result {
	unsigned	 reply;		/* 250, 550 …; 0: there was none */
	struct sv	 text;		/* the line with it, or why there was none */
	bool		 accepted;
	enum smtp_stage	 stage;		/* of what was answered last */
	int64_t		 usec;		/* from its turn to the reply */
};

struct smtp_calls {
	/*
	 * The next message; false: there are no more. way: which of conf.parallel, from 0, takes it:
	 * messages of one client one after the other on one way share a connection.
	 */
	bool	(*next)(void *arg, unsigned way, struct smtp_mail *ret);
	void	(*done)(void *arg, const struct smtp_mail *, const struct smtp_result *);
	void	*arg;
};

/*
 * All of them; blocks. 0; -EINVAL: no address; -EPERM: not on this machine; -ENOMEM. What
 * becomes of each message is told by done().
 */
int	 smtp_run(const struct smtp_conf *, const struct smtp_calls *) MUST_USE;

#endif
