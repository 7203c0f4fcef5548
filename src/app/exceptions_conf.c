/* rpki.exceptions in the configuration: rules, and the text for the role. */
#include <stdio.h>
#include <string.h>

#include "app/exceptions.h"
#include "base/base64.h"
#include "base/err.h"
#include "base/hash.h"
#include "crypto/crypto.h"

#define TABLE		CONF_RPKI_EXCEPTIONS
#define POINT_LEN	65	/* of P-256, uncompressed: what a SKI is the SHA-1 of */
#define OWNER_MAX	48	/* bytes; it goes into the name of a trust anchor */

static const struct conf_value *
col(const struct conf_item *it, enum app_conf_row row)
{
	return &it->cols[row - TABLE - 1];
}

static bool
has(const struct conf_item *it, enum app_conf_row row)
{
	return col(it, row)->n > 0;
}

static const struct conf_item *
one(const struct conf_item *it, enum app_conf_row row)
{
	return &col(it, row)->items[0];
}

static struct sv
text_of(const struct conf_item *it, enum app_conf_row row)
{
	return has(it, row) ? one(it, row)->text : SV("");
}

static int
refuse(const struct conf *c, const struct conf_item *it, enum conf_errc code,
    const char *found, const char *expected, struct conf_error *err)
{
	*err = (struct conf_error){ .code = code, .rc = SE_SYNTAX, .line = it->line, .col = it->col,
	    .expected = expected };
	(void)snprintf(err->found, sizeof(err->found), "%s", found);
	(void)snprintf(err->file, sizeof(err->file), "%s", c->file);
	return err->rc;
}

/* "rpki.exceptions[].owner" -> "owner" */
static const char *
name_of(const struct conf *c, enum app_conf_row row)
{
	return c->rows[row].path + sv_rfind(sv_str(c->rows[row].path), '.') + 1;
}

static int
needed_check(const struct conf *c, const struct conf_item *it, struct conf_error *err)
{
	static const enum app_conf_row needed[] = { CONF_EXC_ACTION, CONF_EXC_OWNER,
	    CONF_EXC_REASON, CONF_EXC_UNTIL };

	for (size_t i = 0; i < ARRAY_LEN(needed); i++)
		if (text_of(it, needed[i]).n == 0)
			return refuse(c, it, CONF_E_MISSING, name_of(c, needed[i]),
			    N_("every exception says action, owner, reason and until"), err);
	return 0;
}

static bool
plain(struct sv s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f)
			return false;
	return true;
}

static int
words_check(const struct conf *c, const struct conf_item *it, struct conf_error *err)
{
	static const enum app_conf_row words[] = { CONF_EXC_OWNER, CONF_EXC_REASON, CONF_EXC_TICKET };

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (!plain(text_of(it, words[i])))
			return refuse(c, it, CONF_E_TYPE, name_of(c, words[i]),
			    N_("one line of text without control characters"), err);
	if (text_of(it, CONF_EXC_OWNER).n > OWNER_MAX)
		return refuse(c, it, CONF_E_LIMIT, name_of(c, CONF_EXC_OWNER),
		    N_("at most 48 bytes"), err);
	return 0;
}

static bool
is_assertion(const struct conf_item *it)
{
	return sv_eq(text_of(it, CONF_EXC_ACTION), SV("assert"));
}

static bool
max_len_sound(const struct conf_item *it)
{
	const struct ip_prefix *px = &one(it, CONF_EXC_PREFIX)->px;
	uint32_t max = one(it, CONF_EXC_MAX_LEN)->u;

	return max >= px->len && max <= ip_bits(px->af);
}

static int
vrp_check(const struct conf *c, const struct conf_item *it, struct conf_error *err)
{
	bool px = has(it, CONF_EXC_PREFIX), asn = has(it, CONF_EXC_ASN);

	if (has(it, CONF_EXC_PROVIDERS))
		return refuse(c, it, CONF_E_RULE, "providers",
		    N_("providers beside customer only"), err);
	if (!px && !asn)
		return refuse(c, it, CONF_E_MISSING, "prefix",
		    N_("a prefix, an asn, or a customer"), err);
	if (is_assertion(it) && !(px && asn))
		return refuse(c, it, CONF_E_MISSING, px ? "asn" : "prefix",
		    N_("an assertion of a VRP has a prefix and an asn"), err);
	if (!has(it, CONF_EXC_MAX_LEN))
		return 0;
	if (!is_assertion(it) || !max_len_sound(it))
		return refuse(c, it, CONF_E_RULE, "max-length",
		    N_("max-length in assertions only, from the prefix's length to the family's"), err);
	return 0;
}

/* As RPKI_SLURM_PROVIDERS, but people need not sort. */
static bool
providers_sound(const struct conf_item *it)
{
	const struct conf_value *v = col(it, CONF_EXC_PROVIDERS);
	uint32_t customer = one(it, CONF_EXC_CUSTOMER)->u;

	for (size_t i = 0; i < v->n; i++) {
		if (v->items[i].u == customer || (v->items[i].u == 0 && v->n > 1))
			return false;
		for (size_t k = 0; k < i; k++)
			if (v->items[k].u == v->items[i].u)
				return false;
	}
	return true;
}

static int
aspa_check(const struct conf *c, const struct conf_item *it, struct conf_error *err)
{
	if (has(it, CONF_EXC_PREFIX) || has(it, CONF_EXC_ASN) || has(it, CONF_EXC_MAX_LEN))
		return refuse(c, it, CONF_E_RULE, "customer, prefix, asn",
		    N_("a customer, or a prefix and an asn; not both"), err);
	if (one(it, CONF_EXC_CUSTOMER)->u == 0)
		return refuse(c, it, CONF_E_RANGE, "customer", N_("an AS number from 1 on"), err);
	if (is_assertion(it) && !has(it, CONF_EXC_PROVIDERS))
		return refuse(c, it, CONF_E_MISSING, "providers",
		    N_("an assertion of an ASPA has a customer and providers"), err);
	if (!is_assertion(it) && has(it, CONF_EXC_PROVIDERS))
		return refuse(c, it, CONF_E_RULE, "providers",
		    N_("a filter of ASPAs has a customer only"), err);
	if (!providers_sound(it))
		return refuse(c, it, CONF_E_RULE, "customer, providers",
		    N_("each provider once, not the customer, and AS 0 alone"), err);
	return 0;
}

/* --- BGPsec router keys (RFC 8416 sections 3.3.2 and 3.4.2) --- */

struct key {
	uint8_t	ski[SHA1_LEN];
	uint8_t	spki[ROUTER_SPKI_MAX];
	size_t	spki_len;		/* 0: none given */
	bool	has_ski;
};

/* "0A:1B:…" as openssl and routers show it, plain hexadecimal, or base64url. */
static int
ski_read(struct sv s, uint8_t ret[static SHA1_LEN])
{
	uint8_t room[64];
	char hex[2 * SHA1_LEN];
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] != ':' && n++ < sizeof(hex))
			hex[n - 1] = s.p[i];
	if (n == sizeof(hex) && hex_decode(ret, SHA1_LEN, (struct sv){ hex, n }) == 0)
		return 0;
	if (s.n > 30 || base64url_decode(room, s, &n) < 0 || n != SHA1_LEN)
		return -1;
	memcpy(ret, room, n);
	return 0;
}

/* Either alphabet: openssl writes the one, SLURM the other. */
static int
spki_read(struct sv s, struct key *k)
{
	uint8_t room[256];
	size_t n;

	if (s.n > 128 || (base64_decode(room, s, &n) < 0 && base64url_decode(room, s, &n) < 0) ||
	    n > sizeof(k->spki) || !slurm_key_sound((struct sv){ (const char *)room, n }))
		return -1;
	memcpy(k->spki, room, n);
	k->spki_len = n;
	return 0;
}

/* What the entry says of a key, and what that says: a key has its identifier. */
static int
key_read(const struct conf_item *it, struct key *ret)
{
	struct key k = { .has_ski = has(it, CONF_EXC_SKI) };
	uint8_t sum[SHA1_LEN];

	if ((k.has_ski && ski_read(text_of(it, CONF_EXC_SKI), k.ski) < 0) ||
	    (has(it, CONF_EXC_KEY) && spki_read(text_of(it, CONF_EXC_KEY), &k) < 0))
		return -1;
	if (k.spki_len > 0) {
		crypto_sha1(k.spki + k.spki_len - POINT_LEN, POINT_LEN, sum);
		if (k.has_ski && memcmp(sum, k.ski, sizeof(sum)) != 0)
			return -1;
		memcpy(k.ski, sum, sizeof(sum));
		k.has_ski = true;
	}
	*ret = k;
	return 0;
}

static bool
is_bgpsec(const struct conf_item *it)
{
	return has(it, CONF_EXC_ROUTER_ASN) || has(it, CONF_EXC_SKI) || has(it, CONF_EXC_KEY);
}

static int
bgpsec_check(const struct conf *c, const struct conf_item *it, struct conf_error *err)
{
	static const enum app_conf_row others[] = { CONF_EXC_PREFIX, CONF_EXC_ASN, CONF_EXC_MAX_LEN,
	    CONF_EXC_CUSTOMER, CONF_EXC_PROVIDERS };
	struct key k;

	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		if (has(it, others[i]))
			return refuse(c, it, CONF_E_RULE, name_of(c, others[i]),
			    N_("router-asn, ski and router-key alone"), err);
	if (is_assertion(it) && !(has(it, CONF_EXC_ROUTER_ASN) && has(it, CONF_EXC_KEY)))
		return refuse(c, it, CONF_E_MISSING,
		    has(it, CONF_EXC_ROUTER_ASN) ? "router-key" : "router-asn",
		    N_("an assertion of a router key has a router-asn and a router-key"), err);
	if (!is_assertion(it) && has(it, CONF_EXC_KEY))
		return refuse(c, it, CONF_E_RULE, "router-key",
		    N_("a filter of router keys has a router-asn, a ski, or both"), err);
	if (key_read(it, &k) < 0)
		return refuse(c, it, CONF_E_TYPE, has(it, CONF_EXC_KEY) ? "router-key, ski" : "ski",
		    N_("a P-256 key in base64, and its own key identifier"), err);
	return 0;
}

int
exceptions_check(const struct conf *c, struct conf_error *err)
{
	const struct conf_value *v = &c->values[TABLE];
	struct buf b = BUF_INIT;
	int rc = 0;

	for (size_t i = 0; i < v->n && rc == 0; i++) {
		const struct conf_item *it = &v->items[i];

		if ((rc = needed_check(c, it, err)) == 0 && (rc = words_check(c, it, err)) == 0)
			rc = is_bgpsec(it) ? bgpsec_check(c, it, err) :
			    has(it, CONF_EXC_CUSTOMER) ? aspa_check(c, it, err) :
			    vrp_check(c, it, err);
	}
	if (rc < 0)
		return rc;
	exceptions_text(c, &b);
	if (b.rc < 0 || b.len > EXCEPTIONS_TEXT_MAX) {
		rc = refuse(c, &v->items[v->n - 1], CONF_E_LIMIT, c->rows[TABLE].path, NULL, err);
		rc = err->rc = b.rc < 0 ? b.rc : SE_LIMIT;
	}
	buf_done(&b);
	return rc;
}

/* --- the text; exceptions.c reads it --- */

static void
field_put(struct buf *b, struct sv s)
{
	buf_char(b, '\t');
	buf_sv(b, s);
}

static void
number_put(struct buf *b, const struct conf_item *it, enum app_conf_row row)
{
	buf_char(b, '\t');
	if (has(it, row))
		buf_u64(b, one(it, row)->u);
}

static void
key_put(struct buf *b, const struct conf_item *it)
{
	char hex[2 * ROUTER_SPKI_MAX + 1];
	struct key k;

	if (!is_bgpsec(it) || key_read(it, &k) < 0)	/* the check was before */
		k = (struct key){ 0 };
	field_put(b, k.has_ski ? sv_str(hex_encode(hex, k.ski, sizeof(k.ski))) : SV(""));
	field_put(b, sv_str(hex_encode(hex, k.spki, k.spki_len)));
}

static void
line_put(struct buf *b, const struct conf_item *it)
{
	const struct conf_value *p = col(it, CONF_EXC_PROVIDERS);
	char px[IP_PREFIX_STRLEN];

	buf_u64(b, it->line);
	field_put(b, text_of(it, CONF_EXC_ACTION));
	field_put(b, has(it, CONF_EXC_PREFIX) ?
	    sv_str(ip_prefix_str(&one(it, CONF_EXC_PREFIX)->px, px)) : SV(""));
	number_put(b, it, CONF_EXC_ASN);
	number_put(b, it, CONF_EXC_MAX_LEN);
	number_put(b, it, CONF_EXC_CUSTOMER);
	buf_char(b, '\t');
	for (size_t i = 0; i < p->n; i++)
		buf_printf(b, "%s%u", i > 0 ? "," : "", p->items[i].u);
	buf_printf(b, "\t%lld", (long long)(one(it, CONF_EXC_UNTIL)->t > 0 ? one(it, CONF_EXC_UNTIL)->t : 0));
	field_put(b, text_of(it, CONF_EXC_OWNER));
	field_put(b, text_of(it, CONF_EXC_REASON));
	field_put(b, text_of(it, CONF_EXC_TICKET));
	number_put(b, it, CONF_EXC_ROUTER_ASN);
	key_put(b, it);
	buf_char(b, '\n');
}

void
exceptions_text(const struct conf *c, struct buf *b)
{
	for (size_t i = 0; i < c->values[TABLE].n; i++)
		line_put(b, &c->values[TABLE].items[i]);
}
