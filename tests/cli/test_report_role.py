#!/usr/bin/env python3
"""
Role report, its parent played by role_kit: segments of a journal in, mails to a server out. Each
row is in exactly one report, whoever dies meanwhile; what fails waits; one of two nodes sends.
"""
import collections
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(1, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "peer"))
import pgkit  # noqa: E402
from house import Tap, free_port  # noqa: E402
from mail_dns_server import TXT, txt  # noqa: E402
from report_kit import DAY, LATE, T0, TODAY, Node, peak_mb, sums, world  # noqa: E402
from smtp_sink import GOOD, Sink  # noqa: E402

t = Tap()


def test_sent():
    dns, sink = world("a.example", "b.example", "out.example"), Sink()
    dns.records[("out.example._report._dmarc.elsewhere.example", TXT)] = [txt("v=DMARC1")]
    n = Node(dns, sink, sender="bounces@us.example")
    n.rows(("a.example", 0, 5), ("b.example", 0, 3), ("none.example", 0, 4, "-"))
    n.rows(("a.example", 0, 2), ("out.example", 0, 6, "mailto:x@elsewhere.example"), ("b.example", 1, 9),
           ("wide.example", 0, 1, "mailto:x@unasked.example"))
    n.live(0)
    t.ok(n.until(lambda s: s["rows"] == 30 and s["segments"] == 0), "rows are taken in", n.role.log)
    t.ok(os.listdir(n.dir + "/mail-rows") == [] and not sink.mails, "… segments are gone, and the day is not over")
    n.end()
    s = n.life(1)
    t.equal((s["made"], s["sent"], s["later"], s["refused"]), (4, 3, 0, 0), "four reports of the day before, three go out")
    t.equal(sums(sink.mails), {("a.example", 0): 7, ("b.example", 0): 3, ("out.example", 0): 6}, "with all rows")
    t.equal(sorted((m.sender, m.to, m.author) for m in sink.mails),
            [("bounces@us.example", to, "dmarc@us.example") for to in ("d@a.example", "d@b.example", "x@elsewhere.example")],
            "to whom asked for them and may have them")
    t.ok(all(m.file.startswith("us.example!%s!" % m.domain) and b"<org_name>Us<" in m.xml for m in sink.mails),
         "from who the configuration says", [m.file for m in sink.mails])
    n.life(1)
    t.equal(len(sink.mails), 3, "a new life sends nothing again")
    n.rows(("a.example", 0, 1), ("a.example", 1, 1))
    n.life(3)
    t.equal(sums(sink.mails[3:]), {("a.example", 0): 1, ("a.example", 1): 1, ("b.example", 1): 9},
            "after a day of rest: what came late, and the day that was missed")
    told = [m for name, to, m in n.role.seen if name == "report_told"]
    t.ok(told and '"domains"' in told[-1]["json"], "the page is told")
    n.rows(("a.example", 16, 1))
    n.life(16)
    n.life(17)
    with sqlite3.connect(n.conf["store"]) as db:
        days = {x - TODAY for x, in db.execute("SELECT day FROM mail_row UNION SELECT day FROM mail_report")}
    t.equal(days, {16}, "after two weeks rows and reports are forgotten")
    n.gone()


def test_damaged():
    dns, sink = world("a.example"), Sink()
    n = Node(dns, sink)
    n.segment(b"somebody else's file")
    n.rows(("a.example", 0, 4))
    with open(n.path(n.numbers), "ab") as f:
        f.write(b"torn")
    n.segment(b"")
    os.mkdir(n.path(77))
    n.rows(("a.example", 0, 5))
    s = n.life(1)
    t.equal(sums(sink.mails), {("a.example", 0): 9}, "damaged segments do not stop the others")
    aside = sorted(x for x in os.listdir(n.dir + "/mail-rows"))
    t.equal(aside, ["%020d.damaged" % i for i in (1, 2, 3, 77)], "they are kept aside")
    t.equal((s["segments_damaged"], sum("kept aside" in x for x in n.role.log)), (4, 4), "and named once each")
    n.gone()


def test_clock():
    """A clock that is a year ahead: nothing is thrown away on its word, and nothing waits for it."""
    dns, sink = world("a.example"), Sink()
    n = Node(dns, sink, keep_names=40 * DAY)
    n.rows(("a.example", 0, 2))
    n.life(0)
    n.life(400)
    with sqlite3.connect(n.conf["store"]) as db:
        t.equal(db.execute("SELECT (SELECT count(*) FROM mail_row), (SELECT count(*) FROM mail_seen)").fetchone(), (2, 0),
                "rows are there")
    n.rows(("a.example", 0, 3))
    n.life(1)
    t.equal(sums(sink.mails), {("a.example", 0): 5}, "when it is set right, reports go as ever")
    n.gone()


def test_again():
    """451, then 250: the same report under the same names; 550: not again."""
    dns, words = world("a.example", "b.example"), {"d@a.example": "451 4.7.1 not now", "d@b.example": "550 5.1.1 nobody"}
    sink = Sink(lambda stage, to: words.get(to, GOOD) if stage == "rcpt" else GOOD)
    n = Node(dns, sink)
    n.rows(("a.example", 0, 2), ("b.example", 0, 3))
    s = n.life(1, lambda s: s["later"] + s["refused"] == 2 and s.get("due") == 1 and s)
    t.ok(any("report of b.example was refused for good: d@b.example: 550 5.1.1" in x for x in n.role.log), "… and it is said", n.role.log)
    t.ok(s and s["error"].split(": ")[1][:3] in ("451", "550"), "one waits, one does not", s)
    n.life(1, seconds=LATE + 1800, cond=lambda s: s["sends"] and "due" in s)
    t.equal([x for x in sink.asked if x[0] == "rcpt"].count(("rcpt", "d@a.example")), 1, "not before its time")
    words["d@a.example"] = GOOD
    sink.say = lambda stage, to: "452 4.3.1 no room" if stage == "data" else words.get(to, GOOD) if stage == "rcpt" else GOOD
    n.life(2, seconds=3600, cond=lambda s: s["later"] == 1 and s)
    sink.say = lambda stage, to: words.get(to, GOOD) if stage == "rcpt" else GOOD
    n.life(2, seconds=5 * 3600)
    t.equal(sums(sink.mails), {("a.example", 0): 2}, "451, 452, then 250")
    for day in (1, 2, 3):
        n.rows(("b.example", day, 1))
        n.life(day + 1)
    t.equal([x for x in sink.asked if x[0] == "rcpt"].count(("rcpt", "d@b.example")), 3,
            "an address that says 550 three times gets none the fourth day")
    n.gone()


def test_twice():
    """Who dies between 250 and his note sends the same again."""
    dns, sink = world("a.example"), Sink()
    n = Node(dns, sink)
    n.rows(("a.example", 0, 2))
    sink.taken = lambda m: n.role.p.send_signal(signal.SIGKILL)
    n.live(1)
    n.role.p.wait()
    sink.taken = None
    n.life(1, seconds=LATE + 100)
    a, b = sink.mails
    t.ok((a.message_id, a.file, a.id, a.gz) == (b.message_id, b.file, b.id, b.gz), "the same names, the same octets")
    n.gone()


def test_unnoted():
    """Who has the store for himself while a mail is taken: it is noted later, not sent again."""
    dns, sink, held = world("a.example", "b.example"), Sink(), []
    n = Node(dns, sink)
    n.rows(("a.example", 0, 2), ("b.example", 0, 3))

    def hold(_):
        if not held:
            held.append(sqlite3.connect(n.conf["store"], isolation_level=None, check_same_thread=False))
            held[0].execute("BEGIN IMMEDIATE")
    sink.taken = hold
    n.live(1)
    t.ok(n.role.until(lambda: held), "a mail is taken, and nobody can note it")
    n.role.idle(7)				# each attempt to write waits for two seconds
    t.equal(len(sink.mails), 1, "… so no other goes, and it does not go again")
    held[0].execute("ROLLBACK")
    t.ok(n.rest(), "then it is noted", n.role.status())
    t.equal((len(sink.mails), sums(sink.mails)), (2, {("a.example", 0): 2, ("b.example", 0): 3}), "… and the other goes")
    n.end()
    held[0].close()
    n.gone()


def test_away():
    """No server, one that refuses us all, one that hangs: reports wait, and nobody else does."""
    dns, sink = world("a.example", "b.example"), Sink()
    port = sink.port
    sink.close()
    n = Node(dns, sink, timeout=2)
    n.rows(("a.example", 0, 2), ("b.example", 0, 3))
    n.live(1)
    t.ok(n.until(lambda s: [x["of"] for x in s["troubles"]] == ["via"]), "no server: it is said", n.role.status())
    n.rows(("a.example", 1, 1))
    t.ok(n.until(lambda s: s["rows"] == 6), "rows are taken in meanwhile")
    sink = Sink(lambda stage, to: "554 5.7.1 not you" if stage == "hello" else GOOD, port=port)
    t.ok(n.role.until(lambda: sink.asked), "one that takes nothing from us")
    sink.say = lambda stage, to: "421 4.3.2 going down" if stage == "mail" else GOOD
    t.ok(n.role.until(lambda: ("mail", "") in sink.asked, 30), "one that goes down")
    s = n.role.status()
    t.equal((s["sent"], s["later"], s["refused"]), (0, 0, 0), "none of it is an attempt")
    sink.say = lambda stage, to: GOOD
    t.ok(n.until(lambda s: s["sent"] == 2 and s["troubles"] == [], 30), "one that works gets them", n.role.status())
    t.equal([sum(x in line for line in n.role.log) for x in ("reports wait", "taken again")], [1, 1],
            "it was said once, and once when it was over")
    n.end()
    n.rows(("b.example", 1, 1))
    sink.say = lambda stage, to: "421 4.3.0 this one kills me" if (stage, to) == ("data", "d@a.example") else GOOD
    n.live(2)
    t.ok(n.until(lambda s: (s["sent"], s["later"]) == (1, 1)), "a mail that it cannot take does not hold up others", n.role.status())
    n.end()
    n.rows(("a.example", 2, 1), ("b.example", 2, 1))
    sink.say = lambda stage, to: None if (stage, to) == ("data", "d@a.example") else GOOD
    n.live(3)
    t.ok(n.role.until(lambda: sink.asked.count(("data", "d@a.example")) > 2, 30), "one that hangs")
    t.ok(n.role.status() is not None, "… status answers")
    t.ok(n.until(lambda s: (s["sent"], s["later"]) == (1, 2), 30), "… and the other report goes", n.role.status())
    n.end()
    sink.close()
    n.gone()


def test_health():
    """What the alarms hear: a queue that stands still, until it moves; many that were given up, not one."""
    many = ["d%d.example" % i for i in range(10)]
    dns, sink = world("a.example", *many), Sink(lambda stage, to: "421 busy" if stage == "mail" else GOOD)
    n = Node(dns, sink)

    def heard(said):
        """Of this life: the things that were wrong when it was told last."""
        told = [m["bad"] for name, to, m in n.role.seen if name == "report_health"]
        return told and [line.split("\t")[0] for line in told[-1].splitlines()] == said

    def health(*want):
        return lambda s: [(h["what"], h["bad"]) for h in s["health"]] == list(want)

    n.rows(("a.example", 0, 2))
    n.live(1)
    t.ok(n.until(lambda s: s["troubles"] and s["due"] == 1) and n.role.until(lambda: heard([])), "a report waits: no alarm", n.role.seen)
    n.end()
    since = T0 + 3 * DAY + 3600
    n.live(3, seconds=3600)
    t.ok(n.role.until(lambda: heard(["queue"])) and n.until(health(("queue", False))), "a day later it is one", n.role.status())
    told = [m["bad"] for name, to, m in n.role.seen if name == "report_health" and m["bad"]][0]
    t.ok(since <= int(told.split("\t")[1]) <= since + 600, "since when", told)
    sink.say = lambda stage, to: GOOD
    t.ok(n.role.until(lambda: heard([]), 60) and n.until(health()), "it goes out: no alarm any more", n.role.status())
    n.end()
    sink.say = lambda stage, to: "550 5.1.1 nobody" if stage == "rcpt" else GOOD
    n.rows(("a.example", 4, 1))
    n.live(5)
    t.ok(n.until(health(("given_up", False))) and n.role.until(lambda: heard([])), "one that was given up: no alarm", n.role.status())
    n.end()
    n.rows(*((d, 5, 1) for d in many))
    n.live(6)
    t.ok(n.role.until(lambda: heard(["given_up"]), 40) and n.until(health(("given_up", True))), "many of them are one", n.role.status())
    n.end()
    sink.close()
    n.gone()


def test_silent():
    """Name servers that say nothing: their report waits, the others go, and new ones too."""
    silent = "out.example._report._dmarc.elsewhere.example"
    dns, sink = world("a.example", "b.example", "out.example"), Sink()
    dns.records[(silent, TXT)] = [txt("v=DMARC1")]
    dns.silent = {silent}
    n = Node(dns, sink)
    n.rows(("out.example", 0, 2, "mailto:x@elsewhere.example"), ("a.example", 0, 3))
    n.live(1)
    t.ok(n.until(lambda s: s["sent"] == 1 and s.get("unaddressed") == 1, 60), "a report waits for the DNS", n.role.status())
    t.equal(sums(sink.mails), {("a.example", 0): 3}, "… and the other does not wait for it")
    n.end()
    n.rows(("b.example", 1, 1))
    n.live(2, seconds=60)
    t.ok(n.until(lambda s: s["rows"] == 1), "rows are taken in meanwhile", n.role.status())
    dns.silent = set()
    t.ok(n.until(lambda s: s["sent"] == 1, 60), "when the DNS speaks, it goes", n.role.status())
    t.equal(sums(sink.mails), {("a.example", 0): 3, ("out.example", 0): 2}, "… once")
    n.end()
    n.gone()


def test_day():
    """The short form of bench/reports.py: more than one round of each part has, and each row once."""
    want = {("d%d.example" % i, 0): 1 + i % 7 for i in range(1200)}
    dns, sink = world("large.example", *(d for d, _ in want)), Sink()
    n = Node(dns, sink)
    n.rows(*((d, 0, k) for (d, _), k in want.items()), ("large.example", 0, 20000))
    n.live(1)
    t.ok(n.until(lambda s: s["sent"] == 1201, 120), "1,201 reports of one day", n.role.status())
    print("# peak %d MB" % peak_mb(n.role.p.pid))
    n.end()
    got = sums(sink.mails)
    t.equal(got.pop(("large.example", 0)), 20000, "… one of them of 20,000 rows")
    t.equal(got, want, "… and each row is in one of them")
    n.gone()


def test_killed():
    """kill -9, many times."""
    rng = random.Random(6)
    names = ["d%d.example" % i for i in range(40)]
    dns, sink, want, kills, marks = world(*names), Sink(), collections.Counter(), 0, set()
    n = Node(dns, sink)
    for i in range(12):
        some = rng.sample(names, 8)
        n.rows(*((d, 0, 1 + i % 3) for d in some))
        for d in some:
            want[d, 0] += 1 + i % 3
    for day in range(1, 4):		# rows that a dead life had left go into reports of the days after
        for _ in range(8):
            n.live(day, seconds=LATE + kills)
            left, end = rng.randrange(1, 6), time.monotonic() + rng.uniform(0, 0.6)
            goal = len(sink.mails) + left
            while len(sink.mails) < goal and time.monotonic() < end:
                n.role.step(0.005)
            n.end(signal.SIGKILL)
            kills += 1
            marks.add(len(sink.mails))
    n.life(4)
    n.life(5)
    t.equal(sums(sink.mails), dict(want), "each row is in exactly one report")
    last, twice = {}, []
    for i, m in enumerate(sink.mails):
        key = m.message_id, m.file, m.to, m.gz
        twice += [last[key]] if key in last else []
        last[key] = i
    t.ok(len({k[0] for k in last}) == len(last), "%d kills, %d mails twice, each the same" % (kills, len(twice)))
    # The server's thread may have put it down a moment after the life's end.
    t.ok(all(i in marks or i + 1 in marks for i in twice), "… those that a life ended with", (twice, sorted(marks)))
    n.gone()


def nodes(store, name):
    """Two of them with one store: one sends, also for the other; when it is gone, the other does."""
    dns, sink = world("a.example"), Sink()
    one, two = Node(dns, sink, "mx1", store), Node(dns, sink, "mx2", store)
    one.live(0)
    t.ok(one.until(lambda s: s["sends"]), name + ": one has the lock", one.role.log)
    one.rows(("a.example", 0, 2))
    two.rows(("a.example", 0, 3))
    two.live(1)
    t.ok(two.until(lambda s: s["rows"] == 3 and not s["sends"]), name + ": the other takes its own rows, and sends nothing")
    t.ok(one.until(lambda s: s["rows"] == 2), name + ": so does the first")
    one.end(signal.SIGKILL)
    two.end()
    t.equal(sink.mails, [], name + ": the first day is not over for who sends")
    two.life(1)
    t.equal(sums(sink.mails), {("a.example", 0): 5}, name + ": one report of both nodes' rows, by who is left")
    one.gone()
    two.gone()


def test_nodes():
    folder = tempfile.mkdtemp(prefix="report")
    nodes(folder + "/s/reports.sqlite", "SQLite")
    shutil.rmtree(folder)
    if pgkit.programs() is None:
        t.ok(True, "PostgreSQL # SKIP no server is installed")
        return
    server = pgkit.Server()
    try:
        assert server.start()
        nodes("postgresql://sekisho@/postgres?host=" + server.dir, "PostgreSQL")
        dns, sink = world("a.example"), Sink()
        n = Node(dns, sink, "mx3", "postgresql://sekisho@/postgres?host=" + server.dir)
        n.live(0)
        t.ok(n.until(lambda s: s["sends"]), "PostgreSQL is there")
        server.kill()
        n.rows(("a.example", 0, 7))
        t.ok(n.until(lambda s: [x["of"] for x in s["troubles"]] == ["store"]), "PostgreSQL is away: it is said", n.role.status())
        t.ok(os.path.exists(n.path(1)), "… and rows wait")
        assert server.start()
        t.ok(n.until(lambda s: s["rows"] == 7 and s["troubles"] == [] and s["sends"], 30), "it is back: they are taken in")
        t.equal([sum(x in line for line in n.role.log) for x in ("rows wait in", "store works again")], [1, 1], "each was said once")
        n.end()
        n.gone()
    finally:
        server.done()


def test_password():
    """A database by TCP and name, whose password is in a file."""
    if pgkit.programs() is None:
        t.ok(True, "PostgreSQL # SKIP no server is installed")
        return
    server = pgkit.Server()
    try:
        assert server.start()
        port = free_port()
        server.sql("SET password_encryption = 'scram-sha-256'; ALTER USER sekisho PASSWORD 'secret'")
        server.sql("ALTER SYSTEM SET port = %d" % port)
        with open(server.dir + "/data/pg_hba.conf", "w") as f:
            f.write("local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n")
        server.kill()
        server.env["PGPORT"] = str(port)
        assert server.start("127.0.0.1")
        path = server.dir + "/pgpass"
        with open(path, "w") as f:
            f.write("localhost:%d:postgres:sekisho:secret\n" % port)
        os.chmod(path, 0o600)
        dns, sink = world("a.example"), Sink()
        n = Node(dns, sink, store="postgresql://sekisho@localhost:%d/postgres?passfile=%s" % (port, path), pass_file=path)
        n.rows(("a.example", 0, 7))
        n.life(1)
        t.equal(sums(sink.mails), {("a.example", 0): 7}, "PostgreSQL by TCP, with a password out of a file")
        os.unlink(path)
        n.live(1)
        t.ok(n.until(lambda s: [x["of"] for x in s["troubles"]] == ["store"]), "… and not without it")
        s = n.role.status()
        t.ok("Permission denied" in str(s), "… which is said", s)
        t.ok("localhost" not in str(s) + str(n.role.log), "… of which nothing is printed", (s, n.role.log))
        n.end()
        n.gone()
    finally:
        server.done()


SENDMAIL = """#!/bin/sh
echo "$@" >> args
while IFS= read -r line; do printf '%s\\n' "$line"; done > mail.$$
test -e fail && echo "no such user" >&2 && exit 67
exit 0
"""


def test_program():
    dns, sink = world("a.example"), Sink()
    program = tempfile.mktemp(prefix="sendmail")
    with open(program, "w") as f:
        f.write(SENDMAIL)
    os.chmod(program, 0o755)
    n = Node(dns, sink, via="sendmail:" + program)
    n.rows(("a.example", 0, 2))
    s = n.life(1)
    t.equal((s["sent"], open(n.dir + "/mail-out/args").read()), (1, "-i -f <> -- d@a.example\n"), "by a program")
    mail = [x for x in os.listdir(n.dir + "/mail-out") if x.startswith("mail")][0]
    text = open(n.dir + "/mail-out/" + mail, newline="").read()
    t.ok("To: <d@a.example>" in text and "\r" not in text and len(text) > 1000, "… the whole mail", text)
    with open(program, "w") as f:
        f.write(SENDMAIL.replace("test -e fail &&", ""))
    n.rows(("a.example", 1, 2))
    s = n.life(2)
    t.ok(s["refused"] == 1 and "67: no such user" in s["error"], "its word that there is none", s)
    with open(program, "w") as f:
        f.write("#!/bin/sh\nexit 126\n")
    n.rows(("a.example", 2, 2))
    n.live(3)
    t.ok(n.until(lambda s: [x["of"] for x in s["troubles"]] == ["via"]), "one that cannot be run: reports wait")
    box = subprocess.run(["ps", "-o", "pid=", "--ppid", str(n.role.p.pid)], capture_output=True, text=True, check=True).stdout
    os.kill(int(box), signal.SIGKILL)
    try:
        n.role.until(lambda: False)
        t.ok(False, "a role without its box begins anew")
    except EOFError:
        t.equal(n.role.p.wait(), 1, "a role without its box begins anew")
    os.unlink(program)
    n.gone()


def test_msmtp():
    if not os.path.exists("/usr/bin/msmtp"):
        t.ok(True, "msmtp in the box # SKIP there is no msmtp")
        return
    dns, sink = world("a.example", "b.example"), Sink(lambda stage, to: "550 5.1.1 nobody" if to == "d@a.example" else GOOD)
    program = tempfile.mktemp(prefix="msmtp")
    with open(program, "w") as f:
        f.write("#!/usr/bin/msmtp -C\naccount default\nhost 127.0.0.1\nport %d\n" % sink.port)
    os.chmod(program, 0o700)
    n = Node(dns, sink, via="sendmail:" + program)
    n.rows(("a.example", 0, 2), ("b.example", 0, 3))
    s = n.life(1)
    t.equal((s["sent"], s["refused"], sums(sink.mails), sink.mails[0].sender), (1, 1, {("b.example", 0): 3}, ""),
            "msmtp in its box: what a server says through it is understood", s)
    os.unlink(program)
    n.gone()


for name, test in sorted(globals().items()):
    if name.startswith("test_") and (len(sys.argv) == 1 or name in sys.argv[1:]):
        test()
sys.exit(t.done())
