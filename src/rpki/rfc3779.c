/*
 * IP address and AS identifier extensions (RFC 3779) and the arithmetic of
 * "does the issuer hold it".
 *
 * Lists are kept merged: neighbours become one range when they are read, so
 * that a child may hold a range that its issuer wrote in two pieces.
 */
#include <errno.h>
#include <string.h>

#include "rpki/internal.h"

enum {
	AFI_IPV4 = 1,
	AFI_IPV6 = 2,
};

static uint8_t
afi_af(uint32_t afi)
{
	return afi == AFI_IPV4 ? IP_V4 : IP_V6;
}

static size_t
af_bytes(uint8_t af)
{
	return af == IP_V4 ? 4 : 16;
}

/* addr + 1, or false at the last address. */
static bool
addr_next(uint8_t addr[static 16], uint8_t af)
{
	for (size_t i = af_bytes(af); i-- > 0;)
		if (++addr[i] != 0)
			return true;
	return false;
}

/* Fill behind the prefix's bits: ones for the last address. */
static void
addr_last(uint8_t addr[static 16], unsigned len, uint8_t af)
{
	for (size_t i = 0; i < af_bytes(af); i++) {
		if (len >= 8 * (i + 1))
			continue;
		if (len <= 8 * i)
			addr[i] = 0xff;
		else
			addr[i] |= (uint8_t)(0xff >> (len - 8 * i));
	}
}

bool
ip_prefix_from_bits(struct sv bits, unsigned unused, uint8_t af,
    struct ip_prefix *ret)
{
	struct ip_prefix p = { .af = af };

	if (bits.n * 8 - unused > ip_bits(af))
		return false;
	if (bits.n > 0)
		memcpy(p.addr, bits.p, bits.n);
	p.len = (uint8_t)(bits.n * 8 - unused);
	*ret = p;
	return true;
}

/* How the list is written; each kind is reported once. */
struct form {
	const char	*kind;		/* "IPv4" */
	const char	*malformed;	/* why, or NULL */
	bool		 disordered, sloppy;
};

static void
form_report(const struct form *f, struct findings *fs)
{
	if (f->malformed != NULL)
		finding_add(fs, F(RPKI_CERT_RES), FA_STR("kind", f->kind),
		    FA_MSG("why", f->malformed));
	if (f->disordered)
		finding_add(fs, F(RPKI_CERT_RES_ORDER), FA_STR("kind", f->kind));
	if (f->sloppy && !f->disordered)
		finding_add(fs, F(RPKI_CERT_RES_FORM), FA_STR("kind", f->kind));
}

static void
addr_parse(struct der *d, uint8_t af, bool last, uint8_t ret[static 16],
    struct form *f)
{
	struct ip_prefix p;
	unsigned unused;
	struct sv bits = der_bits(d, &unused);

	if (!der_ok(d))
		return;
	if (!ip_prefix_from_bits(bits, unused, af, &p)) {
		f->malformed = N_("an address has too many bits");
		return;
	}
	memcpy(ret, p.addr, 16);
	if (last)
		addr_last(ret, p.len, af);
}

/* Could this range have been written as a prefix? */
static bool
range_is_prefix(const struct ip_range *r, uint8_t af)
{
	uint8_t last[16];
	unsigned len = 0;

	while (len < ip_bits(af) &&
	    ((r->min[len / 8] ^ r->max[len / 8]) & (0x80 >> len % 8)) == 0)
		len++;
	memcpy(last, r->min, 16);
	addr_last(last, len, af);
	return ip_is_masked(r->min, len) && memcmp(last, r->max, 16) == 0;
}

static void
range_parse(struct der *d, uint8_t af, struct ip_range *r, struct form *f)
{
	memset(r, 0, sizeof(*r));
	if (der_peek(d) == DER_BIT_STRING) {
		struct der copy = *d;

		addr_parse(&copy, af, false, r->min, f);
		addr_parse(d, af, true, r->max, f);
		return;
	}
	struct der seq = der_enter(d, DER_SEQUENCE);

	addr_parse(&seq, af, false, r->min, f);
	addr_parse(&seq, af, true, r->max, f);
	der_end(&seq);
	if (!der_ok(d) || f->malformed != NULL)
		return;
	if (memcmp(r->min, r->max, 16) > 0)
		f->malformed = N_("a range ends before it begins");
	else if (range_is_prefix(r, af))
		f->sloppy = true;
}

/* Append r to the merged list; out of order ones are kept out. */
static void
range_append(struct ip_range *list, size_t *n, const struct ip_range *r,
    uint8_t af, struct form *f)
{
	struct ip_range *prev = *n > 0 ? &list[*n - 1] : NULL;
	uint8_t next[16];

	if (prev != NULL) {
		memcpy(next, prev->max, 16);
		if (memcmp(r->min, prev->max, 16) <= 0) {
			f->disordered = true;
			return;
		}
		if (addr_next(next, af) && memcmp(next, r->min, 16) == 0) {
			f->sloppy = true;
			memcpy(prev->max, r->max, 16);
			return;
		}
	}
	list[(*n)++] = *r;
}

static void
ip_list_parse(struct der *d, struct pool *pool, uint8_t af, struct ip_res *res,
    struct form *f)
{
	struct der list = der_enter(d, DER_SEQUENCE);
	size_t n = der_count(list);
	struct ip_range *r;

	if (!der_ok(d))
		return;
	if (n == 0 || n > RPKI_RES_MAX) {
		f->malformed = n == 0 ? N_("the list is empty") : N_("the list is too long");
		return;
	}
	if ((r = pool_calloc(pool, n, sizeof(*r))) == NULL) {
		f->malformed = N_("the list is too long");
		return;
	}
	while (der_peek(&list) != 0 && f->malformed == NULL) {
		struct ip_range one;

		range_parse(&list, af, &one, f);
		if (der_ok(d) && f->malformed == NULL)
			range_append(r, &res->n, &one, af, f);
	}
	res->r = r;
}

/* IPAddressFamily (RFC 3779 section 2.2.3.2). */
static void
ip_family_parse(struct der *blocks, struct pool *pool, struct resources *res,
    struct form *f)
{
	struct der fam = der_enter(blocks, DER_SEQUENCE);
	struct sv af_id = der_value(&fam, DER_OCTET_STRING);
	struct rd r = rd_sv(af_id);
	uint32_t afi = rd_be16(&r);
	struct ip_res *ip;

	if (!der_ok(blocks))
		return;
	f->kind = afi == AFI_IPV6 ? "IPv6" : "IPv4";
	if (!rd_done(&r) || (afi != AFI_IPV4 && afi != AFI_IPV6)) {
		f->malformed = af_id.n == 3 ? N_("an address family has a SAFI") :
		    N_("an unknown address family");
		return;
	}
	ip = afi == AFI_IPV4 ? &res->v4 : &res->v6;
	if (ip->present || (afi == AFI_IPV4 && res->v6.present)) {
		f->malformed = ip->present ? N_("an address family stands twice") :
		    N_("IPv6 stands before IPv4");
		return;
	}
	ip->present = true;
	if (der_peek(&fam) == DER_NULL) {
		der_null(&fam);
		ip->inherit = true;
	} else
		ip_list_parse(&fam, pool, afi_af(afi), ip, f);
	der_end(&fam);
}

void
ip_res_parse(struct der *d, struct pool *pool, struct resources *res,
    struct findings *fs)
{
	struct der blocks;

	der_at(d, "ipAddrBlocks");
	blocks = der_enter(d, DER_SEQUENCE);
	if (der_ok(d) && der_peek(&blocks) == 0)
		finding_add(fs, F(RPKI_CERT_RES), FA_STR("kind", "IP"),
		    FA_MSG("why", N_("the list is empty")));
	while (der_peek(&blocks) != 0) {
		struct form f = { .kind = "IP" };

		ip_family_parse(&blocks, pool, res, &f);
		form_report(&f, fs);
		if (f.malformed != NULL)
			return;
	}
}

/* --- AS numbers --- */

static void
as_range_append(struct as_range *list, size_t *n, struct as_range r, struct form *f)
{
	struct as_range *prev = *n > 0 ? &list[*n - 1] : NULL;

	if (prev != NULL && r.min <= prev->max)
		f->disordered = true;
	else if (prev != NULL && r.min == prev->max + 1) {
		f->sloppy = true;
		prev->max = r.max;
	} else
		list[(*n)++] = r;
}

static void
as_list_parse(struct der *d, struct pool *pool, struct as_res *res, struct form *f)
{
	struct der list = der_enter(d, DER_SEQUENCE);
	size_t n = der_count(list);
	struct as_range *r;

	if (!der_ok(d))
		return;
	if (n == 0 || n > RPKI_RES_MAX ||
	    (r = pool_calloc(pool, n, sizeof(*r))) == NULL) {
		f->malformed = n == 0 ? N_("the list is empty") : N_("the list is too long");
		return;
	}
	res->r = r;
	while (der_peek(&list) != 0) {
		struct as_range one;

		if (der_peek(&list) == DER_INTEGER) {
			one.min = one.max = der_u32(&list);
		} else {
			struct der seq = der_enter(&list, DER_SEQUENCE);

			one.min = der_u32(&seq);
			one.max = der_u32(&seq);
			der_end(&seq);
			if (der_ok(d) && one.min > one.max) {
				f->malformed = N_("a range ends before it begins");
				return;
			}
			/* RFC 3779 does not forbid a range of one number. */
		}
		if (der_ok(d))
			as_range_append(r, &res->n, one, f);
	}
}

void
as_res_parse(struct der *d, struct pool *pool, struct as_res *res,
    struct findings *fs)
{
	struct form f = { .kind = "AS" };
	struct der ids, asnum;

	der_at(d, "asIdentifiers");
	ids = der_enter(d, DER_SEQUENCE);
	if (der_ok(d) && der_peek(&ids) != DER_CTX_C(0))
		/* RFC 6487 section 4.8.11: no RDI, and never nothing at all. */
		f.malformed = der_peek(&ids) == 0 ? N_("the list is empty") :
		    N_("it has routing domain identifiers");
	else if (der_ok(d) && res->present)
		/* In both extensions, RFC 3779's and RFC 8360's. */
		f.malformed = N_("the AS numbers stand twice");
	if (der_ok(d) && f.malformed == NULL) {
		res->present = true;
		asnum = der_enter(&ids, DER_CTX_C(0));
		if (der_peek(&asnum) == DER_NULL) {
			der_null(&asnum);
			res->inherit = true;
		} else
			as_list_parse(&asnum, pool, res, &f);
		if (f.malformed == NULL) {
			der_end(&asnum);
			if (der_ok(d) && der_peek(&ids) != 0)
				f.malformed = N_("it has routing domain identifiers");
		}
	}
	if (der_ok(d))
		form_report(&f, fs);
}

/* --- who holds what --- */

bool
ip_res_covers(const struct ip_res *res, const uint8_t min[static 16],
    const uint8_t max[static 16])
{
	size_t lo = 0, hi = res->n;

	/* The last range that begins at or before min. */
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (memcmp(res->r[mid].min, min, 16) <= 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo > 0 && memcmp(max, res->r[lo - 1].max, 16) <= 0;
}

bool
ip_res_covers_prefix(const struct resources *res, const struct ip_prefix *p)
{
	uint8_t last[16];

	memcpy(last, p->addr, 16);
	addr_last(last, p->len, p->af);
	return ip_res_covers(p->af == IP_V4 ? &res->v4 : &res->v6, p->addr, last);
}

bool
as_res_covers(const struct as_res *res, uint32_t min, uint32_t max)
{
	size_t lo = 0, hi = res->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (res->r[mid].min <= min)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo > 0 && max <= res->r[lo - 1].max;
}

bool
resources_none(const struct resources *r)
{
	return !r->v4.present && !r->v6.present && !r->as.present;
}

void
ip_range_print(struct buf *b, const struct ip_range *r, uint8_t af)
{
	char tmp[IP_ADDR_STRLEN];
	unsigned len = 0;

	buf_str(b, ip_addr_str(r->min, af, tmp));
	if (!range_is_prefix(r, af)) {
		buf_char(b, '-');
		buf_str(b, ip_addr_str(r->max, af, tmp));
		return;
	}
	while (len < ip_bits(af) &&
	    ((r->min[len / 8] ^ r->max[len / 8]) & (0x80 >> len % 8)) == 0)
		len++;
	buf_printf(b, "/%u", len);
}

void
as_range_print(struct buf *b, const struct as_range *r)
{
	buf_printf(b, r->min == r->max ? "AS%u" : "AS%u-AS%u", r->min, r->max);
}

static void
overclaim_add(struct findings *fs, bool cut, struct buf *what)
{
	finding_add(fs, F(cut ? RPKI_CERT_OVERCLAIM_CUT : RPKI_CERT_OVERCLAIM),
	    FA_SV("resource", buf_get(what)));
	buf_done(what);
}

/* The part of want that have holds (RFC 8360 section 4.2.4.4). */
static int
ip_cut(struct pool *pool, const struct ip_res *want, const struct ip_res *have,
    struct ip_res *ret)
{
	struct ip_range *r = pool_calloc(pool, want->n + have->n, sizeof(*r));
	size_t i = 0, j = 0, n = 0;

	if (r == NULL)
		return -ENOMEM;
	while (i < want->n && j < have->n) {
		const struct ip_range *a = &want->r[i], *b = &have->r[j];
		const uint8_t *min = memcmp(a->min, b->min, 16) > 0 ? a->min : b->min;
		const uint8_t *max = memcmp(a->max, b->max, 16) < 0 ? a->max : b->max;

		if (memcmp(min, max, 16) <= 0) {
			memcpy(r[n].min, min, 16);
			memcpy(r[n++].max, max, 16);
		}
		if (memcmp(a->max, b->max, 16) < 0)
			i++;
		else
			j++;
	}
	*ret = (struct ip_res){ .present = true, .n = n, .r = r };
	return 0;
}

/* One finding a family is enough: for the first range that the issuer has not. */
static int
ip_effective(struct pool *pool, const struct ip_res *want,
    const struct ip_res *have, uint8_t af, bool cut, struct findings *fs,
    struct ip_res *ret)
{
	struct buf b = BUF_INIT;
	size_t i = 0;

	*ret = want->present && want->inherit ? *have : *want;
	if (!want->present || want->inherit)
		return 0;
	while (i < want->n && ip_res_covers(have, want->r[i].min, want->r[i].max))
		i++;
	if (i == want->n)
		return 0;
	ip_range_print(&b, &want->r[i], af);
	overclaim_add(fs, cut, &b);
	return cut ? ip_cut(pool, want, have, ret) : 0;
}

static int
as_cut(struct pool *pool, const struct as_res *want, const struct as_res *have,
    struct as_res *ret)
{
	struct as_range *r = pool_calloc(pool, want->n + have->n, sizeof(*r));
	size_t i = 0, j = 0, n = 0;

	if (r == NULL)
		return -ENOMEM;
	while (i < want->n && j < have->n) {
		struct as_range a = want->r[i], b = have->r[j];
		uint32_t min = a.min > b.min ? a.min : b.min;
		uint32_t max = a.max < b.max ? a.max : b.max;

		if (min <= max)
			r[n++] = (struct as_range){ min, max };
		if (a.max < b.max)
			i++;
		else
			j++;
	}
	*ret = (struct as_res){ .present = true, .n = n, .r = r };
	return 0;
}

static int
as_effective(struct pool *pool, const struct as_res *want,
    const struct as_res *have, bool cut, struct findings *fs, struct as_res *ret)
{
	struct buf b = BUF_INIT;
	size_t i = 0;

	*ret = want->present && want->inherit ? *have : *want;
	if (!want->present || want->inherit)
		return 0;
	while (i < want->n && as_res_covers(have, want->r[i].min, want->r[i].max))
		i++;
	if (i == want->n)
		return 0;
	as_range_print(&b, &want->r[i]);
	overclaim_add(fs, cut, &b);
	return cut ? as_cut(pool, want, have, ret) : 0;
}

int
resources_effective(struct pool *pool, const struct resources *want,
    const struct resources *issuer, bool cut, struct findings *fs,
    struct resources *ret)
{
	int rc;

	rc = ip_effective(pool, &want->v4, &issuer->v4, IP_V4, cut, fs, &ret->v4);
	if (rc == 0)
		rc = ip_effective(pool, &want->v6, &issuer->v6, IP_V6, cut, fs, &ret->v6);
	if (rc == 0)
		rc = as_effective(pool, &want->as, &issuer->as, cut, fs, &ret->as);
	return rc;
}
