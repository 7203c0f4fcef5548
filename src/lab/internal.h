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
	LAB_TAK,		/* a trust anchor's keys (RFC 9691) */
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

#define LAB_STEP_NEVER	UINT32_MAX
#define LAB_ROUTER_SPKI_LEN 91	/* RFC 8608 section 3: P-256 and no other */
#define LAB_EXTRA_LEN	16	/* "x0000001.roa" */

/* A host that publishes: https://HOST/rrdp/, rsync://HOST/repo/. */
struct lab_server {
	const char		*host;
	size_t			 index;
	bool			 named;		/* by "server": its CAs say rpkiNotify */
	const char		*notify;	/* that URI */
	struct lab_ca		**cas;		/* after lab_begin(), in the world's order */
	size_t			 n_cas;
	struct lab_server	*next;
	/* publish.c: its RRDP state */
	uint64_t		 serial;	/* 0: nothing published yet */
	uint64_t		 n_bytes;	/* of the newest snapshot */
	uint8_t			 snapshot_hash[SHA256_LEN];
	struct lab_delta	*deltas;	/* newest first */
};

struct lab_delta {
	uint64_t		 serial;
	uint8_t			 hash[SHA256_LEN];
	struct lab_delta	*next;
};

/* What a TAK says; its other keys are those of other trust anchors here. */
enum {
	LAB_TAK_CURRENT,
	LAB_TAK_PREDECESSOR,
	LAB_TAK_SUCCESSOR,
	LAB_TAK_KEYS,
};

struct lab_tak {
	struct sv		 word[LAB_TAK_KEYS];	/* their names in the text */
	unsigned		 line;
	const struct lab_ca	*ta[LAB_TAK_KEYS];	/* NULL: no such key */
	struct tak_key_spec	 key[LAB_TAK_KEYS];	/* the plan */
	struct tak_spec		 spec;
};

struct lab_obj {
	enum lab_kind		 kind;
	uint32_t		 from, until;	/* steps: lives in [from, until) */
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
	struct lab_tak		*tak;		/* of a TAK only */
	struct lab_res		 res;		/* of the certificate */

	/* keys: its own (CA or EE) and the one that signs the certificate */
	unsigned		 odd_bits;	/* != 0: a key outside the profile */
	uint32_t		 odd_e;
	struct lab_obj		*same_key;	/* use the key of this one */
	struct crypto_signer	*own_key;	/* owned */
	const struct crypto_signer *key;
	const struct crypto_signer *cert_signer, *cms_signer;
	uint32_t		 key_no;	/* in the pool; no two objects share one */
	uint32_t		 born;		/* the step that made it as it is */
	uint8_t			 ski[SHA1_LEN];
	uint8_t			 serial[8];
	struct sv		 router_spki;	/* ROUTER: its key; empty: a known one */

	/* names; of EE objects only while their batch is made */
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
	const char		(*extra)[LAB_EXTRA_LEN];	/* names on the manifest, no files */
	size_t			 n_extra;
	bool			 hidden;	/* not published */
	bool			 unlisted;	/* not on the manifest */
	bool			 listed_twice;
	bool			 hash_wrong;
	const char		*listed_as;	/* other name on the manifest */
	bool			 digest_wrong;	/* message-digest attribute */
	bool			 faulty;	/* some fault sits here */

	/* the work of one step */
	bool			 dirty;		/* to be made (again) */
	bool			 in_batch;	/* … now */
	bool			 planned;	/* once at least: res_said holds */
	struct lab_res		 res_said;	/* of a faulty one: res before the fault */
	uint8_t			*bytes;		/* heap: the file, until it is written */
	size_t			 n_bytes;
	uint8_t			 hash[SHA256_LEN];
	int			 rc;

	/* publish.c: where it lies in its server's newest snapshot */
	bool			 published;
	uint8_t			 published_hash[SHA256_LEN];
	uint64_t		 at, at_len;
};

/* A certificate that a CRL lists because a step replaced or withdrew it. */
struct lab_gone {
	uint8_t			 serial[8];
	int64_t			 when;
	struct lab_gone		*next;
};

struct lab_ca {
	const char	*name;
	struct sv	 word;		/* the name in the text: outlives the world */
	struct lab_ca	*parent, *next;		/* next: in order of the text */
	struct lab_obj	*cert, *crl, *mft;
	struct lab_obj	*objs, **tail;		/* all published here, mft too */
	size_t		 n_objs;
	unsigned	 depth;
	uint32_t	 n_children;	/* certificates of CAs that publish nothing */
	bool		 children_apart;	/* each says another host */
	bool		 registry;	/* internet.c: holds blocks */
	int64_t		 valid[2], crl_time[2], mft_time[2];
	uint64_t	 number;
	const char	*notify;	/* "": none, even with a server */
	struct lab_server *server;	/* NULL before lab_begin(): the parent's */
	bool		 touched;	/* this step reissues manifest and CRL */
	uint32_t	 issued;	/* the step that issued them last */
	struct lab_gone	*gone;
	size_t		 n_gone;
	const char	*cn, *repo;
	struct crl_item *revoked;
	size_t		 n_revoked;
	struct sv	 tal_spki;	/* the key that the TAL names */
	const char	*uris[2];	/* of a TA's certificate, as in the TAL */
	size_t		 n_uris;
};

struct lab_planted {
	const struct lab_fault	*fault;
	struct sv		 at;
	unsigned		 line;
	uint32_t		 from, until;
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
	struct lab_server	*servers, **servers_tail;
	size_t			 n_servers;
	struct lab_ca		*cas, **cas_tail;
	size_t			 n_cas;
	struct lab_planted	*faults, **faults_tail;
	struct lab_obj		**objs;		/* all, after lab_begin() */
	size_t			 n_objs;
	struct crypto_primes	*primes;
	size_t			 n_primes;	/* made so far */
	uint32_t		 n_keys;	/* key numbers given out */

	/* time: step 0 is the world as it was described */
	uint32_t		 step, n_steps, churn;	/* churn: per mille of the ROAs */
	int64_t			 every;		/* seconds from step to step */
	/* names and plans of one batch; the world's own pool if all is kept */
	struct pool		*scratch;
	bool			 begun;
	const char		*dir;		/* of lab_servers_write(): the bytes are there */
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
struct lab_world *lab_world_new(const struct lab_opts *);
struct lab_server *lab_server_get(struct lab_world *, struct sv host);
bool	 lab_label_ok(struct sv, bool dots);
struct lab_ca *lab_ca_new(struct lab_world *, struct lab_ca *parent, const char *name);
struct lab_obj *lab_obj_new(struct lab_world *, struct lab_ca *, enum lab_kind);
/* With the trust anchor's own key as the current one, wherever it is published. */
struct lab_obj *lab_tak_new(struct lab_world *, struct lab_ca *);
int	 lab_edits_add(struct lab_world *, struct lab_obj *, const struct lab_edit *);
int	 lab_res_word(struct pool *, struct lab_res *, struct sv word) MUST_USE;
int	 lab_res_prefix(struct pool *, struct lab_res *, const struct ip_prefix *) MUST_USE;
int	 lab_res_as(struct pool *, struct lab_res *, uint32_t min, uint32_t max) MUST_USE;
int	 lab_res_copy(struct pool *, const struct lab_res *, struct lab_res *ret) MUST_USE;
void	 lab_res_merge(struct lab_res *);
struct write_res lab_res_get(const struct lab_res *, const struct lab_ca *issuer);
/* 8 bytes from (seed, what, n); the first is in 1..127. */
void	 lab_serial(const struct lab_world *, const char *what, uint64_t n, uint8_t ret[static 8]);
/* The same as a number below n. */
uint64_t lab_random(const struct lab_world *, const char *what, uint64_t i, uint64_t n);
/* RFC 9582 section 4.3.3: family, address, length, maximum length. */
int	 lab_roa_entry_cmp(const void *, const void *);

static inline bool
lab_alive(const struct lab_world *w, const struct lab_obj *o)
{
	return o->from <= w->step && w->step < o->until;
}

static inline int64_t
lab_time(const struct lab_world *w, uint32_t step)
{
	return w->now + (int64_t)step * w->every;
}

/* plan.c: names and keys, then the values of every object */
int	 lab_ca_names(struct lab_world *, struct lab_ca *) MUST_USE;
/* Into the scratch pool, or for CER, CRL and MFT into the world's. */
int	 lab_obj_names(struct lab_world *, struct lab_obj *) MUST_USE;
int	 lab_obj_key(struct lab_world *, struct lab_obj *) MUST_USE;
int	 lab_obj_label(struct lab_world *, struct lab_obj *) MUST_USE;
int	 lab_plan_obj(struct lab_world *, struct lab_obj *) MUST_USE;
/* Those of one object again, after a fault changed what it says. */
void	 lab_plan_res(struct lab_obj *);

/* edit.c: apply the object's edits of this stage; bytes are heap, replaced. */
int	 lab_edit(const struct lab_edits *, enum lab_stage, uint8_t **bytes, size_t *n) MUST_USE;

/* make.c: bytes from the plan, for those that are dirty; manifests last */
int	 lab_make(struct lab_world *, struct lab_obj **v, size_t n) MUST_USE;

/* fault.c */
int	 lab_fault_add_steps(struct lab_world *, struct sv name, struct sv at, uint32_t from,
	    uint32_t until, struct lab_error *) MUST_USE;
int	 lab_faults_shape(struct lab_world *, struct lab_error *) MUST_USE;
/* Change plans of the dirty objects in which a fault sits at this step. */
int	 lab_faults_plan(struct lab_world *, struct lab_error *) MUST_USE;
int	 lab_make_error(const struct lab_world *, struct lab_error *, int rc);
int	 lab_refuse(struct lab_error *, const struct lab_planted *, const char *msg);
bool	 lab_fault_holds(const struct lab_world *, const struct lab_planted *);

/* batch.c: some CAs with all that they publish, made together */
struct lab_batch {
	struct lab_obj	**v;		/* of each CA: manifest, CRL, the rest */
	size_t		 n, cap;
};
void	 lab_batch_done(struct lab_batch *);
int	 lab_batch_add(struct lab_batch *, struct lab_obj *) MUST_USE;
int	 lab_batch_ca(struct lab_batch *, struct lab_ca *) MUST_USE;
/* Names for all, keys, plans and bytes for the dirty ones. */
int	 lab_batch_make(struct lab_world *, struct lab_batch *, struct lab_error *) MUST_USE;
/* Forget what was made: bytes, EE keys, the scratch pool. */
void	 lab_batch_drop(struct lab_world *, struct lab_batch *);
/* Shape, keys of the CAs, their names and plans; the servers' lists. */
int	 lab_begin(struct lab_world *, struct lab_error *) MUST_USE;

/* world.c: certificates for "children" */
int	 lab_children(struct lab_world *) MUST_USE;

/* step.c: what the next step changes; marks CAs touched and objects dirty */
int	 lab_step_next(struct lab_world *) MUST_USE;

/* vrpfile.c: bytes of a list, plain or packed */
int	 lab_list_read(struct sv data, struct payloads *ret, uint64_t *ret_line,
	    uint64_t *ret_bad) MUST_USE;

/* out.c */
void	 lab_session_write(const struct lab_world *, const struct lab_server *, struct buf *);
void	 lab_b64_line(struct buf *, struct sv);

/* publish.c: every object of the newest step, but the trust anchors' certificates */
typedef int (*lab_object_fn)(void *arg, struct sv uri, struct sv b64);
int	 lab_servers_each(const struct lab_world *, lab_object_fn, void *arg) MUST_USE;
int	 lab_servers_tree(const struct lab_world *, const char *dir) MUST_USE;

#endif
