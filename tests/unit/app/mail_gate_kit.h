/* An MTA that hands messages to a gate, and what came of it as text: for the tests of the gate. */
#ifndef TESTS_UNIT_APP_MAIL_GATE_KIT_H
#define TESTS_UNIT_APP_MAIL_GATE_KIT_H

#include "../tap.h"
#include "app/mail_gate.h"
#include "dns_fake.h"

#define GATE_NOW	1795400000	/* 2026-11-23 */

struct gate_kit {
	struct pool		*pool;
	struct dns_fake		*dns;
	int			 fill_rc;	/* of the next fill */
	struct mail_gate_conf	 conf;
	struct mail_gate_world	 world;
	struct mail_gate_mail	 mail;
	struct mail_gate	*gate;
	struct mail_gate_out	 out;
};

static inline int
gate_kit_fill(void *arg, struct mail_ask *ask)
{
	struct gate_kit *k = arg;

	dns_fake_learn(k->dns, ask);
	return k->fill_rc;
}

static inline void
gate_kit_init(struct gate_kit *k)
{
	*k = (struct gate_kit){ .pool = pool_new(MAIL_POOL_MAX), .dns = dns_fake_new() };
	assert_non_null(k->pool);
	assert_non_null(k->dns);
	dns_fake_slow(k->dns, true);
	k->conf = (struct mail_gate_conf){ .authserv_id = SV("mx.here.test"), .node = SV("node1"),
		.policy = MAIL_POLICY_ENFORCE };
	k->world = (struct mail_gate_world){ .ask = { .find = dns_fake_find, .arg = k->dns },
		.fill = gate_kit_fill, .fill_arg = k, .now = GATE_NOW };
	k->mail = (struct mail_gate_mail){ .queue_id = SV("4Xq1"), .helo = SV("mx.a.example"), .login = SV("") };
}

static inline void
gate_kit_done(struct gate_kit *k)
{
	(void)mail_gate_free(k->gate);
	(void)dns_fake_free(k->dns);
	(void)pool_free(k->pool);
}

static inline void
gate_kit_dns(struct gate_kit *k, const char *name, const char *txt)
{
	assert_int_equal(dns_fake_add_txt(k->dns, sv_str(name), sv_str(txt)), 0);
}

/* client: an address; "": a local program. */
static inline void
gate_kit_from(struct gate_kit *k, const char *client, const char *sender)
{
	k->mail.has_client = client[0] != 0;
	k->mail.sender = sv_str(sender);
	if (k->mail.has_client)
		assert_int_equal(ip_prefix_parse_host(sv_str(client), &k->mail.client), 0);
}

/* The next field of a head as libmilter gives it; false at its end, and *text is the body. */
static inline bool
gate_kit_field(struct sv *text, struct sv *ret_name, struct sv *ret_value)
{
	size_t end = 0;

	if (sv_starts(*text, SV("\n")) || text->n == 0) {
		*text = sv_skip(*text, 1);
		return false;
	}
	do {
		end += sv_find(sv_skip(*text, end), '\n') + 1;
	} while (end < text->n && (text->p[end] == ' ' || text->p[end] == '\t'));
	*ret_value = sv_take(*text, end - 1);
	*ret_name = sv_cut(ret_value, ':');
	*text = sv_skip(*text, end);
	return true;
}

static inline void
gate_kit_play(struct gate_kit *k, const char *message)
{
	struct sv left = sv_str(message), name, value;

	k->gate = mail_gate_free(k->gate);
	assert_int_equal(mail_gate_new(&k->conf, &k->mail, &k->gate), 0);
	while (gate_kit_field(&left, &name, &value))
		mail_gate_field(k->gate, name, value);
	mail_gate_head_end(k->gate);
	mail_gate_body(k->gate, sv_take(left, 3));
	mail_gate_body(k->gate, sv_skip(left, 3));
	mail_gate_end(k->gate, &k->world, &k->out);
}

/* --- what came of it --- */

static inline const char *
text_of(struct gate_kit *k, struct buf *b)
{
	const char *s;

	assert_int_equal(b->rc, 0);
	s = pool_printf(k->pool, "%.*s", SV_ARG(buf_get(b)));
	assert_non_null(s);
	buf_done(b);
	return s;
}

static inline void
text_is(const char *is, const char *wanted)
{
	if (strcmp(is, wanted) != 0)
		print_message("# is:\n%s\n# wanted:\n%s\n", is, wanted);
	assert_string_equal(is, wanted);
}

static inline void
text_has(struct sv text, const char *part)
{
	size_t n = strlen(part), at = 0;

	while (at + n <= text.n && memcmp(text.p + at, part, n) != 0)
		at++;
	if (at + n > text.n)
		print_message("# \"%s\" is not in \"%.*s\"\n", part, SV_ARG(text));
	assert_true(at + n <= text.n);
}

/* "-Name 2", "+Name:value", one a line; a folded value goes on in the next. */
static inline const char *
edits_text(struct gate_kit *k)
{
	struct buf b = BUF_INIT;

	for (size_t i = 0; i < k->out.n_edits; i++) {
		const struct mail_gate_edit *e = &k->out.edits[i];

		if (e->is_removal)
			buf_printf(&b, "-%.*s %u\n", SV_ARG(e->name), e->index);
		else
			buf_printf(&b, "+%.*s:%.*s\n", SV_ARG(e->name), SV_ARG(e->value));
	}
	buf_char(&b, 0);
	return text_of(k, &b);
}

static inline void
policy_put(struct buf *b, const struct mail_row *r)
{
	const struct report_policy *p = &r->policy;

	buf_printf(b, "policy %.*s %s p=%s sp=%s np=%s fo=%u%s%s%s pct=%u\n", SV_ARG(p->domain),
	    dmarc_method_name(p->method), dmarc_policy_name(p->p), dmarc_policy_name(p->sp),
	    dmarc_policy_name(p->np), p->fo, p->strict_dkim ? " adkim=s" : "",
	    p->strict_spf ? " aspf=s" : "", p->testing ? " t=y" : "", p->pct);
	for (size_t i = 0; i < r->n_rua; i++)
		buf_printf(b, "rua %.*s\n", SV_ARG(r->rua[i]));
}

static inline void
evidence_put(struct buf *b, const struct report_row *r)
{
	if (r->spf_domain.n > 0)
		buf_printf(b, "spf %.*s %s%s\n", SV_ARG(r->spf_domain), mail_result_name(r->spf),
		    r->spf_helo ? " helo" : "");
	for (size_t i = 0; i < r->n_dkim; i++)
		buf_printf(b, "dkim %.*s %.*s %s %.*s\n", SV_ARG(r->dkim[i].domain),
		    SV_ARG(r->dkim[i].selector), mail_result_name(r->dkim[i].result), SV_ARG(r->dkim[i].human));
}

/* Each field of the row that says anything. */
static inline const char *
row_text(struct gate_kit *k)
{
	static const char *const done[REPORT_DISPOSITION_MAX] = { "none", "pass", "quarantine", "reject" };
	static const char *const why[REPORT_OVERRIDE_MAX] = { "local_policy", "mailing_list", "other",
		"policy_test_mode", "trusted_forwarder" };
	const struct mail_row *r = &k->out.row;
	struct buf b = BUF_INIT;
	char ip[IP_PREFIX_STRLEN];

	if (!k->out.has_row)
		return "";
	buf_printf(&b, "%.*s %.*s %lld dmarc=%s arc=%s\n", SV_ARG(r->node), SV_ARG(r->queue_id),
	    (long long)r->at, mail_result_name(r->dmarc), mail_result_name(r->arc));
	if (r->policy.domain.n > 0)
		policy_put(&b, r);
	buf_printf(&b, "%s x%u %s%s%s\n", ip_prefix_str(&r->row.source, ip), (unsigned)r->row.count,
	    done[r->row.disposition], r->row.dkim_aligned ? " dkim" : "", r->row.spf_aligned ? " spf" : "");
	for (size_t i = 0; i < r->row.n_reasons; i++)
		buf_printf(&b, "why %s %.*s\n", why[r->row.reasons[i].type], SV_ARG(r->row.reasons[i].comment));
	buf_printf(&b, "from %.*s, %s%.*s to %.*s\n", SV_ARG(r->row.header_from),
	    r->row.has_envelope_from ? "by " : "unknown", SV_ARG(r->row.envelope_from),
	    SV_ARG(r->row.envelope_to));
	evidence_put(&b, &r->row);
	buf_char(&b, 0);
	return text_of(k, &b);
}

#endif
