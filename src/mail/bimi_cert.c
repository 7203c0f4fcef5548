/* One certificate of marks: RFC 5280, and what of RFC 9399 is used. */
#include <errno.h>

#include "base/base64.h"
#include "base/der.h"
#include "mail/bimi_internal.h"

static const struct sv oid_basic = OID_(0x55, 0x1d, 0x13);
static const struct sv oid_key_usage = OID_(0x55, 0x1d, 0x0f);
static const struct sv oid_purpose = OID_(0x55, 0x1d, 0x25);
static const struct sv oid_names = OID_(0x55, 0x1d, 0x11);
static const struct sv oid_policies = OID_(0x55, 0x1d, 0x20);
static const struct sv oid_logotype = OID_(0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x01, 0x0c);
/* id-kp-BrandIndicatorforMessageIdentification, 1.3.6.1.5.5.7.3.31 */
static const struct sv oid_marks = OID_(0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x1f);

#define PEM_BEGIN	SV("-----BEGIN CERTIFICATE-----")
#define PEM_END		SV("-----END CERTIFICATE-----")

/* The text between the marks; text is what stands behind. */
int
bimi_pem_next(struct pool *pool, struct sv *text, struct sv *ret_der)
{
	struct sv line, begin = { NULL, 0 };
	uint8_t *der;
	size_t n;

	while (sv_line(text, &line)) {
		line = sv_trim(line);
		if (sv_eq(line, PEM_BEGIN))
			begin = *text;
		if (!sv_eq(line, PEM_END) || begin.p == NULL)
			continue;
		begin = sv_take(begin, (size_t)(line.p - begin.p));
		if ((der = pool_alloc(pool, base64_room(begin.n))) == NULL)
			return -ENOMEM;
		if (base64_decode(der, begin, &n) < 0)
			return -EINVAL;
		*ret_der = (struct sv){ (const char *)der, n };
		return 1;
	}
	return begin.p == NULL ? 0 : -EINVAL;
}

/* --- extensions --- */

static void
basic_take(struct der *d, struct bimi_cert *c)
{
	struct der in = der_enter(d, DER_SEQUENCE);

	c->is_ca = der_peek(&in) == DER_BOOLEAN && der_boolean(&in);
}

static void
purpose_take(struct der *d, struct bimi_cert *c)
{
	struct der in = der_enter(d, DER_SEQUENCE);

	while (der_peek(&in) != 0)
		c->is_for_marks |= sv_eq(der_oid(&in), oid_marks);
}

static void
names_take(struct der *d, struct bimi_cert *c)
{
	c->names = der_value(d, DER_SEQUENCE);
}

static void
logotype_take(struct der *d, struct bimi_cert *c)
{
	c->logotype = der_value(d, DER_SEQUENCE);
}

static const struct {
	const struct sv	*oid;
	const char	*name;
	void		(*take)(struct der *, struct bimi_cert *);	/* NULL: nothing to take */
} extensions[] = {
	{ &oid_basic, "basicConstraints", basic_take },
	{ &oid_key_usage, "keyUsage", NULL },
	{ &oid_purpose, "extKeyUsage", purpose_take },
	{ &oid_names, "subjectAltName", names_take },
	{ &oid_policies, "certificatePolicies", NULL },
	{ &oid_logotype, "logotype", logotype_take },
};

static void
extension_parse(struct der *d, struct bimi_cert *c)
{
	struct der in = der_enter(d, DER_SEQUENCE), value;
	struct sv oid = der_oid(&in);
	bool is_critical = der_peek(&in) == DER_BOOLEAN && der_boolean(&in);

	value = der_enter(&in, DER_OCTET_STRING);
	der_end(&in);
	for (size_t i = 0; der_ok(&in) && i < ARRAY_LEN(extensions); i++) {
		if (!sv_eq(oid, *extensions[i].oid))
			continue;
		der_at(&in, extensions[i].name);
		if (extensions[i].take != NULL)
			extensions[i].take(&value, c);
		return;
	}
	/* RFC 5280 section 4.2: "MUST reject the certificate if it encounters a critical extension it does not recognize" */
	c->is_odd |= is_critical;
}

static void
extensions_parse(struct der *d, struct bimi_cert *c)
{
	struct der in, list;

	while (der_peek(d) == DER_CTX(1) || der_peek(d) == DER_CTX(2))	/* unique identifiers */
		(void)der_value(d, der_peek(d));
	if (der_peek(d) == 0)
		return;
	der_at(d, "extensions");
	in = der_enter(d, DER_CTX_C(3));
	list = der_enter(&in, DER_SEQUENCE);
	der_end(&in);
	while (der_peek(&list) != 0)
		extension_parse(&list, c);
}

/* --- the whole --- */

static void
validity_parse(struct der *d, struct bimi_cert *c)
{
	struct der in = der_enter(d, DER_SEQUENCE);
	uint8_t tag;

	c->from = der_time(&in, &tag);
	c->to = der_time(&in, &tag);
	der_end(&in);
}

static void
tbs_parse(struct der d, struct bimi_cert *c)
{
	struct der in = der_enter(&d, DER_SEQUENCE);

	if (der_peek(&in) == DER_CTX_C(0))
		(void)der_value(&in, DER_CTX_C(0));
	der_at(&in, "serialNumber");
	(void)der_integer(&in);
	(void)der_value(&in, DER_SEQUENCE);
	der_at(&in, "issuer");
	c->issuer = der_whole(&in, DER_SEQUENCE);
	der_at(&in, "validity");
	validity_parse(&in, c);
	der_at(&in, "subject");
	c->subject = der_whole(&in, DER_SEQUENCE);
	der_at(&in, "subjectPublicKeyInfo");
	c->spki = der_whole(&in, DER_SEQUENCE);
	extensions_parse(&in, c);
	der_end(&in);
	der_end(&d);
}

int
bimi_cert_parse(struct sv der, struct bimi_cert *ret, const char **ret_where)
{
	struct bimi_cert c = { .der = der };
	struct der_doc doc;
	struct der d = der_on(&doc, der), in = der_enter(&d, DER_SEQUENCE), alg;

	der_end(&d);
	der_at(&in, "tbsCertificate");
	c.tbs = der_whole(&in, DER_SEQUENCE);
	der_at(&in, "signatureAlgorithm");
	alg = der_enter(&in, DER_SEQUENCE);
	c.alg = der_oid(&alg);
	der_at(&in, "signatureValue");
	c.sig = der_octet_bits(&in);
	der_end(&in);
	if (der_ok(&d))
		tbs_parse(der_on(&doc, c.tbs), &c);
	if (doc.fault != DER_OK) {
		*ret_where = doc.fault_where;
		return -EINVAL;
	}
	*ret = c;
	return 0;
}

bool
bimi_cert_holds(const struct bimi_cert *c, struct sv name)
{
	struct der_doc doc;
	struct der d = der_on(&doc, c->names);
	uint8_t tag;

	while (der_peek(&d) != 0) {
		struct sv value = der_any(&d, &tag, NULL);

		if (tag == DER_CTX(2) && sv_caseeq(value, name))	/* dNSName */
			return true;
	}
	return false;
}

struct sv
bimi_cert_attribute(const struct bimi_cert *c, struct sv oid)
{
	struct der_doc doc;
	struct der d = der_on(&doc, c->subject), sets = der_enter(&d, DER_SEQUENCE);
	uint8_t tag;

	while (der_peek(&sets) != 0) {
		struct der set = der_enter(&sets, DER_SET), pair = der_enter(&set, DER_SEQUENCE);

		if (sv_eq(der_oid(&pair), oid))
			return der_any(&pair, &tag, NULL);
	}
	return SV("");
}
