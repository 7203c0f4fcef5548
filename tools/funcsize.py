#!/usr/bin/env python3
"""funcsize.py [--json] [FILE…]: how long our functions are.

Lines from the opening to the closing brace of each function in src/**/*.c
(KNF: both stand in the first column). Prints median, p90, p99, the worst five.
"""

import json
import os
import re
import sys

HEAD = re.compile(r"^([a-z_]\w*)\(", re.I)


def functions(path):
    """[(lines, name, line number)]"""
    out, name, start = [], None, 0
    with open(path, encoding="utf-8") as f:
        for n, line in enumerate(f, 1):
            m = HEAD.match(line)
            if m:
                name = m.group(1)
            if line.startswith("{") and name:
                start = n
            elif line.startswith("}") and start:
                out.append((n - start + 1, name, start))
                name, start = None, 0
    return out


def percentile(sizes, p):
    return sizes[min(len(sizes) - 1, int(len(sizes) * p / 100))] if sizes else 0


def sources(root):
    for folder, dirs, files in os.walk(os.path.join(root, "src")):
        dirs.sort()
        for name in sorted(files):
            if name.endswith(".c"):
                yield os.path.join(folder, name)


def measure(paths, root):
    rows = [(n, name, os.path.relpath(p, root), at)
            for p in paths for n, name, at in functions(p)]
    rows.sort(reverse=True)
    sizes = sorted(r[0] for r in rows)
    return {"functions": len(rows), "median": percentile(sizes, 50),
            "p90": percentile(sizes, 90), "p99": percentile(sizes, 99),
            "worst": rows[:5]}


def main(args):
    root = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
    paths = [a for a in args if not a.startswith("-")] or list(sources(root))
    m = measure(paths, root)
    if "--json" in args:
        print(json.dumps(m))
        return
    print("{functions} functions: median {median}, p90 {p90}, p99 {p99} lines".format(**m))
    for n, name, path, at in m["worst"]:
        print(f"{n:5}  {path}:{at}  {name}")


if __name__ == "__main__":
    main(sys.argv[1:])
