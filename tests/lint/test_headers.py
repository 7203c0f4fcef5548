#!/usr/bin/env python3
"""Each header compiles alone, with both compilers and all warnings."""

import os
import shutil
import subprocess

import tap

import csource

FLAGS = ("-std=gnu17 -D_GNU_SOURCE -Isrc -Wall -Wextra -Wshadow -Wconversion -Wvla "
         "-Wmissing-prototypes -Werror -Wno-unused-function -fsyntax-only -x c -").split()
# A library whose headers stand in a folder of their own.
FLAGS += subprocess.run(["pkg-config", "--cflags", "p11-kit-1"], capture_output=True,
                        text=True).stdout.split()


def compiles(cc, header):
    run = subprocess.run([cc, *FLAGS], cwd=tap.SRC, input=f'#include "{header[4:]}"\n', text=True,
                         capture_output=True)
    if run.returncode == 0:
        return []
    first = next((ln for ln in run.stderr.splitlines() if "error" in ln), run.stderr[:200])
    return [f"{header}: {first}"]


for cc in ("gcc", "clang"):
    name = f"headers compile alone: {cc}"
    if shutil.which(cc) is None:
        tap.skip(name, f"no {cc}")
        continue
    tap.rule(name, [v for h in csource.sources(".h") for v in compiles(cc, h)])
tap.rule("headers are guarded",
         [h for h in csource.sources(".h")
          if f"#ifndef {h[4:].upper().replace('/', '_').replace('.', '_')}\n"
          not in csource.read(os.path.join(tap.SRC, h))])
tap.end()
