#!/usr/bin/env python3
"""run_cases.py FILE.json: command lines and what they must answer, as TAP.

The file is a list of cases:
  name     what is shown
  argv     words after "sekisho"; ${TMP} ${SRC} ${BUILD} ${DATA} are replaced
  rc       the exit status (0)
  files    {"name": "content"} to be made in ${TMP} before
  before   [[words], …] commands of sekisho that run first and must succeed
  env      more environment; LANG is C unless given
  stdin    text
  stdout   the whole output, a list of lines (stable text is an interface)
  has      substrings of stdout, in this order; hasnt: none of these
  json     stdout is JSON and contains this: objects by key, lists by position
  err      the number of lines on stderr (0 unless rc says failure, then 1);
           null: any
  errhas   substrings of stderr
  made     {"name": [substrings]} of files in ${TMP} afterwards; null: absent
  needs    "data": skip without the shared data; "root": skip as a plain user
"""

import json
import os
import re
import subprocess
import sys
import tempfile

SRC = os.environ.get("SEKISHO_SRC") or os.path.normpath(
    os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
BUILD = os.environ.get("SEKISHO_BUILD") or os.path.join(SRC, "build")
DATA = os.environ.get("SEKISHO_DATA") or os.path.join(SRC, "..", "shared", "data")
SECONDS = 120
KNOWN = {"name", "argv", "rc", "files", "before", "env", "stdin", "stdout", "has", "hasnt", "json",
         "err", "errhas", "made", "needs", "comment"}


def expand(value, tmp):
    names = {"TMP": tmp, "SRC": SRC, "BUILD": BUILD, "DATA": DATA}
    return re.sub(r"\$\{(TMP|SRC|BUILD|DATA)\}", lambda m: names[m.group(1)], value)


def contains(have, want, at="$"):
    """Why `have` does not contain `want`, or None."""
    if isinstance(want, dict) and isinstance(have, dict):
        for k, v in want.items():
            if k not in have:
                return f"{at}.{k} is missing"
            why = contains(have[k], v, f"{at}.{k}")
            if why:
                return why
        return None
    if isinstance(want, list) and isinstance(have, list):
        if len(have) < len(want):
            return f"{at} has {len(have)} members"
        return next((w for i, v in enumerate(want)
                     for w in [contains(have[i], v, f"{at}[{i}]")] if w), None)
    return None if have == want else f"{at} is {have!r}, not {want!r}"


def in_order(text, parts, what):
    pos = 0
    for part in parts:
        found = text.find(part, pos)
        if found < 0:
            return [f"{what} has no {part!r}" + (" at its place" if part in text else "")]
        pos = found + len(part)
    return []


def run(case, words, tmp):
    env = {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LANG": "C", "HOME": tmp}
    env.update({k: v for k, v in os.environ.items() if k.endswith("SAN_OPTIONS")})
    env.update({k: expand(v, tmp) for k, v in case.get("env", {}).items()})
    return subprocess.run([os.path.join(BUILD, "sekisho")] + [expand(w, tmp) for w in words],
                          cwd=tmp, env=env, input=case.get("stdin", "").encode(),
                          capture_output=True, timeout=SECONDS)


def judge_json(case, out):
    if "json" not in case:
        return []
    try:
        why = contains(json.loads(out), case["json"])
    except ValueError as e:
        why = f"stdout is not JSON: {e}"
    return [why] if why else []


def judge_files(case, tmp):
    bad = []
    for name, parts in case.get("made", {}).items():
        path = os.path.join(tmp, name)
        if parts is None:
            bad += [f"{name} exists"] if os.path.exists(path) else []
        elif not os.path.exists(path):
            bad.append(f"{name} was not made")
        else:
            with open(path, encoding="utf-8", errors="replace") as f:
                bad += in_order(f.read(), parts, name)
    return bad


def judge(case, r, tmp):
    out, err = r.stdout.decode("utf-8", "replace"), r.stderr.decode("utf-8", "replace")
    rc, bad = case.get("rc", 0), []
    if r.returncode != rc:
        bad.append(f"exit status {r.returncode}, not {rc}")
    want_err = case.get("err", 0 if rc in (0, 1) else 1)
    if want_err is not None and len(err.splitlines()) != want_err:
        bad.append(f"{len(err.splitlines())} lines on stderr, not {want_err}")
    if "stdout" in case and out.splitlines() != [expand(s, tmp) for s in case["stdout"]]:
        bad.append("stdout differs")
    bad += in_order(out, [expand(s, tmp) for s in case.get("has", [])], "stdout")
    bad += [f"stdout has {s!r}" for s in case.get("hasnt", []) if expand(s, tmp) in out]
    bad += [f"stderr has no {s!r}" for s in case.get("errhas", []) if expand(s, tmp) not in err]
    bad += judge_json(case, out) + judge_files(case, tmp)
    return bad + [f"stdout: {s}" for s in out.splitlines()[:15] if bad] + \
        [f"stderr: {s}" for s in err.splitlines()[:15] if bad]


def one(case):
    """A list of what is wrong, or the reason to skip as a string."""
    unknown = set(case) - KNOWN
    if unknown:
        return [f"unknown member {sorted(unknown)}"]
    if case.get("needs") == "data" and not os.path.isdir(os.path.join(DATA, "rpki")):
        return "no shared data"
    if case.get("needs") == "root" and os.geteuid() != 0:
        return "needs root"
    with tempfile.TemporaryDirectory() as tmp:
        for name, content in case.get("files", {}).items():
            path = os.path.join(tmp, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w", encoding="utf-8") as f:
                f.write(expand(content, tmp))
        for words in case.get("before", []):
            r = run({}, words, tmp)
            if r.returncode != 0:
                return [f"before {words}: status {r.returncode}", r.stderr.decode("utf-8", "replace")]
        return judge(case, run(case, case["argv"], tmp), tmp)


def main(path):
    with open(path, encoding="utf-8") as f:
        cases = json.load(f)
    print(f"1..{len(cases)}")
    for n, case in enumerate(cases, 1):
        name = case.get("name", " ".join(case.get("argv", [])))
        try:
            bad = one(case)
        except subprocess.TimeoutExpired:
            bad = [f"no end after {SECONDS} s"]
        if isinstance(bad, str):
            print(f"ok {n} - {name} # SKIP {bad}")
            continue
        print(f"{'not ok' if bad else 'ok'} {n} - {name}")
        for line in bad:
            print(f"# {line}")


if __name__ == "__main__":
    main(sys.argv[1])
