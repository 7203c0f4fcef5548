#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/rd.h"
#include "role/fetch_stage.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/memfd.h"
#include "sys/proc.h"

#define TICK_USEC	2000000

enum stage_is {
	STAGE_OPENING,
	STAGE_OPEN,
	STAGE_COMMIT_WANTED,	/* batches are under way still */
	STAGE_COMMITTING,
	STAGE_CLOSED,		/* answers are still to come, and mean nothing */
};

struct stage {
	struct stage		*next;
	struct stages		*all;
	const struct stage_ops	*ops;
	void			*arg;
	enum stage_is		 is;
	uint32_t		 req, source, seq;
	struct buf		 batch;
	bool			 replace, any;	/* any: a batch was sent */
	bool			 was_full;
	unsigned		 n_under_way;	/* batches of this stage */
	unsigned		 n_late;	/* answers to batches that were dropped */
	int			 rc;		/* the stage has failed */
	int64_t			 waits;		/* since; 0: for nothing */
	struct buf		 state;		/* of the commit */
};

struct stages {
	struct role		*role;
	struct stage		*head;
	struct loop_timer	*tick;
	uint32_t		 last_req;
};

static int64_t
mono_ms(void)
{
	return clock_mono_usec() / 1000;
}

/* --- life --- */

static void	tick(void *arg);

struct stages *
stages_new(struct role *r)
{
	struct stages *all = calloc(1, sizeof(*all));

	if (all == NULL)
		return NULL;
	all->role = r;
	/* What a former life asked is answered to us: none of it has our numbers. */
	if (random_fill(&all->last_req, sizeof(all->last_req)) < 0) {
		free(all);
		return NULL;
	}
	if ((all->tick = loop_timer_add(r->loop, tick, all)) == NULL) {
		free(all);
		return NULL;
	}
	(void)loop_timer_set(all->tick, TICK_USEC);
	return all;
}

static void
stage_free(struct stage *s)
{
	struct stage **at = &s->all->head;

	while (*at != s)
		at = &(*at)->next;
	*at = s->next;
	buf_done(&s->batch);
	buf_done(&s->state);
	free(s);
}

struct stage *
stage_open(struct stages *all, struct sv key, const struct stage_ops *ops, void *arg)
{
	struct stage *s = calloc(1, sizeof(*s));
	struct msg_source_open m = { .key = key };

	if (s == NULL)
		return NULL;
	*s = (struct stage){ .next = all->head, .all = all, .ops = ops, .arg = arg,
	    .req = ++all->last_req, .waits = mono_ms() };
	all->head = s;
	m.req = s->req;
	/* What is not sent is not answered: tick() says so. */
	s->rc = msg_source_open_send(all->role, ROLE_STORE, &m);
	return s;
}

static void
abort_send(struct stage *s)
{
	const struct msg_stage_abort m = { .source = s->source };

	if (s->any || s->n_under_way > 0)
		(void)msg_stage_abort_send(s->all->role, ROLE_STORE, &m);
	s->any = false;
}

void
stage_drop(struct stage *s)
{
	abort_send(s);
	s->n_late += s->n_under_way;
	s->n_under_way = 0;
	s->batch.len = 0;
	s->was_full = false;
	s->rc = 0;
	s->waits = 0;
	s->is = STAGE_OPEN;
}

struct stage *
stage_close(struct stage *s)
{
	if (s == NULL)
		return NULL;
	if (s->is != STAGE_OPENING && s->is != STAGE_COMMITTING)
		stage_drop(s);
	s->is = STAGE_CLOSED;
	s->waits = mono_ms();
	return NULL;
}

/* --- filling --- */

void
stage_begin(struct stage *s, bool replace)
{
	s->replace = replace;
	s->any = false;
	s->seq = 0;
	s->batch.len = 0;
	s->rc = 0;
}

static int
batch_send(struct stage *s)
{
	struct msg_batch m = { .source = s->source, .seq = s->seq, .replace = s->replace };
	_cleanup_(fd_close) int fd = -1;
	int rc = s->batch.rc;

	if (rc == 0)
		rc = memfd_of("batch", buf_get(&s->batch), &fd);
	if (rc < 0)
		return rc;
	m.records = fd;
	if ((rc = msg_batch_send(s->all->role, ROLE_STORE, &m)) < 0)
		return rc;
	s->seq++;
	s->batch.len = 0;
	s->any = true;
	s->n_under_way++;
	s->waits = mono_ms();
	return 0;
}

/* Send what has gathered, if it is enough and may be under way. */
static void
batch_pump(struct stage *s, bool last)
{
	if (s->rc == 0 && s->batch.len > 0 && s->n_under_way < STAGE_UNDER_WAY &&
	    (last || s->batch.len >= STAGE_BATCH))
		s->rc = batch_send(s);
}

int
stage_change(struct stage *s, enum objects_op op, struct sv uri, struct sv bytes,
    const uint8_t *old)
{
	uint8_t head[8];
	struct wr w = wr_mem(head, sizeof(head));

	if (s->rc < 0)
		return s->rc;
	if (uri.n > UINT16_MAX || bytes.n > UINT32_MAX)
		return SE_LIMIT;
	wr_u8(&w, (uint8_t)op);
	wr_u8(&w, old != NULL);
	wr_be16(&w, (uint16_t)uri.n);
	wr_be32(&w, (uint32_t)bytes.n);
	buf_bytes(&s->batch, head, w.len);
	if (old != NULL)
		buf_bytes(&s->batch, old, OBJECTS_HASH_LEN);
	buf_sv(&s->batch, uri);
	buf_sv(&s->batch, bytes);
	if (s->batch.rc < 0)
		return s->batch.rc;
	batch_pump(s, false);
	return s->rc;
}

bool
stage_full(struct stage *s)
{
	s->was_full = s->rc == 0 && s->batch.len >= STAGE_BATCH;
	return s->was_full;
}

/* --- the end --- */

static void
done(struct stage *s, int rc, uint64_t changed, uint64_t names)
{
	s->is = STAGE_OPEN;
	s->waits = 0;
	s->any = false;
	s->ops->done(s->arg, rc, changed, names);
}

static void
commit_send(struct stage *s)
{
	const struct msg_commit m = { .source = s->source, .replace = s->replace,
	    .state = buf_get(&s->state) };

	if ((s->rc = msg_commit_send(s->all->role, ROLE_STORE, &m)) < 0)
		return;
	s->is = STAGE_COMMITTING;
	s->waits = mono_ms();
}

/* A stage that waits to be committed: the last batch, its answer, the commit. */
static void
commit_pump(struct stage *s)
{
	batch_pump(s, true);
	if (s->rc == 0 && s->batch.len == 0 && s->n_under_way == 0)
		commit_send(s);
}

void
stage_commit(struct stage *s, struct sv state)
{
	s->state.len = 0;
	buf_sv(&s->state, state);
	if (s->state.rc < 0)
		s->rc = s->state.rc;
	s->is = STAGE_COMMIT_WANTED;
	s->waits = mono_ms();
	if (s->rc == 0)
		commit_pump(s);
	/* A failure is told from the loop. */
	if (s->rc < 0)
		(void)loop_timer_set(s->all->tick, 0);
}

/* The store has failed us. */
static void
failed(struct stage *s, int rc)
{
	enum stage_is was = s->is;

	s->rc = rc;
	if (was == STAGE_OPENING) {
		s->is = STAGE_OPEN;
		s->waits = 0;
		s->ops->opened(s->arg, rc, SV(""), 0);
		return;
	}
	abort_send(s);
	s->n_late += s->n_under_way;
	s->n_under_way = 0;
	s->batch.len = 0;
	/* Who fills it hears of it with the next change; who waits, now. */
	if (was == STAGE_COMMIT_WANTED || was == STAGE_COMMITTING)
		done(s, rc, 0, 0);
	else if (s->was_full) {
		s->was_full = false;
		s->ops->room(s->arg);
	}
}

static void
tick(void *arg)
{
	struct stages *all = arg;
	int64_t now = mono_ms();

	(void)loop_timer_set(all->tick, TICK_USEC);
	for (struct stage *s = all->head, *next; s != NULL; s = next) {
		bool late = s->waits != 0 && now - s->waits > STAGE_WAIT_MS;

		next = s->next;
		if (s->is == STAGE_CLOSED) {
			if (s->n_late == 0 || late)
				stage_free(s);
		} else if (late)
			failed(s, -ETIMEDOUT);
		else if (s->rc < 0 && (s->is == STAGE_OPENING || s->is == STAGE_COMMIT_WANTED))
			failed(s, s->rc);
	}
}

/*
 * The store lives anew: what its former life was given is gone, and what it was
 * asked will not be answered. Its answer to an opening may be on its way.
 */
static void
lost(struct stages *all)
{
	int64_t soon = mono_ms() - STAGE_WAIT_MS + STAGE_AGAIN_MS;

	for (struct stage *s = all->head, *next; s != NULL; s = next) {
		next = s->next;
		if (s->is == STAGE_CLOSED) {
			s->n_late = 0;
			s->waits = min_i64(s->waits, soon);
		} else if (s->is == STAGE_OPENING)
			s->waits = min_i64(s->waits, soon);
		else if (s->any || s->waits != 0 || s->n_under_way > 0) {
			s->n_under_way = 0;
			failed(s, -EPIPE);
		}
	}
}

/* --- answers --- */

int
stages_on_opened(struct stages *all, const struct msg_source_opened *m)
{
	if (m->req == 0) {
		lost(all);
		return 0;
	}
	for (struct stage *s = all->head; s != NULL; s = s->next) {
		if (s->req != m->req || (s->is != STAGE_OPENING && s->is != STAGE_CLOSED))
			continue;
		s->source = m->source;
		if (s->is == STAGE_CLOSED)
			return 0;
		s->is = STAGE_OPEN;
		s->waits = 0;
		s->ops->opened(s->arg, m->code < 0 ? (int)m->code : 0, m->state, m->names);
		return 0;
	}
	return 0;
}

/* The one that is at work; those that were closed only count what is late. */
static struct stage *
stage_of(const struct stages *all, uint32_t source, bool late)
{
	for (struct stage *s = all->head; s != NULL; s = s->next)
		if (s->source == source && s->is != STAGE_OPENING &&
		    (late ? s->n_late > 0 : s->is != STAGE_CLOSED))
			return s;
	return NULL;
}

int
stages_on_batch(struct stages *all, const struct msg_batch_done *m)
{
	struct stage *s = stage_of(all, m->source, true);

	if (s != NULL) {		/* answers come in the order of the batches */
		s->n_late--;
		return 0;
	}
	s = stage_of(all, m->source, false);
	if (s == NULL || s->n_under_way == 0)
		return 0;
	s->n_under_way--;
	s->waits = s->n_under_way > 0 || s->is == STAGE_COMMIT_WANTED ? mono_ms() : 0;
	/* A batch is never stale: that store does not know the ones before it. */
	if (m->code < 0) {
		failed(s, m->code == SE_STALE ? -EPIPE : (int)m->code);
		return 0;
	}
	if (s->is == STAGE_COMMIT_WANTED) {
		commit_pump(s);
		if (s->rc < 0)
			failed(s, s->rc);
		return 0;
	}
	batch_pump(s, false);
	if (s->was_full && s->batch.len < STAGE_BATCH) {
		s->was_full = false;
		s->ops->room(s->arg);
	}
	return 0;
}

int
stages_on_commit(struct stages *all, const struct msg_commit_done *m)
{
	struct stage *s = stage_of(all, m->source, false);

	if (s != NULL && s->is == STAGE_COMMITTING)
		done(s, m->code < 0 ? (int)m->code : 0, m->changed, m->names);
	return 0;
}
