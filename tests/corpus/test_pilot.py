#!/usr/bin/env python3
"""RIPE NCC's pilot repository of 2023-08-04: exactly the 782 expected VRPs."""
import collections
import gzip
import json
import os
import re
import shutil
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "peer"))
import peers
from tap import Tap

SNAPSHOT = os.path.join(peers.PILOT, "snapshot.xml.gz")
TAL = os.path.join(peers.PILOT, "ripe-pilot.tal")
ABSENT = "rsync://rsync.rpki.blade.sh/repo/Blade/0/"
FORMATS = ("csv", "json", "routinator", "bird", "findings", "summary")

tap = Tap()


def validate(work, name, *argv, at=peers.PILOT_AT):
    """(result, {format: text}) of one run that writes every format."""
    out = {f: os.path.join(work, "%s.%s" % (name, f)) for f in FORMATS}
    r = peers.run([peers.sekisho(), "rpki", "validate", "--no-progress", "-q", "--tal", TAL,
                   "--at", peers.rfc3339(at)] + list(argv) +
                  [w for f in FORMATS for w in ("-o", "%s=%s" % (f, out[f]))], seconds=120)
    text = {}
    for f, path in out.items():
        if os.path.exists(path):
            with open(path) as fd:
                # How long it took is the machine's.
                text[f] = re.sub(r'"elapsedtime":\d+,', "", fd.read())
    return r, text


def vrps_of(text):
    """The set in each format, read by what each says of itself."""
    out = {}
    lines = text["csv"].splitlines()
    out["csv"] = {(int(a[2:]), p, int(m)) for a, p, m, _ in (x.split(",") for x in lines[1:])}
    out["json"] = {(r["asn"], r["prefix"], r["maxLength"])
                   for r in json.loads(text["json"])["roas"]}
    out["routinator"] = {(int(r["asn"][2:]), r["prefix"], r["maxLength"])
                         for r in json.loads(text["routinator"])["roas"]}
    out["bird"] = {(int(a), p, int(m)) for p, m, a in
                   re.findall(r"route (\S+) max (\d+) as (\d+);", text["bird"])}
    return out, lines


def case_formats(text, want):
    sets, lines = vrps_of(text)
    for name, got in sets.items():
        tap.ok(got == want, "format %s has exactly the 782" % name, "%d" % len(got))
    tap.equal(len(lines) - 1, len(want), "csv: each once")
    tap.equal(lines[0], "ASN,IP Prefix,Max Length,Trust Anchor", "csv: its head")
    expires = [r["expires"] for r in json.loads(text["json"])["roas"]]
    tap.ok(all(peers.PILOT_AT < e < peers.PILOT_AT + 86400 for e in expires),
           "json: every payload expires with its manifests, within the day")


def case_findings(text):
    findings = [json.loads(line) for line in text["findings"].splitlines()]
    rejects = [f for f in findings if f["severity"] == "REJECT"]
    tap.equal([(f["code"], f["subject"].startswith(ABSENT)) for f in rejects],
              [("RPKI_MFT_MISSING", True)], "the absent CA is one clear finding, and the only one")
    tap.ok(all(f["clause"] and f["subject"] and isinstance(f["args"], dict) for f in findings),
           "every finding has URI, clause and arguments")
    known = collections.Counter(f["code"] for f in findings)
    tap.ok(set(known) <= {"RPKI_MFT_MISSING", "RPKI_POINT_FAILED", "RPKI_ROA_ORDER"},
           "nothing else is found in honest objects", known)


def case_counts(work):
    r = peers.run([peers.sekisho(), "rpki", "validate", "--no-progress", "--json", "--tal", TAL,
                   "--at", peers.rfc3339(peers.PILOT_AT), "--rrdp", SNAPSHOT], seconds=120)
    j = json.loads(r.out)
    tap.equal({(o["type"], o["verdict"]): o["count"] for o in j["objects"]},
              {("cer", "valid"): 506, ("crl", "valid"): 505, ("mft", "valid"): 505,
               ("mft", "rejected"): 1, ("roa", "valid"): 250}, "--json counts every object")
    tap.equal([(t["name"], t["vrps4"], t["vrps6"]) for t in j["tas"]],
              [("ripe-pilot", 535, 247)], "--json counts by trust anchor and family")
    tap.equal(j["earliest"], 1691188969, "the earliest expiry is that of manifests and CRLs")


def main():
    if not os.path.exists(SNAPSHOT):
        tap.skip("pilot", "../shared/data/rpki/pilot is absent")
        return tap.done()
    want = peers.vrps_csv(os.path.join(peers.PILOT, "expected-vrps.csv"))
    work = tempfile.mkdtemp(prefix="sekisho-pilot-")
    try:
        tree, plain = os.path.join(work, "tree"), os.path.join(work, "snapshot.xml")
        peers.unpack_rrdp(SNAPSHOT, tree)
        with gzip.open(SNAPSHOT) as src, open(plain, "wb") as dst:
            shutil.copyfileobj(src, dst)
        r, text = validate(work, "gz", "--rrdp", SNAPSHOT)
        tap.equal(r.status, 1, "something was rejected: exit status 1")
        case_formats(text, want)
        case_findings(text)
        for name, argv in (("xml", ["--rrdp", plain]), ("tree", ["--tree", tree]),
                           ("one job", ["--rrdp", SNAPSHOT, "--jobs", "1"]),
                           ("seven jobs", ["--rrdp", SNAPSHOT, "--jobs", "7"]),
                           ("both", ["--rrdp", SNAPSHOT, "--tree", tree])):
            r, other = validate(work, name.replace(" ", "-"), *argv)
            same = [f for f in FORMATS if other.get(f) != text[f]]
            tap.none(same, "the same output: " + name)
        for name, layout in (("rpki-client", peers.rpki_client_layout), ("fort", peers.fort_layout)):
            cache = os.path.join(work, "cache-" + name)
            layout(tree, [TAL], cache)
            if name == "rpki-client":	# there the anchor lies in ta/ only
                shutil.rmtree(os.path.join(cache, "localcert.ripe.net", "ta"))
            r, other = validate(work, "as-" + name, "--tree", cache)
            tap.equal(other.get("csv"), text["csv"], "a tree as %s's cache lies" % name)
        for name, at in (("before", 1691131000), ("after", 1691400000)):
            # All manifests and CRLs are current from 06:42:49Z to 22:42:49Z.
            r, stale = validate(work, name, "--rrdp", SNAPSHOT, at=at)
            tap.ok(r.status == 1 and len(stale["csv"].splitlines()) == 1,
                   "%s its day the repository yields nothing" % name, r.err)
        case_counts(work)
    finally:
        shutil.rmtree(work)
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
