/* The image within a certificate: RFC 9399 section 4.1, subjectLogo, direct, as a data: URI. */
#include <errno.h>

#include "base/base64.h"
#include "base/der.h"
#include "mail/bimi_internal.h"

static const struct sv oid_sha256 = OID_(0x60, (char)0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01);

/* HashAlgAndValue: the first with SHA-256 counts. */
static void
digests_take(struct der *d, struct bimi_evidence *e)
{
	struct der list = der_enter(d, DER_SEQUENCE);

	while (der_peek(&list) != 0) {
		struct der in = der_enter(&list, DER_SEQUENCE), alg = der_enter(&in, DER_SEQUENCE);
		struct sv oid = der_oid(&alg), value = der_value(&in, DER_OCTET_STRING);

		if (!der_ok(&in) || !sv_eq(oid, oid_sha256) || value.n != SHA256_LEN || e->has_digest)
			continue;
		memcpy(e->digest, value.p, SHA256_LEN);
		e->has_digest = true;
	}
}

/* "data:image/svg+xml;base64,…". 0: not one; -ENOMEM. */
static int
data_take(struct pool *pool, struct sv uri, struct bimi_evidence *e)
{
	struct sv rest = uri, head = sv_cut(&rest, ',');
	uint8_t *out;
	size_t n;

	if (!sv_caseeq(sv_take(head, 18), SV("data:image/svg+xml")) || !sv_ends(head, SV(";base64")))
		return 0;
	if ((out = pool_alloc(pool, base64_room(rest.n))) == NULL)
		return -ENOMEM;
	if (base64_decode(out, rest, &n) < 0 || n == 0)
		return 0;
	e->logo = (struct sv){ (const char *)out, n };
	e->is_gzip = n > 2 && out[0] == 0x1f && out[1] == 0x8b;
	e->has_logo = true;
	return 0;
}

/* LogotypeDetails ::= SEQUENCE { mediaType, logotypeHash, logotypeURI } */
static int
details_take(struct der *d, struct pool *pool, struct bimi_evidence *e)
{
	struct der in = der_enter(d, DER_SEQUENCE), uris;
	struct sv type = der_value(&in, DER_IA5);
	int rc = 0;

	e->has_digest = false;
	digests_take(&in, e);
	uris = der_enter(&in, DER_SEQUENCE);
	if (!sv_caseeq(sv_take(type, 13), SV("image/svg+xml")))
		return 0;
	while (der_peek(&uris) != 0 && !e->has_logo && rc == 0) {
		struct sv uri = der_value(&uris, DER_IA5);

		rc = der_ok(&uris) ? data_take(pool, uri, e) : 0;
	}
	return rc;
}

/* Up to subjectLogo [2], which is a LogotypeInfo, of which direct [0] is a LogotypeData. */
static struct der
images_enter(struct der *d)
{
	struct der subject, direct;

	while (der_peek(d) == DER_CTX_C(0) || der_peek(d) == DER_CTX_C(1))
		(void)der_value(d, der_peek(d));
	subject = der_enter(d, DER_CTX_C(2));
	direct = der_enter(&subject, DER_CTX_C(0));
	return der_enter(&direct, DER_SEQUENCE);
}

int
bimi_logotype_parse(struct pool *pool, struct sv content, struct bimi_evidence *e)
{
	struct der_doc doc;
	struct der d = der_on(&doc, content), images = images_enter(&d);
	int rc = 0;

	while (der_peek(&images) != 0 && !e->has_logo && rc == 0) {
		struct der image = der_enter(&images, DER_SEQUENCE);

		rc = details_take(&image, pool, e);
	}
	if (rc < 0)
		return rc;
	if (doc.fault != DER_OK)
		return -EINVAL;
	return e->has_logo ? 0 : -ENOENT;
}
