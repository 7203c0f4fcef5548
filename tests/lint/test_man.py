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


COMMON = ("conf", "state", "at", "json", "lang", "quiet", "verbose", "no-progress", "no-color", "help",
          "crypto")


def options(area, verb):
    """What the program says of itself: {long: short or ""}, without the common ones."""
    run = subprocess.run([os.path.join(tap.BUILD, "sekisho"), area, *([verb] if verb else []), "--help"],
                         capture_output=True, text=True, timeout=60)
    return {m.group(2): m.group(1) or "" for m in re.finditer(r"^ +(?:-(\w), )? *--([\w-]+)", run.stdout, re.M)}


def is_described(name, short, text):
    """Each as mdoc writes it; the letter may stand for the word."""
    return re.search(rf"(?:Fl (?:-[\w-]+ , )*-|--|\\-\\-){name}(?![\w-])", text) or (short and re.search(rf"Fl {short}\b", text))


def options_check(pages):
    """Each option stands on a page that tells of its command."""
    bad = []
    for area, verb in commands():
        text = "\n".join(t for t in pages if re.search(rf"\b{area}[ -]{verb}\b" if verb else rf"\b{area}\b", t))
        for name, short in options(area, verb).items():
            if name not in COMMON and not is_described(name, short, text):
                bad.append(f"sekisho {area} {verb or ''} --{name}")
    return bad


def examples(text):
    """The commands in displays, each as one line; what is folded with a backslash is joined."""
    shown = "".join(m.group(1) for m in re.finditer(r"^\.Bd -literal.*?\n(.*?)^\.Ed", text, re.S | re.M))
    shown += "".join(m.group(1) + "\n" for m in re.finditer(r"^\.Dl (sekisho .*)$", text, re.M))
    for line in re.sub(r"\\e\n\s*", "", shown).splitlines():
        for m in re.finditer(r"(?:^|[\"'(|]\s*|exec )sekisho ([a-z][^|;&>\"]*)", line.replace("\\-", "-")):
            yield m.group(1).split(" #")[0].split()


def examples_check(pages):
    """What an example types is there."""
    known, bad = set(commands()), []
    for text in pages:
        for words in examples(text):
            areas = [w for w in words if not w.startswith("-")][:2] + [""]
            verb = areas[1] if (areas[0], areas[1]) in known else None
            if (areas[0], verb) not in known:
                bad.append("no command: sekisho " + " ".join(words))
                continue
            have = options(areas[0], verb)
            for w in words:
                name = re.match(r"--([\w-]+)|-(\w)$", w)
                if name and name.group(1) not in have and name.group(2) not in have.values():
                    bad.append(f"no option {w}: sekisho " + " ".join(words))
    return bad


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
    texts = [csource.read(os.path.join(tap.SRC, p)) for p in PAGES]
    if not os.path.exists(os.path.join(tap.BUILD, "sekisho")):
        tap.skip("each option is described, and examples are of what there is", "sekisho is not built")
    else:
        tap.rule("each option is described", options_check(texts))
        tap.rule("examples are of what there is", examples_check(texts))
    tap.end()


main()
