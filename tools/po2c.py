#!/usr/bin/env python3
"""po2c.py IN.po OUT.inc: the rows of base/tr.c's table, in strcmp() order."""

import sys

import po


def c_string(text):
    """Everything but plain ASCII in octal: no trigraph, no long hex escape."""
    out = []
    for b in text.encode("utf-8"):
        c = chr(b)
        if c in '"\\?':
            out.append("\\" + c)
        elif 0x20 <= b < 0x7f:
            out.append(c)
        else:
            out.append(f"\\{b:03o}")
    return '"' + "".join(out) + '"'


def main(src, dst):
    rows = po.read(src)
    dup = po.duplicates(rows)
    for msgid, first, again, same in dup:
        print(f"{src}:{again}: {msgid!r} stands at line {first} already", file=sys.stderr)
    # The same text twice is only untidy: the lint refuses it, the build does not.
    dup = [d for d in dup if not d[3]]
    empty = [r for r in rows if r[1] == ""]
    for msgid, _, at in empty:
        print(f"{src}:{at}: {msgid!r} has no text", file=sys.stderr)
    if dup or empty:
        return 1
    texts = {msgid: text for msgid, text, _ in rows}
    with open(dst, "w", encoding="ascii") as f:
        for msgid, text in sorted(texts.items(), key=lambda r: r[0].encode("utf-8")):
            f.write(f"{{ {c_string(msgid)}, {c_string(text)} }},\n")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(*sys.argv[1:3]))
    except po.PoError as e:
        print(e, file=sys.stderr)
        sys.exit(1)
