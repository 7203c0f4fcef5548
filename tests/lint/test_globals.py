#!/usr/bin/env python3
"""No writable data in any object of src/ but what stands here with its reason."""

import os
import re
import shutil
import subprocess

import tap

ALLOWED = {
    ("base", "seed0"): "hash seed, set once per process",
    ("base", "seed1"): "hash seed, set once per process",
    ("crypto", "sha_found"): "what the processor can, looked at once (sha_way.c)",
    ("crypto", "path_forced"): "the way to verify is the whole process's (crypto/verify.h)",
    ("crypto", "cache"): "tables of public keys, for whoever asks (p256_cache.h)",
    ("sys", "mark_fd"): "a signal handler has no other way to its file",
    ("sys", "mark_armed"): "as mark_fd",
    ("role", "hall"): "libmilter's callbacks have no argument of ours (milter_mta.c)",
}
WRITABLE = re.compile(r"^(\.data|\.bss|\.tdata|\.tbss|COMMON|\*COM\*)(\.|$)")
READ_ONLY = re.compile(r"^\.data\.rel\.ro")
SYMBOL = re.compile(r"^[0-9a-f]{16} (.{7}) (\S+)\s+[0-9a-f]{16} (?:\.hidden )?(\S+)$")


def objects():
    for folder, _, files in os.walk(tap.BUILD):
        if not re.match(r"(src/.+|sekisho)\.p(/|$)", os.path.relpath(folder, tap.BUILD)):
            continue
        for f in sorted(files):
            if f.endswith(".o"):
                yield os.path.join(folder, f)


def home(obj):
    """The folder of src/ and the file that an object was made from."""
    obj = os.path.relpath(obj, tap.BUILD)
    m = re.match(r"src/(\w+)/", obj) or re.search(r"/src_(\w+?)_", obj)
    return m.group(1) if m else "?"


def writable(obj):
    out = subprocess.run(["objdump", "-t", obj], capture_output=True, text=True, check=True).stdout
    for line in out.splitlines():
        m = SYMBOL.match(line)
        if m and "d" not in m.group(1)[5] and WRITABLE.match(m.group(2)) and not READ_ONLY.match(m.group(2)):
            yield m.group(3).split(".")[0]


def main():
    name = "no globals"
    if shutil.which("objdump") is None:
        tap.skip(name, "no objdump")
        tap.end()
    objs = list(objects())
    found = sorted({(home(o), s, os.path.basename(o)) for o in objs for s in writable(o)})
    tap.rule("objects were found", [] if len(objs) > 10 else [f"only {len(objs)} under the build folder"])
    tap.rule(name, [f"{o}: {s}" for h, s, o in found
                    if (h, s) not in ALLOWED and not s.startswith(("__asan", "__sancov", "__odr", "__gcov"))])
    tap.end()


main()
