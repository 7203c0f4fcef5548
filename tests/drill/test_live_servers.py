#!/usr/bin/env python3
"""
Everything that the lab's publication servers can do wrong, against the whole
daemon: what routers get, who is late, what it costs, what is told of whom.

All together: each behaviour has a server of its own, and beside them are
servers that are good. The world moves STEPS times, as fast as everybody
follows. What is judged after each step:
  - the good servers' payloads are those of this step, LATE_SEC after it in most of the
    steps: one that a busy machine holds up is not late by anybody's fault, and
    who waits for bad servers (fetch.timeout, 8 s, again and again) always is;
  - of a bad server's CA there is always one whole state, as RFC 9286 section
    6.6 says: the last that was valid, never half of one and never nothing;
  - memory (summed PSS of all processes) and disk stay below a bound.
At the end each server that must be named is named, with its code; all are
healed and catch up; and when what is old expires, it goes.

Each alone: one server misbehaves after another, beside good ones. CI takes
them in an order drawn by lot, for ALONE_SEC; SEKISHO_DRILL=long takes all,
SEKISHO_ALONE="name name" just these.
(test_live_hour.py has all together for an hour of the daemon's own time.)
"""
import glob
import json
import os
import random
import shutil
import statistics
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from livehouse import EVERY, LabHouse, LiveHouse, PATIENCE, Tap, World, at, folder, stop_all, wait_for  # noqa: E402
import test_fetch_bad as bad  # noqa: E402  (the table of codes, and the list of behaviours)

t = Tap()
LONG = os.environ.get("SEKISHO_DRILL") == "long"
ONLY = os.environ.get("SEKISHO_ALONE", "").split()	# these, alone; nothing else
SEED = int(os.environ.get("SEKISHO_SEED", str(random.randrange(1 << 30))))
STEPS = 1 if ONLY else 30 if LONG else 10
KEEPER_SEC = 45			# of the clock: without the keeper's word it were fetch.timeout and a minute
ALONE_MAX, ALONE_SEC = 20, 60	# what CI takes of each alone
LATE_SEC = 12
PSS_MB, DISK_MB = 150, 100	# of a house that serves 65 servers
GOOD = [f"good{i}" for i in range(6)]
FRESH, OLD = "fresh", "old"
# What becomes of the payloads, where it does not follow from the table of codes.
FATE = {
    "always-304": OLD,		# it says that nothing is new
    "replay": None,		# it is some steps behind: any whole state
    "session-mismatch": OLD,
    "snapshot-hash": FRESH, "delta-hash": FRESH, "huge-snapshot": FRESH, "truncated": FRESH,
    "rsync-many": OLD, "rsync-links": OLD, "rsync-huge": None,	# the module holds something else now
    "rsync-slow": None,		# it may end in time, or not
    "reset": None, "cut": None,	# what fits into the first bytes comes
}
# With hashes that are not its deltas', a server that moves on fails by them first.
TOLD = {n: (ok, codes | {"RRDP_HASH"} if n == "serial-reuse" else codes) for n, (ok, codes) in bad.TOLD.items()}
# Of these, an attempt may be good although something was told, or nothing is told.
QUIET = {n for n, (_, codes) in TOLD.items() if not codes}


def fate(name):
    ok, _ = TOLD[name]
    return FATE[name] if name in FATE else FRESH if ok == bad.FETCHED else None if ok is None else OLD


def page_codes(row):
    return codes_of(row.get("findings", [])) | ({row["code"]} if row.get("code") else set())


def codes_of(found):
    return {f["code"] for f in found}


def rule(name):
    return f"{name}.example {name} {bad.ARGS.get(name, '')}"


def wrong(world, name, vrps, began, step):
    """What is wrong with the payloads of a CA whose server is bad since step `began`."""
    now = world.step_of(name, vrps, step)
    if now is None:
        return f"{name}: no whole state: {sorted(vrps)}"
    if fate(name) == OLD and now > began:
        return f"{name}: step {now} although its server shows nothing good since {began}"
    return None


class Watch:
    """Memory and disk at their highest, how late the good ones were at worst."""

    def __init__(self):
        self.pss = self.disk = 0
        self.late = []		# of each step

    def look(self, h):
        self.pss, self.disk = max(self.pss, h.pss()), max(self.disk, h.disk())

    def on_time(self):
        return not self.late or statistics.median(self.late) < LATE_SEC

    def told(self):
        return "at worst %.1f s after the step, in the middle %.1f s" % (
            max(self.late, default=0), statistics.median(self.late or [0]))


def good_on_time(world, h, step, watch, names=None):
    """Did the good servers' payloads of this step come? Then all payloads, split; else None."""
    began = time.monotonic()
    h.wished = 0.0

    def look():
        h.wish(1.5)	# again: a wish during a fetch is not one for another fetch
        have = world.split(h.vrps())
        return have if all(have[n] == world.of(n, step) for n in names or GOOD) else None

    have = wait_for(look, LATE_SEC, 0.2)
    if have:
        watch.late.append(time.monotonic() - began)
    return have


def behave(lab, names):
    """Those that are bad from now on; a connection that is open still would get good answers through it."""
    for name in names:
        lab.behave(rule(name))
    lab.tell("hangup")


def case_together(world, lab, h, names):
    watch, faults, late = Watch(), [], []
    behave(lab, names)
    for step in range(1, STEPS + 1):
        lab.step(step)
        have = good_on_time(world, h, step, watch)
        if not have:
            late.append(f"step {step}: {sorted(h.vrps())[:4]}")
            continue
        faults += filter(None, (wrong(world, n, have[n], 0, step) for n in names))
        if step % 5 == 0:
            watch.look(h)
    t.none(late, f"{STEPS} steps, {len(names)} bad servers: the good ones' payloads come")
    t.ok(watch.on_time(), "… and are not late", watch.told())
    t.none(faults, "… and of each bad one there is one whole state, all the time")
    t.diag("%s; PSS %d MB, disk %d MB" % (watch.told(), watch.pss, watch.disk))
    t.ok(0 < watch.pss < PSS_MB, f"memory stays under {PSS_MB} MB", watch.pss)
    t.ok(watch.disk < DISK_MB, f"disk stays under {DISK_MB} MB", watch.disk)
    case_told(world, h, names)
    have = world.split(h.vrps())
    other = [n for n in (*GOOD[:2], *names[:4]) if json_vrps(h, world, n) != have[n]]
    t.none(other, "the JSON of the page says the same as RTR")


def json_vrps(h, world, name):
    rows = h.get("/api/v1/vrps?asn=AS%d" % (64496 + world.names.index(name)))["vrps"]
    return {"AS%s %s-%s" % (str(r["asn"]).removeprefix("AS"), r["prefix"], r["maxLength"]) for r in rows}


def case_told(world, h, names):
    """The findings name the servers: on the page and in the object log."""
    def missing():
        log = {}
        for line in h.objects():
            log.setdefault(line["subject"], set()).add(line["code"])
        page = h.servers()
        return [f"{n}: log {sorted(log.get(world.key(n), ()))}, page {page.get(world.key(n))}"
                for n in names if n not in QUIET and not (
                    log.get(world.key(n), set()) & TOLD[n][1] and (TOLD[n][0] != bad.REJECTED or
                    page_codes(page[world.key(n)]) & TOLD[n][1]))]
    wait_for(lambda: not missing(), 40, 0.5)
    t.none(missing(), "each is named with its code: in the object log, on the page")
    clauses = [x for x in h.objects() if x["subject"].startswith(("https://", "rsync://")) and not x.get("clause")]
    t.none(clauses, "… and each line names a clause")
    t.none([n for n in GOOD if page_codes(h.servers()[world.key(n)])],
           "nothing is told of a good server")


def behind(world, h, step, seconds):
    """Whose payloads are not of this step, after so much time; when all are: nobody."""
    if wait_for(lambda: h.wish(4) and h.vrps() == world.expected(step), seconds, 0.5):
        return []
    return [(n, sorted(v), h.servers().get(world.key(n)))
            for n, v in world.split(h.vrps()).items() if v != world.of(n, step)]


def case_heal(world, lab, h, names):
    lab.heal()
    late = behind(world, h, STEPS, 60)
    t.none(late, "all are healed: everybody's newest payloads")
    if late:
        t.diag(h.log()[-3000:] + json.dumps(h.of("fetch")) + json.dumps(h.of("rsync")))


def case_alone(world, lab, h, names):
    """One after another, a step each."""
    watch, began_at, n = Watch(), time.monotonic(), 0
    step = STEPS
    for name in names:
        if not LONG and not ONLY and time.monotonic() - began_at > ALONE_SEC:
            break
        n += 1
        n_lines = len(h.objects())
        behave(lab, [name])
        began, step = step, step + 1
        lab.step(step)
        have = good_on_time(world, h, step, watch)
        t.ok(have and not wrong(world, name, have[name], began, step), f"{name}, alone: the others' payloads come",
             have and wrong(world, name, have[name], began, step))
        if name not in QUIET:
            told = wait_for(lambda: codes_of(x for x in h.objects()[n_lines:] if x["subject"] == world.key(name))
                            & TOLD[name][1], 30)
            t.ok(told, f"{name}: it is named", h.servers()[world.key(name)])
            have = world.split(h.vrps())
            t.ok(not wrong(world, name, have[name], began, step), f"{name}: its last valid payloads stay", have[name])
        lab.heal()
        healed = wait_for(lambda: h.wish(1.5) and world.split(h.vrps())[name] == world.of(name, step), 40, 0.5)
        t.ok(healed, f"{name}: healed", healed or (sorted(world.split(h.vrps())[name]), step, h.servers().get(world.key(name)),
                                                   h.log()[-1500:]))
    t.ok(watch.on_time(), "alone: the others are not late", watch.told())
    t.diag("alone: %d of %d in %.0f s; %s" % (n, len(TOLD), time.monotonic() - began_at, watch.told()))


def rsync_programs(d):
    """Those that work below a folder and are not the lab's."""
    found = []
    for path in glob.glob("/proc/[0-9]*"):
        try:
            with open(path + "/cmdline", "rb") as f:
                argv = f.read().split(b"\0")
            if argv[0] == b"rsync" and b"--daemon" not in argv and os.readlink(path + "/cwd").startswith(d):
                found.append(path)
        except OSError:
            pass
    return found


def case_keeper(world, lab, h, names):
    """All slots for rsync are taken by servers that stall, and their keeper dies."""
    names = [n for n in names if n.startswith("rsync-")]
    for name in names:
        lab.behave(f"{name}.example rsync-stall")
    h.fetch_now()
    t.ok(wait_for(lambda: h.wish(2) and h.of("rsync")["running"] >= 4 and rsync_programs(h.state), 20), "rsync: all are stalled")
    lab.heal()
    before = {k: v["good_at"] for k, v in h.servers().items()}
    h.kill_role("rsync")
    t.ok(wait_for(lambda: h.wish(2) and all(h.servers()[world.key(n)]["good_at"] > before[world.key(n)] for n in names),
                  KEEPER_SEC / PATIENCE), "its keeper dies: others do not wait for it", h.log()[-1500:])
    for name in names:
        lab.behave(f"{name}.example rsync-stall")
    wait_for(lambda: h.wish(2) and h.of("rsync")["running"] >= 4 and rsync_programs(h.state), 20)
    t.equal(h.stop()[0], 0, "it ends well")
    t.ok(wait_for(lambda: not rsync_programs(h.state), 2), "… and no program lives on", rsync_programs(h.state))
    lab.heal()


def case_expiry(world, lab, h, names):
    """The bad servers' data are of the first step; their manifests end a day after it."""
    lab.heal()
    old = [n for n in names if fate(n) == OLD]
    behave(lab, old)
    day = 24 * 3600
    for seconds in (12, 60, 240):		# until then they have to be seen; a busy machine is not so fast
        began = time.monotonic()
        h.start("--at", at(day - seconds))
        have = world.split(wait_for(h.vrps, 15) or ())
        late = [n for n in old if have[n] != world.of(n, 0)]
        if time.monotonic() - began < seconds - 1:
            break
        h.stop()
    if not t.ok(h.proc and any(have.values()), "a day later, just before they expire: payloads are served", h.log()):
        return
    t.none(late, "… the old ones, too: from the store, verified anew")
    gone = wait_for(lambda: not any(world.split(h.vrps())[n] for n in old), 30 + seconds / PATIENCE)
    t.ok(gone, "and then they are gone, by themselves", h.log()[-1500:])
    have = world.split(h.vrps())
    t.none([n for n in GOOD if not have[n]], "… and nobody else's")
    told = wait_for(lambda: {x["code"] for x in h.objects()} & {"RPKI_MFT_STALE", "RPKI_CRL_STALE"}, 10)
    t.ok(told, "… and the object log says why")
    h.stop()


def main():
    if shutil.which("rsync") is None:
        t.skip("bad servers, live", "no rsync program")
        return t.done()
    known = bad.behaviours()
    t.equal(sorted(set(known) ^ set(TOLD)), [], "each behaviour of the lab is judged")
    rng = random.Random(SEED)
    t.diag(f"SEKISHO_SEED={SEED}")
    alone = ONLY or rng.sample(known, len(known) if LONG else ALONE_MAX)
    with folder() as d:
        world = World(d, GOOD + (ONLY or known), STEPS + len(alone))
        now = at(world.steps * EVERY)	# nothing is from the future
        try:
            with LabHouse(d, seconds=3600) as lab:
                lab.step(0)
                h = LiveHouse(d, lab, rpki="guard-share: 0")
                h.start("--at", now)
                if t.ok(h.is_served(world.expected(0), 60), "all servers are good: everything is served",
                        h.log()[-2000:]) and not ONLY:
                    t.case(case_together, world, lab, h, known)
                    h.stop()
                    t.case(case_expiry, world, lab, h, known)
                    lab.heal()
                    h.start("--at", now)
                    t.case(case_heal, world, lab, h, known)
                t.case(case_alone, world, lab, h, alone)
                if not ONLY:
                    t.case(case_keeper, world, lab, h, known)
                t.none(h.damaged(), "nothing was damaged")
                h.stop()
        finally:
            stop_all()
    return t.done()


if __name__ == "__main__":
    began = time.monotonic()
    code = main()
    print("# %.0f s" % (time.monotonic() - began))
    sys.exit(code)
