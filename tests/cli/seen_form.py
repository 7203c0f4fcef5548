"""What role name tells key (app/zone_seen.h), read by other code than ours."""
import socket
import struct

from dns_world import text

STATES = ["answered", "silent", "lame", "broken", "no-route", "no-address", "unknown"]
NONE = 0xffff


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, fmt):
        n = struct.calcsize(">" + fmt)
        v = struct.unpack(">" + fmt, self.data[self.at:self.at + n])
        self.at += n
        return v if len(v) > 1 else v[0]

    def octets(self, n):
        self.at += n
        return self.data[self.at - n:self.at]

    def name(self):
        n = self.take("B")
        return text(self.octets(n)) if n else None


def seen_read(data):
    r = Reader(data)
    assert r.octets(5) == b"SEEN\1"
    s = {"zone": r.name(), "parent": r.name(), "at": r.take("Q"), "took": r.take("I")}
    bits = r.take("B")
    s["complete"] = (bool(bits & 1), bool(bits & 2))
    s["sets"], s["sigs"], s["servers"] = [], [], []
    for _ in range(r.take("H")):
        kind, ttl, n, size = r.take("HIHI")
        s["sets"].append((kind, ttl, [r.octets(r.take("H")) for _ in range(n)]))
    for _ in range(r.take("H")):
        kind, n = r.take("HH")
        s["sigs"].append((kind, [r.take("BHIIIH") for _ in range(n)]))
    for _ in range(r.take("H")):
        side, state, flags, family = r.take("BBBB")
        addr = r.octets(16)
        v = {"side": side, "state": STATES[state], "excused": bool(flags & 1), "name": None}
        v["addr"] = None if family == 0 else socket.inet_ntop(
            socket.AF_INET if family == 4 else socket.AF_INET6, addr[:4] if family == 4 else addr)
        v["name"] = r.name()
        serial, s_set, k_sigs, s_sigs = r.take("IHHH")
        v["serial"] = serial if flags & 2 else None
        v["set"] = None if s_set == NONE else s["sets"][s_set]
        v["dnskey_sigs"] = None if k_sigs == NONE else s["sigs"][k_sigs]
        v["soa_sigs"] = None if s_sigs == NONE else s["sigs"][s_sigs]
        s["servers"].append(v)
    assert r.at == len(data)
    return s
