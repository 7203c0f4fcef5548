/* The file of TSIG keys: read and judged before anything is changed, handed to zone. */
#include <string.h>

#include "app/zone_tsig.h"
#include "crypto/crypto.h"
#include "role/parent.h"
#include "sys/memfd.h"

int
tsig_read(struct parent *p, const struct conf *c, struct buf *ret, struct buf *err)
{
	return zone_tsig_read(c, p->lang, ret, err);
}

void
conf_mark(struct sv text, struct buf *b)
{
	uint8_t sum[SHA256_LEN];

	crypto_sha256(text.p, text.n, sum);
	buf_bytes(b, sum, sizeof(sum));
}

void
tsig_mark(const struct parent *p, struct buf *b)
{
	conf_mark(buf_get(&p->auth.tsig), b);
}

int
tsig_send(struct child *c)
{
	struct msg_zone_tsig m;
	int rc;

	if (c->p->auth.tsig.len == 0)
		return 0;
	if ((rc = memfd_of("tsig", buf_get(&c->p->auth.tsig), &m.text)) < 0)
		return rc;
	rc = child_send(c, MSG_zone_tsig, &m);
	fd_close(&m.text);
	return rc;
}
