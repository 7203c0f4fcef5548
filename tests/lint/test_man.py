#!/usr/bin/env python3
"""The manual pages are clean mdoc and name what exists."""

import os
import re
import shutil
import subprocess

import tap

import csource

PAGES = csource.sources(".1", ".5", ".7", ".8", under="man")


def lint(page):
    run = subprocess.run(["mandoc", "-Tlint", "-Wwarning", page], cwd=tap.SRC, capture_output=True, text=True)
    return [ln for ln in (run.stdout + run.stderr).splitlines() if "WARNING" in ln or "ERROR" in ln]


def commands():
    """(area, verb or None) of every struct cmd."""
    for path in csource.sources(".c", under="src/cmd"):
        text = csource.strip(csource.read(os.path.join(tap.SRC, path)), strings=False)
        for m in re.finditer(r"^(?:static )?const struct cmd \w+ = \{(.*?)^\};", text, re.S | re.M):
            area = re.search(r'\.area = "(\w+)"', m.group(1))
            verb = re.search(r'\.verb = "([\w-]+)"', m.group(1))
            if area:
                yield area.group(1), verb.group(1) if verb else None


def main():
    generated = [os.path.join(tap.BUILD, "man", p) for p in ("sekisho-findings.7", "sekisho.conf.5")]
    pages = PAGES + [g for g in generated if os.path.exists(g)]
    if shutil.which("mandoc") is None:
        tap.skip("mandoc finds nothing", "no mandoc")
    else:
        tap.rule("mandoc finds nothing", [v for p in pages for v in lint(p)])
    text = "\n".join(csource.read(os.path.join(tap.SRC, p)) for p in PAGES)
    tap.rule("each command is described",
             [f"sekisho {a} {v or ''}" for a, v in commands()
              if not re.search(rf"\b{a} {v}\b" if v else rf"\b{a}\b", text)])
    tap.end()


main()
