#!/usr/bin/env python3
"""Alarms reach the operator's webhook: POST, refused and repeated, each once."""
import http.server
import json
import os
import ssl
import sys
import tempfile
import threading

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lab"))
import certs  # noqa: E402
import house  # noqa: E402
from labhouse import LabHouse  # noqa: E402

WORLD = """steps 2
churn 1000
ta house {
	resources 192.0.2.0/24 AS64496-AS64511
	server ta.example
	ca edo {
		server edo.example
		resources 192.0.2.0/24 AS64496
		roa AS64496 192.0.2.0/24 name a
		roa AS64496 192.0.2.0/25 name b
		roa AS64496 192.0.2.128/25 name c
	}
}
"""


class Hook(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append((self.path, self.headers["Content-Type"], json.loads(body)))
        self.send_response(self.server.answer)
        if self.server.answer == 302:
            self.send_header("Location", "https://hook.example/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args):
        pass


def hook(folder):
    ca = certs.Authority(folder, "hookca")
    cert, key = ca.leaf("hook", "DNS:hook.example")
    s = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hook)
    ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ctx.load_cert_chain(cert, key)
    s.socket = ctx.wrap_socket(s.socket, server_side=True)
    s.got, s.answer = [], 204
    threading.Thread(target=s.serve_forever, daemon=True).start()
    return s, ca.cert


def started(folder, lab, port, ca, state):
    both = os.path.join(folder, "both.pem")
    with open(both, "w") as out:
        for path in (lab.ca, ca):
            with open(path) as f:
                out.write(f.read())
    hosts = ", ".join('"%s"' % x for x in lab.hosts_option().split() + ["hook.example:443=127.0.0.1:%d" % port])
    h = house.House(folder, f"fetch:\n  mode: on\n  refresh: 10s\n  timeout: 8s\n  ca-file: {both}\n  rsync: never\n"
                    f"  hosts: [{hosts}]\nalarm:\n  after: 0\n  expiry-warn: 1m\n"
                    "  webhook: https://hook.example/alarm\norganisation:\n  asns: [64496]\n", inputs="tree: []")
    with open(h.conf) as f:
        text = f.read()
    with open(h.conf, "w") as f:
        f.write(text.replace("tals: house.tal", "tals: tals").replace("state: state", "state: " + state))
    h.state = os.path.join(folder, state)
    h.start()
    return h


def test(t, folder, lab, s, ca):
    lab.step(0)
    h = started(folder, lab, s.server_address[1], ca, "state")
    house.wait_for(lambda: h.vrps(), 30)
    lab.step(1)
    t.ok(house.wait_for(lambda: s.got, 40), "a change of ours is sent", h.log()[-2000:])
    house.wait_for(lambda: len({g[2]["key"] for g in s.got}) >= 2, 20)
    path, kind, body = s.got[0]
    t.equal((path, kind), ("/alarm", "application/json"), "by POST, as JSON")
    t.ok(body["alarm"] == "begin" and body["code"] == "ALARM_CHANGED" and body["time"]
         and body["finding"]["text"], "with code, time and text", body)
    keys = [g[2]["key"] for g in s.got]
    t.equal(len(keys), len(set(keys)), "each once")
    s.answer, n = 302, len(s.got)
    lab.step(2)
    t.ok(house.wait_for(lambda: len(s.got) > n, 40), "the next one is refused", h.log()[-2000:])
    t.ok(house.wait_for(lambda: "alarm.webhook" in h.log(), 10), "which is said in the log", h.log()[-2000:])
    t.ok(all(g[0] == "/alarm" for g in s.got), "a redirect is not followed")
    s.answer = 200
    t.ok(house.wait_for(lambda: "works again" in h.log(), 90), "it is sent again, and taken", h.log()[-2000:])
    t.ok(house.wait_for(lambda: s.got[-1][2]["code"], 5) and h.stop()[0] == 0, "it ends well")


def refused(t, folder):
    for fetch, url, why in (("on", "http://hook.example/", "https"), ("off", "https://hook.example/", "fetch.mode")):
        path = os.path.join(folder, "bad.conf")
        with open(path, "w") as f:
            f.write("state: state\nfetch:\n  mode: %s\nalarm:\n  webhook: %s\n" % (fetch, url))
        code, out, err = house.run("conf", "check", "-c", path)
        t.ok(code == 1 and why in out + err, "refused with its line: %s, fetch %s" % (url, fetch), out + err)


def main():
    t = house.Tap()
    with tempfile.TemporaryDirectory(prefix="sekisho-hook-") as folder:
        with open(os.path.join(folder, "w.lab"), "w") as f:
            f.write(WORLD)
        code, _, err = house.run("lab", "rpki", "w.lab", "-q", "--seed", "7", "--servers", ".", cwd=folder)
        assert code == 0, err
        s, ca = hook(folder)
        try:
            t.case(refused, t, folder)
            with LabHouse(folder) as lab:
                t.case(test, t, folder, lab, s, ca)
        finally:
            house.stop_all()
            s.shutdown()
    return t.done()


if __name__ == "__main__":
    sys.exit(main())
