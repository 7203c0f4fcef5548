/* EDNS (RFC 6891) and extended errors (RFC 8914). */
#include <errno.h>

#include "dns/wire.h"
#include "dns/wire_internal.h"

int
edns_parse(const struct dns_rr *rr, struct edns *ret)
{
	struct sv rest = rr->rdata, data;
	uint16_t code;

	if (rr->type != RR_OPT || rr->owner->len != 1)
		return -EBADMSG;
	while (edns_next(&rest, &code, &data))
		;
	if (rest.n > 0)
		return -EBADMSG;
	*ret = (struct edns){
		.present = true,
		.dnssec_ok = (rr->ttl & EDNS_DO) != 0,
		.version = (uint8_t)(rr->ttl >> 16),
		.rcode_high = (uint8_t)(rr->ttl >> 24),
		.udp_size = rr->class,
		.options = rr->rdata,
	};
	return 0;
}

bool
edns_next(struct sv *options, uint16_t *ret_code, struct sv *ret_data)
{
	struct rd r = rd_sv(*options);
	uint16_t code = rd_be16(&r), len = rd_be16(&r);
	struct sv data = rd_slice(&r, len);

	if (r.bad)
		return false;
	*ret_code = code;
	*ret_data = data;
	*options = sv_skip(*options, (size_t)len + 4);
	return true;
}

void
edns_option_write(struct wr *w, uint16_t code, struct sv data)
{
	wr_be16(w, code);
	wr_be16(w, (uint16_t)data.n);
	wr_bytes(w, data.p, data.n);
}

int
ede_parse(struct sv data, uint16_t *ret_code, struct sv *ret_text)
{
	struct rd r = rd_sv(data);
	uint16_t code = rd_be16(&r);

	if (r.bad)
		return -EBADMSG;
	*ret_code = code;
	*ret_text = sv_skip(data, 2);
	return 0;
}

void
ede_write(struct wr *w, uint16_t code, struct sv text)
{
	wr_be16(w, EDNS_EDE);
	wr_be16(w, (uint16_t)(2 + text.n));
	wr_be16(w, code);
	wr_bytes(w, text.p, text.n);
}

/* https://www.iana.org/assignments/dns-parameters, "Extended DNS Error Codes". */
const char *
ede_name(uint16_t code)
{
	static const char *const names[] = {
		"Other Error", "Unsupported DNSKEY Algorithm", "Unsupported DS Digest Type",
		"Stale Answer", "Forged Answer", "DNSSEC Indeterminate", "DNSSEC Bogus",
		"Signature Expired", "Signature Not Yet Valid", "DNSKEY Missing",
		"RRSIGs Missing", "No Zone Key Bit Set", "NSEC Missing", "Cached Error",
		"Not Ready", "Blocked", "Censored", "Filtered", "Prohibited",
		"Stale NXDOMAIN Answer", "Not Authoritative", "Not Supported",
		"No Reachable Authority", "Network Error", "Invalid Data",
		"Signature Expired before Valid", "Too Early",
		"Unsupported NSEC3 Iterations Value", "Unable to conform to policy",
		"Synthesized", "Invalid Query Type",
	};

	return code < ARRAY_LEN(names) ? names[code] : NULL;
}
