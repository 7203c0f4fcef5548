/*
 * Reports under strangers who mean harm, or a machine that has none to spare: addresses that
 * did not ask, name servers that are silent or say too much, clocks that were ahead, a store
 * that cannot note what was sent. Each costs its own reports at most, and no mail is sent twice.
 */
#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "dns_fake.h"
#include "reports_kit.h"

#define HOUR	3600
#define NOW	(T0 + 2 * REPORTS_DAY_SEC)

struct hostile {
	struct world	 w;
	struct dns_fake	*dns;
	struct pool	*pool;
	struct findings	 fs;
	unsigned	 n_fills;
	unsigned	 room;		/* domains that the answers have room for */
	struct buf	 said;		/* addresses that got mail */
	struct reports	*other;		/* who has the store for himself when a mail is sent */
	enum mail_reports_sent sent;
	struct mail_reports_unnoted unnoted;
};

static void
hostile_init(struct hostile *h, unsigned n)
{
	*h = (struct hostile){ .dns = dns_fake_new(), .pool = pool_new(4 << 20), .said = BUF_INIT };
	findings_init(&h->fs, h->pool);
	dns_fake_slow(h->dns, true);		/* nothing is known before it was asked for */
	world_init(&h->w, n);
}

static void
hostile_done(struct hostile *h)
{
	buf_done(&h->said);
	(void)pool_free(h->pool);
	(void)dns_fake_free(h->dns);
	world_done(&h->w);
}

static int
fill(void *arg, struct mail_ask *ask)
{
	struct hostile *h = arg;

	h->n_fills++;
	dns_fake_learn(h->dns, ask);
	return 0;
}

static struct mail_reports_dns
dns_of(struct hostile *h)
{
	return (struct mail_reports_dns){ .ask = { .find = dns_fake_find, .arg = h->dns },
		.fill = fill, .fill_arg = h };
}

/* A row of that domain, and its report, made. */
static void
report_of(struct hostile *h, const char *domain, int64_t now, const struct sv *rua, size_t n_rua)
{
	struct mail_row row = row_of("mx1", domain, T0, domain, rua, n_rua);
	struct mail_reports_taken t;
	struct buf b = BUF_INIT;
	unsigned n;

	segment_begin(&b);
	segment_add(&b, &row);
	assert_int_equal(mail_reports_take(h->w.r, buf_get(&b), &t), 0);
	assert_int_equal(t.n_new, 1);
	assert_int_equal(reports_make(h->w.r, sv_str(domain), DAY, now, &n), 0);
	assert_int_equal(n, 1);
	buf_done(&b);
}

static unsigned
addressed(struct hostile *h, struct mail_reports_dns *dns, int64_t now)
{
	unsigned n;

	assert_int_equal(mail_reports_address(h->w.r, dns, &h->fs, now, &n), 0);
	return n;
}

static enum mail_reports_sent
said_send(void *arg, const struct report_mail *m, struct sv *ret_error)
{
	struct hostile *h = arg;
	struct buf b = BUF_INIT;

	assert_int_equal(report_mail_write(&b, m), 0);
	buf_done(&b);
	buf_sv(&h->said, m->to);
	buf_char(&h->said, ' ');
	*ret_error = SV("said so");
	if (h->other != NULL)
		assert_int_equal(reports_begin(h->other), 0);
	return h->sent;
}

static int
mails_send(struct hostile *h, int64_t now)
{
	unsigned n;

	h->said.len = 0;
	return mail_reports_send(h->w.r, &conf, now, said_send, h, &h->unnoted, &n);
}

/* --- who did not ask --- */

#define MANY	"mailto:1@a.example,mailto:2@a.example,mailto:3@a.example,mailto:4@a.example," \
		"mailto:5@a.example,mailto:6@a.example,mailto:7@a.example,mailto:8@a.example," \
		"mailto:9@a.example,mailto:10@a.example,mailto:11@a.example,mailto:12@a.example"

static const struct {
	const char	*rua, *to;
} wishes[] = {
	{ "mailto:d@a.example", "d@a.example " },
	{ "mailto:d@sub.a.example", "d@sub.a.example " },	/* its organization's */
	{ "mailto:d@victim.example", "" },			/* who says nothing */
	{ "mailto:d@wants.example", "d@wants.example " },
	{ "mailto:d@wild.example", "d@wild.example " },		/* "*._report._dmarc" */
	{ "mailto:d@moves.example", "there@moves.example " },	/* its record says where */
	{ "mailto:d@abuses.example", "" },			/* its record names a stranger */
	{ "mailto:d@half.example", "" },			/* … or one of two */
	{ "mailto:d@spf.example", "" },				/* another record there */
	{ "mailto:d@silent.example,mailto:d@a.example", "" },	/* it waits */
	{ "mailto:d@a.example!10m", "d@a.example " },
	{ "mailto:d@a.example!0", "d@a.example " },
	{ "https://a.example/dmarc, mailto:d@a.example", "d@a.example " },
	{ "mailto:d@a.example?cc=v@victim.example", "d@a.example " },
	{ "mailto:d@a.example?subject=x%0d%0aBcc:%20v@victim.example", "d@a.example " },
	{ "mailto:d%40victim.example@a.example", "" },
	{ "mailto:d%0d%0aRCPT%20TO:v@a.example", "" },
	{ "mailto:d%0aBcc:v@a.example", "" },
	{ "mailto:%64@a.example", "d@a.example " },
	{ "mailto:d%00@a.example", "" },
	{ "mailto:\"d v\"@a.example", "" },
	{ "mailto:-oQ@a.example", "" },				/* no option of a program */
	{ "mailto:|sh@a.example", "" },
	{ "mailto:d@victim.example@a.example", "" },
	{ "mailto:d@[192.0.2.1]", "" },
	{ "mailto:d@a.example.", "d@a.example " },
	{ "mailto:d@localhost", "" },
	{ "mailto:\xe3\x81\x82@a.example", "" },
	{ "mailto:d@\xe4\xbe\x8b.example", "" },
	{ "mailto:@a.example", "" },
	{ "mailto:d@", "" },
	{ "mailto:", "" },
	{ "mailto:d@a.example,mailto:d@a.example", "d@a.example " },
	{ "mailto:d@A.EXAMPLE,mailto:d@a.example", "d@a.example " },
	{ MANY, "10@a.example 1@a.example 2@a.example 3@a.example 4@a.example 5@a.example "
	    "6@a.example 7@a.example 8@a.example 9@a.example " },
};

static void
wishes_dns(struct dns_fake *dns, const char *domain)
{
	static const struct {
		const char	*host, *text;
	} says[] = {
		{ "wants.example", "\"v=DMARC1\"" },
		{ "moves.example", "\"v=DMARC1; rua=mailto:there@moves.example\"" },
		{ "abuses.example", "\"v=DMARC1; rua=mailto:v@victim.example\"" },
		{ "half.example", "\"v=DMARC1; rua=mailto:d@half.example,mailto:v@victim.example\"" },
		{ "spf.example", "\"v=spf1 -all\"" },
	};
	char name[256];

	for (size_t i = 0; i < ARRAY_LEN(says); i++) {
		(void)snprintf(name, sizeof(name), "%s._report._dmarc.%s", domain, says[i].host);
		assert_int_equal(dns_fake_add(dns, name, "TXT", says[i].text), 0);
	}
	(void)snprintf(name, sizeof(name), "%s._report._dmarc.silent.example", domain);
	assert_int_equal(dns_fake_fail(dns, sv_str(name)), 0);
	(void)snprintf(name, sizeof(name), "%s._report._dmarc.wild.example", domain);
	assert_int_equal(dns_fake_add(dns, name, "TXT", "\"v=DMARC1\""), 0);
	(void)snprintf(name, sizeof(name), "_dmarc.%s", domain);
	assert_int_equal(dns_fake_add(dns, name, "TXT", "\"v=DMARC1; p=none\""), 0);
}

static struct sv
rua_list(const char *text, struct sv rua[static DMARC_URIS_MAX], size_t *n)
{
	struct sv left = sv_str(text);

	for (*n = 0; left.n > 0 && *n < DMARC_URIS_MAX;)
		rua[(*n)++] = sv_trim(sv_cut(&left, ','));
	return left;
}

static void
test_wishes(void **state)
{
	unsigned n_bad = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(wishes); i++) {
		struct sv rua[DMARC_URIS_MAX];
		struct mail_reports_dns dns;
		struct hostile h;
		size_t n;

		hostile_init(&h, 1);
		dns = dns_of(&h);
		wishes_dns(h.dns, "a.example");
		(void)rua_list(wishes[i].rua, rua, &n);
		report_of(&h, "a.example", NOW, rua, n);
		(void)addressed(&h, &dns, NOW);
		assert_int_equal(mails_send(&h, NOW), 0);
		if (!sv_eq_str(buf_get(&h.said), wishes[i].to)) {
			print_message("# %s: \"%.*s\" instead of \"%s\"\n", wishes[i].rua,
			    SV_ARG(buf_get(&h.said)), wishes[i].to);
			n_bad++;
		}
		hostile_done(&h);
	}
	assert_int_equal(n_bad, 0);
}

/* --- name servers --- */

static void
many_make(struct hostile *h, unsigned n, const char *letter)
{
	for (unsigned i = 0; i < n; i++) {
		char domain[64], uri[80];
		struct sv rua = { uri, 0 };

		(void)snprintf(domain, sizeof(domain), "%s%u.example", letter, i);
		rua.n = (size_t)snprintf(uri, sizeof(uri), "mailto:d@%s", domain);
		report_of(h, domain, NOW, &rua, 1);
	}
}

/* Silent ones wait, for half a day; the others go at once, in as few rounds as there are. */
static void
test_silent(void **state)
{
	static const struct sv silent = { "mailto:d@silent.example", 23 };
	struct mail_reports_dns dns;
	struct hostile h;
	unsigned n = 0;

	(void)state;
	hostile_init(&h, 2);
	dns = dns_of(&h);
	for (unsigned i = 0; i < MAIL_REPORTS_ADDRESS_MAX; i++) {
		char domain[64], name[128];

		(void)snprintf(domain, sizeof(domain), "s%u.example", i);
		(void)snprintf(name, sizeof(name), "%s._report._dmarc.silent.example", domain);
		assert_int_equal(dns_fake_fail(h.dns, sv_str(name)), 0);
		report_of(&h, domain, NOW, &silent, 1);
	}
	many_make(&h, 3, "good");
	do
		n += addressed(&h, &dns, NOW);
	while (dns.has_more);
	assert_int_equal(n, 3);
	print_message("# %u fills\n", h.n_fills);
	assert_true(h.n_fills < MAIL_REPORTS_ADDRESS_MAX);	/* many at a time */
	assert_int_equal(addressed(&h, &dns, NOW), 0);		/* behind the last: nobody */
	many_make(&h, 1, "new");
	assert_int_equal(addressed(&h, &dns, NOW), 1);
	dns.after = 0;
	assert_int_equal(addressed(&h, &dns, NOW + MAIL_REPORTS_ASK_SEC), 0);
	dns.after = 0;
	assert_int_equal(addressed(&h, &dns, NOW + MAIL_REPORTS_ASK_SEC + 1), MAIL_REPORTS_ADDRESS_MAX);
	assert_int_equal(mails_send(&h, NOW + MAIL_REPORTS_ASK_SEC + 1), 0);
	assert_true(sv_eq_str(buf_get(&h.said), "d@good0.example d@good1.example d@good2.example d@new0.example "));
	hostile_done(&h);
}

/* Answers for which there is no room: of so many domains it has some. */
static int
small_fill(void *arg, struct mail_ask *ask)
{
	struct hostile *h = arg;

	if (h->n_fills++ >= h->room)
		return -ENOMEM;
	dns_fake_learn(h->dns, ask);
	return 0;
}

static void
test_large(void **state)
{
	struct mail_reports_dns dns;
	struct hostile h;
	unsigned n = 0, rounds = 0;

	(void)state;
	hostile_init(&h, 3);
	many_make(&h, 20, "large");
	dns = dns_of(&h);
	dns.fill = small_fill;
	h.room = 0;
	assert_int_equal(addressed(&h, &dns, NOW), 0);
	assert_true(!dns.has_room && dns.has_more && dns.after == 0);
	dns.max = 1;
	assert_int_equal(addressed(&h, &dns, NOW), 0);		/* not even for one: the next, please */
	assert_true(!dns.has_room && dns.after == 1);
	for (dns.after = 0, h.room = 4; n < 20 && rounds < 40; rounds++) {
		h.n_fills = 0;
		dns_fake_forget(h.dns);
		n += addressed(&h, &dns, NOW);
	}
	assert_int_equal(n, 20);
	hostile_done(&h);
}

/* Records of tens of kilobytes at each name: its own report gets none, and that is all. */
static void
test_long(void **state)
{
	static char text[60000] = "v=DMARC1; p=none; x=";
	struct mail_reports_dns dns;
	struct sv rua[DMARC_URIS_MAX];
	char uris[DMARC_URIS_MAX][128], name[256];
	struct hostile h;

	(void)state;
	hostile_init(&h, 4);
	dns = dns_of(&h);
	memset(text + strlen(text), 'x', sizeof(text) - strlen(text));
	for (unsigned i = 0; i < DMARC_URIS_MAX; i++) {
		int n = snprintf(uris[i], sizeof(uris[i]), "mailto:d@l%u.b.c.d.e.f%u.example", i, i);

		rua[i] = (struct sv){ uris[i], (size_t)n };
		(void)snprintf(name, sizeof(name), "evil.example._report._dmarc.%s", uris[i] + 9);
		for (unsigned k = 0; k < 8; k++)
			assert_int_equal(dns_fake_add_txt(h.dns, sv_str(name),
			    (struct sv){ text, sizeof(text) - k }), 0);
	}
	report_of(&h, "evil.example", NOW, rua, DMARC_URIS_MAX);
	many_make(&h, 2, "good");
	assert_int_equal(addressed(&h, &dns, NOW), 2);
	dns.after = 0;
	assert_int_equal(addressed(&h, &dns, NOW + MAIL_REPORTS_ASK_SEC + 1), 1);
	assert_int_equal(mails_send(&h, NOW + MAIL_REPORTS_ASK_SEC + 1), 0);
	assert_true(sv_eq_str(buf_get(&h.said), "d@good0.example d@good1.example "));
	hostile_done(&h);
}

/* --- clocks --- */

static int
count(void *arg, int64_t day, struct sv domain)
{
	(void)day;
	(void)domain;
	(*(unsigned *)arg)++;
	return 0;
}

/* A clock that was years ahead said until when all is made: that does not stop the present. */
static void
test_clock(void **state)
{
	struct sv rua = SV("mailto:d@a.example");
	struct mail_row row = row_of("mx1", "1", T0, "a.example", &rua, 1);
	struct mail_reports_taken t;
	struct buf b = BUF_INIT;
	unsigned n, n_waiting = 0;
	struct hostile h;
	bool has_more;

	(void)state;
	hostile_init(&h, 5);
	segment_begin(&b);
	segment_add(&b, &row);
	assert_int_equal(mail_reports_take(h.w.r, buf_get(&b), &t), 0);
	assert_int_equal(mail_reports_due(h.w.r, NOW + 60, NOW, &n, &has_more), 0);
	assert_int_equal(n, 0);				/* set right by a minute: its moment was served */
	assert_int_equal(mail_reports_due(h.w.r, NOW + 3 * 366 * REPORTS_DAY_SEC, NOW, &n, &has_more), 0);
	assert_int_equal(n, 1);
	assert_int_equal(reports_waiting(h.w.r, DAY + 9, count, &n_waiting), 0);
	assert_int_equal(n_waiting, 0);
	buf_done(&b);
	hostile_done(&h);
}

/* More domains than one round has: the same moment goes on until there are none. */
static void
test_rounds(void **state)
{
	struct mail_reports_taken t;
	struct buf b = BUF_INIT;
	char domain[32];
	struct hostile h;
	unsigned n;
	bool has_more;

	(void)state;
	hostile_init(&h, 6);
	segment_begin(&b);
	for (unsigned i = 0; i < 2 * MAIL_REPORTS_DUE_MAX + 5; i++) {
		struct sv rua = SV("mailto:d@a.example");
		struct mail_row row;

		(void)snprintf(domain, sizeof(domain), "d%u.example", i);
		row = row_of("mx1", domain, T0, domain, &rua, 1);
		segment_add(&b, &row);
	}
	assert_int_equal(mail_reports_take(h.w.r, buf_get(&b), &t), 0);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(mail_reports_due(h.w.r, T0, NOW, &n, &has_more), 0);
		assert_int_equal(n, i < 2 ? MAIL_REPORTS_DUE_MAX : 5);
		assert_int_equal(has_more, i < 2);
	}
	buf_done(&b);
	hostile_done(&h);
}

/* --- what cannot be noted --- */

static void
test_unnoted(void **state)
{
	struct mail_reports_dns dns;
	struct hostile h;

	(void)state;
	if (getenv("SEKISHO_REPORTS") != NULL)
		return;				/* there, others do not keep us from writing */
	hostile_init(&h, 7);
	dns = dns_of(&h);
	many_make(&h, 2, "u");
	assert_int_equal(addressed(&h, &dns, NOW), 2);
	assert_int_equal(reports_open(h.w.where, &h.other), 0);
	assert_true(mails_send(&h, NOW) < 0);
	assert_true(sv_eq_str(buf_get(&h.said), "d@u0.example "));
	assert_true(mails_send(&h, NOW) < 0);		/* as long as it cannot be noted, nobody gets any */
	assert_int_equal(h.said.len, 0);
	assert_int_equal(reports_end(h.other, -EIO), -EIO);
	h.other = reports_free(h.other);
	assert_int_equal(mails_send(&h, NOW), 0);
	assert_true(sv_eq_str(buf_get(&h.said), "d@u1.example "));	/* the first: not again */
	assert_int_equal(mails_send(&h, NOW + 9 * HOUR), 0);
	assert_int_equal(h.said.len, 0);
	hostile_done(&h);
}

TESTS_MAIN("mail_reports_hostile", T(test_wishes), T(test_silent), T(test_large), T(test_long),
    T(test_clock), T(test_rounds), T(test_unnoted))
