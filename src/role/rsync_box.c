/*
 * In the box: one request, in a process of its own that may block. The name
 * is looked up here and its addresses are judged; rsync gets the address, so
 * what was judged is what it connects to. (Daemons know no names: there is
 * nothing like a Host header to lose.)
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "role/rsync_role.h"
#include "sys/clock.h"

#define ADDRESSES_MAX	8
#define TRIES_MAX	3		/* addresses that are tried */
#define CONNECT_SEC	15
#define IDLE_SEC	60		/* nothing came for so long */
#define URL_MAX		(FETCH_KEY_MAX + 80)

/* rsync(1), EXIT VALUES */
#define RSYNC_GOOD	0
#define RSYNC_SOCKET	10		/* error in socket I/O */
#define RSYNC_VANISHED	24		/* files went while they were listed */
#define RSYNC_CONNECT	35		/* timeout waiting for the connection */
#define RSYNC_NOT_STARTED 126		/* and above: not of rsync's, but of sys/box.c */

struct place {
	char		host[256];
	uint16_t	port;
	struct sv	path;		/* "module/…" */
};

static int
uri_split(struct sv uri, struct place *ret)
{
	struct sv rest = sv_skip(uri, SV("rsync://").n), where = sv_cut(&rest, '/');
	size_t colon = sv_rfind(where, ':');
	uint32_t port = RSYNC_PORT;
	int rc = fetch_host(uri, ret->host, sizeof(ret->host));

	if (rc < 0)
		return rc;
	/* Behind a bracket, or in a name without any other colon. */
	if (colon < where.n && (sv_find(where, ']') < colon || sv_find(where, ':') == colon) &&
	    num_u32(sv_skip(where, colon + 1), 1, UINT16_MAX, &port) < 0)
		return -EINVAL;
	ret->port = (uint16_t)port;
	ret->path = rest;
	return rest.n == 0 ? -EINVAL : 0;
}

/* --- the hosts mapping: "NAME:PORT=ADDRESS:PORT" --- */

static bool
hosts_find(const char *hosts, struct place *p, struct box_addr *ret)
{
	struct sv all = sv_str(hosts), line;
	char want[300], addr[64];

	(void)snprintf(want, sizeof(want), "%s:%u", p->host, p->port);
	while (sv_line(&all, &line)) {
		struct sv name = sv_cut(&line, '=');
		size_t colon = sv_rfind(line, ':'), n;
		uint32_t port;

		if (!sv_caseeq(sv_trim(name), sv_str(want)) || colon >= line.n ||
		    num_u32(sv_trim(sv_skip(line, colon + 1)), 1, UINT16_MAX, &port) < 0)
			continue;
		line = sv_trim(sv_take(line, colon));
		if (sv_starts(line, SV("[")) && sv_ends(line, SV("]")))
			line = sv_take(sv_skip(line, 1), line.n - 2);
		(void)snprintf(addr, sizeof(addr), "%.*s", SV_ARG(line));
		if (box_resolve(addr, true, ret, 1, &n) < 0)
			continue;
		p->port = (uint16_t)port;
		return true;
	}
	return false;
}

/* --- addresses --- */

/* Those that a stranger may send us to, at the head; how many. */
static size_t
addresses_judge(struct box_addr *a, size_t n, struct box_addr *ret_bad)
{
	size_t good = 0;

	for (size_t i = 0; i < n; i++) {
		const char *block;

		if (fetch_addr_global(a[i].bytes, a[i].n, &block))
			a[good++] = a[i];
		else
			*ret_bad = a[i];
	}
	return good;
}

static void
refused(struct box_reply *r, enum fetch_code code, const char *detail)
{
	r->ok = 0;
	r->code = code;
	(void)snprintf(r->detail, sizeof(r->detail), "%s", detail);
}

static size_t
addresses(const struct rsync_role *rr, struct place *p, struct box_addr a[static ADDRESSES_MAX],
    struct box_reply *r)
{
	struct box_addr bad;
	size_t n, good;

	if (hosts_find(rr->hosts, p, &a[0]))
		return 1;
	if (box_resolve(p->host, false, a, ADDRESSES_MAX, &n) < 0) {
		refused(r, FETCH_DNS, "the name has no address now");
		return 0;
	}
	if ((good = addresses_judge(a, n, &bad)) == 0)
		refused(r, FETCH_RSYNC_ADDRESS, bad.text);
	return good;
}

/* --- the program --- */

static void
program_run(const struct rsync_role *rr, const struct place *p, const struct box_addr *a,
    uint32_t tree, uint32_t left_sec, struct box_end_info *ret)
{
	char url[URL_MAX], folder[4200], size[40], idle[24], connect[24];
	bool module = sv_ends(p->path, SV("/"));
	/*
	 * A file of the same size and time is not looked into. A CA that issues
	 * twice in one second makes such manifests, and we would keep the older
	 * one until the next: so fractions of a second are compared, too (rsync
	 * since 3.1.3; before, -1 looks into all).
	 */
	const char *argv[] = {
		"rsync", "-rt", "--modify-window=-1", "--omit-dir-times", "--prune-empty-dirs", "--no-motd",
		"--no-links", "--no-D", "--chmod=D0700,F0600", size, connect, idle,
		module ? "--delete" : "--ignore-missing-args",
		module ? "--delete-excluded" : "--ignore-missing-args",
		"--include=*/", "--include=*.cer", "--include=*.crl", "--include=*.mft",
		"--include=*.roa", "--include=*.asa", "--include=*.gbr", "--include=*.tak",
		"--include=*.spl", "--exclude=*", "--", url, "./", NULL,
	};
	const struct tree_limits l = rsync_limits(rr);
	const struct box_run run = {
		.kind = &box_rsync, .program = rr->program,
		.argv = (char *const *)(uintptr_t)argv, .folder = folder,
		.port = p->port, .timeout_sec = left_sec, .max_names = l.names,
		.max_bytes = l.bytes, .no_sandbox = rr->no_sandbox,
	};

	rsync_tree_path(rr, tree, folder, sizeof(folder));
	(void)snprintf(url, sizeof(url), "rsync://%s:%u/%.*s", a->text, p->port, SV_ARG(p->path));
	(void)snprintf(size, sizeof(size), "--max-size=%u", RPKI_OBJECT_SIZE_MAX);
	(void)snprintf(connect, sizeof(connect), "--contimeout=%u", CONNECT_SEC);
	(void)snprintf(idle, sizeof(idle), "--timeout=%u", left_sec < IDLE_SEC ? left_sec : IDLE_SEC);
	box_run(&run, ret);
}

/* What has become of it, as a finding's code and its detail. */
static void
end_tell(const struct box_end_info *e, struct box_reply *r)
{
	char text[64];

	switch (e->end) {
	case BOX_LATE:
		refused(r, FETCH_RSYNC_TIME, e->text);
		return;
	case BOX_LARGE:
		refused(r, FETCH_RSYNC_SIZE, e->text);
		return;
	case BOX_CANNOT:
		refused(r, FETCH_RSYNC_HERE, err_str(e->code));
		return;
	case BOX_KILLED:
		(void)snprintf(text, sizeof(text), "it ended by signal %d", e->code);
		break;
	case BOX_EXITED:
		(void)snprintf(text, sizeof(text), "it ended with status %d", e->code);
		break;
	}
	refused(r, e->end == BOX_EXITED && e->code >= RSYNC_NOT_STARTED ? FETCH_RSYNC_HERE :
	    FETCH_RSYNC, e->text[0] != '\0' ? e->text : text);
	if (e->end == BOX_EXITED && (e->code == RSYNC_GOOD || e->code == RSYNC_VANISHED))
		r->ok = 1;
}

/* The first address that answers, within the time for all. */
static void
place_fetch(const struct rsync_role *rr, struct place *p, uint32_t tree, struct box_reply *r)
{
	int64_t until = clock_mono_usec() / 1000000 + rr->timeout_sec, left;
	struct box_addr a[ADDRESSES_MAX];
	size_t n = addresses(rr, p, a, r);

	for (size_t i = 0; i < n && i < TRIES_MAX; i++) {
		struct box_end_info e;

		if ((left = until - clock_mono_usec() / 1000000) <= 0)
			return;
		program_run(rr, p, &a[i], tree, (uint32_t)left, &e);
		end_tell(&e, r);
		if (e.end != BOX_EXITED || (e.code != RSYNC_SOCKET && e.code != RSYNC_CONNECT))
			return;
	}
}

size_t
rsync_box_job(void *arg, struct sv request, char *answer, size_t max)
{
	const struct rsync_role *rr = arg;
	struct box_reply r = { 0 };
	struct box_request req;
	struct place p;

	if (request.n != sizeof(req) || max < sizeof(r))
		return 0;
	memcpy(&req, request.p, sizeof(req));
	req.uri[sizeof(req.uri) - 1] = '\0';
	r.job = req.job;
	if (uri_split(sv_str(req.uri), &p) < 0)
		refused(&r, FETCH_RSYNC, "the URI cannot be read");
	else
		place_fetch(rr, &p, req.tree, &r);
	memcpy(answer, &r, sizeof(r));
	return sizeof(r);
}
