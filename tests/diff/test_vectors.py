#!/usr/bin/env python3
"""Signatures that others have made for tests, through the door on each way.

Read as data, where a package or a folder has them:

    Wycheproof      tests/corpus/wycheproof: RSA-2048 and P-256. All of it where there is a copy,
                    $SEKISHO_WYCHEPROOF or $SEKISHO_DATA/wycheproof, its folder testvectors_v1
                    (or testvectors). Debian has of it what circl tests Ed25519 with.
    ring            Debian's librust-ring-dev: NIST's RSA and P-256 signatures, and those that
                    BoringSSL and ring made for the last comparison, key sizes and exponents

SEKISHO_CRYPTO_VECTORS is the program that judges them (crypto_vectors.c).
"""

import glob
import hashlib
import json
import os
import subprocess
import sys

WYCHEPROOF = {
    "rsa_signature_2048_sha256": 8,
    "rsa_signature_2048_sha512": 10,
    "rsa_signature_3072_sha256": 8,
    "rsa_signature_4096_sha256": 8,
    "ecdsa_secp256r1_sha256": 13,
    "ecdsa_secp256r1_sha256_p1363": 13,
    "ecdsa_secp384r1_sha384": 14,
    "ecdsa_secp384r1_sha384_p1363": 14,
    "eddsa": 15,
    "ed25519": 15,
    "ed448": 16,
}
CIRCL = "/usr/share/gocode/src/github.com/cloudflare/circl/sign/*/testdata/wycheproof_Ed*.json"
OURS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../corpus/wycheproof")
RING = "/usr/share/cargo/registry/ring-*"
HASHES = {5: "sha1", 8: "sha256", 10: "sha512", 13: "sha256", 14: "sha384"}
RESULTS = {"valid": 1, "invalid": 0, "acceptable": 2}


def number(n):
    return n.to_bytes(max(1, (n.bit_length() + 7) // 8), "big")


def rsa_field(n, e):
    """RFC 3110."""
    e = number(e)
    head = bytes([len(e)]) if len(e) < 256 else b"\0" + len(e).to_bytes(2, "big")
    return head + e + number(n)


def der_take(b, tag):
    """(content, rest) of strict DER, or ValueError."""
    if len(b) < 2 or b[0] != tag:
        raise ValueError("tag")
    n, at = b[1], 2
    if n > 0x80:
        k = n & 0x7F
        n, at = int.from_bytes(b[2:2 + k], "big"), 2 + k
        if n < 0x80 or b[2] == 0:
            raise ValueError("length")
    elif n == 0x80:
        raise ValueError("length")
    if len(b) < at + n:
        raise ValueError("short")
    return b[at:at + n], b[at + n:]


def der_numbers(b):
    """The two positive INTEGERs of a SEQUENCE."""
    body, rest = der_take(b, 0x30)
    x, body = der_take(body, 2)
    y, body = der_take(body, 2)
    for i in x, y:
        if not i or i[0] & 0x80 or (len(i) > 1 and i[0] == 0 and not i[1] & 0x80):
            raise ValueError("integer")
    if rest or body:
        raise ValueError("behind")
    return int.from_bytes(x, "big"), int.from_bytes(y, "big")


def raw_sig(der, half):
    """r and s side by side; None: this form cannot say it."""
    try:
        return b"".join(i.to_bytes(half, "big") for i in der_numbers(der))
    except (ValueError, OverflowError, IndexError):
        return None


def tbs(alg, msg):
    return hashlib.new(HASHES[alg], msg).digest() if alg in HASHES else msg


# --- Wycheproof ---

def group_key(alg, g):
    key = g.get("publicKey", g.get("key", {}))
    if alg <= 10:
        n, e = (key["modulus"], key["publicExponent"]) if "modulus" in key else (g["n"], g["e"])
        return rsa_field(int(n, 16), int(e, 16))
    if alg <= 14:
        return bytes.fromhex(key["uncompressed"])[1:]
    return bytes.fromhex(key["pk"])


def wycheproof(path, alg):
    with open(path, encoding="utf-8") as f:
        doc = json.load(f)
    if "448" in path:
        alg = 16
    half = {13: 32, 14: 48}.get(alg)
    for g in doc["testGroups"]:
        key = group_key(alg, g)
        for t in g["tests"]:
            sig, want = bytes.fromhex(t["sig"]), RESULTS[t["result"]]
            if half and "P1363" not in g["type"]:
                sig = raw_sig(sig, half)
                if sig is None:
                    continue
            yield alg, key, tbs(alg, bytes.fromhex(t["msg"])), sig, want


# --- ring, in the form of BoringSSL's tests ---

def records(path):
    """A dict for each block of "Name = value" lines."""
    now = {}
    with open(path, encoding="utf-8") as f:
        for line in f.read().splitlines() + [""]:
            line = line.strip()
            if not line:
                if now:
                    yield now
                now = {}
            elif not line.startswith("#") and "=" in line:
                name, value = line.split("=", 1)
                now[name.strip()] = value.strip()


def octets(value):
    return value[1:-1].encode() if value.startswith('"') else bytes.fromhex(value)


def ring_ecdsa(root):
    """By digest: what is longer or shorter than the order is not for this door."""
    for r in records(root + "/crypto/fipsmodule/ecdsa/ecdsa_verify_tests.txt"):
        if r["Curve"] not in ("P-256", "P-384"):
            continue
        half = 32 if r["Curve"] == "P-256" else 48
        n = [octets(r[k]) for k in ("X", "Y", "Digest", "R", "S")]
        if len(n[2]) != half or len(n[3].lstrip(b"\0")) > half or len(n[4].lstrip(b"\0")) > half:
            continue
        x, y, r_, s = (i.lstrip(b"\0").rjust(half, b"\0") for i in (n[0], n[1], n[3], n[4]))
        yield 13 if half == 32 else 14, x + y, n[2], r_ + s, 0 if "Invalid" in r else 1


def ring_suite_b(root, name, raw):
    for r in records(f"{root}/tests/{name}"):
        pair = r.get("Curve"), r.get("Digest")
        if pair not in (("P-256", "SHA256"), ("P-384", "SHA384")):
            continue
        alg, half = (13, 32) if pair[0] == "P-256" else (14, 48)
        key, sig = octets(r["Q"]), octets(r["Sig"])
        if not raw:
            sig = raw_sig(sig, half)
        if sig is None or key[:1] != b"\x04":
            continue
        yield alg, key[1:], tbs(alg, octets(r["Msg"])), sig, int(r["Result"].startswith("P"))


def ring_rsa(root):
    """ring refuses small keys and large exponents, where we do not: then all ways shall agree."""
    for r in records(root + "/tests/rsa_pkcs1_verify_tests.txt"):
        alg = {"SHA1": 5, "SHA256": 8, "SHA512": 10}.get(r["Digest"])
        if alg is None:
            continue
        n, e = der_numbers(octets(r["Key"]))
        want = int(r["Result"].startswith("P"))
        if want == (n.bit_length() > 4096):
            want = 0 if want else 2
        yield alg, rsa_field(n, e), tbs(alg, octets(r["Msg"])), octets(r["Sig"]), want


def ring_ed25519(root):
    for r in records(root + "/tests/ed25519_tests.txt"):
        yield 15, octets(r["PUB"]), octets(r["MESSAGE"]), octets(r["SIG"]), 1


# --- all of them ---

def sources():
    for name in "rsa_signature_2048_sha256", "ecdsa_secp256r1_sha256_p1363":
        path = f"{OURS}/{name}_test.json"
        yield f"Wycheproof {name}", list(wycheproof(path, WYCHEPROOF[name]))
    for root in (os.environ.get("SEKISHO_WYCHEPROOF", ""),
                 os.environ.get("SEKISHO_DATA", "") + "/wycheproof"):
        for folder in "", "/testvectors_v1", "/testvectors":
            for name, alg in WYCHEPROOF.items():
                path = f"{root}{folder}/{name}_test.json"
                if root and os.path.isfile(path):
                    yield f"Wycheproof {name}", list(wycheproof(path, alg))
    for path in sorted(glob.glob(CIRCL)):
        yield "Wycheproof " + path.rsplit("_", 1)[1][:-5] + " (circl)", list(wycheproof(path, 15))
    for root in glob.glob(RING):
        if os.path.isdir(root + "/tests"):
            yield "ring P-256, P-384", [
                *ring_ecdsa(root), *ring_suite_b(root, "ecdsa_verify_fixed_tests.txt", True),
                *ring_suite_b(root, "ecdsa_verify_asn1_tests.txt", False)]
            yield "ring RSA", list(ring_rsa(root))
            yield "ring Ed25519", list(ring_ed25519(root))


def judge(rows):
    text = "".join(f"{alg} {key.hex() or '-'} {t.hex() or '-'} {sig.hex() or '-'} {want}\n"
                   for alg, key, t, sig, want in rows)
    return subprocess.run([os.environ["SEKISHO_CRYPTO_VECTORS"]], input=text, text=True,
                          capture_output=True, check=False)


def main():
    case, bad = 0, False
    for name, rows in sources():
        run = judge(rows)
        lines = run.stdout.splitlines()
        for line in lines[1:]:
            ok = line.startswith(("ok", "not ok"))
            if ok:
                case += 1
                head, tail = line.split(" - ", 1)
                line = f"{head.rsplit(' ', 1)[0]} {case} - {name}, {tail}"
            print(line)
        if run.returncode not in (0, 1) or not lines:
            case += 1
            print(f"not ok {case} - {name}: ended with {run.returncode} {run.stderr}")
        bad = bad or run.returncode != 0
    print(f"1..{case}" if case else "1..0 # SKIP no vectors: see tests/diff/test_vectors.py")
    sys.exit(bad)


main()
