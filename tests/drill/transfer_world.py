"""
A parent, two operators and resolvers, for transfers of many zones at once.

Operator A is NSD, operator B Knot; the parent, test., has two servers, of which
the second follows as late as the facts allow. Names of servers lead to addresses
127.x.y.z with port 53, so that resolvers follow real delegations. Every version
of every zone is signed by `sekisho zone sign` before the play begins, and played
by the second: that is the resolution of a resolver's clock.
"""
import os
import random
import shutil
import socket
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "peer"))
import dnskit  # noqa: E402
import peers  # noqa: E402

POISON = bytes([203, 0, 113, 66])	# what who was switched off would say
PHASE = 0.4		# of each second: when versions change
A, B = "a", "b"


def base():
    """A part of 127/8 for this test, where port 53 is free; None: it may not be taken."""
    for _ in range(20):
        net = "127.%d.%d." % (random.randrange(1, 255), random.randrange(256))
        try:
            for n in (1, 2, 11, 12):
                for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
                    with socket.socket(socket.AF_INET, kind) as s:
                        s.bind((net + str(n), 53))
            return net
        except PermissionError:
            return None
        except OSError:
            continue
    return None


class At:
    """A server of dnskit on another address, port 53."""

    def __init__(self, folder, zones, address):
        self.address = address
        super().__init__(folder, zones, 53)

    def conf(self):
        return super().conf().replace("127.0.0.1", self.address)

    def serial(self, zone):
        a = ask(self.address, 53, zone, "SOA")
        return int.from_bytes(a.answer[0][2][-20:-16], "big") if a and a.count("SOA") else None

    def up(self):
        return dnskit.wait_for(lambda: ask(self.address, 53, "nothing.", "SOA") or not self.process.alive(), 10) \
            and self.process.alive()


class Nsd(At, dnskit.Nsd):
    pass


class Knot(At, dnskit.Knot):
    pass


class Client(dnskit.Client):
    def __init__(self, address, port):
        super().__init__(port)
        self.s.connect((address, port))


def ask(address, port, name, qtype, seconds=0.2):
    c = Client(address, port)
    try:
        c.send(name, qtype, flags=0)
        return next((a for _, _, a in c.answers(seconds)), None)
    finally:
        c.close()


class Resolver(dnskit.Unbound):
    """It follows delegations from this server of the parent on; its cache can be flushed."""

    def __init__(self, folder, net, parent, anchor, options):
        self.net, self.parent = net, parent
        super().__init__(folder, None, anchor, {"test.": None}, options)

    def conf(self):
        self.server = self
        self.control = os.path.join(self.dir, "control")
        head = super().conf().split("remote-control:")[0]
        return head + """remote-control:
  control-enable: yes
  control-interface: "%s"
  control-use-cert: no
stub-zone:
  name: "test."
  stub-addr: %s@53
  stub-prime: no
stub-zone:
  name: "."
  stub-addr: 127.0.0.1@1
  stub-prime: no
""" % (self.control, self.parent)

    def flush(self, zone, qtype=None):
        """Forget the zone, or its records of this type only."""
        words = "flush_type %s %s" % (zone, qtype) if qtype else "flush_zone " + zone
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(peers.patient(2))
            s.connect(self.control)
            s.sendall(b"UBCT1 %s\n" % words.encode())
            while s.recv(4096):
                pass


# --- keys and versions of one zone ------------------------------------------------

# As served; facts have a second more, as clocks of resolvers are whole. DS live longest, so
# that there are caches with an old DS and a new delegation.
TTL, NO_TTL, DS_TTL = 2, 1, 3
ZONE = """$TTL %d
@	SOA	ns host {serial} 3600 600 86400 %d
@	NS	ns{side}.test.
*.any	A	192.0.2.9
""" % (TTL, NO_TTL) + "".join("t%d A 192.0.2.%d\nc%d A 192.0.2.1%d\n" % (n, n, n, n) for n in range(4))
POISONED = """$TTL %d
@	SOA	ns host {serial} 3600 600 86400 %d
@	NS	ns{side}.test.
*.any	A	203.0.113.66
""" % (TTL, NO_TTL) + "".join("t%d A 203.0.113.66\nc%d A 203.0.113.66\n" % (n, n) for n in range(4))


class Keys:
    """KL, ZL, KG, ZG as files; with the private part only where they sign."""

    def __init__(self, folder, zone):
        self.folder, self.zone, self.file = folder, zone, {}
        for side in "LG":
            dnskit.sign(folder, zone, ZONE.format(serial=1, side="x"), "--generate", "13", "--no-verify",
                        name="made%s%s" % (side, zone), keys="made%s%s" % (side, zone))
            made = os.path.join(folder, "made%s%s" % (side, zone))
            self.file["K" + side], = dnskit.key_files(made, zone, 257)
            self.file["Z" + side], = dnskit.key_files(made, zone, 256)

    def ds(self, key):
        return dnskit.ds_data(self.zone, self.file[key])

    def dir(self, sign, publish):
        name = "keys-%s%s-%s" % (self.zone, "".join(sign), "".join(publish))
        path = os.path.join(self.folder, name)
        if not os.path.isdir(path):
            os.mkdir(path)
            for k in (*sign, *publish):
                shutil.copy(self.file[k] + ".key", path)
            for k in sign:
                shutil.copy(self.file[k] + ".pem", path)
        return name


class Version:
    """What one side serves: who signs, what is published beside, whose NS records."""

    def __init__(self, sign=(), publish=(), side="l", poison=False):
        self.sign, self.publish, self.side, self.poison = tuple(sign), tuple(publish), side, poison

    def but(self, **changes):
        return Version(**{**vars(self), **changes})

    def file(self, keys, serial, operator):
        """operator: {"l": "a", "g": "b"}"""
        text = (POISONED if self.poison else ZONE).format(serial=serial, side=operator[self.side])
        name = "%s%d." % (keys.zone, serial)
        if not self.sign:
            return dnskit.write(os.path.join(keys.folder, name + "plain"), text)
        return dnskit.sign(keys.folder, keys.zone, text, "--serial", "keep", "--dnskey-ttl", str(TTL), "--no-verify",
                           name=name, keys=keys.dir(self.sign, self.publish))


class Case:
    """
    A zone that moves by its run-book, which begins at second `offset`. late: the
    operators take as long as the facts allow, else no time. wrong: {code: second}:
    steps that are taken at another time than the plan's, or never (None).
    """

    def __init__(self, folder, name, facts, late, wrong=(), offset=0):
        self.offset = offset
        self.zone, self.facts, self.late, self.wrong = name + ".test.", facts, late, dict(wrong)
        self.operator = {"l": B, "g": A} if late else {"l": A, "g": B}
        self.plan = self.asked("--json")
        self.keys = Keys(folder, self.zone)
        self.serial, self.files = 1, []
        self.events = [(max(at, at + offset * (at >= 0)), *what) for at, *what in self.play()]
        self.end = max([self.plan["end"] + offset] + [at for at, _, _ in self.events])

    def argv(self, *words):
        argv = [peers.sekisho(), "zone", "transfer", *words]
        for f in ("zone=" + self.zone, *self.facts):
            argv += ["-f", f]
        return argv

    def asked(self, *words):
        import json
        r = subprocess.run(self.argv(*words), capture_output=True, text=True)
        if r.returncode > 1:
            raise RuntimeError("%s: %s" % (self.zone, r.stderr))
        return json.loads(r.stdout) if words == ("--json",) else r.stdout

    def fact(self, name, default):
        return next((f.partition("=")[2] for f in reversed(self.facts) if f.startswith(name + "=")), default)

    def seconds(self, name):
        return int(self.fact(name, 0))

    # What each step does: to the losing and gaining side's version, and to the parent.

    def begin(self):
        signed = self.fact("signed-before", "yes") == "yes"
        return {"l": Version(("KL", "ZL") if signed else ()), "g": None, "ns": "l", "ds": ("KL",) if signed else ()}

    def step(self, code, w):
        ksk = "KL" if self.plan["pattern"] == "shared" else "KG"
        here = self.fact("move", "operator") == "registrar"
        own = Version((ksk, "ZG"), side="g")
        joined = own.but(publish=("ZL",))
        return {
            "LOAD": lambda: {"g": Version(side="g")},
            "LOAD_SIGNED": lambda: {"g": own},
            "LOAD_JOINED": lambda: {"g": joined},
            "LOAD_SHARED": lambda: {"g": joined},
            # Handed over by the losing side, which signed it with the new NS records.
            "LOAD_COPY": lambda: {"g": w["l"].but(side="g")},
            "JOIN": lambda: {"l": w["l"].but(publish=("ZG",))},
            "NS_LOSING": lambda: {"l": w["l"].but(side="g")},
            "STOP": lambda: {"l": None if self.seconds("losing-keeps") else w["l"].but(sign=(), publish=(), poison=True)},
            "DS_ADD": lambda: {"ds": ("KL", "KG")},
            "CDS_ADD": lambda: {"ds": ("KL", "KG")},
            "DS_NEW": lambda: {"ds": ("KL",) if here else ("KG",)},
            "DS_NONE": lambda: {"ds": ()},
            "DS_DEL": lambda: {"ds": ("KG",)},
            "CDS_DEL": lambda: {"ds": ("KG",)},
            "DS_AGAIN": lambda: {"ds": self.kept},
            "NS": lambda: {"ns": "g"},
            "SWAP": lambda: {"g": Version(("KG", "ZL"), ("ZG",), "g")},
            "OWN_SIGS": lambda: {"g": joined},
            "CLEAN": lambda: {"g": own},
            "SIGN_HERE": lambda: {"l": Version(("KL", "ZL"))},
            "UNSIGN_HERE": lambda: {"l": Version()},
        }.get(code, dict)()

    def steps(self):
        """[(second, code)], with what the registrar transfer takes away."""
        steps = [(self.wrong.get(s["code"][9:], s["at"]), s["code"][9:]) for s in self.plan["steps"]]
        if self.fact("ds-at-transfer", "kept") == "lost":
            steps.append((self.plan["insecure"]["from"], "LOST"))
        return sorted((at, code) for at, code in steps if at is not None)

    def delay(self, code, part):
        if part in ("ns", "ds"):
            return self.seconds("delay-parent") + (self.seconds("delay-cds") if code.startswith("CDS") else 0)
        late = self.late and code not in ("STOP",)
        return self.seconds("delay-losing" if part == "l" else "delay-gaining") if late else 0

    def play(self):
        """[(second, place, value)]: place is an operator with a file, or P1 and P2 with a part of the parent."""
        w, events = self.begin(), []
        events.append((-1, self.operator["l"], self.made(w["l"])))
        for place in ("P1", "P2"):
            events += [(-1, place, ("ns", self.operator["l"])), (-1, place, ("ds", w["ds"]))]
        for at, code in self.steps():
            if code == "LOST":
                self.kept = w["ds"]
            change = {"ds": ()} if code == "LOST" else self.step(code, w)
            w.update(change)
            for part, value in change.items():
                delay = self.delay(code, part)
                if part in "lg":
                    events.append((at + delay, self.operator[part], self.made(value)))
                else:
                    value = self.operator[value] if part == "ns" else value
                    events += [(at, "P1", (part, value)), (at + delay, "P2", (part, value))]
        return sorted(events, key=lambda e: e[0])

    def made(self, version):
        if version is None:
            return None
        self.serial += 1
        return self.serial, version.file(self.keys, self.serial, self.operator)

    def delegation(self, ns, ds):
        name = self.zone.split(".")[0]
        return "%s NS ns%s.test.\n" % (name, ns) + "".join(
            "%s %d DS %s\n" % (name, DS_TTL, self.keys.ds(k)) for k in ds)


# --- everything that is served, second by second --------------------------------

class World:
    def __init__(self, folder, net, cases):
        self.folder, self.net, self.cases = folder, net, cases
        self.address = {A: net + "1", B: net + "2", "P1": net + "11", "P2": net + "12"}
        self.ticks = self.make()
        self.servers = {}

    def parent(self, place, tick, state):
        text = "$TTL %d\n@ SOA ns host %d 3600 600 86400 %d\n@ 300 NS nsp\nnsp 300 A %s\nnsa 300 A %s\nnsb 300 A %s\n" % (
            TTL, tick + 2, NO_TTL, self.address[place], self.address[A], self.address[B])
        for c in self.cases:
            text += c.delegation(state[c.zone, "ns"], state[c.zone, "ds"])
        return dnskit.sign(self.folder, "test.", text, "--generate", "13", "--serial", "keep", "--no-verify",
                           name="%s-%d." % (place, tick + 1))

    def make(self):
        """{second: {place: {zone: (serial, file) or None}}}"""
        ticks, changes = {}, {}
        for c in self.cases:
            for at, place, value in c.events:
                if place in (A, B):
                    ticks.setdefault(at, {}).setdefault(place, {})[c.zone] = value
                else:
                    changes.setdefault(place, {}).setdefault(at, []).append((c.zone, *value))
        for place, by_second in changes.items():
            state = {}
            for at in sorted(by_second):
                state.update({(zone, part): value for zone, part, value in by_second[at]})
                ticks.setdefault(at, {}).setdefault(place, {})["test."] = (at + 2, self.parent(place, at, state))
        return ticks

    def start(self):
        kinds = {A: Nsd, B: Knot, "P1": Knot, "P2": Knot}
        for place, kind in kinds.items():
            zones = ["test."] if place[0] == "P" else [c.zone for c in self.cases]
            served = {z: os.path.join(self.folder, "served-%s-%s" % (place, z)) for z in zones}
            for z, (_, file) in self.ticks[-1].get(place, {}).items():
                shutil.copyfile(file, served[z])
            self.servers[place] = kind(self.folder, served, self.address[place])
        return all([s.up() for s in self.servers.values()])

    def anchor(self):
        ksk, = dnskit.key_files(os.path.join(self.folder, "keys"), "test.", 257)
        return "test. DS " + dnskit.ds_data("test.", ksk)

    def change(self, second):
        """Serve what this second brings: {(place, zone): serial} that are to be seen."""
        wants = {}
        for place, zones in self.ticks.get(second, {}).items():
            server = self.servers[place]
            for zone, value in zones.items():
                if zone not in server.zones:
                    continue		# switched off before
                if value is None:
                    server.zones.pop(zone)
                    dnskit.write(os.path.join(server.dir, "conf"), server.conf())
                else:
                    shutil.copyfile(value[1], server.zones[zone] + ".new")
                    os.rename(server.zones[zone] + ".new", server.zones[zone])
                    wants[place, zone] = value[0]
            server.reload()
        return wants

    def stop(self):
        for s in self.servers.values():
            s.stop()
