#!/usr/bin/env python3
"""
sekisho mail key: keys made, published, seen, used, retired and withdrawn, against name servers on
loopback and a clock that is an option; role seal uses them meanwhile, and what it signs verifies.
"""
import base64
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import dns_world as w  # noqa: E402
import house  # noqa: E402
import role_kit  # noqa: E402
from house import Tap  # noqa: E402

t = Tap()
T0 = 1800000000		# 2027-01-15
DAY = 86400
SOA = "@ 3600 IN SOA p1.example.jp. admin.example.jp. 1 3600 900 604800 900\n"


def stamp(at):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))


class Keys:
    """The command, at a time, with two servers of example.jp."""

    def __init__(self, state):
        self.state, self.now = state, T0
        self.world = w.World()
        self.zones = [w.Zone("example.jp.", SOA), w.Zone("example.jp.", SOA)]
        self.servers = [self.world.add(w.Server("", [z])) for z in self.zones]

    def run(self, *args, servers=True):
        more = [x for s in self.servers for x in ("--server", "127.0.0.1:%d" % s.port)] if servers else []
        return house.run("mail", "key", *args, "--state", self.state, "--at", stamp(self.now), *more)

    def json(self, *args):
        code, out, err = self.run(*args, "--json")
        assert out, err
        return code, json.loads(out)

    def states(self):
        return {k["selector"]: k["state"] for k in self.json("show")[1]}

    def publish(self, key, servers=(0, 1), ttl=300):
        for i in servers:
            data = b"".join(bytes([len(p)]) + p for p in
                            (key["record"][n:n + 255].encode() for n in range(0, len(key["record"]), 255)))
            self.zones[i].put(w.name(key["name"]), 16, ttl, data)

    def withdraw(self, key):
        for z in self.zones:
            z.rrs.pop((w.name(key["name"]), 16), None)


def test_life(d):
    k = Keys(d + "/life")
    os.mkdir(k.state, 0o700)
    code, a = k.json("new", "example.jp")
    t.equal((code, a["state"], a["selector"]), (0, "made", "s20270115"), "a key is made")
    path = k.state + "/mail-keys/example.jp/s20270115.pem"
    t.equal(os.stat(path).st_mode & 0o777, 0o600, "… that nobody else reads")
    bits = subprocess.run(["openssl", "pkey", "-in", path, "-text", "-noout"], capture_output=True, text=True).stdout
    t.ok("2048 bit" in bits, "… RSA of 2048 bits")
    code, got = k.json("check")
    t.equal((code, got[0]["state"], [s["key"] for s in got[0]["servers"]]), (0, "made", ["other"] * 2), "no server has it")
    k.publish(a, [0])
    k.now += 60
    code, got = k.json("check")
    t.equal((code, got[0]["state"], [s["key"] for s in got[0]["servers"]]), (0, "published", ["has", "other"]), "one has it")
    k.publish(a, [1])
    k.now += 60
    code, got = k.json("check", "example.jp")
    t.equal((code, got[0]["state"], got[0]["until"]), (0, "seen", stamp(k.now + 900 + 2)), "both: seen; used when nobody can remember")
    t.ok(stamp(k.now + 902) in k.run("next")[1], "… and next says when")
    k.now += 902
    t.equal(k.states(), {"s20270115": "in use"}, "time alone puts it to use")

    k.now += 100 * DAY
    b = k.json("new", "example.jp")[1]
    k.publish(b)
    t.equal(k.json("check")[0], 0, "the next one")
    t.equal(sorted(k.states().values()), ["in use", "seen"], "… is seen, while the old one signs")
    k.now += 902
    t.equal(k.states(), {a["selector"]: "retired", b["selector"]: "in use"}, "… and takes over")
    t.ok("leave its record" in k.run("next")[1], "what to do: nothing yet")
    t.ok(os.path.exists(path), "the old private key is there, should the new record go")
    k.zones[1].rrs.pop((w.name(b["name"]), 16))
    code, got = k.json("check")
    t.equal((code, k.states()), (1, {a["selector"]: "in use", b["selector"]: "published"}), "a record that is gone: the old key signs again")
    k.publish(b, [1])
    t.equal(k.json("check")[0], 0, "it is back")
    k.now += 902 + 7 * DAY
    t.equal(k.states()[a["selector"]], "withdrawn", "a week behind it the old one is withdrawn")
    k.json("check")
    t.ok(not os.path.exists(path), "… its private key is removed")
    t.equal(k.states()[a["selector"]], "withdrawn", "… it is in the list, as its record is in the DNS")
    k.withdraw(a)
    k.json("check")
    t.equal(list(k.states()), [b["selector"]], "… and gone with it")
    k.world.close()


def test_servers(d):
    """What is not the key, and who is silent."""
    k = Keys(d + "/servers")
    os.mkdir(k.state, 0o700)
    a = k.json("new", "example.jp", "--selector", "one")[1]
    b = k.json("new", "example.jp", "--selector", "two", "--algorithm", "ed25519")[1]
    t.equal((a["name"], b["record"][:26]), ("one._domainkey.example.jp", "v=DKIM1; k=ed25519; p=" + b["record"][22:26]), "names and records")
    k.publish({"name": a["name"], "record": b["record"]})
    got = k.json("check", "--selector", "one")[1]
    t.equal((got[0]["state"], got[0]["servers"][0]["why"]), ("made", "another record"), "the key of another")
    k.publish(a)
    got = k.json("check", "--selector", "one")[1]
    t.equal(got[0]["servers"][0]["why"], "several records; there may be one", "two records")
    k.withdraw(a)
    k.publish({"name": a["name"], "record": a["record"].replace("v=DKIM1; ", "").replace("k=rsa;", "t=s; n=a note;")})
    got = k.json("check", "--selector", "one")[1]
    t.equal(got[0]["state"], "seen", "tags beside the key are the operator's")
    k.servers[1].mangle = lambda s, tcp, q, r: "close"
    k.publish(b)
    code, got = k.json("check", "--selector", "two")
    t.equal((code, got[0]["state"], got[0]["servers"][1]["key"]), (0, "published", "silent"), "a silent server may have the old answer")
    k.servers[0].mangle = lambda s, tcp, q, r: w.flags_set(r, off=w.AA)
    t.equal(k.json("check", "--selector", "two")[0], 3, "no server answers for its zone")
    t.equal(k.states()["two"], "published", "… nothing is noted")
    k.world.close()


def test_usage(d):
    k = Keys(d + "/usage")
    os.mkdir(k.state, 0o700)
    for args in (["new"], ["new", "jp"], ["new", "example..jp"], ["roll"], [], ["new", "a.jp", "--algorithm", "rsa-sha1"],
                 ["new", "a.jp", "--selector", "a.b"], ["new", "a.jp", "--selector", "../x"], ["show", "a.jp", "b.jp"]):
        t.equal(k.run(*args)[0], 2, "usage: " + " ".join(args))
    t.equal(os.listdir(k.state), [], "nothing was written")
    t.equal(k.run("new", "例え.jp", "--selector", "Tokyo")[0], 0, "a U-label")
    t.ok(os.path.exists(k.state + "/mail-keys/xn--r8jz45g.jp/tokyo.pem"), "… is an A-label here")
    t.equal(k.run("new", "例え.jp", "--selector", "tokyo")[0], 1, "no selector twice")
    for verb in ("show", "check", "next"):
        t.ok("There is no key here" in k.run(verb, "other.jp")[1], verb + ": of a domain without a key")
    for i in range(3):
        k.run("new", "example.jp", "--algorithm", "ed25519")
    t.equal(sorted(k.states()), ["e20270115", "e20270115b", "e20270115c", "tokyo"], "three of a day")
    t.ok("add an RSA key" in k.run("next")[1], "Ed25519 alone is not enough")
    out = k.run("show", "example.jp", "--lang", "ja")[1]
    t.ok("作成済み" in out, "in Japanese")
    with open(k.state + "/mail-keys/table", "w") as f:
        f.write("broken\n")
    t.equal(k.run("show")[0], 3, "a broken table")
    t.equal(k.run("new", "example.jp")[0], 3, "… is not overwritten")
    k.world.close()


# --- what seal signs with such a key ---

class Seal(role_kit.Role):
    def __init__(self, state):
        super().__init__("seal", {"folder": state + "/mail-keys", "rows": ""})
        assert self.ready(), self.log

    def table(self):
        n = len(self.seen)
        self.send("seal_keys_ask", "milter")
        m = self.until(lambda: [v for name, _, v in self.seen[n:] if name == "seal_keys"])[0]
        with os.fdopen(m["table"], "rb") as f:
            return [line.split("\t") for line in os.pread(f.fileno(), 1 << 20, 0).decode().splitlines()]

    def sign(self, number, digest):
        self.send("seal_ask", "milter", id=1, key=int(number), digest=digest)
        return self.until(lambda: [v for name, _, v in self.seen if name == "seal_answer"])[0]["b"]


def message(seal, row):
    """RFC 6376 by hand, simple/simple, with the octets of the role."""
    body = b"Hello.\r\n"
    head = b"From: taro@example.jp\r\n"
    field = "DKIM-Signature: v=1; a=%s; c=simple/simple; d=%s; s=%s; h=from; bh=%s; b=" % (
        row[1], row[2], row[3], base64.b64encode(hashlib.sha256(body).digest()).decode())
    b = seal.sign(row[0], hashlib.sha256(head + field.encode()).digest())
    return field.encode() + base64.b64encode(b) + b"\r\n" + head + b"\r\n" + body


PEERS = os.path.join(house.SRC, "tests", "peer")
PYTHON = "/usr/bin/python3"		# Debian's own, which has Debian's dkimpy


def peers(alg):
    """(name, how it is asked, or None where it is not there)."""
    there = subprocess.run([PYTHON, "-c", "import dkim"], capture_output=True).returncode == 0
    yield "dkimpy", [PYTHON, "-B", PEERS + "/dkim_peer.py"] if there else None
    if alg == "rsa":		# Mail::DKIM of Debian 12 knows no Ed25519
        there = subprocess.run(["perl", "-MMail::DKIM", "-MNet::DNS", "-e", "1"], capture_output=True).returncode == 0
        yield "Mail::DKIM", ["perl", PEERS + "/dkim_peer.pl"] if there else None


def opendkim(d):
    """It reads public keys from a file, and prints what it found."""
    program = shutil.which("opendkim") or shutil.which("opendkim", path="/usr/sbin")
    if program is None:
        return None
    with open(d + "/opendkim.conf", "w") as f:
        f.write("UserID root\nAuthservID here\nMode v\nTestPublicKeys %s/m.keys\n" % d)
    p = subprocess.run([program, "-f", "-x", d + "/opendkim.conf", "-t", d + "/m.eml", "-v", "-v"],
                       capture_output=True, text=True)
    return p.stdout + p.stderr


def test_signs(d):
    state = d + "/signs"
    os.mkdir(state, 0o700)
    for alg in ("rsa", "ed25519"):
        k = Keys(state)
        key = k.json("new", "example.jp", "--algorithm", alg)[1]
        k.now = int(time.time()) - 2000
        k.publish(key)
        t.equal(k.json("check", "--selector", key["selector"])[0], 0, alg + ": seen, some time ago")
        k.world.close()
        seal = Seal(state)
        row = [r for r in seal.table() if r[3] == key["selector"]][0]
        text = message(seal, row)
        seal.close()
        with open(d + "/m.eml", "wb") as f:
            f.write(text)
        with open(d + "/m.zone", "w") as f:
            f.write("$ORIGIN example.jp.\n@ 3600 IN SOA p1 admin 1 3600 900 604800 900\n")
            f.write(re.search(r"^\S+ IN TXT.*?[\")]$(?!\n\t)", house.run("mail", "key", "show", "--selector", key["selector"],
                                                            "--state", state)[1], re.M | re.S)[0] + "\n")
        code, out, err = house.run("mail", "verify", d + "/m.eml", "--dns", d + "/m.zone", "--json")
        t.ok(re.search(r'"dkim".{0,200}"result": ?"pass"', out, re.S), alg + ": verifies with ours, by the record as it is shown", out + err)
        with open(d + "/m.keys", "w") as f:
            f.write("%s %s\n" % (key["name"], key["record"]))
        for name, argv in peers(alg):
            if argv is None:
                t.skip("%s: verifies with %s" % (alg, name), "not there")
                continue
            got = subprocess.run([*argv, "verify", d + "/m.keys", d + "/m.eml"], capture_output=True, text=True)
            t.ok(re.search(r" pass\S*$", got.stdout.strip()), "%s: verifies with %s" % (alg, name), got)
        got = opendkim(d)
        if got is None:
            t.skip(alg + ": verifies with OpenDKIM", "not there")
        else:
            t.ok("dkim=pass" in got, alg + ": verifies with OpenDKIM", got)


# --- the service ---

def keygen(path):
    subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", path], check=True, capture_output=True)
    os.chmod(path, 0o600)


def test_serve(d):
    folder = d + "/serve"
    os.mkdir(folder, 0o755)
    house.lab(folder)
    keygen(folder + "/a.pem")
    conf = "mail:\n  sign:\n    - {domain: example.jp, selector: a, key: a.pem}\n" \
           "    - {domain: .example.jp, selector: b, key: b.pem}\n"
    h = house.House(folder, conf=conf)
    code, out, err = house.run("conf", "check", "-c", h.conf, "--lang", "en")
    t.ok(code == 0 and "mail.sign[].key" in err and "b.pem: No such file" in err and "a.pem" not in err,
         "conf check says it beforehand", out + err)
    h.start()
    ready = lambda: [r for r in h.status()["house"]["roles"] if r["name"] == "seal" and r["ready"]]  # noqa: E731

    def waited(what):
        def look():
            try:
                return what()
            except (AssertionError, ValueError, IndexError, KeyError):
                return None
        return house.wait_for(look, 30)
    t.ok(waited(ready), "serve has a seal")
    log = waited(lambda: re.search(r".*mail.sign in line \d+.*", h.log()))
    t.ok(log and "b.pem: No such file" in log[0] and "(.example.jp)" in log[0], "a file that is not there: told, with its line", h.log())
    pid = h.role("seal")["pid"]
    t.ok(h.kill_role("seal"), "kill -9")
    t.ok(waited(lambda: ready() and h.role("seal")["pid"] != pid), "another seal is there")
    pid = h.role("seal")["pid"]
    keygen(folder + "/b.pem")
    t.equal(house.run("reload", "-c", h.conf)[0], 0, "the file is there now; reload")
    n = h.log().count("b.pem: No such file")
    t.ok(waited(lambda: ready() and h.role("seal")["pid"] != pid), "seal reads it, though the configuration is the same")
    time.sleep(0.2)
    t.equal(h.log().count("b.pem: No such file"), n, "… and has nothing to tell")
    code, err = h.stop()
    t.equal(code, 0, "ends in peace", err)


with tempfile.TemporaryDirectory(prefix="sekisho-mailkey-") as d:
    os.chmod(d, 0o755)
    for test in (test_life, test_servers, test_usage, test_signs, test_serve):
        t.case(test, d)
house.stop_all()
sys.exit(t.done())
