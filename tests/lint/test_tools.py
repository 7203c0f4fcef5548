#!/usr/bin/env python3
"""The tools that everything else trusts: they fail when they should."""

import json
import os
import subprocess
import sys
import tempfile

import tap

import csource
import funcsize
import testsum

TOOLS = os.path.join(tap.SRC, "tools")


def check(name, ok):
    tap.rule(name, [] if ok else ["it does not"])


def po2c(text):
    """(exit status, output) of po2c.py."""
    with tempfile.TemporaryDirectory() as tmp:
        src, dst = os.path.join(tmp, "x.po"), os.path.join(tmp, "x.inc")
        with open(src, "w", encoding="utf-8") as f:
            f.write(text)
        r = subprocess.run([sys.executable, "-B", os.path.join(TOOLS, "po2c.py"), src, dst],
                           capture_output=True)
        out = open(dst, encoding="ascii").read() if os.path.exists(dst) else ""
        return r.returncode, out


def summed(rows, strict=False):
    """What testsum makes of rows of meson's log, as {verdict: number}."""
    out = {"pass": 0, "fail": 0, "skip": 0}
    for r in rows:
        t = {"name": "t", "suite": ["sekisho:unit"], "result": "OK", "returncode": 0, "stdout": "", **r}
        for c in testsum.one_test(json.loads(json.dumps(t)), strict):
            out[c[0]] += 1
    return out["pass"], out["fail"], out["skip"]


def translations():
    head = 'msgid ""\nmsgstr "x"\n\n'
    rc, out = po2c(head + 'msgid "b"\nmsgstr "B"\nmsgid "a\\"?"\nmsgstr "関"\n')
    check("po2c sorts and escapes", rc == 0 and out ==
          '{ "a\\"\\?", "\\351\\226\\242" },\n{ "b", "B" },\n')
    check("po2c takes continued strings", po2c('msgid "a"\n"b"\nmsgstr ""\n"c"\n')[1] == '{ "ab", "c" },\n')
    check("po2c refuses two texts for one msgid",
          po2c('msgid "a"\nmsgstr "1"\nmsgid "a"\nmsgstr "2"\n')[0] != 0)
    check("po2c refuses an empty text", po2c('msgid "a"\nmsgstr ""\n')[0] != 0)
    check("po2c refuses what it does not know", po2c('msgctxt "a"\n')[0] != 0)


def counting():
    check("testsum counts cases",
          summed([{"stdout": "1..3\nok 1 - a\nnot ok 2 - b\n# why\nok 3 - c # SKIP no data\n"}]) == (1, 1, 1))
    check("testsum counts a skipped program", summed([{"stdout": "1..0 # SKIP no peer\n"}]) == (0, 0, 1))
    check("testsum sees cases that never came", summed([{"stdout": "1..3\nok 1 - a\n"}]) == (1, 1, 0))
    check("testsum sees a crash after the last case",
          summed([{"stdout": "1..1\nok 1 - a\n", "result": "ERROR", "returncode": -11}]) == (1, 1, 0))
    check("testsum sees a program that said nothing", summed([{"stdout": ""}]) == (0, 1, 0))
    check("testsum sees a timeout", summed([{"stdout": "ok 1 - a\n", "result": "TIMEOUT"}]) == (1, 1, 0))
    skip = [{"stdout": "ok 1 - a # SKIP no data\n1..1\n", "suite": ["sekisho:corpus"]}]
    check("testsum forbids skipped corpus cases where the data is", summed(skip, True) == (0, 1, 0))
    check("testsum allows them where it is not", summed(skip, False) == (0, 0, 1))


def reading():
    text = '/* N_("no") */ x = N_("a" "b"); // "c\ny = "N_(\\"d\\")";\n'
    check("msgids are read from code only", csource.marked("", text) == [("ab", 1)])
    with tempfile.NamedTemporaryFile("w", suffix=".c") as f:
        f.write("int\nf(void)\n{\n\treturn 0;\n}\n\nstatic const int x[] = {\n\t1\n};\n")
        f.flush()
        check("funcsize measures functions", funcsize.functions(f.name) == [(3, "f", 3)])
    with tempfile.NamedTemporaryFile("w", suffix=".def") as f:
        f.write('F(A, NOTE, "1",\n"2" "3", "4", "5", "6", "7")\n/* F(B) */\n')
        f.flush()
        rows = csource.findings(f.name)
        check("rows of findings are read", [r["text"] for r in rows] == ["23"])
        f.write('F(C, NOTE, "1")\n')
        f.flush()
        try:
            csource.findings(f.name)
            check("a broken row is refused", False)
        except ValueError:
            check("a broken row is refused", True)


translations()
counting()
reading()
tap.end()
