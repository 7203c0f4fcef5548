#!/usr/bin/env python3
"""Worlds of publication servers: a sample of the real list comes out of every
validator as it went in; worlds that move are consistent from step to step."""
import base64
import bz2
import hashlib
import json
import os
import re
import shutil
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import peers
from tap import Tap

tap = Tap()
LIST = os.path.join(peers.DATA, "rpki", "vrps", "rpkiclient_summary_20250720T093135Z.json.bz2")
AT = 1795305600			# 2026-11-22T00:00:00Z
TAKE = 2000
EVERY = 600


def make(work, *words):
    out = os.path.join(work, "world")
    r = peers.run([peers.sekisho(), "lab", "rpki", "-q", "--no-progress", "--seed", "5",
                   "--at", peers.rfc3339(AT), "--servers", out] + list(words))
    if r.status != 0:
        raise RuntimeError("lab: " + r.err)
    return out


def tals(out):
    d = os.path.join(out, "tals")
    return [os.path.join(d, f) for f in sorted(os.listdir(d))]


def hosts(out):
    return sorted(os.listdir(os.path.join(out, "servers")))


def expected(out, step):
    return peers.vrps_csv(os.path.join(out, "expected-%d.csv" % step))


def rsync_folder(out, host, step):
    d = os.path.join(out, "servers", host, "rsync.%d" % step)
    return d if os.path.isdir(d) else os.path.join(out, "servers", host, "rsync")


def tree_of(out, step, work):
    """The caches' layout, host/module/path, of one step."""
    tree = os.path.join(work, "tree.%d" % step)
    for h in hosts(out):
        shutil.copytree(rsync_folder(out, h, step), os.path.join(tree, h))
    return tree


def ours(tree, out, work, at, name="ours.csv"):
    csv = os.path.join(work, name)
    argv = [peers.sekisho(), "rpki", "validate", "-q", "--no-progress", "--tree", tree,
            "--at", peers.rfc3339(at), "-o", "csv=" + csv]
    for t in tals(out):
        argv += ["--tal", t]
    r = peers.run(argv)
    return r, peers.vrps_csv(csv) if os.path.exists(csv) else None


def same(got, want, name, r):
    got = got or set()
    tap.ok(got == want, name, "%d of %d; missing %s, too many %s\n%s" % (
        len(got), len(want), sorted(want - got)[:3], sorted(got - want)[:3], r.err[-500:]))


def peers_agree(out, tree, work, want, at, what):
    for name, programs in (("rpki-client", ("rpki-client", "faketime")),
                           ("FORT", ("fort", "faketime"))):
        absent = peers.missing(*programs)
        if absent:
            tap.skip("%s: %s" % (what, name), "%s is absent" % absent)
            continue
        cache = os.path.join(work, "cache-" + name)
        os.makedirs(cache)
        if name == "FORT":
            peers.fort_layout(tree, tals(out), cache)
            r, got = peers.fort(cache, tals(out), cache + "-out", at)
        else:
            peers.rpki_client_layout(tree, tals(out), cache)
            r, got = peers.rpki_client(cache, tals(out), cache + "-out", at, hosts(out))
        same(got, want, "%s: %s" % (what, name), r)


# --- a sample of the real list ----------------------------------------------

def with_anchor(path):
    with open(path) as f:
        return {tuple(line.strip().split(",")) for line in list(f)[1:]}


def case_sample(work):
    if not os.path.exists(LIST):
        tap.skip("sample", "../shared/data/rpki/vrps is absent")
        return
    out = make(work, "--from-vrps", LIST, "--take", str(TAKE), "--rsync", "all")
    with bz2.open(LIST) as f:
        real = {("AS%d" % x["asn"], x["prefix"], str(x["maxLength"]), x["ta"])
                for x in json.load(f)["roas"]}
    want = with_anchor(os.path.join(out, "expected-0.csv"))
    tap.equal(len(want), TAKE, "%d VRPs are taken" % TAKE)
    tap.none(sorted(want - real)[:3], "all of them stand in the list, with their anchor")
    tap.equal(len({x[3] for x in want}), 5, "all five anchors are there")
    tree = tree_of(out, 0, work)
    r, got = ours(tree, out, work, AT)
    same(got, expected(out, 0), "sample: we find it", r)
    tap.equal(r.status, 0, "sample: without a finding")
    tap.ok({x[:4] for x in with_anchor(os.path.join(work, "ours.csv"))} == want,
           "sample: each VRP has its anchor")
    peers_agree(out, tree, work, expected(out, 0), AT, "sample")


# --- steps --------------------------------------------------------------------

def read(path):
    with open(path, "rb") as f:
        return f.read()


def elements(path):
    """[(kind, uri, hash or None, bytes or None)] of a snapshot or delta."""
    found = []
    for m in re.finditer(r'<(publish|withdraw) uri="([^"]+)"(?: hash="([0-9a-f]+)")?(?:/>|>([^<]*)<)',
                         read(path).decode()):
        body = base64.b64decode(m[4]) if m[4] is not None else None
        found.append((m[1], m[2], m[3], body))
    return found


def snapshot(path):
    return {uri: body for _, uri, _, body in elements(path)}


def sha(data):
    return hashlib.sha256(data).hexdigest()


def apply(state, delta):
    """RFC 8182 section 3.4.2: complain about what does not fit."""
    wrong = []
    for kind, uri, digest, body in delta:
        have = sha(state[uri]) if uri in state else None
        if have != digest:
            wrong.append(uri)
        if kind == "withdraw":
            state.pop(uri, None)
        else:
            state[uri] = body
    return wrong


def notification(path):
    text = read(path).decode()
    head = re.search(r'session_id="([^"]+)" serial="(\d+)"', text)
    snap = re.search(r'<snapshot uri="([^"]+)" hash="([^"]+)"', text)
    deltas = re.findall(r'<delta serial="(\d+)" uri="([^"]+)" hash="([^"]+)"', text)
    return head[1], int(head[2]), snap.groups(), [(int(s), u, h) for s, u, h in deltas]


def local(out, uri):
    host, _, path = uri.partition("://")[2].partition("/")
    return os.path.join(out, "servers", host, path)


def tree_files(root, host):
    found = {}
    for base, _, files in os.walk(os.path.join(root, "repo")):
        for f in files:
            path = os.path.join(base, f)
            found["rsync://%s/%s" % (host, os.path.relpath(path, root))] = read(path)
    return found


def judge_server(out, host, steps):
    """Everything that is wrong with the files of one server."""
    wrong, session, state, serial = [], None, None, 0
    for step in range(steps + 1):
        path = os.path.join(out, "servers", host, "rrdp", "notification.%d.xml" % step)
        sid, now, (snap_uri, snap_hash), deltas = notification(path)
        files = [(snap_uri, snap_hash)] + [(u, h) for _, u, h in deltas]
        wrong += [u for u, h in files if sha(read(local(out, u))) != h]
        if (session or sid) != sid or now not in (serial, serial + 1):
            wrong.append("%s: session or serial at step %d" % (host, step))
        if [s for s, _, _ in deltas] != list(range(now, 1, -1)):
            wrong.append("%s: deltas of step %d" % (host, step))
        if now != serial and state is not None:
            wrong += apply(state, elements(local(out, deltas[0][1])))
        whole = snapshot(local(out, snap_uri))
        if state is not None and state != whole:
            wrong.append("%s: delta and snapshot differ at step %d" % (host, step))
        if tree_files(rsync_folder(out, host, step), host) != whole:
            wrong.append("%s: tree and snapshot differ at step %d" % (host, step))
        session, state, serial = sid, whole, now
    if read(path) != read(os.path.join(os.path.dirname(path), "notification.xml")):
        wrong.append("%s: the last notification is another" % host)
    return wrong


def manifests_move(out, host, steps):
    """A manifest that changed is larger in number: its name stays, its bytes do not."""
    seen = []
    for step in range(steps + 1):
        whole = tree_files(rsync_folder(out, host, step), host)
        seen.append({u: b for u, b in whole.items() if u.endswith(".mft")})
    return sum(a[u] != b[u] for a, b in zip(seen, seen[1:]) for u in a if u in b)


def case_steps(work):
    out = make(work, os.path.join(HERE, "steps.lab"))
    info = json.loads(read(os.path.join(out, "world.json")))
    steps = info["steps"]
    tap.equal((steps, info["every_sec"], len(hosts(out))), (4, EVERY, 4), "steps and servers")
    for host in hosts(out):
        tap.none(judge_server(out, host, steps), "%s: consistent at every step" % host)
    tap.ok(sum(manifests_move(out, h, steps) for h in hosts(out)) >= 4, "manifests are reissued")
    for step in range(steps + 1):
        tree = tree_of(out, step, work)
        r, got = ours(tree, out, work, AT + step * EVERY, "ours.%d.csv" % step)
        same(got, expected(out, step), "step %d: we find what is expected" % step, r)
        tap.equal(r.status, 0, "step %d: without a finding" % step)
    tap.ok(len({frozenset(expected(out, s)) for s in range(steps + 1)}) == steps + 1,
           "every step expects something else")
    tap.equal({u.partition(":")[0] for t in tals(out) for u in peers.tal_uris(t)[:1]}, {"https"},
              "the TALs name https first")
    peers_agree(out, tree, work, expected(out, steps), AT + steps * EVERY, "last step")


def case_again(work):
    """The same seed makes the same files; another one does not."""
    a = make(os.path.join(work, "a"), os.path.join(HERE, "steps.lab"))
    b = make(os.path.join(work, "b"), os.path.join(HERE, "steps.lab"))
    c = make(os.path.join(work, "c"), os.path.join(HERE, "steps.lab"), "--seed", "6")
    names = [os.path.relpath(os.path.join(d, f), a) for d, _, fs in os.walk(a) for f in fs]
    tap.ok(len(names) > 40, "there are files to compare")
    tap.none([n for n in names if read(os.path.join(a, n)) != read(os.path.join(b, n))][:3],
             "the same seed makes the same bytes")
    n = "servers/west.lab.example/rrdp/notification.xml"
    tap.ok(read(os.path.join(a, n)) != read(os.path.join(c, n)), "another seed, another session")


def in_folder(fn):
    work = tempfile.mkdtemp(prefix="sekisho-lab-")
    os.chmod(work, 0o755)
    try:
        tap.case(fn, work)
    finally:
        shutil.rmtree(work)


def main():
    if not os.path.exists(peers.sekisho()):
        tap.skip("lab", "sekisho is not built")
        return tap.done()
    in_folder(case_steps)
    in_folder(case_again)
    in_folder(case_sample)
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
