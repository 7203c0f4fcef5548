#!/usr/bin/env python3
"""
Every EPP command that ours can write (epp_print) against the schema of RFC 5910: by
xmllint, and by a reading of that schema of our own, which also holds what a schema
cannot say: no mixed forms, what goes before what comes, DS that fit the key inside.
"""
import base64
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET

from tap import Tap

tap = Tap()
HERE = os.path.join(os.environ["SEKISHO_SRC"], "tests", "peer", "epp")
EPP, DOMAIN, SECDNS = ("{urn:ietf:params:xml:ns:%s}" % n for n in ("epp-1.0", "domain-1.0", "secDNS-1.1"))

# Element: its children in their order, "?" none or one, "+" one or more, "|" one of these; or a test of its text.
NUMBER = lambda top: (lambda t: t.isdecimal() and t == str(int(t)) and int(t) <= top)
KEY = [("flags", NUMBER(65535)), ("protocol", NUMBER(255)), ("alg", NUMBER(255)), ("pubKey", lambda t: base64.b64decode(t, validate=True))]
DS = [("keyTag", NUMBER(65535)), ("alg", NUMBER(255)), ("digestType", NUMBER(255)),
      ("digest", lambda t: re.fullmatch("([0-9A-F]{2})+", t))]


def fields(e, rows, more=None):
    """Its fields as a dict; more: one further element that may follow."""
    left = list(e)
    out = {}
    for name, good in rows:
        assert left and left[0].tag == SECDNS + name and len(left[0]) == 0 and good(left[0].text), name
        out[name] = left.pop(0).text
    if more and left:
        assert left[0].tag == SECDNS + more and len(left) == 1, left
        return out, left[0]
    assert not left, left
    return out, None


def tag_of(rdata):
    n = sum(b << (0 if i & 1 else 8) for i, b in enumerate(rdata))
    return (n + (n >> 16)) & 0xffff


def wire(name):
    """The name of <domain:name>, whose escapes are those of a zone file."""
    out, label, at = b"", bytearray(), 0
    while at < len(name):
        if name[at] == ".":
            out += bytes([len(label)]) + label
            label = bytearray()
        elif name[at] == "\\":
            if name[at + 1].isdecimal():
                label.append(int(name[at + 1:at + 4]))
                at += 3
            else:
                at += 1
                label.append(ord(name[at]))
        else:
            label.append(ord(name[at]))
        at += 1
    return out + bytes([len(label)]) + label + b"\0"


def records(e, name):
    """Of <add> or <rem>: the form, and what is in it."""
    forms = {c.tag for c in e}
    assert len(forms) == 1, "mixed forms"
    form = forms.pop()
    seen = []
    for c in e:
        if form == SECDNS + "keyData":
            seen.append(tuple(fields(c, KEY)[0].values()))
            continue
        assert form == SECDNS + "dsData", form
        ds, inner = fields(c, DS, more="keyData")
        seen.append(tuple(ds.values()))
        if inner is not None:
            k, _ = fields(inner, KEY)
            rdata = int(k["flags"]).to_bytes(2, "big") + bytes([int(k["protocol"]), int(k["alg"])]) + base64.b64decode(k["pubKey"])
            make = {"2": hashlib.sha256, "4": hashlib.sha384}[ds["digestType"]]
            assert make(wire(name) + rdata).hexdigest().upper() == ds["digest"], "the digest is of another key"
            assert str(tag_of(rdata)) == ds["keyTag"] and k["alg"] == ds["alg"]
    assert len(set(seen)) == len(seen), "said twice"
    return form, seen


def read(text):
    """Raises if the document is none."""
    root = ET.fromstring(text)
    assert root.tag == EPP + "epp" and [c.tag for c in root] == [EPP + "command"]
    update, extension, trid = root[0]
    assert [update.tag, extension.tag, trid.tag] == [EPP + t for t in ("update", "extension", "clTRID")]
    assert 3 <= len(trid.text) <= 64
    assert [c.tag for c in update] == [DOMAIN + "update"] and [c.tag for c in update[0]] == [DOMAIN + "name"]
    name = update[0][0].text
    assert 1 <= len(name) <= 255 and not name.endswith(".")
    assert [c.tag for c in extension] == [SECDNS + "update"]
    sec = extension[0]
    assert set(sec.attrib) <= {"urgent"} and sec.get("urgent", "true") == "true"
    kinds = [c.tag[len(SECDNS):] for c in sec]
    assert kinds and kinds == [k for k in ("rem", "add", "chg") if k in kinds], kinds
    forms, removed = set(), []
    for c in sec:
        if c.tag == SECDNS + "chg":
            (life,) = c
            assert life.tag == SECDNS + "maxSigLife" and 1 <= int(life.text) < 2 ** 31
        elif c.tag == SECDNS + "rem" and c[0].tag == SECDNS + "all":
            assert len(c) == 1 and c[0].text == "true"
        else:
            form, seen = records(c, name)
            forms.add(form)
            if c.tag == SECDNS + "rem":
                removed = seen
            else:
                assert not set(removed) & set(seen), "removed and added"
    assert len(forms) <= 1, "mixed forms"
    return kinds


def is_read(text):
    try:
        read(text)
    except (AssertionError, ET.ParseError, ValueError, IndexError, TypeError):
        return False
    return True


def spoilt(text):
    """Each is of the form no longer."""
    for old, new in (("<secDNS:alg>", "<secDNS:algo>"), ("</secDNS:digest>", "0</secDNS:digest>"), ("<secDNS:all>true", "<secDNS:all>yes"),
                     ("<secDNS:maxSigLife>1<", "<secDNS:maxSigLife>0<"), (" urgent=\"true\"", " urgent=\"very\""),
                     ("secDNS-1.1", "secDNS-1.0"), ("<clTRID>", "<clTRID/><clTRID>")):
        if old in text:
            bad = text.replace(old, new, 1)
            yield bad.replace("</secDNS:alg>", "</secDNS:algo>", 1) if old == "<secDNS:alg>" else bad


def xmllint(folder, texts):
    """How many of them it takes."""
    paths = []
    for i, t in enumerate(texts):
        paths.append(os.path.join(folder, "%d.xml" % i))
        with open(paths[-1], "w") as f:
            f.write(t)
    r = subprocess.run(["xmllint", "--nonet", "--noout", "--schema", os.path.join(HERE, "command.xsd"), *paths],
                       capture_output=True, text=True, timeout=60)
    good = [l for l in r.stderr.splitlines() if l.endswith(" validates")]
    return len(good), "\n".join(l for l in r.stderr.splitlines() if not l.endswith(" validates"))


def main():
    out = subprocess.run([os.path.join(os.environ["SEKISHO_BUILD"], "tests", "peer", "epp_print")],
                         capture_output=True, check=True, timeout=60).stdout
    texts = sorted(set(out.decode().split("\0")[:-1]))
    kinds = [tuple(read(t)) if is_read(t) else None for t in texts]
    tap.equal((len(texts) > 150, kinds.count(None)), (True, 0), "each command reads as the RFC has it",
              "\n".join(t for t in texts if not is_read(t))[:3000])
    tap.equal({k for k in kinds if k}, {("rem",), ("add",), ("chg",), ("rem", "add"), ("rem", "chg"), ("add", "chg"), ("rem", "add", "chg")},
              "of every kind")
    bad = sorted({b for t in texts[::17] for b in spoilt(t)})
    tap.equal((len(bad) > 20, [b for b in bad if is_read(b)]), (True, []), "what is spoilt does not read")
    if shutil.which("xmllint") is None:
        tap.skip("xmllint", "xmllint is not installed")
        return tap.done()
    with tempfile.TemporaryDirectory(prefix="sekisho-epp-") as folder:
        n, said = xmllint(folder, texts)
        tap.equal(n, len(texts), "xmllint takes all of them", said[:3000])
        n, said = xmllint(folder, bad)
        tap.equal(n, 0, "and none that is spoilt", said[:3000])
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
