#!/usr/bin/env python3
"""Signatures of a token: through hsm/ beside a bare C_Sign loop, in turns.

	meson compile -C build bench-hsm

The token is a SoftHSM in a folder of its own, or SEKISHO_HSM=MODULE,LABEL,PINFILE.
By the wall clock, as a token's limit is not our processor; median of RUNS
turns, each with a key of its own. BENCH_RUNS=N, BENCH_JSON=FILE as for
bench.py. The numbers mean something only while nothing else runs.
"""
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile

from kit import TOOLS, note, record_write, say, table

RUNS = int(os.environ.get("BENCH_RUNS", "5"))
SECONDS = 1
ROWS = [("p256", 256), ("rsa", 2048), ("p384", 384), ("ed25519", 256)]
SESSIONS = (1, 4)
SOFTHSM = "/usr/lib/softhsm/libsofthsm2.so"
PIN = "bench-1234"


def token(folder):
    """MODULE, LABEL, PINFILE of a token that is there, or made now; None: none."""
    if os.environ.get("SEKISHO_HSM"):
        return os.environ["SEKISHO_HSM"].split(",")
    if shutil.which("softhsm2-util") is None or not os.path.exists(SOFTHSM):
        return None
    os.mkdir(os.path.join(folder, "tokens"))
    conf, pin = os.path.join(folder, "softhsm2.conf"), os.path.join(folder, "pin")
    with open(conf, "w") as f:
        f.write("directories.tokendir = %s/tokens\nobjectstore.backend = file\nlog.level = ERROR\n" % folder)
    with open(os.open(pin, os.O_WRONLY | os.O_CREAT, 0o600), "w") as f:
        f.write(PIN + "\n")
    os.environ["SOFTHSM2_CONF"] = conf
    subprocess.run(["softhsm2-util", "--init-token", "--free", "--label", "bench", "--pin", PIN, "--so-pin", PIN],
                   check=True, stdout=subprocess.DEVNULL)
    return [SOFTHSM, "bench", pin]


def turn(where, kind, bits, sessions):
    return json.loads(subprocess.run(
        [os.path.join(TOOLS, "hsm"), *where, kind, str(bits), str(sessions), str(SECONDS)],
        check=True, capture_output=True, text=True).stdout)


def main():
    load = os.getloadavg()[0]
    say("%d processors; load %.1f%s" % (os.cpu_count(), load,
        ": NOT QUIET, the numbers mean little" if load > 0.5 else ""))
    rows = [["key", "sessions", "sign/s", "token", "%"]]
    with tempfile.TemporaryDirectory(prefix="bench-hsm-") as folder:
        where = token(folder)
        if where is None:
            say("SoftHSM 2 is not installed, and SEKISHO_HSM names no token")
            return 0
        for kind, bits in ROWS:
            for sessions in SESSIONS:
                turns = [turn(where, kind, bits, sessions) for _ in range(RUNS)]
                ours, limit = (statistics.median(t[k] for t in turns) for k in ("ours", "token"))
                rows.append(["%s %d" % (kind, bits), str(sessions), "%.0f" % ours, "%.0f" % limit,
                             "%.0f" % (100 * ours / limit)])
    table("Signatures a second of a token, by the wall clock", rows,
          ["hsm MODULE LABEL PINFILE KIND BITS SESSIONS %d" % SECONDS])
    note("token: a bare loop of C_SignInit and C_Sign in as many sessions; %: of that")
    if os.environ.get("BENCH_JSON"):
        record_write(os.environ["BENCH_JSON"])
    return 0


if __name__ == "__main__":
    sys.exit(main())
