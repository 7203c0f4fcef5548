/*
 * The web server of the house on known data, without the other roles:
 *
 *	web_fixture FIXTURE_DIR [TOKEN]
 *
 * prints its port and serves until its standard input ends. Questions are
 * answered from explain.json after a moment, "slow …" never.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/web_server.h"
#include "crypto/crypto.h"
#include "sys/clock.h"

#define FILE_MAX	(1024 * 1024)
#define ANSWER_USEC	50000

struct fixture {
	struct loop		*loop;
	struct web_server	*ws;
	struct loop_timer	*timer;
	json_t			*answers;
	char			 subject[WEB_SUBJECT_MAX + 1];
	enum lang		 lang;
	uint32_t		 id;
};

__attribute__((noreturn)) static void
die(const char *what)
{
	fprintf(stderr, "web_fixture: %s\n", what);
	exit(1);
}

static json_t *
load(const char *dir, const char *name)
{
	char path[4096];
	json_t *j;

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	if ((j = json_load_file(path, 0, NULL)) == NULL)
		die(path);
	return j;
}

static struct vrp
vrp(const char *prefix, uint8_t max_len, uint32_t asn, uint8_t ta, int64_t expires)
{
	struct ip_prefix px;
	struct vrp v = { .max_len = max_len, .asn = asn, .ta = ta, .expires = expires };

	if (ip_prefix_parse(sv_str(prefix), &px) < 0)
		die(prefix);
	memcpy(v.addr, px.addr, sizeof(v.addr));
	v.len = px.len;
	v.af = px.af;
	return v;
}

static struct web_data *
data_make(const char *dir, int64_t now, uint8_t **ret_map)
{
	static const uint32_t providers[] = { 64500, 64501 };
	struct vrp vrps[] = {
		vrp("192.0.2.0/24", 24, 64496, 0, now + 30000),
		vrp("198.51.100.0/24", 25, 64497, 0, now + 40000),
		vrp("203.0.113.0/24", 24, 64498, 1, now + 50000),
		vrp("198.51.100.0/25", 25, 64499, 0, now + 60000),
		vrp("2001:db8::/32", 48, 64496, 0, now + 70000),
		vrp("2001:db8:1::/48", 48, 64497, 0, now + 80000),
	};
	struct aspa aspas[] = { { 64496, 2, providers, now + 90000, 0, PAYLOAD_CA_NONE } };
	struct payloads p = {
		.vrps = vrps, .n_vrps = ARRAY_LEN(vrps),
		.aspas = aspas, .n_aspas = 1,
		.tas = { "alpha", "beta" }, .n_tas = 2,
	};
	struct snapshot_stamp stamp = { 7, { 1, 2, 3 } };
	json_t *report = load(dir, "report.json");
	char *text = json_dumps(report, JSON_COMPACT);
	struct web_data *data;
	size_t size;
	uint8_t *map;

	json_decref(report);
	qsort(vrps, ARRAY_LEN(vrps), sizeof(vrps[0]), vrp_cmp);
	if (snapshot_size(&p, strlen(text), &size) < 0 || (map = calloc(1, size)) == NULL ||
	    snapshot_build(&p, now - 240, &stamp, sv_str(text), crypto_sha256, map, size) < 0 ||
	    web_data_new(map, size, crypto_sha256, &data) < 0)
		die("cannot build the snapshot");
	free(text);
	*ret_map = map;
	return data;
}

static int64_t
now(void *arg UNUSED)
{
	return clock_now();
}

static int
ask(void *arg, uint32_t id, enum lang lang, struct sv subject)
{
	struct fixture *f = arg;

	if (sv_starts(subject, SV("nobody")))
		return -EPIPE;
	memcpy(f->subject, subject.p, subject.n);
	f->subject[subject.n] = '\0';
	f->lang = lang;
	f->id = id;
	if (!sv_starts(subject, SV("slow")))
		(void)loop_timer_set(f->timer, ANSWER_USEC);
	return 0;
}

static void
answer(void *arg)
{
	struct fixture *f = arg;
	json_t *a = json_object_get(json_object_get(f->answers, lang_name(f->lang)), f->subject);
	char *text = a == NULL ? NULL : json_dumps(a, 0);

	if (text == NULL)
		web_server_answer(f->ws, f->id, 2, SV("{\"error\":\"this is no subject\"}"));
	else
		web_server_answer(f->ws, f->id, 0, sv_str(text));
	free(text);
}

static int
listen_loopback(uint16_t *ret_port)
{
	struct sockaddr_in sa = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t n = sizeof(sa);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&sa, n) < 0 || listen(fd, 64) < 0 ||
	    getsockname(fd, (struct sockaddr *)&sa, &n) < 0)
		die("cannot listen");
	*ret_port = ntohs(sa.sin_port);
	return fd;
}

static void
on_stdin(void *arg, int fd, unsigned what UNUSED)
{
	char c;

	if (read(fd, &c, 1) <= 0)
		loop_stop(arg);
}

static const char routers[] = "{\"clients\":["
    "{\"address\":\"[2001:db8::1]:40112\",\"version\":2,\"serial\":7,\"since\":1795000000,\"state\":\"idle\",\"transport\":\"tls\"},"
    "{\"address\":\"192.0.2.77:51120\",\"version\":1,\"serial\":5,\"since\":1795200000,\"state\":\"idle\"},"
    "{\"address\":\"192.0.2.78:51199\",\"version\":0,\"serial\":null,\"since\":1795200000,\"state\":\"new\"}],"
    "\"n_by_version\":{\"0\":1,\"1\":1,\"2\":1}}";

int
main(int argc, char **argv)
{
	struct fixture f = { 0 };
	const struct web_server_ops ops = { .now = now, .ask = ask, .arg = &f };
	struct web_conf conf;
	struct loop_io *in;
	uint16_t port;
	uint8_t *map;

	if (argc < 2)
		die("usage: web_fixture FIXTURE_DIR [TOKEN]");
	f.answers = load(argv[1], "explain.json");
	f.loop = loop_new();
	f.timer = loop_timer_add(f.loop, answer, &f);
	if (web_server_new(f.loop, &ops, &f.ws) < 0 ||
	    web_server_listen(f.ws, listen_loopback(&port), SV("127.0.0.1:0")) < 0 ||
	    web_conf_init(&conf, sv_str(argc > 2 ? argv[2] : ""), SV("Example Net K.K."),
	    SV("AS64496\n"), SV("192.0.2.0/24\n2001:db8::/32\n")) < 0)
		die("cannot start");
	web_server_conf(f.ws, &conf);
	web_server_data(f.ws, data_make(argv[1], clock_now(), &map));
	if (web_server_routers(f.ws, SV(routers)) < 0)
		die("routers");
	in = loop_io_add(f.loop, STDIN_FILENO, LOOP_READ, on_stdin, f.loop);
	printf("%u\n", port);
	fflush(stdout);
	(void)loop_run(f.loop);
	(void)web_server_free(f.ws);
	json_decref(f.answers);
	free(map);
	(void)loop_io_del(in);
	(void)loop_timer_del(f.timer);
	(void)loop_free(f.loop);
	return 0;
}
