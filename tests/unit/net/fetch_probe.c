/*
 * Fetches what its standard input says, all at once, and prints how each
 * ended; test_fetch.py makes the servers and judges. A line is
 *	URL [key=value …]
 * the answer, in the order of ending,
 *	N code=… rc=… status=… wire=… bytes=… sha256=… etag=… modified=…
 *	retry=… msec=… url=… args=key:value,…
 * and at the end "peak=" kilobytes of memory (0: not known, a sanitizer's).
 *
 *	fetch_probe CA-FILE HOSTS-FILE plain|sandbox
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/err.h"
#include "crypto/crypto.h"
#include "net/net.h"
#include "sys/sandbox.h"

#define JOBS_MAX	128

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED	1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED	1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED	0
#endif

struct job {
	struct probe		*probe;
	unsigned		 no;
	struct fetch		*fetch;
	struct crypto_sha256	*sha;
	struct loop_timer	*timer;
	uint64_t		 got;
	uint32_t		 pause_msec, stop_after, cancel_after;
	struct fetch_req	 req;
	char			 line[4096];
};

struct probe {
	struct loop	*loop;
	struct fetcher	*fetcher;
	unsigned	 n_left;
};

static void
job_over(struct job *j)
{
	if (j->timer != NULL)
		j->timer = loop_timer_del(j->timer);
	j->sha = crypto_sha256_free(j->sha);
	if (--j->probe->n_left == 0)
		loop_stop(j->probe->loop);
}

static void
resume(void *arg)
{
	struct job *j = arg;

	fetch_resume(j->fetch);
}

static void
cancel(void *arg)
{
	struct job *j = arg;

	fetch_cancel(j->fetch);
	printf("%u code=cancelled\n", j->no);
	job_over(j);
}

static int
on_data(void *arg, const void *p, size_t n)
{
	struct job *j = arg;

	crypto_sha256_update(j->sha, p, n);
	j->got += n;
	if (j->stop_after != 0 && j->got >= j->stop_after)
		return SE_LIMIT;
	if (j->cancel_after != 0 && j->got >= j->cancel_after) {
		if (j->timer != NULL)
			(void)loop_timer_del(j->timer);
		j->timer = loop_timer_add(j->probe->loop, cancel, j);
		(void)loop_timer_set(j->timer, 0);
		return FETCH_PAUSE;
	}
	if (j->pause_msec == 0)
		return 0;
	if (j->timer == NULL)
		j->timer = loop_timer_add(j->probe->loop, resume, j);
	(void)loop_timer_set(j->timer, (int64_t)j->pause_msec * 1000);
	return FETCH_PAUSE;
}

static void
on_done(void *arg, const struct fetch_result *r)
{
	struct job *j = arg;
	struct buf b = BUF_INIT;
	uint8_t digest[32];
	char hex[65];

	crypto_sha256_final(j->sha, digest);
	buf_printf(&b, "%u code=%s rc=%d status=%u wire=%llu bytes=%llu sha256=%s etag=%.*s "
	    "modified=%.*s retry=%u msec=%lld url=%.*s args=", j->no,
	    r->why != NULL ? r->why->code : r->rc != 0 ? "stopped" : "good", r->rc, r->status,
	    (unsigned long long)r->wire, (unsigned long long)r->bytes, hex_encode(hex, digest, 32),
	    SV_ARG(r->etag), SV_ARG(r->modified), r->retry_after_sec, (long long)r->msec,
	    SV_ARG(r->url));
	for (unsigned i = 0; i < r->n_args; i++) {
		buf_printf(&b, "%s:", r->args[i].key);
		farg_print(&b, &r->args[i]);
		buf_char(&b, ';');
	}
	if (fetch_result_good(r) != (r->why == NULL && r->rc == 0))
		buf_str(&b, " CONTRADICTION");
	printf("%.*s\n", SV_ARG(buf_get(&b)));
	buf_done(&b);
	job_over(j);
}

static bool
option(struct job *j, struct sv key, struct sv value)
{
	struct {
		const char	*name;
		uint32_t	*to;
	} numbers[] = {
		{ "connect", &j->req.limits.connect_msec }, { "total", &j->req.limits.total_msec },
		{ "rate", &j->req.limits.rate_bytes }, { "window", &j->req.limits.rate_msec },
		{ "pause", &j->pause_msec }, { "stop", &j->stop_after }, { "cancel", &j->cancel_after },
	};
	uint64_t v;

	if (sv_eq_str(key, "etag")) {
		j->req.etag = value;
		return true;
	}
	if (sv_eq_str(key, "origin")) {
		j->req.origin = value;
		return true;
	}
	if (num_u64(value, 0, UINT32_MAX, &v) < 0)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
		if (sv_eq_str(key, numbers[i].name)) {
			*numbers[i].to = (uint32_t)v;
			return true;
		}
	if (sv_eq_str(key, "same"))
		j->req.same_origin = v != 0;
	else if (sv_eq_str(key, "max_wire"))
		j->req.limits.max_wire = v;
	else if (sv_eq_str(key, "max_bytes"))
		j->req.limits.max_bytes = v;
	else
		return false;
	return true;
}

static int
job_start(struct probe *p, struct job *j, unsigned no)
{
	struct sv line = sv_trim(sv_str(j->line)), word;

	j->probe = p;
	j->no = no;
	j->sha = crypto_sha256_new();
	/* Long: a machine with other work takes its time; who is to meet a limit names it. */
	j->req.limits = (struct fetch_limits){ .connect_msec = 60000, .total_msec = 120000,
	    .rate_bytes = 1000, .rate_msec = 60000 };
	(void)sv_word(&line, &j->req.url);
	while (sv_word(&line, &word)) {
		struct sv key = sv_cut(&word, '=');

		if (!option(j, key, word)) {
			(void)fprintf(stderr, "unknown option %.*s\n", SV_ARG(key));
			return -1;
		}
	}
	p->n_left++;
	return fetch_start(p->fetcher, &j->req, on_data, on_done, j, &j->fetch);
}

static int
enter(void)
{
	_cleanup_(sandbox_freep) struct sandbox *s = sandbox_new();
	const char *what = "";
	int rc;

	for (unsigned i = 0; sandbox_resolver_files[i] != NULL; i++)
		if ((rc = sandbox_path(s, sandbox_resolver_files[i], SANDBOX_READ)) < 0 && rc != -2)
			return rc;
	if ((rc = sandbox_enter(s, &sandbox_fetch, &what)) < 0)
		(void)fprintf(stderr, "sandbox: %s\n", what);
	return rc;
}

static char	hosts[64 * 1024];

int
main(int argc, char **argv)
{
	static struct job jobs[JOBS_MAX];
	struct probe p = { .loop = loop_new() };
	struct fetch_conf conf = { .user_agent = "probe/1" };
	struct rusage u;
	FILE *f;
	unsigned n = 0;
	int rc;

	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc != 4 || (f = fopen(argv[2], "r")) == NULL)
		return 2;
	conf.hosts = (struct sv){ hosts, fread(hosts, 1, sizeof(hosts), f) };
	(void)fclose(f);
	conf.ca_file = argv[1];
	if ((rc = fetcher_new(p.loop, &conf, &p.fetcher)) < 0) {
		(void)fprintf(stderr, "fetcher_new: %s\n", err_str(rc));
		(void)loop_free(p.loop);
		return 3;
	}
	if (strcmp(argv[3], "sandbox") == 0 && enter() < 0)
		return 4;
	while (n < JOBS_MAX && fgets(jobs[n].line, sizeof(jobs[n].line), stdin) != NULL) {
		if (job_start(&p, &jobs[n], n) < 0)
			return 5;
		n++;
	}
	if (p.n_left > 0 && loop_run(p.loop) < 0)
		return 6;
	(void)fetcher_free(p.fetcher);
	(void)loop_free(p.loop);
	(void)getrusage(RUSAGE_SELF, &u);
	printf("peak=%ld\n", SANITIZED ? 0 : u.ru_maxrss);
	return 0;
}
