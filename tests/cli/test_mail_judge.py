#!/usr/bin/env python3
"""
sekisho mail verify and explain: messages of tests/cli/mailbox, each with its
story. They were signed with Mail::DKIM; world.zone there is their whole DNS.
"""
import contextlib
import json
import os
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import mail_dns_server as dns  # noqa: E402

SRC = os.environ.get("SEKISHO_SRC") or os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
BUILD = os.environ.get("SEKISHO_BUILD") or os.path.join(SRC, "build")
SEKISHO = os.path.join(BUILD, "sekisho")
BOX = os.path.join(SRC, "tests", "cli", "mailbox")
ZONE = os.path.join(BOX, "world.zone")
AT = "2026-11-23T05:00:00Z"

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


def run(*words, stdin=b"", lang="C"):
    p = subprocess.run([SEKISHO, "mail", *words], input=stdin, capture_output=True, timeout=120,
                       env={**os.environ, "LANG": lang, "LC_ALL": ""})
    return p.returncode, p.stdout.decode(), p.stderr.decode()


def judge(verb, name, *words, **more):
    return run(verb, "--dns", ZONE, "--at", AT, "--authserv-id", "mx.example.org", *words, os.path.join(BOX, name), **more)


# file, client, more words: status, SPF, DKIM, DMARC, story
STORIES = [
    ("direct.eml", "192.0.2.5", [], 0, "pass", ["pass"], "pass", "direct"),
    ("direct.eml", "198.51.100.7", [], 0, "pass", ["pass"], "pass", "direct"),
    ("forwarded.eml", "203.0.113.9", [], 0, "pass", ["pass"], "pass", "forwarded"),
    ("direct.eml", "203.0.113.9", [], 0, "fail", ["pass"], "pass", "forwarded"),
    ("list.eml", "203.0.113.5", [], 1, "pass", ["pass", "fail"], "fail", "list"),
    ("sealed.eml", "203.0.113.9", [], 1, "fail", ["fail"], "fail", "forwarded"),
    ("changed.eml", "203.0.113.77", [], 1, "fail", ["fail"], "fail", "changed"),
    ("changed.eml", "192.0.2.5", [], 0, "pass", ["fail"], "pass", "changed"),
    ("service.eml", "203.0.113.20", [], 1, "pass", ["pass"], "fail", "service"),
    ("spoof.eml", "203.0.113.66", [], 1, "none", [], "fail", "spoof"),
    ("unsigned.eml", "203.0.113.66", [], 1, "fail", [], "fail", "spoof"),
    ("unsigned.eml", "192.0.2.200", [], 1, "fail", [], "fail", "own"),
    ("unsigned.eml", "192.0.2.5", [], 0, "pass", [], "pass", "direct"),
    ("two_from.eml", "192.0.2.5", ["--sender", "alice@example.com"], 1, "pass", [], "permerror", "spoof"),
    ("open.eml", "192.0.2.5", ["--sender", ""], 2, None, None, None, None),
    ("open.eml", "192.0.2.5", ["--sender", "", "--helo", "mx.open.example"], 0, "none", [], "none", "unprotected"),
]


def stories():
    for name, client, more, rc, spf, dkim, dmarc, story in STORIES:
        what = "%s from %s" % (name, client)
        code, out, err = judge("verify", name, "--json", "--client", client, *more)
        if spf is None:
            ok(code == rc and out == "" and err.count("\n") == 1, what + ": refused", err)
            continue
        j = json.loads(out)
        got = (code, j["spf"][0]["result"], [d["result"] for d in j["dkim"]], j["dmarc"]["result"], j["story"]["kind"])
        ok(got == (rc, spf, dkim, dmarc, story), what + ": " + story, got)
        ok(j["accepted"] == (rc == 0) and all(e["code"] for e in j["story"]["evidence"]), what + ": evidence", out)


def chain():
    code, out, err = judge("verify", "sealed.eml", "--json", "--client", "203.0.113.9")
    j = json.loads(out)
    s = j["arc"]["sets"]
    ok(j["arc"]["result"] == "pass" and len(s) == 1 and s[0]["domain"] == "forward.example" and s[0]["message_holds"] and
       s[0]["body_holds"] and s[0]["seal_holds"] and "dmarc=pass" in s[0]["results"], "a chain that holds", j["arc"])
    ok({"ARC_HOLDS", "ARC_AUTHOR"} <= {e["code"] for e in j["story"]["evidence"]} and j["story"]["or"] is None, "and what it says", j["story"])
    ok("arc=pass" in j["authentication_results"], "in the field, too", j["authentication_results"])
    with open(os.path.join(BOX, "sealed.eml"), "rb") as f:
        text = f.read()
    code, out, err = run("explain", "--dns", ZONE, "--client", "203.0.113.9", stdin=text + b"More.\n")
    ok("arc    fail" in out and "; the body was changed since" in out and "an ARC chain holds" not in out, "a chain that broke", out)


def older():
    """Where RFC 7489 and its list of public suffixes say something else (and two zone files are one DNS)."""
    with tempfile.TemporaryDirectory() as d:
        zone, psl = os.path.join(d, "more.zone"), os.path.join(d, "psl")
        with open(zone, "w", encoding="utf-8") as f:
            f.write('_dmarc.sub.example.com. TXT "v=DMARC1; p=reject; psd=n"\n')
        with open(psl, "w", encoding="utf-8") as f:
            f.write("// ===BEGIN ICANN DOMAINS===\ncom\n// ===END ICANN DOMAINS===\n")
        with open(os.path.join(BOX, "unsigned.eml"), "rb") as f:
            text = f.read().replace(b"Alice <alice@example.com>", b"Alice <alice@sub.example.com>")
        words = ["--dns", ZONE, "--dns", zone, "--client", "192.0.2.5"]
        code, out, err = run("verify", *words, "--psl", psl, stdin=text)
        ok(code == 1 and "\ndmarc  fail       sub.example.com: p=reject (sub.example.com), nothing aligned" in out and
           re.search(r"\ndmarc  pass .*aligned: spf \[by RFC 7489", out), "the older answer, where it differs", out + err)
        code, out, err = run("explain", *words, "--psl", psl, stdin=text)
        ok("and by RFC 7489" in out and "DMARC_DIFFERS" in out, "and why", out)
        code, out, err = run("verify", *words, "--psl", "none", stdin=text)
        ok(code == 1 and "RFC 7489" not in out, "nothing of it without a list", out)


def texts():
    code, out, err = judge("verify", "direct.eml", "--client", "192.0.2.5")
    lines = out.splitlines()
    ok(lines[:4] == [
        "spf    pass       example.com (envelope sender), by ip4:192.0.2.0/28",
        "dkim   pass       example.com, selector s1, rsa-sha256, 2048 bits",
        "arc    none       no chain",
        "dmarc  pass       example.com: p=reject (example.com), aligned: dkim, spf"], "verify: a line a check", out)
    ok(lines[5] == "Authentication-Results: mx.example.org;" and
       re.search(r"\tdkim=pass header.d=example.com header.s=s1\s+header.a=rsa-sha256\s+header.b=\S{8};", out) and
       "dmarc=pass header.from=example.com" in out, "and the field that we would add", out)
    ok(code == 0 and err == "", "nothing on stderr", err)
    code, out, err = judge("verify", "list.eml", "--client", "203.0.113.5", "-q")
    ok("Authentication-Results" not in out and out.count("\n") == 5, "-q: without it", out)
    code, out, err = judge("explain", "list.eml", "--client", "203.0.113.5")
    want = ["1. Who", "alice@example.com", "2. SPF", "ip4:203.0.113.5: match", "3. DKIM", "l1._domainkey.list.example TXT: found",
            "s1._domainkey.example.com TXT: found", "CHANGED since it was signed: its digest was", "DKIM_ALL_CHANGED", "4. ARC",
            "5. DMARC", "_dmarc.example.com \"v=DMARC1; p=reject", "_dmarc.com: no such name", "DMARC_FAIL_ASKED", "6. What most likely",
            "through a mailing list", "+ it has the fields of a mailing list: List-Id", "Next step", "Authentication-Results:"]
    at = 0
    for w in want:
        found = out.find(w, at)
        ok(found >= 0, "explain: " + w, out if found < 0 else "")
        at = max(at, found)
    ok("{" not in out, "every place is filled", out)
    code, out, err = judge("explain", "unsigned.eml", "--client", "192.0.2.200", "--lang", "ja")
    ok("差出人自身の組織のサーバーから" in out and "次の手順" in out and "Next step" not in out, "in Japanese", out)
    with open(os.path.join(BOX, "direct.eml"), "rb") as f:
        text = f.read()
    for what, body in (("LF", text), ("CRLF", text.replace(b"\n", b"\r\n"))):
        code, out, err = run("verify", "--dns", ZONE, "--client", "192.0.2.5", "-", stdin=body)
        ok(code == 0 and "dkim   pass" in out, "standard input, %s" % what, out + err)
    code, out, err = run("verify", "--dns", ZONE, stdin=text)
    ok(code == 0 and "not checked" in out and "aligned: dkim\n" in out, "without a client: DKIM alone", out + err)
    code, out, err = run("verify", "--dns", ZONE, stdin=b"From: a@a.example (b@b.example)\nTo: x@y.example\n\nHi\n")
    ok(code == 1 and out.count("MAIL_ADDRESS_COMMENT ") == 1 and "dmarc  permerror" in out, "an author in doubt: said once", out)
    code, out, err = judge("verify", "direct.eml", "--nagios", "--client", "192.0.2.5")
    ok(code == 0 and out == "MAIL OK - dmarc=pass spf=pass dkim=pass story=direct | signatures=1\n", "--nagios: well", out)
    code, out, err = judge("verify", "spoof.eml", "--nagios", "--client", "192.0.2.5")
    ok(code == 2 and out.startswith("MAIL CRITICAL - dmarc=fail "), "--nagios: not", out)
    code, out, err = judge("verify", "direct.eml", "--psl", "none", "--json")
    ok(json.loads(out)["dmarc"]["legacy_result"] is None, "--psl none: nothing by RFC 7489", out)
    code, out, err = judge("explain", "direct.eml", "--client", "192.0.2.5", "--sender", "\x1b[31m@example.com")
    ok("\x1b" not in out, "text of strangers is escaped", out)


def large():
    """A first field above the limit: that is what is wrong, not that there is no header."""
    code, out, err = run("verify", "--dns", ZONE, stdin=b"To: " + b"x" * 200000 + b"\nFrom: a@a.example\n\nHi\n")
    ok(code == 1 and "dmarc" in out and "permerror" in out, "a first field above the limit", out + err)
    code, out, err = run("explain", "--dns", ZONE, stdin=b"To: " + b"x" * 200000 + b"\nFrom: a@a.example\n\nHi\n")
    ok(code == 1 and "MAIL_HEAD_LIMIT" in out, "and why", out + err)
    code, out, err = run("verify", "--dns", ZONE, stdin=b"To: x@a.example\nFrom: a@a.example" + b"," * 200000 + b"\n\nHi\n")
    ok(code == 1 and "MAIL_HEAD_LIMIT" in out and "MAIL_FROM_NONE" not in out, "From itself: nobody says that there is none", out)
    with open(os.path.join(BOX, "direct.eml"), "rb") as f:
        head, body = f.read().split(b"\n\n", 1)
    sig = re.search(rb"(?ms)^DKIM-Signature:.*?\n(?![ \t])", head + b"\n").group(0)
    code, out, err = run("verify", "--dns", ZONE, "--at", AT, stdin=sig * 999 + head + b"\n\n" + body)
    ok(code == 0 and out.count("dkim   pass") == 10 and "\ndkim   -          signatures that were not looked at: 990; the first 10 count\n" in out,
       "a thousand signatures: ten, and that there are more", out)


def steps():
    """What to do next hangs on whether it passed: nothing, if it did."""
    def step(*words):
        return json.loads(judge("explain", *words, "--json")[1])["story"]["step"]
    ok(step("forwarded.eml", "--client", "203.0.113.9") == "Nothing has to be done.", "forwarded, and it passes")
    ok("ARC seal" in step("sealed.eml", "--client", "203.0.113.9"), "forwarded, and it fails")
    ok(step("two_from.eml", "--client", "192.0.2.5", "--sender", "alice@example.com").startswith("Refuse it"), "two authors")


def refused():
    eml = os.path.join(BOX, "direct.eml")
    with tempfile.TemporaryDirectory() as d:
        def put(name, text):
            with open(os.path.join(d, name), "w", encoding="utf-8") as f:
                f.write(text)
            return os.path.join(d, name)
        bad, empty = put("bad.zone", "a.example. A 1.2.3\n"), put("empty", "")
        for words, rc, what in [
                (["verify", "--client", "192.0.2.300", "--dns", ZONE, eml], 2, "no address"),
                (["verify", "--client", "192.0.2.0/24", "--dns", ZONE, eml], 2, "no host"),
                (["verify", "--client", "192.0.2", "--dns", ZONE, "/nonexistent/x"], 2, "no address, before the file is looked for"),
                (["verify", "--dns", ZONE, "--resolver", "127.0.0.1", eml], 2, "files and a resolver"),
                (["verify", "--resolver", "nobody", eml], 2, "a resolver's name"),
                (["verify", "--dns", ZONE, eml, eml], 2, "two messages"),
                (["verify", "--timeout", "0", eml], 2, "no time"),
                (["verify", *(["--dns", ZONE] * 17), eml], 2, "too many files"),
                (["verify", "--dns", ZONE, "/nonexistent/x"], 3, "no message there"),
                (["verify", "--dns", "/nonexistent/x", eml], 3, "no zone file there"),
                (["verify", "--dns", ZONE, "--psl", "/nonexistent/x", eml], 3, "no list there"),
                (["verify", "--dns", bad, eml], 3, "a zone file with a fault"),
                (["verify", "--dns", ZONE, empty], 3, "an empty file")]:
            code, out, err = run(*words)
            ok(code == rc and err.count("\n") == 1, "refused: " + what, (code, out, err))


def world():
    """world.zone's records for the server: names and texts are on lines of their own."""
    out, origin = {}, ""
    with open(ZONE, encoding="utf-8") as f:
        for line in f:
            m = re.match(r"\$ORIGIN (\S+)\.", line)
            if m:
                origin = m.group(1)
            m = re.match(r"(\S+)\s+(TXT|A)\s+(.*)", line)
            if not m:
                continue
            name = origin if m.group(1) == "@" else m.group(1) + "." + origin
            data = dns.txt("".join(re.findall(r'"([^"]*)"', m.group(3)))) if m.group(2) == "TXT" else \
                bytes(map(int, m.group(3).split(".")))
            out.setdefault((name, dns.TXT if m.group(2) == "TXT" else dns.A), []).append(data)
    return out


@contextlib.contextmanager
def dns_server(records, **how):
    s = dns.Server(records, **how)
    try:
        yield s
    finally:
        s.close()


def live():
    records = world()

    def ask(*more, verb="verify", name="direct.eml", words=(), **server):
        s = dns.Server(records, **server)
        try:
            code, out, err = run(verb, "--resolver", s.address, "--at", AT, "--client", "198.51.100.7", "--json", *words, os.path.join(BOX, name))
            return s, code, json.loads(out) if out.startswith("{") else out + err
        finally:
            s.close()
    s, code, j = ask()
    ok(code == 0 and j["dmarc"]["result"] == "pass" and j["spf"][0]["result"] == "pass" and j["dkim"][0]["result"] == "pass",
       "from a resolver", j)
    ok(len(s.pairs) == len(set(s.pairs)) == len(j["questions"]), "each question once", s.pairs)
    s, code, j = ask(together={"example.com", "_dmarc.example.com", "s1._domainkey.example.com"})
    ok(code == 0 and s.met.is_set(), "SPF, DKIM and DMARC ask at the same time", s.asked)
    s, code, j = ask(cut={"s1._domainkey.example.com"})
    ok(code == 0 and s.by_tcp == ["s1._domainkey.example.com"], "a cut answer: by TCP", s.by_tcp)
    s, code, j = ask(aliases={"s1._domainkey.example.com": "k.service.example"}, cut=())
    ok(code == 0 and j["dkim"][0]["code"] == "DKIM_KEY_NONE", "an alias that leads nowhere", j)
    moved = dict(records)
    moved[("k.service.example", dns.TXT)] = moved.pop(("s1._domainkey.example.com", dns.TXT))
    records, kept = moved, records
    s, code, j = ask(aliases={"s1._domainkey.example.com": "k.service.example"})
    ok(code == 0 and j["dkim"][0]["result"] == "pass", "an alias that leads to the key", j)
    records = kept
    s, code, j = ask(broken={"_dmarc.example.com"})
    ok(code == 3 and j["dmarc"]["result"] == "temperror" and j["story"]["kind"] == "unknown" and
       any("SERVFAIL" in (q["why"] or "") for q in j["questions"]), "SERVFAIL for the policy: it cannot be said", j)
    with dns_server(records, broken={"_dmarc.example.com"}) as s:
        code, out, err = run("verify", "--resolver", s.address, "--at", AT, "--client", "198.51.100.7", os.path.join(BOX, "direct.eml"))
    ok(code == 3 and "example.com: the DNS did not answer" in out and "no record" not in out, "nor does a person read that there is none", out)
    s, code, j = ask(silent={"s1._domainkey.example.com"}, words=("--timeout", "2"))
    ok(code == 0 and j["dkim"][0]["result"] == "temperror" and j["dmarc"]["result"] == "pass",
       "silence for a key: SPF suffices", j)
    s, code, j = ask(broken={"s1._domainkey.example.com"}, words=("--client", "192.0.2.200"))
    ok(code == 3 and j["spf"][0]["result"] != "pass" and j["dmarc"]["result"] == "temperror" and j["story"]["kind"] == "unknown" and
       "dmarc=temperror" in j["authentication_results"], "SERVFAIL for the key that could have passed: neither does it fail", j)
    s, code, j = ask(silent={"example.com", "_dmarc.example.com", "s1._domainkey.example.com"}, words=("--timeout", "2"))
    ok(code == 3 and any("in time" in (q["why"] or "") for q in j["questions"]), "silence for all: in bounded time", j)


if __name__ == "__main__":
    stories()
    chain()
    older()
    texts()
    large()
    steps()
    refused()
    live()
    print("1..%d" % n)
    sys.exit(failed > 0)
