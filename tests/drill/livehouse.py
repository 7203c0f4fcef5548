"""
Drills with the whole daemon on the lab's publication servers: worlds in which
each server's payloads tell how old they are, and what an operator, a router
and a machine's administrator see of the daemon.

A world has one trust anchor at ta.example and one CA a server. CA number i
has 10.i.0.0/16 all the time and 10.i.S.0/24 at step S only.
"""
import glob
import json
import os
import re
import shutil
import socket
import struct
import sys
import time
import urllib.request

SRC = os.environ.get("SEKISHO_SRC") or os.path.normpath(
    os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
sys.path.insert(0, os.path.join(SRC, "tests", "cli"))
sys.path.insert(0, os.path.join(SRC, "tests", "lab"))
import house  # noqa: E402
from house import House, Tap, patient, run, stays, stop_all, wait_for  # noqa: E402,F401
from labhouse import LabHouse  # noqa: E402,F401
from patience import PATIENCE  # noqa: E402,F401

AT = "2026-11-22T00:00:00Z"	# step 0 of every world
EVERY = 90			# seconds of the world between two steps


def at(seconds):
    """The world's time, so much after step 0."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(1795305600 + seconds))


class World:
    """names: of the CAs; one whose name begins with "rsync" has no RRDP."""

    def __init__(self, folder, names, steps, extra="", manifest="", every=EVERY):
        self.folder, self.names, self.steps = folder, list(names), steps
        text = [f"at {AT}", f"steps {steps}", f"every {every}s", "ta lab {", "\tserver ta.example",
                "\tmanifest -1h +30d", "\tcrl -1h +30d", "\tresources 10.0.0.0/8 AS64496-AS65000"]
        for i, name in enumerate(self.names):
            text += [f"\tca {name} {{", f"\t\tserver {name}.example",
                     *(["\t\trrdp none"] if name.startswith("rsync") else []),
                     *([f"\t\t{manifest}"] if manifest else []),
                     f"\t\tresources 10.{i}.0.0/16 AS{64496 + i}",
                     f"\t\troa AS{64496 + i} 10.{i}.0.0/16 name base",
                     *(f"\t\troa AS{64496 + i} 10.{i}.{s}.0/24 name s{s} from {s} until {s + 1}"
                       for s in range(steps + 1)), "\t}"]
        text += ["}", extra]
        with open(os.path.join(folder, "w.lab"), "w") as f:
            f.write("\n".join(text) + "\n")
        code, _, err = run("lab", "rpki", "w.lab", "-q", "--seed", "7", "--servers", ".", cwd=folder, timeout=300)
        assert code == 0, err

    def of(self, name, step):
        """The payloads of one CA at one step."""
        i = self.names.index(name)
        return {f"AS{64496 + i} 10.{i}.0.0/16-16", f"AS{64496 + i} 10.{i}.{step}.0/24-24"}

    def all(self, step):
        return set().union(*(self.of(n, step) for n in self.names))

    def expected(self, step):
        """… as the maker of the world wrote it down."""
        with open(os.path.join(self.folder, f"expected-{step}.csv")) as f:
            rows = [line.split(",") for line in f.read().splitlines()[1:]]
        return {f"{r[0]} {r[1]}-{r[2]}" for r in rows}

    def split(self, vrps):
        """{name: its payloads}"""
        ret = {n: set() for n in self.names}
        for v in vrps:
            ret[self.names[int(v.split(".")[1])]].add(v)
        return ret

    def step_of(self, name, vrps, upto):
        """Which whole state of a CA this is; None: none."""
        return next((s for s in range(upto, -1, -1) if vrps == self.of(name, s)), None)

    def key(self, name):
        return f"rsync://{name}.example/repo/" if name.startswith("rsync") else \
            f"https://{name}.example/rrdp/notification.xml"


def programs(d):
    """A copy of the daemon's programs, to be tampered with: sekisho, and the folder of the roles."""
    top = os.path.join(d, "programs")
    roles = os.path.join(top, "src", "role")
    os.makedirs(roles)
    for name in os.listdir(os.path.join(house.BUILD, "src", "role")):
        path = os.path.join(house.BUILD, "src", "role", name)
        if name.startswith("sekisho-") and os.path.isfile(path):
            shutil.copy(path, roles)
    return shutil.copy(house.SEKISHO, top), roles


class LiveHouse(House):
    def __init__(self, folder, lab, more="", rpki="", state="state", top="", refresh="10s", timeout="8s", max_mb=8):
        hosts = ", ".join('"%s"' % h for h in lab.hosts_option().split())
        super().__init__(folder, f"fetch:\n  mode: on\n  refresh: {refresh}\n  timeout: {timeout}\n  max-size: {max_mb}\n"
                         f"  ca-file: {lab.ca}\n  hosts: [{hosts}]\n{more}", inputs="tree: []")
        with open(self.conf) as f:
            text = f.read()
        text = text.replace("tals: house.tal", "tals: tals" + "".join(f"\n  {x}" for x in rpki.splitlines()))
        with open(self.conf, "w") as f:
            f.write(top + text.replace("state: state", "state: " + state, 1))
        self.state = os.path.join(folder, state)
        self.wished = 0.0

    def guard(self, on):
        """With "guard-share: 0" in the configuration: none, or as by default."""
        with open(self.conf) as f:
            text = f.read()
        with open(self.conf, "w") as f:
            f.write(text.replace("  guard-share: 0", "  #guard-share: 0") if on else
                    text.replace("  #guard-share: 0", "  guard-share: 0"))

    def ask(self, line, seconds=patient(20)):
        """One line to the control socket, one line of answer."""
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(seconds)
            s.connect(os.path.join(self.state, "control"))
            s.sendall(line.encode() + b"\n")
            out = b""
            while not out.endswith(b"\n"):
                got = s.recv(65536)
                if not got:
                    break
                out += got
        return json.loads(out)

    def fetch_now(self, key=""):
        return self.ask(("fetch " + key).strip())["good"]

    def wish(self, every):
        """
        fetch_now(), at most every so many seconds; True. Not all the time: what
        works goes first, and who is asked for again at once is in the way of the others.
        """
        if time.monotonic() - self.wished > every:
            self.wished = time.monotonic()
            self.fetch_now()
        return True

    def get(self, path):
        with urllib.request.urlopen("http://127.0.0.1:%d%s" % (self.ports[1], path), timeout=patient(20)) as r:
            return json.load(r) if path.startswith("/api") else r.read().decode()

    def servers(self):
        """{key: what the page knows of the last attempt}"""
        got = self.get("/api/v1/servers")["servers"]
        return got if isinstance(got, dict) else {s["key"]: s for s in got}

    def of(self, role):
        """What a role says of itself; asked again while it is at work, or down."""
        return wait_for(lambda: self.status()["details"][role]["status"], 15) or {}

    def objects(self):
        """Lines of the object log."""
        try:
            with open(os.path.join(self.state, "objects.jsonl")) as f:
                return [json.loads(line) for line in f if line.endswith("\n")]
        except OSError:
            return []

    def pss(self):
        """Megabytes of all processes of the house, summed PSS."""
        total = 0
        for pid in [self.proc.pid] + [r["pid"] for r in self.status()["house"]["roles"] if r["pid"] > 1]:
            try:
                with open(f"/proc/{pid}/smaps_rollup") as f:
                    total += int(re.search(r"^Pss:\s+(\d+)", f.read(), re.M)[1])
            except (OSError, TypeError):
                pass
        return total // 1024

    def disk(self):
        """Megabytes of the state directory, as allocated."""
        total = 0
        for top, _, names in os.walk(self.state):
            for n in names:
                try:
                    total += os.lstat(os.path.join(top, n)).st_blocks * 512
                except OSError:
                    pass
        return total // (1024 * 1024)

    def damaged(self):
        """Signs that something of the state was broken."""
        return glob.glob(os.path.join(self.state, "**", "*.damaged"), recursive=True) + \
            [line for line in self.log().splitlines() if "damaged" in line or "set aside" in line]

    def is_served(self, vrps, seconds=20):
        return wait_for(lambda: self.vrps() == vrps, seconds, 0.05)

    def revalidate(self, *args):
        """The payloads that a run over the daemon's own store finds; exit status 3 raises."""
        code, out, err = run("rpki", "validate", "--state", self.state, "--tal",
                             os.path.join(self.folder, "tals"), "-o", "csv=-", "-q", *args)
        assert code in (0, 1), (code, err)
        rows = [line.split(",") for line in out.splitlines() if line.startswith("AS")]
        return {f"{r[0]} {r[1]}-{r[2]}" for r in rows if len(r) >= 3 and r[2].isdigit()}


def ends_well(t, h):
    """What a play ends with."""
    t.none(h.damaged(), "nothing was damaged")
    if t.failed:
        t.diag(h.log()[-3000:])
    t.equal(h.stop()[0], 0, "it ends well")


def folder():
    return house.folder()


class Router:
    """
    A router that stays: it keeps session, serial and payloads, asks for what
    is new, and starts anew when it is told to (RFC 8210, version 1). Each
    departure from the protocol is a fault.
    """

    def __init__(self, port):
        self.port, self.session, self.serial, self.vrps = port, None, None, set()
        self.deltas = self.resets = self.fulls = 0
        self.faults, self.changes = [], []	# changes: of the last answer

    def forget(self):
        self.session = self.serial = None
        self.vrps = set()

    def poll(self, timeout=patient(5)):
        """One question and its answer; OSError or EOFError when nobody answers."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=timeout) as s:
            if self.serial is not None:
                s.sendall(struct.pack(">BBHII", 1, 1, self.session, 12, self.serial))
                if self.answer(s):
                    self.deltas += 1
                    return
                self.resets += 1
            s.sendall(struct.pack(">BBHI", 1, 2, 0, 8))
            self.session = self.serial = None
            self.vrps = set()
            if not self.answer(s):
                self.faults.append("Cache Reset after a Reset Query")
            self.fulls += 1

    def answer(self, s):
        """False: Cache Reset. What came is taken over at its End of Data only."""
        vrps, changes, session = set(self.vrps), [], None
        while True:
            _, kind, word, length = struct.unpack(">BBHI", house.recv_exact(s, 8))
            if not 8 <= length <= 65535:
                raise ValueError("length %d" % length)
            body = house.recv_exact(s, length - 8)
            if kind == 0:
                continue			# Serial Notify
            if kind == 8:
                return False
            if kind == 10:
                raise OSError("error report %d" % word)
            if kind == 3:
                session = word
                if self.session is not None and word != self.session:
                    self.faults.append("a delta of another session")
            elif kind in (4, 6):
                self.take(kind, body, vrps, changes)
            elif kind == 7:
                return self.end(session, word, struct.unpack(">I", body[:4])[0], vrps, changes)

    def take(self, kind, body, vrps, changes):
        flags, plen, mlen, _ = struct.unpack(">BBBB", body[:4])
        addr = socket.inet_ntop(socket.AF_INET if kind == 4 else socket.AF_INET6, body[4:-4])
        text = "AS%d %s/%d-%d" % (struct.unpack(">I", body[-4:])[0], addr, plen, mlen)
        if (text in vrps) == (flags == 1):
            self.faults.append("%s %s twice" % ("announced" if flags else "withdrawn", text))
        changes.append((flags, text))
        (vrps.add if flags == 1 else vrps.discard)(text)

    def end(self, session, word, serial, vrps, changes):
        if session != word:
            self.faults.append("the session changes within an answer")
        if self.serial is not None and (serial - self.serial) & 0xffffffff > 1 << 31:
            self.faults.append("serial %d after %d" % (serial, self.serial))
        if self.serial == serial and changes:
            self.faults.append("changes without a new serial")
        self.session, self.serial, self.vrps, self.changes = session, serial, vrps, changes
        return True
