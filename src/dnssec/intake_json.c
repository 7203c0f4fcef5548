/* DS and DNSKEY records in JSON (of an API, RDAP, a resolver): objects with the known labels, at any depth. */
#include <errno.h>

#include "base/err.h"
#include "dnssec/intake_internal.h"

#define DEPTH_MAX	16	/* an API that needs more is none for people to copy from */

struct json_in {
	struct intake_reader	*r;
	char			*at, *end;
};

static int	 value_read(struct json_in *, struct sv label, struct intake_fields *, unsigned depth);

static void
blanks_skip(struct json_in *j)
{
	while (j->at < j->end && (*j->at == ' ' || *j->at == '\t' || *j->at == '\n' || *j->at == '\r'))
		j->at++;
}

static bool
is_next(struct json_in *j, char c)
{
	blanks_skip(j);
	if (j->at == j->end || *j->at != c)
		return false;
	j->at++;
	return true;
}

/* "\\/" stands in keys of some APIs. What is no ASCII is no part of a record. */
static char
escape_read(struct json_in *j)
{
	char c = *j->at++;

	if (c == 'n' || c == 't' || c == 'r')
		return ' ';
	if (c != 'u')
		return c;
	if (j->end - j->at >= 4)
		j->at += 4;
	return '?';
}

/* In place: what is written is never longer than what was read. */
static int
string_read(struct json_in *j, struct sv *ret)
{
	char *to;

	if (!is_next(j, '"'))
		return SE_SYNTAX;
	*ret = (struct sv){ j->at, 0 };
	for (to = j->at; j->at < j->end && *j->at != '"'; to++) {
		if (*j->at != '\\')
			*to = *j->at++;
		else if (++j->at < j->end)
			*to = escape_read(j);
	}
	ret->n = (size_t)(to - ret->p);
	return is_next(j, '"') ? 0 : SE_SYNTAX;
}

/* A number, true, false, null. */
static int
word_read(struct json_in *j, struct sv *ret)
{
	blanks_skip(j);
	*ret = (struct sv){ j->at, 0 };
	while (j->at < j->end && *j->at != ',' && *j->at != '}' && *j->at != ']' && *j->at > ' ')
		j->at++;
	ret->n = (size_t)(j->at - ret->p);
	return ret->n > 0 ? 0 : SE_SYNTAX;
}

/* "type": 46 with "data" beside it is a signature (the JSON of DNS over HTTPS). */
static bool
is_signature(const struct intake_fields *fields)
{
	uint16_t type;

	return sv_eq_str(fields->f[FIELD_TYPE], "46") ||
	    (rrtype_parse(fields->f[FIELD_TYPE], &type) == 0 && type == RR_RRSIG);
}

static int
scalar_take(struct json_in *j, struct sv label, struct sv value, struct intake_fields *fields)
{
	enum intake_field f = intake_label(label);

	if (f == FIELD_MAX || value.n == 0 || sv_eq(value, SV("null")))
		return 0;
	if (f != FIELD_RECORD) {
		fields->f[f] = value;
		return 0;
	}
	if (is_signature(fields)) {
		j->r->n_skipped++;
		return 0;
	}
	return intake_record_read(j->r, sv_trim(value));
}

static int
members_read(struct json_in *j, struct intake_fields *fields, unsigned depth)
{
	if (is_next(j, '}'))
		return 0;
	do {
		struct sv label;
		int rc = string_read(j, &label);

		if (rc < 0 || !is_next(j, ':'))
			return SE_SYNTAX;
		if ((rc = value_read(j, label, fields, depth)) < 0)
			return rc;
	} while (is_next(j, ','));
	return is_next(j, '}') ? 0 : SE_SYNTAX;
}

/* One object has a DS, a key, or both, which share the algorithm. */
static int
object_read(struct json_in *j, unsigned depth)
{
	struct intake_fields fields = { 0 };
	struct sv alg;
	int rc = members_read(j, &fields, depth);

	if (rc < 0)
		return rc;
	if (fields.f[FIELD_KEY].n > 0 && fields.f[FIELD_PROTOCOL].n == 0)
		fields.f[FIELD_PROTOCOL] = SV("3");
	alg = fields.f[FIELD_ALG];
	if ((rc = intake_fields_take(j->r, &fields)) < 0)
		return rc;
	fields.f[FIELD_ALG] = alg;
	if (fields.f[FIELD_KEY].n > 0 && (rc = intake_fields_take(j->r, &fields)) < 0)
		return rc;
	if (fields.f[FIELD_DIGEST].n > 0 || fields.f[FIELD_KEY].n > 0) {
		j->r->n_seen++;
		intake_bad_say(j->r);
	}
	return 0;
}

static int
list_read(struct json_in *j, struct sv label, struct intake_fields *fields, unsigned depth)
{
	if (is_next(j, ']'))
		return 0;
	do {
		int rc = value_read(j, label, fields, depth);

		if (rc < 0)
			return rc;
	} while (is_next(j, ','));
	return is_next(j, ']') ? 0 : SE_SYNTAX;
}

static int
value_read(struct json_in *j, struct sv label, struct intake_fields *fields, unsigned depth)
{
	struct sv value;
	int rc;

	if (depth == DEPTH_MAX)
		return SE_LIMIT;
	if (is_next(j, '{'))
		return object_read(j, depth + 1);
	if (is_next(j, '['))
		return list_read(j, label, fields, depth + 1);
	rc = j->at < j->end && *j->at == '"' ? string_read(j, &value) : word_read(j, &value);
	return rc < 0 ? rc : scalar_take(j, label, value, fields);
}

int
intake_json_read(struct intake_reader *r, char *text, size_t n)
{
	struct json_in j = { .r = r, .at = text, .end = text + n };
	struct intake_fields fields = { 0 };
	int rc = value_read(&j, SV(""), &fields, 0);

	blanks_skip(&j);
	return rc == 0 && j.at != j.end ? SE_SYNTAX : rc;
}
