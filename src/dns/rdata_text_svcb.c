/*
 * The parameters of SVCB and HTTPS as text (RFC 9460 section 2.1 and appendix
 * A). They come in any order and are kept in that of their keys; what they may
 * be together is rdata_ok()'s matter.
 */
#include <errno.h>

#include "dns/zonefile_internal.h"

const struct mnemonic svcb_key_names[] = {
	{ "mandatory", SVCB_MANDATORY }, { "alpn", SVCB_ALPN },
	{ "no-default-alpn", SVCB_NO_DEFAULT_ALPN }, { "port", SVCB_PORT },
	{ "ipv4hint", SVCB_IPV4HINT }, { "ech", SVCB_ECH }, { "ipv6hint", SVCB_IPV6HINT },
	{ "dohpath", SVCB_DOHPATH }, { "ohttp", SVCB_OHTTP },
	{ NULL, 0 },
};

/* A name in lower case, or "key" and a number without zeros in front. */
static int
key_parse(struct sv s, uint16_t *ret, bool *ret_generic)
{
	uint32_t v;

	*ret_generic = false;
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] >= 'A' && s.p[i] <= 'Z')
			return -EINVAL;
	if (mnemonic_value(svcb_key_names, s, ret) == 0)
		return 0;
	if (!sv_starts(s, SV("key")) || (s.n > 4 && s.p[3] == '0') ||
	    num_u32(sv_skip(s, 3), 0, UINT16_MAX, &v) < 0)
		return -EINVAL;
	*ret_generic = true;
	*ret = (uint16_t)v;
	return 0;
}

/* --- values --- */

static int
value_octets(struct rdata_text *t, struct sv s)
{
	size_t n;

	if (text_octets(s, t->w.buf + t->w.len, t->w.cap - t->w.len, &n) < 0)
		return -EINVAL;
	(void)wr_reserve(&t->w, n);
	return 0;
}

/* Keys in any order; in the data they ascend. */
static int
value_mandatory(struct rdata_text *t, struct sv s)
{
	size_t begin = t->w.len;

	do {
		bool last = sv_find(s, ',') == s.n, generic;
		struct sv part = sv_cut(&s, ',');
		uint8_t *p;
		uint16_t key;

		if (key_parse(part, &key, &generic) < 0 || (!last && s.n == 0) ||
		    (p = wr_reserve(&t->w, 2)) == NULL)
			return -EINVAL;
		for (; p > t->w.buf + begin && (p[-2] << 8 | p[-1]) > key; p -= 2)
			memcpy(p, p - 2, 2);
		put_be16(p, key);
	} while (s.n > 0);
	return 0;
}

/*
 * Appendix A.1: items with commas between them; inside of one, a backslash
 * before a comma or a backslash. This is the inner of two levels.
 */
static int
value_alpn(struct rdata_text *t, struct sv s)
{
	uint8_t list[DNS_RDATA_MAX];
	size_t n;
	uint8_t *len = NULL;

	if (text_octets(s, list, sizeof(list), &n) < 0 || n == 0)
		return -EINVAL;
	for (size_t i = 0; i < n; i++) {
		uint8_t c = list[i];

		if (len == NULL) {
			if ((len = wr_reserve(&t->w, 1)) == NULL)
				return -EINVAL;
			*len = 0;
		}
		if (c == ',') {
			/* An item is not empty, and one follows. */
			if (*len == 0 || i + 1 == n)
				return -EINVAL;
			len = NULL;
			continue;
		}
		if (c == '\\' && (++i == n || ((c = list[i]) != ',' && c != '\\')))
			return -EINVAL;
		if (*len == UINT8_MAX)
			return -EINVAL;
		wr_u8(&t->w, c);
		(*len)++;
	}
	return 0;
}

static int
value_port(struct rdata_text *t, struct sv s)
{
	uint32_t v;

	if (num_u32(s, 0, UINT16_MAX, &v) < 0)
		return -EINVAL;
	wr_be16(&t->w, (uint16_t)v);
	return 0;
}

static int
value_hints(struct rdata_text *t, struct sv s, size_t len)
{
	uint8_t addr[16];

	do {
		bool last = sv_find(s, ',') == s.n;
		struct sv part = sv_cut(&s, ',');

		if ((len == 4 ? !ipv4_parse(part, addr) : !ipv6_parse(part, addr)) || (!last && s.n == 0))
			return -EINVAL;
		wr_bytes(&t->w, addr, len);
	} while (s.n > 0);
	return 0;
}

static int
value_ipv4hint(struct rdata_text *t, struct sv s)
{
	return value_hints(t, s, 4);
}

static int
value_ipv6hint(struct rdata_text *t, struct sv s)
{
	return value_hints(t, s, 16);
}

static int
value_empty(struct rdata_text *t UNUSED, struct sv s)
{
	return s.n == 0 ? 0 : -EINVAL;
}

static int (*const values[SVCB_KEY_MAX])(struct rdata_text *, struct sv) = {
	[SVCB_MANDATORY] = value_mandatory,
	[SVCB_ALPN] = value_alpn,
	[SVCB_NO_DEFAULT_ALPN] = value_empty,
	[SVCB_PORT] = value_port,
	[SVCB_IPV4HINT] = value_ipv4hint,
	[SVCB_ECH] = text_base64_word,
	[SVCB_IPV6HINT] = value_ipv6hint,
	[SVCB_DOHPATH] = value_octets,
	[SVCB_OHTTP] = value_empty,
};

/* --- the list --- */

/* Move the last parameter to where its key belongs. -EEXIST: the key was there. */
static int
param_sort(struct wr *w, size_t begin, size_t last)
{
	uint8_t tmp[DNS_RDATA_MAX], *p = w->buf;
	size_t at = begin, n = w->len - last;
	int key = p[last] << 8 | p[last + 1];

	while (at < last) {
		int k = p[at] << 8 | p[at + 1];

		if (k == key)
			return -EEXIST;
		if (k > key)
			break;
		at += 4u + (size_t)(p[at + 2] << 8 | p[at + 3]);
	}
	if (at == last)
		return 0;
	memcpy(tmp, p + last, n);
	memmove(p + at + n, p + at, last - at);
	memcpy(p + at, tmp, n);
	return 0;
}

/* key, key=value, key="value". Of the last the marks belong to the item. */
static struct sv
item_split(struct lex *lx, struct sv *ret_value)
{
	struct sv value = lx->item, key = sv_cut(&value, '=');

	if (lx->kind == LEX_PAIR)
		value = (struct sv){ value.p + 1, value.n - 2 };
	*ret_value = value;
	return key;
}

static int
param_read(struct rdata_text *t, size_t begin)
{
	size_t last = t->w.len;
	struct sv value, key_text = item_split(t->lx, &value);
	uint8_t *head;
	uint16_t key;
	bool generic;
	int rc;

	if (t->lx->kind == LEX_QUOTED || key_parse(key_text, &key, &generic) < 0)
		return lex_rdata_fault(t->lx, TF_SVC_KEY);
	if ((head = wr_reserve(&t->w, 4)) == NULL)
		return lex_rdata_fault(t->lx, TF_LONG);
	if (generic || key >= SVCB_KEY_MAX)
		rc = value_octets(t, value);
	else
		rc = values[key](t, value);
	if (t->w.bad)
		return lex_rdata_fault(t->lx, TF_LONG);
	if (rc < 0)
		return lex_rdata_fault(t->lx, TF_SVC_VALUE);
	put_be16(head, key);
	put_be16(head + 2, (uint16_t)(t->w.len - last - 4));
	if (param_sort(&t->w, begin, last) < 0)
		return lex_rdata_fault(t->lx, TF_SVC_TWICE);
	return 0;
}

int
text_svcb(struct rdata_text *t)
{
	size_t begin = t->w.len;
	int rc;

	while ((rc = text_item_or_end(t)) == 0)
		if ((rc = param_read(t, begin)) < 0)
			return rc;
	return rc < 0 ? rc : 0;
}
