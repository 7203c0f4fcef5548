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

static int
results_read(const struct mail_head *head, const struct sv *ids, size_t n_ids, struct pool *pool,
    struct feedback_note *n)
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
	return a == NULL ? 0 : names_take(a, pool, n);
}

int
feedback_note(const struct mail_head *head, const struct feedback *f,
    const struct feedback_about *about, const struct dname *ours, const struct sv *ids,
    size_t n_ids, struct pool *pool, struct feedback_note *ret)
{
	struct feedback_note n = { .n = 0 };
	int rc = results_read(head, ids, n_ids, pool, &n);

	if (rc < 0)
		return rc;
	if (n.n > 0)
		n.why = FEEDBACK_NOTED;
	if (n.n > 0 && f != NULL) {
		n.n = about->is_ours;
		n.why = about->is_ours ? FEEDBACK_NOTED : FEEDBACK_NOTE_FOREIGN;
		if (about->is_ours && (n.names[0] = mail_name_text(pool, &ours[about->which])).p == NULL)
			return -ENOMEM;
	}
	*ret = n;
	return 0;
}
