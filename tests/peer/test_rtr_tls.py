#!/usr/bin/env python3
"""
RTR over TLS with other implementations: our client at StayRTR, StayRTR's
rtrdump at our server. What routers of Debian 12 can do besides TCP: BIRD
2.0.12 and rtrlib 0.8 (FRR, rtrclient) SSH, OpenBGPD 7.7 nothing; TCP-MD5 for
RTR came to BIRD later. So TCP-MD5 is tested against sockets by hand, in
tests/cli/test_rtr_tls.py.
"""
import json
import os
import sys
import tempfile

import peers
from peers import SRC
from rtrserver import NEVER, Process, free_port, listening, wait_for, world
from tap import Tap

sys.path.insert(0, os.path.join(SRC, "tests", "cli"))
import certs  # noqa: E402

ROAS = {(64496, "192.0.2.0/24", 24), (64497, "198.51.100.0/22", 24), (64498, "2001:db8::/32", 48)}
tap = Tap()


def our_client(folder, ca):
    if peers.missing("stayrtr"):
        tap.skip("stayrtr", "stayrtr is not installed")
        return
    path = os.path.join(folder, "vrps.json")
    with open(path, "w") as f:
        json.dump(world(ROAS), f)
    tls, plain = free_port(), free_port()
    server = Process([peers.find("stayrtr"), "-bind", "127.0.0.1:%d" % plain,
                      "-tls.bind", "127.0.0.1:%d" % tls, "-tls.cert", ca.path("srv.pem"),
                      "-tls.key", ca.path("srv.key"), "-cache", path, "-checktime=false",
                      "-metrics.addr", "127.0.0.1:%d" % free_port()], os.path.join(folder, "log"))
    try:
        for version in (0, 1):
            out = os.path.join(folder, "v%d.csv" % version)
            good = wait_for(lambda: fetch(tls, version, out, "--ca", ca.cert), 20, 0.5)
            tap.ok(good and peers.vrps_csv(out) == ROAS,
                   "rtr fetch takes the full set from stayrtr over TLS, version %d" % version,
                   server.text()[-500:])
        tap.ok(not fetch(tls, 1, out, "--ca", ca.cert, "--name", "other.example"), "not under another name")
        tap.ok(not fetch(tls, 1, out), "nor by the system's authorities")
    finally:
        server.stop()


def fetch(port, version, out, *argv):
    r = peers.run([peers.sekisho(), "rtr", "fetch", "127.0.0.1:%d" % port, "--tls", "--version",
                   str(version), "-o", "csv=" + out, *argv], seconds=30)
    return r.status == 0


def our_server(folder, ca, other):
    if peers.missing("rtrdump"):
        tap.skip("rtrdump", "stayrtr's rtrdump is not installed")
        return
    path, port = os.path.join(folder, "ours.json"), free_port()
    with open(path, "w") as f:
        json.dump(world(ROAS, expires=NEVER), f)
    server = Process([peers.sekisho(), "rtr", "serve", "--vrps", path, "--tls-listen",
                      "127.0.0.1:%d" % port, "--tls-cert", ca.path("srv.pem"), "--tls-key",
                      ca.path("srv.key")], os.path.join(folder, "ours.log"))
    try:
        wait_for(lambda: listening(port), 20)
        for version in (0, 1):
            tap.equal(dump(folder, port, version, ca.cert), ROAS,
                      "rtrdump has the full set over TLS, version %d" % version)
        tap.equal(dump(folder, port, 1, other.cert), None, "but not with another authority")
    finally:
        server.stop()


def dump(folder, port, version, authority):
    """What rtrdump writes; None if it wrote nothing."""
    out = os.path.join(folder, "dump.json")
    if os.path.exists(out):
        os.unlink(out)
    peers.run([peers.find("rtrdump"), "-connect", "127.0.0.1:%d" % port, "-type", "tls",
               "-rtr.version", str(version), "-file", out],
              env=dict(os.environ, SSL_CERT_FILE=authority, SSL_CERT_DIR="/nowhere"), seconds=30)
    if not os.path.exists(out):
        return None
    with open(out) as f:
        rows = json.load(f)["roas"]
    return {(int(str(r["asn"]).removeprefix("AS")), r["prefix"], r["maxLength"]) for r in rows}


def main():
    with tempfile.TemporaryDirectory(prefix="sekisho-peer-") as folder:
        ca, other = certs.Authority(folder), certs.Authority(folder, "other")
        ca.leaf("srv", "DNS:rtr.example", "IP:127.0.0.1")
        tap.case(our_client, folder, ca)
        tap.case(our_server, folder, ca, other)
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
