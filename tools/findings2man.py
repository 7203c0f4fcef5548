#!/usr/bin/env python3
"""findings2man.py OUT: sekisho-findings(7) from all findings.def files."""

import re
import sys

import csource

MODULES = {"rpki": "Objects of the RPKI", "rtr": "Routers and the files that feed them"}
LABELS = (("clause", "Clause"), ("remedy", "Remedy"), ("by_hand", "By hand"),
          ("good", "Good"), ("bad", "Bad"))
HEAD = """.\\" Made by tools/findings2man.py from src/*/findings.def.
.Dd November 21, 2026
.Dt SEKISHO-FINDINGS 7
.Os
.Sh NAME
.Nm sekisho-findings
.Nd what Sekisho finds, why it matters, and what to do about it
.Sh DESCRIPTION
Each check ends in findings.
A finding is a code, a subject (the URI of an object, for example), and
arguments.
.Bl -tag -width REJECT
.It REJECT
The object may not be used.
.It WARN
It is accepted, but should be mended.
.It NOTE
It is worth knowing; nothing is lost.
.El
.Pp
The codes are stable.
.Ql sekisho explain CODE
prints the same text as this page, in Japanese with
.Fl -lang Cm ja .
Words in braces stand for the arguments of the finding.
"""
TAIL = """.Sh SEE ALSO
.Xr sekisho 1
"""


def escape(s):
    """Running text, a sentence a line: nothing in it is a request or a macro."""
    s = s.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq").replace("\n", " ")
    s = s.replace("…", "...").replace("“", '"').replace("”", '"')
    lines = re.sub(r"([.?!]\)?) +(?=\S)", r"\1\n", s).split("\n")
    return "\n".join("\\&" + ln if ln[:1] in ".'\\" else ln for ln in lines)


def entry(r):
    yield f".It {r['code']} Pq {r['severity']}"
    yield escape(r["text"])
    yield ".Bl -tag -width By_hand: -compact"
    for key, label in LABELS:
        yield f".It {label}:"
        yield escape(r[key])
    yield ".El"


def page():
    yield HEAD.rstrip("\n")
    last = None
    for r in csource.all_findings():
        module = r["file"].split("/")[-2]
        if module != last:
            if last:
                yield ".El"
            yield f".Sh {MODULES.get(module, module).upper()}"
            yield ".Bl -tag -width Ds"
            last = module
        yield from entry(r)
    if last:
        yield ".El"
    yield TAIL.rstrip("\n")


def main(out):
    with open(out, "w", encoding="utf-8") as f:
        f.write("\n".join(page()) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
