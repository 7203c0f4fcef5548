"""A small world of payloads, and servers that bring it to routers."""
import base64
import hashlib
import ipaddress
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lab"))
import peers  # noqa: E402
from patience import free_port, patient, stays, wait_for  # noqa: E402,F401

NEVER = 4102444800		# 2100-01-01


def router_keys(n, seed=1):
    """n keys (asn, ski, spki) of the form of RFC 8608: some of one AS, some of
    one key for two ASes."""
    rng = random.Random(seed)
    head = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d030107034200")
    out = []
    for i in range(n):
        bits = b"\4" + rng.randbytes(64)
        out.append((64496 + i // 2, hashlib.sha1(bits).digest(), head + bits))
        if i % 3 == 0:
            out.append((65551 + i, out[-1][1], out[-1][2]))
    return out


def world(roas, aspas=(), expires=NEVER, keys=()):
    """JSON in the layout of rpki-client: roas (asn, prefix, maxlen), aspas
    (customer, [providers]), keys (asn, ski, spki)."""
    return {
        "metadata": {"buildtime": "2026-11-21T00:00:00Z", "vrps": len(roas)},
        "roas": [{"asn": a, "prefix": p, "maxLength": m, "ta": "lab", "expires": expires}
                 for a, p, m in roas],
        "bgpsec_keys": [{"asn": a, "ski": ski.hex().upper(),
                         "pubkey": base64.b64encode(spki).decode(), "ta": "lab",
                         "expires": expires} for a, ski, spki in keys],
        "aspas": [{"customer_asid": c, "expires": expires, "providers": list(ps)}
                  for c, ps in aspas],
    }


def many_roas(n, seed=1):
    """n different VRPs of both families, in no order, with near relatives:
    same prefix under several AS numbers and maximum lengths, AS 0 too."""
    rng = random.Random(seed)
    out = set()
    while len(out) < n:
        v6 = rng.random() < 0.4
        bits = 128 if v6 else 32
        plen = rng.randint(20, 48) if v6 else rng.randint(8, 24)
        # Global unicast: routers rightly drop the rest.
        high = (0x20 | rng.getrandbits(5)) if v6 else rng.choice((1, 41, 80, 126, 185, 223))
        addr = high << (bits - 8) | rng.getrandbits(bits - 8)
        addr = addr >> (bits - plen) << (bits - plen)
        net = (ipaddress.IPv6Address if v6 else ipaddress.IPv4Address)(addr)
        for _ in range(rng.randint(1, 3)):
            mlen = rng.randint(plen, min(bits, plen + 8))
            asn = rng.choice((0, 64496, 4294967295, rng.getrandbits(32)))
            out.add((asn, "%s/%d" % (net, plen), mlen))
            if len(out) == n:
                break
    out = sorted(out)
    rng.shuffle(out)
    return out


class Process:
    """A program that is stopped at the end whatever happens."""

    def __init__(self, argv, log, env=None, cwd=None):
        self.log_path = log
        self.log = open(log, "wb")
        self.p = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=self.log,
                                  stderr=subprocess.STDOUT, env=env, cwd=cwd)

    @property
    def pid(self):
        return self.p.pid

    def alive(self):
        return self.p.poll() is None

    def text(self):
        with open(self.log_path, errors="replace") as f:
            return f.read()

    def stop(self, sig=signal.SIGTERM, seconds=10):
        if self.alive():
            self.p.send_signal(sig)
            try:
                self.p.wait(patient(seconds))
            except subprocess.TimeoutExpired:
                self.p.kill()
                self.p.wait()
        self.log.close()
        peers.faketime_done(self.pid)
        return self.p.returncode


def listening(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
        return True
    except OSError:
        return False


class Server:
    """`sekisho rtr serve` on a file in a folder of its own."""

    host = "127.0.0.1"

    def __init__(self, content, options=(), seconds=20):
        self.dir = tempfile.TemporaryDirectory(prefix="sekisho-rtr-")
        os.chmod(self.dir.name, 0o755)
        self.path = os.path.join(self.dir.name, "vrps.json")
        self.put(content)
        self.port = free_port()
        self.process = Process(
            [peers.sekisho(), "rtr", "serve", "--vrps", self.path,
             "--listen", "127.0.0.1:%d" % self.port] + list(options),
            os.path.join(self.dir.name, "log"))
        if not wait_for(lambda: not self.process.alive() or listening(self.port), seconds) \
                or not self.process.alive():
            text = self.process.text()
            self.stop()
            raise RuntimeError("sekisho rtr serve did not start: " + text)

    def put(self, content):
        """Replace the file at once, as a validator does."""
        new = self.path + ".new"
        with open(new, "w") as f:
            json.dump(content, f)
        os.rename(new, self.path)

    def stop(self, sig=signal.SIGTERM):
        rc = self.process.stop(sig)
        self.dir.cleanup()
        return rc

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.stop()
