#!/usr/bin/env python3
"""
A real Sendmail with role milter of `sekisho serve` as an input mail filter: what passes, what is
refused and held, and above all that what is signed there verifies, however a header is folded and
whatever follows its colon. Sendmail's packages are unpacked for this test and not installed.
"""
import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "cli"))
sys.path.insert(0, os.path.join(HERE, "..", "lab"))
import house  # noqa: E402
import sendmail  # noqa: E402
from mail_dns_server import TXT, Server, txt  # noqa: E402
from patience import wait_for  # noqa: E402
from tap import Tap  # noqa: E402
from test_milter_postfix import FORGED, OTHERS, Gate, fields, key_make, message  # noqa: E402

RECORDS = {
    ("good.test", TXT): [txt("v=spf1 ip4:127.0.0.1 -all")],
    ("_dmarc.good.test", TXT): [txt("v=DMARC1; p=reject")],
    ("strict.test", TXT): [txt("v=spf1 ip4:192.0.2.9 -all")],
    ("_dmarc.strict.test", TXT): [txt("v=DMARC1; p=reject")],
    ("quiet.test", TXT): [txt("v=spf1 ip4:192.0.2.9 -all")],
    ("_dmarc.quiet.test", TXT): [txt("v=DMARC1; p=quarantine")],
}
TO = ["root@local.test"]
# Headers that MTAs treat in different ways.
SHAPES = [
    ("plain", ["X-Plain: one"]),
    ("no blank behind the colon", ["X-Tight:one"]),
    ("more blanks, and at the end", ["X-Wide:   one  two   "]),
    ("a tab behind the colon", ["X-Tab:\tone"]),
    ("folded with blanks and tabs", ["X-Fold: one\r\n  two\r\n\tthree"]),
    ("nothing on the first line", ["X-Late:\r\n one"]),
    ("empty", ["X-Empty:", "X-Blank: "]),
    ("long", ["X-Long: " + "word " * 120]),
    ("several recipients in To", ["Cc: C <c@local.test>,\r\n  D <d@local.test>, e@local.test"]),
    ("no blank behind a comma", ["Cc: c@local.test,D <d@local.test> , e@local.test,"]),
    ("commas that are none", ['Cc: "C, c" <c@local.test>,d@local.test (D, d),<e@local.test>']),
    ("names with dots", ["Reply-To: John Q. Public <c@local.test>,Pat O'Brien<d@local.test>"]),
    ("a group", ["Cc: undisclosed-recipients:;"]),
]
VERIFY = """
import dkim, sys
record = open(sys.argv[2], "rb").read()
print(dkim.verify(open(sys.argv[1], "rb").read(), dnsfunc=lambda *a, **k: record))
"""


def dkimpy(d, mail, records):
    """True, False, or None without dkimpy."""
    for name, data in (("m.eml", mail.replace(b"\n", b"\r\n")), ("m.key", records)):
        with open(os.path.join(d, name), "wb") as f:
            f.write(data)
    p = subprocess.run(["/usr/bin/python3", "-c", VERIFY, d + "/m.eml", d + "/m.key"], capture_output=True, text=True)
    return None if "No module" in p.stderr else p.stdout.strip() == "True"


def passes(t, s, g, *_):
    code, text = s.send("a@good.test", TO, message("a@good.test", FORGED, OTHERS, FORGED))
    mail = s.take() if code == 250 else None
    t.ok(mail and b"Good day." in mail, "mail that passes is let in", (code, text, s.log(), g.log()))
    results = fields(mail or b"\n\n", "Authentication-Results")
    t.ok(results and results[0].startswith("mx.local.test;") and "dmarc=pass" in results[0]
         and "spf=pass" in results[0], "our results, on top", results)
    t.equal([r.split(";")[0] for r in results], ["mx.local.test", "mx.elsewhere.test"], "forged results are removed, those of others stay")
    top = [ln.split(b":")[0] for ln in (mail or b"").split(b"\n") if ln[:1] not in b" \t"]
    t.ok(b"Authentication-Results" in top and b"Received" in top, "… with the trace", top)


def refused(t, s, g, *_):
    code, text = s.send("a@strict.test", TO, message("a@strict.test"))
    t.ok(code == 550 and "strict.test" in text and "5.7" in text, "p=reject and forged: refused at DATA", (code, text))
    code, text = s.send("a@quiet.test", TO, message("a@quiet.test"))
    t.ok(code == 250 and wait_for(lambda: s.queued() == 1), "p=quarantine and forged: taken, and quarantined",
         (text, os.listdir(s.folder + "/queue")))
    c = g.counts()
    t.ok(c["rejected"] == 1 and c["quarantined"] == 1 and c["not_judged"] == 0, "each is counted", c)


def shapes(t, s, g, *_):
    """Forged results in each shape between others: Sendmail counts as we do."""
    forged = ["Authentication-Results: mx.local.test; spf=pass", "authentication-RESULTS: MX.local.test; spf=pass",
              "Authentication-Results:\r\n\tmx.local.test;\r\n\tspf=pass", 'Authentication-Results: "mx.local.test"; spf=pass',
              "Authentication-Results:mx.local.test", "Authentication-Results: (x) mx.local.test (y) 1; none"]
    others = ["Authentication-Results: other%d.test; none" % i for i in range(len(forged) + 1)]
    head = [x for pair in zip(others, forged) for x in pair] + others[-1:]
    code, text = s.send("a@good.test", TO, message("a@good.test", *head))
    mail = s.take() if code == 250 else None
    names = [r.split(";")[0] for r in fields(mail or b"\n\n", "Authentication-Results")]
    t.equal(names, ["mx.local.test"] + ["other%d.test" % i for i in range(len(others))], "forged ones between others: these stay, in their order", text)
    code, text = s.send("a@good.test", TO, message("a@good.test", "Authentication-Results : mx.local.test; spf=pass"))
    mail = s.take() if code == 250 else b"\n\n"
    t.ok(len(re.findall(rb"(?im)^authentication-results\s*:", mail.split(b"\n\n")[0])) == (code == 250), "a blank before the colon: gone, too, or refused", (code, text, mail))
    code, text = s.send("a@strict.test", TO * 200, message("a@strict.test"))
    t.equal(code, 550, "two hundred recipients", text)


def signed(t, s, g, d, record):
    """Of a network of ours, in each shape: by dkimpy, and by ourselves when it comes in from outside."""
    for what, more in SHAPES:
        code, text = s.send("a@ours.test", TO, message("a@ours.test", *more), source="127.0.0.77")
        mail = s.take() if code == 250 else None
        t.ok(mail and len(fields(mail, "DKIM-Signature")) == 1, what + ": signed", (code, text, mail))
        if not mail:
            continue
        good = dkimpy(d, mail, record)
        if good is None:
            t.skip(what, "no dkimpy")
        else:
            t.ok(good, "… dkimpy verifies it", mail)
        back = mail[mail.index(b"DKIM-Signature:"):].replace(b"\n", b"\r\n")
        code, text = s.send("a@ours.test", TO, back)
        mail = s.take() if code == 250 else None
        results = fields(mail or b"\n\n", "Authentication-Results")
        t.ok(results and "dkim=pass" in results[0] and "dmarc=pass" in results[0], "… and so do we, when it comes in",
             (code, text, mail))


def wide(t, s, g, d, record):
    text = message("a@ours.test", "X-Note: 日本", text="こんにちは。\r\n.\r\n..two")
    code, said = s.send("a@ours.test", TO, text, source="127.0.0.77", options=["BODY=8BITMIME"])
    mail = s.take() if code == 250 else None
    t.ok(mail and "こんにちは".encode() in mail, "eight bits", (code, said, mail))
    t.ok(mail and dkimpy(d, mail, record) in (True, None), "… and the signature holds", mail)


def sealed(t, s, g, *_):
    code, text = s.send("a@good.test", TO, message("a@good.test", "X-Tight:one"))
    mail = s.take() if code == 250 else None
    seals = fields(mail or b"\n\n", "ARC-Seal")
    t.ok(len(seals) == 1 and "cv=none" in seals[0], "mail of others is sealed", (text, seals))
    if not mail:
        return
    back = mail[min(mail.index(x) for x in (b"ARC-Seal:", b"ARC-Message-Signature:", b"ARC-Authentication-Results:")):]
    code, text = s.send("a@good.test", TO, back.replace(b"\n", b"\r\n"))
    mail = s.take() if code == 250 else None
    results = fields(mail or b"\n\n", "Authentication-Results")
    t.ok(results and "arc=pass" in results[0], "… and the seal holds at the next host", (code, text, mail))


def down(t, s, g, *_):
    g.stop()
    code, text = s.send("a@good.test", TO, message("a@good.test"))
    t.equal(code, 451, "without the role (F=T): later", text)


def main():
    t = Tap()
    why = sendmail.missing()
    if why:
        t.skip("sendmail", why)
        return t.done()
    with house.folder() as d:
        root = sendmail.unpack(os.path.join(d, "packages"))
        if root is None:
            t.skip("sendmail", "its packages cannot be had: apt-get download " + " ".join(sendmail.PACKAGES))
            return t.done()
        keys = key_make(d)
        record = keys[("s1._domainkey.ours.test", TXT)][0]
        at, text = 0, b""
        while at < len(record):		# the strings of the record as one
            text += record[at + 1:at + 1 + record[at]]
            at += 1 + record[at]
        dns = Server({**RECORDS, **keys})
        g = Gate(d, dns.address)
        g.mail = g.mail.replace("own-networks: [192.0.2.77/32, 127.0.0.0/8]", "own-networks: 127.0.0.77/32")
        g.write_conf()
        try:
            g.start()
            if not g.up():
                t.ok(False, "sekisho serve with role milter", g.log())
                return t.done()
            with sendmail.Sendmail(os.path.join(d, "sendmail"), root, "unix:" + g.sock) as s:
                for case in (passes, refused, shapes, signed, wide, sealed, down):
                    t.case(case, t, s, g, d, text)
        finally:
            house.stop_all()
            dns.close()
    return t.done()


if __name__ == "__main__":
    sys.exit(main())
