#!/usr/bin/env python3
"""A day's rows through role report: in from the journal, and out as mails.

	meson compile -C build bench-reports

BENCH_ROWS (1,000,000) rows of BENCH_DOMAINS (5,000) domains, a tenth of them of
one; each has four networks of addresses, so a report has some hundred records.
Queue ids are random, as Postfix' short ones are. The mail server is a thread
that takes all, the DNS answers at once; both share the cores with the role.

 in		from the first segment to the last one removed, its rows in the store
 made		from the role's start on the next day to the first mail: all reports
		of the day are made, and it is asked where they go
 sent		from the first mail to the last

rows/s, or mails/s; CPU: microseconds of the role's a row, or a mail; peak: its
memory. waits/s: how often this disk can be waited for (a page, fdatasync): each
transaction waits once, and each mail that is noted is one. The same in memory
(/dev/shm) shows what is left without that. With SEKISHO_STORE=postgresql://…, an
empty database, the store is there.
"""
import os
import random
import shutil
import socketserver
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "tests", "cli"))
import role_kit  # noqa: E402 (the first: it puts tests/lab into the path)
from kit import bench_begin, bench_end, table  # noqa: E402
from report_kit import T0, TOOL, Node, peak_mb, world  # noqa: E402

ROWS, DOMAINS = int(os.environ.get("BENCH_ROWS", "1000000")), int(os.environ.get("BENCH_DOMAINS", "5000"))
SEGMENT, PATIENCE = 20000, 3600


class Taker:
    """A mail server that reads no mail."""

    def __init__(self):
        self.times = []
        outer = self

        class Handler(socketserver.StreamRequestHandler):
            disable_nagle_algorithm = True

            def handle(self):
                self.wfile.write(b"220 taker\r\n")
                while line := self.rfile.readline():
                    verb = line[:4].upper()
                    self.wfile.write(b"354 go on\r\n" if verb == b"DATA" else b"250 taker\r\n")
                    if verb == b"QUIT":
                        return
                    if verb == b"DATA":
                        while self.rfile.readline() != b".\r\n":
                            pass
                        outer.times.append(time.monotonic())
                        self.wfile.write(b"250 taken\r\n")

        class TcpServer(socketserver.ThreadingTCPServer):
            daemon_threads = allow_reuse_address = True
            request_queue_size = 100

        self.server = TcpServer(("127.0.0.1", 0), Handler)
        self.via = "smtp://127.0.0.1:%d" % self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


def rows_write(n):
    rng = random.Random(1)
    for base in range(0, ROWS, SEGMENT):
        lines = []
        for i in range(base, min(ROWS, base + SEGMENT)):
            d = 0 if i % 10 == 0 else rng.randrange(DOMAINS)
            lines.append("mx1\t%X%08X\t%d\td%d.example\tmailto:d@d%d.example\t192.0.%d.%d\tnone" % (
                rng.getrandbits(40), i, T0 + i * 86400 // ROWS, d, d, rng.randrange(4), rng.randrange(256)))
        n.segment(subprocess.run([TOOL, str(n.numbers + 1)], input="\n".join(lines).encode(), check=True,
                                 capture_output=True).stdout)


def cpu(pid):
    with open("/proc/%d/stat" % pid) as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def waits(folder):
    """How often a second this disk ends an fdatasync of a page."""
    with open(os.path.join(folder, "waits"), "wb", buffering=0) as f:
        begin, n = time.monotonic(), 0
        while time.monotonic() < begin + 2:
            f.write(b"x" * 4096)
            os.fdatasync(f.fileno())
            n += 1
    return n / (time.monotonic() - begin)


def wait(n, done):
    if not n.role.until(done, PATIENCE):
        sys.exit("not within %d s: %r" % (PATIENCE, n.role.status()))


def day(rows, place, folder):
    taker = Taker()
    tempfile.tempdir = folder
    n = Node(world(*("d%d.example" % i for i in range(DOMAINS))), taker, store=os.environ.get("SEKISHO_STORE"))
    each = waits(n.dir)
    rows_write(n)
    begin = time.monotonic()
    pid = n.live(0).p.pid
    wait(n, lambda: not any(x.endswith(".rows") for x in os.listdir(n.dir + "/mail-rows")))
    took = time.monotonic() - begin
    rows.append([place, "in", "%.1f" % took, "%.0f" % (ROWS / took), "%.1f" % (cpu(pid) / ROWS * 1e6), peak_mb(pid), "%.0f" % each])
    n.end()
    begin = time.monotonic()
    pid = n.live(1).p.pid
    wait(n, lambda: taker.times)
    first, made = time.monotonic(), cpu(pid)
    rows.append([place, "made", "%.1f" % (first - begin), "%.0f" % (DOMAINS / (first - begin)), "%.1f" % (made / DOMAINS * 1e6), peak_mb(pid), ""])
    wait(n, lambda: len(taker.times) >= DOMAINS)
    took = taker.times[-1] - first
    rows.append([place, "sent", "%.1f" % took, "%.0f" % (DOMAINS / took), "%.1f" % ((cpu(pid) - made) / DOMAINS * 1e6), peak_mb(pid), ""])
    n.end()
    n.gone()
    taker.server.shutdown()


def main():
    bench_begin()
    rows = [["store", "what", "s", "a second", "CPU us each", "peak MB", "waits/s"]]
    day(rows, "disk", tempfile.gettempdir())
    if shutil.disk_usage("/dev/shm").free > 2000 * ROWS and not os.environ.get("SEKISHO_STORE"):
        day(rows, "memory", "/dev/shm")
    table("reports: a day of %d rows of %d domains" % (ROWS, DOMAINS), rows)
    bench_end()


if __name__ == "__main__":
    assert role_kit.BUILD
    main()
