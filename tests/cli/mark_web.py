"""Web servers that publish marks (BIMI): honest ones, and those that are not. Loopback, TLS, threads."""
import gzip
import os
import socket
import ssl
import threading
import time

import certs

STALL_SEC = 300
BOMB = gzip.compress(b"<svg>" + bytes(64 << 20))


def head(status, *lines):
    return ("HTTP/1.1 %s\r\n%s\r\n" % (status, "".join(x + "\r\n" for x in lines))).encode()


def whole(body, kind):
    return head("200 OK", "Content-Length: %d" % len(body), "Content-Type: " + kind) + body


class Web:
    """paths: "/a.svg": bytes to send, or a function of the socket. hits: paths that were asked for."""

    def __init__(self, folder, *names):
        authority = certs.Authority(folder, "webca")
        self.ca = authority.cert
        cert, key = authority.leaf("web", *["DNS:" + n for n in names])
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(cert, key)
        self.paths, self.hits, self.now, self.most = {}, [], 0, 0
        self.lock = threading.Lock()
        self.sock = socket.create_server(("127.0.0.1", 0))
        self.port = self.sock.getsockname()[1]
        self.hosts = ["%s:443=127.0.0.1:%d" % (n, self.port) for n in names]
        threading.Thread(target=self.loop, daemon=True).start()

    def svg(self, path, text, kind="image/svg+xml"):
        self.paths[path] = whole(text.encode() if isinstance(text, str) else text, kind)

    def pem(self, path, text):
        self.paths[path] = whole(text.encode(), "application/pem-certificate-chain")

    def redirect(self, path, where):
        self.paths[path] = head("302 Found", "Location: " + where, "Content-Length: 0")

    def hostile(self):
        """All that a server may do against who fetches from it."""
        def stall(c):
            time.sleep(STALL_SEC)

        def endless(c):
            c.sendall(head("200 OK", "Content-Type: image/svg+xml"))
            while True:
                c.sendall(b"<g/>" * 4096)
        self.paths["/stall.svg"] = stall
        self.paths["/endless.svg"] = endless
        self.paths["/huge.svg"] = head("200 OK", "Content-Length: 10737418240", "Content-Type: image/svg+xml") + b"<svg>"
        self.svg("/bomb.svg", BOMB)
        self.redirect("/inward.svg", "https://127.0.0.1:%d/a.svg" % self.port)
        self.redirect("/plain.svg", "http://example.com/a.svg")
        self.redirect("/loop.svg", "/loop.svg")
        self.svg("/script.svg", "<svg><script/></svg>")
        self.paths["/empty.svg"] = whole(b"", "image/svg+xml")
        self.paths["/gone.svg"] = head("404 Not Found", "Content-Length: 0")

    def loop(self):
        while True:
            try:
                c, _ = self.sock.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(c,), daemon=True).start()

    def count(self, n):
        with self.lock:
            self.now += n
            self.most = max(self.most, self.now)

    def serve(self, c):
        self.count(1)
        try:
            c.settimeout(STALL_SEC)
            c = self.context.wrap_socket(c, server_side=True)
            self.answer(c)
        except (OSError, ValueError):
            pass
        finally:
            self.count(-1)
            c.close()

    def answer(self, c):
        req = b""
        while True:
            while b"\r\n\r\n" not in req:
                more = c.recv(65536)
                if not more:
                    return
                req += more
            path, req = req.split(b" ")[1].decode(), b""
            self.hits.append(path)
            what = self.paths.get(path, head("404 Not Found", "Content-Length: 0"))
            if callable(what):
                what(c)
                return
            c.sendall(what)

    def close(self):
        self.sock.close()
