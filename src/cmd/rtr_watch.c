#include "cmd/rtr_watch.h"

#include <errno.h>

#include "base/err.h"

#define PORT_TCP	"323"	/* RFC 8210 section 9 */
#define PORT_TLS	"324"

void
rtr_watch_address(struct buf *ret, const char *text, bool tls)
{
	struct sv s = sv_str(text);
	size_t colon = sv_find(s, ':'), last = sv_rfind(s, ':');
	bool bracket = s.n > 0 && s.p[0] == '[', bare6 = !bracket && colon != last;
	bool port = bracket ? last < s.n && sv_find(s, ']') + 1 == last : !bare6 && colon < s.n;

	buf_printf(ret, bare6 ? "[%s]" : "%s", text);
	if (!port)
		buf_printf(ret, ":%s", tls ? PORT_TLS : PORT_TCP);
}

bool
rtr_watch_is_local(const char *address)
{
	static const char *const heads[] = { "127.", "[::1]:", "localhost:" };

	for (size_t i = 0; i < ARRAY_LEN(heads); i++)
		if (sv_starts(sv_str(address), sv_str(heads[i])))
			return true;
	return false;
}

int
rtr_watch_dial(void *arg, const char *address, int msec, struct link *ret)
{
	const struct rtr_watch_dial *d = arg;

	return rtr_dial(d->ctx, d->dial, address, msec, ret);
}

void
rtr_watch_why(const struct cmd_ctx *ctx, const struct watch_cache *w, int rc, struct buf *ret)
{
	_cleanup_(buf_done) struct buf tls = BUF_INIT;

	if (w != NULL && rtr_dial_why(watch_cache_link(w), ctx->lang, &tls) && tls.rc == 0)
		buf_printf(ret, "TLS: %.*s", SV_ARG(buf_get(&tls)));
	else if (rc == SE_PEER)
		buf_str(ret, tr(ctx->lang, N_("the cache broke the protocol or refused")));
	else if (rc == -ENODATA)
		buf_str(ret, tr(ctx->lang, N_("the cache has no data yet")));
	else
		buf_str(ret, err_str(rc));
}

void
rtr_watch_findings_json(struct json *j, const struct findings *fs, enum lang lang)
{
	json_key(j, "findings");
	json_open(j, '[');
	for (const struct finding *x = fs->head; x != NULL; x = x->next)
		finding_json(j, x, lang);
	json_close(j, ']');
}

const char *
rtr_watch_state_name(enum watch_state s)
{
	static const char *const names[] = { "OK", "WARNING", "CRITICAL", "UNKNOWN" };

	return names[s];
}

enum watch_state
rtr_watch_state(const struct findings *fs)
{
	if (findings_reject(fs))
		return WATCH_CRITICAL;
	return fs->n_by_severity[SEV_WARN] > 0 ? WATCH_WARNING : WATCH_OK;
}
