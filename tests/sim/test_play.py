#!/usr/bin/env python3
"""dnssec/keystate runs zones for years in a slow and faulty world: never bogus, never late."""
import os
import sys
import time

import simkit
from tap import Tap

tap = Tap()
# By default three plays that are short and have much happen in them.
SEED = int(os.environ.get("SEKISHO_SIM_SEED", "18"))
# Zones in whose plays nobody does anything wrong, and keys are rolled.
QUIET = (13, 28, 43)
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
    status, plays, said = play(SEED, 3, 1)
    tap.equal((status, len(plays)), (0, 3), "a year of 3 zones", said[:3000])
    tap.none(faults(plays), "no resolver suffers, no step is late, nothing is stuck")
    # A play in which nothing happens proves nothing.
    for name, least in (("deleted", 6), ("ds", 15), ("publications", 60), ("judged", 12), ("mistakes", 3),
                        ("commands", 20)):
        tap.ok(total(plays, name) >= least, "%s: at least %d" % (name, least), total(plays, name))


def overtaken():
    """A demand that was taken back came true after the one that took it back: it stood still."""
    status, plays, said = play(16, 1, 1)
    tap.equal(status, 0, "a DS set that was taken back", said[:1000])
    tap.ok(plays and plays[0]["busy_days"] <= 10 and plays[0]["ds"] >= 10, "is asked away in time", said[:500])


def own_account():
    """The history that the engine writes itself, for the proof, in the eyes of the simulator."""
    for seed in QUIET:
        status, plays, said = play(seed, 1, 1, "-e")
        tap.ok(status == 0 and total(plays, "deleted") >= 2, "zone %d by its own account" % seed, said[:500])
    status, _, said = play(19, 1, 1, "-e")
    tap.equal(status, 1, "a stranger's DS is in the account, too", said[:500])


def noticed():
    """What must not be is seen."""
    status, plays, said = play(18, 1, 1, "-l")
    tap.ok(status == 1 and any(not p["safe"] for p in plays), "an observer who lies breaks zones", said[:500])
    status, plays, said = play(19, 1, 1, "-s")
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


for fn in (daily, overtaken, own_account, noticed):
    tap.case(fn)
if simkit.LONG:
    tap.case(long_run)
sys.exit(tap.done())
