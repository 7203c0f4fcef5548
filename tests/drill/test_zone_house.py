#!/usr/bin/env python3
"""
Every kind of roll in the running service, in seconds: seven zones in one house,
each with its own policy, a parent that follows CDS (or EPP through the hook, or
a person who types what `zone status` says), the real commands.

  zsk       double signature, by lifetime
  csk       one key for all, by lifetime
  dds       a KSK by double-DS, by lifetime
  alg       algorithm 13 to 15, by a changed policy
  back      to insecure and back, by a changed policy
  person    a person enters the DS; then the KSK is compromised
  epp       DS by EPP commands to the operator's hook; a roll that is asked for

What was served when is remembered, and no mix of it that any cache may have
held may be bogus; each version is verified, by dnssec-verify too where it is.
"""
import json
import os
import shutil
import subprocess
import sys
import time

SRC = os.environ.get("SEKISHO_SRC") or os.path.normpath(
    os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
sys.path.insert(0, os.path.join(SRC, "tests", "cli"))
import dnsworld  # noqa: E402
import house  # noqa: E402
from house import run, wait_for  # noqa: E402

NAMES = ("zsk", "csk", "dds", "alg", "back", "person", "epp")
LONG = 60		# seconds that anything may take on a machine that is busy
ZONE = """$TTL 1
@ SOA ns host 1 3600 900 604800 1
@ NS ns
ns A 192.0.2.54
a.b A 192.0.2.1
"""
FAST = ("keys: split, backup-required: no, zsk-lifetime: 0, ksk-lifetime: 0, csk-lifetime: 0, dnskey-ttl: 1, max-zone-ttl: 1, "
        "publish-safety: 0, retire-safety: 0, child-propagation: 1, parent-propagation: 1, registration-delay: 2, "
        "parent-ds-ttl: 1")
POLICY = {
    "zsk": "zsk-roll: double-signature, zsk-lifetime: 12",
    "csk": "keys: csk, csk-lifetime: 15",
    "dds": "ksk-roll: double-ds, ksk-lifetime: 18",
    "alg": "algorithm: 13",
    "back": "denial: nsec3",
    "person": "ds-handover: person",
    "epp": "ds-handover: epp",
}
HOOK = """#!%s
import re, sys
xml = sys.stdin.read()
add = re.findall(r"<secDNS:keyTag>(\\d+)</secDNS:keyTag>\\s*<secDNS:alg>(\\d+)</secDNS:alg>\\s*"
                 r"<secDNS:digestType>(\\d+)</secDNS:digestType>\\s*<secDNS:digest>([0-9A-Fa-f]+)<", xml)
with open(%r, "a") as f:
    f.write(repr((sys.argv[1:], xml)) + "\\n")
"""


def unlike(policy, key):
    """The base without an option that the zone's own policy has."""
    return policy.startswith(key) or ", " + key in policy


def conf(world, policies, hook):
    out = "dns:\n%s  look-interval: 1\n  ds-hook: %s\n  zones:\n" % (world.conf(), hook)
    for n in NAMES:
        out += "    - {name: %s.test, file: in/%s, output: out/%s, policy: %s}\n" % (n, n, n, n)
    out += "  policies:\n"
    for n, p in policies.items():
        base = ", ".join(x for x in FAST.split(", ") if not unlike(p, x.split(":")[0]))
        out += "    - {name: %s, %s, %s}\n" % (n, base, p)
    return out


class Drill:
    def __init__(self, d):
        self.d, self.policies = d, dict(POLICY)
        for name in ("in", "out"):
            os.mkdir(os.path.join(d, name))
        for n in NAMES:
            with open(os.path.join(d, "in", n), "w") as f:
                f.write(ZONE)
        self.asked = os.path.join(d, "epp.asked")
        self.hook = os.path.join(d, "hook.py")
        with open(self.hook, "w") as f:
            f.write(HOOK % (sys.executable, self.asked))
        os.chmod(self.hook, 0o755)
        self.zones = {n: dnsworld.Child(n + ".test.", os.path.join(d, "out", n)) for n in NAMES}
        self.world = dnsworld.World(*self.zones.values())
        house.lab(d)
        self.h = house.House(d, conf(self.world, self.policies, self.hook))

    def change(self, name, policy):
        """Another policy, by reload."""
        self.policies[name] = policy
        self.h.more = conf(self.world, self.policies, self.hook)
        self.h.write_conf()
        return run("reload", "-c", self.h.conf)

    def roll(self, name, *args):
        """The command, as soon as the service has its keys again after a reload."""
        def once():
            code, out, err = run("zone", "roll", name + ".test", *args, "-c", self.h.conf)
            self.said = "%d %s%s" % (code, out, err)
            return code == 0 or code != 3
        return wait_for(once, LONG, 0.2) and self.said.startswith("0 ")

    def status(self, name):
        code, out, err = run("zone", "status", name + ".test", "--json", "-c", self.h.conf)
        try:
            zones = json.loads(out)
        except ValueError:
            return {"error": "%d %s %s" % (code, out, err)}
        zones = zones.get("zones", zones) if isinstance(zones, dict) else zones
        return zones[0] if zones else {}

    def registry(self, *by_cds):
        """Those who follow CDS look at it."""
        for n in by_cds:
            self.zones[n].ds_by_cds()

    def epp(self):
        """What the hook was given: the last command for each zone."""
        try:
            with open(self.asked) as f:
                return [eval(line) for line in f]	# noqa: S307 - our own repr
        except OSError:
            return []

    def until(self, what, sec=LONG, follow=("zsk", "csk", "dds", "alg", "back")):
        """Wait; the registry works meanwhile."""
        def step():
            self.registry(*follow)
            return what()
        return wait_for(step, sec, 0.2)

    def keys(self, name):
        return {k for _, t, _, k in self.zones[name].records if t == dnsworld.DNSKEY}

    def ever(self, name):
        return {k for v in self.zones[name].versions for _, t, _, k in v[2] if t == dnsworld.DNSKEY}

    def secured(self, name):
        return bool(self.zones[name].ds)


def typed(ds):
    """DS text of a person's instructions as data."""
    words = ds.split()
    at = words.index("DS") + 1
    return dnsworld.rdata("DS", words[at:])


def by_person(drill, name="person"):
    """Type what the status says; False: nobody is asked."""
    todo = [x for x in drill.status(name).get("todo", []) if x["act"] == "tell"]
    if not todo:
        return False
    drill.zones[name].ds_set([typed(x) for x in todo[0]["ds"]])
    return True


def by_epp(drill):
    """As the registry that takes the EPP command: add, remove, all."""
    import re
    for argv, xml in drill.epp()[getattr(drill, "epp_done", 0):]:
        c = drill.zones["epp"]
        parts = {"rem": [], "add": []}
        for part in parts:
            body = re.search(r"<secDNS:%s>(.*?)</secDNS:%s>" % (part, part), xml, re.S)
            for m in re.finditer(r"<secDNS:keyTag>(\d+)<.*?<secDNS:alg>(\d+)<.*?<secDNS:digestType>(\d+)<.*?"
                                 r"<secDNS:digest>([0-9A-Fa-f]+)<", body.group(1) if body else "", re.S):
                parts[part].append(dnsworld.rdata("DS", list(m.groups())))
        every = "<secDNS:all>true" in xml
        c.ds_set([x for x in ([] if every else c.ds) if x not in parts["rem"]]
                 + [x for x in parts["add"] if every or x not in c.ds])
        drill.epp_done = getattr(drill, "epp_done", 0) + 1
    return drill.secured("epp")


def judge(t, drill):
    for n, c in drill.zones.items():
        bad, other = [], []
        for i, v in enumerate(c.versions):
            path = os.path.join(drill.d, "version")
            with open(path, "w") as f:
                f.write(v[3])
            if not any(x == dnsworld.DNSKEY for _, x, _, _ in v[2]):
                continue	# insecure
            code, out, err = run("zone", "verify", path, "--zone", c.zone)
            if code != 0:
                bad.append("version %d: %s" % (i, (out + err)[-500:]))
            elif shutil.which("dnssec-verify"):
                p = subprocess.run(["dnssec-verify", "-q", "-o", c.zone, *(["-z"] if n == "csk" else []), path],
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
                if p.returncode != 0:
                    other.append("version %d: %s" % (i, p.stdout[-500:]))
        t.none(bad, "%s: each of %d versions verifies" % (n, len(c.versions)))
        if shutil.which("dnssec-verify"):
            t.none(other, "%s: dnssec-verify agrees" % n)
        t.none(dnsworld.bogus(c, 1, 1)[:3], "%s: no cache held a mix that is bogus" % n)


def play(t, drill):
    h = drill.h
    t.ok(drill.until(lambda: all(c.versions for c in drill.zones.values())), "all are published", h.log()[-3000:])
    t.ok(drill.until(lambda: by_person(drill)), "a person is told what to enter", str(drill.status("person")))
    t.ok(drill.until(lambda: by_epp(drill)), "the hook gets an EPP command", h.log()[-3000:])
    t.ok(drill.until(lambda: all(map(drill.secured, NAMES))), "all are secure",
         str([n for n in NAMES if not drill.secured(n)]) + h.log()[-3000:])
    t.ok(drill.until(lambda: all(drill.status(n).get("ds_done") for n in ("epp", "person"))), "and it was seen",
         str(drill.status("epp")))
    first = {n: drill.keys(n) for n in NAMES}

    code, out, err = drill.change("alg", "algorithm: 15")
    t.equal(code, 0, "another algorithm, by reload", out + err)
    code, out, err = drill.change("back", "denial: nsec3, secure: no")
    t.equal(code, 0, "a zone that shall be insecure", out + err)
    t.ok(drill.roll("epp", "--ksk"), "zone roll --ksk", drill.said)
    t.ok(drill.roll("person", "--ksk", "--compromised"), "zone roll --compromised", drill.said)

    def rolled(n, algs=(13,)):
        now = drill.keys(n)
        return len(now) == len(first[n]) and now != first[n] and {k[3] for k in now} == set(algs) and drill.secured(n)

    def all_rolled():
        by_person(drill)
        by_epp(drill)
        return (rolled("alg", (15,)) and rolled("epp") and rolled("person")
                and not drill.zones["back"].ds and not drill.keys("back")
                and all(len(drill.ever(n)) > len(first[n]) for n in ("zsk", "csk", "dds")))

    t.ok(drill.until(all_rolled), "all have got there", str({n: (
        sorted(dnsworld.key_tag(k) for k in drill.keys(n)), len(drill.ever(n)),
        [x[:2].hex() for x in drill.zones[n].ds]) for n in NAMES}) + h.log()[-5000:])
    code, out, err = drill.change("back", "denial: nsec3")
    t.equal(code, 0, "back to secure", out + err)
    t.ok(drill.until(lambda: drill.secured("back") and len(drill.keys("back")) == 2), "and it is",
         str(drill.status("back")) + h.log()[-3000:])
    t.ok(drill.until(lambda: len(drill.zones["dds"].ds_versions) >= 4), "double-DS asked the parent twice",
         str(len(drill.zones["dds"].ds_versions)))


def main():
    t = house.Tap()
    with house.folder() as d:
        drill = Drill(d)
        begin = time.monotonic()
        try:
            drill.h.start()
            play(t, drill)
            t.diag("%.0f s, %s versions" % (time.monotonic() - begin, [len(c.versions) for c in drill.zones.values()]))
            t.equal(drill.h.stop()[0], 0, "a clean stop")
        finally:
            drill.world.stop()
        judge(t, drill)
    return t.done()


if __name__ == "__main__":
    try:
        code = main()
    finally:
        house.stop_all()
    sys.exit(code)
