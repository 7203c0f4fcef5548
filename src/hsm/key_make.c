/* Keys of a token: made, and deleted. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "hsm/internal.h"

#define ID_LEN		16	/* nobody can plant a key under an id that he cannot guess */
#define HALVES_MAX	16	/* of one id; more than two are somebody's mistake */

struct make {
	enum hsm_kind	 kind;
	CK_ULONG	 bits;
	struct sv	 label;
	bool		 by_name;	/* of the curve */
	char		 id[ID_LEN];
};

/* Objects of a token are written in a session that may write; its user is logged in already. */
static CK_RV
writer_open(struct hsm *h, CK_SESSION_HANDLE *ret)
{
	CK_SLOT_ID slot;

	(void)pthread_mutex_lock(&h->lock);
	slot = h->slot;
	(void)pthread_mutex_unlock(&h->lock);
	return h->f->C_OpenSession(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, ret);
}

static CK_ATTRIBUTE
attr_of(CK_ATTRIBUTE_TYPE type, const void *p, size_t n)
{
	return (CK_ATTRIBUTE){ type, (void *)(uintptr_t)p, n };
}

static CK_RV
pair_make(struct hsm *h, CK_SESSION_HANDLE session, const struct make *m)
{
	static const CK_BBOOL yes = CK_TRUE_, no = CK_FALSE_;
	static const unsigned char f4[] = { 1, 0, 1 };
	const struct hsm_kind_row *row = hsm_kind_row(m->kind);
	CK_MECHANISM mech = { row->generate, NULL, 0 };
	CK_ATTRIBUTE pub[] = {
		attr_of(CKA_TOKEN, &yes, sizeof(yes)), attr_of(CKA_VERIFY, &yes, sizeof(yes)),
		attr_of(CKA_ID, m->id, sizeof(m->id)), attr_of(CKA_LABEL, m->label.p, m->label.n),
		attr_of(CKA_MODULUS_BITS, &m->bits, sizeof(m->bits)),
		attr_of(CKA_PUBLIC_EXPONENT, f4, sizeof(f4)),
	};
	CK_ATTRIBUTE priv[] = {
		attr_of(CKA_TOKEN, &yes, sizeof(yes)), attr_of(CKA_PRIVATE, &yes, sizeof(yes)),
		attr_of(CKA_SENSITIVE, &yes, sizeof(yes)), attr_of(CKA_EXTRACTABLE, &no, sizeof(no)),
		attr_of(CKA_SIGN, &yes, sizeof(yes)), attr_of(CKA_ID, m->id, sizeof(m->id)),
		attr_of(CKA_LABEL, m->label.p, m->label.n),
		/* RSA keys would do these, too, if nobody said no. */
		attr_of(CKA_DECRYPT, &no, sizeof(no)), attr_of(CKA_UNWRAP, &no, sizeof(no)),
	};
	CK_OBJECT_HANDLE a, b;
	CK_ULONG n_pub = 6, n_priv = ARRAY_LEN(priv);

	if (row->params != NULL) {
		pub[4] = m->by_name ? attr_of(CKA_EC_PARAMS, row->params2, row->params2_len) :
		    attr_of(CKA_EC_PARAMS, row->params, row->params_len);
		n_pub = 5;
		n_priv -= 2;
	}
	return h->f->C_GenerateKeyPair(session, &mech, pub, n_pub, priv, n_priv, &a, &b);
}

/*
 * Each attempt under an id of its own: one that failed may have left something behind, which
 * must not be taken for the key of the next.
 */
static CK_RV
make_op(struct hsm *h, struct hsm_session *s UNUSED, void *arg)
{
	struct make *m = arg;
	CK_SESSION_HANDLE writer;
	CK_RV rv;

	if (getrandom(m->id, sizeof(m->id), 0) != (ssize_t)sizeof(m->id))
		return HSM_RV_NO_MEMORY;
	if ((rv = writer_open(h, &writer)) != CKR_OK)
		return rv;
	rv = pair_make(h, writer, m);
	if (rv != CKR_OK && hsm_error_find(rv)->code == HSM_REFUSED &&
	    hsm_kind_row(m->kind)->params2 != NULL) {
		m->by_name = true;
		rv = pair_make(h, writer, m);
	}
	(void)h->f->C_CloseSession(writer);
	return rv;
}

static int
generate_apart(struct hsm *h, enum hsm_kind kind, unsigned bits, struct sv label, struct hsm_key **ret)
{
	_cleanup_(hsm_key_freep) struct hsm_key *k = calloc(1, sizeof(*k));
	int rc = k == NULL ? -ENOMEM : hsm_apart_generate(h, kind, bits, label, k);

	if (rc == 0)
		*ret = TAKE_PTR(k);
	return rc;
}

int
hsm_generate(struct hsm *h, enum hsm_kind kind, unsigned bits, struct sv label,
    struct hsm_key **ret)
{
	struct make m = { .kind = kind, .bits = bits, .label = label };
	_cleanup_(buf_done) struct buf uri = BUF_INIT;
	int rc;

	if (label.n > HSM_LABEL_MAX)
		return -EINVAL;
	if (h->apart != NULL)
		return generate_apart(h, kind, bits, label, ret);
	if ((rc = hsm_run(h, make_op, &m, NULL, NULL)) < 0)
		return rc;
	buf_str(&uri, "pkcs11:id=");
	for (size_t i = 0; i < sizeof(m.id); i++)
		buf_printf(&uri, "%%%02X", (unsigned char)m.id[i]);
	buf_char(&uri, '\0');
	if (uri.rc < 0)
		return uri.rc;
	return hsm_key_open(h, uri.p, ret);
}

/* --- deleted --- */

static CK_RV
class_delete(struct hsm *h, struct hsm_session *s, CK_SESSION_HANDLE writer, const struct hsm_key *k)
{
	CK_OBJECT_HANDLE found[HALVES_MAX];
	size_t n;
	CK_RV rv = hsm_key_halves(h, s, k, CKO_PUBLIC_KEY, found, HALVES_MAX, &n);

	for (size_t i = 0; rv == CKR_OK && i < n; i++)
		rv = h->f->C_DestroyObject(writer, found[i]);
	return rv;
}

static CK_RV
delete_op(struct hsm *h, struct hsm_session *s, void *arg)
{
	struct hsm_key *k = arg;
	CK_SESSION_HANDLE writer;
	CK_OBJECT_HANDLE o = 0;
	CK_RV rv;

	/* Of two keys with the same id neither is deleted. */
	k->gen[s - h->session] = 0;
	if ((rv = hsm_key_handle(h, s, k, &o)) != CKR_OK || (rv = writer_open(h, &writer)) != CKR_OK)
		return rv;
	/* The private half last: without it the next attempt would find nothing to do. */
	rv = k->info.id.n > 0 ? class_delete(h, s, writer, k) : CKR_OK;
	if (rv == CKR_OK)
		rv = h->f->C_DestroyObject(writer, o);
	k->gen[s - h->session] = 0;
	(void)h->f->C_CloseSession(writer);
	return rv;
}

int
hsm_key_delete(struct hsm *h, struct hsm_key *k)
{
	return h->apart != NULL ? hsm_apart_delete(h, k) : hsm_run(h, delete_op, k, NULL, &k->info);
}
