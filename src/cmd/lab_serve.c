/* sekisho lab serve: the lab's own publication servers, on loopback, as bad as a script says. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "cmd/cmd.h"
#include "lab/lab.h"
#include "sys/atomicfile.h"
#include "sys/ctl.h"
#include "sys/file.h"
#include "sys/loop.h"
#include "sys/proc.h"
#include "sys/stream.h"

#define SCRIPT_MAX	(1u << 20)
#define INPUT_MAX	4096	/* a command on standard input */
#define FOR_MAX		604800	/* a week */

struct serve {
	struct cmd_ctx		*ctx;
	const char		*script, *ports, *hosts, *ca, *control, *dir;
	struct lab_serve_conf	 conf;
	uint32_t		 seconds;
	uint32_t		 step;
	bool			 list, use_stdin, no_rsync;

	struct loop		*loop;
	struct loop_timer	*end;
	struct lab_serve	*server;
	struct ctl		*ctl;
	struct loop_io		*input;
	char			 in[INPUT_MAX];
	size_t			 in_len;
};

static const struct cmd_opt opts[] = {
	{ "script", 0, "FILE", N_("who misbehaves, how and when; see --list") },
	{ "list", 0, NULL, N_("list all behaviours and what they break") },
	{ "listen", 0, "ADDRESS", N_("a loopback address to listen on, 127.0.0.1 by default") },
	{ "first-port", 0, "PORT", N_("ports from here on instead of free ones") },
	{ "default-ports", 0, NULL, N_("listen on 127.0.1.N, ports 443 and 873, for the Nth host") },
	{ "ports-file", 0, "FILE", N_("write NAME:443=ADDRESS:PORT lines, as fetch.hosts takes them") },
	{ "hosts-file", 0, "FILE", N_("write a hosts(5) file (with --default-ports)") },
	{ "ca-file", 0, "FILE", N_("write the certificate of the lab's CA here instead of DIR/lab-ca.pem") },
	{ "control", 0, "SOCKET", N_("take commands here instead of at DIR/lab-serve.sock") },
	{ "stdin", 0, NULL, N_("take commands on standard input, too; its end ends the servers") },
	{ "for", 0, "SECONDS", N_("end after so many seconds") },
	{ "step", 0, "N", N_("begin at this step of a moving world") },
	{ "still-clock", 0, NULL, N_("time moves only by the command advance") },
	{ "http", 0, NULL, N_("plain HTTP instead of HTTPS") },
	{ "no-gzip", 0, NULL, N_("never compress") },
	{ "rsync", 0, "PROGRAM", N_("the rsync program; found by itself in the usual places") },
	{ "no-rsync", 0, NULL, N_("serve HTTPS only") },
	{ 0 },
};

static const struct cmd_number numbers[] = {
	{ "for", offsetof(struct serve, seconds), 1, FOR_MAX },
	{ "step", offsetof(struct serve, step), 0, 1000 },
	{ "first-port", offsetof(struct serve, conf.first_port), 1024, 60000 },
};

static int
opt(struct cmd_ctx *ctx, void *state, const struct cmd_opt *o, const char *arg)
{
	struct serve *s = state;
	const struct { const char *name, **to; } words[] = {
		{ "script", &s->script }, { "listen", &s->conf.listen }, { "ports-file", &s->ports },
		{ "hosts-file", &s->hosts }, { "ca-file", &s->ca }, { "control", &s->control },
		{ "rsync", &s->conf.rsync },
	};
	const struct { const char *name; bool *to; } flags[] = {
		{ "list", &s->list }, { "default-ports", &s->conf.usual_ports },
		{ "stdin", &s->use_stdin }, { "still-clock", &s->conf.still },
		{ "http", &s->conf.plain }, { "no-gzip", &s->conf.no_gzip }, { "no-rsync", &s->no_rsync },
	};

	s->ctx = ctx;
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (strcmp(o->name, words[i].name) == 0) {
			*words[i].to = arg;
			return 0;
		}
	for (size_t i = 0; i < ARRAY_LEN(flags); i++)
		if (strcmp(o->name, flags[i].name) == 0) {
			*flags[i].to = true;
			return 0;
		}
	return cmd_number_opt(ctx, numbers, ARRAY_LEN(numbers), state, o, arg);
}

/* --- the list of behaviours --- */

static void
behaviour_json(const struct cmd_ctx *ctx, struct json *j, const struct lab_behaviour_info *b)
{
	json_open(j, '{');
	json_kv_str(j, "behaviour", b->name);
	json_kv_str(j, "moment", b->moment);
	json_kv_str(j, "argument", b->argument[0] != '\0' ? b->argument : NULL);
	json_kv_str(j, "clause", strcmp(b->clause, "-") != 0 ? b->clause : NULL);
	json_kv_str(j, "text", tr(ctx->lang, b->text));
	json_close(j, '}');
}

static int
list_print(const struct cmd_ctx *ctx)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	struct json j = json_on(&b, true);

	if (ctx->json)
		json_open(&j, '[');
	for (size_t i = 0; i < lab_n_behaviours(); i++) {
		char arg[300];
		struct lab_behaviour_info x = lab_behaviour_info(i, arg, sizeof(arg));

		if (ctx->json)
			behaviour_json(ctx, &j, &x);
		else
			buf_printf(&b, "%-18s %-9s %-34s %-25s %s\n", x.name, x.moment, x.argument,
			    x.clause, tr(ctx->lang, x.text));
	}
	if (ctx->json) {
		json_close(&j, ']');
		buf_char(&b, '\n');
	}
	return cmd_out(&b);
}

/* --- files --- */

static int
text_out(const struct serve *s, const char *path, struct sv text)
{
	_cleanup_(atomicfile_done) struct atomicfile f;
	int rc = atomicfile_open(&f, path);

	if (rc == 0)
		rc = fd_write_all(&f.fd, text.p, text.n);
	if (rc == 0)
		rc = atomicfile_commit(&f);
	if (rc == 0)
		return 0;
	cmd_err(tr(s->ctx->lang, N_("cannot write %s: %s; check the folder, its owner and the free space")),
	    path, err_str(rc));
	return EXIT_CANNOT;
}

static int
buf_out(const struct serve *s, const char *path, const struct buf *b)
{
	if (path == NULL)
		return 0;
	if (b->rc == 0)
		return text_out(s, path, buf_get(b));
	cmd_err("%s: %s", path, err_str(b->rc));
	return EXIT_CANNOT;
}

/* The ports come last: who waits for them finds the rest. */
static int
files_out(const struct serve *s)
{
	_cleanup_(buf_done) struct buf ports = BUF_INIT, hosts = BUF_INIT;
	int rc = 0;

	lab_serve_ports(s->server, &ports);
	lab_serve_hosts(s->server, &hosts);
	if (!s->conf.plain)
		rc = text_out(s, s->ca, lab_serve_ca(s->server));
	if (rc == 0)
		rc = buf_out(s, s->hosts, &hosts);
	return rc != 0 ? rc : buf_out(s, s->ports, &ports);
}

static int
script_read(const struct serve *s)
{
	_cleanup_(pool_freep) struct pool *pool = NULL;
	struct lab_error e = { 0 };
	struct sv text;
	int rc;

	if (s->script == NULL)
		return 0;
	if ((pool = pool_new(2 * SCRIPT_MAX)) == NULL)
		rc = -ENOMEM;
	else
		rc = file_read(pool, FILE_CWD, s->script, SCRIPT_MAX, &text);
	if (rc < 0) {
		cmd_err(tr(s->ctx->lang, N_("cannot read the script %s: %s; see sekisho-lab-serve(1)")),
		    s->script, err_str(rc));
		return EXIT_CANNOT;
	}
	if ((rc = lab_serve_script(s->server, text, &e)) == 0)
		return 0;
	if (e.msg != NULL)
		cmd_err("%s:%u: %.*s %s", s->script, e.line, SV_ARG(e.word), tr(s->ctx->lang, e.msg));
	else
		cmd_err("%s:%u: %s", s->script, e.line, err_str(rc));
	return EXIT_USAGE;
}

/* --- commands --- */

static void
on_ctl(void *arg, struct ctl_client *c, struct sv line)
{
	struct serve *s = arg;
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	bool go_on = lab_serve_command(s->server, line, &b);

	ctl_answer(c, buf_get(&b));
	if (!go_on)
		loop_stop(s->loop);
}

static void
input_line(struct serve *s, struct sv line)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;

	if (sv_trim(line).n == 0)
		return;
	if (!lab_serve_command(s->server, line, &b))
		loop_stop(s->loop);
	(void)fwrite(b.p, 1, b.len, stdout);
	(void)fflush(stdout);
}

/* All complete lines; one that fills the buffer is none. */
static void
input_take(struct serve *s)
{
	struct sv rest = { s->in, s->in_len };

	while (sv_find(rest, '\n') < rest.n)
		input_line(s, sv_cut(&rest, '\n'));
	if (rest.n == sizeof(s->in))
		rest.n = 0;
	memmove(s->in, rest.p, rest.n);
	s->in_len = rest.n;
}

static void
on_input(void *arg, int fd, unsigned what UNUSED)
{
	struct serve *s = arg;
	long n = stream_read(&fd, s->in + s->in_len, sizeof(s->in) - s->in_len);

	if (n == -EAGAIN)
		return;
	if (n <= 0) {
		loop_stop(s->loop);
		return;
	}
	s->in_len += (size_t)n;
	input_take(s);
}

/* --- life --- */

static void
on_log(void *arg UNUSED, const char *text)
{
	cmd_err("lab: %s", text);
}

static void
on_end(void *arg)
{
	struct serve *s = arg;

	loop_stop(s->loop);
}

static int
loop_setup(struct serve *s)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
	int rc = 0;

	if ((s->loop = loop_new()) == NULL)
		return -ENOMEM;
	proc_no_sigpipe();
	for (size_t i = 0; i < ARRAY_LEN(signals) && rc == 0; i++)
		rc = loop_signal(s->loop, signals[i], on_end, s);
	if (rc == 0 && s->seconds > 0) {
		if ((s->end = loop_timer_add(s->loop, on_end, s)) == NULL)
			return -ENOMEM;
		rc = loop_timer_set(s->end, (int64_t)s->seconds * 1000000);
	}
	if (rc == 0 && s->use_stdin && (s->input = loop_io_add(s->loop, 0, LOOP_READ, on_input, s)) == NULL)
		return -EINVAL;
	return rc;
}

static int
cannot_serve(const struct serve *s, const char *where, int rc)
{
	if (rc == -ENOENT || rc == -ENOTDIR)
		cmd_err(tr(s->ctx->lang,
		    N_("%s: no servers are there; make a world with sekisho lab rpki --servers DIR")), where);
	else if (rc == -EADDRINUSE || rc == -EACCES || rc == -EADDRNOTAVAIL)
		cmd_err(tr(s->ctx->lang, N_("%s: cannot listen: %s; choose other ports, or leave --first-port away")),
		    where, err_str(rc));
	else
		cmd_err("%s: %s", where[0] != '\0' ? where : s->dir, err_str(rc));
	return EXIT_CANNOT;
}

/* One line on standard output: who waits for it knows that we are ready. */
static void
ready_show(const struct serve *s)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	struct json j = json_on(&b, false);

	if (!s->ctx->json) {
		if (!s->ctx->quiet)
			printf(tr(s->ctx->lang, N_("lab: serving %zu hosts, commands at %s\n")),
			    lab_serve_n_hosts(s->server), s->control);
	} else {
		json_open(&j, '{');
		json_kv_u64(&j, "hosts", lab_serve_n_hosts(s->server));
		json_kv_str(&j, "control", s->control);
		json_kv_str(&j, "ca", s->conf.plain ? NULL : s->ca);
		json_close(&j, '}');
		printf("%.*s\n", SV_ARG(buf_get(&b)));
	}
	(void)fflush(stdout);
}

static int
step_begin(const struct serve *s)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT, line = BUF_INIT;

	buf_printf(&line, "step %u", s->step);
	(void)lab_serve_command(s->server, buf_get(&line), &b);
	return b.rc;
}

static int
serve_run(struct serve *s)
{
	char where[LAB_WHERE_LEN];
	int rc;

	if ((rc = loop_setup(s)) < 0)
		return cannot_serve(s, "", rc);
	if ((rc = lab_serve_new(s->loop, &s->conf, where, &s->server)) < 0)
		return cannot_serve(s, where, rc);
	if ((rc = script_read(s)) != 0)
		return rc;
	if ((rc = step_begin(s)) < 0 || (rc = ctl_listen(s->loop, s->control, on_ctl, s, &s->ctl)) < 0)
		return cannot_serve(s, s->control, rc);
	if ((rc = files_out(s)) != 0)
		return rc;
	ready_show(s);
	return loop_run(s->loop) < 0 ? EXIT_CANNOT : EXIT_GOOD;
}

static void
serve_done(struct serve *s)
{
	s->input = loop_io_del(s->input);
	s->end = loop_timer_del(s->end);
	s->ctl = ctl_free(s->ctl);
	s->server = lab_serve_free(s->server);
	s->loop = loop_free(s->loop);
}

/* The lab's misbehaviour is for this machine's own eyes. */
static bool
is_loopback(struct sv address)
{
	return sv_starts(address, SV("127.")) || sv_eq(address, SV("[::1]")) ||
	    sv_eq(address, SV("localhost"));
}

static void
rsync_find(struct serve *s)
{
	static const char *const places[] = { "/usr/bin/rsync", "/usr/local/bin/rsync", "/bin/rsync" };

	for (size_t i = 0; i < ARRAY_LEN(places) && s->conf.rsync == NULL && !s->no_rsync; i++)
		if (proc_can_run(places[i]))
			s->conf.rsync = places[i];
	if (s->no_rsync)
		s->conf.rsync = NULL;
	else if (s->conf.rsync == NULL)
		cmd_err("%s", tr(s->ctx->lang, N_("lab: no rsync program was found, serving HTTPS only; "
		    "install rsync, or say --rsync PROGRAM")));
}

static int
run(struct cmd_ctx *ctx, void *state, int argc, char **argv)
{
	_cleanup_(buf_done) struct buf ca = BUF_INIT, control = BUF_INIT;
	struct serve *s = state;
	int rc;

	s->ctx = ctx;
	if (s->list)
		return list_print(ctx);
	if (argc != 1)
		return cmd_usage(ctx, "%s", tr(ctx->lang, N_("name the folder with the servers of a world")));
	if (s->conf.listen == NULL)
		s->conf.listen = "127.0.0.1";
	if (!is_loopback(sv_str(s->conf.listen)))
		return cmd_usage(ctx, tr(ctx->lang,
		    N_("--listen %s: the lab listens on loopback only, as 127.0.0.1 or [::1]")), s->conf.listen);
	s->dir = s->conf.dir = argv[0];
	s->conf.log = on_log;
	rsync_find(s);
	buf_printf(&ca, "%s/lab-ca.pem%c", s->dir, '\0');
	buf_printf(&control, "%s/lab-serve.sock%c", s->dir, '\0');
	if (ca.rc < 0 || control.rc < 0)
		return EXIT_CANNOT;
	s->ca = s->ca != NULL ? s->ca : ca.p;
	s->control = s->control != NULL ? s->control : control.p;
	rc = serve_run(s);
	serve_done(s);
	return rc;
}

const struct cmd cmd_lab_serve = {
	.area = "lab", .verb = "serve", .args = "DIR",
	.summary = N_("serve a world by RRDP and rsync on loopback, as badly as a script says"),
	.opts = opts, .opt = opt, .state_size = sizeof(struct serve), .run = run,
};
