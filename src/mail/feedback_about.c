/* Whose mail is complained of, and by which words does its sender know the recipient? */
#include <errno.h>

#include "mail/dkim.h"
#include "mail/feedback_internal.h"

struct search {
	const struct feedback	*f;
	const struct dname	*ours;
	size_t			 n_ours;
	struct pool		*pool;
	struct feedback_about	*about;
};

static const char *const by_names[FEEDBACK_BY_MAX] = {
	[FEEDBACK_BY_DKIM] = N_("a signature's domain"),
	[FEEDBACK_BY_MAIL_FROM] = N_("the envelope's sender"),
	[FEEDBACK_BY_REPORTED] = N_("the domain that is reported"),
	[FEEDBACK_BY_FROM] = N_("the author's domain"),
};

const char *
feedback_by_name(enum feedback_by by)
{
	return by_names[by];
}

static const char *const token_names[FEEDBACK_TOKEN_MAX] = {
	[FEEDBACK_TOKEN_CFBL] = "CFBL-Feedback-ID",
	[FEEDBACK_TOKEN_ID] = "Feedback-ID",
	[FEEDBACK_TOKEN_PATH] = "Return-Path",
	[FEEDBACK_TOKEN_LIST] = "List-ID",
	[FEEDBACK_TOKEN_MESSAGE] = "Message-ID",
};

const char *
feedback_token_name(enum feedback_token t)
{
	return token_names[t];
}

/* The longest of our names that holds it: a customer's domain before the provider's. */
static bool
name_is_ours(const struct search *s, const struct dname *name, size_t *ret)
{
	unsigned best = 0;
	bool found = false;

	for (size_t i = 0; name->len > 0 && i < s->n_ours; i++) {
		unsigned n = dname_labels(s->ours[i].w);

		if (!dname_within(name, &s->ours[i]) || (found && n <= best))
			continue;
		*ret = i;
		best = n;
		found = true;
	}
	return found;
}

static bool
name_try(struct search *s, enum feedback_by by, const struct dname *name)
{
	if (!name_is_ours(s, name, &s->about->which))
		return false;
	s->about->is_ours = true;
	s->about->by = by;
	s->about->name = *name;
	return true;
}

/* --- ways, the surest first: 1: it is ours; 0: it is not; -ENOMEM --- */

static int
by_dkim(struct search *s)
{
	for (size_t i = 0, n = 0; i < s->f->original.n && n < DKIM_SIGS_MAX; i++) {
		const struct mail_field *field = &s->f->original.fields[i];
		struct dkim_sig sig = { .why = DKIM_FINE };

		if (!sv_caseeq(field->name, SV("DKIM-Signature")))
			continue;
		n++;
		if (dkim_sig_parse(s->pool, DKIM_SIGNATURE, field, &sig) < 0)
			return -ENOMEM;
		if (name_try(s, FEEDBACK_BY_DKIM, &sig.domain_name))
			return 1;
	}
	return 0;
}

/* Without "<>"; -EINVAL and -ENOENT as mail_envelope(). */
static int
path_parse(struct search *s, struct mail_address *ret)
{
	const struct mail_field *path = mail_head_last(&s->f->original, SV("Return-Path"), 0);
	struct sv text = { NULL, 0 };

	if (path == NULL)
		return -ENOENT;
	text = sv_trim(path->value);
	if (sv_starts(text, SV("<")))
		text = sv_take(sv_skip(text, 1), sv_find(sv_skip(text, 1), '>'));
	return mail_envelope(s->pool, text, ret);
}

/* The envelope's sender: the original's Return-Path, or what the report says of it. */
static int
sender_find(struct search *s, struct mail_address *ret)
{
	int rc = path_parse(s, ret);

	if ((rc != -EINVAL && rc != -ENOENT) || !s->f->has_mail_from)
		return rc;
	*ret = s->f->mail_from;
	return 0;
}

static int
by_mail_from(struct search *s)
{
	struct mail_address a = { .local = { NULL, 0 } };
	int rc = sender_find(s, &a);

	if (rc < 0)
		return rc == -ENOMEM ? rc : 0;
	return name_try(s, FEEDBACK_BY_MAIL_FROM, &a.name);
}

static int
by_reported(struct search *s)
{
	for (size_t i = 0; i < s->f->domains.n; i++) {
		struct dname name;
		int rc = mail_domain(s->f->domains.v[i], &name);

		if (rc == -ENOMEM)
			return rc;
		if (rc == 0 && name_try(s, FEEDBACK_BY_REPORTED, &name))
			return 1;
	}
	return 0;
}

static int
by_from(struct search *s)
{
	const struct mail_field *from = mail_head_last(&s->f->original, SV("From"), 0);
	struct mail_address *a = NULL;
	struct findings unsaid;
	size_t n = 0;

	findings_init(&unsaid, s->pool);
	if (from == NULL)
		return 0;
	if (mail_addresses(s->pool, from->value, &unsaid, &a, &n) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		if (name_try(s, FEEDBACK_BY_FROM, &a[i].name))
			return 1;
	return 0;
}

/* RFC 5965 section 2: "use the content of the third part first, then data from the second part". */
static int
domain_find(struct search *s)
{
	int (*const ways[])(struct search *) = { by_dkim, by_mail_from, by_from, by_reported };
	int rc = 0;

	for (size_t i = 0; i < ARRAY_LEN(ways) && rc == 0; i++)
		rc = ways[i](s);
	return rc < 0 ? rc : 0;
}

/* --- tokens --- */

/*
 * RFC 9477 section 5.2: "Empty space is ignored in the fid value and MUST be ignored when
 * reassembling the original feedback-id". Copied; .p is NULL without memory.
 */
static struct sv
id_join(struct search *s, struct sv value)
{
	struct sv plain = feedback_plain(s->pool, value), word;
	char *p = pool_alloc(s->pool, plain.n + 1);
	size_t n = 0;

	if (plain.p == NULL || p == NULL)
		return (struct sv){ NULL, 0 };
	while (sv_word(&plain, &word)) {
		memcpy(p + n, word.p, word.n);
		n += word.n;
	}
	return (struct sv){ p, n };
}

static int
tokens_find(struct search *s)
{
	struct sv *id = &s->about->tokens[FEEDBACK_TOKEN_CFBL];
	struct mail_address path;
	size_t which;
	int rc;

	for (unsigned t = 0; t < FEEDBACK_TOKEN_MAX; t++) {
		const struct mail_field *field = mail_head_last(&s->f->original, sv_str(token_names[t]), 0);

		if (t != FEEDBACK_TOKEN_PATH && field != NULL)
			s->about->tokens[t] = sv_take(sv_trim(field->value), FEEDBACK_VALUE_MAX);
	}
	if (id->n > 0 && (*id = id_join(s, *id)).p == NULL)
		return -ENOMEM;
	/* Another's bounce address says nothing that we could read. */
	if ((rc = sender_find(s, &path)) == 0 && name_is_ours(s, &path.name, &which))
		s->about->tokens[FEEDBACK_TOKEN_PATH] = path.local;
	return rc == -ENOMEM ? rc : 0;
}

int
feedback_about(const struct feedback *f, const struct dname *ours, size_t n_ours, struct pool *pool,
    struct findings *fs, struct feedback_about *ret)
{
	struct feedback_about about = { .is_ours = false };
	struct search s = { f, ours, n_ours, pool, &about };
	int rc;

	if ((rc = domain_find(&s)) < 0 || (rc = tokens_find(&s)) < 0)
		return rc;
	if (!about.is_ours)
		finding_add0(fs, &feedback_findings[FEEDBACK_FOREIGN]);
	*ret = about;
	return 0;
}
