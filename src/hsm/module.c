/* The module: may it be loaded, does it start, where is our token in it? */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hsm/internal.h"

/* --- its path --- */

/*
 * Of root, and nobody else can write to it. A folder with the sticky bit (/tmp) protects
 * what is root's in it. NULL, or what is wrong.
 */
static const char *
owner_check(const struct stat *st)
{
	if (st->st_uid != 0)
		return N_("it, or a folder above it, does not belong to root");
	if (!S_ISLNK(st->st_mode) && (st->st_mode & (S_IWGRP | S_IWOTH)) != 0 &&
	    !(S_ISDIR(st->st_mode) && (st->st_mode & S_ISVTX) != 0))
		return N_("others than root can write to it or to a folder above it");
	return NULL;
}

/* path is resolved, and is cut at each slash from behind. */
static const char *
above_check(char *path)
{
	const char *what = NULL;
	struct stat st;
	char *slash;

	while (what == NULL && (slash = strrchr(path, '/')) != NULL) {
		slash[slash == path] = '\0';
		if (lstat(path, &st) < 0)
			return N_("its folders cannot be read");
		what = owner_check(&st);
		if (slash == path)
			break;
	}
	return what;
}

static const char *
path_check(const char *path, char **ret)
{
	char copy[HSM_PATH_MAX];
	const char *what;
	struct stat st;

	if (path[0] != '/')
		return N_("the path is not absolute");
	/* A link of somebody else could be turned to another module. */
	if (lstat(path, &st) < 0 || (*ret = realpath(path, NULL)) == NULL)
		return N_("there is no such file");
	if ((what = owner_check(&st)) != NULL)
		return what;
	if (stat(*ret, &st) < 0 || !S_ISREG(st.st_mode))
		return N_("it is no regular file");
	if ((what = owner_check(&st)) != NULL)
		return what;
	memcpy(copy, *ret, strlen(*ret) + 1);		/* realpath() ends there */
	return above_check(copy);
}

/* The folder that holds the name we were given: who can write there can exchange a link. */
static const char *
name_check(const char *path)
{
	char given[HSM_PATH_MAX], copy[HSM_PATH_MAX + 1];
	char *real;

	if (snprintf(given, sizeof(given), "%s", path) >= (int)sizeof(given))
		return N_("the path is too long");
	strrchr(given, '/')[1] = '\0';
	if ((real = realpath(given, NULL)) == NULL)
		return N_("its folders cannot be read");
	(void)snprintf(copy, sizeof(copy), "%s/", real);
	free(real);
	return above_check(copy);
}

bool
hsm_module_check(const char *path, struct findings *fs, char **ret_path)
{
	char *real = NULL;
	const char *what = path_check(path, &real);

	if (what == NULL)
		what = name_check(path);
	if (what == NULL) {
		*ret_path = real;
		return true;
	}
	free(real);
	finding_add(fs, &hsm_findings[HSM_MODULE_PATH], FA_STR("file", path), FA_MSG("what", what));
	return false;
}

/* --- C_Initialize --- */

CK_RV
hsm_module_start(struct hsm *h)
{
	CK_C_INITIALIZE_ARGS args = { .flags = CKF_OS_LOCKING_OK };
	CK_RV rv = h->f->C_Initialize(&args);

	if (rv == CKR_OK) {
		h->is_started = true;
		h->pid = getpid();
	}
	return rv;
}

/*
 * Some modules see a token that was plugged in again only after this, and in a child after
 * fork PKCS#11 2.40 section 5.4 asks for it. All sessions end; so nobody may be in one.
 */
void
hsm_module_restart(struct hsm *h, const struct hsm_session *own)
{
	bool alone = true;

	(void)pthread_mutex_lock(&h->lock);
	for (unsigned i = 0; i < h->n_sessions; i++)
		alone = alone && (&h->session[i] == own || !h->session[i].is_busy);
	if (alone) {
		(void)h->f->C_Finalize(NULL);
		h->is_started = false;
		for (unsigned i = 0; i < h->n_sessions; i++)
			h->session[i].is_open = h->session[i].is_in = false;
		h->is_slot_known = false;
		(void)hsm_module_start(h);
	}
	(void)pthread_mutex_unlock(&h->lock);
}

/* --- the slot with our token --- */

/* When it was found before, it has the same serial number and label. */
static bool
token_fits(const struct hsm *h, CK_TOKEN_INFO *t)
{
	if ((t->flags & CKF_TOKEN_INITIALIZED) == 0 || !p11_kit_uri_match_token_info(h->uri, t))
		return false;
	return !h->is_seen ||
	    (memcmp(h->label, t->label, sizeof(h->label)) == 0 &&
	    memcmp(h->serial, t->serialNumber, sizeof(h->serial)) == 0);
}

CK_RV
hsm_slot_find(struct hsm *h, CK_SLOT_ID *ret, CK_TOKEN_INFO *ret_info, size_t *ret_fit,
    size_t *ret_n)
{
	CK_SLOT_ID slots[HSM_SLOTS_MAX];
	CK_ULONG n = HSM_SLOTS_MAX;
	size_t n_fit = 0, n_seen = 0;
	CK_RV rv;

	if ((rv = h->f->C_GetSlotList(CK_TRUE_, NULL, &n)) != CKR_OK)
		return rv;		/* without a buffer modules look for new slots */
	n = HSM_SLOTS_MAX;
	if ((rv = h->f->C_GetSlotList(CK_TRUE_, slots, &n)) != CKR_OK)
		return rv == CKR_BUFFER_TOO_SMALL ? HSM_RV_LIMIT : rv;
	if (n > HSM_SLOTS_MAX)
		return HSM_RV_LIMIT;
	for (CK_ULONG i = 0; i < n; i++) {
		CK_TOKEN_INFO t = { 0 };

		if (h->f->C_GetTokenInfo(slots[i], &t) != CKR_OK)
			continue;
		n_seen += (t.flags & CKF_TOKEN_INITIALIZED) != 0;
		if (!token_fits(h, &t))
			continue;
		n_fit++;
		*ret = slots[i];
		*ret_info = t;
	}
	*ret_fit = n_fit;
	*ret_n = n_seen;
	return CKR_OK;
}

void
hsm_slot_keep(struct hsm *h, CK_SLOT_ID slot, const CK_TOKEN_INFO *t)
{
	memcpy(h->label, t->label, sizeof(h->label));
	memcpy(h->serial, t->serialNumber, sizeof(h->serial));
	h->slot = slot;
	h->is_slot_known = h->is_seen = true;
}
