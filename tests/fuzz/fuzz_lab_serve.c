/*
 * The lab's servers: any bytes as a script, as a request's head, as a
 * notification. What is read can be written and read again, unchanged.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/err.h"
#include "fuzz_rpki.h"
#include "lab/serve.h"

static void
script(struct sv text)
{
	struct serve_script s = { 0 }, again = { 0 };
	struct lab_error e = { 0 };
	struct buf b = BUF_INIT;
	int rc = serve_script_parse(&s, text, &e);

	must(rc == 0 || rc == SE_LIMIT || (rc == -EINVAL && e.msg != NULL && e.line > 0 && s.n == 0));
	for (size_t i = 0; i < s.n; i++) {
		serve_rule_print(&s.rules[i], &b);
		buf_char(&b, '\n');
	}
	must(serve_script_parse(&again, buf_get(&b), &e) == 0 && again.n == s.n);
	for (size_t i = 0; i < s.n; i++) {
		const struct serve_rule *x = &s.rules[i], *y = &again.rules[i];

		must(x->b == y->b && x->number == y->number && x->times == y->times &&
		    x->every == y->every && sv_eq(x->host, y->host) && sv_eq(x->text, y->text));
	}
	(void)serve_script_pick(&s, &(struct serve_case){ .at = SERVE_AT_ANSWER, .host = SV("a.example"),
	    .path = sv_take(text, 100), .doc = SERVE_SNAPSHOT });
	buf_done(&b);
	serve_script_done(&again);
	serve_script_done(&s);
}

static void
request(struct sv text)
{
	struct serve_req r;
	size_t n = serve_head_len(text);

	must(n <= text.n);
	serve_req_parse(n > 0 ? sv_take(text, n) : text, &r);
	must(r.bad == 0 || (r.bad >= 400 && r.bad <= 505 && !r.keep_alive));
	if (r.bad != 0)
		return;
	must(r.path.n > 0 && r.path.p[0] == '/');
	for (size_t i = 0; i + 2 < r.path.n; i++)	/* nothing leaves the folder */
		must(r.path.p[i] != '/' || r.path.p[i + 1] != '.' || r.path.p[i + 2] != '.' ||
		    (i + 3 < r.path.n && r.path.p[i + 3] != '/'));
}

static void
notification(struct pool *pool, struct sv text)
{
	struct serve_notification n, m;
	struct buf a = BUF_INIT, b = BUF_INIT;

	(void)serve_attr(text, "session_id");
	(void)serve_doc_kind(text);
	if (serve_notification_parse(pool, text, &n) == 0) {
		serve_notification_write(&n, &a);
		if (serve_notification_parse(pool, buf_get(&a), &m) == 0) {	/* quotes in a value: not */
			serve_notification_write(&m, &b);
			must(m.serial == n.serial && m.n_deltas <= n.n_deltas);
		}
		for (unsigned i = 0; i < SERVE_B_MAX; i++) {
			const struct serve_strike k = { .on = true, .b = (enum serve_b)i, .number = 1 };
			int rc = serve_notification_change(pool, &k, &n);

			must(rc == 0 || rc == -EOPNOTSUPP || rc == -ENOMEM);
		}
	}
	buf_done(&a);
	buf_done(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	FUZZ_BEGIN(f);
	struct sv text = { (const char *)p, n };

	script(text);
	request(text);
	notification(f.pool, text);
	fuzz_end(&f);
	return 0;
}
