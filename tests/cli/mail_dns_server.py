"""
A resolver on loopback for one test: it answers from a table, and plays what
resolvers do to us: cut answers, silence, failures, aliases. UDP and TCP.
"""
import socketserver
import struct
import threading

A, CNAME, MX, TXT, AAAA = 1, 5, 15, 16, 28
NOERROR, SERVFAIL, NXDOMAIN = 0, 2, 3


def name_wire(text):
    return b"".join(bytes([len(x)]) + x.encode() for x in text.rstrip(".").split(".") if x) + b"\0"


def txt(text):
    raw = text.encode()
    return b"".join(bytes([len(raw[i:i + 255])]) + raw[i:i + 255] for i in range(0, len(raw), 255))


def question(msg):
    """(name, type, the octets of the question)"""
    at, labels = 12, []
    while msg[at]:
        labels.append(msg[at + 1:at + 1 + msg[at]].decode().lower())
        at += 1 + msg[at]
    return ".".join(labels), struct.unpack(">H", msg[at + 1:at + 3])[0], msg[12:at + 5]


class Server:
    """records: {(name, type): [data]}; aliases: {name: name}; names that exist have some record."""

    def __init__(self, records, aliases=(), cut=(), silent=(), broken=(), together=()):
        self.records, self.aliases = dict(records), dict(aliases)
        self.cut, self.silent, self.broken, self.together = set(cut), set(silent), set(broken), set(together)
        self.asked, self.pairs, self.by_tcp, self.met = [], [], [], threading.Event()
        self.lock = threading.Lock()
        outer = self

        class Udp(socketserver.BaseRequestHandler):
            def handle(self):
                reply = outer.reply(self.request[0], tcp=False)
                if reply:
                    self.request[1].sendto(reply, self.client_address)

        class Tcp(socketserver.StreamRequestHandler):
            def handle(self):
                head = self.rfile.read(2)
                if len(head) == 2:
                    reply = outer.reply(self.rfile.read(struct.unpack(">H", head)[0]), tcp=True)
                    if reply:
                        self.wfile.write(struct.pack(">H", len(reply)) + reply)

        class UdpServer(socketserver.ThreadingMixIn, socketserver.UDPServer):
            daemon_threads = True

        class TcpServer(socketserver.ThreadingMixIn, socketserver.TCPServer):
            daemon_threads, allow_reuse_address = True, True

        for _ in range(20):  # one port that is free for both
            self.udp = UdpServer(("127.0.0.1", 0), Udp)
            try:
                self.tcp = TcpServer(self.udp.server_address, Tcp)
                break
            except OSError:
                self.udp.server_close()
        self.address = "127.0.0.1:%d" % self.udp.server_address[1]
        for s in (self.udp, self.tcp):
            threading.Thread(target=s.serve_forever, daemon=True).start()

    def reply(self, msg, tcp):
        name, kind, raw = question(msg)
        with self.lock:
            self.asked.append(name)
            self.pairs.append((name, kind))
            if tcp:
                self.by_tcp.append(name)
            if self.together and self.together <= set(self.asked):
                self.met.set()
        if name in self.silent:
            return None
        if name in self.together:
            self.met.wait(20)
        if name in self.broken:
            return self.message(msg, raw, SERVFAIL, [])
        if name in self.cut and not tcp:
            return self.message(msg, raw, NOERROR, [], flags=0x0200)
        answers, rcode = [], NOERROR
        while name in self.aliases:
            answers.append((name, CNAME, name_wire(self.aliases[name])))
            name = self.aliases[name]
        answers += [(name, kind, d) for d in self.records.get((name, kind), [])]
        if not any(n == name or n.endswith("." + name) for n, _ in self.records):
            rcode = NXDOMAIN
        return self.message(msg, raw, rcode, answers)

    @staticmethod
    def message(msg, raw, rcode, answers, flags=0):
        out = msg[:2] + struct.pack(">HHHHH", 0x8180 | flags | rcode, 1, len(answers), 0, 0) + raw
        for name, kind, data in answers:
            out += name_wire(name) + struct.pack(">HHIH", kind, 1, 300, len(data)) + data
        return out

    def close(self):
        for s in (self.udp, self.tcp):
            s.shutdown()
            s.server_close()
