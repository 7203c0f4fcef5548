/*
 * Plays a scenario against the server's session of rtr/, with a clock of its
 * own: a day passes in a millisecond. One scenario is one case. Lines:
 *
 *	CACHE nothing | CACHE serial N [sessions A B C]	what the cache holds
 *	HELD N …		serials whose delta can be sent
 *	VERSIONS MIN MAX	that we speak
 *	TIMERS REFRESH RETRY EXPIRE
 *	CONNECT			a new router
 *	SEND vN reset | SEND vN serial SESSION SERIAL | SEND hex BYTES …
 *	SEND vN error CODE	an Error Report without text
 *	HOLD			the router stops taking what we send
 *	TAKE			it takes some; TAKE all: the rest
 *	TIME_PASSES SECONDS
 *	END CODE		we say goodbye
 *	EXPECT …		the next thing said; see reply_say()
 *	EXPECT silence		nothing was said
 *
 * STEP text names what follows, for the message when it fails.
 */
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.h"
#include "rtr/rtr.h"

#define FILE_MAX	65536
#define SAID_MAX	64
#define LINE_MAX_	160
#define HELD_MAX	8
#define INPUT_MAX	8192

struct play {
	struct rtr_session	 s;
	struct rtr_view		 v;
	int64_t			 now;
	uint32_t		 held[HELD_MAX];
	unsigned		 n_held;
	char			 said[SAID_MAX][LINE_MAX_];
	unsigned		 n_said, next;
	bool			 hold;
	uint8_t			 in[INPUT_MAX];
	size_t			 in_len;
	struct rtr_reply	 reply;		/* on its way while hold */
	unsigned		 line;
	char			 why[400];
};

static bool
delta_held(void *arg, uint32_t from)
{
	const struct play *p = arg;

	for (unsigned i = 0; i < p->n_held; i++)
		if (p->held[i] == from)
			return true;
	return false;
}

static void say(struct play *, const char *, ...) PRINTF(2, 3);

static void
say(struct play *p, const char *fmt, ...)
{
	va_list ap;

	if (p->n_said == SAID_MAX)
		abort();
	va_start(ap, fmt);
	(void)vsnprintf(p->said[p->n_said++], LINE_MAX_, fmt, ap);
	va_end(ap);
}

static void
pdu_say(struct play *p, const uint8_t *b, size_t n)
{
	struct rd r = rd_mem(b, n);

	while (rd_left(&r) > 0) {
		struct rtr_pdu pdu = { 0 };
		struct rtr_head h;

		if (rd_left(&r) < RTR_HEAD_LEN) {
			say(p, "garbage");
			return;
		}
		rtr_head_parse(r.p, &h);
		if (rtr_pdu_parse(rd_slice(&r, h.len), &pdu) != RTR_PDU_OK)
			say(p, "garbage");
		else if (h.type == RTR_ERROR_REPORT)
			say(p, "v%u error %u about %zu bytes", h.version, h.session, pdu.inner.n);
		else if (h.type == RTR_END_OF_DATA && pdu.has_timers)
			say(p, "v%u end session %u serial %u timers %u %u %u", h.version,
			    h.session, pdu.serial, pdu.timers.refresh_sec,
			    pdu.timers.retry_sec, pdu.timers.expire_sec);
		else if (h.type == RTR_END_OF_DATA || h.type == RTR_SERIAL_NOTIFY)
			say(p, "v%u %s session %u serial %u", h.version,
			    h.type == RTR_END_OF_DATA ? "end" : "notify", h.session, pdu.serial);
		else if (h.type == RTR_CACHE_RESPONSE)
			say(p, "v%u response session %u", h.version, h.session);
		else if (h.type == RTR_CACHE_RESET)
			say(p, "v%u cache-reset", h.version);
		else
			say(p, "v%u type %u", h.version, h.type);
	}
}

static void
reply_say(struct play *p)
{
	const struct rtr_reply *r = &p->reply;

	pdu_say(p, r->head, r->head_len);
	if (r->body == RTR_BODY_FULL)
		say(p, "v%u full", r->version);
	if (r->body == RTR_BODY_DELTA)
		say(p, "v%u delta from %u", r->version, r->from);
	pdu_say(p, r->tail, r->tail_len);
	if (r->close)
		say(p, "close%s%s", r->why != NULL ? " " : "", r->why != NULL ? r->why->code : "");
	else if (r->why != NULL)
		say(p, "finding %s", r->why->code);
	if (!p->hold && !r->close)
		rtr_session_sent(&p->s, p->now);
}

/* Answer what came, as far as the session takes it. */
static void
input_run(struct play *p)
{
	size_t left = p->in_len;

	while (left > 0) {
		struct rd in = rd_mem(p->in + p->in_len - left, left);
		bool reply = rtr_session_input(&p->s, &p->v, p->now, &in, &p->reply);
		bool stuck = rd_left(&in) == left && !reply;

		left = rd_left(&in);
		if (reply)
			reply_say(p);
		if (stuck)
			break;
	}
	memmove(p->in, p->in + p->in_len - left, left);
	p->in_len = left;
}

static void
time_run(struct play *p, uint32_t seconds)
{
	for (uint32_t i = 0; i < seconds; i++) {
		p->now++;
		if (rtr_session_tick(&p->s, &p->v, p->now, &p->reply))
			reply_say(p);
	}
}

/* --- the language --- */

static bool
fail(struct play *p, const char *what)
{
	(void)snprintf(p->why, sizeof(p->why), "line %u: %s", p->line, what);
	return false;
}

static bool
number(struct sv *s, uint32_t *ret)
{
	struct sv w;

	return sv_word(s, &w) && num_u32(w, 0, UINT32_MAX, ret) == 0;
}

static bool
do_cache(struct play *p, struct sv s)
{
	struct sv w;

	if (!sv_word(&s, &w))
		return false;
	p->v.has_data = !sv_eq(w, SV("nothing"));
	if (!p->v.has_data)
		return true;
	if (!number(&s, &p->v.stamp.serial))
		return false;
	if (!sv_word(&s, &w))
		return true;
	for (unsigned i = 0; i < RTR_VERSIONS; i++) {
		uint32_t n;

		if (!number(&s, &n))
			return false;
		p->v.stamp.session[i] = (uint16_t)n;
	}
	return true;
}

static bool
do_held(struct play *p, struct sv s)
{
	p->n_held = 0;
	while (p->n_held < HELD_MAX && number(&s, &p->held[p->n_held]))
		p->n_held++;
	return true;
}

static bool
do_versions(struct play *p, struct sv s)
{
	uint32_t a, b;

	if (!number(&s, &a) || !number(&s, &b))
		return false;
	p->v.min_version = (uint8_t)a;
	p->v.max_version = (uint8_t)b;
	return true;
}

static bool
do_timers(struct play *p, struct sv s)
{
	return number(&s, &p->v.timers.refresh_sec) &&
	    number(&s, &p->v.timers.retry_sec) && number(&s, &p->v.timers.expire_sec);
}

static bool
do_connect(struct play *p, struct sv s UNUSED)
{
	rtr_session_init(&p->s, p->now);
	p->in_len = 0;
	p->hold = false;
	return true;
}

/* Queries are made by hand here, so that broken ones can be made, too. */
static bool
send_words(struct sv s, struct wr *w)
{
	struct sv word;
	uint32_t version, a = 0, b = 0;

	if (!sv_word(&s, &word) || word.n < 2 ||
	    num_u32(sv_skip(word, 1), 0, 255, &version) < 0 || !sv_word(&s, &word))
		return false;
	wr_u8(w, (uint8_t)version);
	if (sv_eq(word, SV("reset"))) {
		wr_u8(w, RTR_RESET_QUERY);
		wr_be16(w, 0);
		wr_be32(w, 8);
	} else if (sv_eq(word, SV("serial")) && number(&s, &a) && number(&s, &b)) {
		wr_u8(w, RTR_SERIAL_QUERY);
		wr_be16(w, (uint16_t)a);
		wr_be32(w, 12);
		wr_be32(w, b);
	} else if (sv_eq(word, SV("error")) && number(&s, &a)) {
		wr_u8(w, RTR_ERROR_REPORT);
		wr_be16(w, (uint16_t)a);
		wr_be32(w, 16);
		wr_be64(w, 0);
	} else
		return false;
	return true;
}

static bool
do_send(struct play *p, struct sv s)
{
	struct wr w = wr_mem(p->in, sizeof(p->in));
	struct sv rest = s, word;

	w.len = p->in_len;
	if (!sv_word(&rest, &word))
		return false;
	if (!sv_eq(word, SV("hex"))) {
		if (!send_words(s, &w))
			return false;
	} else {
		while (sv_word(&rest, &word)) {
			uint8_t *room = wr_reserve(&w, word.n / 2);

			if (room == NULL || hex_decode(room, word.n / 2, word) < 0)
				return false;
		}
	}
	if (!wr_done(&w))
		return false;
	p->in_len = w.len;
	input_run(p);
	return true;
}

static bool
do_hold(struct play *p, struct sv s UNUSED)
{
	p->hold = true;
	return true;
}

static bool
do_take(struct play *p, struct sv s)
{
	struct sv w;

	if (!sv_word(&s, &w)) {
		rtr_session_progress(&p->s, p->now);
		return true;
	}
	p->hold = false;
	rtr_session_sent(&p->s, p->now);
	input_run(p);
	return true;
}

static bool
do_time(struct play *p, struct sv s)
{
	uint32_t n;

	if (!number(&s, &n))
		return false;
	time_run(p, n);
	return true;
}

static bool
do_end(struct play *p, struct sv s)
{
	uint32_t code;

	if (!number(&s, &code))
		return false;
	if (rtr_session_end(&p->s, (enum rtr_error_code)code, &p->reply))
		reply_say(p);
	return true;
}

static bool
do_expect(struct play *p, struct sv s)
{
	char why[360];
	const char *got = p->next < p->n_said ? p->said[p->next] : "silence";

	s = sv_trim(s);
	if (sv_eq_str(s, got)) {
		p->next += p->next < p->n_said;
		return true;
	}
	(void)snprintf(why, sizeof(why), "expected \"%.*s\", got \"%s\"", SV_ARG(s), got);
	return fail(p, why);
}

static bool
do_nothing(struct play *p UNUSED, struct sv s UNUSED)
{
	return true;
}

static const struct {
	const char	*word;
	bool		(*run)(struct play *, struct sv);
} verbs[] = {
	{ "CACHE", do_cache }, { "HELD", do_held }, { "VERSIONS", do_versions },
	{ "TIMERS", do_timers }, { "CONNECT", do_connect }, { "SEND", do_send },
	{ "HOLD", do_hold }, { "TAKE", do_take }, { "TIME_PASSES", do_time },
	{ "END", do_end }, { "EXPECT", do_expect }, { "STEP", do_nothing },
};

static bool
line_run(struct play *p, struct sv line)
{
	struct sv rest = line, word;

	if (!sv_word(&rest, &word) || word.p[0] == '#')
		return true;
	for (size_t i = 0; i < ARRAY_LEN(verbs); i++) {
		if (!sv_eq_str(word, verbs[i].word))
			continue;
		if (verbs[i].run(p, rest))
			return true;
		return p->why[0] != '\0' ? false : fail(p, "what is that?");
	}
	return fail(p, "no such verb");
}

static bool
scenario_run(struct play *p, struct sv text)
{
	struct sv line;

	*p = (struct play){
		.now = 1000000,
		.v = {
			.stamp = { 0, { 100, 200, 300 } },
			.timers = RTR_TIMERS_DEFAULT,
			.max_version = RTR_VERSION_MAX,
			.delta_held = delta_held,
			.arg = p,
		},
	};
	rtr_session_init(&p->s, p->now);
	while (sv_line(&text, &line)) {
		p->line++;
		if (!line_run(p, line))
			return false;
	}
	if (p->next < p->n_said)
		return do_expect(p, SV("silence"));
	return true;
}

static bool
file_read_all(const char *path, char *buf, struct sv *ret)
{
	int fd = open(path, O_RDONLY);
	ssize_t n = fd < 0 ? -1 : read(fd, buf, FILE_MAX);

	if (fd >= 0)
		(void)close(fd);
	if (n < 0)
		return false;
	*ret = (struct sv){ buf, (size_t)n };
	return true;
}

int
main(int argc, char **argv)
{
	static struct play p;
	static char buf[FILE_MAX];
	int bad = 0;

	printf("1..%d\n", argc - 1);
	for (int i = 1; i < argc; i++) {
		const char *name = strrchr(argv[i], '/');
		struct sv text;
		bool ok = file_read_all(argv[i], buf, &text) && scenario_run(&p, text);

		printf("%sok %d - %s\n", ok ? "" : "not ", i, name != NULL ? name + 1 : argv[i]);
		if (!ok)
			printf("# %s\n", p.why);
		bad += !ok;
	}
	return bad > 0;
}
