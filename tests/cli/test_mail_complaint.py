#!/usr/bin/env python3
"""
sekisho mail complaint --note and make: a user's word about a message, a provider's complaint, through
a running serve into the store, and only where our own results stand at the top; and a complaint of
ours, read by python's email package and by our own reader.
"""
import email
import email.policy
import os
import re
import sqlite3
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import arf_reader  # noqa: E402
import house  # noqa: E402
from patience import free_port, wait_for  # noqa: E402
from smtp_sink import Sink  # noqa: E402

MAILBOX = os.path.join(house.SRC, "tests", "cli", "mailbox")
OURS = "Authentication-Results: mx.here.test; "
BODY = "From: Shop <shop@a.test>\nSubject: buy\nMessage-ID: <1@a.test>\n\nHi\n"
ARF = ("From: <fbl@provider.test>\nMIME-Version: 1.0\nContent-Type: multipart/report; report-type=feedback-report;\n"
       " boundary=b\n\n--b\nContent-Type: text/plain\n\nspam\n--b\nContent-Type: message/feedback-report\n\n"
       "Feedback-Type: abuse\nVersion: 1\nUser-Agent: x/1\nReported-Domain: %s\n\n--b\n"
       "Content-Type: text/rfc822-headers\n\nFrom: <x@%s>\n\n--b--\n")
CONF = """organisation:
  mail-domains: [ours.test]
mail:
  milter:
    listen: inet:%d@127.0.0.1
  authserv-id: mx.here.test
  reports: aggregate
  reporting: {email: dmarc@ours.test}
"""


RECEIVED = "Received: from x by mx.here.test;\n\tMon, 23 Nov 2026 13:05:06 +0900 (JST)\nReceived: from y; bad\n"
REFUSED = [	# entries of mail.complaints; what is said; None: they are good
    (["domain: example.com, to: fbl@example.com", "domain: a.example.com, to: fbl@example.com"], None),
    (["domain: example.com, to: nobody"], "fbl@example.net"),
    (["domain: example.com"], "fbl@example.net"),
    (["to: fbl@example.com"], "fbl@example.net"),
    (["domain: example.com, to: fbl@example.com", "domain: EXAMPLE.com, to: x@example.com"], "each domain once"),
    (["domain: a.ours.test, to: fbl@example.com"], "organisation.mail-domains"),
    (["domain: com, to: fbl@example.com"], "one operator"),
]


def direct(base, before):
    """The complaint about a message, with fields on top of it."""
    text = before + open(base[3]).read()
    p = subprocess.run([house.SEKISHO, *base[:3], "-", *base[4:], "--to", "fbl@a.test"], input=text.encode(), capture_output=True)
    return p.stdout.decode()


def heads_of(mail):
    return mail.split("message/feedback-report")[1].split("text/rfc822-headers")[0] if mail else "none"


class MailSink(Sink):
    """Mails as they come."""

    def text(self, h, sender, to):
        lines = []
        while (line := h.rfile.readline()) not in (b".\r\n", b""):
            lines.append(line[1:] if line.startswith(b".") else line)
        self.mails.append((sender, to, b"".join(lines)))
        h.wfile.write(b"250 2.0.0 taken\r\n")
        return True


class Desk(house.House):
    def write_conf(self, rtr="", top=""):
        with open(self.conf, "w") as f:
            f.write("state: state\nrpki:\n  tals: house.tal\nfetch:\n  mode: off\nrtr:\n  listen: 127.0.0.1:%d\n"
                    "web:\n  listen: 127.0.0.1:%d\nlog:\n  op: op.log\n" % tuple(self.ports) +
                    CONF % free_port())

    def complain(self, text, *args):
        p = subprocess.run([house.SEKISHO, "mail", "complaint", "-c", self.conf, *args, "-"], input=text.encode(),
                           capture_output=True, timeout=120)
        return p.returncode, p.stdout.decode(), p.stderr.decode()

    def known(self):
        db = sqlite3.connect("file:%s?mode=ro" % os.path.join(self.state, "mail-reports", "reports.sqlite"), uri=True)
        try:
            return {d.decode() if isinstance(d, bytes) else d: n for d, n in
                    db.execute("SELECT domain, complaints FROM mail_seen")}
        finally:
            db.close()


def note(t, folder):
    d = Desk(folder)
    t.equal(d.complain(OURS + "dmarc=pass header.from=a.test\n" + BODY, "--note")[0], 3, "nobody is there: 3, to be tried again")
    house.lab(folder)
    d.start()
    t.ok(wait_for(lambda: d.complain(OURS + "dmarc=pass header.from=warm.test\n" + BODY, "--note")[0] == 0, 40, 0.3),
         "somebody is there", d.log())
    code, out, err = d.complain(OURS + "dmarc=pass header.from=a.test; dkim=pass header.d=a.test; spf=pass "
                                "smtp.mailfrom=x@bounce.test\n" + BODY, "--note")
    t.ok(code == 0 and "a.test" in out and "bounce.test" in out, "a user's complaint counts", (out, err))
    code, out, err = d.complain("Authentication-Results: other.test; dmarc=pass header.from=b.test\n" + BODY, "--note")
    t.ok(code == 1 and "not ours" in err, "another's results are not believed", err)
    code, out, err = d.complain(BODY, "--note")
    t.ok(code == 1 and "no Authentication-Results" in err, "nor is a message without", err)
    code, out, err = d.complain(OURS + "dkim=pass header.d=provider.test\n" + ARF % ("ours.test", "ours.test"), "--note")
    t.ok(code == 0 and "ours.test" in out, "a provider's complaint counts against our domain", (out, err))
    code, out, err = d.complain(OURS + "dkim=pass header.d=provider.test\n" +
                                (ARF % ("ours.test", "ours.test")).replace("abuse", "not-spam"), "--note")
    t.ok(code == 1 and "another kind" in err, "that a message is no spam does not", err)
    code, out, err = d.complain(OURS + "dkim=pass header.d=provider.test\n" + ARF % ("else.test", "else.test"), "--note")
    t.ok(code == 1 and "none of our domains" in err, "one about others' mail does not", err)
    got = d.known()
    got.pop("warm.test", None)
    t.equal(got, {"a.test": 1, "bounce.test": 1, "ours.test": 1}, "and is in the store when that is said")
    d.stop()


def make(t, folder):
    key = os.path.join(folder, "key")
    with open(key, "w") as f:
        f.write("0123456789abcdef0123456789abcdef\n")
    os.chmod(key, 0o600)
    base = ["mail", "complaint", "make", os.path.join(MAILBOX, "direct.eml"), "--dns", os.path.join(MAILBOX, "world.zone"),
            "--from", "abuse@here.test", "--key", key]
    t.equal(house.run(*base)[0], 1, "a message that names nobody who wants it")
    code, out, err = house.run(*base, "--to", "fbl@a.test")
    m = email.message_from_string(out, policy=email.policy.default)
    report = next((p for p in m.walk() if p.get_content_type() == "message/feedback-report"), None)
    t.ok(code == 0 and m.get_content_type() == "multipart/report" and report and not m.defects, "a complaint", err or out)
    text = open(os.path.join(MAILBOX, "direct.eml")).read()
    people = set(re.findall(r"([\w.+-]+)@", text.split("\n\n")[0]))
    heads = out.split("text/rfc822-headers")[-1]
    t.ok("Feedback-Type: abuse" in out and not any(re.search(r"<%s@" % re.escape(p), heads) for p in people - {"1"}),
         "without people in it", (people, out))
    p = subprocess.run([house.SEKISHO, "mail", "complaint", "--json", "--own", "example.org", "-"], input=out.encode(),
                       capture_output=True)
    t.ok(b'"type": "abuse"' in p.stdout, "our own reader takes it for one", p.stdout)
    conf = os.path.join(folder, "sekisho.conf")
    sink = MailSink()
    with open(conf, "w") as f:
        f.write("state: state\nmail:\n  authserv-id: mx.here.test\n  reporting: {via: %r}\n  complaints:\n    - {domain: com.invalid, to: no@x.test}\n"
                "    - {domain: example.com, to: agreed@example.com}\n" % sink.via)
    code, out, err = house.run(*base, "-c", conf)
    t.ok(code == 0 and "\nTo: <agreed@example.com>\n" in out, "to whom it is agreed with", (out, err))
    t.ok("\nAuthentication-Results: mx.here.test;" in out, "results are in our name", out)
    code, out, err = house.run(*base, "-c", conf, "--send")
    t.equal((code, out, [(s, to) for s, to, _ in sink.mails]), (0, "", [("", "agreed@example.com")]),
            "sent with the null sender")
    t.ok(sink.mails and b"Feedback-Type: abuse" in sink.mails[0][2], "as it was printed", err)
    t.equal([arf_reader.wrongs(m[2]) for m in sink.mails], [[]], "a strict reader finds nothing wrong with it")
    house.run(*base, "-c", conf, "--to", "a@x.test,b@y.test", "--send")
    t.equal([(to, b"To: <a@x.test>,\r\n <b@y.test>\r\n" in m) for _, to, m in sink.mails[1:]], [("a@x.test", True), ("b@y.test", True)],
            "several addresses, as a message may name them: to each (RFC 9477 section 3.2)")
    for entries, said in REFUSED:
        with open(conf, "w") as f:
            f.write("state: state\norganisation:\n  mail-domains: [ours.test]\nmail:\n  complaints:\n%s" %
                    "".join("    - {%s}\n" % e for e in entries))
        code, out, err = house.run("conf", "check", "-c", conf)
        if said is None:
            t.equal(code, 0, "in the configuration: %s" % entries)
        else:
            t.ok(code == 1 and said in out + err, "refused in the configuration: %s" % entries, (out, err))
    t.ok("Arrival-Date:" not in heads_of(direct(base, "")), "when it came is not known")
    t.ok("\nArrival-Date: Mon, 23 Nov 2026 04:05:06 +0000\n" in heads_of(direct(base, RECEIVED)), "when it came, by our server")
    arf = os.path.join(folder, "arf.eml")
    with open(arf, "w") as f:
        f.write(ARF % ("else.test", "else.test"))
    code, out, err = house.run(*base[:3], arf, *base[4:], "--to", "fbl@a.test")
    t.ok(code == 1 and out == "" and "itself" in err, "no complaint about a complaint", (out, err))
    for to in ("nobody", "a@b.test c@d.test", ",a@b.test", ""):
        code, out, err = house.run(*base, "--to", to)
        t.ok(code == 2 and out == "" and "with commas" in err, "--to %r is no address" % to, (code, out, err))
    code, out, _ = house.run(*base, "--to", "a@b.test,c@d.test")
    t.ok(code == 0 and "To: <a@b.test>" in out and "<c@d.test>" in out, "two of them", out)
    os.chmod(key, 0o644)
    t.equal(house.run(*base, "--to", "fbl@a.test")[0], 3, "a key that others may read")


t = house.Tap()
with house.folder() as place:
    make(t, place)
with house.folder() as place:
    note(t, place)
sys.exit(t.done())
