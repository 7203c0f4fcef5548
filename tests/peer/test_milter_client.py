#!/usr/bin/env python3
"""
Role milter of `sekisho serve`, and an MTA of our own before it that does what Postfix and Sendmail
do seldom or never: old protocols, orders of steps, what is left out, what is too much, many at a
time; and a reload, new keys and the end of the role in the middle of a message.
"""
import collections
import os
import signal
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "cli"))
sys.path.insert(0, os.path.join(HERE, "..", "lab"))
import house  # noqa: E402
import rowskit  # noqa: E402
from mail_dns_server import TXT, Server, txt  # noqa: E402
from milter_client import ALL_ACTIONS, ALL_STEPS, LEADING_BLANK, Mta, fields  # noqa: E402
from patience import patient, wait_for  # noqa: E402
from tap import Tap  # noqa: E402
from test_milter_postfix import key_make  # noqa: E402

RECORDS = {
    ("good.test", TXT): [txt("v=spf1 ip4:192.0.2.1 -all")],
    ("_dmarc.good.test", TXT): [txt("v=DMARC1; p=reject; rua=mailto:d@good.test")],
    ("strict.test", TXT): [txt("v=spf1 ip4:192.0.2.9 -all")],
    ("_dmarc.strict.test", TXT): [txt("v=DMARC1; p=reject; rua=mailto:d@strict.test")],
    ("slow.test", TXT): [txt("v=spf1 ip4:192.0.2.1 -all")],
}
MAIL = """mail:
  milter:
    listen: unix:%(sock)s
    mode: "0600"
  authserv-id: mx.local.test
  reports: aggregate
  reporting: {email: dmarc@local.test}
  own-networks: 192.0.2.77/32
  policy: enforce
  on-failure: tempfail
  resolver: %(resolver)s
  max-messages: 200
"""
FORGED = ("Authentication-Results", " mx.local.test; dmarc=pass header.from=bank.test")
OTHERS = ("Authentication-Results", " mx.elsewhere.test; dmarc=fail header.from=bank.test")
GOOD, BAD, OURS = fields("a@good.test"), fields("a@strict.test"), fields("a@ours.test")


class Gate(house.House):
    """sekisho serve with nothing but mail to do; its keys are those of the house."""

    def __init__(self, folder, resolver):
        self.sock = os.path.join(folder, "run", "milter")
        os.makedirs(os.path.dirname(self.sock))
        self.mail = MAIL % {"sock": self.sock, "resolver": resolver}
        super().__init__(folder)
        self.made = 0

    def write_conf(self, rtr="", top=""):
        with open(self.conf, "w") as f:
            f.write("state: state\nrpki:\n  tals: house.tal\nfetch:\n  mode: off\nrtr:\n  listen: 127.0.0.1:%d\n"
                    "web:\n  listen: 127.0.0.1:%d\nlog:\n  op: op.log\n" % tuple(self.ports) + self.mail)

    def counts(self):
        return self.status()["details"]["milter"]["status"]

    def pid(self, name="milter"):
        return self.role(name)["pid"]

    def up(self):
        return wait_for(lambda: self.role("milter")["ready"] and self.counts()["keys"], 10)

    def mta(self, client="192.0.2.1", helo="mx.good.test", **kw):
        m = Mta(self.sock, **kw)
        m.connect(client)
        m.helo(helo)
        return m

    def one(self, head=GOOD, client="192.0.2.1", sender="a@good.test", **kw):
        """A message of a connection of its own."""
        with self.mta(client) as m:
            return m.message(sender, head, **kw)

    def rows(self, prefix=""):
        return sorted(r["id"] for r in rowskit.kept(self.state) if r["id"].startswith(prefix))

    # --- keys ---

    def roll(self, old=False):
        """A younger key is in use; old: that one's row stays. Its selector."""
        self.made += 1
        s = "k%d" % self.made
        folder, now = os.path.join(self.state, "mail-keys"), int(time.time())
        os.makedirs(os.path.join(folder, "ours.test"), mode=0o700, exist_ok=True)
        path = os.path.join(folder, "ours.test", s + ".pem")
        subprocess.run(["openssl", "genpkey", "-out", path, "-algorithm", "ed25519"], check=True, capture_output=True)
        os.chmod(path, 0o600)
        with open(os.path.join(folder, "table.new"), "w") as f:
            f.write("sekisho mail keys 1\n")
            for n in range(1 if old else self.made, self.made + 1):
                at = now - 90 * 86400 + n
                f.write("ours.test\tk%d\ted25519-sha256\t%d\t%d\t%d\t%d\t3\n" % (n, at, at, at, at))
        os.rename(os.path.join(folder, "table.new"), os.path.join(folder, "table"))
        return s

    def selector(self):
        """What signs now."""
        v = self.one(OURS, "192.0.2.77", "a@ours.test", i="own")
        return selector(v)


def selector(v):
    sig = v.added("DKIM-Signature") if not isinstance(v, str) else []
    return sig[0].split("s=")[1].split(";")[0] if sig else None


# --- protocols and orders ---

def protocols(t, g):
    """Version 2 has no DATA (Postfix: milter_protocol = 2), no macro lists, no leading blank, and an answer to each step."""
    for what, kw in (("version 6", {}), ("version 2", {"version": 2, "actions": 0x3f, "steps": 0x7f}),
                     ("version 2, nothing offered", {"version": 2, "actions": 0, "steps": 0}),
                     ("without leading blanks", {"steps": ALL_STEPS & ~LEADING_BLANK}),
                     ("without answers to spare", {"steps": 0x1007ff}), ("without macro lists", {"actions": ALL_ACTIONS & ~0x100})):
        with g.mta(**kw) as m:
            m.mail("a@good.test")
            m.rcpt("b@local.test")
            if m.version > 3:
                m.data(i="P-" + what[-4:])
            else:
                m.macros("T", i="P-v2")
            head = GOOD if m.steps & LEADING_BLANK else [(n, v.lstrip()) for n, v in GOOD]
            m.head(head + [FORGED])
            m.body(b"Good day.\r\n")
            v = m.end()
            blank = " " if m.steps & LEADING_BLANK else ""
            if kw.get("actions") == 0:	# such an MTA cannot remove fields
                t.equal((v.what, v.code), ("reply", 451), what + ": nothing can be changed: later", v)
                continue
            t.equal((v.what, v.removed("Authentication-Results")), ("accept", [1]), what + ": judged", v)
            t.ok(v.added("Authentication-Results")[0].startswith(blank + "mx.local.test;"), "… and its blanks are as agreed", v)
            v = m.message("a@good.test", BAD, i="P2-" + what[-4:]) if m.version > 3 else None
            t.ok(v is None or (v.code == 550 and "strict.test" in v.text), "… and another one is refused", v)


def orders(t, g):
    with g.mta() as m:
        for i in range(20):
            v = m.message("a@good.test", BAD if i % 2 else GOOD, i="O%d" % i)
            if v.what != ("reply" if i % 2 else "accept"):
                break
        t.ok(i == 19, "twenty messages of a connection, refused and let in by turns", v)
        for step in range(6):
            m.mail("x@strict.test", auth_authen="taro")
            for n, do in enumerate((lambda: m.rcpt("b@local.test"), lambda: m.data(i="gone%d" % step), lambda: m.field(*OTHERS),
                                    m.eoh, lambda: m.body(b"half"))):
                if n < step:
                    do()
            m.abort()
        v = m.message("a@good.test", BAD, i="O-after")
        t.equal(v.code, 550, "aborted at each step, then a whole one: nothing of those before is left (nobody has logged in)", v)
        m.helo("one.test")
        m.helo("two.test")
        v = m.message("", fields("a@good.test"), i="O-helo")
        t.ok("two.test" in v.text, "HELO again: the last one counts", v)
        m.mail("a@good.test")
        m.rcpt("b@local.test")
        m.data(i="O-nobody")
        m.head(GOOD)
        v = m.end()
        t.equal(v.what, "accept", "no body at all", v)
        m.mail("a@good.test")
        m.mail("a@good.test")
        v = m.message("a@good.test", GOOD, i="O-mails")
        t.equal(v.what, "accept", "MAIL three times", v)
    t.equal(g.rows("gone"), [], "nothing is noted of what was aborted")
    t.ok(wait_for(lambda: g.counts()["judging"] == 0 and g.counts()["connections"] == 0, 5), "… nor counted as being judged", g.counts())


def odd_orders(t, g):
    """What no MTA does, and libmilter lets through."""
    for what, steps in (("MAIL without a connection", "MRTLNBE"), ("a body behind an abort", "CHMABE"), ("RCPT and DATA behind an abort", "CHMARTLNBE"),
                        ("DATA behind an unknown command", "CHUTLNBE"), ("a body without a head", "CHMRBE"), ("an end behind RCPT", "CHMRE"),
                        ("fields without DATA", "CHMRLNBE"), ("only an end", "CHE"), ("twice negotiated", "OCHMRTLNBE"),
                        ("connected twice", "CCHMRTLNBE"), ("HELO in the middle", "CHMRTLHMRTLNBE")):
        with Mta(g.sock) as m:
            m.s.settimeout(patient(1))
            for c in steps:
                try:
                    if c == "O":
                        m.send("O", b"\0\0\0\6" + b"\0\0\1\xff" + b"\0\x1f\xff\xff")
                    elif c == "L":
                        m.head(BAD)
                    elif c == "T":
                        m.send("D", b"Ti\0odd\0")
                        m.send("T")
                    elif c == "N":
                        pass
                    elif c == "A":
                        m.abort()
                    else:
                        m.send(c, {"C": b"x\0004\0\x19192.0.2.1\0", "H": b"mx\0", "M": b"<a@good.test>\0", "R": b"<b@local.test>\0",
                                   "B": b"text\r\n", "U": b"WHAT\0", "E": b""}[c])
                except OSError:
                    break
    t.ok(wait_for(lambda: g.counts()["judging"] == 0 and g.counts()["connections"] == 0, 10), "orders that no MTA has: nothing is left of them", g.counts())
    for noise in (b"\0\0\0\0", b"\xff\xff\xff\xffO", b"\0\0\0\1O", b"\0\0\0\5Oabc", b"\0\0\0\1Z", b"GET / HTTP/1.1\r\n\r\n" * 10):
        with Mta(g.sock) as m:
            m.s.sendall(noise)
    t.equal(g.one(BAD, i="odd-after").code, 550, "noise: the next one is judged")
    with g.mta() as m:	# as long as it is, RFC 1123's machines and libmilter's own limit
        m.send("L", b"X" * 70000 + b"\0v\0")
    t.equal(g.one(BAD, i="odd-long").code, 550, "a packet that is too long: the next one is judged")


def again(t, g):
    """Quit, and a new connection on the same socket (SMFIC_QUIT_NC)."""
    with g.mta() as m:
        m.message("a@good.test", GOOD, i="N1")
        m.mail("x@good.test")	# behind an acceptance libmilter does not hear it
        m.abort()
        m.send("K")
        m.connect("192.0.2.77")
        m.helo("mx.other.test")
        v = m.message("a@ours.test", OURS, i="N2")
        t.ok(not isinstance(v, str) and v.what == "accept" and len(v.added("DKIM-Signature")) == 1, "another connection of the same socket: one of our own", v)
        m.mail("x@good.test")
        m.abort()
        m.send("K")
        m.connect("192.0.2.1")
        m.helo("mx.other.test")
        v = m.message("a@good.test", BAD, i="N3")
        t.ok(not isinstance(v, str) and v.code == 550, "… and a stranger", v)
        m.send("Q")
    t.ok(wait_for(lambda: g.counts()["connections"] == 0, 5), "… and none is left", g.counts())


def unknown(t, g):
    """A client whose address is not known is nobody of ours."""
    with Mta(g.sock) as m:
        m.connect("", "unknown")
        m.helo("mx")
        v = m.message("a@strict.test", BAD, i="U1")
        t.equal(v.code, 550, "no address, and no name (Postfix: unknown[unknown]): a stranger", v)
    with Mta(g.sock) as m:
        m.connect("", "localhost")
        m.helo("mx")
        v = m.message("a@ours.test", OURS, i="U2")
        t.ok(len(v.added("DKIM-Signature")) == 1, "no address, on this host: a program of ours", v)


def nameless(t, g):
    """No queue id: not with DATA, and perhaps never."""
    with g.mta() as m:
        m.mail("a@good.test")
        m.rcpt("b@local.test")
        m.data()
        m.head(GOOD)
        m.body(b"Good day.\r\n")
        t.equal(m.end(i="LATE1").what, "accept", "a queue id that comes with the end")
        t.ok(wait_for(lambda: "LATE1" in g.rows(), 5), "… is the row's", g.rows())
        before = len(g.rows())
        t.equal([m.message("a@good.test", GOOD).what for _ in range(3)], ["accept"] * 3, "no queue id at all: let in")
        t.ok(wait_for(lambda: len(g.rows()) == before + 3, 5), "… with a row each", g.rows())
    t.equal(g.counts()["rows_lost"], 0, "… and none lost")


def macros(t, g):
    with g.mta() as m:
        m.send("D", b"M")
        m.send("D", b"Mi")
        m.send("D", b"M{auth_authen}\0")	# a name without a value
        m.send("D", b"Zx\0y\0")
        v = m.message("a@strict.test", BAD, i="M1")
        t.equal(v.code, 550, "macros cut off: nobody has logged in", v)
        m.mail("a@ours.test", auth_authen="taro")
        m.rcpt("x@elsewhere.test")
        m.data(i="M2")
        m.head(OURS)
        v = m.end()
        t.equal(len(v.added("DKIM-Signature")), 1, "who has logged in is one of us", v)
        v = m.message("a@strict.test", BAD, i="M3")
        t.equal(v.code, 550, "… and the next message of that connection is not his", v)


# --- heads ---

def heads(t, g):
    forged = [("Authentication-Results", " mx.local.test; spf=pass"), ("authentication-RESULTS", " MX.local.test; spf=pass"),
              ("Authentication-Results", "\n\tmx.local.test;\n\tspf=pass"),
              ("Authentication-Results", ' "mx.local.test"; spf=pass'), ("Authentication-Results", " (x) mx.local.test (y) 1; none"),
              ("Authentication-Results", " mx.local.test"), ("Authentication-Results", "")]
    head = []
    for f in forged:
        head += [OTHERS, f]
    v = g.one(GOOD + head, i="H1")
    t.equal(v.removed("Authentication-Results"), [14, 12, 10, 8, 6, 4, 2], "forged results in each shape, the last first; those of others stay", v)
    v = g.one(GOOD + [("Authentication-Results ", " mx.local.test; spf=pass")], i="H1")
    t.equal(v.code, 550, "… with a blank before the colon: refused, as programs differ", v)
    v = g.one(GOOD + [FORGED] * 300, i="H2")
    t.equal(v.removed("Authentication-Results"), list(range(300, 0, -1)), "three hundred forged ones")
    for what, value in (("a bare CR", b" a@good.test\r"), ("a bare LF", b" a@good.test\nX: b"), ("CRLF in a fold", b" a@good.test\r\n (x)"),
                        ("eight bits", " 太郎 <a@good.test>".encode()), ("octets that are no UTF-8", b' "\xff\xfe" <a@good.test>'),
                        ("nothing", b""), ("a megabyte", b' "' + b"x" * 60000 + b'" <a@good.test>')):
        v = g.one([("From", value)] + GOOD[1:], i="H3")
        t.ok(v.what == "accept" or v.code in (550, 554), "an author with %s: a verdict" % what, v)
    v = g.one(fields("a@good.test", ("From", " a@strict.test")), i="H4")
    t.equal(v.code, 550, "two authors are refused", v)
    v = g.one(GOOD + [("X-%d" % i, " y") for i in range(5000)], i="H5")
    t.ok(v.what == "accept" or v.code == 550, "five thousand fields: a verdict", v)
    v = g.one(fields("a@good.test", ("X", " \0hidden")), i="H6")
    t.equal(v.what, "accept", "NUL ends a value: so MTAs give them", v)
    for what, name in (("no name", ""), ("blanks", "  "), ("a colon", "a:b"), ("controls", "a\tb\r\n")):
        with g.mta() as m:
            m.mail("a@good.test"), m.rcpt("b@local.test"), m.data(i="H7")
            try:
                m.field(name, " x")
                v = m.head(GOOD) or m.end()
                t.ok(v.what in ("accept", "reply"), "a field's name with %s: a verdict" % what, v)
            except (EOFError, OSError):
                t.ok(True, "a field's name with %s: libmilter ends it" % what)


def crowd_of_rcpts(t, g):
    failed = g.counts()["not_judged"]
    v = g.one(BAD, rcpts=["m%d@local.test" % i for i in range(200)], i="R1")
    t.equal(v.code, 550, "two hundred recipients", v)
    v = g.one(BAD, rcpts=["m%04d%s@local.test" % (i, "x" * 1900) for i in range(1200)], i="R2")
    t.equal(getattr(v, "code", v), 550, "twelve hundred with addresses of two thousand octets: judged all the same", v)
    v = g.one(GOOD, sender="a" * 3000 + "@good.test", i="R3")
    t.ok(v.what in ("accept", "reply"), "a sender of three thousand octets: a verdict", v)
    t.equal(g.counts()["not_judged"], failed, "… and no failure")


# --- in the middle ---

def begun(g, head=GOOD, i="x", client="192.0.2.1", sender="a@good.test"):
    """A message whose end has not come."""
    m = g.mta(client)
    m.mail(sender), m.rcpt("b@local.test"), m.data(i=i), m.head(head), m.body(b"Good day.\r\n")
    return m


def rolled(t, g):
    """Keys change while a message is under way: it is signed, and by the key of its end."""
    first = g.roll()
    t.ok(wait_for(lambda: g.selector() == first, 20), "a key of the house is in use", g.log()[-2000:])
    m = begun(g, OURS, "K1", "192.0.2.77", "a@ours.test")
    for n in range(3):
        s = g.roll(old=True)
        t.ok(wait_for(lambda: g.selector() == s, 20), "key %s is" % s, g.log()[-1000:])
    v = m.end()
    t.equal((v.what, selector(v)), ("accept", s), "three tables later a message that was begun before is signed by the last", v)
    m.close()
    m = begun(g, OURS, "K2", "192.0.2.77", "a@ours.test")
    pid = g.pid("seal")
    os.kill(pid, signal.SIGKILL)
    t.ok(wait_for(lambda: g.pid("seal") not in (0, pid) and g.selector() == s, 20), "who holds the keys lives anew", g.log()[-1000:])
    v = m.end()
    t.equal((v.what, selector(v)), ("accept", s), "… and a message of before is signed", v)
    m.close()


def rolled_under_load(t, g):
    """Every message has a signature, and none is by a key that was not in the table for some while."""
    seen, bad, stop, lock = [], [], threading.Event(), threading.Lock()

    def load():
        with g.mta("192.0.2.77") as m:
            while not stop.is_set():
                v = m.message("a@ours.test", OURS, i="L")
                with lock:
                    seen.append(selector(v))
                    if v.what != "accept" or seen[-1] is None:
                        bad.append(v)
    threads = [threading.Thread(target=load, daemon=True) for _ in range(4)]
    for x in threads:
        x.start()
    was = "k%d" % g.made
    for _ in range(3):
        s = g.roll()	# and the old one is not in the table any more
        t.ok(wait_for(lambda: seen[-8:] == [s] * 8, 20, 0.05), "%s signs" % s, seen[-8:])
    stop.set()
    for x in threads:
        x.join(patient(10))
    changes = [b for a, b in zip(seen, seen[1:]) if a != b]
    t.ok(not bad, "no message of %d without a signature while keys change" % len(seen), bad[:3])
    t.ok(seen[0] == was and all(x is not None and int(x[1:]) >= int(was[1:]) for x in changes), "… and none by an older one", changes[:20])


def crowded(t, g):
    """More at a time than may be judged, by who says DATA and by who does not: later, and the room is there again."""
    g.mail = g.mail.replace("max-messages: 200", "max-messages: 3")
    pid = g.pid()
    g.write_conf()
    house.run("reload", "-c", g.conf)
    t.ok(wait_for(lambda: g.pid() not in (0, pid), 10) and g.up(), "room for three", g.log()[-1000:])
    three = [begun(g, i="C%d" % n) for n in range(3)]
    with g.mta() as m:
        t.equal(m.message("a@good.test", GOOD, i="C3"), "reply", "a fourth one: later, with DATA")
    with g.mta(version=2, actions=0x3f, steps=0x7f) as m:
        m.mail("a@good.test"), m.rcpt("b@local.test"), m.head(GOOD), m.body(b"x\r\n")
        three.pop().close()
        t.ok(wait_for(lambda: g.counts()["judging"] == 2, 5), "one of them ends", g.counts())
        t.equal(g.one(i="C4").what, "accept", "… and the next one has its room, though the fourth has not ended")
        t.equal(m.end().code, 451, "… which is put off at its end, where there is no DATA")
    for m in three:
        t.equal(m.end().what, "accept", "those that were begun have their verdicts")
        m.close()
    c = g.counts()
    t.equal((c["crowded"], c["not_judged"], c["judging"]), (2, 0, 0), "each is counted once", c)
    g.mail = g.mail.replace("max-messages: 3", "max-messages: 200")
    pid = g.pid()
    g.write_conf()
    house.run("reload", "-c", g.conf)
    t.ok(wait_for(lambda: g.pid() not in (0, pid), 10) and g.up(), "room again", g.log()[-1000:])


PATHS = """  sign:
    - {domain: ours.test, selector: s1, key: s1.pem}
  arc-seal:
    domain: ours.test
    selector: s1
  paths:
    - {client: 192.0.2.66/32, comment: our forwarder}
    - {sealer: ours.test}
"""


def paths(t, g):
    """Ways that the operator believes: a forwarder by its address, and whoever seals for us."""
    g.mail += PATHS
    pid = g.pid()
    g.write_conf()
    house.run("reload", "-c", g.conf)
    t.ok(wait_for(lambda: g.pid() not in (0, pid), 10) and g.up()
         and wait_for(lambda: g.one(GOOD, i="paths").added("ARC-Seal"), 10),
         "paths, and a seal", g.log()[-1000:])
    said = [g.one(BAD, client=c, i=i) for c, i in (("192.0.2.66", "Y1"), ("192.0.2.67", "Y2"))]
    t.equal([v.what for v in said], ["accept", "reply"], "what a forwarder of ours hands on is let in, and its neighbour's is not", said)
    v = g.one(GOOD, i="Y3")
    seal = [(n, value) for n in ("ARC-Seal", "ARC-Message-Signature", "ARC-Authentication-Results") for value in v.added(n)]
    t.equal(len(seal), 3, "mail of others is sealed", v)
    v = g.one(seal + GOOD, client="192.0.2.50", i="Y4")
    t.equal(v.what, "accept", "with that seal it is let in from elsewhere", v)
    v = g.one(seal + GOOD, client="192.0.2.50", i="Y5", body=b"Bad day.\r\n")
    t.equal(getattr(v, "code", v), 550, "… but not when it was changed", v)
    v = g.one([(n, x.replace("i=1", "i=2")) for n, x in seal] + seal + GOOD, client="192.0.2.50", i="Y6")
    t.equal(getattr(v, "code", v), 550, "… nor with a seal more that does not hold", v)
    rows = wait_for(lambda: (lambda r: r if len(r) >= 6 else None)({x["id"]: x for x in rowskit.kept(g.state) if x["id"][0] == "Y"}), 5) or {}
    t.equal([rows.get(i, {}).get("disposition") for i in ("Y1", "Y2", "Y4", "Y5")], ["none", "reject", "none", "reject"], "their rows say what was done", rows)
    t.equal([rows.get(i, {}).get("reasons") for i in ("Y1", "Y4")], [["trusted_forwarder"], ["local_policy"]], "… and why", rows)
    g.mail = g.mail.replace(PATHS, "")
    pid = g.pid()
    g.write_conf()
    house.run("reload", "-c", g.conf)
    t.ok(wait_for(lambda: g.pid() not in (0, pid), 10) and g.up(), "without them again", g.log()[-1000:])


def reloaded(t, g):
    """Another configuration while messages are under way: each has an answer or is asked for again; no row is there twice."""
    said, stop, lock = {}, threading.Event(), threading.Lock()
    number = iter(range(10 ** 6))

    def load():
        m = None
        while not stop.is_set():
            with lock:
                i = "W%05d" % next(number)
            try:
                m = m or g.mta()
                v = m.message("a@good.test", GOOD, i=i)
                said[i] = v if isinstance(v, str) else v.what
            except (OSError, EOFError, AssertionError):	# as an MTA: later
                said[i] = None
                m = None
                time.sleep(0.02)
    threads = [threading.Thread(target=load, daemon=True) for _ in range(6)]
    for x in threads:
        x.start()
    for n, (old, new) in enumerate((("policy: enforce", "policy: observe"), ("policy: observe", "policy: enforce"))):
        t.ok(wait_for(lambda: list(said.values())[-5:] == ["accept"] * 5, 10, 0.02), "mail goes in")
        pid, g.mail = g.pid(), g.mail.replace(old, new)
        g.write_conf()
        if n:
            g.proc.send_signal(signal.SIGHUP)	# as systemctl reload does
        else:
            house.run("reload", "-c", g.conf)
        t.ok(wait_for(lambda: g.pid() not in (0, pid), 10) and g.up(), "a reload: the role lives anew", g.log()[-1000:])
        before = len(said)
        t.ok(wait_for(lambda: len(said) > before + 20 and list(said.values())[-5:] == ["accept"] * 5, 10, 0.02), "… and mail goes on")
    stop.set()
    for x in threads:
        x.join(patient(10))
    counts = collections.Counter(said.values())
    t.ok(set(counts) <= {"accept", None}, "%d messages: let in, or without an answer" % len(said), counts)
    ids = None

    def noted():
        nonlocal ids
        ids = collections.Counter(g.rows("W"))
        return all(ids[i] == 1 for i, v in said.items() if v == "accept")
    t.ok(wait_for(noted, 10), "each that was let in has a row", [i for i, v in said.items() if v == "accept" and ids[i] != 1][:5])
    t.ok(max(ids.values()) == 1 and set(ids) <= set(said), "… and none has two", ids.most_common(3))


def ended(t, g, dns):
    """SIGTERM while a message waits for the DNS: the MTA hears nothing, and no row is there; it asks again, and there is one."""
    dns.silent.add("slow.test")
    m = begun(g, fields("a@slow.test"), "T1", sender="a@slow.test")
    m.send("E")
    t.ok(wait_for(lambda: "slow.test" in dns.asked, 10), "it waits for the DNS")
    pid = g.pid()
    os.kill(pid, signal.SIGTERM)
    try:
        v = m.verdict().what
    except (EOFError, OSError):
        v = None
    t.equal(v, None, "the role ends: no answer")
    dns.silent.discard("slow.test")
    t.ok(wait_for(lambda: g.pid() not in (0, pid), 10) and g.up(), "… and lives anew", g.log()[-1000:])
    t.equal(g.one(fields("a@slow.test"), sender="a@slow.test", i="T1").what, "accept", "the same message again, by the same queue id")
    t.ok(wait_for(lambda: g.rows("T1") == ["T1"], 5), "… has one row", g.rows("T1"))


# --- many ---

def memory(pid):
    with open("/proc/%d/smaps_rollup" % pid) as f:
        return next(int(x.split()[1]) for x in f if x.startswith("Pss:"))


def large(t, g, pid):
    """A message costs no more than its head; and that has a bound."""
    before = memory(pid)
    m = begun(g, i="B1")
    for _ in range(400):
        m.body(b"x" * 60000 + b"\r\n")
    during = memory(pid)
    v = m.end()
    t.equal(v.what, "accept", "a body of 24 MB", v)
    # A sanitizer keeps what was freed for a while.
    t.ok(during - before < 3000 or before > 20000, "… which nobody keeps", (before, during))
    m.mail("a@good.test"), m.rcpt("b@local.test"), m.data(i="B2"), m.field(*GOOD[0])
    begin = time.monotonic()
    for n in range(200):
        m.field("X-%d" % n, b" " + b"y" * 50000)
    m.eoh()
    v = m.end()
    t.equal(v.code, 550, "a head of 10 MB: refused, as it is too much to be judged", v)
    t.diag("the head of 10 MB: %.2f s, %d kB" % (time.monotonic() - begin, memory(pid) - before))
    m.close()


def many(t, g, dns):
    pid = g.pid()
    before, threads = memory(pid), len(os.listdir("/proc/%d/task" % pid))
    idle = [g.mta() for _ in range(1000)]
    t.ok(wait_for(lambda: g.counts()["connections"] == 1000, 20), "a thousand connections that say nothing", g.counts())
    with_idle = memory(pid)
    t.diag("PSS %d kB, with 1000 idle connections %d kB" % (before, with_idle))
    t.ok(with_idle - before < 60000, "… take less than 60 kB each", (before, with_idle))
    slow = [begun(g, i="S%d" % n) for n in range(100)]
    t.equal(g.one(BAD, i="S-one").code, 550, "a message between them and a hundred slow ones")
    with_slow = memory(pid)
    t.diag("… and 100 messages under way %d kB; threads %d, then %d; descriptors %d" % (
        with_slow, threads, len(os.listdir("/proc/%d/task" % pid)), len(os.listdir("/proc/%d/fd" % pid))))
    t.ok(with_slow - with_idle < 100 * 300, "… which take less than 300 kB each", (with_idle, with_slow))
    for m in slow:
        m.send("E")
    t.equal(collections.Counter(m.verdict().what for m in slow), {"accept": 100}, "… all of which have their verdict")
    begin = time.monotonic()
    for m in idle + slow:
        m.close()
    large(t, g, pid)
    t.ok(wait_for(lambda: g.counts()["connections"] == 0, 20), "all are gone", g.counts())
    t.diag("closed within %.1f s" % (time.monotonic() - begin))
    t.ok(wait_for(lambda: len(os.listdir("/proc/%d/fd" % pid)) < 60, 10), "… and so are their descriptors", os.listdir("/proc/%d/fd" % pid))
    t.equal((g.pid(), g.counts()["judging"]), (pid, 0), "it is the same process")


def main():
    t = Tap()
    with house.folder() as d:
        dns = Server({**RECORDS, **key_make(d)})
        g = Gate(d, dns.address)
        try:
            g.start()
            if not g.up():
                t.ok(False, "sekisho serve with role milter", g.log())
                return t.done()
            g.roll()
            if not wait_for(g.selector, 20):
                t.ok(False, "a key of the house signs", g.log())
            cases = (protocols, orders, odd_orders, again, unknown, nameless, macros, heads, crowd_of_rcpts, rolled, rolled_under_load, crowded, paths, reloaded)
            for case in cases:
                t.case(case, t, g)
            t.case(ended, t, g, dns)
            t.case(many, t, g, dns)
        finally:
            house.stop_all()
            dns.close()
    return t.done()


if __name__ == "__main__":
    sys.exit(main())
