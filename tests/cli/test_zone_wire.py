#!/usr/bin/env python3
"""
The zone role on the wire, between a primary and a secondary that this test
plays: what comes that is forged, old, cut off or silent. Serials by UDP before
a transfer (RFC 1034 section 4.3.5, RFC 1982), TSIG (RFC 8945 sections 5.2 to
5.4), NOTIFY (RFC 1996).
"""
import base64
import os
import socket
import struct
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import house  # noqa: E402
import tsig  # noqa: E402

ZONE = tsig.name("example.jp")
SECRET = b"a secret of thirty-two octets ..."[:32]
KEY = tsig.Key("k256", SECRET)
SHORT = tsig.Key("k128", SECRET, "hmac-sha256-128")
WRONG = tsig.Key("k256", SECRET[::-1])
SOA, DNSKEY, AXFR = 6, 48, 252
HOSTS = 1500			# some 60 KiB: three messages
CONF = """dns:
  look-interval: 0
  listen: "127.0.0.1:%(port)d"
  tsig-keys: tsig.conf
  zones:
    - {name: example.jp, primaries: [%(primaries)s], policy: open,
       allow-transfer: [key k256, key k128, 127.0.0.8], notify: ["127.0.0.1:%(secondary)d key k256"]}
  policies:
    - {name: open, secure: no, serial: keep}
"""


def rr(owner, kind, data):
    return owner + struct.pack(">HHIH", kind, 1, 300, len(data)) + data


def soa(serial):
    return rr(ZONE, SOA, tsig.name("ns.example.jp") * 2 + struct.pack(">5I", serial, 86400, 86400, 864000, 60))


def question(kind, ident=0x1234, more=b"", counts=(0, 0, 0), flags=0):
    return struct.pack(">HHHHHH", ident, flags, 1, *counts) + ZONE + struct.pack(">HH", kind, 1) + more


def kind_of(m):
    at = tsig.skip(m, 12)
    return struct.unpack(">H", m[at:at + 2])[0]


def answer(query, rrs, flags=0x8400, ident=None):
    """To the question of it, without a signature."""
    end = tsig.skip(query, 12) + 4
    head = struct.pack(">H", ident) if ident is not None else query[:2]
    return head + struct.pack(">HHHHH", flags, 1, len(rrs), 0, 0) + query[12:end] + b"".join(rrs)


# --- those whom we play ---

class Primary(threading.Thread):
    """One zone, whole. .udp and .tcp count the questions; .say answers one by UDP: a list of messages."""

    def __init__(self, host="127.0.0.1"):
        super().__init__(daemon=True)
        self.s = socket.create_server((host, 0))
        self.port = self.s.getsockname()[1]
        self.where = "%s:%d key k256" % (host, self.port)
        self.u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.u.bind((host, self.port))
        self.serial, self.udp, self.tcp, self.say, self.bad = 1, 0, 0, self.truth, 0
        self.start()
        threading.Thread(target=self.run_udp, daemon=True).start()

    def signed(self, query, message, key=KEY, **kw):
        return key.sign(message, int(time.time()), tsig.read(query).mac, **kw)[0]

    def truth(self, q):
        return [self.signed(q, answer(q, [soa(self.serial)]))]

    def run_udp(self):
        while True:
            q, who = self.u.recvfrom(4096)
            t = KEY.verify(q, b"")
            self.bad += t is None or not t.good or kind_of(q) != SOA
            for m in self.say(q):
                self.u.sendto(m, who)
            self.udp += 1

    def run(self):
        while True:
            c, _ = self.s.accept()
            with c:
                try:
                    n, = struct.unpack(">H", house.recv_exact(c, 2))
                    q = house.recv_exact(c, n)
                    hosts = [rr(tsig.name("host-number-%d.example.jp" % i), 1, bytes([192, 0, 2, i % 250]))
                             for i in range(HOSTS)]
                    out = answer(q, [soa(self.serial), rr(ZONE, 2, tsig.name("ns.example.jp")),
                                     rr(tsig.name("ns.example.jp"), 1, struct.pack(">I", self.serial)), *hosts,
                                     soa(self.serial)])
                    out = self.signed(q, out)
                    c.sendall(struct.pack(">H", len(out)) + out)
                    self.tcp += 1
                    c.recv(1)
                except (OSError, EOFError):
                    pass


class Secondary(threading.Thread):
    """Takes NOTIFY by UDP; .heard: the serials told. .say as above."""

    def __init__(self):
        super().__init__(daemon=True)
        self.u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.u.bind(("127.0.0.1", 0))
        self.port = self.u.getsockname()[1]
        self.heard, self.bad, self.say = [], 0, self.truth
        self.start()

    def signed(self, q, flags=0xa400, key=KEY, **kw):
        return key.sign(answer(q, [], flags), int(time.time()), tsig.read(q).mac, **kw)[0]

    def truth(self, q):
        return [self.signed(q)]

    def run(self):
        while True:
            q, who = self.u.recvfrom(4096)
            t = KEY.verify(q, b"")
            self.bad += t is None or not t.good
            for m in self.say(q):
                self.u.sendto(m, who)
            for _, section, kind, at, n in tsig.records(q):
                if section == 1 and kind == SOA:	# RFC 1996 section 3.7: the hint
                    self.heard.append(struct.unpack(">I", q[at + n - 20:at + n - 16])[0])


class Place:
    def __init__(self, d, *more):
        self.primary, self.secondary, self.port = Primary(), Secondary(), house.free_port()
        with open(os.path.join(d, "tsig.conf"), "w") as f:
            for k, alg in (("k256", "hmac-sha256"), ("k128", "hmac-sha256-128")):
                f.write('key "%s" { algorithm %s; secret "%s"; };\n' % (k, alg, base64.b64encode(SECRET).decode()))
        os.chmod(f.name, 0o600)
        self.h = house.House(d, CONF % {"port": self.port, "secondary": self.secondary.port,
                                      "primaries": ", ".join('"%s"' % x.where for x in (self.primary, *more))})

    def zone(self):
        return self.h.status()["details"]["zone"]["status"]["list"][0]

    def ask(self, m, source="127.0.0.1"):
        """By UDP; None: no answer."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.bind((source, 0))
            s.settimeout(house.patient(1))
            s.sendto(m, ("127.0.0.1", self.port))
            return s.recv(4096)

    def serial(self):
        """That we serve; from who needs no key."""
        m = self.ask(question(SOA), "127.0.0.8")
        return next((struct.unpack(">I", m[at + n - 20:at + n - 16])[0]
                     for _, _, kind, at, n in tsig.records(m) if kind == SOA), None)

    def notify(self, source="127.0.0.1"):
        """A primary says that something is new; was it heard?"""
        return self.ask(question(SOA, flags=0x2400), source)[3] & 15 == 0

    def refreshed(self):
        """A NOTIFY, and the question that follows it was answered."""
        n = self.primary.udp
        return self.notify() and house.wait_for(lambda: self.primary.udp > n, 10)

    def served(self, serial, seconds=20):
        return house.wait_for(lambda: self.serial() == serial, seconds)


def begin(t, d, *more):
    p = Place(d, *more)
    p.h.start()
    t.ok(p.served(1, 30), "a zone is fetched and served", p.h.log())
    t.equal((p.primary.udp, p.primary.tcp), (0, 1), "where nothing is there, by TCP at once")
    return p


# --- serials by UDP ---

def forged(p, serial):
    """What others could send before the truth: all of it is dropped (RFC 8945 section 5.4)."""
    def say(q):
        lie = answer(q, [soa(serial)])
        return [answer(q, [], 0x8405), lie, p.primary.signed(q, lie, WRONG),
                p.primary.signed(q, answer(q, [], 0x8409), mac=b"", error=tsig.BADKEY), b"", q, lie[:20],
                p.primary.signed(q, answer(q, [soa(serial)], ident=(q[0] << 8 | q[1]) ^ 1))] + p.primary.truth(q)
    return say


def test_serials(t, d):
    p = begin(t, d)
    t.ok(p.refreshed(), "NOTIFY: the serial is asked for by UDP")
    t.ok(house.stays(lambda: p.primary.tcp == 1, 1), "and nothing else, as it is the same", str(p.zone()))
    p.primary.say = forged(p, 99)
    t.ok(p.refreshed() and house.stays(lambda: p.primary.tcp == 1, 1.5), "forged answers with a later one: no transfer")
    p.primary.serial, p.primary.say = 2, forged(p, 1)
    t.ok(p.notify() and p.served(2), "forged answers with the same one: the true one is taken", p.h.log())
    t.equal(p.primary.tcp, 2, "by one transfer")
    for what, say in (("an answer that was cut off", lambda q: [p.primary.signed(q, answer(q, [], 0x8600))]),
                      ("one without authority", lambda q: [p.primary.signed(q, answer(q, [soa(1)], 0x8000))]),
                      ("a refusal", lambda q: [p.primary.signed(q, answer(q, [], 0x8405))]),
                      ("no answer", lambda q: [])):
        p.primary.say = say
        p.primary.serial += 1
        t.ok(p.refreshed() and p.served(p.primary.serial), "%s by UDP: by TCP then" % what, p.h.log())
    t.equal(p.primary.bad, 0, "each of our questions is one for the SOA, and signed")
    t.ok(p.primary.tcp == 6, "a transfer for each", str(p.primary.tcp))
    p.primary.say = p.primary.truth
    last = p.primary.serial
    # RFC 1982 section 3.2: half the circle ahead is undefined, one less is newer, and so is what wraps.
    for serial, what in ((last + 2**31, "half the circle ahead"), (last - 1, "one behind")):
        p.primary.serial = serial
        t.ok(p.refreshed() and house.wait_for(lambda: "behind ours" in str(p.zone()["primaries"]), 10),
             "%s: told, and not followed" % what, str(p.zone()))
        t.equal((p.serial(), p.primary.tcp), (last, 6), "%s: nothing is fetched" % what)
    for serial in (last + 2**31 - 1, 0xffffffff, 0, 1):
        p.primary.serial = serial
        t.ok(p.notify() and p.served(serial), "serial %d is newer than the one before" % serial, str(p.zone()))


# --- signatures of questions to us ---

def test_signatures(t, d):
    p = begin(t, d)
    now = int(time.time())

    def ask(key, when, source="127.0.0.1", ident=0x1234, **kw):
        m, mac = key.sign(question(SOA, ident), when, **kw)
        got = p.ask(m, source)
        return got[3] & 15, key.verify(got, mac)

    rcode, r = ask(KEY, now)
    t.ok(rcode == 0 and r.good and r.error == 0, "a signed question has a signed answer")
    rcode, r = ask(KEY, now - 1)
    t.equal((rcode, r.error, r.time), (9, tsig.BADTIME, now - 1), "one that was signed before it: BADTIME, with its time")
    t.ok(r.good, "signed")
    t.ok(abs(int.from_bytes(r.other, "big") - time.time()) < house.patient(5) and len(r.other) == 6, "with the time of ours")
    t.ok(house.wait_for(lambda: "TSIG_REPLAYED" in p.h.log(), 10), "it is logged", p.h.log())
    rcode, r = ask(KEY, now - 1, "127.0.0.8")
    t.equal((rcode, r.error), (0, 0), "another secondary with the same key has a clock of its own")
    t.equal(ask(KEY, now)[0], 0, "the same second is no earlier one")
    rcode, r = ask(KEY, now + 1)
    t.ok(rcode == 0 and r.good, "and later ones go on")
    # RFC 4035 section 3: CD is copied, AD is not; RFC 2308 section 3: what is not there has the SOA beside it.
    m = p.ask(question(DNSKEY, flags=0x0130), "127.0.0.8")
    t.equal((m[2], m[3]), (0x85, 0x10), "the flags of an answer: QR, AA, RD and CD of the question")
    t.equal([(section, kind, m[at - 6:at - 2]) for _, section, kind, at, _ in tsig.records(m)],
            [(2, SOA, struct.pack(">I", 60))], "a zone without keys: no data, the SOA with its MINIMUM")
    rcode, r = ask(KEY, now - 400)
    t.equal((rcode, r.error), (9, tsig.BADTIME), "out of its time: BADTIME, as ever")

    # RFC 8945 section 5.2.2.1, and the names of section 6.
    for key, n, want in ((KEY, 32, (0, 0)), (KEY, 31, (9, tsig.BADTRUNC)), (KEY, 16, (9, tsig.BADTRUNC)),
                         (KEY, 15, (1, None)), (KEY, 9, (1, None)), (SHORT, 16, (0, 0)), (SHORT, 15, (1, None))):
        rcode, r = ask(key, now + 1, length=n)
        t.equal((rcode, r and r.error), want, "%s, %d octets of the MAC" % (key.alg, n))
    rcode, r = ask(SHORT, now + 2)
    t.ok(rcode == 0 and r.good and len(r.mac) == 16 and r.alg == tsig.name(SHORT.alg), "answered under the same name")
    rcode, r = ask(KEY, now + 2, mac=b"x" * 33)
    t.equal((rcode, r), (1, None), "more octets than there are: FORMERR")
    for key in (tsig.Key("k999", SECRET), tsig.Key("k256", SECRET, "hmac-sha512")):
        rcode, r = ask(key, now + 2)
        t.equal((rcode, r.error, r.mac), (9, tsig.BADKEY, b""), "%s: BADKEY, unsigned" % key.alg)
    rcode, r = ask(WRONG, now + 2)
    t.equal((rcode, r.error, r.mac), (9, tsig.BADSIG, b""), "another secret: BADSIG, unsigned")

    # RFC 8945 section 5.3.1: a TSIG on each message of an answer.
    with socket.create_connection(("127.0.0.1", p.port)) as s:
        s.settimeout(house.patient(5))
        m, mac = KEY.sign(question(AXFR), now + 3)
        s.sendall(struct.pack(">H", len(m)) + m)
        n, good, last, soas = 0, True, 0, 0
        while soas < 2:
            size, = struct.unpack(">H", house.recv_exact(s, 2))
            m = house.recv_exact(s, size)
            r = KEY.verify(m, mac, later=n > 0)
            good = good and r is not None and r.good and r.time >= last
            soas += sum(kind == SOA for _, _, kind, _, _ in tsig.records(m))
            if r is None:
                break
            mac, last, n = r.mac, r.time, n + 1
    t.ok(n > 1 and good, "each message of a transfer is signed, and the times do not go back", "%d messages" % n)


# --- NOTIFY ---

def test_notify(t, d):
    p = begin(t, d)
    s = p.secondary
    told = lambda: p.zone()["notify"]	# those that fail or are asked
    t.ok(house.wait_for(lambda: s.heard == [1] and told() == [], 10), "it is told, once, with the serial", str(s.heard))

    def forged_then_true(q):
        return [answer(q, [], 0xa400), answer(q, [], 0xa405), s.signed(q, key=WRONG), s.signed(q, 0xa409, mac=b"", error=17),
                b"\0", q, *s.truth(q)]

    s.say, p.primary.serial = forged_then_true, 2
    t.ok(p.notify() and p.served(2), "the next version")
    t.ok(house.wait_for(lambda: s.heard == [1, 2] and told() == [], 5), "forged answers do not end the wait for the true one",
         str((s.heard, told())))
    s.say, p.primary.serial = lambda q: [answer(q, [], 0xa400)], 3
    t.ok(p.notify() and p.served(3), "another version")
    t.ok(house.wait_for(lambda: s.heard.count(3) >= 2 and told()[0]["state"] == "asked", 10),
         "an answer that is not signed is none: it is told again", str((s.heard, told())))
    s.say = s.truth
    t.ok(house.wait_for(lambda: told() == [], 20), "until one is")
    s.say, p.primary.serial = lambda q: [s.signed(q, 0xa405)], 4
    t.ok(p.notify() and p.served(4), "a version more")
    t.ok(house.wait_for(lambda: told() and told()[0]["state"] == "failed" and "REFUSED" in told()[0]["said"], 5),
         "a refusal that is signed ends it", str(told()))
    t.equal(s.bad, 0, "each NOTIFY is signed")

    n = p.primary.udp
    m = p.ask(question(SOA, flags=0x2400), "127.0.0.3")
    t.equal((m[2] & 0xf8, m[3] & 15), (0xa0, 5), "NOTIFY from who is no primary: REFUSED")
    t.ok(house.wait_for(lambda: "127.0.0.3" in p.h.log() and "none of its primaries" in p.h.log(), 10), "and logged",
         p.h.log())
    t.ok(p.ask(question(SOA, flags=0x2400, more=soa(4), counts=(1, 0, 0)))[3] & 15 == 0, "NOTIFY of what is there already")
    t.ok(house.stays(lambda: p.primary.udp == n, 1.5), "neither makes us ask")
    t.ok(p.ask(question(SOA, flags=0x2400, more=soa(3), counts=(1, 0, 0)))[3] & 15 == 0, "NOTIFY with an older serial")
    t.ok(house.wait_for(lambda: p.primary.udp > n, 10), "makes us ask: a hint is not believed")
    t.equal((p.primary.tcp, p.serial()), (4, 4), "and it is as it was")


def test_source(t, d):
    """Of two primaries the one is asked that notified, also where the other one is just being asked."""
    other = Primary("127.0.0.2")
    p = begin(t, d, other)
    t.equal((other.udp, other.tcp), (0, 0), "the first one gives the zone")
    t.ok(p.notify("127.0.0.2") and house.wait_for(lambda: other.udp == 1, 10), "the second one notifies: it is asked")
    n, p.primary.say, other.serial = p.primary.udp, lambda q: [], 2
    t.ok(p.notify() and house.wait_for(lambda: p.primary.udp > n, 10), "the first one notifies, and is slow")
    t.ok(p.notify("127.0.0.2"), "the second one has something new meanwhile")
    t.ok(p.served(2), "it is asked when the first one has said its word", str(p.zone()))
    t.equal((p.primary.tcp, other.tcp), (2, 1), "and gives it")


if __name__ == "__main__":
    sys.exit(house.cases(test_serials, test_signatures, test_notify, test_source))
