"""
A parent for one role: it speaks the frames of role/messages.def on fd 3, as
the real one does, and answers as the roles would that are not there.
"""
import os
import re
import select
import socket
import struct
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lab"))
from patience import patient  # noqa: E402

# meson sets it: each large buffer that python reserves for a frame is then
# filled, which costs minutes of the system's time.
if os.environ.pop("MALLOC_PERTURB_", None):
    os.execv(sys.executable, [sys.executable, "-B"] + sys.argv)

SRC = os.environ.get("SEKISHO_SRC") or os.path.normpath(
    os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
BUILD = os.environ.get("SEKISHO_BUILD") or os.path.join(SRC, "build")
ROLES = ["parent", "store", "validate", "rtr", "web", "fetch", "rsync", "verify", "mail", "zone", "key", "name",
         "seal", "milter", "report", "mark"]


def _messages():
    text = open(os.path.join(SRC, "src", "role", "messages.def")).read()
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
    defs = {}
    for m in re.finditer(r"MSG_BEGIN\((\w+), (\d+),.*?\)\n(.*?)MSG_END", text, re.S):
        fields = re.findall(r"(U32|U64|I64|STR|BYTES|FD)\(\w+, (\w+)", m[3])
        defs[m[1]] = (int(m[2]), fields)
    return defs


MESSAGES = _messages()
NAMES = {v[0]: k for k, v in MESSAGES.items()}


def memfd(data):
    """A sealed memfd with these bytes."""
    fd = os.memfd_create("test", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.write(fd, data)
    import fcntl
    fcntl.fcntl(fd, 1033, 1 | 2 | 4 | 8)		# F_ADD_SEALS: seal, shrink, grow, write
    return fd


def encode(name, frm, to, values):
    number, fields = MESSAGES[name]
    out, fds = b"", []
    for kind, field in fields:
        v = values.get(field, b"" if kind in ("STR", "BYTES") else 0)
        if kind == "FD":
            fds.append(memfd(v.encode()) if isinstance(v, str) else v)	# closed with this process
        elif kind in ("STR", "BYTES"):
            v = v.encode() if isinstance(v, str) else v
            out += struct.pack(">I", len(v)) + v
        else:
            out += struct.pack({"U32": ">I", "U64": ">Q", "I64": ">q"}[kind], v)
    return struct.pack(">HBBI", number, ROLES.index(frm), ROLES.index(to), len(out)) + out, fds


def decode(data, fds):
    number, frm, to, _ = struct.unpack(">HBBI", data[:8])
    at, values, fds = 8, {}, list(fds)
    name = NAMES[number]
    for kind, field in MESSAGES[name][1]:
        if kind == "FD":
            values[field] = fds.pop(0)
        elif kind in ("STR", "BYTES"):
            n, = struct.unpack(">I", data[at:at + 4])
            v = data[at + 4:at + 4 + n]
            values[field] = v.decode() if kind == "STR" else v
            at += 4 + n
        else:
            f = {"U32": ">I", "U64": ">Q", "I64": ">q"}[kind]
            values[field], = struct.unpack(f, data[at:at + struct.calcsize(f)])
            at += struct.calcsize(f)
    return name, ROLES[frm], ROLES[to], values


class Role:
    """A role binary and its parent's end of the socket pair."""

    def __init__(self, name, conf, no_sandbox=False, offset=0, before=()):
        self.name = name
        self.sock, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        program = os.path.join(BUILD, "src", "role", "sekisho-" + name)
        fd = theirs.fileno()
        start = f"import os; os.dup2({fd}, 3); os.closerange(4, 256); os.execv({program!r}, [{program!r}])"
        self.p = subprocess.Popen([sys.executable, "-I", "-S", "-c", start],
                                  pass_fds=(fd,), stdin=subprocess.DEVNULL)
        theirs.close()
        self.log, self.handlers, self.seen = [], {}, []
        self.send("start", clock_offset=offset, no_sandbox=int(no_sandbox), verbose=1)
        for what, values in before:			# frames that come before the configuration
            self.send(what, **values)
        self.send(name + "_conf", **conf)

    def send(self, name, frm="parent", **values):
        data, fds = encode(name, frm, self.name, values)
        socket.send_fds(self.sock, [data], fds)

    def step(self, seconds):
        """Handle what comes within that time; False: nothing came."""
        if not select.select([self.sock], [], [], max(seconds, 0))[0]:
            return False
        try:
            data, fds, _, _ = socket.recv_fds(self.sock, 65536, 4)
        except ConnectionResetError:
            data = b""
        if not data:
            raise EOFError(self.name + " has ended: " + "; ".join(self.log[-3:]))
        name, _, to, values = decode(data, fds)
        if name == "log":
            self.log.append(values["text"])
            if os.environ.get("VERBOSE"):
                print("#", values["text"])
            return True
        self.seen.append((name, to, values))
        if name in self.handlers:
            self.handlers[name](values)
        return True

    def until(self, cond, seconds=20):
        """Serve it until cond() is true."""
        end = time.monotonic() + patient(seconds)
        while True:
            got = cond()
            if got:
                return got
            if time.monotonic() > end:
                return None
            self.step(min(0.1, end - time.monotonic()))

    def idle(self, seconds):
        """Serve it for so long, by the clock."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.step(min(0.1, end - time.monotonic()))

    def ready(self, seconds=10):
        return self.until(lambda: any(n == "ready" for n, _, _ in self.seen), seconds)

    def status(self):
        import json
        n = len(self.seen)
        self.send("status_ask", id=7)
        got = self.until(lambda: [v for m, _, v in self.seen[n:] if m == "status_answer"])
        return json.loads(got[0]["json"])

    def close(self):
        try:
            self.send("shutdown")
            return self.p.wait(patient(5))
        except (OSError, subprocess.TimeoutExpired):
            self.p.kill()
            return self.p.wait()
        finally:
            self.sock.close()


class Store:
    """What role store does for a role that fetches, in a dictionary."""

    def __init__(self, role, delay=0.0):
        self.role, self.delay = role, delay
        self.sources, self.ids, self.stages = {}, [], {}
        self.commits, self.batches = [], 0
        self.answer = {}			# message -> code that it gets instead
        self.silent = set()			# messages that get no answer
        self.hold = None			# a list: batches that are answered by release()
        for m in ("source_open", "batch", "commit", "stage_abort"):
            role.handlers[m] = getattr(self, "on_" + m)

    def source(self, key):
        return self.sources.setdefault(key, {"state": b"", "names": {}})

    def on_source_open(self, m):
        s = self.source(m["key"])
        if m["key"] not in self.ids:
            self.ids.append(m["key"])
        if "source_open" in self.silent:
            return
        self.role.send("source_opened", "store", req=m["req"], code=self.answer.get("source_open", 0),
                       source=self.ids.index(m["key"]) + 1, names=len(s["names"]), state=s["state"])

    def on_batch(self, m):
        self.batches += 1
        with os.fdopen(m["records"], "rb") as f:
            data = os.pread(f.fileno(), 1 << 30, 0)
        st = self.stages.setdefault(m["source"], {"replace": m["replace"], "ops": [], "seq": 0})
        assert st["seq"] == m["seq"], "the batches of a stage are numbered from 0"
        st["seq"] += 1
        st["ops"] += list(records(data))
        if self.delay:
            time.sleep(self.delay)
        if "batch" in self.silent:
            return
        if self.hold is not None:
            self.hold.append(m)
            return
        self.role.send("batch_done", "store", source=m["source"], seq=m["seq"],
                       code=self.answer.get("batch", 0))

    def release(self):
        held, self.hold = self.hold, None
        for m in held:
            self.role.send("batch_done", "store", source=m["source"], seq=m["seq"])

    def on_stage_abort(self, m):
        self.stages.pop(m["source"], None)

    def on_commit(self, m):
        import hashlib
        key = self.ids[m["source"] - 1]
        s, st = self.source(key), self.stages.pop(m["source"], {"replace": m["replace"], "ops": []})
        if "commit" in self.silent:
            return
        names, code = {} if st["replace"] else dict(s["names"]), self.answer.get("commit", 0)
        for op, uri, old, body in st["ops"]:
            have = names.get(uri)
            if (old is None) != (have is None) or (have and hashlib.sha256(have).digest() != old):
                code = code or STALE
            if op == 1:
                names[uri] = body
            else:
                names.pop(uri, None)
        changed = 0
        if code == 0:
            changed = sum(names.get(u) != s["names"].get(u) for u in set(names) | set(s["names"]))
            s["names"], s["state"] = names, m["state"]
        self.commits.append((key, m["replace"], len(st["ops"]), code))
        self.role.send("commit_done", "store", source=m["source"], code=code, changed=changed,
                       names=len(names))


def _code(name):
    text = open(os.path.join(SRC, "src", "base", "err.def")).read()
    return int(re.search(r"X\(%s,\s*(-\d+)" % name, text)[1])


STALE = _code("SE_STALE")


def records(data):
    """The records of a batch (store/objects.h)."""
    at = 0
    while at < len(data):
        op, has_old, n_uri, n = struct.unpack(">BBHI", data[at:at + 8])
        at += 8
        old = data[at:at + 32] if has_old else None
        at += 32 if has_old else 0
        uri, body = data[at:at + n_uri].decode(), data[at + n_uri:at + n_uri + n]
        at += n_uri + n
        yield op, uri, old, body
    assert at == len(data)
