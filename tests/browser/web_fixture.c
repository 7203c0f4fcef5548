/*
 * The web server of the house on known data, without the other roles:
 *
 *	web_fixture FIXTURE_DIR [TOKEN]
 *
 * prints its port and serves until its standard input ends. Questions are
 * answered from explain.json after a moment, "slow …" never. A letter on
 * standard input changes the world: g (the guard holds), f (it is free),
 * m (4000 more servers), b (a crowd of VRPs), z (zones that are signed here),
 * Z (1000 of them), n (zones and nothing else), o (zones of an odd shape), and
 * is answered by itself.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/web_server.h"
#include "base/timefmt.h"
#include "crypto/crypto.h"
#include "sys/clock.h"

#define CROWD		723000
#define CROWD_V4	512345
#define ANSWER_USEC	50000

struct fixture {
	struct loop		*loop;
	struct web_server	*ws;
	struct loop_timer	*timer;
	json_t			*answers;
	const char		*dir;
	uint8_t			*map;
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

/* As many as the world has: 723,000, of the benchmark's addresses. */
static void
vrps_crowd(struct payloads *p, int64_t expires)
{
	struct vrp *v = calloc(CROWD, sizeof(*v));

	if (v == NULL)
		die("memory");
	for (uint32_t i = 0; i < CROWD; i++) {
		bool v4 = i < CROWD_V4;
		uint32_t net = i + (1 << 16);	/* 1.0.0.0/24, 100::/24 and up */
		const uint8_t addr[] = { (uint8_t)(net >> 16), (uint8_t)(net >> 8), (uint8_t)net };

		v[i] = (struct vrp){ .len = 24, .max_len = 24, .af = v4 ? IP_V4 : IP_V6,
		    .asn = 64496 + i % 9, .expires = expires };
		memcpy(v[i].addr, addr, sizeof(addr));
	}
	p->vrps = v;
	p->n_vrps = CROWD;
}

static void
guard_add(json_t *report, int64_t now)
{
	char until[TIME_STRLEN];

	(void)json_object_set_new(report, "guard", json_pack("{s:i, s:s, s:s}", "held", 1234,
	    "until", time_str(now + 5 * 3600, until), "hash",
	    "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"));
}

static struct web_data *
data_make(const char *dir, int64_t now, char world, uint8_t **ret_map)
{
	static const uint32_t providers[] = { 64500, 64501 };
	struct router_key key = { .asn = 64496, .expires = now + 90000, .spki_len = 91,
	    .ca = PAYLOAD_CA_NONE };
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
		.router_keys = &key, .n_router_keys = 1,
		.tas = { "alpha", "beta" }, .n_tas = 2,
	};
	struct snapshot_stamp stamp = { 7, { 1, 2, 3 } };
	json_t *report = load(dir, "report.json");
	struct web_data *data;
	size_t size;
	uint8_t *map;
	char *text;

	if (world == 'g')
		guard_add(report, now);
	text = json_dumps(report, JSON_COMPACT);
	json_decref(report);
	if (world == 'b')
		vrps_crowd(&p, now + 90000);
	else
		qsort(vrps, ARRAY_LEN(vrps), sizeof(vrps[0]), vrp_cmp);
	if (snapshot_size(&p, strlen(text), &size) < 0 || (map = calloc(1, size)) == NULL ||
	    snapshot_build(&p, now - 240, &stamp, sv_str(text), crypto_sha256, map, size) < 0 ||
	    web_data_new(map, size, crypto_sha256, &data) < 0)
		die("cannot build the snapshot");
	free(text);
	if (p.vrps != vrps)
		free(p.vrps);
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

/* --- publication servers --- */

static void
server_put(struct fixture *f, const char *key, bool ok, int64_t at, const char *json)
{
	if (web_server_source(f->ws, sv_str(key), ok, at, sv_str(json)) < 0)
		die(key);
}

/* Two good ones, one that fails since an hour, one that never answered, a TA. */
static void
servers_put(struct fixture *f, int64_t now)
{
	char json[1000];

	(void)snprintf(json, sizeof(json), "{\"kind\":\"rrdp\",\"via\":\"rrdp\",\"code\":\"\","
	    "\"uri\":\"https://rrdp.example.net/notification.xml\",\"serial\":41,"
	    "\"bytes\":1234567,\"msec\":820,\"next\":%lld,\"failures\":0,\"data\":true,"
	    "\"findings\":[{\"code\":\"FETCH_CONNECT_TIME\",\"args\":{\"host\":\"h\",\"limit\":9}}]}",
	    (long long)now + 500);
	server_put(f, "https://rrdp.example.net/notification.xml", true, now - 100, json);
	server_put(f, "https://rrdp.example.org/notification.xml", true, now - 4000,
	    "{\"kind\":\"rrdp\",\"bytes\":10,\"msec\":9,\"failures\":0}");
	server_put(f, "https://rrdp.example.org/notification.xml", false, now - 3600,
	    "{\"kind\":\"rrdp\",\"code\":\"FETCH_STATUS\",\"failures\":1}");
	(void)snprintf(json, sizeof(json), "{\"kind\":\"rrdp\",\"via\":\"rrdp\",\"code\":\"FETCH_STATUS\","
	    "\"args\":{\"url\":\"https://rrdp.example.org/notification.xml\",\"status\":503},"
	    "\"uri\":\"https://rrdp.example.org/notification.xml\",\"serial\":7,\"bytes\":512,"
	    "\"msec\":1500,\"next\":%lld,\"failures\":6,\"data\":true}", (long long)now + 1800);
	server_put(f, "https://rrdp.example.org/notification.xml", false, now - 60, json);
	server_put(f, "rsync://silent.example.com/repo/", false, now - 60,
	    "{\"kind\":\"rsync\",\"code\":\"FETCH_DNS\",\"args\":{\"host\":"
	    "\"<img src=x>silent.example.com\"},\"uri\":\"rsync://silent.example.com/repo/\","
	    "\"bytes\":0,\"msec\":3,\"next\":1,\"failures\":3,\"data\":false}");
	server_put(f, "ta:alpha", true, now - 200, "{\"kind\":\"ta\",\"via\":\"https\","
	    "\"uri\":\"https://rpki.example.net/ta/alpha.cer\",\"bytes\":1100,\"msec\":90,"
	    "\"failures\":0}");
}

static void
servers_many(struct fixture *f, int64_t now)
{
	for (unsigned i = 0; i < 4000; i++) {
		char key[100];

		(void)snprintf(key, sizeof(key), "https://crowd-%04u.example/notification.xml", i);
		server_put(f, key, false, now - 50, "{\"kind\":\"rrdp\",\"via\":\"rrdp\","
		    "\"code\":\"FETCH_CONNECT\",\"args\":{\"host\":\"crowd.example\","
		    "\"what\":\"Connection refused\"},\"bytes\":0,\"msec\":3,\"failures\":2}");
	}
}

/* --- what was before --- */

#define HISTORY_POINTS	360	/* of five minutes: 30 hours */
#define HISTORY_CHANGES	30

static json_t *
change_make(int i, int64_t now)
{
	static const char *const causes[] = { "failed", "signed", "none", "expired" };
	int k = i % 4;

	if (i == 3)
		return json_pack("{s:I, s:s, s:b, s:i, s:[i], s:[i,i], s:s}", "at",
		    (json_int_t)now - i * 900, "kind", "aspa", "announce", 1, "asn", 64496,
		    "before", 64500, "after", 64500, 64501, "cause", "none");
	return json_pack("{s:I, s:i, s:s, s:b, s:s, s:i, s:i, s:s, s:s, s:s, s:s}", "at",
	    (json_int_t)now - i * 900, "serial", 7, "kind", "vrp", "announce", k == 2,
	    "prefix", i == 4 ? "198.51.100.0/24" : "192.0.2.0/24", "maxLength", 24,
	    "asn", i == 4 ? 64499 : 64496, "ta", "alpha", "cause", causes[k],
	    "code", k == 0 ? "RPKI_MFT_STALE" : "",
	    "ca", "rsync://rpki.example.net/repo/<b>isp</b>.mft");
}

static void
history_put(struct fixture *f, int64_t now)
{
	json_t *points = json_array(), *changes = json_array();
	json_t *all = json_pack("{s:o, s:o, s:I}", "points", points, "changes", changes,
	    "recorded_since", (json_int_t)now - 300 * HISTORY_POINTS);
	char *text;

	for (int i = HISTORY_POINTS; i > 0; i--)
		(void)json_array_append_new(points, json_pack("[I,i,i,i,i,i,i,i,i,i,i]",
		    (json_int_t)now - 300 * i, 300, 400 - i, 512345 - (i > 90 && i < 130 ? 4200 : i * 3),
		    210655 - i, 420 + i % 7, 3, 3, 12030, 1, i > 90 && i < 100 ? 9 : 0));
	for (int i = 0; i < HISTORY_CHANGES; i++)
		(void)json_array_append_new(changes, change_make(i, now));
	text = json_dumps(all, JSON_COMPACT);
	if (text == NULL || web_server_history(f->ws, sv_str(text)) < 0)
		die("history");
	free(text);
	json_decref(all);
}

/* --- zones --- */

#define BASE	1000000000	/* "now" of zones.json */
#define MANY	1000

/* Times of the file are about BASE; no other number there is as big. */
static void
times_shift(json_t *j, json_int_t by)
{
	const char *key;
	size_t i;
	json_t *v;

	json_array_foreach(j, i, v)
		times_shift(v, by);
	json_object_foreach(j, key, v)
		times_shift(v, by);
	if (json_is_integer(j) && json_integer_value(j) > BASE / 2)
		(void)json_integer_set(j, json_integer_value(j) + by);
}

static void
zones_put(struct fixture *f, json_t *zones, json_t *keys)
{
	char *a = json_dumps(zones, JSON_COMPACT), *b = json_dumps(keys, JSON_COMPACT);

	if (a == NULL || b == NULL || web_server_zones(f->ws, sv_str(a)) < 0 ||
	    web_server_keys(f->ws, sv_str(b)) < 0)
		die("zones");
	free(a);
	free(b);
}

static void
zones_use(struct fixture *f, int64_t now)
{
	json_t *both = load(f->dir, "zones.json");

	times_shift(both, (json_int_t)now - BASE);
	zones_put(f, json_object_get(both, "zones"), json_object_get(both, "keys"));
	json_decref(both);
}

static void
zones_many(struct fixture *f, int64_t now)
{
	json_t *list = json_array(), *keys = json_object();
	json_t *zones = json_pack("{s:i, s:i, s:o}", "served", MANY, "good", MANY, "list", list);
	char name[64];

	for (int i = 0; i < MANY; i++) {
		(void)snprintf(name, sizeof(name), "zone-%04d.example.", i);
		(void)json_array_append_new(list, json_pack("{s:s, s:b, s:b, s:i, s:I}", "zone", name,
		    "served", 1, "good", 1, "serial", i, "horizon", (json_int_t)now + 86400 + i));
	}
	zones_put(f, zones, keys);
	json_decref(zones);
	json_decref(keys);
}

/* Of no shape that anybody would write. */
static void
zones_odd(struct fixture *f)
{
	json_t *zones = json_pack("{s:s, s:[i, n, [], {s:i}, {s:s, s:i, s:s, s:[]}]}", "served", "x",
	    "list", 7, "zone", 7, "zone", "odd.example.", "served", 3, "why", "<img src=x onerror=alert(1)>\xe2\x80\xae",
	    "horizon");
	json_t *keys = json_pack("{s:[{s:s, s:i, s:[i, {s:[i,i], s:s, s:i}, {}], s:{s:i}, s:[{s:[i, [], s], s:i}]}]}",
	    "zones", "zone", "odd.example.", "next", -5, "keys", 7, "dnskey", 1, 2, "role", "<b>", "tag", -1,
	    "waits", "x", 1, "todo", "ds", 1, "<i>ds</i>", "text", 9);

	zones_put(f, zones, keys);
	json_decref(zones);
	json_decref(keys);
}

/* --- mail --- */

#define DAY_SEC		86400
#define MAIL_DOMAINS	50

/* Rows of numbers as role report tells them: pass, fail, of it ARC, none, error, held, refused. */
static json_t *
results_make(int64_t now, int64_t sec, int n)
{
	json_t *rows = json_array();
	int64_t last = now - now % sec;

	for (int i = n; i-- > 0;) {
		int k = (i * 7919) % 97, busy = (int)(sec / 3600);

		if (i % 11 == 10)
			continue;		/* a night without mail */
		(void)json_array_append_new(rows, json_pack("[I,i,i,i,i,i,i,i]", (json_int_t)(last - i * sec),
		    busy * (90 + k), busy * (4 + k % 5) + (i == 3 ? busy * 60 : 0), busy * (k % 3),
		    busy * (12 + k % 7), k % 4, busy * (k % 3), busy * (2 + k % 4) + (i == 3 ? busy * 60 : 0)));
	}
	return rows;
}

static json_t *
domains_make(int64_t now)
{
	json_t *list = json_array();
	char name[64];

	for (int i = 0; i < MAIL_DOMAINS; i++) {
		(void)snprintf(name, sizeof(name), i == 1 ? "<img src=x>.example" : i == 2 ?
		    "a-name-as-long-as-names-of-campaigns-are.mail.shop.example" : "d%02d.example", i);
		(void)json_array_append_new(list, json_pack("{s:s, s:I, s:I, s:i, s:i, s:i, s:i, s:i}", "domain", name,
		    "first", (json_int_t)now - DAY_SEC * (200 - i), "last", (json_int_t)now - 60 * (i + 1), "messages",
		    9000 / (i + 1), "passed", 8000 / (i + 1), "quarantined", i % 3, "rejected", i % 5, "complaints", i == 0 ? 27 : 0));
	}
	return list;
}

static json_t *
mail_make(int64_t now, int i, const char *error)
{
	char to[64];

	(void)snprintf(to, sizeof(to), i == 1 ? "<b>dmarc</b>@reports.example" : "dmarc-rua@d%02d.example", i);
	return json_pack("{s:i, s:s, s:I, s:s, s:i, s:I, s:s}", "id", 100 + i, "domain", i == 1 ? "<img src=x>.example" : "d00.example",
	    "day", (json_int_t)(now - now % DAY_SEC - DAY_SEC * (1 + i % 2)), "address", to, "attempts", i, "next", (json_int_t)now + 1800 * i,
	    "error", error);
}

static json_t *
reports_make(int64_t now)
{
	int64_t day = now - now % DAY_SEC;
	json_t *next = json_array(), *over = json_array();

	for (int i = 0; i < 4; i++)
		(void)json_array_append_new(next, mail_make(now, i, i == 0 ? "" : "451 4.7.1 Greylisted, see https://mx.example/why"));
	(void)json_array_append_new(over, mail_make(now, 7, "550 5.1.1 <dmarc-rua@d07.example>: no such user"));
	return json_pack("{s:I, s:n, s:[s,s,s,s,s,s,s], s:o, s:o, s:{s:i,s:i,s:i,s:i,s:i,s:i}, s:[{s:I,s:i,s:i,s:i}, {s:I,s:i}], "
	    "s:{s:i,s:I,s:i,s:I}, s:o, s:o, s:[{s:s,s:i,s:I}], s:i, s:o, s:i}",
	    "now", (json_int_t)now - 20, "journal_since",
	    "columns", "pass", "fail", "fail_arc", "none", "error", "quarantined", "rejected",
	    "hours", results_make(now, 3600, 48), "days", results_make(now, DAY_SEC, 30),
	    "totals", "rows", 81234, "made", 400, "no_address", 3, "sent", 390, "failed", 12, "given_up", 1,
	    "reports", "day", (json_int_t)day - 5 * DAY_SEC, "made", 31, "sent", 29, "given_up", 0, "day", (json_int_t)day, "given_up", 1,
	    "queue", "due", 24, "oldest", (json_int_t)now - DAY_SEC - 7200, "unaddressed", 2, "waiting_since", (json_int_t)day - DAY_SEC,
	    "next", next, "given_up", over, "dead", "address", "gone@d31.example", "failures", 4, "at", (json_int_t)now - DAY_SEC,
	    "dead_total", 1, "domains", domains_make(now), "domains_total", 4321);
}

static const char filter[] = "{\"connections\":2,\"messages\":1360,\"accepted\":1200,\"rejected\":40,\"quarantined\":9,"
    "\"deferred\":3,\"own\":108,\"signed\":108,\"not_judged\":0,\"crowded\":0,\"not_signed\":0,\"rows_lost\":2}";

static void
mail_put(struct fixture *f, struct sv counts, json_t *reports)
{
	char *text = json_dumps(reports, JSON_COMPACT);

	if (text == NULL || web_server_mail(f->ws, counts) < 0 || web_server_reports(f->ws, sv_str(text)) < 0)
		die("mail");
	free(text);
	json_decref(reports);
}

/* Of no shape that anybody would write. */
static void
mail_odd(struct fixture *f)
{
	mail_put(f, SV("{\"accepted\":\"<b>\",\"rejected\":[]}"), json_pack("{s:s, s:i, s:[[],i,{}], s:[[s]], s:{s:i}, s:i, s:[{s:i}, {s:s}], "
	    "s:{s:s}, s:[n, i]}", "now", "x", "columns", 7, "hours", 1, "days", "y", "totals", "rows", 5, "reports", 3, "domains",
	    "domain", 9, "domain", "<img src=x onerror=alert(1)>\xe2\x80\xae", "queue", "due", "many", "next", 1));
}

/* No mail server takes reports, since three days; rows are not taken in since an hour. */
static void
mail_bad(struct fixture *f)
{
	json_t *j = reports_make(clock_now());
	json_t *queue = json_object_get(j, "queue"), *days = json_object_get(j, "reports");

	(void)json_object_set_new(j, "journal_since", json_integer((json_int_t)clock_now() - 3600));
	(void)json_object_set_new(queue, "oldest", json_integer((json_int_t)clock_now() - 3 * DAY_SEC));
	(void)json_array_clear(days);
	(void)json_object_set_new(j, "trouble", json_pack("{s:s, s:s, s:i}", "of", "via", "what",
	    "mx.example: 421 <b>busy</b>\xe2\x80\xae", "since", 7));
	mail_put(f, sv_str(filter), j);
}

/* A filter, and nothing else; nothing of mail is kept. */
static void
mail_only(struct fixture *f, bool is_up)
{
	struct web_conf conf;

	if (web_conf_init(&conf, SV(""), SV("Example Mail"), SV(""), SV("")) < 0 ||
	    web_server_routers(f->ws, SV("{}")) < 0 || web_server_mail(f->ws, sv_str(filter)) < 0 || web_server_house(f->ws,
	    is_up ? SV("{\"roles\":[{\"name\":\"milter\",\"ready\":true},{\"name\":\"seal\",\"ready\":true}]}") :
	    SV("{\"roles\":[{\"name\":\"milter\",\"ready\":true},{\"name\":\"seal\",\"ready\":false}]}")) < 0)
		die("mail only");
	web_server_conf(f->ws, &conf);
	web_server_data(f->ws, NULL);
	free(f->map);
	f->map = NULL;
}

/* --- the world --- */

static void
data_use(struct fixture *f, char world)
{
	uint8_t *map;
	struct web_data *d = data_make(f->dir, clock_now(), world, &map);

	web_server_data(f->ws, d);
	free(f->map);
	f->map = map;
}

/* Somebody who signs zones and has no routes. */
static void
names_only(struct fixture *f)
{
	struct web_conf conf;

	if (web_conf_init(&conf, SV(""), SV("Example DNS"), SV(""), SV("")) < 0 ||
	    web_server_routers(f->ws, SV("{}")) < 0 || web_server_house(f->ws,
	    SV("{\"roles\":[{\"name\":\"zone\",\"ready\":true},{\"name\":\"key\",\"ready\":true}]}")) < 0)
		die("names");
	web_server_conf(f->ws, &conf);
	web_server_data(f->ws, NULL);
	free(f->map);
	f->map = NULL;
	zones_use(f, clock_now());
}

static void
on_stdin(void *arg, int fd, unsigned what UNUSED)
{
	struct fixture *f = arg;
	char c;

	if (read(fd, &c, 1) <= 0) {
		loop_stop(f->loop);
		return;
	}
	if (c == 'm')
		servers_many(f, clock_now());
	else if (c == 'z')
		zones_use(f, clock_now());
	else if (c == 'Z')
		zones_many(f, clock_now());
	else if (c == 'o')
		zones_odd(f);
	else if (c == 'n')
		names_only(f);
	else if (c == 'p')
		mail_put(f, sv_str(filter), reports_make(clock_now()));
	else if (c == 'P')
		mail_odd(f);
	else if (c == 'q')
		mail_bad(f);
	else if (c == 'k' || c == 'K')
		mail_only(f, c == 'k');
	else
		data_use(f, c);
	printf("%c\n", c);
	fflush(stdout);
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

	if (argc < 2)
		die("usage: web_fixture FIXTURE_DIR [TOKEN]");
	f.dir = argv[1];
	f.answers = load(argv[1], "explain.json");
	f.loop = loop_new();
	f.timer = loop_timer_add(f.loop, answer, &f);
	if (web_server_new(f.loop, &ops, &f.ws) < 0 ||
	    web_server_listen(f.ws, listen_loopback(&port), SV("127.0.0.1:0")) < 0 ||
	    web_conf_init(&conf, sv_str(argc > 2 ? argv[2] : ""), SV("Example Net K.K."),
	    SV("AS64496\n"), SV("192.0.2.0/24\n2001:db8::/32\n")) < 0)
		die("cannot start");
	web_server_conf(f.ws, &conf);
	servers_put(&f, clock_now());
	data_use(&f, ' ');
	history_put(&f, clock_now());
	if (web_server_routers(f.ws, SV(routers)) < 0)
		die("routers");
	in = loop_io_add(f.loop, STDIN_FILENO, LOOP_READ, on_stdin, &f);
	printf("%u\n", port);
	fflush(stdout);
	(void)loop_run(f.loop);
	(void)web_server_free(f.ws);
	json_decref(f.answers);
	free(f.map);
	(void)loop_io_del(in);
	(void)loop_timer_del(f.timer);
	(void)loop_free(f.loop);
	return 0;
}
