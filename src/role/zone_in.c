/*
 * From the primaries: refreshed by the timers of the zone's SOA and by NOTIFY.
 * Where there is a version of ours, the serial is asked for by UDP, then
 * differences by TCP if there are any; else all of it. The
 * primaries are asked in turn, from the one that was good last (or that
 * notified us) on, until one gives what is newer, or says that there is
 * nothing newer. What came waits for its run (zone_work.c), and nothing is
 * fetched until that is over.
 *
 * A zone whose source has not answered for SOA's expire is signed and served
 * on. RFC 1034 section 4.3.5 has a secondary discard it; but those who serve it
 * to the world would then keep what they have until their own expire, without
 * new signatures: bogus before it is gone. It is told when half of the time
 * has passed, and when all has. (The time counts from the start of the role.)
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/timefmt.h"
#include "role/zone_in.h"
#include "sys/clock.h"

#define CONNECT_SEC	10
#define IDLE_SEC	60		/* without an octet */
#define TOTAL_SEC	(4 * 3600)	/* for one transfer */

static void	primary_ask(struct zone_one *);

/* --- the end of a transfer --- */

/* What the findings say, in a line: the first that refuses, with what the other side said. */
static void
said_set(struct zone_primary *p, const struct findings *fs, const char *other)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;

	(void)snprintf(p->said, sizeof(p->said), "%s", other);
	for (const struct finding *f = fs == NULL ? NULL : fs->head; f != NULL; f = f->next) {
		if (f->def->severity == SEV_NOTE)
			continue;
		buf_printf(&b, "%s: ", f->def->code);
		finding_text(&b, f, LANG_EN);
		if (b.rc == 0)
			(void)snprintf(p->said, sizeof(p->said), "%.*s", SV_ARG(buf_get(&b)));
		return;
	}
}

#define WHY_ROUND	"no primary gives the zone"
#define WHY_EXPIRED	"its primaries have not answered for longer than the SOA's expire"

/* All primaries were asked in vain. */
static void
round_failed(struct zone_one *z)
{
	const struct zone_primary *p = &z->in.primaries[z->in.turn];

	zone_in_next(z, false);
	if (!z->in.told_expired)	/* that says more */
		zone_why(z, WHY_ROUND, p->said);
}

/* There is room for another transfer. */
static void
run_leave(struct zone_one *z)
{
	z->in.run = NULL;
	z->zr->n_fetches--;
	if (z->zr->fetches.n_in > 0)
		zone_stir(z->zr);
}

/* The next primary, or the end of this round. */
static void
turn_next(struct zone_one *z)
{
	struct zone_in *in = &z->in;

	in->tried++;
	if (in->tried == z->e->primaries.n) {
		round_failed(z);
		return;
	}
	in->turn = (in->turn + 1) % z->e->primaries.n;
	primary_ask(z);
}

void
zone_in_run_failed(struct zone_in_run *r, const char *what)
{
	struct zone_one *z = r->z;
	char name[DNAME_STRLEN], host[IP_ADDR_STRLEN];

	r->primary->good = false;
	r->primary->at = role_now(z->zr->role);
	said_set(r->primary, r->got.fs, what);
	role_log(z->zr->role, LOG_LEVEL_WARN, "%s: %s: %s", zone_name(z, name),
	    ip_addr_str(r->peer->addr.addr, r->peer->addr.af, host), r->primary->said);
	zone_changed(z);
	run_leave(z);
	zone_in_run_free(r);
	turn_next(z);
}

static void
good(struct zone_in_run *r)
{
	struct zone_primary *p = r->primary;

	p->good = true;
	p->at = role_now(r->z->zr->role);
	if (r->x != NULL)
		r->has_serial = xfr_in_serial(r->x, &r->serial);
	p->has_serial = r->has_serial;
	p->serial = r->serial;
	p->said[0] = '\0';
	zone_changed(r->z);
}

bool
zone_in_is_why(const struct zone_one *z)
{
	return sv_starts(sv_str(z->why), SV(WHY_ROUND)) || sv_starts(sv_str(z->why), SV(WHY_EXPIRED));
}

/* Who said that a primary failed says that it works, when nothing else is wrong. */
static void
why_forget(struct zone_one *z)
{
	if (zone_in_is_why(z))
		z->why[0] = '\0';
	zone_changed(z);
}

static void
current(struct zone_in_run *r)
{
	struct zone_one *z = r->z;
	struct soa_times t;

	good(r);
	run_leave(z);
	z->in.whole = false;
	/*
	 * A primary that went back, or is half the circle away, where no serial is greater
	 * (RFC 1982 section 3.2): no secondary follows, and neither do we.
	 */
	if (r->has_serial && soa_times(z->now.plain, &t) && t.serial != r->serial) {
		r->primary->good = false;
		said_set(r->primary, r->got.fs, "its serial is behind ours");
		zone_in_run_free(r);
		turn_next(z);
		return;
	}
	zone_in_run_free(r);
	why_forget(z);
	zone_in_next(z, true);
}

/* A whole zone whose serial is not newer than ours is nothing new (or went back). */
static bool
is_newer(const struct zone_in_run *r)
{
	struct soa_times t;
	uint32_t serial;

	return !soa_times(r->z->now.plain, &t) || !xfr_in_serial(r->x, &serial) || serial_gt(serial, t.serial);
}

static void
taken(struct zone_in_run *r)
{
	struct zone_one *z = r->z;
	char name[DNAME_STRLEN], host[IP_ADDR_STRLEN];

	if (r->result == XFR_IN_FULL && !is_newer(r)) {
		current(r);
		return;
	}
	good(r);
	role_log(z->zr->role, LOG_LEVEL_NOTICE, "%s: serial %u from %s, %s, %llu records", zone_name(z, name),
	    r->primary->serial, ip_addr_str(r->peer->addr.addr, r->peer->addr.af, host),
	    r->result == XFR_IN_DIFF ? "differences" : "all of it",
	    (unsigned long long)xfr_in_n_records(r->x));
	if (r->result == XFR_IN_DIFF)
		r->got.diff = xfr_in_diff(r->x);
	z->in.got = r->got;
	r->got = (struct zone_got){ 0 };
	z->in.has_got = true;
	z->in.whole = false;
	run_leave(z);
	zone_in_run_free(r);
	zone_wake(z);
}

/* Differences that are no good: what was wrong with them is a note when all of it comes. */
static void
again_whole(struct zone_in_run *r)
{
	struct zone_one *z = r->z;
	char name[DNAME_STRLEN];

	said_set(r->primary, r->got.fs, "no differences there");
	role_log(z->zr->role, LOG_LEVEL_NOTICE, "%s: %s; all of it is asked for", zone_name(z, name),
	    r->primary->said);
	z->in.whole = true;
	run_leave(z);
	zone_in_run_free(r);
	primary_ask(z);
}

/* The messages have ended: nothing counts before the last one is signed. */
void
zone_in_run_over(struct zone_in_run *r)
{
	if (!tsig_finish(&r->tsig, r->got.fs)) {
		zone_in_run_failed(r, "not signed to its end");
		return;
	}
	switch (r->result) {
	case XFR_IN_FULL:
	case XFR_IN_DIFF:
		taken(r);
		return;
	case XFR_IN_CURRENT:
		current(r);
		return;
	case XFR_IN_AXFR:
		if (r->ixfr) {
			again_whole(r);
			return;
		}
		break;
	default:
		break;
	}
	zone_in_run_failed(r, "the transfer failed");
}

/* --- asking --- */

static void
transfer_begin(struct zone_in_run *r)
{
	struct zone_one *z = r->z;
	int rc;

	r->began = r->moved = clock_mono_usec();
	if ((rc = zone_in_run_prepare(r)) == 0)
		return;
	if (r->got.fs != NULL) {
		zone_in_run_failed(r, err_str(rc));
		return;
	}
	run_leave(z);
	zone_in_run_free(r);
	zone_in_next(z, false);
}

void
zone_in_soa_over(struct zone_in_run *r)
{
	struct soa_times t;

	if (r->has_serial && soa_times(r->z->now.plain, &t) && !serial_gt(r->serial, t.serial))
		current(r);
	else
		transfer_begin(r);
}

static void
primary_ask(struct zone_one *z)
{
	struct zone_in_run *r = calloc(1, sizeof(*r));

	if (r == NULL) {
		zone_in_next(z, false);
		return;
	}
	*r = (struct zone_in_run){ .z = z, .peer = &z->e->primaries.v[z->in.turn],
	    .primary = &z->in.primaries[z->in.turn], .stream = { .fd = -1 }, .soa = { .fd = -1 } };
	z->in.run = r;
	z->zr->n_fetches++;
	if (z->now.plain == NULL || z->in.whole || zone_in_soa_begin(r) < 0)
		transfer_begin(r);
}

static void
refresh(struct zone_one *z)
{
	/*
	 * RFC 1996 section 3.11: "the query should be directed at the known master who was the
	 * source of the NOTIFY event, and not at any of the other known masters".
	 */
	if (z->in.notified > 0)
		z->in.turn = z->in.notified - 1;
	z->in.notified = 0;
	z->in.again = false;
	z->in.tried = 0;
	primary_ask(z);
}

/* --- what others call --- */

void
zone_in_notified(struct zone_one *z, const struct ip_prefix *from, bool has_serial, uint32_t serial)
{
	struct zone_in *in = &z->in;
	uint32_t ours;

	/* RFC 1996 section 3.7: a hint that nobody need believe; one of what we have costs nothing. */
	if (has_serial && !in->has_got && z->now.plain != NULL && zone_serial(z->now.plain, &ours) &&
	    ours == serial)
		return;
	in->again = true;
	for (size_t i = 0; i < z->e->primaries.n; i++)
		if (ip_prefix_cmp(&z->e->primaries.v[i].addr, from) == 0) {
			in->notified = i + 1;
			break;
		}
	zone_in_look(z, role_now(z->zr->role));
}

/* When half of that time has gone, and when all of it has. */
static void
expired_look(struct zone_one *z, int64_t now)
{
	struct zone_in *in = &z->in;
	int64_t ends = zone_in_expires(z);
	char name[DNAME_STRLEN], when[TIME_STRLEN];

	if (in->told_expired || ends == 0)
		return;
	if (now > ends) {
		in->told_expired = true;
		zone_why(z, WHY_EXPIRED, "what was fetched last is signed and served on");
		return;
	}
	if (in->told_half || now - in->good_at <= ends - now)
		return;
	in->told_half = true;
	zone_changed(z);
	role_log(z->zr->role, LOG_LEVEL_WARN, "%s: its primaries have not answered for half of the SOA's expire, "
	    "which ends at %s", zone_name(z, name), time_str(ends, when));
}

void
zone_in_look(struct zone_one *z, int64_t now)
{
	struct zone_in *in = &z->in;
	int64_t mono = clock_mono_usec();

	if (!zone_is_fed(z) || !z->loaded)
		return;
	if (in->run != NULL && in->run->soa.fd >= 0) {
		zone_in_soa_look(in->run);
		return;
	}
	if (in->run != NULL) {
		int64_t idle = in->run->connected ? IDLE_SEC : CONNECT_SEC;

		if (mono - in->run->moved > idle * 1000000 || mono - in->run->began > TOTAL_SEC * INT64_C(1000000))
			zone_in_run_failed(in->run, err_str(-ETIMEDOUT));
		return;
	}
	expired_look(z, now);
	/* What came is taken into service first: the next difference begins there. */
	if (in->has_got || (z->zr->work.z == z && z->zr->phase != ZONE_IDLE))
		return;
	if (!in->again && now < in->next_at)
		return;
	if (z->zr->n_fetches < ZONE_FETCHES_MAX)
		refresh(z);
	else
		turn_queue_add(&z->zr->fetches, (size_t)(z - z->zr->zones));
}

void
zone_in_taken(struct zone_one *z, enum zone_in_fate fate)
{
	if (fate == IN_UNFIT)
		z->in.whole = z->in.again = true;
	if (fate == IN_TAKEN)
		why_forget(z);
	zone_in_next(z, fate == IN_TAKEN || fate == IN_REFUSED);
	if (fate == IN_LOST)
		z->in.next_at = z->retry_at;
}

void
zone_in_json(const struct zone_one *z, bool brief, struct json *j)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;

	json_kv_bool(j, "source_good", z->in.n_failed == 0);
	json_kv_i64(j, "transferred", z->in.good_at);
	if (zone_in_expires(z) != 0)
		json_kv_i64(j, "source_expires", zone_in_expires(z));
	json_kv_i64(j, "next_refresh", z->in.next_at);
	json_key(j, "primaries");
	json_open(j, '[');
	for (size_t i = 0; i < z->e->primaries.n; i++) {
		const struct zone_primary *p = &z->in.primaries[i];

		if (brief && (p->good || p->at == 0))
			continue;
		b.len = 0;
		zone_peer_print(&b, &z->e->primaries.v[i]);
		json_open(j, '{');
		json_kv_sv(j, "server", buf_get(&b));
		json_kv_str(j, "state", z->in.run != NULL && z->in.run->primary == p ? "asked" :
		    p->at == 0 ? "new" : p->good ? "good" : "failed");
		if (p->at != 0)
			json_kv_i64(j, "at", p->at);
		if (p->has_serial)
			json_kv_u64(j, "serial", p->serial);
		if (p->said[0] != '\0')
			json_kv_str(j, "said", p->said);
		json_close(j, '}');
	}
	json_close(j, ']');
}

int
zone_in_init(struct zone_one *z)
{
	z->in.primaries = calloc(z->e->primaries.n + 1, sizeof(*z->in.primaries));
	z->in.good_at = role_now(z->zr->role);
	return z->in.primaries == NULL ? -ENOMEM : 0;
}
