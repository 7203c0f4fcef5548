/*
 * The state as text, a fact a line:
 *
 *	sekisho-keystate 1
 *	clock NOW CHILD PARENT HOLD-UNTIL
 *	flag NAME			hold, unproven, ds-alarm, ds-done, ds-none-ok
 *	ds WANTED BEFORE SINCE
 *	next NUMBER SEQ DNSKEY-SEQ DATA-SEQ
 *	key NUMBER ROLE ALG TAG BITS FLAGS GOAL PREDECESSOR SUCCESSOR CREATED ACTIVE
 *	    DNSKEY SINCE KEYSIG SINCE ZONESIG SINCE DS SINCE PUBLIC-KEY-IN-HEX
 *	end NUMBER TIME			of its life, where a signer before us planned it
 *	set KIND KEYS SIGS SEQ TTL foreign|known seen|unseen[-again] FROM GONE UNTIL
 *	sum SHA-256 of all that stands before, in hex
 *
 * Keys of sets are numbers with commas, "-" for none; times are seconds, or
 * "never". All lines are there once; flag, key, end and set as often as needed, in
 * this order.
 */
#include "dnssec/keystate_internal.h"

#include <errno.h>

#include "base/err.h"
#include "crypto/crypto.h"

#define TIME_LAST	(INT64_C(1) << 40)	/* the year 36812 */

static const char *const kind_names[KS_KIND_MAX] = { "ds", "dnskey", "data" };

static const struct {
	const char	*name;
	size_t		 off;
} flags[] = {
	{ "hold", offsetof(struct keystate, hold) },
	{ "unproven", offsetof(struct keystate, unproven) },
	{ "ds-alarm", offsetof(struct keystate, ds_alarm) },
	{ "ds-done", offsetof(struct keystate, ds_done) },
	{ "ds-none-ok", offsetof(struct keystate, ds_none_ok) },
};

static const char *const foreign_names[] = { "known", "foreign" };
static const char *const seen_names[] = { "unseen", "seen", "unseen-again", "seen-again" };

/* --- writing --- */

static void
put_time(struct buf *b, int64_t t)
{
	buf_char(b, ' ');
	if (t == TIME_NEVER)
		buf_str(b, "never");
	else
		buf_u64(b, t < 0 ? 0 : (uint64_t)t);
}

static void
put_keys(struct buf *b, const struct keystate *st, uint32_t mask)
{
	const char *sep = " ";

	for (int i = 0; i < KEYSTATE_KEYS_MAX; i++) {
		if ((mask & ks_bit(i)) == 0)
			continue;
		buf_str(b, sep);
		buf_u64(b, st->keys[i].number);
		sep = ",";
	}
	if (mask == 0)
		buf_str(b, " -");
}

static void
put_hex(struct buf *b, const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		buf_printf(b, "%02x", p[i]);
}

static void
key_write(struct buf *b, const struct keystate_key *k)
{
	buf_printf(b, "key %u %s %u %u %u %u %s %u %u", k->number, keystate_role_name(k->role),
	    k->alg, k->tag, k->bits, k->flags, keystate_goal_name(k->goal), k->predecessor,
	    k->successor);
	put_time(b, k->created);
	put_time(b, k->active);
	for (int r = 0; r < KS_REC_MAX; r++) {
		buf_printf(b, " %s", keystate_state_name(k->records[r].state));
		put_time(b, k->records[r].since);
	}
	buf_char(b, ' ');
	put_hex(b, k->public_key, k->public_len);
	buf_char(b, '\n');
}

static void
set_write(struct buf *b, const struct keystate *st, const struct keystate_set *s)
{
	buf_printf(b, "set %s", kind_names[s->kind]);
	put_keys(b, st, s->keys);
	put_keys(b, st, s->sigs);
	buf_printf(b, " %u %u %s %s", s->seq, s->ttl_sec, s->foreign ? "foreign" : "known",
	    seen_names[(s->seen ? 1 : 0) + (s->again ? 2 : 0)]);
	put_time(b, s->from);
	put_time(b, s->gone);
	put_time(b, s->until);
	buf_char(b, '\n');
}

static void
sum_write(struct buf *b, size_t from)
{
	uint8_t sum[SHA256_LEN];

	if (b->rc < 0)
		return;
	crypto_sha256(b->p + from, b->len - from, sum);
	buf_str(b, "sum ");
	put_hex(b, sum, sizeof(sum));
	buf_char(b, '\n');
}

/* Into a buffer without a sink: the sum needs the text. */
void
keystate_write(const struct keystate *st, struct buf *b)
{
	size_t from = b->len;

	buf_str(b, "sekisho-keystate 1\nclock");
	put_time(b, st->now);
	put_time(b, st->child_at);
	put_time(b, st->parent_at);
	put_time(b, st->hold_until);
	buf_char(b, '\n');
	for (size_t i = 0; i < ARRAY_LEN(flags); i++)
		if (*(const bool *)((const char *)st + flags[i].off))
			buf_printf(b, "flag %s\n", flags[i].name);
	buf_printf(b, "next %u %u %u %u\n", st->next_number, st->next_seq, st->seq[KS_DNSKEY],
	    st->seq[KS_DATA]);
	for (int i = 0; i < KEYSTATE_KEYS_MAX; i++)
		if (st->keys[i].number != 0)
			key_write(b, &st->keys[i]);
	for (int i = 0; i < KEYSTATE_KEYS_MAX; i++)
		if (st->keys[i].number != 0 && st->keys[i].end != 0) {
			buf_printf(b, "end %u", st->keys[i].number);
			put_time(b, st->keys[i].end);
			buf_char(b, '\n');
		}
	buf_str(b, "ds");
	put_keys(b, st, st->ds_want);
	put_keys(b, st, st->ds_before);
	put_time(b, st->ds_since);
	buf_char(b, '\n');
	for (size_t i = 0; i < st->n_sets; i++)
		set_write(b, st, &st->sets[i]);
	sum_write(b, from);
}

/* --- reading: the words of a line, with a sticky error --- */

struct words {
	struct sv	rest;
	bool		bad;
};

static struct sv
word(struct words *w)
{
	struct sv s = { 0 };

	if (w->rest.n == 0 || w->rest.p[0] == ' ')
		w->bad = true;
	s = sv_cut(&w->rest, ' ');
	return s;
}

static uint32_t
word_u32(struct words *w, uint32_t max)
{
	uint32_t v = 0;

	if (num_u32(word(w), 0, max, &v) < 0)
		w->bad = true;
	return v;
}

static int64_t
word_time(struct words *w)
{
	struct sv s = word(w);
	uint64_t v = 0;

	if (sv_eq_str(s, "never"))
		return TIME_NEVER;
	if (num_u64(s, 0, TIME_LAST, &v) < 0)
		w->bad = true;
	return (int64_t)v;
}

/* Of what happened, or will: sums are made with it. */
static int64_t
word_date(struct words *w)
{
	int64_t t = word_time(w);

	if (t == TIME_NEVER)
		w->bad = true;
	return t;
}

static unsigned
word_name(struct words *w, const char *const *names, unsigned n)
{
	struct sv s = word(w);

	for (unsigned i = 0; i < n; i++)
		if (sv_eq_str(s, names[i]))
			return i;
	w->bad = true;
	return 0;
}

/* Numbers of keys that were named before, in the order of their places. */
static uint32_t
word_keys(struct words *w, const struct keystate *st)
{
	struct sv s = word(w);
	uint32_t mask = 0;

	if (sv_eq_str(s, "-"))
		return 0;
	do {
		uint32_t number = 0;
		int place;

		if (num_u32(sv_cut(&s, ','), 1, UINT32_MAX, &number) < 0)
			w->bad = true;
		place = keystate_find(st, number);
		if (place < 0 || mask >= ks_bit(place))
			w->bad = true;
		else
			mask |= ks_bit(place);
	} while (s.n > 0 && !w->bad);
	return mask;
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static size_t
word_hex(struct words *w, uint8_t *dst, size_t cap)
{
	struct sv s = word(w);

	if (s.n == 0 || s.n % 2 != 0 || s.n / 2 > cap) {
		w->bad = true;
		return 0;
	}
	for (size_t i = 0; i < s.n / 2; i++) {
		int hi = hex_digit(s.p[2 * i]), lo = hex_digit(s.p[2 * i + 1]);

		if (hi < 0 || lo < 0)
			w->bad = true;
		dst[i] = (uint8_t)(((unsigned)hi & 15) << 4 | ((unsigned)lo & 15));
	}
	return s.n / 2;
}

/* --- reading: the lines --- */

static void
clock_read(struct words *w, struct keystate *st)
{
	st->now = word_date(w);
	st->child_at = word_date(w);
	st->parent_at = word_date(w);
	st->hold_until = word_date(w);
}

static void
flag_read(struct words *w, struct keystate *st)
{
	struct sv s = word(w);

	for (size_t i = 0; i < ARRAY_LEN(flags); i++) {
		bool *at = (bool *)((char *)st + flags[i].off);

		if (!sv_eq_str(s, flags[i].name))
			continue;
		if (*at)
			w->bad = true;
		*at = true;
		return;
	}
	w->bad = true;
}

static void
next_read(struct words *w, struct keystate *st)
{
	st->next_number = word_u32(w, UINT32_MAX);
	st->next_seq = word_u32(w, UINT32_MAX);
	st->seq[KS_DNSKEY] = word_u32(w, UINT32_MAX);
	st->seq[KS_DATA] = word_u32(w, UINT32_MAX);
	if (st->next_number == 0 || st->seq[KS_DNSKEY] >= st->next_seq ||
	    st->seq[KS_DATA] >= st->next_seq)
		w->bad = true;
}

static void
key_read(struct words *w, struct keystate *st)
{
	struct keystate_key k = { .number = word_u32(w, UINT32_MAX) };
	int place = 0;

	while (place < KEYSTATE_KEYS_MAX && st->keys[place].number != 0)
		place++;
	k.role = (enum ks_role)word_name(w, ks_role_names, KS_ROLE_MAX);
	k.alg = (uint8_t)word_u32(w, UINT8_MAX);
	k.tag = (uint16_t)word_u32(w, UINT16_MAX);
	k.bits = word_u32(w, UINT16_MAX);
	k.flags = word_u32(w, (KS_FLAG_ASKED << 1) - 1);
	k.goal = (enum ks_goal)word_name(w, ks_goal_names, KS_GOAL_MAX);
	k.predecessor = word_u32(w, UINT32_MAX);
	k.successor = word_u32(w, UINT32_MAX);
	k.created = word_date(w);
	k.active = word_time(w);
	for (int r = 0; r < KS_REC_MAX; r++) {
		k.records[r].state = (enum ks_state)word_name(w, ks_state_names, KS_STATE_MAX);
		k.records[r].since = word_date(w);
	}
	k.public_len = (uint16_t)word_hex(w, k.public_key, sizeof(k.public_key));
	if (place == KEYSTATE_KEYS_MAX || k.number == 0 || k.number >= st->next_number ||
	    (place > 0 && st->keys[place - 1].number == k.number) || keystate_find(st, k.number) >= 0)
		w->bad = true;
	else
		st->keys[place] = k;
}

static void
end_read(struct words *w, struct keystate *st)
{
	int place = keystate_find(st, word_u32(w, UINT32_MAX));
	int64_t end = word_date(w);

	if (place < 0 || end == 0 || st->keys[place].end != 0)
		w->bad = true;
	else
		st->keys[place].end = end;
}

static void
ds_read(struct words *w, struct keystate *st)
{
	st->ds_want = word_keys(w, st);
	st->ds_before = word_keys(w, st);
	st->ds_since = word_date(w);
}

static void
set_read(struct words *w, struct keystate *st)
{
	struct keystate_set s = { .kind = (enum ks_kind)word_name(w, kind_names, KS_KIND_MAX) };
	unsigned seen;

	s.keys = word_keys(w, st);
	s.sigs = word_keys(w, st);
	s.seq = word_u32(w, UINT32_MAX);
	s.ttl_sec = word_u32(w, INT32_MAX);
	s.foreign = word_name(w, foreign_names, 2) != 0;
	seen = word_name(w, seen_names, ARRAY_LEN(seen_names));
	s.seen = (seen & 1) != 0;
	s.again = (seen & 2) != 0;
	s.from = word_date(w);
	s.gone = word_time(w);
	s.until = word_time(w);
	/* What may still be served has no end; what is not has one. */
	if ((s.gone == TIME_NEVER) != (s.until == TIME_NEVER) || s.until < s.gone ||
	    s.seq >= st->next_seq || (s.kind == KS_DS && s.seq != 0 && s.seq != st->seq[KS_DS]))
		w->bad = true;
	if (!w->bad && ks_set_add(st, &s) < 0)
		w->bad = true;
}

#define LINE_DS	5	/* the last one that may not be missing */

static const struct {
	const char	*name;
	bool		 many;
	void		(*read)(struct words *, struct keystate *);
} lines[] = {
	{ "clock", false, clock_read },
	{ "flag", true, flag_read },
	{ "next", false, next_read },
	{ "key", true, key_read },
	{ "end", true, end_read },
	{ "ds", false, ds_read },
	{ "set", true, set_read },
};

/* The statement of a line; *at is the one of the last. Once means exactly once. */
static int
line_read(struct words *w, struct keystate *st, size_t *at, bool *again)
{
	struct sv name = word(w);

	while (*at < ARRAY_LEN(lines) && !sv_eq_str(name, lines[*at].name)) {
		if (!lines[*at].many && !*again)
			return SE_SYNTAX;
		++*at;
		*again = false;
	}
	if (w->bad || *at == ARRAY_LEN(lines) || (*again && !lines[*at].many))
		return SE_SYNTAX;
	*again = true;
	lines[*at].read(w, st);
	return w->bad || w->rest.n != 0 ? SE_SYNTAX : 0;
}

/* The newest sets are there, or the whole is to be seen anew. */
static bool
complete(const struct keystate *st)
{
	bool has[KS_KIND_MAX] = { false };

	for (size_t i = 0; i < st->n_sets; i++)
		if (st->sets[i].kind == KS_DS || st->sets[i].seq == st->seq[st->sets[i].kind])
			has[st->sets[i].kind] = true;
	return (has[KS_DS] && has[KS_DNSKEY] && has[KS_DATA]) || st->unproven;
}

static int
sum_read(struct sv line, struct sv body, struct keystate *st, struct findings *fs)
{
	struct words w = { .rest = line };
	uint8_t sum[SHA256_LEN], said[SHA256_LEN];

	if (!sv_eq_str(word(&w), "sum") || word_hex(&w, said, sizeof(said)) != SHA256_LEN ||
	    w.bad || w.rest.n != 0)
		return SE_SYNTAX;
	crypto_sha256(body.p, body.n, sum);
	if (memcmp(sum, said, sizeof(sum)) == 0)
		return 0;
	st->unproven = true;
	finding_add0(fs, &keystate_findings[KEY_STATE_EDITED]);
	return 0;
}

int
keystate_parse(struct sv text, struct keystate *ret, unsigned *ret_line, struct findings *fs)
{
	struct keystate st = { 0 };
	struct sv rest = text, line = { 0 };
	size_t at = 0;
	bool again = false;

	*ret_line = 1;
	if (text.n > KEYSTATE_TEXT_MAX || text.n == 0 || text.p[text.n - 1] != '\n')
		return text.n > KEYSTATE_TEXT_MAX ? SE_LIMIT : SE_SYNTAX;
	line = sv_cut(&rest, '\n');
	if (!sv_eq_str(line, "sekisho-keystate 1"))
		return sv_starts(line, SV("sekisho-keystate ")) ? SE_FORMAT : SE_SYNTAX;
	for (;;) {
		struct sv body = { text.p, text.n - rest.n };
		struct words w;

		++*ret_line;
		line = sv_cut(&rest, '\n');
		w = (struct words){ .rest = line };
		if (!sv_starts(line, SV("sum "))) {
			if (line_read(&w, &st, &at, &again) < 0)
				return SE_SYNTAX;
			continue;
		}
		if (at < LINE_DS || (at == LINE_DS && !again) || rest.n != 0 || !complete(&st) ||
		    sum_read(line, body, &st, fs) < 0)
			return SE_SYNTAX;
		*ret = st;
		return 0;
	}
}
