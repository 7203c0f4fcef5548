#!/usr/bin/env python3
"""The bench: ours, the peer, the limit, on the same input in the same run.

	meson compile -C build bench
	meson compile -C build bench-live		(the last part alone; see live.py)
	bench.py [pilot] [lab] [rtr] [live]		(some of it)

BENCH_JSON=FILE writes the tables there, too; BENCH_RUNS=N and BENCH_CAS=N (of
the lab's tree) are for who cannot wait.

Validation: user+sys of the whole process tree by wait4, median of RUNS, files
in the page cache, nothing remembered from run to run ("cold" means: no facts,
no parsed results). Peers without a clock option run under faketime. The limit
is arithmetic: bench/limit.c, times the signatures in the tree, by the best way
that this processor has; OpenSSL's own limit stands beside it, as peers compute
with it. Ours runs by both (--crypto).

RTR: the real VRPs of ../shared/data/rpki/vrps, expiry taken off, and one raw
counting client (bench/rtrcount.c) for every server. Memory is the sum of the
PSS of the server's processes while its routers are connected; memory files
that are not mapped stand beside it.

The numbers mean something only while nothing else runs.
"""
import bz2
import json
import os
import re
import select
import signal
import socket
import statistics
import subprocess
import sys
import time

from kit import (TOOLS, WAYS, bench_begin, bench_end, cpu_s, limit_names, limit_of, memfd_mb,
                 parts_run, peers, pss_mb, ratio, say, signature_kinds, table)
from live import bench_live
from rtrserver import Process, free_port, listening, wait_for

RUNS = int(os.environ.get("BENCH_RUNS", "5"))
LAB_CAS, LAB_ROAS = int(os.environ.get("BENCH_CAS", "1000")), 20
LAB_AT = 1795000000		# 2026-11-18T11:06:40Z
RTR_CLIENTS = 100
VRPS = os.path.join(peers.DATA, "rpki", "vrps")
VRPS_LEAST = 700000		# fewer: the server has not read them all yet
RESET_QUERY = bytes((1, 2, 0, 0, 0, 0, 0, 8))
END_OF_DATA = bytes((1, 7))


# --- validation -----------------------------------------------------------

def limit(tree):
    size, names = 0, []
    for base, _, files in os.walk(tree):
        names += files
        size += sum(os.path.getsize(os.path.join(base, f)) for f in files)
    return limit_of(*signature_kinds(names), size)


class Contest:
    """Several validators, round about, so that no one gets the quiet minute."""

    def __init__(self):
        self.runs = {}		# name: function -> (result, VRPs)
        self.cpu, self.wall, self.vrps = {}, {}, {}

    def add(self, name, run):
        self.runs[name] = run

    def hold(self):
        for _ in range(RUNS):
            for name, run in self.runs.items():
                r, vrps = run()
                if not vrps:
                    say("  %s failed (status %d): %s" % (name, r.status, r.err[-300:].strip()))
                self.cpu.setdefault(name, []).append(r.cpu)
                self.wall.setdefault(name, []).append(r.wall)
                self.vrps[name] = vrps

    def report(self, title, least):
        """The medians of CPU seconds by name. least: what limit_of() said."""
        rows = [["", "CPU s", "min..max", "wall s", "VRPs", "x limit", "x ours"]]
        best = least["best"]["seconds"]
        cpu = {n: statistics.median(v) for n, v in self.cpu.items()}
        first = next(iter(cpu), None)
        for name, c in cpu.items():
            rows.append([name, "%.3f" % c,
                         "%.3f..%.3f" % (min(self.cpu[name]), max(self.cpu[name])),
                         "%.3f" % statistics.median(self.wall[name]),
                         len(self.vrps[name] or ()),
                         ratio(c, best), ratio(c, cpu[first])])
        for key, name in limit_names(least):
            c = least[key]["seconds"]
            rows.append([name, "%.3f" % c, "", "", "", ratio(c, best), ratio(c, cpu.get(first))])
        table(title, rows)
        different = {n for n, v in self.vrps.items() if v != self.vrps[first]}
        say("  the same VRPs everywhere" if not different else
            "  OTHER VRPs than ours: " + ", ".join(sorted(different)))
        return cpu


def ours(source, tal, at, out, jobs=None):
    def run():
        r = peers.run([peers.sekisho(), "rpki", "validate", "--no-progress", "-q", "--tal", tal,
                       "--at", peers.rfc3339(at), "-o", "csv=" + out] + source +
                      (["--jobs", str(jobs)] if jobs else []))
        return r, peers.vrps_csv(out) if os.path.exists(out) else None
    return run


def contest(title, tree, tal, at, hosts, work, rrdp=None):
    """The medians of CPU seconds by name."""
    c = Contest()
    for name, way in WAYS:
        c.add("sekisho --tree" + name,
              ours(["--tree", tree] + way, tal, at, os.path.join(work, "ours.csv")))
    if rrdp is not None:
        c.add("sekisho --rrdp", ours(["--rrdp", rrdp], tal, at, os.path.join(work, "ours.csv")))
    if peers.missing("rpki-client", "faketime") is None:
        cache = os.path.join(work, "rpki-client")
        peers.rpki_client_layout(tree, [tal], cache)
        c.add("rpki-client", lambda: peers.rpki_client(cache, [tal], cache + "-out", at, hosts))
    else:
        say("  rpki-client or faketime is not installed: left out")
    if peers.missing("fort", "faketime") is None:
        fort = os.path.join(work, "fort")
        peers.fort_layout(tree, [tal], fort)
        c.add("FORT", lambda: peers.fort(fort, [tal], fort + "-out", at))
    else:
        say("  fort or faketime is not installed: left out")
    least = limit(tree)
    c.hold()
    return c.report(title, least)


def bench_pilot(work):
    if not os.path.exists(peers.PILOT):
        say("pilot: ../shared/data/rpki/pilot is absent: left out")
        return None
    tree = os.path.join(work, "tree")
    snapshot = os.path.join(peers.PILOT, "snapshot.xml.gz")
    peers.unpack_rrdp(snapshot, tree)
    return contest("Cold validation of the pilot (1,766 objects)", tree,
                   os.path.join(peers.PILOT, "ripe-pilot.tal"), peers.PILOT_AT,
                   ["localcert.ripe.net"], work, snapshot)


def bench_lab(work):
    tree, tal = os.path.join(work, "tree"), os.path.join(work, "lab.tal")
    r = peers.run([peers.sekisho(), "lab", "rpki", "-q", "--scale", "%d,%d" % (LAB_CAS, LAB_ROAS),
                   "--at", peers.rfc3339(LAB_AT), "--tree", tree, "--tal", tal])
    if r.status != 0:
        say("lab: cannot make the world: " + r.err.strip())
        return None
    say("  made in %.1f s" % r.wall)
    return contest("Cold validation of a lab tree (%d CAs, %d ROAs each)" % (LAB_CAS, LAB_ROAS),
                   tree, tal, LAB_AT, peers.tree_hosts(tree), work)


def warmed(tree, run):
    """The run, with the tree in the page cache: some machines take idle pages back."""
    def warm():
        for base, _, files in os.walk(tree):
            for f in files:
                with open(os.path.join(base, f), "rb", 0) as one:
                    one.read()
        return run()
    return warm


def bench_tree(folder, work):
    """Ours alone: peers take minutes (live.py has them)."""
    tree, tals = os.path.join(folder, "tree"), os.path.join(folder, "tals")
    if not os.path.isdir(tree) or not os.path.isdir(tals):
        say("  SEKISHO_TREE: no tree and tals in %s: left out" % folder)
        return None
    c, csv = Contest(), os.path.join(work, "ours.csv")
    for name, way in WAYS:
        c.add("sekisho --tree" + name,
              warmed(tree, ours(["--tree", tree] + way, tals, LAB_AT, csv)))
    least = limit(tree)
    c.hold()
    return c.report("Cold validation of %s" % folder, least)


# --- RTR ------------------------------------------------------------------

def real_vrps(path):
    """The export with its expiry dates taken off: they are of July 2025."""
    for f in sorted(os.listdir(VRPS)):
        if not f.endswith(".json.bz2"):
            continue
        with bz2.open(os.path.join(VRPS, f), "rt") as src, open(path, "w") as dst:
            for line in src:
                dst.write(re.sub(r', "expires": \d+|"expires": \d+, ', "", line))
        return True
    return False


def count(port, n, version, server):
    """One go of the counting client: (its report, the server's PSS, CPU, memory
    files)."""
    before = cpu_s(server)
    p = subprocess.Popen([os.path.join(TOOLS, "rtrcount"), str(port), str(version), str(n), "hold"],
                         stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    line = p.stdout.readline()
    pss, cpu, memfd = pss_mb(server), cpu_s(server) - before, memfd_mb(server)
    p.communicate()
    return json.loads(line) if line else None, pss, cpu, memfd


def rtr_server(name, argv, port, log, ready_vrps):
    p = Process(argv, log)
    begin = time.monotonic()
    if not wait_for(lambda: not p.alive() or listening(port), 120) or not p.alive():
        say("  %s did not start: %s" % (name, p.text()[-300:]))
        p.stop()
        return None
    # It may listen before it has read its file.
    tool = os.path.join(TOOLS, "rtrcount")

    def full():
        r = subprocess.run([tool, str(port), "1", "1"], capture_output=True, text=True)
        if r.returncode != 0:
            return False
        pdus = json.loads(r.stdout)["pdus"]
        return pdus.get("4", 0) + pdus.get("6", 0) >= ready_vrps
    if not wait_for(full, 180, 0.5):
        say("  %s never served the whole set: %s" % (name, p.text()[-300:]))
        p.stop()
        return None
    say("  %s is ready after %.1f s" % (name, time.monotonic() - begin))
    return p


def middle(runs):
    """The median of several count()s by their time."""
    return sorted(runs, key=lambda r: r[0]["seconds"] if r[0] else 1e9)[len(runs) // 2]


def rtr_contestants(path):
    port = free_port()
    yield "sekisho", port, [peers.sekisho(), "rtr", "serve", "--vrps", path,
                            "--listen", "127.0.0.1:%d" % port]
    if peers.missing("stayrtr") is not None:
        say("  stayrtr is not installed: left out")
        return
    port = free_port()
    yield "stayrtr", port, [peers.find("stayrtr"), "-bind", "127.0.0.1:%d" % port, "-cache", path,
                            "-checktime=false", "-metrics.addr", "127.0.0.1:%d" % free_port()]


def rtr_row(name, one, many):
    pdus = one[0]["pdus"]
    return [name, "%.0f" % one[1], "%.4f" % one[0]["seconds"], "%.2f" % one[2],
            "%.0f" % many[1], "%.0f" % many[3], "%.3f" % many[0]["seconds"], "%.2f" % many[2],
            pdus.get("4", 0) + pdus.get("6", 0), "%.1f" % (one[0]["bytes"] / 1e6)]


def rtr_ratio(name, a, b):
    return [name, ratio(a[0][1], b[0][1]), ratio(a[0][0]["seconds"], b[0][0]["seconds"]),
            ratio(a[0][2], b[0][2]), ratio(a[1][1], b[1][1]), "",
            ratio(a[1][0]["seconds"], b[1][0]["seconds"]), ratio(a[1][2], b[1][2]), "", ""]


def bench_rtr(work):
    path, stream = os.path.join(work, "vrps.json"), os.path.join(work, "stream")
    if not os.path.isdir(VRPS) or not real_vrps(path):
        say("rtr: ../shared/data/rpki/vrps is absent: left out")
        return
    got = {}
    for name, port, argv in rtr_contestants(path):
        p = rtr_server(name, argv, port, os.path.join(work, name + ".log"), VRPS_LEAST)
        if p is None:
            continue
        try:
            one = middle([count(port, 1, 1, p.pid) for _ in range(RUNS)])
            # The peer needs minutes for one go.
            many = middle([count(port, RTR_CLIENTS, 1, p.pid)
                           for _ in range(3 if name == "sekisho" else 1)])
            if not os.path.exists(stream):
                stream_save(port, stream)
        finally:
            p.stop()
        if one[0] is None or many[0] is None:
            say("  %s failed while it was counted" % name)
            continue
        got[name] = (one, many)
    if os.path.exists(stream):
        got["limit: sendfile of the same bytes"] = rtr_limit(stream)
    rows = [["", "PSS MB", "one sync s", "its CPU s", "PSS MB, %d routers" % RTR_CLIENTS,
             "memfd MB", "%d routers s" % RTR_CLIENTS, "its CPU s", "PDUs", "MB each"]]
    rows += [rtr_row(name, *runs) for name, runs in got.items()]
    ours = got.get("sekisho")
    rows += [rtr_ratio(name.partition(":")[0] + " / ours", runs, ours)
             for name, runs in got.items() if ours is not None and runs is not ours]
    table("RTR with the real VRPs (version 1; raw counting client, loopback)", rows)


# The limit of RTR: the same bytes, from a file, by sendfile and nothing else.

def stream_save(port, path):
    """One full sync as it comes over the wire."""
    with socket.create_connection(("127.0.0.1", port)) as s, open(path, "wb") as f:
        s.sendall(RESET_QUERY)
        tail = b""
        while not (len(tail) >= 24 and tail[-24:-22] == END_OF_DATA):
            got = s.recv(1 << 20)
            if not got:
                raise RuntimeError("the server closed in the middle")
            f.write(got)
            tail = (tail + got)[-24:]


def blast(listener, path):
    """Answer each query with the file, whatever was asked; never returns."""
    fd = os.open(path, os.O_RDONLY)
    size = os.fstat(fd).st_size
    poll, conns = select.epoll(), {}
    poll.register(listener, select.EPOLLIN)
    while True:
        for n, what in poll.poll():
            if n == listener.fileno():
                c, _ = listener.accept()
                c.setblocking(False)
                conns[c.fileno()] = [c, 0]
                poll.register(c, select.EPOLLIN)
            elif what & select.EPOLLIN:
                if not blast_query(conns[n][0]):
                    poll.unregister(n)
                    conns.pop(n)[0].close()
                    continue
                conns[n][1] = 0
                poll.modify(n, select.EPOLLOUT)
            elif what & select.EPOLLOUT:
                try:
                    conns[n][1] += os.sendfile(n, fd, conns[n][1], size - conns[n][1])
                except BlockingIOError:
                    continue
                if conns[n][1] == size:
                    poll.modify(n, select.EPOLLIN)


def blast_query(c):
    try:
        return len(c.recv(64)) > 0
    except OSError:
        return False


def rtr_limit(path):
    """(one, many) as count() gives them, of a server that only copies."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=RTR_CLIENTS)
    port = listener.getsockname()[1]
    pid = os.fork()
    if pid == 0:
        try:
            blast(listener, path)
        finally:
            os._exit(1)
    listener.close()
    try:
        return middle([count(port, 1, 1, pid) for _ in range(RUNS)]), \
            middle([count(port, RTR_CLIENTS, 1, pid) for _ in range(3)])
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


PARTS = {"pilot": bench_pilot, "lab": bench_lab, "rtr": bench_rtr, "live": bench_live}


def main():
    parts = sys.argv[1:]
    if any(p not in PARTS for p in parts):
        print("usage: bench.py [%s]" % "] [".join(PARTS), file=sys.stderr)
        return 2
    bench_begin()
    parts_run(PARTS, parts)
    bench_end()
    return 0


if __name__ == "__main__":
    sys.exit(main())
