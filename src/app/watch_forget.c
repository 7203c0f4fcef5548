#include "app/watch_forget.h"

/* rtrlib waits so long for an answer, and for a connection. */
#define ANSWER_SEC	60
#define TICK_SEC	1	/* timers of whole seconds */

/*
 * "Looked up" is what was read on 2026-11-22; "not looked up" is what its
 * users say, to be compared with the manual of the release in use.
 */
static const struct watch_vendor vendors[] = {
	/* RFC 8210 section 6: no data past Expire, counted from End of Data. */
	{ .name = "rfc8210", .title = "RFC 8210", .from = WATCH_FROM_DATA, .takes_timers = true,
	  .timers = { 3600, 600, 7200 },
	  .source = "RFC 8210 section 6" },
	/* Its timer runs from the last End of Data, then the protocol restarts
	 * and all its routes go. "keep" makes its own timers count. */
	{ .name = "bird", .title = "BIRD 2", .from = WATCH_FROM_DATA, .takes_timers = true,
	  .timers = { 3600, 600, 7200 }, .tried = true,
	  .source = "BIRD 2, proto/rpki/rpki.c (looked up); seen with 2.0.12" },
	/* rtrlib purges when it connects again, so up to a retry interval late. */
	{ .name = "frr", .title = "FRR (rtrlib)", .from = WATCH_FROM_DATA, .takes_timers = true,
	  .timers = { 3600, 600, 7200 }, .late = true, .tried = true,
	  .source = "rtrlib 0.8, rtr/rtr.c: rtr_purge_outdated_records() (looked up); seen with FRR 8.4" },
	{ .name = "openbgpd", .title = "OpenBGPD", .from = WATCH_FROM_DATA, .takes_timers = true,
	  .timers = { 3600, 600, 7200 },
	  .source = "OpenBGPD, rtr_proto.c (not looked up)" },
	/* purge-time, 30 to 360 s, from the end of the session on, whatever the
	 * cache says. Default 60: J. Heitz (Cisco), NANOG list, 2016-06-16. */
	{ .name = "ios-xr", .title = "Cisco IOS XR", .from = WATCH_FROM_LOSS,
	  .timers = { 600, 600, 60 }, .notice_sec = 600 + 30,
	  .source = "purge-time: ASR 9000 routing guide and NANOG list 2016-06 (looked up); refresh-time, response-time: not looked up" },
	/* record-lifetime counts from the end of the session; hold-time 600. */
	{ .name = "junos", .title = "Junos", .from = WATCH_FROM_LOSS,
	  .timers = { 300, 300, 3600 }, .notice_sec = 600,
	  .source = "Junos: record-lifetime, hold-time, refresh-time (looked up)" },
	{ .name = "eos", .title = "Arista EOS", .from = WATCH_FROM_DATA, .takes_timers = true,
	  .timers = { 3600, 600, 7200 },
	  .source = "EOS: rpki cache, expire-interval (not looked up)" },
	/* stale-time 3600 begins when hold-time (600) or TCP ends the session. */
	{ .name = "sros", .title = "Nokia SR OS", .from = WATCH_FROM_LOSS,
	  .timers = { 300, 120, 3600 }, .notice_sec = 600,
	  .source = "SR OS: refresh-time, hold-time, connect-retry (looked up); stale-time 3600: not looked up" },
};

const struct watch_vendor *
watch_vendors(size_t *ret_n)
{
	*ret_n = ARRAY_LEN(vendors);
	return vendors;
}

const struct watch_vendor *
watch_vendor_find(struct sv name)
{
	for (size_t i = 0; i < ARRAY_LEN(vendors); i++)
		if (sv_eq_str(name, vendors[i].name))
			return &vendors[i];
	return NULL;
}

static uint32_t
first_set(uint32_t a, uint32_t b)
{
	return a > 0 ? a : b;
}

/* The cache's, unless the router does not listen or was told better. */
static struct rtr_timers
timers_in_force(const struct watch_vendor *v, const struct watch_outage *o)
{
	const struct rtr_timers *t = v->takes_timers && o->version > 0 ? &o->timers : &v->timers;

	return (struct rtr_timers){
		first_set(o->own.refresh_sec, t->refresh_sec),
		first_set(o->own.retry_sec, t->retry_sec),
		first_set(o->own.expire_sec, t->expire_sec),
	};
}

static int64_t
not_before(int64_t t)
{
	return t > 0 ? t : 0;
}

/*
 * RFC 8210 section 6: "Countdown for this timer starts upon receipt of the
 * containing End Of Data PDU." The last one came within a refresh interval.
 */
static void
forget_from_data(const struct watch_vendor *v, const struct watch_outage *o,
    struct watch_forecast *f)
{
	int64_t age_min = o->synced_sec >= 0 ? o->synced_sec : 0;
	int64_t age_max = o->synced_sec >= 0 ? o->synced_sec : f->timers.refresh_sec;

	f->forget_first = not_before((int64_t)f->timers.expire_sec - age_max);
	f->forget_last = not_before((int64_t)f->timers.expire_sec - age_min) + TICK_SEC;
	if (v->late)
		f->forget_last += f->timers.retry_sec + (o->silent ? ANSWER_SEC : 0);
}

static void
forget_from_loss(const struct watch_vendor *v, const struct watch_outage *o,
    struct watch_forecast *f)
{
	f->forget_first = f->timers.expire_sec;
	f->forget_last = f->timers.expire_sec + TICK_SEC + (o->silent ? v->notice_sec : 0);
}

/* After an end of TCP it waits a retry interval; else it asks when it is due. */
static void
ask_again(const struct watch_outage *o, struct watch_forecast *f)
{
	f->ask_first = f->ask_last = f->timers.retry_sec;
	if (!o->silent)
		return;
	f->ask_last = not_before((int64_t)f->timers.refresh_sec -
	    (o->synced_sec >= 0 ? o->synced_sec : 0));
	f->ask_first = o->synced_sec >= 0 ? f->ask_last : 0;
}

void
watch_forget(const struct watch_vendor *v, const struct watch_outage *o,
    struct watch_forecast *ret)
{
	*ret = (struct watch_forecast){ .timers = timers_in_force(v, o) };
	ask_again(o, ret);
	if (v->from == WATCH_FROM_DATA)
		forget_from_data(v, o, ret);
	else
		forget_from_loss(v, o, ret);
}
