#!/usr/bin/env python3
"""kill -9 of every role of names and of the parent, a hundred times, while zones are signed and keys roll.

The zone's file changes all the time, its keys live for seconds, the registry
follows CDS. All the time: whatever is published is a whole zone that verifies,
its serial never goes back, no mix of DS, DNSKEY and data that a cache may have
held is bogus, and each key that was published is still there at the end, or
was deleted long after it had gone.

SEKISHO_KILLS sets the number, SEKISHO_SEED repeats a run.
"""
import os
import random
import struct
import sys
import threading
import time

SRC = os.environ.get("SEKISHO_SRC") or os.path.normpath(
    os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
sys.path.insert(0, os.path.join(SRC, "tests", "cli"))
import dnsworld  # noqa: E402
import house  # noqa: E402
from house import wait_for  # noqa: E402
from killkit import RECOVER_SEC, kill_one  # noqa: E402

KILLS = int(os.environ.get("SEKISHO_KILLS", "100"))
SEED = int(os.environ.get("SEKISHO_SEED", str(random.randrange(1 << 30))))
ROLES = ["zone", "key", "store", "name"]
ZONE = "kill.test."
TTL = 1
TEXT = """$TTL %d
@ SOA ns host 1 3600 900 604800 1
@ NS ns
ns A 192.0.2.54
*.wild TXT "x"
""" % TTL
CONF = """dns:
%s  look-interval: 1
  zones:
    - {name: kill.test, file: in.zone, output: out.zone, policy: fast}
  policies:
    - {name: fast, keys: split, backup-required: no, zsk-lifetime: 12, ksk-lifetime: 25, dnskey-ttl: 1,
       max-zone-ttl: 1, publish-safety: 0, retire-safety: 0, child-propagation: 1, parent-propagation: 1,
       registration-delay: 2, parent-ds-ttl: 1, ds-handover: cds}
"""


class Writer(threading.Thread):
    """Names come and go; the registry looks for CDS."""

    def __init__(self, path, child):
        super().__init__(daemon=True)
        self.path, self.child, self.stop, self.n = path, child, False, 0
        self.write()

    def write(self):
        self.n += 1
        with open(self.path + ".new", "w") as f:
            f.write(TEXT + "".join("n%d A 192.0.2.%d\n" % (i, i % 200) for i in range(self.n, self.n + 20)))
        os.replace(self.path + ".new", self.path)

    def run(self):
        while not self.stop:
            for _ in range(25):
                if not self.stop:
                    time.sleep(0.1)
            self.write()
            self.child.ds_by_cds()


def serial(version):
    return next(struct.unpack(">I", d[-20:-16])[0] for _, t, _, d in version[2] if t == dnsworld.SOA)


def storm(t, h, rng, child):
    """Kill; now and then wait until something was published again."""
    count, slow = dict.fromkeys(ROLES + ["parent"], 0), []
    while sum(count.values()) < KILLS and not slow:
        time.sleep(rng.random() * 0.8)
        kill_one(h, rng.choice(ROLES + ["parent"]), count)
        if sum(count.values()) % 5 == 0:
            n = len(child.versions)
            if not wait_for(lambda: len(child.versions) > n, RECOVER_SEC, 0.05):
                slow.append("nothing is published after kill %d: %s" % (sum(count.values()), h.log()[-3000:]))
    t.equal(sum(count.values()), KILLS, "%d kills: %s" % (KILLS, count), h.log()[-3000:])
    t.none(slow, "it goes on after them")


def judge(t, d, h, child):
    versions = child.versions
    bad = []
    for i, v in enumerate(versions):
        path = os.path.join(d, "version")
        with open(path, "w") as f:
            f.write(v[3])
        code, out, err = house.run("zone", "verify", path, "--zone", ZONE)
        if code != 0:
            bad.append("version %d: %s" % (i, (out + err)[-500:]))
    t.none(bad, "each of the %d versions that were published verifies" % len(versions))
    back = ["%d after %d" % (serial(b), serial(a)) for a, b in zip(versions, versions[1:])
            if (serial(b) - serial(a)) & 0xffffffff in range(0x80000000, 0x100000000)]
    t.none(back, "serials never go back")
    faults = dnsworld.bogus(child, TTL, TTL)
    t.none(faults[:5], "no cache held a mix that is bogus")
    if faults:
        t.diag("\n".join(line for line in h.log().splitlines() if " key: " in line)[-6000:])


def judge_is_awake(t):
    """The judge sees what is wrong: three keys, DS sets and data that follow each other at once."""
    class Past:
        zone, ds_ttl, lock = ZONE, TTL, threading.Lock()

    def key(flags, n):
        return struct.pack(">HBB", flags, 3, 13) + bytes([n]) * 64

    def sig(covered, k):
        return (struct.pack(">HBBIIIH", covered, 13, 2, 1, 2, 1, dnsworld.key_tag(k)) + dnsworld.name_wire(ZONE) + b"s")

    def version(begin, end, *keys):
        rs = [(ZONE, dnsworld.DNSKEY, 1, k) for k in keys]
        rs += [(ZONE, dnsworld.RRSIG, 1, sig(dnsworld.DNSKEY, keys[0])), (ZONE, dnsworld.RRSIG, 1, sig(dnsworld.SOA, keys[-1]))]
        return [begin, end, rs]

    k1, k2, z1, z2 = key(257, 1), key(257, 2), key(256, 3), key(256, 4)
    d1, d2 = [dnsworld.ds_of(ZONE, k1)], [dnsworld.ds_of(ZONE, k2)]
    Past.ds_versions = [[0, None, d1]]
    Past.versions = [version(0, 10, k1, z1), version(10, 20, k1, z2, z1), version(20, 30, k1, z1, z2), version(30, None, k1, z2)]
    t.none(dnsworld.bogus(Past, TTL, TTL), "a ZSK that is rolled in time")
    Past.versions[1][1] = Past.versions[2][0] = 10.5
    t.equal(len(dnsworld.bogus(Past, TTL, TTL)), 1, "one that signs half a second too early is seen")
    Past.versions = [version(0, 10, k1, z1), version(10, None, k2, z1)]
    t.ok(dnsworld.bogus(Past, TTL, TTL), "as is a KSK without its DS")
    Past.ds_versions = [[0, 10, d1], [10, None, d2]]
    t.ok(dnsworld.bogus(Past, TTL, TTL), "and a DS that changes at the same moment")


def main():
    t = house.Tap()
    judge_is_awake(t)
    rng = random.Random(SEED)
    t.diag("SEKISHO_SEED=%d" % SEED)
    with house.folder() as d:
        child = dnsworld.Child(ZONE, os.path.join(d, "out.zone"))
        world = dnsworld.World(child)
        house.lab(d)
        h = house.House(d, CONF % world.conf())
        writer = Writer(os.path.join(d, "in.zone"), child)
        h.start()
        try:
            if not t.ok(wait_for(lambda: child.versions, 30), "published", h.log()):
                return t.done()
            writer.start()
            # The registry is told of the first keys; from then on the zone is secure.
            if not t.ok(wait_for(lambda: child.ds, 60), "the parent has a DS set", h.log()[-3000:]):
                return t.done()
            begin = time.monotonic()
            storm(t, h, rng, child)
            keys = {k for v in child.versions for _, x, _, k in v[2] if x == dnsworld.DNSKEY}
            t.diag("%.0f s, %d versions, %d keys, %d DS sets" % (
                time.monotonic() - begin, len(child.versions), len(keys), len(child.ds_versions)))
            t.ok(len(keys) >= 5 or KILLS < 50, "keys were rolled meanwhile", len(keys))
            t.ok(len(child.ds_versions) >= 4 or KILLS < 50, "the DS set, too", len(child.ds_versions))
            t.ok(wait_for(h.ready, RECOVER_SEC * 2), "in the end all roles are ready", h.log()[-3000:])
            writer.stop = True
            t.equal(h.stop()[0], 0, "a clean stop")
        finally:
            writer.stop = True
            world.stop()
        judge(t, d, h, child)
    return t.done()


if __name__ == "__main__":
    try:
        code = main()
    finally:
        house.stop_all()
    sys.exit(code)
