#!/usr/bin/env python3
"""rpki-client, FORT and we: the same VRPs from the same repositories."""
import os
import shutil
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import peers
from tap import Tap

tap = Tap()


def ours(source, tals, out, at=None, options=()):
    """(result, VRP set); source: ["--tree", DIR] or ["--rrdp", FILE]."""
    argv = [peers.sekisho(), "rpki", "validate", "--no-progress"] + source
    for t in tals:
        argv += ["--tal", t]
    if at is not None:
        argv += ["--at", peers.rfc3339(at)]
    r = peers.run(argv + list(options) + ["-o", "csv=" + out])
    return r, peers.vrps_csv(out) if os.path.exists(out) else None


def compare(got, want, name, note=""):
    """Sets of VRPs, with the first differences in the diagnosis."""
    if got is None:
        return tap.ok(False, name, "no output; " + note)
    return tap.ok(got == want, name, "%d, want %d; missing %s, too many %s %s" % (
        len(got), len(want), sorted(want - got)[:3], sorted(got - want)[:3], note[-500:]))


def peer_runs(tree, tals, work, at, hosts):
    """Yield (name, result, VRP set) of the peers that are installed."""
    for name, layout, run in (
            ("rpki-client", peers.rpki_client_layout,
             lambda c, o: peers.rpki_client(c, tals, o, at, hosts)),
            ("FORT", peers.fort_layout, lambda c, o: peers.fort(c, tals, o, at))):
        absent = peers.missing("rpki-client" if name == "rpki-client" else "fort", "faketime")
        if absent is not None:
            tap.skip(name, "%s is not installed" % absent)
            continue
        cache = os.path.join(work, name)
        layout(tree, tals, cache)
        yield (name,) + run(cache, cache + "-out")


def case_pilot(work):
    if not os.path.exists(peers.PILOT):
        tap.skip("pilot", "../shared/data/rpki/pilot is absent")
        return
    tree = os.path.join(work, "pilot")
    snapshot = os.path.join(peers.PILOT, "snapshot.xml.gz")
    tap.equal(peers.unpack_rrdp(snapshot, tree), 1766, "the pilot has 1766 objects")
    tals = [os.path.join(peers.PILOT, "ripe-pilot.tal")]
    want = peers.vrps_csv(os.path.join(peers.PILOT, "expected-vrps.csv"))
    tap.equal(len(want), 782, "782 VRPs are expected")
    for name, r, got in peer_runs(tree, tals, work, peers.PILOT_AT, ["localcert.ripe.net"]):
        compare(got, want, "pilot: %s finds them" % name, r.err)
    for source in (["--tree", tree], ["--rrdp", snapshot]):
        r, got = ours(source, tals, os.path.join(work, "pilot.csv"), peers.PILOT_AT)
        compare(got, want, "pilot: and so do we, %s" % source[0], r.err)
        os.path.exists(os.path.join(work, "pilot.csv")) and os.unlink(
            os.path.join(work, "pilot.csv"))


# Faults that all three have to judge alike; what a peer of 2022 cannot know
# (RFC 9589, RFC 9829 …) is not here.
WORLDS = [
    ("a clean world", []),
]


def main():
    if not os.path.exists(peers.sekisho()):
        tap.skip("validate", "sekisho is not built")
        return tap.done()
    work = tempfile.mkdtemp(prefix="sekisho-validate-")
    os.chmod(work, 0o755)
    try:
        tap.case(case_pilot, work)
    finally:
        shutil.rmtree(work)
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
