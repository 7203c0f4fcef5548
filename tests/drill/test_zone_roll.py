#!/usr/bin/env python3
"""
A rollover of the key-signing key done right and done wrong, in seconds, seen
through Unbound: several of them, whose caches are of different ages, asked all
the time. `sekisho zone sign` signs every version of the zones, Knot serves
them, and dnssec/timeline says when a step may be taken and what a wrong one
does (tests/sim/timeline_check).

  good    both keys; then the DS record changes, then the old key goes, each at
          the earliest time that the proof allows: never bogus, never insecure
  early   the old key goes together with its DS record
  hasty   the DS record changes before the new key is there

What was served when is measured, not assumed: the proof is asked about that.
Resolvers keep time in whole seconds, so that a record may live one second
longer than its TTL, and TTLs are one second longer for the proof. What Unbound
found bogus it keeps for a second here; by default for 60, an outage that the
proof does not count. A round that the machine slowed is made again.
"""
import math
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "peer"))
import dnskit  # noqa: E402
import peers  # noqa: E402
from dnskit import NOERROR, SERVFAIL  # noqa: E402
from tap import Tap  # noqa: E402

CHECK = os.path.join(peers.BUILD, "tests", "sim", "timeline_check")
ZONES = ("good", "early", "hasty")
DNSKEY_TTL, DS_TTL = 2, 6
TTL = {"ds": DS_TTL + 1, "dnskey": DNSKEY_TTL + 1}	# in whole seconds
LINGER = 2		# what Unbound found bogus stays so for one second, in whole seconds
EVERY = 0.2		# between questions to a resolver about a zone
WAIT = 4		# hasty: the new key comes so long after its DS record
SLOW = 1.0		# a machine that lets an answer, a tick or a reload wait so long is too busy
ROUNDS = 3
tap = Tap()

ZONE = """$TTL 300
@	SOA	ns host {serial} 3600 600 86400 1
@	NS	ns
ns	A	127.0.0.1
"""
NAMES = "".join("t%d %d A 192.0.2.%d\n" % (n, n, n) for n in range(1, 7)) + "*.any 1 A 192.0.2.9\n"


def keys_of(folder, zone):
    """The KSKs K1 and K2 and the ZSK, as files; made by signing something with them."""
    ksk = []
    for n in (1, 2):
        dnskit.sign(folder, zone, ZONE.format(serial=1), "--generate", "13", keys="made%d" % n)
        made = os.path.join(folder, "made%d" % n)
        ksk += list(dnskit.key_files(made, zone, 257))
    zsk, = dnskit.key_files(os.path.join(folder, "made1"), zone, 256)
    return ksk[0], ksk[1], zsk


def hurry(path):
    """
    Serve the keys with a TTL of seconds: less than what was signed, as from a
    cache (RFC 4035 section 5.3.3). `zone sign` has no option for it (2026-11-22).
    """
    text = open(path).read()
    text, n = re.subn(r"^(\S+\t)\d+(\tIN\t(RRSIG\t)?DNSKEY\s)", r"\g<1>%d\g<2>" % DNSKEY_TTL, text, flags=re.M)
    if n < 3:
        raise RuntimeError("no DNSKEY and RRSIG in " + path)
    dnskit.write(path, text)


def versions(folder, zone):
    """The child's signed files: the old key, both, the new one; and its two DS records."""
    k1, k2, z = keys_of(folder, zone)
    files = {}
    for n, keys in enumerate(((k1, z), (k1, k2, z), (k2, z)), 1):
        d = os.path.join(folder, "%sv%d" % (zone, n))
        os.mkdir(d)
        for k in keys:
            shutil.copy(k + ".pem", d)
            shutil.copy(k + ".key", d)
        files["v%d" % n] = dnskit.sign(folder, zone, ZONE.format(serial=n) + NAMES, "--serial", "keep",
                                       name="%sv%d." % (zone, n), keys=os.path.basename(d))
        hurry(files["v%d" % n])
    return files, {"d1": dnskit.ds_data(zone, k1), "d2": dnskit.ds_data(zone, k2)}


def parent(folder, serial, ds):
    """The parent with this DS record of each child: {zone: data}."""
    text = ZONE.format(serial=serial)
    for zone, data in ds.items():
        text += "%s NS ns.%s\nns.%s A 127.0.0.1\n%s %d DS %s\n" % (zone, zone, zone, zone, DS_TTL, data)
    return dnskit.sign(folder, "test.", text, "--generate", "13", "--serial", "keep", name="p%d." % serial)


class History:
    """What was served, in seconds from the round's begin: the proof's text."""

    def __init__(self):
        self.served = {}		# version: [from, until]

    def change(self, old, new, before, seen):
        """The new one came at `before` at the earliest, the old one was gone at `seen` at the latest."""
        if old:
            self.served[old][1] = math.ceil(seen)
        self.served[new] = [math.floor(before), None]

    def text(self):
        head = ("key K1 13\nkey K2 13\nkey Z 13\nstrict yes\nsecure 0 never\nds d1 K1\nds d2 K2\n"
                "dnskey v1 keys K1 Z sigs K1:0:never\ndnskey v2 keys K1 K2 Z sigs K1:0:never K2:0:never\n"
                "dnskey v3 keys K2 Z sigs K2:0:never\ndata x all sigs Z:0:never\nserve x 0 never 300\n")
        return head + "".join("serve %s %d %s %d\n" % (v, a, "never" if b is None else b, self.ttl(v))
                              for v, (a, b) in self.served.items())

    @staticmethod
    def ttl(version):
        return TTL["ds" if version[0] == "d" else "dnskey"]

    def judged(self, *options):
        r = subprocess.run([CHECK, *options], input=self.text(), capture_output=True, text=True)
        if r.returncode > 1:
            raise RuntimeError(r.stderr + self.text())
        return [line.split() for line in r.stdout.splitlines()]

    def earliest(self, old, new):
        return int(self.judged("-e", "stop %s\nserve %s %d" % (old, new, self.ttl(new)))[0][1])

    def bad(self):
        """[(kind, from, until)]"""
        return [(kind, int(span[0]), math.inf if span[1] == "never" else int(span[1]))
                for kind, *span in self.judged("-m") if kind != "safe"]


class Eye:
    """A resolver, asked all the time; what it said."""

    def __init__(self, round_, number):
        self.round, self.number, self.n, self.ready, self.said = round_, number, 0, False, []
        # No room for more than one validated zone: keys are judged anew for every question, and
        # a bad one is not kept for 60 seconds, as it is else whatever val-bogus-ttl says.
        options = ["val-bogus-ttl: 1", "key-cache-size: 0", "key-cache-slabs: 1", "cache-max-negative-ttl: 1"]
        # By default it asks five times more before it calls anything bogus, past its cache:
        # that heals an old DS record. Others do not, nor do the even ones here.
        options += [] if number % 2 else ["val-max-restart: 0"]
        self.server = dnskit.Unbound(round_.folder, round_.knot, round_.anchor, options=options)
        self.client = dnskit.Client(self.server.port)

    def ask(self):
        self.n += 1
        for zone in ZONES:
            name = zone + ".test."
            self.client.send("n%d.any.%s" % (self.n, name), "A", zone)
            if self.ready:
                self.client.send("t%d.%s" % (self.n % 6 + 1, name), "A", zone)
            if self.ready and self.number % 2:
                self.client.send(name, ("DS", "DNSKEY")[self.n % 2], zone)

    def hear(self):
        for zone, asked, a in self.client.answers(0):
            if self.ready:
                self.said.append((zone, asked, time.time(), a))
                self.round.slow(time.time() - asked, "an answer")
            elif a.rcode in (NOERROR, SERVFAIL):
                self.ready = True
                self.client.waits.clear()	# what was asked before it was there

    def good(self, zone):
        return any(z == zone and a.rcode == NOERROR and a.ad for z, _, _, a in self.said)

    def stop(self):
        self.client.close()
        self.server.stop()


class Round:
    def __init__(self, folder):
        self.folder, self.eyes, self.slowed, self.last = folder, [], [], None
        self.child, ds = {}, {}
        for z in ZONES:
            self.child[z], ds[z] = versions(folder, z + ".test.")
        # The parent: all old; hasty, early and good have the new DS record.
        self.parent = [parent(folder, n + 1, {z: ds[z][v] for z in ZONES}) for n, v in enumerate(("d1", "d2"))]
        ksk, = dnskit.key_files(os.path.join(folder, "keys"), "test.", 257)
        self.anchor = "test. DS " + dnskit.ds_data("test.", ksk)
        self.served = {"test.": os.path.join(folder, "served.test")}
        shutil.copy(self.parent[0], self.served["test."])
        for z in ZONES:
            self.served[z + ".test."] = os.path.join(folder, "served." + z)
            shutil.copy(self.child[z]["v1"], self.served[z + ".test."])
        self.begin = math.floor(time.time())
        self.knot = dnskit.Knot(folder, self.served)
        self.history = {z: History() for z in ZONES}
        for h in self.history.values():
            h.change(None, "d1", 0, 0)
            h.change(None, "v1", 0, 0)

    def slow(self, seconds, what):
        if seconds > SLOW:
            self.slowed.append("%s took %.1f s" % (what, seconds))

    def now(self):
        return time.time() - self.begin

    def watch(self, until):
        """Ask everybody until this is true (at most 30 s)."""
        end, good = time.time() + peers.patient(5), False
        while not good and time.time() < end:
            if self.last is not None:
                self.slow(time.time() - self.last, "a tick")
            self.last = time.time()
            for e in self.eyes:
                e.ask()
            while time.time() < self.last + EVERY:
                for e in self.eyes:
                    e.hear()
                time.sleep(0.01)
            good = until()
        if not good:
            self.slowed.append("waited in vain")

    def watch_to(self, at):
        self.watch(lambda: self.now() >= at)

    def eye(self):
        """One more resolver, with nothing in its cache."""
        self.eyes.append(Eye(self, len(self.eyes)))
        return self.eyes[-1]

    def step(self, changes, parents=False):
        """Serve these versions: {zone: (old, new)}; and the new DS records."""
        before, waits = self.now(), {z + ".test.": int(new[1]) for z, (_, new) in changes.items()}
        for z, (_, new) in changes.items():
            shutil.copyfile(self.child[z][new], self.served[z + ".test."])
        if parents:
            shutil.copyfile(self.parent[1], self.served["test."])
            waits["test."] = 2
        self.knot.reload()
        if not dnskit.wait_for(lambda: all(self.serial(z) == n for z, n in waits.items()), 10, 0.02):
            raise RuntimeError("not served: " + self.knot.process.text()[-1000:])
        seen = self.now()
        self.slow(seen - before, "a reload")
        for z, (old, new) in changes.items():
            self.history[z].change(old, new, before, seen)
        for z in ZONES if parents else ():
            self.history[z].change("d1", "d2", before, seen)

    def serial(self, zone):
        data = dnskit.ask(self.knot.port, zone, "SOA", 0, 0.2).answer[0][2]
        return int.from_bytes(data[-20:-16], "big")

    def play(self):
        if not self.knot.up():
            raise RuntimeError("Knot: " + self.knot.process.text()[-1000:])
        ttls = [dnskit.ask(self.knot.port, "early.test.", t, 0).answer[0][1] for t in ("DS", "DNSKEY")]
        if ttls != [DS_TTL, DNSKEY_TTL]:
            raise RuntimeError("served with TTLs of %s" % ttls)
        first = self.eye()
        self.watch(lambda: first.good("good"))
        self.eye()
        self.watch_to(self.now() + 1.5)
        self.step({"good": ("v1", "v2"), "early": ("v1", "v2")})
        change = self.history["good"].earliest("d1", "d2")
        self.watch_to(change - 1)
        # It fetches the old DS record last of all.
        fresh = self.eye()
        self.watch(lambda: fresh.good("early") and fresh.good("good"))
        self.watch_to(change)
        early = self.history["early"]
        self.step({"early": ("v2", "v3")}, parents=True)
        self.late = early_by(early)
        empty = self.eye()		# it has never seen the old DS record
        at = self.now()
        self.watch(lambda: empty.ready)
        self.watch_to(at + WAIT)
        self.step({"hasty": ("v1", "v2")})
        self.watch_to(self.history["good"].earliest("v2", "v3"))
        self.step({"good": ("v2", "v3")})
        last = max([b for h in self.history.values() for _, _, b in h.bad()] + [self.now() + TTL["dnskey"]])
        self.watch_to(last + LINGER + 0.5)
        self.n_before_end = [len(e.said) for e in self.eyes]
        self.watch_to(self.now() + 0.5)

    def said(self, zone):
        return [(e.number, asked - self.begin, at - self.begin, a)
                for e in self.eyes for z, asked, at, a in e.said if z == zone]

    def stop(self):
        for s in [*self.eyes, self.knot]:
            s.stop()


def early_by(history):
    """Seconds by which the old key went too early."""
    taken, h = history.served["v3"][0], History()
    h.served = {v: list(s) for v, s in history.served.items() if v != "v3"}
    h.served["v2"][1] = None
    return h.earliest("v2", "v3") - taken


def show(answers):
    return ["resolver %d, asked at %.2f, told at %.2f: %s" % x for x in answers]


def judge_good(r, results):
    said = r.said("good")
    results.append((r.history["good"].bad() == [], "the proof finds nothing wrong with the good rollover",
                    r.history["good"].text()))
    wrong = [x for x in said if x[3].bogus or (x[3].rcode == NOERROR and not x[3].ad)]
    results.append((len(said) > 100 and not wrong, "the good one: %d answers, never bogus or insecure" % len(said),
                    "\n".join(show(wrong[:8]))))


def judge_wrong(r, zone, results):
    """Bogus somewhere, and only where the proof says so."""
    bad, said = r.history[zone].bad(), r.said(zone)
    results.append((bad and {k for k, _, _ in bad} == {"BOGUS_KEYS"}, "%s: the proof calls it bogus: %s" % (
        zone, " ".join("%s-%s" % (a, b) for _, a, b in bad)), r.history[zone].text()))
    bogus = [x for x in said if x[3].bogus]
    outside = [x for x in bogus if not any(a <= x[2] and x[1] <= b + LINGER for _, a, b in bad)]
    span = "%.1f to %.1f" % (min(x[2] for x in bogus), max(x[2] for x in bogus)) if bogus else "nowhere"
    results.append((bogus and not outside, "%s: Unbound finds it bogus within that: %s" % (zone, span),
                    "\n".join(show(outside[:8]))))
    insecure = [x for x in said if x[3].rcode == NOERROR and not x[3].ad]
    results.append((not insecure, "%s: never insecure" % zone, "\n".join(show(insecure[:8]))))


def judge_end(r, results):
    ends = [a for e, n in zip(r.eyes, r.n_before_end) for _, _, _, a in e.said[n:]]
    results.append((len(ends) >= 4 * len(ZONES) and all(a.rcode == NOERROR and a.ad for a in ends),
                    "in the end every zone is secure for every resolver",
                    "%d answers\n" % len(ends) + "\n".join(str(a) for a in ends if not a.ad)))


def judge(r):
    results = []
    judge_good(r, results)
    results.append((r.late > 0, "early: the old key went %d s before the proof allows it" % r.late,
                    r.history["early"].text()))
    for zone in ("early", "hasty"):
        judge_wrong(r, zone, results)
    judge_end(r, results)
    return results


def play_round():
    """(what was judged, what was slow)"""
    with tempfile.TemporaryDirectory(prefix="sekisho-roll-") as folder:
        r = Round(folder)
        try:
            r.play()
            results = judge(r)
        finally:
            r.stop()
        return results, r.slowed


def main():
    absent = peers.missing("unbound", "knotd")
    if absent or not os.path.exists(CHECK):
        tap.skip("zone_roll", "%s is not %s" % (absent or CHECK, "installed" if absent else "built"))
        return tap.done()
    for n in range(ROUNDS):
        results, slowed = play_round()
        if all(good for good, _, _ in results) or not slowed:
            break
        tap.diag("round %d is made again: %s; %s" % (n + 1, ", ".join(slowed[:3]), ", ".join(
            name for good, name, _ in results if not good)))
    for good, name, note in results:
        tap.ok(good, name, note)
    if slowed and not all(good for good, _, _ in results):
        tap.diag("the machine was slow in every round: " + ", ".join(slowed[:8]))
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
