/* A round: parent, names, addresses, and whose turn it is. See role/name_role.h. */
#include <errno.h>
#include <stdlib.h>

#include "base/err.h"
#include "role/name_role.h"
#include "sys/clock.h"

static const uint16_t addr_type[2] = { RR_A, RR_AAAA };

/* --- what there is to look at --- */

void
look_name_add(struct look *l, const struct dname *name, enum seen_side side)
{
	unsigned bit = 1U << side;
	struct look_name *n = NULL;

	for (size_t i = 0; i < l->n_names && n == NULL; i++)
		if (dname_eq(&l->names[i].name, name))
			n = &l->names[i];
	if (n == NULL && l->n_names == NAME_NAMES_MAX) {
		l->overflow[side] = true;
		return;
	}
	if (n == NULL) {
		n = &l->names[l->n_names++];
		*n = (struct look_name){ .name = *name };
	}
	if ((n->sides & bit) != 0)
		return;
	n->sides |= bit;
	/* What is known of it from the other side. */
	for (size_t i = 0, n_now = l->n_servers; i < n_now; i++)
		if (&l->names[l->servers[i].name] == n)
			look_addr_add(l, name, &l->servers[i].addr);
}

static bool
server_is_there(const struct look *l, enum seen_side side, size_t name, const struct ip_prefix *a)
{
	for (size_t i = 0; i < l->n_servers; i++)
		if (l->servers[i].side == side && l->servers[i].name == name &&
		    ip_prefix_cmp(&l->servers[i].addr, a) == 0)
			return true;
	return false;
}

static void
server_add(struct look *l, enum seen_side side, size_t name, const struct ip_prefix *a)
{
	struct look_server *s;

	if (server_is_there(l, side, name, a))
		return;
	if (l->n_servers == SEEN_SERVERS_MAX) {
		l->overflow[side] = true;
		return;
	}
	s = &l->servers[l->n_servers++];
	*s = (struct look_server){ .side = side, .name = name, .addr = *a, .state = SEEN_SILENT,
	    .set = SEEN_NONE, .dnskey_sigs = SEEN_NONE, .soa_sigs = SEEN_NONE };
	/* Nobody's resolver asks there. */
	if (!dnsask_addr_is_place(a) && !dnsask_is_mapped(l->nr->stubs.asker, a)) {
		s->phase = LOOK_DONE;
		s->state = SEEN_NO_ADDRESS;
	}
}

void
look_addr_add(struct look *l, const struct dname *name, const struct ip_prefix *a)
{
	unsigned family = a->af == IP_V6 ? 2 : 1;

	if (l->nr->families != 0 && (l->nr->families & family) == 0)
		return;
	for (size_t i = 0; i < l->n_names; i++)
		for (unsigned side = 0; side < SEEN_SIDE_MAX; side++)
			if ((l->names[i].sides & 1U << side) != 0 && dname_eq(&l->names[i].name, name))
				server_add(l, (enum seen_side)side, i, a);
}

/* --- what the resolver says --- */

struct adding {
	struct look		*l;
	enum seen_side		 side;
	const struct dname	*name;
	size_t			 n;
};

static void
add_ns(void *arg, const struct dname *target)
{
	struct adding *a = arg;

	look_name_add(a->l, target, a->side);
	a->n++;
}

/* Whatever the name leads to: an alias there is against RFC 2181 section 10.3, and resolvers follow. */
static void
add_addr(void *arg, const struct dname *owner UNUSED, const struct ip_prefix *addr)
{
	struct adding *a = arg;

	look_addr_add(a->l, a->name, addr);
}

/*
 * The SOA of the enclosing zone comes in a negative answer, or is the answer. A name that
 * leads elsewhere (an alias) has neither: one label up, then.
 */
static enum look_phase
parent_answered(struct look *l, struct sv wire)
{
	struct dname owner;
	bool got = answer_soa(wire, l->nr->room, DNS_AUTHORITY, &owner) ||
	    answer_soa(wire, l->nr->room, DNS_ANSWER, &owner);

	if (got && dname_within(&l->climb, &owner)) {
		l->seen.parent = owner;
		l->seen.has_parent = true;
		return LOOK_DONE;
	}
	return dname_parent(&l->climb, &l->climb) < 0 ? LOOK_FAILED : LOOK_NOT_YET;
}

static void
stub_done(void *arg, int rc, struct sv wire)
{
	struct look_ask *a = arg;
	struct look *l = a->look;
	struct adding add = { .l = l, .side = (enum seen_side)a->index };
	enum look_phase *phase;

	a->busy = false;
	if (rc == 0)
		l->resolver_ok = true;
	switch (a->what) {
	case LOOK_PARENT:
		l->parent = rc < 0 ? LOOK_FAILED : parent_answered(l, wire);
		break;
	case LOOK_NS:
		phase = &l->ns[a->index];
		*phase = rc == 0 && answer_ns(wire, l->nr->room, &a->stub.name, add_ns, &add) == 0 ?
		    LOOK_DONE : LOOK_FAILED;
		break;
	default:
		add.name = &a->stub.name;
		phase = &l->names[a->index].family[a->family];
		*phase = rc == 0 && answer_addrs(wire, l->nr->room, DNS_ANSWER, add_addr, &add) == 0 ?
		    LOOK_DONE : LOOK_FAILED;
		break;
	}
	look_pump(l);
}

/* --- whose turn it is --- */

static struct look_ask *
ask_free(struct look *l)
{
	for (size_t i = 0; i < NAME_ASKS_MAX; i++)
		if (!l->asks[i].busy)
			return &l->asks[i];
	return NULL;
}

static bool
nothing_under_way(const struct look *l)
{
	for (size_t i = 0; i < NAME_ASKS_MAX; i++)
		if (l->asks[i].busy)
			return false;
	return true;
}

static void
stub_start(struct look_ask *a, enum look_what what, size_t index, const struct dname *name,
    uint16_t type, enum look_phase *phase)
{
	a->what = what;
	a->index = index;
	a->busy = stub_ask(&a->stub, &a->look->nr->stubs, name, type, DNS_STUB_BOGUS_TOO, stub_done, a) == 0;
	*phase = a->busy ? LOOK_ASKED : LOOK_FAILED;
}

/* The zone's NS at once; the parent's when it is known who that is. */
static bool
ns_start(struct look *l, struct look_ask *a)
{
	if (l->parent == LOOK_NOT_YET) {
		stub_start(a, LOOK_PARENT, 0, &l->climb, RR_SOA, &l->parent);
		return true;
	}
	if (l->ns[SEEN_ZONE] == LOOK_NOT_YET) {
		stub_start(a, LOOK_NS, SEEN_ZONE, &l->z->name, RR_NS, &l->ns[SEEN_ZONE]);
		return true;
	}
	if (l->ns[SEEN_PARENT] == LOOK_NOT_YET && l->parent == LOOK_DONE && l->seen.has_parent) {
		stub_start(a, LOOK_NS, SEEN_PARENT, &l->seen.parent, RR_NS, &l->ns[SEEN_PARENT]);
		return true;
	}
	return false;
}

static bool
addr_start(struct look *l, struct look_ask *a)
{
	for (size_t i = 0; i < l->n_names; i++)
		for (unsigned f = 0; f < 2; f++) {
			struct look_name *n = &l->names[i];

			if (n->family[f] != LOOK_NOT_YET)
				continue;
			if (l->nr->families != 0 && (l->nr->families & 1U << f) == 0) {
				n->family[f] = LOOK_DONE;
				continue;
			}
			a->family = f;
			stub_start(a, LOOK_ADDR, i, &n->name, addr_type[f], &n->family[f]);
			return true;
		}
	return false;
}

static bool
server_start(struct look *l, struct look_ask *a)
{
	for (size_t i = 0; i < l->n_servers; i++) {
		if (l->servers[i].phase != LOOK_NOT_YET)
			continue;
		a->what = LOOK_SERVER;
		a->index = i;
		look_server_ask(a);
		return true;
	}
	return false;
}

void
look_pump(struct look *l)
{
	struct look_ask *a;

	while (!l->late && (a = ask_free(l)) != NULL)
		if (!ns_start(l, a) && !addr_start(l, a) && !server_start(l, a))
			break;
	if (nothing_under_way(l))
		look_end(l);
}

/* --- life --- */

/* What has not answered by now is silent. */
static void
on_deadline(void *arg)
{
	struct look *l = arg;

	l->late = true;
	for (size_t i = 0; i < NAME_ASKS_MAX; i++) {
		struct look_ask *a = &l->asks[i];

		if (!a->busy)
			continue;
		if (a->what == LOOK_SERVER)
			dnsask_cancel(a->talk);
		else
			stub_cancel(&a->stub);
		a->busy = false;
	}
	look_pump(l);
}

int
look_begin(struct name_role *nr, struct name_zone *z)
{
	struct look *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return -ENOMEM;
	l->nr = nr;
	l->z = z;
	l->at = role_now(nr->role);
	l->began_usec = clock_mono_usec();
	l->budget = NAME_CHECKS_MAX;
	l->seen.zone = z->name;
	for (size_t i = 0; i < NAME_ASKS_MAX; i++)
		l->asks[i].look = l;
	if ((l->pool = pool_new(NAME_POOL_MAX)) == NULL ||
	    (l->deadline = loop_timer_add(nr->role->loop, on_deadline, l)) == NULL ||
	    loop_timer_set(l->deadline, (int64_t)NAME_ROUND_SEC * 1000000) < 0) {
		look_free(l);
		return -ENOMEM;
	}
	/* The root has no parent. */
	if (dname_parent(&z->name, &l->climb) < 0)
		l->parent = LOOK_DONE;
	z->look = l;
	nr->n_looks++;
	look_pump(l);
	return 0;
}

void
look_free(struct look *l)
{
	l->deadline = loop_timer_del(l->deadline);
	l->pool = pool_free(l->pool);
	free(l);
}
