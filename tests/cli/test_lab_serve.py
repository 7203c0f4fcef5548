#!/usr/bin/env python3
"""sekisho lab serve: good servers are good, and each behaviour is served as declared."""
import gzip
import hashlib
import http.client
import json
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import traceback
import zlib

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lab"))
from labhouse import SEKISHO, SRC, LabError, LabHouse, small_world  # noqa: E402
from patience import patient  # noqa: E402

A, B = "a.example", "b.example"
NOTIFICATION = "/rrdp/notification.xml"
N = FAILED = 0
TRIED = set()		# behaviours that a test has seen at work


def ok(good, name, note=""):
    global N, FAILED
    N += 1
    FAILED += not good
    print("%sok %d - %s" % ("" if good else "not ", N, name), flush=True)
    if not good:
        print("# " + str(note)[:900].replace("\n", "\n# "), flush=True)


def skip(name, why):
    global N
    N += 1
    print("ok %d - %s # SKIP %s" % (N, name, why), flush=True)


class Conn(http.client.HTTPConnection):
    """HTTPS to a lab host; the connection stays open between requests."""

    def __init__(self, lab, host):
        super().__init__(host, timeout=patient(20))
        self.sock = lab.tls(host)


class Answer:
    def __init__(self, conn, path=NOTIFICATION, method="GET", **headers):
        conn.request(method, path, headers={k.replace("_", "-"): v for k, v in headers.items()})
        r = conn.getresponse()
        self.status, self.headers, self.body = r.status, r.headers, r.read()
        if r.headers.get("Content-Encoding") == "gzip" and method == "GET":
            self.body = gzip.decompress(self.body)


def get(lab, host=A, path=NOTIFICATION, **headers):
    conn = Conn(lab, host)
    try:
        return Answer(conn, path, **headers)
    finally:
        conn.close()


def raw(lab, host=A, path=NOTIFICATION, limit=1 << 20, seconds=patient(20), extra="", enough=lambda out: False):
    """All bytes that come, until the end, the limit or the time; and how it ended."""
    out, end = bytearray(), time.monotonic() + seconds
    with lab.tls(host) as s:
        s.sendall(("GET %s HTTP/1.1\r\nHost: %s\r\n%s\r\n" % (path, host, extra)).encode())
        try:
            while len(out) < limit and time.monotonic() < end and not enough(out):
                s.settimeout(max(0.01, end - time.monotonic()))
                got = s.recv(65536)
                if not got:
                    return out, "end"
                out += got
        except (TimeoutError, socket.timeout):
            return out, "time"
        except ssl.SSLEOFError:
            return out, "cut"
        except ConnectionResetError:
            return out, "reset"
        except OSError as e:
            return out, str(e)
    return out, "limit" if len(out) >= limit else "time"


def notification(text):
    """(session, serial, (snapshot uri, hash), {serial: (uri, hash)})"""
    t = text.decode()
    head = re.search(r'session_id="([^"]+)" serial="(\d+)"', t)
    snap = re.search(r'<snapshot uri="([^"]+)" hash="([^"]+)"', t)
    deltas = {int(s): (u, h) for s, u, h in
              re.findall(r'<delta serial="(\d+)" uri="([^"]+)" hash="([^"]+)"', t)}
    return head.group(1), int(head.group(2)), snap.groups(), deltas


def path_of(uri):
    return "/" + uri.split("/", 3)[3]


class Rule:
    """A rule for the length of a block; it must have struck."""

    def __init__(self, lab, rule, host=A):
        self.lab, self.rule, self.host = lab, rule, host
        words = rule.split()
        self.name = words[1] if words[0].startswith("/") else words[0]

    def __enter__(self):
        self.lab.stats(reset=True)
        self.lab.behave("%s %s" % (self.host, self.rule))
        return self.lab

    def __exit__(self, *exc):
        hits = self.lab.stats()[self.host]["behaviours"].get(self.name, 0)
        self.lab.heal()
        TRIED.add(self.name)
        if exc[0] is None:
            ok(hits > 0, "%s: it struck" % self.name, hits)


# --- good servers ---

def good_http(lab, d):
    conn = Conn(lab, A)
    first = Answer(conn)
    ok(first.status == 200 and notification(first.body)[1] == 1, "a notification of step 0", first.body)
    ok(conn.sock is not None, "the connection stays open")
    again = Answer(conn, If_None_Match=first.headers["ETag"])
    ok(again.status == 304 and again.body == b"" and again.headers["ETag"] == first.headers["ETag"],
       "If-None-Match: 304", again.status)
    again = Answer(conn, If_None_Match='"other", W/%s' % first.headers["ETag"])
    ok(again.status == 304, "If-None-Match with a list", again.status)
    again = Answer(conn, If_None_Match='"other"', If_Modified_Since=first.headers["Last-Modified"])
    ok(again.status == 200, "If-None-Match wins over If-Modified-Since", again.status)
    again = Answer(conn, If_Modified_Since=first.headers["Last-Modified"])
    ok(again.status == 304, "If-Modified-Since: 304", again.status)
    lab.step(1, A)
    again = Answer(conn, If_Modified_Since=first.headers["Last-Modified"])
    ok(again.status == 200 and notification(again.body)[1] == 2, "a step later it is modified", again.status)
    again = Answer(conn, If_None_Match=first.headers["ETag"])
    ok(again.status == 200 and again.headers["ETag"] != first.headers["ETag"], "… and has another tag")
    head = Answer(conn, method="HEAD")
    ok(head.status == 200 and head.body == b"" and int(head.headers["Content-Length"]) == len(again.body),
       "HEAD: the length without the bytes", head.headers)
    ok(Answer(conn, "/nothing").status == 404, "404 for what is not there")
    conn.close()
    ok(notification(get(lab, B).body)[1] == 1, "the other host stays at its step")
    session, serial, snap, deltas = notification(get(lab).body)
    body = get(lab, path=path_of(snap[0])).body
    ok(hashlib.sha256(body).hexdigest() == snap[1], "the snapshot has its hash")
    packed = get(lab, path=path_of(snap[0]), Accept_Encoding="gzip;q=1.0, identity")
    ok(packed.headers["Content-Encoding"] == "gzip" and packed.body == body, "gzip when it is asked for")
    ok("Content-Encoding" not in get(lab, path=path_of(snap[0]), Accept_Encoding="gzip;q=0").headers,
       "gzip;q=0 is none")
    lab.step(9)
    ok(notification(get(lab).body)[1] == 5, "steps beyond the last are the last")
    lab.step(2)
    st = lab.stats()[A]
    ok(st["not_modified"] == 3 and st["notifications"] >= 8 and st["snapshots"] == 3
       and st["gzipped"] == 1 and st["others"] == 1, "all was counted", st)
    ok("requests" in lab.stats(reset=True)[A] and lab.stats()[A]["requests"] == 0, "stats reset")


def odd_http(lab, d):
    def say(text, host=A):
        with lab.tls(host) as s:
            s.sendall(text)
            return s.recv(4096).split(b"\r\n")[0]

    for text, status in (("POST / HTTP/1.1", 405), ("GET / HTTP/2.7", 505), ("GET / nonsense", 400),
                         ("GET /../../etc/passwd HTTP/1.1", 404), ("GET /%2e%2e/x HTTP/1.1", 404),
                         ("GET /rrdp HTTP/1.1", 404), ("GET x HTTP/1.1", 404), ("nonsense", 400),
                         ("GET / HTTP/1.1\r\nContent-Length: 5", 400)):
        got = say(text.encode() + b"\r\n\r\n")
        ok(got.startswith(b"HTTP/1.1 %d " % status), "%d for %s" % (status, text[:40].split("\r")[0]), got)
    got = say(b"GET / HTTP/1.1\r\nX: " + b"a" * 20000 + b"\r\n\r\n")
    ok(b" 431 " in got, "431 for a head without end", got)
    with lab.tls(A) as s:
        one = b"GET %s HTTP/1.1\r\nHost: a\r\n\r\n" % NOTIFICATION.encode()
        s.sendall(one + one.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        out = b""
        while True:
            more = s.recv(65536)
            if not more:
                break
            out += more
    ok(out.count(b"HTTP/1.1 200 OK") == 2, "two requests at once, then the end", out[:200])
    with lab.tls(A) as s:
        s.sendall(b"GET %s HTTP/1.0\r\n\r\n" % NOTIFICATION.encode())
        out = s.recv(65536)
    ok(b"Connection: close" in out, "HTTP/1.0 ends with its answer", out[:200])
    for bad in (SSLContextOf(ssl.TLSVersion.TLSv1_2), SSLContextOf(ssl.TLSVersion.TLSv1_3)):
        bad.load_verify_locations(lab.ca)
        with socket.create_connection(lab.ports[A, 443], timeout=patient(20)) as s, \
                bad.wrap_socket(s, server_hostname=A) as t:
            ok(t.version() == bad.minimum_version.name.replace("v1_", "v1."), "speaks " + t.version())


def SSLContextOf(version):
    ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    ctx.minimum_version = ctx.maximum_version = version
    return ctx


# --- connections and TLS ---

def connect_rules(lab, d):
    with Rule(lab, "reset-connect"):
        try:
            lab.tls(A)
            ok(False, "reset-connect")
        except OSError as e:
            ok(isinstance(e, (ConnectionResetError, ssl.SSLError)), "reset-connect: no connection", e)
    ok(get(lab).status == 200, "healed: it answers again")
    with Rule(lab, "stall max=5"):
        with socket.create_connection(lab.ports[A, 443], timeout=patient(20)) as s:
            s.sendall(b"\x16\x03\x01\x00\x05hello")
            s.settimeout(0.7)
            try:
                ok(s.recv(1) is None, "stall: nothing is said")
            except TimeoutError:
                ok(True, "stall: nothing is said")
            s.settimeout(patient(10))
            try:
                end = s.recv(1)
            except ConnectionResetError:
                end = b""
            ok(end == b"", "stall: over after max seconds")
    with Rule(lab, "tls-stall after=50"):
        with socket.create_connection(lab.ports[A, 443], timeout=patient(20)) as s:
            s.sendall(client_hello(A))
            out = b""
            try:
                while len(out) < 200:
                    s.settimeout(patient(10) if len(out) < 50 else 1)
                    out += s.recv(4096)
            except TimeoutError:
                pass
            ok(len(out) == 50 and out[:1] == b"\x16", "tls-stall: 50 bytes of a handshake", out)
    with Rule(lab, "tls-garbage"):
        ok("WRONG_VERSION_NUMBER" in tls_error(lab), "tls-garbage: no TLS comes back", tls_error(lab))
    for rule, want in (("tls-wrong-name to=evil.example", "Hostname mismatch"),
                       ("tls-expired", "certificate has expired"),
                       ("tls-not-yet", "certificate is not yet valid"),
                       ("tls-self-signed", "self-signed certificate"),
                       ("tls-unknown-ca", "unable to get local issuer")):
        with Rule(lab, rule):
            why = tls_error(lab)
            ok(want in why, rule.split()[0] + ": refused", why)
    with Rule(lab, "tls-wrong-name to=evil.example"):
        ctx = ssl.create_default_context(cafile=lab.ca)
        with socket.create_connection(lab.ports[A, 443], timeout=patient(20)) as s, \
                ctx.wrap_socket(s, server_hostname="evil.example") as t:
            ok(t.getpeercert()["subjectAltName"] == (("DNS", "evil.example"),), "it names the other host")
    ok(lab.stats()[A]["tls_failed"] == 0, "a client that trusts is no failure")
    tls_error(lab, ctx=ssl.create_default_context())
    ok(lab.stats()[A]["tls_failed"] == 1, "one that does not is counted", lab.stats()[A])


def client_hello(name):
    a, b = ssl.MemoryBIO(), ssl.MemoryBIO()
    o = ssl.create_default_context().wrap_bio(a, b, server_hostname=name)
    try:
        o.do_handshake()
    except ssl.SSLWantReadError:
        pass
    return b.read()


def tls_error(lab, ctx=None):
    ctx = ctx or ssl.create_default_context(cafile=lab.ca)
    with socket.create_connection(lab.ports[A, 443], timeout=patient(20)) as s:
        try:
            with ctx.wrap_socket(s, server_hostname=A):
                return "no error"
        except (ssl.SSLError, OSError) as e:
            return str(e)


# --- answers ---

def answer_rules(lab, d):
    for rule, status in (("not-found", 404), ("server-error", 500)):
        with Rule(lab, rule):
            ok(get(lab).status == status and get(lab, B).status == 200, "%s: %d, here only" % (rule, status))
    for rule, status, after in (("unavailable after=7", 503, "7"), ("too-many", 429, "60")):
        with Rule(lab, rule):
            a = get(lab)
            ok(a.status == status and a.headers["Retry-After"] == after, rule, a.headers)
    for rule, want in (("redirect to=https://x.example/y", "https://x.example/y"),
                       ("redirect-origin", "https://other.example.net" + NOTIFICATION),
                       ("redirect-plain", "http://" + A + NOTIFICATION)):
        with Rule(lab, rule):
            a = get(lab)
            ok(a.status == 302 and a.headers["Location"] == want, rule.split()[0], a.headers)
    with Rule(lab, "redirect-inward"):
        conn = Conn(lab, A)
        seen = [Answer(conn).headers["Location"].split("/")[2] for _ in range(12)]
        ok(len(set(seen)) == 12 and {"127.0.0.1", "10.0.0.1", "[::1]", "169.254.169.254"} <= set(seen),
           "redirect-inward: all in turn", seen)
        conn.close()
    with Rule(lab, NOTIFICATION + " redirect-loop"):
        conn, path, seen = Conn(lab, A), NOTIFICATION, []
        for _ in range(30):
            a = Answer(conn, path)
            path = path_of(a.headers["Location"])
            seen.append(path)
        ok(a.status == 302 and len(set(seen)) == 30, "redirect-loop: 30 and never the same", seen[-3:])
        conn.close()
    with Rule(lab, "always-304"):
        a = get(lab)
        ok(a.status == 304 and a.body == b"", "always-304: to a request without condition", a.status)
    with Rule(lab, "empty"):
        a = get(lab)
        ok(a.status == 200 and a.body == b"", "empty", a.body)
    with Rule(lab, "html"):
        a = get(lab)
        ok(a.status == 200 and a.headers["Content-Type"] == "text/html" and b"<html" in a.body, "html")
    with Rule(lab, "garbage size=5000"):
        a = get(lab)
        ok(a.status == 200 and len(a.body) == 5000 and b"<" not in a.body, "garbage", len(a.body))


# --- documents ---

def document_rules(lab, d):
    lab.step(3)
    session, serial, snap, deltas = notification(get(lab).body)
    with Rule(lab, "session-changed"):
        s2, n2, snap2, deltas2 = notification(get(lab).body)
        doc = get(lab, path=path_of(snap2[0])).body
        ok(s2 != session and len(s2) == len(session) and deltas2 == {} and n2 == serial,
           "session-changed: another session, no deltas", (s2, deltas2))
        ok(hashlib.sha256(doc).hexdigest() == snap2[1] and s2.encode() in doc,
           "session-changed: the snapshot agrees", doc[:200])
        a, b = (get(lab, Accept_Encoding=e).body for e in ("gzip", "identity"))
        ok(a == b, "session-changed: the same again")
    with Rule(lab, "session-mismatch"):
        s2, _, snap2, deltas2 = notification(get(lab).body)
        doc = get(lab, path=path_of(snap2[0])).body
        ok(s2 != session and deltas2 == deltas and session.encode() in doc
           and hashlib.sha256(doc).hexdigest() == snap2[1], "session-mismatch: only the notification")
    with Rule(lab, "delta-gap"):
        got = set(notification(get(lab).body)[3])
        ok(got == set(deltas) - {serial - 1}, "delta-gap: one is missing", got)
    with Rule(lab, "delta-gap n=2"):
        got = set(notification(get(lab).body)[3])
        ok(got == set(deltas) - {serial - 1, serial - 2}, "delta-gap n=2: two are", got)
    with Rule(lab, "replay back=2"):
        s2, n2, snap2, deltas2 = notification(get(lab).body)
        ok(n2 == serial - 2 and s2 == session and max(deltas2) == n2, "replay: an older one", n2)
        ok(hashlib.sha256(get(lab, path=path_of(snap2[0])).body).hexdigest() == snap2[1],
           "replay: true as it once was")
    with Rule(lab, "serial-reuse"):
        _, n2, snap2, deltas2 = notification(get(lab).body)
        ok(n2 == serial and set(deltas2) == set(deltas) and snap2 == snap
           and all(deltas2[s][1] != deltas[s][1] and len(deltas2[s][1]) == 64 for s in deltas),
           "serial-reuse: all hashes are others", deltas2)
    with Rule(lab, "snapshot-hash"):
        _, _, snap2, deltas2 = notification(get(lab).body)
        ok(snap2[0] == snap[0] and snap2[1] != snap[1] and deltas2 == deltas, "snapshot-hash")
    with Rule(lab, "delta-hash"):
        _, _, snap2, deltas2 = notification(get(lab).body)
        ok(snap2 == snap and {s for s in deltas if deltas[s] != deltas2[s]} == {serial},
           "delta-hash: of the last one", deltas2)
    with Rule(lab, "foreign-snapshot to=b.example"):
        _, _, snap2, deltas2 = notification(get(lab).body)
        ok(snap2[0] == snap[0].replace(A, B) and deltas2 == deltas, "foreign-snapshot", snap2)
    with Rule(lab, "foreign-delta"):
        _, _, snap2, deltas2 = notification(get(lab).body)
        ok(snap2 == snap and all("//other.example.net/" in u for u, _ in deltas2.values()), "foreign-delta")
    for rule, want in (("doctype", b'<!ENTITY lab "">'), ("laughs", b"&l8;&l8;&l8;"),
                       ("external-entity", b'SYSTEM "file:///etc/passwd"')):
        with Rule(lab, rule):
            body = get(lab).body
            ok(body.find(b"<!DOCTYPE") < body.find(b"<notification") and want in body
               and body.endswith(b"</notification>\n"), rule, body[:300])
    for rule in ("doctype", "laughs", "external-entity"):
        with Rule(lab, "/rrdp/*-4.xml " + rule):
            body, delta = get(lab, path=path_of(snap[0])).body, get(lab, path="/rrdp/delta-4.xml").body
            ok(b"<!DOCTYPE" in body[:200] and b"<!DOCTYPE" in delta[:200] and body.endswith(b"</snapshot>\n")
               and b"<!DOCTYPE" not in get(lab).body, rule + ": by path, in a snapshot and a delta", body[:300])
    lab.stats(reset=True)
    lab.behave(A + " /rrdp/* delta-gap")
    get(lab, path=path_of(snap[0]))
    ok(lab.stats(reset=True)[A]["behaviours"] == {}, "a rule that can do nothing does not strike")
    lab.heal()
    with Rule(lab, "laughs"):
        levels = re.findall(rb'<!ENTITY (\w+) "((?:&\w+;)+)">', get(lab).body)
        ok(len(levels) == 10 and 10 ** sum(v.count(b"&") == 10 for _, v in levels) == 10 ** 9,
           "laughs: nine times ten", levels)
    with Rule(lab, "huge-notification max=3000000"):
        body = get(lab).body
        ok(3000000 <= len(body) < 3100000 and body.endswith(b"</notification>\n"), "huge-notification",
           len(body))
    with Rule(lab, "huge-snapshot max=5000000"):
        body = get(lab, path=path_of(snap[0])).body
        ok(5000000 <= len(body) < 5100000 and body.startswith(b"<snapshot ") and b"<publish " in body,
           "huge-snapshot", len(body))
        ok(notification(get(lab).body)[2] == snap, "huge-snapshot: the notification is as ever")
    whole = get(lab, path=path_of(snap[0])).body
    with Rule(lab, "truncated"):
        a = get(lab, path=path_of(snap[0]))
        ok(a.status == 200 and a.body == whole[:len(whole) // 2], "truncated: the first half", len(a.body))
    with Rule(lab, NOTIFICATION + " truncated"):
        ok(not get(lab).body.endswith(b"</notification>\n"), "truncated: by path, the notification, too")


# --- wrappings and ways to send ---

def body_rules(lab, d):
    with Rule(lab, "gzip-bomb max=50000000"):
        out, _ = raw(lab)
        head, body = out.split(b"\r\n\r\n", 1)
        ok(b"Content-Encoding: gzip" in head and len(body) < 100000, "gzip-bomb: small on the wire", len(body))
        body = get_raw_body(lab)
        plain = gzip.decompress(body)
        ok(50000000 <= len(plain) < 51100000 and plain.strip().startswith(b"<?xml"),
           "gzip-bomb: large behind it, with a true checksum", len(plain))
    with Rule(lab, "bad-gzip"):
        try:
            get(lab)
            ok(False, "bad-gzip")
        except (OSError, zlib.error):
            ok(True, "bad-gzip: it is none")
    true = len(get(lab).body)
    with Rule(lab, "wrong-length more=17"):
        out, end = raw(lab)
        head, body = out.split(b"\r\n\r\n", 1)
        ok(b"Content-Length: %d" % (true + 17) in head and len(body) == true and end == "end",
           "wrong-length: says more than comes", (head, len(body)))
    with Rule(lab, "short-length"):
        out, end = raw(lab)
        head, body = out.split(b"\r\n\r\n", 1)
        ok(b"Content-Length: %d\r" % (true // 2) in head + b"\r" and len(body) == true,
           "short-length: says less than comes", (head, len(body)))
    with Rule(lab, "endless-headers max=300000"):
        out, end = raw(lab)
        ok(b"\r\n\r\n" not in out and out.startswith(b"HTTP/1.1 200") and 300000 <= len(out) < 300100
           and end == "end", "endless-headers: no end of head, but of max", (len(out), end))
    with Rule(lab, "endless-continue max=100000"):
        out, end = raw(lab)
        ok(out.count(b"HTTP/1.1 100 Continue\r\n\r\n") == 100000 // 25 and end == "end",
           "endless-continue", (len(out), end))
    with Rule(lab, "endless-body"):
        out, end = raw(lab, limit=20 << 20)
        ok(end == "limit" and b"Transfer-Encoding: chunked" in out[:500], "endless-body: 20 MB and more",
           (len(out), end))
    with Rule(lab, "endless-body max=400000"):
        ok(len(get(lab).body) == 400000, "endless-body: ends at max")


def get_raw_body(lab):
    conn = Conn(lab, A)
    conn.request("GET", NOTIFICATION)
    body = conn.getresponse().read()
    conn.close()
    return body


def slowly(lab, rate, part, **kw):
    """At this rate, whoever of the two sides is kept waiting: sixty bytes of that part of an answer."""
    began = time.monotonic()
    out, _ = raw(lab, enough=lambda o: len(part(o)) >= 60, **kw)
    n, seconds = len(part(out)), time.monotonic() - began
    return n >= 60 and seconds > 0.7 * 60 / rate and n < 1.3 * rate * seconds + 30, (n, seconds)


def body_of(out):
    return out.partition(b"\r\n\r\n")[2]


def send_rules(lab, d):
    with Rule(lab, "slow-head rate=50"):
        good, what = slowly(lab, 50, lambda out: out)
        ok(good, "slow-head: fifty bytes a second", what)
    with Rule(lab, "slow-body rate=40"):
        good, what = slowly(lab, 40, body_of)
        ok(good, "slow-body: forty bytes a second after a whole head", what)
    with Rule(lab, "slow-body rate=100000"):
        ok(notification(get(lab).body)[1] > 0, "slow-body: all comes in the end")
    with Rule(lab, "slow-body rate=40"):
        good, what = slowly(lab, 40, body_of, extra="Accept-Encoding: gzip\r\n", path="/rrdp/snapshot-4.xml")
        ok(good, "slow-body: compressed, too", what)
    with Rule(lab, "reset after=150"):
        out, end = raw(lab)
        ok(len(out) <= 150 and end != "time", "reset in the middle", (len(out), end))
    with Rule(lab, "cut after=150"):
        out, end = raw(lab)
        ok(len(out) == 150 and end in ("cut", "end"), "cut in the middle", (len(out), end))


# --- rules and commands ---

def rule_words(lab, d):
    def statuses(n):
        return [get(lab).status for _ in range(n)]

    lab.step(0)
    with Rule(lab, "not-found times 2"):
        ok(statuses(4) == [404, 404, 200, 200], "times 2")
    with Rule(lab, "not-found every 2"):
        ok(statuses(4) == [200, 404, 200, 404], "every 2: good and bad in turn")
    with Rule(lab, "not-found from 1 until 3"):
        seen = []
        for n in range(4):
            lab.step(n)
            seen += statuses(1)
        ok(seen == [200, 404, 404, 200], "from and until by step", seen)
    with Rule(lab, "not-found from 60s until 120s"):
        seen = statuses(1)
        for _ in range(3):
            lab.advance(50)
            seen += statuses(1)
        ok(seen == [200, 200, 404, 200], "from and until by time", seen)
    with Rule(lab, "/rrdp/snap* not-found"):
        ok(get(lab).status == 200 and get(lab, path="/rrdp/snapshot-1.xml").status == 404, "by path")
    lab.behave("*.example not-found")
    ok(get(lab).status == get(lab, B).status == 404, "by glob of hosts")
    lab.behave("%s server-error" % A)
    ok(lab.heal("*.example")["healed"] == 1 and get(lab).status == 500 and get(lab, B).status == 200,
       "heal by pattern")
    lab.heal()
    lab.behave("%s session-mismatch" % A)
    lab.behave("%s slow-body rate=100000" % A)
    lab.behave("%s wrong-length" % A)
    raw(lab)
    ok(set(lab.stats()[A]["behaviours"]) >= {"session-mismatch", "slow-body", "wrong-length"},
       "rules of different moments combine", lab.stats()[A])
    ok([r["hits"] for r in lab.ask("rules")["rules"]] == [1, 1, 1], "rules: hits", lab.ask("rules"))
    ok(lab.heal(A, "wrong-length")["rules"] == 2, "heal by behaviour")
    lab.heal()


def command_words(lab, d):
    for line, word in (("", None), ("nonsense", "nonsense"), ("step", None), ("step x", "x"),
                       ("step c.example 1", "c.example"), ("advance", None), ("script /nowhere", "/nowhere"),
                       ("behave", None), ("behave a.example", "a.example"), ("behave a b", "b"),
                       ("behave a stall rate=1", "rate=1"), ("behave a stall max=x", "max=x"),
                       ("behave a stall until", "until"), ("behave a stall from 3x", "from"),
                       ("behave a stall nonsense", "nonsense"), ("heal", None), ("stats x", "x"),
                       ("behave a stall times 0", "times")):
        answer = lab.ask(line or " ")
        ok(not answer["ok"] and (word is None or answer.get("word") == word),
           "refused: %r" % line, answer)
    ok(lab.ask("rules")["rules"] == [], "none of these left a rule")
    ok("stats" in lab.ask("help")["commands"], "help")
    ok(lab.load("# two rules\n\na.example stall\nb.example html\n")["rules"] == 2, "script: comments, blanks")
    try:
        lab.load("a.example stall\nb.example nothing\n")
        ok(False, "script: refused")
    except LabError as e:
        ok(e.args[0].get("line") == 2, "script: refused with its line", e)
    ok(len(lab.ask("rules")["rules"]) == 2, "script: a bad one changes nothing")
    ok(get(lab, B).headers["Content-Type"] == "text/html", "script: its rules hold")
    lab.heal()
    s = lab.tls(A)
    ok(lab.ask("hangup")["closed"] == 1, "hangup: one was open")
    try:
        ok(s.recv(1) == b"", "hangup: it is closed")
    except OSError:
        ok(True, "hangup: it is closed")
    ok(dict(LabHouse.port_line(x) for x in lab.ask("ports")["ports"].split()) == lab.ports, "ports")


# --- rsync ---

def rsync(lab, *args, timeout=patient(60), host=A, path="repo/"):
    """(status, output) of the rsync program against a lab host."""
    address, port = lab.ports[host, 873]
    p = subprocess.run(["rsync", "--timeout=120", "--contimeout=120", *args[:-1],
                        "rsync://%s:%d/%s" % (address, port, path), *args[-1:]],
                       stdin=subprocess.DEVNULL, capture_output=True, timeout=timeout,
                       env={"PATH": os.environ["PATH"], "LC_ALL": "C"})
    return p.returncode, (p.stdout + p.stderr).decode(errors="replace")


def copied(lab, d, *options, **kw):
    to = os.path.join(d, "copy")
    shutil.rmtree(to, ignore_errors=True)
    code, text = rsync(lab, "-r", *options, to + "/", **kw)
    names = sorted(os.path.relpath(os.path.join(f, n), to) for f, _, ns in os.walk(to) for n in ns)
    return code, names, text


def rsync_good(lab, d):
    lab.step(0)
    code, text = rsync(lab, "--list-only", path="")
    ok(code == 0 and text.split() == ["repo"], "rsync lists the module", text)
    code, names, text = copied(lab, d)
    ok(code == 0 and names == ["0.roa"], "rsync: step 0", (names, text))
    lab.step(2)
    ok(copied(lab, d)[1] == ["0.roa", "1.roa", "2.roa"], "rsync: step 2")
    lab.step(4)
    ok(len(copied(lab, d)[1]) == 5, "rsync: the last step")
    st = lab.stats()[A]
    ok(st["rsync_connections"] == 4 and st["rsync_bytes"] > 500, "rsync: counted", st)


def rsync_rules(lab, d):
    for rule, status, want in (("rsync-reset", (5, 10, 12, 35), ""),
                               ("rsync-absent", (5,), "Unknown module 'repo'"),
                               ("rsync-denied", (5,), "access denied"),
                               ("rsync-auth", (5,), "auth failed"),
                               ("rsync-garbage", (2, 5, 12), "")):
        with Rule(lab, rule):
            code, names, text = copied(lab, d)
            ok(code in status and want in text and names == [], "%s: status %d" % (rule, code), text)
    with Rule(lab, "rsync-stall max=2"):
        began = time.monotonic()
        code, names, text = copied(lab, d)
        ok(code != 0 and 1 <= time.monotonic() - began < patient(15), "rsync-stall: nothing for two seconds", text)
    with Rule(lab, "rsync-cut after=200"):
        code, names, text = copied(lab, d)
        ok(code == 12 and len(names) < 5, "rsync-cut: an unexpected end", (code, text))
    with Rule(lab, "rsync-slow rate=400"):
        began = time.monotonic()
        code, names, text = copied(lab, d)
        seconds = time.monotonic() - began
        ok(code == 0 and len(names) == 5 and seconds > 1, "rsync-slow: late, but all", (seconds, text))
    with Rule(lab, "rsync-endless max=200000"):
        with socket.create_connection(lab.ports[A, 873], timeout=patient(20)) as s:
            s.sendall(b"@RSYNCD: 31.0\nrepo\n")
            out = b""
            while len(out) < 1 << 20:
                got = s.recv(65536)
                if not got:
                    break
                out += got
        ok(out.startswith(b"@RSYNCD: ") and out.count(b"\n") > 1000 and len(out) <= 200100,
           "rsync-endless: up to max", len(out))
    with Rule(lab, "rsync-huge size=30000000"):
        code, names, text = copied(lab, d, "--max-size=20m")
        ok(code == 0 and names == [], "rsync-huge: left out by --max-size", (names, text))
        code, names, text = copied(lab, d)
        ok(names == ["huge.roa"] and os.path.getsize(os.path.join(d, "copy", "huge.roa")) == 30000000,
           "rsync-huge: it is there", (names, text))
    with Rule(lab, "rsync-links"):
        code, text = rsync(lab, "-r", "-l", os.path.join(d, "links") + "/")
        links = {n: os.readlink(os.path.join(d, "links", n)) for n in os.listdir(os.path.join(d, "links"))}
        ok(links.get("passwd.roa") == "/etc/passwd" and links.get("loop.cer") == "loop.cer",
           "rsync-links: they lead out", links)
        ok(copied(lab, d, "--no-links")[1] == [], "rsync-links: none with --no-links")
    with Rule(lab, "rsync-many n=1500"):
        code, text = rsync(lab, "-r", "--list-only")
        ok(text.count(".roa\n") == 1500, "rsync-many: 1500 files", text[-200:])


# --- life ---

def children(pid):
    out = subprocess.run(["ps", "--ppid", str(pid), "-o", "pid="], capture_output=True, text=True).stdout
    return [int(p) for p in out.split()]


def alive(pid):
    try:
        with open("/proc/%d/stat" % pid) as f:
            return f.read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def ends(d):
    for sig in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
        lab = LabHouse(d).start()
        with socket.create_connection(lab.ports[A, 873], timeout=patient(20)) as s, lab.tls(A):
            s.recv(100)
            kids = children(lab.proc.pid)
            code, err = lab.stop(sig)
            end = time.monotonic() + patient(10)
            while any(alive(k) for k in kids) and time.monotonic() < end:
                time.sleep(0.05)
        ok(len(kids) == 1 and not any(alive(k) for k in kids), "%s: the rsync child ends, too" % sig.name, kids)
        ok(code == (0 if sig != signal.SIGKILL else -9) and err == "", "%s: status %s" % (sig.name, code), err)
    began = time.monotonic()
    lab = LabHouse(d, seconds=1).start()
    code = lab.proc.wait(timeout=patient(20))
    ok(code == 0 and time.monotonic() - began < patient(15), "--for: it ends by itself", code)
    lab.stop()
    lab = LabHouse(d).start()
    ok(lab.ask("stop")["ok"] and lab.proc.wait(timeout=patient(20)) == 0, "stop: it ends")
    lab.stop()
    p = subprocess.Popen([SEKISHO, "lab", "serve", d, "-q", "--stdin", "--no-rsync", "--still-clock",
                          "--for", "600"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    out, _ = p.communicate("advance 5\nhelp\nadvance 10\n", timeout=patient(30))
    rows = [json.loads(x) for x in out.splitlines()]
    ok(p.returncode == 0 and len(rows) == 3 and rows[2].get("time") == 15,
       "--stdin: commands, and its end; --still-clock", out)


def refusals(d):
    def run(*argv):
        p = subprocess.run([SEKISHO, "lab", "serve", *argv], stdin=subprocess.DEVNULL, capture_output=True,
                           text=True, timeout=patient(30))
        return p.returncode, p.stderr

    script = os.path.join(d, "bad-script")
    with open(script, "w") as f:
        f.write("a.example stall\na.example nothing\n")
    for argv, status, word in (((), 2, ""), ((d, d), 2, ""), ((d, "--listen", "192.0.2.1"), 2, "192.0.2.1"),
                               ((d, "--for", "0"), 2, "--for"), ((d, "--first-port", "1"), 2, "first-port"),
                               ((os.path.join(d, "nowhere"),), 3, "nowhere"),
                               ((d, "--script", "/nowhere"), 3, "/nowhere"),
                               ((d, "--script", script), 2, ":2: nothing"),
                               ((d, "--ports-file", "/nowhere/x"), 3, "/nowhere/x")):
        code, err = run(*argv)
        ok(code == status and word in err and len(err.splitlines()) == 1, "refused: %s" % (argv[1:],), err)
    with LabHouse(d) as lab:
        port = lab.ports[A, 443][1]
        code, err = run(d, "--first-port", str(port), "--control", os.path.join(d, "other"))
        ok(code == 3 and A in err, "a port that is taken", err)


def listing(d):
    p = subprocess.run([SEKISHO, "lab", "serve", "--list", "--json"], capture_output=True, text=True)
    rows = json.loads(p.stdout)
    names = {r["behaviour"] for r in rows}
    ok(len(rows) == len(names) and all(r["text"] for r in rows), "--list: each once, with its text")
    ok(names == TRIED, "each behaviour was tried here", names ^ TRIED)
    with open(os.path.join(SRC, "man", "sekisho-lab-serve.1")) as f:
        page = f.read()
    missing = [r["behaviour"] for r in rows if not re.search(
        r"^\.It Cm %s%s$" % (re.escape(r["behaviour"]), "" if not r["argument"] else re.escape(
            " Op Cm %s= Ns Ar %s" % (r["argument"].split("=", 1)[0], r["argument"].split("=", 1)[1] or "host"))),
        page, re.M)]
    ok(missing == [], "the manual page has each with its argument", missing)
    ja = subprocess.run([SEKISHO, "lab", "serve", "--list", "--lang", "ja"], capture_output=True, text=True)
    ok(len(ja.stdout.splitlines()) == len(rows) and not any(r["text"] in ja.stdout for r in rows),
       "--list in Japanese")


def other_ways(d):
    with LabHouse(d, "--http", "--no-gzip") as lab:
        address = lab.ports[A, 80]
        with socket.create_connection(address, timeout=patient(20)) as s:
            s.sendall(b"GET %s HTTP/1.1\r\nAccept-Encoding: gzip\r\n\r\n" % b"/rrdp/snapshot-4.xml")
            out = s.recv(65536)
        ok(out.startswith(b"HTTP/1.1 200 OK") and b"gzip" not in out, "--http --no-gzip", out[:200])
        for rule, want in (("reset after=100", True), ("cut after=100", False)):
            lab.behave("%s %s" % (A, rule))
            with socket.create_connection(address, timeout=patient(20)) as s:
                s.sendall(b"GET %s HTTP/1.1\r\n\r\n" % NOTIFICATION.encode())
                try:
                    while s.recv(65536):
                        pass
                    reset = False
                except ConnectionResetError:
                    reset = True
            ok(reset == want, "%s: by RST %s" % (rule, want))
            lab.heal()
    with LabHouse(d, "--step", "3", "--no-rsync") as lab:
        ok(notification(get(lab).body)[1] == 4 and (A, 873) not in lab.ports, "--step 3 --no-rsync", lab.ports)
        if shutil.which("curl") is None:
            return skip("curl believes it", "no curl")
        p = subprocess.run(["curl", "-sS", "--compressed", "--cacert", lab.ca, "--connect-to",
                            "%s:443:%s:%d" % (A, *lab.ports[A, 443]), lab.uri(A), lab.uri(A)],
                           capture_output=True, timeout=patient(30))
        ok(p.returncode == 0 and p.stdout.count(b"</notification>") == 2
           and lab.stats()[A]["connections"] == 2, "curl believes it", p.stderr)
    return None


def usual_ports(d):
    """Ports 443 and 873 in a network of its own, as peers need them."""
    net = ["unshare", "-rnm"]
    if shutil.which("unshare") is None or subprocess.run([*net, "true"], capture_output=True).returncode:
        return skip("--default-ports in a namespace", "no unshare")
    hosts = os.path.join(d, "hosts")
    if any(shutil.which(x) is None for x in ("ip", "curl", "rsync", "bash")):
        return skip("--default-ports in a namespace", "no ip, curl, rsync or bash")
    # Mounted after it was written: a replaced file is another one.
    inside = ("ip link set lo up; %(sekisho)s lab serve %(dir)s -q --default-ports --hosts-file %(hosts)s "
              "--ports-file %(dir)s/usual --for 20 & for i in $(seq 100); do test -s %(dir)s/usual && break; "
              "sleep 0.1; done; mount --bind %(hosts)s /etc/hosts; "
              "curl -sS --cacert %(dir)s/lab-ca.pem https://b.example/rrdp/notification.xml; "
              "rsync rsync://b.example/; kill %%1; wait") % {
                  "sekisho": SEKISHO, "dir": d, "hosts": hosts}
    p = subprocess.run([*net, "bash", "-c", inside], capture_output=True, text=True, timeout=patient(60))
    with open(hosts) as f:
        rows = f.read().splitlines()
    ok(rows == ["127.0.0.1 localhost", "127.0.1.1 a.example", "127.0.1.2 b.example"], "--hosts-file", rows)
    ok("</notification>" in p.stdout and "repo" in p.stdout.split("</notification>")[1],
       "--default-ports: names, 443 and 873", p.stdout + p.stderr)
    return None


def main():
    have_rsync = shutil.which("rsync") is not None
    with tempfile.TemporaryDirectory(prefix="sekisho-lab-") as d:
        small_world(d, n=20)
        with LabHouse(d, "--still-clock") as lab:
            for part in (good_http, odd_http, connect_rules, answer_rules, document_rules, body_rules,
                         send_rules, rule_words, command_words):
                lab.heal()
                lab.step(0)
                lab.stats(reset=True)
                attempt(part, lab, d)
            for part in (rsync_good, rsync_rules):
                if have_rsync:
                    lab.stats(reset=True)
                    attempt(part, lab, d)
                else:
                    skip(part.__name__, "no rsync")
            code, err = lab.stop()
            ok(code == 0 and err == "", "it ends, and had nothing to complain of", (code, err))
        for part in (refusals, other_ways, usual_ports):
            attempt(part, d)
        if have_rsync:
            attempt(ends, d)
            attempt(listing, d)
    print("1..%d" % N)
    sys.exit(FAILED > 0)


def attempt(part, *args):
    try:
        part(*args)
    except Exception:
        ok(False, part.__name__, traceback.format_exc())


main()
