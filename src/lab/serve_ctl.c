/*
 * The control channel: a line in, a line of JSON out. {"ok":true,…} or
 * {"ok":false,"error":MSGID,"word":WORD}. sekisho-lab-serve(1) lists them.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "lab/serve.h"
#include "sys/file.h"

/* What a command is handed. */
struct ask {
	struct lab_serve	*s;
	struct sv		 args;
	struct json		*j;
	struct lab_error	 err;
	bool			 stop;
};

static int
refuse(struct ask *a, struct sv word, const char *msg)
{
	a->err.msg = msg;
	a->err.word = word;
	return -EINVAL;
}

static struct serve_host *
host_find(const struct lab_serve *s, struct sv name)
{
	for (size_t i = 0; i < s->n_hosts; i++)
		if (sv_eq_str(name, s->hosts[i].name))
			return &s->hosts[i];
	return NULL;
}

/* "step 3", "step HOST 3" */
static int
step_run(struct ask *a)
{
	struct serve_host *h = NULL;
	struct sv word = { NULL, 0 }, number;
	uint64_t n;

	if (!sv_word(&a->args, &word))
		return refuse(a, word, N_("needs a number"));
	if (!sv_word(&a->args, &number))
		number = word;
	else if ((h = host_find(a->s, word)) == NULL)
		return refuse(a, word, N_("is no host here"));
	if (num_u64(number, 0, SERVE_STEPS_MAX, &n) < 0)
		return refuse(a, number, N_("is no number in the allowed range"));
	for (size_t i = 0; i < a->s->n_hosts; i++)
		if (h == NULL || h == &a->s->hosts[i])
			a->s->hosts[i].step = n;
	json_kv_u64(a->j, "step", n);
	return 0;
}

static int
seconds(struct ask *a, uint64_t *ret)
{
	struct sv word = { NULL, 0 };

	if (!sv_word(&a->args, &word) || num_u64(word, 0, SERVE_NUMBER_MAX, ret) < 0)
		return refuse(a, word, N_("is no number in the allowed range"));
	return 0;
}

static int
advance_run(struct ask *a)
{
	uint64_t n;
	int rc = seconds(a, &n);

	if (rc < 0)
		return rc;
	a->s->skipped_sec += n;
	json_kv_u64(a->j, "time", serve_time_sec(a->s));
	return 0;
}

/* The file's rules instead of all that there are. */
static int
script_run(struct ask *a)
{
	_cleanup_(pool_freep) struct pool *pool = pool_new(2 * SERVE_SCRIPT_MAX);
	struct serve_script fresh = { 0 };
	struct sv word = { NULL, 0 }, text;
	const char *path;
	int rc;

	if (pool == NULL)
		return -ENOMEM;
	if (!sv_word(&a->args, &word) || (path = pool_sv(pool, word).p) == NULL)
		return refuse(a, word, N_("needs a file"));
	if ((rc = file_read(pool, FILE_CWD, path, SERVE_SCRIPT_MAX, &text)) < 0)
		return refuse(a, word, N_("cannot be read"));
	if ((rc = serve_script_parse(&fresh, text, &a->err)) < 0) {
		a->err.word = (struct sv){ NULL, 0 };	/* it lies in the file's text */
		serve_script_done(&fresh);
		return rc;
	}
	serve_script_done(&a->s->script);
	a->s->script = fresh;
	json_kv_u64(a->j, "rules", fresh.n);
	return 0;
}

static int
behave_run(struct ask *a)
{
	size_t before = a->s->script.n;
	int rc = serve_rule_add(&a->s->script, a->args, &a->err);

	if (rc == 0 && a->s->script.n == before)
		return refuse(a, a->args, N_("is no rule; write HOST [/PATH] BEHAVIOUR"));
	if (rc == 0)
		json_kv_u64(a->j, "rules", a->s->script.n);
	return rc;
}

static int
heal_run(struct ask *a)
{
	struct sv host = { NULL, 0 }, name = host;

	if (!sv_word(&a->args, &host))
		return refuse(a, host, N_("needs a host, or *"));
	(void)!sv_word(&a->args, &name);
	json_kv_u64(a->j, "healed", serve_script_heal(&a->s->script, host, name));
	json_kv_u64(a->j, "rules", a->s->script.n);
	return 0;
}

static int
rules_run(struct ask *a)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;

	json_key(a->j, "rules");
	json_open(a->j, '[');
	for (size_t i = 0; i < a->s->script.n; i++) {
		const struct serve_rule *r = &a->s->script.rules[i];

		b.len = 0;
		serve_rule_print(r, &b);
		json_open(a->j, '{');
		json_kv_sv(a->j, "rule", buf_get(&b));
		json_kv_u64(a->j, "seen", r->seen);
		json_kv_u64(a->j, "hits", r->hits);
		json_close(a->j, '}');
	}
	json_close(a->j, ']');
	return b.rc;
}

/* --- statistics --- */

static void
host_stat(struct json *j, const struct serve_host *h)
{
	const struct serve_host_stat *st = &h->stat;
	const struct { const char *key; uint64_t n; } rows[] = {
		{ "step", h->step }, { "connections", st->connections }, { "tls_failed", st->tls_failed },
		{ "requests", st->requests }, { "bytes", st->bytes }, { "not_modified", st->not_modified },
		{ "errors", st->errors }, { "notifications", st->notifications },
		{ "snapshots", st->snapshots }, { "deltas", st->deltas }, { "others", st->others },
		{ "gzipped", st->gzipped }, { "rsync_connections", st->rsync_connections },
		{ "rsync_bytes", st->rsync_bytes },
	};

	json_key(j, h->name);
	json_open(j, '{');
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		json_kv_u64(j, rows[i].key, rows[i].n);
	json_key(j, "behaviours");
	json_open(j, '{');
	for (unsigned i = 0; i < SERVE_B_MAX; i++)
		if (st->strikes[i] > 0)
			json_kv_u64(j, serve_behaviours[i].name, st->strikes[i]);
	json_close(j, '}');
	json_close(j, '}');
}

/* "stats", "stats reset" */
static int
stats_run(struct ask *a)
{
	struct lab_serve *s = a->s;
	struct sv word = { NULL, 0 };
	bool reset = sv_word(&a->args, &word);

	if (reset && !sv_eq(word, SV("reset")))
		return refuse(a, word, N_("is no command here; try help"));
	json_kv_u64(a->j, "time", serve_time_sec(s));
	json_kv_u64(a->j, "open", s->n_conns);
	json_kv_u64(a->j, "open_rsync", s->n_rsyncs);
	json_key(a->j, "hosts");
	json_open(a->j, '{');
	for (size_t i = 0; i < s->n_hosts; i++) {
		host_stat(a->j, &s->hosts[i]);
		if (reset)
			s->hosts[i].stat = (struct serve_host_stat){ 0 };
	}
	json_close(a->j, '}');
	return 0;
}

/* Connections that are open are closed: what comes next is seen by all. */
static int
hangup_run(struct ask *a)
{
	json_kv_u64(a->j, "closed", a->s->n_conns + a->s->n_rsyncs);
	serve_conns_free(a->s);
	serve_rsyncs_free(a->s);
	return 0;
}

static int
ports_run(struct ask *a)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;

	lab_serve_ports(a->s, &b);
	json_kv_sv(a->j, "ports", buf_get(&b));
	return b.rc;
}

static int
stop_run(struct ask *a)
{
	a->stop = true;
	return 0;
}

static int	help_run(struct ask *);

static const struct {
	const char	*name;
	int		(*run)(struct ask *);
} commands[] = {
	{ "step", step_run },
	{ "advance", advance_run },
	{ "script", script_run },
	{ "behave", behave_run },
	{ "heal", heal_run },
	{ "rules", rules_run },
	{ "stats", stats_run },
	{ "hangup", hangup_run },
	{ "ports", ports_run },
	{ "stop", stop_run },
	{ "help", help_run },
};

static int
help_run(struct ask *a)
{
	json_key(a->j, "commands");
	json_open(a->j, '[');
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		json_str(a->j, commands[i].name);
	json_close(a->j, ']');
	return 0;
}

static int
command_run(struct ask *a)
{
	struct sv name = { NULL, 0 };

	if (!sv_word(&a->args, &name))
		return refuse(a, name, N_("is no command here; try help"));
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		if (sv_eq_str(name, commands[i].name))
			return commands[i].run(a);
	return refuse(a, name, N_("is no command here; try help"));
}

bool
lab_serve_command(struct lab_serve *s, struct sv line, struct buf *answer)
{
	_cleanup_(buf_done) struct buf said = BUF_INIT;
	struct json inner = json_on(&said, false), j = json_on(answer, false);
	struct ask a = { .s = s, .args = line, .j = &inner };
	int rc;

	json_open(&inner, '{');
	json_kv_bool(&inner, "ok", true);
	rc = command_run(&a);
	json_close(&inner, '}');
	if (rc == 0) {
		buf_sv(answer, buf_get(&said));
		buf_char(answer, '\n');
		return !a.stop;
	}
	json_open(&j, '{');
	json_kv_bool(&j, "ok", false);
	json_kv_str(&j, "error", a.err.msg != NULL ? a.err.msg : err_str(rc));
	if (a.err.word.p != NULL)
		json_kv_sv(&j, "word", a.err.word);
	if (a.err.line > 0)
		json_kv_u64(&j, "line", a.err.line);
	json_close(&j, '}');
	buf_char(answer, '\n');
	return true;
}
