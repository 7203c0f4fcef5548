/*
 * The rsync side: the rsync program serves (rsync --daemon, as inetd would
 * start it), a child for each connection, and we carry the bytes between it
 * and the client, so that they can be counted, slowed down and cut off. Who
 * sees which modules is a file of ours, made for each way to see them.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "lab/serve.h"
#include "sys/atomicfile.h"
#include "sys/child.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/plant.h"
#include "sys/proc.h"

#define PIPE_MAX	(32 * 1024)	/* bytes on their way, each way */
#define ACCEPT_TURN	16
#define BURST_MSEC	100
#define MANY_FOLDER	1000		/* files in one folder of rsync-many */

enum side { CLIENT, DAEMON };

/* From one side to the other. */
struct way {
	uint8_t	bytes[PIPE_MAX];
	size_t	at, len;
	bool	ended;		/* no more will come */
	bool	told;		/* … and the other side knows */
};

struct serve_rsync {
	struct serve_host	*host;
	struct serve_rsync	*next, **prev;
	int			 fd[2];		/* by enum side; DAEMON -1: nobody */
	struct loop_io		*io[2];
	struct loop_timer	*timer;
	struct way		 from[2];	/* by the side that sends */
	struct serve_strike	 strike;
	struct serve_body	 speech;	/* what we say ourselves */
	bool			 speaks;
	pid_t			 pid;		/* 0: none, or it has ended */
	uint64_t		 sent;		/* to the client */
	int64_t			 slow_usec, moved_usec, until_usec;
};

static void
rsync_free(struct serve_rsync *r)
{
	*r->prev = r->next;
	if (r->next != NULL)
		r->next->prev = r->prev;
	r->host->serve->n_rsyncs--;
	for (unsigned i = 0; i < 2; i++) {
		r->io[i] = loop_io_del(r->io[i]);
		fd_close(&r->fd[i]);
	}
	r->timer = loop_timer_del(r->timer);
	serve_body_done(&r->speech);
	proc_signal(r->pid, SIGTERM);
	free(r);
}

/* --- the bytes between --- */

static bool
is_slow(const struct serve_rsync *r)
{
	return r->strike.on && r->strike.b == SERVE_B_RSYNC_SLOW;
}

/* What may go to the client now; 0: later, or never. */
static size_t
client_share(const struct serve_rsync *r, size_t n)
{
	const struct serve_strike *k = &r->strike;

	if (k->on && k->b == SERVE_B_RSYNC_CUT)
		return k->number - r->sent < n ? (size_t)(k->number - r->sent) : n;
	if (!is_slow(r))
		return n;
	if (clock_mono_usec() < r->slow_usec)
		return 0;
	return min_size(n, max_size(1, min_size((size_t)(k->number * BURST_MSEC / 1000), PIPE_MAX)));
}

static void
client_sent(struct serve_rsync *r, size_t n)
{
	uint64_t rate = r->strike.number;

	if (is_slow(r))
		r->slow_usec = clock_mono_usec() +
		    (rate == 0 ? 3600000000ll : (int64_t)(n * 1000000 / rate));
	r->sent += n;
	r->host->stat.rsync_bytes += n;
}

/* Read from a side into its way. 0, or the connection is broken. */
static int
way_read(struct serve_rsync *r, enum side s)
{
	struct way *w = &r->from[s];
	long n;

	if (w->at < w->len || w->ended)
		return 0;
	w->at = w->len = 0;
	if (s == DAEMON && r->speaks)
		n = serve_body_read(&r->speech, w->bytes, sizeof(w->bytes));
	else if (r->fd[s] < 0)
		return 0;
	else
		n = tcp_read(r->fd[s], w->bytes, sizeof(w->bytes));
	if (n == -EAGAIN)
		return 0;
	if (n < 0)
		return (int)n;
	w->len = (size_t)n;
	w->ended = n == 0;
	r->moved_usec = clock_mono_usec();
	return 0;
}

/* Write what a side has said to the other one. */
static int
way_write(struct serve_rsync *r, enum side from)
{
	struct way *w = &r->from[from];
	int fd = r->fd[1 - from];
	size_t n = w->len - w->at;
	long sent;

	if (fd < 0) {			/* nobody listens */
		w->at = w->len;
		return 0;
	}
	if (from == DAEMON && n > 0 && (n = client_share(r, n)) == 0)
		return r->strike.b == SERVE_B_RSYNC_CUT ? SE_CLOSED : 0;
	if (n > 0 && (sent = tcp_write(fd, w->bytes + w->at, n, false)) != -EAGAIN) {
		if (sent < 0)
			return (int)sent;
		w->at += (size_t)sent;
		if (from == DAEMON)
			client_sent(r, (size_t)sent);
		r->moved_usec = clock_mono_usec();
	}
	if (w->at == w->len && w->ended && !w->told) {
		w->told = true;
		tcp_finish(fd);
	}
	return 0;
}

/* There is something to write, now; for what is to go later, the timer is set. */
static bool
is_waiting(struct serve_rsync *r, enum side from)
{
	const struct way *w = &r->from[from];
	int64_t now = clock_mono_usec();

	if (w->at == w->len)
		return false;
	if (from == CLIENT || !is_slow(r) || now >= r->slow_usec)
		return true;
	(void)loop_timer_set(r->timer, r->slow_usec - now);
	return false;
}

static void
rsync_wait(struct serve_rsync *r)
{
	for (enum side s = CLIENT; s <= DAEMON; s++) {
		const struct way *w = &r->from[s];
		unsigned what = 0;

		if (r->io[s] == NULL)
			continue;
		if (w->at == w->len && !w->ended)
			what |= LOOP_READ;
		if (is_waiting(r, 1 - s) || (s == CLIENT && r->speaks && !r->from[DAEMON].ended && !is_slow(r)))
			what |= LOOP_WRITE;
		(void)loop_io_set(r->io[s], what);
	}
}

/* Both have said all, or the one who mattered has. */
static bool
is_over(const struct serve_rsync *r)
{
	return r->from[DAEMON].told || (r->from[CLIENT].ended && r->fd[DAEMON] < 0);
}

static void
rsync_pump(struct serve_rsync *r)
{
	for (enum side s = CLIENT; s <= DAEMON; s++)
		if (way_read(r, s) < 0 || way_write(r, s) < 0) {
			rsync_free(r);
			return;
		}
	if (is_over(r)) {
		rsync_free(r);
		return;
	}
	rsync_wait(r);
}

static void
rsync_event(void *arg, int fd UNUSED, unsigned what UNUSED)
{
	rsync_pump(arg);
}

static void
rsync_due(void *arg)
{
	rsync_pump(arg);
}

/* --- what the modules are --- */

static int
links_make(const char *dir)
{
	static const struct {
		const char	*name, *target;
	} links[] = {
		{ "passwd.roa", "/etc/passwd" }, { "up", "../../../.." }, { "self", "." },
		{ "loop.cer", "loop.cer" }, { "root", "/" },
	};
	char path[SERVE_PATH_MAX];
	int rc = dir_make(dir);

	for (size_t i = 0; i < ARRAY_LEN(links) && rc == 0; i++)
		if ((rc = serve_path(path, sizeof(path), "%s/%s", dir, links[i].name)) == 0)
			rc = plant_link(links[i].target, path);
	return rc;
}

static int
huge_make(const char *dir, uint64_t size)
{
	char path[SERVE_PATH_MAX];
	int rc = dir_make(dir);

	if (rc == 0)
		rc = serve_path(path, sizeof(path), "%s/huge.roa", dir);
	return rc < 0 ? rc : plant_sparse(path, size);
}

static int
many_make(const char *dir, uint64_t n)
{
	char path[SERVE_PATH_MAX];
	int rc = 0;

	for (uint64_t i = 0; i < n && i < SERVE_FILES_MAX && rc == 0; i++) {
		unsigned folder = (unsigned)(i / MANY_FOLDER);

		if (i % MANY_FOLDER == 0 &&
		    (rc = serve_path(path, sizeof(path), "%s/%u", dir, folder)) == 0)
			rc = dir_make(path);
		if (rc == 0)
			rc = serve_path(path, sizeof(path), "%s/%u/%u.roa", dir, folder, (unsigned)i);
		if (rc == 0)
			rc = file_write(path, SV("lab\n"));
	}
	return rc;
}

/* The folder behind every module when a rule planted something; 0: none did. */
static int
planted(const struct lab_serve *s, const struct serve_strike *k, char *dir, size_t n)
{
	if (!k->on || (k->b != SERVE_B_RSYNC_LINKS && k->b != SERVE_B_RSYNC_HUGE &&
	    k->b != SERVE_B_RSYNC_MANY))
		return 0;
	if (serve_path(dir, n, "%s/%s-%llu", s->work, serve_behaviours[k->b].name,
	    (unsigned long long)k->number) < 0)
		return -ENAMETOOLONG;
	if (k->b == SERVE_B_RSYNC_LINKS)
		return links_make(dir) < 0 ? -EIO : 1;
	if (k->b == SERVE_B_RSYNC_HUGE)
		return huge_make(dir, k->number) < 0 ? -EIO : 1;
	if (file_is_dir(dir))
		return 1;
	return many_make(dir, k->number) < 0 ? -EIO : 1;
}

/* rsyncd.conf(5). Run by root, it would become nobody, who may not read the folder. */
static void
conf_head(const struct lab_serve *s, const struct serve_strike *k, struct buf *b)
{
	buf_str(b, "log file = /dev/null\nuse chroot = no\nmunge symlinks = no\nreverse lookup = no\n"
	    "read only = yes\nlist = yes\ntransfer logging = no\n");
	if (proc_is_root())
		buf_str(b, "uid = 0\ngid = 0\n");
	if (k->on && k->b == SERVE_B_RSYNC_DENIED)
		buf_str(b, "hosts deny = *\n");
	if (k->on && k->b == SERVE_B_RSYNC_AUTH)
		buf_printf(b, "auth users = lab\nstrict modes = no\nsecrets file = %s/secrets\n", s->work);
}

static int
conf_text(struct serve_host *h, const struct serve_strike *k, struct pool *pool, struct buf *b)
{
	char dir[SERVE_PATH_MAX], plant[SERVE_PATH_MAX];
	struct sv *names;
	size_t n;
	int rc, is_planted = planted(h->serve, k, plant, sizeof(plant));

	conf_head(h->serve, k, b);
	if (is_planted < 0 || (k->on && k->b == SERVE_B_RSYNC_ABSENT))
		return is_planted;
	if ((rc = serve_host_modules(h, dir, sizeof(dir))) < 0 ||
	    (rc = dir_list(pool, dir, SERVE_MODULES_MAX, &names, &n)) < 0)
		return rc;
	for (size_t i = 0; i < n; i++) {
		buf_printf(b, "[%.*s]\npath = ", SV_ARG(names[i]));
		if (is_planted > 0)
			buf_printf(b, "%s\n", plant);
		else
			buf_printf(b, "%s/%.*s\n", dir, SV_ARG(names[i]));
	}
	return b->rc;
}

static bool
text_is(const char *path, struct sv text)
{
	struct file_map m;
	bool same;

	if (file_map(path, 1 << 18, &m) < 0)
		return false;
	same = sv_eq(m.data, text);
	file_unmap(&m);
	return same;
}

/* Children read these files at any moment: never half of one. */
static int
text_keep(const char *path, struct sv text)
{
	_cleanup_(atomicfile_done) struct atomicfile f;
	int rc = atomicfile_open(&f, path);

	if (rc == 0)
		rc = fd_write_all(&f.fd, text.p, text.n);
	return rc < 0 ? rc : atomicfile_commit(&f);
}

static int
conf_make(struct serve_host *h, const struct serve_strike *k, char *path, size_t n)
{
	_cleanup_(pool_freep) struct pool *pool = pool_new(1 << 20);
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	int rc;

	if (pool == NULL)
		return -ENOMEM;
	if ((rc = serve_path(path, n, "%s/%s.%llu.%s.conf", h->serve->work, h->name,
	    (unsigned long long)h->step, k->on ? serve_behaviours[k->b].name : "good")) < 0 ||
	    (rc = conf_text(h, k, pool, &b)) < 0)
		return rc;
	return text_is(path, buf_get(&b)) ? 0 : text_keep(path, buf_get(&b));
}

/* --- life --- */

/* A pair of TCP sockets: rsync asks who its client is. */
static int
tcp_pair(int ret[static 2])
{
	_cleanup_(fd_close) int fd = -1;
	struct tcp_name name;
	int rc;

	if ((rc = tcp_listen("127.0.0.1:0", &fd, &name)) < 0 ||
	    (rc = tcp_connect(name.text, 1000, &ret[0])) < 0)
		return rc;
	if ((rc = tcp_accept(fd, &ret[1], &name)) < 0)
		fd_close(&ret[0]);
	return rc;
}

static int
daemon_start(struct serve_rsync *r)
{
	struct lab_serve *s = r->host->serve;
	char conf[SERVE_PATH_MAX], arg[SERVE_PATH_MAX];
	char *argv[] = {
		(char *)(uintptr_t)"rsync", (char *)(uintptr_t)"--daemon", arg, NULL
	};
	int pair[2], rc;

	if ((rc = conf_make(r->host, &r->strike, conf, sizeof(conf))) < 0 || (rc = tcp_pair(pair)) < 0)
		return rc;
	rc = serve_path(arg, sizeof(arg), "--config=%s", conf);
	if (rc == 0)
		rc = child_start(s->conf.rsync, argv, pair[1], &r->pid);
	fd_close(&pair[1]);
	r->fd[DAEMON] = pair[0];
	if (rc < 0)
		return rc;
	r->io[DAEMON] = loop_io_add(s->loop, r->fd[DAEMON], LOOP_READ, rsync_event, r);
	return r->io[DAEMON] == NULL ? -ENOMEM : 0;
}

/* Behaviours that need no daemon. */
static bool
speech_start(struct serve_rsync *r)
{
	const struct serve_strike *k = &r->strike;

	if (!k->on)
		return false;
	if (k->b == SERVE_B_RSYNC_STALL) {
		r->until_usec = clock_mono_usec() + (int64_t)k->number * 1000000;
		return true;
	}
	if (k->b == SERVE_B_RSYNC_GARBAGE)
		buf_bytes(&r->speech.mem, "\x00\xff\x80RSYNC?\x01\x02\x03\n\n\n", 15);
	else if (k->b == SERVE_B_RSYNC_ENDLESS) {
		buf_str(&r->speech.mem, "@RSYNCD: 31.0\n");
		r->speech.unit = serve_unit_line;
		r->speech.max = k->number;
	} else
		return false;
	r->speaks = true;
	return true;
}

static int
rsync_new(struct serve_host *h, int fd, const struct serve_strike *k)
{
	struct lab_serve *s = h->serve;
	struct serve_rsync *r = calloc(1, sizeof(*r));
	int rc = 0;

	if (r == NULL) {
		fd_close(&fd);
		return -ENOMEM;
	}
	r->host = h;
	r->fd[CLIENT] = fd;
	r->fd[DAEMON] = r->speech.fd = -1;
	r->strike = *k;
	r->moved_usec = clock_mono_usec();
	r->next = s->rsyncs;
	r->prev = &s->rsyncs;
	if (s->rsyncs != NULL)
		s->rsyncs->prev = &r->next;
	s->rsyncs = r;
	s->n_rsyncs++;
	r->io[CLIENT] = loop_io_add(s->loop, fd, LOOP_READ, rsync_event, r);
	r->timer = loop_timer_add(s->loop, rsync_due, r);
	if (r->io[CLIENT] == NULL || r->timer == NULL)
		rc = -ENOMEM;
	else if (!speech_start(r))
		rc = daemon_start(r);
	if (rc < 0)
		rsync_free(r);
	else
		rsync_pump(r);
	return rc;
}

static void
complain(const struct lab_serve *s, const struct serve_host *h, int rc)
{
	char text[300];

	(void)snprintf(text, sizeof(text), "%s: rsync: %s", h->name, err_str(rc));
	if (s->conf.log != NULL)
		s->conf.log(s->conf.arg, text);
}

void
serve_rsync_accept(struct serve_host *h)
{
	struct lab_serve *s = h->serve;
	struct tcp_name name;

	for (unsigned i = 0; i < ACCEPT_TURN; i++) {
		struct serve_strike k;
		int fd, rc;

		if (tcp_accept(h->fd[1], &fd, &name) < 0)
			return;
		h->stat.rsync_connections++;
		k = serve_strike(h, SERVE_AT_RSYNC, (struct sv){ "", 0 }, SERVE_ANY);
		if (s->n_rsyncs >= SERVE_RSYNCS_MAX || (k.on && k.b == SERVE_B_RSYNC_REFUSED))
			tcp_abort(&fd);
		else if ((rc = rsync_new(h, fd, &k)) < 0)
			complain(s, h, rc);
	}
}

static void
on_child(void *arg)
{
	struct lab_serve *s = arg;
	char text[32];
	pid_t pid;
	bool ok;

	while (proc_reap(&pid, &ok, text))
		for (struct serve_rsync *r = s->rsyncs; r != NULL; r = r->next)
			if (r->pid == pid)
				r->pid = 0;
}

int
serve_rsync_init(struct lab_serve *s)
{
	char path[SERVE_PATH_MAX];
	int rc;

	if ((rc = serve_path(path, sizeof(path), "%s/secrets", s->work)) < 0 ||
	    (rc = file_write(path, SV("lab:nobody knows\n"))) < 0)
		return rc;
	return loop_signal(s->loop, SIGCHLD, on_child, s);
}

void
serve_rsyncs_tick(struct lab_serve *s)
{
	int64_t now = clock_mono_usec();

	for (struct serve_rsync *r = s->rsyncs, *next; r != NULL; r = next) {
		int64_t limit = r->strike.on ? SERVE_MUTE_SEC : SERVE_IDLE_SEC;

		next = r->next;
		if (r->until_usec != 0 ? now >= r->until_usec : now - r->moved_usec > limit * 1000000)
			rsync_free(r);
	}
}

void
serve_rsyncs_free(struct lab_serve *s)
{
	while (s->rsyncs != NULL)
		rsync_free(s->rsyncs);
}
