/* name: see role/name_role.h. The loop: which zone is looked at when. */
#include <errno.h>
#include <stdlib.h>

#include "base/err.h"
#include "role/crypto.h"
#include "role/name_role.h"
#include "sys/clock.h"
#include "sys/memfd.h"
#include "sys/proc.h"

#define USEC		INT64_C(1000000)
#define AGAIN_SEC	60	/* after a round that was not complete; doubling up to the interval */
#define GAP_USEC	(USEC / 20)	/* between two rounds of one zone, whatever key wants */
#define DEAF_ROUNDS	3	/* without a word of the resolver: its file may name another by now */
#define DEAF_LIFE_USEC	(600 * USEC)
#define RESOLV_CONF	"/etc/resolv.conf"

/* --- when --- */

/* A tenth more or less: zones of one start do not stay together. */
static int64_t
jittered(uint32_t sec)
{
	int64_t usec = (int64_t)sec * USEC;
	uint32_t r = 0;

	if (random_fill(&r, sizeof(r)) < 0)
		r = 0;
	return usec - usec / 10 + (int64_t)(r % 1000) * (usec / 5) / 1000;
}

static void
due_set(struct name_role *nr, struct name_zone *z, int64_t wait_usec)
{
	z->due_usec = clock_mono_usec() + wait_usec;
	z->due_at = role_now(nr->role) + wait_usec / USEC;
}

static void
arm(struct name_role *nr, int64_t when_usec)
{
	int64_t now = clock_mono_usec();

	nr->armed_usec = when_usec > now ? when_usec : now + 1;
	(void)loop_timer_set(nr->timer, nr->armed_usec - now);
}

/* One zone is due earlier than was thought; the others are not looked at. */
static void
arm_for(struct name_role *nr, const struct name_zone *z)
{
	if (nr->n_looks < NAME_ROUNDS_MAX && (nr->armed_usec == 0 || z->due_usec < nr->armed_usec))
		arm(nr, z->due_usec);
}

static void
schedule(struct name_role *nr)
{
	int64_t next = INT64_MAX;

	for (size_t i = 0; i < nr->n_zones; i++)
		if (nr->zones[i].look == NULL && nr->zones[i].due_usec < next)
			next = nr->zones[i].due_usec;
	/* Where no place is free, the end of a round comes here. */
	if (next != INT64_MAX && nr->n_looks < NAME_ROUNDS_MAX)
		arm(nr, next);
}

static void
on_timer(void *arg)
{
	struct name_role *nr = arg;
	int64_t now = clock_mono_usec();
	int rc = 0;

	nr->armed_usec = 0;
	for (size_t i = 0; i < nr->n_zones && nr->n_looks < NAME_ROUNDS_MAX && rc == 0; i++) {
		struct name_zone *z = &nr->zones[nr->turn++ % nr->n_zones];

		if (z->look == NULL && z->due_usec <= now)
			rc = look_begin(nr, z);
	}
	if (rc < 0)
		role_stop(nr->role, rc);
	schedule(nr);
}

/* The file of the resolver is out of reach in here: another life reads it. */
static void
deaf_check(struct name_role *nr, bool resolver_ok)
{
	nr->n_deaf = resolver_ok ? 0 : nr->n_deaf + 1;
	if (nr->n_deaf < DEAF_ROUNDS || nr->resolver_fixed ||
	    clock_mono_usec() - nr->born_usec < DEAF_LIFE_USEC)
		return;
	role_log(nr->role, LOG_LEVEL_WARN, "the resolver does not answer; reading %s anew", RESOLV_CONF);
	role_stop(nr->role, 0);
}

void
zone_looked(struct name_role *nr, struct name_zone *z, bool resolver_ok)
{
	bool well = z->complete[SEEN_ZONE] && (z->complete[SEEN_PARENT] || z->name.len == 1);
	uint32_t sec = nr->interval;
	int64_t now = clock_mono_usec();

	nr->n_looks--;
	nr->n_rounds++;
	nr->n_complete += well;
	z->n_bad = well ? 0 : z->n_bad + 1;
	if (!well)
		sec = (uint32_t)min_size(sec, (size_t)AGAIN_SEC << min_size(z->n_bad - 1, 6));
	due_set(nr, z, jittered(sec));
	if (z->want_usec != 0 && z->want_usec < z->due_usec)
		due_set(nr, z, max_i64(z->want_usec - now, GAP_USEC));
	z->want_usec = 0;
	deaf_check(nr, resolver_ok);
	arm(nr, 0);
}

/* --- what key wants --- */

static struct name_zone *
zone_named(struct name_role *nr, struct sv wire)
{
	struct rd r = rd_sv(wire);
	struct dname name;

	dname_rd(&r, &name);
	if (!rd_done(&r))
		return NULL;
	dns_lower(name.w, name.len);
	return map_find(&nr->by_name, (struct sv){ (const char *)name.w, name.len });
}

static int
on_want(struct role *r, enum role_id from UNUSED, void *msg)
{
	const struct msg_look_want *m = msg;
	struct name_role *nr = r->state;
	struct name_zone *z = zone_named(nr, m->zone);
	int64_t wait = (int64_t)m->seconds * USEC;

	if (z == NULL)
		return 0;
	/* What is under way began before the wish. */
	if (z->look != NULL) {
		int64_t want = clock_mono_usec() + wait;

		z->want_usec = z->want_usec == 0 ? want : min_i64(z->want_usec, want);
		return 0;
	}
	if (z->at != 0)
		wait = max_i64(wait, GAP_USEC);
	if (clock_mono_usec() + wait < z->due_usec)
		due_set(nr, z, wait);
	arm_for(nr, z);
	return 0;
}

static int
on_notify(struct role *r, enum role_id from UNUSED, void *msg)
{
	return notify_begin(r->state, msg);
}

static int
on_key_look(struct role *r, enum role_id from UNUSED, void *msg)
{
	return key_look_begin(r->state, msg);
}

/* --- life --- */

static int
zone_add(struct name_role *nr, struct sv line)
{
	struct name_zone *z = &nr->zones[nr->n_zones];
	int rc;

	if (dname_parse(line, NULL, &z->name) < 0)
		return -EBADMSG;
	dns_lower(z->name.w, z->name.len);
	rc = map_add(&nr->by_name, (struct sv){ (const char *)z->name.w, z->name.len }, z);
	nr->n_zones += rc == 0;
	return rc == -EEXIST ? -EBADMSG : rc;
}

static int
lines_take(struct name_role *nr, struct sv text)
{
	struct sv line;
	size_t n = 0;
	int rc;

	for (struct sv rest = text; sv_line(&rest, &line); )
		n++;
	if (n > ZONE_LIST_MAX)
		return SE_LIMIT;
	if ((nr->zones = calloc(n + 1, sizeof(*nr->zones))) == NULL)
		return -ENOMEM;
	for (rc = map_reserve(&nr->by_name, n); rc == 0 && sv_line(&text, &line); )
		rc = zone_add(nr, line);
	return rc;
}

static int
zones_take(struct name_role *nr, int fd)
{
	struct file_map map;
	int rc = memfd_map(fd, false, ZONE_LIST_TEXT_MAX, &map);

	if (rc < 0)
		return rc;
	rc = lines_take(nr, map.data);
	file_unmap(&map);
	return rc;
}

static int
hosts_take(struct name_role *nr, struct sv text)
{
	struct sv line;
	int rc = 0;

	while (rc == 0 && sv_line(&text, &line))
		if (line.n > 0 && (rc = dnsask_map_add(nr->stubs.asker, line)) == -EINVAL) {
			role_log(nr->role, LOG_LEVEL_ERROR, "dns.hosts: \"%.*s\" is not ADDRESS=ADDRESS:PORT, "
			    "ignoring", SV_ARG(line));
			rc = 0;
		}
	return rc;
}

static int
on_conf(struct role *r, enum role_id from UNUSED, void *msg)
{
	struct name_role *nr = r->state;
	const struct msg_name_conf *m = msg;
	int rc;

	if (nr->zones != NULL)
		return -EBADMSG;	/* the parent restarts us instead */
	nr->role = r;
	nr->interval = m->interval;
	nr->families = m->families & 3;
	nr->born_usec = clock_mono_usec();
	nr->resolver_fixed = m->resolver.n > 0;
	nr->stubs.room = nr->room;
	nr->stubs.n_resolvers = 1;
	if ((rc = zones_take(nr, m->zones)) < 0 ||
	    (rc = dnsask_new(r->loop, NAME_TALKS_MAX, &nr->stubs.asker)) < 0 ||
	    (rc = hosts_take(nr, m->hosts)) < 0)
		return rc;
	if ((nr->timer = loop_timer_add(r->loop, on_timer, nr)) == NULL)
		return -ENOMEM;
	if (!nr->resolver_fixed)
		return stubs_resolvers_read(&nr->stubs, 1);
	if (dnsask_to_parse(m->resolver, &nr->stubs.resolver[0]) < 0) {
		role_log(r, LOG_LEVEL_ERROR, "dns.resolver: \"%.*s\" is no address", SV_ARG(m->resolver));
		return -EBADMSG;
	}
	return 0;
}

static int
start(struct role *r)
{
	struct name_role *nr = r->state;

	return loop_timer_set(nr->timer, 1);
}

static void
status(struct role *r, struct json *j)
{
	names_json(r->state, j);
}

static const struct role_handler handlers[] = {
	{ MSG_name_conf, on_conf },
	{ MSG_look_want, on_want },
	{ MSG_notify_ask, on_notify },
	{ MSG_seal_look, on_key_look },
};

int
main(void)
{
	static const struct role_def def = {
		.id = ROLE_NAME,
		.handlers = handlers, .n_handlers = ARRAY_LEN(handlers),
		.conf = MSG_name_conf,
		.state_size = sizeof(struct name_role),
		.sandbox = &sandbox_name,
		.crypto = &role_crypto,
		.start = start, .status = status,
	};

	return role_main(&def);
}
