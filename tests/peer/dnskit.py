"""
Signed zones, the servers that serve them, the resolver that judges them, and a
client that asks it: for tests that need nothing but loopback.

The resolver is Unbound. It knows one trust anchor and is told where each zone
is served (stub zones, the root among them, and it binds to 127.0.0.1 only), so
that no other host is asked whatever happens.
"""
import base64
import hashlib
import os
import random
import select
import signal
import socket
import struct
import time

import peers
from rtrserver import Process, free_port, wait_for

TYPES = {"A": 1, "NS": 2, "CNAME": 5, "SOA": 6, "MX": 15, "TXT": 16, "AAAA": 28, "DNAME": 39, "DS": 43,
         "RRSIG": 46, "DNSKEY": 48, "CAA": 257}
NOERROR, SERVFAIL, NXDOMAIN = 0, 2, 3
RCODES = {NOERROR: "NOERROR", SERVFAIL: "SERVFAIL", NXDOMAIN: "NXDOMAIN", 5: "REFUSED"}
QR_TC, RD_AD = 0x0200, 0x0120
OPT, EDE = 41, 15
BOGUS_EDE = set(range(5, 13))	# 5 to 12: the reasons of DNSSEC (RFC 8914)
AT_ONCE = 40		# questions that wait for their answers; Unbound may forget some when it is busy


def write(path, text):
    with open(path, "w") as f:
        f.write(text)
    return path


def type_number(t):
    return t if isinstance(t, int) else TYPES[t]


# --- messages -----------------------------------------------------------------

def name_wire(text):
    """Labels of a name's text, RFC 1035 section 5.1: \\DDD and \\X."""
    out, label, i = b"", bytearray(), 0
    text = text if text.endswith(".") else text + "."
    while i < len(text):
        if text[i] == ".":
            out, label = (out + bytes([len(label)]) + label if label else out), bytearray()
        elif text[i] == "\\" and text[i + 1].isdigit():
            label.append(int(text[i + 1:i + 4]))
            i += 3
        else:
            i += text[i] == "\\"
            label += text[i].encode()
        i += 1
    return out + b"\0"


def query(number, name, qtype, flags=RD_AD):
    return (struct.pack(">6H", number, flags, 1, 0, 0, 1) + name_wire(name) + struct.pack(">2H", qtype, 1)
            + b"\0" + struct.pack(">HHIH", OPT, 1232, 0, 0))


def name_end(m, at):
    """Where the name that begins there ends."""
    while m[at]:
        if m[at] >= 0xc0:
            return at + 2
        at += 1 + m[at]
    return at + 1


class Answer:
    def __init__(self, m):
        _, flags, qd, *n = struct.unpack(">6H", m[:12])
        self.rcode, self.ad, self.tc = flags & 15, bool(flags & 0x20), bool(flags & QR_TC)
        self.answer, self.ede, at = [], set(), 12
        for _ in range(qd):
            at = name_end(m, at) + 4
        for i in range(sum(n)):
            at = name_end(m, at)
            t, _, ttl, size = struct.unpack(">HHIH", m[at:at + 10])
            data, at = m[at + 10:at + 10 + size], at + 10 + size
            if i < n[0]:
                self.answer.append((t, ttl, data))
            elif t == OPT:
                self.options(data)

    def options(self, data):
        while len(data) >= 4:
            code, size = struct.unpack(">2H", data[:4])
            if code == EDE:
                self.ede.add(struct.unpack(">H", data[4:6])[0])
            data = data[4 + size:]

    def count(self, qtype):
        return sum(t == type_number(qtype) for t, _, _ in self.answer)

    @property
    def bogus(self):
        return self.rcode == SERVFAIL and bool(self.ede & BOGUS_EDE)

    def __str__(self):
        return "%s%s answer %s ede %s" % (RCODES.get(self.rcode, self.rcode), " AD" if self.ad else "",
                                          [t for t, _, _ in self.answer], sorted(self.ede))


def ask_tcp(port, name, qtype, flags=RD_AD):
    m = query(7, name, type_number(qtype), flags)
    with socket.create_connection(("127.0.0.1", port), timeout=peers.patient(5)) as s:
        f = s.makefile("rb")
        s.sendall(struct.pack(">H", len(m)) + m)
        return Answer(f.read(struct.unpack(">H", f.read(2))[0]))


class Client:
    """Questions to one port over UDP, as many at once as one likes."""

    def __init__(self, port):
        self.s, self.waits, self.n = socket.socket(socket.AF_INET, socket.SOCK_DGRAM), {}, random.randrange(60000)
        self.s.connect(("127.0.0.1", port))
        self.s.setblocking(False)

    def send(self, name, qtype, what=None, flags=RD_AD):
        self.n = (self.n + 1) % 65536
        self.waits[self.n] = (what, time.time())
        try:
            self.s.send(query(self.n, name, type_number(qtype), flags))
        except OSError:
            pass		# not up yet: no answer comes

    def answers(self, seconds):
        """What comes within this time: (what, asked at, answer)."""
        ready = select.select([self.s], [], [], max(seconds, 0))[0]
        while ready:
            try:
                m = self.s.recv(65535)
            except BlockingIOError:
                return
            except OSError:
                continue
            if struct.unpack(">H", m[:2])[0] in self.waits:
                yield (*self.waits.pop(struct.unpack(">H", m[:2])[0]), Answer(m))

    def lost(self, seconds):
        """Give up what waits longer than this."""
        old = {n: w for n, (w, at) in self.waits.items() if time.time() - at > seconds}
        for n in old:
            del self.waits[n]
        return list(old.values())

    def close(self):
        self.s.close()


def ask_all(port, questions, seconds=10):
    """Answers to [(name, type)], by place; over TCP those that UDP has no room for. None: no answer."""
    c, got, left = Client(port), [None] * len(questions), list(range(len(questions)))
    end = time.monotonic() + peers.patient(seconds)
    while (left or c.waits) and time.monotonic() < end:
        while left and len(c.waits) < AT_ONCE:
            i = left.pop()
            c.send(*questions[i], what=i)
        for i, _, a in c.answers(0.1):
            got[i] = a
        left += c.lost(2)
    c.close()
    return [ask_tcp(port, *q) if a is not None and a.tc else a for q, a in zip(questions, got)]


def ask(port, name, qtype, flags=RD_AD, seconds=2):
    """One answer, or None."""
    c = Client(port)
    try:
        c.send(name, qtype, flags=flags)
        return next((a for _, _, a in c.answers(peers.patient(seconds))), None)
    finally:
        c.close()


# --- keys and zones -----------------------------------------------------------

def sign(folder, zone, text, *options, name=None, keys="keys"):
    """The signed file of a zone's text."""
    out = os.path.join(folder, (name or zone) + "signed")
    path = write(os.path.join(folder, (name or zone) + "zone"), text)
    os.makedirs(os.path.join(folder, keys), exist_ok=True)
    r = peers.run([peers.sekisho(), "zone", "sign", "--zone", zone, "-K", os.path.join(folder, keys), "-q",
                   "-j", "1", "-o", out, *options, path], seconds=30)
    if r.status != 0:
        raise RuntimeError("zone sign %s: status %d\n%s%s" % (zone, r.status, r.out, r.err))
    return out


def key_files(folder, zone, flags=None):
    """Paths of a zone's .key files (without .key); of KSKs with flags 257."""
    for f in sorted(os.listdir(folder)):
        if f.startswith("K%s+" % zone) and f.endswith(".key"):
            if flags is None or "DNSKEY %d " % flags in open(os.path.join(folder, f)).read():
                yield os.path.join(folder, f[:-len(".key")])


def key_data(path):
    """The DNSKEY RDATA of a .key file."""
    line = next(x for x in open(path + ".key") if not x.startswith(";"))
    words = line.split()
    flags, protocol, alg, *key = words[words.index("DNSKEY") + 1:]
    return struct.pack(">HBB", int(flags), int(protocol), int(alg)) + base64.b64decode("".join(key))


def key_tag(rdata):
    """RFC 4034 appendix B."""
    total = sum(b << 8 if i % 2 == 0 else b for i, b in enumerate(rdata))
    return (total + (total >> 16)) & 0xffff


def ds_data(zone, path):
    """DS RDATA, as text, of a .key file: RFC 4034 section 5.1.4, SHA-256."""
    rdata = key_data(path)
    digest = hashlib.sha256(name_wire(zone.lower()) + rdata).hexdigest()
    return "%d %d 2 %s" % (key_tag(rdata), rdata[3], digest)


# --- servers -------------------------------------------------------------------

class Server:
    """zones: {name: file}. It is up when it answers for the last of them."""

    def __init__(self, folder, zones, port=None):
        self.dir = os.path.join(folder, "%s-%d" % (self.name, random.randrange(10**9)))
        os.makedirs(os.path.join(self.dir, "db"))
        self.zones, self.port = zones, port or free_port()
        conf = write(os.path.join(self.dir, "conf"), self.conf())
        self.process = Process(self.argv(conf), os.path.join(self.dir, "log"), cwd=self.dir)

    def up(self):
        probe = list(self.zones)[-1]

        def good():
            a = ask(self.port, probe, "SOA", 0, 0.2)
            return (a is not None and a.rcode == NOERROR and a.count("SOA")) or not self.process.alive()
        return wait_for(good, 10) and self.process.alive()

    def reload(self):
        self.process.p.send_signal(signal.SIGHUP)

    def stop(self):
        self.process.stop()


class Nsd(Server):
    name, program = "nsd", "nsd"

    def argv(self, conf):
        return [peers.find("nsd"), "-d", "-c", conf]

    def conf(self):
        return f"""
server:
  ip-address: 127.0.0.1@{self.port}
  port: {self.port}
  username: ""
  zonesdir: "{self.dir}"
  pidfile: "{self.dir}/pid"
  xfrdfile: "{self.dir}/xfrd"
  xfrdir: "{self.dir}"
  zonelistfile: "{self.dir}/zones"
  database: ""
  server-count: 1
  rrl-ratelimit: 0
  xfrd-reload-timeout: 0
remote-control:
  control-enable: no
""" + "".join('zone:\n  name: "%s"\n  zonefile: "%s"\n' % z for z in self.zones.items())


class Knot(Server):
    name, program = "knot", "knotd"

    def argv(self, conf):
        return [peers.find("knotd"), "-c", conf]

    def conf(self):
        return f"""
server:
  listen: 127.0.0.1@{self.port}
  rundir: {self.dir}
  udp-workers: 1
  tcp-workers: 1
  background-workers: 1
log:
  - target: stderr
    any: warning
database:
  storage: {self.dir}/db
template:
  - id: default
    storage: {self.dir}
    zonefile-load: whole
    zonefile-sync: -1
    journal-content: none
zone:
""" + "".join("  - domain: %s\n    file: %s\n" % z for z in self.zones.items())


class Bind(Server):
    name, program = "bind", "named"

    def argv(self, conf):
        return [peers.find("named"), "-g", "-n", "1", "-c", conf]

    def conf(self):
        return f"""
options {{
	directory "{self.dir}"; pid-file "{self.dir}/pid"; session-keyfile none; lock-file none;
	listen-on port {self.port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }};
	recursion no; dnssec-validation no; notify no; check-names primary ignore;
	empty-zones-enable no; check-integrity no; minimal-responses yes;
}};
controls {{ }};
""" + "".join('zone "%s" { type primary; file "%s"; };\n' % z for z in self.zones.items())


class Unbound(Server):
    """anchor: DS record of the zone on top; zones are asked at `server`."""
    name, program = "unbound", "unbound"

    def __init__(self, folder, server, anchor, zones=None, options=()):
        self.server, self.anchor, self.options = server, anchor, options
        super().__init__(folder, zones or server.zones)

    def argv(self, conf):
        return [peers.find("unbound"), "-dd", "-c", conf]

    def conf(self):
        stubs = "".join('stub-zone:\n  name: "%s"\n  stub-addr: 127.0.0.1@%d\n  stub-prime: no\n'
                        % (z, self.server.port) for z in [".", *self.zones])
        return f"""
server:
  interface: 127.0.0.1@{self.port}
  port: {self.port}
  outgoing-interface: 127.0.0.1
  do-not-query-localhost: no
  do-ip6: no
  access-control: 127.0.0.0/8 allow
  username: ""
  chroot: ""
  directory: "{self.dir}"
  pidfile: "{self.dir}/pid"
  use-syslog: no
  verbosity: 1
  num-threads: 1
  module-config: "validator iterator"
  trust-anchor: "{self.anchor}"
  trust-anchor-signaling: no
  root-key-sentinel: no
  harden-algo-downgrade: yes
  aggressive-nsec: no
  target-fetch-policy: "0 0 0 0 0"
  local-zone: "test." nodefault
  ede: yes
""" + "".join("  %s\n" % o for o in self.options) + "remote-control:\n  control-enable: no\n" + stubs

    def up(self):
        """Any answer will do."""
        return wait_for(lambda: ask(self.port, "1.0.0.127.in-addr.arpa.", "A", seconds=0.2)
                        or not self.process.alive(), 10) and self.process.alive()
