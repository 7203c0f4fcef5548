#!/usr/bin/env python3
"""
The kind of denial changes by policy, in the running service: NSEC, NSEC3, with
opt-out, without, and back. Each version has one chain, whole (dnssec/dnssec.h
says why that is safe for caches). NSD serves the file, and one Unbound, which
makes answers of what it has cached (aggressive-nsec), is asked all the time.
"""
import os
import re
import sys

import dnskit
import peers
from dnskit import NOERROR, NXDOMAIN
from tap import Tap

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "cli"))
import dnsworld  # noqa: E402
import house  # noqa: E402
from house import House, run, wait_for  # noqa: E402

ZONE, LONG = "x.test.", 60
TEXT = """$TTL 300
@ SOA ns host 1 3600 900 604800 300
@ NS ns
ns A 127.0.0.1
www A 192.0.2.1
*.wild A 192.0.2.2
a.b.ent A 192.0.2.3
ins NS ns.elsewhere.example.
sec NS ns.elsewhere.example.
sec DS 12345 13 2 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff
"""
CONF = """dns:
  look-interval: 0
  zones:
    - {name: x.test, file: x.zone, output: x.signed, policy: p}
  policies:
    - {name: p, keys: csk, backup-required: no, denial: %s}
"""
STEPS = ("nsec", "nsec3", "nsec3-optout", "nsec3", "nsec")
t = Tap()


def kind(path):
    """What a file has: which chains, told by their records; and its text."""
    try:
        with open(path) as f:
            text = f.read()
    except OSError:
        return set(), ""
    flags = {m for m in re.findall(r"\sNSEC3\s+1 ([01]) ", text)}
    return ({"nsec"} if re.search(r"\sNSEC\s", text) else set()) | {"nsec3" if f == "0" else "nsec3-optout" for f in flags}, text


def questions(step):
    """[(name, type, rcode, proof that opt-out weakens)]: the same ones again, from the cache too, and new ones."""
    out = [("www", "A", NOERROR, False), ("www", "MX", NOERROR, False), ("", "TYPE51", NOERROR, False),
           ("ent", "TXT", NOERROR, False), ("sec", "DS", NOERROR, False), ("ins", "DS", NOERROR, True)]
    for n in ("again", "new%d" % step):
        out += [(n, "A", NXDOMAIN, True), (n + ".www", "A", NXDOMAIN, True), (n + ".ent", "TXT", NXDOMAIN, True),
                (n + ".wild", "A", NOERROR, True), (n + ".wild", "MX", NOERROR, True)]
    return out


def faults(port, step):
    """What Unbound says wrong. Behind opt-out, and as long as caches have it, proofs give no AD."""
    weak, wrong = "nsec3-optout" in STEPS[:step + 1], []
    for name, kind_, rcode, by_span in questions(step):
        qtype = 51 if kind_ == "TYPE51" else kind_
        a = dnskit.ask(port, name + "." + ZONE if name else ZONE, qtype, seconds=10)
        if a is None or a.rcode != rcode or (not a.ad and not (by_span and weak)):
            wrong.append("%s %s: %s" % (name, kind_, a))
    return wrong


def served(server, want):
    """Has NSD the version with these chains? NSEC3PARAM tells; opt-out, the serial."""
    serial = next(r[3][-20:-16] for r in dnsworld.records(want) if r[1] == dnsworld.SOA)
    a = dnskit.ask(server.port, ZONE, "SOA", 0, 0.5)
    return a is not None and any(data[-20:-16] == serial for kind_, _, data in a.answer if kind_ == dnsworld.SOA)


def change(h, signed, step, server):
    h.more = CONF % STEPS[step]
    h.write_conf()
    t.equal(run("reload", "-c", h.conf)[0], 0, "policy: " + STEPS[step])
    t.ok(wait_for(lambda: kind(signed)[0] == {STEPS[step]}, LONG, 0.1), "one chain is published: " + STEPS[step],
         "%s\n%s" % (kind(signed)[0], h.log()[-1500:]))
    text = kind(signed)[1]
    server.reload()
    t.ok(wait_for(lambda: served(server, text), LONG, 0.1), "NSD has it", server.process.text()[-500:])


def verified(signed):
    """By everybody who is there; ours says that no second chain is left, even as a note."""
    code, out, err = run("zone", "verify", "--zone", ZONE, "--json", signed)
    t.ok(code == 0 and "DNS_DENIAL_MIXED" not in out, "it verifies", out + err)
    if not peers.missing("dnssec-verify"):
        r = peers.run([peers.find("dnssec-verify"), "-q", "-z", "-o", ZONE, signed])
        t.ok(r.status == 0, "dnssec-verify takes it", r.out + r.err)


def changes(_, d):
    with open(os.path.join(d, "x.zone"), "w") as f:
        f.write(TEXT)
    house.lab(d)
    signed = os.path.join(d, "x.signed")
    h = House(d, CONF % STEPS[0])
    h.start()
    t.ok(wait_for(lambda: kind(signed)[0] == {STEPS[0]}, LONG, 0.1), "signed: " + STEPS[0], h.log()[-1500:])
    key = next(r[3] for r in dnsworld.records(kind(signed)[1]) if r[1] == dnsworld.DNSKEY)
    ds = dnsworld.ds_of(ZONE, key)
    anchor = "%s DS %d %d 2 %s" % (ZONE, int.from_bytes(ds[:2], "big"), ds[2], ds[4:].hex())
    server = dnskit.Nsd(d, {ZONE: signed})
    resolver = dnskit.Unbound(d, server, anchor, options=("aggressive-nsec: yes",))
    try:
        if not t.ok(server.up() and resolver.up(), "NSD and Unbound", server.process.text() + resolver.process.text()):
            return
        for step in range(len(STEPS)):
            if step > 0:
                change(h, signed, step, server)
                verified(signed)
            t.none(faults(resolver.port, step), "Unbound is content with %s" % STEPS[step])
            t.none(faults(resolver.port, step), "and with what it has cached")
    finally:
        resolver.stop()
        server.stop()


def main():
    if peers.missing("nsd") or peers.missing("unbound"):
        t.skip("denial-change", "NSD or Unbound is not installed")
        return t.done()
    with house.folder() as d:
        try:
            t.case(changes, None, d)
        finally:
            house.stop_all()
    return t.done()


if __name__ == "__main__":
    sys.exit(main())
