#!/usr/bin/env python3
"""
sekisho mail domains and sekisho mail reports: what they say of a store that role report has
filled from the milters' journals, and where there is none.
"""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ET

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(1, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "peer"))
import pgkit  # noqa: E402
import role_kit  # noqa: E402
from house import Tap, patient, run  # noqa: E402
from mail_dns_server import TXT, Server, txt  # noqa: E402
from smtp_sink import GOOD, Sink  # noqa: E402

t = Tap()
TOOL = os.path.join(role_kit.BUILD, "tests", "mail", "rows-write")
DAY = 86400
TODAY = int(time.time()) // DAY
T0, LATE = TODAY * DAY, 23 * 3600
MANY = int(os.environ.get("SEKISHO_MAIL_DOMAINS", "2000"))
CONF = """state: state
mail:
  milter: {listen: "unix:/nowhere"}
  reports: %s
  reporting:
    email: dmarc@us.example
    store: "%s"
"""


def stamp(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def date(day):
    return stamp(T0 + day * DAY)[:10]


class World:
    """A state directory, lives of role report in it, and what the commands say."""

    def __init__(self, dns=None, sink=None, store=""):
        self.dir = tempfile.mkdtemp(prefix="reports")
        self.state, self.conf, self.n, self.serial = self.dir + "/state", self.dir + "/sekisho.conf", 0, 0
        self.dns, self.sink, self.store = dns, sink, store
        os.makedirs(self.state + "/mail-rows")
        self.write("aggregate")

    def write(self, reports):
        with open(self.conf, "w") as f:
            f.write(CONF % (reports, self.store))

    def rows(self, *groups):
        """(author's domain, sender, day, n, disposition[, rua]): one segment."""
        lines = []
        for domain, sender, day, n, disposition, *rua in groups:
            for _ in range(n):
                self.serial += 1
                lines.append("\t".join(("mx1", "Q%d" % self.serial, str(T0 + day * DAY + self.serial % 80000), domain,
                                        rua[0] if rua else "mailto:d@" + domain, "192.0.2.1", disposition)
                                       + ((sender,) if sender else ())))
        self.n += 1
        got = subprocess.run([TOOL, str(self.n)], input="\n".join(lines).encode("utf-8", "surrogateescape"), check=True,
                             capture_output=True)
        path = "%s/mail-rows/%020d" % (self.state, self.n)
        with open(path + ".new", "wb") as f:
            f.write(got.stdout)
        os.rename(path + ".new", path + ".rows")

    def life(self, day, cond, seconds=LATE, **more):
        """One of role report, from that day and time on, until cond of its status."""
        conf = dict(folder=self.state, store=self.store or self.state + "/mail-reports/reports.sqlite", email="dmarc@us.example",
                    org_name="us.example", via=self.sink.via if self.sink else "smtp://127.0.0.1:1", timeout=5,
                    resolver=self.dns.address if self.dns else "127.0.0.1:1", mail_max=10, keep_rows=14 * DAY,
                    keep_names=400 * DAY)
        role = role_kit.Role("report", {**conf, **more}, offset=T0 + day * DAY + seconds - int(time.time()))
        assert role.ready(), role.log
        got = role.until(lambda: cond(role.status()), 30)
        if not got:
            t.diag("\n".join(role.log + [repr(role.status())]))
        role.close()
        return got

    def run(self, verb, *words, at=(1, LATE), **kw):
        when = stamp(T0 + at[0] * DAY + at[1])
        return run("mail", verb, "-c", self.conf, "--at", when, *words, cwd=self.dir, **kw)

    def said(self, verb, *words, **kw):
        """Its lines; it must be well."""
        code, out, err = self.run(verb, *words, **kw)
        t.equal((code, err), (0, ""), " ".join(("mail", verb) + words) or verb)
        return out.splitlines()

    def json(self, verb, *words, **kw):
        return json.loads("\n".join(self.said(verb, "--json", *words, **kw)))

    def gone(self):
        shutil.rmtree(self.dir)


def test_nothing():
    """No store, no rows, no right to look."""
    w = World()
    for verb in ("domains", "reports"):
        code, out, err = w.run(verb)
        t.ok(code == 3 and out == "" and "not there yet" in err and "sekisho serve" in err, verb + ": no store yet", err)
        w.write("none")
        code, out, err = w.run(verb)
        t.ok(code == 3 and out == "" and "mail.reports: aggregate" in err, verb + ": nothing is kept", err)
        t.ok("mail.reports: aggregate" in w.run(verb, "--lang", "ja")[2], verb + ": in Japanese")
        w.write("aggregate")
        t.equal(w.run(verb, "-c", "/nowhere.conf")[0], 3, verb + ": no configuration")
    w.life(0, lambda s: "due" in s)
    path = w.state + "/mail-reports/reports.sqlite"
    t.ok(w.said("domains")[0].startswith("no domain is known yet"), "an empty store: no domain")
    t.equal(w.json("domains"), {"now": T0 + DAY + LATE, "domains": [], "domains_total": 0, "sums": dict.fromkeys(
        ("messages", "passed", "quarantined", "rejected", "complaints"), 0)}, "… as JSON")
    t.equal([x.split(":")[0] for x in w.said("reports")], ["no report is made yet", "all in all"], "… no report")
    t.equal(w.json("reports")["queue"], {"due": 0, "oldest": None, "unaddressed": 0, "waiting_since": None}, "… as JSON")
    t.equal(w.said("reports", "--waiting"), ["no row waits for a report"], "… nothing waits")
    w.write("none")
    code, out, err = w.run("domains")
    t.ok(code == 0 and out.startswith("no domain") and "nothing new is kept" in err, "what was kept before is still shown", err)
    w.write("aggregate")
    if os.geteuid() != 0:
        os.chmod(path, 0)
        t.ok("may not read" in w.run("domains")[2], "no right to read it")
    else:
        os.chmod(w.dir, 0o755)
        os.chmod(w.state + "/mail-reports", 0o700)
        code, out, err = w.run("domains", user="nobody", group="nogroup", extra_groups=[])
        t.ok(code == 3 and "may not read" in err, "no right to read it", (code, err))
    os.truncate(path, 0)
    for x in os.listdir(w.state + "/mail-reports"):
        if x.endswith(("-wal", "-shm")):
            os.unlink(w.state + "/mail-reports/" + x)
    t.ok("no tables" in w.run("reports")[2], "a file without tables", w.run("reports")[2])
    with open(path, "w") as f:
        f.write("this is no database, but it is longer than a head of SQLite's would be: " * 20)
    code, out, err = w.run("reports")
    t.ok(code == 3 and "no store of reports" in err, "a file that is none", err)
    w.gone()


def test_usage():
    w = World()
    for verb, words in (("domains", ("--sort", "size")), ("domains", ("-n", "0")), ("domains", ("--since", "soon")),
                        ("domains", ("a.example", "b.example")), ("domains", ("a..example",)), ("domains", ("",)),
                        ("reports", ("--only", "lost")), ("reports", ("--show", "0")), ("reports", ("--show", "x")),
                        ("reports", ("--show", "1", "--xml", "1")), ("reports", ("--show", "1", "--waiting")),
                        ("reports", ("--xml", "1", "a.example")), ("reports", ("--waiting", "--only", "due")),
                        ("reports", ("--part", "2")), ("reports", ("--day", "2026-11-22", "--since", "2026-11-22")),
                        ("reports", ("--day", "@7")), ("reports", ("a.example", "b.example"))):
        code, out, err = w.run(verb, *words)
        t.ok(code == 2 and out == "" and err.count("\n") == 1, "wrong usage: %s %s" % (verb, " ".join(words)), err)
    w.gone()


def test_domains():
    w = World()
    w.rows(("a.example", "a.example", 0, 5, "none"), ("b.example", "news.b.example", 0, 2, "quarantine"))
    w.rows(("c.example", "c.example", 2, 3, "reject"), ("a.example", "a.example", 2, 1, "reject"), ("d.example", "", 2, 9, "none"))
    w.life(2, lambda s: s["rows"] == 20 and s["segments"] == 0)
    lines = w.said("domains")
    t.equal([x.split() for x in lines[1:4]],
            [[date(0), date(2), "6", "5", "0", "1", "0", "a.example"], [date(2), date(2), "3", "0", "0", "3", "0", "c.example"],
             [date(0), date(0), "2", "0", "2", "0", "0", "news.b.example"]], "who was seen, by volume")
    t.equal((lines[4][:24], len(lines)), ("3 domains, 0 complaints;", 5), "and how many; who only wrote the name was not")
    t.equal(len({x.rstrip().rfind("  ") for x in lines[:4]}), 1, "columns stand below each other", "\n".join(lines))
    got = w.json("domains")
    t.equal((got["domains_total"], got["sums"]), (3, dict(messages=11, passed=5, quarantined=2, rejected=4, complaints=0)), "sums")
    t.equal({k: v for k, v in got["domains"][0].items() if k not in ("first", "last")},
            dict(domain="a.example", messages=6, passed=5, quarantined=0, rejected=1, complaints=0), "… and each")

    def names(*words):
        return [x["domain"][0] for x in w.json("domains", *words)["domains"]]
    for words, want in ((("--sort", "name"), "acn"), (("--sort", "stopped"), "cna"), (("--sort", "last"), "acn"),
                        (("--sort", "first"), "cna"), (("--since", date(1)), "ac"), (("--new-since", date(1)), "c"),
                        (("b.example",), "n"), (("news.B.example.",), "n"), (("x.b.example",), ""), (("example",), "acn"),
                        (("-n", "1"), "a")):
        t.equal("".join(names(*words)), want, " ".join(words))
    t.ok("1 of them are shown" in w.said("domains", "-n", "1")[-1], "that there are more is said")
    t.equal(w.said("domains", "z.example"), ["no such domain was seen authenticated"], "nobody of that name")
    t.ok("ドメイン" in "".join(w.said("domains", "--lang", "ja")), "in Japanese")
    w.gone()


def test_hostile():
    """Names that strangers choose: a line each, whatever is in them."""
    w, long = World(), ".".join(["x" * 60] * 4)
    names = ["\x1b[31mred.example", "\u202eelpmaxe.moc", "a b.example", "\udcff.example", long, '"{[,.example']
    w.rows(*[(n, n, 0, 2 + i, "none") for i, n in enumerate(names)])
    w.life(1, lambda s: s["rows"] == 27 and s["made"] > 0 and "due" in s)
    for words in (("domains",), ("domains", "--lang", "ja"), ("reports",), ("reports", "--lang", "ja"), ("reports", "--show", "1")):
        out = "\n".join(w.said(*words))
        t.ok(not any(ord(c) < 32 and c != "\n" or c in "\u202e\x7f" for c in out), "%s: nothing moves the cursor" % (words,), repr(out))
    lines = w.said("domains")
    t.equal(len(lines), 1 + len(names) + 1, "a line each")
    t.ok(any(x.endswith(long) for x in lines), "a long name stands there as a whole")
    t.equal([x["messages"] for x in w.json("domains")["domains"]], [7, 6, 5, 4, 3, 2], "valid JSON")
    t.equal(len({x["domain"] for x in w.json("reports")["reports"]}), len(names), "… and of reports")
    w.gone()


def test_reports():
    words = {"d@b.example": "550 5.1.1 nobody here\x1b[2J", "d@c.example": "451 4.7.1 not now"}
    dns = Server({("_dmarc." + d, TXT): [txt("v=DMARC1; p=reject; rua=mailto:d@" + d)] for d in ("a.example", "b.example", "c.example")})
    w = World(dns, Sink(lambda stage, to: words.get(to, GOOD) if stage == "rcpt" else GOOD))
    w.rows(("a.example", "", 0, 5, "none"), ("a.example", "", 0, 2, "reject"), ("b.example", "", 0, 1, "none"),
           ("c.example", "", 0, 1, "none"), ("n.example", "", 0, 4, "none", "mailto:x@unasked.example"))
    t.ok(w.life(1, lambda s: s["sent"] + s["later"] + s["refused"] == 3 and s.get("due") == 1 and s["unaddressed"] == 0),
         "a day of reports")
    w.rows(("a.example", "", 1, 3, "none"), ("late.example", "", 0, 1, "none", "mailto:x@elsewhere.example"))
    w.life(1, lambda s: s["rows"] == 4 and s["segments"] == 0 and "due" in s, seconds=LATE + 60)
    got = {x["domain"]: x for x in w.json("reports")["reports"]}
    t.equal({d: (x["state"], x["address"], x["attempts"]) for d, x in got.items()},
            {"a.example": ("sent", "d@a.example", 1), "b.example": ("given-up", "d@b.example", 1),
             "c.example": ("due", "d@c.example", 1), "n.example": ("nobody", None, 0)}, "what became of each")
    t.ok(all(T0 + DAY + LATE <= got[d]["when"] <= T0 + DAY + LATE + 120 for d in ("a.example", "b.example")),
         "when it went out, and was refused", got)
    t.ok(3500 <= got["c.example"]["when"] - T0 - DAY - LATE <= 3800, "when it is tried again", got["c.example"])
    t.ok(got["c.example"]["error"].startswith("451 4.7.1 not now"), "and why it waits")
    t.equal({x["day"] for x in got.values()}, {T0}, "about which day")
    lines = w.said("reports")
    t.equal(len(lines), 1 + 4 + 3, "a line each, and how it stands", "\n".join(lines))
    t.ok(any("451 4.7.1 not now" in x and " is due " in x and "d@c.example: " in x for x in lines), "the queue's reason", lines)
    text = "\n".join(lines)
    t.ok("to be sent: 1 mails" in text and "rows since %s wait" % date(0) in text and
         "11 rows" not in text and "17 rows, 4 reports made, 1 of them for nobody; 1 mails sent, 1 put off, 1 given up" in text,
         "the whole in numbers", text)
    q = w.json("reports")
    t.equal((q["queue"]["due"], q["queue"]["waiting_since"], q["totals"]["made"], q["dead"]), (1, T0, 4, []), "… as JSON")
    for state, want in (("due", "c"), ("sent", "a"), ("given-up", "b"), ("nobody", "n"), ("asking", "")):
        t.equal("".join(x["domain"][0] for x in w.json("reports", "--only", state)["reports"]), want, "--only " + state)
    t.equal([x["domain"] for x in w.json("reports", "B.example")["reports"]], ["b.example"], "of a domain")
    t.equal([len(w.json("reports", "--day", date(d))["reports"]) for d in (0, 1)], [4, 0], "of a day")
    t.equal([len(w.json("reports", "--since", date(d))["reports"]) for d in (0, 1)], [4, 0], "since a day")
    t.equal(len(w.json("reports", "-n", "2")["reports"]), 2, "so many")
    t.ok("the newest 2 are shown" in "\n".join(w.said("reports", "-n", "2")), "… and it is said")
    t.equal(w.said("reports", "z.example"), ["no such report"], "none of a domain")
    t.equal([(x["domain"], x["day"] - T0) for x in w.json("reports", "--waiting")["waiting"]],
            [x[1:] for x in sorted((x["at"], x["domain"], x["day"] - T0) for x in w.json("reports", "--waiting")["waiting"])],
            "what waits comes in its order")
    waiting = {x["domain"]: x["at"] for x in w.json("reports", "--waiting")["waiting"]}
    t.ok(set(waiting) == {"a.example", "late.example"} and
         all(T0 + 2 * DAY + 2 * 3600 <= at < T0 + 2 * DAY + 22 * 3600 for at in waiting.values()), "reports of tomorrow", waiting)
    t.equal(len(w.said("reports", "--waiting", "late.example")), 3, "of one domain")
    one(w, got)
    w.life(2, lambda s: s["made"] == 2 and s["unaddressed"] == 1, resolver="127.0.0.1:1")
    asking = w.json("reports", "--only", "asking")["reports"]
    t.equal([x["domain"] for x in asking], ["late.example"], "no DNS: it is not known whether elsewhere.example agrees")
    t.ok("the DNS is asked: 1" in "\n".join(w.said("reports")), "… it is said")
    t.ok("not known yet" in "\n".join(w.said("reports", "--show", str(asking[0]["id"]))), "… of each")
    for day in (2, 3):
        w.rows(("b.example", "", day, 1, "none"))
        w.life(day + 1, lambda s: s["refused"] == 1 and s.get("due") is not None)
    dead = w.json("reports", at=(4, LATE))["dead"]
    t.equal([(x["address"], x["failures"]) for x in dead], [("d@b.example", 3)], "who refused three times gets none for a month")
    t.ok("refused 3 in a row for good: d@b.example" in "\n".join(w.said("reports", at=(4, LATE))), "… it is said")
    t.ok("d@b.example" in w.said("reports", "--lang", "ja", at=(4, LATE))[-1], "… in Japanese")
    w.gone()


def one(w, got):
    """--show and --xml."""
    a, n = got["a.example"]["id"], got["n.example"]["id"]
    code, out, err = w.run("reports", "--xml", str(a))
    sent, = w.sink.mails
    t.ok(code == 0 and err == "" and out.encode() == sent.xml, "its text is what was sent, octet by octet", (code, err, out[:300]))
    t.equal(ET.fromstring(out).tag.rpartition("}")[2], "feedback", "… and XML")
    shown = w.json("reports", "--show", str(a))
    t.equal((shown["messages"], shown["records"], shown["parts"], shown["report_id"], shown["rua"], [x["state"] for x in shown["to"]]),
            (7, 2, 1, sent.id, ["mailto:d@a.example"], ["sent"]), "what is known of it")
    text = "\n".join(w.said("reports", "--show", str(a)))
    t.ok(sent.id in text and "7, in 2 records" in text and "d@a.example (tries: 1)" in text, "… in words", text)
    t.ok(sent.id in "\n".join(w.said("reports", "--show", str(a), "--lang", "ja")), "… in Japanese")
    t.equal(w.json("reports", "--show", str(n))["state"], "nobody", "one that goes to nobody")
    t.ok("it goes to nobody" in "\n".join(w.said("reports", "--show", str(n))), "… in words")
    for words in (("--show", "77"), ("--xml", "77")):
        code, out, err = w.run("reports", *words)
        t.ok(code == 1 and out == "" and "no report 77" in err, "no such number: " + words[0], err)
    t.ok("has 1 parts" in w.run("reports", "--xml", str(a), "--part", "2")[2], "no such part")


def test_many():
    """SEKISHO_MAIL_DOMAINS=100000: what it costs."""
    w, start = World(), time.monotonic()
    for first in range(0, MANY, 20000):
        w.rows(*[("d%06d.example" % i, "d%06d.example" % i, 0, 1 + (i == 77), "none") for i in range(first, min(first + 20000, MANY))])
    codes = []

    def taken(s):
        """Both commands look on while it works."""
        codes.extend(w.run(verb, "-n", "1000000")[0] for verb in ("domains", "reports"))
        return s["rows"] == MANY + 1 and s["segments"] == 0 and s["made"] == MANY and s
    s = w.life(1, taken)
    t.equal(([x["of"] for x in s["troubles"]], set(codes[codes.index(0):])), (["via"], {0}), "who looks on and who works do not disturb each other")
    t.diag("%d domains, taken in and reports made: %.1f s" % (MANY, time.monotonic() - start))

    def timed(*words):
        start = time.monotonic()
        got = w.json(*words)
        t.diag("%-40s %.3f s" % (" ".join(words), time.monotonic() - start))
        return got
    got = timed("domains")
    t.equal((len(got["domains"]), got["domains"][0]["domain"], got["domains_total"]), (50, "d000077.example", MANY), "the first 50 of many")
    t.equal(len(timed("domains", "-n", "1000000")["domains"]), MANY, "all")
    t.equal(timed("domains", "d000077.example")["domains"][0]["messages"], 2, "one of them")
    t.equal(len(timed("reports")["reports"]), 50, "the newest 50 reports")
    t.equal(len(timed("reports", "-n", "1000000")["reports"]), MANY, "all reports")
    t.equal(len(timed("reports", "d000077.example")["reports"]), 1, "that of a domain")
    t.equal(len(timed("reports", "--day", date(0))["reports"]), 50, "those of a day")
    t.equal(len(timed("reports", "--only", "sent")["reports"]), 0, "those that are sent: none")
    w.gone()


def test_server():
    """The same in PostgreSQL."""
    if pgkit.programs() is None:
        t.skip("a server", "PostgreSQL is not installed")
        return
    server = pgkit.Server()
    server.start()
    w = World(store=server.url("public"))
    t.ok("no tables" in w.run("domains")[2], "a server without tables", w.run("domains")[2])
    w.rows(("a.example", "a.example", 0, 5, "none"), ("b.example", "news.b.example", 0, 2, "reject"))
    w.life(1, lambda s: s["rows"] == 7 and s["made"] == 2 and "due" in s)
    t.equal([(x["domain"], x["messages"]) for x in w.json("domains")["domains"]], [("a.example", 5), ("news.b.example", 2)], "domains")
    t.equal([x["domain"] for x in w.json("domains", "b.example", "--sort", "last")["domains"]], ["news.b.example"], "… below one")
    for words in ((), ("--only", "due"), ("--day", date(0)), ("--since", date(0))):
        t.equal(sorted(x["domain"] for x in w.json("reports", *words)["reports"]), ["a.example", "b.example"], "reports " + " ".join(words))
    one = w.json("reports", "b.example")["reports"][0]["id"]
    t.equal(w.json("reports", "--show", str(one))["messages"], 2, "one report")
    t.equal(ET.fromstring(w.run("reports", "--xml", str(one))[1]).tag.rpartition("}")[2], "feedback", "… and its text")
    t.equal(w.json("reports", "--waiting")["waiting"], [], "nothing waits")
    server.done()
    code, out, err = w.run("domains")
    t.ok(code == 3 and out == "" and "does not answer" in err and "sekisho@" not in err, "a server that is not there", err)
    w.gone()


for name, test in sorted(globals().items()):
    if name.startswith("test_") and (len(sys.argv) == 1 or name in sys.argv[1:]):
        test()
sys.exit(t.done())
