/*
 * The drop guard's arithmetic: what would be lost, why, and whether that is
 * so much that the old is kept for a while.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/timefmt.h"
#include "inr/internal.h"

struct compare {
	const struct snapshot	*old;
	const struct payloads	*next;
	int64_t			 now;
	uint8_t			*verdict;	/* 1 + enum guard_loss for each old CA; 0: not asked */
	bool			 has_ta[TA_MAX];	/* is old's trust anchor in next? */
	bool			 ta_works[TA_MAX];	/* … and its own point good there? */
	bool			 awaits;	/* a trust anchor is new and does not work yet */
	struct payloads		*lost;
	struct guard_counts	*counts;
};

/* --- why is it gone? --- */

/* The row of the new table that speaks for an old CA: itself or above it. */
static uint32_t
speaker(const struct snapshot *old, const struct payloads *next, uint32_t ca)
{
	for (unsigned depth = 0; depth < PAYLOAD_CA_DEPTH_MAX && ca < old->n_cas; depth++) {
		struct snapshot_ca x;
		uint32_t found;

		snapshot_ca(old, ca, &x);
		if ((found = payload_ca_find(next, x.ca.id)) != PAYLOAD_CA_NONE)
			return found;
		ca = x.ca.parent;
	}
	return PAYLOAD_CA_NONE;
}

/*
 * No row at all: the whole trust anchor could not be had. Where it could, and
 * works, no chain leads to such a CA: a validate that was taken over may have
 * made it up, to have its payloads held when it is gone.
 */
static enum guard_loss
ca_verdict(struct compare *c, uint32_t ca, uint8_t ta)
{
	uint32_t row;
	bool works;

	if (c->verdict[ca] == 0) {
		row = speaker(c->old, c->next, ca);
		works = row == PAYLOAD_CA_NONE ? c->ta_works[ta] :
		    c->next->cas[row].state <= PCA_RETAINED;
		c->verdict[ca] = 1 + (works ? LOSS_SIGNED : LOSS_FAILURE);
	}
	return c->verdict[ca] - 1;
}

static enum guard_loss
loss_of(struct compare *c, int64_t expires, uint32_t ca, uint8_t ta)
{
	if (expires <= c->now)
		return LOSS_EXPIRED;
	if (ca >= c->old->n_cas)
		return LOSS_LOCAL;
	/* Its successor, perhaps, whose certificate is still to be fetched. */
	if (!c->has_ta[ta])
		return c->awaits ? LOSS_FAILURE : LOSS_LOCAL;
	return ca_verdict(c, ca, ta);
}

/* --- what is gone? All lists ascend --- */

static void
vrps_compare(struct compare *c)
{
	const struct payloads *next = c->next;
	size_t j = 0;

	for (size_t i = 0; i < snapshot_n_vrps(c->old); i++) {
		enum guard_loss loss;
		struct vrp v;

		snapshot_vrp(c->old, i, &v);
		c->counts->ta[v.ta].n_vrps += v.expires > c->now;
		while (j < next->n_vrps && vrp_cmp(&next->vrps[j], &v) < 0)
			j++;
		if (j < next->n_vrps && vrp_cmp(&next->vrps[j], &v) == 0)
			continue;
		loss = loss_of(c, v.expires, v.ca, v.ta);
		c->counts->ta[v.ta].vrps[loss]++;
		if (loss == LOSS_FAILURE)
			c->lost->vrps[c->lost->n_vrps++] = v;
	}
}

static void
router_keys_compare(struct compare *c)
{
	const struct payloads *next = c->next;
	size_t j = 0;

	for (size_t i = 0; i < c->old->n_router_keys; i++) {
		enum guard_loss loss;
		struct router_key k;

		snapshot_router_key(c->old, i, &k);
		while (j < next->n_router_keys && router_key_cmp(&next->router_keys[j], &k) < 0)
			j++;
		if (j < next->n_router_keys && router_key_cmp(&next->router_keys[j], &k) == 0)
			continue;
		loss = loss_of(c, k.expires, k.ca, k.ta);
		c->counts->ta[k.ta].others[loss]++;
		if (loss == LOSS_FAILURE)
			c->lost->router_keys[c->lost->n_router_keys++] = k;
	}
}

static int
aspas_compare(struct compare *c)
{
	const struct payloads *next = c->next;
	size_t j = 0;

	for (size_t i = 0; i < c->old->n_aspas; i++) {
		struct snapshot_aspa a;
		enum guard_loss loss;
		int rc;

		snapshot_aspa(c->old, i, &a);
		while (j < next->n_aspas && next->aspas[j].customer < a.customer)
			j++;
		if (j < next->n_aspas && next->aspas[j].customer == a.customer)
			continue;
		loss = loss_of(c, a.expires, a.ca, a.ta);
		c->counts->ta[a.ta].others[loss]++;
		if (loss != LOSS_FAILURE)
			continue;
		if ((rc = aspa_copy(&a, &c->lost->aspas[c->lost->n_aspas])) < 0)
			return rc;
		c->lost->n_aspas++;
	}
	return 0;
}

/* --- the rows of the CAs of what is gone --- */

static void
clock_start(struct payloads *lost, const struct snapshot *old, uint32_t ca, int64_t now)
{
	struct snapshot_ca x;

	if (ca >= lost->n_cas || lost->cas[ca].held_since != 0)
		return;
	snapshot_ca(old, ca, &x);
	/* A clock of ours that was set back must not make it run for ever. */
	lost->cas[ca].held_since = x.ca.held_since != 0 && x.ca.held_since < now ?
	    x.ca.held_since : now;
}

/*
 * Each row says that nobody was reached, and why: where the new table has a
 * row of its own, that one is better or the same and wins when they merge.
 */
static int
cas_gather(struct compare *c)
{
	struct payloads *p = c->lost;
	char *text;
	int rc;

	for (uint32_t i = 0; i < c->old->n_cas; i++) {
		struct snapshot_ca x;

		snapshot_ca(c->old, i, &x);
		x.ca.held_since = 0;
		x.ca.state = PCA_LOST;
		p->cas[p->n_cas++] = x.ca;
	}
	for (size_t i = 0; i < p->n_vrps; i++)
		clock_start(p, c->old, p->vrps[i].ca, c->now);
	for (size_t i = 0; i < p->n_router_keys; i++)
		clock_start(p, c->old, p->router_keys[i].ca, c->now);
	for (size_t i = 0; i < p->n_aspas; i++)
		clock_start(p, c->old, p->aspas[i].ca, c->now);
	for (uint32_t i = 0; i < p->n_cas; i++) {
		uint32_t row = p->cas[i].held_since == 0 ? PAYLOAD_CA_NONE :
		    speaker(c->old, c->next, i);

		p->cas[i].code = row == PAYLOAD_CA_NONE ? (struct sv){ NULL, 0 } :
		    c->next->cas[row].code;
	}
	if ((rc = cas_unused_drop(p)) < 0)
		return rc;
	if ((text = malloc(cas_text_len(p) + 1)) == NULL)
		return -ENOMEM;
	cas_text_own(p, text);
	return 0;
}

static int
compare_run(struct compare *c)
{
	struct payloads *p = c->lost;
	int rc;

	/* Room for all, touched by what is lost: not calloc(), which may fill it. */
	p->vrps = malloc((snapshot_n_vrps(c->old) + 1) * sizeof(*p->vrps));
	p->aspas = calloc(c->old->n_aspas + 1, sizeof(*p->aspas));
	p->router_keys = calloc(c->old->n_router_keys + 1, sizeof(*p->router_keys));
	p->cas = calloc(c->old->n_cas + 1, sizeof(*p->cas));
	if (p->vrps == NULL || p->aspas == NULL || p->router_keys == NULL || p->cas == NULL)
		return -ENOMEM;
	vrps_compare(c);
	router_keys_compare(c);
	if ((rc = aspas_compare(c)) < 0)
		return rc;
	return cas_gather(c);
}

/* Is there a root of this trust anchor that works? */
static bool
root_works(const struct payloads *p, size_t ta)
{
	for (size_t i = 0; i < p->n_cas; i++)
		if (p->cas[i].parent == PAYLOAD_CA_NONE && p->cas[i].ta == ta &&
		    p->cas[i].state <= PCA_RETAINED)
			return true;
	return false;
}

int
guard_losses(const struct snapshot *old, const struct payloads *next, int64_t now,
    struct payloads *ret_lost, struct guard_counts *ret)
{
	struct payloads lost = { .n_tas = old->n_tas };
	struct guard_counts counts = { 0 };
	struct compare c = { old, next, now, .lost = &lost, .counts = &counts };
	int rc = -ENOMEM;

	memcpy(lost.tas, old->tas, sizeof(lost.tas));
	for (size_t k = 0; k < next->n_tas; k++) {
		bool works = root_works(next, k), is_new = true;

		for (size_t i = 0; i < old->n_tas; i++)
			if (strcmp(old->tas[i], next->tas[k]) == 0) {
				c.has_ta[i] = true;
				c.ta_works[i] = works;
				is_new = false;
			}
		c.awaits = c.awaits || (is_new && !works);
	}
	if ((c.verdict = calloc(old->n_cas + 1, 1)) != NULL)
		rc = compare_run(&c);
	free(c.verdict);
	if (rc < 0) {
		payloads_done(&lost);
		return rc;
	}
	*ret_lost = lost;
	*ret = counts;
	return 0;
}

/* --- is it so much? --- */

struct decide {
	const struct guard_limits *limits;
	const struct payloads	*lost;
	int64_t			 now;
	bool			 is_much[TA_MAX];
	struct guard_decision	 d;
};

static int64_t
clock_end(const struct decide *c, uint32_t ca)
{
	if (ca >= c->lost->n_cas)
		return INT64_MIN;
	return c->lost->cas[ca].held_since + c->limits->hold_sec;
}

static void
shares_measure(struct decide *c, const struct guard_counts *counts)
{
	uint64_t n[TA_MAX] = { 0 };

	for (size_t i = 0; i < c->lost->n_vrps; i++)
		n[c->lost->vrps[i].ta] += clock_end(c, c->lost->vrps[i].ca) > c->now;
	for (size_t i = 0; i < TA_MAX; i++)
		c->is_much[i] = n[i] >= c->limits->min_vrps &&
		    n[i] * 1000 >= (uint64_t)c->limits->share_permille *
		    counts->ta[i].n_vrps;
}

/* .until is the first moment at which something of it goes: never past its own expiry. */
static bool
held(struct decide *c, uint32_t ca, uint8_t ta, int64_t expires, bool is_ours)
{
	int64_t end = clock_end(c, ca);

	if (end <= c->now) {
		c->d.n_overdue++;
		return false;
	}
	if (!is_ours && !c->is_much[ta]) {
		c->d.n_small++;
		return false;
	}
	c->d.n_held++;
	c->d.until = min_i64(c->d.until, min_i64(end, expires));
	return true;
}

static void
lost_filter(struct decide *c, struct payloads *p)
{
	const struct guard_limits *l = c->limits;
	size_t n = 0;

	for (size_t i = 0; i < p->n_vrps; i++) {
		bool ours = l->is_our_vrp != NULL && l->is_our_vrp(l->arg, &p->vrps[i]);

		if (held(c, p->vrps[i].ca, p->vrps[i].ta, p->vrps[i].expires, ours))
			p->vrps[n++] = p->vrps[i];
	}
	p->n_vrps = n;
	n = 0;
	for (size_t i = 0; i < p->n_router_keys; i++) {
		const struct router_key *k = &p->router_keys[i];
		bool ours = l->is_our_asn != NULL && l->is_our_asn(l->arg, k->asn);

		if (held(c, k->ca, k->ta, k->expires, ours))
			p->router_keys[n++] = *k;
	}
	p->n_router_keys = n;
	n = 0;
	for (size_t i = 0; i < p->n_aspas; i++) {
		const struct aspa *a = &p->aspas[i];
		bool ours = l->is_our_asn != NULL && l->is_our_asn(l->arg, a->customer);

		if (held(c, a->ca, a->ta, a->expires, ours))
			p->aspas[n++] = *a;
		else
			free((void *)a->providers);
	}
	p->n_aspas = n;
}

/* The held payloads as version 2 PDUs, each list ascending. */
static int
set_hash(const struct payloads *p, snapshot_digest_fn digest, uint8_t *ret)
{
	size_t size = p->n_vrps * RTR_IPV6_LEN +
	    p->n_router_keys * (RTR_KEY_MIN + ROUTER_SPKI_MAX);
	struct wr w;
	uint8_t *buf;

	for (size_t i = 0; i < p->n_aspas; i++)
		size += RTR_ASPA_MIN + (size_t)4 * p->aspas[i].n_providers;
	if ((buf = malloc(size + 1)) == NULL)
		return -ENOMEM;
	w = wr_mem(buf, size);
	for (size_t i = 0; i < p->n_vrps; i++)
		vrp_pdu_write(&w, RTR_VERSIONS - 1, true, &p->vrps[i]);
	for (size_t i = 0; i < p->n_router_keys; i++)
		router_key_pdu_write(&w, RTR_VERSIONS - 1, true, &p->router_keys[i]);
	for (size_t i = 0; i < p->n_aspas; i++)
		aspa_pdu_write(&w, RTR_VERSIONS - 1, true, p->aspas[i].customer,
		    p->aspas[i].providers, p->aspas[i].n_providers);
	digest(buf, w.len, ret);
	free(buf);
	return 0;
}

static void
lost_forget(struct payloads *p)
{
	for (size_t i = 0; i < p->n_aspas; i++)
		free((void *)p->aspas[i].providers);
	p->n_vrps = p->n_router_keys = p->n_aspas = 0;
}

int
guard_decide(const struct guard_limits *limits, const struct guard_counts *counts,
    int64_t now, const uint8_t *released, snapshot_digest_fn digest,
    struct payloads *lost, struct guard_decision *ret)
{
	struct decide c = { limits, lost, now, .d = { .until = TIME_NEVER } };
	int rc;

	shares_measure(&c, counts);
	lost_filter(&c, lost);
	if (c.d.n_held > 0 && (rc = set_hash(lost, digest, c.d.hash)) < 0)
		return rc;
	if (c.d.n_held > 0 && released != NULL &&
	    memcmp(released, c.d.hash, sizeof(c.d.hash)) == 0) {
		c.d.n_released = c.d.n_held;
		c.d.n_held = 0;
		c.d.until = TIME_NEVER;
		lost_forget(lost);
	}
	if ((rc = cas_unused_drop(lost)) < 0)
		return rc;
	*ret = c.d;
	return 0;
}
