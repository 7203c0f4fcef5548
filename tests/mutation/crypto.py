#!/usr/bin/env python3
"""Slips in the verification code of src/crypto, one at a time: does a test see each?

	python3 tests/mutation/crypto.py [--build DIR] [--file NAME]... [--count N] [--seed S]
	    [--jobs N] [--list] [--again LOG] [--log FILE] [--without TEST]...

Slips are made by rules over tokens (slips.py) in a copy of the tree; what they
touch is compiled again, and the file's tests (plan.py) run until one fails. A
slip is then "caught" by it, or "survived"; "same" if the compiler makes the
same of it, "no C" if it makes nothing, "equivalent" if equivalent.txt says why
no test can see it. --count: so many, chosen by the seed, of all. --log: results,
one a line; what is in it already is not tried again. --again: only what did
survive by that log. Exit status 0; 1: some survived; 3: could not be done.
"""

import argparse
import collections
import concurrent.futures
import os
import queue
import random
import sys
import tempfile
import threading

import equivalent
import plan
import slips
from house import Broken, House

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.environ.get("SEKISHO_SRC") or os.path.normpath(os.path.join(HERE, "..", ".."))


def options():
    p = argparse.ArgumentParser(usage=__doc__, add_help=False)
    p.add_argument("--build", default=os.environ.get("SEKISHO_BUILD") or os.path.join(SOURCE, "build"))
    p.add_argument("--file", action="append", default=[])
    p.add_argument("--count", type=int)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--jobs", type=int, default=os.cpu_count())
    p.add_argument("--list", action="store_true")
    p.add_argument("--again")
    p.add_argument("--log")
    p.add_argument("--without", action="append", default=[])
    return p.parse_args()


def files(wanted):
    folder = os.path.join(SOURCE, "src/crypto")
    return [n for n in sorted(os.listdir(folder)) if plan.FILES.fullmatch(n) and
            (not wanted or any(n.startswith(w) for w in wanted))]


def slips_of(name):
    with open(os.path.join(SOURCE, "src/crypto", name), encoding="utf-8") as f:
        return slips.slips(name, f.read())


def log_read(path):
    """name: (verdict, by)"""
    out = {}
    if path and os.path.exists(path):
        with open(path, encoding="utf-8") as f:
            for line in f:
                verdict, by, _rule, name = line.rstrip("\n").split("\t")
                out[name] = (verdict, by)
    return out


def chosen(o):
    """Slips to try, in the order of chance."""
    out = [s for name in files(o.file) for s in slips_of(name)]
    random.Random(o.seed).shuffle(out)
    if o.again:
        survived = {n for n, (verdict, _) in log_read(o.again).items() if verdict == "survived"}
        out = [s for s in out if s.name in survived]
    return out[:o.count]


class Trials:
    """Tries slips in some houses at once, says each verdict, and counts."""

    def __init__(self, o, tmp):
        self.known = equivalent.read()
        self.without = o.without
        self.done = log_read(o.log)
        self.log = open(o.log, "a", encoding="utf-8") if o.log else None
        self.lock = threading.Lock()
        self.verdicts = collections.Counter()
        self.by = collections.Counter()
        self.survivors = []
        self.houses, first = queue.Queue(), None
        for i in range(o.jobs):
            house = House(SOURCE, o.build, os.path.join(tmp, str(i)), first)
            first = first or house
            self.houses.put(house)

    def tests_of(self, path):
        return [t for t in plan.tests_of(path) if t.name not in self.without]

    def verdict(self, s):
        if s.name in self.done:
            return self.done[s.name]
        if self.known.why(s):
            return "equivalent", ""
        if plan.missing(s.path):
            return "not here", plan.missing(s.path)
        house = self.houses.get()
        try:
            return house.try_slip(s, self.tests_of(s.path))
        finally:
            self.houses.put(house)

    def one(self, s):
        verdict, by = self.verdict(s)
        with self.lock:
            self.verdicts[verdict] += 1
            self.by[by] += verdict == "caught"
            if verdict == "survived":
                self.survivors.append(s)
            if s.name in self.done:
                return
            print(f"{verdict:10} {by:12} {s.name}", flush=True)
            if self.log:
                self.log.write(f"{verdict}\t{by}\t{s.rule}\t{s.name}\n")
                self.log.flush()

    def report(self):
        print("\n" + ", ".join(f"{n} {v}" for v, n in self.verdicts.most_common()))
        for by, n in self.by.most_common():
            print(f"{n:6} by {by}")
        for s in sorted(self.survivors, key=lambda s: (s.path, s.number)):
            print(f"SURVIVED {s.path}:{s.number} ({s.rule})\n\t{s.before}\n\t{s.name}")


def main():
    o = options()
    todo = chosen(o)
    if o.list:
        for s in todo:
            print(f"{s.rule:17} {s.name}")
        return 0
    with tempfile.TemporaryDirectory(prefix="slips-") as tmp:
        try:
            t = Trials(o, tmp)
            with concurrent.futures.ThreadPoolExecutor(o.jobs) as pool:
                for f in [pool.submit(t.one, s) for s in todo]:
                    f.result()
        except Broken as e:
            print(f"crypto.py: {e}", file=sys.stderr)
            return 3
    t.report()
    return 1 if t.survivors else 0


if __name__ == "__main__":
    sys.exit(main())
