#!/usr/bin/env python3
"""Zones are signed by the service: published, changed, refused; roles die; keys are kept."""
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import urllib.request

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import house  # noqa: E402

ZONE = """$TTL 3600
@ IN SOA ns1 hostmaster 1 3600 900 604800 300
@ NS ns1
@ NS ns2
ns1 A 192.0.2.1
ns2 AAAA 2001:db8::2
www A 192.0.2.3
*.wild TXT "what is not there"
a.b.c MX 10 www
sub NS ns.sub
ns.sub A 192.0.2.4
"""
CONF = """dns:
  look-interval: 0
  zones:
    - {name: Example.JP, file: in/example.jp, output: out/example.jp, policy: %(policy)s}
  policies:
    - {name: two, keys: split, backup-required: no}
    - {name: one, keys: csk, algorithm: 15, denial: nsec3, backup-required: no}
    - {name: careful}
    - {name: open, secure: no, backup-required: no}
"""


def write(path, text):
    with open(path + ".new", "w") as f:
        f.write(text)
    os.replace(path + ".new", path)


def read(path):
    try:
        with open(path) as f:
            return f.read()
    except OSError:
        return ""


class Place:
    """A house with one zone."""

    def __init__(self, d, policy="two"):
        for name in ("in", "out", "tree"):
            os.mkdir(os.path.join(d, name))
        self.source, self.output = os.path.join(d, "in", "example.jp"), os.path.join(d, "out", "example.jp")
        write(self.source, ZONE)
        self.h = house.House(d, CONF % {"policy": policy})
        self.keys = os.path.join(d, "state", "keys", "example.jp.")

    def start(self):
        self.h.start()
        return house.wait_for(lambda: self.has("SOA"), 30)

    def has(self, word):
        return word in read(self.output)

    def change(self, line, word):
        """A line more, seen in the output."""
        write(self.source, read(self.source) + line + "\n")
        return house.wait_for(lambda: self.has(word), 40)

    def status(self):
        s = self.h.status()["details"]["zone"]["status"]
        return s["list"][0] if s else {}

    def good(self):
        return house.wait_for(lambda: self.status().get("good"), 30)

    def verify(self):
        code, out, err = house.run("zone", "verify", self.output)
        return code == 0, out + err

    def metrics(self):
        try:
            with urllib.request.urlopen("http://127.0.0.1:%d/metrics" % self.h.ports[1], timeout=house.patient(5)) as f:
                return f.read().decode()
        except OSError as e:
            return str(e)

    def shown(self):
        code, out, _ = house.run("zone", "keys", "example.jp", "--json", "-c", self.h.conf)
        return json.loads(out)["example.jp."] if code == 0 else []

    def key_files(self):
        return {f: read(os.path.join(self.keys, f)) for f in os.listdir(self.keys)
                if f not in ("state", "published") and not f.endswith(".tmp")}


def sigs(text):
    return {line for line in text.splitlines() if "\tRRSIG\t" in line}


def peer(t, output, *options):
    if shutil.which("dnssec-verify") is None:
        t.skip("dnssec-verify finds nothing", "no dnssec-verify")
        return
    p = subprocess.run(["dnssec-verify", "-q", *options, "-o", "example.jp", output], stdout=subprocess.PIPE,
                       stderr=subprocess.STDOUT, text=True)
    t.equal(p.returncode, 0, "dnssec-verify finds nothing", p.stdout)


def test_life(t, d):
    p = Place(d)
    t.ok(p.start(), "a signed zone is published", p.h.log())
    t.ok(p.good(), "and is in service", str(p.status()))
    t.ok(*(lambda g: (g[0], "sekisho zone verify finds nothing", g[1]))(p.verify()))
    peer(t, p.output)
    modes = {f: stat.S_IMODE(os.stat(os.path.join(p.keys, f)).st_mode) for f in os.listdir(p.keys)}
    t.equal({m for f, m in modes.items() if not f.endswith(".key")}, {0o600}, "private keys and state are 0600")
    t.equal({stat.S_IMODE(os.stat(x).st_mode) for x in (p.keys, os.path.dirname(p.keys))}, {0o700}, "folders 0700")

    t.ok(house.wait_for(lambda: 'sekisho_zones{state="good"} 1' in p.metrics(), 30), "the metrics have it", p.metrics())

    before, keys = read(p.output), p.key_files()
    t.ok(p.change("new A 192.0.2.9", "new.example.jp"), "a change of the file is published", p.h.log())
    fresh = {line.split("\t")[0] for line in sigs(read(p.output)) - sigs(before)}
    t.equal(fresh, {"example.jp.", "new.example.jp.", "a.b.c.example.jp."},
            "new signatures: the SOA, the new name, and its neighbour in the chain")

    now = read(p.output)
    write(p.source, ZONE + "bad A 192.0.2.999\n")
    t.ok(house.wait_for(lambda: p.status().get("refusals") == 1, 30), "a file with an error is refused", p.h.log())
    t.equal(read(p.output), now, "and the version before stays")
    t.ok("ZONE_RDATA" in p.h.log() and p.status()["good"] is False, "it is told", p.h.log())
    os.remove(p.source)
    t.ok(house.wait_for(lambda: "not there" in p.status().get("why", ""), 30), "as is a file that is gone", str(p.status()))
    write(p.source, ZONE)
    t.ok(house.wait_for(lambda: not p.has("new.example.jp"), 30) and p.good(), "a good one is taken", p.h.log())

    for n, role in enumerate(("key", "zone", "store", "key")):
        t.ok(p.h.kill_role(role), "kill -9 " + role)
        t.ok(p.change("k%d A 192.0.2.9" % n, "k%d.example.jp" % n) and p.good(), "it goes on", p.h.log())
    t.ok(*(lambda g: (g[0], "the zone is good all the time", g[1]))(p.verify()))
    t.equal(p.key_files(), keys, "with the same keys")

    now = read(p.output)
    p.h.stop(signal.SIGKILL)
    p.h.start()
    t.ok(p.good(), "kill -9 of the parent: it comes back", p.h.log())
    t.equal(read(p.output), now, "and keeps each signature")
    t.equal(p.key_files(), keys, "and each key")

    p.h.stop()
    private = next(f for f in keys if f.endswith(".pem"))
    os.rename(os.path.join(p.keys, private), os.path.join(d, private))
    p.h.start()
    t.ok(house.wait_for(lambda: p.h.status()["details"]["key"]["status"] and
                        "no keys" in p.status().get("why", ""), 30), "a private key is lost: told", p.h.log())
    t.equal(read(p.output), now, "what is published stays")
    t.equal(sorted(p.key_files()), sorted(set(keys) - {private}), "no key is made in its place")


def test_one_key(t, d):
    p = Place(d, "one")
    t.ok(p.start() and p.good(), "Ed25519, one key, NSEC3", p.h.log())
    t.ok(*(lambda g: (g[0] and "NSEC3" in g[1], "sekisho zone verify finds nothing", g[1]))(p.verify()))
    peer(t, p.output, "-z")


def test_backup(t, d):
    p = Place(d, "careful")
    p.h.start()
    t.ok(house.wait_for(lambda: "backed up" in p.status().get("why", ""), 30), "keys wait to be backed up", p.h.log())
    t.equal(os.listdir(os.path.join(d, "out")), [], "nothing is published with them")
    t.ok(any(f.endswith(".pem") for f in os.listdir(p.keys)), "they are there to be backed up")
    t.equal([k["backed_up"] for k in p.shown()], [False], "zone keys says so")
    t.equal(house.run("zone", "keys", "other.example", "--backed-up", "-c", p.h.conf)[0], 1, "another zone: refused")
    code, out, err = house.run("zone", "keys", "example.jp", "--backed-up", "-c", p.h.conf)
    t.equal(code, 0, "zone keys --backed-up", out + err)
    t.ok(house.wait_for(lambda: p.has("SOA"), 30) and p.good(), "then they sign", p.h.log())
    t.equal([k["backed_up"] for k in p.shown()], [True], "and it is remembered")
    t.ok(any(e["event"] == "keys-backed-up" for e in p.h.audit()), "the audit log has it")


def test_unsigned(t, d):
    """A zone that is to be insecure is published all the same; to secure and back."""
    p = Place(d, "open")
    write(p.source, ZONE + "@ DNSKEY 257 3 13 AAAA\n")
    serial = lambda: int(read(p.output).split("SOA")[1].split()[2])  # noqa: E731
    t.ok(p.start() and p.good(), "without keys: published", p.h.log())
    t.ok(not any(p.has(w) for w in ("RRSIG", "DNSKEY", "NSEC")), "unsigned, and without a key of the source")
    first = serial()
    t.ok(p.change("new A 192.0.2.9", "new.example.jp") and p.good() and serial() > first, "a change is published")
    now = read(p.output)
    t.ok(p.h.kill_role("zone") and p.good(), "kill -9")
    t.equal(read(p.output), now, "the same is served again")

    def policy(name):
        p.h.more = CONF % {"policy": name}
        p.h.write_conf()
        return house.run("reload", "-c", p.h.conf)[0]
    first = serial()
    t.equal(policy("one"), 0, "the policy is to be secure")
    t.ok(house.wait_for(lambda: p.has("RRSIG") and p.good(), 40), "it is signed", p.h.log())
    t.ok(*(lambda g: (g[0], "and verifies", g[1]))(p.verify()))
    t.equal(policy("open"), 0, "and insecure again")
    t.ok(house.wait_for(lambda: not p.has("RRSIG") and p.has("new.example.jp"), 40) and p.good(), "it is not", p.h.log())
    t.ok(serial() > first, "under later serials")


def test_reload(t, d):
    p = Place(d)
    first = p.h.more
    p.h.more = ""
    p.h.write_conf()
    p.h.start()
    t.ok(house.wait_for(lambda: p.h.ready(), 30), "without zones", p.h.log())
    t.ok("zone" not in {r["name"] for r in p.h.status()["house"]["roles"] if r["pid"]}, "nobody signs")
    p.h.more = first
    p.h.write_conf()
    t.equal(house.run("reload", "-c", p.h.conf)[0], 0, "a zone comes by reload")
    t.ok(house.wait_for(lambda: p.has("SOA"), 30), "it is signed", p.h.log())
    write(p.source + "2", ZONE)
    p.h.more = first.replace("  policies:", "    - {name: b.example, file: in/example.jp2, policy: one}\n  policies:")
    p.h.write_conf()
    t.equal(house.run("reload", "-c", p.h.conf)[0], 0, "another one")
    second = os.path.join(p.h.state, "zones", "b.example.zone")
    t.ok(house.wait_for(lambda: "SOA" in read(second), 30), "is signed, too", p.h.log())
    now = read(p.output)
    both, p.h.more = p.h.more, first.replace("policy: two", "policy: none")
    p.h.write_conf()
    t.ok(house.run("reload", "-c", p.h.conf)[0] != 0, "a bad configuration is refused")
    p.h.more = both
    p.h.write_conf()		# commands read it, too
    t.ok(p.good(), "and the zones stay", p.h.log())
    t.equal(read(p.output), now, "as they were")


if __name__ == "__main__":
    sys.exit(house.cases(test_life, test_one_key, test_backup, test_unsigned, test_reload))
