#!/usr/bin/env python3
"""
Zones signed by `sekisho zone sign`, seen through Unbound: every algorithm with
NSEC, NSEC3 and NSEC3 with opt-out, one odd zone each, below a parent of ours
whose key is the only trust anchor, served unchanged by NSD, Knot and BIND.

Every answer has to come with AD. It may not where RFC 5155 section 9.2 says so:
where the proof goes through an opt-out span, and below an insecure delegation.
Last in each zone stands a name whose signature the test has spoilt: SERVFAIL.
"""
import hashlib
import os
import re
import sys
import tempfile

import dnskit
import peers
from dnskit import NOERROR, NXDOMAIN, SERVFAIL
from tap import Tap

ALGS = {8: "RSASHA256", 10: "RSASHA512", 13: "ECDSAP256SHA256", 14: "ECDSAP384SHA384", 15: "ED25519", 16: "ED448"}
DENIALS = {"nsec": [], "nsec3": ["--nsec3"], "optout": ["--nsec3", "--opt-out"]}
SERVERS = (dnskit.Nsd, dnskit.Knot, dnskit.Bind)
BIG = 100		# TXT records of 512 octets, 52 KB: more of them BIND refuses
# NSD 4.6.1 denies the asterisk with the NSEC of the name before a label such as
# \009, and not with that of the last name below it (2026-11-22). Good or bogus.
MISSES = {("nsd", "nsec", "no such name, beside a control character")}
tap = Tap()

ZONE = r"""$TTL 300
@	SOA	ns host 1 3600 600 86400 60
@	NS	ns
ns	A	127.0.0.1
www	A	192.0.2.1
www	AAAA	2001:db8::1
*.wild	A	192.0.2.2
*.wild	TXT	"any"
there.wild TXT	"no A here"
under.*.wild TXT "below the asterisk"
a.b.ent	A	192.0.2.3
old	DNAME	www.new
x.www.new A	192.0.2.4
into	CNAME	some.thing.wild
dot\.dot.\009\"q.esc A	192.0.2.5
UPPER	A	192.0.2.6
odd	TYPE65280 \# 4 01020304
odd	TYPE65534 \# 0
odd	CAA	0 issue "ca.example"
insecure NS	ns.insecure
ns.insecure A	127.0.0.1
safe	NS	ns.safe
safe	DS	12345 13 2 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff
ns.safe	A	127.0.0.1
\255\255 A	192.0.2.7
spoilt	A	192.0.2.8
"""

BELOW = """$TTL 300
@	SOA	ns host 1 3600 600 86400 60
@	NS	ns
ns	A	127.0.0.1
www	A	192.0.2.9
"""

ALWAYS, NEVER, SPAN = "always", "never", "not where opt-out spans"
# what, name, type, rcode, AD, type and number of the answers
QUESTIONS = [
    ("the SOA record", "", "SOA", NOERROR, ALWAYS, "SOA", 1),
    ("the keys", "", "DNSKEY", NOERROR, ALWAYS, "DNSKEY", 2),
    ("a name", "www", "A", NOERROR, ALWAYS, "A", 1),
    ("a name in capital letters", "upper", "A", NOERROR, ALWAYS, "A", 1),
    ("no such type", "www", "MX", NOERROR, ALWAYS, "MX", 0),
    ("no such type at the apex", "", "AAAA", NOERROR, ALWAYS, "AAAA", 0),
    ("no such name", "nowhere", "A", NXDOMAIN, SPAN, "A", 0),
    ("no such name, deep", "a.b.c.www", "A", NXDOMAIN, SPAN, "A", 0),
    ("no such name, before the first", r"\000", "A", NXDOMAIN, SPAN, "A", 0),
    ("no such name, behind the last", r"\255\255\255", "A", NXDOMAIN, SPAN, "A", 0),
    ("the last name", r"\255\255", "A", NOERROR, ALWAYS, "A", 1),
    ("no such type at the last name", r"\255\255", "AAAA", NOERROR, ALWAYS, "AAAA", 0),
    ("a wildcard's answer", "one.wild", "A", NOERROR, SPAN, "A", 1),
    ("a wildcard's answer, deep", "one.two.three.wild", "TXT", NOERROR, SPAN, "TXT", 1),
    ("a wildcard's lack of a type", "one.wild", "MX", NOERROR, SPAN, "MX", 0),
    ("the asterisk itself", "*.wild", "A", NOERROR, ALWAYS, "A", 1),
    ("below the asterisk", "under.*.wild", "TXT", NOERROR, ALWAYS, "TXT", 1),
    ("beside the wildcard", "there.wild", "A", NOERROR, ALWAYS, "A", 0),
    ("an empty non-terminal", "b.ent", "A", NOERROR, ALWAYS, "A", 0),
    ("another", "ent", "TXT", NOERROR, ALWAYS, "TXT", 0),
    ("an alias into the wildcard", "into", "A", NOERROR, SPAN, "A", 1),
    ("the DNAME itself", "old", "DNAME", NOERROR, ALWAYS, "DNAME", 1),
    ("below the DNAME", "x.old", "A", NOERROR, ALWAYS, "A", 1),
    ("below the DNAME, not there", "y.old", "A", NXDOMAIN, SPAN, "A", 0),
    ("an escaped name", r'dot\.dot.\009\"q.esc', "A", NOERROR, ALWAYS, "A", 1),
    ("not its escape", r'dot.dot.\009\"q.esc', "A", NXDOMAIN, SPAN, "A", 0),
    ("no such name, beside a control character", "nowhere.esc", "A", NXDOMAIN, SPAN, "A", 0),
    ("type 65280", "odd", 65280, NOERROR, ALWAYS, 65280, 1),
    ("type 65534, without data", "odd", 65534, NOERROR, ALWAYS, 65534, 1),
    ("no type 65281 there", "odd", 65281, NOERROR, ALWAYS, 65281, 0),
    ("no type 65280", "www", 65280, NOERROR, ALWAYS, 65280, 0),
    ("CAA", "odd", "CAA", NOERROR, ALWAYS, "CAA", 1),
    ("a big set of records", "big", "TXT", NOERROR, ALWAYS, "TXT", BIG),
    ("DS of a secure delegation", "safe", "DS", NOERROR, ALWAYS, "DS", 1),
    ("no DS of an insecure one", "insecure", "DS", NOERROR, SPAN, "DS", 0),
    ("below the insecure one", "www.insecure", "A", NOERROR, NEVER, "A", 1),
    ("below it, not there", "nowhere.insecure", "A", NXDOMAIN, NEVER, "A", 0),
    ("a spoilt signature", "spoilt", "A", SERVFAIL, NEVER, "A", 0),
]


def nsec3_hash(wire):
    """Without iterations and salt: RFC 5155 section 5, in base32hex."""
    n = int.from_bytes(hashlib.sha1(wire).digest(), "big")
    return "".join("0123456789abcdefghijklmnopqrstuv"[n >> s & 31] for s in range(155, -1, -5))


def behind_the_last(zone, path):
    """A name that is not there and whose hash lies before the first or behind the last of the chain."""
    hashes = sorted(re.findall(r"^([0-9a-v]{32})\.\S+\s+\d+\s+IN\s+NSEC3\s", open(path).read(), re.M))
    for n in range(100000):
        h = nsec3_hash(dnskit.name_wire("n%d.%s" % (n, zone)))
        if not hashes[0] < h < hashes[-1]:
            return "n%d" % n
    raise RuntimeError("no name behind " + hashes[-1])


def spoil(path):
    """Change one letter amid the signature of spoilt's A."""
    text = open(path).read()
    line = re.search(r"^spoilt\.\S+\s.*\sRRSIG\s+A\s.*$", text, re.M).group(0)
    head, _, sig = line.rpartition(" ")
    at = len(sig) // 2
    sig = sig[:at] + ("B" if sig[at] == "A" else "A") + sig[at + 1:]
    with open(path, "w") as f:
        f.write(text.replace(line, head + " " + sig))


class Child:
    def __init__(self, folder, alg, denial):
        self.name, self.denial = "a%d-%s.test." % (alg, denial), denial
        self.title = "%s, %s" % (ALGS[alg], denial)
        text = ZONE + "".join('big TXT "%s" "%s"\n' % (("%03d" % i).ljust(254, "x"), "y" * 255) for i in range(BIG))
        self.file = dnskit.sign(folder, self.name, text, "--generate", ALGS[alg], *DENIALS[denial])
        self.last = None if denial == "nsec" else behind_the_last(self.name, self.file)
        spoil(self.file)
        ksk, = dnskit.key_files(os.path.join(folder, "keys"), self.name, 257)
        self.ds = dnskit.ds_data(self.name, ksk)

    def questions(self):
        """[(row of QUESTIONS, name, type)]"""
        rows = list(QUESTIONS)
        if self.last:
            rows.append(("no such name, behind the last hash", self.last, "A", NXDOMAIN, SPAN, "A", 0))
        return [(row, row[1] + "." + self.name if row[1] else self.name, row[2]) for row in rows]


class World:
    """All zones, and who serves them."""

    def __init__(self, folder):
        self.folder, self.children = folder, [Child(folder, a, d) for a in ALGS for d in DENIALS]
        text = BELOW + "".join("%s NS ns.%s\nns.%s A 127.0.0.1\n%s DS %s\n"
                               % (c.name, c.name, c.name, c.name, c.ds) for c in self.children)
        # The negative control of the chain: the DS is another key's.
        other = self.children[0]
        text += "%s NS ns.%s\nns.%s A 127.0.0.1\n%s DS %s\n" % ((self.wrong(),) * 4 + (other.ds,))
        parent = dnskit.sign(folder, "test.", text, "--generate", "13")
        ksk, = dnskit.key_files(os.path.join(folder, "keys"), "test.", 257)
        self.anchor = "test. DS " + dnskit.ds_data("test.", ksk)
        below = dnskit.write(os.path.join(folder, "below"), BELOW)
        self.zones = {"test.": parent, self.wrong(): dnskit.sign(folder, self.wrong(), BELOW, "--generate", "15")}
        self.zones.update({c.name: c.file for c in self.children})
        self.zones.update({"insecure." + c.name: below for c in self.children})

    def wrong(self):
        return "wrong-ds.test."


def judge(server, child, row, a):
    """None, or what is wrong with the answer."""
    what, name, _, rcode, ad, atype, count = row
    ad = ad == ALWAYS or (ad == SPAN and child.denial != "optout")
    if a is None:
        return "%s (%s): no answer" % (what, name)
    if a.bogus and (server.name, child.denial, what) in MISSES:
        return None
    if (a.rcode, a.ad, a.count(atype)) != (rcode, ad, count) or (rcode == SERVFAIL and not a.bogus):
        return "%s (%s): %s" % (what, name, a)
    return None


def ask_children(world, resolver, server):
    asked = [(c, row, name, qtype) for c in world.children for row, name, qtype in c.questions()]
    got = dnskit.ask_all(resolver.port, [(name, qtype) for _, _, name, qtype in asked], 20)
    for c in world.children:
        tap.none([f for q, a in zip(asked, got) if q[0] is c for f in [judge(server, c, q[1], a)] if f],
                 "%s: %s" % (server.name, c.title))
    for name in (world.wrong(), "www." + world.wrong()):
        a = dnskit.ask(resolver.port, name, "A", seconds=5)
        tap.ok(a is not None and a.bogus, "%s: %s, whose DS is another's, is bogus" % (server.name, name), a)


def through(world, server):
    if not tap.ok(server.up(), "%s serves all zones" % server.name):
        tap.diag(server.process.text()[-2000:])
        return
    resolver = dnskit.Unbound(world.folder, server, world.anchor)
    try:
        if not tap.ok(resolver.up(), "Unbound in front of %s" % server.name):
            tap.diag(resolver.process.text()[-2000:])
            return
        ask_children(world, resolver, server)
    finally:
        resolver.stop()


def main():
    if peers.missing("unbound"):
        tap.skip("resolve", "unbound is not installed")
        return tap.done()
    with tempfile.TemporaryDirectory(prefix="sekisho-resolve-") as folder:
        world, servers = World(folder), []
        try:
            for make in SERVERS:
                if peers.missing(make.program):
                    tap.skip(make.name, make.program + " is not installed")
                else:
                    servers.append(make(folder, world.zones))
            for server in servers:
                tap.case(through, world, server)
        finally:
            for server in servers:
                server.stop()
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
