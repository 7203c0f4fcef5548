#!/usr/bin/env python3
"""
A journal that outgrew its image: both are written anew. Whatever happens in
the middle of it, the next life has what was served, and the serial goes on.
"""
import os
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import house  # noqa: E402
from zone_kit import ENTRY, IMAGE, JOURNAL, OUT, Killed, Zone, serial  # noqa: E402

NAMES, WORDS, WORD = 320, 16, 200		# a megabyte; a version changes half of it, or all
AXFR, IXFR, TXT, SOA = 252, 251, 16, 6
ENOSPC = -28


def word(version, i, share):
    return "v%d-%d-" % (version if i % share == 0 else 0, i) + "x" * WORD


def text(version, share):
    lines = ["$TTL 300", "@ SOA ns host %d 3600 900 604800 300" % version, "@ NS ns", "ns A 192.0.2.1"]
    lines += ["n%d TXT %s" % (i, " ".join(['"%s"' % word(version, i, share)] * WORDS)) for i in range(NAMES)]
    return "\n".join(lines) + "\n"


def expected(version, share):
    """The TXT records of that version, as others see them."""
    words = [word(version, i, share).encode() for i in range(NAMES)]
    return {("n%d.example.jp." % i, (bytes([len(w)]) + w) * WORDS) for i, w in enumerate(words)}


def data(rs):
    return {(o, r) for o, k, _, r in rs if k == TXT}


def soa(rs):
    return serial(rs[0][3])


class Place:
    def __init__(self, d, share=1):
        self.source, self.n, self.share = os.path.join(d, "example.jp"), 0, share
        self.z = Zone(self.source, "serial=0")		# increment

    def publish(self, wait=True):
        self.n += 1
        with open(self.source + ".new", "w") as f:
            f.write(text(self.n, self.share))
        os.replace(self.source + ".new", self.source)
        return self.z.serves(self.n) if wait and self.z.role else None

    def start(self):
        self.z.start()
        return self.z.serves(self.n)

    def grow(self, most=8):
        """Versions until the journal is cut, and the cut is over."""
        n = len(self.z.store.images())
        for _ in range(most):
            self.publish()
            if self.z.until(lambda: len(self.z.store.images()) > n, 0.5):
                break
        kept = self.z.store.log
        return self.z.until(lambda: kept and kept[-1][1] == JOURNAL and len(self.z.store.images()) > n, 5)

    def all(self):
        """What is to be served: each version had the next serial."""
        return self.n + 1, expected(self.n, self.share)

    def served(self):
        rs = self.z.ask(AXFR)
        return soa(rs), data(rs)


def test_cut(t, d):
    p = Place(d, share=2)
    p.publish()
    t.ok(p.start(), "a version is in service", p.z.role.log)
    t.equal(p.z.store.kinds(), [IMAGE, JOURNAL], "it is kept as an image and an empty journal")
    t.ok(p.grow(), "versions more, until the journal is long: image and journal anew", p.z.store.log)
    entries = [n for _, k, n in p.z.store.log if k == ENTRY]
    t.ok(len(entries) >= 3 and sum(entries) > 4 << 20, "not before it is", entries)
    t.ok(len(p.z.store.files[OUT, JOURNAL]) < sum(entries) / 2, "the journal is shorter")
    before, asked = p.served(), len(p.z.store.log)
    p.z.role.idle(2)
    t.equal(len(p.z.store.log), asked, "once is enough", p.z.store.log[asked:])
    rs = p.z.ask(IXFR, before[0] - 1)
    t.ok(rs[1][1] == SOA and soa(rs) == before[0], "the last differences are there still")
    p.z.kill()
    p.start()
    t.equal(p.served(), before, "the next life serves the same")
    rs = p.z.ask(IXFR, before[0] - 1)
    t.ok(rs[1][1] == SOA and soa(rs) == before[0], "and the differences")
    p.publish()
    now = p.served()
    t.ok(now[0] == before[0] + 1 and now[1] != before[1], "and goes on", (now[0], before[0]))
    p.z.kill()


def test_kill(t, d):
    """kill -9 at each moment of it."""
    p = Place(d)
    p.publish()
    p.start()
    t.equal(p.served(), p.all(), "a version is in service")
    for kind, when, what in ((IMAGE, "before", "before the image"), (IMAGE, "after", "between image and journal"),
                             (JOURNAL, "after", "before it knows that both are there")):
        p.z.store.fault = lambda side, k, kind=kind, when=when: when if k == kind else None
        cut = False
        try:
            for _ in range(8):
                p.publish()
                p.z.until(lambda: False, 0.4)
        except Killed:
            cut = True
        t.ok(cut, "kill -9 " + what)
        p.z.kill()
        p.z.store.fault = lambda side, k: None
        p.start()
        t.equal(p.served(), p.all(), "the next life serves the same")
    p.z.kill()


def test_full(t, d):
    """A disk that takes the image and not the journal: the versions after it are not lost."""
    p = Place(d)
    p.publish()
    p.start()
    p.z.store.fault = lambda side, k: ENOSPC if k == JOURNAL else None
    n = len(p.z.store.images())
    for _ in range(8):
        p.publish()
        if p.z.until(lambda: len(p.z.store.images()) > n, 0.5):
            break
    asked = len(p.z.store.log)
    p.z.role.idle(2)
    t.ok(len(p.z.store.log) - asked <= 2, "it is not tried all the time", p.z.store.log[asked:])
    t.equal(p.z.status()["good"], True, "what is served is well", p.z.role.log)
    p.z.store.fault = lambda side, k: None
    p.publish()			# one that was lost would be made again from its file,
    p.publish()			# two would be one
    p.z.kill()
    p.start()
    before = p.served()
    t.equal(before[0], p.n + 1, "kill -9: the serial does not go back")
    t.equal(before, p.all(), "and all of it is there")
    p.z.store.fault = lambda side, k: ENOSPC
    p.publish(False)
    t.ok(p.z.until(lambda: "could not be published" in p.z.status().get("why", ""), 10), "a full disk: told", p.z.role.log)
    t.equal(p.served(), before, "what is not on the disk is not served")
    p.z.store.fault = lambda side, k: None
    t.ok(p.z.serves(p.n, 20), "room again: published", p.z.role.log)
    now = p.served()
    p.z.kill()
    p.start()
    t.equal(p.served(), now, "and kept")
    p.z.kill()


def main():
    t = house.Tap()
    for f in (test_cut, test_kill, test_full):
        with tempfile.TemporaryDirectory(prefix="sekisho-keep-") as d:
            os.chmod(d, 0o755)
            t.case(f, t, d)
    return t.done()


if __name__ == "__main__":
    sys.exit(main())
