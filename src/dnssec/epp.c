/* DS and DNSKEY records as EPP wants them (dnssec/epp.h). */
#include <errno.h>

#include "base/base64.h"
#include "dnssec/dnssec.h"
#include "dnssec/epp.h"

#define SPACE_EPP	"urn:ietf:params:xml:ns:epp-1.0"
#define SPACE_DOMAIN	"urn:ietf:params:xml:ns:domain-1.0"
#define SPACE_SECDNS	"urn:ietf:params:xml:ns:secDNS-1.1"

#define TRID_MIN	3	/* RFC 5730 section 4: trIDStringType */
#define TRID_MAX	64

/* Characters that mean more than themselves. Others than printable ASCII do not come here. */
static void
text_put(struct buf *b, struct sv s)
{
	for (size_t i = 0; i < s.n; i++)
		switch (s.p[i]) {
		case '&':
			buf_str(b, "&amp;");
			break;
		case '<':
			buf_str(b, "&lt;");
			break;
		case '>':
			buf_str(b, "&gt;");
			break;
		case '"':
			buf_str(b, "&quot;");
			break;
		case '\'':
			buf_str(b, "&apos;");
			break;
		default:
			buf_char(b, s.p[i]);
		}
}

/* "EXAMPLE.JP." is "example.jp" to a registry. */
static void
name_put(struct buf *b, const struct dname *zone)
{
	struct dname lower = *zone;
	char text[DNAME_STRLEN];
	struct sv s;

	dns_lower(lower.w, lower.len);
	s = sv_str(dname_str(&lower, text));
	text_put(b, sv_take(s, s.n - 1));
}

static void
number_put(struct buf *b, const char *name, unsigned value)
{
	buf_printf(b, "          <secDNS:%s>%u</secDNS:%s>\n", name, value, name);
}

/* RFC 5910 section 4.2: flags, protocol, alg, pubKey. */
static int
key_put(struct buf *b, struct sv rdata)
{
	char letters[(CRYPTO_DNSKEY_MAX + 2) / 3 * 4];
	struct dnskey k;

	if (dnskey_parse(rdata, &k) < 0 || k.public_key.n == 0 ||
	    k.public_key.n > CRYPTO_DNSKEY_MAX)
		return -EINVAL;
	buf_str(b, "        <secDNS:keyData>\n");
	number_put(b, "flags", k.flags);
	number_put(b, "protocol", k.protocol);
	number_put(b, "alg", k.alg);
	buf_str(b, "          <secDNS:pubKey>");
	buf_bytes(b, letters, base64_encode(letters, k.public_key.p, k.public_key.n));
	buf_str(b, "</secDNS:pubKey>\n        </secDNS:keyData>\n");
	return 0;
}

/* RFC 5910 section 4.1: keyTag, alg, digestType, digest, and the key if it is to be there. */
static int
ds_put(struct buf *b, const struct dname *zone, const struct epp_record *r)
{
	struct ds ds;
	int rc = 0;

	if (ds_parse(r->ds, &ds) < 0 || ds.digest.n == 0 ||
	    (r->key.n > 0 && zone != NULL && !ds_matches(r->ds, zone, r->key)))
		return -EINVAL;
	buf_str(b, "        <secDNS:dsData>\n");
	number_put(b, "keyTag", ds.tag);
	number_put(b, "alg", ds.alg);
	number_put(b, "digestType", ds.digest_type);
	buf_str(b, "          <secDNS:digest>");
	for (size_t i = 0; i < ds.digest.n; i++)
		buf_printf(b, "%02X", (unsigned char)ds.digest.p[i]);
	buf_str(b, "</secDNS:digest>\n");
	if (r->key.n > 0)
		rc = key_put(b, r->key);
	buf_str(b, "        </secDNS:dsData>\n");
	return rc;
}

static int
records_put(struct buf *b, const struct epp_update *u, const struct epp_record *records, size_t n)
{
	int rc = 0;

	for (size_t i = 0; i < n && rc == 0; i++) {
		struct epp_record r = records[i];

		if (u->form != EPP_DS_KEY)
			*(u->form == EPP_DS ? &r.key : &r.ds) = (struct sv){ 0 };
		rc = u->form == EPP_DNSKEY ? key_put(b, r.key) : ds_put(b, u->zone, &r);
	}
	return rc;
}

static void
life_put(struct buf *b, const struct epp_update *u)
{
	number_put(b, "maxSigLife", u->max_sig_life);
}

/* <rem>, <add>, <chg>: the order of the schema, and of what the server does. */
static int
changes_put(struct buf *b, const struct epp_update *u)
{
	int rc = 0;

	if (u->rem_all)
		buf_str(b, "      <secDNS:rem>\n        <secDNS:all>true</secDNS:all>\n      </secDNS:rem>\n");
	if (u->n_rem > 0) {
		buf_str(b, "      <secDNS:rem>\n");
		rc = records_put(b, u, u->rem, u->n_rem);
		buf_str(b, "      </secDNS:rem>\n");
	}
	if (rc == 0 && u->n_add > 0) {
		buf_str(b, "      <secDNS:add>\n");
		rc = records_put(b, u, u->add, u->n_add);
		buf_str(b, "      </secDNS:add>\n");
	}
	if (rc == 0 && u->max_sig_life > 0) {
		buf_str(b, "      <secDNS:chg>\n");
		life_put(b, u);
		buf_str(b, "      </secDNS:chg>\n");
	}
	return rc;
}

static bool
records_ok(const struct epp_update *u)
{
	return u->form < EPP_FORM_MAX && u->n_rem <= EPP_RECORDS_MAX && u->n_add <= EPP_RECORDS_MAX &&
	    u->max_sig_life <= EPP_SIG_LIFE_MAX && !(u->rem_all && u->n_rem > 0);
}

static bool
update_ok(const struct epp_update *u)
{
	if (!records_ok(u) || u->zone->len <= 1 ||
	    (!u->rem_all && u->n_rem == 0 && u->n_add == 0 && u->max_sig_life == 0))
		return false;
	return u->trid.n >= TRID_MIN && u->trid.n <= TRID_MAX && sv_graphic(u->trid);
}

int
epp_update_write(struct buf *b, const struct epp_update *u)
{
	size_t begin = b->len;
	int rc;

	if (!update_ok(u))
		return -EINVAL;
	buf_str(b, "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"no\"?>\n"
	    "<epp xmlns=\"" SPACE_EPP "\">\n  <command>\n    <update>\n"
	    "      <domain:update xmlns:domain=\"" SPACE_DOMAIN "\">\n        <domain:name>");
	name_put(b, u->zone);
	buf_str(b, "</domain:name>\n      </domain:update>\n    </update>\n    <extension>\n");
	buf_printf(b, "    <secDNS:update%s xmlns:secDNS=\"" SPACE_SECDNS "\">\n",
	    u->urgent ? " urgent=\"true\"" : "");
	if ((rc = changes_put(b, u)) < 0) {
		b->len = begin;
		return rc;
	}
	buf_str(b, "    </secDNS:update>\n    </extension>\n    <clTRID>");
	text_put(b, u->trid);
	buf_str(b, "</clTRID>\n  </command>\n</epp>\n");
	return b->rc;
}

int
epp_create_write(struct buf *b, const struct epp_update *u)
{
	size_t begin = b->len;
	int rc;

	if (!records_ok(u) || u->n_add == 0 || u->rem_all || u->n_rem > 0)
		return -EINVAL;
	buf_str(b, "    <extension>\n    <secDNS:create xmlns:secDNS=\"" SPACE_SECDNS "\">\n");
	if (u->max_sig_life > 0)
		life_put(b, u);
	if ((rc = records_put(b, u, u->add, u->n_add)) < 0) {
		b->len = begin;
		return rc;
	}
	buf_str(b, "    </secDNS:create>\n    </extension>\n");
	return b->rc;
}
