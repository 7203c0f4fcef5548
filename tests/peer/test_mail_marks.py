#!/usr/bin/env python3
"""
Marks (BIMI) through the whole path: Postfix, role milter, role mark, and a web
server that publishes one. The first message does not wait; the next has the
mark, also after both roles were killed; forged fields are gone.
"""
import base64
import email
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "cli"))
sys.path.insert(0, os.path.join(HERE, "..", "lab"))
import house  # noqa: E402
import mark_web  # noqa: E402
import postfix  # noqa: E402
from mail_dns_server import TXT, Server, txt  # noqa: E402
from patience import wait_for  # noqa: E402
from tap import Tap  # noqa: E402

RECORDS = {
    ("mark.test", TXT): [txt("v=spf1 ip4:192.0.2.1 -all")],
    ("_dmarc.mark.test", TXT): [txt("v=DMARC1; p=reject")],
    ("default._bimi.mark.test", TXT): [txt("v=BIMI1; l=https://mark.test/a.svg; a=")],
    ("hang.test", TXT): [txt("v=spf1 ip4:192.0.2.1 -all")],
    ("_dmarc.hang.test", TXT): [txt("v=DMARC1; p=reject")],
    ("default._bimi.hang.test", TXT): [txt("v=BIMI1; l=https://mark.test/stall.svg; a=")],
}
MARK = ('<svg version="1.2" baseProfile="tiny-ps" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9">'
        '<title>Mark</title><path d="%s"/></svg>' % ("M1 1h7v7z" * 900))
MAIL = """mail:
  milter: {listen: "unix:%(sock)s", mode: "0660"}
  authserv-id: mx.local.test
  resolver: %(resolver)s
  bimi: check
"""


class Gate(house.House):
    def __init__(self, folder, resolver, web):
        self.sock = os.path.join(folder, "queue", "sekisho", "milter")
        os.makedirs(os.path.dirname(self.sock))
        os.chown(os.path.dirname(self.sock), 0, postfix.group())
        os.chmod(os.path.dirname(self.sock), 0o2750)
        self.mail = MAIL % {"sock": self.sock, "resolver": resolver}
        self.web = web
        super().__init__(folder)

    def write_conf(self, rtr="", top=""):
        with open(self.conf, "w") as f:
            f.write("state: state\nfetch:\n  mode: off\n  ca-file: %s\n  hosts: [\"%s\"]\nrtr:\n  listen: 127.0.0.1:%d\n"
                    "web:\n  listen: 127.0.0.1:%d\nlog:\n  op: op.log\n" % (self.web.ca, self.web.hosts[0], *self.ports)
                    + self.mail)

    def of(self, role):
        return self.status()["details"][role]["status"]

    def up(self):
        return wait_for(lambda: self.role("milter")["ready"] and self.role("mark")["ready"], 20)

    def kill(self, role):
        pid = self.role(role)["pid"]
        return self.kill_role(role) and wait_for(lambda: self.role(role)["pid"] not in (0, pid) and self.role(role)["ready"], 20)


class Way:
    def __init__(self, t, gate, post):
        self.t, self.gate, self.post, self.n = t, gate, post, 0

    def send(self, domain, *fields):
        """A message from there, as it was delivered."""
        head = ["From: a@" + domain, "To: b@local.test", "Date: Mon, 23 Nov 2026 07:00:00 +0000",
                "Message-ID: <%d@test>" % self.n, *fields]
        self.post.send("a@" + domain, ["b@local.test"], ("\r\n".join(head) + "\r\n\r\nHi\r\n").encode(), client="192.0.2.1")
        self.n += 1
        return email.message_from_bytes(self.post.take() or b"")

    def until_mark(self):
        return wait_for(lambda: self.gate.of("milter")["marks"] >= 1, 20)


def field(mail, name):
    return [mail[k] for k in mail.keys() if k.lower() == name.lower()]


def play(t, way, web):
    forged = ["BIMI-Location: v=BIMI1; l=https://evil.test/x.svg", "BIMI-Indicator: AAAA", "bimi-indicator: BBBB"]
    m = way.send("mark.test", *forged)
    t.ok("bimi=skipped" in m["Authentication-Results"], "the first message does not wait", m["Authentication-Results"])
    t.equal(field(m, "BIMI-Location") + field(m, "BIMI-Indicator"), [], "forged fields are gone")
    t.ok(way.until_mark(), "the mark is fetched behind it")
    m = way.send("mark.test", *forged)
    got = "".join("".join(field(m, "BIMI-Indicator")).split())
    t.ok("bimi=pass" in m["Authentication-Results"], "the next has it", m["Authentication-Results"])
    t.equal(len(field(m, "BIMI-Indicator")), 1, "once")
    t.equal(base64.b64decode(got).decode(), MARK, "octet for octet, %d letters of base64" % len(got))
    t.ok("l=https://mark.test/a.svg" in "".join(field(m, "BIMI-Location")[0].split("\n")), "and where it is", m["BIMI-Location"])
    t.ok(way.gate.kill("mark") and way.gate.kill("milter") and way.gate.up(), "both are killed")
    way.send("mark.test")
    t.ok(way.until_mark(), "what was kept is told again")
    t.ok("bimi=pass" in way.send("mark.test")["Authentication-Results"], "and shown")
    t.equal(web.hits, ["/a.svg"], "fetched once in all")
    m = way.send("hang.test")
    t.ok("bimi=skipped" in m["Authentication-Results"], "a server that hangs holds no message", m["Authentication-Results"])
    t.ok("bimi=pass" in way.send("mark.test")["Authentication-Results"], "nor that of others")
    t.ok(wait_for(lambda: way.gate.of("milter")["marks_asked"] == 2, 10), "both marks were asked for", way.gate.of("milter"))
    t.equal(way.gate.of("milter")["marks_shown"], 2, "two messages had one, since the kill")
    t.equal(way.gate.of("mark")["marks"], 1, "by role mark, too")


def main():
    t = Tap()
    why = postfix.missing()
    if why:
        t.skip("postfix", why)
        return t.done()
    with house.folder() as d:
        dns, web = Server(RECORDS), mark_web.Web(d, "mark.test")
        web.svg("/a.svg", MARK)
        web.hostile()
        gate = Gate(d, dns.address, web)
        try:
            gate.start()
            t.ok(gate.up(), "roles milter and mark are there", gate.log())
            with postfix.Postfix(d, "unix:" + gate.sock) as post:
                play(t, Way(t, gate, post), web)
        finally:
            house.stop_all()
            web.close()
            dns.close()
    return t.done()


if __name__ == "__main__":
    sys.exit(main())
