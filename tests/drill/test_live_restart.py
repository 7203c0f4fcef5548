#!/usr/bin/env python3
"""
Stop the daemon, take the network away, start it again: what was validated is
served within seconds, and no signature is computed a second time: what was
judged stands. It is explained as if it had been judged anew. And facts change
nothing but time: the same store without them gives the same result.
"""
import os
import sys
import time
import urllib.parse

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from livehouse import LabHouse, LiveHouse, Router, Tap, World, at, folder, stop_all, wait_for  # noqa: E402

t = Tap()
NAMES = [f"n{i}" for i in range(12)]
FIRST_SEC = 5


def signatures(h):
    v = h.of("validate")
    return v["signatures_computed"], v["signatures_known"]


def explained(h):
    """What the page shows of a route, a network, an object of the first CA; times and order of the answer aside."""
    answers = {}
    for subject in ("10.0.0.0/16 AS64496", "10.0.0.0/16", "AS64497", "AS65000"):
        a = h.get("/api/v1/explain?" + urllib.parse.urlencode({"subject": subject}))
        answers[subject] = {k: v for k, v in a.items() if k != "at"}
    for link in [a["uri"] for a in answers["10.0.0.0/16 AS64496"]["chain"]]:
        a = h.get("/api/v1/explain?" + urllib.parse.urlencode({"subject": link}))
        answers[link] = {k: v for k, v in a.items() if k != "at"}
    return answers


def ran(h, seconds=15):
    return wait_for(lambda: h.of("validate")["runs"] > 0 and h.of("validate")["last_good"], seconds)


def facts_at_rest(h):
    """Every fact has come to the disk."""
    last = [-1, time.monotonic()]

    def same():
        n = h.of("store")["objects"]["facts"]
        if n != last[0]:
            last[:] = [n, time.monotonic()]
        return n > 0 and time.monotonic() - last[1] > 2.5
    return wait_for(same, 20, 0.3)


def equality(h, want, when):
    with_, without = h.revalidate("--at", when), h.revalidate("--at", when, "--no-facts")
    t.ok(with_ == without == want, "with facts and without: the same payloads", (len(with_), len(without), len(want)))


def drill(d, world, lab):
    lab.step(0)
    h = LiveHouse(d, lab, rpki="guard-share: 0")
    h.start("--at", at(300))
    if not t.ok(h.is_served(world.expected(0)), "a cold start", h.log()):
        return
    ran(h)
    t.ok(facts_at_rest(h), "facts are kept")
    n = h.of("verify")["signatures"]
    t.ok(n > 5 * len(NAMES), "a cold start computes signatures", n)
    router = Router(h.ports[0])
    router.poll()
    equality(h, world.expected(0), at(300))
    answers = explained(h)
    t.ok(len(answers) > 7 and answers["10.0.0.0/16 AS64496"]["state"] == "Valid", "it explains", answers)
    t.equal(h.of("validate")["points_kept"], 0, "no point was kept before it was judged")
    t.equal(h.stop()[0], 0, "it stops")
    lab.stop()

    began = time.monotonic()
    h.start("--at", at(400))
    t.ok(h.is_served(world.expected(0), FIRST_SEC), "no network: all is served at once", h.log())
    t.diag("%.2f s" % (time.monotonic() - began))
    t.ok(ran(h), "… and validated anew", h.log())
    computed, known = signatures(h)
    t.equal((computed, known), (0, 0), "… no signature is computed again, and none looked up: nothing was parsed")
    v = h.of("validate")		# a second run, soon after the first, says that they are as before
    t.ok(v["points_kept"] + (v["points_as_before"] if v["runs"] > 1 else 0) > len(NAMES), "… the points stand", v)
    got = explained(h)
    t.equal({s: got.get(s) == answers[s] for s in answers}, {s: True for s in answers},
            "… and are explained as before")
    t.equal(h.of("verify")["signatures"], 0, "… says verify, too")
    session, serial = router.session, router.serial
    router.poll()
    t.equal((router.session, router.serial, router.fulls, router.faults), (session, serial, 1, []),
            "a router goes on where it was")
    h.kill_role("validate")
    t.ok(wait_for(lambda: h.role("validate")["restarts"] > 0 and h.ready(), 10) and ran(h), "validate dies alone")
    t.equal(signatures(h), (0, 0), "… nothing is computed or looked up again")
    equality(h, world.expected(0), at(400))
    h.stop()
    return n


def drill_on(d, world, lab, n):
    """The network is back, and the world has moved."""
    lab.step(1)
    h = LiveHouse(d, lab, rpki="guard-share: 0")
    h.start("--at", at(500))
    t.ok(h.is_served(world.expected(1)), "the network is back: what is new comes", h.log())
    t.ok(facts_at_rest(h), "…")
    m = h.of("verify")["signatures"]
    t.ok(0 < m < n, f"… and only its signatures are computed ({m}, at first {n})")
    equality(h, world.expected(1), at(500))
    t.none(h.damaged(), "nothing was damaged")
    h.stop()


def main():
    with folder() as d:
        world = World(d, NAMES, 1)
        try:
            n = None
            with LabHouse(d) as lab:
                n = drill(d, world, lab)
            with LabHouse(d) as lab:
                if n:
                    t.case(drill_on, d, world, lab, n)
        finally:
            stop_all()
    return t.done()


if __name__ == "__main__":
    sys.exit(main())
