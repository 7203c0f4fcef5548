/* Configurations: the parts of a vendor's row with their places filled in. */
#include <stdio.h>
#include <string.h>

#include "app/kit_internal.h"

#define LOCAL_PREF	"50"	/* below the default of 100 everywhere */
#define PORT_TCP	8282	/* sekisho's own */
#define PORT_SSH	22
#define COLUMNS		76	/* where comments are broken */

struct render {
	const struct kit_want	*w;
	struct buf		*b;
	enum lang		 lang;		/* of comments */
	const struct kit_host	*host;		/* of CACHE and PEER parts */
	size_t			 n;		/* its number, from 1 */
};

static uint32_t
clamp(uint32_t v, const struct kit_timer *t)
{
	if (v < t->min)
		return t->min;
	return v > t->max ? t->max : v;
}

const struct kit_timer *
kit_timer_find(const struct kit_vendor *v, enum kit_time time)
{
	for (size_t i = 0; i < v->n_timers; i++)
		if (v->timers[i].time == time)
			return &v->timers[i];
	return NULL;
}

/* A refresh that leaves room for a hold time of twice as much. */
static uint32_t
refresh_seconds(const struct kit_want *w)
{
	const struct kit_timer *refresh = kit_timer_find(w->vendor, KIT_REFRESH);
	const struct kit_timer *hold = kit_timer_find(w->vendor, KIT_HOLD);
	uint32_t v = clamp(w->sec[KIT_REFRESH], refresh);

	return hold != NULL && v > hold->max / 2 ? hold->max / 2 : v;
}

uint32_t
kit_seconds(const struct kit_want *w, const struct kit_timer *t)
{
	switch (t->time) {
	case KIT_REFRESH:
		return refresh_seconds(w);
	case KIT_HOLD:
		return clamp(2 * refresh_seconds(w), t);
	case KIT_RESPONSE:
		return clamp(w->sec[KIT_RETRY], t);
	default:
		return clamp(w->sec[t->time], t);
	}
}

static size_t
peers_of(const struct kit_want *w, uint8_t af)
{
	size_t n = 0;

	for (size_t i = 0; i < w->n_peers; i++)
		n += w->peers[i].af == af;
	return n;
}

static bool
holds(const struct kit_want *w, unsigned when)
{
	static const unsigned policy[KIT_POLICY_MAX] = { KIT_IF_OBSERVE, KIT_IF_PREFER, KIT_IF_DROP };
	unsigned is = policy[w->policy];

	is |= w->transport == KIT_SSH ? KIT_IF_SSH : KIT_IF_TCP;
	is |= w->n_caches > 1 ? KIT_IF_CACHES : KIT_IF_ONE_CACHE;
	is |= w->n_peers > 0 ? KIT_IF_PEERS : KIT_IF_NO_PEERS;
	is |= w->router_id != NULL ? KIT_IF_ROUTER_ID : 0;
	is |= peers_of(w, IP_V4) > 0 ? KIT_IF_PEERS4 : 0;
	is |= peers_of(w, IP_V6) > 0 ? KIT_IF_PEERS6 : 0;
	/* Of policies one is enough; of the rest, all are asked for. */
	if ((when & KIT_IF_POLICIES) != 0 && (when & KIT_IF_POLICIES & is) == 0)
		return false;
	return (when & ~KIT_IF_POLICIES & ~is) == 0;
}

/* --- places --- */

static void
put_time(const struct render *r, enum kit_time time)
{
	const struct kit_timer *t = kit_timer_find(r->w->vendor, time);

	if (t != NULL)
		buf_u64(r->b, kit_seconds(r->w, t));
}

static void
put_port(const struct render *r)
{
	if (r->host->port != 0)
		buf_u64(r->b, r->host->port);
	else
		buf_u64(r->b, r->w->transport == KIT_SSH ? PORT_SSH : PORT_TCP);
}

static const char *
word_or(const char *given, const char *otherwise)
{
	return given != NULL ? given : otherwise;
}

static const struct {
	const char	*name;
	enum kit_time	 time;
} times[] = {
	{ "refresh", KIT_REFRESH },
	{ "retry", KIT_RETRY },
	{ "expire", KIT_EXPIRE },
	{ "hold", KIT_HOLD },
	{ "response", KIT_RESPONSE },
};

static void
put_number(const struct render *r, struct sv place)
{
	for (size_t i = 0; i < ARRAY_LEN(times); i++)
		if (sv_eq_str(place, times[i].name))
			put_time(r, times[i].time);
	if (sv_eq(place, SV("asn")))
		buf_u64(r->b, r->w->asn);
	else if (sv_eq(place, SV("caches")))
		buf_u64(r->b, r->w->n_caches);
	else if (sv_eq(place, SV("n")))
		buf_u64(r->b, r->n);
	else if (sv_eq(place, SV("port")) && r->host != NULL)
		put_port(r);
	else if (sv_eq(place, SV("peer_asn")) && r->host != NULL)
		buf_u64(r->b, r->host->asn);
}

static void
put(const struct render *r, struct sv place)
{
	const struct kit_want *w = r->w;

	if (sv_eq(place, SV("addr")) && r->host != NULL)
		buf_str(r->b, r->host->addr);
	else if (sv_eq(place, SV("lp")))
		buf_str(r->b, LOCAL_PREF);
	else if (sv_eq(place, SV("router_id")))
		buf_str(r->b, word_or(w->router_id, ""));
	else if (sv_eq(place, SV("user")))
		buf_str(r->b, word_or(w->ssh_user, "rpki"));
	else if (sv_eq(place, SV("key")))
		buf_str(r->b, word_or(w->ssh_key, "/etc/sekisho/router.key"));
	else if (sv_eq(place, SV("host_key")))
		buf_str(r->b, word_or(w->ssh_host_key, "/etc/sekisho/cache.pub"));
	else
		put_number(r, place);
}

static void
fill(const struct render *r, const char *text)
{
	struct sv s = sv_str(text);

	while (s.n > 0) {
		buf_sv(r->b, sv_cut(&s, '@'));
		if (s.n > 0)
			put(r, sv_cut(&s, '@'));
	}
}

/* --- comments --- */

/* Width of one letter on a terminal, roughly: beyond Latin it is two. */
static unsigned
cells(struct sv s, size_t n)
{
	return n >= 3 && (uint8_t)s.p[0] >= 0xe3 ? 2 : 1;
}

/* Japanese lines do not begin with what closes or lengthens, nor end with what opens. */
static bool
may_break(struct sv before, struct sv after)
{
	static const char *const no_end[] = { "「", "（" };
	static const char *const no_begin[] = { "。", "、", "」", "）", "：", "ー", "ッ", "ャ", "ュ", "ョ",
	    "ィ", "ェ", "っ", "ゃ", "ゅ", "ょ" };

	for (size_t i = 0; i < ARRAY_LEN(no_end); i++)
		if (sv_starts(before, sv_str(no_end[i])))
			return false;
	for (size_t i = 0; i < ARRAY_LEN(no_begin); i++)
		if (sv_starts(after, sv_str(no_begin[i])))
			return false;
	return true;
}

/* Where a line of s ends: at a blank, or in Japanese almost anywhere. */
static size_t
line_end(struct sv s, unsigned width)
{
	size_t i = 0, blank = 0;
	unsigned at = 0;

	while (i < s.n && at < width) {
		size_t n = max_size(utf8_len(sv_skip(s, i)), 1);

		if (s.p[i] == ' ')
			blank = i;
		at += cells(sv_skip(s, i), n);
		if (n >= 3 && may_break(sv_skip(s, i), sv_skip(s, i + n)))
			blank = i + n;
		i += n;
	}
	return i >= s.n || blank == 0 ? i : blank;
}

static void
comment(const struct render *r, const char *mark, struct sv s)
{
	while (s.n > 0) {
		size_t n = line_end(s, COLUMNS);

		buf_str(r->b, mark);
		buf_sv(r->b, sv_trim(sv_take(s, n)));
		buf_char(r->b, '\n');
		s = sv_trim(sv_skip(s, n));
	}
}

/* {sec}, {min}, {max} of a timer's reason. */
static void
why(const struct render *r, const struct kit_timer *t, struct buf *b)
{
	struct sv s = sv_str(tr(r->lang, t->why));

	while (s.n > 0) {
		struct sv place;

		buf_sv(b, sv_cut(&s, '{'));
		if (s.n == 0)
			return;
		place = sv_cut(&s, '}');
		if (sv_eq(place, SV("sec")))
			buf_u64(b, kit_seconds(r->w, t));
		else
			buf_u64(b, sv_eq(place, SV("min")) ? t->min : t->max);
	}
}

static void
timers_explain(const struct render *r, const char *mark)
{
	for (size_t i = 0; i < r->w->vendor->n_timers; i++) {
		_cleanup_(buf_done) struct buf line = BUF_INIT;

		buf_printf(&line, "%s: ", r->w->vendor->timers[i].word);
		why(r, &r->w->vendor->timers[i], &line);
		if (line.rc == 0)
			comment(r, mark, buf_get(&line));
	}
}

static void
checks_explain(const struct render *r, const char *mark)
{
	const struct kit_vendor *v = r->w->vendor;

	comment(r, mark, sv_str(tr(r->lang, N_("How to see that it works:"))));
	for (size_t i = 0; i < v->n_checks; i++) {
		if (!holds(r->w, v->checks[i].when))
			continue;
		buf_printf(r->b, "%s  %s\n", mark, v->checks[i].command);
		buf_printf(r->b, "%s    %s: %s\n", mark, tr(r->lang, N_("good")),
		    tr(r->lang, v->checks[i].good));
		buf_printf(r->b, "%s    %s: %s\n", mark, tr(r->lang, N_("bad")),
		    tr(r->lang, v->checks[i].bad));
	}
}

/* --- the whole --- */

static void
part_once(const struct render *r, const struct kit_part *p)
{
	if (p->text != NULL)
		fill(r, p->text);
}

static void
part_each(struct render r, const struct kit_part *p)
{
	bool caches = p->each == KIT_CACHE;
	const struct kit_host *hosts = caches ? r.w->caches : r.w->peers;
	size_t n = caches ? r.w->n_caches : r.w->n_peers;

	for (size_t i = 0; i < n; i++) {
		if ((p->each == KIT_PEER4 && hosts[i].af != IP_V4) ||
		    (p->each == KIT_PEER6 && hosts[i].af != IP_V6))
			continue;
		r.host = &hosts[i];
		r.n = i + 1;
		part_once(&r, p);
	}
}

static void
head(const struct render *r)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;

	buf_printf(&b, tr(r->lang, N_("Made by sekisho rtr config for %s, policy \"%s\".")),
	    r->w->vendor->title, kit_policy_name(r->w->policy));
	if (b.rc == 0)
		comment(r, r->w->vendor->comment, buf_get(&b));
	if (!r->w->vendor->tested)
		comment(r, r->w->vendor->comment, sv_str(tr(r->lang,
		    N_("Written from the vendor's documentation, not loaded into the system itself: look at it, and commit with a way back."))));
}

void
kit_config(struct buf *b, const struct kit_want *w)
{
	const struct kit_vendor *v = w->vendor;
	struct render r = { .w = w, .b = b, .lang = v->ascii ? LANG_EN : w->lang };

	head(&r);
	timers_explain(&r, v->comment);
	for (size_t i = 0; i < v->n_parts; i++) {
		if (!holds(w, v->parts[i].when))
			continue;
		if (v->parts[i].note != NULL)
			comment(&r, v->comment, sv_str(tr(r.lang, v->parts[i].note)));
		if (v->parts[i].each == KIT_ONCE)
			part_once(&r, &v->parts[i]);
		else
			part_each(r, &v->parts[i]);
	}
	checks_explain(&r, v->comment);
}

void
kit_explain(struct buf *b, const struct kit_want *w)
{
	struct render r = { .w = w, .b = b, .lang = w->lang };

	timers_explain(&r, "");
	for (size_t i = 0; i < w->vendor->n_parts; i++)
		if (w->vendor->parts[i].note != NULL && holds(w, w->vendor->parts[i].when))
			comment(&r, "", sv_str(tr(w->lang, w->vendor->parts[i].note)));
	checks_explain(&r, "");
}

static void
timers_json(const struct render *r, struct json *j)
{
	const struct kit_vendor *v = r->w->vendor;

	json_key(j, "timers");
	json_open(j, '[');
	for (size_t i = 0; i < v->n_timers; i++) {
		_cleanup_(buf_done) struct buf b = BUF_INIT;

		why(r, &v->timers[i], &b);
		json_open(j, '{');
		json_kv_str(j, "name", v->timers[i].word);
		json_kv_u64(j, "seconds", kit_seconds(r->w, &v->timers[i]));
		json_kv_u64(j, "min", v->timers[i].min);
		json_kv_u64(j, "max", v->timers[i].max);
		json_kv_sv(j, "reason", buf_get(&b));
		json_close(j, '}');
	}
	json_close(j, ']');
}

static void
checks_json(const struct render *r, struct json *j)
{
	const struct kit_vendor *v = r->w->vendor;

	json_key(j, "checks");
	json_open(j, '[');
	for (size_t i = 0; i < v->n_checks; i++) {
		if (!holds(r->w, v->checks[i].when))
			continue;
		json_open(j, '{');
		json_kv_str(j, "command", v->checks[i].command);
		json_kv_str(j, "good", tr(r->lang, v->checks[i].good));
		json_kv_str(j, "bad", tr(r->lang, v->checks[i].bad));
		json_close(j, '}');
	}
	json_close(j, ']');
}

void
kit_json(struct json *j, const struct kit_want *w)
{
	_cleanup_(buf_done) struct buf conf = BUF_INIT;
	struct render r = { .w = w, .b = &conf, .lang = w->lang };
	const struct kit_vendor *v = w->vendor;

	kit_config(&conf, w);
	json_kv_sv(j, "configuration", buf_get(&conf));
	timers_json(&r, j);
	json_key(j, "notes");
	json_open(j, '[');
	for (size_t i = 0; i < v->n_parts; i++)
		if (v->parts[i].note != NULL && holds(w, v->parts[i].when))
			json_str(j, tr(w->lang, v->parts[i].note));
	json_close(j, ']');
	checks_json(&r, j);
}
