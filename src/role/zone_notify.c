/*
 * NOTIFY (RFC 1996): each new version is told to the servers of the zone, by
 * UDP, again after 2, 4, 8, 16 and 32 seconds until they answer. Who never
 * does finds out by the timers of the SOA. (Section 3.6 has a sender stop when
 * the port is unreachable, too; a secondary that is just started anew would be
 * missed so, and six datagrams cost nothing.)
 *
 * What is to be signed and is not, or not by our key, does not end the wait:
 * "a message containing a TSIG RR that is unsigned as specified in Section
 * 5.3.2 or that fails verification SHOULD NOT be considered an acceptable
 * response, as it may have been spoofed or manipulated" (RFC 8945 section
 * 5.4). It is told if nothing better comes.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "role/zone_role.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/proc.h"

#define TRIES		6
#define FIRST_USEC	INT64_C(2000000)
#define MESSAGE_MAX	1232
#define ANSWERS_MAX	16	/* read at a time */
#define NOTIFIES_MAX	256	/* sockets; the next ones wait */

static void
told_close(struct zone_told *t)
{
	t->io = loop_io_del(t->io);
	t->z->zr->n_notifies -= t->fd >= 0;
	fd_close(&t->fd);
	tsig_done(&t->tsig);
}

static void
told_end(struct zone_told *t, bool good, const char *said)
{
	struct zone_role *zr = t->z->zr;
	char name[DNAME_STRLEN], host[IP_ADDR_STRLEN];

	told_close(t);
	t->waits = false;
	t->tsig = (struct tsig){ 0 };
	if (!good && (t->good || !t->told || t->said[0] == '\0'))
		role_log(zr->role, LOG_LEVEL_WARN, "%s: NOTIFY to %s: %s", zone_name(t->z, name),
		    ip_addr_str(t->peer->addr.addr, t->peer->addr.af, host), said);
	t->told = true;
	t->good = good;
	t->at = role_now(zr->role);
	(void)snprintf(t->said, sizeof(t->said), "%s", said);
	zone_changed(t->z);
}

/* A finding in a few words: its code, and what the other side said. */
static void
finding_say(const struct findings *fs, char dst[static ZONE_SAID_MAX])
{
	const struct finding *f = fs->head;

	(void)snprintf(dst, ZONE_SAID_MAX, "%s", f == NULL ? "-" : f->def->code);
	for (unsigned i = 0; f != NULL && i < f->n_args; i++)
		if (sv_eq_str(sv_str(f->args[i].key), "rcode"))
			(void)snprintf(dst, ZONE_SAID_MAX, "%s %.*s", f->def->code, SV_ARG(f->args[i].s));
}

/* true: it is the answer, good or not. */
static bool
answer_take(struct zone_told *t, struct sv wire)
{
	struct zone_role *zr = t->z->zr;
	char said[ZONE_SAID_MAX];
	struct findings fs;
	struct dmsg m;
	int verdict;

	if (dmsg_open(&m, wire, zr->room) < 0 || !dns_is_answer(&m, t->id, DNS_OP_NOTIFY, &t->z->e->name, RR_SOA))
		return false;
	/* RFC 5452 section 9.1: without the name it is anybody's, unless its signature says more. */
	if (m.head.n[DNS_QUESTION] == 0 && t->tsig.key == NULL)
		return false;
	pool_reset(zr->pool);
	findings_init(&fs, zr->pool);
	verdict = tsig_answer(&t->tsig, wire, zr->room, role_now(zr->role), &fs);
	if (verdict < 0 || dmsg_open(&m, wire, zr->room) < 0)
		return false;
	(void)dns_answer_check(&m, t->id, DNS_OP_NOTIFY, &t->z->e->name, RR_SOA, &fs);
	if (!findings_reject(&fs)) {
		told_end(t, true, "");
		return true;
	}
	finding_say(&fs, said);
	/* A clock, or datagrams out of their order (section 5.2.3): the next try may be taken. */
	if (verdict == TSIG_FAILED && (!t->tsig.genuine || fs.head->def == &wire_findings[TSIG_PEER_TIME])) {
		(void)snprintf(t->heard, sizeof(t->heard), "%s", said);
		return false;
	}
	told_end(t, false, said);
	return true;
}

static void
told_ready(void *arg, int fd, unsigned what UNUSED)
{
	struct zone_told *t = arg;
	uint8_t buf[MESSAGE_MAX];

	for (unsigned i = 0; i < ANSWERS_MAX; i++) {
		long n = tcp_read(fd, buf, sizeof(buf));

		/* -ECONNREFUSED: nobody listens now; it is asked again. */
		if (n < 0 || answer_take(t, (struct sv){ (const char *)buf, (size_t)n }))
			return;
	}
}

/* The SOA as a hint (RFC 1996 section 3.7). */
static size_t
told_write(struct zone_told *t, uint8_t *buf, size_t cap)
{
	struct zone *zone = t->z->now.signed_zone;
	struct zrrset set;
	struct dns_rr rr = { .owner = zone_apex(zone), .type = RR_SOA, .class = DNS_CLASS_IN };
	struct sv rest;

	if (!znode_find(zone_apex_node(zone), RR_SOA, &set))
		return 0;
	rest = set.rrs;
	rr.ttl = set.ttl;
	if (!zdata_next(&rest, &rr.rdata))
		return 0;
	return notify_write(buf, cap, t->id, &t->z->e->name, RR_SOA, &rr);
}

/* Each try is an exchange of its own: a socket, a signature, an id. */
static int
told_try(struct zone_told *t)
{
	struct zone_role *zr = t->z->zr;
	const struct tsig_key *key = t->peer->has_key ? tsig_keys_find(&zr->tsig, &t->peer->key) : NULL;
	uint8_t buf[MESSAGE_MAX];
	size_t len;
	int rc;

	told_close(t);
	/* Its turn comes when others have answered, or were given up. */
	t->waits = zr->n_notifies >= NOTIFIES_MAX;
	if (t->waits)
		return 0;
	if (t->peer->has_key && key == NULL)
		return -ENOKEY;
	if ((rc = tsig_begin(&t->tsig, key)) < 0 || (rc = random_fill(&t->id, sizeof(t->id))) < 0 ||
	    (rc = udp_connect(&t->peer->addr, t->peer->port, &t->fd)) < 0)
		return rc;
	zr->n_notifies++;
	if ((t->io = loop_io_add(zr->role->loop, t->fd, LOOP_READ, told_ready, t)) == NULL)
		return -ENOMEM;
	if ((len = told_write(t, buf, sizeof(buf))) == 0)
		return SE_LIMIT;
	if ((rc = tsig_sign(&t->tsig, buf, &len, sizeof(buf), role_now(zr->role))) < 0)
		return rc;
	t->next_usec = clock_mono_usec() + (FIRST_USEC << t->n_tries);
	t->n_tries++;
	/* What cannot be sent now is sent with the next try. */
	(void)tcp_write(t->fd, buf, len, false);
	return 0;
}

void
zone_notify_all(struct zone_one *z)
{
	for (size_t i = 0; i < z->e->notify.n && z->now.signed_zone != NULL; i++) {
		struct zone_told *t = &z->told[i];
		int rc;

		(void)zone_serial(z->now.signed_zone, &t->serial);
		t->n_tries = 0;
		t->heard[0] = '\0';
		if ((rc = told_try(t)) < 0)
			told_end(t, false, err_str(rc));
	}
}

void
zone_notify_look(struct zone_one *z)
{
	int64_t now = clock_mono_usec();
	int rc;

	for (size_t i = 0; i < z->e->notify.n; i++) {
		struct zone_told *t = &z->told[i];

		if (!t->waits && (t->fd < 0 || now < t->next_usec))
			continue;
		if (t->n_tries == TRIES)
			told_end(t, false, t->heard[0] != '\0' ? t->heard : "no answer");
		else if ((rc = told_try(t)) < 0)
			told_end(t, false, err_str(rc));
	}
}

void
zone_notify_json(const struct zone_one *z, bool brief, struct json *j)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;

	json_key(j, "notify");
	json_open(j, '[');
	for (size_t i = 0; i < z->e->notify.n; i++) {
		const struct zone_told *t = &z->told[i];

		if (brief && t->good && t->fd < 0 && !t->waits)
			continue;
		b.len = 0;
		zone_peer_print(&b, t->peer);
		json_open(j, '{');
		json_kv_sv(j, "server", buf_get(&b));
		json_kv_str(j, "state", t->fd >= 0 || t->waits ? "asked" : !t->told ? "new" : t->good ? "good" : "failed");
		if (t->told) {
			json_kv_i64(j, "at", t->at);
			json_kv_u64(j, "serial", t->serial);
		}
		if (t->said[0] != '\0')
			json_kv_str(j, "said", t->said);
		json_close(j, '}');
	}
	json_close(j, ']');
}

int
zone_notify_init(struct zone_one *z)
{
	if ((z->told = calloc(z->e->notify.n + 1, sizeof(*z->told))) == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < z->e->notify.n; i++)
		z->told[i] = (struct zone_told){ .z = z, .peer = &z->e->notify.v[i], .fd = -1 };
	return 0;
}
