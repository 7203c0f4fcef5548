/* What is said of zones: logs, status, the page, the key role. */
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "role/zone_role.h"
#include "sys/file.h"
#include "sys/memfd.h"

#define TELL_MAX	10		/* findings of one refusal in the log */
#define TOLD_SEC	30
#define BRIEF_MAX	((size_t)10000)	/* octets; then one zone more, of the 16000 of a status */

const char *
zone_name(const struct zone_one *z, char dst[static DNAME_STRLEN])
{
	return dname_str(&z->e->name, dst);
}

/* --- logs --- */

void
zone_findings_tell(struct zone_role *zr, const struct zone_one *z, const struct findings *fs,
    enum log_level level)
{
	char name[DNAME_STRLEN];
	unsigned n = 0;

	for (const struct finding *f = fs->head; f != NULL && n < TELL_MAX; f = f->next) {
		_cleanup_(buf_done) struct buf b = BUF_INIT;

		if (f->def->severity != SEV_REJECT)
			continue;
		finding_text(&b, f, LANG_EN);
		role_log(zr->role, level, "%s %s: %.*s%s%.*s", zone_name(z, name), f->def->code,
		    SV_ARG(f->subject), f->subject.n > 0 ? ": " : "", SV_ARG(buf_get(&b)));
		n++;
	}
	if (fs->n_by_severity[SEV_REJECT] > n)
		role_log(zr->role, level, "%s: and %llu more", zone_name(z, name),
		    (unsigned long long)(fs->n_by_severity[SEV_REJECT] - n));
}

void
zone_why(struct zone_one *z, const char *what, const char *more)
{
	struct zone_role *zr = z->zr;
	char name[DNAME_STRLEN], why[ZONE_WHY_MAX];

	(void)snprintf(why, sizeof(why), "%s%s%s", what, more[0] == '\0' ? "" : ": ", more);
	if (strcmp(why, z->why) == 0)
		return;
	if (z->why[0] == '\0')
		z->why_since = role_now(zr->role);
	(void)snprintf(z->why, sizeof(z->why), "%s", why);
	zone_changed(z);
	role_log(zr->role, LOG_LEVEL_ERROR, "%s: %s; %s", zone_name(z, name), why,
	    z->now.signed_zone != NULL ? "the version before stays in service" : "it is not served yet");
}

/* --- the key role --- */

void
zone_published_tell(struct zone_one *z)
{
	struct msg_zone_published m = { .zone = zone_wire(z), .generation = z->now.generation,
	    .ttl_max = z->now.ttl_max };

	if (z->now.signed_zone == NULL || z->now.generation == 0 ||
	    !zone_serial(z->now.signed_zone, &m.serial))
		return;
	(void)msg_zone_published_send(z->zr->role, ROLE_KEY, &m);
}

/* --- status and page --- */

static void
version_json(const struct zone_one *z, struct json *j)
{
	uint32_t serial;

	if (z->now.plain != NULL && zone_serial(z->now.plain, &serial))
		json_kv_u64(j, "serial_in", serial);
	if (z->now.signed_zone == NULL)
		return;
	if (zone_serial(z->now.signed_zone, &serial))
		json_kv_u64(j, "serial", serial);
	if (z->now.state != NULL)
		json_kv_i64(j, "next_signing", sign_state_due(z->now.state));
	if (z->now.horizon != 0)
		json_kv_i64(j, "horizon", z->now.horizon);
}

static void
refusals_json(const struct zone_one *z, struct json *j)
{
	static const char *const words[REFUSED_MAX] = { "source", "signing", "audit" };
	uint64_t n = 0;

	json_key(j, "refused_by");
	json_open(j, '{');
	for (int i = 0; i < REFUSED_MAX; i++) {
		json_kv_u64(j, words[i], z->n_refused[i]);
		n += z->n_refused[i];
	}
	json_close(j, '}');
	json_kv_u64(j, "refusals", n);
}

static void
zone_json(const struct zone_one *z, bool brief, struct json *j)
{
	char name[DNAME_STRLEN];

	json_open(j, '{');
	json_kv_str(j, "zone", zone_name(z, name));
	json_kv_bool(j, "served", z->now.signed_zone != NULL);
	json_kv_bool(j, "good", z->why[0] == '\0' && z->now.signed_zone != NULL);
	if (z->why[0] != '\0') {
		json_kv_str(j, "why", z->why);
		json_kv_i64(j, "why_since", z->why_since);
	}
	version_json(z, j);
	json_kv_u64(j, "signatures", z->n_signed);
	json_kv_u64(j, "sign_usec", z->sign_usec);
	json_kv_u64(j, "refresh", z->policy.refresh_sec);
	refusals_json(z, j);
	json_kv_i64(j, "audited", z->audited_at);
	json_kv_u64(j, "transfers_out", z->n_out);
	json_kv_u64(j, "history", z->history.n);
	json_kv_str(j, "source", zone_is_fed(z) ? "primaries" : brief ? "file" : z->e->file);
	if (zone_is_fed(z))
		zone_in_json(z, brief, j);
	if (z->e->notify.n > 0)
		zone_notify_json(z, brief, j);
	json_close(j, '}');
}

void
zone_changed(struct zone_one *z)
{
	told_turn_changed(&z->zr->telling, (size_t)(z - z->zr->zones));
}

static void
counts_json(const struct zone_role *zr, struct json *j)
{
	size_t served = 0, good = 0;

	for (size_t i = 0; i < zr->list.n; i++) {
		served += zr->zones[i].now.signed_zone != NULL;
		good += zr->zones[i].now.signed_zone != NULL && zr->zones[i].why[0] == '\0';
	}
	json_kv_u64(j, "zones", zr->list.n);
	json_kv_u64(j, "served", served);
	json_kv_u64(j, "good", good);
	json_kv_u64(j, "versions", zr->n_versions);
	json_kv_u64(j, "signatures", atomic_load(&zr->line.n_signed));
	zone_out_json(zr, j);
}

void
zones_json(const struct zone_role *zr, size_t max, struct json *j)
{
	counts_json(zr, j);
	json_key(j, "list");
	json_open(j, '[');
	for (size_t i = 0; i < zr->list.n && i < max && j->b->len < BRIEF_MAX; i++)
		zone_json(&zr->zones[i], true, j);
	json_close(j, ']');
}

static void
page_json(struct zone_role *zr, struct told_turn *t, struct json *j)
{
	size_t i;

	told_turn_begin(t, j);
	counts_json(zr, j);
	json_key(j, "list");
	json_open(j, '[');
	while (told_turn_next(t, j, &i))
		zone_json(&zr->zones[i], false, j);
	json_close(j, ']');
	told_turn_end(t, j);
}

static void
one_json(const struct zone_role *zr, const struct zone_list_entry *e, struct json *j)
{
	counts_json(zr, j);
	json_key(j, "list");
	json_open(j, '[');
	zone_json(&zr->zones[e - zr->list.v], false, j);
	json_close(j, ']');
}

int
zone_on_show(struct role *r, enum role_id from UNUSED, void *msg)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	const struct msg_zone_show *m = msg;
	struct zone_role *zr = r->state;
	struct told_turn t = TOLD_TURN_FROM(zr->list.n, m->from);
	struct json j = json_on(&b, false);
	struct msg_zone_shown a = { .req = m->req };
	const struct zone_list_entry *only = NULL;
	struct dname name;
	int rc;

	if (m->zone.n > 0 && dname_parse(m->zone, NULL, &name) == 0)
		only = zone_list_find(&zr->list, &name);
	a.code = m->zone.n > 0 && only == NULL;
	json_open(&j, '{');
	json_kv_u64(&j, "life", zr->life);
	if (only != NULL)
		one_json(zr, only, &j);
	else if (a.code == 0)
		page_json(zr, &t, &j);
	json_close(&j, '}');
	rc = b.rc < 0 ? b.rc : memfd_of("zones", buf_get(&b), &a.json);
	if (rc < 0)
		return rc;
	rc = msg_zone_shown_send(r, ROLE_PARENT, &a);
	fd_close(&a.json);
	return rc;
}

/* All of them a page after the other; then what changes, once a second; and that we live. */
void
zone_web_tell(struct zone_role *zr, int64_t now)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	struct json j = json_on(&b, false);
	int64_t pause = told_turn_waits(&zr->telling) ? 1 : TOLD_SEC;
	struct msg_zone_told m;

	if (zr->telling.at == zr->telling.n && now >= zr->told_at && now - zr->told_at < pause)
		return;
	json_open(&j, '{');
	page_json(zr, &zr->telling, &j);
	json_close(&j, '}');
	zr->told_at = now;
	if (zr->telling.at < zr->telling.n)
		zone_stir(zr);
	if (b.rc < 0 || memfd_of("zones", buf_get(&b), &m.json) < 0)
		return;
	(void)msg_zone_told_send(zr->role, ROLE_WEB, &m);
	(void)msg_zone_told_send(zr->role, ROLE_STORE, &m);
	fd_close(&m.json);
}
