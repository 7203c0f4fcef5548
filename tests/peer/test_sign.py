#!/usr/bin/env python3
"""Odd zones, signed by us in every way, hold for dnssec-verify (BIND),
ldns-verify-zone and kzonecheck (Knot). Where a peer is wrong is said below."""
import os
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import odd_zones
import peers
from tap import Tap

ALGORITHMS = (8, 10, 13, 14, 15, 16)
DENIALS = ("nsec", "nsec3", "opt-out")
PEERS = {
    # -z: one key for all is right, too.
    "dnssec-verify": lambda origin, path: ["-q", "-o", origin] + ["-z"] * path.endswith("csk") + [path],
    "ldns-verify-zone": lambda origin, path: [path],
    "kzonecheck": lambda origin, path: ["-d", "on", "-o", origin, path],
}
# (peer, zone, denial or None): what it says, and why it is wrong or cannot tell.
WRONG = {
    ("kzonecheck", "zeros", "nsec"):
        ("inconsistent NSEC", "3.2.6 sorts \\000\\000 before a.\\000; RFC 4034 section 6.1: the label \\000 comes first"),
    ("ldns-verify-zone", "at", "nsec"):
        ("Bogus DNSSEC signature", "1.8.3 reads \\@ in data as the origin; RFC 1035 section 5.1: it is the letter"),
    ("kzonecheck", "below-dname", None):
        ("child record exists under DNAME", "it takes no such zone; RFC 6672 section 2.4 forbids it, and we leave the name unsigned"),
    ("kzonecheck", "old-types", None):
        ("failed to run semantic checks", "3.2.6 cannot read MD, MF, WKS, X25, ISDN, NSAP, PX, GPOS, HIP and others by name"),
    ("ldns-verify-zone", "old-types", None):
        ("could not parse the RR's rdata", "1.8.3 cannot read AVC by name"),
}
t = Tap()


def signer():
    return os.environ.get("SEKISHO_SIGN_ZONE") or os.path.join(peers.BUILD, "tests", "peer", "sign_zone")


def sign(folder, name, origin, text, algorithms, denial, keys):
    """The one place that knows how a zone is signed: the signed file's path."""
    unsigned = os.path.join(folder, name + ".zone")
    signed = os.path.join(folder, "%s.%s.%s.%s" % (name, algorithms, denial, keys))
    if os.path.exists(signed):		# for a peer before this one
        return signed
    with open(unsigned, "w") as f:
        f.write(text)
    r = peers.run([signer(), origin, unsigned, algorithms, denial, keys, str(int(time.time()))])
    if r.status != 0:
        raise RuntimeError("%s: %s" % (signed, r.err))
    with open(signed, "w") as f:
        f.write(r.out)
    return signed


def verify(peer, name, origin, denial, path):
    """Fault texts; a known one of the peer's own is none."""
    r = peers.run([peers.find(peer)] + PEERS[peer](origin, path))
    known = WRONG.get((peer, name, denial)) or WRONG.get((peer, name, None))
    if r.status == 0 or (known and known[0] in r.out + r.err):
        return []
    return ["%s %s %s: %s%s" % (peer, name, denial, r.out[-600:], r.err[-600:])]


def case(folder, peer, name, origin, text, algorithms, denial, keys="split"):
    return verify(peer, name, origin, denial, sign(folder, name, origin, text, algorithms, denial, keys))


def odd(folder, peer):
    faults = []
    for name, origin, text in odd_zones.zones():
        for denial in DENIALS:
            faults += case(folder, peer, name, origin, text, "13", denial)
    t.none(faults, "%s takes the odd zones" % peer)


def algorithms(folder, peer):
    name, origin, text = next(odd_zones.zones())
    faults = []
    for algorithm in ALGORITHMS:
        for denial in DENIALS:
            faults += case(folder, peer, name, origin, text, str(algorithm), denial, "csk")
    faults += case(folder, peer, name, origin, text, "8,13", "nsec3")
    t.none(faults, "%s takes each algorithm, and two at once" % peer)


FLAGS = {"nsec": [], "nsec3": ["--nsec3"], "opt-out": ["--nsec3", "--opt-out"]}


def command(folder, peer):
    """The same through `sekisho zone sign`, with keys of its own in files."""
    name, origin, text = next(odd_zones.zones())
    unsigned, keys = os.path.join(folder, "command.zone"), os.path.join(folder, "keys")
    os.makedirs(keys, exist_ok=True)
    with open(unsigned, "w") as f:
        f.write(text)
    faults = []
    for denial in DENIALS:
        signed = os.path.join(folder, "command." + denial)
        r = peers.run([peers.sekisho(), "zone", "sign", unsigned, "-K", keys, "--generate", "ECDSAP256SHA256",
                       "-o", signed] + FLAGS[denial])
        faults += [r.err] if r.status else verify(peer, name, origin, denial, signed)
    t.none(faults, "%s takes what the command signed" % peer)


def notices(folder, peer):
    """A test of the tests: one letter of a signed address is another one."""
    name, origin, text = next(odd_zones.zones())
    path = sign(folder, name, origin, text, "13", "nsec", "split")
    with open(path) as f:
        spoilt = f.read().replace("\t192.0.2.2\n", "\t192.0.2.99\n")
    with open(path + ".spoilt", "w") as f:
        f.write(spoilt)
    t.ok(verify(peer, name, origin, "nsec", path + ".spoilt") != [], "%s refuses a changed address" % peer)


def main():
    with tempfile.TemporaryDirectory() as folder:
        for peer in PEERS:
            if peers.missing(peer):
                t.skip("%s" % peer, "it is not installed")
                continue
            t.case(odd, folder, peer)
            t.case(algorithms, folder, peer)
            t.case(command, folder, peer)
            t.case(notices, folder, peer)
    return t.done()


sys.exit(main())
