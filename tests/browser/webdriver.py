"""A small WebDriver client (W3C) for chromedriver: the standard library only."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lab"))
from patience import free_port, patient  # noqa: E402

ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
ENTER, TAB, SPACE, SHIFT, BACKSPACE = "\ue007", "\ue004", " ", "\ue008", "\ue003"


class WebDriverError(Exception):
    pass


def missing():
    """Why no browser test can run here, or None."""
    for name in ("chromium", "chromedriver"):
        if shutil.which(name) is None:
            return f"{name} is not installed (packages chromium, chromium-driver)"
    return None


class Browser:
    """One headless Chromium with an empty profile; a context manager."""

    def __init__(self, languages="en"):
        self.profile = tempfile.mkdtemp(prefix="sekisho-browser-")
        port = free_port()
        self.base = f"http://127.0.0.1:{port}"
        self.driver = subprocess.Popen(
            ["chromedriver", f"--port={port}"], stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env={**os.environ, "HOME": self.profile})
        self.session = ""
        try:
            self._wait_ready()
            self._open(languages)
        except Exception:
            self.close()
            raise

    def _wait_ready(self):
        for _ in range(round(patient(150))):
            try:
                if self._call("GET", "/status")["ready"]:
                    return
            except (OSError, WebDriverError):
                pass
            time.sleep(0.1)
        raise WebDriverError("chromedriver does not start")

    def _open(self, languages):
        options = {
            "binary": shutil.which("chromium"),
            "args": ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic",
                     "--no-first-run", "--disable-background-networking",
                     "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
                     "--window-size=1200,1000", f"--user-data-dir={self.profile}/profile"],
            "prefs": {"intl.accept_languages": languages},
        }
        made = self._call("POST", "/session", {"capabilities": {"alwaysMatch": {
            "browserName": "chrome", "goog:chromeOptions": options,
            "goog:loggingPrefs": {"browser": "ALL"},
            "timeouts": {"script": 160000, "pageLoad": 240000}}}})
        self.session = "/session/" + made["sessionId"]

    def _call(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        req = urllib.request.Request(self.base + path, data, method=method,
                                     headers={"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(req, timeout=patient(60)) as res:
                return json.load(res)["value"]
        except urllib.error.HTTPError as e:
            value = json.load(e).get("value", {})
            raise WebDriverError(f"{value.get('error')}: {value.get('message')}") from None

    def call(self, method, path, body=None):
        return self._call(method, self.session + path, body)

    def go(self, url):
        self.call("POST", "/url", {"url": url})

    def js(self, script, *args):
        return self.call("POST", "/execute/sync", {"script": script, "args": list(args)})

    def cdp(self, cmd, **params):
        return self.call("POST", "/goog/cdp/execute", {"cmd": cmd, "params": params})

    def wait(self, script, *args, seconds=15):
        """Until the script returns something true; its value."""
        end = time.monotonic() + patient(seconds)
        while True:
            value = self.js(script, *args)
            if value:
                return value
            if time.monotonic() > end:
                raise WebDriverError(f"still not true after {seconds} s: {script}")
            time.sleep(0.05)

    def find(self, css):
        return self.call("POST", "/element", {"using": "css selector", "value": css})[ELEMENT]

    def click(self, css):
        self.call("POST", f"/element/{self.find(css)}/click", {})

    def keys(self, text):
        """Press keys, wherever the focus is."""
        actions = []
        for c in text:
            actions += [{"type": "keyDown", "value": c}, {"type": "keyUp", "value": c}]
        self.call("POST", "/actions", {"actions": [
            {"type": "key", "id": "keyboard", "actions": actions}]})

    def text(self, css):
        return self.js("const e = document.querySelector(arguments[0]);"
                       "return e === null ? '' : e.innerText;", css)

    def log(self):
        return self.call("POST", "/se/log", {"type": "browser"})

    def close(self):
        if self.session:
            try:
                self.call("DELETE", "")
            except (OSError, WebDriverError):
                pass
        self.driver.terminate()
        try:
            self.driver.wait(10)
        except subprocess.TimeoutExpired:
            self.driver.kill()
            self.driver.wait()
        shutil.rmtree(self.profile, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
