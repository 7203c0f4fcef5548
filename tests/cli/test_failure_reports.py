#!/usr/bin/env python3
"""
Failure reports (RFC 9991) the whole way: messages to role milter, by a client of its protocol; a
journal; role report half an hour later; a mail server. What arrives is read by python's email
package, which knows nothing of ours; and so does nobody in it.
"""
import email
import email.policy
import os
import shutil
import signal
import socket
import struct
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import arf_reader  # noqa: E402
import role_kit  # noqa: E402
from house import Tap  # noqa: E402
from mail_dns_server import TXT, Server, txt  # noqa: E402
from patience import free_port, wait_for  # noqa: E402
from smtp_sink import GOOD, Sink  # noqa: E402

t = Tap()
HEAD = ("From: Secret Name <secretname@%s>\nTo: secretname@here.test\nSubject: secretsubject\n"
        "Date: Mon, 23 Nov 2026 04:00:00 +0000\nMessage-ID: <id-%d@a.test>\n%s\nsecretbody\n")
# All the places in which programs put people, and what a stranger may put there.
MORE = ("Received: from secrethost ([10.0.0.1]) (secretname@x.test) by y for <secretname@here.test>; x\n"
        "DKIM-Signature: v=1; a=rsa-sha256; d=a.test; s=s1; i=secretname@a.test; h=from; bh=AA==;\n"
        " b=AAAABBBBsecret; z=From:secretname\n"
        "ARC-Authentication-Results: i=1; x.test; auth=pass smtp.auth=secretname\n"
        "Authentication-Results: x.test; auth=pass smtp.auth=secretname\n"
        "Received-SPF: fail client-ip=10.0.0.1; envelope-from=secretname@a.test\n"
        "Reply-To: secretname <secretname@a.test>\nSender: \"secret name\" <secretname@a.test>\nCc: secretname\n"
        "Message-ID: <1.secretname.2@a.test>\nIn-Reply-To: <secretname@a.test>\nReferences: <secretname@a.test>\n"
        "List-Id: secret friends <l.a.test>\nList-Unsubscribe: <mailto:secretname@a.test>\nList-Post: <mailto:secretname@a.test>\n"
        "Feedback-ID: secretname\nX-Originating-IP: secretname\nX-Authenticated-Sender: secretname\n"
        "MIME-Version: 1.0 (secretname's machine)\nContent-Type: text/plain; name=secretname\n"
        "Comments: secretname\nKeywords: secretname\nResent-From: secretname@a.test\nDelivered-To: secretname@here.test\n"
        "Thread-Topic: secretsubject\nAutocrypt: addr=secretname@a.test\n" +
        "DKIM-Signature: v=1; d=a.test; s=s2; bh=" + "A" * 1500 + "\n")


class Client:
    """An MTA's side of the milter protocol (version 6), with an answer to each step."""

    def __init__(self, port):
        self.s = socket.create_connection(("127.0.0.1", port), 20)
        self.f = self.s.makefile("rb")
        self.say(b"O" + struct.pack(">III", 6, 0x1ff, 0), b"O")

    def say(self, packet, until=b"cartydrn"):
        self.s.sendall(struct.pack(">I", len(packet)) + packet)
        while True:
            n, = struct.unpack(">I", self.f.read(4))
            answer = self.f.read(n)
            if answer[:1] in [bytes([c]) for c in until + b"y"]:
                return answer

    def message(self, client, sender, text, queue_id):
        head, _, body = text.partition("\n\n")
        self.say(b"Cclient.test\0" + b"4" + struct.pack(">H", 25) + client.encode() + b"\0")
        self.say(b"Hclient.test\0")
        self.say(b"M<" + sender.encode() + b">\0")
        self.say(b"R<secretname@here.test>\0")
        self.s.sendall(struct.pack(">I", len(queue_id) + 5) + b"DTi\0" + queue_id.encode() + b"\0")
        self.say(b"T")
        for line in head.split("\n"):
            name, _, value = line.partition(":")
            self.say(b"L" + name.encode() + b"\0" + value.strip().encode() + b"\0")
        self.say(b"N")
        self.say(b"B" + body.encode())
        return self.say(b"E", b"acrty")

    def close(self):
        self.s.close()


class MailSink(Sink):
    """Mails as python's email package reads them."""

    def text(self, h, sender, to):
        lines = []
        while (line := h.rfile.readline()) != b".\r\n":
            if not line:
                return False
            lines.append(line[1:] if line.startswith(b".") else line)
        word = self.say("data", to)
        if word == GOOD:
            self.mails.append((sender, to, b"".join(lines)))
        h.wfile.write((word + "\r\n").encode())
        return True


DNS = Server({
    ("a.test", TXT): [txt("v=spf1 ip4:192.0.2.7 -all")],
    ("_dmarc.a.test", TXT): [txt("v=DMARC1; p=reject; ruf=mailto:f@a.test,mailto:g@yes.test,mailto:h@no.test")],
    ("a.test._report._dmarc.yes.test", TXT): [txt("v=DMARC1")],
    ("_dmarc.us.example", TXT): [txt("v=DMARC1; p=reject; fo=1; ruf=mailto:f@us.example")],
    ("_dmarc.quiet.test", TXT): [txt("v=DMARC1; p=reject; rua=mailto:f@quiet.test")],
})


def milter(folder, port):
    r = role_kit.Role("milter", dict(listen="inet:%d@127.0.0.1" % port, authserv_id="mx.here.test", node="mx1",
                                     resolver=DNS.address, max_messages=10, rules="policy enforce\n",
                                     rows=folder + "/mail-rows", failures=folder + "/mail-failures",
                                     failures_key=folder + "/mail-redact.key", failures_make=1))
    assert r.ready(), r.log
    return r


def report(folder, sink, offset):
    r = role_kit.Role("report", dict(folder=folder, store=folder + "/reports/reports.sqlite", email="dmarc@us.example",
                                     org_name="Us", via=sink.via, timeout=5, resolver=DNS.address, mail_max=10,
                                     keep_rows=14 * 86400, keep_names=400 * 86400, failures=folder + "/mail-failures",
                                     failures_domain=10, failures_day=100), offset=offset)
    assert r.ready(), r.log
    return r


def octets(folder):
    return b"".join(open(os.path.join(folder, "mail-failures", f), "rb").read()
                    for f in os.listdir(folder + "/mail-failures"))


def gate(folder, sent):
    """Messages come in; the process is killed when all their reports are on the disk."""
    port = free_port()
    m = milter(folder, port)
    for i, (client, sender, domain, more) in enumerate(sent):
        c = Client(port)
        c.message(client, sender, HEAD % (domain, i, more), "Q%d" % i)
        c.close()
    m.until(lambda: octets(folder).count(b"Auth-Failure") >= 3)
    got = m.status()
    m.p.send_signal(signal.SIGKILL)
    m.p.wait()
    m.sock.close()
    return got


def part(mail, kind):
    return next(p for p in mail.walk() if p.get_content_type() == kind)


def test_way():
    folder, sink = tempfile.mkdtemp(prefix="failure"), MailSink()
    os.mkdir(folder + "/mail-rows")
    s = gate(folder, [("203.0.113.9", "secretname@c.test", "a.test", ""), ("203.0.113.10", "x@c.test", "a.test", ""),
                      ("203.0.113.9", "x@a.test", "a.test", MORE), ("203.0.113.9", "x@c.test", "quiet.test", ""),
                      ("203.0.113.9", "", "a.test", ""), ("192.0.2.7", "x@a.test", "a.test", ""),
                      ("203.0.113.9", "x@c.test", "a.test", "Auto-Submitted: auto-replied\n")])
    t.equal((s["failures_reported"], s["failures_dropped"]), (3, 0), "three of seven are to be reported")
    t.equal(octets(folder).count(b"Auth-Failure"), 3, "… and are on the disk when the filter is killed")
    t.ok(b"secret" not in octets(folder), "with nobody's name, subject or text")
    t.equal(os.stat(folder + "/mail-redact.key").st_mode & 0o7777, 0o600, "the key is its owner's")
    milter(folder, free_port()).close()		# it finds what was being written, and seals it
    role = report(folder, sink, 0)
    s = role.until(lambda: role.status().get("failures") == 2 and role.status())
    t.ok(s and s["failures_alike"] == 1 and not sink.mails, "two paths, one of them twice; like ones gather", s)
    role.close()
    role = report(folder, sink, 1800)
    role.until(lambda: len(sink.mails) == 4)
    t.equal(sorted((m[0], m[1]) for m in sink.mails), [("", "f@a.test")] * 2 + [("", "g@yes.test")] * 2,
            "half an hour later: to who is asked for and may have them, with the null sender")
    role.close()
    role = report(folder, sink, 3600)
    role.until(lambda: role.status()["sends"])
    role.close()
    t.equal(len(sink.mails), 4, "a new life sends nothing again")
    mails = [email.message_from_bytes(m[2], policy=email.policy.default) for m in sink.mails]
    reports = [email.message_from_string(part(m, "message/feedback-report").get_payload()[0].as_string()
                                         if isinstance(part(m, "message/feedback-report").get_payload(), list)
                                         else part(m, "message/feedback-report").get_content()) for m in mails]
    t.ok(all(m.get_content_type() == "multipart/report" and m["Auto-Submitted"] == "auto-generated" and not m.defects
             for m in mails), "python's email package reads them without a defect", [m.defects for m in mails])
    t.equal({(r["Feedback-Type"], r["Auth-Failure"], r["Reported-Domain"], r["Delivery-Result"]) for r in reports},
            {("auth-failure", "dmarc", "a.test", "reject")}, "their fields are RFC 6591's")
    t.equal(sorted((r["Incidents"], r["Source-IP"], r["SPF-DNS"]) for r in reports),
            sorted([("2", "203.0.113.9", None), ("1", "203.0.113.9", 'txt : a.test : "v=spf1 ip4:192.0.2.7 -all"')] * 2),
            "incidents, source and the SPF record of the aligned one")
    t.ok(all(r["Authentication-Results"].startswith("mx.here.test") and "dmarc=fail" in r["Authentication-Results"]
             for r in reports), "results are ours", [r["Authentication-Results"] for r in reports])
    t.ok(not any(b"secret" in m[2].lower() for m in sink.mails), "and nobody is in them")
    words = {email.message_from_string(part(m, "text/rfc822-headers").get_content())["From"] for m in mails}
    t.ok(len(words) == 1 and "@a.test" in words.pop(), "the same person is the same word", words)
    t.equal([arf_reader.wrongs(m[2]) for m in sink.mails], [[]] * 4, "a strict reader finds nothing wrong with them")
    back(folder, [m[2].decode() for m in sink.mails])
    shutil.rmtree(folder)


def back(folder, mails):
    """Reports come in again, in the name of a domain that wants reports, too: with our sender, and with another."""
    port = free_port()
    m = milter(folder, port)
    all_of_them = [t.replace("\r\n", "\n").replace("\n ", " ") for t in mails] + [HEAD % ("us.example", 9, "")]
    for i, text in enumerate(all_of_them):
        for sender in ("", "dmarc@us.example"):
            c = Client(port)
            c.message("203.0.113.9", sender, text, "R%d%s" % (i, sender[:1]))
            c.close()
    m.until(lambda: m.status()["failures_reported"] >= 1)
    t.equal((m.status()["messages"], m.status()["failures_reported"]), (2 * len(all_of_them), 1),
            "no report about a report; but about a message of the same domain")
    m.close()


test_way()
t.done()
