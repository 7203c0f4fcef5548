/*
 * One transfer: connect, ask, take messages until all has come. Nothing counts
 * before the last message is signed; what came is kept beside the zone until
 * then (struct zone_got).
 */
#include <errno.h>
#include <stdlib.h>

#include "base/err.h"
#include "role/zone_in.h"
#include "sys/clock.h"
#include "sys/proc.h"

#define RECORDS_MAX	UINT64_C(100000000)	/* signed: 16 million names (ZONE_TEXT_MAX) */
#define OCTETS_MAX	(UINT64_C(16) << 30)
#define FINDINGS_POOL	((size_t)4 << 20)
#define READ_BATCH	8		/* pieces of 64 KiB before the loop looks at others */

void
zone_in_run_free(struct zone_in_run *r)
{
	if (r == NULL)
		return;
	zone_in_soa_close(r);
	r->io = loop_io_del(r->io);
	zone_stream_done(&r->stream);
	tsig_done(&r->tsig);
	(void)xfr_in_free(r->x);
	zone_got_done(&r->got);
	free(r);
}

/* --- what comes --- */

static int
begin_whole(void *arg)
{
	struct zone_in_run *r = arg;

	(void)zone_builder_free(r->got.whole);
	r->got.whole = zone_builder_new(&r->z->e->name, r->got.fs);
	return r->got.whole == NULL ? -ENOMEM : 0;
}

static int
add_whole(void *arg, const struct dns_rr *rr)
{
	struct zone_in_run *r = arg;

	return zone_builder_add(r->got.whole, rr);
}

/* true: no more of it is wanted. */
static bool
message_take(struct zone_in_run *r, struct sv wire)
{
	struct zone_role *zr = r->z->zr;

	r->verdict = tsig_answer(&r->tsig, wire, zr->room, role_now(zr->role), r->got.fs);
	if (r->verdict < 0 || r->verdict == TSIG_FAILED) {
		r->result = XFR_IN_FAILED;
		return true;
	}
	if (r->result == XFR_IN_MORE)
		r->result = xfr_in_message(r->x, wire);
	/* A stream may end with messages that only the signature needs. */
	return r->result < 0 || r->result == XFR_IN_FAILED || r->result == XFR_IN_AXFR ||
	    (r->result != XFR_IN_MORE && r->verdict != TSIG_LATER);
}

/* 1: over; 0: more is to come; negative. */
static int
run_read(struct zone_in_run *r)
{
	struct sv wire;
	int rc;

	for (unsigned i = 0; i < READ_BATCH; i++) {
		if ((rc = zone_stream_read(&r->stream)) < 0)
			return rc == -EAGAIN ? 0 : rc;
		r->moved = clock_mono_usec();
		while ((rc = zone_stream_next(&r->stream, &wire)) > 0)
			if (message_take(r, wire))
				return 1;
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int
query_send(struct zone_in_run *r)
{
	uint8_t *room = zone_stream_room(&r->stream);
	size_t cap = r->stream.out_cap, len = xfr_in_query(r->x, room, cap);
	int rc;

	if (len == 0)
		return SE_LIMIT;
	if ((rc = tsig_sign(&r->tsig, room, &len, cap, role_now(r->z->zr->role))) < 0)
		return rc;
	zone_stream_put(&r->stream, len);
	return 0;
}

static int
run_work(struct zone_in_run *r, unsigned what)
{
	int rc;

	if (!r->connected) {
		if ((rc = tcp_dialled(r->stream.fd)) < 0 || (rc = query_send(r)) < 0)
			return rc;
		r->connected = true;
		r->moved = clock_mono_usec();
	}
	rc = zone_stream_flush(&r->stream);
	(void)loop_io_set(r->io, rc == -EAGAIN ? LOOP_WRITE | LOOP_READ : LOOP_READ);
	if (rc < 0 && rc != -EAGAIN)
		return rc;
	return (what & LOOP_READ) != 0 ? run_read(r) : 0;
}

static void
run_ready(void *arg, int fd UNUSED, unsigned what)
{
	struct zone_in_run *r = arg;
	int rc = run_work(r, what);

	if (rc == -EPIPE && r->result == XFR_IN_MORE)
		xfr_in_end(r->x);
	if (rc < 0) {
		zone_in_run_failed(r, rc == -EPIPE ? "the connection ended" : err_str(rc));
		return;
	}
	if (rc > 0)
		zone_in_run_over(r);
}

/* --- the question --- */

int
zone_in_run_prepare(struct zone_in_run *r)
{
	struct zone_one *z = r->z;
	const struct tsig_key *key = r->peer->has_key ? tsig_keys_find(&z->zr->tsig, &r->peer->key) : NULL;
	struct xfr_in_opts o = { .zone = z->e->name, .records_max = RECORDS_MAX, .bytes_max = OCTETS_MAX,
	    .full = begin_whole, .add = add_whole, .arg = r };
	int fd = -1, rc;

	if (r->peer->has_key && key == NULL)
		return -ENOKEY;
	if ((r->got.pool = pool_new(FINDINGS_POOL)) == NULL ||
	    (r->got.fs = pool_calloc(r->got.pool, 1, sizeof(*r->got.fs))) == NULL)
		return -ENOMEM;
	findings_init(r->got.fs, r->got.pool);
	o.has_serial = z->now.plain != NULL && zone_serial(z->now.plain, &o.serial);
	r->ixfr = o.ixfr = o.has_serial && !z->in.whole;
	if ((rc = random_fill(&o.id, sizeof(o.id))) < 0 || (rc = tsig_begin(&r->tsig, key)) < 0)
		return rc;
	if ((r->x = xfr_in_new(&o, r->got.fs)) == NULL)
		return -ENOMEM;
	if ((rc = tcp_dial(&r->peer->addr, r->peer->port, &fd)) < 0)
		return rc;
	if ((rc = zone_stream_init(&r->stream, fd, 2 * DNS_MSG_MAX, DNS_MSG_MAX)) < 0)
		return rc;
	r->io = loop_io_add(z->zr->role->loop, fd, LOOP_WRITE, run_ready, r);
	return r->io == NULL ? -ENOMEM : 0;
}
