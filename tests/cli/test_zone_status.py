#!/usr/bin/env python3
"""zone status and zone roll beside a played key role; the DS hook; a service of zones alone."""
import json
import os
import re
import socket
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import fake_role  # noqa: E402
import house  # noqa: E402

DAY = 86400
ZONE = "example.jp."
CONF = """dns:
  look-interval: 0
  %s
  zones:
    - {name: Example.JP, file: example.jp, output: example.jp.signed, policy: two}
  policies:
    - {name: two, keys: split, backup-required: no}
"""
DS = ZONE + " IN DS 12345 13 2 " + "AB" * 32
OLD_DS = ZONE + " IN DS 54321 13 2 " + "CD" * 32
KEY = ZONE + " IN DNSKEY 257 3 13 AAAA"


def key(number, role, tag, state="omnipresent", goal="omnipresent", **more):
    now = int(time.time())
    k = {"number": number, "role": role.lower(), "alg": 13, "tag": tag, "bits": 256, "goal": goal,
         "name": "Kexample.jp.+013+%05d" % tag, "created": now - 40 * DAY, "active": now - 39 * DAY,
         "retires": now + 30 * DAY, "backed_up": True, "flags": [], "private": "file"}
    for r in ("dnskey", "keysig", "zonesig", "ds"):
        k[r] = [state, now - 30 * DAY]
    k.update(more)
    return k


def told(keys=None, **more):
    now = int(time.time())
    z = {"zone": ZONE, "state": "ready", "why": "", "unproven": False, "held": False, "ds_want": [], "ds_done": True,
         "ds_since": now - 90 * DAY, "parent_seen": now - 60, "child_seen": now - 60, "next": now + 3 * DAY,
         "next_why": "until the life of the key ends", "waits": [], "todo": [],
         "keys": keys or [key(1, "KSK", 12345), key(2, "ZSK", 23456)]}
    z.update(more)
    return {"zones": [z]}


def served(**more):
    now = int(time.time())
    z = {"zone": ZONE, "served": True, "good": True, "serial": 7, "next_signing": now + 6 * DAY,
         "horizon": now + 13 * DAY, "signatures": 5, "refusals": 0}
    z.update(more)
    return {"served": int(z["served"]), "good": int(z["good"]), "signatures": 5, "list": [z]}


TODO = {"act": "tell", "since": int(time.time()) - 5 * DAY, "text": "enter the DS set at the registrar", "key": 0,
        "ds": [DS], "dnskey": [KEY], "add": [DS], "del": [OLD_DS]}


class Place:
    """A service of one zone, whose keys and whose signer are played."""

    def __init__(self, d, hook=""):
        self.d = d
        self.program = fake_role.install(d, "key", "zone", "name")
        self.h = house.House(d, CONF % hook)
        self.h.program = self.program
        self.alone()
        self.put("told.json", told())
        self.put("zone.json", served())

    def alone(self, top=""):
        """A configuration of zones, and nothing of routes."""
        with open(self.h.conf, "w") as f:
            f.write("%sstate: state\nweb:\n  listen: 127.0.0.1:%d\nlog:\n  op: op.log\n%s"
                    % (top, self.h.ports[1], self.h.more))

    def put(self, name, what):
        with open(os.path.join(self.d, name + ".new"), "w") as f:
            json.dump(what, f)
        os.replace(os.path.join(self.d, name + ".new"), os.path.join(self.d, name))

    def lines(self, name):
        try:
            with open(os.path.join(self.d, name)) as f:
                return [json.loads(line) for line in f]
        except OSError:
            return []

    def start(self, t):
        self.h.start()
        assert house.wait_for(lambda: self.up(), 30), self.h.log()

    def up(self):
        try:
            return self.h.ready()
        except AssertionError:
            return False

    def run(self, *args):
        return house.run(*args, "-c", self.h.conf)

    def say(self, line):
        """One line to the control socket."""
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(os.path.join(self.h.state, "control"))
            s.sendall(line.encode() + b"\n")
            out = b""
            while got := s.recv(65536):
                out += got
        return json.loads(out)


def level(p, t, want, word, what):
    code, out, err = p.run("zone", "status", "--nagios", "--at", "@%d" % time.time())
    t.ok(code == want and word in out and out.count("\n") == 1 and "|" in out, what, out + err)


def test_status(t, d):
    p = Place(d)
    p.start(t)
    code, out, err = p.run("zone", "status")
    t.ok(code == 0 and "12345" in out and "23456" in out and "in order" in out, "a zone in order", out + err)
    code, out, err = p.run("zone", "status", "EXAMPLE.jp", "--json")
    j = json.loads(out)
    t.ok(code == 0 and j["from"] == "service" and j["zones"][0]["zone"] == ZONE, "as JSON", out + err)
    t.equal([k["tag"] for k in j["zones"][0]["keys"]], [12345, 23456], "with its keys")
    t.equal(p.run("zone", "status", "other.example")[0], 1, "a zone that is not ours")
    t.equal(p.run("zone", "status", "a..b")[0], 2, "no name at all")
    t.equal(p.run("zone", "status", "--nagios", "--ical")[0], 2, "two outputs at once")
    level(p, t, 0, "OK", "nagios: all is well")

    p.put("told.json", told(todo=[TODO], ds_done=False))
    code, out, _ = p.run("zone", "status")
    t.ok(code == 0 and all(r in out for r in (DS, OLD_DS, KEY)), "a DS demand: the exact records", out)
    t.ok(out.index(DS) < out.index(OLD_DS), "what comes stands before what goes", out)
    level(p, t, 1, "registrar", "nagios: a demand is open")
    code, out, _ = p.run("zone", "status", "--nagios")
    t.ok(" ds_open=" in out and int(out.split("ds_open=")[1].split("s")[0]) >= 5 * DAY, "for how long", out)
    code, out, _ = p.run("zone", "status", "--ical")
    t.ok(code == 0 and out.count("BEGIN:VEVENT") == 4 and out.count("BEGIN:VALARM") == 2,
         "the calendar: the next event, two lives that end, one demand", out)
    t.ok("DTSTART:" + time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(TODO["since"])) in out, "the demand at its time", out)

    p.put("told.json", told(todo=[{"act": "backup", "since": 1, "text": "back the key up, and say so", "key": 1}]))
    code, out, _ = p.run("zone", "status")
    t.ok("sekisho zone keys example.jp. --backed-up" in out, "a backup: the command to type", out)
    level(p, t, 1, "backup=1", "nagios: a backup is waited for")

    now = int(time.time())
    p.put("told.json", told())
    p.put("zone.json", served(next_signing=now - 4 * DAY, horizon=now + 3 * DAY))
    level(p, t, 1, "not renewed", "nagios: signatures that are not renewed")
    p.put("zone.json", served(next_signing=now - 6 * DAY, horizon=now + DAY))
    level(p, t, 2, "expire soon", "nagios: signatures that end soon")
    p.put("zone.json", served(next_signing=now - 9 * DAY, horizon=now - 1))
    level(p, t, 2, "expired", "nagios: signatures that have ended")
    t.equal(p.run("zone", "status")[0], 1, "and the status says so")
    p.put("zone.json", {"served": 0, "good": 0, "list": []})
    level(p, t, 1, "nothing was told", "nagios: a zone of whose signatures nothing is known")
    p.put("zone.json", served(good=False, why="the zone file has errors"))
    level(p, t, 1, "refused", "nagios: a newer version was refused")
    p.put("zone.json", served())
    p.put("told.json", told(state="cannot", why="its keys: no such file"))
    level(p, t, 2, "cannot", "nagios: keys that cannot be used")
    p.put("told.json", told(ds_done=False, ds_since=now - 4 * DAY))
    level(p, t, 1, "followed", "nagios: a parent that does not follow")
    p.put("told.json", told(ds_alarm=True))
    level(p, t, 2, "nobody asked", "nagios: a DS set from nowhere")

    code, out, _ = p.run("zone", "keys", "example.jp", "--json")
    t.equal([k["tag"] for k in json.loads(out)[ZONE]], [12345, 23456], "zone keys shows what the service says")
    code, out, _ = p.run("zone", "keys")
    t.ok(code == 0 and "12345" in out and "everywhere" in out, "and as text", out)

    # Held by itself, before the parent was seen: nobody could release it; and it is not in service.
    p.put("told.json", told(keys=[], state="waits", why="its parent is to be seen first", held=True, hold=False,
                            next=None, next_why="", waits=[{"why": "until the servers of the zone and of the parent "
                            "were seen", "record": "", "key": None, "until": None}]))
    p.put("zone.json", served(served=False, good=False, why="no keys", serial=None, horizon=None, next_signing=None))
    code, out, _ = p.run("zone", "status")
    t.ok(code == 1 and "--release" not in out and "operator" not in out, "a zone that waits is held by nobody", out)
    level(p, t, 2, "not served", "nagios: it is not in service")
    p.put("zone.json", served())
    p.put("told.json", told(parent_seen=0, child_seen=int(time.time()) - 7200))
    code, out, _ = p.run("zone", "status")
    t.ok(re.search(r"\(2 hours( \d+ seconds?)? ago\)", out) and "not yet" in out, "servers that nobody has seen", out)
    p.put("told.json", told(held=True, refused=True, story="a cache has X\nY comes"))
    code, out, _ = p.run("zone", "status")
    t.ok("    a cache has X\n    Y comes\n" in out, "a step that is refused: its story", out)

    p.h.stop()
    code, out, _ = p.run("zone", "status", "--nagios")
    t.ok(code == 3 and "UNKNOWN" in out, "no service and no files: unknown", out)


def test_roll(t, d):
    p = Place(d)
    p.start(t)

    def last(verb, k="", detail=""):
        return p.lines("said.jsonl")[-1] == {"zone": ZONE, "verb": verb, "key": k, "detail": detail}

    def n():
        return len(p.lines("said.jsonl"))

    ksk, zsk = "Kexample.jp.+013+12345", "Kexample.jp.+013+23456"
    code, out, err = p.run("zone", "roll", "Example.jp", "--ksk")
    t.ok(code == 0 and last("roll", ksk) and ksk in out, "the KSK is rolled, and told of", out + err)
    t.ok(p.run("zone", "roll", "example.jp", "--key", "23456")[0] == 0 and last("roll", zsk), "a key by its tag")
    t.ok(p.run("zone", "roll", "example.jp", "--key", zsk, "--lost")[0] == 0 and last("lost", zsk), "by its name: lost")
    for option, verb in (("--hold", "hold"), ("--release", "release"), ("--accept-ds", "accept-ds")):
        t.ok(p.run("zone", "roll", "example.jp", option)[0] == 0 and last(verb), option)
    for option, verb in (("--compromised", "compromised"), ("--found", "found"), ("--retire", "retire")):
        t.ok(p.run("zone", "roll", "example.jp", option, "--zsk")[0] == 0 and last(verb, zsk), option)
    t.ok(p.run("zone", "roll", "example.jp", "--override", "EXAMPLE.jp.")[0] == 0 and
         last("override", "", "EXAMPLE.jp."), "--override with the name typed out")
    code, out, _ = p.run("zone", "roll", "example.jp", "--hold", "--json")
    t.ok(code == 0 and json.loads(out)["zone"]["zone"] == ZONE, "as JSON", out)

    before = n()
    for what, args in (("two keys could be meant", ["example.jp"]), ("no such role", ["example.jp", "--csk"]),
                       ("no such tag", ["example.jp", "--key", "1"]), ("nothing to cancel", ["example.jp", "--cancel"]),
                       ("no such zone", ["other.example", "--ksk"])):
        t.equal(p.run("zone", "roll", *args)[0], 1, "refused: " + what)
    for what, args in (("another name typed", ["example.jp", "--override", "example.com"]),
                       ("two keys", ["example.jp", "--ksk", "--zsk"]), ("two verbs", ["example.jp", "--lost", "--found"]),
                       ("a key where none belongs", ["example.jp", "--hold", "--ksk"]), ("no zone", [])):
        t.equal(p.run("zone", "roll", *args)[0], 2, "wrong usage: " + what)
    t.equal(n(), before, "nothing of that was said")

    p.put("told.json", told(keys=[key(1, "KSK", 12345), key(3, "KSK", 12345, name="Kexample.jp.+013+12345-2"),
                                  key(4, "ZSK", 7, "rumoured"), key(5, "ZSK", 8, flags=["asked"])]))
    t.equal(p.run("zone", "roll", "example.jp", "--key", "12345")[0], 1, "two keys with one tag: refused")
    t.ok(p.run("zone", "roll", "example.jp", "--key", "Kexample.jp.+013+12345-2")[0] == 0 and
         last("roll", "Kexample.jp.+013+12345-2"), "told apart by their names")
    p.put("told.json", told(keys=[key(1, "KSK", 12345), key(4, "ZSK", 7, "rumoured", active=None), key(5, "ZSK", 8)]))
    t.ok(p.run("zone", "roll", "example.jp", "--cancel")[0] == 0 and last("cancel", "Kexample.jp.+013+00007"),
         "cancel means the key that comes")

    p.put("answers.json", {"roll": [1, "not now: that key is not in a state in which this could be done"], "hold": [None, ""]})
    code, out, err = p.run("zone", "roll", "example.jp", "--ksk")
    t.ok(code == 1 and "not now" in err and out == "", "the service refuses, with its reason", out + err)
    code, _, err = p.run("zone", "roll", "example.jp", "--ksk", "--lang", "ja")
    t.ok(code == 1 and "not now" not in err, "in Japanese", err)
    code, _, err = p.run("zone", "roll", "example.jp", "--hold")
    t.equal(code, 3, "the key role dies with the question: no answer hangs", err)
    t.ok(house.wait_for(lambda: p.up(), 30), "it comes back", p.h.log())
    p.h.stop()
    t.equal(p.run("zone", "roll", "example.jp", "--ksk")[0], 3, "no service: nothing is moved")


HOOK = """#!/bin/sh
xml=$(cat)
case "$xml" in
slow) while [ ! -e %(d)s/go ]; do sleep 0.05; done; echo done late;;
bad) echo the registry says no; echo more; exit 9;;
*) printf '%%s' "$xml" > %(d)s/got; echo "for $1";;
esac
"""


def test_hook(t, d):
    if os.geteuid() != 0:
        t.skip("the DS hook", "programs of root are made by root only")
        return
    path = os.path.join(d, "hook")
    with open(path, "w") as f:
        f.write(HOOK % {"d": d})
    os.chmod(path, 0o755)
    p = Place(d, "ds-hook: " + path)
    p.start(t)

    def ended(n):
        return house.wait_for(lambda: len(p.lines("hooks.jsonl")) >= n, 30) and p.lines("hooks.jsonl")[n - 1]

    def ask(zone, text):
        t.equal(p.say("key run-hook %s - %s" % (zone, text))["good"], True, "asked: " + text)

    ask(ZONE, "<epp>a b</epp>")
    t.equal(ended(1), {"id": 1, "code": 0, "text": "for " + ZONE}, "it has run for the zone")
    with open(os.path.join(d, "got")) as f:
        t.equal(f.read(), "<epp>a b</epp>", "with the input")
    ask(ZONE, "bad")
    t.equal(ended(2), {"id": 2, "code": 9, "text": "the registry says no"}, "its status and first line come back")
    ask(ZONE, "slow")
    ask(ZONE, "second")
    t.ok(ended(3)["id"] == 4 and ended(3)["code"] < 0, "one at a time for a zone", str(p.lines("hooks.jsonl")))
    ask("b.example.", "other")
    t.equal(ended(4), {"id": 5, "code": 0, "text": "for b.example."}, "another zone does not wait")
    t.ok(p.up(), "the parent answers all the time")
    open(os.path.join(d, "go"), "w").close()
    t.equal(ended(5), {"id": 3, "code": 0, "text": "done late"}, "the slow one ends")
    t.equal([e.get("event") for e in p.h.audit()].count("ds-hook"), 4, "each run is in the audit log")
    os.chmod(path, 0o777)
    ask(ZONE, "open")
    t.ok(ended(6)["code"] < 0, "a program that others can write to is not run", str(p.lines("hooks.jsonl")))
    os.chmod(path, 0o755)
    p.h.more = CONF % ""
    p.alone()
    t.equal(p.run("reload")[0], 0, "reloaded without a hook")
    t.ok(house.wait_for(lambda: p.up(), 30), "all run", p.h.log())
    ask(ZONE, "none")
    t.ok(ended(7)["code"] < 0, "then none is run", str(p.lines("hooks.jsonl")))


def test_zones_alone(t, d):
    p = Place(d)
    p.start(t)
    t.equal({r["name"] for r in p.h.status()["house"]["roles"]} - {"name"}, {"store", "web", "zone", "key"},
            "only roles with something to do")
    t.equal([x["role"] for x in p.h.status()["house"]["listen"]], ["web"], "nobody listens for routers")
    code, out, _ = p.run("status")
    t.ok(code == 0 and "VRP" not in out and "1" in out, "the status speaks of zones", out)
    t.equal(p.run("status", "--nagios")[0], 0, "nagios: in order")
    p.put("zone.json", served(good=False))
    t.equal(p.run("status", "--nagios")[0], 1, "nagios: a zone is not")
    p.put("zone.json", served(served=False, good=False))
    t.equal(p.run("status", "--nagios")[0], 2, "nagios: one is not served")
    bad = [line for line in p.h.log().splitlines() if " error " in line or "TAL" in line.upper().split()]
    t.equal(bad, [], "no complaint in the log")
    p.alone("rpki:\n  tals: house.tal\n  tree: %s\nrtr:\n  listen: 127.0.0.1:%d\n" % (d, p.h.ports[0]))
    t.equal(p.run("reload")[0], 0, "routes come by reload")
    t.ok(house.wait_for(lambda: {"validate", "rtr"} <= {r["name"] for r in p.h.status()["house"]["roles"] if r["pid"]}, 30),
         "and their roles", p.h.log())
    t.ok("rtr" in [x["role"] for x in p.h.status()["house"]["listen"]], "routers are listened for")
    p.h.more = ""
    p.alone()
    t.equal(p.run("reload")[0], 0, "without zones")
    roles = {"store", "validate", "rtr", "web", "fetch", "rsync", "verify"}
    t.ok(house.wait_for(lambda: {r["name"] for r in p.h.status()["house"]["roles"]} == roles, 30),
         "the roles are those of routes, as ever", str(p.h.status()["house"]["roles"]))


if __name__ == "__main__":
    sys.exit(house.cases(test_status, test_roll, test_hook, test_zones_alone))
