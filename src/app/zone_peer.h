/*
 * Name servers that a zone is exchanged with, as the configuration writes them:
 *
 *	192.0.2.1			port 53
 *	192.0.2.1:5353			with a port
 *	[2001:db8::1]:5353 key NAME	… and a TSIG key
 *
 * and who may ask, the key alone or an address alone or both at once:
 *
 *	192.0.2.0/24
 *	key NAME
 *	192.0.2.0/24 key NAME
 */
#ifndef APP_ZONE_PEER_H
#define APP_ZONE_PEER_H

#include "base/buf.h"
#include "base/ip.h"
#include "dns/dns.h"

#define ZONE_PEERS_MAX	32	/* in one list; a TLD has some dozen name servers */
#define ZONE_PEER_PORT	53

struct zone_peer {
	struct ip_prefix addr;		/* af 0: any (of who may ask) */
	uint16_t	 port;		/* 0 for who may ask */
	bool		 has_key;
	struct dname	 key;		/* lower case */
};

struct zone_peers {
	struct zone_peer *v;
	size_t		  n;
};

/* -EINVAL. */
int	 zone_peer_parse(struct sv, struct zone_peer *ret) MUST_USE;
int	 zone_asker_parse(struct sv, struct zone_peer *ret) MUST_USE;
/* The form that was read, in full. */
void	 zone_peer_print(struct buf *, const struct zone_peer *);
/* May this address, with this verified key (NULL: none), ask? Nobody is in an empty list. */
bool	 zone_peers_allow(const struct zone_peers *, const struct ip_prefix *host, const struct dname *key);

#endif
