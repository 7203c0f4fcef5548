/* A round is over: what is complete, and the words for key. See role/name_role.h. */
#include <errno.h>

#include "base/err.h"
#include "role/name_role.h"
#include "sys/clock.h"
#include "sys/memfd.h"

/* --- servers as the form has them --- */

static struct seen_server *
row_new(struct look *l, enum seen_side side, const struct dname *name, enum seen_state state)
{
	struct seen *s = &l->seen;
	struct seen_server *v;

	if (s->n_servers == SEEN_SERVERS_MAX) {
		l->overflow[side] = true;
		return NULL;
	}
	v = &s->servers[s->n_servers++];
	*v = (struct seen_server){ .side = side, .state = state, .name = *name, .set = SEEN_NONE,
	    .dnskey_sigs = SEEN_NONE, .soa_sigs = SEEN_NONE };
	return v;
}

static void
server_row(struct look *l, const struct look_server *from)
{
	struct seen_server *v = row_new(l, from->side, &l->names[from->name].name, from->state);

	if (v == NULL)
		return;
	v->addr = from->addr;
	if (from->phase != LOOK_DONE)
		v->state = SEEN_SILENT;		/* the deadline came first */
	if (v->state == SEEN_NO_ADDRESS)
		v->flags |= SEEN_EXCUSED;
	if (v->state != SEEN_ANSWERED)
		return;
	v->set = from->set;
	v->dnskey_sigs = from->dnskey_sigs;
	v->soa_sigs = from->soa_sigs;
	if (from->serial_seen) {
		v->flags |= SEEN_HAS_SERIAL;
		v->serial = from->serial;
	}
}

/* A name by itself: without addresses, or with some that nobody could tell us. */
static void
name_row(struct look *l, size_t i, enum seen_side side)
{
	const struct look_name *n = &l->names[i];
	bool known = n->family[0] == LOOK_DONE && n->family[1] == LOOK_DONE, any = false;
	struct seen_server *v;

	for (size_t k = 0; k < l->n_servers; k++)
		any = any || (l->servers[k].name == i && l->servers[k].side == side);
	if (known && any)
		return;
	v = row_new(l, side, &n->name, known ? SEEN_NO_ADDRESS : SEEN_UNKNOWN);
	if (v != NULL && known)
		v->flags |= SEEN_EXCUSED;
}

/* Another address of the same name answered: it is the same server, most likely. */
static bool
other_answered(const struct seen *s, const struct seen_server *v)
{
	for (size_t i = 0; i < s->n_servers; i++) {
		const struct seen_server *o = &s->servers[i];

		if (o->side == v->side && o->state == SEEN_ANSWERED && o->addr.af != v->addr.af &&
		    dname_eq(&o->name, &v->name))
			return true;
	}
	return false;
}

static void
rows_make(struct look *l)
{
	struct seen *s = &l->seen;

	for (size_t i = 0; i < l->n_servers; i++)
		server_row(l, &l->servers[i]);
	for (size_t i = 0; i < l->n_names; i++)
		for (unsigned side = 0; side < SEEN_SIDE_MAX; side++)
			if ((l->names[i].sides & 1U << side) != 0)
				name_row(l, i, (enum seen_side)side);
	for (size_t i = 0; i < s->n_servers; i++)
		if (s->servers[i].state == SEEN_NO_ROUTE && other_answered(s, &s->servers[i]))
			s->servers[i].flags |= SEEN_EXCUSED;
}

static bool
side_complete(const struct look *l, enum seen_side side)
{
	bool any = false;

	if (l->overflow[side] || l->late || l->ns[side] != LOOK_DONE)
		return false;
	for (size_t i = 0; i < l->seen.n_servers; i++) {
		const struct seen_server *v = &l->seen.servers[i];

		if (v->side != side)
			continue;
		if (v->state != SEEN_ANSWERED && (v->flags & SEEN_EXCUSED) == 0)
			return false;
		any = any || v->state == SEEN_ANSWERED;
	}
	return any;
}

/* For ever not complete: the operator should know. */
static void
overflow_tell(const struct look *l)
{
	bool over = l->overflow[SEEN_PARENT] || l->overflow[SEEN_ZONE];
	char zone[DNAME_STRLEN];

	if (over && !l->z->told_overflow)
		role_log(l->nr->role, LOG_LEVEL_WARN, "%s: it and its parent have more than %d servers or %d "
		    "addresses; not all are asked", dname_str(&l->z->name, zone), NAME_NAMES_MAX,
		    SEEN_SERVERS_MAX);
	l->z->told_overflow = over;
}

/* --- to key --- */

static int
seen_send(struct look *l)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	struct msg_seen m = { .at = l->at,
		.zone = { (const char *)l->z->name.w, l->z->name.len } };
	int rc = seen_write(&l->seen, &b);

	if (rc == 0)
		rc = memfd_of("seen", buf_get(&b), &m.seen);
	if (rc < 0)
		return rc;
	rc = msg_seen_send(l->nr->role, ROLE_KEY, &m);
	fd_close(&m.seen);
	return rc;
}

void
look_end(struct look *l)
{
	struct name_role *nr = l->nr;
	struct name_zone *z = l->z;
	struct seen *s = &l->seen;
	bool root = z->name.len == 1, heard = l->resolver_ok;
	int rc;

	/* A parent that was found, but names nobody, or could not be looked for. */
	s->at = l->at;
	s->took_sec = (uint32_t)((clock_mono_usec() - l->began_usec) / 1000000);
	rows_make(l);
	s->complete[SEEN_PARENT] = s->has_parent && side_complete(l, SEEN_PARENT);
	s->complete[SEEN_ZONE] = (root || l->delegation) && side_complete(l, SEEN_ZONE);
	if ((rc = seen_send(l)) < 0)
		role_log(nr->role, LOG_LEVEL_ERROR, "cannot tell what was seen: %s", err_str(rc));
	overflow_tell(l);
	known_update(nr, z, s);
	z->look = NULL;
	look_free(l);
	zone_looked(nr, z, heard);
}
