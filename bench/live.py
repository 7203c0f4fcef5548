"""The live RPKI: fetch, store, validate, serve, on a world of the lab.

	meson compile -C build bench-live		(a small world, made here)
	SEKISHO_WORLD=DIR meson compile -C build bench-live
	LIVE=daemon,cold,peers …			(some of it)
	LIVE=daemon,cold,alone …			(without the others)

DIR is what `sekisho lab rpki --from-vrps FILE --servers DIR --steps 1 --churn 1`
wrote; the objects of its step 0 are unpacked once into DIR/tree-0, for those
who read files (LIVE=tree does only that: two minutes at full size). Its
manifests hold for a day: all clocks are set to the world's time. At full size
`cold` and `daemon` take about 12 minutes, most of it the peers'; `peers` takes
20 more and is left out unless it is asked for.

 cold	an object store that a daemon filled, and the same objects as files:
	`sekisho rpki validate`, rpki-client -n, FORT offline, the limit
 daemon	`sekisho serve` on the lab's servers (no gzip, no rsync): from an empty
	state directory; nothing changed; a restart; servers with at most 0.1 %
	of the objects changed, then the others; one server after another
	changed, with a router waiting
 peers	rpki-client and FORT fetch from the same servers in a namespace of their
	own (root only), from nothing and once more

CPU is user+sys: by wait4 for programs that end, from /proc/PID/stat of every
role for those that stay (10 ms steps), up to the quiet after what was done.
PSS is the sum over all processes, five times a second; "of files" are pages of
the object store in it, which the kernel takes back when it needs them.

Other tenants of the machine make it slower by a half for minutes. So the limit
is measured right before and after each long row; "limit then" is the mean, and
"x limit" is of it.

Latency begins when the fetcher is told to look at a server that has changed:
connection, TLS, notification and deltas are in it, so it is a little more than
"from the receipt of a changed notification". The daemon is at rest before; each
router connection is new, as a second Serial Notify would have to wait for a
minute (8210bis section 8.2).

Where the time goes (a role's runs are on threads that come and go, so that
perf's -p misses them; the second line shows callers, too):

	perf record -a -- sleep 20; perf report --comm sekisho-validat
	perf record --call-graph dwarf,16384 sekisho rpki validate -j 1 -q \\
	    --state DIR --tal TALS -o csv=/dev/null; perf report --children
"""
import os
import re
import shutil
import subprocess
import time

from daemon import LAB_SEC, QUIET_SEC, Daemon, LabNet, disk_mb, lab_of
from kit import WAYS, command, limit_names, measure, note, peers, pss_mb, ratio, say, table
from router import Router, wire
from world import BIG, World, world_make

FIRST_SEC = 420			# from an empty directory to the whole world
CHANGE_SEC = 90
PEER_SEC = int(os.environ.get("LIVE_PEER_SEC", "600"))
PART = 0.001			# of the objects: what the aim is said of
STORE_1_JOB = "sekisho, its store, 1 job"
LATE_HOSTS = 8			# servers whose latency is measured
PARTS = ("daemon", "cold", "peers")
PARTS_BIG = ("daemon", "cold")
ROLES = ("validate", "verify", "store", "fetch", "rtr", "web", "rsync", "parent")


def by_role(cpu):
    return ["%.2f" % cpu.get(r, 0.0) for r in ROLES]


def minus(a, b):
    return {r: a.get(r, 0.0) - b.get(r, 0.0) for r in a}


LAB_COMMAND = "sekisho lab serve WORLD --no-gzip --no-rsync"


# --- daemon: from nothing ---------------------------------------------------------

def case_cold_start(d, world, rows):
    """The daemon is up with the whole world, or None."""
    before = world.limit_now()
    d.start()
    first = d.wait(lambda: d.runs() and re.search(r"first result: (\d+) VRPs", d.text()), FIRST_SEC)
    if first is None:
        say("  no first snapshot: %s" % d.text()[-600:])
        return False
    cpu_first = d.cpu()
    at_first = int(re.search(r"first result: (\d+) VRPs", d.text())[1])
    last = d.settled(FIRST_SEC)
    cpu_quiet = d.cpu()
    then = (before + world.limit_now()) / 2
    r = Router(d.port)
    r.reset()
    whole = r.held == wire(world.expected(0))
    r.close()
    rest = pss_mb(d.proc.pid)
    runs = d.runs()
    for name, end, cpu, n in (("to the first snapshot", first, cpu_first, at_first),
                              ("until all is quiet", last, cpu_quiet, len(r.held))):
        total = sum(cpu.values())
        rows.append([name, "%.2f" % (end - d.began), "%.2f" % total, "%.2f" % then,
                     ratio(total, then), n] + by_role(cpu))
    rows.append(["limit", "", "%.2f" % world.least, "", "1.0", ""] + [""] * len(ROLES))
    table("Cold start of the daemon: CPU s by role (%d objects, %d CAs, %d servers)" % (
        world.n_objects, world.n_cas, len(world.servers)), rows,
        [LAB_COMMAND, command(d.argv)])
    note("the payloads that the world says: %s; %d runs, %d signatures computed" % (
        "yes" if whole else "NO", len(runs), sum(x["computed"] for x in runs)))
    note("PSS at most %.0f MB (%s), at rest %.0f MB; memory files at most %.0f MB" % (
        d.sampler.most, d.sampler.told(), rest, d.sampler.memfd))
    note("on disk %.0f MB, of which objects %.0f MB" % (
        disk_mb(d.state), disk_mb(os.path.join(d.state, "objects"))))
    return True


# --- daemon: warm -------------------------------------------------------------------

def warm_row(name, d, before, n_runs, wall):
    """What came after `before`, up to the quiet after it."""
    d.settled(CHANGE_SEC)
    cpu = minus(d.cpu(), before)
    runs = d.runs()[n_runs:]
    core = sum(cpu.get(r, 0.0) for r in ("validate", "verify", "store"))
    computed = sum(x["computed"] for x in runs)
    return [name, "%.2f" % wall, "%.2f" % core, "%.2f" % sum(cpu.values()), len(runs),
            computed, "%.3f" % d.world.signatures_sec(computed),
            "%d/%d" % (runs[-1]["kept"], runs[-1]["points"]) if runs else "-",
            runs[-1]["vrps"] if runs else "-"] + by_role(cpu)


WARM_HEAD = ["", "wall s", "CPU s: validate+verify+store", "all", "runs", "signatures", "limit s",
             "points kept",
             "VRPs"] + list(ROLES)


def case_reload(d, rows):
    """Nothing changed: an operator's wish makes it look."""
    before, n, begin = d.cpu(), len(d.runs()), time.monotonic()
    d.ask("reload")
    end = d.wait(lambda: len(d.runs()) > n, CHANGE_SEC)
    if end is not None:
        rows.append(warm_row("nothing changed: reload", d, before, n, end - begin))


def case_ask_all(d, lab, world, rows):
    """Nothing changed: every server is asked and says 304."""
    lab.stats(reset=True)
    before, n, begin = d.cpu(), len(d.runs()), time.monotonic()
    d.ask("fetch")
    end = d.wait(lambda: sum(h["not_modified"] for h in lab.stats().values()) >= len(world.servers),
                 CHANGE_SEC, 0.2)
    if end is not None:
        rows.append(warm_row("nothing changed: all asked", d, before, n, end - begin))


def case_restart(d, rows):
    """A new life with what was kept: until the first run is done."""
    d.start()
    end = d.wait(lambda: d.runs(), CHANGE_SEC)
    if end is None:
        say("  no run after the restart: " + d.text()[-600:])
        return False
    rows.append(warm_row("restart, nothing changed", d, {}, 0, end - d.began))
    return True


def case_idle(d, rows):
    """What the roles take while they wait, per 5 seconds."""
    before, n = d.cpu(), len(d.runs())
    time.sleep(5 - QUIET_SEC)
    rows.append(warm_row("idle, 5 s", d, before, n, 5))


def case_part(d, lab, world, rows):
    """Some servers move; until a router is told."""
    servers, n_objects = world.part(PART)
    if not servers:
        return
    r = Router(d.port)
    r.reset()
    for s in servers:
        lab.step(1, s["host"])
    before, n, begin = d.cpu(), len(d.runs()), time.monotonic()
    d.ask("fetch")
    end = r.notified(CHANGE_SEC)
    rows.append(warm_row("%.2f %% of the objects changed" % (100 * n_objects / world.n_objects),
                         d, before, n, (end or time.monotonic()) - begin))
    r.close()


def case_step(d, lab, world, rows):
    """All others move at once, too; until a router holds the new world."""
    r = Router(d.port)
    r.reset()
    want = wire(world.expected(1))
    rest = sum(map(world.news, world.moved())) - world.part(PART)[1]
    lab.step(1)
    before, n, begin = d.cpu(), len(d.runs()), time.monotonic()
    d.ask("fetch")

    def there():
        if r.resume() is None:
            r.reset()
        return r.held == want
    end = d.wait(there, CHANGE_SEC, 0.1)
    if end is None:
        say("  step 1 never came as a whole: %d payloads too many, %d too few" % (
            len(r.held - want), len(want - r.held)))
    rows.append(warm_row("%.2f %% of the objects changed" % (100 * rest / world.n_objects), d, before, n,
                         (end or time.monotonic()) - begin))
    r.close()


def case_latency(d, lab, world):
    """One server after another changes; a router waits for its Serial Notify."""
    rows = [["", "CAs", "delta PDUs", "to the notify s", "to End of Data s"]]
    r, ends = Router(d.port), []
    r.reset()
    for s in world.moved()[:LATE_HOSTS]:
        d.settled(CHANGE_SEC)
        r.resume()
        lab.step(1, s["host"])
        begin = time.monotonic()
        d.ask("fetch https://%s/rrdp/notification.xml" % s["host"])
        told = r.notified(30)
        if told is None:
            rows.append([s["host"], s["cas"], "-", "-", "no change of payloads"])
            continue
        n = r.follow()
        ends.append(time.monotonic() - begin)
        rows.append([s["host"], s["cas"], n, "%.3f" % (told - begin), "%.3f" % ends[-1]])
    if ends:
        rows.append(["at most", "", "", "", "%.3f" % max(ends)])
    table("From a changed notification to the delta at a connected router", rows,
          ["lab-serve.sock: step HOST 1", "control: fetch https://HOST/rrdp/notification.xml"])
    want = wire(world.expected(1))
    r.resume()
    if len(world.moved()) <= LATE_HOSTS:
        note("at the end the router holds what the world says: %s" % (
            "yes" if r.held == want else "NO"))
    r.close()


def warm_table(warm, d):
    table("Warm: CPU s by role", warm, ["sekisho reload -c CONF", "control: fetch",
                                        "lab-serve.sock: step 1"])
    note("PSS since the start: at most %.0f MB (%s), at rest %.0f MB" % (
        d.sampler.most, d.sampler.told(), pss_mb(d.proc.pid)))
    note("the limit of a cold start, right after this: %.2f s; at the beginning of all: %.2f s" % (
        d.world.limit_now(), d.world.least))


def bench_daemon(work, world, keep):
    """keep: a state directory of step 0 stays there for `cold`."""
    rows, warm = [["", "wall s", "CPU s", "limit then", "x limit", "VRPs"] + list(ROLES)], \
        [WARM_HEAD]
    with lab_of(world) as lab:
        d = Daemon(work, world, lab)
        try:
            if not case_cold_start(d, world, rows):
                return
            if "daemon" in chosen(world):
                case_reload(d, warm)
                case_ask_all(d, lab, world, warm)
        finally:
            d.stop()
            os.rename(d.state, keep)
        if "daemon" in chosen(world):
            bench_warm(work, world, lab, keep, warm)
            bench_latency(work, world, lab, keep)


def state_copy(kept, d):
    subprocess.run(["cp", "-a", kept, d.state], check=True)
    os.sync()		# the daemon shall not wait for our copies
    return d


def bench_warm(work, world, lab, kept, warm):
    d = state_copy(kept, Daemon(work, world, lab, "at-once"))
    try:
        if case_restart(d, warm):
            case_idle(d, warm)
            case_part(d, lab, world, warm)
            case_step(d, lab, world, warm)
            warm_table(warm, d)
    finally:
        d.stop()
        shutil.rmtree(d.state)


def bench_latency(work, world, lab, kept):
    lab.step(0)
    d = state_copy(kept, Daemon(work, world, lab, "one-by-one"))
    d.start()
    try:
        if d.wait(lambda: d.runs(), CHANGE_SEC) is not None:
            d.sampler.stop()
            case_latency(d, lab, world)
    finally:
        d.stop()
        shutil.rmtree(d.state)


# --- cold validation, offline -------------------------------------------------------

def offline_ours(world, kept, out):
    common = [peers.sekisho(), "rpki", "validate", "-q", "--no-progress", "--tal", world.tals,
              "--at", peers.rfc3339(world.at), "-o", "csv=" + out]
    store = common + ["--state", kept, "--no-facts"]
    if os.path.isdir(kept):
        for name, way in WAYS:
            yield STORE_1_JOB + name, store + ["-j", "1"] + way
        yield "sekisho, its store, 2 jobs", store + ["-j", "2"]
    # The trust anchors' certificates are in no snapshot.
    tas = os.path.join(os.path.dirname(out), "tas")
    for s in world.servers:
        ta = os.path.join(world.folder, "servers", s["host"], "ta")
        if os.path.isdir(ta):
            shutil.copytree(ta, os.path.join(tas, s["host"], "ta"), dirs_exist_ok=True)
    files = ["-j", "2", "--tree", tas] + [w for s in world.snapshots() for w in ("--rrdp", s)]
    for name, way in WAYS:
        yield "sekisho, RRDP files, 2 jobs" + name, common + way + files


def clocked(world, argv):
    """Under a clock of the world, when ours is not in it."""
    at = world.at
    return argv if at <= time.time() < at + 20 * 3600 else peers.faked(argv, at)


def offline_peers(world, out):
    os.makedirs(out, exist_ok=True)
    os.chmod(out, 0o777)
    if peers.missing("rpki-client", "faketime") is None:
        argv = [peers.find("rpki-client"), "-n", "-c", "-v", "-d", world.tree, "-s", "0"]
        for t in world.tal_files():
            argv += ["-t", t]
        yield "rpki-client -n", clocked(world, argv + [out]), os.path.join(out, "csv")
    if peers.missing("fort", "faketime") is None:
        csv = os.path.join(out, "roas.csv")
        yield "FORT, offline", clocked(world, fort_argv(world, world.tree, csv) +
                                       ["--work-offline=true"]), csv


def fort_argv(world, cache, csv):
    return [peers.find("fort"), "--mode=standalone", "--tal=" + world.tals,
            "--local-repository=" + cache, "--output.roa=" + csv, "--output.format=csv",
            "--log.output=console", "--log.level=error", "--validation-log.enabled=false"]


def middle(outcomes):
    return sorted(outcomes, key=lambda o: o.cpu)[len(outcomes) // 2]


def short(argv, world):
    """A command line without its 60 files."""
    text = command(argv).replace(world.folder, "WORLD")
    return re.sub(r"(--rrdp \S+)( --rrdp \S+)+", r"\1 …", text)


def bench_cold(work, world, kept):
    """CPU seconds by name."""
    cpu = {}
    counts, least = world.counts, world.least
    want, commands = world.expected(0), []
    rows = [["", "CPU s", "wall s", "PSS MB", "of files", "VRPs", "right", "limit then",
             "x limit", "x ours"]]
    csv = os.path.join(work, "ours.csv")
    contest = [(n, a, csv, None, 300) for n, a in offline_ours(world, kept, csv)]
    contest += [(n, a, c, peers.env_utc(), PEER_SEC)
                for n, a, c in offline_peers(world, os.path.join(work, "peers-out"))
                if "alone" not in chosen(world)]
    first = None
    for name, argv, out, env, seconds in contest:
        got, before = [], world.limit_now()
        for _ in range(world.runs if env is None else 1):
            if os.path.exists(out):
                os.unlink(out)
            got.append(measure(argv, os.path.join(work, "log"), env, seconds))
        o, then = middle(got), (before + world.limit_now()) / 2
        vrps = peers.vrps_csv(out) if os.path.exists(out) else set()
        if not vrps:
            say("  %s failed (status %d): %s" % (name, o.status, o.text[-300:].strip()))
        first, cpu[name] = first or o.cpu, o.cpu
        rows.append([name, "%.2f" % o.cpu, "%.2f" % o.wall, "%.0f" % o.pss,
                     "%.0f" % o.files, len(vrps), "yes" if vrps == want else "NO", "%.2f" % then,
                     ratio(o.cpu, then), ratio(o.cpu, first)])
        commands.append(short(argv, world))
    for key, name in limit_names(world.limit):
        sec = world.limit[key]["seconds"]
        rows.append([name, "%.2f" % sec, "", "", "", "", "", "", ratio(sec, least),
                     ratio(sec, first)])
    table("Cold validation, offline (%d objects)" % counts[0], rows,
          commands + ["limit %d %d %d" % tuple(counts)])
    return cpu


# --- peers that fetch ---------------------------------------------------------------

def fetching_peers(world, work):
    for name in ("rpki-client", "fort"):
        if peers.missing(name) is not None:
            say("  %s is not installed: left out" % name)
            continue
        cache, out = os.path.join(work, name + "-cache"), os.path.join(work, name + "-out")
        for d in (cache, out):
            os.makedirs(d)
            os.chmod(d, 0o777)
        if name == "rpki-client":
            argv = [peers.find(name), "-c", "-v", "-s", "0", "-d", cache]
            for t in world.tal_files():
                argv += ["-t", t]
            yield "rpki-client", argv + [out], os.path.join(out, "csv")
        else:
            csv = os.path.join(out, "roas.csv")
            yield "FORT", fort_argv(world, cache, csv), csv


def bench_peers(work, world):
    why = LabNet.missing()
    if why is not None:
        say("  peers that fetch are left out: " + why)
        return
    rows = [["", "CPU s", "wall s", "PSS MB", "of files", "VRPs", "right", "limit then",
             "x limit"]]
    commands, want = [LAB_COMMAND + " --default-ports"], world.expected(0)
    for name, argv, csv in fetching_peers(world, work):
        for case in ("from nothing", "once more, nothing changed"):
            if os.path.exists(csv):
                os.unlink(csv)
            with LabNet() as net, net.house(world.folder, "--no-gzip", "--no-rsync",
                                            seconds=LAB_SEC) as lab:
                lab.step(0)
                before = world.limit_now()
                o = measure(net.prefix + clocked(world, argv), os.path.join(work, "log"),
                            peers.env_utc(), PEER_SEC)
            then = (before + world.limit_now()) / 2
            vrps = peers.vrps_csv(csv) if os.path.exists(csv) else set()
            rows.append(["%s: %s" % (name, case), "%.2f" % o.cpu, "%.2f" % o.wall,
                         "%.0f" % o.pss, "%.0f" % o.files, len(vrps),
                         "yes" if vrps == want else "NO", "%.2f" % then, ratio(o.cpu, then)])
            if not vrps:
                say("  %s failed (status %d%s): %s" % (
                    name, o.status, ", killed after %d s" % PEER_SEC if o.status == -9 else "",
                    o.text[-300:].strip()))
                break
        commands.append(short(argv, world))
    table("Peers that fetch from the lab's servers and validate", rows, commands)


# --- all of it ------------------------------------------------------------------------

def chosen(world):
    parts = os.environ.get("LIVE")
    if parts:
        return parts.split(",")
    return PARTS_BIG if world.n_objects >= BIG else PARTS


def bench_live(work):
    """(the world or None, what bench_cold() said or None)."""
    folder = os.environ.get("SEKISHO_WORLD") or world_make(work)
    if folder is None:
        return None, None
    world, begin = World(os.path.abspath(folder)), time.monotonic()
    say("  %d objects, %d CAs, %d servers; runs of each: %d" % (
        world.n_objects, world.n_cas, len(world.servers), world.runs))
    parts = chosen(world)
    world.measure_limit()
    kept, cold = os.path.join(work, "kept"), None
    # The store that `cold` reads is one that a daemon filled.
    if "daemon" in parts or "cold" in parts:
        bench_daemon(work, world, kept)
    if "cold" in parts:
        cold = bench_cold(work, world, kept)
    if "peers" in parts:
        bench_peers(work, world)
    say("  all of it took %.0f s" % (time.monotonic() - begin))
    return world, cold
