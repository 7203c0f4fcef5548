#!/usr/bin/env python3
"""
Role name, its parent and role key played by role_kit, among name servers on
loopback that do well and badly: what it tells key, when that is complete,
what it logs, and whom it notifies.
"""
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import dns_world as w  # noqa: E402
import house  # noqa: E402
import role_kit  # noqa: E402
from seen_form import NONE, seen_read  # noqa: E402
from house import Tap  # noqa: E402

t = Tap()
SEKISHO = os.path.join(role_kit.BUILD, "sekisho")
PARENT, ZONE = 0, 1
CHILD = "child.test."


# --- a world ---

def signed_child(folder):
    """A zone with real keys and signatures, as the signer makes them."""
    path = os.path.join(folder, "child.zone")
    with open(path, "w") as f:
        f.write("""$ORIGIN child.test.
$TTL 300
@ SOA ns1 admin 5 3600 900 604800 300
@ NS ns1
@ NS ns2
ns1 A 192.0.2.21
ns2 A 192.0.2.22
""")
    os.mkdir(os.path.join(folder, "keys"))
    p = subprocess.run([SEKISHO, "zone", "sign", path, "--zone", CHILD, "-K", os.path.join(folder, "keys"),
                        "--generate", "13", "--serial", "keep"], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if p.returncode != 0:
        raise SystemExit("Bail out! " + p.stderr)
    with open(path + ".signed") as f:
        return f.read()


class House:
    """test. with two servers, child.test. with two, and a resolver."""

    def __init__(self, signed, conf=None, no_sandbox=False):
        self.world = w.World()
        self.test = w.Zone("test.", """
@ 600 IN SOA p1.test. admin.test. 100 3600 900 604800 60
@ 600 IN NS p1.test.
@ 600 IN NS p2.test.
p1 600 IN A 192.0.2.11
p2 600 IN A 192.0.2.12
child 600 IN NS ns1.child.test.
child 600 IN NS ns2.child.test.
child 900 IN DS 12345 13 2 %s
ns1.child 600 IN A 192.0.2.21
ns2.child 600 IN A 192.0.2.22
""" % ("ab" * 32))
        self.child = w.Zone(CHILD, signed)
        self.p1, self.p2 = (self.world.add(w.Server(a, [self.test])) for a in ("192.0.2.11", "192.0.2.12"))
        self.n1, self.n2 = (self.world.add(w.Server(a, [self.child])) for a in ("192.0.2.21", "192.0.2.22"))
        self.resolver = self.world.add(w.Resolver(None, [self.test, self.child]))
        self.conf, self.no_sandbox = conf or {}, no_sandbox
        self.role, self.got = None, 0

    def start(self):
        conf = {"zones": CHILD + "\n", "resolver": "127.0.0.1:%d" % self.resolver.port,
                "hosts": self.world.hosts(), "interval": 3600}
        conf.update(self.conf)
        self.role = role_kit.Role("name", conf, no_sandbox=self.no_sandbox)
        return self

    def seen(self):
        """The next one."""
        def it():
            all_ = [v for m, _, v in self.role.seen if m == "seen"]
            return all_[self.got] if len(all_) > self.got else None
        m = self.role.until(it, 30)
        if m is None:
            return {"servers": [], "complete": None, "sets": []}
        self.got += 1
        self.last = self.role.status()		# what it logged of this round has come, too
        with os.fdopen(m["seen"], "rb") as f:
            s = seen_read(os.pread(f.fileno(), 1 << 24, 0))
        assert w.text(m["zone"]) == s["zone"] and m["at"] == s["at"]
        return s

    def again(self):
        self.role.send("look_want", "key", zone=w.name(CHILD), seconds=0)
        return self.seen()

    def log(self, words):
        return [x for x in self.role.log if re.search(words, x)]

    def notify(self, zone=CHILD, ident=9):
        self.role.send("notify_ask", "key", id=ident, zone=w.name(zone), type=59)
        return self.role.until(lambda: [v for m, _, v in self.role.seen if m == "notify_done" and v["id"] == ident])[0]

    def __enter__(self):
        return self

    def __exit__(self, *why):
        if self.role:
            for m, _, v in self.role.seen[self.got:]:
                pass
            self.role.close()
        self.world.close()


def server(s, addr, side=ZONE):
    got = [v for v in s["servers"] if v["addr"] == addr and v["side"] == side]
    return got[0] if got else {k: "?" for k in ("state", "set", "serial", "excused", "name", "dnskey_sigs", "soa_sigs")}


def states(s):
    return {(("parent", "zone")[v["side"]], v["addr"] or v["name"]): v["state"] for v in s["servers"]}


# --- all is well ---

def well(signed):
    with House(signed) as h:
        # Who names a server makes it one: the parent ns3, the zone ns4.
        h.test.add("child 600 IN NS ns3.child.test.\nns3.child 600 IN A 192.0.2.23")
        h.child.add("@ 300 IN NS ns4.child.test.\nns4 300 IN A 192.0.2.24")
        h.resolver.zones = [h.test, w.Zone(CHILD, signed)]
        h.resolver.zones[1].add("ns4 300 IN A 192.0.2.24")
        h.world.add(w.Server("192.0.2.23", [h.child]))
        h.world.add(w.Server("192.0.2.24", [h.child]))
        h.start()
        t.ok(h.role.ready(), "it starts, in its sandbox", h.role.log)
        s = h.seen()
        t.equal(s["complete"], (True, True), "all answered: complete")
        t.equal((s["zone"], s["parent"]), (CHILD, "test."), "zone and parent")
        t.equal(states(s), {("parent", "192.0.2.11"): "answered", ("parent", "192.0.2.12"): "answered",
                            ("zone", "192.0.2.21"): "answered", ("zone", "192.0.2.22"): "answered",
                            ("zone", "192.0.2.23"): "answered", ("zone", "192.0.2.24"): "answered"},
                "every server that anybody names, by its glue or by the resolver")
        t.equal(server(s, "192.0.2.11", PARENT)["set"],
                (43, 900, [struct.pack(">HBB", 12345, 13, 2) + b"\xab" * 32]), "the DS set and its TTL")
        one = server(s, "192.0.2.21")
        keys = h.child.rrs[(w.name(CHILD), 48)]
        t.equal((one["serial"], one["set"]), (5, (48, keys[0][0], sorted(d for _, d in keys))),
                "serial, DNSKEY set in canonical order")
        ksk = [i for i, d in enumerate(one["set"][2]) if d[1] & 1]
        zsk = [i for i, d in enumerate(one["set"][2]) if not d[1] & 1]
        t.equal([r[5] for r in one["dnskey_sigs"][1]], ksk, "the KSK's signature, verified")
        t.equal((one["soa_sigs"][0], [r[5] for r in one["soa_sigs"][1]]), (6, zsk), "the ZSK's over the SOA")
        t.equal((len(s["sets"]), len(s["sigs"])), (2, 2), "what all give is told once")
        t.ok(all(tcp and not f & w.RD for srv in (h.p1, h.n1) for tcp, _, _, f, _ in srv.asked),
             "servers are asked by TCP, without recursion", h.n1.asked)
        t.equal([(n, k) for _, n, k, _, _ in h.n1.asked], [(CHILD, 6), (CHILD, 48), (CHILD, 2)], "the serial first")
        t.ok(all(not tcp and f & w.RD and not f & w.CD for tcp, _, _, f, _ in h.resolver.asked),
             "the resolver by UDP", h.resolver.asked)
        st = h.role.status()
        t.equal((st["zones"], st["complete"], st["list"][0]["answered"], st["list"][0]["failed"]), (1, 1, 6, []),
                "its status")
        n = len(h.role.log)
        # A new version, one server is late; a signature by nobody.
        h.n2.zones = [w.Zone(CHILD, signed)]
        h.child.drop(w.name(CHILD), "SOA")
        h.child.add("@ 300 IN SOA ns1.child.test. admin.child.test. 6 3600 900 604800 300")
        s = h.again()
        t.equal((s["complete"], server(s, "192.0.2.22")["serial"], server(s, "192.0.2.21")["serial"]),
                ((True, True), 5, 6), "a late server is told, and answered")
        t.equal([r[5] for r in server(s, "192.0.2.21")["soa_sigs"][1]], [NONE],
                "a signature over something else is nobody's")
        t.equal(h.role.log[n:], [], "one late look is no news")
        h.again()
        h.again()
        t.equal([x for x in h.role.log[n:]], ["child.test.: server ns2.child.test. 192.0.2.22 serves version 5 still, others 6"],
                "two are, once")
        t.ok(h.role.status()["list"][0]["failed"][0]["behind"], "and its status says so")
        h.n2.zones = [h.child]
        h.again()
        t.equal(len(h.log("192.0.2.22 serves version 6, as the others")), 1, "until it caught up")


# --- servers that do badly ---

def bad_servers(signed):
    with House(signed) as h:
        h.n2.delay = 0.3
        h.start()
        h.role.until(lambda: h.n2.asked)
        h.role.send("look_want", "key", zone=w.name(CHILD), seconds=0)
        first, second = h.seen(), h.seen()
        t.equal((first["complete"], second["complete"], sum(k == 6 for _, _, k, _, _ in h.n2.asked)),
                ((True, True), (True, True), 2), "wanted while one is under way: another one comes behind")
        h.n2.delay = 0.0
        h.world.stop(h.n2)
        s = h.again()
        t.equal((s["complete"], server(s, "192.0.2.22")["state"]), ((True, False), "silent"), "nobody listens: silent")
        h.again()
        t.equal(len(h.log("192.0.2.22 of the zone does not answer")), 1, "which is logged once")
        fresh = w.Server("192.0.2.22", [h.child])	# the same address of the world, behind another port
        h.world.servers.remove(h.n2)
        fresh.tcp.close(), fresh.udp.close()
        fresh.tcp = w.socket.socket()
        fresh.tcp.setsockopt(w.socket.SOL_SOCKET, w.socket.SO_REUSEADDR, 1)
        fresh.tcp.bind(("127.0.0.1", h.n2.port))
        fresh.tcp.listen(16)
        fresh.udp = w.socket.socket(w.socket.AF_INET, w.socket.SOCK_DGRAM)
        h.n2 = h.world.add(fresh)
        s = h.again()
        t.equal((s["complete"], len(h.log("192.0.2.22 of the zone answers again"))), ((True, True), 1), "and its return")

        cases = [
            ("REFUSED", lambda srv, tcp, q, r: w.flags_set(r[:12], off=w.AA, rcode=w.REFUSED)[:6] +
             b"\0" * 6 + r[12:12 + len(q) - 12], "lame"),
            ("an answer without AA", lambda srv, tcp, q, r: w.flags_set(r, off=w.AA), "lame"),
            ("SERVFAIL", lambda srv, tcp, q, r: w.flags_set(r, rcode=w.SERVFAIL), "lame"),
            ("TC over TCP", lambda srv, tcp, q, r: w.flags_set(r, on=w.TC), "lame"),
            ("another id", lambda srv, tcp, q, r: bytes([r[0] ^ 1]) + r[1:], "broken"),
            ("octets too few", lambda srv, tcp, q, r: r[:-3], "broken"),
            ("a connection that closes at once", lambda srv, tcp, q, r: "close", "silent"),
        ]
        for what, fn, state in cases:
            h.n2.mangle = fn
            s = h.again()
            t.equal((s["complete"], server(s, "192.0.2.22")["state"], server(s, "192.0.2.22")["set"]),
                    ((True, False), state, None), what)
        h.n2.mangle, h.n2.once = None, True
        t.equal(h.again()["complete"], (True, True), "a server that closes after each answer is a good one")
        h.n2.once = False
        # The parent's server that has only the child says "no DS" of the wrong zone.
        h.p2.zones = [h.child]
        s = h.again()
        t.equal((s["complete"], server(s, "192.0.2.12", PARENT)["state"]), ((False, True), "lame"),
                "no DS, says a server that knows the child only")
        # One that has both, and looks on the wrong side of the cut.
        h.p2.zones = [h.test]
        blind = w.Server(None, [h.child])
        h.p2.mangle = lambda srv, tcp, q, r: blind.reply(q, tcp) if q[-15:-11] == b"\0\x2b\0\1" else r
        s = h.again()
        t.equal((s["complete"], server(s, "192.0.2.12", PARENT)["state"], blind.asked[-1][2]),
                ((False, True), "lame", 43), "or one that has both, and looks on the wrong side of the cut")
        h.p2.mangle = None
        h.test.drop(w.name(CHILD), "DS")
        s = h.again()
        t.equal((s["complete"], server(s, "192.0.2.12", PARENT)), ((True, True), dict(
            server(s, "192.0.2.12", PARENT), state="answered", set=None)), "no DS, with the parent's SOA")


def big_sets(signed):
    with House(signed) as h:
        apex = w.name(CHILD)
        # 14 keys of 4000 octets: nearly all that a message holds.
        for i in range(14):
            h.child.put(apex, 48, 300, struct.pack(">HBB", 256, 3, 8) + bytes([i]) * 4000)
        other = w.Zone(CHILD, signed)
        for i in range(100):
            other.put(apex, 48, 300, struct.pack(">HBB", 256, 3, 13) + struct.pack(">H", i) * 32)
        h.n2.zones = [other]
        h.start()
        s = h.seen()
        t.equal((server(s, "192.0.2.21")["state"], len(server(s, "192.0.2.21")["set"][2])), ("answered", 16),
                "a DNSKEY set of 56 kB")
        t.equal((server(s, "192.0.2.22")["state"], s["complete"]), ("broken", (True, False)),
                "one of 102 keys is more than our limit")


# --- names and addresses ---

def addresses(signed):
    with House(signed) as h:
        h.child.add("@ 300 IN NS gone.child.test.\n@ 300 IN NS self.child.test.\nself 300 IN A 127.0.0.1\n"
                    "ns1 300 IN AAAA 2001:db8::21")
        # A family without a route: the kernel says so of a broadcast address at once, and sends nothing.
        h.conf["hosts"] = h.world.hosts() + "2001:db8::21=255.255.255.255:53\n"
        h.start()
        s = h.seen()
        t.equal(s["complete"], (True, True), "a host without IPv6 does not wait for ever")
        t.equal((server(s, "2001:db8::21")["state"], server(s, "2001:db8::21")["excused"]), ("no-route", True),
                "… as the server has another address that answered")
        t.equal((states(s)[("zone", "gone.child.test.")], states(s)[("zone", "127.0.0.1")]),
                ("no-address", "no-address"), "a name without address; loopback is nobody's address")
        t.equal((len(h.log("gone.child.test. of the zone has no address")), len(h.log("2001:db8"))), (1, 0),
                "the log tells of one, not of the other")
        h.n1.mangle = lambda srv, tcp, q, r: "close"
        s = h.again()
        t.equal((s["complete"], server(s, "2001:db8::21")["excused"]), ((True, False), False),
                "when the other address does not answer, that one is wanted")
    with House(signed) as h:
        # 70 names: more than our limit, and more than a log has to take.
        h.child.add("\n".join("@ 300 IN NS n%d.child.test." % i for i in range(70)))
        h.start()
        s = h.seen()
        t.equal((s["complete"], len(s["servers"]) > 60), ((True, False), True), "70 servers are too many for us")
        h.again()
        t.equal((len(h.log("have more than 64 servers")), len(h.log("has no address")), len(h.log("more of its servers"))),
                (1, 16, 1), "which is logged once, and of the others a few lines")
    with House(signed, {"families": 1}) as h:
        h.child.add("@ 300 IN NS six.child.test.\nsix 300 IN AAAA 2001:db8::26")
        h.start()
        s = h.seen()
        t.equal((s["complete"], states(s).get(("zone", "six.child.test."))), ((True, True), "no-address"),
                "families: ipv4 leaves IPv6 out")
        t.ok(not any(k == 28 for _, _, k, _, _ in h.resolver.asked), "and does not ask for it")


# --- the resolver ---

def resolvers(signed):
    with House(signed) as h:
        def cut(srv, tcp, q, r):
            return r if tcp else w.flags_set(r[:12], on=w.TC)[:6] + b"\0" * 6 + r[12:len(q)]
        h.resolver.mangle = cut
        h.start()
        t.equal((h.seen()["complete"], any(x[0] for x in h.resolver.asked)), ((True, True), True),
                "cut answers are asked for by TCP")
        # Somebody guesses: a wrong id from the right address; a few such are dropped (RFC 5452 section 9).
        h.resolver.asked.clear()
        h.resolver.mangle = lambda srv, tcp, q, r: r if tcp else [bytes([r[0] ^ 1]) + r[1:]] * 3 + [q, r]
        t.equal((h.again()["complete"], any(x[0] for x in h.resolver.asked)), ((True, True), False),
                "a few forged answers: the true one is waited for")
        h.resolver.asked.clear()
        h.resolver.mangle = lambda srv, tcp, q, r: r if tcp else [bytes([r[0] ^ 1]) + r[1:]] * 20 + [r]
        t.equal((h.again()["complete"], all(x in [y[1:] for y in h.resolver.asked if y[0]]
                 for x in [y[1:] for y in h.resolver.asked if not y[0]])), ((True, True), True),
                "many of them: all is asked by TCP")
        h.resolver.mangle = lambda srv, tcp, q, r: r if q[3] & 0x10 else w.flags_set(r, rcode=w.SERVFAIL)
        t.equal(h.again()["complete"], (True, True), "SERVFAIL: asked again with CD")
        h.resolver.mangle = lambda srv, tcp, q, r: w.flags_set(r, rcode=w.SERVFAIL)
        s = h.again()
        t.equal((s["complete"], s["servers"], s["parent"]), ((False, False), [], None), "it fails: nothing is known")
        h.again()
        t.equal(len(h.log("could not be found")), 1, "which is logged once")
        h.resolver.mangle = lambda srv, tcp, q, r: w.flags_set(r, rcode=w.SERVFAIL) \
            if q[12:28] == w.name(CHILD) + b"\0\2\0\1" else r
        s = h.again()
        t.equal((s["complete"], states(s).get(("zone", "192.0.2.22"))), ((True, False), "answered"),
                "whom it takes for the zone's servers is wanted, too")
        h.resolver.mangle = lambda srv, tcp, q, r: w.flags_set(r, rcode=w.SERVFAIL) if b"\3ns2" in q else r
        s = h.again()
        t.equal((s["complete"], states(s).get(("zone", "192.0.2.22")), states(s).get(("zone", "ns2.child.test."))),
                ((True, False), "answered", "unknown"), "of ns2 only glue is known: it may have more")


# --- the parent two labels up; NOTIFY (RFC 9859) ---

def notifies(signed):
    with House(signed, {"zones": CHILD + "\ncity.ise.test.\n"}) as h:
        h.test.add("city.ise 600 IN NS ns1.child.test.\n_dsync 600 IN DSYNC 59 1 5359 told.test.\n"
                   "told 600 IN A 192.0.2.31")
        told = h.world.add(w.Server("192.0.2.31"))
        h.start()
        got = {x["zone"]: x for x in (h.seen(), h.seen())}
        t.equal(got["city.ise.test."]["parent"], "test.", "a parent two labels up is found")
        t.equal(got["city.ise.test."]["complete"], (True, False), "whose child nobody serves")
        m = h.notify()
        t.equal((m["ok"], m["text"]), (1, "192.0.2.31:5359 took it"), "NOTIFY is sent to whom the parent names for all")
        t.equal([x[1:3] + x[4:] for x in told.asked], [(CHILD, 59, 4)], "it says CDS, of the zone")
        t.equal([n for _, n, k, _, _ in h.resolver.asked if k == 66], ["child._dsync.test.", "_dsync.test."],
                "the zone's own name was looked up first")
        h.test.add("city.ise._dsync 600 IN DSYNC 59 1 5360 told.test.")
        h.resolver.asked.clear()
        m = h.notify("city.ise.test.", 10)
        t.equal((m["ok"], m["text"], [n for _, n, k, _, _ in h.resolver.asked if k == 66]),
                (1, "192.0.2.31:5360 took it", ["city._dsync.ise.test.", "city.ise._dsync.test."]),
                "the label moves to where the SOA says that the parent is")
        told.mangle = lambda srv, tcp, q, r: w.flags_set(r, rcode=w.REFUSED)
        m = h.notify(ident=11)
        t.equal((m["ok"], "REFUSED" in m["text"]), (0, True), "a refusal is an answer")
        n = len(told.asked)
        told.mangle = lambda srv, tcp, q, r: r if len(srv.asked) > n + 1 else None
        m = h.notify(ident=12)
        t.equal((m["ok"], len(told.asked) - n >= 2), (1, True), "no answer: it is sent again")
        h.resolver.mangle = lambda srv, tcp, q, r: w.flags_set(r, rcode=w.SERVFAIL) \
            if b"_dsync" in q and not q[3] & w.CD else r
        h.resolver.asked.clear()
        m = h.notify(ident=15)
        t.equal((m["ok"], any(f & w.CD for _, _, _, f, _ in h.resolver.asked)), (0, False),
                "DSYNC records that do not validate are none")
        h.resolver.mangle = None
        h.test.drop(w.name("_dsync.test."), "DSYNC")
        t.equal(h.notify(ident=13)["ok"], 0, "nobody is named")
        h.test.add("_dsync 600 IN DSYNC 62 1 5359 told.test.\n_dsync 600 IN DSYNC 59 1 5359 local.test.\n"
                   "local 600 IN A 127.0.0.2")
        t.equal((h.notify(ident=14)["ok"], h.role.status()["notified"]), (0, 3), "our own machine is nobody to notify")


def sandbox():
    """Nothing is opened, nothing is bound: the status of the kernel says so."""
    with House("@ 300 IN SOA a. b. 1 1 1 1 1") as h:
        h.start()
        h.role.ready()
        with open("/proc/%d/status" % h.role.p.pid) as f:
            st = f.read()
        t.ok("Seccomp:\t2" in st and "NoNewPrivs:\t1" in st, "seccomp is on", st)


def config(_):
    """What is no address is refused with its line."""
    cases = [("resolver: 192.0.2.1", 0), ("resolver: '[2001:db8::1]:5300'", 0), ("resolver: ns.example", 1),
             ("resolver: 192.0.2.1:0", 1), ("hosts: [192.0.2.1=127.0.0.1:5300]", 0), ("hosts: [192.0.2.1]", 1),
             ("hosts: ['ns.example=127.0.0.1:53']", 1), ("look-families: ipv5", 1), ("look-interval: 2d", 1),
             ("hosts: [%s]" % ", ".join("192.0.2.%d=127.0.0.1" % i for i in range(256)), 0),
             ("hosts: [%s]" % ", ".join(["192.0.2.1=127.0.0.1"] * 257), 1)]
    with tempfile.TemporaryDirectory(prefix="sekisho-name-") as d:
        path = os.path.join(d, "x.conf")
        for line, want in cases:
            with open(path, "w") as f:
                f.write("state: state\ndns:\n  %s\n" % line)
            code, out, err = house.run("conf", "check", "-c", path, "--lang", "en")
            t.equal((code, "x.conf:3:" in out + err), (want, want != 0), line[:40])


def daemon(signed):
    """The whole house: from the configuration to sekisho status."""
    with House(signed) as h, tempfile.TemporaryDirectory(prefix="sekisho-name-") as d:
        os.mkdir(os.path.join(d, "tree"))
        with open(os.path.join(d, "child"), "w") as f:
            f.write("@ 300 SOA ns1 admin 1 3600 900 604800 300\n@ 300 NS ns1\nns1 300 A 192.0.2.21\n")
        hosts = "".join("    - %s\n" % x for x in h.world.hosts().split())
        p = house.House(d, "dns:\n  resolver: 127.0.0.1:%d\n  look-families: ipv4\n  hosts:\n%s"
                        "  zones:\n    - {name: child.test, file: child}\n" % (h.resolver.port, hosts))
        p.start()
        try:
            def known():
                st = p.status()["details"]["name"]["status"]
                return st if st["rounds"] else None
            st = house.wait_for(known) or {"list": [{}]}
            t.equal((st.get("complete"), st["list"][0].get("servers"), st.get("resolver")),
                    (1, 4, "127.0.0.1:%d" % h.resolver.port), "the daemon looks at its zones")
            t.ok(not any(k == 28 for _, _, k, _, _ in h.resolver.asked), "with the options of its configuration")
            h.n1.mangle = lambda srv, tcp, q, r: "close"
            p.proc.send_signal(house.signal.SIGHUP)		# nothing has changed: nobody is restarted
            pid = p.role("name")["pid"]
            t.ok(p.kill_role("name"), "it is killed")
            # While it is down, its last words may still be told.
            st = house.wait_for(lambda: p.role("name")["pid"] not in (0, pid) and known()["list"][0]["failed"]
                                and known()) or {"list": [{}]}
            t.equal((st.get("complete"), [x["address"] + " " + x["state"] for x in st["list"][0].get("failed", [])]),
                    (0, ["192.0.2.21 silent"]), "and looks again")
            code, out, _ = house.run("status", "-c", p.conf, "--lang", "en")
            t.ok("child.test. 192.0.2.21 ns1.child.test.: silent" in out, "the operator is told who does not answer", out)
            with open(p.conf) as f:
                conf = f.read()
            with open(p.conf, "w") as f:
                f.write(conf.replace("  resolver:", "  look-interval: 0\n  resolver:"))
            code, _, err = house.run("reload", "-c", p.conf)
            t.ok(code == 0 and house.wait_for(lambda: "name" not in p.status()["details"]),
                 "look-interval: 0 takes it away", err)
        finally:
            house.stop_all()


folder = tempfile.mkdtemp(prefix="sekisho-name-")
try:
    zone = signed_child(folder)
    for part in (well, bad_servers, big_sets, addresses, resolvers, notifies, config, daemon):
        if len(sys.argv) < 2 or sys.argv[1] == part.__name__:
            part(zone)
    sandbox()
finally:
    shutil.rmtree(folder)
sys.exit(t.done())
