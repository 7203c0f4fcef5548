#!/usr/bin/env python3
"""
The zone role between name servers: NSD, Knot and BIND give unsigned zones to
the daemon and take each other's back signed, with TSIG and NOTIFY; what they
then have is verified by their own tools. And what goes wrong: wrong secrets
and sources, a primary that breaks off, goes back or sends nonsense, kill -9.

Each peer has a zone of its own name, as primary, and is a secondary of the
two others' as we sign them. A fourth zone comes from a primary that this test
plays itself. Loopback only.
"""
import os
import re
import socket
import struct
import sys
import threading

import peers
import test_xfr as xfr
from rtrserver import Process, free_port, wait_for

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "cli"))
import house  # noqa: E402

KEY = xfr.key("k256")
ZONES = {"knot": "pa", "bind": "pb", "nsd": "pc"}		# policies
HOSTS = 300


def zone_text(serial, n=HOSTS):
    """Large enough for several blocks; a few names change with the serial."""
    lines = ["$TTL 300", "@ SOA ns host %d 60 20 86400 60" % serial, "@ NS ns", "ns A 192.0.2.1",
             "*.wild TXT \"x\"", "a.b.c A 192.0.2.2", "sub NS ns.sub", "ns.sub A 192.0.2.3"]
    lines += ["h%d A 192.0.2.%d" % (i, serial % 250 if i % 50 == 0 else i % 250) for i in range(n)]
    lines.append("new%d A 192.0.2.9" % serial)
    return "\n".join(lines) + "\n"


# --- the other servers: primary of one zone, secondary of the others' ---

class Both:
    def __init__(self, top, ours):
        xfr.Peer.__init__(self, top, ours)
        self.own = self.name + ".example"
        self.others = [x + ".example" for x in ZONES if x != self.name] + ["own.example"]
        self.publish(1)

    def publish(self, serial, text=None):
        xfr.write(self.zone + ".new", text or zone_text(serial))
        os.replace(self.zone + ".new", self.zone)


class Knot(Both, xfr.Knot):
    def conf(self):
        head, _ = xfr.Knot.conf(self).split("remote:")
        return head + f"""remote:
  - id: us
    address: 127.0.0.1@{self.ours}
    key: k256
acl:
  - id: give
    key: [k256, k512]
    action: transfer
  - id: hear
    key: k256
    action: notify
  - id: show
    address: 127.0.0.1
    action: transfer
zone:
  - domain: {self.own}
    file: {self.zone}
    storage: {self.dir}
    zonefile-load: difference
    zonefile-sync: -1
    notify: us
    acl: give
""" + "".join(f"""  - domain: {z}
    file: {self.dir}/{z}.zone
    storage: {self.dir}
    master: us
    acl: [hear, show]
""" for z in self.others)


class Bind(Both, xfr.Bind):
    def conf(self):
        head, _ = xfr.Bind.conf(self).split('zone "pri.example"')
        return head.replace("recursion no;", "recursion no; querylog yes;") + f"""
zone "{self.own}" {{ type primary; file "{self.zone}"; allow-transfer {{ key k256; key k512; }};
	notify explicit; also-notify {{ 127.0.0.1 port {self.ours} key k256; }}; }};
""" + "".join(f"""zone "{z}" {{ type secondary; file "{z}.zone"; primaries port {self.ours} {{ 127.0.0.1 key k256; }};
	allow-notify {{ 127.0.0.1; }}; allow-transfer {{ 127.0.0.1; }}; }};
""" for z in self.others)


class Nsd(Both, xfr.Nsd):
    def conf(self):
        head, _ = xfr.Nsd.conf(self).split("zone:\n  name: pri.example")
        return head + f"""zone:
  name: {self.own}
  zonefile: "{self.zone}"
  provide-xfr: 127.0.0.1 k256
  provide-xfr: 127.0.0.1 k512
  notify: 127.0.0.1@{self.ours} k256
  store-ixfr: yes
  create-ixfr: yes
""" + "".join(f"""zone:
  name: {z}
  zonefile: "{z}.zone"
  request-xfr: 127.0.0.1@{self.ours} k256
  allow-notify: 127.0.0.1 k256
  provide-xfr: 127.0.0.1 NOKEY
""" for z in self.others)


# --- a primary of our own, that says what it is told to ---

def name(text):
    return b"".join(bytes([len(x)]) + x.encode() for x in text.strip(".").split(".")) + b"\0"


OWN = name("own.example")


def rr(owner, kind, data):
    return owner + struct.pack(">HHIH", kind, 1, 300, len(data)) + data


def soa(serial):
    return rr(OWN, 6, name("ns.own.example") + name("host.own.example") +
              struct.pack(">IIIII", serial, 60, 20, 86400, 60))


class Primary(threading.Thread):
    """Whole zones only; .records is what lies between the SOAs; .after: octets, then the connection ends."""

    def __init__(self):
        super().__init__(daemon=True)
        self.s = socket.create_server(("127.0.0.1", 0))
        self.port = self.s.getsockname()[1]
        self.serial, self.records, self.after, self.asked = 1, [], None, 0
        self.start()

    def message(self, query):
        end = 12 + query[12:].index(b"\0") + 5
        rrs = [soa(self.serial), *self.records, soa(self.serial)]
        return query[:2] + struct.pack(">HHHHH", 0x8400, 1, len(rrs), 0, 0) + query[12:end] + \
            b"".join(rrs).replace(OWN, query[12:end - 4])	# key.example is as long

    def run(self):
        while True:
            c, _ = self.s.accept()
            with c:
                try:
                    n, = struct.unpack(">H", house.recv_exact(c, 2))
                    out = self.message(house.recv_exact(c, n))
                    self.asked += 1
                    out = (struct.pack(">H", len(out)) + out)[:self.after]
                    c.sendall(out)
                    if self.after is None:
                        c.recv(1)
                except (OSError, EOFError):
                    pass


def own_records(n):
    return [rr(OWN, 2, name("ns.own.example")), rr(name("ns.own.example"), 1, bytes([192, 0, 2, 1])),
            *(rr(name("h%d.own.example" % i), 1, bytes([192, 0, 2, i % 250])) for i in range(n))]


# --- the daemon in the middle ---

class Middle:
    def __init__(self, d, up, primary):
        self.port = up[0].ours if up else free_port()
        self.up = {p.name: p for p in up}
        keys = os.path.join(d, "tsig.conf")
        xfr.write(keys, "".join('key "%s" { algorithm %s; secret "%s"; };\n' % (k, xfr.ALG[k], xfr.SECRET[k])
                                for k in xfr.SECRET))
        os.chmod(keys, 0o600)
        zones = [(p.own, "\"127.0.0.1:%d key k256\"" % p.port, ZONES[p.name],
                  [q.port for q in up if q is not p], "") for p in up]
        zones.append(("own.example", "127.0.0.1:%d" % primary.port, "pa", [q.port for q in up],
                      ", allow-notify: 127.0.0.9"))
        zones.append(("key.example", "127.0.0.1:%d key k256" % primary.port, "pa", [], ""))
        self.h = house.House(d, "dns:\n  look-interval: 0\n  listen: \"127.0.0.1:%d\"\n  tsig-keys: tsig.conf\n  zones:\n%s%s" % (
            self.port, "".join("    - {name: %s, primaries: %s, policy: %s, allow-transfer: [key k256, 127.0.0.8], notify: [%s]%s}\n" % (
                z, src, policy, ", ".join("\"127.0.0.1:%d key k256\"" % q for q in to), more)
                for z, src, policy, to, more in zones), """  policies:
    - {name: pa, keys: csk, backup-required: no}
    - {name: pb, keys: split, denial: nsec3, backup-required: no}
    - {name: pc, keys: split, algorithm: 8, denial: nsec3-optout, backup-required: no}
"""))
        self.names = [z[0] for z in zones[:-1]]

    def zone(self, zone):
        listed = self.h.status()["details"]["zone"]["status"]["list"]
        return next(z for z in listed if z["zone"] == zone + ".")

    def serial(self, zone):
        return soa_of(self.port, zone)

    def get(self, zone, old=None):
        return xfr.tool("get", self.port, zone + ".", KEY, 0, *([old] if old else []))


def soa_of(port, zone):
    """By UDP from 127.0.0.8, which may ask us without a key; a question is lost with whom it reaches."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind(("127.0.0.8", 0))
        s.settimeout(1)
        try:
            s.sendto(b"\x12\x34\0\0\0\1\0\0\0\0\0\0" + name(zone) + b"\0\6\0\1", ("127.0.0.1", port))
            m = s.recv(1500)
        except OSError:
            return None
    if m[3] & 15 != 0 or m[6:8] == b"\0\0":
        return None
    at = 12 + len(name(zone)) + 4
    at += 2 if m[at] >= 0xc0 else len(name(zone))
    end = at + 10 + struct.unpack(">H", m[at + 8:at + 10])[0]
    return struct.unpack(">I", m[end - 20:end - 16])[0]


VERIFIERS = {
    "bind": lambda z, f: ["dnssec-verify", "-q", "-o", z, f],
    "ldns": lambda z, f: ["ldns-verify-zone", f],
    "knot": lambda z, f: ["kzonecheck", "-o", z, "-d", "on", f],
}


def verified(t, d, zone, text, what):
    path = xfr.write(os.path.join(d, "got." + zone), text)
    for who, argv in VERIFIERS.items():
        argv = argv(zone, path)
        if peers.missing(argv[0]):
            t.skip("%s of %s" % (argv[0], what), argv[0] + " is not installed")
            continue
        if argv[0] == "dnssec-verify" and zone in ("own.example", "knot.example"):
            argv.insert(1, "-z")		# one key for all
        r = peers.run([peers.find(argv[0]), *argv[1:]], seconds=30)
        t.ok(r.status == 0, "%s: %s" % (what, argv[0]), r.out[-800:] + r.err[-800:])


def everywhere(t, m, zone, after):
    """The serial that we serve is newer than after, and all secondaries have it."""
    ours = wait_for(lambda: (m.serial(zone) or 0) > after and m.serial(zone), 20)
    if not t.ok(ours, "%s: signed and served, newer than %d" % (zone, after), m.h.log()[-3000:]):
        return 0
    for p in m.up.values():
        if zone in p.others:
            t.ok(wait_for(lambda p=p: soa_of(p.port, zone) == ours, 20), "%s: %s has it" % (zone, p.name),
                 str(m.zone(zone)) + p.process.text()[-1500:])
    return ours


def test_peers(t, d, m):
    first = {}
    for zone in m.names:
        first[zone] = everywhere(t, m, zone, 0)
        t.ok(wait_for(lambda z=zone: m.zone(z)["notify"] == [], 10), "%s: each NOTIFY was answered" % zone,
             str(m.zone(zone)))
    for p in m.up.values():
        for zone in p.others[:2]:
            err, text = xfr.tool("get", p.port, zone + ".", "-", 0)
            t.ok(err.startswith("FULL") and text == m.get(zone)[1], "%s has %s as we serve it" % (p.name, zone), err)
            verified(t, d, zone, text, "%s on %s" % (zone, p.name))
    old = {z: xfr.write(os.path.join(d, "old." + z), m.get(z)[1]) for z in m.names}
    for p in m.up.values():
        p.publish(2)
        p.reload()
    for p in m.up.values():
        everywhere(t, m, p.own, first[p.own])
        t.ok(wait_for(lambda p=p: m.zone(p.own).get("serial_in") == 2, 10), "%s: from serial 2" % p.own)
        err, text = m.get(p.own, old[p.own])
        t.ok(err.startswith("DIFF") and text == m.get(p.own)[1], "%s: differences from us" % p.own, err)
        if p.name == "bind" and "knot.example" in m.names:
            verified(t, d, "knot.example", xfr.tool("get", p.port, "knot.example.", "-", 0)[1],
                     "differences on " + p.name)
    if "bind" in m.up:
        said = re.findall(r"query: bind\.example IN (\w+) (\S+) ", m.up["bind"].process.text())
        t.equal([x for x in said if x[0] in ("AXFR", "IXFR")][:2], [("AXFR", "-ST"), ("IXFR", "-ST")],
                "BIND was asked for all of it, then for differences, signed", said)
        t.ok(("SOA", "-SE(0)") in said[:said.index(("IXFR", "-ST"))], "and before these for its SOA by UDP, signed", said)
    if {"knot", "bind"} <= set(m.up):
        t.equal(m.h.log().count(", differences, "), m.h.log().count("serial 2 from"),
                "serial 2 came as differences" if "nsd" not in m.up else "serial 2 came as differences, from NSD too")


def test_refused(t, d, m):
    zone = m.names[0]
    for what, key, code in (("another secret", xfr.key("k256", xfr.WRONG), "TSIG_PEER_ERROR=BADSIG"),
                            ("a key that it does not know", KEY.replace("k256", "k999"), "TSIG_PEER_ERROR=BADKEY"),
                            ("a key that may not", xfr.key("k512"), "XFR_RCODE=REFUSED"),
                            ("no key", "-", "XFR_RCODE=REFUSED")):
        err, out = xfr.tool("get", m.port, zone + ".", key, 0)
        t.ok(err.startswith("FAILED") and code in err.split() and out == "", "%s: %s" % (what, code), err)
    err, _ = xfr.tool("get", m.port, zone + ".", KEY, 3600)
    t.ok("TSIG_PEER_TIME" in err, "a clock an hour fast: BADTIME", err)
    t.ok("XFR_RCODE=NOTAUTH" in xfr.tool("get", m.port, "no.example.", KEY, 0)[0], "a zone that is not ours: NOTAUTH")
    t.ok("XFR_RCODE=REFUSED" in xfr.tool("soa", m.port, "no.example.", KEY, 0)[0], "its SOA: REFUSED")
    t.ok("XFR_RCODE=REFUSED" in xfr.tool("notify", m.port, "own.example.", "SOA")[0], "NOTIFY from elsewhere: REFUSED")
    t.ok("XFR_RCODE=NOTIMP" in xfr.tool("notify", m.port, "own.example.", "CDS")[0], "NOTIFY(CDS): NOTIMP")
    t.ok("XFR_RCODE=NOTAUTH" in xfr.tool("notify", m.port, "no.example.", "SOA")[0], "NOTIFY for another zone: NOTAUTH")
    if not peers.missing("dig"):
        def dig(*words):
            return peers.run([peers.find("dig"), "@127.0.0.1", "-p", str(m.port), "+time=5", "+tries=1", *words],
                             seconds=20).out
        t.ok("EDE: 18" in dig("own.example", "SOA"), "no key: extended error 18")
        t.ok("EDE: 20" in dig("no.example", "SOA"), "another zone: extended error 20")
        t.ok("EDE: 21" in dig("-y", KEY, "own.example", "A"), "no resolver: extended error 21")
        out = dig("-y", KEY, "+dnssec", "own.example", "DNSKEY")
        t.ok("RRSIG\tDNSKEY" in out and "Couldn't verify" not in out and "flags: qr aa" in out, "DNSKEY, signed", out)
    # A client that asks for a zone and reads nothing is in nobody's way.
    s = socket.create_connection(("127.0.0.1", m.port))
    s.sendall(b"\0\1")
    t.ok(m.get(zone)[0].startswith("FULL"), "while another one is silent")
    s.close()


def refresh(m):
    """Ask for own.example now; the NOTIFY comes from where it may come."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind(("127.0.0.9", 0))
        s.settimeout(house.patient(5))
        s.sendto(b"\x12\x34\x20\0\0\1\0\0\0\0\0\0" + OWN + b"\0\6\0\1", ("127.0.0.1", m.port))
        return s.recv(512)[3] & 15 == 0


def asked_again(m, primary):
    n = primary.asked
    return refresh(m) and wait_for(lambda: primary.asked > n, 10)


def test_source(t, d, m, primary):
    zone, log = "own.example", m.h.log
    t.ok(wait_for(lambda: "TSIG_MISSING" in m.zone("key.example").get("why", ""), 10) and
         not m.zone("key.example")["served"], "what is not signed is not taken", str(m.zone("key.example")))
    before = m.get(zone)[1]
    primary.serial, primary.records = 0xfffffff0, own_records(20)
    t.ok(asked_again(m, primary) and wait_for(lambda: "XFR_SERIAL_BACK" in m.zone(zone).get("why", ""), 10),
         "a primary that goes back: told", str(m.zone(zone)))
    primary.serial = 2
    primary.records = own_records(10) + [rr(name("else.example"), 1, bytes(4))]
    t.ok(asked_again(m, primary) and wait_for(lambda: m.zone(zone)["refusals"] >= 1, 10), "nonsense: refused", log()[-2000:])
    t.ok("DNS_ZONE_OUTSIDE" in log() and "has errors" in m.zone(zone).get("why", ""), "with its reason", str(m.zone(zone)))
    primary.serial, primary.records, primary.after = 3, own_records(200), 1000
    t.ok(asked_again(m, primary) and wait_for(lambda: "no primary gives the zone" in m.zone(zone).get("why", ""), 10),
         "a transfer that breaks off: told", str(m.zone(zone)))
    t.equal(m.get(zone)[1], before, "all the time the version before is served")
    primary.after, primary.serial, primary.records = None, 4, own_records(30)
    t.ok(asked_again(m, primary) and wait_for(lambda: m.zone(zone).get("serial_in") == 4, 20) and m.zone(zone)["good"],
         "a good one is taken", str(m.zone(zone)))
    t.ok("h29.own.example" in m.get(zone)[1], "and served")


def test_kill(t, d, m, primary):
    zone = "own.example"
    old = xfr.write(os.path.join(d, "old.own"), m.get(zone)[1])
    for n, role in enumerate(("zone", "store", "key", "zone")):
        serial, primary.serial, primary.records = m.serial(zone), 10 + n, own_records(40 + n)
        asked_again(m, primary)
        t.ok(m.h.kill_role(role), "kill -9 " + role)
        t.ok(wait_for(lambda: m.serial(zone), 20), "it is served again", m.h.log()[-2000:])
        t.ok(wait_for(lambda: refresh(m) and m.zone(zone).get("serial_in") == 10 + n and
                      m.serial(zone) > serial, 20, step=0.5), "and goes on, forwards", str(m.zone(zone)) + m.h.log()[-2000:])
    now, primary.serial = m.get(zone)[1], 5
    m.h.stop(9)
    m.h.start()
    t.ok(wait_for(lambda: m.get(zone)[1] == now, 20), "kill -9 of all: the same version, each signature", m.h.log()[-2000:])
    err, text = m.get(zone, old)
    t.ok(err.startswith("DIFF") and text == now, "and the differences of all lives", err)
    verified(t, d, zone, text, "after kill -9")
    journal = os.path.join(m.h.state, "zones", "own.example.", "out.journal")
    m.h.stop(9)
    size = os.path.getsize(journal)
    with open(journal, "r+b") as f:
        f.truncate(size - 7)
    m.h.start()
    primary.serial, primary.records = 20, own_records(50)
    t.ok(wait_for(lambda: m.zone(zone).get("serial_in") == 20 and m.zone(zone)["good"], 20, step=0.5),
         "a journal that was cut off is gone on with", str(m.zone(zone)) + m.h.log()[-2000:])
    verified(t, d, zone, m.get(zone)[1], "after that")


def test_reload(t, d, m):
    keys, zone = os.path.join(d, "tsig.conf"), "own.example"
    pid = m.h.role("zone")["pid"]

    def reload():
        return house.run("reload", "-c", m.h.conf)
    os.chmod(keys, 0o644)
    code, out, err = reload()
    t.ok(code != 0 and "chmod 600" in out + err, "secrets that others may read: refused", out + err)
    os.chmod(keys, 0o600)
    with open(keys) as f:
        text = f.read()
    xfr.write(keys, text.replace("k256", "other"))
    code, out, err = reload()
    t.ok(code != 0 and "k256" in out + err, "a key that is named and not there: refused", out + err)
    xfr.write(keys, text.replace("algorithm", "algorithmus", 1))
    code, out, err = reload()
    t.ok(code != 0 and "TSIG_KEY_SYNTAX" in out + err, "a file with an error: refused", out + err)
    t.equal(m.h.role("zone")["pid"], pid, "all the time the role goes on")
    xfr.write(keys, text)
    now = m.serial(zone)
    m.h.more = "".join(x for x in m.h.more.splitlines(True) if "key.example" not in x)
    m.h.write_conf()
    t.equal(reload()[0], 0, "one zone less")
    t.ok(wait_for(lambda: m.serial(zone) == now and m.h.role("zone")["pid"] not in (0, pid), 20),
         "the others are served as before", m.h.log()[-2000:])
    t.ok("XFR_RCODE=NOTAUTH" in m.get("key.example")[0], "and that one is not")


def main():
    t = xfr.tap
    with house.folder() as d:
        ours, up, primary, m = free_port(), [], Primary(), None
        primary.records = own_records(20)
        try:
            for make in (Knot, Bind, Nsd):
                if peers.missing(make.program):
                    t.skip(make.name, make.program + " is not installed")
                    continue
                up.append(make(d, ours))
                up[-1].start()
            for p in up:
                wait_for(lambda p=p: soa_of(p.port, p.own) == 1, 10)
            m = Middle(d, up, primary)
            m.h.start()
            t.case(test_peers, t, d, m)
            t.case(test_refused, t, d, m)
            t.case(test_source, t, d, m, primary)
            t.case(test_kill, t, d, m, primary)
            t.case(test_reload, t, d, m)
        finally:
            house.stop_all()
            for p in up:
                p.stop()
    return t.done()


if __name__ == "__main__":
    sys.exit(main())
