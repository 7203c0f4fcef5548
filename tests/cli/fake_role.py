"""
Roles of `sekisho serve` that a test plays: small programs in a folder with the
real ones, which say what files of the test tell them to say.

    key     key_show: told.json; key_command: to said.jsonl, answered as answers.json has it
            ({"VERB": [code, text]}); verb "run-hook": hook_run, its end to hooks.jsonl
    zone    status, zone_show: zone.json
    name    nothing
"""
import json
import os
import shutil
import socket
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import house  # noqa: E402
import role_kit  # noqa: E402


class Fake:
    def __init__(self, name, folder):
        self.name, self.folder = name, folder
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET, fileno=3)
        self.sock.setblocking(True)
        self.hooks = 0

    def read(self, name, default):
        try:
            with open(os.path.join(self.folder, name)) as f:
                return json.load(f)
        except OSError:
            return default

    def add(self, name, what):
        with open(os.path.join(self.folder, name), "a") as f:
            f.write(json.dumps(what) + "\n")

    def send(self, message, **values):
        data, fds = role_kit.encode(message, self.name, "parent", values)
        socket.send_fds(self.sock, [data], fds)
        for fd in fds:
            os.close(fd)

    def on_zone_show(self, m):
        self.send("zone_shown", req=m["req"], code=0, json=role_kit.memfd(json.dumps(self.read("zone.json", {})).encode()))

    def on_key_show(self, m):
        told = self.read("told.json", {"zones": []})
        zones = [z for z in told["zones"] if m["zone"] in ("", z["zone"])]
        doc = role_kit.memfd(json.dumps({"zones": zones}).encode())
        self.send("key_shown", req=m["req"], code=0 if zones or not m["zone"] else 1, json=doc)

    def on_key_command(self, m):
        self.add("said.jsonl", {k: m[k] for k in ("zone", "verb", "key", "detail")})
        if m["verb"] == "run-hook":
            self.hooks += 1
            self.send("hook_run", id=self.hooks, zone=m["zone"], input=role_kit.memfd(m["detail"].encode()))
        code, text = self.read("answers.json", {}).get(m["verb"], (0, ""))
        if code is None:
            os._exit(1)
        self.send("key_answer", req=m["req"], code=code, keys=1, text=text)

    def on_hook_done(self, m):
        self.add("hooks.jsonl", m)

    def on_status_ask(self, m):
        status = self.read(self.name + ".json", {})
        self.send("status_answer", id=m["id"], json=json.dumps(status, separators=(",", ":")))

    def run(self):
        while True:
            data, fds, _, _ = socket.recv_fds(self.sock, 65536, 8)
            if not data:
                return
            name, _, _, m = role_kit.decode(data, fds)
            if name == "shutdown":
                return
            if name == self.name + "_conf":
                self.send("ready")
            handler = getattr(self, "on_" + name, None)
            if handler is not None:
                handler(m)
            for fd in fds:
                os.close(fd)


def install(folder, *names):
    """A folder of programs, these of them played; the path of its sekisho."""
    programs = os.path.join(folder, "programs")
    roles = os.path.join(programs, "src", "role")
    os.makedirs(roles)
    shutil.copy(house.SEKISHO, programs)
    built = os.path.join(house.BUILD, "src", "role")
    for f in os.listdir(built):
        if f.startswith("sekisho-") and "." not in f and f[8:] not in names:
            os.symlink(os.path.join(built, f), os.path.join(roles, f))
    parent = os.path.join(roles, "sekisho-parent")
    os.remove(parent)		# it looks for the others where it is itself
    shutil.copy(os.path.join(built, "sekisho-parent"), parent)
    for n in names:
        path = os.path.join(roles, "sekisho-" + n)
        with open(path, "w") as f:
            f.write("#!%s -B\nimport sys\nsys.path.insert(0, %r)\nimport fake_role\n"
                    "fake_role.Fake(%r, %r).run()\n" % (sys.executable, HERE, n, folder))
        os.chmod(path, 0o755)
    return os.path.join(programs, "sekisho")
