/* What the gate signs and seals, put on top as an MTA does, and verified by the next gate. */
#include <errno.h>

#include "../mail/dkim_kit.h"
#include "app/mail_gate_internal.h"
#include "mail_gate_kit.h"

#define N_KEYS	3

/* Keys by number: 0 RSA and 1 Ed25519 of a.example, 2 RSA of the one that seals. */
struct place {
	struct gate_kit		 gate;
	struct kit		 dkim;		/* for records of keys */
	struct crypto_priv	*keys[N_KEYS];
	struct mail_sign_table	*table;
	struct mail_signer	 signer;
	int			 sign_rc;	/* of key 0 and 2 */
	struct ip_prefix	 own;
	unsigned		 n_signed;
};

static const char table_text[] =
	"0\trsa-sha256\ta.example\tr1\n"
	"1\ted25519-sha256\ta.example\te1\n"
	"2\trsa-sha256\tlist.test\ts1\n";

static int
place_sign(void *arg, uint32_t key, const uint8_t digest[static SHA256_LEN], struct pool *pool, struct sv *ret_b)
{
	struct place *p = arg;

	assert_in_range(key, 0, N_KEYS - 1);
	if (p->sign_rc < 0 && key != 1)
		return p->sign_rc;
	p->n_signed++;
	return dkim_digest_sign(pool, p->keys[key], digest, ret_b);
}

static void
publish(struct place *p, size_t key, const char *name)
{
	gate_kit_dns(&p->gate, name, kit_record(&p->dkim, p->keys[key], ""));
}

static void
place_init(struct place *p)
{
	static const uint8_t algs[N_KEYS] = { 8, 15, 8 };

	*p = (struct place){ .signer = { place_sign, p } };
	gate_kit_init(&p->gate);
	kit_init(&p->dkim);
	for (size_t i = 0; i < N_KEYS; i++)
		assert_int_equal(crypto_priv_generate(algs[i], 1024, &p->keys[i]), 0);
	publish(p, 0, "r1._domainkey.a.example");
	publish(p, 1, "e1._domainkey.a.example");
	publish(p, 2, "s1._domainkey.list.test");
	gate_kit_dns(&p->gate, "a.example", "v=spf1 ip4:192.0.2.7 -all");
	gate_kit_dns(&p->gate, "_dmarc.a.example", "v=DMARC1; p=reject; rua=mailto:r@a.example");
	assert_int_equal(mail_sign_table_parse(SV(table_text), &p->table), 0);
	p->gate.conf.signs = p->table;
	p->gate.world.signer = &p->signer;
}

static void
place_done(struct place *p)
{
	gate_kit_done(&p->gate);
	kit_done(&p->dkim);
	for (size_t i = 0; i < N_KEYS; i++)
		(void)crypto_priv_free(p->keys[i]);
	(void)mail_sign_table_free(p->table);
}

/* --- an MTA that makes the changes --- */

struct line {
	struct sv	name, value;
	bool		gone;
};

static void
line_remove(struct line *lines, size_t n, const struct mail_gate_edit *e)
{
	uint32_t left = e->index;

	for (size_t i = 0; i < n; i++)
		if (sv_caseeq(lines[i].name, e->name) && --left == 0) {
			lines[i].gone = true;
			return;
		}
	fail();
}

static const char *
edits_make(struct place *p, const char *message)
{
	struct line lines[64];
	struct sv left = sv_str(message);
	struct buf b = BUF_INIT, top = BUF_INIT;
	size_t n = 0;

	while (n < ARRAY_LEN(lines) && gate_kit_field(&left, &lines[n].name, &lines[n].value))
		lines[n++].gone = false;
	for (size_t i = 0; i < p->gate.out.n_edits; i++) {
		const struct mail_gate_edit *e = &p->gate.out.edits[i];
		struct buf before = top;

		if (e->is_removal) {
			line_remove(lines, n, e);
			continue;
		}
		top = (struct buf)BUF_INIT;
		buf_printf(&top, "%.*s:%.*s\n%.*s", SV_ARG(e->name), SV_ARG(e->value), SV_ARG(buf_get(&before)));
		buf_done(&before);
	}
	buf_sv(&b, buf_get(&top));
	buf_done(&top);
	for (size_t i = 0; i < n; i++)
		if (!lines[i].gone)
			buf_printf(&b, "%.*s:%.*s\n", SV_ARG(lines[i].name), SV_ARG(lines[i].value));
	buf_char(&b, '\n');
	buf_sv(&b, left);
	buf_char(&b, 0);
	return text_of(&p->gate, &b);
}

/* --- own mail --- */

#define MAIL	"From: X <x@a.example>\nTo: y@here.test\nSubject: A  test\n of folds\n" \
		"Authentication-Results: mx.here.test; none\n\nHello. \t\n\nBye\n\n\n"

static void
test_own(void **state)
{
	struct place p;
	const char *text;

	(void)state;
	place_init(&p);
	gate_kit_from(&p.gate, "198.51.100.9", "x@a.example");
	p.gate.mail.login = SV("x");
	gate_kit_play(&p.gate, MAIL);
	assert_int_equal(p.gate.out.act, MAIL_ACT_ACCEPT);
	assert_int_equal(p.gate.out.who, MAIL_WHO_OWN);
	assert_int_equal(p.gate.out.n_signed, 2);
	assert_int_equal(p.gate.out.sign_failure, 0);
	assert_int_equal(p.gate.out.n_edits, 3);
	text_has(p.gate.out.edits[2].value, "a=rsa-sha256;");
	assert_false(p.gate.out.has_row);
	text = edits_make(&p, MAIL);

	p.gate.mail.login = SV("");
	gate_kit_play(&p.gate, text);
	assert_int_equal(p.gate.out.act, MAIL_ACT_ACCEPT);
	text_is(row_text(&p.gate), "node1 4Xq1 1795400000 dmarc=pass arc=none\n"
	    "policy a.example treewalk p=reject sp=reject np=reject fo=1 pct=100\nrua mailto:r@a.example\n"
	    "198.51.100.9/32 x1 pass dkim\nfrom a.example, by a.example to \nspf a.example fail\n"
	    "dkim a.example r1 pass \ndkim a.example e1 pass \n");
	place_done(&p);
}

/* Keys change while a message goes by: those of its end sign, and none where it had none at first. */
static void
test_renewed(void **state)
{
	static const struct {
		const char	*before, *now;
		unsigned	 n_signed;
		const char	*has;		/* in the signature */
	} rows[] = {
		{ table_text, "1\ted25519-sha256\ta.example\te1\n", 1, "s=e1;" },
		{ "0\trsa-sha256\ta.example\told\n", "0\trsa-sha256\ta.example\tr1\n", 1, "s=r1;" },
		{ table_text, "2\trsa-sha256\tlist.test\ts1\n", 0, NULL },
		{ "2\trsa-sha256\tlist.test\ts1\n", table_text, 0, NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct mail_sign_table *before, *now;
		struct place p;

		place_init(&p);
		assert_int_equal(mail_sign_table_parse(sv_str(rows[i].before), &before), 0);
		assert_int_equal(mail_sign_table_parse(sv_str(rows[i].now), &now), 0);
		p.gate.conf.signs = before;
		p.gate.world.signs = now;
		gate_kit_from(&p.gate, "", "x@a.example");
		gate_kit_play(&p.gate, "From: X <x@a.example>\n\nHello\n");
		assert_int_equal(p.gate.out.act, MAIL_ACT_ACCEPT);
		assert_int_equal(p.gate.out.sign_failure, 0);
		assert_int_equal(p.gate.out.n_signed, rows[i].n_signed);
		if (rows[i].has != NULL)
			text_has(p.gate.out.edits[0].value, rows[i].has);
		place_done(&p);
		(void)mail_sign_table_free(before);
		(void)mail_sign_table_free(now);
	}
}

static void
test_own_unsigned(void **state)
{
	static const struct {
		const char	*message;
		bool		 has_signer;
		int		 rc;
		enum mail_act	 wanted, act;
		unsigned	 n_signed;
		int		 failure;
		bool		 signs_unknown;
	} cases[] = {
		{ MAIL, true, 0, MAIL_ACT_TEMPFAIL, MAIL_ACT_ACCEPT, 2, 0, false },
		{ MAIL, true, -EPIPE, MAIL_ACT_TEMPFAIL, MAIL_ACT_TEMPFAIL, 1, -EPIPE, false },
		{ MAIL, true, -EPIPE, MAIL_ACT_ACCEPT, MAIL_ACT_ACCEPT, 1, -EPIPE, false },
		{ MAIL, false, 0, MAIL_ACT_TEMPFAIL, MAIL_ACT_TEMPFAIL, 0, -ENOTCONN, false },
		{ MAIL, false, 0, MAIL_ACT_ACCEPT, MAIL_ACT_ACCEPT, 0, -ENOTCONN, false },
		/* nobody's key, and nobody's author: nothing is missing */
		{ "From: x@b.example\n\n", false, 0, MAIL_ACT_TEMPFAIL, MAIL_ACT_ACCEPT, 0, 0, false },
		{ "From: x@a.example\nFrom: x@a.example\n\n", true, 0, MAIL_ACT_TEMPFAIL, MAIL_ACT_ACCEPT, 0, 0, false },
		{ "From: x@a.example, y@a.example\n\n", true, 0, MAIL_ACT_TEMPFAIL, MAIL_ACT_ACCEPT, 0, 0, false },
		{ "To: x@a.example\n\n", true, 0, MAIL_ACT_TEMPFAIL, MAIL_ACT_ACCEPT, 0, 0, false },
		{ "", true, 0, MAIL_ACT_TEMPFAIL, MAIL_ACT_ACCEPT, 0, 0, false },
		/* whose mail is signed has not been said yet: it may be this one */
		{ MAIL, true, 0, MAIL_ACT_TEMPFAIL, MAIL_ACT_TEMPFAIL, 0, -ENOTCONN, true },
		{ MAIL, true, 0, MAIL_ACT_ACCEPT, MAIL_ACT_ACCEPT, 0, -ENOTCONN, true },
		{ "From: x@b.example\n\n", true, 0, MAIL_ACT_TEMPFAIL, MAIL_ACT_TEMPFAIL, 0, -ENOTCONN, true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct place p;

		place_init(&p);
		gate_kit_from(&p.gate, "", "x@a.example");
		p.sign_rc = cases[i].rc;
		p.gate.conf.policy.on_unsigned = cases[i].wanted;
		if (!cases[i].has_signer)
			p.gate.world.signer = NULL;
		if (cases[i].signs_unknown) {
			p.gate.conf.signs = NULL;
			p.gate.conf.signs_unknown = true;
		}
		gate_kit_play(&p.gate, cases[i].message);
		assert_int_equal(p.gate.out.act, cases[i].act);
		assert_int_equal(p.gate.out.n_signed, cases[i].n_signed);
		assert_int_equal(p.gate.out.sign_failure, cases[i].failure);
		assert_int_equal(p.gate.out.failure, 0);
		if (cases[i].act == MAIL_ACT_TEMPFAIL) {
			assert_int_equal(p.gate.out.reply, 451);
			assert_true(sv_eq_str(p.gate.out.enhanced, "4.7.5"));
			assert_int_equal(p.gate.out.n_edits, 0);
		}
		place_done(&p);
	}
}

/* --- mail of others, sealed --- */

static void
seal_set(struct place *p)
{
	p->gate.conf.seal_domain = SV("list.test");
	p->gate.conf.seal_selector = SV("s1");
}

/* At the list: x@a.example writes, and it goes on to its members. */
static const char *
sealed_make(struct place *p, const char *client, const char *message)
{
	seal_set(p);
	p->gate.conf.authserv_id = SV("mx.list.test");
	gate_kit_from(&p->gate, client, "x@a.example");
	gate_kit_play(&p->gate, message);
	return edits_make(p, message);
}

/* At a member's: the client is the list's, and somebody may be believed. */
static void
member_play(struct place *p, const char *sealer, const char *message)
{
	struct mail_path path = { .kind = MAIL_PATH_SEALER };

	p->gate.conf.seal_domain = SV("");
	p->gate.conf.authserv_id = SV("mx.here.test");
	if (sealer != NULL) {
		assert_int_equal(mail_name(sv_str(sealer), &path.domain), 0);
		p->gate.conf.policy.paths = &path;
		p->gate.conf.policy.n_paths = 1;
	}
	gate_kit_from(&p->gate, "198.51.100.9", "bounce@list.test");
	gate_kit_play(&p->gate, message);
	p->gate.conf.policy.n_paths = 0;
}

#define MEMBER_ROW(arc, what, why)	"node1 4Xq1 1795400000 dmarc=fail arc=" arc "\n" \
	"policy a.example treewalk p=reject sp=reject np=reject fo=1 pct=100\nrua mailto:r@a.example\n" \
	"198.51.100.9/32 x1 " what "\n" why "from a.example, by list.test to \nspf list.test none\n"

static void
test_seal(void **state)
{
	struct place p;
	const char *text;

	(void)state;
	place_init(&p);
	text = sealed_make(&p, "192.0.2.7", MAIL);
	assert_int_equal(p.gate.out.act, MAIL_ACT_ACCEPT);
	assert_true(p.gate.out.is_sealed);
	assert_int_equal(p.gate.out.n_signed, 0);
	assert_int_equal(p.n_signed, 2);
	assert_true(sv_starts(sv_str(text), SV("ARC-Seal: i=1;")));
	assert_non_null(p.gate.gate->own_body);		/* there was no signature with that digest */

	member_play(&p, "list.test", text);
	assert_int_equal(p.gate.out.act, MAIL_ACT_ACCEPT);
	text_is(row_text(&p.gate),
	    MEMBER_ROW("pass", "none", "why local_policy arc=pass as[1].d=list.test as[1].s=s1 remote-ip[1]=192.0.2.7\n"));
	member_play(&p, "other.test", text);
	assert_int_equal(p.gate.out.act, MAIL_ACT_QUARANTINE);
	text_is(row_text(&p.gate),
	    MEMBER_ROW("pass", "quarantine", "why local_policy arc=pass as[1].d=list.test as[1].s=s1 remote-ip[1]=192.0.2.7\n"));
	member_play(&p, NULL, text);
	assert_int_equal(p.gate.out.act, MAIL_ACT_QUARANTINE);
	/* changed behind the list: nobody says that he saw this */
	member_play(&p, "list.test", kit_change(&p.dkim, sv_str(text), "Hello", "Jello").p);
	assert_int_equal(p.gate.out.act, MAIL_ACT_REJECT);
	text_is(row_text(&p.gate), MEMBER_ROW("fail", "reject", ""));
	place_done(&p);
}

/* The key of a seal is made ready in the first message, and serves the second. */
static void
test_keys_kept(void **state)
{
	struct place p;
	const char *text;

	(void)state;
	place_init(&p);
	text = sealed_make(&p, "192.0.2.7", MAIL);
	p.gate.world.pubs = dkim_pubs_new(DKIM_PUBS_MAX);
	assert_non_null(p.gate.world.pubs);
	member_play(&p, "list.test", text);
	assert_int_equal(p.gate.out.act, MAIL_ACT_ACCEPT);
	assert_int_equal(dkim_pubs_count(p.gate.world.pubs).found, 1);	/* for its two signatures */
	member_play(&p, "list.test", text);
	assert_int_equal(p.gate.out.act, MAIL_ACT_ACCEPT);
	assert_int_equal(dkim_pubs_count(p.gate.world.pubs).found, 3);
	assert_int_equal(dkim_pubs_count(p.gate.world.pubs).missed, 1);
	p.gate.world.pubs = dkim_pubs_free(p.gate.world.pubs);
	place_done(&p);
}

/* The sealer is believed, and says that it did not pass there either. */
static void
test_seal_of_spoof(void **state)
{
	struct place p;
	const char *text;

	(void)state;
	place_init(&p);
	p.gate.conf.policy.on_reject = MAIL_ACT_ACCEPT;
	text = sealed_make(&p, "203.0.113.9", MAIL);
	assert_true(p.gate.out.is_sealed);
	p.gate.conf.policy.on_reject = MAIL_ACT_REJECT;
	member_play(&p, "list.test", text);
	assert_int_equal(p.gate.out.act, MAIL_ACT_QUARANTINE);
	place_done(&p);
}

/* Two sealers: only as far as each from the newest on is believed. */
static void
test_seal_twice(void **state)
{
	struct place p;
	const char *text;

	(void)state;
	place_init(&p);
	text = sealed_make(&p, "192.0.2.7", MAIL);
	p.gate.conf.seal_domain = SV("a.example");	/* its key will do for another sealer */
	p.gate.conf.seal_selector = SV("r1");
	gate_kit_from(&p.gate, "198.51.100.8", "x@a.example");
	p.gate.conf.policy.on_indirect = MAIL_ACT_ACCEPT;
	gate_kit_play(&p.gate, text);
	assert_true(p.gate.out.is_sealed);
	text = edits_make(&p, text);
	assert_true(sv_starts(sv_str(text), SV("ARC-Seal: i=2;")));
	p.gate.conf.policy.on_indirect = MAIL_ACT_QUARANTINE;
	member_play(&p, "list.test", text);
	assert_int_equal(p.gate.out.act, MAIL_ACT_QUARANTINE);
	member_play(&p, "a.example", text);		/* believed, and saw no pass itself */
	assert_int_equal(p.gate.out.act, MAIL_ACT_QUARANTINE);
	text_has(p.gate.out.row.row.reasons[0].comment,
	    "arc=pass as[2].d=a.example as[2].s=r1 as[1].d=list.test as[1].s=s1 remote-ip[1]=192.0.2.7");
	place_done(&p);
}

/* A signature of the author's wants the same digest: the body is hashed once. */
static void
test_seal_signed(void **state)
{
	struct place p;
	const char *text;

	(void)state;
	place_init(&p);
	gate_kit_from(&p.gate, "", "x@a.example");
	gate_kit_play(&p.gate, MAIL);
	text = edits_make(&p, MAIL);
	text = sealed_make(&p, "203.0.113.9", text);
	assert_int_equal(p.gate.out.act, MAIL_ACT_ACCEPT);
	assert_true(p.gate.out.is_sealed);
	assert_null(p.gate.gate->own_body);
	member_play(&p, "list.test", text);
	assert_int_equal(p.gate.out.row.arc, MAIL_PASS);
	assert_int_equal(p.gate.out.row.dmarc, MAIL_PASS);
	place_done(&p);
}

/* One that wants another digest of the body will not do. */
static void
test_seal_other_form(void **state)
{
	static const char *const tags[] = {
		"v=1; a=rsa-sha256; c=simple/simple; d=a.example; s=r1; h=From:To",
		"v=1; a=rsa-sha256; c=relaxed/relaxed; l=2; d=a.example; s=r1; h=From:To",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tags); i++) {
		struct place p;
		struct sv text;

		place_init(&p);
		text = kit_sign(&p.dkim, p.keys[0], tags[i], SV(MAIL));
		text = kit_change(&p.dkim, text, "\r\n", "\n");
		text = sv_str(sealed_make(&p, "203.0.113.9", text.p));
		assert_int_equal(p.gate.out.act, MAIL_ACT_ACCEPT);
		assert_true(p.gate.out.is_sealed);
		assert_non_null(p.gate.gate->own_body);
		member_play(&p, "list.test", text.p);
		assert_int_equal(p.gate.out.row.arc, MAIL_PASS);
		place_done(&p);
	}
}

/* Signatures in the row: what speaks for the author first, then what passed, then the rest. */
static void
test_row_order(void **state)
{
	struct place p;
	struct sv text;

	(void)state;
	place_init(&p);
	text = kit_sign(&p.dkim, p.keys[0], "v=1; a=rsa-sha256; d=a.example; s=r1; h=From:To", SV(MAIL));
	text = kit_sign(&p.dkim, p.keys[2], "v=1; a=rsa-sha256; d=list.test; s=s1; h=From:To", text);
	text = kit_sign(&p.dkim, p.keys[1], "v=1; a=rsa-sha256; d=x.test; s=s1; h=From:To", text);
	publish(&p, 0, "r1._domainkey.m.a.example");
	text = kit_sign(&p.dkim, p.keys[0], "v=1; a=rsa-sha256; d=m.a.example; s=r1; h=From:To", text);
	for (unsigned i = 0; i < 4; i++)
		text = kit_change(&p.dkim, text, "\r\n", "\n");
	gate_kit_from(&p.gate, "203.0.113.9", "x@a.example");
	gate_kit_play(&p.gate, text.p);
	assert_int_equal(p.gate.out.row.row.n_dkim, 4);
	assert_true(p.gate.out.row.row.dkim_aligned);
	text_has(sv_str(row_text(&p.gate)), "\ndkim a.example r1 pass \ndkim m.a.example r1 pass \n"
	    "dkim list.test s1 pass \ndkim x.test s1 permerror DKIM_KEY_NONE\n");
	place_done(&p);
}

static void
test_seal_missing(void **state)
{
	struct place p;

	(void)state;
	place_init(&p);
	seal_set(&p);
	gate_kit_from(&p.gate, "203.0.113.9", "x@a.example");
	gate_kit_play(&p.gate, MAIL);			/* what is refused is not sealed */
	assert_int_equal(p.gate.out.act, MAIL_ACT_REJECT);
	assert_int_equal(p.gate.out.n_edits, 0);
	assert_int_equal(p.n_signed, 0);
	gate_kit_from(&p.gate, "192.0.2.7", "x@a.example");
	p.sign_rc = -EPIPE;
	gate_kit_play(&p.gate, MAIL);			/* and what cannot be sealed goes on */
	assert_int_equal(p.gate.out.act, MAIL_ACT_ACCEPT);
	assert_int_equal(p.gate.out.sign_failure, -EPIPE);
	assert_false(p.gate.out.is_sealed);
	assert_int_equal(p.gate.out.n_edits, 2);
	assert_true(p.gate.out.has_row);
	p.gate.world.signer = NULL;
	gate_kit_play(&p.gate, MAIL);
	assert_int_equal(p.gate.out.sign_failure, -ENOTCONN);
	place_done(&p);
}

/* A chain that does not hold gets one more set, which says so; behind that there is none. */
static void
test_seal_broken(void **state)
{
	struct place p;
	const char *text;

	(void)state;
	place_init(&p);
	text = sealed_make(&p, "192.0.2.7", MAIL);
	text = kit_change(&p.dkim, sv_str(text), "Hello", "Jello").p;
	text = sealed_make(&p, "192.0.2.7", text);
	assert_true(p.gate.out.is_sealed);
	text_has(sv_str(text), "cv=fail;");
	(void)sealed_make(&p, "192.0.2.7", text);
	assert_false(p.gate.out.is_sealed);
	assert_int_equal(p.gate.out.sign_failure, 0);
	place_done(&p);
}

/* --- a list: judged by the first gate, changed, sealed by the second --- */

static const char *
first_gate(struct place *p, const char *message)
{
	p->gate.conf.authserv_id = SV("mx.list.test");
	gate_kit_from(&p->gate, "192.0.2.7", "x@a.example");
	gate_kit_play(&p->gate, message);
	assert_int_equal(p->gate.out.act, MAIL_ACT_ACCEPT);
	return edits_make(p, message);
}

static void
second_gate(struct place *p, const char *message)
{
	assert_int_equal(ip_prefix_parse(SV("10.0.0.0/8"), &p->own), 0);
	p->gate.conf.policy.relays = &p->own;
	p->gate.conf.policy.n_relays = 1;
	gate_kit_from(&p->gate, "10.0.0.9", "bounce@list.test");
	gate_kit_play(&p->gate, message);
	assert_int_equal(p->gate.out.who, MAIL_WHO_RELAY);
	assert_int_equal(p->gate.out.act, MAIL_ACT_ACCEPT);
	assert_false(p->gate.out.has_row);
}

static void
test_list(void **state)
{
	struct place p;
	const char *text;

	(void)state;
	place_init(&p);
	text = first_gate(&p, MAIL);
	text = kit_change(&p.dkim, sv_str(text), "Bye", "Bye\n-- \nA list").p;
	text = pool_printf(p.gate.pool, "Authentication-Results: \"unreadable\n%s", text);
	second_gate(&p, text);
	assert_int_equal(p.gate.out.n_edits, 0);	/* no seal is configured: left alone */
	seal_set(&p);
	second_gate(&p, text);
	assert_true(p.gate.out.is_sealed);
	assert_int_equal(p.gate.out.n_edits, 3);
	text = edits_make(&p, text);
	member_play(&p, "list.test", text);
	assert_int_equal(p.gate.out.act, MAIL_ACT_ACCEPT);
	assert_int_equal(p.gate.out.row.arc, MAIL_PASS);

	/* the chain that it came with was good, and is broken by the next list: the first gate knows */
	text = first_gate(&p, text);
	text_has(sv_str(text), "arc=pass");
	text = kit_change(&p.dkim, sv_str(text), "A list", "Two lists").p;
	seal_set(&p);
	second_gate(&p, text);
	assert_true(p.gate.out.is_sealed);
	text = edits_make(&p, text);
	assert_true(sv_starts(sv_str(text), SV("ARC-Seal: i=2;")));
	text_has(sv_str(text), "cv=pass;");
	member_play(&p, "list.test", text);
	assert_int_equal(p.gate.out.row.arc, MAIL_PASS);
	place_done(&p);
}

/* Without results of ours, or where they do not say what became of the chain, there is no seal. */
static void
test_list_without(void **state)
{
	static const char *const heads[] = {
		"Authentication-Results: other.test; dmarc=pass header.from=a.example\n",
		"Authentication-Results: mx.list.test; \"unreadable\n",
		"Authentication-Results: mx.list.test; arc=pass\n",
		"Authentication-Results: mx.list.test; dmarc=pass header.from=a.example\nARC-Seal: i=1\n",
		"Authentication-Results: mx.list.test; none\nFrom: y@a.example\n",
		"",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(heads); i++) {
		struct place p;

		place_init(&p);
		seal_set(&p);
		p.gate.conf.authserv_id = SV("mx.list.test");
		second_gate(&p, pool_printf(p.gate.pool, "%sFrom: x@a.example\n\nHi\n", heads[i]));
		assert_false(p.gate.out.is_sealed);
		assert_int_equal(p.gate.out.n_edits, 0);
		assert_int_equal(p.gate.out.sign_failure, 0);
		place_done(&p);
	}
}

TESTS_MAIN("mail_gate_sign", T(test_own), T(test_renewed), T(test_own_unsigned), T(test_keys_kept), T(test_seal),
    T(test_seal_of_spoof), T(test_seal_twice), T(test_seal_signed), T(test_seal_other_form), T(test_row_order), T(test_seal_missing), T(test_seal_broken),
    T(test_list), T(test_list_without))
