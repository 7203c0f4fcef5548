/* Which step waits for which, and for how long behind it. */
#include "dnssec/transfer_internal.h"
#include "dnssec/transfer_watch.h"

#define P(name)		(1u << TRANSFER_##name)
#define ANY		((1u << TRANSFER_PATTERN_MAX) - 1)
#define BARE		(P(INSECURE) | P(UNSIGN))
#define FIRST		(BARE | P(SIGN) | P(PLAIN))	/* here the registrar changes before the servers */
#define JOINED		(P(EXCHANGE) | P(SHARED))

enum wait {
	AT_ONCE,
	DS,
	NO_DS,
	DNSKEY,
	DATA,
	DATA_OR_KEYS,		/* … the larger; keys only if there were some */
	DATA_UNLESS_BORROWED,
	PARENT_NS,
	NS,			/* … unless the losing side names the new servers itself */
	NS_LEFT,		/* of the losing side's zone, that names the new servers */
	WAIT_MAX
};

static const char *const whys[WAIT_MAX] = {
	[DS] = N_("the old DS set is still in caches"),
	[NO_DS] = N_("the absence of DS is still in caches"),
	[DNSKEY] = N_("the old DNSKEY set is still in caches"),
	[DATA] = N_("old data are still in caches"),
	[DATA_OR_KEYS] = N_("old data are still in caches"),
	[DATA_UNLESS_BORROWED] = N_("old data are still in caches"),
	[PARENT_NS] = N_("the old delegation is still in caches"),
	[NS] = N_("the old delegation is still in caches"),
	[NS_LEFT] = N_("the old delegation is still in caches"),
};

static const struct row {
	unsigned		patterns;
	enum transfer_code	step, on;
	enum wait		wait;
} rows[] = {
	{ ANY, TRANSFER_DS_ADD, TRANSFER_LOAD_JOINED, AT_ONCE },
	{ ANY, TRANSFER_DS_ADD, TRANSFER_LOAD_COPY, AT_ONCE },
	{ ANY, TRANSFER_CDS_ADD, TRANSFER_LOAD_JOINED, AT_ONCE },
	{ ANY, TRANSFER_NS, TRANSFER_LOAD, AT_ONCE },
	{ ANY, TRANSFER_NS, TRANSFER_LOAD_SIGNED, AT_ONCE },
	{ ANY, TRANSFER_NS, TRANSFER_LOAD_JOINED, AT_ONCE },
	{ ANY, TRANSFER_NS, TRANSFER_LOAD_SHARED, AT_ONCE },
	{ ANY, TRANSFER_NS, TRANSFER_LOAD_COPY, AT_ONCE },
	{ ANY, TRANSFER_NS, TRANSFER_JOIN, DNSKEY },
	{ P(EXCHANGE), TRANSFER_NS, TRANSFER_DS_ADD, DS },
	{ P(EXCHANGE), TRANSFER_NS, TRANSFER_CDS_ADD, DS },
	{ BARE, TRANSFER_NS, TRANSFER_DS_NONE, DS },
	{ FIRST, TRANSFER_NS, TRANSFER_REGISTRAR_ASK, AT_ONCE },
	{ ANY, TRANSFER_STOP, TRANSFER_NS, PARENT_NS },
	{ ANY, TRANSFER_STOP, TRANSFER_NS, NS },
	{ ANY, TRANSFER_STOP, TRANSFER_NS_LOSING, NS_LEFT },
	{ P(EXCHANGE) | P(COPY), TRANSFER_DS_DEL, TRANSFER_STOP, DNSKEY },
	{ P(EXCHANGE), TRANSFER_CDS_DEL, TRANSFER_STOP, DNSKEY },
	{ P(COPY), TRANSFER_DS_DEL, TRANSFER_SWAP, DNSKEY },
	{ P(COPY), TRANSFER_SWAP, TRANSFER_DS_ADD, DS },
	{ P(COPY), TRANSFER_OWN_SIGS, TRANSFER_STOP, DNSKEY },
	{ P(COPY), TRANSFER_OWN_SIGS, TRANSFER_SWAP, DNSKEY },
	{ P(COPY), TRANSFER_CLEAN, TRANSFER_OWN_SIGS, DATA },
	{ JOINED | P(INSECURE), TRANSFER_CLEAN, TRANSFER_STOP, DATA },
	{ P(INSECURE), TRANSFER_DS_NEW, TRANSFER_STOP, DNSKEY },
	{ P(INSECURE), TRANSFER_DS_NEW, TRANSFER_STOP, DATA_UNLESS_BORROWED },
	{ P(SIGN), TRANSFER_DS_NEW, TRANSFER_STOP, DATA },
	{ P(SIGN), TRANSFER_DS_NEW, TRANSFER_SIGN_HERE, DATA },
	{ P(SIGN), TRANSFER_DS_NEW, TRANSFER_REGISTRAR_ASK, AT_ONCE },
	{ P(UNSIGN), TRANSFER_UNSIGN_HERE, TRANSFER_DS_NONE, DS },
	{ BARE, TRANSFER_REGISTRAR_ASK, TRANSFER_DS_NONE, AT_ONCE },
	{ P(EXCHANGE) | P(COPY), TRANSFER_REGISTRAR_ASK, TRANSFER_DS_DEL, AT_ONCE },
	{ P(EXCHANGE), TRANSFER_REGISTRAR_ASK, TRANSFER_CDS_DEL, AT_ONCE },
	{ P(SHARED), TRANSFER_REGISTRAR_ASK, TRANSFER_STOP, AT_ONCE },
	{ ANY, TRANSFER_DS_AGAIN, TRANSFER_REGISTRAR_ASK, AT_ONCE },
	{ ANY, TRANSFER_DONE, TRANSFER_REGISTRAR_ASK, AT_ONCE },
	{ ANY, TRANSFER_DONE, TRANSFER_STOP, DATA_OR_KEYS },
	{ ANY, TRANSFER_DONE, TRANSFER_SIGN_HERE, DATA_OR_KEYS },
	{ ANY, TRANSFER_DONE, TRANSFER_UNSIGN_HERE, DATA_OR_KEYS },
	{ ANY, TRANSFER_DONE, TRANSFER_DS_DEL, DS },
	{ ANY, TRANSFER_DONE, TRANSFER_CDS_DEL, DS },
	{ ANY, TRANSFER_DONE, TRANSFER_DS_NONE, DS },
	{ ANY, TRANSFER_DONE, TRANSFER_DS_ADD, NO_DS },
	{ ANY, TRANSFER_DONE, TRANSFER_CDS_ADD, NO_DS },
	{ ANY, TRANSFER_DONE, TRANSFER_DS_NEW, NO_DS },
	{ ANY, TRANSFER_DONE, TRANSFER_DS_AGAIN, NO_DS },
	{ ANY, TRANSFER_DONE, TRANSFER_CLEAN, DNSKEY },
};

#define SEC(id)	transfer_sec(f, TRANSFER_##id)

static int64_t
wait_sec(const struct transfer_facts *f, const struct transfer_plan *p, enum wait w)
{
	int64_t keys = f->signed_before ? SEC(TTL_DNSKEY) : 0;

	switch (w) {
	case DS:
		return SEC(TTL_DS);
	case NO_DS:
		return SEC(TTL_NO_DS);
	case DNSKEY:
		return p->pattern == TRANSFER_PLAIN ? 0 : SEC(TTL_DNSKEY);
	case DATA:
		return transfer_data_sec(f);
	case DATA_OR_KEYS:
		return max_i64(transfer_data_sec(f), keys);
	case DATA_UNLESS_BORROWED:
		return p->borrowed ? 0 : transfer_data_sec(f);
	case PARENT_NS:
		return SEC(TTL_PARENT_NS);
	case NS:
		return f->help >= TRANSFER_HELP_EXCHANGE ? 0 : SEC(TTL_PARENT_NS) + SEC(TTL_NS);
	case NS_LEFT:
		return SEC(TTL_NS);
	default:
		return 0;
	}
}

/* The losing side switches off when it likes: then that is what there is to wait for. */
static int64_t
stop_sec(const struct transfer_facts *f, const struct transfer_plan *p, int64_t wait)
{
	return p->t.stop < p->t.losing_end ? min_i64(wait, SEC(LOSING_KEEPS)) : wait;
}

static bool
has_step(const struct transfer_plan *p, enum transfer_code code)
{
	for (size_t i = 0; i < p->n_steps; i++)
		if (p->steps[i].code == code)
			return true;
	return false;
}

size_t
transfer_needs(const struct transfer_facts *f, const struct transfer_plan *p, enum transfer_code code,
    struct transfer_need ret[static TRANSFER_NEEDS_MAX])
{
	/* Two orders given together wait for the same. */
	enum transfer_code as = code == TRANSFER_NS_LOSING ? TRANSFER_NS : code;
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(rows) && n < TRANSFER_NEEDS_MAX; i++) {
		const struct row *r = &rows[i];
		int64_t wait;

		if (r->step != as || (r->patterns & 1u << p->pattern) == 0 || !has_step(p, r->on))
			continue;
		wait = wait_sec(f, p, r->wait);
		if (code == TRANSFER_STOP)
			wait = stop_sec(f, p, wait);
		ret[n++] = (struct transfer_need){ r->on, wait, wait > 0 ? whys[r->wait] : NULL };
	}
	return n;
}

int64_t
transfer_due(const struct transfer_facts *f, const struct transfer_plan *p, const int64_t seen[],
    enum transfer_code code, struct transfer_need *ret)
{
	struct transfer_need need[TRANSFER_NEEDS_MAX];
	size_t n = transfer_needs(f, p, code, need);
	int64_t due = 0;

	*ret = (struct transfer_need){ .on = TRANSFER_CODE_MAX };
	for (size_t i = 0; i < n; i++) {
		if (seen[need[i].on] == 0) {
			*ret = need[i];
			return TIME_NEVER;
		}
		if (seen[need[i].on] + need[i].wait_sec < due)
			continue;
		due = seen[need[i].on] + need[i].wait_sec;
		*ret = need[i];
	}
	return due;
}
