/*
 * A PKCS#11 module that forwards to another one ($FAULTY_MODULE) and fails on command: of who
 * loads it (faulty_get()), or of who writes this struct into a file ($FAULTY_FILE, one for all
 * processes that load it; tests/cli/test_key_token.py).
 */
#ifndef TESTS_HSM_FAULTY_H
#define TESTS_HSM_FAULTY_H

#include <p11-kit/pkcs11.h>
#include <stdatomic.h>

enum faulty_call {
	F_INITIALIZE,
	F_SLOTS,
	F_OPEN,
	F_LOGIN,
	F_FIND,
	F_ATTRIBUTE,
	F_SIGN_INIT,
	F_SIGN,
	F_GENERATE,
	F_DESTROY,
	F_CALL_MAX
};

/* Answers that cannot be true, with CKR_OK. */
enum faulty_lie {
	LIE_NONE,
	LIE_FOUND,		/* more objects than there was room for */
	LIE_SIG_LONG,		/* a signature longer than its buffer */
	LIE_SIG_NONE,		/* … of no octets */
	LIE_SLOTS,		/* more slots than there was room for */
	LIE_ATTR_LONG,		/* an attribute longer than its buffer */
	LIE_ATTR_NONE,		/* … that is not available, but it worked */
	LIE_MAX
};

struct faulty {
	atomic_ulong	n[F_CALL_MAX];		/* how often each was called */
	atomic_int	gone;			/* so many calls find the device removed; < 0: all */
	atomic_int	call, n_fail;		/* the next n_fail calls of this kind … */
	atomic_ulong	rv;			/* … answer this */
	atomic_int	every;			/* each so manyeth C_Sign loses its session */
	atomic_int	wrong;			/* signatures with one bit turned */
	atomic_int	hang_msec;		/* C_Sign takes so long, or until this is 0 again */
	atomic_int	hang_in;		/* not C_Sign: this call and 1 */
	atomic_int	lie;			/* enum faulty_lie */
	atomic_int	crash_in;		/* this call and 1 … */
	atomic_int	crash_n;		/* … crashes the so manyeth time from now; < 0: each time */
	atomic_int	crash_late;		/* … when the real one has returned */
	CK_FUNCTION_LIST *real;			/* of a process without $FAULTY_FILE */
};

/* dlsym(…, "faulty_get") */
typedef struct faulty *(*faulty_get_fn)(void);
struct faulty *faulty_get(void);

#endif
