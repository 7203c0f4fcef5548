#!/usr/bin/env python3
"""DKIM with Mail::DKIM, dkimpy and OpenDKIM: ours verified by them, theirs by us.

Messages are made from a seed: folds, 8-bit, empty bodies, blanks where they
count, fields that stand twice. SEKISHO_DKIM_COUNT says how many (200);
SEKISHO_DKIM_SEED is another seed.

What a peer cannot do is left out: Mail::DKIM of Debian 12 (1.20230212) knows
no Ed25519; OpenDKIM (2.11.0) reads a file as a milter would get it, who never
sees whether a blank stands behind the colon, so it gets those messages only
where one blank does, which is each second one. What OpenDKIM signs with
Ed25519 over simple fields nobody verifies, dkimpy as little as we (it verifies
that of others), so it is not asked to.
"""
import os
import random
import re
import subprocess
import tempfile

import peers
from tap import Tap

COUNT = int(os.environ.get("SEKISHO_DKIM_COUNT", "200"))
SEED = int(os.environ.get("SEKISHO_DKIM_SEED", "7"))
TOOL = os.environ.get("SEKISHO_DKIM_TOOL") or os.path.join(peers.BUILD, "tests", "mail", "dkim_tool")
HERE = os.path.dirname(os.path.abspath(__file__))
CANONS = ["simple/simple", "simple/relaxed", "relaxed/simple", "relaxed/relaxed"]
AFTER = "2000000000"		# peers take the time of day for t=, and none ends
T = Tap()


def out(argv, **kw):
    return subprocess.run(argv, stdout=subprocess.PIPE, check=True, timeout=peers.patient(300), **kw).stdout


# --- messages ---

WORDS = "shipment of 見積 invoice é — a b the  report\tnext, -- .. 関所 week: =3D From ok".split(" ")


def blanks(r):
    return r.choice(["", "", "", " ", "  ", "\t", " \t "])


def field(r, name, odd):
    text = " ".join(r.choice(WORDS) or "x" for _ in range(r.randint(0, 14)))
    parts = text.split(" ")
    folded = parts[0]
    for p in parts[1:]:
        folded += r.choice([" ", " ", " ", "  ", "\r\n ", "\r\n\t", " \r\n  ", "\t"]) + p
    if any(not line.strip() for line in folded.split("\r\n")):	# a line of blanks is no fold (RFC 5322 3.2.2)
        folded = " ".join(folded.split())
    if not odd:
        return name + ": " + (folded.strip() or "x") + blanks(r) + "\r\n"
    return name + ":" + r.choice([" ", " ", "", "  ", "\t"]) + folded + blanks(r) + "\r\n"


def body(r):
    """It ends with a line end, as all that came by SMTP; without one Mail::DKIM signs what nobody
    else verifies (RFC 6376 section 3.4.3: "no trailing CRLF …, a CRLF is added")."""
    if r.random() < 0.1:
        return r.choice(["", "\r\n", "\r\n\r\n\r\n", " \r\n", "\t\r\n\r\n", "x \r\n \r\n\r\n"])
    text = ""
    for _ in range(r.randint(1, 40)):
        text += " ".join(r.choice(WORDS) for _ in range(r.randint(0, 20))) + blanks(r) + "\r\n"
    return text + "\r\n" * r.choice([0, 0, 1, 3])


def message(r, odd):
    names = ["Received"] * r.randint(0, 3) + ["Subject", "subject" if r.random() < 0.1 else "X-A"]
    names += [r.choice(["X-B", "X-Long-" + "n" * r.randint(1, 60), "Message-ID", "List-Id", "Comments"])
              for _ in range(r.randint(0, 4))]
    head = ["From: T <t@example.jp>\r\n", "To: x@example.com,\r\n\ty@example.com\r\n",
            "Date: Mon, 23 Nov 2026 04:00:00 +0000\r\n"] + [field(r, name, odd) for name in names]
    r.shuffle(head)
    return "".join(head) + "\r\n" + body(r)


# --- the parties: verify(files) -> {file: [bool]}, sign(alg, canon, outdir, files) ---

class Party:
    length = False			# signs with l=
    step = 1				# of all messages, takes those

    def __init__(self, home):
        self.home = home
        self.records = os.path.join(home, "records")

    def key(self, alg):
        return os.path.join(self.home, alg + ".pem"), "example.jp", alg

    def results(self, lines):
        found = {}
        for line in lines.decode().splitlines():
            path, *words = line.split(" ")
            found[path] = [w.split(":")[0] for w in words if w]
        return found

    def takes(self, files):
        """Those that it can verify."""
        for f in files:
            with open(f, "rb") as fh:
                if int(f[-4:]) % self.step == 0 and ("ed25519" in self.algs or b"ed25519" not in fh.read()):
                    yield f


class Ours(Party):
    name, algs = "ours", ("rsa", "ed25519")

    def verify(self, files):
        return self.results(out([TOOL, "verify", self.records, AFTER, *files]))

    def sign(self, alg, canon, outdir, files):
        pem, domain, selector = self.key(alg)
        out([TOOL, "sign", pem, {"rsa": "8", "ed25519": "15"}[alg], domain, selector, canon, outdir, *files])


class MailDkim(Party):
    name, algs = "Mail::DKIM", ("rsa",)
    script = os.path.join(HERE, "dkim_peer.pl")

    @staticmethod
    def missing():
        return subprocess.run(["perl", "-MMail::DKIM", "-MNet::DNS", "-e", "1"], stderr=subprocess.DEVNULL).returncode != 0

    def verify(self, files):
        return self.results(out(["perl", self.script, "verify", self.records, *files]))

    def sign(self, alg, canon, outdir, files):
        pem, domain, selector = self.key(alg)
        out(["perl", self.script, "sign", pem, alg + "-sha256", domain, selector, canon, outdir, *files])


class Dkimpy(Party):
    name, algs, length = "dkimpy", ("rsa", "ed25519"), True
    python, script = "/usr/bin/python3", os.path.join(HERE, "dkim_peer.py")

    @classmethod
    def missing(cls):
        return subprocess.run([cls.python, "-c", "import dkim, nacl"], stderr=subprocess.DEVNULL).returncode != 0

    def verify(self, files):
        return self.results(out([self.python, "-B", self.script, "verify", self.records, *files]))

    def sign(self, alg, canon, outdir, files, length="0"):
        pem, domain, selector = self.key(alg)
        out([self.python, "-B", self.script, "sign", pem, alg + "-sha256", domain, selector, canon, length, outdir, *files])


class OpenDkim(Party):
    name, algs, step = "OpenDKIM", ("rsa", "ed25519"), 2

    @staticmethod
    def missing():
        return peers.missing("opendkim") is not None

    def run(self, settings, files, field):
        """What is put on top of each message, in their order."""
        path = os.path.join(self.home, "opendkim.conf")
        with open(path, "w") as f:
            f.write("UserID root\nRequireSafeKeys no\nAuthservID here\nMaximumSignaturesToVerify 20\n"
                    "TestPublicKeys %s\n%s" % (self.records, settings))
        text = subprocess.run([peers.find("opendkim"), "-f", "-x", path, "-t", ",".join(files), "-v", "-v"],
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=peers.patient(300)).stdout
        return re.findall(rb"^### INSHEADER: idx=\d+ hname='%s' hvalue='(.*?)'$" % field, text, re.S | re.M)

    def verify(self, files, one_by_one=False):
        """It ends at a message that it cannot read; then the others need a process each."""
        found = self.run("Mode v\n", files, b"Authentication-Results") if not one_by_one else [
            (self.run("Mode v\n", [f], b"Authentication-Results") or [b"dkim=unread"])[0] for f in files]
        return {path: [w.decode() for w in re.findall(rb"\bdkim=(\w+)", text)] for path, text in zip(files, found)}

    def sign(self, alg, canon, outdir, files):
        pem, domain, selector = self.key(alg)
        conf = "Mode s\nDomain %s\nSelector %s\nKeyFile %s\nCanonicalization %s\nSignatureAlgorithm %s-sha256\n" % (
            domain, selector, pem, canon, alg)
        for path, value in zip(files, self.run(conf, files, b"DKIM-Signature")):
            with open(path, "rb") as f:
                message_text = f.read()
            with open(os.path.join(outdir, os.path.basename(path)), "wb") as f:
                f.write(b"DKIM-Signature: " + value.replace(b"\r", b"").replace(b"\n", b"\r\n") + b"\r\n" + message_text)


# --- the world ---

def keys_make(home):
    with open(os.path.join(home, "records"), "w") as f:
        for alg, opts in (("rsa", ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"]), ("ed25519", ["-algorithm", "ed25519"])):
            pem = os.path.join(home, alg + ".pem")
            out(["openssl", "genpkey", *opts, "-out", pem], stderr=subprocess.DEVNULL)
            der = out(["openssl", "pkey", "-in", pem, "-pubout", "-outform", "DER"])
            text = subprocess.run(["base64", "-w0"], input=der[-32:] if alg == "ed25519" else der, stdout=subprocess.PIPE).stdout
            f.write("%s._domainkey.example.jp v=DKIM1; k=%s; p=%s\n" % (alg, alg, text.decode()))
    os.chmod(pem, 0o600)


def messages_make(home):
    r = random.Random(SEED)
    where = os.path.join(home, "plain")
    os.mkdir(where)
    files = []
    for i in range(COUNT):
        files.append(os.path.join(where, "m%04d" % i))
        with open(files[-1], "wb") as f:
            f.write(message(r, i % 2 == 1).encode())
    return files


def ways(party):
    return [(alg, canon) for alg in party.algs for canon in CANONS
            if not (party.name == "OpenDKIM" and alg == "ed25519" and canon.startswith("simple/"))]


def sign_all(party, home, files, tag, **kw):
    """The files, each signed in one of the party's ways."""
    where = os.path.join(home, tag)
    os.mkdir(where)
    todo = ways(party)
    for i, (alg, canon) in enumerate(todo):
        some = files[i::len(todo)]
        if some:
            party.sign(alg, canon, where, some, **kw)
    return [os.path.join(where, os.path.basename(f)) for f in files]


def verified(party, files, n, what):
    files = list(party.takes(files))
    found = party.verify(files)
    T.none(["%s: %s" % (f, found.get(f)) for f in files if found.get(f) != ["pass"] * n],
           "%s: %s says pass to all %d" % (what, party.name, len(files)))


# --- what was changed on the way ---

def change(r, text):
    at = text.index(b"\r\n\r\n")
    i = r.randrange(len(text)) if r.random() < 0.5 else r.randrange(at)
    c = r.choice([b" ", b"x", b"\t", b""])
    # OpenDKIM reads base64 that lacks its padding; RFC 4648 section 3.2 does not, nor do we. Of a letter before
    # that, bits are unused: rspamd takes any there, we only zeros (section 3.5 has both).
    if text[i:i + 1] in b"\r\n=" or text[i - 1:i] == b"\r" or text[i + 1:i + 3] in (b"==", b"=;", b"=\r"):
        return text
    return text[:i] + c + text[i + 1:]


def changed(home, files):
    """One octet of each is another, or gone."""
    r = random.Random(SEED + 1)
    where = os.path.join(home, "changed")
    os.mkdir(where)
    result = []
    for f in files:
        with open(f, "rb") as fh:
            text = change(r, fh.read())
        result.append(os.path.join(where, os.path.basename(f)))
        with open(result[-1], "wb") as fh:
            fh.write(text)
    return result


def main():
    with tempfile.TemporaryDirectory() as home:
        os.chmod(home, 0o755)
        keys_make(home)
        files = messages_make(home)
        ours = Ours(home)
        there = []
        for c in (MailDkim, Dkimpy, OpenDkim):
            if c.missing():
                T.skip(c.name, "not installed")
            else:
                there.append(c(home))

        mine = sign_all(ours, home, files, "ours")
        verified(ours, mine, 1, "ours")
        for p in there:
            verified(p, mine, 1, "ours")
        last = mine
        for p in there:
            some = files[::p.step]
            verified(ours, sign_all(p, home, some, p.name.replace(":", "")), 1, p.name)
            if p.length:
                verified(ours, sign_all(p, home, some, "length", length="1"), 1, p.name + " with l=")
            last = sign_all(p, home, last[::p.step], "on-" + p.name.replace(":", ""))
        last = sign_all(ours, home, last, "on-top")
        n = 2 + len(there)
        for p in [ours] + there:
            verified(p, last, n, "%d signatures on each" % n)

        broken = changed(home, last)
        mine = ours.verify(broken)
        T.ok(any("fail" in v for v in mine.values()), "some were broken")
        for p in there:
            compare(p, mine, broken)
    return T.done()


def holds(words, readable):
    """Which hold. Some do not count a signature that cannot be read."""
    return [w == "pass" for w in words if not readable or w != "neutral"]


def behind_colon(f):
    """Was it the blank there that is another, or gone? Simple fields keep it (RFC 6376 section 3.4.1), OpenDKIM
    never sees it."""
    with open(f, "rb") as after, open(f.replace("/changed/", "/on-top/"), "rb") as before:
        a, b = before.read(), after.read()
    at = next((i for i, (x, y) in enumerate(zip(a, b)) if x != y), 0)
    return a[at - 1:at + 1] == b": "


def compare(p, mine, files):
    """Which signature holds: the same for both, one by one."""
    files = list(p.takes(files))
    found = p.verify(files, one_by_one=True) if p.name == "OpenDKIM" else p.verify(files)
    differ = []
    for f in files:
        if found.get(f) == ["unread"] or (p.name == "OpenDKIM" and behind_colon(f)):
            continue
        if "pass" not in mine[f] + found.get(f, []):
            continue			# a message that is refused as a whole has one result
        fewer = len(found.get(f, [])) < len(mine[f])
        if holds(mine[f], fewer) != holds(found.get(f, []), fewer):
            differ.append("%s: ours %s, %s %s" % (f, mine[f], p.name, found.get(f)))
    T.none(differ, "after a change on the way %s says what we say, of %d" % (p.name, len(files)))


if __name__ == "__main__":
    raise SystemExit(main())
