#!/usr/bin/env python3
"""
A validate that was taken over (lying_validate.c stands in its place) can lie
to routers for as long as it lives, and nothing more: it plants no fact, breaks
no reader, fills no disk, and what it said is gone when the true one has
judged everything again.

Each lie: the liar takes over, lies, is relieved; then everything must be as it
was. The first lie, which is believed, shows that the channel works: it
differs from those that are not in what is wrong with it, and in nothing else.
"""
import glob
import hashlib
import os
import re
import shutil
import struct
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from livehouse import LabHouse, LiveHouse, Router, Tap, World, at, folder, house, programs, stop_all, wait_for  # noqa: E402

t = Tap()
BUILD = house.BUILD
NAMES = ["a", "b", "c"]
EVIL = "AS666 203.0.113.0/24-24"
FLOODS = ("pins",)	# of another role; more than it reads
DEAF_SEC = 30		# role/parent_child.c: UNREAD_SEC; waited for once
LAST_WORDS = 100	# lying_validate.c: more than are read at once
STORE_MB = 64		# fetch.store-size: what false points and all that they keep can fill
LOGS_MB = 40		# the object log's hour (20,000 lines), 30,000 findings in the history, twice
DISK_MB = STORE_MB + LOGS_MB
NOW = at(300)
BAD, BAD_FAULT, BAD_CODE = 2, "mft-version", "RPKI_MFT_VERSION"	# the step at which all servers show bad manifests


class Liar:
    """The daemon's programs in a folder of their own, and who plays validate."""

    def __init__(self, d):
        self.d = d
        self.program, roles = programs(d)
        self.validate = os.path.join(roles, "sekisho-validate")
        self.true = os.path.join(BUILD, "src", "role", "sekisho-validate")
        self.false = os.path.join(BUILD, "tests", "drill", "lying-validate")

    def put(self, program):
        shutil.copy(program, self.validate + ".new")
        os.replace(self.validate + ".new", self.validate)

    def take_over(self, h, lie, seconds=20, given=b""):
        """The liar lives; its lie was told, or it was killed for it: the log's new part."""
        with open(os.path.join(self.d, "lie"), "w") as f:
            f.write(lie + " " + given.hex() + "\n")
        mark = len(h.log())
        self.put(self.false)
        h.kill_role("validate")
        done = wait_for(lambda: "lied: " + lie in h.log()[mark:] or "lines in a minute" in h.log()[mark:]
                        or "killing it" in h.log()[mark:], seconds)
        assert done, "the liar did nothing: " + h.log()[mark:][-1500:]
        time.sleep(0.7)			# what it said arrives
        return h.log()[mark:]

    def relieve(self, h):
        self.put(self.true)
        h.kill_role("validate")
        return wait_for(lambda: h.ready() and (h.of("validate") or {}).get("runs", 0) > 0, 15)


def pids(h, but=("validate",)):
    return {r["name"]: r["pid"] for r in h.status()["house"]["roles"] if r["name"] not in but}


def slowed(h):
    return {r["name"]: r["slowed"] for r in h.status()["house"]["roles"]}


def facts(h):
    return h.of("store")["objects"]["facts"]


def afresh(h, world):
    """Who dies twice within seconds is started later and later: a new parent forgets that."""
    h.stop()
    h.start("--at", NOW)
    assert h.is_served(world.expected(0)) and wait_for(lambda: h.ready() and (h.of("validate") or {}).get("runs"), 15)


def healthy(h, world, what):
    """All is as it was before the lie."""
    want = world.expected(0)
    t.ok(wait_for(lambda: h.ready() and h.vrps() == want, 20), f"{what}: afterwards the true payloads, all roles well",
         h.log()[-2000:])
    disk = h.disk()
    t.ok(h.get("/api/v1/status") and disk < DISK_MB and not h.damaged(),
         f"{what}: nothing damaged, the disk bounded ({disk} MB)", h.damaged())
    afresh(h, world)


def lie_unsigned(h, world, liar):
    router = Router(h.ports[0])
    router.poll()
    liar.take_over(h, "unsigned")
    t.ok(wait_for(lambda: EVIL in h.vrps(), 10), "a VRP that nobody signed is published while the liar lives: the channel works")
    router.poll()
    began = time.monotonic()
    liar.put(liar.true)
    h.kill_role("validate")
    gone = wait_for(lambda: EVIL not in h.vrps(), 20, 0.02)
    t.ok(gone, "… and gone when the true one has judged again")
    t.diag("after %.2f s" % (time.monotonic() - began))
    router.poll()
    t.ok(router.vrps == world.expected(0) and router.fulls == 1 and not router.faults, "… at routers, by a delta", router.faults)
    healthy(h, world, "unsigned")


def lie_refused(h, world, liar, lie):
    before = pids(h)
    liar.take_over(h, lie)
    t.equal(h.vrps(), world.expected(0), f"{lie}: none of it reaches a router")
    t.ok("rtr" in before and pids(h) == before, f"{lie}: no other role falls", (before, pids(h)))
    liar.relieve(h)
    healthy(h, world, lie)


def lie_killed(h, world, liar, lie):
    n, before = facts(h), pids(h)
    log = liar.take_over(h, lie)
    t.ok("validate: sent what it may not send, killing it" in log, f"{lie}: it is killed", log[-800:])
    t.equal(pids(h), before, f"{lie}: no other role falls")
    time.sleep(1.2)			# facts are written after a second
    t.equal(facts(h), n, f"{lie}: no fact")
    liar.relieve(h)
    healthy(h, world, lie)


def lie_much(h, world, liar, lie):
    """Nobody else falls, routers are served all the time, and all comes back."""
    before, was = pids(h), slowed(h)
    log = liar.take_over(h, lie)
    t.equal(h.vrps(), world.expected(0), f"{lie}: routers are served")
    t.ok(len(log) < 10 << 20, f"{lie}: the operator's log stays bounded", len(log))
    fallen = [n for n, p in pids(h).items() if before[n] != p]
    t.none(fallen, f"{lie}: nobody else falls")
    now = slowed(h)
    if lie in FLOODS:
        t.ok(now["validate"] > was["validate"], f"{lie}: the flood waits for who reads it", (was, now))
        t.ok("validate: says more to store than that reads" in log, f"{lie}: … and the log says so", log[-800:])
    t.equal({n: x for n, x in now.items() if n != "validate"}, {n: x for n, x in was.items() if n != "validate"},
            f"{lie}: nobody else is slowed")
    liar.relieve(h)
    healthy(h, world, lie)


def lie_deaf(h, world, liar):
    """It asks and reads nothing: who answers goes on with all others, and it is ended."""
    before, was = pids(h), slowed(h)
    log = liar.take_over(h, "deaf", DEAF_SEC + 15)
    t.ok("validate: does not read its messages, killing it" in log, "deaf: it is killed", log[-800:])
    t.equal(pids(h), before, "deaf: nobody else falls")
    now = slowed(h)
    t.equal({n: x for n, x in now.items() if n != "validate"}, {n: x for n, x in was.items() if n != "validate"},
            "deaf: nobody else is slowed")
    liar.relieve(h)
    healthy(h, world, "deaf")


def lie_guarded(h, world, liar):
    """
    With the drop guard: VRPs of a CA that nobody knows, in what was published,
    look like the loss of a CA that failed. They are not held.
    """
    h.stop()
    h.guard(True)
    h.start("--at", NOW)
    assert h.is_served(world.expected(0)) and wait_for(lambda: (h.of("validate") or {}).get("runs"), 15)
    liar.take_over(h, "guarded")
    t.ok(wait_for(lambda: EVIL in h.vrps(), 10), "guarded: the channel works")
    liar.relieve(h)
    gone = wait_for(lambda: h.vrps() == world.expected(0), 20)
    t.ok(gone, "guarded: the guard holds nothing of a CA that no chain leads to", (len(h.vrps()), h.of("validate")["guard"]))
    h.stop()
    h.guard(False)
    if not gone:		# what follows begins with the truth
        shutil.rmtree(os.path.join(h.state, "snapshots"))
    h.start("--at", NOW)
    healthy(h, world, "guarded")


def lie_last(h, world, liar):
    """All its lies in one moment, and it is dead: the true one follows, and finds them."""
    h.stop()
    liar.put(liar.false)
    with open(os.path.join(liar.d, "lie"), "w") as f:
        f.write("last " + b"".join(record(k, os.urandom(32)) for k, _ in judged(world, 0).values()).hex() + "\n")
    mark, before = len(h.log()), None
    h.start("--at", NOW)
    assert wait_for(lambda: h.role("validate")["pid"] > 1, 10)
    liar.put(liar.true)
    # The true one may follow too fast for a poll: the log has each serial's count.
    n = len(world.expected(0))
    seen = wait_for(lambda: any(int(x) != n for x in re.findall(r"serial \d+: (\d+) VRPs", h.log()[mark:])), 10, 0.02)
    began = time.monotonic()
    before = pids(h)
    t.ok("lied: last" in h.log()[mark:] and seen, "last: it lied and died: the channel works", h.log()[mark:][-600:])
    words = [f"word {i}" for i in range(LAST_WORDS) if not re.search(rf"word {i}$", h.log()[mark:], re.M)]
    t.none(words, "last: all that it said before it died is heard")
    t.ok(wait_for(lambda: h.vrps() == world.expected(0), 20, 0.02), "last: the true one takes it back", h.log()[mark:][-1500:])
    t.diag("after %.2f s" % (time.monotonic() - began))
    t.equal(pids(h), before, "last: no other role fell")
    healthy(h, world, "last")


# --- what was judged good ---

def judged(world, step):
    """{name: (the key of its point, the hash of its manifest)} as they are at a step."""
    found = {}
    for name in world.names:
        top = os.path.join(world.folder, "servers", f"{name}.example", "rsync" if step == world.steps else f"rsync.{step}")
        path, = glob.glob(os.path.join(top, "**", "*.mft"), recursive=True)
        with open(path, "rb") as f:
            mft = f.read()
        # The authority key identifier of its certificate: an OID, an OCTET STRING, a SEQUENCE, [0].
        ski = mft.index(bytes.fromhex("0603551d23041830168014")) + 11
        uri = f"rsync://{name}.example/" + os.path.relpath(path, top)
        found[name] = hashlib.sha256(uri.encode() + mft[ski:ski + 20]).digest(), hashlib.sha256(mft).digest()
    return found


def record(key, manifest, kept=b""):
    """As store/objects.h: objects_points_put()."""
    return key + manifest + struct.pack(">I", len(kept)) + kept


def points(h):
    return h.of("store")["objects"]["points"]


def false_points(world):
    """
    a: a manifest that never was; b: that of another CA; c: its own of before.
    Each after many others, which would push out a memory that is only short.
    """
    old, new = judged(world, 0), judged(world, 1)
    return b"".join(record(new[k][0], os.urandom(32)) for _ in range(50) for k in new) + \
        record(new["a"][0], os.urandom(32)) + record(new["b"][0], new["c"][1]) + record(new["c"][0], old["c"][1])


def move(h, world, lab, step):
    lab.step(step)
    return wait_for(lambda: h.wish(2) and h.vrps() == world.expected(step), 20)


def lie_judged(h, world, lab, liar):
    """
    What was judged good last is what is used while a server shows nothing
    good (RFC 9286 section 6.6): a lie about it waits for that day.
    """
    t.ok(move(h, world, lab, 1), "judged: a new state comes", h.log()[-1500:])
    n = points(h)
    liar.take_over(h, "judged", given=false_points(world))
    t.equal(points(h), n, "judged: the keys are those of real points")
    t.equal(h.vrps(), world.expected(1), "judged: nothing of it reaches a router")
    liar.relieve(h)
    # Now the servers are bad: only what was judged good is left.
    lab.step(BAD)
    n_lines = len(h.objects())
    told = wait_for(lambda: h.wish(1.5) and len({x["subject"] for x in h.objects()[n_lines:]
                                               if x["code"] == BAD_CODE}) >= len(NAMES), 20)
    t.ok(told, "judged: all servers show bad manifests", [x["code"] for x in h.objects()[n_lines:]])
    time.sleep(1)
    t.equal(h.vrps(), world.all(1), "judged: what was good is what the true one judged, not the lie")
    # The lie is told while nothing else is left, and again by the next one.
    for i in range(2):
        liar.take_over(h, "judged", given=false_points(world))
    liar.relieve(h)
    found = h.revalidate("--at", NOW)
    t.diag("lied to while the servers are bad: " + " ".join(
        f"{k}: {world.step_of(k, v, 1) if v else 'nothing'}" for k, v in world.split(found).items()))
    t.equal(found, world.all(1), "judged: lied to while the servers are bad, all that was valid is in the store")
    time.sleep(1)
    t.equal(h.vrps(), world.all(1), "judged: … and at routers")
    t.ok(move(h, world, lab, 3), "judged: the servers are good again: all is there", h.log()[-1500:])


def lie_ring(h, world, liar):
    n, before = facts(h), pids(h)
    log = liar.take_over(h, "ring")
    t.ok("honest: 1 of 1" in log, "ring: an honest question is answered: the channel works", log)
    wait_for(lambda: facts(h) > n, 5)
    time.sleep(1.5)			# facts are written after a second
    t.ok(facts(h) == n + 1, "ring: of thousands that changed meanwhile, only the true one is a fact", (n, facts(h)))
    t.equal(pids(h), before, "ring: verify lives")
    t.diag("verify: %s" % h.of("verify"))
    liar.relieve(h)
    healthy(h, world, "ring")


def lie_objects(h, world, liar):
    with open(os.path.join(h.state, "objects.jsonl"), "rb") as f:
        f.seek(0, 2)
        end = f.tell()
    lie_much(h, world, liar, "objects")
    with open(os.path.join(h.state, "objects.jsonl"), "rb") as f:
        f.seek(end)
        new = f.read()
    t.ok(b"\x1b" not in new, "objects: nothing that a terminal would obey comes into the log")
    t.ok(len(new) < 1 << 20, "objects: nor a line without end", len(new))


def final(h, world, step):
    want = world.expected(step)
    with_, without = h.revalidate("--at", NOW), h.revalidate("--at", NOW, "--no-facts")
    t.ok(with_ == without == want, "after all lies: the same with facts and without", (len(with_), len(without)))


def main():
    if not os.path.exists(os.path.join(BUILD, "tests", "drill", "lying-validate")):
        t.skip("lies", "tests/drill/lying-validate is not built")
        return t.done()
    with folder() as d:
        world, liar = World(d, NAMES, 3, manifest=f"fault {BAD_FAULT} from {BAD} until {BAD + 1}"), Liar(d)
        try:
            with LabHouse(d) as lab:
                lab.step(0)
                h = LiveHouse(d, lab, rpki="guard-share: 0", more=f"  store-size: {STORE_MB}\n")
                h.program = liar.program
                h.start("--at", NOW)
                if not t.ok(h.is_served(world.expected(0)), "honest: all is served", h.log()):
                    return t.done()
                t.ok(wait_for(lambda: facts(h) > 0, 10), "honest: verify's facts are kept")
                time.sleep(2)
                t.case(lie_unsigned, h, world, liar)
                if t.failed:
                    return t.done()	# the channel does not work: the rest would prove nothing
                for lie in ("snapshots", "unsealed", "answers", "short"):
                    t.case(lie_refused, h, world, liar, lie)
                for lie in ("facts", "as-verify", "garbage", "lengths", "descriptors", "histories"):
                    t.case(lie_killed, h, world, liar, lie)
                for lie in ("points", "holds", "wants", "pins", "log", "audit", "maxima"):
                    t.case(lie_much, h, world, liar, lie)
                t.case(lie_objects, h, world, liar)
                t.case(lie_deaf, h, world, liar)
                t.case(lie_ring, h, world, liar)
                t.case(lie_last, h, world, liar)
                t.case(lie_guarded, h, world, liar)
                t.case(lie_judged, h, world, lab, liar)
                t.case(final, h, world, 3)
                if t.failed:
                    t.diag(h.log()[-3000:])
                t.equal(h.stop()[0], 0, "it ends well")
        finally:
            stop_all()
    return t.done()


if __name__ == "__main__":
    sys.exit(main())
