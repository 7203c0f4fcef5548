/* DS and DNSKEY records as people paste them. */
#include <errno.h>

#include "base/err.h"
#include "dnssec/intake.h"

struct reader {
	struct pool			*pool;
	const struct dname		*zone;
	struct findings			*fs;
	struct intake_record		*ret;
	size_t				 n;		/* records so far */
	unsigned			 n_seen;	/* with those that are none */
	struct sv			 field[8];	/* of labelled lines */
};

/* --- one record --- */

static const struct {
	const char	*name;
	uint16_t	 type;
} types[] = {
	{ "DS", RR_DS }, { "DNSKEY", RR_DNSKEY }, { "CDS", RR_DS }, { "CDNSKEY", RR_DNSKEY },
};

static void
bad_say(struct reader *r)
{
	finding_add(r->fs, &intake_findings[INTAKE_FORM], FA_U("n", r->n_seen));
}

static int
data_add(struct reader *r, uint16_t type, struct sv text)
{
	uint8_t rdata[DNS_RDATA_MAX];
	struct sv copy;
	size_t n;

	if (rdata_parse(type, text, NULL, rdata, &n) < 0) {
		bad_say(r);
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
owner_fits(const struct reader *r, struct sv word)
{
	struct dname owner;
	uint32_t ttl;

	if (sv_caseeq(word, SV("IN")) || ttl_parse(word, &ttl) == 0 || sv_eq(word, SV("@")))
		return true;
	return dname_parse(word, NULL, &owner) == 0 && dname_eq(&owner, r->zone);
}

/* [OWNER] [TTL] [IN] TYPE DATA, or DATA alone. */
static int
record_read(struct reader *r, struct sv line)
{
	struct sv rest = line, word, before[4];
	uint16_t type;
	size_t n = 0;

	r->n_seen++;
	while (n < ARRAY_LEN(before) && sv_word(&rest, &word)) {
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

enum field { TAG, ALG, DIGEST_TYPE, DIGEST, FLAGS, PROTOCOL, KEY, FIELD_MAX };

static const struct {
	const char	*label;		/* letters only, small */
	enum field	 field;
} labels[] = {
	{ "keytag", TAG }, { "algorithm", ALG }, { "digesttype", DIGEST_TYPE }, { "digest", DIGEST },
	{ "flags", FLAGS }, { "protocol", PROTOCOL }, { "publickey", KEY },
};

/* The label's letters without blanks, hyphens and capitals; false: too long for any. */
static bool
label_fold(struct sv label, char ret[static 16])
{
	size_t n = 0;

	for (size_t i = 0; i < label.n; i++) {
		char c = label.p[i];

		if (c >= 'A' && c <= 'Z')
			c = (char)(c + 'a' - 'A');
		if (c < 'a' || c > 'z')
			continue;
		if (n == 15)
			return false;
		ret[n++] = c;
	}
	ret[n] = '\0';
	return true;
}

/* All fields of one kind are there: a record. */
static int
fields_take(struct reader *r)
{
	static const struct {
		uint16_t	type;
		enum field	f[4];
	} kinds[] = {
		{ RR_DS, { TAG, ALG, DIGEST_TYPE, DIGEST } },
		{ RR_DNSKEY, { FLAGS, PROTOCOL, ALG, KEY } },
	};

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		_cleanup_(buf_done) struct buf b = BUF_INIT;
		size_t n = 0;

		while (n < 4 && r->field[kinds[i].f[n]].n > 0)
			n++;
		if (n < 4)
			continue;
		for (n = 0; n < 4; n++) {
			buf_sv(&b, r->field[kinds[i].f[n]]);
			buf_char(&b, ' ');
			r->field[kinds[i].f[n]].n = 0;
		}
		r->n_seen++;
		return b.rc < 0 ? b.rc : data_add(r, kinds[i].type, sv_trim(buf_get(&b)));
	}
	return 0;
}

/* 1: it was a labelled line. */
static int
label_read(struct reader *r, struct sv line)
{
	struct sv value = line, label = sv_cut(&value, ':'), word;
	char folded[16];
	int rc;

	if (label.n == line.n || !label_fold(label, folded))
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(labels); i++) {
		if (!sv_eq_str(sv_str(folded), labels[i].label))
			continue;
		value = sv_trim(value);
		/* "13 (ECDSA P-256)" */
		if (labels[i].field != DIGEST && labels[i].field != KEY)
			value = sv_word(&value, &word) ? word : (struct sv){ 0 };
		r->field[labels[i].field] = value;
		rc = fields_take(r);
		return rc < 0 ? rc : 1;
	}
	return 0;
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

static bool
fields_left(const struct reader *r)
{
	for (size_t i = 0; i < FIELD_MAX; i++)
		if (r->field[i].n > 0)
			return true;
	return false;
}

static int
lines_read(struct reader *r, struct sv text, char *record)
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
		if (line.n > 0 && (rc = record_read(r, line)) < 0)
			return rc;
	}
	if (n > 0 || fields_left(r)) {
		r->n_seen++;
		bad_say(r);
	}
	return 0;
}

int
intake_text_parse(struct pool *pool, const struct dname *zone, struct sv text, struct findings *fs,
    struct intake_record ret[static INTAKE_RECORDS_MAX], size_t *ret_n)
{
	struct reader r = { .pool = pool, .zone = zone, .fs = fs, .ret = ret };
	char record[INTAKE_LINE_MAX];
	int rc;

	if (text.n > INTAKE_TEXT_MAX)
		return SE_LIMIT;
	if ((rc = lines_read(&r, text, record)) < 0)
		return rc;
	*ret_n = r.n;
	return 0;
}
