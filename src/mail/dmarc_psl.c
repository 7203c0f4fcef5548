/* Organizational domain and record by RFC 7489: sections 3.2 and 6.6.3. */
#include <errno.h>
#include <libpsl.h>

#include "mail/dmarc_internal.h"

/* Lower-case text without the final dot; false: octets that no public suffix has. */
static bool
name_text(const struct dname *name, char dst[static DNS_NAME_MAX + 1])
{
	size_t n = 0;

	for (size_t at = 0; name->w[at] != 0; at += 1u + name->w[at])
		for (size_t i = 0; i <= name->w[at]; i++) {
			char c = i == name->w[at] ? '.' : (char)name->w[at + 1 + i];

			if (i < name->w[at] && (c <= 0x20 || c >= 0x7f || c == '.'))
				return false;
			dst[n++] = c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
		}
	if (n == 0)
		return false;
	dst[n - 1] = '\0';
	return true;
}

void
dmarc_psl_org(const struct psl_ctx_st *psl, const struct dname *name, struct dname *ret)
{
	char text[DNS_NAME_MAX + 1];
	const char *org = name_text(name, text) ? psl_registrable_domain(psl, text) : NULL;
	unsigned labels = 1;

	if (org == NULL) {		/* it is a public suffix itself */
		*ret = *name;
		return;
	}
	for (const char *p = org; *p != '\0'; p++)
		labels += *p == '.';
	*ret = dmarc_tail(name, labels);
}

/*
 * Section 6.6.3: the author's domain; "if the set is now empty", the organizational domain;
 * "if the remaining set contains multiple records or no records, policy discovery terminates".
 */
int
dmarc_psl_find(struct dmarc_book *b, const struct psl_ctx_st *psl, const struct dname *author,
    struct dmarc_view *v)
{
	const struct dmarc_step *step;
	int rc;

	dmarc_psl_org(psl, author, &v->org);
	v->has_org = true;
	if ((rc = dmarc_book_find(b, author, &step)) != 0)
		return rc;
	v->steps[v->n_steps++] = step;
	if (step->rcode != MAIL_DNS_FAILED && step->n_records == 0 && !dname_eq(author, &v->org)) {
		if ((rc = dmarc_book_find(b, &v->org, &step)) != 0)
			return rc;
		v->steps[v->n_steps++] = step;
	}
	v->where = step->name;
	v->record = step->record;
	return 0;
}
