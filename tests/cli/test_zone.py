#!/usr/bin/env python3
"""sekisho zone sign: key folders, signatures that are kept, gates that hold."""

import os
import re
import shutil
import subprocess
import sys
import tempfile

SRC = os.environ.get("SEKISHO_SRC") or os.path.normpath(
    os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
BUILD = os.environ.get("SEKISHO_BUILD") or os.path.join(SRC, "build")
sys.path.insert(0, os.path.join(SRC, "tests", "peer"))
from tap import Tap  # noqa: E402

SEKISHO = os.path.join(BUILD, "sekisho")
ZONE = """$ORIGIN example.jp.
$TTL 3600
@ SOA ns1 host 2026112200 7200 3600 1209600 600
 NS ns1
 NS ns2
ns1 A 192.0.2.1
ns2 A 192.0.2.2
www A 192.0.2.80
a.b MX 10 www
*.w TXT "x"
sub NS ns.sub
ns.sub A 192.0.2.9
"""
T0 = "2026-11-22T00:00:00Z"


def run(*argv, at=T0):
    p = subprocess.run([SEKISHO, *argv, "--at", at], stdin=subprocess.DEVNULL,
                       stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60,
                       env={"LANG": "C", "PATH": os.environ["PATH"]})
    return p.returncode, p.stdout, p.stderr


class Place:
    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="sekisho-zone-")
        self.keys = os.path.join(self.dir, "keys")
        os.mkdir(self.keys)
        self.zone = os.path.join(self.dir, "example.jp.zone")
        self.out = self.zone + ".signed"
        self.write(ZONE)

    def write(self, text):
        with open(self.zone, "w") as f:
            f.write(text)

    def sign(self, *more, at=T0):
        return run("zone", "sign", self.zone, "-K", self.keys, *more, at=at)

    def signed(self):
        with open(self.out) as f:
            return f.read()

    def files(self, end):
        return sorted(n for n in os.listdir(self.keys) if n.endswith(end))

    def __enter__(self):
        return self

    def __exit__(self, *why):
        shutil.rmtree(self.dir)


def sigs(text):
    """{(owner, type): [rdata]} of RRSIGs."""
    out = {}
    for line in text.splitlines():
        m = re.match(r"(\S+)\t\d+\tIN\tRRSIG\t(\S+) (.*)", line)
        if m:
            out.setdefault(m.group(1, 2), []).append(m.group(3))
    return out


def kept(t):
    """A second run keeps every signature; a change costs its neighbours only."""
    with Place() as p:
        p.sign("--generate", "13")
        first = p.signed()
        rc, _, err = p.sign()
        t.ok(rc == 0 and p.signed() == first, "nothing changed: the file is the same, byte for byte", err)
        p.write(ZONE + "new A 192.0.2.99\n")
        rc, _, err = p.sign()
        a, b = sigs(first), sigs(p.signed())
        same = {k for k in a if b.get(k) == a[k]}
        changed = set(b) - same
        # The name itself, the NSEC before it, and the SOA.
        t.ok(rc == 0 and changed == {("new.example.jp.", "A"), ("new.example.jp.", "NSEC"),
                                     ("a.b.example.jp.", "NSEC"), ("example.jp.", "SOA")},
             "a new name: four signatures", f"{changed} {err}")
        rc, _, err = p.sign(at="2026-12-01T00:00:00Z")
        c = sigs(p.signed())
        t.ok(rc == 0 and all(c[k] != b[k] for k in b), "after a week: all are made anew", err)
        rc, _, err = p.sign("--afresh", at="2026-12-01T00:00:00Z")
        t.ok(rc == 0 and all(sigs(p.signed())[k] != c[k] for k in c), "--afresh keeps none", err)


def folder(t):
    with Place() as p:
        p.sign("--generate", "13")
        pems = p.files(".pem")
        t.ok(len(pems) == 2 and all(os.stat(os.path.join(p.keys, n)).st_mode & 0o777 == 0o600
                                    for n in pems), "two private keys, 0600", pems)
        one = os.path.join(p.keys, pems[0])
        os.chmod(one, 0o644)
        rc, _, err = p.sign("--afresh")
        t.ok(rc == 0 and "KEYRING_OPEN" in err, "a key that others may read is told, and used", err)
        os.chmod(one, 0o600)

        other = os.path.join(p.keys, pems[1])
        shutil.copy(one, one + ".bak")
        shutil.copy(other, one)
        rc, _, err = p.sign("--afresh")
        t.ok(rc == 1 and "KEYRING_MISMATCH" in err, "a private key of another DNSKEY", err)
        with open(one, "w") as f:
            f.write("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")
        rc, _, err = p.sign("--afresh")
        t.ok(rc == 1 and "KEYRING_PRIVATE" in err, "a private key that is none", err)
        os.remove(one)
        before = p.signed()
        rc, _, err = p.sign("--afresh")
        t.ok("KEYRING_PUBLIC" in err, "a public key alone is told", err)
        shutil.move(one + ".bak", one)
        with open(os.path.join(p.keys, "Kexample.jp.+013+00001.key"), "w") as f:
            f.write("example.jp. IN TXT \"no key\"\n")
        rc, _, err = p.sign("--afresh")
        t.ok(rc == 1 and "KEYRING_RECORD" in err, "a .key file without a key", err)
        os.remove(os.path.join(p.keys, "Kexample.jp.+013+00001.key"))
        for n in p.files(".pem"):
            os.remove(os.path.join(p.keys, n))
        before = p.signed()
        rc, _, err = p.sign()
        t.ok(rc == 3 and p.signed() == before and "--generate" in err,
             "without private keys nothing is signed, and the old file stays", err)


def bind_form(t):
    """Keys as dnssec-keygen writes them; its times decide."""
    if shutil.which("dnssec-keygen") is None:
        for what in ("keys of dnssec-keygen sign", "a key before its Activate is published only",
                     "a key behind its Delete is gone"):
            t.skip(what, "dnssec-keygen is not installed")
        return
    with Place() as p:
        for more in (["-f", "KSK"], [], ["-P", "now", "-A", "20270101000000"],
                     ["-P", "20200101000000", "-A", "20200101000000", "-I", "20200201000000",
                      "-D", "20200301000000"]):
            subprocess.run(["dnssec-keygen", "-q", "-K", p.keys, "-a", "ECDSAP256SHA256", *more,
                            "example.jp"], check=True, stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL)
        # dnssec-keygen's "now" is the machine's clock
        at = "2026-12-31T00:00:00Z"
        rc, _, err = p.sign(at=at)
        text = p.signed() if rc == 0 else ""
        t.ok(rc == 0 and len(sigs(text)[("example.jp.", "SOA")]) == 1, "keys of dnssec-keygen sign", err)
        t.ok(len(re.findall(r"\tDNSKEY\t256", text)) == 2, "a key before its Activate is published only", text)
        t.ok(len(re.findall(r"\tDNSKEY\t", text)) == 3, "a key behind its Delete is gone", text)


def gates(t):
    with Place() as p:
        p.sign("--generate", "13")
        before = p.signed()
        p.write(ZONE.replace("2026112200", "2026112300"))
        rc, _, err = p.sign("--ds", "1 13 2 " + "00" * 32)
        t.ok(rc == 1 and p.signed() == before and "DNS_DS_MISMATCH" in err,
             "what the parent's DS does not match is not written", err)
        p.write(ZONE + "www CNAME ns1\n")
        rc, _, err = p.sign()
        t.ok(rc == 1 and p.signed() == before and "DNS_CNAME_OTHER" in err,
             "a CNAME beside other data is not written", err)
        p.write("$ORIGIN example.jp.\n" + ZONE.replace("3600 1209600", "3600 x"))
        rc, _, err = p.sign()
        t.ok(rc == 1 and p.signed() == before, "a mistake in the text: the old file stays", err)


def made(t):
    with Place() as p:
        os.rmdir(p.keys)
        rc, _, err = p.sign("--generate", "13", "--dnskey-ttl", "5m")
        t.ok(rc == 0 and os.stat(p.keys).st_mode & 0o777 == 0o700, "the key folder is made, 0700", err)
        t.ok(re.search(r"example.jp.\t300\tIN\tDNSKEY", p.signed()), "the DNSKEY TTL that was asked for")


def names(t):
    """RFC 2317's zones have a slash in their names: no path may come of it."""
    with Place() as p:
        p.write("$TTL 60\n@ SOA ns. h. 1 2 3 4 5\n NS ns.\n1 PTR a.example.\n")
        rc, _, err = run("zone", "sign", p.zone, "-K", p.keys, "--zone", "0/25.2.0.192.in-addr.arpa",
                         "--generate", "15", "--csk")
        t.ok(rc == 0 and p.files(".pem")[0].startswith("K0%2F25.2.0.192.in-addr.arpa.+015+"),
             "a zone with a slash in its name", f"{os.listdir(p.keys)} {err}")


def strange_files(t):
    """What a zone's text may name, and what a person may."""
    with Place() as p:
        strange_files_in(t, p)


def strange_files_in(t, p):
    os.mkfifo(os.path.join(p.dir, "fifo"))
    p.write(ZONE + "$INCLUDE fifo\n$INCLUDE /dev/zero\n")
    rc, out, _ = run("zone", "verify", "--include", p.zone)
    t.ok(rc == 1 and out.count("ZONE_INCLUDE_OPEN") == 2, "a pipe and a device are not included", out)
    rc, out, err = run("zone", "verify", "--anchor", "/dev/null", p.zone)
    t.ok(rc == 2 and "regular file" in err, "a device is no file of anchors", err)
    p.write(ZONE + "".join("many A 10.%d.%d.%d\n" % (i >> 16, i >> 8 & 255, i & 255) for i in range(65536)))
    rc, out, err = run("zone", "verify", p.zone)
    t.ok(rc == 3 and "one name" in err, "more records of one name and type than can be", err)
    p.write("\x7fELF\n\0\0\0\n\0\n")
    rc, out, _ = run("zone", "verify", p.zone)
    t.ok(rc == 1 and "DNS_SOA_COUNT" not in out and out.count("ZONE_CHARACTER") == 3 and
         out.count("\n  ") == 1, "no zone: its faults, and once what to do", out)


def main():
    t = Tap()
    for part in (kept, folder, bind_form, gates, made, names, strange_files):
        t.case(part, t)
    return t.done()


if __name__ == "__main__":
    sys.exit(main())
