#!/usr/bin/env python3
"""Single RPKI objects: our verdict on each, from objects.tsv."""
import json
import os
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "peer"))
import peers
from tap import Tap

OBJECTS = os.path.join(peers.DATA, "rpki", "objects")
VERDICTS = {"accept": "valid", "reject": "rejected", "not judged": "not_judged"}

tap = Tap()


def table(path):
    with open(path) as f:
        return [line.rstrip("\n").split("\t") for line in f if not line.startswith("#")]


def said(j):
    """The payloads of an explanation in the table's words."""
    vrps = ["AS%d %s-%d" % (v["asn"], v["prefix"], v["maxLength"])
            for v in j["vrps"] + [v for v in j["lost"] if "prefix" in v]]
    aspas = ["AS%d: %s" % (a["customer"], " ".join(str(p) for p in a["providers"]))
             for a in j["aspas"]]
    return sorted(vrps + aspas)


def case_object(name, at, verdict, code, payloads, clause):
    r = peers.run([peers.sekisho(), "rpki", "explain", "--json", "--at", at,
                   os.path.join(OBJECTS, name)], seconds=60)
    j = json.loads(r.out)
    own = j["chain"][-1]
    codes = [(f["code"], f["severity"]) for f in own["findings"]]
    rejects = [c for c, sev in codes if sev == "REJECT"]
    good = own["verdict"] == VERDICTS[verdict] and bool(rejects) == (verdict == "reject") and \
        (code == "-" or code in [c for c, _ in codes])
    tap.ok(good, "%s at %s: %s, %s" % (name, at, verdict, clause),
           "%s %s" % (own["verdict"], codes))
    tap.equal(r.status, 1 if verdict == "reject" else 0, "%s at %s: exit status" % (name, at))
    if payloads or name.startswith(("roa/", "aspa/")):
        tap.equal(said(j), sorted(payloads.split(", ")), "%s at %s: what it says" % (name, at))


def case_input(name, at, verdict, code, clause):
    """A TAL or RRDP file: with nothing beside it, its trust anchor is missing."""
    with tempfile.TemporaryDirectory() as empty:
        found = os.path.join(empty, "findings")
        tree = os.path.join(empty, "tree")
        os.mkdir(tree)
        path = os.path.join(OBJECTS, name)
        argv = ["--tal", path, "--tree", tree] if name.endswith(".tal") else \
            ["--rrdp", path, "--tal", os.path.join(OBJECTS, "tal", "ripe.tal")]
        r = peers.run([peers.sekisho(), "rpki", "validate", "-q", "--no-progress", "--at", at,
                       "-o", "findings=" + found] + argv, seconds=60)
        codes = []
        if os.path.exists(found):
            with open(found) as f:
                codes = [json.loads(line)["code"] for line in f]
    if verdict == "refused":
        tap.ok(r.status == 3 and not codes, "%s: refused, %s" % (name, clause), r.err)
        tap.ok(r.err.count("\n") == 1 and os.path.basename(name) in r.err and
               "root:" not in r.err, "%s: one line says what and where" % name, r.err)
    else:
        tap.ok(r.status == 1 and codes == [code], "%s: readable, %s" % (name, clause),
               "%d %s %s" % (r.status, codes, r.err))


def main():
    if not os.path.exists(OBJECTS):
        tap.skip("objects", "../shared/data/rpki/objects is absent")
        return tap.done()
    rows = table(os.path.join(HERE, "objects.tsv"))
    there = {os.path.relpath(os.path.join(b, f), OBJECTS)
             for b, _, fs in os.walk(OBJECTS) for f in fs if not f.endswith(".out")}
    tap.equal({r[0] for r in rows}, there, "the table has every object")
    for name, at, verdict, code, payloads, clause, *_ in rows:
        if verdict in VERDICTS:
            tap.case(case_object, name, at, verdict, code, payloads, clause)
        else:
            tap.case(case_input, name, at, verdict, code, clause)
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
