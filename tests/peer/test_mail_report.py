#!/usr/bin/env python3
"""Aggregate reports of ours, in both forms, before who reads them.

Python's expat reads back what was put in (strangers' text included); xmllint
holds RFC 7489's form against the schema that Debian's Mail::DMARC brings, and
RFC 9990's against dmarc/rfc9990.xsd, written from its tables, which must also
take the reports that others made; Mail::DMARC itself reads the older form (its
paths have no namespace, so it sees nothing in the newer)."""
import glob
import ipaddress
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import peers
from tap import Tap

TOOL = os.path.join(peers.BUILD, "tests", "mail", "report_tool")
NS = "{urn:ietf:params:xml:ns:dmarc-2.0}"
OLD_XSD = "/usr/share/perl5/auto/share/dist/Mail-DMARC/rua-schema.xsd"
REPORTS = 60

POLICIES = ["none", "quarantine", "reject"]
METHODS = ["treewalk", "psl"]
DISPOSITIONS = ["none", "pass", "quarantine", "reject"]
OVERRIDES = ["local_policy", "mailing_list", "other", "policy_test_mode", "trusted_forwarder"]
RESULTS = ["none", "pass", "fail", "softfail", "policy", "neutral", "temperror", "permerror"]
DKIM = [i for i, r in enumerate(RESULTS) if r != "softfail"]
SPF = [i for i, r in enumerate(RESULTS) if r != "policy"]

HOSTILE = [b"<a>&amp;\"'", b"]]>", b"<!DOCTYPE x>", b"a\x00b", b"\x1b[31m", b"\xff\xfe", b"\xed\xa0\x80",
           b"\xef\xbf\xbe", b"\xef\xbf\xbf", b"\xe2\x82", b"\xf4\x90\x80\x80", b"\xc0\x80", b"\x7f", b" b ",
           "例え.jp".encode(), "\u202e\U0001f4a9".encode(), b"%s%n", b"--><x/>"]


def cleaned(raw):
    """What XML can hold of it; a run of broken octets counts as one."""
    text = raw.decode("utf-8", "replace")
    text = re.sub("[\x00-\x1f\x7f\ufffe\uffff]", "\ufffd", text)
    return re.sub("\ufffd+", "\ufffd", text)


class Made:
    """A report: the lines for the tool, and what must come back in each form."""

    def __init__(self, rng, wild):
        self.rng, self.wild, self.lines, self.rows = rng, wild, [], []
        self.id = "r%d" % rng.getrandbits(48)
        begin = rng.randrange(1 << 31)
        self.meta = [self.text("Org"), b"dmarc@example.net", rng.choice([b"", self.text("contact")]), self.id.encode(),
                     b"%d" % begin, b"%d" % (begin + 86399), rng.choice([b"", self.text("two records")]), b"Sekisho 0.1"]
        self.policy = [rng.randrange(n) for n in (2, 3, 3, 3, 16, 2, 2, 2)] + [rng.randrange(101)]
        self.put("meta", *self.meta)
        self.domain = self.text("example.com")
        self.put("policy", self.domain, *self.policy)
        for _ in range(rng.randrange(1, 6)):
            self.row()

    def put(self, *fields):
        self.lines.append(b"\t".join(f if isinstance(f, bytes) else str(f).encode() for f in fields) + b"\n")

    def text(self, plain):
        if self.wild and self.rng.random() < 0.5:
            return plain.encode() + self.rng.choice(HOSTILE) + b"x"
        return plain.encode()

    def row(self):
        rng = self.rng
        r = {"ip": rng.choice(["192.0.2.%d" % rng.randrange(256), "2001:db8::%x" % rng.randrange(1, 65536),
                               "2001:db8:0:1:2:3:4:5"]),
             "count": rng.choice([1, 7, 1 << 40]), "disposition": rng.randrange(4), "dkim": rng.randrange(2),
             "spf": rng.randrange(2), "from": self.text("a.example.com"), "has": rng.randrange(2),
             "to": rng.choice([b"", b"example.org"]), "domain": rng.choice([b"", self.text("bounce.example")]),
             "helo": rng.randrange(2), "result": rng.choice(SPF), "human": rng.choice([b"", self.text("why")])}
        r["envelope"] = rng.choice([b"", self.text("bounce.example")]) if r["has"] else b""
        r["sigs"] = [(self.text("d.example"), self.text("s1"), rng.choice(DKIM), rng.choice([b"", self.text("h")]))
                     for _ in range(rng.choice([0, 1, 3, 120]))]
        r["reasons"] = [(rng.randrange(5), rng.choice([b"", self.text("list")])) for _ in range(rng.choice([0, 0, 1, 2]))]
        for s in r["sigs"]:
            self.put("dkim", *s)
        for s in r["reasons"]:
            self.put("reason", *s)
        self.put("row", r["ip"], r["count"], r["disposition"], r["dkim"], r["spf"], r["from"], r["has"], r["envelope"],
                 r["to"], r["domain"], r["helo"], r["result"], r["human"])
        self.rows.append(r)

    def xml(self, form):
        p = subprocess.run([TOOL, form], input=b"".join(self.lines), capture_output=True, timeout=60)
        if p.returncode != 0:
            raise RuntimeError("report_tool: status %d %s" % (p.returncode, p.stderr[-400:]))
        return p.stdout


# --- read back ----------------------------------------------------------------------

def get(node, path, ns):
    found = node.find("/".join(ns + p for p in path.split("/")))
    return None if found is None else re.sub("\ufffd+", "\ufffd", found.text or "")


def or_none(raw):
    return cleaned(raw) if raw else None


def row_faults(node, r, form, ns):
    new = form == "9990"
    disposition = DISPOSITIONS[r["disposition"]]
    ip = get(node, "row/source_ip", ns)
    want = {
        "row/count": str(r["count"]),
        "row/policy_evaluated/disposition": "none" if not new and disposition == "pass" else disposition,
        "row/policy_evaluated/dkim": "pass" if r["dkim"] else "fail",
        "row/policy_evaluated/spf": "pass" if r["spf"] else "fail",
        "identifiers/header_from": cleaned(r["from"]),
        "identifiers/envelope_from": cleaned(r["envelope"]) if r["has"] or not new else None,
        "identifiers/envelope_to": or_none(r["to"]),
    }
    if r["domain"] or not new:
        want["auth_results/spf/domain"] = cleaned(r["domain"])
        want["auth_results/spf/result"] = RESULTS[r["result"]]
        want["auth_results/spf/scope"] = ("helo" if r["helo"] else "mfrom") if not new else None if r["helo"] else "mfrom"
        want["auth_results/spf/human_result"] = or_none(r["human"]) if new else None
    else:
        want["auth_results/spf"] = None
    faults = ["%s: got %r, want %r" % (k, get(node, k, ns), v) for k, v in want.items() if get(node, k, ns) != v]
    groups = ":" in r["ip"] and not new
    if (ip.count(":") == 7) != (groups or r["ip"].count(":") == 7) or ipaddress.ip_address(ip) != ipaddress.ip_address(r["ip"]):
        faults.append("source_ip: %s for %s" % (ip, r["ip"]))
    sigs = [tuple(get(d, k, ns) for k in ("domain", "selector", "result", "human_result"))
            for d in node.findall("%sauth_results/%sdkim" % (ns, ns))]
    if sigs != [(cleaned(d), cleaned(s), RESULTS[x], or_none(h)) for d, s, x, h in r["sigs"][:100]]:
        faults.append("dkim: got %r" % sigs[:3])
    reasons = [(get(d, "type", ns), get(d, "comment", ns))
               for d in node.findall("%srow/%spolicy_evaluated/%sreason" % (ns, ns, ns))]
    names = [o if new or o != "policy_test_mode" else "other" for o in OVERRIDES]
    if reasons != [(names[t], or_none(c)) for t, c in r["reasons"]]:
        faults.append("reasons: got %r" % reasons)
    return faults


def faults_of(m, xml, form):
    new, ns = form == "9990", NS if form == "9990" else ""
    root = ET.fromstring(xml)
    method, p, sp, np, fo, adkim, aspf, testing, pct = m.policy
    letters = ":".join(c for i, c in enumerate("01ds") if fo >> i & 1) or "0"
    want = {
        "version": "1.0", "report_metadata/org_name": cleaned(m.meta[0]), "report_metadata/report_id": m.id,
        "report_metadata/email": "dmarc@example.net", "report_metadata/extra_contact_info": or_none(m.meta[2]),
        "report_metadata/date_range/begin": m.meta[4].decode(), "report_metadata/date_range/end": m.meta[5].decode(),
        "report_metadata/error": or_none(m.meta[6]),
        "report_metadata/generator": "Sekisho 0.1" if new else None,
        "policy_published/domain": cleaned(m.domain), "policy_published/p": POLICIES[p],
        "policy_published/sp": POLICIES[sp], "policy_published/np": POLICIES[np] if new else None,
        "policy_published/fo": letters, "policy_published/adkim": "rs"[adkim], "policy_published/aspf": "rs"[aspf],
        "policy_published/testing": "ny"[testing] if new else None,
        "policy_published/discovery_method": METHODS[method] if new else None,
        "policy_published/pct": None if new else str(pct),
    }
    faults = ["%s: got %r, want %r" % (k, get(root, k, ns), v) for k, v in want.items() if get(root, k, ns) != v]
    nodes = root.findall(ns + "record")
    if len(nodes) != len(m.rows):
        faults.append("%d rows, not %d" % (len(nodes), len(m.rows)))
    for node, r in zip(nodes, m.rows):
        faults += row_faults(node, r, form, ns)
    return faults


# --- schemas ------------------------------------------------------------------------

def xmllint(schema, paths):
    """The paths that are not valid."""
    r = subprocess.run(["xmllint", "--nonet", "--noout", "--schema", schema, *paths], capture_output=True,
                       text=True, timeout=120)
    good = {line[:-len(" validates")] for line in r.stderr.splitlines() if line.endswith(" validates")}
    return [p for p in paths if p not in good], r.stderr


def old_schema(folder):
    """Debian's copy says a namespace that no report has."""
    with open(OLD_XSD, encoding="utf-8") as f:
        text = re.sub(r'\s+targetNamespace="[^"]*"', "", f.read())
    path = os.path.join(folder, "old.xsd")
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    return path


def schemas(tap, folder, written):
    if shutil.which("xmllint") is None:
        tap.skip("xmllint", "xmllint is not installed")
        return
    new = os.path.join(HERE, "dmarc", "rfc9990.xsd")
    bad, said = xmllint(new, written["9990"])
    tap.ok(not bad, "RFC 9990's tables take %d reports of ours" % len(written["9990"]), said[-2000:])
    # rfc9990-example.net… has no namespace, which section 3.1.1.1 demands: readers forgive, writers may not.
    samples = sorted(glob.glob(os.path.join(peers.DATA, "mail", "reports", "aggregate", "rfc9990-sample.xml")))
    if samples:
        bad, said = xmllint(new, samples)
        tap.ok(not bad, "and the one of the RFC", said[-2000:])
    else:
        tap.skip("and the one of the RFC", "../shared/data is absent")
    bad, _ = xmllint(new, written["7489"])
    tap.equal(len(bad), len(written["7489"]), "and none of the older form")
    if not os.path.exists(OLD_XSD):
        tap.skip("RFC 7489's schema", "libmail-dmarc-perl is not installed")
        return
    bad, said = xmllint(old_schema(folder), written["7489"])
    tap.ok(not bad, "RFC 7489's schema takes %d reports of ours" % len(written["7489"]), said[-2000:])


# --- Mail::DMARC --------------------------------------------------------------------

def mail_dmarc(tap, folder):
    if not os.path.exists(OLD_XSD):
        tap.skip("Mail::DMARC", "libmail-dmarc-perl is not installed")
        return
    rng, paths, made = random.Random(5), [], []
    for i in range(10):
        m = Made(rng, False)
        paths.append(os.path.join(folder, "plain-%d.xml" % i))
        made.append(m)
        with open(paths[-1], "wb") as f:
            f.write(m.xml("7489"))
    r = subprocess.run(["perl", os.path.join(HERE, "dmarc", "read.pl"), *paths], capture_output=True, text=True,
                       timeout=120, cwd=folder)
    got = [json.loads(line) for line in r.stdout.splitlines()]
    if not tap.equal(len(got), len(made), "Mail::DMARC reads all", r.stderr[-2000:]):
        return
    faults = []
    for g, m in zip(got, made):
        want = {"id": m.id, "org": "Org", "begin": m.meta[4].decode(), "end": m.meta[5].decode(),
                "domain": "example.com", "p": POLICIES[m.policy[1]], "sp": POLICIES[m.policy[2]]}
        faults += ["%s: %s is %r, not %r" % (m.id, k, g[k], v) for k, v in want.items() if str(g[k]) != v]
        rows = [(ipaddress.ip_address(r["ip"]), int(r["count"]), r["disposition"], r["dkim"], r["spf"], r["reasons"], r["from"],
                 r["envelope"] or "") for r in g["rows"]]
        for a, r in zip(rows, m.rows):
            d = DISPOSITIONS[r["disposition"]]
            b = (ipaddress.ip_address(r["ip"]), r["count"], "none" if d == "pass" else d, "pass" if r["dkim"] else "fail",
                 "pass" if r["spf"] else "fail",
                 ["other" if t == 3 else OVERRIDES[t] for t, _ in r["reasons"]], r["from"].decode(),
                 r["envelope"].decode())
            if a != b:
                faults.append("%s: %r, not %r" % (m.id, a, b))
        if len(rows) != len(m.rows):
            faults.append("%s: %d rows, not %d" % (m.id, len(rows), len(m.rows)))
    tap.none(faults, "and sees in them what was put in")


def main():
    tap, rng = Tap(), random.Random(9990)
    with tempfile.TemporaryDirectory() as folder:
        made = [Made(rng, i % 3 > 0) for i in range(REPORTS)]
        written = {}
        for form in ("9990", "7489"):
            faults, written[form] = [], []
            for i, m in enumerate(made):
                xml = m.xml(form)
                path = os.path.join(folder, "%s-%d.xml" % (form, i))
                with open(path, "wb") as f:
                    f.write(xml)
                written[form].append(path)
                faults += ["report %d: %s" % (i, f) for f in faults_of(m, xml, form)]
            tap.none(faults, "RFC %s: expat reads back what was put in, %d reports" % (form, REPORTS))
        schemas(tap, folder, written)
        mail_dmarc(tap, folder)
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
