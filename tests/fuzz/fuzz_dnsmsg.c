/*
 * A message from a stranger: read, written again, read again; and as a query,
 * as an answer, and as something signed.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "dns/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static uint8_t room[DNS_RDATA_MAX], room2[DNS_RDATA_MAX];

/* What was written is what is read, record by record. */
static void
same(struct sv raw, const uint8_t *again, size_t n)
{
	struct dmsg a, b;
	enum dns_section sa, sb;
	struct dns_rr ra, rb;
	int rc;

	if (dmsg_open(&a, raw, room) < 0 ||
	    dmsg_open(&b, (struct sv){ (const char *)again, n }, room2) < 0)
		abort();
	while ((rc = dmsg_next(&a, &sa, &ra)) > 0) {
		if (dmsg_next(&b, &sb, &rb) != 1 || sa != sb || ra.type != rb.type ||
		    ra.class != rb.class || ra.ttl != rb.ttl || ra.owner->len != rb.owner->len ||
		    memcmp(ra.owner->w, rb.owner->w, ra.owner->len) != 0 ||
		    !sv_eq(ra.rdata, rb.rdata))
			abort();
	}
	if (rc != 0 || dmsg_next(&b, &sb, &rb) != 0)
		abort();
}

static void
round_trip(struct sv raw)
{
	static uint8_t out[DNS_MSG_MAX];
	struct dns_question q;
	enum dns_section s;
	struct dmsg_wr w;
	struct dns_rr rr;
	struct dmsg m;
	size_t n;
	int rc;

	if (dmsg_open(&m, raw, room) < 0)
		return;
	dmsg_begin(&w, out, sizeof(out), &m.head);
	while ((rc = dmsg_question(&m, &q)) > 0)
		if (q.class != DNS_CLASS_IN || dmsg_put_question(&w, &q.name, q.type) < 0)
			return;
	if (rc < 0)
		return;
	while ((rc = dmsg_next(&m, &s, &rr)) > 0)
		if (dmsg_put(&w, s, &rr) < 0)
			return;		/* compressed more tightly than we do */
	n = dmsg_end(&w);
	if (rc == 0 && n == 0)
		abort();
	if (rc == 0)
		same(raw, out, n);
}

static void
signed_ones(struct sv raw, struct findings *fs)
{
	struct tsig_key key;
	const struct tsig_keys keys = { &key, 1 };
	struct tsig t;
	uint16_t rcode;
	int verdict;

	if (tsig_key_parse(SV("hmac-sha256:k:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="), fs, &key) < 0)
		abort();
	verdict = tsig_request(&t, &keys, raw, room, 1795352400, fs, &rcode);
	if (verdict < 0 || (verdict == TSIG_FAILED) != (rcode != DNS_NOERROR))
		abort();
	tsig_done(&t);
	if (tsig_begin(&t, &key) < 0)
		abort();
	t.stream = raw.n % 2 != 0;
	for (unsigned i = 0; i < 2; i++)
		if ((verdict = tsig_answer(&t, raw, room, 1795352400, fs)) == TSIG_NONE || verdict < 0)
			abort();	/* with a key, it is one of the others */
	(void)tsig_finish(&t, fs);
	tsig_done(&t);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct sv raw = { (const char *)bytes, n };
	struct pool *pool = pool_new(1 << 16);
	const struct dname zone = { .len = 1 };
	struct findings fs;
	struct dns_query q;
	uint32_t serial;

	if (pool == NULL)
		abort();
	findings_init(&fs, pool);
	round_trip(raw);
	if (dns_query_parse(raw, room, &q) == 0 && n < DNS_HEAD_LEN)
		abort();
	if (soa_answer_parse(raw, room, 4660, &zone, &fs, &serial) < 0 && fs.n_by_severity[SEV_REJECT] == 0)
		abort();		/* refused without a reason */
	signed_ones(raw, &fs);
	(void)pool_free(pool);
	return 0;
}
