/* The fields of message/feedback-report: RFC 5965 section 3, RFC 6591 section 3.2, RFC 6692. */
#include <errno.h>

#include "mail/feedback_internal.h"

#define SHOWN_MAX	100	/* octets of a stranger's value in a finding */

struct reading {
	struct pool	*pool;
	struct findings	*fs;
	struct feedback	*f;
};

static const char *const types[FEEDBACK_TYPE_MAX] = {
	[FEEDBACK_ABUSE] = "abuse",
	[FEEDBACK_AUTH_FAILURE] = "auth-failure",
	[FEEDBACK_FRAUD] = "fraud",
	[FEEDBACK_NOT_SPAM] = "not-spam",
	[FEEDBACK_VIRUS] = "virus",
	[FEEDBACK_OTHER] = "other",
};

const char *
feedback_type_name(enum feedback_type t)
{
	return types[t];
}

/* --- kinds of values: 0; -EINVAL: it is none; -ENOMEM --- */

static int
take_text(struct reading *g UNUSED, struct sv value, void *to)
{
	*(struct sv *)to = value;
	return 0;
}

static int
take_list(struct reading *g, struct sv value, void *to)
{
	struct feedback_list *list = to;

	if (list->n == FEEDBACK_LIST_MAX)
		finding_add(g->fs, &feedback_findings[FEEDBACK_LIMIT], FA_MSG("what", N_("fields of one name")));
	else
		list->v[list->n++] = value;
	return 0;
}

static int
take_type(struct reading *g, struct sv value, void *to UNUSED)
{
	struct feedback *f = g->f;

	(void)sv_word(&value, &f->type_word);
	if (f->type_word.n == 0)
		return -EINVAL;
	for (f->type = 0; f->type < FEEDBACK_OTHER; f->type++)
		if (sv_caseeq(f->type_word, sv_str(types[f->type])))
			return 0;
	if (!sv_caseeq(f->type_word, SV("other")))
		finding_add(g->fs, &feedback_findings[FEEDBACK_TYPE], FA_SV("type", sv_take(f->type_word, SHOWN_MAX)));
	return 0;
}

/* Real senders write "[192.0.2.1]", "IPv6:2001:db8::1", and words behind it. */
static int
take_source(struct reading *g, struct sv value, void *to UNUSED)
{
	struct sv word = { NULL, 0 };
	struct ip_prefix px;

	(void)sv_word(&value, &word);
	if (sv_starts(word, SV("[")))
		word = sv_take(sv_skip(word, 1), sv_find(sv_skip(word, 1), ']'));
	if (sv_caseeq(sv_take(word, 5), SV("IPv6:")))
		word = sv_skip(word, 5);
	if (ip_prefix_parse_host(word, &px) < 0 || px.len != ip_bits(px.af))
		return -EINVAL;
	g->f->source = px;
	g->f->has_source = true;
	return 0;
}

static int
take_arrival(struct reading *g, struct sv value, void *to UNUSED)
{
	int rc = feedback_date_parse(value, &g->f->arrived);

	g->f->has_arrival |= rc == 0;
	return rc;
}

static int
take_mail_from(struct reading *g, struct sv value, void *to UNUSED)
{
	size_t open = sv_find(value, '<');
	struct sv text = open == value.n ? value : sv_skip(value, open + 1);
	int rc = mail_envelope(g->pool, sv_take(text, sv_find(text, '>')), &g->f->mail_from);

	g->f->has_mail_from = rc == 0 || rc == -ENOENT;
	return rc == -ENOENT ? 0 : rc;
}

static int
take_incidents(struct reading *g, struct sv value, void *to UNUSED)
{
	return num_u64(value, 0, UINT32_MAX, &g->f->incidents);
}

static int
take_port(struct reading *g, struct sv value, void *to UNUSED)
{
	return num_u32(value, 0, UINT16_MAX, &g->f->port);
}

/* --- the fields --- */

enum need {
	NEVER,
	ALWAYS,			/* RFC 5965 section 3.1 */
	OF_FAILURES		/* RFC 6591 sections 3.1, 3.2.1 */
};

static const struct field {
	const char	*name;
	int		(*take)(struct reading *, struct sv value, void *to);
	size_t		 at;		/* in struct feedback */
	enum need	 need;
	bool		 is_many;
	bool		 is_raw;	/* parentheses are its own, or are read later */
} fields[] = {
	{ "Feedback-Type", take_type, 0, ALWAYS, false, false },
	{ "User-Agent", take_text, offsetof(struct feedback, agent), ALWAYS, false, true },
	/* RFC 5965 has "1"; many, and the examples of RFC 9477, have "0.1" as its drafts had it. */
	{ "Version", take_text, offsetof(struct feedback, version), ALWAYS, false, false },
	{ "Arrival-Date", take_arrival, 0, NEVER, false, false },
	{ "Authentication-Results", take_list, offsetof(struct feedback, results), OF_FAILURES, true, true },
	{ "Incidents", take_incidents, 0, NEVER, false, false },
	{ "Original-Envelope-Id", take_text, offsetof(struct feedback, envelope_id), NEVER, false, true },
	{ "Original-Mail-From", take_mail_from, 0, NEVER, false, false },
	{ "Original-Rcpt-To", take_list, offsetof(struct feedback, recipients), NEVER, true, false },
	{ "Reported-Domain", take_list, offsetof(struct feedback, domains), NEVER, true, false },
	{ "Reported-URI", take_list, offsetof(struct feedback, uris), NEVER, true, true },
	{ "Reporting-MTA", take_text, offsetof(struct feedback, reporter), NEVER, false, false },
	{ "Source-IP", take_source, 0, NEVER, false, false },
	{ "Source-Port", take_port, 0, NEVER, false, false },
	{ "Auth-Failure", take_text, offsetof(struct feedback, auth_failure), OF_FAILURES, false, false },
	{ "Delivery-Result", take_text, offsetof(struct feedback, delivery), NEVER, false, false },
	{ "DKIM-Domain", take_text, offsetof(struct feedback, dkim_domain), NEVER, false, false },
	{ "DKIM-Selector", take_text, offsetof(struct feedback, dkim_selector), NEVER, false, false },
	{ "Identity-Alignment", take_text, offsetof(struct feedback, alignment), NEVER, false, false },
};

/* Folds are taken out, control characters become "?"; .p is NULL without memory. */
static struct sv
value_clean(struct reading *g, struct sv value)
{
	char *p = pool_alloc(g->pool, value.n + 1);
	size_t n = 0;

	if (p == NULL)
		return (struct sv){ NULL, 0 };
	for (size_t i = 0; i < value.n; i++) {
		unsigned char c = (unsigned char)value.p[i];

		if (c != '\r' && c != '\n')
			p[n++] = c == '\t' ? ' ' : c < ' ' || c == 0x7f ? '?' : value.p[i];
	}
	return sv_trim((struct sv){ p, n });
}

static int
field_take(struct reading *g, const struct field *row, struct sv raw)
{
	struct sv value = value_clean(g, sv_take(raw, FEEDBACK_VALUE_MAX));
	int rc;

	if (value.p != NULL && !row->is_raw)
		value = feedback_plain(g->pool, value);
	if (value.p == NULL)
		return -ENOMEM;
	if (raw.n > FEEDBACK_VALUE_MAX)
		finding_add(g->fs, &feedback_findings[FEEDBACK_LIMIT], FA_MSG("what", N_("octets of a field")));
	rc = row->take(g, value, (char *)g->f + row->at);
	if (rc == -EINVAL)
		finding_add(g->fs, &feedback_findings[FEEDBACK_VALUE], FA_STR("field", row->name),
		    FA_SV("value", sv_take(value, SHOWN_MAX)));
	return rc == -ENOMEM ? rc : 0;
}

/*
 * 1 << its row, for those that were met. RFC 5965 section 3.2: 'The historic field "Received-Date"
 * SHOULD also be accepted and interpreted identically to "Arrival-Date". However, if both are
 * present, the report is malformed': as if one of them were there twice.
 */
static int
one_take(struct reading *g, const struct mail_field *field, uint32_t *seen)
{
	struct sv name = sv_caseeq(field->name, SV("Received-Date")) ? SV("Arrival-Date") : field->name;

	for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
		if (!sv_caseeq(name, sv_str(fields[i].name)))
			continue;
		if ((*seen & 1u << i) != 0 && !fields[i].is_many) {
			finding_add(g->fs, &feedback_findings[FEEDBACK_DOUBLE], FA_STR("field", fields[i].name));
			return 0;
		}
		*seen |= 1u << i;
		return field_take(g, &fields[i], field->value);
	}
	return 0;
}

int
feedback_fields_parse(struct pool *pool, struct sv text, struct findings *fs, struct feedback *f)
{
	struct reading g = { pool, fs, f };
	struct mail_head head;
	struct findings unsaid;
	struct sv rest;
	uint32_t seen = 0;
	int rc;

	findings_init(&unsaid, pool);
	mail_head_init(&head, pool);
	/* Empty lines before the first field; what stands behind the next empty line is nothing. */
	while (text.n > 0 && (text.p[0] == '\r' || text.p[0] == '\n'))
		text = sv_skip(text, 1);
	if ((rc = mail_head_parse(&head, text, &rest, &unsaid)) < 0)
		return rc;
	for (size_t i = 0; i < head.n; i++)
		if ((rc = one_take(&g, &head.fields[i], &seen)) < 0)
			return rc;
	for (size_t i = 0; i < ARRAY_LEN(fields); i++)
		if ((seen & 1u << i) == 0 && (fields[i].need == ALWAYS ||
		    (fields[i].need == OF_FAILURES && f->type == FEEDBACK_AUTH_FAILURE)))
			finding_add(fs, &feedback_findings[FEEDBACK_MISSING], FA_STR("field", fields[i].name));
	return 0;
}
