#!/usr/bin/env python3
"""What to enter at the registrar: zone status and zone keys --enter, as the registry takes it."""
import base64
import hashlib
import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from test_zone_status import DS, KEY, OLD_DS, TODO, ZONE, Place, told  # noqa: E402
import house  # noqa: E402

PUBLIC = bytes(range(64))
RDATA = b"\x01\x01\x03\x0d" + PUBLIC
OLD_KEY = ZONE + " IN DNSKEY 257 3 13 BBBB"


def tag_of(rdata):
    n = sum(b << (0 if i & 1 else 8) for i, b in enumerate(rdata))
    return (n + (n >> 16)) & 0xffff


def digest(make):
    return make(b"\x07example\x02jp\x00" + RDATA).hexdigest().upper()


WANT = {"tag": tag_of(RDATA), "alg": 13, "digest_type": 2, "digest": digest(hashlib.sha256), "flags": 257,
        "public_key": base64.b64encode(PUBLIC).decode()}
DS2 = "%s IN DS %d 13 2 %s" % (ZONE, tag_of(RDATA), digest(hashlib.sha256))
DS4 = "%s IN DS %d 13 4 %s" % (ZONE, tag_of(RDATA), digest(hashlib.sha384))
DNSKEY = "%s IN DNSKEY 257 3 13 %s" % (ZONE, WANT["public_key"])


def zone(form, registry="jp", digests=1 << 2, want=(WANT,), **more):
    return told(form=form, registry=registry, digests=digests, ds_want=list(want), **more)


def test_enter(t, d):
    p = Place(d)
    p.start(t)

    def enter(what, *args):
        p.put("told.json", what)
        return p.run("zone", "keys", "example.jp", "--enter", *args)

    code, out, err = enter(zone("ds"))
    t.ok(code == 0 and DS2 in out and "Key Tag: %d\n" % WANT["tag"] in out and "Digest: %s\n" % WANT["digest"] in out and
         "DNSKEY" not in out, "a registry of DS records: its four fields", out + err)
    code, out, err = enter(zone("key"))
    t.ok(code == 0 and DNSKEY in out and "Flags: 257\n" in out and "Protocol: 3\n" in out and
         "Public Key: %s\n" % WANT["public_key"] in out and " DS " not in out.replace("the DS itself", ""),
         "one of keys: the key's four", out + err)
    code, out, err = enter(zone("", ""))
    t.ok(code == 0 and DS2 in out and DNSKEY in out, "both where nobody knows", out + err)
    code, out, err = enter(zone("ds", digests=1 << 2 | 1 << 4))
    t.ok(DS2 in out and DS4 in out, "two digest types", out + err)
    code, out, err = enter(zone("key", digests=1 << 4), "--json")
    t.equal(json.loads(out), {ZONE: {"form": "key", "registry": "jp", "ds": [DS4], "dnskey": [DNSKEY]}}, "as JSON: both, and the form")
    code, out, err = enter(zone("ds", want=()))
    t.ok(code == 0 and out.count("\n") == 2, "no DS at all", out + err)
    code, out, err = enter(zone("ds", want=({"alg": 13, "flags": 257, "public_key": "!!"}, {}, 7)))
    t.ok(code == 0 and " IN " not in out, "what is told wrongly is not shown", out + err)
    t.equal(p.run("zone", "keys", "example.jp", "--enter", "--backed-up")[0], 2, "not both at once")

    def status(**more):
        p.put("told.json", told(todo=[dict(TODO, add_keys=[KEY], del_keys=[OLD_KEY], **more)], ds_done=False))
        return p.run("zone", "status")[1]

    out = status(form="key", registry="de")
    t.ok(KEY in out and OLD_KEY in out and DS not in out and OLD_DS not in out, "a demand for a registry of keys: only keys", out)
    out = status(form="ds", registry="uk")
    t.ok(DS in out and OLD_DS in out and KEY not in out and OLD_KEY not in out, "of DS: only those", out)
    out = status(form="", registry="")
    t.ok(DS in out and OLD_DS in out and KEY in out, "of one that nobody knows: DS, and the keys", out)


if __name__ == "__main__":
    sys.exit(house.cases(test_enter))
