/* Making a snapshot of merged payloads. */
#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "base/timefmt.h"
#include "inr/internal.h"

struct plan {
	size_t		n_v4, n_v6;
	size_t		len[SNAP_SECTION_MAX];
	size_t		total;
	int64_t		earliest;
};

static int
plan_make(const struct payloads *p, size_t report_len, struct plan *ret)
{
	struct plan pl = { .earliest = TIME_NEVER };
	size_t n = p->n_vrps + p->n_router_keys + p->n_aspas, providers = 0;

	if (p->n_vrps > VRPS_MAX || p->n_aspas > ASPAS_MAX || report_len > REPORT_MAX ||
	    p->n_router_keys > ROUTER_KEYS_MAX || p->n_cas > CAS_MAX)
		return -E2BIG;
	for (size_t i = 0; i < p->n_vrps; i++) {
		if (p->vrps[i].af == IP_V4)
			pl.n_v4++;
		pl.earliest = min_i64(pl.earliest, p->vrps[i].expires);
	}
	for (size_t i = 0; i < p->n_aspas; i++) {
		providers += p->aspas[i].n_providers;
		pl.earliest = min_i64(pl.earliest, p->aspas[i].expires);
	}
	if (providers > PROVIDERS_SUM_MAX)
		return -E2BIG;
	for (size_t i = 0; i < p->n_router_keys; i++) {
		pl.len[SNAP_PDU_KEY] += RTR_KEY_MIN + (size_t)p->router_keys[i].spki_len;
		pl.earliest = min_i64(pl.earliest, p->router_keys[i].expires);
	}
	pl.n_v6 = p->n_vrps - pl.n_v4;
	for (size_t i = 0; i < p->n_tas; i++)
		pl.len[SNAP_TAS] += 1 + strlen(p->tas[i]);
	pl.len[SNAP_PDU4] = pl.n_v4 * RTR_IPV4_LEN;
	pl.len[SNAP_PDU6] = pl.n_v6 * RTR_IPV6_LEN;
	pl.len[SNAP_PDU_ASPA] = p->n_aspas * RTR_ASPA_MIN + 4 * providers;
	pl.len[SNAP_EXPIRY] = 4 * n;
	pl.len[SNAP_TA] = n;
	pl.len[SNAP_CA] = 4 * n;
	pl.len[SNAP_KEY_INDEX] = 4 * p->n_router_keys;
	pl.len[SNAP_ASPA_INDEX] = 4 * p->n_aspas;
	pl.len[SNAP_CAS] = CA_ROW_LEN * p->n_cas;
	pl.len[SNAP_CA_TEXT] = cas_text_size(p);
	pl.len[SNAP_REPORT] = report_len;
	pl.total = HEAD_LEN;
	for (size_t i = 0; i < SNAP_SECTION_MAX; i++)
		pl.total += pl.len[i];
	*ret = pl;
	return 0;
}

int
snapshot_size(const struct payloads *p, size_t report_len, size_t *ret)
{
	struct plan pl;
	int rc = plan_make(p, report_len, &pl);

	if (rc < 0)
		return rc;
	*ret = pl.total;
	return 0;
}

static uint32_t
expiry_code(const struct plan *pl, int64_t expires)
{
	uint64_t d = (uint64_t)expires - (uint64_t)pl->earliest;

	if (expires == TIME_NEVER)
		return EXPIRY_NEVER;
	return d < EXPIRY_NEVER ? (uint32_t)d : EXPIRY_NEVER - 1;
}

/* Descending within a family: the order in which they are sent. */
static const struct vrp *
vrp_in_file(const struct payloads *p, const struct plan *pl, size_t i)
{
	if (i < pl->n_v4)
		return &p->vrps[pl->n_v4 - 1 - i];
	return &p->vrps[p->n_vrps - 1 - (i - pl->n_v4)];
}

static void
pdus_write(struct wr *w, const struct payloads *p, const struct plan *pl)
{
	const uint8_t version = RTR_VERSIONS - 1;

	for (size_t i = 0; i < p->n_vrps; i++)
		vrp_pdu_write(w, version, true, vrp_in_file(p, pl, i));
	for (size_t i = 0; i < p->n_router_keys; i++)
		router_key_pdu_write(w, version, true, &p->router_keys[i]);
	for (size_t i = 0; i < p->n_aspas; i++)
		aspa_pdu_write(w, version, true, p->aspas[i].customer,
		    p->aspas[i].providers, p->aspas[i].n_providers);
}

/* What stands beside each PDU, in the order of the PDUs. */
static void
columns_write(struct wr *w, const struct payloads *p, const struct plan *pl)
{
	for (size_t i = 0; i < p->n_vrps; i++)
		wr_be32(w, expiry_code(pl, vrp_in_file(p, pl, i)->expires));
	for (size_t i = 0; i < p->n_router_keys; i++)
		wr_be32(w, expiry_code(pl, p->router_keys[i].expires));
	for (size_t i = 0; i < p->n_aspas; i++)
		wr_be32(w, expiry_code(pl, p->aspas[i].expires));
	for (size_t i = 0; i < p->n_vrps; i++)
		wr_u8(w, vrp_in_file(p, pl, i)->ta);
	for (size_t i = 0; i < p->n_router_keys; i++)
		wr_u8(w, p->router_keys[i].ta);
	for (size_t i = 0; i < p->n_aspas; i++)
		wr_u8(w, p->aspas[i].ta);
	for (size_t i = 0; i < p->n_vrps; i++)
		wr_be32(w, ca_or_none(vrp_in_file(p, pl, i)->ca, p->n_cas));
	for (size_t i = 0; i < p->n_router_keys; i++)
		wr_be32(w, ca_or_none(p->router_keys[i].ca, p->n_cas));
	for (size_t i = 0; i < p->n_aspas; i++)
		wr_be32(w, ca_or_none(p->aspas[i].ca, p->n_cas));
}

/* Where each PDU of various lengths begins in its section. */
static void
indexes_write(struct wr *w, const struct payloads *p)
{
	uint32_t at = 0;

	for (size_t i = 0; i < p->n_router_keys; i++) {
		wr_be32(w, at);
		at += RTR_KEY_MIN + (uint32_t)p->router_keys[i].spki_len;
	}
	at = 0;
	for (size_t i = 0; i < p->n_aspas; i++) {
		wr_be32(w, at);
		at += RTR_ASPA_MIN + 4 * p->aspas[i].n_providers;
	}
}

static void
body_write(struct wr *w, const struct payloads *p, const struct plan *pl, struct sv report)
{
	for (size_t i = 0; i < p->n_tas; i++) {
		wr_u8(w, (uint8_t)strlen(p->tas[i]));
		wr_bytes(w, p->tas[i], strlen(p->tas[i]));
	}
	pdus_write(w, p, pl);
	columns_write(w, p, pl);
	indexes_write(w, p);
	cas_write(w, p);
	wr_bytes(w, report.p, report.n);
}

static void
head_write(struct wr *w, const struct payloads *p, const struct plan *pl, int64_t now)
{
	wr_bytes(w, SNAPSHOT_MAGIC, 8);
	wr_be32(w, SNAPSHOT_FORMAT);
	wr_be32(w, HEAD_LEN);
	wr_be64(w, pl->total);
	wr_be64(w, (uint64_t)now);
	wr_be64(w, (uint64_t)pl->earliest);
	wr_be64(w, 0);
	wr_be64(w, 0);			/* HEAD_STAMP: see snapshot_stamp() */
	wr_be32(w, 0);
	wr_be32(w, (uint32_t)pl->n_v4);
	wr_be32(w, (uint32_t)pl->n_v6);
	wr_be32(w, (uint32_t)p->n_router_keys);
	wr_be32(w, (uint32_t)p->n_aspas);
	wr_be32(w, (uint32_t)p->n_tas);
	wr_be32(w, (uint32_t)p->n_cas);
	wr_be32(w, 0);
	for (size_t i = 0; i < SNAP_SECTION_MAX; i++)
		wr_be64(w, pl->len[i]);
}

/* What snapshot_open() will refuse, said to the maker. */
static bool
payloads_sound(const struct payloads *p)
{
	for (size_t i = 0; i < p->n_vrps; i++)
		if (!vrp_is_sound(&p->vrps[i]) || p->vrps[i].ta >= p->n_tas ||
		    p->vrps[i].expires < 0 ||
		    (i > 0 && vrp_cmp(&p->vrps[i - 1], &p->vrps[i]) >= 0))
			return false;
	for (size_t i = 0; i < p->n_aspas; i++)
		if (p->aspas[i].ta >= p->n_tas || p->aspas[i].expires < 0 ||
		    (i > 0 && p->aspas[i - 1].customer >= p->aspas[i].customer))
			return false;
	for (size_t i = 0; i < p->n_router_keys; i++) {
		const struct router_key *k = &p->router_keys[i];

		if (k->ta >= p->n_tas || k->expires < 0 || k->spki_len == 0 ||
		    k->spki_len > ROUTER_SPKI_MAX ||
		    (i > 0 && router_key_cmp(k - 1, k) >= 0))
			return false;
	}
	return p->n_tas <= TA_MAX && cas_sound(p);
}

int
snapshot_build(const struct payloads *p, int64_t now, const struct snapshot_stamp *st,
    struct sv report, snapshot_digest_fn digest, uint8_t *buf, size_t size)
{
	struct wr w = wr_mem(buf, size);
	struct plan pl;
	int rc = plan_make(p, report.n, &pl);

	if (rc < 0)
		return rc;
	if (pl.total != size || !payloads_sound(p))
		return -EINVAL;
	head_write(&w, p, &pl, now);
	if (wr_reserve(&w, HEAD_LEN - w.len) == NULL)
		return -EINVAL;
	body_write(&w, p, &pl, report);
	if (!wr_done(&w) || w.len != size)
		return -EINVAL;
	digest(buf + HEAD_LEN, size - HEAD_LEN, buf + HEAD_BODY_SUM);
	return snapshot_stamp(buf, size, st, digest);
}

int
snapshot_stamp(uint8_t *buf, size_t size, const struct snapshot_stamp *st,
    snapshot_digest_fn digest)
{
	if (size < HEAD_LEN || memcmp(buf, SNAPSHOT_MAGIC, 8) != 0)
		return SE_FORMAT;
	put_be32(buf + HEAD_STAMP, st->serial);
	for (size_t v = 0; v < RTR_VERSIONS; v++)
		put_be16(buf + HEAD_STAMP + 4 + 2 * v, st->session[v]);
	digest(buf, HEAD_SUM, buf + HEAD_SUM);
	return 0;
}
