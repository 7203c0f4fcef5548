#!/usr/bin/env python3
"""Every object of a small tree, cut and changed byte by byte.

The harness (mutate.c) judges the whole tree in process for every broken
object; MUTATE_STEP and MUTATE_BYTES make it finer (1 and 5000: everything,
some minutes). The program itself is asked for a few.
"""
import os
import random
import re
import shutil
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "peer"))
import peers
from tap import Tap

AT = 1795300000
STEP = os.environ.get("MUTATE_STEP", "11")
BYTES = os.environ.get("MUTATE_BYTES", "160")
SEED = os.environ.get("MUTATE_SEED", "20261121")
BY_COMMAND = 40		# runs of the program itself

tap = Tap()


def case_harness(tree, tal):
    r = peers.run([os.path.join(peers.BUILD, "tests", "corpus", "mutate"), tree, tal,
                   str(AT), STEP, BYTES, SEED], seconds=500)
    tap.ok(r.status == 0, "nothing crashes, hangs or invents a payload",
           r.out[-1500:] + r.err[-500:])
    lines = [m for m in re.finditer(r"^(rsync://\S+) (\d+) (\d+) (\d+) (\d+) (\d+)$", r.out, re.M)]
    files = sum(len(f) for _, _, f in os.walk(tree))
    tap.equal(len(lines), files, "every object was broken")
    for m in lines:
        name = m[1].rpartition("/")[2]
        tries, clean, lost = int(m[3]), int(m[4]), int(m[5])
        tap.equal(clean + lost, tries, "%s: %d broken copies judged" % (name, tries))
        # Its hash is on the manifest; the manifest and the trust anchor are signed.
        tap.equal(clean, 0, "%s: no broken copy passes" % name)


def break_copy(rng, path, how):
    with open(path, "rb") as f:
        data = bytearray(f.read())
    if how == "cut":
        del data[rng.randrange(len(data)):]
    elif how == "empty":
        data.clear()
    elif how == "byte":
        data[rng.randrange(len(data))] ^= rng.randint(1, 255)
    elif how == "noise":
        data[:] = rng.randbytes(len(data))
    with open(path, "wb") as f:
        f.write(data)


def case_command(tree, tal, work):
    """The same through the program: exit status 0 or 1, and its output."""
    rng = random.Random(int(SEED))
    out = os.path.join(work, "vrps.csv")

    def validate():
        if os.path.exists(out):
            os.unlink(out)
        r = peers.run([peers.sekisho(), "rpki", "validate", "-q", "--no-progress", "--tree", tree,
                       "--tal", tal, "--at", peers.rfc3339(AT), "-o", "csv=" + out], seconds=60)
        return r, peers.vrps_csv(out) if os.path.exists(out) else None

    r, clean = validate()
    tap.ok(r.status == 0 and clean, "the clean tree has status 0", r.err)
    bad = []
    paths = sorted(os.path.join(b, f) for b, _, fs in os.walk(tree) for f in fs)
    for n in range(BY_COMMAND):
        path, how = rng.choice(paths), ("cut", "byte", "noise", "empty")[n % 4]
        with open(path, "rb") as f:
            was = f.read()
        break_copy(rng, path, how)
        r, got = validate()
        if r.status not in (0, 1) or got is None or not got <= clean:
            bad.append("%s %s: status %d, %s" % (how, path[len(tree):], r.status, r.err[-200:]))
        with open(path, "wb") as f:
            f.write(was)
    tap.none(bad, "%d broken trees: status 0 or 1, no payload from nothing" % BY_COMMAND)


def main():
    work = tempfile.mkdtemp(prefix="sekisho-mutate-")
    tree, tal = os.path.join(work, "tree"), os.path.join(work, "lab.tal")
    try:
        r = peers.run([peers.sekisho(), "lab", "rpki",
                       os.path.join(HERE, "..", "peer", "world.lab"), "-q", "--seed", "3",
                       "--at", peers.rfc3339(AT), "--tree", tree, "--tal", tal])
        if tap.ok(r.status == 0, "the lab makes the tree", r.err):
            tap.case(case_harness, tree, tal)
            tap.case(case_command, tree, tal, work)
    finally:
        shutil.rmtree(work)
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
