/* Signatures: one session for a batch, and on from where it failed. */
#include "hsm/internal.h"

struct batch {
	struct hsm_key	*key;
	struct hsm_make	*item;
	size_t		 n, n_done;
};

static CK_RV
sign_op(struct hsm *h, struct hsm_session *s, void *arg)
{
	struct batch *b = arg;
	CK_MECHANISM mech = { hsm_kind_row(b->key->info.kind)->sign, NULL, 0 };
	CK_OBJECT_HANDLE o = 0;
	CK_RV rv = hsm_key_handle(h, s, b->key, &o);

	for (; rv == CKR_OK && b->n_done < b->n; b->n_done += rv == CKR_OK) {
		struct hsm_make *m = &b->item[b->n_done];
		CK_ULONG len = HSM_SIG_MAX;

		if ((rv = h->f->C_SignInit(s->handle, &mech, o)) != CKR_OK)
			break;
		rv = h->f->C_Sign(s->handle, (CK_BYTE *)(uintptr_t)m->data.p, m->data.n, m->sig, &len);
		if (rv == CKR_OK && (len == 0 || len > HSM_SIG_MAX))
			rv = HSM_RV_NONSENSE;
		m->sig_len = len;
	}
	return rv;
}

int
hsm_sign(struct hsm *h, struct hsm_key *k, struct hsm_make *item, size_t n)
{
	struct batch b = { .key = k, .item = item, .n = n };

	return h->apart != NULL ? hsm_apart_sign(h, k, item, n) :
	    hsm_run(h, sign_op, &b, &b.n_done, &k->info);
}
