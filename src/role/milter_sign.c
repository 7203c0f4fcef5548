/* Keys and signatures of role seal: see role/milter_role.h. */
#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "role/milter_role.h"
#include "sys/memfd.h"

#define SIGNATURE_MAX	512		/* RSA of 4096 bits */

struct question {
	uint32_t	key;
	uint8_t		digest[SHA256_LEN];
};

/* In the loop: a question that a thread put down. */
static int
ask_seal(void *arg, uint64_t id, const void *question)
{
	const struct question *q = question;
	const struct msg_seal_ask m = { .id = id, .key = q->key,
	    .digest = { (const char *)q->digest, sizeof(q->digest) } };

	return msg_seal_ask_send(arg, ROLE_SEAL, &m);
}

/* On a thread of libmilter's. */
static int
sign(void *arg, uint32_t key, const uint8_t digest[static SHA256_LEN], struct pool *pool,
    struct sv *ret_b)
{
	struct milter_hall *h = arg;
	struct question q = { .key = key };
	char b[SIGNATURE_MAX];
	size_t n;
	int rc;

	memcpy(q.digest, digest, sizeof(q.digest));
	if ((rc = desk_ask(h->desk, &q, MILTER_SIGN_USEC, b, sizeof(b), &n)) < 0)
		return rc;
	*ret_b = pool_sv(pool, (struct sv){ b, n });
	return ret_b->p == NULL ? -ENOMEM : 0;
}

void
milter_sign_answer(struct milter_hall *h, const struct msg_seal_answer *m)
{
	desk_answer(h->desk, m->id, m->code < 0 && m->code > INT32_MIN ? (int)m->code : 0, m->b.p, m->b.n);
}

static void
table_done(void *table)
{
	(void)mail_sign_table_free(table);
}

int
milter_sign_table(struct milter_hall *h, int fd)
{
	_cleanup_(mail_sign_table_freep) struct mail_sign_table *t = NULL;
	struct file_map map;
	int rc = memfd_map(fd, false, MAIL_SIGN_TEXT_MAX, &map);

	if (rc < 0)
		return rc;
	rc = mail_sign_table_parse(map.data, &t);
	file_unmap(&map);
	if (rc < 0 || (rc = lend_set(h->signs, t)) < 0)
		return rc;
	(void)TAKE_PTR(t);
	return 0;
}

int
milter_sign_init(struct milter_hall *h, struct role *r)
{
	h->signer = (struct mail_signer){ .sign = sign, .arg = h };
	if ((h->signs = lend_new(table_done)) == NULL)
		return -ENOMEM;
	return desk_new(r->loop, ask_seal, r, &h->desk);
}
