#!/usr/bin/env python3
"""
The drop guard in the whole daemon: what would be lost by a failure is held,
told, and let go by hash; what is withdrawn with a signature goes at once; and
nothing is held past its expiry.
"""
import json
import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from livehouse import AT, LabHouse, LiveHouse, PATIENCE, Router, Tap, at, folder, run, stop_all, wait_for  # noqa: E402

t = Tap()
LEAVES, ROAS = 4, 5
DAY = 24 * 3600
GUARD = "guard-min: 5\nguard-hold: 6h"


def world(d):
    """Below `mid`: 4 CAs with 5 ROAs each; step 1: mid claims too much; step 3: its ROAs are withdrawn."""
    text = [f"at {AT}", "steps 3", "every 1m", "ta lab {", "server ta.example", "manifest -1h +30d",
            "crl -1h +30d", "resources 10.0.0.0/8 AS64496-AS65000", "ca mid {", "server mid.example",
            "manifest -1h +30d", "crl -1h +30d", "resources 10.0.0.0/9 AS64496-AS64600",
            "fault overclaim-ipv4 from 1 until 2"]
    for i in range(LEAVES):
        text += [f"ca leaf{i} {{", f"resources 10.{i}.0.0/16 AS{64496 + i}",
                 *(f"roa AS{64496 + i} 10.{i}.{k}.0/24 until 3" for k in range(ROAS)), "}"]
    text += ["}", "ca other {", "server other.example", "manifest -1h +30d", "crl -1h +30d",
             "resources 10.200.0.0/16 AS64900",
             *(f"roa AS64900 10.200.{k}.0/24" for k in range(LEAVES * ROAS)), "}", "}"]
    with open(os.path.join(d, "w.lab"), "w") as f:
        f.write("\n".join(text) + "\n")
    code, _, err = run("lab", "rpki", "w.lab", "-q", "--seed", "7", "--servers", ".", cwd=d)
    assert code == 0, err


OTHER = {f"AS64900 10.200.{k}.0/24-24" for k in range(LEAVES * ROAS)}
MID = {f"AS{64496 + i} 10.{i}.{k}.0/24-24" for i in range(LEAVES) for k in range(ROAS)}


def held(h):
    return h.of("validate")["guard"]


def codes(h):
    return {x["code"] for x in h.objects()}


def events(h):
    return [x["event"] for x in h.audit()]


def move(h, lab, step):
    """The world moves, and it has been looked at: a server's new serial is in the store, and judged."""
    commits, runs = h.of("store")["objects"]["commits"], h.of("validate")["runs"]
    lab.step(step)
    h.fetch_now()
    return wait_for(lambda: h.wish(1) and h.of("store")["objects"]["commits"] > commits and
                    h.of("validate")["runs"] > runs, 20, 0.5)


def peer_differs(d, h):
    """A validator without a guard has let them go: `rpki diff` says that ours holds them."""
    peer = os.path.join(d, "peer.csv")
    with open(peer, "w") as f:
        f.write("ASN,IP Prefix,Max Length,Trust Anchor\n")
        for v in sorted(OTHER):
            asn, prefix = v.split()
            f.write("%s,%s,%s,lab\n" % (asn, *prefix.split("-")))
    _, out, err = run("rpki", "diff", "current", peer, "-c", h.conf, "--at", at(700), "--json")
    got = json.loads(out)["only_a"] if out else []
    t.equal((len(got), {x["cause"] for x in got}, {bool(x.get("time")) for x in got}),
            (len(MID), {"held"}, {True}), "beside a peer's list: held, since when" + err)


def case_hold(d, lab):
    lab.step(0)
    h = LiveHouse(d, lab, rpki=GUARD)
    h.start("--at", at(600))
    if not t.ok(h.is_served(MID | OTHER), "all is served", h.log()):
        return
    router = Router(h.ports[0])
    router.poll()
    before = router.serial
    move(h, lab, 1)
    t.ok(wait_for(lambda: held(h)["held"] == len(MID), 20), "an intermediate CA's certificate goes bad: its payloads are held",
         (held(h), h.log()[-1500:]))
    router.poll()
    t.ok(router.vrps == MID | OTHER and router.serial == before, "routers see nothing of it")
    t.ok("RPKI_GUARD_HOLDING" in codes(h) and "RPKI_CERT_OVERCLAIM" in codes(h), "the object log says it, and why", codes(h))
    t.ok("guard-holding" in events(h), "so does the audit log")
    t.ok(h.get("/metrics").count("RPKI_GUARD_HOLDING") > 0, "and the metrics")
    peer_differs(d, h)
    hash_ = held(h)["hash"]

    t.equal(run("rpki", "release", "0" * 64, "-c", h.conf)[0], 1, "another hash lets nothing go")
    t.equal(held(h)["held"], len(MID), "…")
    t.equal(run("rpki", "release", hash_, "-c", h.conf)[0], 0, "its own does")
    t.ok(h.is_served(OTHER), "… and they are gone", h.log()[-1500:])
    router.poll()
    t.equal((router.vrps, router.fulls, sorted(router.changes)), (OTHER, 1, sorted((0, v) for v in MID)),
            "routers get a delta of just these")
    t.ok("guard-released" in events(h), "the audit log knows that somebody did it")

    move(h, lab, 2)
    t.ok(h.is_served(MID | OTHER), "the certificate is good again: all is back")
    move(h, lab, 3)
    t.ok(h.is_served(OTHER), "the same loss, signed by the CAs: not held", (held(h), h.log()[-1500:]))
    t.equal(held(h)["held"], 0, "… nothing")
    router.poll()
    t.equal((router.vrps, router.fulls, router.faults), (OTHER, 1, []), "one router all the time: by deltas")
    h.stop()


def case_again(d, lab):
    """What was let go once is not let go by that when it fails again in another set."""
    for seconds in (20, 80, 320):		# until then it has to be held; a busy machine is not so fast
        lab.step(0)
        h, began = LiveHouse(d, lab, rpki=GUARD, state=f"state-{seconds}"), time.monotonic()
        h.start("--at", at(DAY - seconds))
        served = h.is_served(MID | OTHER)
        move(h, lab, 1)
        is_held = wait_for(lambda: held(h)["held"] == len(MID), seconds / PATIENCE)
        have = h.vrps()
        if time.monotonic() - began < seconds - 1:
            break
        h.stop()
    if not t.ok(h.proc and served, "all is served, shortly before it expires", h.log()):
        return
    t.ok(is_held, "it fails: it is held", (held(h), h.log()[-1500:]))
    t.equal(have, MID | OTHER, "… and served")
    t.ok(wait_for(lambda: h.vrps() == OTHER, 30 + seconds / PATIENCE),
         "it expires: it is gone, although it was to be held for hours", h.log()[-1500:])
    h.kill_role("validate")
    t.ok(wait_for(lambda: h.ready() and h.of("validate")["runs"] > 0, 20), "…")
    t.ok(wait_for(lambda: held(h)["held"] == 0, 10), "nothing is held any more", held(h))
    t.equal(h.vrps(), OTHER, "… and stays gone")
    h.stop()


def main():
    with folder() as d:
        world(d)
        try:
            with LabHouse(d) as lab:
                for case in (case_hold, case_again):
                    t.case(case, d, lab)
                    stop_all()
        finally:
            stop_all()
    return t.done()


if __name__ == "__main__":
    sys.exit(main())
