"""
An MTA's end of the milter protocol, octet by octet, for what Postfix and Sendmail say only at times
or never: other versions of it, steps left out or repeated, names without values, lies.

    with Mta(path) as m:
        m.connect("192.0.2.1"), m.helo("mx"), m.mail("a@good.test"), m.rcpt("b@local.test")
        m.data(i="4Xq1"), m.field("From", " a@good.test"), m.eoh(), m.body(b"Good day.\r\n")
        m.end()         # Verdict: what, code, text, edits

Commands and numbers are those of Sendmail's include/libmilter/mfdef.h.
"""
import socket
import struct

from patience import patient

NO_REPLY = {"C": 0x1000, "H": 0x2000, "M": 0x4000, "R": 0x8000, "T": 0x10000, "U": 0x20000, "N": 0x40000,
            "B": 0x80000, "L": 0x80}
LEADING_BLANK, ALL_ACTIONS, ALL_STEPS = 0x100000, 0x1ff, 0x1fffff
WORDS = {"a": "accept", "c": "continue", "d": "discard", "r": "reject", "t": "tempfail", "y": "reply"}


class Verdict:
    """what: accept, reject, tempfail …; code, text of a reply; edits in their order."""

    def __init__(self):
        self.what, self.code, self.text, self.edits, self.held = None, 0, "", [], None

    def added(self, name):
        return [v for kind, _, n, v in self.edits if kind == "add" and n.lower() == name.lower()]

    def removed(self, name):
        return [at for kind, at, n, _ in self.edits if kind == "remove" and n.lower() == name.lower()]

    def __repr__(self):
        return "%s %d %s %r" % (self.what, self.code, self.text, self.edits)


class Mta:
    def __init__(self, path, version=6, actions=ALL_ACTIONS, steps=ALL_STEPS):
        self.s = socket.socket(socket.AF_UNIX)
        self.s.settimeout(patient(20))
        self.s.connect(path)
        self.steps = 0
        self.send("O", struct.pack(">III", version, actions, steps))
        cmd, data = self.reply()
        assert cmd == "O", cmd
        self.version, self.actions, self.steps = struct.unpack(">III", data[:12])
        self.symbols = data[12:]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.s.close()

    # --- packets ---

    def send(self, cmd, data=b""):
        self.s.sendall(struct.pack(">I", len(data) + 1) + cmd.encode() + data)

    def octets(self, n):
        out = b""
        while len(out) < n:
            got = self.s.recv(n - len(out))
            if not got:
                raise EOFError("the filter has closed the connection")
            out += got
        return out

    def reply(self):
        n, = struct.unpack(">I", self.octets(4))
        data = self.octets(n)
        return chr(data[0]), data[1:]

    def step(self, cmd, data=b""):
        """A command and, where one was agreed on, its answer."""
        self.send(cmd, data)
        return WORDS.get(self.answer()) if not self.steps & NO_REPLY.get(cmd, 0) else None

    def answer(self):
        cmd, self.said = self.reply()
        return cmd

    def macros(self, cmd, **values):
        """{auth_authen} is auth_authen, i is i."""
        self.send("D", cmd.encode() + b"".join(
            ("{%s}" % k if len(k) > 1 else k).encode() + b"\0" + v.encode() + b"\0" for k, v in values.items()))

    # --- what an MTA says ---

    def connect(self, client, name="client.test"):
        """An address; "": none is known."""
        if not client:
            return self.step("C", name.encode() + b"\0U")
        family = b"6" if ":" in client else b"4"
        return self.step("C", name.encode() + b"\0" + family + struct.pack(">H", 25) + client.encode() + b"\0")

    def helo(self, name):
        return self.step("H", name.encode() + b"\0")

    def mail(self, sender, *words, **values):
        self.macros("M", v="test", **values)	# they stay until others come: real ones say "v" each time
        return self.step("M", b"".join(x.encode() + b"\0" for x in ("<%s>" % sender, *words)))

    def rcpt(self, address):
        return self.step("R", b"<%s>\0" % address.encode())

    def data(self, **values):
        if values:
            self.macros("T", **values)
        return self.step("T")

    def field(self, name, value):
        text = value if isinstance(value, bytes) else value.encode()
        return self.step("L", name.encode() + b"\0" + text + b"\0")

    def eoh(self):
        return self.step("N")

    def body(self, octets):
        return self.step("B", octets)

    def abort(self):
        self.send("A")

    def end(self, **values):
        """To the verdict."""
        if values:
            self.macros("E", **values)
        self.send("E")
        return self.verdict()

    def verdict(self):
        v = Verdict()
        while True:
            cmd, data = self.reply()
            if cmd in WORDS:
                v.what = WORDS[cmd]
                if cmd == "y":
                    v.text = data.rstrip(b"\0").decode()
                    v.code = int(v.text[:3])
                return v
            if cmd in "im":
                at, = struct.unpack(">I", data[:4])
                name, value = data[4:].split(b"\0")[:2]
                v.edits.append(("add" if cmd == "i" else "change" if value else "remove", at, name.decode(), value.decode()))
            elif cmd == "q":
                v.held = data.rstrip(b"\0").decode()
            elif cmd != "p":
                raise ValueError("an odd answer: " + cmd)

    # --- messages ---

    def head(self, fields):
        for name, value in fields:
            self.field(name, value)
        return self.eoh()

    def message(self, sender, fields, body=b"Good day.\r\n", rcpts=("b@local.test",), i=None):
        """One whole, in a connection that has begun; its verdict, or the step that ended it."""
        self.mail(sender)
        for r in rcpts:
            self.rcpt(r)
        said = self.data(**({"i": i} if i else {}))
        if said not in (None, "continue"):
            return said
        self.head(fields)
        self.body(body)
        return self.end()


def fields(author, *more):
    """A head; values with the blank behind the colon."""
    return [("From", " " + author), ("To", " b@local.test"), ("Subject", " a test"),
            ("Date", " Mon, 23 Nov 2026 07:00:00 +0000"), ("Message-ID", " <1@test>"), *more]
