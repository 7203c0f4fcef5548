/* DS and DNSKEY records as people paste them. */
#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "dnssec/intake_internal.h"

/* --- one record --- */

static const struct {
	const char	*name;
	uint16_t	 type;
} types[] = {
	{ "DS", RR_DS }, { "DNSKEY", RR_DNSKEY }, { "CDS", RR_DS }, { "CDNSKEY", RR_DNSKEY },
};

void
intake_bad_say(struct intake_reader *r)
{
	finding_add(r->fs, &intake_findings[INTAKE_FORM], FA_U("n", r->n_seen));
}

static int
data_add(struct intake_reader *r, uint16_t type, struct sv text)
{
	uint8_t rdata[DNS_RDATA_MAX];
	struct sv copy;
	size_t n;

	if (rdata_parse(type, text, NULL, rdata, &n) < 0) {
		intake_bad_say(r);
		return 0;
	}
	if (r->n == INTAKE_RECORDS_MAX)
		return SE_LIMIT;
	copy = pool_sv(r->pool, (struct sv){ (const char *)rdata, n });
	if (copy.p == NULL)
		return -ENOMEM;
	r->ret[r->n++] = (struct intake_record){ .type = type, .rdata = copy };
	return 0;
}

/* Is it a type's name? Then of which records. */
static bool
type_is(struct sv word, uint16_t *ret)
{
	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if (sv_caseeq(word, sv_str(types[i].name))) {
			*ret = types[i].type;
			return true;
		}
	return false;
}

/* Bare data: "257 3 13 …" is a key, as no DS has algorithm 3 (DSA) any more. */
static uint16_t
type_guess(struct sv line)
{
	static const char *const flags[] = { "0", "256", "257", "384", "385" };
	struct sv first = { 0 }, second = { 0 };

	if (!sv_word(&line, &first) || !sv_word(&line, &second) || !sv_eq_str(second, "3"))
		return RR_DS;
	for (size_t i = 0; i < ARRAY_LEN(flags); i++)
		if (sv_eq_str(first, flags[i]))
			return RR_DNSKEY;
	return RR_DS;
}

/* An owner, if it is one, must be the zone. */
static bool
owner_fits(const struct intake_reader *r, struct sv word)
{
	struct dname owner;
	uint32_t ttl;

	if (sv_caseeq(word, SV("IN")) || ttl_parse(word, &ttl) == 0 || sv_eq(word, SV("@")))
		return true;
	return dname_parse(word, NULL, &owner) == 0 && dname_eq(&owner, r->zone);
}

int
intake_record_read(struct intake_reader *r, struct sv line)
{
	struct sv rest = line, word, before[4];
	uint16_t type;
	size_t n = 0;

	r->n_seen++;
	while (n < ARRAY_LEN(before) && sv_word(&rest, &word)) {
		/* dig +dnssec prints them, too: "example.jp. 3600 IN RRSIG DNSKEY 13 2 …" */
		if (sv_caseeq(word, SV("RRSIG"))) {
			r->n_skipped++;
			return 0;
		}
		if (!type_is(word, &type)) {
			before[n++] = word;
			continue;
		}
		for (size_t i = 0; i < n; i++)
			if (!owner_fits(r, before[i])) {
				finding_add(r->fs, &intake_findings[INTAKE_OTHER_NAME],
				    FA_U("n", r->n_seen), FA_SV("name", before[i]));
				return 0;
			}
		return data_add(r, type, sv_trim(rest));
	}
	return data_add(r, type_guess(line), line);
}

/* --- labelled lines, as registrars' pages have them --- */

static const struct {
	const char		*label;		/* letters only, small */
	enum intake_field	 field;
} labels[] = {
	{ "keytag", FIELD_TAG }, { "keyid", FIELD_TAG }, { "tag", FIELD_TAG },
	{ "algorithm", FIELD_ALG }, { "alg", FIELD_ALG }, { "signingalgorithmtype", FIELD_ALG },
	{ "digesttype", FIELD_DIGEST_TYPE }, { "digestalgorithm", FIELD_DIGEST_TYPE },
	{ "digestalgorithmtype", FIELD_DIGEST_TYPE },
	{ "digest", FIELD_DIGEST }, { "digestvalue", FIELD_DIGEST },
	{ "flags", FIELD_FLAGS }, { "flag", FIELD_FLAGS }, { "protocol", FIELD_PROTOCOL },
	{ "publickey", FIELD_KEY }, { "pubkey", FIELD_KEY },
	{ "type", FIELD_TYPE },
	{ "ds", FIELD_RECORD }, { "dsrecord", FIELD_RECORD }, { "dnskey", FIELD_RECORD },
	{ "dnskeyrecord", FIELD_RECORD }, { "cskdnskey", FIELD_RECORD }, { "kskdnskey", FIELD_RECORD },
	{ "data", FIELD_RECORD }, { "rdata", FIELD_RECORD }, { "record", FIELD_RECORD },
};

#define LABEL_MAX	20	/* letters; the longest of them has as many */

static char
small(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 'a' - 'A') : c;
}

/* The letters (and figures, if they count) without blanks, hyphens and capitals; false: too long for any. */
static bool
fold(struct sv label, bool figures, char ret[static LABEL_MAX + 1])
{
	size_t n = 0;

	for (size_t i = 0; i < label.n; i++) {
		char c = small(label.p[i]);

		if ((c < 'a' || c > 'z') && !(figures && c >= '0' && c <= '9'))
			continue;
		if (n == LABEL_MAX)
			return false;
		ret[n++] = c;
	}
	ret[n] = '\0';
	return true;
}

enum intake_field
intake_label(struct sv label)
{
	char folded[LABEL_MAX + 1];

	if (!fold(label, false, folded))
		return FIELD_MAX;
	for (size_t i = 0; i < ARRAY_LEN(labels); i++)
		if (sv_eq_str(sv_str(folded), labels[i].label))
			return labels[i].field;
	return FIELD_MAX;
}

/* "13", "13 (ECDSA P-256)", "SHA-256 (2)", "2 - SHA-256": the first number that stands alone. */
static bool
number_alone(struct sv text, struct sv *ret)
{
	uint32_t n;

	while (sv_word(&text, ret)) {
		if (ret->n > 2 && ret->p[0] == '(' && ret->p[ret->n - 1] == ')')
			*ret = (struct sv){ ret->p + 1, ret->n - 2 };
		if (num_u32(*ret, 0, UINT16_MAX, &n) == 0)
			return true;
	}
	return false;
}

/* "ECDSA Curve P-256 with SHA-256" has no mnemonic in it; "sha256" and "ECDSAP256SHA256" are some. */
static struct sv
number_named(struct intake_reader *r, enum intake_field f, struct sv text)
{
	char folded[LABEL_MAX + 1], name[LABEL_MAX + 1], number[8];
	size_t n = 0;
	const struct dnssec_alg *rows = f == FIELD_ALG ? dnssec_algs(&n) : dnssec_digests(&n);

	for (size_t i = 0; i < n && fold(text, true, folded); i++) {
		struct buf b = BUF_INIT;
		struct sv copy;

		if (!fold(sv_str(rows[i].name), true, name) || !sv_eq_str(sv_str(folded), name))
			continue;
		buf_printf(&b, "%u", rows[i].number);
		copy = b.rc == 0 && b.len < sizeof(number) ? pool_sv(r->pool, buf_get(&b)) : (struct sv){ 0 };
		buf_done(&b);
		return copy;
	}
	return text;
}

static struct sv
field_value(struct intake_reader *r, enum intake_field f, struct sv value)
{
	struct sv number;

	value = sv_trim(value);
	if (f == FIELD_DIGEST || f == FIELD_KEY)
		return value;
	if (number_alone(value, &number))
		return number;
	return f == FIELD_ALG || f == FIELD_DIGEST_TYPE ? number_named(r, f, value) : value;
}

static const struct {
	uint16_t		type;
	enum intake_field	f[4];
} kinds[] = {
	{ RR_DS, { FIELD_TAG, FIELD_ALG, FIELD_DIGEST_TYPE, FIELD_DIGEST } },
	{ RR_DNSKEY, { FIELD_FLAGS, FIELD_PROTOCOL, FIELD_ALG, FIELD_KEY } },
};

int
intake_fields_take(struct intake_reader *r, struct intake_fields *fields)
{
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		_cleanup_(buf_done) struct buf b = BUF_INIT;
		size_t n = 0;
		int rc;

		while (n < 4 && fields->f[kinds[i].f[n]].n > 0)
			n++;
		if (n < 4)
			continue;
		for (n = 0; n < 4; n++) {
			enum intake_field f = kinds[i].f[n];

			buf_sv(&b, field_value(r, f, fields->f[f]));
			buf_char(&b, ' ');
			fields->f[f].n = 0;
		}
		r->n_seen++;
		rc = b.rc < 0 ? b.rc : data_add(r, kinds[i].type, sv_trim(buf_get(&b)));
		if (rc < 0)
			return rc;
	}
	return 0;
}

bool
intake_fields_left(const struct intake_fields *fields)
{
	for (int i = 0; i < FIELD_TYPE; i++)
		if (fields->f[i].n > 0)
			return true;
	return false;
}

/* 1: it was a labelled line. */
static int
label_read(struct intake_reader *r, struct sv line)
{
	struct sv value, label;
	enum intake_field f;
	int rc;

	line = sv_take(line, sv_find(line, ';'));
	value = line;
	label = sv_cut(&value, ':');
	/* "DS = example.jp. IN DS …" of some signers; a key's last letters are '=', too. */
	if (label.n == line.n) {
		value = line;
		label = sv_cut(&value, '=');
		if (label.n == line.n || value.n == 0 || value.p[0] != ' ')
			return 0;
	}
	if (label.n == 0 || (f = intake_label(label)) == FIELD_MAX || f == FIELD_TYPE)
		return 0;
	if (f == FIELD_RECORD) {
		rc = intake_record_read(r, sv_trim(value));
		return rc < 0 ? rc : 1;
	}
	r->fields.f[f] = sv_trim(value);
	rc = intake_fields_take(r, &r->fields);
	return rc < 0 ? rc : 1;
}

/* --- lines --- */

/* Up to a comment; parentheses go, and say whether the record goes on. */
static void
line_add(struct sv line, char *to, size_t *n, int *depth)
{
	line = sv_take(line, sv_find(line, ';'));
	for (size_t i = 0; i < line.n; i++) {
		char c = line.p[i];

		*depth += c == '(' ? 1 : c == ')' ? -1 : 0;
		to[(*n)++] = c == '(' || c == ')' ? ' ' : c;
	}
	to[(*n)++] = ' ';
}

static int
lines_read(struct intake_reader *r, struct sv text, char *record)
{
	struct sv line;
	size_t n = 0;
	int depth = 0, rc;

	while (sv_line(&text, &line)) {
		if (depth == 0 && (rc = label_read(r, line)) != 0) {
			if (rc < 0)
				return rc;
			continue;
		}
		if (n + line.n + 1 > INTAKE_LINE_MAX)
			return SE_LIMIT;
		line_add(line, record, &n, &depth);
		if (depth > 0)
			continue;
		line = sv_trim((struct sv){ record, n });
		n = 0;
		depth = 0;
		if (line.n > 0 && (rc = intake_record_read(r, line)) < 0)
			return rc;
	}
	if (n > 0 || intake_fields_left(&r->fields)) {
		r->n_seen++;
		intake_bad_say(r);
	}
	return 0;
}

/* --- all of it --- */

/*
 * Blanks that pages have and nobody sees: no-break, ideographic and zero-width ones, and the
 * mark before a text. In place of each stand blanks.
 */
static void
blanks_plain(char *text, size_t n)
{
	static const char *const odd[] = {
		"\xc2\xa0", "\xe3\x80\x80", "\xe2\x80\x8b", "\xe2\x80\xaf", "\xef\xbb\xbf",
	};

	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < ARRAY_LEN(odd) && (text[i] & 0x80) != 0; k++) {
			size_t len = strlen(odd[k]);

			if (n - i >= len && memcmp(text + i, odd[k], len) == 0)
				memset(text + i, ' ', len);
		}
}

static int
all_read(struct intake_reader *r, char *text, size_t n)
{
	struct sv all = sv_trim((struct sv){ text, n });
	char record[INTAKE_LINE_MAX];
	int rc;

	if (all.n > 0 && (all.p[0] == '{' || all.p[0] == '[')) {
		rc = intake_json_read(r, text, n);
		if (rc != SE_SYNTAX)
			return rc;
		r->n_seen++;
		intake_bad_say(r);
		return 0;
	}
	return lines_read(r, (struct sv){ text, n }, record);
}

int
intake_text_parse(struct pool *pool, const struct dname *zone, struct sv text, struct findings *fs,
    struct intake_record ret[static INTAKE_RECORDS_MAX], size_t *ret_n)
{
	struct intake_reader r = { .pool = pool, .zone = zone, .fs = fs, .ret = ret };
	char *copy;
	int rc;

	if (text.n > INTAKE_TEXT_MAX)
		return SE_LIMIT;
	if ((copy = pool_alloc(pool, text.n + 1)) == NULL)
		return -ENOMEM;
	if (text.n > 0)
		memcpy(copy, text.p, text.n);
	blanks_plain(copy, text.n);
	if ((rc = all_read(&r, copy, text.n)) < 0)
		return rc;
	if (r.n_skipped > 0)
		finding_add(fs, &intake_findings[INTAKE_SKIPPED], FA_U("n", r.n_skipped));
	*ret_n = r.n;
	return 0;
}
