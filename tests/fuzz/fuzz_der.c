/* The DER reader on anything: what it takes is written back byte for byte. */
#include "fuzz_rpki.h"

#define DEPTH	12

static void
same(const struct wr *w, struct sv whole)
{
	must(wr_done(w) && sv_eq((struct sv){ (const char *)w->buf, w->len }, whole));
}

/* Read the value again by its own reader; if that accepts it, write it. */
static void
typed(struct sv whole, uint8_t tag)
{
	uint8_t mem[256], t;
	struct wr w = wr_mem(mem, sizeof(mem));
	struct der_doc doc;
	struct der d = der_on(&doc, whole);
	struct buf b = BUF_INIT;
	unsigned unused;
	struct sv v;
	uint32_t u;
	int64_t at;

	if (whole.n > 128)
		return;
	switch (tag) {
	case DER_INTEGER:
		u = der_u32(&d);
		if (der_ok(&d)) {
			wder_uint(&w, u);
			same(&w, whole);
		}
		break;
	case DER_BIT_STRING:
		v = der_bits(&d, &unused);
		if (der_ok(&d)) {
			wder_bits(&w, v.p, v.n, (uint8_t)unused);
			same(&w, whole);
		}
		break;
	case DER_UTC_TIME:
	case DER_GENERALIZED_TIME:
		at = der_time(&d, &t);
		if (der_ok(&d) && t == DER_GENERALIZED_TIME)
			wder_gentime(&w, at);
		else if (der_ok(&d))
			wder_time(&w, at);
		if (der_ok(&d))
			same(&w, whole);
		break;
	case DER_OID:
		v = der_oid(&d);
		if (der_ok(&d))
			oid_print(&b, v);
		break;
	case DER_BOOLEAN:
		must(der_boolean(&d) ? der_ok(&d) : true);
		break;
	default:
		break;
	}
	buf_done(&b);
}

static void
walk(struct der *d, int depth)
{
	while (der_peek(d) != 0) {
		struct sv whole = { NULL, 0 }, v;
		struct der copy = *d;
		uint8_t tag;

		v = der_any(d, &tag, &whole);
		if (!der_ok(d))
			return;
		must(tag != 0 && whole.n >= v.n + 2 && whole.p + whole.n == v.p + v.n);
		typed(whole, tag);
		if ((tag & 0x20) != 0 && depth < DEPTH) {
			struct der in = der_enter(&copy, tag);

			walk(&in, depth + 1);
			der_end(&in);
		}
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	FUZZ_BEGIN(f);
	struct der_doc doc;
	struct der d = der_on(&doc, (struct sv){ (const char *)p, n });

	walk(&d, 0);
	der_end(&d);
	must(doc.fault_off <= n);
	(void)der_report(&doc, &f.fs);
	fuzz_end(&f);
	return 0;
}
