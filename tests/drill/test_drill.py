#!/usr/bin/env python3
"""Drills: break a world under a running daemon and look at what an operator,
a router and a support desk see; then heal it. doc/drills.md tells the same
for hands. Everything on loopback, in a folder of its own."""
import json
import os
import signal
import subprocess
import sys
import tempfile
import urllib.parse
import urllib.request

SRC = os.environ.get("SEKISHO_SRC") or os.path.normpath(
    os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
BUILD = os.environ.get("SEKISHO_BUILD") or os.path.join(SRC, "build")
sys.path.insert(0, os.path.join(SRC, "tests", "peer"))
sys.path.insert(0, os.path.join(SRC, "tests", "lab"))
import rtr2_client  # noqa: E402
from patience import free_port, patient, wait_for  # noqa: E402
from tap import Tap  # noqa: E402

SEKISHO = os.path.join(BUILD, "sekisho")
WORLD = """
ta drill {
	resources 192.0.2.0/24 198.51.100.0/24 2001:db8::/32 AS64496-AS64511
	ca edo {
		resources 192.0.2.0/24 2001:db8::/36 AS64496
		roa AS64496 192.0.2.0/24 name edo-v4
		roa AS64496 2001:db8::/36-48 name edo-v6
	}
	ca kyoto {
		resources 198.51.100.0/24 AS64497
		roa AS64497 198.51.100.0/24 name kyoto-v4
		aspa AS64497 AS64500 name kyoto-up
	}
}
"""
EDO = {"192.0.2.0/24", "2001:db8::/36"}
KYOTO = {"198.51.100.0/24"}

# what is planted, where | the finding | what the routers lose | asked | can what is lost be read?
DRILLS = [
    ("stale-manifest@edo", "RPKI_MFT_STALE", EDO, "192.0.2.0/24 AS64496", True),
    ("expired-crl@edo", "RPKI_CRL_STALE", EDO, "2001:db8::/36 AS64496", True),
    ("missing-file@edo-v4", "RPKI_MFT_FILE_MISSING", EDO, "192.0.2.0/24 AS64496", False),
    ("overclaim-ipv4@kyoto", "RPKI_CERT_OVERCLAIM", KYOTO, "198.51.100.0/24 AS64497", True),
    ("expired-ee@edo-v4", "RPKI_CERT_EXPIRED", {"192.0.2.0/24"}, "192.0.2.0/24 AS64496", True),
]


class House:
    def __init__(self, folder):
        self.folder = folder
        self.rtr, self.web = free_port(), free_port()
        self.conf = os.path.join(folder, "sekisho.conf")
        self.tree = os.path.join(folder, "tree")
        with open(os.path.join(folder, "w.lab"), "w") as f:
            f.write(WORLD)
        os.makedirs(os.path.join(folder, "state"))
        with open(self.conf, "w") as f:
            f.write("organisation:\n  asns: [AS64496]\n  prefixes: [192.0.2.0/24]\n"
                    "state: %s/state\nrpki:\n  tals: %s/drill.tal\n  tree: %s\n  interval: 1h\n"
                    "rtr:\n  listen: 127.0.0.1:%d\nweb:\n  listen: 127.0.0.1:%d\n"
                    "log:\n  op: %s/op.log\n"
                    % (folder, folder, self.tree, self.rtr, self.web, folder))
        self.proc = None

    def lab(self, *faults):
        """The same keys each time; other faults."""
        args = [SEKISHO, "lab", "rpki", os.path.join(self.folder, "w.lab"), "-q", "--seed", "7",
                "-o", self.tree, "--tal", os.path.join(self.folder, "drill.tal")]
        for f in faults:
            args += ["--fault", f]
        # The folder itself stays: a sandboxed role holds on to it.
        subprocess.run(["find", self.tree, "-type", "f", "-delete"], check=False,
                       stderr=subprocess.DEVNULL)
        subprocess.run(args, check=True, timeout=patient(60))

    def start(self):
        self.proc = subprocess.Popen([SEKISHO, "serve", "-c", self.conf],
                                     stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def stop(self):
        self.proc.send_signal(signal.SIGTERM)
        return self.proc.wait(timeout=patient(30))

    def reload(self):
        subprocess.run([SEKISHO, "reload", "-c", self.conf], check=True, timeout=patient(30),
                       stdout=subprocess.DEVNULL)

    def get(self, path):
        with urllib.request.urlopen("http://127.0.0.1:%d%s" % (self.web, path), timeout=patient(20)) as r:
            return r.read().decode()

    def explain(self, subject, lang="en"):
        return json.loads(self.get("/api/v1/explain?" + urllib.parse.urlencode(
            {"subject": subject, "lang": lang})))

    def routers_hold(self):
        """The prefixes that a router gets now, by a client of its own."""
        with rtr2_client.Session("127.0.0.1", self.rtr) as s:
            s.reset()
            assert not s.faults, s.faults
            return {prefix for _, prefix, _ in s.state.vrp_texts()}


def metric(text, name):
    return next((float(l.rsplit(" ", 1)[1]) for l in text.splitlines() if l.startswith(name)), 0.0)


def drill(t, h, fault, code, lost, ask, readable):
    h.lab(fault)
    h.reload()
    # Not what a look saw while the tree was being written.
    t.ok(wait_for(lambda: h.routers_hold() == (EDO | KYOTO) - lost and
                  metric(h.get("/metrics"), 'sekisho_findings_by_code{code="%s"' % code) >= 1 and
                  (h.explain(ask)["failed"] or {}).get("code") == code),
         "%s: routers lose just what it breaks" % fault)
    t.ok(metric(h.get("/metrics"), 'sekisho_findings_by_code{code="%s"' % code) >= 1,
         "%s: the metric says %s" % (fault, code))
    a = h.explain(ask)
    t.equal(a["state"], "NotFound", "%s: %s" % (fault, ask))
    t.equal(a["failed"] and a["failed"]["code"], code, "%s: the explanation names the rule" % fault)
    t.ok(bool(a["lost"]) == readable and bool(a["next"]), "%s: what is lost, and the next step" % fault)
    ja = h.explain(ask, "ja")
    t.ok(ja["next"] != a["next"] and ja["summary"] != a["summary"], "%s: also in Japanese" % fault)
    t.equal(a["ours"], "AS64496" in ask, "%s: ours is marked" % fault)
    h.lab()
    h.reload()
    t.ok(wait_for(lambda: h.routers_hold() == EDO | KYOTO), "%s: healed" % fault)


def main():
    t = Tap()
    with tempfile.TemporaryDirectory(prefix="sekisho-drill-") as folder:
        os.chmod(folder, 0o755)
        h = House(folder)
        h.lab()
        h.start()
        try:
            if t.ok(wait_for(lambda: h.routers_hold() == EDO | KYOTO), "the world is served"):
                for d in DRILLS:
                    drill(t, h, *d)
        finally:
            code = h.stop()
        t.equal(code, 0, "a clean stop")
        if t.failed:
            with open(os.path.join(folder, "op.log")) as f:
                t.diag(f.read()[-4000:])
    return t.done()


if __name__ == "__main__":
    sys.exit(main())
