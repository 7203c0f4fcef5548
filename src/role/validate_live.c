/*
 * validate, live: what changed in the object store is validated as it comes.
 *
 *	something is to be done (objects changed, time changes something, an
 *	operator's wish)
 *	-> pin	the store keeps the pages that we are going to read
 *	-> run	on a thread of its own; questions wait meanwhile
 *	-> unpin, and the answer says whether the pages were kept all the time
 *	-> only then everything is sent: wanted sources, snapshot, findings,
 *	   what was judged good, what older data needs
 *
 * The first snapshot waits until every wanted source has answered or failed
 * once, or for settle_sec: half a world would make good routes invalid. Later
 * ones do not wait for anybody.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/timefmt.h"
#include "crypto/crypto.h"
#include "role/validate.h"
#include "role/validate_told.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/par.h"

#define PIN_SEC		10	/* the store may be starting: ask again */
#define KEEP_SEC	120	/* while a run reads; the store waits for 15 minutes */
#define CALM_USEC	100000	/* changes come in groups: so long after the last, … */
#define GROUP_USEC	700000	/* … or after the first: a run looks at all of them */
#define CALM_SHARE	2	/* pause after a run, in lengths of that run */
#define CALM_MAX_USEC	5000000LL
#define WAIT_SEC	60	/* clocks are set: look at least so often */
#define KNOWN_MAX	65536	/* keys of sources that have answered */
#define LIFE_SEC	86400	/* of this process, see run_finish() */
#define KNOWN_LATE_MAX	(4 << 20)	/* bytes of keys */
#define RING_MSEC	30000
#define RING_ITEMS	128
#define FINDINGS_BYTES_MAX ((size_t)256 << 20)	/* as the store */
#define TOLD_USEC	2000000	/* what the fetcher tells comes in groups, too */

enum stage {
	IDLE,
	PINNING,
	RUNNING,
	UNPINNING,
};

struct vlive {
	struct role		*r;
	struct live		*live;
	enum stage		 stage;
	uint32_t		 req, pin;
	struct task		*task;
	struct run		 run;
	bool			 dirty;		/* something is to be done */
	int64_t			 dirty_mono;	/* … since; 0: not yet seen */
	int64_t			 next;		/* time alone changes something then */
	int64_t			 born_mono, ended_mono, took_usec;
	struct told		*told;		/* findings of the fetcher */
	int			 found_fd;	/* findings of the last run */
	struct loop_timer	*told_timer;
	bool			 telling;	/* the timer runs */
	struct map		 known;		/* keys of sources with a result */
	struct buf		 known_late;	/* … that came while a run reads the map: lines */
	struct pool		*known_pool;
	bool			 published;	/* in this life or before */
	int			 pub_fd;
	struct file_map		 pub_map;
	struct snapshot		 pub;
	bool			 pub_open;
	struct msg_snapshot_use	 pub_next;	/* came while a run reads the old one */
	bool			 has_pub_next;
	uint8_t			 released[SNAPSHOT_SUM_LEN], holding[SNAPSHOT_SUM_LEN];
	bool			 has_released, is_holding;
	struct guard_decision	 guard;
	struct live_counts	 counts;
	uint64_t		 n_lost_pins;
	bool			 settled;
};

static void	look(struct role *);

/* --- arithmetic --- */

/* Through shared memory to verify; what it does not answer is computed here. */
static int
arith(void *arg, unsigned job, struct crypto_verify *v, size_t n)
{
	struct ring *ring = ((struct validate_role *)arg)->ring;
	uint8_t answer[RING_ITEMS];
	struct wr w;
	size_t got;

	if (ring == NULL || n > RING_ITEMS)
		return crypto_verify_batch(v, n);
	w = wr_mem(ring_room(ring, job), RING_ASK_MAX);
	wr_be16(&w, (uint16_t)n);
	for (size_t i = 0; i < n; i++)
		crypto_item_write(&w, &v[i]);
	if (!wr_done(&w) || ring_ask(ring, job, w.len, answer, sizeof(answer), &got,
	    RING_MSEC) < 0 || got != n)
		return crypto_verify_batch(v, n);
	for (size_t i = 0; i < n; i++)
		v[i].ok = answer[i] == 1;
	return 0;
}

/* --- when --- */

static bool
source_known(void *arg, struct sv key)
{
	const struct vlive *l = arg;

	return map_find(&l->known, key) != NULL;
}

static void
arm(struct role *r)
{
	struct validate_role *st = r->state;
	struct vlive *l = st->vlive;
	int64_t now = clock_mono_usec(), wait;

	if (l->stage != IDLE)
		return;
	if (l->dirty) {
		if (l->dirty_mono == 0)
			l->dirty_mono = now;
		wait = min_i64(l->took_usec * CALM_SHARE, CALM_MAX_USEC);
		wait = max_i64(l->ended_mono + wait - now,
		    min_i64(CALM_USEC, max_i64(l->dirty_mono + GROUP_USEC - now, 0)));
	} else {
		wait = l->next == TIME_NEVER ? WAIT_SEC : l->next - role_now(r);
		wait = (wait < 0 ? 0 : min_i64(wait, WAIT_SEC)) * 1000000;
	}
	(void)loop_timer_set(st->timer, wait);
}

static void
dirty(struct role *r)
{
	struct validate_role *st = r->state;

	st->vlive->dirty = true;
	arm(r);
}

static void
pin_ask(struct role *r)
{
	struct validate_role *st = r->state;
	struct msg_pin m = { .req = ++st->vlive->req };

	st->vlive->stage = PINNING;
	(void)msg_pin_send(r, ROLE_STORE, &m);
	(void)loop_timer_set(st->timer, PIN_SEC * 1000000LL);
}

static void
pin_keep(struct role *r)
{
	struct validate_role *st = r->state;
	const struct msg_pin_keep m = { .pin = st->vlive->pin };

	(void)msg_pin_keep_send(r, ROLE_STORE, &m);
	(void)loop_timer_set(st->timer, KEEP_SEC * 1000000LL);
}

static void
look(struct role *r)
{
	struct validate_role *st = r->state;
	struct vlive *l = st->vlive;

	if (l->stage == RUNNING) {
		pin_keep(r);
		return;
	}
	if (l->stage == PINNING || l->stage == UNPINNING) {
		/* The store did not answer: it is down, or starting. */
		if (l->stage == UNPINNING) {
			run_done(&l->run);
			l->dirty = true;
		}
		l->stage = IDLE;
		pin_ask(r);
		return;
	}
	if (l->stage != IDLE || inputs_moved(r))
		return;
	if (l->dirty || role_now(r) >= l->next || role_now(r) < st->ran_at || run_local_changed(st))
		pin_ask(r);
	else
		arm(r);
}

static void
on_timer(void *arg)
{
	look(arg);
}

void
vlive_now(struct role *r)
{
	struct validate_role *st = r->state;

	st->complained = false;
	dirty(r);
}

/* --- a run --- */

static void
complain_keep(void *arg, const char *text)
{
	struct run *run = arg;

	/* Only the walk complains here, and it is one thread; jobs read the store. */
	if (run->complaints.len < 4096)
		buf_printf(&run->complaints, "%s\n", text);
}

static void
run_thread(void *arg)
{
	struct role *r = arg;
	struct validate_role *st = r->state;

	run_work(&st->vlive->run);	/* nobody else looks at it meanwhile */
}

static void	run_ended(void *arg);

static void
run_start(struct role *r)
{
	struct validate_role *st = r->state;
	struct vlive *l = st->vlive;
	struct run *run = &l->run;
	int64_t waited = (clock_mono_usec() - l->born_mono) / 1000000;

	run_init(run);
	run->conf = (struct routes_conf){
		.tals = &st->tals, .n_tals = 1, .now = role_now(r), .jobs = st->jobs,
		.tolerate = RPKI_TOL_DEFAULT, .keep = true, .thin = true, .prev = st->last, .again = true,
		.complain = { complain_keep, run, LANG_EN },
	};
	run->ours = &st->ours;
	run_local_give(st, run);
	run->live = l->live;
	run->published = l->pub_open ? &l->pub : NULL;
	run->limits = st->limits;
	run->has_released = l->has_released;
	memcpy(run->released, l->released, sizeof(run->released));
	run->may_publish = l->published || waited > st->settle_sec;
	run->is_first = !l->published;
	run->known = source_known;
	run->known_arg = l;
	run->questions = st->questions;
	run->n_questions = st->n_questions;
	for (size_t i = 0; i < st->n_questions; i++)
		st->questions[i].taken = true;
	l->dirty = false;
	l->dirty_mono = 0;
	l->stage = RUNNING;
	if ((l->task = task_start(r->loop, run_thread, run_ended, r)) == NULL) {
		run->rc = -ENOMEM;
		run_ended(r);
	}
}

static int
fd_send_points(struct role *r, int fd)
{
	struct msg_points m = { .pairs = fd };

	return fd < 0 ? 0 : msg_points_send(r, ROLE_STORE, &m);
}

/*
 * The store writes what is new since the last time: so it always gets all of
 * it, what the fetcher told and what the last run found.
 */
static int
objects_send(struct role *r)
{
	struct validate_role *st = r->state;
	struct vlive *l = st->vlive;
	_cleanup_(buf_done) struct buf told = BUF_INIT;
	_cleanup_(fd_close) int fd = -1;
	struct file_map found = { 0 };
	uint8_t *map;
	int rc;

	if (told_lines(l->told, &told) && !l->telling)
		l->telling = loop_timer_set(l->told_timer, TOLD_USEC) == 0;
	if ((rc = told.rc) < 0 || (l->found_fd >= 0 &&
	    (rc = memfd_map(l->found_fd, false, FINDINGS_BYTES_MAX, &found)) < 0))
		return rc;
	if (told.len + found.data.n > 0 &&
	    (rc = memfd_room("findings", told.len + found.data.n, &fd, &map)) == 0) {
		if (told.len > 0)
			memcpy(map, buf_get(&told).p, told.len);
		if (found.data.n > 0)
			memcpy(map + told.len, found.data.p, found.data.n);
		rc = memfd_room_done(fd, map, told.len + found.data.n);
	} else if (rc == 0)
		rc = memfd_of("findings", SV(""), &fd);
	file_unmap(&found);
	if (rc == 0)
		rc = msg_objects_send(r, ROLE_STORE, &(struct msg_objects){ .lines = fd });
	return rc;
}

static void
on_told(void *arg)
{
	struct role *r = arg;
	struct validate_role *st = r->state;
	struct vlive *l = st->vlive;
	int rc = 0;

	l->telling = false;
	/* A new life of ours: its first run comes, and without that all of it were new. */
	if (l->found_fd >= 0 || !l->published)
		rc = objects_send(r);
	if (rc < 0)
		role_log(r, LOG_LEVEL_ERROR, "cannot tell the findings of the fetcher: %s",
		    err_str(rc));
}

/* The run's findings are those of now. */
static int
found_take(struct role *r, struct run *run)
{
	struct validate_role *st = r->state;
	struct vlive *l = st->vlive;

	fd_close(&l->found_fd);
	l->found_fd = run->findings;
	run->findings = -1;
	return objects_send(r);
}

static int
results_send(struct role *r, struct run *run)
{
	struct msg_sources_want want = { .lines = run->wants };
	struct msg_snapshot_new snap = { .snapshot = run->snapshot };
	struct msg_holds hold = { .hashes = run->holds };
	struct msg_facts_touch touch = { .keys = run->touched };
	int rc = 0;

	/*
	 * What is to be fetched is said whatever became of the run: what it lacks
	 * may be what fetching brings.
	 */
	if (run->wants >= 0)
		rc = msg_sources_want_send(r, ROLE_FETCH, &want);
	if (run->rc < 0)
		return run->rc;
	if (rc == 0 && run->snapshot >= 0)
		rc = msg_snapshot_new_send(r, ROLE_STORE, &snap);
	if (rc == 0 && run->findings >= 0)
		rc = found_take(r, run);
	if (rc == 0)
		rc = fd_send_points(r, run->points);
	if (rc == 0 && run->holds >= 0)
		rc = msg_holds_send(r, ROLE_STORE, &hold);
	if (rc == 0 && run->touched >= 0)
		rc = msg_facts_touch_send(r, ROLE_STORE, &touch);
	return rc;
}

static void
guard_log(struct role *r, const struct guard_decision *d)
{
	struct validate_role *st = r->state;
	struct vlive *l = st->vlive;
	char hex[2 * SNAPSHOT_SUM_LEN + 1], when[TIME_STRLEN], details[256];
	bool same = l->is_holding && memcmp(l->holding, d->hash, sizeof(d->hash)) == 0;

	(void)hex_encode(hex, d->hash, sizeof(d->hash));
	(void)snprintf(details, sizeof(details), "{\"payloads\":%zu,\"hash\":\"%s\","
	    "\"until\":\"%s\"}", d->n_held, hex, time_str(d->until, when));
	if (d->n_held > 0 && !same) {
		role_log(r, LOG_LEVEL_ERROR, "%zu payloads would be lost by failures; "
		    "holding them until %s; let go: sekisho rpki release %s",
		    d->n_held, when, hex);
		role_audit(r, "guard-holding", sv_str(details));
	} else if (d->n_held == 0 && l->is_holding) {
		role_log(r, LOG_LEVEL_NOTICE, "the drop guard holds nothing any more");
		role_audit(r, "guard-ended", SV(""));
	}
	l->is_holding = d->n_held > 0;
	memcpy(l->holding, d->hash, sizeof(d->hash));
	l->guard = *d;
}

static void
run_take(struct role *r)
{
	struct validate_role *st = r->state;
	struct vlive *l = st->vlive;
	struct run *run = &l->run;

	if (run->snapshot >= 0) {
		if (!l->published)
			role_log(r, LOG_LEVEL_NOTICE, "first result: %zu VRPs%s",
			    run->routes->payloads.n_vrps, run->settled ? "" :
			    "; some servers have not answered yet");
		l->published = true;
		guard_log(r, &run->guard);
	}
	l->settled = run->settled;
	l->counts = run->counts;
	/* Also when nothing changes: the result is as fresh as it was looked at. */
	l->next = min_i64(run->next, role_now(r) + st->interval);
	if (!l->published)	/* … or when the first one need not wait any longer */
		l->next = min_i64(l->next, role_now(r) + 1 + st->settle_sec -
		    (clock_mono_usec() - l->born_mono) / 1000000);
	if (run->guard.n_held > 0)
		l->next = min_i64(l->next, run->guard.until);
	role_log(r, LOG_LEVEL_DEBUG, "%zu points (%zu as before), %zu VRPs, %llu signatures "
	    "computed, %llu known, in %lld ms", run->routes->n_points, run->routes->n_moved,
	    run->routes->payloads.n_vrps, (unsigned long long)run->counts.n_computed,
	    (unsigned long long)run->counts.n_facts, (long long)(run->routes->duration_usec / 1000));
	run_local_take(st, run);
	st->last = TAKE_PTR(run->routes);
}

/* Those that came during the run and need what it did not bring wait for the next. */
static void
questions_answer(struct role *r)
{
	struct validate_role *st = r->state;
	size_t n = st->n_questions;

	st->n_questions = 0;
	for (size_t i = 0; i < n; i++)
		if (question_waits(st, &st->questions[i]))
			st->questions[st->n_questions++] = st->questions[i];
		else
			question_answer(r, &st->questions[i]);
	st->vlive->dirty = st->vlive->dirty || st->n_questions > 0;
}

static void	published_open(struct role *r);
static int	known_late_add(struct vlive *l);

/* The pages were kept, or nothing of it is worth anything. */
static void
run_finish(struct role *r, int rc)
{
	struct validate_role *st = r->state;
	struct vlive *l = st->vlive;

	if (rc == 0)
		rc = results_send(r, &l->run);
	if (rc == 0)
		run_take(r);
	else if (l->next == TIME_NEVER || l->next <= role_now(r))
		l->next = role_now(r) + WAIT_SEC;	/* try again, not at once */
	run_done(&l->run);
	run_logged(r, rc);
	l->stage = IDLE;
	if (known_late_add(l) < 0)
		role_log(r, LOG_LEVEL_ERROR, "%s", err_str(-ENOMEM));
	l->ended_mono = clock_mono_usec();
	if (l->has_pub_next)
		published_open(r);
	questions_answer(r);
	/*
	 * What is judged once stands while nothing changes. A process that a
	 * stranger's bytes took over would let it stand as it likes: so each life
	 * ends after a day, and the next one judges all of it anew.
	 */
	if (rc == 0 && l->ended_mono - l->born_mono > LIFE_SEC * 1000000LL) {
		role_log(r, LOG_LEVEL_DEBUG, "a day old: starting anew, to judge everything again");
		role_stop(r, 0);
		return;
	}
	arm(r);
}

static void
run_ended(void *arg)
{
	struct role *r = arg;
	struct validate_role *st = r->state;
	struct vlive *l = st->vlive;
	struct msg_unpin m = { .pin = l->pin };

	l->task = task_free(l->task);
	/* What could move to the new run has moved. */
	st->last = routes_free(st->last);
	if (l->run.routes != NULL)
		l->took_usec = l->run.routes->duration_usec;
	if (l->run.complaints.len > 0 && !st->complained)
		role_log(r, LOG_LEVEL_ERROR, "%.*s", SV_ARG(sv_trim(buf_get(&l->run.complaints))));
	l->stage = UNPINNING;
	(void)msg_unpin_send(r, ROLE_STORE, &m);
	(void)loop_timer_set(st->timer, PIN_SEC * 1000000LL);
}

int
vlive_on_pinned(struct role *r, enum role_id from UNUSED, void *msg)
{
	const struct msg_pinned *m = msg;
	struct validate_role *st = r->state;
	struct vlive *l = st->vlive;

	if (l == NULL || l->stage != PINNING || m->req != l->req)
		return 0;
	if (m->code < 0) {
		role_log(r, LOG_LEVEL_ERROR, "the store keeps no pages for us: %s",
		    err_str((int)m->code));
		return 0;	/* the timer asks again */
	}
	l->pin = m->pin;
	(void)loop_timer_set(st->timer, KEEP_SEC * 1000000LL);
	run_start(r);
	return 0;
}

int
vlive_on_unpinned(struct role *r, enum role_id from UNUSED, void *msg)
{
	const struct msg_unpinned *m = msg;
	struct validate_role *st = r->state;
	struct vlive *l = st->vlive;

	if (l == NULL || l->stage != UNPINNING || m->pin != l->pin)
		return 0;
	loop_timer_stop(st->timer);
	if (m->code < 0) {
		/* What was read may be of two times: throw it away, points and all. */
		l->n_lost_pins++;
		l->dirty = true;
		run_finish(r, -EAGAIN);
		return 0;
	}
	run_finish(r, 0);
	return 0;
}

/* --- what others say --- */

int
vlive_on_ring(struct role *r, enum role_id from UNUSED, void *msg)
{
	const struct msg_ring *m = msg;
	struct validate_role *st = r->state;

	if (st->ring != NULL)
		return -EBADMSG;	/* one for a life */
	return ring_open(m->memory, &st->ring);
}

int
vlive_on_changed(struct role *r, enum role_id from UNUSED, void *msg UNUSED)
{
	struct validate_role *st = r->state;

	if (st->vlive != NULL)
		dirty(r);
	return 0;
}

/* Who fetches has begun anew: the next run's end tells it what is wanted. */
int
vlive_on_ask(struct role *r, enum role_id from UNUSED, void *msg UNUSED)
{
	struct validate_role *st = r->state;

	if (st->vlive != NULL)
		dirty(r);
	return 0;
}

static int
known_add(struct vlive *l, struct sv name)
{
	struct sv key;

	if (l->known.n >= KNOWN_MAX || map_find(&l->known, name) != NULL)
		return 0;
	key = pool_sv(l->known_pool, name);
	return key.p == NULL ? -ENOMEM : map_add(&l->known, key, l);
}

/* What came while a run was reading the map. */
static int
known_late_add(struct vlive *l)
{
	struct sv lines = buf_get(&l->known_late), line;
	int rc = 0;

	while (rc == 0 && sv_line(&lines, &line))
		rc = known_add(l, line);
	l->known_late.len = 0;
	return rc;
}

/* The first word of a source may be what the first snapshot waits for. */
int
vlive_on_result(struct role *r, enum role_id from UNUSED, void *msg)
{
	const struct msg_source_result *m = msg;
	struct validate_role *st = r->state;
	struct vlive *l = st->vlive;
	int rc = 0;

	if (l == NULL)
		return 0;
	if (told_put(l->told, m->key, m->json) && !l->telling)
		l->telling = loop_timer_set(l->told_timer, TOLD_USEC) == 0;
	if (l->published)
		return 0;
	if (l->stage != RUNNING)
		rc = known_add(l, m->key);
	else if (l->known_late.len < KNOWN_LATE_MAX) {
		buf_sv(&l->known_late, m->key);
		buf_char(&l->known_late, '\n');
	}
	dirty(r);
	return rc;
}

static void
published_close(struct vlive *l)
{
	if (l->pub_open)
		file_unmap(&l->pub_map);
	l->pub_open = false;
	fd_close(&l->pub_fd);
}

static void
published_open(struct role *r)
{
	struct validate_role *st = r->state;
	struct vlive *l = st->vlive;
	int rc;

	published_close(l);
	l->has_pub_next = false;
	l->pub_fd = l->pub_next.snapshot;
	rc = memfd_map(l->pub_fd, true, (size_t)1 << 30, &l->pub_map);
	/* The store has just compared the sums; most of it we made ourselves. */
	if (rc == 0 && (rc = snapshot_open(l->pub_map.data.p, l->pub_map.data.n,
	    NULL, &l->pub)) < 0)
		file_unmap(&l->pub_map);
	l->pub_open = rc == 0;
	if (rc < 0)
		role_log(r, LOG_LEVEL_ERROR, "cannot read the published snapshot: %s", err_str(rc));
	else if (l->pub.built > 0)
		l->published = true;
}

int
vlive_on_use(struct role *r, enum role_id from UNUSED, void *msg)
{
	struct msg_snapshot_use *m = msg;
	struct validate_role *st = r->state;
	struct vlive *l = st->vlive;

	/*
	 * The store starts (again): what was sent while it was down was lost. A
	 * run without changes is cheap, and brings it.
	 */
	if (m->first != 0 && st->n_runs > 0) {
		if (l != NULL)
			dirty(r);
		else if (!st->is_live) {
			st->next = 0;
			(void)loop_timer_set(st->timer, 0);
		}
	}
	if (l == NULL || m->behind > 0)
		return 0;
	if (l->has_pub_next)
		fd_close(&l->pub_next.snapshot);
	l->pub_next = *m;
	l->has_pub_next = true;
	m->snapshot = -1;
	if (l->stage != RUNNING)
		published_open(r);
	return 0;
}

int
vlive_on_release(struct role *r, enum role_id from UNUSED, void *msg)
{
	const struct msg_guard_release *m = msg;
	struct validate_role *st = r->state;
	struct vlive *l = st->vlive;
	struct msg_guard_answer a = { .req = m->req, .code = 1 };
	uint8_t hash[SNAPSHOT_SUM_LEN];
	char details[512];

	if (l == NULL || !l->is_holding)
		a.text = SV("nothing is held");
	else if (hex_decode(hash, sizeof(hash), m->hash) < 0 ||
	    memcmp(hash, l->holding, sizeof(hash)) != 0)
		a.text = SV("another set is held now; see \"sekisho status\"");
	else {
		memcpy(l->released, hash, sizeof(hash));
		l->has_released = true;
		(void)snprintf(details, sizeof(details), "{\"hash\":\"%.*s\",\"by\":\"%.*s\"}",
		    SV_ARG(m->hash), SV_ARG(m->who));
		role_audit(r, "guard-released", sv_str(details));
		a.code = 0;
		a.text = SV("released");
		dirty(r);
	}
	return msg_guard_answer_send(r, ROLE_PARENT, &a);
}

/* --- life --- */

bool
vlive_busy(const struct validate_role *st)
{
	return st->vlive != NULL && (st->vlive->stage == RUNNING || st->vlive->stage == UNPINNING);
}

int
vlive_start(struct role *r)
{
	struct validate_role *st = r->state;
	const struct live_conf conf = { .objects = st->objects, .facts = st->facts,
	    .thickens = true, .verify = arith, .arg = st };
	struct msg_snapshot_ask ask = { .history = 0 };
	struct vlive *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return -ENOMEM;
	st->vlive = l;
	l->r = r;
	l->pub_fd = l->found_fd = -1;
	l->next = TIME_NEVER;
	l->born_mono = clock_mono_usec();
	l->dirty = true;
	if ((l->live = live_new(&conf)) == NULL ||
	    (l->known_pool = pool_new((size_t)256 << 20)) == NULL ||
	    (l->told = told_new()) == NULL ||
	    (l->told_timer = loop_timer_add(r->loop, on_told, r)) == NULL ||
	    (st->timer = loop_timer_add(r->loop, on_timer, r)) == NULL)
		return -ENOMEM;
	(void)msg_snapshot_ask_send(r, ROLE_STORE, &ask);
	arm(r);
	return 0;
}

void
vlive_status(const struct validate_role *st, struct json *j)
{
	const struct vlive *l = st->vlive;
	char hex[2 * SNAPSHOT_SUM_LEN + 1], when[TIME_STRLEN];

	json_kv_bool(j, "settled", l->settled);
	json_kv_u64(j, "signatures_known", l->counts.n_facts);
	json_kv_u64(j, "signatures_computed", l->counts.n_computed);
	json_kv_u64(j, "points_kept", l->counts.n_kept);
	json_kv_str(j, "next_by_time", time_str(l->next, when));
	json_kv_u64(j, "pins_lost", l->n_lost_pins);
	json_key(j, "guard");
	json_open(j, '{');
	json_kv_u64(j, "held", l->is_holding ? l->guard.n_held : 0);
	if (l->is_holding) {
		json_kv_str(j, "hash", hex_encode(hex, l->holding, sizeof(l->holding)));
		json_kv_str(j, "until", time_str(l->guard.until, when));
	}
	json_close(j, '}');
}
