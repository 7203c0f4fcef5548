/*
 * What happens to a message on its way, one step of a description each: fields
 * come on top, a signature covers what is there so far, and whoever changes
 * the text afterwards breaks it, as in the world.
 */
#include <errno.h>

#include "base/timefmt.h"
#include "lab/mail_plan.h"

/* --- the text --- */

/* On top of the head. */
static int
top_put(struct lab_mail_plan *p, struct sv field)
{
	struct buf new = BUF_INIT;

	buf_sv(&new, field);
	buf_str(&new, "\r\n");
	buf_sv(&new, buf_get(&p->head));
	buf_done(&p->head);
	p->head = new;
	return new.rc;
}

static int
head_read(struct lab_mail_plan *p, struct mail_head *ret)
{
	struct findings fs;
	struct sv body;
	struct sv text;

	pool_reset(p->pool);
	findings_init(&fs, p->pool);
	mail_head_init(ret, p->pool);
	text = pool_sv(p->pool, buf_get(&p->head));
	return text.p == NULL ? -ENOMEM : mail_head_parse(ret, text, &body, &fs);
}

/* The first field of that name with another value, or (value empty) without it. */
static int
field_change(struct lab_mail_plan *p, struct sv name, struct sv value)
{
	struct buf new = BUF_INIT;
	struct mail_head head;
	bool done = false;
	int rc = head_read(p, &head);

	for (size_t i = 0; rc == 0 && i < head.n; i++) {
		bool it = !done && sv_caseeq(head.fields[i].name, name);

		done |= it;
		if (it && value.n == 0)
			continue;
		if (it)
			buf_printf(&new, "%.*s: %.*s\r\n", SV_ARG(name), SV_ARG(value));
		else {
			buf_sv(&new, head.fields[i].raw);
			buf_str(&new, "\r\n");
		}
	}
	if (rc < 0 || new.rc < 0) {
		buf_done(&new);
		return rc < 0 ? rc : new.rc;
	}
	buf_done(&p->head);
	p->head = new;
	return 0;
}

/* The value of a field; it lives until the next one is read. */
static int
field_value(struct lab_mail_plan *p, struct sv name, struct sv *ret)
{
	const struct mail_field *f;
	struct mail_head head;
	int rc = head_read(p, &head);

	if (rc < 0)
		return rc;
	f = mail_head_last(&head, name, 0);
	*ret = f == NULL ? SV("") : sv_trim(f->value);
	return 0;
}

static int
body_digest(const struct lab_mail_plan *p, uint8_t ret[static SHA256_LEN])
{
	struct mail_body_want want = { .canon = MAIL_RELAXED, .max = UINT64_MAX };
	_cleanup_(mail_body_freep) struct mail_body *b = NULL;
	int rc = mail_body_new(&want, 1, &b);

	if (rc < 0)
		return rc;
	mail_body_feed(b, buf_get(&p->body));
	mail_body_end(b);
	memcpy(ret, want.digest, SHA256_LEN);
	return 0;
}

/* --- steps --- */

static int
do_field(struct lab_mail_plan *p, struct sv rest)
{
	return top_put(p, rest);
}

static int
do_replace(struct lab_mail_plan *p, struct sv rest)
{
	struct sv name = sv_cut(&rest, ':');

	return field_change(p, name, sv_trim(rest));
}

static int
do_received(struct lab_mail_plan *p, struct sv host)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	char at[TIME_MAIL_STRLEN];

	p->at++;
	buf_printf(&b, "Received: from %.*s by %.*s with ESMTP id %08x;\r\n\t%s",
	    SV_ARG(p->row->flow.helo),
	    SV_ARG(host), p->variant * 64 + p->n_received++, time_mail_str(p->at, at));
	return b.rc < 0 ? b.rc : top_put(p, buf_get(&b));
}

static int
do_prefix(struct lab_mail_plan *p, struct sv rest)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	struct sv subject;
	int rc = field_value(p, SV("Subject"), &subject);

	if (rc < 0)
		return rc;
	buf_printf(&b, "%.*s %.*s", SV_ARG(rest), SV_ARG(subject));
	return b.rc < 0 ? b.rc : field_change(p, SV("Subject"), buf_get(&b));
}

static int
do_footer(struct lab_mail_plan *p, struct sv rest)
{
	buf_printf(&p->body, "_______________________________________________\r\n%.*s\r\n",
	    SV_ARG(rest));
	return p->body.rc;
}

/* Lists that spare DMARC: their own address in From, and the author's in Reply-To. */
static int
do_munge(struct lab_mail_plan *p, struct sv rest)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	struct sv from;
	int rc = field_value(p, SV("From"), &from);

	if (rc < 0)
		return rc;
	buf_printf(&b, "Reply-To: %.*s", SV_ARG(from));
	if (b.rc < 0)
		return b.rc;
	rc = top_put(p, buf_get(&b));
	return rc < 0 ? rc : field_change(p, SV("From"), rest);
}

/* So many octets more, in lines of 64. */
static int
do_body(struct lab_mail_plan *p, struct sv rest)
{
	static const char line[] =
	    "All work and no play makes a message that nobody wants to read\r\n";
	uint32_t n;

	if (num_u32(rest, 1, LAB_MAIL_BODY_MAX, &n) < 0)
		return -EINVAL;
	for (uint32_t i = 0; i < n && p->body.rc == 0; i += sizeof(line) - 1)
		buf_bytes(&p->body, line, sizeof(line) - 1);
	return p->body.rc;
}

static const char *
body_check(const struct lab_mail *w UNUSED, struct sv rest)
{
	uint32_t n;

	return num_u32(rest, 1, LAB_MAIL_BODY_MAX,
	    &n) < 0 ? N_("is not a number in the allowed range") : NULL;
}

/* --- signatures --- */

/* "DOMAIN SELECTOR …" */
static const char *
key_check(const struct lab_mail *w, struct sv rest)
{
	struct sv domain, selector;

	if (!sv_word(&rest, &domain) || !sv_word(&rest, &selector))
		return N_("is written: DOMAIN SELECTOR, of a key above");
	return lab_mail_key_find(w, domain, selector) == NULL ?
	    N_("is written: DOMAIN SELECTOR, of a key above") : NULL;
}

static int
do_sign(struct lab_mail_plan *p, struct sv rest)
{
	struct sv domain, selector, field;
	uint8_t digest[SHA256_LEN];
	const struct lab_mail_key *k;
	struct mail_head head;
	int rc;

	if (!sv_word(&rest, &domain) || !sv_word(&rest, &selector) ||
	    (k = lab_mail_key_find(p->w, domain, selector)) == NULL || k->priv == NULL)
		return -EINVAL;
	if ((rc = head_read(p, &head)) < 0 || (rc = body_digest(p, digest)) < 0)
		return rc;
	rc = dkim_sign(p->pool, &head, digest, &(struct dkim_sign){
		.domain = domain, .selector = selector, .by = dkim_signer_of(k->priv),
		.head_canon = MAIL_RELAXED, .body_canon = MAIL_RELAXED, .time = p->at,
		/* "expired": its time ran out before this world's now */
		.expiry = sv_eq(sv_trim(rest), SV("expired")) ? p->at + 1 : 0 }, &field);
	return rc < 0 ? rc : top_put(p, field);
}

/* "spf=pass": what the sealer says that it found. */
static int
result_say(struct lab_mail_plan *p, struct authres *a, struct sv word, struct sv author)
{
	static const struct { const char *name; enum authres_method method; const char *type,
	    *prop; } rows[] = {
		{ "spf", AUTHRES_SPF, "smtp", "mailfrom" }, { "dkim", AUTHRES_DKIM, "header", "d" },
		{ "dmarc", AUTHRES_DMARC, "header", "from" },
	};
	struct sv value = word, key = sv_cut(&value, '=');
	struct authres_result *r;
	enum mail_result result;
	int rc;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (!sv_eq_str(key, rows[i].name) || mail_result_parse(value, &result) < 0)
			continue;
		if ((rc = authres_add(a, rows[i].method, result, &r)) < 0)
			return rc;
		return authres_property_add(a, r, rows[i].type, rows[i].prop,
		    i == 0 && p->row->flow.sender.n > 0 ? p->row->flow.sender : author);
	}
	return 0;
}

/* Behind the "@" of From, as the description has it. */
static struct sv
author_domain(const struct lab_mail_plan *p)
{
	struct sv s = p->row->from;
	size_t at = sv_rfind(s, '@');

	s = sv_skip(s, at + 1);
	return sv_take(s, sv_find(s, '>'));
}

/* A chain is sealed as it was found; "arc=fail" among the words says that it had broken. */
static enum mail_result
chain_state(const struct arc *arc, struct sv words)
{
	struct sv word;

	while (sv_word(&words, &word))
		if (sv_eq(word, SV("arc=fail")))
			return MAIL_FAIL;
	return arc->n == 0 ? MAIL_NONE : MAIL_PASS;
}

static int
do_seal(struct lab_mail_plan *p, struct sv rest)
{
	struct sv domain, selector, words, word;
	uint8_t digest[SHA256_LEN];
	const struct lab_mail_key *k;
	struct mail_head head;
	struct arc_sealed set;
	struct authres found;
	struct arc arc;
	int rc;

	if (!sv_word(&rest, &domain) || !sv_word(&rest, &selector) ||
	    (k = lab_mail_key_find(p->w, domain, selector)) == NULL || k->priv == NULL)
		return -EINVAL;
	words = rest;
	if ((rc = head_read(p, &head)) < 0 || (rc = body_digest(p, digest)) < 0 ||
	    (rc = arc_begin(p->pool, &head, &arc)) < 0)
		return rc;
	authres_init(&found, p->pool, domain);
	while (rc == 0 && sv_word(&rest, &word))
		rc = result_say(p, &found, word, author_domain(p));
	if (rc == 0)
		rc = arc_seal(p->pool, &arc, chain_state(&arc, words), &found, digest,
		    &(struct arc_sealer){
			.domain = domain, .selector = selector, .by = dkim_signer_of(k->priv),
			    .time = p->at }, &set);
	if (rc < 0 || !set.is_made)
		return rc;
	if ((rc = top_put(p, set.results)) < 0 || (rc = top_put(p, set.ams)) < 0)
		return rc;
	return top_put(p, set.seal);
}

/* --- the table --- */

static const char *
field_check(const struct lab_mail *w UNUSED, struct sv rest)
{
	size_t at = sv_find(rest, ':');

	return at == 0 || at == rest.n || !sv_graphic(sv_take(rest,
	    at)) ? N_("is no field; write NAME: VALUE") : NULL;
}

const struct lab_mail_word *
lab_mail_word_find(struct sv name)
{
	static const struct lab_mail_word words[] = {
		{ "field", do_field, field_check },
		{ "replace", do_replace, field_check },
		{ "received", do_received, NULL },
		{ "prefix", do_prefix, NULL },
		{ "footer", do_footer, NULL },
		{ "munge", do_munge, NULL },
		{ "body", do_body, body_check },
		{ "sign", do_sign, key_check },
		{ "seal", do_seal, key_check },
	};

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (sv_eq_str(name, words[i].name))
			return &words[i];
	return NULL;
}
