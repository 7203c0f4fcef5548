#!/usr/bin/env python3
"""
What is in service is verified for ever: bits that fall over in the memory of
the role, and in what the store keeps, are found, told everywhere and mended.
"""
import base64
import hashlib
import json
import os
import re
import signal
import struct
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import house  # noqa: E402
import test_zone_serve as serve  # noqa: E402
import test_zones_told as zones_told  # noqa: E402
from house import wait_for  # noqa: E402

CONF = """alarm:
  after: 0
dns:
  look-interval: 0
  zones:
    - {name: Example.JP, file: in/example.jp, output: out/example.jp, policy: %(policy)s}
  policies:
    - {name: two, keys: split, backup-required: no, audit-interval: 1, serial: increment}
"""


class Place(serve.Place):
    def __init__(self, d):
        super().__init__(d)
        self.h.more = CONF % {"policy": "two"}
        self.h.write_conf()

    def state(self):
        """The word for the zone, as sekisho zone status has it, and why."""
        code, out, _ = house.run("zone", "status", "example.jp", "--json", "-c", self.h.conf)
        z = json.loads(out)["zones"][0]
        return code, z["state"], z["why"]

    def refused(self):
        got = re.search(r'^sekisho_zone_refusals_by_reason_total\{reason="audit"\} (\d+)', self.metrics(), re.M)
        return int(got[1]) if got else -1

    def serial(self):
        return int(serve.read(self.output).split("SOA")[1].split()[2])

    def image(self, side="out"):
        return os.path.join(self.h.state, "zones", "example.jp.", side + ".image")


def signature(text, name, covered):
    """Its octets."""
    for line in text.splitlines():
        w = line.split()
        if w[0] == name and w[2:5] == ["RRSIG", covered, "13"] or w[0] == name and w[3:6] == ["RRSIG", covered, "13"]:
            return base64.b64decode("".join(w[w.index(covered) + 8:]).replace("(", "").replace(")", ""))
    raise AssertionError("no signature of %s %s" % (name, covered))


# --- memory ---

def flip(pid, octets):
    """The last bit of each place where the process has these octets; how many there were."""
    n = 0
    with open("/proc/%d/maps" % pid) as f:
        places = [line.split() for line in f]
    with open("/proc/%d/mem" % pid, "r+b", buffering=0) as m:
        for p in places:
            begin, end = (int(x, 16) for x in p[0].split("-"))
            if not p[1].startswith("rw-p") or end - begin > 1 << 28:
                continue
            try:
                m.seek(begin)
                data = m.read(end - begin)
            except OSError:
                continue
            at = data.find(octets)
            while at >= 0:
                m.seek(begin + at + len(octets) - 1)
                m.write(bytes([octets[-1] ^ 1]))
                n += 1
                at = data.find(octets, at + 1)
    return n


def test_memory(t, d):
    p = Place(d)
    t.ok(p.start() and p.good(), "a zone in service", p.h.log())
    first = p.status()["audited"]
    t.ok(wait_for(lambda: p.status()["audited"] > first + 1, 20), "it is verified again and again")
    t.equal((p.refused(), p.state()[1]), (0, "good"), "and nothing is wrong with it")
    before = serve.read(p.output)
    old = signature(before, "www.example.jp.", "A")
    store = p.h.role("store")["pid"]
    os.kill(store, signal.SIGSTOP)		# nothing new can be published yet
    try:
        try:
            n = flip(p.h.role("zone")["pid"], old)
        except PermissionError:
            t.skip("a bit falls over in memory", "no leave to write to the memory of another process")
            return
        t.ok(n > 0, "a bit falls over in memory (%d places)" % n)
        t.ok(wait_for(lambda: p.state()[1] == "kept", 10), "zone status has it", (p.state(), p.h.log()))
        code, _, why = p.state()
        t.ok(code == 1 and "validators" in why, "with the reason", why)
        t.ok(wait_for(lambda: re.search(r"error zone: example.jp. DNS_SIG_BAD: www.example.jp.:", p.h.log()), 10),
             "the log, with the name", p.h.log()[-1500:])
        t.ok(wait_for(lambda: p.refused() >= 1, 10), "the metrics", p.metrics())
        told = p.h.status()["details"]["zone"]["status"]
        t.ok(told["list"][0]["served"], "it is served all the while")
    finally:
        os.kill(store, signal.SIGCONT)
    t.ok(wait_for(lambda: p.state()[1] == "good", 40), "then it is mended", (p.state(), p.h.log()[-2000:]))
    now = serve.read(p.output)
    t.ok(p.serial() > int(before.split("SOA")[1].split()[2]), "by a new version")
    t.ok(*(lambda g: (g[0], "that verifies", g[1]))(p.verify()))
    kept = serve.sigs(before) & serve.sigs(now)
    t.ok(len(kept) >= len(serve.sigs(before)) - 3, "that keeps what was good", (len(kept), len(serve.sigs(before))))
    n, last = p.refused(), p.status()["audited"]
    t.ok(wait_for(lambda: p.status()["audited"] > last + 1, 20) and p.refused() == n, "and is verified again and again")
    t.equal(alarms(d, told), {("begin", "ALARM_ZONE_REFUSED")}, "what was told then is an alarm")


def alarms(d, told):
    """What a store makes of it, to whom key says that all is well."""
    keys = {"zones": [{"zone": "example.jp.", "state": "ready", "ds_done": True, "keys": [], "todo": []}]}
    folder = os.path.join(d, "store")
    os.makedirs(os.path.join(folder, "snapshots"))
    s = zones_told.Store(folder, 0)
    try:
        s.role.ready()
        zones_told.tell(s.role, (told, keys))
        return s.events(1)[0]
    finally:
        s.role.close()


# --- disk ---

def pieces(data):
    """Offset and length of each body (dns/zone_image.c)."""
    at = 0
    while at < len(data):
        magic, n = struct.unpack(">4sI", data[at:at + 8])
        assert magic == b"SKZ1"
        yield at, n
        at += 8 + n + 16


def spoil(path, octets, sums):
    """A bit of the signature on the disk; with sums that hold, or not."""
    with open(path, "rb") as f:
        data = bytearray(f.read())
    at = data.index(octets) + len(octets) - 1
    data[at] ^= 1
    for begin, n in pieces(bytes(data)):
        if sums:
            end = begin + 8 + n
            data[end:end + 16] = hashlib.sha256(bytes(data[begin:end])).digest()[:16]
    with open(path, "r+b") as f:
        f.write(data)


def test_disk(t, d):
    p = Place(d)
    t.ok(p.start() and p.good(), "a zone in service", p.h.log())
    for sums, name, what in ((True, "www", "a bit on the disk, and a sum that holds"), (False, "ns1", "a bit on the disk")):
        p.h.stop()
        before, n = serve.read(p.output), len(p.h.log())
        spoil(p.image(), signature(before, name + ".example.jp.", "A"), sums)
        p.h.start()
        t.ok(p.good(), what + ": the zone is served", p.h.log()[n:])
        # The log comes by way of the parent; what is not to be in it has had its time when it is asked.
        wait_for(lambda: "DNS_SIG_BAD" in p.h.log()[n:], 10 if sums else 1)
        t.equal("DNS_SIG_BAD" in p.h.log()[n:], sums, "it was told what was wrong with what was kept" if sums else
                "what was kept was not looked at")
        t.ok(*(lambda g: (g[0], "what is served verifies", g[1]))(p.verify()))
        t.ok(p.serial() >= int(before.split("SOA")[1].split()[2]), "its serial does not go back")
        kept = serve.sigs(before) & serve.sigs(serve.read(p.output))
        t.ok(len(kept) >= len(serve.sigs(before)) - 3, "what was good is kept", (len(kept), len(serve.sigs(before))))
        t.ok(p.change("more%d A 192.0.2.9" % sums, "more%d" % sums) and p.good(), "it goes on", p.h.log()[n:])
    # The text that others read is ours to verify, too, when nothing else is left.
    p.h.stop()
    before = serve.read(p.output)
    old = base64.b64encode(signature(before, "www.example.jp.", "A")).decode()
    os.remove(p.image())
    serve.write(p.output, before.replace(old[-8:], "A" * 6 + "==" if old.endswith("==") else "AAAAAAAA"))
    t.ok(not p.verify()[0], "the text is spoilt, the image is gone")
    p.h.start()
    t.ok(wait_for(lambda: p.good() and p.verify()[0], 20), "it is made anew from the source", p.h.log()[-2000:])


def test_source_gone(t, d):
    """A file that is not there any more: what was read of it is signed on."""
    p = Place(d)
    t.ok(p.start() and p.good(), "a zone in service", p.h.log())
    os.remove(p.source)
    t.ok(wait_for(lambda: "not there" in p.status().get("why", ""), 20), "its file is gone: told")
    old = signature(serve.read(p.output), "www.example.jp.", "A")
    try:
        flip(p.h.role("zone")["pid"], old)
    except PermissionError:
        t.skip("signed on", "no leave to write to the memory of another process")
        return
    t.ok(wait_for(lambda: "DNS_SIG_BAD" in p.h.log(), 10), "something has to be signed", p.h.log()[-1500:])
    t.ok(wait_for(lambda: signature(serve.read(p.output), "www.example.jp.", "A") != old, 20), "it is", p.h.log()[-1500:])
    t.ok(wait_for(lambda: "not there" in p.status().get("why", ""), 20), "and it is told still", str(p.status()))


if __name__ == "__main__":
    sys.exit(house.cases(test_memory, test_disk, test_source_gone))
