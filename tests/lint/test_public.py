#!/usr/bin/env python3
"""
What verifies and what signs stay apart. The arithmetic of public signatures
takes a time that depends on its numbers, and looks tables up by them: it must
never see a secret. So none of it may reach what has private keys, nor the
other way round, by includes and by what the linker would bind.
"""

import fnmatch
import os
import re
import shutil
import subprocess

import tap

import csource

# Arithmetic and tables: only what verifies signatures may call it.
LANES = ["src/crypto/rsa_*", "src/crypto/p256*"]
# The door to it (crypto/verify.h), and what stands behind the door.
PUBLIC = LANES + ["src/crypto/verify*", "src/crypto/path.c", "src/crypto/pub.c"]
# Private keys are made, read, kept or used here.
PRIVATE = ["src/crypto/dnskey_priv.c", "src/crypto/dnskey_ecsign.c", "src/crypto/dnskey_import.c",
           "src/crypto/dnskey_wipe.c", "src/crypto/sign.c", "src/crypto/tls*",
           "src/role/key*", "src/app/key*", "src/app/token_key*", "src/hsm/*"]
# Of OpenSSL, and of ours by name: what makes, takes or uses a secret.
SECRET = re.compile(
    r"(EVP_PKEY_(sign|keygen|paramgen|generate|gen|decrypt|derive|fromdata_init$|new_raw_private|get_raw_private|new_mac)\w*"
    r"|EVP_DigestSign\w*|EVP_Sign\w*|EVP_MAC_\w+|HMAC\w*"
    r"|EC_KEY_(set_private|get0_private|generate|new|oct2priv|priv2)\w*|ECDSA_(do_)?sign\w*|ECDH\w*"
    r"|RSA_(private|sign|generate|set0_key|set0_crt|set0_factors|get0_d|new)\w*"
    r"|BN_(priv_|pseudo_)?rand\w*|BN_generate_prime\w*|RAND_\w+|getrandom|getentropy|random_fill"
    r"|d2i_\w*Private\w*|PEM_read_\w*Private\w*|PKCS8_\w+|OSSL_DECODER_\w+"
    r"|crypto_(priv|make|sign|random|hmac|wipe|token)\w*)$")
# The arithmetic by name, too, wherever it may stand one day.
ARITHMETIC = re.compile(r"(rsa_(lane|lift|mont|limbs|digits|modulus)|p256_)")
INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"]+)"', re.M)


def among(path, patterns):
    return any(fnmatch.fnmatch(path, p) for p in patterns)


def reached(path, seen):
    """Our headers that this file takes in, at any depth."""
    text = csource.strip(csource.read(os.path.join(tap.SRC, path)), strings=False)
    for name in INCLUDE.findall(text):
        header = "src/" + name
        if header not in seen and os.path.exists(os.path.join(tap.SRC, header)):
            seen.add(header)
            reached(header, seen)
    return seen


def source_of(obj):
    """src/crypto/libcrypto.a.p/p256_64.c.o: src/crypto/p256_64.c"""
    parts = os.path.relpath(obj, tap.BUILD).split(os.sep)
    return os.path.join(*parts[:-2], parts[-1][:-2])


def objects(patterns):
    for folder, _, files in os.walk(os.path.join(tap.BUILD, "src")):
        for f in sorted(files):
            path = os.path.join(folder, f)
            if f.endswith(".c.o") and among(source_of(path), patterns):
                yield path


def symbols(obj, *args):
    out = subprocess.run(["nm", *args, obj], capture_output=True, text=True, check=True).stdout
    return {line.split()[-1] for line in out.splitlines() if line.split()}


def defined(patterns):
    return set().union(*(symbols(o, "-g", "--defined-only") for o in objects(patterns))) - {"main"}


def bound(patterns, forbidden):
    """(file, symbol) of what these objects want from elsewhere, and must not have."""
    return sorted({(source_of(o), s) for o in objects(patterns) for s in symbols(o, "-u") if forbidden(s)})


def by_includes(code):
    tap.rule("each name is of a file that is there",
             [p for p in PUBLIC + PRIVATE if not any(fnmatch.fnmatch(c, p) for c in code)])
    tap.rule("no file is of both", [p for p in code if among(p, PUBLIC) and among(p, PRIVATE)])
    tap.rule("who has private keys takes in nothing of the arithmetic",
             [f"{p}: {h}" for p in code if among(p, PRIVATE)
              for h in sorted(reached(p, set())) if among(h, LANES)])
    tap.rule("the arithmetic takes in nothing of private keys",
             [f"{p}: {h}" for p in code if among(p, LANES)
              for h in sorted(reached(p, set())) if among(h, PRIVATE) or not among(h, PUBLIC + ["src/base/*", "src/crypto/inline.h"])])


def by_symbols():
    if shutil.which("nm") is None:
        tap.skip("nothing is bound across", "no nm")
        return
    public, private, lanes = defined(PUBLIC), defined(PRIVATE), defined(LANES)
    tap.rule("objects of both were found", [] if len(lanes) > 5 and len(private) > 20 else
             [f"{len(lanes)} and {len(private)} symbols under the build folder"])
    tap.rule("what verifies is bound to nothing that has or makes a secret",
             [f"{o}: {s}" for o, s in bound(PUBLIC, lambda s: s in private - public or SECRET.match(s))])
    tap.rule("what has private keys is bound to nothing of the arithmetic",
             [f"{o}: {s}" for o, s in bound(PRIVATE, lambda s: s in lanes or ARITHMETIC.match(s))])


def main():
    by_includes(csource.sources(".c", ".h"))
    by_symbols()
    tap.end()


main()
