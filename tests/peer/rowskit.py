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


def sqlite(path):
    db = sqlite3.connect("file:%s?mode=ro" % path, uri=True, timeout=patient(5))
    try:
        return _decoded(db.execute("SELECT hex(node), hex(queue_id), at, hex(domain), report, hex(alike) FROM mail_row").fetchall())
    finally:
        db.close()


def kept(state):
    """Rows of the state directory: those that are in the store, and those that are still on their way."""
    path = os.path.join(state, "mail-reports.sqlite")
    waiting = journal(state)	# first: what is taken in meanwhile is seen twice, not never
    rows = {key(r): r for r in waiting}
    for r in sqlite(path) if os.path.exists(path) else []:
        rows[key(r)] = r
    return list(rows.values())


def postgresql(server, schema):
    out = server.sql("SELECT encode(node, 'hex'), encode(queue_id, 'hex'), at, encode(domain, 'hex'), report, encode(alike, 'hex')"
                     " FROM %s.mail_row" % schema)
    return _decoded([line.split("|") for line in out.splitlines()])


def key(row):
    """What a row is known by."""
    return row["node"], row["id"], row["at"]


def tally(rows, *columns):
    """How many there are of each."""
    return collections.Counter(tuple(r[c] for c in columns) for r in rows)
