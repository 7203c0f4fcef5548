"""Verifications and digests a second by each way, beside OpenSSL's: the tables
of what bench/crypto.c and bench/digests.c measure."""
import json
import os
import statistics
import subprocess

from kit import TOOLS, note, table

WAYS = ("generic", "tables", "ifma")
TABLE_BATCH = 64		# more than p256_cache.h asks for before it makes a table
EVP = "OpenSSL's EVP, key cached"
LOADS = {
    "rsa2048-fresh": "RSA-2048, fresh keys",
    "rsa2048-prepared": "RSA-2048, prepared keys",
    "p256": "P-256, one key",
    "p256-new-key": "P-256, a new key for each batch",
}
TOLD = {
    "evp": EVP,
    "evp-imported": "OpenSSL's EVP, key imported",
    "one-call": "OpenSSL, one call",
    "fetched": "OpenSSL, context kept",
}


def program(name, runs, seconds):
    """The measurements of a program, and the command."""
    argv = [os.path.join(TOOLS, name), str(runs), str(seconds)]
    out = subprocess.run(argv, check=True, capture_output=True, text=True).stdout
    return [json.loads(line) for line in out.splitlines()], "%s %d %g" % (name, runs, seconds)


def medians(samples, key, value):
    """{key of a sample: the median of its values}."""
    got = {}
    for s in samples:
        if value in s:
            got.setdefault(key(s), []).append(s[value])
    return {k: statistics.median(v) for k, v in got.items()}


# --- verifications ----------------------------------------------------------

def load_table(load, usec, cannot, command):
    """The rows of one load; usec: {(way, batch): usec}. {way: times EVP at best}."""
    batches = sorted({b for w, b in usec if w in WAYS})
    rows = [["batch"] + batches]
    for way in ("evp", "evp-imported"):
        rows.append([TOLD[way], "%.0f" % (1e6 / usec[way, 1])] + [""] * (len(batches) - 1))
    best, evp = {}, usec["evp", 1]
    for way in WAYS:
        if way in cannot:
            rows.append([way + ": cannot be had here"] + ["-"] * len(batches))
            continue
        times = [evp / usec[way, b] for b in batches]
        rows.append([way] + ["%.0f" % (1e6 / usec[way, b]) for b in batches])
        rows.append(["  x EVP, key cached"] + ["%.2f" % t for t in times])
        best[way] = max(times)
    table("%s: verifications/s on one core" % LOADS[load], rows, [command])
    return best


def bench_rates(runs, seconds):
    """{load: {way: times EVP with a cached key, at the best batch size}}."""
    samples, command = program("crypto", runs, seconds)
    cannot = {s["way"] for s in samples if "cannot" in s}
    usec = medians(samples, lambda s: (s["load"], s["way"], s["batch"]), "usec")
    best = {}
    for load in LOADS:
        own = {(w, b): v for (name, w, b), v in usec.items() if name == load}
        best[load] = load_table(load, own, cannot, command)
    note("median of %d turns; digests are made before; the one key of P-256 has its table already"
         % runs)
    for way in ("tables", "ifma"):
        if way not in cannot:
            break_even(usec, way)
    return best


def break_even(usec, way):
    """What the table of a key costs, and how many signatures pay for it."""
    new = usec["p256-new-key", way, TABLE_BATCH]
    held, generic = (usec["p256", w, TABLE_BATCH] for w in (way, "generic"))
    making = (new - held) * TABLE_BATCH
    note("%s: a key's table costs %.0f us; so many signatures with it pay for it: %.0f" % (
        way, making, making / (generic - held)))


# --- digests -----------------------------------------------------------------

def bench_digests(runs, seconds):
    samples, command = program("digests", runs, seconds)
    nsec = medians(samples, lambda s: (s["digest"], s["length"], s["way"]), "nsec")
    ways = [w for w in ("one-call", "fetched") + WAYS if any(k[2] == w for k in nsec)]
    rows = [["", "octets"] + [TOLD.get(w, w) for w in ways] + ["best x context kept"]]
    for digest, length in dict.fromkeys(k[:2] for k in nsec):
        times = [nsec[digest, length, w] for w in ways]
        kept = nsec[digest, length, "fetched"]
        rows.append([digest, length] + ["%.0f" % t for t in times] +
                    ["%.2f" % (kept / min(nsec[digest, length, w] for w in ways if w in WAYS))])
    table("Digests in batches of 64: ns for each message, one core", rows, [command])
