/* Types and their data: text to octets and back, and octets that are none. */
#include <errno.h>
#include <stdio.h>

#include "../tap.h"
#include "dns/dns.h"

static const struct dname origin = { .len = 9, .w = "\7example" };

static size_t
unhex(const char *s, uint8_t *dst)
{
	size_t n = 0;
	unsigned acc = 0, digits = 0;

	for (; *s != '\0'; s++) {
		if (*s == ' ')
			continue;
		acc = acc << 4 | (unsigned)(*s <= '9' ? *s - '0' : (*s | 0x20) - 'a' + 10);
		if (++digits % 2 == 0)
			dst[n++] = (uint8_t)acc;
	}
	return n;
}

/* --- types --- */

static void
types(void **state UNUSED)
{
	static const struct {
		const char	*name, *number, *fields;
		unsigned	 n;
	} rows[] = {
#define RRTYPE(name_, number_, flags, fields_, ref)	{ #name_, "TYPE" #number_, fields_, number_ },
#include "dns/types.def"
#undef RRTYPE
	};
	char a[RRTYPE_STRLEN], b[RRTYPE_STRLEN + 1] = "";
	uint16_t type;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		/* The order that the search needs. */
		assert_true(i == 0 || strcmp(rows[i - 1].name, rows[i].name) < 0);
		assert_int_equal(rrtype_parse(sv_str(rows[i].number), &type), 0);
		assert_int_equal(type, rows[i].n);
		(void)rrtype_str(type, a);
		assert_int_equal(rrtype_parse(sv_str(a), &type), 0);
		assert_int_equal(type, rows[i].n);
		for (size_t k = 0; a[k] != '\0'; k++)
			b[k] = a[k] >= 'A' && a[k] <= 'Z' ? (char)(a[k] | 0x20) : a[k];
		b[strlen(a)] = '\0';
		assert_int_equal(rrtype_parse(sv_str(b), &type), 0);
		assert_int_equal(type, rows[i].n);
	}
	assert_string_equal(rrtype_str(RR_NSAP_PTR, a), "NSAP-PTR");
	assert_string_equal(rrtype_str(65535, a), "TYPE65535");
	assert_string_equal(rrtype_str(33000, a), "TYPE33000");
	assert_string_equal(rrtype_str(54, a), "TYPE54");
}

static void
type_names(void **state UNUSED)
{
	static const char *const none[] = { "", "TYPE", "TYPE65536", "TYPE-1", "TYPE1x", "AA", "NSAP_PTR", "TYPE000001" };
	static const uint16_t meta[] = { 0, RR_OPT, RR_TSIG, RR_TKEY, RR_AXFR, RR_IXFR, RR_ANY, RR_MAILA, RR_NXNAME, 200 };
	uint16_t type = 7;

	for (size_t i = 0; i < ARRAY_LEN(none); i++)
		assert_int_equal(rrtype_parse(sv_str(none[i]), &type), -EINVAL);
	assert_int_equal(type, 7);
	for (size_t i = 0; i < ARRAY_LEN(meta); i++)
		assert_true(rrtype_is_meta(meta[i]));
	assert_false(rrtype_is_meta(RR_A) || rrtype_is_meta(RR_CAA) || rrtype_is_meta(RR_DLV) || rrtype_is_meta(65280));
}

static void
ttls(void **state UNUSED)
{
	static const struct {
		const char	*text;
		uint32_t	 want;
	} rows[] = {
		{ "0", 0 }, { "3600", 3600 }, { "1h30m", 5400 }, { "1W2d3H4m5S", 788645 }, { "2147483647", INT32_MAX },
		{ "35791394m7s", INT32_MAX },
	};
	static const char *const none[] = { "", "1h30", "h", "-1", "1x", "1 h", "2147483648", "35791394m8s", "99999999999w" };
	uint32_t ttl;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_int_equal(ttl_parse(sv_str(rows[i].text), &ttl), 0);
		assert_int_equal(ttl, rows[i].want);
	}
	for (size_t i = 0; i < ARRAY_LEN(none); i++)
		assert_int_equal(ttl_parse(sv_str(none[i]), &ttl), -EINVAL);
}

/* --- text, octets, text --- */

/* print NULL: as text. */
static const struct {
	uint16_t	 type;
	const char	*text, *hex, *print;
} good[] = {
	{ RR_A, "192.0.2.1", "c0000201", NULL },
	{ RR_NS, "a", "0161076578616d706c6500", "a.example." },
	{ RR_MD, "a.", "016100", NULL },
	{ RR_MF, "a.", "016100", NULL },
	{ RR_CNAME, "@", "076578616d706c6500", "example." },
	{ RR_SOA, "a. b. 4294967295 1h 2 3 4", "016100 016200 ffffffff 00000e10 00000002 00000003 00000004",
	    "a. b. 4294967295 3600 2 3 4" },
	{ RR_MB, ".", "00", NULL },
	{ RR_MG, ".", "00", NULL },
	{ RR_MR, ".", "00", NULL },
	{ RR_NULL, "\\# 2 ABCD", "abcd", NULL },
	{ RR_WKS, "192.0.2.1 tcp smtp 80", "c0000201 06 00000040000000000000 80", "192.0.2.1 6 25 80" },
	{ RR_WKS, "192.0.2.1 6", "c0000201 06", NULL },
	{ RR_WKS, "\\# 6 C00002010600", "c0000201 06 00", NULL },
	{ RR_PTR, "a.", "016100", NULL },
	{ RR_HINFO, "PC \"A B\"", "025043 03412042", "\"PC\" \"A B\"" },
	{ RR_MINFO, "a. b.", "016100 016200", NULL },
	{ RR_MX, "10 a.", "000a 016100", NULL },
	{ RR_TXT, "\"a\\\"\\\\\\000\\255 ;\" \"\"", "07 61225c00ff203b 00", NULL },
	{ RR_RP, "a. .", "016100 00", NULL },
	{ RR_AFSDB, "1 a.", "0001 016100", NULL },
	{ RR_X25, "\"311061700956\"", "0c 333131303631373030393536", NULL },
	{ RR_ISDN, "\"1\" \"2\"", "0131 0132", NULL },
	{ RR_ISDN, "1", "0131", "\"1\"" },
	{ RR_RT, "1 a.", "0001 016100", NULL },
	{ RR_NSAP, "0x47.0005.80", "47000580", "0x47000580" },
	{ RR_NSAP_PTR, "a.", "016100", NULL },
	{ RR_SIG, "A 5 2 300 20260101000000 20251201000000 1 a. AAAA",
	    "0001 05 02 0000012c 6955b900 692cda80 0001 016100 000000", NULL },
	{ RR_KEY, "49152 3 0", "c000 03 00", NULL },
	{ RR_KEY, "256 3 RSASHA256 AAAA", "0100 03 08 000000", "256 3 8 AAAA" },
	{ RR_PX, "1 a. b.", "0001 016100 016200", NULL },
	{ RR_GPOS, "\"-32.6882\" \"116.8652\" \"10.0\"", "082d33322e36383832 083131362e38363532 0431302e30", NULL },
	{ RR_AAAA, "2001:DB8::1", "20010db8000000000000000000000001", "2001:db8::1" },
	{ RR_LOC, "42 21 54 N 71 06 18 W -24m 30m", "00 33 16 13 8917 2dd0 70be 15f0 0098 8d20",
	    "42 21 54.000 N 71 6 18.000 W -24.00m 30.00m 10000.00m 10.00m" },
	{ RR_LOC, "90 S 180 E 0 0.00m 90000000m 0.01m", "00 00 99 10 6cb02700 a69fb200 00989680",
	    "90 0 0.000 S 180 0 0.000 E 0.00m 0.00m 90000000.00m 0.01m" },
	{ RR_LOC, "\\# 16 00011613800000008000000000989680", "00 01 16 13 80000000 80000000 00989680", NULL },
	{ RR_NXT, "a. A NXT", "016100 40000002", NULL },
	{ RR_NXT, "\\# 5 0161004000", "016100 4000", NULL },
	{ RR_EID, "12 ab", "12ab", "12AB" },
	{ RR_NIMLOC, "12ab", "12ab", "12AB" },
	{ RR_SRV, "0 1 2 .", "0000 0001 0002 00", NULL },
	{ RR_ATMA, "\\# 1 00", "00", NULL },
	{ RR_NAPTR, "1 2 \"u\" \"E2U\" \"\" a.", "0001 0002 0175 03453255 00 016100", NULL },
	{ RR_KX, "1 a.", "0001 016100", NULL },
	{ RR_CERT, "pgp 1 8 AAAA", "0003 0001 08 000000", "PGP 1 8 AAAA" },
	{ RR_CERT, "65534 1 8 AAAA", "fffe 0001 08 000000", NULL },
	{ RR_A6, "0 2001:db8::1", "00 20010db8000000000000000000000001", NULL },
	{ RR_A6, "64 ::1 a.", "40 0000000000000001 016100", NULL },
	{ RR_A6, "128 a.", "80 016100", NULL },
	{ RR_DNAME, "a.", "016100", NULL },
	{ RR_SINK, "1 2 3 AAAA", "01 02 03 000000", NULL },
	{ RR_APL, "1:192.168.32.0/21 !2:ff00::/8", "0001 15 03 c0a820 0002 08 81 ff", NULL },
	{ RR_APL, "1:0.0.0.0/0", "0001 00 00", NULL },
	{ RR_APL, "", "", NULL },
	{ RR_APL, "\\# 5 00030001AA", "0003 00 01 aa", NULL },
	{ RR_DS, "1 13 1 0102030405060708090A0B0C0D0E0F1011121314", "0001 0d 01 0102030405060708090a0b0c0d0e0f1011121314", NULL },
	{ RR_DS, "1 13 200 ab cd", "0001 0d c8 abcd", "1 13 200 ABCD" },
	{ RR_SSHFP, "4 3 abcd", "04 03 abcd", "4 3 ABCD" },
	{ RR_IPSECKEY, "10 1 2 192.0.2.38 AQNR", "0a 01 02 c0000226 010351", NULL },
	{ RR_IPSECKEY, "10 0 0 .", "0a 00 00", NULL },
	{ RR_IPSECKEY, "10 2 2 2001:db8::1 AQNR", "0a 02 02 20010db8000000000000000000000001 010351", NULL },
	{ RR_IPSECKEY, "10 3 2 a AQNR", "0a 03 02 0161076578616d706c6500 010351", "10 3 2 a.example. AQNR" },
	{ RR_IPSECKEY, "\\# 4 0A0402AA", "0a 04 02 aa", NULL },
	{ RR_RRSIG, "TYPE65280 13 2 300 4294967295 0 1 a. AA AA", "ff00 0d 02 0000012c ffffffff 00000000 0001 016100 000000",
	    "TYPE65280 13 2 300 21060207062815 19700101000000 1 a. AAAA" },
	{ RR_NSEC, "a. CAA A A NS RRSIG TYPE65280", "016100 0006 600000000002 0101 40 ff01 80", "a. A NS RRSIG CAA TYPE65280" },
	{ RR_NSEC, "a.", "016100", NULL },
	{ RR_DNSKEY, "257 3 13 A A A A", "0101 03 0d 000000", "257 3 13 AAAA" },
	{ RR_DHCID, "AAIB", "000201", NULL },
	{ RR_NSEC3, "1 1 0 - 0p9mhaveqvm6t7vbl5lop2u3t2rp3tom A", "01 01 0000 00 14 065368abeed7ec6e9feba96b8c8bc3e8b791f716 0001 40", NULL },
	{ RR_NSEC3, "1 0 10 AABB 00", "01 00 000a 02 aabb 01 00", NULL },
	{ RR_NSEC3PARAM, "1 0 0 -", "01 00 0000 00", NULL },
	{ RR_TLSA, "3 1 1 abcd", "03 01 01 abcd", "3 1 1 ABCD" },
	{ RR_SMIMEA, "3 1 1 ABCD", "03 01 01 abcd", NULL },
	{ RR_HIP, "2 2001 AAAA a. b.", "02 02 0003 2001 000000 016100 016200", NULL },
	{ RR_NINFO, "\"x\"", "0178", NULL },
	{ RR_RKEY, "0 3 13 AAAA", "0000 03 0d 000000", NULL },
	{ RR_TALINK, "a. b.", "016100 016200", NULL },
	{ RR_CDS, "0 0 0 00", "0000 00 00 00", NULL },
	{ RR_CDNSKEY, "0 3 0 AA==", "0000 03 00 00", NULL },
	{ RR_OPENPGPKEY, "AAAA", "000000", NULL },
	{ RR_CSYNC, "66 3 A NS AAAA", "00000042 0003 0004 60000008", NULL },
	{ RR_ZONEMD, "1 1 240 000102030405060708090A0B", "00000001 01 f0 000102030405060708090a0b", NULL },
	{ RR_SVCB, "0 a.", "0000 016100", NULL },
	{ RR_SVCB, "16 a. mandatory=ipv4hint,alpn alpn=\"h2,h3-19\" ipv4hint=192.0.2.1",
	    "0010 016100 0000 0004 0001 0004 0001 0009 026832 0568332d3139 0004 0004 c0000201",
	    "16 a. mandatory=alpn,ipv4hint alpn=h2,h3-19 ipv4hint=192.0.2.1" },
	/* RFC 9460 appendix D.2. */
	{ RR_SVCB, "1 a. key667=\"hello\\210qoo\"", "0001 016100 029b 0009 68656c6c6fd2716f6f", "1 a. key667=hello\\210qoo" },
	{ RR_SVCB, "16 a. alpn=\"f\\\\\\\\oo\\\\,bar,h2\"", "0010 016100 0001 000c 08665c6f6f2c626172 026832",
	    "16 a. alpn=f\\\\\\\\oo\\\\,bar,h2" },
	{ RR_HTTPS, "1 . port=443 alpn=h2 no-default-alpn ipv6hint=2001:db8::1 ech=AAAA dohpath=/q{?dns} ohttp",
	    "0001 00 0001 0003 026832 0002 0000 0003 0002 01bb 0005 0003 000000 0006 0010 20010db8000000000000000000000001"
	    " 0007 0008 2f717b3f646e737d 0008 0000",
	    "1 . alpn=h2 no-default-alpn port=443 ech=AAAA ipv6hint=2001:db8::1 dohpath=/q{?dns} ohttp" },
	{ RR_SVCB, "1 . key3=\\001\\187 key20= key21=\"\" key22", "0001 00 0003 0002 01bb 0014 0000 0015 0000 0016 0000",
	    "1 . port=443 key20 key21 key22" },
	{ RR_DSYNC, "CDS NOTIFY 5359 a.", "003b 01 14ef 016100", NULL },
	{ RR_DSYNC, "CSYNC 128 5359 a.", "003e 80 14ef 016100", NULL },
	{ RR_HHIT, "AAAA", "000000", NULL },
	{ RR_BRID, "AAAA", "000000", NULL },
	{ RR_SPF, "\"v=spf1\"", "06763d73706631", NULL },
	{ RR_UINFO, "\\# 0", "", NULL },
	{ RR_UID, "\\# 0", "", NULL },
	{ RR_GID, "\\# 0", "", NULL },
	{ RR_UNSPEC, "\\# 0", "", NULL },
	{ RR_NID, "10 14:4fff:ff20:0", "000a 00144fffff200000", "10 0014:4FFF:FF20:0000" },
	{ RR_L32, "10 10.1.2.0", "000a 0a010200", NULL },
	{ RR_L64, "10 2001:0DB8:1140:1000", "000a 20010db811401000", NULL },
	{ RR_LP, "10 a.", "000a 016100", NULL },
	{ RR_EUI48, "00-00-5e-00-53-2a", "00005e00532a", "00-00-5E-00-53-2A" },
	{ RR_EUI64, "00-00-5E-EF-10-00-00-2A", "00005eef1000002a", NULL },
	{ RR_URI, "10 1 \"https://a/\"", "000a 0001 68747470733a2f2f612f", NULL },
	{ RR_URI, "10 1 \"\"", "000a 0001", NULL },
	{ RR_CAA, "0 issue \"ca; x=y\"", "00 056973737565 63613b20783d79", NULL },
	{ RR_CAA, "128 iodef x", "80 05696f646566 78", "128 iodef \"x\"" },
	{ RR_AVC, "\"x\"", "0178", NULL },
	{ RR_DOA, "1 2 3 \"t\" AAAA", "00000001 00000002 03 0174 000000", NULL },
	{ RR_DOA, "1 2 3 \"\"", "00000001 00000002 03 00", NULL },
	{ RR_AMTRELAY, "10 1 3 a.", "0a 83 016100", NULL },
	{ RR_AMTRELAY, "10 0 0 .", "0a 00", NULL },
	{ RR_AMTRELAY, "\\# 3 0A0400", "0a 04 00", NULL },
	{ RR_RESINFO, "\"qnamemin\"", "08716e616d656d696e", NULL },
	{ RR_WALLET, "\"x\"", "0178", NULL },
	{ RR_CLA, "\"x\"", "0178", NULL },
	{ RR_IPN, "1.1", "0000000100000001", "4294967297" },
	{ RR_TA, "1 13 200 AB", "0001 0d c8 ab", NULL },
	{ RR_DLV, "1 13 200 AB", "0001 0d c8 ab", NULL },
	{ 65280, "\\# 2 a bcd", "abcd", "\\# 2 ABCD" },
	{ 65280, "\\# 0", "", NULL },
	{ RR_MX, "\\# 5 000A016100", "000a 016100", "10 a." },
	{ RR_TXT, "(\n a ; no\n b )", "0161 0162", "\"a\" \"b\"" },
	{ RR_TXT, "a ; no\n", "0161", "\"a\"" },
};

static void
round_trips(void **state UNUSED)
{
	static uint8_t data[DNS_RDATA_MAX], want[512];

	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		_cleanup_(buf_done) struct buf b = BUF_INIT;
		const char *print = good[i].print != NULL ? good[i].print : good[i].text;
		size_t n = 0, n_want = unhex(good[i].hex, want);

		if (rdata_parse(good[i].type, sv_str(good[i].text), &origin, data, &n) < 0)
			fail_msg("%u %s: not read", good[i].type, good[i].text);
		if (n != n_want || memcmp(data, want, n) != 0) {
			for (size_t k = 0; k < n; k++)
				printf("%s%02x", k == 0 ? "# " : "", data[k]);
			fail_msg("%u %s: other octets", good[i].type, good[i].text);
		}
		assert_true(rdata_ok(good[i].type, (struct sv){ (const char *)data, n }));
		rdata_print(&b, good[i].type, (struct sv){ (const char *)data, n });
		buf_char(&b, '\0');
		assert_string_equal(b.p, print);
		assert_int_equal(rdata_parse(good[i].type, sv_str(print), NULL, data, &n), 0);
		assert_int_equal(n, n_want);
		assert_memory_equal(data, want, n);
	}
}

/* Each type of types.def is among them, but for those of messages. */
static void
complete(void **state UNUSED)
{
	static const uint16_t all[] = {
#define RRTYPE(name, number, ...)	number,
#include "dns/types.def"
#undef RRTYPE
	};

	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		bool found = rrtype_is_meta(all[i]);

		for (size_t k = 0; k < ARRAY_LEN(good); k++)
			found = found || good[k].type == all[i];
		assert_true(found);
	}
}

static const struct {
	uint16_t	 type;
	const char	*text;
} bad_text[] = {
	{ RR_A, "" }, { RR_A, "192.0.2" }, { RR_A, "192.0.2.01" }, { RR_A, "192.0.2.256" }, { RR_A, "1.2.3.4 x" },
	{ RR_A, "\"1.2.3.4\"" }, { RR_A, "1.2.3.4\n1" }, { RR_A, "(1.2.3.4" }, { RR_A, "192.0.2.1/32" },
	{ RR_AAAA, "1::2::3" }, { RR_AAAA, "::/0" }, { RR_AAAA, "192.0.2.1" },
	{ RR_NS, "a..b" }, { RR_NS, "\\256" }, { RR_NS, "\\25" }, { RR_NS, "\"a\"" },
	{ RR_MX, "65536 a" }, { RR_MX, "-1 a" }, { RR_MX, "+1 a" }, { RR_MX, "1" },
	{ RR_SOA, "a b 4294967296 1 1 1 1" }, { RR_SOA, "a b 1h 1 1 1 1" }, { RR_SOA, "a b 1 1 1 1" },
	{ RR_TXT, "" }, { RR_TXT, "\"\\256\"" }, { RR_TXT, "\"a" }, { RR_TXT, "a\"b\"" }, { RR_TXT, "\"a\"b" },
	{ RR_TXT, "a=\"b\"" }, { RR_TXT, "a\\" },
	{ RR_WKS, "192.0.2.1 nonsense" }, { RR_WKS, "192.0.2.1 6 65536" }, { RR_WKS, "192.0.2.1 6 nonsense" },
	{ RR_LOC, "91 N 0 E 0m" }, { RR_LOC, "90 0 1 N 0 E 0m" }, { RR_LOC, "1 60 N 0 E 0" }, { RR_LOC, "1 1 60 N 0 E 0" },
	{ RR_LOC, "1 1 1.0000 N 0 E 0" }, { RR_LOC, "1 E 0 N 0" }, { RR_LOC, "1 N 0 E 42849672.96" },
	{ RR_LOC, "1 N 0 E -100000.01" }, { RR_LOC, "1 N 0 E 0 90000000.01m" }, { RR_LOC, "1 N 0 E 0 1 1 1 1" },
	{ RR_LOC, "N 0 E 0" }, { RR_LOC, "1 N 0 E" },
	{ RR_APL, "3:x/1" }, { RR_APL, "1:192.0.2.0/33" }, { RR_APL, "1:192.0.2.0" }, { RR_APL, "2:192.0.2.0/24" }, { RR_APL, "!" },
	{ RR_NXT, "a. TYPE128" }, { RR_NXT, "a." }, { RR_NXT, "a. TYPE0" }, { RR_NSEC, "a. FOO" },
	{ RR_DS, "1 13 2 abcd" }, { RR_DS, "1 13 2" }, { RR_DS, "1 13 200 abc" }, { RR_DS, "1 13 200 xy" }, { RR_DS, "1 NONE 1 ab" },
	{ RR_SSHFP, "4 2 abcd" }, { RR_ZONEMD, "1 1 240 abcd" }, { RR_ZONEMD, "1 1 1 000102030405060708090A0B" },
	{ RR_DNSKEY, "257 3 13" }, { RR_DNSKEY, "257 3 13 AAA" }, { RR_DNSKEY, "257 3 13 AAB=" }, { RR_DNSKEY, "257 3 13 AA==AA==" },
	{ RR_DNSKEY, "257 256 13 AAAA" }, { RR_DNSKEY, "257 3 13 \"AAAA\"" },
	{ RR_RRSIG, "A 13 2 300 20261301000000 0 1 a. AAAA" }, { RR_RRSIG, "A 13 2 300 2026010100000 0 1 a. AAAA" },
	{ RR_RRSIG, "A 13 2 300 21070101000000 0 1 a. AAAA" }, { RR_RRSIG, "A 13 2 300 4294967296 0 1 a. AAAA" },
	{ RR_RRSIG, "A 13 2 300 19691231235959 0 1 a. AAAA" }, { RR_RRSIG, "A 13 2 1h 0 0 1 a. AAAA" }, { RR_RRSIG, "A 13 2 300 0 0 1 a." },
	{ RR_NSEC3, "1 1 0 - 0p9mhav A" }, { RR_NSEC3, "1 1 0 - - A" }, { RR_NSEC3, "1 1 0 abc 00 A" }, { RR_NSEC3, "1 1 0 - w0 A" },
	{ RR_NSEC3PARAM, "1 0 65536 -" }, { RR_NSEC3PARAM, "1 0 0 \"-\"" },
	{ RR_CERT, "NONE 0 0 AAAA" }, { RR_NSAP, "47000580" }, { RR_NSAP, "0x470" }, { RR_NSAP, "0x" },
	{ RR_EUI48, "00:00:5e:00:53:2a" }, { RR_EUI48, "00-00-5e-00-53" }, { RR_EUI64, "00-00-5e-00-53-2a" },
	{ RR_NID, "10 14:4fff:ff20" }, { RR_NID, "10 14:4fff:ff20:0:0" }, { RR_NID, "10 1::2" }, { RR_NID, "10 12345:0:0:0" },
	{ RR_IPSECKEY, "10 1 2 2001:db8::1 AQNR" }, { RR_IPSECKEY, "10 0 2 a. AQNR" }, { RR_IPSECKEY, "10 4 2 . AQNR" },
	{ RR_AMTRELAY, "10 2 0 ." }, { RR_AMTRELAY, "10 0 128 ." }, { RR_AMTRELAY, "10 0 3" },
	{ RR_HIP, "2 200 AAAA" }, { RR_HIP, "2 2001" }, { RR_HIP, "2 2001 AAA" },
	{ RR_A6, "129 ::" }, { RR_A6, "0 ::1 a." }, { RR_A6, "64 1::1 a." }, { RR_A6, "64 ::1" }, { RR_A6, "60 0:0:0:10::1 a." },
	{ RR_CAA, "0 is-sue \"x\"" }, { RR_CAA, "0 issue" }, { RR_CAA, "0 \"issue\" \"x\"" }, { RR_CAA, "0 issue \"x\" \"y\"" },
	{ RR_DSYNC, "CDS NONE 1 a." }, { RR_IPN, "1.4294967296" }, { RR_IPN, "18446744073709551616" },
	{ RR_NULL, "abcd" }, { RR_OPT, "x" }, { 65280, "abcd" }, { 65280, "\\# 3 abcd" }, { 65280, "\\# 2 abcde" },
	{ 65280, "\\# 1" }, { 65280, "\\#" }, { 65280, "\\# x ab" }, { 65280, "\\# 0 ab" }, { 65280, "\\# 65536 ab" },
	{ RR_MX, "\\# 4 000ac000" }, { RR_A, "\\# 3 010203" }, { RR_A, "\\# 5 0102030405" },
	/* RFC 9460 appendix D.3. */
	{ RR_SVCB, "1 a. key123=abc key123=def" }, { RR_SVCB, "1 a. mandatory" }, { RR_SVCB, "1 a. alpn" }, { RR_SVCB, "1 a. port" },
	{ RR_SVCB, "1 a. ipv4hint" }, { RR_SVCB, "1 a. ipv6hint" }, { RR_SVCB, "1 a. alpn=h2 no-default-alpn=abc" },
	{ RR_SVCB, "1 a. mandatory=key123" }, { RR_SVCB, "1 a. mandatory=mandatory" },
	{ RR_SVCB, "1 a. mandatory=key123,key123 key123=abc" },
	{ RR_SVCB, "1 a. no-default-alpn" }, { RR_SVCB, "1 a. port=65536" }, { RR_SVCB, "1 a. port=\\052" }, { RR_SVCB, "1 a. ALPN=h2" },
	{ RR_SVCB, "1 a. key0667=x" }, { RR_SVCB, "1 a. key65536=x" }, { RR_SVCB, "1 a. keyx=x" }, { RR_SVCB, "1 a. foo=x" },
	{ RR_SVCB, "1 a. alpn=h2," }, { RR_SVCB, "1 a. alpn=,h2" }, { RR_SVCB, "1 a. alpn=h2,,h3" }, { RR_SVCB, "1 a. alpn=a\\\\" },
	{ RR_SVCB, "1 a. alpn=a\\\\b" }, { RR_SVCB, "1 a. ipv4hint=192.0.2.1," }, { RR_SVCB, "1 a. ipv6hint=192.0.2.1" },
	{ RR_SVCB, "1 a. ech=" }, { RR_SVCB, "1 a. ech=AAA" }, { RR_SVCB, "1 a. dohpath=" }, { RR_SVCB, "1 a. ohttp=x" },
	{ RR_SVCB, "1 a. \"alpn=h2\"" }, { RR_SVCB, "1 a. key3=\\001" }, { RR_SVCB, "1 a. mandatory=key20, key20=x" },
};

static void
texts_refused(void **state UNUSED)
{
	static uint8_t data[DNS_RDATA_MAX];
	size_t n = 77;

	for (size_t i = 0; i < ARRAY_LEN(bad_text); i++)
		if (rdata_parse(bad_text[i].type, sv_str(bad_text[i].text), &origin, data, &n) != -EINVAL)
			fail_msg("%u %s: read", bad_text[i].type, bad_text[i].text);
	assert_int_equal(n, 77);
}

/* --- octets --- */

static const struct {
	uint16_t	 type;
	const char	*hex;
} bad_octets[] = {
	{ RR_MX, "000a c000" }, { RR_NS, "40" }, { RR_TXT, "" }, { RR_TXT, "0261" }, { RR_HINFO, "0161" },
	{ RR_HINFO, "0161 0162 00" }, { RR_NSEC, "016100 0000" }, { RR_NSEC, "016100 0002 4000" },
	{ RR_NSEC, "016100 0001 40 0001 40" }, { RR_NSEC, "016100 0101 40 0001 40" }, { RR_NSEC, "016100 0002 40" },
	{ RR_NSEC, "016100 0021 0101010101010101010101010101010101010101010101010101010101010101 01" },
	{ RR_NXT, "016100" }, { RR_NXT, "016100 80" }, { RR_NXT, "016100 0101010101010101 0101010101010101 01" },
	{ RR_NSEC3, "01 01 0000 00 00" }, { RR_NSEC3, "01 01 0000 01" }, { RR_NSEC3, "01 01 0000 00 02 00" },
	{ RR_DS, "0001 0d 02 00" }, { RR_DS, "0001 0d 02" }, { RR_CDS, "0001 0d 04 00" }, { RR_SSHFP, "01 01 00" },
	{ RR_ZONEMD, "00000001 01 01 000102030405060708090a0b" }, { RR_ZONEMD, "00000001 01 f0 000102030405060708090a" },
	{ RR_DNSKEY, "0101 03 0d" }, { RR_RRSIG, "0001 0d 02 0000012c 00000000 00000000 0001 00" },
	{ RR_TLSA, "03 01 01" }, { RR_DHCID, "" }, { RR_OPENPGPKEY, "" }, { RR_NSAP, "" },
	{ RR_CAA, "00 00 61" }, { RR_CAA, "00 012d 61" }, { RR_CAA, "00 0261" }, { RR_LOC, "01 12 16 13 80000000 80000000 00989680" },
	{ RR_LOC, "00 a2 16 13 80000000 80000000 00989680" }, { RR_LOC, "00 1a 16 13 80000000 80000000 00989680" },
	{ RR_LOC, "00 12 16 13 80000000 00000000 00989680" }, { RR_LOC, "00 12 16 13 93500000 80000000 00989680" },
	{ RR_LOC, "00 12 16 13 80000000 80000000 009896" }, { RR_APL, "0001 21 00" }, { RR_APL, "0001 08 05 0102030405" },
	{ RR_APL, "0001 08 02 0a00" }, { RR_APL, "0002 81 00" }, { RR_APL, "0001 08 02 0a" }, { RR_WKS, "c00002" },
	{ RR_A6, "81" }, { RR_A6, "40 0000000000000001" }, { RR_A6, "00 20010db8000000000000000000000001 00" },
	{ RR_A6, "44 f000000000000001 00" }, { RR_A6, "80" }, { RR_IPSECKEY, "0a 01 02 c00002" }, { RR_IPSECKEY, "0a 03 02 0161" },
	{ RR_AMTRELAY, "0a 01 c0000201 00" }, { RR_AMTRELAY, "0a 00 00" }, { RR_HIP, "00 02 0003 000000" },
	{ RR_HIP, "02 02 0000 2001" }, { RR_HIP, "02 02 0003 2001 0000" }, { RR_HIP, "02 02 0003 2001 000000 01" },
	{ RR_SVCB, "0001" }, { RR_SVCB, "0001 00 0001" }, { RR_SVCB, "0001 00 0001 0000" }, { RR_SVCB, "0001 00 0001 0001 00" },
	{ RR_SVCB, "0001 00 0001 0002 0261" }, { RR_SVCB, "0001 00 0003 0001 00" }, { RR_SVCB, "0001 00 0004 0003 000000" },
	{ RR_SVCB, "0001 00 0003 0002 0001 0003 0002 0001" }, { RR_SVCB, "0001 00 0004 0004 c0000201 0003 0002 0001" },
	{ RR_SVCB, "0001 00 0000 0002 0003" }, { RR_SVCB, "0001 00 0000 0002 0000" }, { RR_SVCB, "0001 00 0000 0001 00" },
	{ RR_SVCB, "0001 00 0000 0004 0004 0003 0003 0002 0001 0004 0004 c0000201" }, { RR_SVCB, "0001 00 0002 0000" },
	{ RR_SVCB, "0001 00 0001 0002 0161 0002 0001 00" }, { RR_SVCB, "0001 00 0005 0000" }, { RR_SVCB, "0001 00 0006 0004 00000000" },
	{ RR_SVCB, "0001 00 0007 0000" }, { RR_SVCB, "0001 00 0008 0001 00" }, { RR_EUI48, "0000000000" }, { RR_EUI64, "00000000000000" },
	{ RR_NID, "0000 00" }, { RR_L32, "0000 00" }, { RR_SOA, "00 00 0000" }, { RR_SRV, "0000 0000 0000" }, { RR_A, "c0000201 00" },
};

static void
octets_refused(void **state UNUSED)
{
	static uint8_t data[512], again[DNS_RDATA_MAX];
	size_t n, k;

	for (size_t i = 0; i < ARRAY_LEN(bad_octets); i++) {
		_cleanup_(buf_done) struct buf b = BUF_INIT;
		struct sv rdata = { (const char *)data, n = unhex(bad_octets[i].hex, data) };

		if (rdata_ok(bad_octets[i].type, rdata))
			fail_msg("%u %s: well-formed", bad_octets[i].type, bad_octets[i].hex);
		/* Still printed, in RFC 3597's form, which is then refused for the type but not for another. */
		rdata_print(&b, bad_octets[i].type, rdata);
		assert_true(sv_starts(buf_get(&b), SV("\\# ")));
		assert_int_equal(rdata_parse(bad_octets[i].type, buf_get(&b), NULL, again, &k), -EINVAL);
		assert_int_equal(rdata_parse(65280, buf_get(&b), NULL, again, &k), 0);
		assert_int_equal(k, n);
	}
}

/* No head of well-formed data is well-formed, unless its type ends with something of any length. */
static void
heads_refused(void **state UNUSED)
{
	static const uint16_t fixed[] = { RR_A, RR_NS, RR_SOA, RR_MX, RR_SRV, RR_NAPTR, RR_AAAA, RR_LOC, RR_EUI48, RR_NID,
		RR_DSYNC, RR_RP, RR_MINFO, RR_HINFO, RR_NSEC3PARAM, RR_IPN, RR_LP, RR_TALINK };
	uint8_t data[512];

	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		for (size_t k = 0; k < ARRAY_LEN(fixed); k++) {
			size_t n = unhex(good[i].hex, data);

			if (good[i].type != fixed[k])
				continue;
			assert_true(rdata_ok(fixed[k], (struct sv){ (const char *)data, n }));
			data[n] = 0;
			assert_false(rdata_ok(fixed[k], (struct sv){ (const char *)data, n + 1 }));
			while (n-- > 0)
				assert_false(rdata_ok(fixed[k], (struct sv){ (const char *)data, n }));
		}
}

/* RFC 4034 section 6.2, as changed by RFC 6840 section 5.1. */
static void
canonical(void **state UNUSED)
{
	static const struct {
		uint16_t	 type;
		const char	*text, *want;
	} rows[] = {
		{ RR_NS, "A.B.", "a.b." }, { RR_MX, "1 A.", "1 a." }, { RR_SOA, "A. B. 1 2 3 4 5", "a. b. 1 2 3 4 5" },
		{ RR_SRV, "1 1 1 A.", "1 1 1 a." }, { RR_NAPTR, "1 1 \"U\" \"S\" \"R\" A.", "1 1 \"U\" \"S\" \"R\" a." },
		{ RR_PX, "1 A. B.", "1 a. b." }, { RR_RRSIG, "A 13 2 3 0 0 1 A. AAAA", "A 13 2 3 19700101000000 19700101000000 1 a. AAAA" },
		{ RR_A6, "64 ::1 A.", "64 ::1 a." }, { RR_NXT, "A. A", "a. A" }, { RR_DNAME, "A.", "a." },
		/* Not these: NSEC, and types that came after RFC 3597. */
		{ RR_NSEC, "A. A", "A. A" }, { RR_SVCB, "1 A.", "1 A." }, { RR_LP, "1 A.", "1 A." }, { RR_HIP, "2 2001 AAAA A.", "2 2001 AAAA A." },
		{ RR_IPSECKEY, "1 3 2 A. AAAA", "1 3 2 A. AAAA" }, { RR_NSAP_PTR, "A.", "A." }, { RR_TXT, "\"A\"", "\"A\"" },
		{ RR_HINFO, "\"A\" \"B\"", "\"A\" \"B\"" }, { RR_CAA, "0 Issue \"A\"", "0 Issue \"A\"" },
	};
	static uint8_t data[DNS_RDATA_MAX];
	size_t n;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		_cleanup_(buf_done) struct buf b = BUF_INIT;

		assert_int_equal(rdata_parse(rows[i].type, sv_str(rows[i].text), NULL, data, &n), 0);
		rdata_canonical(rows[i].type, data, n);
		rdata_print(&b, rows[i].type, (struct sv){ (const char *)data, n });
		buf_char(&b, '\0');
		assert_string_equal(b.p, rows[i].want);
	}
}

/* 65535 octets, in each of the forms that come so far. */
static void
largest(void **state UNUSED)
{
	static const uint16_t kinds[] = { RR_OPENPGPKEY, RR_EID, 65280, RR_TXT };
	static uint8_t data[DNS_RDATA_MAX], again[DNS_RDATA_MAX];
	size_t n;

	memset(data, 0xaa, sizeof(data));
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		_cleanup_(buf_done) struct buf b = BUF_INIT;

		if (kinds[i] == RR_TXT)		/* 255 strings of 255 octets and one of 254 */
			for (size_t k = 0; k < sizeof(data); k += 256)
				data[k] = k + 256 > sizeof(data) ? 254 : 255;
		rdata_print(&b, kinds[i], (struct sv){ (const char *)data, sizeof(data) });
		assert_int_equal(rdata_parse(kinds[i], buf_get(&b), NULL, again, &n), 0);
		assert_int_equal(n, sizeof(data));
		assert_memory_equal(data, again, n);
		assert_false(rdata_ok(kinds[i], (struct sv){ (const char *)data, sizeof(data) + 1 }));
	}
}

TESTS_MAIN("dns/rdata", T(types), T(type_names), T(ttls), T(round_trips), T(complete), T(texts_refused), T(octets_refused),
    T(heads_refused), T(canonical), T(largest))
