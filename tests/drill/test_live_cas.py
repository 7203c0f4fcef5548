#!/usr/bin/env python3
"""
Everything that a CA can do to others by what it publishes, against the whole
daemon: its server works, its data is the attack.

good.example has a CA that is good; evil.example has one for each misdeed,
huge.example one with a neighbour, crowd.example one with thousands of
children that are nowhere. Each CA has a ROA of its own at each step, so
payloads tell how old they are. At step i the i-th CA of PLAY does its deed,
and the one before is good again. What is judged after each step:
  - the good CA's payloads are those of this step, and so are those of all at
    evil.example that are not at it;
  - a CA whose manifest cannot be used keeps the last whole state, and one that
    never had one has nothing (RFC 9286 section 6.6); what a CA does below
    itself costs its children, not itself;
  - findings name the place, with the code and a clause;
  - memory stays below a bound.
Then nothing but the good CA changes: the places of thousands of children
stand as they were judged, and no run judges them again.

It has a network of its own, if it may: the children's hosts are names that
nobody shall be asked for. Else they are at their CA's host.
"""
import ctypes
import fcntl
import os
import re
import socket
import struct
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from livehouse import AT, EVERY, LabHouse, LiveHouse, Tap, World, at, ends_well, folder, run, stop_all, wait_for  # noqa: E402

t = Tap()
OLD, NEW = "old", "new"
# The CA of each step, its server, its fault, its payloads meanwhile, what is told and of whom.
PLAY = [
    ("huge", "huge", "huge-manifest", OLD, "RRDP_OBJECT_LARGE", "https://huge.example/rrdp/notification.xml"),
    ("ahead", "evil", "clock-ahead", OLD, "RPKI_MFT_NOT_YET", "rsync://evil.example/repo/ahead/"),
    ("absent", "evil", "absent-files", OLD, "RPKI_MFT_FILE_MISSING", "rsync://evil.example/repo/absent/"),
    ("many", "evil", "many-files", OLD, "RPKI_MFT_FILES_MANY", "rsync://evil.example/repo/many/"),
    ("deep", "evil", "deep-chain", NEW, "RPKI_DEPTH", "rsync://evil.example/repo/deep"),
    ("looper", "evil", "loop", NEW, "RPKI_LOOP", "rsync://evil.example/repo/loop"),
]
BELOW = ("deep", "looper")	# these faults make CAs below, for all steps: they come and go as a whole
DEAD, NEIGHBOUR, CHILDREN = "dead", "neighbour", 3000
CROWD = len(PLAY) + 1		# the step at which the crowd appears
STEPS = CROWD + 3		# … and then nobody but the good one changes
FEW = 20			# points of a run in which one CA changed: the world without the crowd has some 50
VALIDATE_MB, HOUSE_MB = 120, 250


class Cas(World):
    """The CAs of PLAY and those beside them; only the good one changes after CROWD."""

    def __init__(self, folder, apart):
        self.folder, self.steps = folder, STEPS
        self.names = ["good", *(p[0] for p in PLAY), DEAD, NEIGHBOUR, "crowd"]
        self.host = {**{p[0]: p[1] for p in PLAY}, "good": "good", DEAD: "evil", NEIGHBOUR: "huge", "crowd": "crowd"}
        text = [f"at {AT}", f"steps {STEPS}", f"every {EVERY}s", "ta lab {", "\tserver ta.example",
                "\tmanifest -1h +30d", "\tcrl -1h +30d", "\tresources 10.0.0.0/8 AS64496-AS65000"]
        for i, name in enumerate(self.names):
            text += [f"\tca {name} {self.when(name)} {{", f"\t\tserver {self.host[name]}.example",
                     f"\t\tresources 10.{i}.0.0/16 AS{64496 + i}",
                     f"\t\troa AS{64496 + i} 10.{i}.0.0/16 name base",
                     *(f"\t\troa AS{64496 + i} 10.{i}.{s}.0/24 name s{s} from {s}"
                       + (f" until {s + 1}" if s < self.last(name) else "") for s in range(self.first(name), self.last(name) + 1)),
                     *(f"\t\tfault {p[2]}" + ("" if name in BELOW else f" from {n} until {n + 1}")
                       for n, p in enumerate(PLAY, 1) if p[0] == name),
                     *(["\t\tfault missing-manifest"] if name == DEAD else []),
                     *([f"\t\tchildren {CHILDREN}" + (" apart" if apart else "")] if name == "crowd" else []), "\t}"]
        with open(os.path.join(folder, "w.lab"), "w") as f:
            f.write("\n".join([*text, "}"]) + "\n")
        code, _, err = run("lab", "rpki", "w.lab", "-q", "--seed", "7", "--servers", ".",
                           "--rsync", "huge.example,evil.example", cwd=folder, timeout=60)	# the crowd's were 35,000 files
        assert code == 0, err

    @staticmethod
    def at_it(name):
        """The step at which a CA misbehaves."""
        return next((n for n, p in enumerate(PLAY, 1) if p[0] == name), None)

    def when(self, name):
        return f"from {CROWD}" if name == "crowd" else \
            f"from {self.at_it(name)} until {self.at_it(name) + 1}" if name in BELOW else ""

    @staticmethod
    def first(name):
        return CROWD if name == "crowd" else 0

    @staticmethod
    def last(name):
        """The last step at which it changes."""
        return STEPS if name == "good" else CROWD

    def right(self, name, step):
        """The payloads that a CA has at a step, whatever it shows."""
        now = min(step, self.last(name))
        if name == DEAD or name == "crowd" and step < CROWD or name in BELOW and step != self.at_it(name):
            return [set()]
        if name == "huge" and step == self.at_it(name):
            return [self.of(name, step - 1)]
        if step == self.at_it(name) and name not in BELOW:
            return [self.of(name, step - 1)]
        return [self.of(name, now)]

    def wrong(self, have, step):
        return [(n, sorted(v)) for n, v in have.items() if v not in self.right(n, step)]


def network():
    """A network with nothing but loopback, for this process and its children; False: not here."""
    libc, uid, gid = ctypes.CDLL(None, use_errno=True), os.geteuid(), os.getegid()
    if libc.unshare(0x40000000 | (0 if uid == 0 else 0x10000000)) != 0:	# CLONE_NEWNET, CLONE_NEWUSER
        return False
    if uid != 0:
        for name, text in (("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1"), ("gid_map", f"{gid} {gid} 1")):
            with open("/proc/self/" + name, "w") as f:
                f.write(text)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        fcntl.ioctl(s, 0x8914, struct.pack("16sH14x", b"lo", 0x41))	# SIOCSIFFLAGS: IFF_UP, IFF_RUNNING
    return True


def pss(h, role):
    """Megabytes of one role."""
    with open("/proc/%d/smaps_rollup" % h.role(role)["pid"]) as f:
        return int(re.search(r"^Pss:\s+(\d+)", f.read(), re.M)[1]) // 1024


class Watch:
    """Memory at its highest."""

    def __init__(self):
        self.validate = self.house = 0

    def look(self, h):
        self.validate, self.house = max(self.validate, pss(h, "validate")), max(self.house, h.pss())


def step_to(world, lab, h, step):
    """The world moves; what is wrong with payloads when everybody had time."""
    lab.step(step)
    h.wished = 0.0
    wait_for(lambda: h.wish(1.5) and not world.wrong(world.split(h.vrps()), step), 20, 0.1)
    return world.wrong(world.split(h.vrps()), step)


def told(h, code, where, since=0):
    return [x for x in h.objects()[since:] if x["code"] == code and x["subject"].startswith(where)]


def case_play(world, lab, h, watch):
    for step, (name, _, fault, fate, code, where) in enumerate(PLAY, 1):
        since = len(h.objects())
        t.none(step_to(world, lab, h, step), f"{fault}: its own payloads are the {fate} ones, all others new")
        lines = wait_for(lambda: told(h, code, where, since), 15)
        t.ok(lines, f"{fault}: {code} is told of it", [(x["code"], x["subject"]) for x in h.objects()[since:]][:12])
        t.ok(lines and all(x.get("clause") for x in lines), f"{fault}: … with a clause")
        t.none([x for x in h.objects()[since:] if "//good.example/" in x["subject"] and x["code"].startswith("RPKI_")],
               f"{fault}: … and nothing of the good one's objects")
        watch.look(h)


def runs(h, since):
    """(points, as before) of each run of the validator, from the debug log."""
    return [(int(a), int(b)) for a, b in re.findall(r"(\d+) points \((\d+) as before\)", h.log()[since:])]


def few(st):
    return st["points"] >= CHILDREN and st["points"] - st["points_as_before"] <= FEW


def case_crowd(world, lab, h, watch):
    t.none(step_to(world, lab, h, CROWD), f"{CHILDREN} children: everybody's payloads, their CA's too")
    def missing():
        return {x["subject"] for x in told(h, "RPKI_MFT_MISSING", "rsync://") if "/repo/crowd-" in x["subject"]}
    n = wait_for(lambda: len(missing()) >= CHILDREN and len(missing()), 20, 0.3)
    t.equal(n, CHILDREN, "each is told of by its place", len(missing()))
    t.ok(wait_for(lambda: [x for x in runs(h, 0) if x[0] - x[1] >= CHILDREN], 10), "each was judged once", runs(h, 0))
    watch.look(h)
    since, late = len(h.log()), []
    for step in range(CROWD + 1, STEPS + 1):
        late += step_to(world, lab, h, step)
    t.none(late, "only the good one changes: its payloads come")
    t.ok(wait_for(lambda: len(runs(h, since)) >= STEPS - CROWD, 10), "… by runs that the log tells", runs(h, since))
    seen = runs(h, since)
    t.none([x for x in seen if x[0] < CHILDREN or x[0] - x[1] > FEW], "… that judge only what changed")
    t.ok(wait_for(lambda: few(h.of("validate")), 10), "status --json says the same", h.of("validate"))
    rows = h.get("/api/v1/vrps?asn=AS64496")["vrps"]
    t.equal({(r["prefix"], r["maxLength"]) for r in rows}, {("10.0.0.0/16", 16), (f"10.0.{STEPS}.0/24", 24)},
            "the JSON of the page has the good one's payloads, too")
    watch.look(h)


def main():
    apart = network()
    with folder() as d:
        world = Cas(d, apart)
        now, watch = at(STEPS * EVERY), Watch()	# nothing but a wrong clock is from the future
        try:
            with LabHouse(d, seconds=1800) as lab:
                lab.step(0)
                h = LiveHouse(d, lab, rpki="guard-share: 0", max_mb=64, timeout="60s")
                h.start("-v", "--at", now)
                ready = wait_for(lambda: not world.wrong(world.split(h.vrps()), 0), 30)
                if t.ok(ready, "at first all are good, and who never was has nothing", h.log()[-2000:]):
                    t.case(case_play, world, lab, h, watch)
                    t.case(case_crowd, world, lab, h, watch)
                t.ok(0 < watch.validate < VALIDATE_MB, f"validate's memory stays under {VALIDATE_MB} MB", watch.validate)
                t.ok(watch.house < HOUSE_MB, f"… and all roles' under {HOUSE_MB} MB", watch.house)
                t.diag("validate %d MB, all %d MB; apart: %s" % (watch.validate, watch.house, apart))
                ends_well(t, h)
        finally:
            stop_all()
    return t.done()


if __name__ == "__main__":
    began = time.monotonic()
    code = main()
    print("# %.0f s" % (time.monotonic() - began))
    sys.exit(code)
