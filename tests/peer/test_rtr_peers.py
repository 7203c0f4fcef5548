#!/usr/bin/env python3
"""Routers of others take the full set from our RTR server and follow a delta.

BIRD, OpenBGPD and librtr's rtrclient are started here by hand, on loopback,
each with a configuration of its own; services of their packages are not used.
"""
import ipaddress
import json
import os
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import peers
from rtrserver import Process, Server, free_port, many_roas, patient, router_keys, wait_for, world
from tap import Tap

tap = Tap()

FIRST = many_roas(400, seed=11)
# Some stay, some go, some get another maximum length, some are new.
SECOND = FIRST[60:] + [(a, p, m + 1 if m < 24 else m) for a, p, m in FIRST[:20]
                       if (a, p, m + 1 if m < 24 else m) not in FIRST[60:]] + \
    [r for r in many_roas(50, seed=12) if r not in FIRST]
SECOND = list(dict.fromkeys(SECOND))
# They have no use for BGPsec; none may stumble over its keys.
KEYS = router_keys(6)
SECONDS = 30


def normal(asn, prefix, mlen):
    return (int(asn), str(ipaddress.ip_network(prefix)), int(mlen))


def ask(argv):
    r = subprocess.run(argv, capture_output=True, text=True, timeout=patient(30))
    return r.stdout


class Bird:
    name = "BIRD"
    programs = ("bird", "birdc")

    def __init__(self, folder, port):
        self.ctl = os.path.join(folder, "bird.ctl")
        conf = os.path.join(folder, "bird.conf")
        with open(conf, "w") as f:
            f.write("log stderr all;\nrouter id 192.0.2.1;\n"
                    "roa4 table r4;\nroa6 table r6;\nprotocol device { }\n"
                    "protocol rpki cache {\n"
                    "\troa4 { table r4; };\n\troa6 { table r6; };\n"
                    "\tremote 127.0.0.1 port %d;\n"
                    "\tretry keep 5;\n\trefresh keep 3600;\n\texpire keep 7200;\n}\n" % port)
        self.process = Process([peers.find("bird"), "-f", "-c", conf, "-s", self.ctl,
                                "-P", os.path.join(folder, "bird.pid")],
                               os.path.join(folder, "bird.log"))

    def birdc(self, *words):
        return ask([peers.find("birdc"), "-r", "-s", self.ctl] + list(words))

    def has(self, roas):
        got = set()
        for table in ("r4", "r6"):
            for m in re.finditer(r"^(\S+)/(\d+)-(\d+) AS(\d+)", self.birdc(
                    "show", "route", "table", table), re.M):
                got.add(normal(m[4], m[1] + "/" + m[2], m[3]))
        return got == set(roas)

    def version(self):
        m = re.search(r"Protocol version:\s+(\d)", self.birdc("show", "protocols", "all", "cache"))
        return int(m[1]) if m else None


class OpenBgpd:
    """It shows how many different prefixes it has, session and serial; not the set."""

    name = "OpenBGPD"
    programs = ("bgpd", "bgpctl")

    def __init__(self, folder, port):
        self.ctl = os.path.join(folder, "bgpd.sock")
        conf = os.path.join(folder, "bgpd.conf")
        with open(conf, "w") as f:
            f.write('AS 64496\nrouter-id 192.0.2.1\nlisten on 127.0.0.1 port %d\n'
                    'fib-update no\nsocket "%s"\nrtr 127.0.0.1 { port %d }\n'
                    % (free_port(), self.ctl, port))
        os.chmod(conf, 0o600)
        # Its chroot, which only the service of the package makes.
        os.makedirs("/run/openbgpd", exist_ok=True)
        self.process = Process([peers.find("bgpd"), "-d", "-v", "-f", conf],
                               os.path.join(folder, "bgpd.log"))

    def has(self, roas):
        m = re.search(r"^ROA\s+RPKI ROA\s+(\d+)\s+(\d+)", ask(
            [peers.find("bgpctl"), "-s", self.ctl, "show", "sets"]), re.M)
        prefixes = {p for _, p, _ in roas}
        v6 = sum(":" in p for p in prefixes)
        return m is not None and (int(m[1]), int(m[2])) == (len(prefixes) - v6, v6)

    def version(self):
        return None


class RtrClient:
    """librtr prints each announcement and withdrawal."""

    name = "librtr"
    programs = ("rtrclient", "stdbuf")

    def __init__(self, folder, port):
        self.process = Process([peers.find("stdbuf"), "-oL", peers.find("rtrclient"),
                                "tcp", "-p", "127.0.0.1", str(port)],
                               os.path.join(folder, "rtrclient.log"))

    def has(self, roas):
        got, doubled = set(), False
        for m in re.finditer(r"^([+-]) (\S+)\s+(\d+) -\s+(\d+)\s+(\d+)\s*$",
                             self.process.text(), re.M):
            vrp = normal(m[5], m[2] + "/" + m[3], m[4])
            doubled |= (vrp in got) == (m[1] == "+")
            (got.add if m[1] == "+" else got.discard)(vrp)
        return not doubled and got == set(roas)

    def version(self):
        return None


def case(peer_class):
    name = peer_class.name
    absent = peers.missing(*peer_class.programs)
    if absent is not None:
        tap.skip(name, "%s is not installed" % absent)
        return
    if peer_class is OpenBgpd and os.geteuid() != 0:
        tap.skip(name, "bgpd has to be started by root")
        return
    with tempfile.TemporaryDirectory(prefix="sekisho-peer-") as folder:
        os.chmod(folder, 0o755)
        with Server(world(FIRST, keys=KEYS)) as server:
            peer = peer_class(folder, server.port)
            try:
                tap.ok(wait_for(lambda: peer.has(FIRST), SECONDS, 0.3),
                       "%s takes the full set" % name, peer.process.text()[-2000:])
                if peer.version() is not None:
                    tap.equal(peer.version(), 1, "%s speaks the version it asked for" % name)
                server.put(world(SECOND, keys=KEYS[2:] + router_keys(2, seed=9)))
                tap.ok(wait_for(lambda: peer.has(SECOND), SECONDS, 0.3),
                       "%s follows a delta after Serial Notify" % name,
                       peer.process.text()[-2000:])
                tap.ok(peer.process.alive(), "%s is still there" % name)
            finally:
                peer.process.stop()


def case_export():
    """The whole table as librtr exports it."""
    if peers.missing("rtrclient"):
        tap.skip("librtr export", "rtrclient is not installed")
        return
    with tempfile.TemporaryDirectory(prefix="sekisho-peer-") as folder:
        out = os.path.join(folder, "vrps.csv")
        with Server(world(FIRST, keys=KEYS)) as server:
            peers.run([peers.find("rtrclient"), "-e", "-t", "csv", "-o", out,
                       "tcp", "127.0.0.1", str(server.port)], seconds=30)
        got = set()
        if os.path.exists(out):
            with open(out) as f:
                for m in re.finditer(r"^([0-9a-f.:]+), (\d+), (\d+), (-?\d+)", f.read(), re.M):
                    # Version 0.8 prints AS numbers as signed.
                    got.add(normal(int(m[4]) & 0xffffffff, m[1] + "/" + m[2], m[3]))
        tap.ok(got == set(FIRST), "librtr exports exactly what we serve",
               "%d of %d" % (len(got), len(FIRST)))


def case_our_client():
    """And ours: `sekisho rtr fetch` from stayrtr, versions 0 and 1."""
    if peers.missing("stayrtr"):
        tap.skip("stayrtr", "stayrtr is not installed")
        return
    with tempfile.TemporaryDirectory(prefix="sekisho-peer-") as folder:
        path = os.path.join(folder, "vrps.json")
        with open(path, "w") as f:
            json.dump(world(FIRST), f)
        port = free_port()
        server = Process([peers.find("stayrtr"), "-bind", "127.0.0.1:%d" % port, "-cache", path,
                          "-checktime=false", "-metrics.addr", "127.0.0.1:%d" % free_port()],
                         os.path.join(folder, "log"))
        try:
            for version in (0, 1):
                out = os.path.join(folder, "v%d.csv" % version)
                # It needs a moment to read its file.
                r = wait_for(lambda: fetch(port, version, out), 20, 0.5)
                tap.ok(r and peers.vrps_csv(out) == set(FIRST),
                       "rtr fetch takes the full set from stayrtr, version %d" % version)
        finally:
            server.stop()


def case_keys_round_trip():
    """A list with router keys, served, fetched and written again."""
    with tempfile.TemporaryDirectory(prefix="sekisho-peer-") as folder:
        with Server(world(FIRST[:5], keys=KEYS)) as server:
            for version in (0, 1, 2):
                out = os.path.join(folder, "v%d.json" % version)
                r = peers.run([peers.sekisho(), "rtr", "fetch", "127.0.0.1:%d" % server.port,
                               "--json", "--version", str(version), "-o", "json=" + out], seconds=30)
                with open(out) as f:
                    rows = json.load(f)["bgpsec_keys"]
                got = {(k["asn"], k["ski"], k["pubkey"]) for k in rows}
                sent = {(k["asn"], k["ski"], k["pubkey"])
                        for k in world([], keys=KEYS)["bgpsec_keys"]} if version > 0 else set()
                tap.ok(got == sent and json.loads(r.out)["router_keys"] == len(sent),
                       "version %d: the router keys that were served" % version, r.out + r.err)


def fetch(port, version, out):
    r = peers.run([peers.sekisho(), "rtr", "fetch", "127.0.0.1:%d" % port,
                   "--version", str(version), "-o", "csv=" + out], seconds=30)
    return r.status == 0


def main():
    if not os.path.exists(peers.sekisho()):
        tap.skip("peers", "sekisho is not built")
        return tap.done()
    for peer_class in (Bird, OpenBgpd, RtrClient):
        tap.case(case, peer_class)
    tap.case(case_export)
    tap.case(case_our_client)
    tap.case(case_keys_round_trip)
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
