#!/usr/bin/env python3
"""sekisho zone sign with keys in a token (SoftHSM): what signs is what is published."""

import os
import shutil
import subprocess
import sys
import tempfile

SRC = os.environ.get("SEKISHO_SRC") or os.path.normpath(
    os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
BUILD = os.environ.get("SEKISHO_BUILD") or os.path.join(SRC, "build")
sys.path.insert(0, os.path.join(SRC, "tests", "peer"))
from tap import Tap  # noqa: E402

SEKISHO = os.path.join(BUILD, "sekisho")
MODULES = ["/usr/lib/softhsm/libsofthsm2.so", "/usr/lib64/pkcs11/libsofthsm2.so"]
PIN = "sekisho-1234"
ZONE = """$ORIGIN example.jp.
$TTL 3600
@ SOA ns1 host 2026112200 7200 3600 1209600 600
 NS ns1
ns1 A 192.0.2.1
www A 192.0.2.80
*.w TXT "x"
"""


class Place:
    def __init__(self, module):
        self.dir = tempfile.mkdtemp(prefix="sekisho-token-")
        self.module = module
        self.keys = self.path("keys")
        self.zone = self.path("example.jp.zone")
        self.out = self.zone + ".signed"
        self.env = {"LANG": "C", "PATH": os.environ["PATH"], "SOFTHSM2_CONF": self.path("softhsm2.conf")}
        os.mkdir(self.keys)
        os.mkdir(self.path("tokens"))
        self.write("softhsm2.conf", f"directories.tokendir = {self.path('tokens')}\n"
                   "objectstore.backend = file\nlog.level = ERROR\n")
        # SoftHSM 2.6.1 leaks an octet string at each C_SignInit of an EdDSA key (seen 2026-11-22).
        self.write("lsan", "leak:libsofthsm2.so\n")
        self.env["LSAN_OPTIONS"] = "print_suppressions=0:suppressions=" + self.path("lsan")
        self.env["ASAN_OPTIONS"] = os.environ.get("ASAN_OPTIONS", "") + ":fast_unwind_on_malloc=0"
        self.write("pin", PIN + "\n")
        os.chmod(self.path("pin"), 0o600)
        self.write("example.jp.zone", ZONE)
        subprocess.run(["softhsm2-util", "--init-token", "--free", "--label", "zones", "--pin", PIN,
                        "--so-pin", PIN], env=self.env, check=True, stdout=subprocess.DEVNULL, timeout=60)

    def path(self, name):
        return os.path.join(self.dir, name)

    def write(self, name, text):
        with open(self.path(name), "w") as f:
            f.write(text)

    def run(self, *argv):
        p = subprocess.run([SEKISHO, "zone", "sign", self.zone, "--afresh", *argv], env=self.env, text=True,
                           stdin=subprocess.DEVNULL, capture_output=True, timeout=60)
        return p.returncode, p.stderr

    def sign(self, *more, keys=None, module=None, pin="pin"):
        return self.run("-K", keys or self.keys, "--pkcs11", module or self.module,
                        "--pin-file", self.path(pin), *more)

    def files(self, end, keys=None):
        return sorted(n for n in os.listdir(keys or self.keys) if n.endswith(end))

    def signed(self):
        with open(self.out) as f:
            return f.read()

    def __enter__(self):
        return self

    def __exit__(self, *why):
        shutil.rmtree(self.dir)


def verified(t, p, what):
    if shutil.which("dnssec-verify") is None:
        t.skip(what, "dnssec-verify is not installed")
        return
    r = subprocess.run(["dnssec-verify", "-q", "-z", "-o", "example.jp", p.out], capture_output=True, text=True,
                       timeout=60)
    t.ok(r.returncode == 0, what, r.stdout + r.stderr)


def algorithms(t, module):
    """Keys made in the token; no private key is on the disk."""
    with Place(module) as p:
        for alg, csk in (("13", ()), ("8", ("--csk",)), ("14", ("--csk",)), ("15", ("--csk",)), ("16", ("--csk",))):
            keys = p.path("k" + alg)
            os.mkdir(keys)
            rc, err = p.sign("--generate", alg, "--token", "pkcs11:token=zones", *csk, keys=keys)
            t.ok(rc == 0 and len(p.files(".uri", keys)) == 2 - len(csk) and not p.files(".pem", keys),
                 f"algorithm {alg}: made in the token", err)
            verified(t, p, f"algorithm {alg}: dnssec-verify agrees")
            rc, err = p.sign(keys=keys)
            t.ok(rc == 0 and "all of it verified" in err, f"algorithm {alg}: found again by its URI", err)


def mixed(t, module):
    """The key-signing key in the token, the other one in a file."""
    with Place(module) as p:
        files = p.path("files")
        os.mkdir(files)
        p.sign("--generate", "13")
        p.run("-K", files, "--generate", "13")
        for n in p.files(".key"):
            with open(os.path.join(p.keys, n)) as f:
                if " 256 3 13 " in f.read():
                    os.remove(os.path.join(p.keys, n))
                    os.remove(os.path.join(p.keys, n[:-4] + ".uri"))
        for n in p.files(".key", files):
            with open(os.path.join(files, n)) as f:
                if " 256 3 13 " in f.read():
                    shutil.copy(os.path.join(files, n), p.keys)
                    shutil.copy(os.path.join(files, n[:-4] + ".pem"), p.keys)
        rc, err = p.sign()
        t.ok(rc == 0 and len(p.files(".uri")) == 1 and len(p.files(".pem")) == 1,
             "one key in the token, one in a file", err)
        verified(t, p, "one key in the token, one in a file: dnssec-verify agrees")


def wrong(t, module):
    with Place(module) as p:
        p.sign("--generate", "13")
        before = p.signed()
        uris = [os.path.join(p.keys, n) for n in p.files(".uri")]
        texts = [open(u).read() for u in uris]

        def refused(what, *codes, **how):
            rc, err = p.sign(**how)
            t.ok(rc == 1 and all(c in err for c in codes) and p.signed() == before, what, err)

        rc, err = p.run("-K", p.keys)
        t.ok(rc == 3 and "--pkcs11" in err and p.signed() == before, "without a module nothing is signed", err)

        for u, text in zip(uris, reversed(texts)):
            with open(u, "w") as f:
                f.write(text)
        refused("two URIs exchanged: the probe does not verify with the published key", "KEYRING_PROBE")

        other = p.path("other")
        os.mkdir(other)
        p.sign("--generate", "15", "--csk", keys=other)
        before = p.signed()
        shutil.copy(os.path.join(other, p.files(".uri", other)[0]), uris[0])
        refused("a key of another kind", "KEYRING_TOKEN")

        with open(uris[0], "w") as f:
            f.write("pkcs11:token=zones;id=%01%02\n")
        refused("a key that is not there", "KEYRING_TOKEN", "HSM_KEY_ABSENT")
        with open(uris[0], "w") as f:
            f.write("two\nlines\n")
        refused("a .uri file that holds no URI", "KEYRING_PRIVATE")
        with open(uris[0], "w") as f:
            f.write("pkcs11:token=others;id=%01\n")
        with open(uris[1], "w") as f:
            f.write("pkcs11:token=others;id=%01\n")
        refused("another token", "HSM_TOKEN_ABSENT")
        for u, text in zip(uris, texts):
            with open(u, "w") as f:
                f.write(text)

        refused("a module that is not named by its whole path", "HSM_MODULE_PATH", module="libsofthsm2.so")
        os.chmod(p.path("pin"), 0o644)
        refused("a PIN that others may read", "HSM_PIN_FILE")
        p.write("pin2", "987654321\n")
        os.chmod(p.path("pin2"), 0o600)
        refused("a wrong PIN", "HSM_PIN_REFUSED", pin="pin2")
        os.chmod(p.path("pin"), 0o600)
        rc, err = p.sign()
        t.ok(rc == 0, "all is in order again", err)


def main():
    t = Tap()
    module = next((m for m in MODULES if os.path.exists(m)), None)
    if module is None or shutil.which("softhsm2-util") is None:
        t.skip("keys in a token", "SoftHSM 2 is not installed")
        return t.done()
    for part in (algorithms, mixed, wrong):
        t.case(part, t, module)
    return t.done()


if __name__ == "__main__":
    sys.exit(main())
