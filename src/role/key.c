/* key: see role/key_role.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "role/key_role.h"
#include "sys/file.h"
#include "sys/tree.h"

#define LOOK_MAX_SEC	3600	/* the clock may be set meanwhile */

/* --- time --- */

static void
timer_arm(struct key_role *kr)
{
	int64_t now = role_now(kr->role), next = now + LOOK_MAX_SEC;

	for (size_t i = 0; i < kr->list.n; i++)
		if (kr->zones[i].ring != NULL && kr->zones[i].next < next)
			next = kr->zones[i].next;
	(void)loop_timer_set(kr->timer, (next <= now ? 1 : next - now) * 1000000LL);
}

static void
on_timer(void *arg)
{
	struct key_role *kr = arg;
	int64_t now = role_now(kr->role);

	for (size_t i = 0; i < kr->list.n; i++) {
		int rc = kr->zones[i].next > now ? 0 : key_zone_step(kr, &kr->zones[i]);

		if (rc < 0) {
			role_stop(kr->role, rc);
			return;
		}
	}
	timer_arm(kr);
}

/* --- questions of zone --- */

static int
on_ask(struct role *r, enum role_id from UNUSED, void *msg)
{
	struct key_role *kr = r->state;
	const struct msg_key_ask *m = msg;
	struct key_set none = { .state = KEY_SET_CANNOT, .why = "the key role has no such zone" };
	struct rd rd = rd_sv(m->zone);

	dname_rd(&rd, &none.apex);
	if (!rd_done(&rd))
		return 0;
	for (size_t i = 0; i < kr->list.n; i++)
		if (dname_eq(&kr->zones[i].e->name, &none.apex))
			return key_zone_tell(kr, &kr->zones[i]);
	return key_zone_tell(kr, &(struct key_zone){ .set = &none });
}

static void
workers_stop(struct key_role *kr)
{
	atomic_store(&kr->stop, true);
	for (unsigned i = 0; i < kr->jobs; i++)
		if (kr->workers[i].task != NULL)
			kr->workers[i].task = task_free(kr->workers[i].task);
	kr->ring = ring_free(kr->ring);
	atomic_store(&kr->stop, false);
}

static void
work_ended(void *arg UNUSED)
{
}

/* Zone lives anew: its memory of before is nobody's. */
static int
on_ring(struct role *r, enum role_id from UNUSED, void *msg)
{
	const struct msg_ring *m = msg;
	struct key_role *kr = r->state;
	int rc;

	if (kr->workers == NULL)
		return -EBADMSG;
	workers_stop(kr);
	if ((rc = ring_open(m->memory, &kr->ring)) < 0)
		return rc;
	for (unsigned i = 0; i < kr->jobs; i++) {
		kr->workers[i].task = task_start(r->loop, key_work, work_ended, &kr->workers[i]);
		if (kr->workers[i].task == NULL)
			return -ENOMEM;
	}
	return 0;
}

/* --- questions of the operator --- */

static int
on_backed_up(struct role *r, enum role_id from UNUSED, void *msg)
{
	struct key_role *kr = r->state;
	const struct msg_key_backed_up *m = msg;
	char zone[DNAME_STRLEN], detail[DNAME_STRLEN + 200];
	struct msg_key_answer a = { .req = m->req, .code = 1 };
	struct zone_list_entry *e = NULL;
	struct dname name;
	unsigned n = 0;
	int rc;

	if (dname_parse(m->zone, NULL, &name) == 0)
		e = zone_list_find(&kr->list, &name);
	if (e == NULL) {
		a.text = SV("there is no such zone in the configuration");
		return msg_key_answer_send(r, ROLE_PARENT, &a);
	}
	if (kr->zones[e - kr->list.v].ring == NULL) {
		a.text = SV("its keys cannot be used; see the log");
		return msg_key_answer_send(r, ROLE_PARENT, &a);
	}
	if ((rc = key_zone_backed_up(kr, &kr->zones[e - kr->list.v], &n)) < 0)
		return rc;
	timer_arm(kr);
	(void)snprintf(detail, sizeof(detail), "{\"zone\":\"%s\",\"keys\":%u}", dname_str(&name, zone), n);
	role_audit(r, "keys-backed-up", sv_str(strchr(zone, '\\') == NULL ? detail : ""));
	a.code = 0;
	a.keys = n;
	return msg_key_answer_send(r, ROLE_PARENT, &a);
}

/* --- life --- */

static int
workers_make(struct key_role *kr)
{
	kr->jobs = par_cpus();
	if ((kr->workers = calloc(kr->jobs, sizeof(*kr->workers))) == NULL)
		return -ENOMEM;
	for (unsigned i = 0; i < kr->jobs; i++)
		kr->workers[i].kr = kr;
	return 0;
}

static int
on_conf(struct role *r, enum role_id from UNUSED, void *msg)
{
	struct key_role *kr = r->state;
	const struct msg_key_conf *m = msg;
	int rc;

	if (kr->workers != NULL)
		return -EBADMSG;	/* the parent restarts us instead */
	kr->role = r;
	(void)snprintf(kr->folder, sizeof(kr->folder), "%.*s", SV_ARG(m->folder));
	if ((rc = crypto_wipe_freed()) < 0)
		return rc;
	if ((rc = zone_list_parse(m->zones, m->folder, &kr->list)) < 0 || (rc = workers_make(kr)) < 0)
		return rc;
	if ((kr->zones = calloc(kr->list.n + 1, sizeof(*kr->zones))) == NULL ||
	    (kr->timer = loop_timer_add(r->loop, on_timer, kr)) == NULL)
		return -ENOMEM;
	if ((rc = crypto_random(&kr->next_generation, sizeof(kr->next_generation))) < 0)
		return rc;
	if ((rc = tree_make(kr->folder)) < 0 || (rc = role_path(r, kr->folder, SANDBOX_WRITE)) < 0)
		role_log(r, LOG_LEVEL_ERROR, "%s: %s", kr->folder, err_str(rc));
	return rc;
}

static int
start(struct role *r)
{
	struct key_role *kr = r->state;
	int rc = 0;

	if (file_is_open_to_others(kr->folder))
		role_log(r, LOG_LEVEL_WARN, "%s can be read by others than its owner: chmod 700", kr->folder);
	for (size_t i = 0; i < kr->list.n && rc == 0; i++) {
		kr->zones[i].e = &kr->list.v[i];
		if ((rc = key_zone_load(kr, &kr->zones[i])) == 0)
			rc = key_zone_step(kr, &kr->zones[i]);
	}
	timer_arm(kr);
	return rc;
}

static void
stop(struct role *r)
{
	workers_stop(r->state);
}

static void
status(struct role *r, struct json *j)
{
	struct key_role *kr = r->state;
	size_t ready = 0, keys = 0;

	for (size_t i = 0; i < kr->list.n; i++) {
		ready += kr->zones[i].set != NULL && kr->zones[i].set->state == KEY_SET_READY;
		keys += kr->zones[i].ring == NULL ? 0 : keyring_n(kr->zones[i].ring);
	}
	json_kv_u64(j, "zones", kr->list.n);
	json_kv_u64(j, "ready", ready);
	json_kv_u64(j, "keys", keys);
	json_kv_u64(j, "signatures", atomic_load(&kr->n_signed));
	json_kv_u64(j, "refused", atomic_load(&kr->n_refused));
}

static const struct role_handler handlers[] = {
	{ MSG_key_conf, on_conf },
	{ MSG_ring, on_ring },
	{ MSG_key_ask, on_ask },
	{ MSG_key_backed_up, on_backed_up },
};

int
main(void)
{
	static const struct role_def def = {
		.id = ROLE_KEY,
		.handlers = handlers, .n_handlers = ARRAY_LEN(handlers),
		.conf = MSG_key_conf,
		.state_size = sizeof(struct key_role),
		.sandbox = &sandbox_key,
		.start = start, .status = status, .stop = stop,
	};

	return role_main(&def);
}
