#!/usr/bin/env python3
"""Every fault that the lab can plant, through the commands: the finding that
faults.tsv names appears, nothing else does, and no VRP that the clean world
has not. The clean world itself has no fault and all its payloads."""
import concurrent.futures
import json
import os
import shutil
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "peer"))
import peers
from tap import Tap

AT = "2026-11-21T12:00:00Z"
WORLD = os.path.join(peers.SRC, "etc", "lab", "faults.lab")
tap = Tap()


def table():
    rows = {}
    with open(os.path.join(HERE, "faults.tsv")) as f:
        for line in f:
            if not line.startswith("#"):
                name, codes, vrps, aspas = line.rstrip("\n").split("\t")
                rows[name] = ([] if codes == "-" else codes.split(","), int(vrps), int(aspas))
    return rows


def lab(work, *args, world=WORLD):
    return peers.run([peers.sekisho(), "lab", "rpki", "--at", AT, "-j", "1", *args,
                      "--tal", os.path.join(work, "ta.tal"), world])


def validate(work, *inputs):
    """Exit status, [(code, severity, uri)], VRP set, number of ASPAs."""
    out = {k: os.path.join(work, k) for k in ("csv", "findings", "json")}
    r = peers.run([peers.sekisho(), "rpki", "validate", "--at", AT, "--jobs", "1", *inputs,
                   "--tal", os.path.join(work, "ta.tal")] +
                  ["-o%s=%s" % (k, p) for k, p in out.items()])
    if r.status not in (0, 1):
        raise RuntimeError("validate: %d %s" % (r.status, r.err))
    with open(out["findings"]) as f:
        found = [json.loads(line) for line in f]
    with open(out["json"]) as f:
        aspas = json.load(f).get("aspas", [])
    return (r.status, [(x["code"], x["severity"], x["subject"]) for x in found],
            peers.vrps_csv(out["csv"]), len(aspas))


def clean(top):
    """The world without a fault, as tree and as RRDP snapshot, plain and .gz."""
    expected = None
    for form in ("tree", "snapshot.xml", "snapshot.xml.gz"):
        work = os.path.join(top, form)
        os.makedirs(work)
        path = os.path.join(work, form)
        option = "--tree" if form == "tree" else "--rrdp"
        r = lab(work, option, path, "--vrps", os.path.join(work, "vrps"))
        if not tap.equal(r.status, 0, "clean: made as " + form):
            tap.diag(r.err)
            continue
        expected = peers.vrps_csv(os.path.join(work, "vrps"))
        status, found, vrps, aspas = validate(work, option, path)
        tap.equal(status, 0, "clean %s: accepted" % form)
        tap.none([f for f in found if f[1] != "NOTE"], "clean %s: no fault" % form)
        tap.equal(sorted(vrps), sorted(expected), "clean %s: all VRPs" % form)
        tap.equal(aspas, 1, "clean %s: the ASPA" % form)
    return expected


def plant(top, name):
    work = os.path.join(top, name)
    tree = os.path.join(work, "tree")
    os.makedirs(work)
    r = lab(work, "--tree", tree, "--fault", name if name.startswith(("ta-", "tak-")) else name + "@edo")
    if r.status != 0:
        raise RuntimeError("lab: %d %s" % (r.status, r.err))
    result = validate(work, "--tree", tree)
    shutil.rmtree(work)
    return result


def judge(name, want, got, expected):
    codes, n_vrps, n_aspas = want
    status, found, vrps, aspas = got
    seen = {c for c, _, _ in found} - {"RPKI_NOT_JUDGED"}
    rejected = any(s == "REJECT" for _, s, _ in found)
    note = "%s: status %d, %r, %d VRPs, %d ASPAs" % (name, status, sorted(found), len(vrps), aspas)
    tap.ok(seen == set(codes) and len(vrps) == n_vrps and aspas == n_aspas and
           vrps <= expected and status == (1 if rejected else 0),
           "%s: %s" % (name, ",".join(codes) or "ignored"), note)


def judge_job(name, want, job, expected):
    try:
        judge(name, want, job.result(), expected)
    except RuntimeError as e:
        tap.ok(False, name, e)


def main():
    rows = table()
    r = peers.run([peers.sekisho(), "lab", "rpki", "--list-faults", "--json"])
    listed = {f["fault"]: f["code"] for f in json.loads(r.out)}
    tap.equal(sorted(listed), sorted(rows), "the table has every fault of --list-faults")
    tap.none([n for n, (codes, _, _) in rows.items() if listed.get(n) != (codes or [None])[0]],
             "the lab and the table name the same finding")
    top = tempfile.mkdtemp(prefix="sekisho-faults-")
    try:
        expected = clean(top)
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            jobs = {n: pool.submit(plant, top, n) for n in rows}
            for name, want in rows.items():
                tap.case(judge_job, name, want, jobs[name], expected)
    finally:
        shutil.rmtree(top)
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
