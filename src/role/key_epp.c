/* The EPP command for a demand: what the policy says, what is known of the registry, what the parent gives. */
#include <errno.h>
#include <stdio.h>

#include "base/err.h"
#include "base/rd.h"
#include "dnssec/epp.h"
#include "dnssec/intake.h"
#include "role/key_role.h"

#define POOL_MAX	((size_t)256 << 10)	/* 64 records, and the keys of a state */

/* --- what the parent gave --- */

static bool
is_there(struct sv list, struct sv ds)
{
	struct sv one;

	while (zdata_next(&list, &one))
		if (sv_eq(one, ds))
			return true;
	return false;
}

/* false: more than a command may name. */
static bool
set_add(struct buf *list, struct sv rest, size_t *n)
{
	struct sv ds;

	while (zdata_next(&rest, &ds)) {
		uint8_t len[2];
		struct wr w = wr_mem(len, sizeof(len));

		if (is_there(buf_get(list), ds))
			continue;
		if (++*n > EPP_RECORDS_MAX || ds.n > UINT16_MAX)
			return false;
		wr_be16(&w, (uint16_t)ds.n);
		buf_bytes(list, len, w.len);
		buf_sv(list, ds);
	}
	return true;
}

void
key_epp_seen(struct key_zone *kz, const struct seen *seen)
{
	bool any = false, all = seen->complete[SEEN_PARENT];
	size_t n = 0;

	kz->parent_ds.len = 0;
	for (size_t i = 0; i < seen->n_servers; i++) {
		const struct seen_server *s = &seen->servers[i];

		if (s->side != SEEN_PARENT || s->state != SEEN_ANSWERED)
			continue;
		any = true;
		if (s->set != SEEN_NONE)
			all = set_add(&kz->parent_ds, seen->sets[s->set].rrs, &n) && all;
	}
	kz->has_parent_ds = any && all && kz->parent_ds.rc == 0;
}

bool
key_epp_ready(const struct key_role *kr, const struct key_zone *kz)
{
	return kz->e->policy.epp_change != POLICY_EPP_DIFFERENCE || !kr->looks || kz->parent_looked;
}

/* --- the command --- */

struct work {
	struct pool	*pool;
	struct sv	 want[KEYSTATE_KEYS_MAX], known[KEYSTATE_KEYS_MAX], standing[EPP_RECORDS_MAX];
	struct epp_wish	 wish;
};

static int
keys_take(struct work *w, const struct key_zone *kz, uint32_t ds)
{
	uint8_t room[DNSKEY_RDATA_MAX];

	for (int i = 0; i < KEYSTATE_KEYS_MAX; i++) {
		const struct keystate_key *k = &key_life(kz)->state.keys[i];
		const struct keyring_key *have = k->number == 0 ? NULL : key_ring_find(kz->ring, k);
		struct sv rdata = { 0 };

		if (have != NULL)
			rdata = have->rdata;
		else if (k->number != 0)
			rdata = pool_sv(w->pool, (struct sv){ (const char *)room,
			    key_seen_rdata(k, room, sizeof(room)) });
		if (rdata.n > 0)
			w->known[w->wish.n_known++] = rdata;
		if ((ds & UINT32_C(1) << i) == 0)
			continue;
		if (rdata.n == 0)
			return -EINVAL;
		w->want[w->wish.n_want++] = rdata;
	}
	return 0;
}

static void
standing_take(struct work *w, const struct key_zone *kz)
{
	struct sv rest = buf_get(&kz->parent_ds), ds;

	w->wish.seen = kz->has_parent_ds;
	while (w->wish.n_standing < EPP_RECORDS_MAX && zdata_next(&rest, &ds))
		w->standing[w->wish.n_standing++] = ds;
}

static enum epp_form
form_of(const struct dnssec_policy *p, const struct intake_registry *r)
{
	if (p->ds_interface == POLICY_DS_BOTH)
		return EPP_DS_KEY;
	return intake_registry_forms(r, p->ds_interface) == INTAKE_FORM_KEY ? EPP_DNSKEY : EPP_DS;
}

/* A key that goes because somebody else may have it. */
static bool
is_compromised(const struct key_zone *kz, const struct keystate_action *a)
{
	for (int i = 0; i < KEYSTATE_KEYS_MAX; i++)
		if ((a->ds_del & UINT32_C(1) << i) != 0 &&
		    (key_life(kz)->state.keys[i].flags & KS_FLAG_COMPROMISED) != 0)
			return true;
	return false;
}

static void
extras_fill(struct key_role *kr, const struct key_zone *kz, const struct keystate_action *a,
    const struct intake_registry *r, struct epp_update *u)
{
	static const struct {
		unsigned	 bit;
		const char	*text;
	} rows[] = {
		{ INTAKE_EPP_NO_LIFE, "epp-max-sig-life is left out: its EPP refuses it" },
		{ INTAKE_EPP_NO_URGENT, "epp-urgent is left out: its EPP refuses it" },
		{ INTAKE_EPP_OWN, "its EPP has objects of its own: the hook has to translate the command" },
	};
	const struct dnssec_policy *p = &kz->e->policy;
	char name[DNAME_STRLEN];
	unsigned cut;

	u->max_sig_life = p->epp_max_sig_life;
	u->urgent = p->epp_urgent == POLICY_URGENT_ALWAYS ||
	    (p->epp_urgent == POLICY_URGENT_COMPROMISED && is_compromised(kz, a));
	cut = intake_registry_cut(r, u);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if ((cut & rows[i].bit) != 0)
			role_log(kr->role, LOG_LEVEL_WARN, "%s: the registry of %s: %s (%s, %s)", key_zone_text(kz, name),
			    r->tld, rows[i].text, r->source, r->date);
}

int
key_epp_write(struct key_role *kr, const struct key_zone *kz, const struct keystate_action *a, struct buf *b)
{
	_cleanup_(pool_freep) struct pool *pool = pool_new(POOL_MAX);
	const struct intake_registry *r = intake_registry_find(&kz->e->name);
	const struct dnssec_policy *p = &kz->e->policy;
	struct work w = { .pool = pool, .wish = { .zone = &kz->e->name, .form = form_of(p, r),
		.digests = policy_ds_digests(p), .difference = p->epp_change == POLICY_EPP_DIFFERENCE } };
	struct epp_update u = { 0 };
	char trid[48];
	int rc;

	if (pool == NULL)
		return -ENOMEM;
	w.wish.want = w.want;
	w.wish.known = w.known;
	w.wish.standing = w.standing;
	standing_take(&w, kz);
	if ((rc = keys_take(&w, kz, a->ds)) < 0 || (rc = epp_change(&w.wish, pool, &u)) < 0)
		return rc;
	if (!u.rem_all && u.n_rem == 0 && u.n_add == 0)
		return 1;
	extras_fill(kr, kz, a, r, &u);
	(void)snprintf(trid, sizeof(trid), "sekisho-%lld", (long long)a->since);
	u.trid = sv_str(trid);
	return epp_update_write(b, &u);
}
