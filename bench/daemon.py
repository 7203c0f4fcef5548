"""sekisho serve on the lab's servers, and what its roles cost."""
import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import time

from kit import HERE, Sampler, cpu_of, peers, pids, role_of

sys.path.insert(0, os.path.join(HERE, "..", "tests", "lab"))
from labhouse import LabHouse, LabNet  # noqa: E402,F401
from rtrserver import free_port  # noqa: E402

LAB_SEC = 1500			# the lab's servers end by themselves
BEGAN = time.monotonic()
LATER = int(os.environ.get("LIVE_LATER_SEC", "0"))	# a state of another run is used
QUIET_SEC = 2			# no run and no work for so long: all is digested
QUIET_SHARE = 0.05		# of a processor; roles that wait take less
RUN = re.compile(r"(\d+) points \((\d+) as before\), (\d+) VRPs, (\d+) signatures "
                 r"computed, (\d+) known, in (\d+) ms")


class Daemon:
    def __init__(self, work, world, lab, state="state"):
        self.work, self.world = work, world
        self.state = os.path.join(work, state)
        self.log = os.path.join(work, state + ".log")
        self.conf = os.path.join(work, state + ".conf")
        self.port = free_port()
        hosts = ", ".join('"%s"' % h for h in lab.hosts_option().split() if ":443=" in h)
        with open(self.conf, "w") as f:
            f.write("state: %s\nrpki:\n  tals: %s\n  interval: 1d\nfetch:\n  mode: on\n"
                    "  refresh: 1d\n  rsync: never\n  ca-file: %s\n  hosts: [%s]\n"
                    "rtr:\n  listen: 127.0.0.1:%d\nweb:\n  listen: 127.0.0.1:%d\nlog:\n  op: %s\n"
                    % (self.state, world.tals, lab.ca, hosts, self.port, free_port(), self.log))
        self.argv = self.command()
        self.proc = self.sampler = None

    def command(self):
        """A second life begins later than the first one ended: what is kept from
        the future is not believed."""
        at = self.world.at + int(time.monotonic() - BEGAN) + LATER
        return [peers.sekisho(), "serve", "-v", "-c", self.conf, "--at", peers.rfc3339(at)]

    def start(self):
        self.argv = self.command()
        os.makedirs(self.state, exist_ok=True)
        open(self.log, "w").close()
        self.began = time.monotonic()
        self.proc = subprocess.Popen(self.argv, stdin=subprocess.DEVNULL,
                                     stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        self.sampler = Sampler(self.proc.pid)

    def stop(self):
        if self.proc is None:
            return
        self.sampler.stop()
        self.proc.send_signal(signal.SIGTERM)
        try:
            self.proc.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            self.proc.kill()
            self.proc.communicate()
        self.proc = None

    def text(self):
        with open(self.log, errors="replace") as f:
            return f.read()

    def runs(self):
        """[{points, kept, vrps, computed, known, msec}] since the start."""
        return [dict(zip(("points", "kept", "vrps", "computed", "known", "msec"),
                         map(int, m.groups()))) for m in RUN.finditer(self.text())]

    def wait(self, cond, seconds, step=0.02):
        """The moment when cond() holds; None in vain, or when the daemon has died."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and self.proc.poll() is None:
            if cond():
                return time.monotonic()
            time.sleep(step)
        return None

    def settled(self, seconds):
        """Wait until no run comes and no role works; when that was last seen."""
        end, since, seen = time.monotonic() + seconds, time.monotonic(), None
        while time.monotonic() < end and self.proc.poll() is None:
            runs = self.runs()
            now = (len(runs), sum(self.cpu().values()), time.monotonic())
            if seen is not None and (now[0] != seen[0] or
                                     now[1] - seen[1] > QUIET_SHARE * (now[2] - seen[2]) + 0.01):
                since = now[2]
            seen = now
            # After a run, the next waits for twice its length, half a minute at most.
            if now[2] - since > QUIET_SEC + min(30, 2 * runs[-1]["msec"] / 1000 if runs else 0):
                break
            time.sleep(0.25)
        return since

    def cpu(self):
        """{role: seconds}; a role that was started anew has lost its past."""
        out = {}
        for p in pids(self.proc.pid):
            role = role_of(p)
            out[role] = out.get(role, 0.0) + cpu_of(p)
        return out

    def ask(self, line):
        """One command on the control socket."""
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(30)
            s.connect(os.path.join(self.state, "control"))
            s.sendall(line.encode() + b"\n")
            out = b""
            while got := s.recv(65536):
                out += got
        return out.decode()


def disk_mb(folder):
    return sum(os.stat(os.path.join(base, f)).st_blocks * 512
               for base, _, files in os.walk(folder) for f in files) / 2**20


@contextlib.contextmanager
def lab_of(world):
    with LabHouse(world.folder, "--no-gzip", "--no-rsync", seconds=LAB_SEC) as lab:
        lab.step(0)
        yield lab
