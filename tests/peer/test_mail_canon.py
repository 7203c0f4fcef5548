#!/usr/bin/env python3
"""
Canonical forms of generated messages (mail_canon) beside dkimpy's.

Where dkimpy reads RFC 6376 in another way, what we hold for right stands here as a function
of our own, with the clause; each difference is shown to be one, so that it is known when
dkimpy changes.
"""
import hashlib
import os
import random
import re
import subprocess
import sys

from tap import Tap

tap = Tap()
TOOL = os.path.join(os.environ["SEKISHO_BUILD"], "tests", "peer", "mail_canon")
N = 1000
NAMES = [b"From", b"TO", b"Subject", b"received", b"X-Long-Name", b"DKIM-Signature", b"List-Id"]
WORDS = [b"word", b"a", b"=?utf-8?q?=C3=A9?=", "関所".encode(), b"a:b;", b"=", b"\xff\xfe", b"\r", b"\x0b", b"\x00", b"(x)"]
BLANKS = [b" ", b" ", b" ", b"  ", b"\t", b" \t ", b"\t\t"]
FOLDS = [b"\r\n ", b"\r\n\t", b" \r\n  ", b"\r\n \r\n\t"]


def value(rnd):
    parts = [rnd.choice([b"", b" ", b"\t ", b"\r\n "])]
    for _ in range(rnd.randrange(12)):
        parts += [rnd.choice(WORDS), rnd.choice(BLANKS + FOLDS[:rnd.randrange(5)])]
    out = b"".join(parts)
    # What ends in CR or an empty fold is another matter: a line end, to some.
    return out + b"x" if out.endswith(b"\r") else out


def body(rnd):
    lines = []
    for _ in range(rnd.choice([0, 1, 3, 20, 60])):
        line = b""
        for _ in range(rnd.randrange(rnd.choice([1, 4, 30]))):
            line += rnd.choice(WORDS) + rnd.choice(BLANKS + [b""])
        lines.append(line + b"\r\n")
    lines += [rnd.choice([b"\r\n", b" \r\n", b"\t \r\n"]) for _ in range(rnd.choice([0, 0, 1, 5]))]
    if rnd.random() < 0.2:
        lines.append(rnd.choice([b"no end", b"none ", b" ", b"\t"]))
    return b"".join(lines)


def message(rnd):
    fields = [(rnd.choice(NAMES) + rnd.choice([b"", b"", b"", b" ", b"\t"]), value(rnd))
              for _ in range(rnd.randrange(1, 12))]
    return fields, body(rnd)


# --- where dkimpy and we differ ---

def relaxed_value(v):
    """Section 3.4.2: "Delete all WSP characters at the end": space and tab (section 2.8), where
    dkimpy's strip() takes VT and CR, too."""
    v = re.sub(rb"\r\n(?=[ \t])", b"", v)
    return re.sub(rb"[ \t]+", b" ", v).strip(b" ")


def relaxed_last(b):
    """Section 3.4.4: "Ignore all whitespace at the end of lines", of the last one, too, which the
    CRLF that is added (section 3.4.3) makes a line. dkimpy wants a CRLF that was there before."""
    return re.sub(rb"[ \t]+\Z", b"", b)


def expected(dkim, fields, text):
    simple, relaxed = dkim.canonicalization.Simple, dkim.canonicalization.Relaxed
    theirs = relaxed.canonicalize_headers([(n, v + b"\r\n") for n, v in fields])
    ours = [(n.lower().rstrip(), relaxed_value(v) + b"\r\n") for n, v in fields]
    last = relaxed_last(text)
    relaxed_body = relaxed.canonicalize_body(last) if last else b""
    return {
        "head": b"".join(n + b":" + v + b"\r\n" for n, v in fields),
        "relaxed": b"".join(n + b":" + v for n, v in ours),
        "simple": simple.canonicalize_body(text),
        "body": relaxed_body,
        "differs": {"value": theirs != ours,
                    "last": relaxed.canonicalize_body(text) != relaxed_body},
    }


def sha(b):
    return hashlib.sha256(b).hexdigest()


def line(e, most):
    return "%s %s %s %d %s %d %s %d" % (
        sha(e["head"]), sha(e["relaxed"]), sha(e["simple"]), len(e["simple"]), sha(e["body"]), len(e["body"]),
        sha(e["body"][:most]), len(e["body"][:most]))


def main():
    try:
        import dkim
    except ImportError:
        tap.skip("dkimpy", "no python3-dkim")
        return tap.done()
    rnd = random.Random(6376)
    stdin, want, n_differs = [], [], {"value": 0, "last": 0}
    for _ in range(N):
        fields, text = message(rnd)
        e = expected(dkim, fields, text)
        whole = e["head"] + b"\r\n" + text
        if rnd.random() < 0.25 and b"\r\r\n" not in whole:
            whole = whole.replace(b"\r\n", b"\n")
        most = rnd.randrange(400)
        stdin.append(b"%d %d %d\n" % (len(whole), rnd.choice([1, 7, 64, 1000, 65536]), most) + whole)
        want.append((line(e, most), whole))
        for k in n_differs:
            n_differs[k] += e["differs"][k]
    run = subprocess.run([TOOL], input=b"".join(stdin), stdout=subprocess.PIPE, check=True, timeout=60)
    got = run.stdout.decode().splitlines()
    tap.equal(len(got), N, "%d messages" % N)
    for part, name in (((0,), "simple headers"), ((1,), "relaxed headers"), ((2, 3), "simple bodies"),
                       ((4, 5), "relaxed bodies"), ((6, 7), "the first octets of relaxed bodies")):
        tap.none((whole for g, (w, whole) in zip(got, want)
                  if [g.split(" ")[i] for i in part] != [w.split(" ")[i] for i in part]), name)
    for k, n in n_differs.items():
        tap.ok(0 < n < N, "dkimpy differs where we say: %s, in %d" % (k, n))
    return tap.done()


sys.exit(main())
