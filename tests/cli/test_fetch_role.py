#!/usr/bin/env python3
"""
Role fetch against HTTPS servers on loopback, its parent played by role_kit:
what it asks for, what it gives to the store, what it tells of it.
"""
import base64
import hashlib
import http.server
import json
import os
import shutil
import ssl
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import role_kit  # noqa: E402
from house import Tap, patient  # noqa: E402

t = Tap()
NS = 'xmlns="http://www.ripe.net/rpki/rrdp" version="1"'
KEY = b"\x30\x0fthe TAL's key!!"
SESSION = "9df4b597-af9e-4dca-bdda-719cce2c4e28"
OTHER = "11111111-af9e-4dca-bdda-719cce2c4e28"


# --- servers ---

class Https:
    """One TLS server for all names; what it answers is a table of paths."""

    def __init__(self, folder):
        self.paths, self.log, self.headers = {}, [], []
        kit = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                kit.log.append(self.path)
                kit.headers.append(dict(self.headers))
                host = self.headers["Host"].split(":")[0]
                body = kit.paths.get((host, self.path), kit.paths.get(self.path))
                if callable(body):
                    body = body(self)
                    if body is None:
                        return
                tag = '"%s"' % hashlib.sha256(body or b"").hexdigest()[:16]
                if body is not None and self.headers.get("If-None-Match") == tag:
                    self.send_response(304)
                    self.end_headers()
                    return
                self.send_response(404 if body is None else 200)
                self.send_header("Content-Length", str(len(body or b"")))
                self.send_header("ETag", tag)
                self.end_headers()
                self.wfile.write(body or b"")

            def log_message(self, *args):
                pass

            def handle(self):
                try:
                    super().handle()
                except (OSError, ssl.SSLError):
                    pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 64

            def handle_error(self, *args):
                pass

        self.server = Server(("127.0.0.1", 0), Handler)
        ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        ctx.load_cert_chain(os.path.join(folder, "server.pem"))
        # The handshake belongs to the connection's thread, not to accept().
        self.server.socket = ctx.wrap_socket(self.server.socket, server_side=True,
                                             do_handshake_on_connect=False)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def certificates(folder):
    run = dict(cwd=folder, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                    "-nodes", "-keyout", "ca.key", "-out", "ca.pem", "-days", "30", "-subj", "/CN=test",
                    "-addext", "basicConstraints=critical,CA:TRUE"], **run)
    with open(os.path.join(folder, "ext"), "w") as f:
        f.write("subjectAltName=DNS:*.example.net\n")
    subprocess.run(["openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-keyout", "s.key", "-out", "s.csr", "-subj", "/CN=server"], **run)
    subprocess.run(["openssl", "x509", "-req", "-in", "s.csr", "-CA", "ca.pem", "-CAkey", "ca.key",
                    "-CAcreateserial", "-out", "s.pem", "-days", "30", "-extfile", "ext"], **run)
    with open(os.path.join(folder, "server.pem"), "w") as f:
        for name in ("s.key", "s.pem"):
            f.write(open(os.path.join(folder, name)).read())


# --- a repository by RRDP ---

class Repo:
    """A publication server at https://NAME.example.net/n.xml."""

    def __init__(self, https, name, session=SESSION):
        self.https, self.host, self.session = https, name + ".example.net", session
        self.key = f"https://{self.host}/n.xml"
        self.module = f"rsync://{self.host}/repo/"
        self.serial, self.objects, self.deltas = 1, {}, []
        self.want_snapshot_hash = None

    def line(self, n_cas=1):
        return f"repo\t{self.key}\t{self.module}\thouse\t{n_cas}\n"

    def uri(self, name):
        return self.module + name

    def put(self, path, body):
        self.https.paths[(self.host, path)] = body

    def change(self, publish=(), withdraw=()):
        """A new serial with a delta."""
        self.serial += 1
        xml = f'<delta {NS} session_id="{self.session}" serial="{self.serial}">'
        for name, body in dict(publish).items():
            old = self.objects.get(name)
            h = f' hash="{hashlib.sha256(old).hexdigest()}"' if old is not None else ""
            xml += f'<publish uri="{self.uri(name)}"{h}>{base64.b64encode(body).decode()}</publish>'
            self.objects[name] = body
        for name in withdraw:
            h = hashlib.sha256(self.objects.pop(name)).hexdigest()
            xml += f'<withdraw uri="{self.uri(name)}" hash="{h}"/>'
        self.deltas.append((self.serial, (xml + "</delta>").encode()))
        self.publish()

    def snapshot(self):
        xml = [f'<snapshot {NS} session_id="{self.session}" serial="{self.serial}">']
        for name, body in self.objects.items():
            xml.append(f'<publish uri="{self.uri(name)}">{base64.b64encode(body).decode()}</publish>\n')
        return ("".join(xml) + "</snapshot>").encode()

    def publish(self, keep=100):
        snap = self.snapshot()
        self.put(f"/{self.session}/{self.serial}/snapshot.xml", snap)
        h = self.want_snapshot_hash or hashlib.sha256(snap).hexdigest()
        xml = f'<notification {NS} session_id="{self.session}" serial="{self.serial}">'
        xml += (f'<snapshot uri="https://{self.host}/{self.session}/{self.serial}/snapshot.xml" '
                f'hash="{h}"/>')
        for serial, body in reversed(self.deltas[-keep:] if keep else []):
            self.put(f"/d{serial}.xml", body)
            xml += (f'<delta serial="{serial}" uri="https://{self.host}/d{serial}.xml" '
                    f'hash="{hashlib.sha256(body).hexdigest()}"/>')
        self.put("/n.xml", (xml + "</notification>").encode())
        return self

    def names(self):
        return {self.uri(k): v for k, v in self.objects.items()}


def fill(n, seed, size=1500):
    return {f"ca/{seed}-{i}.roa": hashlib.sha256(b"%d %d" % (seed, i)).digest() * (size // 32)
            for i in range(n)}


# --- a role under test ---

class World:
    def __init__(self, folder, **conf):
        self.https = Https(folder)
        self.conf = dict(ca_file=os.path.join(folder, "ca.pem"), refresh=600, timeout=120, max_mb=64,
                         rsync=1, rrdp=1)
        self.conf.update(conf)
        self.names = []
        self.role = None

    def repo(self, name, objects, **kw):
        r = Repo(self.https, name, **kw)
        r.objects = dict(objects)
        self.names.append(r.host)
        return r.publish()

    def start(self, store=None, **kw):
        hosts = [f"{n}:443=127.0.0.1:{self.https.port}" for n in self.names + ["ta.example.net"]]
        hosts += self.conf.pop("hosts_more", [])
        self.role = role_kit.Role("fetch", dict(self.conf, hosts="\n".join(hosts)))
        self.store = role_kit.Store(self.role, **kw)
        if store is not None:
            self.store.sources, self.store.ids = store.sources, store.ids
        self.results, self.asked = [], []
        self.role.handlers["source_result"] = self.on_result
        self.role.handlers["rsync_ask"] = self.on_rsync
        self.rsync = lambda m: None
        assert self.role.ready(), self.role.log
        return self

    def on_result(self, m):
        if self.role.seen[-1][1] == "validate":
            self.results.append((m["key"], m["ok"], m["changed"], json.loads(m["json"])))

    def on_rsync(self, m):
        self.asked.append((m["module"], m["key"]))
        answer = self.rsync(m)
        if answer:
            self.role.send("rsync_answer", "rsync", req=m["req"], **answer)

    def want(self, *lines):
        text = f"ta\thouse\t{KEY.hex()}\thttps://ta.example.net/ta.cer rsync://ta.example.net/ta/ta.cer\n"
        fd = role_kit.memfd((text + "".join(lines)).encode())
        self.role.send("sources_want", "validate", lines=fd)
        os.close(fd)

    def result(self, key, n=1, seconds=20):
        """The n-th result of that source."""
        got = self.role.until(lambda: [r for r in self.results if r[0] == key][n - 1:n], seconds)
        return got[0] if got else None

    def again(self, key, seconds=20):
        n = len([r for r in self.results if r[0] == key])
        self.role.send("fetch_now", key=key)
        return self.result(key, n + 1, seconds)

    def close(self):
        code = self.role.close() if self.role else 0
        self.https.close()
        return code


def codes(result):
    return [f["code"] for f in result[3]["findings"]]


# --- cases ---

def case_rrdp(folder):
    w = World(folder)
    r = w.repo("a", fill(300, 1))
    w.start().want(r.line())
    got = w.result(r.key)
    t.ok(got and got[1:3] == (1, 1) and got[3]["code"] == "", "a snapshot arrives", (got, w.role.log))
    t.equal(w.store.source(r.key)["names"], r.names(), "… all of it, under its names")
    t.equal((got[3]["session"], got[3]["serial"], got[3]["via"]), (SESSION, 1, "rrdp"), "… and is told")

    w.https.log.clear()
    got = w.again(r.key)
    t.equal((got[1:3], w.https.log), ((1, 0), ["/n.xml"]), "nothing new: one conditional request")
    t.ok(w.https.headers[-1].get("If-None-Match"), "… with the validator of the last answer")

    r.change(publish={"ca/1-0.roa": b"new content", "ca/new.roa": b"x" * 40})
    r.change(withdraw=["ca/1-1.roa"])
    r.change(publish={"ca/new.roa": b"y" * 40})
    w.https.log.clear()
    n = len(w.store.commits)
    got = w.again(r.key)
    t.equal(w.https.log, ["/n.xml", "/d2.xml", "/d3.xml", "/d4.xml"], "deltas in their order, no snapshot")
    t.equal(w.store.source(r.key)["names"], r.names(), "… and their sum is what the server has")
    t.equal([c[1:] for c in w.store.commits[n:]], [(0, 2, 0), (0, 1, 0), (0, 1, 0)], "… one commit for each")
    t.equal(got[3]["serial"], 4, "… up to the last serial")

    # A new process goes on where the old one was.
    store, w2 = w.store, World(folder)
    w.role.close()
    w2.https.close()
    w2.https, w2.names = w.https, w.names
    r.change(publish={"ca/after.roa": b"z"})
    w.https.log.clear()
    w2.start(store).want(r.line())
    got = w2.result(r.key)
    log = [path for path in w.https.log if path != "/ta.cer"]	# that comes at any time
    t.equal((got[1:3], log[-2:]), ((1, 1), ["/n.xml", "/d5.xml"]), "after a restart: by delta")
    t.equal(w2.close(), 0, "it ends when it is asked to")


def case_fit(folder):
    w = World(folder)
    r = w.repo("a", fill(20, 1))
    w.start().want(r.line())
    w.result(r.key)
    # Somebody else's copy: the delta replaces what we do not have.
    w.store.source(r.key)["names"].pop(r.uri("ca/1-3.roa"))
    r.change(publish={"ca/1-3.roa": b"changed"})
    got = w.again(r.key)
    t.equal((got[1], codes(got)), (1, ["RRDP_DELTA_FIT"]), "a delta that does not fit: the snapshot, and why")
    t.equal(w.store.source(r.key)["names"], r.names(), "… which mends it")

    r.change(publish={"ca/x.roa": b"x"})
    r.put("/d3.xml", b"<delta")
    got = w.again(r.key)
    t.equal((got[1], codes(got)), (1, ["RRDP_HASH"]), "a delta with another hash: the snapshot")
    t.equal(w.store.source(r.key)["names"], r.names(), "… which is whole")

    r.change(publish={"ca/y.roa": b"y"})
    r.put("/d4.xml", None)
    got = w.again(r.key)
    t.equal((got[1], codes(got)), (1, ["FETCH_STATUS"]), "a delta that is gone: the snapshot")

    r.session, r.serial, r.deltas = OTHER, 1, []
    r.objects = fill(5, 9)
    r.publish()
    got = w.again(r.key)
    t.equal((got[1], codes(got)), (1, ["RRDP_SESSION_CHANGED"]), "another session: the snapshot")
    t.equal(w.store.source(r.key)["names"], r.names(), "… and nothing of the old one stays")

    before = dict(w.store.source(r.key)["names"])
    r.serial, r.objects = 2, fill(7, 3)
    r.want_snapshot_hash = "00" * 32
    r.publish(keep=0)
    got = w.again(r.key)
    t.equal((got[1], got[3]["code"]), (0, "RRDP_HASH"), "a snapshot with another hash is refused")
    t.equal(w.store.source(r.key)["names"], before, "… and the last good data stay")
    t.equal(got[3]["data"], True, "… which is told")
    w.close()


def case_ta(folder):
    w = World(folder)
    cert = b"\x30\x82" + b"c" * 900 + KEY + b"c"
    w.https.paths["/ta.cer"] = cert
    w.start().want()
    got = w.result("ta:house")
    t.equal((got[1:3], w.store.source("ta:house")["names"]),
            ((1, 1), {"https://ta.example.net/ta.cer": cert}),
            "a trust anchor's certificate, under its URI")
    w.https.paths["/ta.cer"] = b"<html>come back later</html>"
    w.rsync = lambda m: dict(ok=1, changed=1, bytes=900)
    got = w.again("ta:house")
    t.equal((got[1], w.asked, got[3]["uri"]),
            (1, [("rsync://ta.example.net/ta/ta.cer", "ta:house")], "rsync://ta.example.net/ta/ta.cer"),
            "a page is no certificate: the next URI is tried")
    w.rsync = lambda m: dict(ok=0, code="FETCH_RSYNC", detail="connection refused")
    got = w.again("ta:house")
    t.equal((got[1], got[3]["code"], codes(got)), (0, "FETCH_BODY", ["FETCH_BODY", "FETCH_RSYNC"]),
            "all URIs failed: each is told")
    w.https.paths["/ta.cer"] = cert.replace(KEY, KEY[::-1])
    w.rsync = lambda m: dict(ok=1, changed=1, bytes=900) if m["spki"] == KEY else None
    got = w.again("ta:house")
    t.equal((got[1], got[3]["uri"], codes(got)), (1, "rsync://ta.example.net/ta/ta.cer", ["FETCH_TA_KEY"]),
            "another key than the TAL's: the next URI, and a finding")
    t.equal(got[3]["findings"][0]["args"], {"url": "https://ta.example.net/ta.cer", "ta": "house"},
            "… that names URI and TAL")
    t.equal(w.store.source("ta:house")["names"], {"https://ta.example.net/ta.cer": cert}, "… what it gave is not kept")
    w.rsync = lambda m: dict(ok=0, code="FETCH_TA_KEY")
    got = w.again("ta:house")
    t.equal((got[1], got[3]["code"], [f["args"]["url"] for f in got[3]["findings"]]),
            (0, "FETCH_TA_KEY", ["https://ta.example.net/ta.cer", "rsync://ta.example.net/ta/ta.cer"]),
            "no URI has it: it failed, each is told")
    w.close()


def case_ta_moves(folder):
    """A new list with other URIs of the TAL, while the old ones are being tried."""
    w = World(folder)
    w.https.paths["/ta.cer"] = stall(1.5)
    w.start().want()
    assert w.role.until(lambda: "/ta.cer" in w.https.log, 10)
    w.rsync = lambda m: dict(ok=1, changed=1, bytes=900) if m["spki"] == KEY else None
    fd = role_kit.memfd(b"ta\thouse\t3082\thttps://ta.example.net/%s.cer\n" % (b"new" * 300))
    w.role.send("sources_want", "validate", lines=fd)
    os.close(fd)
    got = w.result("ta:house")
    t.equal((got[1], got[3]["uri"], w.asked),
            (1, "rsync://ta.example.net/ta/ta.cer", [("rsync://ta.example.net/ta/ta.cer", "ta:house")]),
            "a new list while an anchor is fetched: the attempt keeps its URIs and its key")
    t.equal(w.close(), 0, "… and the role lives")


def case_lives(folder):
    """What was asked by a fetcher that was killed is answered to the next one."""
    w = World(folder)
    asked, late = {"source_open": [], "rsync_ask": []}, {}

    def life(n):
        w.start()
        opened, rsync = w.store.on_source_open, w.on_rsync

        def on_open(m):
            asked["source_open"].append(m["req"])
            for req in late.get("source_open", []):
                w.role.send("source_opened", "store", req=req, source=99, names=5, state=b"another's")
            opened(m)

        def on_rsync(m):
            asked["rsync_ask"].append(m["req"])
            for req in late.get("rsync_ask", []):
                w.role.send("rsync_answer", "rsync", req=req, ok=1, changed=1)
            rsync(m)
        w.role.handlers.update(source_open=on_open, rsync_ask=on_rsync)
        w.rsync = lambda m: dict(ok=0, code="FETCH_RSYNC", detail="no")
        w.https.paths["/ta.cer"] = b"\x30\x82 %d" % n + KEY
        w.want("repo\t-\trsync://old.example.net/repo/\thouse\t1\n")
        return w.result("ta:house"), w.result("rsync://old.example.net/repo/")

    life(1)
    w.role.close()
    late = {k: list(v) for k, v in asked.items()}
    t.ok(all(late.values()), "one life asks store and rsync", late)
    ta, module = life(2)
    t.equal(ta[1:3] + (list(w.store.source("ta:house")["names"].values()),), (1, 1, [b"\x30\x82 2" + KEY]),
            "answers of the store to the life before are not taken")
    t.equal(module[1], 0, "… nor those of rsync")
    w.close()


def case_fallback(folder):
    w = World(folder)
    r = w.repo("a", fill(3, 1))
    good = w.https.paths.pop((r.host, "/n.xml"))
    w.start()
    w.rsync = lambda m: dict(ok=1, changed=3, bytes=500)
    w.want(r.line(), "repo\t-\trsync://old.example.net/repo/\thouse\t1\n")
    got = w.result(r.key)
    t.equal((got[1], got[3]["code"], got[3]["args"]["status"]), (0, "FETCH_STATUS", 404), "RRDP fails")
    t.ok(w.result(r.module) and (r.module, r.module) in w.asked, "… and nothing is held: rsync at once")
    t.ok(w.result("rsync://old.example.net/repo/")[1], "a CA without RRDP: rsync")
    r.put("/n.xml", good)
    t.equal(w.again(r.key)[1], 1, "RRDP works again")
    st = w.role.status()
    t.equal((st["fallback"], st["failing"], st["good"]), (0, 0, 3), "… and replaces rsync")
    w.close()


BAD_SEC = 8	# what a server may take; the good one has to come in less


def stall(seconds):
    def answer(req):
        time.sleep(seconds)
        raise OSError
    return answer


def trickle(req):
    req.send_response(200)
    req.send_header("Content-Length", "1000000")
    req.end_headers()
    for _ in range(4000):
        req.wfile.write(b" ")
        req.wfile.flush()
        time.sleep(0.5)
    return None


def case_bad_company(folder):
    """Twelve bad servers and one good one, all at the same time."""
    w = World(folder, timeout=BAD_SEC, max_mb=1)
    good = w.repo("good", fill(200, 1))
    bad = {}
    for name in ("stall", "trickle", "huge", "garbage", "gone", "html", "elsewhere", "inward", "empty"):
        r = bad[name] = w.repo(name, fill(3, 2))
        w.https.paths.pop((r.host, "/n.xml"))
    bad["stall"].put("/n.xml", stall(2000))
    bad["trickle"].put("/n.xml", trickle)
    bad["huge"].objects = fill(2000, 3)
    bad["huge"].publish()
    bad["garbage"].put("/n.xml", os.urandom(3000))
    bad["html"].put("/n.xml", b"<html><body>hello</body></html>")
    bad["empty"].put("/n.xml", b"")

    def redirect(to):
        def answer(req):
            req.send_response(302)
            req.send_header("Location", to)
            req.send_header("Content-Length", "0")
            req.end_headers()
        return answer
    bad["elsewhere"].put("/n.xml", redirect("https://good.example.net/n.xml"))
    bad["inward"].put("/n.xml", redirect("https://127.0.0.1/n.xml"))
    # Not in the mapping: it resolves to an address that strangers must not name.
    inside = Repo(w.https, "inside")
    inside.key = "https://127.0.0.1/n.xml"
    w.start()
    w.rsync = lambda m: dict(ok=0, code="FETCH_RSYNC", detail="refused")
    began = time.monotonic()
    w.want(*[r.line() for r in bad.values()], good.line(), inside.line())
    got = w.result(good.key)
    t.ok(got and got[1] == 1 and not {r[0] for r in w.results} & {bad[n].key for n in ("stall", "trickle")},
         "the good one is there before the slow ones have come to their end", got)
    t.equal(w.store.source(good.key)["names"], good.names(), "… whole")
    want = {"stall": "FETCH_TIME", "trickle": "FETCH_TIME", "huge": "FETCH_TOO_LARGE", "garbage": "RRDP_XML",
            "gone": "FETCH_STATUS", "html": "RRDP_SCHEMA", "elsewhere": "FETCH_REDIRECT_ORIGIN",
            "inward": "FETCH_REDIRECT_ORIGIN", "empty": "RRDP_XML"}
    for name, code in want.items():
        got = w.result(bad[name].key)
        t.equal(got and (got[1], got[3]["code"]), (0, code), f"{name}: {code}")
        t.equal(w.store.source(bad[name].key)["names"], {}, f"{name}: nothing of it is kept")
    got = w.result(inside.key)
    t.equal((got[1], got[3]["code"]), (0, "FETCH_ADDRESS"), "a private address: FETCH_ADDRESS")
    t.ok(time.monotonic() - began < BAD_SEC + patient(8), "the slow ones ended at their deadline")
    t.ok(all(r[3]["next"] > time.time() for r in w.results), "each result tells when it is asked again")
    w.close()


def case_store(folder):
    """What the store does wrong is not the server's fault, and passes."""
    w = World(folder)
    r = w.repo("a", fill(4000, 1, size=3000))
    w.start(delay=0.02).want(r.line())
    t.equal(w.result(r.key)[1], 1, "a snapshot in many batches, a slow store")
    t.ok(w.store.batches > 4 and w.store.source(r.key)["names"] == r.names(), "… arrives whole",
         w.store.batches)
    for message in ("batch", "commit", "source_open"):
        w.store.answer = {message: -28}
        r.session = OTHER if r.session == SESSION else SESSION
        r.publish()
        got = w.again(r.key)
        t.equal((got[1], got[3]["code"]), (0, ""), f"{message}: a full disk is no finding")
        w.store.answer = {}
        t.equal(w.again(r.key)[1], 1, "… and passes")
    t.equal(w.store.source(r.key)["names"], r.names(), "all is there again")
    w.close()


def case_slow_store(folder):
    """A store that does not answer: what is fetched waits at the server, not in memory."""
    w = World(folder)
    r = w.repo("a", fill(15000, 1, size=2048))
    w.start()

    def peak():
        with open(f"/proc/{w.role.p.pid}/status") as f:
            return int(next(line for line in f if line.startswith("VmHWM")).split()[1]) // 1024
    before = peak()
    w.store.hold = []
    w.want(r.line())
    w.role.until(lambda: w.store.batches == 2)
    w.role.idle(3)
    t.equal(w.store.batches, 2, "two batches are under way, no more")
    more = peak() - before
    # Only the sanitizer keeps what was freed for a while.
    with open(f"/proc/{w.role.p.pid}/exe", "rb") as f:
        bound = 36 if b"__asan_init" in f.read() else 20
    t.ok(more < bound, f"… and 40 MB of XML are not in memory ({more} MB)")
    w.store.release()
    got = w.result(r.key, seconds=30)
    t.ok(got and got[1] == 1 and w.store.source(r.key)["names"] == r.names(), "then all of it comes", got)
    w.close()


def case_half(folder):
    """Of two deltas one arrives, and no snapshot: the server must not be able to say "not changed"."""
    w = World(folder)
    r = w.repo("a", fill(20, 1))
    w.start().want(r.line())
    w.result(r.key)
    r.change(publish={"ca/x.roa": b"x"})
    one = r.names()
    r.change(publish={"ca/y.roa": b"y"})
    snapshot = f"/{r.session}/{r.serial}/snapshot.xml"
    gone = [(r.host, "/d3.xml"), (r.host, snapshot)]
    kept = [w.https.paths.pop(k) for k in gone]
    got = w.again(r.key)
    t.equal((got[1], got[3]["serial"], w.store.source(r.key)["names"] == one), (0, 2, True),
            "the first of two deltas counts by itself")
    w.https.paths.update(zip(gone, kept))
    got = w.again(r.key)
    t.equal((got[1], w.store.source(r.key)["names"] == r.names()), (1, True), "… and the second one follows")
    w.close()


def case_sandbox(folder):
    """A role that cannot close its sandbox does not start; ours did."""
    w = World(folder)
    w.start()
    with open(f"/proc/{w.role.p.pid}/status") as f:
        status = dict(line.split(":\t", 1) for line in f if ":\t" in line)
    t.equal((status["Seccomp"].strip(), status["NoNewPrivs"].strip()), ("2", "1"), "it runs in its sandbox")
    t.equal(w.close(), 0, "and ends well")


def main():
    if shutil.which("openssl") is None:
        t.skip("role fetch", "no openssl program to make certificates with")
        return t.done()
    with tempfile.TemporaryDirectory(prefix="sekisho-fetch-") as folder:
        certificates(folder)
        for case in (case_rrdp, case_fit, case_ta, case_ta_moves, case_lives, case_fallback, case_bad_company, case_store,
                     case_slow_store, case_half, case_sandbox):
            t.case(case, folder)
    return t.done()


if __name__ == "__main__":
    sys.exit(main())
