/* NOTIFY(CDS) to whom the parent names (RFC 9859). See role/name_role.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "role/name_role.h"

#define LOOKUPS_MAX	5	/* each moves up or drops labels: three are the most that is right */
#define TARGETS_MAX	4
#define ADDRS_MAX	8
/*
 * RFC 1996 section 3.6 takes 60 seconds and 5 repetitions for reasonable, and
 * backoff as well: 2, 4, 8, 16, 32 and 60 seconds are two minutes in all.
 */
#define TRIES		6
#define FIRST_MSEC	2000
#define LAST_MSEC	60000
#define TEXT_MAX	500

struct notify {
	struct name_role	*nr;
	size_t			 place;
	uint32_t		 id;
	struct dname		 zone, parent;	/* parent: as far as it is known */
	uint16_t		 type;
	bool			 for_all;	/* "_dsync.parent", no labels of ours in front */
	unsigned		 lookups, tries;
	struct stub		 stub;
	size_t			 n_targets, target;
	struct dsync		 targets[TARGETS_MAX];
	size_t			 n_addrs;
	struct dnsask_to	 addrs[ADDRS_MAX];
	bool			 v6;		/* AAAA of the target are asked for */
	size_t			 at;		/* the address that was asked */
	uint16_t		 msg_id;
	struct dnsask_talk	*talk;
	struct loop_timer	*timer;
	char			 why[128];	/* the last thing that went wrong */
};

/* --- the end --- */

static void
done_send(struct name_role *nr, uint32_t id, bool ok, const char *text)
{
	struct msg_notify_done m = { .id = id, .ok = ok, .text = sv_str(text) };
	int rc = msg_notify_done_send(nr->role, ROLE_KEY, &m);

	if (rc < 0)
		role_log(nr->role, LOG_LEVEL_ERROR, "cannot answer key: %s", err_str(rc));
}

static void
finish(struct notify *n, bool ok, const char *what, const char *more)
{
	char zone[DNAME_STRLEN], text[TEXT_MAX];

	(void)snprintf(text, sizeof(text), "%s%s%s", what, more[0] == '\0' ? "" : ": ", more);
	role_log(n->nr->role, ok ? LOG_LEVEL_NOTICE : LOG_LEVEL_WARN, "%s: NOTIFY to the parent: %s",
	    dname_str(&n->zone, zone), text);
	done_send(n->nr, n->id, ok, text);
	n->nr->n_notified += ok;
	n->nr->notifies[n->place] = NULL;
	n->timer = loop_timer_del(n->timer);
	free(n);
}

/* --- the message --- */

static void	again_later(struct notify *n, unsigned msec);

static unsigned
wait_msec(const struct notify *n)
{
	return (unsigned)min_size((size_t)FIRST_MSEC << n->tries, LAST_MSEC);
}

static bool
match(void *arg, struct sv wire)
{
	struct notify *n = arg;

	return answer_is(wire, n->nr->room, n->msg_id, DNS_OP_NOTIFY, &n->zone, n->type);
}

/* This address said no, or cannot be reached at all: the others are left. */
static void
addr_drop(struct notify *n, const char *why)
{
	char to[DNSASK_TO_STRLEN];

	(void)snprintf(n->why, sizeof(n->why), "%s %s", dnsask_to_str(&n->addrs[n->at], to), why);
	n->addrs[n->at] = n->addrs[--n->n_addrs];
	if (n->n_addrs == 0)
		finish(n, false, "nobody took it", n->why);
	else
		again_later(n, 1);
}

static void
answered(void *arg, int rc, struct sv wire)
{
	struct dns_head h = { 0 };
	struct notify *n = arg;
	char text[64 + DNSASK_TO_STRLEN], to[DNSASK_TO_STRLEN];

	n->talk = NULL;
	if (rc == 0)
		rc = answer_head(wire, &h);
	if (rc == 0 && h.rcode != DNS_NOERROR) {
		char rcode[DNS_RCODE_STRLEN];

		(void)snprintf(text, sizeof(text), "answers %s", dns_rcode_str(h.rcode, false, rcode));
		addr_drop(n, text);
		return;
	}
	(void)dnsask_to_str(&n->addrs[n->at], to);
	if (rc == 0) {
		(void)snprintf(text, sizeof(text), "%s took it", to);
		finish(n, true, text, "");
		return;
	}
	(void)snprintf(n->why, sizeof(n->why), "%s: %s", to, err_str(rc));
	/* A timeout has waited already. */
	rc = rc == -ETIMEDOUT ? 1 : (int)wait_msec(n);
	if (++n->tries == TRIES)
		finish(n, false, "no answer", n->why);
	else
		again_later(n, (unsigned)rc);
}

static void
send_it(void *arg)
{
	struct notify *n = arg;
	uint8_t msg[DNSASK_MESSAGE_MAX];
	struct dnsask_question q = { .msec = wait_msec(n), .match = match, .done = answered, .arg = n };
	int rc;

	n->at = n->tries % n->n_addrs;
	n->msg_id = question_id();
	q.to = n->addrs[n->at];
	q.message = (struct sv){ (const char *)msg, notify_write(msg, sizeof(msg), n->msg_id, &n->zone,
	    n->type, NULL) };
	if ((rc = dnsask_ask(n->nr->stubs.asker, &q, &n->talk)) < 0)
		addr_drop(n, rc == -ENETUNREACH ? "has no route from here" : err_str(rc));
}

static void
again_later(struct notify *n, unsigned msec)
{
	if (loop_timer_set(n->timer, (int64_t)msec * 1000) < 0)
		finish(n, false, "no timer", "");
}

/* --- addresses of those who are named --- */

static void	addrs_next(struct notify *n);

static void
addr_add(void *arg, const struct dname *owner UNUSED, const struct ip_prefix *a)
{
	struct notify *n = arg;
	unsigned family = a->af == IP_V6 ? 2 : 1;

	if (n->n_addrs == ADDRS_MAX || (n->nr->families != 0 && (n->nr->families & family) == 0))
		return;
	/* A stranger names it: not our own machine. */
	if (!dnsask_addr_is_place(a) && !dnsask_is_mapped(n->nr->stubs.asker, a))
		return;
	n->addrs[n->n_addrs++] = (struct dnsask_to){ *a, n->targets[n->target].port };
}

static void
addrs_done(void *arg, int rc, struct sv wire)
{
	struct notify *n = arg;

	if (rc < 0 || answer_addrs(wire, n->nr->room, DNS_ANSWER, addr_add, n) < 0)
		(void)snprintf(n->why, sizeof(n->why), "the resolver: %s", err_str(rc < 0 ? rc : SE_PEER));
	if (n->v6)
		n->target++;
	n->v6 = !n->v6;
	addrs_next(n);
}

static void
addrs_next(struct notify *n)
{
	int rc;

	if (n->target == n->n_targets) {
		if (n->n_addrs == 0)
			finish(n, false, "who is named for it has no address that can be used", n->why);
		else
			again_later(n, 1);
		return;
	}
	rc = stub_ask(&n->stub, &n->nr->stubs, &n->targets[n->target].target, n->v6 ? RR_AAAA : RR_A,
	    DNS_STUB_STRICT, addrs_done, n);
	if (rc < 0)
		finish(n, false, "the resolver cannot be asked", err_str(rc));
}

/* --- who is named (RFC 9859 section 4.1) --- */

static void	lookup(struct notify *n);

/* Records of the answer; those that are for us become targets. */
static int
dsync_take(struct notify *n, struct sv wire, size_t *ret_n)
{
	enum dns_section s;
	struct dns_rr rr;
	struct dmsg m;
	int rc;

	*ret_n = 0;
	if (dmsg_open(&m, wire, n->nr->room) < 0)
		return -EBADMSG;
	while ((rc = dmsg_next(&m, &s, &rr)) > 0) {
		struct dsync d;

		if (s != DNS_ANSWER || rr.type != RR_DSYNC || dsync_parse(rr.rdata, &d) < 0)
			continue;
		++*ret_n;
		if (d.type == n->type && d.scheme == DSYNC_NOTIFY && d.port != 0 && d.target.len > 1 &&
		    n->n_targets < TARGETS_MAX)
			n->targets[n->n_targets++] = d;
	}
	return rc;
}

/*
 * "If the response's SOA record indicates that the parent is more than one
 * label away from the _dsync label" (section 4.1, step 3): the name is made
 * anew with that parent; else without the labels in front; else nobody is named.
 */
static void
negative(struct notify *n, struct sv wire)
{
	struct dname soa;
	bool got = answer_soa(wire, n->nr->room, DNS_AUTHORITY, &soa);

	if (got && dname_within(&n->parent, &soa) && soa.len < n->parent.len)
		n->parent = soa;
	else if (!n->for_all)
		n->for_all = true;
	else {
		finish(n, false, "the parent names nobody for it", "no DSYNC record");
		return;
	}
	lookup(n);
}

static void
dsync_done(void *arg, int rc, struct sv wire)
{
	struct notify *n = arg;
	size_t n_records;

	if (rc == 0)
		rc = dsync_take(n, wire, &n_records);
	if (rc < 0)
		finish(n, false, "DSYNC could not be looked up", err_str(rc));
	else if (n->n_targets > 0)
		addrs_next(n);
	else if (n_records > 0)
		finish(n, false, "the parent names nobody for it", "its DSYNC records are for others");
	else
		negative(n, wire);
}

/* "Perform a lookup of type DSYNC …, and validate the response" (section 4.1, step 2): no CD. */
static void
lookup(struct notify *n)
{
	struct dname name;
	int rc;

	if (n->lookups++ == LOOKUPS_MAX)
		rc = SE_LIMIT;
	else if ((rc = dsync_name(n->for_all ? NULL : &n->zone, &n->parent, &name)) == 0)
		rc = stub_ask(&n->stub, &n->nr->stubs, &name, RR_DSYNC, DNS_STUB_STRICT, dsync_done, n);
	if (rc < 0)
		finish(n, false, "DSYNC cannot be looked up", err_str(rc));
}

int
notify_begin(struct name_role *nr, const struct msg_notify_ask *m)
{
	struct rd r = rd_sv(m->zone);
	size_t place = 0;
	struct notify *n;

	while (place < NAME_NOTIFIES_MAX && nr->notifies[place] != NULL)
		place++;
	if (place == NAME_NOTIFIES_MAX) {
		done_send(nr, m->id, false, "too many at a time");
		return 0;
	}
	if ((n = calloc(1, sizeof(*n))) == NULL)
		return -ENOMEM;
	n->nr = nr;
	n->place = place;
	n->id = m->id;
	n->type = (uint16_t)m->type;
	dname_rd(&r, &n->zone);
	if (!rd_done(&r) || m->type > UINT16_MAX || dname_parent(&n->zone, &n->parent) < 0 ||
	    (n->timer = loop_timer_add(nr->role->loop, send_it, n)) == NULL) {
		free(n);
		done_send(nr, m->id, false, "no such zone has a parent");
		return 0;
	}
	nr->notifies[place] = n;
	lookup(n);
	return 0;
}
