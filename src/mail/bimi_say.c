/* What a receiver says of a mark: draft-brand-indicators-for-message-identification-10 sections 5 and 7.7. */
#include <errno.h>

#include "base/base64.h"
#include "base/hash.h"
#include "mail/bimi_internal.h"

#define LINE_OCTETS	54	/* 72 letters of base64, and the blank of a fold */
#define HASH_OCTETS	4	/* "truncated to the final 8 (at least) characters" */

static const char *const results[BIMI_RESULT_MAX] = {
	[BIMI_NONE_FOUND] = "none",
	[BIMI_PASS] = "pass",
	[BIMI_FAIL] = "fail",
	[BIMI_TEMPERROR] = "temperror",
	[BIMI_DECLINED] = "declined",
	[BIMI_SKIPPED] = "skipped",
};

const char *
bimi_result_name(enum bimi_result r)
{
	return results[r];
}

/* Section 5.6: "the receiving MTA MUST remove the MTA-produced headers". */
const char *const *
bimi_removed(void)
{
	static const char *const names[] = { "BIMI-Location", "BIMI-Indicator", "BIMI-Logo-Preference", NULL };

	return names;
}

/* --- fields --- */

static void
indicator_put(struct buf *b, struct sv svg)
{
	char line[(LINE_OCTETS + 2) / 3 * 4];

	buf_str(b, "BIMI-Indicator:");
	for (; svg.n > 0; svg = sv_skip(svg, LINE_OCTETS)) {
		struct sv part = sv_take(svg, LINE_OCTETS);

		buf_str(b, "\r\n ");
		buf_bytes(b, line, base64_encode(line, part.p, part.n));
	}
	buf_str(b, "\r\n");
}

void
bimi_fields_write(struct buf *b, const struct bimi_out *out, bool from_evidence, struct sv svg)
{
	const struct bimi_record *r = out->record;

	if (out->result != BIMI_PASS)
		return;
	/* Both would say that both were compared (section 7.9): the one that was looked at is enough. */
	buf_printf(b, "BIMI-Location: v=BIMI1;\r\n %s=%.*s\r\n", from_evidence ? "a" : "l",
	    SV_ARG(from_evidence ? r->evidence : r->location));
	if (svg.n > 0)
		indicator_put(b, svg);
	if (r->has_preference)
		buf_printf(b, "BIMI-Logo-Preference: avp=%s;\r\n", r->is_personal ? "personal" : "brand");
}

/* --- a result --- */

struct saying {
	struct authres		*to;
	struct authres_result	*r;
	int			 rc;
};

static void
property(struct saying *s, const char *type, const char *name, struct sv value)
{
	if (s->rc == 0 && value.p == NULL)
		s->rc = -ENOMEM;
	else if (s->rc == 0 && value.n > 0)
		s->rc = authres_property_add(s->to, s->r, type, name, value);
}

static struct sv
hash_text(struct pool *pool, struct sv svg)
{
	char text[2 * HASH_OCTETS + 1];
	uint8_t digest[SHA256_LEN];

	crypto_sha256(svg.p, svg.n, digest);
	return pool_sv(pool, sv_str(hex_encode(text, digest + SHA256_LEN - HASH_OCTETS, HASH_OCTETS)));
}

static void
record_say(struct saying *s, const struct bimi_out *out, enum bimi_authority authority, struct sv svg,
    struct pool *pool)
{
	static const char *const words[] = { "none", "pass", "fail" };
	const struct bimi_record *r = out->record;

	property(s, "header", "d", mail_name_text(pool, &out->domain));
	property(s, "header", "selector", out->selector);
	property(s, "policy", "authority", sv_str(words[authority]));
	if (authority != BIMI_UNCHECKED)
		property(s, "policy", "authority-uri", r->evidence);
	if (svg.n > 0)
		property(s, "policy", "indicator-hash", hash_text(pool, svg));
	if (r->has_preference)
		property(s, "policy", "logo-preference", r->is_personal ? SV("personal") : SV("brand"));
}

int
bimi_say(const struct bimi_out *out, enum bimi_authority authority, struct sv svg, struct pool *pool,
    struct authres *to)
{
	struct saying s = { .to = to };

	if ((s.rc = authres_add(to, AUTHRES_OTHER, MAIL_NONE, &s.r)) < 0)
		return s.rc;
	s.r->method_name = SV("bimi");
	s.r->word = sv_str(results[out->result]);
	s.r->comment = sv_str(out->why);
	if (out->record != NULL)
		record_say(&s, out, authority, svg, pool);
	return s.rc;
}
