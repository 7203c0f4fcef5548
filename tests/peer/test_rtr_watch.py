#!/usr/bin/env python3
"""Routers without their cache do what `rtr whatif --cache-down` predicts.

BIRD and FRR keep data for ten minutes at least, so their clocks run SPEED
times as fast (libfaketime). All moments are taken from the router's own log,
in its own time; SLACK seconds of that time are allowed on both sides (two
thirds of a second of ours). A router that a busy machine held up for longer is
tried again: TRIES times, as no load makes a wrong prediction come true.
"""
import datetime
import glob
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
import traceback

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import peers
from rtrserver import Process, Server, free_port, many_roas, patient, stays, wait_for, world
from tap import Tap

tap = Tap()

SPEED = 30
SLACK = 20
TRIES = 4
REFRESH, RETRY, EXPIRE = 20, 7, 600
ROAS = [r for r in many_roas(60, seed=5) if ":" not in r[1]]
TIMERS = ["--refresh", str(REFRESH), "--retry", str(RETRY), "--expire"]


def fast(argv):
    return peers.faketime_argv(argv, "FAKETIME=+0 x%d" % SPEED, "TZ=UTC", "FAKETIME_DONT_RESET=1", threads=True)


def missing(*programs):
    if peers.faketime_library(threads=True) is None:
        return "faketime"
    return peers.missing(*programs)


def ask(argv):
    try:
        return subprocess.run(argv, capture_output=True, text=True, timeout=patient(10)).stdout
    except subprocess.TimeoutExpired:
        return ""


def moment(text, form):
    return datetime.datetime.strptime(text, form).timestamp()


class Bird:
    name, software = "BIRD", "bird"

    def __init__(self, folder, ports, keep=""):
        self.ctl = os.path.join(folder, "bird.ctl")
        conf = os.path.join(folder, "bird.conf")
        with open(conf, "w") as f:
            f.write("log stderr all;\nrouter id 192.0.2.1;\nroa4 table r4;\nprotocol device { }\n")
            for i, port in enumerate(ports):
                f.write("protocol rpki c%d { debug all; roa4 { table r4; };\n"
                        "\tremote 127.0.0.1 port %d; retry %s 7; refresh %s 20; expire %s 600; }\n"
                        % (i, port, keep, keep, keep))
        self.process = Process(fast([peers.find("bird"), "-f", "-c", conf, "-s", self.ctl, "-P",
                                     os.path.join(folder, "bird.pid")]), os.path.join(folder, "bird.log"))

    def count(self):
        m = re.search(r"^(\d+) of \d+ routes for (\d+) networks", ask(
            [peers.find("birdc"), "-r", "-s", self.ctl, "show", "route", "count", "table", "r4"]),
            re.M)
        return int(m[2]) if m else None

    def times(self, pattern):
        return [moment(m[1], "%Y-%m-%d %H:%M:%S.%f") for m in re.finditer(
            r"^(\S+ \S+) <\w+> %s" % pattern, self.process.text(), re.M)]

    def synced(self):
        return self.times(r"c0: Received End of Data")

    def lost(self):
        return self.times(r"c0: Changing from \S+ to Transport-Error state")

    def forgot(self):
        return self.times(r"c0(?:\.roa4 > removed|: State changed to flush)")


class Frr:
    name, software = "FRR", "frr"
    bgpd = "/usr/lib/frr/bgpd"

    def __init__(self, folder, ports, keep=""):
        conf = os.path.join(folder, "bgpd.conf")
        self.vty = os.path.join(folder, "vty")
        os.mkdir(self.vty)
        with open(conf, "w") as f:
            f.write("log stdout\nrpki\n rpki polling_period 20\n rpki retry_interval 7\n"
                    " rpki expire_interval 600\n")
            for i, port in enumerate(ports):
                f.write(" rpki cache 127.0.0.1 %d preference %d\n" % (port, i + 1))
            f.write(" exit\n!\nrouter bgp 64496\n bgp router-id 192.0.2.1\n")
        self.process = Process(fast([self.bgpd, "-S", "-n", "-Z", "-M", "rpki", "-f", conf, "-i",
                                     os.path.join(folder, "pid"), "--vty_socket", self.vty,
                                     "-A", "127.0.0.1", "-P", "0", "-p", "0"]),
                               os.path.join(folder, "bgpd.log"))

    def count(self):
        text = ask([peers.find("vtysh"), "--vty_socket", self.vty, "-d", "bgpd",
                    "-c", "show rpki prefix-table"])
        return len(re.findall(r"^\d+\.\S+\s+\d+\s+-", text, re.M)) \
            if "prefix table" in text else None

    def times(self, pattern):
        return [moment(m[1], "%Y/%m/%d %H:%M:%S:%f") for m in re.finditer(
            r"^\((\S+ \S+)\): %s" % pattern, self.process.text(), re.M)]

    def synced(self):
        return self.times(r"RTR Socket: Sync successful")

    def lost(self):
        return self.times(r"RTR Socket: State: RTR_ERROR_TRANSPORT")

    def forgot(self):
        return self.times(r"RTR Socket: Removed outdated records from pfx_table")


def forecast(software, synced, expire):
    r = peers.run([peers.sekisho(), "rtr", "whatif", "--json", "--cache-down", "--router",
                   "r:%s,synced=%d" % (software, synced)] + TIMERS + [str(expire)], seconds=20)
    return json.loads(r.out)["routers"][0]["forgets"]


def absent(router_class):
    if router_class is Frr and (not os.path.exists(Frr.bgpd) or
                                not glob.glob("/usr/lib/*/frr/modules/bgpd_rpki.so")):
        return "frr-rpki-rtrlib"
    return missing(*(("bird", "birdc") if router_class is Bird else ("vtysh",)))


class Notes:
    """What a case says, for tap when it is over: some run beside each other."""

    def __init__(self):
        self.said = []

    def ok(self, good, name, note=None):
        self.said.append((bool(good), name, note))

    def skip(self, name, reason):
        self.said.append((None, name, reason))

    def good(self):
        return all(good is not False for good, _, _ in self.said)

    def tell(self):
        for good, name, note in self.said:
            tap.skip(name, note) if good is None else tap.ok(good, name, note)


def try_alone(out, i, router_class, expire):
    for _ in range(TRIES):
        out[i] = Notes()
        try:
            case_alone(out[i], router_class, expire)
        except Exception:
            out[i].ok(False, "%s, expire %d" % (router_class.name, expire), traceback.format_exc())
        if out[i].good():
            break


def case_alone(tap, router_class, expire):
    """Its only cache is killed: held until the moment, forgotten after it."""
    name = "%s, expire %d" % (router_class.name, expire)
    if absent(router_class):
        tap.skip(name, "%s is not installed" % absent(router_class))
        return
    if router_class is Frr and os.geteuid() != 0:
        tap.skip(name, "bgpd has to be started by root")
        return
    with tempfile.TemporaryDirectory(prefix="sekisho-peer-") as folder:
        os.chmod(folder, 0o755)
        with Server(world(ROAS), TIMERS + [str(expire)]) as server:
            router = router_class(folder, [server.port])
            try:
                tap.ok(wait_for(lambda: router.count() == len(ROAS), 30, 0.2),
                       "%s: takes the full set" % name, router.process.text()[-1500:])
                server.process.stop(9)
                held = time.monotonic()
                lost = wait_for(lambda: [t for t in router.lost() if t > router.synced()[-1]],
                                20 * REFRESH / SPEED + 20, 0.05)
                tap.ok(lost, "%s: sees that the cache is gone" % name)
                down, synced = lost[0], router.synced()[-1]
                cast = forecast(router_class.software, max(0, round(down - synced)), expire)
                gone = wait_for(lambda: router.count() == 0, expire / SPEED + 20, 0.1)
                took = (time.monotonic() - held) * SPEED
                tap.ok(gone, "%s: forgets in the end" % name, router.process.text()[-1500:])
                forgot = [t for t in router.forgot() if t > down]
                tap.ok(forgot and cast["first"] - SLACK <= forgot[0] - down <= cast["last"] + SLACK,
                       "%s: at the predicted moment" % name,
                       "predicted %s, seen %s after the cache went (%d by our clock)" % (
                           cast, [t - down for t in forgot[:2]], took))
                tap.ok(took >= cast["first"] - SLACK,
                       "%s: and held all until then, by our clock" % name, (took, cast))
            finally:
                router.process.stop()


def case_two():
    """One of two caches is killed: nothing is forgotten."""
    if absent(Bird):
        tap.skip("two caches", "%s is not installed" % absent(Bird))
        return
    with tempfile.TemporaryDirectory(prefix="sekisho-peer-") as folder:
        with Server(world(ROAS), TIMERS + [str(EXPIRE)]) as a, \
                Server(world(ROAS), TIMERS + [str(EXPIRE)]) as b:
            bird = Bird(folder, [a.port, b.port])
            try:
                tap.ok(wait_for(lambda: bird.count() == len(ROAS), 30, 0.2) and
                       wait_for(lambda: bird.times("c1: Received End of Data"), 10),
                       "two caches: BIRD takes the set", bird.process.text()[-1500:])
                a.process.stop(9)
                end = time.monotonic() + patient(60)
                dips = False		# None: it did not answer
                while not dips and not bird.forgot() and time.monotonic() < end:
                    dips = not stays(lambda: bird.count() in (None, len(ROAS)), 1)
                dips = dips or not stays(lambda: bird.count() in (None, len(ROAS)), 100 / SPEED)
                tap.ok(not dips and bird.forgot(),
                       "two caches: what one said is forgotten, what the other says stays",
                       bird.process.text()[-1500:])
            finally:
                bird.process.stop()


def case_caches():
    """rtr check and rtr diff on a cache that is not ours."""
    if peers.missing("stayrtr"):
        tap.skip("stayrtr", "stayrtr is not installed")
        return
    with tempfile.TemporaryDirectory(prefix="sekisho-peer-") as folder:
        path, port = os.path.join(folder, "vrps.json"), free_port()
        with open(path, "w") as f:
            json.dump(world(ROAS[:-2]), f)
        stay = Process([peers.find("stayrtr"), "-bind", "127.0.0.1:%d" % port, "-cache", path,
                        "-checktime=false", "-metrics.addr", "127.0.0.1:%d" % free_port()],
                       os.path.join(folder, "log"))
        try:
            with Server(world(ROAS)) as ours:
                address = "127.0.0.1:%d" % port
                r = wait_for(lambda: (lambda r: r if '"vrps":%d' % (len(ROAS) - 2) in r.out else None)(
                    peers.run([peers.sekisho(), "rtr", "check", address, "--json"], seconds=20)),
                    20, 0.5)
                got = json.loads(r.out) if r else {}
                tap.ok(got.get("complete") and got["answer_to_current"] == "same" and
                       got["expire"] == 7200, "rtr check of stayrtr", got)
                r = peers.run([peers.sekisho(), "rtr", "diff", address,
                               "127.0.0.1:%d" % ours.port, "--json"], seconds=20)
                d = json.loads(r.out)
                tap.ok(r.status == 1 and d["differ"]["vrp"] == 2 and
                       [s["missing_here"] for s in d["sources"]] == [2, 0],
                       "rtr diff: two VRPs are missing at stayrtr", r.out + r.err)
                r = peers.run([peers.sekisho(), "rtr", "diff", address, path], seconds=20)
                tap.equal(r.status, 0, "rtr diff: stayrtr against the file that it reads")
        finally:
            stay.stop()


LAB = """
ta w {
	resources 192.0.2.0/24 198.51.100.0/24 AS64496
	ca a {
		resources 192.0.2.0/24 198.51.100.0/24 AS64496
		roa AS64496 192.0.2.0/24 name r
		roa AS64496 198.51.100.0/24 name q
	}
}
"""


def case_fort():
    """FORT validates a lab's tree and serves it: what it says is what the lab has."""
    if peers.missing("fort"):
        tap.skip("FORT", "fort is not installed")
        return
    with tempfile.TemporaryDirectory(prefix="sekisho-peer-") as folder:
        lab, tree, tal, cache, tals, csv = (os.path.join(folder, n) for n in (
            "w.lab", "tree", "w.tal", "cache", "tals", "have.csv"))
        with open(lab, "w") as f:
            f.write(LAB)
        peers.run([peers.sekisho(), "lab", "rpki", lab, "-q", "--seed", "5", "-o", tree,
                   "--tal", tal], seconds=60)
        peers.fort_layout(tree, [tal], cache)
        os.mkdir(tals)
        os.link(tal, os.path.join(tals, "w.tal"))
        with open(csv, "w") as f:
            f.write("AS64496,192.0.2.0/24,24\nAS64496,198.51.100.0/24,24\n")
        port = free_port()
        fort = Process([peers.find("fort"), "--mode=server", "--work-offline=true", "--tal=" + tals,
                        "--local-repository=" + cache, "--server.address=127.0.0.1",
                        "--server.port=%d" % port, "--log.output=console"],
                       os.path.join(folder, "log"))
        address = "127.0.0.1:%d" % port
        try:
            def one(version):
                r = peers.run([peers.sekisho(), "rtr", "check", address, "--json", "--version",
                               str(version)], seconds=30)
                doc = json.loads(r.out or "{}")
                return doc if doc.get("vrps") == 2 else None
            for version in (1, 2):
                doc = wait_for(lambda: one(version), 30, 0.5)
                tap.ok(doc and doc["complete"] and doc["answer_to_current"] == "same" and
                       doc["version"] < 2, "rtr check of FORT, version %d" % version,
                       doc or fort.text()[-800:])
            r = peers.run([peers.sekisho(), "rtr", "diff", address, csv], seconds=30)
            tap.equal(r.status, 0, "rtr diff: FORT has what the lab has")
            with open(csv, "a") as f:
                f.write("AS64496,203.0.113.0/24,24\n")
            r = peers.run([peers.sekisho(), "rtr", "diff", address, csv, "--json"], seconds=30)
            tap.ok(r.status == 1 and json.loads(r.out)["differ"]["vrp"] == 1,
                   "rtr diff: and one that it lacks is told", r.out + r.err)
        finally:
            fort.stop()


def main():
    if not os.path.exists(peers.sekisho()):
        tap.skip("peers", "sekisho is not built")
        return tap.done()
    tap.case(case_caches)
    tap.case(case_fort)
    # BIRD takes the cache's word: not its own 600. They wait, mostly: all three at once.
    alone = ((Bird, EXPIRE), (Bird, 900), (Frr, EXPIRE))
    notes = [Notes() for _ in alone]
    threads = [threading.Thread(target=try_alone, args=(notes, i, *a)) for i, a in enumerate(alone)]
    for x in threads:
        x.start()
    tap.case(case_two)
    for x in threads:
        x.join()
    for n in notes:
        n.tell()
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
