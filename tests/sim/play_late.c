/*
 * Is the engine ever later than it has to be? A step that it takes at one call
 * is held against the call before: if nothing but time and observations came
 * in between, if it said then that it waited for caches and servers, and if the
 * simulator finds that the step would have harmed nobody even then, as far as
 * anybody could know, then it was late.
 *
 * A roll whose policy changed on the way, or that was cancelled, is not judged:
 * what its method wants then is more than safety does.
 *
 * What could be known is kept here from the play's own publications and from
 * the rounds of questions, not from the engine's state: a version is gone when
 * a complete round no longer met it, and its TTL and the policy's margin later
 * nobody has it.
 */
#include <errno.h>
#include <stdlib.h>

#include "play.h"

static struct known *
known_add(struct play *p, struct known set)
{
	for (size_t i = 0; i < p->n_known; i++) {
		struct known *k = &p->known[i];

		/* Room of one that nobody can have any more. */
		if (k->until > p->now)
			continue;
		*k = set;
		return k;
	}
	if (p->n_known == KNOWN_MAX) {
		p->rc = -E2BIG;
		return NULL;
	}
	p->known[p->n_known] = set;
	return &p->known[p->n_known++];
}

static struct known
known_new(enum ks_kind kind, struct numbers keys, struct numbers sigs, uint32_t seq)
{
	return (struct known){ .kind = kind, .keys = keys, .sigs = sigs, .seq = seq, .until = NEVER };
}

static void
known_gone(struct play *p, struct known *k, int64_t at)
{
	const struct dnssec_policy *pol = &p->policy;
	bool keys = k->kind == KS_DNSKEY && !numbers_none(&k->keys);
	int64_t ttl = k->kind == KS_DS ? pol->parent_ds_ttl : keys ? pol->dnskey_ttl :
	    pol->max_zone_ttl;
	int64_t margin = k->kind == KS_DNSKEY ? pol->publish_safety : pol->retire_safety;

	if (k->until == NEVER)
		k->until = at + ttl + margin;
}

void
late_seen(struct play *p, const struct keystate_child *c, const struct keystate_parent *d)
{
	struct numbers want = numbers_of(&p->ks, p->ks.ds_want);
	bool followed = d != NULL && d->complete && d->n_ds == 1 && !d->ds[0].foreign &&
	    d->ds[0].keys == p->ks.ds_want;

	for (size_t i = 0; i < p->n_known; i++) {
		struct known *k = &p->known[i];

		if (k->kind == KS_DS && followed && !numbers_eq(&k->keys, &want))
			known_gone(p, k, d->at);
		if (c == NULL || !c->complete)
			continue;
		if ((k->kind == KS_DNSKEY && k->seq < c->dnskey_oldest) ||
		    (k->kind == KS_DATA && k->seq < c->data_oldest))
			known_gone(p, k, c->at);
	}
}

/* A set of sets as a history of one second. */
static void
known_print(struct buf *b, const struct known *k, size_t n)
{
	static const char *const forms[] = {
		[KS_DS] = "ds d%zu", [KS_DNSKEY] = "dnskey k%zu keys", [KS_DATA] = "data s%zu A sigs" };
	char id[32];

	snprintf(id, sizeof(id), forms[k->kind], n);
	buf_str(b, id);
	if (k->kind == KS_DS && numbers_none(&k->keys))
		buf_str(b, " none");
	for (uint32_t i = 0; i < PLAY_KEYS_MAX && k->kind != KS_DATA; i++) {
		if (numbers_has(&k->keys, i))
			buf_printf(b, " K%u", i);
	}
	if (k->kind == KS_DNSKEY)
		buf_str(b, " sigs");
	for (uint32_t i = 0; i < PLAY_KEYS_MAX; i++) {
		if (numbers_has(&k->sigs, i))
			buf_printf(b, " K%u:0:never", i);
	}
	buf_printf(b, "\nserve %c%zu 0 1 0\n", "dks"[k->kind], n);
}

static void
known_log(struct play *p, const char *what, const struct known *k)
{
	static const char *const kinds[] = { [KS_DS] = "DS", [KS_DNSKEY] = "DNSKEY", [KS_DATA] = "data" };

	play_log(p, "  %s %s %08x by %08x until %lld", what, kinds[k->kind],
	    numbers_bits(&p->ks, &k->keys), numbers_bits(&p->ks, &k->sigs), (long long)k->until);
}

static bool
harmless(struct play *p, const struct known *new, size_t n_new, int64_t then)
{
	_cleanup_(buf_done) struct buf text = BUF_INIT;
	_cleanup_(history_done) struct history h = { 0 };
	_cleanup_(bads_done) struct bads bads = { 0 };
	unsigned line;

	buf_printf(&text, "strict %s\n", p->policy.strict_algorithms == POLICY_STRICT_NONE ? "no" : "yes");
	for (uint32_t i = 0; i < PLAY_KEYS_MAX; i++) {
		if (p->algs[i] != 0)
			buf_printf(&text, "key K%u %u\n", i, p->algs[i]);
	}
	for (size_t i = 0; i < p->n_known; i++) {
		if (p->known[i].until > then)
			known_print(&text, &p->known[i], i);
	}
	for (size_t i = 0; i < n_new; i++)
		known_print(&text, &new[i], KNOWN_MAX + i);
	if (text.rc < 0 || history_parse(buf_get(&text), &h, &line) < 0 ||
	    sim_run(&h, FLEET_SETS, false, &bads) < 0) {
		p->rc = -EINVAL;
		return false;
	}
	return bads.n == 0;
}

/* The policy may ask for more than the simulator: that takes its time. */
static bool
many_algs(const struct play *p, int64_t then)
{
	uint8_t alg = 0;

	for (size_t i = 0; i < p->n_known; i++) {
		for (uint32_t n = 0; n < PLAY_KEYS_MAX; n++) {
			if (p->known[i].until <= then || p->algs[n] == 0 ||
			    (!numbers_has(&p->known[i].keys, n) && !numbers_has(&p->known[i].sigs, n)))
				continue;
			if (alg != 0 && alg != p->algs[n])
				return true;
			alg = p->algs[n];
		}
	}
	return false;
}

/* Did it wait then for nothing but caches and servers? */
static bool
waited(const struct keystate_step *s)
{
	bool any = false;

	for (size_t i = 0; i < s->n_waits; i++) {
		switch (s->waits[i].why) {
		case KS_WAIT_CACHES:
		case KS_WAIT_CHILD:
		case KS_WAIT_PARENT:
			any = true;
			break;
		case KS_WAIT_STEP:
		case KS_WAIT_LIFETIME:
		case KS_WAIT_NOTHING:
			break;
		default:
			return false;
		}
	}
	return any && !s->held;
}

/* The step may be that of a key whose life has ended just now: no sooner, says the policy. */
static bool
life_ended(const struct keystate_step *s, int64_t now)
{
	for (size_t i = 0; i < s->n_waits; i++) {
		if (s->waits[i].why == KS_WAIT_LIFETIME && s->waits[i].until <= now)
			return true;
	}
	return false;
}

/* What this call published or asked for, as sets. */
static size_t
steps_taken(struct play *p, struct known *new)
{
	const struct keystate_publication *pub = &p->step.pub;
	struct numbers none = { 0 }, ds = numbers_of(&p->ks, p->ks.ds_want);
	size_t n = 0;

	if (pub->valid && pub->dnskey_seq != p->pub.dnskey_seq)
		new[n++] = known_new(KS_DNSKEY, numbers_of(&p->ks, pub->dnskey),
		    numbers_of(&p->ks, pub->dnskey_sigs), pub->dnskey_seq);
	if (pub->valid && pub->data_seq != p->pub.data_seq)
		new[n++] = known_new(KS_DATA, none, numbers_of(&p->ks, pub->zone_sigs), pub->data_seq);
	if (!numbers_eq(&ds, &p->ds_want))
		new[n++] = known_new(KS_DS, ds, none, 0);
	p->ds_want = ds;
	return n;
}

void
late_init(struct play *p)
{
	struct numbers none = { 0 };

	known_add(p, known_new(KS_DS, none, none, 0));
	known_add(p, known_new(KS_DNSKEY, none, none, p->ks.seq[KS_DNSKEY]));
	known_add(p, known_new(KS_DATA, none, none, p->ks.seq[KS_DATA]));
}

void
late_judge(struct play *p)
{
	struct known new[KS_KIND_MAX];
	size_t n = steps_taken(p, new);

	if (n > 0 && !p->disturbed && p->now > p->mixed_until && waited(&p->before) &&
	    !life_ended(&p->before, p->now) && !many_algs(p, p->before_at) && p->before_at < p->now) {
		p->counts.judged++;
		if (harmless(p, new, n, p->before_at)) {
			p->counts.late++;
			play_log(p, "late: it could have been done at %lld", (long long)p->before_at);
			for (size_t i = 0; i < n; i++)
				known_log(p, "new", &new[i]);
			for (size_t i = 0; i < p->n_known; i++)
				known_log(p, "known", &p->known[i]);
		}
	}
	for (size_t i = 0; i < n; i++) {
		/* The same DS set again is no new one: it may come at any time from now on. */
		for (size_t j = 0; j < p->n_known && new[i].kind == KS_DS; j++) {
			if (p->known[j].kind == KS_DS && numbers_eq(&p->known[j].keys, &new[i].keys))
				p->known[j].until = p->now;
		}
		known_add(p, new[i]);
	}
	p->before = p->step;
	p->before_at = p->now;
	p->disturbed = false;
}
