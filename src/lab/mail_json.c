/* What is expected of a mail world, for programs: its flows, and the reports of a day. */
#include <stdio.h>

#include "base/timefmt.h"
#include "lab/mail_internal.h"

/* A list of words between commas; "-" is an empty one. */
static void
words_json(struct json *j, const char *key, struct sv words)
{
	json_key(j, key);
	json_open(j, '[');
	while (words.n > 0 && !sv_eq(words, SV("-")))
		json_sv(j, sv_cut(&words, ','));
	json_close(j, ']');
}

/* "-" is null; what was not written is left out. */
static void
word_json(struct json *j, const char *key, struct sv word)
{
	if (word.p == NULL)
		return;
	json_key(j, key);
	if (sv_eq(word, SV("-")))
		json_nil(j);
	else
		json_sv(j, word);
}

static void
expect_json(struct json *j, const struct lab_mail_expect *e)
{
	json_key(j, "expect");
	json_open(j, '{');
	word_json(j, "spf", e->spf);
	words_json(j, "dkim", e->dkim);
	word_json(j, "arc", e->arc);
	word_json(j, "dmarc", e->dmarc);
	word_json(j, "disposition", e->disposition);
	word_json(j, "story", e->story);
	word_json(j, "policy", e->policy);
	words_json(j, "aligned", e->aligned);
	json_kv_bool(j, "refused", e->refused);
	json_close(j, '}');
}

static void
flow_json(struct json *j, const struct lab_mail_flow *f, size_t i)
{
	char addr[IP_ADDR_STRLEN], name[32];

	json_open(j, '{');
	json_kv_sv(j, "label", f->label);
	(void)snprintf(name, sizeof(name), "flows/%03zu.eml", i + 1);
	json_kv_str(j, "file", name);
	json_kv_str(j, "client", ip_addr_str(f->client.addr, f->client.af, addr));
	json_kv_sv(j, "helo", f->helo);
	json_kv_sv(j, "sender", f->sender);
	json_key(j, "recipients");
	json_open(j, '[');
	for (size_t k = 0; k < f->n_to; k++)
		json_sv(j, f->to[k]);
	json_close(j, ']');
	json_kv_u64(j, "weight", f->weight);
	expect_json(j, &f->expect);
	json_close(j, '}');
}

void
lab_mail_json(const struct lab_mail *w, struct json *j)
{
	char at[TIME_STRLEN];

	json_open(j, '{');
	json_kv_str(j, "at", time_str(w->now, at));
	json_kv_u64(j, "seed", w->seed);
	json_key(j, "flows");
	json_open(j, '[');
	for (size_t i = 0; i < w->n_rows; i++)
		flow_json(j, &w->index[i]->flow, i);
	json_close(j, ']');
	json_close(j, '}');
}

/* --- reports --- */

static bool
has_word(struct sv words, struct sv word)
{
	while (words.n > 0)
		if (sv_eq(sv_cut(&words, ','), word))
			return true;
	return false;
}

/* What RFC 9990 calls alike: of one policy, from one address, with one result. */
static bool
alike(const struct lab_mail_flow *a, const struct lab_mail_flow *b)
{
	const struct lab_mail_expect *x = &a->expect, *y = &b->expect;

	return sv_eq(x->policy, y->policy) && ip_prefix_cmp(&a->client, &b->client) == 0 &&
	    sv_eq(x->dmarc, y->dmarc) && sv_eq(x->aligned, y->aligned) && sv_eq(x->disposition,
	    y->disposition);
}

/* Flows from i on that are alike; 0: an earlier one has counted it. */
static uint64_t
alike_count(const struct lab_mail *w, size_t i)
{
	uint64_t n = 0;

	for (size_t k = 0; k < w->n_rows; k++)
		if (alike(&w->index[k]->flow, &w->index[i]->flow)) {
			if (k < i)
				return 0;
			n++;
		}
	return n;
}

static void
row_json(struct json *j, const struct lab_mail_flow *f, uint64_t count)
{
	const struct lab_mail_expect *e = &f->expect;
	char addr[IP_ADDR_STRLEN];

	json_open(j, '{');
	word_json(j, "policy_domain", e->policy);
	json_kv_str(j, "source_ip", ip_addr_str(f->client.addr, f->client.af, addr));
	word_json(j, "dmarc", e->dmarc);
	json_kv_str(j, "dkim", has_word(e->aligned, SV("dkim")) ? "pass" : "fail");
	json_kv_str(j, "spf", has_word(e->aligned, SV("spf")) ? "pass" : "fail");
	word_json(j, "asked", e->disposition);
	json_kv_u64(j, "count", count);
	json_close(j, '}');
}

void
lab_mail_report_json(const struct lab_mail *w, struct json *j)
{
	json_open(j, '[');
	for (size_t i = 0; i < w->n_rows; i++) {
		const struct lab_mail_flow *f = &w->index[i]->flow;
		uint64_t n = sv_eq(f->expect.policy, SV("-")) ? 0 : alike_count(w, i);

		if (n > 0)
			row_json(j, f, n);
	}
	json_close(j, ']');
}
