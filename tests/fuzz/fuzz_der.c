/* DER: what the strict reader takes is the one shortest encoding of its content. */
#include <stdint.h>
#include <stdlib.h>

#include "rpki/der.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static size_t
head_len(size_t n)
{
	size_t len = 2;

	if (n < 0x80)
		return len;
	for (; n > 0; n >>= 8)
		len++;
	return len;
}

static void
walk(struct der *d, unsigned depth)
{
	while (der_ok(d) && der_peek(d) != 0) {
		struct sv whole = { 0 };
		uint8_t tag = 0;
		struct sv content = der_any(d, &tag, &whole);

		if (!der_ok(d))
			return;
		if (whole.n != head_len(content.n) + content.n ||
		    (uint8_t)whole.p[0] != tag)
			abort();
		if ((tag & 0x20) != 0 && depth < 32) {
			struct der in = der_on(d->doc, content);

			walk(&in, depth + 1);
		}
	}
}

/* Each reader of one value, on the same bytes. */
static void
values(struct sv s)
{
	for (int i = 0; i < 8; i++) {
		struct der_doc doc = { .base = (const uint8_t *)s.p, .where = "fuzz" };
		struct der d = der_on(&doc, s);
		struct buf b = BUF_INIT;
		unsigned unused;
		uint8_t tag;

		switch (i) {
		case 0: (void)der_integer(&d); break;
		case 1: (void)der_u32(&d); break;
		case 2: (void)der_boolean(&d); break;
		case 3: oid_print(&b, der_oid(&d)); break;
		case 4: der_null(&d); break;
		case 5: (void)der_bits(&d, &unused); break;
		case 6: (void)der_time(&d, &tag); break;
		default: (void)der_whole(&d, DER_SET); break;
		}
		der_end(&d);
		buf_done(&b);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct der_doc doc = { .base = p, .where = "fuzz" };
	struct sv s = { (const char *)p, n };
	struct der d = der_on(&doc, s);

	walk(&d, 0);
	values(s);
	return 0;
}
