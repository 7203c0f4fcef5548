#!/usr/bin/env python3
"""Signatures of a token: in the service, through hsm/, by a bare C_Sign loop, and openssl's own.

	meson compile -C build bench-hsm

	service	a zone is signed by `sekisho serve`: role zone asks role key in the
		ring, that asks the module's process, batch by batch. The rate is
		that of the key role's counter while it runs, without reading the
		zone before and verifying it afterwards
	hsm	hsm_sign() with the module in the same process, batches of 64
	token	a bare loop of C_SignInit and C_Sign in as many sessions
	openssl	openssl speed, on one processor

The token is a SoftHSM in a folder of its own, or SEKISHO_HSM=MODULE,LABEL,PINFILE.
Then the service is left out, as its keys would stay in your token; unless
SEKISHO_HSM_SERVICE has the lines of dns.pkcs11 that your module needs ("-": none).
By the wall clock, as a token's limit is not our processor; median of RUNS
turns, each with a key of its own. BENCH_RUNS=N, BENCH_JSON=FILE as for
bench.py; BENCH_SECONDS=N for each loop; BENCH_SIGS=N about so many signatures
of P-256 in the service (40000; fewer of slower keys).
The numbers mean something only while nothing else runs.
"""
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests", "cli"))
import house  # noqa: E402
from kit import TOOLS, bench_begin, bench_end, note, say, table

RUNS = int(os.environ.get("BENCH_RUNS", "5"))
SECONDS = int(os.environ.get("BENCH_SECONDS", "1"))
SIGS = int(os.environ.get("BENCH_SIGS", "40000"))
# Kind, bits, DNSSEC's number, openssl speed's name, how much slower than P-256.
ROWS = [("p256", 256, 13, "ecdsap256", 1), ("rsa", 2048, 8, "rsa2048", 8), ("p384", 384, 14, "ecdsap384", 6),
        ("ed25519", 256, 15, "ed25519", 1)]
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


def openssl_rate(name):
    """Signatures a second; None: it does not say."""
    out = subprocess.run(["openssl", "speed", "-mr", "-seconds", str(SECONDS), name], check=True,
                         capture_output=True, text=True).stdout
    found = re.findall(r"^\+F[246]:\d+:\d+:(?:[^:\n]*[A-Za-z][^:\n]*:)?([\d.e-]+):", out, re.M)
    if not found:
        return None
    v = float(found[-1])
    return 1 / v if v < 1 else v


CONF = """dns:
  look-interval: 0
  pkcs11:
    module: %s
    token: pkcs11:token=%s
    pin-file: %s
    sessions: %d
%s
  zones:
    - {name: bench.example, file: in, output: out, policy: bench}
  policies:
    - {name: bench, keys: csk, algorithm: %d, backup-required: no, key-store: token}
"""


def zone_write(path, n):
    with open(path, "w") as f:
        f.write("$TTL 3600\n@ SOA ns1 hostmaster 1 3600 900 604800 300\n@ NS ns1\nns1 A 192.0.2.1\n")
        for i in range(n):
            f.write("n%07d A 192.0.2.3\n" % i)


def signed(h):
    """How many signatures the key role has made."""
    code, out, _ = house.run("status", "--json", "-c", h.conf)
    if code not in (0, 1):		# it is just starting
        return 0
    return ((json.loads(out)["details"].get("key") or {}).get("status") or {}).get("signatures", 0)


def samples(h):
    """[time, signatures], as long as it signs."""
    seen = []
    while not os.path.exists(os.path.join(h.folder, "out")):
        if h.proc.poll() is not None:
            raise SystemExit("the service ended: " + h.log())
        n = signed(h)
        if n > 0 and (not seen or n != seen[-1][1]):
            seen.append((time.monotonic(), n))
    return seen


def service(where, more, alg, sessions, n):
    """Signatures a second while the service signs; None: it was too fast to be seen."""
    with tempfile.TemporaryDirectory(prefix="bench-hsm-") as d:
        zone_write(os.path.join(d, "in"), n // 2)	# each with its NSEC
        h = house.House(d, CONF % (*where, sessions, more, alg))
        h.start()
        try:
            seen = samples(h)
        finally:
            h.stop()
    if len(seen) < 2 or seen[-1][0] == seen[0][0]:
        return None
    return (seen[-1][1] - seen[0][1]) / (seen[-1][0] - seen[0][0])


def service_more():
    """The lines of dns.pkcs11 that are the module's own; None: the service is left out."""
    if os.environ.get("SEKISHO_HSM"):
        more = os.environ.get("SEKISHO_HSM_SERVICE")
        return "" if more == "-" else more
    conf = os.environ["SOFTHSM2_CONF"]
    return "    read-paths: %s\n    write-paths: %s\n    environment: [SOFTHSM2_CONF=%s]" % (
        conf, os.path.join(os.path.dirname(conf), "tokens"), conf)


def whole(v):
    return "-" if v is None else "%.0f" % v


def share(v, of):
    return "-" if v is None or not of else "%.0f" % (100 * v / of)


def main():
    bench_begin()
    rows = [["key", "sessions", "service", "%", "hsm", "%", "token", "openssl"]]
    with tempfile.TemporaryDirectory(prefix="bench-hsm-") as folder:
        where = token(folder)
        if where is None:
            say("SoftHSM 2 is not installed, and SEKISHO_HSM names no token")
            return 0
        more = service_more()
        for kind, bits, alg, speed, slow in ROWS:
            openssl = openssl_rate(speed)
            for sessions in SESSIONS:
                turns = [turn(where, kind, bits, sessions) for _ in range(RUNS)]
                ours, limit = (statistics.median(t[k] for t in turns) for k in ("ours", "token"))
                seen = [] if more is None else [service(where, more, alg, sessions, SIGS // slow) for _ in range(RUNS)]
                seen = [x for x in seen if x is not None]
                ring = statistics.median(seen) if seen else None
                rows.append(["%s %d" % (kind, bits), str(sessions), whole(ring), share(ring, limit), whole(ours),
                             share(ours, limit), whole(limit), whole(openssl)])
    table("Signatures a second of a token, by the wall clock", rows,
          ["hsm MODULE LABEL PINFILE KIND BITS SESSIONS %d" % SECONDS, "sekisho serve"])
    note("service: zone, ring, key, the module's process; hsm: batches of 64 in one process; %: of token, a bare loop "
         "of C_SignInit and C_Sign in as many sessions; openssl: one processor")
    bench_end()
    return 0


if __name__ == "__main__":
    sys.exit(main())
