/* The model that the files of lab/ share. */
#ifndef LAB_INTERNAL_H
#define LAB_INTERNAL_H

#include <stdatomic.h>

#include "crypto/crypto.h"
#include "lab/lab.h"
#include "lab/limits.h"
#include "rpki/write.h"

enum lab_kind {
	LAB_CER,		/* a CA's certificate, published by its parent */
	LAB_CRL,
	LAB_MFT,
	LAB_ROA,
	LAB_ASPA,
	LAB_GBR,
	LAB_ROUTER,		/* a BGPsec router's certificate (RFC 8209) */
	LAB_FILE,		/* any bytes under a name of the text's choice */
	LAB_TA,			/* as a fault's place only: a TA's certificate */
	LAB_KIND_MAX
};

/* Ranges as they are named; lab_res_merge() makes them canonical. */
struct lab_res {
	struct write_ip_range	*ip[2];
	struct write_as_range	*as;
	size_t			 n_ip[2], cap_ip[2], n_as, cap_as;
	bool			 inherit;
};

/* When bytes are edited: before they are hashed and signed, or after. */
enum lab_stage {
	LAB_AT_TBS,		/* TBSCertificate, TBSCertList */
	LAB_AT_CONTENT,		/* eContent */
	LAB_AT_ATTRS,		/* signed attributes */
	LAB_AT_EE_TBS,		/* TBSCertificate of a signed object's key */
	LAB_AT_EE,		/* that certificate, signed */
	LAB_AT_OBJECT,		/* the whole file */
};

enum lab_op {
	LAB_OP_NONE,		/* ends a list */
	LAB_DROP,		/* delete the element */
	LAB_TWICE,		/* repeat it */
	LAB_SWAP,		/* exchange it with the next */
	LAB_TAG,		/* arg: its new tag */
	LAB_VALUE,		/* arg: its new content */
	LAB_REPLACE,		/* arg: TLVs instead of it */
	LAB_BEFORE,		/* arg: TLVs before it */
	LAB_APPEND,		/* arg: TLVs as its last members */
	LAB_PAD,		/* a zero octet at the head of its content */
	LAB_FLIP,		/* the last bit of its content */
	LAB_LONG,		/* one length octet more than needed */
	LAB_INDEFINITE,		/* BER's indefinite length */
	LAB_TAIL,		/* arg: bytes behind the whole */
	LAB_CUT,		/* the last byte of the whole is missing */
};

struct lab_edit {
	enum lab_stage	 stage;
	enum lab_op	 op;
	const char	*path;		/* see edit.c */
	const char	*arg;		/* hex digits */
};

struct lab_edits {
	const struct lab_edit	*e;
	struct lab_edits	*next;
};

struct lab_ca;

struct lab_obj {
	enum lab_kind		 kind;
	const char		*label;		/* NULL: none given */
	struct lab_ca		*ca;		/* the publisher; NULL: a TA's certificate */
	struct lab_ca		*subject;	/* LAB_CER: whose certificate it is */
	struct lab_obj		*next;		/* in the CA's list */
	size_t			 index;		/* in world.objs */

	/* what it says */
	uint32_t		 asn;		/* ROA, ASPA customer */
	struct roa_entry	*pfx;
	size_t			 n_pfx;
	uint32_t		*providers;
	size_t			 n_providers;
	struct lab_res		 res;		/* of the certificate */

	/* keys: its own (CA or EE) and the one that signs the certificate */
	unsigned		 odd_bits;	/* != 0: a key outside the profile */
	uint32_t		 odd_e;
	struct lab_obj		*same_key;	/* use the key of this one */
	struct crypto_signer	*own_key;	/* owned */
	const struct crypto_signer *key;
	const struct crypto_signer *cert_signer, *cms_signer;
	uint8_t			 ski[SHA1_LEN];
	uint8_t			 serial[8];

	/* names */
	const char		*file, *uri;

	/* the plan */
	struct cert_spec	 cert;		/* CER, or the EE certificate */
	struct crl_spec		 crl;
	struct mft_spec		 mft;
	struct roa_spec		 roa;
	struct aspa_spec	 aspa;
	const char		*ctype;		/* eContentType */
	const char		*attr_ctype;	/* content-type attribute */
	int64_t			 signing_time;
	struct lab_edits	*edits;
	size_t			 filler;	/* bytes of padding in a huge object */
	bool			 hidden;	/* not published */
	bool			 unlisted;	/* not on the manifest */
	bool			 listed_twice;
	bool			 hash_wrong;
	const char		*listed_as;	/* other name on the manifest */
	bool			 digest_wrong;	/* message-digest attribute */
	bool			 faulty;	/* some fault sits here */

	uint8_t			*bytes;		/* heap: the file */
	size_t			 n_bytes;
	int			 rc;
};

struct lab_ca {
	const char	*name;
	struct sv	 word;		/* the name in the text: outlives the world */
	struct lab_ca	*parent, *next;		/* next: in order of the text */
	struct lab_obj	*cert, *crl, *mft;
	struct lab_obj	*objs, **tail;		/* all published here, mft too */
	size_t		 n_objs;
	unsigned	 depth;
	int64_t		 valid[2], crl_time[2], mft_time[2];
	uint64_t	 number;
	const char	*notify;
	const char	*cn, *repo;
	struct crl_item *revoked;
	size_t		 n_revoked;
	struct sv	 tal_spki;	/* the key that the TAL names */
};

struct lab_planted {
	const struct lab_fault	*fault;
	struct sv		 at;
	unsigned		 line;
	struct lab_ca		*ca;
	struct lab_obj		*obj;
	struct lab_planted	*next;
};

struct lab_world {
	struct pool		*pool;
	struct sv		 text;
	struct lab_opts		 opts;
	int64_t			 now;
	uint64_t		 seed;
	const char		*host;
	struct lab_ca		*cas, **cas_tail;
	size_t			 n_cas;
	struct lab_planted	*faults, **faults_tail;
	struct lab_obj		**objs;		/* all, after lab_build() began */
	size_t			 n_objs;
	struct crypto_primes	*primes;
	atomic_size_t		 n_made;	/* for the progress line */
};

/* A fault: see lab.h. shape and plan return 0 or -Exxx; either may be NULL. */
struct lab_fault {
	const char		*name;
	const char		*text;
	const char		*code;		/* NULL: none, it has to be ignored */
	enum lab_kind		 kind;		/* of the object it sits in */
	int			(*shape)(struct lab_world *, struct lab_planted *);
	int			(*plan)(struct lab_world *, struct lab_planted *);
	struct lab_edit		 edits[3];
};
/* faults.c: the table. */
extern const struct lab_fault lab_faults[];
extern const size_t lab_n_fault_rows;
const char *lab_kind_name(enum lab_kind);

/* world.c */
struct lab_ca *lab_ca_new(struct lab_world *, struct lab_ca *parent, const char *name);
struct lab_obj *lab_obj_new(struct lab_world *, struct lab_ca *, enum lab_kind);
int	 lab_edits_add(struct lab_world *, struct lab_obj *, const struct lab_edit *);
int	 lab_res_word(struct pool *, struct lab_res *, struct sv word) MUST_USE;
int	 lab_res_prefix(struct pool *, struct lab_res *, const struct ip_prefix *) MUST_USE;
int	 lab_res_as(struct pool *, struct lab_res *, uint32_t min, uint32_t max) MUST_USE;
void	 lab_res_merge(struct lab_res *);
struct write_res lab_res_get(const struct lab_res *, const struct lab_ca *issuer);
/* 8 bytes from (seed, what, n); the first is in 1..127. */
void	 lab_serial(const struct lab_world *, const char *what, uint64_t n, uint8_t ret[static 8]);

/* plan.c: keys and names, then the values of every object */
int	 lab_keys(struct lab_world *) MUST_USE;
int	 lab_plan(struct lab_world *) MUST_USE;
/* Those of one object again, after a fault changed what it says. */
void	 lab_plan_res(struct lab_obj *);

/* edit.c: apply the object's edits of this stage; bytes are heap, replaced. */
int	 lab_edit(const struct lab_edits *, enum lab_stage, uint8_t **bytes, size_t *n) MUST_USE;

/* make.c: bytes from the plan */
int	 lab_make(struct lab_world *) MUST_USE;

#endif
