#!/usr/bin/env python3
"""The BBN conformance suite: our verdict on every named case, from bbn.tsv."""
import base64
import collections
import json
import os
import shutil
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "peer"))
import peers
from tap import Tap

BBN = os.path.join(peers.DATA, "rpki", "bbn")
BASE = "rsync://rpki.bbn.com/conformance/"

tap = Tap()


def table(path):
    rows = []
    with open(path) as f:
        for line in f:
            if not line.startswith("#"):
                rows.append(line.rstrip("\n").split("\t"))
    return rows


def named_cases():
    out = set()
    for base, _, files in os.walk(os.path.join(BBN, "conformance")):
        for f in files:
            if f.startswith(("bad", "good")):
                out.add(os.path.relpath(os.path.join(base, f), os.path.join(BBN, "conformance")))
    return out


def der(data, at):
    """(content start, end) of the value at `at`."""
    n, at = data[at + 1], at + 2
    if n & 0x80:
        k = n & 0x7f
        n, at = int.from_bytes(data[at:at + k], "big"), at + k
    return at, at + n


def spki(cert):
    """subjectPublicKeyInfo of a certificate (RFC 5280 section 4.1)."""
    at, _ = der(cert, 0)
    at, _ = der(cert, at)
    fields = 6 if cert[at] == 0xa0 else 5	# version, serial … subject
    for _ in range(fields):
        _, at = der(cert, at)
    _, end = der(cert, at)
    return cert[at:end]


def validate(tree, tal, work, name):
    """(result, {uri: [(code, severity)]}) of one run."""
    path = os.path.join(work, name + ".findings")
    r = peers.run([peers.sekisho(), "rpki", "validate", "--tree", tree, "--tal", tal,
                   "--tolerate", "no-signing-time", "--no-progress",
                   "-o", "findings=" + path])
    found = collections.defaultdict(list)
    if os.path.exists(path):
        with open(path) as f:
            for line in f:
                j = json.loads(line)
                found[j.get("uri") or j.get("subject")].append((j["code"], j["severity"]))
    return r, found


def judge(case, verdict, codes, found):
    """None when the findings on the case are what the table wants."""
    rejects = [c for c, sev in found if sev == "REJECT"]
    have = collections.Counter(c for c, _ in found)
    hit = False
    for code in codes.split("|"):
        times, _, name = code.rpartition("*")
        hit |= have[name] >= int(times or 1)
    if verdict == "accept":
        good = not rejects and (codes == "-" or hit)
    elif verdict == "accept*":
        good = rejects == ["RPKI_ROA_EE"]
    elif verdict == "not listed":
        good = not found
    elif verdict == "not judged":
        good = not rejects and hit
    else:
        good = bool(rejects) and hit
    return None if good else "%s: want %s %s, have %s" % (case, verdict, codes, sorted(have.items()))


def ta_case(case, tree, work):
    """A trust anchor is judged with a TAL of its own."""
    with open(os.path.join(BBN, "conformance", case), "rb") as f:
        key = base64.encodebytes(spki(f.read())).decode()
    tal = os.path.join(work, case + ".tal")
    with open(tal, "w") as f:
        f.write("%s%s\n\n%s" % (BASE, case, key))
    r, found = validate(tree, tal, work, case)
    found = found.get(BASE + case, [])
    return r, found


def main():
    if not os.path.exists(BBN):
        tap.skip("bbn", "../shared/data/rpki/bbn is absent")
        return tap.done()
    rows = table(os.path.join(HERE, "bbn.tsv"))
    tap.equal(sorted(r[0] for r in rows), sorted(named_cases()), "the table has every named case")
    work = tempfile.mkdtemp(prefix="sekisho-bbn-")
    try:
        tree = os.path.join(work, "tree")
        shutil.copytree(os.path.join(BBN, "conformance"),
                        os.path.join(tree, "rpki.bbn.com", "conformance"))
        r, found = validate(tree, os.path.join(BBN, "bbn.tal"), work, "bbn")
        tap.ok(r.status == 1, "the suite is read, and something in it rejected", r.err)
        for case, verdict, codes, clause, *_ in rows:
            here = found.get(BASE + case, [])
            if "Root" in case:
                r, here = ta_case(case, tree, work)
            why = judge(case, verdict, codes, here)
            tap.ok(why is None, "%s: %s, %s" % (case, verdict, clause), why)
        for uri in (BASE + "root.cer", BASE + "root/root.mft", BASE + "root/root.crl"):
            tap.ok(not [c for c, sev in found.get(uri, []) if sev == "REJECT"], uri + " holds")
    finally:
        shutil.rmtree(work)
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
