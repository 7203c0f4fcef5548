/* The pool of sessions, and what is done when one of them fails. */
#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "hsm/internal.h"

/* --- the pool --- */

static void
deadline_set(struct timespec *ts, unsigned msec)
{
	(void)clock_gettime(CLOCK_MONOTONIC, ts);
	ts->tv_sec += msec / 1000;
	ts->tv_nsec += (long)(msec % 1000) * 1000000;
	if (ts->tv_nsec >= 1000000000) {
		ts->tv_sec++;
		ts->tv_nsec -= 1000000000;
	}
}

/* An open one rather than one that has to be opened. */
static struct hsm_session *
free_find(struct hsm *h)
{
	struct hsm_session *s = NULL;

	for (unsigned i = 0; i < h->n_sessions; i++)
		if (!h->session[i].is_busy && (s == NULL || (!s->is_open && h->session[i].is_open)))
			s = &h->session[i];
	return s;
}

struct hsm_session *
hsm_session_take(struct hsm *h, bool *ret_lost)
{
	struct hsm_session *s;
	struct timespec until;

	deadline_set(&until, h->wait_msec);
	(void)pthread_mutex_lock(&h->lock);
	while ((s = free_find(h)) == NULL)
		if (pthread_cond_timedwait(&h->freed, &h->lock, &until) != 0) {
			s = free_find(h);
			break;
		}
	if (s != NULL)
		s->is_busy = true;
	*ret_lost = h->is_lost;
	(void)pthread_mutex_unlock(&h->lock);
	return s;
}

static void
trouble_set(struct hsm *h, CK_RV rv, const struct hsm_key_info *key)
{
	static const struct hsm_key_info none;

	if (key == NULL)
		key = &none;
	h->trouble = rv;
	h->trouble_key = *key;
	h->trouble_key.id = (struct sv){ h->trouble_id, min_size(key->id.n, HSM_ID_MAX) };
	h->trouble_key.label = (struct sv){ h->trouble_label, min_size(key->label.n, HSM_LABEL_MAX) };
	if (key->id.n > 0)
		memcpy(h->trouble_id, key->id.p, h->trouble_key.id.n);
	if (key->label.n > 0)
		memcpy(h->trouble_label, key->label.p, h->trouble_key.label.n);
}

void
hsm_session_give(struct hsm *h, struct hsm_session *s, CK_RV rv, const struct hsm_key_info *key)
{
	(void)pthread_mutex_lock(&h->lock);
	if (s != NULL) {
		s->is_busy = false;
		h->is_lost = rv != CKR_OK && hsm_error_find(rv)->rc == -ENODEV;
	}
	trouble_set(h, rv, key);
	(void)pthread_cond_signal(&h->freed);
	(void)pthread_mutex_unlock(&h->lock);
}

/* --- a session that works --- */

static void
session_close(struct hsm *h, struct hsm_session *s)
{
	if (s->is_open)
		(void)h->f->C_CloseSession(s->handle);
	s->is_open = s->is_in = false;
}

/* Where the token is now. */
static CK_RV
slot_get(struct hsm *h, CK_SLOT_ID *ret)
{
	CK_TOKEN_INFO info;
	size_t n_fit, n;
	CK_SLOT_ID slot;
	bool known, seen;
	CK_RV rv;

	(void)pthread_mutex_lock(&h->lock);
	known = h->is_slot_known;
	seen = h->is_seen;
	slot = h->slot;
	(void)pthread_mutex_unlock(&h->lock);
	if (!known) {
		if ((rv = hsm_slot_find(h, &slot, &info, &n_fit, &n)) != CKR_OK)
			return rv;
		(void)pthread_mutex_lock(&h->lock);
		h->n_fit = n_fit;
		h->n_tokens = n;
		if (n_fit == 1)
			hsm_slot_keep(h, slot, &info);
		(void)pthread_mutex_unlock(&h->lock);
		if (n_fit != 1)
			return seen ? CKR_TOKEN_NOT_PRESENT :
			    n_fit == 0 ? HSM_RV_TOKEN_ABSENT : HSM_RV_TOKEN_MANY;
	}
	*ret = slot;
	return CKR_OK;
}

static CK_RV
session_open(struct hsm *h, struct hsm_session *s)
{
	CK_SLOT_ID slot = 0;
	CK_RV rv;

	if ((rv = slot_get(h, &slot)) != CKR_OK)
		return rv;
	if ((rv = h->f->C_OpenSession(slot, CKF_SERIAL_SESSION, NULL, NULL, &s->handle)) != CKR_OK)
		return rv;
	s->is_open = true;
	s->is_in = false;
	(void)pthread_mutex_lock(&h->lock);
	s->gen = ++h->gen;
	(void)pthread_mutex_unlock(&h->lock);
	return CKR_OK;
}

/* PKCS#11 logs in all sessions of the token at once; another thread may have been first. */
static CK_RV
session_login(struct hsm *h, struct hsm_session *s)
{
	CK_RV rv = CKR_OK;

	if (!h->pin.is_given)
		return CKR_OK;
	(void)pthread_mutex_lock(&h->login);
	if (h->refused != CKR_OK) {
		rv = h->refused;
	} else {
		rv = h->f->C_Login(s->handle, CKU_USER, h->pin.p, h->pin.len);
		if (rv == CKR_OK) {
			(void)pthread_mutex_lock(&h->lock);
			h->n_logins++;
			(void)pthread_mutex_unlock(&h->lock);
		}
		if (rv == CKR_USER_ALREADY_LOGGED_IN)
			rv = CKR_OK;
		if (rv != CKR_OK && hsm_error_find(rv)->code == HSM_PIN_REFUSED)
			h->refused = rv;
	}
	(void)pthread_mutex_unlock(&h->login);
	return rv;
}

static CK_RV
session_ready(struct hsm *h, struct hsm_session *s)
{
	CK_RV rv;

	if (h->pid != getpid())
		hsm_module_restart(h, s);
	if (!s->is_open && (rv = session_open(h, s)) != CKR_OK)
		return rv;
	if (!s->is_in && (rv = session_login(h, s)) != CKR_OK)
		return rv;
	s->is_in = true;
	return CKR_OK;
}

/* --- attempts --- */

/* i: how many attempts failed before this. What did not help is done more thoroughly. */
static void
recover(struct hsm *h, struct hsm_session *s, enum hsm_retry retry, unsigned i)
{
	session_close(h, s);
	if (retry == RETRY_TOKEN || i > 0) {
		(void)pthread_mutex_lock(&h->lock);
		h->is_slot_known = false;
		(void)pthread_mutex_unlock(&h->lock);
	}
	if (retry == RETRY_MODULE || (retry == RETRY_TOKEN && i > 0))
		hsm_module_restart(h, s);
}

static CK_RV
attempts(struct hsm *h, struct hsm_session *s, bool lost, hsm_op op, void *arg,
    const size_t *progress)
{
	unsigned n = lost ? HSM_TRIES_LOST : HSM_TRIES;
	size_t at = progress != NULL ? *progress : 0;

	for (unsigned i = 0;; i++) {
		CK_RV rv = session_ready(h, s);
		enum hsm_retry retry;

		if (rv == CKR_OK && (rv = op(h, s, arg)) == CKR_OK)
			return CKR_OK;
		if (progress != NULL && *progress > at) {
			at = *progress;
			n = HSM_TRIES;
			i = 0;
		}
		retry = hsm_error_find(rv)->retry;
		if (retry == RETRY_NEVER || i + 1 == n) {
			/* It may be within an operation; the next user gets a fresh one. */
			session_close(h, s);
			return rv;
		}
		if (i > 0)
			h->pause(h->pause_arg, HSM_PAUSE_MSEC << (i - 1));
		recover(h, s, retry, i);
	}
}

int
hsm_run(struct hsm *h, hsm_op op, void *arg, const size_t *progress,
    const struct hsm_key_info *key)
{
	struct hsm_session *s;
	CK_RV rv = HSM_RV_BUSY;
	bool lost;

	if ((s = hsm_session_take(h, &lost)) != NULL)
		rv = attempts(h, s, lost, op, arg, progress);
	hsm_session_give(h, s, rv, key);
	return rv == CKR_OK ? 0 : hsm_error_find(rv)->rc;
}

static void
trouble_tell(struct hsm *h, struct findings *fs)
{
	const struct hsm_error *e = hsm_error_find(h->trouble);
	const struct finding_def *def = &hsm_findings[e->code];
	const struct hsm_key_info *k = &h->trouble_key;

	if (e->code == HSM_BUSY)
		finding_add(fs, def, FA_U("n", h->n_sessions), FA_U("limit", h->wait_msec));
	else if (e->code == HSM_TOKEN_ABSENT)
		finding_add(fs, def, FA_STR("uri", h->uri_text), FA_U("n", h->n_tokens));
	else if (e->code == HSM_TOKEN_MANY)
		finding_add(fs, def, FA_STR("uri", h->uri_text), FA_U("n", h->n_fit));
	else if (e->code == HSM_KEY_ABSENT || e->code == HSM_KEY_MANY)
		finding_add(fs, def, FA_HEX("id", k->id.p, k->id.n), FA_SV("label", k->label));
	else if (e->code == HSM_KEY_KIND)
		finding_add(fs, def, FA_HEX("id", k->id.p, k->id.n), FA_STR("what", e->name));
	else
		finding_add(fs, def, FA_STR("what", e->name));
}

bool
hsm_trouble(struct hsm *h, struct findings *fs)
{
	bool bad;

	(void)pthread_mutex_lock(&h->lock);
	bad = h->trouble != CKR_OK;
	if (bad && (h->apart == NULL || !hsm_apart_tell(h, fs)))
		trouble_tell(h, fs);
	(void)pthread_mutex_unlock(&h->lock);
	return bad;
}
