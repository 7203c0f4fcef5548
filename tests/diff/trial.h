/*
 * A trial: one signature that is given to the door (crypto/verify.h) and to
 * the oracle, and what the oracle said of it.
 *
 * Answers are always asked of the oracle, never known by construction: a
 * generator says of a trial only what it hopes for (.hope), and the end of a
 * run shows whether each kind came out as hoped.
 */
#ifndef TESTS_DIFF_TRIAL_H
#define TESTS_DIFF_TRIAL_H

#include <stdbool.h>
#include <stdint.h>

#include "chance.h"
#include "crypto/verify.h"
#include "oracle.h"

#define SIG_MAX		520	/* octets: more than the longest, which is a fault, too */
#define TBS_MAX		72
#define MODULUS_MAX	512

/* A key as both know it; kept as long as the run. */
struct trial_key {
	uint8_t			 alg;
	struct crypto_pub	*pub;
	struct oracle		*oracle;
};

enum hope {
	HOPE_NO,
	HOPE_YES,
	HOPE_NONE		/* either may come */
};

struct trial {
	const char		*kind;
	enum hope		 hope;
	uint8_t			 alg;
	const struct trial_key	*key;		/* or NULL: RSA with a fresh modulus: */
	uint8_t			 modulus[MODULUS_MAX];
	size_t			 modulus_n;
	uint32_t		 exponent;
	struct oracle		*oracle;	/* of a known modulus; NULL: made for this one */
	uint8_t			 tbs[TBS_MAX];
	size_t			 tbs_n;
	uint8_t			 sig[SIG_MAX];
	size_t			 sig_n;
	bool			 asked;
	bool			 want;		/* the oracle's answer */
};

static inline struct sv
trial_sv(const void *p, size_t n)
{
	return (struct sv){ (const char *)p, n };
}

/* A DNSKEY's field for both; false: the door refuses it (then so must the oracle). */
bool	 trial_key_init(struct trial_key *, uint8_t alg, struct sv field);
void	 trial_key_done(struct trial_key *);
/* Once. */
void	 trial_ask(struct trial *);
/* All of it, for who looks for the fault. */
void	 trial_print(const struct trial *);

/* --- generators --- */

#define BATCH_MAX	1100	/* more than two slices of verify.c */

/* One algorithm's trials. */
struct source {
	const char	*name;
	/* These ways do the same: the second one gets the edges and a part of chance. */
	bool		 generic_is_tables;
	/* Keys, from this chance; small: few, for a minute's run. */
	void		*(*init)(struct chance *, bool small);
	void		 (*done)(void *);
	/* NULL, or: octets that are no keys; how often the door and OpenSSL disagree. */
	unsigned	 (*keys)(void *, struct chance *);
	/* The edges: 0 when there are no more batches, else how many trials this one has. */
	size_t		 (*edge)(void *, size_t batch, struct trial t[static BATCH_MAX]);
	/* n of them, asked. */
	void		 (*fill)(void *, struct chance *, struct trial *, size_t n);
};

extern const struct source source_rsa, source_p256;

/* Trials of other algorithms, that stand between; answers are asked once. */
struct others;
struct others	*others_new(void);
struct others	*others_free(struct others *);
void		 others_pick(struct others *, struct chance *, struct trial *);

#endif
