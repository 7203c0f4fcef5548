/* Is a step done at all servers? And what is noted of it. */
#include "dnssec/transfer_watch.h"

#include <errno.h>

#include "base/err.h"
#include "dnssec/dnssec.h"
#include "dnssec/transfer_internal.h"

/* --- sets --- */

static bool
set_has(const struct transfer_set *s, struct sv rdata)
{
	for (size_t i = 0; i < s->n; i++)
		if (sv_eq(s->rdata[i], rdata))
			return true;
	return false;
}

static bool
set_within(const struct transfer_set *a, const struct transfer_set *b)
{
	for (size_t i = 0; i < a->n; i++)
		if (!set_has(b, a->rdata[i]))
			return false;
	return true;
}

static bool
set_same(const struct transfer_set *a, const struct transfer_set *b)
{
	return set_within(a, b) && set_within(b, a);
}

static bool
set_meets(const struct transfer_set *a, const struct transfer_set *b)
{
	for (size_t i = 0; i < a->n; i++)
		if (set_has(b, a->rdata[i]))
			return true;
	return false;
}

static void
set_add(struct transfer_set *to, struct sv rdata)
{
	if (!set_has(to, rdata) && to->n < INTAKE_RECORDS_MAX)
		to->rdata[to->n++] = rdata;
}

static bool
is_sep(struct sv key)
{
	struct dnskey k;

	return dnskey_parse(key, &k) == 0 && (k.flags & DNSKEY_SEP) != 0;
}

bool
transfer_key_is(const struct transfer_set *own, struct sv key, bool ksk)
{
	bool sep = false, other = false;

	for (size_t i = 0; i < own->n; i++)
		*(is_sep(own->rdata[i]) ? &sep : &other) = true;
	return !sep || !other || is_sep(key) == ksk;
}

/* Keys of one role. */
static struct transfer_set
role_of(const struct transfer_set *own, bool ksk)
{
	struct transfer_set s = { .n = 0 };

	for (size_t i = 0; i < own->n; i++)
		if (transfer_key_is(own, own->rdata[i], ksk))
			set_add(&s, own->rdata[i]);
	return s;
}

/* --- what one server shows --- */

struct view {
	const struct transfer_watch	*w;
	const struct transfer_plan	*p;
	const struct transfer_look	*l;
	int64_t				 now;
	struct transfer_set		 ksk[2], zsk[2];	/* of each side */
	int				 rc;
};

/* Does one of these keys sign the DNSKEY set in truth? */
static bool
signed_by(struct view *v, const struct transfer_set *keys)
{
	struct intake_record r;
	struct intake_input in = { .zone = v->w->zone, .keys = v->l->keys.rdata, .n_keys = v->l->keys.n,
		.sigs = v->l->key_sigs.rdata, .n_sigs = v->l->key_sigs.n, .entered = &r, .n_entered = 1,
		.now = v->now };

	for (size_t i = 0; i < keys->n && v->rc == 0; i++) {
		struct pool *pool = pool_new(1u << 20);
		struct findings fs;
		bool good;

		if (pool == NULL) {
			v->rc = -ENOMEM;
			return false;
		}
		r = (struct intake_record){ RR_DNSKEY, keys->rdata[i] };
		findings_init(&fs, pool);
		v->rc = intake_check(&in, &fs);
		good = v->rc == 0 && !findings_reject(&fs);
		(void)pool_free(pool);
		if (good)
			return true;
	}
	return false;
}

/* A key of this set among the signers of the SOA, by tag and algorithm. */
static bool
data_signed_by(const struct transfer_look *l, const struct transfer_set *keys)
{
	for (size_t i = 0; i < l->soa_sigs.n; i++)
		for (size_t k = 0; k < keys->n; k++) {
			struct rd r = rd_sv(l->soa_sigs.rdata[i]);
			struct dnskey key;
			uint8_t alg;

			(void)rd_be16(&r);
			alg = rd_u8(&r);
			(void)rd_bytes(&r, 1 + 4 + 4 + 4);
			if (rd_be16(&r) == dnskey_tag(keys->rdata[k]) && !r.bad &&
			    dnskey_parse(keys->rdata[k], &key) == 0 && key.alg == alg)
				return true;
		}
	return false;
}

/* Do the DS records name keys of this set, and is each of them of it? */
static bool
ds_names(const struct view *v, const struct transfer_set *keys, bool all)
{
	size_t n = 0;

	for (size_t i = 0; i < v->l->ds.n; i++)
		for (size_t k = 0; k < keys->n; k++)
			if (ds_matches(v->l->ds.rdata[i], &v->w->zone, keys->rdata[k])) {
				n++;
				break;
			}
	return all ? n > 0 && n == v->l->ds.n : n > 0;
}

#define LOSING	TRANSFER_AT_LOSING
#define GAINING	TRANSFER_AT_GAINING

/* Each says what is lacking; NULL: nothing. */

static const char *
load_lack(struct view *v)
{
	return v->l->answered ? NULL : N_("it does not answer for the zone");
}

static const char *
signed_lack(struct view *v)
{
	if (!signed_by(v, &v->ksk[GAINING]))
		return N_("the DNSKEY set is not signed by the gaining side's key");
	return v->l->soa_sigs.n > 0 ? NULL : N_("the data are not signed");
}

static const char *
joined_lack(struct view *v)
{
	if (!set_within(&v->zsk[LOSING], &v->l->keys))
		return N_("the losing side's ZSK is not in the DNSKEY set");
	return signed_lack(v);
}

static const char *
shared_lack(struct view *v)
{
	if (!set_within(&v->zsk[LOSING], &v->l->keys))
		return N_("the losing side's ZSK is not in the DNSKEY set");
	if (!set_meets(&v->w->keys[GAINING], &v->l->keys))
		return N_("the gaining side's ZSK is not in the DNSKEY set");
	return signed_by(v, &v->ksk[LOSING]) ? NULL : N_("the DNSKEY set is not signed by the shared key");
}

static const char *
copy_lack(struct view *v)
{
	if (!set_same(&v->w->keys[LOSING], &v->l->keys) || !signed_by(v, &v->ksk[LOSING]))
		return N_("the DNSKEY set is not the losing side's");
	return data_signed_by(v->l, &v->zsk[LOSING]) ? NULL : N_("the data are not signed by the losing side");
}

static const char *
join_lack(struct view *v)
{
	if (v->w->keys[GAINING].n == 0)
		return N_("the gaining side's keys are not known yet");
	if (!set_within(&v->zsk[GAINING], &v->l->keys))
		return N_("the gaining side's ZSK is not in the DNSKEY set");
	return signed_by(v, &v->ksk[LOSING]) ? NULL : N_("the DNSKEY set is not signed by the losing side's key");
}

static const char *
ns_lack(struct view *v)
{
	if (v->l->ns.n == 0)
		return N_("it names no name server");
	if (v->w->ns[GAINING].n > 0)
		return set_same(&v->l->ns, &v->w->ns[GAINING]) ? NULL : N_("it names other name servers than the gaining side's");
	return set_meets(&v->l->ns, &v->w->ns[LOSING]) ? N_("it names the losing side's servers") : NULL;
}

static const char *
stop_lack(struct view *v)
{
	/* Switched off early is part of this plan; else they may go on for ever. */
	if (v->p->t.stop < v->p->t.losing_end && v->l->answered)
		return N_("it answers still");
	return NULL;
}

static const char *
ds_both_lack(struct view *v)
{
	if (v->w->keys[GAINING].n == 0)
		return N_("the gaining side's keys are not known yet");
	if (!ds_names(v, &v->ksk[LOSING], false))
		return N_("the losing side's DS is not there");
	return ds_names(v, &v->ksk[GAINING], false) ? NULL : N_("the gaining side's DS is not there");
}

static const char *
ds_new_lack(struct view *v)
{
	/* Where the operator stays, its keys are the losing side's. */
	const struct transfer_set *keys = &v->ksk[v->w->facts.move == TRANSFER_MOVE_REGISTRAR ? LOSING : GAINING];

	if (keys->n == 0)
		return N_("the gaining side's keys are not known yet");
	return ds_names(v, keys, true) ? NULL : N_("the DS set is not that of the new key alone");
}

static const char *
ds_none_lack(struct view *v)
{
	return v->l->ds.n == 0 ? NULL : N_("there is a DS still");
}

static const char *
ds_again_lack(struct view *v)
{
	return v->l->ds.n > 0 && set_same(&v->l->ds, &v->w->ds_first) ? NULL : N_("the DS set is not what it was");
}

static const char *
swap_lack(struct view *v)
{
	if (v->w->keys[GAINING].n == 0)
		return N_("the gaining side's keys are not known yet");
	if (!set_within(&v->w->keys[GAINING], &v->l->keys))
		return N_("the gaining side's keys are not in the DNSKEY set");
	return joined_lack(v);
}

static const char *
own_lack(struct view *v)
{
	if (data_signed_by(v->l, &v->zsk[LOSING]))
		return N_("the data are signed by the losing side");
	return data_signed_by(v->l, &v->zsk[GAINING]) ? NULL : N_("the data are not signed by the gaining side");
}

static const char *
clean_lack(struct view *v)
{
	if (v->l->keys.n == 0)
		return N_("there is no DNSKEY");
	return set_meets(&v->zsk[LOSING], &v->l->keys) ? N_("the losing side's ZSK is in the DNSKEY set") : NULL;
}

static const char *
sign_here_lack(struct view *v)
{
	if (!signed_by(v, &v->ksk[LOSING]))
		return N_("the DNSKEY set is not signed");
	return v->l->soa_sigs.n > 0 ? NULL : N_("the data are not signed");
}

static const char *
unsign_lack(struct view *v)
{
	return v->l->keys.n == 0 && v->l->soa_sigs.n == 0 ? NULL : N_("it is signed still");
}

#define UNSEEN	TRANSFER_AT_MAX		/* no server shows it */

static const struct sight {
	enum transfer_code	 code;
	enum transfer_place	 place;
	const char		*(*lack)(struct view *);
	enum transfer_code	 until;		/* what undoes it by plan */
} sights[] = {
	{ TRANSFER_LOAD, GAINING, load_lack, TRANSFER_CODE_MAX },
	{ TRANSFER_LOAD_SIGNED, GAINING, signed_lack, TRANSFER_CODE_MAX },
	{ TRANSFER_LOAD_JOINED, GAINING, joined_lack, TRANSFER_CLEAN },
	{ TRANSFER_LOAD_SHARED, GAINING, shared_lack, TRANSFER_CLEAN },
	{ TRANSFER_LOAD_COPY, GAINING, copy_lack, TRANSFER_SWAP },
	{ TRANSFER_JOIN, LOSING, join_lack, TRANSFER_STOP },
	{ TRANSFER_NS_LOSING, LOSING, ns_lack, TRANSFER_STOP },
	{ TRANSFER_NS, TRANSFER_AT_PARENT, ns_lack, TRANSFER_CODE_MAX },
	{ TRANSFER_STOP, LOSING, stop_lack, TRANSFER_CODE_MAX },
	{ TRANSFER_DS_ADD, TRANSFER_AT_PARENT, ds_both_lack, TRANSFER_DS_DEL },
	{ TRANSFER_CDS_ADD, TRANSFER_AT_PARENT, ds_both_lack, TRANSFER_CDS_DEL },
	{ TRANSFER_DS_NEW, TRANSFER_AT_PARENT, ds_new_lack, TRANSFER_CODE_MAX },
	{ TRANSFER_DS_NONE, TRANSFER_AT_PARENT, ds_none_lack, TRANSFER_DS_NEW },
	{ TRANSFER_DS_DEL, TRANSFER_AT_PARENT, ds_new_lack, TRANSFER_DS_AGAIN },
	{ TRANSFER_CDS_DEL, TRANSFER_AT_PARENT, ds_new_lack, TRANSFER_DS_AGAIN },
	{ TRANSFER_DS_AGAIN, TRANSFER_AT_PARENT, ds_again_lack, TRANSFER_CODE_MAX },
	{ TRANSFER_REGISTRAR_ASK, UNSEEN, NULL, TRANSFER_CODE_MAX },
	{ TRANSFER_SWAP, GAINING, swap_lack, TRANSFER_CLEAN },
	{ TRANSFER_OWN_SIGS, GAINING, own_lack, TRANSFER_CODE_MAX },
	{ TRANSFER_CLEAN, GAINING, clean_lack, TRANSFER_CODE_MAX },
	{ TRANSFER_SIGN_HERE, LOSING, sign_here_lack, TRANSFER_CODE_MAX },
	{ TRANSFER_UNSIGN_HERE, LOSING, unsign_lack, TRANSFER_CODE_MAX },
	{ TRANSFER_DONE, UNSEEN, NULL, TRANSFER_CODE_MAX },
};

static const struct sight *
sight_find(enum transfer_code code)
{
	for (size_t i = 0; i < ARRAY_LEN(sights); i++)
		if (sights[i].code == code)
			return &sights[i];
	return NULL;
}

bool
transfer_step_is_told(enum transfer_code code)
{
	return code == TRANSFER_REGISTRAR_ASK;
}

int
transfer_step_done(const struct transfer_watch *w, const struct transfer_plan *p, enum transfer_code code,
    const struct transfer_look *looks, size_t n, int64_t now, bool *ret_done, struct transfer_lack *ret)
{
	const struct sight *s = sight_find(code);
	struct view v = { .w = w, .p = p, .now = now };
	bool any = false, may_be_silent = code == TRANSFER_STOP;

	*ret = (struct transfer_lack){ .what = NULL };
	*ret_done = false;
	if (s == NULL || s->place == UNSEEN)
		return 0;
	for (unsigned side = 0; side < 2; side++) {
		v.ksk[side] = role_of(&w->keys[side], true);
		v.zsk[side] = role_of(&w->keys[side], false);
	}
	for (size_t i = 0; i < n && ret->what == NULL && v.rc == 0; i++) {
		if (looks[i].place != s->place)
			continue;
		any = true;
		v.l = &looks[i];
		ret->server = looks[i].server;
		ret->what = looks[i].answered || may_be_silent ? s->lack(&v) : N_("it gave no answer");
	}
	if (v.rc == 0 && !any && !may_be_silent)
		*ret = (struct transfer_lack){ .what = N_("no server of that side is known") };
	*ret_done = v.rc == 0 && ret->what == NULL;
	return v.rc;
}

/* --- learning --- */

static void
keys_learn(struct transfer_watch *w, const struct transfer_look *l)
{
	struct transfer_set *own = &w->keys[l->place];
	const struct transfer_set *other = &w->keys[1 - l->place];
	bool gaining = l->place == GAINING;

	for (size_t i = 0; i < l->keys.n; i++)
		if (!gaining || !set_has(other, l->keys.rdata[i]))
			set_add(own, l->keys.rdata[i]);
}

/* What is not known of a side, and all of its servers that answer show. */
static void
side_learn(struct transfer_watch *w, const struct transfer_look *looks, size_t n, enum transfer_place place)
{
	bool keys = w->keys[place].n == 0, ns = w->ns[place].n == 0;

	for (size_t i = 0; i < n; i++) {
		const struct transfer_look *l = &looks[i];

		if (l->place != place || !l->answered)
			continue;
		if (keys)
			keys_learn(w, l);
		/* A copy may still have the losing side's. */
		if (ns && (place == LOSING || !set_same(&l->ns, &w->ns[LOSING])))
			for (size_t k = 0; k < l->ns.n; k++)
				set_add(&w->ns[place], l->ns.rdata[k]);
	}
}

static void
first_learn(struct transfer_watch *w, const struct transfer_look *looks, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (looks[i].place == TRANSFER_AT_PARENT && looks[i].answered)
			for (size_t k = 0; k < looks[i].ds.n; k++)
				set_add(&w->ds_first, looks[i].ds.rdata[k]);
}

bool
transfer_watch_ttls(struct transfer_watch *w, const struct transfer_look *looks, size_t n, struct findings *fs)
{
	bool raised = false;

	for (size_t i = 0; i < n; i++) {
		const struct transfer_look *l = &looks[i];
		bool parent = l->place == TRANSFER_AT_PARENT;
		const struct { enum transfer_number number; uint32_t ttl; } t[] = {
			{ TRANSFER_TTL_DS, l->ds.ttl },
			{ parent ? TRANSFER_TTL_PARENT_NS : TRANSFER_TTL_NS, l->place == GAINING ? 0 : l->ns.ttl },
			{ TRANSFER_TTL_DNSKEY, l->keys.ttl },
			{ parent ? TRANSFER_TTL_NO_DS : TRANSFER_TTL_NEGATIVE, l->negative_ttl },
		};

		for (size_t k = 0; k < ARRAY_LEN(t) && l->answered; k++) {
			uint32_t ttl = t[k].ttl > TRANSFER_SEC_MAX ? TRANSFER_SEC_MAX : t[k].ttl;

			if (ttl <= w->facts.number[t[k].number])
				continue;
			finding_add(fs, &transfer_findings[TRANSFER_TTL], FA_SV("server", l->server),
			    FA_STR("fact", transfer_number_name(t[k].number)), FA_U("ttl", ttl),
			    FA_U("was", w->facts.number[t[k].number]));
			w->facts.number[t[k].number] = ttl;
			w->facts.given |= UINT64_C(1) << t[k].number;
			raised = true;
		}
	}
	return raised;
}

/* --- noting --- */

struct state {
	bool			 done;
	struct transfer_lack	 lack;
};

/* By plan it is no longer to be seen: what undoes it has come, or may. */
static bool
is_past(const struct transfer_watch *w, const struct transfer_plan *p, const struct sight *s,
    const struct state st[static TRANSFER_CODE_MAX], int64_t now)
{
	struct transfer_need need;

	if (s->until == TRANSFER_CODE_MAX)
		return false;
	/* That servers may stop is nothing that they show. */
	return w->seen[s->until] != 0 || (st[s->until].done && s->until != TRANSFER_STOP) ||
	    transfer_due(&w->facts, p, w->seen, s->until, &need) <= now;
}

static void
undone_say(struct transfer_watch *w, const struct sight *s, const struct state *st, struct findings *fs)
{
	finding_add(fs, &transfer_findings[TRANSFER_UNDONE], FA_STR("step", transfer_findings[s->code].code),
	    FA_TIME("seen", w->seen[s->code]), FA_SV("server", st->lack.server), FA_MSG("what", st->lack.what));
	w->seen[s->code] = 0;
}

/* Without the losing ZSK before, its absence is no step. */
static bool
may_note(const struct transfer_watch *w, enum transfer_code c)
{
	return c != TRANSFER_CLEAN || w->seen[TRANSFER_LOAD_JOINED] != 0 || w->seen[TRANSFER_LOAD_SHARED] != 0 ||
	    w->seen[TRANSFER_SWAP] != 0;
}

static void
steps_note(struct transfer_watch *w, const struct transfer_plan *p, const struct state st[static TRANSFER_CODE_MAX],
    int64_t now, struct findings *fs)
{
	for (size_t i = 0; i < p->n_steps; i++) {
		enum transfer_code c = p->steps[i].code;
		const struct sight *s = sight_find(c);
		struct transfer_need need;
		int64_t due;

		if (w->seen[c] != 0 && !w->told[c] && s->place != UNSEEN && !st[c].done && !is_past(w, p, s, st, now))
			undone_say(w, s, &st[c], fs);
		due = transfer_due(&w->facts, p, w->seen, c, &need);
		/* These show nothing: they are done when their time has come. */
		if (c == TRANSFER_DONE || c == TRANSFER_STOP || c == TRANSFER_DS_AGAIN) {
			if (w->seen[c] == 0 && due <= now && (c == TRANSFER_DONE || st[c].done))
				w->seen[c] = c == TRANSFER_STOP ? max_i64(due, 1) : now;
			continue;
		}
		if (w->seen[c] == 0 && st[c].done && may_note(w, c))
			w->seen[c] = now;
		if (w->seen[c] == 0 || w->seen[c] >= due)
			continue;
		finding_add(fs, &transfer_findings[TRANSFER_EARLY], FA_STR("step", transfer_findings[c].code),
		    FA_STR("need", transfer_findings[need.on].code), FA_TIME("due", due));
	}
}

int
transfer_watch_look(struct transfer_watch *w, const struct transfer_plan *p, const struct transfer_look *looks,
    size_t n, int64_t now, struct findings *fs)
{
	struct state st[TRANSFER_CODE_MAX] = { 0 };

	side_learn(w, looks, n, LOSING);
	side_learn(w, looks, n, GAINING);
	if (w->begun == 0) {
		first_learn(w, looks, n);
		w->begun = now;
	}
	for (size_t i = 0; i < p->n_steps; i++) {
		enum transfer_code c = p->steps[i].code;
		int rc = transfer_step_done(w, p, c, looks, n, now, &st[c].done, &st[c].lack);

		if (rc < 0)
			return rc;
	}
	steps_note(w, p, st, now, fs);
	w->looked = now;
	return 0;
}

int
transfer_watch_told(struct transfer_watch *w, const struct transfer_plan *p, enum transfer_code code, int64_t now)
{
	for (size_t i = 0; i < p->n_steps; i++)
		if (p->steps[i].code == code && transfer_step_is_told(code)) {
			w->seen[code] = now;
			w->told[code] = true;
			return 0;
		}
	return -EINVAL;
}
