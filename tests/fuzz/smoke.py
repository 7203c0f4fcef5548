#!/usr/bin/env python3
"""smoke.py EXE SEEDS: libFuzzer for SEKISHO_FUZZ_SECONDS (10), as one TAP case.

New inputs go to a scratch folder; a crash is kept under the build folder and
named, so that it can become a seed.
"""

import os
import subprocess
import sys
import tempfile

seconds = int(os.environ.get("SEKISHO_FUZZ_SECONDS", "10"))
exe, seeds = sys.argv[1:3]
name = os.path.basename(exe)
crashes = os.path.join(os.environ.get("SEKISHO_BUILD", "."), "fuzz-crashes", name) + "-"
os.makedirs(os.path.dirname(crashes), exist_ok=True)
print("1..1")
with tempfile.TemporaryDirectory() as scratch:
    dirs = [scratch] + ([seeds] if os.path.isdir(seeds) else [])
    args = [exe, f"-max_total_time={seconds}", "-timeout=60", "-rss_limit_mb=2048",
            "-verbosity=1", "-print_final_stats=1", f"-artifact_prefix={crashes}", *dirs]
    run = subprocess.run(args, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                         stderr=subprocess.STDOUT, timeout=seconds * 6 + 600)
lines = run.stdout.decode("utf-8", "replace").splitlines()
execs = next((ln.split()[-1] for ln in lines if "number_of_executed_units" in ln), "?")
if run.returncode == 0:
    print(f"ok 1 - {name}: {execs} inputs in {seconds} s")
else:
    print(f"not ok 1 - {name}: ended with {run.returncode}")
    for ln in lines[-35:]:
        print(f"# {ln}")
