#!/usr/bin/env python3
"""The page, the API and the metrics of a whole `sekisho serve` on a lab world."""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback
import urllib.error
import urllib.parse
import urllib.request

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import openmetrics
import webdriver
from patience import patient
from webdriver import ENTER

SRC, BUILD = os.environ["SEKISHO_SRC"], os.environ["SEKISHO_BUILD"]
SEKISHO = os.path.join(BUILD, "sekisho")
READY = "return document.body.dataset.ready === '1'"
CONF = """organisation:
  name: "Hakone <b>Net</b>"
  roles: [isp]
  asns: [AS64496, AS64497]
  prefixes: [192.0.2.0/24, "2001:db8::/36"]
rpki:
  tals: {dir}/tals
  tree: {dir}/tree
rtr:
  listen: 127.0.0.1:0
web:
  listen: 127.0.0.1:0
"""


class House:
    """A lab world and a daemon on it."""

    def __init__(self, folder):
        self.dir = folder
        os.mkdir(f"{folder}/tals")
        subprocess.run([SEKISHO, "lab", "rpki", "-o", f"{folder}/tree", "--tal", f"{folder}/tals",
                        f"{SRC}/etc/lab/demo.lab"], check=True, stdout=subprocess.DEVNULL)
        with open(f"{folder}/s.conf", "w", encoding="utf-8") as f:
            f.write(CONF.format(dir=folder))
        with open(f"{folder}/log", "w", encoding="utf-8") as log:
            self.process = subprocess.Popen(
                [SEKISHO, "serve", "-c", f"{folder}/s.conf", "--state", f"{folder}/state"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.ports = {}
        try:
            self.wait(self._find_ports)
            self.wait(lambda: self.get("/healthz")[0] == 200)
        except AssertionError:
            self.close()
            raise

    def log(self):
        with open(f"{self.dir}/log", encoding="utf-8") as f:
            return f.read()

    def wait(self, fn, seconds=20):
        end = time.monotonic() + patient(seconds)
        while True:
            try:
                value = fn()
                if value:
                    return value
            except (OSError, ValueError, KeyError):
                pass
            if time.monotonic() > end or self.process.poll() is not None:
                raise AssertionError(f"waited in vain; the log says:\n{self.log()}")
            time.sleep(0.1)

    def status(self):
        run = subprocess.run([SEKISHO, "status", "--json", "--state", f"{self.dir}/state"],
                             capture_output=True, text=True, check=False)
        return json.loads(run.stdout)

    def _find_ports(self):
        for row in self.status()["house"]["listen"]:
            self.ports[row["role"]] = int(row["address"].rpartition(":")[2])
        return "web" in self.ports and "rtr" in self.ports

    def url(self, path, **params):
        query = "?" + urllib.parse.urlencode(params) if params else ""
        return f"http://127.0.0.1:{self.ports['web']}{path}{query}"

    def get(self, path, headers=None, **params):
        """(status, body)"""
        req = urllib.request.Request(self.url(path, **params), headers=headers or {})
        try:
            with urllib.request.urlopen(req, timeout=patient(30)) as res:
                return res.status, res.read().decode()
        except urllib.error.HTTPError as e:
            return e.code, e.read().decode()

    def json(self, path, **params):
        return json.loads(self.get("/api/v1/" + path, **params)[1])

    def router(self, version):
        """A router that asks for everything and stays."""
        s = socket.create_connection(("127.0.0.1", self.ports["rtr"]), 10)
        s.sendall(bytes([version, 2, 0, 0, 0, 0, 0, 8]))
        s.recv(65536)
        return s

    def role_pid(self, name):
        for role in self.json("status")["roles"]:
            if role["name"] == name:
                return role["pid"]
        raise AssertionError(f"no role {name}")

    def close(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def equal(got, want, what=""):
    if got != want:
        raise AssertionError(f"{what}: {got!r}, expected {want!r}")


def true(ok, what):
    if not ok:
        raise AssertionError(what)


# --- cases without a browser ---

def status_counts_what_is_served(h, _):
    data = h.json("status")["data"]
    with open(f"{h.dir}/log", encoding="utf-8") as f:
        true("7 VRPs, 4 ASPAs" in f.read(), "the log and the page agree")
    equal((data["vrps4"] + data["vrps6"], data["aspas"]), (7, 4))
    equal([ta["name"] for ta in data["tas"]], ["demo"])


def metrics_are_openmetrics(h, _):
    code, text = h.get("/metrics")
    equal(code, 200)
    samples = openmetrics.parse(text)
    data = h.json("status")["data"]
    vrps = {dict(k[1])["family"]: v for k, v in samples.items() if k[0] == "sekisho_vrps"}
    equal(vrps, {"ipv4": data["vrps4"], "ipv6": data["vrps6"]})
    equal(samples[("sekisho_healthy", ())], 1)
    equal(samples[("sekisho_role_ready", (("role", "validate"),))], 1)
    true(0 <= samples[("sekisho_data_age_seconds", ())] < 600, "age")


def explains_through_validate(h, _):
    answer = h.json("explain", subject="192.0.2.0/24 AS64496", lang="en")
    equal((answer["state"], answer["ours"]), ("Valid", True))
    equal(answer["chain"][0]["type"], "ta")
    equal(answer["chain"][-1]["type"], "roa")
    equal(h.json("explain", subject="192.0.2.0/24 AS64511")["state"], "Invalid")
    equal(h.get("/api/v1/explain", subject="rubbish")[0], 400)


def vrps_and_explain_agree(h, _):
    for subject in ("192.0.2.0/24 AS64496", "192.0.2.0/24 AS1", "10.0.0.0/8 AS1"):
        prefix, asn = subject.split()
        state = h.json("vrps", prefix=prefix, asn=asn)["state"]
        answer = h.json("explain", subject=subject)["state"]
        equal(state.replace("-", ""), answer.lower(), subject)


def many_ask_at_once(h, _):
    """More questions than the queue holds: answers or a clear 'busy', nothing else."""
    socks = []
    for _n in range(40):
        s = socket.create_connection(("127.0.0.1", h.ports["web"]), 10)
        s.sendall(b"GET /api/v1/explain?subject=AS64496 HTTP/1.1\r\nHost: localhost\r\n"
                  b"Connection: close\r\n\r\n")
        socks.append(s)
    codes = []
    for s in socks:
        s.settimeout(30)
        codes.append(s.recv(4096)[9:12])
        s.close()
    true(set(codes) <= {b"200", b"503"} and b"200" in codes, codes)
    equal(h.get("/healthz")[0], 200)


def routers_are_listed(h, _):
    with h.router(0), h.router(1), h.router(2):
        h.wait(lambda: h.json("status")["routers"] == {"0": 1, "1": 1, "2": 1})
        equal(len(h.json("routers")["routers"]), 3)
        samples = openmetrics.parse(h.get("/metrics")[1])
        equal(samples[("sekisho_rtr_clients", (("version", "2"),))], 1)
    h.wait(lambda: h.json("status")["routers"] == {"0": 0, "1": 0, "2": 0})


def a_stranger_is_refused(h, _):
    for headers in ({"Host": "evil.example"}, {"Origin": "http://evil.example"},
                    {"Sec-Fetch-Site": "cross-site"}):
        equal(h.get("/api/v1/status", headers)[0], 403, str(headers))


# --- cases with a browser ---

def page_shows_the_world(h, b):
    b.go(h.url("/", lang="en"))
    b.wait(READY)
    equal(b.js("return [...document.querySelectorAll('#tiles dd')].slice(0, 3)"
               ".map(e => Number(e.innerText)).reduce((a, c) => a + c)"), 11, "VRPs and ASPAs")
    equal(b.text("#org"), "Hakone <b>Net</b>")
    equal(b.js("return document.querySelectorAll('#findings h3').length > 0"), True)


def page_explains(h, b):
    b.js("document.getElementById('q').focus()")
    b.keys("192.0.2.0/24 AS64496" + ENTER)
    b.wait("return /Valid:/.test(document.getElementById('answer-title')?.innerText ?? '')")
    true("hakone-v4.roa" in b.text("#answer"), b.text("#answer"))
    true("ours" in b.text("#answer .subject"), "what is ours is marked")


def page_is_japanese(h, b):
    b.go(h.url("/", lang="ja"))
    b.wait(READY)
    b.js("document.getElementById('q').focus()")
    b.keys("AS64496" + ENTER)
    b.wait("return !document.getElementById('answer').hidden")
    true("使用中のペイロード" in b.text("#answer-title"), b.text("#answer-title"))


def findings_can_be_asked(h, b):
    b.go(h.url("/", lang="en"))
    b.wait(READY)
    b.js("const d = document.querySelector('#findings details'); d.open = true;"
         "d.querySelector('button').click()")
    b.wait("return /Rejected|Lost/.test(document.getElementById('answer-title')?.innerText ?? '')")


def console_is_silent(h, b):
    equal([e["message"] for e in b.log() if e["level"] != "DEBUG"], [])


def validate_may_die(h, b):
    """The page goes on with the last good data; questions work again soon."""
    b.log()
    os.kill(h.role_pid("validate"), signal.SIGKILL)
    equal(h.json("status")["data"]["vrps4"], 4)
    h.wait(lambda: h.get("/api/v1/explain", subject="AS64496")[0] == 200)
    samples = openmetrics.parse(h.get("/metrics")[1])
    true(samples[("sekisho_role_restarts_total", (("role", "validate"),))] >= 1, "counted")


def web_may_die(h, b):
    os.kill(h.role_pid("web"), signal.SIGKILL)
    h.wait(lambda: h.get("/healthz")[0] == 200)
    h.wait(lambda: h.json("status")["data"]["vrps4"] == 4)


PLAIN = [status_counts_what_is_served, metrics_are_openmetrics, explains_through_validate,
         vrps_and_explain_agree, many_ask_at_once, routers_are_listed, a_stranger_is_refused]
PAGE = [page_shows_the_world, page_explains, page_is_japanese, findings_can_be_asked,
        console_is_silent, validate_may_die, web_may_die]


class Tap:
    def __init__(self, total):
        self.n = self.failed = 0
        print(f"1..{total}")

    def run(self, case, house, browser):
        problem = None
        try:
            case(house, browser)
        except (AssertionError, webdriver.WebDriverError) as e:
            problem = str(e)
        except Exception:
            problem = traceback.format_exc()
        self.n += 1
        self.failed += problem is not None
        print(f"{'ok' if problem is None else 'not ok'} {self.n} - {case.__name__}", flush=True)
        for line in (problem or "").splitlines():
            print(f"# {line}")

    def skip(self, case, why):
        self.n += 1
        print(f"ok {self.n} - {case.__name__} # SKIP {why}")


def main():
    tap = Tap(len(PLAIN) + len(PAGE))
    why = webdriver.missing()
    with tempfile.TemporaryDirectory(prefix="sekisho-serve-") as folder:
        os.chmod(folder, 0o755)
        house = House(folder)
        try:
            for case in PLAIN:
                tap.run(case, house, None)
            if why is not None:
                for case in PAGE:
                    tap.skip(case, why)
            else:
                with webdriver.Browser("en") as browser:
                    for case in PAGE:
                        tap.run(case, house, browser)
        finally:
            house.close()
    return 1 if tap.failed else 0


sys.exit(main())
