#!/usr/bin/env python3
"""dnssec/timeline, which reckons, against the simulator, which tries."""
import os
import sys
import time

import simkit
from tap import Tap

tap = Tap()
# Seconds of the machine that a long run takes; of every day, a number of histories.
LONG_SEC = int(os.environ.get("SEKISHO_SIM_SEC", "600"))
DAILY = {"wild": 2000, "roll": 8000, "long": 300, "tiny": 1000}


def compare(profile, seed, n):
    """Differences, and how many histories were good."""
    text = simkit.generate(profile, seed, n)
    ours, theirs = simkit.judged("sim", text), simkit.judged("timeline_check", text)
    return simkit.differences(text, ours, theirs), sum(v == ["safe"] for v in ours), len(ours)


def daily(profile):
    n = DAILY[profile]
    found, safe, count = compare(profile, simkit.SEED, n)
    tap.equal(count, n, "%d verdicts on %s" % (n, profile))
    tap.ok(0 < safe < n, "%s: %d of %d are safe" % (profile, safe, n))
    tap.none(found, "%s: the proof says what the simulator saw" % profile)


def long_run():
    end, seed, n = time.monotonic() + LONG_SEC, time.time_ns() % 10**12, 0
    while time.monotonic() < end:
        for profile in DAILY:
            found, _, count = compare(profile, seed, DAILY[profile])
            n += count
            if found:
                tap.none(found, "%s, seed %d" % (profile, seed))
                return
        seed += 1
    tap.ok(n > 0, "%d histories, no difference" % n)


def main():
    for profile in DAILY:
        tap.case(daily, profile)
    if simkit.LONG:
        tap.case(long_run)


main()
sys.exit(tap.done())
