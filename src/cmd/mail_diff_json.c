/* What mail diff prints as JSON: all of it. */
#include "base/json.h"
#include "cmd/mail_diff.h"
#include "cmd/zone.h"

static void
kv_field(struct json *j, const char *key, const struct mail_field *f)
{
	json_key(j, key);
	if (f == NULL)
		json_nil(j);
	else
		json_sv(j, sv_trim(f->value));
}

static void
fields_json(const struct mail_diff *d, struct json *j)
{
	json_key(j, "fields");
	json_open(j, '[');
	for (size_t i = 0; i < d->n_fields; i++) {
		const struct mail_diff_field *f = &d->fields[i];

		json_open(j, '{');
		json_kv_sv(j, "name", f->after != NULL ? f->after->name : f->before->name);
		json_kv_str(j, "act", mail_diff_act_name(f->act));
		json_kv_str(j, "level", f->before == NULL || f->after == NULL ? NULL :
		    mail_diff_level_name(f->level));
		kv_field(j, "before", f->before);
		kv_field(j, "after", f->after);
		json_close(j, '}');
	}
	json_close(j, ']');
}

static void
body_side_json(const struct mail_diff_body *b, unsigned i, const char *key, struct json *j)
{
	json_key(j, key);
	json_open(j, '{');
	json_kv_u64(j, "octets_simple", b->n[i][MAIL_SIMPLE]);
	json_kv_u64(j, "octets_relaxed", b->n[i][MAIL_RELAXED]);
	json_kv_u64(j, "lines_differing", b->n_lines[i]);
	json_kv_u64(j, "octets_differing", b->n_octets[i]);
	json_kv_sv(j, "shown", b->shown[i]);
	json_kv_bool(j, "crlf", b->has_crlf[i]);
	json_kv_bool(j, "lf", b->has_lf[i]);
	json_close(j, '}');
}

static void
body_json(const struct mail_diff_body *b, struct json *j)
{
	json_key(j, "body");
	json_open(j, '{');
	json_kv_bool(j, "same_simple", b->same[MAIL_SIMPLE]);
	json_kv_bool(j, "same_relaxed", b->same[MAIL_RELAXED]);
	json_kv_bool(j, "length_simple", b->is_head[MAIL_SIMPLE]);
	json_kv_bool(j, "length_relaxed", b->is_head[MAIL_RELAXED]);
	json_kv_str(j, "where", mail_diff_where_name(b->where));
	json_kv_u64(j, "line", b->line);
	json_kv_bool(j, "wrapped", b->is_wrapped);
	json_kv_bool(j, "quoted", b->is_quoted);
	body_side_json(b, 0, "before", j);
	body_side_json(b, 1, "after", j);
	json_close(j, '}');
}

static void
parts_json(const struct mail_diff *d, struct json *j)
{
	json_kv_bool(j, "parts_known", d->is_mime_known);
	json_key(j, "parts");
	json_open(j, '[');
	for (size_t i = 0; i < d->n_parts; i++) {
		const struct mail_diff_part *p = &d->parts[i];

		json_open(j, '{');
		json_kv_str(j, "kind", mail_diff_part_name(p->kind));
		json_kv_sv(j, "type", p->type);
		json_kv_sv(j, "was", p->was);
		json_kv_sv(j, "is", p->is);
		json_kv_u64(j, "octets", p->n);
		json_kv_sv(j, "shown", p->shown);
		json_close(j, '}');
	}
	json_close(j, ']');
}

static void
names_json(const struct mail_diff_sig *s, struct json *j)
{
	json_key(j, "changed");
	json_open(j, '[');
	for (size_t i = 0; i < s->n_names; i++) {
		const struct mail_diff_name *n = &s->names[i];

		json_open(j, '{');
		json_kv_sv(j, "name", n->name);
		json_kv_str(j, "act", mail_diff_act_name(n->act));
		json_kv_str(j, "level", mail_diff_level_name(n->level));
		json_kv_bool(j, "shift", n->is_shift);
		kv_field(j, "before", n->before);
		kv_field(j, "after", n->after);
		json_close(j, '}');
	}
	json_close(j, ']');
}

static void
sigs_json(const struct mail_diff *d, struct json *j)
{
	static const char *const kinds[DKIM_KIND_MAX] = { "dkim", "arc-message", "arc-seal" };

	json_key(j, "signatures");
	json_open(j, '[');
	for (size_t i = 0; i < d->n_sigs; i++) {
		const struct mail_diff_sig *s = &d->sigs[i];

		json_open(j, '{');
		json_kv_str(j, "kind", kinds[s->kind]);
		json_kv_sv(j, "domain", s->sig->domain);
		json_kv_sv(j, "selector", s->sig->selector);
		json_kv_u64(j, "instance", s->sig->instance);
		json_kv_str(j, "fate", mail_diff_fate_name(s->fate));
		json_kv_bool(j, "verified_before", s->is_verified);
		json_kv_bool(j, "there", s->after != NULL);
		json_kv_bool(j, "head_same", s->head_same);
		json_kv_bool(j, "body_same", s->body_same);
		json_kv_bool(j, "length_enough", s->is_length_enough);
		names_json(s, j);
		json_close(j, '}');
	}
	json_close(j, ']');
}

static void
program_json(const struct cmd_ctx *ctx, const struct mail_diff *d, struct json *j)
{
	json_key(j, "program");
	json_open(j, '{');
	json_kv_str(j, "name", mail_diff_program_name(d->program));
	json_kv_str(j, "text", d->program < DIFF_BY_MAX ?
	    tr(ctx->lang, mail_diff_program_text(d->program)) : NULL);
	json_key(j, "evidence");
	json_open(j, '[');
	for (size_t i = 0; i < d->n_evidence; i++) {
		const struct mail_diff_evidence *e = &d->evidence[i];

		json_open(j, '{');
		json_kv_str(j, "program", mail_diff_program_name(e->program));
		json_kv_u64(j, "weight", e->weight);
		json_kv_str(j, "code", e->field == NULL ? mail_diff_findings[e->code].code : NULL);
		json_key(j, "field");
		if (e->field != NULL)
			json_sv(j, e->field->name);
		else
			json_nil(j);
		kv_field(j, "value", e->field);
		json_close(j, '}');
	}
	json_close(j, ']');
	json_close(j, '}');
}

/* For each code that was found, how that program is to be set; once. */
static void
settings_json(const struct cmd_ctx *ctx, const struct mail_diff_case *c, struct json *j)
{
	json_key(j, "settings");
	json_open(j, '{');
	for (enum mail_diff_code k = 0; k < MAIL_DIFF_CODE_MAX; k++) {
		const char *text = mail_diff_setting(c->d.program, k);
		const struct finding *f = c->fs.head;

		while (f != NULL && f->def != &mail_diff_findings[k])
			f = f->next;
		if (text != NULL && f != NULL)
			json_kv_str(j, mail_diff_findings[k].code, tr(ctx->lang, text));
	}
	json_close(j, '}');
}

static void
side_json(const struct mail_case *m, bool is_asked, const char *key, struct json *j)
{
	json_key(j, key);
	json_open(j, '{');
	json_kv_str(j, "message", m->name);
	json_kv_str(j, "dmarc", is_asked ? mail_result_name(m->out.dmarc.now.result) : NULL);
	json_kv_str(j, "arc", is_asked ? mail_result_name(m->out.arc.result) : NULL);
	json_close(j, '}');
}

void
mail_diff_json(const struct cmd_ctx *ctx, const struct mail_diff_case *c, struct buf *b)
{
	struct json j = json_on(b, true);
	const bool is_asked = !c->side[0].no_dns;

	json_open(&j, '{');
	side_json(&c->side[0], is_asked, "before", &j);
	side_json(&c->side[1], is_asked, "after", &j);
	json_kv_u64(&j, "hold", c->d.n_fate[DIFF_HOLDS]);
	json_kv_u64(&j, "lost", mail_diff_lost(&c->d));
	json_kv_bool(&j, "accepted", mail_diff_lost(&c->d) == 0);
	sigs_json(&c->d, &j);
	fields_json(&c->d, &j);
	body_json(&c->d.body, &j);
	parts_json(&c->d, &j);
	json_kv_u64(&j, "new_arc_sets", c->d.n_new_sets);
	program_json(ctx, &c->d, &j);
	settings_json(ctx, c, &j);
	zone_findings_json(ctx, &c->fs, &j);
	json_close(&j, '}');
	buf_char(b, '\n');
}
