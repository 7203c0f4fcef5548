#!/usr/bin/env python3
"""
A zone whose primaries fall silent: told at once, at half of the SOA's expire
and at its end; served and signed on all the while; and well when one answers.
"""
import os
import socket
import struct
import sys
import threading

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import house  # noqa: E402
import zone_kit  # noqa: E402

AXFR = 252
SOA_AT = b"\x02ns\xc0\x0c\x04host\xc0\x0c"


def rr(kind, data):
    return b"\xc0\x0c" + struct.pack(">HHIH", kind, 1, 300, len(data)) + data


class Primary:
    """The zone, by TCP; or nobody who answers."""

    def __init__(self, expire):
        self.s = socket.create_server(("127.0.0.1", 0))
        self.port, self.expire, self.serial, self.silent, self.asked = self.s.getsockname()[1], expire, 1, False, 0
        threading.Thread(target=self.run, daemon=True).start()

    def answer(self, q):
        soa = rr(6, SOA_AT + struct.pack(">IIIII", self.serial, 20, 20, self.expire, 60))
        kind, = struct.unpack(">H", q[12 + len(zone_kit.NAME):][:2])
        rrs = [soa] if kind == 6 else [soa, rr(2, b"\x02ns\xc0\x0c"), rr(16, b"\x01%d" % self.serial), soa]
        return q[:2] + struct.pack(">HHHHH", 0x8400, 1, len(rrs), 0, 0) + q[12:16 + len(zone_kit.NAME)] + b"".join(rrs)

    def run(self):
        while True:
            c, _ = self.s.accept()
            with c:
                c.settimeout(house.patient(5))
                try:
                    self.asked += 1
                    while not self.silent:
                        m = self.answer(house.recv_exact(c, *struct.unpack(">H", house.recv_exact(c, 2))))
                        c.sendall(struct.pack(">H", len(m)) + m)
                except (OSError, EOFError):
                    pass


class Place:
    def __init__(self, expire):
        self.p = Primary(expire)
        self.z = zone_kit.Zone("", more="\tprimary 127.0.0.1:%d\thear 127.0.0.0/8" % self.p.port)
        self.z.start()

    def notify(self):
        """Which is answered, or not; the primary is asked."""
        with socket.socket(socket.AF_INET) as s:
            s.connect(("127.0.0.1", self.z.port))
            m = struct.pack(">HHHHHH", 9, 4 << 11, 1, 0, 0, 0) + zone_kit.NAME + struct.pack(">HH", 6, 1)
            s.sendall(struct.pack(">H", len(m)) + m)
            n = self.p.asked
            return self.z.until(lambda: self.p.asked > n, 10)

    def why(self):
        return self.z.status().get("why", "")

    def says(self, word, seconds=20):
        return self.z.until(lambda: word in self.why(), seconds)

    def log(self, word):
        return [x for x in self.z.role.log if word in x]


def test_expire(t, _):
    x = Place(expire=6)
    t.ok(x.z.serves(1), "a zone from its primary", x.z.role.log)
    first = x.z.ask(AXFR)
    st = x.z.status()
    t.ok(st["source_good"] and "source_expires" not in st and st["good"], "which answers", st)
    x.p.silent = True
    t.ok(x.notify() and x.z.until(lambda: x.log("no primary gives the zone")), "it answers no more: told at once", x.why())
    st = x.z.status()
    t.ok(not st["good"] and not st["source_good"] and st["source_expires"] == st["transferred"] + 6,
         "and until when the SOA has it served", st)
    t.ok(x.z.until(lambda: x.log("half of the SOA's expire"), 20), "when half of that has gone: told", x.z.role.log)
    t.ok(x.says("longer than the SOA's expire"), "when all of it has", x.why())
    log = "\n".join(x.z.role.log)
    t.ok(log.index("no primary gives") < log.index("half of the SOA's") < log.index("longer than the SOA's"), "one after the other")
    t.equal(zone_kit.serial(first[0][3]), zone_kit.serial(x.z.ask(AXFR)[0][3]), "it is served on, as it was")
    t.ok(x.notify() and x.z.until(lambda: len(x.log("example.jp.: 127.0.0.1: ")) >= 2, 10), "a round more in vain", x.z.role.log)
    t.ok("longer than the SOA's expire" in x.why(), "is no other news", x.why())
    x.z.role.send("key_set", "key", zone=zone_kit.NAME, state=zone_kit.UNSIGNED, generation=2, cds_delete=1)
    t.ok(x.z.until(lambda: [v for m, _, v in x.z.role.seen if m == "zone_published" and v["generation"] == 2], 10),
         "other keys are taken all the same", x.z.role.log)
    t.ok("longer than the SOA's expire" in x.why(), "which mends nothing of that", x.why())
    x.p.silent, x.p.serial = False, 2
    t.ok(x.notify() and x.z.serves(2, 60), "a primary answers again", x.z.role.log)
    st = x.z.status()
    t.ok(st["good"] and st["source_good"] and "source_expires" not in st, "all is well", st)
    x.p.silent = True
    t.ok(x.notify() and x.z.until(lambda: len(x.log("no primary gives the zone")) == 2), "silent again: told again")
    t.ok(x.z.until(lambda: len(x.log("half of the SOA's expire")) == 2, 20), "and counted from the new version")
    t.equal(x.z.stop(), 0, "it ends well")


def main():
    t = house.Tap()
    t.case(test_expire, t, None)
    return t.done()


if __name__ == "__main__":
    sys.exit(main())
