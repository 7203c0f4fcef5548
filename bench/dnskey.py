#!/usr/bin/env python3
"""Signatures of DNSSEC: ours beside `openssl speed`, in turns.

	meson compile -C build bench-dnskey

Processor time on one core, median of RUNS turns. OpenSSL signs a digest that
it was given; ours makes it, of a message of 150 octets, and RSA's signature
is verified before it is handed out. "verify" is one by one with OpenSSL's
arithmetic, "best way" in batches by what this processor has (crypto.py says
more of it). BENCH_RUNS=N, BENCH_JSON=FILE as for
bench.py. The numbers mean something only while nothing else runs.
"""
import json
import os
import re
import statistics
import subprocess
import sys

from kit import TOOLS, bench_begin, bench_end, note, table

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
    bench_begin()
    rows = [["algorithm", "sign/s", "openssl", "%", "verify/s", "openssl", "%",
             "best way/s", "%", "way"]]
    for alg, bits, name in ROWS:
        turns = [(openssl(name), ours(alg, bits)) for _ in range(RUNS)]
        sign, verify = (statistics.median(t[0][i] for t in turns) for i in range(2))
        own = {k: statistics.median(t[1][k] for t in turns) for k in ("sign", "generic", "best")}
        rows.append(["%d %s" % (alg, name),
                     rate(own["sign"]), rate(sign), "%.0f" % (100 * sign / own["sign"]),
                     rate(own["generic"]), rate(verify), "%.0f" % (100 * verify / own["generic"]),
                     rate(own["best"]), "%.0f" % (100 * verify / own["best"]), turns[0][1]["path"]])
    table("DNSSEC signatures a second of processor time", rows,
          ["openssl speed -seconds %d NAME" % SECONDS, "dnskey ALGORITHM BITS %d" % SECONDS])
    note("%: of openssl's rate; lanes are for RSA-2048 and P-256, tables for P-256 only")
    bench_end()
    return 0


if __name__ == "__main__":
    sys.exit(main())
