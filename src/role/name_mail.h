/*
 * The record of a key of mail, as all servers of its zone give it. A look at one goes as a round
 * at a zone does (role/name_role.h), by the zone's side alone:
 *
 *	zone	SOA questions to the resolver, upwards from "_domainkey"
 *	names	its NS, from the resolver; A and AAAA of each
 *	ask	each address, by TCP, without recursion: for the record, and for the SOA, whose
 *		MINIMUM says how long it may be remembered that there was none
 *
 * Who is silent may have anything: only what every server gave is seen. An address of a family
 * without a route counts for nothing if the same server answered at another one.
 */
#ifndef ROLE_NAME_MAIL_H
#define ROLE_NAME_MAIL_H

#include "role/name_role.h"

#define KEY_NAMES_MAX		20	/* NS records of a zone; 13 are common */
#define KEY_SERVERS_MAX		60	/* their addresses */
#define KEY_LOOK_SEC		40
#define KEY_POOL_MAX		((size_t)1 << 20)

enum key_at {
	KEY_AT_SILENT,
	KEY_AT_HAS,
	KEY_AT_OTHER		/* none, or another record */
};

struct key_ns {
	struct dname	 name;
	enum look_phase	 family[2];	/* A, AAAA */
};

struct key_server {
	size_t		 ns;
	struct ip_prefix addr;
	enum look_phase	 phase;
	bool		 no_route;
	unsigned	 step, tries;
	enum key_at	 at;
	const char	*why;		/* a msgid; NULL: it has it */
	uint32_t	 ttl;		/* how long another answer may be remembered */
};

enum key_what {
	KEY_ZONE,
	KEY_NS,
	KEY_ADDR,
	KEY_SERVER
};

struct key_ask {
	struct key_look		*look;
	bool			 busy;
	enum key_what		 what;
	size_t			 index;
	enum look_phase		*phase;
	struct stub		 stub;
	struct dnsask_talk	*talk;		/* KEY_SERVER */
	uint16_t		 id;
};

struct key_look {
	struct name_role	*nr;
	size_t			 place;		/* among nr->keys */
	struct pool		*pool;		/* of the record */
	struct loop_timer	*deadline;
	struct dname		 name, zone;
	struct sv		 record;
	enum look_phase		 found, ns;
	bool			 late, overflow;
	size_t			 n_names, n_servers;
	struct key_ns		 names[KEY_NAMES_MAX];
	struct key_server	 servers[KEY_SERVERS_MAX];
	struct key_ask		 asks[NAME_KEY_ASKS_MAX];
};

/* Start what can be started; at the end tells seal. */
void	 key_look_pump(struct key_look *);
/* name_mail_talk.c */
void	 key_server_ask(struct key_ask *);

#endif
