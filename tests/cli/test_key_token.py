#!/usr/bin/env python3
"""Zones that are signed by the service with keys in a token: lost, hung, exchanged, and back."""
import json
import mmap
import os
import re
import shutil
import socket
import struct
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import house  # noqa: E402

MODULES = ["/usr/lib/softhsm/libsofthsm2.so", "/usr/lib64/pkcs11/libsofthsm2.so"]
FAULTY = os.path.join(os.path.abspath(house.BUILD), "tests", "unit", "hsm", "hsm_faulty.so")
PIN = "sekisho-1234"
ZONE = """$TTL 3600
@ IN SOA ns1 hostmaster 1 3600 900 604800 300
@ NS ns1
ns1 A 192.0.2.1
www A 192.0.2.3
"""
CONF = """dns:
  look-interval: 0
  pkcs11:
    module: %(module)s
    token: pkcs11:token=zones
    pin-file: pin
    sessions: 2
    timeout: %(timeout)ds
    read-paths: softhsm2.conf
    write-paths: tokens
    environment: [SOFTHSM2_CONF=%(d)s/softhsm2.conf, FAULTY_MODULE=%(softhsm)s, FAULTY_FILE=%(d)s/faulty]
  zones:
    - {name: token.example, file: in/token.example, output: out/token.example, policy: token}
    - {name: file.example, file: in/file.example, output: out/file.example, policy: file}
  policies:
    - {name: token, keys: split, backup-required: no, key-store: token}
    - {name: file, keys: csk, backup-required: no%(more)s}
"""


class Faulty:
    """tests/unit/hsm/faulty.h: struct faulty in a file that the module maps."""

    CALLS = ["INITIALIZE", "SLOTS", "OPEN", "LOGIN", "FIND", "ATTRIBUTE", "SIGN_INIT", "SIGN", "GENERATE", "DESTROY"]
    AT = {"gone": 80, "call": 84, "n_fail": 88, "rv": 96, "every": 104, "wrong": 108, "hang_msec": 112,
          "hang_in": 116, "lie": 120, "crash_in": 124, "crash_n": 128, "crash_late": 132}

    def __init__(self, path):
        with open(path, "w+b") as f:
            f.truncate(4096)
            self.map = mmap.mmap(f.fileno(), 4096)

    def set(self, name, value):
        struct.pack_into("<Q" if name == "rv" else "<i", self.map, self.AT[name], value)

    def fail(self, call, rv, n):
        self.set("call", self.CALLS.index(call))
        self.set("rv", rv)
        self.set("n_fail", n)

    def crash(self, call, n, late=0):
        self.set("crash_late", late)
        self.set("crash_n", n)
        self.set("crash_in", 1 + self.CALLS.index(call))

    def n(self, call):
        return struct.unpack_from("<Q", self.map, 8 * self.CALLS.index(call))[0]


class Place:
    """A house with a zone whose keys are in a token, and one whose key is a file."""

    def __init__(self, d, softhsm, module=None, timeout=5, pin=PIN):
        self.d, self.softhsm, self.module, self.timeout = d, softhsm, module or softhsm, timeout
        for name in ("in", "out", "tree", "tokens"):
            os.mkdir(self.path(name))
        self.write("softhsm2.conf", "directories.tokendir = %s\nobjectstore.backend = file\nlog.level = ERROR\n"
                   % self.path("tokens"))
        self.write("pin", pin + "\n", 0o600)
        self.faulty = Faulty(self.path("faulty"))
        subprocess.run(["softhsm2-util", "--init-token", "--free", "--label", "zones", "--pin", PIN, "--so-pin", PIN],
                       env={"PATH": os.environ["PATH"], "SOFTHSM2_CONF": self.path("softhsm2.conf")}, check=True,
                       stdout=subprocess.DEVNULL, timeout=house.patient(60))
        for zone in ("token.example", "file.example"):
            self.write("in/" + zone, ZONE)
        self.h = house.House(d, self.conf())

    def conf(self, more=""):
        return CONF % {"module": self.module, "d": self.d, "softhsm": self.softhsm, "timeout": self.timeout,
                       "more": more}

    def path(self, name):
        return os.path.join(self.d, name)

    def write(self, name, text, mode=0o644):
        with open(self.path(name) + ".new", "w") as f:
            f.write(text)
        os.chmod(self.path(name) + ".new", mode)
        os.replace(self.path(name) + ".new", self.path(name))

    def read(self, name):
        try:
            with open(self.path(name)) as f:
                return f.read()
        except OSError:
            return ""

    def out(self, zone="token.example"):
        return self.read("out/" + zone)

    def keys(self, zone="token.example"):
        return self.path("state/keys/%s." % zone)

    def files(self, end, zone="token.example"):
        return sorted(f for f in os.listdir(self.keys(zone)) if f.endswith(end))

    def start(self, *zones):
        self.h.start()
        return all(house.wait_for(lambda: "SOA" in self.out(z), 60) for z in zones)

    def add(self, zone, name):
        self.write("in/" + zone, self.read("in/" + zone) + name + " A 192.0.2.9\n")

    def added(self, zone, name):
        return house.wait_for(lambda: name + "." + zone in self.out(zone), 60)

    def change(self, zone, name):
        self.add(zone, name)
        return self.added(zone, name)

    def status(self, zone="token.example"):
        s = self.h.status()["details"]["zone"]["status"]
        return next((z for z in (s or {}).get("list", []) if z["zone"] == zone + "."), {})

    def token(self):
        return (self.h.status()["details"]["key"]["status"] or {}).get("token", {})

    def says(self, word):
        """sekisho status, which an operator reads."""
        return house.wait_for(lambda: word in house.run("status", "-c", self.h.conf)[1], 60)

    def why(self, word):
        return house.wait_for(lambda: word in self.status().get("why", ""), 60)

    def good(self, zone="token.example"):
        return house.wait_for(lambda: self.status(zone).get("good"), 60)

    def verify(self, zone="token.example"):
        code, out, err = house.run("zone", "verify", self.path("out/" + zone))
        return code == 0, out + err


SOFTHSM = next((m for m in MODULES if os.path.exists(m)), None)


def verified(t, p, what, zone="token.example"):
    ok, said = p.verify(zone)
    t.ok(ok, what + ": sekisho zone verify", said)
    for argv in (["dnssec-verify", "-q", "-z", "-o", zone], ["ldns-verify-zone", "-V", "1"]):
        if shutil.which(argv[0]) is None:
            t.skip(what + ": " + argv[0], "it is not installed")
            continue
        r = subprocess.run(argv + [p.path("out/" + zone)], capture_output=True, text=True, timeout=house.patient(60))
        t.equal(r.returncode, 0, what + ": " + argv[0], r.stdout + r.stderr)


def below(pid):
    """The processes below this one: {name: pid}."""
    found = {}
    for task in os.listdir("/proc/%d/task" % pid):
        with open("/proc/%d/task/%s/children" % (pid, task)) as f:
            for child in map(int, f.read().split()):
                with open("/proc/%d/comm" % child) as f2:
                    found[f2.read().strip()] = child
                found.update(below(child))
    return found


def proc_file(pid, name):
    with open("/proc/%d/%s" % (pid, name), "rb") as f:
        return f.read()


def processes(t, p):
    """The module is in a process of its own; what can be seen of that has no PIN, and it is closed in."""
    key = p.h.role("key")["pid"]
    found = below(key)
    t.equal(sorted(found), ["hsm-keeper", "hsm-module"], "the module has a process of its own")
    pids = [key, *found.values()]
    t.ok(not any(PIN.encode() in proc_file(pid, f) for pid in pids for f in ("cmdline", "environ")),
         "no command line or environment has the PIN")
    t.ok(b"libsofthsm" not in proc_file(key, "maps") and b"libsofthsm" in proc_file(found["hsm-module"], "maps"),
         "the key role itself has no module")
    t.ok(b"Seccomp:\t2" in proc_file(found["hsm-module"], "status"), "it is in a sandbox")


def test_life(t, d):
    p = Place(d, SOFTHSM)
    t.ok(p.start("token.example", "file.example"), "zones are published", p.h.log())
    t.ok(p.good(), "one with keys in a token", str(p.status()) + p.h.log())
    verified(t, p, "token")
    t.equal((len(p.files(".uri")), len(p.files(".pem"))), (2, 0), "no private key is on the disk")
    t.equal((len(p.files(".uri", "file.example")), len(p.files(".pem", "file.example"))), (0, 1), "the other's is")
    t.equal(p.token(), {"answers": True, "keys": 2, "good": 2, "bad": 0, "crashed": 0, "hung": 0, "orphans": 0},
            "the status says so")
    t.ok(not any(PIN in f for f in (p.h.log(), p.read("state/audit.jsonl"))), "no log has the PIN")
    processes(t, p)

    keys = p.files(".key")
    for n in range(2):
        t.ok(p.h.kill_role("key"), "kill -9 key")
        t.ok(p.change("token.example", "k%d" % n) and p.good(), "it goes on", p.h.log())
    verified(t, p, "after two deaths")
    t.equal(p.files(".key"), keys, "with the same keys")

    # The token goes away and comes back.
    now = p.out()
    os.rename(p.path("tokens"), p.path("away"))
    p.add("token.example", "later")
    t.ok(p.why("token"), "the token is lost: told", p.h.log() + str(p.status()))
    t.ok(house.wait_for(lambda: p.token().get("answers") is False, 30), "in the status, too", str(p.token()))
    t.ok(house.wait_for(lambda: "HSM_" in house.run("status", "-c", p.h.conf)[1], 30), "and in what people read",
         house.run("status", "-c", p.h.conf)[1])
    t.ok(p.change("file.example", "meanwhile"), "the other zone goes on", p.h.log())
    t.equal(p.out(), now, "what was published stays")
    os.rename(p.path("away"), p.path("tokens"))
    t.ok(p.added("token.example", "later") and p.good(), "the token is back: it goes on by itself", p.h.log())
    verified(t, p, "after the loss")
    t.ok("the token answers again" in p.h.log(), "told", p.h.log())

    # The other zone gets a key in the token beside its file.
    p.h.stop()
    p.h.more = p.conf(", standby-ksk: 0, key-store: token, algorithm: 15")
    p.h.write_conf()
    p.h.start()
    t.ok(house.wait_for(lambda: len(p.files(".uri", "file.example")) == 1, 60), "a key in a token beside a file",
         p.h.log())
    t.ok(p.change("file.example", "mixed") and p.good("file.example"), "both work", p.h.log())
    verified(t, p, "mixed", "file.example")


def private_objects(p, uris):
    """Files of the token with private keys: SoftHSM encrypts these, so the ids are not to be seen in them."""
    ids = [bytes.fromhex(re.search("id=((?:%[0-9A-Fa-f]{2})+)", u).group(1).replace("%", "")) for u in uris]
    found = []
    for folder, _, names in os.walk(p.path("tokens")):
        for n in names:
            with open(os.path.join(folder, n), "rb") as f:
                octets = f.read()
            if n.endswith(".object") and n != "token.object" and not any(i in octets for i in ids):
                found.append(os.path.join(folder, n))
    return found


def moved_by(p, pairs):
    """As SoftHSM changes a token: others look again when its generation is another."""
    for a, b in pairs:
        os.makedirs(os.path.dirname(b), exist_ok=True)
        os.rename(a, b)
    for folder, _, names in os.walk(p.path("tokens")):
        if "generation" in names:
            with open(os.path.join(folder, "generation"), "r+b") as f:
                n = int.from_bytes(f.read(), "big")
                f.seek(0)
                f.write((n + 1).to_bytes(8, "big"))


def test_strangers(t, d):
    """What others do to the keys of a token."""
    p = Place(d, SOFTHSM)
    t.ok(p.start("token.example", "file.example") and p.good(), "a zone with keys in a token", p.h.log())
    now, uris = p.out(), [os.path.join(p.keys(), f) for f in p.files(".uri")]
    texts = [p.read(u) for u in uris]

    moved = [(f, f.replace(p.path("tokens"), p.path("moved"))) for f in private_objects(p, texts)]
    t.equal(len(moved), 2, "the token has two keys")
    moved_by(p, moved)
    p.h.kill_role("key")
    t.ok(p.why("HSM_KEY_ABSENT"), "they are deleted: told", p.h.log() + str(p.status()))
    t.equal(p.token().get("bad"), 2, "in the status, too", str(p.token()))
    t.ok(p.change("file.example", "one"), "the other zone goes on", p.h.log())
    t.equal((p.out(), [os.path.join(p.keys(), f) for f in p.files(".uri")]), (now, uris),
            "what is published stays; no key is made in its place")
    moved_by(p, [(b, a) for a, b in moved])
    t.ok(p.good(), "they are restored: it goes on by itself", p.h.log() + str(p.status()))

    p.h.stop()
    for u, text in zip(uris, reversed(texts)):
        p.write(u, text)
    p.h.start()
    t.ok(p.why("KEYRING_PROBE"), "another key under the id: told", p.h.log() + str(p.status()))
    t.equal(p.out(), now, "and never used")
    t.ok(p.change("file.example", "two"), "the other zone goes on", p.h.log())
    for u, text in zip(uris, texts):
        p.write(u, text)
    p.h.kill_role("key")
    t.ok(p.change("token.example", "right"), "the right one again", p.h.log())
    verified(t, p, "in the end")


def test_pin(t, d):
    """A wrong PIN is tried once; tokens lock."""
    p = Place(d, SOFTHSM, module=FAULTY, pin="987654321")
    t.ok(p.start("file.example"), "the zone with files is published", p.h.log())
    t.ok(p.why("HSM_PIN_REFUSED"), "a wrong PIN: told", p.h.log() + str(p.status()))
    for _ in range(2):
        pid = p.h.role("key")["pid"]
        t.ok(p.h.kill_role("key"), "kill -9 key")
        t.ok(house.wait_for(lambda: p.h.role("key")["pid"] not in (0, pid) and p.h.role("key")["ready"], 30),
             "it lives anew", p.h.log())
    t.ok(p.change("file.example", "one"), "the other zone goes on", p.h.log())
    t.equal(p.faulty.n("LOGIN"), 1, "the PIN was tried once")
    p.write("pin", PIN + "\n", 0o600)
    t.equal(house.run("reload", "-c", p.h.conf)[0], 0, "another PIN file, reload")
    t.ok(house.wait_for(lambda: "SOA" in p.out(), 60) and p.good(), "then it works", p.h.log())
    verified(t, p, "with the right PIN")


def test_hang(t, d):
    """A module that does not return, and errs."""
    p = Place(d, SOFTHSM, module=FAULTY, timeout=1)
    t.ok(p.start("token.example", "file.example") and p.good(), "a zone with keys in a token", p.h.log())
    now, pid = p.out(), p.h.role("key")["pid"]
    p.faulty.set("hang_msec", 10**6)
    p.add("token.example", "later")
    t.ok(p.why("token") and p.says("HSM_HUNG"), "signatures that never come: told", p.h.log() + str(p.status()))
    t.ok(p.change("file.example", "one"), "the other zone goes on", p.h.log())
    t.equal(p.out(), now, "what was published stays")
    t.ok(house.wait_for(lambda: p.token()["hung"] >= 2, 60), "the module gets another process, and one more", p.h.log())
    p.faulty.set("hang_msec", 0)
    t.ok(p.added("token.example", "later") and p.good(), "calls return: it goes on", p.h.log())

    for rv in (0x30, 0xb3, 0xe0, 0x101):	# DEVICE_ERROR, SESSION_HANDLE_INVALID, TOKEN_NOT_PRESENT, USER_NOT_LOGGED_IN
        said = p.h.log().count("the token: ")
        p.faulty.fail("SIGN", rv, 1)
        t.ok(p.change("token.example", "once%d" % rv), "an error once (%x)" % rv, p.h.log())
        t.equal(p.h.log().count("the token: "), said, "is tried again, and nobody hears of it", p.h.log())
        p.faulty.fail("SIGN", rv, 10**6)
        p.add("token.example", "error%d" % rv)
        t.ok(p.why("token") and p.says("HSM_LOST"), "an error for long: told", p.h.log() + str(p.status()))
        p.faulty.set("n_fail", 0)
        t.ok(p.added("token.example", "error%d" % rv), "and tried again", p.h.log())
    p.faulty.set("every", 3)
    t.ok(p.change("token.example", "sessions"), "sessions that are lost all the time", p.h.log())
    p.faulty.set("every", 0)

    p.faulty.set("wrong", 1)
    p.h.kill_role("key")
    t.ok(p.why("KEYRING_PROBE"), "signatures that are wrong: told", p.h.log() + str(p.status()))
    p.faulty.set("wrong", 0)
    t.ok(p.good(), "and right again", p.h.log())

    p.faulty.set("hang_in", 1 + Faulty.CALLS.index("INITIALIZE"))
    p.faulty.set("hang_msec", 10**6)
    p.h.kill_role("key")
    t.ok(p.change("file.example", "three"), "a module that does not even start: the other zone goes on", p.h.log())
    t.ok(house.wait_for(lambda: p.token()["hung"] >= 1, 60), "told", str(p.token()))
    p.faulty.set("hang_msec", 0)
    t.ok(p.change("token.example", "end") and p.good(), "it starts: it goes on", p.h.log())
    verified(t, p, "after all")


def told_token(p):
    """What alarms and page hear of the token (app/key_told.h)."""
    with socket.socket(socket.AF_UNIX) as c:
        c.settimeout(house.patient(20))
        c.connect(p.path("state/control"))
        c.sendall(b"key-show\n")
        said = b""
        while not said.endswith(b"\n"):
            part = c.recv(65536)
            if not part:
                break
            said += part
        return said.decode()


def test_crash(t, d):
    """A module that crashes after hours, and one that computes wrongly then."""
    p = Place(d, SOFTHSM, module=FAULTY, timeout=5)
    t.ok(p.start("token.example", "file.example") and p.good(), "a zone with keys in a token", p.h.log())
    pid, module = p.h.role("key")["pid"], below(p.h.role("key")["pid"])["hsm-module"]
    p.faulty.crash("SIGN", 1)
    t.ok(p.change("token.example", "once"), "a crash within a signature: it is asked for again", p.h.log())
    t.ok(house.wait_for(lambda: p.token()["crashed"] == 1, 30), "the status says so", str(p.token()))
    t.equal(p.h.role("key")["pid"], pid, "the key role lives on", p.h.log())
    t.ok(below(pid)["hsm-module"] != module, "the module has another process")
    t.ok(house.wait_for(lambda: "has crashed" in p.h.log(), 10), "the log says so", p.h.log())

    now = p.out()
    p.faulty.crash("SIGN", -1)
    p.add("token.example", "later")
    t.ok(p.why("token") and p.says("HSM_CRASHED"), "a crash each time: told", p.h.log() + str(p.status()))
    t.ok(p.change("file.example", "one"), "the other zone goes on", p.h.log())
    t.equal((p.out(), p.h.role("key")["pid"]), (now, pid), "what was published stays, and the role")
    t.ok(house.wait_for(lambda: p.token()["crashed"] >= 3, 60), "several times", str(p.token()))
    p.faulty.set("crash_n", 0)
    t.ok(p.added("token.example", "later") and p.good(), "it crashes no more: it goes on", p.h.log())
    t.ok(house.wait_for(lambda: "HSM_CRASHED" in told_token(p), 60), "an operator hears of it all the same",
         told_token(p))

    now = p.out()
    p.faulty.set("wrong", 1)
    p.add("token.example", "wrong")
    t.ok(house.wait_for(lambda: not p.status().get("good", True), 60), "signatures that are wrong: told",
         p.h.log() + str(p.status()))
    t.equal(p.out(), now, "none of them is published")
    t.ok(house.wait_for(lambda: "KEYRING_PROBE" in told_token(p), 60), "the key's probe finds it, too", p.h.log())
    t.ok(p.change("file.example", "two"), "the other zone goes on", p.h.log())
    p.faulty.set("wrong", 0)
    t.ok(p.added("token.example", "wrong") and p.good(), "right again: it goes on", p.h.log() + str(p.status()))
    t.equal(p.h.role("key")["pid"], pid, "and it was one key role all the time")
    verified(t, p, "after all")


FAST = """, zsk-lifetime: 1h, dnskey-ttl: 1, max-zone-ttl: 1, publish-safety: 0, retire-safety: 0,
       child-propagation: 1, parent-propagation: 1, registration-delay: 1, parent-ds-ttl: 1"""


def orphans(p):
    code, out, err = house.run("zone", "orphans", "--json", "-c", p.h.conf)
    return code, [o["id"] for o in json.loads(out)] if code in (0, 1) else err, out


def test_orphan(t, d):
    """The daemon dies between making a key in the token and writing the state."""
    p = Place(d, SOFTHSM, module=FAULTY, timeout=20)
    p.faulty.set("hang_msec", 10**6)		# when the pair is there, and is looked for
    p.faulty.set("hang_in", 1 + Faulty.CALLS.index("FIND"))
    p.h.start()
    t.ok(house.wait_for(lambda: p.faulty.n("GENERATE") == 1 and p.faulty.n("FIND") > 0, 60), "a pair is made", p.h.log())
    t.ok(p.h.kill_role("key"), "kill -9 key")
    p.faulty.set("hang_msec", 0)
    t.ok(house.wait_for(lambda: "SOA" in p.out(), 60) and p.good(), "the zone gets keys all the same", p.h.log())
    t.equal(len(p.files(".uri")), 2, "which are two")
    t.ok(house.wait_for(lambda: "not known: " in p.h.log(), 60), "the orphan is told", p.h.log())
    code, ids, out = orphans(p)
    t.equal((code, len(ids)), (1, 1), "and shown", out)
    t.ok("sekisho KSK token.example." in out, "with the zone that it was made for", out)
    t.equal(p.token()["orphans"], 1, "the status counts it")
    t.ok(p.says("zone orphans"), "and says what to do")
    t.equal(house.run("zone", "orphans", "-c", p.h.conf)[0], 1, "as text, too")
    known = re.search("id=((?:%[0-9A-Fa-f]{2})+)", p.read(os.path.join(p.keys(), p.files(".uri")[0]))).group(1)
    for what, word in (("a key of the zone", known.replace("%", "").lower()), ("no id", "zz"), ("none", "00" * 16)):
        t.ok(house.run("zone", "orphans", "--remove", word, "-c", p.h.conf)[0] in (1, 2), what + " is not removed")
    t.equal(p.faulty.n("DESTROY"), 0, "nothing was destroyed")

    # Its files are there, and the state does not know it: as when it dies a moment later.
    p.h.stop()
    os.mkdir(p.path("made"))
    code, _, err = house.run("zone", "sign", "-K", p.path("made"), "--generate", "13", "--csk", "--pkcs11", SOFTHSM, "--token",
                             "pkcs11:token=zones", "--pin-file", p.path("pin"), "-o", p.path("signed"),
                             p.path("in/token.example"),
                             env=dict(os.environ, SOFTHSM2_CONF=p.path("softhsm2.conf")))
    t.equal(code, 0, "another that only its folder knows", err)
    for f in os.listdir(p.path("made")):
        shutil.copy(os.path.join(p.path("made"), f), p.keys())
    t.equal(len(p.files(".uri")), 3, "it is there")
    p.h.start()
    t.ok(p.good(), "the zone goes on", p.h.log())
    t.ok(house.wait_for(lambda: orphans(p)[0] == 1 and len(orphans(p)[1]) == 2, 60), "both are shown",
         str(orphans(p)) + p.h.log())
    for i in orphans(p)[1]:
        t.equal(house.run("zone", "orphans", "--remove", i, "-c", p.h.conf)[0], 0, "removed by an operator's word")
    t.equal(orphans(p)[:2], (0, []), "none is left")
    t.equal(len(p.files(".uri")), 2, "nor are its files")
    t.ok('"token-orphan-removed"' in p.read("state/audit.jsonl"), "the audit log has it")
    p.h.kill_role("key")
    t.ok(p.change("token.example", "after") and p.good(), "the zone's own keys are there", p.h.log())
    verified(t, p, "after all")


def test_retire(t, d):
    """A key that is not needed any more is destroyed, and not before; what fails is tried again."""
    p = Place(d, SOFTHSM, module=FAULTY)
    p.h.more = p.h.more.replace("backup-required: no, key-store: token}", "backup-required: yes, key-store: token%s}"
                                % FAST)
    p.h.write_conf()
    p.h.start()
    t.ok(house.wait_for(lambda: len(p.files(".uri")) == 2, 60), "keys are made", p.h.log())
    t.equal(house.run("zone", "keys", "token.example", "--backed-up", "-c", p.h.conf)[0], 0, "and backed up")
    t.ok(house.wait_for(lambda: "SOA" in p.out(), 60) and p.good(), "a zone with keys in a token", p.h.log())
    first = p.files(".uri")
    p.faulty.fail("DESTROY", 0x1b, 10**6)	# ACTION_PROHIBITED
    t.equal(house.run("zone", "roll", "--zsk", "token.example", "-c", p.h.conf)[0], 0, "a roll begins")
    t.ok(house.wait_for(lambda: len(p.files(".uri")) == 3, 60), "there is a new key", p.h.log())
    fresh = next(f for f in p.files(".uri") if f not in first)[:-4]
    code, out, err = house.run("zone", "roll", "--cancel", "--key", fresh, "token.example", "-c", p.h.conf)
    t.equal(code, 0, "which is not wanted after all", out + err)
    t.ok(house.wait_for(lambda: "cannot be deleted from the token: HSM_REFUSED" in p.h.log(), 60),
         "the token does not let it go: told", p.h.log())
    t.ok(house.wait_for(lambda: "cannot be deleted" in told_token(p), 60), "to alarms, too", told_token(p))
    t.equal(len(p.files(".uri")), 3, "nothing of it is forgotten")
    n = p.faulty.n("DESTROY")
    t.ok(house.wait_for(lambda: p.faulty.n("DESTROY") > n, 60), "it is tried again", p.h.log())
    p.h.kill_role("key")
    p.faulty.set("n_fail", 0)
    t.ok(house.wait_for(lambda: len(p.files(".uri")) == 2, 60), "then it goes, after a death, too", p.h.log())
    t.ok(house.wait_for(lambda: "is in no cache any more: deleted" in p.h.log(), 10), "told", p.h.log())
    t.equal(p.files(".uri"), first, "the others stay")
    t.equal(orphans(p)[:2], (0, []), "nothing of it is left in the token")

    # One that was in use: nobody has seen yet that servers gave it up.
    n = p.faulty.n("DESTROY")
    t.equal(house.run("zone", "roll", "--zsk", "token.example", "-c", p.h.conf)[0], 0, "another roll")
    t.ok(house.wait_for(lambda: len(p.files(".uri")) == 3, 60), "there is a new key", p.h.log())
    t.equal(house.run("zone", "keys", "token.example", "--backed-up", "-c", p.h.conf)[0], 0, "backed up")
    t.ok(p.change("token.example", "after") and p.good(), "the zone is signed", p.h.log())
    t.ok(house.stays(lambda: p.faulty.n("DESTROY") == n and len(p.files(".uri")) == 3, 3),
         "what caches may need is not destroyed", p.h.log())
    verified(t, p, "after all")


def loadable(path):
    """Is it, and all above it, root's alone? (hsm/module.c)"""
    if not os.path.exists(path):
        return False
    while True:
        st = os.stat(path)
        if st.st_uid != 0 or (st.st_mode & 0o022 and not (os.path.isdir(path) and st.st_mode & 0o1000)):
            return False
        if path == "/":
            return True
        path = os.path.dirname(path)


def main():
    if SOFTHSM is None or shutil.which("softhsm2-util") is None:
        t = house.Tap()
        t.skip("keys in a token", "SoftHSM 2 is not installed")
        return t.done()
    tests = {"life": test_life, "strangers": test_strangers, "pin": test_pin, "hang": test_hang, "crash": test_crash,
             "orphan": test_orphan, "retire": test_retire}
    wanted = sys.argv[1:] or list(tests)
    if not loadable(FAULTY):
        for n in {"pin", "hang", "crash", "orphan", "retire"} & set(wanted):
            wanted.remove(n)
        if not wanted:
            t = house.Tap()
            t.skip("a module that fails", "the build folder is not root's alone: such a module is not loaded")
            return t.done()
    return house.cases(*(tests[n] for n in wanted))


if __name__ == "__main__":
    sys.exit(main())
