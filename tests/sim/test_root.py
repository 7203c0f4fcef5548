#!/usr/bin/env python3
"""The root zone's own keys of three years, and its TLDs' DS, put to the proof.

What is real: the DNSKEY sets and their signatures, and when each was first
seen; DS sets likewise. Of a set it is known only that it was gone in the next
snapshot, so it counts as served until then. Not in the data: which ZSK signed
when. The root's practice is said here as a rule: the ZSK that appears at a
quarter's end signs from the next quarter's first second on. Data live for six
days (the root's NS set does).
"""
import calendar
import datetime
import gzip
import os
import sys

import simkit
from tap import Tap

tap = Tap()
DATA = os.environ.get("SEKISHO_DATA") or os.path.join(simkit.HERE, "..", "..", "..", "shared", "data")
FILE = os.path.join(DATA, "dns", "trace", "root-ds-history-20231104-20260822.txt.gz")
DNSKEY_TTL, DATA_TTL, DS_TTL = 172800, 518400, 86400


def seconds(text):
    """Of 2023-11-04T05:50:00Z, or of 20231121000000."""
    digits = "".join(c for c in text if c.isdigit())
    return calendar.timegm(datetime.datetime.strptime(digits, "%Y%m%d%H%M%S").timetuple())


def read():
    """Snapshots: (time, lines of what changed)."""
    snapshots = []
    with gzip.open(FILE, "rt") as f:
        for line in f:
            word = line.split()
            if line.startswith("#") or not word:
                continue
            if word[0] == "S":
                snapshots.append((seconds(word[2]), []))
            else:
                snapshots[-1][1].append(word)
    return snapshots


class Root:
    """The versions of the DNSKEY set with their signature: [keys, inception, expiration, signer, from, until]"""

    def __init__(self, snapshots):
        self.versions, keys, sig = [], None, None
        for at, lines in snapshots:
            for word in lines:
                if word[0] == "D":
                    keys = word[1:]
                elif word[0] == "R":
                    sig = (seconds(word[6]), seconds(word[5]), word[7])
            if any(word[0] in "DR" for word in lines):
                if self.versions:
                    self.versions[-1][-1] = at
                self.versions.append([keys, *sig, at, None])
        self.end = self.versions[-1][-1] = snapshots[-1][0]

    def zsks(self):
        """(tag, first second of its quarter, of the next one), in order"""
        out, seen = [], set()
        for keys, *_, at, _ in self.versions:
            for key in keys:
                tag, flags = key.split("/")
                if flags == "256" and tag not in seen:
                    # The first set holds the ZSK that signs already.
                    out.append((tag, at if not seen else quarter_after(at), None))
                    seen.add(tag)
        ends = [z[1] for z in out[1:]] + [self.end]
        return [(tag, start, end) for (tag, start, _), end in zip(out, ends)]

    def history(self, anchors, shift=0, cut=None):
        """As text; shift: all ZSKs sign so much later. cut: (ZSK, second at which it goes early)"""
        names = {key.split("/")[0] for v in self.versions for key in v[0]}
        lines = ["key %s 8" % n for n in sorted(names)]
        for name, keys in anchors.items():
            lines += ["ds %s %s" % (name, keys), "serve %s 0 never 0" % name]
        for i, (keys, inc, exp, signer, at, until) in enumerate(self.versions):
            tags = [k.split("/")[0] for k in keys]
            if cut and cut[0] in tags and at >= cut[1]:
                tags.remove(cut[0])
            lines += ["dnskey n%d keys %s sigs %s:%d:%d" % (i, " ".join(tags), signer, inc, exp),
                      "serve n%d %d %d %d" % (i, at, until, DNSKEY_TTL)]
        for tag, start, end in self.zsks():
            first = start + shift if start > self.versions[0][4] else start
            lines += ["data s%s root sigs %s:0:never" % (tag, tag),
                      "serve s%s %d %d %d" % (tag, first, end + (shift if end < self.end else 0), DATA_TTL)]
        return "\n".join(lines) + "\n"


def quarter_after(at):
    d = datetime.datetime.fromtimestamp(at, datetime.timezone.utc)
    month = (d.month - 1) // 3 * 3 + 4
    return calendar.timegm((d.year + month // 13, (month - 1) % 12 + 1, 1, 0, 0, 0))


def proof(text, *args):
    return simkit.judged("timeline_check", text, *args)[0]


def root(snapshots):
    r = Root(snapshots)
    zsks = r.zsks()
    tap.equal((len(r.versions), len(zsks)), (102, 12), "102 signed DNSKEY sets, 12 ZSKs")
    anchors = {"ksk2017": "20326", "both": "20326 38696"}
    tap.equal(proof(r.history(anchors)), ["safe"], "the root's ZSK and KSK history is safe")

    # What would not have been, with what is in the data for a reason.
    early = proof(r.history(anchors, shift=-12 * 86400), "-m")
    tap.ok(len(early) >= 11 and all(x.startswith("BOGUS_DATA") for x in early),
           "each ZSK that signs 12 days earlier is missing in caches", early)
    late = proof(r.history(anchors, shift=6 * 86400), "-m")
    tap.ok(len(late) >= 5 and all(x.startswith("BOGUS_DATA") for x in late),
           "data that the old ZSK signs 6 days longer outlive it", late)
    # KSK-2024 signs from 2026-10-11 on: until then who trusts it alone has nothing.
    alone = proof(r.history({"ksk2024": "38696"}), "-m")
    tap.equal([x.split()[:3] for x in alone],
              [["BOGUS_KEYS", str(r.versions[0][4]), str(r.end + DNSKEY_TTL)]], "KSK-2024 alone is too early")


def ds_sets(snapshots):
    """{TLD: [(from, keys)]}; a key is its tag and algorithm. And the number of changed records."""
    now, out, n = {}, {}, 0
    for at, lines in snapshots:
        changed = set()
        for word in lines:
            if word[0] in "=+-" and len(word) == 6:
                now.setdefault(word[1], set())
                change = now[word[1]].discard if word[0] == "-" else now[word[1]].add
                change(tuple(word[2:]))
                changed.add(word[1])
                n += word[0] != "="
            elif word[0] in "TU":
                now[word[1]] = set()
                changed.add(word[1])
        for tld in changed:
            keys = frozenset(tag + "-" + alg for tag, alg, _, _ in now[tld])
            versions = out.setdefault(tld, [])
            if not versions or versions[-1][1] != keys:
                versions.append((at, keys))
    return out, n


def kind(old, new):
    if not old or not new:
        return "signed" if new else "unsigned or gone"
    if old == new:
        return "digest only"
    if old < new:
        return "key added"
    return "key removed" if new < old else "swapped"


def tlds(snapshots):
    sets, n = ds_sets(snapshots)
    tap.equal(n, 1567, "1,567 DS records came or went")
    changes = [(tld, at, old, new) for tld, v in sorted(sets.items()) for (_, old), (at, new) in zip(v, v[1:])]
    count = {}
    for _, _, old, new in changes:
        count[kind(old, new)] = count.get(kind(old, new), 0) + 1
    tap.diag("changes of DS sets: " + ", ".join("%s %d" % kv for kv in sorted(count.items())))
    tap.ok(min(count.get(k, 0) for k in ("key added", "key removed", "swapped")) > 0, "there are all kinds", count)

    # Until when had each TLD to keep the key that its DS no longer named?
    gone = [(tld, at, old, new) for tld, at, old, new in changes if old - new and new]
    text = "--\n".join(keep_text(*g) for g in gone)
    said = simkit.judged("timeline_check", text, "-e", "\n".join("withdraw gone%d" % i for i in range(4)))
    want = [["earliest %d" % (0 if algorithms(old) == algorithms(old & new) else at + DS_TTL)]
            for _, at, old, new in gone]
    tap.ok(100 < sum(w != ["earliest 0"] for w in want) < len(want), "some had to, some not")
    tap.equal(len(said), len(gone), "%d sets lost a key" % len(gone))
    tap.none(["%s at %d: %s" % (g[0], g[1], s) for g, s, w in zip(gone, said, want) if s != w],
             "who keeps a key of each algorithm may drop the others at once, all others a DS TTL later")


def algorithms(keys):
    return {k.split("-")[1] for k in keys}


def keep_text(tld, at, old, new):
    """The DS change, with a DNSKEY set of all these keys that all sign it."""
    lost = sorted(old - new)
    names = {k: "gone%d" % i for i, k in enumerate(lost)}
    names.update({k: "k" + k for k in new})
    lines = ["# " + tld] + ["key %s %s" % (n, k.split("-")[1]) for k, n in names.items()]
    lines += ["key gone%d 0" % i for i in range(len(lost), 4)]
    every = sorted(names.values())
    return "\n".join(lines + [
        "ds old " + " ".join(sorted(names[k] for k in old)), "serve old 0 %d %d" % (at, DS_TTL),
        "ds new " + " ".join(sorted(names[k] for k in new)), "serve new %d never %d" % (at, DS_TTL),
        "dnskey all keys %s sigs %s" % (" ".join(every), " ".join(k + ":0:never" for k in every)),
        "serve all 0 never 3600"]) + "\n"


def main():
    if not os.path.exists(simkit.program("timeline_check")):
        tap.skip("root", "timeline_check is not built")
        return
    if not os.path.exists(FILE):
        tap.skip("root", "no data at SEKISHO_DATA")
        return
    snapshots = read()
    tap.case(root, snapshots)
    tap.case(tlds, snapshots)


main()
sys.exit(tap.done())
