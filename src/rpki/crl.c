/* Certificate revocation lists (RFC 6487 section 5, RFC 9829). */
#include <errno.h>
#include <stdlib.h>

#include "rpki/internal.h"

static const struct sv oid_aki = OID(0x55, 0x1d, 0x23);
static const struct sv oid_crl_number = OID(0x55, 0x1d, 0x14);

/* Serial numbers as positive big-endian integers: shorter is smaller. */
static int
serial_cmp(struct sv a, struct sv b)
{
	if (a.n != b.n)
		return a.n < b.n ? -1 : 1;
	return sv_cmp(a, b);
}

static int
entry_cmp(const void *a, const void *b)
{
	return serial_cmp(((const struct crl_entry *)a)->serial,
	    ((const struct crl_entry *)b)->serial);
}

static void
entry_parse(struct der *list, struct crl_entry *e, bool *bad)
{
	struct der seq = der_enter(list, DER_SEQUENCE);
	uint8_t tag;

	e->serial = der_integer(&seq);
	e->revoked = der_time(&seq, &tag);
	time_check_type(&seq, e->revoked, tag, bad);
	/* RFC 6487 section 5: no CRL entry extensions. */
	if (der_peek(&seq) == DER_SEQUENCE) {
		(void)der_any(&seq, &tag, NULL);
		*bad = true;
	}
	der_end(&seq);
	if (!der_int_positive(e->serial) || e->serial.n > RPKI_SERIAL_MAX)
		*bad = true;
}

static int
entries_parse(struct der *tbs, struct pool *pool, struct crl *c,
    struct findings *fs)
{
	struct der list, count;
	bool bad = false;
	size_t n;

	der_at(tbs, "revokedCertificates");
	list = count = der_enter(tbs, DER_SEQUENCE);
	n = der_count(count);
	if (!der_ok(tbs))
		return 0;
	if (n == 0 || n > RPKI_CRL_ENTRIES_MAX) {	/* RFC 5280: absent if empty */
		der_fail(&list, DER_E_VALUE);
		return 0;
	}
	if ((c->entries = pool_calloc(pool, n, sizeof(*c->entries))) == NULL)
		return -ENOMEM;
	while (der_peek(&list) != 0)
		entry_parse(&list, &c->entries[c->n++], &bad);
	if (!der_ok(tbs))
		return 0;
	if (bad)
		finding_add0(fs, F(RPKI_CRL_ENTRY));
	qsort(c->entries, c->n, sizeof(*c->entries), entry_cmp);
	return 0;
}

static void
number_check(struct der *value, bool critical, struct findings *fs)
{
	struct sv n = der_integer(value);

	if (der_ok(value) && (critical || der_int_negative(n) ||
	    n.n > RPKI_SERIAL_MAX))
		finding_add0(fs, F(RPKI_CRL_NUMBER));
}

static void
aki_read(struct der *value, struct crl *c)
{
	struct der seq = der_enter(value, DER_SEQUENCE);
	uint8_t tag;

	if (der_peek(&seq) == DER_CTX(0))
		c->aki = der_value(&seq, DER_CTX(0));
	if (der_peek(&seq) != 0)
		c->aki = (struct sv){ NULL, 0 };
	while (der_peek(&seq) != 0)
		(void)der_any(&seq, &tag, NULL);
}

/* Exactly authority key identifier and CRL number. */
static void
exts_parse(struct der *tbs, struct crl *c, struct findings *fs)
{
	bool aki = false, number = false, odd = false;
	struct der outer, list;

	der_at(tbs, "crlExtensions");
	outer = der_enter(tbs, DER_CTX_C(0));
	list = der_enter(&outer, DER_SEQUENCE);
	der_end(&outer);
	while (der_peek(&list) != 0) {
		struct der ext = der_enter(&list, DER_SEQUENCE), value;
		struct sv oid = der_oid(&ext);
		bool critical = false;

		if (der_peek(&ext) == DER_BOOLEAN && !(critical = der_boolean(&ext)) &&
		    der_ok(tbs))
			der_fail(&ext, DER_E_VALUE);	/* DEFAULT FALSE */
		value = (struct der){ rd_sv(der_value(&ext, DER_OCTET_STRING)), tbs->doc };
		der_end(&ext);
		if (!der_ok(tbs))
			return;
		if (sv_eq(oid, oid_aki) && !aki) {
			aki = true;
			aki_read(&value, c);
			der_end(&value);
		} else if (sv_eq(oid, oid_crl_number) && !number) {
			number = true;
			number_check(&value, critical, fs);
			der_end(&value);
		} else
			odd = true;
	}
	if (der_ok(tbs) && (odd || !aki || !number))
		finding_add0(fs, F(RPKI_CRL_EXT));
}

static void
times_parse(struct der *tbs, struct crl *c, struct findings *fs)
{
	bool bad = false;
	uint8_t tag;

	der_at(tbs, "thisUpdate");
	c->this_update = der_time(tbs, &tag);
	time_check_type(tbs, c->this_update, tag, &bad);
	der_at(tbs, "nextUpdate");
	c->next_update = der_time(tbs, &tag);
	time_check_type(tbs, c->next_update, tag, &bad);
	if (der_ok(tbs) && (bad || c->this_update > c->next_update))
		finding_add0(fs, F(RPKI_CRL_TIME));
}

static int
tbs_parse(struct der *tbs, struct pool *pool, struct crl *c, unsigned tolerate,
    struct findings *fs, bool *ret_alg_ok, struct sv *ret_alg)
{
	bool printable, good, v2 = false;
	int rc = 0;

	der_at(tbs, "version");
	if (der_peek(tbs) == DER_INTEGER) {
		struct sv v = der_integer(tbs);

		v2 = v.n == 1 && v.p[0] == 1;
	}
	der_at(tbs, "signature");
	*ret_alg_ok = sig_alg_parse(tbs, ret_alg);
	der_at(tbs, "issuer");
	good = name_parse(tbs, &printable, &c->issuer);
	if (der_ok(tbs))
		name_report(good, printable, "issuer", tolerate, fs);
	times_parse(tbs, c, fs);
	if (der_peek(tbs) == DER_SEQUENCE)
		rc = entries_parse(tbs, pool, c, fs);
	if (der_ok(tbs) && !v2)
		finding_add0(fs, F(RPKI_CRL_VERSION));
	if (der_ok(tbs) && der_peek(tbs) == 0)
		finding_add0(fs, F(RPKI_CRL_EXT));
	else
		exts_parse(tbs, c, fs);
	der_end(tbs);
	return rc;
}

int
crl_parse(struct pool *pool, struct sv bytes, unsigned tolerate,
    struct findings *fs, struct crl **ret)
{
	struct der_doc doc;
	struct der d = der_on(&doc, bytes), crl, tbs, copy;
	struct crl *c = pool_alloc(pool, sizeof(*c));
	struct sv inner_alg, outer_alg;
	bool inner_ok, outer_ok;
	int rc;

	*ret = NULL;
	if (c == NULL)
		return -ENOMEM;
	der_at(&d, "certificateList");
	crl = der_enter(&d, DER_SEQUENCE);
	der_end(&d);
	copy = crl;
	c->tbs = der_whole(&copy, DER_SEQUENCE);
	tbs = der_enter(&crl, DER_SEQUENCE);
	if ((rc = tbs_parse(&tbs, pool, c, tolerate, fs, &inner_ok, &inner_alg)) < 0)
		return rc;
	der_at(&d, "signatureAlgorithm");
	outer_ok = sig_alg_parse(&crl, &outer_alg);
	der_at(&d, "signatureValue");
	c->sig = der_octet_bits(&crl);
	der_end(&crl);
	if (der_report(&doc, fs))
		return 0;
	if (!inner_ok || !outer_ok || !sv_eq(inner_alg, outer_alg))
		finding_add0(fs, F(RPKI_SIG_ALG));
	*ret = c;
	return 0;
}

void
crl_check(const struct crl *c, const struct rpki_ca *ca, int64_t now,
    struct findings *fs)
{
	if (!name_same(c->issuer, ca->subject))
		finding_add0(fs, F(RPKI_CRL_ISSUER));
	if (!sv_eq(c->aki, ca->ski))
		finding_add0(fs, F(RPKI_CRL_AKI));
	if (now < c->this_update)
		finding_add(fs, F(RPKI_CRL_NOT_YET), FA_TIME("this_update", c->this_update));
	if (now > c->next_update)
		finding_add(fs, F(RPKI_CRL_STALE), FA_TIME("next_update", c->next_update));
}

const struct crl_entry *
crl_find(const struct crl *c, struct sv serial)
{
	struct crl_entry key = { .serial = serial };

	if (c->n == 0)
		return NULL;
	return bsearch(&key, c->entries, c->n, sizeof(key), entry_cmp);
}
