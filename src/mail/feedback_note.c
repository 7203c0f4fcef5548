/*
 * Against whom does a complaint count? Whoever has a mail can write results into it; those that our
 * gate put there are above all others, as it removes what claims to be ours (RFC 8601 section 5).
 */
#include <errno.h>

#include "mail/authres.h"
#include "mail/feedback.h"

static const char *const whys[FEEDBACK_NOTE_MAX] = {
	[FEEDBACK_NOTED] = "",
	[FEEDBACK_NOTE_NO_RESULTS] = N_("it has no Authentication-Results: it did not come through our mail filter"),
	[FEEDBACK_NOTE_NOT_OURS] = N_("its uppermost Authentication-Results are not ours (mail.authserv-id): anybody can write them"),
	[FEEDBACK_NOTE_NOBODY] = N_("nothing in it passed SPF, DKIM or DMARC: no domain stands for it"),
	[FEEDBACK_NOTE_FOREIGN] = N_("the complaint is about mail of none of our domains"),
	[FEEDBACK_NOTE_KIND] = N_("it is a report of another kind than a complaint"),
	[FEEDBACK_NOTE_UNSIGNED] = N_("no DKIM signature for its sender's domain passed, as complaints to a CFBL-Address must have one (RFC 9477)"),
};

const char *
feedback_note_text(enum feedback_note_why why)
{
	return whys[why];
}

static const struct mail_field *
uppermost(const struct mail_head *head)
{
	for (size_t i = 0; i < head->n; i++)
		if (sv_caseeq(head->fields[i].name, SV("Authentication-Results")))
			return &head->fields[i];
	return NULL;
}

/* The domain that a result speaks for: which property has it. */
static const struct {
	enum authres_method	 method;
	const char		*type, *name;
} speakers[] = {
	{ AUTHRES_DMARC, "header", "from" },
	{ AUTHRES_DKIM, "header", "d" },
	{ AUTHRES_SPF, "smtp", "mailfrom" },
};

/* As text, once. What has no form in the DNS is nobody. */
static int
name_add(struct feedback_note *n, struct pool *pool, struct sv value)
{
	size_t at = sv_rfind(value, '@');
	struct dname name;
	struct sv text;
	int rc = mail_domain(at < value.n ? sv_skip(value, at + 1) : value, &name);

	if (rc < 0 || n->n == FEEDBACK_NAMES_MAX)
		return rc == -ENOMEM ? rc : 0;
	if ((text = mail_name_text(pool, &name)).p == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < n->n; i++)
		if (sv_eq(n->names[i], text))
			return 0;
	n->names[n->n++] = text;
	return 0;
}

static int
names_take(const struct authres *a, struct pool *pool, struct feedback_note *n)
{
	int rc = 0;

	for (size_t i = 0; i < ARRAY_LEN(speakers); i++)
		for (const struct authres_result *r = authres_find(a, speakers[i].method, NULL);
		    r != NULL && rc == 0; r = authres_find(a, speakers[i].method, r)) {
			struct sv value = authres_property_find(r, speakers[i].type, speakers[i].name);

			if (r->result == MAIL_PASS && value.p != NULL)
				rc = name_add(n, pool, value);
		}
	return rc;
}

/* RFC 9477 section 3.5: "This signature MUST match the RFC5322.From domain of the Feedback Message." */
static int
signature_find(const struct authres *a, const struct mail_head *head, struct pool *pool, bool *ret)
{
	const struct mail_field *from = mail_head_last(head, SV("From"), 0);
	struct mail_address *author = NULL;
	struct findings unsaid;
	struct dname signer;
	size_t n = 0;

	findings_init(&unsaid, pool);
	if (from != NULL && mail_addresses(pool, from->value, &unsaid, &author, &n) < 0)
		return -ENOMEM;
	for (const struct authres_result *r = authres_find(a, AUTHRES_DKIM, NULL); r != NULL && n == 1;
	    r = authres_find(a, AUTHRES_DKIM, r)) {
		int rc = mail_domain(authres_property_find(r, "header", "d"), &signer);

		if (rc == -ENOMEM)
			return rc;
		*ret |= rc == 0 && r->result == MAIL_PASS && dname_within(&author[0].name, &signer);
	}
	return 0;
}

static int
results_read(const struct mail_head *head, const struct sv *ids, size_t n_ids, struct pool *pool,
    struct feedback_note *n, bool *ret_signed)
{
	const struct mail_field *field = uppermost(head);
	struct authres *a = NULL;
	struct findings unsaid;

	findings_init(&unsaid, pool);
	n->why = FEEDBACK_NOTE_NO_RESULTS;
	if (field == NULL)
		return 0;
	n->why = FEEDBACK_NOTE_NOT_OURS;
	if (authres_claim(pool, field->value, ids, n_ids) != AUTHRES_OURS)
		return 0;
	if (authres_parse(pool, field->value, &unsaid, &a) < 0)
		return -ENOMEM;
	n->why = FEEDBACK_NOTE_NOBODY;
	if (a == NULL || names_take(a, pool, n) < 0)
		return a == NULL ? 0 : -ENOMEM;
	return signature_find(a, head, pool, ret_signed);
}

/*
 * RFC 5965 section 6: "implementors MUST ignore any fields or report types they do not explicitly
 * support". That a message is no spam (RFC 6430), or was not authenticated, is nobody's complaint.
 */
static bool
is_complaint(const struct feedback *f)
{
	if (f->type == FEEDBACK_OTHER)
		return f->type_word.n == 0 || sv_caseeq(f->type_word, SV("other"));
	return f->type != FEEDBACK_NOT_SPAM && f->type != FEEDBACK_AUTH_FAILURE;
}

/*
 * What another operator sent. RFC 9477 section 3.5: "If the message does not have the required valid
 * DKIM signature, the Message Originator SHALL NOT process this Feedback Message." Complaints that
 * were agreed on otherwise may come by SPF's word.
 */
static enum feedback_note_why
operator_why(const struct feedback *f, const struct feedback_about *about, bool is_signed)
{
	if (!is_complaint(f))
		return FEEDBACK_NOTE_KIND;
	if (!is_signed && mail_head_count(&f->original, SV("CFBL-Address")) > 0)
		return FEEDBACK_NOTE_UNSIGNED;
	return about->is_ours ? FEEDBACK_NOTED : FEEDBACK_NOTE_FOREIGN;
}

int
feedback_note(const struct mail_head *head, const struct feedback *f,
    const struct feedback_about *about, const struct dname *ours, const struct sv *ids,
    size_t n_ids, struct pool *pool, struct feedback_note *ret)
{
	struct feedback_note n = { .n = 0 };
	bool is_signed = false;
	int rc = results_read(head, ids, n_ids, pool, &n, &is_signed);

	if (rc < 0)
		return rc;
	if (n.n > 0)
		n.why = FEEDBACK_NOTED;
	if (n.n > 0 && f != NULL) {
		n.why = operator_why(f, about, is_signed);
		n.n = n.why == FEEDBACK_NOTED;
		if (n.n > 0 && (n.names[0] = mail_name_text(pool, &ours[about->which])).p == NULL)
			return -ENOMEM;
	}
	*ret = n;
	return 0;
}
