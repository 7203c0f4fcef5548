#!/usr/bin/env python3
"""RTR in the open: TLS, client certificates, TCP-MD5, the allow-list; all on loopback."""
import json
import os
import select
import signal
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import time

import certs
import house
from house import House, Tap, patient, wait_for

sys.path.insert(0, os.path.join(house.SRC, "tests", "browser"))
import openmetrics  # noqa: E402
import rtr2_client  # noqa: E402

TCP_MD5SIG, TCP_MD5SIG_EXT = 14, 32
NEVER = 4102444800
RESET = rtr2_client.query_reset(2)


def roas(n, first=64496):
    return [{"asn": first + i, "prefix": "10.%d.%d.0/24" % (i // 256, i % 256), "maxLength": 24,
             "ta": "lab", "expires": NEVER} for i in range(n)]


def write(path, doc):
    with open(path + ".new", "w") as f:
        f.write(doc if isinstance(doc, str) else json.dumps(doc))
    os.rename(path + ".new", path)


class Serve:
    """`rtr serve` on what argv says, until the end of the with block."""

    def __init__(self, d, *argv):
        self.p = subprocess.Popen([house.SEKISHO, "rtr", "serve", "--json", "--vrps",
                                   os.path.join(d, "v.json"), *argv], stdin=subprocess.DEVNULL,
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        ready, _, _ = select.select([self.p.stdout], [], [], patient(20))
        line = self.p.stdout.readline() if ready else ""
        self.at = json.loads(line)["listen"] if line else ["127.0.0.1:1"] * 9
        self.ports = [int(a.rpartition(":")[2]) for a in self.at]

    def stop(self):
        self.p.send_signal(signal.SIGTERM)
        try:
            self.err = self.p.communicate(timeout=patient(15))[1]
        except subprocess.TimeoutExpired:
            self.p.kill()
            self.err = self.p.communicate()[1]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


def fetch(address, *argv):
    """(status, the summary or None, stderr)"""
    code, out, err = house.run("rtr", "fetch", address, "--json", "--timeout", "60", *argv)
    return code, json.loads(out.splitlines()[-1]) if code == 0 else None, err


def good(got, n):
    return got[0] == 0 and got[1]["ipv4"] == n


def refused(got):
    return got[0] == 3 and got[2].count("\n") == 1


def session(port, context, name="rtr.example", version=2):
    """The oracle of tests/peer over TLS."""
    s = rtr2_client.Session("127.0.0.1", port, version)
    s.sock = context.wrap_socket(s.sock, server_hostname=name)
    return s


# --- TLS ---------------------------------------------------------------------

def tls_options(ca, client_ca=None):
    return ("--tls-cert", ca.path("srv.pem"), "--tls-key", ca.path("srv.key"),
            *(("--tls-client-ca", client_ca) if client_ca else ()))


def server_certificates(t, d, ca, other):
    write(os.path.join(d, "v.json"), {"roas": roas(5000)})
    with Serve(d, "--listen", "127.0.0.1:0", "--tls-listen", "127.0.0.1:0", *tls_options(ca)) as s:
        plain, tls = s.at
        as_ca = ("--tls", "--ca", ca.cert)
        for v in "012":
            t.ok(good(fetch(tls, *as_ca, "--name", "rtr.example", "--version", v), 5000),
                 "a whole set over TLS, version " + v)
        t.ok(good(fetch(tls, *as_ca), 5000), "HOST is an address of the certificate")
        t.ok(good(fetch(plain), 5000), "TCP beside it")
        for what, got in {
                "another name": fetch(tls, *as_ca, "--name", "cache.example"),
                "the common name does not count": fetch(tls, *as_ca, "--name", "srv"),
                "a strange authority": fetch(tls, "--tls", "--ca", other.cert),
                "expired": fetch(tls, *as_ca, "--at", "2099-01-01T00:00:00Z"),
                "not valid yet": fetch(tls, *as_ca, "--at", "2001-01-01T00:00:00Z"),
                "TLS to a TCP port": fetch(plain, *as_ca),
                "TCP to a TLS port": fetch(tls, "--timeout", "3"),
                "no such file": fetch(tls, "--tls", "--ca", ca.cert + ".no"),
                "a key as authority": fetch(tls, "--tls", "--ca", ca.key)}.items():
            t.ok(refused(got), "refused: " + what, got)
        for argv in (("--ca", ca.cert), ("--name", "x"), ("--tls", "--cert", ca.cert)):
            t.equal(fetch(tls, *argv)[0], 2, "usage: " + " ".join(argv[:2]))
        s_client(t, ca, s.ports[1])
        oracle(t, ca, s.ports[1])


def s_client(t, ca, port):
    """Another TLS: openssl(1), old versions and new."""
    for version, want in (("-tls1_3", True), ("-tls1_2", True), ("-tls1_1", False), ("-tls1", False)):
        p = subprocess.run(["openssl", "s_client", "-connect", "127.0.0.1:%d" % port, version,
                            "-cipher", "ALL:@SECLEVEL=0", "-CAfile", ca.cert, "-verify_hostname",
                            "rtr.example", "-verify_return_error", "-quiet", "-ign_eof"],
                           input=RESET + rtr2_client.error_report(2, 1), capture_output=True,
                           timeout=patient(30))
        t.equal(len(p.stdout) == 8 + 5000 * 20 + 24, want, "openssl s_client " + version)
    p = subprocess.run(["openssl", "s_client", "-connect", "127.0.0.1:%d" % port, "-tls1_2",
                        "-CAfile", ca.cert], input=b"R\n", capture_output=True, timeout=patient(30))
    t.ok(b"RENEGOTIATING" in p.stdout + p.stderr and
         b"no renegotiation" in p.stderr, "renegotiation is refused", p.stderr[-300:])


def oracle(t, ca, port):
    context = ssl.create_default_context(cafile=ca.cert)
    for v in (0, 1, 2):
        with session(port, context, version=v) as s:
            s.reset()
            t.equal(len(s.state.vrps), 5000, "oracle: version %d over TLS" % v)
            t.none(s.faults, "oracle: no rule broken")
    with session(port, context) as s:		# many queries in one record
        s.send(RESET * 60)
        n = 0
        for _ in range(60):
            s.state = rtr2_client.State()
            n += s.response(True) is None and len(s.state.vrps) == 5000
        t.equal(n, 60, "oracle: sixty queries in one record, sixty answers")
    with session(port, context) as s:		# a record of 16 kB: more than is read at once
        s.reset()
        s.send(rtr2_client.query_serial(2, s.session, s.serial) * 1365)
        t.equal(sum(s.response(False) is None for _ in range(1365)), 1365,
                "oracle: a whole record of small queries")
    with session(port, context) as s:		# one byte a record
        for b in RESET:
            s.send(bytes([b]))
        t.ok(s.response(True) is None and len(s.state.vrps) == 5000, "oracle: a query in eight records")
        s.sock.unwrap().close()			# close_notify is answered


def client_certificates(t, d, ca, other):
    ca.leaf("r1", "IP:127.0.0.1", "IP:::1")
    ca.leaf("wrong", "IP:192.0.2.9")
    ca.leaf("dns", "DNS:localhost", "DNS:127.0.0.1")
    ca.leaf("none")
    other.leaf("stranger", "IP:127.0.0.1")
    show = lambda a, n: ("--cert", a.path(n + ".pem"), "--key", a.path(n + ".key"))
    with Serve(d, "--tls-listen", "127.0.0.1:0", "--tls-listen", "[::1]:0",
               *tls_options(ca, ca.cert)) as s:
        as_ca = ("--tls", "--ca", ca.cert, "--name", "rtr.example")
        t.ok(good(fetch(s.at[0], *as_ca, *show(ca, "r1")), 5000), "a router with its certificate")
        t.ok(good(fetch(s.at[1], *as_ca, *show(ca, "r1")), 5000), "over IPv6, too")
        t.ok(refused(fetch(s.at[0], *as_ca)), "refused: no certificate")
        t.ok(refused(fetch(s.at[0], *as_ca, *show(other, "stranger"))), "refused: of a strange authority")
        for name, what in (("wrong", "another iPAddress"), ("dns", "dNSName only (RFC 8210 section 9.2)"),
                           ("none", "no subjectAltName")):
            t.ok(refused(fetch(s.at[0], *as_ca, *show(ca, name))), "refused: " + what)
        t.equal(fetch(s.at[0], *as_ca, *show(ca, "r1")[:2], "--key", ca.path("wrong.key"))[0], 3,
                "a key of another certificate is our own fault")
    t.equal(s.err.count("127.0.0.1"), 1, "the log has one line for the address, not six")
    with Serve(d, "--at", "2099-01-01T00:00:00Z", "--tls-listen", "127.0.0.1:0",
               "--tls-cert", ca.cert, "--tls-key", ca.key) as s:
        pass
    t.ok(s.p.returncode == 3 and "ca.pem" in s.err and s.err.count("\n") == 1,
         "an expired certificate of ours stops the start", s.err)


def until(path):
    out = subprocess.run(["openssl", "x509", "-noout", "-enddate", "-in", path], check=True,
                         capture_output=True, text=True).stdout
    return int(ssl.cert_time_to_seconds(out.strip().partition("=")[2]))


def at(seconds):
    return "--at=" + time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def expiry(t, d, ca):
    """Ours is told before it happens; a router's ends its connection."""
    for days, lines in ((13, 1), (15, 0)):
        with Serve(d, at(until(ca.path("srv.pem")) - days * 86400), "--tls-listen", "127.0.0.1:0",
                   *tls_options(ca)) as s:
            time.sleep(1.5)
        t.equal(s.err.count("expires at"), lines, "%d days before: told or not, and once" % days)
    ca.leaf("short", "IP:127.0.0.1", days=1)
    context = ssl.create_default_context(cafile=ca.cert)
    context.load_cert_chain(ca.path("short.pem"), ca.path("short.key"))
    for seconds in (5, 20, 80):		# until then it has to be in; a busy machine is not so fast
        s = Serve(d, at(until(ca.path("short.pem")) - seconds), "--tls-listen", "127.0.0.1:0", *tls_options(ca, ca.cert))
        began = time.monotonic()
        try:
            r = session(s.ports[0], context)
            r.reset()
            if time.monotonic() - began < seconds - 1:
                break
        except (OSError, rtr2_client.Closed):
            pass
        s.stop()
    with s, r:
        t.equal(len(r.state.vrps), 5000, "a router shortly before its certificate expires")
        r.sock.settimeout(patient(20))
        try:
            gone = r.sock.recv(1) == b""
        except TimeoutError:
            gone = False
        except OSError:
            gone = True
        t.ok(gone, "is cut when it does")
    t.ok("has expired" in s.err, "and the log says why", s.err)


def renewed(t, d, ca):
    """rtr serve takes a new certificate by SIGHUP, and keeps the old one if that is bad."""
    cert, key = ca.leaf("renew", "DNS:rtr.example")
    with Serve(d, "--tls-listen", "127.0.0.1:0", "--tls-cert", cert, "--tls-key", key) as s:
        os.replace(key, key + ".old")
        s.p.send_signal(signal.SIGHUP)
        time.sleep(1)
        t.ok("CN = renew" in subject(ca, s.ports[0]), "SIGHUP without a key: the old one stays")
        ca.leaf("later", "DNS:rtr.example")
        os.replace(ca.path("later.key"), key)
        os.replace(ca.path("later.pem"), cert)
        s.p.send_signal(signal.SIGHUP)
        t.ok(wait_for(lambda: "CN = later" in subject(ca, s.ports[0]), 10), "SIGHUP: the new one")
    t.equal(s.err.count("renew.key"), 1, "and one line about the missing key")


def silent_handshake(t, d, ca):
    """A connection that says nothing is not kept; garbage is answered by an alert."""
    with Serve(d, "--tls-listen", "127.0.0.1:0", *tls_options(ca)) as s:
        a = socket.create_connection(("127.0.0.1", s.ports[0]))
        b = socket.create_connection(("127.0.0.1", s.ports[0]))
        b.sendall(RESET)
        b.settimeout(patient(5))
        t.ok(b.recv(99)[:1] in (b"\x15", b""), "RTR in plain gets a TLS alert")
        a.settimeout(patient(15))
        begin = time.monotonic()
        try:
            got = a.recv(1)
        except ConnectionError:
            got = b""
        t.ok(got == b"" and 8 < time.monotonic() - begin < patient(14), "who says nothing is cut after ten seconds")


def bad_files(t, d, ca):
    v = ("--vrps", os.path.join(d, "v.json"), "--tls-listen", "127.0.0.1:0")
    text = os.path.join(d, "text")
    write(text, "nothing\n")
    srv, key = ca.path("srv.pem"), ca.path("srv.key")
    for what, argv, rc in (("no key", ("--tls-cert", srv), 2),
                           ("no certificate", ("--tls-key", key), 2),
                           ("no such file", ("--tls-cert", srv + "x", "--tls-key", key), 3),
                           ("another key", ("--tls-cert", srv, "--tls-key", ca.key), 3),
                           ("text", ("--tls-cert", text, "--tls-key", key), 3),
                           ("text as authority", ("--tls-cert", srv, "--tls-key", key,
                                                  "--tls-client-ca", text), 3)):
        code, _, err = house.run("rtr", "serve", *v, *argv)
        t.ok(code == rc and err.count("\n") == 1, "start refused: " + what, (code, err))


# --- TCP-MD5 -----------------------------------------------------------------

def md5_option(address, key, prefixlen=None):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    raw = socket.inet_pton(family, address)
    ss = struct.pack("=H", family) + b"\0\0" + (b"\0" * 4 if family == socket.AF_INET6 else b"") + raw
    return ss.ljust(128, b"\0") + struct.pack("=BBHI", prefixlen is not None, prefixlen or 0,
                                              len(key), 0) + key.ljust(80, b"\0")


def md5_there():
    with socket.socket() as s:
        try:
            s.setsockopt(socket.IPPROTO_TCP, TCP_MD5SIG, md5_option("127.0.0.1", b"x"))
            return True
        except OSError:
            return False


def connects(port, key, host="127.0.0.1", source=None):
    """Written by hand, so that not both ends are ours."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as s:
        s.settimeout(2)
        if source:
            s.bind((source, 0))
        if key:
            s.setsockopt(socket.IPPROTO_TCP, TCP_MD5SIG, md5_option(host, key))
        try:
            s.connect((host, port))
            s.sendall(RESET)
            return s.recv(8)[1:2] == b"\x03"
        except OSError:
            return False


def reaches(*argv, **kw):
    """Who is not let in hears nothing, so connects() gives up soon; here it should not have to."""
    return wait_for(lambda: connects(*argv, **kw), 5)


def md5(t, d):
    if not md5_there():
        t.skip("TCP-MD5", "this kernel has no TCP_MD5SIG")
        return
    right, wrong, empty, long = (os.path.join(d, n) for n in ("right", "wrong", "empty", "long"))
    write(right, "shared secret\n")
    write(wrong, "another secret\n")
    write(empty, "\n")
    write(long, "x" * 81)
    with Serve(d, "--listen", "127.0.0.1:0", "--listen", "[::1]:0", "--md5", "127.0.0.1=" + right,
               "--md5", "::1=" + right) as s:
        for at in s.at:
            t.ok(good(fetch(at, "--md5-file", right), 5000), "signed: " + at[:5])
            t.ok(refused(fetch(at, "--timeout", "2", "--md5-file", wrong)), "wrong secret")
            t.ok(refused(fetch(at, "--timeout", "2")), "no signature")
        t.ok(reaches(s.ports[0], b"shared secret"), "a socket of somebody else, signed")
        t.ok(not connects(s.ports[0], b"another"), "… with another secret")
        t.ok(not connects(s.ports[0], None), "… without")
        t.ok(reaches(s.ports[1], b"shared secret", "::1"), "… over IPv6")
        t.ok(reaches(s.ports[0], None, source="127.0.0.2"), "this machine's other addresses, unsigned")
    with Serve(d, "--listen", "127.0.0.1:0", "--md5", "127.0.0.0/8=" + right,
               "--allow", "127.0.0.1") as s:
        t.ok(reaches(s.ports[0], b"shared secret"), "a prefix")
        t.ok(not connects(s.ports[0], None, source="127.0.0.3"), "the whole prefix must sign")
        t.ok(not connects(s.ports[0], b"shared secret", source="127.0.0.3"),
             "signed, but not in the list")
    with Serve(d, "--listen", "[::]:0", "--md5", "127.0.0.1=" + right) as s:
        t.ok(reaches(s.ports[0], b"shared secret"), "IPv4 on a socket of both families")
        t.ok(not connects(s.ports[0], None), "… must sign there as well")
    for what, arg, rc in (("no file", "127.0.0.1=", 2), ("no address", "x=" + right, 2),
                          ("absent", "127.0.0.1=" + right + "x", 3),
                          ("empty", "127.0.0.1=" + empty, 3), ("81 bytes", "127.0.0.1=" + long, 3)):
        code, _, err = house.run("rtr", "serve", "--vrps", os.path.join(d, "v.json"), "--md5", arg)
        t.ok(code == rc and err.count("\n") == 1, "--md5 refused: " + what, (code, err))
    # Our client against a server that is not ours.
    with socket.socket() as l:
        l.setsockopt(socket.IPPROTO_TCP, TCP_MD5SIG_EXT, md5_option("127.0.0.0", b"shared secret", 8))
        l.bind(("127.0.0.1", 0))
        l.listen()
        l.settimeout(patient(5))
        p = subprocess.Popen([house.SEKISHO, "rtr", "fetch", "127.0.0.1:%d" % l.getsockname()[1],
                              "--md5-file", right, "--timeout", "30"], stdin=subprocess.DEVNULL,
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        c, _ = l.accept()
        c.settimeout(patient(5))
        t.equal(c.recv(8), RESET, "our client signs")
        c.close()
        p.wait(patient(10))


# --- the list ------------------------------------------------------------------

def allowed(t, d):
    with Serve(d, "--listen", "127.0.0.1:0", "--allow", "127.0.0.2", "--allow", "127.0.1.0/24",
               "--allow", "2001:db8::/32") as s:
        t.ok(reaches(s.ports[0], None, source="127.0.0.2"), "an address of the list")
        t.ok(reaches(s.ports[0], None, source="127.0.1.77"), "a prefix of the list")
        for _ in range(5):
            t.ok(not connects(s.ports[0], None), "another one is closed")
        t.ok(not connects(s.ports[0], None, source="127.0.0.3"), "a third one, too")
    t.equal(s.err.count("rtr.allow"), 2, "one line for each address")
    code, _, err = house.run("rtr", "serve", "--vrps", os.path.join(d, "v.json"), "--allow", "10.0.0.1/8")
    t.equal(code, 2, "host bits: usage")


def places(t, d, ca):
    """All places are taken: the mute ones make room, routers do not."""
    with Serve(d, "--listen", "127.0.0.1:0", "--tls-listen", "127.0.0.1:0", *tls_options(ca),
               "--max-clients", "5") as s:
        mute = [socket.create_connection(("127.0.0.1", p)) for p in (s.ports * 3)[:5]]
        time.sleep(2.2)
        t.ok(good(fetch(s.at[1], "--tls", "--ca", ca.cert), 5000), "five mute connections: a router comes in")
        routers = [rtr2_client.Session("127.0.0.1", s.ports[0], 2) for _ in range(5)]
        for r in routers:
            r.reset()
        t.ok(not connects(s.ports[0], None), "five routers: a sixth does not")
        time.sleep(1.2)
        t.ok(not connects(s.ports[0], None), "however long they have been there")
        for r in routers:
            r.serial_query()
        t.none(sum((r.faults for r in routers), []), "and they go on")
        for x in mute + [r.sock for r in routers]:
            x.close()


# --- the daemon ----------------------------------------------------------------

def samples(h):
    with socket.create_connection(("127.0.0.1", h.ports[1]), timeout=patient(10)) as s:
        s.sendall(b"GET /metrics HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nConnection: close\r\n\r\n"
                  % h.ports[1])
        got = b""
        while True:
            part = s.recv(65536)
            if not part:
                break
            got += part
    return openmetrics.parse(got.partition(b"\r\n\r\n")[2].decode())


def tls_conf(ca, port, cert="srv", client_ca=True, more=""):
    return ("  tls:\n    listen: 127.0.0.1:%d\n    certificate: %s\n    key: %s\n%s%s"
            % (port, ca.path(cert + ".pem"), ca.path(cert + ".key"),
               "    client-ca: %s\n" % ca.cert if client_ca else "", more))


def subject(ca, port):
    out = subprocess.run(["openssl", "s_client", "-connect", "127.0.0.1:%d" % port], input=b"",
                         capture_output=True, timeout=patient(20)).stdout
    return subprocess.run(["openssl", "x509", "-noout", "-subject"], input=out,
                          capture_output=True).stdout.decode().strip()


def daemon(t, d, ca):
    secret = os.path.join(d, "right")
    write(secret, "shared secret\n")
    folder = os.path.join(d, "house")
    os.mkdir(folder)
    house.lab(folder)
    h, port = House(folder), house.free_port()
    signs = md5_there()
    lists = "  md5: [\"127.0.0.9 %s\"]\n" % secret if signs else ""
    h.write_conf(tls_conf(ca, port) + lists)
    h.start()
    t.ok(wait_for(lambda: h.ready() and h.vrps()), "it starts with TLS", h.log()[-2000:])
    at = "127.0.0.1:%d" % port
    show = ("--tls", "--ca", ca.cert, "--name", "rtr.example", "--cert", ca.path("r1.pem"),
            "--key", ca.path("r1.key"))
    t.ok(good(fetch(at, *show), 2), "a router over TLS, out of the sandbox")
    t.ok(refused(fetch(at, *show[:5])), "and none without a certificate")
    if signs:
        t.ok(reaches(h.ports[0], b"shared secret", source="127.0.0.9"), "a router that signs")
        t.ok(not connects(h.ports[0], None, source="127.0.0.9"), "and not without")
    else:
        t.skip("a router that signs", "this kernel has no TCP_MD5SIG")
    metrics_by_client(t, h, ca, port, signs)
    reloads(t, h, ca, port, lists, show)
    t.ok(wait_for(lambda: h.ready()), "still up", h.log()[-2000:])
    h.stop()
    h.write_conf(tls_conf(ca, port))
    os.rename(ca.path("srv.key"), ca.path("srv.away"))
    h.start()
    code, err = None, ""
    wait_for(lambda: h.proc.poll() is not None)
    code, err = h.stop()
    t.ok(code == 3 and "srv.key" in err and err.count("\n") == 1, "no key: no start, one line", (code, err))
    os.rename(ca.path("srv.away"), ca.path("srv.key"))
    h.start("--at", "2099-01-01T00:00:00Z")
    wait_for(lambda: h.proc.poll() is not None)
    code, err = h.stop()
    t.ok(code == 3 and "srv.pem" in err, "an expired certificate: no start", (code, err))


def metrics_by_client(t, h, ca, port, signs):
    context = ssl.create_default_context(cafile=ca.cert)
    context.load_cert_chain(ca.path("r1.pem"), ca.path("r1.key"))
    with session(port, context) as a, session(port, context) as b, \
            rtr2_client.Session("127.0.0.1", h.ports[0], 1) as c:
        for s in (a, b, c):
            s.reset()
        me = ("client", "127.0.0.1")
        m = wait_for(lambda: samples(h).get(("sekisho_rtr_client_connections",
                                             (me, ("transport", "tls")))) == 2 and samples(h))
        t.ok(m, "two over TLS", "")
        m = m or samples(h)
        t.equal(m.get(("sekisho_rtr_client_connections", (me, ("transport", "tcp")))), 1, "one over TCP")
        t.equal(m.get(("sekisho_rtr_clients_by_transport", (("transport", "tls"),))), 2, "the totals agree")
        t.equal(m.get(("sekisho_rtr_client_serial", (me,))), a.serial, "its serial")
        t.ok(m.get(("sekisho_rtr_client_sent_bytes_total", (me,)), 0) > 1000, "bytes sent")
        t.ok(abs(m.get(("sekisho_rtr_client_connected_timestamp_seconds", (me,)), 0) - time.time()) < 60,
             "connected since")
        t.ok(m.get(("sekisho_rtr_tls_expiry_timestamp_seconds", ()), 0) > time.time() + 86400 * 300,
             "when our certificate expires")
        t.ok(m.get(("sekisho_rtr_connections_total", (("result", "tls_failed"),)), 0) >= 1,
             "who failed is counted")
        c.send(rtr2_client.error_report(1, 1))
        t.ok(wait_for(lambda: samples(h).get(("sekisho_rtr_client_errors_total", (me,))) == 1),
             "errors received")
    t.ok(wait_for(lambda: ("sekisho_rtr_client_serial", (me,)) not in samples(h)), "gone when they go")
    m = samples(h)
    sums = [sum(v for (name, _), v in m.items() if name == "sekisho_rtr%s_bytes_total" % x)
            for x in ("_client_sent", "_sent")]
    t.equal(sums[0], sums[1], "bytes by client add up to all bytes")


def reloads(t, h, ca, port, lists, show):
    at = "127.0.0.1:%d" % port
    ca.leaf("next", "DNS:rtr.example")
    h.write_conf(tls_conf(ca, port, "next") + lists)
    code, _, err = house.run("reload", "-q", "-c", h.conf)
    t.ok(code == 0 and wait_for(lambda: "CN = next" in subject(ca, port)), "a new certificate", err)
    write(ca.path("next.key"), "broken\n")
    code, _, err = house.run("reload", "-q", "-c", h.conf)
    t.ok(code != 0 and "next.key" in err and err.count("\n") == 1, "a broken key: one line", err)
    t.ok("CN = next" in subject(ca, port) and good(fetch(at, *show), 2), "and the old one stays")
    h.write_conf(tls_conf(ca, port, more="  allow: [127.0.0.5/32]\n") + lists)
    code, _, err = house.run("reload", "-q", "-c", h.conf)
    t.ok(code == 0 and wait_for(lambda: refused(fetch(at, *show))), "a list is in force", err)
    t.ok(not connects(h.ports[0], None), "for TCP as well")
    h.write_conf("  md5: [\"127.0.0.9 relative\"]\n")
    code, _, err = house.run("reload", "-q", "-c", h.conf)
    t.ok(code != 0 and "relative" in err, "a secret that is not there", err)
    h.write_conf()
    code, _, err = house.run("reload", "-q", "-c", h.conf)
    t.ok(code == 0 and wait_for(lambda: connects(h.ports[0], None, source="127.0.0.9")),
         "without secrets and list everybody may again", err)
    t.ok(wait_for(lambda: not connects(port, None)), "and TLS is gone")


def conf_check(t, d, ca):
    path = os.path.join(d, "c.conf")
    pair = "certificate: %s\n    key: %s\n" % (ca.path("srv.pem"), ca.path("srv.key"))
    there = "fetch:\n  ca-file: %s\nrpki:\n  tals: %s\n" % (ca.cert, d)	# of files that are absent it warns, too
    for what, text, n, rc in (
            ("loopback", "rtr:\n  listen: 127.0.0.1:8282\n", 0, 0),
            ("beyond", "rtr:\n  listen: 192.0.2.1:323\n", 1, 0),
            ("beyond, with a list", "rtr:\n  listen: 192.0.2.1:323\n  allow: 10.0.0.0/8\n", 0, 0),
            ("beyond, signed", "rtr:\n  listen: 192.0.2.1:323\n  md5: 10.0.0.1 /x\n", 0, 0),
            ("TLS to all", "rtr:\n  tls:\n    listen: 192.0.2.1:324\n    " + pair, 1, 0),
            ("TLS to routers", "rtr:\n  tls:\n    listen: 192.0.2.1:324\n    client-ca: %s\n    " % ca.cert + pair, 0, 0),
            ("TLS without a certificate", "rtr:\n  tls:\n    listen: 192.0.2.1:324\n", 0, 1),
            ("a certificate without its key", "rtr:\n  tls:\n    certificate: /x\n", 0, 1)):
        write(path, text + there)
        code, out, _ = house.run("conf", "check", "--json", path)
        doc = json.loads(out)
        t.ok(code == rc and len(doc.get("warnings", [])) == n, "conf check: " + what, (code, out))
        code, _, err = house.run("conf", "check", "-q", path)
        t.ok(code == rc and err.count("\n") == n + rc, "conf check for people: " + what, err)


def main():
    t = Tap()
    with tempfile.TemporaryDirectory(prefix="sekisho-tls-") as d:
        os.chmod(d, 0o755)
        ca, other = certs.Authority(d), certs.Authority(d, "other")
        ca.leaf("srv", "DNS:rtr.example", "IP:127.0.0.1")
        try:
            t.case(server_certificates, t, d, ca, other)
            t.case(client_certificates, t, d, ca, other)
            t.case(expiry, t, d, ca)
            t.case(renewed, t, d, ca)
            t.case(silent_handshake, t, d, ca)
            t.case(bad_files, t, d, ca)
            t.case(md5, t, d)
            t.case(allowed, t, d)
            t.case(places, t, d, ca)
            t.case(conf_check, t, d, ca)
            t.case(daemon, t, d, ca)
        finally:
            house.stop_all()
    return t.done()


if __name__ == "__main__":
    sys.exit(main())
