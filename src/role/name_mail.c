/* A look at the record of a key of mail: see role/name_mail.h. */
#include <errno.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/tr.h"
#include "role/name_mail.h"

static const uint16_t addr_type[2] = { RR_A, RR_AAAA };

/* --- what the resolver says --- */

/* As of a zone's parent (name_look.c): one label up where there is neither. */
static void
take_zone(struct key_ask *a, struct sv wire)
{
	struct key_look *l = a->look;
	struct dname owner;
	bool got = answer_soa(wire, l->nr->room, DNS_AUTHORITY, &owner) ||
	    answer_soa(wire, l->nr->room, DNS_ANSWER, &owner);

	if (got && dname_within(&l->zone, &owner)) {
		l->zone = owner;
		return;
	}
	*a->phase = dname_parent(&l->zone, &l->zone) < 0 ? LOOK_FAILED : LOOK_NOT_YET;
}

static void
add_ns(void *arg, const struct dname *target)
{
	struct key_look *l = arg;

	if (l->n_names == KEY_NAMES_MAX)
		l->overflow = true;
	else
		l->names[l->n_names++] = (struct key_ns){ .name = *target };
}

static void
take_ns(struct key_ask *a, struct sv wire)
{
	struct key_look *l = a->look;

	if (answer_ns(wire, l->nr->room, &l->zone, add_ns, l) < 0 || l->n_names == 0)
		*a->phase = LOOK_FAILED;
}

static void
add_addr(void *arg, const struct dname *owner UNUSED, const struct ip_prefix *addr)
{
	struct key_ask *a = arg;
	struct key_look *l = a->look;

	if (!dnsask_addr_is_place(addr) && !dnsask_is_mapped(l->nr->stubs.asker, addr))
		return;		/* nobody's resolver asks there */
	if (l->n_servers == KEY_SERVERS_MAX)
		l->overflow = true;
	else
		l->servers[l->n_servers++] = (struct key_server){ .ns = a->index, .addr = *addr,
		    .why = N_("no answer") };
}

static void
take_addr(struct key_ask *a, struct sv wire)
{
	if (answer_addrs(wire, a->look->nr->room, DNS_ANSWER, add_addr, a) < 0)
		*a->phase = LOOK_FAILED;
}

static void
stub_done(void *arg, int rc, struct sv wire)
{
	static void (*const take[])(struct key_ask *, struct sv) = {
		[KEY_ZONE] = take_zone, [KEY_NS] = take_ns, [KEY_ADDR] = take_addr,
	};
	struct key_ask *a = arg;

	a->busy = false;
	*a->phase = rc == 0 ? LOOK_DONE : LOOK_FAILED;
	if (rc == 0)
		take[a->what](a, wire);
	key_look_pump(a->look);
}

/* --- whose turn it is --- */

static void
stub_start(struct key_ask *a, enum key_what what, const struct dname *name, uint16_t type,
    enum look_phase *phase)
{
	a->what = what;
	a->phase = phase;
	a->busy = stub_ask(&a->stub, &a->look->nr->stubs, name, type, DNS_STUB_BOGUS_TOO, stub_done,
	    a) == 0;
	*phase = a->busy ? LOOK_ASKED : LOOK_FAILED;
}

static bool
addr_start(struct key_look *l, struct key_ask *a)
{
	for (size_t i = 0; i < l->n_names; i++)
		for (unsigned f = 0; f < ARRAY_LEN(addr_type); f++) {
			enum look_phase *phase = &l->names[i].family[f];

			if (*phase != LOOK_NOT_YET)
				continue;
			if (l->nr->families != 0 && (l->nr->families & 1U << f) == 0) {
				*phase = LOOK_DONE;
				continue;
			}
			a->index = i;
			stub_start(a, KEY_ADDR, &l->names[i].name, addr_type[f], phase);
			return true;
		}
	return false;
}

static bool
server_start(struct key_look *l, struct key_ask *a)
{
	for (size_t i = 0; i < l->n_servers; i++) {
		if (l->servers[i].phase != LOOK_NOT_YET)
			continue;
		a->what = KEY_SERVER;
		a->index = i;
		key_server_ask(a);
		return true;
	}
	return false;
}

/* false: there is nothing to start now. */
static bool
one_start(struct key_look *l, struct key_ask *a)
{
	if (l->found == LOOK_NOT_YET)
		stub_start(a, KEY_ZONE, &l->zone, RR_SOA, &l->found);
	else if (l->found != LOOK_DONE)
		return false;
	else if (l->ns == LOOK_NOT_YET)
		stub_start(a, KEY_NS, &l->zone, RR_NS, &l->ns);
	else
		return addr_start(l, a) || server_start(l, a);
	return true;
}

static struct key_ask *
ask_find(struct key_look *l, bool busy)
{
	for (size_t i = 0; i < NAME_KEY_ASKS_MAX; i++)
		if (l->asks[i].busy == busy)
			return &l->asks[i];
	return NULL;
}

/* --- the end --- */

static bool
answered_elsewhere(const struct key_look *l, const struct key_server *s)
{
	for (size_t i = 0; i < l->n_servers; i++)
		if (l->servers[i].ns == s->ns && l->servers[i].at != KEY_AT_SILENT)
			return true;
	return false;
}

static void
server_count(const struct key_look *l, const struct key_server *s, struct msg_seal_looked *m)
{
	if (s->no_route && answered_elsewhere(l, s))
		return;
	m->has += s->at == KEY_AT_HAS;
	m->other += s->at == KEY_AT_OTHER;
	m->silent += s->at == KEY_AT_SILENT;
	if (s->at != KEY_AT_SILENT && s->ttl > m->ttl)
		m->ttl = s->ttl;
}

/* Names whose addresses nobody could tell may have some. */
static unsigned
names_unknown(const struct key_look *l)
{
	unsigned n = l->overflow;

	for (size_t i = 0; i < l->n_names; i++)
		n += l->names[i].family[0] != LOOK_DONE || l->names[i].family[1] != LOOK_DONE;
	return n;
}

/* One that has another answer, else one that is silent. */
static const struct key_server *
worst(const struct key_look *l)
{
	const struct key_server *w = NULL;

	for (size_t i = 0; i < l->n_servers; i++)
		if (l->servers[i].at == KEY_AT_OTHER || (l->servers[i].at == KEY_AT_SILENT && w == NULL)) {
			w = &l->servers[i];
			if (w->at == KEY_AT_OTHER)
				return w;
		}
	return w;
}

static void
key_look_free(struct key_look *l)
{
	l->nr->keys[l->place] = NULL;
	l->deadline = loop_timer_del(l->deadline);
	(void)pool_free(l->pool);
	free(l);
}

static int
key_look_tell(const struct key_look *l)
{
	struct msg_seal_looked m = { .key = { (const char *)l->name.w, l->name.len },
	    .code = l->ns == LOOK_DONE ? 0 : SE_TIMEOUT, .silent = names_unknown(l) };
	const struct key_server *w = worst(l);
	char name[DNAME_STRLEN];

	for (size_t i = 0; i < l->n_servers; i++)
		server_count(l, &l->servers[i], &m);
	if (w != NULL) {
		m.server = sv_str(dname_str(&l->names[w->ns].name, name));
		m.server = sv_take(m.server, min_size(300, m.server.n - (m.server.n > 1)));	/* without its dot */
		m.why = sv_str(w->why);
	}
	return msg_seal_looked_send(l->nr->role, ROLE_SEAL, &m);
}

static void
key_look_end(struct key_look *l)
{
	struct role *r = l->nr->role;
	int rc = key_look_tell(l);

	l->nr->n_keys++;
	key_look_free(l);
	if (rc < 0)
		role_stop(r, rc);
}

void
key_look_pump(struct key_look *l)
{
	struct key_ask *a;

	while (!l->late && (a = ask_find(l, false)) != NULL)
		if (!one_start(l, a))
			break;
	if (ask_find(l, true) == NULL)
		key_look_end(l);
}

/* What has not answered by now is silent. */
static void
on_deadline(void *arg)
{
	struct key_look *l = arg;
	struct key_ask *a;

	l->late = true;
	while ((a = ask_find(l, true)) != NULL) {
		if (a->what == KEY_SERVER)
			dnsask_cancel(a->talk);
		else
			stub_cancel(&a->stub);
		a->busy = false;
	}
	key_look_pump(l);
}

/* --- the beginning --- */

static int
name_take(struct key_look *l, const struct msg_seal_look *m)
{
	struct rd r = rd_sv(m->key);

	dname_rd(&r, &l->name);
	/* "s._domainkey.example": three labels at least. */
	if (!rd_done(&r) || dname_parent(&l->name, &l->zone) < 0 || dname_labels(l->zone.w) < 2)
		return -EBADMSG;
	l->record = pool_sv(l->pool, m->record);
	return l->record.p == NULL ? -ENOMEM : 0;
}

static int
refuse(struct name_role *nr, const struct msg_seal_look *m, int rc)
{
	return msg_seal_looked_send(nr->role, ROLE_SEAL,
	    &(struct msg_seal_looked){ .key = m->key, .code = rc });
}

int
key_look_begin(struct name_role *nr, const struct msg_seal_look *m)
{
	struct key_look *l;
	size_t place = 0;
	int rc = -ENOMEM;

	while (place < NAME_KEYS_MAX && nr->keys[place] != NULL)
		place++;
	if (place == NAME_KEYS_MAX)
		return refuse(nr, m, SE_LIMIT);
	if ((l = calloc(1, sizeof(*l))) == NULL)
		return -ENOMEM;
	l->nr = nr;
	l->place = place;
	nr->keys[place] = l;
	for (size_t i = 0; i < NAME_KEY_ASKS_MAX; i++)
		l->asks[i].look = l;
	if ((l->pool = pool_new(KEY_POOL_MAX)) == NULL ||
	    (l->deadline = loop_timer_add(nr->role->loop, on_deadline, l)) == NULL ||
	    (rc = name_take(l, m)) < 0 ||
	    (rc = loop_timer_set(l->deadline, (int64_t)KEY_LOOK_SEC * 1000000)) < 0) {
		key_look_free(l);
		return rc;
	}
	key_look_pump(l);
	return 0;
}
