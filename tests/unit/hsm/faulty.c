#include "faulty.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static struct faulty own, *ctl = &own;
static CK_FUNCTION_LIST list, *real;

struct faulty *
faulty_get(void)
{
	return ctl;
}

static void
hang(void)
{
	const struct timespec ts = { 0, 1000000 };

	for (int i = 0; i < ctl->hang_msec; i++)
		(void)nanosleep(&ts, NULL);
}

static void
crash(enum faulty_call call, int late)
{
	if (ctl->crash_in != (int)call + 1 || ctl->crash_late != late || ctl->crash_n == 0)
		return;
	if (ctl->crash_n < 0 || atomic_fetch_sub(&ctl->crash_n, 1) == 1)
		(void)raise(SIGSEGV);
}

static CK_RV
fault(enum faulty_call call)
{
	int n;

	ctl->n[call]++;
	crash(call, 0);
	if (ctl->hang_in == (int)call + 1)
		hang();
	if (ctl->gone != 0) {
		if (ctl->gone > 0)
			ctl->gone--;
		return CKR_DEVICE_REMOVED;
	}
	if (ctl->call != (int)call)
		return CKR_OK;
	for (n = ctl->n_fail; n > 0;)
		if (atomic_compare_exchange_weak(&ctl->n_fail, &n, n - 1))
			return ctl->rv;
	return CKR_OK;
}

#define FORWARD(call, name, args, given)		\
static CK_RV						\
faulty_##name args					\
{							\
	CK_RV rv = fault(call);				\
							\
	if (rv == CKR_OK)				\
		rv = real->name given;			\
	crash(call, 1);					\
	return rv;					\
}

FORWARD(F_INITIALIZE, C_Initialize, (void *a), (a))
FORWARD(F_OPEN, C_OpenSession, (CK_SLOT_ID i, CK_FLAGS f, void *a, CK_NOTIFY n, CK_SESSION_HANDLE *s),
    (i, f, a, n, s))
FORWARD(F_LOGIN, C_Login, (CK_SESSION_HANDLE s, CK_USER_TYPE u, CK_BYTE *p, CK_ULONG n), (s, u, p, n))
FORWARD(F_FIND, C_FindObjectsInit, (CK_SESSION_HANDLE s, CK_ATTRIBUTE *a, CK_ULONG n), (s, a, n))
FORWARD(F_SIGN_INIT, C_SignInit, (CK_SESSION_HANDLE s, CK_MECHANISM *m, CK_OBJECT_HANDLE o), (s, m, o))
FORWARD(F_GENERATE, C_GenerateKeyPair, (CK_SESSION_HANDLE s, CK_MECHANISM *m, CK_ATTRIBUTE *a,
    CK_ULONG n, CK_ATTRIBUTE *b, CK_ULONG k, CK_OBJECT_HANDLE *x, CK_OBJECT_HANDLE *y),
    (s, m, a, n, b, k, x, y))
FORWARD(F_DESTROY, C_DestroyObject, (CK_SESSION_HANDLE s, CK_OBJECT_HANDLE o), (s, o))

static CK_RV
faulty_C_GetAttributeValue(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE o, CK_ATTRIBUTE *a, CK_ULONG n)
{
	CK_RV rv = fault(F_ATTRIBUTE);

	if (rv == CKR_OK)
		rv = real->C_GetAttributeValue(s, o, a, n);
	if (rv == CKR_OK && ctl->lie == LIE_ATTR_LONG)
		a->ulValueLen = 1UL << 40;
	if (rv == CKR_OK && ctl->lie == LIE_ATTR_NONE)
		a->ulValueLen = (CK_ULONG)-1;
	return rv;
}

static CK_RV
faulty_C_FindObjects(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE *o, CK_ULONG max, CK_ULONG *n)
{
	CK_RV rv = real->C_FindObjects(s, o, max, n);

	if (rv == CKR_OK && ctl->lie == LIE_FOUND)
		*n = max + 1000000;
	return rv;
}

/* A removed device is an empty slot. */
static CK_RV
faulty_C_GetSlotList(CK_BBOOL present, CK_SLOT_ID *slots, CK_ULONG *n)
{
	CK_RV rv = fault(F_SLOTS);

	if (rv == CKR_DEVICE_REMOVED) {
		*n = 0;
		return CKR_OK;
	}
	if (rv == CKR_OK)
		rv = real->C_GetSlotList(present, slots, n);
	if (rv == CKR_OK && slots != NULL && ctl->lie == LIE_SLOTS)
		*n = 1UL << 40;
	return rv;
}

static CK_RV
faulty_C_Sign(CK_SESSION_HANDLE s, CK_BYTE *data, CK_ULONG n, CK_BYTE *sig, CK_ULONG *sig_n)
{
	CK_RV rv = fault(F_SIGN);

	if (rv != CKR_OK)
		return rv;
	if (ctl->hang_in == 0)
		hang();
	if (ctl->every != 0 && ctl->n[F_SIGN] % (unsigned long)ctl->every == 0) {
		(void)real->C_CloseSession(s);
		return CKR_SESSION_HANDLE_INVALID;
	}
	rv = real->C_Sign(s, data, n, sig, sig_n);
	if (rv == CKR_OK && ctl->wrong != 0)
		sig[*sig_n / 2] ^= 1;
	if (rv == CKR_OK && ctl->lie == LIE_SIG_LONG)
		*sig_n = 1UL << 40;
	if (rv == CKR_OK && ctl->lie == LIE_SIG_NONE)
		*sig_n = 0;
	return rv;
}

static void
file_map(const char *path)
{
	int fd = path == NULL ? -1 : open(path, O_RDWR);
	void *p = fd < 0 ? MAP_FAILED : mmap(NULL, sizeof(own), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (p != MAP_FAILED)
		ctl = p;
	if (fd >= 0)
		(void)close(fd);
}

CK_RV
C_GetFunctionList(CK_FUNCTION_LIST **ret)
{
	const char *path = getenv("FAULTY_MODULE");
	CK_C_GetFunctionList get;
	void *lib;

	if (path == NULL || (lib = dlopen(path, RTLD_NOW | RTLD_NODELETE)) == NULL ||
	    (get = (CK_C_GetFunctionList)dlsym(lib, "C_GetFunctionList")) == NULL)
		return CKR_GENERAL_ERROR;
	if (get(&real) != CKR_OK)
		return CKR_GENERAL_ERROR;
	own.real = real;
	file_map(getenv("FAULTY_FILE"));
	list = *real;
	list.C_Initialize = faulty_C_Initialize;
	list.C_GetSlotList = faulty_C_GetSlotList;
	list.C_OpenSession = faulty_C_OpenSession;
	list.C_Login = faulty_C_Login;
	list.C_FindObjectsInit = faulty_C_FindObjectsInit;
	list.C_GetAttributeValue = faulty_C_GetAttributeValue;
	list.C_FindObjects = faulty_C_FindObjects;
	list.C_SignInit = faulty_C_SignInit;
	list.C_Sign = faulty_C_Sign;
	list.C_GenerateKeyPair = faulty_C_GenerateKeyPair;
	list.C_DestroyObject = faulty_C_DestroyObject;
	list.C_GetFunctionList = C_GetFunctionList;
	*ret = &list;
	return CKR_OK;
}
