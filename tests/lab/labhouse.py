"""
The lab's publication servers (sekisho lab serve) for tests and drills.

    with LabHouse(folder, script="slow.example slow-body rate=50\\n") as lab:
        lab.ports["slow.example", 443]      # ("127.0.0.1", 40123)
        lab.step(3)                         # all hosts; lab.step(3, "slow.example")
        lab.behave("bad.example not-found times 2")
        lab.heal("bad.example")             # lab.heal() heals all
        lab.stats()["bad.example"]["requests"]
        lab.hosts_option()                  # text for fetch.hosts
        lab.ca                              # path of the CA's certificate

The folder holds servers/HOST/rrdp/… and servers/HOST/rsync/MODULE/…, as
`sekisho lab rpki --servers` writes them; small_world() makes one without keys.
Everything is on loopback and ends with the block, or by itself after `seconds`.
"""
import base64
import hashlib
import json
import os
import select
import shutil
import signal
import socket
import ssl
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from patience import patient  # noqa: E402

SRC = os.environ.get("SEKISHO_SRC") or os.path.normpath(
    os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
BUILD = os.environ.get("SEKISHO_BUILD") or os.path.join(SRC, "build")
SEKISHO = os.path.join(BUILD, "sekisho")


class LabError(Exception):
    """A command that the servers refused: its answer."""


class LabHouse:
    def __init__(self, folder, *options, script=None, seconds=3600, prefix=()):
        self.folder, self.options, self.seconds = folder, options, seconds
        self.prefix = list(prefix)		# LabNet.prefix
        self.ca = os.path.join(folder, "lab-ca.pem")
        self.socket = os.path.join(folder, "lab-serve.sock")
        self.ports_file = os.path.join(folder, "lab-ports")
        self.proc, self.ports, self.script = None, {}, script

    def start(self):
        argv = [*self.prefix, SEKISHO, "lab", "serve", self.folder, "--json", "--for", str(self.seconds),
                "--ports-file", self.ports_file, *self.options]
        if self.script is not None:
            path = os.path.join(self.folder, "lab-script")
            with open(path, "w") as f:
                f.write(self.script)
            argv += ["--script", path]
        self.proc = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                     stderr=subprocess.PIPE, text=True)
        ready, _, _ = select.select([self.proc.stdout], [], [], patient(30))
        if not ready or not self.proc.stdout.readline():
            code, err = self.stop()
            raise RuntimeError("lab serve: %s %s" % (code, err))
        with open(self.ports_file) as f:
            self.ports = dict(self.port_line(line) for line in f if line.strip())
        return self

    @staticmethod
    def port_line(line):
        what, where = line.strip().split("=")
        name, port = what.rsplit(":", 1)
        address, real = where.rsplit(":", 1)
        return (name, int(port)), (address.strip("[]"), int(real))

    def stop(self, sig=signal.SIGTERM):
        """(exit status, stderr)"""
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
        return code, err

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    # --- commands ---

    def ask(self, line):
        """The answer to one command, good or bad."""
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(patient(20))
            try:
                s.connect(self.socket)
            except OSError as e:
                raise LabError("%s; lab serve: %s" % (
                    e, self.proc.communicate() + (self.proc.returncode,) if self.proc and self.proc.poll() is not None
                    else "still there")) from e
            s.sendall(line.encode() + b"\n")
            out = b""
            while True:
                got = s.recv(65536)
                if not got:
                    return json.loads(out)
                out += got

    def tell(self, line):
        answer = self.ask(line)
        if not answer["ok"]:
            raise LabError(answer)
        return answer

    def step(self, n, host=""):
        return self.tell("step %s %d" % (host, n))

    def advance(self, seconds):
        """Let so much virtual time pass; the time that it is now."""
        return self.tell("advance %d" % seconds)["time"]

    def behave(self, rule):
        return self.tell("behave " + rule)

    def heal(self, host="*", behaviour=""):
        return self.tell("heal %s %s" % (host, behaviour))

    def load(self, text):
        """These rules instead of all others."""
        path = os.path.join(self.folder, "lab-script")
        with open(path, "w") as f:
            f.write(text)
        return self.tell("script " + path)

    def stats(self, reset=False):
        """{host: counters}"""
        return self.tell("stats reset" if reset else "stats")["hosts"]

    def hosts_option(self):
        with open(self.ports_file) as f:
            return f.read()

    # --- a client ---

    def tls(self, host, check=True):
        """A TLS connection to a host as the world knows it."""
        ctx = ssl.create_default_context(cafile=self.ca) if check else ssl._create_unverified_context()
        s = socket.create_connection(self.ports[host, 443], timeout=patient(20))
        try:
            return ctx.wrap_socket(s, server_hostname=host)
        except BaseException:
            s.close()
            raise

    def uri(self, host, path="/rrdp/notification.xml"):
        return "https://%s%s" % (host, path)


class LabNet:
    """
    A network and mount namespace of its own, in which the lab's hosts have
    their names, ports 443 and 873, and a CA that all programs trust:

        with LabNet() as net, net.house(folder) as lab:
            net.run(["curl", "https://a.example/rrdp/notification.xml"])

    LabNet.missing() is the reason why it cannot be had here, or None.
    """
    BUNDLES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/ssl/cert.pem")

    def __init__(self):
        self.holder, self.prefix = None, []

    @staticmethod
    def missing():
        if os.geteuid() != 0:
            return "root is needed: validators drop privileges"
        for program in ("unshare", "nsenter", "ip", "mount"):
            if shutil.which(program, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin") is None:
                return "no " + program
        if subprocess.run(["unshare", "-nm", "true"], capture_output=True).returncode != 0:
            return "no namespaces"
        return None

    def __enter__(self):
        self.holder = subprocess.Popen(
            ["unshare", "-nm", "sh", "-c", "ip link set lo up && echo ready && exec sleep 5400"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        if self.holder.stdout.readline() != "ready\n":
            raise RuntimeError("no namespace")
        self.prefix = ["nsenter", "-t", str(self.holder.pid), "-n", "-m"]
        return self

    def __exit__(self, *_):
        self.holder.kill()
        self.holder.communicate()

    def house(self, folder, *options, **kw):
        """A LabHouse in here; names and certificates hold when it has started."""
        hosts = os.path.join(folder, "lab-hosts")
        net = self

        class House(LabHouse):
            def start(self):
                super().start()
                net.mount(hosts, "/etc/hosts")
                for bundle in filter(os.path.exists, net.BUNDLES):
                    net.mount(self.ca, bundle)
                return self

        return House(folder, "--default-ports", "--hosts-file", hosts, *options, prefix=self.prefix, **kw)

    def mount(self, what, where):
        subprocess.run([*self.prefix, "mount", "--bind", what, where], check=True)

    def run(self, argv, seconds=120, **kw):
        return subprocess.run([*self.prefix, *argv], stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, timeout=patient(seconds), **kw)


# --- a world without keys: enough for servers, not for validators ---

def rrdp_write(folder, host, session, steps, n=3):
    """servers/HOST/rrdp of a world that moves; serial = step + 1, n objects each."""
    rrdp = os.path.join(folder, "servers", host, "rrdp")
    os.makedirs(rrdp, exist_ok=True)
    hashes, deltas = {}, []

    def put(name, text):
        with open(os.path.join(rrdp, name), "w") as f:
            f.write(text)
        hashes[name] = hashlib.sha256(text.encode()).hexdigest()

    def publish(serial):
        return "".join('<publish uri="rsync://%s/repo/%d-%d.roa">%s</publish>\n' % (
            host, serial, i, base64.b64encode(b"object %d %d of %s" % (serial, i, host.encode())).decode())
            for i in range(n))

    def document(kind, serial, inner):
        return ('<%s xmlns="http://www.ripe.net/rpki/rrdp" version="1" session_id="%s" serial="%d">\n%s</%s>\n'
                % (kind, session, serial, inner, kind))

    for step in range(steps + 1):
        serial = step + 1
        put("snapshot-%d.xml" % serial, document("snapshot", serial,
                                                 "".join(publish(s) for s in range(1, serial + 1))))
        if step > 0:
            put("delta-%d.xml" % serial, document("delta", serial, publish(serial)))
            deltas.insert(0, serial)
        base = "https://%s/rrdp/" % host
        inner = '<snapshot uri="%ssnapshot-%d.xml" hash="%s"/>\n' % (
            base, serial, hashes["snapshot-%d.xml" % serial])
        inner += "".join('<delta serial="%d" uri="%sdelta-%d.xml" hash="%s"/>\n' % (
            d, base, d, hashes["delta-%d.xml" % d]) for d in deltas)
        text = document("notification", serial, inner)
        put("notification.%d.xml" % step, text)
        if step == steps:
            put("notification.xml", text)


def rsync_write(folder, host, steps):
    for step in range(steps + 1):
        name = "rsync" if step == steps else "rsync.%d" % step
        repo = os.path.join(folder, "servers", host, name, "repo")
        os.makedirs(repo, exist_ok=True)
        for i in range(step + 1):
            with open(os.path.join(repo, "%d.roa" % i), "w") as f:
                f.write("object %d of %s\n" % (i, host))


def small_world(folder, hosts=("a.example", "b.example"), steps=4, n=3):
    for i, host in enumerate(hosts):
        rrdp_write(folder, host, "9df4b597-af9e-4dca-bdda-719cce2c4e%02x" % i, steps, n)
        rsync_write(folder, host, steps)
