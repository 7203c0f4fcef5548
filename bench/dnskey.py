#!/usr/bin/env python3
"""Signatures of DNSSEC: ours beside `openssl speed`, in turns.

	meson compile -C build bench-dnskey

Processor time on one core, median of RUNS turns. OpenSSL signs a digest that
it was given; ours makes it, of a message of 150 octets, and RSA's signature
is verified before it is handed out. BENCH_RUNS=N, BENCH_JSON=FILE as for
bench.py. The numbers mean something only while nothing else runs.
"""
import json
import os
import re
import statistics
import subprocess
import sys

from kit import TOOLS, note, record_write, say, table

RUNS = int(os.environ.get("BENCH_RUNS", "5"))
SECONDS = 1
# algorithm, bits, what openssl speed calls it
ROWS = [(8, 2048, "rsa2048"), (10, 2048, "rsa2048"), (13, 256, "ecdsap256"),
        (14, 384, "ecdsap384"), (15, 256, "ed25519"), (16, 456, "ed448")]


def openssl(name):
    """Microseconds of a signature and of a verification."""
    out = subprocess.run(["openssl", "speed", "-mr", "-seconds", str(SECONDS), name],
                         check=True, capture_output=True, text=True).stdout
    rows = re.findall(r"^\+F[246]:\d+:\d+:(?:[^:\n]*[A-Za-z][^:\n]*:)?([\d.e-]+):([\d.e-]+)$", out, re.M)
    return tuple(1e6 * float(v) if float(v) < 1 else 1e6 / float(v) for v in rows[-1])


def ours(alg, bits):
    return json.loads(subprocess.run(
        [os.path.join(TOOLS, "dnskey"), str(alg), str(bits), str(SECONDS)],
        check=True, capture_output=True, text=True).stdout)


def rate(usec):
    return "%.0f" % (1e6 / usec)


def main():
    load = os.getloadavg()[0]
    say("%d processors; load %.1f%s" % (os.cpu_count(), load,
        ": NOT QUIET, the numbers mean little" if load > 0.5 else ""))
    rows = [["algorithm", "sign/s", "openssl", "%", "verify/s", "openssl", "%",
             "best way/s", "%", "way"]]
    for alg, bits, name in ROWS:
        turns = [(openssl(name), ours(alg, bits)) for _ in range(RUNS)]
        sign, verify = (statistics.median(t[0][i] for t in turns) for i in range(2))
        own = {k: statistics.median(t[1][k] for t in turns) for k in ("sign", "verify", "verify_best")}
        rows.append(["%d %s" % (alg, name),
                     rate(own["sign"]), rate(sign), "%.0f" % (100 * sign / own["sign"]),
                     rate(own["verify"]), rate(verify), "%.0f" % (100 * verify / own["verify"]),
                     rate(own["verify_best"]),
                     "%.0f" % (100 * verify / own["verify_best"]),
                     turns[0][1]["path"]])
    table("DNSSEC signatures a second of processor time", rows,
          ["openssl speed -seconds %d NAME" % SECONDS, "dnskey ALGORITHM BITS %d" % SECONDS])
    note("%: of openssl's rate; tables are made for P-256 only")
    if os.environ.get("BENCH_JSON"):
        record_write(os.environ["BENCH_JSON"])
    return 0


if __name__ == "__main__":
    sys.exit(main())
