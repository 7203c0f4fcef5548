/* Names: text, wire form, canonical order and keys (dns/dns.h). */
#include <errno.h>
#include <string.h>

#include "dns/dns.h"

static inline uint8_t
lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c | 0x20) : c;
}

void
dns_lower(uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		p[i] = lower(p[i]);
}

/* --- text --- */

/* One character of a label, with RFC 1035 section 5.1's \X and \DDD. */
static int
char_parse(struct sv *s, uint8_t *ret)
{
	unsigned v = 0;

	if (s->p[0] != '\\') {
		*ret = (uint8_t)s->p[0];
		*s = sv_skip(*s, 1);
		return 0;
	}
	if (s->n < 2)
		return -EINVAL;
	if (s->p[1] < '0' || s->p[1] > '9') {
		*ret = (uint8_t)s->p[1];
		*s = sv_skip(*s, 2);
		return 0;
	}
	if (s->n < 4)
		return -EINVAL;
	for (unsigned i = 1; i <= 3; i++) {
		if (s->p[i] < '0' || s->p[i] > '9')
			return -EINVAL;
		v = 10 * v + (unsigned)(s->p[i] - '0');
	}
	if (v > 255)
		return -EINVAL;
	*ret = (uint8_t)v;
	*s = sv_skip(*s, 4);
	return 0;
}

/* Characters up to the next dot or backslash: what nearly every label is, at once. */
static size_t
run_parse(struct sv *s, uint8_t *dst, size_t room)
{
	size_t n = 0;

	for (; n < s->n && n < room && s->p[n] != '.' && s->p[n] != '\\'; n++)
		dst[n] = (uint8_t)s->p[n];
	*s = sv_skip(*s, n);
	return n;
}

/* One label into w[*n]; *ret_dot: a dot ended it. */
static int
label_parse(struct sv *s, uint8_t *w, size_t *n, bool *ret_dot)
{
	size_t at = (*n)++;

	*ret_dot = false;
	while (s->n > 0) {
		/* One octet is kept for the root's. */
		*n += run_parse(s, w + *n, min_size(DNS_LABEL_MAX + 1 - (*n - at),
		    (size_t)DNS_NAME_MAX - 1 - *n));
		if (s->n == 0)
			break;
		if (s->p[0] == '.') {
			*s = sv_skip(*s, 1);
			*ret_dot = true;
			break;
		}
		if (*n - at > DNS_LABEL_MAX || *n >= DNS_NAME_MAX - 1)
			return -EINVAL;
		if (char_parse(s, &w[*n]) < 0)
			return -EINVAL;
		(*n)++;
	}
	if (*n - at == 1)
		return -EINVAL;		/* empty */
	w[at] = (uint8_t)(*n - at - 1);
	return 0;
}

int
dname_parse(struct sv text, const struct dname *origin, struct dname *ret)
{
	struct dname d;
	size_t n = 0;
	bool dot = false;

	if (text.n == 0)
		return -EINVAL;
	if (text.n == 1 && text.p[0] == '.') {
		*ret = DNAME_ROOT;
		return 0;
	}
	if (text.n == 1 && text.p[0] == '@' && origin != NULL) {
		*ret = *origin;
		return 0;
	}
	while (text.n > 0) {
		if (n >= DNS_NAME_MAX - 1 || label_parse(&text, d.w, &n, &dot) < 0)
			return -EINVAL;
	}
	if (dot || origin == NULL) {
		d.w[n++] = 0;
	} else {
		if (n + origin->len > DNS_NAME_MAX)
			return -EINVAL;
		memcpy(d.w + n, origin->w, origin->len);
		n += origin->len;
	}
	d.len = (uint8_t)n;
	*ret = d;
	return 0;
}

/* Characters that mean something in a zone file, and what is not printable. */
static void
char_print(struct buf *b, uint8_t c)
{
	if (c == '.' || c == '\\' || c == '"' || c == '(' || c == ')' || c == ';' ||
	    c == '@' || c == '$') {
		buf_char(b, '\\');
		buf_char(b, (char)c);
	} else if (c <= 0x20 || c >= 0x7f) {
		const char ddd[4] = { '\\', (char)('0' + c / 100), (char)('0' + c / 10 % 10),
			(char)('0' + c % 10) };

		buf_bytes(b, ddd, sizeof(ddd));
	} else {
		buf_char(b, (char)c);
	}
}

/* Nothing that must be escaped: what nearly every label is. */
static bool
label_is_plain(const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		uint8_t c = lower(p[i]);

		if ((c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' && c != '*')
			return false;
	}
	return true;
}

void
dname_print(struct buf *b, const uint8_t *w)
{
	if (w[0] == 0) {
		buf_char(b, '.');
		return;
	}
	for (; w[0] != 0; w += 1 + w[0]) {
		if (label_is_plain(w + 1, w[0]))
			buf_bytes(b, w + 1, w[0]);
		else
			for (unsigned i = 1; i <= w[0]; i++)
				char_print(b, w[i]);
		buf_char(b, '.');
	}
}

const char *
dname_str(const struct dname *d, char dst[static DNAME_STRLEN])
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	size_t n;

	dname_print(&b, d->w);
	n = b.rc < 0 ? 0 : min_size(b.len, DNAME_STRLEN - 1);
	if (n > 0)
		memcpy(dst, b.p, n);
	dst[n] = '\0';
	return dst;
}

/* --- wire --- */

void
dname_rd(struct rd *r, struct dname *ret)
{
	const uint8_t *begin = r->p;
	size_t n = 0;

	for (;;) {
		uint8_t len = rd_u8(r);

		if (r->bad)
			return;
		n += 1u + len;
		/* 0x40 and above are pointers, or nothing (RFC 6891 section 5). */
		if (len > DNS_LABEL_MAX || n > DNS_NAME_MAX) {
			r->bad = true;
			return;
		}
		if (len == 0)
			break;
		(void)rd_bytes(r, len);
	}
	ret->len = (uint8_t)n;
	memcpy(ret->w, begin, n);
}

size_t
dname_len_at(const uint8_t *p)
{
	size_t n = 0;

	while (p[n] != 0)
		n += 1u + p[n];
	return n + 1;
}

unsigned
dname_labels(const uint8_t *w)
{
	unsigned n = 0;

	for (; w[0] != 0; w += 1 + w[0])
		n++;
	return n;
}

/* Where each label begins, the root's left out; the number of labels. */
static unsigned
label_offsets(const struct dname *d, uint8_t at[static DNS_LABELS_MAX])
{
	unsigned n = 0;

	for (unsigned i = 0; d->w[i] != 0; i += 1u + d->w[i])
		at[n++] = (uint8_t)i;
	return n;
}

/* RFC 4034 section 6.1: as if they were of the least case, a missing octet first. */
static int
label_cmp(const uint8_t *a, const uint8_t *b)
{
	unsigned n = a[0] < b[0] ? a[0] : b[0];

	for (unsigned i = 1; i <= n; i++) {
		int d = lower(a[i]) - lower(b[i]);

		if (d != 0)
			return d;
	}
	return a[0] - b[0];
}

int
dname_cmp(const struct dname *a, const struct dname *b)
{
	uint8_t at_a[DNS_LABELS_MAX], at_b[DNS_LABELS_MAX];
	unsigned n_a = label_offsets(a, at_a), n_b = label_offsets(b, at_b);

	for (unsigned i = 1; i <= n_a && i <= n_b; i++) {
		int d = label_cmp(a->w + at_a[n_a - i], b->w + at_b[n_b - i]);

		if (d != 0)
			return d;
	}
	return (int)n_a - (int)n_b;
}

/* The same octets but for letter case. Lengths of labels are no letters. */
static bool
octets_eq(const uint8_t *a, const uint8_t *b, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (lower(a[i]) != lower(b[i]))
			return false;
	return true;
}

bool
dname_eq(const struct dname *a, const struct dname *b)
{
	return a->len == b->len && octets_eq(a->w, b->w, a->len);
}

bool
dname_within(const struct dname *d, const struct dname *apex)
{
	unsigned i = 0;

	while (d->len - i > apex->len)
		i += 1u + d->w[i];
	return d->len - i == apex->len && octets_eq(d->w + i, apex->w, apex->len);
}

int
dname_parent(const struct dname *d, struct dname *ret)
{
	unsigned n = 1u + d->w[0];

	if (d->len == 1)
		return -ENOENT;
	memmove(ret->w, d->w + n, d->len - n);
	ret->len = (uint8_t)(d->len - n);
	return 0;
}

int
dname_prepend(struct sv label, const struct dname *d, struct dname *ret)
{
	if (label.n == 0 || label.n > DNS_LABEL_MAX)
		return -EINVAL;
	if (1 + label.n + d->len > DNS_NAME_MAX)
		return -E2BIG;
	memmove(ret->w + 1 + label.n, d->w, d->len);
	ret->len = (uint8_t)(1 + label.n + d->len);
	ret->w[0] = (uint8_t)label.n;
	memcpy(ret->w + 1, label.p, label.n);
	return 0;
}

/* --- keys --- */

#define KEY_END		0	/* behind each label */
#define KEY_ESCAPE	1	/* before what would be one of these two */

static size_t
label_key(const uint8_t *label, uint8_t *dst)
{
	size_t n = 0;

	for (unsigned i = 1; i <= label[0]; i++) {
		uint8_t c = lower(label[i]);

		if (c <= KEY_ESCAPE) {
			dst[n++] = KEY_ESCAPE;
			c++;
		}
		dst[n++] = c;
	}
	dst[n++] = KEY_END;
	return n;
}

int
dkey_of(const struct dname *d, const struct dname *apex, struct dkey *ret)
{
	uint8_t at[DNS_LABELS_MAX];
	unsigned n_labels = 0;
	size_t n = 0;

	for (unsigned i = 0; d->len - i > apex->len; i += 1u + d->w[i])
		at[n_labels++] = (uint8_t)i;
	if (!dname_within(d, apex))
		return -ENOENT;
	while (n_labels > 0)
		n += label_key(d->w + at[--n_labels], ret->b + n);
	ret->len = (uint16_t)n;
	return 0;
}

/* The octets of the label that ends before key[end]; *ret_begin: where it begins. */
static unsigned
key_label(const uint8_t *key, size_t end, uint8_t dst[static DNS_LABEL_MAX], size_t *ret_begin)
{
	size_t begin = dkey_parent(key, end);
	unsigned n = 0;

	for (size_t i = begin; i < end - 1; i++) {
		uint8_t c = key[i];

		if (c == KEY_ESCAPE)
			c = (uint8_t)(key[++i] - 1);
		dst[n++] = c;
	}
	*ret_begin = begin;
	return n;
}

void
dkey_name(const uint8_t *key, size_t len, const struct dname *apex, struct dname *ret)
{
	size_t n = 0;

	while (len > 0) {
		unsigned l = key_label(key, len, ret->w + n + 1, &len);

		ret->w[n] = (uint8_t)l;
		n += 1 + l;
	}
	memcpy(ret->w + n, apex->w, apex->len);
	ret->len = (uint8_t)(n + apex->len);
}

int
dkey_cmp(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len)
{
	size_t n = min_size(a_len, b_len);
	int d = n == 0 ? 0 : memcmp(a, b, n);

	if (d != 0)
		return d;
	return a_len < b_len ? -1 : a_len > b_len;
}

size_t
dkey_parent(const uint8_t *key, size_t len)
{
	if (len == 0)
		return 0;
	for (len--; len > 0 && key[len - 1] != KEY_END; len--)
		;
	return len;
}

unsigned
dkey_labels(const uint8_t *key, size_t len)
{
	unsigned n = 0;

	for (size_t i = 0; i < len; i++)
		n += key[i] == KEY_END;
	return n;
}
