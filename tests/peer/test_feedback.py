#!/usr/bin/env python3
"""Complaints (RFC 5965) beside Python's email: each reads what the other wrote."""

import email
import email.encoders
import email.message
import email.policy
import email.utils
import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import peers
from tap import Tap

TOOL = os.path.join(peers.BUILD, "tests", "mail", "feedback_tool")
ORIGINAL = """Return-Path: <bounce@example.com>
From: =?utf-8?q?Secret?= <secret@example.com>
To: secret@example.net
Subject: secret
Message-ID: <1@example.com>
CFBL-Feedback-ID: 1:2
X-Note: caf\u00e9

secret text
"""
REPORT = {"Feedback-Type": "fraud", "User-Agent": "Generator/1", "Version": "1", "Source-IP": "192.0.2.7",
          "Arrival-Date": "Sun, 22 Nov 2026 13:06:50 +0900", "Original-Mail-From": "<bounce@example.com>",
          "Original-Rcpt-To": "<u@example.net>", "Reported-Domain": "example.com",
          "Reported-URI": "https://example.com/" + "a" * 120,
          "Authentication-Results": "mx.example.net; spf=pass smtp.mailfrom=example.com"}
WANT = [("type", "fraud"), ("agent", "Generator/1"), ("version", "1"), ("source", "192.0.2.7"),
        ("arrived", "1795320410"), ("mail_from", "bounce@example.com"), ("recipient", "<u@example.net>"),
        ("domain", "example.com"), ("uri", REPORT["Reported-URI"]), ("results", REPORT["Authentication-Results"]),
        ("field", "Return-Path"), ("field", "From"), ("field", "To"), ("field", "Subject"), ("field", "Message-ID"),
        ("field", "CFBL-Feedback-ID"), ("field", "X-Note")]


def tool(verb, data):
    with tempfile.NamedTemporaryFile() as f:
        f.write(data)
        f.flush()
        return subprocess.run([TOOL, verb, f.name], capture_output=True, check=True, timeout=60).stdout


def made(third, encoding):
    """A complaint as Python's classes write it."""
    out = email.message.EmailMessage()
    out["From"], out["To"], out["Subject"] = "a@example.net", "b@example.com", "complaint"
    out.set_content("For people.\n")
    out.make_mixed()
    report = email.message.Message()
    report["Content-Type"] = "message/feedback-report"
    text = "".join(f"{k}: {v}\n" for k, v in REPORT.items())
    if encoding:
        report.set_payload(text.encode())
        {"base64": email.encoders.encode_base64, "quoted-printable": email.encoders.encode_quopri}[encoding](report)
    else:
        report.set_payload(text)
    out.attach(report)
    part = email.message.Message()
    part["Content-Type"] = third
    part["Content-Transfer-Encoding"] = "8bit"
    part.set_payload(ORIGINAL if third == "message/rfc822" else ORIGINAL.split("\n\n")[0] + "\n")
    out.attach(part)
    out.set_type("multipart/report")
    out.set_param("report-type", "feedback-report")
    return out


def ours_read(crlf):
    for third in ("message/rfc822", "text/rfc822-headers"):
        for encoding in (None, "base64", "quoted-printable"):
            text = made(third, encoding).as_string(policy=email.policy.compat32).encode("utf-8", "surrogateescape")
            if crlf:
                text = text.replace(b"\n", b"\r\n")
            got = [tuple(l.split("\t", 1)) for l in tool("read", text).decode().splitlines()]
            want = ([("finding", "FEEDBACK_FORM")] if encoding else []) + WANT
            if got != want:
                yield f"{third} {encoding}: {got} is not {want}"


def ours_written():
    m = email.message_from_bytes(tool("write", ORIGINAL.encode()), policy=email.policy.default)
    text, report, head = list(m.iter_parts()) if m.is_multipart() else (None, None, None)
    if m.defects or m.get_content_type() != "multipart/report" or m.get_param("report-type") != "feedback-report":
        yield f"{m.get_content_type()} {m.defects}"
    if (text.get_content_type(), report.get_content_type(), head.get_content_type()) != (
            "text/plain", "message/feedback-report", "text/rfc822-headers"):
        yield "other parts"
    fields = report.get_payload()
    fields = fields[0] if isinstance(fields, list) else email.message_from_string(fields)
    for name, want in {"Feedback-Type": "abuse", "Version": "1", "Source-IP": "2001:db8::1", "Incidents": "1",
                       "Reported-Domain": "example.com", "User-Agent": "Sekisho/0.1.0"}.items():
        if fields.get_all(name) != [want]:
            yield f"{name}: {fields.get_all(name)}"
    if email.utils.parsedate_to_datetime(fields["Arrival-Date"]).timestamp() != 1795320410:
        yield fields["Arrival-Date"]
    original = email.message_from_string(head.get_payload() if isinstance(head.get_payload(), str) else head.get_content())
    if original["Message-ID"] != "<1@example.com>" or original["CFBL-Feedback-ID"] != "1:2":
        yield f"{original.items()}"
    if "secret" in m.as_string():
        yield "something of the message's people is in it"


def main():
    tap = Tap()
    tap.none(ours_read(False), "what Python writes is read")
    tap.none(ours_read(True), "the same with CRLF")
    tap.none(ours_written(), "what we write is read by Python")
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
