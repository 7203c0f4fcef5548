"""The gate of a freshly signed zone: what `sekisho zone sign` takes more because
it audits what it is about to publish, beside what signing takes."""
import os
import statistics

from kit import WAYS, ratio, say, table
from zone import APEX, Turn, count_sigs, keys_make, make_zone, signers

NAMES_ONCE = 100000		# more of them: one turn


def turns_of(kind, work, zone, keys, runs):
    """{name: [Turn]} of sekisho's rows, in turns; None when one failed."""
    rows = [r for r in signers(kind, work, zone, keys) if r[0].startswith("sekisho")]
    turns = {}
    for _ in range(runs):
        for name, argv, _ in rows:
            turns.setdefault(name, []).append(Turn(argv, work))
            if turns[name][-1].status != 0:
                say("  %s failed (status %d)" % (name, turns[name][-1].status))
                return None
    return turns


def middle(turns, what):
    return statistics.median(getattr(t, what) for t in turns)


def bench_gate(kind, n, work, runs):
    """(CPU s of signing, CPU s of the gate by the best way), or None."""
    zone = os.path.join(work, APEX + ".zone")
    make_zone(kind, n, zone)
    turns = turns_of(kind, work, zone, keys_make(work), 1 if n > NAMES_ONCE else runs)
    if turns is None:
        return None
    sign, wall = (middle(turns["sekisho"], k) for k in ("cpu", "wall"))
    rows = [["", "CPU s", "wall s", "MB", "x signing"],
            ["signing", "%.2f" % sign, "%.2f" % wall, "%.0f" % middle(turns["sekisho"], "mb"),
             "1.0"]]
    gates = []
    for name, _ in WAYS:
        t = turns["sekisho +verify" + name]
        gates.append(middle(t, "cpu") - sign)
        rows.append(["the gate" + name, "%.2f" % gates[-1], "%.2f" % (middle(t, "wall") - wall),
                     "%.0f" % middle(t, "mb"), ratio(gates[-1], sign)])
    table("The gate of %d names, %s: %d signatures" % (
        n, kind, count_sigs(os.path.join(work, "ours.signed"))), rows,
        ["sekisho zone sign --afresh --no-verify …",
         "sekisho zone sign --afresh [--crypto generic] …"])
    return sign, gates[0]
