#!/usr/bin/env python3
"""
Role seal, its parent and role milter played by role_kit: which keys it tells of, what it signs
(verified by openssl), what it refuses to use and what it says then, and how it lives and dies.
"""
import hashlib
import os
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import role_kit  # noqa: E402
from house import Tap  # noqa: E402

t = Tap()
DIGEST = hashlib.sha256(b"a message").digest()
ENOENT, EBADMSG = -2, -74


def openssl(*args):
    return subprocess.run(["openssl", *args], check=True, capture_output=True).stdout


def keygen(path, *args):
    openssl("genpkey", "-out", path, *args)
    os.chmod(path, 0o600)


def keys_make(d):
    """Keys as operators have them, good and bad."""
    keygen(d + "/rsa.pem", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048")
    keygen(d + "/ed.pem", "-algorithm", "ed25519")
    keygen(d + "/short.pem", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024")
    keygen(d + "/ec.pem", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256")
    with open(d + "/rsa1.pem", "wb") as f:
        f.write(openssl("rsa", "-in", d + "/rsa.pem", "-traditional"))
    with open(d + "/locked.pem", "wb") as f:
        f.write(openssl("pkcs8", "-topk8", "-in", d + "/rsa.pem", "-passout", "pass:x"))
    with open(d + "/open.pem", "wb") as f, open(d + "/rsa.pem", "rb") as g:
        f.write(g.read())
    with open(d + "/public.pem", "wb") as f:
        f.write(openssl("pkey", "-in", d + "/rsa.pem", "-pubout"))
    for name in ("rsa1", "locked", "public"):
        os.chmod(d + "/%s.pem" % name, 0o600)
    os.chmod(d + "/open.pem", 0o640)


def verifies(d, key, b):
    """With openssl, and with nothing of ours."""
    for name, octets in (("digest", DIGEST), ("sig", b)):
        with open(d + "/" + name, "wb") as f:
            f.write(octets)
    args = ["pkeyutl", "-verify", "-inkey", d + "/" + key, "-in", d + "/digest", "-sigfile", d + "/sig"]
    args += ["-rawin"] if key == "ed.pem" else ["-pkeyopt", "digest:sha256"]
    return subprocess.run(["openssl", *args], capture_output=True).returncode == 0


class Seal(role_kit.Role):
    def __init__(self, d, rows, **kw):
        text = "".join("%d\t%s\t%s\t%s/%s\n" % (10 + i, *row[:2], d, row[2]) for i, row in enumerate(rows))
        super().__init__("seal", {"folder": d + "/mail-keys", "rows": text}, **kw)
        self.n = 0
        assert self.ready(), self.log

    def table(self):
        """[(number, algorithm, domain, selector)], as it was told last."""
        n = len(self.seen)
        self.send("seal_keys_ask", "milter")
        m = self.until(lambda: [v for name, _, v in self.seen[n:] if name == "seal_keys"])[0]
        with os.fdopen(m["table"], "rb") as f:
            text = os.pread(f.fileno(), 1 << 20, 0).decode()
        return [(int(w[0]), *w[1:]) for w in (line.split("\t") for line in text.splitlines())]

    def ask(self, key, digest=DIGEST):
        self.n += 1
        self.send("seal_ask", "milter", id=self.n, key=key, digest=digest)
        return self.n

    def answer(self, n):
        m = self.until(lambda: [v for name, _, v in self.seen if name == "seal_answer" and v["id"] == n])[0]
        return m["code"], m["b"]

    def sign(self, key, digest=DIGEST):
        return self.answer(self.ask(key, digest))


def test_signs(d):
    rows = [("example.jp", "r", "rsa.pem"), ("example.jp", "e", "ed.pem"), (".example.jp", "r", "rsa1.pem")]
    s = Seal(d, rows)
    table = s.table()
    t.equal([k[1:] for k in table], [("rsa-sha256", "example.jp", "r"), ("ed25519-sha256", "example.jp", "e"),
                                     ("rsa-sha256", ".example.jp", "r")], "three keys, PKCS#8 and PKCS#1")
    for k, name in zip(table, ("rsa.pem", "ed.pem", "rsa.pem")):
        code, b = s.sign(k[0])
        t.equal((code, len(b)), (0, 64 if "ed" in k[1] else 256), k[1] + " signs")
        t.ok(verifies(d, name, b), "… and openssl verifies it")
    asked = [s.ask(k[0]) for k in table * 10]
    t.ok(all(s.answer(n)[0] == 0 for n in asked), "many that wait are all signed")
    t.equal(s.sign(table[0][0] + 3)[0], ENOENT, "no such key")
    t.equal(s.sign(table[0][0] ^ 0x40000000)[0], ENOENT, "a number of another life")
    t.equal(s.sign(table[0][0], b"short")[0], EBADMSG, "a digest of another length")
    with open("/proc/%d/status" % s.p.pid) as f:
        state = dict(line.split(":", 1) for line in f)
    t.equal((state["NoNewPrivs"].strip(), state["Seccomp"].strip()), ("1", "2"), "it is in its sandbox")
    st = s.status()
    t.equal((st["keys"], st["unusable"], st["signatures"], st["refused"]), (3, 0, 33, 3), "its status")
    first = table[0][0]
    t.equal(s.close(), 0, "ends in peace")
    s = Seal(d, rows)
    t.ok(s.table()[0][0] != first, "another life has other numbers")
    s.close()


WRONG = [
    ("short.pem", "less than 2048 bits"),
    ("open.pem", "others may read this key"),
    ("locked.pem", "without a pass phrase"),
    ("public.pem", "the public key"),
    ("ec.pem", "no private key of RSA or Ed25519"),
    ("gone.pem", "No such file"),
]


def test_wrong(d):
    for name, text in WRONG:
        s = Seal(d, [("example.jp", "bad", name), ("example.com", "good", "ed.pem")])
        told = [line for line in s.log if text in line and name in line and "line 10" in line]
        t.ok(len(told) == 1, "%s: told once, with its line, and what to do: %s" % (name, s.log))
        t.equal([k[2] for k in s.table()], ["example.com"], "… and the other one signs")
        s.close()


def test_house(d):
    """Keys of the house: in use when time says so, without a restart."""
    folder = d + "/mail-keys"
    os.makedirs(folder + "/example.org", exist_ok=True)
    s = Seal(d, [("example.jp", "r", "rsa.pem")])
    t.equal(len(s.table()), 1, "none of the house's yet")
    keygen(folder + "/example.org/s1.pem", "-algorithm", "ed25519")
    now = int(time.time())
    with open(folder + "/table.new", "w") as f:
        f.write("sekisho mail keys 1\nexample.org\ts1\ted25519-sha256\t%d\t%d\t%d\t%d\t3\n"
                % (now - 100, now - 50, now, now))
    os.rename(folder + "/table.new", folder + "/table")
    began = time.time()
    got = s.until(lambda: len(s.table()) == 2, 30)
    t.ok(got, "it is in use, without a restart")
    t.ok(time.time() - began >= 2, "… not before the TTL has run out")
    t.equal(s.sign(s.table()[1][0])[0], 0, "… and signs")
    of_before = s.table()
    keygen(folder + "/example.org/s2.pem", "-algorithm", "ed25519")
    with open(folder + "/table.new", "w") as f:
        f.write("sekisho mail keys 1\nexample.org\ts1\ted25519-sha256\t1\t1\t1\t1\t3\n"
                "example.org\ts2\ted25519-sha256\t2\t2\t%d\t2\t3\n" % (now - 100))
    os.rename(folder + "/table.new", folder + "/table")
    t.ok(s.until(lambda: s.table()[-1][3] == "s2", 20), "the next key is in use")
    t.equal(s.table()[0], of_before[0], "… that of the configuration has its number still")
    t.ok(s.table()[1][0] not in [k[0] for k in of_before], "… its own number was nobody's")
    t.equal([s.sign(k[0])[0] for k in of_before + s.table()], [0] * 4, "… and what the last table said is signed")
    with open(folder + "/table.new", "w") as f:
        f.write("no table\n")
    os.rename(folder + "/table.new", folder + "/table")
    t.ok(s.until(lambda: any("keys as they were" in x for x in s.log), 20), "a broken table is told")
    t.equal(len(s.table()), 2, "… and the keys stay")
    os.unlink(folder + "/table")
    t.ok(s.until(lambda: len(s.table()) == 1, 20), "no table any more: none of the house's")
    s.close()


def test_killed(d):
    s = Seal(d, [("example.jp", "r", "rsa.pem")])
    s.p.kill()
    s.p.wait()
    s = Seal(d, [("example.jp", "r", "rsa.pem")])
    t.equal(s.sign(s.table()[0][0])[0], 0, "after kill -9 the next life signs")
    s.close()


with tempfile.TemporaryDirectory(prefix="sekisho-seal-") as d:
    keys_make(d)
    for test in (test_signs, test_wrong, test_house, test_killed):
        t.case(test, d)
sys.exit(t.done())
