#!/usr/bin/env python3
"""Hundreds of zones in one service (SEKISHO_ZONES): all are published, told, and
kept; what changes is one zone's matter; more than there may be are refused."""
import json
import os
import re
import socket
import sys
import urllib.request

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import house  # noqa: E402
from patience import free_port, patient  # noqa: E402

N = int(os.environ.get("SEKISHO_ZONES", 200))
LIMIT = 16384
ZONE = """$TTL 3600
@ SOA ns1.example.net. host.example.net. 1 7200 1800 1209600 300
@ NS ns1.example.net.
www A %s
"""
CONF = """state: state
log:
  op: op.log
web:
  listen: 127.0.0.1:%d
dns:
  listen: 127.0.0.1:%d
  look-interval: 0
  policies:
    - {name: p, algorithm: 13, denial: nsec, backup-required: no}
  zones:
"""
ROW = "    - {name: z%d.example, file: zones/z%d, policy: p, allow-transfer: 127.0.0.0/8}\n"


class Many(house.House):
    def __init__(self, folder):
        self.xfr = free_port()
        super().__init__(folder)
        os.mkdir(os.path.join(folder, "zones"))
        for i in range(N + 1):
            self.zone_write(i, "192.0.2.1")
        self.zones_write(N)

    def zones_write(self, n):
        with open(self.conf + ".new", "w") as f:
            f.write(CONF % (self.ports[1], self.xfr) + "".join(ROW % (i, i) for i in range(n)))
        os.replace(self.conf + ".new", self.conf)

    def zone_write(self, i, address):
        path = os.path.join(self.folder, "zones", "z%d" % i)
        with open(path + ".new", "w") as f:
            f.write(ZONE % address)
        os.replace(path + ".new", path)

    def part(self, role):
        """The status of a role, by the control socket; {} while it is not there."""
        try:
            with socket.socket(socket.AF_UNIX) as s:
                s.settimeout(patient(20))
                s.connect(os.path.join(self.state, "control"))
                s.sendall(b"status\n")
                out = b""
                while got := s.recv(65536):
                    out += got
            rows = [json.loads(x) for x in out.splitlines()]
            return next((r["status"] for r in rows if r.get("role") == role), None) or {}
        except (OSError, ValueError):
            return {}

    def good(self, n):
        z = self.part("zone")
        return (z.get("zones"), z.get("good")) == (n, n)

    def ask(self, path):
        try:
            with urllib.request.urlopen("http://127.0.0.1:%d%s" % (self.ports[1], path), timeout=patient(20)) as r:
                return r.read().decode()
        except OSError:
            return ""

    def told(self):
        """What `zone status` has: name to (state, serial)."""
        code, out, err = house.run("zone", "status", "--json", "-c", self.conf)
        assert code in (0, 1), err
        return {z["zone"]: (z["state"], z["serial"]) for z in json.loads(out)["zones"]}

    def keys(self):
        folder = os.path.join(self.state, "keys")
        return sorted(n for z in os.listdir(folder) for n in os.listdir(os.path.join(folder, z)) if n.endswith(".pem"))


def names(n):
    return {"z%d.example." % i for i in range(n)}


def page_total(h):
    zones = json.loads(h.ask("/api/v1/status") or "{}").get("zones") or {}
    return zones.get("total"), (zones.get("counts") or {}).get("good")


def test_many(t, d):
    h = Many(d)
    t.equal(house.run("conf", "check", "-c", h.conf)[0], 0, "so many zones are a configuration")
    h.start()
    t.ok(house.wait_for(lambda: h.good(N), 60), "all of them are published", h.log()[-2000:])
    first = h.told()
    t.equal({k: v[0] for k, v in first.items()}, {k: "good" for k in names(N)}, "zone status has each of them")
    t.ok(all(v[1] for v in first.values()), "with its serial")
    code, out, err = house.run("zone", "status", "--nagios", "-c", h.conf)
    t.ok(code == 0 and re.search(r"\bzones=%d\b" % N, out), "so does monitoring", out + err)
    t.ok(house.wait_for(lambda: page_total(h) == (N, N), 20), "the page counts them", page_total(h))
    t.equal(len(set(re.findall(r'^sekisho_zone_serial\{zone="([^"]+)"\}', h.ask("/metrics"), re.M))), N,
            "the metrics have each")
    made = [z["details"]["zone"] for z in h.audit() if z["event"] == "key-made"]
    t.equal((len(made), set(made)), (N, names(N)), "the audit log has lost no key")
    keys = h.keys()
    t.equal(len(keys), N, "each zone has one")

    before = h.part("zone")["versions"]
    h.zone_write(7, "192.0.2.2")
    t.ok(house.wait_for(lambda: h.part("zone").get("versions") == before + 1, 30), "one file changes: one version more")
    now = h.told()
    t.equal({k for k in now if now[k] != first[k]}, {"z7.example."}, "of that zone")

    h.zones_write(N + 1)
    code, _, err = house.run("reload", "-c", h.conf)
    t.equal(code, 0, "a reload adds one", err)
    t.ok(house.wait_for(lambda: h.good(N + 1), 60), "all and that one are published", h.log()[-2000:])
    more = h.told()
    t.equal({k for k in more if more[k] != now.get(k)}, {"z%d.example." % N}, "the others are as they were")
    t.ok(house.wait_for(lambda: page_total(h) == (N + 1, N + 1), 40), "the page knows it", page_total(h))

    for role in ("key", "web", "zone"):
        t.ok(h.kill_role(role), "kill -9 of " + role)
        t.ok(house.wait_for(lambda: h.good(N + 1) and h.part("key").get("ready") == N + 1, 60),
             "it lives on with all zones", h.log()[-2000:])
    t.ok(house.wait_for(lambda: page_total(h) == (N + 1, N + 1), 40), "the page was told again", page_total(h))
    house.wait_for(lambda: h.told() == more, 60)	# the killed role's last word may have been what was good
    t.equal(h.told(), more, "nothing was published anew")
    t.ok(len(h.keys()) == N + 1 and set(keys) < set(h.keys()), "and no key was made or lost")

    h.zones_write(2)
    t.equal(house.run("reload", "-c", h.conf)[0], 0, "all but two are taken out")
    t.ok(house.wait_for(lambda: page_total(h) == (2, 2), 40), "nothing is told of those", page_total(h))
    t.equal(h.told(), {k: more[k] for k in names(2)}, "the two stay")
    t.equal(h.stop()[0], 0, "it ends well")


def test_too_many(t, d):
    path = os.path.join(d, "conf")
    with open(path, "w") as f:
        f.write("dns:\n  zones:\n" + "".join("    - {name: z%d.example, file: z}\n" % i for i in range(LIMIT + 1)))
    code, out, err = house.run("conf", "check", path)
    t.ok(code != 0 and ("%s:%d:" % (path, LIMIT + 3)) in out + err, "one too many has its line", out + err)


if __name__ == "__main__":
    sys.exit(house.cases(test_many, test_too_many))
