/* Signatures: gathered, verified in batches, and judged by the RRset. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dnssec/audit_internal.h"

bool
rrsig_read(struct sv rdata, struct rrsig *ret)
{
	struct rd r = rd_sv(rdata);

	ret->covered = rd_be16(&r);
	ret->alg = rd_u8(&r);
	ret->labels = rd_u8(&r);
	ret->ttl = rd_be32(&r);
	ret->expiration = rd_be32(&r);
	ret->inception = rd_be32(&r);
	ret->tag = rd_be16(&r);
	dname_rd(&r, &ret->signer);
	if (r.bad || rd_left(&r) == 0)
		return false;
	ret->sig = rd_slice(&r, rd_left(&r));
	ret->head = sv_take(rdata, rdata.n - ret->sig.n);
	return rd_done(&r);
}

/* --- room --- */

static bool
room(struct worker *w, void *ret_p, size_t *cap, size_t n, size_t size)
{
	size_t cap2 = *cap == 0 ? AUDIT_BATCH : *cap;
	void **p = ret_p, *q;

	if (n <= *cap)
		return true;
	while (cap2 < n)
		cap2 *= 2;
	if ((q = reallocarray(*p, cap2, size)) == NULL) {
		w->out->rc = -ENOMEM;
		return false;
	}
	*p = q;
	*cap = cap2;
	return true;
}

/* RFC 4034 section 3.1.8.1: owner, type, class, original TTL, length, data of each RR. */
static bool
records_write(struct worker *w, const struct zrrset *set, uint32_t ttl, size_t *ret_off)
{
	struct batch *b = &w->b;
	size_t need = set->rrs.n + (size_t)set->n_rrs * (w->name.len + 8u);
	struct sv rest = set->rrs, rdata;
	struct wr wr;

	if (!room(w, &b->bytes, &b->cap_bytes, b->n_bytes + need, 1))
		return false;
	wr = wr_mem(b->bytes + b->n_bytes, need);
	while (zdata_next(&rest, &rdata)) {
		wr_bytes(&wr, w->name.w, w->name.len);
		wr_be16(&wr, set->type);
		wr_be16(&wr, DNS_CLASS_IN);
		wr_be32(&wr, ttl);
		wr_be16(&wr, (uint16_t)rdata.n);
		wr_bytes(&wr, rdata.p, rdata.n);
	}
	*ret_off = b->n_bytes;
	b->n_bytes += wr.len;
	return wr_done(&wr);
}

/* --- one signature --- */

static bool
key_fits(const struct akey *k, const struct sigwork *s, uint16_t type)
{
	return k->zone && k->k.alg == s->alg && k->tag == s->tag &&
	    (!k->revoked || type == RR_DNSKEY);
}

/* The next key from at on; n_keys: none. */
static size_t
key_next(const struct audit *a, const struct sigwork *s, uint16_t type, size_t at)
{
	while (at < a->n_keys && !key_fits(&a->keys[at], s, type))
		at++;
	return at;
}

static bool
only_revoked(const struct audit *a, const struct sigwork *s)
{
	for (size_t i = 0; i < a->n_keys; i++)
		if (a->keys[i].revoked && a->keys[i].k.alg == s->alg && a->keys[i].tag == s->tag)
			return true;
	return false;
}

static uint8_t
alg_index(const struct audit *a, uint8_t alg)
{
	for (unsigned i = 0; i < a->n_algs; i++)
		if (a->algs[i] == alg)
			return (uint8_t)i;
	return NO_ALG;
}

static void
fault(struct sigwork *s, enum audit_code code)
{
	s->verdict = SIG_FAULT;
	s->code = code;
}

/*
 * RFC 4035 section 5.3.1, in an order that tells the first cause: who signed,
 * how many labels, when, with which key. Times are serial numbers.
 */
static bool
sig_fields_ok(const struct audit *a, const struct rrsig *r, const struct dname *name,
    struct sigwork *s)
{
	unsigned labels = dname_labels(name->w) - (dname_is_wild(name->w) ? 1 : 0);

	if (!dname_eq(&r->signer, &a->apex))
		fault(s, DNS_SIG_SIGNER);
	else if (r->labels != labels)
		fault(s, DNS_SIG_LABELS);
	else if ((int32_t)(r->expiration - r->inception) < 0)
		fault(s, DNS_SIG_PERIOD);
	else if ((int32_t)(r->expiration - a->now) < 0)
		fault(s, DNS_SIG_EXPIRED);
	else if ((int32_t)(r->inception - a->now) > 0)
		fault(s, DNS_SIG_EARLY);
	return s->verdict != SIG_FAULT;
}

static void
sig_enqueue(struct worker *w, struct sigwork *s, const struct rrsig *r, size_t off, size_t len)
{
	struct batch *b = &w->b;

	if (!room(w, &b->checks, &b->cap_checks, b->n_checks + 1, sizeof(*b->checks)) ||
	    !room(w, &b->covered, &b->cap_covered, b->n_checks + 1, sizeof(*b->covered)))
		return;
	s->verdict = SIG_TRIED;
	s->check = b->n_checks;
	b->covered[b->n_checks] = (struct covered){ r->head, off, len, r->alg };
	b->checks[b->n_checks++] = (struct crypto_verify){ .key = w->a->keys[s->key].pub,
	    .sig = r->sig };
}

/* The records as they are signed, once for each original TTL that is tried. */
struct written {
	unsigned	n;
	uint32_t	ttl[AUDIT_TTLS_TRIED];
	size_t		off[AUDIT_TTLS_TRIED], len;
};

/*
 * Where they stand with that TTL; n of AUDIT_TTLS_TRIED: nowhere. Each copy is
 * as large as the RRset, and a stranger's signatures have any TTL they like.
 */
static unsigned
written_find(struct worker *w, const struct zrrset *set, uint32_t ttl, struct written *wr)
{
	size_t before = w->b.n_bytes;
	unsigned i = 0;

	while (i < wr->n && wr->ttl[i] != ttl)
		i++;
	if (i < wr->n || i == AUDIT_TTLS_TRIED)
		return i;
	if (!records_write(w, set, ttl, &wr->off[i]))
		return AUDIT_TTLS_TRIED;
	wr->ttl[i] = ttl;
	wr->len = w->b.n_bytes - before;
	wr->n++;
	return i;
}

static void
sig_try(struct worker *w, const struct zrrset *set, const struct rrsig *r, struct sigwork *s,
    struct written *wr)
{
	const struct audit *a = w->a;
	size_t k = key_next(a, s, set->type, 0);
	unsigned at;

	if (k == a->n_keys) {
		fault(s, only_revoked(a, s) ? DNS_SIG_KEY_REVOKED : DNS_SIG_NO_KEY);
		return;
	}
	s->key = (unsigned)k;
	if (a->keys[k].pub == NULL) {
		s->verdict = SIG_UNCOMPUTED;
		return;
	}
	if ((at = written_find(w, set, r->ttl, wr)) == AUDIT_TTLS_TRIED) {
		fault(s, DNS_SIG_TTL_ORIGINAL);
		return;
	}
	sig_enqueue(w, s, r, wr->off[at], wr->len);
}

static void
ttl_say(struct worker *w, enum audit_code code, uint16_t type, uint32_t is, uint32_t wanted)
{
	struct cause c = CAUSE_TYPE(code, type);

	c.values = AUDIT_NUMBERS;
	c.is = is;
	c.wanted = wanted;
	worker_say(w, &c);
}

void
sig_set(struct worker *w, enum zone_part part, const struct znode *node, const struct zrrset *set)
{
	struct batch *b = &w->b;
	struct sv rest = set->sigs, rdata;
	struct written wr = { 0 };
	struct rrsig r;

	if (!room(w, &b->sets, &b->cap_sets, b->n_sets + 1, sizeof(*b->sets)) ||
	    !room(w, &b->sigs, &b->cap_sigs, b->n_sigs + set->n_sigs, sizeof(*b->sigs)))
		return;
	b->sets[b->n_sets++] = (struct setwork){ .node = node, .part = part, .type = set->type,
	    .ttl = set->ttl, .first = b->n_sigs, .n = set->n_sigs };
	if (set->n_sigs > 0 && set->sig_ttl != set->ttl)
		ttl_say(w, DNS_SIG_TTL, set->type, set->sig_ttl, set->ttl);
	while (zdata_next(&rest, &rdata)) {
		struct sigwork *s = &b->sigs[b->n_sigs++];

		*s = (struct sigwork){ .alg_i = NO_ALG };
		if (!rrsig_read(rdata, &r)) {
			fault(s, DNS_SIG_FORM);
			continue;
		}
		s->alg = r.alg;
		s->tag = r.tag;
		s->alg_i = alg_index(w->a, r.alg);
		s->inception = r.inception;
		s->expiration = r.expiration;
		if (r.ttl != set->ttl)
			ttl_say(w, DNS_SIG_TTL_ORIGINAL, set->type, set->ttl, r.ttl);
		if (sig_fields_ok(w->a, &r, &w->name, s))
			sig_try(w, set, &r, s, &wr);
	}
	sink_count(w->out, set->type, set->n_sigs);
	if (b->n_checks >= AUDIT_BATCH || b->n_sets >= 4 * AUDIT_BATCH ||
	    b->n_bytes >= AUDIT_BATCH_BYTES)
		sig_flush(w);
}

/* --- judging --- */

static int64_t
time_of(const struct audit *a, uint32_t t)
{
	return a->opts->now + (int32_t)(t - a->now);
}

static void
key_say(struct worker *w, const struct setwork *set, const struct sigwork *s, enum audit_code code,
    uint8_t values, uint64_t is)
{
	struct cause c = { .code = code, .alg = s->alg, .tag = s->tag, .has_key = true,
	    .values = values, .is = is };

	worker_say_at(w, &c, set->part, set->node);
}

/* Its fault is told: that the key does not sign the keys is no news then. */
static void
tried_note(struct worker *w, const struct setwork *set, const struct sigwork *s)
{
	if (set->part != ZONE_NAMES || set->type != RR_DNSKEY || znode_key(set->node).n > 0)
		return;
	for (size_t i = 0; i < w->a->n_keys; i++)
		if (w->a->keys[i].k.alg == s->alg && w->a->keys[i].tag == s->tag)
			w->out->tried_dnskey |= (uint64_t)1 << i;
}

static void
sig_fault_say(struct worker *w, const struct setwork *set, const struct sigwork *s)
{
	tried_note(w, set, s);
	if (s->code == DNS_SIG_TTL_ORIGINAL)	/* told with its numbers where it was read */
		return;
	if (s->code == DNS_SIG_EXPIRED)
		key_say(w, set, s, s->code, AUDIT_TIME, (uint64_t)time_of(w->a, s->expiration));
	else if (s->code == DNS_SIG_EARLY)
		key_say(w, set, s, s->code, AUDIT_TIME, (uint64_t)time_of(w->a, s->inception));
	else
		key_say(w, set, s, s->code, AUDIT_NO_VALUE, 0);
}

static void
signers_note(struct worker *w, const struct setwork *set, unsigned key)
{
	uint64_t bit = (uint64_t)1 << key;

	if (set->part != ZONE_NAMES || znode_key(set->node).n > 0)
		return;
	if (set->type == RR_DNSKEY)
		w->out->signs_dnskey |= bit;
	else if (set->type == RR_CDS)
		w->out->signs_cds |= bit;
	else if (set->type == RR_CDNSKEY)
		w->out->signs_cdnskey |= bit;
}

/* A signature that serves: when it begins and ends. */
static void
sig_good(struct worker *w, const struct setwork *set, const struct sigwork *s)
{
	const struct audit *a = w->a;
	struct sink *out = w->out;
	int64_t end = time_of(a, s->expiration), left = end - a->opts->now;

	out->counts.n_sigs++;
	if (s->verdict == SIG_OK)
		out->key_sigs[s->key]++;
	signers_note(w, set, s->key);
	out->last_inception = max_i64(out->last_inception, time_of(a, s->inception));
	if (end < out->first_expiry) {
		out->first_expiry = end;
		out->first_type = set->type;
		znode_name(a->z, set->part, set->node, &out->first_name);
	}
	if (left < (int64_t)a->opts->horizon_sec)
		key_say(w, set, s, DNS_SIG_EXPIRES_SOON, AUDIT_TIME, (uint64_t)end);
	else if (left < (int64_t)set->ttl)
		key_say(w, set, s, DNS_SIG_TTL_BEYOND, AUDIT_TIME, (uint64_t)end);
}

static void
missing_say(struct worker *w, const struct setwork *set, uint32_t got)
{
	const struct audit *a = w->a;
	struct cause c = CAUSE_TYPE(DNS_SIG_MISSING, set->type);

	if (set->n == 0) {
		worker_say_at(w, &c, set->part, set->node);
		return;
	}
	c.code = DNS_SIG_ALG_MISSING;
	c.has_alg = true;
	for (unsigned i = 0; i < a->n_algs; i++)
		if ((got & 1u << i) == 0) {
			c.alg = a->algs[i];
			worker_say_at(w, &c, set->part, set->node);
		}
}

static bool
key_signed_before(const struct sigwork *s, size_t i)
{
	for (size_t j = 0; j < i; j++)
		if (s[j].verdict == SIG_OK && s[j].key == s[i].key)
			return true;
	return false;
}

/*
 * One that does not hold, beside others that do. RFC 6840 section 5.12:
 * validators MUST disregard it where its key is not (yet, or any more) in the
 * zone; when an algorithm is added that is how it has to be.
 */
static void
needless_say(struct worker *w, const struct setwork *set, const struct sigwork *s)
{
	key_say(w, set, s, s->code == DNS_SIG_NO_KEY ? DNS_SIG_UNPUBLISHED : DNS_SIG_SUPERFLUOUS,
	    AUDIT_NO_VALUE, 0);
}

static uint32_t
alg_bit(const struct audit *a, const struct sigwork *s)
{
	if (s->alg_i == NO_ALG || (s->verdict == SIG_OK && a->keys[s->key].revoked))
		return 0;
	return 1u << s->alg_i;
}

static void
set_judge(struct worker *w, const struct setwork *set)
{
	const struct audit *a = w->a;
	const struct sigwork *s = set->n > 0 ? &w->b.sigs[set->first] : NULL;
	uint32_t need = (1u << a->n_algs) - 1, got = 0, good = 0;

	for (size_t i = 0; i < set->n; i++) {
		got |= alg_bit(a, &s[i]);
		if (s[i].verdict != SIG_FAULT)
			good |= alg_bit(a, &s[i]);
	}
	for (size_t i = 0; i < set->n; i++) {
		uint32_t bit = alg_bit(a, &s[i]);

		if (s[i].verdict != SIG_FAULT)
			sig_good(w, set, &s[i]);
		else if (bit != 0 ? (good & bit) != 0 : good == need)
			needless_say(w, set, &s[i]);
		else
			sig_fault_say(w, set, &s[i]);
		if (s[i].verdict == SIG_OK && i < AUDIT_SIGS_TOLD && key_signed_before(s, i))
			key_say(w, set, &s[i], DNS_SIG_DUPLICATE, AUDIT_NO_VALUE, 0);
	}
	if ((need & ~got) != 0)
		missing_say(w, set, got);
	if (set->n > AUDIT_SIGS_TOLD) {
		struct cause c = CAUSE_TYPE(DNS_SIG_MANY, set->type);

		c.values = AUDIT_NUMBERS;
		c.is = set->n;
		c.wanted = AUDIT_SIGS_TOLD;
		worker_say_at(w, &c, set->part, set->node);
	}
}

/* --- the batch --- */

/* The pieces that check i is over. */
static void
covered_data(const struct batch *b, size_t i, struct sv ret[static CRYPTO_PIECES])
{
	const struct covered *c = &b->covered[i];

	ret[0] = c->head;
	ret[1] = (struct sv){ (const char *)b->bytes + c->off, c->len };
	ret[2] = (struct sv){ 0 };
}

/* One that failed with the first key of its tag may be another's. */
static void
sig_retry(struct worker *w, struct sigwork *s, uint16_t type)
{
	struct crypto_verify *v = &w->b.checks[s->check];
	struct sv data[CRYPTO_PIECES];
	size_t k = s->key;

	covered_data(&w->b, s->check, data);
	for (unsigned tries = 1; tries < AUDIT_TAG_TRIES; tries++) {
		int rc;

		if ((k = key_next(w->a, s, type, k + 1)) == w->a->n_keys)
			break;
		if (w->a->keys[k].pub == NULL)
			continue;
		if ((rc = crypto_verify_one(w->a->keys[k].pub, data, v->sig)) < 0) {
			w->out->rc = rc;
			return;
		}
		v->ok = rc == 1;
		if (v->ok) {
			s->key = (unsigned)k;
			return;
		}
	}
}

static void
set_settle(struct worker *w, const struct setwork *set)
{
	for (size_t i = set->first; i < set->first + set->n; i++) {
		struct sigwork *s = &w->b.sigs[i];

		if (s->verdict != SIG_TRIED)
			continue;
		if (!w->b.checks[s->check].ok)
			sig_retry(w, s, set->type);
		if (w->b.checks[s->check].ok)
			s->verdict = SIG_OK;
		else
			fault(s, DNS_SIG_BAD);
	}
}

/*
 * How much the signatures from check `from` on are over (crypto_tbs()), as far
 * as it takes no more room than records do. The first that is left.
 */
static size_t
tbs_measure(struct worker *w, size_t from)
{
	struct batch *b = &w->b;
	struct sv data[CRYPTO_PIECES];
	size_t n = 0, i;

	for (i = from; i < b->n_checks; i++) {
		size_t len;

		covered_data(b, i, data);
		len = crypto_tbs_len(b->covered[i].alg, data);
		if (i > from && n + len > AUDIT_BATCH_BYTES)
			break;
		b->checks[i].tbs.n = len;
		n += len;
	}
	(void)room(w, &b->tbs, &b->cap_tbs, n, 1);
	return i;
}

#define TBS_AT_ONCE	64

static void
tbs_fill(struct worker *w, size_t from, size_t to)
{
	struct batch *b = &w->b;
	struct crypto_tbs_item t[TBS_AT_ONCE];
	uint8_t *at = b->tbs;

	for (size_t i = from, n; i < to && w->out->rc == 0; i += n) {
		n = min_size(to - i, TBS_AT_ONCE);
		for (size_t j = 0; j < n; j++) {
			struct sv *tbs = &b->checks[i + j].tbs;

			t[j].alg = b->covered[i + j].alg;
			t[j].msg.ret = at;
			covered_data(b, i + j, t[j].msg.data);
			tbs->p = (const char *)at;
			at += tbs->n;
		}
		w->out->rc = crypto_tbs_many(t, n);
	}
}

static void
checks_compute(struct worker *w)
{
	struct batch *b = &w->b;
	size_t next;

	for (size_t i = 0; i < b->n_checks && w->out->rc == 0; i = next) {
		next = tbs_measure(w, i);
		tbs_fill(w, i, next);
		if (w->out->rc == 0)
			w->out->rc = crypto_verify_batch(b->checks + i, next - i);
	}
}

void
sig_flush(struct worker *w)
{
	struct batch *b = &w->b;

	checks_compute(w);
	for (size_t i = 0; i < b->n_sets && w->out->rc == 0; i++) {
		set_settle(w, &b->sets[i]);
		set_judge(w, &b->sets[i]);
	}
	b->n_sets = b->n_sigs = b->n_checks = b->n_bytes = 0;
}
