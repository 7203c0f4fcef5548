/* What came of a run: a version in service, a refusal, or another try. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "role/zone_role.h"

#define FAULT_LEN_MAX	96	/* "DNS_SOME_CODE, line 4294967295, column 4294967295" */
#define RETRY_MAX_SEC	60
#define LOST_MAX	(RING_SLOTS - 16)

static void
failed(struct zone_one *z, int64_t now, const char *what, const char *more)
{
	unsigned shift = z->n_failed < 6 ? z->n_failed : 6;
	int64_t wait = (int64_t)1 << shift;

	z->n_failed++;
	z->retry_at = now + (wait > RETRY_MAX_SEC ? RETRY_MAX_SEC : wait);
	zone_changed(z);
	zone_why(z, what, more);
}

/* --- what came of a run --- */

static size_t
history_max(const struct zone_one *z)
{
	return max_size(ZONE_HISTORY_MIN, (size_t)z->kept[KEEP_OUT].image_octets / 2);
}

static void
version_swap(struct zone_one *z, struct zone_work *w)
{
	zone_version_done(&z->now);
	z->now = w->next;
	w->next = (struct zone_version){ 0 };
	z->stale = zone_unref(z->stale);
	memcpy(z->kept, w->kept, sizeof(z->kept));
	if (w->step != NULL)
		zone_history_add(&z->history, TAKE_PTR(w->step), history_max(z));
	else if (!w->same)
		zone_history_done(&z->history);
}

static void
version_adopt(struct zone_role *zr, struct zone_work *w)
{
	struct zone_one *z = w->z;
	bool first = z->now.signed_zone == NULL, fed = w->got.whole != NULL || w->got.diff != NULL;
	char name[DNAME_STRLEN];
	uint32_t serial = 0;

	(void)zone_serial(w->next.signed_zone, &serial);
	if (w->stats.n_sigs > 0 || first)
		role_log(zr->role, LOG_LEVEL_NOTICE, "%s: serial %u, %llu signatures made, %llu kept%s",
		    zone_name(z, name), serial, (unsigned long long)w->stats.n_sigs,
		    (unsigned long long)w->stats.n_kept, w->same ? "; nothing to publish" : "");
	version_swap(z, w);
	/* key was born again meanwhile, and numbers anew. */
	if (sv_eq(w->keys.octets, z->keys.octets) && w->keys.cds_delete == z->keys.cds_delete)
		z->now.generation = z->keys.generation;
	z->n_failed = 0;
	z->retry_at = 0;
	if (fed || !zone_in_is_why(z))
		z->why[0] = '\0';
	z->text_wanted = false;
	z->suspect = false;
	if (w->whole)
		z->audited_at = w->at;
	z->n_signed += w->stats.n_sigs;
	z->sign_usec = w->sign_usec;
	zr->n_versions += !w->same;
	zone_changed(z);
	zone_published_tell(z);
	if (!w->same || first)
		zone_notify_all(z);
	if (fed)
		zone_in_taken(z, IN_TAKEN);
}

/* What a former life left is in service, or at least not lost. */
static void
load_adopt(struct zone_role *zr, struct zone_work *w)
{
	struct zone_one *z = w->z;
	char name[DNAME_STRLEN];
	uint32_t serial = 0;

	z->loaded = true;
	zr->n_unloaded--;
	z->text_wanted = w->text_wanted;
	z->history = w->loaded;
	w->loaded = (struct zone_history){ 0 };
	memcpy(z->kept, w->kept, sizeof(z->kept));
	z->audited_at = w->at;
	zone_changed(z);
	if (w->next.signed_zone != NULL && zone_serial(w->next.signed_zone, &serial))
		role_log(zr->role, LOG_LEVEL_NOTICE, "%s: serial %u of before, %s", zone_name(z, name),
		    serial, w->stale ? "which does not hold any more" : "all of it verified");
	if (w->stale) {
		zone_findings_tell(zr, z, &w->fs, LOG_LEVEL_NOTICE);
		z->stale = TAKE_PTR(w->next.signed_zone);
		w->next.audit = audit_result_free(w->next.audit);
	}
	z->now = w->next;
	w->next = (struct zone_version){ 0 };
	z->wanted = z->now.plain != NULL;
	zone_source_look(z);
	zone_notify_all(z);
}

static void
work_over(struct zone_role *zr)
{
	/* Its next wish, be it a refresh, comes without a look at all of them. */
	if (zr->work.z != NULL)
		turn_queue_add(&zr->due, (size_t)(zr->work.z - zr->zones));
	zone_work_done(&zr->work);
	zr->phase = ZONE_IDLE;
	zone_stir(zr);
}

static const char *
reason(int rc)
{
	/* Msgids, as far as they are ours: app/zone_told.h prints them. */
	static const struct {
		int		 rc;
		const char	*text;
	} rows[] = {
		{ SE_STALE, N_("its keys have changed meanwhile") },
		{ -ETIMEDOUT, N_("the key role did not answer") },
		{ -EPERM, N_("the key role refused") },
		{ -EAGAIN, N_("the token with its keys does not answer") },
		{ -EINVAL, N_("it is not a regular file") },
		{ -E2BIG, N_("one name has more records of one type than any message could hold") },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (rows[i].rc == rc)
			return rows[i].text;
	return err_str(rc);
}

/* The first fault, for those who do not read the log: its code, and where it is if it is in text. */
static void
first_fault(const struct findings *fs, char dst[static FAULT_LEN_MAX])
{
	const struct finding *f = fs->head;
	int n;

	dst[0] = '\0';
	while (f != NULL && f->def->severity != SEV_REJECT)
		f = f->next;
	if (f == NULL)
		return;
	n = snprintf(dst, FAULT_LEN_MAX, "%s", f->def->code);
	for (unsigned i = 0; i < f->n_args; i++)
		if (f->args[i].type == FARG_U64 && n > 0 && n < FAULT_LEN_MAX &&
		    (strcmp(f->args[i].key, "line") == 0 || strcmp(f->args[i].key, "column") == 0))
			n += snprintf(dst + n, (size_t)(FAULT_LEN_MAX - n), ", %s %llu", f->args[i].key,
			    (unsigned long long)f->args[i].u);
}

static void
work_refused(struct zone_role *zr, struct zone_work *w)
{
	char fault[FAULT_LEN_MAX];
	struct zone_one *z = w->z;
	bool fed = w->got.whole != NULL || w->got.diff != NULL;

	z->n_refused[w->by]++;
	zone_changed(z);
	z->wanted = false;	/* until its source or its keys change */
	if (w->read)
		z->tried = w->stamp;
	z->retry_at = role_now(zr->role) + (w->read || fed ? 0 : RETRY_MAX_SEC);
	zone_findings_tell(zr, z, &w->fs, LOG_LEVEL_ERROR);
	first_fault(&w->fs, fault);
	zone_why(z, w->what, fault);
	if (fed)
		zone_in_taken(z, IN_REFUSED);
}

static void
work_failed(struct zone_role *zr, struct zone_work *w)
{
	struct zone_one *z = w->z;
	struct msg_key_ask ask = { .zone = zone_wire(z) };
	char name[DNAME_STRLEN];

	if (w->task == TASK_COMPACT) {
		zone_compact_failed(z, w->rc);
		return;
	}
	if (w->refused) {
		work_refused(zr, w);
		return;
	}
	if (w->unfit) {
		role_log(zr->role, LOG_LEVEL_NOTICE, "%s: %s", zone_name(z, name), w->what);
		zone_in_taken(z, IN_UNFIT);
		return;
	}
	z->wanted = true;
	if (w->rc == SE_STALE)
		(void)msg_key_ask_send(zr->role, ROLE_KEY, &ask);
	failed(z, role_now(zr->role), w->what, reason(w->rc));
	/* A transfer that only waits for keys is not made again. */
	if ((w->got.whole != NULL && w->next.plain == NULL) || w->got.diff != NULL) {
		z->in.got = w->got;
		z->in.has_got = true;
		w->got = (struct zone_got){ 0 };
	} else if (w->got.whole != NULL)
		zone_in_taken(z, IN_LOST);
}

static void
work_done(struct zone_role *zr)
{
	struct zone_work *w = &zr->work;

	if (w->task == TASK_LOAD)
		load_adopt(zr, w);
	else if (w->task == TASK_COMPACT)
		memcpy(w->z->kept, w->kept, sizeof(w->kept));
	else
		version_adopt(zr, w);
}

void
zone_work_ended(void *arg)
{
	struct zone_role *zr = arg;
	struct zone_work *w = &zr->work;

	zr->task = task_free(zr->task);
	if (w->task == TASK_AUDIT)
		zone_audit_ended(zr);
	else if (w->rc < 0)
		work_failed(zr, w);
	else if (w->n_pieces > 0) {
		zone_put_begin(zr);
		return;
	} else
		work_done(zr);
	work_over(zr);
	/* A few questions that nobody answered: a key that died. All slots: a new ring. */
	if (atomic_load(&zr->line.n_lost) > LOST_MAX)
		role_stop(zr->role, 0);
}

int
zone_on_kept(struct role *r, enum role_id from UNUSED, void *msg)
{
	struct zone_role *zr = r->state;
	const struct msg_zone_kept *m = msg;
	struct zone_work *w = &zr->work;
	int rc;

	if (zr->phase == ZONE_RECALLING && m->req == 0)
		work_over(zr);		/* asked again */
	if (zr->phase != ZONE_PUTTING)
		return 0;
	if ((rc = zone_put_answer(zr, m)) == 0)
		return 0;
	if (rc < 0) {
		w->what = "it could not be published";
		w->rc = rc;
		w->refused = w->unfit = false;
		work_failed(zr, w);
	} else
		work_done(zr);
	work_over(zr);
	return 0;
}
