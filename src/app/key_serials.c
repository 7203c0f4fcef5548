#include "app/key_serials.h"

#include <errno.h>
#include <string.h>

#include "dnssec/dnssec.h"

static bool
serial_ge(uint32_t a, uint32_t b)
{
	return a == b || serial_gt(a, b);
}

static bool
same_sets(const struct key_serial *a, const struct key_serial *b)
{
	return a->dnskey_seq == b->dnskey_seq && a->data_seq == b->data_seq;
}

static void
row_add(struct key_serials *ks, const struct key_serial *s)
{
	if (ks->n == KEY_SERIALS_MAX) {
		memmove(&ks->v[0], &ks->v[1], (KEY_SERIALS_MAX - 1) * sizeof(ks->v[0]));
		ks->n--;
	}
	ks->v[ks->n++] = (struct key_serial){ s->first, s->first, s->dnskey_seq, s->data_seq };
}

static void
taint(struct key_serials *ks, uint32_t last)
{
	if (!ks->tainted || serial_gt(last, ks->taint))
		ks->taint = last;
	ks->tainted = true;
	ks->n = 0;
}

/* Only .first is looked at. */
enum key_serials_news
key_serials_add(struct key_serials *ks, const struct key_serial *s)
{
	struct key_serial *newest = ks->n == 0 ? NULL : &ks->v[ks->n - 1];
	bool back = false;

	if (newest != NULL && newest->last == s->first) {
		if (same_sets(newest, s))
			return KEY_SERIALS_NONE;
		/* The same zone, and numbers that were given anew: the row says what they are now. */
		newest->dnskey_seq = s->dnskey_seq;
		newest->data_seq = s->data_seq;
		newest->first = s->first;
		return KEY_SERIALS_NEW;
	}
	if (newest != NULL && !serial_gt(s->first, newest->last)) {
		taint(ks, newest->last);
		back = true;
	} else if (newest != NULL && same_sets(newest, s)) {
		newest->last = s->first;
		return KEY_SERIALS_LONGER;
	}
	row_add(ks, s);
	return back ? KEY_SERIALS_BACK : KEY_SERIALS_NEW;
}

bool
key_serials_find(const struct key_serials *ks, uint32_t serial, struct key_serial *ret)
{
	if (ks->tainted && !serial_gt(serial, ks->taint))
		return false;
	for (size_t i = ks->n; i > 0; i--) {
		const struct key_serial *s = &ks->v[i - 1];

		if (!serial_ge(serial, s->first) || !serial_ge(s->last, serial))
			continue;
		*ret = *s;
		return true;
	}
	return false;
}

/* None is where the old numbers were any more: from here on they are new ones. */
bool
key_serials_settle(struct key_serials *ks, uint32_t lowest, uint32_t highest)
{
	if (!ks->tainted || ks->n == 0 || !serial_ge(lowest, ks->v[0].first) ||
	    !serial_ge(ks->v[ks->n - 1].last, highest))
		return false;
	ks->tainted = false;
	ks->taint = 0;
	return true;
}

void
key_serials_limit(struct key_serials *ks, uint32_t dnskey_seq, uint32_t data_seq)
{
	size_t n = 0;

	for (size_t i = 0; i < ks->n; i++)
		if (ks->v[i].dnskey_seq <= dnskey_seq && ks->v[i].data_seq <= data_seq)
			ks->v[n++] = ks->v[i];
	ks->n = n;
}

/* --- as text --- */

static const char *const handed_names[KEY_HANDED_MAX] = { "notify", "hook" };

void
key_serials_write(const struct key_serials *ks, struct buf *b)
{
	buf_str(b, "sekisho published 1\n");
	if (ks->ttl_max != 0)
		buf_printf(b, "ttl %u\n", ks->ttl_max);
	if (ks->tainted)
		buf_printf(b, "taint %u\n", ks->taint);
	if (ks->served != 0)
		buf_printf(b, "served %lld\n", (long long)ks->served);
	for (size_t i = 0; i < KEY_HANDED_MAX; i++)
		if (ks->handed[i] != 0)
			buf_printf(b, "%s %lld\n", handed_names[i], (long long)ks->handed[i]);
	for (size_t i = 0; i < ks->n; i++)
		buf_printf(b, "serials %u %u %u %u\n", ks->v[i].first, ks->v[i].last,
		    ks->v[i].dnskey_seq, ks->v[i].data_seq);
	buf_str(b, "end\n");
}

static bool
number(struct sv *line, uint32_t *ret)
{
	struct sv word;

	return sv_word(line, &word) && num_u32(word, 0, UINT32_MAX, ret) == 0;
}

static bool
when(struct sv *line, int64_t *ret)
{
	uint64_t v;
	struct sv text;

	if (!sv_word(line, &text) || num_u64(text, 0, INT64_MAX, &v) < 0)
		return false;
	*ret = (int64_t)v;
	return true;
}

static bool
handed_parse(struct key_serials *ks, struct sv word, struct sv *line)
{
	for (size_t i = 0; i < KEY_HANDED_MAX; i++)
		if (sv_eq_str(word, handed_names[i]))
			return when(line, &ks->handed[i]);
	return false;
}

static bool
serials_parse(struct key_serials *ks, struct sv *line)
{
	struct key_serial s;

	if (ks->n == KEY_SERIALS_MAX || !number(line, &s.first) || !number(line, &s.last) ||
	    !number(line, &s.dnskey_seq) || !number(line, &s.data_seq) || !serial_ge(s.last, s.first))
		return false;
	if (ks->n > 0 && !serial_gt(s.first, ks->v[ks->n - 1].last))
		return false;
	ks->v[ks->n++] = s;
	return true;
}

static bool
line_parse(struct key_serials *ks, struct sv line)
{
	struct sv word, more;
	bool ok;

	if (!sv_word(&line, &word))
		return false;
	if (sv_eq_str(word, "ttl"))
		ok = number(&line, &ks->ttl_max);
	else if (sv_eq_str(word, "taint"))
		ok = ks->tainted = number(&line, &ks->taint);
	else if (sv_eq_str(word, "served"))
		ok = when(&line, &ks->served);
	else if (sv_eq_str(word, "serials"))
		ok = serials_parse(ks, &line);
	else
		ok = handed_parse(ks, word, &line);
	return ok && !sv_word(&line, &more);
}

int
key_serials_parse(struct sv text, struct key_serials *ret)
{
	struct key_serials ks = { 0 };
	struct sv line;

	if (!sv_line(&text, &line) || !sv_eq_str(line, "sekisho published 1"))
		return -EBADMSG;
	while (sv_line(&text, &line)) {
		if (sv_eq_str(line, "end")) {
			if (text.n != 0)
				return -EBADMSG;
			*ret = ks;
			return 0;
		}
		if (!line_parse(&ks, line))
			return -EBADMSG;
	}
	return -EBADMSG;
}
