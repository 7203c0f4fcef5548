"""TAP for the lints: each rule is one case, its violations are diagnostics."""

import os
import sys

SRC = os.environ.get("SEKISHO_SRC") or os.path.normpath(
    os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
BUILD = os.environ.get("SEKISHO_BUILD") or os.path.join(SRC, "build")
os.environ.setdefault("SEKISHO_SRC", SRC)
sys.path.insert(0, os.path.join(SRC, "tools"))

_n = 0
SHOWN = 30


def rule(name, violations, notes=()):
    """One case: it holds when there is no violation."""
    global _n
    violations = list(violations)
    _n += 1
    print(f"{'not ok' if violations else 'ok'} {_n} - {name}")
    for v in violations[:SHOWN]:
        print(f"# {v}")
    if len(violations) > SHOWN:
        print(f"# … and {len(violations) - SHOWN} more")
    for v in notes:
        print(f"# note: {v}")


def skip(name, reason):
    global _n
    _n += 1
    print(f"ok {_n} - {name} # SKIP {reason}")


def end():
    print(f"1..{_n}")
    sys.stdout.flush()
    sys.exit(0)
