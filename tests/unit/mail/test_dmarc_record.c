/* DMARC records: what is read of each, and what is said of it. */
#include <errno.h>
#include <stdio.h>

#include "../tap.h"
#include "mail/dmarc.h"

static void
policy_print(struct buf *b, const struct dmarc_record *r, enum dmarc_tag t)
{
	if ((r->bad & 1u << t) != 0)
		buf_printf(b, "%s=BAD ", dmarc_tag_name(t));
	else if ((r->has & 1u << t) != 0)
		buf_printf(b, "%s=%s ", dmarc_tag_name(t), dmarc_policy_name(r->says[t]));
}

static void
uris_print(struct buf *b, const char *tag, const struct dmarc_uri *u, size_t n)
{
	for (size_t i = 0; i < n; i++)
		buf_printf(b, "%s=%.*s@%.*s ", tag, SV_ARG(u[i].local), SV_ARG(u[i].domain));
}

/* What is not the default, each with a blank behind it. */
static void
record_print(struct buf *b, const struct dmarc_record *r)
{
	static const char *const psd[] = { "", "psd=y ", "psd=n " };

	for (unsigned t = 0; t < DMARC_TAG_MAX; t++)
		policy_print(b, r, t);
	buf_str(b, psd[r->psd]);
	buf_str(b, r->testing ? "t " : "");
	buf_str(b, r->strict_dkim ? "adkim " : "");
	buf_str(b, r->strict_spf ? "aspf " : "");
	if (r->fo != DMARC_FO_ALL)
		buf_printf(b, "fo=%u ", r->fo);
	uris_print(b, "rua", r->rua, r->n_rua);
	uris_print(b, "ruf", r->ruf, r->n_ruf);
	buf_str(b, r->has_uri ? "uri " : "");
	if (r->has_pct)
		buf_printf(b, "pct=%u ", r->pct);
}

static const struct row {
	const char	*text, *want;	/* NULL: it is no record */
	const char	*codes;		/* each with a blank behind it */
} rows[] = {
	{ "v=DMARC1; p=reject", "p=reject ", "" },
	{ "v=DMARC1;p=Reject;", "p=reject ", "" },		/* ABNF's words are case-insensitive */
	{ "v = DMARC1 ; p = none ;", "p=none ", "" },
	{ "v=DMARC1; sp=quarantine; p=reject; np=none", "p=reject sp=quarantine np=none ", "" },
	{ "v=DMARC1;; p=none;;", "p=none ", "" },
	{ "v=DMARC1; p=none; adkim=s; aspf=S; t=y; psd=n", "p=none psd=n t adkim aspf ", "" },
	{ "v=DMARC1; p=none; psd=Y", "p=none psd=y ", "" },
	{ "v=DMARC1; p=none; psd=u; t=n; adkim=r; aspf=r", "p=none ", "" },

	/* the version */
	{ "v=dmarc1; p=none", NULL, "" },
	{ "v=DMARC1x; p=none", NULL, "" },
	{ "v=DMARC1 x; p=none", NULL, "" },
	{ "v=DMARC2; p=none", NULL, "" },
	{ "V=DMARC1; p=none", "p=none ", "" },			/* ABNF again */
	{ "6=DMARC1; p=none", NULL, "" },
	{ " v=DMARC1; p=none", NULL, "" },
	{ "p=none; v=DMARC1", NULL, "" },
	{ "v:DMARC1; p=none", NULL, "" },
	{ "DMARC1", NULL, "" },
	{ "v=", NULL, "" },
	{ "", NULL, "" },
	{ "=", NULL, "" },

	/* policies that are not there, or are none */
	{ "v=DMARC1", "", "DMARC_P_VOID " },
	{ "v=DMARC1; rua=mailto:a@example.com", "rua=a@example.com uri ", "DMARC_P_NONE " },
	{ "v=DMARC1; rua=https://example.com/r", "uri ", "DMARC_URI_SCHEME DMARC_P_NONE " },
	{ "v=DMARC1; rua=a@example.com", "", "DMARC_URI_BAD DMARC_P_VOID " },
	{ "v=DMARC1; p=rejct", "p=BAD ", "DMARC_P_VOID " },
	{ "v=DMARC1; p=", "p=BAD ", "DMARC_TAG_SYNTAX DMARC_P_VOID " },
	{ "v=DMARC1; p", "p=BAD ", "DMARC_TAG_SYNTAX DMARC_P_VOID " },
	{ "v=DMARC1; p=rej\xc3\xa9; rua=mailto:a@b", "p=BAD rua=a@b uri ", "DMARC_TAG_SYNTAX DMARC_P_NONE " },
	{ "v=DMARC1; p=reject; sp=no", "p=reject sp=BAD ", "DMARC_P_VOID " },
	{ "v=DMARC1; p=reject; np=no; rua=mailto:a@b", "p=reject np=BAD rua=a@b uri ", "DMARC_P_NONE " },

	/* one tag's fault is that tag's */
	{ "v=DMARC1; p=reject; adkim=strict; aspf=s", "p=reject aspf ", "DMARC_TAG_VALUE " },
	{ "v=DMARC1; p=reject; t=yes", "p=reject ", "DMARC_TAG_VALUE " },
	{ "v=DMARC1; p=reject; psd=x", "p=reject ", "DMARC_TAG_VALUE " },
	{ "v=DMARC1; p=reject; adkim:s; aspf=s", "p=reject aspf ", "DMARC_TAG_SYNTAX " },
	{ "v=DMARC1; p=reject; =s", "p=reject ", "DMARC_TAG_SYNTAX " },
	{ "v=DMARC1; p=reject; x-new=1; P=none", "p=reject ", "DMARC_TAG_UNKNOWN DMARC_TAG_UNKNOWN " },
	{ "v=DMARC1; p=reject; p=reject", "p=BAD ", "DMARC_TAG_TWICE DMARC_P_VOID " },
	{ "v=DMARC1; v=DMARC1; p=reject", "p=reject ", "DMARC_TAG_TWICE " },
	{ "v=DMARC1; p=reject; rua=mailto:a@b; rua=mailto:c@d; rua=x", "p=reject ", "DMARC_TAG_TWICE " },
	{ "v=DMARC1; p=reject; x=1; x=2", "p=reject ", "DMARC_TAG_UNKNOWN DMARC_TAG_UNKNOWN " },

	{ "v=DMARC1; p=reject; a; b; c; d; x=1; y=1; z=1; w=1; e; u=1; p", "p=BAD ",	/* not all are told */
	  "DMARC_TAG_SYNTAX DMARC_TAG_SYNTAX DMARC_TAG_SYNTAX DMARC_TAG_SYNTAX DMARC_TAG_UNKNOWN DMARC_TAG_UNKNOWN "
	  "DMARC_TAG_UNKNOWN DMARC_TAG_UNKNOWN DMARC_P_VOID " },

	/* RFC 7489's */
	{ "v=DMARC1; p=reject; pct=50; rf=afrf; ri=3600", "p=reject pct=50 ",
	  "DMARC_TAG_REMOVED DMARC_TAG_REMOVED DMARC_TAG_REMOVED " },
	{ "v=DMARC1; p=reject; pct=101", "p=reject ", "DMARC_TAG_REMOVED " },
	{ "v=DMARC1; p=none; rua=mailto:a@b!10m,mailto:c@d!5", "p=none rua=a@b rua=c@d uri ",
	  "DMARC_URI_SIZE DMARC_URI_SIZE " },

	/* fo */
	{ "v=DMARC1; p=none; fo=1", "p=none fo=2 ", "" },
	{ "v=DMARC1; p=none; fo=0:d:S", "p=none fo=13 ", "" },
	{ "v=DMARC1; p=none; fo=d", "p=none fo=4 ", "" },
	{ "v=DMARC1; p=none; fo=0:1", "p=none ", "DMARC_TAG_VALUE " },
	{ "v=DMARC1; p=none; fo=d:d", "p=none ", "DMARC_TAG_VALUE " },
	{ "v=DMARC1; p=none; fo=d:", "p=none ", "DMARC_TAG_VALUE " },
	{ "v=DMARC1; p=none; fo=x", "p=none ", "DMARC_TAG_VALUE " },

	/* addresses */
	{ "v=DMARC1; p=none; rua=mailto:a@b , MAILTO:c@d; ruf=mailto:e@f", "p=none rua=a@b rua=c@d ruf=e@f uri ", "" },
	{ "v=DMARC1; p=none; rua=mailto:d%2Bmarc@ex%61mple.com?subject=x%20y", "p=none rua=d+marc@example.com uri ", "" },
	{ "v=DMARC1; p=none; rua=mailto:a%2Cb@c", "p=none ", "DMARC_URI_BAD " },
	{ "v=DMARC1; p=none; rua=mailto:a%0D%0Ab@c", "p=none ", "DMARC_URI_BAD " },
	{ "v=DMARC1; p=none; rua=mailto:a%00@c", "p=none ", "DMARC_URI_BAD " },
	{ "v=DMARC1; p=none; rua=mailto:a%2@c", "p=none ", "DMARC_URI_BAD " },
	{ "v=DMARC1; p=none; rua=mailto:a%", "p=none ", "DMARC_URI_BAD " },
	{ "v=DMARC1; p=none; rua=mailto:a b@c", "p=none ", "DMARC_URI_BAD " },
	{ "v=DMARC1; p=none; rua=mailto:a!b@c", "p=none ", "DMARC_URI_BAD " },
	{ "v=DMARC1; p=none; rua=mailto:-oQ/tmp@c", "p=none ", "DMARC_URI_BAD " },
	{ "v=DMARC1; p=none; rua=mailto:a..b@c", "p=none ", "DMARC_URI_BAD " },
	{ "v=DMARC1; p=none; rua=mailto:a@c%20d", "p=none ", "DMARC_URI_BAD " },
	{ "v=DMARC1; p=none; rua=mailto:a@%E4%BE%8B.jp", "p=none rua=a@xn--fsq.jp uri ", "" },	/* 例.jp */
	{ "v=DMARC1; p=none; rua=mailto:a@%E4%BE.jp", "p=none ", "DMARC_URI_BAD " },
	{ "v=DMARC1; p=none; rua=mailto:%E4%BE%8B@b.jp", "p=none ", "DMARC_URI_BAD " },
	{ "v=DMARC1; p=none; rua=mailto:a@b.jp.", "p=none rua=a@b.jp uri ", "" },
	{ "v=DMARC1; p=none; rua=mailto:a@b.jp..", "p=none ", "DMARC_URI_BAD " },
	{ "v=DMARC1; p=none; rua=mailto:a@.", "p=none ", "DMARC_URI_BAD " },
	{ "v=DMARC1; p=none; rua=mailto:a@c..d", "p=none ", "DMARC_URI_BAD " },
	{ "v=DMARC1; p=none; rua=mailto:a@", "p=none ", "DMARC_URI_BAD " },
	{ "v=DMARC1; p=none; rua=mailto:@c", "p=none ", "DMARC_URI_BAD " },
	{ "v=DMARC1; p=none; rua=mailto:", "p=none ", "DMARC_URI_BAD " },
	{ "v=DMARC1; p=none; rua=:a@b", "p=none ", "DMARC_URI_BAD " },
	{ "v=DMARC1; p=none; rua=ftp:", "p=none uri ", "DMARC_URI_SCHEME " },	/* RFC 3986: a path may be empty */
	{ "v=DMARC1; p=none; rua=1x:a@b", "p=none ", "DMARC_URI_BAD " },
	{ "v=DMARC1; p=none; rua=ma_to:a@b", "p=none ", "DMARC_URI_BAD " },
	{ "v=DMARC1; p=none; rua=mailto:a@b,c@d,", "p=none rua=a@b uri ", "DMARC_URI_BAD DMARC_URI_BAD " },
	{ "v=DMARC1; p=none; rua=mailto:a@b!10x", "p=none ", "DMARC_URI_BAD " },
	{ "v=DMARC1; p=none; rua=mailto:a@b!k", "p=none ", "DMARC_URI_BAD " },
	{ "v=DMARC1; p=none; rua=!", "p=none ", "DMARC_URI_BAD " },
	{ "v=DMARC1; p=none; rua=mailto:1@x,mailto:2@x,mailto:3@x,mailto:4@x,mailto:5@x,mailto:6@x,"
	  "mailto:7@x,mailto:8@x,mailto:9@x,mailto:10@x,mailto:11@x",
	  "p=none rua=1@x rua=2@x rua=3@x rua=4@x rua=5@x rua=6@x rua=7@x rua=8@x rua=9@x rua=10@x uri ",
	  "DMARC_URIS_MANY " },
	{ "v=DMARC1; p=none; rua=1,2,3,4,5,6,7,8,9,mailto:10@x,mailto:11@x", "p=none rua=10@x uri ",
	  "DMARC_URI_BAD DMARC_URI_BAD DMARC_URI_BAD DMARC_URI_BAD DMARC_URI_BAD DMARC_URI_BAD DMARC_URI_BAD "
	  "DMARC_URI_BAD DMARC_URI_BAD DMARC_URIS_MANY " },
	{ "v=DMARC1; p=none; psd=y; rua=mailto:a@b; ruf=mailto:c@d", "p=none psd=y rua=a@b uri ", "DMARC_PSD_RUF " },

	/* the shapes of three records that ended OpenDMARC (its issues 62 and 78), names changed */
	{ "v=DMARC1; p=reject; rua=mailto:agg@example.com; ruf=mailto:fr@example.com; rf=afrfruf=mailto:fr@example.com; "
	  "fo=1; pct=100; rf=afrf", "p=reject fo=2 rua=agg@example.com ruf=fr@example.com uri pct=100 ",
	  "DMARC_TAG_TWICE DMARC_TAG_REMOVED " },
	{ "v=DMARC1; p=none; rua=mailto:a@example.com rua=mailto:b@example.com rua=mailto:c@example.com", "p=none ",
	  "DMARC_URI_BAD " },
	{ "v=DMARC1; p=reject; sp=reject; rf=mailto:a@example.com; pct=100; ri=86400", "p=reject sp=reject pct=100 ",
	  "DMARC_TAG_REMOVED DMARC_TAG_REMOVED DMARC_TAG_REMOVED " },
	{ "v=DMARC1\\; p=reject\\;", NULL, "" },		/* a zone file's escape, published */
};

static void
test_rows(void **state)
{
	struct pool *pool = pool_new(1 << 20);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct row *w = &rows[i];
		struct buf got = BUF_INIT, codes = BUF_INIT;
		struct dmarc_record *r = NULL;
		struct findings fs;

		pool_reset(pool);
		findings_init(&fs, pool);
		assert_int_equal(dmarc_record_parse(pool, sv_str(w->text), &fs, &r), 0);
		for (const struct finding *f = fs.head; f != NULL; f = f->next)
			buf_printf(&codes, "%s ", f->def->code);
		if (r != NULL)
			record_print(&got, r);
		buf_char(&got, '\0');
		buf_char(&codes, '\0');
		if ((r == NULL) != (w->want == NULL) || (r != NULL && strcmp(got.p, w->want) != 0) ||
		    strcmp(codes.p, w->codes) != 0)
			fail_msg("%s: %s\"%s\", %s", w->text, r == NULL ? "no record " : "", got.p, codes.p);
		buf_done(&got);
		buf_done(&codes);
	}
	(void)pool_free(pool);
}

/* What is asked for a name at the record (p), below it (sp), below it and not there (np). */
static const struct {
	const char	*text;
	const char	*want[3];	/* NULL: nothing at all */
	const char	*legacy[3];	/* by RFC 7489 */
} policies[] = {
	{ "v=DMARC1; p=reject", { "p=reject", "p=reject", "p=reject" }, { "p=reject", "p=reject", "p=reject" } },
	{ "v=DMARC1; p=reject; sp=none", { "p=reject", "sp=none", "sp=none" }, { "p=reject", "sp=none", "sp=none" } },
	{ "v=DMARC1; p=none; sp=quarantine; np=reject", { "p=none", "sp=quarantine", "np=reject" },
	  { "p=none", "sp=quarantine", "np=reject" } },
	{ "v=DMARC1; p=none; np=reject", { "p=none", "p=none", "np=reject" }, { "p=none", "p=none", "np=reject" } },
	{ "v=DMARC1; p=reject; sp=x", { NULL, NULL, NULL }, { NULL, NULL, NULL } },
	{ "v=DMARC1; p=reject; sp=x; rua=mailto:a@b", { "p=none", "p=none", "p=none" },
	  { "p=none", "p=none", "p=none" } },
	{ "v=DMARC1; p=reject; np=x", { NULL, NULL, NULL }, { "p=reject", "p=reject", "p=reject" } },
	{ "v=DMARC1; p=reject; sp=none; np=x; rua=mailto:a@b", { "p=none", "p=none", "p=none" },
	  { "p=reject", "sp=none", "sp=none" } },
};

static void
policy_is(const struct dmarc_record *r, enum dmarc_tag t, bool legacy, const char *want)
{
	enum dmarc_policy p = DMARC_POLICY_MAX;
	enum dmarc_tag tag = DMARC_TAG_MAX;
	char got[32];

	if (!dmarc_record_policy(r, t, legacy, &p, &tag)) {
		assert_null(want);
		return;
	}
	(void)snprintf(got, sizeof(got), "%s=%s", dmarc_tag_name(tag), dmarc_policy_name(p));
	assert_non_null(want);
	assert_string_equal(got, want);
}

static void
test_policies(void **state)
{
	struct pool *pool = pool_new(1 << 20);
	struct findings fs;

	(void)state;
	findings_init(&fs, pool);
	for (size_t i = 0; i < ARRAY_LEN(policies); i++) {
		struct dmarc_record *r = NULL;

		assert_int_equal(dmarc_record_parse(pool, sv_str(policies[i].text), &fs, &r), 0);
		assert_non_null(r);
		for (unsigned t = 0; t < DMARC_TAG_MAX; t++) {
			policy_is(r, t, false, policies[i].want[t]);
			policy_is(r, t, true, policies[i].legacy[t]);
		}
	}
	assert_string_equal(dmarc_policy_name(DMARC_POLICY_MAX), "?");
	assert_string_equal(dmarc_tag_name(DMARC_TAG_MAX), "?");
	(void)pool_free(pool);
}

/* A pool that is too small ends it at each place where memory is taken, and is said. */
static void
test_memory(void **state)
{
	struct sv text = SV("v=DMARC1; p=none; rua=mailto:a@b,mailto:c@d; ruf=mailto:e@f");
	size_t n_failed = 0;

	(void)state;
	for (size_t cap = 0;; cap += 64) {
		struct pool *pool = pool_new(cap), *said = pool_new(1 << 16);
		struct dmarc_record *r = NULL;
		struct findings fs;
		int rc;

		findings_init(&fs, said);
		rc = dmarc_record_parse(pool, text, &fs, &r);
		(void)pool_free(pool);
		(void)pool_free(said);
		if (rc == 0)
			break;
		assert_int_equal(rc, -ENOMEM);
		n_failed++;
	}
	assert_true(n_failed > 10);
}

TESTS_MAIN("dmarc_record", T(test_rows), T(test_policies), T(test_memory))
