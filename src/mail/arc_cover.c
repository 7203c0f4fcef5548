/* What seals cover, hashed once: see mail/arc_internal.h. */
#include <errno.h>

#include "mail/arc_internal.h"

void
arc_cover_done(struct arc_cover *c)
{
	c->all = crypto_sha256_free(c->all);
	c->one = crypto_sha256_free(c->one);
	buf_done(&c->text);
}

/* The text so far goes into the digest. */
static int
text_take(struct arc_cover *c)
{
	if (c->text.rc < 0)
		return c->text.rc;
	if (c->all == NULL && (c->all = crypto_sha256_new()) == NULL)
		return -ENOMEM;
	crypto_sha256_update(c->all, c->text.p, c->text.len);
	c->text.len = 0;
	return 0;
}

static void
field_add(struct arc_cover *c, const struct mail_field *f)
{
	mail_field_canon(&c->text, f, MAIL_RELAXED);
	buf_sv(&c->text, SV("\r\n"));
}

int
arc_cover_add(struct arc_cover *c, const struct mail_field *results, const struct mail_field *ams)
{
	field_add(c, results);
	field_add(c, ams);
	return text_take(c);
}

int
arc_cover_hash(struct arc_cover *c, const struct dkim_sig *seal, uint8_t ret[static SHA256_LEN])
{
	int rc;

	if (c->one == NULL && (c->one = crypto_sha256_new()) == NULL)
		return -ENOMEM;
	if ((rc = dkim_self_canon(&c->text, seal, MAIL_RELAXED)) < 0 || (rc = c->text.rc) < 0)
		return rc;
	crypto_sha256_copy(c->one, c->all);
	crypto_sha256_update(c->one, c->text.p, c->text.len);
	crypto_sha256_final(c->one, ret);
	c->text.len = 0;
	return 0;
}

int
arc_cover_seal(struct arc_cover *c, const struct mail_field *seal)
{
	field_add(c, seal);
	return text_take(c);
}
