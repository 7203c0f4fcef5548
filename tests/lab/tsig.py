"""
TSIG (RFC 8945) as tests need it: signed with any time, length and name of an
algorithm, and taken apart again. Written from the RFC, not from src/dns.
"""
import hashlib
import hmac
import struct

# Names that stand in messages; the length of the whole MAC under that name.
ALGS = {"hmac-sha1": (hashlib.sha1, 20), "hmac-sha256": (hashlib.sha256, 32), "hmac-sha256-128": (hashlib.sha256, 16),
        "hmac-sha512": (hashlib.sha512, 64), "hmac-sha512-256": (hashlib.sha512, 32)}
BADSIG, BADKEY, BADTIME, BADTRUNC = 16, 17, 18, 22


def name(text):
    return b"".join(bytes([len(x)]) + x.encode() for x in text.lower().split(".") if x) + b"\0"


def skip(m, at):
    """Behind the name that begins there."""
    while m[at]:
        if m[at] >= 0xc0:
            return at + 2
        at += 1 + m[at]
    return at + 1


def records(m):
    """(where it begins, section, type, where its data begin, their octets) of each record."""
    at = 12
    for _ in range(struct.unpack(">H", m[4:6])[0]):
        at = skip(m, at) + 4
    for section in (1, 2, 3):
        for _ in range(struct.unpack(">H", m[4 + 2 * section:6 + 2 * section])[0]):
            begin, at = at, skip(m, at)
            kind, _, _, n = struct.unpack(">HHIH", m[at:at + 10])
            yield begin, section, kind, at + 10, n
            at += 10 + n


class Key:
    def __init__(self, key, secret, alg="hmac-sha256"):
        self.name, self.secret, self.alg = name(key), secret, alg

    def mac(self, message, when, fudge, prior, error, other, later, length):
        digest, full = ALGS[self.alg]
        h = hmac.new(self.secret, digestmod=digest)
        if prior:
            h.update(struct.pack(">H", len(prior)) + prior)
        h.update(message)
        timers = struct.pack(">HIH", when >> 32, when & 0xffffffff, fudge)
        if later:
            h.update(timers)
        else:
            h.update(self.name + struct.pack(">HI", 255, 0) + name(self.alg) + timers +
                     struct.pack(">HH", error, len(other)) + other)
        return h.digest()[:full if length is None else length]

    def sign(self, message, when, prior=b"", fudge=300, error=0, other=b"", later=False, length=None, mac=None):
        """The message with its signature, and the MAC."""
        if mac is None:
            mac = self.mac(message, when, fudge, prior, error, other, later, length)
        data = name(self.alg) + struct.pack(">HIHH", when >> 32, when & 0xffffffff, fudge, len(mac)) + mac + \
            message[:2] + struct.pack(">HH", error, len(other)) + other
        count, = struct.unpack(">H", message[10:12])
        return message[:10] + struct.pack(">H", count + 1) + message[12:] + self.name + \
            struct.pack(">HHIH", 250, 255, 0, len(data)) + data, mac

    def verify(self, message, prior, later=False):
        """What the record says, and .good; None: there is none."""
        t = read(message)
        if t is not None:
            t.good = len(t.mac) > 0 and hmac.compare_digest(t.mac, self.mac(
                t.message, t.time, t.fudge, prior, t.error, t.other, later, len(t.mac)))
        return t


class Record:
    pass


def read(m):
    last = None
    for last in records(m):
        pass
    if last is None or last[2] != 250:
        return None
    begin, _, _, at, _ = last
    t = Record()
    alg, at = at, skip(m, at)
    t.alg = m[alg:at]
    hi, lo, t.fudge, n = struct.unpack(">HIHH", m[at:at + 10])
    t.time, t.mac = hi << 32 | lo, m[at + 10:at + 10 + n]
    at += 10 + n
    t.id, t.error, n = struct.unpack(">HHH", m[at:at + 6])
    t.other = m[at + 6:at + 6 + n]
    count, = struct.unpack(">H", m[10:12])
    t.message = struct.pack(">H", t.id) + m[2:10] + struct.pack(">H", count - 1) + m[12:begin]
    return t
