/* What the files of hsm/ share. */
#ifndef HSM_INTERNAL_H
#define HSM_INTERNAL_H

#include <p11-kit/p11-kit.h>
#include <p11-kit/pkcs11.h>
#include <p11-kit/uri.h>
#include <pthread.h>
#include <sys/types.h>

#include "base/rd.h"
#include "hsm/hsm.h"
#include "hsm/limits.h"

#define CK_TRUE_	((CK_BBOOL)1)
#define CK_FALSE_	((CK_BBOOL)0)

/* Answers of our own among those of tokens; no token gives these. */
#define HSM_RV_KEY_ABSENT	((CK_RV)-1)
#define HSM_RV_KEY_MANY		((CK_RV)-2)
#define HSM_RV_KEY_KIND		((CK_RV)-3)
#define HSM_RV_NO_MEMORY	((CK_RV)-4)
#define HSM_RV_LIMIT		((CK_RV)-5)
#define HSM_RV_BUSY		((CK_RV)-6)
#define HSM_RV_TOKEN_ABSENT	((CK_RV)-7)
#define HSM_RV_TOKEN_MANY	((CK_RV)-8)
#define HSM_RV_NONSENSE		((CK_RV)-9)
#define HSM_RV_UNOPENED		((CK_RV)-10)	/* apart: the module, or its PIN file */
#define HSM_RV_CRASHED		((CK_RV)-11)
#define HSM_RV_HUNG		((CK_RV)-12)

/* --- error.c: what an answer means --- */

enum hsm_retry {
	RETRY_NEVER,
	RETRY_SESSION,		/* with a new session: logged in, its key found again */
	RETRY_TOKEN,		/* after finding the token again */
	RETRY_MODULE,		/* after starting the module again */
};
struct hsm_error {
	CK_RV		 rv;
	const char	*name;
	enum hsm_retry	 retry;
	int		 rc;
	enum hsm_finding code;
};
/* Never NULL: one that is not known is a refusal. */
const struct hsm_error *hsm_error_find(CK_RV);

/* --- kind.c --- */

struct hsm_kind_row {
	CK_KEY_TYPE		 type;
	CK_MECHANISM_TYPE	 generate, sign;
	const char		*params, *params2;	/* CKA_EC_PARAMS: an OID, and a name */
	CK_ULONG		 params_len, params2_len;
};
const struct hsm_kind_row *hsm_kind_row(enum hsm_kind);
/* HSM_KIND_MAX: none of ours. */
enum hsm_kind hsm_kind_find(CK_KEY_TYPE, struct sv params);

/* --- the token --- */

struct hsm_session {
	CK_SESSION_HANDLE	 handle;
	bool			 is_open, is_in, is_busy;
	uint64_t		 gen;		/* object handles of another one are void */
};

struct hsm_pin {
	bool			 is_given;
	size_t			 len;
	unsigned char		 p[HSM_PIN_MAX + 1];
};

struct hsm_apart;

struct hsm {
	struct hsm_apart	*apart;		/* NULL: the module is in this process */
	char			*path;		/* of the module, symbolic links resolved */
	CK_FUNCTION_LIST	*f;
	bool			 is_started;	/* C_Initialize was ours */
	pid_t			 pid;
	P11KitUri		*uri;
	char			*uri_text;
	struct hsm_pin		 pin;
	void			(*pause)(void *arg, unsigned msec);
	void			*pause_arg;
	unsigned		 n_sessions, wait_msec;

	pthread_mutex_t		 lock;		/* what follows */
	pthread_cond_t		 freed;
	struct hsm_session	 session[HSM_SESSIONS_MAX];
	uint64_t		 gen, n_logins;
	CK_SLOT_ID		 slot;
	bool			 is_slot_known, is_lost, is_seen;
	size_t			 n_fit, n_tokens;	/* when it was looked for last */
	unsigned char		 serial[16], label[32];	/* of the token that was found first */
	CK_RV			 trouble;	/* CKR_OK: the last call worked */
	struct hsm_key_info	 trouble_key;	/* id and label in the two below */
	char			 trouble_id[HSM_ID_MAX], trouble_label[HSM_LABEL_MAX];

	pthread_mutex_t		 login;		/* one at a time, so that a bad PIN is tried once */
	CK_RV			 refused;	/* CKR_OK, or what the token said of the PIN */
};

/* --- open.c, module.c --- */

/* Only root can replace it? Told if not. *ret_path is on the heap. */
bool	 hsm_module_check(const char *path, struct findings *, char **ret_path);
/* hsm_open() without that check. */
int	 hsm_open_path(const struct hsm_opts *, const char *path, struct findings *,
	    struct hsm **ret) MUST_USE;
CK_RV	 hsm_module_start(struct hsm *);
/* C_Finalize and C_Initialize, if no other session is in a call. */
void	 hsm_module_restart(struct hsm *, const struct hsm_session *);
/* The number of tokens that fit, and of all; the slot is that of the last that fits. */
CK_RV	 hsm_slot_find(struct hsm *, CK_SLOT_ID *ret, CK_TOKEN_INFO *ret_info, size_t *ret_fit,
	    size_t *ret_n);
/* This is our token from now on: by its serial number and label. With the lock, or alone. */
void	 hsm_slot_keep(struct hsm *, CK_SLOT_ID, const CK_TOKEN_INFO *);
/* NULL: refused; *ret_what says why. */
P11KitUri *hsm_uri_parse(const char *text, const char **ret_what);

/* Its path, its URI and locks, and no module yet. NULL: no memory. */
struct hsm *hsm_new(const struct hsm_opts *, const char *path);

/* --- session.c --- */

/* One that nobody is in; NULL: all are busy for long. */
struct hsm_session *hsm_session_take(struct hsm *, bool *ret_lost);
void	 hsm_session_give(struct hsm *, struct hsm_session *, CK_RV, const struct hsm_key_info *);

/*
 * Do op in a session, again where that can help. CKR_OK, or what the token said at last,
 * which hsm_trouble() tells. *progress (or NULL) grows when op gets on: then it has all
 * its attempts again. key: for hsm_trouble().
 */
typedef CK_RV (*hsm_op)(struct hsm *, struct hsm_session *, void *arg);
int	 hsm_run(struct hsm *, hsm_op, void *arg, const size_t *progress,
	    const struct hsm_key_info *key) MUST_USE;

/* --- key.c --- */

struct hsm_key {
	struct hsm_key_info	 info;
	struct hsm_public	 public;
	bool			 by_label;	/* the URI gave one: it must fit, too */
	char			 id[HSM_ID_MAX], label[HSM_LABEL_MAX];
	char			 part[3][HSM_ATTR_MAX];
	/* Each entry belongs to who holds that session. */
	CK_OBJECT_HANDLE	 handle[HSM_SESSIONS_MAX];
	uint64_t		 gen[HSM_SESSIONS_MAX], login[HSM_SESSIONS_MAX];
};

/* The key with this id and label (by_label), and what the token knows of it. */
int	 hsm_key_seek(struct hsm *, struct hsm_key *) MUST_USE;
/* Attributes into a buffer; *len is its size, then theirs. false: there is none that fits. */
bool	 hsm_attr(struct hsm *, struct hsm_session *, CK_OBJECT_HANDLE, CK_ATTRIBUTE_TYPE,
	    void *dst, size_t *len);
/* Objects that fit, at most max. */
CK_RV	 hsm_objects(struct hsm *, struct hsm_session *, CK_ATTRIBUTE *, CK_ULONG n_attrs,
	    CK_OBJECT_HANDLE *, size_t max, size_t *ret_n);
/* The handle of its private half in this session. */
CK_RV	 hsm_key_handle(struct hsm *, struct hsm_session *, struct hsm_key *,
	    CK_OBJECT_HANDLE *ret);
/* What the token knows of a private key. */
CK_RV	 hsm_key_load(struct hsm *, struct hsm_session *, CK_OBJECT_HANDLE, struct hsm_key *);
/* Its public objects: those with the same CKA_ID and type. */
CK_RV	 hsm_key_halves(struct hsm *, struct hsm_session *, const struct hsm_key *,
	    CK_OBJECT_CLASS, CK_OBJECT_HANDLE *, size_t max, size_t *ret_n);

/* --- wire.c: what goes over a socket between apart.c and host.c --- */

enum hsm_ask {
	ASK_LIST,
	ASK_OPEN,
	ASK_GENERATE,
	ASK_DELETE,
	ASK_SIGN,
	ASK_MAX
};

/* Before each question: what, and which token it was (none: is_seen is false). */
struct hsm_ask_head {
	enum hsm_ask		 what;
	bool			 is_seen;
	unsigned char		 label[32], serial[16];
};
/* Before each answer: how it went, and where. */
struct hsm_answer_head {
	int			 rc;
	CK_RV			 rv;
	uint32_t		 n_fit, n_tokens;
	bool			 is_seen;
	unsigned char		 label[32], serial[16];
};
/* The first words of a new process. */
struct hsm_hello {
	enum hsm_finding	 code;		/* HSM_FINDING_MAX: it is ready */
	bool			 is_msg;	/* what is a msgid */
	char			 file[HSM_PATH_MAX], what[HSM_TEXT_MAX];
};

void	 hsm_ask_head_put(struct buf *, const struct hsm_ask_head *);
bool	 hsm_ask_head_get(struct rd *, struct hsm_ask_head *);
void	 hsm_answer_head_put(struct buf *, const struct hsm_answer_head *);
bool	 hsm_answer_head_get(struct rd *, struct hsm_answer_head *);
void	 hsm_hello_put(struct buf *, const struct hsm_hello *);
bool	 hsm_hello_get(struct rd *, struct hsm_hello *);
/* Text with its length; a get is empty beyond max, and the cursor bad. */
void	 hsm_sv_put(struct buf *, struct sv);
struct sv hsm_sv_get(struct rd *, size_t max);
/* Which key: id, label, kind. */
void	 hsm_key_put(struct buf *, const struct hsm_key *);
bool	 hsm_key_get(struct rd *, struct hsm_key *);
/* … and what the token knows of it. */
void	 hsm_key_whole_put(struct buf *, const struct hsm_key *);
bool	 hsm_key_whole_get(struct rd *, struct hsm_key *);
/* A row of a list; the answer's texts point into the octets. */
void	 hsm_info_put(struct buf *, const struct hsm_key_info *);
bool	 hsm_info_get(struct rd *, struct hsm_key_info *);
/* Frames: a length and so many octets; one of none says that work goes on. */
int	 hsm_frame_write(int fd, struct sv, int64_t until) MUST_USE;

/* --- host.c: the process with the module --- */

struct hsm_host {
	const struct hsm_apart_opts *o;		/* of which .hsm.module is a resolved path */
};
int	 hsm_host_run(void *host, const int *fds, unsigned n);

/* --- apart.c: what hsm.h says, asked there --- */

/* hsm_open_apart() without looking at who could replace it. */
int	 hsm_open_apart_path(const struct hsm_apart_opts *, const char *path, struct findings *,
	    struct hsm **ret) MUST_USE;
void	 hsm_apart_free(struct hsm *);
int	 hsm_apart_list(struct hsm *, struct pool *, struct hsm_key_info **, size_t *ret_n);
int	 hsm_apart_seek(struct hsm *, struct hsm_key *);
int	 hsm_apart_generate(struct hsm *, enum hsm_kind, unsigned bits, struct sv label, struct hsm_key *);
int	 hsm_apart_delete(struct hsm *, struct hsm_key *);
int	 hsm_apart_sign(struct hsm *, struct hsm_key *, struct hsm_make *, size_t n);
/* Of the RVs that only this file gives: true, and it is told. */
bool	 hsm_apart_tell(struct hsm *, struct findings *);

#endif
