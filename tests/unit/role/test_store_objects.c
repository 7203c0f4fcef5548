/*
 * The store's program, talked to as its parent passes frames on: sources,
 * stages, pins and facts, and what it makes of them when it is killed in
 * between. It runs in its sandbox.
 */
#include "../tap.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "crypto/crypto.h"
#include "role/role.h"
#include "store/objects.h"
#include "sys/memfd.h"
#include "sys/proc.h"

#define KEY		"https://a.example/n.xml"
#define WAIT_USEC	60000000

static char dir[64], folder[96];
static unsigned n_logged;

/* One life of the program, and the last answer of each kind. */
struct life {
	struct loop		*loop;
	struct chan		*chan;
	struct loop_timer	*late;
	pid_t			 pid;
	enum msg_type		 wanted;
	bool			 came, closed;
	int64_t			 code;
	uint64_t		 n;		/* names, changed, pin: what the answer has */
	uint32_t		 source;
	enum role_id		 to;
	char			 text[4000];
	bool			 early;		/* objects_changed, before it was waited for */
	unsigned		 early_to;
	char			 early_key[256];
};

/* --- answers --- */

static void
answer_keep(struct life *l, const struct frame *f, const void *msg)
{
	const struct msg_source_opened *opened = msg;
	const struct msg_batch_done *batch = msg;
	const struct msg_commit_done *commit = msg;
	const struct msg_objects_changed *changed = msg;
	const struct msg_pinned *pinned = msg;
	const struct msg_unpinned *unpinned = msg;
	const struct msg_status_answer *status = msg;
	struct sv text = { NULL, 0 };

	switch (f->def->type) {
	case MSG_source_opened:
		l->code = opened->code;
		l->source = opened->source;
		l->n = opened->names;
		text = opened->state;
		break;
	case MSG_batch_done:
		l->code = batch->code;
		break;
	case MSG_commit_done:
		l->code = commit->code;
		l->n = commit->changed;
		break;
	case MSG_objects_changed:
		l->n = changed->changed;
		text = changed->key;
		break;
	case MSG_pinned:
		l->code = pinned->code;
		l->n = pinned->pin;
		break;
	case MSG_unpinned:
		l->code = unpinned->code;
		break;
	case MSG_status_answer:
		text = status->json;
		break;
	default:
		break;
	}
	(void)snprintf(l->text, sizeof(l->text), "%.*s", SV_ARG(text));
}

static int
on_frame(void *arg, struct frame *f)
{
	_Alignas(16) uint8_t msg[1024] = { 0 };
	struct life *l = arg;

	assert_true(f->def->size <= sizeof(msg));
	assert_int_equal(frame_read(f, msg), 0);
	if (f->def->type == MSG_log) {
		const struct msg_log *m = (const struct msg_log *)(const void *)msg;

		print_message("# store: %.*s\n", SV_ARG(m->text));
		n_logged++;
	}
	/* It may come together with the answer that is waited for. */
	if (f->def->type == MSG_objects_changed && l->wanted != MSG_objects_changed) {
		const struct msg_objects_changed *m = (const struct msg_objects_changed *)(const void *)msg;

		l->early = true;
		l->early_to = f->to;
		(void)snprintf(l->early_key, sizeof(l->early_key), "%.*s", SV_ARG(m->key));
	}
	if (f->def->type == l->wanted) {
		l->came = true;
		l->to = f->to;
		answer_keep(l, f, msg);
		loop_stop(l->loop);
	}
	frame_msg_close(f->def, msg);
	return 0;
}

static void
on_closed(void *arg, int rc UNUSED)
{
	struct life *l = arg;

	l->closed = true;
	loop_stop(l->loop);
}

static void
on_late(void *arg)
{
	struct life *l = arg;

	loop_stop(l->loop);
}

static void
send_msg(struct life *l, enum msg_type type, enum role_id from, const void *msg)
{
	assert_int_equal(chan_send(l->chan, message_def((uint16_t)type), (uint8_t)from, ROLE_STORE,
	    msg), 0);
}

/* Until it comes; false: it did not, or the program ended. */
static bool
wait_for(struct life *l, enum msg_type type)
{
	l->wanted = type;
	l->came = false;
	if (type == MSG_objects_changed && l->early) {
		l->early = false;
		l->to = l->early_to;
		(void)snprintf(l->text, sizeof(l->text), "%s", l->early_key);
		return true;
	}
	assert_int_equal(loop_timer_set(l->late, WAIT_USEC), 0);
	if (!l->closed)
		(void)loop_run(l->loop);
	loop_timer_stop(l->late);
	return l->came;
}

/* --- lives --- */

static void
born(struct life *l)
{
	struct msg_start start = { .no_sandbox = 0 };
	struct msg_store_conf conf = { .state = sv_str(dir), .keep = 4, .live = 1,
	    .objects_mb = 8192, .grace = 3600 };
	char path[4096];
	int fd;

	*l = (struct life){ .loop = loop_new() };
	l->late = loop_timer_add(l->loop, on_late, l);
	(void)snprintf(path, sizeof(path), "%s/src/role/sekisho-store",
	    getenv("SEKISHO_BUILD") != NULL ? getenv("SEKISHO_BUILD") : ".");
	assert_int_equal(proc_spawn(path, &l->pid, &fd), 0);
	l->chan = chan_new(l->loop, fd, &messages, on_frame, on_closed, l);
	assert_non_null(l->chan);
	(void)snprintf(path, sizeof(path), "%s/log", dir);
	assert_true((conf.object_log = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600)) >= 0);
	send_msg(l, MSG_start, ROLE_PARENT, &start);
	send_msg(l, MSG_store_conf, ROLE_PARENT, &conf);
	(void)close(conf.object_log);
	assert_true(wait_for(l, MSG_ready));
}

static int
dies(struct life *l, int signo)
{
	int status;

	if (signo != 0)
		(void)kill(l->pid, signo);
	assert_int_equal(waitpid(l->pid, &status, 0), l->pid);
	(void)loop_timer_del(l->late);
	(void)chan_free(l->chan);
	(void)loop_free(l->loop);
	return status;
}

/* --- what fetch does --- */

static void
source_open(struct life *l)
{
	const struct msg_source_open m = { .req = 1, .key = SV(KEY) };

	send_msg(l, MSG_source_open, ROLE_FETCH, &m);
	assert_true(wait_for(l, MSG_source_opened));
	assert_int_equal(l->to, ROLE_FETCH);
	assert_int_equal(l->code, 0);
}

/* One record: publish uri with text, or a byte too few. */
static int64_t
batch(struct life *l, uint32_t source, uint32_t seq, const char *uri, const char *text, size_t cut)
{
	struct msg_batch m = { .source = source, .seq = seq, .replace = 1 };
	const uint8_t head[8] = { OBJECTS_PUBLISH, 0, 0, (uint8_t)strlen(uri), 0, 0, 0,
	    (uint8_t)strlen(text) };
	struct buf b = BUF_INIT;

	buf_bytes(&b, head, sizeof(head));
	buf_str(&b, uri);
	buf_str(&b, text);
	assert_int_equal(memfd_of("batch", sv_take(buf_get(&b), b.len - cut), &m.records), 0);
	send_msg(l, MSG_batch, ROLE_FETCH, &m);
	(void)close(m.records);
	buf_done(&b);
	assert_true(wait_for(l, MSG_batch_done));
	return l->code;
}

static int64_t
commit(struct life *l, uint32_t source, bool replace, const char *state)
{
	const struct msg_commit m = { .source = source, .replace = replace,
	    .state = sv_str(state) };

	send_msg(l, MSG_commit, ROLE_FETCH, &m);
	assert_true(wait_for(l, MSG_commit_done));
	return l->code;
}

static struct objects_view *
view(struct objects_reader **r)
{
	struct objects_view *v = NULL;

	assert_int_equal(objects_reader_open(folder, crypto_sha256, r), 0);
	assert_int_equal(objects_view_new(*r, &v), 0);
	return v;
}

/* The store holds uri -> text of the source, and the source says state. */
static void
holds(const char *uri, const char *text, const char *state)
{
	uint8_t h[OBJECTS_HASH_LEN];
	struct objects_reader *r = NULL;
	struct objects_view *v = view(&r);
	struct objects_source s;
	struct sv got;

	assert_int_equal(objects_view_source(v, SV(KEY), &s), 0);
	assert_true(sv_eq_str(s.state, state));
	assert_int_equal(objects_view_name(v, s.id, sv_str(uri), h), 0);
	assert_int_equal(objects_view_get(v, h, &got), 0);
	assert_true(sv_eq_str(got, text));
	(void)objects_view_free(v);
	(void)objects_reader_free(r);
}

/* --- tests --- */

static void
stages(void **state UNUSED)
{
	struct life l;

	born(&l);
	assert_int_equal(batch(&l, 1, 0, "u", "x", 0), SE_STALE);	/* nobody opened it */
	assert_int_equal(commit(&l, 1, false, "s"), SE_STALE);
	source_open(&l);
	assert_int_equal(l.n, 0);
	assert_string_equal(l.text, "");
	assert_int_equal(batch(&l, l.source, 1, "u", "x", 0), SE_STALE);	/* one is missing */
	assert_int_equal(batch(&l, l.source, 0, "u", "one", 0), 0);
	assert_int_equal(batch(&l, l.source, 1, "v", "two", 0), 0);
	assert_int_equal(batch(&l, l.source, 3, "w", "three", 0), SE_STALE);
	assert_int_equal(commit(&l, l.source, true, "first"), 0);
	assert_int_equal(l.n, 2);
	assert_true(wait_for(&l, MSG_objects_changed));
	assert_int_equal(l.to, ROLE_VALIDATE);
	assert_string_equal(l.text, KEY);
	holds("u", "one", "first");
	/* Nothing new but the state. */
	assert_int_equal(commit(&l, l.source, false, "second"), 0);
	assert_int_equal(l.n, 0);
	holds("v", "two", "second");
	/* A bad batch, and what is left of its stage. */
	assert_int_equal(batch(&l, l.source, 0, "u", "other", 1), -EBADMSG);
	assert_int_equal(commit(&l, l.source, true, "third"), -EBADMSG);
	holds("u", "one", "second");
	source_open(&l);
	assert_int_equal(l.n, 2);
	assert_string_equal(l.text, "second");
	(void)dies(&l, SIGTERM);
}

/* Killed in the middle of a stage: the next life does not commit its second half. */
static void
half_a_stage(void **state UNUSED)
{
	struct life l;
	uint32_t source;

	born(&l);
	source_open(&l);
	source = l.source;
	assert_int_equal(batch(&l, source, 0, "u", "one", 0), 0);
	assert_int_equal(commit(&l, source, true, "good"), 0);
	assert_int_equal(batch(&l, source, 0, "u", "half", 0), 0);
	(void)dies(&l, SIGKILL);
	born(&l);
	assert_int_equal(batch(&l, source, 1, "v", "second half", 0), SE_STALE);
	assert_int_equal(commit(&l, source, true, "bad"), SE_STALE);
	assert_int_equal(commit(&l, source, false, "bad"), SE_STALE);
	holds("u", "one", "good");
	/* And who brings it is started anew, while the store is not. */
	source_open(&l);
	assert_int_equal(batch(&l, source, 0, "u", "half", 0), 0);
	source_open(&l);
	assert_int_equal(batch(&l, source, 1, "v", "second half", 0), SE_STALE);
	assert_int_equal(commit(&l, source, false, "good still"), 0);
	holds("u", "one", "good still");
	(void)dies(&l, SIGTERM);
}

static int64_t
pin(struct life *l)
{
	const struct msg_pin m = { .req = 9 };

	send_msg(l, MSG_pin, ROLE_VALIDATE, &m);
	assert_true(wait_for(l, MSG_pinned));
	return l->code;
}

static int64_t
unpin(struct life *l, uint32_t id)
{
	const struct msg_unpin m = { .pin = id };

	send_msg(l, MSG_unpin, ROLE_VALIDATE, &m);
	assert_true(wait_for(l, MSG_unpinned));
	return l->code;
}

static void
pins(void **state UNUSED)
{
	struct life l;
	uint32_t first, second;

	born(&l);
	assert_int_equal(pin(&l), 0);
	first = (uint32_t)l.n;
	assert_int_equal(unpin(&l, first), 0);
	assert_true(unpin(&l, first) < 0);
	/* A reader that begins again gives its former pin up. */
	assert_int_equal(pin(&l), 0);
	first = (uint32_t)l.n;
	assert_int_equal(pin(&l), 0);
	second = (uint32_t)l.n;
	assert_true(unpin(&l, first) < 0);
	assert_int_equal(unpin(&l, second), 0);
	/* Nor is a pin of a former life of the store one of this. */
	assert_int_equal(pin(&l), 0);
	first = (uint32_t)l.n;
	(void)dies(&l, SIGKILL);
	born(&l);
	assert_int_equal(pin(&l), 0);
	assert_true(unpin(&l, first) < 0);
	assert_int_equal(unpin(&l, (uint32_t)l.n), 0);
	/* Readers that die: the file is looked through, and is good. */
	for (int i = 0; i < 8; i++)
		assert_int_equal(pin(&l), 0);
	(void)dies(&l, SIGTERM);
}

static void
facts(void **state UNUSED)
{
	static const uint8_t keys[64] = { 1, 2, 3 };
	struct msg_facts m = { .keys = { (const char *)keys, sizeof(keys) } };
	const struct msg_status_ask ask = { .id = 5 };
	struct objects_reader *r = NULL;
	struct objects_view *v;
	struct life l;
	bool seen = false;

	born(&l);
	send_msg(&l, MSG_facts, ROLE_VERIFY, &m);
	for (int i = 0; i < 1200 && !seen; i++) {
		(void)usleep(50000);
		v = view(&r);
		seen = objects_view_fact(v, keys) != OBJECTS_FACT_NONE;
		(void)objects_view_free(v);
		(void)objects_reader_free(r);
	}
	assert_true(seen);
	send_msg(&l, MSG_status_ask, ROLE_PARENT, &ask);
	assert_true(wait_for(&l, MSG_status_answer));
	assert_non_null(strstr(l.text, "\"facts\":2"));
	assert_non_null(strstr(l.text, "\"set_aside\":false"));
	/* A part of a fact: verify speaks nonsense, or somebody else does. */
	m.keys.n = 33;
	send_msg(&l, MSG_facts, ROLE_VERIFY, &m);
	assert_false(wait_for(&l, MSG_batch));
	assert_true(l.closed);
	(void)dies(&l, 0);
}

/* A damaged file: it starts, serves, and says so. */
static void
damaged(void **state UNUSED)
{
	const struct msg_status_ask ask = { .id = 5 };
	struct life l;
	char path[128];

	born(&l);
	source_open(&l);
	(void)dies(&l, SIGTERM);
	(void)snprintf(path, sizeof(path), "%s/data.mdb", folder);
	assert_int_equal(truncate(path, 20000), 0);
	born(&l);
	send_msg(&l, MSG_status_ask, ROLE_PARENT, &ask);
	assert_true(wait_for(&l, MSG_status_answer));
	assert_non_null(strstr(l.text, "\"set_aside\":true"));
	source_open(&l);
	assert_int_equal(batch(&l, l.source, 0, "u", "one", 0), 0);
	assert_int_equal(commit(&l, l.source, true, "good"), 0);
	holds("u", "one", "good");
	(void)dies(&l, SIGTERM);
}

/* A file of an older version: it starts with an empty one, and says why in a line of its log. */
static void
older(void **state UNUSED)
{
	static const char head[] = "sekisho-objects ";
	const struct msg_status_ask ask = { .id = 5 };
	struct life l;
	char path[128], *file;
	ssize_t n;
	int fd;

	born(&l);
	source_open(&l);
	assert_int_equal(batch(&l, l.source, 0, "u", "one", 0), 0);
	assert_int_equal(commit(&l, l.source, true, "good"), 0);
	(void)dies(&l, SIGTERM);
	(void)snprintf(path, sizeof(path), "%s/data.mdb", folder);
	assert_true((fd = open(path, O_RDWR)) >= 0);
	file = malloc(1 << 20);
	assert_true((n = pread(fd, file, 1 << 20, 0)) > 0);
	for (char *p = file; (p = memmem(p, (size_t)(file + n - p), head, sizeof(head) - 1)) != NULL; )
		*(p += sizeof(head) - 1) = '1';
	assert_int_equal(pwrite(fd, file, (size_t)n, 0), n);
	(void)close(fd);
	free(file);
	n_logged = 0;
	for (int i = 0; i < 2; i++) {
		born(&l);
		send_msg(&l, MSG_status_ask, ROLE_PARENT, &ask);
		assert_true(wait_for(&l, MSG_status_answer));
		assert_non_null(strstr(l.text, "\"objects\":{\"good\":true"));
		assert_non_null(strstr(l.text, "\"set_aside\":false"));
		/* Once, not with each start. */
		assert_int_equal(n_logged, 1);
		source_open(&l);
		assert_int_equal(l.n, i);
		assert_int_equal(batch(&l, l.source, 0, "u", "one", 0), 0);
		assert_int_equal(commit(&l, l.source, true, "good"), 0);
		holds("u", "one", "good");
		(void)dies(&l, SIGTERM);
	}
}

static int
setup(void **state UNUSED)
{
	char path[128];

	(void)snprintf(dir, sizeof(dir), "/tmp/sekisho-role-XXXXXX");
	if (mkdtemp(dir) == NULL)
		return -1;
	(void)snprintf(folder, sizeof(folder), "%s/objects", dir);
	(void)snprintf(path, sizeof(path), "%s/snapshots", dir);
	return mkdir(path, 0750);
}

static int
teardown(void **state UNUSED)
{
	char cmd[128];

	(void)snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	return system(cmd);
}

#define S(fn)	cmocka_unit_test_setup_teardown(fn, setup, teardown)

TESTS_MAIN("role-store-objects", S(stages), S(half_a_stage), S(pins), S(facts), S(damaged),
    S(older))
