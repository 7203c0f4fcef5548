/* Alarms to the operator's webhook: one POST at a time, the answer is not read. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "role/fetch_role.h"

#define HOOK_MSEC	20000
#define HOOK_ANSWER_MAX	((uint64_t)64 * 1024)	/* "ok", or a page of HTML */

static int
hook_data(void *arg UNUSED, const void *p UNUSED, size_t n UNUSED)
{
	return 0;
}

static void
hook_answer(struct fetch_role *fr, uint32_t id, bool ok, struct sv what)
{
	const struct msg_webhook_done m = { .id = id, .ok = ok, .what = sv_take(what, 512) };

	if (msg_webhook_done_send(fr->role, ROLE_STORE, &m) < 0)
		role_log(fr->role, LOG_LEVEL_ERROR, "cannot tell the store of the webhook");
}

static void
hook_done(void *arg, const struct fetch_result *res)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	struct fetch_role *fr = arg;
	const struct finding f = { .def = res->why, .args = res->args, .n_args = res->n_args };

	fr->hook = NULL;
	if (res->why != NULL)
		finding_text(&b, &f, LANG_EN);
	hook_answer(fr, fr->hook_id, fetch_result_good(res), buf_get(&b));
}

int
fetch_on_webhook(struct role *r, enum role_id from UNUSED, void *msg)
{
	struct fetch_role *fr = r->state;
	const struct msg_webhook *m = msg;
	const struct fetch_req req = { .url = m->url, .post = m->json, .same_origin = true,
	    .limits = { .max_bytes = HOOK_ANSWER_MAX, .max_wire = HOOK_ANSWER_MAX,
	    .total_msec = HOOK_MSEC } };
	int rc;

	if (fr->plan == NULL)
		return -EBADMSG;
	if (fr->hook != NULL) {
		hook_answer(fr, m->id, false, SV("another one is under way"));
		return 0;
	}
	fr->hook_id = m->id;
	rc = fetch_start(fr->fetcher, &req, hook_data, hook_done, fr, &fr->hook);
	if (rc < 0) {
		fr->hook = NULL;
		hook_answer(fr, m->id, false, SV("no memory"));
	}
	return 0;
}
