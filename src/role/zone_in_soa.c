/*
 * Is there something new? The serial comes first, by UDP, as secondaries ask
 * for it (RFC 1034 section 4.3.5): most refreshes end here, without a
 * connection. Whatever is no good answer (none, an error, one that was cut off
 * or has no authority) lets the transfer ask the same by TCP.
 *
 * Datagrams that do not fit, or are to be signed and are not, are dropped, and
 * the wait goes on (RFC 8945 section 5.4, RFC 5452 section 9.1).
 */
#include <errno.h>

#include "role/zone_in.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/proc.h"

#define TRIES		2
#define FIRST_USEC	INT64_C(1000000)	/* then twice that, and TCP */
#define MESSAGE_MAX	1232
#define ANSWERS_MAX	16	/* read at a time */

void
zone_in_soa_close(struct zone_in_run *r)
{
	r->soa.io = loop_io_del(r->soa.io);
	fd_close(&r->soa.fd);
	tsig_done(&r->soa.tsig);
}

/* true: it is the answer, and the question is closed. */
static bool
answer_take(struct zone_in_run *r, struct sv wire)
{
	struct zone_role *zr = r->z->zr;
	const struct dname *zone = &r->z->e->name;
	struct findings fs;
	struct dmsg m;
	int verdict;

	if (dmsg_open(&m, wire, zr->room) < 0 || !dns_is_answer(&m, r->soa.id, DNS_OP_QUERY, zone, RR_SOA))
		return false;
	if (m.head.n[DNS_QUESTION] == 0 && r->soa.tsig.key == NULL)
		return false;
	pool_reset(zr->pool);
	findings_init(&fs, zr->pool);
	verdict = tsig_answer(&r->soa.tsig, wire, zr->room, role_now(zr->role), &fs);
	if (verdict < 0 || (verdict == TSIG_FAILED && !r->soa.tsig.genuine))
		return false;
	r->has_serial = verdict != TSIG_FAILED && (m.head.flags & DNS_AA) != 0 &&
	    soa_answer_parse(wire, zr->room, r->soa.id, zone, &fs, &r->serial) == 0;
	zone_in_soa_close(r);
	return true;
}

static void
soa_ready(void *arg, int fd, unsigned what UNUSED)
{
	struct zone_in_run *r = arg;
	uint8_t buf[MESSAGE_MAX];

	for (unsigned i = 0; i < ANSWERS_MAX; i++) {
		long n = tcp_read(fd, buf, sizeof(buf));

		if (n == -EAGAIN)
			return;
		if (n < 0)		/* nobody listens there */
			zone_in_soa_close(r);
		if (n < 0 || answer_take(r, (struct sv){ (const char *)buf, (size_t)n })) {
			zone_in_soa_over(r);
			return;
		}
	}
}

/* Each try is an exchange of its own: a socket, a signature, an id. */
static int
soa_try(struct zone_in_run *r)
{
	static const struct edns edns = { .present = true, .udp_size = MESSAGE_MAX };
	struct zone_role *zr = r->z->zr;
	const struct tsig_key *key = r->peer->has_key ? tsig_keys_find(&zr->tsig, &r->peer->key) : NULL;
	struct zone_in_soa *s = &r->soa;
	uint8_t buf[MESSAGE_MAX];
	size_t len;
	int rc;

	zone_in_soa_close(r);
	if (r->peer->has_key && key == NULL)
		return -ENOKEY;
	if ((rc = tsig_begin(&s->tsig, key)) < 0 || (rc = random_fill(&s->id, sizeof(s->id))) < 0 ||
	    (rc = udp_connect(&r->peer->addr, r->peer->port, &s->fd)) < 0)
		return rc;
	if ((s->io = loop_io_add(zr->role->loop, s->fd, LOOP_READ, soa_ready, r)) == NULL)
		return -ENOMEM;
	if ((len = dns_query_write(buf, sizeof(buf), s->id, &r->z->e->name, RR_SOA, &edns)) == 0)
		return -ENOSPC;
	if ((rc = tsig_sign(&s->tsig, buf, &len, sizeof(buf), role_now(zr->role))) < 0)
		return rc;
	s->next_usec = clock_mono_usec() + (FIRST_USEC << s->n_tries);
	s->n_tries++;
	(void)tcp_write(s->fd, buf, len, false);
	return 0;
}

int
zone_in_soa_begin(struct zone_in_run *r)
{
	int rc = soa_try(r);

	if (rc < 0)
		zone_in_soa_close(r);
	return rc;
}

void
zone_in_soa_look(struct zone_in_run *r)
{
	if (clock_mono_usec() < r->soa.next_usec)
		return;
	if (r->soa.n_tries < TRIES && soa_try(r) == 0)
		return;
	zone_in_soa_close(r);
	zone_in_soa_over(r);
}
