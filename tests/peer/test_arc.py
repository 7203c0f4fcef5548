#!/usr/bin/env python3
"""ARC with Mail::DKIM and dkimpy: chains of one to five hops, each sealed by one of us three.

Messages are made from a seed. Each hop takes the state of the chain as ours finds
it, writes it into an Authentication-Results, changes the message or does not (a
list's footer, a mark in the subject), and seals it. At the end all three have to
find the chain good; then each is damaged behind the last seal, and none may.
SEKISHO_ARC_COUNT says how many chains (100); SEKISHO_ARC_SEED is another seed.
"""
import os
import random
import subprocess
import tempfile
import time

import peers
from tap import Tap

COUNT = int(os.environ.get("SEKISHO_ARC_COUNT", "100"))
SEED = int(os.environ.get("SEKISHO_ARC_SEED", "7"))
TOOL = os.environ.get("SEKISHO_ARC_TOOL") or os.path.join(peers.BUILD, "tests", "mail", "arc_tool")
HERE = os.path.dirname(os.path.abspath(__file__))
NOW = str(int(time.time()))	# peers take it for t=, and refuse one from the future
LATER = "2000000000"
T = Tap()


def out(argv, **kw):
    return subprocess.run(argv, stdout=subprocess.PIPE, check=True, timeout=peers.patient(120), **kw).stdout


class Ours:
    name = "ours"

    def __init__(self, home):
        self.home = home
        self.records = os.path.join(home, "records")

    def argv(self, verb):
        return [TOOL, verb]

    def results(self, argv):
        """Path to result; what else stands in the line."""
        lines = [line.split(" ") for line in out(argv).decode().splitlines()]
        return {words[0]: words[1] for words in lines}

    def verify(self, files):
        return self.results(self.argv("verify") + [self.records, LATER, *files])

    def seal(self, hop, outdir, files):
        out(self.argv("seal") + [os.path.join(self.home, "key.pem"), "hop%d.example" % hop, "sel",
                                 "mx%d.example" % hop, NOW, outdir, *files])


class Peer(Ours):
    def verify(self, files):
        return self.results(self.argv("arc-verify") + [self.records, *files])

    def seal(self, hop, outdir, files):
        out(self.argv("arc-seal") + [os.path.join(self.home, "key.pem"), "hop%d.example" % hop, "sel",
                                     "mx%d.example" % hop, outdir, *files])


class MailDkim(Peer):
    name = "Mail::DKIM"

    @staticmethod
    def missing():
        return subprocess.run(["perl", "-MMail::DKIM::ARC::Signer", "-MNet::DNS", "-e", "1"],
                              stderr=subprocess.DEVNULL).returncode != 0

    def argv(self, verb):
        return ["perl", os.path.join(HERE, "dkim_peer.pl"), verb]


class Dkimpy(Peer):
    name, python = "dkimpy", "/usr/bin/python3"

    @classmethod
    def missing(cls):
        return subprocess.run([cls.python, "-c", "import dkim, authres"], stderr=subprocess.DEVNULL).returncode != 0

    def argv(self, verb):
        return [self.python, "-B", os.path.join(HERE, "dkim_peer.py"), verb]


# --- messages, and what happens to them ---

WORDS = "shipment of 見積 invoice é — a b the  report next, -- .. 関所 week: =3D From ok".split(" ")


def message(r):
    text = "\r\n".join(" ".join(r.choice(WORDS) for _ in range(r.randint(0, 15))) for _ in range(r.randint(1, 20)))
    return ("From: T <t@example.jp>\r\nTo: list@example.org,\r\n\tx@example.com\r\nSubject: %s\r\n"
            "Date: Mon, 23 Nov 2026 04:00:00 +0000\r\nMessage-ID: <%d@example.jp>\r\n\r\n%s\r\n"
            % (" ".join(r.choice(WORDS) or "x" for _ in range(5)).strip() or "x", r.randrange(10 ** 9), text)).encode()


def list_does(r, text):
    """A list on the way: before it seals, it may change what was sealed before."""
    if r.random() < 0.3:
        text = text.replace(b"\r\nSubject: ", b"\r\nSubject: [list] ", 1)
    if r.random() < 0.3:
        text += b"-- \r\nlist@example.org\r\n"
    return text


def damage(r, text):
    """Behind the last seal: a way that breaks the chain."""
    way = r.randrange(5)
    head, _, body = text.partition(b"\r\n\r\n")
    if way == 0:
        return head + b"\r\n\r\n" + body + b"more\r\n"
    if way == 1:
        return text.replace(b"\r\nSubject: ", b"\r\nSubject: x", 1)
    if way == 2:			# results of the oldest set
        at = text.index(b"spf=pass", text.lower().rindex(b"arc-authentication-results:"))
        return text[:at] + b"spf=fail" + text[at + 8:]
    if way == 3:			# a set's field is lost
        at = text.lower().index(b"arc-message-signature:")
        return text[:at] + b"X-" + text[at:]
    return text.replace(b"cv=none", b"cv=pass", 1)


def rewrite(files, change):
    for f in files:
        with open(f, "rb") as fh:
            text = fh.read()
        with open(f, "wb") as fh:
            fh.write(change(f, text))


def world_make(home):
    pem = os.path.join(home, "key.pem")
    out(["openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", pem], stderr=subprocess.DEVNULL)
    der = out(["openssl", "pkey", "-in", pem, "-pubout", "-outform", "DER"])
    text = subprocess.run(["base64", "-w0"], input=der, stdout=subprocess.PIPE).stdout.decode()
    with open(os.path.join(home, "records"), "w") as f:
        for hop in range(1, 6):
            f.write("sel._domainkey.hop%d.example v=DKIM1; k=rsa; p=%s\n" % (hop, text))


def hop_make(r, home, parties, hop, files):
    """One hop more for each of the files; who sealed it: {file: name}."""
    found = parties[0].verify(files)
    where = os.path.join(home, "hop%d" % hop)
    os.mkdir(where)

    def arrive(f, text):
        text = list_does(r, text) if hop > 1 else text
        return (b"Authentication-Results: mx%d.example; arc=%s;\r\n\tspf=pass smtp.mailfrom=t@example.jp\r\n"
                % (hop, found[f].encode())) + text

    rewrite(files, arrive)
    by = {f: r.choice(parties) for f in files}
    for p in parties:
        some = [f for f in files if by[f] is p]
        if some:
            p.seal(hop, where, some)
    return [os.path.join(where, os.path.basename(f)) for f in files]


def chains_make(home, parties):
    r = random.Random(SEED)
    files, done = [], []
    where = os.path.join(home, "plain")
    os.mkdir(where)
    for i in range(COUNT):
        files.append(os.path.join(where, "m%04d" % i))
        with open(files[-1], "wb") as f:
            f.write(message(r))
    for hop in range(1, 6):
        files = hop_make(r, home, parties, hop, files)
        done += files[:COUNT // 5]
        files = files[COUNT // 5:]
    return done


def say(parties, files, want, what):
    for p in parties:
        found = p.verify(files)
        T.none(["%s: %s" % (f, found.get(f)) for f in files if found.get(f) != want],
               "%s says %s to all %d %s" % (p.name, want, len(files), what))


def main():
    with tempfile.TemporaryDirectory() as home:
        world_make(home)
        parties = [Ours(home)]
        for c in (MailDkim, Dkimpy):
            if c.missing():
                T.skip(c.name, "not installed")
            else:
                parties.append(c(home))
        files = chains_make(home, parties)
        say(parties, files, "pass", "chains")
        r = random.Random(SEED + 1)
        rewrite(files, lambda f, text: damage(r, text))
        say(parties, files, "fail", "chains that were damaged")
    return T.done()


if __name__ == "__main__":
    raise SystemExit(main())
