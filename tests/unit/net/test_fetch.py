#!/usr/bin/env python3
"""The HTTPS client against servers that do all a server may do, and more.

One server on the loopback, reached under several names by the hosts mapping;
each path is one way to behave. fetch_probe fetches; here is judged."""

import gzip
import hashlib
import os
import re
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "lint"))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "peer"))
from tap import Tap  # noqa: E402

PROBE = sys.argv[1]
# meson sets it: python then touches all that it ever reserved, and a child's
# peak begins with that of its parent.
if os.environ.pop("MALLOC_PERTURB_", None):
    os.execv(sys.executable, [sys.executable, "-B"] + sys.argv)
GOOD = b"<notification/>" + b"good\n" * 200
# Little repeats in it, as in base64.
TEXT = b"".join(hashlib.sha256(b"%d" % i).hexdigest().encode() + b"\n" for i in range(80000))
PACKED = gzip.compress(TEXT)
# One piece of it inflates to many: a receiver that pauses gets them one by one.
DENSE = b"the same line again and again\n" * 100000
DENSE_PACKED = gzip.compress(DENSE)
# 256 MB of zeros.
BOMB = gzip.compress(bytes(256 << 20), 1)

STALL_SEC = 300		# of a server that says nothing; who waits for it is found out
t = Tap()


# --- certificates ---

def openssl(*args, cwd):
    subprocess.run(("openssl",) + args, cwd=cwd, check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)


def make_certs(d):
    def ca(name):
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
                name + ".key", "-out", name + ".pem", "-subj", "/CN=" + name, "-days", "2", cwd=d)

    def leaf(name, issuer, names, *times):
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
                name + ".key", "-out", name + ".csr", "-subj", "/CN=" + name, cwd=d)
        with open(os.path.join(d, name + ".ext"), "w", encoding="ascii") as f:
            f.write("subjectAltName=" + ",".join("DNS:" + n for n in names) + "\n")
        openssl("x509", "-req", "-in", name + ".csr", "-CA", issuer + ".pem", "-CAkey", issuer + ".key",
                "-CAcreateserial", "-out", name + ".pem", "-extfile", name + ".ext", *times, cwd=d)

    ca("ca")
    ca("stranger")
    leaf("server", "ca", ["rrdp.test", "other.test", "localhost"], "-days", "2")
    leaf("expired", "ca", ["expired.test"], "-days", "-1")
    leaf("unknown", "stranger", ["unknown.test"], "-days", "2")


# --- servers ---

class Listener:
    """TCP on the loopback; handle(socket) in a thread each; TLS if there is a context."""

    def __init__(self, handle, context=None, family=socket.AF_INET):
        self.handle, self.context = handle, context
        self.sock = socket.socket(family)
        self.sock.bind(("::1" if family == socket.AF_INET6 else "127.0.0.1", 0))
        self.sock.listen(128)
        self.port = self.sock.getsockname()[1]
        threading.Thread(target=self.loop, daemon=True).start()

    def loop(self):
        while True:
            try:
                c, _ = self.sock.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(c,), daemon=True).start()

    def serve(self, c):
        try:
            c.settimeout(240)
            if self.context is not None:
                c = self.context.wrap_socket(c, server_side=True)
            self.handle(c)
            c.shutdown(socket.SHUT_WR)
        except (OSError, ValueError):
            pass
        finally:
            c.close()


def context(d, name):
    c = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    c.load_cert_chain(os.path.join(d, name + ".pem"), os.path.join(d, name + ".key"))
    return c


def head(status, *lines):
    return ("HTTP/1.1 %s\r\n%s\r\n" % (status, "".join(x + "\r\n" for x in lines))).encode()


def whole(body, *lines, status="200 OK"):
    return head(status, "Content-Length: %d" % len(body), *lines) + body


def drip(c, data, pause, step=1):
    for i in range(0, len(data), step):
        c.sendall(data[i:i + step])
        time.sleep(pause)


def chunks(c, pieces):
    for p in pieces:
        c.sendall(b"%x\r\n%s\r\n" % (len(p), p))
    c.sendall(b"0\r\n\r\n")


def conditional(c, req):
    if b'if-none-match: "v1"\r\n' in req.lower():
        c.sendall(head("304 Not Modified", 'ETag: "v1"'))
    else:
        c.sendall(whole(GOOD, 'ETag: "v1"', "Last-Modified: Sun, 22 Nov 2026 00:00:00 GMT"))


def redirect(where):
    return lambda c, req: c.sendall(head("302 Found", "Location: " + where, "Content-Length: 5") + b"moved")


def chain(c, req):
    n = int(re.search(rb"/chain/(\d+)", req).group(1))
    c.sendall(whole(GOOD) if n == 0 else head("301 Moved", "Location: %d" % (n - 1), "Content-Length: 0"))


def sends(data):
    return lambda c, req: c.sendall(data)


def silent(c, req):
    time.sleep(STALL_SEC)


def endless(c, req):
    c.sendall(head("200 OK"))
    while True:
        c.sendall(TEXT[:65536])


def steady(c, req):
    c.sendall(head("200 OK"))
    drip(c, TEXT, 0.02, 1000)


def then_silent(data):
    def fn(c, req):
        c.sendall(data)
        time.sleep(STALL_SEC)
    return fn


PATHS = {
    "/good": conditional,
    "/close-delimited": sends(head("200 OK") + GOOD),
    "/gzip": sends(whole(PACKED, "Content-Encoding: gzip")),
    "/gzip-chunked": lambda c, req: (c.sendall(head("200 OK", "content-encoding: GZIP", "Transfer-Encoding: chunked")),
                                     chunks(c, [PACKED[i:i + 4099] for i in range(0, len(PACKED), 4099)])),
    "/dense": sends(whole(DENSE_PACKED, "Content-Encoding: gzip")),
    "/dense-cut": sends(whole(DENSE_PACKED[:-9], "Content-Encoding: gzip")),
    "/dense-bad": sends(whole(DENSE_PACKED[:-8] + b"damaged!", "Content-Encoding: gzip")),
    "/gzip-cut": sends(whole(PACKED[:-100], "Content-Encoding: gzip")),
    "/gzip-bad": sends(whole(PACKED[:5000] + b"\0" * 99 + PACKED[5099:], "Content-Encoding: gzip")),
    "/gzip-more": sends(whole(PACKED + b"more", "Content-Encoding: gzip")),
    "/gzip-empty": sends(whole(b"", "Content-Encoding: gzip")),
    "/brotli": sends(whole(b"\x0b\x02\x80hello\x03", "Content-Encoding: br")),
    "/bomb": sends(whole(BOMB, "Content-Encoding: gzip")),
    "/slow": lambda c, req: (c.sendall(head("200 OK", "Content-Length: 100000")), drip(c, TEXT, 0.05)),
    "/slow-headers": lambda c, req: drip(c, head("200 OK", *["X-%d: y" % i for i in range(500)]), 0.05),
    "/steady": steady,
    "/stall": silent,
    "/stall-body": then_silent(head("200 OK", "Content-Length: 100000") + TEXT[:2000]),
    "/endless": endless,
    "/large": then_silent(head("200 OK", "Content-Length: 99999999999")),
    "/cut": sends(head("200 OK", "Content-Length: 100000") + TEXT[:50000]),
    "/cut-chunk": sends(head("200 OK", "Transfer-Encoding: chunked") + b"ffff\r\nabc"),
    "/nothing": lambda c, req: None,
    "/404": sends(whole(b"gone", status="404 Not Found")),
    "/503": sends(whole(TEXT[:100000], "Retry-After: 120", status="503 Busy")),
    "/503-ever": sends(whole(b"", "Retry-After: 99999999", status="503 Busy")),
    "/304": sends(head("304 Not Modified")),
    "/206": sends(whole(GOOD, "Content-Range: bytes 0-9/10", status="206 Partial")),
    "/100": lambda c, req: [c.sendall(head("100 Continue", "X: " + "y" * 200)) for _ in range(1000)],
    "/header-long": lambda c, req: c.sendall(head("200 OK", "X: " + "y" * 1000000)),
    "/headers-many": sends(head("200 OK", *["X-%d: y" % i for i in range(9000)]) + GOOD),
    "/etag-long": sends(whole(GOOD, 'ETag: "%s"' % ("x" * 600))),
    "/garbage": sends(b"SSH-2.0-OpenSSH_9.2\r\n" * 10),
    "/to-other": redirect("https://other.test/good"),
    "/to-http": redirect("http://rrdp.test/good"),
    "/to-file": redirect("file:///etc/passwd"),
    "/to-user": redirect("https://a:b@rrdp.test/good"),
    "/to-nothing": redirect("https://"),
    "/to-long": redirect("/" + "x" * 5000),
    "/to-port": redirect("https://rrdp.test:444/good"),
    "/to-upper": redirect("https://RRDP.TEST:443/good"),
    "/loop": redirect("/loop"),
    "/302-bare": sends(whole(b"", status="302 Found")),
}
requests = []


def answer(c):
    while True:
        req = b""
        while b"\r\n\r\n" not in req:
            more = c.recv(65536)
            if not more:
                return
            req += more
        requests.append(req)
        path = req.split(b" ")[1].decode()
        if path.startswith("/chain/"):
            chain(c, req)
        elif path == "/to-inward":
            redirect("https://127.0.0.1:%d/good" % c.getsockname()[1])(c, req)
        else:
            PATHS[path](c, req)
        if path not in ("/good",) and not path.startswith("/chain/"):
            return


# --- the probe ---

class World:
    def __init__(self, d):
        self.d = d
        make_certs(d)
        self.server = Listener(answer, context(d, "server"))
        self.v6 = None
        try:
            self.v6 = Listener(answer, context(d, "server"), socket.AF_INET6)
        except OSError:
            pass
        self.expired = Listener(answer, context(d, "expired"))
        self.unknown = Listener(answer, context(d, "unknown"))
        self.mute = Listener(lambda c: time.sleep(STALL_SEC))
        self.plain = Listener(lambda c: c.sendall(whole(GOOD)))
        closed = socket.socket()
        closed.bind(("127.0.0.1", 0))
        self.closed = closed.getsockname()[1]
        closed.close()
        self.hosts = os.path.join(d, "hosts")
        rows = [("rrdp.test:443", self.server.port), ("rrdp.test:444", self.server.port),
                ("other.test:443", self.server.port), ("wrong.test:443", self.server.port),
                ("expired.test:443", self.expired.port), ("unknown.test:443", self.unknown.port),
                ("mute.test:443", self.mute.port), ("plain.test:443", self.plain.port),
                ("closed.test:443", self.closed)]
        with open(self.hosts, "w", encoding="ascii") as f:
            for name, port in rows:
                f.write("%s=127.0.0.1:%d\n" % (name, port))
            if self.v6 is not None:
                f.write("localhost:6443=[::1]:%d\n" % self.v6.port)

    def probe(self, lines, mode="plain", env=None, wrap=()):
        """[(fields of line 0), …], peak kilobytes."""
        # LeakSanitizer needs ptrace, which no sandbox of ours allows.
        no_leaks = {"ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"}
        try:
            p = subprocess.run([*wrap, PROBE, os.path.join(self.d, "ca.pem"), self.hosts, mode],
                               input="\n".join(lines) + "\n", capture_output=True, text=True, timeout=240,
                               env={**os.environ, **(no_leaks if mode == "sandbox" else {}), **(env or {})})
        except subprocess.TimeoutExpired as e:
            ended = {int(x.split(b" ")[0]) for x in (e.stdout or b"").splitlines() if x[:1].isdigit()}
            raise RuntimeError("these never ended: %s" % [x for n, x in enumerate(lines) if n not in ended])
        if p.returncode != 0:
            raise RuntimeError("the probe ended with %d: %s" % (p.returncode, p.stderr))
        out = [None] * len(lines)
        peak = 0
        for line in p.stdout.splitlines():
            if line.startswith("peak="):
                peak = int(line[5:])
                continue
            n, rest = line.split(" ", 1)
            fields = re.match(r"code=(\S+)(?: rc=(\S+) status=(\d+) wire=(\d+) bytes=(\d+) sha256=(\S+) etag=(.*?) "
                              r"modified=(.*?) retry=(\d+) msec=(\d+) url=(\S*) args=(.*))?$", rest)
            keys = ("code", "rc", "status", "wire", "bytes", "sha256", "etag", "modified", "retry", "msec", "url",
                    "args")
            out[int(n)] = dict(zip(keys, fields.groups()))
        return out, peak


R = "https://rrdp.test"
U = "https://127.0.0.1"
# (what is asked, code, what the arguments must hold)
CASES = [
    (R + "/good", "good", ""),
    (R + '/good etag="v1"', "good", ""),
    (R + '/good etag="v2"', "good", ""),
    (R + "/close-delimited", "good", ""),
    (R + "/gzip", "good", ""),
    (R + "/gzip-chunked", "good", ""),
    (R + "/gzip pause=1", "good", ""),
    (R + "/gzip-chunked pause=1", "good", ""),
    (R + "/dense pause=1", "good", ""),
    (R + "/dense-cut pause=1", "FETCH_BODY", "what:its gzip data end too early"),
    (R + "/dense-bad pause=1", "FETCH_BODY", "what:its gzip data are damaged"),
    (R + "/dense stop=2000000 pause=1", "stopped", ""),
    (R + "/dense cancel=1000000 pause=1", "cancelled", ""),
    (R + "/endless stop=100000", "stopped", ""),
    (R + "/endless cancel=100000", "cancelled", ""),
    (R + "/gzip-cut", "FETCH_BODY", "what:its gzip data end too early"),
    (R + "/gzip-empty", "FETCH_BODY", "what:its gzip data end too early"),
    (R + "/gzip-bad", "FETCH_BODY", "what:its gzip data are damaged"),
    (R + "/gzip-more", "FETCH_BODY", "what:there are bytes behind its gzip data"),
    (R + "/brotli", "FETCH_BODY", "what:it has an encoding that was not asked for"),
    (R + "/bomb", "FETCH_TOO_LARGE", "what:a hundred times what was sent"),
    (R + "/gzip max_bytes=1000000", "FETCH_TOO_LARGE", "limit:1000000;what:inflated"),
    (R + "/endless max_wire=3000000", "FETCH_TOO_LARGE", "limit:3000000;what:as sent"),
    (R + "/large", "FETCH_TOO_LARGE", "what:as sent"),
    (R + "/slow window=1000", "FETCH_SLOW", "window:1000;limit:1000"),
    (R + "/slow-headers window=1000", "FETCH_SLOW", "window:1000;limit:1000"),
    (R + "/stall window=1000", "FETCH_SLOW", "bytes:0;window:1000"),
    (R + "/stall-body window=1000", "FETCH_SLOW", "window:1000"),
    (R + "/steady total=1500", "FETCH_TIME", "limit:1500"),
    (R + "/cut", "FETCH_BODY", ""),
    (R + "/cut-chunk", "FETCH_BODY", ""),
    (R + "/nothing", "FETCH_BODY", ""),
    (R + "/404", "FETCH_STATUS", "status:404"),
    (R + "/503", "FETCH_STATUS", "status:503"),
    (R + "/503-ever", "FETCH_STATUS", "status:503"),
    (R + "/304", "FETCH_STATUS", "status:304"),
    (R + "/206", "FETCH_STATUS", "status:206"),
    (R + "/302-bare", "FETCH_STATUS", "status:302"),
    (R + "/100", "FETCH_HEADERS", "limit:32768"),
    (R + "/header-long", "FETCH_HEADERS", "limit:32768"),
    (R + "/headers-many", "FETCH_HEADERS", "limit:32768"),
    (R + "/etag-long", "good", ""),
    (R + "/garbage", "FETCH_HTTP", ""),
    (R + "/chain/3", "good", ""),
    (R + "/chain/4", "FETCH_REDIRECT_MANY", "limit:3"),
    (R + "/loop", "FETCH_REDIRECT_MANY", "limit:3"),
    (R + "/to-other", "good", ""),
    (R + "/to-other same=1", "FETCH_REDIRECT_ORIGIN", "to:https://other.test/good"),
    (R + "/to-port same=1", "FETCH_REDIRECT_ORIGIN", "to:https://rrdp.test:444/good"),
    (R + "/to-upper same=1", "good", ""),
    (R + "/chain/2 same=1", "good", ""),
    (R + "/chain/1 same=1 origin=https://other.test/", "FETCH_REDIRECT_ORIGIN", ""),
    (R + "/to-http", "FETCH_REDIRECT_SCHEME", "to:http://rrdp.test/good"),
    (R + "/to-file", "FETCH_REDIRECT_SCHEME", "to:file:///etc/passwd"),
    (R + "/to-user", "FETCH_URL", "what:it carries a user name or password"),
    (R + "/to-nothing", "FETCH_URL", ""),
    (R + "/to-long", "FETCH_URL", "what:it is too long"),
    (R + "/to-inward", "FETCH_ADDRESS", "address:127.0.0.1;block:127.0.0.0/8"),
    ("https://wrong.test/good", "FETCH_TLS", "host:wrong.test"),
    ("https://expired.test/good", "FETCH_TLS", "expired"),
    ("https://unknown.test/good", "FETCH_TLS", "host:unknown.test"),
    ("https://plain.test/good", "FETCH_TLS", "host:plain.test"),
    ("https://closed.test/good", "FETCH_CONNECT", "host:closed.test"),
    ("https://mute.test/good connect=700", "FETCH_CONNECT_TIME", "limit:700"),
    ("https://127.0.0.1:{port}/good", "FETCH_ADDRESS", "address:127.0.0.1;block:127.0.0.0/8"),
    ("https://2130706433:{port}/good", "FETCH_ADDRESS", "address:127.0.0.1;block:127.0.0.0/8"),
    ("https://[::ffff:127.0.0.1]:{port}/good", "FETCH_ADDRESS", "block:::ffff:0:0/96"),
    ("https://[::1]:{port}/good", "FETCH_ADDRESS", "address:::1"),
    ("https://[fe80::1]/good", "FETCH_ADDRESS", "address:fe80::1"),
    ("https://0.0.0.0:{port}/good", "FETCH_ADDRESS", "block:0.0.0.0/8"),
    ("https://localhost:{port}/good", "FETCH_ADDRESS", "host:localhost"),
    # No such name can be asked for: the resolver says no without asking anybody.
    ("https://" + "a" * 64 + ".test/good", "FETCH_DNS", "host:aaaa"),
    ("http://rrdp.test/good", "FETCH_URL", "what:it is not https"),
    ("ftp://rrdp.test/good", "FETCH_URL", "what:it is not https"),
    ("file:///etc/passwd", "FETCH_URL", "what:it is not https"),
    ("https://a@rrdp.test/good", "FETCH_URL", "what:it carries a user name or password"),
    ("rrdp.test", "FETCH_URL", "what:it is no URL"),
    ("https://rrdp.test/" + "x" * 3000, "FETCH_URL", "what:it is too long"),
]


def judge_all(w):
    lines = [c[0].format(port=w.server.port) for c in CASES]
    start = time.monotonic()
    got, peak = w.probe(lines)
    took = time.monotonic() - start
    for (line, code, args), r in zip(CASES, got):
        r = r or {"code": "NONE", "args": ""}
        t.ok(r["code"] == code and args in (r["args"] or ""), "%s: %s" % (line[:90], code), r)
    by = dict(zip((c[0] for c in CASES), got))
    for line, body in ((R + "/good", GOOD), (R + '/good etag="v2"', GOOD), (R + "/gzip", TEXT), (R + "/gzip pause=1", TEXT),
                       (R + "/gzip-chunked", TEXT), (R + "/gzip-chunked pause=1", TEXT), (R + "/close-delimited", GOOD),
                       (R + "/dense pause=1", DENSE), (R + "/chain/3", GOOD), (R + "/to-other", GOOD)):
        r = by[line]
        t.ok(r["sha256"] == hashlib.sha256(body).hexdigest() and int(r["bytes"]) == len(body) and
             r["status"] == "200", "%s: the bytes are those of the server" % line, r)
    r = by[R + "/good"]
    t.equal((r["etag"], r["modified"]), ('"v1"', "Sun, 22 Nov 2026 00:00:00 GMT"), "the validators are handed over")
    r = by[R + '/good etag="v1"']
    t.equal((r["status"], r["bytes"], r["etag"]), ("304", "0", '"v1"'), "304 is good and has no body")
    t.equal(by[R + "/etag-long"]["etag"], "", "a validator too long to keep is none")
    t.equal(by[R + "/503"]["retry"], "120", "Retry-After is handed over")
    t.equal(by[R + "/503-ever"]["retry"], "3600", "Retry-After has an end")
    t.equal(int(by[R + "/gzip"]["wire"]), len(PACKED), "bytes on the wire are counted before inflating")
    t.equal(by[R + "/to-other"]["url"], "https://other.test/good", "the last URL is handed over")
    t.equal(by[R + "/endless stop=100000"]["rc"], "-1000", "the receiver's code is handed over")
    slowest = max(int(r["msec"] or 0) for r in got if r)
    # A case ends at its own limit: nothing waits for the slow ones.
    t.ok(slowest < 100000 and took < STALL_SEC, "each ended within its time", (slowest, took))
    t.ok(int(by[R + "/bomb"]["bytes"]) < 64 << 20, "the bomb was stopped while it was read", by[R + "/bomb"])
    t.ok(peak < 160 * 1024, "memory stayed bounded (all at once)", "%d KB" % peak)


def judge_memory(w):
    got, small = w.probe([R + "/good"])
    lines = [R + "/bomb", R + "/gzip max_bytes=1000000", R + "/endless max_wire=50000000", R + "/header-long"] * 4
    got, large = w.probe(lines)
    t.ok(all(r and r["code"] != "good" for r in got), "sixteen hostile answers at once", got)
    # 16 handles of libcurl with TLS; each bomb has 256 MB.
    if large == 0:
        t.skip("cost less than 24 MB", "a sanitizer's memory is not ours")
        return
    t.ok(large - small < 24 * 1024, "cost less than 24 MB", "%d KB against %d KB" % (large, small))


def judge_request(w):
    del requests[:]
    proxy = "http://127.0.0.1:%d" % w.closed
    home = os.path.join(w.d, "home")
    os.makedirs(home, exist_ok=True)
    with open(os.path.join(home, ".netrc"), "w", encoding="ascii") as f:
        f.write("machine rrdp.test login a password b\n")
    with open(os.path.join(home, ".curlrc"), "w", encoding="ascii") as f:
        f.write("insecure\n")
    env = {"https_proxy": proxy, "HTTPS_PROXY": proxy, "all_proxy": proxy, "HOME": home, "CURL_HOME": home,
           "SSL_CERT_FILE": "/nonexistent", "CURL_CA_BUNDLE": "/nonexistent"}
    got, _ = w.probe([R + "/good etag=\"v2\""], env=env)
    t.equal(got[0]["code"], "good", "proxies and files of the environment are not used")
    lines = sorted(x.lower() for x in requests[0].decode().split("\r\n") if x)
    t.equal(lines, sorted(["get /good http/1.1", "host: rrdp.test", "user-agent: probe/1", "accept: */*",
                           "accept-encoding: gzip", 'if-none-match: "v2"']), "the request says what it must, no more")
    requests.clear()
    got, _ = w.probe([R + "/good etag=\"a\x01b\""])
    t.ok(got[0]["code"] == "good" and b"if-none-match" not in requests[0].lower(),
         "a validator with control characters is not sent", requests[:1])


def judge_hosts(w):
    if w.v6 is None:
        t.skip("IPv6 in the hosts mapping", "no IPv6 on the loopback")
    else:
        got, _ = w.probe(["https://localhost:6443/good"])
        t.equal(got[0]["code"], "good", "IPv6 in the hosts mapping")
    for text in ("rrdp.test=127.0.0.1:1", "rrdp.test:443=127.0.0.1", "rrdp.test:443=localhost:1", "rrdp.test:0=127.0.0.1:1",
                 "=", "rrdp.test:443=[::1:1", ":443=127.0.0.1:1", "rrdp.test:443=127.0.0.1:65536"):
        path = os.path.join(w.d, "bad-hosts")
        with open(path, "w", encoding="ascii") as f:
            f.write(text + "\n")
        p = subprocess.run([PROBE, os.path.join(w.d, "ca.pem"), path, "plain"], input="", capture_output=True,
                           text=True, timeout=120)
        t.ok(p.returncode == 3, "hosts mapping refused: " + text, p)
    p = subprocess.run([PROBE, "/nonexistent", w.hosts, "plain"], input="", capture_output=True, text=True, timeout=120)
    t.ok(p.returncode == 3, "without its CA file the client does not start", p)


def judge_sandbox(w):
    lines = [R + "/good", R + "/gzip", "https://localhost:%d/good" % w.server.port, "https://expired.test/good",
             "https://" + "a" * 64 + ".test/good"]
    want = ["good", "good", "FETCH_ADDRESS", "FETCH_TLS", "FETCH_DNS"]
    got, _ = w.probe(lines)
    t.equal([r["code"] for r in got], want, "outside the sandbox")
    got, _ = w.probe(lines, "sandbox")
    t.equal([r["code"] for r in got], want,
            "inside the sandbox: fetching, names from files, TLS (what it cannot do: sys-sandbox)")


# A name server for one name, in a network of its own, where it may have port 53.
DNS = r"""
import os, socket, struct, subprocess, sys, threading
subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
open("/proc/sys/net/ipv4/ip_unprivileged_port_start", "w").write("0")
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("127.0.0.1", 53))
def serve():
    while True:
        q, who = s.recvfrom(2048)
        if b"mute" in q:
            continue
        end = q.index(b"\0", 12) + 5
        kind = struct.unpack(">H", q[end - 4:end - 2])[0]
        a = b"\xc0\x0c" + struct.pack(">HHIH", 1, 1, 60, 4) + bytes([10, 9, 8, 7])
        s.sendto(q[:2] + b"\x81\x80" + q[4:6] + (b"\0\1" if kind == 1 else b"\0\0") + b"\0\0\0\0" + q[12:end] +
                 (a if kind == 1 else b""), who)
threading.Thread(target=serve, daemon=True).start()
sys.exit(subprocess.run(sys.argv[1:]).returncode)
"""


def judge_dns(w):
    conf = os.path.join(w.d, "resolv.conf")
    with open(conf, "w", encoding="ascii") as f:
        f.write("nameserver 127.0.0.1\noptions timeout:30 attempts:1\n")
    script = os.path.join(w.d, "dns.py")
    with open(script, "w", encoding="ascii") as f:
        f.write(DNS)
    wrap = ["unshare", "-rnm", "sh", "-c", 'mount --bind "$0" /etc/resolv.conf && exec "$@"', conf, sys.executable, script]
    if shutil.which("unshare") is None or shutil.which("ip") is None or \
            subprocess.run(wrap + ["true"], capture_output=True).returncode != 0:
        t.skip("names by DNS inside the sandbox", "no network of its own can be made here (unshare, ip)")
        return
    start = time.monotonic()
    got, _ = w.probe(["https://mute.example/ connect=700"], "sandbox", wrap=wrap)
    # The resolver itself waits thirty seconds; nobody else may wait with it.
    t.ok(got[0]["code"] == "FETCH_CONNECT_TIME" and int(got[0]["msec"]) < 25000 and time.monotonic() - start < 29,
         "a name server that does not answer holds nobody up", (got, time.monotonic() - start))
    for mode in ("plain", "sandbox"):
        got, _ = w.probe(["https://inward.example/"], mode, wrap=wrap)
        t.ok(got[0]["code"] == "FETCH_ADDRESS" and "address:10.9.8.7;block:10.0.0.0/8" in got[0]["args"],
             "a name from DNS that leads inward, %s" % mode, got)


def main():
    if shutil.which("openssl") is None:
        t.skip("fetch", "openssl is not installed")
        sys.exit(t.done())
    with tempfile.TemporaryDirectory() as d:
        w = World(d)
        for case in (judge_all, judge_memory, judge_request, judge_hosts, judge_sandbox, judge_dns):
            t.case(case, w)
    sys.exit(t.done())


main()
