"""Zones that are odd, and legal: (name, origin, text) for tests of signing."""

APEX = """@ 3600 IN SOA ns1.{o} bugs.{o} 7 3600 300 3600000 1800
@ 3600 IN NS ns1.{o}
ns1.{o} 3600 IN A 192.0.2.1
"""
LONG = "l" * 63

MIXED = """
www 3600 A 192.0.2.2
www 3600 AAAA 2001:db8::2
*.wild 3600 MX 1 www
*.wild 3600 TXT "covered by nothing"
under.*.wild 3600 A 192.0.2.3
x.wild 3600 A 192.0.2.4
a.b.c.ent 3600 TXT "three empty non-terminals above"
z.b.c.ent 3600 A 192.0.2.5
dname 3600 DNAME www.wild
dname 3600 TXT "beside a DNAME"
alias 3600 CNAME www
insecure 3600 NS ns.insecure
insecure 3600 NS ns.elsewhere.test.
ns.insecure 3600 A 192.0.2.7
deep.below.insecure 3600 A 192.0.2.8
secure 3600 NS secure
secure 3600 A 192.0.2.9
secure 3600 AAAA 2001:db8::9
secure 3600 DS 57855 13 2 B6DCD485719ADCA18E5F3D48A2331627FDD3636BB6DCD485719ADCA18E5F3D48
secure 3600 DS 57855 13 4 B6DCD485719ADCA18E5F3D48A2331627FDD3636BB6DCD485719ADCA18E5F3D48B6DCD485719ADCA18E5F3D48A2331627
below.secure 3600 NS ns.below.secure
ns.below.secure 3600 A 192.0.2.10
a.entinsecure 3600 NS ns.elsewhere.test.
b.x.entinsecure 3600 NS ns.elsewhere.test.
a.entboth 3600 NS ns.elsewhere.test.
b.entboth 3600 NS ns.elsewhere.test.
b.entboth 3600 DS 1 13 2 B6DCD485719ADCA18E5F3D48A2331627FDD3636BB6DCD485719ADCA18E5F3D48
ttl 0 A 192.0.2.11
ttl 86400 TXT "longer than the SOA says"
"""

ESCAPED = r"""
\000 3600 A 192.0.2.2
\001 3600 A 192.0.2.2
a\000b 3600 A 192.0.2.2
a.\000 3600 A 192.0.2.2
a\.b 3600 A 192.0.2.3
a.b 3600 A 192.0.2.4
\032 3600 TXT "a blank"
\255\254 3600 TXT "high"
UPPER.Case 3600 TXT "Upper" "\"quoted\"" "\000\255"
Mixed 3600 MX 10 UPPER.Case
Mixed 3600 NS NS1.Example.
\* 3600 A 192.0.2.6
\*\* 3600 A 192.0.2.7
semi\;colon 3600 A 192.0.2.8
"""

ZEROS = r"""
\000\000 3600 A 192.0.2.2
a.\000 3600 A 192.0.2.2
"""

AT = r"""
\@ 3600 A 192.0.2.5
"""

BELOW_DNAME = """
dname 3600 DNAME www.test.
under.dname 3600 A 192.0.2.6
"""

TYPES = """
t 3600 A 192.0.2.1
t 3600 NS elsewhere.test.
mx 3600 MX 10 Mail.Example.
mx 3600 MX 9 .
t12 3600 PTR Host.Example.
t13 3600 HINFO "CPU" "OS"
t14 3600 MINFO R.example. E.example.
t16 3600 TXT "one" "two"
t17 3600 RP Who.example. Txt.example.
t18 3600 AFSDB 1 Host.example.
t21 3600 RT 10 Relay.example.
t25 3600 KEY 512 3 8 AQIDBAUG
t28 3600 AAAA 2001:db8::1
t29 3600 LOC 42 21 54.000 N 71 6 18.000 W -24.00m 30m 10000m 10m
_x._tcp 3600 SRV 1 2 80 Host.example.
t35 3600 NAPTR 100 10 "u" "sip+E2U" "!^.*$!sip:x@example!" Repl.example.
t36 3600 KX 1 Kx.example.
t37 3600 CERT PKIX 0 0 AQIDBA==
t42 3600 APL 1:192.0.2.0/24 !2:2001:db8::/32
t44 3600 SSHFP 4 2 B6DCD485719ADCA18E5F3D48A2331627FDD3636BB6DCD485719ADCA18E5F3D48
t45 3600 IPSECKEY 10 3 2 gw.example. AQNRU3mG7TVTO2BkR47usntb102uFJtugbo6BSGvgqt4AQ==
t49 3600 DHCID AAIBY2/AuCccgoJbsaxcQc9TUapptP69lOjxfNuVAA2kjEA=
t52 3600 TLSA 3 1 1 B6DCD485719ADCA18E5F3D48A2331627FDD3636BB6DCD485719ADCA18E5F3D48
t53 3600 SMIMEA 3 1 1 B6DCD485719ADCA18E5F3D48A2331627FDD3636BB6DCD485719ADCA18E5F3D48
t61 3600 OPENPGPKEY AQIDBA==
t62 3600 CSYNC 66 3 A NS AAAA
t64 3600 SVCB 1 Svc.example. alpn=h2,h3 port=8443
t65 3600 HTTPS 0 Svc.example.
t99 3600 SPF "v=spf1 -all"
t104 3600 NID 10 0014:4fff:ff20:ee64
t105 3600 L32 10 10.1.2.0
t106 3600 L64 10 2001:0DB8:1140:1000
t107 3600 LP 10 l64-subnet1.example.
t108 3600 EUI48 00-00-5e-00-53-2a
t109 3600 EUI64 00-00-5e-ef-10-00-00-2a
t256 3600 URI 10 1 "https://example/"
t257 3600 CAA 0 issue "ca.example"
t65280 3600 TYPE65280 \\# 3 010203
t65280 3600 TYPE1234 \\# 0
t65280 3600 TYPE65534 \\# 1 00
t65280 3600 A 192.0.2.1
"""

OLD_TYPES = """
t3 3600 MD mail.example.
t4 3600 MF mail.example.
t7 3600 MB mail.example.
t8 3600 MG mail.example.
t9 3600 MR mail.example.
t11 3600 WKS 192.0.2.1 6 25 80
t19 3600 X25 "311061700956"
t20 3600 ISDN "150862028003217" "004"
t22 3600 NSAP 0x47.0005.80.005a00.0000.0001.e133.ffffff000161.00
t26 3600 PX 10 Map822.example. Mapx400.example.
t27 3600 GPOS -32.6882 116.8652 10.0
t55 3600 HIP 2 200100107B1A74DF365639CC39F1D578 AwEAAbdxyhNuSutc5EMzxTs9LBPCIkOFH8cIvM4p9+LrV4e1 Rvs.example.
t258 3600 AVC "x"
"""

ROOT = """. 86400 IN SOA a.root-servers.example. nstld.example. 2026112200 1800 900 604800 86400
. 518400 IN NS a.root-servers.example.
example. 172800 NS a.nic.example.
example. 86400 DS 57855 13 2 B6DCD485719ADCA18E5F3D48A2331627FDD3636BB6DCD485719ADCA18E5F3D48
a.nic.example. 172800 A 192.0.2.1
test. 172800 NS a.nic.test.
a.nic.test. 172800 AAAA 2001:db8::1
a.ent. 172800 NS a.nic.example.
"""


def zone(origin, text):
    head = APEX.format(o=origin if origin != "." else "")
    return "$ORIGIN %s\n%s%s" % (origin, head, text)


def huge():
    yield "many 3600 A 192.0.2.1"
    for i in range(1500):
        yield "many 3600 A 10.%d.%d.%d" % (i % 7, i // 256, i % 256)
    yield "big 3600 TXT %s" % " ".join('"%s"' % ("x" * 255) for _ in range(230))


def deep():
    name = ".".join("d" for _ in range(120))
    yield "%s 3600 A 192.0.2.1" % name
    yield "%s.%s.%s 3600 A 192.0.2.1" % (LONG, LONG, LONG[:50])
    yield "%s 3600 A 192.0.2.2" % ".".join("e" for _ in range(60))


def zones():
    yield "mixed", "example.", zone("example.", MIXED)
    yield "escaped", "Example.", zone("Example.", ESCAPED)
    yield "zeros", "example.", zone("example.", ZEROS)
    yield "at", "example.", zone("example.", AT)
    yield "below-dname", "example.", zone("example.", BELOW_DNAME)
    yield "types", "example.", zone("example.", TYPES)
    yield "old-types", "example.", zone("example.", OLD_TYPES)
    yield "huge", "example.", zone("example.", "\n".join(huge()) + "\n")
    yield "deep", "example.", zone("example.", "\n".join(deep()) + "\n")
    yield "apex-only", "a.very.long.example.", ("$ORIGIN a.very.long.example.\n"
                                              "@ 60 SOA ns.other. b.other. 4294967295 1 1 1 86400\n@ 60 NS ns.other.\n")
    yield "apex-dname", "example.", "$ORIGIN example.\n@ 60 SOA ns.other. b.other. 1 1 1 1 60\n@ 60 NS ns.other.\n@ 60 DNAME other.\n"
    yield "root", ".", ROOT
