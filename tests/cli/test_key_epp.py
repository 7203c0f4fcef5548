#!/usr/bin/env python3
"""What the key role hands to the hook for DS changes: DS or keys, all or the difference, more digests, urgent."""
import base64
import hashlib
import os
import sys
import tempfile
import xml.etree.ElementTree as ET

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from key_world import HOUR, World, ds, stop_all, tag  # noqa: E402
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "peer"))
from tap import Tap  # noqa: E402

SECDNS = "{urn:ietf:params:xml:ns:secDNS-1.1}"
EPP, REGISTRY, KEY, DS_KEY, DIFFERENCE, BOTH, COMPROMISED = 1, 0, 2, 3, 1, 2, 1


def command(text):
    """{"rem": [...], "add": [...], "chg": seconds, "urgent": bool}: records as data, "all" for all."""
    update = ET.fromstring(text).find(".//%supdate" % SECDNS)
    out = {"urgent": update.get("urgent") == "true"}
    for part in update:
        name = part.tag[len(SECDNS):]
        if name == "chg":
            out[name] = int(part[0].text)
            continue
        out[name] = ["all" if e.tag == SECDNS + "all" else key(e) if e.tag == SECDNS + "keyData" else
                     (ds_of(e), [key(k) for k in e.findall(SECDNS + "keyData")]) for e in part]
    return out


def of(e, name):
    return e.find(SECDNS + name).text


def key(e):
    return int(of(e, "flags")).to_bytes(2, "big") + bytes([int(of(e, "protocol")), int(of(e, "alg"))]) + \
        base64.b64decode(of(e, "pubKey"))


def ds_of(e):
    return int(of(e, "keyTag")).to_bytes(2, "big") + bytes([int(of(e, "alg")), int(of(e, "digestType"))]) + \
        bytes.fromhex(of(e, "digest"))


def ds4(rdata):
    return tag(rdata).to_bytes(2, "big") + bytes([rdata[3], 4]) + \
        hashlib.sha384(b"\x07example\x02jp\x00" + rdata).digest()


def rolled(w, old):
    return lambda w: World.at_rest(w) and not w.keys(number=old["number"])


def test_difference(t, d):
    """A registry of DS records, told what differs; then both digests, with keys inside."""
    w = World(d, keys=1, ds_handover=EPP, ds_interface=REGISTRY, epp_change=DIFFERENCE)
    w.name = 1				# role name is there: a difference waits for its first look
    w.start()
    t.ok(w.go(World.at_rest), "secured", str(w.json))
    w.settle()
    first, = w.wanted()
    t.equal(command(w.hooks[0]), {"urgent": False, "add": [(ds(first), [])]}, "an empty parent: the DS is added")
    old, n = w.keys()[0], len(w.hooks)
    w.command("roll", "csk")
    t.ok(w.go(rolled(w, old)), "a roll", str(w.json))
    new, = w.wanted()
    t.equal([command(h) for h in w.hooks[n:]],
            [{"urgent": False, "rem": [(ds(first), [])], "add": [(ds(new), [])]}], "the old one goes, the new one comes, no more")

    w.jump(HOUR, ds_digests=BOTH, ds_interface=DS_KEY)
    old, n = w.keys()[0], len(w.hooks)
    w.command("roll", "csk")
    t.ok(w.go(rolled(w, old)), "a roll with both digests", str(w.json))
    newer, = w.wanted()
    t.equal([command(h) for h in w.hooks[n:]],
            [{"urgent": False, "rem": [(ds(new), [new])], "add": [(ds(newer), [newer]), (ds4(newer), [newer])]}],
            "two DS of one key, with the key in each")

    w.hook_code = 1				# it fails, but the registry has it all the same
    old, n = w.keys()[0], len(w.hooks)
    w.command("roll", "csk")
    t.ok(w.go(lambda w: len(w.hooks) > n, registrar=False), "another roll", str(w.json))
    for a in w.parent:
        w.parent[a] = frozenset(x for k in w.wanted() for x in (ds(k), ds4(k)))
    w.serve()
    w.hook_code = 0
    t.ok(w.go(rolled(w, old)), "a DS set with both digests is known again", str(w.json))
    t.equal(len(w.hooks), n + 1, "what the parent has already is not sent again")


def test_keys(t, d):
    """A registry that takes keys; the wish for signatures; haste when a key is compromised."""
    w = World(d, keys=1, ds_handover=EPP, ds_interface=KEY, epp_max_sig_life=86400, epp_urgent=COMPROMISED).start()
    t.ok(w.go(World.at_rest), "secured", str(w.json))
    w.settle()
    first, = w.wanted()
    t.equal(command(w.hooks[0]), {"urgent": False, "rem": ["all"], "add": [first], "chg": 86400},
            "the key itself in the place of all, and the wish")
    old, n = w.keys()[0], len(w.hooks)
    w.command("compromised", str(old["tag"]))
    t.ok(w.go(rolled(w, old)), "a compromised key is followed", str(w.json))
    new, = w.wanted()
    t.equal(command(w.hooks[-1]), {"urgent": True, "rem": ["all"], "add": [new], "chg": 86400}, "with haste")
    w.stop()
    t.ok("left out" not in str(w.log), "and nothing was left out", str(w.log))


def test_person(t, d):
    """The same, told to a person."""
    w = World(d, keys=1, ds_interface=REGISTRY, ds_digests=BOTH).start()
    t.ok(w.go(lambda w: w.json["todo"], registrar=False), "a person is asked", str(w.json))
    todo, k = w.json["todo"][0], w.set["keys"][0][1]
    t.equal((todo["form"], todo["registry"]), ("ds", "jp"), "for a registry of DS records")
    t.equal([line.split()[5] for line in todo["ds"]], ["2", "4"], "both digests")
    t.equal((len(todo["add"]), len(todo["add_keys"]), todo["del_keys"]), (2, 1, []), "DS and keys to add")
    want, = w.json["ds_want"]
    t.equal((want["flags"], base64.b64decode(want["public_key"])), (257, k[4:]), "and the key itself")
    w.jump(HOUR, ds_interface=KEY, ds_digests=0)
    w.show()
    t.equal((w.json["form"], w.json["registry"], w.json["digests"]), ("key", "", 4), "the policy knows better")


def test_stronger(t, d):
    """A stronger digest of a key that is not published yet would make the weaker one of the old key count for nothing."""
    w = World(d, ksk_roll=1).start()
    t.ok(w.go(World.at_rest), "secured", str(w.json))
    w.settle()
    old = w.keys(role="KSK")[0]
    w.jump(HOUR, ds_digests=BOTH)
    w.command("roll", "ksk")
    t.ok(w.go(lambda w: w.json["todo"], registrar=False), "double-DS: both keys are to have a DS", str(w.json))
    add = [line.split()[3:6:2] for line in w.json["todo"][0]["add"]]
    new, = (k["tag"] for k in w.keys(role="KSK") if k["number"] != old["number"])
    t.equal(add, [[str(tag), kind] for tag in (old["tag"], new) for kind in "24"], "the old key gets the stronger digest first")


def main():
    t = Tap()
    for test in (test_difference, test_keys, test_person, test_stronger):
        if sys.argv[1:] and test.__name__ not in sys.argv[1:]:
            continue
        with tempfile.TemporaryDirectory(prefix="sekisho-epp-") as d:
            t.case(test, t, d)
            stop_all()
    return t.done()


if __name__ == "__main__":
    sys.exit(main())
