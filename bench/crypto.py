#!/usr/bin/env python3
"""Signatures verified in masses: each way, its peers, and what comes of it.

	meson compile -C build bench-crypto
	crypto.py [rates] [digests] [pilot] [lab] [tree] [world] [zone] [gate]	(some of it)
	SEKISHO_TREE=DIR	the full size for `tree`, made in two minutes by
		sekisho lab rpki --from-vrps FILE --at 2026-11-18T11:00:00Z -o DIR/tree --tal DIR/tals
		DIR on a tmpfs (2 GB): a disk that is read meanwhile, as a page cache is
		emptied, has cost 20 s of the kernel's own
	SEKISHO_WORLD=DIR	the same with servers for `world` (see live.py; LIVE=cold,alone: no peers)

 rates	verifications/s of RSA-2048 and P-256 by each way of crypto/verify.h and
	by batch size, beside EVP_PKEY_verify with a cached key
 digests	of short messages, likewise
 pilot, lab	cold validation of the pilot and of a tree of 1,000 CAs (bench.py)
 tree	cold validation of the full-size tree, if SEKISHO_TREE is set
 world	the same from the object store of a daemon (live.py), if SEKISHO_WORLD is set
 zone	`zone verify` of a hosting zone of 100,000 names (zone.py)
 gate	what verifying a freshly signed zone of 1,000,000 names takes (gate.py)

From `pilot` on each is done twice, by the best way of this processor and with
--crypto generic. At the end the aims of issue 5 stand beside the figures.

BENCH_RUNS=N, BENCH_JSON=FILE as for bench.py; BENCH_SECONDS=N (0.1 for each
rate), BENCH_CAS=N, BENCH_HOSTING=N and BENCH_GATE=N (names) are for who cannot
wait: then there is no aim. The numbers mean something only while nothing else
runs.
"""
import os
import sys
from functools import partial

from bench import LAB_CAS, bench_lab, bench_pilot, bench_tree
from crypto_rates import bench_digests, bench_rates
from gate import bench_gate
from kit import bench_begin, bench_end, parts_run, peers, say, table
from live import STORE_1_JOB, bench_live
from world import BIG
from zone import bench_verify, keys_make, make_zone, signers, Turn

RUNS = int(os.environ.get("BENCH_RUNS", "5"))
SECONDS = float(os.environ.get("BENCH_SECONDS", "0.1"))
HOSTING = int(os.environ.get("BENCH_HOSTING", "100000"))
GATE = int(os.environ.get("BENCH_GATE", "1000000"))
LAB_CAS_AIM, HOSTING_AIM, GATE_AIM = 1000, 100000, 1000000


class Aims:
    """The rows of the last table: what was aimed at, and what was found."""

    def __init__(self):
        self.rows = [["", "found", "aim", "reached"]]

    def add(self, what, found, aim, reached):
        self.rows.append([what, found, aim, "yes" if reached else "NO"])

    def at_least(self, what, found, aim):
        if found is None:
            self.rows.append([what, "cannot be had here", "%gx" % aim, "-"])
        else:
            self.add(what, "%.1fx" % found, "%gx" % aim, found >= aim)

    def at_most(self, what, found, aim):
        if found is not None:
            self.add(what, "%.3f s" % found, "%g s" % aim, found <= aim)


def rates(aims, _):
    best = bench_rates(RUNS, SECONDS)
    for load, way, aim in (("rsa2048-fresh", "ifma", 6), ("rsa2048-prepared", "ifma", 6),
                           ("p256", "ifma", 20), ("p256", "tables", 4)):
        aims.at_least("%s by %s, x EVP" % (load, way), best[load].get(way), aim)


def digests(_, __):
    bench_digests(RUNS, SECONDS)


def pilot(aims, work):
    cpu = bench_pilot(work) or {}
    aims.at_most("the pilot, CPU", cpu.get("sekisho --tree"), 0.06)


def lab(aims, work):
    cpu = bench_lab(work) or {}
    if LAB_CAS == LAB_CAS_AIM:
        aims.at_most("%d CAs, CPU" % LAB_CAS, cpu.get("sekisho --tree"), 0.8)


def tree(aims, work):
    if not os.environ.get("SEKISHO_TREE"):
        say("  SEKISHO_TREE is not set: left out")
        return
    cpu = bench_tree(os.environ["SEKISHO_TREE"], work) or {}
    aims.at_most("the full-size tree, CPU", cpu.get("sekisho --tree"), 12)


def world(aims, work):
    if not os.environ.get("SEKISHO_WORLD"):
        say("  SEKISHO_WORLD is not set: left out")
        return
    os.environ.setdefault("LIVE", "cold")
    made, cpu = bench_live(work)
    if cpu is not None and made.n_objects >= BIG:
        aims.at_most("the full-size world, from the store, CPU", cpu.get(STORE_1_JOB), 12)


def zone(aims, work):
    if peers.missing("dnssec-keygen") is not None:
        say("  dnssec-keygen is not installed: left out")
        return
    plain = os.path.join(work, "bench.zone")
    make_zone("hosting", HOSTING, plain)
    _, argv, signed = signers("hosting", work, plain, keys_make(work))[0]
    if Turn(argv, work).status != 0:
        say("  signing failed")
        return
    got = bench_verify("hosting", HOSTING, work, os.path.join(work, signed))
    if HOSTING == HOSTING_AIM:
        aims.at_most("hosting zone of %d names verified, wall" % HOSTING,
                     got.get("sekisho", (0, None))[1], 3)


def gate(aims, work):
    if peers.missing("dnssec-keygen") is not None:
        say("  dnssec-keygen is not installed: left out")
        return
    got = bench_gate("tld", GATE, work, RUNS)
    if got is not None and GATE == GATE_AIM:
        aims.at_most("the gate of %d names, CPU; aim: signing" % GATE, got[1], got[0])


PARTS = {"rates": rates, "digests": digests, "pilot": pilot, "lab": lab, "tree": tree, "world": world,
         "zone": zone, "gate": gate}


def main():
    parts = sys.argv[1:]
    if any(p not in PARTS for p in parts):
        print("usage: crypto.py [%s]" % "] [".join(PARTS), file=sys.stderr)
        return 2
    aims = Aims()
    bench_begin()
    parts_run({name: partial(part, aims) for name, part in PARTS.items()}, parts)
    if len(aims.rows) > 1:
        table("Issue 5: what was aimed at", aims.rows)
    bench_end()
    return 0


if __name__ == "__main__":
    sys.exit(main())
