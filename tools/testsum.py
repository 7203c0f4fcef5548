#!/usr/bin/env python3
"""testsum.py TESTLOG.json…: what meson's tests said, case by case.

Prints each failure with its diagnostic lines, the reasons of what was
skipped, and as the last line "N passed, N failed, N skipped". A program that
died, hung, or announced more cases than it reported counts as one more
failed case. Where the shared data is there, a skipped corpus case is failed.
"""

import json
import os
import re
import sys
from collections import Counter

CASE = re.compile(r"^\s*(not ok|ok)\b\s*(\d+)?\s*-?\s*(.*)$")
PLAN = re.compile(r"^\s*1\.\.(\d+)\s*(?:#\s*(SKIP)\b\s*(.*))?$", re.I)
DIRECTIVE = re.compile(r"\s*(?<!\\)#\s*(SKIP|TODO)\b\s*(.*)$", re.I)
DIAGNOSTIC_LINES = 40
GOOD_RESULTS = {"OK", "SKIP", "EXPECTEDFAIL"}


def data_is_there():
    src = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
    data = os.environ.get("SEKISHO_DATA", os.path.join(src, "..", "shared", "data"))
    return os.path.isdir(os.path.join(data, "rpki"))


def cases(text):
    """[(verdict, name, reason, diagnostics)], planned number or None."""
    out, planned = [], None
    for line in text.splitlines():
        plan = PLAN.match(line)
        if plan:
            planned = int(plan.group(1))
            if plan.group(2):
                out.append(("skip", "(all)", plan.group(3), []))
                planned = 1
            continue
        m = CASE.match(line)
        if not m:
            if out and out[-1][0] == "fail" and line.strip():
                out[-1][3].append(line)
            continue
        name, reason = m.group(3), ""
        verdict = "fail" if m.group(1) == "not ok" else "pass"
        d = DIRECTIVE.search(name)
        if d:
            name, reason = name[:d.start()], d.group(2)
            if d.group(1).upper() == "SKIP":
                verdict = "skip"
        out.append((verdict, name.strip(), reason.strip(), []))
    return out, planned


def one_test(t, strict):
    """The same list for one row of meson's log, its death included."""
    found, planned = cases(t.get("stdout", ""))
    suites = {s.split(":")[-1] for s in t.get("suite", [])}
    if strict and "corpus" in suites:
        found = [("fail", n, "", [f"skipped though the data is there: {r}"])
                 if v == "skip" else (v, n, r, d) for v, n, r, d in found]
    dead = None
    if t["result"] not in GOOD_RESULTS and not any(c[0] == "fail" for c in found):
        dead = f"the program ended with {t['result']} ({t.get('returncode')})"
    elif planned is not None and len(found) < planned:
        dead = f"{planned} cases announced, {len(found)} reported"
    elif not found:
        dead = "no case was reported"
    if dead:
        tail = (t.get("stdout", "") + t.get("stderr", "")).splitlines()
        found.append(("fail", dead, "", tail[-DIAGNOSTIC_LINES:]))
    elif any(c[0] == "fail" for c in found) and t.get("stderr"):
        last = [c for c in found if c[0] == "fail"][-1]
        last[3].extend(t["stderr"].splitlines()[-DIAGNOSTIC_LINES:])
    return found


def main(paths):
    total, skips, strict = Counter(), Counter(), data_is_there()
    for path in paths:
        with open(path, encoding="utf-8", errors="replace") as f:
            for line in f:
                t = json.loads(line)
                for verdict, name, reason, diag in one_test(t, strict):
                    total[verdict] += 1
                    if verdict == "skip":
                        skips[t["name"], reason] += 1
                    elif verdict == "fail":
                        print(f"FAILED  {t['name']}: {name}")
                        for d in diag[:DIAGNOSTIC_LINES]:
                            print(f"        {d}")
    for (name, reason), n in sorted(skips.items()):
        print(f"skipped {name}: {n} ({reason or 'no reason given'})")
    print(f"{total['pass']} passed, {total['fail']} failed, {total['skip']} skipped")
    return 1 if total["fail"] or not total["pass"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
