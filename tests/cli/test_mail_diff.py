#!/usr/bin/env python3
"""
sekisho mail diff: one message, signed for this test, and what lists, gateways
and servers make of it. Each pair says what was done, what that broke, and by
whom; what is said to hold must verify, and what is said to be broken must not.
"""
import base64
import email
import email.header
import email.mime.text
import email.policy
import json
import os
import subprocess
import sys
import tempfile

SRC = os.environ.get("SEKISHO_SRC") or os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
BUILD = os.environ.get("SEKISHO_BUILD") or os.path.join(SRC, "build")
SEKISHO = os.path.join(BUILD, "sekisho")
TOOL = os.path.join(BUILD, "tests", "mail", "dkim_tool")
BOX = os.path.join(SRC, "tests", "cli", "mailbox")

n = 0
failed = 0


def ok(good, what, detail=""):
    global n, failed
    n += 1
    failed += not good
    print("%sok %d - %s" % ("" if good else "not ", n, what), flush=True)
    if not good:
        for line in str(detail).splitlines()[:40]:
            print("# " + line, flush=True)


def run(*words, stdin=b"", verb="diff"):
    p = subprocess.run([SEKISHO, "mail", verb, *words], input=stdin, capture_output=True, timeout=300,
                       env={**os.environ, "LANG": "C", "LC_ALL": ""})
    return p.returncode, p.stdout.decode(), p.stderr.decode()


HEAD = (b"From: A <a@example.jp>\r\nTo: b@example.com\r\nSubject: =?utf-8?B?5Lya6K2w?=\r\n"
        b"Date: Mon, 23 Nov 2026 04:00:00 +0000\r\nMessage-ID: <1@example.jp>\r\n")
TEXT = b"The first line.\r\nThe second  one.\r\n\r\nFrom here on it is the end.\r\n"
PLAIN = HEAD + b"\r\n" + TEXT
MIXED = (HEAD + b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b1\r\n\r\n"
         b"--b1\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
         b"\xe4\xbc\x9a\xe8\xad\xb0\r\n--b1\r\nContent-Type: application/pdf\r\n"
         b"Content-Disposition: attachment; filename=\"x.pdf\"\r\nContent-Transfer-Encoding: base64\r\n\r\n"
         b"aGVsbG8=\r\n--b1--\r\n")


class World:
    """A folder with a key, its zone, and messages that it signed."""

    def __init__(self, folder):
        self.folder = folder
        self.pem = self.path("key.pem")
        subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", self.pem], check=True, capture_output=True)
        der = subprocess.run(["openssl", "pkey", "-in", self.pem, "-pubout", "-outform", "DER"], check=True, capture_output=True).stdout
        self.zone = self.put("zone", (
            '$ORIGIN example.jp.\ns._domainkey TXT "v=DKIM1; k=ed25519; p=%s"\n_dmarc TXT "v=DMARC1; p=reject"\n' %
            base64.b64encode(der[-32:]).decode()).encode())

    def path(self, name):
        return os.path.join(self.folder, name)

    def put(self, name, octets):
        with open(self.path(name), "wb") as f:
            f.write(octets)
        return self.path(name)

    def sign(self, text, canon):
        os.makedirs(self.path("signed"), exist_ok=True)
        subprocess.run([TOOL, "sign", self.pem, "15", "example.jp", "s", canon, self.path("signed"), self.put("raw", text)],
                       check=True)
        with open(self.path("signed/raw"), "rb") as f:
            return f.read()

    def diff(self, before, after, *words):
        code, out, err = run("--dns", self.zone, "--json", *words, self.put("before", before), self.put("after", after))
        return code, json.loads(out) if out else {}, err

    def verifies(self, text):
        code, out, err = run("--dns", self.zone, "--json", self.put("one", text), verb="verify")
        return [d["result"] == "pass" for d in json.loads(out)["dkim"] if d["domain"] == "example.jp"]


def above(fields):
    return lambda m: fields + m


def swap(old, new):
    def change(m):
        assert m.count(old) >= 1, old
        at = m.rindex(old)
        return m[:at] + new + m[at + len(old):]
    return change


def both(*changes):
    def change(m):
        for c in changes:
            m = c(m)
        return m
    return change


def drop(name):
    """Without the field of that name, folds and all."""
    def change(m):
        out, skip = [], False
        for line in m.split(b"\r\n"):
            if line[:1] not in (b" ", b"\t") or not skip:
                skip = line.lower().startswith(name.lower() + b":")
            if not skip:
                out.append(line)
        return b"\r\n".join(out)
    return change


FOOTER = both(above(b"X-Mailman-Version: 3.3.8\r\nList-Id: <l.list.example>\r\n"),
              swap(b"Subject: ", b"Subject: [l] "), lambda m: m + b"___\r\nl mailing list -- l@list.example\r\n")
# what, message, form, change: fate, codes, program, one that must have a setting
WAYS = [
    ("nothing", PLAIN, "relaxed/relaxed", lambda m: m, "holds", [], "unknown", None),
    ("an alias of Postfix", PLAIN, "simple/simple", above(b"Return-Path: <x@y.example>\r\nX-Original-To: b@example.com\r\nDelivered-To: c@example.com\r\n"
                                                          b"Received: from a by b (Postfix) id 1; now\r\n"), "holds", [], "postfix", None),
    ("a redirect of Sieve", PLAIN, "relaxed/simple", above(b"X-Sieve-Redirected-From: b@example.com\r\n"), "holds", [], "sieve", None),
    ("Mailman 3 with prefix and footer", PLAIN, "relaxed/relaxed", FOOTER, "broken", ["MAIL_DIFF_SUBJECT", "MAIL_DIFF_FOOTER"], "mailman3", "MAIL_DIFF_SUBJECT"),
    ("Mailman 3 that munges From", PLAIN, "relaxed/relaxed", both(above(b"X-Mailman-Version: 3.3.8\r\nReply-To: A <a@example.jp>\r\n"),
                                                                swap(b"From: A <a@example.jp>", b"From: A via L <l@list.example>")),
     "broken", ["MAIL_DIFF_FROM", "MAIL_DIFF_REPLY_TO"], "mailman3", "MAIL_DIFF_FROM"),
    ("Mailman 2 with its footer as a part", MIXED, "relaxed/relaxed", both(above(b"X-Mailman-Version: 2.1.39\r\nX-BeenThere: l@list.example\r\n"),
                                                                          swap(b"--b1--", b"--b1\r\nContent-Type: text/plain\r\n\r\n___\r\nfooter\r\n--b1--")),
     "broken", ["MAIL_DIFF_PART_NEW"], "mailman2", "MAIL_DIFF_PART_NEW"),
    ("Mailman 3 that filters content", MIXED, "relaxed/relaxed", both(above(b"X-Mailman-Version: 3.3.8\r\n"), lambda m: m[:m.index(b"--b1\r\nContent-Type: application")] + b"--b1--\r\n"),
     "broken", ["MAIL_DIFF_PART_GONE"], "mailman3", "MAIL_DIFF_PART_GONE"),
    ("Google Groups", PLAIN, "relaxed/relaxed", both(above(b"X-Google-Group-Id: 1\r\nX-Original-Sender: a@example.jp\r\n"), lambda m: m + b"-- \r\nYou received this\r\n"),
     "broken", ["MAIL_DIFF_FOOTER"], "google-groups", "MAIL_DIFF_FOOTER"),
    ("Sympa", PLAIN, "relaxed/relaxed", both(above(b"X-Loop: l@list.example\r\nX-Sequence: 5\r\n"), swap(b"Subject: ", b"Subject: [l] ")),
     "broken", ["MAIL_DIFF_SUBJECT"], "sympa", "MAIL_DIFF_SUBJECT"),
    ("a list that takes signatures out", PLAIN, "relaxed/relaxed", both(drop(b"DKIM-Signature"), above(b"List-Id: <l.example>\r\n")), "gone", [], "list", None),
    ("a gateway's footer", PLAIN, "relaxed/relaxed", lambda m: m + b"Confidential.\r\n", "broken", ["MAIL_DIFF_FOOTER"], "gateway", "MAIL_DIFF_FOOTER"),
    ("a gateway's banner", PLAIN, "relaxed/relaxed", swap(TEXT, b"CAUTION: external\r\n" + TEXT), "broken", ["MAIL_DIFF_BANNER"], "gateway", "MAIL_DIFF_BANNER"),
    ("a scanner that marks the subject", PLAIN, "relaxed/relaxed", both(above(b"X-Spam-Flag: YES\r\n"), swap(b"Subject: ", b"Subject: ***SPAM*** ")),
     "broken", ["MAIL_DIFF_SUBJECT"], "scanner", "MAIL_DIFF_SUBJECT"),
    ("a server that converts 8 bits", MIXED, "relaxed/relaxed", both(above(b"Delivered-To: b\r\nReceived: by x (Postfix)\r\n"), swap(b"8bit", b"quoted-printable"),
                                                                  swap(b"\xe4\xbc\x9a\xe8\xad\xb0", b"=E4=BC=9A=E8=AD=B0")),
     "broken", ["MAIL_DIFF_ENCODING"], "postfix", "MAIL_DIFF_ENCODING"),
    ("a converter to UTF-8", MIXED, "relaxed/relaxed", both(swap(b"charset=utf-8", b"charset=iso-2022-jp"), swap(b"\xe4\xbc\x9a\xe8\xad\xb0", b"\x1b$B2q5D\x1b(B")),
     "broken", ["MAIL_DIFF_CHARSET"], "unknown", None),
    ("words encoded anew", PLAIN, "relaxed/relaxed", swap(b"=?utf-8?B?5Lya6K2w?=", b"=?utf-8?q?=E4=BC=9A=E8=AD=B0?="), "broken", ["MAIL_DIFF_RECODED"], "unknown", None),
    ("fields folded anew, relaxed", PLAIN, "relaxed/simple", swap(b"To: b@", b"To:\r\n b@"), "holds", ["MAIL_DIFF_FOLDED"], "unknown", None),
    ("fields folded anew, simple", PLAIN, "simple/simple", swap(b"To: b@", b"To:\r\n b@"), "broken", ["MAIL_DIFF_FOLDED"], "unknown", None),
    ("blanks, relaxed", PLAIN, "relaxed/relaxed", swap(b"second  one.", b"second one. "), "holds", ["MAIL_DIFF_BLANKS"], "unknown", None),
    ("blanks, simple", PLAIN, "relaxed/simple", swap(b"second  one.", b"second one. "), "broken", ["MAIL_DIFF_BLANKS"], "unknown", None),
    ("lines wrapped", PLAIN, "relaxed/relaxed", swap(b"first line", b"first\r\nline"), "broken", ["MAIL_DIFF_WRAP"], "unknown", None),
    ("a mailbox file", PLAIN, "relaxed/relaxed", swap(b"\r\nFrom here", b"\r\n>From here"), "broken", ["MAIL_DIFF_QUOTE"], "mailbox", None),
    ("the end cut", PLAIN, "relaxed/relaxed", swap(b"From here on it is the end.\r\n", b""), "broken", ["MAIL_DIFF_CUT"], "unknown", None),
    ("links rewritten", PLAIN, "relaxed/relaxed", both(above(b"X-Proofpoint-GUID: 1\r\n"), swap(b"The second", b"https://scan.example")),
     "broken", ["MAIL_DIFF_BODY"], "scanner", "MAIL_DIFF_BODY"),
    ("a second Subject below", PLAIN, "relaxed/relaxed", swap(b"Date: ", b"Subject: win\r\nDate: "), "broken", ["MAIL_DIFF_ADDED"], "unknown", None),
    ("LF in the file", PLAIN, "relaxed/relaxed", lambda m: m.replace(b"\r\n", b"\n"), "holds", ["MAIL_DIFF_ENDS"], "unknown", None),
]


def ways(w):
    signed = {}
    for what, text, canon, change, fate, codes, program, setting in WAYS:
        before = signed.setdefault((text, canon), w.sign(text, canon))
        after = change(before)
        code, j, err = w.diff(before, after)
        found = [f["code"] for f in j.get("findings", [])]
        s = j["signatures"][0]
        ok(code == (fate in ("broken", "gone")) and s["fate"] == fate and s["verified_before"], "%s: %s" % (what, fate), (code, s, err))
        ok([c for c in codes if c not in found] == [] and j["program"]["name"] == program, "%s: what, and by whom" % what, (found, j["program"]))
        ok(setting is None or setting in j["settings"], "%s: how it is to be set" % what, j["settings"])
        ok(w.verifies(before) == [True] and w.verifies(after) == ([] if fate == "gone" else [fate == "holds"]),
           "%s: verify says the same" % what)


def names(w):
    m = w.sign(PLAIN, "relaxed/relaxed")
    code, j, err = w.diff(m, swap(b"Subject: ", b"Subject: [l] ")(m))
    s = j["signatures"][0]
    ok([(c["name"].lower(), c["act"]) for c in s["changed"]] == [("subject", "changed")] and s["body_same"] and not s["head_same"],
       "the field that did it is named", s)
    code, j, err = w.diff(m, swap(b"Date: ", b"Subject: win\r\nDate: ")(m))
    s = j["signatures"][0]
    ok(any(c["name"].lower() == "subject" and c["shift"] for c in s["changed"]), "another one took its place", s)
    ok(j["before"]["dmarc"] == "pass" and j["after"]["dmarc"] == "fail", "what DMARC makes of it", (j["before"], j["after"]))
    code, j, err = w.diff(m, m + b"bye\r\n")
    ok(j["signatures"][0]["length_enough"] and j["body"]["where"] == "end", "l= would have borne a footer", j["body"])
    # a second change after the first: that place broke nothing
    code, j, err = w.diff(m + b"x\r\n", m + b"x\r\ny\r\n")
    ok(code == 0 and j["signatures"][0]["fate"] == "was-broken", "broken before already: not by this place", j["signatures"])


def rewritten(w):
    """What a list does that reads and writes messages with Python's package, as Mailman 3 does."""
    for what, text in (("plain", PLAIN), ("mixed", MIXED)):
        m = w.sign(text, "relaxed/relaxed")
        e = email.message_from_bytes(m)
        subject = email.header.Header("[l] ", header_name="Subject")
        subject.append("\u4f1a\u8b70", "utf-8")
        del e["subject"]
        e["Subject"] = subject
        e["X-Mailman-Version"] = "3.3.8"
        if e.is_multipart():
            e.attach(email.mime.text.MIMEText("___\nfooter\n"))
        else:
            e.set_payload(e.get_payload() + "___\r\nfooter\r\n")
        code, j, err = w.diff(m, e.as_bytes(policy=email.policy.compat32.clone(linesep="\r\n")))
        found = {f["code"]: f for f in j["findings"]}
        ok(code == 1 and found["MAIL_DIFF_SUBJECT"]["args"]["is"] == "[l] \u4f1a\u8b70" and
           ("MAIL_DIFF_PART_NEW" if what == "mixed" else "MAIL_DIFF_FOOTER") in found and "MAIL_DIFF_RECODED" not in found,
           "a list in Python, %s" % what, found)


def texts(w):
    m = w.sign(PLAIN, "relaxed/relaxed")
    before, after = w.put("before", m), w.put("after", FOOTER(m))
    code, out, err = run("--dns", w.zone, before, after)
    ok(code == 1 and out.startswith("1 of 1 signatures") and "Most likely between them: a list of Mailman 3" in out and
       "-> subject_prefix: leave it empty" in out and "DMARC by DKIM alone: pass before, fail after." in out, "text", out + err)
    code, out, err = run("--dns", w.zone, "--lang", "ja", before, after)
    ok(code == 1 and "失われた署名: 1個" in out and "件名が" in out and "subject_prefix を空に" in out, "Japanese", out)
    code, out, err = run("--dns", w.zone, "-q", before, after)
    ok(code == 1 and "->" not in out, "-q: without what to do", out)
    code, out, err = run("--dns", w.zone, "-v", before, after)
    ok(code == 1 and "added          List-Id" in out and "changed        Subject (other)" in out, "-v: all fields", out)
    code, out, err = run("--dns", w.zone, "-", after, stdin=m)
    ok(code == 1 and out.startswith("1 of 1"), "standard input before", out + err)
    code, out, err = run("--dns", w.zone, before, "-", stdin=FOOTER(m))
    ok(code == 1 and out.startswith("1 of 1"), "standard input after", out + err)
    code, out, err = run("--no-dns", before, after)
    ok(code == 1 and "DMARC" not in out.split("\n")[2] and "its key is not known" in out, "--no-dns: what changed all the same", out + err)
    code, out, err = run("--no-dns", before, before)
    ok(code == 0 and "No signature was broken" in out, "--no-dns: nothing changed", out + err)
    code, out, err = run("--no-dns", w.put("x", PLAIN), w.put("y", PLAIN))
    ok(code == 0 and out.startswith("There was no signature that could break."), "no signature", out)
    code, out, err = run("--no-dns", before, w.put("y", m.replace(b"Subject: ", b"Subject: \x1b[31m\xe2\x80\xae")))
    ok("\x1b" not in out and "\u202e" not in out, "text of strangers is escaped", out)


def sealed(w):
    zone = os.path.join(BOX, "world.zone")
    code, out, err = run("--dns", zone, "--json", os.path.join(BOX, "direct.eml"), os.path.join(BOX, "sealed.eml"))
    j = json.loads(out)
    ok(code == 1 and j["new_arc_sets"] == 1 and any(f["code"] == "MAIL_DIFF_SEALED" for f in j["findings"]), "a forwarder that sealed", out)
    with open(os.path.join(BOX, "sealed.eml"), "rb") as f:
        m = f.read()
    code, out, err = run("--dns", zone, "--json", os.path.join(BOX, "sealed.eml"), w.put("y", m + b"more\n"))
    fates = {s["kind"]: s["fate"] for s in json.loads(out)["signatures"]}
    ok(code == 1 and fates == {"dkim": "was-broken", "arc-message": "broken", "arc-seal": "holds"}, "its own signature broken later, its seal not", fates)


def large(w):
    """Two of 10 MB, of the kinds that cost most: all lines alike, none alike, thousands of parts."""
    lines = b"a a a a a\r\n" * 950000
    many = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n\r\nx\r\n" * 800000
    for what, x, y in [("all lines alike", b"\r\n" + lines, b"\r\nb\r\n" + lines + b"b\r\n"),
                       ("no line alike", b"\r\n" + lines, b"\r\n" + lines.replace(b"a", b"b")),
                       ("thousands of parts", many, many.replace(b"x", b"y"))]:
        code, out, err = run("--no-dns", "--json", w.put("x", HEAD + x), w.put("y", HEAD + y))
        ok(code == 0 and json.loads(out)["lost"] == 0, "10 MB, %s" % what, out[:500] + err)


def refused(w):
    m = w.put("m", PLAIN)
    for words, rc, what in [
            ([m], 2, "one message"), ([m, m, m], 2, "three"), (["-", "-"], 2, "standard input twice"),
            (["--no-dns", "--dns", w.zone, m, m], 2, "--no-dns and files"),
            (["--dns", w.zone, "--resolver", "127.0.0.1", m, m], 2, "files and a resolver"),
            (["--dns", w.zone, m, w.path("nothing")], 3, "no message there"),
            (["--dns", w.zone, w.put("empty", b""), m], 3, "an empty file")]:
        code, out, err = run(*words)
        ok(code == rc and err.count("\n") == 1, "refused: " + what, (code, out, err))


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        world = World(folder)
        ways(world)
        names(world)
        rewritten(world)
        texts(world)
        sealed(world)
        large(world)
        refused(world)
    print("1..%d" % n)
    sys.exit(failed > 0)
