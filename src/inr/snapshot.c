/* Opening a snapshot that we do not trust, and reading one that we do. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/timefmt.h"
#include "inr/internal.h"

#define VERSION_IN_FILE	(RTR_VERSIONS - 1)

struct family
family_get(const struct snapshot *s, uint8_t af)
{
	bool is_v4 = af == IP_V4;
	struct sv sec = s->section[is_v4 ? SNAP_PDU4 : SNAP_PDU6];

	return (struct family){
		.pdus = (const uint8_t *)sec.p,
		.n = is_v4 ? s->n_v4 : s->n_v6,
		.pdu_len = is_v4 ? RTR_IPV4_LEN : RTR_IPV6_LEN,
		.addr_len = is_v4 ? 4 : 16,
		.first = is_v4 ? 0 : s->n_v4,
		.af = af,
	};
}

#define COMMON_BLOCK	64	/* PDUs that are compared at once */

size_t
family_common(const struct family *a, size_t i, const struct family *b, size_t j, size_t max)
{
	size_t n = 0, most = min_size(max, min_size(i, j)), step = COMMON_BLOCK;

	while (n < most) {
		step = min_size(step, most - n);
		if (memcmp(family_pdu(a, i - n - step), family_pdu(b, j - n - step),
		    step * a->pdu_len) == 0)
			n += step;
		else if (step == 1)
			break;
		else
			step /= 2;
	}
	return n;
}

static int
sums_check(struct sv map, snapshot_digest_fn digest)
{
	uint8_t sum[SNAPSHOT_SUM_LEN];

	if (digest == NULL)
		return 0;
	digest(map.p, HEAD_SUM, sum);
	if (memcmp(sum, map.p + HEAD_SUM, sizeof(sum)) != 0)
		return SE_SUM;
	digest(map.p + HEAD_LEN, map.n - HEAD_LEN, sum);
	return memcmp(sum, map.p + HEAD_BODY_SUM, sizeof(sum)) == 0 ? 0 : SE_SUM;
}

static int
head_parse(struct sv map, struct snapshot *s)
{
	struct rd r = rd_mem(map.p, HEAD_LEN);
	uint64_t left = map.n - HEAD_LEN;
	size_t at = HEAD_LEN;

	(void)rd_bytes(&r, 8 + 4 + 4 + 8);
	s->built = (int64_t)rd_be64(&r);
	s->earliest = (int64_t)rd_be64(&r);
	(void)rd_be64(&r);
	s->stamp.serial = rd_be32(&r);
	for (size_t v = 0; v < RTR_VERSIONS; v++)
		s->stamp.session[v] = rd_be16(&r);
	(void)rd_be16(&r);
	s->n_v4 = rd_be32(&r);
	s->n_v6 = rd_be32(&r);
	s->n_router_keys = rd_be32(&r);
	s->n_aspas = rd_be32(&r);
	s->n_tas = rd_be32(&r);
	s->n_cas = rd_be32(&r);
	(void)rd_be32(&r);
	for (size_t i = 0; i < SNAP_SECTION_MAX; i++) {
		uint64_t len = rd_be64(&r);

		if (len > left)
			return -EBADMSG;
		s->section[i] = (struct sv){ map.p + at, len };
		at += len;
		left -= len;
	}
	return left == 0 ? 0 : -EBADMSG;
}

static bool
counts_fit(const struct snapshot *s)
{
	size_t n_vrps = s->n_v4 + s->n_v6, n = n_vrps + s->n_router_keys + s->n_aspas;

	return s->n_v4 <= VRPS_MAX && s->n_v6 <= VRPS_MAX && n_vrps <= VRPS_MAX &&
	    s->n_router_keys <= ROUTER_KEYS_MAX && s->n_cas <= CAS_MAX &&
	    s->n_aspas <= ASPAS_MAX && s->n_tas <= TA_MAX &&
	    s->section[SNAP_PDU4].n == s->n_v4 * RTR_IPV4_LEN &&
	    s->section[SNAP_PDU6].n == s->n_v6 * RTR_IPV6_LEN &&
	    s->section[SNAP_EXPIRY].n == 4 * n &&
	    s->section[SNAP_TA].n == n &&
	    s->section[SNAP_CA].n == 4 * n &&
	    s->section[SNAP_KEY_INDEX].n == 4 * s->n_router_keys &&
	    s->section[SNAP_ASPA_INDEX].n == 4 * s->n_aspas &&
	    s->section[SNAP_CAS].n == CA_ROW_LEN * s->n_cas &&
	    s->section[SNAP_CA_TEXT].n <= CA_TEXT_MAX &&
	    s->section[SNAP_REPORT].n <= REPORT_MAX;
}

static bool
tas_parse(struct snapshot *s)
{
	struct rd r = rd_sv(s->section[SNAP_TAS]);

	for (size_t i = 0; i < s->n_tas; i++) {
		uint8_t n = rd_u8(&r);
		struct sv name = rd_slice(&r, n);

		if (r.bad || n == 0 || n > TA_NAME_MAX || memchr(name.p, 0, n) != NULL)
			return false;
		memcpy(s->tas[i], name.p, n);
		s->tas[i][n] = '\0';
	}
	return rd_done(&r);
}

/* Each PDU as we would write it, and each below the one before it. */
static bool
family_check(const struct family *f)
{
	uint8_t type = f->af == IP_V4 ? RTR_IPV4_PREFIX : RTR_IPV6_PREFIX;
	const uint8_t head[PDU_LEN] = { VERSION_IN_FILE, type, 0, 0, 0, 0, 0,
	    (uint8_t)f->pdu_len, 1 };

	for (size_t i = 0; i < f->n; i++) {
		const uint8_t *p = family_pdu(f, i);
		struct vrp v;

		if (memcmp(p, head, sizeof(head)) != 0 || p[PDU_MAX_LEN + 1] != 0)
			return false;
		pdu_vrp(f, p, &v);
		if (!vrp_is_sound(&v))
			return false;
		if (i > 0 && pdu_cmp(f, family_pdu(f, i - 1), p) <= 0)
			return false;
	}
	return true;
}

static bool
router_keys_check(const struct snapshot *s)
{
	struct rd r = rd_sv(s->section[SNAP_PDU_KEY]);
	struct rd index = rd_sv(s->section[SNAP_KEY_INDEX]);
	const uint8_t head[4] = { VERSION_IN_FILE, RTR_ROUTER_KEY, 1, 0 };
	struct router_key k, last = { 0 };

	for (size_t i = 0; i < s->n_router_keys; i++) {
		size_t at = s->section[SNAP_PDU_KEY].n - rd_left(&r);
		const uint8_t *h = rd_bytes(&r, sizeof(head));
		uint32_t len = rd_be32(&r);
		struct rd body;

		if (rd_be32(&index) != at || r.bad || memcmp(h, head, sizeof(head)) != 0 ||
		    len < RTR_KEY_MIN)
			return false;
		body = rd_sub(&r, len - RTR_HEAD_LEN);
		if (router_key_pdu_parse(&body, &k) < 0 ||
		    (i > 0 && router_key_cmp(&last, &k) >= 0))
			return false;
		last = k;
	}
	return rd_done(&r);
}

static bool
providers_check(struct rd *r, uint32_t n)
{
	uint32_t last = 0;

	for (uint32_t i = 0; i < n; i++) {
		uint32_t p = rd_be32(r);

		if ((i > 0 && p <= last) || (p == 0 && n > 1))
			return false;
		last = p;
	}
	return n > 0;
}

static bool
aspas_check(const struct snapshot *s)
{
	struct rd r = rd_sv(s->section[SNAP_PDU_ASPA]);
	struct rd index = rd_sv(s->section[SNAP_ASPA_INDEX]);
	const uint8_t head[4] = { VERSION_IN_FILE, RTR_ASPA, 1, 0 };
	uint32_t last = 0;

	for (size_t i = 0; i < s->n_aspas; i++) {
		size_t at = s->section[SNAP_PDU_ASPA].n - rd_left(&r);
		const uint8_t *h = rd_bytes(&r, sizeof(head));
		uint32_t len = rd_be32(&r), customer = rd_be32(&r);

		if (rd_be32(&index) != at || r.bad || memcmp(h, head, sizeof(head)) != 0)
			return false;
		if (len > RTR_PDU_MAX || len < RTR_ASPA_MIN || len % 4 != 0 ||
		    (i > 0 && customer <= last) ||
		    !providers_check(&r, (len - RTR_ASPA_MIN) / 4))
			return false;
		last = customer;
	}
	return rd_done(&r);
}

/* Every payload's CA is a row, or it has none. */
static bool
issuers_check(const struct snapshot *s)
{
	struct rd r = rd_sv(s->section[SNAP_CA]);

	while (rd_left(&r) > 0) {
		uint32_t ca = rd_be32(&r);

		if (ca >= s->n_cas && ca != PAYLOAD_CA_NONE)
			return false;
	}
	return rd_done(&r);
}

/* The earliest is real, the latest is found, every anchor has a name. */
static bool
expiry_check(struct snapshot *s)
{
	struct rd r = rd_sv(s->section[SNAP_EXPIRY]);
	struct rd ta = rd_sv(s->section[SNAP_TA]);
	size_t n = snapshot_n_vrps(s) + s->n_router_keys + s->n_aspas;
	uint32_t low = EXPIRY_NEVER, high = 0;

	for (size_t i = 0; i < n; i++) {
		uint32_t e = rd_be32(&r);

		low = e < low ? e : low;
		high = e > high ? e : high;
		if (rd_u8(&ta) >= s->n_tas)
			return false;
	}
	s->latest = TIME_NEVER;
	if (low == EXPIRY_NEVER)	/* also when there is nothing */
		return s->earliest == TIME_NEVER;
	if (low != 0 || s->earliest < 0 || s->earliest >= TIME_NEVER - EXPIRY_NEVER)
		return false;
	if (high != EXPIRY_NEVER)
		s->latest = s->earliest + high;
	return true;
}

int
snapshot_open(const void *map, size_t size, snapshot_digest_fn digest, struct snapshot *ret)
{
	struct snapshot s = { .map = map, .size = size };
	struct sv all = { map, size };
	struct rd r = rd_mem(map, size);
	const uint8_t *magic = rd_bytes(&r, 8);
	struct family v4, v6;
	int rc;

	if (size < HEAD_LEN || memcmp(magic, SNAPSHOT_MAGIC, 8) != 0 ||
	    rd_be32(&r) != SNAPSHOT_FORMAT || rd_be32(&r) != HEAD_LEN)
		return SE_FORMAT;
	if (rd_be64(&r) != size)
		return -EBADMSG;
	if ((rc = sums_check(all, digest)) < 0 || (rc = head_parse(all, &s)) < 0)
		return rc;
	if (!counts_fit(&s) || !tas_parse(&s))
		return -EBADMSG;
	v4 = family_get(&s, IP_V4);
	v6 = family_get(&s, IP_V6);
	if (!family_check(&v4) || !family_check(&v6) || !aspas_check(&s) ||
	    !router_keys_check(&s) || !expiry_check(&s) || !issuers_check(&s) ||
	    !cas_check(&s))
		return -EBADMSG;
	*ret = s;
	return 0;
}

void
snapshot_view_at(const struct snapshot *s, const void *map, struct snapshot *ret)
{
	const char *from = (const char *)s->map, *to = map;

	*ret = *s;
	ret->map = map;
	for (size_t i = 0; i < SNAP_SECTION_MAX; i++)
		ret->section[i].p = to + (s->section[i].p - from);
}

bool
snapshot_same(const struct snapshot *a, const struct snapshot *b)
{
	return sv_eq(a->section[SNAP_PDU4], b->section[SNAP_PDU4]) &&
	    sv_eq(a->section[SNAP_PDU6], b->section[SNAP_PDU6]) &&
	    sv_eq(a->section[SNAP_PDU_KEY], b->section[SNAP_PDU_KEY]) &&
	    sv_eq(a->section[SNAP_PDU_ASPA], b->section[SNAP_PDU_ASPA]);
}

static int64_t
expiry_at(const struct snapshot *s, size_t i)
{
	struct rd r = rd_sv(sv_skip(s->section[SNAP_EXPIRY], 4 * i));
	uint32_t d = rd_be32(&r);

	return d == EXPIRY_NEVER ? TIME_NEVER : s->earliest + d;
}

static uint32_t
ca_at(const struct snapshot *s, size_t i)
{
	struct rd r = rd_sv(sv_skip(s->section[SNAP_CA], 4 * i));

	return rd_be32(&r);
}

/* Columns lie as their PDUs do: each family descending. */
static size_t
vrp_row(const struct snapshot *s, size_t i)
{
	return i < s->n_v4 ? s->n_v4 - 1 - i : s->n_v4 + snapshot_n_vrps(s) - 1 - i;
}

uint8_t
snapshot_vrp_ta(const struct snapshot *s, size_t i)
{
	return (uint8_t)s->section[SNAP_TA].p[vrp_row(s, i)];
}

void
snapshot_vrp(const struct snapshot *s, size_t i, struct vrp *ret)
{
	struct family f = family_get(s, i < s->n_v4 ? IP_V4 : IP_V6);
	size_t row = vrp_row(s, i);

	pdu_vrp(&f, family_pdu(&f, row - f.first), ret);
	ret->expires = expiry_at(s, row);
	ret->ta = (uint8_t)s->section[SNAP_TA].p[row];
	ret->ca = ca_at(s, row);
}

size_t
snapshot_common(const struct snapshot *a, size_t i, const struct snapshot *b, size_t j, size_t max)
{
	uint8_t af = i < a->n_v4 ? IP_V4 : IP_V6;
	struct family fa = family_get(a, af), fb = family_get(b, af);

	if (af != (j < b->n_v4 ? IP_V4 : IP_V6))
		return 0;
	return family_common(&fa, fa.n - (i - fa.first), &fb, fb.n - (j - fb.first), max);
}

void
snapshot_router_key(const struct snapshot *s, size_t i, struct router_key *ret)
{
	struct rd index = rd_sv(sv_skip(s->section[SNAP_KEY_INDEX], 4 * i));
	struct rd r = rd_sv(sv_skip(s->section[SNAP_PDU_KEY], rd_be32(&index)));
	size_t row = snapshot_n_vrps(s) + i;
	struct rd body;

	(void)rd_be32(&r);
	body = rd_sub(&r, rd_be32(&r) - RTR_HEAD_LEN);
	if (router_key_pdu_parse(&body, ret) < 0)	/* not after snapshot_open() */
		memset(ret, 0, sizeof(*ret));
	ret->expires = expiry_at(s, row);
	ret->ta = (uint8_t)s->section[SNAP_TA].p[row];
	ret->ca = ca_at(s, row);
}

void
snapshot_aspa(const struct snapshot *s, size_t i, struct snapshot_aspa *ret)
{
	struct rd index = rd_sv(sv_skip(s->section[SNAP_ASPA_INDEX], 4 * i));
	struct rd r = rd_sv(sv_skip(s->section[SNAP_PDU_ASPA], rd_be32(&index)));
	size_t row = snapshot_n_vrps(s) + s->n_router_keys + i;
	uint32_t len;

	(void)rd_be32(&r);
	len = rd_be32(&r);
	ret->customer = rd_be32(&r);
	ret->n_providers = (len - RTR_ASPA_MIN) / 4;
	ret->providers = rd_sub(&r, len - RTR_ASPA_MIN);
	ret->expires = expiry_at(s, row);
	ret->ta = (uint8_t)s->section[SNAP_TA].p[row];
	ret->ca = ca_at(s, row);
}

bool
snapshot_aspa_find(const struct snapshot *s, uint32_t customer, struct snapshot_aspa *ret)
{
	size_t lo = 0, hi = s->n_aspas;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		struct snapshot_aspa a;

		snapshot_aspa(s, mid, &a);
		if (a.customer == customer) {
			*ret = a;
			return true;
		}
		if (a.customer < customer)
			lo = mid + 1;
		else
			hi = mid;
	}
	return false;
}

int
aspa_copy(const struct snapshot_aspa *a, struct aspa *ret)
{
	uint32_t *list = calloc(a->n_providers, sizeof(*list));
	struct rd r = a->providers;

	if (list == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < a->n_providers; i++)
		list[i] = rd_be32(&r);
	*ret = (struct aspa){ a->customer, a->n_providers, list, a->expires, a->ta, a->ca };
	return 0;
}

static void
cas_copy(const struct snapshot *s, struct payloads *p)
{
	for (size_t i = 0; i < s->n_cas; i++) {
		struct snapshot_ca x;

		snapshot_ca(s, i, &x);
		p->cas[p->n_cas++] = x.ca;
	}
}

static int
payloads_copy(const struct snapshot *s, int64_t now, struct payloads *p)
{
	struct snapshot_aspa a;
	struct router_key k;
	struct vrp v;
	int rc = 0;

	for (size_t i = 0; i < snapshot_n_vrps(s); i++) {
		snapshot_vrp(s, i, &v);
		if (v.expires > now)
			p->vrps[p->n_vrps++] = v;
	}
	for (size_t i = 0; i < s->n_router_keys; i++) {
		snapshot_router_key(s, i, &k);
		if (k.expires > now)
			p->router_keys[p->n_router_keys++] = k;
	}
	for (size_t i = 0; i < s->n_aspas && rc == 0; i++) {
		snapshot_aspa(s, i, &a);
		if (a.expires > now && (rc = aspa_copy(&a, &p->aspas[p->n_aspas])) == 0)
			p->n_aspas++;
	}
	return rc;
}

int
snapshot_payloads(const struct snapshot *s, int64_t now, struct payloads *ret)
{
	struct payloads p = { .n_tas = s->n_tas };
	char *text = malloc(s->section[SNAP_CA_TEXT].n + 1);
	int rc = -ENOMEM;

	memcpy(p.tas, s->tas, sizeof(p.tas));
	p.vrps = calloc(snapshot_n_vrps(s) + 1, sizeof(*p.vrps));
	p.aspas = calloc(s->n_aspas + 1, sizeof(*p.aspas));
	p.router_keys = calloc(s->n_router_keys + 1, sizeof(*p.router_keys));
	p.cas = calloc(s->n_cas + 1, sizeof(*p.cas));
	if (p.vrps != NULL && p.aspas != NULL && p.router_keys != NULL && p.cas != NULL &&
	    text != NULL)
		rc = payloads_copy(s, now, &p);
	if (rc < 0) {
		free(text);
		payloads_done(&p);
		return rc;
	}
	cas_copy(s, &p);
	cas_text_own(&p, text);
	*ret = p;
	return 0;
}

void
snapshot_pdus(const struct snapshot *s, uint8_t version, size_t *ret_off, size_t *ret_len)
{
	*ret_off = HEAD_LEN + s->section[SNAP_TAS].n;
	*ret_len = s->section[SNAP_PDU4].n + s->section[SNAP_PDU6].n;
	if (version >= RTR_KEY_VERSION)
		*ret_len += s->section[SNAP_PDU_KEY].n;
	if (version >= RTR_ASPA_VERSION)
		*ret_len += s->section[SNAP_PDU_ASPA].n;
}

/* The first byte of each PDU of a section that has an index. */
static void
versions_set(struct sv index, uint8_t version, uint8_t *buf)
{
	struct rd r = rd_sv(index);

	while (rd_left(&r) > 0)
		buf[rd_be32(&r)] = version;
}

void
snapshot_pdus_write(const struct snapshot *s, uint8_t version, uint8_t *buf)
{
	size_t off, len, at = 0;

	snapshot_pdus(s, version, &off, &len);
	memcpy(buf, s->map + off, len);
	for (size_t i = 0; i < s->n_v4; i++, at += RTR_IPV4_LEN)
		buf[at] = version;
	for (size_t i = 0; i < s->n_v6; i++, at += RTR_IPV6_LEN)
		buf[at] = version;
	if (version >= RTR_KEY_VERSION)
		versions_set(s->section[SNAP_KEY_INDEX], version, buf + at);
	if (version >= RTR_ASPA_VERSION)
		versions_set(s->section[SNAP_ASPA_INDEX], version,
		    buf + at + s->section[SNAP_PDU_KEY].n);
}
