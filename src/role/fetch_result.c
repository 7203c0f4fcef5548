/* What is told of an attempt (to validate and the page), and of the whole. */
#include <stdio.h>

#include "role/fetch_role.h"

#define JSON_MAX	8000	/* messages.def: source_result */
#define FINDINGS_TOLD	6
/* status_answer has 16000; the counts come first. */
#define SERVERS_MAX	14000

static const char *
place_state(const struct fetch_place *f)
{
	if (f->running)
		return "running";
	if (!fetch_place_due(f))
		return f->wanted ? "resting" : "unwanted";
	if (f->failures > 0)
		return "failing";
	return f->last_ok > 0 ? "good" : "new";
}

/* --- one attempt --- */

/* Why it failed; NULL: through no fault of the server's. */
static const struct finding *
reason(const struct findings *fs)
{
	const struct finding *f = fs->head;

	while (f != NULL && f->def->severity != SEV_REJECT)
		f = f->next;
	return f;
}

/* The members "code" and "args" of one finding, as finding_json() has them. */
static void
reason_json(struct json *j, const struct finding *f)
{
	json_kv_str(j, "code", f == NULL ? "" : f->def->code);
	json_key(j, "args");
	json_open(j, '{');
	for (unsigned i = 0; f != NULL && i < f->n_args; i++) {
		const struct farg *a = &f->args[i];
		struct buf b = BUF_INIT;

		json_key(j, a->key);
		if (a->type == FARG_U64)
			json_u64(j, a->u);
		else {
			farg_print(&b, a);
			json_sv(j, buf_get(&b));
		}
		buf_done(&b);
	}
	json_close(j, '}');
}

static void
result_json(const struct run *run, bool ok, bool all, struct buf *b)
{
	const struct fetch_place *f = run->place;
	struct json j = json_on(b, false);
	int64_t now = fetch_mono_ms();
	unsigned n = 0;

	json_open(&j, '{');
	reason_json(&j, ok ? NULL : reason(&run->findings));
	json_kv_str(&j, "uri", run->uri < run->n_uris ? run->uris[run->uri] : f->key);
	json_kv_str(&j, "kind", place_kind_name(f->kind));
	json_kv_str(&j, "via", run->via);
	json_kv_u64(&j, "serial", run->serial);
	json_kv_str(&j, "session", run->session);
	json_kv_u64(&j, "bytes", run->bytes);
	json_kv_i64(&j, "msec", now - run->began_ms);
	json_kv_i64(&j, "next", role_now(run->fr->role) + (f->next - now) / 1000);
	json_kv_u64(&j, "failures", f->failures);
	json_kv_bool(&j, "data", ok || run->has_data);
	json_key(&j, "findings");
	json_open(&j, '[');
	for (const struct finding *x = run->findings.head; all && x != NULL &&
	    n < FINDINGS_TOLD; x = x->next, n++)
		finding_json(&j, x, LANG_EN);
	json_close(&j, ']');
	json_close(&j, '}');
}

void
result_send(struct run *run, bool ok)
{
	static const enum role_id to[] = { ROLE_VALIDATE, ROLE_WEB, ROLE_STORE };
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	struct msg_source_result m = {
		.key = sv_str(run->place->key), .ok = ok, .changed = run->changed > 0,
		.at = role_now(run->fr->role),
	};
	int rc;

	result_json(run, ok, true, &b);
	if (b.len > JSON_MAX) {
		b.len = 0;
		result_json(run, ok, false, &b);
	}
	m.json = buf_get(&b);
	for (size_t i = 0; i < ARRAY_LEN(to); i++)
		if ((rc = b.rc < 0 ? b.rc : msg_source_result_send(run->fr->role, to[i], &m)) < 0)
			role_log(run->fr->role, LOG_LEVEL_ERROR, "cannot tell %s of %s",
			    role_name(to[i]), run->place->key);
}

/* --- the whole --- */

struct tally {
	uint64_t	wanted, running, good, failing, fresh, fallback;
	int64_t		oldest_ms;		/* of those that have answered */
};

static struct tally
tally(const struct fetch_role *fr)
{
	struct tally t = { 0 };
	int64_t now = fetch_mono_ms();

	for (size_t i = 0; i < fetch_plan_count(fr->plan); i++) {
		const struct fetch_place *f = fetch_plan_at(fr->plan, i);

		if (!fetch_place_due(f))
			continue;
		t.wanted++;
		t.running += f->running;
		t.good += f->last_ok > 0 && f->failures == 0;
		t.failing += f->failures > 0;
		t.fresh += f->last_ok == 0 && f->failures == 0;
		t.fallback += f->fallback;
		if (f->last_ok > 0 && now - f->last_ok > t.oldest_ms)
			t.oldest_ms = now - f->last_ok;
	}
	return t;
}

static void
place_json(const struct fetch_role *fr, const struct fetch_place *f, struct json *j)
{
	int64_t now = fetch_mono_ms(), wall = role_now(fr->role);

	json_open(j, '{');
	json_kv_str(j, "key", f->key);
	json_kv_str(j, "kind", place_kind_name(f->kind));
	json_kv_str(j, "state", place_state(f));
	json_kv_u64(j, "failures", f->failures);
	json_kv_u64(j, "cas", f->n_cas);
	json_kv_i64(j, "ok", f->last_ok == 0 ? 0 : wall + (f->last_ok - now) / 1000);
	json_kv_i64(j, "next", wall + (f->next - now) / 1000);
	json_close(j, '}');
}

void
fetch_status_json(const struct fetch_role *fr, struct json *j)
{
	struct tally t = tally(fr);
	size_t i, start = j->b->len;

	json_kv_u64(j, "sources", t.wanted);
	json_kv_u64(j, "running", t.running);
	json_kv_u64(j, "good", t.good);
	json_kv_u64(j, "failing", t.failing);
	json_kv_u64(j, "new", t.fresh);
	json_kv_u64(j, "fallback", t.fallback);
	json_kv_i64(j, "oldest", t.oldest_ms / 1000);
	json_kv_u64(j, "lines", fr->wanted.n_lines);
	json_kv_u64(j, "lines_bad", fr->wanted.n_bad);
	json_kv_u64(j, "lines_over", fr->wanted.n_over);
	json_kv_u64(j, "fetched", fr->n_ok);
	json_kv_u64(j, "failed", fr->n_failed);
	json_kv_u64(j, "bytes", fr->bytes);
	json_key(j, "servers");
	json_open(j, '[');
	for (i = 0; i < fetch_plan_count(fr->plan); i++) {
		const struct fetch_place *f = fetch_plan_at(fr->plan, i);

		if (!fetch_place_due(f))
			continue;
		if (j->b->len - start > SERVERS_MAX - FETCH_KEY_MAX - 400)
			break;
		place_json(fr, f, j);
	}
	json_close(j, ']');
	json_kv_bool(j, "servers_all", i == fetch_plan_count(fr->plan));
}
