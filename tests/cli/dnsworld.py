"""
A parent, a zone and a resolver on loopback, for the daemon to look at.

The zone's server gives out what the signed file holds at that moment; the
parent gives out the DS set that it was told. The resolver knows where both are,
and nothing else. No caches, no waiting: what is served from when until when is
remembered, so that a test can say afterwards what any cache may have held
together (bogus()).

Answers need no more than these types; other records of the file are passed
over. TCP and UDP, one port for each of the three.
"""
import base64
import calendar
import hashlib
import os
import socket
import socketserver
import struct
import threading
import time

A, NS, SOA, AAAA, DS, RRSIG, DNSKEY, CDS, CDNSKEY = 1, 2, 6, 28, 43, 46, 48, 59, 60
NUMBERS = {"A": A, "NS": NS, "SOA": SOA, "AAAA": AAAA, "DS": DS, "RRSIG": RRSIG, "DNSKEY": DNSKEY, "CDS": CDS,
           "CDNSKEY": CDNSKEY}
KEY_TYPES = ("DNSKEY", "CDNSKEY")
OPT = 41


def name_wire(text):
    out = b""
    for label in text.rstrip(".").split("."):
        if label:
            out += bytes([len(label)]) + label.lower().encode()
    return out + b"\0"


def stamp(text):
    """RRSIG's time in seconds."""
    return calendar.timegm(time.strptime(text, "%Y%m%d%H%M%S"))


def rdata(kind, words):
    """Data as octets; None: a type that we do not need."""
    if kind == "A":
        return socket.inet_pton(socket.AF_INET, words[0])
    if kind == "AAAA":
        return socket.inet_pton(socket.AF_INET6, words[0])
    if kind == "NS":
        return name_wire(words[0])
    if kind == "SOA":
        return name_wire(words[0]) + name_wire(words[1]) + struct.pack(">5I", *map(int, words[2:7]))
    if kind in ("DS", "CDS"):
        return struct.pack(">HBB", *map(int, words[:3])) + bytes.fromhex("".join(words[3:]))
    if kind in KEY_TYPES:
        return struct.pack(">HBB", *map(int, words[:3])) + base64.b64decode("".join(words[3:]))
    if kind == "RRSIG" and words[0] in NUMBERS:
        return (struct.pack(">HBBIIIH", NUMBERS[words[0]], int(words[1]), int(words[2]), int(words[3]),
                            stamp(words[4]), stamp(words[5]), int(words[6]))
                + name_wire(words[7]) + base64.b64decode("".join(words[8:])))
    return None


def records(text):
    """[(owner, type, TTL, data)] of a file that `zone sign` or the daemon wrote."""
    out = []
    for line in text.splitlines():
        f = line.split("\t")
        if len(f) < 5 or line.startswith(";") or f[3] not in NUMBERS:
            continue
        data = rdata(f[3], f[4].replace("(", "").replace(")", "").split())
        if data is not None:
            out.append((f[0].lower(), NUMBERS[f[3]], int(f[1]), data))
    return out


def key_tag(data):
    n = sum(b << 8 if i % 2 == 0 else b for i, b in enumerate(data))
    return (n + (n >> 16)) & 0xffff


def ds_of(owner, key):
    return struct.pack(">HBB", key_tag(key), key[3], 2) + hashlib.sha256(name_wire(owner) + key).digest()


# --- servers ------------------------------------------------------------------

def question(m):
    """(id, flags, name, type, wire of the question), or None."""
    try:
        number, flags, n = struct.unpack(">3H", m[:6])
        labels, at = [], 12
        while m[at]:
            labels.append(m[at + 1:at + 1 + m[at]].decode("latin-1").lower())
            at += 1 + m[at]
        kind, _ = struct.unpack(">2H", m[at + 1:at + 5])
        return (number, flags, ".".join(labels) + ".", kind, m[12:at + 5]) if n == 1 else None
    except (struct.error, IndexError):
        return None


def message(q, flags, answers, authority=()):
    number, _, _, _, wire = q
    out = struct.pack(">6H", number, flags, 1, len(answers), len(authority), 1) + wire
    for owner, kind, ttl, data in list(answers) + list(authority):
        out += name_wire(owner) + struct.pack(">HHIH", kind, 1, ttl, len(data)) + data
    return out + b"\0" + struct.pack(">HHIH", OPT, 4096, 0x8000, 0)


class Server:
    """answer(question) -> octets or None, over UDP and TCP."""

    def __init__(self, answer):
        world = self
        self.answer, self.asked = answer, 0

        class Udp(socketserver.BaseRequestHandler):
            def handle(self):
                out = world.reply(self.request[0])
                if out:
                    if len(out) > 1232:
                        out = out[:2] + bytes([out[2] | 2]) + out[3:]
                    self.request[1].sendto(out, self.client_address)

        class Tcp(socketserver.StreamRequestHandler):
            timeout = 10

            def handle(self):
                try:
                    while True:
                        head = self.rfile.read(2)
                        if len(head) < 2:
                            return
                        out = world.reply(self.rfile.read(struct.unpack(">H", head)[0]))
                        if not out:
                            return
                        self.wfile.write(struct.pack(">H", len(out)) + out)
                        self.wfile.flush()
                except OSError:
                    pass

        class Udps(socketserver.ThreadingUDPServer):
            daemon_threads, allow_reuse_address, max_packet_size = True, True, 65535

        class Tcps(socketserver.ThreadingTCPServer):
            daemon_threads, allow_reuse_address, request_queue_size = True, True, 64

        for _ in range(20):
            self.tcp = Tcps(("127.0.0.1", 0), Tcp)
            self.port = self.tcp.server_address[1]
            try:
                self.udp = Udps(("127.0.0.1", self.port), Udp)
                break
            except OSError:
                self.tcp.server_close()
        for s in (self.tcp, self.udp):
            threading.Thread(target=s.serve_forever, args=(0.1,), daemon=True).start()

    def reply(self, m):
        q = question(m)
        self.asked += 1
        return self.answer(q) if q and not q[1] & 0x8000 else None

    def stop(self):
        for s in (self.tcp, self.udp):
            s.shutdown()
            s.server_close()


class Child:
    """A zone whose signed file is served, and the DS set that its parent has of it."""

    def __init__(self, zone, signed, ds_ttl=1):
        self.zone, self.signed, self.ds_ttl = zone, signed, ds_ttl
        self.lock = threading.Lock()
        self.stat, self.records = None, []
        self.versions = []		# of the zone: [from, until, records, text]
        self.ds = []
        self.ds_versions = [[0.0, None, []]]

    def load(self):
        try:
            s = os.stat(self.signed)
            key = (s.st_ino, s.st_mtime_ns, s.st_size)
            if key == self.stat:
                return
            with open(self.signed) as f:
                text = f.read()
        except OSError:
            return
        new = records(text)
        with self.lock:
            now = time.monotonic()
            self.stat, self.records = key, new
            if self.versions:
                self.versions[-1][1] = now
            self.versions.append([now, None, new, text])

    def ds_set(self, ds):
        """From now on the parent has these DS data."""
        with self.lock:
            if sorted(ds) == sorted(self.ds):
                return
            now = time.monotonic()
            self.ds = list(ds)
            self.ds_versions[-1][1] = now
            self.ds_versions.append([now, None, list(ds)])

    def ds_by_cds(self):
        """As a registry that follows CDS (RFC 7344); whether anything changed."""
        with self.lock:
            cds = [d for _, t, _, d in self.records if t == CDS]
        want = [] if cds == [bytes([0, 0, 0, 0, 0])] else cds
        if not cds or sorted(want) == sorted(self.ds):
            return False
        self.ds_set(want)
        return True

    def of(self, owner, kind):
        with self.lock:
            have = self.records
        out = [r for r in have if r[0] == owner and r[1] == kind]
        if out:
            out += [r for r in have if r[0] == owner and r[1] == RRSIG and struct.unpack(">H", r[3][:2])[0] == kind]
        return out


class World:
    """
    Zones below one parent (names with a dot at the end), each side with one
    server. conf: lines for the `dns:` section.
    """

    PARENT_ADDR, ZONE_ADDR = "192.0.2.53", "192.0.2.54"

    def __init__(self, *children, parent="test."):
        self.children, self.parent = {c.zone: c for c in children}, parent
        self.notified = []		# types of NOTIFY that came to the parent
        self.stopped = False
        self.servers = [Server(f) for f in (self.resolver, self.by_parent, self.by_zone)]
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def conf(self):
        p = [s.port for s in self.servers]
        return ("  resolver: 127.0.0.1:%d\n  hosts: [\"%s=127.0.0.1:%d\", \"%s=127.0.0.1:%d\"]\n"
                % (p[0], self.PARENT_ADDR, p[1], self.ZONE_ADDR, p[2]))

    def stop(self):
        self.stopped = True
        self.thread.join()
        for s in self.servers:
            s.stop()

    def run(self):
        while not self.stopped:
            for c in self.children.values():
                c.load()
            time.sleep(0.02)

    def child(self, name):
        return next((c for z, c in self.children.items() if name == z or name.endswith("." + z)), None)

    # --- answers ---

    def soa(self, zone):
        ns = name_wire("ns." + zone)
        return (zone, SOA, 5, ns + ns + struct.pack(">5I", 1, 3600, 600, 86400, 1))

    def by_zone(self, q):
        c = self.child(q[2])
        if c is None or not c.records:
            return message(q, 0x8005, [])
        out = c.of(q[2], q[3])
        return message(q, 0x8400, out, [] if out else c.of(c.zone, SOA))

    def by_parent(self, q):
        if q[1] >> 11 & 15 == 4:
            self.notified.append(q[3])
            return message(q, 0xa400, [])
        c = self.child(q[2])
        if c is not None and q[2] == c.zone and q[3] == DS:
            with c.lock:
                out = [(c.zone, DS, c.ds_ttl, d) for d in c.ds]
            return message(q, 0x8400, out, [] if out else [self.soa(self.parent)])
        if c is not None:
            return message(q, 0x8000, [], [(c.zone, NS, 5, name_wire("ns." + c.zone))])
        if q[2] == self.parent and q[3] == SOA:
            return message(q, 0x8400, [self.soa(self.parent)])
        if q[2] == self.parent and q[3] == NS:
            return message(q, 0x8400, [(self.parent, NS, 5, name_wire("ns." + self.parent))])
        return message(q, 0x8400, [], [self.soa(self.parent)])

    def resolver(self, q):
        c = self.child(q[2])
        zone = c.zone if c else self.parent
        addr = self.ZONE_ADDR if c else self.PARENT_ADDR
        known = {
            (zone, NS): name_wire("ns." + zone),
            ("ns." + zone, A): socket.inet_aton(addr),
            (zone, SOA): self.soa(zone)[3],
        }
        data = known.get((q[2], q[3]))
        if data is not None:
            return message(q, 0x8180, [(q[2], q[3], 1, data)])
        return message(q, 0x8180, [], [self.soa(zone)])


# --- what a cache may have held ------------------------------------------------

class Set:
    """What was served of one kind, from when until when any cache may have it."""

    def __init__(self, begin, end, value):
        self.begin, self.end, self.value = begin, end, value


def spans(versions, value, ttl):
    """Sets of the versions; equal neighbours are one."""
    out = []
    for begin, end, *rest in versions:
        v = value(rest[0])
        if out and out[-1].value == v:
            out[-1].end = None if end is None else end + ttl
        else:
            out.append(Set(begin, None if end is None else end + ttl, v))
    return out


def meet(*sets):
    """The moment at which a cache may hold all of them; None."""
    begin = max(s.begin for s in sets)
    return begin if all(s.end is None or begin < s.end for s in sets) else None


def keyset(zone):
    """(keys, those that sign them), by tag: verified elsewhere (zone verify)."""
    def value(rs):
        keys = frozenset(d for o, t, _, d in rs if o == zone and t == DNSKEY)
        sigs = frozenset((d[2], struct.unpack(">H", d[16:18])[0]) for o, t, _, d in rs
                         if o == zone and t == RRSIG and struct.unpack(">H", d[:2])[0] == DNSKEY)
        return keys, frozenset(k for k in keys if (k[3], key_tag(k)) in sigs)
    return value


def datasigs(zone):
    def value(rs):
        return frozenset((d[2], struct.unpack(">H", d[16:18])[0]) for o, t, _, d in rs
                         if o == zone and t == RRSIG and struct.unpack(">H", d[:2])[0] == SOA)
    return value


def wall(t):
    """A moment of time.monotonic() as the log has it."""
    if t is None:
        return ""
    at = time.time() - time.monotonic() + t
    return time.strftime("%H:%M:%S", time.gmtime(at)) + ".%02d" % (at % 1 * 100)


def span(s):
    return "(%s-%s with its TTL)" % (wall(s.begin), wall(s.end))


def bogus(child, dnskey_ttl, data_ttl):
    """
    Each mix of a DS set, a DNSKEY set and signed data that a cache may have held at
    one time, and in which no path leads from the first to the last: [text].
    """
    zone, faults = child.zone, []
    with child.lock:
        ds = spans(child.ds_versions, frozenset, child.ds_ttl)
        keys = spans(child.versions, keyset(zone), dnskey_ttl)
        data = spans(child.versions, datasigs(zone), data_ttl)
    for d in ds:
        if not d.value:
            continue
        for k in keys:
            if meet(d, k) is None:
                continue
            trusted = any(ds_of(zone, x) in d.value for x in k.value[1])
            tags = {(x[3], key_tag(x)) for x in k.value[0]}
            for s in data:
                at = meet(d, k, s)
                if at is not None and not (trusted and s.value & tags):
                    faults.append("%s: DS %s %s, DNSKEY %s signed by %s %s, data signed by %s %s" % (
                        wall(at), sorted(struct.unpack(">H", x[:2])[0] for x in d.value), span(d),
                        sorted(t for _, t in tags), sorted(key_tag(x) for x in k.value[1]), span(k),
                        sorted(t for _, t in s.value), span(s)))
    return faults
