"""Rows of judged messages, for tests: out of journals, out of the store."""
import collections
import glob
import json
import os
import sqlite3
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import peers  # noqa: E402
from patience import patient  # noqa: E402

TOOL = os.path.join(peers.BUILD, "tests", "peer", "rows_tool")


def tool(*words, text=None):
    p = subprocess.run([TOOL, *words], input=text, capture_output=True, timeout=patient(60))
    if p.returncode != 0:
        raise RuntimeError("rows_tool: " + p.stderr.decode(errors="replace"))
    return [json.loads(line) for line in p.stdout.decode().splitlines()]


def journal(state):
    """Rows that wait in the state directory, sealed or not."""
    files = sorted(glob.glob(os.path.join(state, "mail-rows", "*.rows")) + glob.glob(os.path.join(state, "mail-rows", "*.open")))
    return tool("segments", *files) if files else []


def _decoded(lines):
    """(node, queue id, at, domain, report, alike), octets in hex. DMARC's result is not in it, but follows."""
    alike = tool("alike", text="".join(x[5] + "\n" for x in lines).encode()) if lines else []
    rows = [dict(a, node=bytes.fromhex(x[0]).decode(), id=bytes.fromhex(x[1]).decode(), at=int(x[2]),
                 policy=bytes.fromhex(x[3]).decode(), report=int(x[4])) for a, x in zip(alike, lines)]
    for r in rows:
        r["dmarc"] = "pass" if r["dkim"] or r["spf"] else "fail" if r["policy"] else "none"
    return rows


class Sqlite:
    """The store as a file."""
    hex = "hex(%s)"

    def __init__(self, path):
        self.path = path

    def ask(self, text):
        db = sqlite3.connect("file:%s?mode=ro" % self.path, uri=True, timeout=patient(5))
        try:
            return [tuple(str(x) for x in row) for row in db.execute(text)]
        finally:
            db.close()

    def do(self, text):
        db = sqlite3.connect(self.path, timeout=patient(5))
        try:
            db.executescript(text)
        finally:
            db.close()


class Postgresql:
    """The store in a schema of a pgkit.Server."""
    hex = "encode(%s, 'hex')"

    def __init__(self, server, schema):
        self.server, self.set = server, "SET search_path = %s; " % schema

    def ask(self, text):
        return [tuple(line.split("|")) for line in self.server.sql(self.set + text).splitlines()]

    def do(self, text):
        self.server.sql(self.set + text)


def stored(store):
    """All its rows."""
    h = {c: store.hex % c for c in ("node", "queue_id", "domain", "alike")}
    return _decoded(store.ask("SELECT {node}, {queue_id}, at, {domain}, report, {alike} FROM mail_row".format(**h)))


def names(row):
    """Domains that spoke for themselves: the author by DMARC, who signed, who sent."""
    out = {s["domain"] for s in row["signatures"] if s["result"] == "pass"}
    if row["dmarc"] == "pass":
        out.add(row["from"])
    if row["spf_result"] == "pass":
        out.add(row["spf_domain"])
    return out


def sums(store, rows):
    """What else the store counted of these rows, and counted otherwise than they say."""
    acts = {"none": "passed", "pass": "passed", "quarantine": "quarantined", "reject": "rejected"}
    want = collections.Counter((n, what) for r in rows for n in names(r) for what in ("messages", acts[r["disposition"]]))
    got = collections.Counter()
    for name, *counts in store.ask("SELECT %s, messages, passed, quarantined, rejected FROM mail_seen" % (store.hex % "domain")):
        for what, n in zip(("messages", "passed", "quarantined", "rejected"), counts):
            got[bytes.fromhex(name).decode(), what] = int(n)
    out = ["%s %s: %d, not %d" % (k + (got[k], want[k])) for k in set(got) | set(want) if got[k] != want[k]]
    got, want = collections.Counter(), collections.Counter(("passed", "quarantined", "rejected").index(acts[r["disposition"]]) for r in rows)
    for act, n in store.ask("SELECT act, sum(n) FROM mail_tally GROUP BY act"):
        got[int(act)] = int(n)
    return out + ["tally of act %d: %d, not %d" % (k, got[k], want[k]) for k in set(got) | set(want) if got[k] != want[k]]


def kept(state):
    """Rows of the state directory: those that are in the store, and those that are still on their way."""
    path = os.path.join(state, "mail-reports", "reports.sqlite")
    waiting = journal(state)	# first: what is taken in meanwhile is seen twice, not never
    rows = {key(r): r for r in waiting}
    for r in stored(Sqlite(path)) if os.path.exists(path) else []:
        rows[key(r)] = r
    return list(rows.values())


def key(row):
    """What a row is known by."""
    return row["node"], row["id"], row["at"]


def tally(rows, *columns):
    """How many there are of each."""
    return collections.Counter(tuple(r[c] for c in columns) for r in rows)
