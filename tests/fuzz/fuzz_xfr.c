/*
 * A transfer from a stranger, messages with their lengths in front as by TCP:
 * as AXFR, IXFR and IXFR by UDP, into a zone; and the zone out again.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "dns/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static uint8_t room[DNS_RDATA_MAX];

struct taker {
	struct dname		 apex;
	struct zone_builder	*b;
	struct findings		*fs;
};

static int
take_full(void *arg)
{
	struct taker *t = arg;

	(void)zone_builder_free(t->b);
	t->b = zone_builder_new(&t->apex, t->fs);
	return t->b == NULL ? -1 : 0;
}

static int
take_add(void *arg, const struct dns_rr *rr)
{
	struct taker *t = arg;

	return zone_builder_add(t->b, rr);
}

/* What went in comes out, in messages that can be read. */
static void
out_again(struct zone *z)
{
	const struct dns_query q = { .q = { .name = *zone_apex(z), .type = RR_AXFR, .class = DNS_CLASS_IN } };
	struct xfr_out *x = xfr_out_axfr(&q, z);
	static uint8_t buf[DNS_MSG_MAX];
	enum dns_section s;
	struct dns_rr rr;
	struct dmsg m;
	size_t len;
	int rc;

	while (x != NULL && xfr_out_next(x, buf, sizeof(buf), 0, &len) > 0) {
		if (dmsg_open(&m, (struct sv){ (const char *)buf, len }, room) < 0)
			abort();
		while ((rc = dmsg_next(&m, &s, &rr)) > 0)
			;
		if (rc < 0)
			abort();
	}
	(void)xfr_out_free(x);
}

static void
journal(const struct xfr_diff *d, const struct dname *zone)
{
	struct xfr_diff *again = NULL;
	struct buf b = BUF_INIT;
	struct rd r;

	if (xfr_diff_write(&b, d) == 0) {
		r = rd_mem(b.p, b.len);
		/* Types and names are what the server sent: a zone need not hold them. */
		if (xfr_diff_parse(&r, zone, 0, &again) == 1 &&
		    (xfr_diff_n_del(again) != xfr_diff_n_del(d) ||
		    xfr_diff_n_add(again) != xfr_diff_n_add(d)))
			abort();
	}
	(void)xfr_diff_free(again);
	buf_done(&b);
}

static int
feed(struct xfr_in *x, struct rd in, uint16_t id)
{
	static uint8_t msg[DNS_MSG_MAX];
	int rc = XFR_IN_MORE;
	struct sv m;

	while (rc == XFR_IN_MORE && rd_left(&in) > 2) {
		m = rd_slice(&in, rd_be16(&in));
		if (in.bad || m.n < 2)
			break;
		memcpy(msg, m.p, m.n);
		put_be16(msg, id);
		rc = xfr_in_message(x, (struct sv){ (const char *)msg, m.n });
	}
	return rc;
}

static void
transfer(const uint8_t *bytes, size_t n, bool ixfr, bool udp, struct findings *fs)
{
	struct taker t = { .fs = fs };
	struct xfr_in_opts o = { .id = 7, .ixfr = ixfr, .udp = udp, .has_serial = ixfr, .serial = 5,
	    .full = take_full, .add = take_add, .arg = &t, .records_max = 10000 };
	struct zone *z = NULL;
	struct xfr_diff *d;
	struct xfr_in *x;
	int rc;

	if (dname_parse(SV("example."), NULL, &t.apex) < 0)
		abort();
	o.zone = t.apex;
	if ((x = xfr_in_new(&o, fs)) == NULL)
		abort();
	rc = feed(x, rd_mem(bytes, n), o.id);
	xfr_in_end(x);
	if (rc == XFR_IN_FULL && zone_builder_done(t.b, &z) == 0)
		out_again(z);
	if ((d = xfr_in_diff(x)) != NULL)
		journal(d, &t.apex);
	if ((d != NULL) != (rc == XFR_IN_DIFF))
		abort();
	(void)xfr_diff_free(d);
	(void)zone_unref(z);
	(void)zone_builder_free(t.b);
	(void)xfr_in_free(x);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct pool *pool = pool_new(1 << 16);
	struct findings fs;

	if (pool == NULL)
		abort();
	findings_init(&fs, pool);
	transfer(bytes, n, false, false, &fs);
	transfer(bytes, n, true, false, &fs);
	transfer(bytes, n, true, true, &fs);
	(void)pool_free(pool);
	return 0;
}
