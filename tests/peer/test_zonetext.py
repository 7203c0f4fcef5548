#!/usr/bin/env python3
"""Zone text beside libzscanner, BIND and ldns: the same texts, the same octets.

Each case is a few lines behind an SOA and an NS record. What a peer sees in
another way stands in DIFFER with the clause that decides; one that is not
there fails. BIND's and ldns's own text is turned into octets by libzscanner."""
import gzip
import os
import random
import re
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import peers
from tap import Tap

HEAD = "$ORIGIN example.\n$TTL 3600\n@ 300 IN SOA ns.example. root.example. 1 2 3 4 5\n@ 300 IN NS ns.example.\nns 300 IN A 192.0.2.53\n"
ORIGIN = "example."
TTL = "3600"

SIGNATURE = "A" * 86 + "=="

# --- cases by hand ---------------------------------------------------------------

CASES = {
    # names
    "relative": "a A 192.0.2.1\n",
    "absolute": "a.example. A 192.0.2.1\n",
    "at": "@ A 192.0.2.1\n",
    "at in data": "a MX 10 @\n",
    "escaped at": "\\@ A 192.0.2.1\n",
    "escaped dot": "a\\.b A 192.0.2.1\n",
    "decimal": "a\\046b A 192.0.2.1\n",
    "decimal of a letter": "\\065b A 192.0.2.1\n",
    "octets beyond ASCII": "\\200\\255\\000 A 192.0.2.1\n",
    "escaped blank": "a\\ b A 192.0.2.1\n",
    "escaped semicolon": "a\\;b A 192.0.2.1\n",
    "escaped parentheses": "\\(a\\) A 192.0.2.1\n",
    "escaped quote": "a\\\"b A 192.0.2.1\n",
    "escaped dollar": "\\$a A 192.0.2.1\n",
    "escaped bracket": "a.\\[x A 192.0.2.1\n",
    "escaped backslash": "a\\\\b A 192.0.2.1\n",
    "dollar within": "a$b A 192.0.2.1\n",
    "at within": "a@b A 192.0.2.1\n",
    "wildcard": "* A 192.0.2.1\n",
    "underscores": "_a._b A 192.0.2.1\n",
    "upper case": "AbC A 192.0.2.1\n",
    "slash and plus": "a/b+c A 192.0.2.1\n",
    "printable marks": "a!#%&'*,:<=>?[]^`{|}~ A 192.0.2.1\n",
    "label of 63": "a" * 63 + " A 192.0.2.1\n",
    "label of 64": "a" * 64 + " A 192.0.2.1\n",
    "name of 255": ".".join(["a" * 49] * 4 + ["b" * 45]) + " A 192.0.2.1\n",
    "name of 256": ".".join(["a" * 49] * 4 + ["b" * 46]) + " A 192.0.2.1\n",
    "empty label": "a..b A 192.0.2.1\n",
    "leading dot": ".a A 192.0.2.1\n",
    "decimal beyond 255": "\\256 A 192.0.2.1\n",
    "decimal of two digits": "\\25 A 192.0.2.1\n",
    "backslash at the end": "a\\\n",
    # owners and lines
    "inherited": "a A 192.0.2.1\n  A 192.0.2.2\n",
    "inherited by a tab": "a A 192.0.2.1\n\tA 192.0.2.2\n",
    "inherited over empty lines": "a A 192.0.2.1\n\n  \n; x\n  ; y\n A 192.0.2.2\n",
    "inherited over $ORIGIN": "a A 192.0.2.1\n$ORIGIN b.example.\n  A 192.0.2.2\n",
    "CRLF": "a A 192.0.2.1\r\nb A 192.0.2.2\r\n",
    "no end of line": "a A 192.0.2.1",
    "CR alone": "a A 192.0.2.1\rb A 192.0.2.2\n",
    "NUL in a name": "a\0b A 192.0.2.1\n",
    "NUL in a text": "a TXT \"x\0y\"\n",
    "NUL at the end": "a A 192.0.2.1\n\0",
    "control-Z at the end": "a A 192.0.2.1\n\x1a",
    "form feed": "a\fA 192.0.2.1\n",
    "a name in UTF-8": "\u65e5\u672c A 192.0.2.1\n",
    "a no-break space": "a\u00a0A 192.0.2.1\n",
    "a backslash before the line's end": "a TXT x\\\ny\n",
    "a comment of 600 kB": ";" + "x" * 600000 + "\na A 192.0.2.1\n",
    "600 kB of blanks": "a A 192.0.2.1" + " " * 600000 + "\n",
    "a text of 600 kB": "a TXT " + "x " * 300000 + "\n",
    "parentheses a thousand deep": "a A " + "(" * 1000 + "192.0.2.1" + ")" * 1000 + "\n",
    "$INCLUDE of a file of secrets": "$INCLUDE /etc/shadow\n",
    "$INCLUDE without a file": "$INCLUDE\n",
    "$TTL beyond": "$TTL 99999999999999999999\na A 192.0.2.1\n",
    "$TTL in units beyond": "$TTL 9999999w\na A 192.0.2.1\n",
    "$TTL negative": "$TTL -1\na A 192.0.2.1\n",
    "$TTL empty": "$TTL\na A 192.0.2.1\n",
    "class HS": "a HS A 192.0.2.1\n",
    "class NONE": "a NONE A 192.0.2.1\n",
    "class 65535": "a CLASS65535 A 192.0.2.1\n",
    "class 65536": "a CLASS65536 A 192.0.2.1\n",
    "TYPE0": "a TYPE0 \\# 1 00\n",
    "TYPE65535": "a TYPE65535 \\# 1 00\n",
    "TXT of 65536 octets": "a TXT " + " ".join(['"' + "x" * 255 + '"'] * 256) + "\n",
    "a comment at the end": "a A 192.0.2.1 ; here\n",
    "a comment without a blank": "a A 192.0.2.1;here\n",
    "parentheses": "a MX ( 10\n mail )\n",
    "parentheses beside items": "a MX (10 mail)\n",
    "parentheses within parentheses": "a MX ( ( 10 ) mail )\n",
    "parentheses around the type": "a ( MX 10\n mail )\n",
    "a comment in parentheses": "a TXT ( \"x\" ; no )\n \"y\" )\n",
    "a line without a blank in parentheses": "a TXT ( \"x\"\n\"y\"\n)\n",
    "empty parentheses": "a A 192.0.2.1 ( )\n",
    "an open parenthesis": "a TXT ( \"x\"\nb A 192.0.2.1\n",
    "a closing parenthesis": "a A 192.0.2.1 )\n",
    # TTLs and classes
    "TTL and class": "a 60 IN A 192.0.2.1\n",
    "class and TTL": "a IN 60 A 192.0.2.1\n",
    "class only": "a IN A 192.0.2.1\n",
    "lower case": "a in a 192.0.2.1\n",
    "class 1": "a CLASS1 A 192.0.2.1\n",
    "units": "a 1h30m A 192.0.2.1\n",
    "all units": "a 1w2d3h4m5s A 192.0.2.1\n",
    "upper units": "a 1W2D A 192.0.2.1\n",
    "a unit and a number": "a 1h30 A 192.0.2.1\n",
    "TTL 0": "a 0 A 192.0.2.1\n",
    "TTL of 31 bits": "a 2147483647 A 192.0.2.1\n",
    "TTL of 32 bits": "a 2147483648 A 192.0.2.1\n",
    "TTL beyond": "a 4294967296 A 192.0.2.1\n",
    "$TTL": "$TTL 77\na A 192.0.2.1\n",
    "$TTL in units": "$TTL 1D\na A 192.0.2.1\n",
    "$TTL with a comment": "$TTL 77 ; x\na A 192.0.2.1\n",
    "$TTL twice": "$TTL 77\na A 192.0.2.1\n$TTL 78\nb A 192.0.2.1\n",
    "$ttl": "$ttl 77\na A 192.0.2.1\n",
    "a record's TTL before $TTL": "a 60 A 192.0.2.1\nb A 192.0.2.1\n",
    "a record's TTL behind $TTL": "$TTL 77\na 60 A 192.0.2.1\nb A 192.0.2.1\n",
    "$ORIGIN": "$ORIGIN sub.example.\na A 192.0.2.1\n",
    "$ORIGIN relative": "$ORIGIN sub\na A 192.0.2.1\n",
    "$ORIGIN twice": "$ORIGIN s\n$ORIGIN t\na A 192.0.2.1\n",
    "a directive that is none": "$FOO x\n",
    "$GENERATE": "$GENERATE 1-2 h$ A 192.0.2.$\n",
    "two types": "a A A 192.0.2.1\n",
    "no type": "a 192.0.2.1\n",
    "an unknown type": "a FOO 192.0.2.1\n",
    "another class": "a CH TXT \"x\"\n",
    "a type called as a class": "in A 192.0.2.1\n",
    # unknown types
    "TYPE": "a TYPE65280 \\# 3 010203\n",
    "TYPE in lower case": "a type65280 \\# 3 010203\n",
    "TYPE without data": "a TYPE65280 \\# 0\n",
    "TYPE with blanks": "a TYPE65280 \\# 3 01 0 203\n",
    "TYPE of a known one": "a TYPE1 \\# 4 C0000201\n",
    "TYPE of a known one in its text": "a TYPE1 192.0.2.1\n",
    "generic data of a known one": "a A \\# 4 c0000201\n",
    "generic data, too short": "a A \\# 3 c00002\n",
    "generic data, a wrong length": "a TYPE65280 \\# 4 010203\n",
    "generic data, odd": "a TYPE65280 \\# 2 010\n",
    "generic data of a name with a pointer": "a MX \\# 4 000ac000\n",
    "TYPE beyond": "a TYPE65536 \\# 0\n",
    "text of an unknown type": "a TYPE65280 hello\n",
    # A, AAAA
    "A with zeros": "a A 192.0.2.01\n",
    "A short": "a A 192.0.2\n",
    "A beyond": "a A 192.0.2.256\n",
    "A and more": "a A 192.0.2.1 x\n",
    "A quoted": "a A \"192.0.2.1\"\n",
    "AAAA": "a AAAA 2001:DB8::1\n",
    "AAAA mapped": "a AAAA ::ffff:192.0.2.1\n",
    "AAAA twice ::": "a AAAA 1::2::3\n",
    "AAAA with a zone": "a AAAA fe80::1%eth0\n",
    # strings
    "TXT": "a TXT \"hello world\"\n",
    "TXT without quotes": "a TXT hello world\n",
    "TXT empty": "a TXT \"\"\n",
    "TXT none": "a TXT\n",
    "TXT escapes": "a TXT \"\\\"\\\\\\000\\255\\x\"\n",
    "TXT escapes without quotes": "a TXT \\\"a\\ b\\;\\(\\)\\\\\n",
    "TXT semicolon": "a TXT \"a;b\"\n",
    "TXT of 255": "a TXT \"" + "x" * 255 + "\"\n",
    "TXT of 256": "a TXT \"" + "x" * 256 + "\"\n",
    "TXT of 255 escapes": "a TXT \"" + "\\120" * 255 + "\"\n",
    "TXT side by side": "a TXT \"a\"\"b\"\n",
    "TXT quote within": "a TXT a\"b\"\n",
    "TXT equals and quote": "a TXT a=\"b\"\n",
    "TXT open": "a TXT \"x\nb A 192.0.2.1\n",
    "TXT over lines": "a TXT \"x\ny\"\n",
    "TXT over lines in parentheses": "a TXT ( \"x\ny\" )\n",
    "TXT in UTF-8": "a TXT \"\u65e5\u672c\"\n",
    "TXT in UTF-8 without quotes": "a TXT \u65e5\u672c\n",
    "TXT tab": "a TXT \"x\ty\"\n",
    "TXT decimal beyond": "a TXT \"\\256\"\n",
    "TXT at": "a TXT @\n",
    "HINFO": "a HINFO PC \"Linux x\"\n",
    "SPF": "a SPF \"v=spf1 -all\"\n",
    # DNSSEC
    "DNSKEY": "a DNSKEY 257 3 13 AAAA BBBB CCCC\n",
    "DNSKEY mnemonic": "a DNSKEY 257 3 ECDSAP256SHA256 AAAABBBB\n",
    "DNSKEY without a key": "a DNSKEY 257 3 13\n",
    "DNSKEY base64 broken": "a DNSKEY 257 3 13 AAA\n",
    "DNSKEY base64 bits": "a DNSKEY 257 3 13 AAB=\n",
    "DNSKEY base64 in parts": "a DNSKEY 257 3 13 A A A A B B = =\n",
    "CDNSKEY delete": "a CDNSKEY 0 3 0 AA==\n",
    "CDS delete": "a CDS 0 0 0 00\n",
    "DS": "a DS 1 13 2 " + "ab" * 32 + "\n",
    "DS in parts": "a DS 1 13 2 " + "ab " * 32 + "\n",
    "DS digest short": "a DS 1 13 2 abcd\n",
    "DS digest unknown": "a DS 1 13 200 abcd\n",
    "RRSIG": "a 300 RRSIG A 13 2 300 20260101000000 20251201000000 1 example. " + SIGNATURE + "\n",
    "RRSIG seconds": "a 300 RRSIG A 13 2 300 1767225600 1764547200 1 example. " + SIGNATURE + "\n",
    "RRSIG TYPE": "a 300 RRSIG TYPE65280 13 2 300 20260101000000 20251201000000 1 example. " + SIGNATURE + "\n",
    "RRSIG mnemonic": "a 300 RRSIG A RSASHA256 2 300 20260101000000 20251201000000 1 example. " + SIGNATURE + "\n",
    "RRSIG 2105": "a 300 RRSIG A 13 2 300 21050101000000 20251201000000 1 example. " + SIGNATURE + "\n",
    "RRSIG that ends before it begins": "a 300 RRSIG A 13 2 300 20250101000000 20260101000000 1 example. " + SIGNATURE + "\n",
    "RRSIG month 13": "a 300 RRSIG A 13 2 300 20261301000000 20251201000000 1 example. " + SIGNATURE + "\n",
    "RRSIG original TTL in units": "a 300 RRSIG A 13 2 1h 20260101000000 20251201000000 1 example. " + SIGNATURE + "\n",
    "NSEC": "a NSEC b A NS RRSIG NSEC TYPE65280 CAA\n",
    "NSEC in any order": "a NSEC b NSEC RRSIG A A\n",
    "NSEC without types": "a NSEC b\n",
    "NSEC bitmap with zeros at its end": "a NSEC \\# 6 0161000002 4000\n",
    "NSEC3": "a NSEC3 1 1 0 - 0p9mhaveqvm6t7vbl5lop2u3t2rp3tom A RRSIG\n",
    "NSEC3 salt": "a NSEC3 1 0 10 AABBccdd 2t7b4g4vsa5smi47k61mv5bv1a22bojr MX\n",
    "NSEC3 without types": "a NSEC3 1 1 0 - 0p9mhaveqvm6t7vbl5lop2u3t2rp3tom\n",
    "NSEC3 hash odd": "a NSEC3 1 1 0 - 0p9mhav A\n",
    "NSEC3PARAM": "a NSEC3PARAM 1 0 0 -\n",
    "NSEC3PARAM salt odd": "a NSEC3PARAM 1 0 0 abc\n",
    "CSYNC": "a CSYNC 66 3 A NS AAAA\n",
    "ZONEMD": "a ZONEMD 1 1 1 " + "ab" * 48 + "\n",
    "ZONEMD short": "a ZONEMD 1 1 240 " + "ab" * 11 + "\n",
    "DLV": "a DLV 1 13 2 " + "ab" * 32 + "\n",
    "CERT": "a CERT PGP 0 0 AAAA\n",
    "CERT in parts": "a CERT PGP 0 0 AAAAB BBB\n",
    "CERT numbers": "a CERT 65534 1 13 AAAA\n",
    "KEY without a key": "a KEY 49152 3 0\n",
    "SIG": "a 300 SIG A 5 2 300 20260101000000 20251201000000 1 example. " + SIGNATURE + "\n",
    "TLSA": "a TLSA 3 1 1 " + "ab" * 32 + "\n",
    "SMIMEA": "a SMIMEA 3 1 1 " + "ab" * 32 + "\n",
    "SSHFP": "a SSHFP 4 2 " + "ab" * 32 + "\n",
    "SSHFP short": "a SSHFP 4 2 abcd\n",
    "OPENPGPKEY": "a OPENPGPKEY AAAA BBBB\n",
    "DHCID": "a DHCID AAIBY2/AuCccgoJbsaxcQc9TUapptP69lOjxfNuVAA2kjEA=\n",
    "IPSECKEY": "a IPSECKEY 10 1 2 192.0.2.38 AQNR\n",
    "IPSECKEY none": "a IPSECKEY 10 0 2 . AQNR\n",
    "IPSECKEY 6": "a IPSECKEY 10 2 2 2001:db8::1 AQNR\n",
    "IPSECKEY name": "a IPSECKEY 10 3 2 gw AQNR\n",
    "IPSECKEY without a key": "a IPSECKEY 10 1 0 192.0.2.38\n",
    "IPSECKEY wrong": "a IPSECKEY 10 1 2 2001:db8::1 AQNR\n",
    "HIP": "a HIP 2 200100107B1A74DF365639CC39F1D578 AwEAAbdx rvs1 rvs2.example.\n",
    # others
    "SOA in units": "b SOA ns root 1 1h 15m 1w 1d\n",
    "SOA in parentheses": "b SOA ns root (\n 1 ; serial\n 2 3 4 5 )\n",
    "SOA serial beyond": "b SOA ns root 4294967296 2 3 4 5\n",
    "SOA of 32 bits": "@ SOA ns root 4294967295 4294967295 4294967295 4294967295 4294967295\n",
    "MX": "a MX 10 mail\n",
    "MX beyond": "a MX 65536 mail\n",
    "MX negative": "a MX -1 mail\n",
    "SRV": "_x._tcp SRV 0 5 5060 sip\n",
    "SRV root": "_x._tcp SRV 0 0 0 .\n",
    "NAPTR": "a NAPTR 100 10 \"u\" \"E2U+sip\" \"!^.*$!sip:x@example.!\" .\n",
    "NAPTR without quotes": "a NAPTR 100 10 u E2U+sip \"\" .\n",
    "CAA": "a CAA 0 issue \"ca.example; x=y\"\n",
    "CAA empty": "a CAA 0 issue \"\"\n",
    "CAA without quotes": "a CAA 128 iodef mailto:x@example.\n",
    "CAA tag": "a CAA 0 is-sue \"x\"\n",
    "CAA long": "a CAA 0 issue \"" + "x" * 300 + "\"\n",
    "URI": "a URI 10 1 \"https://example./\"\n",
    "URI empty": "a URI 10 1 \"\"\n",
    "LOC": "a LOC 42 21 54 N 71 06 18 W -24m 30m\n",
    "LOC short": "a LOC 52 N 0 E 0\n",
    "LOC all": "a LOC 35 40 52.123 N 139 46 1.5 E 40.25m 1m 200m 10m\n",
    "LOC beyond": "a LOC 91 N 0 E 0m\n",
    "LOC 90 0 1": "a LOC 90 0 1 N 0 E 0m\n",
    "LOC high": "a LOC 0 N 0 E 42849672.95m\n",
    "LOC low": "a LOC 0 N 0 E -100000.00m\n",
    "LOC big": "a LOC 0 N 0 E 0m 90000000m 90000000m 90000000m\n",
    "LOC sizes": "a LOC 0 N 0 E 0m 0.01m 0.5m 99m\n",
    "APL": "a APL 1:192.168.32.0/21 !1:192.168.38.0/28\n",
    "APL 6": "a APL 2:FF00:0:0:0:0:0:0:0/8\n",
    "APL none": "a APL\n",
    "APL zero": "a APL 1:0.0.0.0/0\n",
    "APL beyond": "a APL 1:192.0.2.0/33\n",
    "WKS": "a WKS 192.0.2.1 6 25 80\n",
    "WKS names": "a WKS 192.0.2.1 TCP smtp\n",
    "EUI48": "a EUI48 00-00-5e-00-53-2a\n",
    "EUI48 colons": "a EUI48 00:00:5e:00:53:2a\n",
    "EUI64": "a EUI64 00-00-5e-ef-10-00-00-2a\n",
    "NID": "a NID 10 0014:4fff:ff20:ee64\n",
    "NID short": "a NID 10 14:4fff:ff20:0\n",
    "L32": "a L32 10 10.1.2.0\n",
    "L64": "a L64 10 2001:0DB8:1140:1000\n",
    "LP": "a LP 10 l64-subnet1\n",
    "RP": "a RP mbox txt\n",
    "AFSDB": "a AFSDB 1 b\n",
    "X25": "a X25 311061700956\n",
    "ISDN": "a ISDN 150862028003217 004\n",
    "ISDN alone": "a ISDN \"150862028003217\"\n",
    "RT": "a RT 10 b\n",
    "NSAP": "a NSAP 0x47.0005.80.005a00.0000.0001.e133.ffffff000161.00\n",
    "NSAP-PTR": "a NSAP-PTR b\n",
    "PX": "a PX 10 b c\n",
    "GPOS": "a GPOS -32.6882 116.8652 10.0\n",
    "KX": "a KX 10 b\n",
    "DNAME": "a DNAME b\n",
    "MINFO": "a MINFO b c\n",
    "MB": "a MB b\n",
    "A6": "a A6 64 ::1 b\n",
    "A6 0": "a A6 0 2001:db8::1\n",
    "NXT": "a NXT b A NS NXT\n",
    "TALINK": "a TALINK b c\n",
    "NINFO": "a NINFO \"x\"\n",
    "RKEY": "a RKEY 0 3 13 AAAA\n",
    "EID": "a EID 12AB\n",
    "SINK": "a SINK 1 2 3 AAAA\n",
    "DOA": "a DOA 1 2 3 \"text/plain\" AAAA\n",
    "AMTRELAY": "a AMTRELAY 10 0 3 b\n",
    "AMTRELAY none": "a AMTRELAY 10 1 0 .\n",
    "AMTRELAY 4": "a AMTRELAY 10 0 1 192.0.2.1\n",
    "AVC": "a AVC \"app-name:x\"\n",
    "RESINFO": "a RESINFO qnamemin exterr=15-17\n",
    "WALLET": "a WALLET \"BTC\" \"x\"\n",
    "CLA": "a CLA \"TCP-v4-v6\"\n",
    "IPN": "a IPN 4294967297\n",
    "DSYNC": "a DSYNC CDS NOTIFY 5359 b\n",
    "DSYNC number": "a DSYNC CDS 1 5359 b\n",
    "HHIT": "a HHIT AAAA\n",
    "BRID": "a BRID AAAA\n",
    "NULL": "a NULL \\# 2 abcd\n",
    "NULL empty": "a NULL \\# 0\n",
    "OPT": "a OPT \\# 0\n",
    "ANY": "a ANY \\# 0\n",
    # SVCB
    "SVCB alias": "a SVCB 0 b\n",
    "SVCB": "a SVCB 1 . alpn=h2,h3 port=443\n",
    "SVCB quoted": "a SVCB 1 b alpn=\"h2,h3\" ipv4hint=\"192.0.2.1,192.0.2.2\"\n",
    "SVCB in any order": "a SVCB 16 b alpn=h2 mandatory=ipv4hint,alpn ipv4hint=192.0.2.1\n",
    "SVCB comma": "a SVCB 16 b alpn=\"f\\\\\\\\oo\\\\,bar,h2\"\n",
    "SVCB comma without quotes": "a SVCB 16 b alpn=f\\\\\\092oo\\092,bar,h2\n",
    "SVCB item of one octet": "a SVCB 1 b alpn=h,h2\n",
    "SVCB key667": "a SVCB 1 b key667=hello\n",
    "SVCB key667 quoted": "a SVCB 1 b key667=\"hello\\210qoo\"\n",
    "SVCB ipv6hint": "a SVCB 1 b ipv6hint=\"2001:db8::1,2001:db8::53:1\"\n",
    "SVCB mapped": "a SVCB 1 b ipv6hint=\"::ffff:198.51.100.100\"\n",
    "SVCB no-default-alpn": "a SVCB 1 b alpn=h2 no-default-alpn\n",
    "SVCB no-default-alpn alone": "a SVCB 1 b no-default-alpn\n",
    "SVCB no-default-alpn with a value": "a SVCB 1 b alpn=h2 no-default-alpn=abc\n",
    "SVCB twice": "a SVCB 1 b key123=abc key123=def\n",
    "SVCB mandatory without a value": "a SVCB 1 b mandatory\n",
    "SVCB alpn without a value": "a SVCB 1 b alpn\n",
    "SVCB port without a value": "a SVCB 1 b port\n",
    "SVCB ipv4hint without a value": "a SVCB 1 b ipv4hint\n",
    "SVCB ipv6hint without a value": "a SVCB 1 b ipv6hint\n",
    "SVCB mandatory missing": "a SVCB 1 b mandatory=key123\n",
    "SVCB mandatory itself": "a SVCB 1 b mandatory=mandatory\n",
    "SVCB mandatory twice": "a SVCB 1 b mandatory=key123,key123 key123=abc\n",
    "SVCB ech": "a SVCB 1 b ech=AEj+DQBEAQAgACAdd+scUi0IYFsXnUIU7ko2Nd9+F8M26pAGZVpz/KrWPgAEAAEAAWQVZWNoLXNpdGVzLmV4YW1wbGUubmV0AAA=\n",
    "SVCB dohpath": "a SVCB 1 b dohpath=/dns-query{?dns}\n",
    "SVCB ohttp": "a SVCB 1 b ohttp\n",
    "SVCB a value that is empty": "a SVCB 1 b key667=\n",
    "SVCB a quoted value that is empty": "a SVCB 1 b key667=\"\"\n",
    "SVCB key without a value": "a SVCB 1 b key667\n",
    "SVCB upper case": "a SVCB 1 b ALPN=h2\n",
    "SVCB a known key by its number": "a SVCB 1 b key3=\\001\\187\n",
    "SVCB zeros in front": "a SVCB 1 b key0667=x\n",
    "SVCB key65535": "a SVCB 1 b key65535=x\n",
    "SVCB alias with parameters": "a SVCB 0 b alpn=h2\n",
    "SVCB port escaped": "a SVCB 1 b port=\\052\n",
    "SVCB ends with a comma": "a SVCB 1 b alpn=h2,\n",
    "SVCB empty item": "a SVCB 1 b alpn=h2,,h3\n",
    "HTTPS": "a HTTPS 1 . alpn=h3\n",
}

# Types that a peer's version does not know or take: BIND's zones have one SOA.
UNKNOWN = {
    "libzscanner": "A6 AMTRELAY AVC BRID CLA DLV DOA DSYNC EID GPOS HHIT HIP IPN ISDN MB MG MR NINFO NSAP NSAP-PTR "
                   "NULL NXT PX RESINFO RKEY SIG SINK TALINK WALLET WKS X25 MD MF NIMLOC".split(),
    "BIND": "CLA IPN MD MF SOA".split(),
    "ldns": "A6 AMTRELAY AVC BRID CLA DOA DSYNC HHIT IPN NINFO NXT RESINFO RKEY SINK SOA WALLET".split(),
}

# case: {peer: the clause that decides}. Ours follows the clause; the peer does
# something else, or a check of whole zones that is no matter of text.
ZS, BIND, LDNS = "libzscanner", "BIND", "ldns"
ANY_CHARACTER = "RFC 1035 section 5.1, RFC 2181 section 11: any octet may stand in a label"
SVCB_LIST = "RFC 9460 sections 2.1 and 7: ldns keeps values that cannot be, and does not look for doubles"
DIGEST_LENGTH = "the digest's own RFC (4509, 6594, 8976 section 2.2.4) gives its length"
C_TEXT = "RFC 1035 section 5.1: \\DDD is how such an octet is written; what is behind it is lost without a word"
LINE_MAX = "Sekisho ZONEFILE_ENTRY_MAX: a line of half a megabyte is a mistake, and costs a reader memory"
DIFFER = {
    "CR alone": {BIND: "RFC 1035 section 5.1 says nothing of line ends; files of today end lines with LF or CRLF"},
    "NUL in a name": {LDNS: C_TEXT},
    "NUL in a text": {ZS: "RFC 1035 section 5.1: any character can occur between the marks", LDNS: C_TEXT},
    "NUL at the end": {LDNS: C_TEXT},
    "a name in UTF-8": {ZS: ANY_CHARACTER},
    "a backslash before the line's end": {LDNS: "RFC 1035 section 5.1: \\X quotes a character; the end of a line is none"},
    "a comment of 600 kB": {ZS: LINE_MAX, BIND: LINE_MAX, LDNS: LINE_MAX},
    "600 kB of blanks": {ZS: LINE_MAX, BIND: LINE_MAX, LDNS: LINE_MAX},
    "a text of 600 kB": {LDNS: "RFC 1035 section 3.2.1: RDLENGTH has 16 bits; the line is lost without a word"},
    "parentheses a thousand deep": {ZS: "as parentheses within parentheses"},
    "$TTL beyond": {LDNS: "RFC 2181 section 8: at most 2147483647"},
    "$TTL in units beyond": {LDNS: "RFC 2181 section 8: at most 2147483647"},
    "$TTL negative": {LDNS: "RFC 2181 section 8: unsigned"},
    "class HS": {LDNS: "RFC 1035 section 5.2: all records have one class"},
    "class NONE": {LDNS: "RFC 1035 section 5.2: all records have one class"},
    "class 65535": {LDNS: "RFC 1035 section 5.2: all records have one class"},
    "class 65536": {LDNS: "RFC 3597 section 5: a class has 16 bits"},
    "TYPE0": {ZS: "RFC 6895 section 3.1: type 0 stands in no zone (SIG(0), RFC 2931)", LDNS: "the same"},
    "TXT of 65536 octets": {LDNS: "RFC 1035 section 3.2.1: RDLENGTH has 16 bits; the line is lost without a word"},
    "dollar within": {ZS: ANY_CHARACTER},
    "at within": {ZS: ANY_CHARACTER},
    "slash and plus": {ZS: ANY_CHARACTER},
    "printable marks": {ZS: ANY_CHARACTER},
    "escaped quote": {LDNS: "RFC 1035 section 5.1: it prints the mark without its backslash"},
    "escaped dollar": {LDNS: "RFC 1035 section 5.1: it prints the mark without its backslash"},
    "escaped bracket": {BIND: "RFC 6891 section 5 ended the labels of bits that it stands for"},
    "name of 256": {LDNS: "RFC 1035 section 2.3.4: the line is lost without a word"},
    "decimal beyond 255": {ZS: "RFC 1035 section 5.1: \\DDD is an octet; it keeps the low eight bits"},
    "CRLF": {ZS: "RFC 1035 section 5.1 says nothing of line ends; files from Windows are common"},
    "parentheses within parentheses": {ZS: "RFC 1035 section 5.1 does not forbid it; BIND reads it"},
    "an open parenthesis": {LDNS: "RFC 1035 section 5.1: parentheses come in pairs; the next line is swallowed"},
    "a closing parenthesis": {LDNS: "RFC 1035 section 5.1: parentheses come in pairs"},
    "class and TTL": {LDNS: "RFC 1035 section 5.1: [<class>] [<TTL>] <type> is one of two forms"},
    "class 1": {ZS: "RFC 3597 section 5: CLASS and a number is a class"},
    "a unit and a number": {LDNS: "no RFC knows units; BIND's own format has one behind each number"},
    "TTL of 32 bits": {ZS: "RFC 2181 section 8: at most 2147483647", LDNS: "RFC 2181 section 8",
                       BIND: "RFC 2181 section 8 lets a receiver take it as 0; a file can still be mended"},
    "TTL beyond": {LDNS: "RFC 2181 section 8: it takes it as 0"},
    "$ttl": {LDNS: "RFC 1035 section 2.3.3: letter case does not count"},
    "$ORIGIN relative": {ZS: "RFC 1035 section 5.1: <domain-name> may be relative",
                         LDNS: "RFC 1035 section 5.1: a relative name is completed, not taken as complete"},
    "$ORIGIN twice": {ZS: "as $ORIGIN relative", LDNS: "as $ORIGIN relative"},
    "a directive that is none": {LDNS: "RFC 1035 section 5.1 has no such name; it makes a record of TYPE0"},
    "$GENERATE": {BIND: "RFC 1035 section 5.1 does not have it: BIND's own"},
    "another class": {LDNS: "RFC 1035 section 5.2: all records have one class"},
    "TYPE with blanks": {ZS: "RFC 3597 section 5: any number of words of hexadecimal; odd ones are not excluded"},
    "TYPE beyond": {LDNS: "RFC 3597 section 5: a type has 16 bits"},
    "generic data, too short": {ZS: "RFC 3597 section 5: data of a known type have its format"},
    "generic data of a name with a pointer": {ZS: "RFC 3597 section 4: no compression in such data"},
    "TXT of 256": {ZS: "RFC 1035 section 3.3: 255 octets; it cuts the text in two"},
    "TXT side by side": {BIND: "RFC 1035 section 5.1: items are parted by blanks", LDNS: "the same"},
    "TXT quote within": {BIND: "RFC 1035 section 5.1: a quoted text begins with its mark", LDNS: "the same"},
    "TXT equals and quote": {BIND: "RFC 1035 section 5.1: a quoted text begins with its mark", LDNS: "the same"},
    "TXT open": {LDNS: "RFC 1035 section 5.1: the mark at the end is missing"},
    "TXT over lines": {ZS: "RFC 1035 section 5.1: any character can occur between the marks", BIND: "the same",
                       LDNS: "the same"},
    "TXT over lines in parentheses": {BIND: "RFC 1035 section 5.1, as above",
                                      LDNS: "the line end is a character of the text, not a blank"},
    "TXT in UTF-8": {ZS: "RFC 1035 section 5.1: any character can occur between the marks"},
    "TXT in UTF-8 without quotes": {ZS: "RFC 1035 section 5.1: characters without interior spaces"},
    "DNSKEY base64 bits": {ZS: "RFC 4648 section 3.5: the bits that are left over are zero"},
    "DS digest short": {ZS: DIGEST_LENGTH, LDNS: DIGEST_LENGTH},
    "ZONEMD short": {ZS: DIGEST_LENGTH, LDNS: DIGEST_LENGTH},
    "SSHFP short": {ZS: DIGEST_LENGTH, LDNS: DIGEST_LENGTH},
    "NSAP-PTR": {LDNS: "RFC 1348: a name; it takes a text"},
    "RRSIG 2105": {LDNS: "as BIND", BIND: "RFC 4034 section 3.2: its printed year goes with serial arithmetic around now"},
    "CERT in parts": {ZS: "RFC 4398 section 2.2: white space anywhere in the base64"},
    "SOA of 32 bits": {BIND: "two SOAs", LDNS: "RFC 1035 section 3.3.13: 32 bits"},
    "NSEC without types": {BIND: "RFC 4034 section 4.1.2 does not ask for a type; the audit does"},
    "KEY without a key": {ZS: "RFC 2535 section 3.1.2: flags say there is none", LDNS: "the same"},
    "IPSECKEY name": {LDNS: "RFC 4025 section 2.5: the name is a name like others; it forgets the origin"},
    "IPSECKEY without a key": {BIND: "RFC 4025 section 3.1: the key may be left out", LDNS: "the same"},
    "CAA tag": {ZS: "RFC 8659 section 4.1: letters and digits"},
    "CAA without quotes": {LDNS: "RFC 8659 section 4.1.1: with or without quotation marks"},
    "LOC 90 0 1": {ZS: "RFC 1876 section 2: 90 degrees are the pole", LDNS: "the same"},
    "LOC beyond": {LDNS: "RFC 1876 section 3: up to 90 degrees; it writes RFC 3597's form"},
    "NID short": {ZS: "RFC 6742 section 2.1.2: as groups of an IPv6 address, zeros in front left out"},
    "APL beyond": {LDNS: "RFC 3123 section 4: at most 32 bits"},
    "SOA in units": {BIND: "a zone has one SOA, at its apex", LDNS: "the same"},
    "SOA in parentheses": {BIND: "a zone has one SOA, at its apex", LDNS: "the same"},
    "SOA serial beyond": {LDNS: "RFC 1035 section 3.3.13: 32 bits"},
    "MX beyond": {LDNS: "RFC 1035 section 3.3.9: 16 bits"},
    "MX negative": {LDNS: "RFC 1035 section 3.3.9: unsigned"},
    "OPT": {LDNS: "RFC 6891 section 6.1.1: OPT is in no zone"},
    "SVCB item of one octet": {ZS: "RFC 9460 section 7.1.1: 1 to 255 octets"},
    "SVCB no-default-alpn alone": {ZS: "RFC 9460 section 7.1.1: only beside alpn", LDNS: "the same"},
    "SVCB twice": {LDNS: SVCB_LIST},
    "SVCB mandatory without a value": {LDNS: SVCB_LIST},
    "SVCB alpn without a value": {LDNS: SVCB_LIST},
    "SVCB port without a value": {LDNS: SVCB_LIST},
    "SVCB ipv4hint without a value": {LDNS: SVCB_LIST},
    "SVCB ipv6hint without a value": {LDNS: SVCB_LIST},
    "SVCB mandatory missing": {LDNS: SVCB_LIST},
    "SVCB mandatory itself": {LDNS: SVCB_LIST},
    "SVCB mandatory twice": {LDNS: SVCB_LIST},
    "SVCB dohpath": {ZS: "RFC 9461 section 5 (newer than this version)"},
    "SVCB ohttp": {ZS: "RFC 9540 section 4 (newer than this version)", BIND: "the same", LDNS: "the same"},
    "SVCB a value that is empty": {ZS: "RFC 9460 section 2.1: \"=\" and an empty value are the same as none"},
    "SVCB a known key by its number": {LDNS: "RFC 9460 section 2.1: keyNNNNN is a form of any key"},
    "SVCB zeros in front": {ZS: "RFC 9460 section 2.1: without leading zeros", LDNS: "the same"},
    "SVCB port escaped": {LDNS: "RFC 9460 section 7.2: no escapes"},
}


# --- records by chance: each type in its usual and unusual forms -------------

def word(r, letters, low, high):
    return "".join(r.choice(letters) for _ in range(r.randint(low, high)))


def hexa(r, n):
    return "".join("%02x" % r.randrange(256) for _ in range(n))


def base64(r, n):
    import base64 as b
    text = b.b64encode(bytes(r.randrange(256) for _ in range(n))).decode()
    return " ".join([text[:8], text[8:]]) if r.random() < .5 else text


def label(r):
    def char():
        c = r.choice(list(b"abcdefghijklmnopqrstuvwxyzABCXYZ0189-_") * 4 + list(range(256)))
        if c == 0x5b:		# "escaped bracket" in DIFFER
            return "x"
        if chr(c).isalnum() and c < 128 or c in b"-_":
            return chr(c)
        return "\\%03d" % c if r.random() < .5 or not 32 < c < 127 else "\\" + chr(c)
    return "".join(char() for _ in range(r.randint(1, 20)))


def name(r):
    text = ".".join(label(r) for _ in range(r.randint(1, 4)))
    return r.choice([text, text, text + ".", ".", "@"])


def string(r, quoted=None):
    out = []
    for _ in range(r.choice([0, 1, 5, 40])):
        c = r.choice(list(range(32, 127)) * 3 + list(range(256)))
        if c in b"\"\\":
            out.append("\\" + chr(c))
        elif 32 <= c < 127 and (chr(c).isalnum() or r.random() < .7):
            out.append(chr(c))
        else:
            out.append("\\%03d" % c)
    return '"' + "".join(out) + '"'


def ipv4(r):
    return ".".join(str(r.randrange(256)) for _ in range(4))


def ipv6(r):
    groups = ["%x" % r.choice([0, 0, r.randrange(65536)]) for _ in range(8)]
    return ":".join(groups)


def num(bits):
    return lambda r: str(r.choice([0, 1, 2 ** bits - 1, r.randrange(2 ** bits)]))


TYPES = ("A NS MX AAAA TXT CNAME SOA RRSIG NSEC NSEC3 DNSKEY DS CAA SRV NAPTR LOC SVCB TLSA HINFO "
         "TYPE65280 TYPE3 CSYNC URI PTR KX CERT").split()


def rtype(r):
    return r.choice(TYPES)


def types(r):
    return " ".join(rtype(r) for _ in range(r.randint(1, 9)))


def sig_time(r, low, high):
    if r.random() < .5:
        return str(r.randrange((low - 1970) * 31557600, (high - 1970) * 31557600))
    return "%04d%02d%02d%02d%02d%02d" % (r.randint(low, high), r.randint(1, 12), r.randint(1, 28),
                                         r.randrange(24), r.randrange(60), r.randrange(60))


def inception(r):
    return sig_time(r, 1971, 2030)


def expiration(r):
    return sig_time(r, 2031, 2038)


def loc(r):
    return "%d %d %.3f %s %d %d %.3f %s %.2fm %dm %dm %dm" % (
        r.randrange(90), r.randrange(60), r.randrange(59999) / 1000, r.choice("NS"), r.randrange(180),
        r.randrange(60), r.randrange(59999) / 1000, r.choice("EW"), r.randint(-9999999, 99999999) / 100,
        r.randint(0, 9) * 10 ** r.randrange(7), r.randint(0, 9) * 10 ** r.randrange(7), r.randint(0, 9))


def apl(r):
    return " ".join(r.choice(["", "!"]) + r.choice([
        "1:%s/%d" % (ipv4(r), r.randint(0, 32)), "2:%s/%d" % (ipv6(r), r.randint(0, 128))])
        for _ in range(r.randint(0, 4)))


def svcb(r):
    params = ["alpn=" + ",".join(word(r, "abch23/", 2, 9) for _ in range(r.randint(1, 3)))]
    for p in ("port=%d" % r.randrange(65536), "no-default-alpn", "ipv4hint=" + ipv4(r) + "," + ipv4(r),
              "ipv6hint=" + ipv6(r), "key%d=%s" % (r.randint(20, 65534), string(r)),
              "mandatory=alpn", "ech=" + base64(r, 12).replace(" ", "")):
        if r.random() < .4:
            params.append(p)
    r.shuffle(params)
    return " ".join(params)


def salt(r):
    return r.choice(["-", hexa(r, r.randint(1, 12))])


def base32(r):
    return word(r, "0123456789abcdefghijklmnopqrstuv", 32, 32)


def group(r):
    return ":".join("%04x" % r.randrange(65536) for _ in range(4))


u8, u16, u31, u32 = num(8), num(16), num(31), num(32)
DIGEST = {"1": 20, "2": 32, "4": 48, "250": 9}


def digest(r):
    kind = r.choice(list(DIGEST))
    return kind + " " + hexa(r, DIGEST[kind])


FORMS = {
    "A": [ipv4], "NS": [name], "MD": [name], "MF": [name], "CNAME": [name], "PTR": [name],
    "SOA": [name, name, u31, u31, u31, u31, u31], "MB": [name], "MG": [name], "MR": [name],
    "HINFO": [string, string], "MINFO": [name, name], "MX": [u16, name],
    "TXT": [lambda r: " ".join(string(r) for _ in range(r.randint(1, 4)))],
    "RP": [name, name], "AFSDB": [u16, name], "X25": [lambda r: word(r, "0123456789", 4, 14)],
    "ISDN": [lambda r: word(r, "0123456789", 4, 14), lambda r: r.choice(["", "004"])], "RT": [u16, name],
    "KEY": [lambda r: "256", u8, u8, lambda r: base64(r, 20)], "PX": [u16, name, name], "AAAA": [ipv6], "LOC": [loc],
    "SRV": [u16, u16, u16, name], "NAPTR": [u16, u16, lambda r: '"u"', lambda r: '"E2U"', lambda r: '""', name],
    "KX": [u16, name], "CERT": [lambda r: r.choice(["PKIX", "PGP", "1", "8"]), u16, u8, lambda r: base64(r, 20)], "DNAME": [name], "APL": [apl],
    "DS": [u16, u8, digest], "SSHFP": [u8, lambda r: "2 " + hexa(r, 32)],
    "IPSECKEY": [u8, lambda r: r.choice(["0 2 .", "1 2 " + ipv4(r), "2 1 " + ipv6(r), "3 2 gw.example."]),
                 lambda r: base64(r, 20).replace(" ", "")],
    "RRSIG": [rtype, u8, lambda r: str(r.randint(130, 255)), u32, expiration, inception, u16, name, lambda r: base64(r, 64)],
    "NSEC": [name, types], "DNSKEY": [u16, u8, u8, lambda r: base64(r, 64)], "DHCID": [lambda r: base64(r, 35)],
    "NSEC3": [u8, u8, u16, salt, base32, types], "NSEC3PARAM": [u8, u8, u16, salt],
    "TLSA": [u8, u8, u8, lambda r: hexa(r, 32)], "SMIMEA": [u8, u8, u8, lambda r: hexa(r, 32)],
    "CDS": [u16, u8, digest], "CDNSKEY": [u16, u8, u8, lambda r: base64(r, 64)],
    "OPENPGPKEY": [lambda r: base64(r, 30)], "CSYNC": [u32, u16, types],
    "ZONEMD": [u32, u8, lambda r: "1 " + hexa(r, 48)], "SVCB": [lambda r: str(r.randint(1, 65535)), name, svcb],
    "HTTPS": [lambda r: str(r.randint(1, 65535)), name, svcb], "SPF": [string],
    "NID": [u16, group], "L32": [u16, ipv4], "L64": [u16, group], "LP": [u16, name],
    "EUI48": [lambda r: "-".join(hexa(r, 1) for _ in range(6))],
    "EUI64": [lambda r: "-".join(hexa(r, 1) for _ in range(8))],
    "URI": [u16, u16, lambda r: '"ftp://' + string(r)[1:]], "CAA": [u8, lambda r: "issue", string],
    "TYPE65281": [lambda r: "\\# 4 " + hexa(r, 4)],
}


def by_chance(seed, per_type):
    r = random.Random(seed)
    lines = []
    for kind, fields in FORMS.items():
        for i in range(per_type):
            lines.append("%s-%d %s %s %s" % (kind.lower(), i, u16(r), kind, " ".join(f(r) for f in fields)))
    return "\n".join(lines) + "\n"


# --- readers: {file: (records, refused)} -------------------------------------

def dumped(argv, files):
    """The output of one of the dump programs: {file: ([record], [error], [text])}."""
    out, got = {}, subprocess.run(argv + [ORIGIN, TTL] + files, capture_output=True, timeout=120)
    if got.returncode != 0:
        raise RuntimeError("%s: %d %s" % (argv[0], got.returncode, got.stderr[-500:]))
    for line in got.stdout.decode("latin-1").split("\n"):
        kind, _, rest = line.partition(" ")
        if kind == "=":
            now = out[rest] = ([], [], [])
        elif kind in ("r", "e", "p"):
            now["rep".index(kind)].append(rest)
    return out


def canonical(record):
    """Peers lower the letters of owners, or keep them: neither counts."""
    owner, kind, cls, ttl, data = record.split(" ")
    low = bytes(c | 0x20 if 65 <= c <= 90 else c for c in bytes.fromhex(owner))
    return " ".join([low.hex(), kind, cls, ttl, data])


def build(folder, source, *libs):
    exe = os.path.join(folder, os.path.splitext(source)[0])
    got = subprocess.run(["cc", "-O1", "-o", exe, os.path.join(HERE, source), *libs], capture_output=True)
    return exe if got.returncode == 0 else None


def named_compilezone(path):
    """BIND's text of a zone; None: refused."""
    got = subprocess.run([peers.find("named-compilezone"), "-q", "-i", "none", "-k", "ignore", "-m", "ignore",
                          "-M", "ignore", "-n", "ignore", "-r", "ignore", "-S", "ignore", "-T", "ignore",
                          "-W", "ignore", "-s", "full", "-o", path + ".bind", ORIGIN, path],
                         capture_output=True, timeout=60)
    return path + ".bind" if got.returncode == 0 else None


def ldns_read_zone(path):
    got = subprocess.run([peers.find("ldns-read-zone"), path], capture_output=True, timeout=60)
    if got.returncode != 0:
        return None
    with open(path + ".ldns", "wb") as f:
        f.write(got.stdout)
    return path + ".ldns"


def type_of(text):
    """The type of a case's last record."""
    words = text.replace("(", " ").split()
    return next((w for w in words if w in ALL_TYPES), "")


ALL_TYPES = set(sum(UNKNOWN.values(), []))


class Peer:
    """Reads files; another peer's text is read by `readers`, the first that can."""

    def __init__(self, label, rewrite, readers):
        self.label, self.rewrite, self.readers = label, rewrite, readers

    def read(self, paths):
        """{path: set of records, or None where it refuses}."""
        wrote = {p: p if self.rewrite is None else self.rewrite(p) for p in paths}
        out, rest = dict.fromkeys(paths), {p: w for p, w in wrote.items() if w is not None}
        for exe in self.readers if rest else ():
            got = dumped([exe], list(rest.values()))
            for p, w in list(rest.items()):
                records, errors, _ = got[w]
                if not errors or (exe == self.readers[-1] and self.rewrite is not None):
                    out[p] = set(map(canonical, records))
                    del rest[p]
        return out


def peer_list(tap, folder, ours_exe):
    zscan = build(folder, "zscan_dump.c", "-lzscanner")
    if zscan is None:
        tap.skip("libzscanner", "it is not installed, or there is no compiler")
    else:
        yield Peer(ZS, None, [zscan])
    # Their own text is read by one that is neither theirs nor ours, if it can.
    readers = [exe for exe in (zscan, ours_exe) if exe is not None]
    for label, program, rewrite in ((BIND, "named-compilezone", named_compilezone),
                                    (LDNS, "ldns-read-zone", ldns_read_zone)):
        if peers.missing(program):
            tap.skip(label, program + " is not installed")
        else:
            yield Peer(label, rewrite, readers)


def write(path, text):
    with open(path, "wb") as f:
        f.write(text.encode())
    return path


def told(peer, case, accepted):
    """Is a difference explained?"""
    return peer.label in DIFFER.get(case, {}) or (accepted and type_of(CASES[case]) in UNKNOWN[peer.label])


def at_once(folder, ours_exe, peer, cases):
    """Do we agree on all of these in one file? A program is started but once."""
    text = "".join("$TTL 3600\n$ORIGIN c%03d.example.\n%s\n" % (i, CASES[c]) for i, c in enumerate(cases))
    path = write(os.path.join(folder, "at-once"), HEAD + text)
    records, errors, _ = dumped([ours_exe], [path])[path]
    return not errors and peer.read([path])[path] == set(map(canonical, records))


def by_hand(tap, folder, ours_exe, others):
    files = {case: write(os.path.join(folder, "c%03d" % i), HEAD + text)
             for i, (case, text) in enumerate(CASES.items())}
    ours = dumped([ours_exe], list(files.values()))
    for peer in others:
        alike = [c for c in files if not ours[files[c]][1] and not told(peer, c, True) and c != "name of 255"]
        rest = [c for c in files if c not in alike] if at_once(folder, ours_exe, peer, alike) else list(files)
        odd, gone = [], []
        read = peer.read([files[c] for c in rest])
        for case in rest:
            records, errors, _ = ours[files[case]]
            want = None if errors else set(map(canonical, records))
            same = read[files[case]] == want
            if not same and not told(peer, case, want is not None):
                odd.append("%s: ours %s" % (case, errors or records[3:]))
            elif same and peer.label in DIFFER.get(case, {}):
                gone.append(case)
        tap.none(odd, "%s sees %d cases as we do, or its difference is explained" % (peer.label, len(files)))
        tap.diag("%d of them in one file" % (len(files) - len(rest)))
        if gone:
            tap.diag("%s now agrees on: %s" % (peer.label, ", ".join(gone)))
    tap.none([c for c in DIFFER if c not in CASES], "nothing is explained that is not asked")


def chance(tap, folder, ours_exe, others):
    for peer in others:
        lines = [line for line in by_chance(20261122, 12).splitlines()
                 if line.split()[2] not in UNKNOWN[peer.label] and
                 # "escaped quote" and "escaped dollar" in DIFFER
                 not (peer.label == LDNS and re.search(r'\\(034|036|"|\$)', line))]
        path = write(os.path.join(folder, "chance"), HEAD + "\n".join(lines) + "\n")
        records, errors, _ = dumped([ours_exe], [path])[path]
        tap.none(errors, "%d records by chance are read" % len(lines))
        got = peer.read([path])[path]
        want = set(map(canonical, records))
        tap.none([] if got == want else ["refused"] if got is None else
                 sorted("%s" % r[:300] for r in (want ^ got))[:6],
                 "%s reads the same octets" % peer.label)


def again(tap, folder, ours_exe):
    """What we print, we read as the same."""
    path = write(os.path.join(folder, "all"), HEAD + by_chance(7, 20))
    records, errors, texts = dumped([ours_exe], [path])[path]
    tap.none(errors, "records by chance are read")
    path = write(os.path.join(folder, "printed"), "\n".join(texts) + "\n")
    tap.ok(dumped([ours_exe], [path])[path] == (records, [], texts), "their print is read as the same, and printed so")


def roots(tap, folder, ours_exe, others):
    zones = os.path.join(peers.DATA, "dns", "zones")
    if not os.path.isdir(zones):
        tap.skip("the root zone", "no " + zones)
        return
    for file in sorted(os.listdir(zones)):
        with gzip.open(os.path.join(zones, file), "rt") as f:
            path = write(os.path.join(folder, "root.zone"), f.read())
        records, errors, texts = dumped([ours_exe], [path])[path]
        tap.none(errors, "%s: %d records" % (file, len(records)))
        printed = write(os.path.join(folder, "root.printed"), "\n".join(texts) + "\n")
        for peer in others:
            if peer.label != ZS:
                continue
            want = list(map(canonical, records))
            for p, what in ((path, "the file"), (printed, "our print of it")):
                got = dumped(peer.readers, [p])[p]
                tap.ok(list(map(canonical, got[0])) == want and not got[1], "%s: libzscanner, %s" % (file, what))


def main():
    tap = Tap()
    ours_exe = os.environ.get("ZONETEXT_DUMP") or os.path.join(peers.BUILD, "tests", "peer", "zonetext_dump")
    with tempfile.TemporaryDirectory() as folder:
        others = list(peer_list(tap, folder, ours_exe))
        again(tap, folder, ours_exe)
        by_hand(tap, folder, ours_exe, others)
        chance(tap, folder, ours_exe, others)
        roots(tap, folder, ours_exe, others)
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
