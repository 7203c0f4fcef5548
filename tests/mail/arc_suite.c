/*
 * Any file of the format of the ARC test suite (ValiMail's, of the drafts before RFC 8617), as
 * TAP, both of what is validated and what is sealed:
 *
 *	arc-suite FILE
 *
 * A test of sealing holds if each tag of the seal and of the message signature is the
 * expected one, b= among them: RSA signatures are deterministic. As a seal covers the folds of
 * the other two fields, which are everybody's own, it is made over the file's fields; and
 * a chain with our own three on top has to be good (or failed, where it says so). Where the drafts differ from RFC
 * 8617, a row of the table below says what the RFC wants, and that is asserted: such a
 * line reads "ok … # deviates: RFC 8617 …". Status 1: one at least failed; 3: the file cannot
 * be read.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "mail/arc_internal.h"
#include "suite.h"

#define NOW		1800000000
#define ROUNDS_MAX	64

/* Where the RFC says something else than the file, or the file says nothing. */
static const struct deviation {
	const char		*name;
	enum mail_result	 result;	/* what RFC 8617 wants */
	const char		*file;		/* what the file says */
	const char		*clause;
} deviations[] = {
	{ "cv_fail_i1_as_cv_fail", MAIL_FAIL, "",
	    "RFC 8617 section 5.2 step 2: a newest seal that says fail is a failed chain; the draft gave no result" },
	{ "cv_fail_i2_as2_fail", MAIL_FAIL, "",
	    "RFC 8617 section 5.2 step 2: a newest seal that says fail is a failed chain; the draft gave no result" },
	{ "cv_fail_i2_as1_fail", MAIL_FAIL, "",
	    "RFC 8617 section 5.2 step 3C: cv=fail below another set is a failed chain; the draft gave no result" },
	{ "ams_fields_c_na", MAIL_FAIL, "Pass",
	    "RFC 8617 section 4.1.2: c= is DKIM's, simple/simple where it is absent; the draft had relaxed/relaxed" },
	{ "ams_fields_h_empty", MAIL_FAIL, "Pass",
	    "RFC 8617 section 4.1.2: h= is DKIM's, with a name at least, and From among them (RFC 6376 section 3.5)" },
	{ "ams_fields_h_mis_hdr", MAIL_FAIL, "Pass",
	    "RFC 8617 section 4.1.2: h= is DKIM's, in which no name is empty (RFC 6376 section 3.5)" },
};

/* One message while it is looked at. */
struct message {
	struct pool	*pool;
	struct findings	 fs;
	struct mail_head head;
	struct sv	 body;
	struct arc	 arc;
};

static const struct deviation *
deviation_find(struct sv name, struct sv expected)
{
	for (size_t i = 0; i < ARRAY_LEN(deviations); i++)
		if (sv_eq_str(name, deviations[i].name) && sv_caseeq(sv_trim(expected), sv_str(deviations[i].file)))
			return &deviations[i];
	return NULL;
}

/* --- the message --- */

static void
must(bool ok)
{
	if (!ok)
		abort();
}

static void
body_digest(const struct message *m, struct mail_body_want *wants, size_t n)
{
	_cleanup_(mail_body_freep) struct mail_body *b = NULL;

	must(mail_body_new(wants, n, &b) == 0);
	mail_body_feed(b, m->body);
	mail_body_end(b);
}

static void
message_init(struct message *m, struct sv text)
{
	*m = (struct message){ .pool = pool_new(MAIL_POOL_MAX) };
	must(m->pool != NULL);
	findings_init(&m->fs, m->pool);
	mail_head_init(&m->head, m->pool);
	must(mail_head_parse(&m->head, text, &m->body, &m->fs) == 0);
	must(arc_begin(m->pool, &m->head, &m->arc) == 0);
	body_digest(m, m->arc.wants, m->arc.n_wants);
}

static void
message_done(struct message *m)
{
	(void)pool_free(m->pool);
}

/* False: it does not end. */
static bool
chain_check(struct message *m, struct dns_fake *d, struct pool *pool, struct arc_verdict *ret)
{
	struct mail_ask ask = { .find = dns_fake_find, .arg = d };

	dns_fake_forget(d);
	for (unsigned i = 0; i < ROUNDS_MAX; i++) {
		int rc;

		pool_reset(pool);
		findings_init(&m->fs, pool);
		if ((rc = arc_check(&m->arc, NOW, pool, &ask, &m->fs, ret)) <= 0)
			return rc == 0;
		dns_fake_learn(d, &ask);
	}
	return false;
}

/* --- what is said of it --- */

static void
line_begin(struct suite_tally *t, bool ok, struct sv scenario, struct sv name)
{
	t->n_failed += !ok;
	(void)printf("%sok %u - %.*s / %.*s:", ok ? "" : "not ", ++t->n, SV_ARG(sv_trim(scenario)), SV_ARG(name));
}

static void
codes_print(const struct findings *fs)
{
	for (const struct finding *f = fs->head; f != NULL; f = f->next)
		(void)printf(" %s", f->def->code);
}

static void
validate(struct suite *s, yaml_node_t *test, struct sv scenario, struct sv name, struct dns_fake *d, struct suite_tally *t)
{
	_cleanup_(pool_freep) struct pool *pool = pool_new(MAIL_POOL_MAX);
	_cleanup_(message_done) struct message m;
	struct sv expected = sv_trim(suite_field(s, test, "cv"));
	const struct deviation *deviates = deviation_find(name, expected);
	struct arc_verdict v = { .result = MAIL_RESULT_MAX };
	const char *word;
	bool ok;

	must(pool != NULL);
	message_init(&m, suite_field(s, test, "message"));
	ok = chain_check(&m, d, pool, &v);
	word = mail_result_name(v.result);
	ok = ok && (deviates != NULL ? v.result == deviates->result : sv_caseeq(expected, sv_str(word)));
	line_begin(t, ok, scenario, name);
	(void)printf(" expected %.*s, found %s", SV_ARG(deviates != NULL ?
	    sv_str(mail_result_name(deviates->result)) : expected), word);
	codes_print(&m.fs);
	if (deviates != NULL) {
		(void)printf(" # deviates: %s", deviates->clause);
		t->n_deviating++;
	}
	(void)putchar('\n');
}

/* --- sealing --- */

/* A key as PKCS#1 has it ("BEGIN RSA PRIVATE KEY"), within PKCS#8 (RFC 5208). */
static struct crypto_priv *
key_read(struct pool *pool, struct sv pem)
{
	static const uint8_t rsa[] = { 0x02, 0x01, 0x00, 0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d,
	    0x01, 0x01, 0x01, 0x05, 0x00, 0x04, 0x82 };
	struct sv line, left = pem;
	struct buf b64 = BUF_INIT, text = BUF_INIT;
	struct crypto_priv *key = NULL;
	uint8_t *der = pool_alloc(pool, pem.n + 64), *inner = der + 4 + sizeof(rsa) + 2;
	char *out = pool_alloc(pool, 2 * pem.n + 256);
	size_t n = 0;

	must(der != NULL && out != NULL);
	while (sv_line(&left, &line))
		if (!sv_starts(line, SV("-")))
			buf_sv(&b64, line);
	must(b64.len + 8 < pem.n + 64 - 4 - sizeof(rsa) - 2 && base64_decode(inner, buf_get(&b64), &n) == 0);
	der[0] = 0x30;
	der[1] = 0x82;
	put_be16(der + 2, (uint16_t)(sizeof(rsa) + 2 + n));
	memcpy(der + 4, rsa, sizeof(rsa));
	put_be16(der + 4 + sizeof(rsa), (uint16_t)n);
	n = base64_encode(out, der, 4 + sizeof(rsa) + 2 + n);
	buf_printf(&text, "-----BEGIN PRIVATE KEY-----\n%.*s\n-----END PRIVATE KEY-----\n", (int)n, out);
	must(crypto_priv_parse(8, buf_get(&text), &key) == 0);
	buf_done(&b64);
	buf_done(&text);
	return key;
}

/* All results of fields of that identifier, in one (RFC 8617 section 4.1.1). */
static struct authres
results_gather(struct message *m, struct sv id)
{
	struct authres all;

	authres_init(&all, m->pool, id);
	for (size_t i = 0; i < m->head.n; i++) {
		const struct mail_field *f = &m->head.fields[i];
		struct authres *one;

		if (!sv_caseeq(f->name, SV("Authentication-Results")))
			continue;
		must(authres_parse(m->pool, f->value, &m->fs, &one) == 0);
		if (one == NULL || !sv_caseeq(one->id, id))
			continue;
		for (const struct authres_result *r = one->results; r != NULL; r = r->next) {
			struct authres_result *to;

			must(authres_add(&all, r->method, r->result, &to) == 0);
			*to = *r;
			to->next = NULL;
		}
	}
	return all;
}

static struct dkim_sign_name *
names_read(struct pool *pool, struct sv list, size_t *ret_n)
{
	struct dkim_sign_name *names = pool_calloc(pool, list.n + 1, sizeof(*names));
	size_t n = 0;

	must(names != NULL);
	while (list.n > 0)
		names[n++] = (struct dkim_sign_name){ sv_trim(sv_cut(&list, ':')), DKIM_OVER_NEVER };
	*ret_n = n;
	return names;
}

/* The same tags with the same values, folds apart. */
static bool
tags_same(struct pool *pool, struct sv a, struct sv b)
{
	struct mail_tags x, y;
	size_t at;

	if (mail_tags_parse(a, &x, &at) != MAIL_TAGS_OK || mail_tags_parse(b, &y, &at) != MAIL_TAGS_OK || x.n != y.n)
		return false;
	for (size_t i = 0; i < x.n; i++)
		if (!sv_eq(x.tag[i].name, y.tag[i].name) ||
		    !sv_eq(mail_unfold(pool, x.tag[i].value), mail_unfold(pool, y.tag[i].value)))
			return false;
	return true;
}

static struct sv
value_of(struct sv field)
{
	return sv_skip(field, sv_find(field, ':') + 1);
}

/* Fields, as relaxed canonical forms. */
static bool
text_same(struct sv a, struct sv b)
{
	struct buf x = BUF_INIT, y = BUF_INIT;
	const struct mail_field fa = { a, sv_take(a, sv_find(a, ':')), value_of(a) },
	    fb = { b, sv_take(b, sv_find(b, ':')), value_of(b) };
	bool same;

	mail_field_canon(&x, &fa, MAIL_RELAXED);
	mail_field_canon(&y, &fb, MAIL_RELAXED);
	same = sv_eq(buf_get(&x), buf_get(&y));
	buf_done(&x);
	buf_done(&y);
	return same;
}

/* What was found of the chain is the results' arc=; without one there was none, or it is over. */
static enum mail_result
chain_of(const struct message *m, const struct authres *found)
{
	const struct authres_result *r = authres_find(found, AUTHRES_ARC, NULL);

	if (r != NULL)
		return r->result;
	return m->arc.is_there ? MAIL_FAIL : MAIL_NONE;
}

/* The results with folds: in the file a line has lost its blanks. */
static struct sv
results_text(struct pool *pool, struct sv value)
{
	struct sv left = sv_trim(value), line;
	struct buf b = BUF_INIT;
	struct sv ret;

	buf_printf(&b, "%s:", arc_part_name(ARC_RESULTS));
	for (bool is_first = true; sv_line(&left, &line); is_first = false)
		buf_printf(&b, "%s %.*s", is_first ? "" : "\r\n", SV_ARG(sv_trim(line)));
	ret = pool_sv(pool, buf_get(&b));
	must(b.rc == 0 && ret.p != NULL);
	buf_done(&b);
	return ret;
}

/* The message signature as it was sealed: the file has folds in b= that were made later. */
static struct sv
ams_text(struct pool *pool, struct sv value)
{
	struct mail_tags tags;
	struct buf b = BUF_INIT;
	struct sv ret;
	size_t at;

	must(mail_tags_parse(value, &tags, &at) == MAIL_TAGS_OK);
	buf_printf(&b, "%s:", arc_part_name(ARC_MESSAGE));
	for (size_t i = 0; i < tags.n; i++)
		buf_printf(&b, "%s %.*s=%.*s", i > 0 ? ";" : "", SV_ARG(tags.tag[i].name),
		    SV_ARG(mail_unfold(pool, tags.tag[i].value)));
	ret = pool_sv(pool, buf_get(&b));
	must(b.rc == 0 && ret.p != NULL);
	buf_done(&b);
	return ret;
}

/* The file's seal is ours over its own results and message signature. */
static bool
seal_same(struct suite *s, yaml_node_t *test, struct message *m, enum mail_result chain,
    const struct arc_sealer *with)
{
	struct arc_sealed set = { .results = results_text(m->pool, suite_field(s, test, "AAR")),
	    .ams = ams_text(m->pool, suite_field(s, test, "AMS")) };

	return arc_seal_over(m->pool, &m->arc, chain, with, &set) == 0 &&
	    tags_same(m->pool, value_of(set.seal), suite_field(s, test, "AS"));
}

/* With ours on top the chain is what it was, or failed. */
static bool
chain_goes_on(struct suite *s, yaml_node_t *test, struct dns_fake *d, const struct arc_sealed *set,
    enum mail_result chain)
{
	_cleanup_(pool_freep) struct pool *pool = pool_new(MAIL_POOL_MAX);
	_cleanup_(message_done) struct message m;
	struct arc_verdict v = { .result = MAIL_RESULT_MAX };
	struct buf b = BUF_INIT;
	bool ok;

	buf_printf(&b, "%.*s\r\n%.*s\r\n%.*s\r\n", SV_ARG(set->seal), SV_ARG(set->ams), SV_ARG(set->results));
	buf_sv(&b, suite_field(s, test, "message"));
	message_init(&m, buf_get(&b));
	ok = chain_check(&m, d, pool, &v) && v.result == (chain == MAIL_FAIL ? MAIL_FAIL : MAIL_PASS);
	buf_done(&b);
	return ok;
}

static bool
sealed_same(struct suite *s, yaml_node_t *test, struct message *m, const struct arc_sealed *set)
{
	return tags_same(m->pool, value_of(set->ams), suite_field(s, test, "AMS")) &&
	    text_same(set->results, results_text(m->pool, suite_field(s, test, "AAR")));
}

static void
seal(struct suite *s, yaml_node_t *test, struct sv scenario, struct sv name, struct dns_fake *d, struct suite_tally *t)
{
	_cleanup_(message_done) struct message m;
	struct mail_body_want want = { .canon = MAIL_RELAXED, .max = UINT64_MAX };
	struct arc_sealed set = { .is_made = false };
	struct arc_sealer with = { .ams_order = "a b bh c d h i s t", .seal_order = "a b cv d i s t" };
	_cleanup_(crypto_priv_freep) struct crypto_priv *key = NULL;
	enum mail_result chain;
	struct authres found;
	uint32_t time = 0;
	bool ok;

	message_init(&m, suite_field(s, test, "message"));
	body_digest(&m, &want, 1);
	found = results_gather(&m, suite_field(s, test, "srv-id"));
	key = key_read(m.pool, suite_field(s, suite_root(s), "privatekey"));
	with.by = dkim_signer_of(key);
	with.domain = suite_field(s, suite_root(s), "domain");
	with.selector = suite_field(s, suite_root(s), "sel");
	with.names = names_read(m.pool, suite_field(s, test, "sig-headers"), &with.n_names);
	must(num_u32(suite_field(s, test, "t"), 0, UINT32_MAX, &time) == 0);
	with.time = time;
	chain = chain_of(&m, &found);
	ok = arc_seal(m.pool, &m.arc, chain, &found, want.digest, &with, &set) == 0 &&
	    set.is_made == (sv_trim(suite_field(s, test, "AS")).n > 0);
	if (ok && set.is_made)
		ok = sealed_same(s, test, &m, &set) && seal_same(s, test, &m, chain, &with) &&
		    chain_goes_on(s, test, d, &set, chain);
	line_begin(t, ok, scenario, name);
	(void)printf(" %s\n", set.is_made ? "sealed" : "nothing to seal");
	if (!ok)
		(void)printf("# %.*s\n# %.*s\n# %.*s\n", SV_ARG(set.seal), SV_ARG(set.ams), SV_ARG(set.results));
}

/* --- the file --- */

static int
scenario_run(struct suite *s, struct suite_tally *t)
{
	_cleanup_(dns_fake_freep) struct dns_fake *d = dns_fake_new();
	struct sv scenario = suite_field(s, suite_root(s), "description");
	yaml_node_t *tests = suite_get(s, suite_root(s), "tests");
	int rc;

	must(d != NULL);
	if ((rc = suite_txts(s, suite_get(s, suite_root(s), "txt-records"), d)) < 0)
		return rc;
	dns_fake_slow(d, true);
	for (size_t i = 0; i < suite_count(tests); i++) {
		yaml_node_t *test = suite_item(s, tests, i);

		if (suite_get(s, test, "cv") != NULL)
			validate(s, test, scenario, suite_key(s, tests, i), d, t);
		else
			seal(s, test, scenario, suite_key(s, tests, i), d, t);
	}
	return 0;
}

int
main(int argc, char **argv)
{
	return suite_main(argc, argv, scenario_run);
}
