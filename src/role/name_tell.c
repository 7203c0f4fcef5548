/* What the log and the status say of servers: changes, once. See role/name_role.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "role/name_role.h"

#define SAY_MAX		16	/* lines of one round; strangers name the servers */
#define STATUS_OCTETS	13000	/* of the message's 16000; the counts are exact */
#define STATUS_SERVERS	6	/* of a zone, those that failed */

static const char *const side_words[SEEN_SIDE_MAX] = { "the parent", "the zone" };

static const struct name_known *
known_find(const struct name_zone *z, const struct seen_server *v)
{
	for (size_t i = 0; i < z->n_known; i++) {
		const struct name_known *k = &z->known[i];

		if (k->side == v->side && ip_prefix_cmp(&k->addr, &v->addr) == 0 &&
		    dname_eq(&k->name, &v->name))
			return k;
	}
	return NULL;
}

/* Of the servers that answered. */
static bool
newest(const struct seen *s, uint32_t *ret)
{
	bool any = false;

	for (size_t i = 0; i < s->n_servers; i++) {
		const struct seen_server *v = &s->servers[i];

		if ((v->flags & SEEN_HAS_SERIAL) == 0 || (any && !serial_gt(v->serial, *ret)))
			continue;
		*ret = v->serial;
		any = true;
	}
	return any;
}

struct telling {
	struct name_role	*nr;
	struct name_zone	*z;
	const struct seen_server *v;
	const struct name_known	*before;
	struct name_known	*now;
	uint32_t		 newest;
	unsigned		 n_said;
};

/* May there be one more line? What there is no room for is counted. */
static bool
may_say(struct telling *t)
{
	return t->n_said++ < SAY_MAX;
}

static const char *
who(const struct seen_server *v, char dst[static DNAME_STRLEN + IP_ADDR_STRLEN + 8])
{
	char name[DNAME_STRLEN], addr[IP_ADDR_STRLEN] = "";

	if (v->addr.af != 0)
		(void)ip_addr_str(v->addr.addr, v->addr.af, addr);
	(void)snprintf(dst, DNAME_STRLEN + IP_ADDR_STRLEN + 8, "%s%s%s", dname_str(&v->name, name),
	    addr[0] == '\0' ? "" : " ", addr);
	return dst;
}

/* What the operator is told of a state; NULL: nothing. */
static const char *
state_text(const struct seen_server *v)
{
	static const char *const texts[SEEN_STATE_MAX] = {
		[SEEN_SILENT] = "does not answer by TCP",
		[SEEN_LAME] = "does not answer with authority",
		[SEEN_BROKEN] = "gives an answer that cannot be used",
		[SEEN_NO_ROUTE] = "cannot be reached from here: there is no route (see dns.look-families)",
		[SEEN_NO_ADDRESS] = "has no address",
		[SEEN_UNKNOWN] = "could not be looked up: its addresses are not known",
	};

	/* A second address without a route is how a host without IPv6 is. */
	if (v->state == SEEN_NO_ROUTE && (v->flags & SEEN_EXCUSED) != 0)
		return NULL;
	return texts[v->state];
}

static void
state_tell(struct telling *t)
{
	char zone[DNAME_STRLEN], server[DNAME_STRLEN + IP_ADDR_STRLEN + 8];
	bool bad = state_text(t->v) != NULL, was = t->before != NULL && t->before->told;

	t->now->told = bad;
	if ((bad && was && t->before->state == t->v->state) || (!bad && !was) || !may_say(t))
		return;
	if (bad)
		role_log(t->nr->role, LOG_LEVEL_WARN, "%s: server %s of %s %s",
		    dname_str(&t->z->name, zone), who(t->v, server), side_words[t->v->side],
		    state_text(t->v));
	else
		role_log(t->nr->role, LOG_LEVEL_NOTICE, "%s: server %s of %s answers again",
		    dname_str(&t->z->name, zone), who(t->v, server), side_words[t->v->side]);
}

/* In two rounds the same old version, while others have a newer one: it does not get it. */
static void
version_tell(struct telling *t)
{
	char zone[DNAME_STRLEN], server[DNAME_STRLEN + IP_ADDR_STRLEN + 8];
	bool late = serial_gt(t->newest, t->v->serial), was = t->before != NULL && t->before->behind;
	bool stuck = late && t->before != NULL && t->before->late && t->before->serial == t->v->serial;

	t->now->late = late;
	t->now->behind = stuck || (late && was);
	if ((late ? !stuck || was : !was) || !may_say(t))
		return;
	if (late)
		role_log(t->nr->role, LOG_LEVEL_WARN, "%s: server %s serves version %u still, others %u",
		    dname_str(&t->z->name, zone), who(t->v, server), t->v->serial, t->newest);
	else
		role_log(t->nr->role, LOG_LEVEL_NOTICE, "%s: server %s serves version %u, as the others",
		    dname_str(&t->z->name, zone), who(t->v, server), t->v->serial);
}

/* Why a side is not complete although each server in the list may be well. */
static void
lists_tell(struct name_role *nr, struct name_zone *z, const struct seen *s)
{
	size_t n[SEEN_SIDE_MAX] = { 0 };
	char zone[DNAME_STRLEN];
	bool bad;

	for (size_t i = 0; i < s->n_servers; i++)
		n[s->servers[i].side]++;
	bad = z->name.len > 1 && (!s->has_parent || n[SEEN_PARENT] == 0 || n[SEEN_ZONE] == 0);
	if (bad && !z->told_lists)
		role_log(nr->role, LOG_LEVEL_WARN, "%s: %s could not be found; is the resolver "
		    "(dns.resolver) well?", dname_str(&z->name, zone), !s->has_parent ?
		    "its parent zone" : n[SEEN_ZONE] == 0 ? "its name servers" :
		    "the name servers of its parent");
	z->told_lists = bad;
}

void
known_update(struct name_role *nr, struct name_zone *z, const struct seen *s)
{
	struct name_known *known = calloc(s->n_servers + 1, sizeof(*known));
	struct telling t = { .nr = nr, .z = z };
	bool any = newest(s, &t.newest);

	if (known == NULL)
		return;
	lists_tell(nr, z, s);
	for (size_t i = 0; i < s->n_servers; i++) {
		t.v = &s->servers[i];
		t.before = known_find(z, t.v);
		t.now = &known[i];
		*t.now = (struct name_known){ .side = t.v->side, .state = t.v->state, .addr = t.v->addr,
		    .name = t.v->name, .serial_seen = (t.v->flags & SEEN_HAS_SERIAL) != 0,
		    .serial = t.v->serial };
		state_tell(&t);
		if (any && t.now->serial_seen)
			version_tell(&t);
	}
	if (t.n_said > SAY_MAX) {
		char zone[DNAME_STRLEN];

		role_log(nr->role, LOG_LEVEL_WARN, "%s: and %u more of its servers", dname_str(&z->name, zone),
		    t.n_said - SAY_MAX);
	}
	/* Nobody could be found: what was said of them before stays said. */
	if (s->n_servers > 0) {
		free(z->known);
		z->known = TAKE_PTR(known);
		z->n_known = s->n_servers;
	}
	free(known);
	z->at = s->at;
	z->took_sec = s->took_sec;
	z->has_parent = s->has_parent;
	z->parent = s->parent;
	for (unsigned i = 0; i < SEEN_SIDE_MAX; i++)
		z->complete[i] = s->complete[i];
	z->n_rounds++;
}

/* --- status --- */

static void
known_json(const struct name_known *k, struct json *j)
{
	char name[DNAME_STRLEN], addr[IP_ADDR_STRLEN] = "";

	if (k->addr.af != 0)
		(void)ip_addr_str(k->addr.addr, k->addr.af, addr);
	json_open(j, '{');
	json_kv_str(j, "of", k->side == SEEN_PARENT ? "parent" : "zone");
	json_kv_str(j, "name", dname_str(&k->name, name));
	json_kv_str(j, "address", addr);
	json_kv_str(j, "state", seen_state_name(k->state));
	if (k->serial_seen)
		json_kv_u64(j, "serial", k->serial);
	json_kv_bool(j, "behind", k->behind);
	json_close(j, '}');
}

static void
zone_json(const struct name_role *nr, const struct name_zone *z, struct json *j)
{
	size_t answered = 0, shown = 0;
	char name[DNAME_STRLEN];

	for (size_t i = 0; i < z->n_known; i++)
		answered += z->known[i].state == SEEN_ANSWERED;
	json_open(j, '{');
	json_kv_str(j, "zone", dname_str(&z->name, name));
	json_kv_str(j, "parent", z->has_parent ? dname_str(&z->parent, name) : NULL);
	json_kv_i64(j, "at", z->at);
	json_kv_u64(j, "took", z->took_sec);
	json_kv_i64(j, "next", z->look != NULL ? role_now(nr->role) : z->due_at);
	json_kv_bool(j, "parent_complete", z->complete[SEEN_PARENT]);
	json_kv_bool(j, "zone_complete", z->complete[SEEN_ZONE]);
	json_kv_u64(j, "servers", z->n_known);
	json_kv_u64(j, "answered", answered);
	json_key(j, "failed");
	json_open(j, '[');
	for (size_t i = 0; i < z->n_known && shown < STATUS_SERVERS; i++)
		if (z->known[i].told || z->known[i].behind) {
			known_json(&z->known[i], j);
			shown++;
		}
	json_close(j, ']');
	json_close(j, '}');
}

static bool
all_well(const struct name_zone *z)
{
	return z->complete[SEEN_PARENT] && z->complete[SEEN_ZONE];
}

void
names_json(const struct name_role *nr, struct json *j)
{
	char to[DNSASK_TO_STRLEN];
	size_t complete = 0;

	for (size_t i = 0; i < nr->n_zones; i++)
		complete += all_well(&nr->zones[i]);
	json_kv_u64(j, "zones", nr->n_zones);
	json_kv_u64(j, "complete", complete);
	json_kv_str(j, "resolver", dnsask_to_str(&nr->stubs.resolver[0], to));
	json_kv_u64(j, "rounds", nr->n_rounds);
	json_kv_u64(j, "rounds_complete", nr->n_complete);
	json_kv_u64(j, "resolver_failures", nr->stubs.n_failed);
	json_kv_u64(j, "notified", nr->n_notified);
	json_kv_u64(j, "mail_keys", nr->n_keys);
	json_key(j, "list");
	json_open(j, '[');
	/* Those that lack something first: there may be more than the message holds. */
	for (unsigned well = 0; well < 2; well++)
		for (size_t i = 0; i < nr->n_zones && j->b->len < STATUS_OCTETS; i++)
			if (all_well(&nr->zones[i]) == (well == 1))
				zone_json(nr, &nr->zones[i], j);
	json_close(j, ']');
}
