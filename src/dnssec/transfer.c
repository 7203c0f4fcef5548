/* The plan of a transfer: its times, pattern by pattern. What is done at them: transfer_steps.c. */
#include <errno.h>

#include "dnssec/transfer_internal.h"

#define F FINDING_ROW_
const struct finding_def transfer_findings[TRANSFER_CODE_MAX] = {
#include "dnssec/transfer_findings.def"
};
#undef F

int64_t
transfer_add(int64_t at, int64_t sec)
{
	return at == TIME_NEVER || sec == TIME_NEVER ? TIME_NEVER : at + sec;
}

int64_t
transfer_sec(const struct transfer_facts *f, enum transfer_number n)
{
	return f->number[n] == TRANSFER_ALWAYS ? TIME_NEVER : (int64_t)f->number[n];
}
#define SEC(id)	transfer_sec(f, TRANSFER_##id)

/* Negative answers are data, too. */
int64_t
transfer_data_sec(const struct transfer_facts *f)
{
	return max_i64(SEC(TTL_DATA), SEC(TTL_NEGATIVE));
}

/* From the order until all servers of the parent have another DS set. */
int64_t
transfer_ds_sec(const struct transfer_facts *f, const struct transfer_plan *p)
{
	bool cds = p->pattern == TRANSFER_EXCHANGE && f->help == TRANSFER_HELP_CDS;

	return SEC(DELAY_PARENT) + (cds ? SEC(DELAY_CDS) : 0);
}

struct cause {
	int64_t		 at;
	const char	*why;
};

/* The last of them is what is waited for. */
static int64_t
latest(const struct cause *c, size_t n, struct transfer_why *ret)
{
	int64_t at = 0;

	*ret = (struct transfer_why){ 0 };
	for (size_t i = 0; i < n; i++) {
		if (c[i].at <= at)
			continue;
		at = c[i].at;
		ret->why = c[i].why;
	}
	return at;
}
#define LATEST(ret, ...) latest((const struct cause[]){ __VA_ARGS__ }, \
    sizeof((const struct cause[]){ __VA_ARGS__ }) / sizeof(struct cause), (ret))

static const char servers_why[] = N_("all gaining servers have to answer");
static const char dnskey_why[] = N_("DNSKEY sets without the new key are still in caches");
static const char ds_why[] = N_("the old DS set is still in caches");
static const char data_why[] = N_("data with the losing side's signatures, or without any, are still in caches");
static const char keys_why[] = N_("the losing side's DNSKEY set is still in caches");
static const char registrar_why[] = N_("the registrar transfer takes so long");

/* --- the pieces --- */

/* Who holds the old delegation asks the losing servers. */
static void
losing_times(const struct transfer_facts *f, struct transfer_plan *p)
{
	struct transfer_times *t = &p->t;
	int64_t parent = t->ns + SEC(DELAY_PARENT) + SEC(TTL_PARENT_NS);

	if (f->help >= TRANSFER_HELP_EXCHANGE)
		t->losing_end = max_i64(parent, t->ns + SEC(DELAY_LOSING) + SEC(TTL_NS));
	else
		t->losing_end = parent + SEC(TTL_NS);
	t->stop = min_i64(t->losing_end, transfer_add(t->ns, SEC(LOSING_KEEPS)));
	p->unreachable = (struct timeline_span){ t->stop, t->losing_end };
}

/* The registrar changes behind the rest, while a DS stands. */
static void
registrar_last(const struct transfer_facts *f, struct transfer_plan *p)
{
	struct transfer_times *t = &p->t;

	if (f->move != TRANSFER_MOVE_BOTH)
		return;
	t->registrar = t->ds_del != TIME_NEVER ? t->ds_del + transfer_ds_sec(f, p) : t->stop;
	if (f->ds_kept)
		return;
	t->lost = t->registrar + SEC(TRANSFER_SEC);
	t->again = t->lost + SEC(DS_REENTRY);
}

static void
exchange_times(const struct transfer_facts *f, struct transfer_plan *p, struct transfer_whys *w)
{
	struct transfer_times *t = &p->t;

	t->load = t->join = 0;
	t->ds_add = LATEST(&w->ds_add, { SEC(DELAY_GAINING), servers_why });
	t->ns = LATEST(&w->ns,
	    { SEC(DELAY_LOSING) + SEC(TTL_DNSKEY), dnskey_why },
	    { t->ds_add + transfer_ds_sec(f, p) + SEC(TTL_DS), ds_why });
	losing_times(f, p);
	t->ds_del = t->stop + SEC(TTL_DNSKEY);
	w->ds_del.why = keys_why;
	t->clean = t->stop + transfer_data_sec(f);
	p->borrowed = true;
	registrar_last(f, p);
}

static void
shared_times(const struct transfer_facts *f, struct transfer_plan *p, struct transfer_whys *w)
{
	struct transfer_times *t = &p->t;

	t->load = t->join = 0;
	t->ns = LATEST(&w->ns, { SEC(DELAY_GAINING), servers_why },
	    { SEC(DELAY_LOSING) + SEC(TTL_DNSKEY), dnskey_why });
	losing_times(f, p);
	t->clean = t->stop + transfer_data_sec(f);
	p->borrowed = true;
	registrar_last(f, p);
}

static void
copy_times(const struct transfer_facts *f, struct transfer_plan *p, struct transfer_whys *w)
{
	struct transfer_times *t = &p->t;

	t->load = 0;
	t->ns = t->ds_add = LATEST(&w->ns, { SEC(DELAY_GAINING), servers_why });
	w->ds_add = w->ns;
	losing_times(f, p);
	t->swap = t->ds_add + transfer_ds_sec(f, p) + SEC(TTL_DS);
	w->swap.why = ds_why;
	t->sign = max_i64(t->stop, t->swap + SEC(DELAY_GAINING)) + SEC(TTL_DNSKEY);
	w->sign.why = keys_why;
	t->ds_del = t->sign;
	w->ds_del.why = keys_why;
	t->clean = t->sign + SEC(DELAY_GAINING) + transfer_data_sec(f);
	p->borrowed = true;
	registrar_last(f, p);
}

/* The gaining DNSKEY set may hold the losing ZSK without anybody's help: it is public. */
static bool
borrow_helps(const struct transfer_facts *f)
{
	return f->number[TRANSFER_LOSING_ALG] == f->number[TRANSFER_GAINING_ALG] &&
	    transfer_data_sec(f) > SEC(TTL_DNSKEY);
}

/* Remove all DS, move when they are gone. */
static void
bare_times(const struct transfer_facts *f, struct transfer_plan *p, struct transfer_whys *w)
{
	struct transfer_times *t = &p->t;
	bool both = f->move == TRANSFER_MOVE_BOTH;

	t->load = t->ds_del = 0;
	if (both)
		t->registrar = SEC(DELAY_PARENT);
	t->ns = LATEST(&w->ns, { SEC(DELAY_GAINING), servers_why },
	    { SEC(DELAY_PARENT) + SEC(TTL_DS), ds_why },
	    { both ? t->registrar + SEC(TRANSFER_SEC) : 0, registrar_why });
	losing_times(f, p);
}

static void
insecure_times(const struct transfer_facts *f, struct transfer_plan *p, struct transfer_whys *w)
{
	struct transfer_times *t = &p->t;

	bare_times(f, p, w);
	p->borrowed = borrow_helps(f);
	t->ds_add = LATEST(&w->ds_add, { t->stop + SEC(TTL_DNSKEY), keys_why },
	    { p->borrowed ? 0 : t->stop + transfer_data_sec(f), data_why });
	if (p->borrowed)
		t->clean = t->stop + transfer_data_sec(f);
}

/* The zone gets signatures or loses them where it is: "ns" is that moment. */
static void
here_times(const struct transfer_facts *f, struct transfer_plan *p, int64_t at)
{
	p->t.load = TIME_NEVER;
	p->t.ns = at;
	p->t.stop = p->t.losing_end = at + SEC(DELAY_LOSING);
	p->unreachable = (struct timeline_span){ 0 };
}

static void
sign_times(const struct transfer_facts *f, struct transfer_plan *p, struct transfer_whys *w)
{
	struct transfer_times *t = &p->t;
	int64_t moved = f->move == TRANSFER_MOVE_OPERATOR ? 0 : SEC(TRANSFER_SEC);

	t->registrar = f->move == TRANSFER_MOVE_OPERATOR ? TIME_NEVER : 0;
	if (f->move == TRANSFER_MOVE_REGISTRAR)
		here_times(f, p, 0);
	else {
		t->load = 0;
		t->ns = LATEST(&w->ns, { SEC(DELAY_GAINING), servers_why }, { moved, registrar_why });
		losing_times(f, p);
	}
	t->ds_add = LATEST(&w->ds_add, { t->stop + transfer_data_sec(f), data_why },
	    { moved, registrar_why });
}

static void
unsign_times(const struct transfer_facts *f, struct transfer_plan *p, struct transfer_whys *w)
{
	if (f->move != TRANSFER_MOVE_REGISTRAR) {
		bare_times(f, p, w);
		return;
	}
	p->t.ds_del = 0;
	here_times(f, p, LATEST(&w->ns, { SEC(DELAY_PARENT) + SEC(TTL_DS), ds_why }));
	p->t.registrar = SEC(DELAY_PARENT);
}

static void
plain_times(const struct transfer_facts *f, struct transfer_plan *p, struct transfer_whys *w)
{
	int64_t moved = f->move == TRANSFER_MOVE_OPERATOR ? 0 : SEC(TRANSFER_SEC);

	p->t.registrar = f->move == TRANSFER_MOVE_OPERATOR ? TIME_NEVER : 0;
	if (f->move == TRANSFER_MOVE_REGISTRAR)
		return;
	p->t.load = 0;
	p->t.ns = LATEST(&w->ns, { SEC(DELAY_GAINING), servers_why }, { moved, registrar_why });
	losing_times(f, p);
}

static void
registrar_times(const struct transfer_facts *f, struct transfer_plan *p, struct transfer_whys *w)
{
	(void)w;
	p->same_keys = true;
	p->t.registrar = 0;
	if (f->ds_kept)
		return;
	p->t.lost = SEC(TRANSFER_SEC);
	p->t.again = p->t.lost + SEC(DS_REENTRY);
}

static const struct {
	const char	*name, *text;
	void		(*times)(const struct transfer_facts *, struct transfer_plan *,
			    struct transfer_whys *);
} patterns[TRANSFER_PATTERN_MAX] = {
	[TRANSFER_REGISTRAR] = { "registrar", N_("the registrar changes; name servers and keys stay"), registrar_times },
	[TRANSFER_EXCHANGE] = { "exchange", N_("both sides publish each other's ZSK, and both KSKs have a DS"), exchange_times },
	[TRANSFER_SHARED] = { "shared", N_("both sides publish each other's ZSK under one KSK"), shared_times },
	[TRANSFER_COPY] = { "copy", N_("the gaining side serves the losing side's signatures first"), copy_times },
	[TRANSFER_INSECURE] = { "insecure", N_("without help: the DS goes, the zone moves, a new DS comes"), insecure_times },
	[TRANSFER_SIGN] = { "sign", N_("unsigned before, signed afterwards"), sign_times },
	[TRANSFER_UNSIGN] = { "unsign", N_("signed before, unsigned afterwards"), unsign_times },
	[TRANSFER_PLAIN] = { "plain", N_("unsigned before and afterwards"), plain_times },
};

const char *
transfer_pattern_name(enum transfer_pattern p)
{
	return p < TRANSFER_PATTERN_MAX ? patterns[p].name : "?";
}

const char *
transfer_pattern_text(enum transfer_pattern p)
{
	return p < TRANSFER_PATTERN_MAX ? patterns[p].text : "?";
}

/* --- the plan --- */

static enum transfer_pattern
pattern_choose(const struct transfer_facts *f, bool apart)
{
	if (!f->signed_before)
		return f->signed_after ? TRANSFER_SIGN : TRANSFER_PLAIN;
	if (!f->signed_after)
		return TRANSFER_UNSIGN;
	if (f->move == TRANSFER_MOVE_REGISTRAR)
		return TRANSFER_REGISTRAR;
	if (f->help == TRANSFER_HELP_NONE || apart)
		return TRANSFER_INSECURE;
	if (f->help == TRANSFER_HELP_COPY)
		return TRANSFER_COPY;
	return f->help == TRANSFER_HELP_SHARED ? TRANSFER_SHARED : TRANSFER_EXCHANGE;
}

/* RFC 8901 section 4: both sign with one algorithm, or a validator that wants each of them fails. */
static void
algorithm_choose(const struct transfer_facts *f, struct transfer_plan *p, struct findings *fs)
{
	uint32_t losing = f->number[TRANSFER_LOSING_ALG], gaining = f->number[TRANSFER_GAINING_ALG];
	bool apart = losing != gaining && !f->common_alg;

	p->pattern = pattern_choose(f, apart);
	p->gaining_alg = (uint8_t)gaining;
	if (losing == gaining || !f->signed_before || !f->signed_after)
		return;
	if (p->pattern == TRANSFER_EXCHANGE || p->pattern == TRANSFER_SHARED || p->pattern == TRANSFER_COPY) {
		p->gaining_alg = (uint8_t)losing;
		finding_add(fs, &transfer_findings[TRANSFER_ALG], FA_U("alg", losing), FA_U("gaining", gaining));
	} else if (p->pattern == TRANSFER_INSECURE && f->help != TRANSFER_HELP_NONE)
		finding_add(fs, &transfer_findings[TRANSFER_ALG_APART], FA_U("alg", losing), FA_U("gaining", gaining));
}

static void
insecure_window(const struct transfer_facts *f, struct transfer_plan *p)
{
	const struct transfer_times *t = &p->t;
	int64_t late = SEC(DELAY_PARENT), known = late + SEC(TTL_NO_DS);

	/* Without any delay the one DS follows the other at once. */
	if (f->signed_after && (t->lost != TIME_NEVER ? t->again + late == t->lost :
	    p->pattern == TRANSFER_INSECURE && t->ds_add + late == 0))
		return;
	if (t->lost != TIME_NEVER)
		p->insecure = (struct timeline_span){ t->lost, t->again + known };
	else if (!f->signed_after)
		p->insecure = (struct timeline_span){ 0, TIME_NEVER };
	else if (p->pattern == TRANSFER_INSECURE || p->pattern == TRANSFER_SIGN)
		p->insecure = (struct timeline_span){ 0, t->ds_add + known };
}

static void
end_find(const struct transfer_facts *f, struct transfer_plan *p)
{
	const struct transfer_times *t = &p->t;
	int64_t ds = transfer_ds_sec(f, p), keys = f->signed_before ? SEC(TTL_DNSKEY) : 0;
	const int64_t last[] = {
		transfer_add(t->registrar, SEC(TRANSFER_SEC)), t->losing_end,
		transfer_add(t->stop, max_i64(transfer_data_sec(f), keys)),
		transfer_add(t->ds_del, ds + SEC(TTL_DS)), transfer_add(t->ds_add, ds + SEC(TTL_NO_DS)),
		transfer_add(t->clean, SEC(DELAY_GAINING) + keys), transfer_add(t->again, ds + SEC(TTL_NO_DS)),
	};

	p->t.end = 0;
	for (size_t i = 0; i < ARRAY_LEN(last); i++)
		if (last[i] != TIME_NEVER)
			p->t.end = max_i64(p->t.end, last[i]);
}

static void
windows_tell(const struct transfer_plan *p, bool is_secured, struct findings *fs)
{
	const struct timeline_span *u = &p->unreachable, *i = &p->insecure;

	if (u->from < u->until)
		finding_add(fs, &transfer_findings[TRANSFER_UNREACHABLE],
		    FA_U("from", u->from), FA_U("until", u->until));
	if (is_secured && i->from < i->until && i->until != TIME_NEVER)
		finding_add(fs, &transfer_findings[TRANSFER_INSECURE_WINDOW],
		    FA_U("from", i->from), FA_U("until", i->until));
}

int
transfer_plan(const struct transfer_facts *f, struct findings *fs, struct transfer_plan *ret)
{
	struct transfer_plan p = { 0 };
	struct transfer_whys whys = { 0 };
	bool holds;
	int rc;

	p.t = (struct transfer_times){ TIME_NEVER, TIME_NEVER, TIME_NEVER, TIME_NEVER, TIME_NEVER,
		TIME_NEVER, TIME_NEVER, TIME_NEVER, TIME_NEVER, TIME_NEVER, TIME_NEVER, TIME_NEVER,
		TIME_NEVER, 0 };
	algorithm_choose(f, &p, fs);
	patterns[p.pattern].times(f, &p, &whys);
	insecure_window(f, &p);
	end_find(f, &p);
	transfer_steps_make(f, &p, &whys);
	rc = transfer_prove(f, &p, fs, &holds);
	if (rc < 0)
		return rc;
	if (!holds)
		return -EPROTO;
	windows_tell(&p, f->signed_before, fs);
	*ret = p;
	return 0;
}
