/* Sets: what the zone role is told of a zone's keys, and what is in force. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "role/key_role.h"

static struct key_set *
set_new(const struct key_zone *kz)
{
	struct key_set *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->apex = kz->e->name;
	s->life_max = kz->e->policy.validity + kz->e->policy.clock_skew;
	s->state = KEY_SET_CANNOT;
	return s;
}

const struct keyring_key *
key_ring_find(const struct keyring *ring, const struct keystate_key *k)
{
	struct sv public = { (const char *)k->public_key, k->public_len };
	struct dnskey d;

	for (size_t i = 0; i < keyring_n(ring); i++)
		if (dnskey_parse(keyring_get(ring, i)->rdata, &d) == 0 && d.alg == k->alg &&
		    sv_eq(d.public_key, public))
			return keyring_get(ring, i);
	return NULL;
}

static unsigned
uses_of(const struct keystate_publication *p, int place)
{
	uint32_t bit = UINT32_C(1) << place;

	return ((p->dnskey & bit) != 0 ? SIGN_USE_PUBLISH : 0U) |
	    ((p->dnskey_sigs & bit) != 0 ? SIGN_USE_DNSKEY : 0U) |
	    ((p->zone_sigs & bit) != 0 ? SIGN_USE_ZONE : 0U) |
	    ((p->cds & bit) != 0 ? SIGN_USE_CDS : 0U);
}

struct key_token_key *
key_zone_token(struct key_role *kr, const struct key_zone *kz, const struct keyring_key *k)
{
	return k == NULL ? NULL : key_token_key(kr->token, (size_t)(kz - kr->zones), k);
}

enum key_token_state
key_zone_token_state(struct key_role *kr, const struct key_zone *kz, const struct keyring_key *k,
    const char **ret_why)
{
	*ret_why = "";
	return k == NULL ? KEY_TOKEN_NONE :
	    key_token_state(kr->token, key_zone_token(kr, kz, k), k, ret_why);
}

static void
set_key_add(struct key_set *s, const struct keyring_key *k, struct key_token_key *token, unsigned uses)
{
	struct dnskey d;

	if (dnskey_parse(k->rdata, &d) < 0)
		return;
	s->key[s->n++] = (struct set_key){ .rdata = k->rdata, .priv = k->priv, .token = token,
	    .uses = uses, .alg = d.alg, .tag = dnskey_tag(k->rdata), .sig_len = dnskey_sig_len(k->rdata) };
}

/* Nothing is signed, and that is not as the policy wants it. */
static void
set_waits(struct key_role *kr, struct key_set *s, const struct key_zone *kz)
{
	const char *making = key_token_making(kr->token, (size_t)(kz - kr->zones));

	s->state = KEY_SET_WAITS;
	if (key_zone_is_new(kr, kz)) {
		(void)snprintf(s->why, sizeof(s->why), "its parent is to be seen first, which may have DS "
		    "records of other keys (without a network: dns.look-interval: 0)");
		return;
	}
	(void)snprintf(s->why, sizeof(s->why), "%s", making[0] != '\0' ? making : "no key may be used yet");
	for (size_t i = 0; i < key_life(kz)->step.n_waits; i++) {
		if (key_life(kz)->step.waits[i].why == KS_WAIT_BACKUP)
			(void)snprintf(s->why, sizeof(s->why), "its keys are to be backed up first "
			    "(or backup-required: no in its policy)");
		else if (key_life(kz)->step.waits[i].why == KS_WAIT_PROOF)
			(void)snprintf(s->why, sizeof(s->why), "the servers of the zone and of its parent "
			    "are to be seen first: what they have is taken over");
		else
			continue;
		return;
	}
}

/* What is lost signs nothing new; what it signed before serves on until it ends. */
static bool
may_do(const struct keyring_key *have, const struct keystate_key *k, unsigned uses)
{
	return have != NULL && (have->priv != NULL || have->uri != NULL ||
	    (k->flags & KS_FLAG_LOST) != 0 || (uses & (SIGN_USE_DNSKEY | SIGN_USE_ZONE)) == 0);
}

static bool
signs(const struct keystate_key *k, unsigned uses)
{
	return (k->flags & KS_FLAG_LOST) == 0 && (uses & (SIGN_USE_DNSKEY | SIGN_USE_ZONE)) != 0;
}

/* A token that is away comes back; a key that is not in it, or is another one, is not used. */
static bool
token_serves(struct key_role *kr, const struct key_zone *kz, const struct keyring_key *have, struct key_set *s)
{
	const char *why;
	enum key_token_state t = key_zone_token_state(kr, kz, have, &why);

	if (t != KEY_TOKEN_NEW && t != KEY_TOKEN_BAD)
		return true;
	s->state = t == KEY_TOKEN_NEW ? KEY_SET_STATE_MAX : KEY_SET_CANNOT;
	s->n = 0;
	(void)snprintf(s->why, sizeof(s->why), "key %s: %s", have->name, why);
	return false;
}

/*
 * What the step says, as keys and what each does. A state that is not proven goes on as it was.
 * KEY_SET_STATE_MAX: the token has not said yet how its keys are.
 */
static void
set_fill(struct key_role *kr, struct key_set *s, const struct key_zone *kz)
{
	const struct keystate_publication *p = &key_life(kz)->step.pub;

	s->cds_delete = p->valid && p->cds_delete;
	s->dnskey_seq = p->valid ? p->dnskey_seq : 0;
	s->data_seq = p->valid ? p->data_seq : 0;
	if (p->valid && p->dnskey == 0 && p->zone_sigs == 0 && !kz->e->policy.secure) {
		s->state = KEY_SET_UNSIGNED;
		return;
	}
	if (p->dnskey_sigs == 0 || p->zone_sigs == 0) {
		set_waits(kr, s, kz);
		return;
	}
	s->state = KEY_SET_READY;
	for (int i = 0; i < KEYSTATE_KEYS_MAX; i++) {
		const struct keystate_key *k = &key_life(kz)->state.keys[i];
		unsigned uses = uses_of(p, i);
		const struct keyring_key *have;

		if (k->number == 0 || uses == 0)
			continue;
		have = key_ring_find(kz->ring, k);
		if (may_do(have, k, uses)) {
			if (signs(k, uses) && !token_serves(kr, kz, have, s))
				return;
			set_key_add(s, have, key_zone_token(kr, kz, have), uses);
			continue;
		}
		s->state = KEY_SET_CANNOT;
		s->n = 0;
		(void)snprintf(s->why, sizeof(s->why), "the private key with tag %u is not in its folder",
		    k->tag);
		return;
	}
}

static bool
set_same(const struct key_set *a, const struct key_set *b)
{
	if (a == NULL || a->state != b->state || a->n != b->n || a->cds_delete != b->cds_delete ||
	    a->dnskey_seq != b->dnskey_seq || a->data_seq != b->data_seq || strcmp(a->why, b->why) != 0)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (a->key[i].uses != b->key[i].uses || a->key[i].priv != b->key[i].priv ||
		    a->key[i].token != b->key[i].token ||
		    !sv_eq(a->key[i].rdata, b->key[i].rdata))
			return false;
	return true;
}

static const struct set_key *
cds_next(const struct key_set *s, size_t *i)
{
	while (*i < s->n)
		if ((s->key[(*i)++].uses & SIGN_USE_CDS) != 0)
			return &s->key[*i - 1];
	return NULL;
}

/* Both lists are in the order of places. */
bool
key_set_same_cds(const struct key_set *a, const struct key_set *b)
{
	size_t i = 0, j = 0;

	if (a->cds_delete != b->cds_delete)
		return false;
	for (;;) {
		const struct set_key *x = cds_next(a, &i), *y = cds_next(b, &j);

		if (x == NULL || y == NULL)
			return x == y;
		if (!sv_eq(x->rdata, y->rdata))
			return false;
	}
}

const struct key_set *
key_set_of(const struct key_zone *kz, uint32_t generation)
{
	const struct key_set *s = kz->set;

	while (s != NULL && s->generation != generation)
		s = s->before;
	return s;
}

/* --- telling --- */

int
key_zone_tell(struct key_role *kr, const struct key_zone *kz)
{
	const struct key_set *s = kz->set;
	uint8_t octets[KEY_SET_KEYS_MAX];
	struct wr w = wr_mem(octets, sizeof(octets));
	struct msg_key_set m;
	int rc;

	if (s == NULL)
		return 0;
	for (size_t i = 0; i < s->n; i++) {
		wr_be16(&w, (uint16_t)(s->key[i].uses | (s->key[i].token != NULL ? SIGN_ASK_TOKEN : 0)));
		wr_be16(&w, (uint16_t)s->key[i].rdata.n);
		wr_bytes(&w, s->key[i].rdata.p, s->key[i].rdata.n);
	}
	if (!wr_done(&w))
		return SE_LIMIT;
	m = (struct msg_key_set){ .zone = { (const char *)s->apex.w, s->apex.len }, .state = s->state,
	    .generation = s->generation, .keys = { (const char *)octets, w.len },
	    .cds_delete = s->cds_delete, .why = sv_str(s->why) };
	rc = msg_key_set_send(kr->role, ROLE_ZONE, &m);
	if (rc == -ENOBUFS && kz >= kr->zones && kz < kr->zones + kr->list.n) {
		turn_queue_add(&kr->untold, (size_t)(kz - kr->zones));
		rc = 0;
	}
	return rc;
}

/* The old one stays: a thread may be reading it. */
static int
set_use(struct key_role *kr, struct key_zone *kz, struct key_set *s)
{
	char name[DNAME_STRLEN];
	int rc;

	if (set_same(kz->set, s)) {
		free(s);
		return 0;
	}
	s->generation = kr->next_generation++;
	s->before = kz->set;
	if (kz->set == NULL || !key_set_same_cds(kz->set, s))
		kz->has_cds_serial = kz->cds_everywhere = false;
	kz->set = s;
	if (s->why[0] != '\0')
		role_log(kr->role, s->state == KEY_SET_CANNOT ? LOG_LEVEL_ERROR : LOG_LEVEL_WARN,
		    "%s: %s", key_zone_text(kz, name), s->why);
	key_told_soon(kr, kz);
	if ((rc = key_table_put(kr, s)) < 0)
		return rc;
	return key_zone_tell(kr, kz);
}

int
key_set_make(struct key_role *kr, struct key_zone *kz)
{
	struct key_set *s = set_new(kz);

	if (s == NULL)
		return -ENOMEM;
	set_fill(kr, s, kz);
	if (s->state == KEY_SET_STATE_MAX) {	/* within seconds */
		free(s);
		return 0;
	}
	return set_use(kr, kz, s);
}

int
key_set_renew(struct key_role *kr, struct key_zone *kz)
{
	struct key_set *s;
	int rc;

	if (kz->set == NULL || kz->set->state != KEY_SET_READY)
		return 0;
	if ((s = calloc(1, sizeof(*s))) == NULL)
		return -ENOMEM;
	*s = *kz->set;
	s->generation = kr->next_generation++;
	s->before = kz->set;
	kz->set = s;
	if ((rc = key_table_put(kr, s)) < 0)
		return rc;
	return key_zone_tell(kr, kz);
}

int
key_set_cannot(struct key_role *kr, struct key_zone *kz, const char *what, const char *why)
{
	struct key_set *s = set_new(kz);

	if (s == NULL)
		return -ENOMEM;
	(void)snprintf(s->why, sizeof(s->why), "%s: %s", what, why);
	return set_use(kr, kz, s);
}
