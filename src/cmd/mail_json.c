/* What the commands of area "mail" print as JSON: all of the evidence. */
#include "base/hash.h"
#include "base/json.h"
#include "cmd/mail.h"
#include "cmd/zone.h"

static void
kv_name(struct json *j, const char *key, const struct dname *name)
{
	char text[DNAME_STRLEN];

	json_key(j, key);
	if (name->len == 0)
		json_nil(j);
	else
		json_sv(j, mail_name_str(name, text));
}

/* Text of a stranger, or null where there is none. */
static void
kv_text(struct json *j, const char *key, struct sv text)
{
	json_key(j, key);
	if (text.n == 0)
		json_nil(j);
	else
		json_sv(j, text);
}

static void
kv_result(struct json *j, enum mail_result r)
{
	json_kv_str(j, "result", mail_result_name(r));
}

static void
kv_type(struct json *j, uint16_t type)
{
	char text[RRTYPE_STRLEN];

	json_kv_str(j, "type", rrtype_str(type, text));
}

static const char *
rcode_word(enum mail_rcode r)
{
	static const char *const words[MAIL_DNS_MAX] = { "found", "nodata", "nxdomain", "failed" };

	return r < MAIL_DNS_MAX ? words[r] : "?";
}

/* --- the message --- */

static void
message_json(const struct mail_case *m, struct json *j)
{
	char addr[IP_ADDR_STRLEN];

	json_key(j, "envelope");
	json_open(j, '{');
	(void)ip_addr_str(m->in.client.addr, m->in.client.af, addr);
	json_kv_str(j, "client", m->in.has_client ? addr : NULL);
	kv_text(j, "helo", m->in.helo);
	json_key(j, "sender");
	if (m->in.has_sender)
		json_sv(j, m->in.sender);
	else
		json_nil(j);
	json_close(j, '}');
	json_key(j, "authors");
	json_open(j, '[');
	for (size_t i = 0; i < m->judge.n_authors; i++) {
		const struct mail_address *a = &m->judge.authors[i];

		json_open(j, '{');
		kv_text(j, "display", a->display);
		json_kv_sv(j, "local", a->local);
		json_kv_sv(j, "domain", a->domain);
		kv_name(j, "name", &a->name);
		json_close(j, '}');
	}
	json_close(j, ']');
}

/* --- SPF --- */

static void
spf_step_json(const struct cmd_ctx *ctx, const struct spf_step *s, struct json *j)
{
	json_open(j, '{');
	json_kv_u64(j, "depth", s->depth);
	json_kv_str(j, "kind", s->is_record ? "record" : "term");
	json_kv_sv(j, "domain", s->domain);
	kv_text(j, "text", s->text);
	json_kv_str(j, "outcome", tr(LANG_EN, spf_outcome_name(s->outcome)));
	kv_text(j, "asked", s->asked);
	if (s->asked.n > 0) {
		kv_type(j, s->type);
		json_kv_str(j, "answer", rcode_word(s->rcode));
	}
	kv_text(j, "found", s->found);
	json_kv_str(j, "why", s->why == NULL ? NULL : tr(ctx->lang, s->why));
	json_close(j, '}');
}

static void
spf_json(const struct cmd_ctx *ctx, const struct spf_out *s, struct json *j)
{
	json_open(j, '{');
	kv_result(j, s->result);
	json_kv_str(j, "identity", spf_identity_name(s->identity));
	kv_text(j, "domain", s->domain);
	kv_text(j, "term", s->term);
	kv_text(j, "term_domain", s->term_domain);
	kv_text(j, "explanation", s->explanation);
	json_kv_u64(j, "lookups", s->n_lookups);
	json_kv_u64(j, "void_lookups", s->n_void);
	json_kv_bool(j, "secure", s->is_secure);
	json_key(j, "steps");
	json_open(j, '[');
	for (const struct spf_step *st = s->steps; st != NULL; st = st->next)
		spf_step_json(ctx, st, j);
	json_close(j, ']');
	json_close(j, '}');
}

static void
spfs_json(const struct cmd_ctx *ctx, const struct mail_case *m, struct json *j)
{
	json_key(j, "spf");
	json_open(j, '[');
	if (m->out.has_spf)
		spf_json(ctx, &m->out.spf, j);
	if (m->out.has_helo)
		spf_json(ctx, &m->out.helo, j);
	json_close(j, ']');
}

/* --- DKIM --- */

static void
kv_digest(struct json *j, const char *key, const uint8_t *d)
{
	char hex[2 * SHA256_LEN + 1];

	json_kv_str(j, key, d == NULL ? NULL : hex_encode(hex, d, SHA256_LEN));
}

/* A bool, or null where it was not found out. */
static void
kv_maybe(struct json *j, const char *key, bool known, bool v)
{
	json_key(j, key);
	if (known)
		json_bool(j, v);
	else
		json_nil(j);
}

static void
dkim_fields_json(const struct dkim_verdict *v, struct json *j)
{
	json_key(j, "fields");
	json_open(j, '[');
	for (size_t i = 0; i < v->sig->n_names; i++) {
		json_open(j, '{');
		json_kv_sv(j, "name", v->sig->names[i]);
		kv_maybe(j, "present", v->fields != NULL, v->fields != NULL && v->fields[i] != NULL);
		json_close(j, '}');
	}
	json_close(j, ']');
}

static void
dkim_json(const struct dkim_verdict *v, struct json *j)
{
	const struct dkim_sig *s = v->sig;

	json_open(j, '{');
	kv_result(j, v->result);
	json_kv_str(j, "code", v->why == DKIM_FINE ? NULL : dkim_findings[v->why].code);
	kv_text(j, "domain", s->domain);
	kv_text(j, "selector", s->selector);
	kv_text(j, "identity", s->identity);
	json_kv_str(j, "algorithm", s->alg == DKIM_NO_ALG ? NULL : dkim_alg_name(s->alg));
	kv_name(j, "key_name", &s->key_name);
	json_kv_str(j, "key_answer", v->is_asked ? rcode_word(v->rcode) : NULL);
	json_kv_u64(j, "key_bits", v->key_bits);
	json_kv_bool(j, "key_testing", v->is_testing);
	json_kv_bool(j, "secure", v->secure);
	kv_maybe(j, "body_holds", v->body != NULL, v->body_holds);
	kv_maybe(j, "head_holds", v->has_key, v->head_holds);
	kv_digest(j, "body_wanted", v->body != NULL ? s->bh : NULL);
	kv_digest(j, "body_found", v->body != NULL ? v->body->digest : NULL);
	json_kv_u64(j, "surplus", v->n_surplus);
	if (s->has_time)
		json_kv_i64(j, "signed", s->time);
	if (s->has_expiry)
		json_kv_i64(j, "expires", s->expiry);
	dkim_fields_json(v, j);
	json_close(j, '}');
}

/* --- ARC --- */

static void
arc_set_json(const struct mail_case *m, uint32_t i, struct json *j)
{
	const struct arc_set *s = &m->judge.arc.sets[i];
	const struct arc_signature *ams = m->out.arc.ams, *seal = m->out.arc.seals;

	json_open(j, '{');
	json_kv_u64(j, "instance", i + 1);
	kv_text(j, "domain", s->seal == NULL ? SV("") : s->seal->domain);
	kv_text(j, "selector", s->seal == NULL ? SV("") : s->seal->selector);
	kv_text(j, "results", sv_trim(s->payload));
	kv_maybe(j, "message_holds", ams != NULL, ams != NULL && ams[i].why == ARC_FINE);
	kv_maybe(j, "body_holds", ams != NULL && ams[i].body != NULL,
	    ams != NULL && ams[i].body_holds);
	kv_maybe(j, "seal_holds", seal != NULL, seal != NULL && seal[i].why == ARC_FINE);
	json_close(j, '}');
}

static void
arc_json(const struct mail_case *m, struct json *j)
{
	const struct arc_verdict *v = &m->out.arc;

	json_key(j, "arc");
	json_open(j, '{');
	kv_result(j, v->result);
	json_kv_str(j, "code", v->why == ARC_FINE ? NULL : arc_findings[v->why].code);
	json_kv_u64(j, "at", v->at);
	json_key(j, "oldest_pass");
	if (v->has_oldest_pass)
		json_u64(j, v->oldest_pass);
	else
		json_nil(j);
	json_key(j, "sets");
	json_open(j, '[');
	for (uint32_t i = 0; i < m->judge.arc.n; i++)
		arc_set_json(m, i, j);
	json_close(j, ']');
	json_close(j, '}');
}

/* --- DMARC --- */

static const char *
align_word(enum dmarc_align a)
{
	static const char *const words[DMARC_ALIGN_MAX] = {
		[DMARC_ALIGN_SAME] = "same", [DMARC_ALIGN_ORG] = "organization",
		[DMARC_ALIGN_STRICT] = "strict", [DMARC_ALIGN_OTHER] = "other",
		[DMARC_ALIGN_FAILED] = "failed", [DMARC_ALIGN_UNKNOWN] = "unknown",
		[DMARC_ALIGN_UNCHECKED] = "unchecked",
	};

	return a < DMARC_ALIGN_MAX ? words[a] : "?";
}

static void
walk_json(const struct dmarc_view *v, struct json *j)
{
	json_key(j, "walk");
	json_open(j, '[');
	for (size_t i = 0; i < v->n_steps; i++) {
		const struct dmarc_step *s = v->steps[i];

		json_open(j, '{');
		kv_name(j, "name", &s->name);
		json_kv_str(j, "answer", rcode_word(s->rcode));
		json_kv_u64(j, "records", s->n_records);
		kv_text(j, "record", s->record == NULL ? SV("") : s->record->text);
		json_close(j, '}');
	}
	json_close(j, ']');
}

static void
view_json(const struct mail_case *m, const struct dmarc_view *v, struct json *j)
{
	json_open(j, '{');
	json_kv_str(j, "method", dmarc_method_name(v->method));
	kv_result(j, v->result);
	kv_name(j, "organization", v->has_org ? &v->org : &(struct dname){ .len = 0 });
	json_kv_bool(j, "record", v->record != NULL);
	if (v->record != NULL) {
		kv_name(j, "record_at", &v->where);
		json_kv_str(j, "tag", dmarc_tag_name(v->tag));
		json_kv_str(j, "policy", dmarc_policy_name(v->policy));
	}
	json_kv_str(j, "disposition", dmarc_policy_name(v->disposition));
	json_kv_str(j, "spf", m->out.has_spf ? align_word(v->spf) : NULL);
	json_key(j, "dkim");
	json_open(j, '[');
	for (size_t i = 0; i < m->out.n_dkim; i++)
		json_str(j, align_word(v->dkim[i]));
	json_close(j, ']');
	json_kv_bool(j, "spf_aligned", v->spf_aligned);
	json_kv_bool(j, "dkim_aligned", v->dkim_aligned);
	walk_json(v, j);
	json_close(j, '}');
}

static void
dmarc_json(const struct mail_case *m, struct json *j)
{
	const struct dmarc_out *d = &m->out.dmarc;

	json_key(j, "dmarc");
	json_open(j, '{');
	kv_result(j, d->now.result);
	json_kv_str(j, "disposition", dmarc_policy_name(d->now.disposition));
	json_kv_str(j, "legacy_result", d->has_legacy ? mail_result_name(d->legacy.result) : NULL);
	json_kv_str(j, "legacy_disposition",
	    d->has_legacy ? dmarc_policy_name(d->legacy.disposition) : NULL);
	json_kv_bool(j, "differs", d->has_legacy && d->differs);
	json_key(j, "authors");
	json_open(j, '[');
	for (size_t i = 0; i < d->n_authors; i++) {
		json_open(j, '{');
		kv_name(j, "name", &d->authors[i].name);
		json_key(j, "now");
		view_json(m, &d->authors[i].now, j);
		if (d->has_legacy) {
			json_key(j, "legacy");
			view_json(m, &d->authors[i].legacy, j);
		}
		json_close(j, '}');
	}
	json_close(j, ']');
	json_close(j, '}');
}

/* --- the story, and what was asked --- */

static void
story_json(const struct cmd_ctx *ctx, const struct mail_story *s, struct json *j)
{
	json_key(j, "story");
	json_open(j, '{');
	json_kv_str(j, "kind", mail_story_name(s->kind));
	json_kv_str(j, "or", s->has_other ? mail_story_name(s->other) : NULL);
	json_kv_str(j, "text", tr(ctx->lang, mail_story_text(s->kind)));
	json_kv_str(j, "step", tr(ctx->lang, mail_story_step(s, s->kind)));
	json_key(j, "evidence");
	json_open(j, '[');
	for (size_t i = 0; i < s->n; i++) {
		const struct mail_evidence *e = &s->evidence[i];

		json_open(j, '{');
		json_kv_str(j, "code", mail_evidence_name(e->code));
		json_kv_i64(j, "weight", mail_evidence_weight(e->code, s->kind));
		kv_text(j, "what", e->what);
		json_kv_str(j, "text", tr(ctx->lang, mail_evidence_text(e->code)));
		json_close(j, '}');
	}
	json_close(j, ']');
	json_close(j, '}');
}

static void
questions_json(const struct cmd_ctx *ctx, const struct mail_case *m, struct json *j)
{
	json_key(j, "questions");
	json_open(j, '[');
	for (const struct mail_dns_row *r = mail_dns_rows(m->source); r != NULL; r = r->next) {
		json_open(j, '{');
		kv_name(j, "name", &r->q.name);
		kv_type(j, r->q.type);
		json_kv_str(j, "answer", rcode_word(r->answer.rcode));
		json_kv_u64(j, "n", r->answer.n);
		json_kv_bool(j, "secure", r->answer.secure);
		json_kv_str(j, "why", r->why == NULL ? NULL : tr(ctx->lang, r->why));
		json_close(j, '}');
	}
	json_close(j, ']');
}

void
mail_json_print(const struct cmd_ctx *ctx, const struct mail_case *m, struct buf *b)
{
	_cleanup_(buf_done) struct buf value = BUF_INIT;
	struct findings all;
	struct json j = json_on(b, true);

	findings_init(&all, m->pool);
	findings_append(&all, &m->head_fs);
	findings_append(&all, &m->fs);
	json_open(&j, '{');
	json_kv_str(&j, "message", m->name);
	json_kv_i64(&j, "at", m->in.now);
	json_kv_bool(&j, "accepted", mail_exit(m) == EXIT_GOOD);
	message_json(m, &j);
	spfs_json(ctx, m, &j);
	json_key(&j, "dkim");
	json_open(&j, '[');
	for (size_t i = 0; i < m->out.n_dkim; i++)
		dkim_json(&m->out.dkim[i], &j);
	json_close(&j, ']');
	arc_json(m, &j);
	dmarc_json(m, &j);
	story_json(ctx, &m->story, &j);
	authres_write(&value, &m->results, sizeof("Authentication-Results:") - 1, false);
	json_kv_sv(&j, "authentication_results", sv_trim(buf_get(&value)));
	questions_json(ctx, m, &j);
	zone_findings_json(ctx, &all, &j);
	json_close(&j, '}');
	buf_char(b, '\n');
}
