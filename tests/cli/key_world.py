"""
The world of one zone for the key role: a signer, name servers of the zone and
of its parent, and every resolver's cache. The role is the real one; its frames
come from here, and hours pass by starting it again with a later clock.
"""
import hashlib
import json
import os
import struct
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from role_kit import Role, memfd  # noqa: E402

ZONE = b"\x07example\x02jp\x00"
PARENT = b"\x02jp\x00"
PUBLISH, SIGN_KEYS, SIGN_ZONE, CDS = 1, 2, 4, 16
READY, WAITS, CANNOT, UNSIGNED = range(4)
NONE = 0xffff
HOUR, DAY = 3600, 86400
EVER = 1 << 60


def tag(rdata):
    n = sum(b << 8 if i % 2 == 0 else b for i, b in enumerate(rdata))
    return (n + (n >> 16)) & 0xffff


def ds(rdata):
    return struct.pack(">HBB", tag(rdata), rdata[3], 2) + hashlib.sha256(ZONE + rdata).digest()


class Version:
    """A version of the zone: who is in the DNSKEY set, who signs it, who signs data."""

    def __init__(self, serial=0, keys=(), delete=False):
        self.serial, self.delete = serial, delete
        of = lambda use: frozenset(r for u, r in keys if u & use)  # noqa: E731
        self.dnskey, self.dnskey_sigs, self.data_sigs, self.cds = of(PUBLISH), of(SIGN_KEYS), of(SIGN_ZONE), of(CDS)


class Cached:
    def __init__(self, kind, what, since, ttl):
        self.kind, self.what, self.since, self.until, self.ttl = kind, what, since, EVER, ttl

    def alive(self, now):
        return self.since <= now < self.until + self.ttl


class Bogus(Exception):
    pass


ALL = []


def stop_all():
    """Whatever a test left running."""
    for w in ALL:
        w.stop(kill=True)
    ALL.clear()


class World:
    OPTIONS = {"keys": 0, "backup_required": 0, "ds_handover": 2, "zsk_lifetime": 0}

    def __init__(self, d, **options):
        self.folder = os.path.join(d, "keys")
        self.zone = os.path.join(self.folder, "example.jp.")
        self.options = dict(self.OPTIONS, **options)
        self.offset, self.role, self.name = 0, None, 0
        ALL.append(self)
        self.serial, self.version = 1, Version(1)
        self.child = {"192.0.2.1": self.version, "192.0.2.2": self.version}
        self.parent = {"198.51.100.1": frozenset(), "198.51.100.2": frozenset()}
        self.lies = {}				# address -> version whose serial it gives instead
        self.silent = set()
        self.notifies, self.hooks, self.looks, self.notify_ok = [], [], [], True
        self.serves = True
        self.hook_code = 0
        self.caches, self.meant_secure = [], False
        self.set, self.log, self.audit = None, [], []
        self.serve()

    # --- the role's life

    def now(self):
        return int(time.time()) + self.offset

    def start(self, **options):
        self.options.update(options)
        line = "example.jp.\t/zone\t/out\t" + " ".join("%s=%d" % o for o in self.options.items()) + "\n"
        self.role = Role("key", {"folder": self.folder, "zones": line, "looks": self.name}, no_sandbox=False, offset=self.offset)
        self.role.handlers.update(key_set=self.on_set, notify_ask=self.on_notify, hook_run=self.on_hook,
                                  look_want=lambda m: self.looks.append(m["seconds"]),
                                  audit=lambda m: self.audit.append((m["event"], json.loads(m["json"] or "{}"))),
                                  key_told=lambda m: os.close(m["json"]))
        self.set = None
        assert self.role.ready() and self.role.until(lambda: self.set), self.role.log
        self.show()
        return self

    def stop(self, kill=False):
        if self.role is None:
            return
        self.log += self.role.log
        if kill:
            self.role.p.kill()
        self.role.close()
        self.role = None

    def jump(self, seconds, **options):
        """So much later, in another life."""
        self.stop()
        self.offset += seconds
        self.judge()
        return self.start(**options)

    # --- the roles beside it

    def on_set(self, m):
        keys, at, octets = [], 0, m["keys"]
        while at < len(octets):
            uses, n = struct.unpack(">HH", octets[at:at + 4])
            keys.append((uses, octets[at + 4:at + 4 + n]))
            at += 4 + n
        self.set = dict(m, keys=keys)
        if m["state"] in (READY, UNSIGNED):
            new = Version(self.serial, keys, bool(m["cds_delete"]))
            same = all(getattr(new, a) == getattr(self.version, a) for a in
                       ("dnskey", "dnskey_sigs", "data_sigs", "cds", "delete"))
            if not same:
                self.serial += 1
                new.serial = self.serial
                self.version = new
            self.tell_published()

    def tell_published(self):
        """The zone role says what it serves; if it does: a zone may be refused."""
        if self.serves:
            self.role.send("zone_published", "zone", zone=ZONE, generation=self.set["generation"],
                           serial=self.version.serial, ttl_max=3600)

    def on_notify(self, m):
        self.notifies.append(self.now())
        self.role.send("notify_done", "name", id=m["id"], ok=int(self.notify_ok), text="")

    def on_hook(self, m):
        with os.fdopen(m["input"], "rb") as f:
            self.hooks.append(os.pread(f.fileno(), 1 << 20, 0).decode())
        self.role.send("hook_done", "parent", id=m["id"], code=self.hook_code, text="as told")

    def command(self, verb, key="", detail=""):
        n = len(self.role.seen)
        self.role.send("key_command", req=5, zone="example.jp.", verb=verb, key=key, detail=detail, who="test")
        got = self.role.until(lambda: [v for m, _, v in self.role.seen[n:] if m == "key_answer"])
        return got[0]["code"], got[0]["text"], got[0]["keys"]

    def show(self):
        n = len(self.role.seen)
        self.role.send("key_show", req=6, zone="example.jp.")
        got = self.role.until(lambda: [v for m, _, v in self.role.seen[n:] if m == "key_shown"])
        with os.fdopen(got[0]["json"], "rb") as f:
            self.json = json.loads(os.pread(f.fileno(), 1 << 20, 0))["zones"][0]
        return self.json

    # --- servers

    def sync(self, *addresses):
        """These servers of the zone (all) have the newest version now."""
        for a in addresses or self.child:
            self.child[a] = self.version
        self.serve()

    def enter(self, keys, *addresses):
        """The parent's servers (all) have DS for these keys."""
        for a in addresses or self.parent:
            self.parent[a] = frozenset(ds(k) for k in keys)
        self.serve()

    def look(self):
        """What role name would tell now; how the keys are then."""
        self.role.send("seen", "name", zone=ZONE, at=self.now(), seen=memfd(self.observation()))
        return self.show()

    def observation(self):
        sets, sigs, servers = [], [], b""

        def place(table, row):
            if row is None:
                return NONE
            if row not in table:
                table.append(row)
            return table.index(row)

        def set_of(kind, rrs, ttl):
            rrs = sorted(rrs)
            return None if not rrs else struct.pack(">HIHI", kind, ttl, len(rrs), sum(len(r) + 2 for r in rrs)) + \
                b"".join(struct.pack(">H", len(r)) + r for r in rrs)

        def sigs_of(kind, by, keys):
            keys = sorted(keys)
            return None if not by else struct.pack(">HH", kind, len(by)) + b"".join(
                struct.pack(">BHIIIH", k[3], tag(k), 3600, (self.now() + DAY) & 0xffffffff,
                            (self.now() - HOUR) & 0xffffffff, keys.index(k) if k in keys else NONE)
                for k in sorted(by))

        complete, n = 3, 0
        for side, table in ((0, self.parent), (1, self.child)):
            for a, has in sorted(table.items()):
                n += 1
                quiet = a in self.silent
                complete &= ~(1 << side) if quiet else 3
                servers += struct.pack(">BBB", side, 1 if quiet else 0, 2 if side and not quiet else 0)
                servers += b"\x04" + bytes(int(x) for x in a.split(".")) + bytes(12) + b"\x01\x00"
                if quiet:
                    servers += struct.pack(">IHHH", 0, NONE, NONE, NONE)
                elif side == 0:
                    servers += struct.pack(">IHHH", 0, place(sets, set_of(43, has, DAY)), NONE, NONE)
                else:
                    serial = self.lies.get(a, has).serial
                    servers += struct.pack(">IHHH", serial, place(sets, set_of(48, has.dnskey, HOUR)),
                                           place(sigs, sigs_of(48, has.dnskey_sigs, has.dnskey)),
                                           place(sigs, sigs_of(6, has.data_sigs, has.dnskey)))
        return (b"SEEN\x01" + bytes([len(ZONE)]) + ZONE + bytes([len(PARENT)]) + PARENT +
                struct.pack(">QIB", self.now(), 1, complete) + struct.pack(">H", len(sets)) + b"".join(sets) +
                struct.pack(">H", len(sigs)) + b"".join(sigs) + struct.pack(">H", n) + servers)

    # --- every resolver

    def serve(self):
        now = self.now()
        given = {("ds", x) for x in self.parent.values()} | \
            {("dnskey", (v.dnskey, v.dnskey_sigs)) for v in self.child.values()} | \
            {("data", v.data_sigs) for v in self.child.values()}
        for c in self.caches:
            if c.until == EVER and (c.kind, c.what) not in given:
                c.until = now
        open_ = {(c.kind, c.what) for c in self.caches if c.until == EVER}
        for kind, what in given - open_:
            self.caches.append(Cached(kind, what, now, {"ds": DAY, "dnskey": HOUR, "data": DAY}[kind]))
        self.judge()

    def judge(self):
        """With every mix of what some cache may hold: is there a path?"""
        now = self.now()
        alive = [c for c in self.caches if c.alive(now)]
        of = lambda kind: [c.what for c in alive if c.kind == kind]  # noqa: E731
        for d in of("ds"):
            if self.meant_secure and not d:
                raise Bogus("silently insecure")
            for keys, signers in of("dnskey"):
                for data in of("data"):
                    entry = {k for k in keys & signers if ds(k) in d}
                    algs = {x[2] for x in d}
                    if d and not (algs <= {k[3] for k in entry} and algs <= {k[3] for k in keys & data}):
                        raise Bogus("DS %s, DNSKEY %s by %s, data by %s" % (
                            [struct.unpack(">H", x[:2])[0] for x in d], *[sorted(map(tag, x)) for x in
                                                                         (keys, signers, data)]))

    # --- how it goes on

    def keys(self, **having):
        return [k for k in self.json["keys"] if all(k[a] == b for a, b in having.items())]

    def wanted(self):
        """The keys whose DS are wanted, as DNSKEY data."""
        tags = {(w["tag"], w["alg"], w["digest"]) for w in self.json["ds_want"]}
        all_ = {r for v in list(self.child.values()) + [self.version] for r in v.dnskey | v.cds} | \
            {r for _, r in self.set["keys"]}
        return {r for r in all_ if (tag(r), r[3], ds(r)[4:].hex().upper()) in tags}

    def go(self, done, rounds=60, registrar=True, step=None):
        """All servers follow at once, people do what they are told, until done(self)."""
        for _ in range(rounds):
            self.look()
            if done(self):
                return True
            self.sync()
            self.look()
            if registrar and not self.json["ds_done"] and not self.json["ds_alarm"]:
                self.follow()
                self.look()
            if done(self):
                return True
            if step:
                step(self)
            until = self.json["next"]
            self.jump(min(max(until - self.now(), 0) + 1, 30 * DAY) if until else HOUR)
        return False

    def follow(self):
        """The registrar does what is wanted, by whatever way it was told."""
        if [t for t in self.json["todo"] if t["act"] == "tell"] or self.hooks or \
                (self.notifies and all(v.cds or v.delete for v in self.child.values())):
            self.enter(self.wanted())

    def at_rest(self):
        """Nothing is waited for but the ends of lives."""
        life = "until the life of the key ends"
        return self.json["state"] == "ready" and self.json["ds_done"] and not self.json["held"] and \
            not [w for w in self.json["waits"] if w["why"] != life]

    def settle(self):
        """From here on no cache has the absence of DS."""
        self.jump(2 * DAY)
        self.meant_secure = True

    def files(self):
        return {f for f in os.listdir(self.zone) if f.endswith(".pem")}
