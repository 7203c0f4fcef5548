/*
 * Data of a type (the first two octets), taken as octets and as text: what is
 * well-formed is printed and read as the same octets; the canonical form is
 * well-formed and its own canonical form.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "dns/dns.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

/* parse∘print is nothing. */
static void
round_trip(uint16_t type, struct sv rdata, uint8_t *tmp)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	size_t n;

	rdata_print(&b, type, rdata);
	if (b.rc < 0 || rdata_parse(type, buf_get(&b), NULL, tmp, &n) < 0 || n != rdata.n ||
	    (n > 0 && memcmp(tmp, rdata.p, n) != 0))
		abort();
}

static void
canonical(uint16_t type, struct sv rdata, uint8_t *tmp)
{
	static uint8_t once[DNS_RDATA_MAX];

	if (rdata.n > 0)
		memcpy(tmp, rdata.p, rdata.n);
	rdata_canonical(type, tmp, rdata.n);
	memcpy(once, tmp, rdata.n);
	rdata_canonical(type, tmp, rdata.n);
	if (!rdata_ok(type, (struct sv){ (const char *)tmp, rdata.n }) || memcmp(once, tmp, rdata.n) != 0)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	static const struct dname origin = { .len = 9, .w = "\7example" };
	static uint8_t data[DNS_RDATA_MAX], tmp[DNS_RDATA_MAX];
	struct sv rest = { (const char *)bytes + 2, n - 2 };
	struct buf b = BUF_INIT;
	uint16_t type;
	size_t len;

	if (n < 2)
		return 0;
	type = (uint16_t)(bytes[0] << 8 | bytes[1]);
	if (rdata_ok(type, rest)) {
		round_trip(type, rest, tmp);
		canonical(type, rest, tmp);
	}
	if (rest.n <= DNS_RDATA_MAX)
		rdata_print(&b, type, rest);
	buf_done(&b);
	if (rdata_parse(type, rest, &origin, data, &len) == 0) {
		struct sv rdata = { (const char *)data, len };

		if (!rdata_ok(type, rdata))
			abort();
		round_trip(type, rdata, tmp);
		canonical(type, rdata, tmp);
	}
	return 0;
}
