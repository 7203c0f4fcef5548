/* Route origin authorizations (RFC 9582). */
#include <errno.h>
#include <string.h>

#include "rpki/internal.h"

/*
 * RFC 9582 section 4.3.3: the canonical order of two entries of one family:
 * by address, then prefix length, then maximum length; all ascending.
 */
static int
entry_cmp(const struct vrp *a, const struct vrp *b)
{
	int c = memcmp(a->addr, b->addr, 16);

	if (c != 0)
		return c;
	if (a->len != b->len)
		return a->len < b->len ? -1 : 1;
	return (a->max_len > b->max_len) - (a->max_len < b->max_len);
}

struct reading {
	struct findings		*fs;
	struct rpki_object	*o;
	uint32_t		 asn;
	bool			 disordered;
	const char		*why;		/* malformed blocks */
};

static bool
max_length_parse(struct der *seq, struct vrp *v, struct reading *r)
{
	struct sv n = der_integer(seq);
	struct ip_prefix p = { .af = v->af, .len = v->len };
	uint64_t max = 0;

	if (!der_ok(seq))
		return false;
	memcpy(p.addr, v->addr, 16);
	if (!der_int_negative(n) && n.n <= 2)
		for (size_t i = 0; i < n.n; i++)
			max = max << 8 | (uint8_t)n.p[i];
	if (der_int_negative(n) || n.n > 2 || max < v->len || max > ip_bits(v->af)) {
		finding_add(r->fs, F(RPKI_ROA_MAX_LENGTH),
		    FA_U("max_length", max), FA_PREFIX("prefix", p));
		return false;
	}
	v->max_len = (uint8_t)max;
	return true;
}

static void
address_parse(struct der *list, uint8_t af, struct reading *r)
{
	struct der seq = der_enter(list, DER_SEQUENCE);
	struct vrp *v = &r->o->vrps[r->o->n_vrps];
	struct ip_prefix p;
	unsigned unused;
	struct sv bits = der_bits(&seq, &unused);

	if (!der_ok(list))
		return;
	if (!ip_prefix_from_bits(bits, unused, af, &p)) {
		finding_add0(r->fs, F(RPKI_ROA_PREFIX));
		return;
	}
	memcpy(v->addr, p.addr, 16);
	v->af = af;
	v->len = v->max_len = p.len;
	v->asn = r->asn;
	if (der_peek(&seq) == DER_INTEGER && !max_length_parse(&seq, v, r))
		return;
	der_end(&seq);
	if (r->o->n_vrps > 0 && v[-1].af == af && entry_cmp(&v[-1], v) >= 0)
		r->disordered = true;
	r->o->n_vrps++;
}

static void
family_parse(struct der *blocks, unsigned *seen, struct reading *r)
{
	struct der fam = der_enter(blocks, DER_SEQUENCE), list;
	struct sv id = der_value(&fam, DER_OCTET_STRING);
	struct rd af_rd = rd_sv(id);
	uint16_t afi = rd_be16(&af_rd);

	if (!der_ok(blocks))
		return;
	if (!rd_done(&af_rd) || afi < 1 || afi > 2) {
		r->why = N_("an unknown address family");
		return;
	}
	if (*seen & 1u << afi) {
		r->why = N_("an address family stands twice");
		return;
	}
	if (*seen != 0 && afi == 1)
		r->disordered = true;
	*seen |= 1u << afi;
	list = der_enter(&fam, DER_SEQUENCE);
	der_end(&fam);
	if (der_ok(blocks) && der_peek(&list) == 0)
		r->why = N_("the list is empty");
	while (der_peek(&list) != 0)
		address_parse(&list, afi == 1 ? IP_V4 : IP_V6, r);
}

/* How many prefixes there are in all blocks; seq stands before them. */
static size_t
entries_count(struct der seq)
{
	struct der blocks = der_enter(&seq, DER_SEQUENCE);
	size_t n = 0;
	uint8_t tag;

	while (der_peek(&blocks) != 0) {
		struct der fam = der_enter(&blocks, DER_SEQUENCE);

		(void)der_any(&fam, &tag, NULL);
		n += der_count(der_enter(&fam, DER_SEQUENCE));
	}
	return n;
}

static void
blocks_parse(struct der *seq, struct reading *r)
{
	struct der blocks;
	unsigned seen = 0;

	der_at(seq, "ipAddrBlocks");
	blocks = der_enter(seq, DER_SEQUENCE);
	if (der_ok(seq) && der_peek(&blocks) == 0)
		r->why = N_("the list is empty");
	while (der_peek(&blocks) != 0 && r->why == NULL)
		family_parse(&blocks, &seen, r);
	if (der_ok(seq) && r->why != NULL)
		finding_add(r->fs, F(RPKI_ROA_BLOCKS), FA_MSG("why", r->why));
	else if (der_ok(seq) && r->disordered)
		finding_add0(r->fs, F(RPKI_ROA_ORDER));
}

int
roa_parse(struct pool *pool, struct sv content, struct findings *fs,
    struct rpki_object *o)
{
	struct reading r = { .fs = fs, .o = o };
	struct der_doc doc;
	struct der d = der_on(&doc, content), seq;
	size_t n;
	uint8_t tag;

	der_at(&d, "routeOriginAttestation");
	seq = der_enter(&d, DER_SEQUENCE);
	der_end(&d);
	if (der_peek(&seq) == DER_CTX_C(0)) {	/* DEFAULT 0 is never written */
		(void)der_any(&seq, &tag, NULL);
		finding_add0(fs, F(RPKI_ROA_VERSION));
	}
	der_at(&d, "asID");
	r.asn = der_u32(&seq);
	if ((n = entries_count(seq)) > RPKI_ROA_PREFIXES_MAX) {
		finding_add(fs, F(RPKI_ROA_MANY), FA_U("limit", RPKI_ROA_PREFIXES_MAX));
		return 0;
	}
	if ((o->vrps = pool_calloc(pool, n + 1, sizeof(*o->vrps))) == NULL)
		return -ENOMEM;
	blocks_parse(&seq, &r);
	der_at(&d, "routeOriginAttestation");
	der_end(&seq);
	(void)der_report(&doc, fs);
	return 0;
}

void
roa_check(const struct rpki_object *o, const struct cert *ee,
    const struct resources *ee_res, struct findings *fs)
{
	if (ee->res.as.present)
		finding_add(fs, F(RPKI_ROA_EE), FA_MSG("why", N_("it has AS numbers")));
	if (ee->res.v4.inherit || ee->res.v6.inherit) {
		finding_add(fs, F(RPKI_ROA_EE), FA_MSG("why", N_("it inherits addresses")));
		return;
	}
	if (!ee->res.v4.present && !ee->res.v6.present) {
		finding_add(fs, F(RPKI_ROA_EE), FA_MSG("why", N_("it has no IP addresses")));
		return;
	}
	for (size_t i = 0; i < o->n_vrps; i++) {
		struct ip_prefix p = { .af = o->vrps[i].af, .len = o->vrps[i].len };

		memcpy(p.addr, o->vrps[i].addr, 16);
		if (ip_res_covers_prefix(ee_res, &p))
			continue;
		finding_add(fs, F(RPKI_ROA_OVERCLAIM), FA_PREFIX("prefix", p));
		return;			/* one is enough to reject it */
	}
}
