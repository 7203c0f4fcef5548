"""Aggregate reports of ours as they lie in a mailbox: unpacked, before the schema, read by Mail::DMARC."""
import collections
import email
import gzip
import ipaddress
import json
import os
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import test_mail_report  # noqa: E402
from patience import patient  # noqa: E402

NS = "{urn:ietf:params:xml:ns:dmarc-2.0}"


class Mail:
    """One that is no report raises."""

    def __init__(self, octets):
        self.octets = octets
        m = email.message_from_bytes(octets)
        self.id, self.to, self.subject = m["Message-ID"], m["To"], m["Subject"]
        self.signed = m["DKIM-Signature"] is not None
        parts = [x for x in m.walk() if x.get_content_type() == "application/gzip"]
        self.name, = [x.get_filename() for x in parts]
        self.xml = gzip.decompress(parts[0].get_payload(decode=True))
        root = ET.fromstring(self.xml)
        self.ns = NS if root.tag.startswith(NS) else ""

        def text(node, path):
            found = node.find("/".join(self.ns + p for p in path.split("/")))
            return None if found is None else found.text
        self.report_id, self.domain = text(root, "report_metadata/report_id"), text(root, "policy_published/domain")
        self.begin, self.end = (int(text(root, "report_metadata/date_range/" + x)) for x in ("begin", "end"))
        self.rows = collections.Counter()
        for r in root.findall(self.ns + "record"):
            e = "row/policy_evaluated/"
            self.rows[(self.domain, text(r, "row/source_ip"), text(r, e + "disposition"), text(r, e + "dkim"), text(r, e + "spf"),
                       text(r, "identifiers/header_from"))] += int(text(r, "row/count"))


def is_report(octets):
    return re.search(rb"^Subject: Report Domain:", octets, re.M) is not None


def wanting(world):
    """Domains of a `sekisho lab mail` whose owners want reports."""
    with open(os.path.join(world, "world.zone"), encoding="utf-8") as f:
        return {ln.split(".", 1)[1].split(". ")[0] for ln in f if ln.startswith("_dmarc.") and "rua=" in ln}


def rows_of(rows, form, domains):
    """What all reports together have to say of rows of the store."""
    out = collections.Counter()
    for r in rows:
        d = "none" if form == "7489" and r["disposition"] == "pass" else r["disposition"]
        if r["policy"] in domains:
            out[(r["policy"], r["source"], d, "pass" if r["dkim"] else "fail", "pass" if r["spf"] else "fail", r["from"])] += 1
    return out


def total(mails):
    out = collections.Counter()
    for m in mails:
        for k, n in m.rows.items():
            out[(k[0], str(ipaddress.ip_address(k[1]))) + k[2:]] += n
    return out


def put(folder, mails):
    """Files of their XML, and of the mails."""
    xml, eml = [], []
    for i, m in enumerate(mails):
        for paths, name, octets in ((xml, "report-%d.xml", m.xml), (eml, "mail-%d.eml", m.octets)):
            paths.append(os.path.join(folder, name % i))
            with open(paths[-1], "wb") as f:
                f.write(octets)
    return xml, eml


def schema(t, folder, mails, form):
    if shutil.which("xmllint") is None or form == "7489" and not os.path.exists(test_mail_report.OLD_XSD):
        t.skip("xmllint", "xmllint or the schema is not installed")
        return
    path = test_mail_report.old_schema(folder) if form == "7489" else os.path.join(HERE, "dmarc", "rfc9990.xsd")
    bad, said = test_mail_report.xmllint(path, put(folder, mails)[0])
    t.ok(not bad and mails, "the schema of RFC %s takes %d reports as they were sent" % (form, len(mails)), said[-2000:])


def mail_dmarc(t, folder, mails):
    """Whole mails, of the older form: it knows no namespace."""
    if not os.path.exists(test_mail_report.OLD_XSD):
        t.skip("Mail::DMARC", "libmail-dmarc-perl is not installed")
        return
    p = subprocess.run(["perl", os.path.join(HERE, "dmarc", "read.pl"), *put(folder, mails)[1]], capture_output=True, text=True,
                       timeout=patient(60), cwd=folder)
    got, faults = [json.loads(line) for line in p.stdout.splitlines()], []
    for g, m in zip(got, mails):
        rows = collections.Counter()
        for r in g["rows"]:
            rows[(g["domain"], r["ip"], r["disposition"], r["dkim"], r["spf"], r["from"])] += int(r["count"])
        if rows != m.rows or (g["id"], int(g["begin"]), int(g["end"])) != (m.report_id, m.begin, m.end):
            faults.append("%s: %r, not %r" % (m.subject, rows, m.rows))
    t.ok(len(got) == len(mails), "Mail::DMARC reads %d mails" % len(mails), p.stderr[-2000:])
    t.none(faults, "and sees the same counts in them")
