#!/usr/bin/env python3
"""Every finding says all it should, and a test trips it."""

import os
import re

import tap

import csource

PREFIXES = {"app": ("ALARM_", "IMPORT_", "KEYRING_", "KIT_", "WATCH_"), "hsm": "HSM_", "net": "FETCH_", "rpki": ("RPKI_", "RRDP_"), "rtr": "RTR_", "irr": "IRR_", "dns": ("DNS_", "TSIG_", "XFR_", "ZONE_"), "dnssec": ("DNS_", "DNSSEC_", "INTAKE_", "KEY_", "KEYFILE_", "POLICY_", "ROLL_", "SIGN_", "TRANSFER_"), "mail": ("ARC_", "AUTHRES_", "BIMI_", "DKIM_", "DMARC_", "FEEDBACK_", "MAIL_", "REPORT_", "SPF_")}


def tests_text():
    """Codes that tests name. The lab's table of faults is one: each row is a
    fault and the finding it must cause, which a test holds it to."""
    held = [os.path.join(tap.SRC, "tests", p) for p in ("corpus/test_faults.py", "unit/lab/test_faults.c")]
    out = [csource.read(os.path.join(tap.SRC, p)) for p in csource.sources("faults.def", under="src/lab")
           if any(map(os.path.exists, held))]
    for path in csource.sources(".c", ".h", ".py", ".json", ".txt", ".lab", ".rpl", ".csv", ".def",
                                under="tests"):
        if not path.startswith("tests/lint/"):
            out.append(csource.read(os.path.join(tap.SRC, path)))
    return set(re.findall(r"\b[A-Z][A-Z0-9]*_[A-Z0-9_]+\b", "\n".join(out)))


def made():
    """Codes that the sources mention outside findings.def."""
    text = "\n".join(csource.read(os.path.join(tap.SRC, p)) for p in csource.sources(".c", ".h", ".def")
                     if not p.endswith("findings.def") and not p.startswith("src/lab/"))
    return set(re.findall(r"\b[A-Z][A-Z0-9]*_[A-Z0-9_]+\b", text))


def where(r):
    return f"{os.path.relpath(r['file'], tap.SRC)}:{r['line']}: {r['code']}"


def main():
    rows = csource.all_findings()
    codes = [r["code"] for r in rows]
    tested, used = tests_text(), made()

    tap.rule("there are findings", [] if rows else ["no findings.def has a row"])
    tap.rule("no column is empty",
             [f"{where(r)}: {c}" for r in rows for c in csource.COLUMNS if not r[c].strip()])
    tap.rule("severities are known",
             [where(r) for r in rows if r["severity"] not in ("NOTE", "WARN", "REJECT")])
    tap.rule("codes are unique", sorted({c for c in codes if codes.count(c) > 1}))
    tap.rule("codes carry their module's prefix",
             [where(r) for r in rows
              if not r["code"].startswith(PREFIXES.get(r["file"].split("/")[-2], "?"))])
    tap.rule("clauses name a document",
             [where(r) for r in rows
              if not re.search(r"RFC \d{3,5}|8210bis|draft-|X\.6\d\d|aspa-profile|Sekisho|RIPE|ISO|CVE-\d{4}-", r["clause"])])
    tap.rule("each is made somewhere", [where(r) for r in rows if r["code"] not in used])
    tap.rule("each is asserted by a test", [where(r) for r in rows if r["code"] not in tested])
    tap.end()


main()
