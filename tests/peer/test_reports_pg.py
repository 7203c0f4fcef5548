#!/usr/bin/env python3
"""The store of reports on a real PostgreSQL: all that the unit tests ask of SQLite; then two
nodes at a time, while the server is killed again and again. No row is lost, none counts twice."""
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import peers
import pgkit
from patience import patient, wait_for
from tap import Tap

TOOL = os.path.join(peers.BUILD, "tests", "peer", "reports_tool")
UNITS = [("unit", os.path.join(peers.BUILD, "tests", "unit", "store", "test_reports")),
         ("month", os.path.join(peers.BUILD, "tests", "unit", "app", "test_app_mail_reports")),
         ("failures", os.path.join(peers.BUILD, "tests", "unit", "app", "test_app_mail_failures"))]
SCHEMAS = 30	# one for each case of a program; more than any has
KILLS = 4
NODES, SEGMENTS, ROWS = 2, 60, 40


def unit(t, server):
    server.sql("CREATE SCHEMA nothing")
    for name, program in UNITS:
        server.sql("".join("CREATE SCHEMA %s%d;" % (name, i) for i in range(1, SCHEMAS + 1)))
        p = subprocess.run([program], capture_output=True, text=True, timeout=patient(60),
                           env=dict(os.environ, SEKISHO_REPORTS=server.url(name), CMOCKA_MESSAGE_OUTPUT="TAP",
                                    SEKISHO_REPORTS_EMPTY=server.url("nothing")))
        t.equal(p.returncode, 0, "what holds of SQLite holds of PostgreSQL: " + name, p.stdout + p.stderr)


def both(t, server):
    """Both at a time make the tables, and take segments, while the server dies."""
    server.sql("CREATE SCHEMA nodes")
    outs = [open(os.path.join(server.dir, "node%d" % i), "w+") for i in range(NODES)]
    nodes = [subprocess.Popen([TOOL, "take", server.url("nodes"), "mx%d" % i, str(SEGMENTS), str(ROWS)], stdout=out,
                              stderr=subprocess.STDOUT) for i, out in enumerate(outs)]

    def lines(word):
        return [sum(line.startswith(word) for line in open(out.name)) for out in outs]

    for k in range(KILLS):
        wait_for(lambda: min(lines("took")) >= (k + 1) * SEGMENTS // (KILLS + 1))
        server.kill()
        server.start()
    codes = [p.wait(timeout=patient(60)) for p in nodes]
    t.equal(codes, [0] * NODES, "both nodes get rid of all that they have", open(outs[0].name).read()[-500:])
    again = lines("again")
    t.diag("segments given again by each node: %r" % again)
    t.ok(min(again) > 0, "each of them met a server that was gone", again)
    for out in outs:
        out.close()
    got = subprocess.run([TOOL, "sum", server.url("nodes")], capture_output=True, text=True, timeout=patient(60))
    want = "".join("d%d.example %d %d\n" % (d, n, n) for d in range(7)
                   for n in [NODES * SEGMENTS * len(range(d, ROWS, 7))])
    t.equal(got.stdout, want, "each row is in its report once, and counts once in what is known of its domain", got.stderr)


def one_sends(t, server):
    server.sql("CREATE SCHEMA lock")
    argv = [TOOL, "hold", server.url("lock")]
    first = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    t.equal(first.stdout.readline(), "held\n", "the first node may send")
    t.equal(subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True).stdout, "locked\n",
            "the second may not")
    first.kill()
    first.wait()
    first.stdin.close()
    first.stdout.close()
    t.ok(wait_for(lambda: subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True,
                                         text=True).stdout == "held\n"), "when the first is killed, the second may")


def main():
    t = Tap()
    absent = pgkit.programs() is None or peers.missing("psql")
    if absent:
        t.skip("reports in PostgreSQL", "no PostgreSQL")
        return t.done()
    server = pgkit.Server()
    try:
        t.ok(server.start(), "a server of our own")
        for case in (unit, both, one_sends):
            t.case(case, t, server)
    finally:
        server.done()
    return t.done()


sys.exit(main())
