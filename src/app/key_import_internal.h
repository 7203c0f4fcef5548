/* What is found (key_import.c), judged (key_import_judge.c) and written (key_import_write.c). */
#ifndef APP_KEY_IMPORT_INTERNAL_H
#define APP_KEY_IMPORT_INTERNAL_H

#include "app/key_import.h"
#include "base/pool.h"
#include "dnssec/dnssec.h"

struct key_import {
	struct pool		*pool;
	struct dname		 zone;
	int64_t			 now;
	struct keyring		*ring;		/* BIND's; NULL: none was read */
	bool			 refused;
	size_t			 n, n_priv, n_missing;
	struct import_key	 key[KEY_IMPORT_MAX];
	struct crypto_priv	*priv[KEY_IMPORT_MAX];	/* of PEM files */
};

#define IMPORT_SIGNERS_MAX	256
#define PATH_LEN_MAX		4700

/* Whose signatures the published zone has, by tag: the tag alone says little. */
struct import_signer {
	uint16_t	tag;
	uint8_t		alg;
	bool		keys, soa, others;	/* the DNSKEY set, the SOA record, anything else */
	int64_t		expires;		/* the last of the others */
};

struct import_published {
	size_t			 n, n_signers;
	struct sv		 rdata[KEYRING_KEYS_MAX];
	struct import_signer	 signer[IMPORT_SIGNERS_MAX];
};

/* A free place, its verdict "taken"; NULL: there is none, or no memory. */
struct import_key *import_key_add(struct key_import *, const char *from);
/* Has a key with a private half these DNSKEY data? */
bool	 import_key_found(const struct key_import *, struct sv rdata);
int	 import_bind_read(struct key_import *, const struct import_opts *, struct findings *) MUST_USE;
/* IMPORT_OPEN, where it is. */
void	 import_open_tell(struct key_import *, const char *path, struct findings *);
/* May nobody sign with it any more? */
bool	 import_alg_is_old(uint8_t);
/* 1: what it signs verifies with the record; 0: it does not. */
int	 import_key_probe(const struct crypto_priv *, struct sv rdata) MUST_USE;
/* Which are taken, who follows whom, and whether all of it may be. */
int	 import_judge(struct key_import *, const struct import_opts *, const struct import_published *,
	    struct findings *) MUST_USE;
/* An IMPORT_* finding's code: it is refused. */
const struct finding_def *import_refuse(struct key_import *, enum import_finding);

#endif
