#!/usr/bin/env python3
"""build_id.py --list | build_id.py OUTPUT [TEXT...]

What the code that judges RPKI objects is, as one SHA-256 in a header: results
that are kept over a restart are keyed by it (src/app/live.c). --list names
the files that go into it; TEXT are the compiler and its settings.
"""
import glob
import hashlib
import os
import sys

SRC = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "src")
JUDGES = ["base/*.[ch]", "inr/*.[ch]", "crypto/*.[ch]", "rpki/*.[ch]", "rpki/*.def", "app/live*.[ch]"]


def names():
    return sorted(os.path.relpath(p, SRC) for j in JUDGES for p in glob.glob(os.path.join(SRC, j)))


def main():
    if sys.argv[1] == "--list":
        print("\n".join(names()))
        return
    sums = hashlib.sha256(repr(sys.argv[2:]).encode())
    for name in names():
        with open(os.path.join(SRC, name), "rb") as f:
            sums.update(repr((name, hashlib.sha256(f.read()).hexdigest())).encode())
    with open(sys.argv[1], "w") as f:
        f.write('/* Made by tools/build_id.py. */\n#define LIVE_BUILD\t"%s"\n' % sums.hexdigest())


main()
