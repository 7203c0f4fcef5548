#!/usr/bin/env python3
"""A difference comes in by IXFR: how long until the signed zone has the new serial?

	meson compile -C build bench-xfr
	BENCH_NAMES=N		names of the zone (1000000)
	BENCH_CHANGE=N		names that change in each difference (1000)
	BENCH_RUNS=N		differences (5)

Delegations as a TLD has them (two NS each, a quarter with DS, a fifth with
glue), P-256, NSEC3 with opt-out. The sender is this script: it notifies the
daemon and gives it the difference; the clock runs from that NOTIFY until a SOA
query by UDP (one every 5 ms) is answered with a new serial: transferred,
signed by the key role, verified, in the journal on the disk (fsync) and
served. Each difference changes the DS of some names, takes others away, and
brings new ones.

The numbers mean something only while nothing else runs.
"""
import os
import random
import socket
import statistics
import struct
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests", "cli"))
import house  # noqa: E402
from kit import pss_mb, say, table  # noqa: E402

NAMES = int(os.environ.get("BENCH_NAMES", "1000000"))
CHANGE = int(os.environ.get("BENCH_CHANGE", "1000"))
RUNS = int(os.environ.get("BENCH_RUNS", "5"))
APEX = b"\5bench\0"


def rr(owner, kind, data, ttl=3600):
    return owner + struct.pack(">HHIH", kind, 1, ttl, len(data)) + data


def soa(serial):
    return rr(APEX, 6, b"\2ns" + APEX + b"\4host" + APEX + struct.pack(">IIIII", serial, 3600, 600, 864000, 300))


def name(i):
    label = b"n%08x" % (i * 2654435761 % 2 ** 32)
    return bytes([len(label)]) + label + APEX


def records(i, version):
    owner, r = name(i), random.Random(i)
    out = [rr(owner, 2, b"\3ns%d" % k + owner if i % 5 == 0 else b"\2ns\5net%02d\7example\0" % (i % 97 + k))
           for k in (1, 2)]
    if i % 4 == 0:
        out.append(rr(owner, 43, struct.pack(">HBB", i % 65536, 13, 2) + r.randbytes(28) + struct.pack(">I", version)))
    if i % 5 == 0:
        out += [rr(b"\3ns%d" % k + owner, 1, bytes([192, 0, 2, k])) for k in (1, 2)]
    return out


class Sender(threading.Thread):
    """AXFR of the first version, then IXFR of one difference at a time."""

    def __init__(self):
        super().__init__(daemon=True)
        self.s = socket.create_server(("127.0.0.1", 0))
        self.port, self.serial, self.diff = self.s.getsockname()[1], 1, None
        self.start()

    def all(self):
        yield soa(1)
        yield rr(APEX, 2, b"\2ns" + APEX)
        yield rr(b"\2ns" + APEX, 1, bytes([192, 0, 2, 1]))
        for i in range(NAMES):
            yield from records(i, 0)
        yield soa(1)

    def answer(self, c, query):
        head = query[:2] + b"\x84\0"
        question = query[12:12 + len(APEX) + 4]
        kind = struct.unpack(">H", question[-4:-2])[0]
        items, size, many = [], 0, self.diff if kind == 251 and self.diff else self.all() if kind == 252 else [soa(self.serial)]
        for item in many:
            if size + len(item) > 60000:
                self.send(c, head, question, items)
                items, size = [], 0
            items.append(item)
            size += len(item)
        self.send(c, head, question, items)

    @staticmethod
    def send(c, head, question, items):
        m = head + struct.pack(">HHHH", 1, len(items), 0, 0) + question + b"".join(items)
        c.sendall(struct.pack(">H", len(m)) + m)

    def run(self):
        while True:
            c, _ = self.s.accept()
            with c:
                try:
                    n, = struct.unpack(">H", house.recv_exact(c, 2))
                    self.answer(c, house.recv_exact(c, n))
                    c.recv(1)
                except (OSError, EOFError):
                    pass


def difference(run, serial):
    """Half of the names have another DS, a quarter goes, a quarter is new."""
    first = 4 * CHANGE * run
    old, new = [], []
    for k in range(CHANGE // 2):
        i = (first + 4 * k) * 7 % NAMES // 4 * 4
        old.append(records(i, 0)[2])
        new.append(rr(name(i), 43, struct.pack(">HBB", i % 65536, 13, 2) + os.urandom(32)))
    for k in range(CHANGE // 4):
        old += records(NAMES - 1 - 4 * (run * CHANGE + k), 0)
        new += records(NAMES + 4 * (run * CHANGE + k), 0)
    return [soa(serial + 1), soa(serial), *old, soa(serial + 1), *dict.fromkeys(new), soa(serial + 1)]


def ask(port, query, seconds):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(seconds)
        s.connect(("127.0.0.1", port))
        try:
            s.send(query)
            return s.recv(1500)
        except OSError:
            return None


def serial_of(port, seconds=0.5):
    m = ask(port, b"\x12\x34\0\0\0\1\0\0\0\0\0\0" + APEX + b"\0\6\0\1", seconds)
    if m is None or m[3] & 15 or m[6:8] == b"\0\0":
        return None
    return struct.unpack(">I", m[-20:-16])[0]


def wait_serial(port, before, seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        now = serial_of(port)
        if now is not None and now != before:
            return now
        time.sleep(0.005)
    raise SystemExit("no new serial in %d s" % seconds)


def memory(h):
    return {r["name"]: pss_mb(r["pid"]) for r in h.status()["house"]["roles"] if r["name"] in ("zone", "key", "store")}


def main():
    with tempfile.TemporaryDirectory(prefix="sekisho-bench-") as d:
        sender, port = Sender(), house.free_port()
        h = house.House(d, """dns:
  listen: "127.0.0.1:%d"
  zones:
    - {name: bench, primaries: "127.0.0.1:%d", policy: p, allow-transfer: 127.0.0.1}
  policies:
    - {name: p, keys: csk, denial: nsec3-optout, serial: increment, backup-required: no}
""" % (port, sender.port))
        h.start()
        began = time.monotonic()
        try:
            serial = wait_serial(port, None, 1800)
            say("%d names: first version in %.1f s" % (NAMES, time.monotonic() - began))
            rows = []
            for run in range(RUNS):
                sender.diff = difference(run, sender.serial)
                sender.serial += 1
                began = time.monotonic()
                ask(port, b"\x12\x34\x20\0\0\1\0\0\0\0\0\0" + APEX + b"\0\6\0\1", 5)
                serial = wait_serial(port, serial, 120)
                rows.append(time.monotonic() - began)
                z = h.status()["details"]["zone"]["status"]["list"][0]
                say("  %.3f s, %d ms of it signing; %s" % (rows[-1], z["sign_usec"] / 1000, z.get("why", "good")))
            table("IXFR of %d names into %d" % (CHANGE, NAMES), [
                ["median s", "best s", "worst s"],
                ["%.3f" % statistics.median(rows), "%.3f" % min(rows), "%.3f" % max(rows)]])
            say("memory (MB of each role): %s" % memory(h))
            if os.environ.get("BENCH_LOG"):
                say(h.log())
        finally:
            h.stop()


if __name__ == "__main__":
    main()
