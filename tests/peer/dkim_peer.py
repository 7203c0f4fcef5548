"""dkimpy as a peer of test_dkim.py and test_arc.py; for Debian's own Python.

    verify RECORDS FILE…    a line a file: its name, the result of each signature
    sign KEY ALG DOMAIN SELECTOR CANON LENGTH OUTDIR FILE…
    arc-verify RECORDS FILE…    a line a file: its name, the result, the reason
    arc-seal KEY DOMAIN SELECTOR ID OUTDIR FILE…
"""
import base64
import os
import re
import sys

import dkim


def resolver(records):
    texts = {}
    with open(records, encoding="utf-8") as f:
        for line in f:
            name, text = line.rstrip("\n").split(" ", 1)
            texts[name.lower()] = text.encode()
    return lambda name, timeout=5: texts.get(name.decode().rstrip(".").lower())


def verify(records, *paths):
    txt = resolver(records)
    for path in paths:
        with open(path, "rb") as f:
            text = f.read()
        head = text.partition(b"\r\n\r\n")[0]
        n = len(re.findall(rb"^dkim-signature[ \t]*:", head, re.I | re.M))
        results = []
        for i in range(n):
            try:
                results.append("pass" if dkim.DKIM(text, minkey=1024).verify(idx=i, dnsfunc=txt) else "fail")
            except dkim.MessageFormatError:
                results = ["unread"]
                break
            except dkim.DKIMException as e:
                results.append(type(e).__name__)
        print(path, *results)


def sign(key, alg, domain, selector, canon, length, outdir, *paths):
    with open(key, "rb") as f:
        pem = f.read()
    if alg.startswith("ed25519"):		# its seed, in base64
        der = base64.b64decode(b"".join(pem.splitlines()[1:-1]))
        pem = base64.b64encode(der[-32:])
    head, body = canon.split("/")
    for path in paths:
        with open(path, "rb") as f:
            text = f.read()
        field = dkim.sign(text, selector.encode(), domain.encode(), pem,
                          canonicalize=(head.encode(), body.encode()), signature_algorithm=alg.encode(),
                          length=length == "1")
        with open(os.path.join(outdir, os.path.basename(path)), "wb") as f:
            f.write(field + text)


def arc_verify(records, *paths):
    txt = resolver(records)
    for path in paths:
        with open(path, "rb") as f:
            cv, _, reason = dkim.arc_verify(f.read(), dnsfunc=txt, minkey=1024)
        print(path, (cv or b"none").decode(), reason)


def arc_seal(key, domain, selector, authserv, outdir, *paths):
    with open(key, "rb") as f:
        pem = f.read()
    for path in paths:
        with open(path, "rb") as f:
            text = f.read()
        fields = dkim.arc_sign(text, selector.encode(), domain.encode(), pem, authserv.encode())
        with open(os.path.join(outdir, os.path.basename(path)), "wb") as f:
            f.write(b"".join(fields) + text)


{"verify": verify, "sign": sign, "arc-verify": arc_verify, "arc-seal": arc_seal}[sys.argv[1]](*sys.argv[2:])
