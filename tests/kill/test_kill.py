#!/usr/bin/env python3
"""kill -9 of every role and of the parent, a hundred times, at random, under load.

Routers ask all the time; the repository changes all the time. After each kill
the last good data must be served again. And all the time: what one (session,
serial) stands for never changes, and a serial never goes back in its session.

SEKISHO_KILLS sets the number, SEKISHO_SEED repeats a run.
"""
import os
import random
import sys
import threading
import time

SRC = os.environ.get("SEKISHO_SRC") or os.path.normpath(
    os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
sys.path.insert(0, os.path.join(SRC, "tests", "cli"))
import house  # noqa: E402
from house import KYOTO_GONE, VRPS, House, patient, wait_for  # noqa: E402
from killkit import RECOVER_SEC, kill_one  # noqa: E402

KILLS = int(os.environ.get("SEKISHO_KILLS", "100"))
SEED = int(os.environ.get("SEKISHO_SEED", str(random.randrange(1 << 30))))
ROLES = ["store", "validate", "rtr", "web"]
GOOD = {frozenset(VRPS), frozenset(KYOTO_GONE)}
ROUTERS = 3


class Routers:
    """Threads that load everything, again and again, and remember what they saw."""

    def __init__(self, port):
        self.port = port
        self.lock = threading.Lock()
        self.means = {}          # (session, serial): the set
        self.highest = {}        # session: serial
        self.faults = []
        self.loads = self.refused = 0
        self.stop = False
        self.threads = [threading.Thread(target=self.run, daemon=True) for _ in range(ROUTERS)]
        for x in self.threads:
            x.start()

    def saw(self, session, serial, vrps):
        with self.lock:
            self.loads += 1
            vrps = frozenset(vrps)
            if vrps not in GOOD:
                self.faults.append("serial %d: a set that never was: %s" % (serial, sorted(vrps)))
            if self.means.setdefault((session, serial), vrps) != vrps:
                self.faults.append("serial %d of session %d meant something else before" % (serial, session))

    def run(self):
        while not self.stop:
            try:
                with self.lock:
                    floor = dict(self.highest)
                session, serial, vrps = house.rtr_vrps(self.port)
                self.saw(session, serial, vrps)
                with self.lock:
                    # A load that began before another's end may be older than that one.
                    if serial < floor.get(session, 0):
                        self.faults.append("serial %d after %d" % (serial, floor[session]))
                    self.highest[session] = max(serial, self.highest.get(session, 0))
            except (OSError, EOFError):
                with self.lock:
                    self.refused += 1
                time.sleep(0.02)
            except (ValueError, AssertionError) as e:
                # No Data Available, or Cache Restart: said properly, so no fault.
                if str(e) not in ("error report 2", "error report 12"):
                    with self.lock:
                        self.faults.append("protocol: %r" % e)
                time.sleep(0.02)
            time.sleep(0.01)

    def done(self):
        self.stop = True
        for x in self.threads:
            x.join(timeout=patient(10))


class World(threading.Thread):
    """Changes the repository every second or so."""

    def __init__(self, folder):
        super().__init__(daemon=True)
        self.folder, self.stop, self.n = folder, False, 0

    def run(self):
        while not self.stop:
            self.n += 1
            house.lab(self.folder, *(["overclaim-ipv4@kyoto"] if self.n % 2 else []), rrdp=True)
            for _ in range(12):
                if not self.stop:
                    time.sleep(0.1)


def storm(t, h, rng, routers):
    count = dict.fromkeys(ROLES + ["parent"], 0)
    slow = []
    for _ in range(KILLS * 3):
        if sum(count.values()) >= KILLS or routers.faults:
            break
        time.sleep(rng.random() * 0.6)
        kill_one(h, rng.choice(ROLES + ["parent"]), count)
        start = time.monotonic()
        if not wait_for(lambda: frozenset(h.vrps()) in GOOD, RECOVER_SEC, 0.02):
            slow.append("nothing is served after kill %d: %s" % (sum(count.values()), h.log()[-2000:]))
            break
        if time.monotonic() - start > 5:
            t.diag("kill %d took %.1f s\n%s" % (sum(count.values()), time.monotonic() - start, h.log()[-1500:]))
    t.equal(sum(count.values()), KILLS, "%d kills" % KILLS)
    t.none(slow, "after each the last good data is served again")
    for who, n in count.items():
        t.ok(n > 0 or KILLS < 50, "%s was killed (%d times)" % (who, n))


def main():
    t = house.Tap()
    rng = random.Random(SEED)
    t.diag("SEKISHO_SEED=%d" % SEED)
    with house.folder() as d:
        house.lab(d, rrdp=True)
        h = House(d, interval="5", inputs="rrdp: world.xml")
        h.start()
        if not t.ok(wait_for(lambda: h.vrps() == VRPS), "up", h.log()):
            return t.done()
        routers, world = Routers(h.ports[0]), World(d)
        world.start()
        begin = time.monotonic()
        try:
            storm(t, h, rng, routers)
        finally:
            world.stop = True
            world.join(timeout=patient(30))
            routers.done()
        t.diag("%.0f s, %d loads by routers, %d refused, %d serials, %d worlds" % (
            time.monotonic() - begin, routers.loads, routers.refused, len(routers.means), world.n))
        t.none(routers.faults, "no router saw a set that never was, or a serial that went back")
        t.ok(routers.loads > KILLS, "routers were served all the time")
        t.ok(len({s for s, _ in routers.means}) == 1, "one session: nothing was lost",
             sorted(routers.means))
        t.ok(len(routers.means) > 5 or KILLS < 50, "the data changed meanwhile")
        t.ok(wait_for(h.ready, RECOVER_SEC * 2), "in the end all roles are ready", h.log()[-3000:])
        t.equal(h.stop()[0], 0, "a clean stop")
        # The folder: complete snapshots only, and the next start finds nothing to mend.
        t.ok("damaged" not in h.log(), "no snapshot was damaged")
        house.lab(d, rrdp=True)
        h.start()
        t.ok(wait_for(lambda: h.ready() and h.vrps() == VRPS), "starts again, current", h.log()[-3000:])
        names = os.listdir(os.path.join(h.state, "snapshots"))
        t.ok(all(n == "lock" or n.endswith(".snap") for n in names), "nothing half is left", names)
        h.stop()
    return t.done()


if __name__ == "__main__":
    try:
        code = main()
    finally:
        house.stop_all()
    sys.exit(code)
