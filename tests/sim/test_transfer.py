#!/usr/bin/env python3
"""Plans of transfers, put to the simulator: the window is what the plan says, and no step can be earlier."""
import sys

import simkit
from tap import Tap

tap = Tap()
N = 20000 if simkit.LONG else 400
PATTERNS = {"registrar", "exchange", "shared", "copy", "insecure", "sign", "unsign", "plain"}
EARLY = {"ns", "ds_add", "ds_del", "swap", "sign", "clean"}


def window(bads):
    """The insecure times as one interval, or None; all if something is bogus."""
    if bads == ["safe"]:
        return None
    spans = sorted(tuple(float("inf") if x == "never" else int(x) for x in b.split()[1:3]) for b in bads)
    if any(not b.startswith("INSECURE") for b in bads):
        return "bogus"
    from_, until = spans[0]
    for a, b in spans[1:]:
        if a > until:
            return "parted"
        until = max(until, b)
    return from_, until


def said(head):
    words = head[1:].split()[1:]
    if not words:
        return None
    return tuple(float("inf") if x == "never" else int(x) for x in words)


def main():
    status, text, err = simkit.run("transfer_gen", simkit.SEED, N)
    tap.equal((status, err), (0, ""), "%d facts have a plan that dnssec/timeline takes" % N)
    text = text.removesuffix("--\n")
    plans, verdicts = simkit.blocks(text), simkit.judged("sim", text)
    tap.equal(len(plans), len(verdicts), "a verdict for each")
    wrong, not_bad, seen, early = [], [], set(), set()
    for plan, bads in zip(plans, verdicts):
        plan = [line for line in plan if line]
        words = plan[0].split()
        if words[1] == "early":
            early.add(words[2])
            if window(bads) != "bogus":
                not_bad.append("\n".join(plan + bads))
            continue
        seen.add(words[1])
        if window(bads) != said(plan[0]):
            wrong.append("\n".join(plan + bads))
    tap.equal(seen, PATTERNS, "all patterns were met")
    tap.none(wrong[:3], "the window is what the simulator sees, and nothing is bogus")
    tap.equal(early, EARLY, "all steps that wait for caches were taken early")
    tap.none(not_bad[:3], "a second earlier is bogus somewhere")


tap.case(main)
sys.exit(tap.done())
