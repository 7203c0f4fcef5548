"""
A strict reader of feedback reports, over python's email package: RFC 5965 (ARF), 6591 (of failed
authentication), 9991 (of DMARC). Real readers are lenient; what we write has to stand before this.
"""
import email
import email.policy
import email.utils
import ipaddress
import re

NAME = r"(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)+"
ADDRESS = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+@" + NAME.replace("(?=.{1,253}$)", "")
TOKEN = r"[A-Za-z0-9!#$%&'*+.^_`{|}~-]+"
# name: how often (once, at most once, at least none), and what it looks like
ONCE, MAYBE, ANY = (1, 1), (0, 1), (0, 99)
ARF = {
    "feedback-type": (ONCE, TOKEN), "user-agent": (ONCE, r"%s(/%s)?( .*)?" % (TOKEN, TOKEN)), "version": (ONCE, "1"),
    "original-envelope-id": (MAYBE, ".+"), "original-mail-from": (MAYBE, r"<(%s)?>" % ADDRESS),
    "arrival-date": (MAYBE, None), "reporting-mta": (MAYBE, r"dns; %s" % NAME.replace("(?=.{1,253}$)", "")),
    "source-ip": (MAYBE, None), "incidents": (MAYBE, r"[1-9]\d*"), "authentication-results": (ANY, r"%s(;.*)+" % TOKEN),
    "original-rcpt-to": (ANY, r"<%s>" % ADDRESS), "reported-domain": (ANY, NAME), "reported-uri": (ANY, r"[a-z]+:\S+"),
}
FAILURE = {
    "auth-failure": (ONCE, "dmarc|signature|bodyhash|revoked|spf"), "authentication-results": (ONCE, r"%s(;.*)+" % TOKEN),
    "identity-alignment": (ONCE, r"none|dkim|spf|dkim, ?spf|spf, ?dkim"), "reported-domain": (ONCE, NAME),
    "delivery-result": (MAYBE, "delivered|spam|policy|reject|other"), "source-ip": (ONCE, None),
    "original-mail-from": (ONCE, r"<(%s)?>" % ADDRESS), "arrival-date": (ONCE, None), "incidents": (ONCE, r"[1-9]\d*"),
    "dkim-domain": (MAYBE, NAME), "dkim-identity": (MAYBE, r"\S*@" + NAME.replace("(?=.{1,253}$)", "")),
    "dkim-selector": (MAYBE, r"[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?"),
    "spf-dns": (MAYBE, r'(txt|spf) ?: ?%s ?: ?"([^"\\]|\\["\\])*"' % NAME.replace("(?=.{1,253}$)", "")),
}


def fields_of(text):
    """[(name, value unfolded)] of lines; None where a line is neither."""
    fields = []
    for line in text.split("\n"):
        if line[:1] in (" ", "\t") and fields and line.strip():
            fields[-1] = (fields[-1][0], fields[-1][1] + line)
        elif re.match(r"[!-9;-~]+:", line):
            name, _, value = line.partition(":")
            fields.append((name.lower(), value))
        elif line:
            return None
    return [(name, value.strip()) for name, value in fields]


def form_check(name, form, value):
    if name == "arrival-date":
        try:
            return email.utils.parsedate_to_datetime(value).tzinfo is not None
        except (TypeError, ValueError):
            return False
    if name == "source-ip":
        try:
            return str(ipaddress.ip_address(value)) == value
        except ValueError:
            return False
    return re.fullmatch(form, value, re.S) is not None


def fields_check(fields, rows):
    for name, ((least, most), form) in rows.items():
        values = [v for n, v in fields if n == name]
        if not least <= len(values) <= most:
            yield "%s is there %d times" % (name, len(values))
        for v in values:
            if not form_check(name, form, v):
                yield "%s: %s" % (name, v)


def parts_check(mail):
    parts = mail.get_payload()
    if mail.get_content_type() != "multipart/report" or mail.get_param("report-type") != "feedback-report":
        yield "no multipart/report of feedback"
    if mail.defects or not isinstance(parts, list) or len(parts) != 3:
        yield "not three parts: %s" % mail.defects
        return
    kinds = [p.get_content_type() for p in parts]
    if kinds[:2] != ["text/plain", "message/feedback-report"] or kinds[2] not in ("text/rfc822-headers", "message/rfc822"):
        yield "parts are %s" % kinds
    if any(p.get("Content-Transfer-Encoding", "7bit").lower() != "7bit" for p in parts):
        yield "an encoded part"
    for name in ("From", "To", "Subject", "Date", "Message-ID", "MIME-Version"):
        if len(mail.get_all(name, [])) != 1:
            yield "%s of the mail" % name
    if mail["Auto-Submitted"] != "auto-generated":
        yield "not marked as a program's"


def wrongs(octets):
    """What is wrong with a report as it came; [] is nothing."""
    text = octets.decode("ascii").replace("\r\n", "\n")
    mail = email.message_from_string(text, policy=email.policy.compat32)
    got = list(parts_check(mail))
    if got:
        return got
    boundary = mail.get_boundary()
    body = text.split("\n--%s\n" % boundary)[2].partition("\n\n")[2]
    fields = fields_of(body)
    if fields is None:
        return ["lines that are no fields"]
    got += fields_check(fields, ARF)
    values = dict(fields)
    if values.get("feedback-type") == "auth-failure":
        got += fields_check(fields, FAILURE)
        dkim = [n in values for n in ("dkim-domain", "dkim-identity", "dkim-selector")]
        if any(dkim) != all(dkim) or (values.get("auth-failure") in ("signature", "bodyhash", "revoked") and not all(dkim)):
            got.append("DKIM's fields")
        if values.get("auth-failure") == "spf" and "spf-dns" not in values:
            got.append("SPF-DNS")
    got += ["a line of %d" % len(line) for line in text.split("\n") if len(line) > 998]
    head = fields_of(text.split("\n--%s\n" % boundary)[3].partition("\n\n")[2].split("\n--")[0])
    return got + ([] if head else ["no head of the message"])
