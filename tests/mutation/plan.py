"""Which files are slipped in, and which tests look at each, the sharpest first."""

import re

from house import Test

FILES = re.compile(r"(rsa_|p256|sha_|verify)\w*\.[ch]|path\.c")


def unit(name):
    return Test(name, f"tests/unit/crypto/test_crypto_{name}")


def diff(alg, seconds):
    return Test(f"diff {alg}", "tests/diff/crypto_diff", "--alg", alg, "--seconds", str(seconds))


WORDS = ["p256_field", "p256_c_field", "p256_narrow_field", "p256", "p256_c", "p256_narrow"]
UNITS = {n: unit(n) for n in ["rsa_mont", "rsa_lanes", "p256_invert", "p256_fe8", "p256_cache", "verify", "verify_slices",
                              "digest", "dnskey", "dnskey_alloc", "dnskey_ec"] + WORDS}
RSA, P256 = diff("rsa", 3), diff("p256", 3)

# A file's name begins so: the tests, of which only those are run that the slip reaches.
PLAN = [
    ("rsa_", ["rsa_mont", "rsa_lanes"], [RSA]),
    ("p256_cache", ["p256_cache", "verify"], [P256]),
    ("p256_invert", ["p256_invert", "p256_fe8", "p256_field", "p256"], [P256]),
    ("p256_fe8", ["p256_fe8", "p256"], [P256]),
    ("p256_table", ["p256_fe8", *WORDS, "dnskey_alloc"], [P256]),
    ("p256.c", ["p256_fe8", *WORDS, "p256_cache"], [P256]),
    ("p256", ["p256_fe8", *WORDS], [P256]),
    ("sha_", ["digest"], []),
    ("verify_rsa", ["verify", "dnskey", "dnskey_alloc"], [RSA]),
    ("verify_lanes", ["verify", "verify_slices"], [RSA]),
    ("verify_tables", ["p256_cache", "verify", "verify_slices"], [P256]),
    ("verify_ec", ["verify", "dnskey_ec", "dnskey_alloc"], [P256]),
    ("verify_ed", ["verify", "dnskey", "dnskey_alloc"], []),
    ("", ["verify", "verify_slices", "dnskey", "dnskey_alloc", "p256_cache", "rsa_lanes"], [RSA, P256]),
]
# What a processor must have for a slip to be seen: flags of Linux's cpuinfo.
NEEDS = [
    ("rsa_", "avx512ifma"), ("p256_fe8", "avx512ifma"), ("p256_ifma", "avx512ifma"),
    ("sha_avx512", "avx512bw"), ("sha_avx2", "avx2"), ("sha_pair", "sha_ni"), ("sha_vec", "avx2"),
]


def tests_of(path):
    """All tests that may see a slip in this file."""
    for head, units, more in PLAN:
        if path.startswith(head):
            return [UNITS[u] for u in units] + more
    raise KeyError(path)


def flags():
    with open("/proc/cpuinfo", encoding="ascii", errors="replace") as f:
        m = re.search(r"^flags\s*:(.*)$", f.read(), re.M)
    return set(m.group(1).split()) if m else set()


def missing(path):
    """What this processor lacks for the file, or None."""
    have = flags()
    return next((need for head, need in NEEDS if path.startswith(head) and need not in have), None)
