#!/usr/bin/env python3
"""sekisho rtr serve and rtr fetch: files in, routers served, files out."""
import json
import os
import select
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import traceback

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lab"))
from patience import patient, wait_for  # noqa: E402

BUILD = os.environ.get("SEKISHO_BUILD", "build")
SEKISHO = os.path.join(BUILD, "sekisho")
NEVER = 4102444800
N = FAILED = 0


def ok(good, name, note=""):
    global N, FAILED
    N += 1
    FAILED += not good
    print("%sok %d - %s" % ("" if good else "not ", N, name), flush=True)
    if not good:
        print("# " + str(note)[:600].replace("\n", "\n# "), flush=True)


def run(*argv, timeout=60):
    return subprocess.run([SEKISHO, *argv], stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=patient(timeout))


class Serve:
    """`rtr serve` on a free port, until the end of the with block."""

    def __init__(self, *argv):
        self.p = subprocess.Popen([SEKISHO, "rtr", "serve", "--json", "--listen", "127.0.0.1:0",
                                   *argv], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, text=True)
        ready, _, _ = select.select([self.p.stdout], [], [], patient(20))
        line = self.p.stdout.readline() if ready else ""
        self.ready = json.loads(line) if line else {}
        self.address = self.ready.get("listen", ["?"])[0]

    def stop(self, signo=signal.SIGTERM):
        if self.p.poll() is None:
            self.p.send_signal(signo)
        try:
            _, self.err = self.p.communicate(timeout=patient(15))
        except subprocess.TimeoutExpired:
            self.p.kill()
            _, self.err = self.p.communicate()
        return self.p.returncode

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


def roas(n, expires=NEVER):
    return [{"asn": 64496 + i, "prefix": "10.%d.0.0/16" % i, "maxLength": 24, "ta": "lab",
             "expires": expires} for i in range(n)]


def write(path, doc):
    with open(path + ".new", "w") as f:
        f.write(doc if isinstance(doc, str) else json.dumps(doc))
    os.rename(path + ".new", path)


def fetch(address, *argv):
    r = run("rtr", "fetch", address, "--json", "--timeout", "120", *argv)
    return json.loads(r.stdout.splitlines()[-1]) if r.returncode == 0 else {"rc": r.returncode}


def refusals(d):
    bad = os.path.join(d, "bad.json")
    one_line = lambda r: len(r.stderr.splitlines()) == 1
    for doc, name in (("{\"roas\":[{}", "no JSON"), ("{}", "JSON without roas"), ("", "empty")):
        write(bad, doc)
        r = run("rtr", "serve", "--vrps", bad)
        ok(r.returncode == 3 and one_line(r) and "bad.json" in r.stderr, "file: " + name, r.stderr)
    r = run("rtr", "serve", "--vrps", os.path.join(d, "absent"))
    ok(r.returncode == 3 and one_line(r), "file: absent", r.stderr)
    r = run("rtr", "serve", "--vrps", d)
    ok(r.returncode == 3 and one_line(r), "file: a folder", r.stderr)
    write(bad, {"roas": roas(3, expires=1000)})
    r = run("rtr", "serve", "--vrps", bad)
    ok(r.returncode == 3 and "--at" in r.stderr, "file: all expired", r.stderr)
    for argv, name in (((), "no --vrps"), (("--vrps", bad, "--expire", "5"), "expire out of range"),
                       (("--vrps", bad, "--expire", "600"), "expire not above refresh"),
                       (("--vrps", bad, "--max-version", "3"), "no such version"),
                       (("--vrps", bad, "extra"), "a word too many")):
        r = run("rtr", "serve", *argv)
        ok(r.returncode == 2 and one_line(r), "usage: " + name, r.stderr)
    write(bad, {"roas": roas(1)})
    r = run("rtr", "serve", "--vrps", bad, "--listen", "nowhere")
    ok(r.returncode == 2, "usage: --listen nowhere", r.stderr)
    for argv, rc, name in ((("nowhere",), 2, "no port"), ((), 2, "no address"),
                           (("127.0.0.1:1", "-o", "xml=x"), 2, "no such format"),
                           (("127.0.0.1:1", "--version", "3"), 2, "no such version"),
                           (("127.0.0.1:1",), 3, "nobody there")):
        r = run("rtr", "fetch", *argv)
        ok(r.returncode == rc and one_line(r), "fetch: " + name, r.stderr)


def serving(d):
    path, out = os.path.join(d, "v.json"), os.path.join(d, "out")
    write(path, {"roas": roas(5), "aspas": [{"customer_asid": 1, "providers": [2, 3]}]})
    with Serve("--vrps", path) as s:
        ok(s.ready.get("vrps") == 5 and s.ready.get("aspas") == 1, "the ready line", s.ready)
        for v in (0, 1, 2):
            got = fetch(s.address, "--version", str(v), "-o", "csv=" + out)
            ok(got.get("version") == v and got.get("ipv4") == 5
               and got.get("aspas") == (1 if v == 2 else 0), "version %d" % v, got)
            with open(out) as f:
                rows = f.read().splitlines()
            ok(rows[0] == "ASN,IP Prefix,Max Length,Trust Anchor"
               and rows[1] == "AS64496,10.0.0.0/16,24,-" and len(rows) == 6, "its CSV", rows)
        fetch(s.address, "-o", "json=" + out)
        with open(out) as f:
            doc = json.load(f)
        ok(len(doc["roas"]) == 5 and doc["aspas"][0]["providers"] == [2, 3], "JSON", doc)
        r = run("rtr", "fetch", s.address, "-o", "csv=" + os.path.join(d, "no", "such"))
        ok(r.returncode == 3 and "such" in r.stderr, "an output that cannot be written", r.stderr)

        follow = subprocess.Popen([SEKISHO, "rtr", "fetch", s.address, "--json", "--wait", "600"],
                                  stdout=subprocess.PIPE, text=True)
        first = json.loads(follow.stdout.readline())
        write(path, {"roas": roas(7)})
        s.p.send_signal(signal.SIGHUP)
        came = select.select([follow.stdout], [], [], patient(20))[0]
        lines = [json.loads(follow.stdout.readline())] if came else []
        write(path, "{\"roas\":[")
        s.p.send_signal(signal.SIGHUP)
        ok(fetch(s.address).get("ipv4") == 7, "broken file: the old data stays")
        follow.terminate()
        lines += [json.loads(x) for x in follow.communicate()[0].splitlines()]
        ok(first["ipv4"] == 5 and len(lines) == 1 and lines[0]["ipv4"] == 7
           and lines[0]["announced"] == 2 and lines[0]["withdrawn"] == 1,
           "SIGHUP: a delta by notify", lines)
        write(path, {"roas": roas(2)})
        ok(wait_for(lambda: fetch(s.address).get("ipv4") == 2), "a changed file is seen")
        ok(s.stop() == 0, "SIGTERM: exit 0", s.p.returncode)


def expiry(d):
    path = os.path.join(d, "e.json")
    write(path, {"roas": roas(2) + [dict(roas(4, expires=1000)[3])]})
    with Serve("--vrps", path) as s:
        ok(s.ready.get("vrps") == 2, "what expired is left out", s.ready)
        s.stop()
        ok("RTR_VRPS_EXPIRED" in s.err, "and named", s.err)
    write(path, {"roas": roas(2) + [dict(roas(4, expires=1006)[3])]})
    with Serve("--vrps", path, "--at", "@1000") as s:
        ok(s.ready.get("vrps") == 3, "with a clock of its own", s.ready)
        ok(wait_for(lambda: fetch(s.address).get("ipv4") == 2), "and gone in time")


def state(d):
    path, st = os.path.join(d, "s.json"), os.path.join(d, "state")
    os.mkdir(st)
    write(path, {"roas": roas(3)})
    with Serve("--vrps", path, "--state", st) as s:
        a = fetch(s.address)
    with Serve("--vrps", path, "--state", st) as s:
        b = fetch(s.address)
        ok(a["session"] == b["session"] and a["serial"] == b["serial"],
           "session and serial survive a restart", (a, b))
    write(path, {"roas": roas(4)})
    with Serve("--vrps", path, "--state", st) as s:
        c = fetch(s.address)
        ok(c["session"] == a["session"] and c["serial"] == a["serial"] + 1,
           "new data: the next serial of the same session", c)
    name = os.path.join(st, os.listdir(st)[0])
    with open(name, "r+b") as f:
        f.seek(300)
        f.write(b"damage")
    with Serve("--vrps", path, "--state", st) as s:
        e = fetch(s.address)
        ok(e.get("ipv4") == 4 and e["session"] != a["session"], "damaged state: a new session", e)


def slow(d):
    """Routers that ask for all and take nothing; one more than may come."""
    path = os.path.join(d, "big.json")
    rows = [{"asn": 64496, "prefix": "10.%d.%d.0/24" % (i >> 8, i & 255), "maxLength": 24 + m}
            for i in range(65536) for m in range(4)]
    write(path, {"roas": rows})
    with Serve("--vrps", path, "--max-clients", "40") as s:
        host, port = s.address.split(":")
        stuck = []
        for _ in range(39):
            c = socket.socket()
            c.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            c.connect((host, int(port)))
            c.sendall(struct.pack(">BBHI", 1, 2, 0, 8))
            stuck.append(c)
        got = fetch(s.address)
        ok(got.get("ipv4") == len(rows), "39 stalled routers delay nobody", got)

        def last():		# when fetch is gone
            c = socket.create_connection((host, int(port)), patient(10))
            c.sendall(struct.pack(">BBHI", 1, 2, 0, 8))
            if c.recv(8)[:2] == bytes((1, 3)):
                return c
            return c.close()
        c40 = wait_for(last, 20)
        ok(c40, "the last one that may come is served")
        try:
            with socket.create_connection((host, int(port)), patient(10)) as extra:
                end = extra.recv(1)
        except ConnectionResetError:
            end = b""
        ok(end == b"", "one router too many is sent away")
        c40.close()
        stuck[0].settimeout(patient(20))
        n = 0
        while n < 20 * len(rows):
            part = stuck[0].recv(1 << 20)
            if not part:
                break
            n += len(part)
        ok(n >= 20 * len(rows), "and a slow one gets all in the end", n)
        for c in stuck:
            c.close()
        ok(s.stop() == 0, "stopped with all of them connected", s.err)


def main():
    with tempfile.TemporaryDirectory() as d:
        for part in (refusals, serving, expiry, state, slow):
            try:
                part(d)
            except Exception as e:
                ok(False, part.__name__, traceback.format_exc())
    print("1..%d" % N)
    return FAILED > 0


sys.exit(main())
