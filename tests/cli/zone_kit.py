"""
The role zone alone: key, store and name servers are played. What the store has
is a dictionary that outlives the role, and may fail or end it at any message.
"""
import os
import socket
import struct
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from house import patient, recv_exact  # noqa: E402
from role_kit import MESSAGES, Role, memfd  # noqa: E402

NAME = b"\x07example\x02jp\x00"
RING = 64 + 64 * (64 + 128 * 1024 + 4096)	# sys/ring.c
UNSIGNED = 3
IMAGE, JOURNAL, ENTRY = range(3)
IN, OUT = range(2)


def ring():
    import fcntl
    fd = os.memfd_create("ring", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.ftruncate(fd, RING)
    fcntl.fcntl(fd, 1033, 1 | 2 | 4)
    return fd


def content(fd):
    with os.fdopen(fd, "rb") as f:
        return os.pread(f.fileno(), 1 << 30, 0)


class Killed(Exception):
    pass


class Store:
    """Files of a zone as role store keeps them (role/zone_keep.h)."""

    def __init__(self):
        self.files = {}			# (side, IMAGE or JOURNAL): octets
        self.log = []			# (side, kind, octets) of what was asked
        self.texts = []
        self.fault = lambda side, kind: None	# "before", "after": the role dies there; a number: the code

    def keep(self, side, kind, at, data):
        if kind != ENTRY:
            self.files[side, kind] = data
            return 0
        old = self.files.get((side, JOURNAL), b"")
        if len(old) < at:
            return -34			# -ERANGE
        self.files[side, JOURNAL] = old[:at] + data
        return 0

    def images(self, side=OUT):
        return [n for s, k, n in self.log if (s, k) == (side, IMAGE)]

    def kinds(self):
        return [k for _, k, _ in self.log]


class Zone:
    """One life of the role after the other, with one store."""

    def __init__(self, source, options="", more=""):
        self.line = "example.jp.\t%s\t\t%s%s\ttransfer 127.0.0.0/8\n" % (source, options, more)
        self.store, self.role, self.port, self.offset = Store(), None, 0, 0

    def start(self, offset=0, seconds=20):
        self.offset = offset
        sock = socket.create_server(("127.0.0.1", self.port), backlog=512)
        sock.setblocking(False)
        self.port = sock.getsockname()[1]
        text = self.line.encode()
        kinds = {f: k for k, f in MESSAGES["zone_conf"][1]}
        fds = [ring()] + ([memfd(text)] if kinds["zones"] == "FD" else [])
        self.role = Role("zone", {"state": "/nowhere", "zones": fds[1] if fds[1:] else text, "jobs": 1}, offset=offset,
                         before=[("ring", {"memory": fds[0]}),
                                 ("listen", {"sock": sock.fileno(), "address": "127.0.0.1:%d" % self.port})])
        for fd in fds:
            os.close(fd)
        sock.close()
        self.role.handlers.update(key_ask=self.on_key_ask, zone_recall=self.on_recall, zone_keep=self.on_keep,
                                  zone_put=self.on_put, zone_told=lambda m: os.close(m["json"]))
        assert self.role.ready(), self.role.log
        return self

    def on_key_ask(self, m):
        self.role.send("key_set", "key", zone=m["zone"], state=UNSIGNED, generation=1)

    def on_recall(self, m):
        fds = [memfd(self.store.files.get((m["side"], k), b"")) for k in (IMAGE, JOURNAL)]
        self.role.send("zone_recalled", "store", req=m["req"], image=fds[0], journal=fds[1])
        for fd in fds:
            os.close(fd)

    def on_keep(self, m):
        data, key = content(m["octets"]), (m["side"], m["kind"])
        fault = self.store.fault(*key)
        self.store.log.append((*key, len(data)))
        if fault == "before":
            raise Killed
        code = fault if isinstance(fault, int) else self.store.keep(*key, m["at"], data)
        if fault == "after":
            raise Killed
        self.role.send("zone_kept", "store", req=m["req"], code=code)

    def on_put(self, m):
        self.store.texts.append(content(m["text"]))
        self.role.send("zone_kept", "store", req=m["req"])

    # --- its end

    def kill(self):
        if self.role is not None:
            self.role.p.kill()
            self.role.p.wait()
            self.role.sock.close()
        self.role = None

    def stop(self):
        code, self.role = self.role.close(), None
        return code

    def until(self, cond, seconds=20):
        return self.role.until(cond, seconds)

    def status(self):
        return self.role.status()["list"][0]

    def serves(self, serial, seconds=20):
        """Until that serial of the source is in service."""
        return self.until(lambda: self.status().get("serial_in") == serial and self.status().get("served"), seconds)

    # --- what others see

    def ask(self, kind, old=None):
        """Records of a transfer: (owner, type, ttl, rdata), while the role is served."""
        import threading
        got = []
        th = threading.Thread(target=lambda: got.append(transfer(self.port, kind, old)))
        th.start()
        self.until(lambda: got)
        th.join()
        return got[0]


# --- a transfer in forty lines ---

def question(kind, old=None):
    q = struct.pack(">HHHHHH", 7, 0, 1, 0, 0 if old is None else 1, 0) + NAME + struct.pack(">HH", kind, 1)
    if old is not None:
        q += b"\xc0\x0c" + struct.pack(">HHIH", 6, 1, 0, 22) + b"\0\0" + struct.pack(">IIIII", old, 0, 0, 0, 0)
    return struct.pack(">H", len(q)) + q


def name_at(m, at):
    out, end = [], None
    while m[at] != 0:
        if m[at] >= 0xc0:
            end = end or at + 2
            at = struct.unpack(">H", m[at:at + 2])[0] & 0x3fff
            continue
        out.append(m[at + 1:at + 1 + m[at]])
        at += 1 + m[at]
    return b".".join(out).decode() + ".", end or at + 1


def records(m):
    n_q, n = struct.unpack(">HH", m[4:8])
    at = 12
    for _ in range(n_q):
        at = name_at(m, at)[1] + 4
    for _ in range(n):
        owner, at = name_at(m, at)
        kind, _, ttl, size = struct.unpack(">HHIH", m[at:at + 10])
        yield owner, kind, ttl, m[at + 10:at + 10 + size]
        at += 10 + size


def serial(rdata):
    return struct.unpack(">I", rdata[-20:-16])[0]


def transfer(port, kind, old=None):
    """All records; of a refusal its code. It ends as its first record says (RFC 5936, RFC 1995)."""
    out = []
    with socket.create_connection(("127.0.0.1", port), timeout=patient(10)) as s:
        s.sendall(question(kind, old))
        while True:
            m = recv_exact(s, *struct.unpack(">H", recv_exact(s, 2)))
            if m[3] & 15:
                return m[3] & 15
            out += records(m)
            soas = [i for i, r in enumerate(out) if r[1] == 6]
            last = [i for i in soas if serial(out[i][3]) == serial(out[0][3])]
            diff = len(out) > 1 and out[1][1] == 6
            if soas[-1] == len(out) - 1 and (len(last) > (2 if diff else 1) or (old is not None and len(out) == 1)):
                return out
