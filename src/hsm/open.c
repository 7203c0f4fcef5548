/* A token is opened: module, URI, PIN, slot, and one session to see that all of it holds. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "base/err.h"
#include "hsm/internal.h"
#include "sys/file.h"

/* --- the URI --- */

/* A PIN in a URI would stand in configurations, backups and lists of processes. */
P11KitUri *
hsm_uri_parse(const char *text, const char **ret_what)
{
	P11KitUri *u = p11_kit_uri_new();

	if (u == NULL) {
		*ret_what = N_("there is no memory");
		return NULL;
	}
	if (strlen(text) > HSM_URI_MAX)
		*ret_what = N_("it is too long");
	else if (p11_kit_uri_parse(text, P11_KIT_URI_FOR_ANY, u) != P11_KIT_URI_OK)
		*ret_what = N_("it does not follow RFC 7512");
	else if (p11_kit_uri_any_unrecognized(u))
		*ret_what = N_("it asks for something that is not known");
	else if (p11_kit_uri_get_pin_value(u) != NULL || p11_kit_uri_get_pin_source(u) != NULL)
		*ret_what = N_("a PIN does not belong into it; it comes from a file");
	else
		return u;
	p11_kit_uri_free(u);
	return NULL;
}

/* --- the PIN --- */

static bool
pin_tell(struct findings *fs, const char *file, const char *what)
{
	finding_add(fs, &hsm_findings[HSM_PIN_FILE], FA_STR("file", file), FA_MSG("what", what));
	return false;
}

/* The only line of the file; our copies are wiped, and this one is not swapped out. */
static bool
pin_read(struct hsm *h, const char *file, struct findings *fs)
{
	struct sv text = { NULL, 0 }, line;
	int rc = file_read(fs->pool, FILE_CWD, file, HSM_PIN_MAX + 2, &text);

	if (rc < 0)
		return pin_tell(fs, file, rc == SE_LIMIT ? N_("it is longer than a PIN") : err_str(rc));
	line = text;
	if (sv_ends(line, SV("\n")))
		line.n--;
	h->pin.len = min_size(line.n, HSM_PIN_MAX);
	if (line.n > 0)
		memcpy(h->pin.p, line.p, h->pin.len);
	if (text.n > 0)
		explicit_bzero((void *)(uintptr_t)text.p, text.n);
	if (file_is_open_to_others(file))
		return pin_tell(fs, file, N_("others may read or write it"));
	if (line.n == 0 || line.n > HSM_PIN_MAX || memchr(h->pin.p, '\n', h->pin.len) != NULL)
		return pin_tell(fs, file, N_("it does not hold one line"));
	h->pin.is_given = true;
	return true;
}

/* --- the token --- */

static void
pause_here(void *arg UNUSED, unsigned msec)
{
	struct timespec ts = { msec / 1000, (long)(msec % 1000) * 1000000 };

	while (nanosleep(&ts, &ts) < 0 && errno == EINTR)
		;
}

static bool
load_tell(struct findings *fs, const char *path, const char *what)
{
	finding_add(fs, &hsm_findings[HSM_MODULE_LOAD], FA_STR("file", path), FA_STR("what", what));
	return false;
}

static bool
module_load(struct hsm *h, bool later, struct findings *fs)
{
	CK_RV rv;

	h->f = p11_kit_module_load(h->path, P11_KIT_MODULE_UNMANAGED);
	if (h->f == NULL)
		return load_tell(fs, h->path, p11_kit_message() != NULL ? p11_kit_message() : "dlopen");
	if ((rv = hsm_module_start(h)) == CKR_OK || (later && rv != CKR_CRYPTOKI_ALREADY_INITIALIZED))
		return true;
	/* Its C_Finalize would pull the module from under whoever was first. */
	return load_tell(fs, h->path, rv == CKR_CRYPTOKI_ALREADY_INITIALIZED ?
	    "CKR_CRYPTOKI_ALREADY_INITIALIZED" : hsm_error_find(rv)->name);
}

static bool
token_find(struct hsm *h, const char *uri, struct findings *fs)
{
	CK_TOKEN_INFO info;
	size_t n_fit, n;
	CK_RV rv = hsm_slot_find(h, &h->slot, &info, &n_fit, &n);

	if (rv != CKR_OK)
		return load_tell(fs, h->path, hsm_error_find(rv)->name);
	if (n_fit == 0) {
		finding_add(fs, &hsm_findings[HSM_TOKEN_ABSENT], FA_STR("uri", uri), FA_U("n", n));
		return false;
	}
	if (n_fit > 1) {
		finding_add(fs, &hsm_findings[HSM_TOKEN_MANY], FA_STR("uri", uri), FA_U("n", n_fit));
		return false;
	}
	hsm_slot_keep(h, h->slot, &info);
	return true;
}

static CK_RV
nothing(struct hsm *h UNUSED, struct hsm_session *s UNUSED, void *arg UNUSED)
{
	return CKR_OK;
}

/* --- the whole --- */

static int
locks_init(struct hsm *h)
{
	pthread_condattr_t attr;

	if (pthread_condattr_init(&attr) != 0)
		return -ENOMEM;
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&h->freed, &attr);
	(void)pthread_condattr_destroy(&attr);
	(void)pthread_mutex_init(&h->lock, NULL);
	(void)pthread_mutex_init(&h->login, NULL);
	return 0;
}

struct hsm *
hsm_new(const struct hsm_opts *o, const char *path)
{
	struct hsm *h = calloc(1, sizeof(*h));

	if (h == NULL)
		return NULL;
	if (locks_init(h) < 0 || (h->path = sv_dup(sv_str(path))) == NULL ||
	    (h->uri_text = sv_dup(sv_str(o->token))) == NULL) {
		free(h->path);
		free(h);
		return NULL;
	}
	(void)mlock(&h->pin, sizeof(h->pin));	/* as far as the limits of this process allow */
	h->pause = o->pause != NULL ? o->pause : pause_here;
	h->pause_arg = o->pause_arg;
	h->wait_msec = o->wait_msec != 0 ? o->wait_msec : HSM_WAIT_MSEC;
	h->n_sessions = o->n_sessions != 0 ? o->n_sessions : HSM_SESSIONS;
	if (h->n_sessions > HSM_SESSIONS_MAX)
		h->n_sessions = HSM_SESSIONS_MAX;
	h->refused = CKR_OK;
	return h;
}

struct hsm *
hsm_free(struct hsm *h)
{
	if (h == NULL)
		return NULL;
	if (h->apart != NULL)
		hsm_apart_free(h);
	if (h->is_started)
		(void)h->f->C_Finalize(NULL);	/* closes the sessions and logs out */
	if (h->f != NULL)
		p11_kit_module_release(h->f);
	p11_kit_uri_free(h->uri);
	explicit_bzero(&h->pin, sizeof(h->pin));
	(void)munlock(&h->pin, sizeof(h->pin));
	(void)pthread_mutex_destroy(&h->lock);
	(void)pthread_mutex_destroy(&h->login);
	(void)pthread_cond_destroy(&h->freed);
	free(h->path);
	free(h->uri_text);
	free(h);
	return NULL;
}

int
hsm_open_path(const struct hsm_opts *o, const char *path, struct findings *fs, struct hsm **ret)
{
	_cleanup_(hsm_freep) struct hsm *h = hsm_new(o, path);
	const char *what;

	if (h == NULL)
		return -ENOMEM;
	if ((h->uri = hsm_uri_parse(o->token, &what)) == NULL) {
		finding_add(fs, &hsm_findings[HSM_URI], FA_STR("uri", o->token), FA_MSG("what", what));
		return 0;
	}
	if (o->pin_file != NULL && !pin_read(h, o->pin_file, fs))
		return 0;
	if (!module_load(h, o->later, fs) || (!o->later && !token_find(h, o->token, fs)))
		return 0;
	if (!o->later && hsm_run(h, nothing, NULL, NULL, NULL) < 0) {
		(void)hsm_trouble(h, fs);
		return 0;
	}
	*ret = TAKE_PTR(h);
	return 0;
}

int
hsm_open(const struct hsm_opts *o, struct findings *fs, struct hsm **ret)
{
	char *path;
	int rc;

	if (!hsm_module_check(o->module, fs, &path))
		return 0;
	rc = hsm_open_path(o, path, fs, ret);
	free(path);
	return rc;
}
