/* zone: see role/zone_role.h. Its configuration, and the keys that key tells of. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "role/crypto.h"
#include "role/key_role.h"
#include "role/zone_role.h"
#include "sys/memfd.h"

#define STATUS_MAX	20		/* zones in the status; the counts are exact */
#define POOL_MAX	((size_t)1 << 20)	/* findings of one message */
#define TSIG_MAX	((size_t)4 << 20)	/* as the parent's */

/* --- keys --- */

static int
set_take(struct zone_role *zr, struct zone_one *z, const struct msg_key_set *m)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	bool current = z->keys.told && z->now.generation == z->keys.generation;
	int rc = zone_keys_take(z, &zr->line, m);

	if (rc < 0)
		return rc;
	if (!zone_keys_serve(&z->keys)) {
		buf_printf(&b, "%.*s", SV_ARG(m->why));
		buf_char(&b, '\0');
		zone_why(z, "no keys", b.rc == 0 ? b.p : "");
	} else if (rc > 0) {
		z->wanted = true;
		z->retry_at = z->loaded ? 0 : z->retry_at;
		z->tried = z->now.plain == NULL ? 0 : z->tried;
	} else if (!current && z->loaded) {
		z->retry_at = 0;	/* a token is back, say: what failed is tried now */
	} else if (current) {
		/* The same keys, perhaps under another number. */
		z->now.generation = m->generation;
		zone_published_tell(z);
	}
	return 0;
}

static int
on_set(struct role *r, enum role_id from UNUSED, void *msg)
{
	struct zone_role *zr = r->state;
	const struct msg_key_set *m = msg;
	struct rd rd = rd_sv(m->zone);
	const struct zone_list_entry *e;
	struct dname name;

	dname_rd(&rd, &name);
	e = rd_done(&rd) ? zone_list_find(&zr->list, &name) : NULL;
	if (e == NULL)
		return 0;
	zone_wake(&zr->zones[e - zr->list.v]);
	return set_take(zr, &zr->zones[e - zr->list.v], m);
}

static int
on_ring(struct role *r, enum role_id from UNUSED, void *msg)
{
	const struct msg_ring *m = msg;
	struct zone_role *zr = r->state;

	return zr->line.ring != NULL ? -EBADMSG : ring_open(m->memory, &zr->line.ring);
}

/* --- life --- */

static int
on_listen(struct role *r, enum role_id from UNUSED, void *msg)
{
	struct zone_role *zr = r->state;
	struct msg_listen *m = msg;
	int rc;

	zr->role = r;
	if ((rc = zone_out_init(zr)) < 0 || (rc = zone_out_listen(zr, m)) < 0)
		return rc;
	m->sock = -1;
	return 0;
}

static int
on_tsig(struct role *r, enum role_id from UNUSED, void *msg)
{
	struct zone_role *zr = r->state;
	const struct msg_zone_tsig *m = msg;
	_cleanup_(pool_freep) struct pool *pool = pool_new(TSIG_MAX);
	struct findings fs;
	struct file_map map;
	int rc;

	if (pool == NULL)
		return -ENOMEM;
	if ((rc = memfd_map(m->text, false, TSIG_MAX, &map)) < 0)
		return rc;
	findings_init(&fs, pool);
	rc = tsig_keys_parse(map.data, SV("dns.tsig-keys"), &fs, &zr->tsig);
	file_unmap(&map);
	return rc;
}

static int
folder_name(void *arg, const char *folder)
{
	struct role *r = arg;
	int rc = role_path(r, folder, SANDBOX_READ);

	if (rc < 0)
		role_log(r, LOG_LEVEL_ERROR, "%s: %s; zones in it are not read", folder, err_str(rc));
	return rc;
}

/* Each folder once. When one finds no room, the others are not tried. */
static void
folders_name(struct role *r, const struct zone_list *l)
{
	struct zone_folders f = { 0 };

	for (size_t i = 0; i < l->n; i++)
		if (zone_folders_add(&f, l->v[i].file, folder_name, r) == -E2BIG ||
		    zone_folders_add(&f, l->v[i].output, folder_name, r) == -E2BIG)
			break;
	zone_folders_done(&f);
}

static int
zones_init(struct role *r, struct zone_role *zr)
{
	int rc = zone_turns_init(zr);

	if (rc < 0)
		return rc;
	folders_name(r, &zr->list);
	for (size_t i = 0; i < zr->list.n; i++) {
		struct zone_one *z = &zr->zones[i];

		z->zr = zr;
		z->e = &zr->list.v[i];
		zone_policy(&z->e->policy, &z->policy);
		if ((rc = zone_in_init(z)) < 0 || (rc = zone_notify_init(z)) < 0)
			return rc;
	}
	return 0;
}

static int
on_conf(struct role *r, enum role_id from UNUSED, void *msg)
{
	struct zone_role *zr = r->state;
	const struct msg_zone_conf *m = msg;
	int rc;

	if (zr->zones != NULL || zr->line.ring == NULL)
		return -EBADMSG;	/* the parent restarts us instead */
	zr->role = r;
	zr->work = (struct zone_work){ .image = { -1, -1 }, .journal = { -1, -1 } };
	zr->jobs = m->jobs != 0 ? (unsigned)min_size(m->jobs, PAR_JOBS_MAX) : par_cpus();
	if ((rc = zone_list_read(m->zones, m->state, &zr->list)) < 0 || (rc = zone_out_init(zr)) < 0)
		return rc;
	if ((zr->zones = calloc(zr->list.n + 1, sizeof(*zr->zones))) == NULL ||
	    (zr->pool = pool_new(POOL_MAX)) == NULL || (zr->room = malloc(DNS_RDATA_MAX)) == NULL ||
	    (zr->timer = loop_timer_add(r->loop, zone_on_timer, zr)) == NULL)
		return -ENOMEM;
	return zones_init(r, zr);
}

static int
start(struct role *r)
{
	struct zone_role *zr = r->state;

	zone_stir(zr);
	return 0;
}

static void
status(struct role *r, struct json *j)
{
	zones_json(r->state, STATUS_MAX, j);
}

static int
on_told_ask(struct role *r, enum role_id from UNUSED, void *msg UNUSED)
{
	struct zone_role *zr = r->state;

	told_turn_all(&zr->telling);
	zone_stir(zr);
	return 0;
}

static const struct role_handler handlers[] = {
	{ MSG_listen, on_listen },
	{ MSG_zone_tsig, on_tsig },
	{ MSG_zone_conf, on_conf },
	{ MSG_ring, on_ring },
	{ MSG_key_set, on_set },
	{ MSG_zone_kept, zone_on_kept },
	{ MSG_zone_recalled, zone_on_recalled },
	{ MSG_told_ask, on_told_ask },
	{ MSG_zone_show, zone_on_show },
};

int
main(void)
{
	static const struct role_def def = {
		.id = ROLE_ZONE,
		.handlers = handlers, .n_handlers = ARRAY_LEN(handlers),
		.conf = MSG_zone_conf,
		.state_size = sizeof(struct zone_role),
		.sandbox = &sandbox_zone,
		.crypto = &role_crypto,
		.start = start, .status = status,
	};

	return role_main(&def);
}
