/* Keys of a token: listed, found, and what it says of their public half. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "hsm/internal.h"

/* --- objects and attributes --- */

bool
hsm_attr(struct hsm *h, struct hsm_session *s, CK_OBJECT_HANDLE o, CK_ATTRIBUTE_TYPE type,
    void *dst, size_t *len)
{
	CK_ATTRIBUTE a = { type, dst, *len };

	if (h->f->C_GetAttributeValue(s->handle, o, &a, 1) != CKR_OK || a.ulValueLen > *len)
		return false;
	*len = a.ulValueLen;
	return true;
}

CK_RV
hsm_objects(struct hsm *h, struct hsm_session *s, CK_ATTRIBUTE *attrs, CK_ULONG n_attrs,
    CK_OBJECT_HANDLE *dst, size_t max, size_t *ret_n)
{
	CK_RV rv = h->f->C_FindObjectsInit(s->handle, attrs, n_attrs);
	CK_ULONG got = 1;
	size_t n = 0;

	if (rv != CKR_OK)
		return rv;
	/* Tokens may give fewer at a time than there are. */
	while (rv == CKR_OK && n < max && got > 0) {
		rv = h->f->C_FindObjects(s->handle, dst + n, max - n, &got);
		if (rv == CKR_OK && got > max - n)
			rv = HSM_RV_LIMIT;	/* it says so, and cannot have done it */
		if (rv == CKR_OK)
			n += got;
	}
	(void)h->f->C_FindObjectsFinal(s->handle);
	*ret_n = n;
	return rv;
}

static CK_RV
private_find(struct hsm *h, struct hsm_session *s, const struct hsm_key *k, CK_OBJECT_HANDLE *ret)
{
	CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
	CK_ATTRIBUTE a[3] = { { CKA_CLASS, &class, sizeof(class) } };
	CK_OBJECT_HANDLE found[2];
	CK_ULONG n_attrs = 1;
	size_t n;
	CK_RV rv;

	if (k->info.id.n > 0)
		a[n_attrs++] = (CK_ATTRIBUTE){ CKA_ID, (void *)(uintptr_t)k->id, k->info.id.n };
	if (k->by_label)
		a[n_attrs++] = (CK_ATTRIBUTE){ CKA_LABEL, (void *)(uintptr_t)k->label,
			k->info.label.n };
	if ((rv = hsm_objects(h, s, a, n_attrs, found, 2, &n)) != CKR_OK)
		return rv;
	if (n != 1)
		return n == 0 ? HSM_RV_KEY_ABSENT : HSM_RV_KEY_MANY;
	*ret = found[0];
	return CKR_OK;
}

/*
 * A logout voids the handles of private objects in all sessions, and their numbers may come
 * back as those of other keys: so a login of whomsoever lets us look again.
 */
CK_RV
hsm_key_handle(struct hsm *h, struct hsm_session *s, struct hsm_key *k, CK_OBJECT_HANDLE *ret)
{
	size_t i = (size_t)(s - h->session);
	uint64_t login;
	CK_RV rv;

	(void)pthread_mutex_lock(&h->lock);
	login = h->n_logins;
	(void)pthread_mutex_unlock(&h->lock);
	if (k->gen[i] != s->gen || k->login[i] != login) {
		if ((rv = private_find(h, s, k, &k->handle[i])) != CKR_OK)
			return rv;
		k->gen[i] = s->gen;
		k->login[i] = login;
	}
	*ret = k->handle[i];
	return CKR_OK;
}

/* --- what a token says of a key --- */

static bool
flag_get(struct hsm *h, struct hsm_session *s, CK_OBJECT_HANDLE o, CK_ATTRIBUTE_TYPE type,
    bool otherwise)
{
	CK_BBOOL v = CK_FALSE_;
	size_t n = sizeof(v);

	return hsm_attr(h, s, o, type, &v, &n) && n == sizeof(v) ? v != CK_FALSE_ : otherwise;
}

CK_RV
hsm_key_load(struct hsm *h, struct hsm_session *s, CK_OBJECT_HANDLE o, struct hsm_key *k)
{
	char params[HSM_ATTR_MAX];
	CK_KEY_TYPE type;
	size_t n = sizeof(type), n_params = sizeof(params), n_id = HSM_ID_MAX, n_label = HSM_LABEL_MAX;
	CK_ATTRIBUTE probe = { CKA_KEY_TYPE, &type, sizeof(type) };
	/* hsm_attr() does not tell a lost session from a missing attribute. */
	CK_RV rv = h->f->C_GetAttributeValue(s->handle, o, &probe, 1);

	if (rv != CKR_OK)
		return rv;
	if (!hsm_attr(h, s, o, CKA_KEY_TYPE, &type, &n) || n != sizeof(type))
		return HSM_RV_KEY_KIND;
	if (!hsm_attr(h, s, o, CKA_ID, k->id, &n_id))
		n_id = 0;
	if (!hsm_attr(h, s, o, CKA_LABEL, k->label, &n_label))
		n_label = 0;
	if (type == CKK_RSA || !hsm_attr(h, s, o, CKA_EC_PARAMS, params, &n_params))
		n_params = 0;
	k->info.id = (struct sv){ k->id, n_id };
	k->info.label = (struct sv){ k->label, n_label };
	k->info.kind = hsm_kind_find(type, (struct sv){ params, n_params });
	k->info.may_leave = flag_get(h, s, o, CKA_EXTRACTABLE, false) ||
	    !flag_get(h, s, o, CKA_SENSITIVE, true);
	return CKR_OK;
}

CK_RV
hsm_key_halves(struct hsm *h, struct hsm_session *s, const struct hsm_key *k, CK_OBJECT_CLASS class,
    CK_OBJECT_HANDLE *dst, size_t max, size_t *ret_n)
{
	CK_KEY_TYPE type = hsm_kind_row(k->info.kind)->type;
	CK_ATTRIBUTE a[] = {
		{ CKA_CLASS, &class, sizeof(class) },
		{ CKA_KEY_TYPE, &type, sizeof(type) },
		{ CKA_ID, (void *)(uintptr_t)k->id, k->info.id.n },
	};

	return hsm_objects(h, s, a, ARRAY_LEN(a), dst, max, ret_n);
}

/* One attribute into one of the key's parts; empty: the token does not say. */
static struct sv
part_get(struct hsm *h, struct hsm_session *s, CK_OBJECT_HANDLE o, CK_ATTRIBUTE_TYPE type, char *dst)
{
	size_t n = HSM_ATTR_MAX;

	if (!hsm_attr(h, s, o, type, dst, &n))
		n = 0;
	return (struct sv){ dst, n };
}

static void
parts_get(struct hsm *h, struct hsm_session *s, CK_OBJECT_HANDLE o, struct hsm_key *k)
{
	if (k->info.kind == HSM_RSA) {
		k->public.modulus = part_get(h, s, o, CKA_MODULUS, k->part[0]);
		k->public.exponent = part_get(h, s, o, CKA_PUBLIC_EXPONENT, k->part[1]);
	} else {
		k->public.point = part_get(h, s, o, CKA_EC_POINT, k->part[2]);
	}
}

/* From its public object; where there is none, or several, from the private one if it has them. */
static CK_RV
public_load(struct hsm *h, struct hsm_session *s, CK_OBJECT_HANDLE private, struct hsm_key *k)
{
	CK_OBJECT_HANDLE found[2];
	size_t n = 0;
	CK_RV rv;

	if (k->info.id.n > 0 &&
	    (rv = hsm_key_halves(h, s, k, CKO_PUBLIC_KEY, found, 2, &n)) != CKR_OK)
		return rv;
	parts_get(h, s, n == 1 ? found[0] : private, k);
	return CKR_OK;
}

/* --- one key --- */

static CK_RV
open_op(struct hsm *h, struct hsm_session *s, void *arg)
{
	struct hsm_key *k = arg;
	bool by_label = k->by_label;
	CK_OBJECT_HANDLE o = 0;
	CK_RV rv;

	if ((rv = private_find(h, s, k, &o)) != CKR_OK ||
	    (rv = hsm_key_load(h, s, o, k)) != CKR_OK)
		return rv;
	if (k->info.kind == HSM_KIND_MAX)
		return HSM_RV_KEY_KIND;
	k->by_label = by_label;
	return public_load(h, s, o, k);
}

static int
uri_fill(const char *uri, struct hsm_key *k)
{
	const char *what;
	P11KitUri *u = hsm_uri_parse(uri, &what);
	CK_ATTRIBUTE *id, *label;
	int rc = 0;

	if (u == NULL)
		return -EINVAL;
	id = p11_kit_uri_get_attribute(u, CKA_ID);
	label = p11_kit_uri_get_attribute(u, CKA_LABEL);
	if ((id == NULL || id->ulValueLen == 0) && label == NULL)
		rc = -EINVAL;
	if ((id != NULL && id->ulValueLen > HSM_ID_MAX) ||
	    (label != NULL && label->ulValueLen > HSM_LABEL_MAX))
		rc = SE_LIMIT;
	if (rc == 0 && id != NULL) {
		memcpy(k->id, id->pValue, id->ulValueLen);
		k->info.id = (struct sv){ k->id, id->ulValueLen };
	}
	if (rc == 0 && label != NULL) {
		memcpy(k->label, label->pValue, label->ulValueLen);
		k->info.label = (struct sv){ k->label, label->ulValueLen };
		k->by_label = true;
	}
	p11_kit_uri_free(u);
	return rc;
}

int
hsm_uri_key(const char *uri, struct pool *pool, struct sv *ret_id, struct sv *ret_label)
{
	_cleanup_(hsm_key_freep) struct hsm_key *k = calloc(1, sizeof(*k));
	int rc = k == NULL ? -ENOMEM : uri_fill(uri, k);

	if (rc < 0)
		return rc;
	*ret_id = pool_sv(pool, k->info.id);
	*ret_label = pool_sv(pool, k->info.label);
	return (k->info.id.n > 0 && ret_id->p == NULL) ||
	    (k->info.label.n > 0 && ret_label->p == NULL) ? -ENOMEM : 0;
}

int
hsm_key_seek(struct hsm *h, struct hsm_key *k)
{
	return h->apart != NULL ? hsm_apart_seek(h, k) : hsm_run(h, open_op, k, NULL, &k->info);
}

int
hsm_key_open(struct hsm *h, const char *uri, struct hsm_key **ret)
{
	_cleanup_(hsm_key_freep) struct hsm_key *k = calloc(1, sizeof(*k));
	int rc;

	if (k == NULL)
		return -ENOMEM;
	if ((rc = uri_fill(uri, k)) < 0)
		return rc;
	if ((rc = hsm_key_seek(h, k)) < 0)
		return rc;
	*ret = TAKE_PTR(k);
	return 0;
}

struct hsm_key *
hsm_key_free(struct hsm_key *k)
{
	free(k);
	return NULL;
}

const struct hsm_key_info *
hsm_key_info(const struct hsm_key *k)
{
	return &k->info;
}

const struct hsm_public *
hsm_key_public(const struct hsm_key *k)
{
	return &k->public;
}

void
hsm_key_check(const struct hsm_key *k, struct findings *fs)
{
	if (k->info.may_leave)
		finding_add(fs, &hsm_findings[HSM_KEY_LEAVES], FA_HEX("id", k->id, k->info.id.n));
}

/* RFC 7512 section 2.3: all but unreserved letters as %XX. */
static void
percent(struct buf *b, struct sv s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
		    c == '-' || c == '.' || c == '_')
			buf_char(b, c);
		else
			buf_printf(b, "%%%02X", (unsigned char)c);
	}
}

/* PKCS#11 fills its fields with blanks. */
static struct sv
field(const unsigned char *p, size_t n)
{
	while (n > 0 && p[n - 1] == ' ')
		n--;
	return (struct sv){ (const char *)p, n };
}

void
hsm_key_uri(const struct hsm *h, const struct hsm_key *k, struct buf *b)
{
	buf_str(b, "pkcs11:token=");
	percent(b, field(h->label, sizeof(h->label)));
	buf_str(b, ";serial=");
	percent(b, field(h->serial, sizeof(h->serial)));
	if (k->info.id.n > 0) {
		buf_str(b, ";id=");
		for (size_t i = 0; i < k->info.id.n; i++)
			buf_printf(b, "%%%02X", (unsigned char)k->id[i]);
	}
	if (k->by_label) {
		buf_str(b, ";object=");
		percent(b, k->info.label);
	}
	buf_str(b, ";type=private");
}

/* --- all keys --- */

struct list {
	struct pool		*pool;
	CK_OBJECT_HANDLE	*handle;
	struct hsm_key		*key;		/* one after the other passes through this */
	struct hsm_key_info	*info;
	size_t			 n;
};

static CK_RV
list_op(struct hsm *h, struct hsm_session *s, void *arg)
{
	CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
	CK_ATTRIBUTE a = { CKA_CLASS, &class, sizeof(class) };
	struct list *l = arg;
	size_t n;
	CK_RV rv = hsm_objects(h, s, &a, 1, l->handle, HSM_KEYS_MAX + 1, &n);

	if (rv != CKR_OK)
		return rv;
	if (n > HSM_KEYS_MAX)
		return HSM_RV_LIMIT;
	l->info = pool_alloc(l->pool, (n + 1) * sizeof(*l->info));
	if (l->info == NULL)
		return HSM_RV_NO_MEMORY;
	for (l->n = 0; l->n < n; l->n++) {
		struct hsm_key_info *k = &l->info[l->n];

		if ((rv = hsm_key_load(h, s, l->handle[l->n], l->key)) != CKR_OK)
			return rv;
		*k = l->key->info;
		k->id = pool_sv(l->pool, k->id);
		k->label = pool_sv(l->pool, k->label);
		if ((l->key->info.id.n > 0 && k->id.p == NULL) ||
		    (l->key->info.label.n > 0 && k->label.p == NULL))
			return HSM_RV_NO_MEMORY;
	}
	return CKR_OK;
}

int
hsm_list(struct hsm *h, struct pool *pool, struct hsm_key_info **ret, size_t *ret_n)
{
	struct list l = { .pool = pool };
	_cleanup_(hsm_key_freep) struct hsm_key *k = NULL;
	int rc;

	if (h->apart != NULL)
		return hsm_apart_list(h, pool, ret, ret_n);
	if ((k = l.key = calloc(1, sizeof(*l.key))) == NULL ||
	    (l.handle = calloc(HSM_KEYS_MAX + 1, sizeof(*l.handle))) == NULL)
		return -ENOMEM;
	rc = hsm_run(h, list_op, &l, NULL, NULL);
	free(l.handle);
	if (rc < 0)
		return rc;
	*ret = l.info;
	*ret_n = l.n;
	return 0;
}
