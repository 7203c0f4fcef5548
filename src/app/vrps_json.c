#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "app/vrps_json.h"
#include "base/base64.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/timefmt.h"
#include "rtr/rtr.h"

#define BUF_LEN		(64 * 1024)
#define TEXT_MAX	256		/* the longest value we look at is a prefix */
#define DEPTH_MAX	32		/* these files have 4 levels */
#define ROWS_MAX	(8 * 1024 * 1024)	/* as inr's limits */
#define EXPIRES_MAX	253402300799	/* 9999-12-31 */

struct reader {
	vrps_read_fn	 read;
	void		*arg;
	char		*buf;
	size_t		 at, len;
	int		 rc;		/* sticky: the first failure */
	unsigned	 depth;
	struct findings	*fs;
	struct payloads	*p;
	size_t		 cap_vrps, cap_aspas, cap_keys;
	struct vrps_info info;
	bool		 any;		/* vrps_json_read_any() */
};

enum kind {
	NUMBER,
	STRING,
	WORD,			/* true, false, null */
	COMPOSITE,		/* passed over */
};

struct value {
	enum kind	 kind;
	size_t		 n;
	bool		 long_one;	/* text is only its head */
	char		 text[TEXT_MAX];
};

/* --- characters --- */

static int
fail(struct reader *r, int rc)
{
	if (r->rc == 0)
		r->rc = rc;
	return -1;
}

static bool
fill(struct reader *r)
{
	long n;

	if (r->rc < 0)
		return false;
	n = r->read(r->arg, r->buf, BUF_LEN);
	if (n < 0)
		(void)fail(r, (int)n);
	r->at = 0;
	r->len = n > 0 ? (size_t)n : 0;
	return n > 0;
}

/* The next byte without taking it; -1 at the end or after a failure. */
static inline int
peek(struct reader *r)
{
	if (r->at == r->len && !fill(r))
		return -1;
	return (unsigned char)r->buf[r->at];
}

static inline int
take(struct reader *r)
{
	int c = peek(r);

	if (c >= 0)
		r->at++;
	if (c == '\n')
		r->info.line++;
	return c;
}

/* The next byte that is not white space, not taken. */
static int
peek_token(struct reader *r)
{
	int c;

	while ((c = peek(r)) == ' ' || c == '\n' || c == '\t' || c == '\r')
		(void)take(r);
	return c;
}

/* Take exactly this character or fail. */
static bool
expect(struct reader *r, int want)
{
	if (peek_token(r) == want) {
		(void)take(r);
		return true;
	}
	(void)fail(r, SE_SYNTAX);
	return false;
}

/* --- scalars --- */

static void
text_add(struct value *v, int c)
{
	if (v->n < TEXT_MAX)
		v->text[v->n++] = (char)c;
	else
		v->long_one = true;
}

static void
text_add_utf8(struct value *v, uint32_t u)
{
	if (u >= 0xd800 && u < 0xe000)
		u = 0xfffd;		/* halves of pairs: no name we compare has them */
	if (u < 0x80) {
		text_add(v, (int)u);
		return;
	}
	if (u < 0x800) {
		text_add(v, (int)(0xc0 | u >> 6));
	} else {
		text_add(v, (int)(0xe0 | u >> 12));
		text_add(v, (int)(0x80 | (u >> 6 & 0x3f)));
	}
	text_add(v, (int)(0x80 | (u & 0x3f)));
}

static int
hex_digit(int c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static void
read_escape(struct reader *r, struct value *v)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	int c = take(r);
	const char *p = c > 0 ? strchr(from, c) : NULL;
	uint32_t u = 0;

	if (p != NULL) {
		text_add(v, to[p - from]);
		return;
	}
	if (c != 'u') {
		(void)fail(r, SE_SYNTAX);
		return;
	}
	for (int i = 0; i < 4; i++) {
		int d = hex_digit(take(r));

		if (d < 0) {
			(void)fail(r, SE_SYNTAX);
			return;
		}
		u = u << 4 | (uint32_t)d;
	}
	text_add_utf8(v, u);
}

static void
read_string(struct reader *r, struct value *v)
{
	int c;

	v->kind = STRING;
	v->n = 0;
	v->long_one = false;
	(void)take(r);
	while ((c = take(r)) != '"') {
		if (c < 0x20) {		/* a control, or the end */
			(void)fail(r, SE_SYNTAX);
			return;
		}
		if (c == '\\')
			read_escape(r, v);
		else
			text_add(v, c);
		if (r->rc < 0)
			return;
	}
}

static void
read_digits(struct reader *r, struct value *v)
{
	int c, n = 0;

	while ((c = peek(r)) >= '0' && c <= '9') {
		text_add(v, take(r));
		n++;
	}
	if (n == 0)
		(void)fail(r, SE_SYNTAX);
}

static void
read_number(struct reader *r, struct value *v)
{
	int c;

	v->kind = NUMBER;
	v->n = 0;
	v->long_one = false;
	if (peek(r) == '-')
		text_add(v, take(r));
	if (peek(r) == '0')
		text_add(v, take(r));	/* no digit may follow: the caller sees it */
	else
		read_digits(r, v);
	if (peek(r) == '.') {
		text_add(v, take(r));
		read_digits(r, v);
	}
	if ((c = peek(r)) != 'e' && c != 'E')
		return;
	text_add(v, take(r));
	if ((c = peek(r)) == '+' || c == '-')
		text_add(v, take(r));
	read_digits(r, v);
}

static void
read_word(struct reader *r, struct value *v)
{
	static const char *const words[] = { "true", "false", "null" };
	int c;

	v->kind = WORD;
	v->n = 0;
	v->long_one = false;
	while ((c = peek(r)) >= 'a' && c <= 'z' && v->n < 8)
		text_add(v, take(r));
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (sv_eq_str((struct sv){ v->text, v->n }, words[i]))
			return;
	(void)fail(r, SE_SYNTAX);
}

/* --- structure --- */

static void	read_value(struct reader *, struct value *);

/*
 * The next key of an object, or the next item of an array; false at its end.
 * The opening bracket was taken; *first is true before the first one.
 */
static bool
next_item(struct reader *r, int close, bool *first)
{
	int c = peek_token(r);

	if (c == close) {
		(void)take(r);
		r->depth--;
		return false;
	}
	if (!*first && !expect(r, ','))
		return false;
	if (!*first && peek_token(r) == close) {
		(void)fail(r, SE_SYNTAX);
		return false;
	}
	*first = false;
	return r->rc == 0;
}

static bool
next_key(struct reader *r, bool *first, struct value *key)
{
	if (!next_item(r, '}', first))
		return false;
	if (peek_token(r) != '"') {
		(void)fail(r, SE_SYNTAX);
		return false;
	}
	read_string(r, key);
	return expect(r, ':') && r->rc == 0;
}

static bool
enter(struct reader *r, int open)
{
	if (++r->depth > DEPTH_MAX)
		(void)fail(r, SE_LIMIT);
	return expect(r, open);
}

static void
skip_composite(struct reader *r, int open)
{
	struct value v = { 0 };
	bool first = true;

	if (!enter(r, open))
		return;
	if (open == '{')
		while (next_key(r, &first, &v))
			read_value(r, &v);
	else
		while (next_item(r, ']', &first))
			read_value(r, &v);
}

static void
read_value(struct reader *r, struct value *v)
{
	int c = peek_token(r);

	if (c == '"') {
		read_string(r, v);
	} else if (c == '{' || c == '[') {
		skip_composite(r, c);
		v->kind = COMPOSITE;
		v->n = 0;
	} else if (c == '-' || (c >= '0' && c <= '9')) {
		read_number(r, v);
	} else {
		read_word(r, v);
	}
}

/* --- values that mean something --- */

static bool
value_sv(const struct value *v, enum kind kind, struct sv *ret)
{
	*ret = (struct sv){ v->text, v->n };
	return v->kind == kind && !v->long_one;
}

static bool
value_asn(const struct value *v, uint32_t *ret)
{
	struct sv s;

	if (value_sv(v, STRING, &s))
		return asn_parse(s, ret) == 0;
	return value_sv(v, NUMBER, &s) && num_u32(s, 0, UINT32_MAX, ret) == 0;
}

static bool
value_expires(const struct value *v, int64_t *ret)
{
	struct sv s;
	uint64_t u;

	if (!value_sv(v, NUMBER, &s) || num_u64(s, 0, EXPIRES_MAX, &u) < 0)
		return false;
	*ret = (int64_t)u;
	return true;
}

static bool
value_ta(struct reader *r, const struct value *v, uint8_t *ret)
{
	struct sv s;
	int ta;

	if (!value_sv(v, STRING, &s) || (ta = payloads_ta(r->p, s)) < 0)
		return false;
	*ret = (uint8_t)ta;
	return true;
}

/* --- rows --- */

struct row {
	struct ip_prefix px;
	uint32_t	 asn, max_len;
	bool		 has_px, has_asn, has_max_len, has_ta, has_ski, long_key, bad;
	int64_t		 expires;
	uint8_t		 ta;
	uint32_t	*providers;
	size_t		 n_providers, cap_providers;
	struct router_key key;		/* ski and spki */
};

static bool
member_asn(struct reader *r UNUSED, struct row *row, const struct value *v)
{
	row->has_asn = true;
	return value_asn(v, &row->asn);
}

static bool
member_prefix(struct reader *r UNUSED, struct row *row, const struct value *v)
{
	struct sv s;

	row->has_px = true;
	return value_sv(v, STRING, &s) && ip_prefix_parse(s, &row->px) == 0;
}

static bool
member_max_len(struct reader *r UNUSED, struct row *row, const struct value *v)
{
	struct sv s;

	row->has_max_len = true;
	return value_sv(v, NUMBER, &s) && num_u32(s, 0, 128, &row->max_len) == 0;
}

static bool
member_ta(struct reader *r, struct row *row, const struct value *v)
{
	row->has_ta = true;
	return value_ta(r, v, &row->ta);
}

static bool
member_expires(struct reader *r UNUSED, struct row *row, const struct value *v)
{
	return value_expires(v, &row->expires);
}

/* In hex, or as SLURM and FORT write it: base64url without padding. */
static bool
member_ski(struct reader *r UNUSED, struct row *row, const struct value *v)
{
	uint8_t ski[TEXT_MAX];
	struct sv s;
	size_t n;

	row->has_ski = true;
	if (!value_sv(v, STRING, &s))
		return false;
	if (hex_decode(row->key.ski, sizeof(row->key.ski), s) == 0)
		return true;
	if (base64_room(s.n) > sizeof(ski) || base64url_decode(ski, s, &n) < 0 ||
	    n != sizeof(row->key.ski))
		return false;
	memcpy(row->key.ski, ski, n);
	return true;
}

/* base64 (rpki-client) or base64url without padding (Routinator, as SLURM). */
static bool
member_key(struct reader *r UNUSED, struct row *row, const struct value *v)
{
	uint8_t key[TEXT_MAX];
	struct sv s;
	size_t n;

	if (v->kind == STRING && v->long_one) {
		row->long_key = true;
		return true;
	}
	if (!value_sv(v, STRING, &s) || base64_room(s.n) > sizeof(key) ||
	    (base64_decode(key, s, &n) < 0 && base64url_decode(key, s, &n) < 0))
		return false;
	row->long_key = n > ROUTER_SPKI_MAX;
	if (row->long_key || n == 0)
		return n > 0;
	memcpy(row->key.spki, key, n);
	row->key.spki_len = (uint8_t)n;
	return true;
}

static const struct member {
	const char	*name;
	bool		(*take)(struct reader *, struct row *, const struct value *);
} roa_members[] = {
	{ "asn", member_asn },
	{ "prefix", member_prefix },
	{ "maxLength", member_max_len },
	{ "maxPrefixLength", member_max_len },		/* SLURM */
	{ "ta", member_ta },
	{ "expires", member_expires },
}, aspa_members[] = {
	{ "customer_asid", member_asn },
	{ "customer", member_asn },
	{ "customerAsn", member_asn },			/* SLURM */
	{ "ta", member_ta },
	{ "expires", member_expires },
}, key_members[] = {
	{ "asn", member_asn },
	{ "ski", member_ski },
	{ "SKI", member_ski },
	{ "pubkey", member_key },
	{ "routerPublicKey", member_key },
	{ "spki", member_key },				/* FORT */
	{ "ta", member_ta },
	{ "expires", member_expires },
};

static void
providers_read(struct reader *r, struct row *row)
{
	struct value v;
	bool first = true;

	if (peek_token(r) != '[') {
		read_value(r, &v);
		row->bad = true;
		return;
	}
	if (!enter(r, '['))
		return;
	while (next_item(r, ']', &first)) {
		uint32_t as, *p;

		read_value(r, &v);
		if (!value_asn(&v, &as) || row->n_providers >= ASPA_PROVIDERS_MAX) {
			row->bad = true;
			continue;
		}
		if (row->n_providers == row->cap_providers) {
			row->cap_providers = row->cap_providers == 0 ? 16 : row->cap_providers * 2;
			p = reallocarray(row->providers, row->cap_providers, sizeof(*p));
			if (p == NULL) {
				(void)fail(r, -ENOMEM);
				return;
			}
			row->providers = p;
		}
		row->providers[row->n_providers++] = as;
	}
}

static void
row_read(struct reader *r, struct row *row, const struct member *m, size_t n_m)
{
	struct value key, v;
	bool first = true;

	*row = (struct row){ .expires = TIME_NEVER };
	if (peek_token(r) != '{') {
		read_value(r, &v);
		row->bad = true;
		return;
	}
	if (!enter(r, '{'))
		return;
	while (next_key(r, &first, &key)) {
		struct sv k = { key.text, key.n };

		if (m == aspa_members && (sv_eq(k, SV("providers")) ||
		    sv_eq(k, SV("providerAsns")))) {
			providers_read(r, row);
			continue;
		}
		read_value(r, &v);
		for (size_t i = 0; i < n_m && r->rc == 0; i++)
			if (sv_eq_str(k, m[i].name) && !m[i].take(r, row, &v))
				row->bad = true;
	}
}

/* Rows without an anchor are of "-". */
static void
row_ta(struct reader *r, struct row *row)
{
	int ta = row->has_ta ? row->ta : payloads_ta(r->p, SV("-"));

	row->bad = row->bad || ta < 0;
	row->ta = (uint8_t)ta;
}

static void
row_bad(struct reader *r, const char *list, uint64_t no)
{
	r->info.n_bad++;
	finding_add(r->fs, &rtr_findings[RTR_VRPS_ROW], FA_STR("list", list), FA_U("row", no));
}

static int
array_room(void **p, size_t n, size_t *cap, size_t size)
{
	size_t want = *cap == 0 ? 1024 : *cap * 2;
	void *q;

	if (n < *cap)
		return 0;
	if (n >= ROWS_MAX)
		return SE_LIMIT;
	if ((q = reallocarray(*p, want, size)) == NULL)
		return -ENOMEM;
	*p = q;
	*cap = want;
	return 0;
}

static void
roa_read(struct reader *r, uint64_t no)
{
	void *vrps = r->p->vrps;
	struct vrp v = { 0 };
	struct row row;
	int rc;

	row_read(r, &row, roa_members, ARRAY_LEN(roa_members));
	if (r->rc < 0)
		return;
	row_ta(r, &row);
	memcpy(v.addr, row.px.addr, sizeof(v.addr));
	v.af = row.px.af;
	v.len = row.px.len;
	v.max_len = row.has_max_len ? (uint8_t)row.max_len : row.px.len;
	v.asn = row.asn;
	v.ta = row.ta;
	v.expires = row.expires;
	if (row.bad || !row.has_px || !row.has_asn || !vrp_is_sound(&v)) {
		row_bad(r, "roas", no);
		return;
	}
	rc = array_room(&vrps, r->p->n_vrps, &r->cap_vrps, sizeof(v));
	r->p->vrps = vrps;
	if (rc < 0)
		(void)fail(r, rc);
	else
		r->p->vrps[r->p->n_vrps++] = v;
}

static void
aspa_read(struct reader *r, uint64_t no)
{
	void *aspas = r->p->aspas;
	struct row row;
	int rc;

	row_read(r, &row, aspa_members, ARRAY_LEN(aspa_members));
	if (r->rc == 0)
		row_ta(r, &row);
	if (r->rc == 0 && (row.bad || !row.has_asn || row.n_providers == 0)) {
		row_bad(r, "aspas", no);
		free(row.providers);
		return;
	}
	rc = array_room(&aspas, r->p->n_aspas, &r->cap_aspas, sizeof(struct aspa));
	r->p->aspas = aspas;
	if (rc < 0)
		(void)fail(r, rc);
	if (r->rc < 0) {
		free(row.providers);
		return;
	}
	r->p->aspas[r->p->n_aspas++] = (struct aspa){ row.asn, (uint32_t)row.n_providers,
	    row.providers, row.expires, row.ta, PAYLOAD_CA_NONE };
}

static void
router_key_read(struct reader *r, uint64_t no)
{
	void *keys = r->p->router_keys;
	struct row row;
	int rc;

	row_read(r, &row, key_members, ARRAY_LEN(key_members));
	if (r->rc < 0)
		return;
	row_ta(r, &row);
	if (row.bad || !row.has_asn || !row.has_ski ||
	    (row.key.spki_len == 0 && !row.long_key)) {
		row_bad(r, "router keys", no);
		return;
	}
	if (row.long_key) {
		r->info.n_bad++;
		r->info.n_long_keys++;
		return;
	}
	row.key.asn = row.asn;
	row.key.ta = row.ta;
	row.key.ca = PAYLOAD_CA_NONE;
	row.key.expires = row.expires;
	rc = array_room(&keys, r->p->n_router_keys, &r->cap_keys, sizeof(row.key));
	r->p->router_keys = keys;
	if (rc < 0)
		(void)fail(r, rc);
	else
		r->p->router_keys[r->p->n_router_keys++] = row.key;
}

static void
filter_read(struct reader *r, uint64_t no UNUSED)
{
	struct value v;

	read_value(r, &v);
	r->info.n_filters++;
}

/* What an object has: lists of rows, or objects of such lists. A row without a name ends it. */
struct list {
	const char		*name;
	unsigned		 told;	/* bits of info.lists */
	void			(*row)(struct reader *, uint64_t no);
	const struct list	*inner;
};

static const struct list slurm_assertions[] = {
	{ "prefixAssertions", VRPS_ROAS, roa_read, NULL },
	{ "bgpsecAssertions", VRPS_KEYS, router_key_read, NULL },
	{ "aspaAssertions", VRPS_ASPAS, aspa_read, NULL },
	{ 0 },
}, slurm_filters[] = {
	{ "prefixFilters", 0, filter_read, NULL },
	{ "bgpsecFilters", 0, filter_read, NULL },
	{ "aspaFilters", 0, filter_read, NULL },
	{ 0 },
}, lists[] = {
	{ "roas", VRPS_ROAS, roa_read, NULL },
	{ "aspas", VRPS_ASPAS, aspa_read, NULL },
	{ "bgpsec_keys", VRPS_KEYS, router_key_read, NULL },
	{ "routerKeys", VRPS_KEYS, router_key_read, NULL },
	{ 0 },
}, more_lists[] = {		/* vrps_json_read_any() */
	{ "router-keys", VRPS_KEYS, router_key_read, NULL },
	{ "locallyAddedAssertions", VRPS_SLURM, NULL, slurm_assertions },
	{ "validationOutputFilters", VRPS_SLURM, NULL, slurm_filters },
	{ 0 },
};

static const struct list *
list_find(const struct list *l, const struct value *key)
{
	while (l->name != NULL && !sv_eq_str((struct sv){ key->text, key->n }, l->name))
		l++;
	return l;
}

static void
list_read(struct reader *r, const struct list *l)
{
	struct value v;
	uint64_t no = 0;
	bool first = true;

	if (peek_token(r) != '[') {
		read_value(r, &v);
		return;
	}
	if (!enter(r, '['))
		return;
	r->info.lists |= l->told;
	while (next_item(r, ']', &first)) {
		l->row(r, no++);
		r->info.n_rows++;
	}
}

static void
object_read(struct reader *r, const struct list *known)
{
	struct value key, v;
	bool first = true;

	if (!enter(r, '{'))
		return;
	while (next_key(r, &first, &key)) {
		const struct list *l = list_find(known, &key);

		if (l->name == NULL && r->any && known == lists)
			l = list_find(more_lists, &key);
		if (l->row != NULL) {
			list_read(r, l);
		} else if (l->inner != NULL && peek_token(r) == '{') {
			r->info.lists |= l->told;
			object_read(r, l->inner);
		} else {
			read_value(r, &v);
		}
	}
}

static int
document_read(vrps_read_fn read, void *arg, bool any, struct findings *fs,
    struct payloads *ret, struct vrps_info *ret_info)
{
	struct reader r = { .read = read, .arg = arg, .any = any, .fs = fs, .p = ret,
	    .info.line = 1 };
	unsigned need = VRPS_ROAS | (any ? VRPS_ASPAS | VRPS_KEYS : 0);

	memset(ret, 0, sizeof(*ret));
	if ((r.buf = malloc(BUF_LEN)) == NULL)
		return -ENOMEM;
	object_read(&r, lists);
	if (r.rc == 0 && peek_token(&r) != -1)
		(void)fail(&r, SE_SYNTAX);
	free(r.buf);
	if (r.rc == 0 && (r.info.lists & need) == 0)
		r.rc = SE_FORMAT;
	if (r.info.n_long_keys > 0)
		finding_add(fs, &rtr_findings[RTR_VRPS_SKIPPED],
		    FA_U("count", r.info.n_long_keys));
	*ret_info = r.info;
	return r.rc;
}

int
vrps_json_read(vrps_read_fn read, void *arg, struct findings *fs, struct payloads *ret,
    struct vrps_info *ret_info)
{
	return document_read(read, arg, false, fs, ret, ret_info);
}

int
vrps_json_read_any(vrps_read_fn read, void *arg, struct findings *fs, struct payloads *ret,
    struct vrps_info *ret_info)
{
	return document_read(read, arg, true, fs, ret, ret_info);
}
