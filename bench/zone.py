#!/usr/bin/env python3
"""Signing and verifying zones: ours, BIND, Knot, ldns, and OpenSSL's own rate.

	meson compile -C build bench-zone
	BENCH_NAMES="10000 100000"	names of the zones (10000 100000 1000000)
	BENCH_RUNS=N			turns (3)

Two kinds of zone: "tld" (two NS each, a quarter with DS, a fifth with glue;
NSEC3 with opt-out) and "hosting" (A, AAAA, MX, TXT; NSEC), P-256, one key for
the keys and one for the zone, the same for all. User and system time of the
whole process by wait4, its wall time and its largest resident size; the share
is signatures for each second of that time, over what `openssl speed ecdsap256`
does in one in the same run. Peers that take keys in folders of their own
(Knot) make theirs; ldns has no opt-out that leaves records out, and is timed
with NSEC3 for all names.

"+verify" is what `sekisho zone sign` does by itself: the signed zone is
audited before it is written. Peers do not.

The numbers mean something only while nothing else runs.
"""
import os
import random
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

from kit import WAYS, bench_begin, bench_end, note, peers, ratio, say, table

RUNS = int(os.environ.get("BENCH_RUNS", "3"))
NAMES = [int(n) for n in os.environ.get("BENCH_NAMES", "10000 100000 1000000").split()]
VERIFY_NAMES_MAX = 100000	# a verifier that takes a minute for these is timed once
APEX = "bench"
KNOT = """server:
  rundir: "%(dir)s"
database:
  storage: "%(dir)s"
policy:
  - id: bench
    algorithm: ecdsap256sha256
    nsec3: %(nsec3)s
    nsec3-opt-out: %(nsec3)s
    nsec3-iterations: 0
    nsec3-salt-length: 0
    signing-threads: 2
zone:
  - domain: bench
    storage: "%(dir)s"
    file: "%(file)s"
    dnssec-signing: on
    dnssec-policy: bench
    zonefile-load: whole
"""


def make_zone(kind, n, path):
    """Names in no order, as a registry's export has them."""
    r = random.Random(n)
    letters = "abcdefghijklmnopqrstuvwxyz0123456789"
    seen = {"ns1", "ns2", "mail"}
    with open(path, "w") as f:
        f.write("$ORIGIN bench.\n$TTL 86400\n@ IN SOA ns1 host 1 7200 3600 1209600 3600\n"
                "@ IN NS ns1\n@ IN NS ns2\nns1 IN A 192.0.2.1\nns2 IN A 192.0.2.2\n"
                "mail IN A 192.0.2.3\n")
        for i in range(n):
            name = ""
            while not name or name in seen:
                name = "".join(r.choice(letters) for _ in range(r.randint(6, 14)))
            seen.add(name)
            if kind == "hosting":
                f.write("%s IN A 198.51.%d.%d\n%s IN AAAA 2001:db8::%x\n%s IN MX 10 mail\n"
                        '%s IN TXT "v=spf1 ip4:198.51.100.%d -all"\n' %
                        (name, i % 256, i % 250, name, i % 65536, name, name, i % 250))
                continue
            if i % 5 == 0:
                f.write("%s IN NS ns1.%s\n%s IN NS ns2.%s\nns1.%s IN A 198.51.100.%d\n"
                        "ns2.%s IN A 203.0.113.%d\n" %
                        (name, name, name, name, name, i % 250, name, i % 250))
            else:
                f.write("%s IN NS ns1.host%d.example.\n%s IN NS ns2.host%d.example.\n" %
                        (name, i % 977, name, i % 977))
            if i % 4 == 1:
                f.write("%s IN DS %d 13 2 %064X\n" % (name, i % 65536, r.getrandbits(256)))


def openssl_rate():
    out = subprocess.run(["openssl", "speed", "-mr", "-seconds", "1", "ecdsap256"], check=True,
                         capture_output=True, text=True).stdout
    v = float(re.findall(r"^\+F4:\d+:\d+:(?:[^:\n]*[A-Za-z][^:\n]*:)?([\d.e-]+):", out, re.M)[-1])
    return 1 / v if v < 1 else v


class Turn:
    def __init__(self, argv, cwd):
        begin = time.monotonic()
        p = subprocess.Popen(argv, cwd=cwd, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL)
        _, status, use = os.wait4(p.pid, 0)
        p.returncode = os.waitstatus_to_exitcode(status)
        self.wall = time.monotonic() - begin
        self.cpu = use.ru_utime + use.ru_stime
        self.mb = use.ru_maxrss / 1024
        self.status = p.returncode


def keys_make(work):
    names = []
    for more in (["-f", "KSK"], []):
        out = subprocess.run(["dnssec-keygen", "-q", "-a", "ECDSAP256SHA256", *more, APEX], cwd=work,
                             check=True, capture_output=True, text=True).stdout
        names.append(out.strip())
    return names


def signers(kind, work, zone, keys):
    tld = kind == "tld"
    ours = [peers.sekisho(), "zone", "sign", zone, "--zone", APEX, "-K", work, "-q", "--afresh"] + \
        (["--nsec3", "--opt-out"] if tld else [])
    rows = [("sekisho", ours + ["--no-verify", "-o", "ours.signed"], "ours.signed"),
            *(("sekisho +verify" + name, ours + way + ["-o", "ours.signed"], "ours.signed")
              for name, way in WAYS)]
    if shutil.which("dnssec-signzone"):
        rows.append(("dnssec-signzone", ["dnssec-signzone", "-q", "-P", "-n", "2", "-K", work, "-o", APEX, "-f",
                     "bind.signed", "-S"] + (["-3", "-", "-H", "0", "-A"] if tld else []) + [zone],
                     "bind.signed"))
    if shutil.which("kzonesign"):
        with open(os.path.join(work, "knot.conf"), "w") as f:
            f.write(KNOT % {"dir": work, "file": zone, "nsec3": "on" if tld else "off"})
        os.makedirs(os.path.join(work, "knot.out"), exist_ok=True)
        rows.append(("kzonesign", ["kzonesign", "-c", os.path.join(work, "knot.conf"), "-o",
                     os.path.join(work, "knot.out"), APEX], None))
    if shutil.which("ldns-signzone"):
        rows.append(("ldns-signzone", ["ldns-signzone", "-o", APEX, "-f", "ldns.signed"] +
                     (["-n", "-p"] if tld else []) + [zone, *keys], "ldns.signed"))
    return rows


def count_sigs(path):
    n = 0
    with open(path, errors="replace") as f:
        for line in f:
            n += "\tRRSIG\t" in line
    return n


def bench_sign(kind, n, work, rate):
    zone = os.path.join(work, "bench.zone")
    make_zone(kind, n, zone)
    keys = keys_make(work)
    turns, sigs = {}, {}
    rows = signers(kind, work, zone, keys)
    for _ in range(RUNS if n <= 100000 else 1):
        for name, argv, out in rows:
            t = Turn(argv, work)
            if t.status != 0:
                say("  %s failed (status %d)" % (name, t.status))
                continue
            turns.setdefault(name, []).append(t)
            if out is not None and name not in sigs:
                sigs[name] = count_sigs(os.path.join(work, out))
    # All sign the same: who writes another form (Knot) is counted by ours.
    base = sigs.get("sekisho", 0)
    out = [["", "CPU s", "wall s", "MB", "signatures", "a CPU s", "% of openssl"]]
    for name, _, _ in rows:
        if name not in turns:
            continue
        cpu, wall, mb = (statistics.median(getattr(t, k) for t in turns[name]) for k in ("cpu", "wall", "mb"))
        n_sigs = sigs.get(name, base)
        out.append([name, "%.2f" % cpu, "%.2f" % wall, "%.0f" % mb, n_sigs, "%.0f" % (n_sigs / cpu),
                    "%.0f" % (100 * n_sigs / cpu / rate)])
    table("Signing %d names, %s" % (n, "delegations, NSEC3 opt-out" if kind == "tld" else "hosting, NSEC"), out)
    return os.path.join(work, "ours.signed")


def bench_verify(kind, n, work, signed):
    """{name: (CPU s, wall s)}; only who takes it for good."""
    plain = os.path.join(work, "verify.zone")
    shutil.copy(signed, plain)
    rows = [("sekisho" + name, [peers.sekisho(), "zone", "verify", "--zone", APEX, "-q", *way, plain])
            for name, way in WAYS]
    if shutil.which("dnssec-verify"):
        rows.append(("dnssec-verify", ["dnssec-verify", "-q", "-o", APEX, plain]))
    if shutil.which("kzonecheck"):
        rows.append(("kzonecheck", ["kzonecheck", "-d", "on", "-o", APEX, plain]))
    if shutil.which("ldns-verify-zone"):
        rows.append(("ldns-verify-zone", ["ldns-verify-zone", plain]))
    out = [["", "CPU s", "wall s", "MB", "x ours"]]
    first, got = None, {}
    for name, argv in rows:
        turns = [Turn(argv, work) for _ in range(RUNS if name.startswith("sekisho") else 1)]
        cpu, wall, mb = (statistics.median(getattr(t, k) for t in turns) for k in ("cpu", "wall", "mb"))
        first = first or cpu
        if turns[0].status == 0:
            got[name] = (cpu, wall)
        out.append([name + ("" if turns[0].status == 0 else " (REJECTED IT)"), "%.2f" % cpu,
                    "%.2f" % wall, "%.0f" % mb, ratio(cpu, first)])
    table("Verifying %d names, %s" % (n, kind), out)
    return got


def main():
    bench_begin()
    for n in NAMES:
        for kind in ("tld", "hosting"):
            if kind == "hosting" and n > 100000:
                continue		# five million signatures say nothing new
            rate = openssl_rate()
            note("openssl speed ecdsap256: %.0f signatures a second" % rate)
            with tempfile.TemporaryDirectory(prefix="sekisho-bench-zone-") as work:
                signed = bench_sign(kind, n, work, rate)
                if n <= VERIFY_NAMES_MAX and os.path.exists(signed):
                    bench_verify(kind, n, work, signed)
    bench_end()
    return 0


if __name__ == "__main__":
    sys.exit(main())
