/*
 * A good zone, and a little language that spoils it. The zone is signed by
 * dnssec/sign; the audit, which shares no code with that, has to be content.
 * A script is statements with ";" between, each on one RRset (OWNER TYPE), an
 * owner being relative, "@", or "#OWNER" for the NSEC3 record of its hash
 * ("#OWNER/AB" with a salt):
 *
 *	add O T DATA	a record more		set O T DATA	this one only
 *	del O T		records go, not their signatures	drop O T	both go
 *	unsign O T	signatures go		node O		all of the name goes
 *	ttl O T N	of the records		sigttl O T N	of the signatures
 *	flip O T	a bit of the signature	dup O T		signed once more
 *	patch O T N HEX	octets of the signature's data, from the Nth on
 *	cut O T		the signature's data end too soon
 *	skip #O		the record goes, and the one before leads past it
 *	plant #O	a record more, well linked and signed
 *	clear #O	no opt-out where the hash of O is covered
 *	also @ KIND	that chain, too: nsec, nsec3 or opt-out, and a salt
 *	n1 O F=V ...	fields of an NSEC: next=O types=A,B
 *	n3 O F=V ...	fields of an NSEC3: flags iter salt alg next=#O types=A,B
 *	sign O T F=V ...	anew, with: key=k|z|x|r (KSK, ZSK, a key outside of the zone,
 *			a revoked one), exp= inc= (seconds from now), labels=, ttl=, signer=,
 *			tag=, alg=, keep (the old ones stay)
 *
 * What is not there is not spoilt.
 */
#ifndef TESTS_AUDIT_KIT_H
#define TESTS_AUDIT_KIT_H

#include "audit_kit_set.h"

static void
kit_rr_parse(struct audit_kit *k, uint16_t type, struct sv text, struct kit_data *ret)
{
	static uint8_t buf[DNS_RDATA_MAX];
	size_t n;

	if (text.n == 3 && text.p[0] == '%') {	/* %kk a key, %kd its DS, %kt one of the same tag */
		const struct kit_key *key = &k->key[strchr(KIT_KEYS, text.p[1]) - KIT_KEYS];

		if (text.p[2] != 'd') {
			memcpy(ret->b, key->rdata, key->n);
			ret->n = key->n;
		}
		if (text.p[2] == 't') {		/* two of its words change places: the tag stays */
			memcpy(ret->b + 4, key->rdata + 6, 2);
			memcpy(ret->b + 6, key->rdata + 4, 2);
		}
		if (text.p[2] == 'd')
			assert_int_equal(ds_write(&k->apex, kit_rdata(key), 2, ret->b, &ret->n), 0);
		return;
	}
	assert_int_equal(rdata_parse(type, text, &k->apex, buf, &n), 0);
	rdata_canonical(type, buf, n);
	assert_true(n <= sizeof(ret->b));
	memcpy(ret->b, buf, n);
	ret->n = n;
}

static size_t
kit_types(struct sv list, uint8_t *dst)
{
	static uint8_t map[TYPE_BITMAP_MAX];
	uint16_t types[64];
	size_t n = 0;

	while (list.n > 0) {
		uint16_t t;

		assert_int_equal(rrtype_parse(sv_cut(&list, ','), &t), 0);
		types[n++] = t;
	}
	n = type_bitmap_write(types, n, map);
	memcpy(dst, map, n);
	return n;
}

/* One field of an NSEC3 record. */
static void
kit_n3_field(struct audit_kit *k, struct kit_data *d, struct sv name, struct sv value)
{
	uint8_t old[sizeof(d->b)], salt_len = d->b[4];
	size_t next = 5u + salt_len, map = next + 1 + NSEC3_HASH_LEN;

	memcpy(old, d->b, d->n);
	if (sv_eq_str(name, "alg")) {
		d->b[0] = (uint8_t)kit_num(value);
	} else if (sv_eq_str(name, "flags")) {
		d->b[1] = (uint8_t)kit_num(value);
	} else if (sv_eq_str(name, "iter")) {
		put_be16(d->b + 2, (uint16_t)kit_num(value));
	} else if (sv_eq_str(name, "salt")) {
		d->b[4] = (uint8_t)(value.n / 2);
		assert_int_equal(hex_decode(d->b + 5, value.n / 2, value), 0);
		memcpy(d->b + 5 + value.n / 2, old + next, d->n - next);
		d->n += value.n / 2 - salt_len;
	} else if (sv_eq_str(name, "next")) {
		struct kit_at to = kit_at(k, value);

		memcpy(d->b + next + 1, to.key, NSEC3_HASH_LEN);
	} else if (sv_eq_str(name, "raw")) {
		assert_int_equal(hex_decode(d->b + map, value.n / 2, value), 0);
		d->n = map + value.n / 2;
	} else {
		assert_true(sv_eq_str(name, "types"));
		d->n = map + kit_types(value, d->b + map);
	}
}

/* One field of an NSEC record. */
static void
kit_n1_field(struct audit_kit *k, struct kit_data *d, struct sv name, struct sv value)
{
	struct kit_data old = *d;
	struct rd r = rd_mem(old.b, old.n);
	struct dname next;
	size_t map;

	dname_rd(&r, &next);
	map = next.len;
	if (sv_eq_str(name, "next")) {
		struct kit_at to = kit_at(k, value);

		memcpy(d->b, to.name.w, to.name.len);
		memcpy(d->b + to.name.len, old.b + map, old.n - map);
		d->n = to.name.len + old.n - map;
	} else {
		assert_true(sv_eq_str(name, "types"));
		d->n = map + kit_types(value, d->b + map);
	}
}

static void
kit_patch(struct kit_data *d, struct sv rest)
{
	struct sv at, hex;

	assert_true(sv_word(&rest, &at) && sv_word(&rest, &hex));
	assert_true((size_t)kit_num(at) + hex.n / 2 <= d->n);
	assert_int_equal(hex_decode(d->b + kit_num(at), hex.n / 2, hex), 0);
}

static bool
kit_records(struct audit_kit *k, struct sv verb, struct kit_set *s, struct sv rest)
{
	if (sv_eq_str(verb, "add")) {
		kit_rr_parse(k, s->type, rest, &s->rr[s->n_rrs++]);
	} else if (sv_eq_str(verb, "set")) {
		kit_rr_parse(k, s->type, rest, &s->rr[0]);
		s->n_rrs = 1;
	} else if (sv_eq_str(verb, "del")) {
		s->n_rrs = 0;
	} else if (sv_eq_str(verb, "drop")) {
		s->n_rrs = s->n_sigs = 0;
	} else if (sv_eq_str(verb, "unsign")) {
		s->n_sigs = 0;
	} else if (sv_eq_str(verb, "ttl")) {
		s->ttl = (uint32_t)kit_num(rest);
	} else if (sv_eq_str(verb, "sigttl")) {
		s->sig_ttl = (uint32_t)kit_num(rest);
	} else {
		return false;
	}
	return true;
}

/* The NSEC3 set at a node, signed anew and put back. */
static void
kit_n3_put(struct audit_kit *k, struct zone **z, const struct kit_at *at, struct kit_set *s)
{
	struct kit_how h = kit_how(k, at, s, (struct sv){ 0 });

	kit_sign_set(at, s, &h);
	*z = kit_apply(*z, at, s);
	free(s);
}

static bool
kit_n3_same_salt(const struct znode *n, const struct kit_at *at)
{
	struct zrrset v;
	struct sv d;

	assert_true(znode_find(n, RR_NSEC3, &v) && zdata_next(&v.rrs, &d));
	return d.n > 5 && (uint8_t)d.p[4] == at->salt_len && memcmp(d.p + 5, at->salt, at->salt_len) == 0;
}

/* The record of that chain before the hash, around too. */
static struct kit_at
kit_n3_before(const struct audit_kit *k, const struct zone *z, const struct kit_at *at)
{
	struct zone_it it = zone_seek(z, ZONE_NSEC3, kit_at_key(at));
	struct kit_at ret = { .part = ZONE_NSEC3, .key_len = NSEC3_HASH_LEN };
	const struct znode *n;

	do
		if ((n = zone_prev(&it)) == NULL) {
			it = zone_block(z, ZONE_NSEC3, zone_n_blocks(z, ZONE_NSEC3));
			n = zone_prev(&it);
		}
	while (!kit_n3_same_salt(n, at));
	memcpy(ret.key, znode_key(n).p, NSEC3_HASH_LEN);
	assert_int_equal(nsec3_owner(ret.key, &k->apex, &ret.name), 0);
	return ret;
}

static uint8_t *
kit_n3_next(struct kit_set *s)
{
	return s->rr[0].b + 5 + s->rr[0].b[4] + 1;
}

/* skip, plant, clear: the chain itself. */
static bool
kit_chain(struct audit_kit *k, struct zone **z, struct sv verb, const struct kit_at *at)
{
	struct kit_at before;
	struct kit_set *p, *s;

	if (!sv_eq_str(verb, "skip") && !sv_eq_str(verb, "plant") && !sv_eq_str(verb, "clear"))
		return false;
	if (zone_n_nodes(*z, ZONE_NSEC3) == 0)
		return true;
	before = kit_n3_before(k, *z, at);
	p = kit_get(*z, &before, RR_NSEC3);
	s = kit_get(*z, at, RR_NSEC3);
	if (verb.p[0] == 's' ? s->n_rrs == 0 : verb.p[0] == 'p' && s->n_rrs > 0) {
		free(p);
		free(s);
		return true;
	}
	if (verb.p[0] == 's') {
		memcpy(kit_n3_next(p), kit_n3_next(s), NSEC3_HASH_LEN);
		*z = kit_apply(*z, at, NULL);
	} else if (verb.p[0] == 'p') {
		*s = *p;
		memcpy(kit_n3_next(p), at->key, NSEC3_HASH_LEN);
		kit_n3_put(k, z, at, s);
		s = NULL;
	} else {
		p->rr[0].b[1] = 0;
	}
	kit_n3_put(k, z, &before, p);
	free(s);
	return true;
}

/* What other has of that type, into z. */
static void
kit_copy(struct zone **z, const struct zone *other, enum zone_part part, uint16_t type)
{
	struct zone_it it = zone_begin(other, part);
	const struct znode *n;
	struct zrrset v;

	while ((n = zone_next(&it)) != NULL) {
		struct kit_at at = { .part = part, .key_len = znode_key(n).n };
		struct kit_set *s;

		if (!znode_find(n, type, &v))
			continue;
		memcpy(at.key, znode_key(n).p, at.key_len);
		s = kit_get(other, &at, type);
		*z = kit_apply(*z, &at, s);
		free(s);
	}
}

/* The same names, signed with another kind of denial: its chain alone is taken. */
static void
kit_also(struct audit_kit *k, struct zone **z, struct sv rest)
{
	struct zone *plain = kit_zone(&k->apex, sv_str(kit_text)), *other;
	struct sign_policy was = k->policy;
	struct sv kind, salt;

	assert_true(sv_word(&rest, &kind));
	salt = sv_trim(rest);
	k->policy.denial = sv_eq_str(kind, "nsec") ? SIGN_NSEC : SIGN_NSEC3;
	k->policy.opt_out = sv_eq_str(kind, "opt-out");
	k->policy.salt_len = (uint8_t)(salt.n / 2);
	assert_int_equal(hex_decode(k->policy.salt, salt.n / 2, salt), 0);
	other = kit_sign_zone(k, plain, NULL);
	kit_copy(z, other, k->policy.denial == SIGN_NSEC ? ZONE_NAMES : ZONE_NSEC3,
	    k->policy.denial == SIGN_NSEC ? RR_NSEC : RR_NSEC3);
	k->policy = was;
	(void)zone_unref(other);
	(void)zone_unref(plain);
}

static void
kit_statement(struct audit_kit *k, struct zone **z, struct sv line)
{
	struct sv verb, owner, word = { 0 };
	struct kit_at at;
	uint16_t type = RR_NSEC3;
	struct kit_set *s;

	if (!sv_word(&line, &verb))
		return;
	assert_true(sv_word(&line, &owner));
	if (sv_eq_str(verb, "also")) {
		kit_also(k, z, line);
		return;
	}
	at = kit_at(k, owner);
	if (sv_eq_str(verb, "node")) {
		*z = kit_apply(*z, &at, NULL);
		return;
	}
	if (kit_chain(k, z, verb, &at))
		return;
	if (sv_eq_str(verb, "n1")) {
		type = RR_NSEC;
	} else if (!sv_eq_str(verb, "n3")) {
		assert_true(sv_word(&line, &word));
		assert_int_equal(rrtype_parse(word, &type), 0);
	}
	s = kit_get(*z, &at, type);
	line = sv_trim(line);
	if ((sv_eq_str(verb, "sign") || sv_eq_str(verb, "dup")) && s->n_rrs > 0) {
		struct kit_how h = kit_how(k, &at, s, line);

		h.keep |= verb.p[0] == 'd';
		kit_sign_set(&at, s, &h);
	} else if (sv_eq_str(verb, "flip") && s->n_sigs > 0) {
		s->sig[0].b[s->sig[0].n - 1] ^= 1;
	} else if (sv_eq_str(verb, "cut")) {
		s->sig[0].n = 12;
	} else if (sv_eq_str(verb, "patch") && s->n_sigs > 0) {
		kit_patch(&s->sig[0], line);
	} else if (verb.p[0] == 'n' && s->n_rrs > 0) {
		while (sv_word(&line, &word)) {
			struct sv name = sv_cut(&word, '=');

			(type == RR_NSEC ? kit_n1_field : kit_n3_field)(k, &s->rr[0], name, word);
		}
	} else {
		(void)kit_records(k, verb, s, line);
	}
	*z = kit_apply(*z, &at, s);
	free(s);
}

static struct zone *
kit_script(struct audit_kit *k, struct zone *good, const char *script)
{
	struct zone *z = zone_ref(good);
	struct sv rest = sv_str(script);

	while (rest.n > 0)
		kit_statement(k, &z, sv_cut(&rest, ';'));
	return z;
}

#endif
