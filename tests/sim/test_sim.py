#!/usr/bin/env python3
"""The simulator itself: small cases by hand, and its four fleets against each other."""
import sys

import simkit
from tap import Tap

tap = Tap()

ONE = """
key a 13
ds d a
dnskey k keys a sigs a:0:never
data s A sigs a:0:never
"""
TWO = """
key a 8
key b 13
ds da a
ds db b
ds dab a b
dnskey ka keys a sigs a:0:never
dnskey kb keys b sigs b:0:never
dnskey kab keys a b sigs a:0:never b:0:never
data sa A sigs a:0:never
data sb A sigs b:0:never
data sab A sigs a:0:never b:0:never
"""
SAME = TWO.replace("key b 13", "key b 8")

# (name, history, what must be said)
CASES = [
    ("nothing", "", ["safe"]),
    ("nothing is served", ONE, ["safe"]),
    ("a signed zone", ONE + "serve d 0 never 3\nserve k 0 never 3\nserve s 0 never 3\n", ["safe"]),
    ("a cached DS outlives the keys", ONE + """
dnskey none keys sigs
serve d 0 10 5
serve k 0 10 0
serve none 10 never 0
""", ["BOGUS_KEYS 10 15 d none -"]),
    ("what was fetched just before the end lasts for the whole TTL", ONE + """
serve d 10 11 1
dnskey x keys sigs
serve x 0 never 0
""", ["BOGUS_KEYS 10 12 d x -"]),
    ("a TTL of 0 lasts while it is served", ONE + """
dnskey x keys sigs
serve d 5 7 0
serve x 0 never 0
""", ["BOGUS_KEYS 5 7 d x -"]),
    ("two servers, two TTLs: the later end counts", ONE + """
dnskey x keys sigs
serve d 5 7 10
serve d 5 9 1
serve x 0 never 0
""", ["BOGUS_KEYS 5 17 d x -"]),
    ("served again, it is told twice", ONE + """
dnskey x keys sigs
serve d 5 7 1
serve d 10 11 1
serve x 0 never 0
""", ["BOGUS_KEYS 5 8 d x -", "BOGUS_KEYS 10 12 d x -"]),
    ("a gap that the cache bridges is none", ONE + """
dnskey x keys sigs
serve d 5 7 3
serve d 10 11 1
serve x 0 never 0
""", ["BOGUS_KEYS 5 12 d x -"]),
    ("never ends", ONE + "dnskey x keys sigs\nserve d 5 never 3\nserve x 7 never 0\n",
     ["BOGUS_KEYS 7 never d x -"]),
    ("without keys nothing is known", ONE + "serve d 0 never 3\nserve s 0 never 3\n", ["safe"]),
    ("a new key too soon signs the data", SAME + """
serve da 0 never 1
serve ka 0 10 5
serve kab 10 never 5
serve sa 0 12 0
serve sb 12 never 0
""", ["BOGUS_DATA 12 15 da ka sb"]),
    ("a new key in time", SAME + """
serve da 0 never 1
serve ka 0 10 5
serve kab 10 never 5
serve sa 0 15 0
serve sb 15 never 0
""", ["safe"]),
    ("the old key leaves before its signatures", SAME + """
serve da 0 never 1
serve kab 0 20 0
serve ka 20 never 0
serve sb 0 17 5
serve sa 17 never 5
""", ["BOGUS_DATA 20 22 da ka sb"]),
    ("an algorithm too few, strict", TWO + """
serve dab 0 never 0
serve kab 0 never 0
serve sa 0 5 0
serve sab 5 never 0
""", ["BOGUS_DATA 0 5 dab kab sa"]),
    ("an algorithm too few, lax", TWO + "strict no\n" + """
serve dab 0 never 0
serve kab 0 never 0
serve sa 0 5 0
serve sab 5 never 0
""", ["safe"]),
    ("lax: a key that is not in the DS set may sign", TWO + "strict no\n" + """
serve da 0 never 0
serve kab 0 never 0
serve sb 0 never 0
""", ["safe"]),
    ("strict: the algorithms of the DS set count, not those of the keys", TWO + """
serve da 0 never 0
serve kab 0 never 0
serve sa 0 never 0
""", ["safe"]),
    ("one DS of an algorithm suffices", SAME + """
serve dab 0 never 0
serve ka 0 never 0
serve sa 0 never 0
""", ["safe"]),
    ("a DS of each algorithm must hold", TWO + """
serve dab 0 never 0
serve ka 0 never 0
serve sa 0 never 0
""", ["BOGUS_KEYS 0 never dab ka -"]),
    ("lax: one DS suffices", TWO + "strict no\n" + """
serve dab 0 never 0
serve ka 0 never 0
serve sa 0 never 0
""", ["safe"]),
    ("a key that is there but does not sign the keys", """
key a 13
ds d a
dnskey k keys a sigs
serve d 0 never 0
serve k 0 never 0
""", ["BOGUS_KEYS 0 never d k -"]),
    ("a signature by a key that is not there", """
key a 13
key b 13
ds d a b
dnskey k keys a sigs b:0:never
serve d 0 never 0
serve k 0 never 0
""", ["BOGUS_KEYS 0 never d k -"]),
    ("inception and expiry are inside", """
key a 13
ds d a
dnskey k keys a sigs a:10:20
serve d 0 never 0
serve k 0 never 0
""", ["BOGUS_KEYS 0 10 d k -", "BOGUS_KEYS 21 never d k -"]),
    ("clocks are wrong by two seconds", """
skew 2
key a 13
ds d a
dnskey k keys a sigs a:10:20
serve d 0 never 0
serve k 0 never 0
""", ["BOGUS_KEYS 0 12 d k -", "BOGUS_KEYS 19 never d k -"]),
    ("the second signature takes over", """
key a 13
ds d a
dnskey k keys a sigs a:0:20 a:15:never
serve d 0 never 0
serve k 0 never 0
""", ["safe"]),
    ("no DS, and nobody minds", ONE + "ds n none\nserve n 0 never 0\nserve k 0 never 0\n", ["safe"]),
    ("no DS, and somebody minds for a while", ONE + "ds n none\nserve n 0 10 5\nsecure 12 20\n",
     ["INSECURE 12 15 n - -"]),
    ("no DS, and nobody minds any more", ONE + "ds n none\nserve n 0 10 5\nsecure 2 4\n",
     ["INSECURE 2 4 n - -"]),
    ("unsigned data under a DS", ONE + """
data u A unsigned
serve d 0 10 5
serve k 0 never 0
serve u 8 never 0
""", ["BOGUS_DATA 8 15 d k u"]),
    ("unsigned data without a DS", ONE + """
data u A unsigned
ds n none
serve n 0 never 0
serve k 0 never 0
serve u 8 never 0
""", ["safe"]),
    ("classes are apart", ONE + """
data t B unsigned
serve d 0 never 0
serve k 0 never 0
serve s 0 never 0
serve t 3 5 1
""", ["BOGUS_DATA 3 6 d k t"]),
    ("bogus keys hide the data", ONE + """
dnskey x keys sigs
data u A unsigned
serve d 0 never 0
serve x 0 never 0
serve u 0 never 0
""", ["BOGUS_KEYS 0 never d x -"]),
    ("lines are sorted", TWO + """
serve da 0 3 0
serve db 0 3 0
serve dab 1 3 0
serve kab 0 never 0
serve sb 0 never 0
serve sa 2 3 0
""", ["BOGUS_DATA 0 3 da kab sb", "BOGUS_DATA 1 3 dab kab sb", "BOGUS_DATA 2 3 dab kab sa",
      "BOGUS_DATA 2 3 db kab sa"]),
]

# Each is refused; nothing is guessed.
WRONG = ["key", "key a", "key a 256", "key a:b 8", "key a 8\nkey a 8", "ds d a", "ds d", "ds d none x",
         "key a 8\nds d a a", "key a 8\nds d a\nds d none", "dnskey k", "dnskey k keys", "dnskey k keys a sigs",
         "key a 8\ndnskey k keys a sigs a:1", "key a 8\ndnskey k keys a sigs a:1:2:3", "data s", "data s A",
         "data s A x", "data s A unsigned x", "serve d 0 1 1", "ds d none\nserve d 1 1 1",
         "ds d none\nserve d 2 1 1", "ds d none\nserve d 0 1", "ds d none\nserve d 0 1 never",
         "ds d none\nserve d never never 1", "secure 1", "secure 1 1", "skew", "skew never", "strict maybe",
         "serve", "what", "skew 1 2", "skew -1", "skew 1099511627777"]


def cases():
    for name, history, want in CASES:
        for fleet in ("joint", "sets", "step", "jump"):
            status, out, err = simkit.run("sim", "-m", fleet, text=history + "\n")
            tap.equal((status, out.splitlines()), (0 if want == ["safe"] else 1, want),
                      "%s (%s)" % (name, fleet), err)


def wrong():
    for text in WRONG:
        status, out, _ = simkit.run("sim", text=text + "\n")
        tap.equal((status, out), (3, ""), "refused: " + text.replace("\n", "; "))


def batch():
    a, b = ONE + "serve d 0 never 1\n", ONE + "secure 0 9\nds n none\nserve n 0 3 1\n"
    tap.equal(simkit.run("sim", text=a + "--\n" + b + "--\n" + a)[:2],
              (1, "safe\n--\nINSECURE 0 4 n - -\n--\nsafe\n"), "a batch")


def fleets():
    """What is quick says what is plain."""
    n = 40000 if simkit.LONG else 400
    for profile, one, two, count in (
            ("tiny", "joint", "sets", n // 2), ("wild", "sets", "step", n), ("wild", "sets", "jump", n),
            ("roll", "sets", "jump", n), ("long", "sets", "jump", max(n // 20, 20)),
            ("long", "step", "jump", n)):
        text = simkit.generate(profile, simkit.SEED, count)
        first, second = (simkit.judged("sim", text, "-m", m) for m in (one, two))
        tap.equal(len(first), count, "%d verdicts on %s" % (count, profile))
        tap.none(simkit.differences(text, first, second), "%s: %s is %s" % (profile, one, two))
        safe = sum(v == ["safe"] for v in first)
        tap.ok(0 < safe < count, "%s has good and bad histories" % profile, safe)


def spans(verdict):
    return {(w[0], *w[3:], t) for w in map(str.split, verdict) if len(w) == 6
            for t in range(int(w[1]), 100 if w[2] == "never" else min(int(w[2]), 100))}


def validators():
    """A validator for itself is never worse off than all validators at once."""
    text = simkit.generate("roll", simkit.SEED + 1, 400) + "--\n" + simkit.generate("wild", 5, 200)
    for fleet in ("sets", "jump"):
        all_, each = simkit.judged("sim", text, "-m", fleet), simkit.judged("sim", text, "-m", fleet, "-e")
        bad = []
        for history, a, e in zip(simkit.blocks(text), all_, each):
            # One that cannot hold the keys does not get as far as the data.
            known = spans(a)
            keys = {x[1:3] + x[4:] for x in known if x[0] == "BOGUS_KEYS"}
            if any(x not in known and x[1:3] + x[4:] not in keys for x in spans(e)):
                bad.append("\n".join(history + ["all:"] + a + ["each:"] + e))
        tap.none(bad, "each validator's faults are among those of all (%s)" % fleet)
        tap.ok(all_ != each, "and sometimes they are fewer (%s)" % fleet)


for fn in (cases, wrong, batch, fleets, validators):
    tap.case(fn)
sys.exit(tap.done())
