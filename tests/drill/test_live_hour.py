#!/usr/bin/env python3
"""
An hour of the world's time, by the daemon's own clocks: nobody wishes for
anything. All bad servers together, beside good ones; the world moves every three
minutes; each role looks when its plan says so, waits as long as it backs off,
and asks rsync when RRDP has failed for long enough.

The clocks of all roles run RATE times as fast (libfaketime; SEKISHO_RATE=1 is
a real hour). What is judged, a few times a (virtual) minute, is what a router
holds:
  - of each CA one whole state, and never an older one than before;
  - a good server's payloads LATE_SEC after they were published at most;
  - a server whose RRDP is bad and whose rsync is good: what was valid last,
    and after an hour what is new, by rsync;
  - memory and disk: no more at the end of the hour than after its first third.
"""
import glob
import os
import shutil
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from livehouse import (LabHouse, LiveHouse, Tap, World, at, folder,  # noqa: E402
                       programs, stop_all)
from test_live_servers import DISK_MB, GOOD, OLD, PSS_MB, TOLD, Watch, behave, fate  # noqa: E402
import test_fetch_bad as bad  # noqa: E402

t = Tap()
RATE = int(os.environ.get("SEKISHO_RATE", "30"))
HOUR = 3600
REFRESH_SEC = 60
EVERY = 180
STEPS = HOUR // EVERY
# A look every REFRESH_SEC and a tenth, a slot in the fetcher, validation, and
# what a machine with other work takes for all that: 2 s of its time.
LATE_SEC = REFRESH_SEC * 1.1 + 15 + 2 * RATE
# app/fetch_plan.h: half an hour to an hour after the last good answer.
END_SEC = HOUR + 2 * LATE_SEC
# Of each CA, each step: manifest, CRL and a ROA; a page of LMDB is the smallest that one takes.
OBJECTS_A_STEP, OBJECT_KB = 3, 4
WRAPPER = """#!/bin/sh
# Its clock: as the parent's, which began at %(base)d ns, however late this one starts.
rm -f /dev/shm/faketime_shm_$$ /dev/shm/sem.faketime_sem_$$	# of the dead who had this number
echo $$ >>%(pids)s
ahead=$(( ($(date +%%s%%N) - %(base)d) / 1000000 * %(more)d ))
exec env -i LD_PRELOAD=%(library)s FAKETIME_DONT_RESET=1 TZ=UTC \\
	FAKETIME="+$((ahead / 1000)).$(printf %%03d $((ahead %% 1000))) x%(rate)d" %(program)s "$@"
"""


def library():
    return next(iter(sorted(glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1"))), None)


class Quick:
    """The daemon's programs, each with a clock that runs RATE times as fast."""

    def __init__(self, d):
        self.program, roles = programs(d)
        self.pids = os.path.join(d, "pids")
        self.began, base = time.monotonic(), time.time_ns()
        for name in os.listdir(roles) if RATE > 1 else []:
            path = os.path.join(roles, name)
            os.rename(path, path + ".true")
            with open(path, "w") as f:
                f.write(WRAPPER % {"pids": self.pids, "base": base, "more": RATE - 1, "rate": RATE, "library": library(),
                                   "program": path + ".true"})
            os.chmod(path, 0o755)

    def done(self):
        """The library's files in /dev/shm: who is killed or sandboxed leaves them."""
        if os.path.exists(self.pids):
            with open(self.pids) as f:
                for pid in f.read().split():
                    for name in ("faketime_shm_", "sem.faketime_sem_"):
                        path = "/dev/shm/" + name + pid
                        if os.path.exists(path):
                            os.unlink(path)

    def begin(self):
        """Step 0 is now: what --at must say, in the parent's own time."""
        self.zero = time.monotonic()
        return at(0)

    def now(self):
        return (time.monotonic() - self.zero) * RATE


class Judge:
    """What a router holds, looked at again and again."""

    def __init__(self, world, clock):
        self.world, self.clock = world, clock
        self.newest, self.faults, self.lost, self.late = {}, set(), set(), {}
        self.published, self.looks, self.began = [], 0, 0
        self.by_rrdp = set()	# who was fetched by RRDP before it was bad: rsync waits for half an hour, not for nothing

    def publish(self, lab):
        lab.step(len(self.published))
        self.published.append(self.clock.now())

    def look(self, vrps):
        self.looks += 1
        for name, have in self.world.split(vrps).items():
            step = self.world.step_of(name, have, STEPS)
            if step is None:
                (self.lost if name in GOOD else self.faults).add(f"{name}: no whole state: {sorted(have)}")
            else:
                self.look_at(name, step)

    def look_at(self, name, step):
        now = self.clock.now()
        if step < self.newest.get(name, 0):
            self.faults.add(f"{name}: back from step {self.newest[name]} to {step}")
        self.newest[name] = step
        if name in GOOD and step + 1 < len(self.published):
            self.late[name] = max(self.late.get(name, 0), now - self.published[step + 1])
        if name not in GOOD and fate(name) == OLD and step > self.began and not (
                falls_back(name) and (now > HOUR / 2 or name not in self.by_rrdp)):
            self.faults.add(f"{name}: step {step}, although it shows nothing good since {self.began}")


def falls_back(name):
    """Its RRDP fails, its rsync is good."""
    return not name.startswith("rsync") and TOLD[name][0] == bad.REJECTED


def hour(world, lab, h, judge, clock):
    """Memory and disk at their highest: in the first third of the time, in the rest."""
    watch = Watch(), Watch()
    while clock.now() < END_SEC:
        if clock.now() >= len(judge.published) * EVERY and len(judge.published) <= STEPS:
            judge.publish(lab)
        judge.look(h.vrps())
        if judge.looks % 20 == 0:
            watch[clock.now() > END_SEC / 3].look(h)
        time.sleep(min(0.2, 20 / RATE))
    return watch


def case_hour(world, lab, h, names, judge, clock):
    judge.began = len(judge.published) - 1
    judge.by_rrdp = {n for n in names if h.servers().get(world.key(n), {}).get("good_at")}
    t.ok(len(judge.by_rrdp) > len(names) / 2, "most were fetched once", len(judge.by_rrdp))
    behave(lab, names)
    first, rest = hour(world, lab, h, judge, clock)
    t.none(sorted(judge.lost), "an hour: nothing of a good server was lost for a moment")
    t.none([x for x in judge.late.items() if x[1] > LATE_SEC], f"… or came later than {LATE_SEC:.0f} s")
    t.equal(sorted(judge.late), sorted(GOOD), "… and each was waited for")
    t.none(sorted(judge.faults), "of each bad server there is one whole state, no older one than before, none that it did not show")
    t.diag("by rsync, step: " + " ".join(f"{n} {judge.newest[n]}" for n in names if falls_back(n)))
    t.none([n for n in names if falls_back(n) and judge.newest[n] < STEPS - 2], "whose RRDP failed for an hour is asked by rsync: new")
    t.none([n for n in GOOD if judge.newest[n] != STEPS], "the good ones have the last step")
    t.diag("%d looks; at worst %.0f s late; PSS %d, then %d MB; disk %d, then %d MB" % (
        judge.looks, max(judge.late.values()), first.pss, rest.pss, first.disk, rest.disk))
    t.ok(judge.looks > END_SEC / RATE, "a router looked all the time", judge.looks)
    case_bounds(world, names, first, rest)


def case_bounds(world, names, first, rest):
    """
    What grows in an hour: the table of attempts, the history, the objects of
    HOUR / EVERY steps, which are kept for a day after they left (fetch.grace).
    """
    steps_mb = (STEPS + 1) * len(world.names) * OBJECT_KB * OBJECTS_A_STEP / 1024
    t.ok(0 < rest.pss < min(PSS_MB, first.pss * 1.3 + 4), "memory does not grow with time", (first.pss, rest.pss))
    t.ok(0 < rest.disk < first.disk + 2 * steps_mb and rest.disk < DISK_MB, "the disk holds what was published, not more",
         (first.disk, rest.disk, steps_mb))


def main():
    if shutil.which("rsync") is None or (RATE > 1 and library() is None):
        t.skip("an hour", "no rsync program" if library() else "no libfaketime")
        return t.done()
    known = bad.behaviours()
    with folder() as d:
        world = World(d, GOOD + known, STEPS, every=EVERY)
        try:
            with LabHouse(d, seconds=2 * HOUR) as lab:
                clock = Quick(d)
                judge = Judge(world, clock)
                h = LiveHouse(d, lab, rpki="guard-share: 0", refresh=f"{REFRESH_SEC}s", timeout="60s")
                h.program = clock.program
                h.start("--at", clock.begin())
                judge.publish(lab)
                if t.ok(h.is_served(world.expected(0), 60), "all is served", h.log()[-2000:]):
                    t.case(case_hour, world, lab, h, known, judge, clock)
                t.none(h.damaged(), "nothing was damaged")
                t.none([x for x in h.log().splitlines() if "ended (" in x or "killing" in x], "no role fell")
                t.equal(h.stop()[0], 0, "it ends well")
                clock.done()
        finally:
            stop_all()
    return t.done()


if __name__ == "__main__":
    began = time.monotonic()
    code = main()
    print("# %.0f s" % (time.monotonic() - began))
    sys.exit(code)
