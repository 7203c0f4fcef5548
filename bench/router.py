"""A router that waits for news: version 1, raw, as fast as Python can be."""
import socket
import struct
import time


class Router:
    """Version 1, raw: keeps each payload as the bytes of its PDU."""

    def __init__(self, port):
        self.port, self.sock, self.buf = port, None, bytearray()
        self.session = self.serial = None
        self.held = set()

    def connect(self):
        self.close()
        self.sock = socket.create_connection(("127.0.0.1", self.port), timeout=60)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buf = bytearray()

    def close(self):
        if self.sock is not None:
            self.sock.close()
        self.sock = None

    def pdu(self, seconds):
        """(type, session field, body), or None in time."""
        end = time.monotonic() + seconds
        while True:
            if len(self.buf) >= 8:
                _, kind, field, length = struct.unpack_from(">BBHI", self.buf)
                if len(self.buf) >= length:
                    body = bytes(self.buf[8:length])
                    del self.buf[:length]
                    return kind, field, body
            self.sock.settimeout(max(0.001, end - time.monotonic()))
            try:
                got = self.sock.recv(1 << 16)
            except TimeoutError:
                return None
            if not got:
                raise EOFError("the cache closed")
            self.buf += got

    def answer(self):
        """Read one response: PDUs in it; None when the cache wants a reset."""
        n = 0
        while True:
            p = self.pdu(60)
            if p is None:
                raise EOFError("the cache is silent")
            kind, field, body = p
            if kind in (4, 6):
                n += 1
                item = bytes((kind,)) + body[1:]
                (self.held.add if body[0] & 1 else self.held.discard)(item)
            elif kind == 9:
                n += 1
            elif kind == 7:
                self.session, self.serial = field, struct.unpack(">I", body[:4])[0]
                return n
            elif kind in (8, 10):
                return None

    def reset(self):
        self.connect()
        self.held = set()
        self.sock.sendall(struct.pack(">BBHI", 1, 2, 0, 8))
        return self.answer()

    def follow(self):
        """Serial Query; what changed."""
        self.sock.sendall(struct.pack(">BBHII", 1, 1, self.session, 12, self.serial))
        return self.answer()

    def resume(self):
        """A new connection at the old serial: its first notify waits for nobody's minute."""
        self.connect()
        return self.follow()

    def notified(self, seconds):
        """Wait for a Serial Notify of something new; the moment, or None."""
        end = time.monotonic() + seconds
        while True:
            p = self.pdu(max(0.0, end - time.monotonic()))
            if p is None:
                return None
            if p[0] == 0 and struct.unpack(">I", p[2][:4])[0] != self.serial:
                return time.monotonic()


def wire(vrps):
    """{(asn, prefix, maxlen)} as Router holds them."""
    out = set()
    for asn, prefix, maxlen in vrps:
        addr, _, plen = prefix.partition("/")
        v6 = ":" in addr
        packed = socket.inet_pton(socket.AF_INET6 if v6 else socket.AF_INET, addr)
        out.add(bytes((6 if v6 else 4, int(plen), maxlen, 0)) + packed + struct.pack(">I", asn))
    return out
