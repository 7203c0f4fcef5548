"""A lab world and a daemon on it, in a folder of its own, on loopback."""
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import tempfile

SRC = os.environ.get("SEKISHO_SRC") or os.path.normpath(
    os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
BUILD = os.environ.get("SEKISHO_BUILD") or os.path.join(SRC, "build")
sys.path.insert(0, os.path.join(SRC, "tests", "peer"))
sys.path.insert(0, os.path.join(SRC, "tests", "lab"))
from patience import free_port, patient, stays, wait_for  # noqa: E402,F401
from tap import Tap  # noqa: E402,F401

SEKISHO = os.path.join(BUILD, "sekisho")
WORLD = """
ta house {
	resources 192.0.2.0/24 198.51.100.0/24 2001:db8::/32 AS64496-AS64511
	ca edo {
		resources 192.0.2.0/24 2001:db8::/36 AS64496
		roa AS64496 192.0.2.0/24 name edo-v4
		roa AS64496 2001:db8::/36-48 name edo-v6
	}
	ca kyoto {
		resources 198.51.100.0/24 AS64497
		roa AS64497 198.51.100.0/24 name kyoto-v4
		aspa AS64497 AS64500 name kyoto-up
	}
}
"""
VRPS = {"AS64496 192.0.2.0/24-24", "AS64496 2001:db8::/36-48", "AS64497 198.51.100.0/24-24"}
KYOTO_GONE = VRPS - {"AS64497 198.51.100.0/24-24"}


def run(*args, timeout=60, **kw):
    """(status, stdout, stderr) of sekisho with these arguments."""
    p = subprocess.run([SEKISHO, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                       stdin=subprocess.DEVNULL, timeout=patient(timeout), text=True, **kw)
    return p.returncode, p.stdout, p.stderr


def lab(folder, *faults, world=None, seed="7", rrdp=False):
    """
    The same keys each time. folder/tree is refilled, not replaced, and not at
    one moment; folder/world.xml (rrdp) is replaced as a whole.
    """
    with open(os.path.join(folder, "w.lab"), "w") as f:
        f.write(world or WORLD)
    xml = os.path.join(folder, "world.xml")
    args = ["lab", "rpki", os.path.join(folder, "w.lab"), "-q", "--seed", seed,
            "--tal", os.path.join(folder, "house.tal")]
    if rrdp:
        args += ["--rrdp", xml + ".new"]
    else:
        os.makedirs(os.path.join(folder, "tree"), exist_ok=True)
        args += ["-o", os.path.join(folder, "tree")]
    for x in faults:
        args += ["--fault", x]
    code, _, err = run(*args)
    assert code == 0, err
    if rrdp:
        os.replace(xml + ".new", xml)


ALL = []


def stop_all():
    """Whatever a test that failed left behind."""
    for h in ALL:
        h.stop()
    ALL.clear()


def cases(*tests):
    """Each with a folder of its own and nothing left running; the exit status."""
    t = Tap()
    for test in tests:
        with folder() as d:
            try:
                t.case(test, t, d)
            finally:
                stop_all()
    return t.done()


class House:
    """sekisho serve in a folder; its ports are drawn once."""

    def __init__(self, folder, conf="", interval="1h", inputs="tree: tree"):
        self.folder = folder
        self.conf = os.path.join(folder, "sekisho.conf")
        self.state = os.path.join(folder, "state")
        self.interval, self.more, self.inputs = interval, conf, inputs
        self.ports = [free_port(), free_port()]
        self.write_conf()
        self.proc, self.program = None, SEKISHO
        ALL.append(self)

    def write_conf(self, rtr="", top=""):
        with open(self.conf + ".new", "w") as f:
            f.write("%sstate: state\nrpki:\n  tals: house.tal\n  %s\n  interval: %s\n"
                    "rtr:\n  listen: 127.0.0.1:%d\n%sweb:\n  listen: 127.0.0.1:%d\n"
                    "log:\n  op: op.log\n%s"
                    % (top, self.inputs, self.interval, self.ports[0], rtr, self.ports[1], self.more))
        os.replace(self.conf + ".new", self.conf)

    def start(self, *args, **kw):
        self.proc = subprocess.Popen([self.program, "serve", "-c", self.conf, *args],
                                     stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                     stderr=subprocess.PIPE, **kw)

    def stop(self, sig=signal.SIGTERM):
        """The exit status, and what was on stderr."""
        if self.proc is None:
            return None, ""
        if self.proc.poll() is None:
            self.proc.send_signal(sig)
        try:
            _, err = self.proc.communicate(timeout=patient(20))
        except subprocess.TimeoutExpired:
            self.proc.kill()
            _, err = self.proc.communicate()
        code, self.proc = self.proc.returncode, None
        return code, err.decode(errors="replace")

    def status(self):
        code, out, _ = run("status", "--json", "-c", self.conf, timeout=15)
        assert code in (0, 1), code
        return json.loads(out)

    def role(self, name, status=None):
        return next(r for r in (status or self.status())["house"]["roles"] if r["name"] == name)

    def kill_role(self, name):
        """kill -9; False: there was nobody to kill (never pid 0: that is ourselves)."""
        pid = self.role(name)["pid"]
        if pid <= 1:
            return False
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            return False
        return True

    def ready(self):
        return all(r["ready"] for r in self.status()["house"]["roles"])

    def vrps(self):
        return rtr_vrps(self.ports[0])[2]

    def log(self):
        try:
            with open(os.path.join(self.folder, "op.log")) as f:
                return f.read()
        except OSError:
            return ""

    def audit(self):
        with open(os.path.join(self.state, "audit.jsonl")) as f:
            return [json.loads(line) for line in f]


# --- a router in thirty lines: version 1, full load only ---

def recv_exact(s, n):
    out = b""
    while len(out) < n:
        got = s.recv(n - len(out))
        if not got:
            raise EOFError
        out += got
    return out


def rtr_vrps(port, timeout=patient(5)):
    """(session, serial, {texts}) by a Reset Query of version 1."""
    texts = set()
    with socket.create_connection(("127.0.0.1", port), timeout=timeout) as s:
        s.sendall(struct.pack(">BBHI", 1, 2, 0, 8))
        while True:
            _, kind, session, length = struct.unpack(">BBHI", recv_exact(s, 8))
            assert 8 <= length <= 65535, length
            body = recv_exact(s, length - 8)
            if kind in (4, 6):
                flags, plen, mlen, _ = struct.unpack(">BBBB", body[:4])
                assert flags == 1
                addr = socket.inet_ntop(socket.AF_INET if kind == 4 else socket.AF_INET6, body[4:-4])
                texts.add("AS%d %s/%d-%d" % (struct.unpack(">I", body[-4:])[0], addr, plen, mlen))
            elif kind == 7:
                return session, struct.unpack(">I", body[:4])[0], texts
            elif kind == 10:
                raise ValueError("error report %d" % session)


def folder():
    f = tempfile.TemporaryDirectory(prefix="sekisho-house-")
    os.chmod(f.name, 0o755)
    return f
