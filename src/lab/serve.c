/* The lab's servers: which hosts there are, where they listen, life and end. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "lab/serve.h"
#include "sys/clock.h"
#include "sys/file.h"

#define TICK_USEC	1000000
#define NOTIFICATION	"/notification.xml"
#define POOL_MAX	((size_t)16 << 20)	/* names and paths of SERVE_HOSTS_MAX hosts */
#define USUAL_HTTPS	443
#define USUAL_RSYNC	873
#define USUAL_ROW	250	/* hosts in one 127.0.X.0/24 */

int
serve_path(char *buf, size_t n, const char *fmt, ...)
{
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vsnprintf(buf, n, fmt, ap);
	va_end(ap);
	return len < 0 || (size_t)len >= n ? -ENAMETOOLONG : 0;
}

uint64_t
serve_time_sec(const struct lab_serve *s)
{
	uint64_t flown = (uint64_t)(clock_mono_usec() - s->began_usec) / 1000000;

	return s->skipped_sec + (s->conf.still ? 0 : flown);
}

struct serve_strike
serve_strike(struct serve_host *h, enum serve_at at, struct sv path, unsigned doc)
{
	const struct serve_case c = {
		.at = at, .host = sv_str(h->name), .path = path, .doc = doc,
		.step = h->step, .time_sec = serve_time_sec(h->serve),
	};
	struct serve_strike k = serve_script_pick(&h->serve->script, &c);

	if (k.on)
		h->stat.strikes[k.b]++;
	return k;
}

/* --- files at a step --- */

static bool
is_there(const char *path)
{
	struct file_stamp st;

	return file_stamp(path, &st) == 0;
}

/* The newest N up to step for which STEM.NEND is there; false: none. */
static bool
variant_find(const struct serve_host *h, struct sv stem, const char *end, uint64_t step,
    char *buf, size_t n, uint64_t *ret)
{
	for (uint64_t i = min_size((size_t)step, SERVE_STEPS_MAX) + 1; i-- > 0;) {
		if (serve_path(buf, n, "%s%.*s.%llu%s", h->root, SV_ARG(stem),
		    (unsigned long long)i, end) < 0)
			return false;
		if (is_there(buf)) {
			*ret = i;
			return true;
		}
	}
	return false;
}

int
serve_host_file(const struct serve_host *h, struct sv path, uint64_t back, char *buf, size_t n,
    uint64_t *ret_variant)
{
	struct sv stem = sv_take(path, path.n - min_size(path.n, strlen(".xml")));
	uint64_t step = h->step > back ? h->step - back : 0, found;
	int rc;

	if (sv_ends(path, SV(NOTIFICATION)) && variant_find(h, stem, ".xml", step, buf, n, &found)) {
		*ret_variant = found + 1;
		return 0;
	}
	if ((rc = serve_path(buf, n, "%s%.*s", h->root, SV_ARG(path))) < 0)
		return rc;
	*ret_variant = 0;
	return is_there(buf) && !file_is_dir(buf) ? 0 : -ENOENT;
}

/* Is there a notification of a later step than the host's? */
static bool
has_later_step(const struct serve_host *h)
{
	char path[SERVE_PATH_MAX];

	return serve_path(path, sizeof(path), "%s/rrdp/notification.%llu.xml", h->root,
	    (unsigned long long)h->step + 1) == 0 && is_there(path);
}

int
serve_host_modules(const struct serve_host *h, char *buf, size_t n)
{
	uint64_t found;

	if (has_later_step(h) && variant_find(h, SV("/rsync"), "", h->step, buf, n, &found))
		return 0;
	return serve_path(buf, n, "%s/rsync", h->root);
}

/* --- hosts --- */

static int
fail(char *where, const char *word, int rc)
{
	(void)snprintf(where, LAB_WHERE_LEN, "%s", word);
	return rc;
}

static int
host_init(struct lab_serve *s, struct serve_host *h, struct sv name)
{
	char path[SERVE_PATH_MAX];

	h->serve = s;
	h->fd[0] = h->fd[1] = -1;
	h->name = pool_sv(s->pool, name).p;
	h->root = pool_printf(s->pool, "%s/servers/%.*s", s->conf.dir, SV_ARG(name));
	if (h->name == NULL || h->root == NULL)
		return -ENOMEM;
	return serve_path(path, sizeof(path), "%s/rsync", h->root);
}

static int
hosts_find(struct lab_serve *s, char *where)
{
	const char *dir = pool_printf(s->pool, "%s/servers", s->conf.dir);
	struct sv *names;
	size_t n;
	int rc;

	if (dir == NULL)
		return -ENOMEM;
	if ((rc = dir_list(s->pool, dir, SERVE_HOSTS_MAX, &names, &n)) < 0)
		return fail(where, dir, rc);
	if ((s->hosts = pool_calloc(s->pool, n + 1, sizeof(*s->hosts))) == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		const char *path = pool_printf(s->pool, "%s/%.*s", dir, SV_ARG(names[i]));

		if (path == NULL)
			return -ENOMEM;
		if (file_is_dir(path) && (rc = host_init(s, &s->hosts[s->n_hosts++], names[i])) < 0)
			return fail(where, path, rc);
	}
	return s->n_hosts > 0 ? 0 : fail(where, dir, -ENOENT);
}

/* --- ports --- */

static void
on_https(void *arg, int fd UNUSED, unsigned what UNUSED)
{
	serve_conn_accept(arg);
}

static void
on_rsync(void *arg, int fd UNUSED, unsigned what UNUSED)
{
	serve_rsync_accept(arg);
}

/* which: 0 HTTPS, 1 rsync. */
static int
host_address(const struct lab_serve *s, size_t i, unsigned which, char *buf, size_t n)
{
	uint32_t port = s->conf.first_port == 0 ? 0 : s->conf.first_port + 2 * (uint32_t)i + which;

	if (s->conf.usual_ports)
		return serve_path(buf, n, "127.0.%zu.%zu:%d", i / USUAL_ROW + 1, i % USUAL_ROW + 1,
		    which == 0 ? USUAL_HTTPS : USUAL_RSYNC);
	return serve_path(buf, n, "%s:%u", s->conf.listen, port);
}

static int
host_listen(struct lab_serve *s, size_t i, unsigned which, char *where)
{
	struct serve_host *h = &s->hosts[i];
	char address[TCP_TEXT_MAX];
	int rc;

	if (which == 1 && s->conf.rsync == NULL)
		return 0;
	if ((rc = host_address(s, i, which, address, sizeof(address))) < 0 ||
	    (rc = tcp_listen(address, &h->fd[which], &h->at[which])) < 0)
		return fail(where, h->name, rc);
	h->io[which] = loop_io_add(s->loop, h->fd[which], LOOP_READ, which == 0 ? on_https : on_rsync, h);
	return h->io[which] == NULL ? -ENOMEM : 0;
}

static int
hosts_listen(struct lab_serve *s, char *where)
{
	int rc = 0;

	for (size_t i = 0; i < s->n_hosts && rc == 0; i++) {
		if (!s->conf.plain && (rc = serve_tls_right(s->ca, &s->hosts[i])) < 0)
			return fail(where, s->hosts[i].name, rc);
		if ((rc = host_listen(s, i, 0, where)) == 0)
			rc = host_listen(s, i, 1, where);
	}
	return rc;
}

/* --- life --- */

static void
on_tick(void *arg)
{
	struct lab_serve *s = arg;

	serve_conns_tick(s);
	serve_rsyncs_tick(s);
	(void)loop_timer_set(s->tick, TICK_USEC);
}

/* rsync wants full paths in its configuration. */
static int
work_make(struct lab_serve *s, char *where)
{
	int rc;

	s->work = pool_printf(s->pool, "%s/lab-serve", s->conf.dir);
	if (s->work == NULL)
		return -ENOMEM;
	if ((rc = dir_make(s->work)) < 0)
		return fail(where, s->work, rc);
	return 0;
}

static int
serve_setup(struct lab_serve *s, char *where)
{
	int rc;

	if ((rc = hosts_find(s, where)) < 0 || (rc = work_make(s, where)) < 0)
		return rc;
	if (!s->conf.plain && (rc = serve_ca_new(s, &s->ca)) < 0)
		return rc;
	if (s->conf.rsync != NULL && (rc = serve_rsync_init(s)) < 0)
		return fail(where, s->work, rc);
	if ((rc = hosts_listen(s, where)) < 0)
		return rc;
	if ((s->tick = loop_timer_add(s->loop, on_tick, s)) == NULL)
		return -ENOMEM;
	return loop_timer_set(s->tick, TICK_USEC);
}

int
lab_serve_new(struct loop *loop, const struct lab_serve_conf *conf,
    char ret_where[static LAB_WHERE_LEN], struct lab_serve **ret)
{
	_cleanup_(lab_serve_freep) struct lab_serve *s = calloc(1, sizeof(*s));
	int rc;

	if (s == NULL || (s->pool = pool_new(POOL_MAX)) == NULL)
		return -ENOMEM;
	s->loop = loop;
	s->conf = *conf;
	s->began = clock_now();
	s->began_usec = clock_mono_usec();
	ret_where[0] = '\0';
	if ((rc = serve_setup(s, ret_where)) < 0)
		return rc;
	*ret = TAKE_PTR(s);
	return 0;
}

struct lab_serve *
lab_serve_free(struct lab_serve *s)
{
	if (s == NULL)
		return NULL;
	serve_conns_free(s);
	serve_rsyncs_free(s);
	for (size_t i = 0; i < s->n_hosts; i++) {
		for (unsigned k = 0; k < 2; k++) {
			s->hosts[i].io[k] = loop_io_del(s->hosts[i].io[k]);
			fd_close(&s->hosts[i].fd[k]);
		}
		serve_tls_done(&s->hosts[i]);
	}
	s->tick = loop_timer_del(s->tick);
	s->ca = serve_ca_free(s->ca);
	serve_script_done(&s->script);
	s->pool = pool_free(s->pool);
	free(s);
	return NULL;
}

/* --- the door's small questions --- */

int
lab_serve_script(struct lab_serve *s, struct sv text, struct lab_error *err)
{
	return serve_script_parse(&s->script, text, err);
}

void
lab_serve_ports(const struct lab_serve *s, struct buf *b)
{
	for (size_t i = 0; i < s->n_hosts; i++) {
		const struct serve_host *h = &s->hosts[i];

		buf_printf(b, "%s:%d=%s\n", h->name, s->conf.plain ? 80 : USUAL_HTTPS, h->at[0].text);
		if (s->conf.rsync != NULL)
			buf_printf(b, "%s:%d=%s\n", h->name, USUAL_RSYNC, h->at[1].text);
	}
}

void
lab_serve_hosts(const struct lab_serve *s, struct buf *b)
{
	buf_str(b, "127.0.0.1 localhost\n");
	for (size_t i = 0; i < s->n_hosts; i++)
		buf_printf(b, "%.*s %s\n", (int)sv_rfind(sv_str(s->hosts[i].at[0].text), ':'),
		    s->hosts[i].at[0].text, s->hosts[i].name);
}

size_t
lab_serve_n_hosts(const struct lab_serve *s)
{
	return s->n_hosts;
}

struct sv
lab_serve_ca(const struct lab_serve *s)
{
	return s->ca == NULL ? (struct sv){ "", 0 } : serve_ca_pem(s->ca);
}

size_t
lab_n_behaviours(void)
{
	return SERVE_B_MAX;
}

struct lab_behaviour_info
lab_behaviour_info(size_t i, char *buf, size_t n)
{
	static const char *const moments[SERVE_AT_MAX] = {
		"connect", "tls", "answer", "document", "body", "send", "rsync",
	};
	const struct serve_behaviour *b = &serve_behaviours[i];

	buf[0] = '\0';
	if (b->number_name != NULL)
		(void)snprintf(buf, n, "%s=%llu", b->number_name, (unsigned long long)b->number);
	else if (b->text_name != NULL)
		(void)snprintf(buf, n, "%s=%s", b->text_name, b->text_default);
	return (struct lab_behaviour_info){ b->name, moments[b->at], buf, b->text, b->clause };
}
