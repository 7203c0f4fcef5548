#!/usr/bin/env python3
"""dnssec/keystate runs zones for years in a slow and faulty world: never bogus, never late."""
import os
import sys
import time

import simkit
from tap import Tap

tap = Tap()
SEED = int(os.environ.get("SEKISHO_SIM_SEED", "1"))
LONG_SEC = int(os.environ.get("SEKISHO_SIM_SEC", "600"))
# Nothing that the world does takes longer: a person two weeks, a token days, a mistake ten
# days, a server that is stuck five, a registry five; and some of it behind each other.
BUSY_DAYS_MAX = 60


def play(seed, n, years, *options):
    """(status, a dictionary for each play, all that was said)"""
    status, out, err = simkit.run("play", *options, "-y", years, seed, n)
    plays = []
    for words in map(str.split, out.splitlines()):
        if len(words) > 1 and words[1] in ("safe", "bad"):
            plays.append({"seed": words[0], "safe": words[1] == "safe",
                          **{k: int(v) for k, v in (w.split("=") for w in words[2:])}})
    return status, plays, out + err


def faults(plays):
    for p in plays:
        if not p["safe"] or p["rc"] != 0:
            yield "seed %s: bad states, rc %d" % (p["seed"], p["rc"])
        if p["late"] > 0:
            yield "seed %s: %d steps later than needed" % (p["seed"], p["late"])
        if p["busy_days"] > BUSY_DAYS_MAX:
            yield "seed %s: stuck for %d days" % (p["seed"], p["busy_days"])


def total(plays, name):
    return sum(p[name] for p in plays)


def daily():
    status, plays, said = play(SEED, 6, 1)
    tap.equal((status, len(plays)), (0, 6), "a year of 6 zones", said[:3000])
    tap.none(faults(plays), "no resolver suffers, no step is late, nothing is stuck")
    # A play in which nothing happens proves nothing.
    for name, least in (("deleted", 6), ("ds", 15), ("publications", 60), ("judged", 15), ("mistakes", 3),
                        ("commands", 20)):
        tap.ok(total(plays, name) >= least, "%s: at least %d" % (name, least), total(plays, name))


def noticed():
    """What must not be is seen."""
    status, plays, said = play(1, 3, 1, "-l")
    tap.ok(status == 1 and any(not p["safe"] for p in plays), "an observer who lies breaks zones", said[:500])
    status, plays, said = play(1, 2, 1, "-s")
    tap.ok(status == 0 and total(plays, "late") > 0, "an engine that waits a day more is late", said[:500])


def long_run():
    end, seed, n = time.monotonic() + LONG_SEC, time.time_ns() % 10**12, 0
    while time.monotonic() < end:
        _, plays, said = play(seed, 10, 3)
        n += len(plays)
        found = list(faults(plays))
        if found or len(plays) != 10:
            tap.none(found or [said[-500:]], "from seed %d" % seed)
            return
        seed += 10
    tap.ok(n > 0, "%d plays of three years" % n)


for fn in (daily, noticed):
    tap.case(fn)
if simkit.LONG:
    tap.case(long_run)
sys.exit(tap.done())
