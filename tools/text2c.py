#!/usr/bin/env python3
"""A text file as a C function that returns it.

usage: text2c.py FILE FUNCTION HEADER OUTPUT.c
"""
import sys


def main():
    path, function, header, out = sys.argv[1:]
    with open(path, encoding="utf-8") as f:
        lines = f.read().splitlines()
    quoted = ['\t    "%s\\n"' % "".join(
        c if " " <= c <= "~" and c not in '"\\?' else "".join("\\%03o" % b for b in c.encode())
        for c in ln.replace("\t", " ")) for ln in lines]
    with open(out, "w", encoding="utf-8") as f:
        f.write('#include "%s"\n\nstruct sv\n%s(void)\n{\n\treturn SV(\n%s);\n}\n' % (header, function, "\n".join(quoted)))


main()
