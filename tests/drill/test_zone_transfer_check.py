#!/usr/bin/env python3
"""
Run-books played by what `sekisho zone transfer --check` says, and by nothing else:
a step is taken when it is named, on real servers; the parent's second server
follows late. The next step must not be named before all servers show the last
and its TTLs have passed, Unbound must never find anything bogus, and all must end.
One zone is played against the advice, and that has to be told.
"""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import transfer_world  # noqa: E402
from transfer_world import DS_TTL, NO_TTL, TTL, Case, Client, Resolver, World  # noqa: E402
import dnskit  # noqa: E402
import peers  # noqa: E402
from dnskit import SERVFAIL  # noqa: E402
from tap import Tap  # noqa: E402

tap = Tap()
LATE = 1.5		# the parent's second server
END = 30		# seconds, of an idle machine; the play takes some 20
FACTS = ["ttl-ds=%d" % (DS_TTL + 1), "ttl-dnskey=%d" % (TTL + 1), "ttl-ns=%d" % (TTL + 1), "ttl-parent-ns=%d" % (TTL + 1),
         "ttl-data=%d" % (TTL + 1), "ttl-negative=%d" % (NO_TTL + 1), "ttl-no-ds=%d" % (NO_TTL + 1)]
PLAYED = {"exchange": ["help=exchange"], "none": ["help=none"], "copy": ["help=copy"], "shared": ["help=shared-ksk"],
          "signhere": ["signed-before=no", "move=registrar"]}


class Played(Case):
    """A zone whose steps come when they are named."""

    def __init__(self, folder, name, facts):
        self.taken, self.named, self.faults, self.done, self.told = [], {}, [], False, False
        super().__init__(folder, name, FACTS + facts, False)
        self.state = os.path.join(folder, name + ".state")
        self.now = self.begin()
        # What the gaining side's zone will be: the keys that the copy does not show.
        self.zone_file = Case.step(self, "CLEAN", self.now)["g"].file(self.keys, 9999, self.operator)

    def steps(self):
        return []		# nothing by the clock

    def check(self, world, *words):
        argv = [peers.sekisho(), "zone", "transfer", "--json", "--check", self.state, *words]
        if not os.path.exists(self.state):
            for f in ("zone=" + self.zone, *self.facts):
                argv += ["-f", f]
            for side, place in (("losing", self.operator["l"]), ("gaining", self.operator["g"]), ("parent", "P1"), ("parent", "P2")):
                argv += ["--" + side, world.address[place]]
            argv += ["--gaining-zone", self.zone_file]
        r = subprocess.run(argv, capture_output=True, text=True, timeout=peers.patient(20))
        if r.returncode > 1:
            raise RuntimeError("%s: %d %s" % (self.zone, r.returncode, r.stderr))
        return r.returncode, json.loads(r.stdout)


class Play:
    def __init__(self, folder, net):
        self.cases = [Played(folder, n, f) for n, f in PLAYED.items()]
        self.rash = Played(folder, "rash", ["help=exchange"])
        self.world = World(folder, net, [*self.cases, self.rash])
        self.parent = {p: {c.zone: ("l", c.now["ds"]) for c in self.world.cases} for p in ("P1", "P2")}
        self.late, self.serial = [], 10

    def parent_serve(self, place):
        self.serial += 1
        state = {}
        for c in self.world.cases:
            ns, ds = self.parent[place][c.zone]
            state[c.zone, "ns"], state[c.zone, "ds"] = c.operator[ns], ds
        self.serve(place, "test.", self.world.parent(place, self.serial, state))

    def serve(self, place, zone, file):
        server = self.world.servers[place]
        shutil.copyfile(file, server.zones[zone] + ".new")
        os.rename(server.zones[zone] + ".new", server.zones[zone])
        server.reload()

    def take(self, c, code):
        """One step, on the real servers."""
        c.taken.append(code)
        change = c.step(code, c.now)
        c.now.update(change)
        for side in "lg":
            if side in change:
                made = c.made(change[side])
                self.serve(c.operator[side], c.zone, made[1])
        if "ns" in change or "ds" in change:
            self.parent["P1"][c.zone] = (c.now["ns"], c.now["ds"])
            self.parent_serve("P1")
            self.late.append((time.time() + LATE, c.zone, (c.now["ns"], c.now["ds"])))

    def late_ones(self):
        due = [x for x in self.late if x[0] <= time.time()]
        self.late = [x for x in self.late if x not in due]
        for _, zone, what in due:
            self.parent["P2"][zone] = what
        if due:
            self.parent_serve("P2")

    def ask(self):
        for c in self.cases:
            self.n += 1
            self.client.send("n%d.any.%s" % (self.n, c.zone), "A", c)
        for c, asked, a in self.client.answers(0.05):
            if a.bogus or (a.rcode == SERVFAIL and time.time() - asked < 1):
                c.faults.append("%s after %s" % (a, c.taken))

    def look(self, c):
        # What no server shows, a person tells.
        told = ("--done", "TRANSFER_REGISTRAR_ASK") if "REGISTRAR_ASK" in c.taken and not c.told else ()
        c.told = c.told or bool(told)
        status, got = c.check(self.world, *told)
        names = {s["code"][9:]: s for s in got["steps"]}
        for f in got["findings"]:
            if f["code"] in ("TRANSFER_EARLY", "TRANSFER_UNDONE", "TRANSFER_TTL"):
                c.faults.append(f["text"])
        now = [n for n, s in names.items() if s["state"] == "now"]
        c.done = names["DONE"]["state"] == "done"
        if (status == 0) != (bool(now) or c.done):
            c.faults.append("status %d with %s" % (status, now))
        for n in now:
            c.named.setdefault(n, time.time())
            if n not in c.taken:
                self.take(c, n)
        c.last = got
        return names

    def start(self):
        if not self.world.start():
            raise RuntimeError("; ".join(s.process.text()[-300:] for s in self.world.servers.values()))
        self.eye = Resolver(self.world.folder, self.world.net, self.world.address["P2"], self.world.anchor(), [
            "val-bogus-ttl: 1", "key-cache-size: 0", "key-cache-slabs: 1", "cache-max-negative-ttl: 1", "val-max-restart: 0"])
        if not self.eye.up():
            raise RuntimeError("Unbound: " + self.eye.process.text()[-500:])
        self.client, self.n = Client("127.0.0.1", self.eye.port), 0

    def run(self):
        self.start()
        end = time.time() + peers.patient(END)
        while time.time() < end and not all(c.done for c in self.cases):
            for c in self.cases:
                self.late_ones()
                if not c.done:
                    self.look(c)
                self.ask()
            time.sleep(0.1)

    def rashly(self):
        """The delegation changes at once, although nobody named that step; then the losing side takes a step back."""
        c = self.rash
        first = self.look(c)
        tap.equal(sorted(n for n, s in first.items() if s["state"] == "now"), ["JOIN", "LOAD_JOINED"], "rash: what may be done first")
        tap.ok(dnskit.wait_for(lambda: self.quiet(c)["JOIN"]["state"] == "done", 10), "rash: that is seen")
        self.take(c, "NS")
        self.late[-1] = (0, *self.late[-1][1:])
        self.late_ones()
        tap.ok(dnskit.wait_for(lambda: "TRANSFER_EARLY" in self.codes(c), 10), "rash: too early is told", c.last)
        tap.equal(c.check(self.world)[0], 1, "rash: and the status says so")
        c.now["l"] = c.now["l"].but(publish=())
        self.serve(c.operator["l"], c.zone, c.made(c.now["l"])[1])
        tap.ok(dnskit.wait_for(lambda: "TRANSFER_UNDONE" in self.codes(c), 10), "rash: a step undone is told", c.last)
        join = next(s for s in c.last["steps"] if s["code"] == "TRANSFER_JOIN")
        tap.ok(join["state"] == "now" and join["records"], "rash: it is to be done again, with its record", join)

    def quiet(self, c):
        c.last = c.check(self.world)[1]
        return {s["code"][9:]: s for s in c.last["steps"]}

    def codes(self, c):
        self.quiet(c)
        return {f["code"] for f in c.last["findings"]}

    def stop(self):
        if hasattr(self, "eye"):
            self.client.close()
            self.eye.stop()
        self.world.stop()


def judge(c):
    name = c.zone.split(".")[0]
    tap.ok(c.done, "%s: played to its end: %s" % (name, " ".join(c.taken)), json.dumps(c.last, indent=1)[-3000:])
    tap.none(c.faults, "%s: never bogus, nothing told that was wrong" % name)
    seen = {s["code"][9:]: s["seen"] for s in c.last["steps"]}
    for step, after, ttl in (("NS", "DS_ADD", DS_TTL), ("NS", "JOIN", TTL), ("NS", "DS_NONE", DS_TTL), ("SWAP", "DS_ADD", DS_TTL)):
        if step in c.named and after in seen and not (c.plan["pattern"] == "copy" and step == "NS"):
            tap.ok(c.named[step] >= seen[after] + ttl, "%s: %s was named %.1f s behind %s" % (
                name, step, c.named[step] - seen[after], after))


def main():
    absent = peers.missing("unbound", "knotd", "nsd")
    net = transfer_world.base()
    if absent or net is None:
        tap.skip("zone_transfer_check", absent + " is not installed" if absent else "port 53 of loopback may not be taken here")
        return tap.done()
    with tempfile.TemporaryDirectory(prefix="sekisho-transfer-") as folder:
        p = Play(folder, net)
        try:
            p.run()
            for c in p.cases:
                judge(c)
            tap.case(p.rashly)
        finally:
            p.stop()
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
