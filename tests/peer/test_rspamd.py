#!/usr/bin/env python3
"""rspamd, with a DNS of ours on loopback: signatures both ways, and labelled messages judged by both.

Messages are those of test_dkim.py; SEKISHO_DKIM_COUNT says how many (60),
SEKISHO_DKIM_SEED is another seed. In LABELLED each row has what we say, and
what rspamd says where that is something else, with the clause.

What rspamd 3.4 does in its own way, and is left out:
- it signs relaxed/relaxed only;
- with l= it cuts a relaxed body before it makes it canonical, not after (RFC 6376
  section 3.5: "the number of octets in the body of the email after
  canonicalization");
- of fields that stand several times it takes others than section 5.4.2 says,
  which Mail::DKIM, dkimpy, OpenDKIM and we do alike;
- a body of nothing but white space is to it, in the relaxed form, an empty line, not
  nothing (section 3.4.4: white space at the ends of lines goes first, then empty
  lines at the end of the body);
- behind one signature that cannot be read it says nothing of the others.
"""
import base64
import json
import os
import random
import re
import subprocess
import tempfile

import peers
import test_dkim as dkim
from rspamdkit import Dns, Rspamd, rows_make
from tap import Tap

COUNT = dkim.COUNT = int(os.environ.get("SEKISHO_DKIM_COUNT", "60"))
ARC_TOOL = os.environ.get("SEKISHO_ARC_TOOL") or os.path.join(peers.BUILD, "tests", "mail", "arc_tool")
T = dkim.T = Tap()
DKIM = {"R_DKIM_ALLOW": "pass", "R_DKIM_REJECT": "fail", "R_DKIM_TEMPFAIL": "temperror", "R_DKIM_PERMFAIL": "permerror"}


def text_of(path):
    with open(path, "rb") as f:
        return f.read()


def verdicts(answer):
    """{(domain, selector): result} of each signature; the domain alone where that is all it says."""
    return {option.split("=")[-1].split(":")[0] or option: result for symbol, result in DKIM.items()
            for option in answer["symbols"].get(symbol, {}).get("options", [])}


# --- signatures ---

class Signer(dkim.Ours):
    """The other key of each algorithm, so that there are four to tell apart."""

    def key(self, alg):
        return os.path.join(self.home, alg + ".pem"), "example.jp", "o" + alg


def ours_there(r, home, files):
    """Ours in all ways, one and two on a message."""
    mine = dkim.sign_all(dkim.Ours(home), home, files, "ours")
    T.none([(f, got) for f in mine if sorted((got := verdicts(r.check(text_of(f)))).values()) != ["pass"]],
           "rspamd says pass to all %d of ours" % len(mine))
    both = dkim.sign_all(Signer(home), home, mine[1:] + mine[:1], "both")
    T.none([(f, got) for f in both if set((got := verdicts(r.check(text_of(f)))).values()) != {"pass"}],
           "and to two signatures on each")
    return both


def read_alike(files):
    """Without those in which a field that is signed stands several times, or of which the body is blank."""
    for f in files:
        head, _, body = text_of(f).partition(b"\r\n\r\n")
        if body.strip(b"\r\n") and not body.strip():
            continue
        names = [n.lower() for n in re.findall(rb"^([^\s:]+)[ \t]*:", head, re.M)]
        if all(names.count(n) < 2 for n in (b"subject", b"message-id", b"from", b"to", b"date")):
            yield f


def lengths_there(r, home, files):
    """l=, which we never write: dkimpy does."""
    if dkim.Dkimpy.missing():
        T.skip("l=", "dkimpy is not installed")
        return
    some = [f for f in dkim.sign_all(dkim.Dkimpy(home), home, files[:COUNT // 2], "length", length="1")
            if b"/simple" in text_of(f)]
    for f in some:
        with open(f, "ab") as out:
            out.write(b"and a footer\r\n")
    mine = dkim.Ours(home).verify(some)
    T.none([(f, mine[f], got) for f in some if mine[f] != list((got := verdicts(r.check(text_of(f)))).values())],
           "l= and a footer behind it: as we")


def theirs_here(r, home, files):
    where = os.path.join(home, "theirs")
    os.mkdir(where)
    for f in files:
        text = text_of(f)
        fields = r.check(text, User="t", From="t@example.jp").get("dkim-signature", [])
        with open(os.path.join(where, os.path.basename(f)), "wb") as out:
            for value in [fields] if isinstance(fields, str) else fields:
                out.write(b"DKIM-Signature: " + value.encode() + b"\r\n")
            out.write(text)
    signed = [os.path.join(where, os.path.basename(f)) for f in files]
    found = dkim.Ours(home).verify(signed)
    T.none([(f, found[f]) for f in signed if found[f] != ["pass"] * 2],
           "we say pass to both of rspamd's on %d, RSA and Ed25519" % len(signed))


def changed_alike(r, home, files):
    broken = dkim.changed(home, files)
    mine = dkim.Ours(home).verify(broken)
    differ = []
    for f in broken:
        got = sorted(v == "pass" for v in verdicts(r.check(text_of(f))).values())
        own = sorted(v == "pass" for v in mine[f])
        if own.count(True) != got.count(True) and not ("neutral" in mine[f] and got == []):
            differ.append((f, mine[f], got))
    T.ok(any("fail" in v for v in mine.values()), "some were broken")
    T.none(differ, "after a change on the way as many hold for rspamd as for us, of %d" % len(broken))


# --- labelled messages ---

ROWS = """
example.jp TXT v=spf1 ip4:192.0.2.1 -all
_dmarc.example.jp TXT v=DMARC1; p=reject
sub.example.jp TXT v=spf1 ip4:192.0.2.1 -all
soft.test TXT v=spf1 ip4:192.0.2.9 ~all
_dmarc.soft.test TXT v=DMARC1; p=quarantine
neutral.test TXT v=spf1 ?all
_dmarc.neutral.test TXT v=DMARC1; p=none
loop.test TXT v=spf1 include:loop.test -all
twice.test TXT v=spf1 -all
twice.test TXT v=spf1 +all
strict.test TXT v=spf1 ip4:192.0.2.1 -all
sub.strict.test TXT v=spf1 ip4:192.0.2.1 -all
_dmarc.strict.test TXT v=DMARC1; p=reject; aspf=s; adkim=s
sp.test TXT v=spf1 -all
_dmarc.sp.test TXT v=DMARC1; p=none; sp=reject
a.sp.test TXT v=spf1 -all
mx.test TXT v=spf1 mx -all
mx.test MX 10 host.mx.test
host.mx.test A 192.0.2.1
two.test TXT v=spf1 -all
_dmarc.two.test TXT v=DMARC1; p=reject
_dmarc.two.test TXT v=DMARC1; p=none
""".strip().splitlines()

PLAIN = ("From: A <a@%s>\r\nTo: b@here.test\r\nSubject: x\r\nDate: Mon, 23 Nov 2026 04:00:00 +0000\r\n"
         "Message-ID: <1@a.test>\r\n\r\nHello.\r\n")


class Row:
    """One message and its envelope; want: what we say of (SPF, DKIM, DMARC, ARC). other: {engine: what
    rspamd says instead}, why."""

    def __init__(self, label, sender, author, want, key=None, client="192.0.2.1", change=None, hops=0, other=None):
        self.label, self.sender, self.author, self.want = label, sender, author, want.split()
        self.key, self.client, self.change, self.hops, self.other = key, client, change, hops, other or {}


LABELLED = [
    Row("direct", "example.jp", "example.jp", "pass pass pass none", key=("example.jp", "rsa")),
    Row("Ed25519", "example.jp", "example.jp", "pass pass pass none", key=("example.jp", "ed25519")),
    Row("a spoof", "example.jp", "example.jp", "fail none reject none", client="192.0.2.7"),
    Row("forwarded", "example.jp", "example.jp", "fail pass pass none", key=("example.jp", "rsa"), client="192.0.2.7"),
    Row("changed", "example.jp", "example.jp", "fail fail reject none", key=("example.jp", "rsa"), client="192.0.2.7",
        change=(b"Hello", b"Hallo")),
    Row("a service", "mx.test", "example.jp", "pass none reject none"),
    Row("a subdomain of SPF", "sub.example.jp", "example.jp", "pass none pass none"),
    Row("strict, SPF", "sub.strict.test", "strict.test", "pass none reject none"),
    Row("softfail", "soft.test", "soft.test", "softfail none quarantine none"),
    Row("neutral", "neutral.test", "neutral.test", "neutral none fail none"),
    # RFC 7208 section 4.6.4: ten look-ups are exceeded, "permerror"; rspamd goes on behind the loop.
    Row("a loop of SPF", "loop.test", "loop.test", "permerror none none none", other={"SPF": "fail"}),
    # Section 4.5: "If the resultant record set includes more than one record, check_host() produces
    # the "permerror" result."; rspamd takes the first.
    Row("two records of SPF", "twice.test", "twice.test", "permerror none none none", other={"SPF": "fail"}),
    # Section 4.3: a domain that is not there is "none", not an error.
    Row("nothing", "none.test", "none.test", "none none none none", other={"SPF": "temperror"}),
    Row("sp=", "a.sp.test", "a.sp.test", "fail none reject none"),
    # RFC 9989 section 4.10: several records "are all discarded", as RFC 7489 section 6.6.3 had it.
    Row("two records of DMARC", "two.test", "two.test", "fail none none none", other={"DMARC": "permerror"}),
    Row("mx", "mx.test", "mx.test", "pass none none none"),
    Row("no key", "example.jp", "example.jp", "pass permerror pass none", key=("example.jp", "missing")),
    Row("one hop of ARC", "example.jp", "example.jp", "pass none pass pass", hops=1),
    Row("three hops of ARC", "example.jp", "example.jp", "pass none pass pass", hops=3),
    Row("ARC, changed", "example.jp", "example.jp", "pass none pass fail", hops=2, change=(b"Hello", b"Hallo")),
]

SPF = {"R_SPF_ALLOW": "pass", "R_SPF_FAIL": "fail", "R_SPF_SOFTFAIL": "softfail", "R_SPF_NEUTRAL": "neutral",
       "R_SPF_DNSFAIL": "temperror", "R_SPF_PERMFAIL": "permerror", "R_SPF_NA": "none"}
DMARC = {"DMARC_POLICY_ALLOW": "pass", "DMARC_POLICY_REJECT": "reject", "DMARC_POLICY_QUARANTINE": "quarantine",
         "DMARC_POLICY_SOFTFAIL": "fail", "DMARC_NA": "none", "DMARC_DNSFAIL": "temperror",
         "DMARC_BAD_POLICY": "permerror"}
ARC = {"ARC_ALLOW": "pass", "ARC_REJECT": "fail", "ARC_INVALID": "fail", "ARC_NA": "none", "ARC_DNSFAIL": "fail"}
ENGINES = ["SPF", "DKIM", "DMARC", "ARC"]


def theirs(answer):
    tables = [SPF, {**DKIM, "R_DKIM_NA": "none"}, DMARC, ARC]
    return [",".join(v for k, v in t.items() if k in answer["symbols"]) for t in tables]


def zone_write(home, rows):
    """The same rows as a zone file."""
    path = os.path.join(home, "world.zone")
    with open(path, "w") as f:
        f.write("$TTL 300\n$ORIGIN .\n")
        for line in rows:
            name, rtype, *data = line.split(" ", 2)
            if rtype == "TXT":
                data = [" ".join('"%s"' % data[0][i:i + 255] for i in range(0, len(data[0]), 255))]
            f.write("%s. %s %s\n" % (name, rtype, data[0] + ("." if rtype == "MX" else "")))
    return path


def own(home, zone, row, path):
    argv = [peers.sekisho(), "mail", "verify", "--json", "--psl", "none", "--at", "2033-05-18T03:33:20Z", "--dns", zone,
            "--client", row.client, "--helo", "helo.test", "--sender", "a@" + row.sender, path]
    d = json.loads(subprocess.run(argv, stdout=subprocess.PIPE, timeout=peers.patient(30)).stdout)
    dmarc = d["dmarc"]["result"]
    if dmarc == "fail" and d["dmarc"]["disposition"] != "none":
        dmarc = d["dmarc"]["disposition"]
    return [d["spf"][0]["result"], d["dkim"][0]["result"] if d["dkim"] else "none", dmarc, d["arc"]["result"]]


def row_make(home, row, n):
    where = os.path.join(home, "row%d" % n)
    os.mkdir(where)
    path = os.path.join(where, "m0000")
    with open(path, "w", newline="") as f:
        f.write(PLAIN % row.author)
    if row.key is not None:
        domain, selector = row.key
        alg = "ed25519" if selector == "ed25519" else "rsa"
        dkim.out([dkim.TOOL, "sign", os.path.join(home, alg + ".pem"), {"rsa": "8", "ed25519": "15"}[alg], domain,
                  selector, "relaxed/relaxed", where, path])
    for hop in range(row.hops):
        text = text_of(path)
        with open(path, "wb") as f:
            f.write(b"Authentication-Results: here.test; arc=%s\r\n" % (b"pass" if hop else b"none") + text)
        dkim.out([ARC_TOOL, "seal", os.path.join(home, "rsa.pem"), "example.jp", "rsa", "here.test", "1795400000",
                  where, path])
    if row.change is not None:
        text = text_of(path).replace(*row.change)
        with open(path, "wb") as f:
            f.write(text)
    return path


def labelled(r, home, zone):
    for n, row in enumerate(LABELLED):
        path = row_make(home, row, n)
        said = theirs(r.check(text_of(path), IP=row.client, Helo="helo.test", From="a@" + row.sender))
        mine = own(home, zone, row, path)
        want = [row.other.get(e, w) for e, w in zip(ENGINES, row.want)]
        T.equal(mine, row.want, row.label + ": ours")
        T.equal(said, want, row.label + ": rspamd" + (", which differs" if row.other else ""))


# --- all of it ---

def records(home):
    with open(os.path.join(home, "records")) as f:
        lines = f.read().splitlines()
    return lines + ["o" + line for line in lines]


def ed25519_key(home):
    """As rspamd has it: the seed and the public key, in base64."""
    pem = os.path.join(home, "ed25519.pem")
    der = [dkim.out(["openssl", "pkey", "-in", pem, "-outform", "DER", *o]) for o in ([], ["-pubout"])]
    path = os.path.join(home, "ed25519.key")
    with open(path, "wb") as f:
        f.write(base64.b64encode(der[0][-32:] + der[1][-32:]))
    return path


def main():
    if Rspamd.missing():
        T.skip("rspamd", "not installed")
        return T.done()
    with tempfile.TemporaryDirectory() as home:
        os.chmod(home, 0o755)
        dkim.keys_make(home)
        lines = records(home)
        with open(os.path.join(home, "records"), "w") as f:
            f.write("\n".join(lines) + "\n")
        rows = ROWS + [line.replace(" ", " TXT ", 1) for line in lines]
        dns = Dns(rows_make(rows))
        zone = zone_write(home, rows)
        r = Rspamd(home, dns, {"example.jp": [("rsa", os.path.join(home, "rsa.pem")),
                                              ("ed25519", ed25519_key(home))]})
        try:
            files = list(read_alike(dkim.messages_make(home)))
            both = ours_there(r, home, files)
            lengths_there(r, home, files)
            theirs_here(r, home, files)
            changed_alike(r, home, both)
            labelled(r, home, zone)
        finally:
            r.stop()
            dns.close()
    return T.done()


if __name__ == "__main__":
    raise SystemExit(main())
