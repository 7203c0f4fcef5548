#!/usr/bin/env python3
"""
A real Postfix with role milter of `sekisho serve` before its queue, and a DNS
out of rows: what passes, what is refused, what is taken out and put in; and
what happens to mail when the role is killed, or is not there.
"""
import base64
import copy
import os
import re
import shutil
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "cli"))
sys.path.insert(0, os.path.join(HERE, "..", "lab"))
import house  # noqa: E402
import postfix  # noqa: E402
from mail_dns_server import A, TXT, Server, txt  # noqa: E402
from patience import wait_for  # noqa: E402
from tap import Tap  # noqa: E402

RECORDS = {
    ("good.test", TXT): [txt("v=spf1 ip4:192.0.2.1 -all")],
    ("_dmarc.good.test", TXT): [txt("v=DMARC1; p=reject")],
    ("strict.test", TXT): [txt("v=spf1 ip4:192.0.2.9 -all")],
    ("_dmarc.strict.test", TXT): [txt("v=DMARC1; p=reject")],
    ("quiet.test", TXT): [txt("v=spf1 ip4:192.0.2.9 -all")],
    ("_dmarc.quiet.test", TXT): [txt("v=DMARC1; p=quarantine")],
    ("plain.test", A): [bytes([192, 0, 2, 7])],
}
MAIL = """mail:
  milter:
    listen: unix:%(sock)s
    mode: "0660"
  authserv-id: mx.local.test
  reports: aggregate
  reporting: {email: dmarc@ours.example}
  own-networks: [192.0.2.77/32, 127.0.0.0/8]
  relays: 192.0.2.78/32
  policy: enforce
  on-failure: tempfail
  resolver: %(resolver)s
  sign:
    - {domain: ours.test, selector: s1, key: s1.pem}
  arc-seal:
    domain: ours.test
    selector: s1
"""


def key_make(folder):
    """A key of 2048 bits in folder/s1.pem; its record."""
    path = os.path.join(folder, "s1.pem")
    subprocess.run(["openssl", "genrsa", "-out", path, "2048"], check=True, capture_output=True)
    os.chmod(path, 0o600)
    der = subprocess.run(["openssl", "rsa", "-in", path, "-pubout", "-outform", "DER"], check=True, capture_output=True)
    return {("s1._domainkey.ours.test", TXT): [txt("v=DKIM1; k=rsa; p=" + base64.b64encode(der.stdout).decode())],
            ("_dmarc.ours.test", TXT): [txt("v=DMARC1; p=reject")]}


class Gate(house.House):
    """sekisho serve with nothing but mail to do."""

    def __init__(self, folder, resolver):
        # Below Postfix's queue, where a chrooted smtpd finds it, too.
        self.sock = os.path.join(folder, "queue", "sekisho", "milter")
        os.makedirs(os.path.dirname(self.sock))
        if os.geteuid() == 0:	# the folder's group is the socket's
            os.chown(os.path.dirname(self.sock), 0, postfix.group())
            os.chmod(os.path.dirname(self.sock), 0o2750)
        self.mail = MAIL % {"sock": self.sock, "resolver": resolver}
        super().__init__(folder)

    def write_conf(self, rtr="", top=""):
        with open(self.conf, "w") as f:
            f.write("state: state\nrpki:\n  tals: house.tal\nfetch:\n  mode: off\nrtr:\n  listen: 127.0.0.1:%d\n"
                    "web:\n  listen: 127.0.0.1:%d\nlog:\n  op: op.log\n" % tuple(self.ports) + self.mail)

    def counts(self):
        return self.status()["details"]["milter"]["status"]

    def up(self):
        return wait_for(lambda: self.role("milter")["ready"] and self.counts()["keys"], 10)

    def reload(self, old, new):
        """Other options; the role lives anew."""
        pid = self.role("milter")["pid"]
        self.mail = self.mail.replace(old, new)
        self.write_conf()
        house.run("reload", "-c", self.conf)
        return wait_for(lambda: self.role("milter")["pid"] not in (0, pid), 10) and self.up()


# milter_default_action: the first digit of the answer
DOWN = {"accept": 2, "reject": 5, "tempfail": 4, "quarantine": 2, "shutdown": 4}
ROOMS = """smtputf8_enable = yes
relay_domains = gone.test
transport_maps = inline:{{gone.test = error:5.1.1 nobody there}}
non_smtpd_milters = %(milters)s
internal_mail_filter_classes = bounce
cyrus_sasl_config_path = %(folder)s/conf/sasl
message_reject_characters = \\0
"""


class Post(postfix.Postfix):
    """Postfix with further doors: chrooted, with logins, and one for each milter_default_action."""

    def __init__(self, folder, milters):
        super().__init__(folder, milters)
        self.doors = {name: postfix.free_port() for name in ("chroot", "login", "old", "proxy", "back", *DOWN)}
        with open(os.path.join(self.conf, "main.cf"), "a") as f:
            f.write(ROOMS % {"milters": milters, "folder": folder})
        with open(os.path.join(self.conf, "master.cf"), "a") as f:
            f.write("pickup unix n - n 60 1 pickup\n%d inet n - y - 50 smtpd\n  -o smtpd_milters=unix:sekisho/milter\n"
                    "%d inet n - n - 50 smtpd\n  -o smtpd_sasl_auth_enable=yes\n" % (self.doors["chroot"], self.doors["login"]))
            f.write("%d inet n - n - 50 smtpd\n  -o milter_protocol=2\n" % self.doors["old"])
            f.write("%d inet n - n - 50 smtpd\n  -o smtpd_proxy_filter=127.0.0.1:%d\n%d inet n - n - 50 smtpd\n  -o smtpd_milters=\n"
                    % (self.doors["proxy"], self.doors["back"], self.doors["back"]))
            for action in DOWN:
                f.write("%d inet n - n - 50 smtpd\n  -o milter_default_action=%s\n" % (self.doors[action], action))
        self.sasl()

    def sasl(self):
        """A user with a password, by Cyrus' sasldb."""
        d = os.path.join(self.conf, "sasl")
        os.mkdir(d)
        with open(os.path.join(d, "smtpd.conf"), "w") as f:
            f.write("pwcheck_method: auxprop\nauxprop_plugin: sasldb\nmech_list: PLAIN\nsasldb_path: %s/db\n" % d)
        self.has_login = subprocess.run(["saslpasswd2", "-p", "-c", "-f", d + "/db", "-u", "mx.local.test", "taro"],
                                        input=b"secret", capture_output=True).returncode == 0 \
            if shutil.which("saslpasswd2") or os.path.exists("/usr/sbin/saslpasswd2") else False
        if self.has_login:
            os.chown(d + "/db", self.user.pw_uid, self.user.pw_gid)

    def at(self, door):
        """The same Postfix, by another of its ports."""
        other = copy.copy(self)
        other.port = self.doors[door]
        return other

    def sendmail(self, args, text):
        return subprocess.run(["/usr/sbin/sendmail", "-C", self.conf, *args], input=text, capture_output=True,
                              env={"MAIL_CONFIG": self.conf, "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"})


def message(author, *fields, text="Good day."):
    head = ["From: %s" % author, "To: b@local.test", "Subject: a test", "Date: Mon, 23 Nov 2026 07:00:00 +0000",
            "Message-ID: <%d@test>" % time.monotonic_ns(), *fields]
    return ("\r\n".join(head) + "\r\n\r\n" + text + "\r\n").encode()


def fields(mail, name):
    """Values of the fields of that name, unfolded."""
    head = mail.split(b"\n\n", 1)[0].decode().replace("\n\t", " ").replace("\n ", " ")
    return [ln.split(":", 1)[1].strip() for ln in head.split("\n") if ln.lower().startswith(name.lower() + ":")]


FORGED = "Authentication-Results: mx.local.test; dmarc=pass header.from=bank.test"
OTHERS = "Authentication-Results: mx.elsewhere.test; dmarc=fail header.from=bank.test"


def passes(t, p, g):
    code, text = p.send("a@good.test", ["b@local.test"], message("a@good.test", FORGED, OTHERS, FORGED),
                        client="192.0.2.1")
    t.equal(code, 250, "mail that passes is let in", text + p.log() + g.log())
    mail = p.take()
    t.ok(mail is not None and b"Good day." in mail, "it is delivered")
    results = fields(mail, "Authentication-Results")
    t.ok(results and results[0].startswith("mx.local.test;") and "spf=pass" in results[0]
         and "dmarc=pass" in results[0] and "header.from=good.test" in results[0], "our results, on top of the others",
         results)
    t.equal([r.split(";")[0] for r in results], ["mx.local.test", "mx.elsewhere.test"],
            "forged results are removed, those of others stay")
    names = [ln.split(b":")[0] for ln in mail.split(b"\n\n")[0].split(b"\n") if ln[:1] not in b" \t"]
    t.ok(names.index(b"Authentication-Results") < names.index(b"Received"), "… above the trace", names)


def refused(t, p, g):
    code, text = p.send("a@strict.test", ["b@local.test"], message("a@strict.test"), client="192.0.2.1")
    t.ok(code == 550 and "5.7" in text and "strict.test" in text, "p=reject and forged: refused at DATA", (code, text))
    code, text = p.send("a@good.test", ["b@local.test"], message("a@strict.test"), client="192.0.2.1")
    t.equal(code, 550, "SPF of another domain does not help", text)
    code, text = p.send("a@quiet.test", ["b@local.test"], message("a@quiet.test"), client="192.0.2.1")
    t.equal(code, 250, "p=quarantine and forged: taken", text)
    t.ok(wait_for(lambda: p.held() == 1), "… and held", p.log())
    code, text = p.send("a@plain.test", ["b@local.test"], message("a@plain.test", "From: a@good.test"), client="192.0.2.1")
    t.equal(code, 550, "two authors: refused", text)
    code, text = p.send("a@plain.test", ["b@local.test"], message("a@plain.test"), client="192.0.2.7")
    t.equal(code, 250, "neither record: let in", text)
    mail = p.take()
    t.ok(mail and "dmarc=none" in fields(mail, "Authentication-Results")[0], "… and marked so")


def own(t, p, g):
    """Of a network of ours: not judged; a relay's is left alone."""
    code, text = p.send("a@strict.test", ["b@local.test"], message("a@strict.test", FORGED), client="192.0.2.77")
    t.equal(code, 250, "our own mail is not judged", text)
    mail = p.take()
    t.ok(mail and not any("dmarc=" in r for r in fields(mail, "Authentication-Results")),
         "… and nobody's results are believed", mail and fields(mail, "Authentication-Results"))
    code, text = p.send("a@strict.test", ["b@local.test"], message("a@strict.test", FORGED), client="192.0.2.78")
    mail = p.take()
    t.ok(code == 250 and fields(mail, "Authentication-Results")[0].endswith("bank.test"), "a relay's mail is left alone",
         (code, text, mail))


def signed(t, p, g):
    """Our own mail is signed; when it comes back from outside, the signature holds."""
    code, text = p.send("a@ours.test", ["b@local.test"], message("a@ours.test"), client="192.0.2.77")
    mail = p.take()
    sig = fields(mail, "DKIM-Signature")
    t.ok(code == 250 and len(sig) == 1 and "d=ours.test" in sig[0] and "s=s1" in sig[0], "our own mail is signed",
         (code, text, mail, g.log()))
    back = mail[mail.index(b"DKIM-Signature:"):].replace(b"\n", b"\r\n")
    code, text = p.send("a@ours.test", ["b@local.test"], back, client="192.0.2.1")
    mail = p.take()
    results = fields(mail, "Authentication-Results") if mail else []
    t.ok(code == 250 and results and "dkim=pass" in results[0] and "dmarc=pass" in results[0],
         "it passes where it comes in, by its signature", (code, text, results))
    seals = fields(mail, "ARC-Seal") if mail else []
    t.ok(len(seals) == 1 and "i=1" in seals[0] and "cv=none" in seals[0] and "d=ours.test" in seals[0],
         "mail of others is sealed", seals)
    code, text = p.send("a@ours.test", ["b@local.test"], back.replace(b"Good day", b"Bad day"), client="192.0.2.1")
    t.equal(code, 550, "changed on its way: refused", text)


def marked(t, p, g):
    """What is quarantined is delivered with a field, and that field is ours alone."""
    t.ok(g.reload("policy: enforce", "policy: enforce\n  quarantine-field: X-Quarantine"), "a reload", g.log())
    code, text = p.send("a@quiet.test", ["b@local.test"], message("a@quiet.test", "X-Quarantine: no"), client="192.0.2.1")
    mail = p.take()
    got = fields(mail, "X-Quarantine") if mail else []
    t.ok(code == 250 and len(got) == 1 and "quiet.test" in got[0], "quarantined mail is marked, and not held", (text, got))
    code, text = p.send("a@good.test", ["b@local.test"], message("a@good.test", "X-Quarantine: yes"), client="192.0.2.1")
    mail = p.take()
    t.ok(code == 250 and mail and not fields(mail, "X-Quarantine"), "such a field from outside is removed", text)


def crowded(t, p, g):
    """More at a time than we may judge: by choice, later or unmarked."""
    t.ok(g.reload("policy: enforce", "policy: enforce\n  max-messages: 1"), "a reload", g.log())
    with_one = p.smtp("192.0.2.1")
    for words in ("MAIL FROM:<a@good.test>", "RCPT TO:<b@local.test>", "DATA"):
        with_one.docmd(words)
    code, text = p.send("a@good.test", ["b@local.test"], message("a@good.test"), client="192.0.2.1")
    t.equal(code, 451, "too much at a time: asked for again", text)
    with_one.close()
    t.ok(wait_for(lambda: g.counts()["judging"] == 0, 5) and g.counts()["crowded"] == 1, "… and counted", g.counts())
    t.ok(g.reload("on-failure: tempfail", "on-failure: accept"), "another choice", g.log())
    with_one = p.smtp("192.0.2.1")
    for words in ("MAIL FROM:<a@good.test>", "RCPT TO:<b@local.test>", "DATA"):
        with_one.docmd(words)
    code, text = p.send("a@good.test", ["b@local.test"], message("a@good.test"), client="192.0.2.1")
    mail = p.take()
    t.ok(code == 250 and mail and not fields(mail, "Authentication-Results"), "by choice let in, without a mark", text)
    with_one.close()
    t.ok(g.reload("max-messages: 1", "max-messages: 50"), "room again", g.log())


def counted(t, p, g):
    c = g.counts()
    t.ok(c["rejected"] == 4 and c["quarantined"] == 1 and c["own"] == 2 and c["relayed"] == 1
         and c["signed"] == 1 and c["sealed"] >= 3
         and c["not_judged"] == c["crowded"] == c["rows_lost"] == 0, "each is counted", c)
    t.ok(c["answers_known"] > 0 and c["answers_asked"] < 40, "answers of the DNS are kept for the next message", c)
    t.ok(c["pubs_known"] > 0 and c["pubs_made"] > 0, "public keys are kept for the next message", c)
    rows = os.listdir(os.path.join(g.state, "mail-rows")) + os.listdir(os.path.join(g.state, "mail-reports"))
    t.ok(any(n.endswith((".open", ".rows", ".sqlite-wal")) for n in rows), "rows are on the disk", rows)


def killed(t, p, g):
    """kill -9 of the role while mail comes in: nothing is lost, nothing is refused for good."""
    codes, stop = [], threading.Event()

    def load():
        while not stop.is_set():
            codes.append(p.send("a@good.test", ["b@local.test"], message("a@good.test"), client="192.0.2.1")[0])

    threads = [threading.Thread(target=load) for _ in range(3)]
    for th in threads:
        th.start()
    time.sleep(0.3)
    g.kill_role("milter")
    time.sleep(0.3)
    back = g.up()
    good = wait_for(lambda: p.send("a@good.test", ["b@local.test"], message("a@good.test"), client="192.0.2.1")[0] == 250)
    stop.set()
    for th in threads:
        th.join()
    t.ok(back and good, "the role is started again, and mail comes in", g.log())
    t.equal({c // 100 for c in codes} - {2, 4}, set(), "answers meanwhile: taken, or asked for again")
    n = codes.count(250) + 1
    t.ok(p.mail(n) is not None, "each of %d mails that were taken is delivered" % n)
    p.empty()


def unsigned(t, p, g):
    """Who holds the keys is killed: our own mail is signed or comes again, and never goes without."""
    def send():
        return p.send("a@ours.test", ["b@local.test"], message("a@ours.test"), client="192.0.2.77")[0]

    g.kill_role("seal")
    codes = [send() for _ in range(5)]
    t.equal(set(codes) - {250, 451}, set(), "without keys: signed already, or asked for again")
    t.ok(wait_for(lambda: send() == 250), "keys are back", g.log())
    mails = p.mail(codes.count(250) + 1)
    t.ok(mails and all(fields(m, "DKIM-Signature") for m in mails), "none of it went without its signature")
    p.empty()


def logged_in(t, p, g):
    """Who logs in is one of us, wherever he is."""
    if not p.has_login:
        t.skip("SASL", "no saslpasswd2 (sasl2-bin)")
        return
    s = p.at("login").smtp("192.0.2.1")
    s.login("taro@mx.local.test", "secret")
    s.sendmail("a@ours.test", ["b@local.test"], message("a@ours.test"))
    s.close()
    mail = p.take()
    t.ok(mail and len(fields(mail, "DKIM-Signature")) == 1, "who logged in is one of us: signed", p.log()[-2000:])
    code, text = p.at("login").send("a@strict.test", ["b@local.test"], message("a@strict.test"), client="192.0.2.1")
    t.equal(code, 550, "who did not log in at the same port is judged", text)


def chrooted(t, p, g):
    code, text = p.at("chroot").send("a@strict.test", ["b@local.test"], message("a@strict.test"), client="192.0.2.1")
    t.ok(code == 550 and "strict.test" in text, "a chrooted smtpd, by a path in its queue: refused", (text, p.log()[-1000:]))
    code, text = p.at("chroot").send("a@good.test", ["b@local.test"], message("a@good.test"), client="192.0.2.1")
    mail = p.take()
    t.ok(code == 250 and mail and "dmarc=pass" in fields(mail, "Authentication-Results")[0], "… and let in", text)


def holds(p, mail):
    """Does the signature hold, as it comes in from outside?"""
    back = mail[mail.index(b"DKIM-Signature:"):].replace(b"\n", b"\r\n")
    s = p.smtp("192.0.2.1")
    try:
        s.sendmail("a@ours.test", ["b@local.test"], back, ["SMTPUTF8", "BODY=8BITMIME"] if not back.isascii() else [])
    finally:
        s.close()
    got = p.take()
    return got is not None and "dkim=pass" in fields(got, "Authentication-Results")[0]


def local(t, p, g):
    """By the sendmail command: no SMTP, no client."""
    text = message("a@ours.test", "Bcc: c@local.test").replace(b"\r\n", b"\n")
    done = p.sendmail(["-t", "-f", "a@ours.test"], text)
    mails = p.mail(2)
    p.empty()
    t.ok(done.returncode == 0 and mails, "the sendmail command: one for each recipient, Bcc too", (done.stderr, p.log()[-1000:]))
    t.ok(mails and all(not fields(m, "Bcc") and len(fields(m, "DKIM-Signature")) == 1 for m in mails), "… signed, without Bcc")
    t.ok(mails and holds(p, mails[0]), "… and the signature holds")


def recipients(t, p, g):
    code, text = p.send("a@ours.test", ["b@local.test", "c@local.test", "d@local.test"], message("a@ours.test"), client="192.0.2.77")
    mails = p.mail(3)
    p.empty()
    t.ok(code == 250 and mails and len({fields(m, "DKIM-Signature")[0] for m in mails}) == 1, "three recipients: one signature", text)


def wide(t, p, g):
    """Eight bits in the text, and addresses that are not ASCII."""
    text = message("太郎 <a@ours.test>", "X-Note: 日本", text="こんにちは。")
    s = p.smtp("192.0.2.77")
    s.sendmail("a@ours.test", ["用@local.test"], text, ["SMTPUTF8", "BODY=8BITMIME"])
    s.close()
    mail = p.take()
    t.ok(mail and "こんにちは".encode() in mail and len(fields(mail, "DKIM-Signature")) == 1, "SMTPUTF8: signed", p.log()[-1000:])
    t.ok(mail and holds(p, mail), "… and the signature holds")


def raw(p, octets, client="192.0.2.1", sender="a@good.test"):
    """A message as it stands, by DATA, without what smtplib makes of its lines; the answer."""
    s = p.smtp(client)
    for words in ("MAIL FROM:<%s>" % sender, "RCPT TO:<b@local.test>", "DATA"):
        s.docmd(words)
    s.send(octets + b"\r\n.\r\n")
    code, text = s.getreply()
    s.close()
    return code, text.decode()


def shapes(t, p, g):
    """Forged results in each shape, as a mailbox has them at the end: the MTA counts as we do."""
    forged = ["Authentication-Results: mx.local.test; spf=pass", "authentication-RESULTS: MX.local.test; spf=pass",
              "Authentication-Results:\r\n\tmx.local.test;\r\n\tspf=pass", 'Authentication-Results: "mx.local.test"; spf=pass',
              "Authentication-Results:mx.local.test", "Authentication-Results: (x) mx.local.test (y) 1; none"]
    others = ["Authentication-Results: other%d.test; none" % i for i in range(len(forged) + 1)]
    head = [x for pair in zip(others, forged) for x in pair] + others[-1:]
    code, text = p.send("a@good.test", ["b@local.test"], message("a@good.test", *head), client="192.0.2.1")
    mail = p.take()
    names = [r.split(";")[0] for r in fields(mail, "Authentication-Results")] if mail else []
    t.equal(names, ["mx.local.test"] + ["other%d.test" % i for i in range(len(others))], "forged ones between others: these stay, in their order", text)
    code, text = raw(p, message("a@good.test").replace(b"Subject:", b"Authentication-Results : mx.local.test; spf=pass\r\nSubject:"))
    mail = p.take() if code == 250 else b"\n\n"
    t.equal(len(re.findall(rb"(?im)^authentication-results\s*:", mail.split(b"\n\n")[0])), 1, "a blank before the colon: gone, too", (text, mail))


def octets(t, p, g):
    """What no line of mail should have. Of NUL Postfix says nothing to a filter, and is told to refuse it (sekisho-mail-serve(8))."""
    for what, old, new, codes in (
            ("NUL in From", b"From: a@good.test", b"From: a@good.test\0, a@strict.test", {550}),
            ("NUL before From's end", b"From: a@good.test", b"From: \0a@good.test", {550}),
            ("a bare CR in From", b"From: a@good.test", b"From: a@good.test\rX-Y: z", {250, 550}),
            ("a bare LF", b"Subject: a test", b"Subject: a\nAuthentication-Results: mx.local.test; spf=pass", {250, 550, 521}),
            ("a bare CR and a forged field", b"Subject: a test", b"Subject: a\r\rAuthentication-Results: mx.local.test; spf=pass", {250, 550}),
            ("eight bits in a name", b"Subject:", b"X-\xe9: x\r\nSubject:", {250, 550}),
            ("a line of 20,000 octets", b"Subject: a test", b"Subject: " + b"x" * 20000, {250, 550})):
        code, text = raw(p, message("a@good.test").replace(old, new, 1))
        mail = p.take() if code == 250 else None
        names = [r.split(";")[0] for r in fields(mail.replace(b"\r", b" ").replace(b"\0", b"@"), "Authentication-Results")] if mail else []
        t.ok(code in codes and (code != 250 or names == ["mx.local.test"]), "%s: a verdict, and no results but ours" % what, (code, text, names, mail))
    t.equal(g.counts()["not_judged"], 0, "… none of which was too much")


def doors(t, p, g):
    """BDAT, an old milter protocol, a filter before the queue, and a client without an address."""
    s = p.smtp("192.0.2.1")
    text = message("a@strict.test")
    s.docmd("MAIL FROM:<a@good.test>")
    s.docmd("RCPT TO:<b@local.test>")
    for piece, last in ((text[:40], ""), (text[40:], " LAST")):
        s.send(b"BDAT %d%s\r\n" % (len(piece), last.encode()) + piece)
        code, said = s.getreply()
    s.close()
    t.ok(code == 550 and b"strict.test" in said, "BDAT in two pieces: judged", (code, said))
    code, said = p.at("old").send("a@strict.test", ["b@local.test"], message("a@strict.test"), client="192.0.2.1")
    t.ok(code == 550 and "strict.test" in said, "milter_protocol = 2: judged", (code, said, p.log()[-1000:]))
    code, said = p.at("old").send("a@ours.test", ["b@local.test"], message("a@ours.test"), client="192.0.2.77")
    mail = p.take()
    t.ok(code == 250 and mail and len(fields(mail, "DKIM-Signature")) == 1, "… and signed", (code, said))
    t.ok(mail and holds(p, mail), "… and the signature holds")
    code, said = p.at("proxy").send("a@strict.test", ["b@local.test"], message("a@strict.test"), client="192.0.2.1")
    mail = p.take() if code == 250 else None
    t.ok(code == 250 and mail and not fields(mail, "Authentication-Results"), "smtpd_proxy_filter: Postfix does not show it to filters",
         (code, said))
    s = p.smtp()
    said = [s.docmd(x) for x in ("XCLIENT ADDR=[UNAVAILABLE] NAME=[UNAVAILABLE]", "EHLO client.test", "MAIL FROM:<a@ours.test>",
                                 "RCPT TO:<b@local.test>", "DATA")]
    s.close()
    # Postfix 3.7 tells libmilter the address "unknown", of IPv4: that is cut off, and milter_default_action holds.
    t.equal(said[-1][0], 451, "a client of whom Postfix does not know the address is nobody of ours", said)
    code, said = p.send("a@strict.test", ["m%d@local.test" % i for i in range(200)], message("a@strict.test"), client="192.0.2.1")
    t.equal(code, 550, "two hundred recipients", said)
    t.ok(wait_for(lambda: g.counts()["judging"] == 0, 5), "nothing is left of any of them", g.counts())


def bounces(t, p, g):
    """What Postfix writes itself."""
    p.sendmail(["-f", "a@local.test", "x@gone.test"], message("a@ours.test").replace(b"\r\n", b"\n"))
    mail = p.take()
    t.ok(mail and b"nobody there" in mail, "a bounce is delivered", p.log()[-1000:])
    t.ok(mail and not fields(mail, "Authentication-Results"), "… as our own mail, which is not judged")


def down(t, p, g):
    """The milter is not there: each milter_default_action is Postfix's, and none loses mail."""
    before = p.held()
    for action, want in DOWN.items():
        code, text = p.at(action).send("a@good.test", ["b@local.test"], message("a@good.test"), client="192.0.2.1")
        t.equal(code // 100, want, "without a milter, %s" % action, text)
    t.ok(wait_for(lambda: p.held() == before + 1), "… quarantine: held", p.log()[-1000:])
    mails = p.mail(1)
    t.ok(mails and len(mails) == 1 and not fields(mails[0], "Authentication-Results"), "… accept: delivered, without a mark")


def stops(t, p, g):
    begin = time.monotonic()
    s = p.smtp("192.0.2.1")	# a connection to the milter that stays open
    code, err = g.stop()
    s.close()
    t.equal(code, 0, "Ctrl-C: the daemon ends", err)
    t.ok(time.monotonic() - begin < 3 * house.patient(1), "… soon, though an MTA is connected")
    code, text = p.send("a@good.test", ["b@local.test"], message("a@good.test"), client="192.0.2.1")
    t.equal(code // 100, 4, "without the role Postfix does what it was told: later", text)


def main():
    t = Tap()
    why = postfix.missing()
    if why:
        t.skip("postfix", why)
        return t.done()
    with house.folder() as d:
        dns = Server({**RECORDS, **key_make(d)})
        g = Gate(d, dns.address)
        try:
            g.start()
            if not g.up():
                t.ok(False, "sekisho serve with role milter", g.log())
                return t.done()
            with Post(d, "unix:" + g.sock) as p:
                for case in (passes, refused, own, signed, counted, shapes, octets, doors, logged_in, chrooted, local, recipients, wide, bounces,
                             marked, crowded, killed, unsigned, stops, down):
                    t.case(case, t, p, g)
        finally:
            house.stop_all()
            dns.close()
    return t.done()


if __name__ == "__main__":
    sys.exit(main())
