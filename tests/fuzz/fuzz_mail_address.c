/* mail_address: an address that is read is written plainly, and read as the same; so are names. */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#include "mail/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
must(bool ok)
{
	if (!ok)
		abort();
}

/* A name that came of a domain is a domain itself. */
static void
name_again(const struct dname *name)
{
	char text[DNAME_STRLEN];
	struct sv s = sv_str(dname_str(name, text));
	struct dname again;

	must(mail_domain(sv_take(s, s.n - 1), &again) == 0);
	must(again.len == name->len && memcmp(again.w, name->w, name->len) == 0);
}

static void
quoted(struct buf *b, struct sv s)
{
	buf_char(b, '"');
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '"' || s.p[i] == '\\')
			buf_char(b, '\\');
		buf_char(b, s.p[i]);
	}
	buf_char(b, '"');
}

/*
 * Encoded words are looked for in all of the field, and may begin in one mailbox and end in
 * the next one: "<" and quotes in between, or a comment gone, make another word of it.
 */
static bool
is_encoded(struct sv text, const struct findings *fs)
{
	while (!sv_starts(text, SV("=?")) && text.n > 0)
		text = sv_skip(text, 1);
	return text.n > 0 && fs->n_kept == 1 && fs->head->def == &mail_findings[MAIL_ADDRESS_ENCODED];
}

static void
list_again(struct pool *pool, const struct mail_address *a, size_t n)
{
	struct mail_address *again = NULL;
	struct buf b = BUF_INIT;
	struct findings fs;
	size_t n_again = 0;

	for (size_t i = 0; i < n; i++) {
		must(a[i].local.n > 0 && a[i].domain.n > 0 && a[i].name.len > 1);
		buf_str(&b, i > 0 ? ",\r\n " : " ");
		quoted(&b, a[i].display);
		buf_str(&b, " <");
		quoted(&b, a[i].local);
		buf_char(&b, '@');
		buf_sv(&b, a[i].domain);
		buf_char(&b, '>');
		name_again(&a[i].name);
	}
	findings_init(&fs, pool);
	must(mail_addresses(pool, buf_get(&b), &fs, &again, &n_again) == 0);
	must(n_again == n || (n_again == 0 && is_encoded(buf_get(&b), &fs)));
	for (size_t i = 0; i < n_again; i++)
		must(sv_eq(again[i].display, a[i].display) && sv_eq(again[i].local, a[i].local) &&
		    dname_eq(&again[i].name, &a[i].name));
	buf_done(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct sv text = { (const char *)bytes, n };
	struct pool *pool = pool_new(MAIL_POOL_MAX);
	struct mail_address *list = NULL, one;
	struct findings fs;
	struct dname name;
	size_t n_list = 0;

	must(pool != NULL);
	findings_init(&fs, pool);
	must(mail_addresses(pool, text, &fs, &list, &n_list) == 0);
	must(n_list <= MAIL_ADDRESSES_MAX && (n_list == 0 || !findings_reject(&fs)));
	list_again(pool, list, n_list);
	if (mail_envelope(pool, text, &one) == 0)
		name_again(&one.name);
	if (mail_domain(text, &name) == 0)
		name_again(&name);
	(void)pool_free(pool);
	return 0;
}
