#!/usr/bin/env python3
"""
Role name among NSD, Knot and BIND, with Unbound as its resolver: parent and
child on one server, and the child on another one as well.
"""
import os
import struct
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "cli"))
import peers  # noqa: E402
from dnskit import Bind, Knot, Nsd, Unbound, ds_data, key_data, key_files, sign, write  # noqa: E402
from tap import Tap  # noqa: E402

import role_kit  # noqa: E402
from dns_world import name as wire  # noqa: E402
from seen_form import seen_read  # noqa: E402

CHILD = """$TTL 300
@ SOA ns1 admin 7 3600 900 604800 300
@ NS ns1
@ NS ns2
ns1 A 192.0.2.21
ns2 A 192.0.2.22
"""
TEST = """$TTL 600
@ SOA p admin 1 3600 900 604800 300
@ NS p
p A 192.0.2.11
child NS ns1.child
child NS ns2.child
child DS %s
ns1.child A 192.0.2.21
ns2.child A 192.0.2.22
"""
ROOT = "$TTL 600\n. SOA p.test. admin.test. 1 3600 900 604800 300\n. NS p.test.\ntest. NS p.test.\np.test. A 192.0.2.11\n"


def zones(folder):
    """{zone: file}, and the DS record's words."""
    keys = os.path.join(folder, "keys")
    child = sign(folder, "child.test.", CHILD, "--generate", "13", "--serial", "keep")
    ksk = next(key_files(keys, "child.test.", 257))
    ds = ds_data("child.test.", ksk)
    test = sign(folder, "test.", TEST % ds, "--generate", "13")
    return {".": write(os.path.join(folder, "root"), ROOT), "test.": test, "child.test.": child}, ds, ksk


def look(role, n):
    """The n-th that it tells."""
    def it():
        got = [v for m, _, v in role.seen if m == "seen"]
        return got[n] if len(got) > n else None
    m = role.until(it, 30)
    with os.fdopen(m["seen"], "rb") as f:
        return seen_read(os.pread(f.fileno(), 1 << 24, 0))


def judge(t, both, other, s, ds, ksk):
    """All is well, and it is what was signed."""
    what = "%s, %s: " % (both, other)
    t.equal((s["parent"], s["complete"]), ("test.", (True, True)), what + "complete")
    t.equal(sorted((v["side"], v["addr"], v["state"]) for v in s["servers"]),
            [(0, "192.0.2.11", "answered"), (1, "192.0.2.21", "answered"), (1, "192.0.2.22", "answered")],
            what + "each server once")
    tag, alg, digest, octets = ds.split()
    want = struct.pack(">HBB", int(tag), int(alg), int(digest)) + bytes.fromhex(octets)
    t.equal([x[2] for x in s["sets"] if x[0] == 43], [[want]], what + "the DS set")
    for v in s["servers"]:
        if v["side"] == 0:
            continue
        keys = v["set"][2]
        t.equal((v["serial"], len(keys), keys[v["dnskey_sigs"][1][0][5]], keys[v["soa_sigs"][1][0][5]][1] & 1),
                (7, 2, key_data(ksk), 0), what + "serial, keys, and who signed, at " + v["addr"])


def pair(t, folder, files, ds, ksk, both, other):
    server = both(folder, files)
    alone = other(folder, {"child.test.": files["child.test."]})
    resolver = Unbound(folder, server, ". DS 1 13 2 " + "00" * 32, options=['domain-insecure: "."'])
    role = None
    try:
        if not (server.up() and alone.up() and resolver.up()):
            t.ok(False, "servers start")
            return
        hosts = "192.0.2.11=127.0.0.1:%d\n192.0.2.21=127.0.0.1:%d\n192.0.2.22=127.0.0.1:%d\n" % (
            server.port, server.port, alone.port)
        role = role_kit.Role("name", {"zones": "child.test.\n", "resolver": "127.0.0.1:%d" % resolver.port,
                                      "hosts": hosts, "interval": 3600})
        judge(t, both.name, other.name, look(role, 0), ds, ksk)
        alone.stop()
        role.send("look_want", "key", zone=wire("child.test."), seconds=0)
        s = look(role, 1)
        t.equal((s["complete"], [v["state"] for v in s["servers"] if v["addr"] == "192.0.2.22"]),
                ((True, False), ["silent"]), "%s is stopped: silent" % other.name)
    finally:
        if role:
            role.close()
        for x in (server, alone, resolver):
            x.stop()


def main():
    t = Tap()
    kinds = [k for k in (Nsd, Knot, Bind) if not peers.missing(k.program)]
    if peers.missing("unbound") or not kinds:
        t.skip("name servers", "unbound and one of nsd, knotd, named are not all here")
        return t.done()
    with tempfile.TemporaryDirectory(prefix="sekisho-look-") as folder:
        files, ds, ksk = zones(folder)
        for i, both in enumerate(kinds):
            t.case(pair, t, folder, files, ds, ksk, both, kinds[(i + 1) % len(kinds)])
    return t.done()


if __name__ == "__main__":
    sys.exit(main())
