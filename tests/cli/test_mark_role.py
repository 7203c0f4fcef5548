#!/usr/bin/env python3
"""Role mark: marks are fetched, judged, kept and told; a hostile server costs little, and nobody is a hammer."""
import os
import re
import struct
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import house  # noqa: E402
import mark_web  # noqa: E402
import role_kit  # noqa: E402
from test_mail_bimi import text_of  # noqa: E402

AT = 1800000000		# within the life of tests/mail/bimi_certs.h
PASS, FAIL = 1, 2
UNCHECKED, VOUCHED, DISPROVED = 0, 1, 2
PER_ORG, RUNNING, WAITING = 20, 4, 8
LIMITS = dict(re.findall(r"#define (MARK_\w+)\s+(\d+)\b", open(os.path.join(house.SRC, "src", "role", "mark_role.h")).read()))
MARK = text_of("MARK_SVG")


def text(s):
    return struct.pack(">H", len(s)) + s.encode()


def key(path, evidence="", org="example.com", server="example.com"):
    fields = [org, "example.com", "example.com", "default", "https://%s%s" % (server, path),
              evidence and "https://%s%s" % (server, evidence)]
    return b"".join(text(f) for f in fields)


def parse(octets):
    """What app/mail_mark.h's octets say; the key first."""
    at, fields = len(b"sekisho-mark 1\n"), []
    for _ in range(6):
        n, = struct.unpack(">H", octets[at:at + 2])
        fields.append(octets[at + 2:at + 2 + n].decode())
        at += 2 + n
    result, authority, made, until = struct.unpack(">BBqq", octets[at:at + 18])
    at += 18
    for _ in range(2):
        n, = struct.unpack(">H", octets[at:at + 2])
        fields.append(octets[at + 2:at + 2 + n].decode())
        at += 2 + n
    return {"path": "/" + fields[4].split("/", 3)[3], "org": fields[0], "result": result, "authority": authority,
            "life": until - made, "why": fields[6], "svg": fields[7]}


class World:
    def __init__(self, t, folder):
        self.t, self.folder = t, folder
        self.web = mark_web.Web(folder, "example.com")
        self.web.hostile()
        self.web.svg("/a.svg", MARK)
        self.web.svg("/b.svg", MARK.replace("</title>", "!</title>"))
        self.web.svg("/large.svg", MARK.replace("</title>", "x" * 40000 + "</title>"))
        self.web.pem("/a.pem", text_of("PEM_LEAF") + text_of("PEM_INT"))
        self.web.pem("/alone.pem", text_of("PEM_LEAF"))
        with open(self.path("root.pem"), "w", encoding="ascii") as f:
            f.write(text_of("PEM_ROOT"))
        self.role, self.told = None, []

    def path(self, name):
        return os.path.join(self.folder, name)

    def start(self, **conf):
        if self.role is not None:
            self.role.close()
        values = {"folder": self.path("marks"), "ca_file": self.web.ca, "hosts": "\n".join(self.web.hosts) + "\n",
                  "timeout_msec": 2000}
        values.update(conf)
        self.told = []
        self.role = role_kit.Role("mark", values, offset=AT - int(time.time()))
        self.role.handlers["mark_told"] = self.on_told
        return self.role.ready()

    def on_told(self, m):
        with os.fdopen(m["mark"], "rb") as f:
            self.told.append(parse(os.pread(f.fileno(), 1 << 20, 0)))

    def ask(self, *keys):
        """All of them, and what is told."""
        n = len(self.told)
        for k in keys:
            self.role.send("mark_ask", "milter", key=k)
        self.role.until(lambda: len(self.told) >= n + len(keys), 60)
        return self.told[n:]


def plain(w):
    t = w.t
    t.ok(w.start(), "the role is ready, in its sandbox")
    got = w.ask(key("/a.svg"))
    t.equal([(m["result"], m["authority"], m["svg"], m["life"], m["why"]) for m in got],
            [(PASS, UNCHECKED, MARK, int(LIMITS["MARK_GOOD_SEC"]), "")], "a mark is fetched, judged, told for a day")
    t.equal(w.web.hits, ["/a.svg"], "it was asked for once")
    t.equal(len(os.listdir(w.path("marks"))), 1, "it is on the disk")
    t.equal([m["result"] for m in w.ask(key("/a.svg"))], [PASS], "known: told again")
    w.role.p.kill()
    w.role.p.wait()
    w.start()
    t.equal([m["result"] for m in w.ask(key("/a.svg"))], [PASS], "killed: known still")
    t.equal(w.web.hits, ["/a.svg"], "without a question to anybody")
    t.equal([(m["result"], m["svg"]) for m in w.ask(key("/large.svg"))], [(PASS, "")], "too large for a field: only its address")
    t.equal([m["why"] for m in w.ask(key("/b.svg", "/a.pem"))], [""], "without roots evidence is not looked at")
    t.ok("/a.pem" not in w.web.hits, "nor fetched", w.web.hits)


def hostile(w):
    t, paths = w.t, {"/stall.svg": "FETCH_", "/endless.svg": "FETCH_TOO_LARGE", "/huge.svg": "FETCH_TOO_LARGE",
                     "/bomb.svg": "BIMI_SVG", "/inward.svg": "FETCH_ADDRESS", "/plain.svg": "FETCH_REDIRECT_SCHEME",
                     "/loop.svg": "FETCH_REDIRECT_MANY", "/script.svg": "BIMI_SVG", "/empty.svg": "the mark",
                     "/gone.svg": "FETCH_STATUS", "/%00": "FETCH_STATUS"}
    began = time.monotonic()
    got = {m["path"]: m for m in w.ask(*[key(p, org="o%d" % i) for i, p in enumerate(paths)])}
    t.ok(time.monotonic() - began < house.patient(30), "all that a server may do ends soon")
    for p, why in paths.items():
        m = got.get(p, {"why": "nothing told", "result": 0, "svg": "", "life": 0})
        t.ok(m["why"].startswith(why) and m["result"] == FAIL and m["svg"] == "" and
             m["life"] == int(LIMITS["MARK_BAD_SEC"]), "%s: %s, kept for an hour" % (p, why), m)
    n = len(w.web.hits)
    t.equal([m["result"] for m in w.ask(key("/gone.svg", org="o9"))], [FAIL], "what is bad is known, too")
    t.equal(len(w.web.hits), n, "and not asked for again")
    t.ok(w.web.most <= 2 * RUNNING, "%d at a time" % w.web.most)
    got = w.ask(key("/a.svg", server="127.0.0.1:%d" % w.web.port, org="lo"), key("/a.svg", server="[::1]", org="lo6"))
    t.equal([m["why"] for m in got], ["FETCH_ADDRESS"] * 2, "nobody sends us to ourselves")
    w.role.send("mark_ask", "milter", key=b"\0\7abc")
    t.equal([m["result"] for m in w.ask(key("/a.svg"))], [PASS], "a key that is none does no harm")


def idle(w):
    return w.role.until(lambda: w.role.status()["waiting"] == 0 and w.role.status()["fetching"] == 0, 60)


def hammer(w):
    """One organizational domain with many names; then many."""
    t = w.t
    w.start(folder=w.path("marks4"))
    w.web.hits.clear()
    for i in range(2 * PER_ORG):
        w.role.send("mark_ask", "milter", key=key("/x%d.svg" % i, org="many.example"))
    t.ok(idle(w), "a burst is worked off")
    t.equal((len(w.web.hits), w.role.status()["refused"]), (WAITING, 2 * PER_ORG - WAITING), "so many of one wait at a time")
    for i in range(WAITING, 2 * PER_ORG, WAITING):
        for k in range(WAITING):
            w.role.send("mark_ask", "milter", key=key("/x%d.svg" % (i + k), org="many.example"))
        idle(w)
    t.equal(len(w.web.hits), PER_ORG, "%d questions an hour for one organizational domain" % PER_ORG)
    t.equal(w.role.status()["refused"], 2 * PER_ORG - WAITING + PER_ORG, "others are refused, and counted")
    w.web.hits.clear()
    for i in range(300):
        w.role.send("mark_ask", "milter", key=key("/y%d.svg" % i, org="d%d.example" % i))
    idle(w)
    t.ok(len(w.web.hits) <= int(LIMITS["MARK_PER_SERVER"]), "one server is asked %d times, no more" % len(w.web.hits))
    t.ok(w.web.most <= 2 * RUNNING, "%d at a time" % w.web.most)


def vouched(w):
    t = w.t
    t.ok(w.start(folder=w.path("marks2"), roots=w.path("root.pem")), "with roots")
    got = w.ask(key("/a.svg", "/a.pem"), key("/b.svg", "/a.pem", org="b"), key("/a.svg", "/alone.pem", org="c"),
                key("/a.svg", "/gone.pem", org="d"))
    t.equal(sorted((m["org"], m["result"], m["authority"], m["why"]) for m in got),
            [("b", FAIL, VOUCHED, "BIMI_DIFFERS"), ("c", FAIL, DISPROVED, "BIMI_CERT_CHAIN"),
             ("d", FAIL, UNCHECKED, "FETCH_STATUS"), ("example.com", PASS, VOUCHED, "")], "evidence is fetched and judged")
    w.role.close()
    with open(w.path("marks2/" + "0" * 64), "wb") as f:
        f.write(b"half a file")
    name = sorted(os.listdir(w.path("marks2")))[-1]
    with open(w.path("marks2/" + name), "r+b") as f:
        f.truncate(100)
    w.role = None
    w.start(folder=w.path("marks2"), roots=w.path("root.pem"))
    t.equal((w.role.status()["marks"], len(os.listdir(w.path("marks2")))), (3, 3), "damaged files go")
    w.role.close()
    w.role = None
    with open(w.path("empty.pem"), "w", encoding="ascii"):
        pass
    try:
        ready = w.start(folder=w.path("marks3"), roots=w.path("empty.pem"))
    except EOFError:
        ready = False
    t.ok(not ready, "without a root in the file it does not begin: else all would be shown")


def main():
    t = house.Tap()
    with tempfile.TemporaryDirectory() as folder:
        w = World(t, folder)
        for part in (plain, hostile, hammer, vouched):
            part(w)
        w.role.close()
        w.web.close()
    return t.done()


if __name__ == "__main__":
    sys.exit(main())
