#!/usr/bin/env python3
"""
Where nobody looks (look-interval 0) and timers stand for eyes, keys go their way in the running service
by themselves: nothing else wakes the key role.
"""
import json
import os
import sys

import house
from house import House, run, wait_for

TEXT = "$TTL 3\n@ SOA ns host 1 3600 900 604800 3\n@ NS ns\nns A 192.0.2.54\n"
CONF = """dns:
  look-interval: 0
  zones:
    - {name: x.test, file: x.zone, output: x.signed, policy: p}
  policies:
    - {name: p, keys: split, backup-required: no, zsk-lifetime: 0, ksk-lifetime: 0, dnskey-ttl: 3, max-zone-ttl: 3,
       publish-safety: 0, retire-safety: 0, child-propagation: %d, parent-propagation: 1, registration-delay: 2,
       parent-ds-ttl: 1, timers-child: yes, timers-parent: yes}
"""


def keys_of(h):
    code, out, _ = run("zone", "status", "x.test", "--json", "-c", h.conf)
    return json.loads(out)["zones"][0]["keys"] if code == 0 else []


def goes(t, d, propagation):
    with open(os.path.join(d, "x.zone"), "w") as f:
        f.write(TEXT)
    house.lab(d)
    h = House(d, CONF % propagation)
    h.start()
    try:
        done = wait_for(lambda: [k["ds"][0] for k in keys_of(h) if k["role"] == "KSK"] == ["omnipresent"], 60, 0.5)
        t.ok(done, "child-propagation %d: the DS set is everywhere in time" % propagation,
             str(keys_of(h)) + h.log()[-1500:])
    finally:
        h.stop()


def test_none(t, d):
    goes(t, d, 0)


def test_some(t, d):
    goes(t, d, 2)


if __name__ == "__main__":
    sys.exit(house.cases(test_none, test_some))
