#!/usr/bin/env python3
"""
A step that the proof refuses, in the running service: the gate of this key role
lets everything pass (gate_open.c), the proof is the real one. A zone was signed
a moment ago, and its DS is to be asked for at once: caches that still have the
unsigned data would find them bogus.
"""
import json
import os
import re
import shutil
import sys

import dnsworld
import house
from house import House, run, wait_for

ZONE, LONG = "x.test", 60
DATE = re.compile(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ")	# each telling has its own
TEXT = """$TTL 3
@ SOA ns host 1 3600 900 604800 3
@ NS ns
ns A 192.0.2.54
"""
CONF = """dns:
%s  look-interval: 1
  zones:
    - {name: x.test, file: x.zone, output: x.signed, policy: p}
  policies:
    - {name: p, keys: split, backup-required: no, zsk-lifetime: 0, ksk-lifetime: 0, dnskey-ttl: 300, max-zone-ttl: 3,
       publish-safety: 0, retire-safety: 0, child-propagation: 1, parent-propagation: 1, registration-delay: 2,
       parent-ds-ttl: 1}
"""


class Place:
    def __init__(self, d, key):
        with open(os.path.join(d, "x.zone"), "w") as f:
            f.write(TEXT)
        self.child = dnsworld.Child(ZONE + ".", os.path.join(d, "x.signed"))
        self.world = dnsworld.World(self.child)
        house.lab(d)
        self.h = House(d, CONF % self.world.conf())
        if key is not None:
            self.h.program = programs(os.path.join(d, "build"), key)
        self.h.start()

    def stop(self):
        self.world.stop()
        self.h.stop()

    def show(self, *args):
        code, out, err = run("zone", "status", ZONE, *args, "-c", self.h.conf)
        return code, out + err

    def zone(self):
        try:
            return json.loads(self.show("--json")[1])["zones"][0]
        except (ValueError, LookupError):
            return {}

    def roll(self, *args):
        return run("zone", "roll", ZONE, *args, "-c", self.h.conf)

    def served(self, kind):
        return [r for r in self.child.of(ZONE + ".", kind) if r[1] == kind]

    def refusals(self):
        return [e["event"] for e in self.h.audit()].count("key-step-refused")

    def looks(self):
        """When all servers of the zone were seen last."""
        return self.zone().get("child_seen") or ""


def programs(folder, key):
    """The house with another key role."""
    os.makedirs(os.path.join(folder, "src", "role"))
    shutil.copy(house.SEKISHO, folder)
    for name in os.listdir(os.path.join(house.BUILD, "src", "role")):
        path = os.path.join(house.BUILD, "src", "role", name)
        if name.startswith("sekisho-") and os.path.isfile(path):
            shutil.copy(key if name == "sekisho-key" else path, os.path.join(folder, "src", "role", name))
    return os.path.join(folder, "sekisho")


def test_refused(t, d):
    p = Place(d, sys.argv[1] if len(sys.argv) > 1 else os.path.join(house.BUILD, "tests", "cli", "key_open"))
    try:
        t.ok(wait_for(lambda: p.zone().get("refused"), LONG, 0.3), "the step is refused", p.h.log()[-2000:])
        t.ok(p.zone().get("held") and p.served(dnsworld.DNSKEY) and not p.served(dnsworld.CDS),
             "it is signed, and asks for no DS", str(p.zone()))
        told(t, p)
        repeated(t, p)
        overridden(t, p)
    finally:
        p.stop()


def told(t, p):
    """The story has dates, and is told in both languages."""
    told_in = lambda lang: json.loads(p.show("--lang", lang, "--json")[1])["zones"][0]["story"].split("\n")
    has = lambda text, lines: all(DATE.sub("", line) in DATE.sub("", text) for line in lines)
    story, ours = told_in("en"), told_in("ja")
    dated = [line for line in story if DATE.search(line)]
    t.ok(len(story) >= 4 and len(dated) >= 2, "the story has its moments", "\n".join(story))
    en, ja = p.show("--lang", "en")[1], p.show("--lang", "ja")[1]
    t.ok(has(en, story), "English", en)
    t.ok(len(ours) == len(story) and has(ja, ours), "Japanese", ja)
    t.ok(all(not line.isascii() for line in ours) and all(line.isascii() for line in story), "each in its own", str(ours))
    t.ok("override" in {x["act"] for x in p.zone()["todo"]}, "what to do is told", str(p.zone()["todo"]))
    t.ok(wait_for(lambda: has(p.h.log(), story), 10), "the operator's log has it", p.h.log()[-2000:])


def repeated(t, p):
    """It is tried again at each look; that is no news."""
    n = p.refusals()
    for _ in range(2):
        at = p.looks()
        t.ok(wait_for(lambda: p.looks() != at, LONG, 0.2), "the servers are looked at", p.h.log()[-1000:])
    t.ok(p.zone().get("refused") and p.refusals() == n, "said once", "%d %d" % (n, p.refusals()))


def overridden(t, p):
    t.ok(p.roll("--override", "y.test")[0] != 0 and not p.served(dnsworld.CDS), "another name overrides nothing")
    code, out, err = p.roll("--override", ZONE)
    t.equal(code, 0, "the zone's name, typed once more " + out + err)
    t.ok(wait_for(lambda: p.served(dnsworld.CDS), LONG, 0.2), "the step is taken", p.h.log()[-2000:])
    p.child.ds_by_cds()
    t.ok(wait_for(lambda: p.zone().get("refused") is False and p.zone().get("ds_done"), LONG, 0.3),
         "and nothing is refused any more", str(p.zone()))
    log = [(e["event"], e.get("details", {})) for e in p.h.audit() if e["event"].startswith("key-")]
    events = [e for e, _ in log]
    said = [x for e, x in log if e == "key-command" and x["verb"] == "override" and x["done"]]
    t.ok(len(said) == 1 and said[0]["zone"].rstrip(".") == ZONE and
         re.fullmatch(r"\S+ \(uid %d, pid [1-9][0-9]*\)" % os.getuid(), said[0]["who"]), "who, in the audit log", str(log))
    t.ok(events.index("key-step-refused") < events.index("key-command") < events.index("key-step-overridden"),
         "refused, said, overridden", str(events))


def test_shut(t, d):
    """The same with the real gate: it waits, and the proof has nothing to refuse."""
    p = Place(d, None)
    try:
        t.ok(wait_for(lambda: p.served(dnsworld.DNSKEY) and p.zone().get("waits"), LONG, 0.3), "signed, and waits",
             p.h.log()[-2000:])
        for _ in range(2):
            at = p.looks()
            t.ok(wait_for(lambda: p.looks() != at, LONG, 0.2), "the servers are looked at", p.h.log()[-1000:])
        t.ok(not p.zone().get("refused") and not p.refusals() and not p.served(dnsworld.CDS),
             "nothing is refused, and no DS asked for", str(p.zone()))
    finally:
        p.stop()


if __name__ == "__main__":
    sys.exit(house.cases(test_refused, test_shut))
