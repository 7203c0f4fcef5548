#!/usr/bin/env python3
"""The key role rolls keys: observed, proven, late servers and kills survived."""
import hashlib
import os
import random
import shutil
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from key_world import DAY, HOUR, World, ds, stop_all  # noqa: E402
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "peer"))
from tap import Tap  # noqa: E402


def secured(d, **options):
    """A zone with DS records, at rest."""
    w = World(d, **options).start()
    assert w.go(World.at_rest), (w.json, w.role.log)
    w.settle()
    return w


def test_zsk(t, d):
    w = World(d).start()
    t.equal(sorted(k["role"] for k in w.keys()), ["KSK", "ZSK"], "keys are made")
    t.equal(w.json["ds_want"], [], "no DS is wanted while servers may be without signatures")
    w.look()
    w.jump(40 * DAY)
    t.equal(w.json["ds_want"], [], "nor ever, while one of them has the version before")
    t.ok(w.looks and max(w.looks) <= HOUR, "looks are asked for", str(w.looks))
    t.ok(w.go(lambda w: w.json["todo"], registrar=False), "in the end a person is asked", str(w.json))
    todo = w.json["todo"][0]
    t.equal((todo["act"], len(todo["ds"]), len(todo["dnskey"])), ("tell", 1, 1), "with DS and DNSKEY")
    t.ok(todo["ds"][0].startswith("example.jp. IN DS %d 13 2 " % w.keys(role="KSK")[0]["tag"]), "in full", todo["ds"][0])
    w.jump(3 * DAY)
    t.equal(w.look()["ds_done"], False, "it waits until the parent has it")
    w.enter(w.wanted(), "198.51.100.1")
    t.equal(w.look()["ds_done"], False, "on all of its servers")
    t.ok(w.go(World.at_rest), "then it is at rest", str(w.json))
    w.settle()

    old, files = w.keys(role="ZSK")[0], w.files()
    t.equal(w.command("roll", "0")[0], 1, "a key that is not there is refused")
    t.equal(w.command("roll", str(old["tag"]))[0], 0, "a ZSK is rolled")
    t.ok(w.go(lambda w: World.at_rest(w) and not w.keys(number=old["number"])), "to the end", str(w.json))
    t.equal(len(w.keys()), 2, "two keys are left")
    t.ok(files - w.files() == {old["name"] + ".pem"} and len(w.files()) == 2, "the old private file is gone",
         str((files, w.files())))
    events = [e for e, _ in w.audit]
    t.ok({"key-command", "key-published", "key-signs", "key-signs-no-more", "key-withdrawn", "key-deleted",
          "ds-wanted"} <= set(events), "the audit log has it", str(events))


def test_ksk_cds(t, d):
    w = secured(d, keys=1, ds_handover=0)
    t.equal(len(w.notifies), 1, "one NOTIFY for the first DS")
    t.ok(w.version.cds == frozenset(), "the CDS records are gone again")
    old = w.keys()[0]
    t.equal(w.command("roll", "csk")[0], 0, "a single key is rolled")
    w.notify_ok = False

    def until_cds(w):
        return len(w.version.cds) == 1 and not w.json["ds_done"]
    t.ok(w.go(until_cds, registrar=False), "until CDS records are published", str(w.json))
    t.ok({ds(k) for k in w.version.cds} != set(w.parent["198.51.100.1"]), "of the new key alone")
    n = len(w.notifies)
    w.sync("192.0.2.1")
    w.look()
    t.equal(len(w.notifies), n, "no NOTIFY while one server is without them")
    w.sync()
    w.look()
    t.equal(len(w.notifies), n + 1, "then there is one")
    w.look()
    t.equal(len(w.notifies), n + 1, "one that failed is not repeated at once")
    w.notify_ok = True
    w.jump(600)
    w.look()
    t.equal(len(w.notifies), n + 2, "but later", str(w.json))
    w.jump(600)
    w.look()
    t.equal(len(w.notifies), n + 2, "and not again, also in another life")
    t.ok(w.go(lambda w: World.at_rest(w) and not w.keys(number=old["number"])), "to the end", str(w.json))


def test_epp(t, d):
    w = World(d, ds_handover=1, keys=1).start()
    w.hook_code = 1
    t.ok(w.go(lambda w: w.hooks, registrar=False), "the hook is run", str(w.json))
    t.ok("secDNS" in w.hooks[0] and "%d</secDNS:keyTag>" % w.keys()[0]["tag"] in w.hooks[0].replace(" ", ""),
         "with the command", w.hooks[0])
    w.look()
    t.equal((len(w.hooks), w.json["hook"]["failed"]), (1, 1), "a failure is not repeated at once")
    w.hook_code = 0
    w.jump(HOUR)
    t.equal((len(w.hooks), w.json["hook"]["done"]), (2, True), "but later")
    t.ok(w.go(World.at_rest), "to the end", str(w.json))
    t.equal(len(w.hooks), 2, "a success is not repeated")


def test_algorithm(t, d):
    w = secured(d)
    w.jump(HOUR, algorithm=15)
    t.ok(w.go(lambda w: World.at_rest(w) and not w.keys(alg=13)), "another algorithm by another policy", str(w.json))
    t.equal(sorted(k["alg"] for k in w.keys()), [15, 15], "all of it")


def test_insecure(t, d):
    w = secured(d, keys=1, ds_handover=0)
    w.meant_secure = False
    w.jump(HOUR, secure=0)
    t.ok(w.go(lambda w: w.version.delete, registrar=False), "going insecure: the CDS that asks for deletion", str(w.json))
    t.ok(w.json["ds_want"] == [] and w.version.data_sigs, "while all is signed")
    t.ok(w.go(lambda w: w.json["unsigned"]), "unsigned once no cache has DS", str(w.json))
    t.ok(w.go(lambda w: not w.keys()), "and the keys are deleted", str(w.json))
    t.equal(w.files(), set(), "with their files")
    w.jump(HOUR, secure=1)
    t.ok(w.go(World.at_rest) and w.json["ds_want"], "and back", str(w.json))


def test_emergency(t, d):
    w = secured(d)
    zsk = w.keys(role="ZSK")[0]
    t.equal(w.command("compromised", zsk["name"])[0], 0, "a ZSK is compromised")
    t.ok(w.go(lambda w: World.at_rest(w) and not w.keys(number=zsk["number"])), "and followed", str(w.json))

    ksk = w.keys(role="KSK")[0]
    w.stop()
    os.rename(os.path.join(w.zone, ksk["name"] + ".pem"), os.path.join(d, "away"))
    w.start()
    t.equal(w.json["state"], "cannot", "a private file is missing: nothing is signed")
    t.equal(w.command("found", str(ksk["number"]))[0], 1, "it is not found where it is not")
    t.equal(w.command("lost", str(ksk["number"]))[0], 0, "somebody says that it is lost")
    t.equal(w.show()["state"], "ready", "its old signatures serve, and the rest goes on")
    os.rename(os.path.join(d, "away"), os.path.join(w.zone, ksk["name"] + ".pem"))
    t.equal(w.command("found", str(ksk["number"]))[0], 0, "it is there again")
    t.equal(w.show()["keys"][0]["private"], "file", "and used")
    w.stop()
    os.remove(os.path.join(w.zone, ksk["name"] + ".pem"))
    w.start()
    t.equal(w.command("lost", str(ksk["number"]))[0], 0, "lost for good")
    t.ok(w.go(lambda w: World.at_rest(w) and not w.keys(number=ksk["number"])), "its successor comes by its DS first",
         str(w.json))


def test_eyes(t, d):
    w = secured(d)
    old = w.keys(role="ZSK")[0]
    w.command("roll", "zsk")
    w.silent.add("192.0.2.2")
    for _ in range(4):
        w.sync()
        w.look()
        w.jump(10 * DAY)
    t.ok(not w.version.data_sigs - w.child["192.0.2.1"].dnskey and len(w.version.data_sigs) == 1 and
         w.keys(number=old["number"])[0]["zonesig"][0] == "omnipresent", "a server that is silent: it waits", str(w.json))
    w.silent.clear()
    w.child["192.0.2.2"], w.lies["192.0.2.2"] = OLD(w), w.version
    w.look()
    t.equal(w.json["doubtful_servers"], 1, "one that gives the serial, but other keys: it is in doubt")
    w.jump(10 * DAY)
    w.look()
    t.equal(w.keys(number=old["number"])[0]["zonesig"][0], "omnipresent", "and nothing moves")
    w.lies.clear()
    t.ok(w.go(lambda w: World.at_rest(w) and not w.keys(number=old["number"])), "seen at last: to the end", str(w.json))

    stale = OLD(w)
    stale.serial = 7000
    w.serial = 9000
    w.command("roll", "zsk")
    w.sync()
    w.child["192.0.2.2"] = stale
    w.look()
    w.jump(10 * DAY)
    w.look()
    t.equal(len(w.keys(role="ZSK")), 2, "a serial that nobody published proves nothing")
    w.enter(w.wanted() | {b"\x01\x01\x03\x0dstrange"})
    t.ok(w.look()["ds_alarm"] and [x for x in w.json["todo"] if x["act"] == "ds-alarm"], "a DS of nobody is an alarm")
    t.equal(w.command("accept-ds")[0], 1, "and cannot be accepted")


def OLD(w):
    """A version of one key less."""
    from key_world import PUBLISH, SIGN_KEYS, SIGN_ZONE, Version
    zsk = max(w.version.dnskey - w.version.dnskey_sigs - w.version.data_sigs, default=None)
    keys = [((PUBLISH if k != zsk else 0) | (SIGN_KEYS if k in w.version.dnskey_sigs else 0) |
             (SIGN_ZONE if k in w.version.data_sigs else 0), k) for k in w.version.dnskey]
    return Version(w.version.serial - 1, keys)


def test_first(t, d):
    """Before anything is published, the parent is asked: it may have DS of somebody else."""
    w = World(d, keys=1)
    w.name = 1
    w.parent = {a: frozenset({ds(b"\x01\x01\x03\x0danother")}) for a in w.parent}
    w.start()
    t.equal((w.json["state"], w.keys()), ("waits", []), "nothing is signed, no key is made", str(w.json))
    t.ok("parent" in w.json["why"] and w.looks, "it waits for a look", str(w.json))
    t.ok(not w.json["hold"] and not any("operator" in x["why"] for x in w.json["waits"]), "and no operator holds it", str(w.json))
    w.look()
    t.ok(w.json["state"] == "waits" and w.json["ds_alarm"], "there are DS records of another signer: an alarm", str(w.json))
    w.jump(HOUR)
    t.equal(w.json["state"], "waits", "also in another life")
    w.parent = {a: frozenset() for a in w.parent}
    w.look()
    t.equal(w.json["state"], "ready", "they are gone: it signs", str(w.json))


def test_timers(t, d):
    """Where time stands for eyes, it runs from when the zone was served: one that is refused reaches nobody."""
    w = World(d, timers_child=1)
    w.serves = False
    w.start()
    w.jump(40 * DAY)
    t.equal((w.json["ds_want"], w.json["todo"]), ([], []), "a zone that was never served wants no DS")
    t.equal(w.command("accept-ds")[0], 1, "a DS set that nobody has looked at is not accepted")
    w.serves = True
    w.tell_published()
    w.show()
    t.equal(w.json["ds_want"], [], "nor at once when it is")
    w.jump(2 * DAY)
    w.jump(2 * DAY)
    t.equal(len(w.json["ds_want"]), 1, "but in time")


def test_commands(t, d):
    w = secured(d)
    zsk = w.keys(role="ZSK")[0]
    t.equal(w.command("dance")[0], 2, "a command that is none")
    t.equal(w.command("roll")[0], 2, "a roll of no key")
    t.equal(w.command("override", detail="example.jp")[0], 1, "an override of nothing")
    t.equal(w.command("override", detail="example.com")[0], 2, "or of another zone")
    code, text, _ = w.command("roll", "Knone")
    t.ok(code == 1 and zsk["name"] in text, "the keys that there are are told", text)
    t.equal(w.command("hold")[0], 0, "hold")
    w.command("roll", "zsk")
    t.ok(not w.go(lambda w: len(w.keys()) > 2, rounds=3), "nothing moves", str(w.json))
    t.ok(w.json["hold"] and w.json["held"] and any("operator" in x["why"] for x in w.json["waits"]), "and it is told why")
    t.equal(w.command("release")[0], 0, "release")
    t.ok(w.go(lambda w: len(w.keys()) > 2, rounds=3), "then it does", str(w.json))
    t.equal(w.command("cancel", str(zsk["number"]))[0], 0, "and is cancelled")
    t.ok(w.go(lambda w: World.at_rest(w) and len(w.keys()) == 2), "to the end", str(w.json))
    t.equal(w.keys(role="ZSK")[0]["number"], zsk["number"], "with the old key")
    said = [j for e, j in w.audit if e == "key-command"]
    t.ok(all(j["who"] == "test" for j in said) and {"hold", "release", "cancel", "roll", "dance"} <=
         {j["verb"] for j in said}, "all of it is in the audit log, with who", str(said))


def offer(old, w, role):
    """What zone import leaves for a service: a state of the keys, with the end of a life."""
    with open(os.path.join(old.zone, "state")) as f:
        lines = [line for line in f if not line.startswith("sum ")]
    end = w.now() + 3 * DAY
    keys = [i for i, line in enumerate(lines) if line.startswith("key ")]
    number = next(lines[i].split()[1] for i in keys if lines[i].split()[2] == role)
    for i in keys:
        words = lines[i].split(" ")
        lines[i] = " ".join(words[:6] + ["1"] + words[7:])	# a backup is where they came from
    lines.insert(keys[-1] + 1, "end %s %d\n" % (number, end))
    text = "".join(lines)
    with open(os.path.join(w.zone, "imported"), "w") as f:
        f.write(text + "sum %s\n" % hashlib.sha256(text.encode()).hexdigest())
    return end


def test_import(t, d):
    """Keys of another signer, in use: taken over as they are, and nothing moves too early."""
    from key_world import PUBLISH, SIGN_KEYS, SIGN_ZONE, Version
    there, here = os.path.join(d, "there"), os.path.join(d, "here")
    os.mkdir(there)
    old = secured(there)
    old.stop()
    w = World(here)
    os.makedirs(w.zone)
    for f in os.listdir(old.zone):
        if f.endswith((".pem", ".key")):
            shutil.copy(os.path.join(old.zone, f), w.zone)
    keys = [(PUBLISH | (SIGN_KEYS if k in old.version.dnskey_sigs else SIGN_ZONE), k) for k in old.version.dnskey]
    w.version = Version(500, keys)
    w.serial, w.offset, w.caches, w.parent = 500, old.offset, [], old.parent
    w.sync()
    w.meant_secure = True
    w.start()
    t.equal(w.json["state"], "cannot", "keys without a state are not used")
    end = offer(old, w, "zsk")
    code, text, n = w.command("import-done")
    t.equal((code, n), (0, 2), "they are imported", text)
    t.ok(not os.path.exists(os.path.join(w.zone, "imported")), "what the import said of them is taken")
    w.show()
    t.equal([k["retires"] for k in w.keys(role="ZSK")], [end], "with the end that was planned", str(w.json))
    t.equal(w.show()["state"], "waits", "and wait until the servers were seen")
    t.ok(w.json["unproven"] and all(k["backed_up"] for k in w.json["keys"]), "with nothing proven", str(w.json))
    w.silent.add("198.51.100.2")
    t.ok(w.look()["unproven"], "all of them")
    w.silent.clear()
    w.look()
    t.equal((w.json["unproven"], w.json["state"]), (False, "ready"), "then what they have goes on", str(w.json))
    t.equal(w.version.dnskey, old.version.dnskey, "with the same keys")
    t.equal(w.command("roll", "zsk")[0], 0, "a roll is asked for")
    zsk = w.keys(role="ZSK")[0]["number"]
    t.ok(w.json["held"] and w.look()["held"], "and waits for the longest TTL")
    t.ok(w.go(lambda w: World.at_rest(w) and not w.keys(number=zsk)), "then it goes to its end", str(w.json))
    t.equal(w.command("import-done"), (0, "", 0), "nothing new is no failure")
    t.equal(w.look()["unproven"], False, "and changes nothing")


def test_kills(t, d):
    """kill -9 at any moment: no key is lost, none is used before its time (World.judge)."""
    w, dice = secured(d), random.Random(7)
    roll, n = 0, 0
    while n < 16:
        if World.at_rest(w) and len(w.keys()) == 2:
            roll += 1
            w.command("roll", dice.choice(("zsk", "ksk")))
        w.sync()
        w.role.send("seen", "name", zone=b"\x07example\x02jp\x00", at=w.now(), seen=__import__("role_kit").memfd(w.observation()))
        if dice.random() < 0.7:
            w.role.idle(dice.random() * 0.01)
            n += 1
            w.stop(kill=True)
        else:
            w.look()
            if not w.json["ds_done"]:
                w.follow()
                w.look()
        until = w.json["next"]
        w.jump(min(max(until - w.now(), 0) + 1, 30 * DAY) if until else HOUR)
        if w.json["state"] != "ready":
            t.ok(False, "killed %d times: not usable" % n, str((w.json, w.role.log)))
            return
        private = {k["name"] + ".pem" for k in w.json["keys"]}
        if not private <= w.files():
            t.ok(False, "killed %d times: a key is lost" % n, str((private, w.files())))
            return
    t.ok(roll > 0, "killed %d times, in %d rolls: no key lost, never bogus" % (n, roll))
    t.ok(w.go(World.at_rest), "and it comes to rest", str(w.json))


def main():
    t = Tap()
    for test in (test_timers, test_zsk, test_ksk_cds, test_epp, test_algorithm, test_insecure, test_emergency, test_eyes, test_first,
                 test_commands, test_import, test_kills):
        if sys.argv[1:] and test.__name__ not in sys.argv[1:]:
            continue
        with tempfile.TemporaryDirectory(prefix="sekisho-key-") as d:
            t.case(test, t, d)
            stop_all()
    return t.done()


if __name__ == "__main__":
    sys.exit(main())
