#!/usr/bin/env python3
"""
500 routers at once on one server: a full set, a notify to all, a delta.

Most speak TCP, some TLS; a few ask for the set again and again and read
nothing. Each of the others must get the same bytes; those few are cut, and
cost neither time nor memory. No figure here is a benchmark.
"""
import hashlib
import json
import os
import resource
import selectors
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time

import certs
import house
from house import Tap, wait_for

import rtr2_client

TCP, TLS, SLOW = 460, 40, 8
VRPS = 20000
CHANGED = 300
RETRY = 10			# seconds; a stall of three of them ends a connection
SECONDS = 400			# nobody waits longer, however busy the machine is
EACH_MAX = 48 << 10		# of the server's memory, for a connection of either kind
EACH_MAX_ASAN = 512 << 10	# with AddressSanitizer, which keeps what is freed


def roas(skip=0, extra=0):
    out = [{"asn": 64496, "prefix": "10.%d.%d.0/24" % (i // 256, i % 256), "maxLength": 24,
            "ta": "lab", "expires": 4102444800} for i in range(skip, VRPS)]
    return out + [{"asn": 64497, "prefix": "2001:db8:%x::/48" % i, "maxLength": 48, "ta": "lab",
                   "expires": 4102444800} for i in range(extra)]


def write(path, doc):
    with open(path + ".new", "w") as f:
        json.dump(doc, f)
    os.rename(path + ".new", path)


class Router:
    """Reads as many bytes as the reference has, and hashes them."""

    def __init__(self, port):
        self.sock = socket.socket()
        self.sock.setblocking(False)
        self.sock.connect_ex(("127.0.0.1", port))
        self.expect(0)
        self.closed = False

    def expect(self, n):
        self.left, self.sum, self.extra = n, hashlib.sha256(), b""

    def readable(self):
        while True:
            try:
                got = self.sock.recv(262144)
            except BlockingIOError:
                return
            except ConnectionError:
                got = b""
            if not got:
                self.closed = True
                return
            self.sum.update(got[:self.left])
            self.extra += got[self.left:]
            self.left -= min(self.left, len(got))


def pump(routers, done, seconds=SECONDS):
    """Read for all of them until done(router) is true of each."""
    sel, end = selectors.DefaultSelector(), time.monotonic() + seconds
    for r in routers:
        sel.register(r.sock, selectors.EVENT_READ, r)
    waiting = {r for r in routers if not done(r)}
    while waiting and time.monotonic() < end:
        for key, _ in sel.select(1):
            r = key.data
            r.readable()
            if r.closed:
                sel.unregister(r.sock)
            if r.closed or done(r):
                waiting.discard(r)
    sel.close()
    return all(done(r) for r in routers)


def ask_all(routers, query):
    """Connecting may still be under way; a queue of 512 lets them in."""
    for r in routers:
        r.sock.setblocking(True)
        r.sock.settimeout(SECONDS)
        r.sock.sendall(query)
        r.sock.setblocking(False)


class Reference:
    """One router that parses everything; its bytes are what the others must get."""

    def __init__(self, port):
        self.s = rtr2_client.Session("127.0.0.1", port, 2, seconds=SECONDS)

    def take(self, query, full):
        recorded, recv = [], self.s.recv_exact
        self.s.recv_exact = lambda n, deadline: recorded.append(recv(n, deadline)) or recorded[-1]
        self.s.send(query)
        answer = self.s.response(full)
        self.s.recv_exact = recv
        return answer, b"".join(recorded)


def over_tls(port, context, stage, out, i):
    """A whole life in a thread: full set, notify, delta."""
    try:
        s = rtr2_client.Session("127.0.0.1", port, 2, seconds=SECONDS)
        s.sock = context.wrap_socket(s.sock, server_hostname="rtr.example")
        s.reset()
        first = (len(s.state.vrps), s.serial)
        stage.release()
        p = s.pdu_raw(SECONDS)
        s.serial_query()
        out[i] = (first, p.type == rtr2_client.SERIAL_NOTIFY, len(s.state.vrps), s.serial, s.faults)
        s.close()
    except Exception as e:
        out[i] = repr(e)
        stage.release()


def slow_reader(port):
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    s.connect(("127.0.0.1", port))
    s.sendall(rtr2_client.query_reset(2) * 60)
    return s


def memory(pid, field="VmRSS"):
    with open("/proc/%d/status" % pid) as f:
        return next(int(line.split()[1]) << 10 for line in f if line.startswith(field))


def each_max(pid):
    """AddressSanitizer is known by its terabytes of address space."""
    return EACH_MAX_ASAN if memory(pid, "VmSize") > 1 << 40 else EACH_MAX


def start(d, ca):
    # 256 descriptors are not enough: the server has to ask for more.
    few = lambda: resource.setrlimit(resource.RLIMIT_NOFILE,
                                     (256, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    p = subprocess.Popen([house.SEKISHO, "rtr", "serve", "--json", "--vrps", d + "/v.json",
                          "--listen", "127.0.0.1:0", "--tls-listen", "127.0.0.1:0",
                          "--tls-cert", ca.path("srv.pem"), "--tls-key", ca.path("srv.key"),
                          "--retry", str(RETRY), "--max-clients", str(TCP + TLS + SLOW + 1)],
                         stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                         text=True, preexec_fn=few)
    at = json.loads(p.stdout.readline())["listen"]
    return p, [int(a.rpartition(":")[2]) for a in at]


def same(t, routers, reference, what):
    want = hashlib.sha256(reference).digest()
    t.equal(sum(r.sum.digest() == want and not r.closed for r in routers), len(routers), what)


def scene(t, d, p, ports, ca):
    context = ssl.create_default_context(cafile=ca.cert)
    reference = Reference(ports[0])
    _, full = reference.take(rtr2_client.query_reset(2), True)
    t.equal(len(reference.s.state.vrps), VRPS, "the reference has the set")
    before = memory(p.pid)
    slow = [slow_reader(ports[0]) for _ in range(SLOW)]
    stage, results = threading.Semaphore(0), [None] * TLS
    threads = [threading.Thread(target=over_tls, args=(ports[1], context, stage, results, i), daemon=True)
               for i in range(TLS)]
    for x in threads:
        x.start()
    routers = [Router(ports[0]) for _ in range(TCP)]
    for r in routers:
        r.expect(len(full))
    ask_all(routers, rtr2_client.query_reset(2))
    t.ok(pump(routers, lambda r: r.left == 0), "%d routers have a full set" % TCP)
    same(t, routers, full, "and all the same one")
    t.ok(all(stage.acquire(timeout=SECONDS) for _ in threads), "%d more over TLS" % TLS)

    for r in routers:
        r.expect(12)				# Serial Notify
    write(d + "/v.json", {"roas": roas(CHANGED, CHANGED)})
    t.ok(pump(routers, lambda r: r.left == 0), "all are notified")
    notify = reference.s.pdu_raw(SECONDS)
    same(t, routers, notify.raw, "once, and of the same serial")
    t.ok(all(r.extra == b"" for r in routers), "and of nothing else")
    query = rtr2_client.query_serial(2, reference.s.session, reference.s.serial)
    _, delta = reference.take(query, False)
    t.equal(len(reference.s.state.vrps), VRPS, "the reference has the change")
    t.ok(len(delta) < 2 * CHANGED * 40, "as a delta")
    for r in routers:
        r.expect(len(delta))
    ask_all(routers, query)
    t.ok(pump(routers, lambda r: r.left == 0), "%d routers have the delta" % TCP)
    same(t, routers, delta, "and all the same one")
    t.none(reference.s.faults, "no rule is broken")
    for x in threads:
        x.join(SECONDS)
    good = ((VRPS, notify_serial(delta) - 1), True, VRPS, notify_serial(delta), [])
    t.none([r for r in results if r != good], "over TLS: set, notify, delta")
    growth = memory(p.pid) - before
    t.diag("the server grew by %d kB for %d connections" % (growth >> 10, TCP + TLS + SLOW))
    t.ok(growth < (TCP + TLS + SLOW) * each_max(p.pid), "its memory is bounded", growth)
    t.ok(wait_for(lambda: all(cut(s) for s in slow), 6 * RETRY), "who does not read is cut")
    t.ok(not any(r.closed for r in routers), "and nobody else")
    for s in slow + [r.sock for r in routers]:
        s.close()


def notify_serial(delta):
    """In the End of Data PDU at its end."""
    return int.from_bytes(delta[-16:-12], "big")


def cut(s):
    """Did the server end it? What it sent before lies unread."""
    s.setblocking(False)
    try:
        s.send(b"")
        return s.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] != 1	# ESTABLISHED
    except OSError:
        return True


def main():
    t = Tap()
    need = TCP + TLS + SLOW + 200
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < need:
        t.skip("500 routers", "only %d descriptors may be open here" % hard)
        return t.done()
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, need), hard))
    with tempfile.TemporaryDirectory(prefix="sekisho-many-") as d:
        ca = certs.Authority(d)
        ca.leaf("srv", "DNS:rtr.example")
        write(d + "/v.json", {"roas": roas()})
        p, ports = start(d, ca)
        try:
            t.case(scene, t, d, p, ports, ca)
        finally:
            p.send_signal(signal.SIGTERM)
            try:
                err = p.communicate(timeout=SECONDS)[1]
            except subprocess.TimeoutExpired:
                p.kill()
                err = p.communicate()[1]
        t.equal(p.returncode, 0, "it ends well")
        t.equal(err.count("RTR_ROUTER_STALLED"), SLOW, "the log names the slow ones")
    return t.done()


if __name__ == "__main__":
    sys.exit(main())
