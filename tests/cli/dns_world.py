"""
Name servers on loopback, as far as tests need them: zones with delegations,
servers that serve them well or badly, and a resolver that knows all of them.
One thread serves all. Nothing here is fast, complete or safe.
"""
import base64
import heapq
import os
import selectors
import socket
import struct
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lab"))

TYPES = {"A": 1, "NS": 2, "CNAME": 5, "SOA": 6, "AAAA": 28, "DS": 43, "RRSIG": 46, "DNSKEY": 48, "DSYNC": 66}
QR, AA, TC, RD, RA, CD = 0x8000, 0x0400, 0x0200, 0x0100, 0x0080, 0x0010
NOERROR, SERVFAIL, NXDOMAIN, REFUSED = 0, 2, 3, 5


def name(text):
    labels = [x for x in text.lower().split(".") if x]
    return b"".join(bytes([len(x)]) + x.encode() for x in labels) + b"\0"


def text(wire):
    out, at = [], 0
    while wire[at]:
        out.append(wire[at + 1:at + 1 + wire[at]].decode())
        at += 1 + wire[at]
    return ".".join(out) + "."


def parent(wire):
    return wire[1 + wire[0]:]


def within(a, b):
    while True:
        if a == b:
            return True
        if a == b"\0":
            return False
        a = parent(a)


def seconds(t):
    return int(t) if len(t) != 14 else int(time.mktime(time.strptime(t + "+0000", "%Y%m%d%H%M%S%z")) - time.timezone)


def rdata(kind, words):
    """Of the few types here, from the words of their text."""
    if kind == "A":
        return socket.inet_aton(words[0])
    if kind == "AAAA":
        return socket.inet_pton(socket.AF_INET6, words[0])
    if kind in ("NS", "CNAME"):
        return name(words[0])
    if kind == "SOA":
        return name(words[0]) + name(words[1]) + struct.pack(">5I", *map(int, words[2:7]))
    if kind == "DS":
        return struct.pack(">HBB", *map(int, words[:3])) + bytes.fromhex("".join(words[3:]))
    if kind == "DNSKEY":
        return struct.pack(">HBB", *map(int, words[:3])) + base64.b64decode("".join(words[3:]))
    if kind == "RRSIG":
        import calendar
        when = [calendar.timegm(time.strptime(w, "%Y%m%d%H%M%S")) for w in words[4:6]]
        return struct.pack(">HBBIIIH", TYPES.get(words[0], 0), int(words[1]), int(words[2]), int(words[3]),
                           when[0], when[1], int(words[6])) + name(words[7]) + base64.b64decode("".join(words[8:]))
    if kind == "DSYNC":
        return struct.pack(">HBH", int(words[0]), int(words[1]), int(words[2])) + name(words[3])
    raise ValueError(kind)


def rr(owner, kind, ttl, data):
    return owner + struct.pack(">HHIH", kind, 1, ttl, len(data)) + data


class Zone:
    """Lines "owner TTL IN TYPE words"; @ is the apex, names without a final dot are below it."""

    def __init__(self, apex, lines=""):
        self.apex, self.rrs = name(apex), {}
        self.add(lines)

    def add(self, lines):
        for line in lines.strip().split("\n"):
            w = line.split()
            if len(w) < 5 or w[0].startswith(";") or w[3] not in TYPES:
                continue
            owner = self.apex if w[0] == "@" else name(w[0]) if w[0].endswith(".") else \
                name(w[0])[:-1] + self.apex
            self.put(owner, TYPES[w[3]], int(w[1]), rdata(w[3], w[4:]))

    def put(self, owner, kind, ttl, data):
        self.rrs.setdefault((owner, kind), []).append((ttl, data))

    def drop(self, owner, kind):
        self.rrs.pop((owner, TYPES[kind]), None)

    def get(self, owner, kind):
        out = [rr(owner, kind, t, d) for t, d in self.rrs.get((owner, kind), [])]
        return out + [rr(owner, 46, t, d) for t, d in self.rrs.get((owner, 46), [])
                      if out and struct.unpack(">H", d[:2])[0] == kind]

    def soa(self):
        return self.get(self.apex, 6)[:1]

    def exists(self, owner):
        return any(within(o, owner) for o, _ in self.rrs)

    def cut(self, owner, kind):
        """The delegation at or above it; of DS, only above."""
        best = None
        at = parent(owner) if kind == 43 and owner != b"\0" else owner
        while within(at, self.apex) and at != self.apex:
            if (at, 2) in self.rrs:
                best = at
            at = parent(at)
        return best

    def answer(self, owner, kind):
        """(flags, rcode, answer, authority, additional) of a server that has it."""
        cut = self.cut(owner, kind)
        if cut is not None:
            ns = self.get(cut, 2)
            glue = [g for _, d in self.rrs[(cut, 2)] for k in (1, 28) for g in self.get(d, k)]
            return 0, NOERROR, [], ns, glue
        got = self.get(owner, kind)
        if got:
            return AA, NOERROR, got, [], []
        return AA, NOERROR if self.exists(owner) else NXDOMAIN, [], self.soa(), []


class Server:
    """At a port of 127.0.0.1, UDP and TCP, for one address of the world."""

    def __init__(self, address, zones=()):
        self.address, self.zones = address, list(zones)
        self.asked = []			# (tcp, name, type, flags, opcode)
        self.mangle = None		# fn(server, tcp, query, reply) -> bytes, list of bytes, None, "close"
        self.delay = 0.0
        self.once = False		# closes each connection after an answer
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        for _ in range(50):
            self.tcp = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            self.tcp.bind(("127.0.0.1", 0))
            self.port = self.tcp.getsockname()[1]
            try:
                self.udp.bind(("127.0.0.1", self.port))
                break
            except OSError:
                self.tcp.close()
        self.tcp.listen(64)

    def lookup(self, owner, kind):
        best = None
        for z in self.zones:
            if within(owner, z.apex) and (best is None or len(z.apex) > len(best.apex)) and \
                    not (kind == 43 and owner == z.apex and len(self.zones) > 1):
                best = z
        return best.answer(owner, kind) if best else (0, REFUSED, [], [], [])

    def reply(self, q, tcp):
        ident, flags = struct.unpack(">HH", q[:4])
        opcode = flags >> 11 & 15
        owner, at = b"", 12
        while q[at]:
            owner += q[at:at + 1 + q[at]]
            at += 1 + q[at]
        owner = (owner + b"\0").lower()
        kind, = struct.unpack(">H", q[at + 1:at + 3])
        question = q[12:at + 5]
        self.asked.append((tcp, text(owner), kind, flags, opcode))
        if opcode == 4:
            return struct.pack(">6H", ident, QR | AA | 4 << 11, 1, 0, 0, 0) + question
        f, rcode, an, ns, ar = self.lookup(owner, kind)
        f |= QR | flags & RD
        return struct.pack(">6H", ident, f | rcode, 1, len(an), len(ns), len(ar)) + question + b"".join(an + ns + ar)

    def answers(self, q, tcp):
        r = self.reply(q, tcp)
        if self.mangle:
            r = self.mangle(self, tcp, q, r)
        if not tcp and isinstance(r, bytes) and len(r) > 1232:
            r = r[:2] + struct.pack(">H", struct.unpack(">H", r[2:4])[0] | TC) + struct.pack(">4H", 1, 0, 0, 0) + \
                r[12:12 + len(q[12:])][:q.index(b"\0", 12) - 12 + 5]
        return r if isinstance(r, (list, str)) or r is None else [r]


class Resolver(Server):
    """It knows all zones, and answers as one that has asked their servers."""

    def lookup(self, owner, kind):
        best = None
        for z in self.zones:
            if within(owner, z.apex) and (best is None or len(z.apex) > len(best.apex)) and \
                    not (kind == 43 and owner == z.apex):
                best = z
        if best is None:
            return RA, SERVFAIL, [], [], []
        got = best.get(owner, kind)
        if got:
            return RA, NOERROR, got, [], []
        return RA, NOERROR if best.exists(owner) else NXDOMAIN, [], best.soa(), []


def flags_set(r, on=0, off=0, rcode=None):
    f, = struct.unpack(">H", r[2:4])
    f = (f | on) & ~off
    if rcode is not None:
        f = f & ~15 | rcode
    return r[:2] + struct.pack(">H", f) + r[4:]


class World:
    def __init__(self):
        self.servers, self.sel, self.later = [], selectors.DefaultSelector(), []
        self.wake, theirs = socket.socketpair()
        self.sel.register(theirs, selectors.EVENT_READ, lambda: theirs.recv(100))
        self.end, self.todo, self.conns = False, [], {}
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def add(self, server):
        self.servers.append(server)
        self._do(lambda: self._listen(server))
        return server

    def _do(self, fn):
        self.todo.append(fn)
        self.wake.send(b"x")

    def _listen(self, s):
        self.sel.register(s.udp, selectors.EVENT_READ, lambda: self._datagram(s))
        self.sel.register(s.tcp, selectors.EVENT_READ, lambda: self._accept(s))

    def hosts(self):
        return "".join("%s=127.0.0.1:%d\n" % (s.address, s.port) for s in self.servers if s.address)

    def stop(self, server):
        """It is not there any more: nobody listens."""
        done = threading.Event()

        def fn():
            for sock in (server.udp, server.tcp):
                self.sel.unregister(sock)
                sock.close()
            for c in [c for c, (s, _) in self.conns.items() if s is server]:
                self._close(c)
            done.set()
        self._do(fn)
        done.wait(10)

    def _datagram(self, s):
        q, who = s.udp.recvfrom(65536)
        got = s.answers(q, False)
        if isinstance(got, list):
            self._later(s.delay, lambda: [s.udp.sendto(r, who) for r in got])

    def _accept(self, s):
        c, _ = s.tcp.accept()
        self.conns[c] = (s, b"")
        self.sel.register(c, selectors.EVENT_READ, lambda: self._read(c))

    def _close(self, c):
        if self.conns.pop(c, None):
            self.sel.unregister(c)
            c.close()

    def _read(self, c):
        s, data = self.conns[c]
        try:
            more = c.recv(65536)
        except OSError:
            more = b""
        if not more:
            self._close(c)
            return
        data += more
        while len(data) >= 2 and len(data) >= 2 + struct.unpack(">H", data[:2])[0]:
            n, = struct.unpack(">H", data[:2])
            q, data = data[2:2 + n], data[2 + n:]
            got = s.answers(q, True)
            if got == "close":
                self._close(c)
                return
            if got:
                self._later(s.delay, lambda got=got: self._send(s, c, got))
        self.conns[c] = (s, data)

    def _send(self, s, c, got):
        if c not in self.conns:
            return
        try:
            c.setblocking(True)
            for r in got:
                c.sendall(struct.pack(">H", len(r)) + r)
        except OSError:
            self._close(c)
            return
        if s.once:
            self._close(c)

    def _later(self, delay, fn):
        if not delay:
            fn()
        else:
            heapq.heappush(self.later, (time.monotonic() + delay, id(fn), fn))

    def _run(self):
        while not self.end:
            wait = max(0, self.later[0][0] - time.monotonic()) if self.later else 1
            for key, _ in self.sel.select(wait):
                try:
                    key.data()
                except (OSError, KeyError):
                    pass
            while self.todo:
                self.todo.pop(0)()
            while self.later and self.later[0][0] <= time.monotonic():
                heapq.heappop(self.later)[2]()

    def close(self):
        self.end = True
        self.wake.send(b"x")
        self.thread.join(10)
